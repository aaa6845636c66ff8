//! The loop with a queue and a receiver that take their time. Time is virtual.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use rally_domain::id::WebhookId;
use tokio::time::sleep;
use uuid::Uuid;

use super::*;
use crate::relay::Relay;
use crate::relay::core::Signal;

/// How long each call of the queue takes.
const CALL: std::time::Duration = std::time::Duration::from_millis(3);

/// A queue with the items of one lane, numbered in their order.
#[derive(Clone)]
struct Numbers {
    queue: Arc<Mutex<Queue>>,
    /// How long an attempt takes.
    attempt: std::time::Duration,
    /// The most attempts at once.
    at_once: usize,
    /// When every item is due again.
    retry: Option<Timestamp>,
    begun: Instant,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<u32>,
    settled: usize,
    looks: Vec<Timestamp>,
    /// The number of looks and claims that will fail.
    faults: usize,
    /// The number of looks that will never end.
    hanging: usize,
    /// Whether the loop itself will panic, once.
    is_defect: bool,
    /// The number of settlements that will fail, and of those that were tried.
    broken: usize,
    settlements: usize,
    /// The number of settlements that will panic.
    panics: usize,
    /// The number of confirmations, and of releases, that will fail.
    unconfirmed: usize,
    unreleased: usize,
    /// The number of items that confirmations will leave out.
    left_out: usize,
    /// The attempts under way, and the most there were.
    under_way: usize,
    most: usize,
    /// When items were claimed, and the longest time from there to an attempt.
    claimed: HashMap<u32, Timestamp>,
    longest: Duration,
}

impl Queue {
    fn note_attempt(&mut self, item: u32, now: Timestamp) {
        self.longest = self.longest.max(now.instant() - self.claimed[&item].instant());
        self.under_way += 1;
        self.most = self.most.max(self.under_way);
    }
}

impl Numbers {
    fn new(items: u32, faults: usize) -> Self {
        let queue = Queue { waiting: (0..items).collect(), faults, ..Queue::default() };
        let attempt = std::time::Duration::from_millis(2);
        Self { queue: Arc::new(Mutex::new(queue)), attempt, at_once: 1536, retry: None, begun: Instant::now() }
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a relay until all items are settled. Returns how long that took.
    async fn carry(&self, items: usize) -> std::time::Duration {
        let begun = Instant::now();
        let (wake, stop) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let relay = tokio::spawn(Work::new(self.clone()).run(wake, stop));
        while self.queue().settled < items {
            sleep(std::time::Duration::from_millis(1)).await;
        }
        relay.abort();
        begun.elapsed()
    }
}

#[async_trait]
impl Freight for Numbers {
    type Lane = WebhookId;
    type Item = u32;
    type Key = u32;
    type Attempt = u32;
    const WHAT: &'static str = "numbers";

    fn now(&self) -> Timestamp {
        start().plus(Duration::try_from(self.begun.elapsed()).unwrap())
    }

    fn new_claim(&self) -> ClaimId {
        ClaimId::new(Uuid::nil())
    }

    fn changes(&self) -> u64 {
        let is_defect = std::mem::take(&mut self.queue().is_defect);
        assert!(!is_defect, "a defect");
        0
    }

    fn timeout(&self) -> Duration {
        Duration::seconds(20)
    }

    fn most(&self) -> usize {
        self.at_once
    }

    fn lane(_: &u32) -> WebhookId {
        WebhookId::new(Uuid::nil())
    }

    fn key(item: &u32) -> (ClaimId, u32) {
        (ClaimId::new(Uuid::nil()), *item)
    }

    fn report(_: &u32) -> (WebhookId, Timestamp, Signal) {
        (WebhookId::new(Uuid::nil()), start().plus(Duration::DAY), Signal::Well)
    }

    fn retries_at(&self, _: &u32) -> Option<Timestamp> {
        self.retry
    }

