//! [`DeliveryQueue`] on PostgreSQL.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{self, Array, Nullable, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::delivery::{ClaimedDelivery, SettleDelivery, SettlePlan};
use rally_domain::error::{CommandError, Fault};
use rally_domain::event::{Event, EventKind};
use rally_domain::id::{ClaimId, EventId, WebhookId};
use rally_domain::port::DeliveryQueue;
use rally_domain::queue::{ClaimRequest, JobState, LEFT_FOR_NEWER, QueueDepth};
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::{DeliveryPolicy, SealedSecret, SealedSecrets, Webhook, WebhookUrl};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::attempts::AttemptRow;
use crate::convert::{corrupt, to_bigint};
use crate::events::EventRow;
use crate::fault::{Abort, query_fault};
use crate::queue::{BEGIN_PASSING, IdRow, LaneRow, depth};
use crate::schema::{attempts, events, webhooks};
use crate::statement::statement;
use crate::webhooks::WebhookRow;
use crate::{PgStore, purges, transaction, webhooks as webhook_rows};

statement! {
    /// The webhooks with due deliveries. The statement hops from one webhook to the next in the index of a claim, so the rows
    /// that wait for one webhook cost another nothing.
    DueLanes {
        "WITH RECURSIVE lanes (webhook_id) AS (
            (SELECT webhook_id FROM deliveries WHERE state = 'pending' ORDER BY webhook_id, generation LIMIT 1)
            UNION ALL
            SELECT (SELECT d.webhook_id FROM deliveries d WHERE d.state = 'pending' AND d.webhook_id > l.webhook_id
                    ORDER BY d.webhook_id, d.generation LIMIT 1)
            FROM lanes l WHERE l.webhook_id IS NOT NULL
        )
        SELECT l.webhook_id AS lane FROM lanes l
        JOIN webhooks w ON w.id = l.webhook_id AND w.active
        CROSS JOIN LATERAL (
            SELECT FROM (VALUES (w.generation), (-1)) AS current (generation)
            CROSS JOIN LATERAL (
                SELECT FROM deliveries d
                WHERE d.webhook_id = l.webhook_id AND d.generation = current.generation AND d.state = 'pending' AND d.due_at <= "
        now: Timestamptz = OffsetDateTime, "
                ORDER BY d.due_at LIMIT 1
            ) one
            LIMIT 1
        ) something"
    }
}

statement! {
    /// Claims due deliveries for some webhooks, a share for each. It locks no row of any other webhook.
    Claim {
        "WITH due AS MATERIALIZED (
            SELECT waiting.event_id, waiting.webhook_id
            FROM unnest("
        webhooks: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        shares: Array<sql_types::BigInt> = Vec<i64>, ") AS turn (webhook_id, share)
            JOIN webhooks w ON w.id = turn.webhook_id AND w.active
            CROSS JOIN LATERAL (VALUES (w.generation), (-1)) AS current (generation)
            CROSS JOIN LATERAL (
                SELECT d.event_id, d.webhook_id FROM deliveries d
                WHERE d.webhook_id = turn.webhook_id AND d.generation = current.generation AND d.state = 'pending' AND d.due_at <= "
        now: Timestamptz = OffsetDateTime, "
                ORDER BY d.due_at, d.event_id LIMIT turn.share FOR UPDATE SKIP LOCKED
            ) waiting
        )
        UPDATE deliveries d SET state = 'running', claim = "
        claim: sql_types::Uuid = Uuid, ", lease_until = "
        lease_until: Timestamptz = OffsetDateTime, ", attempt = d.attempt + 1
        FROM due WHERE d.webhook_id = due.webhook_id AND d.event_id = due.event_id
        RETURNING d.event_id, d.webhook_id"
    }
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = sql_types::Uuid)]
    event_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    webhook_id: Uuid,
}

