//! Cases of [`EntryStore`](rally_domain::port::EntryStore) for the visits of persons to their own page.

use std::collections::HashSet;

use futures_util::future::join_all;
use rally_domain::actor::Actor;
use rally_domain::command::{ProfileChange, ProfileRejection, ReplaceLink, ReplaceLinkRejection, Review, ReviewEntry, UpdateProfile};
use rally_domain::custom_field::Metadata;
use rally_domain::entry::Entry;
use rally_domain::error::CommandError;
use rally_domain::event::EventKind;
use rally_domain::id::{ClaimId, EntryId, EventId};
use rally_domain::locale::Locale;
use rally_domain::mail::{MailKind, MailOutcome, MailState, SettleMail};
use rally_domain::port::Ports;
use rally_domain::queue::{ClaimRequest, RetrySchedule};
use rally_domain::rank::Rank;
use rally_domain::referral::ReferralBoost;
use rally_domain::text::PersonName;
use rally_domain::waitlist::Waitlist;
use serde_json::{Value, json};
use time::Duration;

use crate::Fixture;
use crate::mails::talking_list;
use crate::reviews::review;
use crate::samples::{ACTOR, active_list, active_list_in, delete_entry, delete_waitlist, full_sign_up, join, join_by, later};

/// The command that changes the profile of an entry.
pub fn update_profile(ports: &Ports, entry: &Entry, change: ProfileChange) -> UpdateProfile {
    let now = ports.clock.now().plus(Duration::hours(1));
    let event_id = EventId::new(ports.ids.uuid());
    UpdateProfile { waitlist_id: entry.waitlist_id, entry_id: entry.id, change, event_id, actor: Actor::Visitor, now }
}

/// The command that replaces the link of an entry.
pub fn replace_link(ports: &Ports, entry: &Entry) -> ReplaceLink {
    let now = ports.clock.now().plus(Duration::hours(1));
    ReplaceLink { waitlist_id: entry.waitlist_id, entry_id: entry.id, actor: ACTOR, now }
}

/// A change of the name.
pub fn named(name: &str) -> ProfileChange {
    ProfileChange { name: Some(PersonName::parse(name).unwrap()), ..ProfileChange::default() }
}

fn answering(metadata: Value) -> ProfileChange {
    let metadata = Metadata::parse(metadata.as_object().cloned().unwrap()).unwrap();
    ProfileChange { metadata: Some(metadata), ..ProfileChange::default() }
}

fn speaking(tag: Option<&str>) -> ProfileChange {
    ProfileChange { locale: Some(tag.map(|tag| Locale::parse(tag).unwrap())), ..ProfileChange::default() }
}

async fn found(ports: &Ports, entry: &Entry) -> Entry {
    ports.entries.find(entry.waitlist_id, entry.id).await.unwrap().unwrap()
}

/// A changed profile reads back, with no other field of the entry changed. Metadata is replaced. Refused metadata changes nothing.
pub async fn a_changed_profile_reads_back(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"custom_fields": [{"key": "size", "type": "number"}]})).await;
    let mut entry = ports.entries.sign_up(full_sign_up(&ports, &list, "ada@example.com").await).await.unwrap();
    for change in [
        named("Ada \u{dc}nal"),
        answering(json!({"size": 7, "\u{e9}": [null, {"a": "\n"}]})),
        speaking(Some("de-CH")),
        speaking(None),
        ProfileChange { name: named("B").name, metadata: answering(json!({})).metadata, locale: speaking(Some("he")).locale },
    ] {
        let command = update_profile(&ports, &entry, change.clone());
        let changed = ports.entries.update_profile(command.clone()).await.unwrap();
        let ProfileChange { name, metadata, locale } = change;
        entry.profile.name = name.unwrap_or(entry.profile.name);
        entry.profile.metadata = metadata.unwrap_or(entry.profile.metadata);
        entry.profile.locale = locale.unwrap_or(entry.profile.locale);
        entry.updated_at = command.now;
        assert_eq!(changed, entry);
        assert_eq!(found(&fixture.reopen().await, &entry).await, entry);
    }
    let refused = ports.entries.update_profile(update_profile(&ports, &entry, answering(json!({"size": "large"})))).await;
    assert!(matches!(refused, Err(CommandError::Rejected(ProfileRejection::Metadata(_)))), "{refused:?}");
    assert_eq!(found(&ports, &entry).await, entry);
}

