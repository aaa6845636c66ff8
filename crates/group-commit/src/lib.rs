//! Group commit: commands that wait for the same transaction are carried out in one, and each caller gets its own result.
//!
//! There is no timer. The first command of a lane goes at once; those that come while it is written form the next group. A
//! group runs in a task of its own, never in a caller's future, so a caller that goes away cannot leave it half done: what had
//! not begun by then is passed over, what had is carried out. Lanes take turns, and each has a bounded queue.
//!
//! What is not here: what a command is, and how a group is written.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Why a command was not carried out, as far as anybody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// As many wait in its lane as may; it was not taken.
    #[error("too many are waiting")]
    Full,
    /// Its group broke; it may have been carried out or not.
    #[error("the group was lost")]
    Lost,
}

/// What a group is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gather {
    /// Commands of one lane: lanes are written beside each other.
    OneLane,
    /// Commands of all lanes, one of each in turn: there is one writer.
    AllLanes,
}

/// How groups are formed.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// What a group is made of.
    pub gather: Gather,
    /// The most commands of a group.
    pub group: usize,
    /// The most commands that wait in a lane.
    pub queue: usize,
    /// The most groups that are written at once.
    pub writers: usize,
}

/// Carries out a group; gives one result for each command, in their order.
pub type Write<C, R> = Box<dyn Fn(Vec<C>) -> Pin<Box<dyn Future<Output = Vec<R>> + Send>> + Send + Sync>;

/// Gathers commands in lanes.
pub struct GroupCommit<K, C, R>(Arc<Inner<K, C, R>>);

impl<K, C, R> Clone for GroupCommit<K, C, R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Inner<K, C, R> {
    rules: Rules,
    home: Handle,
    write: Write<C, R>,
    state: Mutex<State<K, C, R>>,
}

struct Job<C, R> {
    command: C,
    caller: oneshot::Sender<R>,
}

struct Lane<C, R> {
    waiting: VecDeque<Job<C, R>>,
    /// Whether a group of it is being written, so that it has no turn.
    writing: bool,
}

struct State<K, C, R> {
    lanes: HashMap<K, Lane<C, R>>,
    /// Lanes that something waits in and that are not being written, in their turn.
    turns: VecDeque<K>,
    writers: usize,
}

impl<K, C, R> GroupCommit<K, C, R>
where
    K: Copy + Eq + Hash + Send + 'static,
    C: Send + 'static,
    R: Send + 'static,
{
    /// Gathers by those rules, and carries groups out so, on that runtime: it lives longer than any caller's.
    pub fn new(rules: Rules, home: Handle, write: Write<C, R>) -> Self {
        let state = State { lanes: HashMap::new(), turns: VecDeque::new(), writers: 0 };
        Self(Arc::new(Inner { rules, home, write, state: Mutex::new(state) }))
    }

    /// Carries a command out in a group of its lane.
    ///
    /// # Errors
    /// When its lane is full or its group broke.
    pub async fn submit(&self, lane: K, command: C) -> Result<R, Refused> {
        let (caller, result) = oneshot::channel();
        if self.0.enqueue(lane, Job { command, caller })? {
            self.0.home.spawn(self.0.clone().work());
        }
        result.await.map_err(|_| Refused::Lost)
    }
}

