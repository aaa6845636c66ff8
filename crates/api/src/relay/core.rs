//! What a relay does next: a machine of states without I/O, a clock or a queue. It is told what happened and when, and says what to
//! claim, confirm, begin and give back.
//!
//! What goes to one *lane*, a webhook or a workspace's mail, shares its luck. A lane whose last answer was good is *trusted*: it may
//! have several attempts at once. Any other has one, and all of those together have a part of the places. An attempt that takes long
//! makes room for others at once, before anybody knows how it ends: so a crowd of receivers that hang, trusted or not, never has
//! the places of those that answer.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use rally_domain::timestamp::Timestamp;
use tokio::time::Instant;

/// Attempts at once for one trusted lane: twice as many after every good answer, up to this.
const PER_LANE: usize = 8;
/// From here on an attempt takes long: it has no place among the quick ones, and its lane begins no other until one is answered.
const LONG: Duration = Duration::from_millis(250);
/// Attempts of trusted lanes at once that have not taken long yet.
const QUICK: usize = 256;
/// All others at once, while one that is not trusted may begin: more than the 500 receivers that may hang and delay nobody.
const SLOW: usize = 640;
/// Attempts at once, whatever they are: bounds what they take of memory and sockets.
const IN_ALL: usize = 1536;
/// Things claimed at once for a trusted lane; when half of them are gone, more are claimed.
const BATCH: usize = 32;
/// Things of trusted lanes that wait here in all.
const WAITING: usize = 4096;
/// How long a good answer makes a lane trusted.
const TRUST: Duration = Duration::from_secs(3600);
/// How long what was read of the queue holds without being read again. What another process decides holds here a second later.
const FRESH: Duration = Duration::from_millis(700);

/// What an attempt says of the lane it was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// It takes what it is given.
    Well,
    /// It failed, or was slow enough to be a trouble to others.
    Troubled,
}

/// When something was read of the queue, and how often this process had changed by then what may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub at: Instant,
    pub changes: u64,
}

/// Something that is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Order<L, T> {
    /// Begin an attempt of that number.
    Begin(L, u64, T),
    /// Look whether these are still to be sent, and tell by [`Core::confirmed`].
    Confirm(L, Vec<T>),
    /// Give these back to the queue.
    Release(Vec<T>),
}

struct Lane<T> {
    waiting: VecDeque<Waiting<T>>,
    /// Taken out to be confirmed.
    confirming: usize,
    /// When each attempt under way began, by its number.
    in_flight: BTreeMap<u64, Instant>,
    /// The number of its last attempt: whose is longest ago comes first.
    last: u64,
    /// Whether the queue may have more for it than it was given.
    more: bool,
}

struct Waiting<T> {
    item: T,
    begin_by: Timestamp,
    seen: Seen,
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

/// That a lane answers well.
struct Trust {
    pace: usize,
    since: Instant,
}

pub struct Core<L, T> {
    lanes: HashMap<L, Lane<T>>,
    trusted: HashMap<L, Trust>,
    /// Attempts of trusted lanes that have not taken long yet, by number.
    quick: BTreeMap<u64, Instant>,
    in_flight: usize,
    attempts: u64,
    /// Where the next claim begins, so that all lanes get their turn.
    after: Option<L>,
    /// Whether the last look at the queue found lanes that there was no place for.
    starved: bool,
}

impl<L: Copy + Ord + Hash, T> Core<L, T> {
    pub fn new() -> Self {
        Self {
            lanes: HashMap::new(),
            trusted: HashMap::new(),
            quick: BTreeMap::new(),
            in_flight: 0,
            attempts: 0,
            after: None,
            starved: false,
        }
    }

