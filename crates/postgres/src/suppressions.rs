//! [`SuppressionStore`] on PostgreSQL.

use std::collections::HashSet;
use std::convert::Infallible;

use async_trait::async_trait;
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::{self, Array, Bool, Bytea, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::command::{
    LiftSuppression, Suppress, SuppressFacts, SuppressRejection, Unsubscribe, UnsubscribePlan, UnsubscribeRejection,
};
use rally_domain::email::Email;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{SuppressionId, WaitlistId, WorkspaceId};
use rally_domain::paging::{Limit, Page, SuppressionKey};
use rally_domain::port::SuppressionStore;
use rally_domain::secret::{AddressHash, StoreSecret};
use rally_domain::suppression::{Suppression, SuppressionReason};
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{corrupt, digest, to_bigint};
use crate::fault::{Abort, query_fault};
use crate::schema::{suppressions, workspaces};
use crate::statement::statement;
use crate::{PgStore, audit, entries, events, transaction};

#[async_trait]
impl SuppressionStore for PgStore {
    async fn suppress(&self, command: Suppress) -> Result<Suppression, CommandError<SuppressRejection>> {
        transaction!(self, turn = command.workspace_id.uuid(), |c| {
            let workspace = workspaces::table.find(command.workspace_id.uuid()).select(workspaces::id).for_key_share();
            let facts = SuppressFacts { workspace_exists: workspace.first::<Uuid>(c).await.optional()?.is_some() };
            let suppression = command.clone().decide(facts).map_err(Abort::Rejected)?;
            let row = SuppressionRow::from(&suppression);
            let key = (suppressions::workspace_id, suppressions::address, suppressions::reason);
            let insert = diesel::insert_into(suppressions::table).values(row).on_conflict(key);
            // The update changes nothing. It locks the row that is there, and returns it.
            let unchanged = insert.do_update().set(suppressions::reason.eq(suppression.reason.as_str()));
            let kept: SuppressionRow = unchanged.returning(SuppressionRow::as_returning()).get_result(c).await?;
            Ok(audit::write(c, Suppress::kept(&command.actor, command.id, kept.try_into()?)).await?)
        })
    }

    async fn unsubscribe(&self, command: Unsubscribe) -> Result<(), CommandError<UnsubscribeRejection>> {
        transaction!(self, turn = command.waitlist_id.uuid(), |c| {
            let current = entries::lock_entry(c, command.waitlist_id, command.entry_id).await?;
            let UnsubscribePlan { suppression, event } = command.decide(current).map_err(Abort::Rejected)?;
            if write(c, &suppression).await? > 0 {
                events::write(c, &event).await?;
            }
            Ok(())
        })
    }

    async fn lift(&self, command: LiftSuppression) -> Result<bool, Fault> {
        let (workspace_id, id) = (command.workspace_id, command.id);
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, turn = workspace_id.uuid(), |c| {
            // The workspace of a suppression never changes.
            let owner: Option<Uuid> = suppressions::table.find(id.uuid()).select(suppressions::workspace_id).first(c).await.optional()?;
            let is_mine = owner == Some(workspace_id.uuid()) && workspace_exists(c, workspace_id).await?;
            let query = suppressions::table.find(id.uuid()).select(SuppressionRow::as_select()).for_update();
            let row: Option<SuppressionRow> = if is_mine { query.first(c).await.optional()? } else { None };
            let current = row.map(Suppression::try_from).transpose()?;
            Ok(audit::write(c, command.decide(current.as_ref())).await? && delete(c, id.uuid()).await?)
        });
        Ok(outcome?)
    }

    async fn lift_reason(&self, workspace_id: WorkspaceId, address: AddressHash, reason: SuppressionReason) -> Result<bool, Fault> {
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, turn = workspace_id.uuid(), |c| {
            let rows = of_address(c, workspace_id, address).await?;
            match rows.into_iter().find(|row| row.reason == reason.as_str()) {
                Some(row) => Ok(delete(c, row.id).await?),
                None => Ok(false),
            }
        });
        Ok(outcome?)
    }

    async fn find(&self, workspace_id: WorkspaceId, address: AddressHash) -> Result<Vec<Suppression>, Fault> {
        let mut c = self.connection().await?;
        let mut rows = of_address(&mut c, workspace_id, address).await.map_err(query_fault)?;
        rows.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id)));
        rows.into_iter().map(Suppression::try_from).collect()
    }

    async fn list(
        &self,
        workspace_id: WorkspaceId,
        after: Option<SuppressionKey>,
        limit: Limit,
    ) -> Result<Page<Suppression, SuppressionKey>, Fault> {
        let mut c = self.connection().await?;
        let mut query = suppressions::table
            .filter(suppressions::workspace_id.eq(workspace_id.uuid()))
            .filter(exists(workspaces::table.find(workspace_id.uuid())))
            .order((suppressions::created_at.desc(), suppressions::id.desc()))
            .limit(to_bigint(limit.rows() as u64 + 1))
            .select(SuppressionRow::as_select())
            .into_boxed();
        if let Some(key) = after {
            // The index needs a row comparison, and the DSL has none.
            query = query.filter(
                sql::<Bool>("(suppressions.created_at, suppressions.id) < (")
                    .bind::<Timestamptz, _>(key.created_at.instant())
                    .sql(", ")
                    .bind::<sql_types::Uuid, _>(key.id.uuid())
                    .sql(")"),
            );
        }
        let rows: Vec<SuppressionRow> = query.load(&mut c).await.map_err(query_fault)?;
        let suppressions = rows.into_iter().map(Suppression::try_from).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::from_overfetch(suppressions, limit, |last| SuppressionKey { created_at: last.created_at, id: last.id }))
    }
}

