//! [`ProofStore`] on PostgreSQL. Sign-ups and requests use proofs up in their own transactions. If two of them use one proof at once, the
//! primary key stops the second, and its transaction starts again.

use std::collections::HashSet;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::error::Fault;
use rally_domain::id::{ProofId, WaitlistId};
use rally_domain::port::ProofStore;
use rally_domain::proof_of_work::{Proof, UsedProof};
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::PgStore;
use crate::convert::{from_bigint, to_bigint};
use crate::fault::query_fault;
use crate::schema::used_proofs;
use crate::statement::statement;

#[async_trait]
impl ProofStore for PgStore {
    async fn taken_since(&self, waitlist_id: WaitlistId, since: Timestamp, most: u64) -> Result<u64, Fault> {
        let mut c = self.connection().await?;
        let (list, after, rows) = (waitlist_id.uuid(), since.instant(), to_bigint(most));
        let count = CountTaken { list, most: rows, after, of: list, from: after, up_to: rows, on: list, since: after, limit: rows };
        let counted: CountRow = count.get_result(&mut c).await.map_err(query_fault)?;
        Ok(from_bigint(counted.number).min(most))
    }

    async fn prune(&self, expired_before: Timestamp, most: usize) -> Result<u64, Fault> {
        let mut c = self.connection().await?;
        let expired = used_proofs::table
            .filter(used_proofs::expires_at.lt(expired_before.instant()))
            .order(used_proofs::expires_at)
            .limit(to_bigint(most as u64))
            .select(used_proofs::id);
        let ids: Vec<Uuid> = expired.load(&mut c).await.map_err(query_fault)?;
        if ids.is_empty() {
            return Ok(0);
        }
        Ok(DeleteProofs { ids }.execute(&mut c).await.map_err(query_fault)? as u64)
    }
}

statement! {
    /// Counts the sign-ups that a list took after an instant, so many of each kind at most. Each part reads rows in the order of its index.
    CountTaken {
        "SELECT e.number + r.number + p.number AS number FROM \
            (SELECT count(*) AS number FROM (SELECT created_at FROM entries WHERE waitlist_id = "
        list: SqlUuid = Uuid, " ORDER BY position DESC LIMIT "
        most: BigInt = i64, ") last WHERE last.created_at > "
        after: Timestamptz = OffsetDateTime, ") e, \
            (SELECT count(*) AS number FROM (SELECT FROM signup_requests WHERE state = 'waiting' AND waitlist_id = "
        of: SqlUuid = Uuid, " AND requested_at > "
        from: Timestamptz = OffsetDateTime, " ORDER BY requested_at LIMIT "
        up_to: BigInt = i64, ") last) r, \
            (SELECT count(*) AS number FROM (SELECT taken_at FROM used_proofs WHERE waitlist_id = "
        on: SqlUuid = Uuid, " AND taken_at > "
        since: Timestamptz = OffsetDateTime, " ORDER BY taken_at LIMIT "
        limit: BigInt = i64, ") last) p"
    }
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

statement! {
    /// Forgets some proofs.
    DeleteProofs {
        "DELETE FROM used_proofs p USING unnest("
        ids: Array<SqlUuid> = Vec<Uuid>, ") AS gone (id) WHERE p.id = gone.id"
    }
}

/// Returns which of these proofs were used. Without proofs it asks nothing.
pub(crate) async fn used(mut c: &AsyncPgConnection, proofs: impl Iterator<Item = Proof>) -> QueryResult<HashSet<ProofId>> {
    let asked: Vec<Uuid> = proofs.map(|proof| proof.id.uuid()).collect();
    if asked.is_empty() {
        return Ok(HashSet::new());
    }
    let query = used_proofs::table.filter(used_proofs::id.eq_any(asked)).order(used_proofs::id).select(used_proofs::id);
    let found: Vec<Uuid> = query.load(&mut c).await?;
    Ok(found.into_iter().map(ProofId::new).collect())
}

statement! {
    /// Writes proofs that are used up.
    UseProofs {
        "INSERT INTO used_proofs (id, waitlist_id, expires_at, taken_at) SELECT new.* FROM unnest("
        ids: Array<SqlUuid> = Vec<Uuid>, ", "
        waitlist_ids: Array<SqlUuid> = Vec<Uuid>, ", "
        expires_at: Array<Timestamptz> = Vec<OffsetDateTime>, ", "
        taken_at: Array<Nullable<Timestamptz>> = Vec<Option<OffsetDateTime>>, ") AS new (id, waitlist_id, expires_at, taken_at)"
    }
}

/// Remembers a sign-up whose entry or request goes.
pub(crate) async fn remember(c: &AsyncPgConnection, gone: Option<UsedProof>) -> QueryResult<usize> {
    write(c, gone.iter()).await
}

/// Writes proofs that are used up. Without any it does nothing.
pub(crate) async fn write(mut c: &AsyncPgConnection, used: impl Iterator<Item = &UsedProof> + Clone) -> QueryResult<usize> {
    if used.clone().next().is_none() {
        return Ok(0);
    }
    let write = UseProofs {
        ids: used.clone().map(|used| used.proof.id.uuid()).collect(),
        waitlist_ids: used.clone().map(|used| used.waitlist_id.uuid()).collect(),
        expires_at: used.clone().map(|used| used.proof.expires_at.instant()).collect(),
        taken_at: used.map(|used| used.taken_at.map(Timestamp::instant)).collect(),
    };
    write.execute(&mut c).await
}
