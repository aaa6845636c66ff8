//! Cases about changes that are told: every change of an entry or a status is written with its event.

use futures_util::future::join_all;
use rally_domain::actor::Actor;
use rally_domain::command::{ProfileChange, Review, Unsubscribe, UnsubscribeRejection};
use rally_domain::entry::Entry;
use rally_domain::error::CommandError;
use rally_domain::event::{Event, EventKind};
use rally_domain::id::{EntryId, EventId, SuppressionId, WaitlistId};
use rally_domain::port::Ports;
use rally_domain::suppression::SuppressionReason;
use rally_domain::text::PersonName;
use rally_domain::waitlist::{Waitlist, WaitlistStatus};
use serde_json::{Value, json};

use crate::Fixture;
use crate::claims::claim;
use crate::invitations::record;
use crate::purges::purge_all;
use crate::reviews::review;
use crate::samples::{
    active_list, active_list_in, change_status, delete_entry, erase_entry, join, later, sign_up, status_change, suppress, told,
};
use crate::visits::update_profile;
use crate::webhooks::create_webhook;

/// The command that ends the mail to the person of an entry.
pub fn unsubscribe(ports: &Ports, waitlist_id: WaitlistId, entry_id: EntryId) -> Unsubscribe {
    Unsubscribe {
        waitlist_id,
        entry_id,
        suppression_id: SuppressionId::new(ports.ids.uuid()),
        event_id: EventId::new(ports.ids.uuid()),
        actor: Actor::Visitor,
        now: ports.clock.now(),
        links: ports.links.clone(),
    }
}

/// The stored events of a kind.
async fn of_kind(ports: &Ports, kind: EventKind) -> Vec<Event> {
    told(ports, usize::MAX).await.into_iter().filter(|event| event.kind == kind).collect()
}

fn data(event: &Event) -> Value {
    serde_json::from_str::<Value>(&event.body).unwrap()["data"].clone()
}

/// The data of an event about an entry.
fn about(entry: &Entry, list: &Waitlist) -> Value {
    let waitlist = json!({"id": list.id.to_string(), "slug": list.slug.as_str(), "display_name": list.display_name.as_str()});
    json!({"entry": serde_json::to_value(entry.document(list.settings.referral_boost)).unwrap(), "waitlist": waitlist})
}

async fn approved(ports: &Ports, list: &Waitlist) -> Entry {
    let entry = join(ports, list, "ada@example.com").await;
    ports.entries.review(review(ports, &entry, Review::Approve)).await.unwrap()
}

/// A changed profile is told with the entry after the change. A change that changes nothing is not told.
pub async fn a_changed_profile_is_told(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let name = |name| ProfileChange { name: Some(PersonName::parse(name).unwrap()), ..ProfileChange::default() };
    let changed = ports.entries.update_profile(update_profile(&ports, &ada, name("Ada King"))).await.unwrap();
    ports.entries.update_profile(update_profile(&ports, &ada, name("Ada King"))).await.unwrap();
    let events = of_kind(&ports, EventKind::EntryUpdated).await;
    assert_eq!(events.iter().map(|event| (event.entry_id, data(event))).collect::<Vec<_>>(), [(Some(ada.id), about(&changed, &list))]);
}

/// An invitation is told once, however often it is recorded. An invitation into another app is told too.
pub async fn an_invitation_is_told_once(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let ada = approved(&ports, &list).await;
    let invited = ports.entries.record_invitation(record(&ports, &ada, "app", "first")).await.unwrap().entry;
    ports.entries.record_invitation(record(&ports, &ada, "app", "first")).await.unwrap();
    let events = of_kind(&ports, EventKind::EntryInvited).await;
    assert_eq!(events.iter().map(data).collect::<Vec<_>>(), [about(&invited, &list)]);
    ports.entries.record_invitation(record(&ports, &ada, "other", "second")).await.unwrap();
    assert_eq!(of_kind(&ports, EventKind::EntryInvited).await.len(), 2);
}

/// A deletion and an erasure are told and sent with ids alone. What is undelivered about the entry is dropped.
pub async fn a_deletion_is_told_without_the_person(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    ports.webhooks.create(create_webhook(&ports, list.workspace_id, &EventKind::ALL), None).await.unwrap();
    let (ada, bob) = (join(&ports, &list, "ada@example.com").await, join(&ports, &list, "bob@example.com").await);
    let (delete, erase) = (delete_entry(&ports, list.id, ada.id), erase_entry(&ports, list.id, bob.id));
    let ids = [delete.event_id, erase.event_id];
    assert!(ports.entries.delete(delete).await.unwrap() && ports.entries.erase(erase).await.unwrap());
    purge_all(&ports).await;
    let mut claimed = claim(&ports, later(&ports, 3600)).await;
    claimed.sort_by_key(|delivery| delivery.event_id);
    assert_eq!(claimed.iter().map(|delivery| delivery.event_id).collect::<Vec<_>>(), ids);
    let kinds = [EventKind::EntryDeleted, EventKind::EntryErased];
    for ((delivery, kind), entry) in claimed.iter().zip(kinds).zip([&ada, &bob]) {
        let body: Value = serde_json::from_str(&delivery.body).unwrap();
        let expected = json!({"entry_id": entry.id.to_string(), "waitlist_id": list.id.to_string(), "position": entry.position.number()});
        assert_eq!((delivery.kind, &body["data"], body.get("erased")), (kind, &expected, None));
        assert_eq!(of_kind(&ports, kind).await.len(), 1);
    }
    assert!(!ports.entries.delete(delete_entry(&ports, list.id, ada.id)).await.unwrap());
    assert_eq!(of_kind(&ports, EventKind::EntryDeleted).await.len(), 1);
}