impl<K, C, R> Inner<K, C, R>
where
    K: Copy + Eq + Hash + Send + 'static,
    C: Send + 'static,
    R: Send + 'static,
{
    fn with_state<T>(&self, change: impl FnOnce(&mut State<K, C, R>) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a command into its lane; tells whether another writer is to begin.
    fn enqueue(&self, id: K, job: Job<C, R>) -> Result<bool, Refused> {
        self.with_state(|state| {
            let lane = state.lanes.entry(id).or_insert_with(|| Lane { waiting: VecDeque::new(), writing: false });
            if lane.waiting.len() >= self.rules.queue {
                return Err(Refused::Full);
            }
            if lane.waiting.is_empty() && !lane.writing {
                state.turns.push_back(id);
            }
            lane.waiting.push_back(job);
            let begin = !state.turns.is_empty() && state.writers < self.rules.writers;
            state.writers += usize::from(begin);
            Ok(begin)
        })
    }

    async fn work(self: Arc<Self>) {
        while let Some((lane, jobs)) = self.next_group() {
            let (commands, callers): (Vec<C>, Vec<_>) = jobs.into_iter().map(|job| (job.command, job.caller)).unzip();
            // A group that panics is lost for its callers, who learn of it by their channels, and for nobody else.
            let results = if commands.is_empty() {
                Vec::new()
            } else {
                AssertUnwindSafe((self.write)(commands)).catch_unwind().await.unwrap_or_default()
            };
            for (caller, result) in callers.into_iter().zip(results) {
                // Whoever went away is not told.
                drop(caller.send(result));
            }
            if let Some(lane) = lane {
                self.release(lane);
            }
        }
    }

    /// The next group and, where it is of one lane, which; `None` when nothing waits: then this writer has ended.
    fn next_group(&self) -> Option<(Option<K>, Vec<Job<C, R>>)> {
        self.with_state(|state| {
            let group = match self.rules.gather {
                Gather::OneLane => self.one_lane(state).map(|(lane, jobs)| (Some(lane), jobs)),
                Gather::AllLanes => self.all_lanes(state).map(|jobs| (None, jobs)),
            };
            if group.is_none() {
                state.writers -= 1;
            }
            group
        })
    }

    fn one_lane(&self, state: &mut State<K, C, R>) -> Option<(K, Vec<Job<C, R>>)> {
        let id = state.turns.pop_front()?;
        let lane = state.lanes.get_mut(&id)?;
        lane.writing = true;
        let number = lane.waiting.len().min(self.rules.group);
        Some((id, lane.waiting.drain(..number).filter(|job| !job.caller.is_closed()).collect()))
    }

    fn all_lanes(&self, state: &mut State<K, C, R>) -> Option<Vec<Job<C, R>>> {
        let mut jobs = Vec::new();
        while jobs.len() < self.rules.group {
            let Some(id) = state.turns.pop_front() else { break };
            let Some(lane) = state.lanes.get_mut(&id) else { continue };
            jobs.extend(lane.waiting.pop_front().filter(|job| !job.caller.is_closed()));
            if lane.waiting.is_empty() {
                state.lanes.remove(&id);
            } else {
                state.turns.push_back(id);
            }
        }
        (!jobs.is_empty()).then_some(jobs)
    }

    /// Gives a lane its next turn, or forgets it.
    fn release(&self, id: K) {
        self.with_state(|state| {
            let Some(lane) = state.lanes.get_mut(&id) else { return };
            lane.writing = false;
            if lane.waiting.is_empty() {
                state.lanes.remove(&id);
            } else {
                state.turns.push_back(id);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::sync::Semaphore;
    use tokio::task::JoinSet;

    use super::*;

    /// Groups as they were written, each only when the gate lets it.
    struct Script {
        groups: Arc<Mutex<Vec<Vec<(u8, u32)>>>>,
        gate: Arc<Semaphore>,
        commits: GroupCommit<u8, (u8, u32), u32>,
    }

    fn script(rules: Rules) -> Script {
        let (groups, gate) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Semaphore::new(0)));
        let (seen, door) = (groups.clone(), gate.clone());
        let write = move |commands: Vec<(u8, u32)>| {
            let (seen, door) = (seen.clone(), door.clone());
            let group = async move {
                seen.lock().unwrap().push(commands.clone());
                door.acquire().await.unwrap().forget();
                assert!(commands.iter().all(|(_, n)| *n != 666), "a command that breaks its group");
                commands.iter().map(|(_, n)| n * 10).collect()
            };
            Box::pin(group) as Pin<Box<dyn Future<Output = Vec<u32>> + Send>>
        };
        Script { groups, gate, commits: GroupCommit::new(rules, Handle::current(), Box::new(write)) }
    }

    const RULES: Rules = Rules { gather: Gather::OneLane, group: 4, queue: 8, writers: 2 };

    impl Script {
        async fn submit(&self, callers: &mut JoinSet<Result<u32, Refused>>, lane: u8, n: u32) {
            let commits = self.commits.clone();
            callers.spawn(async move { commits.submit(lane, (lane, n)).await });
            tokio::time::sleep(Duration::from_millis(5)).await;
        }

        fn groups(&self) -> Vec<Vec<(u8, u32)>> {
            self.groups.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn the_first_goes_at_once_and_those_that_come_meanwhile_go_together() {
        let script = script(RULES);
        let mut callers = JoinSet::new();
        for n in 0..7 {
            script.submit(&mut callers, 1, n).await;
        }
        assert_eq!(script.groups(), [vec![(1, 0)]]);
        script.gate.add_permits(10);
        let mut results: Vec<u32> = callers.join_all().await.into_iter().map(Result::unwrap).collect();
        results.sort_unstable();
        assert_eq!(results, [0, 10, 20, 30, 40, 50, 60]);
        let groups = script.groups();
        assert_eq!(groups[1..], [vec![(1, 1), (1, 2), (1, 3), (1, 4)], vec![(1, 5), (1, 6)]]);
    }

    #[tokio::test]
    async fn a_full_lane_takes_no_more_and_is_in_nobodys_way() {
        let script = script(RULES);
        let mut callers = JoinSet::new();
        for n in 0..9 {
            script.submit(&mut callers, 1, n).await;
        }
        assert_eq!(script.commits.submit(1, (1, 9)).await, Err(Refused::Full));
        script.submit(&mut callers, 2, 20).await;
        assert_eq!(script.groups(), [vec![(1, 0)], vec![(2, 20)]]);
        script.gate.add_permits(10);
        assert!(callers.join_all().await.into_iter().all(|result| result.is_ok()));
    }

    #[tokio::test]
    async fn who_goes_away_before_it_began_changes_nothing() {
        let script = script(RULES);
        let mut callers = JoinSet::new();
        script.submit(&mut callers, 1, 0).await;
        let mut leaving = JoinSet::new();
        script.submit(&mut leaving, 1, 1).await;
        script.submit(&mut callers, 1, 2).await;
        leaving.shutdown().await;
        script.gate.add_permits(10);
        callers.join_all().await;
        assert_eq!(script.groups(), [vec![(1, 0)], vec![(1, 2)]]);
    }

    #[tokio::test]
    async fn a_group_that_breaks_is_lost_alone() {
        let script = script(RULES);
        script.gate.add_permits(10);
        assert_eq!(script.commits.submit(1, (1, 666)).await, Err(Refused::Lost));
        assert_eq!(script.commits.submit(1, (1, 7)).await, Ok(70));
    }

    #[tokio::test]
    async fn one_writer_takes_from_every_lane_in_turn() {
        let script = script(Rules { gather: Gather::AllLanes, writers: 1, ..RULES });
        let mut callers = JoinSet::new();
        for (lane, n) in [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (2, 5), (3, 6)] {
            script.submit(&mut callers, lane, n).await;
        }
        script.gate.add_permits(10);
        callers.join_all().await;
        assert_eq!(script.groups(), [vec![(1, 0)], vec![(1, 1), (2, 5), (3, 6), (1, 2)], vec![(1, 3), (1, 4)]]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn nothing_is_lost_or_done_twice_in_a_crowd() {
        for gather in [Gather::OneLane, Gather::AllLanes] {
            let done = Arc::new(AtomicUsize::new(0));
            let count = done.clone();
            let write = move |commands: Vec<u32>| {
                count.fetch_add(commands.len(), Ordering::SeqCst);
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    commands
                }) as Pin<Box<dyn Future<Output = Vec<u32>> + Send>>
            };
            let writers = if gather == Gather::OneLane { 3 } else { 1 };
            let commits = GroupCommit::new(Rules { gather, group: 16, queue: 10_000, writers }, Handle::current(), Box::new(write));
            let mut callers = JoinSet::new();
            for n in 0..5000_u32 {
                let commits = commits.clone();
                callers.spawn(async move { assert_eq!(commits.submit((n % 7) as u8, n).await, Ok(n)) });
            }
            callers.join_all().await;
            assert_eq!(done.load(Ordering::SeqCst), 5000);
        }
    }
}
