//! Workspaces: the tenants of a deployment.

use crate::email::Email;
use crate::error::Invalid;
use crate::id::{SenderDomainId, WorkspaceId};
use crate::mail::{MailSetup, Templates};
use crate::slug::Slug;
use crate::text::WorkspaceName;
use crate::timestamp::Timestamp;

/// A workspace: it owns waitlists, settings, webhooks and keys, and sees nothing of any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its identity.
    pub id: WorkspaceId,
    /// Its name in public URLs, unique in the deployment.
    pub slug: Slug,
    /// The slug before its last rename; it goes on resolving until another workspace takes it.
    pub previous_slug: Option<Slug>,
    /// What people call it.
    pub name: WorkspaceName,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// How a workspace wants its waitlists to look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// The name of the brand.
    pub name: Option<String>,
    /// Where its logo is: an http or https URL.
    pub logo_url: Option<String>,
    /// Its colour, `#RRGGBB`.
    pub primary_color: Option<String>,
}

/// What a workspace has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceSettings {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The Envoi domain that notifications are sent from.
    pub default_sender_domain_id: Option<SenderDomainId>,
    /// The Heimdall app that approved entries are invited into.
    pub default_heimdall_app_slug: Option<String>,
    /// How its waitlists look.
    pub brand: Brand,
    /// Whether Rally sends mail through Envoi.
    pub notifications: Notifications,
    /// The address notifications are sent from.
    pub default_sender_address: Option<Email>,
    /// The Envoi template of `entry.created`.
    pub welcome_template_name: Option<String>,
    /// The Envoi template of `entry.approved`.
    pub approved_template_name: Option<String>,
    /// The Envoi template of `entry.rejected`.
    pub rejected_template_name: Option<String>,
    /// When they were last changed; `None` before the first time.
    pub updated_at: Option<Timestamp>,
}

/// Whether Rally sends mail of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Notifications {
    /// It is silent.
    #[default]
    Off,
    /// Through Envoi.
    ViaEnvoi,
}

impl WorkspaceSettings {
    /// The settings of a workspace that has never set any.
    pub fn unset(workspace_id: WorkspaceId) -> Self {
        Self {
            workspace_id,
            default_sender_domain_id: None,
            default_heimdall_app_slug: None,
            brand: Brand::default(),
            notifications: Notifications::Off,
            default_sender_address: None,
            welcome_template_name: None,
            approved_template_name: None,
            rejected_template_name: None,
            updated_at: None,
        }
    }

    /// The keys that notifications need and that are not set, while they are on.
    pub fn missing_for_notifications(&self) -> Vec<&'static str> {
        let needed = [
            ("default_sender_domain_id", self.default_sender_domain_id.is_some()),
            ("default_sender_address", self.default_sender_address.is_some()),
            ("welcome_template_name", self.welcome_template_name.is_some()),
            ("approved_template_name", self.approved_template_name.is_some()),
            ("rejected_template_name", self.rejected_template_name.is_some()),
        ];
        let missing = needed.into_iter().filter(|(_, set)| !set).map(|(key, _)| key);
        match self.notifications {
            Notifications::Off => Vec::new(),
            Notifications::ViaEnvoi => missing.collect(),
        }
    }
}

impl WorkspaceSettings {
    /// How its mail is sent and looks, if it sends any; the workspace's slug is part of the links.
    pub fn mail(&self, workspace_slug: &Slug) -> Option<MailSetup> {
        if self.notifications == Notifications::Off {
            return None;
        }
        Some(MailSetup {
            workspace_slug: workspace_slug.clone(),
            brand: self.brand.clone(),
            from: self.default_sender_address.clone()?,
            templates: Templates {
                welcome: self.welcome_template_name.clone()?,
                approved: self.approved_template_name.clone()?,
                rejected: self.rejected_template_name.clone()?,
            },
        })
    }
}

