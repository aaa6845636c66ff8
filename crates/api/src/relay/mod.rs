//! The relay: takes what is due from a queue, tries it, and settles what came of it. Every process runs one for webhooks and
//! one for mail, and the processes share the work: what is claimed is one process's until its lease ends.
//!
//! One task decides; claims, attempts and settlements run beside it, so that none waits for another: a webhook that hangs
//! takes its own few places and nobody else's. Nothing is held in the database while a receiver is talked to.

mod core;
mod mail;
mod settlements;
mod webhooks;

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use self::core::{Core, Order, Seen};
use self::settlements::Settlements;
use crate::chain::chain;
use async_trait::async_trait;
use rally_domain::error::Fault;
use rally_domain::id::ClaimId;
use rally_domain::port::{ClaimRequest, Ports};
use rally_domain::timestamp::Timestamp;
use time::Duration;
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, Interval, MissedTickBehavior, sleep_until};

pub use self::core::Signal;
pub use mail::MailRound;
pub use webhooks::WebhookRound;

/// How long something is put off that this process cannot try.
const NOT_HERE: Duration = Duration::minutes(1);
/// How long what is claimed is this process's, beside two attempts' time.
const LEASE: Duration = Duration::seconds(10);
/// How often the queue is looked at when nobody wakes the relay.
const POLL: std::time::Duration = std::time::Duration::from_secs(1);
/// How long it rests after a look that found nothing to do: in a crowd that nobody is told of, every sign-up would be a look. It
/// rests longer after a look that was long, so that looking takes a small part of the store's time.
const REST: std::time::Duration = std::time::Duration::from_millis(5);
const LONGEST_REST: std::time::Duration = std::time::Duration::from_millis(250);
/// Looks between two searches for leases that have ended.
const LOOKS_PER_REAP: u64 = 10;

/// What a relay carries, and how it is claimed, tried and settled. What goes to one *lane*, a webhook or a workspace's mail,
/// shares its luck.
#[async_trait]
pub trait Round: Clone + Send + Sync + 'static {
    /// Names a lane.
    type Lane: Copy + Ord + Hash + Debug + Send + Sync + 'static;
    /// Something that was claimed.
    type Item: Send + 'static;
    /// Names it in its queue.
    type Key: Send + 'static;
    /// What came of trying it.
    type Attempt: Clone + Send + Sync + 'static;
    /// What it carries, in log lines.
    const WHAT: &'static str;

    /// The world.
    fn ports(&self) -> &Ports;
    /// How often this process has changed what may be sent.
    fn changes(&self) -> u64;
    /// How long an attempt may take.
    fn timeout(&self) -> Duration;
    /// The lane of something.
    fn lane(item: &Self::Item) -> Self::Lane;
    /// The claim it is under, and its name.
    fn key(item: &Self::Item) -> (ClaimId, Self::Key);
    /// The lane an attempt was made for, when it ended, and what it says of the lane.
    fn report(attempt: &Self::Attempt) -> (Self::Lane, Timestamp, Signal);

    /// The lanes that something is due for.
    async fn due(&self, now: Timestamp) -> Result<Vec<Self::Lane>, Fault>;
    /// Claims what is due.
    async fn claim(&self, request: ClaimRequest<Self::Lane>) -> Result<Vec<Self::Item>, Fault>;
    /// Those that are still to be sent, as they are now.
    async fn confirm(&self, items: Vec<Self::Item>) -> Result<Vec<Self::Item>, Fault>;
    /// Tries something; gives it back where this process cannot.
    async fn attempt(self, item: Self::Item) -> Result<Self::Attempt, (Self::Item, Fault)>;
    /// Settles what was tried.
    async fn settle(&self, tried: Vec<Self::Attempt>) -> Result<usize, Fault>;
    /// Gives back what was not tried.
    async fn release(&self, claim: ClaimId, keys: Vec<Self::Key>, due_at: Timestamp) -> Result<(), Fault>;
    /// Frees what others had claimed and lost.
    async fn reap(&self, now: Timestamp) -> Result<u64, Fault>;
}

