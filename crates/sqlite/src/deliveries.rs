//! [`DeliveryQueue`] on SQLite.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types;
use rally_domain::delivery::{ClaimedDelivery, SettleDelivery};
use rally_domain::error::{CommandError, Fault};
use rally_domain::event::{Event, EventKind};
use rally_domain::id::{ClaimId, EventId, WebhookId};
use rally_domain::port::DeliveryQueue;
use rally_domain::queue::{ClaimRequest, JobState, LEFT_FOR_NEWER, QueueDepth};
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::{DeliveryPolicy, SealedSecret, SealedSecrets, Webhook, WebhookUrl};

use crate::attempts::AttemptRow;
use crate::condition::Condition;
use crate::convert::{Blob, corrupt, to_bigint};
use crate::events::EventRow;
use crate::fault::{Abort, query_fault};
use crate::queue::Queue;
use crate::schema::{attempts, deliveries, events, webhooks};
use crate::webhooks::WebhookRow;
use crate::{SqliteStore, counters, purges, unbroken, webhooks as webhook_rows};

/// The active webhooks with due deliveries. The statement hops from one webhook to the next in the index of a claim, so the rows
/// that wait for one webhook cost another nothing. The DSL has no recursion.
const LANES: &str = "
WITH RECURSIVE lanes (webhook_id) AS (
    SELECT min(webhook_id) FROM deliveries WHERE state = 'pending'
    UNION ALL
    SELECT (SELECT min(d.webhook_id) FROM deliveries d WHERE d.state = 'pending' AND d.webhook_id > l.webhook_id)
    FROM lanes l WHERE l.webhook_id IS NOT NULL
)
SELECT l.webhook_id FROM lanes l JOIN webhooks w ON w.id = l.webhook_id AND w.active
WHERE EXISTS (SELECT 1 FROM deliveries d
        WHERE d.webhook_id = l.webhook_id AND d.generation = w.generation AND d.state = 'pending' AND d.due_at <= ?1)
    OR EXISTS (SELECT 1 FROM deliveries d
        WHERE d.webhook_id = l.webhook_id AND d.generation = -1 AND d.state = 'pending' AND d.due_at <= ?1)";