/// Writes a suppression in the transaction of its cause. One of the same address and reason stays as it is.
pub(crate) async fn write(c: &mut AsyncPgConnection, suppression: &Suppression) -> QueryResult<usize> {
    let insert = diesel::insert_into(suppressions::table).values(SuppressionRow::from(suppression));
    insert.on_conflict_do_nothing().execute(c).await
}

statement! {
    /// Takes the masked address out of the suppressions of an address.
    Unmask {
        "UPDATE suppressions s SET masked_email = NULL FROM (
            SELECT id FROM suppressions WHERE workspace_id = "
        workspace: sql_types::Uuid = Uuid, " AND address = "
        address: Bytea = Vec<u8>, " ORDER BY workspace_id, address, reason OFFSET 0
        ) shown WHERE s.id = shown.id"
    }
}

/// Writes the suppression of an erased entry. No suppression shows the address any more.
pub(crate) async fn write_erased(c: &mut AsyncPgConnection, suppression: &Suppression) -> QueryResult<usize> {
    write(c, suppression).await?;
    let unmask = Unmask { workspace: suppression.workspace_id.uuid(), address: suppression.address.bytes().to_vec() };
    unmask.execute(c).await
}

statement! {
    /// Finds which people were erased in the workspace of a list. `sign_up::KnownAddresses` does the same for sign-ups.
    Erased {
        "SELECT asked.email FROM unnest("
        emails: Array<Text> = Vec<String>, ", "
        addresses: Array<Bytea> = Vec<Vec<u8>>, ") AS asked (email, address)
        CROSS JOIN LATERAL (SELECT workspace_id FROM waitlists WHERE id = "
        list: sql_types::Uuid = Uuid, " ORDER BY id LIMIT 1) w
        CROSS JOIN LATERAL (
            SELECT id FROM suppressions WHERE workspace_id = w.workspace_id AND address = asked.address AND reason = 'erased'
            ORDER BY workspace_id, address, reason LIMIT 1
        ) s"
    }
}

/// An address of somebody who was erased.
#[derive(QueryableByName)]
struct ErasedRow {
    #[diesel(sql_type = Text)]
    email: String,
}

/// Returns those of some addresses whose people were erased in the workspace of a list.
pub(crate) async fn erased_addresses<'a>(
    mut c: &AsyncPgConnection,
    list: WaitlistId,
    secret: &StoreSecret,
    emails: impl Iterator<Item = &'a Email> + Clone,
) -> QueryResult<HashSet<Email>> {
    let find = Erased {
        emails: emails.clone().map(ToString::to_string).collect(),
        addresses: emails.map(|email| secret.hash_address(email).bytes().to_vec()).collect(),
        list: list.uuid(),
    };
    let rows: Vec<ErasedRow> = find.load(&mut c).await?;
    Ok(rows.into_iter().map(|row| Email::from_stored(row.email)).collect())
}

statement! {
    /// Lifts some suppressions.
    Lift {
        "DELETE FROM suppressions s USING unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS lifted (id) WHERE s.id = lifted.id"
    }
}

/// Lifts suppressions in the transaction of its cause.
pub(crate) async fn lift(mut c: &AsyncPgConnection, ids: Vec<Uuid>) -> QueryResult<usize> {
    if ids.is_empty() {
        return Ok(0);
    }
    Lift { ids }.execute(&mut c).await
}

/// The suppressions of an address. Those of a deleted workspace are left out, though they are purged later.
async fn of_address(c: &mut AsyncPgConnection, workspace_id: WorkspaceId, address: AddressHash) -> QueryResult<Vec<SuppressionRow>> {
    suppressions::table
        .filter(suppressions::workspace_id.eq(workspace_id.uuid()).and(suppressions::address.eq(address.bytes().as_slice())))
        .filter(exists(workspaces::table.find(workspace_id.uuid())))
        // Only the index of addresses has this order, so the planner takes it.
        .order((suppressions::address, suppressions::reason))
        .select(SuppressionRow::as_select())
        .load(c)
        .await
}

async fn workspace_exists(c: &mut AsyncPgConnection, id: WorkspaceId) -> QueryResult<bool> {
    diesel::select(exists(workspaces::table.find(id.uuid()))).get_result(c).await
}

/// Deletes a suppression, and returns whether it was there.
async fn delete(c: &mut AsyncPgConnection, id: Uuid) -> QueryResult<bool> {
    Ok(diesel::delete(suppressions::table.find(id)).execute(c).await? > 0)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = suppressions, check_for_backend(diesel::pg::Pg))]
struct SuppressionRow {
    id: Uuid,
    workspace_id: Uuid,
    address: Vec<u8>,
    masked_email: Option<String>,
    reason: String,
    created_at: OffsetDateTime,
}

impl From<&Suppression> for SuppressionRow {
    fn from(suppression: &Suppression) -> Self {
        Self {
            id: suppression.id.uuid(),
            workspace_id: suppression.workspace_id.uuid(),
            address: suppression.address.bytes().to_vec(),
            masked_email: suppression.masked_email.clone(),
            reason: suppression.reason.as_str().to_owned(),
            created_at: suppression.created_at.instant(),
        }
    }
}

impl TryFrom<SuppressionRow> for Suppression {
    type Error = Fault;

    fn try_from(row: SuppressionRow) -> Result<Self, Fault> {
        Ok(Self {
            id: SuppressionId::new(row.id),
            workspace_id: WorkspaceId::new(row.workspace_id),
            address: AddressHash::new(digest(row.address)?),
            masked_email: row.masked_email,
            reason: SuppressionReason::parse(&row.reason).map_err(corrupt("reason of a suppression"))?,
            created_at: Timestamp::new(row.created_at),
        })
    }
}
