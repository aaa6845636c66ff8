//! The decisions of a relay: a state machine without I/O, clock or queue. It gets events with their times, and orders what to claim,
//! confirm, begin and give back.
//!
//! A *lane* is a webhook, or the mails of a workspace. A lane whose last answer was good is *trusted*, and may have several attempts at
//! once. Any other lane may have one, and all of these lanes together have only a part of the places. An attempt that takes long moves
//! to the slow places before its result is known. So receivers that hang, trusted or not, never take the places of those that answer.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use rally_domain::timestamp::Timestamp;
use tokio::time::Instant;

/// The most attempts at once of a trusted lane. The number starts at 2 and doubles after every good answer, up to this.
const PER_LANE: usize = 8;
/// After this time an attempt is slow. It leaves the quick places, and its lane begins no other attempt until one is answered.
const LONG: Duration = Duration::from_millis(250);
/// The most quick attempts at once: attempts of trusted lanes that are not slow yet.
const QUICK: usize = 256;
/// The number of other attempts below which an untrusted lane may begin one. It exceeds 500, the number of hanging receivers that must
/// not delay others.
const SLOW: usize = 640;
/// The most attempts of all kinds at once. This bounds their memory and sockets.
pub const IN_ALL: usize = 1536;
/// The most items that a trusted lane holds at first, and at most. If half of them are gone, more are claimed. The number doubles if more
/// arrive only after the lane has begun all that it held. It starts again if items wait so long that they must be confirmed.
const BATCH: usize = 32;
const LARGEST_BATCH: usize = 256;
/// The most waiting items of all trusted lanes.
const WAITING: usize = 4096;
/// How long a lane is trusted after a good answer.
const TRUST: Duration = Duration::from_secs(3600);
/// How long an item may wait before it must be confirmed. With this, a change of another process applies here within a second.
const FRESH: Duration = Duration::from_millis(700);

/// What an attempt says about its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// The lane accepts its items.
    Well,
    /// The attempt failed, or was so slow that it disturbs others.
    Troubled,
}

/// When an item was read from the queue, and the number of this process's changes at that time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub at: Instant,
    pub changes: u64,
}

/// When items were read from the queue, and when their attempts must begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    pub seen: Seen,
    /// An attempt begins by then, or the item is given back.
    pub begin_by: Timestamp,
    /// The latest `begin_by` of these items, however often they are confirmed: an attempt ends before the lease does.
    pub latest: Timestamp,
}

/// An order to the loop.
#[derive(Debug, PartialEq, Eq)]
pub enum Order<L, T> {
    /// Begin an attempt with this number.
    Begin(L, u64, T),
    /// Confirm that these items are still to be sent, and report with [`Core::confirmed`]. Their attempts must begin by an instant.
    Confirm(L, Vec<T>, Timestamp),
    /// Give these items back to the queue.
    Release(Vec<T>),
}

struct Lane<T> {
    waiting: VecDeque<Waiting<T>>,
    /// The number of items that are being confirmed.
    confirming: usize,
    /// When each attempt under way began, by number.
    in_flight: BTreeMap<u64, Instant>,
    /// The number of its last attempt. The lane with the lowest comes first.
    last: u64,
    /// Whether the queue may have more items for it.
    more: bool,
}

struct Waiting<T> {
    item: T,
    read: Read,
}

impl<T> Default for Lane<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), confirming: 0, in_flight: BTreeMap::new(), last: 0, more: false }
    }
}

impl<T> Lane<T> {
    fn load(&self) -> usize {
        self.waiting.len() + self.confirming + self.in_flight.len()
    }
}

/// The trust in a lane.
struct Trust {
    pace: usize,
    /// The most items that the lane holds.
    batch: usize,
    since: Instant,
}

pub struct Core<L, T> {
    lanes: HashMap<L, Lane<T>>,
    trusted: HashMap<L, Trust>,
    /// The quick attempts, by number.
    quick: BTreeMap<u64, Instant>,
    in_flight: usize,
    /// The most attempts at once.
    most: usize,
    attempts: u64,
    /// The lane after which the next claim starts, so that all lanes get their turn.
    after: Option<L>,
    /// Whether the last look found lanes without a place for them.
    starved: bool,
}

impl<L: Copy + Ord + Hash, T> Core<L, T> {
    /// Creates a relay that makes so many attempts at once at most. All others wait here, where they are confirmed before they begin.
    pub fn new(most: usize) -> Self {
        Self {
            lanes: HashMap::new(),
            trusted: HashMap::new(),
            quick: BTreeMap::new(),
            in_flight: 0,
            most,
            attempts: 0,
            after: None,
            starved: false,
        }
    }

