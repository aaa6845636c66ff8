//! Cases of [`WebhookStore`](rally_domain::port::WebhookStore).

use futures_util::future::join_all;
use rally_domain::access::{IdempotencyKey, Receipt, RequestScope};
use rally_domain::command::{CreateWebhook, RotateSecret, TestWebhook, UpdateWebhook, WebhookRejection};
use rally_domain::error::CommandError;
use rally_domain::event::{Event, EventKind};
use rally_domain::id::{EventId, WebhookId, WorkspaceId};
use rally_domain::port::Ports;
use rally_domain::webhook::{MAX_WEBHOOKS, SealedSecret, SealedSecrets, Subscription, Webhook, WebhookUrl};
use time::Duration;

use crate::Fixture;
use crate::claims::claim;
use crate::samples::{ACTOR, delete_webhook, workspace};

/// The command that creates a webhook for those events.
pub fn create_webhook(ports: &Ports, workspace_id: WorkspaceId, events: &[EventKind]) -> CreateWebhook {
    let names: Vec<String> = events.iter().map(|kind| kind.as_str().to_owned()).collect();
    CreateWebhook {
        id: WebhookId::new(ports.ids.uuid()),
        workspace_id,
        url: WebhookUrl::parse("https://example.com/hook").unwrap(),
        events: Subscription::parse(&names).unwrap(),
        active: true,
        secret: SealedSecret::new(vec![1, 2, 3]),
        actor: ACTOR,
        now: ports.clock.now(),
    }
}

/// The kinds of event that sign-ups and reviews cause.
pub const REVIEWED: [EventKind; 3] = [EventKind::EntryCreated, EventKind::EntryApproved, EventKind::EntryRejected];

/// A webhook for the events of sign-ups and reviews.
pub(crate) async fn webhook(ports: &Ports, workspace_id: WorkspaceId) -> Webhook {
    ports.webhooks.create(create_webhook(ports, workspace_id, &REVIEWED), None).await.unwrap()
}

/// The command that changes nothing of a webhook.
pub fn update(webhook: &Webhook) -> UpdateWebhook {
    let (id, workspace_id, now) = (webhook.id, webhook.workspace_id, webhook.created_at);
    UpdateWebhook { id, workspace_id, url: None, events: None, active: None, actor: ACTOR, now }
}

/// Enables or disables a webhook.
pub(crate) async fn switch(ports: &Ports, webhook: &Webhook, active: bool) -> Webhook {
    ports.webhooks.update(UpdateWebhook { active: Some(active), ..update(webhook) }).await.unwrap()
}

/// The command that changes the secret of a webhook to that byte.
pub(crate) fn rotation(ports: &Ports, webhook: &Webhook, byte: u8) -> RotateSecret {
    let secret = SealedSecret::new(vec![byte]);
    RotateSecret { id: webhook.id, workspace_id: webhook.workspace_id, secret, actor: ACTOR, now: ports.clock.now() }
}

/// A webhook reads back in another process too, in the order of creation, and only in its own workspace.
pub async fn a_webhook_reads_back_as_it_was_written(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let (acme, beta) = (workspace(&ports, "acme").await.id, workspace(&ports, "beta").await.id);
    let events = [EventKind::EntryRejected, EventKind::EntryCreated];
    let command = CreateWebhook { active: false, ..create_webhook(&ports, acme, &events) };
    let made = ports.webhooks.create(command.clone(), None).await.unwrap();
    assert_eq!((made.id, made.active, made.events.kinds()), (command.id, false, &events[..]));
    let next = webhook(&ports, acme).await;
    let there = fixture.reopen().await;
    assert_eq!(there.webhooks.list(acme).await.unwrap(), [made.clone(), next]);
    assert_eq!(there.webhooks.find(acme, made.id).await.unwrap(), Some(made.clone()));
    assert_eq!(ports.webhooks.find(beta, made.id).await.unwrap(), None);
    assert!(!ports.webhooks.delete(delete_webhook(&ports, beta, made.id)).await.unwrap());
    let foreign = ports.webhooks.update(UpdateWebhook { workspace_id: beta, ..update(&made) }).await;
    assert!(matches!(foreign, Err(CommandError::Rejected(WebhookRejection::NoSuchWebhook))), "{foreign:?}");
    let refused = ports.webhooks.rotate(RotateSecret { workspace_id: beta, ..rotation(&ports, &made, 4) }, None).await;
    assert!(matches!(refused, Err(CommandError::Rejected(WebhookRejection::NoSuchWebhook))), "{refused:?}");
    let refused = test(&ports, &Webhook { workspace_id: beta, ..made.clone() }).await;
    assert!(matches!(refused, Err(CommandError::Rejected(WebhookRejection::NoSuchWebhook))), "{refused:?}");
    assert_eq!(there.webhooks.find(acme, made.id).await.unwrap().as_ref(), Some(&made));
    assert!(ports.webhooks.delete(delete_webhook(&ports, acme, made.id)).await.unwrap());
    assert_eq!(ports.webhooks.list(acme).await.unwrap().len(), 1);
    let nowhere = ports.webhooks.create(create_webhook(&ports, WorkspaceId::new(ports.ids.uuid()), &events), None).await;
    assert!(matches!(nowhere, Err(CommandError::Rejected(WebhookRejection::NoSuchWorkspace))), "{nowhere:?}");
}

