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

/// The result of a rebuild.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// Waitlists counted.
    pub waitlists: u64,
    /// Waitlists whose counters were wrong.
    pub corrected: u64,
}

/// Reads the totals of a waitlist.
///
/// - Except for [`rebuild`](EntryStats::rebuild) the cost of each method MUST NOT grow with the number of entries. Not checked: benchmarks
///   and the store's query plans show a cost.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait EntryStats: Send + Sync {
    /// How many entries a waitlist has, with those that were erased.
    async fn count(&self, waitlist_id: WaitlistId) -> Result<u64, Fault>;

    /// How many entries stand on a waitlist: as many as `max_entries` limits. Those that were erased have left it.
    ///
    /// - Rejected entries MUST count, and those that were erased or deleted MUST NOT: `stats::who_left_stands_no_more`.
    async fn standing(&self, waitlist_id: WaitlistId) -> Result<u64, Fault>;

    /// The leaderboard: the lines of [`Leader::of`] in the order of [`Leader`].
    ///
    /// - A line MUST be gone once its entry is rejected or deleted: `stats::tops_have_ten_rows_and_no_rejected_ones`,
    ///   `entries::deleted_people_lead_no_more`.
    /// - A line MUST be back once its rejected entry is approved: `entries::a_person_leads_again_once_approved`.
    /// - A change MUST show at once in the process that made it, and within a second in another one:
    ///   `entries::a_new_leader_shows_elsewhere_within_a_second`.
    async fn leaders(&self, waitlist_id: WaitlistId, limit: Limit) -> Result<Arc<[Leader]>, Fault>;

    /// The counters at one moment, for the current UTC day.
    ///
    /// - They MUST equal a count of the rows, except that the referrals of a deleted entry count until their purge:
    ///   `stats::analytics_follow_every_change`, `erasures::an_erased_entry_is_still_counted`,
    /// `stats::counters_stay_true_under_parallel_changes`.
    /// - Nothing of another waitlist MUST be counted, here or by any other method: `stats::nothing_of_another_waitlist_is_counted`.
    /// - The days of this week and of this month MUST be there: `stats::analytics_reach_back_to_monday_and_to_the_first`.
    /// - Variants MUST be in the order they were created: `stats::variants_are_counted_in_the_order_of_their_creation`.
    /// - A row of a top referrer MUST have the address and the code: `stats::tops_tell_who_leads`.
    async fn analytics(&self, waitlist_id: WaitlistId, today: Date) -> Result<Analytics, Fault>;

    /// Sign-ups by UTC day. Days without any are left out.
    async fn timeline(&self, waitlist_id: WaitlistId, span: DaySpan) -> Result<BTreeMap<Date, u64>, Fault>;

    /// Counts the rows of every waitlist anew and corrects the counters that differ. Only this method may take long.
    ///
    /// - The referrals of every entry MUST equal its credited rows: `referrals::a_rebuild_counts_the_credited_rows`.
    /// - The last position MUST stay: `stats::a_rebuild_keeps_the_last_position`.
    /// - Afterwards they MUST be right, whatever made them wrong: `stats::a_wrong_total_is_put_right`. SQL stores are also checked by
    ///   `stats::a_rebuild_puts_wrong_counters_right`.
    async fn rebuild(&self) -> Result<Rebuilt, Fault>;
}
