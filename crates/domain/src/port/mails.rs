//! Mail on its way to a mail service.

use async_trait::async_trait;

use crate::command::{TestMail, TestMailRejection};
use crate::error::{CommandError, Fault};
use crate::id::{ClaimId, MailId, WorkspaceId};
use crate::mail::{ClaimedMail, LoggedMail, Mail, MailBudget, MailFilter, SettleMail};
use crate::paging::{Limit, MailKey, Page};
use crate::queue::{ClaimRequest, QueueDepth, RetrySchedule};
use crate::timestamp::Timestamp;

/// Mail on its way to a mail service.
///
/// - Every mail MUST be written in the transaction of its change: `mails::a_mail_is_written_with_its_change`,
///   `abandoned::a_review_is_whole_or_not_at_all`.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait MailQueue: Send + Sync {
    /// The oldest stored mails, sent or not, at most that many.
    ///
    /// - If there are more, only the oldest MUST be returned: `mails::a_mail_says_what_was_set_when_it_was_written`.
    /// - A mail MUST be written only while the workspace's notifications are on: `mails::no_mail_is_written_while_notifications_are_off`.
    /// - It MUST go by the settings of its own workspace, and link to the slug that the workspace has:
    ///   `mails::a_workspace_sends_mail_by_its_own_settings`, `mails::a_mail_links_to_the_slug_that_its_workspace_has`.
    /// - A mail MUST keep the settings of the time when it was written: `mails::a_mail_says_what_was_set_when_it_was_written`.
    async fn mails(&self, limit: usize) -> Result<Vec<Mail>, Fault>;

    /// The workspaces that have a mail due.
    ///
    /// - Each of them MUST be returned: `mail_claims::every_workspace_with_mail_due_is_told`.
    /// - The cost MUST NOT grow with the mails that wait for each. Not checked: benchmarks and the store's query plans show a cost.
    async fn due(&self, now: Timestamp) -> Result<Vec<WorkspaceId>, Fault>;

    /// Claims due mails of some workspaces, and counts an attempt for each mail.
    ///
    /// - Each workspace MUST get its share at most, the longest due first: `mail_claims::workspaces_get_their_shares`,
    ///   `mail_claims::the_longest_due_is_sent_first`.
    /// - One mail MUST NOT be claimed twice before its lease ends: `mail_claims::a_mail_is_one_process_s_until_its_lease_ends`.
    /// - A lease MUST last as long as was asked: `mail_claims::a_lease_of_mail_lasts_as_long_as_was_asked`.
    /// - An attempt MUST count when it is claimed: `mail_claims::what_always_kills_its_process_is_not_sent_for_ever`.
    /// - A mail to an address that its workspace has suppressed for its kind MUST NOT be claimed, now or later:
    ///   `mail_claims::a_suppressed_address_gets_no_mail`.
    /// - A mail whose sign-up request waits no more MUST NOT be claimed: `confirmations::mail_of_an_ended_request_is_not_sent`.
    /// - A mail of a deleted waitlist or workspace MUST NOT be claimed: `mails::mail_goes_with_what_it_belongs_to`,
    ///   `mails::mail_of_a_deleted_workspace_is_not_sent`.
    /// - A mail whose time is over MUST NOT be claimed, and the log MUST tell it: `confirmations::mail_of_an_ended_request_is_not_sent`.
    ///
    /// A mail that a stranger caused is *begun* first, by [`MailBudget::begin`], if there is a budget. All processes count the same mails.
    ///
    /// - A workspace MUST NOT begin more of them in a period than the budget has, in any process and under concurrency:
    ///   `mail_claims::strangers_cause_no_more_mails_than_the_budget_has`, `mail_claims::processes_share_the_budget`.
    /// - There MUST be room again after the period: `mail_claims::there_is_room_again_after_the_period`.
    /// - Mails of the networks with the fewest begun MUST come first, the longest due of them first:
    ///   `mail_claims::networks_with_few_mails_come_first`.
    /// - A mail MUST count once, however often it is tried, and not at all if it is never tried: `mail_claims::a_mail_counts_once`.
    /// - A mail that was tried MUST count though it is deleted since: `mail_claims::deleted_mails_count`.
    /// - Mails that no stranger caused MUST NOT wait for those that are kept back: `mail_claims::other_mails_do_not_wait`.
    async fn claim(&self, request: ClaimRequest<WorkspaceId>, budget: Option<MailBudget>) -> Result<Vec<ClaimedMail>, Fault>;

    /// The claimed mails that are still to be sent.
    ///
    /// - It MUST leave out mails to an address that is suppressed now:
    ///   `mail_claims::a_claimed_mail_to_an_address_that_is_suppressed_now_is_not_confirmed`.
    /// - It MUST leave out a mail that asks for a confirmation if its request waits no more, because it was confirmed or refused:
    ///   `confirmations::mail_of_an_ended_request_is_not_sent`.
    /// - It MUST leave out mails of deleted entries, waitlists and workspaces, and mails whose claim no longer holds:
    ///   `mails::mail_goes_with_what_it_belongs_to`, `mails::mail_of_a_deleted_workspace_is_not_sent`,
    ///   `mail_claims::a_claim_on_mail_that_ended_is_not_confirmed`.
    async fn confirm(&self, claimed: Vec<(ClaimId, MailId)>) -> Result<Vec<ClaimedMail>, Fault>;

    /// Settles mails by [`SettleMail::decide`]. It skips those whose claim was lost. Returns how many it settled.
    ///
    /// - The same transaction MUST suppress an address that bounced: `mail_claims::an_address_that_bounces_is_suppressed`.
    /// - The data of a mail MUST be forgotten once the mail is sent, given up, suppressed or expired, by any method:
    ///   `mail_claims::the_data_of_an_ended_mail_is_forgotten`, `confirmations::mail_of_an_ended_request_is_not_sent`.
    /// - A mail MUST be settled by the given schedule: `mail_claims::a_mail_is_settled_by_the_schedule_that_is_given`.
    async fn settle(&self, attempts: Vec<SettleMail>, schedule: RetrySchedule) -> Result<usize, Fault>;

    /// Gives claimed mails back without an attempt. They are due at the given instant, and their attempt does not count.
    ///
    /// - Each of them MUST be due again, if its claim holds: `mail_claims::a_mail_that_is_given_back_is_due_again`,
    ///   `mail_claims::every_mail_that_is_given_back_is_due_again`.
    async fn release(&self, claim: ClaimId, mails: Vec<MailId>, due_at: Timestamp) -> Result<(), Fault>;

    /// Frees mails whose lease has ended. Those with no attempt left are dead. Returns how many it freed.
    ///
    /// - A mail whose time is over MUST be ended, even if the budget has no room: `mail_claims::a_mail_that_is_kept_back_expires`.
    /// - The given number of attempts MUST be the limit: `mail_claims::what_always_kills_its_process_is_not_sent_for_ever`.
    async fn reap(&self, now: Timestamp, attempts: u32) -> Result<u64, Fault>;

    /// Deletes finished mails from before an instant, at most that many. Returns how many it deleted.
    ///
    /// - Mails that are still to be sent MUST stay: `mail_claims::what_is_finished_is_pruned`.
    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault>;

    /// Writes a mail that tries a template, by [`TestMail::decide`], and returns it.
    ///
    /// - A workspace MUST NOT write more of them in an hour than it may, in any process and under concurrency:
    ///   `mail_log::a_workspace_tests_ten_mails_an_hour`, `mail_log::the_most_tests_are_not_exceeded_under_concurrency`.
    /// - It MUST be sent to a suppressed address too: `mail_log::a_test_goes_to_a_suppressed_address_too`.
    /// - A given claim MUST hold from the start: `mail_log::a_test_may_be_claimed_by_its_writer`.
    /// - A deleted workspace MUST NOT get or send one, and its purge MUST delete them: `mail_log::tests_go_with_their_workspace`.
    async fn test(&self, command: TestMail) -> Result<Mail, CommandError<TestMailRejection>>;

    /// The mails of a workspace that a filter lets through, after a key.
    ///
    /// - Each MUST tell what became of it, and what went wrong in the last attempt: `mail_log::the_log_tells_what_became_of_a_mail`.
    /// - It MUST tell which mails wait for room in the budget: `mail_claims::what_is_kept_back_is_counted`.
    /// - All that the filter lets through, and nothing else, MUST be listed: `mail_log::the_log_is_filtered`.
    /// - They MUST be in the order of their creation, newest first, a page MUST name a next key exactly if more rows follow, and rows that
    ///   are added or deleted between two pages MUST NOT make another row appear twice or not at all:
    ///   `mail_log::pages_of_the_log_go_on_where_they_were`.
    /// - Those of another workspace, and of a deleted list or workspace, purged or not, MUST NOT be listed:
    ///   `mail_log::a_workspace_has_a_log_of_its_own`.
    /// - The cost MUST NOT grow with the mails that are stored. Not checked: benchmarks and the store's query plans show a cost.
    async fn log(
        &self,
        workspace_id: WorkspaceId,
        filter: MailFilter,
        after: Option<MailKey>,
        limit: Limit,
    ) -> Result<Page<LoggedMail, MailKey>, Fault>;

    /// How full the queue is.
    async fn depth(&self) -> Result<QueueDepth, Fault>;

    /// How many mails of strangers wait until the budget has room for them.
    ///
    /// - Those that were begun, and those of others, MUST NOT count: `mail_claims::what_is_kept_back_is_counted`.
    async fn kept_back(&self) -> Result<u64, Fault>;
}