    /// What to claim, given the lanes that something is due for: the most for each, in their turn.
    pub fn shares(&mut self, due: Vec<L>, now: Instant) -> Vec<(L, usize)> {
        self.trusted.retain(|_, trust| now - trust.since < TRUST);
        self.lanes.values_mut().for_each(|lane| lane.more = false);
        self.forget_idle();
        let mut due = due;
        due.sort_unstable_by_key(|lane| (Some(*lane) <= self.after, *lane));
        let (trusted, others): (Vec<L>, Vec<L>) = due.iter().partition(|lane| self.trusted.contains_key(lane));
        let room = WAITING.saturating_sub(self.waiting(true));
        let batch = (room / trusted.len().max(1)).clamp(1, BATCH);
        let mut places = SLOW.saturating_sub(self.slow() + self.waiting(false));
        let (mut shares, mut starved) = (Vec::new(), false);
        for id in trusted.into_iter().filter(|_| room > 0) {
            let lane = self.lanes.entry(id).or_default();
            lane.more = true;
            let load = lane.load();
            if load <= BATCH / 2 {
                shares.push((id, batch.min(BATCH - load)));
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

    /// Takes over what was claimed of those shares; it has to begin by an instant.
    pub fn claimed(&mut self, shares: &[(L, usize)], items: Vec<(L, T)>, begin_by: Timestamp, seen: Seen) {
        let mut left: HashMap<L, usize> = shares.iter().copied().collect();
        for (id, item) in items {
            left.entry(id).and_modify(|left| *left = left.saturating_sub(1));
            self.lanes.entry(id).or_default().waiting.push_back(Waiting { item, begin_by, seen });
        }
        // Who got less than it might have has no more.
        for id in left.into_iter().filter(|(_, left)| *left > 0).map(|(id, _)| id) {
            self.lanes.entry(id).or_default().more = false;
        }
        self.forget_idle();
    }

    /// Takes back what was confirmed of a lane; the rest is not to be sent.
    pub fn confirmed(&mut self, id: L, items: Vec<T>, begin_by: Timestamp, seen: Seen) {
        let lane = self.lanes.entry(id).or_default();
        lane.confirming = 0;
        for item in items.into_iter().rev() {
            lane.waiting.push_front(Waiting { item, begin_by, seen });
        }
        self.forget_idle();
    }

    /// An attempt has ended, with what it says of its lane; `None` when it was not made. Gives what is not worth waiting here any more.
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
                let trust = self.trusted.entry(id).or_insert(Trust { pace: 1, since: now });
                (trust.pace, trust.since) = ((trust.pace * 2).min(PER_LANE), now);
            }
            Some(Signal::Troubled) => drop(self.trusted.remove(&id)),
            None => {}
        }
        self.forget_idle();
        released
    }

