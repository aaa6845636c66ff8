//! Cases of [`DeliveryQueue`](rally_domain::port::DeliveryQueue) about claims: which process sends a delivery, and when.

use std::collections::HashSet;

use futures_util::future::join_all;
use rally_domain::command::{RotateSecret, SignUp, UpdateWebhook};
use rally_domain::delivery::ClaimedDelivery;
use rally_domain::id::{ClaimId, EventId, WebhookId};
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::queue::ClaimRequest;
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::{SealedSecret, SealedSecrets, Webhook, WebhookUrl};
use serde_json::json;
use time::Duration;

use crate::Fixture;
use crate::deliveries::join;
use crate::purges::purge_all;
use crate::samples::{ACTOR, active_list, active_list_in, delete_waitlist, delete_webhook, later, sign_up};
use crate::settlements::{answered, settle};
use crate::webhooks::{rotation, switch, update, webhook};

/// A request for that many deliveries of each of some webhooks.
async fn request(ports: &Ports, now: Timestamp, each: usize) -> ClaimRequest {
    ClaimRequest {
        claim: ClaimId::new(ports.ids.uuid()),
        now,
        lease_until: now.plus(Duration::minutes(1)),
        shares: ports.deliveries.due(now).await.unwrap().into_iter().map(|lane| (lane, each)).collect(),
    }
}

/// At most that many deliveries of each webhook that are due at an instant.
pub(crate) async fn claim_each(ports: &Ports, now: Timestamp, each: usize) -> Vec<ClaimedDelivery> {
    ports.deliveries.claim(request(ports, now, each).await).await.unwrap()
}

/// Everything that is due at an instant.
pub(crate) async fn claim(ports: &Ports, now: Timestamp) -> Vec<ClaimedDelivery> {
    claim_each(ports, now, 1000).await
}

/// The arguments that confirm claimed deliveries.
pub(crate) fn keys(claimed: &[ClaimedDelivery]) -> Vec<(ClaimId, EventId, WebhookId)> {
    claimed.iter().map(|delivery| (delivery.claim, delivery.event_id, delivery.webhook_id)).collect()
}

pub(crate) fn pairs(claimed: &[ClaimedDelivery]) -> HashSet<(EventId, WebhookId)> {
    claimed.iter().map(|delivery| (delivery.event_id, delivery.webhook_id)).collect()
}

/// Of many processes that ask at once, one claims a delivery. The delivery can be claimed again when the lease has ended, and not before.
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
    // A process whose lease has ended can settle nothing.
    assert_eq!(settle(&ports, vec![answered(&ports, &claimed[0], Some(200), later)]).await, 0);
    assert!(ports.webhooks.attempts(claimed[0].webhook_id, Limit::default()).await.unwrap().is_empty());
}

/// An attempt counts when it is claimed, so a delivery that kills every process that tries it is given up in the end.
pub async fn what_always_kills_its_process_ends_after_its_attempts(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    webhook(&ports, list.workspace_id).await;
    join(&ports, &list, "ada@example.com").await;
    let mut now = ports.clock.now();
    for attempt in 1..=3 {
        assert_eq!(claim(&ports, now).await[0].attempt, attempt);
        now = now.plus(Duration::minutes(2));
        assert_eq!(ports.deliveries.reap(now, 3).await.unwrap(), 1);
    }
    assert!(claim(&ports, now).await.is_empty());
    assert_eq!(ports.deliveries.depth().await.unwrap().pending, 0);
}

/// The depth counts the deliveries that are being sent and those that wait, and no delivered one.
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

