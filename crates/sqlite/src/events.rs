//! Writes events, each with a delivery for every webhook that is subscribed at that moment.

use diesel::prelude::*;
use rally_domain::error::Fault;
use rally_domain::event::{Event, EventKind};
use rally_domain::id::{EntryId, EventId, WaitlistId, WorkspaceId};
use rally_domain::queue::JobState;
use rally_domain::webhook::Webhook;

use crate::convert::{Blob, corrupt, instant, to_bigint};
use crate::fault::query_fault;
use crate::schema::{deliveries, events, webhooks};

/// Writes an event and its deliveries in the transaction of the change.
pub(crate) fn write(c: &mut SqliteConnection, event: &Event) -> QueryResult<()> {
    write_all(c, std::iter::once(event))
}

/// Writes events of one workspace, and their deliveries.
pub(crate) fn write_all<'a>(c: &mut SqliteConnection, told: impl Iterator<Item = &'a Event>) -> QueryResult<()> {
    let mut told = told.peekable();
    let Some(first) = told.peek() else { return Ok(()) };
    let subscribed = subscriptions(c, first.workspace_id)?;
    let mut turn = last_turn(c, first.workspace_id)?;
    for event in told {
        turn += 1;
        diesel::insert_into(events::table).values((EventRow::from(event), events::feed_turn.eq(turn))).execute(c)?;
        for (webhook, kinds, active, generation) in &subscribed {
            if kinds.split(',').any(|kind| kind == event.kind.as_str()) {
                insert_delivery(c, event, *webhook, if *active { JobState::Pending } else { JobState::Held }, *generation)?;
            }
        }
    }
    Ok(())
}

/// The last turn of the events of a workspace that wait for a number in its feed. Without any, turns begin anew.
fn last_turn(c: &mut SqliteConnection, workspace: WorkspaceId) -> QueryResult<i64> {
    let waiting = events::workspace_id.eq(Blob(workspace.uuid())).and(events::feed_number.is_null()).and(events::feed_turn.is_not_null());
    let last = events::table.filter(waiting).order(events::feed_turn.desc()).select(events::feed_turn.assume_not_null());
    Ok(last.first(c).optional()?.unwrap_or(0))
}

/// The webhooks of a workspace: the kinds of events that they get, whether they are active, and their generation.
fn subscriptions(c: &mut SqliteConnection, workspace: WorkspaceId) -> QueryResult<Vec<(Blob, String, bool, i64)>> {
    let mine = webhooks::table.filter(webhooks::workspace_id.eq(Blob(workspace.uuid())));
    mine.select((webhooks::id, webhooks::events, webhooks::active, webhooks::generation)).load(c)
}

fn insert_delivery(c: &mut SqliteConnection, event: &Event, webhook: Blob, state: JobState, generation: i64) -> QueryResult<()> {
    let row = (
        deliveries::event_id.eq(Blob(event.id.uuid())),
        deliveries::webhook_id.eq(webhook),
        deliveries::state.eq(state.as_str()),
        deliveries::due_at.eq(event.occurred_at.unix_millis()),
        deliveries::generation.eq(generation),
    );
    diesel::insert_into(deliveries::table).values(row).execute(c).map(|_| ())
}

/// Writes an event for only one webhook.
pub(crate) fn write_for(c: &mut SqliteConnection, event: &Event, webhook: &Webhook) -> QueryResult<()> {
    diesel::insert_into(events::table).values(EventRow::from(event)).execute(c)?;
    insert_delivery(c, event, Blob(webhook.id.uuid()), JobState::Pending, to_bigint(webhook.generation))
}

/// Deletes the undelivered deliveries of the events of an entry.
pub(crate) fn drop_undelivered(c: &mut SqliteConnection, waitlist: WaitlistId, entry: EntryId) -> QueryResult<()> {
    let told =
        events::table.filter(events::waitlist_id.eq(Blob(waitlist.uuid())).and(events::entry_id.eq(Blob(entry.uuid())))).select(events::id);
    for event in told.load::<Blob>(c)? {
        let undelivered = deliveries::event_id
            .eq(event)
            .and(deliveries::state.eq_any([JobState::Pending, JobState::Running, JobState::Held].map(JobState::as_str)));
        diesel::delete(deliveries::table.filter(undelivered)).execute(c)?;
    }
    Ok(())
}

/// The events of an entry, oldest first.
pub(crate) fn of_entry(c: &mut SqliteConnection, waitlist: WaitlistId, entry: EntryId) -> Result<Vec<Event>, Fault> {
    let of_entry = events::table.filter(events::waitlist_id.eq(Blob(waitlist.uuid())).and(events::entry_id.eq(Blob(entry.uuid()))));
    let rows: Vec<EventRow> = of_entry.select(EventRow::as_select()).load(c).map_err(query_fault)?;
    // What a newer program has told is left to it.
    let known = rows.into_iter().filter(|row| EventKind::is_known(&row.kind));
    let mut events = known.map(Event::try_from).collect::<Result<Vec<_>, _>>()?;
    events.sort_by_key(|event| (event.occurred_at, event.id));
    Ok(events)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = events, check_for_backend(diesel::sqlite::Sqlite), treat_none_as_default_value = false)]
pub(crate) struct EventRow {
    id: Blob,
    workspace_id: Blob,
    waitlist_id: Option<Blob>,
    entry_id: Option<Blob>,
    kind: String,
    body: String,
    occurred_at: i64,
}

impl From<&Event> for EventRow {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id.uuid().into(),
            workspace_id: event.workspace_id.uuid().into(),
            waitlist_id: event.waitlist_id.map(|id| id.uuid().into()),
            entry_id: event.entry_id.map(|id| id.uuid().into()),
            kind: event.kind.as_str().to_owned(),
            body: event.body.clone(),
            occurred_at: event.occurred_at.unix_millis(),
        }
    }
}

impl TryFrom<EventRow> for Event {
    type Error = Fault;

    fn try_from(row: EventRow) -> Result<Self, Fault> {
        Ok(Self {
            id: EventId::new(row.id.0),
            kind: EventKind::parse(&row.kind).map_err(corrupt("event kind"))?,
            workspace_id: WorkspaceId::new(row.workspace_id.0),
            waitlist_id: row.waitlist_id.map(|id| WaitlistId::new(id.0)),
            entry_id: row.entry_id.map(|id| EntryId::new(id.0)),
            occurred_at: instant(row.occurred_at)?,
            body: row.body,
        })
    }
}
