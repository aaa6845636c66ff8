//! [`WorkspaceStore`] on PostgreSQL.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::command::{CreateWorkspace, DeleteWorkspace, RenameWorkspace, SlugFacts, WorkspaceRejection};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::WorkspaceId;
use rally_domain::port::WorkspaceStore;
use rally_domain::slug::Slug;
use rally_domain::text::WorkspaceName;
use rally_domain::timestamp::Timestamp;
use rally_domain::workspace::Workspace;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::fault::{Abort, query_fault};
use crate::schema::{retired_slugs, waitlist_totals, waitlists, webhooks, workspaces};
use crate::{PgStore, audit, purges, transaction};

#[async_trait]
impl WorkspaceStore for PgStore {
    async fn create(&self, command: CreateWorkspace) -> Result<Workspace, CommandError<WorkspaceRejection>> {
        transaction!(self, |c| {
            let facts = find_owner(c, &command.slug).await?;
            let workspace = audit::write(c, command.clone().decide(facts).map_err(Abort::Rejected)?).await?;
            diesel::insert_into(workspaces::table).values(WorkspaceRow::from(&workspace)).execute(c).await?;
            // After the insert: a workspace that gave the slug up in the meantime has retired it by now.
            take_slug(c, &workspace.slug).await?;
            Ok(workspace)
        })
    }

    async fn rename(&self, command: RenameWorkspace) -> Result<Workspace, CommandError<WorkspaceRejection>> {
        transaction!(self, |c| {
            let current = lock(c, &command.from).await?;
            let facts = find_owner(c, &command.to).await?;
            let renamed = audit::write(c, command.decide(current.clone(), facts).map_err(Abort::Rejected)?).await?;
            if current.as_ref() == Some(&renamed) {
                return Ok(renamed);
            }
            let update = diesel::update(workspaces::table.find(renamed.id.uuid())).set(WorkspaceRow::from(&renamed));
            update.execute(c).await?;
            // After the update: a workspace that gave the slug up in the meantime has retired it by now.
            take_slug(c, &renamed.slug).await?;
            retire_slug(c, &command.from, renamed.id).await?;
            Ok(renamed)
        })
    }

    async fn delete(&self, command: DeleteWorkspace) -> Result<bool, Fault> {
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, |c| {
            let audited = command.decide(lock(c, &command.slug).await?);
            let Some(workspace) = audit::write(c, audited).await? else { return Ok(false) };
            let id = workspace.id.uuid();
            let lists = lock_lists(c, id).await?;
            purges::begin(c, purges::WAITLIST, &lists).await?;
            let hooks: Vec<Uuid> = webhooks::table.filter(webhooks::workspace_id.eq(id)).select(webhooks::id).load(c).await?;
            purges::begin(c, purges::WEBHOOK, &hooks).await?;
            purges::begin(c, purges::WORKSPACE, &[id]).await?;
            // This also deletes its lists and webhooks. Purges delete the rows that belong to it and to them.
            Ok(diesel::delete(workspaces::table.find(id)).execute(c).await? > 0)
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
        let rows: Vec<WorkspaceRow> = workspaces::table.select(WorkspaceRow::as_select()).load(&mut c).await.map_err(query_fault)?;
        let mut all: Vec<Workspace> = rows.into_iter().map(Workspace::from).collect();
        // Not in the statement: the collation of the database may pass over hyphens.
        all.sort_by(|one, other| one.slug.cmp(&other.slug));
        Ok(all)
    }
}

/// The workspace that has a slug. If another workspace takes the slug in the meantime, the write violates the unique key, and the
/// transaction is retried.
async fn find_owner(c: &mut AsyncPgConnection, slug: &Slug) -> QueryResult<SlugFacts> {
    let owner = workspaces::table.filter(workspaces::slug.eq(slug.as_str())).select(workspaces::id);
    Ok(SlugFacts { owner: owner.first(c).await.optional()?.map(WorkspaceId::new) })
}

async fn lock(c: &mut AsyncPgConnection, slug: &Slug) -> QueryResult<Option<Workspace>> {
    let query = workspaces::table.filter(workspaces::slug.eq(slug.as_str())).select(WorkspaceRow::as_select());
    Ok(query.for_update().first(c).await.optional()?.map(Workspace::from))
}

/// Locks the lists of a workspace. This comes first, as in every other change of their entries.
async fn lock_lists(c: &mut AsyncPgConnection, workspace: Uuid) -> QueryResult<Vec<Uuid>> {
    let mine = waitlists::table.filter(waitlists::workspace_id.eq(workspace)).select(waitlists::id);
    let lists: Vec<Uuid> = mine.load(c).await?;
    let totals = waitlist_totals::table.filter(waitlist_totals::waitlist_id.eq_any(lists)).order(waitlist_totals::waitlist_id);
    totals.select(waitlist_totals::waitlist_id).for_update().load(c).await
}

/// Deletes the note that a slug was the earlier slug of a workspace.
async fn take_slug(c: &mut AsyncPgConnection, slug: &Slug) -> QueryResult<usize> {
    diesel::delete(retired_slugs::table.find(slug.as_str())).execute(c).await
}

async fn retire_slug(c: &mut AsyncPgConnection, slug: &Slug, owner: WorkspaceId) -> QueryResult<usize> {
    let row = (retired_slugs::slug.eq(slug.as_str()), retired_slugs::workspace_id.eq(owner.uuid()));
    let retired = diesel::insert_into(retired_slugs::table).values(row).on_conflict(retired_slugs::slug);
    // The note names the last workspace that had the slug.
    retired.do_update().set(retired_slugs::workspace_id.eq(owner.uuid())).execute(c).await
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = workspaces, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
struct WorkspaceRow {
    id: Uuid,
    slug: String,
    previous_slug: Option<String>,
    name: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<&Workspace> for WorkspaceRow {
    fn from(workspace: &Workspace) -> Self {
        Self {
            id: workspace.id.uuid(),
            slug: workspace.slug.to_string(),
            previous_slug: workspace.previous_slug.as_ref().map(ToString::to_string),
            name: workspace.name.to_string(),
            created_at: workspace.created_at.instant(),
            updated_at: workspace.updated_at.instant(),
        }
    }
}

impl From<WorkspaceRow> for Workspace {
    fn from(row: WorkspaceRow) -> Self {
        Self {
            id: WorkspaceId::new(row.id),
            slug: Slug::from_stored(row.slug),
            previous_slug: row.previous_slug.map(Slug::from_stored),
            name: WorkspaceName::from_stored(row.name),
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(row.updated_at),
        }
    }
}
