//! [`ProofStore`] on SQLite. Sign-ups and requests use proofs up in their own transactions.

use std::collections::HashSet;
use std::convert::Infallible;

use async_trait::async_trait;
use diesel::dsl::exists;
use diesel::prelude::*;
use rally_domain::error::Fault;
use rally_domain::id::{ProofId, WaitlistId};
use rally_domain::port::ProofStore;
use rally_domain::proof_of_work::{Proof, UsedProof};
use rally_domain::timestamp::Timestamp;

use crate::SqliteStore;
use crate::condition::Condition;
use crate::convert::{Blob, to_bigint};
use crate::fault::query_fault;
use crate::schema::{entries, signup_requests, used_proofs};

#[async_trait]
impl ProofStore for SqliteStore {
    async fn taken_since(&self, waitlist_id: WaitlistId, since: Timestamp, most: u64) -> Result<u64, Fault> {
        let (list, after) = (Blob(waitlist_id.uuid()), since.unix_millis());
        let counted = self.database.read(move |c| taken_since(c, list, after, to_bigint(most)).map_err(query_fault)).await?;
        Ok(counted.min(most))
    }

    async fn prune(&self, expired_before: Timestamp, most: usize) -> Result<u64, Fault> {
        let pruned = self.database.write::<_, Infallible>(move |c| {
            let expired = used_proofs::table
                .filter(used_proofs::expires_at.lt(expired_before.unix_millis()))
                .order(used_proofs::expires_at)
                .limit(to_bigint(most as u64))
                .select(used_proofs::id);
            let expired: Vec<Blob> = expired.load(c)?;
            for id in &expired {
                diesel::delete(used_proofs::table.find(*id)).execute(c)?;
            }
            Ok(expired.len() as u64)
        });
        Ok(pruned.await?)
    }
}

/// Counts the sign-ups that a list took after an instant, so many of each kind at most. Each part reads rows in the order of its index.
fn taken_since(c: &mut SqliteConnection, list: Blob, after: i64, most: i64) -> QueryResult<u64> {
    let joined = entries::table.filter(entries::waitlist_id.eq(list)).order(entries::position.desc()).limit(most);
    let joined: Vec<i64> = joined.select(entries::created_at).load(c)?;
    let asked = signup_requests::table
        .filter(Condition("state = 'waiting'").and(signup_requests::waitlist_id.eq(list)).and(signup_requests::requested_at.gt(after)))
        .order(signup_requests::requested_at)
        .limit(most);
    let asked: Vec<i64> = asked.select(signup_requests::requested_at).load(c)?;
    let repeated = used_proofs::table.filter(used_proofs::waitlist_id.eq(list).and(used_proofs::taken_at.gt(after)));
    let repeated: Vec<Blob> = repeated.order(used_proofs::taken_at).limit(most).select(used_proofs::id).load(c)?;
    let joined = joined.into_iter().filter(|at| *at > after).count();
    Ok((joined + asked.len() + repeated.len()) as u64)
}

/// Returns which of these proofs were used. Without proofs it asks nothing.
pub(crate) fn used(c: &mut SqliteConnection, proofs: impl Iterator<Item = Proof>) -> QueryResult<HashSet<ProofId>> {
    let mut used = HashSet::new();
    for proof in proofs {
        if diesel::select(exists(used_proofs::table.find(Blob(proof.id.uuid())))).get_result(c)? {
            used.insert(proof.id);
        }
    }
    Ok(used)
}

/// Remembers a sign-up whose entry or request goes.
pub(crate) fn remember(c: &mut SqliteConnection, gone: Option<UsedProof>) -> QueryResult<()> {
    gone.iter().try_for_each(|used| write(c, used))
}

/// Writes a proof that is used up.
pub(crate) fn write(c: &mut SqliteConnection, used: &UsedProof) -> QueryResult<()> {
    let row = (
        used_proofs::id.eq(Blob(used.proof.id.uuid())),
        used_proofs::waitlist_id.eq(Blob(used.waitlist_id.uuid())),
        used_proofs::expires_at.eq(used.proof.expires_at.unix_millis()),
        used_proofs::taken_at.eq(used.taken_at.map(Timestamp::unix_millis)),
    );
    diesel::insert_into(used_proofs::table).values(row).execute(c).map(|_| ())
}
