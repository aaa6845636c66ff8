//! Writing events, each with a delivery for every webhook that is subscribed at that moment.

use diesel::prelude::*;
use diesel::sql_types;
use rally_domain::event::Event;
use rally_domain::id::WebhookId;

use crate::rows::{Blob, EventRow};
use crate::schema::{deliveries, events};

/// Writes an event in the transaction of the change it reports.
pub(crate) fn write(c: &mut SqliteConnection, event: &Event) -> QueryResult<()> {
    diesel::insert_into(events::table).values(EventRow::from(event)).execute(c)?;
    write_deliveries(c, event)
}

/// The DSL can say this, in types that take minutes to check.
const DELIVERIES: &str = "
INSERT INTO deliveries (event_id, webhook_id, state, due_at)
SELECT ?1, id, CASE WHEN active THEN 'pending' ELSE 'held' END, ?2 FROM webhooks
WHERE workspace_id = ?3 AND instr(',' || events || ',', ',' || ?4 || ',') > 0";

fn write_deliveries(c: &mut SqliteConnection, event: &Event) -> QueryResult<()> {
    diesel::sql_query(DELIVERIES)
        .bind::<sql_types::Binary, _>(Blob(event.id.uuid()))
        .bind::<sql_types::BigInt, _>(event.occurred_at.unix_millis())
        .bind::<sql_types::Binary, _>(Blob(event.workspace_id.uuid()))
        .bind::<sql_types::Text, _>(event.kind.as_str())
        .execute(c)
        .map(|_| ())
}

/// Writes an event for one webhook alone.
pub(crate) fn write_for(c: &mut SqliteConnection, event: &Event, webhook: WebhookId) -> QueryResult<()> {
    diesel::insert_into(events::table).values(EventRow::from(event)).execute(c)?;
    let row = (
        deliveries::event_id.eq(Blob(event.id.uuid())),
        deliveries::webhook_id.eq(Blob(webhook.uuid())),
        deliveries::state.eq("pending"),
        deliveries::due_at.eq(event.occurred_at.unix_millis()),
    );
    diesel::insert_into(deliveries::table).values(row).execute(c).map(|_| ())
}
