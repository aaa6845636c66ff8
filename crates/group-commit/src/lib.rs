//! Group commit: commands that wait for the same transaction share one, and each caller gets its own result.
//!
//! Commands wait in *lanes*. The first command of an idle lane is written at once. The commands that arrive meanwhile form the next group,
//! together with commands of other lanes. Each lane gives its share.
//!
//! A lane is in one group at a time. Therefore its commands are carried out in their order, and a slow lane delays only the group that it
//! is in. If a group would wait for one of its lanes, it gives its commands back, and each of their lanes gets a group of its own. If such
//! a group gives its commands back too, the lane rests for a moment without a writer and is then retried. A command waits no longer than
//! its patience lasts.
//!
//! After a large group the writer waits a moment, until half as many commands have arrived. In a crowd whose callers send again after each
//! answer, one half is then written while the other half returns. Otherwise one caller would be written by itself while all others wait.
//!
//! A group runs in a task of its own and never in the future of a caller. A caller that goes away therefore cannot leave a group half done:
//! a command that has not started is skipped, and a command that has started is carried out. Each lane has a bounded queue.
//!
//! What is not here: the commands themselves, and how a group is written.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep, timeout};

/// Why a command was not carried out, or may not have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The lane is full. The command was not carried out.
    #[error("too many are waiting")]
    Full,
    /// The lane stayed locked until the command's patience ended. The command was not carried out.
    #[error("what it needs stays locked")]
    Locked,
    /// The group broke. The command may have been carried out or not.
    #[error("the group was lost")]
    Lost,
}

/// The rules for forming groups.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The most commands of a group.
    pub group: usize,
    /// The most commands that wait in a lane.
    pub queue: usize,
    /// The most groups that are written at the same time.
    pub writers: usize,
    /// How long a command waits in a lane that gives its commands back.
    pub patience: Duration,
}

/// The result of a group for one command.
#[derive(Debug)]
pub enum Fate<C, R> {
    /// The command was carried out or refused.
    Done(R),
    /// The command was not touched. It goes into a group of its lane only, or if it was in one, it waits until the lane has rested.
    Back(C),
}

/// Carries out a group and returns one fate for each command, in their order.
///
/// The flag says whether the group is of one lane that was given back.
pub type Write<C, R> = Box<dyn Fn(Vec<C>, bool) -> Pin<Box<dyn Future<Output = Vec<Fate<C, R>>> + Send>> + Send + Sync>;

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
    caller: oneshot::Sender<Result<R, Refused>>,
    since: Instant,
}

/// Commands that are carried out together, and their lanes.
struct Group<K, C, R> {
    lanes: Vec<K>,
    jobs: Vec<(K, Job<C, R>)>,
    alone: bool,
}

struct Lane<C, R> {
    waiting: VecDeque<Job<C, R>>,
    /// Whether a group with commands of this lane is being written. Then the lane has no turn.
    writing: bool,
    /// Whether the next group of this lane has no other lanes.
    alone: bool,
    /// How many groups of this lane only were given back in a row.
    locked: u32,
    /// Whether the lane rests. Then it has no turn.
    resting: bool,
}

impl<C, R> Default for Lane<C, R> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), writing: false, alone: false, locked: 0, resting: false }
    }
}

impl<C, R> Lane<C, R> {
    /// Returns how long the lane rests. It rests longer the more often it was given back.
    fn rest(&self) -> Duration {
        (REST * 2_u32.saturating_pow(self.locked.saturating_sub(1).min(8))).min(LONGEST_REST)
    }
}

/// The place where one writer waits until enough commands have arrived.
struct Gate {
    enough: usize,
    opened: Arc<Notify>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { enough: usize::MAX, opened: Arc::new(Notify::new()) }
    }
}

impl Gate {
    /// Lets the writer through if enough commands wait.
    fn arrive(&self, waiting: usize) {
        if waiting >= self.enough {
            self.opened.notify_one();
        }
    }

    /// Returns the signal to wait for. `None` means that enough commands wait, or that another writer waits here.
    fn close(&mut self, waiting: usize, enough: usize) -> Option<Arc<Notify>> {
        if waiting >= enough || self.enough != usize::MAX {
            return None;
        }
        // A new signal, because the old one may have been raised already.
        (self.enough, self.opened) = (enough, Arc::new(Notify::new()));
        Some(self.opened.clone())
    }
}

