//! Cases of [`DeliveryQueue::settle`](rally_domain::port::DeliveryQueue::settle).

use rally_domain::delivery::{AttemptResult, ClaimedDelivery, SettleDelivery};
use rally_domain::id::AttemptId;
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::DeliveryPolicy;
use serde_json::json;
use time::Duration;

use crate::Fixture;
use crate::claims::{claim, claim_each};
use crate::deliveries::join;
use crate::samples::active_list;
use crate::webhooks::webhook;

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
