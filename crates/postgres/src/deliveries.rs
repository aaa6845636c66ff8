//! [`DeliveryQueue`] on PostgreSQL.

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::delivery::{ClaimedDelivery, SettleDelivery, SettlePlan, Verdict};
use rally_domain::error::{CommandError, Fault};
use rally_domain::event::Event;
use rally_domain::id::{ClaimId, EventId, WebhookId};
use rally_domain::ports::{ClaimRequest, DeliveryQueue, QueueDepth};
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::{DeliveryPolicy, Webhook};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::fault::{Abort, query_fault};
use crate::rows::{AttemptRow, ClaimRow, EventRow, WebhookRow, from_bigint, to_bigint};
use crate::schema::{attempts, deliveries, events, webhooks};
use crate::statement::statement;
use crate::{PgStore, transaction, webhooks as webhook_rows};

/// Claims what is due. `lanes` are the webhooks that something waits for, found by hopping from one to the next in the
/// index of a claim (whose order the hop names, lest the planner take another): rows that wait for one webhook cost another
/// nothing. `turn` are those of them whose turn it is; no row of another is locked. (A subquery with a limit, since EXISTS would
/// become a join over everything that is due.) The DSL has neither recursion nor a lock
/// in a subquery.
const CLAIM: &str = "
WITH RECURSIVE lanes (webhook_id) AS (
    (SELECT webhook_id FROM deliveries WHERE state = 'pending' ORDER BY webhook_id, due_at LIMIT 1)
    UNION ALL
    SELECT (SELECT d.webhook_id FROM deliveries d WHERE d.state = 'pending' AND d.webhook_id > l.webhook_id
            ORDER BY d.webhook_id, d.due_at LIMIT 1)
    FROM lanes l WHERE l.webhook_id IS NOT NULL
), turn AS MATERIALIZED (
    SELECT l.webhook_id FROM lanes l
    JOIN webhooks w ON w.id = l.webhook_id AND w.active
    CROSS JOIN LATERAL (
        SELECT FROM deliveries d WHERE d.webhook_id = l.webhook_id AND d.state = 'pending' AND d.due_at <= $1
        ORDER BY d.due_at LIMIT 1
    ) something
    WHERE l.webhook_id <> ALL ($3)
    ORDER BY l.webhook_id <= $4, l.webhook_id LIMIT $5
), due AS MATERIALIZED (
    SELECT waiting.event_id, waiting.webhook_id
    FROM turn
    CROSS JOIN LATERAL (
        SELECT d.event_id, d.webhook_id FROM deliveries d
        WHERE d.webhook_id = turn.webhook_id AND d.state = 'pending' AND d.due_at <= $1
        ORDER BY d.due_at, d.event_id LIMIT $2 FOR UPDATE SKIP LOCKED
    ) waiting
)
UPDATE deliveries d SET state = 'running', claim = $6, lease_until = $7, attempt = d.attempt + 1
FROM due
JOIN webhooks w ON w.id = due.webhook_id
JOIN events e ON e.id = due.event_id
WHERE d.event_id = due.event_id AND d.webhook_id = due.webhook_id
RETURNING d.event_id, d.webhook_id, d.attempt, w.url, w.secret,
    CASE WHEN w.previous_secret_until > $1 THEN w.previous_secret END AS previous_secret, e.kind, e.body";

/// Statistics are always those of another moment: a queue that was empty is full. Whatever they say, the indexes are right.
/// As for [`BEGIN_PASSING`], a claim that is lost is made again.
pub(crate) const BEGIN_CLAIM: &str = "BEGIN; SET LOCAL synchronous_commit = off;
SET LOCAL enable_sort = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";

/// Lets the transaction be lost when the machine goes down right after it: what it claimed is claimed again, what it
/// settled is sent once more, and nobody waits for the disk.
pub(crate) const BEGIN_PASSING: &str = "BEGIN; SET LOCAL synchronous_commit = off";

/// The same, and waits no longer than that for a webhook that is being changed or deleted.
const BEGIN_SETTLING: &str = "BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = '2s'";

statement! {
    /// A row if anything waits, due or not.
    AnyPending { "SELECT true AS any FROM deliveries WHERE state = 'pending' LIMIT 1" }
}

/// That there is something.
#[derive(QueryableByName)]
pub(crate) struct Any {
    #[diesel(sql_type = sql_types::Bool)]
    #[expect(dead_code, reason = "the row says it")]
    any: bool,
}

