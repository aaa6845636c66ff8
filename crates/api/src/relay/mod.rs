//! The relay: takes what is due from a queue, tries it, and settles what came of it. Every process runs one for webhooks and
//! one for mail, and the processes share the work: what is claimed is one process's until its lease ends.
//!
//! One task decides; claims, attempts and settlements run beside it, so that none waits for another: a webhook that hangs
//! takes its own few places and nobody else's. Nothing is held in the database while a receiver is talked to.

mod core;
mod freight;
mod mail;
mod settlements;
mod webhooks;
mod work;

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use self::freight::Freight;
use self::work::Work;

pub use mail::MailFreight;
pub use webhooks::WebhookFreight;

/// A relay that runs.
pub struct Relay {
    wake: Arc<Notify>,
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Starts one.
    pub fn start<F: Freight>(freight: F) -> Self {
        let (wake, stop) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let work = Work::new(freight);
        let task = tokio::spawn(work.run(wake.clone(), stop.clone()));
        Self { wake, stop, task }
    }

    /// What to notify when an event was written, so that nobody waits for the next look.
    pub fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    /// Claims no more, gives back what was not begun, and sees to its end what was.
    pub fn begin_to_stop(&self) {
        self.stop.notify_one();
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) {
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "the relay failed");
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}