/// Two updates of different fields at once are both kept.
pub async fn an_update_of_a_webhook_changes_what_is_given(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let made = webhook(&ports, workspace(&ports, "acme").await.id).await;
    let url = WebhookUrl::parse("https://other.example/").unwrap();
    let events = Subscription::parse(&["entry.approved".to_owned()]).unwrap();
    let all = tokio::join!(
        ports.webhooks.update(UpdateWebhook { url: Some(url.clone()), ..update(&made) }),
        there.webhooks.update(UpdateWebhook { events: Some(events.clone()), ..update(&made) }),
        ports.webhooks.update(UpdateWebhook { active: Some(false), ..update(&made) }),
    );
    assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok(), "{all:?}");
    let changed = ports.webhooks.find(made.workspace_id, made.id).await.unwrap();
    assert_eq!(changed, Some(Webhook { url, events, active: false, generation: 1, ..made }));
}

/// A workspace gets no more webhooks than it may, however many are created at once. Another workspace has its own limit.
pub async fn a_workspace_has_so_many_webhooks_at_most(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let (acme, beta) = (workspace(&ports, "acme").await.id, workspace(&ports, "beta").await.id);
    let tasks = (0..MAX_WEBHOOKS + 10).map(|n| {
        let ports = if n % 2 == 0 { ports.clone() } else { there.clone() };
        tokio::spawn(async move { ports.webhooks.create(create_webhook(&ports, acme, &EventKind::ALL), None).await })
    });
    let outcomes: Vec<_> = join_all(tasks).await.into_iter().map(|outcome| outcome.expect("no panic")).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64, MAX_WEBHOOKS);
    for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(matches!(refused, CommandError::Rejected(WebhookRejection::TooMany)), "{refused:?}");
    }
    assert_eq!(ports.webhooks.list(acme).await.unwrap().len() as u64, MAX_WEBHOOKS);
    webhook(&ports, beta).await;
}

/// A disabled webhook counts towards the limit. A deleted one does not.
pub async fn disabled_webhooks_count_and_deleted_ones_do_not(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await.id;
    let mut made = Vec::new();
    for _ in 0..MAX_WEBHOOKS {
        let command = CreateWebhook { active: false, ..create_webhook(&ports, acme, &EventKind::ALL) };
        made.push(ports.webhooks.create(command, None).await.unwrap());
    }
    let refused = ports.webhooks.create(create_webhook(&ports, acme, &EventKind::ALL), None).await;
    assert!(matches!(refused, Err(CommandError::Rejected(WebhookRejection::TooMany))), "{refused:?}");
    assert!(ports.webhooks.delete(delete_webhook(&ports, acme, made[0].id)).await.unwrap());
    assert!(ports.webhooks.create(create_webhook(&ports, acme, &EventKind::ALL), None).await.is_ok());
}

pub(crate) fn receipt(ports: &Ports, workspace_id: WorkspaceId, key: &str) -> Receipt<Webhook> {
    let scope = RequestScope { workspace_id, route: "POST webhooks".to_owned(), key: IdempotencyKey::parse(key).unwrap() };
    Receipt { scope, fingerprint: [3; 32], now: ports.clock.now(), seal: Box::new(|webhook| webhook.id.to_string().into_bytes()) }
}

/// Of several requests with one key one creates a webhook, or one changes a secret.
pub async fn a_receipt_of_a_webhook_has_one_effect(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let acme = workspace(&ports, "acme").await.id;
    let tasks = (0..8).map(|n| {
        let ports = if n % 2 == 0 { ports.clone() } else { there.clone() };
        let (command, receipt) = (create_webhook(&ports, acme, &EventKind::ALL), receipt(&ports, acme, "create"));
        tokio::spawn(async move { ports.webhooks.create(command, Some(receipt)).await })
    });
    let outcomes: Vec<_> = join_all(tasks).await.into_iter().map(|outcome| outcome.expect("no panic")).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(matches!(refused, CommandError::Rejected(WebhookRejection::AlreadyDone)), "{refused:?}");
    }
    let made = ports.webhooks.list(acme).await.unwrap().remove(0);
    let rotate = |bytes: u8| RotateSecret {
        id: made.id,
        workspace_id: acme,
        secret: SealedSecret::new(vec![bytes]),
        actor: ACTOR,
        now: ports.clock.now(),
    };
    ports.webhooks.rotate(rotate(4), Some(receipt(&ports, acme, "rotate"))).await.unwrap();
    let again = there.webhooks.rotate(rotate(5), Some(receipt(&ports, acme, "rotate"))).await;
    assert!(matches!(again, Err(CommandError::Rejected(WebhookRejection::AlreadyDone))), "{again:?}");
    let secrets = SealedSecrets { current: SealedSecret::new(vec![4]), previous: Some(SealedSecret::new(vec![1, 2, 3])) };
    assert_eq!(ports.webhooks.secrets().await.unwrap(), [(made.id, secrets)]);
}

