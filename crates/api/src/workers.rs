//! What runs beside the requests. Every process runs it; none needs another's to have run.

use std::time::Duration;

use rally_domain::access::Receipt;
use rally_domain::ports::Ports;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::error::chain;

/// How often stored replies that nobody can ask for any more are deleted.
const PRUNE: Duration = Duration::from_secs(600);

/// The background work of a process; it ends when this is dropped.
pub struct Workers(Vec<JoinHandle<()>>);

impl Workers {
    /// Starts it.
    pub fn start(ports: Ports) -> Self {
        Self(vec![tokio::spawn(prune(ports))])
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

async fn prune(ports: Ports) {
    let mut ticks = tokio::time::interval(PRUNE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let before = ports.clock.now().plus(-Receipt::<()>::LIFETIME);
        match ports.replies.prune(before).await {
            Ok(0) => {}
            Ok(replies) => tracing::debug!(replies, "stored replies pruned"),
            Err(fault) => tracing::warn!(cause = %chain(&fault), "stored replies not pruned"),
        }
    }
}
