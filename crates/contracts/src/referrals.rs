//! Cases of [`ReferralStore`](rally_domain::port::ReferralStore), and of the referrals that sign-ups write.

use std::collections::HashSet;

use futures_util::future::join_all;
use rally_domain::command::{DecideReferrals, DecideReferralsRejection, Decided, Review, Selected, SignUp};
use rally_domain::entry::Entry;
use rally_domain::error::CommandError;
use rally_domain::event::{Event, EventKind};
use rally_domain::id::{EntryId, ReferralId};
use rally_domain::ledger::{Referral, ReferralFilter, ReferralPolicy, ReferralSignal, ReferralState, Standing};
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::referral::ReferralBoost;
use rally_domain::secret::NetworkHash;
use rally_domain::text::DecisionReason;
use rally_domain::waitlist::Waitlist;
use serde_json::json;
use time::Duration;

use crate::purges::purge_all;
use crate::reviews::review;
use crate::samples::{ACTOR, active_list, active_list_in, delete_entry, delete_waitlist, erase_entry, join, join_by, later, sign_up};
use crate::{Fixture, imports};
use ReferralState::{Credited, Revoked, Withheld};

const HERE: NetworkHash = NetworkHash::new([1; 16]);
const THERE: NetworkHash = NetworkHash::new([2; 16]);

/// The command that puts referrals into a state.
pub fn decision(ports: &Ports, list: &Waitlist, selected: Selected, state: ReferralState) -> DecideReferrals {
    let event_ids = DecideReferrals::event_ids(&selected, &*ports.ids);
    let reason = DecisionReason::parse_optional("seen by eye").unwrap();
    DecideReferrals { waitlist_id: list.id, selected, state, reason, dry_run: false, event_ids, actor: ACTOR, now: later(ports, 5) }
}

async fn decide(ports: &Ports, list: &Waitlist, selected: Selected, state: ReferralState) -> Decided {
    ports.referrals.decide(decision(ports, list, selected, state)).await.unwrap()
}

/// All referrals of a list that pass a filter, read in small pages.
pub async fn ledger(ports: &Ports, list: &Waitlist, filter: ReferralFilter) -> Vec<Referral> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = ports.referrals.list(list.id, filter, after, Limit::new(3, 100).unwrap()).await.unwrap();
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

async fn all(ports: &Ports, list: &Waitlist) -> Vec<Referral> {
    ledger(ports, list, ReferralFilter::default()).await
}

async fn count(ports: &Ports, entry: &Entry) -> u64 {
    ports.entries.find(entry.waitlist_id, entry.id).await.unwrap().unwrap().referral_count
}

fn from(ports: &Ports, list: &Waitlist, referrer: &Entry, address: &str, network: NetworkHash) -> SignUp {
    let friends_code = Some(referrer.referral_code.clone());
    SignUp { friends_code, network: Some(network), ..sign_up(ports, list, address) }
}

async fn told(ports: &Ports) -> Vec<Event> {
    let events = ports.deliveries.events(10_000).await.unwrap();
    events.into_iter().filter(|event| event.kind.is_of_ledger() || event.kind == EventKind::RewardReached).collect()
}

/// A referral reads back as its sign-up judged it, also one that gives no credit. Those of another list are not there.
pub async fn a_referral_is_kept_in_every_state(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({"referral_fraud": "withhold", "referral_fraud_threshold": 40})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    let eve = join(&ports, &other, "eve@example.com").await;
    join_by(&ports, &other, &eve, "friend@example.com").await;
    let ada = ports.entries.sign_up(SignUp { network: Some(HERE), ..sign_up(&ports, &list, "ada@example.com") }).await.unwrap();
    let bob = ports.entries.sign_up(from(&ports, &list, &ada, "bob@example.com", THERE)).await.unwrap();
    let carl = ports.entries.sign_up(from(&ports, &list, &ada, "ada+2@example.com", HERE)).await.unwrap();
    assert_eq!((bob.referred_by, carl.referred_by, count(&there, &ada).await), (Some(ada.id), Some(ada.id), 1));
    let rows = all(&there, &list).await;
    let expected = |friend: &Entry, state, score, reasons| Referral {
        id: rows.iter().find(|row| row.referred == Some(friend.id)).expect("a row for each").id,
        waitlist_id: list.id,
        referrer: Some(ada.id),
        referred: Some(friend.id),
        state,
        score,
        reasons,
        policy: Some(list.settings.referral_policy),
        created_at: friend.created_at,
        decision: None,
    };
    let withheld = expected(&carl, Withheld, 100, vec![ReferralSignal::SameMailbox, ReferralSignal::SameNetwork]);
    assert_eq!(rows.len(), 2);
    for row in [expected(&bob, Credited, 0, Vec::new()), withheld] {
        assert!(rows.contains(&row), "{row:?} in {rows:?}");
    }
    let friends = there.entries.friends(ada.id, 9).await.unwrap();
    assert_eq!(friends.iter().filter(|friend| friend.is_credited).count(), 1);
}

