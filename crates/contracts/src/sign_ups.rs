//! Cases of [`EntryStore::sign_up`](rally_domain::port::EntryStore::sign_up).

use std::collections::{HashMap, HashSet};

use futures_util::future::join_all;
use rally_domain::command::{GroupFacts, Review, SignUp, SignUpGroup, SignUpRejection, UpdateVariant, UpdateWaitlist};
use rally_domain::custom_field::Metadata;
use rally_domain::entry::Entry;
use rally_domain::error::CommandError;
use rally_domain::event::EventKind;
use rally_domain::id::VariantId;
use rally_domain::import::ImportRow;
use rally_domain::paging::Limit;
use rally_domain::profile::Profile;
use rally_domain::referral::{Position, ReferralCode};
use rally_domain::waitlist::WaitlistStatus;
use serde_json::json;

use crate::Fixture;
use crate::confirmations::{confirmation, confirming_list, request, waiting};
use crate::entries::{all_entries, control_variant, positions};
use crate::imports::{import, row, run};
use crate::reviews::review;
use crate::samples::{
    ACTOR, active_list, active_list_in, change_status, delete_entry, delete_waitlist, join, join_by, profile, sign_up, sign_up_as, told,
    workspace,
};
use crate::waitlists::update;

type Outcome = Result<Entry, CommandError<SignUpRejection>>;

/// Runs sign-ups at once, every other one in another process.
async fn in_parallel(fixture: &impl Fixture, commands: Vec<SignUp>) -> Vec<Outcome> {
    let (here, there) = (fixture.ports(), fixture.reopen().await);
    let tasks = commands.into_iter().enumerate().map(|(n, command)| {
        let ports = if n % 2 == 0 { here.clone() } else { there.clone() };
        tokio::spawn(async move { ports.entries.sign_up(command).await })
    });
    join_all(tasks).await.into_iter().map(|outcome| outcome.expect("no panic")).collect()
}

fn rejection(outcome: &Outcome) -> Option<&SignUpRejection> {
    match outcome {
        Err(CommandError::Rejected(rejection)) => Some(rejection),
        Ok(_) | Err(CommandError::Fault(_)) => None,
    }
}

/// Positions are 1 to n, each once, though some of the sign-ups were refused meanwhile.
pub async fn positions_are_dense_when_processes_sign_up_in_parallel(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    // Every fifth address was used before.
    let commands = (0..60).map(|n| sign_up(&ports, &list, &format!("p{}@example.com", if n % 5 == 4 { n - 1 } else { n }))).collect();
    let outcomes = in_parallel(fixture, commands).await;
    let mut given: Vec<u64> = outcomes.iter().filter_map(|o| o.as_ref().ok()).map(|entry| entry.position.number()).collect();
    given.sort_unstable();
    assert_eq!(given, (1..=48).collect::<Vec<_>>());
    assert!(outcomes.iter().filter(|o| o.is_err()).all(|o| rejection(o) == Some(&SignUpRejection::EmailTaken)), "{outcomes:?}");
    assert_eq!(positions(&all_entries(&ports, list.id, None, 7).await), given);
    assert_eq!(ports.stats.count(list.id).await.unwrap(), 48);
}

/// A refused sign-up leaves no row, no position, no count and no event.
pub async fn a_refused_sign_up_leaves_nothing_behind(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"custom_fields": [{"key": "company", "required": true}]})).await;
    let refused = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await;
    assert!(matches!(rejection(&refused), Some(SignUpRejection::Metadata(_))), "{refused:?}");
    assert_eq!(ports.stats.count(list.id).await.unwrap(), 0);
    assert_eq!(told(&ports, 10).await, []);
    let answered = json!({"company": "Acme"}).as_object().cloned().unwrap();
    let profile = Profile { metadata: Metadata::parse(answered).unwrap(), ..profile("ada@example.com") };
    assert_eq!(ports.entries.sign_up(sign_up_as(&ports, &list, profile)).await.unwrap().position, Position::new(1));
}

/// A list takes exactly as many sign-ups as it may, whichever come first.
pub async fn a_list_never_takes_more_than_it_may(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"max_entries": 10})).await;
    let commands = (0..30).map(|n| sign_up(&ports, &list, &format!("p{n}@example.com"))).collect();
    let outcomes = in_parallel(fixture, commands).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 10);
    assert!(outcomes.iter().filter(|o| o.is_err()).all(|o| rejection(o) == Some(&SignUpRejection::WaitlistFull)), "{outcomes:?}");
    assert_eq!(positions(&all_entries(&ports, list.id, None, 100).await), (1..=10).collect::<Vec<_>>());
}

