//! Cases of [`ApiKeyStore`](rally_domain::port::ApiKeyStore) and [`ReplyStore`](rally_domain::port::ReplyStore).

use futures_util::future::join_all;
use rally_domain::access::{ApiKey, IdempotencyKey, Receipt, RequestScope, StoredReply};
use rally_domain::command::{CreateWaitlist, CreateWaitlistRejection};
use rally_domain::error::CommandError;
use rally_domain::id::{ApiKeyId, WorkspaceId};
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::text::KeyName;
use rally_domain::timestamp::Timestamp;
use rally_domain::waitlist::Waitlist;
use time::Duration;

use crate::samples::{create_api_key, create_waitlist, delete_waitlist, delete_workspace, later, revoke_api_key, slug, workspace};
use crate::{Fixture, soon};

pub(crate) fn api_key(ports: &Ports, workspace_id: WorkspaceId, prefix: &str) -> ApiKey {
    ApiKey {
        id: ApiKeyId::new(ports.ids.uuid()),
        workspace_id,
        name: KeyName::parse("a key").unwrap(),
        scope: "waitlist.* entry.read".to_owned(),
        prefix: prefix.to_owned(),
        hash: [7; 32],
        created_at: ports.clock.now(),
        revoked_at: None,
    }
}

/// An API key is found by its prefix until it is revoked or its workspace is deleted.
pub async fn an_api_key_is_found_until_it_is_revoked(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let (acme, beta) = (workspace(&ports, "acme").await.id, workspace(&ports, "beta").await.id);
    let (key, twin, foreign) =
        (api_key(&ports, acme, "rally_live_a"), api_key(&ports, acme, "rally_live_a"), api_key(&ports, beta, "rally_live_b"));
    for key in [&key, &twin, &foreign] {
        ports.api_keys.insert(create_api_key(key.clone())).await.unwrap();
    }
    assert_eq!(there.api_keys.find_by_prefix("rally_live_a").await.unwrap().len(), 2);
    assert_eq!(there.api_keys.find_by_prefix("rally_live_b").await.unwrap(), [foreign]);
    assert!(there.api_keys.find_by_prefix("rally_live_c").await.unwrap().is_empty());
    let now = ports.clock.now().plus(Duration::hours(1));
    assert!(ports.api_keys.revoke(revoke_api_key(key.id, now)).await.unwrap());
    assert!(!ports.api_keys.revoke(revoke_api_key(key.id, now.plus(Duration::hours(1)))).await.unwrap());
    assert!(!ports.api_keys.revoke(revoke_api_key(ApiKeyId::new(ports.ids.uuid()), now)).await.unwrap());
    find_soon(&there, "rally_live_a", std::slice::from_ref(&twin)).await;
    assert_eq!(ports.api_keys.list(acme).await.unwrap(), [ApiKey { revoked_at: Some(now), ..key }, twin]);
    ports.workspaces.delete(delete_workspace(&ports, "beta")).await.unwrap();
    find_soon(&there, "rally_live_b", &[]).await;
}

/// A text that is shorter or longer than the prefix of a key does not find the key.
pub async fn an_api_key_is_found_by_its_whole_prefix(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await.id;
    let key = api_key(&ports, acme, "rally_live_abc");
    ports.api_keys.insert(create_api_key(key.clone())).await.unwrap();
    for other in ["", "rally_live_", "rally_live_ab", "rally_live_abcd", "RALLY_LIVE_ABC", "rally_live_%"] {
        assert_eq!(ports.api_keys.find_by_prefix(other).await.unwrap(), [], "{other}");
    }
    assert_eq!(ports.api_keys.find_by_prefix("rally_live_abc").await.unwrap(), [key]);
}

/// The keys of a workspace are in the order of their creation, whatever their ids.
pub async fn api_keys_are_in_the_order_of_their_creation(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let acme = workspace(&ports, "acme").await.id;
    let mut made = Vec::new();
    for seconds in [2, 0, 1] {
        made.push(ApiKey { created_at: later(&ports, seconds), ..api_key(&ports, acme, "rally_live_a") });
        ports.api_keys.insert(create_api_key(made[made.len() - 1].clone())).await.unwrap();
    }
    made.sort_by_key(|key| key.created_at);
    assert_eq!(ports.api_keys.list(acme).await.unwrap(), made);
}

