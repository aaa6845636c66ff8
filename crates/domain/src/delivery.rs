//! Deliveries: one event on its way to one webhook, and what an attempt means for both.

use time::Duration;

use crate::event::EventKind;
use crate::id::{AttemptId, ClaimId, EventId, WebhookId};
use crate::queue::Verdict;
use crate::timestamp::Timestamp;
use crate::webhook::{DeliveryPolicy, SealedSecrets, Webhook, WebhookUrl};

/// The delivery of an event to a webhook, which this process may try until its lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedDelivery {
    /// The fence: what was claimed is settled under this, or not at all.
    pub claim: ClaimId,
    /// Which attempt this is, from 1; it counts even if nobody settles it.
    pub attempt: u32,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// Where it is sent, as the webhook has it now.
    pub url: WebhookUrl,
    /// What it is signed with.
    pub secrets: SealedSecrets,
    /// The event.
    pub event_id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// The body, the same on every attempt.
    pub body: String,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptResult {
    /// The status of the answer, if there was one.
    pub status_code: Option<u16>,
    /// The start of its body.
    pub response_body: Option<String>,
    /// Why there is no answer, or no whole one, in words that give nothing away of the network.
    pub error_message: Option<String>,
    /// How long the receiver asks to be left alone.
    pub retry_after: Option<Duration>,
    /// How long the attempt took.
    pub latency: Duration,
}

impl AttemptResult {
    /// From here on an answer is slow.
    const SLOW: Duration = Duration::seconds(5);

    /// Most bytes of an answer's body that are kept.
    pub const MAX_BODY: usize = 1024;

    /// Whether the event arrived: any 2xx, whatever became of the rest of the answer.
    pub fn is_success(&self) -> bool {
        self.status_code.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether its receiver is in trouble, or slow enough to be a trouble to others.
    pub fn is_troubled(&self) -> bool {
        !self.is_success() || self.latency > Self::SLOW
    }

    /// Whether the receiver is gone for good (RFC 9110, section 15.5.11).
    pub fn is_gone(&self) -> bool {
        self.status_code == Some(410)
    }
}

/// An attempt as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its identity.
    pub id: AttemptId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The event.
    pub event_id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// Which attempt it was, from 1.
    pub number: u32,
    /// What came of it.
    pub status_code: Option<u16>,
    /// The start of the answer's body.
    pub response_body: Option<String>,
    /// Why there is no whole answer.
    pub error_message: Option<String>,
    /// How long it took.
    pub latency: Duration,
    /// When it ended.
    pub created_at: Timestamp,
}

/// Settles a claimed delivery after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettleDelivery {
    /// The attempt's identity in the log.
    pub attempt_id: AttemptId,
    /// The claim it was tried under.
    pub claim: ClaimId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The event.
    pub event_id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// Which attempt it was.
    pub attempt: u32,
    /// What came of it.
    pub result: AttemptResult,
    /// Bits that spread retries.
    pub chance: u64,
    /// When the attempt ended.
    pub now: Timestamp,
}

/// What an attempt means: all of it is written, or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlePlan {
    /// Where the delivery stands.
    pub verdict: Verdict,
    /// The webhook as it is to be. Where it was active and is not any more, what waits for it is held.
    pub webhook: Webhook,
    /// The line of the log.
    pub attempt: Attempt,
}

impl SettleDelivery {
    /// What the attempt means, given the webhook as it is now, and the generation of it that the event was written for; `None` is
    /// the current one. An attempt for another generation says nothing of the webhook as it is now, and is the last.
    pub fn decide(&self, webhook: Webhook, written_for: Option<u64>, policy: &DeliveryPolicy) -> SettlePlan {
        let result = &self.result;
        if written_for.is_some_and(|generation| generation != webhook.generation) {
            let verdict = if result.is_success() { Verdict::Done } else { Verdict::Held };
            return SettlePlan { verdict, webhook, attempt: self.log() };
        }
        let seen = Webhook { last_status_code: result.status_code, last_attempt_at: Some(self.now), ..webhook };
        let webhook = if result.is_success() {
            Webhook { failure_count: 0, first_failure_at: None, ..seen }
        } else {
            self.count_failure(seen, policy)
        };
        SettlePlan { verdict: self.verdict(&webhook, policy), webhook, attempt: self.log() }
    }