/// Of many sign-ups with one address one succeeds, and the others are told so.
pub async fn an_address_joins_once_however_many_try(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let commands = (0..50).map(|_| sign_up(&ports, &list, "ada@example.com")).collect();
    let outcomes = in_parallel(fixture, commands).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().filter(|o| o.is_err()).all(|o| rejection(o) == Some(&SignUpRejection::EmailTaken)), "{outcomes:?}");
    assert_eq!(ports.stats.count(list.id).await.unwrap(), 1);
    let next = ports.entries.sign_up(sign_up(&ports, &list, "bob@example.com")).await.unwrap();
    assert_eq!(next.position, Position::new(2));
    let elsewhere = active_list_in(&ports, list.workspace_id, "elsewhere", json!({})).await;
    assert!(ports.entries.sign_up(sign_up(&ports, &elsewhere, "ada@example.com")).await.is_ok());
}

/// A referrer gets one credit for each sign-up, however many use one code at once.
pub async fn a_referral_is_credited_exactly_once_each(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    let commands = (0..40)
        .map(|n| SignUp { friends_code: Some(ada.referral_code.clone()), ..sign_up(&ports, &list, &format!("p{}@example.com", n / 2)) })
        .collect();
    let outcomes = in_parallel(fixture, commands).await;
    let honoured: Vec<&Entry> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    assert_eq!(honoured.len(), 20);
    assert!(honoured.iter().all(|entry| entry.referred_by == Some(ada.id)));
    let ada = ports.entries.find(list.id, ada.id).await.unwrap().unwrap();
    assert_eq!((ada.referral_count, ada.position), (20, Position::new(1)));
}

/// A code of another list, and a code that no entry has, earn nothing. Neither is an error.
pub async fn a_code_of_another_list_earns_nothing(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let elsewhere = active_list_in(&ports, list.workspace_id, "elsewhere", json!({})).await;
    let stranger = ports.entries.sign_up(sign_up(&ports, &elsewhere, "ada@example.com")).await.unwrap();
    let nobodys = ReferralCode::from_entropy(ports.ids.entropy());
    for (n, code) in [stranger.referral_code.clone(), nobodys].into_iter().enumerate() {
        let command = SignUp { friends_code: Some(code), ..sign_up(&ports, &list, &format!("p{n}@example.com")) };
        assert_eq!(ports.entries.sign_up(command).await.unwrap().referred_by, None);
    }
    assert_eq!(ports.entries.find(elsewhere.id, stranger.id).await.unwrap().unwrap().referral_count, 0);
}

/// A code that is taken on any list of any workspace is reported, since a code is unique in the deployment.
pub async fn a_code_that_is_taken_is_told(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let elsewhere = active_list_in(&ports, list.workspace_id, "elsewhere", json!({})).await;
    let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    let code = ada.referral_code;
    let command = SignUp { own_code: code.clone(), ..sign_up(&ports, &elsewhere, "bob@example.com") };
    let refused = ports.entries.sign_up(command).await;
    assert_eq!(rejection(&refused), Some(&SignUpRejection::CodeTaken), "{refused:?}");
    assert_eq!(ports.stats.count(elsewhere.id).await.unwrap(), 0);
    let foreign = active_list_in(&ports, workspace(&ports, "beta").await.id, "list", json!({})).await;
    let refused = ports.entries.sign_up(SignUp { own_code: code.clone(), ..sign_up(&ports, &foreign, "bob@example.com") }).await;
    assert_eq!(rejection(&refused), Some(&SignUpRejection::CodeTaken), "{refused:?}");
    // Nobody who signs up at the same time is refused with them.
    let mut crowd: Vec<SignUp> = (0..20).map(|n| sign_up(&ports, &elsewhere, &format!("p{n}@example.com"))).collect();
    crowd[7].own_code = code;
    let outcomes = join_all(crowd.into_iter().map(|command| ports.entries.sign_up(command))).await;
    let refused: Vec<usize> = outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_err()).map(|(n, _)| n).collect();
    assert_eq!((refused, rejection(&outcomes[7])), (vec![7], Some(&SignUpRejection::CodeTaken)));
    let mut positions: Vec<u64> = outcomes.iter().flatten().map(|entry| entry.position.number()).collect();
    positions.sort_unstable();
    assert!(positions.into_iter().eq(1..=19));
}