/// A prefix finds the keys of every workspace that has one.
pub async fn a_prefix_finds_the_keys_of_every_workspace(fixture: &impl Fixture) {
    let ports = fixture.ports();
    for name in ["acme", "beta"] {
        let id = workspace(&ports, name).await.id;
        ports.api_keys.insert(create_api_key(api_key(&ports, id, "rally_live_a"))).await.unwrap();
    }
    assert_eq!(ports.api_keys.find_by_prefix("rally_live_a").await.unwrap().len(), 2);
}

async fn find_soon(ports: &Ports, prefix: &str, expected: &[ApiKey]) {
    soon(prefix, async || ports.api_keys.find_by_prefix(prefix).await.unwrap() == expected).await;
}

pub(crate) fn scope(workspace_id: WorkspaceId, key: &str) -> RequestScope {
    RequestScope { workspace_id, route: "POST waitlists".to_owned(), key: IdempotencyKey::parse(key).unwrap() }
}

pub(crate) fn receipt(scope: RequestScope, now: Timestamp) -> Receipt<Waitlist> {
    Receipt { scope, fingerprint: [3; 32], now, seal: Box::new(|waitlist| format!("sealed {}", waitlist.id).into_bytes()) }
}

/// The receipt is there exactly when the waitlist is.
pub async fn a_receipt_is_stored_with_its_effect(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    let (mine, now) = (scope(id, "key"), ports.clock.now());
    let made = ports.waitlists.create(create_waitlist(&ports, id, "list"), Some(receipt(mine.clone(), now))).await.unwrap();
    let stored = ports.replies.find(&mine, now).await.unwrap();
    let expected = StoredReply { fingerprint: [3; 32], sealed: format!("sealed {}", made.id).into_bytes(), created_at: now };
    assert_eq!(stored, Some(expected));
    for other in [scope(id, "other"), RequestScope { route: "POST webhooks".to_owned(), ..mine.clone() }] {
        assert_eq!(ports.replies.find(&other, now).await.unwrap(), None);
    }
    let refused = ports.waitlists.create(create_waitlist(&ports, id, "list"), Some(receipt(scope(id, "again"), now))).await;
    assert!(matches!(refused, Err(CommandError::Rejected(CreateWaitlistRejection::SlugTaken))), "{refused:?}");
    assert_eq!(ports.replies.find(&scope(id, "again"), now).await.unwrap(), None);
    let refused = ports.waitlists.create(create_waitlist(&ports, id, "second"), Some(receipt(mine, now))).await;
    assert!(matches!(refused, Err(CommandError::Rejected(CreateWaitlistRejection::AlreadyDone))), "{refused:?}");
    assert_eq!(ports.waitlists.list(id, None, None, Limit::default()).await.unwrap().items.len(), 1);
    let nowhere = WorkspaceId::new(ports.ids.uuid());
    let refused = ports.waitlists.create(create_waitlist(&ports, nowhere, "list"), Some(receipt(scope(nowhere, "key"), now))).await;
    assert!(matches!(refused, Err(CommandError::Rejected(CreateWaitlistRejection::NoSuchWorkspace))), "{refused:?}");
}

/// A client that repeats a request because it lost the answer learns that the request was carried out, not that its slug is taken.
pub async fn a_repeated_request_is_told_so_before_its_slug_is_told_taken(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    let (mine, now) = (scope(id, "key"), ports.clock.now());
    ports.waitlists.create(create_waitlist(&ports, id, "list"), Some(receipt(mine.clone(), now))).await.unwrap();
    let again = ports.waitlists.create(create_waitlist(&ports, id, "list"), Some(receipt(mine, now))).await;
    assert!(matches!(again, Err(CommandError::Rejected(CreateWaitlistRejection::AlreadyDone))), "{again:?}");
}

/// The same idempotency key can be used in another workspace and on another route. Each use has its own reply.
pub async fn a_key_is_of_one_workspace_and_one_route(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let (acme, beta) = (workspace(&ports, "acme").await.id, workspace(&ports, "beta").await.id);
    let other_route = RequestScope { route: "POST webhooks".to_owned(), ..scope(acme, "key") };
    let scopes = [scope(acme, "key"), scope(beta, "key"), other_route];
    let mut stored = Vec::new();
    for (n, scope) in scopes.iter().enumerate() {
        let now = ports.clock.now().plus(Duration::milliseconds(n as i64));
        let command = create_waitlist(&ports, scope.workspace_id, &format!("list-{n}"));
        let made = ports.waitlists.create(command, Some(receipt(scope.clone(), now))).await.unwrap();
        stored.push(StoredReply { fingerprint: [3; 32], sealed: format!("sealed {}", made.id).into_bytes(), created_at: now });
    }
    for (scope, reply) in scopes.iter().zip(stored) {
        assert_eq!(ports.replies.find(scope, ports.clock.now()).await.unwrap(), Some(reply));
    }
}

