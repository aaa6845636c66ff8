//! [`Outbox`] on PostgreSQL.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rally_domain::error::Fault;
use rally_domain::event::Event;
use rally_domain::ports::{Outbox, OutboxDepth};

use crate::PgStore;
use crate::fault::query_fault;
use crate::rows::{EventRow, from_bigint, to_bigint};
use crate::schema::events;

#[async_trait]
impl Outbox for PgStore {
    async fn peek(&self, limit: usize) -> Result<Vec<Event>, Fault> {
        let mut c = self.connection().await?;
        let query = events::table
            .filter(events::relayed_at.is_null())
            .order((events::occurred_at, events::id))
            .limit(to_bigint(limit as u64))
            .select(EventRow::as_select());
        let rows: Vec<EventRow> = query.load(&mut c).await.map_err(query_fault)?;
        rows.into_iter().map(Event::try_from).collect()
    }

    async fn depth(&self) -> Result<OutboxDepth, Fault> {
        let mut c = self.connection().await?;
        let query = events::table.filter(events::relayed_at.is_null()).count();
        let pending: i64 = query.get_result(&mut c).await.map_err(query_fault)?;
        Ok(OutboxDepth { pending: from_bigint(pending) })
    }
}
