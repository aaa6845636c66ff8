//! The relay: takes deliveries that are due from the queue, tries them, and settles what came of it. Every process runs
//! one, and they share the work: what is claimed is one process's until its lease ends.
//!
//! One task decides; claims, attempts and settlements run beside it, so that none waits for another: a webhook that hangs
//! takes its own few places and nobody else's. Nothing is held in the database while a receiver is talked to.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use rally_domain::delivery::{ClaimedDelivery, SettleDelivery};
use rally_domain::error::Fault;
use rally_domain::id::{AttemptId, ClaimId, EventId, WebhookId};
use rally_domain::ports::{ClaimRequest, Ports, WebhookMessage, WebhookSender};
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::DeliveryPolicy;
use time::Duration;
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinHandle, JoinSet};
use tokio::time::{Interval, MissedTickBehavior};

use crate::error::chain;
use crate::seal::Sealer;
use crate::webhook_secret;

/// Attempts at once for one webhook that answers well. A webhook begins with [`FIRST`], and every good answer doubles what
/// it gets; a bad or slow one sets it back to one.
const PER_WEBHOOK: usize = 8;
const FIRST: usize = 2;
/// Attempts at once in all.
const IN_ALL: usize = 128;
/// How many of them webhooks in trouble may have together, so that those that answer always find a place.
const IN_TROUBLE: usize = IN_ALL / 2;
/// Deliveries claimed at once for one webhook; when half of them are gone, more are claimed.
const BATCH: usize = 32;
/// Deliveries that wait here in all; when half of them are gone, more are claimed.
const WAITING: usize = 2048;
/// How long a delivery is put off that this process has no key to sign for.
const NO_KEY: Duration = Duration::minutes(1);
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

    /// Claims no more, gives back what was not begun, and sees to its end what was.
    pub fn begin_to_stop(&self) {
        self.stop.notify_one();
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) {
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
    /// Whether the queue may hold more for it than it was given.
    more: bool,
}

