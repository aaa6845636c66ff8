//! Cases of [`DeliveryQueue`](rally_domain::port::DeliveryQueue).

use std::collections::{HashMap, HashSet};

use rally_domain::command::{Review, SignUp, UpdateWebhook};
use rally_domain::event::EventKind;
use rally_domain::id::EventId;
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::waitlist::Waitlist;
use rally_domain::webhook::{Webhook, WebhookUrl};
use serde_json::json;
use time::Duration;

use crate::Fixture;
use crate::claims::{claim, claim_each, keys, pairs};
use crate::purges::purge_all;
use crate::reviews::review;
use crate::samples::{active_list, active_list_in, delete_entry, delete_waitlist, delete_webhook, later, sign_up, told, workspace};
use crate::settlements::{answered, settle};
use crate::webhooks::{create_webhook, switch, update, webhook};

pub(crate) async fn join(ports: &Ports, list: &Waitlist, address: &str) -> EventId {
    let command = sign_up(ports, list, address);
    ports.entries.sign_up(command.clone()).await.unwrap();
    command.event_ids[0]
}

/// An event goes to every webhook of its workspace that is subscribed to its kind at that time, and to no other.
pub async fn an_event_goes_to_those_who_are_subscribed(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let all = webhook(&ports, list.workspace_id).await;
    let approvals = create_webhook(&ports, list.workspace_id, &[EventKind::EntryApproved, EventKind::EntryRejected]);
    let approvals = ports.webhooks.create(approvals, None).await.unwrap();
    webhook(&ports, workspace(&ports, "beta").await.id).await;
    let created = join(&ports, &list, "ada@example.com").await;
    webhook(&ports, list.workspace_id).await;
    let claimed = claim(&ports, ports.clock.now()).await;
    assert_eq!(pairs(&claimed), HashSet::from([(created, all.id)]));
    let event = told(&ports, 1).await.remove(0);
    let only = &claimed[0];
    assert_eq!((only.attempt, only.kind, &only.body, &only.url), (1, EventKind::EntryCreated, &event.body, &all.url));
    let ada = ports.entries.list(list.id, None, None, Limit::default()).await.unwrap().items.remove(0);
    ports.entries.review(review(&ports, &ada, Review::Approve)).await.unwrap();
    let claimed = claim(&ports, ports.clock.now().plus(Duration::minutes(1))).await;
    assert_eq!(claimed.len(), 3);
    assert!(claimed.iter().all(|delivery| delivery.kind == EventKind::EntryApproved));
    assert!(claimed.iter().any(|delivery| delivery.webhook_id == approvals.id));
}

/// A webhook does not get events that were written while it was disabled, nor those that waited when it was disabled. It gets later events.
pub async fn a_webhook_that_is_off_misses_what_happens(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    let now = ports.clock.now();
    join(&ports, &list, "before@example.com").await;
    switch(&ports, &hook, false).await;
    join(&ports, &list, "meanwhile@example.com").await;
    assert!(claim(&ports, now).await.is_empty());
    switch(&ports, &hook, true).await;
    assert!(claim(&ports, now).await.is_empty());
    let after = join(&ports, &list, "after@example.com").await;
    assert_eq!(pairs(&claim(&ports, now).await), HashSet::from([(after, hook.id)]));
}

/// A disabled webhook is not due, and no new event waits for it.
pub async fn a_disabled_webhook_is_due_nothing(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    let now = ports.clock.now();
    join(&ports, &list, "before@example.com").await;
    assert_eq!(ports.deliveries.due(now).await.unwrap(), [hook.id]);
    switch(&ports, &hook, false).await;
    assert_eq!(ports.deliveries.due(now).await.unwrap(), []);
    purge_all(&ports).await;
    join(&ports, &list, "meanwhile@example.com").await;
    assert_eq!(ports.deliveries.depth().await.unwrap().pending, 0);
}

/// The body of a delivery is the body of its event.
pub async fn a_delivery_has_the_body_of_its_event(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"approval_required": false})).await;
    for _ in 0..2 {
        webhook(&ports, list.workspace_id).await;
    }
    for n in 0..3 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    let events = told(&ports, 10).await;
    let told: HashMap<_, _> = events.into_iter().map(|event| (event.id, (event.kind, event.body))).collect();
    let claimed = claim(&ports, ports.clock.now()).await;
    assert_eq!((told.len(), claimed.len()), (6, 12));
    for delivery in claimed {
        assert_eq!((delivery.kind, delivery.body), told[&delivery.event_id]);
    }
}

