//! [`WaitlistStore`] on PostgreSQL.

use std::convert::Infallible;
use std::sync::Arc;

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::try_join;
use rally_domain::access::Receipt;
use rally_domain::command::{
    ChangeWaitlistStatus, ChangeWaitlistStatusRejection, CreateWaitlist, CreateWaitlistFacts, CreateWaitlistPlan, CreateWaitlistRejection,
    DeleteWaitlist, StatusChange, UpdateWaitlist, UpdateWaitlistRejection,
};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{WaitlistId, WorkspaceId};
use rally_domain::locale::Locale;
use rally_domain::paging::{Limit, Page, WaitlistKey};
use rally_domain::port::{LineStream, WaitlistStore};
use rally_domain::settings::Settings;
use rally_domain::slug::Slug;
use rally_domain::text::{Description, DisplayName, Subject};
use rally_domain::timestamp::Timestamp;
use rally_domain::waitlist::{PublicWaitlist, Waitlist, WaitlistStatus};
use rally_domain::workspace::Brand;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{corrupt, object, to_bigint};
use crate::fault::{Abort, query_fault};
use crate::schema::{retired_slugs, variants as variant_rows, waitlist_totals, waitlists, workspace_settings, workspaces};
use crate::variants::VariantRow;
use crate::{PgStore, audit, counters, events, export, purges, replies, transaction, variants};

#[async_trait]
impl WaitlistStore for PgStore {
    async fn create(
        &self,
        command: CreateWaitlist,
        receipt: Option<Receipt<Waitlist>>,
    ) -> Result<Waitlist, CommandError<CreateWaitlistRejection>> {
        transaction!(self, turn = command.workspace_id.uuid(), |c| {
            let facts = lock_facts(c, &command, receipt.as_ref()).await?;
            let audited = command.clone().decide(facts).map_err(Abort::Rejected)?;
            let CreateWaitlistPlan { waitlist, control } = audit::write(c, audited).await?;
            if let Some(receipt) = &receipt {
                replies::insert(c, receipt, &waitlist).await?;
            }
            insert_waitlist(c, &waitlist).await?;
            diesel::insert_into(variant_rows::table).values(VariantRow::from(&control)).execute(c).await?;
            Ok(waitlist)
        })
    }

    async fn update(&self, command: UpdateWaitlist) -> Result<Waitlist, CommandError<UpdateWaitlistRejection>> {
        // This comes first: a command must neither lock nor wait for a list of another workspace.
        if WaitlistStore::find(self, command.workspace_id, command.id).await?.is_none() {
            return Err(CommandError::Rejected(UpdateWaitlistRejection::NoSuchWaitlist));
        }
        transaction!(self, turn = command.id.uuid(), |c| {
            let current = lock(c, command.workspace_id, command.id).await?;
            let updated = audit::write(c, command.decide(current).map_err(Abort::Rejected)?).await?;
            write(c, &updated).await?;
            Ok(updated)
        })
    }

    async fn change_status(&self, command: ChangeWaitlistStatus) -> Result<Waitlist, CommandError<ChangeWaitlistStatusRejection>> {
        // This comes first: a command must neither lock nor wait for a list of another workspace.
        if WaitlistStore::find(self, command.workspace_id, command.id).await?.is_none() {
            return Err(CommandError::Rejected(ChangeWaitlistStatusRejection::NoSuchWaitlist));
        }
        transaction!(self, turn = command.id.uuid(), |c| {
            // The lock of the list comes first, as in every change that is told.
            let is_there = counters::lock(c, command.id).await?;
            let current = if is_there { lock(c, command.workspace_id, command.id).await? } else { None };
            match audit::write(c, command.decide(current).map_err(Abort::Rejected)?).await? {
                StatusChange::None(waitlist) => Ok(waitlist),
                StatusChange::To { waitlist, event } => {
                    write(c, &waitlist).await?;
                    events::write(c, &event).await?;
                    Ok(waitlist)
                }
            }
        })
    }

