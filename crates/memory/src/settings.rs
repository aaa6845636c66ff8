//! [`SettingsStore`] in memory.

use async_trait::async_trait;
use rally_domain::command::{UpdateSettings, UpdateSettingsRejection};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::WorkspaceId;
use rally_domain::port::SettingsStore;
use rally_domain::workspace::WorkspaceSettings;

use crate::data::Data;
use crate::flaw::Flaw;
use crate::{MemoryStore, rejected};

#[async_trait]
impl SettingsStore for MemoryStore {
    async fn get(&self, workspace_id: WorkspaceId) -> Result<WorkspaceSettings, Fault> {
        Ok(self.tell(Flaw::SettingsKept, workspace_id, |data| data.settings_of(workspace_id)))
    }

    async fn update(&self, command: UpdateSettings) -> Result<WorkspaceSettings, CommandError<UpdateSettingsRejection>> {
        let work = |data: &mut Data| {
            let id = command.workspace_id;
            if !data.workspaces.contains_key(&id) {
                return Err(rejected(UpdateSettingsRejection::NoSuchWorkspace));
            }
            let forgets = data.flaw.is(Flaw::SettingsForgetOtherKeys);
            let current = if forgets { WorkspaceSettings::unset(id) } else { data.settings_of(id) };
            let updated = data.audit(command.decide(current).map_err(rejected)?);
            if data.flaw.is(Flaw::SettingsShared) {
                data.settings.values_mut().for_each(|other| other.brand = updated.brand.clone());
            }
            let kept = data.flaw.set(data.settings_of(id), updated.clone());
            data.settings.insert(id, kept);
            Ok(updated)
        };
        self.write(work).await
    }
}

impl Data {
    fn settings_of(&self, id: WorkspaceId) -> WorkspaceSettings {
        self.settings.get(&id).cloned().unwrap_or_else(|| WorkspaceSettings::unset(id))
    }
}
