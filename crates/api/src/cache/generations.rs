//! Generations: counters of the changes that this process made. A cached value is stored under the current generation, so a value of
//! an older generation is never found again.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rally_domain::id::WaitlistId;

/// Counts changes of one sort that this process makes. A change is counted before its client gets the answer.
#[derive(Clone, Default)]
pub struct Changes(Arc<AtomicU64>);

impl Changes {
    /// The number of changes so far.
    pub fn count(&self) -> u64 {
        now(&self.0)
    }

    /// Counts a change after it was made. A change that failed counts too, because it may have been made.
    pub fn note<T>(&self, outcome: T) -> T {
        moved_on(&self.0, outcome)
    }
}

/// The changes that other parts of the server must know of.
#[derive(Clone, Default)]
pub struct Noted {
    /// Changes that can stop a delivery or a mail.
    pub sent: Changes,
    /// Changes of waitlists, variants, settings and workspaces, which the public surface shows.
    pub public: Changes,
}

/// The generations of this process.
#[derive(Default)]
pub(super) struct Generations {
    /// What other parts of the server must know of.
    pub noted: Noted,
    /// Changes of API keys.
    pub keys: AtomicU64,
    /// Changes of leaders. Lists share counters, so that their number is bounded. A change of another list costs one query.
    pub leaders: Stripes,
}

pub(super) struct Stripes {
    counts: [AtomicU64; 256],
    hasher: RandomState,
}

impl Default for Stripes {
    fn default() -> Self {
        Self { counts: std::array::from_fn(|_| AtomicU64::new(0)), hasher: RandomState::new() }
    }
}

impl Stripes {
    pub fn of(&self, id: WaitlistId) -> &AtomicU64 {
        let stripe = self.hasher.hash_one(id) % self.counts.len() as u64;
        &self.counts[stripe as usize]
    }
}

pub(super) fn now(generation: &AtomicU64) -> u64 {
    generation.load(Ordering::Acquire)
}

/// Counts a change after it was made. A change that failed counts too, because it may have been made.
pub(super) fn moved_on<T>(generation: &AtomicU64, outcome: T) -> T {
    generation.fetch_add(1, Ordering::AcqRel);
    outcome
}
