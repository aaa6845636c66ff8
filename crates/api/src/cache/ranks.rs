//! The orders of waitlists, kept for a moment that grows with the waitlist.
//!
//! A small list is read for every visit, so its visitors see every change at once. A large list is read in the background for as long as
//! people ask for it, so its visitors wait only if nobody has asked for minutes. No order is older than a minute. The memory is bounded.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use moka::sync::Cache;
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::rank::Ranks;
use rally_domain::referral::ReferralBoost;
use tokio::sync::{Mutex as TurnMutex, OwnedMutexGuard, Semaphore};
use tokio::time::{Instant, sleep};

use crate::chain::chain;
use crate::worker::without_panic;

/// How long an order is fresh, for each of its entries: about forty times as long as its reading takes.
const FRESH_PER_ENTRY: Duration = Duration::from_micros(20);

/// How long an order is fresh at most.
const FRESH: Duration = Duration::from_secs(20);

/// How old an order may get. The reading of the next one fits into the rest of the minute.
const OLDEST: Duration = Duration::from_secs(50);

/// From this number of entries on a list is read in the background.
const LARGE: usize = 10_000;

/// How long a large list is read in the background after somebody asked for it.
const WARM: Duration = Duration::from_secs(10 * 60);

/// How many lists are read in the background at once.
const BEHIND: usize = 2;

/// The most entries of all orders together. An order that is needed least goes first.
const MAX_ENTRIES: u64 = 20_000_000;

/// The reading of an order.
pub(super) type Reading = BoxFuture<'static, Result<Arc<Ranks>, Fault>>;

type Read = dyn Fn(WaitlistId, ReferralBoost) -> Reading + Send + Sync;

/// The orders of waitlists.
pub(super) struct KeptRanks {
    read: Arc<Read>,
    slots: Cache<WaitlistId, Arc<Slot>>,
    behind: Arc<Semaphore>,
}

/// The place of one list.
struct Slot {
    state: Mutex<State>,
    /// Whoever reads the list holds this.
    turn: Arc<TurnMutex<()>>,
}

struct State {
    kept: Option<Kept>,
    /// When a reading failed last, and why.
    failed: Option<(Instant, Fault)>,
    asked_at: Instant,
    is_kept_warm: bool,
}

/// An order, and when its reading began.
#[derive(Clone)]
struct Kept {
    ranks: Arc<Ranks>,
    read_at: Instant,
}

impl Kept {
    fn is_large(&self) -> bool {
        self.ranks.len() >= LARGE
    }

    fn may_be_shown(&self) -> bool {
        let entries = u32::try_from(self.ranks.len()).unwrap_or(u32::MAX);
        let age = if self.is_large() { OLDEST } else { FRESH_PER_ENTRY.saturating_mul(entries).min(FRESH) };
        self.read_at.elapsed() < age
    }
}

impl Slot {
    fn new() -> Self {
        let state = State { kept: None, failed: None, asked_at: Instant::now(), is_kept_warm: false };
        Self { state: Mutex::new(state), turn: Arc::default() }
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn kept(&self) -> Option<Kept> {
        self.with(|state| state.kept.clone())
    }

    /// Why a reading failed that ended after an instant.
    fn failure_since(&self, asked_at: Instant) -> Option<Fault> {
        self.with(|state| state.failed.as_ref().filter(|(at, _)| *at > asked_at).map(|(_, fault)| fault.again()))
    }

    fn entries(&self) -> u32 {
        self.kept().map_or(1, |kept| u32::try_from(kept.ranks.len()).unwrap_or(u32::MAX).max(1))
    }

    /// The kept order, for this number of positions that one referral is worth.
    fn ordered(&self, boost: ReferralBoost) -> Arc<Ranks> {
        let Some(Kept { ranks, read_at }) = self.kept() else { return Arc::new(Ranks::empty(boost)) };
        if ranks.boost() == boost {
            return ranks;
        }
        let ranks = Arc::new(ranks.with_boost(boost));
        self.with(|state| {
            if let Some(kept) = state.kept.as_mut().filter(|kept| kept.read_at == read_at) {
                kept.ranks = ranks.clone();
            }
        });
        ranks
    }
}

impl KeptRanks {
    /// Keeps the orders that a function reads.
    pub(super) fn new(read: impl Fn(WaitlistId, ReferralBoost) -> Reading + Send + Sync + 'static) -> Self {
        let slots = Cache::builder().max_capacity(MAX_ENTRIES).weigher(|_, slot: &Arc<Slot>| slot.entries()).time_to_idle(WARM).build();
        Self { read: Arc::new(read), slots, behind: Arc::new(Semaphore::new(BEHIND)) }
    }

