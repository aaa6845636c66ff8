//! Group commit: commands that wait for the same transaction are carried out in one, and each caller gets its own result.
//!
//! Commands stand in *lanes*. The first command of an idle lane goes at once; those that come while it is written form the next
//! group, together with what waits in other lanes, each of which gives its share. A lane is in one group at a time, so its
//! commands are carried out in their order, and a lane that is slow holds up the group it is in and no other. A group that would
//! wait for one of its lanes gives its commands back: then each of its lanes has a group of its own. A lane that gives them back
//! even so rests for a moment, without a writer, before it is tried again; a command waits no longer than its patience lasts.
//!
//! After a large group the next one waits a moment until half as many have come back: in a crowd that answers drive, one half is
//! written while the other comes back, where else one caller would go alone and all others wait for it. A group runs in a task of
//! its own, never in a caller's future, so a caller that goes away cannot leave it half done: what had not begun by then is passed
//! over, what had is carried out. Each lane has a bounded queue.
//!
//! What is not here: what a command is, and how a group is written.

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

/// Why a command was not carried out, as far as anybody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// As many wait in its lane as may; it was not taken.
    #[error("too many are waiting")]
    Full,
    /// What it needs stayed locked for as long as it may wait; it was not carried out.
    #[error("what it needs stays locked")]
    Locked,
    /// Its group broke; it may have been carried out or not.
    #[error("the group was lost")]
    Lost,
}

/// How groups are formed.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The most commands of a group.
    pub group: usize,
    /// The most commands that wait in a lane.
    pub queue: usize,
    /// The most groups that are written at once.
    pub writers: usize,
    /// How long a command waits in a lane that gives its commands back.
    pub patience: Duration,
}

/// What a group made of a command.
#[derive(Debug)]
pub enum Fate<C, R> {
    /// It was carried out or refused.
    Done(R),
    /// It was not touched, and is to be carried out in a group of its lane alone, or after a rest where it was in one.
    Back(C),
}

/// Carries out a group, told whether it is of a lane that was given back; gives one fate for each command, in their order.
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

/// Commands that are carried out together, and the lanes they are of.
struct Group<K, C, R> {
    lanes: Vec<K>,
    jobs: Vec<(K, Job<C, R>)>,
    alone: bool,
}

struct Lane<C, R> {
    waiting: VecDeque<Job<C, R>>,
    /// Whether a group with commands of it is being written, so that it has no turn.
    writing: bool,
    /// Whether the next group with commands of it has no others.
    alone: bool,
    /// How often in a row a group of it alone was given back.
    locked: u32,
    /// Whether it has no turn until it has rested.
    resting: bool,
}

impl<C, R> Default for Lane<C, R> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), writing: false, alone: false, locked: 0, resting: false }
    }
}

impl<C, R> Lane<C, R> {
    /// How long it rests, after it was given back so often.
    fn rest(&self) -> Duration {
        (REST * 2_u32.saturating_pow(self.locked.saturating_sub(1).min(8))).min(LONGEST_REST)
    }
}

/// Where one writer waits until enough have come.
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
    /// Lets a writer through, given how many wait.
    fn arrive(&self, waiting: usize) {
        if waiting >= self.enough {
            self.opened.notify_one();
        }
    }

    /// Gives what to wait for until there are enough, unless there are, or another waits here.
    fn close(&mut self, waiting: usize, enough: usize) -> Option<Arc<Notify>> {
        if waiting >= enough || self.enough != usize::MAX {
            return None;
        }
        // A new one, which nobody knocked at before.
        (self.enough, self.opened) = (enough, Arc::new(Notify::new()));
        Some(self.opened.clone())
    }
}

struct State<K, C, R> {
    lanes: HashMap<K, Lane<C, R>>,
    /// Lanes that something waits in and that are not being written, in their turn.
    turns: VecDeque<K>,
    writers: usize,
    /// Those of them that have been writing for long.
    slow: usize,
    /// Commands that wait in all lanes.
    waiting: usize,
    gate: Gate,
}

/// How many groups are begun for whatever waits, those left out that have been written for [`LONG`].
const EAGER: usize = 2;
/// How many commands wait before more are begun.
const PRESSING: usize = 32;
/// After which a group is taken to wait for something that others have locked.
const LONG: Duration = Duration::from_millis(100);

/// How long a lane rests that was given back: at first, and at most.
const REST: Duration = Duration::from_millis(25);
const LONGEST_REST: Duration = Duration::from_millis(400);

/// The size from which on a group is a crowd's, and how long the next one waits for half as many at most.
const CROWD: usize = 8;
const LINGER: Duration = Duration::from_millis(2);

