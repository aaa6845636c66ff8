//! [`SettingsStore`] on PostgreSQL.

use std::collections::HashMap;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{self, Array};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::command::{UpdateSettings, UpdateSettingsRejection};
use rally_domain::email::Email;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{SenderDomainId, WaitlistId, WorkspaceId};
use rally_domain::locale::Locale;
use rally_domain::mail::MailSetup;
use rally_domain::port::SettingsStore;
use rally_domain::slug::Slug;
use rally_domain::timestamp::Timestamp;
use rally_domain::workspace::{Brand, Notifications, WorkspaceSettings};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::fault::{Abort, query_fault};
use crate::schema::{workspace_settings, workspaces};
use crate::statement::statement;
use crate::{PgStore, audit, transaction};

#[async_trait]
impl SettingsStore for PgStore {
    async fn get(&self, workspace_id: WorkspaceId) -> Result<WorkspaceSettings, Fault> {
        let mut c = self.connection().await?;
        let row = find(&mut c, workspace_id).await.map_err(query_fault)?;
        row.map_or_else(|| Ok(WorkspaceSettings::unset(workspace_id)), WorkspaceSettings::try_from)
    }

    async fn update(&self, command: UpdateSettings) -> Result<WorkspaceSettings, CommandError<UpdateSettingsRejection>> {
        transaction!(self, turn = command.workspace_id.uuid(), |c| {
            // The settings may have no row yet, so the row of the workspace is locked.
            let exists = lock_workspace(c, command.workspace_id).await?;
            exists.ok_or(Abort::Rejected(UpdateSettingsRejection::NoSuchWorkspace))?;
            let current = match find(c, command.workspace_id).await? {
                Some(row) => WorkspaceSettings::try_from(row)?,
                None => WorkspaceSettings::unset(command.workspace_id),
            };
            let updated = audit::write(c, command.decide(current).map_err(Abort::Rejected)?).await?;
            write(c, &updated, &command).await?;
            Ok(updated)
        })
    }
}

statement! {
    /// The settings of some lists' workspaces, if these send mail. Each row is looked up in the order of its key.
    MailSettings {
        "SELECT asked.list, s.*, w.slug FROM unnest("
        lists: Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (list)
        CROSS JOIN LATERAL (SELECT id, workspace_id FROM waitlists WHERE id >= asked.list ORDER BY id LIMIT 1) l
        CROSS JOIN LATERAL (SELECT * FROM workspace_settings WHERE workspace_id >= l.workspace_id ORDER BY workspace_id LIMIT 1) s
        CROSS JOIN LATERAL (SELECT id, slug FROM workspaces WHERE id >= l.workspace_id ORDER BY id LIMIT 1) w
        WHERE l.id = asked.list AND s.workspace_id = l.workspace_id AND w.id = l.workspace_id AND (s.notifications_via_envoi OR s.notifications_via_smtp)"
    }
}

#[derive(QueryableByName)]
struct MailSettingsRow {
    #[diesel(sql_type = sql_types::Uuid)]
    list: Uuid,
    #[diesel(embed)]
    settings: SettingsRow,
    #[diesel(sql_type = sql_types::Text)]
    slug: String,
}

/// How the workspaces of some lists send mail. Workspaces that send none are left out.
pub(crate) async fn mail_setups<R>(mut c: &AsyncPgConnection, lists: &[Uuid]) -> Result<HashMap<WaitlistId, MailSetup>, Abort<R>> {
    let mut setups = HashMap::new();
    let query = MailSettings { lists: lists.to_vec() };
    for row in RunQueryDsl::load::<MailSettingsRow>(query, &mut c).await? {
        let setup = MailSetup::of(&WorkspaceSettings::try_from(row.settings)?, &Slug::from_stored(row.slug));
        setups.extend(setup.map(|setup| (WaitlistId::new(row.list), setup)));
    }
    Ok(setups)
}

async fn lock_workspace(c: &mut AsyncPgConnection, id: WorkspaceId) -> QueryResult<Option<Uuid>> {
    workspaces::table.find(id.uuid()).select(workspaces::id).for_no_key_update().first(c).await.optional()
}

async fn find(c: &mut AsyncPgConnection, id: WorkspaceId) -> QueryResult<Option<SettingsRow>> {
    workspace_settings::table.find(id.uuid()).select(SettingsRow::as_select()).first(c).await.optional()
}

async fn write(c: &mut AsyncPgConnection, settings: &WorkspaceSettings, command: &UpdateSettings) -> QueryResult<usize> {
    let row = || SettingsRow::new(settings, command.now);
    let insert = diesel::insert_into(workspace_settings::table).values(row()).on_conflict(workspace_settings::workspace_id);
    insert.do_update().set(row()).execute(c).await
}

#[derive(Queryable, QueryableByName, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = workspace_settings, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
struct SettingsRow {
    workspace_id: Uuid,
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
    updated_at: OffsetDateTime,
}

impl SettingsRow {
    /// The row of settings that were changed at an instant.
    fn new(settings: &WorkspaceSettings, updated_at: Timestamp) -> Self {
        Self {
            workspace_id: settings.workspace_id.uuid(),
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
            updated_at: updated_at.instant(),
        }
    }
}

impl TryFrom<SettingsRow> for WorkspaceSettings {
    type Error = Fault;

    fn try_from(row: SettingsRow) -> Result<Self, Fault> {
        Ok(Self {
            workspace_id: WorkspaceId::new(row.workspace_id),
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
            updated_at: Some(Timestamp::new(row.updated_at)),
        })
    }
}
