//! [`WaitlistStore`] on SQLite.

use std::convert::Infallible;
use std::sync::Arc;

use async_trait::async_trait;
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
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
use rally_domain::waitlist::{PublicWaitlist, Waitlist, WaitlistStatus};
use rally_domain::workspace::Brand;
use serde_json::Value;

use crate::convert::{Blob, corrupt, instant, object, to_bigint};
use crate::fault::{Abort, query_fault};
use crate::schema::{retired_slugs, variants as variant_rows, waitlist_totals, waitlists, workspace_settings, workspaces};
use crate::variants::VariantRow;
use crate::{SqliteStore, audit, events, export, imports, purges, replies, variants};

#[async_trait]
impl WaitlistStore for SqliteStore {
    async fn create(
        &self,
        command: CreateWaitlist,
        receipt: Option<Receipt<Waitlist>>,
    ) -> Result<Waitlist, CommandError<CreateWaitlistRejection>> {
        self.database
            .write(move |c| {
                let facts = load_facts(c, &command, receipt.as_ref())?;
                let audited = command.decide(facts).map_err(Abort::Rejected)?;
                let CreateWaitlistPlan { waitlist, control } = audit::write(c, audited)?;
                if let Some(receipt) = &receipt {
                    replies::insert(c, receipt, &waitlist)?;
                }
                insert_waitlist(c, &waitlist)?;
                diesel::insert_into(variant_rows::table).values(VariantRow::from(&control)).execute(c)?;
                Ok(waitlist)
            })
            .await
    }

    async fn update(&self, command: UpdateWaitlist) -> Result<Waitlist, CommandError<UpdateWaitlistRejection>> {
        self.database
            .write(move |c| {
                let current = load(c, command.workspace_id, command.id)?;
                let updated = audit::write(c, command.decide(current).map_err(Abort::Rejected)?)?;
                write(c, &updated)?;
                Ok(updated)
            })
            .await
    }

    async fn change_status(&self, command: ChangeWaitlistStatus) -> Result<Waitlist, CommandError<ChangeWaitlistStatusRejection>> {
        self.database
            .write(move |c| {
                let current = load(c, command.workspace_id, command.id)?;
                match audit::write(c, command.decide(current).map_err(Abort::Rejected)?)? {
                    StatusChange::None(waitlist) => Ok(waitlist),
                    StatusChange::To { waitlist, event } => {
                        write(c, &waitlist)?;
                        events::write(c, &event)?;
                        Ok(waitlist)
                    }
                }
            })
            .await
    }

    async fn delete(&self, command: DeleteWaitlist) -> Result<bool, Fault> {
        let (workspace_id, id) = (command.workspace_id, command.id);
        let deleted = self.database.write::<_, Infallible>(move |c| {
            let audited = command.decide(load(c, workspace_id, id)?);
            if audit::write(c, audited)?.is_none() {
                return Ok(false);
            }
            diesel::delete(waitlists::table.find(Blob(id.uuid()))).execute(c)?;
            purges::begin(c, purges::WAITLIST, Blob(id.uuid()))?;
            Ok(true)
        });
        Ok(deleted.await?)
    }

    async fn export(&self, waitlist_id: WaitlistId) -> Result<LineStream, Fault> {
        Ok(export::start_lines(self, waitlist_id))
    }

    async fn find(&self, workspace_id: WorkspaceId, id: WaitlistId) -> Result<Option<Waitlist>, Fault> {
        self.database
            .read(move |c| {
                let query = waitlists::table.find(Blob(id.uuid())).filter(waitlists::workspace_id.eq(Blob(workspace_id.uuid())));
                let row = query.select(WaitlistRow::as_select()).first(c).optional().map_err(query_fault)?;
                row.map(Waitlist::try_from).transpose()
            })
            .await
    }

    async fn list(
        &self,
        workspace_id: WorkspaceId,
        status: Option<WaitlistStatus>,
        after: Option<WaitlistKey>,
        limit: Limit,
    ) -> Result<Page<Waitlist, WaitlistKey>, Fault> {
        self.database
            .read(move |c| {
                let mut query = waitlists::table
                    .filter(waitlists::workspace_id.eq(Blob(workspace_id.uuid())))
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
                            .bind::<diesel::sql_types::BigInt, _>(key.created_at.unix_millis())
                            .sql(", ")
                            .bind::<diesel::sql_types::Binary, _>(Blob(key.id.uuid()))
                            .sql(")"),
                    );
                }
                let rows: Vec<WaitlistRow> = query.load(c).map_err(query_fault)?;
                let waitlists = rows.into_iter().map(Waitlist::try_from).collect::<Result<Vec<_>, _>>()?;
                Ok(Page::from_overfetch(waitlists, limit, |last| WaitlistKey { created_at: last.created_at, id: last.id }))
            })
            .await
    }

    async fn find_public(&self, workspace_slug: &Slug, slug: &Slug) -> Result<Option<Arc<PublicWaitlist>>, Fault> {
        let (workspace_slug, slug) = (workspace_slug.clone(), slug.clone());
        self.database
            .read(move |c| {
                let Some((workspace, current_slug)) = resolve_workspace(c, &workspace_slug).map_err(query_fault)? else {
                    return Ok(None);
                };
                let Some((row, look)) = find_with_look(c, workspace, &slug).map_err(query_fault)? else {
                    return Ok(None);
                };
                let (brand, locale) = look.map(LookRow::look).unwrap_or_default();
                let default_locale = locale.unwrap_or_else(Locale::english);
                let waitlist = Waitlist::try_from(row)?;
                let variants = variants::list(c, waitlist.id)?;
                let has_old_codes = imports::has_old_codes(c, waitlist.id).map_err(query_fault)?;
                Ok(Some(Arc::new(PublicWaitlist {
                    waitlist,
                    workspace_slug: Slug::from_stored(current_slug),
                    brand,
                    default_locale,
                    variants,
                    has_old_codes,
                })))
            })
            .await
    }
}