/// Neighbours and bursts are those of one code, within a day and an hour.
pub async fn signals_are_of_one_code_and_its_time(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({"referral_hourly_cap": 5})).await;
    let (ada, bob) = (join(&ports, &list, "ada@example.com").await, join(&ports, &list, "bob@example.com").await);
    let refer = async |ports: &Ports, referrer: &Entry, address: &str, network, after: Duration| {
        let now = ports.clock.now().plus(after);
        let friend = ports.entries.sign_up(SignUp { now, ..from(ports, &list, referrer, address, network) }).await.unwrap();
        let rows = all(ports, &list).await;
        rows.into_iter().find(|row| row.referred == Some(friend.id)).expect("a row").score
    };
    for (n, score) in [0, 0, 0, 40].into_iter().enumerate() {
        let ports = if n % 2 == 0 { &ports } else { &there };
        assert_eq!(refer(ports, &ada, &format!("a{n}@example.com"), HERE, Duration::ZERO).await, score, "friend {n} of ada");
    }
    assert_eq!(refer(&ports, &bob, "b0@example.com", HERE, Duration::ZERO).await, 0, "a neighbour by another code");
    assert_eq!(refer(&ports, &ada, "a4@example.com", THERE, Duration::ZERO).await, 0);
    assert_eq!(refer(&there, &ada, "a5@example.com", THERE, Duration::minutes(59)).await, 60, "the sixth within an hour");
    assert_eq!(refer(&ports, &ada, "a6@example.com", THERE, Duration::minutes(61)).await, 0, "five are older than an hour");
    assert_eq!(refer(&ports, &ada, "a7@example.com", HERE, Duration::hours(23)).await, 40);
    assert_eq!(refer(&there, &ada, "a8@example.com", HERE, Duration::hours(25)).await, 0, "only one is of this day");
}

/// A person who was erased and comes back by a friend's code is known.
pub async fn a_person_who_comes_back_is_known(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"referral_fraud": "withhold"})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let bob = join_by(&ports, &list, &ada, "bob@example.com").await;
    assert!(ports.entries.erase(erase_entry(&ports, list.id, bob.id)).await.unwrap());
    let again = join_by(&ports, &list, &ada, "bob@example.com").await;
    let rows = all(&ports, &list).await;
    let row = rows.iter().find(|row| row.referred == Some(again.id)).expect("a row");
    assert_eq!((row.state, &*row.reasons), (Withheld, &[ReferralSignal::Returning][..]));
    assert_eq!(count(&ports, &ada).await, 1, "the first credit stays");
}

/// Of parallel sign-ups by one code exactly the cap is below it.
pub async fn parallel_referrals_are_counted_for_the_cap(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({"referral_fraud": "withhold", "referral_hourly_cap": 7})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let friends = (0..30).map(|n| {
        let ports = if n % 2 == 0 { &ports } else { &there };
        ports.entries.sign_up(SignUp { network: None, ..from(ports, &list, &ada, &format!("p{n}@example.com"), HERE) })
    });
    join_all(friends).await.into_iter().for_each(|friend| drop(friend.unwrap()));
    assert_eq!(count(&ports, &ada).await, 7);
    let of = |state| ReferralFilter { state: Some(state), referrer: Some(ada.id) };
    assert_eq!((ledger(&there, &list, of(Credited)).await.len(), ledger(&there, &list, of(Withheld)).await.len()), (7, 23));
}

