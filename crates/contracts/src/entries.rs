//! Cases of [`EntryStore`](rally_domain::port::EntryStore), [`EntryStats`](rally_domain::port::EntryStats)
//! and [`StoreHealth`](rally_domain::port::StoreHealth).

use std::collections::{HashMap, HashSet};

use futures_util::future::join_all;
use rally_domain::command::{GroupFacts, Review, SignUp, SignUpGroup, SignUpRejection, UpdateVariant};
use rally_domain::custom_field::Metadata;
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::CommandError;
use rally_domain::event::EventKind;
use rally_domain::id::{VariantId, WaitlistId};
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::referral::{Position, ReferralCode};
use rally_domain::text::{Interest, Referrer};
use rally_domain::waitlist::{Waitlist, WaitlistStatus};
use serde_json::{Map, Value, json};
use time::macros::date;

use crate::Fixture;
use crate::reviews::review;
use crate::samples::{active_list, active_list_in, change_status, sign_up, workspace};

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

pub(crate) async fn all_entries(ports: &Ports, waitlist_id: WaitlistId, status: Option<EntryStatus>, rows: u64) -> Vec<Entry> {
    let limit = Limit::new(rows, Limit::MAX).unwrap();
    let mut after = None;
    let mut entries = Vec::new();
    loop {
        let page = ports.entries.list(waitlist_id, status, after, limit).await.unwrap();
        entries.extend(page.items);
        match page.next {
            Some(position) => after = Some(position),
            None => return entries,
        }
    }
}

fn positions(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.position.number()).collect()
}

fn rejection(outcome: &Outcome) -> Option<&SignUpRejection> {
    match outcome {
        Err(CommandError::Rejected(rejection)) => Some(rejection),
        Ok(_) | Err(CommandError::Fault(_)) => None,
    }
}

async fn control_variant(ports: &Ports, waitlist: &Waitlist) -> VariantId {
    ports.variants.list(waitlist.id).await.unwrap()[0].id
}

/// Numbers of any spelling and size, which stores spell in ways of their own.
pub async fn a_document_reads_back_to_the_byte(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let numbers = [
        "-0",
        "-0.0",
        "0",
        "0.1e1",
        "1E5",
        "2.50",
        "1e16",
        "1e17",
        "3.667660290815539e17",
        "-9.2e18",
        "9007199254740993",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "1e22",
        "1e300",
        "1e-7",
        "0.1000000000000000055",
        "2.2250738585072014e-308",
        "5e-324",
    ];
    let document = format!("{{\"n\": [{}], \"o\": {{\"z\": {}, \"a\": -0}}}}", numbers.join(","), numbers[7]);
    let document: Map<String, Value> = serde_json::from_str(&document).unwrap();
    let list = active_list(&ports, json!({ "kept": document })).await;
    let metadata = Metadata::parse(document).unwrap();
    let entry = ports.entries.sign_up(SignUp { metadata: metadata.clone(), ..sign_up(&ports, &list, "a@example.com") }).await.unwrap();
    let text = |document: &Map<String, Value>| Value::Object(document.clone()).to_string();
    let read = there.entries.find(list.id, entry.id).await.unwrap().unwrap();
    assert_eq!(text(read.metadata.document()), text(metadata.document()));
    let read = there.waitlists.find(list.workspace_id, list.id).await.unwrap().unwrap();
    assert_eq!(text(&read.settings.to_document()), text(&list.settings.to_document()));
}

/// Every field of it, in another process too.
pub async fn an_entry_reads_back_as_it_was_written(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"approval_required": false})).await;
    let metadata = json!({"deep": {"list": [1, 2.5, null, true, "ü\n"]}, "empty": {}}).as_object().cloned().unwrap();
    let command = SignUp {
        interest: Some(Interest::parse("many\nthings").unwrap()),
        referrer: Some(Referrer::parse("a friend").unwrap()),
        variant_id: Some(control_variant(&ports, &list).await),
        metadata: Metadata::parse(metadata).unwrap(),
        ..sign_up(&ports, &list, "Ünal+x@bücher.example")
    };
    let entry = ports.entries.sign_up(command.clone()).await.unwrap();
    assert_eq!((entry.position, entry.status, entry.variant_id), (Position::new(1), EntryStatus::Approved, command.variant_id));
    for ports in [&ports, &fixture.reopen().await] {
        assert_eq!(ports.entries.find(list.id, entry.id).await.unwrap(), Some(entry.clone()));
        assert_eq!(all_entries(ports, list.id, None, 10).await, vec![entry.clone()]);
    }
    let elsewhere = active_list_in(&ports, list.workspace_id, "elsewhere", json!({})).await;
    assert_eq!(ports.entries.find(elsewhere.id, entry.id).await.unwrap(), None);
}

