//! The relay: takes deliveries that are due from the queue, tries them, and settles what came of it. Every process runs
//! one, and they share the work: what is claimed is one process's until its lease ends.
//!
//! One task decides; claims, attempts and settlements run beside it, so that none waits for another: a webhook that hangs
//! takes its own few places and nobody else's. Nothing is held in the database while a receiver is talked to.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use rally_domain::delivery::{ClaimedDelivery, SettleDelivery};
use rally_domain::error::Fault;
use rally_domain::id::{AttemptId, ClaimId, WebhookId};
use rally_domain::ports::{ClaimRequest, Ports, WebhookMessage, WebhookSender};
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::DeliveryPolicy;
use time::Duration;
use tokio::sync::Notify;
use tokio::task::{Id, JoinHandle, JoinSet};
use tokio::time::{Interval, MissedTickBehavior};

use crate::error::chain;
use crate::seal::Sealer;
use crate::webhook_secret;

/// Attempts at once for one webhook.
const PER_WEBHOOK: usize = 8;
/// Attempts at once in all.
const IN_ALL: usize = 128;
/// Deliveries claimed at once for one webhook; when half of them are gone, more are claimed.
const BATCH: usize = 64;
/// Deliveries that wait here in all.
const WAITING: usize = 1024;
/// How long what is claimed is this process's, beside two attempts' time.
const LEASE: Duration = Duration::seconds(10);
/// How often the queue is looked at when nobody wakes the relay.
const POLL: std::time::Duration = std::time::Duration::from_secs(1);
/// Looks between two searches for leases that have ended.
const LOOKS_PER_REAP: u64 = 10;

/// What the relay works with.
#[derive(Clone)]
pub struct RelayParts {
    /// The world.
    pub ports: Ports,
    /// Sends messages.
    pub sender: Arc<dyn WebhookSender>,
    /// Opens the secrets of webhooks.
    pub sealer: Sealer,
    /// How often a delivery is tried.
    pub policy: DeliveryPolicy,
    /// How long an attempt may take.
    pub timeout: Duration,
}

/// A relay that runs.
pub struct Relay {
    wake: Arc<Notify>,
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Starts one.
    pub fn start(parts: RelayParts) -> Self {
        let (wake, stop) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let work = Work::new(parts);
        let task = tokio::spawn(work.run(wake.clone(), stop.clone()));
        Self { wake, stop, task }
    }

    /// What to notify when an event was written, so that nobody waits for the next look.
    pub fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    /// Claims no more, gives back what was not begun, and waits for what was.
    pub async fn stop(mut self) {
        self.stop.notify_one();
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "the relay failed");
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Something that was begun has ended.
enum Step {
    Claimed(Result<Vec<ClaimedDelivery>, Fault>, Timestamp),
    Tried(SettleDelivery),
    NotTried(ClaimedDelivery, Fault),
    Settled(Result<usize, Fault>, Vec<SettleDelivery>),
    Done(&'static str, Result<(), Fault>),
}

/// What is under way for one webhook.
#[derive(Default)]
struct Lane {
    /// Claimed and not begun, with the instant by which they must have begun.
    waiting: VecDeque<(ClaimedDelivery, Timestamp)>,
    in_flight: usize,
}

impl Lane {
    fn load(&self) -> usize {
        self.waiting.len() + self.in_flight
    }
}

struct Work {
    parts: RelayParts,
    lanes: HashMap<WebhookId, Lane>,
    steps: JoinSet<Step>,
    /// The webhook of every attempt under way.
    attempts: HashMap<Id, WebhookId>,
    tried: Vec<SettleDelivery>,
    settling: bool,
    claiming: bool,
    /// Whether there may be something to claim.
    look: bool,
    /// Where the next claim begins, so that all webhooks get their turn.
    after: Option<WebhookId>,
}

impl Work {
    fn new(parts: RelayParts) -> Self {
        Self {
            parts,
            lanes: HashMap::new(),
            steps: JoinSet::new(),
            attempts: HashMap::new(),
            tried: Vec::new(),
            settling: false,
            claiming: false,
            look: true,
            after: None,
        }
    }