/// A decision moves the count of the referrer, leaders and ranks, and nothing else of the entry.
pub async fn a_decision_moves_the_count_with_the_state(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let (ada, bob) = (join(&ports, &list, "ada@example.com").await, join(&ports, &list, "bob@example.com").await);
    join_by(&ports, &list, &bob, "b1@example.com").await;
    join_by(&ports, &list, &ada, "a1@example.com").await;
    join_by(&ports, &list, &ada, "a2@example.com").await;
    let first = ledger(&ports, &list, ReferralFilter { referrer: Some(ada.id), state: None }).await.pop().unwrap();
    let before = ports.entries.find(list.id, ada.id).await.unwrap().unwrap();
    let decided = decide(&ports, &list, Selected::Ids(vec![first.id]), Revoked).await;
    assert_eq!((decided.changed, decided.referrals.len(), decided.effects.len()), (1, 1, 1));
    let row = all(&there, &list).await.into_iter().find(|row| row.id == first.id).unwrap();
    assert_eq!(row, decided.referrals[0]);
    let decision = row.decision.clone().unwrap();
    assert_eq!((row.state, decision.at, decision.by), (Revoked, later(&ports, 5), ACTOR.subject()));
    assert_eq!(decision.reason.unwrap().as_str(), "seen by eye");
    assert_eq!(there.entries.find(list.id, ada.id).await.unwrap().unwrap(), Entry { referral_count: 1, ..before.clone() });
    let counts = |leaders: &[rally_domain::entry::Leader]| leaders.iter().map(|leader| leader.referral_count).collect::<Vec<_>>();
    assert_eq!(counts(&ports.stats.leaders(list.id, Limit::default()).await.unwrap()), [1, 1]);
    let ranks = ports.entries.ranks(list.id, ReferralBoost::new(1).unwrap()).await.unwrap();
    assert_eq!((ranks.find(ada.position, 0).ahead, ranks.find(bob.position, 0).ahead), (0, 1));
    let friends = there.entries.friends(ada.id, 9).await.unwrap();
    assert_eq!(friends.iter().map(|friend| friend.is_credited).filter(|counts| *counts).count(), 1);
    for state in [Revoked, Withheld, Credited, Credited] {
        decide(&there, &list, Selected::Ids(vec![first.id]), state).await;
    }
    assert_eq!(there.entries.find(list.id, ada.id).await.unwrap().unwrap(), before);
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}

/// Sign-ups, decisions, reviews, deletions and erasures at once, in two processes, leave counts that equal the credited rows.
pub async fn counts_equal_credited_rows_under_parallel_changes(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({"referral_fraud": "withhold", "referral_hourly_cap": 9})).await;
    let mut referrers = Vec::new();
    for n in 0..3 {
        referrers.push(join(&ports, &list, &format!("r{n}@example.com")).await);
    }
    let churn = async |worker: usize| {
        let ports = if worker.is_multiple_of(2) { &ports } else { &there };
        for n in 0..8 {
            let referrer = &referrers[(worker + n) % 3];
            let friend = ports.entries.sign_up(from(ports, &list, referrer, &format!("p{worker}-{n}@example.com"), HERE)).await.unwrap();
            let state = ReferralState::ALL[(worker * 8 + n) % 3];
            match n % 4 {
                0 => drop(ports.entries.delete(delete_entry(ports, list.id, friend.id)).await.unwrap()),
                1 => drop(ports.entries.erase(erase_entry(ports, list.id, friend.id)).await.unwrap()),
                2 => drop(ports.entries.review(review(ports, &friend, Review::Reject)).await.unwrap()),
                _ => {}
            }
            decide(ports, &list, Selected::Referrer(referrer.id), state).await;
        }
    };
    join_all((0..6).map(churn)).await;
    for referrer in &referrers {
        let rows = ledger(&there, &list, ReferralFilter { state: Some(Credited), referrer: Some(referrer.id) }).await;
        assert_eq!(count(&ports, referrer).await, rows.len() as u64);
    }
    assert_eq!(all(&ports, &list).await.len(), 48);
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}

