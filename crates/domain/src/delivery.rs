//! Deliveries: one event for one webhook, and the result of an attempt for both.

use time::Duration;

use crate::error::Invalid;
use crate::event::EventKind;
use crate::id::{AttemptId, ClaimId, EventId, WebhookId};
use crate::queue::{JobState, RetrySchedule, Verdict};
use crate::timestamp::Timestamp;
use crate::webhook::{DeliveryPolicy, SealedSecrets, Webhook, WebhookUrl};

/// How far the delivery of an event to a webhook has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// It waits, or is being sent.
    Pending,
    /// It arrived.
    Delivered,
    /// It was given up.
    Dead,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Dead];

    /// Returns the name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// Reads the name on the wire.
    ///
    /// # Errors
    /// If there is no such state.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be pending, delivered or dead"))
    }

    /// Returns the states of the job that this state stands for.
    pub const fn jobs(self) -> &'static [JobState] {
        match self {
            Self::Pending => &[JobState::Pending, JobState::Running],
            Self::Delivered => &[JobState::Done],
            Self::Dead => &[JobState::Dead],
        }
    }
}

/// A claimed delivery. This process may try it until its lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedDelivery {
    /// The claim. It is the fence: the delivery is settled only while this claim holds.
    pub claim: ClaimId,
    /// The number of this attempt, from 1. It counts even if the attempt is never settled.
    pub attempt: u32,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The current URL of the webhook.
    pub url: WebhookUrl,
    /// The secrets that sign the delivery.
    pub secrets: SealedSecrets,
    /// The event.
    pub event_id: EventId,
    /// The kind of event.
    pub kind: EventKind,
    /// The body. It is the same on every attempt.
    pub body: String,
}

/// The result of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptResult {
    /// The status of the answer, if there was one.
    pub status_code: Option<u16>,
    /// The start of the answer's body.
    pub response_body: Option<String>,
    /// Why there is no complete answer, in words that reveal nothing about the network.
    pub error_message: Option<String>,
    /// How long the receiver asks Rally to wait.
    pub retry_after: Option<Duration>,
    /// How long the attempt took.
    pub latency: Duration,
}

impl AttemptResult {
    /// From this latency on an answer is slow.
    const SLOW: Duration = Duration::seconds(5);

    /// The most bytes of an answer's body that are kept.
    pub const MAX_BODY: usize = 1024;

    /// Whether the event arrived: any 2xx status, even if the body ended too early.
    pub fn is_success(&self) -> bool {
        self.status_code.is_some_and(|status| (200..300).contains(&status))
    }

    /// Whether the attempt failed, or its receiver is so slow that it may delay others.
    pub fn is_troubled(&self) -> bool {
        !self.is_success() || self.latency > Self::SLOW
    }

    /// Whether the receiver is gone for ever (RFC 9110, section 15.5.11).
    pub fn is_gone(&self) -> bool {
        self.status_code == Some(410)
    }
}

/// An attempt in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The id of the attempt.
    pub id: AttemptId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The event.
    pub event_id: EventId,
    /// The kind of event.
    pub kind: EventKind,
    /// The number of the attempt, from 1.
    pub number: u32,
    /// The status of the answer, if there was one.
    pub status_code: Option<u16>,
    /// The start of the answer's body.
    pub response_body: Option<String>,
    /// Why there is no complete answer.
    pub error_message: Option<String>,
    /// How long it took.
    pub latency: Duration,
    /// When it ended.
    pub created_at: Timestamp,
}

/// Settles a claimed delivery after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettleDelivery {
    /// The id of the attempt in the log.
    pub attempt_id: AttemptId,
    /// The claim of the attempt.
    pub claim: ClaimId,
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The event.
    pub event_id: EventId,
    /// The kind of event.
    pub kind: EventKind,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The result of the attempt.
    pub result: AttemptResult,
    /// Random bits that spread the retries.
    pub chance: u64,
    /// When the attempt ended.
    pub now: Timestamp,
}

