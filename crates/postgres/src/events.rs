//! Writes events, each with a delivery for every webhook that is subscribed at that moment.

use diesel::prelude::*;
use diesel::sql_types::{self, Array, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::error::Fault;
use rally_domain::event::{Event, EventKind};
use rally_domain::id::{EntryId, EventId, WaitlistId, WorkspaceId};
use rally_domain::queue::JobState;
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::Webhook;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{corrupt, to_bigint};
use crate::fault::query_fault;
use crate::schema::{deliveries, events};
use crate::statement::statement;

/// Writes an event and its deliveries in the transaction of the change.
pub(crate) async fn write(c: &AsyncPgConnection, event: &Event) -> QueryResult<usize> {
    write_all(c, std::iter::once(event)).await
}

statement! {
    /// Writes events, and a delivery of each for every webhook that is subscribed. The lock waits for a webhook that is being
    /// deleted, and then skips it: otherwise no purge would delete its delivery.
    InsertEvents {
        "WITH told AS (INSERT INTO events (id, workspace_id, waitlist_id, entry_id, kind, body, occurred_at) SELECT * FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        workspace_ids: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        waitlist_ids: Array<Nullable<sql_types::Uuid>> = Vec<Option<Uuid>>, ", "
        entry_ids: Array<Nullable<sql_types::Uuid>> = Vec<Option<Uuid>>, ", "
        kinds: Array<Text> = Vec<String>, ", "
        bodies: Array<Text> = Vec<String>, ", "
        occurred_at: Array<Timestamptz> = Vec<OffsetDateTime>,
        ") RETURNING id, workspace_id, kind, occurred_at) INSERT INTO deliveries (event_id, webhook_id, state, due_at, generation) \
            SELECT told.id, webhooks.id, CASE WHEN webhooks.active THEN 'pending' ELSE 'held' END, told.occurred_at, webhooks.generation \
            FROM told JOIN webhooks ON webhooks.workspace_id = told.workspace_id AND told.kind = ANY (string_to_array(webhooks.events, ',')) \
            FOR KEY SHARE OF webhooks"
    }
}

/// Writes events and their deliveries.
pub(crate) async fn write_all(mut c: &AsyncPgConnection, told: impl Iterator<Item = &Event> + Clone) -> QueryResult<usize> {
    let insert = InsertEvents {
        ids: told.clone().map(|event| event.id.uuid()).collect(),
        workspace_ids: told.clone().map(|event| event.workspace_id.uuid()).collect(),
        waitlist_ids: told.clone().map(|event| event.waitlist_id.map(WaitlistId::uuid)).collect(),
        entry_ids: told.clone().map(|event| event.entry_id.map(EntryId::uuid)).collect(),
        kinds: told.clone().map(|event| event.kind.as_str().to_owned()).collect(),
        bodies: told.clone().map(|event| event.body.clone()).collect(),
        occurred_at: told.map(|event| event.occurred_at.instant()).collect(),
    };
    insert.execute(&mut c).await
}

/// Writes an event for only one webhook.
pub(crate) async fn write_for(c: &mut AsyncPgConnection, event: &Event, webhook: &Webhook) -> QueryResult<()> {
    // A test is in no feed.
    let in_no_feed = events::feed_turn.eq(None::<i64>);
    diesel::insert_into(events::table).values((EventRow::from(event), in_no_feed)).execute(c).await?;
    let row = (
        deliveries::event_id.eq(event.id.uuid()),
        deliveries::webhook_id.eq(webhook.id.uuid()),
        deliveries::state.eq(JobState::Pending.as_str()),
        deliveries::due_at.eq(event.occurred_at.instant()),
        deliveries::generation.eq(to_bigint(webhook.generation)),
    );
    diesel::insert_into(deliveries::table).values(row).execute(c).await.map(|_| ())
}

statement! {
    /// Deletes the undelivered deliveries of the events of an entry.
    DropUndelivered {
        "DELETE FROM deliveries d USING events e WHERE e.waitlist_id = "
        waitlist: sql_types::Uuid = Uuid, " AND e.entry_id = "
        entry: sql_types::Uuid = Uuid, " AND d.event_id = e.id AND d.state IN ('pending', 'running', 'held')"
    }
}

/// Deletes the undelivered deliveries of the events of an entry.
pub(crate) async fn drop_undelivered(mut c: &AsyncPgConnection, waitlist: WaitlistId, entry: EntryId) -> QueryResult<usize> {
    DropUndelivered { waitlist: waitlist.uuid(), entry: entry.uuid() }.execute(&mut c).await
}

/// The events of an entry, oldest first.
pub(crate) async fn of_entry(c: &mut AsyncPgConnection, waitlist: WaitlistId, entry: EntryId) -> Result<Vec<Event>, Fault> {
    let of_entry = events::table.filter(events::waitlist_id.eq(waitlist.uuid()).and(events::entry_id.eq(entry.uuid())));
    let rows: Vec<EventRow> = of_entry.select(EventRow::as_select()).load(c).await.map_err(query_fault)?;
    // What a newer program has told is left to it.
    let known = rows.into_iter().filter(|row| EventKind::is_known(&row.kind));
    let mut events = known.map(Event::try_from).collect::<Result<Vec<_>, _>>()?;
    events.sort_by_key(|event| (event.occurred_at, event.id));
    Ok(events)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = events, check_for_backend(diesel::pg::Pg))]
pub(crate) struct EventRow {
    id: Uuid,
    workspace_id: Uuid,
    waitlist_id: Option<Uuid>,
    entry_id: Option<Uuid>,
    kind: String,
    body: String,
    occurred_at: OffsetDateTime,
}

impl From<&Event> for EventRow {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id.uuid(),
            workspace_id: event.workspace_id.uuid(),
            waitlist_id: event.waitlist_id.map(WaitlistId::uuid),
            entry_id: event.entry_id.map(EntryId::uuid),
            kind: event.kind.as_str().to_owned(),
            body: event.body.clone(),
            occurred_at: event.occurred_at.instant(),
        }
    }
}

impl TryFrom<EventRow> for Event {
    type Error = Fault;

    fn try_from(row: EventRow) -> Result<Self, Fault> {
        Ok(Self {
            id: EventId::new(row.id),
            kind: EventKind::parse(&row.kind).map_err(corrupt("event kind"))?,
            workspace_id: WorkspaceId::new(row.workspace_id),
            waitlist_id: row.waitlist_id.map(WaitlistId::new),
            entry_id: row.entry_id.map(EntryId::new),
            occurred_at: Timestamp::new(row.occurred_at),
            body: row.body,
        })
    }
}
