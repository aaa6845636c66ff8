//! Cases of [`WebhookStore::replay`](rally_domain::port::WebhookStore::replay) and
//! [`WebhookStore::resend`](rally_domain::port::WebhookStore::resend).

use rally_domain::command::{ReplayDeliveries, ReplayRejection, ReplayState, ResendDelivery, SignUp};
use rally_domain::delivery::{ClaimedDelivery, DeliveryState};
use rally_domain::error::CommandError;
use rally_domain::event::EventKind;
use rally_domain::id::EventId;
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::waitlist::Waitlist;
use rally_domain::webhook::Webhook;
use serde_json::json;
use time::Duration;

use crate::Fixture;
use crate::claims::{claim, claim_each, keys};
use crate::deliveries::join;
use crate::samples::{
    self, ACTOR, active_list, active_list_in, delete_entry, delete_waitlist, delete_webhook, erase_entry, later, sign_up, workspace,
};
use crate::settlements::{answered, settle};
use crate::webhooks::{create_webhook, switch};

/// The command that replays everything of a webhook that happened in the last day.
pub fn replay(ports: &Ports, webhook: &Webhook, state: ReplayState) -> ReplayDeliveries {
    ReplayDeliveries {
        id: webhook.id,
        workspace_id: webhook.workspace_id,
        since: later(ports, -86_400),
        until: later(ports, 1),
        kinds: None,
        state,
        actor: ACTOR,
        now: ports.clock.now(),
    }
}

/// The command that sends one event to a webhook once more.
pub fn resend(ports: &Ports, webhook: &Webhook, event_id: EventId) -> ResendDelivery {
    ResendDelivery { id: webhook.id, workspace_id: webhook.workspace_id, event_id, actor: ACTOR, now: ports.clock.now() }
}

async fn hook(ports: &Ports, list: &Waitlist) -> Webhook {
    let kinds = [EventKind::EntryCreated, EventKind::EntryApproved];
    ports.webhooks.create(create_webhook(ports, list.workspace_id, &kinds), None).await.unwrap()
}

/// Sends everything that is due, and settles it with these statuses.
async fn send(ports: &Ports, statuses: &[u16]) -> Vec<ClaimedDelivery> {
    let now = ports.clock.now();
    let mut sent = claim(ports, now).await;
    sent.sort_by_key(|delivery| delivery.event_id);
    let attempts = sent.iter().zip(statuses.iter().cycle()).map(|(delivery, status)| answered(ports, delivery, Some(*status), now));
    settle(ports, attempts.collect()).await;
    sent
}

/// The events that are due now, in the order of their ids.
async fn due(ports: &Ports) -> Vec<EventId> {
    let mut due: Vec<EventId> = claim(ports, ports.clock.now()).await.iter().map(|delivery| delivery.event_id).collect();
    due.sort_unstable();
    due
}

/// Makes all deliveries of a webhook that are due now dead.
async fn kill(ports: &Ports) {
    claim(ports, ports.clock.now()).await;
    ports.deliveries.reap(later(ports, 86_400), 1).await.unwrap();
}

/// A replay sends the events of its period, kinds and state once more, with the same ids and bodies, and no other one.
pub async fn a_replay_sends_what_fits_once_more(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({"approval_required": false})).await;
    let hook = hook(&ports, &list).await;
    let mut ids = Vec::new();
    for n in 0..3 {
        let command = SignUp { now: later(&ports, n - 10), ..sign_up(&ports, &list, &format!("p{n}@example.com")) };
        ids.push(command.event_ids);
        ports.entries.sign_up(command).await.unwrap();
    }
    let sent = send(&ports, &[200]).await;
    assert_eq!((sent.len(), due(&ports).await), (6, vec![]));
    let command = |kinds: Option<&[EventKind]>, since, until| {
        let kinds = kinds.map(<[EventKind]>::to_vec);
        ReplayDeliveries { since: later(&ports, since), until: later(&ports, until), kinds, ..replay(&ports, &hook, ReplayState::All) }
    };
    let created = &[EventKind::EntryCreated][..];
    for (command, expected) in [
        (command(None, -10, -8), vec![ids[0][0], ids[0][1], ids[1][0], ids[1][1]]),
        (command(Some(created), -100, 100), vec![ids[0][0], ids[1][0], ids[2][0]]),
        (command(Some(created), -8, -7), vec![ids[2][0]]),
        (command(Some(&[EventKind::EntryRejected]), -100, 100), vec![]),
        (ReplayDeliveries { state: ReplayState::Dead, ..command(None, -100, 100) }, vec![]),
    ] {
        assert_eq!(there.webhooks.replay(command).await.unwrap(), expected.len() as u64);
        let again = send(&ports, &[200]).await;
        assert_eq!(again.iter().map(|delivery| delivery.event_id).collect::<Vec<_>>(), expected);
        for delivery in &again {
            let first = sent.iter().find(|first| first.event_id == delivery.event_id).unwrap();
            assert_eq!((&delivery.body, delivery.kind, delivery.attempt), (&first.body, first.kind, 1));
        }
    }
}

