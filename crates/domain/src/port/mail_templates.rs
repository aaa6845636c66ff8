//! Where the templates of workspaces are kept.

use async_trait::async_trait;

use crate::command::{DeleteTemplate, PutTemplate, TemplateRejection};
use crate::error::{CommandError, Fault};
use crate::id::WorkspaceId;
use crate::mail::{MailKind, MailTemplate};

/// Keeps the templates that workspaces wrote.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait TemplateStore: Send + Sync {
    /// Writes the template of a kind and locale.
    ///
    /// - It MUST read back as it was written, and replace the one before it whole:
    ///   `mail_templates::a_template_reads_back_as_it_was_written`, `mail_templates::a_template_is_replaced_whole`.
    /// - A workspace MUST NOT get more than it may, under concurrency too: `mail_templates::a_workspace_has_so_many_templates_at_most`,
    ///   `mail_templates::the_most_templates_are_not_exceeded_under_concurrency`.
    /// - A template MUST be replaced, even if the workspace has the most: `mail_templates::a_workspace_has_so_many_templates_at_most`.
    /// - A workspace that does not exist MUST NOT get one: `mail_templates::a_deleted_workspace_takes_its_templates_with_it`.
    async fn put(&self, command: PutTemplate) -> Result<MailTemplate, CommandError<TemplateRejection>>;

    /// Deletes the template of a kind and locale. Returns whether the workspace had it.
    ///
    /// - Every other template MUST stay: `mail_templates::a_template_is_deleted_alone`.
    async fn delete(&self, command: DeleteTemplate) -> Result<bool, Fault>;

    /// The templates of a workspace.
    ///
    /// - They MUST be in the order of the bytes of their kind's name, and then of their locale:
    ///   `mail_templates::templates_go_by_kind_and_locale`.
    /// - Those of another workspace MUST NOT be listed: `mail_templates::a_workspace_has_templates_of_its_own`.
    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<MailTemplate>, Fault>;

    /// The templates of a workspace for a kind of mail, by locale.
    ///
    /// - Those of another kind or workspace MUST NOT be among them: `mail_templates::templates_go_by_kind_and_locale`,
    ///   `mail_templates::a_workspace_has_templates_of_its_own`.
    /// - A change MUST show at once in every process: `mail_templates::a_template_shows_in_every_process_at_once`.
    async fn of_kind(&self, workspace_id: WorkspaceId, kind: MailKind) -> Result<Vec<MailTemplate>, Fault>;
}
