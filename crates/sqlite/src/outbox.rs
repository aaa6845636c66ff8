//! [`Outbox`] on SQLite.

use async_trait::async_trait;
use diesel::prelude::*;
use rally_domain::error::Fault;
use rally_domain::event::Event;
use rally_domain::ports::{Outbox, OutboxDepth};

use crate::SqliteStore;
use crate::fault::query_fault;
use crate::rows::{EventRow, from_bigint, to_bigint};
use crate::schema::events;

#[async_trait]
impl Outbox for SqliteStore {
    async fn peek(&self, limit: usize) -> Result<Vec<Event>, Fault> {
        self.read(move |c| {
            let query = events::table
                .filter(events::relayed_at.is_null())
                .order((events::occurred_at, events::id))
                .limit(to_bigint(limit as u64))
                .select(EventRow::as_select());
            let rows: Vec<EventRow> = query.load(c).map_err(query_fault)?;
            rows.into_iter().map(Event::try_from).collect()
        })
        .await
    }

    async fn depth(&self) -> Result<OutboxDepth, Fault> {
        self.read(|c| {
            let query = events::table.filter(events::relayed_at.is_null()).count();
            let pending: i64 = query.get_result(c).map_err(query_fault)?;
            Ok(OutboxDepth { pending: from_bigint(pending) })
        })
        .await
    }
}
