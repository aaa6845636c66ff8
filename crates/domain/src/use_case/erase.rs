//! Erasing a person from a list.

use super::link::LinkRejection;
use crate::actor::Actor;
use crate::command::EraseEntry;
use crate::entry::Entry;
use crate::error::{CommandError, Fault};
use crate::id::{EntryId, EventId, SuppressionId, WaitlistId};
use crate::port::Ports;

/// Erases an entry of a list. Returns whether the list had the entry.
///
/// # Errors
/// If the store fails.
pub async fn erase(ports: &Ports, waitlist_id: WaitlistId, entry_id: EntryId, actor: Actor) -> Result<bool, Fault> {
    let (suppression_id, event_id) = (SuppressionId::new(ports.ids.uuid()), EventId::new(ports.ids.uuid()));
    let (now, links) = (ports.clock.now(), ports.links.clone());
    ports.entries.erase(EraseEntry { waitlist_id, entry_id, suppression_id, event_id, actor, now, links }).await
}

/// Erases the entry of a person who leaves.
///
/// # Errors
/// If it is gone since its link was opened.
pub async fn leave(ports: &Ports, entry: &Entry) -> Result<(), CommandError<LinkRejection>> {
    let erased = erase(ports, entry.waitlist_id, entry.id, Actor::Visitor).await?;
    if erased { Ok(()) } else { Err(CommandError::Rejected(LinkRejection::NoSuchLink)) }
}