    async fn run(mut self, wake: Arc<Notify>, stop: Arc<Notify>) {
        let mut ticks = ticks();
        let mut looks = 0_u64;
        loop {
            self.begin_attempts();
            self.begin_settling();
            self.begin_claiming();
            tokio::select! {
                biased;
                () = stop.notified() => break,
                Some(ended) = self.steps.join_next_with_id() => self.end(ended),
                () = wake.notified() => self.look = true,
                _ = ticks.tick() => {
                    self.look = true;
                    looks += 1;
                    if looks % LOOKS_PER_REAP == 1 {
                        self.begin_reaping();
                    }
                }
            }
        }
        self.finish().await;
    }

    /// Gives back what was not begun, and sees to its end what was.
    async fn finish(&mut self) {
        for webhook in self.lanes.keys().copied().collect::<Vec<_>>() {
            self.release(webhook, 0);
        }
        while let Some(ended) = self.steps.join_next_with_id().await {
            self.end(ended);
            self.begin_settling();
        }
    }

    fn end(&mut self, ended: Result<(Id, Step), tokio::task::JoinError>) {
        let (id, step) = match ended {
            Ok((id, step)) => (id, Some(step)),
            Err(error) => {
                // Its lease ends, and the attempt was counted when it was claimed.
                tracing::error!(%error, "a step of the relay failed");
                (error.id(), None)
            }
        };
        if let Some(lane) = self.attempts.remove(&id).and_then(|webhook| self.lanes.get_mut(&webhook)) {
            lane.in_flight -= 1;
        }
        match step {
            Some(Step::Claimed(outcome, begin_by)) => self.take_claimed(outcome, begin_by),
            Some(Step::Tried(attempt)) => self.take_tried(attempt),
            Some(Step::NotTried(delivery, fault)) => {
                // Nobody can sign for it here: another process may have the key.
                tracing::error!(webhook = %delivery.webhook_id, cause = %chain(&fault), "webhook secret not opened");
            }
            Some(Step::Settled(outcome, attempts)) => self.take_settled(outcome, attempts),
            Some(Step::Done(what, outcome)) => log(what, outcome),
            None => {}
        }
        self.lanes.retain(|_, lane| lane.load() > 0);
    }

    fn begin_claiming(&mut self) {
        let waiting: usize = self.lanes.values().map(|lane| lane.waiting.len()).sum();
        if self.claiming || !self.look || waiting >= WAITING {
            return;
        }
        (self.claiming, self.look) = (true, false);
        let ports = self.parts.ports.clone();
        let now = ports.clock.now();
        let lease = self.parts.timeout * 2 + LEASE;
        let busy = self.lanes.iter().filter(|(_, lane)| lane.load() > BATCH / 2).map(|(webhook, _)| *webhook).collect();
        let request = ClaimRequest {
            claim: ClaimId::new(ports.ids.uuid()),
            now,
            lease_until: now.plus(lease),
            per_webhook: BATCH,
            most: WAITING - waiting,
            busy,
            after: self.after,
        };
        let begin_by = now.plus(lease - self.parts.timeout * 1.5);
        self.steps.spawn(async move { Step::Claimed(ports.deliveries.claim(request).await, begin_by) });
    }

    fn take_claimed(&mut self, outcome: Result<Vec<ClaimedDelivery>, Fault>, begin_by: Timestamp) {
        self.claiming = false;
        match outcome {
            Ok(claimed) => {
                // Where something was, there may be more.
                self.look |= !claimed.is_empty();
                for delivery in claimed {
                    self.after = Some(delivery.webhook_id);
                    self.lanes.entry(delivery.webhook_id).or_default().waiting.push_back((delivery, begin_by));
                }
            }
            Err(fault) => tracing::warn!(cause = %chain(&fault), "deliveries not claimed"),
        }
    }

    fn begin_attempts(&mut self) {
        let now = self.parts.ports.clock.now();
        let mut free = IN_ALL.saturating_sub(self.attempts.len());
        let mut late = Vec::new();
        for (webhook, lane) in &mut self.lanes {
            while free > 0 && lane.in_flight < PER_WEBHOOK {
                let Some((delivery, begin_by)) = lane.waiting.pop_front() else { break };
                if now > begin_by {
                    // Its lease might end before the attempt does.
                    lane.waiting.push_front((delivery, begin_by));
                    late.push(*webhook);
                    break;
                }
                let task = self.steps.spawn(attempt(self.parts.clone(), delivery));
                self.attempts.insert(task.id(), *webhook);
                lane.in_flight += 1;
                free -= 1;
            }
        }
        late.into_iter().for_each(|webhook| self.release(webhook, 0));
    }

