//! [`ReplyStore`] on PostgreSQL, and how a command stores its reply in the transaction of its effect.

use async_trait::async_trait;
use diesel::dsl::Find;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::access::{Receipt, RequestScope, StoredReply};
use rally_domain::error::Fault;
use rally_domain::port::ReplyStore;
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::PgStore;
use crate::convert::{digest, to_bigint};
use crate::fault::query_fault;
use crate::schema::stored_replies;
use crate::statement::statement;

#[async_trait]
impl ReplyStore for PgStore {
    async fn find(&self, scope: &RequestScope, since: Timestamp) -> Result<Option<StoredReply>, Fault> {
        let scope = scope.clone();
        let mut c = self.connection().await?;
        let query = of_scope(&scope).select((stored_replies::fingerprint, stored_replies::sealed, stored_replies::created_at));
        let row: Option<(Vec<u8>, Vec<u8>, OffsetDateTime)> = query.first(&mut c).await.optional().map_err(query_fault)?;
        // The statement does not compare the time, or the planner could use the index by time.
        let Some((fingerprint, sealed, created_at)) = row.filter(|(_, _, at)| *at >= since.instant()) else { return Ok(None) };
        Ok(Some(StoredReply { fingerprint: digest(fingerprint)?, sealed, created_at: Timestamp::new(created_at) }))
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let prune = Prune { before: before.instant(), most: to_bigint(most as u64) };
        prune.execute(&mut self.connection().await?).await.map(|rows| rows as u64).map_err(query_fault)
    }
}

statement! {
    /// Deletes about so many of the oldest replies from before an instant. Replies of the same instant are deleted together.
    Prune {
        "DELETE FROM stored_replies WHERE created_at < "
        before: Timestamptz = OffsetDateTime, " AND created_at <= (
            SELECT max(oldest.created_at) FROM (SELECT created_at FROM stored_replies ORDER BY created_at LIMIT "
        most: BigInt = i64, ") oldest
        )"
    }
}

/// Whether a reply is stored in the scope of a receipt, if there is a receipt. If another transaction stores one in the meantime,
/// the insert violates the key, and this transaction is retried.
pub(crate) async fn is_stored<T>(c: &mut AsyncPgConnection, receipt: Option<&Receipt<T>>) -> QueryResult<bool> {
    let Some(receipt) = receipt else { return Ok(false) };
    let there: Option<OffsetDateTime> = of_scope(&receipt.scope).select(stored_replies::created_at).first(c).await.optional()?;
    Ok(there.is_some_and(|at| at >= receipt.expired_before().instant()))
}

/// Stores the reply of an effect. It replaces a reply that has expired.
pub(crate) async fn insert<T>(c: &mut AsyncPgConnection, receipt: &Receipt<T>, effect: &T) -> QueryResult<()> {
    let (scope, reply) = (&receipt.scope, receipt.of(effect));
    let there: Option<OffsetDateTime> = of_scope(scope).select(stored_replies::created_at).first(c).await.optional()?;
    if there.is_some_and(|at| at < receipt.expired_before().instant()) {
        diesel::delete(of_scope(scope)).execute(c).await?;
    }
    let row = (
        stored_replies::workspace_id.eq(scope.workspace_id.uuid()),
        stored_replies::route.eq(scope.route.as_str()),
        stored_replies::key.eq(scope.key.as_str()),
        stored_replies::fingerprint.eq(reply.fingerprint.to_vec()),
        stored_replies::sealed.eq(reply.sealed),
        stored_replies::created_at.eq(reply.created_at.instant()),
    );
    diesel::insert_into(stored_replies::table).values(row).execute(c).await.map(|_| ())
}

type OfScope<'a> = Find<stored_replies::table, (Uuid, &'a str, &'a str)>;

fn of_scope(scope: &RequestScope) -> OfScope<'_> {
    stored_replies::table.find((scope.workspace_id.uuid(), scope.route.as_str(), scope.key.as_str()))
}