/// The end of the mail to a person suppresses the address and is told once, however many ask. An entry of another list is refused.
pub async fn an_unsubscription_is_told_once(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    let ada = join(&ports, &list, "ada@example.com").await;
    let refused = ports.suppressions.unsubscribe(unsubscribe(&ports, other.id, ada.id)).await;
    assert!(matches!(refused, Err(CommandError::Rejected(UnsubscribeRejection::NoSuchEntry))), "{refused:?}");
    let address = ports.links.secret().hash_address(&ada.profile.email);
    assert_eq!(ports.suppressions.find(list.workspace_id, address).await.unwrap(), []);
    let ask = |n: usize| {
        let ports = if n.is_multiple_of(2) { &ports } else { &there };
        ports.suppressions.unsubscribe(unsubscribe(ports, list.id, ada.id))
    };
    for outcome in join_all((0..6).map(ask)).await {
        outcome.unwrap();
    }
    let kept = ports.suppressions.find(list.workspace_id, address).await.unwrap();
    let kept: Vec<_> = kept.iter().map(|row| (row.reason, row.masked_email.as_deref())).collect();
    assert_eq!(kept, [(SuppressionReason::Unsubscribed, Some("a***@example.com"))]);
    let events = of_kind(&ports, EventKind::EntryUnsubscribed).await;
    assert_eq!(events.iter().map(data).collect::<Vec<_>>(), [about(&ada, &list)]);
    // An address that is suppressed for another reason is no exception.
    let bob = join(&ports, &list, "bob@example.com").await;
    let before = suppress(&ports, list.workspace_id, "bob@example.com", SuppressionReason::Bounced);
    let address = ports.suppressions.suppress(before).await.unwrap().address;
    ports.suppressions.unsubscribe(unsubscribe(&ports, list.id, bob.id)).await.unwrap();
    let kept = ports.suppressions.find(list.workspace_id, address).await.unwrap();
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert!(kept.iter().any(|row| row.reason == SuppressionReason::Unsubscribed), "{kept:?}");
    assert_eq!(of_kind(&ports, EventKind::EntryUnsubscribed).await.len(), 2);
}

/// A new status is told with the old one, once, between the sign-ups before and after it.
pub async fn a_status_is_told_among_the_changes_of_its_list(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let kinds = [EventKind::EntryCreated, EventKind::WaitlistStatusChanged];
    ports.webhooks.create(create_webhook(&ports, list.workspace_id, &kinds), None).await.unwrap();
    join(&ports, &list, "ada@example.com").await;
    let paused = change_status(&ports, &list, WaitlistStatus::Paused).await;
    ports.waitlists.change_status(status_change(&ports, &list, WaitlistStatus::Paused)).await.unwrap();
    change_status(&ports, &list, WaitlistStatus::Active).await;
    ports.entries.sign_up(sign_up(&ports, &list, "bob@example.com")).await.unwrap();
    let statuses = ports.deliveries.events(100).await.unwrap().into_iter();
    let statuses: Vec<Value> = statuses.filter(|event| event.kind == EventKind::WaitlistStatusChanged).map(|event| data(&event)).collect();
    let waitlist = json!({"id": list.id.to_string(), "slug": "list", "display_name": paused.display_name.as_str()});
    let change = |from: &str, to: &str| json!({"waitlist": waitlist, "from": from, "to": to});
    assert_eq!(statuses, [change("draft", "active"), change("active", "paused"), change("paused", "active")]);
    assert_eq!(claim(&ports, ports.clock.now()).await.len(), 4);
    ports.feeds.number(list.workspace_id, 100).await.unwrap();
    let query = rally_domain::feed::FeedQuery {
        workspace_id: list.workspace_id,
        after: None,
        oldest: ports.clock.now(),
        filter: rally_domain::feed::FeedFilter::default(),
        limit: rally_domain::paging::Limit::default(),
    };
    let told = ports.feeds.page(query).await.unwrap().unwrap().bodies;
    let told: Vec<String> =
        told.iter().map(|body| serde_json::from_str::<Value>(body).unwrap()["type"].as_str().unwrap().to_owned()).collect();
    let (created, changed) = ("entry.created", "waitlist.status_changed");
    assert_eq!(told, [changed, created, changed, changed, created]);
}