/// The settlement of an attempt. The store writes all of it or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettlePlan {
    /// The state of the delivery after the attempt.
    pub verdict: Verdict,
    /// The webhook after the attempt. If the attempt disabled it, its waiting deliveries are held.
    pub webhook: Webhook,
    /// The line for the log.
    pub attempt: Attempt,
}

impl SettleDelivery {
    /// Decides on the settlement, for the webhook as it is now.
    ///
    /// `written_for` is the generation of the webhook that the event was written for. `None` means the current generation. An attempt for
    /// another generation does not change the webhook, and the delivery is not retried.
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
        match self.retries_at(&policy.schedule) {
            _ if self.result.is_success() => Verdict::Done,
            None => Verdict::Dead,
            Some(_) if !webhook.active => Verdict::Held,
            Some(due_at) => Verdict::RetryAt(due_at),
        }
    }

    /// When the delivery is tried again, if its webhook is active. `None` if it was taken, if the receiver is gone, and after the last
    /// attempt.
    pub fn retries_at(&self, schedule: &RetrySchedule) -> Option<Timestamp> {
        if self.result.is_success() || self.result.is_gone() {
            return None;
        }
        schedule.wait(self.attempt, self.result.retry_after, self.chance).map(|wait| self.now.plus(wait))
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
    fn any_2xx_is_a_success_and_clears_the_failures() {
        for status in [200, 204, 299] {
            let failing = Webhook { failure_count: 3, first_failure_at: Some(at("2026-01-01T00:00:00Z")), ..webhook() };
            let plan = decide(&settle(Some(status), 4, "2026-01-02T00:00:00Z"), failing);
            assert_eq!((plan.verdict, plan.webhook.failure_count, plan.webhook.first_failure_at), (Verdict::Done, 0, None));
            assert_eq!((plan.webhook.last_status_code, plan.webhook.last_attempt_at), (Some(status), Some(at("2026-01-02T00:00:00Z"))));
        }
    }

    #[test]
    fn any_other_result_is_a_failure_and_is_retried() {
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
    fn a_webhook_is_disabled_at_once_if_its_receiver_is_gone() {
        let plan = decide(&settle(Some(410), 1, "2026-01-02T00:00:00Z"), webhook());
        assert_eq!((plan.verdict, plan.webhook.active), (Verdict::Dead, false));
        assert_eq!(plan.webhook.auto_disabled_at, Some(at("2026-01-02T00:00:00Z")));
    }

    #[test]
    fn a_webhook_is_disabled_after_five_days_of_failures() {
        let failing = Webhook { failure_count: 9, first_failure_at: Some(at("2026-01-01T00:00:00Z")), ..webhook() };
        let just_before = decide(&settle(Some(500), 1, "2026-01-05T23:59:59.999Z"), failing.clone());
        assert!(just_before.webhook.active && just_before.webhook.auto_disabled_at.is_none());
        let plan = decide(&settle(Some(500), 1, "2026-01-06T00:00:00Z"), failing);
        assert_eq!((plan.verdict, plan.webhook.active, plan.webhook.failure_count), (Verdict::Held, false, 10));
        assert_eq!(plan.webhook.auto_disabled_at, Some(at("2026-01-06T00:00:00Z")));
    }

    #[test]
    fn a_delivery_of_a_disabled_webhook_is_held_unless_it_arrived() {
        let paused = Webhook { active: false, ..webhook() };
        let plan = decide(&settle(Some(500), 1, "2026-01-02T00:00:00Z"), paused.clone());
        assert_eq!((plan.verdict, plan.webhook.auto_disabled_at), (Verdict::Held, None));
        assert_eq!(decide(&settle(Some(200), 1, "2026-01-02T00:00:00Z"), paused).verdict, Verdict::Done);
    }

    #[test]
    fn a_failure_or_a_slow_success_is_trouble() {
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
    fn an_attempt_of_an_older_generation_is_the_last_and_changes_no_webhook() {
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
    fn a_webhook_that_is_given_up_gets_another_generation() {
        let plan = decide(&settle(Some(410), 1, "2026-01-02T00:00:00Z"), webhook());
        assert_eq!((plan.webhook.active, plan.webhook.generation), (false, 1));
    }
}
