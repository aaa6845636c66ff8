//! [`SettingsStore`] on PostgreSQL.

use std::collections::HashMap;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::command::{UpdateSettings, UpdateSettingsRejection};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{WaitlistId, WorkspaceId};
use rally_domain::mail::MailSetup;
use rally_domain::ports::SettingsStore;
use rally_domain::slug::Slug;
use rally_domain::workspace::WorkspaceSettings;
use uuid::Uuid;

use crate::fault::{Abort, query_fault};
use crate::rows::SettingsRow;
use crate::schema::{waitlists, workspace_settings, workspaces};
use crate::{PgStore, transaction};

#[async_trait]
impl SettingsStore for PgStore {
    async fn get(&self, workspace_id: WorkspaceId) -> Result<WorkspaceSettings, Fault> {
        let mut c = self.connection().await?;
        let row = find(&mut c, workspace_id).await.map_err(query_fault)?;
        row.map_or_else(|| Ok(WorkspaceSettings::unset(workspace_id)), WorkspaceSettings::try_from)
    }

    async fn update(&self, command: UpdateSettings) -> Result<WorkspaceSettings, CommandError<UpdateSettingsRejection>> {
        transaction!(self, |c| {
            // The workspace's row, since the settings may have none yet to lock.
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

/// How the workspaces of some lists send mail; those that send none are left out.
pub(crate) async fn mail_setups<R>(mut c: &AsyncPgConnection, lists: &[Uuid]) -> Result<HashMap<WaitlistId, MailSetup>, Abort<R>> {
    let query = workspace_settings::table
        .inner_join(workspaces::table.on(workspaces::id.eq(workspace_settings::workspace_id)))
        .inner_join(waitlists::table.on(waitlists::workspace_id.eq(workspace_settings::workspace_id)))
        .filter(waitlists::id.eq_any(lists).and(workspace_settings::notifications_via_envoi))
        .select((waitlists::id, SettingsRow::as_select(), workspaces::slug));
    let mut setups = HashMap::new();
    for (list, row, slug) in query.load::<(Uuid, SettingsRow, String)>(&mut c).await? {
        let setup = WorkspaceSettings::try_from(row)?.mail(&Slug::from_stored(slug));
        setups.extend(setup.map(|setup| (WaitlistId::new(list), setup)));
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
