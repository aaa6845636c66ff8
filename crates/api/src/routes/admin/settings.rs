//! The settings of a workspace, under two paths.

use actix_web::{get, put, web};
use rally_domain::custom_field::parse_http_url;
use rally_domain::email::Email;
use rally_domain::error::Invalid;
use rally_domain::id::SenderDomainId;
use rally_domain::locale::Locale;
use rally_domain::text::{Lines, clean};
use rally_domain::use_case::configure;
use rally_domain::workspace::{Notifications, NotificationsChange, SettingsChange, WorkspaceSettings, parse_color};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Admin, Granted, permit};
use crate::http::body::fields::{Field, Fields};
use crate::http::body::{Body, SETTINGS_LIMIT, read_as};
use crate::http::error::{AdminFailure, ApiError, BodyFailure, ErrorBody};

/// The most characters of a name, or of a slug or id of another service.
const MAX_NAME: usize = 200;
/// The most characters of a URL.
const MAX_URL: usize = 2048;

/// The settings of a workspace.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkspaceSettings)]
struct SettingsView {
    #[schema(format = Uuid)]
    workspace_id: String,
    /// The Envoi domain that notifications are sent from.
    #[schema(required, format = Uuid)]
    default_sender_domain_id: Option<String>,
    /// The Heimdall app that approved entries are invited into.
    #[schema(required)]
    default_heimdall_app_slug: Option<String>,
    #[schema(required)]
    brand_name: Option<String>,
    #[schema(required)]
    brand_logo_url: Option<String>,
    #[schema(required, example = "#1A2B3C")]
    primary_color: Option<String>,
    /// Whether Rally sends mail, and how.
    #[schema(value_type = NotificationsName)]
    notifications: &'static str,
    /// Whether `notifications` is `envoi`.
    notifications_via_envoi: bool,
    #[schema(required, format = Email)]
    default_sender_address: Option<String>,
    /// The address for replies, if it is not the sender's.
    #[schema(required, format = Email)]
    reply_to_address: Option<String>,
    /// The language of people who asked for none, as a BCP 47 tag.
    #[schema(example = "en")]
    default_locale: String,
    /// The Envoi template of `entry.created`.
    #[schema(required)]
    welcome_template_name: Option<String>,
    /// The Envoi template of `entry.approved`.
    #[schema(required)]
    approved_template_name: Option<String>,
    /// The Envoi template of `entry.rejected`.
    #[schema(required)]
    rejected_template_name: Option<String>,
    /// The Envoi template of mail that asks to confirm an address. Null means that the workspace sends no such mail through Envoi.
    #[schema(required)]
    confirm_template_name: Option<String>,
    /// The Envoi template of mail with a person's own link. Null means that the workspace sends no such mail through Envoi.
    #[schema(required)]
    link_template_name: Option<String>,
    /// Null before the first change.
    #[schema(required, format = DateTime)]
    updated_at: Option<String>,
}

impl From<WorkspaceSettings> for SettingsView {
    fn from(settings: WorkspaceSettings) -> Self {
        Self {
            workspace_id: settings.workspace_id.to_string(),
            default_sender_domain_id: settings.default_sender_domain_id.map(|id| id.to_string()),
            default_heimdall_app_slug: settings.default_heimdall_app_slug,
            brand_name: settings.brand.name,
            brand_logo_url: settings.brand.logo_url,
            primary_color: settings.brand.primary_color,
            notifications: settings.notifications.as_str(),
            notifications_via_envoi: settings.notifications == Notifications::ViaEnvoi,
            default_sender_address: settings.default_sender_address.map(|address| address.to_string()),
            reply_to_address: settings.reply_to_address.map(|address| address.to_string()),
            default_locale: settings.default_locale.to_string(),
            welcome_template_name: settings.welcome_template_name,
            approved_template_name: settings.approved_template_name,
            rejected_template_name: settings.rejected_template_name,
            confirm_template_name: settings.confirm_template_name,
            link_template_name: settings.link_template_name,
            updated_at: settings.updated_at.map(|instant| instant.to_string()),
        }
    }
}

