//! Reviewing or inviting many entries in one call, one after the other, each with an outcome of its own.

use std::collections::HashSet;

use time::Duration;

use super::invite::{self, Invitation};
use crate::command::{EntryRejection, InviteRejection, Review, ReviewEntry};
use crate::error::{CommandError, Fault, RemoteError};
use crate::id::{EntryId, EventId};
use crate::invite::InviteError;
use crate::port::Ports;
use crate::waitlist::Waitlist;

/// The most ids of one call, repeated ones counted.
pub const MAX_IDS: usize = 100;

/// How long entries of one call are begun with: a caller has an answer while it still waits for one.
pub const BUDGET: Duration = Duration::seconds(45);

/// What is done with every entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It is approved or rejected.
    Review(Review),
    /// It is invited into an app.
    Invite(Invitation),
}

/// Why one of them was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum BulkRejection {
    /// It could not be reviewed.
    #[error(transparent)]
    Review(EntryRejection),
    /// It could not be invited.
    #[error(transparent)]
    Invite(InviteRejection),
}

/// What became of one id, as it was given.
#[derive(Debug)]
pub struct Row {
    /// The id.
    pub id: String,
    /// What became of it.
    pub outcome: Result<(), CommandError<BulkRejection>>,
}

/// Acts on the entries of those ids in their order, a repeated id once. An id that cannot exist is one that does not, and
/// no failure keeps the others from being tried, but for two: once the service that invites did not answer in time, nobody waits
/// for it again and again, and once the [`BUDGET`] is used up, the rest is not begun with.
pub async fn run(ports: &Ports, waitlist: &Waitlist, ids: Vec<String>, action: &Action) -> Vec<Row> {
    let mut rows = Vec::with_capacity(ids.len());
    let mut silent = None;
    let end = ports.clock.now().plus(BUDGET);
    for id in distinct(ids) {
        let outcome = match (EntryId::parse(&id), action, silent) {
            (Err(_), Action::Review(_), _) => Err(CommandError::Rejected(BulkRejection::Review(EntryRejection::NoSuchEntry))),
            (Err(_), Action::Invite(_), _) => Err(CommandError::Rejected(BulkRejection::Invite(InviteRejection::NoSuchEntry))),
            (Ok(_), Action::Invite(_), Some(service)) => Err(CommandError::Rejected(timed_out(service))),
            (Ok(_), _, _) if ports.clock.now() >= end => Err(Fault::unavailable("no time was left").into()),
            (Ok(entry_id), Action::Review(kind), _) => review(ports, waitlist, entry_id, *kind).await,
            (Ok(entry_id), Action::Invite(invitation), None) => {
                let invited = invite::run(ports, waitlist, entry_id, invitation).await;
                if let Err(CommandError::Rejected(InviteRejection::Invite(InviteError::Remote(RemoteError::TimedOut { service })))) =
                    &invited
                {
                    silent = Some(*service);
                }
                invited.map(|_| ()).map_err(|error| error.map_rejection(BulkRejection::Invite))
            }
        };
        rows.push(Row { id, outcome });
    }
    rows
}

async fn review(ports: &Ports, waitlist: &Waitlist, entry_id: EntryId, review: Review) -> Result<(), CommandError<BulkRejection>> {
    let event_id = EventId::new(ports.ids.uuid());
    let now = ports.clock.now();
    let command = ReviewEntry { waitlist_id: waitlist.id, entry_id, review, event_id, now, links: ports.links.clone() };
    ports.entries.review(command).await.map(|_| ()).map_err(|error| error.map_rejection(BulkRejection::Review))
}

fn timed_out(service: &'static str) -> BulkRejection {
    BulkRejection::Invite(InviteRejection::Invite(InviteError::Remote(RemoteError::TimedOut { service })))
}

/// The ids without repetitions; the case of a UUID's digits does not matter.
fn distinct(ids: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    ids.into_iter().filter(|id| seen.insert(id.to_ascii_lowercase())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_id_counts_once_in_its_first_place() {
        let ids = ["b", "A", "a", "b", "c"].map(str::to_owned).to_vec();
        assert_eq!(distinct(ids), ["b", "A", "c"]);
    }
}