/// A webhook that is enabled again starts with no failures counted.
pub async fn a_webhook_that_is_switched_on_starts_anew(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    join(&ports, &list, "ada@example.com").await;
    let now = ports.clock.now();
    let claimed = claim(&ports, now).await.remove(0);
    settle(&ports, vec![answered(&ports, &claimed, Some(410), now)]).await;
    let switched = switch(&ports, &hook, true).await;
    let expected = Webhook { last_status_code: Some(410), last_attempt_at: Some(now), generation: 2, ..hook };
    assert_eq!(switched, expected);
    assert_eq!(ports.webhooks.find(switched.workspace_id, switched.id).await.unwrap(), Some(expected));
}

/// A webhook that another process created gets the next event, even from a process that read the workspace before.
pub async fn what_another_process_has_subscribed_counts_at_once(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    join(&there, &list, "before@example.com").await;
    let hook = webhook(&ports, list.workspace_id).await;
    let after = join(&there, &list, "after@example.com").await;
    let url = WebhookUrl::parse("https://other.example/").unwrap();
    there.webhooks.update(UpdateWebhook { url: Some(url.clone()), ..update(&hook) }).await.unwrap();
    let claimed = claim(&ports, ports.clock.now()).await;
    assert_eq!(pairs(&claimed), HashSet::from([(after, hook.id)]));
    assert_eq!(claimed[0].url, url);
    switch(&ports, &hook, false).await;
    join(&there, &list, "off@example.com").await;
    switch(&ports, &hook, true).await;
    let again = join(&there, &list, "on@example.com").await;
    assert_eq!(pairs(&claim(&ports, ports.clock.now()).await), HashSet::from([(again, hook.id)]));
}

/// The deliveries of a deleted webhook and the events of a deleted waitlist are gone. A delivery that was being sent is not sent again.
pub async fn deliveries_go_with_what_they_belong_to(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let doomed = active_list_in(&ports, list.workspace_id, "doomed", json!({})).await;
    let (hook, gone) = (webhook(&ports, list.workspace_id).await, webhook(&ports, list.workspace_id).await);
    let kept = join(&ports, &list, "ada@example.com").await;
    join(&ports, &doomed, "ada@example.com").await;
    let now = ports.clock.now();
    let claimed = claim(&ports, now).await;
    assert_eq!(claimed.len(), 4);
    assert!(ports.webhooks.delete(delete_webhook(&ports, gone.workspace_id, gone.id)).await.unwrap());
    assert!(ports.waitlists.delete(delete_waitlist(&ports, doomed.workspace_id, doomed.id)).await.unwrap());
    let attempts = claimed.iter().map(|delivery| answered(&ports, delivery, Some(500), now)).collect();
    settle(&ports, attempts).await;
    assert!(ports.webhooks.attempts(gone.id, Limit::default()).await.unwrap().is_empty());
    let left = claim(&ports, now.plus(Duration::minutes(1))).await;
    assert_eq!(pairs(&left), HashSet::from([(kept, hook.id)]));
}

/// No sign-up is refused while a webhook with many deliveries is deleted.
pub async fn sign_ups_go_on_while_webhooks_are_deleted(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let mut hooks = Vec::new();
    for _ in 0..20 {
        hooks.push(webhook(&ports, list.workspace_id).await);
    }
    for n in 0..100 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    let deletions = tokio::spawn(async move {
        for hook in hooks {
            assert!(there.webhooks.delete(delete_webhook(&there, hook.workspace_id, hook.id)).await.unwrap());
        }
    });
    for n in 0..100 {
        join(&ports, &list, &format!("q{n}@example.com")).await;
    }
    deletions.await.expect("no panic");
    purge_all(&ports).await;
    assert_eq!(told(&ports, 1000).await.len(), 200);
    assert_eq!(ports.deliveries.depth().await.unwrap().pending, 0);
}

