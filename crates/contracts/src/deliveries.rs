//! Cases of [`DeliveryQueue`](rally_domain::port::DeliveryQueue).

use std::collections::HashSet;

use futures_util::future::join_all;
use rally_domain::command::{Review, RotateSecret, SignUp, UpdateWebhook};
use rally_domain::delivery::{AttemptResult, ClaimedDelivery, SettleDelivery};
use rally_domain::event::EventKind;
use rally_domain::id::{AttemptId, ClaimId, EventId, WebhookId};
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::queue::ClaimRequest;
use rally_domain::timestamp::Timestamp;
use rally_domain::waitlist::Waitlist;
use rally_domain::webhook::{DeliveryPolicy, SealedSecret, SealedSecrets, Webhook, WebhookUrl};
use serde_json::json;
use time::Duration;

use crate::Fixture;
use crate::purges::purge_all;
use crate::reviews::review;
use crate::samples::{active_list, active_list_in, sign_up, workspace};
use crate::webhooks::{create_webhook, switch, update, webhook};

/// A request for so many deliveries to each of some webhooks.
async fn request(ports: &Ports, now: Timestamp, each: usize) -> ClaimRequest {
    ClaimRequest {
        claim: ClaimId::new(ports.ids.uuid()),
        now,
        lease_until: now.plus(Duration::minutes(1)),
        shares: ports.deliveries.due(now).await.unwrap().into_iter().map(|lane| (lane, each)).collect(),
    }
}

/// So much of what is due at an instant to each webhook.
pub(crate) async fn claim_each(ports: &Ports, now: Timestamp, each: usize) -> Vec<ClaimedDelivery> {
    ports.deliveries.claim(request(ports, now, each).await).await.unwrap()
}

/// Everything that is due at an instant.
pub(crate) async fn claim(ports: &Ports, now: Timestamp) -> Vec<ClaimedDelivery> {
    claim_each(ports, now, 1000).await
}

pub(crate) fn answered(ports: &Ports, delivery: &ClaimedDelivery, status: Option<u16>, now: Timestamp) -> SettleDelivery {
    SettleDelivery {
        attempt_id: AttemptId::new(ports.ids.uuid()),
        claim: delivery.claim,
        webhook_id: delivery.webhook_id,
        event_id: delivery.event_id,
        kind: delivery.kind,
        attempt: delivery.attempt,
        result: AttemptResult {
            status_code: status,
            response_body: status.map(|status| format!("it was {status}\n")),
            error_message: status.is_none().then(|| "timed out".to_owned()),
            retry_after: None,
            latency: Duration::milliseconds(12),
        },
        chance: u64::MAX / 2,
        now,
    }
}

async fn settle(ports: &Ports, attempts: Vec<SettleDelivery>) -> usize {
    ports.deliveries.settle(attempts, DeliveryPolicy::default()).await.unwrap()
}

async fn join(ports: &Ports, list: &Waitlist, address: &str) -> EventId {
    let command = sign_up(ports, list, address);
    ports.entries.sign_up(command.clone()).await.unwrap();
    command.event_ids[0]
}

fn pairs(claimed: &[ClaimedDelivery]) -> HashSet<(EventId, WebhookId)> {
    claimed.iter().map(|delivery| (delivery.event_id, delivery.webhook_id)).collect()
}

/// To every webhook of its workspace that was subscribed to its kind then, and to no other.
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
    let event = ports.deliveries.events(1).await.unwrap().remove(0);
    let only = &claimed[0];
    assert_eq!((only.attempt, only.kind, &only.body, &only.url), (1, EventKind::EntryCreated, &event.body, &all.url));
    let ada = ports.entries.list(list.id, None, None, Limit::default()).await.unwrap().items.remove(0);
    ports.entries.review(review(&ports, &ada, Review::Approve)).await.unwrap();
    let claimed = claim(&ports, ports.clock.now().plus(Duration::minutes(1))).await;
    assert_eq!(claimed.len(), 3);
    assert!(claimed.iter().all(|delivery| delivery.kind == EventKind::EntryApproved));
    assert!(claimed.iter().any(|delivery| delivery.webhook_id == approvals.id));
}

