//! Mail on its way to a mail service.

use async_trait::async_trait;

use crate::error::Fault;
use crate::id::{ClaimId, MailId, WorkspaceId};
use crate::mail::{ClaimedMail, Mail, SettleMail};
use crate::queue::{ClaimRequest, QueueDepth, RetrySchedule};
use crate::timestamp::Timestamp;

/// Mail on its way to a mail service.
///
/// - Every mail MUST be written by the transaction of the change it tells of: `mails::a_mail_is_written_with_its_change`,
///   `abandoned::a_review_is_whole_or_not_at_all`.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait MailQueue: Send + Sync {
    /// The oldest mails that are kept, sent or not, at most that many.
    ///
    /// - A mail MUST be written only while the workspace's notifications are on: `mails::no_mail_is_written_while_notifications_are_off`.
    /// - A mail MUST say what was set when it was written: `mails::a_mail_says_what_was_set_when_it_was_written`.
    async fn mails(&self, limit: usize) -> Result<Vec<Mail>, Fault>;

    /// The workspaces that mail is due of.
    ///
    /// - The cost MUST NOT grow with what waits for each. Not checked: a cost is for a benchmark and for the store's plans to tell.
    async fn due(&self, now: Timestamp) -> Result<Vec<WorkspaceId>, Fault>;

    /// Claims what is due of some workspaces, and counts an attempt for each.
    ///
    /// - Each workspace MUST get its share at most, the longest due first: `mail_claims::workspaces_get_their_shares`,
    ///   `mail_claims::the_longest_due_is_sent_first`.
    /// - One mail MUST NOT be claimed twice before its lease ends: `mail_claims::a_mail_is_one_process_s_until_its_lease_ends`.
    /// - An attempt MUST count when it is claimed: `mail_claims::what_always_kills_its_process_is_not_sent_for_ever`.
    /// - What belongs to a deleted waitlist MUST NOT be claimed: `mails::mail_goes_with_what_it_belongs_to`.
    async fn claim(&self, request: ClaimRequest<WorkspaceId>) -> Result<Vec<ClaimedMail>, Fault>;

    /// Those of some claimed mails that are still to be sent.
    ///
    /// - It MUST leave out those of deleted entries and waitlists, and those that are no longer claimed so:
    ///   `mails::mail_goes_with_what_it_belongs_to`.
    async fn confirm(&self, claimed: Vec<(ClaimId, MailId)>) -> Result<Vec<ClaimedMail>, Fault>;

    /// Settles mails by [`SettleMail::decide`]; those whose claim was lost are passed over. Tells how many were settled.
    async fn settle(&self, attempts: Vec<SettleMail>, schedule: RetrySchedule) -> Result<usize, Fault>;

    /// Gives claimed mails back untried, to be due at an instant; their attempt does not count.
    async fn release(&self, claim: ClaimId, mails: Vec<MailId>, due_at: Timestamp) -> Result<(), Fault>;

    /// Frees mails whose lease has ended; those with no attempt left are dead. Tells how many.
    async fn reap(&self, now: Timestamp, attempts: u32) -> Result<u64, Fault>;

    /// Deletes mails that are finished, from before an instant, at most so many. Tells how many it deleted.
    ///
    /// - What is still to be sent MUST stay: `mail_claims::what_is_finished_is_pruned`.
    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault>;

    /// How full it is.
    async fn depth(&self) -> Result<QueueDepth, Fault>;
}
