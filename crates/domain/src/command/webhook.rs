//! Creating, changing and testing webhooks.

use crate::event::Event;
use crate::id::{WebhookId, WorkspaceId};
use crate::timestamp::Timestamp;
use crate::webhook::{MAX_WEBHOOKS, SealedSecret, Subscription, Webhook, WebhookUrl};

/// Creates a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateWebhook {
    /// The new webhook's identity.
    pub id: WebhookId,
    /// The workspace whose events it gets.
    pub workspace_id: WorkspaceId,
    /// Where they are sent.
    pub url: WebhookUrl,
    /// Which of them.
    pub events: Subscription,
    /// Whether they are sent.
    pub active: bool,
    /// What deliveries are signed with.
    pub secret: SealedSecret,
    /// When.
    pub now: Timestamp,
}

/// Changes a webhook; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateWebhook {
    /// The webhook.
    pub id: WebhookId,
    /// The workspace it must belong to.
    pub workspace_id: WorkspaceId,
    /// Where events are sent from now on.
    pub url: Option<WebhookUrl>,
    /// Which of them.
    pub events: Option<Subscription>,
    /// Whether they are sent. Switching it on clears the failure state; switching it off holds what waits.
    pub active: Option<bool>,
}

/// Gives a webhook another secret; the old one signs too for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotateSecret {
    /// The webhook.
    pub id: WebhookId,
    /// The workspace it must belong to.
    pub workspace_id: WorkspaceId,
    /// The new secret.
    pub secret: SealedSecret,
    /// When.
    pub now: Timestamp,
}

/// Sends a made-up event to one webhook, subscribed to its kind or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestWebhook {
    /// The webhook.
    pub id: WebhookId,
    /// The workspace it must belong to.
    pub workspace_id: WorkspaceId,
    /// The event.
    pub event: Event,
}

/// Why a webhook was not created, changed or tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRejection {
    /// There is no such workspace.
    #[error("this workspace does not exist")]
    NoSuchWorkspace,
    /// The workspace has no such webhook.
    #[error("this webhook does not exist")]
    NoSuchWebhook,
    /// The workspace has as many as it may.
    #[error("a workspace has at most {MAX_WEBHOOKS} webhooks")]
    TooMany,
    /// It is switched off, so that nothing would be sent.
    #[error("this webhook is not active")]
    Disabled,
    /// A request with the same idempotency key was carried out first.
    #[error("a request with this idempotency key was carried out")]
    AlreadyDone,
}

impl CreateWebhook {
    /// The webhook to be, given how many the workspace has, if there is such a workspace.
    ///
    /// # Errors
    /// When there is no workspace, or it has as many as it may.
    pub fn decide(&self, webhooks: Option<u64>) -> Result<Webhook, WebhookRejection> {
        if webhooks.ok_or(WebhookRejection::NoSuchWorkspace)? >= MAX_WEBHOOKS {
            return Err(WebhookRejection::TooMany);
        }
        Ok(Webhook {
            id: self.id,
            workspace_id: self.workspace_id,
            url: self.url.clone(),
            events: self.events.clone(),
            active: self.active,
            generation: 0,
            failure_count: 0,
            first_failure_at: None,
            last_status_code: None,
            last_attempt_at: None,
            auto_disabled_at: None,
            created_at: self.now,
        })
    }
}

impl UpdateWebhook {
    /// The webhook as it is to be, given as it is now.
    ///
    /// # Errors
    /// When there is none.
    pub fn decide(&self, current: Option<Webhook>) -> Result<Webhook, WebhookRejection> {
        let current = current.ok_or(WebhookRejection::NoSuchWebhook)?;
        let active = self.active.unwrap_or(current.active);
        let changed = Webhook {
            url: self.url.clone().unwrap_or(current.url.clone()),
            events: self.events.clone().unwrap_or(current.events.clone()),
            ..current.switched(active)
        };
        Ok(match self.active {
            Some(true) => Webhook { failure_count: 0, first_failure_at: None, auto_disabled_at: None, ..changed },
            Some(false) | None => changed,
        })
    }
}

impl TestWebhook {
    /// The webhook that the event is sent to, given it as it is now.
    ///
    /// # Errors
    /// When there is none, or it is switched off.
    pub fn decide(&self, current: Option<Webhook>) -> Result<Webhook, WebhookRejection> {
        let current = current.ok_or(WebhookRejection::NoSuchWebhook)?;
        if current.active { Ok(current) } else { Err(WebhookRejection::Disabled) }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_webhook_has_another_generation_whenever_it_is_switched() {
        let (id, workspace_id) = (WebhookId::new(Uuid::nil()), WorkspaceId::new(Uuid::nil()));
        let create = CreateWebhook {
            id,
            workspace_id,
            url: WebhookUrl::parse("https://example.com/").unwrap(),
            events: Subscription::parse(&["entry.created".to_owned()]).unwrap(),
            active: true,
            secret: SealedSecret::new(Vec::new()),
            now: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
        };
        let mut webhook = create.decide(Some(0)).unwrap();
        let mut generations = Vec::new();
        for active in [None, Some(true), Some(false), Some(false), None, Some(true)] {
            webhook = UpdateWebhook { id, workspace_id, url: None, events: None, active }.decide(Some(webhook)).unwrap();
            generations.push((webhook.active, webhook.generation));
        }
        assert_eq!(generations, [(true, 0), (true, 0), (false, 1), (false, 1), (false, 1), (true, 2)]);
    }
}
