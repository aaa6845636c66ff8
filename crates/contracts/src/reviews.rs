//! Cases of [`EntryStore`](rally_domain::port::EntryStore) that change or export the entries of a list.

use futures_util::StreamExt;
use futures_util::future::join_all;
use rally_domain::command::{EntryRejection, Review, ReviewEntry, SignUp};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::error::CommandError;
use rally_domain::event::EventKind;
use rally_domain::id::{EventId, WaitlistId};
use rally_domain::port::{EntryStream, Ports};
use rally_domain::waitlist::WaitlistStatus;
use serde_json::json;
use time::Duration;

use crate::Fixture;
use crate::invitations::record;
use crate::samples::{ACTOR, active_list, active_list_in, change_status, delete_entry, join, sign_up, told};

/// The command that approves or rejects an entry.
pub fn review(ports: &Ports, entry: &Entry, review: Review) -> ReviewEntry {
    let event_id = EventId::new(ports.ids.uuid());
    let now = ports.clock.now().plus(Duration::minutes(1));
    ReviewEntry { waitlist_id: entry.waitlist_id, entry_id: entry.id, review, event_id, actor: ACTOR, now, links: ports.links.clone() }
}

async fn events_of(ports: &Ports, entry: &Entry) -> Vec<EventKind> {
    let events = told(ports, 1000).await;
    events.into_iter().filter(|event| event.entry_id == Some(entry.id)).map(|event| event.kind).collect()
}

/// A review writes its change, its time and its event. A review that changes nothing writes no event.
pub async fn a_review_is_written_with_its_event(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    let approve = review(&ports, &ada, Review::Approve);
    let approved = ports.entries.review(approve.clone()).await.unwrap();
    assert_eq!(approved, Entry { status: EntryStatus::Approved, updated_at: approve.now, ..ada.clone() });
    assert_eq!(ports.entries.find(list.id, ada.id).await.unwrap(), Some(approved.clone()));
    let told = told(&ports, 10).await.pop().unwrap();
    assert_eq!((told.id, told.kind, told.occurred_at), (approve.event_id, EventKind::EntryApproved, approve.now));
    let body: serde_json::Value = serde_json::from_str(&told.body).unwrap();
    assert_eq!(body["data"]["entry"]["status"], "approved");
    assert_eq!(ports.entries.review(review(&ports, &ada, Review::Approve)).await.unwrap(), approved);
    ports.entries.review(review(&ports, &ada, Review::Reject)).await.unwrap();
    ports.entries.review(review(&ports, &ada, Review::Approve)).await.unwrap();
    let expected = [EventKind::EntryCreated, EventKind::EntryApproved, EventKind::EntryRejected, EventKind::EntryApproved];
    assert_eq!(events_of(&ports, &ada).await, expected);
}

/// Parallel reviews of an entry make one change and one event.
pub async fn parallel_reviews_change_an_entry_once(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    let tasks = (0..16).map(|n| {
        let (ports, command) = (if n % 2 == 0 { ports.clone() } else { there.clone() }, review(&ports, &ada, Review::Approve));
        tokio::spawn(async move { ports.entries.review(command).await })
    });
    for outcome in join_all(tasks).await {
        assert_eq!(outcome.expect("no panic").unwrap().status, EntryStatus::Approved);
    }
    assert_eq!(events_of(&ports, &ada).await, [EventKind::EntryCreated, EventKind::EntryApproved]);
}

/// A review and a deletion do not find an entry of another list.
pub async fn a_review_needs_an_entry_of_the_list(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let elsewhere = active_list_in(&ports, list.workspace_id, "elsewhere", json!({})).await;
    let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    let foreign = ReviewEntry { waitlist_id: elsewhere.id, ..review(&ports, &ada, Review::Approve) };
    let refused = ports.entries.review(foreign).await;
    assert!(matches!(refused, Err(CommandError::Rejected(EntryRejection::NoSuchEntry))), "{refused:?}");
    assert!(!ports.entries.delete(delete_entry(&ports, elsewhere.id, ada.id)).await.unwrap());
    assert_eq!(ports.entries.find(list.id, ada.id).await.unwrap(), Some(ada));
}

/// A deletion keeps the positions of the others and the count of the referrer. The entries that it referred stay without a referrer. Its
/// address may sign up again.
pub async fn a_deleted_entry_leaves_the_others_standing(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    let with = |code: &Entry, address: &str| SignUp { friends_code: Some(code.referral_code.clone()), ..sign_up(&ports, &list, address) };
    let bob = ports.entries.sign_up(with(&ada, "bob@example.com")).await.unwrap();
    let eve = ports.entries.sign_up(with(&bob, "eve@example.com")).await.unwrap();
    assert!(ports.entries.delete(delete_entry(&ports, list.id, bob.id)).await.unwrap());
    assert!(!ports.entries.delete(delete_entry(&ports, list.id, bob.id)).await.unwrap());
    assert_eq!(ports.entries.find(list.id, bob.id).await.unwrap(), None);
    let ada = ports.entries.find(list.id, ada.id).await.unwrap().unwrap();
    assert_eq!((ada.position.number(), ada.referral_count), (1, 1));
    let eve = ports.entries.find(list.id, eve.id).await.unwrap().unwrap();
    assert_eq!((eve.position.number(), eve.referred_by), (3, None));
    assert_eq!(ports.stats.count(list.id).await.unwrap(), 2);
    let again = ports.entries.sign_up(sign_up(&ports, &list, "bob@example.com")).await.unwrap();
    assert_eq!(again.position.number(), 4);
    // The last position is not given out again either.
    assert!(ports.entries.delete(delete_entry(&ports, list.id, again.id)).await.unwrap());
    assert_eq!(ports.entries.sign_up(sign_up(&ports, &list, "bob@example.com")).await.unwrap().position.number(), 5);
}

