//! [`SettingsStore`] on SQLite.

use async_trait::async_trait;
use diesel::prelude::*;
use rally_domain::command::{UpdateSettings, UpdateSettingsRejection};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::WorkspaceId;
use rally_domain::mail::MailSetup;
use rally_domain::port::SettingsStore;
use rally_domain::slug::Slug;
use rally_domain::workspace::WorkspaceSettings;

use crate::SqliteStore;
use crate::fault::{Abort, query_fault};
use crate::rows::{Blob, SettingsRow};
use crate::schema::{workspace_settings, workspaces};

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
                let updated = command.decide(current).map_err(Abort::Rejected)?;
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
        .filter(workspace_settings::workspace_id.eq(Blob(id.uuid())).and(workspace_settings::notifications_via_envoi))
        .select((SettingsRow::as_select(), workspaces::slug));
    let Some((row, slug)) = query.first::<(SettingsRow, String)>(c).optional()? else { return Ok(None) };
    Ok(WorkspaceSettings::try_from(row)?.mail(&Slug::from_stored(slug)))
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