/// Changes of different fields at once, a review and a credit are all kept.
pub async fn changes_of_a_profile_at_once_are_all_kept(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    for round in 0..8 {
        let ada = join(&ports, &list, &format!("ada{round}@example.com")).await;
        let (name, metadata, locale) = (named(&format!("Ada {round}")), answering(json!({"round": round})), speaking(Some("fr")));
        let changes = [(&ports, name.clone()), (&there, metadata.clone()), (&ports, locale.clone())];
        let changes =
            join_all(changes.into_iter().map(|(ports, change)| ports.entries.update_profile(update_profile(ports, &ada, change))));
        let reviewed = there.entries.review(review(&there, &ada, Review::Approve));
        let friend = format!("friend{round}@example.com");
        let (changes, reviewed, _) = futures_util::join!(changes, reviewed, join_by(&ports, &list, &ada, &friend));
        assert!(changes.iter().all(Result::is_ok) && reviewed.is_ok(), "{changes:?} {reviewed:?}");
        let after = found(&ports, &ada).await;
        let profile = &after.profile;
        assert_eq!((Some(&profile.name), Some(&profile.metadata)), (name.name.as_ref(), metadata.metadata.as_ref()));
        assert_eq!((&profile.locale, after.status, after.referral_count), (&locale.locale.flatten(), Review::Approve.status(), 1));
    }
}

/// A list of another workspace does not do, and neither does one that is deleted, or an entry that is.
async fn elsewhere(ports: &Ports) -> (Entry, Vec<Entry>) {
    let list = active_list(ports, json!({})).await;
    let other = active_list_in(ports, list.workspace_id, "other", json!({})).await;
    let gone = active_list_in(ports, list.workspace_id, "gone", json!({})).await;
    let ada = join(ports, &list, "ada@example.com").await;
    let (deleted, buried) = (join(ports, &list, "bob@example.com").await, join(ports, &gone, "eve@example.com").await);
    assert!(ports.entries.delete(delete_entry(ports, list.id, deleted.id)).await.unwrap());
    assert!(ports.waitlists.delete(delete_waitlist(ports, list.workspace_id, gone.id)).await.unwrap());
    (ada.clone(), vec![Entry { waitlist_id: other.id, ..ada }, deleted, buried])
}

/// A profile is changed only on the list that its entry is on.
pub async fn a_profile_is_changed_on_its_own_list(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let (ada, others) = elsewhere(&ports).await;
    for entry in others {
        let refused = ports.entries.update_profile(update_profile(&ports, &entry, named("Mallory"))).await;
        assert!(matches!(refused, Err(CommandError::Rejected(ProfileRejection::NoSuchEntry))), "{refused:?}");
    }
    assert_eq!(found(&ports, &ada).await, ada);
}

/// A link is replaced only on the list that its entry is on.
pub async fn a_link_is_replaced_on_its_own_list(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let (ada, others) = elsewhere(&ports).await;
    for entry in others {
        let refused = ports.entries.replace_link(replace_link(&ports, &entry)).await;
        assert!(matches!(refused, Err(CommandError::Rejected(ReplaceLinkRejection::NoSuchEntry))), "{refused:?}");
    }
    assert_eq!(found(&ports, &ada).await, ada);
}

/// Of links that are made at once each is another one, and the last one stays. Nothing else of the entry changes but its time.
pub async fn every_new_link_is_another(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let ada = ports.entries.sign_up(full_sign_up(&ports, &list, "ada@example.com").await).await.unwrap();
    let made = [&ports, &there].into_iter().cycle().take(8).map(|ports| ports.entries.replace_link(replace_link(ports, &ada)));
    let made: Vec<Entry> = join_all(made).await.into_iter().map(Result::unwrap).collect();
    let generations: HashSet<u32> = made.iter().map(|entry| entry.link_generation).collect();
    assert_eq!(generations, (1..=8).collect());
    let updated_at = replace_link(&ports, &ada).now;
    assert_eq!(found(&ports, &ada).await, Entry { link_generation: 8, updated_at, ..ada });
}

