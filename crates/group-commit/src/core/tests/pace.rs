//! When writers begin, pause and wait: scripts of events, and the orders that follow.

use super::*;

#[test]
fn few_writers_begin_until_many_commands_wait() {
    let mut script = Script::new(Rules { group: 16, writers: 4, ..RULES });
    script.submit((1..32).map(|lane| (lane, u32::from(lane))));
    assert_eq!(script.writing.len(), 2);
    // With two in the groups, these are as many as may wait.
    script.submit([(32, 32), (33, 33)]);
    assert_eq!((script.writing.len(), script.core.waiting), (2, PRESSING - 1));
    script.submit([(34, 34)]);
    assert_eq!((script.writing.len(), script.groups[2].len()), (3, 16));
    script.finish();
}

#[test]
fn a_second_writer_begins_when_more_than_a_few_wait() {
    let mut script = Script::new(Rules { group: 16, few: 8, ..RULES });
    // One is in the group of the first writer.
    script.submit((0..8).map(|lane| (lane, u32::from(lane))));
    assert_eq!((script.writing.len(), script.core.waiting), (1, 7));
    script.submit([(8, 8)]);
    assert_eq!((script.writing.len(), script.groups[1].len()), (2, 8));
    script.finish();
    // A writer that goes on by itself takes all.
    let mut script = Script::new(Rules { group: 16, few: 8, ..RULES });
    script.submit((0..8).map(|lane| (lane, u32::from(lane))));
    script.done(0);
    assert_eq!((script.writing.len(), script.groups[1].len()), (1, 7));
    script.finish();
}

#[test]
fn a_slow_or_committing_group_leaves_its_place_even_to_a_few() {
    let mut script = Script::new(Rules { few: 8, ..RULES });
    script.submit([(1, 0), (2, 1)]);
    assert_eq!(script.writing.len(), 1);
    script.takes_long(0);
    assert_eq!(script.groups[1..], [[(2, 1)]]);
    script.finish();
    let mut script = Script::new(Rules { group: 16, queue: 100, few: 8, ..RULES });
    script.submit(commands(1, 0..9));
    script.done(0);
    script.submit(commands(1, 100..104));
    assert!(script.release(0));
    assert_eq!((script.writing.len(), script.groups[2].len()), (2, 4));
    script.finish();
}

#[test]
fn no_more_writers_begin_than_the_rules_allow() {
    let mut script = Script::new(Rules { group: 1, writers: 3, ..RULES });
    script.submit((0..100).map(|lane| (lane, u32::from(lane))));
    assert_eq!(script.writing.len(), 3);
    (0..3).for_each(|at| script.takes_long(at));
    assert_eq!(script.writing.len(), 3);
    script.finish();
}

#[test]
fn lanes_without_room_in_a_group_get_another_writer() {
    let mut script = Script::new(RULES);
    script.submit([(1, 0), (2, 1), (3, 2), (4, 3)]);
    script.done(0);
    script.done(0);
    assert_eq!((&script.groups[2..], script.core.writers), (&[vec![(3, 2), (4, 3)]][..], 1));
    script.back(0);
    assert_eq!(script.groups[3..], [[(3, 2)], [(4, 3)]]);
    assert_eq!(script.writing.len(), 2);
    script.finish();
}

#[test]
fn another_writer_begins_in_the_place_of_a_slow_one() {
    let mut script = Script::new(Rules { writers: 8, ..RULES });
    script.submit([(1, 0), (2, 1), (3, 2), (4, 3)]);
    assert_eq!(script.groups, [[(1, 0)], [(2, 1)]]);
    script.takes_long(0);
    assert_eq!(script.groups[2..], [[(3, 2), (4, 3)]]);
    script.submit([(5, 4)]);
    assert_eq!(script.groups.len(), 3, "two writers are quick");
    // The slow group ends, and with nothing to write the two others do too.
    for _ in 0..3 {
        assert_eq!(script.done(0), None);
    }
    script.submit([(6, 5), (7, 6), (8, 7)]);
    assert_eq!(script.writing.len(), 2, "no writer is slow any more");
    script.finish();
}

