//! Waiting for a locked row without a connection.
//!
//! A pool has few connections, and another process or an operator's session may lock a row for long. So a command takes a *turn*
//! before it locks a row. In this process one command at a time asks the database for a row. The commands behind it wait in
//! memory. The command with the turn waits in the database only for a moment. Then it returns its connection, rests, and asks
//! again. A few commands at a time may wait longer in the database. Otherwise a row that many processes want could always go to
//! the others.
//!
//! What is not here: groups of sign-ups, which have lanes of their own (`rally_group_commit`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rally_domain::error::Fault;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

/// How many commands may wait longer in the database.
const PATIENT: usize = 2;

/// How long a command rests before it asks again: the first time, and at most.
const REST: Duration = Duration::from_millis(20);
const LONGEST_REST: Duration = Duration::from_millis(200);

/// How a transaction begins that waits only for a moment, and how one begins that may wait longer.
const BRIEFLY: &str = "BEGIN; SET LOCAL lock_timeout = '25ms'";
const PATIENTLY: &str = "BEGIN; SET LOCAL lock_timeout = '500ms'";

/// The commands that wait for rows.
#[derive(Clone)]
pub(crate) struct Turns {
    queues: Arc<Mutex<HashMap<Uuid, Arc<AsyncMutex<()>>>>>,
    patient: Arc<Semaphore>,
    wait: Duration,
}

/// The right of one command of this process to ask for a row.
pub(crate) struct Turn {
    turns: Turns,
    id: Uuid,
    guard: Option<OwnedMutexGuard<()>>,
    patient: Option<OwnedSemaphorePermit>,
    until: Instant,
    rest: Duration,
}

impl Turns {
    /// Makes turns that a command waits for no longer than this.
    pub(crate) fn new(wait: Duration) -> Self {
        Self { queues: Arc::default(), patient: Arc::new(Semaphore::new(PATIENT)), wait }
    }

    /// Waits for the turn of a row.
    pub(crate) async fn take(&self, id: Uuid) -> Result<Turn, Fault> {
        let until = Instant::now() + self.wait;
        let queue = self.queues().entry(id).or_default().clone();
        let mut turn = Turn { turns: self.clone(), id, guard: None, patient: None, until, rest: REST };
        turn.guard = Some(timeout_at(until, queue.lock_owned()).await.map_err(|_| Fault::unavailable("the row stays locked"))?);
        Ok(turn)
    }

    fn queues(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Arc<AsyncMutex<()>>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// How the next transaction begins.
    pub(crate) const fn begin(&self) -> &'static str {
        if self.patient.is_some() { PATIENTLY } else { BRIEFLY }
    }

    /// Whether there is time to ask again.
    pub(crate) fn goes_on(&self) -> bool {
        Instant::now() + self.rest < self.until
    }

    /// Rests. Afterwards the command may wait longer in the database, if few others do.
    pub(crate) async fn rest(&mut self) {
        self.patient = None;
        sleep(self.rest).await;
        self.rest = (self.rest * 2).min(LONGEST_REST);
        self.patient = self.turns.patient.clone().try_acquire_owned().ok();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut queues = self.turns.queues();
        drop(self.guard.take());
        // No other command has the queue or waits in it. New commands take it under the same lock.
        if queues.get(&self.id).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_has_the_turn_of_a_row_and_nobody_waits_for_another_row() {
        let turns = Turns::new(Duration::from_secs(5));
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let first = turns.take(one).await.unwrap();
        let _elsewhere = turns.take(other).await.unwrap();
        assert!(turns.take(one).await.is_err(), "it waits no longer than it may");
        let waiting = tokio::spawn({
            let turns = turns.clone();
            async move { turns.take(one).await.map(drop) }
        });
        tokio::task::yield_now().await;
        drop(first);
        waiting.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_that_nobody_waits_for_is_forgotten() {
        let turns = Turns::new(Duration::from_secs(5));
        let id = Uuid::from_u128(1);
        let turn = turns.take(id).await.unwrap();
        let gone = tokio::time::timeout(Duration::from_millis(10), turns.take(id)).await;
        assert!(gone.is_err() && turns.queues().len() == 1);
        drop(turn);
        assert!(turns.queues().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn few_wait_longer_in_the_database_and_all_end_in_time() {
        let turns = Turns::new(Duration::from_secs(5));
        let begun = Instant::now();
        let mut waiting = Vec::new();
        for n in 0..4 {
            waiting.push(turns.take(Uuid::from_u128(n)).await.unwrap());
        }
        for turn in &mut waiting {
            assert_eq!(turn.begin(), BRIEFLY);
            turn.rest().await;
        }
        assert_eq!(waiting.iter().filter(|turn| turn.begin() == PATIENTLY).count(), PATIENT);
        while waiting[3].goes_on() {
            waiting[3].rest().await;
        }
        assert!(begun.elapsed() <= Duration::from_secs(5));
    }
}
