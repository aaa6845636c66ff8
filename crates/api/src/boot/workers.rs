//! The workers: background code beside the relay. Every process runs all of them, and none depends on those of another process.

use std::time::Duration;

use futures_util::future::BoxFuture;
use rally_domain::access::Receipt;
use rally_domain::error::Fault;
use rally_domain::port::Ports;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, sleep};

use crate::boot::telemetry;
use crate::chain::chain;

/// How often rows are pruned after their retention time, and how often the store looks for rows that lack a purge.
const PRUNE: Duration = Duration::from_secs(600);

/// How often the samples of histograms are added to their buckets.
const FOLD: Duration = Duration::from_secs(5);

/// How long finished events, the log of deliveries and finished mail are kept.
const KEPT: time::Duration = time::Duration::days(30);

/// The most rows in a batch that is pruned.
const BATCH: usize = 500;

/// The most rows in a batch that is purged, and how often a worker checks whether there is a purge.
const PURGED_AT_ONCE: usize = 200;
const LOOK_FOR_PURGES: Duration = Duration::from_secs(1);

/// The workers of a process. They end when this value is dropped.
pub struct Workers(Vec<JoinHandle<()>>);

impl Workers {
    /// Starts the workers.
    pub fn start(ports: Ports) -> Self {
        Self(vec![tokio::spawn(prune(ports.clone())), tokio::spawn(purge(ports)), tokio::spawn(fold())])
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Adds samples to buckets. Histograms keep every sample until then, and a deployment may never request the metrics.
async fn fold() {
    let mut ticks = tokio::time::interval(FOLD);
    loop {
        ticks.tick().await;
        telemetry::metrics().run_upkeep();
    }
}

/// Purges deleted rows, batch by batch. After each batch it pauses for as long as the batch took, so that others can use the store.
async fn purge(ports: Ports) {
    loop {
        let begun = Instant::now();
        let pause = match ports.purges.purge(PURGED_AT_ONCE).await {
            Ok(true) => begun.elapsed(),
            Ok(false) => LOOK_FOR_PURGES,
            Err(fault) => {
                tracing::warn!(cause = %chain(&fault), "purge failed");
                LOOK_FOR_PURGES
            }
        };
        sleep(pause).await;
    }
}

async fn prune(ports: Ports) {
    let mut ticks = tokio::time::interval(PRUNE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = || ports.clock.now();
        log("orphans", ports.purges.find_orphans().await, "noted for a purge");
        let replies = in_batches(|| ports.replies.prune(now().plus(-Receipt::<()>::LIFETIME), BATCH)).await;
        log("stored replies", replies, "pruned");
        let events = in_batches(|| ports.deliveries.prune(now().plus(-KEPT), BATCH)).await;
        log("finished events and the log of deliveries", events, "pruned");
        let mails = in_batches(|| ports.mails.prune(now().plus(-KEPT), BATCH)).await;
        log("finished mail", mails, "pruned");
    }
}

/// Prunes until nothing is left. After each batch it pauses for as long as the batch took, so that others can use the store.
async fn in_batches<'a>(prune: impl Fn() -> BoxFuture<'a, Result<u64, Fault>>) -> Result<u64, Fault> {
    let mut pruned = 0;
    loop {
        let begun = Instant::now();
        let batch = prune().await?;
        pruned += batch;
        if batch == 0 {
            return Ok(pruned);
        }
        sleep(begun.elapsed()).await;
    }
}

fn log(what: &str, outcome: Result<u64, Fault>, done: &str) {
    match outcome {
        Ok(0) => {}
        Ok(rows) => tracing::debug!(rows, "{what} {done}"),
        Err(fault) => tracing::warn!(cause = %chain(&fault), "{what} not {done}"),
    }
}
