//! Where sign-ups wait for their confirmation.

use async_trait::async_trait;

use crate::command::{DeleteRequest, Refuse, RequestMail, RequestMailRejection, Resend, ResendRejection};
use crate::confirmation::{KeptRequest, RequestEnded, SignUpRequest};
use crate::error::{CommandError, Fault};
use crate::id::{RequestId, WaitlistId};
use crate::paging::{Limit, Page, RequestKey};
use crate::timestamp::Timestamp;

/// Keeps sign-ups that wait for their confirmation, and counts the mail that strangers cause. [`EntryStore::sign_up`] confirms them.
///
/// [`EntryStore::sign_up`]: super::EntryStore::sign_up
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ConfirmationStore: Send + Sync {
    /// Asks for a mail. It loads the facts of [`RequestMail::decide`] and writes its whole plan in one transaction.
    ///
    /// - A request MUST read back as it was written: `confirmations::a_request_reads_back_as_it_was_written`.
    /// - One request MUST wait for each list and address, under concurrency too, and the first MUST stand:
    ///   `confirmations::the_first_request_of_an_address_stands`, `confirmations::one_request_waits_for_an_address_under_concurrency`.
    /// - A request that has expired MUST give way, and all its mails MUST go: `confirmations::an_expired_request_gives_way`.
    /// - The mails that strangers cause to one address MUST be counted over all lists and processes:
    ///   `confirmations::strangers_cause_few_mails_to_an_address`, `confirmations::parallel_requests_cause_one_mail`.
    /// - Suppressions of the workspace, and of no other, MUST be taken into account:
    ///   `confirmations::a_suppressed_address_waits_without_mail`.
    /// - A person on the list MUST be sent their link, and no request MUST wait: `confirmations::a_person_on_the_list_is_sent_their_link`.
    /// - A request MUST be counted nowhere but among those that wait: `confirmations::a_request_is_no_entry`.
    /// - If the list takes each mailbox once, a request for another address of a mailbox MUST be one for the first address:
    ///   `mailboxes::a_mailbox_waits_once_and_its_first_address_gets_the_mail`. Suppressions MUST be those of the address that gets the
    ///   mail: `mailboxes::a_suppression_is_of_one_address_of_a_mailbox`.
    /// - A proof of work MUST be used once, in any process, whatever is stored of the address: `proofs::a_request_uses_its_proof`,
    ///   `proofs::parallel_requests_use_a_proof_once`.
    /// - A list that is full, closed or deleted MUST take no sign-up: `confirmations::a_full_or_closed_list_takes_no_requests`. An
    ///   erased person takes no place: `confirmations::an_erased_person_leaves_room_for_a_request`.
    /// - The request, its mail and the share of the address MUST be written together: `abandoned::a_request_is_whole_or_not_at_all`.
    async fn request_mail(&self, command: RequestMail) -> Result<(), CommandError<RequestMailRejection>>;

    /// The request with that id, on any waitlist, in any state.
    ///
    /// - A request of a deleted waitlist MUST NOT be found, and its purge MUST delete it: `confirmations::requests_go_with_their_list`.
    /// - Erasing a person MUST delete the request of their address: `confirmations::an_erasure_takes_the_requests_of_the_person`.
    /// - No mail MUST be left of a person who is erased meanwhile: `confirmations::no_mail_is_left_of_somebody_who_is_erased_meanwhile`.
    /// - A request that ends meanwhile MUST stay ended: `confirmations::a_request_that_ends_meanwhile_stays_ended`.
    async fn find(&self, id: RequestId) -> Result<Option<KeptRequest>, Fault>;

    /// Refuses a sign-up by [`Refuse::decide`]. It deletes what was sent, with its mails, and suppresses the address.
    ///
    /// - Nothing that was sent MUST stay, no mail either, and the address MUST be suppressed with it:
    ///   `confirmations::refusing_deletes_what_was_sent_and_suppresses_the_address`.
    /// - A request MUST NOT be both refused and confirmed: `confirmations::a_refusal_and_a_confirmation_at_once_exclude_each_other`.
    async fn refuse(&self, command: Refuse) -> Result<(), CommandError<RequestEnded>>;

    /// Sends the mail of a request once more, by [`Resend::decide`].
    ///
    /// - The mail MUST be written, and limits of strangers MUST NOT count: `confirmations::an_admin_sends_the_mail_again`.
    async fn resend(&self, command: Resend) -> Result<(), CommandError<ResendRejection>>;

    /// Deletes a request that waits, with its mails. Returns whether the waitlist had it.
    ///
    /// - The address MUST be free, and all mails MUST be deleted: `confirmations::a_deleted_request_leaves_nothing`.
    async fn delete(&self, command: DeleteRequest) -> Result<bool, Fault>;

    /// The requests of a waitlist that wait at an instant, after a key.
    ///
    /// - They MUST be in the order of their time, oldest first, and a page MUST name a next key if and only if more rows follow:
    ///   `confirmations::requests_go_oldest_first`.
    /// - Those that have expired MUST NOT be listed: `confirmations::an_expired_request_gives_way`.
    async fn list(
        &self,
        waitlist_id: WaitlistId,
        now: Timestamp,
        after: Option<RequestKey>,
        limit: Limit,
    ) -> Result<Page<SignUpRequest, RequestKey>, Fault>;

    /// How many requests of a waitlist wait at an instant.
    ///
    /// - It MUST be the number of those listed: `confirmations::requests_go_oldest_first`.
    async fn count(&self, waitlist_id: WaitlistId, now: Timestamp) -> Result<u64, Fault>;

    /// Deletes requests that expired before the first instant, with their mails, and shares of addresses that nobody asked for since the
    /// second. At most that many of each. Returns how many it deleted.
    ///
    /// - Those that expired later MUST stay: `confirmations::requests_are_deleted_after_their_end`.
    /// - The share of an address MUST count until the second instant comes after the last time that somebody asked for the address:
    ///   `confirmations::requests_are_deleted_after_their_end`.
    async fn prune(&self, expired_before: Timestamp, asked_before: Timestamp, most: usize) -> Result<u64, Fault>;
}
