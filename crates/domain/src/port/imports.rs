//! Where imports are kept: the file, its rows, and how far a worker is.

use async_trait::async_trait;

use crate::command::{CancelImport, ImportRejection, ImportWork, StageRows};
use crate::error::{CommandError, Fault};
use crate::id::{ClaimId, ImportId, WaitlistId};
use crate::import::{Import, ImportProblem};
use crate::referral::{OldCode, ReferralCode};
use crate::timestamp::Timestamp;

/// Keeps imports, and carries them out in small groups.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ImportStore: Send + Sync {
    /// Writes a new import, whose file begins to arrive. Until then nobody else goes on with it.
    ///
    /// - It MUST read back as it was written: `imports::an_import_reads_back_as_it_was_written`.
    async fn begin(&self, import: Import, lease_until: Timestamp) -> Result<(), Fault>;

    /// Keeps a piece of the file. Returns whether the file may still arrive.
    ///
    /// - Pieces MUST read back to the byte: `imports::a_file_reads_back_to_the_byte`.
    /// - An import that has ended MUST take no more: `imports::an_upload_that_broke_off_fails`.
    async fn put_piece(&self, id: ImportId, number: u64, bytes: Vec<u8>, lease_until: Timestamp) -> Result<bool, Fault>;

    /// Says that the file still arrives, although it has no new piece yet. Returns whether it may.
    ///
    /// - The upload MUST NOT fail before the new lease has ended, and an import that has ended MUST stay so:
    ///   `imports::an_upload_that_broke_off_fails`.
    async fn prolong(&self, id: ImportId, lease_until: Timestamp) -> Result<bool, Fault>;

    /// Says that the file has arrived, and how it is read or why it cannot be. Returns the import, or `None` if it has ended meanwhile.
    ///
    /// - It MUST wait for a worker then, or have failed: `imports::an_import_reads_back_as_it_was_written`.
    async fn arrive(&self, id: ImportId, source: Result<String, String>, now: Timestamp) -> Result<Option<Import>, Fault>;

    /// The import with that id, if it is one of the list.
    ///
    /// - That of another list MUST NOT be found: `imports::an_import_is_of_its_list`.
    async fn find(&self, waitlist_id: WaitlistId, id: ImportId) -> Result<Option<Import>, Fault>;

    /// The imports of a list, newest first, at most that many.
    ///
    /// - Those of another list MUST NOT be among them: `imports::imports_of_a_list_are_listed_newest_first`.
    /// - If there are more, the newest MUST be listed: `imports::imports_of_a_list_are_listed_newest_first`.
    async fn list(&self, waitlist_id: WaitlistId, most: usize) -> Result<Vec<Import>, Fault>;

    /// The problems of an import, at most that many, after a line and its problem of that number. Each has the number that it follows by.
    ///
    /// - They MUST be in the order of their lines, each once, and no more than that many: `imports::problems_are_in_the_order_of_the_file`.
    async fn problems(&self, id: ImportId, after: Option<[i64; 3]>, most: usize) -> Result<Vec<([i64; 3], ImportProblem)>, Fault>;

    /// A piece of the file.
    ///
    /// - Every process MUST find it: `imports::a_file_reads_back_to_the_byte`.
    async fn piece(&self, id: ImportId, number: u64) -> Result<Option<Vec<u8>>, Fault>;

    /// Ends an import. What was added stays. Returns the import, or `None` if the list has no such import or it had ended.
    ///
    /// - No group MUST be written after this returns: `imports::a_cancelled_import_adds_no_more`.
    async fn cancel(&self, command: CancelImport) -> Result<Option<Import>, Fault>;

    /// Claims an import that has work left and that no other claim holds: one that this claim holds, or else the oldest. It is changed as
    /// [`Import::claimed`] says.
    ///
    /// - Two claims MUST NOT hold one import, and [`stage`](Self::stage) and [`work`](Self::work) MUST prolong the claim as they say:
    ///   `imports::one_worker_at_a_time_holds_an_import`, `imports::a_group_prolongs_the_claim`.
    /// - Imports MUST be claimed in the order in which they were made: `imports::older_imports_come_first`.
    /// - The one that a claim holds MUST come first, so that its worker can let go of it: `imports::a_claim_goes_on_with_its_import`.
    /// - An import whose lease has ended MUST be claimed again: `imports::one_worker_at_a_time_holds_an_import`.
    /// - An upload that nobody goes on with MUST fail: `imports::an_upload_that_broke_off_fails`.
    async fn claim(&self, claim: ClaimId, now: Timestamp, lease_until: Timestamp) -> Result<Option<Import>, Fault>;

    /// Keeps rows that were read. Returns the import, or `None` if the claim holds it no more.
    ///
    /// - Rows, problems and the mark MUST be written together: `imports::rows_are_staged_once`.
    async fn stage(&self, command: StageRows) -> Result<Option<Import>, Fault>;

    /// Does the next group of the step of an import. It loads the facts of [`ImportWork::add`] or of another step, and writes the whole
    /// plan and the progress in one transaction. Returns the import, or `None` if the claim holds it no more.
    ///
    /// - Rows MUST become entries in the order of their keys, behind those that are there, with everything that they have:
    ///   `imports::rows_become_entries_in_their_order`, `imports::totals_are_those_of_the_rows`.
    /// - No row MUST be added twice, however often and in however many processes a group is tried: `imports::no_row_is_added_twice`.
    /// - Sign-ups meanwhile MUST be kept, and positions stay dense: `imports::people_sign_up_meanwhile`.
    /// - People who were erased MUST stay away, of an export too: `imports::erased_people_are_not_brought_back`,
    ///   `imports::erased_people_are_not_restored`.
    /// - A list MUST NOT take more than its `max_entries`, and an erased person takes no place: `imports::a_dry_run_changes_nothing`,
    ///   `imports::an_erased_person_leaves_room_for_a_row`.
    /// - A list that takes each mailbox once MUST get no second address of one: `imports::a_mailbox_is_imported_once`.
    /// - An address that is there MUST be skipped, or updated: `imports::people_who_are_there_are_skipped_or_updated`.
    /// - A row of a person without mail MUST suppress the address, whoever has it: `imports::a_row_without_mail_suppresses_its_address`.
    /// - A code MUST belong to one entry in the deployment: `imports::a_code_that_is_taken_is_told`.
    /// - An old code MUST belong to one entry of a list, with its case, and work for a sign-up. So MUST that of a person who is there:
    ///   `imports::old_codes_work_on_their_list`.
    /// - The old codes of an entry that is gone MUST earn nothing: `imports::old_codes_go_with_their_entry`.
    /// - Referrers MUST be found by code, address and row, wherever they stand in the file, and one whom nobody knows MUST be a problem:
    ///   `imports::referrers_are_found_and_credited`.
    /// - A file that comes again MUST give people who are there their referrer, once, and MUST count no referral in two places:
    ///   `imports::a_file_that_comes_again_completes_referrals`.
    /// - No more referrals MUST count than the file of a list of Rally says:
    ///   `imports::no_more_referrals_count_than_the_list_of_the_file_had`.
    /// - A dry run MUST change nothing but the import: `imports::a_dry_run_changes_nothing`.
    /// - Events and mail MUST be written only if the import notifies: `imports::nobody_hears_of_an_import_unless_it_notifies`.
    /// - The lines of an export MUST become what they tell of: `imports::an_export_is_restored_line_by_line`.
    /// - Positions, codes that are free, credits and the ledger MUST be those of the file, and the totals theirs:
    ///   `imports::a_restored_list_counts_as_before`.
    /// - A position that was given out before MUST NOT be given out again: `imports::an_export_is_restored_line_by_line`.
    /// - A list that has people MUST NOT be restored: `imports::a_list_with_people_is_not_restored`.
    /// - People who sign up meanwhile MUST stand behind those of the file: `imports::people_sign_up_while_a_list_is_restored`.
    /// - Whoever was deleted meanwhile MUST refer nobody, and count nowhere: `imports::people_are_deleted_while_a_list_is_restored`.
    /// - The file and the rows MUST be deleted after the end: `imports::what_was_staged_is_deleted`.
    /// - The import of a list that is gone MUST fail, and one that its worker gives up: `imports::the_import_of_a_deleted_list_fails`,
    ///   `imports::an_import_that_is_given_up_fails`.
    async fn work(&self, command: ImportWork) -> Result<Option<Import>, CommandError<ImportRejection>>;

    /// The own code of the entry of a list that has a code: one of its own before an old one.
    ///
    /// - An entry's own code MUST come before an old code of the same letters: `imports::an_own_code_comes_before_an_old_one`.
    /// - An old code MUST be found by its letters alone, on its list alone: `imports::old_codes_work_on_their_list`.
    /// - That of an entry that is gone MUST NOT be found: `imports::old_codes_go_with_their_entry`.
    async fn resolve_code(&self, waitlist_id: WaitlistId, code: &OldCode) -> Result<Option<ReferralCode>, Fault>;

    /// Deletes imports that began before an instant, with their problems: at most that many rows. Returns how many.
    ///
    /// - Others MUST stay, and it MUST NOT delete more than that many rows: `imports::old_imports_are_pruned`.
    async fn prune(&self, before: Timestamp, rows: usize) -> Result<u64, Fault>;
}
