//! Writing events, each with a delivery for every webhook that is subscribed at that moment.

use diesel::prelude::*;
use diesel::sql_types;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::event::Event;
use rally_domain::id::WebhookId;

use crate::rows::EventRow;
use crate::schema::{deliveries, events};

/// Writes events in the transaction of the change they report.
pub(crate) async fn write(c: &mut AsyncPgConnection, told: &[Event]) -> QueryResult<()> {
    let rows: Vec<EventRow> = told.iter().map(EventRow::from).collect();
    diesel::insert_into(events::table).values(rows).execute(c).await?;
    for event in told {
        write_deliveries(c, event).await?;
    }
    Ok(())
}

/// The lock waits for a webhook that is being deleted and then passes it over, where the foreign key would refuse the whole
/// change. The DSL can say this, in types that take minutes to check.
const DELIVERIES: &str = "
INSERT INTO deliveries (event_id, webhook_id, state, due_at)
SELECT $1, id, CASE WHEN active THEN 'pending' ELSE 'held' END, $2 FROM webhooks
WHERE workspace_id = $3 AND $4 = ANY (string_to_array(events, ','))
FOR KEY SHARE";

async fn write_deliveries(c: &mut AsyncPgConnection, event: &Event) -> QueryResult<usize> {
    diesel::sql_query(DELIVERIES)
        .bind::<sql_types::Uuid, _>(event.id.uuid())
        .bind::<sql_types::Timestamptz, _>(event.occurred_at.instant())
        .bind::<sql_types::Uuid, _>(event.workspace_id.uuid())
        .bind::<sql_types::Text, _>(event.kind.as_str())
        .execute(c)
        .await
}

/// Writes an event for one webhook alone.
pub(crate) async fn write_for(c: &mut AsyncPgConnection, event: &Event, webhook: WebhookId) -> QueryResult<()> {
    diesel::insert_into(events::table).values(EventRow::from(event)).execute(c).await?;
    let row = (
        deliveries::event_id.eq(event.id.uuid()),
        deliveries::webhook_id.eq(webhook.uuid()),
        deliveries::state.eq("pending"),
        deliveries::due_at.eq(event.occurred_at.instant()),
    );
    diesel::insert_into(deliveries::table).values(row).execute(c).await.map(|_| ())
}
