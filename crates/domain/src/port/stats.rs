//! The totals of waitlists.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use time::Date;

use crate::analytics::{Analytics, DaySpan};
use crate::entry::Leader;
use crate::error::Fault;
use crate::id::WaitlistId;
use crate::paging::Limit;

/// What counting anew found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// Waitlists counted.
    pub waitlists: u64,
    /// Waitlists whose counters were wrong.
    pub corrected: u64,
}

/// Reads totals of a waitlist.
///
/// - But for [`rebuild`](EntryStats::rebuild) the cost of each method MUST NOT grow with the number of entries. Not checked: a cost is for
///   a benchmark and for the store's plans to tell.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait EntryStats: Send + Sync {
    /// How many entries a waitlist has.
    async fn count(&self, waitlist_id: WaitlistId) -> Result<u64, Fault>;

    /// The leaderboard: the lines of [`Leader::of`] in the order of [`Leader`].
    ///
    /// - A line MUST be gone when this is asked after its entry was rejected or deleted:
    ///   `stats::tops_have_ten_rows_and_no_rejected_ones`, `entries::deleted_people_lead_no_more`.
    /// - A line MUST be back when its entry was approved after all: `entries::a_person_leads_again_once_approved`.
    /// - A change MUST show at once in the process that made it, and within a second in another one:
    ///   `entries::a_new_leader_shows_elsewhere_within_a_second`.
    async fn leaders(&self, waitlist_id: WaitlistId, limit: Limit) -> Result<Arc<[Leader]>, Fault>;

    /// What the counters say at one moment, given the UTC day it is.
    ///
    /// - They MUST equal what counting the rows would give, but for those that a deleted entry referred, until they are purged:
    ///   `stats::analytics_follow_every_change`, `stats::counters_stay_true_under_parallel_changes`.
    /// - Nothing of another waitlist MUST be counted, here and by every other method: `stats::nothing_of_another_waitlist_is_counted`.
    /// - The days of this week and of this month MUST be there: `stats::analytics_reach_back_to_monday_and_to_the_first`.
    /// - Variants MUST be in the order they were created: `stats::variants_are_counted_in_the_order_of_their_creation`.
    /// - A row of those who lead MUST tell who it is: `stats::tops_tell_who_leads`.
    async fn analytics(&self, waitlist_id: WaitlistId, today: Date) -> Result<Analytics, Fault>;

    /// Sign-ups by UTC day; days without any are left out.
    async fn timeline(&self, waitlist_id: WaitlistId, span: DaySpan) -> Result<BTreeMap<Date, u64>, Fault>;

    /// Counts the rows of every waitlist anew and puts the counters right where they differ. This one may take long.
    ///
    /// - The last position MUST stay: `stats::a_rebuild_keeps_the_last_position`.
    /// - Afterwards they MUST be right, however they came to be wrong: `stats::a_wrong_total_is_put_right`; and, for SQL stores,
    ///   `stats::a_rebuild_puts_wrong_counters_right`.
    async fn rebuild(&self) -> Result<Rebuilt, Fault>;
}
