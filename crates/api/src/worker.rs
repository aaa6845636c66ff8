//! The frame of background work: steps that are repeated until nothing is left, with pauses between them.
//!
//! Each step is a short transaction of the store. It claims its rows by a lease or a lock. So every process runs every worker, none depends
//! on those of another process, and what a killed process has left is done by the next step of any process.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rally_domain::error::Fault;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::trouble::Trouble;

/// How long a step may take: far longer than any does, because a connection to the store may hang without an end.
const LONGEST: Duration = Duration::from_secs(5 * 60);
const TOO_LONG: &str = "the store does not answer";

/// A kind of background work.
pub struct Worker {
    /// What it works on, for the log.
    pub what: &'static str,
    /// What it does to that, for the log.
    pub done: &'static str,
    /// How long it rests if nothing is left, or after a fault.
    pub rest: Duration,
    /// After a step it pauses for this part of the time that the step took: 1 is all of it, 4 a fourth.
    pub pause: u32,
    /// Does a batch, and returns how much it did. 0 means that nothing is left.
    pub step: Box<dyn Fn() -> BoxFuture<'static, Result<u64, Fault>> + Send + Sync>,
}

impl Worker {
    /// Works until it is told to stop, whatever a step does. After each step it pauses, so that others can use the store. A step that has
    /// begun comes to its end.
    pub async fn run(self, mut stop: Stop) {
        let Self { what, done, rest, pause: part, step } = self;
        let (mut rows, mut trouble) = (0, Trouble::default());
        while !stop.is_told() {
            let begun = Instant::now();
            let outcome =
                without_panic(async { timeout(LONGEST, step()).await.unwrap_or_else(|_| Err(Fault::unavailable(TOO_LONG))) }).await;
            if outcome.is_ok() {
                trouble.passed();
            }
            let pause = match outcome {
                Ok(0) => {
                    if rows > 0 {
                        tracing::debug!(rows, "{what} {done}");
                    }
                    rows = 0;
                    rest
                }
                Ok(batch) => {
                    rows += batch;
                    begun.elapsed() / part
                }
                Err(fault) => {
                    trouble.failed(&fault, what, done);
                    rest
                }
            };
            // A worker that was told to stop need not wait.
            drop(timeout(pause, stop.told()).await);
        }
    }
}

/// Tells workers to stop.
#[derive(Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Makes one, with what tells it.
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (tell, told) = watch::channel(false);
        (tell, Self(told))
    }

    /// Whether workers were told to stop.
    pub fn is_told(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until workers are told to stop.
    async fn told(&mut self) {
        if self.0.wait_for(|told| *told).await.is_err() {
            // Nobody is left who could tell it.
            std::future::pending().await
        }
    }
}

/// Runs a task that must outlive a defect of its own.
///
/// # Errors
/// The failures of the task, and [`Fault::Unexpected`] if it panics. The hook for panics has printed where.
pub async fn without_panic<T>(task: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    AssertUnwindSafe(task).catch_unwind().await.unwrap_or_else(|_| Err(Fault::unexpected("it panicked")))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::time::sleep;

    use super::*;

    /// When each of these steps began, in seconds from the start. A step takes a second. `None` is one that panics then.
    async fn begun(results: Vec<Option<Result<u64, Fault>>>) -> Vec<u64> {
        let (start, begun) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
        let results = Arc::new(Mutex::new(results.into_iter()));
        let noted = begun.clone();
        let step = move || -> BoxFuture<'static, Result<u64, Fault>> {
            noted.lock().unwrap().push(start.elapsed().as_secs());
            let result = results.lock().unwrap().next();
            Box::pin(async move {
                sleep(Duration::from_secs(1)).await;
                match result {
                    Some(result) => result.expect("a defect"),
                    None => std::future::pending().await,
                }
            })
        };
        let worker = Worker { what: "rows", done: "counted", rest: Duration::from_secs(60), pause: 1, step: Box::new(step) };
        let (_tell, stop) = Stop::new();
        timeout(Duration::from_secs(400), worker.run(stop)).await.unwrap_err();
        Arc::into_inner(begun).map_or_else(Vec::new, |begun| begun.into_inner().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_pauses_between_batches_and_rests_when_nothing_is_left() {
        let results = [2, 1, 0, 5, 0].map(|rows| Some(Ok(rows)));
        assert_eq!(begun(results.into()).await, [0, 2, 4, 65, 67, 128]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_rests_after_a_fault_and_goes_on() {
        assert_eq!(begun(vec![Some(Err(Fault::unavailable("away"))), Some(Ok(1)), Some(Ok(0))]).await, [0, 61, 63, 124]);
    }

    /// A step that has no result waits for ever.
    #[tokio::test(start_paused = true)]
    async fn a_worker_gives_up_a_step_that_does_not_end() {
        assert_eq!(begun(Vec::new()).await, [0, LONGEST.as_secs() + 60]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_is_told_to_stop_ends_its_step_and_not_its_rest() {
        let ended = Arc::new(Mutex::new(0));
        for (told_after, steps, stopped_after) in [(500, 1, 1000), (30_000, 1, 30_000), (61_500, 2, 62_000)] {
            *ended.lock().unwrap() = 0;
            let counted = ended.clone();
            let step = move || -> BoxFuture<'static, Result<u64, Fault>> {
                let counted = counted.clone();
                Box::pin(async move {
                    sleep(Duration::from_secs(1)).await;
                    *counted.lock().unwrap() += 1;
                    Ok(0)
                })
            };
            let worker = Worker { what: "rows", done: "counted", rest: Duration::from_secs(60), pause: 1, step: Box::new(step) };
            let (start, (tell, stop)) = (Instant::now(), Stop::new());
            let worker = tokio::spawn(worker.run(stop));
            sleep(Duration::from_millis(told_after)).await;
            tell.send(true).unwrap();
            worker.await.unwrap();
            assert_eq!((*ended.lock().unwrap(), start.elapsed()), (steps, Duration::from_millis(stopped_after)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_rests_after_a_panic_and_goes_on() {
        assert_eq!(begun(vec![None, Some(Ok(1)), Some(Ok(0))]).await, [0, 61, 63, 124]);
    }
}