/// Changes to the settings of a workspace. A missing field stays as it is, null clears it.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateWorkspaceSettings)]
struct SettingsBody {
    /// The Envoi domain that notifications are sent from.
    #[schema(value_type = Option<String>, format = Uuid)]
    #[serde(default)]
    default_sender_domain_id: Field<String>,
    /// The Heimdall app that approved entries are invited into.
    #[schema(value_type = Option<String>, max_length = 200)]
    #[serde(default)]
    default_heimdall_app_slug: Field<String>,
    /// Shown with every public waitlist.
    #[schema(value_type = Option<String>, max_length = 200)]
    #[serde(default)]
    brand_name: Field<String>,
    /// An http or https URL. Shown with every public waitlist.
    #[schema(value_type = Option<String>, max_length = 2048)]
    #[serde(default)]
    brand_logo_url: Field<String>,
    /// `#RRGGBB`. Shown with every public waitlist.
    #[schema(value_type = Option<String>, pattern = "^#[0-9A-Fa-f]{6}$")]
    #[serde(default)]
    primary_color: Field<String>,
    /// Whether Rally sends mail, and how. `envoi` needs the domain, the address and the three templates. `smtp` needs a mail server on
    /// this deployment. Null is `off`.
    #[schema(value_type = Option<NotificationsName>)]
    #[serde(default)]
    notifications: Field<String>,
    /// An older form of `notifications`. True is `envoi`. False turns `envoi` off, and leaves `smtp` as it is.
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    notifications_via_envoi: Field<bool>,
    /// The address that notifications are sent from.
    #[schema(value_type = Option<String>, max_length = 254)]
    #[serde(default)]
    default_sender_address: Field<String>,
    /// The address for replies, if it is not the sender's.
    #[schema(value_type = Option<String>, max_length = 254)]
    #[serde(default)]
    reply_to_address: Field<String>,
    /// The language of people who asked for none, as a BCP 47 tag. Null is `en`.
    #[schema(value_type = Option<String>, example = "en", max_length = 64)]
    #[serde(default)]
    default_locale: Field<String>,
    /// The Envoi template of `entry.created`.
    #[schema(value_type = Option<String>, max_length = 200)]
    #[serde(default)]
    welcome_template_name: Field<String>,
    /// The Envoi template of `entry.approved`.
    #[schema(value_type = Option<String>, max_length = 200)]
    #[serde(default)]
    approved_template_name: Field<String>,
    /// The Envoi template of `entry.rejected`.
    #[schema(value_type = Option<String>, max_length = 200)]
    #[serde(default)]
    rejected_template_name: Field<String>,
    /// The Envoi template of mail that asks to confirm an address.
    #[schema(value_type = Option<String>, max_length = 200)]
    #[serde(default)]
    confirm_template_name: Field<String>,
    /// The Envoi template of mail with a person's own link.
    #[schema(value_type = Option<String>, max_length = 200)]
    #[serde(default)]
    link_template_name: Field<String>,
}

impl SettingsBody {
    fn parse(self) -> Result<SettingsChange, ApiError> {
        let mut fields = Fields::default();
        let name = |text: String| clean(&text, MAX_NAME, Lines::One).map(none_if_empty);
        let change = SettingsChange {
            default_sender_domain_id: fields.change("default_sender_domain_id", self.default_sender_domain_id, parse_domain_id),
            default_heimdall_app_slug: fields.change("default_heimdall_app_slug", self.default_heimdall_app_slug, name),
            brand_name: fields.change("brand_name", self.brand_name, name),
            brand_logo_url: fields.change("brand_logo_url", self.brand_logo_url, parse_logo),
            primary_color: fields.change("primary_color", self.primary_color, |text| parse_color(&text).map(Some)),
            notifications: parse_notifications(&mut fields, self.notifications, self.notifications_via_envoi),
            default_sender_address: fields
                .change("default_sender_address", self.default_sender_address, |text| Email::parse(&text).map(Some)),
            reply_to_address: fields.change("reply_to_address", self.reply_to_address, |text| Email::parse(&text).map(Some)),
            default_locale: fields
                .change("default_locale", self.default_locale, |text| Locale::parse(&text).map(Some))
                .map(|locale| locale.unwrap_or_else(Locale::english)),
            welcome_template_name: fields.change("welcome_template_name", self.welcome_template_name, name),
            approved_template_name: fields.change("approved_template_name", self.approved_template_name, name),
            rejected_template_name: fields.change("rejected_template_name", self.rejected_template_name, name),
            confirm_template_name: fields.change("confirm_template_name", self.confirm_template_name, name),
            link_template_name: fields.change("link_template_name", self.link_template_name, name),
        };
        fields.finish()?;
        Ok(change)
    }
}

/// The values of `notifications`.
#[derive(ToSchema)]
#[schema(as = Notifications, rename_all = "lowercase")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
enum NotificationsName {
    Off,
    Envoi,
    Smtp,
}

/// Reads the two forms of the setting. They must not contradict each other.
fn parse_notifications(fields: &mut Fields, named: Field<String>, via_envoi: Field<bool>) -> Option<NotificationsChange> {
    let named = fields.change("notifications", named, |text| Notifications::parse(&text).map(Some)).map(Option::unwrap_or_default);
    let via_envoi = fields.change("notifications_via_envoi", via_envoi, |on| Ok(Some(on))).map(Option::unwrap_or_default);
    match (named, via_envoi) {
        (Some(named), Some(on)) if on != (named == Notifications::ViaEnvoi) => {
            fields.report("notifications_via_envoi", Invalid::new(format!("contradicts notifications, which is {}", named.as_str())));
            None
        }
        (Some(named), _) => Some(NotificationsChange::Set(named)),
        (None, Some(true)) => Some(NotificationsChange::Set(Notifications::ViaEnvoi)),
        (None, Some(false)) => Some(NotificationsChange::EnvoiOff),
        (None, None) => None,
    }
}

