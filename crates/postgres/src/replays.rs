//! Makes deliveries due again: the replays of [`WebhookStore`](rally_domain::port::WebhookStore).

use diesel::prelude::*;
use diesel::sql_types::{self, Array, BigInt, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::command::{ReplayDeliveries, ReplayPlan, ResendDelivery};
use rally_domain::id::EventId;
use rally_domain::queue::JobState;
use rally_domain::webhook::MAX_REPLAYED;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::to_bigint;
use crate::queue::IdRow;
use crate::statement::statement;

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
        states: Array<Text> = Vec<&'static str>, ")
        LEFT JOIN waitlist_totals list ON list.waitlist_id = told.waitlist_id
        LEFT JOIN entries person ON person.id = told.entry_id
        WHERE told.workspace_id = "
        workspace: sql_types::Uuid = Uuid, " AND coalesce(told.kind = ANY ("
        kinds: Nullable<Array<Text>> = Option<Vec<&'static str>>, "), true)
            AND (told.waitlist_id IS NULL OR list.waitlist_id IS NOT NULL) AND (told.entry_id IS NULL OR person.id IS NOT NULL)
        LIMIT "
        most: BigInt = i64, ""
    }
}

statement! {
    /// An event, if it was written for a webhook, and its list and entry exist.
    Resent {
        "SELECT told.id FROM events told
        JOIN LATERAL (
            SELECT state FROM deliveries WHERE event_id = told.id AND webhook_id = "
        webhook: sql_types::Uuid = Uuid, " OFFSET 0
        ) d ON true
        LEFT JOIN waitlist_totals list ON list.waitlist_id = told.waitlist_id
        LEFT JOIN entries person ON person.id = told.entry_id
        WHERE told.id = "
        event: sql_types::Uuid = Uuid, "
            AND (told.waitlist_id IS NULL OR list.waitlist_id IS NOT NULL) AND (told.entry_id IS NULL OR person.id IS NOT NULL)"
    }
}

statement! {
    /// Makes deliveries due, as if they had never been tried. Those that are being sent stay as they are.
    MakeDue {
        "UPDATE deliveries d SET state = 'pending', attempt = 0, claim = NULL, lease_until = NULL, due_at = "
        due_at: Timestamptz = OffsetDateTime, ", generation = "
        generation: BigInt = i64, " FROM unnest("
        events: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        webhooks: Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (event_id, webhook_id)
        WHERE d.webhook_id = asked.webhook_id AND d.event_id = asked.event_id AND d.state <> 'running'"
    }
}

/// The events that fit a replay.
pub(crate) async fn find(c: &mut AsyncPgConnection, command: &ReplayDeliveries) -> QueryResult<Vec<EventId>> {
    let replayed = Replayed {
        since: command.since.instant(),
        until: command.until.instant(),
        webhook: command.id.uuid(),
        states: command.state.jobs().iter().copied().map(JobState::as_str).collect(),
        workspace: command.workspace_id.uuid(),
        kinds: command.kinds.as_ref().map(|kinds| kinds.iter().map(|kind| kind.as_str()).collect()),
        most: to_bigint(MAX_REPLAYED as u64 + 1),
    };
    Ok(replayed.load::<IdRow>(c).await?.into_iter().map(|row| EventId::new(row.id)).collect())
}

/// The event that is resent, if it fits.
pub(crate) async fn find_one(c: &mut AsyncPgConnection, command: &ResendDelivery) -> QueryResult<Vec<EventId>> {
    let resent = Resent { webhook: command.id.uuid(), event: command.event_id.uuid() };
    Ok(resent.load::<IdRow>(c).await?.into_iter().map(|row| EventId::new(row.id)).collect())
}

/// Makes the deliveries of a plan due. Returns how many.
pub(crate) async fn write(c: &mut AsyncPgConnection, webhook: Uuid, plan: &ReplayPlan) -> QueryResult<usize> {
    let events: Vec<Uuid> = plan.events.iter().map(|id| id.uuid()).collect();
    let webhooks = vec![webhook; events.len()];
    MakeDue { due_at: plan.due_at.instant(), generation: to_bigint(plan.generation), events, webhooks }.execute(c).await
}
