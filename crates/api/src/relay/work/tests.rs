//! The loop with a queue and a receiver that take their time. Time is virtual.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use rally_domain::id::WebhookId;
use tokio::time::sleep;
use uuid::Uuid;

use super::*;
use crate::relay::core::Signal;

/// How long an attempt takes, and each call of the queue.
const ATTEMPT: std::time::Duration = std::time::Duration::from_millis(2);
const CALL: std::time::Duration = std::time::Duration::from_millis(3);

/// A queue with the items of one lane, numbered in their order.
#[derive(Clone)]
struct Numbers(Arc<Mutex<Queue>>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<u32>,
    settled: usize,
    looks: usize,
    /// The number of looks and claims that will fail.
    faults: usize,
}

impl Numbers {
    fn new(items: u32, faults: usize) -> Self {
        Self(Arc::new(Mutex::new(Queue { waiting: (0..items).collect(), faults, ..Queue::default() })))
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        Timestamp::parse("2026-01-31T09:00:00Z").unwrap()
    }

    fn new_claim(&self) -> ClaimId {
        ClaimId::new(Uuid::nil())
    }

    fn changes(&self) -> u64 {
        0
    }

    fn timeout(&self) -> Duration {
        Duration::seconds(20)
    }

    fn lane(_: &u32) -> WebhookId {
        WebhookId::new(Uuid::nil())
    }

    fn key(item: &u32) -> (ClaimId, u32) {
        (ClaimId::new(Uuid::nil()), *item)
    }

    fn report(_: &u32) -> (WebhookId, Timestamp, Signal) {
        (WebhookId::new(Uuid::nil()), Timestamp::parse("2026-01-31T09:00:00Z").unwrap(), Signal::Well)
    }

    async fn due(&self, _: Timestamp) -> Result<Vec<WebhookId>, Fault> {
        sleep(CALL).await;
        let mut queue = self.queue();
        queue.looks += 1;
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
        Ok(queue.waiting.drain(..number).collect())
    }

    async fn confirm(&self, items: Vec<u32>) -> Result<Vec<u32>, Fault> {
        sleep(CALL).await;
        Ok(items)
    }

    async fn attempt(self, item: u32) -> Result<u32, (u32, Fault)> {
        sleep(ATTEMPT).await;
        Ok(item)
    }

    async fn settle(&self, tried: Vec<u32>) -> Result<usize, Fault> {
        sleep(CALL).await;
        self.queue().settled += tried.len();
        Ok(tried.len())
    }

    async fn release(&self, _: ClaimId, keys: Vec<u32>, _: Timestamp) -> Result<(), Fault> {
        self.queue().waiting.extend(keys);
        Ok(())
    }

    async fn reap(&self, _: Timestamp) -> Result<u64, Fault> {
        Ok(0)
    }
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
    let (looks, begun) = (numbers.queue().looks, Instant::now());
    relay.await.unwrap();
    let looks = numbers.queue().looks - looks;
    assert!(looks >= 20 && begun.elapsed() >= LONGEST_REST * 20, "{looks} looks in {:?}", begun.elapsed());
}
