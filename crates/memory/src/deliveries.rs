//! [`DeliveryQueue`] in memory.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use rally_domain::delivery::{ClaimedDelivery, SettleDelivery, SettlePlan};
use rally_domain::error::Fault;
use rally_domain::event::Event;
use rally_domain::id::{ClaimId, EventId, WebhookId};
use rally_domain::port::DeliveryQueue;
use rally_domain::queue::{ClaimRequest, QueueDepth, Verdict};
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::{DeliveryPolicy, SealedSecrets, Webhook};

use crate::MemoryStore;
use crate::data::{Data, Delivery};
use crate::flaw::Flaw;
use crate::queue::{Job, State, depth, share};

#[async_trait]
impl DeliveryQueue for MemoryStore {
    async fn events(&self, limit: usize) -> Result<Vec<Event>, Fault> {
        Ok(self.read(|data| data.events.values().take(limit).cloned().collect()))
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<WebhookId>, Fault> {
        let look = |data: &Data| {
            let due = data.deliveries.iter().filter(|delivery| delivery.job.is_due(now, data.flaw) && data.is_lane(delivery));
            due.map(|delivery| delivery.webhook_id).collect::<BTreeSet<_>>()
        };
        Ok(self.read(look).into_iter().take(self.read(|data| data.flaw.at_most(Flaw::FirstLanesDue, 4))).collect())
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedDelivery>, Fault> {
        let work = |data: &mut Data| {
            let mut claimed = Vec::new();
            for (lane, most) in &request.shares {
                claimed.extend(data.claim_lane(*lane, *most, &request));
            }
            claimed
        };
        Ok(self.write(work).await)
    }

    async fn confirm(&self, claimed: Vec<(ClaimId, EventId, WebhookId)>, now: Timestamp) -> Result<Vec<ClaimedDelivery>, Fault> {
        let look = |data: &Data| {
            let of = |(claim, event, webhook): &(ClaimId, EventId, WebhookId)| {
                let delivery = data.delivery(*event, *webhook).filter(|delivery| delivery.job.is_confirmed(*claim, data.flaw))?;
                let blind = data.flaw.is(Flaw::ConfirmsWhatIsOff);
                let found = (blind || data.is_current(delivery)).then(|| data.claimed(delivery, *claim, now)).flatten()?;
                Some(data.flaw.confirmed(found, data.webhooks.get(webhook)?))
            };
            claimed.iter().filter_map(of).collect()
        };
        Ok(self.read(look))
    }

    async fn settle(&self, attempts: Vec<SettleDelivery>, policy: DeliveryPolicy) -> Result<usize, Fault> {
        let look = |data: &Data| data.webhooks.iter().map(|(id, hook)| (*id, hook.webhook.clone())).collect::<BTreeMap<_, _>>();
        let early = self.read_early(Flaw::SettlementsReadEarly, look).await.unwrap_or_default();
        let work = |data: &mut Data| {
            let policy = if data.flaw.is(Flaw::PoliciesIgnored) { DeliveryPolicy::default() } else { policy };
            let settled = attempts.iter().filter(|attempt| data.settle(attempt, early.get(&attempt.webhook_id), &policy));
            settled.count()
        };
        Ok(self.write(work).await)
    }

    async fn release(&self, claim: ClaimId, deliveries: Vec<(EventId, WebhookId)>, due_at: Timestamp) -> Result<(), Fault> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            for (event, webhook) in deliveries.into_iter().take(flaw.at_most(Flaw::ReleasesOne, 1)) {
                let mine = |delivery: &mut Delivery| delivery.job.is_claimed(claim, flaw);
                data.give_back(event, webhook, |delivery| mine(delivery).then(|| delivery.job.release(due_at, flaw)).is_some());
            }
        };
        self.write(work).await;
        Ok(())
    }