/// A referral and every decision that changes it are told, once for each change, whether or not a webhook is subscribed.
pub async fn every_decision_is_told_once(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    join_by(&ports, &list, &ada, "a1@example.com").await;
    let id = all(&ports, &list).await[0].id;
    decide(&ports, &list, Selected::Ids(vec![id]), Revoked).await;
    for state in [Revoked, Credited, Credited, Withheld, Revoked] {
        decide(&ports, &list, Selected::Ids(vec![id]), state).await;
    }
    let friend = join_by(&ports, &list, &ada, "a2@example.com").await;
    let told = told(&ports).await;
    let kinds = |kind| told.iter().filter(|event| event.kind == kind).count();
    assert_eq!((kinds(EventKind::ReferralCredited), kinds(EventKind::ReferralWithheld), kinds(EventKind::ReferralRevoked)), (3, 1, 2));
    assert_eq!(told.len(), 6);
    assert!(told.iter().any(|event| event.entry_id == Some(friend.id) && event.body.contains(&ada.id.to_string())));
}

/// A milestone is told once, by the sign-up or the decision that reaches it first.
pub async fn a_reward_is_told_once(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let milestones = json!([{"count": 2, "reward": "a mug"}, {"count": 3, "reward": "a shirt"}, {"count": 4, "reward": "a hat"}]);
    let list = active_list(&ports, json!({"referral_rewards": {"milestones": milestones}})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    join_by(&ports, &list, &ada, "a1@example.com").await;
    let rewards = async || {
        let told = told(&there).await.into_iter().filter(|event| event.kind == EventKind::RewardReached);
        told.map(|event| serde_json::from_str::<serde_json::Value>(&event.body).unwrap()["data"].clone()).collect::<Vec<_>>()
    };
    join_by(&ports, &list, &ada, "a2@example.com").await;
    let first = rewards().await;
    assert_eq!(first.len(), 1);
    let (entry, milestone) = (&first[0]["entry"], &first[0]["milestone"]);
    assert_eq!((&entry["id"], &entry["referral_count"]), (&json!(ada.id.to_string()), &json!(2)));
    assert_eq!(milestone, &json!({"count": 2, "reward": "a mug"}));
    decide(&ports, &list, Selected::Referrer(ada.id), Revoked).await;
    decide(&there, &list, Selected::Referrer(ada.id), Credited).await;
    assert_eq!(rewards().await.len(), 1, "it was reached before");
    decide(&ports, &list, Selected::Referrer(ada.id), Revoked).await;
    for n in 3..=4 {
        join_by(&there, &list, &ada, &format!("a{n}@example.com")).await;
    }
    assert_eq!((count(&ports, &ada).await, rewards().await.len()), (2, 1), "two were taken back");
    decide(&ports, &list, Selected::Referrer(ada.id), Credited).await;
    let counts: HashSet<u64> = rewards().await.iter().filter_map(|told| told["milestone"]["count"].as_u64()).collect();
    assert_eq!(counts, HashSet::from([2, 3, 4]));
    assert_eq!(rewards().await.len(), 3);
}

/// A decision changes no referral of another list, and none of a deleted one.
pub async fn a_decision_needs_referrals_of_the_list(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    let ada = join(&ports, &other, "ada@example.com").await;
    ports.entries.sign_up(from(&ports, &other, &ada, "a1@example.com", HERE)).await.unwrap();
    let row = all(&ports, &other).await.remove(0);
    for selected in [Selected::Ids(vec![row.id]), Selected::Referrer(ada.id), Selected::NetworkOf(row.referred.unwrap())] {
        let decided = decide(&ports, &list, selected, Revoked).await;
        assert_eq!((decided.changed, decided.referrals), (0, Vec::new()));
    }
    assert_eq!(all(&ports, &other).await, std::slice::from_ref(&row));
    assert!(ports.waitlists.delete(delete_waitlist(&ports, other.workspace_id, other.id)).await.unwrap());
    let refused = ports.referrals.decide(decision(&ports, &other, Selected::Ids(vec![row.id]), Revoked)).await;
    assert!(matches!(refused, Err(CommandError::Rejected(DecideReferralsRejection::NoSuchWaitlist))), "{refused:?}");
    assert_eq!(all(&ports, &other).await, []);
}

/// A dry run tells what happens, and nothing happens.
pub async fn a_dry_run_changes_nothing(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    for n in 0..3 {
        join_by(&ports, &list, &ada, &format!("a{n}@example.com")).await;
    }
    let before = all(&ports, &list).await;
    let command = decision(&ports, &list, Selected::Referrer(ada.id), Withheld);
    let dry = ports.referrals.decide(DecideReferrals { dry_run: true, ..command.clone() }).await.unwrap();
    assert_eq!((all(&ports, &list).await, count(&ports, &ada).await), (before, 3));
    assert_eq!(ports.referrals.decide(command).await.unwrap(), dry);
    assert_eq!((count(&ports, &ada).await, dry.changed), (0, 3));
}

/// A selection takes the oldest referrals that are not in the state, and says that there are more.
pub async fn a_selection_takes_the_oldest_that_are_left(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"referral_fraud": "off"})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let extra = 3;
    let friends = (0..DecideReferrals::MAX + extra).map(|n| SignUp {
        friends_code: Some(ada.referral_code.clone()),
        now: later(&ports, n as i64),
        ..sign_up(&ports, &list, &format!("p{n}@example.com"))
    });
    join_all(friends.map(|friend| ports.entries.sign_up(friend))).await.into_iter().for_each(|friend| drop(friend.unwrap()));
    let first = decide(&ports, &list, Selected::Referrer(ada.id), Revoked).await;
    assert_eq!((first.referrals.len(), first.changed, first.more), (DecideReferrals::MAX, DecideReferrals::MAX as u64, true));
    let last = first.referrals.last().unwrap().created_at;
    assert_eq!(last, later(&ports, DecideReferrals::MAX as i64 - 1));
    let rest = decide(&ports, &list, Selected::Referrer(ada.id), Revoked).await;
    assert_eq!((rest.referrals.len(), rest.more), (extra, false));
    assert_eq!(count(&ports, &ada).await, 0);
}

