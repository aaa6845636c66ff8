//! Makes deliveries due again: the replays of [`WebhookStore`](rally_domain::port::WebhookStore).

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Text};
use diesel::sqlite::Sqlite;
use rally_domain::command::{ReplayDeliveries, ReplayPlan, ReplayState, ResendDelivery};
use rally_domain::event::EventKind;
use rally_domain::id::{EventId, WebhookId};
use rally_domain::queue::JobState;
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::MAX_REPLAYED;

use crate::convert::{Blob, to_bigint};
use crate::deliveries::UNKNOWN;
use crate::schema::{deliveries, entries, events, waitlist_totals, webhooks};
use crate::statement::statement;

statement! {
    /// The events of a period that were written for a webhook, without those of deleted lists and entries.
    Replayed -> Binary {
        "SELECT told.id FROM events told CROSS JOIN deliveries d ON d.event_id = told.id AND d.webhook_id = "
        webhook: Binary = Blob, "
        WHERE told.occurred_at >= "
        since: BigInt = i64, " AND told.occurred_at < "
        until: BigInt = i64, " AND told.workspace_id = "
        workspace: Binary = Blob, " AND told.kind IN (SELECT value FROM json_each("
        kinds: Text = String, "))
            AND (told.waitlist_id IS NULL OR EXISTS (SELECT 1 FROM waitlist_totals l WHERE l.waitlist_id = told.waitlist_id))
            AND (told.entry_id IS NULL OR EXISTS (SELECT 1 FROM entries p WHERE p.id = told.entry_id))
        ORDER BY told.occurred_at LIMIT "
        most: BigInt = i64, ""
    }
}

statement! {
    /// The same for dead deliveries, which are few. They were due after their event.
    ReplayedDead -> Binary {
        "SELECT told.id FROM deliveries d CROSS JOIN events told ON told.id = d.event_id
        WHERE d.state = 'dead' AND d.webhook_id = "
        webhook: Binary = Blob, " AND d.due_at >= "
        since: BigInt = i64, " AND told.occurred_at >= "
        from: BigInt = i64, " AND told.occurred_at < "
        until: BigInt = i64, " AND told.kind IN (SELECT value FROM json_each("
        kinds: Text = String, "))
            AND (told.waitlist_id IS NULL OR EXISTS (SELECT 1 FROM waitlist_totals l WHERE l.waitlist_id = told.waitlist_id))
            AND (told.entry_id IS NULL OR EXISTS (SELECT 1 FROM entries p WHERE p.id = told.entry_id))
        ORDER BY d.due_at LIMIT "
        most: BigInt = i64, ""
    }
}

/// The events that fit a replay, at most one more than it may have. This may take long, so the writer must not do it.
pub(crate) fn find(c: &mut SqliteConnection, command: &ReplayDeliveries) -> QueryResult<Vec<EventId>> {
    let (webhook, since, until) = (Blob(command.id.uuid()), command.since.unix_millis(), command.until.unix_millis());
    let kinds = command.kinds.as_deref().unwrap_or(&EventKind::ALL);
    let kinds = serde_json::json!(kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>()).to_string();
    let most = to_bigint(MAX_REPLAYED as u64 + 1);
    let found: Vec<Blob> = match command.state {
        ReplayState::Dead => ReplayedDead { webhook, since, from: since, until, kinds, most }.load(c)?,
        ReplayState::All => {
            let workspace = Blob(command.workspace_id.uuid());
            Replayed { webhook, since, until, workspace, kinds, most }.load(c)?
        }
    };
    Ok(found.into_iter().map(|id| EventId::new(id.0)).collect())
}

/// Those of some events that fit a replay now. Too many are not looked at: the command refuses them.
pub(crate) fn still_fit(c: &mut SqliteConnection, command: &ReplayDeliveries, found: Vec<EventId>) -> QueryResult<Vec<EventId>> {
    if found.len() > MAX_REPLAYED {
        return Ok(found);
    }
    let generation: Option<i64> = webhooks::table.find(Blob(command.id.uuid())).select(webhooks::generation).first(c).optional()?;
    let mut fit = Vec::with_capacity(found.len());
    for event in found {
        let delivery = deliveries::table.find((Blob(event.uuid()), Blob(command.id.uuid())));
        let state = delivery.filter(is_free(command.now, generation)).select(deliveries::state).first::<String>(c).optional()?;
        if state.is_some_and(|state| command.state.jobs().iter().any(|job| job.as_str() == state)) && has_subject(c, event)? {
            fit.push(event);
        }
    }
    Ok(fit)
}

/// Whether nobody is sending a delivery to a webhook of a generation: it does not run, its lease has ended, or it was claimed before the
/// webhook was switched, and is not sent any more.
fn is_free(now: Timestamp, generation: Option<i64>) -> Condition<deliveries::table> {
    let left = deliveries::lease_until.le(now.unix_millis()).assume_not_null();
    let switched = deliveries::generation.ne_all([Some(UNKNOWN), generation].into_iter().flatten());
    Box::new(deliveries::state.ne(JobState::Running.as_str()).or(left).or(switched))
}

type Condition<T> = Box<dyn BoxableExpression<T, Sqlite, SqlType = Bool>>;

/// The event that is resent, if it fits.
pub(crate) fn find_one(c: &mut SqliteConnection, command: &ResendDelivery) -> QueryResult<Vec<EventId>> {
    let fits = state_of(c, command.event_id, command.id)?.is_some() && has_subject(c, command.event_id)?;
    Ok(Vec::from_iter(fits.then_some(command.event_id)))
}

/// The state of the delivery of an event to a webhook.
fn state_of(c: &mut SqliteConnection, event: EventId, webhook: WebhookId) -> QueryResult<Option<String>> {
    deliveries::table.find((Blob(event.uuid()), Blob(webhook.uuid()))).select(deliveries::state).first(c).optional()
}

/// Whether an event exists, and its list and entry too, if it has any.
fn has_subject(c: &mut SqliteConnection, event: EventId) -> QueryResult<bool> {
    let subject = events::table.find(Blob(event.uuid())).select((events::waitlist_id, events::entry_id));
    let Some((waitlist, entry)) = subject.first::<(Option<Blob>, Option<Blob>)>(c).optional()? else { return Ok(false) };
    if let Some(list) = waitlist {
        let list = waitlist_totals::table.find(list).select(waitlist_totals::waitlist_id);
        if list.first::<Blob>(c).optional()?.is_none() {
            return Ok(false);
        }
    }
    let Some(entry) = entry else { return Ok(true) };
    Ok(entries::table.find(entry).select(entries::id).first::<Blob>(c).optional()?.is_some())
}

/// Makes the deliveries of a plan due, as if they had never been tried. Those that are being sent stay as they are. Returns how many.
pub(crate) fn write(c: &mut SqliteConnection, webhook: Blob, plan: &ReplayPlan) -> QueryResult<usize> {
    let mut due = 0;
    for event in &plan.events {
        let free = is_free(plan.due_at, Some(to_bigint(plan.generation)));
        let delivery = deliveries::table.find((Blob(event.uuid()), webhook)).filter(free);
        let change = (
            deliveries::state.eq(JobState::Pending.as_str()),
            deliveries::claim.eq(None::<Blob>),
            deliveries::lease_until.eq(None::<i64>),
            deliveries::attempt.eq(0),
            deliveries::due_at.eq(plan.due_at.unix_millis()),
            deliveries::generation.eq(to_bigint(plan.generation)),
        );
        due += diesel::update(delivery).set(change).execute(c)?;
    }
    Ok(due)
}
