//! Purging deleted objects.

use async_trait::async_trait;

use crate::error::Fault;

/// Purges deleted objects. A deletion is short and takes effect at once. The rows that belonged to the deleted object are deleted in the
/// background, by any process, and also after a restart.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PurgeStore: Send + Sync {
    /// Purges one batch, about that many rows of a table, in one short transaction. Returns whether rows may be left. A batch that another
    /// process works on is skipped.
    ///
    /// - In the end it MUST delete all that belonged to the deleted object, and nothing else:
    ///   `purges::a_purge_takes_what_was_deleted_and_nothing_else`, `purges::a_deleted_webhook_is_purged`,
    ///   `purges::a_purge_leaves_logs_and_tests_alone`, `deletions::totals_are_right_though_friends_change_before_the_purge`,
    ///   `purges::what_waited_for_a_switched_webhook_is_held_in_time`, `purges::a_deleted_referrer_of_many_is_forgotten`,
    ///   `suppressions::a_purge_takes_the_suppressions_of_a_deleted_workspace`, `erasures::a_deleted_list_takes_its_tombstones_with_it`.
    /// - In the end the events of an erased entry MUST have the body of [`Event::reduced_body`](crate::event::Event::reduced_body), the log
    ///   of their attempts no answer of a receiver, and other events and attempts MUST stay as they are:
    ///   `erasures::a_purge_reduces_the_events_of_an_erased_entry`, `erasures::answers_are_removed_though_the_list_is_deleted`.
    /// - If the store has a log of its own that still has the data, such a purge MUST NOT end before the log is emptied. Not checked: it
    ///   takes a store with such a log, which the tests of the SQLite store have.
    /// - A purge that was dropped MUST continue where it was: `abandoned::a_purge_goes_on_where_it_was_left`,
    ///   `abandoned::a_purge_of_traces_goes_on_where_it_was_left`.
    /// - It MUST NOT hold a lock that others wait for longer than the batch takes. SQL stores are checked by
    ///   `purges::what_is_large_is_deleted_in_a_moment_and_purged_beside_others`.
    async fn purge(&self, rows: usize) -> Result<bool, Fault>;

    /// Notes a purge of rows that lack one, and returns how many purges it noted. Such rows belong to a missing workspace, waitlist or
    /// webhook that an older program deleted, or wait for a webhook that was disabled or enabled while the change that wrote them was under
    /// way. An older program also deletes the note of an erasure without a look at the rows.
    ///
    /// - It MUST find the rows that an older program left. SQL stores are checked by `purges::orphans_are_found_and_purged`
    ///   and `erasures::an_erasure_whose_note_was_lost_is_finished`.
    /// - It MUST find deliveries that a change wrote for a webhook that was disabled or enabled meanwhile, if the store lets the two
    ///   overlap. Not checked: it takes a transaction that stays open, which the tests of the PostgreSQL store have.
    /// - The cost MUST grow only with the number of workspaces, waitlists and webhooks. Not checked: benchmarks and the store's query plans
    ///   show a cost.
    async fn find_orphans(&self) -> Result<u64, Fault>;

    /// How many purges are not finished.
    async fn backlog(&self) -> Result<u64, Fault>;
}