    /// Decides the most items to claim for each of the lanes with due items, in their turn.
    pub fn shares(&mut self, due: Vec<L>, now: Instant) -> Vec<(L, usize)> {
        self.trusted.retain(|_, trust| now - trust.since < TRUST);
        self.lanes.values_mut().for_each(|lane| lane.more = false);
        self.forget_idle();
        let mut due = due;
        due.sort_unstable_by_key(|lane| (Some(*lane) <= self.after, *lane));
        let (trusted, others): (Vec<L>, Vec<L>) = due.iter().partition(|lane| self.trusted.contains_key(lane));
        let room = WAITING.saturating_sub(self.waiting(true));
        let most = (room / trusted.len().max(1)).max(1);
        let mut places = self.places();
        let (mut shares, mut starved) = (Vec::new(), false);
        for id in trusted.into_iter().filter(|_| room > 0) {
            let lane = self.lanes.entry(id).or_default();
            lane.more = true;
            let (load, batch) = (lane.load(), self.trusted.get(&id).map_or(0, |trust| trust.batch));
            if load <= batch / 2 {
                shares.push((id, most.min(batch - load)));
            }
        }
        for id in others {
            if self.lanes.get(&id).is_some_and(|lane| lane.load() > 0) {
                self.lanes.entry(id).or_default().more = true;
            } else if places > 0 {
                places -= 1;
                self.after = Some(id);
                self.lanes.entry(id).or_default().more = true;
                shares.push((id, 1));
            } else {
                starved = true;
            }
        }
        self.starved = starved;
        shares
    }

    /// Takes the claimed items of these shares.
    pub fn claimed(&mut self, shares: &[(L, usize)], items: Vec<(L, T)>, read: Read) {
        let mut left: HashMap<L, usize> = shares.iter().copied().collect();
        let ran_dry = |id: &L| self.lanes.get(id).is_some_and(|lane| lane.waiting.is_empty());
        let hungry: Vec<L> = left.keys().copied().filter(ran_dry).collect();
        for (id, item) in items {
            left.entry(id).and_modify(|left| *left = left.saturating_sub(1));
            self.lanes.entry(id).or_default().waiting.push_back(Waiting { item, read });
        }
        for id in hungry.into_iter().filter(|id| left.get(id) == Some(&0)) {
            if let Some(trust) = self.trusted.get_mut(&id) {
                trust.batch = (trust.batch * 2).min(LARGEST_BATCH);
            }
        }
        // A lane that got less than its share has no more.
        for id in left.into_iter().filter(|(_, left)| *left > 0).map(|(id, _)| id) {
            self.lanes.entry(id).or_default().more = false;
        }
        self.forget_idle();
    }

    /// Takes the confirmed items of a lane. Its other items are not to be sent.
    pub fn confirmed(&mut self, id: L, items: Vec<T>, read: Read) {
        let lane = self.lanes.entry(id).or_default();
        lane.confirming = 0;
        for item in items.into_iter().rev() {
            lane.waiting.push_front(Waiting { item, read });
        }
        self.forget_idle();
    }

    /// Notes that an attempt has ended, with its signal, or `None` if it was not made. Returns items to give back: a lane in trouble keeps
    /// none here.
    pub fn ended(&mut self, id: L, number: u64, signal: Option<Signal>, now: Instant) -> Vec<T> {
        self.quick.remove(&number);
        let mut released = Vec::new();
        if let Some(lane) = self.lanes.get_mut(&id) {
            self.in_flight -= usize::from(lane.in_flight.remove(&number).is_some());
            if signal == Some(Signal::Troubled) {
                released.extend(lane.waiting.drain(..).map(|waiting| waiting.item));
            }
        }
        match signal {
            Some(Signal::Well) => {
                let trust = self.trusted.entry(id).or_insert(Trust { pace: 1, batch: BATCH, since: now });
                (trust.pace, trust.since) = ((trust.pace * 2).min(PER_LANE), now);
            }
            Some(Signal::Troubled) => drop(self.trusted.remove(&id)),
            None => {}
        }
        self.forget_idle();
        released
    }

