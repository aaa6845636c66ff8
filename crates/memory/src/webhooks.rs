//! [`WebhookStore`] in memory.

use std::cmp::Reverse;

use async_trait::async_trait;
use rally_domain::access::Receipt;
use rally_domain::command::{
    CreateWebhook, CreateWebhookFacts, DeleteWebhook, ReplayDeliveries, ReplayFacts, ReplayPlan, ReplayRejection, ResendDelivery,
    RotateSecret, RotateSecretFacts, RotateSecretPlan, TestWebhook, UpdateWebhook, WebhookRejection,
};
use rally_domain::delivery::{Attempt, DeliveryState};
use rally_domain::error::{CommandError, Fault};
use rally_domain::event::Event;
use rally_domain::id::{WebhookId, WorkspaceId};
use rally_domain::paging::Limit;
use rally_domain::port::WebhookStore;
use rally_domain::queue::JobState;
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::{SealedSecrets, Webhook};

use crate::data::{Data, Delivery, Hook};
use crate::flaw::{Flaw, Flawed};
use crate::purges::Purge;
use crate::queue::{Job, State};
use crate::{MemoryStore, rejected};

#[async_trait]
impl WebhookStore for MemoryStore {
    async fn create(&self, command: CreateWebhook, receipt: Option<Receipt<Webhook>>) -> Result<Webhook, CommandError<WebhookRejection>> {
        let work = |data: &mut Data| {
            let counts = |webhook: &Webhook| webhook.active || !data.flaw.is(Flaw::DisabledWebhooksNotCounted);
            let mine = data.webhooks.values().filter(|hook| hook.webhook.workspace_id == command.workspace_id && counts(&hook.webhook));
            let mine = mine.count() as u64;
            let number = if data.flaw.is(Flaw::WebhooksUnlimited) { 0 } else { mine };
            let webhooks = data.workspaces.contains_key(&command.workspace_id).then_some(number);
            let facts = CreateWebhookFacts { webhooks, already_done: data.is_done(receipt.as_ref()) };
            let webhook = data.audit(command.decide(facts).map_err(rejected)?);
            data.store_reply(receipt.as_ref(), &webhook);
            let secrets = SealedSecrets { current: command.secret, previous: None };
            data.webhooks.insert(webhook.id, Hook { webhook: webhook.clone(), secrets, previous_until: None });
            Ok(webhook)
        };
        self.write(work).await
    }

    async fn update(&self, command: UpdateWebhook) -> Result<Webhook, CommandError<WebhookRejection>> {
        let work = |data: &mut Data| {
            let current = data.webhook_of(command.workspace_id, command.id);
            let updated = data.audit(command.decide(current.clone()).map_err(rejected)?);
            data.put_webhook(&data.flaw.enabled(current, updated.clone()));
            Ok(updated)
        };
        self.write(work).await
    }

    async fn rotate(&self, command: RotateSecret, receipt: Option<Receipt<Webhook>>) -> Result<Webhook, CommandError<WebhookRejection>> {
        let work = |data: &mut Data| {
            let already_done = data.is_done(receipt.as_ref());
            let webhook = data.webhook_of_any(command.workspace_id, command.id, Flaw::RotationsIgnoreWorkspaces);
            let secret = data.webhooks.get(&command.id).map(|hook| hook.secrets.current.clone());
            let facts = webhook.zip(secret).map(|(webhook, secret)| RotateSecretFacts { webhook, secret, already_done });
            let RotateSecretPlan { webhook, secrets, previous_until } = data.audit(command.decide(facts).map_err(rejected)?);
            if !data.flaw.is(Flaw::RotationsStoreNoReply) {
                data.store_reply(receipt.as_ref(), &webhook);
            }
            let flaw = data.flaw;
            if let Some(hook) = data.webhooks.get_mut(&webhook.id) {
                let first = hook.secrets.previous.clone().filter(|_| flaw.is(Flaw::FirstSecretsKept));
                hook.secrets = SealedSecrets { previous: first.or(secrets.previous), ..secrets };
                hook.previous_until = Some(previous_until);
                hook.webhook.active |= flaw.is(Flaw::RotationsEnable);
            }
            Ok(webhook)
        };
        self.write(work).await
    }

    async fn test(&self, command: TestWebhook) -> Result<(), CommandError<WebhookRejection>> {
        let work = |data: &mut Data| {
            let current = data.webhook_of_any(command.workspace_id, command.id, Flaw::TestsIgnoreWorkspaces);
            let webhook = command.decide(current).map_err(rejected)?;
            if data.flaw.is(Flaw::TestsGoToAll) {
                data.tell(command.event);
            } else {
                data.deliver(&command.event, &webhook);
                if data.flaw.is(Flaw::TestsInFeeds) {
                    data.feed(&command.event);
                }
                data.events.insert((command.event.occurred_at, command.event.id), command.event);
            }
            Ok(())
        };
        self.write(work).await
    }

