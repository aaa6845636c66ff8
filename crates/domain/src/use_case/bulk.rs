//! Reviewing or inviting many entries in one call, one after the other. Each entry has a result of its own.

use std::collections::HashSet;

use time::Duration;

use super::invite::{self, Invitation};
use crate::actor::Actor;
use crate::command::{EntryRejection, InviteRejection, Review, ReviewEntry};
use crate::error::{CommandError, Fault, RemoteError};
use crate::id::{EntryId, EventId};
use crate::invite::InviteError;
use crate::port::Ports;
use crate::waitlist::Waitlist;

/// The most ids of one call. Repeated ids count.
pub const MAX_IDS: usize = 100;

/// Time in which a bulk call starts entries. It is short enough for the client to get an answer while it still waits.
pub const BUDGET: Duration = Duration::seconds(45);

/// The action on each entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Approve or reject it.
    Review(Review),
    /// Invite it into an app.
    Invite(Invitation),
}

/// Why an entry was left unchanged.
#[derive(Debug, thiserror::Error)]
pub enum BulkRejection {
    /// The review was rejected.
    #[error(transparent)]
    Review(EntryRejection),
    /// The invitation was rejected.
    #[error(transparent)]
    Invite(InviteRejection),
}

/// The result for one id, written as in the request.
#[derive(Debug)]
pub struct Row {
    /// The id.
    pub id: String,
    /// The result.
    pub outcome: Result<(), CommandError<BulkRejection>>,
}

/// Acts on the entries of these ids in their order, once for a repeated id. Whoever takes the ids from a client checks [`MAX_IDS`].
///
/// An id that is not a UUID counts as one that does not exist. A failure does not stop the entries after it, with two exceptions. If the
/// service that invites did not answer in time, the remaining entries fail without a call. If the [`BUDGET`] is used up, the remaining
/// entries are not started.
pub async fn run(ports: &Ports, actor: &Actor, waitlist: &Waitlist, ids: Vec<String>, action: &Action) -> Vec<Row> {
    let mut rows = Vec::with_capacity(ids.len());
    let mut silent = None;
    let end = ports.clock.now().plus(BUDGET);
    for id in distinct(ids) {
        let outcome = match (EntryId::parse(&id), action, silent) {
            (Err(_), Action::Review(_), _) => Err(CommandError::Rejected(BulkRejection::Review(EntryRejection::NoSuchEntry))),
            (Err(_), Action::Invite(_), _) => Err(CommandError::Rejected(BulkRejection::Invite(InviteRejection::NoSuchEntry))),
            (Ok(_), Action::Invite(_), Some(service)) => Err(CommandError::Rejected(timed_out(service))),
            (Ok(_), _, _) if ports.clock.now() >= end => Err(Fault::unavailable("no time was left").into()),
            (Ok(entry_id), _, _) => act(ports, actor, waitlist, entry_id, action).await,
        };
        if let Err(CommandError::Rejected(BulkRejection::Invite(InviteRejection::Invite(InviteError::Remote(error))))) = &outcome
            && let RemoteError::TimedOut { service } = error
        {
            silent = Some(*service);
        }
        rows.push(Row { id, outcome });
    }
    rows
}

/// Acts on an entry.
///
/// # Errors
/// If the entry cannot change so, or the store or the service that invites fails.
pub async fn act(
    ports: &Ports,
    actor: &Actor,
    waitlist: &Waitlist,
    entry_id: EntryId,
    action: &Action,
) -> Result<(), CommandError<BulkRejection>> {
    match action {
        Action::Review(review) => {
            let (event_id, now) = (EventId::new(ports.ids.uuid()), ports.clock.now());
            let (actor, links) = (actor.clone(), ports.links.clone());
            let command = ReviewEntry { waitlist_id: waitlist.id, entry_id, review: *review, event_id, actor, now, links };
            ports.entries.review(command).await.map(|_| ()).map_err(|error| error.map_rejection(BulkRejection::Review))
        }
        Action::Invite(invitation) => {
            let invited = invite::run(ports, actor, waitlist, entry_id, invitation).await;
            invited.map(|_| ()).map_err(|error| error.map_rejection(BulkRejection::Invite))
        }
    }
}

fn timed_out(service: &'static str) -> BulkRejection {
    BulkRejection::Invite(InviteRejection::Invite(InviteError::Remote(RemoteError::TimedOut { service })))
}

/// Returns the ids without repetitions. The case of the digits of a UUID does not matter.
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
