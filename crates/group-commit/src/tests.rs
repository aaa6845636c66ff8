//! Groups in tasks, with the time of the tests: it passes only while every task waits.

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
    let write = move |commands: Vec<(u8, u32)>, hold: Hold| {
        let (seen, door) = (seen.clone(), door.clone());
        let group = async move {
            seen.lock().unwrap().push(commands.clone());
            door.acquire().await.unwrap().forget();
            if commands.iter().any(|(_, n)| *n == RELEASES) {
                hold.release();
                hold.release();
                door.acquire().await.unwrap().forget();
            }
            assert!(commands.iter().all(|(_, n)| *n != BREAKS), "a command that breaks its group");
            if commands.iter().any(|(lane, _)| *lane == ALWAYS_LOCKED || *lane == LOCKED && !hold.is_alone()) {
                return commands.into_iter().map(Fate::Back).collect();
            }
            commands.iter().map(|(_, n)| Fate::Done(n * 10)).collect()
        };
        Box::pin(group) as Pin<Box<dyn Future<Output = Vec<Fate<(u8, u32), u32>>> + Send>>
    };
    Script { groups, gate, commits: GroupCommit::new(rules, Handle::current(), Box::new(write)) }
}

/// A command that breaks its group.
const BREAKS: u32 = 666;

/// A command whose group releases its lanes, and then waits for the gate once more.
const RELEASES: u32 = 555;

/// A lane that can be carried out only in a group of its own.
const LOCKED: u8 = 9;

/// A lane that is given back even from a group of its own.
const ALWAYS_LOCKED: u8 = 99;

const RULES: Rules = Rules { group: 16, queue: 16, few: 1, writers: 2, patience: Duration::from_secs(60) };

impl Script {
    /// Submits a command. Its caller then waits.
    async fn submit(&self, callers: &mut JoinSet<Result<u32, Refused>>, lane: u8, n: u32) {
        let commits = self.commits.clone();
        callers.spawn(async move { commits.submit(lane, (lane, n)).await });
        settle().await;
    }

    /// Lets a number of groups be written.
    async fn allow(&self, groups: usize) {
        self.gate.add_permits(groups);
        settle().await;
    }

    fn groups(&self) -> Written {
        self.groups.lock().unwrap().clone()
    }
}

/// Returns when every task waits.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

fn commands(lane: u8, numbers: std::ops::Range<u32>) -> Vec<(u8, u32)> {
    numbers.map(|n| (lane, n)).collect()
}

#[tokio::test(start_paused = true)]
async fn each_caller_gets_its_own_result() {
    let script = script(RULES);
    let mut callers = JoinSet::new();
    for n in 0..7 {
        script.submit(&mut callers, 1, n).await;
    }
    assert_eq!(script.groups(), [[(1, 0)]], "the first is written at once");
    script.gate.add_permits(10);
    let mut results: Vec<u32> = callers.join_all().await.into_iter().map(Result::unwrap).collect();
    results.sort_unstable();
    assert_eq!(results, [0, 10, 20, 30, 40, 50, 60]);
    assert_eq!(script.groups()[1..], [commands(1, 1..7)]);
}

