//! The feeds of workspaces.

use async_trait::async_trait;

use crate::error::Fault;
use crate::feed::{FeedPage, FeedQuery};
use crate::id::WorkspaceId;

/// The events of each workspace in one order, for readers who pull them.
///
/// - The feed MUST have every event that is committed once, whichever transaction began first:
///   `feeds::parallel_writers_and_readers_miss_nothing`.
/// - An event MUST NOT come before one that was read already, and events of one list MUST be in the order of their changes:
///   `feeds::events_of_a_list_keep_their_order`, `feeds::parallel_writers_and_readers_miss_nothing`.
/// - A test of a webhook MUST NOT be in the feed: `feeds::a_test_is_in_no_feed`.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait EventFeed: Send + Sync {
    /// Gives the next numbers of a feed to the oldest events of a workspace that have none, at most that many. Returns how many got one.
    ///
    /// - Several processes MUST NOT give a number twice, nor two numbers to an event: `feeds::processes_number_events_together`.
    /// - It MUST NOT number more than that many: `feeds::processes_number_events_together`.
    /// - An event MUST keep its number, so that a reader goes on where it was: `feeds::a_reader_goes_on_where_it_was`.
    async fn number(&self, workspace_id: WorkspaceId, most: usize) -> Result<usize, Fault>;

    /// Those of some workspaces whose feed has an event after the given number, or an event without a number.
    ///
    /// - Each of them MUST be returned, and no other one: `feeds::news_are_told_of_the_workspaces_that_have_them`.
    /// - The cost MUST NOT grow with the events. Not checked: the store's query plans show a cost.
    async fn news(&self, seen: Vec<(WorkspaceId, u64)>) -> Result<Vec<WorkspaceId>, Fault>;

    /// A page of the numbered events of a workspace, cut by [`FeedQuery::cut`] and shown by
    /// [`ToldEvent::shown`](crate::feed::ToldEvent::shown).
    /// `None` means that the store does not have the event of `after` under its number, or that this event happened before `oldest`.
    ///
    /// - Events of another workspace MUST NOT be there: `feeds::a_feed_is_of_one_workspace`.
    /// - Events of a deleted waitlist MUST NOT be shown, even before it is purged: `feeds::a_deleted_waitlist_leaves_the_feed`.
    ///   A key of such an event MUST stay good for as long as another: `feeds::a_reader_goes_on_after_a_list_is_deleted`.
    /// - An event of an entry that was deleted MUST be reduced, even before a purge: `feeds::a_deleted_entry_is_reduced_in_the_feed`.
    /// - A filter MUST leave out only what it names: `feeds::a_filter_leaves_the_rest_in_its_order`.
    /// - A key whose event is gone, too old or of another number MUST be refused, and an event that is too old MUST NOT be shown, even
    ///   before
    ///   it is pruned: `feeds::a_key_without_its_event_is_refused`.
    async fn page(&self, query: FeedQuery) -> Result<Option<FeedPage>, Fault>;
}
