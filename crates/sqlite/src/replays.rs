//! Makes deliveries due again: the replays of [`WebhookStore`](rally_domain::port::WebhookStore).

use diesel::prelude::*;
use rally_domain::command::{ReplayDeliveries, ReplayPlan, ResendDelivery};
use rally_domain::id::EventId;
use rally_domain::queue::JobState;
use rally_domain::webhook::MAX_REPLAYED;

use crate::convert::{Blob, to_bigint};
use crate::schema::{deliveries, entries, events, waitlist_totals};

/// An event: its id, list and entry.
type Told = (Blob, Option<Blob>, Option<Blob>);

/// The events that fit a replay, of lists and entries that exist.
pub(crate) fn find(c: &mut SqliteConnection, command: &ReplayDeliveries) -> QueryResult<Vec<EventId>> {
    let states = command.state.jobs().iter().copied().map(JobState::as_str);
    let mine = deliveries::webhook_id.eq(Blob(command.id.uuid())).and(deliveries::event_id.eq(events::id));
    let mut query = events::table
        .filter(events::occurred_at.ge(command.since.unix_millis()).and(events::occurred_at.lt(command.until.unix_millis())))
        .filter(events::workspace_id.eq(Blob(command.workspace_id.uuid())))
        .filter(diesel::dsl::exists(deliveries::table.filter(mine.and(deliveries::state.eq_any(states)))))
        .order((events::occurred_at, events::id))
        .select((events::id, events::waitlist_id, events::entry_id))
        .into_boxed();
    if let Some(kinds) = &command.kinds {
        query = query.filter(events::kind.eq_any(kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>()));
    }
    let mut fit = Vec::new();
    for (id, waitlist, entry) in query.load::<Told>(c)? {
        if fit.len() <= MAX_REPLAYED && has_subject(c, waitlist, entry)? {
            fit.push(EventId::new(id.0));
        }
    }
    Ok(fit)
}

/// The event that is resent, if it fits.
pub(crate) fn find_one(c: &mut SqliteConnection, command: &ResendDelivery) -> QueryResult<Vec<EventId>> {
    let delivery = deliveries::table.find((Blob(command.event_id.uuid()), Blob(command.id.uuid()))).select(deliveries::event_id);
    let Some(event) = delivery.first::<Blob>(c).optional()? else { return Ok(Vec::new()) };
    let subject = events::table.find(event).select((events::waitlist_id, events::entry_id));
    let subject: Option<(Option<Blob>, Option<Blob>)> = subject.first(c).optional()?;
    let fits = subject.map(|(waitlist, entry)| has_subject(c, waitlist, entry)).transpose()?;
    Ok(fits.filter(|fits| *fits).map(|_| command.event_id).into_iter().collect())
}

/// Whether the list and the entry of an event exist, if it has any.
fn has_subject(c: &mut SqliteConnection, waitlist: Option<Blob>, entry: Option<Blob>) -> QueryResult<bool> {
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
        let delivery = deliveries::table.find((Blob(event.uuid()), webhook)).filter(deliveries::state.ne(JobState::Running.as_str()));
        let change = (
            deliveries::state.eq(JobState::Pending.as_str()),
            deliveries::attempt.eq(0),
            deliveries::due_at.eq(plan.due_at.unix_millis()),
            deliveries::generation.eq(to_bigint(plan.generation)),
        );
        due += diesel::update(delivery).set(change).execute(c)?;
    }
    Ok(due)
}
