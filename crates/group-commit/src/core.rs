//! The rules of fairness and pace: a state machine without I/O, clock, lock or task. It gets events with their times, and orders what to
//! do.
//!
//! A *writer* repeats three steps. [`Core::next`] gives it a group. When the group is written, [`Group::ended`] sorts the commands by
//! their fates, and [`Core::ended`] says whether the writer waits before its next group. An event may also order that another writer
//! begins.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

use crate::{Fate, Refused, Rules};

/// The number of waiting commands from which more than two writers begin. A writer that is slow does not count.
const PRESSING: usize = 32;
/// The time after which a group is slow: it seems to wait for a lock.
pub const LONG: Duration = Duration::from_millis(50);

/// How long a lane rests after it was given back: the first time, and at most.
const REST: Duration = Duration::from_millis(25);
const LONGEST_REST: Duration = Duration::from_millis(400);

/// The size from which a group counts as a crowd, and the longest pause until half as many commands have arrived.
const CROWD: usize = 8;
const LONGEST_PAUSE: Duration = Duration::from_millis(2);

/// Who waits for the result of a command.
pub trait Caller {
    /// Whether nobody waits for the result any more.
    fn has_left(&self) -> bool;
}

/// What follows from a command that was accepted.
#[derive(Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Another writer begins.
    pub begin: bool,
    /// The pause of a writer ends.
    pub resume: bool,
}

/// An order to a writer whose group has ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Order<K> {
    /// Wait until [`Accepted::resume`], for this time at most. Then report with [`Core::resumed`].
    Pause(Duration),
    /// Go on. Report with [`Core::rested`] after this time.
    Rest(K, Duration),
}

/// Commands that are written together, and the lanes that have no turn while the group holds them.
pub struct Group<K, C, A> {
    /// The commands, to be taken out and written. There are none if all callers have left.
    pub commands: Vec<C>,
    /// Whether the group is of one lane that was given back.
    pub alone: bool,
    callers: Vec<(K, A, Instant)>,
    lanes: Vec<K>,
    slow: bool,
}

impl<K, C, A> Group<K, C, A> {
    /// The lanes of the commands.
    pub fn lanes(&self) -> &[K] {
        &self.lanes
    }

    /// Answers the callers of the commands that are done. A caller whose command has no fate is dropped without an answer.
    pub fn ended<R>(self, fates: Vec<Fate<C, R>>, mut answer: impl FnMut(A, R)) -> Ended<K, C, A> {
        let (size, mut back) = (self.callers.len(), Vec::new());
        for ((lane, caller, since), fate) in self.callers.into_iter().zip(fates) {
            match fate {
                Fate::Done(result) => answer(caller, result),
                Fate::Back(command) => back.push((lane, Job { command, caller, since })),
            }
        }
        Ended { size, back, lanes: self.lanes, alone: self.alone, slow: self.slow }
    }
}

/// A group that was written, with the commands that it gives back.
pub struct Ended<K, C, A> {
    size: usize,
    back: Vec<(K, Job<C, A>)>,
    lanes: Vec<K>,
    alone: bool,
    slow: bool,
}

struct Job<C, A> {
    command: C,
    caller: A,
    since: Instant,
}

struct Lane<C, A> {
    waiting: VecDeque<Job<C, A>>,
    /// Whether a group holds this lane. Then the lane has no turn.
    writing: bool,
    /// Whether the next group of this lane has no other lanes.
    alone: bool,
    /// How many groups of this lane only were given back in a row.
    locked: u32,
}

impl<C, A> Default for Lane<C, A> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), writing: false, alone: false, locked: 0 }
    }
}

impl<C, A> Lane<C, A> {
    /// Returns how long the lane rests. It rests longer the more often it was given back.
    fn rest(&self) -> Duration {
        (REST * 2_u32.saturating_pow(self.locked.saturating_sub(1).min(8))).min(LONGEST_REST)
    }
}

/// The pause of a writer after a large group.
struct Pause<K> {
    /// The number of waiting commands that ends it.
    enough: usize,
    lanes: Vec<K>,
}

