//! [`SettingsStore`] on PostgreSQL.

use std::collections::HashMap;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{self, Array};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::command::{UpdateSettings, UpdateSettingsRejection};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{WaitlistId, WorkspaceId};
use rally_domain::mail::MailSetup;
use rally_domain::port::SettingsStore;
use rally_domain::slug::Slug;
use rally_domain::workspace::WorkspaceSettings;
use uuid::Uuid;

use crate::fault::{Abort, query_fault};
use crate::rows::SettingsRow;
use crate::schema::{workspace_settings, workspaces};
use crate::statement::statement;
use crate::{PgStore, transaction};

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
            let updated = command.decide(current).map_err(Abort::Rejected)?;
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
        WHERE l.id = asked.list AND s.workspace_id = l.workspace_id AND w.id = l.workspace_id AND s.notifications_via_envoi"
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
        let setup = WorkspaceSettings::try_from(row.settings)?.mail(&Slug::from_stored(row.slug));
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
