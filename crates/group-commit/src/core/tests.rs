//! Scripts of events, and the groups that follow. `tests/pace.rs` has the orders to writers.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::mem::take;
use std::rc::Rc;

use super::*;

mod pace;

type Command = (u8, u32);

/// A caller, known by the number of its command.
struct Ticket(u32, Rc<Cell<bool>>);

impl Caller for Ticket {
    fn has_left(&self) -> bool {
        self.1.get()
    }
}

/// A core with a clock of its own, and writers that carry out its orders.
struct Script {
    core: Core<u8, Command, Ticket>,
    now: Instant,
    /// All groups that have begun.
    groups: Vec<Vec<Command>>,
    /// The groups that are being written, the oldest first.
    writing: Vec<(Vec<Command>, Group<u8, Command, Ticket>)>,
    /// The first commands of the groups that have released their lanes.
    released: Vec<Command>,
    answers: Vec<u32>,
    leaves: BTreeMap<u32, Rc<Cell<bool>>>,
}

const RULES: Rules = Rules { group: 4, queue: 8, few: 1, writers: 2, patience: Duration::from_secs(5) };

impl Script {
    fn new(rules: Rules) -> Self {
        let (groups, writing, answers, leaves) = (Vec::new(), Vec::new(), Vec::new(), BTreeMap::new());
        Self { core: Core::new(rules), now: Instant::now(), groups, writing, released: Vec::new(), answers, leaves }
    }

    /// Submits commands, which all find room. Returns whether the last one ends a pause.
    fn submit(&mut self, commands: impl IntoIterator<Item = Command>) -> bool {
        commands.into_iter().fold(false, |_, command| self.try_submit(command).unwrap())
    }

    fn try_submit(&mut self, (lane, n): Command) -> Result<bool, Refused> {
        let left = Rc::default();
        self.leaves.insert(n, Rc::clone(&left));
        let accepted = self.core.submitted(lane, (lane, n), Ticket(n, left), self.now)?;
        self.begin_if(accepted.begin);
        Ok(accepted.resume)
    }

    fn leave(&self, n: u32) {
        self.leaves[&n].set(true);
    }

    fn begin_if(&mut self, begin: bool) {
        assert!(!begin || self.go_on(), "a writer begins with nothing to write");
    }

    /// A writer takes its next group. Returns whether there is one.
    fn go_on(&mut self) -> bool {
        let (group, begin) = self.core.next();
        let found = group.is_some();
        if let Some(mut group) = group {
            let commands = take(&mut group.commands);
            self.groups.push(commands.clone());
            self.writing.push((commands, group));
        }
        self.begin_if(begin);
        found
    }

    /// Ends a group that is being written. Its writer goes on unless it has to pause.
    fn end(&mut self, at: usize, fate: impl Fn(Command) -> Option<Fate<Command, u32>>) -> Option<Order<u8>> {
        let (commands, group) = self.writing.remove(at);
        let released = self.released.iter().position(|first| commands.first() == Some(first)).map(|at| self.released.remove(at));
        let ended = group.ended(commands.into_iter().map_while(fate).collect(), |Ticket(n, _), result| {
            assert_eq!(result, n * 10, "the result of another command");
            self.answers.push(n);
        });
        let order = self.core.ended(ended, released.is_none());
        if !matches!(order, Some(Order::Pause(_))) {
            self.go_on();
        }
        order
    }

    fn done(&mut self, at: usize) -> Option<Order<u8>> {
        self.end(at, |(_, n)| Some(Fate::Done(n * 10)))
    }

    fn back(&mut self, at: usize) -> Option<Order<u8>> {
        self.end(at, |command| Some(Fate::Back(command)))
    }

    /// A group has only its commit left. Returns whether it releases its lanes.
    fn release(&mut self, at: usize) -> bool {
        let (commands, group) = &self.writing[at];
        let (first, begin) = (commands[0], self.core.released(group.lanes(), commands.len()));
        self.released.extend(begin.map(|_| first));
        self.begin_if(begin == Some(true));
        begin.is_some()
    }

    fn takes_long(&mut self, at: usize) {
        let begin = self.core.takes_long(&mut self.writing[at].1);
        self.begin_if(begin);
    }

    fn resume(&mut self) {
        self.core.resumed();
        self.go_on();
    }

    /// A lane has rested. Returns the callers that are refused.
    fn rested(&mut self, lane: u8, rest: Duration) -> Vec<u32> {
        self.now += rest;
        let (impatient, begin) = self.core.rested(lane, self.now);
        self.begin_if(begin);
        impatient.into_iter().map(|Ticket(n, _)| n).collect()
    }

    /// Writes everything that waits, and checks that the core then holds nothing.
    fn finish(mut self) -> (Vec<Vec<Command>>, Vec<u32>) {
        while !self.writing.is_empty() {
            if self.done(0).is_some() {
                self.resume();
            }
        }
        let Core { lanes, turns, writers, slow, released, waiting, pause, .. } = self.core;
        assert!(lanes.is_empty() && turns.is_empty() && pause.is_none());
        assert_eq!((writers, slow, released, waiting), (0, 0, 0, 0));
        (self.groups, self.answers)
    }
}

fn commands(lane: u8, numbers: std::ops::Range<u32>) -> Vec<Command> {
    numbers.map(|n| (lane, n)).collect()
}

