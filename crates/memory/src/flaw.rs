//! Ways in which a store is wrong, each with the cases of the contract that catch it.

use rally_domain::access::{RequestScope, StoredReply};
use rally_domain::analytics::{TopReferral, first_day_needed};
use rally_domain::audit::{AuditActor, AuditRow};
use rally_domain::command::{EntryFacts, ReferrerFacts, UpdateWaitlist};
use rally_domain::confirmation::SignUpRequest;
use rally_domain::custom_field::Metadata;
use rally_domain::delivery::{Attempt, ClaimedDelivery};
use rally_domain::entry::{Entry, EntryStatus, Invitation, Leader};
use rally_domain::event::EventKind;
use rally_domain::id::{MailId, WorkspaceId};
use rally_domain::ledger::Referral;
use rally_domain::mail::{LoggedMail, Mail, MailTemplate};
use rally_domain::paging::{Limit, Page};
use rally_domain::profile::Profile;
use rally_domain::referral::Position;
use rally_domain::search::EntryQuery;
use rally_domain::secret::NetworkHash;
use rally_domain::suppression::Suppression;
use rally_domain::tally::Tally;
use rally_domain::text::{PersonName, WorkspaceName};
use rally_domain::timestamp::Timestamp;
use rally_domain::uuid::Uuid;
use rally_domain::waitlist::Waitlist;
use rally_domain::webhook::{Webhook, WebhookUrl};
use rally_domain::workspace::{Workspace, WorkspaceSettings};
use time::{Date, Duration};

use crate::data::{Data, Delivery, Hook, List};