/// A new code that somebody on the list shared elsewhere, before they were imported, is reported as taken, also when a request is
/// confirmed. On another list it is free.
pub async fn a_new_code_is_no_old_code_of_the_list(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = confirming_list(&ports, json!({})).await;
    let elsewhere = active_list_in(&ports, list.workspace_id, "elsewhere", json!({})).await;
    let code = ReferralCode::from_entropy(ports.ids.entropy());
    let imported = ImportRow { old_code: Some(code.as_str().to_owned()), ..row(2, 1, "ada@example.com") };
    run(&ports, import(&ports, &list), vec![imported]).await;
    ports.confirmations.request_mail(request(&ports, &list, "eve@example.com")).await.unwrap();
    let waiting = waiting(&ports, &list).await.remove(0);
    for command in [sign_up(&ports, &list, "bob@example.com"), confirmation(&ports, &waiting)] {
        let refused = ports.entries.sign_up(SignUp { own_code: code.clone(), ..command.clone() }).await;
        assert_eq!(rejection(&refused), Some(&SignUpRejection::CodeTaken), "{refused:?}");
        // The list takes the person with another code.
        ports.entries.sign_up(command).await.unwrap();
    }
    // Nobody who signs up at the same time is refused with them.
    let mut crowd: Vec<SignUp> = (0..20).map(|n| sign_up(&ports, &list, &format!("p{n}@example.com"))).collect();
    crowd[7].own_code = code.clone();
    let outcomes = join_all(crowd.into_iter().map(|command| ports.entries.sign_up(command))).await;
    let refused: Vec<usize> = outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_err()).map(|(n, _)| n).collect();
    assert_eq!((refused, rejection(&outcomes[7])), (vec![7], Some(&SignUpRejection::CodeTaken)));
    ports.entries.sign_up(SignUp { own_code: code, ..sign_up(&ports, &elsewhere, "bob@example.com") }).await.unwrap();
}

/// A sign-up keeps an active variant of its list. Any other variant is stored as none.
pub async fn only_an_active_variant_of_the_list_is_attributed(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let elsewhere = active_list_in(&ports, list.workspace_id, "elsewhere", json!({})).await;
    let (mine, foreign) = (control_variant(&ports, &list).await, control_variant(&ports, &elsewhere).await);
    for (n, (given, kept)) in [(mine, Some(mine)), (foreign, None), (VariantId::new(ports.ids.uuid()), None)].into_iter().enumerate() {
        let command = SignUp { variant_id: Some(given), ..sign_up(&ports, &list, &format!("p{n}@example.com")) };
        assert_eq!(ports.entries.sign_up(command).await.unwrap().variant_id, kept);
    }
}

/// A sign-up is not attributed to an inactive variant, in any process.
pub async fn an_inactive_variant_wins_nobody(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let control = control_variant(&ports, &list).await;
    for (n, active) in [false, true].into_iter().enumerate() {
        let (copy, now) = (None, ports.clock.now());
        let change =
            UpdateVariant { id: control, waitlist_id: list.id, locale: None, copy, weight: None, active: Some(active), actor: ACTOR, now };
        ports.variants.update(change).await.unwrap();
        let command = SignUp { variant_id: Some(control), ..sign_up(&there, &list, &format!("p{n}@example.com")) };
        assert_eq!(there.entries.sign_up(command).await.unwrap().variant_id, active.then_some(control));
    }
}

/// A rejected entry counts towards the most entries of a list. A deleted entry does not.
pub async fn a_rejection_frees_no_place_and_a_deletion_does(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"max_entries": 2})).await;
    let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    let bob = ports.entries.sign_up(sign_up(&ports, &list, "bob@example.com")).await.unwrap();
    let join = async |address: &str| ports.entries.sign_up(sign_up(&ports, &list, address)).await;
    ports.entries.review(review(&ports, &ada, Review::Reject)).await.unwrap();
    let refused = join("eve@example.com").await;
    assert_eq!(rejection(&refused), Some(&SignUpRejection::WaitlistFull), "{refused:?}");
    assert!(ports.entries.delete(delete_entry(&ports, list.id, bob.id)).await.unwrap());
    assert_eq!(join("eve@example.com").await.unwrap().position.number(), 3);
    let refused = join("dan@example.com").await;
    assert_eq!(rejection(&refused), Some(&SignUpRejection::WaitlistFull), "{refused:?}");
}