/// The network of an entry selects those who came from there, and an entry without a network selects nothing.
pub async fn a_network_selects_its_own_referrals(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let (ada, bob) = (join(&ports, &list, "ada@example.com").await, join(&ports, &list, "bob@example.com").await);
    let mut friends = Vec::new();
    for (n, (referrer, network)) in [(&ada, HERE), (&bob, HERE), (&ada, THERE)].into_iter().enumerate() {
        friends.push(ports.entries.sign_up(from(&ports, &list, referrer, &format!("p{n}@example.com"), network)).await.unwrap());
    }
    let unknown = join_by(&ports, &list, &bob, "unknown@example.com").await;
    assert_eq!(decide(&ports, &list, Selected::NetworkOf(unknown.id), Revoked).await.referrals, []);
    let decided = decide(&ports, &list, Selected::NetworkOf(friends[0].id), Revoked).await;
    let named: HashSet<Option<EntryId>> = decided.referrals.iter().map(|row| row.referred).collect();
    assert_eq!(named, HashSet::from([Some(friends[0].id), Some(friends[1].id)]));
    let late = DecideReferrals { now: later(&ports, 31 * 86_400), ..decision(&ports, &list, Selected::NetworkOf(friends[2].id), Revoked) };
    assert_eq!(ports.referrals.decide(late).await.unwrap().referrals, [], "it is too old");
}