    /// What to do next, if there is anything.
    pub fn next(&mut self, now: Instant, date: Timestamp, changes: u64) -> Option<Order<L, T>> {
        while self.quick.first_key_value().is_some_and(|(_, begun)| now - *begun >= LONG) {
            self.quick.pop_first();
        }
        let late = |lane: &Lane<T>| lane.waiting.front().is_some_and(|waiting| date > waiting.begin_by);
        if let Some(lane) = self.lanes.values_mut().find(|lane| late(lane)) {
            return Some(Order::Release(lane.waiting.drain(..).map(|waiting| waiting.item).collect()));
        }
        let id = self.next_in_turn(now)?;
        let lane = self.lanes.get_mut(&id)?;
        let is_fresh = |seen: Seen| seen.changes == changes && now - seen.at < FRESH;
        if !lane.waiting.front().is_some_and(|waiting| is_fresh(waiting.seen)) {
            lane.confirming = lane.waiting.len();
            return Some(Order::Confirm(id, lane.waiting.drain(..).map(|waiting| waiting.item).collect()));
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

    /// When something may begin that may not now, though nothing ends before.
    pub fn wakes_at(&self) -> Option<Instant> {
        let waits = self.lanes.values().any(|lane| !lane.waiting.is_empty());
        self.quick.values().next().filter(|_| waits).map(|begun| *begun + LONG)
    }

    /// Whether another look at the queue may find something that there is a place for.
    pub fn has_room(&self) -> bool {
        let wants = |(id, lane): (&L, &Lane<T>)| lane.more && lane.load() <= if self.trusted.contains_key(id) { BATCH / 2 } else { 0 };
        self.lanes.iter().any(wants) || (self.starved && self.slow() < SLOW)
    }

    /// Everything that has not begun.
    pub fn give_up(&mut self) -> Vec<T> {
        self.lanes.values_mut().flat_map(|lane| lane.waiting.drain(..)).map(|waiting| waiting.item).collect()
    }

    /// The lane whose turn it is: that with the fewest attempts under way, then that whose last one is longest ago.
    fn next_in_turn(&self, now: Instant) -> Option<L> {
        let (quick, slow) = (self.quick.len() < QUICK, self.slow() < SLOW);
        if self.in_flight >= IN_ALL || !(quick || slow) {
            return None;
        }
        let may_begin = |id: &L, lane: &Lane<T>| match self.trusted.get(id) {
            Some(trust) => quick && lane.in_flight.len() < trust.pace && !takes_long(lane, trust, now),
            None => slow && lane.in_flight.is_empty(),
        };
        let ready = self.lanes.iter().filter(|(id, lane)| !lane.waiting.is_empty() && lane.confirming == 0 && may_begin(id, lane));
        ready.min_by_key(|(_, lane)| (lane.in_flight.len(), lane.last)).map(|(id, _)| *id)
    }

    /// What waits here of lanes that are trusted, or of those that are not.
    fn waiting(&self, trusted: bool) -> usize {
        let of_kind = self.lanes.iter().filter(|(id, _)| self.trusted.contains_key(id) == trusted);
        of_kind.map(|(_, lane)| lane.waiting.len() + lane.confirming).sum()
    }

    fn slow(&self) -> usize {
        self.in_flight - self.quick.len()
    }

    fn forget_idle(&mut self) {
        self.lanes.retain(|_, lane| lane.load() > 0 || lane.more);
    }
}

/// Whether an attempt of a lane takes long, and none was answered since it began.
fn takes_long<T>(lane: &Lane<T>, trust: &Trust, now: Instant) -> bool {
    lane.in_flight.values().next().is_some_and(|begun| now - *begun >= LONG && trust.since <= *begun)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN_BY: &str = "2026-01-01T00:01:00Z";

    /// A core with a clock of its own, and lanes that something is due for.
    struct Script {
        core: Core<u32, u32>,
        now: Instant,
        changes: u64,
    }

    impl Script {
        fn new() -> Self {
            Self { core: Core::new(), now: Instant::now(), changes: 0 }
        }

        fn at(text: &str) -> Timestamp {
            Timestamp::parse(text).unwrap()
        }

        fn pass(&mut self, millis: u64) {
            self.now += Duration::from_millis(millis);
        }

        fn seen(&self) -> Seen {
            Seen { at: self.now, changes: self.changes }
        }

        /// Claims all shares in full for lanes that have enough.
        fn claim(&mut self, due: impl IntoIterator<Item = u32>) -> Vec<(u32, usize)> {
            let shares = self.core.shares(due.into_iter().collect(), self.now);
            let items = shares.iter().flat_map(|(id, share)| std::iter::repeat_n((*id, *id), *share)).collect();
            self.core.claimed(&shares, items, Self::at(BEGIN_BY), self.seen());
            shares
        }

        /// Begins everything that may begin, and gives the lanes with the numbers of their attempts.
        fn begin(&mut self) -> Vec<(u32, u64)> {
            let mut begun = Vec::new();
            loop {
                match self.core.next(self.now, Self::at("2026-01-01T00:00:00Z"), self.changes) {
                    Some(Order::Begin(id, number, _)) => begun.push((id, number)),
                    Some(Order::Confirm(id, items)) => self.core.confirmed(id, items, Self::at(BEGIN_BY), self.seen()),
                    Some(Order::Release(_)) => unreachable!("nothing is late here"),
                    None => return begun,
                }
            }
        }

        fn answer(&mut self, begun: &[(u32, u64)], signal: Signal) {
            for (id, number) in begun {
                self.core.ended(*id, *number, Some(signal), self.now);
            }
        }

        /// Makes lanes trusted with their full pace.
        fn trust(&mut self, lanes: std::ops::Range<u32>) {
            for _ in 0..4 {
                self.claim(lanes.clone());
                let begun = self.begin();
                self.answer(&begun, Signal::Well);
            }
            // What of their last batches is left.
            while let begun @ [_, ..] = &self.begin()[..] {
                let begun = begun.to_vec();
                self.answer(&begun, Signal::Well);
            }
        }
    }

    #[test]
    fn a_lane_that_answers_gets_more_at_once() {
        let mut script = Script::new();
        assert_eq!(script.claim([1]), [(1, 1)]);
        // One answer, then two, then as many as may be.
        for pace in [1, 2, PER_LANE, PER_LANE] {
            let begun = script.begin();
            assert_eq!(begun.len(), pace);
            script.answer(&begun, Signal::Well);
            script.claim([1]);
        }
        let begun = script.begin();
        script.answer(&begun[..1], Signal::Troubled);
        script.answer(&begun[1..], Signal::Troubled);
        assert_eq!(script.claim([1]), [(1, 1)]);
    }

    #[test]
    fn a_lane_in_trouble_keeps_nothing_here() {
        let mut script = Script::new();
        script.trust(1..2);
        script.claim([1]);
        let begun = script.begin();
        let waiting = BATCH - begun.len();
        assert_eq!(script.core.ended(1, begun[0].1, Some(Signal::Troubled), script.now).len(), waiting);
    }

    /// As many as the contract says, none of which was ever answered, and one that never was either.
    #[test]
    fn five_hundred_that_never_answered_leave_room_for_a_new_one() {
        let mut script = Script::new();
        script.claim(0..500);
        assert_eq!(script.begin().len(), 500);
        assert_eq!(script.claim(0..501), [(500, 1)]);
        assert_eq!(script.begin(), [(500, 501)]);
    }

    /// They had answered until now, all of them: the next attempt of another begins within a second all the same.
    #[test]
    fn five_hundred_that_stop_answering_delay_no_other() {
        let mut script = Script::new();
        script.trust(0..501);
        script.claim(0..500);
        // The worst case: the one that is well comes last.
        let mut hanging = script.begin().len();
        script.claim(500..501);
        let mut waited = 0;
        loop {
            let begun = script.begin();
            hanging += begun.iter().filter(|(id, _)| *id < 500).count();
            let well: Vec<_> = begun.into_iter().filter(|(id, _)| *id == 500).collect();
            if !well.is_empty() {
                script.answer(&well, Signal::Well);
                break;
            }
            let wakes = script.core.wakes_at().expect("something waits");
            waited += (wakes - script.now).as_millis();
            script.now = wakes;
        }
        assert!(waited < 1000, "{waited} ms");
        // From then on it goes on as if they were not there, for as long as they hang.
        for _ in 0..40 {
            script.pass(250);
            let begun = script.begin();
            hanging += begun.iter().filter(|(id, _)| *id < 500).count();
            script.claim(500..501);
            let well: Vec<_> = script.begin().into_iter().chain(begun).filter(|(id, _)| *id == 500).collect();
            assert_eq!(well.len(), PER_LANE);
            script.answer(&well, Signal::Well);
        }
        assert!(hanging < IN_ALL, "{hanging}");
    }

    #[test]
    fn more_that_never_answered_than_there_are_places_take_none_of_the_others() {
        let mut script = Script::new();
        script.trust(5000..5001);
        script.claim(0..5000);
        assert_eq!(script.begin().len(), SLOW);
        assert_eq!(script.claim(0..5001), [(5000, BATCH)]);
        assert_eq!(script.begin().len(), PER_LANE);
        assert!(!script.core.has_room(), "there is no place for the others");
    }

    #[test]
    fn lanes_that_there_was_no_place_for_come_next() {
        let mut script = Script::new();
        script.claim(0..1000);
        let begun = script.begin();
        script.answer(&begun[..10], Signal::Troubled);
        assert!(script.core.has_room());
        let next: Vec<u32> = script.claim(0..1000).into_iter().map(|(id, _)| id).collect();
        assert_eq!(next, (640..650).collect::<Vec<_>>());
    }

    #[test]
    fn a_slow_lane_goes_on_when_it_is_answered() {
        let mut script = Script::new();
        script.trust(1..2);
        script.claim([1]);
        let begun = script.begin();
        assert_eq!(begun.len(), PER_LANE);
        script.pass(1000);
        assert_eq!(script.begin(), []);
        script.answer(&begun[..1], Signal::Well);
        assert_eq!(script.begin().len(), 1);
    }

    #[test]
    fn what_was_seen_a_while_ago_or_before_a_change_is_confirmed() {
        let mut script = Script::new();
        script.trust(1..2);
        script.claim([1]);
        let date = Script::at("2026-01-01T00:00:00Z");
        assert!(matches!(script.core.next(script.now, date, 0), Some(Order::Begin(1, _, 1))));
        let Some(Order::Confirm(1, items)) = script.core.next(script.now, date, 1) else { panic!("a change asks for a look") };
        assert_eq!(items.len(), BATCH - 1);
        assert_eq!(script.core.next(script.now, date, 1), None, "nothing begins meanwhile");
        script.changes = 1;
        script.core.confirmed(1, vec![1, 1], Script::at(BEGIN_BY), script.seen());
        assert!(matches!(script.core.next(script.now, date, 1), Some(Order::Begin(1, _, 1))));
        script.pass(700);
        assert!(script.core.next(script.now, date, 1).is_none(), "its first attempts take long");
        script.core.ended(1, 1, None, script.now);
        let next = script.core.next(script.now, date, 1);
        assert!(next.is_none() || matches!(next, Some(Order::Confirm(..))));
    }

    #[test]
    fn what_would_outlive_its_lease_is_given_back() {
        let mut script = Script::new();
        script.claim([1]);
        let Some(Order::Release(items)) = script.core.next(script.now, Script::at("2026-01-01T00:01:00.001Z"), 0) else {
            panic!("it is late")
        };
        assert_eq!(items, [1]);
    }

    #[test]
    fn a_look_that_found_nothing_more_asks_for_no_other() {
        let mut script = Script::new();
        let shares = script.core.shares(vec![1, 2], script.now);
        script.core.claimed(&shares, vec![(1, 1)], Script::at(BEGIN_BY), script.seen());
        let begun = script.begin();
        assert!(!script.core.has_room());
        script.answer(&begun, Signal::Well);
        assert!(script.core.has_room(), "lane 1 got its share in full");
        script.core.shares(Vec::new(), script.now);
        assert!(!script.core.has_room());
    }
}
