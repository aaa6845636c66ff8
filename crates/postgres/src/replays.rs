//! Makes deliveries due again: the replays of [`WebhookStore`](rally_domain::port::WebhookStore).

use diesel::prelude::*;
use diesel::sql_types::{self, Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::command::{ReplayDeliveries, ReplayPlan, ReplayState, ResendDelivery};
use rally_domain::id::EventId;
use rally_domain::queue::JobState;
use rally_domain::webhook::MAX_REPLAYED;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::to_bigint;
use crate::queue::IdRow;
use crate::statement::statement;

/// The condition that the list and the entry of an event exist, if it has any, and the tables that it needs.
macro_rules! subjects {
    () => {
        "
        LEFT JOIN LATERAL (SELECT waitlist_id FROM waitlist_totals WHERE waitlist_id = told.waitlist_id OFFSET 0) list ON true
        LEFT JOIN LATERAL (SELECT id FROM entries WHERE id = told.entry_id OFFSET 0) person ON true
        WHERE (told.waitlist_id IS NULL OR list.waitlist_id IS NOT NULL) AND (told.entry_id IS NULL OR person.id IS NOT NULL)"
    };
}

/// The same, after the states of deliveries, and before the workspace.
const AFTER_STATES: &str = concat!(")", subjects!(), " AND told.workspace_id = ");

/// The same, after the end of a period, and before the kinds of events.
const AFTER_PERIOD: &str = concat!(subjects!(), " AND coalesce(told.kind = ANY (");

/// The same, at the end.
const AT_THE_END: &str = concat!("), true)", subjects!());

statement! {
    /// The events of a period that were written for a webhook, without those of deleted lists and entries. The inner statement reads them
    /// by their time. If it named other columns, the planner could read them by those.
    Replayed {
        "SELECT told.id FROM (
            SELECT id, workspace_id, waitlist_id, entry_id, kind, occurred_at FROM events WHERE occurred_at >= "
        since: Timestamptz = OffsetDateTime, " AND occurred_at < "
        until: Timestamptz = OffsetDateTime, " ORDER BY occurred_at OFFSET 0
        ) told
        JOIN LATERAL (
            SELECT state FROM deliveries WHERE event_id = told.id AND webhook_id = "
        webhook: sql_types::Uuid = Uuid, " OFFSET 0
        ) d ON d.state = ANY ("
        states: Array<Text> = Vec<&'static str>, AFTER_STATES
        workspace: sql_types::Uuid = Uuid, " AND coalesce(told.kind = ANY ("
        kinds: Nullable<Array<Text>> = Option<Vec<&'static str>>, "), true) LIMIT "
        most: BigInt = i64, ""
    }
}

statement! {
    /// The same for dead deliveries, which are few. They were due after their event.
    ReplayedDead {
        "SELECT told.id FROM (
            SELECT event_id FROM deliveries WHERE state = 'dead' AND webhook_id = "
        webhook: sql_types::Uuid = Uuid, " AND due_at >= "
        since: Timestamptz = OffsetDateTime, " ORDER BY due_at OFFSET 0
        ) d
        JOIN LATERAL (SELECT * FROM events WHERE id = d.event_id OFFSET 0) told ON told.occurred_at >= "
        from: Timestamptz = OffsetDateTime, " AND told.occurred_at < "
        until: Timestamptz = OffsetDateTime, AFTER_PERIOD
        kinds: Nullable<Array<Text>> = Option<Vec<&'static str>>, "), true) LIMIT "
        most: BigInt = i64, ""
    }
}

