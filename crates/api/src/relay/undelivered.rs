//! Tells of webhooks whose receivers have lost an event since the last one that they took.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use rally_domain::delivery::SettleDelivery;
use rally_domain::id::WebhookId;

/// The webhooks that this process has told of. Each is told of once, until its receiver takes an event.
#[derive(Debug, Clone, Default)]
pub struct Undelivered(Arc<Mutex<HashSet<WebhookId>>>);

impl Undelivered {
    /// Notes the result of an attempt, and whether it was the last. Counts each event that is lost, and writes a line to the log for the
    /// first.
    pub fn note(&self, settled: &SettleDelivery, is_last: bool) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let result = &settled.result;
        if result.is_success() {
            told.remove(&settled.webhook_id);
        } else if is_last {
            metrics::counter!("rally_webhook_deliveries_lost_total").increment(1);
            if told.insert(settled.webhook_id) {
                let (webhook, event, attempts) = (settled.webhook_id, settled.event_id, settled.attempt);
                let (status, error) = (result.status_code, result.error_message.as_deref());
                tracing::warn!(%webhook, %event, attempts, status, error, "a receiver did not get an event; a replay sends it once more");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rally_domain::delivery::AttemptResult;
    use rally_domain::event::EventKind;
    use rally_domain::id::{AttemptId, ClaimId, EventId};
    use rally_domain::timestamp::Timestamp;
    use rally_domain::uuid::Uuid;
    use time::Duration;

    use super::*;

    fn settled(webhook: u128, status_code: Option<u16>) -> SettleDelivery {
        SettleDelivery {
            attempt_id: AttemptId::new(Uuid::nil()),
            claim: ClaimId::new(Uuid::nil()),
            webhook_id: WebhookId::new(Uuid::from_u128(webhook)),
            event_id: EventId::new(Uuid::nil()),
            kind: EventKind::EntryCreated,
            attempt: 8,
            result: AttemptResult { status_code, response_body: None, error_message: None, retry_after: None, latency: Duration::ZERO },
            chance: 0,
            now: Timestamp::parse("2026-01-31T09:00:00Z").unwrap(),
        }
    }

    #[test]
    fn a_webhook_is_told_of_once_until_it_works() {
        let undelivered = Undelivered::default();
        let told = |webhook: u128| undelivered.0.lock().unwrap().contains(&WebhookId::new(Uuid::from_u128(webhook)));
        undelivered.note(&settled(1, Some(500)), false);
        assert!(!told(1), "it is tried again");
        undelivered.note(&settled(1, Some(500)), true);
        undelivered.note(&settled(2, Some(204)), true);
        assert!(told(1) && !told(2));
        undelivered.note(&settled(1, Some(200)), true);
        assert!(!told(1));
    }
}
