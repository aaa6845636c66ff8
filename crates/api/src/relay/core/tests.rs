//! Scripts of events, and the orders that the core gives.

use super::*;

const BEGIN_BY: &str = "2026-01-01T00:01:00Z";
const LATEST: &str = "2026-01-01T00:01:30Z";

/// A core with a clock of its own.
struct Script {
    core: Core<u32, u32>,
    now: Instant,
    changes: u64,
}

impl Script {
    fn new() -> Self {
        Self { core: Core::new(IN_ALL), now: Instant::now(), changes: 0 }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn pass(&mut self, millis: u64) {
        self.now += Duration::from_millis(millis);
    }

    fn read(&self) -> Read {
        let seen = Seen { at: self.now, changes: self.changes };
        Read { seen, begin_by: Self::at(BEGIN_BY), latest: Self::at(LATEST) }
    }

    /// Claims all shares in full: every lane has enough items.
    fn claim(&mut self, due: impl IntoIterator<Item = u32>) -> Vec<(u32, usize)> {
        let shares = self.core.shares(due.into_iter().collect(), self.now);
        let items = shares.iter().flat_map(|(id, share)| std::iter::repeat_n((*id, *id), *share)).collect();
        self.core.claimed(&shares, items, self.read());
        shares
    }

    /// Begins all attempts that may begin. Returns their lanes and numbers.
    fn begin(&mut self) -> Vec<(u32, u64)> {
        let mut begun = Vec::new();
        loop {
            match self.core.next(self.now, Self::at("2026-01-01T00:00:00Z"), self.changes) {
                Some(Order::Begin(id, number, _)) => begun.push((id, number)),
                Some(Order::Confirm(id, items, _)) => self.core.confirmed(id, items, self.read()),
                Some(Order::Release(_)) => unreachable!("nothing is late here"),
                None => return begun,
            }
        }
    }

    fn answer(&mut self, begun: &[(u32, u64)], signal: Signal) {
        for (id, number) in begun {
            self.core.ended(*id, *number, Some(signal), self.now);
        }
    }

    /// Makes lanes trusted, with their full pace.
    fn trust(&mut self, lanes: std::ops::Range<u32>) {
        for _ in 0..4 {
            self.claim(lanes.clone());
            let begun = self.begin();
            self.answer(&begun, Signal::Well);
        }
        self.finish();
    }

    /// Answers all attempts until no lane holds an item.
    fn finish(&mut self) {
        while let begun @ [_, ..] = &self.begin()[..] {
            let begun = begun.to_vec();
            self.answer(&begun, Signal::Well);
        }
    }

    /// The most items that a trusted lane holds.
    fn batch(&self, lane: u32) -> usize {
        self.core.trusted[&lane].batch
    }
}

#[test]
fn a_lane_that_answers_gets_more_at_once() {
    let mut script = Script::new();
    assert_eq!(script.claim([1]), [(1, 1)]);
    // One attempt, then two, then as many as are allowed.
    for pace in [1, 2, PER_LANE, PER_LANE] {
        let begun = script.begin();
        assert_eq!(begun.len(), pace);
        script.answer(&begun, Signal::Well);
        script.claim([1]);
    }
    let begun = script.begin();
    script.answer(&begun[..1], Signal::Troubled);
    script.answer(&begun[1..], Signal::Troubled);
    assert_eq!(script.claim([1]), [(1, 1)]);
}

#[test]
fn a_lane_that_runs_dry_holds_more_until_its_items_wait_too_long() {
    let mut script = Script::new();
    script.trust(1..2);
    // It ran dry while it came to be trusted.
    for batch in [BATCH * 4, LARGEST_BATCH, LARGEST_BATCH] {
        script.claim([1]);
        assert_eq!(script.batch(1), batch);
        script.finish();
    }
    script.claim([1]);
    // A lane that has something left when more arrives holds enough.
    while script.core.lanes[&1].load() > LARGEST_BATCH / 2 {
        let begun = script.begin();
        script.answer(&begun, Signal::Well);
    }
    script.claim([1]);
    assert_eq!(script.batch(1), LARGEST_BATCH);
    script.pass(700);
    script.begin();
    assert_eq!(script.batch(1), BATCH);
}

#[test]
fn a_lane_that_has_few_items_holds_no_more() {
    let mut script = Script::new();
    script.trust(1..2);
    let batch = script.batch(1);
    for _ in 0..5 {
        let shares = script.core.shares(vec![1], script.now);
        script.core.claimed(&shares, vec![(1, 1)], script.read());
        let begun = script.begin();
        script.answer(&begun, Signal::Well);
    }
    assert_eq!(script.batch(1), batch);
}

#[test]
fn a_lane_in_trouble_keeps_nothing_here() {
    let mut script = Script::new();
    script.trust(1..2);
    let share = script.claim([1])[0].1;
    let begun = script.begin();
    let waiting = share - begun.len();
    assert_eq!(script.core.ended(1, begun[0].1, Some(Signal::Troubled), script.now).len(), waiting);
}

/// 500 receivers, the number that the contract promises to tolerate, and a new one. None of them was ever answered.
#[test]
fn five_hundred_that_never_answered_leave_room_for_a_new_one() {
    let mut script = Script::new();
    script.claim(0..500);
    assert_eq!(script.begin().len(), 500);
    assert_eq!(script.claim(0..501), [(500, 1)]);
    assert_eq!(script.begin(), [(500, 501)]);
}

/// All 500 had answered until now. The next attempt of another lane still begins within a second.
#[test]
fn five_hundred_that_stop_answering_delay_no_other() {
    let mut script = Script::new();
    script.trust(0..501);
    script.claim(0..500);
    // The worst case: the healthy lane comes last.
    let mut hanging = script.begin().len();
    script.claim(500..501);
    let mut waited = 0;
    loop {
        let begun = script.begin();
        hanging += begun.iter().filter(|(id, _)| *id < 500).count();
        let well: Vec<_> = begun.into_iter().filter(|(id, _)| *id == 500).collect();
        if !well.is_empty() {
            script.answer(&well, Signal::Well);
            break;
        }
        let wakes = script.core.wakes_at().expect("something waits");
        waited += (wakes - script.now).as_millis();
        script.now = wakes;
    }
    assert!(waited < 1000, "{waited} ms");
    // Afterwards the healthy lane is not delayed any more, however long the others hang.
    for _ in 0..40 {
        script.pass(250);
        let begun = script.begin();
        hanging += begun.iter().filter(|(id, _)| *id < 500).count();
        script.claim(500..501);
        let well: Vec<_> = script.begin().into_iter().chain(begun).filter(|(id, _)| *id == 500).collect();
        assert_eq!(well.len(), PER_LANE);
        script.answer(&well, Signal::Well);
    }
    assert!(hanging < IN_ALL, "{hanging}");
}

#[test]
fn more_that_never_answered_than_there_are_places_take_none_of_the_others() {
    let mut script = Script::new();
    script.trust(5000..5001);
    script.claim(0..5000);
    assert_eq!(script.begin().len(), SLOW);
    let batch = script.batch(5000);
    assert_eq!(script.claim(0..5001), [(5000, batch)]);
    assert_eq!(script.begin().len(), PER_LANE);
    script.claim(0..5001);
    assert!(!script.core.has_room(), "there is no place for the others");
}

#[test]
fn lanes_that_there_was_no_place_for_come_next() {
    let mut script = Script::new();
    script.claim(0..1000);
    let begun = script.begin();
    script.answer(&begun[..10], Signal::Troubled);
    assert!(script.core.has_room());
    let next: Vec<u32> = script.claim(0..1000).into_iter().map(|(id, _)| id).collect();
    assert_eq!(next, (640..650).collect::<Vec<_>>());
}

#[test]
fn a_slow_lane_goes_on_when_it_is_answered() {
    let mut script = Script::new();
    script.trust(1..2);
    script.claim([1]);
    let begun = script.begin();
    assert_eq!(begun.len(), PER_LANE);
    script.pass(1000);
    assert_eq!(script.begin(), []);
    script.answer(&begun[..1], Signal::Well);
    assert_eq!(script.begin().len(), 1);
}

#[test]
fn what_was_seen_a_while_ago_or_before_a_change_is_confirmed() {
    let mut script = Script::new();
    script.trust(1..2);
    script.claim([1]);
    let date = Script::at("2026-01-01T00:00:00Z");
    assert!(matches!(script.core.next(script.now, date, 0), Some(Order::Begin(1, _, 1))));
    let Some(Order::Confirm(1, items, _)) = script.core.next(script.now, date, 1) else { panic!("a change asks for a look") };
    assert_eq!(items.len(), script.batch(1) * 2 - 1);
    assert_eq!(script.core.next(script.now, date, 1), None, "nothing begins meanwhile");
    script.changes = 1;
    script.core.confirmed(1, vec![1, 1], script.read());
    assert!(matches!(script.core.next(script.now, date, 1), Some(Order::Begin(1, _, 1))));
    script.pass(700);
    assert!(script.core.next(script.now, date, 1).is_none(), "its first attempts take long");
    script.core.ended(1, 1, None, script.now);
    let next = script.core.next(script.now, date, 1);
    assert!(next.is_none() || matches!(next, Some(Order::Confirm(..))));
}

#[test]
fn what_would_outlive_its_lease_is_given_back() {
    let mut script = Script::new();
    script.claim([1]);
    let Some(Order::Release(items)) = script.core.next(script.now, Script::at("2026-01-01T00:01:00.001Z"), 0) else { panic!("it is late") };
    assert_eq!(items, [1]);
}

#[test]
fn a_confirmation_keeps_the_earliest_end_of_the_leases() {
    let mut script = Script::new();
    script.trust(1..2);
    let read = script.read();
    script.core.claimed(&[(1, 1)], vec![(1, 1)], read);
    script.core.claimed(&[(1, 1)], vec![(1, 1)], Read { latest: Script::at(BEGIN_BY), ..read });
    let Some(Order::Confirm(1, _, latest)) = script.core.next(script.now, Script::at("2026-01-01T00:00:00Z"), 1) else {
        panic!("a change")
    };
    assert_eq!(latest, Script::at(BEGIN_BY));
}

#[test]
fn a_look_that_found_nothing_more_asks_for_no_other() {
    let mut script = Script::new();
    let shares = script.core.shares(vec![1, 2], script.now);
    script.core.claimed(&shares, vec![(1, 1)], script.read());
    let begun = script.begin();
    assert!(!script.core.has_room());
    script.answer(&begun, Signal::Well);
    assert!(script.core.has_room(), "lane 1 got its share in full");
    script.core.shares(Vec::new(), script.now);
    assert!(!script.core.has_room());
}