    fn count_failure(&self, webhook: Webhook, policy: &DeliveryPolicy) -> Webhook {
        let first_failure_at = webhook.first_failure_at.unwrap_or(self.now);
        let given_up = self.result.is_gone() || first_failure_at.plus(policy.disable_after) <= self.now;
        let (switched_off, active) = (webhook.active && given_up, webhook.active && !given_up);
        Webhook {
            failure_count: webhook.failure_count.saturating_add(1),
            first_failure_at: Some(first_failure_at),
            auto_disabled_at: if switched_off { Some(self.now) } else { webhook.auto_disabled_at },
            ..webhook.switched(active)
        }
    }

    fn verdict(&self, webhook: &Webhook, policy: &DeliveryPolicy) -> Verdict {
        if self.result.is_success() {
            return Verdict::Done;
        }
        if self.result.is_gone() {
            return Verdict::Dead;
        }
        match policy.schedule.wait(self.attempt, self.result.retry_after, self.chance) {
            None => Verdict::Dead,
            Some(_) if !webhook.active => Verdict::Held,
            Some(wait) => Verdict::RetryAt(self.now.plus(wait)),
        }
    }

    fn log(&self) -> Attempt {
        let result = self.result.clone();
        Attempt {
            id: self.attempt_id,
            webhook_id: self.webhook_id,
            event_id: self.event_id,
            kind: self.kind,
            number: self.attempt,
            status_code: result.status_code,
            response_body: result.response_body,
            error_message: result.error_message,
            latency: result.latency,
            created_at: self.now,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::WorkspaceId;
    use crate::webhook::Subscription;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn webhook() -> Webhook {
        Webhook {
            id: WebhookId::new(Uuid::nil()),
            workspace_id: WorkspaceId::new(Uuid::nil()),
            url: WebhookUrl::parse("https://example.com/").unwrap(),
            events: Subscription::parse(&["entry.created".to_owned()]).unwrap(),
            active: true,
            generation: 0,
            failure_count: 0,
            first_failure_at: None,
            last_status_code: None,
            last_attempt_at: None,
            auto_disabled_at: None,
            created_at: at("2026-01-01T00:00:00Z"),
        }
    }

    fn settle(status: Option<u16>, attempt: u32, now: &str) -> SettleDelivery {
        let error_message = status.is_none().then(|| "timed out".to_owned());
        let result = AttemptResult { status_code: status, response_body: None, error_message, retry_after: None, latency: Duration::ZERO };
        SettleDelivery {
            attempt_id: AttemptId::new(Uuid::nil()),
            claim: ClaimId::new(Uuid::nil()),
            webhook_id: WebhookId::new(Uuid::nil()),
            event_id: EventId::new(Uuid::nil()),
            kind: EventKind::EntryCreated,
            attempt,
            result,
            chance: 0,
            now: at(now),
        }
    }

    fn decide(command: &SettleDelivery, webhook: Webhook) -> SettlePlan {
        command.decide(webhook, None, &DeliveryPolicy::default())
    }

    #[test]
    fn any_2xx_is_a_success_and_ends_the_failing() {
        for status in [200, 204, 299] {
            let failing = Webhook { failure_count: 3, first_failure_at: Some(at("2026-01-01T00:00:00Z")), ..webhook() };
            let plan = decide(&settle(Some(status), 4, "2026-01-02T00:00:00Z"), failing);
            assert_eq!((plan.verdict, plan.webhook.failure_count, plan.webhook.first_failure_at), (Verdict::Done, 0, None));
            assert_eq!((plan.webhook.last_status_code, plan.webhook.last_attempt_at), (Some(status), Some(at("2026-01-02T00:00:00Z"))));
        }
    }

    #[test]
    fn everything_else_is_a_failure_and_tried_again() {
        for status in [None, Some(101), Some(301), Some(307), Some(400), Some(404), Some(429), Some(500)] {
            let plan = decide(&settle(status, 1, "2026-01-02T00:00:00Z"), webhook());
            assert_eq!(plan.verdict, Verdict::RetryAt(at("2026-01-02T00:00:04.500Z")), "{status:?}");
            assert_eq!((plan.webhook.failure_count, plan.webhook.active, plan.webhook.last_status_code), (1, true, status));
            assert_eq!(plan.webhook.first_failure_at, Some(at("2026-01-02T00:00:00Z")));
        }
    }

    #[test]
    fn a_delivery_is_dead_after_its_attempts() {
        assert!(matches!(decide(&settle(None, 7, "2026-01-02T00:00:00Z"), webhook()).verdict, Verdict::RetryAt(_)));
        assert_eq!(decide(&settle(None, 8, "2026-01-02T00:00:00Z"), webhook()).verdict, Verdict::Dead);
        assert_eq!(decide(&settle(Some(204), 8, "2026-01-02T00:00:00Z"), webhook()).verdict, Verdict::Done);
    }

    #[test]
    fn a_receiver_that_is_gone_is_left_alone_at_once() {
        let plan = decide(&settle(Some(410), 1, "2026-01-02T00:00:00Z"), webhook());
        assert_eq!((plan.verdict, plan.webhook.active), (Verdict::Dead, false));
        assert_eq!(plan.webhook.auto_disabled_at, Some(at("2026-01-02T00:00:00Z")));
    }

    #[test]
    fn five_days_of_failing_switch_a_webhook_off() {
        let failing = Webhook { failure_count: 9, first_failure_at: Some(at("2026-01-01T00:00:00Z")), ..webhook() };
        let just_before = decide(&settle(Some(500), 1, "2026-01-05T23:59:59.999Z"), failing.clone());
        assert!(just_before.webhook.active && just_before.webhook.auto_disabled_at.is_none());
        let plan = decide(&settle(Some(500), 1, "2026-01-06T00:00:00Z"), failing);
        assert_eq!((plan.verdict, plan.webhook.active, plan.webhook.failure_count), (Verdict::Held, false, 10));
        assert_eq!(plan.webhook.auto_disabled_at, Some(at("2026-01-06T00:00:00Z")));
    }

    #[test]
    fn what_was_paused_meanwhile_is_held_unless_it_arrived() {
        let paused = Webhook { active: false, ..webhook() };
        let plan = decide(&settle(Some(500), 1, "2026-01-02T00:00:00Z"), paused.clone());
        assert_eq!((plan.verdict, plan.webhook.auto_disabled_at), (Verdict::Held, None));
        assert_eq!(decide(&settle(Some(200), 1, "2026-01-02T00:00:00Z"), paused).verdict, Verdict::Done);
    }

    #[test]
    fn trouble_is_a_failure_or_a_slow_success() {
        let troubled = |status, latency| AttemptResult { latency, ..settle(status, 1, "2026-01-02T00:00:00Z").result }.is_troubled();
        assert!(!troubled(Some(200), Duration::seconds(5)) && troubled(Some(200), Duration::seconds(6)));
        assert!(troubled(Some(500), Duration::ZERO) && troubled(None, Duration::ZERO));
    }

    #[test]
    fn a_2xx_is_a_success_though_its_body_breaks_off() {
        let mut command = settle(Some(200), 1, "2026-01-02T00:00:00Z");
        command.result.error_message = Some("the answer broke off".to_owned());
        assert_eq!(decide(&command, webhook()).verdict, Verdict::Done);
    }

    #[test]
    fn an_attempt_from_before_a_switch_is_the_last_and_says_nothing_of_the_webhook() {
        let again = webhook().switched(false).switched(true);
        for (status, verdict) in [(Some(200), Verdict::Done), (Some(500), Verdict::Held), (Some(410), Verdict::Held), (None, Verdict::Held)]
        {
            let plan = settle(status, 1, "2026-01-02T00:00:00Z").decide(again.clone(), Some(0), &DeliveryPolicy::default());
            assert_eq!((plan.verdict, &plan.webhook, plan.attempt.status_code), (verdict, &again, status));
        }
        let current = settle(Some(500), 1, "2026-01-02T00:00:00Z").decide(again, Some(2), &DeliveryPolicy::default());
        assert!(matches!(current.verdict, Verdict::RetryAt(_)) && current.webhook.failure_count == 1);
    }

    #[test]
    fn giving_a_webhook_up_switches_it_off() {
        let plan = decide(&settle(Some(410), 1, "2026-01-02T00:00:00Z"), webhook());
        assert_eq!((plan.webhook.active, plan.webhook.generation), (false, 1));
    }
}