/// Referrals go newest first, those of one instant too, and a filter takes some of them.
pub async fn referrals_go_newest_first_and_filter(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let (ada, bob) = (join(&ports, &list, "ada@example.com").await, join(&ports, &list, "bob@example.com").await);
    for n in 0..9 {
        let (referrer, now) = (if n % 3 == 0 { &bob } else { &ada }, later(&ports, n / 4));
        ports.entries.sign_up(SignUp { now, ..from(&ports, &list, referrer, &format!("p{n}@example.com"), HERE) }).await.unwrap();
    }
    let rows = all(&ports, &list).await;
    let ids: HashSet<ReferralId> = rows.iter().map(|row| row.id).collect();
    assert_eq!((rows.len(), ids.len()), (9, 9));
    assert!(rows.is_sorted_by_key(|row| std::cmp::Reverse((row.created_at, row.id))));
    let revoked: Vec<ReferralId> = rows.iter().skip(2).step_by(2).map(|row| row.id).collect();
    decide(&ports, &list, Selected::Ids(revoked), Revoked).await;
    let rows = all(&ports, &list).await;
    for state in [None, Some(Credited), Some(Revoked), Some(Withheld)] {
        for referrer in [None, Some(ada.id), Some(bob.id), Some(EntryId::new(ports.ids.uuid()))] {
            let passes = |row: &&Referral| {
                state.is_none_or(|state| row.state == state) && referrer.is_none_or(|referrer| row.referrer == Some(referrer))
            };
            let expected: Vec<Referral> = rows.iter().filter(passes).cloned().collect();
            assert_eq!(ledger(&ports, &list, ReferralFilter { state, referrer }).await, expected);
        }
    }
}

/// Suspects are those with a score, with their networks, in any state. The newest come first.
pub async fn suspects_have_a_score(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = ports.entries.sign_up(SignUp { network: Some(HERE), ..sign_up(&ports, &list, "ada@example.com") }).await.unwrap();
    let near = ports.entries.sign_up(from(&ports, &list, &ada, "near@example.com", HERE)).await.unwrap();
    ports.entries.sign_up(from(&ports, &list, &ada, "far@example.com", THERE)).await.unwrap();
    decide(&ports, &list, Selected::Referrer(ada.id), Revoked).await;
    let suspects = ports.referrals.suspects(list.id, 10).await.unwrap();
    assert_eq!(suspects.len(), 1);
    let suspect = &suspects[0];
    assert_eq!((suspect.referrer, suspect.referred, suspect.network), (Some(ada.id), Some(near.id), Some(HERE)));
    assert_eq!((&*suspect.reasons, suspect.created_at), (&[ReferralSignal::SameNetwork][..], near.created_at));
    let newer = SignUp { now: later(&ports, 1), ..from(&ports, &list, &ada, "newer@example.com", HERE) };
    let newer = ports.entries.sign_up(newer).await.unwrap();
    let newest = ports.referrals.suspects(list.id, 1).await.unwrap();
    assert_eq!(newest.iter().map(|suspect| suspect.referred).collect::<Vec<_>>(), [Some(newer.id)]);
}

/// Everybody with referrals has a standing, rejected people too.
pub async fn standings_are_of_everybody_with_referrals(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let (ada, bob) = (join(&ports, &list, "ada@example.com").await, join(&ports, &list, "bob@example.com").await);
    join_by(&ports, &list, &ada, "a1@example.com").await;
    join_by(&ports, &list, &bob, "b1@example.com").await;
    join_by(&ports, &list, &bob, "b2@example.com").await;
    ports.entries.review(review(&ports, &bob, Review::Reject)).await.unwrap();
    let mut standings = ports.referrals.standings(list.id).await.unwrap();
    standings.sort_by_key(|standing| standing.position);
    let of = |entry: &Entry, referral_count| Standing { entry_id: entry.id, position: entry.position, referral_count };
    assert_eq!(standings, [of(&ada, 1), of(&bob, 2)]);
}

/// The times of credits are those of credited referrals: of the sign-up, or of the decision that credited it.
pub async fn credits_are_told_with_their_times(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    for n in 0..4 {
        let friend = SignUp { now: later(&ports, n), ..from(&ports, &list, &ada, &format!("p{n}@example.com"), HERE) };
        ports.entries.sign_up(friend).await.unwrap();
    }
    let rows = all(&ports, &list).await;
    decide(&ports, &list, Selected::Ids(vec![rows[3].id, rows[2].id]), Revoked).await;
    assert_eq!(ports.referrals.credited_at(ada.id, 9).await.unwrap(), [later(&ports, 2), later(&ports, 3)]);
    decide(&ports, &list, Selected::Ids(vec![rows[3].id]), Credited).await;
    assert_eq!(ports.referrals.credited_at(ada.id, 9).await.unwrap(), [2, 3, 5].map(|second| later(&ports, second)));
    assert_eq!(ports.referrals.credited_at(ada.id, 2).await.unwrap(), [2, 3].map(|second| later(&ports, second)));
}

