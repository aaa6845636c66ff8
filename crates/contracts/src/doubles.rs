//! Doubles: a clock that moves only when it is told to, and chance that repeats.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use rally_domain::port::{Clock, Ids};
use rally_domain::timestamp::Timestamp;
use time::Duration;
use uuid::Uuid;

/// A clock that stands still.
#[derive(Debug)]
pub struct FrozenClock(AtomicI64);

impl FrozenClock {
    /// Makes a clock that stands at an instant, given as RFC 3339.
    ///
    /// # Panics
    /// If the text is not one.
    pub fn at(text: &str) -> Self {
        Self(AtomicI64::new(Timestamp::parse(text).expect("an RFC 3339 instant").unix_millis()))
    }

    /// Moves the clock forward.
    pub fn advance(&self, duration: Duration) {
        self.0.fetch_add(duration.whole_milliseconds() as i64, Ordering::SeqCst);
    }
}

impl Clock for FrozenClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(self.0.load(Ordering::SeqCst)).expect("an instant of this calendar")
    }
}

/// Ids in ascending order and bits that look random, different for every instance.
#[derive(Debug)]
pub struct CountingIds {
    seed: u64,
    count: AtomicU64,
}

static INSTANCES: AtomicU64 = AtomicU64::new(1);

impl Default for CountingIds {
    fn default() -> Self {
        Self { seed: INSTANCES.fetch_add(1, Ordering::Relaxed), count: AtomicU64::new(0) }
    }
}

impl CountingIds {
    fn next(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }
}

impl Ids for CountingIds {
    fn uuid(&self) -> Uuid {
        // Version 7 is the 13th hexadecimal digit (RFC 9562, section 5.7).
        let number = self.next();
        Uuid::from_u64_pair((number >> 12 << 16) | 0x7000 | (number & 0xfff), (1 << 63) | self.seed)
    }

    fn entropy(&self) -> u64 {
        splitmix(self.seed.rotate_left(32) ^ self.next())
    }
}

/// SplitMix64's output function: neighbouring inputs give unrelated outputs.
fn splitmix(input: u64) -> u64 {
    let z = input.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
