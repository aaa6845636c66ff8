//! The workers of a process, beside the relay.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use rally_domain::access::Receipt;
use rally_domain::confirmation::MailShare;
use rally_domain::error::Fault;
use rally_domain::ledger::NETWORKS_KEPT;
use rally_domain::port::Ports;
use rally_domain::use_case::entry_job;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::boot::telemetry;
use crate::chain::chain;
use crate::imports::Importer;
use crate::worker::{Stop, Worker};

/// How often rows are pruned after their retention time, and how often the store looks for rows that lack a purge.
const PRUNE: Duration = Duration::from_secs(600);

/// How often a worker checks whether there is a purge.
const LOOK_FOR_PURGES: Duration = Duration::from_secs(1);

/// How often a worker checks whether older referrals lack a row. Programs without the ledger may still write some.
const FILL: Duration = Duration::from_secs(5);

/// How often a worker checks whether there is an import.
const LOOK_FOR_IMPORTS: Duration = Duration::from_secs(1);

/// How often a worker checks whether there is work on many entries.
const LOOK_FOR_JOBS: Duration = Duration::from_secs(1);

/// How often a worker checks whether entries cannot be searched yet.
const INDEX: Duration = Duration::from_millis(500);

/// How often the samples of histograms are added to their buckets.
const FOLD: Duration = Duration::from_secs(5);

/// How long finished events and the log of deliveries are kept: a little longer than a reader of a feed may stay away. A transaction that
/// took long may have written an older event after a newer one.
const EVENTS_KEPT: time::Duration = time::Duration::hours(30 * 24 + 1);

/// How long finished mail is kept.
const KEPT: time::Duration = time::Duration::days(30);

/// How long the link of a sign-up request says that it has expired. After that it is unknown. The documents promise that the row is gone a
/// day after the end of the link. A worker prunes every 10 minutes, in batches, and later after a fault, so it begins an hour early.
const ENDED_FOR: time::Duration = time::Duration::hours(23);

/// The most rows in a batch that is pruned.
const BATCH: usize = 500;

/// The most rows in a batch that is purged.
const PURGED_AT_ONCE: usize = 200;

/// The workers of a process. They are broken off when this value is dropped.
pub struct Workers {
    tell: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts the workers. Rows of the audit log are kept for a time.
    pub fn start(ports: &Ports, audit_keep: time::Duration) -> Self {
        let workers = [
            worker(ports, "deleted rows", "purged", LOOK_FOR_PURGES, |ports| {
                Box::pin(async move { ports.purges.purge(PURGED_AT_ONCE).await.map(u64::from) })
            }),
            worker(ports, "orphans", "noted for a purge", PRUNE, |ports| Box::pin(async move { ports.purges.find_orphans().await })),
            worker(ports, "stored replies", "pruned", PRUNE, |ports| {
                Box::pin(async move { ports.replies.prune(ports.clock.now().plus(-Receipt::<()>::LIFETIME), BATCH).await })
            }),
            worker(ports, "sessions of the console", "pruned", PRUNE, |ports| {
                Box::pin(async move { ports.sessions.prune(ports.clock.now(), BATCH).await })
            }),
            worker(ports, "finished events and the log of deliveries", "pruned", PRUNE, |ports| {
                Box::pin(async move { ports.deliveries.prune(ports.clock.now().plus(-EVENTS_KEPT), BATCH).await })
            }),
            worker(ports, "sign-ups that nobody confirmed", "pruned", PRUNE, |ports| {
                Box::pin(async move {
                    let now = ports.clock.now();
                    ports.confirmations.prune(now.plus(-ENDED_FOR), now.plus(-MailShare::PERIOD), BATCH).await
                })
            }),
            worker(ports, "used proofs of work", "pruned", PRUNE, |ports| {
                Box::pin(async move { ports.proofs.prune(ports.clock.now(), BATCH).await })
            }),
            worker(ports, "old imports", "pruned", PRUNE, |ports| {
                Box::pin(async move { ports.imports.prune(ports.clock.now().plus(-KEPT), BATCH).await })
            }),
            worker(ports, "old work on entries", "pruned", PRUNE, |ports| {
                Box::pin(async move { ports.entry_jobs.prune(ports.clock.now().plus(-KEPT), BATCH).await })
            }),
            worker(ports, "finished mail", "pruned", PRUNE, |ports| {
                Box::pin(async move { ports.mails.prune(ports.clock.now().plus(-KEPT), BATCH).await })
            }),
            worker(ports, "entries", "made ready for search", INDEX, |ports| {
                Box::pin(async move { ports.search.index(BATCH).await.map(u64::from) })
            }),
            worker(ports, "older referrals", "written into the ledger", FILL, |ports| {
                Box::pin(async move { ports.referrals.fill(BATCH).await })
            }),
            worker(ports, "networks of clients", "forgotten", PRUNE, |ports| {
                Box::pin(async move { ports.referrals.forget_networks(ports.clock.now().plus(-NETWORKS_KEPT), BATCH).await })
            }),
        ];
        let (tell, stop) = Stop::new();
        let workers = workers.into_iter().chain([clerk(ports, stop.clone()), auditor(ports, audit_keep), fold()]);
        let mut tasks: Vec<_> = workers.map(|worker| tokio::spawn(worker.run(stop.clone()))).collect();
        tasks.push(tokio::spawn(import(ports.clone(), stop)));
        Self { tell, tasks }
    }