/// Each webhook gets its share, the longest due first. A webhook that was not asked for gets nothing, and a delivery that is not yet due is
/// not claimed.
pub async fn webhooks_get_their_shares(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let hooks =
        [webhook(&ports, list.workspace_id).await, webhook(&ports, list.workspace_id).await, webhook(&ports, list.workspace_id).await];
    let now = ports.clock.now();
    let mut events = Vec::new();
    for n in 0..3 {
        // The later an entry signs up, the longer its event is due.
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

/// A delivery that is given back is due again as if it had not been claimed. Another claim cannot give it back.
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

/// A confirmation, right before an attempt, returns the current URL and secrets, and no delivery that must not be sent now.
pub async fn a_claim_is_confirmed_as_things_are_now(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let doomed = active_list_in(&ports, list.workspace_id, "doomed", json!({})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    join(&ports, &list, "ada@example.com").await;
    join(&ports, &doomed, "bob@example.com").await;
    let now = ports.clock.now();
    let claimed = claim(&ports, now).await;
    let confirm = async |ports: &Ports| ports.deliveries.confirm(keys(&claimed), now).await.unwrap();
    assert_eq!(confirm(&there).await, claimed);
    let url = WebhookUrl::parse("https://other.example/").unwrap();
    ports.webhooks.update(UpdateWebhook { url: Some(url.clone()), ..update(&hook) }).await.unwrap();
    let rotate = RotateSecret { id: hook.id, workspace_id: hook.workspace_id, secret: SealedSecret::new(vec![9]), actor: ACTOR, now };
    ports.webhooks.rotate(rotate, None).await.unwrap();
    let confirmed = confirm(&there).await;
    let secrets = SealedSecrets { current: SealedSecret::new(vec![9]), previous: Some(SealedSecret::new(vec![1, 2, 3])) };
    assert!(confirmed.len() == 2 && confirmed.iter().all(|delivery| delivery.url == url && delivery.secrets == secrets));
    assert!(ports.waitlists.delete(delete_waitlist(&ports, doomed.workspace_id, doomed.id)).await.unwrap());
    assert_eq!(pairs(&confirm(&ports).await), HashSet::from([(claimed[0].event_id, hook.id)]));
    settle(&ports, vec![answered(&ports, &claimed[0], Some(200), now)]).await;
    assert_eq!(confirm(&ports).await, []);
}

/// A delivery that was claimed before its webhook was disabled and enabled is not sent again. This holds if it is given back, if its lease
/// ends, and if its attempt fails.
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
    assert_eq!(ports.deliveries.confirm(keys(&claimed), now).await.unwrap(), []);
    ports.deliveries.release(claimed[0].claim, vec![(claimed[0].event_id, hook.id)], now).await.unwrap();
    assert_eq!(settle(&ports, vec![answered(&ports, &claimed[1], Some(500), now)]).await, 1);
    let later = now.plus(Duration::minutes(2));
    assert_eq!(ports.deliveries.reap(later, 8).await.unwrap(), 1);
    assert_eq!(claim(&ports, later.plus(Duration::days(1))).await, []);
    // It changes nothing of the webhook, but it is in the log.
    assert_eq!(ports.webhooks.find(hook.workspace_id, hook.id).await.unwrap(), Some(on));
    assert_eq!(ports.webhooks.attempts(hook.id, Limit::default()).await.unwrap().len(), 1);
    let after = join(&ports, &list, "after@example.com").await;
    assert_eq!(pairs(&claim(&ports, later).await), HashSet::from([(after, hook.id)]));
}

/// Every webhook with a delivery due is returned, however many there are.
pub async fn every_webhook_with_a_delivery_due_is_told(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let mut hooks = HashSet::new();
    for _ in 0..20 {
        hooks.insert(webhook(&ports, list.workspace_id).await.id);
    }
    join(&ports, &list, "ada@example.com").await;
    let due = ports.deliveries.due(ports.clock.now()).await.unwrap();
    assert_eq!((due.len(), due.into_iter().collect::<HashSet<_>>()), (20, hooks));
}

/// A claim that was reaped is not confirmed, even while another process has the delivery. The claim of that process is confirmed.
pub async fn a_claim_that_ended_is_not_confirmed(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    webhook(&ports, list.workspace_id).await;
    join(&ports, &list, "ada@example.com").await;
    let first = claim(&ports, ports.clock.now()).await;
    let now = later(&ports, 120);
    assert_eq!(ports.deliveries.reap(now, 8).await.unwrap(), 1);
    assert_eq!(ports.deliveries.confirm(keys(&first), now).await.unwrap(), []);
    let second = claim(&there, now).await;
    assert_eq!((second.len(), second[0].attempt), (1, 2));
    assert_eq!(ports.deliveries.confirm(keys(&first), now).await.unwrap(), []);
    assert_eq!(ports.deliveries.confirm(keys(&second), now).await.unwrap(), second);
}

/// A claim on a delivery of a webhook that was deleted later is not confirmed, before the purge and after it.
pub async fn a_claim_of_a_deleted_webhook_is_not_confirmed(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let (gone, kept) = (webhook(&ports, list.workspace_id).await, webhook(&ports, list.workspace_id).await);
    let event = join(&ports, &list, "ada@example.com").await;
    let now = ports.clock.now();
    let claimed = claim(&ports, now).await;
    assert!(ports.webhooks.delete(delete_webhook(&ports, gone.workspace_id, gone.id)).await.unwrap());
    assert_eq!(pairs(&ports.deliveries.confirm(keys(&claimed), now).await.unwrap()), HashSet::from([(event, kept.id)]));
    purge_all(&ports).await;
    assert_eq!(pairs(&ports.deliveries.confirm(keys(&claimed), now).await.unwrap()), HashSet::from([(event, kept.id)]));
}

/// For a day after a rotation a confirmation returns both secrets, whether or not an attempt failed. After that it returns only the new
/// one.
pub async fn a_claim_is_confirmed_with_the_secrets_of_its_time(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    ports.webhooks.rotate(rotation(&ports, &hook, 9), None).await.unwrap();
    for n in 0..2 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    let now = ports.clock.now();
    let mut claimed = claim(&ports, now).await;
    settle(&ports, vec![answered(&ports, &claimed.remove(0), Some(500), now)]).await;
    for (hours, previous) in [(0, Some(SealedSecret::new(vec![1, 2, 3]))), (23, Some(SealedSecret::new(vec![1, 2, 3]))), (24, None)] {
        let confirmed = ports.deliveries.confirm(keys(&claimed), now.plus(Duration::hours(hours))).await.unwrap();
        assert_eq!(confirmed[0].secrets, SealedSecrets { current: SealedSecret::new(vec![9]), previous });
    }
}

/// Every delivery of a claim that is given back is due again, with no attempt counted.
pub async fn every_delivery_that_is_given_back_is_due_again(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    webhook(&ports, list.workspace_id).await;
    for n in 0..3 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    let now = ports.clock.now();
    let claimed = claim(&ports, now).await;
    let back = claimed.iter().map(|delivery| (delivery.event_id, delivery.webhook_id)).collect();
    ports.deliveries.release(claimed[0].claim, back, now).await.unwrap();
    let again = claim(&ports, now).await;
    assert_eq!((again.len(), pairs(&again)), (3, pairs(&claimed)));
    assert!(again.iter().all(|delivery| delivery.attempt == 1));
}

/// A lease ends when its request said.
pub async fn a_lease_lasts_as_long_as_was_asked(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    webhook(&ports, list.workspace_id).await;
    join(&ports, &list, "ada@example.com").await;
    let now = ports.clock.now();
    let asked = ClaimRequest { lease_until: later(&ports, 300), ..request(&ports, now, 9).await };
    assert_eq!(ports.deliveries.claim(asked).await.unwrap().len(), 1);
    assert_eq!(ports.deliveries.reap(later(&ports, 299), 8).await.unwrap(), 0);
    assert_eq!(ports.deliveries.reap(later(&ports, 301), 8).await.unwrap(), 1);
}
