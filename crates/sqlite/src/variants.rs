//! [`VariantStore`] on SQLite.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use rally_domain::command::{CreateVariant, CreateVariantFacts, DeleteVariant, UpdateVariant, VariantFacts, VariantRejection};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{VariantId, WaitlistId, WorkspaceId};
use rally_domain::locale::Locale;
use rally_domain::port::VariantStore;
use rally_domain::timestamp::Timestamp;
use rally_domain::variant::{Variant, VariantCopy, VariantKind, Weight};
use serde_json::Value;

use crate::convert::{Blob, corrupt, instant, object};
use crate::fault::{Abort, query_fault};
use crate::schema::{variants, waitlists};
use crate::{SqliteStore, audit};

#[async_trait]
impl VariantStore for SqliteStore {
    async fn create(&self, command: CreateVariant) -> Result<Variant, CommandError<VariantRejection>> {
        self.database
            .write(move |c| {
                let workspace_id = workspace_of(c, command.waitlist_id)?;
                let audited = command.decide(CreateVariantFacts { workspace_id }).map_err(Abort::Rejected)?;
                let variant = audit::write(c, audited)?;
                diesel::insert_into(variants::table).values(VariantRow::from(&variant)).execute(c)?;
                Ok(variant)
            })
            .await
    }

    async fn update(&self, command: UpdateVariant) -> Result<Variant, CommandError<VariantRejection>> {
        self.database
            .write(move |c| {
                let current = load(c, command.waitlist_id, command.id)?;
                let updated = audit::write(c, command.decide(current).map_err(Abort::Rejected)?)?;
                let row = VariantRow::from(&updated);
                diesel::update(variants::table.find(Blob(updated.id.uuid()))).set(row).execute(c)?;
                Ok(updated)
            })
            .await
    }

    async fn delete(&self, command: DeleteVariant) -> Result<bool, Fault> {
        let (waitlist_id, id) = (command.waitlist_id, command.id);
        let done = self.database.write::<_, Infallible>(move |c| {
            let current = load(c, waitlist_id, id)?;
            if !audit::write(c, command.decide(current))? {
                return Ok(false);
            }
            let gone = (variants::deleted_at.eq(command.now.unix_millis()), variants::active.eq(false));
            Ok(diesel::update(variants::table.find(Blob(id.uuid()))).set(gone).execute(c)? > 0)
        });
        Ok(done.await?)
    }

    async fn list(&self, waitlist_id: WaitlistId) -> Result<Vec<Variant>, Fault> {
        self.database.read(move |c| list(c, waitlist_id)).await
    }
}

/// Takes the variants of a list away, and writes others.
pub(crate) fn replace(c: &mut SqliteConnection, list: WaitlistId, now: Timestamp, new: &[Variant]) -> QueryResult<()> {
    let there = variants::table.filter(variants::waitlist_id.eq(Blob(list.uuid())).and(variants::deleted_at.is_null()));
    let gone = (variants::deleted_at.eq(now.unix_millis()), variants::active.eq(false));
    diesel::update(there).set(gone).execute(c)?;
    add(c, new)
}

/// Writes variants.
pub(crate) fn add(c: &mut SqliteConnection, new: &[Variant]) -> QueryResult<()> {
    new.iter().try_for_each(|variant| diesel::insert_into(variants::table).values(VariantRow::from(variant)).execute(c).map(|_| ()))
}

pub(crate) fn list(c: &mut SqliteConnection, id: WaitlistId) -> Result<Vec<Variant>, Fault> {
    let query = variants::table
        .filter(variants::waitlist_id.eq(Blob(id.uuid())).and(variants::deleted_at.is_null()))
        .order((variants::created_at, variants::id))
        .select(VariantRow::as_select());
    let rows: Vec<VariantRow> = query.load(c).map_err(query_fault)?;
    rows.into_iter().map(Variant::try_from).collect()
}

fn workspace_of(c: &mut SqliteConnection, id: WaitlistId) -> QueryResult<Option<WorkspaceId>> {
    let workspace: Option<Blob> = waitlists::table.find(Blob(id.uuid())).select(waitlists::workspace_id).first(c).optional()?;
    Ok(workspace.map(|id| WorkspaceId::new(id.0)))
}

fn load<R>(c: &mut SqliteConnection, waitlist_id: WaitlistId, id: VariantId) -> Result<Option<VariantFacts>, Abort<R>> {
    let query = variants::table
        .find(Blob(id.uuid()))
        .filter(variants::waitlist_id.eq(Blob(waitlist_id.uuid())).and(variants::deleted_at.is_null()))
        .select(VariantRow::as_select());
    let row: Option<VariantRow> = query.first(c).optional()?;
    let found = row.zip(workspace_of(c, waitlist_id)?);
    Ok(found.map(|(row, workspace_id)| Ok::<_, Fault>(VariantFacts { variant: row.try_into()?, workspace_id })).transpose()?)
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = variants, check_for_backend(diesel::sqlite::Sqlite))]
pub(crate) struct VariantRow {
    id: Blob,
    waitlist_id: Blob,
    kind: String,
    locale: String,
    copy: String,
    weight: i32,
    active: bool,
    created_at: i64,
}

impl From<&Variant> for VariantRow {
    fn from(variant: &Variant) -> Self {
        Self {
            id: variant.id.uuid().into(),
            waitlist_id: variant.waitlist_id.uuid().into(),
            kind: variant.kind.as_str().to_owned(),
            locale: variant.locale.to_string(),
            copy: Value::Object(variant.copy.to_document()).to_string(),
            weight: i32::from(variant.weight.number()),
            active: variant.active,
            created_at: variant.created_at.unix_millis(),
        }
    }
}

impl TryFrom<VariantRow> for Variant {
    type Error = Fault;

    fn try_from(row: VariantRow) -> Result<Self, Fault> {
        Ok(Self {
            id: VariantId::new(row.id.0),
            waitlist_id: WaitlistId::new(row.waitlist_id.0),
            kind: VariantKind::parse(&row.kind).map_err(corrupt("variant kind"))?,
            locale: Locale::from_stored(row.locale),
            copy: VariantCopy::parse(object(&row.copy)?)
                .map_err(|errors| Fault::unexpected(format!("stored copy does not read back: {errors:?}")))?,
            weight: Weight::new(u64::from(row.weight.unsigned_abs())).map_err(corrupt("weight"))?,
            active: row.active,
            created_at: instant(row.created_at)?,
        })
    }
}
