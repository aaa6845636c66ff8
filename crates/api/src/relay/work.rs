//! The loop of a relay. It starts the tasks that [`Core`] and [`Settlements`] order, and reports their results. It has no rules.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rally_domain::error::Fault;
use rally_domain::id::ClaimId;
use rally_domain::queue::ClaimRequest;
use rally_domain::timestamp::Timestamp;
use time::Duration;
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, Interval, MissedTickBehavior, sleep, sleep_until, timeout};

use super::core::{Core, Order, Read, Seen};
use super::freight::{Freight, NotTried};
use super::settlements::Settlements;
use crate::chain::chain;
use crate::trouble::Trouble;

/// How often the log says that items were put off.
const TELL: std::time::Duration = std::time::Duration::from_secs(60);
/// The length of a lease, in addition to the time limit of two attempts. Half of it is left to settle the last attempt.
const LEASE: Duration = Duration::seconds(10);
/// How often the relay looks at the queue if nobody wakes it, and how long it waits before it retries a settlement.
const POLL: std::time::Duration = std::time::Duration::from_secs(1);
/// How long the relay rests after a look that found nothing. Without a rest, each of many sign-ups on a list without webhooks would
/// cause a look. The rest is this many times as long as the look, within these bounds, so that looks use a small part of the store's time.
const RESTS: u32 = 40;
const REST: std::time::Duration = std::time::Duration::from_millis(5);
const LONGEST_REST: std::time::Duration = std::time::Duration::from_millis(250);
/// How often a relay that stops tries to give items back. Another one tries until their lease has ended.
const RELEASES: u32 = 5;
/// How long the relay waits for the store: longer than a statement and the wait for its connection. A connection may hang without an end.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(60);
/// The most retries that the relay looks for at their time. Others are found when it next looks.
const RETRIES: usize = 4096;
/// Ticks between two searches for leases that have ended.
const LOOKS_PER_REAP: u64 = 10;

/// The result of a task that has ended.
enum Step<F: Freight> {
    Looked(Result<Vec<F::Lane>, Fault>, std::time::Duration),
    Claimed(Claim<F::Lane>, Result<Vec<F::Item>, Fault>, std::time::Duration),
    Confirmed(F::Lane, Result<Vec<F::Item>, Fault>, Read, Keys<F>),
    Tried(u64, F::Attempt),
    NotTried(u64, NotTried<F::Item>),
    Settled(Result<usize, Fault>),
    Done(&'static str, Result<(), Fault>),
}

/// The keys of items, with the claims that hold them.
type Keys<F> = Vec<(ClaimId, <F as Freight>::Key)>;

/// The shares that a claim asked for.
struct Claim<L> {
    shares: Vec<(L, usize)>,
    read: Read,
}

pub(super) struct Work<F: Freight> {
    freight: F,
    core: Core<F::Lane, F::Item>,
    settlements: Settlements<F::Lane, F::Attempt>,
    steps: JoinSet<Step<F>>,
    /// The attempts under way, by their task.
    attempts: HashMap<Id, (F::Lane, u64)>,
    /// The lanes that are being confirmed, by their task.
    confirming: HashMap<Id, F::Lane>,
    /// The attempts that are being settled, by their task.
    settling: HashMap<Id, Vec<F::Attempt>>,
    /// The task that looks at the queue or claims from it.
    claiming: Option<Id>,
    /// Whether the queue may have items of other lanes than those that [`Core::has_room`] knows.
    look: bool,
    /// When the relay may look again.
    rested: Instant,
    /// Whether it rests from all looks. Else it may look for items of lanes that have room.
    from_all: bool,
    /// How long the last look took.
    looked_for: std::time::Duration,
    /// When items are due again that failed here.
    retries: BTreeSet<Timestamp>,
    /// How many items were put off since the log last said so, and when it did.
    put_off: u64,
    told_at: Option<Instant>,
    /// What the store fails at.
    troubles: HashMap<&'static str, Trouble>,
    is_stopping: Arc<AtomicBool>,
}

impl<F: Freight> Work<F> {
    pub fn new(freight: F) -> Self {
        Self {
            core: Core::new(freight.most()),
            freight,
            settlements: Settlements::new(),
            steps: JoinSet::new(),
            attempts: HashMap::new(),
            confirming: HashMap::new(),
            settling: HashMap::new(),
            claiming: None,
            look: true,
            rested: Instant::now(),
            from_all: false,
            looked_for: std::time::Duration::ZERO,
            retries: BTreeSet::new(),
            put_off: 0,
            told_at: None,
            troubles: HashMap::new(),
            is_stopping: Arc::default(),
        }
    }

