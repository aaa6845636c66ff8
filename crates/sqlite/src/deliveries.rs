//! [`DeliveryQueue`] on SQLite.

use std::collections::HashSet;
use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types;
use rally_domain::delivery::{ClaimedDelivery, SettleDelivery, Verdict};
use rally_domain::error::{CommandError, Fault};
use rally_domain::event::Event;
use rally_domain::id::{ClaimId, EventId, WebhookId};
use rally_domain::ports::{ClaimRequest, DeliveryQueue, QueueDepth};
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::{DeliveryPolicy, Webhook};

use crate::fault::{Abort, query_fault};
use crate::rows::{AttemptRow, Blob, ClaimRow, EventRow, WebhookRow, from_bigint, instant, to_bigint};
use crate::schema::{attempts, deliveries, events, webhooks};
use crate::webhooks as webhook_rows;
use crate::{SqliteStore, unbroken};

/// The webhooks that something waits for, found by hopping from one to the next in the index of a claim: rows that wait for
/// one webhook cost another nothing. The DSL has no recursion.
const LANES: &str = "
WITH RECURSIVE lanes (webhook_id) AS (
    SELECT min(webhook_id) FROM deliveries WHERE state = 'pending'
    UNION ALL
    SELECT (SELECT min(d.webhook_id) FROM deliveries d WHERE d.state = 'pending' AND d.webhook_id > l.webhook_id)
    FROM lanes l WHERE l.webhook_id IS NOT NULL
)
SELECT l.webhook_id FROM lanes l JOIN webhooks w ON w.id = l.webhook_id AND w.active
ORDER BY l.webhook_id <= ?1, l.webhook_id";

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

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedDelivery>, Fault> {
        // Looking costs no write: most looks find nothing.
        let now = request.now.unix_millis();
        let due = deliveries::table.filter(deliveries::state.eq("pending").and(deliveries::due_at.le(now)));
        let any = self.database.read(move |c| diesel::select(diesel::dsl::exists(due)).get_result::<bool>(c).map_err(query_fault));
        if !any.await? {
            return Ok(Vec::new());
        }
        Ok(self.database.write::<_, Infallible>(move |c| claim(c, &request)).await?)
    }

    async fn settle(&self, attempts: Vec<SettleDelivery>, policy: DeliveryPolicy) -> Result<usize, Fault> {
        let settled = self.database.write::<_, Infallible>(move |c| {
            let (mut settled, mut failed) = (0, None);
            for attempt in &attempts {
                // Each is whole or not at all, and none is in the way of the others.
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
                let mine = deliveries::table
                    .find((Blob(event.uuid()), Blob(webhook.uuid())))
                    .filter(deliveries::state.eq("running").and(deliveries::claim.eq(Blob(claim.uuid()))));
                let untried = (
                    deliveries::state.eq("pending"),
                    deliveries::attempt.eq(deliveries::attempt - 1),
                    deliveries::due_at.eq(due_at.unix_millis()),
                );
                diesel::update(mine).set(untried).execute(c)?;
            }
            Ok(())
        });
        Ok(released.await?)
    }

    async fn reap(&self, now: Timestamp, attempts: u32) -> Result<u64, Fault> {
        let (now, most) = (now.unix_millis(), i32::try_from(attempts).unwrap_or(i32::MAX));
        let reaped = self.database.write::<_, Infallible>(move |c| {
            let lost = || deliveries::table.filter(deliveries::state.eq("running").and(deliveries::lease_until.lt(now)));
            let dead = diesel::update(lost().filter(deliveries::attempt.ge(most))).set(deliveries::state.eq("dead")).execute(c)?;
            let again = (deliveries::state.eq("pending"), deliveries::due_at.eq(now));
            let freed = diesel::update(lost()).set(again).execute(c)?;
            Ok((dead + freed) as u64)
        });
        Ok(reaped.await?)
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let (before, most) = (before.unix_millis(), to_bigint(most as u64));
        let pruned = self.database.write::<_, Infallible>(move |c| {
            let old = attempts::table.filter(attempts::created_at.lt(before)).order(attempts::created_at).limit(most);
            let old: Vec<Blob> = old.select(attempts::id).load(c)?;
            let log = diesel::delete(attempts::table.filter(attempts::id.eq_any(old))).execute(c)?;
            let unfinished =
                deliveries::table.filter(deliveries::event_id.eq(events::id).and(deliveries::state.eq_any(["pending", "running"])));
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
        self.database
            .read(|c| {
                let waiting = deliveries::table.filter(deliveries::state.eq("pending"));
                let query = waiting.select((diesel::dsl::count_star(), diesel::dsl::min(deliveries::due_at)));
                let (pending, oldest): (i64, Option<i64>) = query.first(c).map_err(query_fault)?;
                let running = deliveries::table.filter(deliveries::state.eq("running")).count();
                let running: i64 = running.get_result(c).map_err(query_fault)?;
                Ok(QueueDepth {
                    pending: from_bigint(pending + running),
                    running: from_bigint(running),
                    oldest_due_at: oldest.map(instant).transpose()?,
                })
            })
            .await
    }
}

#[derive(QueryableByName)]
struct Lane {
    #[diesel(sql_type = sql_types::Binary)]
    webhook_id: Blob,
}

fn claim(c: &mut SqliteConnection, request: &ClaimRequest) -> Result<Vec<ClaimedDelivery>, Abort<Infallible>> {
    let after = Blob(request.after.map_or(uuid::Uuid::nil(), WebhookId::uuid));
    let lanes: Vec<Lane> = diesel::sql_query(LANES).bind::<sql_types::Binary, _>(after).load(c)?;
    let busy: HashSet<_> = request.busy.iter().map(|id| id.uuid()).collect();
    let mut claimed = Vec::new();
    for lane in lanes.iter().filter(|lane| !busy.contains(&lane.webhook_id.0)) {
        let room = request.per_lane.min(request.most - claimed.len());
        if room == 0 {
            break;
        }
        // A row that cannot be read is not in the way of the others: it ends after its attempts.
        let rows = claim_lane(c, lane.webhook_id, room, request)?;
        claimed.extend(rows.into_iter().filter_map(|row| row.into_delivery(request.claim).ok()));
    }
    Ok(claimed)
}

fn claim_lane(c: &mut SqliteConnection, webhook: Blob, room: usize, request: &ClaimRequest) -> QueryResult<Vec<ClaimRow>> {
    let due = deliveries::table
        .filter(deliveries::webhook_id.eq(webhook).and(deliveries::state.eq("pending")))
        .filter(deliveries::due_at.le(request.now.unix_millis()))
        .order((deliveries::due_at, deliveries::event_id))
        .limit(to_bigint(room as u64))
        .select((deliveries::event_id, deliveries::attempt));
    let due: Vec<(Blob, i32)> = due.load(c)?;
    let query =
        webhooks::table.find(webhook).select((webhooks::url, webhooks::secret, webhooks::previous_secret, webhooks::previous_secret_until));
    let (url, secret, previous, until): (String, Vec<u8>, Option<Vec<u8>>, Option<i64>) = query.first(c)?;
    let previous_secret = previous.filter(|_| until.is_some_and(|until| until > request.now.unix_millis()));
    let mut rows = Vec::with_capacity(due.len());
    for (event_id, tried) in due {
        let attempt = tried + 1;
        let running = (
            deliveries::state.eq("running"),
            deliveries::attempt.eq(attempt),
            deliveries::claim.eq(Blob(request.claim.uuid())),
            deliveries::lease_until.eq(request.lease_until.unix_millis()),
        );
        diesel::update(deliveries::table.find((event_id, webhook))).set(running).execute(c)?;
        let (kind, body) = events::table.find(event_id).select((events::kind, events::body)).first(c)?;
        let (url, secret, previous_secret) = (url.clone(), secret.clone(), previous_secret.clone());
        rows.push(ClaimRow { event_id, webhook_id: webhook, attempt, url, secret, previous_secret, kind, body });
    }
    Ok(rows)
}

/// Settles an attempt, if its claim still stands.
fn settle(c: &mut SqliteConnection, tried: &SettleDelivery, policy: &DeliveryPolicy) -> Result<bool, Abort<Infallible>> {
    let delivery = || deliveries::table.find((Blob(tried.event_id.uuid()), Blob(tried.webhook_id.uuid())));
    let mine = deliveries::state.eq("running").and(deliveries::claim.eq(Blob(tried.claim.uuid())));
    let claimed: bool = diesel::select(diesel::dsl::exists(delivery().filter(mine))).get_result(c)?;
    let query = webhooks::table.find(Blob(tried.webhook_id.uuid())).select(WebhookRow::as_select());
    let Some(row) = query.first(c).optional()?.filter(|_| claimed) else { return Ok(false) };
    let webhook = Webhook::try_from(row)?;
    let was_active = webhook.active;
    let plan = tried.decide(webhook, policy);
    let ended = |c: &mut SqliteConnection, state: &str| diesel::update(delivery()).set(deliveries::state.eq(state)).execute(c);
    match plan.verdict {
        Verdict::Done => ended(c, "done")?,
        Verdict::Dead => ended(c, "dead")?,
        Verdict::Held => ended(c, "held")?,
        Verdict::RetryAt(due) => {
            let again = (deliveries::state.eq("pending"), deliveries::due_at.eq(due.unix_millis()));
            diesel::update(delivery()).set(again).execute(c)?
        }
    };
    if was_active && !plan.webhook.active {
        webhook_rows::hold(c, plan.webhook.id)?;
    }
    webhook_rows::write(c, &plan.webhook)?;
    diesel::insert_into(attempts::table).values(AttemptRow::from(plan.attempt)).execute(c)?;
    Ok(true)
}
