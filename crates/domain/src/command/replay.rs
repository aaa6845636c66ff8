//! Sending stored events to a webhook once more.

use crate::actor::Actor;
use crate::audit::{AuditAction, Audited, change};
use crate::error::Invalid;
use crate::event::EventKind;
use crate::id::{EventId, WebhookId, WorkspaceId};
use crate::queue::JobState;
use crate::timestamp::Timestamp;
use crate::webhook::{MAX_REPLAYED, Webhook};

/// The deliveries that a replay sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayState {
    /// Only those that were given up.
    Dead,
    /// All: those that arrived, were given up, wait, or were held because the webhook was disabled.
    All,
}

impl ReplayState {
    /// Reads the name on the wire.
    ///
    /// # Errors
    /// If there is no such state.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "dead" => Ok(Self::Dead),
            "all" => Ok(Self::All),
            _ => Err(Invalid::new("must be dead or all")),
        }
    }

    /// Returns the states of deliveries that are sent. Of those that run, only the ones are sent that nobody sends any more: their lease
    /// has ended, or they were claimed before the webhook was switched. Dead ones do not run.
    pub const fn jobs(self) -> &'static [JobState] {
        match self {
            Self::Dead => &[JobState::Dead],
            Self::All => &JobState::ALL,
        }
    }
}

/// Sends the events of a period to a webhook once more, with their ids and bodies.
///
/// The events are those that were written for the webhook, and whose waitlist and entry still exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayDeliveries {
    /// The webhook.
    pub id: WebhookId,
    /// The workspace that the webhook must belong to.
    pub workspace_id: WorkspaceId,
    /// The first instant of the period.
    pub since: Timestamp,
    /// The first instant after the period.
    pub until: Timestamp,
    /// The kinds of event. `None` means all.
    pub kinds: Option<Vec<EventKind>>,
    /// The deliveries.
    pub state: ReplayState,
    /// Who asks for it.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Sends one event to a webhook once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResendDelivery {
    /// The webhook.
    pub id: WebhookId,
    /// The workspace that the webhook must belong to.
    pub workspace_id: WorkspaceId,
    /// The event, which must have been written for the webhook.
    pub event_id: EventId,
    /// Who asks for it.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// The stored state that a replay needs. The store keeps it locked until the plan is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayFacts {
    /// The webhook.
    pub webhook: Webhook,
    /// The events that fit the command, at most [`MAX_REPLAYED`] and one more.
    pub events: Vec<EventId>,
}

/// The deliveries of a webhook that become due. Their attempts count anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayPlan {
    /// The generation of the webhook, which the deliveries get.
    pub generation: u64,
    /// The events.
    pub events: Vec<EventId>,
    /// When the deliveries are due.
    pub due_at: Timestamp,
}

/// Why no event is sent once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplayRejection {
    /// The workspace has no such webhook.
    #[error("this webhook does not exist")]
    NoSuchWebhook,
    /// The webhook is disabled, and nothing would be sent.
    #[error("this webhook is not active")]
    Disabled,
    /// The event was not written for the webhook, or its entry or waitlist is deleted.
    #[error("the webhook has no delivery of this event")]
    NoSuchDelivery,
    /// More events fit than one request may send.
    #[error("more than {MAX_REPLAYED} events: choose a shorter period")]
    TooManyEvents,
}

fn plan(facts: Option<ReplayFacts>, due_at: Timestamp) -> Result<ReplayPlan, ReplayRejection> {
    let ReplayFacts { webhook, events } = facts.ok_or(ReplayRejection::NoSuchWebhook)?;
    if !webhook.active {
        return Err(ReplayRejection::Disabled);
    }
    Ok(ReplayPlan { generation: webhook.generation, events, due_at })
}