fn load_facts(c: &mut SqliteConnection, command: &CreateWaitlist, receipt: Option<&Receipt<Waitlist>>) -> QueryResult<CreateWaitlistFacts> {
    let workspace = Blob(command.workspace_id.uuid());
    let same_slug = waitlists::workspace_id.eq(workspace).and(waitlists::slug.eq(command.slug.as_str()));
    Ok(CreateWaitlistFacts {
        workspace_exists: diesel::select(exists(workspaces::table.find(workspace))).get_result(c)?,
        already_done: replies::is_stored(c, receipt)?,
        slug_taken: diesel::select(exists(waitlists::table.filter(same_slug))).get_result(c)?,
    })
}

fn insert_waitlist(c: &mut SqliteConnection, waitlist: &Waitlist) -> QueryResult<()> {
    diesel::insert_into(waitlists::table).values(WaitlistRow::from(waitlist)).execute(c)?;
    let totals = waitlist_totals::waitlist_id.eq(Blob(waitlist.id.uuid()));
    diesel::insert_into(waitlist_totals::table).values(totals).execute(c).map(|_| ())
}

fn load<R>(c: &mut SqliteConnection, workspace_id: WorkspaceId, id: WaitlistId) -> Result<Option<Waitlist>, Abort<R>> {
    let query = waitlists::table.find(Blob(id.uuid())).filter(waitlists::workspace_id.eq(Blob(workspace_id.uuid())));
    let row = query.select(WaitlistRow::as_select()).first(c).optional()?;
    Ok(row.map(Waitlist::try_from).transpose()?)
}

/// Writes a waitlist over what was there.
pub(crate) fn write(c: &mut SqliteConnection, waitlist: &Waitlist) -> QueryResult<usize> {
    diesel::update(waitlists::table.find(Blob(waitlist.id.uuid()))).set(WaitlistRow::from(waitlist)).execute(c)
}

/// The workspace that has a slug, or else the last one that had it.
fn resolve_workspace(c: &mut SqliteConnection, slug: &Slug) -> QueryResult<Option<(Blob, String)>> {
    let current = workspaces::table.filter(workspaces::slug.eq(slug.as_str())).select((workspaces::id, workspaces::slug));
    if let Some(found) = current.first(c).optional()? {
        return Ok(Some(found));
    }
    retired_slugs::table
        .inner_join(workspaces::table.on(workspaces::id.eq(retired_slugs::workspace_id)))
        .filter(retired_slugs::slug.eq(slug.as_str()))
        .select((workspaces::id, workspaces::slug))
        .first(c)
        .optional()
}

fn find_with_look(c: &mut SqliteConnection, workspace: Blob, slug: &Slug) -> QueryResult<Option<(WaitlistRow, Option<LookRow>)>> {
    waitlists::table
        .left_join(workspace_settings::table.on(workspace_settings::workspace_id.eq(waitlists::workspace_id)))
        .filter(waitlists::workspace_id.eq(workspace).and(waitlists::slug.eq(slug.as_str())))
        .select((WaitlistRow::as_select(), Option::<LookRow>::as_select()))
        .first(c)
        .optional()
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = workspace_settings, check_for_backend(diesel::sqlite::Sqlite))]
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
#[diesel(table_name = waitlists, check_for_backend(diesel::sqlite::Sqlite), treat_none_as_null = true)]
pub(crate) struct WaitlistRow {
    id: Blob,
    workspace_id: Blob,
    slug: String,
    display_name: String,
    description: Option<String>,
    status: String,
    settings: String,
    created_by: Option<String>,
    created_at: i64,
    updated_at: i64,
}

impl From<&Waitlist> for WaitlistRow {
    fn from(waitlist: &Waitlist) -> Self {
        Self {
            id: waitlist.id.uuid().into(),
            workspace_id: waitlist.workspace_id.uuid().into(),
            slug: waitlist.slug.to_string(),
            display_name: waitlist.display_name.to_string(),
            description: waitlist.description.as_ref().map(ToString::to_string),
            status: waitlist.status.as_str().to_owned(),
            settings: Value::Object(waitlist.settings.to_document()).to_string(),
            created_by: waitlist.created_by.as_ref().map(ToString::to_string),
            created_at: waitlist.created_at.unix_millis(),
            updated_at: waitlist.updated_at.unix_millis(),
        }
    }
}

impl TryFrom<WaitlistRow> for Waitlist {
    type Error = Fault;

    fn try_from(row: WaitlistRow) -> Result<Self, Fault> {
        let settings = Settings::from_document(&object(&row.settings)?)
            .map_err(|errors| Fault::unexpected(format!("stored settings do not read back: {errors:?}")))?;
        Ok(Self {
            id: WaitlistId::new(row.id.0),
            workspace_id: WorkspaceId::new(row.workspace_id.0),
            slug: Slug::from_stored(row.slug),
            display_name: DisplayName::from_stored(row.display_name),
            description: row.description.map(Description::from_stored),
            status: WaitlistStatus::parse(&row.status).map_err(corrupt("waitlist status"))?,
            settings,
            created_by: row.created_by.map(Subject::from_stored),
            created_at: instant(row.created_at)?,
            updated_at: instant(row.updated_at)?,
        })
    }
}