    /// Lets every worker end the step that it has begun, and give up what it holds.
    pub async fn stop(&mut self) {
        self.tell.send_replace(true);
        join_all(&mut self.tasks).await;
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Does imports until it is told to stop, and lets go of the one in hand.
async fn import(ports: Ports, stop: Stop) {
    let importer = Arc::new(Importer::new(&ports));
    import_worker(importer.clone()).run(stop).await;
    if let Err(fault) = importer.let_go().await {
        tracing::warn!(cause = %chain(&fault), "an import stays held for a minute");
    }
}

fn worker(
    ports: &Ports,
    what: &'static str,
    done: &'static str,
    rest: Duration,
    step: fn(Ports) -> BoxFuture<'static, Result<u64, Fault>>,
) -> Worker {
    let ports = ports.clone();
    Worker { what, done, rest, pause: 1, step: Box::new(move || step(ports.clone())) }
}

/// The worker of imports. A group of rows is a short transaction, so a short pause lets sign-ups in between.
fn import_worker(importer: Arc<Importer>) -> Worker {
    let step = move || -> BoxFuture<'static, Result<u64, Fault>> {
        let importer = importer.clone();
        Box::pin(async move {
            let Some((_, worked)) = importer.step().await? else { return Ok(0) };
            // The importer has logged it, and goes on with the next import.
            if let Err(Fault::Unexpected(_)) = &worked { Ok(1) } else { worked.map(|()| 1) }
        })
    };
    Worker { what: "groups of imports", done: "written", rest: LOOK_FOR_IMPORTS, pause: 4, step: Box::new(step) }
}

/// The worker of jobs on many entries. Each entry is a short transaction.
fn clerk(ports: &Ports, stop: Stop) -> Worker {
    let ports = ports.clone();
    let step = move || -> BoxFuture<'static, Result<u64, Fault>> {
        let (ports, stop) = (ports.clone(), stop.clone());
        Box::pin(async move {
            let Some(worked) = entry_job::step(&ports, &|| stop.is_told()).await? else { return Ok(0) };
            for (entry, defect) in &worked.defects {
                tracing::error!(job = %worked.job, %entry, cause = %chain(defect), "work on an entry failed; the job went on without it");
            }
            Ok(1)
        })
    };
    Worker { what: "groups of entries", done: "worked on", rest: LOOK_FOR_JOBS, pause: 4, step: Box::new(step) }
}

/// The worker that prunes the audit log.
fn auditor(ports: &Ports, keep: time::Duration) -> Worker {
    let ports = ports.clone();
    let step = move || -> BoxFuture<'static, Result<u64, Fault>> {
        let ports = ports.clone();
        Box::pin(async move { ports.audit.prune(ports.clock.now().plus(-keep), BATCH).await })
    };
    Worker { what: "old rows of the audit log", done: "pruned", rest: PRUNE, pause: 1, step: Box::new(step) }
}

/// Adds samples to buckets. Histograms keep every sample until then, and a deployment may never request the metrics.
fn fold() -> Worker {
    let step = || -> BoxFuture<'static, Result<u64, Fault>> {
        telemetry::metrics().run_upkeep();
        Box::pin(async { Ok(0) })
    };
    Worker { what: "samples", done: "added", rest: FOLD, pause: 1, step: Box::new(step) }
}