impl<K> Pause<K> {
    /// Whether the pause ends now. It ends only once.
    fn ends(&mut self, waiting: usize) -> bool {
        let ends = waiting >= self.enough;
        if ends {
            self.enough = usize::MAX;
        }
        ends
    }
}

pub struct Core<K, C, A> {
    rules: Rules,
    lanes: HashMap<K, Lane<C, A>>,
    /// Lanes with waiting commands that are not being written, in the order of their turns.
    turns: VecDeque<K>,
    writers: usize,
    /// Writers with a slow group.
    slow: usize,
    /// Writers whose group has released its lanes.
    released: usize,
    /// Commands that wait in all lanes.
    waiting: usize,
    /// At most one writer pauses at a time.
    pause: Option<Pause<K>>,
}

impl<K: Copy + Eq + Hash, C, A: Caller> Core<K, C, A> {
    pub fn new(rules: Rules) -> Self {
        Self { rules, lanes: HashMap::new(), turns: VecDeque::new(), writers: 0, slow: 0, released: 0, waiting: 0, pause: None }
    }

    /// Puts a command into its lane.
    pub fn submitted(&mut self, id: K, command: C, caller: A, now: Instant) -> Result<Accepted, Refused> {
        let lane = self.lanes.entry(id).or_default();
        if lane.waiting.len() >= self.rules.queue {
            return Err(Refused::Full);
        }
        if lane.waiting.is_empty() && !lane.writing {
            self.turns.push_back(id);
        }
        lane.waiting.push_back(Job { command, caller, since: now });
        self.waiting += 1;
        let resume = self.pause.as_mut().is_some_and(|pause| pause.ends(self.waiting));
        Ok(Accepted { begin: self.hire(), resume })
    }

    /// Returns the next group of a writer, and whether another writer begins. `None` means that no lane has a turn and that the writer
    /// ends.
    pub fn next(&mut self) -> (Option<Group<K, C, A>>, bool) {
        if self.turns.is_empty() {
            self.writers -= 1;
            return (None, false);
        }
        let most = self.rules.group;
        let share = (most / self.turns.len()).max(1);
        let room = most.min(self.waiting);
        let (commands, callers) = (Vec::with_capacity(room), Vec::with_capacity(room));
        let mut group = Group { commands, alone: false, callers, lanes: Vec::new(), slow: false };
        while group.commands.len() < most
            && let Some(id) = self.turn(group.lanes.is_empty())
        {
            group.lanes.push(id);
            group.alone = self.lanes.get_mut(&id).is_some_and(|lane| std::mem::take(&mut lane.alone));
            self.take(id, share, &mut group);
            if group.alone {
                break;
            }
        }
        if group.alone {
            self.is_slow(&mut group);
        }
        // The unused part of a share goes to lanes with more commands.
        for at in 0..group.lanes.len() {
            self.take(group.lanes[at], most - group.commands.len(), &mut group);
        }
        // Lanes without room in this group get a writer now, even if this group has to wait for a lock.
        (Some(group), self.hire())
    }

    /// Notes that a group takes longer than [`LONG`]. Returns whether another writer begins in its place.
    pub fn takes_long(&mut self, group: &mut Group<K, C, A>) -> bool {
        self.is_slow(group);
        self.hire()
    }

    /// Frees the lanes of a group that has only its commit left, if half as many commands have arrived. `None` means that the group keeps
    /// its lanes until it has ended, else another writer may begin.
    pub fn released(&mut self, lanes: &[K], size: usize) -> Option<bool> {
        if size < CROWD || self.waiting < size / 2 {
            return None;
        }
        self.released += 1;
        self.free(lanes.iter().copied(), false);
        Some(self.hire())
    }