/// Networks are forgotten of those who signed up before an instant, and of no others, though an import brought a time to come.
pub async fn networks_are_forgotten_in_time(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = ports.entries.sign_up(SignUp { network: Some(HERE), ..sign_up(&ports, &list, "ada@example.com") }).await.unwrap();
    let soon = later(&ports, 20 * 24 * 3600).unix_millis() / 1000;
    let to_come = vec![imports::row(2, soon, "soon@example.com"), imports::row(3, 3_000_000_000, "typo@example.com")];
    imports::run(&ports, imports::import(&ports, &list), to_come).await;
    let mut friends = Vec::new();
    for n in 0..4 {
        let friend = SignUp { now: later(&ports, n), ..from(&ports, &list, &ada, &format!("p{n}@example.com"), HERE) };
        friends.push(ports.entries.sign_up(friend).await.unwrap());
    }
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    ports.entries.sign_up(SignUp { network: Some(HERE), ..sign_up(&ports, &other, "ada@example.com") }).await.unwrap();
    loop {
        let looked_at = ports.referrals.forget_networks(later(&ports, 2), 1).await.unwrap();
        assert!(looked_at <= 1, "{looked_at}");
        if looked_at == 0 {
            break;
        }
    }
    let suspects = ports.referrals.suspects(list.id, 10).await.unwrap();
    let known: Vec<bool> = suspects.iter().map(|suspect| suspect.network.is_some()).collect();
    assert_eq!(known, [true, true, false, false]);
    let decided = decide(&ports, &list, Selected::NetworkOf(friends[0].id), Revoked).await;
    assert_eq!(decided.referrals, [], "the network of the entry is forgotten");
    let decided = decide(&ports, &list, Selected::NetworkOf(friends[3].id), Revoked).await;
    assert_eq!(decided.referrals.len(), 2);
}

/// Rows outlive the persons that they name. Those are named no more, and the credit stays.
pub async fn rows_outlive_their_persons(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let (ada, bob) = (join(&ports, &list, "ada@example.com").await, join(&ports, &list, "bob@example.com").await);
    let deleted = ports.entries.sign_up(from(&ports, &list, &ada, "deleted@example.com", HERE)).await.unwrap();
    let erased = ports.entries.sign_up(from(&ports, &list, &ada, "erased@example.com", HERE)).await.unwrap();
    let stays = ports.entries.sign_up(from(&ports, &list, &bob, "stays@example.com", HERE)).await.unwrap();
    decide(&ports, &list, Selected::Ids(all(&ports, &list).await.iter().map(|row| row.id).collect()), Withheld).await;
    decide(&ports, &list, Selected::Ids(all(&ports, &list).await.iter().map(|row| row.id).collect()), Credited).await;
    assert!(ports.entries.delete(delete_entry(&ports, list.id, deleted.id)).await.unwrap());
    assert!(ports.entries.erase(erase_entry(&ports, list.id, erased.id)).await.unwrap());
    assert!(ports.entries.delete(delete_entry(&ports, list.id, bob.id)).await.unwrap());
    let rows = all(&there, &list).await;
    let named: HashSet<_> = rows.iter().map(|row| (row.referrer, row.referred, row.state)).collect();
    assert_eq!(named, HashSet::from([(Some(ada.id), None, Credited), (None, Some(stays.id), Credited)]));
    assert_eq!((rows.len(), count(&there, &ada).await), (3, 2));
    purge_all(&ports).await;
    let reasons = all(&there, &list).await.into_iter().map(|row| row.decision.unwrap().reason);
    assert!(reasons.into_iter().all(|reason| reason.is_none()), "what an admin wrote of a person goes with them");
    assert_eq!(ledger(&there, &list, ReferralFilter { state: None, referrer: Some(bob.id) }).await, []);
    assert_eq!(decide(&ports, &list, Selected::Referrer(bob.id), Revoked).await.referrals, []);
    let decided = decide(&ports, &list, Selected::NetworkOf(stays.id), Revoked).await;
    assert_eq!(decided.referrals.len(), 1, "the network of those who are gone is forgotten");
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}