#[tokio::test(start_paused = true)]
async fn a_full_lane_refuses_commands() {
    let script = script(RULES);
    let mut callers = JoinSet::new();
    for n in 0..17 {
        script.submit(&mut callers, 1, n).await;
    }
    assert_eq!(script.commits.submit(1, (1, 17)).await, Err(Refused::Full));
    script.gate.add_permits(10);
    assert!(callers.join_all().await.into_iter().all(|result| result.is_ok()));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_takes_only_a_waiting_command_with_it() {
    let script = script(RULES);
    let (mut callers, mut leaving) = (JoinSet::new(), JoinSet::new());
    script.submit(&mut leaving, 1, 0).await;
    script.submit(&mut leaving, 1, 1).await;
    script.submit(&mut callers, 1, 2).await;
    leaving.shutdown().await;
    script.allow(1).await;
    script.submit(&mut leaving, 1, 3).await;
    leaving.shutdown().await;
    script.allow(10).await;
    assert_eq!(callers.join_all().await, [Ok(20)]);
    // The first was being written. Nothing is written for the last.
    assert_eq!(script.groups(), [[(1, 0)], [(1, 2)]]);
    assert_eq!(script.commits.submit(1, (1, 4)).await, Ok(40));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_breaks_loses_only_its_own_commands() {
    let script = script(RULES);
    let mut callers = JoinSet::new();
    for (lane, n) in [(1, 0), (1, 1), (1, BREAKS), (2, 2)] {
        script.submit(&mut callers, lane, n).await;
    }
    script.gate.add_permits(10);
    let results = callers.join_all().await;
    assert_eq!(results.iter().filter(|result| **result == Err(Refused::Lost)).count(), 2);
    assert!(results.contains(&Ok(0)) && results.contains(&Ok(20)));
    // Both writers still work.
    for n in 0..3 {
        assert_eq!(script.commits.submit(1, (1, n)).await, Ok(n * 10));
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_takes_long_keeps_no_writer_from_other_lanes() {
    let script = script(Rules { writers: 3, ..RULES });
    let mut callers = JoinSet::new();
    for (lane, n) in [(1, 0), (2, 1), (3, 2)] {
        script.submit(&mut callers, lane, n).await;
    }
    tokio::time::advance(LONG - Duration::from_millis(1)).await;
    settle().await;
    assert_eq!(script.groups(), [[(1, 0)], [(2, 1)]]);
    tokio::time::advance(Duration::from_millis(2)).await;
    settle().await;
    assert_eq!(script.groups()[2..], [[(3, 2)]]);
    script.gate.add_permits(3);
    assert!(callers.join_all().await.into_iter().all(|result| result.is_ok()));
}

#[tokio::test(start_paused = true)]
async fn lanes_that_are_given_back_are_written_alone() {
    let script = script(RULES);
    let mut callers = JoinSet::new();
    for (lane, n) in [(1, 0), (2, 1), (LOCKED, 2), (3, 3), (LOCKED, 4)] {
        script.submit(&mut callers, lane, n).await;
    }
    for _ in 0..3 {
        script.allow(1).await;
    }
    // The lane that is given back has a writer of its own at once.
    let (together, locked) = (vec![(LOCKED, 2), (LOCKED, 4), (3, 3)], vec![(LOCKED, 2), (LOCKED, 4)]);
    assert_eq!(script.groups()[2..], [together, locked, vec![(3, 3)]]);
    script.allow(2).await;
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

#[tokio::test(start_paused = true)]
async fn after_a_large_group_the_writer_waits_for_half_as_many() {
    for (arriving, waits) in [(1, true), (3, true), (4, false)] {
        let script = script(RULES);
        let mut callers = JoinSet::new();
        for n in 0..9 {
            script.submit(&mut callers, 1, n).await;
        }
        script.allow(10).await;
        assert_eq!(script.groups()[1..], [commands(1, 1..9)]);
        let begun = Instant::now();
        for n in 10..10 + arriving {
            script.submit(&mut callers, 1, n).await;
        }
        assert_eq!(script.groups().len(), if waits { 2 } else { 3 }, "{arriving}");
        callers.join_all().await;
        assert_eq!(script.groups()[2..], [commands(1, 10..10 + arriving)]);
        // The wait ends by time too, and soon.
        assert_eq!(begun.elapsed() > Duration::ZERO, waits);
        assert!(begun.elapsed() <= Duration::from_millis(4), "{:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_group_of_a_crowd_begins_while_one_commits() {
    let script = script(Rules { writers: 1, ..RULES });
    let mut callers = JoinSet::new();
    for n in (0..8).chain([RELEASES]) {
        script.submit(&mut callers, 1, n).await;
    }
    script.allow(1).await;
    for n in 20..28 {
        script.submit(&mut callers, 1, n).await;
    }
    assert_eq!(script.groups().len(), 2);
    script.allow(1).await;
    assert_eq!(script.groups()[2..], [commands(1, 20..28)]);
    script.allow(2).await;
    assert_eq!(callers.join_all().await.into_iter().filter(Result::is_ok).count(), 17);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_command_of_a_crowd_is_carried_out_once() {
    for writers in [1, 3] {
        let done = Arc::new(AtomicUsize::new(0));
        let count = done.clone();
        let write = move |commands: Vec<u32>, hold: Hold| {
            count.fetch_add(commands.len(), Ordering::SeqCst);
            Box::pin(async move {
                tokio::task::yield_now().await;
                hold.release();
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
