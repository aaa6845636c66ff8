//! The relay: takes what is due from a queue, tries it, and settles what came of it. Every process runs one for webhooks and
//! one for mail, and the processes share the work: what is claimed is one process's until its lease ends.
//!
//! One task decides; claims, attempts and settlements run beside it, so that none waits for another: a webhook that hangs
//! takes its own few places and nobody else's. Nothing is held in the database while a receiver is talked to.

mod mail;
mod webhooks;

use std::collections::{HashMap, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use async_trait::async_trait;
use rally_domain::error::Fault;
use rally_domain::id::ClaimId;
use rally_domain::ports::{ClaimRequest, Ports};
use rally_domain::timestamp::Timestamp;
use time::Duration;
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinHandle, JoinSet};
use tokio::time::{Instant, Interval, MissedTickBehavior, sleep_until};

use crate::error::chain;

pub use mail::MailRound;
pub use webhooks::WebhookRound;

/// Attempts at once for one lane that answers well. A lane begins with [`FIRST`], and every good answer doubles what
/// it gets; a bad or slow one sets it back to one.
const PER_LANE: usize = 8;
const FIRST: usize = 2;
/// Attempts at once in all.
const IN_ALL: usize = 128;
/// How many of them lanes in trouble may have together, so that those that answer always find a place.
const IN_TROUBLE: usize = IN_ALL / 2;
/// Things claimed at once for one lane; when half of them are gone, more are claimed.
const BATCH: usize = 32;
/// Things that wait here in all; when half of them are gone, more are claimed.
const WAITING: usize = 2048;
/// How long something is put off that this process cannot try.
const NOT_HERE: Duration = Duration::minutes(1);
/// How long what is claimed is this process's, beside two attempts' time.
const LEASE: Duration = Duration::seconds(10);
/// How often the queue is looked at when nobody wakes the relay.
const POLL: std::time::Duration = std::time::Duration::from_secs(1);
/// How long it rests after a look that found nothing: in a crowd that nobody is told of, every sign-up would be a look.
const REST: std::time::Duration = std::time::Duration::from_millis(5);
/// Looks between two searches for leases that have ended.
const LOOKS_PER_REAP: u64 = 10;

/// What an attempt says of the lane it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// It takes what it is given.
    Well,
    /// It failed, or was slow enough to be a trouble to others.
    Troubled,
    /// It is gone for good.
    Gone,
}

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
    /// How long an attempt may take.
    fn timeout(&self) -> Duration;
    /// The lane of something.
    fn lane(item: &Self::Item) -> Self::Lane;
    /// The claim it is under, and its name.
    fn key(item: &Self::Item) -> (ClaimId, Self::Key);
    /// The lane an attempt was made for, when it ended, and what it says of the lane.
    fn report(attempt: &Self::Attempt) -> (Self::Lane, Timestamp, Signal);

    /// Claims what is due.
    async fn claim(&self, request: ClaimRequest<Self::Lane>) -> Result<Vec<Self::Item>, Fault>;
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
    Claimed(Result<Vec<R::Item>, Fault>, Timestamp),
    Tried(R::Attempt),
    NotTried(R::Item, Fault),
    Settled(Result<usize, Fault>, Vec<R::Attempt>),
    Done(&'static str, Result<(), Fault>),
}

/// What is under way for one lane.
struct Lane<T> {
    /// Claimed and not begun, with the instant by which they must have begun.
    waiting: VecDeque<(T, Timestamp)>,
    in_flight: usize,
    /// Whether the queue may hold more for it than it was given.
    more: bool,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), in_flight: 0, more: false }
    }
}

impl<T> Lane<T> {
    /// Whether another batch may be claimed for it, given how many attempts at once it is good for.
    fn has_room(&self, pace: usize) -> bool {
        self.load() <= if pace == 1 { 1 } else { BATCH / 2 }
    }

    fn load(&self) -> usize {
        self.waiting.len() + self.in_flight
    }
}

struct Work<R: Round> {
    round: R,
    lanes: HashMap<R::Lane, Lane<R::Item>>,
    steps: JoinSet<Step<R>>,
    /// The lane of every attempt under way.
    attempts: HashMap<Id, R::Lane>,
    /// How many attempts at once a lane is good for, as its last answers were.
    paces: HashMap<R::Lane, usize>,
    tried: Vec<R::Attempt>,
    settling: Option<Id>,
    claiming: Option<Id>,
    /// Whether there may be something to claim.
    look: bool,
    /// When the next look may be.
    rested: Instant,
    /// Where the next claim begins, so that all lanes get their turn.
    after: Option<R::Lane>,
}