/// 1 to n, each once, though some of them were refused meanwhile.
pub async fn positions_are_dense_when_processes_sign_up_in_parallel(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    // Every fifth address has been seen before.
    let commands = (0..60).map(|n| sign_up(&ports, &list, &format!("p{}@example.com", if n % 5 == 4 { n - 1 } else { n }))).collect();
    let outcomes = in_parallel(fixture, commands).await;
    let mut given: Vec<u64> = outcomes.iter().filter_map(|o| o.as_ref().ok()).map(|entry| entry.position.number()).collect();
    given.sort_unstable();
    assert_eq!(given, (1..=48).collect::<Vec<_>>());
    assert!(outcomes.iter().filter(|o| o.is_err()).all(|o| rejection(o) == Some(&SignUpRejection::EmailTaken)), "{outcomes:?}");
    assert_eq!(positions(&all_entries(&ports, list.id, None, 7).await), given);
    assert_eq!(ports.stats.count(list.id).await.unwrap(), 48);
}

/// No row, no position, no count, no event.
pub async fn a_refused_sign_up_leaves_nothing_behind(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"custom_fields": [{"key": "company", "required": true}]})).await;
    let refused = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await;
    assert!(matches!(rejection(&refused), Some(SignUpRejection::Metadata(_))), "{refused:?}");
    assert_eq!(ports.stats.count(list.id).await.unwrap(), 0);
    assert_eq!(ports.deliveries.events(10).await.unwrap(), []);
    let answered = json!({"company": "Acme"}).as_object().cloned().unwrap();
    let command = SignUp { metadata: Metadata::parse(answered).unwrap(), ..sign_up(&ports, &list, "ada@example.com") };
    assert_eq!(ports.entries.sign_up(command).await.unwrap().position, Position::new(1));
}

/// Exactly as many as it may, whoever comes first.
pub async fn a_list_never_takes_more_than_it_may(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"max_entries": 10})).await;
    let commands = (0..30).map(|n| sign_up(&ports, &list, &format!("p{n}@example.com"))).collect();
    let outcomes = in_parallel(fixture, commands).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 10);
    assert!(outcomes.iter().filter(|o| o.is_err()).all(|o| rejection(o) == Some(&SignUpRejection::WaitlistFull)), "{outcomes:?}");
    assert_eq!(positions(&all_entries(&ports, list.id, None, 100).await), (1..=10).collect::<Vec<_>>());
}

/// One of them gets in, the others are told.
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

/// However many use one code at once.
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

/// Nor does one that nobody has; neither is an error.
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

/// Across lists, since a code is unique in the deployment.
pub async fn a_code_that_is_taken_is_told(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let elsewhere = active_list_in(&ports, list.workspace_id, "elsewhere", json!({})).await;
    let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    let command = SignUp { own_code: ada.referral_code, ..sign_up(&ports, &elsewhere, "bob@example.com") };
    let refused = ports.entries.sign_up(command).await;
    assert_eq!(rejection(&refused), Some(&SignUpRejection::CodeTaken), "{refused:?}");
    assert_eq!(ports.stats.count(elsewhere.id).await.unwrap(), 0);
}

/// Any other is stored as none.
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

/// Nor one that is switched off, in whichever process.
pub async fn an_inactive_variant_wins_nobody(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let control = control_variant(&ports, &list).await;
    for (n, active) in [false, true].into_iter().enumerate() {
        let change = UpdateVariant { id: control, waitlist_id: list.id, locale: None, copy: None, weight: None, active: Some(active) };
        ports.variants.update(change).await.unwrap();
        let command = SignUp { variant_id: Some(control), ..sign_up(&there, &list, &format!("p{n}@example.com")) };
        assert_eq!(there.entries.sign_up(command).await.unwrap().variant_id, active.then_some(control));
    }
}