/// A replay is of one webhook of its workspace, which exists and is active.
pub async fn a_replay_is_of_one_webhook(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let (first, second) = (hook(&ports, &list).await, hook(&ports, &list).await);
    join(&ports, &list, "ada@example.com").await;
    assert_eq!(send(&ports, &[200]).await.len(), 2);
    assert_eq!(ports.webhooks.replay(replay(&ports, &first, ReplayState::All)).await.unwrap(), 1);
    let due = claim(&ports, ports.clock.now()).await;
    assert_eq!(due.iter().map(|delivery| delivery.webhook_id).collect::<Vec<_>>(), [first.id]);
    let other = workspace(&ports, "beta").await.id;
    let refused = |outcome, expected| match outcome {
        Err(CommandError::Rejected(rejection)) => assert_eq!(rejection, expected),
        other => panic!("it was not refused: {other:?}"),
    };
    let foreign = ReplayDeliveries { workspace_id: other, ..replay(&ports, &second, ReplayState::All) };
    refused(ports.webhooks.replay(foreign).await, ReplayRejection::NoSuchWebhook);
    switch(&ports, &second, false).await;
    refused(ports.webhooks.replay(replay(&ports, &second, ReplayState::All)).await, ReplayRejection::Disabled);
    assert!(ports.webhooks.delete(delete_webhook(&ports, second.workspace_id, second.id)).await.unwrap());
    refused(ports.webhooks.replay(replay(&ports, &second, ReplayState::All)).await, ReplayRejection::NoSuchWebhook);
}

/// What a webhook missed because it was disabled is sent by a replay of all, and by none of what is dead.
pub async fn what_a_disabled_webhook_missed_can_be_replayed(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let hook = hook(&ports, &list).await;
    let waited = join(&ports, &list, "ada@example.com").await;
    switch(&ports, &hook, false).await;
    let missed = join(&ports, &list, "bob@example.com").await;
    crate::purges::purge_all(&ports).await;
    let hook = switch(&ports, &hook, true).await;
    assert_eq!(ports.webhooks.replay(replay(&ports, &hook, ReplayState::Dead)).await.unwrap(), 0);
    assert_eq!(ports.webhooks.replay(replay(&ports, &hook, ReplayState::All)).await.unwrap(), 2);
    let mut expected = vec![waited, missed];
    expected.sort_unstable();
    assert_eq!(due(&ports).await, expected);
}

/// A delivery that was given up is retried from its first attempt. When it has arrived it is dead no more.
pub async fn a_dead_delivery_is_retried_anew(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let hook = hook(&ports, &list).await;
    let event = join(&ports, &list, "ada@example.com").await;
    kill(&ports).await;
    assert_eq!(due(&ports).await, []);
    assert_eq!(ports.webhooks.replay(replay(&ports, &hook, ReplayState::Dead)).await.unwrap(), 1);
    let again = send(&ports, &[200]).await;
    assert_eq!(again.iter().map(|delivery| (delivery.event_id, delivery.attempt)).collect::<Vec<_>>(), [(event, 1)]);
    assert_eq!(ports.webhooks.replay(replay(&ports, &hook, ReplayState::Dead)).await.unwrap(), 0);
}

/// A replay does not end the claim of a delivery that is being sent, and does not count it.
pub async fn what_is_being_sent_is_left_alone(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let hook = hook(&ports, &list).await;
    join(&ports, &list, "ada@example.com").await;
    join(&ports, &list, "bob@example.com").await;
    let now = ports.clock.now();
    let claimed = claim_each(&ports, now, 1).await;
    assert_eq!(ports.webhooks.replay(replay(&ports, &hook, ReplayState::All)).await.unwrap(), 1);
    ports.webhooks.resend(resend(&ports, &hook, claimed[0].event_id)).await.unwrap();
    assert_eq!(ports.deliveries.confirm(keys(&claimed), now).await.unwrap().len(), 1);
    assert_eq!(settle(&ports, vec![answered(&ports, &claimed[0], Some(200), now)]).await, 1);
    assert_eq!(due(&ports).await.len(), 1);
}

/// A delivery that was claimed before its webhook was switched, or by a process that was killed, is sent by nobody. So a replay sends it.
pub async fn what_was_claimed_and_left_is_replayed(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let hook = hook(&ports, &list).await;
    let (first, now) = (join(&ports, &list, "ada@example.com").await, ports.clock.now());
    let switched = claim_each(&ports, now, 1).await;
    switch(&ports, &hook, false).await;
    let hook = switch(&ports, &hook, true).await;
    assert_eq!(ports.webhooks.replay(replay(&ports, &hook, ReplayState::All)).await.unwrap(), 1);
    // The answer of an attempt that went on meanwhile changes nothing.
    assert_eq!(settle(&ports, vec![answered(&ports, &switched[0], Some(200), now)]).await, 0);
    let again = claim_each(&ports, now, 1).await;
    assert_eq!((again[0].event_id, again[0].attempt), (first, 1));
    // So does the process that has claimed it now, once its lease has ended.
    let later = ReplayDeliveries { now: now.plus(Duration::days(1)), ..replay(&ports, &hook, ReplayState::All) };
    assert_eq!(ports.webhooks.replay(later).await.unwrap(), 1);
    assert_eq!(settle(&ports, vec![answered(&ports, &again[0], Some(200), now)]).await, 0);
}

