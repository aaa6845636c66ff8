//! [`WorkspaceStore`] on SQLite.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use rally_domain::command::{CreateWorkspace, RenameWorkspace, WorkspaceRejection};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::WorkspaceId;
use rally_domain::ports::WorkspaceStore;
use rally_domain::slug::Slug;
use rally_domain::workspace::Workspace;

use crate::fault::{Abort, query_fault, violates};
use crate::rows::{Blob, WorkspaceRow};
use crate::schema::{retired_slugs, waitlists, webhooks, workspaces};
use crate::{SqliteStore, purges};

const SLUG_KEY: &str = "workspaces.slug";

#[async_trait]
impl WorkspaceStore for SqliteStore {
    async fn create(&self, command: CreateWorkspace) -> Result<Workspace, CommandError<WorkspaceRejection>> {
        let workspace = command.decide();
        self.database
            .write(move |c| {
                take_slug(c, &workspace.slug)?;
                let insert = diesel::insert_into(workspaces::table).values(WorkspaceRow::from(&workspace));
                insert.execute(c).map_err(slug_taken)?;
                Ok(workspace.clone())
            })
            .await
    }

    async fn rename(&self, command: RenameWorkspace) -> Result<Workspace, CommandError<WorkspaceRejection>> {
        self.database
            .write(move |c| {
                let current = load(c, &command.from)?;
                let renamed = command.decide(current.clone()).map_err(Abort::Rejected)?;
                if current.as_ref() == Some(&renamed) {
                    return Ok(renamed);
                }
                take_slug(c, &renamed.slug)?;
                let update = diesel::update(workspaces::table.find(Blob(renamed.id.uuid()))).set(WorkspaceRow::from(&renamed));
                update.execute(c).map_err(slug_taken)?;
                retire_slug(c, &command.from, renamed.id)?;
                Ok(renamed)
            })
            .await
    }

    async fn delete(&self, slug: &Slug) -> Result<bool, Fault> {
        let slug = slug.clone();
        let deleted = self.database.write::<_, Infallible>(move |c| {
            let query = workspaces::table.filter(workspaces::slug.eq(slug.as_str())).select(workspaces::id);
            let Some(id) = query.first::<Blob>(c).optional()? else { return Ok(false) };
            for list in waitlists::table.filter(waitlists::workspace_id.eq(id)).select(waitlists::id).load::<Blob>(c)? {
                purges::begin(c, purges::WAITLIST, list)?;
            }
            for hook in webhooks::table.filter(webhooks::workspace_id.eq(id)).select(webhooks::id).load::<Blob>(c)? {
                purges::begin(c, purges::WEBHOOK, hook)?;
            }
            // Its lists and webhooks go with it, and what belongs to these is purged.
            Ok(diesel::delete(workspaces::table.find(id)).execute(c)? > 0)
        });
        Ok(deleted.await?)
    }

    async fn find(&self, id: WorkspaceId) -> Result<Option<Workspace>, Fault> {
        self.database
            .read(move |c| {
                let query = workspaces::table.find(Blob(id.uuid())).select(WorkspaceRow::as_select());
                let row = query.first(c).optional().map_err(query_fault)?;
                row.map(Workspace::try_from).transpose()
            })
            .await
    }

    async fn find_by_slug(&self, slug: &Slug) -> Result<Option<Workspace>, Fault> {
        let slug = slug.clone();
        self.database
            .read(move |c| {
                let query = workspaces::table.filter(workspaces::slug.eq(slug.as_str())).select(WorkspaceRow::as_select());
                let row = query.first(c).optional().map_err(query_fault)?;
                row.map(Workspace::try_from).transpose()
            })
            .await
    }

    async fn list(&self) -> Result<Vec<Workspace>, Fault> {
        self.database
            .read(move |c| {
                let query = workspaces::table.order(workspaces::slug).select(WorkspaceRow::as_select());
                let rows: Vec<WorkspaceRow> = query.load(c).map_err(query_fault)?;
                rows.into_iter().map(Workspace::try_from).collect()
            })
            .await
    }
}

fn load(c: &mut SqliteConnection, slug: &Slug) -> Result<Option<Workspace>, Abort<WorkspaceRejection>> {
    let query = workspaces::table.filter(workspaces::slug.eq(slug.as_str())).select(WorkspaceRow::as_select());
    Ok(query.first(c).optional()?.map(Workspace::try_from).transpose()?)
}

/// Makes a slug nobody's old one.
fn take_slug(c: &mut SqliteConnection, slug: &Slug) -> QueryResult<usize> {
    diesel::delete(retired_slugs::table.find(slug.as_str())).execute(c)
}

fn retire_slug(c: &mut SqliteConnection, slug: &Slug, owner: WorkspaceId) -> QueryResult<usize> {
    let row = (retired_slugs::slug.eq(slug.as_str()), retired_slugs::workspace_id.eq(Blob(owner.uuid())));
    let retired = diesel::insert_into(retired_slugs::table).values(row).on_conflict(retired_slugs::slug);
    // The last to have had it.
    retired.do_update().set(retired_slugs::workspace_id.eq(Blob(owner.uuid()))).execute(c)
}

fn slug_taken(error: diesel::result::Error) -> Abort<WorkspaceRejection> {
    if violates(&error, SLUG_KEY) { Abort::Rejected(WorkspaceRejection::SlugTaken) } else { error.into() }
}