    async fn delete(&self, command: DeleteWaitlist) -> Result<bool, Fault> {
        let (workspace_id, id) = (command.workspace_id, command.id);
        // This comes first: a command must neither lock nor wait for a list of another workspace.
        if WaitlistStore::find(self, workspace_id, id).await?.is_none() {
            return Ok(false);
        }
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, turn = id.uuid(), |c| {
            // The lock of the list comes first, as in every other change of its entries.
            let is_there = counters::lock(c, id).await?;
            let current = if is_there { lock(c, workspace_id, id).await? } else { None };
            if audit::write(c, command.decide(current)).await?.is_none() {
                return Ok(false);
            }
            diesel::delete(waitlists::table.find(id.uuid())).execute(c).await?;
            purges::begin(c, purges::WAITLIST, &[id.uuid()]).await?;
            Ok(true)
        });
        Ok(outcome?)
    }

    async fn export(&self, waitlist_id: WaitlistId) -> Result<LineStream, Fault> {
        export::start_lines(self, waitlist_id).await
    }

    async fn find(&self, workspace_id: WorkspaceId, id: WaitlistId) -> Result<Option<Waitlist>, Fault> {
        let row = find(&*self.connection().await?, id).await.map_err(query_fault)?;
        row.filter(|row| row.is_of(workspace_id)).map(Waitlist::try_from).transpose()
    }

    async fn list(
        &self,
        workspace_id: WorkspaceId,
        status: Option<WaitlistStatus>,
        after: Option<WaitlistKey>,
        limit: Limit,
    ) -> Result<Page<Waitlist, WaitlistKey>, Fault> {
        let mut c = self.connection().await?;
        let mut query = waitlists::table
            .filter(waitlists::workspace_id.eq(workspace_id.uuid()))
            .order((waitlists::created_at.desc(), waitlists::id.desc()))
            .limit(to_bigint(limit.rows() as u64 + 1))
            .select(WaitlistRow::as_select())
            .into_boxed();
        if let Some(status) = status {
            query = query.filter(waitlists::status.eq(status.as_str()));
        }
        if let Some(key) = after {
            // The index needs a row comparison, and the DSL has none.
            query = query.filter(
                sql::<Bool>("(waitlists.created_at, waitlists.id) < (")
                    .bind::<diesel::sql_types::Timestamptz, _>(key.created_at.instant())
                    .sql(", ")
                    .bind::<diesel::sql_types::Uuid, _>(key.id.uuid())
                    .sql(")"),
            );
        }
        let rows: Vec<WaitlistRow> = query.load(&mut c).await.map_err(query_fault)?;
        let waitlists = rows.into_iter().map(Waitlist::try_from).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::from_overfetch(waitlists, limit, |last| WaitlistKey { created_at: last.created_at, id: last.id }))
    }

    async fn find_public(&self, workspace_slug: &Slug, slug: &Slug) -> Result<Option<Arc<PublicWaitlist>>, Fault> {
        let mut c = self.connection().await?;
        let Some((workspace, current_slug)) = resolve_workspace(&mut c, workspace_slug).await.map_err(query_fault)? else {
            return Ok(None);
        };
        let (found, look) = try_join!(find_with_codes(&c, workspace, slug), find_look(&c, workspace)).map_err(query_fault)?;
        let Some((row, has_old_codes)) = found.filter(|(row, _)| row.has_slug(slug)) else { return Ok(None) };
        let (brand, locale) = look.map(LookRow::look).unwrap_or_default();
        let default_locale = locale.unwrap_or_else(Locale::english);
        let waitlist = Waitlist::try_from(row)?;
        let variants = variants::list(&mut c, waitlist.id).await?;
        Ok(Some(Arc::new(PublicWaitlist {
            waitlist,
            workspace_slug: Slug::from_stored(current_slug),
            brand,
            default_locale,
            variants,
            has_old_codes: has_old_codes == Some(true),
        })))
    }
}

/// Locks the workspace, so that no other list of it is created in the meantime, and loads the facts.
async fn lock_facts(
    c: &mut AsyncPgConnection,
    command: &CreateWaitlist,
    receipt: Option<&Receipt<Waitlist>>,
) -> QueryResult<CreateWaitlistFacts> {
    let workspace = workspaces::table.find(command.workspace_id.uuid()).select(workspaces::id).for_no_key_update();
    let workspace_exists = workspace.first::<Uuid>(c).await.optional()?.is_some();
    let nearest = nearest_slug(c, command.workspace_id.uuid(), &command.slug).await?;
    Ok(CreateWaitlistFacts {
        workspace_exists,
        already_done: replies::is_stored(c, receipt).await?,
        slug_taken: nearest.is_some_and(|row| row.has_slug(&command.slug)),
    })
}

async fn insert_waitlist(c: &mut AsyncPgConnection, waitlist: &Waitlist) -> QueryResult<()> {
    diesel::insert_into(waitlists::table).values(WaitlistRow::from(waitlist)).execute(c).await?;
    let totals = waitlist_totals::waitlist_id.eq(waitlist.id.uuid());
    diesel::insert_into(waitlist_totals::table).values(totals).execute(c).await.map(|_| ())
}

/// The row of a list, in any workspace.
pub(crate) async fn find(mut c: &AsyncPgConnection, id: WaitlistId) -> QueryResult<Option<WaitlistRow>> {
    waitlists::table.find(id.uuid()).select(WaitlistRow::as_select()).first(&mut c).await.optional()
}

async fn lock<R>(c: &mut AsyncPgConnection, workspace_id: WorkspaceId, id: WaitlistId) -> Result<Option<Waitlist>, Abort<R>> {
    let query = waitlists::table.find(id.uuid()).select(WaitlistRow::as_select());
    let row: Option<WaitlistRow> = query.for_no_key_update().first(c).await.optional()?;
    Ok(row.filter(|row| row.is_of(workspace_id)).map(Waitlist::try_from).transpose()?)
}