/// A rejected entry is an entry; a deleted one is none.
pub async fn a_rejection_frees_no_place_and_a_deletion_does(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"max_entries": 2})).await;
    let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    let bob = ports.entries.sign_up(sign_up(&ports, &list, "bob@example.com")).await.unwrap();
    let join = async |address: &str| ports.entries.sign_up(sign_up(&ports, &list, address)).await;
    ports.entries.review(review(&ports, &ada, Review::Reject)).await.unwrap();
    let refused = join("eve@example.com").await;
    assert_eq!(rejection(&refused), Some(&SignUpRejection::WaitlistFull), "{refused:?}");
    assert!(ports.entries.delete(list.id, bob.id).await.unwrap());
    assert_eq!(join("eve@example.com").await.unwrap().position.number(), 3);
    let refused = join("dan@example.com").await;
    assert_eq!(rejection(&refused), Some(&SignUpRejection::WaitlistFull), "{refused:?}");
}

/// The address stays taken.
pub async fn a_rejected_person_joins_no_second_time(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    ports.entries.review(review(&ports, &ada, Review::Reject)).await.unwrap();
    let refused = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await;
    assert_eq!(rejection(&refused), Some(&SignUpRejection::EmailTaken), "{refused:?}");
}

/// Nor is whoever used it told; approved after all, it earns again.
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

/// In whichever process.
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

/// It is told so.
pub async fn a_missing_list_takes_nobody(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    ports.waitlists.delete(list.workspace_id, list.id).await.unwrap();
    let refused = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await;
    assert_eq!(rejection(&refused), Some(&SignUpRejection::NoSuchWaitlist), "{refused:?}");
}

/// In their order, with the words receivers will read.
pub async fn events_are_written_with_the_sign_up(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"approval_required": false})).await;
    let command = sign_up(&ports, &list, "ada@example.com");
    let entry = ports.entries.sign_up(command.clone()).await.unwrap();
    let events = ports.deliveries.events(10).await.unwrap();
    let told: Vec<_> = events.iter().map(|event| (event.id, event.kind, event.entry_id, event.occurred_at)).collect();
    let [created, approved] = command.event_ids;
    let expected = [(created, EventKind::EntryCreated), (approved, EventKind::EntryApproved)];
    assert_eq!(told, expected.map(|(id, kind)| (id, kind, Some(entry.id), command.now)));
    let body: serde_json::Value = serde_json::from_str(&events[0].body).unwrap();
    assert_eq!(body["data"]["entry"]["email"], "ada@example.com");
    assert_eq!(ports.deliveries.events(1).await.unwrap().len(), 1);
}

