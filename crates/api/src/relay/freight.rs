//! The trait for what a relay carries: deliveries or mail.

use std::fmt::Debug;
use std::hash::Hash;

use async_trait::async_trait;
use rally_domain::error::Fault;
use rally_domain::id::ClaimId;
use rally_domain::queue::ClaimRequest;
use rally_domain::timestamp::Timestamp;
use time::Duration;

use super::core::{IN_ALL, Signal};

/// An item that was not tried.
#[derive(Debug)]
pub struct NotTried<T> {
    /// The item.
    pub item: T,
    /// Why.
    pub fault: Fault,
    /// When it is due again.
    pub wait: Duration,
}

impl<T> NotTried<T> {
    /// This process cannot try the item. Another process may be able to, or this one after a restart.
    pub const fn here(item: T, fault: Fault) -> Self {
        Self { item, fault, wait: Duration::minutes(10) }
    }

    /// Too many others are tried now, or what the attempt needs cannot be read.
    pub const fn busy(item: T, fault: Fault) -> Self {
        Self { item, fault, wait: Duration::seconds(10) }
    }
}

/// A kind of items that a relay sends, and how to claim, try and settle them. A *lane* is a webhook, or the mails of a workspace. The
/// items of a lane share a limit and an order.
#[async_trait]
pub trait Freight: Clone + Send + Sync + 'static {
    /// The id of a lane.
    type Lane: Copy + Ord + Hash + Debug + Send + Sync + 'static;
    /// A claimed item.
    type Item: Send + 'static;
    /// The key of an item in its queue.
    type Key: Clone + Eq + Hash + Send + 'static;
    /// The result of an attempt.
    type Attempt: Clone + Send + Sync + 'static;
    /// The name of the items in log lines.
    const WHAT: &'static str;

    /// The current time.
    fn now(&self) -> Timestamp;
    /// The id of a new claim.
    fn new_claim(&self) -> ClaimId;
    /// The number of changes of this process that can stop an item.
    fn changes(&self) -> u64;
    /// How long an attempt may take.
    fn timeout(&self) -> Duration;
    /// The most attempts that can be made at once.
    fn most(&self) -> usize {
        IN_ALL
    }
    /// The lane of an item.
    fn lane(item: &Self::Item) -> Self::Lane;
    /// The claim of an item, and its key.
    fn key(item: &Self::Item) -> (ClaimId, Self::Key);
    /// The lane of an attempt, when it ended, and what it says about the lane.
    fn report(attempt: &Self::Attempt) -> (Self::Lane, Timestamp, Signal);

    /// When the item of an attempt may be due again, if it is retried.
    fn retries_at(&self, attempt: &Self::Attempt) -> Option<Timestamp>;

    /// The lanes with due items.
    async fn due(&self, now: Timestamp) -> Result<Vec<Self::Lane>, Fault>;
    /// Claims due items.
    async fn claim(&self, request: ClaimRequest<Self::Lane>) -> Result<Vec<Self::Item>, Fault>;
    /// Reads claimed items again. Returns those that are still to be sent, in their current form.
    async fn confirm(&self, items: Vec<Self::Item>) -> Result<Vec<Self::Item>, Fault>;
    /// Tries to send an item. Gives it back if this process cannot try it.
    async fn attempt(self, item: Self::Item) -> Result<Self::Attempt, NotTried<Self::Item>>;
    /// Settles attempts.
    async fn settle(&self, tried: Vec<Self::Attempt>) -> Result<usize, Fault>;
    /// Gives back items that were not tried.
    async fn release(&self, claim: ClaimId, keys: Vec<Self::Key>, due_at: Timestamp) -> Result<(), Fault>;
    /// Frees items whose lease has ended.
    async fn reap(&self, now: Timestamp) -> Result<u64, Fault>;
}