    async fn delete(&self, command: DeleteWebhook) -> Result<bool, Fault> {
        let (workspace_id, id) = (command.workspace_id, command.id);
        let work = |data: &mut Data| {
            let current = data.webhook_of(workspace_id, id);
            let is_there = data.audit(command.decide(current.as_ref()));
            if is_there {
                data.bury_webhook(id);
            }
            Ok(is_there)
        };
        self.write(work).await
    }

    async fn find(&self, workspace_id: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>, Fault> {
        Ok(self.read(|data| data.webhook_of(workspace_id, id)))
    }

    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<Webhook>, Fault> {
        let flaw = self.read(|data| data.flaw);
        let mut webhooks: Vec<Webhook> = self.read(|data| data.webhooks.values().map(|hook| hook.webhook.clone()).collect());
        webhooks.retain(|webhook| webhook.workspace_id == workspace_id);
        if !flaw.is(Flaw::WebhooksInOrderOfIds) {
            webhooks.sort_by_key(|webhook| (webhook.created_at, webhook.id));
        }
        Ok(webhooks)
    }

    async fn attempts(&self, id: WebhookId, limit: Limit) -> Result<Vec<Attempt>, Fault> {
        let oldest_first = self.read(|data| data.flaw.is(Flaw::OldestAttemptsFirst));
        let mut log = self.read(|data| data.attempts.clone());
        log.retain(|attempt| attempt.webhook_id == id);
        log.sort_by_key(|attempt| Reverse((attempt.created_at, attempt.id)));
        if oldest_first {
            log.reverse();
        }
        log.truncate(limit.rows());
        Ok(log)
    }

    async fn attempts_of(&self, id: WebhookId, state: DeliveryState, limit: Limit) -> Result<Vec<Attempt>, Fault> {
        let mut log = self.attempts(id, Limit::new(u64::from(u16::MAX), u16::MAX).map_err(Fault::unexpected)?).await?;
        let is_in = |delivery: &Delivery, attempt: &Attempt| {
            delivery.webhook_id == id && delivery.event_id == attempt.event_id && state.jobs().contains(&delivery.job.state.stored())
        };
        let all = self.read(|data| data.flaw.is(Flaw::AttemptsOfEveryState));
        log.retain(|attempt| all || self.read(|data| data.deliveries.iter().any(|delivery| is_in(delivery, attempt))));
        log.truncate(limit.rows());
        Ok(log)
    }

    async fn replay(&self, command: ReplayDeliveries) -> Result<u64, CommandError<ReplayRejection>> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let in_period = |event: &Event| {
                let last = event.occurred_at == command.until && flaw.is(Flaw::PeriodsClosed);
                event.occurred_at >= command.since && (event.occurred_at < command.until || last)
            };
            let wanted =
                |event: &Event| command.kinds.as_ref().is_none_or(|kinds| kinds.contains(&event.kind)) || flaw.is(Flaw::ReplaysOfEveryKind);
            let states = if flaw.is(Flaw::ReplaysOfEveryState) { &JobState::ALL[..] } else { command.state.jobs() };
            let facts =
                data.replay_facts(&command.workspace_id, command.id, states, Some(command.now), |event| in_period(event) && wanted(event));
            let plan = data.audit(command.decide(facts).map_err(rejected)?);
            Ok(data.make_due(command.id, &plan))
        };
        self.write(work).await
    }

    async fn resend(&self, command: ResendDelivery) -> Result<(), CommandError<ReplayRejection>> {
        let work = |data: &mut Data| {
            let same = |event: &Event| event.id == command.event_id || data.flaw.is(Flaw::ResendsEverything);
            let facts = data.replay_facts(&command.workspace_id, command.id, &JobState::ALL, None, same);
            let plan = data.audit(command.decide(facts).map_err(rejected)?);
            data.make_due(command.id, &plan);
            Ok(())
        };
        self.write(work).await
    }

    async fn secrets(&self) -> Result<Vec<(WebhookId, SealedSecrets)>, Fault> {
        let look = |data: &Data| {
            let told = data.webhooks.iter().filter(|(_, hook)| hook.webhook.active || !data.flaw.is(Flaw::SecretsOfDisabledNotTold));
            told.map(|(id, hook)| (*id, hook.secrets.clone())).collect()
        };
        Ok(self.read(look))
    }

    async fn reseal(&self, id: WebhookId, old: SealedSecrets, new: SealedSecrets) -> Result<bool, Fault> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let overwrites = flaw.is(Flaw::ResealOverwrites);
            let same = data.webhooks.get_mut(&id).filter(|hook| hook.secrets == old || overwrites);
            let first = old.previous.filter(|_| flaw.is(Flaw::ResealKeepsOldSecrets));
            same.map(|hook| hook.secrets = SealedSecrets { previous: first.or(new.previous), ..new }).is_some()
        };
        Ok(self.write(work).await)
    }
}