async fn read_all(mut stream: EntryStream) -> Vec<Entry> {
    let mut entries = Vec::new();
    while let Some(batch) = stream.next().await {
        entries.extend(batch.unwrap());
    }
    entries
}

/// Every entry that an export shows.
pub(crate) async fn exported(ports: &Ports, list: WaitlistId) -> Vec<Entry> {
    read_all(ports.entries.export(list).await.unwrap()).await
}

/// More entries than a store may read ahead.
const MANY: usize = 2000;

/// An export has every entry once, in order, and no change after it began, though it reads several batches.
pub async fn an_export_shows_one_moment(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    assert!(read_all(ports.entries.export(list.id).await.unwrap()).await.is_empty());
    for n in 0..MANY {
        ports.entries.sign_up(sign_up(&ports, &list, &format!("p{n}@example.com"))).await.unwrap();
    }
    let before = read_all(ports.entries.export(list.id).await.unwrap()).await;
    assert_eq!(before.iter().map(|entry| entry.position.number()).collect::<Vec<_>>(), (1..=MANY as u64).collect::<Vec<_>>());
    let mut stream = ports.entries.export(list.id).await.unwrap();
    let mut seen = stream.next().await.unwrap().unwrap();
    assert!(seen.len() < MANY / 2, "a batch of {} is the whole list", seen.len());
    there.entries.delete(delete_entry(&there, list.id, before[MANY - 1].id)).await.unwrap();
    there.entries.review(review(&there, &before[MANY - 2], Review::Approve)).await.unwrap();
    there.entries.sign_up(sign_up(&there, &list, "late@example.com")).await.unwrap();
    seen.extend(read_all(stream).await);
    assert_eq!(seen, before);
    let after = read_all(ports.entries.export(list.id).await.unwrap()).await;
    assert_eq!((after.len(), after[MANY - 2].status), (MANY, EntryStatus::Approved));
}

/// An export that is given up takes no connection from later requests.
pub async fn an_export_that_is_given_up_holds_nothing(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    for _ in 0..40 {
        drop(ports.entries.export(list.id).await.unwrap());
    }
    assert_eq!(read_all(ports.entries.export(list.id).await.unwrap()).await.len(), 1);
    ports.entries.sign_up(sign_up(&ports, &list, "bob@example.com")).await.unwrap();
}

/// A credit that comes while its referrer is reviewed is kept, and so is the review.
pub async fn a_review_and_a_credit_at_once_are_both_kept(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    for n in 0..8 {
        let referrer = join(&ports, &list, &format!("p{n}@example.com")).await;
        let friend = sign_up(&there, &list, &format!("q{n}@example.com"));
        let friend = SignUp { friends_code: Some(referrer.referral_code.clone()), ..friend };
        let (reviewed, joined) =
            tokio::join!(ports.entries.review(review(&ports, &referrer, Review::Approve)), there.entries.sign_up(friend));
        assert!(reviewed.is_ok() && joined.is_ok(), "{reviewed:?} {joined:?}");
        let found = ports.entries.find(list.id, referrer.id).await.unwrap().unwrap();
        assert_eq!((found.status, found.referral_count), (EntryStatus::Approved, 1));
    }
}

/// The entries of a closed list can still be reviewed, invited and deleted.
pub async fn entries_of_a_closed_list_go_on_changing(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    for status in [WaitlistStatus::Paused, WaitlistStatus::Closed] {
        change_status(&ports, &list, status).await;
        ports.entries.review(review(&ports, &ada, Review::Reject)).await.unwrap();
        ports.entries.review(review(&ports, &ada, Review::Approve)).await.unwrap();
    }
    ports.entries.record_invitation(record(&ports, &ada, "app", "first")).await.unwrap();
    assert!(ports.entries.delete(delete_entry(&ports, list.id, ada.id)).await.unwrap());
}

/// Of many parallel deletions of an entry one deletes it, and it is counted once.
pub async fn parallel_deletions_of_an_entry_delete_it_once(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    join(&ports, &list, "bob@example.com").await;
    // Two deletions of one task begin together, whatever the threads do.
    let tasks = (0..8).map(|n| {
        let (ports, id) = (if n % 2 == 0 { ports.clone() } else { there.clone() }, ada.id);
        let delete = move || {
            let ports = ports.clone();
            async move { ports.entries.delete(delete_entry(&ports, list.id, id)).await.unwrap() }
        };
        tokio::spawn(async move { join_all([delete(), delete()]).await })
    });
    let outcomes = join_all(tasks).await.into_iter().flat_map(|outcomes| outcomes.expect("no panic"));
    assert_eq!(outcomes.filter(|is_gone| *is_gone).count(), 1);
    assert_eq!((ports.stats.count(list.id).await.unwrap(), ports.stats.rebuild().await.unwrap().corrected), (1, 0));
}