/// The address of a rejected entry stays taken.
pub async fn a_rejected_person_joins_no_second_time(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    ports.entries.review(review(&ports, &ada, Review::Reject)).await.unwrap();
    let refused = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await;
    assert_eq!(rejection(&refused), Some(&SignUpRejection::EmailTaken), "{refused:?}");
}

/// The code of a rejected entry earns nothing, and its user is not told so. After an approval it earns again.
pub async fn the_code_of_a_rejected_person_earns_nothing(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    let join = async |address: &str| {
        let command = SignUp { friends_code: Some(ada.referral_code.clone()), ..sign_up(&ports, &list, address) };
        ports.entries.sign_up(command).await.unwrap().referred_by
    };
    ports.entries.review(review(&ports, &ada, Review::Reject)).await.unwrap();
    assert_eq!(join("bob@example.com").await, None);
    ports.entries.review(review(&ports, &ada, Review::Approve)).await.unwrap();
    assert_eq!(join("eve@example.com").await, Some(ada.id));
    assert_eq!(ports.entries.find(list.id, ada.id).await.unwrap().unwrap().referral_count, 1);
}

/// A sign-up after a change of the status sees the new status, in any process.
pub async fn a_sign_up_sees_the_status_that_was_answered(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    assert!(there.entries.sign_up(sign_up(&there, &list, "bob@example.com")).await.is_ok());
    change_status(&ports, &list, WaitlistStatus::Paused).await;
    let refused = there.entries.sign_up(sign_up(&there, &list, "ada@example.com")).await;
    assert_eq!(rejection(&refused), Some(&SignUpRejection::WaitlistNotActive), "{refused:?}");
    change_status(&ports, &list, WaitlistStatus::Active).await;
    assert!(there.entries.sign_up(sign_up(&there, &list, "ada@example.com")).await.is_ok());
}

/// A sign-up after an update goes by the new settings, in any process.
pub async fn a_sign_up_goes_by_the_settings_that_were_answered(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({"max_entries": 9})).await;
    join(&there, &list, "ada@example.com").await;
    let settings = json!({"max_entries": 1}).as_object().cloned();
    ports.waitlists.update(UpdateWaitlist { settings, ..update(&ports, &list) }).await.unwrap();
    let refused = there.entries.sign_up(sign_up(&there, &list, "bob@example.com")).await;
    assert_eq!(rejection(&refused), Some(&SignUpRejection::WaitlistFull), "{refused:?}");
}

/// If another process deleted an entry, its address is free and its code earns nothing.
pub async fn a_deleted_person_joins_again_in_every_process(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    assert_eq!(join_by(&ports, &list, &ada, "bob@example.com").await.referred_by, Some(ada.id));
    assert!(there.entries.delete(delete_entry(&there, list.id, ada.id)).await.unwrap());
    let again = join_by(&ports, &list, &ada, "ada@example.com").await;
    assert_eq!((again.referred_by, again.position), (None, Position::new(3)));
    let code = SignUp { own_code: ada.referral_code, ..sign_up(&ports, &list, "eve@example.com") };
    assert!(ports.entries.sign_up(code).await.is_ok());
}

/// A sign-up on a list that does not exist is refused as such.
pub async fn a_missing_list_takes_nobody(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap();
    let refused = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await;
    assert_eq!(rejection(&refused), Some(&SignUpRejection::NoSuchWaitlist), "{refused:?}");
}

/// The events of a sign-up are written in their order, with the words that receivers read.
pub async fn events_are_written_with_the_sign_up(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"approval_required": false})).await;
    let command = sign_up(&ports, &list, "ada@example.com");
    let entry = ports.entries.sign_up(command.clone()).await.unwrap();
    let events = told(&ports, 10).await;
    let told: Vec<_> = events.iter().map(|event| (event.id, event.kind, event.entry_id, event.occurred_at)).collect();
    let [created, approved] = command.event_ids;
    let expected = [(created, EventKind::EntryCreated), (approved, EventKind::EntryApproved)];
    assert_eq!(told, expected.map(|(id, kind)| (id, kind, Some(entry.id), command.now)));
    let body: serde_json::Value = serde_json::from_str(&events[0].body).unwrap();
    assert_eq!(body["data"]["entry"]["email"], "ada@example.com");
    assert_eq!(ports.deliveries.events(1).await.unwrap().len(), 1);
}

