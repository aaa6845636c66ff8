//! [`AuditLog`] on PostgreSQL. Commands write their rows in their own transactions.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{self, BigInt, Bool, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::audit::{AuditActor, AuditActorKind, AuditFilter, AuditRecord, AuditRow, Audited};
use rally_domain::command::MintToken;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{AuditId, WorkspaceId};
use rally_domain::paging::{AuditKey, Limit, Page};
use rally_domain::port::AuditLog;
use rally_domain::timestamp::Timestamp;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{corrupt, object, to_bigint};
use crate::fault::query_fault;
use crate::schema::audit;
use crate::statement::statement;
use crate::{PgStore, transaction};

#[async_trait]
impl AuditLog for PgStore {
    async fn note_token(&self, command: MintToken) -> Result<(), Fault> {
        let outcome: Result<(), CommandError<Infallible>> = transaction!(self, |c| Ok(write(c, command.decide()).await?));
        Ok(outcome?)
    }

    async fn list(
        &self,
        workspace_id: Option<WorkspaceId>,
        filter: AuditFilter,
        after: Option<AuditKey>,
        limit: Limit,
    ) -> Result<Page<AuditRecord, AuditKey>, Fault> {
        let mut c = self.connection().await?;
        let mut query = audit::table
            .order((audit::at.desc(), audit::id.desc()))
            .limit(to_bigint(limit.rows() as u64 + 1))
            .select(RecordRow::as_select())
            .into_boxed();
        query = match workspace_id {
            Some(id) => query.filter(audit::workspace_id.eq(id.uuid())),
            None => query.filter(audit::workspace_id.is_null()),
        };
        // The first of these has an index. A function hides the columns of the others from theirs.
        let hidden = |column: &str| sql::<Bool>(&format!("coalesce(audit.{column}, '') = "));
        let (has_target, has_actor) = (filter.target.is_some(), filter.actor.is_some());
        if let Some(target) = filter.target {
            query = query.filter(audit::target_id.eq(target));
        }
        query = match filter.actor {
            Some(actor) if has_target => query.filter(hidden("actor_id").bind::<Text, _>(actor)),
            Some(actor) => query.filter(audit::actor_id.eq(actor)),
            None => query,
        };
        query = match filter.action {
            Some(action) if has_target || has_actor => query.filter(hidden("action").bind::<Text, _>(action.as_str())),
            Some(action) => query.filter(audit::action.eq(action.as_str())),
            None => query,
        };
        if let Some(key) = after {
            // The index needs a row comparison, and the DSL has none.
            query = query.filter(
                sql::<Bool>("(audit.at, audit.id) < (")
                    .bind::<Timestamptz, _>(key.at.instant())
                    .sql(", ")
                    .bind::<sql_types::Uuid, _>(key.id.uuid())
                    .sql(")"),
            );
        }
        let rows: Vec<RecordRow> = query.load(&mut c).await.map_err(query_fault)?;
        let records = rows.into_iter().map(AuditRecord::try_from).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::from_overfetch(records, limit, AuditRecord::key))
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let prune = PruneAudit { before: before.instant(), most: to_bigint(most as u64) };
        Ok(prune.execute(&mut self.connection().await?).await.map_err(query_fault)? as u64)
    }
}

statement! {
    /// Deletes about so many of the oldest rows. Those of the same instant are deleted together.
    PruneAudit {
        "DELETE FROM audit WHERE at AT TIME ZONE 'UTC' < "
        before: Timestamptz = OffsetDateTime, " AT TIME ZONE 'UTC' AND at AT TIME ZONE 'UTC' <= (SELECT max(oldest.at) FROM \
            (SELECT at AT TIME ZONE 'UTC' AS at FROM audit ORDER BY at AT TIME ZONE 'UTC' LIMIT "
        most: BigInt = i64, ") oldest)"
    }
}

/// Writes the rows of a command, and returns its plan.
pub(crate) async fn write<T>(c: &AsyncPgConnection, audited: Audited<T>) -> QueryResult<T> {
    let (plan, rows) = audited.into_parts();
    write_rows(c, rows.iter()).await?;
    Ok(plan)
}

/// Writes rows. If there are none, this takes no round trip.
pub(crate) async fn write_rows(mut c: &AsyncPgConnection, rows: impl Iterator<Item = &AuditRow>) -> QueryResult<()> {
    let rows: Vec<NewRow> = rows.map(NewRow::from).collect();
    if !rows.is_empty() {
        diesel::insert_into(audit::table).values(rows).execute(&mut c).await?;
    }
    Ok(())
}

/// A row without its id, which the database makes.
#[derive(Insertable)]
#[diesel(table_name = audit)]
struct NewRow {
    at: OffsetDateTime,
    workspace_id: Option<Uuid>,
    actor_kind: &'static str,
    actor_id: Option<String>,
    actor_name: Option<String>,
    request_id: Option<String>,
    action: String,
    target_id: Option<String>,
    changes: Value,
}

impl From<&AuditRow> for NewRow {
    fn from(row: &AuditRow) -> Self {
        Self {
            at: row.at.instant(),
            workspace_id: row.workspace_id.map(WorkspaceId::uuid),
            actor_kind: row.actor.kind.as_str(),
            actor_id: row.actor.id.clone(),
            actor_name: row.actor.name.clone(),
            request_id: row.actor.request_id.clone(),
            action: row.action.clone(),
            target_id: row.target_id.clone(),
            changes: Value::Object(row.changes.clone()),
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit, check_for_backend(diesel::pg::Pg))]
struct RecordRow {
    id: Uuid,
    at: OffsetDateTime,
    workspace_id: Option<Uuid>,
    actor_kind: String,
    actor_id: Option<String>,
    actor_name: Option<String>,
    request_id: Option<String>,
    action: String,
    target_id: Option<String>,
    changes: Value,
}

impl TryFrom<RecordRow> for AuditRecord {
    type Error = Fault;

    fn try_from(row: RecordRow) -> Result<Self, Fault> {
        let kind = AuditActorKind::parse(&row.actor_kind).map_err(corrupt("kind of actor"))?;
        Ok(Self {
            id: AuditId::new(row.id),
            row: AuditRow {
                at: Timestamp::new(row.at),
                workspace_id: row.workspace_id.map(WorkspaceId::new),
                actor: AuditActor { kind, id: row.actor_id, name: row.actor_name, request_id: row.request_id },
                action: row.action,
                target_id: row.target_id,
                changes: object(row.changes)?,
            },
        })
    }
}