#[test]
fn after_a_large_group_the_writer_pauses_until_half_as_many_wait() {
    let pause = Some(Order::Pause(LONGEST_PAUSE));
    for (size, waiting, expected) in [
        (CROWD - 1, 0, None),
        (CROWD, 0, Some(4)),
        (CROWD, 3, Some(1)),
        (CROWD, 4, None),
        (CROWD, 5, None),
        (15, 6, Some(1)),
        (16, 6, Some(2)),
        (16, 8, None),
    ] {
        let mut script = Script::new(Rules { group: 16, queue: 100, writers: 1, ..RULES });
        script.submit([(1, 0)]);
        script.submit(commands(1, 1..size as u32 + 1));
        assert_eq!(script.done(0), None);
        assert_eq!(script.groups[1].len(), size);
        script.submit(commands(1, 100..100 + waiting));
        let order = script.done(0);
        let Some(missing) = expected else {
            assert_eq!(order, None, "{size} {waiting}");
            script.finish();
            continue;
        };
        assert_eq!(order, pause, "{size} {waiting}");
        for n in 1..=missing {
            // The lane has no turn while its writer pauses.
            assert_eq!((script.submit([(1, 200 + n)]), script.groups.len()), (n == missing, 2), "{size} {waiting} {n}");
        }
        assert!(!script.submit([(2, 300)]), "the pause ends only once");
        script.resume();
        assert_eq!(script.groups[2].len(), (waiting + missing + 1) as usize);
        script.finish();
    }
}

#[test]
fn a_pause_that_ends_by_time_takes_what_has_arrived() {
    for arrived in 0..2 {
        let mut script = Script::new(Rules { group: 16, queue: 100, writers: 1, ..RULES });
        script.submit(commands(1, 0..9));
        script.done(0);
        assert_eq!(script.done(0), Some(Order::Pause(LONGEST_PAUSE)));
        assert!(!script.submit(commands(1, 20..20 + arrived)));
        script.resume();
        assert_eq!(script.groups.len(), 2 + arrived as usize);
        assert!(!script.submit(commands(1, 30..36)), "no pause is left to end");
        script.finish();
    }
}

#[test]
fn only_one_writer_pauses_at_a_time() {
    let mut script = Script::new(Rules { group: 16, queue: 100, ..RULES });
    script.submit([(1, 0), (2, 1)]);
    script.submit(commands(1, 10..18));
    script.done(0);
    script.submit(commands(2, 20..28));
    script.done(0);
    assert_eq!(script.groups[2..], [commands(1, 10..18), commands(2, 20..28)]);
    assert_eq!(script.done(0), Some(Order::Pause(LONGEST_PAUSE)));
    assert_eq!(script.done(0), None);
    // Lane 2 is free, but not lane 1.
    script.submit([(1, 30), (2, 31)]);
    assert_eq!(script.groups[4..], [[(2, 31)]]);
    script.resume();
    script.finish();
}

#[test]
fn a_large_group_that_gives_commands_back_is_followed_at_once() {
    let mut script = Script::new(Rules { group: 16, queue: 100, writers: 1, ..RULES });
    script.submit(commands(1, 0..9));
    script.done(0);
    // Only one command comes back.
    let order = script.end(0, |(lane, n)| Some(if n == 5 { Fate::Back((lane, n)) } else { Fate::Done(n * 10) }));
    assert_eq!((order, &script.groups[2]), (None, &vec![(1, 5)]));
    script.finish();
}

#[test]
fn a_locked_lane_rests_longer_each_time_and_has_no_turn_meanwhile() {
    let mut script = Script::new(Rules { writers: 1, ..RULES });
    script.submit([(9, 0)]);
    assert_eq!(script.back(0), None, "a shared group does not rest");
    let mut rests = Vec::new();
    for n in 1..8 {
        let Some(Order::Rest(9, rest)) = script.back(0) else { panic!("no rest") };
        rests.push(rest.as_millis());
        // The writer is free for other lanes.
        script.submit([(9, n), (1, 100 + n)]);
        assert_eq!(script.groups.last().unwrap(), &[(1, 100 + n)]);
        script.done(0);
        assert!(script.writing.is_empty());
        assert_eq!(script.rested(9, rest), []);
    }
    assert_eq!(rests, [25, 50, 100, 200, 400, 400, 400]);
    assert_eq!(script.groups.last().unwrap(), &commands(9, 0..4));
    // A group that is written ends the row.
    script.done(0);
    script.back(0);
    let Some(Order::Rest(9, REST)) = script.back(0) else { panic!("no rest") };
    script.rested(9, REST);
    script.finish();
}