/// Whatever the size of the page; one that starts after the end is empty.
pub async fn pages_go_by_position_and_filter_by_status(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    for n in 0..7 {
        ports.entries.sign_up(sign_up(&ports, &list, &format!("p{n}@example.com"))).await.unwrap();
    }
    for rows in [1, 3, 7, 100] {
        assert_eq!(positions(&all_entries(&ports, list.id, None, rows).await), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(positions(&all_entries(&ports, list.id, Some(EntryStatus::Pending), rows).await), [1, 2, 3, 4, 5, 6, 7]);
    }
    assert!(all_entries(&ports, list.id, Some(EntryStatus::Rejected), 3).await.is_empty());
    let after_the_end = ports.entries.list(list.id, None, Some(Position::new(7)), Limit::default()).await.unwrap();
    assert!(after_the_end.items.is_empty() && after_the_end.next.is_none());
}

/// The next page begins after the last row that was seen, whether or not rows before it are gone, itself among them.
pub async fn pages_go_on_where_they_were_though_rows_are_deleted(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let mut all = Vec::new();
    for n in 0..6 {
        all.push(ports.entries.sign_up(sign_up(&ports, &list, &format!("p{n}@example.com"))).await.unwrap());
    }
    let limit = Limit::new(3, Limit::MAX).unwrap();
    let first = ports.entries.list(list.id, None, None, limit).await.unwrap();
    assert_eq!((positions(&first.items), first.next), (vec![1, 2, 3], Some(Position::new(3))));
    for gone in [0, 2] {
        assert!(ports.entries.delete(list.id, all[gone].id).await.unwrap());
    }
    let second = ports.entries.list(list.id, None, first.next, limit).await.unwrap();
    assert_eq!((positions(&second.items), second.next), (vec![4, 5, 6], None));
}

/// Rows of other statuses before, between and after them take no place on it.
pub async fn a_page_of_one_status_is_full(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    for n in 0..9 {
        let entry = ports.entries.sign_up(sign_up(&ports, &list, &format!("p{n}@example.com"))).await.unwrap();
        if n % 3 == 2 {
            ports.entries.review(review(&ports, &entry, Review::Approve)).await.unwrap();
        }
    }
    let limit = Limit::new(2, Limit::MAX).unwrap();
    let page = ports.entries.list(list.id, Some(EntryStatus::Approved), None, limit).await.unwrap();
    assert_eq!((positions(&page.items), page.next), (vec![3, 6], Some(Position::new(6))));
    for rows in [1, 2, 3] {
        assert_eq!(positions(&all_entries(&ports, list.id, Some(EntryStatus::Approved), rows).await), [3, 6, 9]);
        assert_eq!(positions(&all_entries(&ports, list.id, Some(EntryStatus::Pending), rows).await), [1, 2, 4, 5, 7, 8]);
    }
}

/// Nor do those who came by their code keep them there; in whichever process.
pub async fn deleted_people_lead_no_more(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let mut founders = Vec::new();
    for name in ["ada", "bob"] {
        founders.push(ports.entries.sign_up(sign_up(&ports, &list, &format!("{name}@example.com"))).await.unwrap());
    }
    for (n, founder) in [0, 0, 1].into_iter().enumerate() {
        let friends_code = Some(founders[founder].referral_code.clone());
        ports.entries.sign_up(SignUp { friends_code, ..sign_up(&ports, &list, &format!("p{n}@example.com")) }).await.unwrap();
    }
    assert!(ports.entries.delete(list.id, founders[0].id).await.unwrap());
    for ports in [&ports, &there] {
        let leaders = ports.stats.leaders(list.id, Limit::default()).await.unwrap();
        assert_eq!(leaders.iter().map(|leader| leader.position.number()).collect::<Vec<_>>(), [2]);
        let top = ports.stats.analytics(list.id, date!(2026 - 01 - 31)).await.unwrap().top_referrals;
        assert_eq!(top.iter().map(|row| row.id).collect::<Vec<_>>(), [founders[1].id]);
    }
}

/// Those without a referral are not among them.
pub async fn leaders_come_by_referrals_then_position(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let mut founders = Vec::new();
    for name in ["a", "b", "c", "d"] {
        founders.push(ports.entries.sign_up(sign_up(&ports, &list, &format!("{name}@example.com"))).await.unwrap());
    }
    for (n, founder) in [1, 1, 2, 3, 1, 3].into_iter().enumerate() {
        let friends_code = Some(founders[founder].referral_code.clone());
        ports.entries.sign_up(SignUp { friends_code, ..sign_up(&ports, &list, &format!("p{n}@example.com")) }).await.unwrap();
    }
    let leaders = |rows| {
        let (ports, id) = (ports.clone(), list.id);
        async move {
            let leaders = ports.stats.leaders(id, Limit::new(rows, Limit::MAX).unwrap()).await.unwrap();
            leaders.iter().map(|l| (l.email.to_string(), l.referral_count, l.position.number())).collect::<Vec<_>>()
        }
    };
    let expected = [("b@example.com", 3, 2), ("d@example.com", 2, 4), ("c@example.com", 1, 3)].map(|(e, n, p)| (e.to_owned(), n, p));
    assert_eq!(leaders(50).await, expected);
    assert_eq!(leaders(2).await, expected[..2]);
}

/// And tells how busy it is.
pub async fn the_store_answers(fixture: &impl Fixture) {
    let ports = fixture.ports();
    ports.health.ping().await.unwrap();
    let connections = ports.health.connections();
    assert!(connections.in_use <= connections.most && connections.most > 0);
}

/// What a crowd that comes at once is answered is what it would have been answered one by one, in the order it came: refusals,
/// addresses that come twice, friends of those who came a moment before, and callers who did not wait.
pub async fn a_crowd_is_decided_in_its_order(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"max_entries": 250})).await;
    let mut commands: Vec<SignUp> = Vec::new();
    for n in 0..400_usize {
        let fresh = sign_up(&ports, &list, &format!("p{n}@example.com"));
        let earlier = |back: usize| &commands[n - back];
        commands.push(match n % 10 {
            // The address of one who came a little earlier, which may be a repetition itself.
            3 => SignUp { email: earlier(2).email.clone(), ..fresh },
            // A friend of one who came a moment before, was refused, or is nobody.
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
        variants: HashSet::new(),
        mail: None,
    });
    let expected: Vec<_> = commands.iter().map(|command| model.decide(command)).collect();
    // One task asks for all of them in their order, before any is answered.
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
    assert_eq!(ports.deliveries.events(1000).await.unwrap().len(), 250);
}

/// Two processes, many lists, and callers of whom some go away: each list is dense, and whoever was answered is on it.
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
