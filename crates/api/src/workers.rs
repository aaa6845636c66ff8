//! What runs beside the requests. Every process runs it; none needs another's to have run.

use std::time::Duration;

use rally_domain::access::Receipt;
use rally_domain::error::Fault;
use rally_domain::ports::Ports;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::error::chain;
use crate::telemetry;

/// How often stored replies that nobody can ask for any more are deleted.
const PRUNE: Duration = Duration::from_secs(600);

/// How often what histograms have gathered is folded into their buckets.
const FOLD: Duration = Duration::from_secs(5);

/// How long finished events, the log of deliveries and finished mail are kept.
const KEPT: time::Duration = time::Duration::days(30);

/// Rows pruned at once.
const BATCH: usize = 1000;

/// The background work of a process; it ends when this is dropped.
pub struct Workers(Vec<JoinHandle<()>>);

impl Workers {
    /// Starts it.
    pub fn start(ports: Ports) -> Self {
        Self(vec![tokio::spawn(prune(ports)), tokio::spawn(fold())])
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

async fn prune(ports: Ports) {
    let mut ticks = tokio::time::interval(PRUNE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        log("stored replies", prune_replies(&ports).await);
        log("finished events and the log of deliveries", prune_events(&ports).await);
        log("finished mail", prune_mail(&ports).await);
    }
}

async fn prune_replies(ports: &Ports) -> Result<u64, Fault> {
    ports.replies.prune(ports.clock.now().plus(-Receipt::<()>::LIFETIME)).await
}

/// In batches, so that nobody waits long for what they hold.
async fn prune_events(ports: &Ports) -> Result<u64, Fault> {
    let mut pruned = 0;
    loop {
        let batch = ports.deliveries.prune(ports.clock.now().plus(-KEPT), BATCH).await?;
        pruned += batch;
        if batch == 0 {
            return Ok(pruned);
        }
    }
}

async fn prune_mail(ports: &Ports) -> Result<u64, Fault> {
    let mut pruned = 0;
    loop {
        let batch = ports.mails.prune(ports.clock.now().plus(-KEPT), BATCH).await?;
        pruned += batch;
        if batch == 0 {
            return Ok(pruned);
        }
    }
}

fn log(what: &str, outcome: Result<u64, Fault>) {
    match outcome {
        Ok(0) => {}
        Ok(rows) => tracing::debug!(rows, "{what} pruned"),
        Err(fault) => tracing::warn!(cause = %chain(&fault), "{what} not pruned"),
    }
}