/// Of several requests with one receipt, one has an effect. Each has another slug, so that only the receipt can refuse the others.
pub async fn one_receipt_has_one_effect_under_concurrency(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let id = workspace(&ports, "acme").await.id;
    let tasks = (0..16).map(|n| {
        let ports = if n % 2 == 0 { ports.clone() } else { there.clone() };
        let command = CreateWaitlist { slug: slug(&format!("list-{n}")), ..create_waitlist(&ports, id, "list") };
        let receipt = receipt(scope(id, "key"), ports.clock.now());
        tokio::spawn(async move { ports.waitlists.create(command, Some(receipt)).await })
    });
    let outcomes = join_all(tasks).await.into_iter().map(|outcome| outcome.expect("no panic")).collect::<Vec<_>>();
    let mut made = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok());
    let (one, none) = (made.next().expect("one of them"), made.next());
    assert_eq!(none, None);
    for outcome in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(matches!(outcome, CommandError::Rejected(CreateWaitlistRejection::AlreadyDone)), "{outcome:?}");
    }
    let page = ports.waitlists.list(id, None, None, Limit::default()).await.unwrap();
    assert_eq!(page.items, std::slice::from_ref(one));
}

/// An idempotency key can be used again after a day, and its stored reply is deleted.
pub async fn a_receipt_lasts_a_day(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    let (mine, then) = (scope(id, "key"), ports.clock.now());
    ports.waitlists.create(create_waitlist(&ports, id, "first"), Some(receipt(mine.clone(), then))).await.unwrap();
    let day = Receipt::<Waitlist>::LIFETIME;
    let still = then.plus(day);
    let refused = ports.waitlists.create(create_waitlist(&ports, id, "second"), Some(receipt(mine.clone(), still))).await;
    assert!(matches!(refused, Err(CommandError::Rejected(CreateWaitlistRejection::AlreadyDone))), "{refused:?}");
    let later = still.plus(Duration::milliseconds(1));
    assert_eq!(ports.replies.find(&mine, later.plus(-day)).await.unwrap(), None);
    let second = ports.waitlists.create(create_waitlist(&ports, id, "second"), Some(receipt(mine.clone(), later))).await.unwrap();
    ports.waitlists.create(create_waitlist(&ports, id, "third"), Some(receipt(scope(id, "other"), then))).await.unwrap();
    assert_eq!(ports.replies.prune(later, 10).await.unwrap(), 1);
    assert_eq!(ports.replies.prune(later, 10).await.unwrap(), 0);
    let stored = ports.replies.find(&mine, then).await.unwrap();
    let expected = StoredReply { fingerprint: [3; 32], sealed: format!("sealed {}", second.id).into_bytes(), created_at: later };
    assert_eq!(stored, Some(expected));
}

/// A receipt still binds its key after the waitlist that it made is deleted.
pub async fn a_receipt_outlives_the_waitlist_it_made(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    let (mine, now) = (scope(id, "key"), ports.clock.now());
    let made = ports.waitlists.create(create_waitlist(&ports, id, "list"), Some(receipt(mine.clone(), now))).await.unwrap();
    assert!(ports.waitlists.delete(delete_waitlist(&ports, id, made.id)).await.unwrap());
    let again = ports.waitlists.create(create_waitlist(&ports, id, "list"), Some(receipt(mine, now))).await;
    assert!(matches!(again, Err(CommandError::Rejected(CreateWaitlistRejection::AlreadyDone))), "{again:?}");
}

/// A prune deletes only old replies, and about as many as it may.
pub async fn stored_replies_are_pruned_so_many_at_a_time(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let id = workspace(&ports, "acme").await.id;
    for n in 0..6 {
        let receipt = receipt(scope(id, &format!("key-{n}")), later(&ports, n));
        ports.waitlists.create(create_waitlist(&ports, id, &format!("list-{n}")), Some(receipt)).await.unwrap();
    }
    for expected in [2, 2, 1, 0] {
        assert_eq!(ports.replies.prune(later(&ports, 5), 2).await.unwrap(), expected);
    }
    assert!(ports.replies.find(&scope(id, "key-5"), ports.clock.now()).await.unwrap().is_some());
}