    async fn due(&self, _: Timestamp) -> Result<Vec<WebhookId>, Fault> {
        sleep(CALL).await;
        if fail(&mut self.queue().hanging).is_err() {
            std::future::pending::<()>().await;
        }
        let mut queue = self.queue();
        queue.looks.push(self.now());
        if queue.faults > 0 {
            queue.faults -= 1;
            return Err(Fault::unavailable("away"));
        }
        Ok(if queue.waiting.is_empty() { Vec::new() } else { vec![WebhookId::new(Uuid::nil())] })
    }

    async fn claim(&self, request: ClaimRequest<WebhookId>) -> Result<Vec<u32>, Fault> {
        sleep(CALL * 3).await;
        let most: usize = request.shares.iter().map(|(_, share)| share).sum();
        let mut queue = self.queue();
        let number = most.min(queue.waiting.len());
        let items: Vec<u32> = queue.waiting.drain(..number).collect();
        queue.claimed.extend(items.iter().map(|item| (*item, request.now)));
        Ok(items)
    }

    async fn confirm(&self, items: Vec<u32>) -> Result<Vec<u32>, Fault> {
        sleep(CALL).await;
        let mut queue = self.queue();
        fail(&mut queue.unconfirmed)?;
        let left_out = queue.left_out.min(items.len());
        queue.left_out -= left_out;
        Ok(items.into_iter().skip(left_out).collect())
    }

    async fn attempt(self, item: u32) -> Result<u32, NotTried<u32>> {
        self.queue().note_attempt(item, self.now());
        sleep(self.attempt).await;
        self.queue().under_way -= 1;
        Ok(item)
    }

    async fn settle(&self, tried: Vec<u32>) -> Result<usize, Fault> {
        sleep(CALL).await;
        let mut queue = self.queue();
        queue.settlements += 1;
        let panics = fail(&mut queue.panics).is_err();
        assert!(!panics, "a defect");
        if queue.broken > 0 {
            queue.broken -= 1;
            return Err(Fault::unavailable("away"));
        }
        queue.settled += tried.len();
        Ok(tried.len())
    }

    async fn release(&self, _: ClaimId, keys: Vec<u32>, _: Timestamp) -> Result<(), Fault> {
        let mut queue = self.queue();
        fail(&mut queue.unreleased)?;
        queue.waiting.extend(keys);
        Ok(())
    }

