//! Changing the settings of a workspace.

use crate::actor::Actor;
use crate::audit::{AuditAction, Audited, changes};
use crate::email::Email;
use crate::error::{FieldError, Invalid};
use crate::id::{SenderDomainId, WorkspaceId};
use crate::mail::{SmtpPolicy, Templates};
use crate::timestamp::Timestamp;
use crate::workspace::{SettingsChange, WorkspaceSettings};

/// Changes some settings of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateSettings {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The change.
    pub change: SettingsChange,
    /// The mail server, if there is one.
    pub smtp: Option<SmtpPolicy>,
    /// The sender and the templates that the mail service confirmed, if it was asked.
    pub checked: Option<CheckedSender>,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// A sender and templates that the mail service knows and allows: everything that notifications need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedSender {
    /// The domain.
    pub domain_id: SenderDomainId,
    /// The address, which belongs to the domain.
    pub address: Email,
    /// The templates.
    pub templates: Templates,
}

impl CheckedSender {
    /// Returns what the mail service must confirm for these settings. `None` means that a setting is missing.
    pub fn of(settings: &WorkspaceSettings) -> Option<Self> {
        Some(Self {
            domain_id: settings.default_sender_domain_id?,
            address: settings.default_sender_address.clone()?,
            templates: Templates::named(settings)?,
        })
    }
}

/// Why settings were not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateSettingsRejection {
    /// There is no such workspace.
    #[error("this workspace does not exist")]
    NoSuchWorkspace,
    /// Notifications would be on, and settings that they need are missing or not allowed. Each such key is named.
    #[error("notifications need settings that are missing or not allowed")]
    Incomplete(Vec<FieldError>),
    /// Notifications would be on with a sender or templates that were not checked. Another change came in between.
    #[error("the sender and the templates were not checked")]
    Unchecked,
}

impl UpdateSettings {
    /// Returns the new settings, from the settings as they are now.
    ///
    /// # Errors
    /// If notifications would be on without a sender or a template, or with ones that were not checked.
    pub fn decide(&self, current: WorkspaceSettings) -> Result<Audited<WorkspaceSettings>, UpdateSettingsRejection> {
        let settings = self.change.apply(current.clone(), self.now);
        let missing = missing_for_notifications(&settings);
        if !missing.is_empty() {
            return Err(UpdateSettingsRejection::Incomplete(missing));
        }
        if self.change.touches_smtp() {
            SmtpPolicy::check(self.smtp.as_ref(), &settings).map_err(UpdateSettingsRejection::Incomplete)?;
        }
        if self.change.wants_check(&settings) && CheckedSender::of(&settings) != self.checked {
            return Err(UpdateSettingsRejection::Unchecked);
        }
        let changes = changes(Some(&current), Some(&settings));
        let row = self.actor.audit(self.now, self.workspace_id, AuditAction::SettingsUpdate, self.workspace_id, changes);
        Ok(Audited::new(settings, row))
    }
}

/// Returns an error for each setting that notifications need and that is missing.
pub(crate) fn missing_for_notifications(settings: &WorkspaceSettings) -> Vec<FieldError> {
    let required = |key| FieldError::new(key, Invalid::new("is required while notifications is envoi"));
    settings.missing_for_notifications().into_iter().map(required).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::workspace::Notifications;

    fn complete() -> WorkspaceSettings {
        WorkspaceSettings {
            default_sender_domain_id: Some(SenderDomainId::new(Uuid::nil())),
            default_sender_address: Some(Email::parse("hello@acme.example").unwrap()),
            welcome_template_name: Some("welcome".to_owned()),
            approved_template_name: Some("approved".to_owned()),
            rejected_template_name: Some("rejected".to_owned()),
            ..WorkspaceSettings::unset(WorkspaceId::new(Uuid::nil()))
        }
    }

    fn decide(change: SettingsChange, checked: Option<CheckedSender>, current: WorkspaceSettings) -> Result<Notifications, Vec<String>> {
        let now = Timestamp::parse("2026-01-31T09:00:00Z").unwrap();
        let command = UpdateSettings { workspace_id: current.workspace_id, change, smtp: None, checked, actor: Actor::System, now };
        command.decide(current).map(|audited| audited.plan.notifications).map_err(|rejection| match rejection {
            UpdateSettingsRejection::Incomplete(errors) => errors.into_iter().map(|error| error.field).collect(),
            UpdateSettingsRejection::Unchecked => vec!["unchecked".to_owned()],
            UpdateSettingsRejection::NoSuchWorkspace => Vec::new(),
        })
    }

    fn turn_on() -> SettingsChange {
        SettingsChange { notifications: Some(Notifications::ViaEnvoi.into()), ..SettingsChange::default() }
    }

    #[test]
    fn notifications_go_on_when_nothing_is_missing_and_all_was_checked() {
        let unset = WorkspaceSettings::unset(WorkspaceId::new(Uuid::nil()));
        assert_eq!(decide(turn_on(), None, unset).unwrap_err().len(), 5);
        let checked = CheckedSender::of(&complete());
        assert_eq!(decide(turn_on(), checked.clone(), complete()), Ok(Notifications::ViaEnvoi));
        assert_eq!(decide(turn_on(), None, complete()).unwrap_err(), ["unchecked"]);
        let other = WorkspaceSettings { welcome_template_name: Some("other".to_owned()), ..complete() };
        assert_eq!(decide(turn_on(), checked, other).unwrap_err(), ["unchecked"]);
    }

    #[test]
    fn settings_that_mail_does_not_use_change_without_a_check() {
        let on = WorkspaceSettings { notifications: Notifications::ViaEnvoi, ..complete() };
        let brand = SettingsChange { brand_name: Some(Some("Acme".to_owned())), ..SettingsChange::default() };
        assert!(decide(brand, None, on.clone()).is_ok());
        let template = SettingsChange { welcome_template_name: Some(Some("other".to_owned())), ..SettingsChange::default() };
        assert_eq!(decide(template.clone(), None, on.clone()).unwrap_err(), ["unchecked"]);
        assert!(decide(template, None, complete()).is_ok());
        let off = SettingsChange {
            notifications: Some(Notifications::Off.into()),
            welcome_template_name: Some(None),
            ..SettingsChange::default()
        };
        assert_eq!(decide(off, None, on), Ok(Notifications::Off));
    }
}