async fn friends(ports: &Ports, id: EntryId, most: usize) -> Vec<String> {
    let friends = ports.entries.friends(id, most).await.unwrap();
    friends.into_iter().map(|friend| friend.email.map_or_else(|| "gone".to_owned(), |email| email.to_string())).collect()
}

/// Friends are those who signed up with the code, the newest first. Those that are gone have no address.
pub async fn friends_go_newest_first(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let (ada, bob) = (join(&ports, &list, "ada@example.com").await, join(&ports, &list, "bob@example.com").await);
    let mut joined = Vec::new();
    for n in 0..4 {
        joined.push(join_by(&ports, &list, &ada, &format!("a{n}@example.com")).await);
        join_by(&ports, &list, &bob, &format!("b{n}@example.com")).await;
    }
    assert!(ports.entries.delete(delete_entry(&ports, list.id, joined[2].id)).await.unwrap());
    assert_eq!(friends(&ports, ada.id, 2).await, ["a3@example.com", "gone"]);
    assert_eq!(friends(&ports, ada.id, usize::MAX).await, ["a3@example.com", "gone", "a1@example.com", "a0@example.com"]);
    assert_eq!(friends(&ports, joined[0].id, 10).await, [""; 0]);
    assert_eq!(ports.entries.friends(ada.id, 1).await.unwrap()[0].joined_at, joined[3].created_at);
}

/// Records have the events and the mail of one entry, the oldest first, and nothing of another.
pub async fn records_are_of_one_entry(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let (ada, bob) = (join(&ports, &list, "ada@example.com").await, join(&ports, &list, "bob@example.com").await);
    let approve = ReviewEntry { now: later(&ports, 5), ..review(&ports, &ada, Review::Approve) };
    ports.entries.review(approve).await.unwrap();
    let records = ports.entries.records(list.id, ada.id).await.unwrap();
    let kinds: Vec<EventKind> = records.events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::EntryCreated, EventKind::EntryApproved]);
    assert!(records.events.iter().all(|event| event.entry_id == Some(ada.id) && event.body.contains("ada@example.com")));
    assert_eq!(records.mails.iter().map(|mail| mail.kind).collect::<Vec<_>>(), [MailKind::Welcome, MailKind::Approved]);
    for mail in &records.mails {
        let told = records.events.iter().find(|event| event.id.uuid() == mail.id.uuid()).unwrap();
        assert_eq!((&mail.to, mail.created_at), (&ada.profile.email, told.occurred_at));
        assert_eq!((mail.state, mail.sent_at), (MailState::Pending, None));
    }
    let others = ports.entries.records(list.id, bob.id).await.unwrap();
    assert_eq!((others.events.len(), others.mails.len()), (1, 1));
}

/// A mail that was sent says so, and when.
pub async fn records_say_how_far_a_mail_has_come(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = talking_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let (now, claim) = (later(&ports, 5), ClaimId::new(ports.ids.uuid()));
    let request = ClaimRequest { claim, now, lease_until: later(&ports, 60), shares: vec![(list.workspace_id, 10)] };
    let claimed = ports.mails.claim(request, None).await.unwrap().remove(0);
    let settle = SettleMail {
        claim,
        mail_id: claimed.mail.id,
        workspace_id: list.workspace_id,
        attempt: 1,
        outcome: MailOutcome::Accepted,
        error: None,
        latency: Duration::ZERO,
        chance: 0,
        now,
    };
    assert_eq!(ports.mails.settle(vec![settle], RetrySchedule::default()).await.unwrap(), 1);
    let mails = ports.entries.records(list.id, ada.id).await.unwrap().mails;
    assert_eq!(
        mails.iter().map(|mail| (mail.id, mail.state, mail.sent_at)).collect::<Vec<_>>(),
        [(claimed.mail.id, MailState::Sent, Some(now))]
    );
}