#[async_trait]
impl DeliveryQueue for PgStore {
    async fn events(&self, limit: usize) -> Result<Vec<Event>, Fault> {
        let mut c = self.connection().await?;
        let query = events::table.order((events::occurred_at, events::id)).limit(to_bigint(limit as u64)).select(EventRow::as_select());
        let rows: Vec<EventRow> = query.load(&mut c).await.map_err(query_fault)?;
        rows.into_iter().map(Event::try_from).collect()
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedDelivery>, Fault> {
        // A look costs little: most find nothing.
        let any: Vec<Any> = (AnyPending {}).load(&mut self.connection().await?).await.map_err(query_fault)?;
        if any.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Result<Vec<ClaimRow>, CommandError<Infallible>> = transaction!(self, BEGIN_CLAIM, |c| Ok(claim(c, &request).await?));
        // A row that cannot be read is not in the way of the others: it ends after its attempts.
        Ok(rows?.into_iter().filter_map(|row| row.into_delivery(request.claim).ok()).collect())
    }

    async fn settle(&self, attempts: Vec<SettleDelivery>, policy: DeliveryPolicy) -> Result<usize, Fault> {
        let mut by_webhook: BTreeMap<WebhookId, Vec<SettleDelivery>> = BTreeMap::new();
        for attempt in attempts {
            by_webhook.entry(attempt.webhook_id).or_default().push(attempt);
        }
        let (mut settled, mut failed) = (0, None);
        for (id, attempts) in &by_webhook {
            match self.settle_one(*id, attempts, &policy).await {
                Ok(more) => settled += more,
                Err(fault) => failed = Some(fault),
            }
        }
        failed.map_or(Ok(settled), Err)
    }

    async fn release(&self, claim: ClaimId, deliveries: Vec<(EventId, WebhookId)>, due_at: Timestamp) -> Result<(), Fault> {
        let outcome: Result<(), CommandError<Infallible>> = transaction!(self, |c| {
            for (event, webhook) in &deliveries {
                let mine = deliveries::table
                    .find((event.uuid(), webhook.uuid()))
                    .filter(deliveries::state.eq("running").and(deliveries::claim.eq(claim.uuid())));
                let untried = (
                    deliveries::state.eq("pending"),
                    deliveries::attempt.eq(deliveries::attempt - 1),
                    deliveries::due_at.eq(due_at.instant()),
                );
                diesel::update(mine).set(untried).execute(c).await?;
            }
            Ok(())
        });
        Ok(outcome?)
    }

    async fn reap(&self, now: Timestamp, attempts: u32) -> Result<u64, Fault> {
        let most = i32::try_from(attempts).unwrap_or(i32::MAX);
        let outcome: Result<u64, CommandError<Infallible>> = transaction!(self, |c| {
            let lost = || deliveries::table.filter(deliveries::state.eq("running").and(deliveries::lease_until.lt(now.instant())));
            let dead = diesel::update(lost().filter(deliveries::attempt.ge(most))).set(deliveries::state.eq("dead")).execute(c).await?;
            let again = (deliveries::state.eq("pending"), deliveries::due_at.eq(now.instant()));
            let freed = diesel::update(lost()).set(again).execute(c).await?;
            Ok((dead + freed) as u64)
        });
        Ok(outcome?)
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let (before, most) = (before.instant(), to_bigint(most as u64));
        let outcome: Result<u64, CommandError<Infallible>> = transaction!(self, |c| {
            let old = attempts::table.filter(attempts::created_at.lt(before)).order(attempts::created_at).limit(most);
            let old: Vec<Uuid> = old.select(attempts::id).load(c).await?;
            let log = diesel::delete(attempts::table.filter(attempts::id.eq_any(old))).execute(c).await?;
            let unfinished =
                deliveries::table.filter(deliveries::event_id.eq(events::id).and(deliveries::state.eq_any(["pending", "running"])));
            let old = events::table
                .filter(events::occurred_at.lt(before).and(diesel::dsl::not(diesel::dsl::exists(unfinished))))
                .order((events::occurred_at, events::id))
                .limit(most);
            let old: Vec<Uuid> = old.select(events::id).load(c).await?;
            let finished = diesel::delete(events::table.filter(events::id.eq_any(old))).execute(c).await?;
            Ok((log + finished) as u64)
        });
        Ok(outcome?)
    }

    async fn depth(&self) -> Result<QueueDepth, Fault> {
        let mut c = self.connection().await?;
        depth(&mut c, "deliveries").await.map_err(query_fault)
    }
}

#[derive(QueryableByName)]
struct DepthRow {
    #[diesel(sql_type = sql_types::BigInt)]
    waiting: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    running: i64,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    oldest: Option<OffsetDateTime>,
}

/// How full a queue is, at one moment: three looks into two indexes, which the DSL would make three moments of.
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

impl PgStore {
    /// Settles the attempts of one webhook.
    async fn settle_one(&self, id: WebhookId, attempts: &[SettleDelivery], policy: &DeliveryPolicy) -> Result<usize, Fault> {
        let outcome: Result<usize, CommandError<Infallible>> =
            transaction!(self, BEGIN_SETTLING, |c| settle(c, id, attempts, policy).await);
        Ok(outcome?)
    }
}

async fn claim(c: &mut AsyncPgConnection, request: &ClaimRequest) -> QueryResult<Vec<ClaimRow>> {
    diesel::sql_query(CLAIM)
        .bind::<sql_types::Timestamptz, _>(request.now.instant())
        .bind::<sql_types::BigInt, _>(to_bigint(request.per_lane as u64))
        .bind::<sql_types::Array<sql_types::Uuid>, _>(request.busy.iter().map(|id| id.uuid()).collect::<Vec<_>>())
        .bind::<sql_types::Uuid, _>(request.after.map_or(Uuid::nil(), WebhookId::uuid))
        .bind::<sql_types::BigInt, _>(to_bigint(request.most.div_ceil(request.per_lane.max(1)) as u64))
        .bind::<sql_types::Uuid, _>(request.claim.uuid())
        .bind::<sql_types::Timestamptz, _>(request.lease_until.instant())
        .load(c)
        .await
}

/// Settles the attempts of one webhook in their order, under its lock.
async fn settle<R>(c: &mut AsyncPgConnection, id: WebhookId, tried: &[SettleDelivery], policy: &DeliveryPolicy) -> Result<usize, Abort<R>> {
    let query = webhooks::table.find(id.uuid()).select(WebhookRow::as_select()).for_no_key_update();
    let Some(row) = query.first(c).await.optional()? else { return Ok(0) };
    let mut webhook = Webhook::try_from(row)?;
    let was_active = webhook.active;
    let claimed = lock_claimed(c, id, tried).await?;
    let (mut ended, mut log) = (BTreeMap::<&str, Vec<Uuid>>::new(), Vec::new());
    for attempt in tried.iter().filter(|attempt| claimed.contains(&(attempt.event_id.uuid(), attempt.claim.uuid()))) {
        let plan: SettlePlan = attempt.decide(webhook, policy);
        webhook = plan.webhook;
        log.push(AttemptRow::from(plan.attempt));
        let event = attempt.event_id.uuid();
        match plan.verdict {
            Verdict::Done => ended.entry("done").or_default().push(event),
            Verdict::Dead => ended.entry("dead").or_default().push(event),
            Verdict::Held => ended.entry("held").or_default().push(event),
            Verdict::RetryAt(due) => retry(c, id, event, due).await?,
        }
    }
    for (state, events) in ended {
        let ended = deliveries::table.filter(deliveries::webhook_id.eq(id.uuid()).and(deliveries::event_id.eq_any(events)));
        diesel::update(ended).set(deliveries::state.eq(state)).execute(c).await?;
    }
    if log.is_empty() {
        return Ok(0);
    }
    if was_active && !webhook.active {
        webhook_rows::hold(c, id).await?;
    }
    webhook_rows::write(c, &webhook).await?;
    let settled = log.len();
    diesel::insert_into(attempts::table).values(log).execute(c).await?;
    Ok(settled)
}

/// Those of the attempts whose claim still stands, as event and claim.
async fn lock_claimed(c: &mut AsyncPgConnection, id: WebhookId, tried: &[SettleDelivery]) -> QueryResult<HashSet<(Uuid, Uuid)>> {
    let events: Vec<Uuid> = tried.iter().map(|attempt| attempt.event_id.uuid()).collect();
    let running = deliveries::table
        .filter(deliveries::webhook_id.eq(id.uuid()).and(deliveries::event_id.eq_any(events)))
        .filter(deliveries::state.eq("running"))
        .select((deliveries::event_id, deliveries::claim))
        .for_update();
    let rows: Vec<(Uuid, Option<Uuid>)> = running.load(c).await?;
    Ok(rows.into_iter().filter_map(|(event, claim)| Some((event, claim?))).collect())
}

async fn retry(c: &mut AsyncPgConnection, webhook: WebhookId, event: Uuid, due: Timestamp) -> QueryResult<()> {
    let change = (deliveries::state.eq("pending"), deliveries::due_at.eq(due.instant()));
    diesel::update(deliveries::table.find((event, webhook.uuid()))).set(change).execute(c).await.map(|_| ())
}
