//! What a relay may carry: the one trait that webhooks and mail share.

use std::fmt::Debug;
use std::hash::Hash;

use async_trait::async_trait;
use rally_domain::error::Fault;
use rally_domain::id::ClaimId;
use rally_domain::port::Ports;
use rally_domain::queue::ClaimRequest;
use rally_domain::timestamp::Timestamp;
use time::Duration;

use super::core::Signal;

/// What a relay carries, and how it is claimed, tried and settled. What goes to one *lane*, a webhook or a workspace's mail,
/// shares its luck.
#[async_trait]
pub trait Freight: Clone + Send + Sync + 'static {
    /// Names a lane.
    type Lane: Copy + Ord + Hash + Debug + Send + Sync + 'static;
    /// Something that was claimed.
    type Item: Send + 'static;
    /// Names it in its queue.
    type Key: Send + 'static;
    /// What came of trying it.
    type Attempt: Clone + Send + Sync + 'static;
    /// What it carries, in log lines.
    const WHAT: &'static str;

    /// The world.
    fn ports(&self) -> &Ports;
    /// How often this process has changed what may be sent.
    fn changes(&self) -> u64;
    /// How long an attempt may take.
    fn timeout(&self) -> Duration;
    /// The lane of something.
    fn lane(item: &Self::Item) -> Self::Lane;
    /// The claim it is under, and its name.
    fn key(item: &Self::Item) -> (ClaimId, Self::Key);
    /// The lane an attempt was made for, when it ended, and what it says of the lane.
    fn report(attempt: &Self::Attempt) -> (Self::Lane, Timestamp, Signal);

    /// The lanes that something is due for.
    async fn due(&self, now: Timestamp) -> Result<Vec<Self::Lane>, Fault>;
    /// Claims what is due.
    async fn claim(&self, request: ClaimRequest<Self::Lane>) -> Result<Vec<Self::Item>, Fault>;
    /// Those that are still to be sent, as they are now.
    async fn confirm(&self, items: Vec<Self::Item>) -> Result<Vec<Self::Item>, Fault>;
    /// Tries something; gives it back where this process cannot.
    async fn attempt(self, item: Self::Item) -> Result<Self::Attempt, (Self::Item, Fault)>;
    /// Settles what was tried.
    async fn settle(&self, tried: Vec<Self::Attempt>) -> Result<usize, Fault>;
    /// Gives back what was not tried.
    async fn release(&self, claim: ClaimId, keys: Vec<Self::Key>, due_at: Timestamp) -> Result<(), Fault>;
    /// Frees what others had claimed and lost.
    async fn reap(&self, now: Timestamp) -> Result<u64, Fault>;
}