/// The events of entries and lists that are deleted are not sent once more, even before a purge.
pub async fn deleted_people_are_not_replayed(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let doomed = active_list_in(&ports, list.workspace_id, "doomed", json!({})).await;
    let hook = hook(&ports, &list).await;
    let mut entries = Vec::new();
    for name in ["ada", "bob", "eve"] {
        entries.push(samples::join(&ports, &list, &format!("{name}@example.com")).await);
    }
    join(&ports, &doomed, "ada@example.com").await;
    let sent = send(&ports, &[200]).await;
    assert_eq!(sent.len(), 4);
    assert!(ports.entries.delete(delete_entry(&ports, list.id, entries[0].id)).await.unwrap());
    assert!(ports.entries.erase(erase_entry(&ports, list.id, entries[1].id)).await.unwrap());
    assert!(ports.waitlists.delete(delete_waitlist(&ports, doomed.workspace_id, doomed.id)).await.unwrap());
    assert_eq!(ports.webhooks.replay(replay(&ports, &hook, ReplayState::All)).await.unwrap(), 1);
    let mut resent = 0;
    for delivery in &sent {
        match ports.webhooks.resend(resend(&ports, &hook, delivery.event_id)).await {
            Ok(()) => resent += 1,
            Err(CommandError::Rejected(rejection)) => assert_eq!(rejection, ReplayRejection::NoSuchDelivery),
            Err(CommandError::Fault(fault)) => panic!("{fault:?}"),
        }
    }
    assert_eq!((resent, due(&ports).await.len()), (1, 1));
}

/// One event is sent once more, whatever became of it. An event that was not written for the webhook is refused.
pub async fn one_event_is_sent_once_more(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let first = hook(&ports, &list).await;
    let event = join(&ports, &list, "ada@example.com").await;
    join(&ports, &list, "bob@example.com").await;
    let second = hook(&ports, &list).await;
    let sent = send(&ports, &[200]).await;
    ports.webhooks.resend(resend(&ports, &first, event)).await.unwrap();
    let again = send(&ports, &[200]).await;
    assert_eq!(again.iter().map(|delivery| delivery.event_id).collect::<Vec<_>>(), [event]);
    let body = |sent: &[ClaimedDelivery]| sent.iter().find(|delivery| delivery.event_id == event).map(|delivery| delivery.body.clone());
    assert_eq!(body(&again), body(&sent));
    let refused = ports.webhooks.resend(resend(&ports, &second, event)).await;
    assert!(matches!(refused, Err(CommandError::Rejected(ReplayRejection::NoSuchDelivery))), "{refused:?}");
}

/// Attempts are listed by what became of the event for this webhook.
pub async fn attempts_are_listed_by_the_state_of_their_delivery(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let hook = hook(&ports, &list).await;
    for n in 0..3 {
        join(&ports, &list, &format!("p{n}@example.com")).await;
    }
    // One arrives, one is gone for good, one waits.
    let now = ports.clock.now();
    let mut sent = claim(&ports, now).await;
    sent.sort_by_key(|delivery| delivery.event_id);
    settle(&ports, vec![answered(&ports, &sent[0], Some(200), now), answered(&ports, &sent[1], Some(500), now)]).await;
    settle(&ports, vec![answered(&ports, &sent[2], Some(500), now.plus(Duration::seconds(1)))]).await;
    let retried = claim(&ports, later(&ports, 60)).await;
    assert_eq!(retried.len(), 2);
    let dead = retried.iter().find(|delivery| delivery.event_id == sent[1].event_id).unwrap();
    let last = rally_domain::queue::RetrySchedule::new(Vec::new());
    let policy = rally_domain::webhook::DeliveryPolicy { schedule: last, ..Default::default() };
    let attempts = vec![answered(&ports, dead, Some(500), later(&ports, 60))];
    ports.deliveries.settle(attempts, policy).await.unwrap();
    let listed = async |state| {
        let attempts = ports.webhooks.attempts_of(hook.id, state, Limit::default()).await.unwrap();
        attempts.into_iter().map(|attempt| attempt.event_id).collect::<Vec<_>>()
    };
    assert_eq!(listed(DeliveryState::Delivered).await, [sent[0].event_id]);
    assert_eq!(listed(DeliveryState::Dead).await, [sent[1].event_id; 2]);
    assert_eq!(listed(DeliveryState::Pending).await, [sent[2].event_id]);
    let dead = ports.webhooks.attempts_of(hook.id, DeliveryState::Dead, Limit::default()).await.unwrap();
    assert_eq!(dead.iter().map(|attempt| attempt.created_at).collect::<Vec<_>>(), [later(&ports, 60), ports.clock.now()]);
    let one = ports.webhooks.attempts_of(hook.id, DeliveryState::Dead, Limit::new(1, 200).unwrap()).await.unwrap();
    assert_eq!(one.iter().map(|attempt| attempt.created_at).collect::<Vec<_>>(), [later(&ports, 60)]);
}