/// Though many processes ask at once; and again when its lease has ended, not before.
pub async fn a_delivery_is_one_process_s_until_its_lease_ends(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    webhook(&ports, list.workspace_id).await;
    for n in 0..20 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    let now = ports.clock.now();
    let tasks = (0..8).map(|n| {
        let ports = if n % 2 == 0 { ports.clone() } else { there.clone() };
        tokio::spawn(async move { claim_each(&ports, now, 4).await })
    });
    let mut claimed: Vec<_> = join_all(tasks).await.into_iter().flat_map(|outcome| outcome.expect("no panic")).collect();
    claimed.extend(claim(&ports, now).await);
    assert_eq!((claimed.len(), pairs(&claimed).len()), (20, 20));
    let lease = Duration::minutes(1);
    assert_eq!(ports.deliveries.reap(now.plus(lease), 8).await.unwrap(), 0);
    assert!(claim(&ports, now.plus(lease)).await.is_empty());
    let later = now.plus(lease + Duration::milliseconds(1));
    assert_eq!(there.deliveries.reap(later, 8).await.unwrap(), 20);
    let again = claim(&ports, later).await;
    assert_eq!((again.len(), again[0].attempt), (20, 2));
    // Whoever comes back late finds the door closed.
    assert_eq!(settle(&ports, vec![answered(&ports, &claimed[0], Some(200), later)]).await, 0);
    assert!(ports.webhooks.attempts(claimed[0].webhook_id, Limit::default()).await.unwrap().is_empty());
}

/// The attempt was counted when it was claimed: what kills whoever tries it is not tried for ever.
pub async fn what_always_kills_its_process_ends_after_its_attempts(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    webhook(&ports, list.workspace_id).await;
    join(&ports, &list, "ada@example.com").await;
    let mut now = ports.clock.now();
    for attempt in 1..=8 {
        assert_eq!(claim(&ports, now).await[0].attempt, attempt);
        now = now.plus(Duration::minutes(2));
        assert_eq!(ports.deliveries.reap(now, 8).await.unwrap(), 1);
    }
    assert!(claim(&ports, now).await.is_empty());
    assert_eq!(ports.deliveries.depth().await.unwrap().pending, 0);
}

/// The delivery, the webhook and the log, each as the decision has it.
pub async fn an_attempt_is_settled_as_it_was_decided(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    let event = join(&ports, &list, "ada@example.com").await;
    let now = ports.clock.now();
    let depth = ports.deliveries.depth().await.unwrap();
    assert_eq!((depth.pending, depth.oldest_due_at), (1, Some(now)));

    let first = claim(&ports, now).await.remove(0);
    let failed = answered(&ports, &first, None, now);
    let plan = failed.decide(hook.clone(), None, &DeliveryPolicy::default());
    assert_eq!(settle(&ports, vec![failed]).await, 1);
    assert_eq!(ports.webhooks.find(hook.workspace_id, hook.id).await.unwrap(), Some(plan.webhook));
    assert!(claim(&ports, now.plus(Duration::milliseconds(4900))).await.is_empty());
    let later = now.plus(Duration::seconds(6));
    let second = claim(&ports, later).await.remove(0);
    assert_eq!((second.event_id, second.attempt), (event, 2));
    assert_eq!(settle(&ports, vec![answered(&ports, &second, Some(204), later)]).await, 1);
    assert_eq!(settle(&ports, vec![answered(&ports, &second, Some(204), later)]).await, 0);

    let healed = ports.webhooks.find(hook.workspace_id, hook.id).await.unwrap().unwrap();
    assert_eq!((healed.failure_count, healed.first_failure_at, healed.last_status_code), (0, None, Some(204)));
    let log = ports.webhooks.attempts(hook.id, Limit::default()).await.unwrap();
    assert_eq!(log.iter().map(|attempt| (attempt.number, attempt.status_code)).collect::<Vec<_>>(), [(2, Some(204)), (1, None)]);
    assert_eq!((log[1].error_message.as_deref(), log[0].response_body.as_deref()), (Some("timed out"), Some("it was 204\n")));
    assert_eq!((log[0].event_id, log[0].latency, log[0].created_at), (event, Duration::milliseconds(12), later));
    assert_eq!(ports.webhooks.attempts(hook.id, Limit::new(1, 200).unwrap()).await.unwrap(), log[..1]);
    assert!(claim(&ports, later.plus(Duration::days(9))).await.is_empty());
}

