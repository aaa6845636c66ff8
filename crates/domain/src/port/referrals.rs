//! Where the referral ledger is kept.

use async_trait::async_trait;

use crate::command::{DecideReferrals, DecideReferralsRejection, Decided};
use crate::error::{CommandError, Fault};
use crate::id::{EntryId, WaitlistId};
use crate::ledger::{Referral, ReferralFilter, Standing, Suspect};
use crate::paging::{Limit, Page, ReferralKey};
use crate::timestamp::Timestamp;

/// Keeps the referral ledger. [`sign_up`](super::EntryStore::sign_up) writes its rows.
///
/// - A row outlives the persons. Those that are gone MUST NOT be named, by any method:
///   `referrals::rows_outlive_their_persons`.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ReferralStore: Send + Sync {
    /// Puts referrals into a state by [`DecideReferrals::decide`]. A dry run writes nothing.
    ///
    /// - The counts of the referrers, which leaders and ranks show, MUST move with the states, and nothing else of an entry change:
    ///   `referrals::a_decision_moves_the_count_with_the_state`.
    /// - Sign-ups, decisions and deletions at once MUST leave counts that equal the credited rows:
    ///   `referrals::counts_equal_credited_rows_under_parallel_changes`.
    /// - Events MUST be written with the change, and none if nothing changed: `referrals::every_decision_is_told_once`,
    ///   `abandoned::a_decision_about_referrals_is_whole_or_not_at_all`.
    /// - A reward MUST be told once for each entry and milestone: `referrals::a_reward_is_told_once`.
    /// - Referrals of another waitlist, or of a deleted one, MUST NOT be changed: `referrals::a_decision_needs_referrals_of_the_list`.
    /// - A dry run MUST tell what the same command does afterwards: `referrals::a_dry_run_changes_nothing`.
    /// - A selection MUST take the oldest referrals that are not in the state yet, at most [`DecideReferrals::MAX`], and say whether there
    ///   are more: `referrals::a_selection_takes_the_oldest_that_are_left`.
    /// - The network of an entry MUST select only referrals from that network, and nothing if it is not known:
    ///   `referrals::a_network_selects_its_own_referrals`.
    async fn decide(&self, command: DecideReferrals) -> Result<Decided, CommandError<DecideReferralsRejection>>;

    /// The referrals of a waitlist that pass a filter, newest first, after a key.
    ///
    /// - Every row MUST read back as its sign-up wrote it, and none of another list be there:
    ///   `referrals::a_referral_is_kept_in_every_state`.
    /// - Rows of the same millisecond MUST come once each, and a full page MUST name the next one only if more rows follow:
    ///   `referrals::referrals_go_newest_first_and_filter`.
    async fn list(
        &self,
        waitlist_id: WaitlistId,
        filter: ReferralFilter,
        after: Option<ReferralKey>,
        limit: Limit,
    ) -> Result<Page<Referral, ReferralKey>, Fault>;

    /// The newest referrals of a waitlist that something speaks against, newest first, at most that many.
    ///
    /// - Those with a score above 0 MUST be there with their networks, in any state, and no others: `referrals::suspects_have_a_score`.
    /// - If there are more, only the newest MUST be there: `referrals::suspects_have_a_score`.
    async fn suspects(&self, waitlist_id: WaitlistId, most: usize) -> Result<Vec<Suspect>, Fault>;

    /// The entries of a waitlist that have referrals, in any order. The cost grows with their number.
    ///
    /// - Entries of every status MUST be there: `referrals::standings_are_of_everybody_with_referrals`.
    async fn standings(&self, waitlist_id: WaitlistId) -> Result<Vec<Standing>, Fault>;

    /// When the first referrals of an entry counted, at most that many, the oldest first. A referral counts from its sign-up on, or from
    /// the last decision about it.
    ///
    /// - Only credited referrals MUST be there: `referrals::credits_are_told_with_their_times`.
    async fn credited_at(&self, entry_id: EntryId, most: usize) -> Result<Vec<Timestamp>, Fault>;

    /// Forgets the networks of some entries that signed up before an instant, and of their referrals. Looks at no more than that many
    /// entries. Returns how many it looked at: 0 means that nothing is left.
    ///
    /// - Networks MUST be forgotten of these entries, and of no newer one: `referrals::networks_are_forgotten_in_time`.
    /// - It MUST NOT look at more entries than that many: `referrals::networks_are_forgotten_in_time`.
    async fn forget_networks(&self, before: Timestamp, entries: usize) -> Result<u64, Fault>;

    /// Writes rows for some referrals that are older than the ledger, or that an older program wrote. Returns how many entries were looked
    /// at: 0 means that nothing is left.
    ///
    /// - Afterwards the credited rows MUST equal the counts, however often it is repeated. Checked for SQL stores by
    ///   `referrals::older_referrals_get_their_rows`.
    async fn fill(&self, entries: usize) -> Result<u64, Fault>;

    /// How many entries [`fill`](Self::fill) has not looked at.
    ///
    /// - It MUST be 0 once nothing is left. Checked for SQL stores by `referrals::older_referrals_get_their_rows`.
    async fn unfilled(&self) -> Result<u64, Fault>;
}
