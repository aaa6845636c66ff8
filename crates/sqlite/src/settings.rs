//! [`SettingsStore`] on SQLite.

use async_trait::async_trait;
use diesel::prelude::*;
use rally_domain::command::{UpdateSettings, UpdateSettingsRejection};
use rally_domain::email::Email;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{SenderDomainId, WorkspaceId};
use rally_domain::locale::Locale;
use rally_domain::mail::MailSetup;
use rally_domain::port::SettingsStore;
use rally_domain::slug::Slug;
use rally_domain::timestamp::Timestamp;
use rally_domain::workspace::{Brand, Notifications, WorkspaceSettings};

use crate::convert::{Blob, instant};
use crate::fault::{Abort, query_fault};
use crate::schema::{workspace_settings, workspaces};
use crate::{SqliteStore, audit};

#[async_trait]
impl SettingsStore for SqliteStore {
    async fn get(&self, workspace_id: WorkspaceId) -> Result<WorkspaceSettings, Fault> {
        self.database
            .read(move |c| {
                let row = find(c, workspace_id).map_err(query_fault)?;
                row.map_or_else(|| Ok(WorkspaceSettings::unset(workspace_id)), WorkspaceSettings::try_from)
            })
            .await
    }

    async fn update(&self, command: UpdateSettings) -> Result<WorkspaceSettings, CommandError<UpdateSettingsRejection>> {
        self.database
            .write(move |c| {
                let exists = find_workspace(c, command.workspace_id)?;
                exists.ok_or(Abort::Rejected(UpdateSettingsRejection::NoSuchWorkspace))?;
                let current = match find(c, command.workspace_id)? {
                    Some(row) => WorkspaceSettings::try_from(row)?,
                    None => WorkspaceSettings::unset(command.workspace_id),
                };
                let updated = audit::write(c, command.decide(current).map_err(Abort::Rejected)?)?;
                write(c, &updated, &command)?;
                Ok(updated)
            })
            .await
    }
}

/// How a workspace sends mail, if it does.
pub(crate) fn mail_setup<R>(c: &mut SqliteConnection, id: WorkspaceId) -> Result<Option<MailSetup>, Abort<R>> {
    let query = workspace_settings::table
        .inner_join(workspaces::table.on(workspaces::id.eq(workspace_settings::workspace_id)))
        .filter(workspace_settings::workspace_id.eq(Blob(id.uuid())))
        .filter(workspace_settings::notifications_via_envoi.or(workspace_settings::notifications_via_smtp))
        .select((SettingsRow::as_select(), workspaces::slug));
    let Some((row, slug)) = query.first::<(SettingsRow, String)>(c).optional()? else { return Ok(None) };
    Ok(MailSetup::of(&WorkspaceSettings::try_from(row)?, &Slug::from_stored(slug)))
}

fn find_workspace(c: &mut SqliteConnection, id: WorkspaceId) -> QueryResult<Option<Blob>> {
    workspaces::table.find(Blob(id.uuid())).select(workspaces::id).first(c).optional()
}

fn find(c: &mut SqliteConnection, id: WorkspaceId) -> QueryResult<Option<SettingsRow>> {
    workspace_settings::table.find(Blob(id.uuid())).select(SettingsRow::as_select()).first(c).optional()
}

fn write(c: &mut SqliteConnection, settings: &WorkspaceSettings, command: &UpdateSettings) -> QueryResult<usize> {
    let row = || SettingsRow::new(settings, command.now);
    let insert = diesel::insert_into(workspace_settings::table).values(row()).on_conflict(workspace_settings::workspace_id);
    insert.do_update().set(row()).execute(c)
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = workspace_settings, check_for_backend(diesel::sqlite::Sqlite), treat_none_as_null = true)]
struct SettingsRow {
    workspace_id: Blob,
    default_sender_domain_id: Option<String>,
    default_heimdall_app_slug: Option<String>,
    brand_name: Option<String>,
    brand_logo_url: Option<String>,
    primary_color: Option<String>,
    notifications_via_envoi: bool,
    default_sender_address: Option<String>,
    welcome_template_name: Option<String>,
    approved_template_name: Option<String>,
    rejected_template_name: Option<String>,
    notifications_via_smtp: bool,
    reply_to_address: Option<String>,
    default_locale: Option<String>,
    confirm_template_name: Option<String>,
    link_template_name: Option<String>,
    updated_at: i64,
}

impl SettingsRow {
    /// The row of settings that were changed at an instant.
    fn new(settings: &WorkspaceSettings, updated_at: Timestamp) -> Self {
        Self {
            workspace_id: settings.workspace_id.uuid().into(),
            default_sender_domain_id: settings.default_sender_domain_id.map(|id| id.to_string()),
            default_heimdall_app_slug: settings.default_heimdall_app_slug.clone(),
            brand_name: settings.brand.name.clone(),
            brand_logo_url: settings.brand.logo_url.clone(),
            primary_color: settings.brand.primary_color.clone(),
            notifications_via_envoi: settings.notifications == Notifications::ViaEnvoi,
            default_sender_address: settings.default_sender_address.as_ref().map(ToString::to_string),
            welcome_template_name: settings.welcome_template_name.clone(),
            approved_template_name: settings.approved_template_name.clone(),
            rejected_template_name: settings.rejected_template_name.clone(),
            notifications_via_smtp: settings.notifications == Notifications::ViaSmtp,
            reply_to_address: settings.reply_to_address.as_ref().map(ToString::to_string),
            default_locale: Some(settings.default_locale.to_string()),
            confirm_template_name: settings.confirm_template_name.clone(),
            link_template_name: settings.link_template_name.clone(),
            updated_at: updated_at.unix_millis(),
        }
    }
}

impl TryFrom<SettingsRow> for WorkspaceSettings {
    type Error = Fault;

    fn try_from(row: SettingsRow) -> Result<Self, Fault> {
        Ok(Self {
            workspace_id: WorkspaceId::new(row.workspace_id.0),
            // Older versions kept any text here. A text that is not an id names no domain.
            default_sender_domain_id: row.default_sender_domain_id.and_then(|id| SenderDomainId::parse(&id).ok()),
            default_heimdall_app_slug: row.default_heimdall_app_slug,
            brand: Brand { name: row.brand_name, logo_url: row.brand_logo_url, primary_color: row.primary_color },
            notifications: match (row.notifications_via_envoi, row.notifications_via_smtp) {
                (true, _) => Notifications::ViaEnvoi,
                (false, true) => Notifications::ViaSmtp,
                (false, false) => Notifications::Off,
            },
            default_sender_address: row.default_sender_address.map(Email::from_stored),
            welcome_template_name: row.welcome_template_name,
            approved_template_name: row.approved_template_name,
            rejected_template_name: row.rejected_template_name,
            confirm_template_name: row.confirm_template_name,
            link_template_name: row.link_template_name,
            reply_to_address: row.reply_to_address.map(Email::from_stored),
            default_locale: row.default_locale.map_or_else(Locale::english, Locale::from_stored),
            updated_at: Some(instant(row.updated_at)?),
        })
    }
}