/// Sign-ups at once get the replies that they would get one by one, in their order. Among them are refusals, repeated addresses, referrals
/// by entries of a moment before, and callers that go away.
pub async fn a_crowd_is_decided_in_its_order(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"max_entries": 250})).await;
    let mut commands: Vec<SignUp> = Vec::new();
    for n in 0..400_usize {
        let fresh = sign_up(&ports, &list, &format!("p{n}@example.com"));
        let earlier = |back: usize| &commands[n - back];
        commands.push(match n % 10 {
            // The address of an earlier sign-up, which may be a repetition itself.
            3 => SignUp { profile: earlier(2).profile.clone(), ..fresh },
            // A referral by an entry of a moment before, by a refused sign-up, or by nobody.
            5 => SignUp { friends_code: Some(earlier(1).own_code.clone()), ..fresh },
            6 => SignUp { friends_code: Some(earlier(3).own_code.clone()), ..fresh },
            7 => SignUp { friends_code: Some(ReferralCode::from_entropy(n as u64)), ..fresh },
            8 => SignUp { own_code: earlier(7).own_code.clone(), ..fresh },
            _ => fresh,
        });
    }
    let mut model = SignUpGroup::new(GroupFacts {
        waitlist: list.clone(),
        last_position: 0,
        entries: 0,
        emails: HashSet::new(),
        codes: HashMap::new(),
        old_codes: HashSet::new(),
        mailboxes: HashSet::new(),
        waiting_mailboxes: HashSet::new(),
        proofs: HashSet::new(),
        variants: HashSet::new(),
        requests: HashMap::new(),
        erased: HashMap::new(),
        mail: None,
        neighbours: HashMap::new(),
        rewarded: HashMap::new(),
    });
    let expected: Vec<_> = commands.iter().map(|command| model.decide(command)).collect();
    // One task starts all of them in their order, before any is answered.
    let outcomes = join_all(commands.iter().map(|command| ports.entries.sign_up(command.clone()))).await;
    for (n, (outcome, expected)) in outcomes.into_iter().zip(expected).enumerate() {
        let outcome = outcome.map_err(|error| match error {
            CommandError::Rejected(rejection) => rejection,
            CommandError::Fault(fault) => panic!("{n}: {fault:?}"),
        });
        assert_eq!(outcome, expected, "{n}");
    }
    assert_eq!(ports.stats.count(list.id).await.unwrap(), 250);
    let credited: u64 = model.credits().values().sum();
    assert!(credited > 20);
    for (referrer, number) in model.credits() {
        assert_eq!(ports.entries.find(list.id, referrer).await.unwrap().unwrap().referral_count, number);
    }
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
    assert_eq!(told(&ports, 1000).await.len(), model.events().count());
}

/// Two processes sign up on many lists, and some callers go away. Each list is dense, and every person with a reply is on it.
pub async fn a_crowd_on_many_lists_keeps_them_apart(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let home = workspace(&ports, "acme").await;
    let mut lists = Vec::new();
    for n in 0..5 {
        lists.push(active_list_in(&ports, home.id, &format!("list-{n}"), json!({})).await);
    }
    let mut callers = Vec::new();
    for n in 0..500_usize {
        let (ports, list) = (if n % 2 == 0 { ports.clone() } else { there.clone() }, &lists[n % 5]);
        let command = sign_up(&ports, list, &format!("p{n}@example.com"));
        let caller = tokio::spawn(async move { ports.entries.sign_up(command).await });
        if n % 7 == 0 {
            caller.abort();
        }
        callers.push(caller);
        if n % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let answered: Vec<Entry> = join_all(callers).await.into_iter().filter_map(|outcome| Some(outcome.ok()?.unwrap())).collect();
    assert!(answered.len() >= 400);
    for list in &lists {
        let page = ports.entries.list(list.id, None, None, Limit::new(100, 100).unwrap()).await.unwrap();
        let mut entries = page.items;
        if let Some(next) = page.next {
            entries.extend(ports.entries.list(list.id, None, Some(next), Limit::new(100, 100).unwrap()).await.unwrap().items);
        }
        let positions: Vec<u64> = entries.iter().map(|entry| entry.position.number()).collect();
        assert_eq!(positions, (1..=entries.len() as u64).collect::<Vec<_>>());
        for entry in answered.iter().filter(|entry| entry.waitlist_id == list.id) {
            assert!(entries.contains(entry), "{entry:?} was answered and is lost");
        }
    }
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}