statement! {
    /// Claimed deliveries with the present values that a sender needs. Deliveries that must not be sent any more are left out.
    /// Without OFFSET 0 the planner would look a delivery up by its state, in the index of leases.
    Load {
        "SELECT d.event_id, d.webhook_id, d.claim, d.attempt, w.url, w.secret, CASE WHEN w.previous_secret_until > "
        now: Timestamptz = OffsetDateTime, " THEN w.previous_secret END AS previous_secret, e.kind, e.body
        FROM unnest("
        claims: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        events: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        webhooks: Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (claim, event_id, webhook_id)
        JOIN LATERAL (
            SELECT * FROM deliveries WHERE webhook_id = asked.webhook_id AND event_id = asked.event_id OFFSET 0
        ) d ON d.state = 'running' AND d.claim = asked.claim
        JOIN webhooks w ON w.id = d.webhook_id AND w.active AND d.generation IN (-1, w.generation)
        JOIN events e ON e.id = d.event_id
        LEFT JOIN waitlist_totals list ON list.waitlist_id = e.waitlist_id
        LEFT JOIN entries person ON person.id = e.entry_id
        WHERE (e.waitlist_id IS NULL OR list.waitlist_id IS NOT NULL) AND (e.entry_id IS NULL OR person.id IS NOT NULL)
        ORDER BY d.due_at, d.event_id"
    }
}

statement! {
    /// Holds claimed deliveries: they are never sent.
    Hold {
        "UPDATE deliveries d SET state = 'held' FROM unnest("
        events: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        webhooks: Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (event_id, webhook_id)
        WHERE d.webhook_id = asked.webhook_id AND d.event_id = asked.event_id"
    }
}

statement! {
    /// Releases claimed deliveries. Without CASE the planner would look them up by their state, in the index of leases. Without
    /// OFFSET 0 the planner of a new database would read all webhooks.
    Release {
        "UPDATE deliveries d SET attempt = d.attempt - 1, due_at = "
        due_at: Timestamptz = OffsetDateTime, ",
            state = CASE WHEN w.active AND d.generation IN (-1, w.generation) THEN 'pending' ELSE 'held' END
        FROM unnest("
        events: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        webhooks: Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (event_id, webhook_id)
        CROSS JOIN LATERAL (SELECT active, generation FROM webhooks WHERE id = asked.webhook_id OFFSET 0) w
        WHERE d.webhook_id = asked.webhook_id AND d.event_id = asked.event_id
            AND CASE d.state WHEN 'running' THEN d.claim = "
        claim: sql_types::Uuid = Uuid, " END"
    }
}

statement! {
    /// Ends claims whose lease has ended.
    Reap {
        "WITH lost AS MATERIALIZED (
            SELECT event_id, webhook_id FROM deliveries WHERE state = 'running' AND lease_until < "
        now: Timestamptz = OffsetDateTime, "
            ORDER BY lease_until LIMIT 10000 FOR UPDATE SKIP LOCKED
        )
        UPDATE deliveries d SET due_at = "
        due_at: Timestamptz = OffsetDateTime, ", state = CASE
            WHEN d.attempt >= "
        attempts: sql_types::Integer = i32, " THEN 'dead'
            WHEN w.active AND d.generation IN (-1, w.generation) THEN 'pending'
            ELSE 'held' END
        FROM lost LEFT JOIN webhooks w ON w.id = lost.webhook_id
        WHERE d.webhook_id = lost.webhook_id AND d.event_id = lost.event_id"
    }
}

statement! {
    /// Locks some deliveries. Each is named with its webhook, though that is the same for all: with one webhook for all of them the
    /// planner of a new database would read all deliveries to that webhook.
    LockDeliveries {
        "SELECT d.event_id, d.state, d.claim, d.generation FROM unnest("
        events: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        webhooks: Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (event_id, webhook_id)
        JOIN deliveries d ON d.event_id = asked.event_id AND d.webhook_id = asked.webhook_id FOR UPDATE OF d"
    }
}

#[derive(QueryableByName)]
struct LockedRow {
    #[diesel(sql_type = sql_types::Uuid)]
    event_id: Uuid,
    #[diesel(sql_type = sql_types::Text)]
    state: String,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    claim: Option<Uuid>,
    #[diesel(sql_type = sql_types::BigInt)]
    generation: i64,
}

statement! {
    /// Writes the state of deliveries after their attempts.
    WriteVerdicts {
        "UPDATE deliveries d SET state = verdict.state, due_at = coalesce(verdict.due_at, d.due_at) FROM unnest("
        events: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        webhooks: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        states: Array<sql_types::Text> = Vec<&'static str>, ", "
        due_at: Array<Nullable<Timestamptz>> = Vec<Option<OffsetDateTime>>, ") AS verdict (event_id, webhook_id, state, due_at)
        WHERE d.event_id = verdict.event_id AND d.webhook_id = verdict.webhook_id"
    }
}

statement! {
    /// The oldest events from before an instant that have no pending or running delivery. Without OFFSET 0 the planner would read
    /// all such deliveries.
    FinishedEvents {
        "SELECT e.id FROM events e WHERE e.occurred_at < "
        before: Timestamptz = OffsetDateTime, "
            AND NOT EXISTS (
                SELECT FROM (SELECT state FROM deliveries WHERE event_id = e.id OFFSET 0) d WHERE d.state IN ('pending', 'running')
            )
        ORDER BY e.occurred_at LIMIT "
        most: sql_types::BigInt = i64, ""
    }
}

statement! {
    /// Deletes events with their deliveries.
    DeleteEvents {
        "DELETE FROM events e USING unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS old (id) WHERE e.id = old.id"
    }
}

statement! {
    /// Deletes rows of the log of attempts.
    DeleteAttempts {
        "DELETE FROM attempts a USING unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS old (id) WHERE a.id = old.id"
    }
}

/// Deletes some rows of the log of attempts.
pub(crate) async fn delete_attempts(mut c: &AsyncPgConnection, ids: Vec<Uuid>) -> QueryResult<usize> {
    DeleteAttempts { ids }.execute(&mut c).await
}

/// Deletes some events with their deliveries.
async fn delete_events(mut c: &AsyncPgConnection, ids: Vec<Uuid>) -> QueryResult<usize> {
    DeleteEvents { ids }.execute(&mut c).await
}

/// Like [`BEGIN_PASSING`], with a short wait for a webhook that is being changed or deleted. Its attempts are settled later, and
/// the attempts of other webhooks do not wait for it.
const BEGIN_SETTLING: &str = "BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = '50ms'";

#[async_trait]
impl DeliveryQueue for PgStore {
    async fn events(&self, limit: usize) -> Result<Vec<Event>, Fault> {
        let mut c = self.connection().await?;
        let query = events::table.order((events::occurred_at, events::id)).limit(to_bigint(limit as u64)).select(EventRow::as_select());
        let rows: Vec<EventRow> = query.load(&mut c).await.map_err(query_fault)?;
        rows.into_iter().map(Event::try_from).collect()
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<WebhookId>, Fault> {
        let look = DueLanes { now: now.instant() };
        let lanes: Vec<LaneRow> = look.load(&mut self.connection().await?).await.map_err(query_fault)?;
        Ok(lanes.into_iter().map(|row| WebhookId::new(row.lane)).collect())
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedDelivery>, Fault> {
        let rows: Result<Vec<ClaimRow>, CommandError<Infallible>> = transaction!(self, BEGIN_PASSING, |c| Ok(claim(c, &request).await?));
        let (known, newer): (Vec<ClaimRow>, Vec<ClaimRow>) = rows?.into_iter().partition(ClaimRow::is_known);
        if !newer.is_empty() {
            let keys = newer.iter().map(|row| (EventId::new(row.event_id), WebhookId::new(row.webhook_id))).collect();
            self.release(request.claim, keys, request.now.plus(LEFT_FOR_NEWER)).await?;
        }
        // A row that cannot be read must not stop the others. It ends after its attempts.
        let unread = |fault: &Fault| tracing::error!(cause = %fault, "a delivery cannot be read");
        Ok(known.into_iter().filter_map(|row| row.into_delivery().inspect_err(unread).ok()).collect())
    }

    async fn confirm(&self, claimed: Vec<(ClaimId, EventId, WebhookId)>, now: Timestamp) -> Result<Vec<ClaimedDelivery>, Fault> {
        let keys = claimed.iter().map(|(claim, event, webhook)| (claim.uuid(), event.uuid(), webhook.uuid()));
        let rows = load(&*self.connection().await?, keys, now).await.map_err(query_fault)?;
        Ok(rows.into_iter().filter_map(|row| row.into_delivery().ok()).collect())
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
        let (events, webhooks) = deliveries.iter().map(|(event, webhook)| (event.uuid(), webhook.uuid())).unzip();
        let release = Release { due_at: due_at.instant(), events, webhooks, claim: claim.uuid() };
        release.execute(&mut self.connection().await?).await.map(|_| ()).map_err(query_fault)
    }

    async fn reap(&self, now: Timestamp, attempts: u32) -> Result<u64, Fault> {
        let attempts = i32::try_from(attempts).unwrap_or(i32::MAX);
        let reap = Reap { now: now.instant(), due_at: now.instant(), attempts };
        reap.execute(&mut self.connection().await?).await.map(|rows| rows as u64).map_err(query_fault)
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let (before, most) = (before.instant(), to_bigint(most as u64));
        let outcome: Result<u64, CommandError<Infallible>> = transaction!(self, |c| {
            let old = attempts::table.filter(attempts::created_at.lt(before)).order(attempts::created_at).limit(most);
            let old: Vec<Uuid> = old.select(attempts::id).load(c).await?;
            let log = delete_attempts(c, old).await?;
            let old: Vec<IdRow> = FinishedEvents { before, most }.load(c).await?;
            let finished = delete_events(c, old.into_iter().map(|row| row.id).collect()).await?;
            Ok((log + finished) as u64)
        });
        Ok(outcome?)
    }

    async fn depth(&self) -> Result<QueueDepth, Fault> {
        let mut c = self.connection().await?;
        depth(&mut c, "deliveries").await.map_err(query_fault)
    }
}

impl PgStore {
    /// Settles the attempts of one webhook.
    async fn settle_one(&self, id: WebhookId, attempts: &[SettleDelivery], policy: &DeliveryPolicy) -> Result<usize, Fault> {
        let outcome: Result<usize, CommandError<Infallible>> =
            transaction!(self, BEGIN_SETTLING, |c| settle(c, id, attempts, policy).await);
        Ok(outcome?)
    }
}

/// Claims some shares and returns the deliveries to send. It holds the rest.
async fn claim(c: &mut AsyncPgConnection, request: &ClaimRequest) -> QueryResult<Vec<ClaimRow>> {
    let claim = Claim {
        webhooks: request.shares.iter().map(|(id, _)| id.uuid()).collect(),
        shares: request.shares.iter().map(|(_, share)| to_bigint(*share as u64)).collect(),
        now: request.now.instant(),
        claim: request.claim.uuid(),
        lease_until: request.lease_until.instant(),
    };
    let claimed: Vec<KeyRow> = claim.load(c).await?;
    let keys = claimed.iter().map(|row| (request.claim.uuid(), row.event_id, row.webhook_id));
    let rows = load(c, keys, request.now).await?;
    if rows.len() < claimed.len() {
        let sent: HashSet<_> = rows.iter().map(ClaimRow::key).collect();
        let dropped = claimed.iter().map(|row| (row.event_id, row.webhook_id)).filter(|key| !sent.contains(key));
        let (events, webhooks) = dropped.unzip();
        Hold { events, webhooks }.execute(c).await?;
    }
    Ok(rows)
}

async fn load(mut c: &AsyncPgConnection, keys: impl Iterator<Item = (Uuid, Uuid, Uuid)>, now: Timestamp) -> QueryResult<Vec<ClaimRow>> {
    let (claims, events, webhooks) = keys.collect();
    Load { now: now.instant(), claims, events, webhooks }.load(&mut c).await
}

/// Settles the attempts of one webhook in their order, under the lock of its row.
async fn settle<R>(c: &mut AsyncPgConnection, id: WebhookId, tried: &[SettleDelivery], policy: &DeliveryPolicy) -> Result<usize, Abort<R>> {
    let query = webhooks::table.find(id.uuid()).select(WebhookRow::as_select()).for_no_key_update();
    let Some(row) = query.first(c).await.optional()? else { return Ok(0) };
    let mut webhook = Webhook::try_from(row)?;
    let generation = webhook.generation;
    let mut claimed = lock_claimed(c, id, tried).await?;
    let (mut verdicts, mut log) = (Vec::new(), Vec::new());
    for attempt in tried {
        let event = attempt.event_id.uuid();
        let Some(written_for) = claimed.remove(&(event, attempt.claim.uuid())) else { continue };
        let plan: SettlePlan = attempt.decide(webhook, written_for, policy);
        webhook = plan.webhook;
        log.push(AttemptRow::from(plan.attempt));
        verdicts.push((event, plan.verdict.state().as_str(), plan.verdict.due_at().map(Timestamp::instant)));
    }
    if log.is_empty() {
        return Ok(0);
    }
    let webhooks = vec![id.uuid(); verdicts.len()];
    let (events, states, due_at) = verdicts.into_iter().collect();
    WriteVerdicts { events, webhooks, states, due_at }.execute(c).await?;
    if webhook.generation != generation {
        purges::hold(c, id).await?;
    }
    webhook_rows::write(c, &webhook).await?;
    let settled = log.len();
    diesel::insert_into(attempts::table).values(log).execute(c).await?;
    Ok(settled)
}

/// The attempts whose claim still holds, by event and claim, with the generation of the webhook that each delivery was written
/// for.
async fn lock_claimed(
    c: &mut AsyncPgConnection,
    id: WebhookId,
    tried: &[SettleDelivery],
) -> QueryResult<HashMap<(Uuid, Uuid), Option<u64>>> {
    let events = tried.iter().map(|attempt| attempt.event_id.uuid()).collect();
    let lock = LockDeliveries { events, webhooks: vec![id.uuid(); tried.len()] };
    let rows: Vec<LockedRow> = lock.load(c).await?;
    let running = rows.into_iter().filter(|row| row.state == JobState::Running.as_str());
    Ok(running.filter_map(|row| Some(((row.event_id, row.claim?), u64::try_from(row.generation).ok()))).collect())
}

/// A claimed delivery, with the values of its webhook and event that a sender needs.
#[derive(QueryableByName)]
struct ClaimRow {
    #[diesel(sql_type = sql_types::Uuid)]
    event_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    webhook_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    claim: Uuid,
    #[diesel(sql_type = sql_types::Integer)]
    attempt: i32,
    #[diesel(sql_type = sql_types::Text)]
    url: String,
    #[diesel(sql_type = sql_types::Binary)]
    secret: Vec<u8>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Binary>)]
    previous_secret: Option<Vec<u8>>,
    #[diesel(sql_type = sql_types::Text)]
    kind: String,
    #[diesel(sql_type = sql_types::Text)]
    body: String,
}

impl ClaimRow {
    fn is_known(&self) -> bool {
        EventKind::is_known(&self.kind)
    }

    const fn key(&self) -> (Uuid, Uuid) {
        (self.event_id, self.webhook_id)
    }

    fn into_delivery(self) -> Result<ClaimedDelivery, Fault> {
        Ok(ClaimedDelivery {
            claim: ClaimId::new(self.claim),
            attempt: u32::try_from(self.attempt).unwrap_or(0),
            webhook_id: WebhookId::new(self.webhook_id),
            url: WebhookUrl::parse(&self.url).map_err(corrupt("webhook url"))?,
            secrets: SealedSecrets { current: SealedSecret::new(self.secret), previous: self.previous_secret.map(SealedSecret::new) },
            event_id: EventId::new(self.event_id),
            kind: EventKind::parse(&self.kind).map_err(corrupt("event kind"))?,
            body: self.body,
        })
    }
}
