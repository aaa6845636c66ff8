//! Where entries are kept.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::Stream;

use crate::command::{
    DeleteEntry, EntryRejection, EraseEntry, InviteRejection, Invited, ProfileRejection, RecordInvitation, ReplaceLink,
    ReplaceLinkRejection, ReviewEntry, SignUp, SignUpRejection, UpdateProfile,
};
use crate::entry::{Entry, EntryStatus, Friend, Records};
use crate::error::{CommandError, Fault};
use crate::id::{EntryId, WaitlistId};
use crate::paging::{Limit, Page};
use crate::rank::Ranks;
use crate::referral::{Position, ReferralBoost};

/// Batches of entries, each read when it is requested.
pub type EntryStream = Pin<Box<dyn Stream<Item = Result<Vec<Entry>, Fault>> + Send>>;

/// Keeps entries.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait EntryStore: Send + Sync {
    /// Puts a person on a waitlist. It loads the facts of [`SignUp::decide`] and writes its whole plan in one transaction.
    ///
    /// - Positions MUST be dense, starting at 1, and never be given out twice, despite failures and concurrency, in this process or
    ///   another: `sign_ups::positions_are_dense_when_processes_sign_up_in_parallel`, `sign_ups::a_refused_sign_up_leaves_nothing_behind`,
    ///   `reviews::a_deleted_entry_leaves_the_others_standing`.
    /// - A list MUST NOT take more than its `max_entries`: `sign_ups::a_list_never_takes_more_than_it_may`,
    ///   `sign_ups::a_rejection_frees_no_place_and_a_deletion_does`.
    /// - A list MUST NOT take one address twice: `sign_ups::an_address_joins_once_however_many_try`,
    ///   `sign_ups::a_rejected_person_joins_no_second_time`.
    /// - A code MUST belong to one entry in the deployment: `sign_ups::a_code_that_is_taken_is_told`. A new code MUST NOT be an old code of
    ///   the
    ///   list: `sign_ups::a_new_code_is_no_old_code_of_the_list`.
    /// - The count of a referrer MUST grow by exactly one per credited sign-up, and no other field of the referrer change:
    ///   `entries::an_entry_keeps_its_fields_through_every_change`, `sign_ups::a_referral_is_credited_exactly_once_each`,
    ///   `sign_ups::a_code_of_another_list_earns_nothing`, `sign_ups::the_code_of_a_rejected_person_earns_nothing`.
    /// - A referral MUST be written with its sign-up, judged by the facts of that moment: those of sign-ups before it in any process, and
    ///   of
    ///   nothing else: `referrals::a_referral_is_kept_in_every_state`, `referrals::signals_are_of_one_code_and_its_time`,
    ///   `referrals::a_person_who_comes_back_is_known`, `referrals::parallel_referrals_are_counted_for_the_cap`.
    /// - A referral MUST be told, whether or not a webhook is subscribed to that: `referrals::every_decision_is_told_once`.
    /// - A milestone MUST be told once for each entry: `referrals::a_reward_is_told_once`.
    /// - Sign-ups that one caller starts in an order MUST be decided in that order: `sign_ups::a_crowd_is_decided_in_its_order`.
    /// - A sign-up that confirms a request MUST end it in the same transaction: one request MUST become one entry, however many confirm it
    ///   and in however many processes, and all its mails become mails of the entry: `confirmations::a_confirmation_ends_its_request`,
    ///   `confirmations::parallel_confirmations_make_one_entry`, `confirmations::a_full_list_keeps_the_request_waiting`.
    ///   A request of another list or address MUST NOT be confirmed: `confirmations::a_confirmation_is_of_its_list_and_address`.
    /// - The entry, the totals, the events and the mail MUST be written together: `abandoned::a_sign_up_is_whole_or_not_at_all`.
    /// - If the list says so, it MUST NOT take one mailbox twice, whatever its addresses and however old its entries and requests are:
    ///   `mailboxes::a_mailbox_joins_once`, `mailboxes::a_mailbox_that_waits_joins_by_its_confirmation_alone`.
    /// - A proof of work MUST be used once, in any process, and only by a sign-up that succeeds: `proofs::a_proof_is_used_once`,
    ///   `proofs::a_refused_sign_up_uses_no_proof`.
    /// - When this returns an entry, the entry MUST survive a crash of the process or the machine. Not checked: it takes a process that is
    ///   killed, which the end-to-end tests of the server have.
    /// - The suppression of a person who was erased MUST be lifted with the sign-up, and no other suppression:
    ///   `erasures::a_sign_up_brings_an_erased_person_back`.
    /// - Every field of an entry MUST read back as it was written, documents to the byte: `entries::an_entry_reads_back_as_it_was_written`,
    ///   `entries::a_document_reads_back_to_the_byte`.
    async fn sign_up(&self, command: SignUp) -> Result<Entry, CommandError<SignUpRejection>>;

    /// Approves or rejects an entry.
    ///
    /// - It MUST change only the status and the time of the last change: `entries::an_entry_keeps_its_fields_through_every_change`.
    /// - A credit, an invitation or another review at the same time MUST NOT be lost:
    ///   `reviews::a_review_and_a_credit_at_once_are_both_kept`, `invitations::a_rejection_and_an_invitation_at_once_exclude_each_other`,
    ///   `invitations::an_invited_person_cannot_be_rejected`.
    /// - Entries MUST be reviewed in every status of their waitlist: `reviews::entries_of_a_closed_list_go_on_changing`.
    /// - An entry of another waitlist, or of a deleted one, MUST NOT be changed: `reviews::a_review_needs_an_entry_of_the_list`,
    ///   `deletions::a_deleted_waitlist_takes_no_changes`.
    /// - Its event MUST be written with the change, and no event if nothing changed: `reviews::a_review_is_written_with_its_event`,
    ///   `reviews::parallel_reviews_change_an_entry_once`, `abandoned::a_review_is_whole_or_not_at_all`.
    async fn review(&self, command: ReviewEntry) -> Result<Entry, CommandError<EntryRejection>>;

    /// Records an invitation, and writes its mail.
    ///
    /// - It MUST change only the invitation and the time of the last change: `entries::an_entry_keeps_its_fields_through_every_change`.
    /// - An entry of another waitlist, or of a deleted one, MUST NOT be changed:
    ///   `invitations::an_entry_that_is_not_approved_is_not_recorded`, `deletions::a_deleted_waitlist_takes_no_changes`.
    /// - An entry MUST NOT be both invited and rejected: `invitations::a_rejection_and_an_invitation_at_once_exclude_each_other`.
    /// - One invitation MUST be one mail, however often it is recorded:
    ///   `invitations::one_invitation_is_one_mail_however_often_it_is_recorded`, `invitations::parallel_records_write_one_mail`.
    /// - An invitation by the link of a list MUST be the same however often it is recorded, in any process:
    ///   `invitations::a_list_with_a_link_invites_by_it`.
    /// - It MUST go by the link that the list has at that moment: `invitations::an_invitation_goes_by_the_link_of_the_moment`.
    /// - A new invitation MUST be told once: `changes::an_invitation_is_told_once`.
    /// - The stamp and the mail MUST be written together: `abandoned::an_invitation_is_whole_or_not_at_all`.
    async fn record_invitation(&self, command: RecordInvitation) -> Result<Invited, CommandError<InviteRejection>>;

    /// Changes the profile of an entry.
    ///
    /// - Its event MUST be written with the change, and no event if nothing changed: `changes::a_changed_profile_is_told`.
    /// - It MUST change only what [`UpdateProfile::decide`] changes: `visits::a_changed_profile_reads_back`.
    /// - Changes of different fields at once, and a credit or a review meanwhile, MUST all be kept:
    ///   `visits::changes_of_a_profile_at_once_are_all_kept`.
    /// - An entry of another waitlist, or of a deleted one, MUST NOT be changed: `visits::a_profile_is_changed_on_its_own_list`.
    async fn update_profile(&self, command: UpdateProfile) -> Result<Entry, CommandError<ProfileRejection>>;

    /// Replaces the link of a person.
    ///
    /// - Of several replacements at once each MUST have a link of its own, and the last one's MUST be kept:
    ///   `visits::every_new_link_is_another`.
    /// - An entry of another waitlist, or of a deleted one, MUST NOT be changed: `visits::a_link_is_replaced_on_its_own_list`.
    async fn replace_link(&self, command: ReplaceLink) -> Result<Entry, CommandError<ReplaceLinkRejection>>;

    /// Deletes an entry with its mail. Returns whether the waitlist had the entry.
    ///
    /// - Positions MUST stay, and its referrer MUST keep its count: `reviews::a_deleted_entry_leaves_the_others_standing`.
    /// - Of several deletions of one entry at once exactly one MUST count: `reviews::parallel_deletions_of_an_entry_delete_it_once`.
    /// - Its address MUST be free and its code earn nothing, in every process: `sign_ups::a_deleted_person_joins_again_in_every_process`.
    /// - Its mail MUST be deleted, sent or not, and no other mail: `mails::mail_of_a_deleted_entry_goes_sent_or_not`.
    /// - The entries that it referred MUST stay without a referrer, at once for every reader:
    ///   `purges::a_deleted_referrer_of_many_is_forgotten`, `deletions::a_deleted_referrer_is_hidden_from_every_reader`,
    ///   `deletions::totals_are_right_though_friends_change_before_the_purge`, `abandoned::a_deletion_of_an_entry_is_whole_or_not_at_all`.
    /// - The event of the deletion MUST be written with it, and be sent: `changes::a_deletion_is_told_without_the_person`.
    /// - The undelivered deliveries of its events MUST NOT be sent, and the log of attempts MUST stay:
    ///   `deliveries::what_is_undelivered_of_a_deleted_entry_is_dropped`.
    /// - The time this takes MUST NOT grow with the number of entries that it referred: the totals may count their referrals until the
    ///   purge. Not checked: benchmarks show a time.
    async fn delete(&self, command: DeleteEntry) -> Result<bool, Fault>;

    /// Erases an entry by [`EraseEntry::decide`]. Returns whether the waitlist had the entry. [`purge`](super::PurgeStore::purge) removes
    /// the traces that this leaves.
    ///
    /// - No reader of entries MUST find it, in any process: `erasures::an_erased_entry_is_gone_for_every_reader`.
    /// - All counts MUST go on counting it, without its source, and positions MUST stay: `erasures::an_erased_entry_is_still_counted`.
    /// - Its place MUST be free on a full list, its address MUST be free, and its code MUST earn nothing:
    ///   `erasures::an_erased_entry_frees_its_place_and_its_address`.
    /// - The credit that it gave and received MUST stay until its referrer is deleted: `erasures::credit_outlives_an_erasure`.
    /// - The event of the erasure MUST be written with it, be sent, and stay whole: `changes::a_deletion_is_told_without_the_person`.
    /// - Its address MUST be suppressed in the same transaction, and no masked address of it stay:
    ///   `erasures::an_erased_address_is_suppressed_and_not_shown`, `abandoned::an_erasure_is_whole_or_not_at_all`.
    /// - Its mail MUST be deleted, sent or not, and the undelivered deliveries of its events MUST NOT be sent:
    ///   `erasures::nothing_of_an_erased_entry_is_sent`.
    /// - Mails to its address that tried a template of its workspace MUST be deleted, and no others:
    ///   `erasures::test_mails_to_an_erased_address_go`.
    /// - Of several erasures and deletions of one entry at once exactly one MUST count: `erasures::parallel_erasures_erase_an_entry_once`.
    /// - An entry of another waitlist, or of a deleted one, MUST NOT be erased: `erasures::an_erasure_needs_an_entry_of_the_list`.
    async fn erase(&self, command: EraseEntry) -> Result<bool, Fault>;

    /// The entry with that id, if it is on the waitlist.
    async fn find(&self, waitlist_id: WaitlistId, id: EntryId) -> Result<Option<Entry>, Fault>;

    /// The entry with that id, on any waitlist. The token of a link names no waitlist.
    ///
    /// - It MUST be found on every waitlist, and not on a deleted one: `entries::an_entry_is_found_by_its_id_alone`.
    async fn find_by_id(&self, id: EntryId) -> Result<Option<Entry>, Fault>;

    /// The persons who signed up with the code of an entry that exists, at most that many. The cost grows with their number.
    ///
    /// - They MUST be in the order of their sign-ups, the newest first: `visits::friends_go_newest_first`.
    /// - Those of another entry MUST NOT be there, and those that are gone MUST have no address: `visits::friends_go_newest_first`.
    /// - Each MUST say whether its referral counts: `referrals::a_decision_moves_the_count_with_the_state`.
    async fn friends(&self, id: EntryId, most: usize) -> Result<Vec<Friend>, Fault>;

    /// The events and the mail of an entry, oldest first, and its codes of other services.
    ///
    /// - Every event and every mail of it that is still kept MUST be there, and none of another entry: `visits::records_are_of_one_entry`.
    /// - The oldest events and mails MUST come first: `visits::records_are_of_one_entry`.
    /// - A mail MUST say how far it has come: `visits::records_say_how_far_a_mail_has_come`.
    /// - Every old code of it MUST be there: `imports::old_codes_work_on_their_list`.
    async fn records(&self, waitlist_id: WaitlistId, id: EntryId) -> Result<Records, Fault>;

    /// The order of a waitlist, at a moment that is at most a minute ago. One referral is worth that many positions. A waitlist that does
    /// not exist is empty. A server caches this: the cost grows with the number of entries.
    ///
    /// - Every entry that is not rejected MUST be in it with its referrals, and no other entry: `visits::ranks_are_those_of_a_sorted_list`.
    /// - Nothing of another waitlist, or of a deleted one, MUST be in it: `visits::ranks_are_of_one_list`.
    /// - It MUST know the last position that was given out, to an entry of any status, deleted or not:
    ///   `visits::a_newcomer_is_ranked_by_an_older_order`.
    /// - All of it MUST be of one moment. Not checked: a case cannot stop a store midway.
    async fn ranks(&self, waitlist_id: WaitlistId, boost: ReferralBoost) -> Result<Arc<Ranks>, Fault>;

    /// Every entry of a waitlist by position, in batches, as they were at one moment. A fault ends the stream. The store keeps the moment
    /// until the stream ends, so read the stream without a pause.
    ///
    /// - Every entry of the waitlist MUST be there whole, and no entry of another: `entries::entries_of_each_status_are_found`,
    ///   `entries::an_entry_keeps_its_fields_through_every_change`, `stats::nothing_of_another_waitlist_is_counted`.
    /// - Changes made while the stream is read MUST NOT show: `reviews::an_export_shows_one_moment`.
    /// - Memory MUST NOT grow with the list: `reviews::an_export_shows_one_moment` reads more than one batch, and a benchmark shows the
    ///   memory.
    /// - It MUST take no connection from other methods, nor keep one after it is given up:
    ///   `reviews::an_export_that_is_given_up_holds_nothing`.
    async fn export(&self, waitlist_id: WaitlistId) -> Result<EntryStream, Fault>;

    /// The entries of a waitlist by ascending position, of one status or of all, after a position.
    ///
    /// - A page MUST be full if more rows of that status follow: `entries::a_page_of_one_status_is_full`.
    /// - A page MUST name a next position if more rows follow, and none if not: `entries::a_full_last_page_of_entries_has_no_next`.
    /// - Entries of every status MUST be found: `entries::entries_of_each_status_are_found`.
    /// - Rows added or deleted between two pages MUST NOT make another row appear twice or not at all:
    ///   `entries::pages_go_on_where_they_were_though_rows_are_deleted`.
    async fn list(
        &self,
        waitlist_id: WaitlistId,
        status: Option<EntryStatus>,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<Page<Entry, Position>, Fault>;
}