    pub async fn run(mut self, wake: Arc<Notify>, stop: Arc<Notify>) {
        let mut ticks = ticks();
        let mut looks = 0_u64;
        loop {
            self.carry_out();
            self.begin_settling();
            let rest = self.begin_looking();
            let (now, wakes, settles) = (Instant::now(), self.core.wakes_at(), self.settlements.next_at());
            let retries = self.retries.first().map(|at| now + self.until(*at));
            tokio::select! {
                biased;
                () = stop.notified() => break,
                Some(ended) = self.steps.join_next_with_id() => self.end(ended),
                () = wake.notified() => self.look = true,
                () = sleep_until(self.rested), if rest => {}
                () = sleep_until(wakes.unwrap_or(now)), if wakes.is_some() => {}
                () = sleep_until(settles.unwrap_or(now)), if settles.is_some() => {}
                () = sleep_until(retries.unwrap_or(now)), if retries.is_some() => {
                    let passed = self.now();
                    self.retries.retain(|at| *at > passed);
                    self.look = true;
                }
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

    /// How long it is until an instant.
    fn until(&self, at: Timestamp) -> std::time::Duration {
        std::time::Duration::try_from(at.instant() - self.now().instant()).unwrap_or_default()
    }

    /// Gives back all items that are not being tried, and waits for the attempts under way.
    async fn finish(&mut self) {
        self.settlements.hurry();
        self.is_stopping.store(true, Ordering::Relaxed);
        loop {
            // Items of claims and confirmations that end now are given back too.
            let given_up = self.core.give_up();
            self.release(given_up, self.now());
            self.begin_settling();
            let (now, settles) = (Instant::now(), self.settlements.next_at());
            tokio::select! {
                Some(ended) = self.steps.join_next_with_id() => self.end(ended),
                () = sleep_until(settles.unwrap_or(now)), if settles.is_some() => {}
                else => return,
            }
        }
    }

    fn end(&mut self, ended: Result<(Id, Step<F>), JoinError>) {
        let (id, step) = match ended {
            Ok((id, step)) => (id, Some(step)),
            Err(error) => {
                // Its items become free when their lease ends.
                tracing::error!(%error, what = F::WHAT, "a step of the relay failed");
                (error.id(), None)
            }
        };
        self.claiming.take_if(|claiming| *claiming == id);
        let (attempt, confirming, settling) = (self.attempts.remove(&id), self.confirming.remove(&id), self.settling.remove(&id));
        match step {
            Some(Step::Looked(outcome, took)) => self.take_looked(outcome, took),
            Some(Step::Claimed(claim, outcome, took)) => self.take_claimed(claim, outcome, took),
            Some(Step::Confirmed(lane, outcome, read, keys)) => self.take_confirmed(lane, outcome, read, keys),
            Some(Step::Tried(number, attempt)) => self.take_tried(number, attempt),
            Some(Step::NotTried(number, not_tried)) => self.put_off(number, &not_tried),
            Some(Step::Settled(outcome)) => self.take_settled(outcome, settling.unwrap_or_default()),
            Some(Step::Done(done, outcome)) => drop(self.done(done, outcome)),
            None => {
                if let Some((lane, number)) = attempt {
                    self.core.ended(lane, number, None, Instant::now());
                }
                if let Some(lane) = confirming {
                    self.core.confirmed(lane, Vec::new(), self.reading());
                }
                if let Some(attempts) = settling {
                    self.take_settled(Err(Fault::unexpected("the settlement did not end")), attempts);
                }
            }
        }
    }

    /// Carries out all orders that are possible now.
    fn carry_out(&mut self) {
        while let Some(order) = self.core.next(Instant::now(), self.now(), self.freight.changes()) {
            match order {
                Order::Begin(lane, number, item) => {
                    let attempt = self.freight.clone().attempt(item);
                    let task = self.steps.spawn(async move {
                        match attempt.await {
                            Ok(tried) => Step::Tried(number, tried),
                            Err(not_tried) => Step::NotTried(number, not_tried),
                        }
                    });
                    self.attempts.insert(task.id(), (lane, number));
                }
                Order::Confirm(lane, items, latest) => {
                    let (freight, read) = (self.freight.clone(), self.reading());
                    let read = Read { begin_by: self.now().plus(freight.timeout() / 2).min(latest), latest, ..read };
                    let keys = items.iter().map(F::key).collect();
                    let task = self.steps.spawn(async move { Step::Confirmed(lane, in_time(freight.confirm(items)).await, read, keys) });
                    self.confirming.insert(task.id(), lane);
                }
                Order::Release(items) => self.release(items, self.now()),
            }
        }
    }

    /// Looks for due items if there may be any. Returns whether the relay must rest before it looks.
    fn begin_looking(&mut self) -> bool {
        let room = self.core.has_room();
        if self.claiming.is_some() || !(self.look || room) {
            return false;
        }
        if self.rested > Instant::now() && (self.from_all || !room) {
            return true;
        }
        (self.look, self.from_all) = (false, false);
        let (freight, now) = (self.freight.clone(), self.now());
        let task = self.steps.spawn(async move {
            let begun = Instant::now();
            let due = in_time(freight.due(now)).await;
            Step::Looked(due, begun.elapsed())
        });
        self.claiming = Some(task.id());
        false
    }

    fn take_looked(&mut self, outcome: Result<Vec<F::Lane>, Fault>, took: std::time::Duration) {
        self.looked_for = took;
        // A store that is away answers quickly, and need not be asked for ever.
        let Some(due) = self.done("looked for", outcome) else { return self.rest_from_all(LONGEST_REST) };
        let shares = self.core.shares(due, Instant::now());
        if shares.is_empty() {
            return self.rest(REST);
        }
        let (freight, read, now) = (self.freight.clone(), self.reading(), self.now());
        let claim = freight.new_claim();
        let request = ClaimRequest { claim, now, lease_until: now.plus(self.lease()), shares: shares.clone() };
        let task = self.steps.spawn(async move {
            let begun = Instant::now();
            let claimed = in_time(freight.claim(request)).await;
            Step::Claimed(Claim { shares, read }, claimed, begun.elapsed())
        });
        self.claiming = Some(task.id());
    }

    fn take_claimed(&mut self, claim: Claim<F::Lane>, outcome: Result<Vec<F::Item>, Fault>, took: std::time::Duration) {
        let failed = outcome.is_err();
        let claimed = self.done("claimed", outcome).unwrap_or_default();
        if claimed.is_empty() {
            // Another process was faster, or holds these lanes, or the store has a fault.
            self.looked_for += took;
            self.rest_from_all(if failed { LONGEST_REST } else { REST });
        }
        let items = claimed.into_iter().map(|item| (F::lane(&item), item)).collect();
        self.core.claimed(&claim.shares, items, claim.read);
    }

    fn rest(&mut self, least: std::time::Duration) {
        self.rested = Instant::now() + (self.looked_for * RESTS).clamp(least, LONGEST_REST);
    }

    /// Rests from looks for items of lanes that have room, too.
    fn rest_from_all(&mut self, least: std::time::Duration) {
        self.rest(least);
        self.from_all = true;
    }

    /// The time of a read that starts now.
    fn reading(&self) -> Read {
        let seen = Seen { at: Instant::now(), changes: self.freight.changes() };
        let (now, lease, timeout) = (self.now(), self.lease(), self.freight.timeout());
        Read { seen, begin_by: now.plus(lease - timeout * 1.5), latest: now.plus(lease - timeout - LEASE / 2) }
    }

    fn now(&self) -> Timestamp {
        self.freight.now()
    }

    fn lease(&self) -> Duration {
        self.freight.timeout() * 2 + LEASE
    }

    fn take_confirmed(&mut self, lane: F::Lane, outcome: Result<Vec<F::Item>, Fault>, read: Read, keys: Keys<F>) {
        let confirmed = self.done("confirmed", outcome).unwrap_or_default();
        // No other item was tried, so no attempt counts. The store ends an item that is not to be sent when it is claimed again.
        let stay: HashSet<(ClaimId, F::Key)> = confirmed.iter().map(F::key).collect();
        self.give_back_all(keys.into_iter().filter(|key| !stay.contains(key)).collect(), self.now());
        self.core.confirmed(lane, confirmed, read);
    }

    fn take_tried(&mut self, number: u64, attempt: F::Attempt) {
        let (lane, _, signal) = F::report(&attempt);
        let released = self.core.ended(lane, number, Some(signal), Instant::now());
        self.release(released, self.now());
        self.settlements.add(lane, attempt, Instant::now());
    }

    /// What the store did, or nothing if it failed, which the log tells.
    fn done<T>(&mut self, done: &'static str, outcome: Result<T, Fault>) -> Option<T> {
        let trouble = self.troubles.entry(done).or_default();
        match &outcome {
            Ok(_) => trouble.passed(),
            Err(fault) => trouble.failed(fault, F::WHAT, done),
        }
        outcome.ok()
    }

    /// Gives back an item that was not tried.
    fn put_off(&mut self, number: u64, NotTried { item, fault, wait }: &NotTried<F::Item>) {
        let lane = F::lane(item);
        self.put_off += 1;
        if self.told_at.is_none_or(|told_at| told_at.elapsed() >= TELL) {
            tracing::error!(number = self.put_off, ?lane, cause = %chain(fault), "{} was not tried", F::WHAT);
            (self.put_off, self.told_at) = (0, Some(Instant::now()));
        }
        self.core.ended(lane, number, None, Instant::now());
        let (claim, key) = F::key(item);
        self.give_back(claim, vec![key], self.now().plus(*wait));
    }

    fn begin_settling(&mut self) {
        let Some(tried) = self.settlements.begin(Instant::now()) else { return };
        let (freight, attempts) = (self.freight.clone(), tried.clone());
        let task = self.steps.spawn(async move {
            let mut outcome = in_time(freight.settle(attempts.clone())).await;
            // Somebody may have changed a webhook in this moment. That is no trouble to tell of.
            if outcome.is_err() {
                sleep(POLL).await;
                outcome = in_time(freight.settle(attempts)).await;
            }
            Step::Settled(outcome)
        });
        self.settling.insert(task.id(), tried);
    }

    fn take_settled(&mut self, outcome: Result<usize, Fault>, tried: Vec<F::Attempt>) {
        let (lease, now) = (self.lease(), self.now());
        let retries: Vec<Timestamp> = tried.iter().filter_map(|attempt| self.freight.retries_at(attempt)).collect();
        let of_lanes = tried.into_iter().map(|attempt| (F::report(&attempt), attempt));
        match self.done("settled", outcome) {
            Some(_) => {
                self.settlements.settled(of_lanes.map(|((lane, _, _), _)| lane));
                self.retries.extend(retries);
                while self.retries.len() > RETRIES {
                    self.retries.pop_last();
                }
            }
            None => {
                // If the lease of an attempt has ended, another process may have claimed the item.
                let again = of_lanes.map(|((lane, at, _), attempt)| (lane, Some(attempt).filter(|_| at.plus(lease) > now)));
                self.settlements.failed(again, Instant::now() + POLL);
            }
        }
    }

    fn release(&mut self, items: Vec<F::Item>, due: Timestamp) {
        self.give_back_all(items.iter().map(F::key).collect(), due);
    }

    fn give_back_all(&mut self, keys: Keys<F>, due: Timestamp) {
        let mut by_claim: HashMap<ClaimId, Vec<F::Key>> = HashMap::new();
        for (claim, key) in keys {
            by_claim.entry(claim).or_default().push(key);
        }
        by_claim.into_iter().for_each(|(claim, keys)| self.give_back(claim, keys, due));
    }

    /// Gives items back. If the store fails, it is asked again: when the lease of an item ends, an attempt counts, and nobody tries it before.
    fn give_back(&mut self, claim: ClaimId, keys: Vec<F::Key>, due: Timestamp) {
        let (freight, is_stopping) = (self.freight.clone(), self.is_stopping.clone());
        let end = Instant::now() + self.lease().unsigned_abs();
        self.steps.spawn(async move {
            let mut tries = 1;
            loop {
                let outcome = in_time(freight.release(claim, keys.clone(), due)).await;
                let is_over = Instant::now() >= end || (is_stopping.load(Ordering::Relaxed) && tries >= RELEASES);
                if outcome.is_ok() || is_over {
                    return Step::Done("released", outcome);
                }
                sleep(POLL).await;
                tries += 1;
            }
        });
    }

    fn begin_reaping(&mut self) {
        let (freight, now) = (self.freight.clone(), self.now());
        self.steps.spawn(async move {
            let reaped = in_time(freight.reap(now)).await;
            if let Ok(reaped @ 1..) = reaped {
                tracing::warn!(reaped, "{} freed because a lease ended", F::WHAT);
            }
            Step::Done("reaped", reaped.map(|_| ()))
        });
    }
}

/// Waits for the store, but not for ever.
async fn in_time<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    timeout(LONGEST, work).await.unwrap_or_else(|_| Err(Fault::unavailable("the store does not answer")))
}

fn ticks() -> Interval {
    let mut ticks = tokio::time::interval(POLL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

#[cfg(test)]
mod tests;