    async fn reap(&self, now: Timestamp, attempts: u32) -> Result<u64, Fault> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let all: Vec<_> = data.deliveries.iter().map(|delivery| (delivery.event_id, delivery.webhook_id)).collect();
            let reaped = all
                .into_iter()
                .filter(|(event, webhook)| data.give_back(*event, *webhook, |delivery| delivery.job.reap(now, attempts, flaw)));
            reaped.count() as u64
        };
        Ok(self.write(work).await)
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let work = |data: &mut Data| {
            data.attempts.sort_by_key(|attempt| attempt.created_at);
            let log = data.attempts.iter().take_while(|attempt| attempt.created_at < before).take(data.flaw.prunes(most)).count();
            data.attempts.drain(..log);
            let is_old = |event: &&Event| event.occurred_at < before && data.is_finished(event.id);
            let old = data.events.values().filter(is_old).take(data.flaw.prunes(most));
            let old: Vec<_> = old.map(|event| (event.occurred_at, event.id)).collect();
            old.iter().for_each(|key| data.forget_event(*key));
            (log + old.len()) as u64
        };
        Ok(self.write(work).await)
    }

    async fn depth(&self) -> Result<QueueDepth, Fault> {
        Ok(self.read(|data| depth(data.deliveries.iter().map(|delivery| &delivery.job), data.flaw)))
    }
}

impl Data {
    fn delivery(&self, event: EventId, webhook: WebhookId) -> Option<&Delivery> {
        self.deliveries.iter().find(|delivery| delivery.event_id == event && delivery.webhook_id == webhook)
    }

    fn delivery_mut(&mut self, event: EventId, webhook: WebhookId) -> Option<&mut Delivery> {
        self.deliveries.iter_mut().find(|delivery| delivery.event_id == event && delivery.webhook_id == webhook)
    }

    /// Whether no delivery of an event is still to be sent.
    fn is_finished(&self, id: EventId) -> bool {
        let flaw = self.flaw;
        let waits = |job: &Job| job.is_unfinished() || (flaw.is(Flaw::DeadEventsStay) && job.state == State::Dead);
        let mut of_event = self.deliveries.iter().filter(|delivery| delivery.event_id == id).map(|delivery| &delivery.job).peekable();
        if of_event.peek().is_none() {
            return !flaw.is(Flaw::EventsOfNobodyStay);
        }
        match flaw.is(Flaw::HalfSentPruned) {
            true => !of_event.all(waits),
            false => !of_event.any(waits) || flaw.is(Flaw::UnfinishedPruned),
        }
    }

    /// Whether a delivery makes its webhook due.
    fn is_lane(&self, delivery: &Delivery) -> bool {
        self.is_current(delivery) || self.flaw.is(Flaw::DisabledWebhooksDue)
    }

    /// Whether the webhook of a delivery exists, is active, and was not disabled or enabled since the delivery was written.
    fn is_current(&self, delivery: &Delivery) -> bool {
        let same = |generation| generation == delivery.generation || self.flaw.is(Flaw::SwitchesForgotten);
        self.webhooks.get(&delivery.webhook_id).is_some_and(|hook| hook.webhook.active && same(hook.webhook.generation))
    }

    /// A claimed delivery as it is to be sent now. `None` if its list is gone.
    fn claimed(&self, delivery: &Delivery, claim: ClaimId, now: Timestamp) -> Option<ClaimedDelivery> {
        let event = self.event(delivery.event_id)?;
        if !self.is_there(event.waitlist_id) && !self.flaw.is(Flaw::EventsOfDeletedListsSent) {
            return None;
        }
        let hook = self.webhooks.get(&delivery.webhook_id)?;
        let is_valid = hook.previous_until.is_some_and(|until| now < until || self.flaw.is(Flaw::OldSecretsForEver));
        Some(ClaimedDelivery {
            claim,
            attempt: delivery.job.attempt,
            webhook_id: delivery.webhook_id,
            url: self.flaw.url(delivery, hook),
            secrets: SealedSecrets { previous: hook.secrets.previous.clone().filter(|_| is_valid), ..hook.secrets.clone() },
            event_id: event.id,
            kind: event.kind,
            body: self.events.values().next().filter(|_| self.flaw.is(Flaw::BodiesMixed)).unwrap_or(event).body.clone(),
        })
    }