    /// The order of a list.
    pub(super) async fn of(&self, list: WaitlistId, boost: ReferralBoost) -> Result<Arc<Ranks>, Fault> {
        let slot = self.slots.get_with(list, || Arc::new(Slot::new()));
        let asked_at = Instant::now();
        slot.with(|state| state.asked_at = asked_at);
        if !slot.kept().is_some_and(|kept| kept.may_be_shown()) {
            let turn = slot.turn.clone().lock_owned().await;
            // Somebody else may have read the list meanwhile, or failed to. A store that hangs lets all who wait down at once.
            if let Some(fault) = slot.failure_since(asked_at) {
                return Err(fault);
            }
            let is_known = slot.kept().is_some_and(|kept| kept.read_at >= asked_at || kept.is_large() && kept.may_be_shown());
            if !is_known {
                // A visitor who goes away does not stop the reading, for which others wait too.
                let reading = tokio::spawn(read_into(slot.clone(), turn, (self.read)(list, boost)));
                reading.await.map_err(Fault::unexpected)??;
                // The cache weighs what it is given.
                self.slots.insert(list, slot.clone());
                self.keep_warm(list, &slot);
            }
        }
        Ok(slot.ordered(boost))
    }

    /// Reads a large list again and again, until nobody has asked for it for a while.
    fn keep_warm(&self, list: WaitlistId, slot: &Arc<Slot>) {
        let is_cold = slot.with(|state| {
            let is_large = state.kept.as_ref().is_some_and(Kept::is_large);
            is_large && !std::mem::replace(&mut state.is_kept_warm, is_large)
        });
        if is_cold {
            tokio::spawn(keep_warm(self.read.clone(), list, Arc::downgrade(slot), self.behind.clone()));
        }
    }
}

async fn read_into(slot: Arc<Slot>, _turn: OwnedMutexGuard<()>, reading: Reading) -> Result<(), Fault> {
    let read_at = Instant::now();
    let read = reading.await;
    slot.with(|state| match &read {
        Ok(ranks) => state.kept = Some(Kept { ranks: ranks.clone(), read_at }),
        Err(fault) => state.failed = Some((Instant::now(), fault.again())),
    });
    read.map(drop)
}

async fn keep_warm(read: Arc<Read>, list: WaitlistId, slot: Weak<Slot>, behind: Arc<Semaphore>) {
    loop {
        sleep(FRESH).await;
        // The cache has dropped a slot that is gone.
        let Some(slot) = slot.upgrade() else { return };
        let boost = slot.with(|state| {
            let kept = state.kept.as_ref().filter(|kept| kept.is_large() && state.asked_at.elapsed() < WARM);
            state.is_kept_warm = kept.is_some();
            kept.map(|kept| kept.ranks.boost())
        });
        let Some(boost) = boost else { return };
        let Ok(_permit) = behind.acquire().await else { return };
        let turn = slot.turn.clone().lock_owned().await;
        if let Err(fault) = without_panic(async { read_into(slot, turn, read(list, boost)).await }).await {
            tracing::warn!(cause = %chain(&fault), "the order of a waitlist could not be read; it is tried again");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use rally_domain::rank::Rank;
    use rally_domain::referral::Position;
    use rally_domain::uuid::Uuid;

    use super::*;

    /// A list that has one entry more whenever it is read, and the number of readings.
    fn growing(entries: u64, takes: Duration) -> (KeptRanks, Arc<AtomicU64>) {
        let readings = Arc::new(AtomicU64::new(0));
        let count = readings.clone();
        let read = move |_, boost| -> Reading {
            let entries = entries + count.fetch_add(1, Ordering::SeqCst);
            let positions = (1..=entries).map(Position::new).collect();
            let ranks = Arc::new(Ranks::new(boost, Position::new(entries), positions, vec![(Position::new(entries), 1)]));
            Box::pin(async move {
                sleep(takes).await;
                Ok(ranks)
            })
        };
        (KeptRanks::new(read), readings)
    }

    const LIST: WaitlistId = WaitlistId::new(Uuid::nil());

    async fn total(kept: &KeptRanks) -> usize {
        kept.of(LIST, ReferralBoost::default()).await.unwrap().len()
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_list_is_read_for_every_visit_and_together_for_those_who_come_together() {
        let (kept, readings) = growing(100, Duration::from_millis(1));
        for expected in 100..105 {
            assert_eq!(total(&kept).await, expected);
            sleep(FRESH_PER_ENTRY * 105).await;
        }
        readings.store(0, Ordering::SeqCst);
        futures_util::future::join_all((0..50).map(|_| total(&kept))).await;
        assert!(readings.load(Ordering::SeqCst) <= 2, "{readings:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_large_list_while_people_ask_for_it() {
        let (kept, readings) = growing(LARGE as u64, Duration::from_secs(2));
        total(&kept).await;
        for _ in 0..120 {
            sleep(Duration::from_secs(5)).await;
            let begun = Instant::now();
            total(&kept).await;
            assert_eq!(begun.elapsed(), Duration::ZERO);
        }
        let read = readings.load(Ordering::SeqCst);
        assert!((20..=31).contains(&read), "{read}");
        sleep(WARM * 2).await;
        let read = readings.load(Ordering::SeqCst);
        sleep(WARM).await;
        assert_eq!(readings.load(Ordering::SeqCst), read, "nobody asks any more");
        let begun = Instant::now();
        assert_eq!(total(&kept).await, LARGE + read as usize);
        assert_eq!(begun.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn another_worth_of_a_referral_shows_at_once() {
        let (kept, readings) = growing(LARGE as u64, Duration::from_secs(1));
        let last = Position::new(LARGE as u64);
        for (places, ahead) in [(0, 9999), (2, 9998), (1000, 9000), (0, 9999)] {
            let boost = ReferralBoost::new(places).unwrap();
            let ranks = kept.of(LIST, boost).await.unwrap();
            assert_eq!((ranks.boost(), ranks.find(last, 1)), (boost, Rank { ahead, total: LARGE as u64 }));
        }
        assert_eq!(readings.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_told_to_those_who_wait() {
        let readings = Arc::new(AtomicU64::new(0));
        let count = readings.clone();
        let kept = KeptRanks::new(move |_, _| {
            count.fetch_add(1, Ordering::SeqCst);
            Box::pin(async {
                sleep(Duration::from_secs(5)).await;
                Err(Fault::unavailable("gone"))
            })
        });
        let begun = Instant::now();
        let told = futures_util::future::join_all((0..50).map(|_| kept.of(LIST, ReferralBoost::default()))).await;
        assert!(told.iter().all(|outcome| matches!(outcome, Err(Fault::Unavailable(_)))));
        assert_eq!((begun.elapsed(), readings.load(Ordering::SeqCst)), (Duration::from_secs(5), 1));
        assert!(kept.of(LIST, ReferralBoost::default()).await.is_err());
        assert_eq!(readings.load(Ordering::SeqCst), 2, "who comes later asks again");
    }
}