    fn take_tried(&mut self, attempt: SettleDelivery) {
        let outcome = if attempt.result.is_success() { "success" } else { "failure" };
        metrics::counter!("rally_webhook_attempts_total", "outcome" => outcome).increment(1);
        metrics::histogram!("rally_webhook_attempt_duration_seconds").record(attempt.result.latency.as_seconds_f64());
        if !attempt.result.is_success() {
            // What does not answer well is not worth waiting here for.
            self.release(attempt.webhook_id, PER_WEBHOOK);
        }
        self.tried.push(attempt);
    }

    fn begin_settling(&mut self) {
        if self.settling || self.tried.is_empty() {
            return;
        }
        self.settling = true;
        let (ports, policy, tried) = (self.parts.ports.clone(), self.parts.policy.clone(), std::mem::take(&mut self.tried));
        self.steps.spawn(async move {
            let outcome = ports.deliveries.settle(tried.clone(), policy).await;
            if outcome.is_err() {
                // The store is away: no use asking again at once.
                tokio::time::sleep(POLL).await;
            }
            Step::Settled(outcome, tried)
        });
    }

    fn take_settled(&mut self, outcome: Result<usize, Fault>, attempts: Vec<SettleDelivery>) {
        self.settling = false;
        if let Err(fault) = outcome {
            tracing::warn!(cause = %chain(&fault), "deliveries not settled");
            let lease = self.parts.timeout * 2 + LEASE;
            let now = self.parts.ports.clock.now();
            // What outlived its lease is another's by now.
            self.tried.extend(attempts.into_iter().filter(|attempt| attempt.now.plus(lease) > now));
        }
    }

    /// Gives back what waits for a webhook, but for the first few.
    fn release(&mut self, webhook: WebhookId, keep: usize) {
        let Some(lane) = self.lanes.get_mut(&webhook) else { return };
        if lane.waiting.len() <= keep {
            return;
        }
        let mut by_claim: HashMap<ClaimId, Vec<_>> = HashMap::new();
        for (delivery, _) in lane.waiting.drain(keep..) {
            by_claim.entry(delivery.claim).or_default().push((delivery.event_id, delivery.webhook_id));
        }
        for (claim, deliveries) in by_claim {
            let ports = self.parts.ports.clone();
            self.steps.spawn(async move { Step::Done("released", ports.deliveries.release(claim, deliveries).await) });
        }
    }

    fn begin_reaping(&mut self) {
        let (ports, attempts) = (self.parts.ports.clone(), self.parts.policy.attempts());
        self.steps.spawn(async move {
            let reaped = ports.deliveries.reap(ports.clock.now(), attempts).await;
            if let Ok(reaped @ 1..) = reaped {
                tracing::warn!(reaped, "deliveries freed whose process went away");
            }
            Step::Done("reaped", reaped.map(|_| ()))
        });
    }
}

fn ticks() -> Interval {
    let mut ticks = tokio::time::interval(POLL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn log(what: &'static str, outcome: Result<(), Fault>) {
    if let Err(fault) = outcome {
        tracing::warn!(cause = %chain(&fault), "deliveries not {what}");
    }
}

async fn attempt(parts: RelayParts, delivery: ClaimedDelivery) -> Step {
    let keys = match webhook_secret::open(&parts.sealer, delivery.webhook_id, &delivery.secrets) {
        Ok(keys) => keys,
        Err(fault) => return Step::NotTried(delivery, fault),
    };
    let ports = parts.ports;
    let timestamp = ports.clock.now();
    let message = WebhookMessage { url: delivery.url, id: delivery.event_id, timestamp, keys, body: delivery.body };
    let result = parts.sender.send(message).await;
    Step::Tried(SettleDelivery {
        attempt_id: AttemptId::new(ports.ids.uuid()),
        claim: delivery.claim,
        webhook_id: delivery.webhook_id,
        event_id: delivery.event_id,
        kind: delivery.kind,
        attempt: delivery.attempt,
        result,
        chance: ports.ids.entropy(),
        now: ports.clock.now(),
    })
}
