//! The relay sends due items from a queue, and settles the attempts. Every process runs one relay for webhooks, and one for mail if a
//! mail service is configured. The processes share the work: a claim gives items to one process until its lease ends.
//!
//! One task makes all decisions. Claims, attempts and settlements run beside it, so that none waits for another. A webhook that hangs
//! uses only its own few places. No transaction is open while a receiver is contacted.

mod core;
mod freight;
mod mail;
mod refusals;
mod settlements;
mod undelivered;
mod webhooks;
mod work;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use self::freight::Freight;
use self::work::Work;
use crate::chain::chain;
use crate::worker::without_panic;

pub use mail::{MailFreight, in_words};
pub use refusals::Refusals;
pub use undelivered::Undelivered;
pub use webhooks::WebhookFreight;

/// How long a relay rests after a defect.
const REST: Duration = Duration::from_secs(1);

/// A running relay.
pub struct Relay {
    wake: Arc<Notify>,
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Starts a relay.
    pub fn start<F: Freight>(freight: F) -> Self {
        let (wake, stop) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let task = tokio::spawn(run(freight, wake.clone(), stop.clone()));
        Self { wake, stop, task }
    }

    /// The signal that wakes the relay. Notify it after an event was written, so that the event does not wait for the next look.
    pub fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    /// Tells the relay to stop: it claims no more, gives back items that were not tried, and waits for the attempts under way.
    pub fn begin_to_stop(&self) {
        self.stop.notify_one();
    }

    /// Waits until the relay has ended.
    pub async fn ended(&mut self) {
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "the relay failed");
        }
    }
}

/// Runs the loop of a relay until it is told to stop. A defect ends the loop, and another one begins. What the first one had claimed
/// becomes free when its lease ends.
async fn run<F: Freight>(freight: F, wake: Arc<Notify>, stop: Arc<Notify>) {
    loop {
        let work = Work::new(freight.clone()).run(wake.clone(), stop.clone());
        match without_panic(work.map(Ok)).await {
            Ok(()) => return,
            Err(fault) => tracing::error!(cause = %chain(&fault), "the relay of {} begins again", F::WHAT),
        }
        sleep(REST).await;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}
