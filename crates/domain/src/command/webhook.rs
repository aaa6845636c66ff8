//! Creating, changing, testing and deleting webhooks.

use crate::actor::Actor;
use crate::audit::{AuditAction, Audited, change, changes};
use crate::event::Event;
use crate::id::{WebhookId, WorkspaceId};
use crate::timestamp::Timestamp;
use crate::webhook::{MAX_WEBHOOKS, ROTATION_OVERLAP, SealedSecret, SealedSecrets, Subscription, Webhook, WebhookUrl};

/// Creates a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateWebhook {
    /// The id of the new webhook.
    pub id: WebhookId,
    /// The workspace whose events it gets.
    pub workspace_id: WorkspaceId,
    /// The URL that the events are sent to.
    pub url: WebhookUrl,
    /// The kinds of event that it is subscribed to.
    pub events: Subscription,
    /// Whether the webhook gets events.
    pub active: bool,
    /// The secret that signs the deliveries.
    pub secret: SealedSecret,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Changes a webhook. A field that is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateWebhook {
    /// The webhook.
    pub id: WebhookId,
    /// The workspace that the webhook must belong to.
    pub workspace_id: WorkspaceId,
    /// The new URL.
    pub url: Option<WebhookUrl>,
    /// The new kinds of event.
    pub events: Option<Subscription>,
    /// Whether the webhook gets events. `true` clears the failure state. `false` disables the webhook and holds its waiting deliveries.
    pub active: Option<bool>,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Gives a webhook another secret. Deliveries are also signed with the old one for [`ROTATION_OVERLAP`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotateSecret {
    /// The webhook.
    pub id: WebhookId,
    /// The workspace that the webhook must belong to.
    pub workspace_id: WorkspaceId,
    /// The new secret.
    pub secret: SealedSecret,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Sends a made-up event to one webhook, even if it is not subscribed to the kind of event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestWebhook {
    /// The webhook.
    pub id: WebhookId,
    /// The workspace that the webhook must belong to.
    pub workspace_id: WorkspaceId,
    /// The event.
    pub event: Event,
    /// Who tests the webhook.
    pub actor: Actor,
}

/// Deletes a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteWebhook {
    /// The webhook.
    pub id: WebhookId,
    /// The workspace that the webhook must belong to.
    pub workspace_id: WorkspaceId,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Why a webhook was not created, changed or tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRejection {
    /// The workspace does not exist.
    #[error("this workspace does not exist")]
    NoSuchWorkspace,
    /// The workspace has no such webhook.
    #[error("this webhook does not exist")]
    NoSuchWebhook,
    /// The workspace has the most webhooks already.
    #[error("a workspace has at most {MAX_WEBHOOKS} webhooks")]
    TooMany,
    /// The webhook is disabled, and nothing would be sent.
    #[error("this webhook is not active")]
    Disabled,
    /// A request with the same idempotency key was carried out before.
    #[error("a request with this idempotency key was carried out")]
    AlreadyDone,
}

/// The stored state that a new webhook needs. The store keeps it locked until the webhook is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateWebhookFacts {
    /// How many webhooks the workspace has. `None` means that the workspace does not exist.
    pub webhooks: Option<u64>,
    /// Whether a reply is stored in the scope of the command's receipt. It is `false` for a command without a receipt.
    pub already_done: bool,
}

impl CreateWebhook {
    /// Returns the new webhook. Reports a repeated request before it counts the webhooks.
    ///
    /// # Errors
    /// If the workspace does not exist, the request was carried out before, or the workspace has the most webhooks already. The first of
    /// these is the error.
    pub fn decide(&self, facts: CreateWebhookFacts) -> Result<Audited<Webhook>, WebhookRejection> {
        let webhooks = facts.webhooks.ok_or(WebhookRejection::NoSuchWorkspace)?;
        if facts.already_done {
            return Err(WebhookRejection::AlreadyDone);
        }
        if webhooks >= MAX_WEBHOOKS {
            return Err(WebhookRejection::TooMany);
        }
        let webhook = Webhook {
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
        };
        let changes = changes(None, Some(&webhook));
        let row = self.actor.audit(self.now, webhook.workspace_id, AuditAction::WebhookCreate, webhook.id, changes);
        Ok(Audited::new(webhook, row))
    }
}

/// The stored state that a new secret needs. The store keeps it locked until the plan is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotateSecretFacts {
    /// The webhook.
    pub webhook: Webhook,
    /// The current secret.
    pub secret: SealedSecret,
    /// Whether a reply is stored in the scope of the command's receipt. It is `false` for a command without a receipt.
    pub already_done: bool,
}

/// The result of changing a secret. The store writes all of it or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotateSecretPlan {
    /// The webhook, unchanged.
    pub webhook: Webhook,
    /// The secrets to write. A previous secret from an earlier change is dropped.
    pub secrets: SealedSecrets,
    /// Until when deliveries are also signed with the previous secret.
    pub previous_until: Timestamp,
}

impl RotateSecret {
    /// Returns the new secrets, for the webhook as it is now.
    ///
    /// # Errors
    /// If the webhook does not exist, or the request was carried out before.
    pub fn decide(&self, facts: Option<RotateSecretFacts>) -> Result<Audited<RotateSecretPlan>, WebhookRejection> {
        let RotateSecretFacts { webhook, secret, already_done } = facts.ok_or(WebhookRejection::NoSuchWebhook)?;
        if already_done {
            return Err(WebhookRejection::AlreadyDone);
        }
        let secrets = SealedSecrets { current: self.secret.clone(), previous: Some(secret) };
        let previous_until = self.now.plus(ROTATION_OVERLAP);
        let change = change("previous_secret_until", None::<String>, previous_until.to_string());
        let row = self.actor.audit(self.now, webhook.workspace_id, AuditAction::WebhookRotate, webhook.id, change);
        Ok(Audited::new(RotateSecretPlan { webhook, secrets, previous_until }, row))
    }
}

