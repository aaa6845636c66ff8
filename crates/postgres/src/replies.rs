//! [`ReplyStore`] on PostgreSQL, and the reply that a command stores with its effect.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::access::{Receipt, RequestScope, StoredReply};
use rally_domain::error::{CommandError, Fault};
use rally_domain::ports::ReplyStore;
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;

use crate::fault::query_fault;
use crate::rows::digest;
use crate::schema::stored_replies;
use crate::{PgStore, transaction};

#[async_trait]
impl ReplyStore for PgStore {
    async fn find(&self, scope: &RequestScope, since: Timestamp) -> Result<Option<StoredReply>, Fault> {
        let scope = scope.clone();
        let mut c = self.connection().await?;
        let query = stored_replies::table
            .find((scope.workspace_id.uuid(), scope.route.as_str(), scope.key.as_str()))
            .filter(stored_replies::created_at.ge(since.instant()))
            .select((stored_replies::fingerprint, stored_replies::sealed, stored_replies::created_at));
        let row: Option<(Vec<u8>, Vec<u8>, OffsetDateTime)> = query.first(&mut c).await.optional().map_err(query_fault)?;
        let Some((fingerprint, sealed, created_at)) = row else { return Ok(None) };
        Ok(Some(StoredReply { fingerprint: digest(fingerprint)?, sealed, created_at: Timestamp::new(created_at) }))
    }

    async fn prune(&self, before: Timestamp) -> Result<u64, Fault> {
        let outcome: Result<u64, CommandError<Infallible>> = transaction!(self, |c| {
            let old = stored_replies::table.filter(stored_replies::created_at.lt(before.instant()));
            Ok(diesel::delete(old).execute(c).await? as u64)
        });
        Ok(outcome?)
    }
}

/// Stores the reply of an effect; tells whether it did, or another request with the same key was there first. Waits for
/// one that is still running.
pub(crate) async fn insert<T>(c: &mut AsyncPgConnection, receipt: &Receipt<T>, effect: &T) -> QueryResult<bool> {
    let (scope, reply) = (&receipt.scope, receipt.of(effect));
    let mine = || stored_replies::table.find((scope.workspace_id.uuid(), scope.route.as_str(), scope.key.as_str()));
    let expired = mine().filter(stored_replies::created_at.lt(receipt.expired_before().instant()));
    diesel::delete(expired).execute(c).await?;
    let row = (
        stored_replies::workspace_id.eq(scope.workspace_id.uuid()),
        stored_replies::route.eq(scope.route.as_str()),
        stored_replies::key.eq(scope.key.as_str()),
        stored_replies::fingerprint.eq(reply.fingerprint.to_vec()),
        stored_replies::sealed.eq(reply.sealed),
        stored_replies::created_at.eq(reply.created_at.instant()),
    );
    Ok(diesel::insert_into(stored_replies::table).values(row).on_conflict_do_nothing().execute(c).await? > 0)
}
