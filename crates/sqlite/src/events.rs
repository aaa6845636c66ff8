//! Writing events, each with a delivery for every webhook that is subscribed at that moment.

use diesel::prelude::*;
use rally_domain::event::Event;
use rally_domain::id::{WebhookId, WorkspaceId};

use crate::rows::{Blob, EventRow};
use crate::schema::{deliveries, events, webhooks};

/// Writes an event in the transaction of the change it reports, with its deliveries.
pub(crate) fn write(c: &mut SqliteConnection, event: &Event) -> QueryResult<()> {
    write_all(c, std::iter::once(event))
}

/// Writes events of one workspace, each with its deliveries.
pub(crate) fn write_all<'a>(c: &mut SqliteConnection, told: impl Iterator<Item = &'a Event>) -> QueryResult<()> {
    let mut told = told.peekable();
    let Some(first) = told.peek() else { return Ok(()) };
    let subscribed = subscriptions(c, first.workspace_id)?;
    for event in told {
        diesel::insert_into(events::table).values(EventRow::from(event)).execute(c)?;
        for (webhook, kinds, active) in &subscribed {
            if kinds.split(',').any(|kind| kind == event.kind.as_str()) {
                insert_delivery(c, event, *webhook, if *active { "pending" } else { "held" })?;
            }
        }
    }
    Ok(())
}

/// The webhooks of a workspace, with the kinds of event they are sent and whether they are on.
fn subscriptions(c: &mut SqliteConnection, workspace: WorkspaceId) -> QueryResult<Vec<(Blob, String, bool)>> {
    let mine = webhooks::table.filter(webhooks::workspace_id.eq(Blob(workspace.uuid())));
    mine.select((webhooks::id, webhooks::events, webhooks::active)).load(c)
}

fn insert_delivery(c: &mut SqliteConnection, event: &Event, webhook: Blob, state: &str) -> QueryResult<()> {
    let row = (
        deliveries::event_id.eq(Blob(event.id.uuid())),
        deliveries::webhook_id.eq(webhook),
        deliveries::state.eq(state),
        deliveries::due_at.eq(event.occurred_at.unix_millis()),
    );
    diesel::insert_into(deliveries::table).values(row).execute(c).map(|_| ())
}

/// Writes an event for one webhook alone.
pub(crate) fn write_for(c: &mut SqliteConnection, event: &Event, webhook: WebhookId) -> QueryResult<()> {
    diesel::insert_into(events::table).values(EventRow::from(event)).execute(c)?;
    insert_delivery(c, event, Blob(webhook.uuid()), "pending")
}
