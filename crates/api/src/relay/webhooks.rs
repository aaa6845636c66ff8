//! The freight for webhooks: signed events, with one lane for each webhook.

use std::sync::Arc;

use async_trait::async_trait;
use rally_domain::delivery::{ClaimedDelivery, SettleDelivery};
use rally_domain::error::Fault;
use rally_domain::id::{AttemptId, ClaimId, EventId, WebhookId};
use rally_domain::port::{Ports, WebhookMessage, WebhookSender};
use rally_domain::queue::ClaimRequest;
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::DeliveryPolicy;
use time::Duration;

use super::core::Signal;
use super::freight::{Freight, NotTried};
use super::undelivered::Undelivered;
use crate::cache::Changes;
use crate::encryption::Sealer;
use crate::webhook_secret;

/// Carries events to webhooks.
#[derive(Clone)]
pub struct WebhookFreight {
    /// The ports.
    pub ports: Ports,
    /// Sends messages.
    pub sender: Arc<dyn WebhookSender>,
    /// Decrypts the secrets of webhooks.
    pub sealer: Sealer,
    /// When a delivery is retried, and when a webhook is disabled.
    pub policy: DeliveryPolicy,
    /// How long an attempt may take.
    pub timeout: Duration,
    /// The changes of this process that can stop a delivery.
    pub changes: Changes,
    /// The webhooks whose receivers have lost an event.
    pub undelivered: Undelivered,
}

#[async_trait]
impl Freight for WebhookFreight {
    type Lane = WebhookId;
    type Item = ClaimedDelivery;
    type Key = (EventId, WebhookId);
    type Attempt = SettleDelivery;
    const WHAT: &'static str = "deliveries";

    fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    fn new_claim(&self) -> ClaimId {
        ClaimId::new(self.ports.ids.uuid())
    }

    fn changes(&self) -> u64 {
        self.changes.count()
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn lane(delivery: &ClaimedDelivery) -> WebhookId {
        delivery.webhook_id
    }

    fn key(delivery: &ClaimedDelivery) -> (ClaimId, Self::Key) {
        (delivery.claim, (delivery.event_id, delivery.webhook_id))
    }

    fn report(attempt: &SettleDelivery) -> (WebhookId, Timestamp, Signal) {
        let signal = match &attempt.result {
            result if result.is_troubled() => Signal::Troubled,
            _ => Signal::Well,
        };
        (attempt.webhook_id, attempt.now, signal)
    }

    fn retries_at(&self, attempt: &SettleDelivery) -> Option<Timestamp> {
        attempt.retries_at(&self.policy.schedule)
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<WebhookId>, Fault> {
        self.ports.deliveries.due(now).await
    }

    async fn claim(&self, request: ClaimRequest<WebhookId>) -> Result<Vec<ClaimedDelivery>, Fault> {
        self.ports.deliveries.claim(request).await
    }

    async fn confirm(&self, claimed: Vec<ClaimedDelivery>) -> Result<Vec<ClaimedDelivery>, Fault> {
        let keys = claimed.iter().map(|delivery| (delivery.claim, delivery.event_id, delivery.webhook_id)).collect();
        self.ports.deliveries.confirm(keys, self.ports.clock.now()).await
    }

    async fn attempt(self, delivery: ClaimedDelivery) -> Result<SettleDelivery, NotTried<ClaimedDelivery>> {
        let keys = match webhook_secret::open(&self.sealer, delivery.webhook_id, &delivery.secrets) {
            Ok(keys) => keys,
            // Without the secret this process cannot sign.
            Err(fault) => return Err(NotTried::here(delivery, fault)),
        };
        let (ports, timestamp) = (&self.ports, self.ports.clock.now());
        let message = WebhookMessage { url: delivery.url, id: delivery.event_id, timestamp, keys, body: delivery.body };
        let result = self.sender.send(message).await;
        let outcome = if result.is_success() { "success" } else { "failure" };
        metrics::counter!("rally_webhook_attempts_total", "outcome" => outcome).increment(1);
        metrics::histogram!("rally_webhook_attempt_duration_seconds").record(result.latency.as_seconds_f64());
        let settled = SettleDelivery {
            attempt_id: AttemptId::new(ports.ids.uuid()),
            claim: delivery.claim,
            webhook_id: delivery.webhook_id,
            event_id: delivery.event_id,
            kind: delivery.kind,
            attempt: delivery.attempt,
            result,
            chance: ports.ids.entropy(),
            now: ports.clock.now(),
        };
        self.undelivered.note(&settled, self.retries_at(&settled).is_none());
        Ok(settled)
    }

    async fn settle(&self, tried: Vec<SettleDelivery>) -> Result<usize, Fault> {
        self.ports.deliveries.settle(tried, self.policy.clone()).await
    }

    async fn release(&self, claim: ClaimId, keys: Vec<Self::Key>, due_at: Timestamp) -> Result<(), Fault> {
        self.ports.deliveries.release(claim, keys, due_at).await
    }

    async fn reap(&self, now: Timestamp) -> Result<u64, Fault> {
        self.ports.deliveries.reap(now, self.policy.schedule.attempts()).await
    }
}
