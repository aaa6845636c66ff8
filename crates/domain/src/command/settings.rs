//! Changing what a workspace has set.

use crate::error::{FieldError, Invalid};
use crate::id::WorkspaceId;
use crate::timestamp::Timestamp;
use crate::workspace::{Notifications, SettingsChange, WorkspaceSettings};

/// Changes some of a workspace's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateSettings {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// What is to change.
    pub change: SettingsChange,
    /// Whether there is an Envoi to send mail through.
    pub envoi: Envoi,
    /// When.
    pub now: Timestamp,
}

/// Whether a deployment can send mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Envoi {
    /// It can, through Envoi.
    Configured,
    /// It has no Envoi.
    NotConfigured,
}

/// Why settings were not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateSettingsRejection {
    /// There is no such workspace.
    #[error("this workspace does not exist")]
    NoSuchWorkspace,
    /// Notifications would be on without everything they need; each missing key is named.
    #[error("notifications need settings that are missing")]
    Incomplete(Vec<FieldError>),
}

impl UpdateSettings {
    /// The settings as they are to be, given as they are now.
    ///
    /// # Errors
    /// When notifications would be on without a sender or a template, or are turned on where there is no Envoi.
    pub fn decide(&self, current: WorkspaceSettings) -> Result<WorkspaceSettings, UpdateSettingsRejection> {
        let settings = self.change.apply(current, self.now);
        let required = |key| FieldError::new(key, Invalid::new("is required while notifications_via_envoi is on"));
        let mut errors: Vec<FieldError> = settings.missing_for_notifications().into_iter().map(required).collect();
        if self.envoi == Envoi::NotConfigured && self.change.notifications == Some(Notifications::ViaEnvoi) {
            errors
                .insert(0, FieldError::new("notifications_via_envoi", Invalid::new("cannot be on: no Envoi is configured on this server")));
        }
        if errors.is_empty() { Ok(settings) } else { Err(UpdateSettingsRejection::Incomplete(errors)) }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn turn_on(envoi: Envoi, current: WorkspaceSettings) -> Result<WorkspaceSettings, Vec<String>> {
        let change = SettingsChange { notifications: Some(Notifications::ViaEnvoi), ..SettingsChange::default() };
        let now = Timestamp::parse("2026-01-31T09:00:00Z").unwrap();
        let command = UpdateSettings { workspace_id: current.workspace_id, change, envoi, now };
        command.decide(current).map_err(|rejection| match rejection {
            UpdateSettingsRejection::Incomplete(errors) => errors.into_iter().map(|error| error.field).collect(),
            UpdateSettingsRejection::NoSuchWorkspace => Vec::new(),
        })
    }

    #[test]
    fn notifications_go_on_when_nothing_is_missing() {
        let unset = WorkspaceSettings::unset(WorkspaceId::new(Uuid::nil()));
        assert_eq!(turn_on(Envoi::Configured, unset.clone()).unwrap_err().len(), 5);
        assert_eq!(turn_on(Envoi::NotConfigured, unset.clone()).unwrap_err()[0], "notifications_via_envoi");
        let complete = WorkspaceSettings {
            default_sender_domain_id: Some("domain".to_owned()),
            default_sender_address: Some(crate::email::Email::parse("hello@acme.example").unwrap()),
            welcome_template_name: Some("welcome".to_owned()),
            approved_template_name: Some("approved".to_owned()),
            rejected_template_name: Some("rejected".to_owned()),
            ..unset
        };
        assert_eq!(turn_on(Envoi::Configured, complete.clone()).unwrap().notifications, Notifications::ViaEnvoi);
        assert_eq!(turn_on(Envoi::NotConfigured, complete.clone()).unwrap_err(), ["notifications_via_envoi"]);
        // What was on before Envoi went away does not keep other settings from being changed.
        let on = WorkspaceSettings { notifications: Notifications::ViaEnvoi, ..complete };
        let brand = SettingsChange { brand_name: Some(Some("Acme".to_owned())), ..SettingsChange::default() };
        let now = Timestamp::parse("2026-01-31T09:00:00Z").unwrap();
        let command = UpdateSettings { workspace_id: on.workspace_id, change: brand, envoi: Envoi::NotConfigured, now };
        assert!(command.decide(on).is_ok());
    }
}