/// What is to change of a workspace's settings: `None` stays, `Some(None)` is cleared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is that of WorkspaceSettings or Brand")]
pub struct SettingsChange {
    pub default_sender_domain_id: Option<Option<SenderDomainId>>,
    pub default_heimdall_app_slug: Option<Option<String>>,
    pub brand_name: Option<Option<String>>,
    pub brand_logo_url: Option<Option<String>>,
    pub primary_color: Option<Option<String>>,
    pub notifications: Option<Notifications>,
    pub default_sender_address: Option<Option<Email>>,
    pub welcome_template_name: Option<Option<String>>,
    pub approved_template_name: Option<Option<String>>,
    pub rejected_template_name: Option<Option<String>>,
}

impl SettingsChange {
    /// Whether the mail service is to be asked before the change is made, given the settings after it: notifications would be
    /// on, and what they are sent from or with may be another than before.
    pub fn wants_check(&self, after: &WorkspaceSettings) -> bool {
        let named = self.notifications.is_some()
            || self.default_sender_domain_id.is_some()
            || self.default_sender_address.is_some()
            || self.welcome_template_name.is_some()
            || self.approved_template_name.is_some()
            || self.rejected_template_name.is_some();
        after.notifications == Notifications::ViaEnvoi && named
    }

    /// The settings after the change.
    pub fn apply(&self, current: WorkspaceSettings, now: Timestamp) -> WorkspaceSettings {
        fn pick<T: Clone>(change: &Option<T>, current: T) -> T {
            change.clone().unwrap_or(current)
        }
        WorkspaceSettings {
            workspace_id: current.workspace_id,
            default_sender_domain_id: pick(&self.default_sender_domain_id, current.default_sender_domain_id),
            default_heimdall_app_slug: pick(&self.default_heimdall_app_slug, current.default_heimdall_app_slug),
            brand: Brand {
                name: pick(&self.brand_name, current.brand.name),
                logo_url: pick(&self.brand_logo_url, current.brand.logo_url),
                primary_color: pick(&self.primary_color, current.brand.primary_color),
            },
            notifications: pick(&self.notifications, current.notifications),
            default_sender_address: pick(&self.default_sender_address, current.default_sender_address),
            welcome_template_name: pick(&self.welcome_template_name, current.welcome_template_name),
            approved_template_name: pick(&self.approved_template_name, current.approved_template_name),
            rejected_template_name: pick(&self.rejected_template_name, current.rejected_template_name),
            updated_at: Some(now),
        }
    }
}

/// Reads a colour, `#RRGGBB`, kept as given.
///
/// # Errors
/// When the text is anything else.
pub fn parse_color(text: &str) -> Result<String, Invalid> {
    let text = text.trim();
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
    digits.map(|_| text.to_owned()).ok_or_else(|| Invalid::new("must be a colour such as #1A2B3C"))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-31T09:00:00Z").unwrap()
    }

    #[test]
    fn a_change_sets_clears_and_leaves() {
        let unset = WorkspaceSettings::unset(WorkspaceId::new(Uuid::nil()));
        let first = SettingsChange {
            brand_name: Some(Some("Acme".to_owned())),
            primary_color: Some(Some("#000000".to_owned())),
            ..SettingsChange::default()
        };
        let first = first.apply(unset, now());
        let second = SettingsChange { brand_name: Some(None), ..SettingsChange::default() }.apply(first, now());
        assert_eq!((second.brand.name, second.brand.primary_color.as_deref()), (None, Some("#000000")));
        assert_eq!(second.updated_at, Some(now()));
    }

    #[test]
    fn notifications_name_everything_they_lack() {
        let mut settings = WorkspaceSettings::unset(WorkspaceId::new(Uuid::nil()));
        assert!(settings.missing_for_notifications().is_empty());
        settings.notifications = Notifications::ViaEnvoi;
        assert_eq!(settings.missing_for_notifications().len(), 5);
        settings.welcome_template_name = Some("welcome".to_owned());
        assert!(!settings.missing_for_notifications().contains(&"welcome_template_name"));
    }

    #[test]
    fn a_colour_has_six_digits() {
        assert_eq!(parse_color(" #1a2B3c ").as_deref(), Ok("#1a2B3c"));
        for bad in ["", "#", "1A2B3C", "#1A2B3", "#1A2B3CD", "#GGGGGG", "red", "#éééé"] {
            assert!(parse_color(bad).is_err(), "{bad}");
        }
    }
}
