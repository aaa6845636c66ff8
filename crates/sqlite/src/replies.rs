//! [`ReplyStore`] on SQLite, and how a command stores its reply in the transaction of its effect.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::dsl::{Find, exists};
use diesel::prelude::*;
use rally_domain::access::{Receipt, RequestScope, StoredReply};
use rally_domain::error::Fault;
use rally_domain::port::ReplyStore;
use rally_domain::timestamp::Timestamp;

use crate::SqliteStore;
use crate::convert::{Blob, digest, instant, to_bigint};
use crate::fault::query_fault;
use crate::schema::stored_replies;

#[async_trait]
impl ReplyStore for SqliteStore {
    async fn find(&self, scope: &RequestScope, since: Timestamp) -> Result<Option<StoredReply>, Fault> {
        let scope = scope.clone();
        self.database
            .read(move |c| {
                let query = of_scope(&scope).filter(stored_replies::created_at.ge(since.unix_millis())).select((
                    stored_replies::fingerprint,
                    stored_replies::sealed,
                    stored_replies::created_at,
                ));
                let row: Option<(Vec<u8>, Vec<u8>, i64)> = query.first(c).optional().map_err(query_fault)?;
                let Some((fingerprint, sealed, created_at)) = row else { return Ok(None) };
                Ok(Some(StoredReply { fingerprint: digest(fingerprint)?, sealed, created_at: instant(created_at)? }))
            })
            .await
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let done = self.database.write::<_, Infallible>(move |c| {
            let old = stored_replies::table
                .filter(stored_replies::created_at.lt(before.unix_millis()))
                .order(stored_replies::created_at)
                .limit(to_bigint(most as u64))
                .select((stored_replies::workspace_id, stored_replies::route, stored_replies::key));
            let old: Vec<(Blob, String, String)> = old.load(c)?;
            for (workspace, route, key) in &old {
                diesel::delete(stored_replies::table.find((*workspace, route, key))).execute(c)?;
            }
            Ok(old.len() as u64)
        });
        Ok(done.await?)
    }
}

/// Whether a reply is stored in the scope of a receipt, if there is a receipt.
pub(crate) fn is_stored<T>(c: &mut SqliteConnection, receipt: Option<&Receipt<T>>) -> QueryResult<bool> {
    let Some(receipt) = receipt else { return Ok(false) };
    let fresh = of_scope(&receipt.scope).filter(stored_replies::created_at.ge(receipt.expired_before().unix_millis()));
    diesel::select(exists(fresh)).get_result(c)
}

/// Stores the reply of an effect. It replaces a reply that has expired.
pub(crate) fn insert<T>(c: &mut SqliteConnection, receipt: &Receipt<T>, effect: &T) -> QueryResult<()> {
    let (scope, reply) = (&receipt.scope, receipt.of(effect));
    let expired = of_scope(scope).filter(stored_replies::created_at.lt(receipt.expired_before().unix_millis()));
    diesel::delete(expired).execute(c)?;
    let row = (
        stored_replies::workspace_id.eq(Blob(scope.workspace_id.uuid())),
        stored_replies::route.eq(scope.route.as_str()),
        stored_replies::key.eq(scope.key.as_str()),
        stored_replies::fingerprint.eq(reply.fingerprint.to_vec()),
        stored_replies::sealed.eq(reply.sealed),
        stored_replies::created_at.eq(reply.created_at.unix_millis()),
    );
    diesel::insert_into(stored_replies::table).values(row).execute(c).map(|_| ())
}

type OfScope<'a> = Find<stored_replies::table, (Blob, &'a str, &'a str)>;

fn of_scope(scope: &RequestScope) -> OfScope<'_> {
    stored_replies::table.find((Blob(scope.workspace_id.uuid()), scope.route.as_str(), scope.key.as_str()))
}
