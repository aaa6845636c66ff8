//! The attempts to settle. The attempts of a lane are settled in their order, one batch at a time. If a lane cannot be settled, it is
//! retried later, and delays no other lane. This module has no I/O and no clock.

use std::collections::{BTreeMap, HashSet};

use tokio::time::Instant;

/// The most settlements at once.
const AT_ONCE: usize = 4;

pub struct Settlements<L, A> {
    tried: BTreeMap<L, Vec<A>>,
    under_way: HashSet<L>,
    batches: usize,
    /// Lanes that could not be settled, and when they are retried.
    later: BTreeMap<L, Instant>,
}

impl<L: Copy + Ord + std::hash::Hash, A> Settlements<L, A> {
    pub fn new() -> Self {
        Self { tried: BTreeMap::new(), under_way: HashSet::new(), batches: 0, later: BTreeMap::new() }
    }

    /// Adds an attempt that has ended.
    pub fn add(&mut self, lane: L, attempt: A) {
        self.tried.entry(lane).or_default().push(attempt);
    }

    /// The next batch of attempts to settle, if there is one now.
    pub fn begin(&mut self, now: Instant) -> Option<Vec<A>> {
        if self.batches >= AT_ONCE {
            return None;
        }
        self.later.retain(|_, at| *at > now);
        let ready: Vec<L> =
            self.tried.keys().filter(|lane| !self.under_way.contains(lane) && !self.later.contains_key(lane)).copied().collect();
        if ready.is_empty() {
            return None;
        }
        self.batches += 1;
        self.under_way.extend(&ready);
        Some(ready.iter().filter_map(|lane| self.tried.remove(lane)).flatten().collect())
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
            let since = self.tried.entry(lane).or_default();
            first.append(since);
            *since = first;
        }
    }

    /// When the next lane is retried.
    pub fn retry_at(&self) -> Option<Instant> {
        self.later.values().min().copied()
    }

    /// Makes all lanes ready at once.
    pub fn hurry(&mut self) {
        self.later.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lane_is_settled_in_its_order_and_one_batch_at_a_time() {
        let (mut settlements, now) = (Settlements::new(), Instant::now());
        settlements.add(1, "a");
        settlements.add(1, "b");
        assert_eq!(settlements.begin(now), Some(vec!["a", "b"]));
        settlements.add(1, "c");
        settlements.add(2, "d");
        assert_eq!(settlements.begin(now), Some(vec!["d"]));
        assert_eq!(settlements.begin(now), None);
        settlements.settled([1, 1].into_iter());
        assert_eq!(settlements.begin(now), Some(vec!["c"]));
    }

    #[test]
    fn what_cannot_be_settled_waits_by_itself() {
        let (mut settlements, now) = (Settlements::new(), Instant::now());
        settlements.add(1, "a");
        assert_eq!(settlements.begin(now), Some(vec!["a"]));
        let later = now + Duration::from_secs(1);
        settlements.failed([(1, Some("a"))].into_iter(), later);
        settlements.add(1, "b");
        settlements.add(2, "c");
        assert_eq!((settlements.begin(now), settlements.begin(now)), (Some(vec!["c"]), None));
        assert_eq!(settlements.retry_at(), Some(later));
        assert_eq!(settlements.begin(later), Some(vec!["a", "b"]));
        settlements.failed([(1, None), (1, Some("b"))].into_iter(), later);
        settlements.hurry();
        assert_eq!(settlements.begin(now), Some(vec!["b"]));
    }
}
