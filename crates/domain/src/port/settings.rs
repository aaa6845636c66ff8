//! Where the settings of workspaces are kept.

use async_trait::async_trait;

use crate::command::{UpdateSettings, UpdateSettingsRejection};
use crate::error::{CommandError, Fault};
use crate::id::WorkspaceId;
use crate::workspace::WorkspaceSettings;

/// Keeps the settings of workspaces.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SettingsStore: Send + Sync {
    /// The settings of a workspace. They are unset if it has never set any.
    ///
    /// - They MUST read back as they were set or cleared: `settings::settings_read_back_as_they_were_set`,
    ///   `settings::every_setting_can_be_cleared`.
    /// - A change MUST show at once in every process: `settings::settings_show_in_every_process_at_once`.
    async fn get(&self, workspace_id: WorkspaceId) -> Result<WorkspaceSettings, Fault>;

    /// Changes settings.
    ///
    /// - It MUST NOT change the settings of another workspace: `settings::a_workspace_has_settings_of_its_own`.
    /// - Concurrent updates MUST NOT lose each other's keys: `settings::concurrent_changes_of_settings_lose_nothing`.
    /// - Rows that are written after this returns MUST go by them, in any process: `mails::what_another_process_has_set_counts_at_once`.
    async fn update(&self, command: UpdateSettings) -> Result<WorkspaceSettings, CommandError<UpdateSettingsRejection>>;
}