fn none_if_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn parse_domain_id(text: String) -> Result<Option<SenderDomainId>, Invalid> {
    none_if_empty(clean(&text, MAX_NAME, Lines::One)?).map(|id| SenderDomainId::parse(&id)).transpose()
}

fn parse_logo(text: String) -> Result<Option<String>, Invalid> {
    let text = clean(&text, MAX_URL, Lines::One)?;
    if text.is_empty() {
        return Ok(None);
    }
    parse_http_url(&text)?;
    Ok(Some(text))
}

async fn read(app: &App, admin: &Admin) -> Result<web::Json<SettingsView>, ApiError> {
    Ok(web::Json(app.ports.settings.get(admin.workspace.id).await?.into()))
}

async fn change(app: &App, admin: &Admin, body: Body) -> Result<web::Json<SettingsView>, ApiError> {
    let change = body.json_up_to::<SettingsBody>(SETTINGS_LIMIT).await?.parse()?;
    Ok(web::Json(configure::run(&app.ports, &admin.actor(), admin.workspace.id, change).await?.into()))
}

/// Changes the settings of a workspace from the body of a request.
///
/// # Errors
/// If a field is bad, or the settings do not fit together.
pub(crate) async fn change_settings(app: &App, admin: &Admin, body: Value) -> Result<WorkspaceSettings, ApiError> {
    let change = read_as::<SettingsBody>(body)?.parse()?;
    Ok(configure::run(&app.ports, &admin.actor(), admin.workspace.id, change).await?)
}

/// Read the settings of a workspace
#[utoipa::path(
    tag = "Rally-Settings", operation_id = "get_settings", security(("bearer" = [])), extensions(("x-action" = json!("rally.settings.read"))),
    params(Granted),
    responses((status = 200, description = "The settings.", body = SettingsView), AdminFailure),
)]
#[get("/rally/settings")]
pub async fn get(app: web::Data<App>, admin: Granted<permit::RallySettingsRead>) -> Result<web::Json<SettingsView>, ApiError> {
    read(&app, &admin).await
}

/// Change the settings of a workspace
///
/// If notifications would be on and the change affects them, Rally first asks Envoi whether the domain is active and owns the address,
/// and whether the templates exist.
#[utoipa::path(
    tag = "Rally-Settings", operation_id = "update_settings", security(("bearer" = [])),
    extensions(("x-action" = json!("rally.settings.update"))),
    params(Granted), request_body = SettingsBody,
    responses(
        (status = 200, description = "The settings.", body = SettingsView),
        (status = 502, description = "Envoi failed. Nothing was changed.", body = ErrorBody),
        AdminFailure, BodyFailure,
    ),
)]
#[put("/rally/settings")]
pub async fn update(
    app: web::Data<App>,
    admin: Granted<permit::RallySettingsUpdate>,
    body: Body,
) -> Result<web::Json<SettingsView>, ApiError> {
    change(&app, &admin, body).await
}

/// Read the settings of a workspace
///
/// The same as under `/rally/settings`.
#[utoipa::path(
    tag = "Rally-Settings", operation_id = "get_settings_by_alias", security(("bearer" = [])),
    extensions(("x-action" = json!("rally.settings.read"))),
    params(Granted),
    responses((status = 200, description = "The settings.", body = SettingsView), AdminFailure),
)]
#[get("/waitlist/settings")]
pub async fn get_by_alias(app: web::Data<App>, admin: Granted<permit::RallySettingsRead>) -> Result<web::Json<SettingsView>, ApiError> {
    read(&app, &admin).await
}

/// Change the settings of a workspace
///
/// The same as under `/rally/settings`.
#[utoipa::path(
    tag = "Rally-Settings", operation_id = "update_settings_by_alias", security(("bearer" = [])),
    extensions(("x-action" = json!("rally.settings.update"))),
    params(Granted), request_body = SettingsBody,
    responses(
        (status = 200, description = "The settings.", body = SettingsView),
        (status = 502, description = "Envoi failed. Nothing was changed.", body = ErrorBody),
        AdminFailure, BodyFailure,
    ),
)]
#[put("/waitlist/settings")]
pub async fn update_by_alias(
    app: web::Data<App>,
    admin: Granted<permit::RallySettingsUpdate>,
    body: Body,
) -> Result<web::Json<SettingsView>, ApiError> {
    change(&app, &admin, body).await
}
