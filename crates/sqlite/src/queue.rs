//! A queue of jobs: its due lanes and its depth, and how jobs are claimed, released and reaped. The file of each port says what a
//! job is, and what follows an attempt.
//!
//! The table of a queue has the columns `id`, `state`, `attempt`, `due_at`, `claim` and `lease_until`, a column that names the
//! lane, and an index of pending jobs by lane, due time and id. Deliveries have a key of two columns, and a generation. Their
//! statements are in `deliveries.rs`.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable};
use rally_domain::error::Fault;
use rally_domain::id::ClaimId;
use rally_domain::queue::{ClaimRequest, QueueDepth};
use rally_domain::timestamp::Timestamp;

use crate::convert::{Blob, from_bigint, instant, to_bigint};
use crate::fault::query_fault;

/// A queue: its table, and the column that names its lanes.
#[derive(Clone, Copy)]
pub(crate) struct Queue {
    pub table: &'static str,
    pub lane: &'static str,
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = Binary)]
    id: Blob,
}

#[derive(QueryableByName)]
struct DepthRow {
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = BigInt)]
    running: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    oldest: Option<i64>,
}

impl Queue {
    /// The lanes with due jobs. The statement hops from one lane to the next in the index of a claim, so the rows that wait in
    /// one lane cost another nothing.
    pub fn due(self, c: &mut SqliteConnection, now: Timestamp) -> QueryResult<Vec<Blob>> {
        let Self { table, lane } = self;
        let query = diesel::sql_query(format!(
            "WITH RECURSIVE lanes (lane) AS (
                SELECT min({lane}) FROM {table} WHERE state = 'pending'
                UNION ALL
                SELECT (SELECT min(j.{lane}) FROM {table} j WHERE j.state = 'pending' AND j.{lane} > l.lane)
                FROM lanes l WHERE l.lane IS NOT NULL
            )
            SELECT l.lane AS id FROM lanes l
            WHERE EXISTS (SELECT 1 FROM {table} j WHERE j.{lane} = l.lane AND j.state = 'pending' AND j.due_at <= ?1)"
        ));
        let lanes: Vec<IdRow> = query.bind::<BigInt, _>(now.unix_millis()).load(c)?;
        Ok(lanes.into_iter().map(|row| row.id).collect())
    }

    /// Claims the share of one lane and returns the ids of the jobs. The job that has been due for longest comes first.
    pub fn claim<Lane>(self, c: &mut SqliteConnection, lane: Blob, share: usize, request: &ClaimRequest<Lane>) -> QueryResult<Vec<Blob>> {
        let Self { table, lane: column } = self;
        let due = format!("SELECT id FROM {table} WHERE {column} = ?1 AND state = 'pending' AND due_at <= ?2 ORDER BY due_at, id LIMIT ?3");
        self.claim_by(c, &due, lane, share, request)
    }

    /// Claims the share of one lane among the jobs that a statement finds, for a lane, an instant and a number.
    pub fn claim_by<Lane>(
        self,
        c: &mut SqliteConnection,
        due: &str,
        lane: Blob,
        share: usize,
        request: &ClaimRequest<Lane>,
    ) -> QueryResult<Vec<Blob>> {
        let table = self.table;
        let due = diesel::sql_query(due);
        let due = due.bind::<Binary, _>(lane).bind::<BigInt, _>(request.now.unix_millis()).bind::<BigInt, _>(to_bigint(share as u64));
        let due: Vec<IdRow> = due.load(c)?;
        for row in &due {
            let claim = diesel::sql_query(format!(
                "UPDATE {table} SET state = 'running', attempt = attempt + 1, claim = ?1, lease_until = ?2 WHERE id = ?3"
            ));
            let claim = claim.bind::<Binary, _>(Blob(request.claim.uuid())).bind::<BigInt, _>(request.lease_until.unix_millis());
            claim.bind::<Binary, _>(row.id).execute(c)?;
        }
        Ok(due.into_iter().map(|row| row.id).collect())
    }

    /// Releases those of some jobs that a claim holds.
    pub fn release(self, c: &mut SqliteConnection, claim: ClaimId, ids: &[Blob], due_at: Timestamp) -> QueryResult<()> {
        for id in ids {
            let release = diesel::sql_query(format!(
                "UPDATE {} SET state = 'pending', attempt = attempt - 1, due_at = ?1 WHERE id = ?2 AND state = 'running' AND claim = ?3",
                self.table
            ));
            let release = release.bind::<BigInt, _>(due_at.unix_millis()).bind::<Binary, _>(*id);
            release.bind::<Binary, _>(Blob(claim.uuid())).execute(c)?;
        }
        Ok(())
    }

    /// Ends claims whose lease has ended. A job without an attempt left is dead.
    pub fn reap(self, c: &mut SqliteConnection, now: Timestamp, attempts: u32) -> QueryResult<usize> {
        let reap = diesel::sql_query(format!(
            "UPDATE {} SET due_at = ?1, state = CASE WHEN attempt >= ?2 THEN 'dead' ELSE 'pending' END
            WHERE state = 'running' AND lease_until < ?1",
            self.table
        ));
        let attempts = i32::try_from(attempts).unwrap_or(i32::MAX);
        reap.bind::<BigInt, _>(now.unix_millis()).bind::<Integer, _>(attempts).execute(c)
    }

    /// How full the queue is, at one moment.
    pub fn depth(self, c: &mut SqliteConnection) -> Result<QueueDepth, Fault> {
        let table = self.table;
        let query = diesel::sql_query(format!(
            "SELECT (SELECT count(*) FROM {table} WHERE state = 'pending') AS waiting,
                    (SELECT count(*) FROM {table} WHERE state = 'running') AS running,
                    (SELECT min(due_at) FROM {table} WHERE state = 'pending') AS oldest"
        ));
        let row: DepthRow = query.get_result(c).map_err(query_fault)?;
        let (waiting, running) = (from_bigint(row.waiting), from_bigint(row.running));
        Ok(QueueDepth { pending: waiting + running, running, oldest_due_at: row.oldest.map(instant).transpose()? })
    }
}