    /// The next order, if there is one.
    pub fn next(&mut self, now: Instant, date: Timestamp, changes: u64) -> Option<Order<L, T>> {
        while self.quick.first_key_value().is_some_and(|(_, begun)| now - *begun >= LONG) {
            self.quick.pop_first();
        }
        let late = |lane: &Lane<T>| lane.waiting.front().is_some_and(|waiting| date > waiting.read.begin_by);
        if let Some(lane) = self.lanes.values_mut().find(|lane| late(lane)) {
            return Some(Order::Release(lane.waiting.drain(..).map(|waiting| waiting.item).collect()));
        }
        let id = self.next_in_turn(now)?;
        let lane = self.lanes.get_mut(&id)?;
        let is_fresh = |seen: Seen| seen.changes == changes && now - seen.at < FRESH;
        if !lane.waiting.front().is_some_and(|waiting| is_fresh(waiting.read.seen)) {
            let latest = lane.waiting.iter().map(|waiting| waiting.read.latest).min()?;
            lane.confirming = lane.waiting.len();
            if let Some(trust) = self.trusted.get_mut(&id) {
                trust.batch = BATCH;
            }
            return Some(Order::Confirm(id, lane.waiting.drain(..).map(|waiting| waiting.item).collect(), latest));
        }
        let item = lane.waiting.pop_front()?.item;
        self.attempts += 1;
        self.in_flight += 1;
        lane.last = self.attempts;
        lane.in_flight.insert(self.attempts, now);
        if self.trusted.contains_key(&id) {
            self.quick.insert(self.attempts, now);
        }
        Some(Order::Begin(id, self.attempts, item))
    }

    /// When the next attempt may begin although no other ends before.
    pub fn wakes_at(&self) -> Option<Instant> {
        let waits = self.lanes.values().any(|lane| !lane.waiting.is_empty());
        self.quick.values().next().filter(|_| waits).map(|begun| *begun + LONG)
    }

    /// Whether another look at the queue may find items with a place for them. If it finds any, [`shares`](Self::shares) returns some.
    pub fn has_room(&self) -> bool {
        let (room, places) = (self.waiting(true) < WAITING, self.places() > 0);
        let wants = |(id, lane): (&L, &Lane<T>)| match self.trusted.get(id) {
            Some(trust) => room && lane.load() <= trust.batch / 2,
            None => places && lane.load() == 0,
        };
        (self.starved && places) || self.lanes.iter().any(|lane| lane.1.more && wants(lane))
    }

    /// Returns all waiting items.
    pub fn give_up(&mut self) -> Vec<T> {
        self.lanes.values_mut().flat_map(|lane| lane.waiting.drain(..)).map(|waiting| waiting.item).collect()
    }

    /// The lane whose turn it is: the one with the fewest attempts under way, and of those the one whose last attempt is the oldest.
    fn next_in_turn(&self, now: Instant) -> Option<L> {
        let (quick, slow) = (self.quick.len() < QUICK, self.slow() < SLOW);
        if self.in_flight >= self.most || !(quick || slow) {
            return None;
        }
        let may_begin = |id: &L, lane: &Lane<T>| match self.trusted.get(id) {
            Some(trust) => quick && lane.in_flight.len() < trust.pace && !takes_long(lane, trust, now),
            None => slow && lane.in_flight.is_empty(),
        };
        let ready = self.lanes.iter().filter(|(id, lane)| !lane.waiting.is_empty() && lane.confirming == 0 && may_begin(id, lane));
        ready.min_by_key(|(_, lane)| (lane.in_flight.len(), lane.last)).map(|(id, _)| *id)
    }

    /// The number of waiting items of trusted lanes, or of the others.
    fn waiting(&self, trusted: bool) -> usize {
        let of_kind = self.lanes.iter().filter(|(id, _)| self.trusted.contains_key(id) == trusted);
        of_kind.map(|(_, lane)| lane.waiting.len() + lane.confirming).sum()
    }

    /// The number of lanes without trust that may get an item.
    fn places(&self) -> usize {
        SLOW.saturating_sub(self.slow() + self.waiting(false))
    }

    fn slow(&self) -> usize {
        self.in_flight - self.quick.len()
    }

    fn forget_idle(&mut self) {
        self.lanes.retain(|_, lane| lane.load() > 0 || lane.more);
    }
}

/// Whether a lane has a slow attempt, and no attempt was answered since it began.
fn takes_long<T>(lane: &Lane<T>, trust: &Trust, now: Instant) -> bool {
    lane.in_flight.values().next().is_some_and(|begun| now - *begun >= LONG && trust.since <= *begun)
}

#[cfg(test)]
mod tests;
