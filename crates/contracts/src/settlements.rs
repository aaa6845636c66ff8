//! Cases of [`DeliveryQueue::settle`](rally_domain::port::DeliveryQueue::settle).

use rally_domain::command::UpdateWebhook;
use rally_domain::delivery::{AttemptResult, ClaimedDelivery, SettleDelivery};
use rally_domain::id::AttemptId;
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::queue::RetrySchedule;
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::{DeliveryPolicy, WebhookUrl};
use serde_json::json;
use time::Duration;

use crate::Fixture;
use crate::claims::{claim, claim_each};
use crate::deliveries::join;
use crate::samples::{active_list, later};
use crate::webhooks::{update, webhook};

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

pub(crate) async fn settle(ports: &Ports, attempts: Vec<SettleDelivery>) -> usize {
    ports.deliveries.settle(attempts, DeliveryPolicy::default()).await.unwrap()
}

/// A settlement writes the delivery, the webhook and the log, each as it was decided.
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

/// Several attempts of one webhook in one settlement are settled in their order. One of them may disable it.
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
    // The sixth delivery, which waited, is held with those that were to be retried.
    let left = claim(&ports, now.plus(Duration::days(9))).await;
    assert_eq!(left.iter().map(|delivery| delivery.webhook_id).collect::<Vec<_>>(), [other.id]);
    let well = ports.webhooks.find(other.workspace_id, other.id).await.unwrap().unwrap();
    assert_eq!((well.failure_count, well.active), (0, true));
}

/// Every field of an attempt is in the log, whatever the outcome was.
pub async fn an_attempt_is_logged_whole(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({"approval_required": false})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    join(&ports, &list, "ada@example.com").await;
    join(&ports, &list, "bob@example.com").await;
    let now = ports.clock.now();
    let claimed = claim(&ports, now).await;
    let mut attempts = Vec::new();
    for (n, (delivery, status)) in claimed.iter().zip([Some(200), Some(500), Some(301), None]).enumerate() {
        let tried = answered(&ports, delivery, status, later(&ports, n as i64));
        let error_message = Some(format!("broke off\nafter {n} bytes"));
        attempts.push(SettleDelivery { result: AttemptResult { error_message, ..tried.result }, ..tried });
    }
    let mut expected: Vec<_> = attempts.iter().map(|tried| tried.decide(hook.clone(), None, &DeliveryPolicy::default()).attempt).collect();
    expected.reverse();
    assert_eq!(settle(&ports, attempts).await, 4);
    assert_eq!(ports.webhooks.attempts(hook.id, Limit::default()).await.unwrap(), expected);
}

/// The given policy decides when a delivery is retried, and when a failing webhook is disabled.
pub async fn an_attempt_is_settled_by_the_policy_that_is_given(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    join(&ports, &list, "ada@example.com").await;
    let now = ports.clock.now();
    let policy = DeliveryPolicy { schedule: RetrySchedule::new(vec![Duration::hours(1)]), disable_after: Duration::minutes(1) };
    let first = claim(&ports, now).await;
    let tried = SettleDelivery { chance: 0, ..answered(&ports, &first[0], Some(500), now) };
    assert_eq!(ports.deliveries.settle(vec![tried], policy.clone()).await.unwrap(), 1);
    assert_eq!(ports.deliveries.depth().await.unwrap().oldest_due_at, Some(now.plus(Duration::minutes(54))));
    let second = claim(&ports, now.plus(Duration::minutes(54))).await;
    let end = now.plus(Duration::minutes(55));
    assert_eq!(ports.deliveries.settle(vec![answered(&ports, &second[0], Some(500), end)], policy).await.unwrap(), 1);
    assert_eq!(ports.deliveries.depth().await.unwrap().pending, 0);
    let disabled = ports.webhooks.find(hook.workspace_id, hook.id).await.unwrap().unwrap();
    assert_eq!((disabled.active, disabled.auto_disabled_at, disabled.failure_count), (false, Some(end), 2));
}

/// An update that comes while an attempt is settled is kept, and so is the attempt.
pub async fn a_settlement_and_an_update_at_once_are_both_kept(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let hook = webhook(&ports, list.workspace_id).await;
    for n in 0..8 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    let now = ports.clock.now();
    let policy = DeliveryPolicy::default;
    for (n, delivery) in claim(&ports, now).await.iter().enumerate() {
        let url = WebhookUrl::parse(&format!("https://example.com/{n}")).unwrap();
        let (tried, change) = (answered(&ports, delivery, Some(500), now), UpdateWebhook { url: Some(url.clone()), ..update(&hook) });
        let (settled, updated) = tokio::join!(ports.deliveries.settle(vec![tried.clone()], policy()), there.webhooks.update(change));
        // A store may skip a webhook that is being changed. It is harmless to settle again.
        if settled.unwrap_or_default() == 0 {
            settle(&ports, vec![tried]).await;
        }
        assert!(updated.is_ok(), "{updated:?}");
        let found = ports.webhooks.find(hook.workspace_id, hook.id).await.unwrap().unwrap();
        assert_eq!((found.url, found.failure_count as usize), (url, n + 1));
    }
}
