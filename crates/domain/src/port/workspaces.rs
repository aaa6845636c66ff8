//! Where workspaces are kept.

use async_trait::async_trait;

use crate::command::{CreateWorkspace, DeleteWorkspace, RenameWorkspace, WorkspaceRejection};
use crate::error::{CommandError, Fault};
use crate::id::WorkspaceId;
use crate::slug::Slug;
use crate::workspace::Workspace;

/// Keeps workspaces.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait WorkspaceStore: Send + Sync {
    /// Creates a workspace.
    ///
    /// - A slug MUST belong to one workspace at a time, under concurrency too: `workspaces::a_slug_belongs_to_one_workspace`,
    ///   `workspaces::a_slug_belongs_to_one_workspace_under_concurrency`.
    /// - A workspace MUST read back as it was written: `workspaces::a_workspace_reads_back_as_it_was_written`.
    /// - An old slug of another workspace MUST be taken over: `workspaces::an_old_slug_can_be_taken_by_another_workspace`.
    async fn create(&self, command: CreateWorkspace) -> Result<Workspace, CommandError<WorkspaceRejection>>;

    /// Renames a workspace.
    ///
    /// - Its old slugs MUST still resolve for [`find_public`](super::WaitlistStore::find_public) until another workspace takes them:
    ///   `workspaces::a_renamed_workspace_goes_on_resolving_under_its_old_slugs`.
    /// - It MUST change only the slugs and the time of the last change: `workspaces::a_workspace_reads_back_as_it_was_written`.
    /// - An old slug MUST NOT rename its workspace: `workspaces::an_old_slug_neither_renames_nor_deletes`.
    /// - An old slug MUST NOT count as taken, and MUST resolve to the last workspace that had it:
    ///   `workspaces::a_rename_takes_an_old_slug_over`.
    async fn rename(&self, command: RenameWorkspace) -> Result<Workspace, CommandError<WorkspaceRejection>>;

    /// Deletes the workspace with that slug and everything that it owns. Returns whether there was one.
    ///
    /// - When this returns, it MUST be gone for every reader, and its slug be free:
    ///   `workspaces::a_deleted_workspace_takes_everything_with_it`, `purges::a_deleted_workspace_is_gone_before_it_is_purged`,
    ///   `suppressions::a_deleted_workspace_has_no_suppressions_before_it_is_purged`,
    ///   `mail_templates::a_deleted_workspace_takes_its_templates_with_it`.
    /// - An old slug MUST NOT delete a workspace: `workspaces::an_old_slug_neither_renames_nor_deletes`.
    /// - This MUST take no longer than [`delete`](super::WaitlistStore::delete) takes for each of its waitlists, however much it owns. Not
    ///   checked: benchmarks show a time.
    async fn delete(&self, command: DeleteWorkspace) -> Result<bool, Fault>;

    /// The workspace with that id.
    async fn find(&self, id: WorkspaceId) -> Result<Option<Workspace>, Fault>;

    /// The workspace that has that slug now. Old slugs do not count.
    async fn find_by_slug(&self, slug: &Slug) -> Result<Option<Workspace>, Fault>;

    /// All workspaces.
    ///
    /// - They MUST be in the order of the bytes of their slugs: `workspaces::workspaces_are_listed_by_slug`,
    ///   `workspaces::slugs_are_ordered_by_their_bytes`.
    /// - None MUST be left out: `workspaces::every_workspace_is_listed`.
    async fn list(&self) -> Result<Vec<Workspace>, Fault>;
}
