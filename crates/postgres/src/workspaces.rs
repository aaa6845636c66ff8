//! [`WorkspaceStore`] on PostgreSQL.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::command::{CreateWorkspace, RenameWorkspace, WorkspaceRejection};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::WorkspaceId;
use rally_domain::ports::WorkspaceStore;
use rally_domain::slug::Slug;
use rally_domain::workspace::Workspace;
use uuid::Uuid;

use crate::fault::{Abort, query_fault, violates};
use crate::rows::WorkspaceRow;
use crate::schema::{retired_slugs, waitlist_totals, waitlists, workspaces};
use crate::{PgStore, transaction};

const SLUG_KEY: &str = "workspaces_slug_key";

#[async_trait]
impl WorkspaceStore for PgStore {
    async fn create(&self, command: CreateWorkspace) -> Result<Workspace, CommandError<WorkspaceRejection>> {
        let workspace = command.decide();
        transaction!(self, |c| {
            take_slug(c, &workspace.slug).await?;
            let insert = diesel::insert_into(workspaces::table).values(WorkspaceRow::from(&workspace));
            insert.execute(c).await.map_err(slug_taken)?;
            Ok(workspace.clone())
        })
    }

    async fn rename(&self, command: RenameWorkspace) -> Result<Workspace, CommandError<WorkspaceRejection>> {
        transaction!(self, |c| {
            let current = lock(c, &command.from).await?;
            let renamed = command.decide(current.clone()).map_err(Abort::Rejected)?;
            if current.as_ref() == Some(&renamed) {
                return Ok(renamed);
            }
            take_slug(c, &renamed.slug).await?;
            let update = diesel::update(workspaces::table.find(renamed.id.uuid())).set(WorkspaceRow::from(&renamed));
            update.execute(c).await.map_err(slug_taken)?;
            retire_slug(c, &command.from, renamed.id).await?;
            Ok(renamed)
        })
    }

    async fn delete(&self, slug: &Slug) -> Result<bool, Fault> {
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, |c| {
            lock_lists(c, slug).await?;
            Ok(diesel::delete(workspaces::table.filter(workspaces::slug.eq(slug.as_str()))).execute(c).await? > 0)
        });
        Ok(outcome?)
    }

    async fn find(&self, id: WorkspaceId) -> Result<Option<Workspace>, Fault> {
        let mut c = self.connection().await?;
        let query = workspaces::table.find(id.uuid()).select(WorkspaceRow::as_select());
        let row = query.first(&mut c).await.optional().map_err(query_fault)?;
        Ok(row.map(Workspace::from))
    }

    async fn find_by_slug(&self, slug: &Slug) -> Result<Option<Workspace>, Fault> {
        let mut c = self.connection().await?;
        let query = workspaces::table.filter(workspaces::slug.eq(slug.as_str())).select(WorkspaceRow::as_select());
        let row = query.first(&mut c).await.optional().map_err(query_fault)?;
        Ok(row.map(Workspace::from))
    }

    async fn list(&self) -> Result<Vec<Workspace>, Fault> {
        let mut c = self.connection().await?;
        let query = workspaces::table.order(workspaces::slug).select(WorkspaceRow::as_select());
        let rows: Vec<WorkspaceRow> = query.load(&mut c).await.map_err(query_fault)?;
        Ok(rows.into_iter().map(Workspace::from).collect())
    }
}

async fn lock(c: &mut AsyncPgConnection, slug: &Slug) -> QueryResult<Option<Workspace>> {
    let query = workspaces::table.filter(workspaces::slug.eq(slug.as_str())).select(WorkspaceRow::as_select());
    Ok(query.for_update().first(c).await.optional()?.map(Workspace::from))
}

/// The lists' locks first, as every other change of their entries does.
async fn lock_lists(c: &mut AsyncPgConnection, slug: &Slug) -> QueryResult<()> {
    let mine = waitlists::table
        .inner_join(workspaces::table.on(workspaces::id.eq(waitlists::workspace_id)))
        .filter(workspaces::slug.eq(slug.as_str()))
        .select(waitlists::id);
    let lists: Vec<Uuid> = mine.load(c).await?;
    let totals = waitlist_totals::table.filter(waitlist_totals::waitlist_id.eq_any(lists)).order(waitlist_totals::waitlist_id);
    totals.select(waitlist_totals::waitlist_id).for_update().load::<Uuid>(c).await.map(|_| ())
}

/// Makes a slug nobody's old one.
async fn take_slug(c: &mut AsyncPgConnection, slug: &Slug) -> QueryResult<usize> {
    diesel::delete(retired_slugs::table.find(slug.as_str())).execute(c).await
}

async fn retire_slug(c: &mut AsyncPgConnection, slug: &Slug, owner: WorkspaceId) -> QueryResult<usize> {
    let row = (retired_slugs::slug.eq(slug.as_str()), retired_slugs::workspace_id.eq(owner.uuid()));
    diesel::insert_into(retired_slugs::table).values(row).execute(c).await
}

fn slug_taken(error: diesel::result::Error) -> Abort<WorkspaceRejection> {
    if violates(&error, SLUG_KEY) { Abort::Rejected(WorkspaceRejection::SlugTaken) } else { error.into() }
}