/// The encrypted reply is stored with the webhook, and with the new secret, for a repetition that must not have a second effect.
pub async fn a_reply_is_stored_with_a_webhook_and_with_its_new_secret(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await.id;
    let command = create_webhook(&ports, acme, &EventKind::ALL);
    let made = ports.webhooks.create(command, Some(receipt(&ports, acme, "create"))).await.unwrap();
    let rotate = RotateSecret { id: made.id, workspace_id: acme, secret: SealedSecret::new(vec![4]), actor: ACTOR, now: ports.clock.now() };
    ports.webhooks.rotate(rotate, Some(receipt(&ports, acme, "rotate"))).await.unwrap();
    for key in ["create", "rotate"] {
        let stored = ports.replies.find(&receipt(&ports, acme, key).scope, ports.clock.now()).await.unwrap();
        assert_eq!(stored.map(|reply| reply.sealed), Some(made.id.to_string().into_bytes()), "{key}");
    }
    let foreign = RotateSecret {
        id: WebhookId::new(ports.ids.uuid()),
        workspace_id: acme,
        secret: SealedSecret::new(vec![5]),
        actor: ACTOR,
        now: ports.clock.now(),
    };
    let refused = ports.webhooks.rotate(foreign, Some(receipt(&ports, acme, "refused"))).await;
    assert!(matches!(refused, Err(CommandError::Rejected(WebhookRejection::NoSuchWebhook))), "{refused:?}");
    assert_eq!(ports.replies.find(&receipt(&ports, acme, "refused").scope, ports.clock.now()).await.unwrap(), None);
}

/// An idempotency key can be used again after a day, and the new reply replaces the old one.
pub async fn a_receipt_of_a_webhook_lasts_a_day(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await.id;
    let create = |now| {
        let (command, receipt) = (create_webhook(&ports, acme, &EventKind::ALL), receipt(&ports, acme, "create"));
        ports.webhooks.create(command, Some(Receipt { now, ..receipt }))
    };
    let then = ports.clock.now();
    let still = then.plus(Receipt::<Webhook>::LIFETIME);
    create(then).await.unwrap();
    let refused = create(still).await;
    assert!(matches!(refused, Err(CommandError::Rejected(WebhookRejection::AlreadyDone))), "{refused:?}");
    let second = create(still.plus(Duration::milliseconds(1))).await.unwrap();
    let stored = ports.replies.find(&receipt(&ports, acme, "create").scope, then).await.unwrap();
    assert_eq!(stored.map(|reply| reply.sealed), Some(second.id.to_string().into_bytes()));
}

/// Webhooks are ordered by the time of their creation, whatever their ids.
pub async fn webhooks_are_in_the_order_of_their_creation(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await.id;
    let mut made = Vec::new();
    for seconds in [2, 0, 1, 0] {
        let now = ports.clock.now().plus(Duration::seconds(seconds));
        let command = CreateWebhook { now, ..create_webhook(&ports, acme, &EventKind::ALL) };
        made.push(ports.webhooks.create(command, None).await.unwrap().id);
    }
    let listed: Vec<_> = ports.webhooks.list(acme).await.unwrap().into_iter().map(|webhook| webhook.id).collect();
    assert_eq!(listed, [made[1], made[3], made[2], made[0]]);
}

/// At most two secrets sign: the new one, and for a day from the last rotation the one before it.
pub async fn a_second_rotation_ends_the_first_secret(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await.id;
    let made = webhook(&ports, acme).await;
    let now = ports.clock.now();
    let second = now.plus(Duration::hours(20));
    for (byte, now) in [(8, now), (9, second)] {
        let rotate = RotateSecret { id: made.id, workspace_id: acme, secret: SealedSecret::new(vec![byte]), actor: ACTOR, now };
        ports.webhooks.rotate(rotate, None).await.unwrap();
    }
    for (hours, previous) in [(23, Some(SealedSecret::new(vec![8]))), (24, None)] {
        test(&ports, &made).await.unwrap();
        let claimed = claim(&ports, second.plus(Duration::hours(hours))).await;
        assert_eq!(claimed[0].secrets, SealedSecrets { current: SealedSecret::new(vec![9]), previous });
    }
}

