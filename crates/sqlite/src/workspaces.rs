//! [`WorkspaceStore`] on SQLite.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use rally_domain::command::{CreateWorkspace, DeleteWorkspace, RenameWorkspace, SlugFacts, WorkspaceRejection};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::WorkspaceId;
use rally_domain::port::WorkspaceStore;
use rally_domain::slug::Slug;
use rally_domain::text::WorkspaceName;
use rally_domain::workspace::Workspace;

use crate::convert::{Blob, instant};
use crate::fault::{Abort, query_fault};
use crate::schema::{retired_slugs, waitlists, webhooks, workspaces};
use crate::{SqliteStore, audit, purges};

#[async_trait]
impl WorkspaceStore for SqliteStore {
    async fn create(&self, command: CreateWorkspace) -> Result<Workspace, CommandError<WorkspaceRejection>> {
        self.database
            .write(move |c| {
                let facts = find_owner(c, &command.slug)?;
                let workspace = audit::write(c, command.decide(facts).map_err(Abort::Rejected)?)?;
                take_slug(c, &workspace.slug)?;
                diesel::insert_into(workspaces::table).values(WorkspaceRow::from(&workspace)).execute(c)?;
                Ok(workspace)
            })
            .await
    }

    async fn rename(&self, command: RenameWorkspace) -> Result<Workspace, CommandError<WorkspaceRejection>> {
        self.database
            .write(move |c| {
                let current = load(c, &command.from)?;
                let facts = find_owner(c, &command.to)?;
                let renamed = audit::write(c, command.decide(current.clone(), facts).map_err(Abort::Rejected)?)?;
                if current.as_ref() == Some(&renamed) {
                    return Ok(renamed);
                }
                take_slug(c, &renamed.slug)?;
                let update = diesel::update(workspaces::table.find(Blob(renamed.id.uuid()))).set(WorkspaceRow::from(&renamed));
                update.execute(c)?;
                retire_slug(c, &command.from, renamed.id)?;
                Ok(renamed)
            })
            .await
    }

    async fn delete(&self, command: DeleteWorkspace) -> Result<bool, Fault> {
        let deleted = self.database.write::<_, Infallible>(move |c| {
            let audited = command.decide(load(c, &command.slug)?);
            let Some(workspace) = audit::write(c, audited)? else { return Ok(false) };
            let id = Blob(workspace.id.uuid());
            for list in waitlists::table.filter(waitlists::workspace_id.eq(id)).select(waitlists::id).load::<Blob>(c)? {
                purges::begin(c, purges::WAITLIST, list)?;
            }
            for hook in webhooks::table.filter(webhooks::workspace_id.eq(id)).select(webhooks::id).load::<Blob>(c)? {
                purges::begin(c, purges::WEBHOOK, hook)?;
            }
            purges::begin(c, purges::WORKSPACE, id)?;
            // This also deletes its lists and webhooks. Purges delete the rows that belong to it and to them.
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

fn find_owner(c: &mut SqliteConnection, slug: &Slug) -> QueryResult<SlugFacts> {
    let owner = workspaces::table.filter(workspaces::slug.eq(slug.as_str())).select(workspaces::id);
    Ok(SlugFacts { owner: owner.first::<Blob>(c).optional()?.map(|id| WorkspaceId::new(id.0)) })
}

fn load<R>(c: &mut SqliteConnection, slug: &Slug) -> Result<Option<Workspace>, Abort<R>> {
    let query = workspaces::table.filter(workspaces::slug.eq(slug.as_str())).select(WorkspaceRow::as_select());
    Ok(query.first(c).optional()?.map(Workspace::try_from).transpose()?)
}

/// Deletes the note that a slug was the earlier slug of a workspace.
fn take_slug(c: &mut SqliteConnection, slug: &Slug) -> QueryResult<usize> {
    diesel::delete(retired_slugs::table.find(slug.as_str())).execute(c)
}

fn retire_slug(c: &mut SqliteConnection, slug: &Slug, owner: WorkspaceId) -> QueryResult<usize> {
    let row = (retired_slugs::slug.eq(slug.as_str()), retired_slugs::workspace_id.eq(Blob(owner.uuid())));
    let retired = diesel::insert_into(retired_slugs::table).values(row).on_conflict(retired_slugs::slug);
    // The note names the last workspace that had the slug.
    retired.do_update().set(retired_slugs::workspace_id.eq(Blob(owner.uuid()))).execute(c)
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = workspaces, check_for_backend(diesel::sqlite::Sqlite), treat_none_as_null = true)]
struct WorkspaceRow {
    id: Blob,
    slug: String,
    previous_slug: Option<String>,
    name: String,
    created_at: i64,
    updated_at: i64,
}

impl From<&Workspace> for WorkspaceRow {
    fn from(workspace: &Workspace) -> Self {
        Self {
            id: workspace.id.uuid().into(),
            slug: workspace.slug.to_string(),
            previous_slug: workspace.previous_slug.as_ref().map(ToString::to_string),
            name: workspace.name.to_string(),
            created_at: workspace.created_at.unix_millis(),
            updated_at: workspace.updated_at.unix_millis(),
        }
    }
}

impl TryFrom<WorkspaceRow> for Workspace {
    type Error = Fault;

    fn try_from(row: WorkspaceRow) -> Result<Self, Fault> {
        Ok(Self {
            id: WorkspaceId::new(row.id.0),
            slug: Slug::from_stored(row.slug),
            previous_slug: row.previous_slug.map(Slug::from_stored),
            name: WorkspaceName::from_stored(row.name),
            created_at: instant(row.created_at)?,
            updated_at: instant(row.updated_at)?,
        })
    }
}