/// A rebuild sets every count to the credited rows.
pub async fn a_rebuild_counts_the_credited_rows(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    for n in 0..3 {
        join_by(&ports, &list, &ada, &format!("p{n}@example.com")).await;
    }
    let last = all(&ports, &list).await[0].id;
    decide(&ports, &list, Selected::Ids(vec![last]), Revoked).await;
    if fixture.miscount(&list).await {
        assert_ne!(count(&ports, &ada).await, 2);
        assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 1);
    }
    assert_eq!((count(&ports, &ada).await, ports.stats.rebuild().await.unwrap().corrected), (2, 0));
}

/// The SQL by which a database looks as a program without a ledger left it, with a referral of which the friend is gone.
const BEFORE_THE_LEDGER: [&str; 3] = [
    "DELETE FROM referrals",
    "UPDATE waitlist_totals SET ledger_position = 0, ledger_compared = 0",
    "UPDATE entries SET referral_count = referral_count + 1 WHERE email = 'ada@example.com'",
];

/// Older referrals get their rows: credited ones of the friends that stand, and rows without a friend for the rest of a count. What
/// sign-ups write meanwhile stays. This case is not among those of the macro, since it is about the tables that the SQL stores share.
pub async fn older_referrals_get_their_rows(fixture: &impl Fixture, tamper: impl AsyncFn(&str)) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let (ada, bob) = (join(&ports, &list, "ada@example.com").await, join(&ports, &list, "bob@example.com").await);
    let mut friends = Vec::new();
    for n in 0..5 {
        friends.push(join_by(&ports, &list, if n < 3 { &ada } else { &bob }, &format!("p{n}@example.com")).await);
    }
    assert_eq!((ports.referrals.unfilled().await.unwrap(), ports.referrals.fill(2).await.unwrap()), (0, 0));
    for sql in BEFORE_THE_LEDGER {
        tamper(sql).await;
    }
    assert_eq!(ports.referrals.unfilled().await.unwrap(), 7);
    // A sign-up while the rows are missing.
    friends.push(join_by(&ports, &list, &ada, "meanwhile@example.com").await);
    let mut steps = 0;
    while ports.referrals.fill(2).await.unwrap() > 0 {
        steps += 1;
        assert!(steps < 50, "it does not end");
    }
    assert_eq!((ports.referrals.unfilled().await.unwrap(), ports.stats.rebuild().await.unwrap().corrected), (0, 0));
    let rows = all(&ports, &list).await;
    let of = |referrer: &Entry| rows.iter().filter(|row| row.referrer == Some(referrer.id)).count() as u64;
    assert_eq!((of(&ada), of(&bob), rows.len()), (count(&ports, &ada).await, 2, 7));
    for friend in &friends {
        let row = rows.iter().find(|row| row.referred == Some(friend.id)).expect("a row for each friend");
        assert_eq!((row.state, row.created_at, row.referrer), (Credited, friend.created_at, friend.referred_by));
    }
    let rest = rows.iter().find(|row| row.referred.is_none()).expect("a row for the friend who is gone");
    assert_eq!((rest.referrer, rest.created_at, rest.policy, rest.score), (Some(ada.id), ada.created_at, None, 0));
    // An older program signs somebody up: it knows neither the ledger nor its cursors.
    tamper("UPDATE referrals SET referred_entry_id = NULL, referrer_entry_id = NULL WHERE policy IS NOT NULL").await;
    tamper("UPDATE waitlist_totals SET ledger_position = ledger_position - 1").await;
    while ports.referrals.fill(100).await.unwrap() > 0 {}
    let again = all(&ports, &list).await;
    assert!(again.iter().any(|row| row.referred == Some(friends[5].id) && row.policy.is_none()));
    let next = join_by(&ports, &list, &bob, "next@example.com").await;
    assert_eq!((ports.referrals.unfilled().await.unwrap(), next.referred_by), (0, Some(bob.id)));
    let rows = all(&ports, &list).await;
    let row = rows.iter().find(|row| row.referred == Some(next.id)).expect("the row of its sign-up");
    assert_eq!(row.policy, Some(ReferralPolicy::default()));
}