fn boost(places: u64) -> ReferralBoost {
    ReferralBoost::new(places).unwrap()
}

/// The rank of each entry, as the store has it now.
async fn ranks(ports: &Ports, list: &Waitlist, places: u64, entries: &[&Entry]) -> Vec<(u64, u64)> {
    let ranks = ports.entries.ranks(list.id, boost(places)).await.unwrap();
    assert_eq!(ranks.boost(), boost(places));
    let rank = |entry: &&Entry| ranks.find(entry.position, 0);
    entries.iter().map(rank).map(|Rank { ahead, total }| (ahead, total)).collect()
}

/// Entries that are not rejected are ordered by effective position and then by position, as they are now.
pub async fn ranks_are_those_of_a_sorted_list(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let mut all = Vec::new();
    for n in 0..4 {
        all.push(join(&ports, &list, &format!("p{n}@example.com")).await);
    }
    all.push(join_by(&ports, &list, &all[3], "p4@example.com").await);
    all.push(join_by(&ports, &list, &all[3], "p5@example.com").await);
    all.push(join_by(&ports, &list, &all[2], "p6@example.com").await);
    ports.entries.review(review(&ports, &all[1], Review::Approve)).await.unwrap();
    ports.entries.review(review(&ports, &all[5], Review::Reject)).await.unwrap();
    let standing: Vec<&Entry> = all.iter().filter(|entry| entry.id != all[5].id).collect();
    // The effective positions are 1, 2, 2, 2, 5 and 7.
    assert_eq!(ranks(&there, &list, 1, &standing).await, [0, 1, 2, 3, 4, 5].map(|ahead| (ahead, 6)));
    // They are 1, 2, 1, 1, 5 and 7.
    assert_eq!(ranks(&ports, &list, 2, &standing).await, [0, 3, 1, 2, 4, 5].map(|ahead| (ahead, 6)));
    assert_eq!(ranks(&ports, &list, 0, &standing).await, [0, 1, 2, 3, 4, 5].map(|ahead| (ahead, 6)));
    assert!(ports.entries.delete(delete_entry(&ports, list.id, all[0].id)).await.unwrap());
    ports.entries.review(review(&ports, &all[3], Review::Reject)).await.unwrap();
    let standing: Vec<&Entry> = [1, 2, 4, 6].map(|n| &all[n]).to_vec();
    assert_eq!(ranks(&ports, &list, 2, &standing).await, [1, 0, 2, 3].map(|ahead| (ahead, 4)));
}

/// Another list of the workspace, and a deleted one, have no part in a list's order.
pub async fn ranks_are_of_one_list(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    for n in 0..3 {
        join(&ports, &other, &format!("p{n}@example.com")).await;
    }
    let ada = join(&ports, &list, "ada@example.com").await;
    assert_eq!(ranks(&ports, &list, 1, &[&ada]).await, [(0, 1)]);
    assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, other.id)).await.unwrap());
    assert!(ports.entries.ranks(other.id, boost(1)).await.unwrap().is_empty());
    assert_eq!(ranks(&ports, &list, 1, &[&ada]).await, [(0, 1)]);
}

/// A person who signed up after an order was read stands behind those who came between, whatever became of the last ones before.
pub async fn a_newcomer_is_ranked_by_an_older_order(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let mut all = Vec::new();
    for n in 0..4 {
        all.push(join(&ports, &list, &format!("p{n}@example.com")).await);
    }
    ports.entries.review(review(&ports, &all[2], Review::Reject)).await.unwrap();
    assert!(ports.entries.delete(delete_entry(&ports, list.id, all[3].id)).await.unwrap());
    let order = ports.entries.ranks(list.id, boost(1)).await.unwrap();
    join(&ports, &list, "between@example.com").await;
    let newcomer = join(&ports, &list, "newcomer@example.com").await;
    assert_eq!(order.find(newcomer.position, 0), Rank { ahead: 3, total: 4 });
    assert_eq!(ranks(&ports, &list, 1, &[&newcomer]).await, [(3, 4)]);
}
