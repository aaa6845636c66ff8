//! [`AuditLog`] on SQLite. Commands write their rows in their own transactions.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool};
use rally_domain::audit::{AuditActor, AuditActorKind, AuditFilter, AuditRecord, AuditRow, Audited};
use rally_domain::command::MintToken;
use rally_domain::error::Fault;
use rally_domain::id::{AuditId, WorkspaceId};
use rally_domain::paging::{AuditKey, Limit, Page};
use rally_domain::port::AuditLog;
use rally_domain::timestamp::Timestamp;
use serde_json::{Map, Value};

use crate::SqliteStore;
use crate::convert::{Blob, corrupt, instant, to_bigint};
use crate::fault::query_fault;
use crate::schema::audit;

#[async_trait]
impl AuditLog for SqliteStore {
    async fn note_token(&self, command: MintToken) -> Result<(), Fault> {
        Ok(self.database.write::<_, Infallible>(move |c| Ok(write(c, command.decide())?)).await?)
    }

    async fn list(
        &self,
        workspace_id: Option<WorkspaceId>,
        filter: AuditFilter,
        after: Option<AuditKey>,
        limit: Limit,
    ) -> Result<Page<AuditRecord, AuditKey>, Fault> {
        self.database
            .read(move |c| {
                let mut query = audit::table
                    .order((audit::at.desc(), audit::id.desc()))
                    .limit(to_bigint(limit.rows() as u64 + 1))
                    .select(RecordRow::as_select())
                    .into_boxed();
                query = match workspace_id {
                    Some(id) => query.filter(audit::workspace_id.eq(Blob(id.uuid()))),
                    None => query.filter(audit::workspace_id.is_null()),
                };
                if let Some(target) = filter.target {
                    query = query.filter(audit::target_id.eq(target));
                }
                if let Some(actor) = filter.actor {
                    query = query.filter(audit::actor_id.eq(actor));
                }
                if let Some(action) = filter.action {
                    query = query.filter(audit::action.eq(action.as_str()));
                }
                if let Some(key) = after {
                    // The index needs a row comparison, and the DSL has none.
                    query = query.filter(
                        sql::<Bool>("(audit.at, audit.id) < (")
                            .bind::<BigInt, _>(key.at.unix_millis())
                            .sql(", ")
                            .bind::<Binary, _>(Blob(key.id.uuid()))
                            .sql(")"),
                    );
                }
                let rows: Vec<RecordRow> = query.load(c).map_err(query_fault)?;
                let records = rows.into_iter().map(AuditRecord::try_from).collect::<Result<Vec<_>, _>>()?;
                Ok(Page::from_overfetch(records, limit, AuditRecord::key))
            })
            .await
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let pruned = self.database.write::<_, Infallible>(move |c| {
            let old = audit::table.filter(audit::at.lt(before.unix_millis())).order(audit::at).limit(to_bigint(most as u64));
            let old: Vec<Blob> = old.select(audit::id).load(c)?;
            Ok(diesel::delete(audit::table.filter(audit::id.eq_any(old))).execute(c)? as u64)
        });
        Ok(pruned.await?)
    }
}

/// Writes the rows of a command, and returns its plan.
pub(crate) fn write<T>(c: &mut SqliteConnection, audited: Audited<T>) -> QueryResult<T> {
    let (plan, rows) = audited.into_parts();
    write_rows(c, rows.iter())?;
    Ok(plan)
}

/// Writes rows.
pub(crate) fn write_rows<'a>(c: &mut SqliteConnection, mut rows: impl Iterator<Item = &'a AuditRow>) -> QueryResult<()> {
    rows.try_for_each(|row| {
        let row = RecordRow { id: new_id(c, row.at)?, ..RecordRow::from(row) };
        diesel::insert_into(audit::table).values(row).execute(c).map(|_| ())
    })
}

/// Makes a UUID of version 7 (RFC 9562, section 6.2, method 1): the time, a counter of 26 bits, and 48 random bits of the database. The
/// rows of one millisecond keep their order.
fn new_id(c: &mut SqliteConnection, at: Timestamp) -> QueryResult<Blob> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let random: Vec<u8> = diesel::select(sql::<Binary>("randomblob(6)")).get_result(c)?;
    let [high, middle, next, low] = (COUNTER.fetch_add(1, Ordering::Relaxed) << 6 >> 6).to_be_bytes();
    let mut bytes = [0; 10];
    // The version and the variant take the place of the bits between the parts of the counter.
    bytes[..2].copy_from_slice(&(u16::from_be_bytes([high, middle]) << 2 | u16::from(next >> 6)).to_be_bytes());
    (bytes[2], bytes[3]) = (next & 0x3f, low);
    bytes[4..].iter_mut().zip(random).for_each(|(byte, random)| *byte = random);
    Ok(Blob(uuid::Builder::from_unix_timestamp_millis(at.unix_millis().unsigned_abs(), &bytes).into_uuid()))
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = audit, check_for_backend(diesel::sqlite::Sqlite))]
struct RecordRow {
    id: Blob,
    at: i64,
    workspace_id: Option<Blob>,
    actor_kind: String,
    actor_id: Option<String>,
    actor_name: Option<String>,
    request_id: Option<String>,
    action: String,
    target_id: Option<String>,
    changes: String,
}

impl From<&AuditRow> for RecordRow {
    fn from(row: &AuditRow) -> Self {
        Self {
            id: Blob(uuid::Uuid::nil()),
            at: row.at.unix_millis(),
            workspace_id: row.workspace_id.map(|id| Blob(id.uuid())),
            actor_kind: row.actor.kind.as_str().to_owned(),
            actor_id: row.actor.id.clone(),
            actor_name: row.actor.name.clone(),
            request_id: row.actor.request_id.clone(),
            action: row.action.clone(),
            target_id: row.target_id.clone(),
            changes: Value::Object(row.changes.clone()).to_string(),
        }
    }
}

impl TryFrom<RecordRow> for AuditRecord {
    type Error = Fault;

    fn try_from(row: RecordRow) -> Result<Self, Fault> {
        let kind = AuditActorKind::parse(&row.actor_kind).map_err(corrupt("kind of actor"))?;
        let changes: Map<String, Value> = serde_json::from_str(&row.changes).map_err(Fault::unexpected)?;
        Ok(Self {
            id: AuditId::new(row.id.0),
            row: AuditRow {
                at: instant(row.at)?,
                workspace_id: row.workspace_id.map(|id| WorkspaceId::new(id.0)),
                actor: AuditActor { kind, id: row.actor_id, name: row.actor_name, request_id: row.request_id },
                action: row.action,
                target_id: row.target_id,
                changes,
            },
        })
    }
}
