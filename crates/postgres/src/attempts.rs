//! The log of attempts: deliveries write it, and webhooks list it.

use std::cmp::Reverse;

use diesel::prelude::*;
use rally_domain::delivery::Attempt;
use rally_domain::error::Fault;
use rally_domain::event::EventKind;
use rally_domain::id::{AttemptId, EventId, WebhookId};
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::corrupt;
use crate::schema::attempts;

#[derive(Queryable, QueryableByName, Selectable, Insertable)]
#[diesel(table_name = attempts, check_for_backend(diesel::pg::Pg))]
pub(crate) struct AttemptRow {
    id: Uuid,
    webhook_id: Uuid,
    event_id: Uuid,
    kind: String,
    number: i32,
    status_code: Option<i32>,
    response_body: Option<String>,
    error_message: Option<String>,
    latency_ms: i64,
    created_at: OffsetDateTime,
}

impl AttemptRow {
    /// The key by which the newest attempt comes first.
    pub(crate) fn newest_first(&self) -> impl Ord + use<> {
        Reverse((self.created_at, self.id))
    }
}

impl From<Attempt> for AttemptRow {
    fn from(attempt: Attempt) -> Self {
        Self {
            id: attempt.id.uuid(),
            webhook_id: attempt.webhook_id.uuid(),
            event_id: attempt.event_id.uuid(),
            kind: attempt.kind.as_str().to_owned(),
            number: i32::try_from(attempt.number).unwrap_or(i32::MAX),
            status_code: attempt.status_code.map(i32::from),
            response_body: attempt.response_body,
            error_message: attempt.error_message,
            latency_ms: i64::try_from(attempt.latency.whole_milliseconds()).unwrap_or(i64::MAX),
            created_at: attempt.created_at.instant(),
        }
    }
}

impl AttemptRow {
    pub(crate) fn is_known(&self) -> bool {
        EventKind::is_known(&self.kind)
    }
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = Fault;

    fn try_from(row: AttemptRow) -> Result<Self, Fault> {
        Ok(Self {
            id: AttemptId::new(row.id),
            webhook_id: WebhookId::new(row.webhook_id),
            event_id: EventId::new(row.event_id),
            kind: EventKind::parse(&row.kind).map_err(corrupt("event kind"))?,
            number: u32::try_from(row.number).unwrap_or(0),
            status_code: row.status_code.and_then(|code| u16::try_from(code).ok()),
            response_body: row.response_body,
            error_message: row.error_message,
            latency: time::Duration::milliseconds(row.latency_ms),
            created_at: Timestamp::new(row.created_at),
        })
    }
}