struct State<K, C, R> {
    lanes: HashMap<K, Lane<C, R>>,
    /// Lanes with waiting commands that are not being written, in the order of their turns.
    turns: VecDeque<K>,
    writers: usize,
    /// Writers that have been writing for longer than [`LONG`].
    slow: usize,
    /// Commands that wait in all lanes.
    waiting: usize,
    gate: Gate,
}

/// Writers that start for any number of waiting commands. A writer that is slow does not count.
const EAGER: usize = 2;
/// The number of waiting commands from which more writers start.
const PRESSING: usize = 32;
/// The time after which a writer counts as slow: its group seems to wait for a lock.
const LONG: Duration = Duration::from_millis(100);

/// How long a lane rests after it was given back: the first time, and at most.
const REST: Duration = Duration::from_millis(25);
const LONGEST_REST: Duration = Duration::from_millis(400);

/// The size from which a group counts as a crowd, and the longest wait for half as many commands after it.
const CROWD: usize = 8;
const LINGER: Duration = Duration::from_millis(2);

impl<K, C, R> GroupCommit<K, C, R>
where
    K: Copy + Eq + Hash + Send + 'static,
    C: Send + 'static,
    R: Send + 'static,
{
    /// Forms groups by `rules` and carries them out with `write` on the runtime `home`, which must outlive all callers.
    pub fn new(rules: Rules, home: Handle, write: Write<C, R>) -> Self {
        let state = State { lanes: HashMap::new(), turns: VecDeque::new(), writers: 0, slow: 0, waiting: 0, gate: Gate::default() };
        Self(Arc::new(Inner { rules, home, write, state: Mutex::new(state) }))
    }

    /// Carries a command out in a group of its lane.
    ///
    /// # Errors
    /// If the lane is full or stays locked, or if the group broke.
    pub async fn submit(&self, lane: K, command: C) -> Result<R, Refused> {
        let (caller, result) = oneshot::channel();
        if self.0.enqueue(lane, Job { command, caller, since: Instant::now() })? {
            self.0.begin();
        }
        result.await.unwrap_or(Err(Refused::Lost))
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

    /// Puts a command into its lane. Returns whether another writer must start.
    fn enqueue(&self, id: K, job: Job<C, R>) -> Result<bool, Refused> {
        self.with_state(|state| {
            let lane = state.lanes.entry(id).or_default();
            if lane.waiting.len() >= self.rules.queue {
                return Err(Refused::Full);
            }
            if lane.waiting.is_empty() && !lane.writing && !lane.resting {
                state.turns.push_back(id);
            }
            lane.waiting.push_back(job);
            state.waiting += 1;
            state.gate.arrive(state.waiting);
            Ok(state.hire(self.rules.writers))
        })
    }

    /// Starts another writer.
    fn begin(self: &Arc<Self>) {
        self.home.spawn(self.clone().work());
    }

    async fn work(self: Arc<Self>) {
        while let Some(Group { lanes, jobs, alone }) = self.next_group() {
            let size = jobs.len();
            let of: Vec<K> = jobs.iter().map(|(lane, _)| *lane).collect();
            let (commands, callers): (Vec<C>, Vec<_>) = jobs.into_iter().map(|(_, job)| (job.command, (job.caller, job.since))).unzip();
            // If a group panics, its callers learn of it by their channels. Nobody else is affected.
            let fates =
                if commands.is_empty() { Vec::new() } else { self.with_help((self.write)(commands, alone)).await.unwrap_or_default() };
            let mut back = Vec::new();
            for ((lane, (caller, since)), fate) in of.into_iter().zip(callers).zip(fates) {
                match fate {
                    // A caller that went away gets no result.
                    Fate::Done(result) => drop(caller.send(Ok(result))),
                    Fate::Back(command) => back.push((lane, Job { command, caller, since })),
                }
            }
            let given_back = !back.is_empty();
            self.give_back(back);
            if size >= CROWD && !given_back {
                self.linger(size / 2).await;
            }
            self.release(lanes, alone && given_back);
        }
    }

    /// Waits for a group to be written. If that takes long, another writer starts in its place.
    async fn with_help<T>(self: &Arc<Self>, writing: impl Future<Output = T>) -> Result<T, Box<dyn Any + Send>> {
        let mut writing = pin!(AssertUnwindSafe(writing).catch_unwind());
        if let Ok(written) = timeout(LONG, &mut writing).await {
            return written;
        }
        let begin = self.with_state(|state| {
            state.slow += 1;
            state.hire(self.rules.writers)
        });
        if begin {
            self.begin();
        }
        let written = writing.await;
        self.with_state(|state| state.slow -= 1);
        written
    }

    /// Waits a moment until enough commands wait.
    async fn linger(&self, enough: usize) {
        let gate = self.with_state(|state| state.gate.close(state.waiting, enough));
        if let Some(opened) = gate {
            // The writer goes on even if there are not enough.
            drop(timeout(LINGER, opened.notified()).await);
            self.with_state(|state| state.gate.enough = usize::MAX);
        }
    }

    /// Puts commands back at the head of their lanes.
    fn give_back(&self, jobs: Vec<(K, Job<C, R>)>) {
        if jobs.is_empty() {
            return;
        }
        self.with_state(|state| {
            for (id, job) in jobs.into_iter().rev() {
                let Some(lane) = state.lanes.get_mut(&id) else { continue };
                lane.alone = true;
                lane.waiting.push_front(job);
                state.waiting += 1;
            }
        });
    }

    /// Returns the next group. `None` means that no lane has a turn and that this writer ends.
    fn next_group(self: &Arc<Self>) -> Option<Group<K, C, R>> {
        let (group, begin) = self.with_state(|state| {
            if state.turns.is_empty() {
                state.writers -= 1;
                return (None, false);
            }
            let (most, mut jobs, mut lanes, mut alone) = (self.rules.group, Vec::new(), Vec::new(), false);
            let share = (most / state.turns.len()).max(1);
            while jobs.len() < most
                && let Some(id) = state.turn(lanes.is_empty())
            {
                lanes.push(id);
                alone = state.lanes.get_mut(&id).is_some_and(|lane| std::mem::take(&mut lane.alone));
                let room = if alone { most } else { share.min(most - jobs.len()) };
                state.take(id, room, &mut jobs);
                if alone {
                    break;
                }
            }
            // The unused part of a share goes to lanes with more commands.
            for id in &lanes {
                state.take(*id, most - jobs.len(), &mut jobs);
            }
            // Lanes without room in this group get a writer now, even if this group has to wait for a lock.
            (Some(Group { lanes, jobs, alone }), state.hire(self.rules.writers))
        });
        if begin {
            self.begin();
        }
        group
    }

    /// Gives lanes their next turn, lets them rest, or forgets them.
    fn release(self: &Arc<Self>, lanes: Vec<K>, locked: bool) {
        self.with_state(|state| {
            for id in lanes {
                let Some(lane) = state.lanes.get_mut(&id) else { continue };
                lane.writing = false;
                lane.locked = if locked { lane.locked + 1 } else { 0 };
                if lane.waiting.is_empty() {
                    state.lanes.remove(&id);
                } else if locked {
                    lane.resting = true;
                    let (this, rest) = (self.clone(), lane.rest());
                    self.home.spawn(async move {
                        sleep(rest).await;
                        this.end_rest(id);
                    });
                } else {
                    state.turns.push_back(id);
                }
            }
        });
    }

    /// Gives a lane its next turn, without the commands whose patience has ended.
    fn end_rest(self: &Arc<Self>, id: K) {
        let (impatient, begin) = self.with_state(|state| {
            let Some(lane) = state.lanes.get_mut(&id) else { return (VecDeque::new(), false) };
            lane.resting = false;
            let waits = |job: &Job<C, R>| !job.caller.is_closed() && job.since.elapsed() < self.rules.patience;
            let (waiting, impatient): (VecDeque<_>, VecDeque<_>) = lane.waiting.drain(..).partition(waits);
            lane.waiting = waiting;
            state.waiting -= impatient.len();
            if lane.waiting.is_empty() {
                state.lanes.remove(&id);
            } else {
                state.turns.push_back(id);
            }
            (impatient, state.hire(self.rules.writers))
        });
        // A caller that went away gets no result.
        impatient.into_iter().for_each(|job| drop(job.caller.send(Err(Refused::Locked))));
        if begin {
            self.begin();
        }
    }
}

impl<K: Copy + Eq + Hash, C, R> State<K, C, R> {
    /// Whether another writer must start, of at most `most`. A few large groups cost less than many small ones.
    fn hire(&mut self, most: usize) -> bool {
        let needed = self.writers - self.slow < EAGER || self.waiting >= PRESSING;
        let begin = needed && !self.turns.is_empty() && self.writers < most;
        self.writers += usize::from(begin);
        begin
    }

    /// Removes and returns the lane with the next turn. Without `any`, it skips lanes that need a group of their own.
    fn turn(&mut self, any: bool) -> Option<K> {
        let lanes = &self.lanes;
        let next = self.turns.iter().position(|id| any || lanes.get(id).is_some_and(|lane| !lane.alone))?;
        self.turns.remove(next)
    }

    /// Takes at most `most` commands of a lane, and skips those whose callers went away.
    fn take(&mut self, id: K, most: usize, jobs: &mut Vec<(K, Job<C, R>)>) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        lane.writing = true;
        let number = lane.waiting.len().min(most);
        self.waiting -= number;
        jobs.extend(lane.waiting.drain(..number).filter(|job| !job.caller.is_closed()).map(|job| (id, job)));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;
    use tokio::task::JoinSet;

    use super::*;

    type Written = Vec<Vec<(u8, u32)>>;

    /// A writer that records its groups and writes each of them only when the gate allows it.
    struct Script {
        groups: Arc<Mutex<Written>>,
        gate: Arc<Semaphore>,
        commits: GroupCommit<u8, (u8, u32), u32>,
    }

    fn script(rules: Rules) -> Script {
        let (groups, gate) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Semaphore::new(0)));
        let (seen, door) = (groups.clone(), gate.clone());
        let write = move |commands: Vec<(u8, u32)>, alone: bool| {
            let (seen, door) = (seen.clone(), door.clone());
            let group = async move {
                seen.lock().unwrap().push(commands.clone());
                door.acquire().await.unwrap().forget();
                assert!(commands.iter().all(|(_, n)| *n != 666), "a command that breaks its group");
                let lanes: HashSet<u8> = commands.iter().map(|(lane, _)| *lane).collect();
                if !alone && lanes.contains(&LOCKED) || lanes.contains(&ALWAYS_LOCKED) {
                    return commands.into_iter().map(Fate::Back).collect();
                }
                commands.iter().map(|(_, n)| Fate::Done(n * 10)).collect()
            };
            Box::pin(group) as Pin<Box<dyn Future<Output = Vec<Fate<(u8, u32), u32>>> + Send>>
        };
        Script { groups, gate, commits: GroupCommit::new(rules, Handle::current(), Box::new(write)) }
    }

    /// A lane that can be carried out only in a group of its own.
    const LOCKED: u8 = 9;

    /// A lane that is given back even from a group of its own.
    const ALWAYS_LOCKED: u8 = 99;

    const RULES: Rules = Rules { group: 4, queue: 8, writers: 2, patience: Duration::from_secs(60) };

    impl Script {
        async fn submit(&self, callers: &mut JoinSet<Result<u32, Refused>>, lane: u8, n: u32) {
            let commits = self.commits.clone();
            callers.spawn(async move { commits.submit(lane, (lane, n)).await });
            tokio::time::sleep(Duration::from_millis(5)).await;
        }

        fn groups(&self) -> Written {
            self.groups.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn the_first_command_is_written_at_once_and_later_ones_share_groups() {
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
    async fn a_full_lane_refuses_commands_and_delays_no_other_lane() {
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
    async fn a_command_whose_caller_left_early_is_skipped() {
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
    async fn a_group_that_breaks_loses_only_its_own_commands() {
        let script = script(RULES);
        script.gate.add_permits(10);
        assert_eq!(script.commits.submit(1, (1, 666)).await, Err(Refused::Lost));
        assert_eq!(script.commits.submit(1, (1, 7)).await, Ok(70));
    }

    #[tokio::test]
    async fn one_writer_takes_its_share_of_every_lane() {
        let script = script(Rules { writers: 1, ..RULES });
        let mut callers = JoinSet::new();
        for (lane, n) in [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (2, 5), (3, 6)] {
            script.submit(&mut callers, lane, n).await;
        }
        script.gate.add_permits(10);
        callers.join_all().await;
        // Lane 1 gets the unused part of the shares of lanes 2 and 3.
        assert_eq!(script.groups(), [vec![(1, 0)], vec![(2, 5), (3, 6), (1, 1), (1, 2)], vec![(1, 3), (1, 4)]]);
    }

    #[tokio::test]
    async fn a_lane_is_in_one_group_at_a_time() {
        let script = script(RULES);
        let mut callers = JoinSet::new();
        for (lane, n) in [(1, 0), (2, 1), (1, 2), (3, 3), (1, 4)] {
            script.submit(&mut callers, lane, n).await;
        }
        assert_eq!(script.groups(), [vec![(1, 0)], vec![(2, 1)]]);
        script.gate.add_permits(1);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let groups = script.groups();
        assert_eq!(groups[2..], [vec![(3, 3), (1, 2), (1, 4)]], "lane 1 has a turn when it was written, and not before");
        script.gate.add_permits(10);
        callers.join_all().await;
        let of_first: Vec<u32> = script.groups().into_iter().flatten().filter(|(lane, _)| *lane == 1).map(|(_, n)| n).collect();
        assert_eq!(of_first, [0, 2, 4]);
    }

    #[tokio::test]
    async fn commands_that_a_group_gives_back_go_lane_by_lane_in_their_order() {
        let script = script(Rules { writers: 1, ..RULES });
        let mut callers = JoinSet::new();
        for (lane, n) in [(1, 0), (1, 1), (LOCKED, 2), (2, 3), (1, 4), (LOCKED, 5)] {
            script.submit(&mut callers, lane, n).await;
        }
        script.gate.add_permits(10);
        assert!(callers.join_all().await.into_iter().all(|result| result.is_ok()));
        let together = vec![(LOCKED, 2), (2, 3), (1, 1), (LOCKED, 5)];
        assert_eq!(script.groups()[1..], [together, vec![(LOCKED, 2), (LOCKED, 5)], vec![(2, 3)], vec![(1, 1), (1, 4)]]);
    }

    #[tokio::test]
    async fn lanes_that_go_alone_do_not_wait_for_each_other() {
        let script = script(RULES);
        let mut callers = JoinSet::new();
        for (lane, n) in [(1, 0), (2, 1), (LOCKED, 2), (3, 3)] {
            script.submit(&mut callers, lane, n).await;
        }
        // First the two groups that are being written, then the one that is given back.
        for _ in 0..3 {
            script.gate.add_permits(1);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(script.groups()[2..], [vec![(LOCKED, 2), (3, 3)], vec![(LOCKED, 2)], vec![(3, 3)]]);
        script.gate.add_permits(2);
        assert!(callers.join_all().await.into_iter().all(|result| result.is_ok()));
    }

    #[tokio::test]
    async fn locked_lanes_keep_no_writer_from_other_lanes() {
        let script = script(Rules { writers: 3, ..RULES });
        let mut callers = JoinSet::new();
        for (lane, n) in [(1, 0), (2, 1), (3, 2)] {
            script.submit(&mut callers, lane, n).await;
        }
        assert_eq!(script.groups(), [vec![(1, 0)], vec![(2, 1)]]);
        while script.groups().len() < 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(script.groups()[2], [(3, 2)]);
        script.gate.add_permits(3);
        assert!(callers.join_all().await.into_iter().all(|result| result.is_ok()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_locked_lane_rests_without_a_writer_until_its_patience_ends() {
        let script = script(Rules { writers: 1, patience: Duration::from_secs(5), ..RULES });
        script.gate.add_permits(1000);
        let mut callers = JoinSet::new();
        for n in 0..3 {
            script.submit(&mut callers, ALWAYS_LOCKED, n).await;
        }
        let begun = Instant::now();
        // The only writer is free for others while the lane rests.
        for n in 0..20 {
            assert_eq!(script.commits.submit(1, (1, n)).await, Ok(n * 10));
        }
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        let outcomes = callers.join_all().await;
        assert_eq!(outcomes, [Err(Refused::Locked); 3]);
        assert!((Duration::from_secs(4)..Duration::from_secs(6)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        // The rests grow longer. A locked lane is retried only a few times per second.
        let tries = script.groups().iter().filter(|group| group.iter().any(|(lane, _)| *lane == ALWAYS_LOCKED)).count();
        assert!((5..25).contains(&tries), "{tries}");
        assert_eq!(script.commits.submit(1, (1, 7)).await, Ok(70));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn each_command_of_a_crowd_is_carried_out_once() {
        for writers in [1, 3] {
            let done = Arc::new(AtomicUsize::new(0));
            let count = done.clone();
            let write = move |commands: Vec<u32>, _: bool| {
                count.fetch_add(commands.len(), Ordering::SeqCst);
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    commands.into_iter().map(Fate::Done).collect()
                }) as Pin<Box<dyn Future<Output = Vec<Fate<u32, u32>>> + Send>>
            };
            let commits = GroupCommit::new(Rules { group: 16, queue: 10_000, writers, ..RULES }, Handle::current(), Box::new(write));
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
