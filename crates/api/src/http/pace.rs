//! How many sign-ups lists took in the last seconds, for those that ask for a proof of work while they take many.
//!
//! The store knows it for all processes. Each process asks the store at most every quarter of a second, and adds the sign-ups that it
//! takes meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::port::{Clock, ProofStore};
use rally_domain::proof_of_work::ProofOfWork;
use rally_domain::timestamp::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a number of the store is used.
const FRESH: Duration = Duration::from_millis(250);

/// The most lists whose pace is known.
const MAX_LISTS: u64 = 2000;

/// The paces of lists.
pub struct Paces {
    store: Arc<dyn ProofStore>,
    clock: Arc<dyn Clock>,
    lists: Cache<WaitlistId, Arc<Pace>>,
}

/// What is known of one list.
#[derive(Default)]
struct Pace {
    known: Mutex<Known>,
    /// The sign-ups that this process is taking.
    under_way: AtomicU64,
    /// The sign-ups that this process has taken since the store was asked.
    taken: AtomicU64,
}

/// What the store answered.
#[derive(Default)]
struct Known {
    seen: Option<Seen>,
    /// When it failed last, and why.
    failed: Option<(Instant, Fault)>,
}

/// The number that the store told.
#[derive(Clone, Copy)]
struct Seen {
    number: u64,
    at: Instant,
    now: Timestamp,
}

/// A sign-up under way. It counts from its beginning on, and goes on counting if the list takes it.
pub struct Turn {
    pace: Arc<Pace>,
    /// The sign-ups that the list took before, with those under way.
    pub before: u64,
}

impl Turn {
    /// Says that the list took the sign-up.
    pub fn taken(&self) {
        self.pace.taken.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.pace.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Paces {
    /// Asks a store.
    pub fn new(store: Arc<dyn ProofStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, lists: Cache::builder().max_capacity(MAX_LISTS).time_to_idle(FRESH * 100).build() }
    }

    /// Returns how many sign-ups a list took in the last period.
    ///
    /// # Errors
    /// If the store has a fault.
    pub async fn of(&self, list: WaitlistId) -> Result<u64, Fault> {
        let pace = self.lists.get_with(list, Arc::default);
        let asked_at = Instant::now();
        let mut known = pace.known.lock().await;
        self.number(list, &pace, &mut known, asked_at).await
    }

    /// Begins a sign-up.
    ///
    /// # Errors
    /// If the store has a fault.
    pub async fn begin(&self, list: WaitlistId) -> Result<Turn, Fault> {
        let pace = self.lists.get_with(list, Arc::default);
        let asked_at = Instant::now();
        let mut known = pace.known.lock().await;
        let before = self.number(list, &pace, &mut known, asked_at).await? + pace.under_way.fetch_add(1, Ordering::SeqCst);
        drop(known);
        Ok(Turn { pace, before })
    }

    async fn number(&self, list: WaitlistId, pace: &Pace, known: &mut Known, asked_at: Instant) -> Result<u64, Fault> {
        // Whoever waited while the store failed is told so too, and does not make the next one wait for it once more.
        if let Some((_, fault)) = known.failed.as_ref().filter(|(at, _)| *at > asked_at) {
            return Err(fault.again());
        }
        let now = self.clock.now();
        let is_fresh = |seen: &Seen| seen.at.elapsed() < FRESH && (seen.now..seen.now.plus(SHORT)).contains(&now);
        let number = match known.seen.filter(is_fresh) {
            Some(seen) => seen.number,
            None => {
                let (at, counted) = (Instant::now(), pace.taken.load(Ordering::SeqCst));
                let told = self.store.taken_since(list, now.plus(-ProofOfWork::PERIOD), ProofOfWork::MAX_COUNTED).await;
                let number = told.inspect_err(|fault| known.failed = Some((Instant::now(), fault.again())))?;
                pace.taken.fetch_sub(counted, Ordering::SeqCst);
                known.seen = Some(Seen { number, at, now });
                number
            }
        };
        Ok(number + pace.taken.load(Ordering::SeqCst))
    }
}

/// [`FRESH`], for instants of the clock.
const SHORT: time::Duration = time::Duration::milliseconds(250);

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use async_trait::async_trait;
    use rally_domain::uuid::Uuid;

    use super::*;

    /// A store that counts how often it is asked.
    #[derive(Default)]
    struct Counting {
        asked: AtomicU64,
        number: AtomicU64,
        hangs: AtomicBool,
    }

    #[async_trait]
    impl ProofStore for Counting {
        async fn taken_since(&self, _: WaitlistId, _: Timestamp, _: u64) -> Result<u64, Fault> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.hangs.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_secs(5)).await;
                return Err(Fault::unavailable("gone"));
            }
            Ok(self.number.load(Ordering::SeqCst))
        }

        async fn prune(&self, _: Timestamp, _: usize) -> Result<u64, Fault> {
            Ok(0)
        }
    }

    struct Standing;

    impl Clock for Standing {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_millis(1_700_000_000_000).unwrap()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_adds_what_it_takes_to_what_the_store_told() {
        let store = Arc::new(Counting::default());
        let paces = Paces::new(store.clone(), Arc::new(Standing));
        let list = WaitlistId::new(Uuid::from_u128(1));
        let first = paces.begin(list).await.unwrap();
        let second = paces.begin(list).await.unwrap();
        assert_eq!((first.before, second.before), (0, 1));
        first.taken();
        drop((first, second));
        assert_eq!(paces.of(list).await.unwrap(), 1);
        assert_eq!(store.asked.load(Ordering::SeqCst), 1);
        store.number.store(7, Ordering::SeqCst);
        tokio::time::advance(FRESH).await;
        assert_eq!((paces.of(list).await.unwrap(), paces.begin(list).await.unwrap().before), (7, 7));
        assert_eq!(store.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_lets_all_who_wait_down_at_once() {
        let store = Arc::new(Counting { hangs: true.into(), ..Counting::default() });
        let paces = Paces::new(store.clone(), Arc::new(Standing));
        let list = WaitlistId::new(Uuid::from_u128(1));
        let begun = Instant::now();
        let told = futures_util::future::join_all((0..50).map(|_| paces.of(list))).await;
        assert!(told.iter().all(Result::is_err));
        assert_eq!((begun.elapsed(), store.asked.load(Ordering::SeqCst)), (Duration::from_secs(5), 1));
        store.hangs.store(false, Ordering::SeqCst);
        assert_eq!(paces.of(list).await.unwrap(), 0, "who comes later asks again");
    }
}