/// Writes a waitlist over what was there.
pub(crate) async fn write(c: &mut AsyncPgConnection, waitlist: &Waitlist) -> QueryResult<usize> {
    diesel::update(waitlists::table.find(waitlist.id.uuid())).set(WaitlistRow::from(waitlist)).execute(c).await
}

/// The workspace that has a slug, or else the last one that had it.
async fn resolve_workspace(c: &mut AsyncPgConnection, slug: &Slug) -> QueryResult<Option<(Uuid, String)>> {
    let current = workspaces::table.filter(workspaces::slug.eq(slug.as_str())).select((workspaces::id, workspaces::slug));
    if let Some(found) = current.first(c).await.optional()? {
        return Ok(Some(found));
    }
    let retired = retired_slugs::table.find(slug.as_str()).select(retired_slugs::workspace_id);
    let Some(owner) = retired.first::<Uuid>(c).await.optional()? else { return Ok(None) };
    workspaces::table.find(owner).select((workspaces::id, workspaces::slug)).first(c).await.optional()
}

/// The first list of a workspace from a slug on, in the order of the index. If the statement compared the slug for equality, the
/// planner could read all lists of the workspace.
async fn nearest_slug(c: &mut AsyncPgConnection, workspace: Uuid, slug: &Slug) -> QueryResult<Option<WaitlistRow>> {
    waitlists::table
        .filter(waitlists::workspace_id.eq(workspace).and(waitlists::slug.ge(slug.as_str())))
        .order(waitlists::slug)
        .select(WaitlistRow::as_select())
        .first(c)
        .await
        .optional()
}

/// The first list of a workspace from a slug on, and whether it has old codes.
async fn find_with_codes(mut c: &AsyncPgConnection, workspace: Uuid, slug: &Slug) -> QueryResult<Option<(WaitlistRow, Option<bool>)>> {
    waitlists::table
        .left_join(waitlist_totals::table.on(waitlist_totals::waitlist_id.eq(waitlists::id)))
        .filter(waitlists::workspace_id.eq(workspace).and(waitlists::slug.ge(slug.as_str())))
        .order(waitlists::slug)
        .select((WaitlistRow::as_select(), waitlist_totals::has_old_codes.nullable()))
        .first(&mut c)
        .await
        .optional()
}

async fn find_look(mut c: &AsyncPgConnection, workspace: Uuid) -> QueryResult<Option<LookRow>> {
    workspace_settings::table.find(workspace).select(LookRow::as_select()).first(&mut c).await.optional()
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = workspace_settings, check_for_backend(diesel::pg::Pg))]
struct LookRow {
    brand_name: Option<String>,
    brand_logo_url: Option<String>,
    primary_color: Option<String>,
    default_locale: Option<String>,
}

impl LookRow {
    fn look(self) -> (Brand, Option<Locale>) {
        let brand = Brand { name: self.brand_name, logo_url: self.brand_logo_url, primary_color: self.primary_color };
        (brand, self.default_locale.map(Locale::from_stored))
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = waitlists, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(crate) struct WaitlistRow {
    id: Uuid,
    workspace_id: Uuid,
    slug: String,
    display_name: String,
    description: Option<String>,
    status: String,
    settings: Value,
    created_by: Option<String>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<&Waitlist> for WaitlistRow {
    fn from(waitlist: &Waitlist) -> Self {
        Self {
            id: waitlist.id.uuid(),
            workspace_id: waitlist.workspace_id.uuid(),
            slug: waitlist.slug.to_string(),
            display_name: waitlist.display_name.to_string(),
            description: waitlist.description.as_ref().map(ToString::to_string),
            status: waitlist.status.as_str().to_owned(),
            settings: Value::Object(waitlist.settings.to_document()),
            created_by: waitlist.created_by.as_ref().map(ToString::to_string),
            created_at: waitlist.created_at.instant(),
            updated_at: waitlist.updated_at.instant(),
        }
    }
}

impl WaitlistRow {
    pub(crate) fn is_of(&self, workspace: WorkspaceId) -> bool {
        self.workspace_id == workspace.uuid()
    }

    pub(crate) fn has_slug(&self, slug: &Slug) -> bool {
        self.slug == slug.as_str()
    }
}

impl TryFrom<WaitlistRow> for Waitlist {
    type Error = Fault;

    fn try_from(row: WaitlistRow) -> Result<Self, Fault> {
        let settings = Settings::from_document(&object(row.settings)?)
            .map_err(|errors| Fault::unexpected(format!("stored settings do not read back: {errors:?}")))?;
        Ok(Self {
            id: WaitlistId::new(row.id),
            workspace_id: WorkspaceId::new(row.workspace_id),
            slug: Slug::from_stored(row.slug),
            display_name: DisplayName::from_stored(row.display_name),
            description: row.description.map(Description::from_stored),
            status: WaitlistStatus::parse(&row.status).map_err(corrupt("waitlist status"))?,
            settings,
            created_by: row.created_by.map(Subject::from_stored),
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(row.updated_at),
        })
    }
}