impl ReplayDeliveries {
    /// Returns the deliveries that become due.
    ///
    /// # Errors
    /// If the webhook does not exist or is disabled, or too many events fit. The first of these is the error.
    pub fn decide(&self, facts: Option<ReplayFacts>) -> Result<Audited<ReplayPlan>, ReplayRejection> {
        let plan = plan(facts, self.now)?;
        if plan.events.len() > MAX_REPLAYED {
            return Err(ReplayRejection::TooManyEvents);
        }
        let events = plan.events.len();
        let mut changed = change("events", None::<u64>, Some(events as u64).filter(|events| *events > 0));
        if events > 0 {
            changed.extend(change("since", None::<String>, self.since.to_string()));
            changed.extend(change("until", None::<String>, self.until.to_string()));
        }
        let row = self.actor.audit(self.now, self.workspace_id, AuditAction::WebhookReplay, self.id, changed);
        Ok(Audited::new(plan, row))
    }
}

impl ResendDelivery {
    /// Returns the delivery that becomes due.
    ///
    /// # Errors
    /// If the webhook does not exist or is disabled, or the event was not written for it. The first of these is the error.
    pub fn decide(&self, facts: Option<ReplayFacts>) -> Result<Audited<ReplayPlan>, ReplayRejection> {
        let plan = plan(facts, self.now)?;
        if plan.events.is_empty() {
            return Err(ReplayRejection::NoSuchDelivery);
        }
        let changed = change("event_id", None::<String>, self.event_id.to_string());
        let row = self.actor.audit(self.now, self.workspace_id, AuditAction::WebhookResend, self.id, changed);
        Ok(Audited::new(plan, row))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::webhook::{Subscription, WebhookUrl};

    fn facts(active: bool, events: usize) -> Option<ReplayFacts> {
        let webhook = Webhook {
            id: WebhookId::new(Uuid::nil()),
            workspace_id: WorkspaceId::new(Uuid::nil()),
            url: WebhookUrl::parse("https://example.com/").unwrap(),
            events: Subscription::parse(&["entry.created".to_owned()]).unwrap(),
            active,
            generation: 4,
            failure_count: 0,
            first_failure_at: None,
            last_status_code: None,
            last_attempt_at: None,
            auto_disabled_at: None,
            created_at: now(),
        };
        Some(ReplayFacts { webhook, events: vec![EventId::new(Uuid::nil()); events] })
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-31T09:00:00Z").unwrap()
    }

    #[test]
    fn a_replay_is_of_an_active_webhook_and_of_so_many_events() {
        let (id, workspace_id) = (WebhookId::new(Uuid::nil()), WorkspaceId::new(Uuid::nil()));
        let (since, until, state, actor, now) = (now(), now(), ReplayState::All, Actor::System, now());
        let replay = ReplayDeliveries { id, workspace_id, since, until, kinds: None, state, actor, now };
        let decide = |facts| replay.decide(facts).map(|audited| (audited.plan.generation, audited.plan.events.len(), audited.plan.due_at));
        assert_eq!(decide(facts(true, MAX_REPLAYED)), Ok((4, MAX_REPLAYED, now)));
        assert_eq!(decide(facts(true, 0)), Ok((4, 0, now)));
        assert_eq!(decide(facts(true, MAX_REPLAYED + 1)), Err(ReplayRejection::TooManyEvents));
        assert_eq!(decide(facts(false, MAX_REPLAYED + 1)), Err(ReplayRejection::Disabled));
        assert_eq!(decide(None), Err(ReplayRejection::NoSuchWebhook));
    }

    #[test]
    fn a_delivery_is_resent_if_there_is_one() {
        let (id, workspace_id, event_id) = (WebhookId::new(Uuid::nil()), WorkspaceId::new(Uuid::nil()), EventId::new(Uuid::nil()));
        let resend = ResendDelivery { id, workspace_id, event_id, actor: Actor::System, now: now() };
        assert_eq!(resend.decide(facts(true, 1)).map(|audited| audited.plan.events), Ok(vec![event_id]));
        assert_eq!(resend.decide(facts(true, 0)), Err(ReplayRejection::NoSuchDelivery));
        assert_eq!(resend.decide(facts(false, 0)), Err(ReplayRejection::Disabled));
    }
}
