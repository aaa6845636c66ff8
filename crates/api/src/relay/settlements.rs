//! The attempts to settle. The attempts of a lane are settled in their order, one batch at a time. An attempt waits a little for others of
//! its lane, because a batch costs little more than one. If a lane cannot be settled, it is retried later, and delays no other lane. This
//! module has no I/O and no clock.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

/// The most settlements at once.
const AT_ONCE: usize = 4;
/// How long an attempt waits for others, and how many of them are enough.
const GATHER: Duration = Duration::from_millis(5);
const ENOUGH: usize = 32;

pub struct Settlements<L, A> {
    tried: BTreeMap<L, Tried<A>>,
    under_way: HashSet<L>,
    batches: usize,
    /// Lanes that could not be settled, and when they are retried.
    later: BTreeMap<L, Instant>,
    /// Whether no attempt waits for others any more.
    hurried: bool,
}

/// The attempts of a lane, and when the first of them was added.
struct Tried<A> {
    since: Instant,
    attempts: Vec<A>,
}

impl<L: Copy + Ord + std::hash::Hash, A> Settlements<L, A> {
    pub fn new() -> Self {
        Self { tried: BTreeMap::new(), under_way: HashSet::new(), batches: 0, later: BTreeMap::new(), hurried: false }
    }

    /// Adds an attempt that has ended.
    pub fn add(&mut self, lane: L, attempt: A, now: Instant) {
        self.tried.entry(lane).or_insert_with(|| Tried { since: now, attempts: Vec::new() }).attempts.push(attempt);
    }

    /// The next batch of attempts to settle, if there is one now.
    pub fn begin(&mut self, now: Instant) -> Option<Vec<A>> {
        if self.batches >= AT_ONCE {
            return None;
        }
        self.later.retain(|_, at| *at > now);
        let gathered = |tried: &Tried<A>| self.hurried || tried.attempts.len() >= ENOUGH || now >= tried.since + GATHER;
        let ready: Vec<L> = self.open().filter(|(_, tried)| gathered(tried)).map(|(lane, _)| *lane).collect();
        if ready.is_empty() {
            return None;
        }
        self.batches += 1;
        self.under_way.extend(&ready);
        Some(ready.iter().filter_map(|lane| self.tried.remove(lane)).flat_map(|tried| tried.attempts).collect())
    }

    /// The lanes that may be settled now.
    fn open(&self) -> impl Iterator<Item = (&L, &Tried<A>)> {
        self.tried.iter().filter(|(lane, _)| !self.under_way.contains(lane) && !self.later.contains_key(lane))
    }

    /// Notes that a batch with attempts of these lanes was settled.
    pub fn settled(&mut self, lanes: impl Iterator<Item = L>) {
        self.batches -= 1;
        for lane in lanes {
            self.under_way.remove(&lane);
        }
    }

    /// Notes that a batch failed as a whole or in part. The attempts that are still valid are retried at an instant, each lane by itself.
    pub fn failed(&mut self, attempts: impl Iterator<Item = (L, Option<A>)>, at: Instant) {
        self.batches -= 1;
        let mut again: BTreeMap<L, Vec<A>> = BTreeMap::new();
        for (lane, attempt) in attempts {
            self.under_way.remove(&lane);
            again.entry(lane).or_default().extend(attempt);
        }
        for (lane, mut first) in again.into_iter().filter(|(_, attempts)| !attempts.is_empty()) {
            self.later.insert(lane, at);
            let since = self.tried.remove(&lane).map(|tried| tried.attempts).unwrap_or_default();
            first.extend(since);
            self.tried.insert(lane, Tried { since: at, attempts: first });
        }
    }

    /// When the next lane is settled or retried, if that needs no batch to end before.
    pub fn next_at(&self) -> Option<Instant> {
        let gathered = self.open().map(|(_, tried)| tried.since + GATHER);
        gathered.chain(self.later.values().copied()).min().filter(|_| self.batches < AT_ONCE)
    }

    /// Makes all lanes ready at once, and those that are added later too.
    pub fn hurry(&mut self) {
        self.later.clear();
        self.hurried = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_settled_in_its_order_and_one_batch_at_a_time() {
        let (mut settlements, now) = (Settlements::new(), Instant::now());
        let gathered = now + GATHER;
        settlements.add(1, "a", now);
        settlements.add(1, "b", now);
        assert_eq!(settlements.begin(gathered), Some(vec!["a", "b"]));
        settlements.add(1, "c", now);
        settlements.add(2, "d", now);
        assert_eq!(settlements.begin(gathered), Some(vec!["d"]));
        assert_eq!((settlements.begin(gathered), settlements.next_at()), (None, None));
        settlements.settled([1, 1].into_iter());
        assert_eq!(settlements.begin(gathered), Some(vec!["c"]));
    }

    #[test]
    fn an_attempt_waits_a_little_until_there_are_enough() {
        let (mut settlements, now) = (Settlements::new(), Instant::now());
        settlements.add(1, 0, now);
        settlements.add(1, 1, now + GATHER / 2);
        assert_eq!((settlements.begin(now + GATHER / 2), settlements.next_at()), (None, Some(now + GATHER)));
        assert_eq!(settlements.begin(now + GATHER), Some(vec![0, 1]));
        settlements.settled([1, 1].into_iter());
        (0..ENOUGH).for_each(|n| settlements.add(1, n, now));
        assert_eq!(settlements.begin(now).map(|batch| batch.len()), Some(ENOUGH));
        settlements.settled([1].into_iter());
        settlements.add(1, 0, now);
        settlements.hurry();
        assert_eq!(settlements.begin(now), Some(vec![0]));
    }

    #[test]
    fn nothing_is_due_while_there_are_as_many_batches_as_may_be() {
        let (mut settlements, now) = (Settlements::new(), Instant::now());
        settlements.add(0, (), now);
        settlements.begin(now + GATHER);
        settlements.failed([(0, Some(()))].into_iter(), now);
        for lane in 1..=AT_ONCE {
            settlements.add(lane, (), now);
            assert!(settlements.begin(now + GATHER / 2).is_none() && settlements.next_at().is_some());
            settlements.hurried = true;
            assert!(settlements.begin(now).is_some());
            settlements.hurried = false;
        }
        settlements.add(9, (), now);
        assert_eq!((settlements.begin(now + GATHER), settlements.next_at()), (None, None));
        settlements.settled([1].into_iter());
        assert!(settlements.next_at().is_some());
    }

    #[test]
    fn what_cannot_be_settled_waits_by_itself() {
        let (mut settlements, now) = (Settlements::new(), Instant::now());
        let gathered = now + GATHER;
        settlements.add(1, "a", now);
        assert_eq!(settlements.begin(gathered), Some(vec!["a"]));
        let later = now + Duration::from_secs(1);
        settlements.failed([(1, Some("a"))].into_iter(), later);
        settlements.add(1, "b", now);
        settlements.add(2, "c", now);
        assert_eq!((settlements.begin(gathered), settlements.begin(gathered)), (Some(vec!["c"]), None));
        assert_eq!(settlements.next_at(), Some(later));
        assert_eq!((settlements.begin(later), settlements.next_at()), (None, Some(later + GATHER)));
        assert_eq!(settlements.begin(later + GATHER), Some(vec!["a", "b"]));
        settlements.failed([(1, None), (1, Some("b"))].into_iter(), later);
        settlements.hurry();
        assert_eq!(settlements.begin(now), Some(vec!["b"]));
    }
}
