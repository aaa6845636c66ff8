//! Erasing a person from a list.

use super::link::{LinkRejection, find_visitor};
use crate::actor::Actor;
use crate::command::EraseEntry;
use crate::error::{CommandError, Fault};
use crate::id::{EntryId, SuppressionId, WaitlistId};
use crate::port::Ports;

/// Erases an entry of a list. Returns whether the list had the entry.
///
/// # Errors
/// If the store fails.
pub async fn erase(ports: &Ports, waitlist_id: WaitlistId, entry_id: EntryId, actor: Actor) -> Result<bool, Fault> {
    let suppression_id = SuppressionId::new(ports.ids.uuid());
    let (now, links) = (ports.clock.now(), ports.links.clone());
    ports.entries.erase(EraseEntry { waitlist_id, entry_id, suppression_id, actor, now, links }).await
}

/// Erases the entry whose person a token of their own page names.
///
/// # Errors
/// If the token is not that of an entry, or was replaced by another one.
pub async fn leave(ports: &Ports, token: &str) -> Result<(), CommandError<LinkRejection>> {
    let entry = find_visitor(ports, token).await?;
    let erased = erase(ports, entry.waitlist_id, entry.id, Actor::Visitor).await?;
    if erased { Ok(()) } else { Err(CommandError::Rejected(LinkRejection::NoSuchLink)) }
}