    /// Puts the commands that a group gives back at the head of their lanes, and frees its lanes unless it has released them.
    pub fn ended(&mut self, group: Ended<K, C, A>, held: bool) -> Option<Order<K>> {
        self.slow -= usize::from(group.slow);
        let given_back = !group.back.is_empty();
        for (id, job) in group.back.into_iter().rev() {
            let lane = self.lanes.entry(id).or_default();
            if lane.waiting.is_empty() && !lane.writing {
                self.turns.push_back(id);
            }
            lane.alone = true;
            lane.waiting.push_front(job);
            self.waiting += 1;
        }
        if !held {
            self.released -= 1;
            return None;
        }
        let enough = group.size / 2;
        if group.size >= CROWD && !given_back && self.waiting < enough && self.pause.is_none() {
            self.pause = Some(Pause { enough, lanes: group.lanes });
            return Some(Order::Pause(LONGEST_PAUSE));
        }
        self.free(group.lanes, group.alone && given_back)
    }

    /// Notes that the pause of a writer has ended.
    pub fn resumed(&mut self) {
        if let Some(pause) = self.pause.take() {
            self.free(pause.lanes, false);
        }
    }

    /// Notes that a lane has rested. Returns the callers whose patience has ended, to be refused as [`Refused::Locked`], and whether
    /// another writer begins.
    pub fn rested(&mut self, id: K, now: Instant) -> (Vec<A>, bool) {
        let Some(lane) = self.lanes.get_mut(&id) else { return (Vec::new(), false) };
        let waits = |job: &Job<C, A>| !job.caller.has_left() && now - job.since < self.rules.patience;
        let (waiting, impatient): (VecDeque<_>, VecDeque<_>) = lane.waiting.drain(..).partition(waits);
        lane.waiting = waiting;
        self.waiting -= impatient.len();
        if lane.waiting.is_empty() {
            self.lanes.remove(&id);
        } else {
            self.turns.push_back(id);
        }
        (impatient.into_iter().map(|job| job.caller).collect(), self.hire())
    }

    /// Notes that a group takes long, or will if its lane is still locked.
    fn is_slow(&mut self, group: &mut Group<K, C, A>) {
        self.slow += usize::from(!group.slow);
        group.slow = true;
    }

    /// Whether another writer begins. A few large groups cost less than many small ones. While a group commits, one writer more than usual
    /// may be at work.
    fn hire(&mut self) -> bool {
        let quick = self.writers - self.slow;
        let needed = quick <= self.released || quick == 1 && self.waiting >= self.rules.few || self.waiting >= PRESSING;
        let begin = needed && !self.turns.is_empty() && self.writers < self.rules.writers + self.released.min(1);
        self.writers += usize::from(begin);
        begin
    }

    /// Removes and returns the lane with the next turn. Without `any`, it skips lanes that need a group of their own.
    fn turn(&mut self, any: bool) -> Option<K> {
        let lanes = &self.lanes;
        let next = self.turns.iter().position(|id| any || lanes.get(id).is_some_and(|lane| !lane.alone))?;
        self.turns.remove(next)
    }

    /// Takes at most `most` commands of a lane, and skips those whose callers have left.
    fn take(&mut self, id: K, most: usize, group: &mut Group<K, C, A>) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        lane.writing = true;
        let number = lane.waiting.len().min(most);
        self.waiting -= number;
        for Job { command, caller, since } in lane.waiting.drain(..number).filter(|job| !job.caller.has_left()) {
            group.commands.push(command);
            group.callers.push((id, caller, since));
        }
    }

    /// Gives lanes their next turn, lets them rest if they are `locked`, or forgets them. A locked group has only one lane.
    fn free(&mut self, lanes: impl IntoIterator<Item = K>, locked: bool) -> Option<Order<K>> {
        let mut order = None;
        for id in lanes {
            let Some(lane) = self.lanes.get_mut(&id) else { continue };
            lane.writing = false;
            lane.locked = if locked { lane.locked + 1 } else { 0 };
            if lane.waiting.is_empty() {
                self.lanes.remove(&id);
            } else if locked {
                // It has waiting commands. So no new command gives it a turn before it has rested.
                order = Some(Order::Rest(id, lane.rest()));
            } else {
                self.turns.push_back(id);
            }
        }
        order
    }
}

#[cfg(test)]
mod tests;
