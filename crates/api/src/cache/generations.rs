//! How often something was changed here: what is kept is kept under such a number, and what was kept under an older one is
//! where nobody looks.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rally_domain::id::WaitlistId;

/// How often something was decided here that ends what was going to be sent: a webhook was changed or deleted, an entry, a waitlist or
/// a workspace deleted. It is counted before whoever decided it is answered.
#[derive(Clone, Default)]
pub struct Changes(Arc<AtomicU64>);

impl Changes {
    /// How many there were until now.
    pub fn count(&self) -> u64 {
        now(&self.0)
    }

    /// After a change, whether it is known to have been made or not.
    pub(super) fn note<T>(&self, outcome: T) -> T {
        moved_on(&self.0, outcome)
    }
}

/// How often something was changed here.
#[derive(Default)]
pub(super) struct Generations {
    /// What is on its way to receivers.
    pub sent: Changes,
    /// What waitlists, variants, settings and workspaces show to the public.
    pub public: AtomicU64,
    /// API keys.
    pub keys: AtomicU64,
    /// Leaders: lists share counts, so that there are never more of them. A count that moves for another list costs a query.
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

/// After a change, whether it is known to have been made or not.
pub(super) fn moved_on<T>(generation: &AtomicU64, outcome: T) -> T {
    generation.fetch_add(1, Ordering::AcqRel);
    outcome
}