/// Several of one webhook at once, in their order; one of them may end it.
pub async fn attempts_of_one_webhook_are_settled_in_their_order(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let (hook, other) = (webhook(&ports, list.workspace_id).await, webhook(&ports, list.workspace_id).await);
    for n in 0..6 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    let now = ports.clock.now();
    let claimed = claim_each(&ports, now, 5).await;
    let (mine, others): (Vec<_>, Vec<_>) = claimed.iter().partition(|delivery| delivery.webhook_id == hook.id);
    let statuses = [Some(500), Some(200), Some(503), None, Some(410)];
    let attempts = mine.iter().zip(statuses).map(|(delivery, status)| answered(&ports, delivery, status, now));
    let attempts = attempts.chain(others.iter().map(|delivery| answered(&ports, delivery, Some(200), now))).collect();
    assert_eq!(settle(&ports, attempts).await, 10);
    let gone = ports.webhooks.find(hook.workspace_id, hook.id).await.unwrap().unwrap();
    assert_eq!((gone.failure_count, gone.active, gone.auto_disabled_at, gone.last_status_code), (3, false, Some(now), Some(410)));
    // The sixth, which waited, is held with those that were to be tried again.
    let left = claim(&ports, now.plus(Duration::days(9))).await;
    assert_eq!(left.iter().map(|delivery| delivery.webhook_id).collect::<Vec<_>>(), [other.id]);
    let well = ports.webhooks.find(other.workspace_id, other.id).await.unwrap().unwrap();
    assert_eq!((well.failure_count, well.active), (0, true));
}

/// Neither what was written while it was off, nor what waited when it was switched off; what comes after is sent.
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

/// Switching it on makes it as if it had never failed.
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
}

/// Though the process that writes the event has known the workspace without it.
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

/// And what waits with it; what arrived is neither.
pub async fn the_depth_tells_what_is_being_sent(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    webhook(&ports, list.workspace_id).await;
    for n in 0..3 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    let now = ports.clock.now();
    let depth = async || {
        let depth = ports.deliveries.depth().await.unwrap();
        (depth.pending, depth.running, depth.oldest_due_at)
    };
    assert_eq!(depth().await, (3, 0, Some(now)));
    let claimed = claim_each(&ports, now, 2).await;
    assert_eq!(depth().await, (3, 2, Some(now)));
    settle(&ports, vec![answered(&ports, &claimed[0], Some(200), now)]).await;
    assert_eq!(depth().await, (2, 1, Some(now)));
    settle(&ports, vec![answered(&ports, &claimed[1], Some(500), now)]).await;
    let last = claim(&ports, now).await.remove(0);
    assert_eq!(depth().await, (2, 1, Some(now.plus(Duration::seconds(5)))));
    settle(&ports, vec![answered(&ports, &last, Some(410), now)]).await;
    purge_all(&ports).await;
    assert_eq!(depth().await, (0, 0, None));
}