/// Whether somebody sends a delivery now: it runs, its lease goes on, and its webhook was not switched since.
fn is_sent(delivery: &Delivery, generation: u64, now: Timestamp, flaw: Flawed) -> bool {
    let State::Running(_, lease_until) = delivery.job.state else { return false };
    let goes_on = lease_until > now && delivery.generation == generation;
    (goes_on || flaw.is(Flaw::LeftClaimsNotReplayed)) && !flaw.is(Flaw::ReplaysTakeWhatIsSent)
}

impl Data {
    /// The facts of a replay: the webhook, and the events that were written for it, in those states, of lists and entries that exist.
    fn replay_facts(
        &self,
        workspace_id: &WorkspaceId,
        id: WebhookId,
        states: &[JobState],
        now: Option<Timestamp>,
        fits: impl Fn(&Event) -> bool,
    ) -> Option<ReplayFacts> {
        let webhook = self.webhook_of_any(*workspace_id, id, Flaw::ReplaysIgnoreWorkspaces)?;
        let mine = |delivery: &&Delivery| delivery.webhook_id == id || self.flaw.is(Flaw::ReplaysForEveryWebhook);
        let fits_state = |delivery: &&Delivery| states.contains(&delivery.job.state.stored());
        let generation = webhook.generation;
        let is_free = |delivery: &&Delivery| now.is_none_or(|now| !is_sent(delivery, generation, now, self.flaw));
        let waits = self.deliveries.iter().filter(mine).filter(fits_state).filter(is_free);
        let events = waits.filter_map(|delivery| self.event(delivery.event_id)).filter(|event| fits(event) && self.has_subject(event));
        Some(ReplayFacts { webhook, events: events.map(|event| event.id).collect() })
    }

    /// Whether the list and the entry of an event exist, if it has any.
    fn has_subject(&self, event: &Event) -> bool {
        let Some(list) = event.waitlist_id.filter(|_| !self.flaw.is(Flaw::DeletedPeopleReplayed)) else { return true };
        self.lists.get(&list).is_some_and(|list| event.entry_id.is_none_or(|id| list.find(id).is_some()))
    }

    /// Makes deliveries due, as if they had never been tried. Returns how many.
    fn make_due(&mut self, id: WebhookId, plan: &ReplayPlan) -> u64 {
        let flaw = self.flaw;
        let mine = |delivery: &&mut Delivery| {
            (delivery.webhook_id == id || flaw.is(Flaw::ReplaysForEveryWebhook)) && plan.events.contains(&delivery.event_id)
        };
        let mut due = 0;
        for delivery in self.deliveries.iter_mut().filter(mine).filter(|delivery| !is_sent(delivery, plan.generation, plan.due_at, flaw)) {
            let attempt = if flaw.is(Flaw::ReplayedAttemptsCount) { delivery.job.attempt } else { 0 };
            delivery.job = Job { attempt, ..Job::due_at(plan.due_at) };
            delivery.generation = plan.generation;
            due += 1;
        }
        due
    }

    fn webhook_of(&self, workspace_id: WorkspaceId, id: WebhookId) -> Option<Webhook> {
        let webhook = &self.webhooks.get(&id)?.webhook;
        (webhook.workspace_id == workspace_id || self.flaw.is(Flaw::WebhooksOfOthersFound)).then(|| webhook.clone())
    }

    /// A webhook of a workspace. With a flaw, one of another workspace too.
    fn webhook_of_any(&self, workspace_id: WorkspaceId, id: WebhookId, flaw: Flaw) -> Option<Webhook> {
        let of_another = || self.webhooks.get(&id).filter(|_| self.flaw.is(flaw)).map(|hook| hook.webhook.clone());
        self.webhook_of(workspace_id, id).or_else(of_another)
    }

    /// Writes a webhook. If it was disabled or enabled, its waiting deliveries are noted to be held.
    pub fn put_webhook(&mut self, webhook: &Webhook) {
        let Some(hook) = self.webhooks.get_mut(&webhook.id) else { return };
        if hook.webhook.generation != webhook.generation {
            self.purges.push(Purge::Held(webhook.id));
        }
        hook.webhook = webhook.clone();
    }
}
