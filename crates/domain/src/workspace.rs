//! Workspaces and their settings.

use crate::email::Email;
use crate::error::Invalid;
use crate::id::{SenderDomainId, WorkspaceId};
use crate::locale::Locale;
use crate::slug::Slug;
use crate::text::WorkspaceName;
use crate::timestamp::Timestamp;

/// A workspace. It owns waitlists, settings, webhooks and API keys, and nothing crosses its border.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// The id of the workspace.
    pub id: WorkspaceId,
    /// Its name in public URLs, unique in the deployment.
    pub slug: Slug,
    /// The slug before the last rename. It keeps resolving until another workspace takes it.
    pub previous_slug: Option<Slug>,
    /// The name that people see.
    pub name: WorkspaceName,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// The look of a workspace's waitlists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// The name of the brand.
    pub name: Option<String>,
    /// The URL of its logo: http or https.
    pub logo_url: Option<String>,
    /// Its colour, `#RRGGBB`.
    pub primary_color: Option<String>,
}

/// The settings of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceSettings {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The Envoi domain that notifications are sent from.
    pub default_sender_domain_id: Option<SenderDomainId>,
    /// The Heimdall app that approved entries are invited into.
    pub default_heimdall_app_slug: Option<String>,
    /// The look of its waitlists.
    pub brand: Brand,
    /// Whether Rally sends mail, and how.
    pub notifications: Notifications,
    /// The address that notifications are sent from.
    pub default_sender_address: Option<Email>,
    /// The address for replies, if it is not the sender's.
    pub reply_to_address: Option<Email>,
    /// The language of a person who asked for none.
    pub default_locale: Locale,
    /// The Envoi template of `entry.created`.
    pub welcome_template_name: Option<String>,
    /// The Envoi template of `entry.approved`.
    pub approved_template_name: Option<String>,
    /// The Envoi template of `entry.rejected`.
    pub rejected_template_name: Option<String>,
    /// The Envoi template of mail that asks to confirm an address. Without it the workspace sends no such mail through Envoi.
    pub confirm_template_name: Option<String>,
    /// The Envoi template of mail with a person's own link. Without it the workspace sends no such mail through Envoi.
    pub link_template_name: Option<String>,
    /// When the settings were last changed. It is `None` before the first change.
    pub updated_at: Option<Timestamp>,
}

/// Whether Rally sends mail to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Notifications {
    /// Rally sends no mail.
    #[default]
    Off,
    /// Rally sends mail through Envoi.
    ViaEnvoi,
    /// Rally sends mail over SMTP.
    ViaSmtp,
}

impl Notifications {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Off, Self::ViaEnvoi, Self::ViaSmtp];

    /// Returns the name on the wire and in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::ViaEnvoi => "envoi",
            Self::ViaSmtp => "smtp",
        }
    }

    /// Reads the name on the wire.
    ///
    /// # Errors
    /// If there is no such value.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|value| value.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be one of off, envoi, smtp"))
    }
}

impl WorkspaceSettings {
    /// Returns the settings of a workspace that has never set any.
    pub fn unset(workspace_id: WorkspaceId) -> Self {
        Self {
            workspace_id,
            default_sender_domain_id: None,
            default_heimdall_app_slug: None,
            brand: Brand::default(),
            notifications: Notifications::Off,
            default_sender_address: None,
            reply_to_address: None,
            default_locale: Locale::english(),
            welcome_template_name: None,
            approved_template_name: None,
            rejected_template_name: None,
            confirm_template_name: None,
            link_template_name: None,
            updated_at: None,
        }
    }

    /// Returns the keys that notifications need and that are not set. There are none while notifications are off.
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
            Notifications::Off | Notifications::ViaSmtp => Vec::new(),
            Notifications::ViaEnvoi => missing.collect(),
        }
    }
}

/// A change of how a workspace sends mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationsChange {
    /// Sends mail in this way, or none.
    Set(Notifications),
    /// Sends no mail through Envoi any more. Mail over SMTP stays on.
    EnvoiOff,
}

impl NotificationsChange {
    fn apply(self, current: Notifications) -> Notifications {
        match (self, current) {
            (Self::Set(notifications), _) => notifications,
            (Self::EnvoiOff, Notifications::ViaEnvoi) => Notifications::Off,
            (Self::EnvoiOff, current) => current,
        }
    }
}

impl From<Notifications> for NotificationsChange {
    fn from(notifications: Notifications) -> Self {
        Self::Set(notifications)
    }
}

/// A change of a workspace's settings. `None` leaves a setting as it is, and `Some(None)` clears it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is that of WorkspaceSettings or Brand")]
pub struct SettingsChange {
    pub default_sender_domain_id: Option<Option<SenderDomainId>>,
    pub default_heimdall_app_slug: Option<Option<String>>,
    pub brand_name: Option<Option<String>>,
    pub brand_logo_url: Option<Option<String>>,
    pub primary_color: Option<Option<String>>,
    pub notifications: Option<NotificationsChange>,
    pub default_sender_address: Option<Option<Email>>,
    pub reply_to_address: Option<Option<Email>>,
    pub default_locale: Option<Locale>,
    pub welcome_template_name: Option<Option<String>>,
    pub approved_template_name: Option<Option<String>>,
    pub rejected_template_name: Option<Option<String>>,
    pub confirm_template_name: Option<Option<String>>,
    pub link_template_name: Option<Option<String>>,
}

impl SettingsChange {
    /// Whether Rally must ask the mail service before the change. `after` are the settings after the change.
    ///
    /// It must ask if notifications are on afterwards and the change touches a setting that they need.
    pub fn wants_check(&self, after: &WorkspaceSettings) -> bool {
        let named = self.notifications.is_some()
            || self.default_sender_domain_id.is_some()
            || self.default_sender_address.is_some()
            || self.welcome_template_name.is_some()
            || self.approved_template_name.is_some()
            || self.rejected_template_name.is_some()
            || self.confirm_template_name.is_some()
            || self.link_template_name.is_some();
        after.notifications == Notifications::ViaEnvoi && named
    }

    /// Whether the change touches a setting that mail over SMTP needs.
    pub const fn touches_smtp(&self) -> bool {
        self.notifications.is_some() || self.default_sender_address.is_some()
    }

    /// Returns the settings after the change.
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
            notifications: self.notifications.map_or(current.notifications, |change| change.apply(current.notifications)),
            default_sender_address: pick(&self.default_sender_address, current.default_sender_address),
            reply_to_address: pick(&self.reply_to_address, current.reply_to_address),
            default_locale: pick(&self.default_locale, current.default_locale),
            welcome_template_name: pick(&self.welcome_template_name, current.welcome_template_name),
            approved_template_name: pick(&self.approved_template_name, current.approved_template_name),
            rejected_template_name: pick(&self.rejected_template_name, current.rejected_template_name),
            confirm_template_name: pick(&self.confirm_template_name, current.confirm_template_name),
            link_template_name: pick(&self.link_template_name, current.link_template_name),
            updated_at: Some(now),
        }
    }
}

/// Reads a colour such as `#1A2B3C` and keeps its case.
///
/// # Errors
/// If the text is anything else.
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
    fn a_change_sets_or_clears_only_its_fields() {
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
    fn notifications_report_every_missing_setting() {
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