/// Each its share, the longest due first, and nothing for one that was not asked for; what is not due yet is not.
pub async fn webhooks_get_their_shares(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let hooks =
        [webhook(&ports, list.workspace_id).await, webhook(&ports, list.workspace_id).await, webhook(&ports, list.workspace_id).await];
    let now = ports.clock.now();
    let mut events = Vec::new();
    for n in 0..3 {
        // The later they sign up, the longer they are due.
        let command = SignUp { now: now.plus(-Duration::seconds(n)), ..sign_up(&ports, &list, &format!("p{n}@example.com")) };
        ports.entries.sign_up(command.clone()).await.unwrap();
        events.push(command.event_ids[0]);
    }
    let due = async |now| ports.deliveries.due(now).await.unwrap().into_iter().collect::<HashSet<_>>();
    assert_eq!(due(now.plus(-Duration::seconds(3))).await, HashSet::new());
    assert_eq!(due(now.plus(-Duration::seconds(2))).await, hooks.iter().map(|hook| hook.id).collect());
    let shares = vec![(hooks[0].id, 2), (hooks[2].id, 1), (WebhookId::new(ports.ids.uuid()), 5)];
    let claimed = ports.deliveries.claim(ClaimRequest { shares, ..request(&ports, now, 0).await }).await.unwrap();
    let of = |hook: &Webhook| {
        let mine = claimed.iter().filter(|delivery| delivery.webhook_id == hook.id);
        mine.map(|delivery| delivery.event_id).collect::<Vec<_>>()
    };
    assert_eq!(hooks.each_ref().map(of), [vec![events[2], events[1]], Vec::new(), vec![events[2]]]);
    let rest = claim(&ports, now).await;
    assert_eq!((claimed.len(), rest.len()), (3, 6));
    assert_eq!(due(now).await, HashSet::new());
}

/// As if it had not been claimed; by whoever claimed it alone.
pub async fn what_is_given_back_is_due_again(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    webhook(&ports, list.workspace_id).await;
    join(&ports, &list, "ada@example.com").await;
    let now = ports.clock.now();
    let claimed = claim(&ports, now).await.remove(0);
    let pair = vec![(claimed.event_id, claimed.webhook_id)];
    ports.deliveries.release(ClaimId::new(ports.ids.uuid()), pair.clone(), now).await.unwrap();
    assert!(claim(&ports, now).await.is_empty());
    let later = now.plus(Duration::minutes(1));
    ports.deliveries.release(claimed.claim, pair, later).await.unwrap();
    assert!(claim(&ports, now).await.is_empty());
    assert_eq!(claim(&ports, later).await[0].attempt, 1);
}

/// With a webhook its deliveries, with a waitlist its events; what was being sent is not sent again.
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
    assert!(ports.webhooks.delete(gone.workspace_id, gone.id).await.unwrap());
    assert!(ports.waitlists.delete(doomed.workspace_id, doomed.id).await.unwrap());
    let attempts = claimed.iter().map(|delivery| answered(&ports, delivery, Some(500), now)).collect();
    settle(&ports, attempts).await;
    assert!(ports.webhooks.attempts(gone.id, Limit::default()).await.unwrap().is_empty());
    let left = claim(&ports, now.plus(Duration::minutes(1))).await;
    assert_eq!(pairs(&left), HashSet::from([(kept, hook.id)]));
}

/// Nobody is turned away because a webhook with much to its name goes while they sign up.
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
            assert!(there.webhooks.delete(hook.workspace_id, hook.id).await.unwrap());
        }
    });
    for n in 0..100 {
        join(&ports, &list, &format!("q{n}@example.com")).await;
    }
    deletions.await.expect("no panic");
    purge_all(&ports).await;
    assert_eq!(ports.deliveries.events(1000).await.unwrap().len(), 200);
    assert_eq!(ports.deliveries.depth().await.unwrap().pending, 0);
}

