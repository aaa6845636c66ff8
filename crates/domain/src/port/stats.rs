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
    async fn leaders(&self, waitlist_id: WaitlistId, limit: Limit) -> Result<Arc<[Leader]>, Fault>;

    /// What the counters say at one moment, given the UTC day it is.
    ///
    /// - They MUST equal what counting the rows would give, but for those that a deleted entry referred, until they are purged:
    ///   `stats::analytics_follow_every_change`, `stats::counters_stay_true_under_parallel_changes`.
    async fn analytics(&self, waitlist_id: WaitlistId, today: Date) -> Result<Analytics, Fault>;

    /// Sign-ups by UTC day; days without any are left out.
    async fn timeline(&self, waitlist_id: WaitlistId, span: DaySpan) -> Result<BTreeMap<Date, u64>, Fault>;

    /// Counts the rows of every waitlist anew and puts the counters right where they differ. This one may take long.
    ///
    /// - Afterwards they MUST be right, however they came to be wrong: `stats::a_wrong_total_is_put_right`; and, for SQL stores,
    ///   `stats::a_rebuild_puts_wrong_counters_right`.
    async fn rebuild(&self) -> Result<Rebuilt, Fault>;
}