/// Both secrets are returned for a day, and then only the new one.
pub async fn an_old_secret_is_used_for_a_day(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await.id;
    let made = webhook(&ports, acme).await;
    let now = ports.clock.now();
    let rotate = RotateSecret { id: made.id, workspace_id: acme, secret: SealedSecret::new(vec![9]), actor: ACTOR, now };
    ports.webhooks.rotate(rotate, None).await.unwrap();
    let day = Duration::hours(24);
    for (at, previous) in [(now, Some(SealedSecret::new(vec![1, 2, 3]))), (now.plus(day), None)] {
        test(&ports, &made).await.unwrap();
        let claimed = claim(&ports, at).await;
        assert_eq!(claimed[0].secrets, SealedSecrets { current: SealedSecret::new(vec![9]), previous });
    }
}

/// A secret is replaced by its new encryption only if it is still the one that was read.
pub async fn secrets_are_encrypted_anew(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let made = webhook(&ports, workspace(&ports, "acme").await.id).await;
    let secrets = |byte: u8| SealedSecrets { current: SealedSecret::new(vec![byte]), previous: None };
    let old = ports.webhooks.secrets().await.unwrap().remove(0).1;
    assert!(ports.webhooks.reseal(made.id, old.clone(), secrets(7)).await.unwrap());
    assert!(!ports.webhooks.reseal(made.id, old, secrets(8)).await.unwrap());
    assert_eq!(ports.webhooks.secrets().await.unwrap(), [(made.id, secrets(7))]);
}

/// The secret before the last rotation is encrypted anew too.
pub async fn both_secrets_are_encrypted_anew(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let made = webhook(&ports, workspace(&ports, "acme").await.id).await;
    ports.webhooks.rotate(rotation(&ports, &made, 4), None).await.unwrap();
    let old = ports.webhooks.secrets().await.unwrap().remove(0).1;
    assert_eq!(old, SealedSecrets { current: SealedSecret::new(vec![4]), previous: Some(SealedSecret::new(vec![1, 2, 3])) });
    let new = SealedSecrets { current: SealedSecret::new(vec![5]), previous: Some(SealedSecret::new(vec![6])) };
    assert!(ports.webhooks.reseal(made.id, old, new.clone()).await.unwrap());
    assert_eq!(ports.webhooks.secrets().await.unwrap(), [(made.id, new.clone())]);
    test(&ports, &made).await.unwrap();
    assert_eq!(claim(&ports, ports.clock.now()).await[0].secrets, new);
}

/// A rotation does not enable a webhook, and changes no other field. The secrets of a disabled webhook are among all secrets.
pub async fn a_rotation_changes_only_the_secret(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await.id;
    let command = CreateWebhook { active: false, ..create_webhook(&ports, acme, &[EventKind::EntryApproved]) };
    let made = ports.webhooks.create(command, None).await.unwrap();
    ports.webhooks.rotate(rotation(&ports, &made, 4), None).await.unwrap();
    assert_eq!(ports.webhooks.find(acme, made.id).await.unwrap().as_ref(), Some(&made));
    let secrets = ports.webhooks.secrets().await.unwrap();
    assert_eq!(secrets.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [made.id]);
}

pub(crate) async fn test(ports: &Ports, webhook: &Webhook) -> Result<EventId, CommandError<WebhookRejection>> {
    let id = EventId::new(ports.ids.uuid());
    let event = Event::test(id, EventKind::EntryRejected, ports.clock.now(), webhook.workspace_id, None);
    ports.webhooks.test(TestWebhook { id: webhook.id, workspace_id: webhook.workspace_id, event, actor: ACTOR }).await.map(|()| id)
}

/// A test goes only to its webhook, even if the webhook is not subscribed to that kind. A test of a disabled webhook is refused.
pub async fn a_test_goes_to_one_webhook_alone(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await.id;
    let made = ports.webhooks.create(create_webhook(&ports, acme, &[EventKind::EntryCreated]), None).await.unwrap();
    webhook(&ports, acme).await;
    let event = test(&ports, &made).await.unwrap();
    let claimed = claim(&ports, ports.clock.now()).await;
    assert_eq!(claimed.iter().map(|delivery| (delivery.event_id, delivery.webhook_id)).collect::<Vec<_>>(), [(event, made.id)]);
    switch(&ports, &made, false).await;
    let refused = test(&ports, &made).await;
    assert!(matches!(refused, Err(CommandError::Rejected(WebhookRejection::Disabled))), "{refused:?}");
}