impl UpdateWebhook {
    /// Returns the changed webhook, from the webhook as it is now.
    ///
    /// # Errors
    /// If the webhook does not exist.
    pub fn decide(&self, current: Option<Webhook>) -> Result<Audited<Webhook>, WebhookRejection> {
        let current = current.ok_or(WebhookRejection::NoSuchWebhook)?;
        let active = self.active.unwrap_or(current.active);
        let changed = Webhook {
            url: self.url.clone().unwrap_or_else(|| current.url.clone()),
            events: self.events.clone().unwrap_or_else(|| current.events.clone()),
            ..current.clone().switched(active)
        };
        let updated = match self.active {
            Some(true) => Webhook { failure_count: 0, first_failure_at: None, auto_disabled_at: None, ..changed },
            Some(false) | None => changed,
        };
        let changes = changes(Some(&current), Some(&updated));
        let row = self.actor.audit(self.now, updated.workspace_id, AuditAction::WebhookUpdate, updated.id, changes);
        Ok(Audited::new(updated, row))
    }
}

impl DeleteWebhook {
    /// Returns whether there is a webhook to delete, from the webhook as it is now.
    pub fn decide(&self, current: Option<&Webhook>) -> Audited<bool> {
        let audit = |gone: &Webhook| {
            let changes = changes(Some(gone), None);
            self.actor.audit(self.now, gone.workspace_id, AuditAction::WebhookDelete, gone.id, changes)
        };
        Audited::new(current.is_some(), current.and_then(audit))
    }
}

impl TestWebhook {
    /// Returns the webhook that gets the event, from the webhook as it is now.
    ///
    /// # Errors
    /// If the webhook does not exist, or is disabled.
    pub fn decide(&self, current: Option<Webhook>) -> Result<Webhook, WebhookRejection> {
        let current = current.ok_or(WebhookRejection::NoSuchWebhook)?;
        if current.active { Ok(current) } else { Err(WebhookRejection::Disabled) }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn create() -> CreateWebhook {
        CreateWebhook {
            id: WebhookId::new(Uuid::nil()),
            workspace_id: WorkspaceId::new(Uuid::nil()),
            url: WebhookUrl::parse("https://example.com/").unwrap(),
            events: Subscription::parse(&["entry.created".to_owned()]).unwrap(),
            active: true,
            secret: SealedSecret::new(Vec::new()),
            actor: Actor::System,
            now: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
        }
    }

    #[test]
    fn a_repeated_request_is_reported_however_many_webhooks_there_are() {
        let decide =
            |webhooks, already_done| create().decide(CreateWebhookFacts { webhooks, already_done }).map(|audited| audited.plan.active);
        assert_eq!(decide(Some(MAX_WEBHOOKS - 1), false), Ok(true));
        assert_eq!(decide(Some(MAX_WEBHOOKS), false), Err(WebhookRejection::TooMany));
        assert_eq!(decide(Some(MAX_WEBHOOKS), true), Err(WebhookRejection::AlreadyDone));
        assert_eq!(decide(None, true), Err(WebhookRejection::NoSuchWorkspace));
    }

    #[test]
    fn a_rotation_keeps_the_last_secret_for_a_day() {
        let webhook = create().decide(CreateWebhookFacts { webhooks: Some(0), already_done: false }).unwrap().plan;
        let secret = |byte| SealedSecret::new(vec![byte]);
        let now = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
        let rotate = RotateSecret { id: webhook.id, workspace_id: webhook.workspace_id, secret: secret(2), actor: Actor::System, now };
        let facts = RotateSecretFacts { webhook, secret: secret(1), already_done: false };
        let (plan, rows) = rotate.decide(Some(facts.clone())).unwrap().into_parts();
        assert_eq!(rows.len(), 1);
        assert_eq!(plan.secrets, SealedSecrets { current: secret(2), previous: Some(secret(1)) });
        assert_eq!(plan.previous_until, Timestamp::parse("2026-01-02T00:00:00Z").unwrap());
        assert_eq!(rotate.decide(Some(RotateSecretFacts { already_done: true, ..facts })), Err(WebhookRejection::AlreadyDone));
        assert_eq!(rotate.decide(None), Err(WebhookRejection::NoSuchWebhook));
    }

    #[test]
    fn the_generation_grows_whenever_a_webhook_is_disabled_or_enabled() {
        let (id, workspace_id) = (create().id, create().workspace_id);
        let now = create().now;
        let mut webhook = create().decide(CreateWebhookFacts { webhooks: Some(0), already_done: false }).unwrap().plan;
        let mut generations = Vec::new();
        for active in [None, Some(true), Some(false), Some(false), None, Some(true)] {
            let update = UpdateWebhook { id, workspace_id, url: None, events: None, active, actor: Actor::System, now };
            let (updated, rows) = update.decide(Some(webhook)).unwrap().into_parts();
            webhook = updated;
            generations.push((webhook.active, webhook.generation, rows.len()));
        }
        let expected = [(true, 0, 0), (true, 0, 0), (false, 1, 1), (false, 1, 0), (false, 1, 0), (true, 2, 1)];
        assert_eq!(generations, expected, "what changes nothing is not audited");
    }
}
