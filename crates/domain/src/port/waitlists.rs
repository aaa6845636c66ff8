//! Where waitlists are kept.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::Stream;

use crate::access::Receipt;
use crate::command::{
    ChangeWaitlistStatus, ChangeWaitlistStatusRejection, CreateWaitlist, CreateWaitlistRejection, DeleteWaitlist, UpdateWaitlist,
    UpdateWaitlistRejection,
};
use crate::error::{CommandError, Fault};
use crate::export::Line;
use crate::id::{WaitlistId, WorkspaceId};
use crate::paging::{Limit, Page, WaitlistKey};
use crate::slug::Slug;
use crate::waitlist::{PublicWaitlist, Waitlist, WaitlistStatus};

/// Keeps waitlists.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait WaitlistStore: Send + Sync {
    /// Creates a waitlist with its control variant, and stores its receipt if one is given.
    ///
    /// - All of it MUST be written, or nothing: `access::a_receipt_is_stored_with_its_effect`,
    ///   `abandoned::a_new_waitlist_is_whole_or_not_at_all`.
    /// - The slug MUST be unique in its workspace, under concurrency too:
    ///   `waitlists::a_slug_is_unique_in_its_workspace_under_concurrency`.
    /// - Of several commands with the scope of one receipt at most one MUST be carried out, under concurrency too, and the others MUST be
    ///   told so: `access::one_receipt_has_one_effect_under_concurrency`,
    ///   `access::a_repeated_request_is_told_so_before_its_slug_is_told_taken`.
    /// - A receipt MUST bind only its own workspace and route: `access::a_key_is_of_one_workspace_and_one_route`.
    async fn create(
        &self,
        command: CreateWaitlist,
        receipt: Option<Receipt<Waitlist>>,
    ) -> Result<Waitlist, CommandError<CreateWaitlistRejection>>;

    /// Changes a waitlist.
    ///
    /// - Concurrent updates MUST NOT lose each other's settings keys, nor a status: `waitlists::concurrent_updates_lose_no_settings`,
    ///   `waitlists::a_status_and_an_update_at_once_are_both_kept`.
    /// - The whole waitlist MUST be written as it was decided: `waitlists::a_change_of_a_waitlist_is_written_with_its_time`,
    ///   `waitlists::a_setting_of_a_waitlist_is_cleared_by_null`.
    /// - A sign-up that starts after this returns MUST go by the new settings, in any process:
    ///   `sign_ups::a_sign_up_goes_by_the_settings_that_were_answered`.
    /// - A waitlist of another workspace, or a deleted one, MUST NOT be changed: `waitlists::a_workspace_sees_its_own_waitlists_alone`,
    ///   `deletions::a_deleted_waitlist_takes_no_changes`.
    async fn update(&self, command: UpdateWaitlist) -> Result<Waitlist, CommandError<UpdateWaitlistRejection>>;

    /// Moves a waitlist to another status.
    ///
    /// - A waitlist of another workspace, or a deleted one, MUST NOT be changed: `waitlists::a_workspace_sees_its_own_waitlists_alone`,
    ///   `deletions::a_deleted_waitlist_takes_no_changes`.
    /// - Its event MUST be written with the change, among the events of the list in their order, and no event if nothing changed:
    ///   `changes::a_status_is_told_among_the_changes_of_its_list`.
    /// - A sign-up that starts after this returns MUST see the new status, in any process:
    ///   `sign_ups::a_sign_up_sees_the_status_that_was_answered`.
    async fn change_status(&self, command: ChangeWaitlistStatus) -> Result<Waitlist, CommandError<ChangeWaitlistStatusRejection>>;

    /// Deletes a waitlist with its entries, variants and events. Returns whether the workspace had it.
    ///
    /// - When this returns, it MUST be gone for every reader, with everything that belongs to it, and its slug be free:
    ///   `waitlists::a_deleted_waitlist_takes_its_entries_and_events_with_it`, `purges::a_deleted_waitlist_is_gone_before_it_is_purged`.
    /// - The time this takes MUST NOT grow with the rows of the waitlist: [`purge`](super::PurgeStore::purge) deletes those. SQL stores are
    ///   checked by `purges::what_is_large_is_deleted_in_a_moment_and_purged_beside_others`.
    async fn delete(&self, command: DeleteWaitlist) -> Result<bool, Fault>;

    /// The waitlist with that id.
    ///
    /// - It MUST be found only in its own workspace: `waitlists::a_workspace_sees_its_own_waitlists_alone`.
    /// - A change MUST show at once in every process: `waitlists::a_list_is_found_as_it_is_in_every_process`.
    async fn find(&self, workspace_id: WorkspaceId, id: WaitlistId) -> Result<Option<Waitlist>, Fault>;

    /// The waitlists of a workspace, of one status or of all, after a key.
    ///
    /// - They MUST be in the order of their creation, newest first: `waitlists::lists_are_in_the_order_of_their_creation`.
    /// - A page MUST be full if more rows of that status follow: `waitlists::pages_go_newest_first_and_filter_by_status`.
    /// - A page MUST name a next key if more rows follow, and none if not: `waitlists::a_full_last_page_of_lists_has_no_next`.
    /// - Waitlists of every status MUST be found: `waitlists::lists_of_each_status_are_found`.
    /// - Rows added or deleted between two pages MUST NOT make another row appear twice or not at all:
    ///   `waitlists::pages_neither_repeat_nor_hide_when_rows_come_and_go`.
    async fn list(
        &self,
        workspace_id: WorkspaceId,
        status: Option<WaitlistStatus>,
        after: Option<WaitlistKey>,
        limit: Limit,
    ) -> Result<Page<Waitlist, WaitlistKey>, Fault>;

    /// The public data of a waitlist, by slugs. The current and the old slugs of the workspace resolve.
    ///
    /// - It MUST be found in any status, and its variants active or not, since the store does not decide who may see them:
    ///   `public::what_is_public_is_found_by_slugs`, `public::drafts_and_inactive_variants_are_found`.
    /// - Its variants MUST come whole, in the order they were created: `public::what_is_public_has_its_variants_whole`.
    /// - The brand and the language of its workspace MUST come with it: `settings::settings_read_back_as_they_were_set`.
    /// - A change MUST show at once in the process that made it, and within a second in another one:
    ///   `public::a_public_change_shows_elsewhere_within_a_second`.
    async fn find_public(&self, workspace_slug: &Slug, slug: &Slug) -> Result<Option<Arc<PublicWaitlist>>, Fault>;

    /// Everything of a waitlist as the lines of an export but the first and the last one, in batches, as it was at one moment. A fault
    /// ends the stream. The store keeps the moment until the stream ends, so read the stream without a pause.
    ///
    /// - The list, its variants, every entry with its old codes, every tombstone and the whole ledger MUST be there, in the order that
    ///   [`export`](crate::export) says: `exports::an_export_has_everything_of_a_list`.
    /// - Nothing of another list, and nobody who is gone, MUST be there: `exports::an_export_is_of_one_list`.
    /// - Changes made while the stream is read MUST NOT show: `exports::an_export_of_everything_shows_one_moment`.
    async fn export(&self, waitlist_id: WaitlistId) -> Result<LineStream, Fault>;
}

/// The lines of an export, in batches.
pub type LineStream = Pin<Box<dyn Stream<Item = Result<Vec<Line>, Fault>> + Send>>;
