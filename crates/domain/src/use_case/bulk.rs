//! Reviewing many entries in one call, one after the other, each with an outcome of its own.

use std::collections::HashSet;

use crate::command::{EntryRejection, Review, ReviewEntry};
use crate::error::CommandError;
use crate::id::{EntryId, EventId, WaitlistId};
use crate::ports::Ports;

/// The most ids of one call, repeated ones counted.
pub const MAX_IDS: usize = 100;

/// What became of one id, as it was given.
#[derive(Debug)]
pub struct Row {
    /// The id.
    pub id: String,
    /// What became of it.
    pub outcome: Result<(), CommandError<EntryRejection>>,
}

/// Reviews the entries of those ids in their order, a repeated id once. An id that cannot exist is one that does not, and
/// no failure keeps the others from being tried.
pub async fn run(ports: &Ports, waitlist_id: WaitlistId, ids: Vec<String>, review: Review) -> Vec<Row> {
    let mut rows = Vec::with_capacity(ids.len());
    for id in distinct(ids) {
        let outcome = match EntryId::parse(&id) {
            Ok(entry_id) => {
                let event_id = EventId::new(ports.ids.uuid());
                let command = ReviewEntry { waitlist_id, entry_id, review, event_id, now: ports.clock.now() };
                ports.entries.review(command).await.map(|_| ())
            }
            Err(_) => Err(CommandError::Rejected(EntryRejection::NoSuchEntry)),
        };
        rows.push(Row { id, outcome });
    }
    rows
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