macro_rules! flaws {
    ($($(#[doc = $doc:literal])+ $flaw:ident: $($case:literal)+;)+) => {
        /// One way in which a store is wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Flaw {
            $($(#[doc = $doc])+ $flaw,)+
        }

        impl Flaw {
            /// All flaws.
            pub const ALL: &[Self] = &[$(Self::$flaw,)+];

            /// The cases of the contract that fail for it, each by itself.
            pub const fn caught_by(self) -> &'static [&'static str] {
                match self {
                    $(Self::$flaw => &[$($case,)+],)+
                }
            }
        }
    };
}

flaws! {
    // The audit log.

    /// Deletions have no row.
    DeletionsNotAudited: "audit::every_change_of_an_admin_has_its_row";
    /// The end of an import has no row.
    EndsOfImportsNotAudited: "audit::an_import_has_a_row_at_its_start_and_its_end";
    /// What was before is read before the change has its turn.
    RowsReadEarly: "audit::of_many_changes_at_once_each_has_its_row";
    /// Of the rows of a command only the first is written.
    OneRowForMany: "audit::a_bulk_decision_has_a_row_for_each";
    /// A repetition that changes nothing has a row.
    RepetitionsAudited: "audit::what_changes_nothing_has_no_row";
    /// A visitor who signs up has a row.
    VisitorsAudited: "audit::visitors_leave_no_rows";
    /// Rows are deleted with their workspace.
    RowsGoWithTheirWorkspace: "audit::rows_outlive_their_workspace";
    /// A minted token has no row.
    TokensNotNoted: "audit::a_minted_token_is_noted";
    /// A row forgets its request.
    RowsForgetRequests: "audit::a_row_reads_back_as_it_was_written";
    /// The oldest rows come first.
    OldestRowsFirst: "audit::pages_go_newest_first";
    /// Rows about other workspaces are listed.
    RowsOfEveryWorkspace: "audit::rows_are_found_by_target_actor_and_action";
    /// Rows about every target are listed.
    TargetsNotFiltered: "audit::rows_are_found_by_target_actor_and_action";
    /// Rows of every actor are listed.
    ActorsNotFiltered: "audit::rows_are_found_by_target_actor_and_action";
    /// Rows of every action are listed.
    ActionsNotFiltered: "audit::rows_are_found_by_target_actor_and_action";
    /// Young rows are pruned.
    YoungRowsPruned: "audit::old_rows_are_pruned_so_many_at_a_time";

    // Imports.

    /// A dry run is kept as an import that changes the list.
    ImportsForgetTheirOptions: "imports::an_import_reads_back_as_it_was_written";
    /// The pieces of a file are kept as texts.
    PiecesAreTexts: "imports::a_file_reads_back_to_the_byte";
    /// An upload that broke off waits for ever.
    BrokenUploadsWait: "imports::an_upload_that_broke_off_fails";
    /// An upload fails although it was said that its file still arrives.
    UploadsNotProlonged: "imports::an_upload_that_broke_off_fails";
    /// An import is found on every list.
    ImportsOfOthersFound: "imports::an_import_is_of_its_list";
    /// The oldest imports of a list are listed, and newer ones are left out.
    ImportsOldestFirst: "imports::imports_of_a_list_are_listed_newest_first";
    /// A page of problems begins with the first one again.
    ProblemsRepeat: "imports::problems_are_in_the_order_of_the_file";
    /// An import goes on though it was cancelled.
    CancelledImportsGoOn: "imports::a_cancelled_import_adds_no_more";
    /// Two workers hold an import.
    ImportsClaimedTwice: "imports::one_worker_at_a_time_holds_an_import";
    /// A claim ends when it was to end at first, whatever is done meanwhile.
    ClaimsNotProlonged: "imports::a_group_prolongs_the_claim";
    /// Younger imports are claimed first.
    YoungerImportsFirst: "imports::older_imports_come_first";
    /// A claim that holds an import gets an older one.
    OwnImportsInTurn: "imports::a_claim_goes_on_with_its_import";
    /// Rows are staged without the place where the reader goes on.
    StagedWithoutMark: "imports::rows_are_staged_once";
    /// Rows become entries in the order of the file.
    RowsInOrderOfLines: "imports::rows_become_entries_in_their_order";
    /// The totals do not count imported entries.
    ImportsNotCounted: "imports::totals_are_those_of_the_rows";
    /// A row that was added is looked at again.
    ImportedRowsStay: "imports::no_row_is_added_twice";
    /// Imported entries take positions that others have.
    ImportsIgnorePositions: "imports::people_sign_up_meanwhile";
    /// An import adds a mailbox that is there.
    MailboxesImportedTwice: "imports::a_mailbox_is_imported_once";
    /// An import brings erased people back.
    ErasedPeopleImported: "imports::erased_people_are_not_brought_back";
    /// An erased person takes a place from rows.
    ErasedPeopleBlockRows: "imports::an_erased_person_leaves_room_for_a_row";
    /// A restore brings erased people back.
    ErasedPeopleRestored: "imports::erased_people_are_not_restored";
    /// An import changes nobody who is there.
    DuplicatesNeverUpdated: "imports::people_who_are_there_are_skipped_or_updated";
    /// A new code of an import may be that of an entry of another list.
    ImportedCodesUniqueInListAlone: "imports::a_code_that_is_taken_is_told";
    /// Old codes lose their case.
    OldCodesLowercased: "imports::old_codes_work_on_their_list";
    /// Old codes work on every list.
    OldCodesOfOtherLists: "imports::old_codes_work_on_their_list";
    /// An old code comes before an own code of the same letters.
    OldCodesFirst: "imports::an_own_code_comes_before_an_old_one";
    /// The old codes of an entry are not among its records.
    OldCodesNotRecorded: "imports::old_codes_work_on_their_list";
    /// The old codes of a deleted entry stay.
    OldCodesStay: "imports::old_codes_go_with_their_entry";
    /// A row suppresses the address of a new person only.
    OnlyNewPeopleSuppressed: "imports::a_row_without_mail_suppresses_its_address";
    /// A row gives an old code to a new person only.
    OnlyNewPeopleHaveOldCodes: "imports::old_codes_work_on_their_list";
    /// A referrer whom nobody knows is no problem.
    UnknownReferrersNotTold: "imports::referrers_are_found_and_credited";
    /// A person whose referrer is gone is referred once more.
    ImportsForgetTheLedger: "imports::a_file_that_comes_again_completes_referrals";
    /// Referrals of unknown people stay counted when the people become known.
    CountsOfElsewhereNeverShrink: "imports::a_file_that_comes_again_completes_referrals";
    /// Everybody counts whom the file of a list of Rally names.
    ImportsIgnoreLimits: "imports::no_more_referrals_count_than_the_list_of_the_file_had";
    /// Imported referrals earn nothing.
    ImportedReferralsNotCredited: "imports::referrers_are_found_and_credited";
    /// A dry run does not know what its earlier groups would have added.
    DryRunsForget: "imports::a_dry_run_changes_nothing";
    /// An import that notifies writes no events.
    ImportsNeverNotify: "imports::nobody_hears_of_an_import_unless_it_notifies";
    /// The file stays after the end of its import.
    StagedFilesStay: "imports::what_was_staged_is_deleted";
    /// An import goes on that its worker has given up.
    GivenUpImportsGoOn: "imports::an_import_that_is_given_up_fails";
    /// The import of a deleted list ends as if all were well.
    ImportsOfDeletedListsGoOn: "imports::the_import_of_a_deleted_list_fails";
    /// A list that has people is restored.
    ListsWithPeopleRestored: "imports::a_list_with_people_is_not_restored";
    /// People who sign up while a list is restored get positions of the file.
    RestoredListsBeginAnew: "imports::people_sign_up_while_a_list_is_restored";
    /// Referrers who were deleted while their list is restored still are referrers.
    DeletedReferrersRestored: "imports::people_are_deleted_while_a_list_is_restored";
    /// A restored entry was changed when it was restored.
    RestoredTimesAreNew: "imports::an_export_is_restored_line_by_line";
    /// The totals do not count restored tombstones.
    RestoredTombstonesNotCounted: "imports::a_restored_list_counts_as_before";
    /// An export leaves old codes out.
    ExportsForgetOldCodes: "exports::an_export_has_everything_of_a_list";
    /// An export names people in the ledger who are gone.
    ExportsNameTheGone: "exports::an_export_is_of_one_list";
    /// An export of everything shows what changes while it is read.
    ExportsOfEverythingSeeChanges: "exports::an_export_of_everything_shows_one_moment";
    /// A prune deletes imports of any age.
    YoungImportsPruned: "imports::old_imports_are_pruned";

    // Sign-ups that wait for their confirmation.

    /// An erased person takes a place from requests.
    ErasedBlockRequests: "confirmations::an_erased_person_leaves_room_for_a_request";
    /// A request waits again for an address that waits already.
    RepeatedRequestsReplace: "confirmations::the_first_request_of_an_address_stands";
    /// A request is decided by what was read before others were written.
    RequestsReadEarly: "confirmations::one_request_waits_for_an_address_under_concurrency"
        "confirmations::parallel_requests_cause_one_mail";
    /// The name of a request is kept without its case.
    RequestsLowercased: "confirmations::a_request_reads_back_as_it_was_written";
    /// What a person agreed to is not kept while the sign-up waits.
    RequestsForgetConsent: "confirmations::a_request_reads_back_as_it_was_written";
    /// The mails that strangers caused are forgotten.
    SharesForgotten: "confirmations::strangers_cause_few_mails_to_an_address";
    /// A suppressed address is asked for its confirmation.
    RequestsMailSuppressed: "confirmations::a_suppressed_address_waits_without_mail";
    /// The suppression of an address holds back mail to others of its mailbox.
    SuppressionsOfMailboxes: "mailboxes::a_suppression_is_of_one_address_of_a_mailbox";
    /// The suppression of another workspace holds the mail of a request back.
    RequestsHeldByOthers: "confirmations::a_suppressed_address_waits_without_mail";
    /// A person on the list waits once more.
    MembersWaitAgain: "confirmations::a_person_on_the_list_is_sent_their_link";
    /// A request takes a position.
    RequestsCountAsEntries: "confirmations::a_request_is_no_entry";
    /// A request of a deleted list is found until its purge.
    RequestsOutliveLists: "confirmations::requests_go_with_their_list";
    /// The purge of a list leaves its requests.
    PurgesForgetRequests: "confirmations::requests_go_with_their_list";
    /// The mail of a request that gave way stays.
    ExpiredRequestsKeepMail: "confirmations::an_expired_request_gives_way";
    /// The mail of a refused request stays.
    RefusedMailStays: "confirmations::refusing_deletes_what_was_sent_and_suppresses_the_address";
    /// A refusal does not suppress the address.
    RefusalsNotSuppressed: "confirmations::refusing_deletes_what_was_sent_and_suppresses_the_address";
    /// A refusal is decided by what was read before others were written.
    RefusalsReadEarly: "confirmations::a_refusal_and_a_confirmation_at_once_exclude_each_other";
    /// An erasure leaves the sign-up requests of the person.
    ErasuresKeepRequests: "confirmations::an_erasure_takes_the_requests_of_the_person";
    /// The mail of a deleted request stays.
    DeletedRequestsKeepMail: "confirmations::a_deleted_request_leaves_nothing";
    /// Requests are listed newest first.
    NewestRequestsFirst: "confirmations::requests_go_oldest_first";
    /// Requests that wait are pruned.
    WaitingRequestsPruned: "confirmations::requests_are_deleted_after_their_end";
    /// Shares are pruned before a day is over.
    SharesPrunedEarly: "confirmations::requests_are_deleted_after_their_end";
    /// Of the mails of a request only the first is known.
    FirstMailsOfRequestsKnown: "confirmations::an_expired_request_gives_way" "confirmations::a_confirmation_ends_its_request"
        "confirmations::refusing_deletes_what_was_sent_and_suppresses_the_address" "confirmations::a_deleted_request_leaves_nothing";
    /// The share of an address counts from the first time that somebody asked.
    SharesCountFromTheFirst: "confirmations::requests_are_deleted_after_their_end";
    /// A confirmed request goes on waiting.
    ConfirmedRequestsWait: "confirmations::a_confirmation_ends_its_request";
    /// The mails of a confirmed request stay those of the request.
    ConfirmationsKeepTheirMail: "confirmations::a_confirmation_ends_its_request";
    /// The mail of a request that ended is sent.
    EndedRequestsAreMailed: "confirmations::mail_of_an_ended_request_is_not_sent";
    /// The claimed mail of a request that was confirmed meanwhile is sent.
    ConfirmedRequestsAreMailed: "confirmations::mail_of_an_ended_request_is_not_sent";

    // Proofs of work.

    /// A sign-up uses a proof that was used.
    SignUpsReuseProofs: "proofs::a_proof_is_used_once" "proofs::a_used_proof_is_kept_until_it_expires";
    /// A sign-up that is refused uses its proof.
    RefusedSignUpsUseProofs: "proofs::a_refused_sign_up_uses_no_proof";
    /// A request uses a proof that was used.
    RequestsReuseProofs: "proofs::a_request_uses_its_proof" "proofs::parallel_requests_use_a_proof_once";
    /// A request of a person on the list keeps its proof.
    KnownAddressesUseNoProof: "proofs::a_request_uses_its_proof";
    /// A used proof is forgotten while it can be used.
    UsedProofsPrunedEarly: "proofs::a_used_proof_is_kept_until_it_expires";
    /// The sign-ups of another list count.
    SignUpsOfOthersTaken: "proofs::sign_ups_of_a_moment_are_counted";
    /// Sign-ups count for ever.
    OldSignUpsTaken: "proofs::sign_ups_of_a_moment_are_counted";
    /// A request that was confirmed counts beside its entry.
    ConfirmedRequestsTakenTwice: "proofs::sign_ups_of_a_moment_are_counted";
    /// A sign-up whose person has left counts nowhere.
    LeaversNotTaken: "proofs::sign_ups_that_left_are_counted";
    /// A sign-up of an address that waits counts nowhere.
    RepeatsNotTaken: "proofs::sign_ups_of_a_moment_are_counted";

    // Mailboxes.

    /// A mailbox joins a list again under another address.
    MailboxesJoinAgain: "mailboxes::a_mailbox_joins_once";
    /// A sign-up does not see that the mailbox waits under another address.
    WaitingMailboxesForgotten: "mailboxes::a_mailbox_that_waits_joins_by_its_confirmation_alone";
    /// The request of a mailbox keeps its own confirmation out.
    MailboxesBlockThemselves: "mailboxes::a_mailbox_that_waits_joins_by_its_confirmation_alone";
    /// A mailbox waits again under another address.
    MailboxesWaitAgain: "mailboxes::a_mailbox_waits_once_and_its_first_address_gets_the_mail";

    // Mail to suppressed addresses.

    /// A suppressed address gets mail.
    SuppressionsIgnored: "mail_claims::a_suppressed_address_gets_no_mail";
    /// The suppression of another workspace holds mail back.
    SuppressionsOfOthersCount: "mail_claims::a_suppressed_address_gets_no_mail";
    /// A mail that was claimed is sent though its address was suppressed meanwhile.
    SuppressedMailConfirmed: "mail_claims::a_claimed_mail_to_an_address_that_is_suppressed_now_is_not_confirmed";
    /// An address that bounced is not suppressed.
    BouncesForgotten: "mail_claims::an_address_that_bounces_is_suppressed";

    // The budget of mails that strangers cause.

    /// Strangers cause any number of mails.
    BudgetIgnored: "mail_claims::strangers_cause_no_more_mails_than_the_budget_has";
    /// Mails that were begun count as kept back.
    BegunMailsKeptBack: "mail_claims::what_is_kept_back_is_counted";
    /// A claim counts the begun mails before others have begun theirs.
    BudgetReadEarly: "mail_claims::processes_share_the_budget";
    /// A mail that was begun counts for ever.
    BudgetNeverRenewed: "mail_claims::there_is_room_again_after_the_period";
    /// All clients count as one network.
    NetworksMixed: "mail_claims::networks_with_few_mails_come_first";
    /// A mail that is retried counts again.
    RetriesCount: "mail_claims::a_mail_counts_once";
    /// A mail to a suppressed address counts.
    UnsentMailCounts: "mail_claims::a_mail_counts_once";
    /// Deleted mails count no more.
    DeletedMailsForgotten: "mail_claims::deleted_mails_count";
    /// No mail of a workspace is claimed while one is kept back.
    OtherMailsWait: "mail_claims::other_mails_do_not_wait";
    /// A mail that is kept back waits for room after its time is over.
    KeptMailStays: "mail_claims::a_mail_that_is_kept_back_expires";
    /// A mail that would have come too late is not in the log.
    LateMailForgotten: "confirmations::mail_of_an_ended_request_is_not_sent";

    // Links.

    /// An entry is found by its id on the oldest list alone.
    IdsFoundOnOneList: "entries::an_entry_is_found_by_its_id_alone";

    // Visits of persons to their own page.

    /// The language of a changed profile is not written.
    ChangedLocalesForgotten: "visits::a_changed_profile_reads_back";
    /// New metadata is added to the old.
    ChangedMetadataMerged: "visits::a_changed_profile_reads_back";
    /// A profile is changed on whatever list it is.
    ProfilesIgnoreLists: "visits::a_profile_is_changed_on_its_own_list";
    /// A profile is read before the write that changes it.
    ProfilesReadEarly: "visits::changes_of_a_profile_at_once_are_all_kept";
    /// A link is replaced on whatever list its entry is.
    NewLinksIgnoreLists: "visits::a_link_is_replaced_on_its_own_list";
    /// The old link is read before the write that replaces it.
    NewLinksReadEarly: "visits::every_new_link_is_another";
    /// Everybody who has a referrer is a friend of everybody.
    FriendsOfAnybody: "visits::friends_go_newest_first";
    /// The oldest friends come first.
    OldestFriendsFirst: "visits::friends_go_newest_first";
    /// The newest of a person's records come first.
    NewestRecordsFirst: "visits::records_are_of_one_entry";
    /// A person's records are those of everybody on the list.
    RecordsOfAnybody: "visits::records_are_of_one_entry";
    /// Records have only mail that is still to be sent.
    FinishedMailNotRecorded: "visits::records_say_how_far_a_mail_has_come";
    /// A mail does not say when it was sent.
    SendingNotStamped: "visits::records_say_how_far_a_mail_has_come";
    /// Rejected people have ranks.
    RejectedPeopleRanked: "visits::ranks_are_those_of_a_sorted_list";
    /// Referrals move nobody.
    RanksForgetReferrals: "visits::ranks_are_those_of_a_sorted_list";
    /// Ranks are those of all lists of a workspace together.
    RanksOfWholeWorkspaces: "visits::ranks_are_of_one_list";
    /// A deleted list is ranked until it is purged.
    DeletedListsRanked: "visits::ranks_are_of_one_list";
    /// The last position is that of the last entry that has a rank.
    LastPositionsFromRows: "visits::a_newcomer_is_ranked_by_an_older_order";

    // The secret.

    /// A secret that is offered replaces the one that is kept.
    SecretsReplaced: "secrets::the_first_secret_stays" "secrets::processes_that_start_together_have_one_secret";
    /// A secret is encrypted anew whatever its old form is.
    AnySecretResealed: "secrets::a_secret_is_encrypted_anew_once";

    // Sessions.

    /// A session is kept as if it had just begun.
    SessionsForgetTheirUse: "sessions::a_session_reads_back_as_it_was_written";
    /// A session is found for ever.
    SessionsNeverEnd: "sessions::a_session_ends_by_itself" "sessions::a_session_lasts_while_it_is_used";
    /// A session that is over is listed.
    EndedSessionsListed: "sessions::a_session_ends_by_itself" "sessions::a_revoked_key_ends_its_sessions";
    /// A use is not noted.
    UsesForgotten: "sessions::a_session_lasts_while_it_is_used";
    /// A use that is noted late is the last one.
    LateUsesCount: "sessions::a_session_lasts_while_it_is_used";
    /// The end of one session ends all.
    AllSessionsEnd: "sessions::an_ended_session_is_gone";
    /// A process goes on finding a session that another one ended.
    SessionsKept: "sessions::an_ended_session_is_gone" "sessions::a_revoked_key_ends_its_sessions";
    /// The sessions of a revoked key go on.
    SessionsOutliveKeys: "sessions::a_revoked_key_ends_its_sessions";
    /// The sessions of a deleted workspace go on.
    DeletedWorkspacesKeepSessions: "sessions::a_deleted_workspace_takes_its_sessions_with_it";
    /// The links to a deleted workspace work.
    DeletedWorkspacesKeepLinks: "sessions::a_deleted_workspace_takes_its_sessions_with_it";
    /// Sessions are listed by their end.
    SessionsInOrderOfEnds: "sessions::sessions_go_by_their_last_use";
    /// A link is one to all workspaces.
    LinksForgetWorkspaces: "sessions::a_link_reads_back_as_it_was_written" "sessions::a_link_begins_one_session";
    /// A link is found for ever.
    LinksNeverEnd: "sessions::a_link_lasts_a_quarter_of_an_hour";
    /// A link works again.
    SpentLinksWork: "sessions::a_link_begins_one_session";
    /// A link is read before the write that deletes it.
    LinksReadEarly: "sessions::a_link_begins_one_session_under_concurrency";
    /// A wrong token uses a link up.
    WrongTokensSpendLinks: "sessions::a_wrong_token_leaves_the_link";
    /// Tries are read before the write that counts one more.
    TriesReadEarly: "sessions::tries_of_all_processes_count_together";
    /// All clients are one.
    TriesShared: "sessions::every_client_has_tries_of_its_own";
    /// A refused try counts.
    RefusedTriesCount: "sessions::a_refused_try_does_not_count";
    /// A try that succeeded counts.
    TriesNotForgiven: "sessions::a_try_that_succeeded_does_not_count";
    /// A try that succeeded takes all others back.
    AllTriesForgiven: "sessions::a_try_that_succeeded_does_not_count";
    /// Tries are pruned while they count.
    TriesPrunedEarly: "sessions::what_is_over_is_pruned";
    /// Sessions are pruned at their end, not after it.
    LiveSessionsPruned: "sessions::what_is_over_is_pruned";

    // Workspaces.

    /// A renamed workspace is not found under its old slug.
    OldSlugsForgotten: "workspaces::a_renamed_workspace_goes_on_resolving_under_its_old_slugs";
    /// An old slug of a workspace counts as taken.
    OldSlugsCountAsTaken: "workspaces::an_old_slug_can_be_taken_by_another_workspace"
        "workspaces::a_rename_takes_an_old_slug_over";
    /// An old slug goes on leading to its first workspace after another one had it.
    OldSlugsNotTakenOver: "workspaces::a_rename_takes_an_old_slug_over";
    /// A workspace is found by an old slug where the current one is asked for.
    OldSlugsAreCurrent: "workspaces::a_renamed_workspace_goes_on_resolving_under_its_old_slugs";
    /// Workspaces are not listed by slug.
    WorkspacesInOrderOfCreation: "workspaces::workspaces_are_listed_by_slug";
    /// A deleted workspace keeps its webhooks.
    DeletedWorkspacesKeepWebhooks: "workspaces::a_deleted_workspace_takes_everything_with_it"
        "purges::a_deleted_workspace_is_gone_before_it_is_purged";
    /// A deleted workspace keeps its settings.
    DeletedWorkspacesKeepSettings: "workspaces::a_deleted_workspace_takes_everything_with_it";
    /// A deleted workspace keeps its API keys.
    DeletedWorkspacesKeepKeys: "workspaces::a_deleted_workspace_takes_everything_with_it";
    /// A deleted workspace keeps the replies of its requests.
    DeletedWorkspacesKeepReplies: "workspaces::a_deleted_workspace_takes_everything_with_it";
    /// A workspace is named after its slug.
    WorkspacesNamedBySlug: "workspaces::a_workspace_reads_back_as_it_was_written";
    /// A rename does not write its time.
    RenamesForgetTheirTime: "workspaces::a_workspace_reads_back_as_it_was_written";
    /// Whether a slug is taken is read before the write.
    SlugsReadEarly: "workspaces::a_slug_belongs_to_one_workspace_under_concurrency";
    /// A workspace is renamed by an old slug.
    OldSlugsRename: "workspaces::an_old_slug_neither_renames_nor_deletes";
    /// A workspace is deleted by an old slug.
    OldSlugsDelete: "workspaces::an_old_slug_neither_renames_nor_deletes";
    /// The list of workspaces ends after a hundred.
    FirstPageOfWorkspaces: "workspaces::every_workspace_is_listed";
    /// Slugs are sorted as a dictionary does, without hyphens.
    SlugsSortedByLanguage: "workspaces::slugs_are_ordered_by_their_bytes";

    // Work on many entries.

    /// A job forgets which entries it is about.
    JobsOnEverybody: "entry_jobs::a_job_reads_back_as_it_was_written";
    /// Whether a list has a job is read before the write that begins one.
    JobsReadEarly: "entry_jobs::a_list_has_one_job_at_a_time";
    /// A job is found by any list.
    JobsOfOthersFound: "entry_jobs::a_job_is_of_its_list";
    /// A cancelled job goes on.
    CancelledJobsGoOn: "entry_jobs::a_cancelled_job_goes_on_no_more";
    /// Two workers hold one job.
    JobsClaimedTwice: "entry_jobs::one_worker_at_a_time_holds_a_job";
    /// A job stays held after a group.
    JobsStayHeld: "entry_jobs::a_group_frees_its_job";
    /// The youngest job comes first.
    YoungerJobsFirst: "entry_jobs::older_jobs_come_first";
    /// Why entries were not changed is forgotten.
    JobsForgetReasons: "entry_jobs::groups_add_up";
    /// Every job is pruned.
    YoungJobsPruned: "entry_jobs::old_jobs_are_pruned";
    /// A job that goes on is pruned.
    OpenJobsPruned: "entry_jobs::old_jobs_are_pruned";

    // Search.

    /// Names are not searched.
    NamesNotSearched: "search::a_text_finds_people";
    /// The end of a time is not heeded.
    TimesWithoutEnd: "search::every_filter_leaves_what_it_describes";
    /// Entries that are equal in an order go by their positions backwards.
    TiesInReverse: "search::every_order_goes_over_pages";
    /// A search goes over all lists.
    SearchesEveryList: "search::a_search_stays_on_its_list";
    /// A person is still found by a former name.
    FormerNamesFound: "search::a_changed_profile_is_found_anew";
    /// Deleted people are still found.
    DeletedPeopleFound: "search::who_is_gone_is_not_found";
    /// A count leaves the last position out.
    CountsBeforeTheEnd: "search::a_count_is_the_number_on_all_pages";
    /// A search that finds many stops after the first thousand positions.
    ManyFoundInPart: "search::pages_among_many_are_complete";
    /// The last entry of a full batch is left out.
    EndsOfBatchesNotSearched: "search::every_entry_is_found_after_the_last_batch";

    // Waitlists and receipts.

    /// Two lists of a workspace may have one slug.
    SlugsNotUnique: "waitlists::a_slug_is_unique_in_its_workspace_under_concurrency";
    /// A repeated request is told that its slug is taken, by itself.
    TakenSlugsToldFirst: "access::a_repeated_request_is_told_so_before_its_slug_is_told_taken";
    /// A key that was used in one workspace is used up in all.
    ReceiptsIgnoreWorkspaces: "access::a_key_is_of_one_workspace_and_one_route";
    /// A key that was used on one route is used up on all.
    ReceiptsIgnoreRoutes: "access::a_key_is_of_one_workspace_and_one_route";
    /// A refused request stores a reply.
    RefusedRequestsStoreReplies: "access::a_receipt_is_stored_with_its_effect";
    /// A key is used up for ever.
    RepliesNeverExpire: "access::a_receipt_lasts_a_day" "webhooks::a_receipt_of_a_webhook_lasts_a_day";
    /// The reply of a key that is used again after a day stays the old one.
    ExpiredRepliesStay: "access::a_receipt_lasts_a_day" "webhooks::a_receipt_of_a_webhook_lasts_a_day";
    /// A deleted list takes the replies of its workspace with it.
    RepliesGoWithLists: "access::a_receipt_outlives_the_waitlist_it_made";
    /// A prune deletes all that is old at once.
    PrunesUnlimited: "access::stored_replies_are_pruned_so_many_at_a_time" "sessions::sessions_are_pruned_so_many_at_a_time"
        "deliveries::events_that_nobody_gets_are_pruned" "mail_claims::what_is_finished_is_pruned"
        "audit::old_rows_are_pruned_so_many_at_a_time" "entry_jobs::old_jobs_are_pruned" "imports::old_imports_are_pruned";
    /// More rows are returned or changed than were asked for.
    LimitsIgnored: "imports::problems_are_in_the_order_of_the_file" "referrals::suspects_have_a_score"
        "referrals::networks_are_forgotten_in_time" "feeds::processes_number_events_together" "sessions::sessions_go_by_their_last_use"
        "proofs::sign_ups_of_a_moment_are_counted";
    /// The reply to a changed secret is not stored.
    RotationsStoreNoReply: "webhooks::a_reply_is_stored_with_a_webhook_and_with_its_new_secret";
    /// A list is found in a workspace that it does not belong to.
    ListsOfOthersFound: "waitlists::a_workspace_sees_its_own_waitlists_alone";
    /// Lists are in the order of their ids.
    ListsInOrderOfIds: "waitlists::lists_are_in_the_order_of_their_creation";
    /// Rows of other statuses count towards the limit of a page.
    FilteredAfterTheLimit: "waitlists::pages_go_newest_first_and_filter_by_status" "entries::a_page_of_one_status_is_full";
    /// A draft is not found by its slugs.
    DraftsNotFound: "public::drafts_and_inactive_variants_are_found";
    /// Inactive variants are not found with their list.
    InactiveVariantsNotFound: "public::drafts_and_inactive_variants_are_found";
    /// A process goes by the first status of a list that it saw.
    StaleLists: "sign_ups::a_sign_up_sees_the_status_that_was_answered" "sign_ups::a_sign_up_goes_by_the_settings_that_were_answered"
        "invitations::an_invitation_goes_by_the_link_of_the_moment";
    /// The status of a list can be changed from another workspace.
    StatusesOfOthersChange: "waitlists::a_workspace_sees_its_own_waitlists_alone";
    /// A change of the status overwrites an update that came meanwhile.
    StatusesReadEarly: "waitlists::a_status_and_an_update_at_once_are_both_kept";
    /// A change of the status does not write its time.
    StatusesForgetTheirTime: "waitlists::a_change_of_a_waitlist_is_written_with_its_time";
    /// An update does not write its time.
    UpdatesForgetTheirTime: "waitlists::a_change_of_a_waitlist_is_written_with_its_time";
    /// A null in an update leaves the setting as it is.
    NullsIgnored: "waitlists::a_setting_of_a_waitlist_is_cleared_by_null";
    /// A list that is deleted and not purged yet can be changed.
    DeletedListsChange: "deletions::a_deleted_waitlist_takes_no_changes";
    /// A list that is deleted and not purged yet gets variants.
    DeletedListsTakeVariants: "deletions::a_deleted_waitlist_takes_no_changes";
    /// Entries of a list that is deleted and not purged yet can be changed.
    EntriesOfDeletedListsChange: "deletions::a_deleted_waitlist_takes_no_changes";
    /// Closed lists are not listed.
    ClosedListsNotFound: "waitlists::lists_of_each_status_are_found";
    /// A page that ends with the last row names a next one.
    FullPagesNameANext: "waitlists::a_full_last_page_of_lists_has_no_next" "entries::a_full_last_page_of_entries_has_no_next"
        "suppressions::a_full_last_page_of_suppressions_has_no_next" "audit::pages_go_newest_first";
    /// A process goes on reading a list as it read it first, until it writes.
    ListsKept: "waitlists::a_list_is_found_as_it_is_in_every_process";
    /// A process goes on showing the public what it showed first, until it writes.
    PublicListsKept: "public::a_public_change_shows_elsewhere_within_a_second";
    /// The public gets the variants of a list in the order of their ids.
    PublicVariantsUnordered: "public::what_is_public_has_its_variants_whole";
    /// The public gets the variants of a list without their copy.
    PublicVariantsWithoutCopy: "public::what_is_public_has_its_variants_whole";

    // Variants, settings, keys.

    /// A sign-up is attributed to a variant that is not active.
    InactiveVariantWins: "sign_ups::an_inactive_variant_wins_nobody";
    /// A deleted variant loses the sign-ups it won.
    DeletedVariantsLoseSignUps: "variants::a_deleted_variant_keeps_its_sign_ups";
    /// A variant that is created inactive is active.
    NewVariantsActive: "variants::a_variant_reads_back_as_it_was_written";
    /// Variants are in the order of their ids.
    VariantsInOrderOfIds: "variants::variants_are_in_the_order_of_their_creation";
    /// A change of one setting forgets the others.
    SettingsForgetOtherKeys: "settings::concurrent_changes_of_settings_lose_nothing";
    /// A process goes by the first settings that it saw.
    StaleSettings: "mails::what_another_process_has_set_counts_at_once";
    /// A setting that is cleared stays.
    ClearedSettingsStay: "settings::every_setting_can_be_cleared";
    /// A brand is that of every workspace which has set one.
    SettingsShared: "settings::a_workspace_has_settings_of_its_own";
    /// A process goes on reading settings as it read them first, until it writes.
    SettingsKept: "settings::settings_show_in_every_process_at_once";
    /// A key is found by the beginning of its prefix.
    ShorterPrefixesFound: "access::an_api_key_is_found_by_its_whole_prefix";
    /// A revoked key is found.
    RevokedKeysFound: "access::an_api_key_is_found_until_it_is_revoked";
    /// Keys are in the order of their ids.
    KeysInOrderOfIds: "access::api_keys_are_in_the_order_of_their_creation";
    /// A key that is revoked once more was revoked then.
    KeysRevokedAgain: "access::an_api_key_is_found_until_it_is_revoked";
    /// A prefix finds the keys of one workspace.
    KeysOfOneWorkspaceFound: "access::a_prefix_finds_the_keys_of_every_workspace";

    // Entries.

    /// The next position is the number of entries plus one.
    PositionsFromCount: "reviews::a_deleted_entry_leaves_the_others_standing";
    /// The position of a deleted last entry is given out again.
    DeletionsFreePositions: "reviews::a_deleted_entry_leaves_the_others_standing";
    /// A rejection frees a place on a full list.
    RejectionsFreePlaces: "sign_ups::a_rejection_frees_no_place_and_a_deletion_does";
    /// A deletion frees no place on a full list.
    DeletionsFreeNoPlaces: "sign_ups::a_rejection_frees_no_place_and_a_deletion_does";
    /// A rejected person can join once more.
    RejectedAddressesJoinAgain: "sign_ups::a_rejected_person_joins_no_second_time";
    /// The code of a rejected person earns credit.
    RejectedFriendsCredited: "sign_ups::the_code_of_a_rejected_person_earns_nothing";
    /// An address can be on one list alone.
    AddressesUniqueAcrossLists: "sign_ups::an_address_joins_once_however_many_try";
    /// Entries of two lists can have one code.
    CodesUniqueInListAlone: "sign_ups::a_code_that_is_taken_is_told";
    /// Entries of two workspaces can have one code.
    CodesUniqueInWorkspaceAlone: "sign_ups::a_code_that_is_taken_is_told";
    /// A new code may be an old code of the list.
    NewCodesMayBeOld: "sign_ups::a_new_code_is_no_old_code_of_the_list";
    /// A referral counts twice.
    CreditedTwice: "sign_ups::a_referral_is_credited_exactly_once_each" "sign_ups::a_crowd_is_decided_in_its_order";
    /// Of the two events of an automatic approval one is lost.
    OneEventASignUp: "sign_ups::events_are_written_with_the_sign_up";
    /// A page begins after so many rows instead of after a row.
    PagesByOffset: "entries::pages_go_on_where_they_were_though_rows_are_deleted";
    /// An export shows what changes while it is read.
    ExportsSeeChanges: "reviews::an_export_shows_one_moment";
    /// An export is one batch.
    ExportsInOneBatch: "reviews::an_export_shows_one_moment";
    /// A review writes no event.
    ReviewsNotTold: "reviews::a_review_is_written_with_its_event";
    /// A review changes no total.
    ReviewsNotCounted: "stats::analytics_follow_every_change";
    /// A deletion takes a referrer's credit back.
    DeletionsTakeCreditBack: "reviews::a_deleted_entry_leaves_the_others_standing";
    /// A deleted person stays on the leaderboard.
    DeletedPeopleLead: "entries::deleted_people_lead_no_more";
    /// The mail of a deleted person stays.
    MailToDeletedEntries: "mails::mail_goes_with_what_it_belongs_to" "erasures::nothing_of_an_erased_entry_is_sent";
    /// What is undelivered of a deleted person's events is sent.
    EventsOfDeletedEntriesSent: "deliveries::what_is_undelivered_of_a_deleted_entry_is_dropped"
        "erasures::nothing_of_an_erased_entry_is_sent";
    /// An invitation is recorded without its mail.
    InvitationsNotMailed: "invitations::an_invitation_is_recorded_with_its_mail";
    /// An invitation that is recorded again is mailed again.
    MailTwice: "invitations::one_invitation_is_one_mail_however_often_it_is_recorded" "invitations::parallel_records_write_one_mail";
    /// An invitation is recorded of an entry on another list.
    InvitationsIgnoreLists: "invitations::an_entry_that_is_not_approved_is_not_recorded";
    /// The first invitation of an entry stays its last.
    FirstInvitationsStay: "invitations::an_invitation_is_recorded_with_its_mail";
    /// An invitation is kept only if it is into an app.
    InvitationsNeedApps: "invitations::a_list_with_a_link_invites_by_it";
    /// An invitation is recorded though its entry was rejected meanwhile.
    InvitationsReadEarly: "invitations::a_rejection_and_an_invitation_at_once_exclude_each_other";
    /// A person who was invited can be rejected.
    InvitedPeopleRejected: "invitations::an_invited_person_cannot_be_rejected";
    /// A review overwrites a credit that came meanwhile.
    ReviewsReadEarly: "reviews::a_review_and_a_credit_at_once_are_both_kept";
    /// An entry that is deleted twice at once is counted out twice.
    DeletionsReadEarly: "reviews::parallel_deletions_of_an_entry_delete_it_once";
    /// Entries of a list that is not open cannot be reviewed.
    ClosedListsFrozen: "reviews::entries_of_a_closed_list_go_on_changing";
    /// A change of an entry forgets its metadata.
    ChangesForgetMetadata: "entries::an_entry_keeps_its_fields_through_every_change";
    /// A change of an entry forgets what its person agreed to.
    ChangesForgetConsent: "entries::an_entry_keeps_its_fields_through_every_change";
    /// An invitation forgets the credit of an entry.
    InvitationsForgetCredit: "entries::an_entry_keeps_its_fields_through_every_change";
    /// A credit counts as an update of its referrer.
    CreditsAreUpdates: "entries::an_entry_keeps_its_fields_through_every_change";
    /// An export has no invitations.
    ExportsWithoutInvitations: "entries::an_entry_keeps_its_fields_through_every_change";
    /// An export has no rejected people.
    ExportsWithoutRejected: "entries::entries_of_each_status_are_found";
    /// Rejected people are listed only when they are asked for.
    RejectedPeopleNotListed: "entries::entries_of_each_status_are_found";
    /// An export shows referrers that are deleted and not purged yet.
    ExportsShowDeletedReferrers: "deletions::a_deleted_referrer_is_hidden_from_every_reader";
    /// A review shows a referrer that is deleted and not purged yet.
    ChangesShowDeletedReferrers: "deletions::a_deleted_referrer_is_hidden_from_every_reader";
    /// A change of an entry forgets its referrer, and the totals do not.
    ChangesForgetReferrers: "deletions::totals_are_right_though_friends_change_before_the_purge";
    /// The log of attempts to tell of a deleted person is lost.
    LogGoesWithEntries: "deliveries::what_is_undelivered_of_a_deleted_entry_is_dropped";
    /// The mail of a deleted person goes on every list.
    MailGoesByAddress: "mails::mail_of_a_deleted_entry_goes_sent_or_not";
    /// Mail that was sent to a deleted person stays.
    SentMailStays: "erasures::nothing_of_an_erased_entry_is_sent" "mails::mail_of_a_deleted_entry_goes_sent_or_not";

    /// A mail that is sent or given up keeps its data.
    EndedMailKeepsData: "mail_claims::the_data_of_an_ended_mail_is_forgotten";

    // Totals.

    /// A rejected person is on the leaderboard.
    LeadersIncludeRejected: "stats::tops_have_ten_rows_and_no_rejected_ones";
    /// Of two with as many referrals the later one leads.
    LeadersTiedByLatest: "stats::tops_have_ten_rows_and_no_rejected_ones";
    /// The last day of a span is left out.
    TimelinesLackTheirLastDay: "stats::a_timeline_counts_utc_days";
    /// Counting anew corrects nothing.
    RebuildDoesNothing: "stats::a_wrong_total_is_put_right";
    /// Counting anew frees the positions of deleted entries at the end.
    RebuildFreesPositions: "stats::a_rebuild_keeps_the_last_position";
    /// A person who was rejected and approved after all leads no more.
    ApprovedPeopleLeadNoMore: "entries::a_person_leads_again_once_approved";
    /// A process goes on showing the leaderboard as it showed it first, until it writes.
    LeadersKept: "entries::a_new_leader_shows_elsewhere_within_a_second";
    /// The leaderboard of a list is that of its workspace.
    LeadersOfWholeWorkspaces: "stats::nothing_of_another_waitlist_is_counted";
    /// The totals of a list are those of its workspace.
    TotalsOfWholeWorkspaces: "stats::nothing_of_another_waitlist_is_counted";
    /// The timeline of a list is that of its workspace.
    TimelinesOfWholeWorkspaces: "stats::nothing_of_another_waitlist_is_counted";
    /// An export of a list has the entries of its workspace.
    ExportsOfWholeWorkspaces: "stats::nothing_of_another_waitlist_is_counted";
    /// The rows of those who lead have the code of the first entry.
    TopsWithoutTheirCodes: "stats::tops_tell_who_leads";
    /// Analytics begin with the month, and not with the week.
    WeeksCutAtTheMonth: "stats::analytics_reach_back_to_monday_and_to_the_first";
    /// Analytics begin with the week, and not with the month.
    MonthsCutAtTheWeek: "stats::analytics_reach_back_to_monday_and_to_the_first";
    /// Variants are counted in the order of the sign-ups that they won.
    VariantsInOrderOfSignUps: "stats::variants_are_counted_in_the_order_of_their_creation";
    /// Variants are counted with the locale of the first.
    VariantsNamedAlike: "stats::variants_are_counted_in_the_order_of_their_creation";

    // Webhooks.

    /// A workspace may have any number of webhooks.
    WebhooksUnlimited: "webhooks::a_workspace_has_so_many_webhooks_at_most";
    /// A webhook is found in a workspace that it does not belong to.
    WebhooksOfOthersFound: "webhooks::a_webhook_reads_back_as_it_was_written";
    /// Webhooks are in the order of their ids.
    WebhooksInOrderOfIds: "webhooks::webhooks_are_in_the_order_of_their_creation";
    /// The log of attempts begins with the oldest.
    OldestAttemptsFirst: "settlements::an_attempt_is_settled_as_it_was_decided";
    /// Encrypting anew overwrites a secret that was changed meanwhile.
    ResealOverwrites: "webhooks::secrets_are_encrypted_anew";
    /// After a second rotation the first secret signs, and the second does not.
    FirstSecretsKept: "webhooks::a_second_rotation_ends_the_first_secret";
    /// An old secret signs for ever.
    OldSecretsForEver: "webhooks::an_old_secret_is_used_for_a_day";
    /// A test goes to every webhook that is subscribed.
    TestsGoToAll: "webhooks::a_test_goes_to_one_webhook_alone";
    /// A process goes by the first webhooks that it saw.
    StaleWebhooks: "deliveries::what_another_process_has_subscribed_counts_at_once";
    /// Disabled webhooks do not count towards the most that a workspace may have.
    DisabledWebhooksNotCounted: "webhooks::disabled_webhooks_count_and_deleted_ones_do_not";
    /// The secret of a webhook can be changed from another workspace.
    RotationsIgnoreWorkspaces: "webhooks::a_webhook_reads_back_as_it_was_written";
    /// A webhook can be tested from another workspace.
    TestsIgnoreWorkspaces: "webhooks::a_webhook_reads_back_as_it_was_written";
    /// A new secret enables its webhook.
    RotationsEnable: "webhooks::a_rotation_changes_only_the_secret";
    /// The secrets of disabled webhooks are not encrypted anew.
    SecretsOfDisabledNotTold: "webhooks::a_rotation_changes_only_the_secret";
    /// The secret before a rotation is not encrypted anew.
    ResealKeepsOldSecrets: "webhooks::both_secrets_are_encrypted_anew";
    /// A webhook that is enabled again keeps its failures.
    EnabledWebhooksKeepFailures: "deliveries::a_webhook_that_is_switched_on_starts_anew";

    // Changes that are told.

    /// A changed profile is not told.
    ProfilesNotTold: "changes::a_changed_profile_is_told";
    /// An invitation is not told.
    InvitationsNotTold: "changes::an_invitation_is_told_once";
    /// The event of a deletion is dropped with what is undelivered.
    DeletionsDropTheirEvent: "changes::a_deletion_is_told_without_the_person";
    /// The event of an erasure is reduced with the earlier ones.
    ErasuresReduceTheirEvent: "changes::a_deletion_is_told_without_the_person";
    /// The end of the mail to a person is told again.
    UnsubscriptionsToldAgain: "changes::an_unsubscription_is_told_once";
    /// The mail to a person whose address is suppressed for another reason is not ended.
    SuppressedPeopleNotUnsubscribed: "changes::an_unsubscription_is_told_once";
    /// The mail to a person of another list is ended.
    UnsubscriptionsIgnoreLists: "changes::an_unsubscription_is_told_once";
    /// The new status of a list is not told.
    StatusesNotTold: "changes::a_status_is_told_among_the_changes_of_its_list";

    // Replays.

    /// The log of one state has the attempts of every state.
    AttemptsOfEveryState: "replays::attempts_are_listed_by_the_state_of_their_delivery";
    /// The end of a period is in it.
    PeriodsClosed: "replays::a_replay_sends_what_fits_once_more";
    /// A replay sends events of every kind.
    ReplaysOfEveryKind: "replays::a_replay_sends_what_fits_once_more";
    /// A replay of what is dead sends what arrived too.
    ReplaysOfEveryState: "replays::a_replay_sends_what_fits_once_more";
    /// A replay sends to every webhook.
    ReplaysForEveryWebhook: "replays::a_replay_is_of_one_webhook";
    /// A webhook of another workspace is replayed.
    ReplaysIgnoreWorkspaces: "replays::a_replay_is_of_one_webhook";
    /// Nothing is kept for a disabled webhook.
    DisabledWebhooksForgotten: "replays::what_a_disabled_webhook_missed_can_be_replayed";
    /// The attempts before a replay count.
    ReplayedAttemptsCount: "replays::a_dead_delivery_is_retried_anew";
    /// A replay leaves out what was claimed, though nobody sends it any more.
    LeftClaimsNotReplayed: "replays::what_was_claimed_and_left_is_replayed";
    /// A replay ends the claim of what is being sent.
    ReplaysTakeWhatIsSent: "replays::what_is_being_sent_is_left_alone";
    /// Events of deleted people are replayed.
    DeletedPeopleReplayed: "replays::deleted_people_are_not_replayed";
    /// All events of a webhook are resent.
    ResendsEverything: "replays::one_event_is_sent_once_more";

    // Both queues.

    /// What is being tried is claimed again.
    ClaimedTwice: "claims::a_delivery_is_one_process_s_until_its_lease_ends" "mail_claims::a_mail_is_one_process_s_until_its_lease_ends";
    /// What is not due is claimed.
    ClaimedBeforeDue: "settlements::an_attempt_is_settled_as_it_was_decided" "mail_claims::a_mail_is_settled_as_it_was_decided";
    /// Whoever lost a claim settles nevertheless.
    FenceIgnored: "claims::a_delivery_is_one_process_s_until_its_lease_ends" "mail_claims::a_mail_is_one_process_s_until_its_lease_ends";
    /// An attempt does not count until it is settled.
    AttemptsNotCounted: "claims::what_always_kills_its_process_ends_after_its_attempts"
        "mail_claims::what_always_kills_its_process_is_not_sent_for_ever";
    /// What was given back untried has used an attempt up.
    ReleasedAttemptsCount: "claims::what_is_given_back_is_due_again" "mail_claims::a_mail_that_is_given_back_is_due_again";
    /// A lease ends at its last instant.
    LeasesEndEarly: "claims::a_delivery_is_one_process_s_until_its_lease_ends" "mail_claims::a_mail_is_one_process_s_until_its_lease_ends";
    /// What has no attempt left is tried again.
    TriedForEver: "claims::what_always_kills_its_process_ends_after_its_attempts"
        "mail_claims::what_always_kills_its_process_is_not_sent_for_ever";
    /// A claim is not limited to a lane's share.
    SharesIgnored: "claims::webhooks_get_their_shares" "mail_claims::workspaces_get_their_shares";
    /// A claim takes what is due of lanes that it does not name.
    LanesMixed: "claims::webhooks_get_their_shares" "mail_claims::workspaces_get_their_shares";
    /// The shortest due is claimed first.
    ShortestDueFirst: "claims::webhooks_get_their_shares" "mail_claims::the_longest_due_is_sent_first";
    /// What is being tried is not told apart from what waits.
    RunningNotTold: "claims::the_depth_tells_what_is_being_sent" "mail_claims::the_depth_tells_what_is_being_sent";
    /// What is still to be sent is pruned.
    UnfinishedPruned: "deliveries::what_is_finished_is_pruned" "mail_claims::what_is_finished_is_pruned";
    /// Only the first lanes that something is due for are told.
    FirstLanesDue: "claims::every_webhook_with_a_delivery_due_is_told" "mail_claims::every_workspace_with_mail_due_is_told";
    /// A claim is confirmed though another process has the job now.
    ConfirmsClaimsOfOthers: "claims::a_claim_that_ended_is_not_confirmed" "mail_claims::a_claim_on_mail_that_ended_is_not_confirmed";
    /// A claim is confirmed though its lease ended and the job waits.
    ConfirmsWhatWaits: "claims::a_claim_that_ended_is_not_confirmed" "mail_claims::a_claim_on_mail_that_ended_is_not_confirmed";
    /// Each attempt is confirmed as the first.
    ConfirmsFirstAttempts: "claims::a_claim_that_ended_is_not_confirmed" "mail_claims::a_claim_on_mail_that_ended_is_not_confirmed";
    /// Of what is given back at once only the first is due again.
    ReleasesOne: "claims::every_delivery_that_is_given_back_is_due_again" "mail_claims::every_mail_that_is_given_back_is_due_again";
    /// A lease lasts a minute, whatever was asked.
    LeasesFixed: "claims::a_lease_lasts_as_long_as_was_asked" "mail_claims::a_lease_of_mail_lasts_as_long_as_was_asked";
    /// A job is tried eight times, whatever was asked.
    AttemptsFixed: "claims::what_always_kills_its_process_ends_after_its_attempts"
        "mail_claims::what_always_kills_its_process_is_not_sent_for_ever";
    /// An attempt is settled by the default schedule.
    PoliciesIgnored: "settlements::an_attempt_is_settled_by_the_policy_that_is_given"
        "mail_claims::a_mail_is_settled_by_the_schedule_that_is_given";

    // Deliveries.

    /// A workspace's events go to the webhooks of others.
    EventsToOtherWorkspaces: "deliveries::an_event_goes_to_those_who_are_subscribed";
    /// A webhook gets events of every kind.
    SubscriptionsIgnored: "deliveries::an_event_goes_to_those_who_are_subscribed";
    /// A webhook that is switched on again is sent what waited before.
    SwitchesForgotten: "deliveries::a_webhook_that_is_off_misses_what_happens" "claims::what_was_claimed_before_a_switch_is_not_sent_again";
    /// What was claimed is sent after its webhook was switched off.
    ConfirmsWhatIsOff: "claims::what_was_claimed_before_a_switch_is_not_sent_again";
    /// An event goes where its webhook was when the event was written.
    UrlsFrozen: "claims::a_claim_is_confirmed_as_things_are_now";
    /// Failures are not counted for a webhook.
    AttemptsNotCountedAgainstWebhooks: "settlements::an_attempt_is_settled_as_it_was_decided";
    /// A deleted list's events are sent.
    EventsOfDeletedListsSent: "deliveries::deliveries_go_with_what_they_belong_to";
    /// Events are written for webhooks that are disabled.
    DisabledWebhooksWrittenFor: "deliveries::a_disabled_webhook_is_due_nothing";
    /// A webhook that is disabled is told to be due.
    DisabledWebhooksDue: "deliveries::a_disabled_webhook_is_due_nothing";
    /// Every delivery has the body of the oldest event.
    BodiesMixed: "deliveries::a_delivery_has_the_body_of_its_event";
    /// A confirmation comes with the old secret though its day is over.
    ConfirmsOldSecrets: "claims::a_claim_is_confirmed_with_the_secrets_of_its_time";
    /// Settling an attempt overwrites an update of its webhook that came meanwhile.
    SettlementsReadEarly: "settlements::a_settlement_and_an_update_at_once_are_both_kept";
    /// An attempt with an answer is logged without its error.
    LogForgetsErrors: "settlements::an_attempt_is_logged_whole";
    /// Each attempt is logged as one to tell of a sign-up.
    LogForgetsKinds: "settlements::an_attempt_is_logged_whole";
    /// An event that no webhook gets is never pruned.
    EventsOfNobodyStay: "deliveries::events_that_nobody_gets_are_pruned";
    /// An event that was given up is never pruned.
    DeadEventsStay: "deliveries::an_event_is_pruned_when_its_last_delivery_has_ended";
    /// An event is pruned when one of its deliveries has arrived.
    HalfSentPruned: "deliveries::an_event_is_pruned_when_its_last_delivery_has_ended";

    // Feeds.

    /// Events get numbers in the order of their ids.
    FeedsInOrderOfIds: "feeds::events_of_a_list_keep_their_order";
    /// An event is given another number later.
    FeedsNumberedAnew: "feeds::a_reader_goes_on_where_it_was";
    /// Events get numbers by what was read before others gave them.
    FeedsReadEarly: "feeds::processes_number_events_together";
    /// Approvals are in no feed.
    FeedsForgetApprovals: "feeds::a_filter_leaves_the_rest_in_its_order";
    /// A feed shows the events of other workspaces.
    FeedsOfOthersRead: "feeds::a_feed_is_of_one_workspace";
    /// The filter of a page is ignored.
    FeedFiltersIgnored: "feeds::a_filter_leaves_the_rest_in_its_order";
    /// A feed shows tests of webhooks.
    TestsInFeeds: "feeds::a_test_is_in_no_feed";
    /// A feed shows the events of a deleted list until its purge.
    DeletedListsInFeeds: "feeds::a_deleted_waitlist_leaves_the_feed";
    /// The purge of a list takes its events out of the feed.
    PurgesCutFeeds: "feeds::a_reader_goes_on_after_a_list_is_deleted";
    /// A feed shows the events of a deleted entry whole.
    DeletedEntriesInFeeds: "feeds::a_deleted_entry_is_reduced_in_the_feed";
    /// A key is taken however old its event is.
    FeedKeysNeverTooOld: "feeds::a_key_without_its_event_is_refused";
    /// A feed shows what is too old until it is pruned.
    OldEventsInFeeds: "feeds::a_key_without_its_event_is_refused";
    /// A key whose event is gone is taken.
    FeedKeysIgnored: "feeds::a_key_without_its_event_is_refused";
    /// There are no news of events that wait for a number.
    NewsOnlyOfNumbers: "feeds::news_are_told_of_the_workspaces_that_have_them";
    /// There are news of events that were seen.
    NewsOfOld: "feeds::news_are_told_of_the_workspaces_that_have_them";

    // Mail.

    /// A deleted list's mail is sent.
    MailOfDeletedListsSent: "mails::mail_goes_with_what_it_belongs_to";
    /// A mail's sender is read when it is sent.
    SendersReadWhenSent: "mails::a_mail_says_what_was_set_when_it_was_written";
    /// A workspace without settings sends mail by those of another.
    MailBySettingsOfOthers: "mails::a_workspace_sends_mail_by_its_own_settings";
    /// The links of a mail have the slug that its workspace had before.
    MailLinksToOldSlugs: "mails::a_mail_links_to_the_slug_that_its_workspace_has";
    /// The newest mails come first.
    NewestMailsFirst: "mails::a_mail_says_what_was_set_when_it_was_written";
    /// The mail of a deleted workspace is sent until it is purged.
    MailOfDeletedWorkspacesSent: "mails::mail_of_a_deleted_workspace_is_not_sent";
    /// Mail that is being sent is pruned.
    MailInFlightPruned: "mail_claims::what_is_finished_is_pruned";

    // Suppressions.

    /// Suppressing an address once more gives a second suppression.
    SuppressedTwice: "suppressions::an_address_is_suppressed_once_for_a_reason"
        "suppressions::an_address_is_suppressed_once_for_a_reason_under_concurrency";
    /// A bounce, a refusal or an import suppresses an address once more.
    OtherWaysSuppressTwice: "suppressions::every_way_suppresses_an_address_once_for_a_reason";
    /// Suppressing an address once more replaces the suppression.
    SuppressionsReplaced: "suppressions::an_address_is_suppressed_once_for_a_reason";
    /// Whether an address is suppressed already is read before the write.
    SuppressionsReadEarly: "suppressions::an_address_is_suppressed_once_for_a_reason_under_concurrency";
    /// An address that is suppressed for one reason is not suppressed for another.
    SuppressionsOfOneReason: "suppressions::lifting_one_suppression_leaves_the_others";
    /// A workspace that does not exist gets suppressions.
    SuppressionsOfNobody: "suppressions::a_suppression_needs_its_workspace";
    /// A suppression is kept without the masked address.
    MasksForgotten: "suppressions::a_suppression_reads_back_as_it_was_written";
    /// The suppressions of an address are those of every workspace.
    SuppressionsShared: "suppressions::a_workspace_has_suppressions_of_its_own";
    /// The list of suppressions is that of every workspace.
    SuppressionsOfOthersListed: "suppressions::a_workspace_has_suppressions_of_its_own";
    /// A suppression can be lifted from another workspace.
    SuppressionsOfOthersLifted: "suppressions::a_workspace_has_suppressions_of_its_own";
    /// Lifting one suppression of an address lifts all of them.
    LiftsTakeOtherReasons: "suppressions::lifting_one_suppression_leaves_the_others";
    /// Lifting the suppression of an address lifts those of others for the same reason.
    LiftsTakeOtherAddresses: "suppressions::lifting_one_suppression_leaves_the_others";
    /// The oldest suppression of an address comes first.
    OldestSuppressionsFirst: "suppressions::suppressions_go_newest_first";
    /// Suppressions are listed in the order of their ids.
    SuppressionsInOrderOfIds: "suppressions::suppressions_go_newest_first";
    /// A page of suppressions begins with the row that its key names.
    PagesRepeatTheirKey: "suppressions::pages_of_suppressions_go_on_where_they_were" "suppressions::suppressions_go_newest_first";
    /// A process goes on reading the suppressions of an address as it read them first, until it writes.
    SuppressionsKept: "suppressions::a_suppression_shows_in_every_process_at_once";
    /// The suppressions of a deleted workspace are found until they are purged.
    SuppressionsOutliveWorkspaces: "suppressions::a_deleted_workspace_has_no_suppressions_before_it_is_purged";

    // The log of mail, and mail that tries a template.

    /// The log does not say what went wrong.
    LogWithoutErrors: "mail_log::the_log_tells_what_became_of_a_mail";
    /// The log says what went wrong in the first attempt.
    FirstErrorsStay: "mail_log::the_log_tells_what_became_of_a_mail";
    /// The log does not say which mails wait for room in the budget.
    LogWithoutBudget: "mail_claims::what_is_kept_back_is_counted";
    /// The log has every state, whichever is asked for.
    LogIgnoresStates: "mail_log::the_log_is_filtered";
    /// The log has every kind, whichever is asked for.
    LogIgnoresKinds: "mail_log::the_log_is_filtered";
    /// The log has the mail of every entry, whichever is asked for.
    LogIgnoresEntries: "mail_log::the_log_is_filtered";
    /// The log begins with the oldest mail.
    LogOldestFirst: "mail_log::pages_of_the_log_go_on_where_they_were";
    /// The log has the mail of other workspaces.
    LogOfOthers: "mail_log::a_workspace_has_a_log_of_its_own";
    /// The log has the mail of deleted lists until it is purged.
    LogOfDeletedLists: "mail_log::a_workspace_has_a_log_of_its_own";
    /// A workspace tries as many templates as it likes.
    TestsUnlimited: "mail_log::a_workspace_tests_ten_mails_an_hour" "mail_log::the_most_tests_are_not_exceeded_under_concurrency";
    /// Tests that are written at once do not count each other.
    TestsCountedEarly: "mail_log::the_most_tests_are_not_exceeded_under_concurrency";
    /// A suppressed address gets no test.
    TestsSuppressed: "mail_log::a_test_goes_to_a_suppressed_address_too";
    /// The relay may send a test that its writer wanted to send.
    TestsNotClaimed: "mail_log::a_test_may_be_claimed_by_its_writer";
    /// The tests of a deleted workspace stay, and are sent.
    TestsOutliveWorkspaces: "mail_log::tests_go_with_their_workspace";

    // Templates of mail.

    /// A workspace may have any number of templates.
    TemplatesUnlimited: "mail_templates::a_workspace_has_so_many_templates_at_most"
        "mail_templates::the_most_templates_are_not_exceeded_under_concurrency";
    /// How many templates a workspace has is read before the write.
    TemplatesCountedEarly: "mail_templates::the_most_templates_are_not_exceeded_under_concurrency";
    /// A template that is replaced counts towards the most that a workspace may have.
    ReplacedTemplatesCount: "mail_templates::a_workspace_has_so_many_templates_at_most";
    /// The templates of other workspaces count towards the most that a workspace may have.
    TemplatesOfOthersCount: "mail_templates::a_workspace_has_templates_of_its_own";
    /// A workspace that does not exist gets templates.
    TemplatesOfNobody: "mail_templates::a_deleted_workspace_takes_its_templates_with_it";
    /// A workspace finds the templates of every workspace.
    TemplatesShared: "mail_templates::a_workspace_has_templates_of_its_own";
    /// A template that is replaced by one without HTML keeps its HTML.
    ReplacedTemplatesKeepHtml: "mail_templates::a_template_is_replaced_whole";
    /// A template that is replaced keeps its time.
    ReplacedTemplatesKeepTheirTime: "mail_templates::a_template_is_replaced_whole"
        "mail_templates::a_template_shows_in_every_process_at_once";
    /// Line breaks of a template are kept as line feeds.
    TemplatesWithOtherLineBreaks: "mail_templates::a_template_reads_back_as_it_was_written";
    /// Deleting a template deletes those of other workspaces.
    DeletionsTakeTemplatesOfOthers: "mail_templates::a_template_is_deleted_alone";
    /// Deleting a template deletes those of other kinds.
    DeletionsTakeOtherKinds: "mail_templates::a_template_is_deleted_alone";
    /// Deleting a template deletes those of other locales.
    DeletionsTakeOtherLocales: "mail_templates::a_template_is_deleted_alone";
    /// Templates are in the order in which they were written.
    TemplatesInOrderOfWriting: "mail_templates::templates_go_by_kind_and_locale";
    /// Templates are in the order of their locales, whatever their kind.
    TemplatesByLocale: "mail_templates::templates_go_by_kind_and_locale";
    /// Kinds of templates are in the order in which their mails are sent.
    KindsInOrderOfTheirUse: "mail_templates::templates_go_by_kind_and_locale";
    /// Locales are sorted as a dictionary does, without hyphens.
    LocalesSortedByLanguage: "mail_templates::templates_go_by_kind_and_locale";
    /// The templates of a kind are those of every kind.
    KindsOfTemplatesMixed: "mail_templates::templates_go_by_kind_and_locale";
    /// A process goes on reading templates as it read them first, until it writes.
    TemplatesKept: "mail_templates::a_template_shows_in_every_process_at_once";
    /// A deleted workspace keeps its templates.
    DeletedWorkspacesKeepTemplates: "mail_templates::a_deleted_workspace_takes_its_templates_with_it";

    // Purges.

    /// A purge is one batch.
    PurgesInOneBatch: "purges::a_purge_takes_what_was_deleted_and_nothing_else";
    /// Nothing is ever left to be purged, as it is told.
    BacklogNotTold: "purges::a_deleted_waitlist_is_gone_before_it_is_purged";
    /// A purge of a list forgets its mail.
    PurgesForgetMail: "purges::a_purge_takes_what_was_deleted_and_nothing_else";
    /// A purge of a list forgets its events.
    PurgesForgetEvents: "purges::a_purge_takes_what_was_deleted_and_nothing_else";
    /// A purge of a webhook forgets its deliveries.
    PurgesForgetDeliveries: "purges::a_deleted_webhook_is_purged";
    /// What waited for a switched webhook is never held.
    PurgesForgetHeld: "purges::what_waited_for_a_switched_webhook_is_held_in_time";
    /// A purge takes what belongs to other lists.
    PurgesTakeNeighbours: "purges::a_purge_takes_what_was_deleted_and_nothing_else";
    /// Those whom a deleted entry referred are counted as referred for ever.
    DeletedReferrersCounted: "purges::a_deleted_referrer_of_many_is_forgotten";
    /// A purge of a webhook takes the log of others.
    PurgesTakeOtherLogs: "purges::a_purge_leaves_logs_and_tests_alone";
    /// A purge of a webhook forgets its log.
    PurgesForgetLogs: "purges::a_purge_leaves_logs_and_tests_alone";
    /// A purge of a list takes the events of tests.
    PurgesTakeTests: "purges::a_purge_leaves_logs_and_tests_alone";
    /// A purge of a workspace forgets its suppressions.
    PurgesForgetSuppressions: "suppressions::a_purge_takes_the_suppressions_of_a_deleted_workspace";
    /// A purge of a workspace takes the suppressions of others.
    PurgesTakeOtherSuppressions: "suppressions::a_purge_takes_the_suppressions_of_a_deleted_workspace";

    // The referral ledger.

    /// A referral has no row.
    ReferralsNotWritten: "referrals::a_referral_is_kept_in_every_state";
    /// A referral is kept without what speaks against it.
    JudgementsForgotten: "referrals::a_referral_is_kept_in_every_state";
    /// Referrals of another list of the workspace are listed.
    ReferralsOfWholeWorkspaces: "referrals::a_referral_is_kept_in_every_state";
    /// Referrals of any state are listed.
    ReferralStatesNotFiltered: "referrals::referrals_go_newest_first_and_filter";
    /// A page begins after the instant of the last row.
    ReferralPagesByTimeAlone: "referrals::referrals_go_newest_first_and_filter";
    /// A referral of any code makes a burst.
    BurstsOfEveryCode: "referrals::signals_are_of_one_code_and_its_time";
    /// A referral of any hour makes a burst.
    BurstsForEver: "referrals::signals_are_of_one_code_and_its_time";
    /// A referral of any code is a neighbour.
    NeighboursOfEveryCode: "referrals::signals_are_of_one_code_and_its_time";
    /// A referral of any day is a neighbour.
    NeighboursForEver: "referrals::signals_are_of_one_code_and_its_time";
    /// A decision leaves the count.
    DecisionsNotCounted: "referrals::a_decision_moves_the_count_with_the_state"
        "referrals::counts_equal_credited_rows_under_parallel_changes" "referrals::a_dry_run_changes_nothing";
    /// A decision changes when its referrer was changed.
    DecisionsAreUpdates: "referrals::a_decision_moves_the_count_with_the_state";
    /// A decision is made by what was read before others were written.
    DecisionsReadEarly: "referrals::counts_equal_credited_rows_under_parallel_changes";
    /// A decision is told to nobody.
    DecisionsNotTold: "referrals::every_decision_is_told_once"
        "abandoned::a_decision_about_referrals_is_whole_or_not_at_all";
    /// The most referrals of an entry are forgotten with those that are taken back.
    PeaksForgotten: "referrals::a_reward_is_told_once";
    /// A decision changes referrals of another list of the workspace.
    DecisionsIgnoreLists: "referrals::a_decision_needs_referrals_of_the_list";
    /// A dry run writes.
    DryRunsWrite: "referrals::a_dry_run_changes_nothing";
    /// A selection takes the newest referrals.
    SelectionsTakeTheNewest: "referrals::a_selection_takes_the_oldest_that_are_left";
    /// An entry without a network selects all referrals without one.
    UnknownNetworksSelected: "referrals::a_network_selects_its_own_referrals";
    /// A referral without a score is a suspect.
    EveryReferralSuspected: "referrals::suspects_have_a_score";
    /// A rejected person has no standing.
    RejectedPeopleDoNotStand: "referrals::standings_are_of_everybody_with_referrals";
    /// A referral that was taken back has a time of its credit.
    EveryReferralTimed: "referrals::credits_are_told_with_their_times";
    /// Networks are kept.
    NetworksRemembered: "referrals::networks_are_forgotten_in_time";
    /// Networks of any age are forgotten.
    NetworksForgottenEarly: "referrals::networks_are_forgotten_in_time";
    /// Rows name persons that are gone.
    GonePersonsNamed: "referrals::rows_outlive_their_persons";
    /// A rebuild leaves the counts of referrers.
    RebuildsIgnoreTheLedger: "referrals::a_rebuild_counts_the_credited_rows";

    // Erasures.

    /// An erased person stays on the leaderboard.
    ErasedPeopleLead: "erasures::an_erased_entry_is_gone_for_every_reader";
    /// An erased entry is counted no more.
    ErasuresCountOut: "erasures::an_erased_entry_is_still_counted";
    /// The source of an erased entry is still counted.
    ErasuresKeepSources: "erasures::an_erased_entry_is_still_counted";
    /// A rebuild counts no erased entries.
    RebuildsForgetTombstones: "erasures::an_erased_entry_is_still_counted";
    /// An erased entry still stands on its list.
    ErasedPeopleStand: "stats::who_left_stands_no_more";
    /// A rejected entry stands on its list no more.
    RejectedPeopleStandNowhere: "stats::who_left_stands_no_more";
    /// An erasure frees no place on a full list.
    ErasuresFreeNoPlaces: "erasures::an_erased_entry_frees_its_place_and_its_address";
    /// Those whom an erased person referred have no referrer any more.
    ErasedReferrersForgotten: "erasures::credit_outlives_an_erasure";
    /// An erased entry keeps a referrer that is deleted.
    TombstonesKeepDeletedReferrers: "erasures::credit_outlives_an_erasure";
    /// The address of an erased person is not suppressed.
    ErasedAddressesNotSuppressed: "erasures::an_erased_address_is_suppressed_and_not_shown";
    /// Suppressions of an erased person still show the masked address.
    MasksOfErasedAddressesStay: "erasures::an_erased_address_is_suppressed_and_not_shown";
    /// What admins wrote of a deleted referrer stays.
    ReasonsOutliveReferrers: "referrals::rows_outlive_their_persons";
    /// Mails to an erased address that tried a template stay.
    TestsOutliveErasures: "erasures::test_mails_to_an_erased_address_go";
    /// An erasure deletes every mail to the address in the workspace.
    AllMailOfAnErasedAddressGoes: "erasures::test_mails_to_an_erased_address_go";
    /// An entry that is erased twice at once is counted twice.
    ErasuresReadEarly: "erasures::parallel_erasures_erase_an_entry_once";
    /// An entry of another list can be erased.
    ErasuresIgnoreLists: "erasures::an_erasure_needs_an_entry_of_the_list";
    /// A sign-up of a person who was erased leaves the suppression.
    ErasedPeopleStaySuppressed: "erasures::a_sign_up_brings_an_erased_person_back";
    /// A sign-up lifts a suppression of any reason.
    SignUpsLiftEveryReason: "erasures::a_sign_up_brings_an_erased_person_back";
    /// A purge leaves the bodies of an erased entry's events.
    BodiesKeepTraces: "erasures::a_purge_reduces_the_events_of_an_erased_entry";
    /// A purge leaves the answers of receivers.
    AnswersKeepTraces: "erasures::a_purge_reduces_the_events_of_an_erased_entry";
    /// A purge reduces one batch of events, and forgets the rest.
    TracesPurgedInPart: "erasures::a_purge_reduces_the_events_of_an_erased_entry";
    /// A purge reduces the events of other entries.
    TracesOfOthersPurged: "erasures::a_purge_reduces_the_events_of_an_erased_entry";

    // Callers that go away in the midst of a write.

    /// Events and mail are written after what they tell of.
    TornOutbox: "abandoned::a_sign_up_is_whole_or_not_at_all" "abandoned::a_review_is_whole_or_not_at_all"
        "abandoned::an_invitation_is_whole_or_not_at_all";
    /// Replies are written after their effect.
    TornReplies: "abandoned::a_new_waitlist_is_whole_or_not_at_all" "abandoned::a_new_webhook_is_whole_or_not_at_all"
        "abandoned::a_new_secret_is_whole_or_not_at_all";
    /// Totals are written after the rows they count.
    TornTotals: "abandoned::a_sign_up_is_whole_or_not_at_all" "abandoned::a_deletion_of_an_entry_is_whole_or_not_at_all";
    /// The old slug is written after the new one.
    TornSlugs: "abandoned::a_rename_is_whole_or_not_at_all";
    /// The control variant is written after its list.
    TornVariants: "abandoned::a_new_waitlist_is_whole_or_not_at_all";
    /// The lists of a deleted workspace go after it.
    TornLists: "abandoned::a_deletion_of_a_workspace_is_whole_or_not_at_all";
    /// The suppression of an erased person is written after the erasure.
    TornErasures: "abandoned::an_erasure_is_whole_or_not_at_all";
    /// The log is written after the delivery.
    TornLog: "abandoned::a_settlement_is_whole_or_not_at_all";
}

/// The flaw of a store, if it has one. Without the feature `flaws` none has, and nothing is left of the questions.
#[derive(Clone, Copy, Default)]
pub(crate) struct Flawed(#[cfg(feature = "flaws")] Option<Flaw>);

impl Flawed {
    #[cfg(feature = "flaws")]
    pub const fn with(flaw: Flaw) -> Self {
        Self(Some(flaw))
    }

    /// Whether the store has that flaw.
    #[cfg(feature = "flaws")]
    pub fn is(self, flaw: Flaw) -> bool {
        self.0 == Some(flaw)
    }

    /// Whether the store has that flaw.
    #[cfg(not(feature = "flaws"))]
    pub const fn is(self, _: Flaw) -> bool {
        false
    }

    /// The scope under which a reply is stored.
    pub fn scope(self, scope: &RequestScope) -> RequestScope {
        let nowhere = WorkspaceId::new(Uuid::nil());
        RequestScope {
            workspace_id: if self.is(Flaw::ReceiptsIgnoreWorkspaces) { nowhere } else { scope.workspace_id },
            route: if self.is(Flaw::ReceiptsIgnoreRoutes) { String::new() } else { scope.route.clone() },
            key: scope.key.clone(),
        }
    }

    /// The identity under which a mail is kept beside so many others.
    pub fn mail_id(self, id: MailId, others: usize) -> MailId {
        let other = MailId::new(Uuid::from_u128(id.uuid().as_u128() ^ others as u128));
        if self.is(Flaw::MailTwice) { other } else { id }
    }

    /// A reply to nothing.
    pub const fn empty_reply(self, now: Timestamp) -> StoredReply {
        StoredReply { fingerprint: [0; 32], sealed: Vec::new(), created_at: now }
    }

    /// Cuts a page off before its rows are filtered.
    pub fn cut_before_filtering<T>(self, rows: &mut Vec<T>, limit: Limit) {
        if self.is(Flaw::FilteredAfterTheLimit) {
            rows.truncate(limit.rows() + 1);
        }
    }

    /// A referrer as if it were not rejected.
    pub fn pardon(self, referrer: ReferrerFacts) -> ReferrerFacts {
        ReferrerFacts { status: EntryStatus::Pending, ..referrer }
    }

    /// A referral as it is kept.
    pub fn judged(self, referral: Referral) -> Referral {
        if self.is(Flaw::JudgementsForgotten) { Referral { score: 0, reasons: Vec::new(), ..referral } } else { referral }
    }

    /// The leaderboard's line of an entry, rejected or not.
    pub fn leader(self, entry: &Entry) -> Leader {
        Leader { position: entry.position, referral_count: entry.referral_count, email: entry.profile.email.clone() }
    }

    /// At most that many, for a flaw that stops there.
    pub fn at_most(self, flaw: Flaw, number: usize) -> usize {
        if self.is(flaw) { number } else { usize::MAX }
    }

    /// How many rows a method may return or change.
    pub fn rows(self, most: usize) -> usize {
        if self.is(Flaw::LimitsIgnored) { usize::MAX } else { most }
    }

    /// How many rows a prune may delete.
    pub fn prunes(self, most: usize) -> usize {
        if self.is(Flaw::PrunesUnlimited) { usize::MAX } else { most }
    }

    /// Whether a row of the audit log is not written.
    pub fn loses(self, row: &AuditRow) -> bool {
        (row.action.ends_with(".delete") && self.is(Flaw::DeletionsNotAudited))
            || (row.action == "import.end" && self.is(Flaw::EndsOfImportsNotAudited))
    }

    /// A row of the audit log as it is kept.
    pub fn noted(self, mut row: AuditRow) -> AuditRow {
        row.actor.request_id = row.actor.request_id.filter(|_| !self.is(Flaw::RowsForgetRequests));
        row
    }

    /// A row about a sign-up.
    pub fn visit(self, entry: &Entry) -> Option<AuditRow> {
        self.is(Flaw::VisitorsAudited).then(|| AuditRow {
            at: entry.created_at,
            workspace_id: Some(entry.workspace_id),
            actor: AuditActor::SYSTEM,
            action: "entry.create".to_owned(),
            target_id: Some(entry.id.to_string()),
            changes: rally_domain::serde_json::Map::new(),
        })
    }

    /// A page of rows that were fetched with one more than the limit.
    pub fn page<T, K>(self, rows: Vec<T>, limit: Limit, key: impl Fn(&T) -> K) -> Page<T, K> {
        let is_full = rows.len() == limit.rows() && self.is(Flaw::FullPagesNameANext);
        let last = rows.last().map(&key).filter(|_| is_full);
        let page = Page::from_overfetch(rows, limit, key);
        Page { next: page.next.or(last), ..page }
    }

    /// What a search asks for.
    pub fn asked(self, query: &EntryQuery) -> EntryQuery {
        let created_until = query.created_until.filter(|_| !self.is(Flaw::TimesWithoutEnd));
        EntryQuery { created_until, ..query.clone() }
    }

    /// The terms by which an entry is found.
    pub fn terms(self, position: Position, mut terms: Vec<String>) -> Vec<String> {
        terms.retain(|term| !term.starts_with('w') || term.contains('@') || !self.is(Flaw::NamesNotSearched));
        terms.retain(|_| !position.number().is_multiple_of(4) || !self.is(Flaw::EndsOfBatchesNotSearched));
        terms
    }

    /// A new workspace as it is kept.
    pub fn created(self, workspace: Workspace) -> Workspace {
        let slug = WorkspaceName::parse(workspace.slug.as_str()).ok().filter(|_| self.is(Flaw::WorkspacesNamedBySlug));
        Workspace { name: slug.unwrap_or(workspace.name), ..workspace }
    }

    /// A new sign-up request as it is kept.
    pub fn requested(self, mut request: SignUpRequest) -> SignUpRequest {
        if self.is(Flaw::RequestsLowercased) {
            request.profile.name = PersonName::from_stored(request.profile.name.as_str().to_lowercase());
        }
        if self.is(Flaw::RequestsForgetConsent) {
            request.profile.consent = None;
        }
        request
    }

    /// A new suppression as it is kept.
    pub fn suppressed(self, suppression: Suppression) -> Suppression {
        let masked_email = suppression.masked_email.filter(|_| !self.is(Flaw::MasksForgotten));
        Suppression { masked_email, ..suppression }
    }

    /// A template as it is kept.
    pub fn put(self, before: Option<MailTemplate>, mut after: MailTemplate) -> MailTemplate {
        if self.is(Flaw::TemplatesWithOtherLineBreaks) {
            after.source.text = after.source.text.replace("\r\n", "\n");
        }
        let Some(before) = before else { return after };
        if self.is(Flaw::ReplacedTemplatesKeepHtml) {
            after.source.html = after.source.html.or(before.source.html);
        }
        if self.is(Flaw::ReplacedTemplatesKeepTheirTime) {
            after.updated_at = before.updated_at;
        }
        after
    }

    /// Settings as they are kept.
    pub fn set(self, before: WorkspaceSettings, mut after: WorkspaceSettings) -> WorkspaceSettings {
        if self.is(Flaw::ClearedSettingsStay) {
            after.brand.logo_url = after.brand.logo_url.or(before.brand.logo_url);
            after.default_heimdall_app_slug = after.default_heimdall_app_slug.or(before.default_heimdall_app_slug);
        }
        after
    }

    /// A list as it is kept after an update.
    pub fn updated(self, before: Option<Waitlist>, mut after: Waitlist, command: &UpdateWaitlist) -> Waitlist {
        let Some(before) = before else { return after };
        if self.is(Flaw::UpdatesForgetTheirTime) {
            after.updated_at = before.updated_at;
        }
        let clears = command.settings.iter().flat_map(|settings| settings.values()).any(|value| value.is_null());
        if self.is(Flaw::NullsIgnored) && clears {
            after.settings = before.settings;
        }
        after
    }

    /// What bears on a review, as if nobody were invited.
    pub fn uninvited(self, mut facts: EntryFacts) -> EntryFacts {
        facts.entry.invitation = facts.entry.invitation.filter(|_| !self.is(Flaw::InvitedPeopleRejected));
        facts
    }

    /// An entry as it is kept after a change.
    pub fn changed(self, mut entry: Entry) -> Entry {
        if self.is(Flaw::ChangesForgetMetadata) {
            entry.profile.metadata = Metadata::default();
        }
        if self.is(Flaw::ChangesForgetConsent) {
            entry.profile.consent = None;
        }
        entry
    }

    /// How many entries stand on a list.
    pub fn standing(self, tally: &Tally) -> u64 {
        match self {
            _ if self.is(Flaw::ErasedPeopleStand) => tally.entries(),
            _ if self.is(Flaw::RejectedPeopleStandNowhere) => tally.standing().saturating_sub(tally.by_status[2]),
            _ => tally.standing(),
        }
    }

    /// An entry as it is kept after an invitation.
    pub fn invited(self, before: Option<Invitation>, mut entry: Entry) -> Entry {
        if self.is(Flaw::FirstInvitationsStay) {
            entry.invitation = before.or(entry.invitation);
        }
        if self.is(Flaw::InvitationsNeedApps) {
            entry.invitation = entry.invitation.filter(|invitation| invitation.app_slug.is_some());
        }
        if self.is(Flaw::InvitationsForgetCredit) {
            entry.referral_count = 0;
        }
        entry
    }

    /// An entry as it is kept after a change of its profile.
    pub fn spoken(self, before: Option<Profile>, mut entry: Entry) -> Entry {
        let Some(before) = before else { return entry };
        if self.is(Flaw::ChangedLocalesForgotten) {
            entry.profile.locale = before.locale;
        }
        if self.is(Flaw::ChangedMetadataMerged) {
            let mut merged = before.metadata.document().clone();
            merged.extend(entry.profile.metadata.document().clone());
            entry.profile.metadata = Metadata::from_stored(merged);
        }
        entry
    }

    /// An entry as an export shows it, if it does.
    pub fn exported(self, entry: &Entry, list: &List) -> Option<Entry> {
        let mut shown = if self.is(Flaw::ExportsShowDeletedReferrers) { entry.clone() } else { list.show(entry) };
        if self.is(Flaw::ExportsWithoutInvitations) {
            shown.invitation = None;
        }
        Some(shown).filter(|entry| entry.status != EntryStatus::Rejected || !self.is(Flaw::ExportsWithoutRejected))
    }

    /// The first day that analytics count.
    pub fn first_day(self, today: Date) -> Date {
        let needed = first_day_needed(today);
        match self {
            _ if self.is(Flaw::WeeksCutAtTheMonth) => today.replace_day(1).unwrap_or(needed),
            _ if self.is(Flaw::MonthsCutAtTheWeek) => today - Duration::days(6),
            _ => needed,
        }
    }

    /// Those who lead.
    pub fn tops(self, mut rows: Vec<TopReferral>, list: &List) -> Vec<TopReferral> {
        if let Some(first) = list.entry_at(Position::new(1)).filter(|_| self.is(Flaw::TopsWithoutTheirCodes)) {
            rows.iter_mut().for_each(|row| row.referral_code = first.referral_code.clone());
        }
        rows
    }

    /// A webhook as it is kept after an update.
    pub fn enabled(self, before: Option<Webhook>, after: Webhook) -> Webhook {
        match before.filter(|_| self.is(Flaw::EnabledWebhooksKeepFailures)) {
            Some(before) => Webhook { failure_count: before.failure_count, first_failure_at: before.first_failure_at, ..after },
            None => after,
        }
    }

    /// The number of an attempt, as a confirmation has it.
    pub fn attempt(self, number: u32) -> u32 {
        if self.is(Flaw::ConfirmsFirstAttempts) { 1 } else { number }
    }

    /// A delivery as it is confirmed.
    pub fn confirmed(self, claimed: ClaimedDelivery, hook: &Hook) -> ClaimedDelivery {
        let secrets = if self.is(Flaw::ConfirmsOldSecrets) { hook.secrets.clone() } else { claimed.secrets };
        ClaimedDelivery { attempt: self.attempt(claimed.attempt), secrets, ..claimed }
    }

    /// When a lease ends.
    pub fn lease(self, now: Timestamp, asked: Timestamp) -> Timestamp {
        if self.is(Flaw::LeasesFixed) { now.plus(Duration::minutes(1)) } else { asked }
    }

    /// The network of a client, as the budget counts it.
    pub fn network(self, network: NetworkHash) -> NetworkHash {
        Some(network).filter(|_| !self.is(Flaw::NetworksMixed)).unwrap_or(NetworkHash::new([0; 16]))
    }

    /// An attempt as it is logged.
    pub fn logged(self, attempt: Attempt) -> Attempt {
        let keeps = attempt.status_code.is_none() || !self.is(Flaw::LogForgetsErrors);
        Attempt {
            kind: if self.is(Flaw::LogForgetsKinds) { EventKind::EntryCreated } else { attempt.kind },
            error_message: attempt.error_message.filter(|_| keeps),
            ..attempt
        }
    }

    /// Where a delivery goes.
    #[cfg(feature = "flaws")]
    pub fn url(self, delivery: &Delivery, hook: &Hook) -> WebhookUrl {
        if self.is(Flaw::UrlsFrozen) { delivery.url_then.clone() } else { hook.webhook.url.clone() }
    }

    /// Where a delivery goes.
    #[cfg(not(feature = "flaws"))]
    pub fn url(self, _: &Delivery, hook: &Hook) -> WebhookUrl {
        hook.webhook.url.clone()
    }

    /// A mail as the log shows it.
    pub fn log_row(self, mail: LoggedMail) -> LoggedMail {
        let last_error = mail.last_error.filter(|_| !self.is(Flaw::LogWithoutErrors));
        let is_kept_back = mail.is_kept_back && !self.is(Flaw::LogWithoutBudget);
        LoggedMail { last_error, is_kept_back, ..mail }
    }

    /// A mail as it is sent.
    pub fn mail(self, mail: &Mail, data: &Data) -> Mail {
        let setup = data.mail_setup(mail.workspace_id).filter(|_| self.is(Flaw::SendersReadWhenSent));
        Mail { from: setup.map_or_else(|| mail.from.clone(), |setup| setup.from), ..mail.clone() }
    }
}

#[cfg(feature = "flaws")]
pub(crate) use wrong::{Memory, pause};

/// Flaws of a whole write: what is seen of others' writes, and what is seen of it while it is under way.
#[cfg(feature = "flaws")]
mod wrong {
    use std::any::Any;
    use std::collections::{BTreeMap, HashMap};
    use std::fmt::Debug;
    use std::mem::swap;
    use std::sync::PoisonError;
    use std::task::Poll;
    use std::time::Duration;

    use rally_domain::id::{WaitlistId, WebhookId, WorkspaceId};
    use rally_domain::waitlist::Waitlist;
    use rally_domain::workspace::WorkspaceSettings;

    use super::{Flaw, Flawed};
    use crate::MemoryStore;
    use crate::data::{Data, Hook};

    /// What a process saw first.
    #[derive(Default)]
    pub(crate) struct Memory {
        settings: Option<HashMap<WorkspaceId, WorkspaceSettings>>,
        webhooks: Option<BTreeMap<WebhookId, Hook>>,
        lists: BTreeMap<WaitlistId, Waitlist>,
        /// What it told readers since it wrote last.
        told: HashMap<String, Box<dyn Any + Send>>,
    }

    /// The second half of a write whose first half is seen already.
    pub(crate) struct Torn(Flawed, Box<Data>);

    impl Torn {
        /// Writes it.
        pub fn put_into(mut self, data: &mut Data) {
            swap_half(self.0, data, &mut self.1);
        }
    }

    /// Gives the caller a moment to go away in, and other tasks one to come.
    ///
    /// The thread sleeps first: who starts the tasks may wait for a processor. Then the task yields many times: a runtime looks for
    /// new tasks only now and then while one yields.
    pub(crate) async fn pause() {
        std::thread::sleep(Duration::from_millis(1));
        let mut yields = 0;
        std::future::poll_fn(|context| {
            if yields == 200 {
                return Poll::Ready(());
            }
            yields += 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    impl MemoryStore {
        /// What a reader is told of something: what is so now, or, for a flaw, what another reader was told before.
        pub(crate) fn tell<T: Clone + Send + 'static>(&self, flaw: Flaw, of: impl Debug, look: impl FnOnce(&Data) -> T) -> T {
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            let (now, keeps) = self.read(|data| (look(data), data.flaw.is(flaw)));
            let kept = keeps.then(|| memory.told.entry(format!("{of:?}")).or_insert_with(|| Box::new(now.clone())));
            kept.and_then(|kept| kept.downcast_ref().cloned()).unwrap_or(now)
        }

        /// For a flaw, facts that are read before the write that they are for, so that others can write in between.
        pub(crate) async fn read_early<T>(&self, flaw: Flaw, look: impl FnOnce(&Data) -> T) -> Option<T> {
            let early = self.read(|data| data.flaw.is(flaw).then(|| look(data)))?;
            pause().await;
            Some(early)
        }

        pub(crate) fn write_flawed<T>(&self, work: impl FnOnce(&mut Data) -> T) -> (T, Option<Torn>) {
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            memory.told.clear();
            let mut data = self.lock();
            let flaw = data.flaw;
            let before = flaw.tears().then(|| Box::new(data.clone()));
            let outcome = match flaw.0 {
                Some(Flaw::StaleSettings) => work_with_old(&mut data, &mut memory.settings, |data| &mut data.settings, work),
                Some(Flaw::StaleWebhooks) => work_with_old(&mut data, &mut memory.webhooks, |data| &mut data.webhooks, work),
                Some(Flaw::StaleLists) => work_with_old_lists(&mut data, &mut memory.lists, work),
                _ => work(&mut data),
            };
            let torn = before.map(|mut before| {
                swap_half(flaw, &mut data, &mut before);
                Torn(flaw, before)
            });
            (outcome, torn)
        }
    }

    impl Flawed {
        fn tears(self) -> bool {
            use Flaw::{TornErasures, TornLists, TornLog, TornOutbox, TornReplies, TornSlugs, TornTotals, TornVariants};
            [TornErasures, TornOutbox, TornReplies, TornTotals, TornSlugs, TornVariants, TornLists, TornLog]
                .iter()
                .any(|flaw| self.is(*flaw))
        }
    }

    /// Swaps what a torn write writes last.
    fn swap_half(flaw: Flawed, one: &mut Data, other: &mut Data) {
        match flaw.0 {
            Some(Flaw::TornOutbox) => {
                swap(&mut one.events, &mut other.events);
                swap(&mut one.deliveries, &mut other.deliveries);
                swap(&mut one.mails, &mut other.mails);
            }
            Some(Flaw::TornReplies) => swap(&mut one.replies, &mut other.replies),
            Some(Flaw::TornSlugs) => swap(&mut one.retired, &mut other.retired),
            Some(Flaw::TornLists) => swap(&mut one.lists, &mut other.lists),
            Some(Flaw::TornErasures) => swap(&mut one.suppressions, &mut other.suppressions),
            Some(Flaw::TornLog) => swap(&mut one.attempts, &mut other.attempts),
            Some(Flaw::TornTotals) => {
                for (id, list) in &mut one.lists {
                    other.lists.get_mut(id).into_iter().for_each(|other| swap(&mut list.tally, &mut other.tally));
                }
            }
            Some(Flaw::TornVariants) => {
                for (id, list) in &mut one.lists {
                    let mut twin = list.clone();
                    twin.variants.clear();
                    swap(&mut list.variants, &mut other.lists.entry(*id).or_insert(twin).variants);
                }
            }
            _ => {}
        }
    }

    /// Works with a part of the data as this process saw it first, or wrote it last.
    fn work_with_old<P: Clone + PartialEq + IntoIterator<Item = (K, V)> + Extend<(K, V)>, K, V, T>(
        data: &mut Data,
        memory: &mut Option<P>,
        part: impl Fn(&mut Data) -> &mut P,
        work: impl FnOnce(&mut Data) -> T,
    ) -> T {
        let seen = memory.get_or_insert_with(|| part(data).clone()).clone();
        let mut real = std::mem::replace(part(data), seen.clone());
        let outcome = work(data);
        let after = part(data).clone();
        if after != seen {
            real.extend(after.clone());
            *memory = Some(after);
        }
        *part(data) = real;
        outcome
    }

    fn work_with_old_lists<T>(data: &mut Data, memory: &mut BTreeMap<WaitlistId, Waitlist>, work: impl FnOnce(&mut Data) -> T) -> T {
        let mut real = BTreeMap::new();
        for (id, list) in &mut data.lists {
            let seen = memory.entry(*id).or_insert_with(|| list.waitlist.clone());
            real.insert(*id, std::mem::replace(&mut list.waitlist, seen.clone()));
        }
        let outcome = work(data);
        for (id, list) in &mut data.lists {
            match real.remove(id) {
                Some(real) if memory.get(id) == Some(&list.waitlist) => list.waitlist = real,
                _ => drop(memory.insert(*id, list.waitlist.clone())),
            }
        }
        outcome
    }
}