    fn claim_lane(&mut self, lane: WebhookId, most: usize, request: &ClaimRequest) -> Vec<ClaimedDelivery> {
        let flaw = self.flaw;
        let wanted = |delivery: &&Delivery| delivery.webhook_id == lane || flaw.is(Flaw::LanesMixed);
        let due = self.deliveries.iter().filter(wanted).filter(|d| d.job.is_due(request.now, flaw) && self.is_current(d));
        let due = due.map(|delivery| (delivery.job.due_at, delivery.event_id, delivery.webhook_id)).collect();
        let mine = share(due, most, |(due_at, event, _)| (*due_at, *event), flaw);
        let mut claimed = Vec::with_capacity(mine.len());
        for (_, event, webhook) in mine {
            let Some(delivery) = self.delivery_mut(event, webhook) else { continue };
            delivery.job.claim(request.claim, flaw.lease(request.now, request.lease_until), flaw);
            let delivery = delivery.clone();
            match self.claimed(&delivery, request.claim, request.now) {
                Some(found) => claimed.push(found),
                None => self.delivery_mut(event, webhook).into_iter().for_each(|delivery| delivery.job.settle(Verdict::Held)),
            }
        }
        claimed
    }

    /// Settles an attempt, if its claim still holds.
    fn settle(&mut self, tried: &SettleDelivery, early: Option<&Webhook>, policy: &DeliveryPolicy) -> bool {
        let flaw = self.flaw;
        let claimed = self.delivery(tried.event_id, tried.webhook_id).filter(|delivery| delivery.job.is_claimed(tried.claim, flaw));
        let Some(generation) = claimed.map(|delivery| delivery.generation) else { return false };
        let Some(webhook) = self.webhooks.get(&tried.webhook_id).map(|hook| early.unwrap_or(&hook.webhook).clone()) else { return false };
        let SettlePlan { verdict, webhook, attempt } = tried.decide(webhook, Some(generation), policy);
        if let Some(delivery) = self.delivery_mut(tried.event_id, tried.webhook_id) {
            delivery.job.settle(verdict);
        }
        if !flaw.is(Flaw::AttemptsNotCountedAgainstWebhooks) {
            self.put_webhook(&webhook);
        }
        self.attempts.push(flaw.logged(attempt));
        true
    }

    /// Makes a delivery due again if `free` does so, and holds it if its webhook was disabled or enabled meanwhile. Returns whether it was
    /// freed.
    fn give_back(&mut self, event: EventId, webhook: WebhookId, free: impl FnOnce(&mut Delivery) -> bool) -> bool {
        let is_current = self.delivery(event, webhook).is_some_and(|delivery| self.is_current(delivery));
        let Some(delivery) = self.delivery_mut(event, webhook) else { return false };
        let freed = free(delivery);
        if freed && !is_current && delivery.job.state == State::Pending {
            delivery.job.settle(Verdict::Held);
        }
        freed
    }

    /// Deletes an event and its deliveries. If it has a number in the feed, it stays there without what it says.
    pub fn empty_event(&mut self, key: (Timestamp, EventId)) {
        if !self.is_numbered(key.1) || self.flaw.is(Flaw::PurgesCutFeeds) {
            return self.forget_event(key);
        }
        if let Some(event) = self.events.get_mut(&key) {
            (event.waitlist_id, event.entry_id) = (None, None);
            event.body.clear();
        }
        self.deliveries.retain(|delivery| delivery.event_id != key.1);
    }

    /// Deletes an event and its deliveries.
    pub fn forget_event(&mut self, key: (Timestamp, EventId)) {
        self.events.remove(&key);
        self.take_from_feed(key.1);
        self.deliveries.retain(|delivery| delivery.event_id != key.1);
    }
}