statement! {
    /// Those of some events that were written for a webhook, and whose list and entry exist. Of those that run, the ones are left out that
    /// somebody sends: their lease goes on, and the webhook was not switched since.
    Fitting {
        "SELECT told.id FROM unnest("
        events: Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (id)
        JOIN LATERAL (SELECT * FROM events WHERE id = asked.id OFFSET 0) told ON true
        JOIN LATERAL (
            SELECT state, lease_until, generation FROM deliveries WHERE event_id = asked.id AND webhook_id = "
        webhook: sql_types::Uuid = Uuid, " OFFSET 0
        ) d ON (d.state <> 'running' OR d.lease_until <= "
        now: Nullable<Timestamptz> = Option<OffsetDateTime>, " OR "
        with_running: Bool = bool, " OR d.generation NOT IN (-1, (SELECT generation FROM webhooks WHERE id = "
        current: sql_types::Uuid = Uuid, "))) AND coalesce(d.state = ANY ("
        states: Nullable<Array<Text>> = Option<Vec<&'static str>>, AT_THE_END
    }
}

statement! {
    /// Makes deliveries due, as if they had never been tried. Those that somebody sends stay as they are.
    MakeDue {
        "UPDATE deliveries d SET state = 'pending', attempt = 0, claim = NULL, lease_until = NULL, due_at = "
        due_at: Timestamptz = OffsetDateTime, ", generation = "
        generation: BigInt = i64, " FROM unnest("
        events: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        webhooks: Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (event_id, webhook_id)
        WHERE d.webhook_id = asked.webhook_id AND d.event_id = asked.event_id
            AND (d.state <> 'running' OR d.lease_until <= "
        now: Timestamptz = OffsetDateTime, " OR d.generation NOT IN (-1, "
        current: BigInt = i64, "))"
    }
}

/// The events that fit a replay, at most one more than it may have. This may take long, so nobody must wait for it.
pub(crate) async fn find(c: &mut AsyncPgConnection, command: &ReplayDeliveries) -> QueryResult<Vec<EventId>> {
    let (webhook, since, until) = (command.id.uuid(), command.since.instant(), command.until.instant());
    let kinds = command.kinds.as_ref().map(|kinds| kinds.iter().map(|kind| kind.as_str()).collect());
    let most = to_bigint(MAX_REPLAYED as u64 + 1);
    let rows: Vec<IdRow> = match command.state {
        ReplayState::Dead => ReplayedDead { webhook, since, from: since, until, kinds, most }.load(c).await?,
        ReplayState::All => {
            let (states, workspace) = (states(command.state), command.workspace_id.uuid());
            Replayed { since, until, webhook, states, workspace, kinds, most }.load(c).await?
        }
    };
    Ok(rows.into_iter().map(|row| EventId::new(row.id)).collect())
}

/// Those of some events that fit a replay now. Too many are not looked at: the command refuses them.
pub(crate) async fn still_fit(c: &mut AsyncPgConnection, command: &ReplayDeliveries, found: &[EventId]) -> QueryResult<Vec<EventId>> {
    if found.len() > MAX_REPLAYED {
        return Ok(found.to_vec());
    }
    let events = found.iter().map(|id| id.uuid()).collect();
    let (webhook, now) = (command.id.uuid(), Some(command.now.instant()));
    let fitting = Fitting { events, webhook, now, with_running: false, current: webhook, states: Some(states(command.state)) };
    load(c, fitting).await
}

/// The event that is resent, if it fits.
pub(crate) async fn find_one(c: &mut AsyncPgConnection, command: &ResendDelivery) -> QueryResult<Vec<EventId>> {
    let (events, webhook) = (vec![command.event_id.uuid()], command.id.uuid());
    load(c, Fitting { events, webhook, now: None, with_running: true, current: webhook, states: None }).await
}

async fn load(c: &mut AsyncPgConnection, fitting: Fitting) -> QueryResult<Vec<EventId>> {
    Ok(fitting.load::<IdRow>(c).await?.into_iter().map(|row| EventId::new(row.id)).collect())
}

fn states(state: ReplayState) -> Vec<&'static str> {
    state.jobs().iter().copied().map(JobState::as_str).collect()
}

/// Makes the deliveries of a plan due. Returns how many.
pub(crate) async fn write(c: &mut AsyncPgConnection, webhook: Uuid, plan: &ReplayPlan) -> QueryResult<usize> {
    let events: Vec<Uuid> = plan.events.iter().map(|id| id.uuid()).collect();
    let webhooks = vec![webhook; events.len()];
    let (now, current) = (plan.due_at.instant(), to_bigint(plan.generation));
    MakeDue { due_at: now, generation: current, events, webhooks, now, current }.execute(c).await
}