#[test]
fn the_first_command_is_written_at_once_and_later_ones_share_groups() {
    let mut script = Script::new(RULES);
    script.submit(commands(1, 0..7));
    assert_eq!(script.groups, [[(1, 0)]]);
    let (groups, answers) = script.finish();
    assert_eq!(groups[1..], [commands(1, 1..5), commands(1, 5..7)]);
    assert_eq!(answers, [0, 1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_full_lane_refuses_commands_and_delays_no_other_lane() {
    let mut script = Script::new(RULES);
    // One is written and eight wait.
    script.submit(commands(1, 0..9));
    assert_eq!(script.try_submit((1, 9)), Err(Refused::Full));
    script.submit([(2, 20)]);
    assert_eq!(script.groups, [[(1, 0)], [(2, 20)]]);
    let (_, answers) = script.finish();
    assert_eq!(answers.len(), 10);
}

#[test]
fn a_command_whose_caller_left_early_is_skipped() {
    let mut script = Script::new(RULES);
    script.submit(commands(1, 0..4));
    // A command that is being written is not skipped.
    [0, 1, 3].iter().for_each(|n| script.leave(*n));
    script.done(0);
    script.submit([(1, 4)]);
    script.leave(4);
    let (groups, answers) = script.finish();
    assert_eq!(groups, [vec![(1, 0)], vec![(1, 2)], vec![]]);
    assert_eq!(answers, [0, 2]);
}

#[test]
fn a_group_that_breaks_answers_nobody_and_frees_its_lanes() {
    let mut script = Script::new(RULES);
    script.submit([(1, 0), (1, 1), (1, 2)]);
    script.end(0, |_| None);
    // Some fates are missing.
    script.end(0, |(_, n)| (n == 1).then_some(Fate::Done(10)));
    script.submit([(1, 3)]);
    let (groups, answers) = script.finish();
    assert_eq!(groups, [vec![(1, 0)], vec![(1, 1), (1, 2)], vec![(1, 3)]]);
    assert_eq!(answers, [1, 3]);
}

#[test]
fn each_lane_gives_its_share_and_takes_what_others_leave() {
    for (waiting, groups) in [
        // As many lanes as places.
        ("1111 2222 3333 4444", vec!["1234", "1234", "1234", "1234"]),
        // A share is the group divided by the lanes. A lane with fewer commands leaves its places to the first that has more.
        ("1111 2 3", vec!["1231", "11"]),
        ("1111 2222", vec!["1122", "1122"]),
        ("111 222222", vec!["1122", "1222", "2"]),
        ("1 2222", vec!["1222", "2"]),
        // More lanes than places. A lane that was written goes behind the lanes that wait.
        ("11 22 33 44 55 66", vec!["1234", "5612", "3456"]),
        ("11111 2 3 4 5", vec!["1234", "5111", "1"]),
    ] {
        let mut script = Script::new(Rules { writers: 1, ..RULES });
        // All of these wait while another lane is written.
        let of = |text: &str| -> Vec<u8> { text.bytes().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect() };
        script.submit([(9, 99)]);
        script.submit(of(waiting).into_iter().zip(0..));
        let lanes = script.finish().0.into_iter().skip(1).map(|group| {
            let mut lanes: Vec<u8> = group.into_iter().map(|(lane, _)| lane).collect();
            lanes.sort_unstable();
            lanes
        });
        let expected = groups.into_iter().map(|group| {
            let mut lanes = of(group);
            lanes.sort_unstable();
            lanes
        });
        assert_eq!(lanes.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{waiting}");
    }
}

#[test]
fn a_lane_is_in_one_group_at_a_time() {
    let mut script = Script::new(RULES);
    script.submit([(1, 0), (2, 1), (1, 2), (3, 3), (1, 4)]);
    assert_eq!(script.groups, [[(1, 0)], [(2, 1)]]);
    script.done(0);
    assert_eq!(script.groups[2..], [vec![(3, 3), (1, 2), (1, 4)]], "lane 1 has a turn when it was written, and not before");
    let (groups, _) = script.finish();
    assert_eq!(groups.concat().into_iter().filter(|(lane, _)| *lane == 1).collect::<Vec<_>>(), [(1, 0), (1, 2), (1, 4)]);
}

#[test]
fn commands_that_a_group_gives_back_go_lane_by_lane_in_their_order() {
    let mut script = Script::new(Rules { writers: 1, ..RULES });
    script.submit([(1, 0), (1, 1), (9, 2), (2, 3), (1, 4), (9, 5)]);
    script.done(0);
    assert!(!script.writing[0].1.alone);
    assert_eq!(script.back(0), None);
    assert!(script.writing[0].1.alone);
    // The next group of a lane is shared again.
    script.submit([(9, 6), (9, 7), (9, 8), (3, 9)]);
    let (groups, _) = script.finish();
    let together = vec![(9, 2), (2, 3), (1, 1), (9, 5)];
    assert_eq!(groups[1..5], [together, vec![(9, 2), (9, 5)], vec![(2, 3)], vec![(1, 1), (1, 4)]]);
    assert_eq!(groups[5..], [vec![(3, 9), (9, 6), (9, 7), (9, 8)]]);
}

#[test]
fn lanes_that_go_alone_do_not_wait_for_each_other_or_join_others() {
    let mut script = Script::new(RULES);
    script.submit([(1, 0), (2, 1), (8, 2), (3, 3)]);
    script.done(0);
    script.submit([(4, 4)]);
    // Lanes 8 and 3 come back, while lane 4 waits before them.
    script.back(1);
    assert_eq!(script.groups[2..], [vec![(8, 2), (3, 3)], vec![(4, 4)]]);
    script.done(0);
    assert_eq!(script.groups[4..], [[(8, 2)]]);
    script.done(0);
    assert_eq!(script.groups[5..], [[(3, 3)]]);
    assert_eq!(script.writing.len(), 2, "both are written at the same time");
    script.finish();
}