    async fn reap(&self, _: Timestamp) -> Result<u64, Fault> {
        Ok(0)
    }
}

/// Fails so many times.
fn fail(times: &mut usize) -> Result<(), Fault> {
    let fails = *times > 0;
    *times = times.saturating_sub(1);
    if fails { Err(Fault::unavailable("away")) } else { Ok(()) }
}

fn start() -> Timestamp {
    Timestamp::parse("2026-01-31T09:00:00Z").unwrap()
}

/// Eight attempts of 2 ms at once are 4,000 items in a second.
#[tokio::test(start_paused = true)]
async fn a_lane_that_answers_quickly_waits_for_nothing_but_its_answers() {
    let numbers = Numbers::new(4000, 0);
    let took = numbers.carry(4000).await;
    assert!(took < std::time::Duration::from_millis(1300), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_fails_is_not_asked_without_a_rest() {
    let numbers = Numbers::new(100, 0);
    // Some items are carried. Then the queue fails for a while.
    let work = numbers.clone();
    let relay = tokio::spawn(async move { work.carry(100).await });
    while numbers.queue().settled < 3 {
        sleep(std::time::Duration::from_millis(1)).await;
    }
    numbers.queue().faults = 20;
    let (looks, begun) = (numbers.queue().looks.len(), Instant::now());
    relay.await.unwrap();
    let looks = numbers.queue().looks.len() - looks;
    assert!(looks >= 20 && begun.elapsed() >= LONGEST_REST * 20, "{looks} looks in {:?}", begun.elapsed());
}

/// A connection may hang without an end, and the relay must not.
#[tokio::test(start_paused = true)]
async fn a_look_that_never_ends_is_given_up() {
    let numbers = Numbers::new(10, 0);
    numbers.queue().hanging = 2;
    let took = numbers.carry(10).await;
    assert!(took >= LONGEST * 2 && took < LONGEST * 3, "{took:?}");
}

/// The last attempts of a claim would begin after 32 seconds, and a lease lasts for 50. An attempt may take 20.
#[tokio::test(start_paused = true)]
async fn an_item_that_is_confirmed_again_and_again_is_tried_within_its_lease() {
    let numbers = Numbers { attempt: std::time::Duration::from_secs(8), ..Numbers::new(80, 0) };
    numbers.carry(80).await;
    let longest = numbers.queue().longest;
    assert!(longest > Duration::seconds(20) && longest <= Duration::seconds(25), "{longest}");
}

/// An attempt that was never made does not count, so the items are given back though the store is away for half a minute.
#[tokio::test(start_paused = true)]
async fn items_that_cannot_be_confirmed_are_given_back() {
    let numbers = Numbers { attempt: std::time::Duration::from_secs(8), ..Numbers::new(80, 0) };
    numbers.queue().unconfirmed = 3;
    numbers.queue().unreleased = 30;
    tokio::time::timeout(std::time::Duration::from_secs(600), numbers.carry(80)).await.expect("no item is lost");
    let queue = numbers.queue();
    assert_eq!((queue.unconfirmed, queue.unreleased), (0, 0));
}

/// The store ends them when they are claimed again, not only when their lease has ended.
#[tokio::test(start_paused = true)]
async fn items_that_are_not_confirmed_are_given_back() {
    let numbers = Numbers { attempt: std::time::Duration::from_secs(8), ..Numbers::new(80, 0) };
    numbers.queue().left_out = 5;
    tokio::time::timeout(std::time::Duration::from_secs(600), numbers.carry(80)).await.expect("every item comes again");
    assert_eq!(numbers.queue().left_out, 0);
}

#[tokio::test(start_paused = true)]
async fn a_defect_of_a_settlement_loses_no_attempt() {
    let numbers = Numbers::new(80, 0);
    numbers.queue().panics = 6;
    tokio::time::timeout(std::time::Duration::from_secs(60), numbers.carry(80)).await.expect("every attempt is settled");
    assert_eq!(numbers.queue().panics, 0);
}

/// The others wait in the relay, which looks at them again before they begin.
#[tokio::test(start_paused = true)]
async fn no_more_attempts_are_made_at_once_than_can_be() {
    let numbers = Numbers { at_once: 4, ..Numbers::new(100, 0) };
    numbers.carry(100).await;
    assert_eq!(numbers.queue().most, 4);
}

#[tokio::test(start_paused = true)]
async fn the_relay_looks_for_a_retry_at_its_time() {
    let at = start().plus(Duration::milliseconds(2300));
    let numbers = Numbers { retry: Some(at), ..Numbers::new(1, 0) };
    let relay = tokio::spawn(Work::new(numbers.clone()).run(Arc::new(Notify::new()), Arc::new(Notify::new())));
    sleep(std::time::Duration::from_millis(2400)).await;
    relay.abort();
    let (looks, soon) = (numbers.queue().looks.clone(), at.plus(Duration::milliseconds(20)));
    assert!(looks.iter().any(|look| *look >= at && *look <= soon), "{looks:?}");
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_stops_while_the_store_is_away_rests_between_its_tries() {
    let numbers = Numbers::new(1, 0);
    numbers.queue().broken = 5;
    let stop = Arc::new(Notify::new());
    let relay = tokio::spawn(Work::new(numbers.clone()).run(Arc::new(Notify::new()), stop.clone()));
    while numbers.queue().settlements == 0 {
        sleep(std::time::Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    stop.notify_one();
    relay.await.unwrap();
    let queue = numbers.queue();
    assert_eq!((queue.settled, queue.settlements), (1, 6));
    assert!(begun.elapsed() >= POLL * 4, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_relay_begins_again_after_a_defect() {
    let numbers = Numbers::new(20, 0);
    numbers.queue().is_defect = true;
    let mut relay = Relay::start(numbers.clone());
    while numbers.queue().settled < 20 {
        sleep(std::time::Duration::from_millis(1)).await;
    }
    relay.begin_to_stop();
    relay.ended().await;
    assert!(!numbers.queue().is_defect);
}