#[test]
fn a_command_waits_no_longer_than_its_patience() {
    let mut script = Script::new(RULES);
    script.submit([(9, 0)]);
    script.back(0);
    let Some(Order::Rest(9, rest)) = script.back(0) else { panic!("no rest") };
    assert_eq!(script.core.waiting, 1);
    script.now += RULES.patience / 2;
    script.submit([(9, 1), (9, 2)]);
    script.leave(2);
    script.now += RULES.patience / 2 - rest - Duration::from_millis(1);
    // Nobody hears that the command of a caller that left is refused.
    assert_eq!(script.rested(9, rest), [2]);
    let Some(Order::Rest(9, _)) = script.back(0) else { panic!("no rest") };
    assert_eq!(script.rested(9, Duration::from_millis(1)), [0]);
    assert_eq!(script.groups.last().unwrap(), &[(9, 1)]);
    let Some(Order::Rest(9, _)) = script.back(0) else { panic!("no rest") };
    assert_eq!(script.rested(9, RULES.patience), [1]);
    assert!(script.writing.is_empty());
    script.finish();
}

#[test]
fn each_command_is_answered_once_whatever_happens() {
    for seed in 1..200_u64 {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        let rules = Rules { group: 1 + random(20), queue: 20, writers: 1 + random(4), ..RULES };
        let (mut script, mut resting, mut paused, mut accepted, mut refused) =
            (Script::new(rules), Vec::new(), false, Vec::new(), Vec::new());
        for n in 0..300 {
            let at = random(script.writing.len().max(1));
            let order = match random(10) {
                0 if !script.writing.is_empty() => script.back(at),
                1 | 2 if !script.writing.is_empty() => script.done(at),
                3 if !script.writing.is_empty() && !script.writing[at].1.slow => {
                    script.takes_long(at);
                    None
                }
                4 if take(&mut paused) => {
                    script.resume();
                    None
                }
                5 if !resting.is_empty() => {
                    let (lane, rest) = resting.swap_remove(random(resting.len()));
                    refused.extend(script.rested(lane, rest));
                    None
                }
                _ => {
                    accepted.extend(script.try_submit((random(5) as u8, n)).is_ok().then_some(n));
                    None
                }
            };
            match order {
                Some(Order::Pause(_)) => paused = true,
                Some(Order::Rest(lane, rest)) => resting.push((lane, rest)),
                None => {}
            }
            let writing = script.writing.iter().flat_map(|(_, group)| group.lanes.iter());
            assert_eq!(writing.clone().count(), writing.collect::<std::collections::BTreeSet<_>>().len(), "a lane is in two groups");
            assert!(script.writing.len() <= rules.writers && script.writing.iter().all(|(commands, _)| commands.len() <= rules.group));
        }
        resting.into_iter().for_each(|(lane, rest)| refused.extend(script.rested(lane, rest)));
        if paused {
            script.resume();
        }
        let (_, mut answered) = script.finish();
        answered.extend(refused);
        answered.sort_unstable();
        assert_eq!(answered, accepted, "{seed}");
    }
}

/// A script of one writer with a group of [`CROWD`] commands, and some that wait.
fn crowd(waiting: u32) -> Script {
    let mut script = Script::new(Rules { group: 16, queue: 100, writers: 1, ..RULES });
    script.submit([(1, 0)]);
    script.submit(commands(1, 1..CROWD as u32 + 1));
    assert_eq!(script.done(0), None);
    script.submit(commands(1, 100..100 + waiting));
    script
}

#[test]
fn the_next_group_of_a_crowd_begins_while_one_commits() {
    let mut script = crowd(4);
    assert!(script.release(0));
    assert_eq!((script.writing.len(), &script.groups[2..]), (2, &[commands(1, 100..104)][..]));
    // The next group holds the lane now, and there is no third one.
    script.submit(commands(1, 200..240));
    assert_eq!(script.writing.len(), 2);
    assert_eq!(script.done(0), None);
    assert_eq!((script.writing.len(), script.core.writers), (1, 1));
    script.finish();
}

#[test]
fn a_group_keeps_its_lanes_until_its_end_if_few_wait() {
    let mut script = crowd(3);
    assert!(!script.release(0));
    assert_eq!(script.writing.len(), 1);
    assert_eq!(script.done(0), Some(Order::Pause(LONGEST_PAUSE)));
    script.resume();
    // A small group has no crowd behind it.
    assert!(!script.release(0));
    script.finish();
}

#[test]
fn what_is_given_back_after_a_release_is_written_later() {
    let mut script = crowd(4);
    assert!(script.release(0));
    script.done(1);
    assert_eq!(script.back(0), None);
    let (groups, answers) = script.finish();
    assert_eq!((&groups[3..], answers.len()), (&[commands(1, 1..9)][..], 13));

    let mut script = crowd(4);
    assert!(script.release(0));
    assert_eq!(script.back(0), None, "while the next group holds the lane");
    let (groups, answers) = script.finish();
    assert_eq!((&groups[3..], answers.len()), (&[commands(1, 1..9)][..], 13));
}