/// Where the URL and the secrets are asked for right before an attempt: as they are then, and nothing of what is not to be sent.
pub async fn a_claim_is_confirmed_as_things_are_now(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let doomed = active_list_in(&ports, list.workspace_id, "doomed", json!({})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    join(&ports, &list, "ada@example.com").await;
    join(&ports, &doomed, "bob@example.com").await;
    let now = ports.clock.now();
    let claimed = claim(&ports, now).await;
    let keys: Vec<_> = claimed.iter().map(|delivery| (delivery.claim, delivery.event_id, delivery.webhook_id)).collect();
    let confirm = async |ports: &Ports| ports.deliveries.confirm(keys.clone(), now).await.unwrap();
    assert_eq!(confirm(&there).await, claimed);
    let url = WebhookUrl::parse("https://other.example/").unwrap();
    ports.webhooks.update(UpdateWebhook { url: Some(url.clone()), ..update(&hook) }).await.unwrap();
    let rotate = RotateSecret { id: hook.id, workspace_id: hook.workspace_id, secret: SealedSecret::new(vec![9]), now };
    ports.webhooks.rotate(rotate, None).await.unwrap();
    let confirmed = confirm(&there).await;
    let secrets = SealedSecrets { current: SealedSecret::new(vec![9]), previous: Some(SealedSecret::new(vec![1, 2, 3])) };
    assert!(confirmed.len() == 2 && confirmed.iter().all(|delivery| delivery.url == url && delivery.secrets == secrets));
    assert!(ports.waitlists.delete(doomed.workspace_id, doomed.id).await.unwrap());
    assert_eq!(pairs(&confirm(&ports).await), HashSet::from([(claimed[0].event_id, hook.id)]));
    settle(&ports, vec![answered(&ports, &claimed[0], Some(200), now)]).await;
    assert_eq!(confirm(&ports).await, []);
}

/// Whether it is given back, its lease ends or its attempt fails: what was claimed before a webhook was switched off and on again is
/// not sent any more.
pub async fn what_was_claimed_before_a_switch_is_not_sent_again(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    for n in 0..3 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    let now = ports.clock.now();
    let claimed = claim(&ports, now).await;
    switch(&ports, &hook, false).await;
    let on = switch(&ports, &hook, true).await;
    let keys: Vec<_> = claimed.iter().map(|delivery| (delivery.claim, delivery.event_id, delivery.webhook_id)).collect();
    assert_eq!(ports.deliveries.confirm(keys, now).await.unwrap(), []);
    ports.deliveries.release(claimed[0].claim, vec![(claimed[0].event_id, hook.id)], now).await.unwrap();
    assert_eq!(settle(&ports, vec![answered(&ports, &claimed[1], Some(500), now)]).await, 1);
    let later = now.plus(Duration::minutes(2));
    assert_eq!(ports.deliveries.reap(later, 8).await.unwrap(), 1);
    assert_eq!(claim(&ports, later.plus(Duration::days(1))).await, []);
    // It says nothing of the webhook as it is now, but it is in the log.
    assert_eq!(ports.webhooks.find(hook.workspace_id, hook.id).await.unwrap(), Some(on));
    assert_eq!(ports.webhooks.attempts(hook.id, Limit::default()).await.unwrap().len(), 1);
    let after = join(&ports, &list, "after@example.com").await;
    assert_eq!(pairs(&claim(&ports, later).await), HashSet::from([(after, hook.id)]));
}

/// What waits and what is being sent; what arrived stays in the log.
pub async fn what_is_undelivered_of_a_deleted_entry_is_dropped(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"approval_required": false})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    let ada = sign_up(&ports, &list, "ada@example.com");
    let id = ports.entries.sign_up(ada).await.unwrap().id;
    let now = ports.clock.now();
    // One of its two events is being sent, the other waits.
    let claimed = claim_each(&ports, now, 1).await;
    let bob = join(&ports, &list, "bob@example.com").await;
    assert!(ports.entries.delete(list.id, id).await.unwrap());
    let keys = claimed.iter().map(|delivery| (delivery.claim, delivery.event_id, delivery.webhook_id)).collect();
    assert_eq!(ports.deliveries.confirm(keys, now).await.unwrap(), []);
    assert_eq!(settle(&ports, vec![answered(&ports, &claimed[0], Some(500), now)]).await, 0);
    let left = claim(&ports, now.plus(Duration::days(1))).await;
    assert!(left.len() == 2 && pairs(&left).contains(&(bob, hook.id)), "{left:?}");
}

/// Finished events and their log, and nothing that is still to be sent.
pub async fn what_is_finished_is_pruned(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
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
    // The log of four attempts, the two events that arrived.
    assert_eq!(ports.deliveries.prune(later, 3).await.unwrap(), 5);
    assert_eq!(ports.deliveries.prune(later, 3).await.unwrap(), 1);
    assert_eq!(ports.deliveries.prune(later, 3).await.unwrap(), 0);
    assert!(ports.webhooks.attempts(hook.id, Limit::default()).await.unwrap().is_empty());
    assert_eq!(ports.deliveries.events(10).await.unwrap().len(), 2);
    assert_eq!(ports.deliveries.depth().await.unwrap().pending, 2);
}