impl<K, C, R> GroupCommit<K, C, R>
where
    K: Copy + Eq + Hash + Send + 'static,
    C: Send + 'static,
    R: Send + 'static,
{
    /// Gathers by those rules, and carries groups out so, on that runtime: it lives longer than any caller's.
    pub fn new(rules: Rules, home: Handle, write: Write<C, R>) -> Self {
        let state = State { lanes: HashMap::new(), turns: VecDeque::new(), writers: 0, slow: 0, waiting: 0, gate: Gate::default() };
        Self(Arc::new(Inner { rules, home, write, state: Mutex::new(state) }))
    }

    /// Carries a command out in a group of its lane.
    ///
    /// # Errors
    /// When its lane is full or stays locked, or its group broke.
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

    /// Puts a command into its lane; tells whether another writer is to begin.
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

    /// Lets another writer begin.
    fn begin(self: &Arc<Self>) {
        self.home.spawn(self.clone().work());
    }

    async fn work(self: Arc<Self>) {
        while let Some(Group { lanes, jobs, alone }) = self.next_group() {
            let size = jobs.len();
            let of: Vec<K> = jobs.iter().map(|(lane, _)| *lane).collect();
            let (commands, callers): (Vec<C>, Vec<_>) = jobs.into_iter().map(|(_, job)| (job.command, (job.caller, job.since))).unzip();
            // A group that panics is lost for its callers, who learn of it by their channels, and for nobody else.
            let fates =
                if commands.is_empty() { Vec::new() } else { self.with_help((self.write)(commands, alone)).await.unwrap_or_default() };
            let mut back = Vec::new();
            for ((lane, (caller, since)), fate) in of.into_iter().zip(callers).zip(fates) {
                match fate {
                    // Whoever went away is not told.
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

    /// Waits for a group to be written; if that takes long, another writer stands in for this one.
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

    /// Waits a moment until that many are waiting.
    async fn linger(&self, enough: usize) {
        let gate = self.with_state(|state| state.gate.close(state.waiting, enough));
        if let Some(opened) = gate {
            // Enough or not, it goes on.
            drop(timeout(LINGER, opened.notified()).await);
            self.with_state(|state| state.gate.enough = usize::MAX);
        }
    }

    /// Puts commands back to the head of their lanes.
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

    /// The next group; `None` when nothing waits: then this writer has ended.
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
            // What others left of their shares goes to those who have more.
            for id in &lanes {
                state.take(*id, most - jobs.len(), &mut jobs);
            }
            // What this group has no room for has a turn now, whatever it is that this group will wait for.
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

    /// Gives a lane its next turn, without those commands whose patience has ended.
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
        // Whoever went away is not told.
        impatient.into_iter().for_each(|job| drop(job.caller.send(Err(Refused::Locked))));
        if begin {
            self.begin();
        }
    }
}

impl<K: Copy + Eq + Hash, C, R> State<K, C, R> {
    /// Whether another writer is to begin, of so many at most: few large groups cost less than many small ones.
    fn hire(&mut self, most: usize) -> bool {
        let needed = self.writers - self.slow < EAGER || self.waiting >= PRESSING;
        let begin = needed && !self.turns.is_empty() && self.writers < most;
        self.writers += usize::from(begin);
        begin
    }

    /// The lane whose turn it is: the next, or the next that goes with others.
    fn turn(&mut self, any: bool) -> Option<K> {
        let lanes = &self.lanes;
        let next = self.turns.iter().position(|id| any || lanes.get(id).is_some_and(|lane| !lane.alone))?;
        self.turns.remove(next)
    }

    /// Takes so many commands of a lane at most; those whose callers went away are passed over.
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

    /// Groups as they were written, each only when the gate lets it.
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

    /// A lane that can only be carried out alone.
    const LOCKED: u8 = 9;

    /// A lane that is given back even then.
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
    async fn one_writer_takes_its_share_of_every_lane() {
        let script = script(Rules { writers: 1, ..RULES });
        let mut callers = JoinSet::new();
        for (lane, n) in [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (2, 5), (3, 6)] {
            script.submit(&mut callers, lane, n).await;
        }
        script.gate.add_permits(10);
        callers.join_all().await;
        // What is left of the shares of 2 and 3 goes to 1.
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
    async fn what_a_group_gives_back_goes_lane_by_lane_in_its_order() {
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
        // The two that are written, then the one that is given back.
        for _ in 0..3 {
            script.gate.add_permits(1);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(script.groups()[2..], [vec![(LOCKED, 2), (3, 3)], vec![(LOCKED, 2)], vec![(3, 3)]]);
        script.gate.add_permits(2);
        assert!(callers.join_all().await.into_iter().all(|result| result.is_ok()));
    }

    #[tokio::test]
    async fn lanes_that_stay_locked_keep_no_writer_from_the_others() {
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
    async fn a_lane_that_stays_locked_rests_without_a_writer_and_ends_with_its_patience() {
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
        // Rests grow: what stays locked is asked for a few times a second.
        let tries = script.groups().iter().filter(|group| group.iter().any(|(lane, _)| *lane == ALWAYS_LOCKED)).count();
        assert!((5..25).contains(&tries), "{tries}");
        assert_eq!(script.commits.submit(1, (1, 7)).await, Ok(70));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn nothing_is_lost_or_done_twice_in_a_crowd() {
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