impl Lane {
    /// Whether another batch may be claimed for it, given how many attempts at once it is good for.
    fn has_room(&self, pace: usize) -> bool {
        self.load() <= if pace == 1 { 1 } else { BATCH / 2 }
    }

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
    /// How many attempts at once a webhook is good for, as its last answers were.
    paces: HashMap<WebhookId, usize>,
    tried: Vec<SettleDelivery>,
    settling: Option<Id>,
    claiming: Option<Id>,
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
            paces: HashMap::new(),
            tried: Vec::new(),
            settling: None,
            claiming: None,
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
        loop {
            // A claim that was under way brings more to give back.
            for webhook in self.lanes.keys().copied().collect::<Vec<_>>() {
                self.release(webhook, 0);
            }
            self.begin_settling();
            match self.steps.join_next_with_id().await {
                Some(ended) => self.end(ended),
                None => return,
            }
        }
    }

    fn end(&mut self, ended: Result<(Id, Step), JoinError>) {
        let (id, step) = match ended {
            Ok((id, step)) => (id, Some(step)),
            Err(error) => {
                // What it held is freed when its lease ends.
                tracing::error!(%error, "a step of the relay failed");
                (error.id(), None)
            }
        };
        self.claiming.take_if(|claiming| *claiming == id);
        self.settling.take_if(|settling| *settling == id);
        if let Some(lane) = self.attempts.remove(&id).and_then(|webhook| self.lanes.get_mut(&webhook)) {
            lane.in_flight -= 1;
        }
        match step {
            Some(Step::Claimed(outcome, begin_by)) => self.take_claimed(outcome, begin_by),
            Some(Step::Tried(attempt)) => self.take_tried(attempt),
            Some(Step::NotTried(delivery, fault)) => self.put_off(&delivery, &fault),
            Some(Step::Settled(outcome, attempts)) => self.take_settled(outcome, attempts),
            Some(Step::Done(what, outcome)) => log(what, outcome),
            None => {}
        }
        for (webhook, lane) in self.lanes.iter_mut().filter(|(_, lane)| lane.more) {
            if lane.has_room(pace(&self.paces, webhook)) {
                (lane.more, self.look) = (false, true);
            }
        }
        self.lanes.retain(|_, lane| lane.load() > 0);
    }

    fn begin_claiming(&mut self) {
        let waiting: usize = self.lanes.values().map(|lane| lane.waiting.len()).sum();
        if self.claiming.is_some() || !self.look || waiting > WAITING / 2 {
            return;
        }
        self.look = false;
        let ports = self.parts.ports.clone();
        let now = ports.clock.now();
        let lease = self.lease();
        let mut busy = Vec::new();
        for (webhook, lane) in &mut self.lanes {
            lane.more = !lane.has_room(pace(&self.paces, webhook));
            if lane.more {
                busy.push(*webhook);
            }
        }
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
        let task = self.steps.spawn(async move { Step::Claimed(ports.deliveries.claim(request).await, begin_by) });
        self.claiming = Some(task.id());
    }

    fn lease(&self) -> Duration {
        self.parts.timeout * 2 + LEASE
    }

    fn take_claimed(&mut self, outcome: Result<Vec<ClaimedDelivery>, Fault>, begin_by: Timestamp) {
        match outcome {
            Ok(claimed) => {
                // Where something was, there may be more.
                self.look |= !claimed.is_empty();
                let after = self.after;
                self.after = claimed.iter().map(|delivery| delivery.webhook_id).max_by_key(|id| (Some(*id) <= after, *id)).or(after);
                for delivery in claimed {
                    let lane = self.lanes.entry(delivery.webhook_id).or_default();
                    lane.waiting.push_back((delivery, begin_by));
                }
            }
            Err(fault) => tracing::warn!(cause = %chain(&fault), "deliveries not claimed"),
        }
    }

    /// Gives every free place to the webhook that has the fewest, and none to what would outlive its lease.
    fn begin_attempts(&mut self) {
        let now = self.parts.ports.clock.now();
        let late = |lane: &Lane| lane.waiting.front().is_some_and(|(_, begin_by)| now > *begin_by);
        let late: Vec<WebhookId> = self.lanes.iter().filter(|(_, lane)| late(lane)).map(|(webhook, _)| *webhook).collect();
        late.into_iter().for_each(|webhook| self.release(webhook, 0));
        while self.attempts.len() < IN_ALL {
            let Some(webhook) = self.next_in_turn() else { return };
            let Some(lane) = self.lanes.get_mut(&webhook) else { return };
            let Some((delivery, _)) = lane.waiting.pop_front() else { return };
            lane.in_flight += 1;
            let task = self.steps.spawn(attempt(self.parts.clone(), delivery));
            self.attempts.insert(task.id(), webhook);
        }
    }

    fn next_in_turn(&self) -> Option<WebhookId> {
        let lanes = || self.lanes.iter().map(|(webhook, lane)| (webhook, lane, pace(&self.paces, webhook)));
        let in_trouble: usize = lanes().filter(|(_, _, pace)| *pace == 1).map(|(_, lane, _)| lane.in_flight).sum();
        let may = |lane: &Lane, pace: usize| lane.in_flight < pace && (pace > 1 || in_trouble < IN_TROUBLE);
        let waiting = lanes().filter(|(_, lane, pace)| !lane.waiting.is_empty() && may(lane, *pace));
        waiting.min_by_key(|(_, lane, _)| lane.in_flight).map(|(webhook, _, _)| *webhook)
    }

    fn take_tried(&mut self, attempt: SettleDelivery) {
        let outcome = if attempt.result.is_success() { "success" } else { "failure" };
        metrics::counter!("rally_webhook_attempts_total", "outcome" => outcome).increment(1);
        metrics::histogram!("rally_webhook_attempt_duration_seconds").record(attempt.result.latency.as_seconds_f64());
        let pace = self.paces.entry(attempt.webhook_id).or_insert(FIRST);
        *pace = if attempt.result.is_troubled() { 1 } else { (*pace * 2).min(PER_WEBHOOK) };
        if attempt.result.is_gone() {
            self.release(attempt.webhook_id, 0);
        } else if attempt.result.is_troubled() {
            // What does not answer well is not worth waiting here for.
            self.release(attempt.webhook_id, 1);
        }
        self.tried.push(attempt);
    }

    /// Gives back a delivery that nobody can sign for here: another process may have the key, or this one after a restart.
    fn put_off(&mut self, delivery: &ClaimedDelivery, fault: &Fault) {
        tracing::error!(webhook = %delivery.webhook_id, cause = %chain(fault), "webhook secret not opened");
        let due = self.parts.ports.clock.now().plus(NO_KEY);
        self.give_back(delivery.claim, vec![(delivery.event_id, delivery.webhook_id)], due);
    }

    fn begin_settling(&mut self) {
        if self.settling.is_some() || self.tried.is_empty() {
            return;
        }
        let (ports, policy, tried) = (self.parts.ports.clone(), self.parts.policy.clone(), std::mem::take(&mut self.tried));
        let task = self.steps.spawn(async move {
            let outcome = ports.deliveries.settle(tried.clone(), policy).await;
            if outcome.is_err() {
                // The store is away: no use asking again at once.
                tokio::time::sleep(POLL).await;
            }
            Step::Settled(outcome, tried)
        });
        self.settling = Some(task.id());
    }

    fn take_settled(&mut self, outcome: Result<usize, Fault>, attempts: Vec<SettleDelivery>) {
        if let Err(fault) = outcome {
            tracing::warn!(cause = %chain(&fault), "deliveries not settled");
            let (lease, now) = (self.lease(), self.parts.ports.clock.now());
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
        let now = self.parts.ports.clock.now();
        by_claim.into_iter().for_each(|(claim, deliveries)| self.give_back(claim, deliveries, now));
    }

    fn give_back(&mut self, claim: ClaimId, deliveries: Vec<(EventId, WebhookId)>, due: Timestamp) {
        let ports = self.parts.ports.clone();
        self.steps.spawn(async move { Step::Done("released", ports.deliveries.release(claim, deliveries, due).await) });
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

/// How many attempts at once a webhook is good for.
fn pace(paces: &HashMap<WebhookId, usize>, webhook: &WebhookId) -> usize {
    paces.get(webhook).copied().unwrap_or(FIRST)
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