/// The deliveries of a deleted entry that wait or are being sent are dropped. Those that were delivered stay in the log.
pub async fn what_is_undelivered_of_a_deleted_entry_is_dropped(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"approval_required": false})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    let ada = sign_up(&ports, &list, "ada@example.com");
    let id = ports.entries.sign_up(ada).await.unwrap().id;
    let ada = ports.entries.find(list.id, id).await.unwrap().unwrap();
    let now = ports.clock.now();
    // One of its three events was delivered, one is being sent, and one waits.
    let arrived = claim_each(&ports, now, 1).await;
    settle(&ports, vec![answered(&ports, &arrived[0], Some(200), now)]).await;
    ports.entries.review(review(&ports, &ada, Review::Reject)).await.unwrap();
    let claimed = claim_each(&ports, now, 1).await;
    let bob = join(&ports, &list, "bob@example.com").await;
    assert!(ports.entries.delete(delete_entry(&ports, list.id, id)).await.unwrap());
    assert_eq!(ports.deliveries.confirm(keys(&claimed), now).await.unwrap(), []);
    assert_eq!(settle(&ports, vec![answered(&ports, &claimed[0], Some(500), now)]).await, 0);
    let left = claim(&ports, now.plus(Duration::days(1))).await;
    assert!(left.len() == 2 && pairs(&left).contains(&(bob, hook.id)), "{left:?}");
    let log = ports.webhooks.attempts(hook.id, Limit::default()).await.unwrap();
    assert_eq!(log.iter().map(|attempt| attempt.event_id).collect::<Vec<_>>(), [arrived[0].event_id]);
}

/// Prunes the event of the list that became active.
async fn forget_status(ports: &Ports) {
    assert_eq!(ports.deliveries.prune(later(ports, 1), 10).await.unwrap(), 1);
}

/// A prune deletes finished events and their log, and no event that is still to be sent.
pub async fn what_is_finished_is_pruned(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    forget_status(&ports).await;
    let hook = webhook(&ports, list.workspace_id).await;
    let now = ports.clock.now();
    for n in 0..4 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    let claimed = claim(&ports, now).await;
    let attempts =
        claimed.iter().zip([Some(200), Some(200), Some(500), None]).map(|(delivery, status)| answered(&ports, delivery, status, now));
    settle(&ports, attempts.collect()).await;
    let later = now.plus(Duration::milliseconds(1));
    assert_eq!(ports.deliveries.prune(now, 100).await.unwrap(), 0);
    // The log of four attempts, and the two events that were delivered.
    assert_eq!(ports.deliveries.prune(later, 3).await.unwrap(), 5);
    assert_eq!(ports.deliveries.prune(later, 3).await.unwrap(), 1);
    assert_eq!(ports.deliveries.prune(later, 3).await.unwrap(), 0);
    assert!(ports.webhooks.attempts(hook.id, Limit::default()).await.unwrap().is_empty());
    assert_eq!(told(&ports, 10).await.len(), 2);
    assert_eq!(ports.deliveries.depth().await.unwrap().pending, 2);
}

/// A prune deletes events that no webhook gets, the oldest first and so many at a time.
pub async fn events_that_nobody_gets_are_pruned(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let mut events = Vec::new();
    for n in 0..4 {
        let command = SignUp { now: later(&ports, -n), ..sign_up(&ports, &list, &format!("p{n}@example.com")) };
        ports.entries.sign_up(command.clone()).await.unwrap();
        events.push(command.event_ids[0]);
    }
    let kept = async || told(&ports, 10).await.into_iter().map(|event| event.id).collect::<Vec<_>>();
    for (pruned, left) in [(2, 2), (1, 1), (0, 1)] {
        assert_eq!(ports.deliveries.prune(ports.clock.now(), 2).await.unwrap(), pruned);
        assert_eq!(kept().await, events[..left].iter().rev().copied().collect::<Vec<_>>());
    }
}

/// An event stays while one of its deliveries waits or is being sent. It is pruned after the last one was delivered or given up.
pub async fn an_event_is_pruned_when_its_last_delivery_has_ended(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    forget_status(&ports).await;
    for _ in 0..2 {
        webhook(&ports, list.workspace_id).await;
    }
    join(&ports, &list, "ada@example.com").await;
    let now = ports.clock.now();
    let claimed = claim(&ports, now).await;
    let end = later(&ports, 3600);
    settle(&ports, vec![answered(&ports, &claimed[0], Some(200), now)]).await;
    // Only the line of the log is pruned.
    assert_eq!(ports.deliveries.prune(end, 10).await.unwrap(), 1);
    settle(&ports, vec![answered(&ports, &claimed[1], Some(500), now)]).await;
    assert_eq!(ports.deliveries.prune(end, 10).await.unwrap(), 1);
    let again = claim(&ports, later(&ports, 60)).await;
    assert_eq!(pairs(&again), pairs(&claimed[1..]));
    assert_eq!(ports.deliveries.reap(end, 2).await.unwrap(), 1);
    assert_eq!((ports.deliveries.depth().await.unwrap().pending, ports.deliveries.prune(end, 10).await.unwrap()), (0, 1));
    assert_eq!(told(&ports, 10).await, []);
}
