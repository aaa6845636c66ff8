//! [`VariantStore`] on PostgreSQL.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::command::{CreateVariant, CreateVariantFacts, DeleteVariant, UpdateVariant, VariantFacts, VariantRejection};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{VariantId, WaitlistId, WorkspaceId};
use rally_domain::locale::Locale;
use rally_domain::port::VariantStore;
use rally_domain::timestamp::Timestamp;
use rally_domain::variant::{Variant, VariantCopy, VariantKind, Weight};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{corrupt, object};
use crate::fault::{Abort, query_fault};
use crate::schema::{variants, waitlists};
use crate::{PgStore, audit, transaction};

#[async_trait]
impl VariantStore for PgStore {
    async fn create(&self, command: CreateVariant) -> Result<Variant, CommandError<VariantRejection>> {
        transaction!(self, turn = command.waitlist_id.uuid(), |c| {
            let waitlist = waitlists::table.find(command.waitlist_id.uuid()).select(waitlists::workspace_id).for_key_share();
            let workspace_id = waitlist.first(c).await.optional()?.map(WorkspaceId::new);
            let audited = command.clone().decide(CreateVariantFacts { workspace_id }).map_err(Abort::Rejected)?;
            let variant = audit::write(c, audited).await?;
            diesel::insert_into(variants::table).values(VariantRow::from(&variant)).execute(c).await?;
            Ok(variant)
        })
    }

    async fn update(&self, command: UpdateVariant) -> Result<Variant, CommandError<VariantRejection>> {
        transaction!(self, turn = command.waitlist_id.uuid(), |c| {
            let current = lock(c, command.waitlist_id, command.id).await?;
            let updated = audit::write(c, command.decide(current).map_err(Abort::Rejected)?).await?;
            let row = VariantRow::from(&updated);
            diesel::update(variants::table.find(updated.id.uuid())).set(row).execute(c).await?;
            Ok(updated)
        })
    }

    async fn delete(&self, command: DeleteVariant) -> Result<bool, Fault> {
        let (waitlist_id, id) = (command.waitlist_id, command.id);
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, turn = waitlist_id.uuid(), |c| {
            let current = lock(c, waitlist_id, id).await?;
            if !audit::write(c, command.decide(current)).await? {
                return Ok(false);
            }
            let gone = (variants::deleted_at.eq(command.now.instant()), variants::active.eq(false));
            Ok(diesel::update(variants::table.find(id.uuid())).set(gone).execute(c).await? > 0)
        });
        Ok(outcome?)
    }

    async fn list(&self, waitlist_id: WaitlistId) -> Result<Vec<Variant>, Fault> {
        let mut c = self.connection().await?;
        list(&mut c, waitlist_id).await
    }
}

pub(crate) async fn list(c: &mut AsyncPgConnection, id: WaitlistId) -> Result<Vec<Variant>, Fault> {
    let query = variants::table
        .filter(variants::waitlist_id.eq(id.uuid()).and(variants::deleted_at.is_null()))
        .order((variants::created_at, variants::id))
        .select(VariantRow::as_select());
    let rows: Vec<VariantRow> = query.load(c).await.map_err(query_fault)?;
    rows.into_iter().map(Variant::try_from).collect()
}

/// Takes the variants of a list away, and writes others.
pub(crate) async fn replace(c: &mut AsyncPgConnection, list: WaitlistId, now: Timestamp, new: &[Variant]) -> QueryResult<()> {
    let there = variants::table.filter(variants::waitlist_id.eq(list.uuid()).and(variants::deleted_at.is_null()));
    let gone = (variants::deleted_at.eq(now.instant()), variants::active.eq(false));
    diesel::update(there).set(gone).execute(c).await?;
    add(c, new).await
}

/// Writes variants.
pub(crate) async fn add(c: &mut AsyncPgConnection, new: &[Variant]) -> QueryResult<()> {
    for variant in new {
        diesel::insert_into(variants::table).values(VariantRow::from(variant)).execute(c).await?;
    }
    Ok(())
}

async fn lock<R>(c: &mut AsyncPgConnection, waitlist_id: WaitlistId, id: VariantId) -> Result<Option<VariantFacts>, Abort<R>> {
    let query = variants::table.find(id.uuid()).select((VariantRow::as_select(), variants::deleted_at.is_null()));
    let here = |row: Option<(VariantRow, bool)>| -> Result<Option<Variant>, Abort<R>> {
        let variant = row.filter(|(_, there)| *there).map(|(row, _)| Variant::try_from(row)).transpose()?;
        Ok(variant.filter(|variant| variant.waitlist_id == waitlist_id))
    };
    // This comes first: a command must not lock a variant of another list.
    if here(query.first(c).await.optional()?)?.is_none() {
        return Ok(None);
    }
    let Some(variant) = here(query.for_update().first(c).await.optional()?)? else { return Ok(None) };
    let waitlist = waitlists::table.find(waitlist_id.uuid()).select(waitlists::workspace_id);
    let workspace_id = waitlist.first(c).await.optional()?.map(WorkspaceId::new);
    Ok(workspace_id.map(|workspace_id| VariantFacts { variant, workspace_id }))
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = variants, check_for_backend(diesel::pg::Pg))]
pub(crate) struct VariantRow {
    id: Uuid,
    waitlist_id: Uuid,
    kind: String,
    locale: String,
    copy: Value,
    weight: i16,
    active: bool,
    created_at: OffsetDateTime,
}

impl From<&Variant> for VariantRow {
    fn from(variant: &Variant) -> Self {
        Self {
            id: variant.id.uuid(),
            waitlist_id: variant.waitlist_id.uuid(),
            kind: variant.kind.as_str().to_owned(),
            locale: variant.locale.to_string(),
            copy: Value::Object(variant.copy.to_document()),
            weight: i16::from(variant.weight.number()),
            active: variant.active,
            created_at: variant.created_at.instant(),
        }
    }
}

impl TryFrom<VariantRow> for Variant {
    type Error = Fault;

    fn try_from(row: VariantRow) -> Result<Self, Fault> {
        Ok(Self {
            id: VariantId::new(row.id),
            waitlist_id: WaitlistId::new(row.waitlist_id),
            kind: VariantKind::parse(&row.kind).map_err(corrupt("variant kind"))?,
            locale: Locale::from_stored(row.locale),
            copy: VariantCopy::parse(object(row.copy)?)
                .map_err(|errors| Fault::unexpected(format!("stored copy does not read back: {errors:?}")))?,
            weight: Weight::new(u64::from(row.weight.unsigned_abs())).map_err(corrupt("weight"))?,
            active: row.active,
            created_at: Timestamp::new(row.created_at),
        })
    }
}