impl<R: Round> Work<R> {
    fn new(round: R) -> Self {
        Self {
            round,
            lanes: HashMap::new(),
            steps: JoinSet::new(),
            attempts: HashMap::new(),
            paces: HashMap::new(),
            tried: Vec::new(),
            settling: None,
            claiming: None,
            look: true,
            rested: Instant::now(),
            after: None,
        }
    }

    async fn run(mut self, wake: Arc<Notify>, stop: Arc<Notify>) {
        let mut ticks = ticks();
        let mut looks = 0_u64;
        loop {
            self.begin_attempts();
            self.begin_settling();
            let rest = self.begin_claiming();
            tokio::select! {
                biased;
                () = stop.notified() => break,
                Some(ended) = self.steps.join_next_with_id() => self.end(ended),
                () = wake.notified() => self.look = true,
                () = sleep_until(self.rested), if rest => {}
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
            for lane in self.lanes.keys().copied().collect::<Vec<_>>() {
                self.release(lane, 0);
            }
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
        self.settling.take_if(|settling| *settling == id);
        if let Some(lane) = self.attempts.remove(&id).and_then(|lane| self.lanes.get_mut(&lane)) {
            lane.in_flight -= 1;
        }
        match step {
            Some(Step::Claimed(outcome, begin_by)) => self.take_claimed(outcome, begin_by),
            Some(Step::Tried(attempt)) => self.take_tried(attempt),
            Some(Step::NotTried(item, fault)) => self.put_off(&item, &fault),
            Some(Step::Settled(outcome, attempts)) => self.take_settled(outcome, attempts),
            Some(Step::Done(done, outcome)) => log(R::WHAT, done, outcome),
            None => {}
        }
        for (id, lane) in self.lanes.iter_mut().filter(|(_, lane)| lane.more) {
            if lane.has_room(pace(&self.paces, id)) {
                (lane.more, self.look) = (false, true);
            }
        }
        self.lanes.retain(|_, lane| lane.load() > 0);
    }

    /// Claims what is due, if anything may be; tells whether it rests before it looks.
    fn begin_claiming(&mut self) -> bool {
        let waiting: usize = self.lanes.values().map(|lane| lane.waiting.len()).sum();
        if self.claiming.is_some() || !self.look || waiting > WAITING / 2 {
            return false;
        }
        if self.rested > Instant::now() {
            return true;
        }
        self.look = false;
        let round = self.round.clone();
        let (now, lease) = (self.now(), self.lease());
        let mut busy = Vec::new();
        for (id, lane) in &mut self.lanes {
            lane.more = !lane.has_room(pace(&self.paces, id));
            if lane.more {
                busy.push(*id);
            }
        }
        let request = ClaimRequest {
            claim: ClaimId::new(round.ports().ids.uuid()),
            now,
            lease_until: now.plus(lease),
            per_lane: BATCH,
            most: WAITING - waiting,
            busy,
            after: self.after,
        };
        let begin_by = now.plus(lease - self.round.timeout() * 1.5);
        let task = self.steps.spawn(async move { Step::Claimed(round.claim(request).await, begin_by) });
        self.claiming = Some(task.id());
        false
    }

    fn now(&self) -> Timestamp {
        self.round.ports().clock.now()
    }

    fn lease(&self) -> Duration {
        self.round.timeout() * 2 + LEASE
    }

    fn take_claimed(&mut self, outcome: Result<Vec<R::Item>, Fault>, begin_by: Timestamp) {
        match outcome {
            Ok(claimed) => {
                // Where something was, there may be more.
                self.look |= !claimed.is_empty();
                if claimed.is_empty() {
                    self.rested = Instant::now() + REST;
                }
                let after = self.after;
                self.after = claimed.iter().map(R::lane).max_by_key(|id| (Some(*id) <= after, *id)).or(after);
                for item in claimed {
                    let lane = self.lanes.entry(R::lane(&item)).or_default();
                    lane.waiting.push_back((item, begin_by));
                }
            }
            Err(fault) => tracing::warn!(cause = %chain(&fault), "{} not claimed", R::WHAT),
        }
    }

    /// Gives every free place to the lane that has the fewest, and none to what would outlive its lease.
    fn begin_attempts(&mut self) {
        let now = self.now();
        let late = |lane: &Lane<R::Item>| lane.waiting.front().is_some_and(|(_, begin_by)| now > *begin_by);
        let late: Vec<R::Lane> = self.lanes.iter().filter(|(_, lane)| late(lane)).map(|(id, _)| *id).collect();
        late.into_iter().for_each(|id| self.release(id, 0));
        while self.attempts.len() < IN_ALL {
            let Some(id) = self.next_in_turn() else { return };
            let Some(lane) = self.lanes.get_mut(&id) else { return };
            let Some((item, _)) = lane.waiting.pop_front() else { return };
            lane.in_flight += 1;
            let attempt = self.round.clone().attempt(item);
            let task = self.steps.spawn(async move {
                match attempt.await {
                    Ok(tried) => Step::Tried(tried),
                    Err((item, fault)) => Step::NotTried(item, fault),
                }
            });
            self.attempts.insert(task.id(), id);
        }
    }

    fn next_in_turn(&self) -> Option<R::Lane> {
        let lanes = || self.lanes.iter().map(|(id, lane)| (id, lane, pace(&self.paces, id)));
        let in_trouble: usize = lanes().filter(|(_, _, pace)| *pace == 1).map(|(_, lane, _)| lane.in_flight).sum();
        let may = |lane: &Lane<R::Item>, pace: usize| lane.in_flight < pace && (pace > 1 || in_trouble < IN_TROUBLE);
        let waiting = lanes().filter(|(_, lane, pace)| !lane.waiting.is_empty() && may(lane, *pace));
        waiting.min_by_key(|(_, lane, _)| lane.in_flight).map(|(id, _, _)| *id)
    }

    fn take_tried(&mut self, attempt: R::Attempt) {
        let (lane, _, signal) = R::report(&attempt);
        let pace = self.paces.entry(lane).or_insert(FIRST);
        *pace = if signal == Signal::Well { (*pace * 2).min(PER_LANE) } else { 1 };
        match signal {
            Signal::Well => {}
            // What does not answer well is not worth waiting here for.
            Signal::Troubled => self.release(lane, 1),
            Signal::Gone => self.release(lane, 0),
        }
        self.tried.push(attempt);
    }

    /// Gives back what cannot be tried here: another process may be able to, or this one after a restart.
    fn put_off(&mut self, item: &R::Item, fault: &Fault) {
        tracing::error!(lane = ?R::lane(item), cause = %chain(fault), "{} cannot be tried here", R::WHAT);
        let (claim, key) = R::key(item);
        self.give_back(claim, vec![key], self.now().plus(NOT_HERE));
    }

    fn begin_settling(&mut self) {
        if self.settling.is_some() || self.tried.is_empty() {
            return;
        }
        let (round, tried) = (self.round.clone(), std::mem::take(&mut self.tried));
        let task = self.steps.spawn(async move {
            let outcome = round.settle(tried.clone()).await;
            if outcome.is_err() {
                // The store is away: no use asking again at once.
                tokio::time::sleep(POLL).await;
            }
            Step::Settled(outcome, tried)
        });
        self.settling = Some(task.id());
    }

    fn take_settled(&mut self, outcome: Result<usize, Fault>, tried: Vec<R::Attempt>) {
        if let Err(fault) = outcome {
            tracing::warn!(cause = %chain(&fault), "{} not settled", R::WHAT);
            let (lease, now) = (self.lease(), self.now());
            // What outlived its lease is another's by now.
            self.tried.extend(tried.into_iter().filter(|attempt| R::report(attempt).1.plus(lease) > now));
        }
    }

    /// Gives back what waits for a lane, but for the first few.
    fn release(&mut self, id: R::Lane, keep: usize) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        if lane.waiting.len() <= keep {
            return;
        }
        let mut by_claim: HashMap<ClaimId, Vec<R::Key>> = HashMap::new();
        for (item, _) in lane.waiting.drain(keep..) {
            let (claim, key) = R::key(&item);
            by_claim.entry(claim).or_default().push(key);
        }
        let now = self.now();
        by_claim.into_iter().for_each(|(claim, keys)| self.give_back(claim, keys, now));
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

/// How many attempts at once a lane is good for.
fn pace<L: Eq + Hash>(paces: &HashMap<L, usize>, lane: &L) -> usize {
    paces.get(lane).copied().unwrap_or(FIRST)
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
