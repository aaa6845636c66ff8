//! A queue of jobs: its due lanes, and how jobs are claimed, released, reaped and deleted. The file of each port says what a job
//! is, and what follows an attempt.
//!
//! The table of a queue has the columns `id`, `state`, `attempt`, `due_at`, `claim` and `lease_until`, a column that names the
//! lane, and an index of pending jobs by lane, due time and id. Deliveries have a key of two columns, and a generation. Their
//! statements are in `deliveries.rs`.

use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::queue::QueueDepth;
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::from_bigint;

/// Begins a transaction that may be lost if the machine crashes right after it. Then its claims are made again, and the attempts
/// that it settled are sent once more. In return its commit does not wait for the disk.
pub(crate) const BEGIN_PASSING: &str = "BEGIN; SET LOCAL synchronous_commit = off";

/// A lane with due jobs.
#[derive(QueryableByName)]
pub(crate) struct LaneRow {
    #[diesel(sql_type = sql_types::Uuid)]
    pub(crate) lane: Uuid,
}

/// An id that a statement returns.
#[derive(QueryableByName)]
pub(crate) struct IdRow {
    #[diesel(sql_type = sql_types::Uuid)]
    pub(crate) id: Uuid,
}

/// Makes the module of a queue from its table and the column that names its lanes.
macro_rules! queue {
    ($(#[$doc:meta])+ $module:ident: $table:literal, $lane:literal) => {
        $(#[$doc])+
        mod $module {
            use diesel::sql_types::{self, Array, Timestamptz};
            use diesel_async::{AsyncPgConnection, RunQueryDsl};
            use rally_domain::id::ClaimId;
            use rally_domain::queue::ClaimRequest;
            use rally_domain::timestamp::Timestamp;
            use time::OffsetDateTime;
            use uuid::Uuid;

            use crate::queue::{IdRow, LaneRow};
            use crate::convert::to_bigint;
            use crate::statement::statement;

            statement! {
                /// The lanes with due jobs. The statement hops from one lane to the next in the index of a claim, so the rows
                /// that wait in one lane cost another nothing.
                DueLanes {
                    (concat!("WITH RECURSIVE lanes (lane) AS (
                        (SELECT ", $lane, " FROM ", $table, " WHERE state = 'pending' ORDER BY ", $lane, ", due_at LIMIT 1)
                        UNION ALL
                        SELECT (SELECT j.", $lane, " FROM ", $table, " j WHERE j.state = 'pending' AND j.", $lane, " > l.lane
                                ORDER BY j.", $lane, ", j.due_at LIMIT 1)
                        FROM lanes l WHERE l.lane IS NOT NULL
                    )
                    SELECT l.lane FROM lanes l
                    CROSS JOIN LATERAL (
                        SELECT FROM ", $table, " j WHERE j.", $lane, " = l.lane AND j.state = 'pending' AND j.due_at <= "))
                    now: Timestamptz = OffsetDateTime, "
                        ORDER BY j.due_at LIMIT 1
                    ) something"
                }
            }

            statement! {
                /// Claims due jobs in some lanes, a share in each.
                Claim {
                    "WITH due AS MATERIALIZED (
                        SELECT waiting.id
                        FROM unnest("
                    lanes: Array<sql_types::Uuid> = Vec<Uuid>, ", "
                    shares: Array<sql_types::BigInt> = Vec<i64>, (concat!(") AS turn (lane, share)
                        CROSS JOIN LATERAL (
                            SELECT j.id FROM ", $table, " j
                            WHERE j.", $lane, " = turn.lane AND j.state = 'pending' AND j.due_at <= "))
                    now: Timestamptz = OffsetDateTime, (concat!("
                            ORDER BY j.due_at, j.id LIMIT turn.share FOR UPDATE SKIP LOCKED
                        ) waiting
                    )
                    UPDATE ", $table, " j SET state = 'running', claim = "))
                    claim: sql_types::Uuid = Uuid, ", lease_until = "
                    lease_until: Timestamptz = OffsetDateTime, ", attempt = j.attempt + 1
                    FROM due WHERE j.id = due.id
                    RETURNING j.id"
                }
            }

            statement! {
                /// Releases claimed jobs.
                Release {
                    (concat!("UPDATE ", $table, " j SET state = 'pending', attempt = j.attempt - 1, due_at = "))
                    due_at: Timestamptz = OffsetDateTime, " FROM unnest("
                    ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (id)
                    WHERE j.id = asked.id AND CASE j.state WHEN 'running' THEN j.claim = "
                    claim: sql_types::Uuid = Uuid, " END"
                }
            }

            statement! {
                /// Ends claims whose lease has ended.
                Reap {
                    (concat!("WITH lost AS MATERIALIZED (
                        SELECT id FROM ", $table, " WHERE state = 'running' AND lease_until < "))
                    now: Timestamptz = OffsetDateTime, (concat!(" ORDER BY lease_until LIMIT 10000 FOR UPDATE SKIP LOCKED
                    )
                    UPDATE ", $table, " j SET due_at = "))
                    due_at: Timestamptz = OffsetDateTime, ", state = CASE WHEN j.attempt >= "
                    attempts: sql_types::Integer = i32, " THEN 'dead' ELSE 'pending' END
                    FROM lost WHERE j.id = lost.id"
                }
            }

            statement! {
                /// Deletes jobs.
                Delete {
                    (concat!("DELETE FROM ", $table, " j USING unnest("))
                    ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS old (id) WHERE j.id = old.id"
                }
            }

            /// The lanes with due jobs.
            pub(crate) async fn due(c: &mut AsyncPgConnection, now: Timestamp) -> diesel::QueryResult<Vec<Uuid>> {
                let lanes: Vec<LaneRow> = DueLanes { now: now.instant() }.load(c).await?;
                Ok(lanes.into_iter().map(|row| row.lane).collect())
            }

            /// Claims the shares of a request and returns the ids of the jobs.
            pub(crate) async fn claim<Lane: Copy>(
                c: &mut AsyncPgConnection,
                request: &ClaimRequest<Lane>,
                uuid: impl Fn(Lane) -> Uuid,
            ) -> diesel::QueryResult<Vec<Uuid>> {
                let claim = Claim {
                    lanes: request.shares.iter().map(|(lane, _)| uuid(*lane)).collect(),
                    shares: request.shares.iter().map(|(_, share)| to_bigint(*share as u64)).collect(),
                    now: request.now.instant(),
                    claim: request.claim.uuid(),
                    lease_until: request.lease_until.instant(),
                };
                let claimed: Vec<IdRow> = claim.load(c).await?;
                Ok(claimed.into_iter().map(|row| row.id).collect())
            }

            /// Releases those of some jobs that a claim holds.
            pub(crate) async fn release(
                c: &mut AsyncPgConnection,
                claim: ClaimId,
                ids: Vec<Uuid>,
                due_at: Timestamp,
            ) -> diesel::QueryResult<usize> {
                Release { due_at: due_at.instant(), ids, claim: claim.uuid() }.execute(c).await
            }

            /// Ends claims whose lease has ended. A job without an attempt left is dead.
            pub(crate) async fn reap(c: &mut AsyncPgConnection, now: Timestamp, attempts: u32) -> diesel::QueryResult<usize> {
                let attempts = i32::try_from(attempts).unwrap_or(i32::MAX);
                Reap { now: now.instant(), due_at: now.instant(), attempts }.execute(c).await
            }

            /// Deletes some jobs.
            pub(crate) async fn delete(mut c: &AsyncPgConnection, ids: Vec<Uuid>) -> diesel::QueryResult<usize> {
                Delete { ids }.execute(&mut c).await
            }
        }
    };
}
pub(crate) use queue;

#[derive(QueryableByName)]
struct DepthRow {
    #[diesel(sql_type = sql_types::BigInt)]
    waiting: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    running: i64,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    oldest: Option<OffsetDateTime>,
}

/// How full a queue is, at one moment. It is one statement of three lookups in two indexes. With the DSL it would be three
/// statements, at three moments.
pub(crate) async fn depth(c: &mut AsyncPgConnection, table: &str) -> QueryResult<QueueDepth> {
    let query = diesel::sql_query(format!(
        "SELECT (SELECT count(*) FROM {table} WHERE state = 'pending') AS waiting,
                (SELECT count(*) FROM {table} WHERE state = 'running') AS running,
                (SELECT min(due_at) FROM {table} WHERE state = 'pending') AS oldest"
    ));
    let row: DepthRow = query.get_result(c).await?;
    let (waiting, running) = (from_bigint(row.waiting), from_bigint(row.running));
    Ok(QueueDepth { pending: waiting + running, running, oldest_due_at: row.oldest.map(Timestamp::new) })
}
