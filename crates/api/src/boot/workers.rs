//! What runs beside the requests. Every process runs it; none needs another's to have run.

use std::time::Duration;

use futures_util::future::BoxFuture;
use rally_domain::access::Receipt;
use rally_domain::error::Fault;
use rally_domain::port::Ports;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, sleep};

use crate::boot::telemetry;
use crate::chain::chain;

/// How often stored replies that nobody can ask for any more are deleted.
const PRUNE: Duration = Duration::from_secs(600);

/// How often what histograms have gathered is folded into their buckets.
const FOLD: Duration = Duration::from_secs(5);

/// How long finished events, the log of deliveries and finished mail are kept.
const KEPT: time::Duration = time::Duration::days(30);

/// Rows pruned at once.
const BATCH: usize = 500;

/// Rows purged at once, and how often it is looked whether anything is to be purged.
const PURGED_AT_ONCE: usize = 200;
const LOOK_FOR_PURGES: Duration = Duration::from_secs(1);

/// The background work of a process; it ends when this is dropped.
pub struct Workers(Vec<JoinHandle<()>>);

impl Workers {
    /// Starts it.
    pub fn start(ports: Ports) -> Self {
        Self(vec![tokio::spawn(prune(ports.clone())), tokio::spawn(purge(ports)), tokio::spawn(fold())])
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Histograms keep every sample until they are folded, and nobody may ever ask for the metrics.
async fn fold() {
    let mut ticks = tokio::time::interval(FOLD);
    loop {
        ticks.tick().await;
        telemetry::metrics().run_upkeep();
    }
}

/// Purges what was deleted, batch by batch. Between two it leaves the store to others for as long as the last one took.
async fn purge(ports: Ports) {
    log("what belonged to nothing", ports.purges.find_orphans().await, "noted for a purge");
    loop {
        let begun = Instant::now();
        let pause = match ports.purges.purge(PURGED_AT_ONCE).await {
            Ok(true) => begun.elapsed(),
            Ok(false) => LOOK_FOR_PURGES,
            Err(fault) => {
                tracing::warn!(cause = %chain(&fault), "nothing purged");
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
        let replies = in_batches(|| ports.replies.prune(now().plus(-Receipt::<()>::LIFETIME), BATCH)).await;
        log("stored replies", replies, "pruned");
        let events = in_batches(|| ports.deliveries.prune(now().plus(-KEPT), BATCH)).await;
        log("finished events and the log of deliveries", events, "pruned");
        let mails = in_batches(|| ports.mails.prune(now().plus(-KEPT), BATCH)).await;
        log("finished mail", mails, "pruned");
    }
}

/// Prunes until nothing is left, and leaves the store to others after each batch for as long as it took.
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