#[async_trait]
impl DeliveryQueue for SqliteStore {
    async fn events(&self, limit: usize) -> Result<Vec<Event>, Fault> {
        self.database
            .read(move |c| {
                let query =
                    events::table.order((events::occurred_at, events::id)).limit(to_bigint(limit as u64)).select(EventRow::as_select());
                let rows: Vec<EventRow> = query.load(c).map_err(query_fault)?;
                rows.into_iter().map(Event::try_from).collect()
            })
            .await
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<WebhookId>, Fault> {
        let due = self.database.read(move |c| {
            let lanes: Vec<Lane> = diesel::sql_query(LANES).bind::<sql_types::BigInt, _>(now.unix_millis()).load(c).map_err(query_fault)?;
            Ok(lanes.into_iter().map(|lane| WebhookId::new(lane.webhook_id.0)).collect())
        });
        due.await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedDelivery>, Fault> {
        Ok(self.database.write::<_, Infallible>(move |c| claim(c, &request)).await?)
    }

    async fn confirm(&self, claimed: Vec<(ClaimId, EventId, WebhookId)>, now: Timestamp) -> Result<Vec<ClaimedDelivery>, Fault> {
        let confirmed = self.database.read(move |c| {
            let mut rows = Vec::with_capacity(claimed.len());
            for (claim, event, webhook) in claimed {
                rows.extend(load(c, claim, Blob(event.uuid()), Blob(webhook.uuid()), now).map_err(query_fault)?.map(|row| (claim, row)));
            }
            Ok(rows)
        });
        Ok(confirmed.await?.into_iter().filter_map(|(claim, row)| row.into_delivery(claim).ok()).collect())
    }

    async fn settle(&self, attempts: Vec<SettleDelivery>, policy: DeliveryPolicy) -> Result<usize, Fault> {
        let settled = self.database.write::<_, Infallible>(move |c| {
            let (mut settled, mut failed) = (0, None);
            for attempt in &attempts {
                // Each attempt is settled completely or not at all, and none stops the others.
                match c.transaction(|c| unbroken(|| settle(c, attempt, &policy))) {
                    Ok(more) => settled += usize::from(more),
                    Err(abort) => failed = Some(Fault::from(CommandError::from(abort))),
                }
            }
            Ok((settled, failed))
        });
        let (settled, failed) = settled.await?;
        failed.map_or(Ok(settled), Err)
    }

    async fn release(&self, claim: ClaimId, deliveries: Vec<(EventId, WebhookId)>, due_at: Timestamp) -> Result<(), Fault> {
        let released = self.database.write::<_, Infallible>(move |c| {
            for (event, webhook) in &deliveries {
                release(c, claim, Blob(event.uuid()), Blob(webhook.uuid()), due_at)?;
            }
            Ok(())
        });
        Ok(released.await?)
    }

    async fn reap(&self, now: Timestamp, attempts: u32) -> Result<u64, Fault> {
        let (now, most) = (now.unix_millis(), i32::try_from(attempts).unwrap_or(i32::MAX));
        let reaped = self.database.write::<_, Infallible>(move |c| {
            let lost = deliveries::table.filter(Condition("state = 'running'").and(deliveries::lease_until.lt(now))).select((
                deliveries::event_id,
                deliveries::webhook_id,
                deliveries::attempt,
            ));
            let lost: Vec<(Blob, Blob, i32)> = lost.load(c)?;
            for (event, webhook, attempt) in &lost {
                if *attempt >= most {
                    let delivery = deliveries::table.find((*event, *webhook));
                    diesel::update(delivery).set(deliveries::state.eq(JobState::Dead.as_str())).execute(c)?;
                } else {
                    give_back(c, *event, *webhook, now)?;
                }
            }
            Ok(lost.len() as u64)
        });
        Ok(reaped.await?)
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let (before, most) = (before.unix_millis(), to_bigint(most as u64));
        let pruned = self.database.write::<_, Infallible>(move |c| {
            let old = attempts::table.filter(attempts::created_at.lt(before)).order(attempts::created_at).limit(most);
            let old: Vec<Blob> = old.select(attempts::id).load(c)?;
            let log = diesel::delete(attempts::table.filter(attempts::id.eq_any(old))).execute(c)?;
            let unfinished = deliveries::table.filter(
                deliveries::event_id
                    .eq(events::id)
                    .and(deliveries::state.eq_any([JobState::Pending, JobState::Running].map(JobState::as_str))),
            );
            let old = events::table
                .filter(events::occurred_at.lt(before).and(diesel::dsl::not(diesel::dsl::exists(unfinished))))
                .order((events::occurred_at, events::id))
                .limit(most);
            let old: Vec<Blob> = old.select(events::id).load(c)?;
            let finished = diesel::delete(events::table.filter(events::id.eq_any(old))).execute(c)?;
            Ok((log + finished) as u64)
        });
        Ok(pruned.await?)
    }

    async fn depth(&self) -> Result<QueueDepth, Fault> {
        self.database.read(|c| DELIVERIES.depth(c)).await
    }
}

/// Deliveries as jobs: a webhook is a lane.
const DELIVERIES: Queue = Queue { table: "deliveries", lane: "webhook_id" };

#[derive(QueryableByName)]
struct Lane {
    #[diesel(sql_type = sql_types::Binary)]
    webhook_id: Blob,
}

/// The generation of a delivery that was written by a program without generations.
pub(crate) const UNKNOWN: i64 = -1;

fn claim(c: &mut SqliteConnection, request: &ClaimRequest) -> Result<Vec<ClaimedDelivery>, Abort<Infallible>> {
    let mut claimed = Vec::new();
    for (lane, share) in &request.shares {
        let rows = claim_lane(c, Blob(lane.uuid()), *share, request)?;
        let (known, newer): (Vec<ClaimRow>, Vec<ClaimRow>) = rows.into_iter().partition(ClaimRow::is_known);
        for row in newer {
            release(c, request.claim, row.event_id, row.webhook_id, request.now.plus(LEFT_FOR_NEWER))?;
        }
        // A row that cannot be read must not stop the others. It ends after its attempts.
        let unread = |fault: &Fault| tracing::error!(cause = %fault, "a delivery cannot be read");
        claimed.extend(known.into_iter().filter_map(|row| row.into_delivery(request.claim).inspect_err(unread).ok()));
    }
    Ok(claimed)
}

/// Gives a delivery back without an attempt, if the claim holds.
fn release(c: &mut SqliteConnection, claim: ClaimId, event: Blob, webhook: Blob, due_at: Timestamp) -> QueryResult<()> {
    if claimed_for(c, claim, event, webhook)?.is_some() {
        let untried = deliveries::attempt.eq(deliveries::attempt - 1);
        diesel::update(deliveries::table.find((event, webhook))).set(untried).execute(c)?;
        give_back(c, event, webhook, due_at.unix_millis())?;
    }
    Ok(())
}

/// Claims the share of a webhook and returns the deliveries to send. It holds the rest.
fn claim_lane(c: &mut SqliteConnection, webhook: Blob, share: usize, request: &ClaimRequest) -> QueryResult<Vec<ClaimRow>> {
    let mut rows = Vec::new();
    let active = webhooks::table.find(webhook).filter(webhooks::active.eq(true)).select(webhooks::generation);
    let Some(generation) = active.first::<i64>(c).optional()? else { return Ok(rows) };
    for generation in [generation, UNKNOWN] {
        let due = deliveries::table
            .filter(deliveries::webhook_id.eq(webhook).and(deliveries::generation.eq(generation)))
            .filter(Condition("state = 'pending'").and(deliveries::due_at.le(request.now.unix_millis())))
            .order((deliveries::due_at, deliveries::event_id))
            .limit(to_bigint(share as u64))
            .select(deliveries::event_id);
        for event in due.load::<Blob>(c)? {
            let running = (
                deliveries::state.eq(JobState::Running.as_str()),
                deliveries::attempt.eq(deliveries::attempt + 1),
                deliveries::claim.eq(Blob(request.claim.uuid())),
                deliveries::lease_until.eq(request.lease_until.unix_millis()),
            );
            diesel::update(deliveries::table.find((event, webhook))).set(running).execute(c)?;
            match load(c, request.claim, event, webhook, request.now)? {
                Some(row) => rows.push(row),
                None => {
                    let held = deliveries::state.eq(JobState::Held.as_str());
                    diesel::update(deliveries::table.find((event, webhook))).set(held).execute(c)?;
                }
            }
        }
    }
    Ok(rows)
}

/// The attempt and the generation of a delivery, if this claim holds it.
fn claimed_for(c: &mut SqliteConnection, claim: ClaimId, event: Blob, webhook: Blob) -> QueryResult<Option<(i32, i64)>> {
    let mine = deliveries::state.eq(JobState::Running.as_str()).and(deliveries::claim.eq(Blob(claim.uuid())));
    let query = deliveries::table.find((event, webhook)).filter(mine).select((deliveries::attempt, deliveries::generation));
    query.first(c).optional()
}

/// Whether a webhook still gets the deliveries of one of its generations.
fn is_current(c: &mut SqliteConnection, webhook: Blob, generation: i64) -> QueryResult<bool> {
    let query = webhooks::table.find(webhook).filter(webhooks::active.eq(true)).select(webhooks::generation);
    let current: Option<i64> = query.first(c).optional()?;
    Ok(current.is_some_and(|current| generation == current || generation == UNKNOWN))
}

/// Makes a delivery due again, or holds it if its generation is no longer current.
fn give_back(c: &mut SqliteConnection, event: Blob, webhook: Blob, due_at: i64) -> QueryResult<usize> {
    let delivery = || deliveries::table.find((event, webhook));
    let generation: i64 = delivery().select(deliveries::generation).first(c)?;
    let state = if is_current(c, webhook, generation)? { JobState::Pending } else { JobState::Held };
    diesel::update(delivery()).set((deliveries::state.eq(state.as_str()), deliveries::due_at.eq(due_at))).execute(c)
}

/// A claimed delivery with the present values that a sender needs, or `None` if it must not be sent any more.
fn load(c: &mut SqliteConnection, claim: ClaimId, event: Blob, webhook: Blob, now: Timestamp) -> QueryResult<Option<ClaimRow>> {
    let Some((attempt, generation)) = claimed_for(c, claim, event, webhook)? else { return Ok(None) };
    if !is_current(c, webhook, generation)? {
        return Ok(None);
    }
    let query = events::table.find(event).select((events::kind, events::body, events::waitlist_id));
    let Some((kind, body, list)) = query.first::<(String, String, Option<Blob>)>(c).optional()? else { return Ok(None) };
    if let Some(list) = list
        && !counters::is_there(c, list)?
    {
        return Ok(None);
    }
    let query =
        webhooks::table.find(webhook).select((webhooks::url, webhooks::secret, webhooks::previous_secret, webhooks::previous_secret_until));
    let (url, secret, previous, until): (String, Vec<u8>, Option<Vec<u8>>, Option<i64>) = query.first(c)?;
    let previous_secret = previous.filter(|_| until.is_some_and(|until| until > now.unix_millis()));
    Ok(Some(ClaimRow { event_id: event, webhook_id: webhook, attempt, url, secret, previous_secret, kind, body }))
}

/// Settles an attempt, if its claim still holds.
fn settle(c: &mut SqliteConnection, tried: &SettleDelivery, policy: &DeliveryPolicy) -> Result<bool, Abort<Infallible>> {
    let (event, id) = (Blob(tried.event_id.uuid()), Blob(tried.webhook_id.uuid()));
    let Some((_, written_for)) = claimed_for(c, tried.claim, event, id)? else { return Ok(false) };
    let query = webhooks::table.find(id).select(WebhookRow::as_select());
    let Some(row) = query.first(c).optional()? else { return Ok(false) };
    let webhook = Webhook::try_from(row)?;
    let generation = webhook.generation;
    let plan = tried.decide(webhook, u64::try_from(written_for).ok(), policy);
    let due = plan.verdict.due_at().map(|due_at| deliveries::due_at.eq(due_at.unix_millis()));
    let state = deliveries::state.eq(plan.verdict.state().as_str());
    diesel::update(deliveries::table.find((event, id))).set((state, due)).execute(c)?;
    if plan.webhook.generation != generation {
        purges::hold(c, plan.webhook.id)?;
    }
    webhook_rows::write(c, &plan.webhook)?;
    diesel::insert_into(attempts::table).values(AttemptRow::from(plan.attempt)).execute(c)?;
    Ok(true)
}

/// A claimed delivery, with the values of its webhook and event that a sender needs.
struct ClaimRow {
    event_id: Blob,
    webhook_id: Blob,
    attempt: i32,
    url: String,
    secret: Vec<u8>,
    previous_secret: Option<Vec<u8>>,
    kind: String,
    body: String,
}

impl ClaimRow {
    fn is_known(&self) -> bool {
        EventKind::is_known(&self.kind)
    }

    fn into_delivery(self, claim: ClaimId) -> Result<ClaimedDelivery, Fault> {
        Ok(ClaimedDelivery {
            claim,
            attempt: u32::try_from(self.attempt).unwrap_or(0),
            webhook_id: WebhookId::new(self.webhook_id.0),
            url: WebhookUrl::parse(&self.url).map_err(corrupt("webhook url"))?,
            secrets: SealedSecrets { current: SealedSecret::new(self.secret), previous: self.previous_secret.map(SealedSecret::new) },
            event_id: EventId::new(self.event_id.0),
            kind: EventKind::parse(&self.kind).map_err(corrupt("event kind"))?,
            body: self.body,
        })
    }
}
