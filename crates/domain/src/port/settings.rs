//! Where the settings of workspaces are kept.

use async_trait::async_trait;

use crate::command::{UpdateSettings, UpdateSettingsRejection};
use crate::error::{CommandError, Fault};
use crate::id::WorkspaceId;
use crate::workspace::WorkspaceSettings;

/// Keeps what workspaces have set.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SettingsStore: Send + Sync {
    /// The settings of a workspace, unset where it has never set any.
    async fn get(&self, workspace_id: WorkspaceId) -> Result<WorkspaceSettings, Fault>;

    /// Changes settings.
    ///
    /// - Concurrent updates MUST NOT lose each other's keys: `settings::concurrent_changes_of_settings_lose_nothing`.
    /// - What is written after this returns MUST go by them, in whichever process: `mails::what_another_process_has_set_counts_at_once`.
    async fn update(&self, command: UpdateSettings) -> Result<WorkspaceSettings, CommandError<UpdateSettingsRejection>>;
}