/// A relay that runs.
pub struct Relay {
    wake: Arc<Notify>,
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Starts one.
    pub fn start<R: Round>(round: R) -> Self {
        let (wake, stop) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let work = Work::new(round);
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
enum Step<R: Round> {
    Looked(Result<Vec<R::Lane>, Fault>, std::time::Duration),
    Claimed(Claim<R::Lane>, Result<Vec<R::Item>, Fault>),
    Confirmed(R::Lane, Result<Vec<R::Item>, Fault>, Read),
    Tried(u64, R::Attempt),
    NotTried(u64, R::Item, Fault),
    Settled(Result<usize, Fault>, Vec<R::Attempt>),
    Done(&'static str, Result<(), Fault>),
}

/// When the queue was read, and by when what was read has to begin.
#[derive(Clone, Copy)]
struct Read {
    seen: Seen,
    begin_by: Timestamp,
}

/// What was asked for in a claim.
struct Claim<L> {
    shares: Vec<(L, usize)>,
    read: Read,
}

struct Work<R: Round> {
    round: R,
    core: Core<R::Lane, R::Item>,
    settlements: Settlements<R::Lane, R::Attempt>,
    steps: JoinSet<Step<R>>,
    /// The attempts under way, by the task that makes each.
    attempts: HashMap<Id, (R::Lane, u64)>,
    /// The lanes that are being confirmed, by the task that does.
    confirming: HashMap<Id, R::Lane>,
    /// The task that looks at the queue or claims of it.
    claiming: Option<Id>,
    /// Whether there may be something to claim.
    look: bool,
    /// When the next look may be.
    rested: Instant,
    /// How long the last look took.
    looked_for: std::time::Duration,
}

impl<R: Round> Work<R> {
    fn new(round: R) -> Self {
        Self {
            round,
            core: Core::new(),
            settlements: Settlements::new(),
            steps: JoinSet::new(),
            attempts: HashMap::new(),
            confirming: HashMap::new(),
            claiming: None,
            look: true,
            rested: Instant::now(),
            looked_for: std::time::Duration::ZERO,
        }
    }

    async fn run(mut self, wake: Arc<Notify>, stop: Arc<Notify>) {
        let mut ticks = ticks();
        let mut looks = 0_u64;
        loop {
            self.carry_out();
            self.begin_settling();
            let rest = self.begin_looking();
            let (now, wakes) = (Instant::now(), self.core.wakes_at());
            tokio::select! {
                biased;
                () = stop.notified() => break,
                Some(ended) = self.steps.join_next_with_id() => self.end(ended),
                () = wake.notified() => self.look = true,
                () = sleep_until(self.rested), if rest => {}
                () = sleep_until(wakes.unwrap_or(now)), if wakes.is_some() => {}
                () = sleep_until(self.settlements.retry_at().unwrap_or(now)), if self.settlements.retry_at().is_some() => {}
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
            // What was being claimed or confirmed comes to be given back too.
            let given_up = self.core.give_up();
            self.release(given_up, self.now());
            self.settlements.hurry();
            self.begin_settling();
            match self.steps.join_next_with_id().await {
                Some(ended) => self.end(ended),
                None => return,
            }
        }
    }

    fn end(&mut self, ended: Result<(Id, Step<R>), JoinError>) {
        let (id, step) = match ended {
            Ok((id, step)) => (id, Some(step)),
            Err(error) => {
                // What it held is freed when its lease ends.
                tracing::error!(%error, what = R::WHAT, "a step of the relay failed");
                (error.id(), None)
            }
        };
        self.claiming.take_if(|claiming| *claiming == id);
        let (attempt, confirming) = (self.attempts.remove(&id), self.confirming.remove(&id));
        match step {
            Some(Step::Looked(outcome, took)) => self.take_looked(outcome, took),
            Some(Step::Claimed(claim, outcome)) => self.take_claimed(claim, outcome),
            Some(Step::Confirmed(lane, outcome, read)) => self.take_confirmed(lane, outcome, read),
            Some(Step::Tried(number, attempt)) => self.take_tried(number, attempt),
            Some(Step::NotTried(number, item, fault)) => self.put_off(number, &item, &fault),
            Some(Step::Settled(outcome, attempts)) => self.take_settled(outcome, attempts),
            Some(Step::Done(done, outcome)) => log(R::WHAT, done, outcome),
            None => {
                if let Some((lane, number)) = attempt {
                    self.core.ended(lane, number, None, Instant::now());
                }
                if let Some(lane) = confirming {
                    let read = self.reading();
                    self.core.confirmed(lane, Vec::new(), read.begin_by, read.seen);
                }
            }
        }
        self.look |= self.core.has_room();
    }

    /// Begins all that may begin.
    fn carry_out(&mut self) {
        while let Some(order) = self.core.next(Instant::now(), self.now(), self.round.changes()) {
            match order {
                Order::Begin(lane, number, item) => {
                    let attempt = self.round.clone().attempt(item);
                    let task = self.steps.spawn(async move {
                        match attempt.await {
                            Ok(tried) => Step::Tried(number, tried),
                            Err((item, fault)) => Step::NotTried(number, item, fault),
                        }
                    });
                    self.attempts.insert(task.id(), (lane, number));
                }
                Order::Confirm(lane, items) => {
                    let (round, read) = (self.round.clone(), self.reading());
                    let read = Read { begin_by: self.now().plus(self.round.timeout() / 2), ..read };
                    let task = self.steps.spawn(async move { Step::Confirmed(lane, round.confirm(items).await, read) });
                    self.confirming.insert(task.id(), lane);
                }
                Order::Release(items) => self.release(items, self.now()),
            }
        }
    }

    /// Looks what is due, if anything may be; tells whether it rests before it looks.
    fn begin_looking(&mut self) -> bool {
        if self.claiming.is_some() || !self.look {
            return false;
        }
        if self.rested > Instant::now() {
            return true;
        }
        self.look = false;
        let (round, now) = (self.round.clone(), self.now());
        let task = self.steps.spawn(async move {
            let begun = Instant::now();
            let due = round.due(now).await;
            Step::Looked(due, begun.elapsed())
        });
        self.claiming = Some(task.id());
        false
    }

    fn take_looked(&mut self, outcome: Result<Vec<R::Lane>, Fault>, took: std::time::Duration) {
        self.looked_for = took;
        let due = match outcome {
            Ok(due) => due,
            Err(fault) => return tracing::warn!(cause = %chain(&fault), "{} not claimed", R::WHAT),
        };
        let shares = self.core.shares(due, Instant::now());
        if shares.is_empty() {
            return self.rest();
        }
        let (round, read, now) = (self.round.clone(), self.reading(), self.now());
        let claim = ClaimId::new(round.ports().ids.uuid());
        let request = ClaimRequest { claim, now, lease_until: now.plus(self.lease()), shares: shares.clone() };
        let task = self.steps.spawn(async move { Step::Claimed(Claim { shares, read }, round.claim(request).await) });
        self.claiming = Some(task.id());
    }

    fn take_claimed(&mut self, claim: Claim<R::Lane>, outcome: Result<Vec<R::Item>, Fault>) {
        let claimed = outcome.unwrap_or_else(|fault| {
            tracing::warn!(cause = %chain(&fault), "{} not claimed", R::WHAT);
            Vec::new()
        });
        if claimed.is_empty() {
            self.rest();
        }
        let items = claimed.into_iter().map(|item| (R::lane(&item), item)).collect();
        self.core.claimed(&claim.shares, items, claim.read.begin_by, claim.read.seen);
    }

    fn rest(&mut self) {
        self.rested = Instant::now() + (self.looked_for * 4).clamp(REST, LONGEST_REST);
    }

    /// That the queue is read from now on.
    fn reading(&self) -> Read {
        let seen = Seen { at: Instant::now(), changes: self.round.changes() };
        Read { seen, begin_by: self.now().plus(self.lease() - self.round.timeout() * 1.5) }
    }

    fn now(&self) -> Timestamp {
        self.round.ports().clock.now()
    }

    fn lease(&self) -> Duration {
        self.round.timeout() * 2 + LEASE
    }

    fn take_confirmed(&mut self, lane: R::Lane, outcome: Result<Vec<R::Item>, Fault>, read: Read) {
        let items = outcome.unwrap_or_else(|fault| {
            // They are freed when their lease ends.
            tracing::warn!(cause = %chain(&fault), "{} not confirmed", R::WHAT);
            Vec::new()
        });
        self.core.confirmed(lane, items, read.begin_by, read.seen);
    }

    fn take_tried(&mut self, number: u64, attempt: R::Attempt) {
        let (lane, _, signal) = R::report(&attempt);
        let released = self.core.ended(lane, number, Some(signal), Instant::now());
        self.release(released, self.now());
        self.settlements.add(lane, attempt);
    }

    /// Gives back what cannot be tried here: another process may be able to, or this one after a restart.
    fn put_off(&mut self, number: u64, item: &R::Item, fault: &Fault) {
        let lane = R::lane(item);
        tracing::error!(?lane, cause = %chain(fault), "{} cannot be tried here", R::WHAT);
        self.core.ended(lane, number, None, Instant::now());
        let (claim, key) = R::key(item);
        self.give_back(claim, vec![key], self.now().plus(NOT_HERE));
    }

    fn begin_settling(&mut self) {
        let Some(tried) = self.settlements.begin(Instant::now()) else { return };
        let round = self.round.clone();
        self.steps.spawn(async move { Step::Settled(round.settle(tried.clone()).await, tried) });
    }

    fn take_settled(&mut self, outcome: Result<usize, Fault>, tried: Vec<R::Attempt>) {
        let (lease, now) = (self.lease(), self.now());
        let of_lanes = tried.into_iter().map(|attempt| (R::report(&attempt), attempt));
        match outcome {
            Ok(_) => self.settlements.settled(of_lanes.map(|((lane, _, _), _)| lane)),
            Err(fault) => {
                tracing::warn!(cause = %chain(&fault), "{} not settled", R::WHAT);
                // What outlived its lease is another's by now.
                let again = of_lanes.map(|((lane, at, _), attempt)| (lane, Some(attempt).filter(|_| at.plus(lease) > now)));
                self.settlements.failed(again, Instant::now() + POLL);
            }
        }
    }

    fn release(&mut self, items: Vec<R::Item>, due: Timestamp) {
        let mut by_claim: HashMap<ClaimId, Vec<R::Key>> = HashMap::new();
        for item in &items {
            let (claim, key) = R::key(item);
            by_claim.entry(claim).or_default().push(key);
        }
        by_claim.into_iter().for_each(|(claim, keys)| self.give_back(claim, keys, due));
    }

    fn give_back(&mut self, claim: ClaimId, keys: Vec<R::Key>, due: Timestamp) {
        let round = self.round.clone();
        self.steps.spawn(async move { Step::Done("released", round.release(claim, keys, due).await) });
    }

    fn begin_reaping(&mut self) {
        let (round, now) = (self.round.clone(), self.now());
        self.steps.spawn(async move {
            let reaped = round.reap(now).await;
            if let Ok(reaped @ 1..) = reaped {
                tracing::warn!(reaped, "{} freed whose process went away", R::WHAT);
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

fn log(what: &str, done: &str, outcome: Result<(), Fault>) {
    if let Err(fault) = outcome {
        tracing::warn!(cause = %chain(&fault), "{what} not {done}");
    }
}
