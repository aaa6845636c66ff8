//! Lists and webhooks that stay locked, and a server that falls silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use rally_contracts::doubles::{CountingIds, FrozenClock};
use rally_contracts::reviews::review;
use rally_contracts::samples::{
    self, ACTOR, active_list, active_list_in, create_workspace, delete_entry, delete_waitlist, notifications, set, sign_up, slug, suppress,
    workspace,
};
use rally_contracts::webhooks::{create_webhook, update};
use rally_domain::command::{RenameWorkspace, Review, UpdateWebhook, WorkspaceRejection};
use rally_domain::delivery::{AttemptResult, SettleDelivery};
use rally_domain::error::{CommandError, Fault};
use rally_domain::event::EventKind;
use rally_domain::id::{AttemptId, ClaimId, WorkspaceId};
use rally_domain::paging::Limit;
use rally_domain::port::{EntrySearch, Ports, StoreHealth};
use rally_domain::queue::ClaimRequest;
use rally_domain::referral::Position;
use rally_domain::search::{EntryQuery, TermFilter};
use rally_domain::suppression::SuppressionReason;
use rally_domain::waitlist::Waitlist;
use rally_domain::webhook::DeliveryPolicy;
use rally_pgtest::Cluster;
use rally_postgres::{PgOptions, PgStore};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use uuid::Uuid;

use super::fresh_database;

/// A deadline that only a failing test reaches.
const NEVER: Duration = Duration::from_secs(30);

fn ports(store: PgStore) -> Ports {
    Ports::of_store(Arc::new(store), samples::links(), Arc::new(FrozenClock::at("2026-01-31T09:00:00Z")), Arc::new(CountingIds::default()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_stays_locked_is_in_nobodys_way() {
    let url = fresh_database().await;
    let options = PgOptions { connections: 8, wait: Duration::from_secs(1), statement_timeout: Duration::from_secs(2) };
    let store = PgStore::new(&url, &options).unwrap();
    store.migrate().await.unwrap();
    let ports = ports(store);
    let home = workspace(&ports, "acme").await;
    let mut lists = Vec::new();
    for n in 0..6 {
        lists.push(active_list_in(&ports, home.id, &format!("list-{n}"), json!({})).await);
    }
    let somebody = rally_postgres::connect(&url).await.unwrap();
    let lock = format!("BEGIN; SELECT FROM waitlist_totals WHERE waitlist_id = '{}' FOR UPDATE", lists[0].id);
    somebody.batch_execute(&lock).await.unwrap();
    for wave in 0..3 {
        let callers = (0..120_usize).map(|n| {
            let (ports, list) = (&ports, &lists[n % lists.len()]);
            let command = sign_up(ports, list, &format!("p{wave}-{n}@example.com"));
            async move { (n, ports.entries.sign_up(command).await) }
        });
        for (n, outcome) in join_all(callers).await {
            match n % lists.len() {
                0 => assert!(matches!(outcome, Err(CommandError::Fault(Fault::Unavailable(_)))), "{n}: {outcome:?}"),
                _ => assert!(outcome.is_ok(), "{n}: {outcome:?}"),
            }
        }
    }
    somebody.batch_execute("ROLLBACK").await.unwrap();
    let first = ports.entries.sign_up(sign_up(&ports, &lists[0], "ada@example.com")).await.unwrap();
    assert_eq!(first.position.number(), 1);
    assert_eq!(ports.stats.rebuild().await.unwrap().corrected, 0);
}

/// A store with lists, and a connection that has the first `locked` of them locked.
async fn locked_lists(number: usize, locked: usize) -> (PgStore, Ports, Vec<Waitlist>, tokio_postgres::Client) {
    let url = fresh_database().await;
    let store = PgStore::new(&url, &PgOptions::default()).unwrap();
    store.migrate().await.unwrap();
    let ports = ports(store.clone());
    let mut lists = Vec::new();
    for n in 0..number {
        // Each list has a workspace of its own.
        let home = workspace(&ports, &format!("w-{n}")).await;
        lists.push(active_list_in(&ports, home.id, "list", json!({})).await);
    }
    let somebody = rally_postgres::connect(&url).await.unwrap();
    let ids: Vec<String> = lists[..locked].iter().map(|list| format!("'{}'", list.id)).collect();
    let lock = format!("BEGIN; SELECT FROM waitlist_totals WHERE waitlist_id::text = ANY (ARRAY[{}]::text[]) FOR UPDATE", ids.join(", "));
    somebody.batch_execute(&lock).await.unwrap();
    (store, ports, lists, somebody)
}

/// The most that a lock on another row may cost: far more than the work takes, and far less than a command waits for a lock.
const SOON: Duration = Duration::from_secs(2);

async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, work).await.expect("it does not wait for what others have locked")
}

/// The lists stay locked longer than a statement may wait, and there are more of them than writers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_lists_that_stay_locked_delay_no_other_workspace() {
    let (store, ports, lists, somebody) = locked_lists(21, 20).await;
    let mut waiting = tokio::task::JoinSet::new();
    for (n, list) in lists[..20].iter().enumerate() {
        for m in 0..5 {
            let (ports, command) = (ports.clone(), sign_up(&ports, list, &format!("p{n}-{m}@example.com")));
            waiting.spawn(async move { ports.entries.sign_up(command).await });
        }
    }
    // The other list answers until the waiting sign-ups have given up.
    let begun = tokio::time::Instant::now();
    let mut n = 0;
    while begun.elapsed() < Duration::from_secs(6) {
        n += 1;
        soon(ports.entries.sign_up(sign_up(&ports, &lists[20], &format!("p{n}@example.com")))).await.unwrap();
        soon(store.ping()).await.unwrap();
    }
    assert!(n > 20, "{n}");
    for outcome in waiting.join_all().await {
        assert!(matches!(outcome, Err(CommandError::Fault(Fault::Unavailable(_)))), "{outcome:?}");
    }
    somebody.batch_execute("ROLLBACK").await.unwrap();
    let first = ports.entries.sign_up(sign_up(&ports, &lists[0], "ada@example.com")).await.unwrap();
    assert_eq!(first.position.number(), 1);
}

/// The terms of its entries are written by a later call, and those of other lists at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_list_is_made_ready_for_search_later() {
    let (_store, ports, lists, somebody) = locked_lists(2, 0).await;
    for list in &lists {
        ports.entries.sign_up(sign_up(&ports, list, "ada@example.com")).await.unwrap();
    }
    let lock = format!("ROLLBACK; BEGIN; SELECT FROM waitlist_totals WHERE waitlist_id = '{}' FOR UPDATE", lists[0].id);
    somebody.batch_execute(&lock).await.unwrap();
    let found = async |list: &Waitlist| {
        let terms = TermFilter::text("ada").unwrap().into_iter().collect();
        let query = EntryQuery { terms, ..EntryQuery::default() };
        ports.search.search(list.id, query, None, Limit::default()).await.unwrap().items.len()
    };
    assert!(ports.search.index(10).await.unwrap(), "the locked list is left");
    assert_eq!((found(&lists[0]).await, found(&lists[1]).await), (0, 1));
    somebody.batch_execute("ROLLBACK").await.unwrap();
    while ports.search.index(10).await.unwrap() {}
    assert_eq!(found(&lists[0]).await, 1);
}

/// Several processes find the same lists while people sign up, and one of them does what there is to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_make_the_same_lists_ready_for_search() {
    let (store, ports, lists, _somebody) = locked_lists(10, 0).await;
    let (comes, gone) = watch::channel(());
    let processes: Vec<_> = (0..8)
        .map(|_| {
            let (store, gone) = (store.clone(), gone.clone());
            tokio::spawn(async move { while store.index(500).await.unwrap() || gone.has_changed().is_ok() {} })
        })
        .collect();
    for n in 0..60 {
        let name = format!("ada{n}@example.com");
        for outcome in join_all(lists.iter().map(|list| ports.entries.sign_up(sign_up(&ports, list, &name)))).await {
            outcome.unwrap();
        }
    }
    drop(comes);
    for process in processes {
        process.await.unwrap();
    }
    for list in &lists {
        let terms = TermFilter::text("ada").unwrap().into_iter().collect();
        let query = EntryQuery { terms, ..EntryQuery::default() };
        assert_eq!(ports.search.count(list.id, query, Position::new(1000)).await.unwrap(), 60);
    }
}

/// There are more reviews and deletions than connections, all for one list.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reviews_of_a_locked_list_take_no_connection_from_others() {
    let (store, ports, lists, somebody) = locked_lists(2, 0).await;
    let mut entries = Vec::new();
    for n in 0..60 {
        entries.push(ports.entries.sign_up(sign_up(&ports, &lists[0], &format!("p{n}@example.com"))).await.unwrap());
    }
    let free = ports.entries.sign_up(sign_up(&ports, &lists[1], "ada@example.com")).await.unwrap();
    let lock = format!("ROLLBACK; BEGIN; SELECT FROM waitlist_totals WHERE waitlist_id = '{}' FOR UPDATE", lists[0].id);
    somebody.batch_execute(&lock).await.unwrap();
    let mut waiting = tokio::task::JoinSet::new();
    for (n, entry) in entries.iter().enumerate() {
        let (ports, entry) = (ports.clone(), entry.clone());
        waiting.spawn(async move {
            match n % 3 {
                0 => ports.entries.review(review(&ports, &entry, Review::Approve)).await.map(drop).is_ok(),
                1 => ports.entries.delete(delete_entry(&ports, entry.waitlist_id, entry.id)).await.is_ok(),
                _ => {
                    let command = delete_waitlist(&ports, WorkspaceId::new(ports.ids.uuid()), entry.waitlist_id);
                    ports.waitlists.delete(command).await.is_ok_and(|there| !there)
                }
            }
        });
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..10 {
        soon(store.ping()).await.unwrap();
        soon(ports.waitlists.find(lists[1].workspace_id, lists[1].id)).await.unwrap().unwrap();
        soon(ports.entries.review(review(&ports, &free, Review::Approve))).await.unwrap();
    }
    // A command for a list of another workspace asks for no lock.
    let foreign = WorkspaceId::new(ports.ids.uuid());
    assert!(!soon(ports.waitlists.delete(delete_waitlist(&ports, foreign, lists[0].id))).await.unwrap());
    somebody.batch_execute("ROLLBACK").await.unwrap();
    let outcomes = waiting.join_all().await;
    assert!(outcomes.iter().all(|done| *done), "whoever waited in time is served: {outcomes:?}");
}

/// The attempts of a locked webhook are settled later, those of the others at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_webhook_keeps_no_other_from_being_settled() {
    let (_, ports, lists, somebody) = locked_lists(1, 0).await;
    let workspace_id = lists[0].workspace_id;
    let mut hooks = Vec::new();
    for _ in 0..10 {
        hooks.push(ports.webhooks.create(create_webhook(&ports, workspace_id, &EventKind::ALL), None).await.unwrap());
    }
    ports.entries.sign_up(sign_up(&ports, &lists[0], "ada@example.com")).await.unwrap();
    let now = ports.clock.now();
    let shares = hooks.iter().map(|hook| (hook.id, 1)).collect();
    let request = ClaimRequest { claim: ClaimId::new(ports.ids.uuid()), now, lease_until: now.plus(time::Duration::hours(1)), shares };
    let claimed = ports.deliveries.claim(request).await.unwrap();
    assert_eq!(claimed.len(), 10);
    somebody.batch_execute(&format!("ROLLBACK; BEGIN; SELECT FROM webhooks WHERE id = '{}' FOR UPDATE", hooks[0].id)).await.unwrap();
    let tried = claimed.iter().map(|delivery| SettleDelivery {
        attempt_id: AttemptId::new(ports.ids.uuid()),
        claim: delivery.claim,
        webhook_id: delivery.webhook_id,
        event_id: delivery.event_id,
        kind: delivery.kind,
        attempt: 1,
        result: AttemptResult {
            status_code: Some(200),
            response_body: None,
            error_message: None,
            retry_after: None,
            latency: time::Duration::ZERO,
        },
        chance: 0,
        now,
    });
    let tried: Vec<_> = tried.collect();
    let settled = soon(ports.deliveries.settle(tried.clone(), DeliveryPolicy::default())).await;
    assert!(matches!(settled, Err(Fault::Unavailable(_))), "{settled:?}");
    assert_eq!(ports.deliveries.depth().await.unwrap().running, 1);
    somebody.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(ports.deliveries.settle(tried, DeliveryPolicy::default()).await.unwrap(), 1);
}

/// Disabling and enabling a webhook also applies to deliveries without a generation, which an older program wrote.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_older_program_wrote_is_delivered_until_the_webhook_is_switched() {
    let (_, ports, lists, somebody) = locked_lists(1, 0).await;
    somebody.batch_execute("ROLLBACK").await.unwrap();
    let hook = ports.webhooks.create(create_webhook(&ports, lists[0].workspace_id, &EventKind::ALL), None).await.unwrap();
    for n in 0..4 {
        ports.entries.sign_up(sign_up(&ports, &lists[0], &format!("p{n}@example.com"))).await.unwrap();
    }
    somebody.batch_execute("UPDATE deliveries SET generation = -1").await.unwrap();
    let now = ports.clock.now();
    assert_eq!(ports.deliveries.due(now).await.unwrap(), [hook.id]);
    let request = |shares| ClaimRequest { claim: ClaimId::new(ports.ids.uuid()), now, lease_until: now, shares };
    let claimed = ports.deliveries.claim(request(vec![(hook.id, 2)])).await.unwrap();
    assert_eq!(claimed.len(), 2);
    for active in [false, true] {
        let switch = UpdateWebhook { active: Some(active), ..update(&hook) };
        ports.webhooks.update(switch).await.unwrap();
    }
    assert_eq!(ports.deliveries.reap(now.plus(time::Duration::seconds(1)), 8).await.unwrap(), 2);
    assert_eq!(ports.deliveries.due(now.plus(time::Duration::days(1))).await.unwrap(), []);
    while ports.purges.purge(1).await.unwrap() {}
    assert_eq!(ports.deliveries.depth().await.unwrap().pending, 0);
}

/// Its processes deliver it. This program neither loses it nor fails for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_a_newer_program_is_left_for_it() {
    let (_, ports, lists, somebody) = locked_lists(1, 0).await;
    somebody.batch_execute("ROLLBACK").await.unwrap();
    let hook = ports.webhooks.create(create_webhook(&ports, lists[0].workspace_id, &EventKind::ALL), None).await.unwrap();
    let ada = ports.entries.sign_up(sign_up(&ports, &lists[0], "ada@example.com")).await.unwrap();
    somebody.batch_execute("UPDATE events SET kind = 'entry.snoozed'").await.unwrap();
    let now = ports.clock.now();
    let claim = async |minutes| {
        let now = now.plus(time::Duration::minutes(minutes));
        let request = ClaimRequest { claim: ClaimId::new(ports.ids.uuid()), now, lease_until: now, shares: vec![(hook.id, 9)] };
        ports.deliveries.claim(request).await.unwrap()
    };
    for minutes in 0..20 {
        assert_eq!(claim(minutes).await, []);
        assert_eq!(ports.deliveries.depth().await.unwrap().pending, 1);
    }
    assert_eq!(ports.entries.records(lists[0].id, ada.id).await.unwrap().events, []);
    somebody.batch_execute("UPDATE events SET kind = 'entry.created'").await.unwrap();
    assert_eq!(claim(20).await.iter().map(|claimed| claimed.attempt).collect::<Vec<_>>(), [1]);
}

/// Its processes send it. What they hold an address back for, this program heeds without knowing it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_of_a_newer_program_is_left_for_it() {
    let (_, ports, lists, somebody) = locked_lists(1, 0).await;
    somebody.batch_execute("ROLLBACK").await.unwrap();
    let workspace_id = lists[0].workspace_id;
    set(&ports, workspace_id, notifications()).await;
    let ada = ports.entries.sign_up(sign_up(&ports, &lists[0], "ada@example.com")).await.unwrap();
    ports.suppressions.suppress(suppress(&ports, workspace_id, "bob@example.com", SuppressionReason::Bounced)).await.unwrap();
    let now = ports.clock.now();
    let claim = async |minutes| {
        let now = now.plus(time::Duration::minutes(minutes));
        let request = ClaimRequest { claim: ClaimId::new(ports.ids.uuid()), now, lease_until: now, shares: vec![(workspace_id, 9)] };
        ports.mails.claim(request, None).await.unwrap()
    };
    for (minutes, newer) in (0..).zip(["kind = 'digest'", "kind = 'welcome', via = 'pigeon'"]) {
        somebody.batch_execute(&format!("UPDATE mails SET {newer}")).await.unwrap();
        assert_eq!(claim(minutes).await, []);
        assert_eq!(ports.mails.depth().await.unwrap().pending, 1);
    }
    somebody.batch_execute("UPDATE mails SET kind = 'digest'").await.unwrap();
    assert_eq!(ports.entries.records(lists[0].id, ada.id).await.unwrap().mails, []);
    somebody.batch_execute("UPDATE mails SET kind = 'welcome', via = 'envoi'").await.unwrap();
    assert_eq!(claim(2).await.iter().map(|claimed| claimed.attempt).collect::<Vec<_>>(), [1]);
    ports.entries.sign_up(sign_up(&ports, &lists[0], "bob@example.com")).await.unwrap();
    let unknown = "ALTER TABLE suppressions DROP CONSTRAINT suppressions_reason_check; UPDATE suppressions SET reason = 'complained'";
    somebody.batch_execute(unknown).await.unwrap();
    assert_eq!(claim(3).await, []);
}

/// Its processes carry it out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_of_a_newer_program_is_left_for_it() {
    let (_, ports, lists, somebody) = locked_lists(1, 0).await;
    let note = "ROLLBACK; ALTER TABLE purges DROP CONSTRAINT purges_kind_check;
        INSERT INTO purges (kind, target) VALUES ('archive', gen_random_uuid()), ('zeal', gen_random_uuid())";
    somebody.batch_execute(note).await.unwrap();
    assert!(ports.waitlists.delete(delete_waitlist(&ports, lists[0].workspace_id, lists[0].id)).await.unwrap());
    while ports.purges.purge(9).await.unwrap() {}
    assert_eq!(ports.purges.backlog().await.unwrap(), 2);
}

/// The slug then belongs to the workspace that took it, and that one can give it up again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slug_that_changes_hands_in_one_moment_can_be_given_up_again() {
    let url = fresh_database().await;
    let store = PgStore::new(&url, &PgOptions::default()).unwrap();
    store.migrate().await.unwrap();
    let ports = ports(store);
    for round in 0..20 {
        let (one, two) = (format!("one-{round}"), format!("two-{round}"));
        workspace(&ports, &one).await;
        let rename = |from: &str, to: &str| RenameWorkspace { from: slug(from), to: slug(to), actor: ACTOR, now: ports.clock.now() };
        let taking = async {
            loop {
                match ports.workspaces.create(create_workspace(&ports, &one)).await {
                    Err(CommandError::Rejected(WorkspaceRejection::SlugTaken)) => tokio::task::yield_now().await,
                    outcome => break outcome.map(drop),
                }
            }
        };
        let (renamed, taken) = tokio::join!(ports.workspaces.rename(rename(&one, &two)), taking);
        renamed.unwrap();
        taken.unwrap();
        ports.workspaces.rename(rename(&one, &format!("three-{round}"))).await.unwrap();
    }
}

/// An operator's session, for example, may lock the row of a webhook.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_ups_wait_for_a_webhook_that_is_locked() {
    let url = fresh_database().await;
    let store = PgStore::new(&url, &PgOptions::default()).unwrap();
    store.migrate().await.unwrap();
    let ports = ports(store);
    let home = workspace(&ports, "acme").await;
    let lists = [active_list_in(&ports, home.id, "one", json!({})).await, active_list_in(&ports, home.id, "two", json!({})).await];
    let somebody = rally_postgres::connect(&url).await.unwrap();
    let webhook = format!(
        "INSERT INTO webhooks (id, workspace_id, url, events, active, secret, created_at) \
         VALUES (gen_random_uuid(), '{}', 'https://example.com/', 'entry.created', true, '', now())",
        home.id
    );
    somebody.batch_execute(&webhook).await.unwrap();
    somebody.batch_execute("BEGIN; SELECT FROM webhooks FOR UPDATE").await.unwrap();
    let callers = (0..40_usize).map(|n| {
        let command = sign_up(&ports, &lists[n % 2], &format!("p{n}@example.com"));
        let ports = &ports;
        async move { ports.entries.sign_up(command).await }
    });
    let release = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        somebody.batch_execute("ROLLBACK").await.unwrap();
    };
    let (outcomes, ()) = tokio::join!(join_all(callers), release);
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

/// Its connection is closed. It does not stay in the pool with its locks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_is_given_up_holds_nothing() {
    let url = fresh_database().await;
    let store = PgStore::new(&url, &PgOptions::default()).unwrap();
    store.migrate().await.unwrap();
    let ports = ports(store);
    let list = active_list(&ports, json!({})).await;
    let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    let somebody = rally_postgres::connect(&url).await.unwrap();
    somebody.batch_execute("BEGIN; SELECT FROM waitlist_totals FOR UPDATE").await.unwrap();
    let deleting = ports.entries.delete(delete_entry(&ports, list.id, ada.id));
    assert!(tokio::time::timeout(Duration::from_millis(300), deleting).await.is_err());
    somebody.batch_execute("ROLLBACK").await.unwrap();
    let freed = async {
        let held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
            let number = async |query| somebody.query_one(query, &[]).await.unwrap().get::<_, i64>(0);
            if number(waiting).await == 0 && number(held).await == 0 {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), freed).await.expect("nothing is held");
}

/// The query goes on in the database. Nobody waits for it on the same connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_is_given_up_is_not_waited_for() {
    let url = fresh_database().await;
    let store = PgStore::new(&url, &PgOptions { wait: NEVER, ..PgOptions::default() }).unwrap();
    store.migrate().await.unwrap();
    let ports = ports(store.clone());
    let somebody = rally_postgres::connect(&url).await.unwrap();
    somebody.batch_execute("BEGIN; LOCK TABLE workspaces").await.unwrap();
    let reading = ports.workspaces.find(WorkspaceId::new(Uuid::from_u128(1)));
    assert!(tokio::time::timeout(Duration::from_millis(300), reading).await.is_err());
    tokio::time::timeout(NEVER / 3, store.ping()).await.expect("another connection answers").unwrap();
}

/// The database has failed over to another server, and the connections still lead to the old one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_no_writes_is_left() {
    let url = fresh_database().await;
    let store = PgStore::new(&url, &PgOptions { connections: 1, ..PgOptions::default() }).unwrap();
    store.migrate().await.unwrap();
    let ports = ports(store);
    let list = active_list(&ports, json!({})).await;
    let somebody = rally_postgres::connect(&url).await.unwrap();
    let name: String = somebody.query_one("SELECT quote_ident(current_database())", &[]).await.unwrap().get(0);
    // Somebody keeps its own mode. All others connect again.
    let close = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    somebody.batch_execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on; {close}")).await.unwrap();
    for n in 0..2 {
        let refused = ports.entries.sign_up(sign_up(&ports, &list, &format!("p{n}@example.com"))).await;
        assert!(matches!(refused, Err(CommandError::Fault(Fault::Unavailable(_)))), "{refused:?}");
    }
    somebody.batch_execute(&format!("ALTER DATABASE {name} RESET default_transaction_read_only")).await.unwrap();
    let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    assert_eq!(ada.position.number(), 1);
}

/// A migration that waits for a table keeps everybody waiting who needs it. So it gives way to a dump or a long query.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_waits_for_a_table_lets_others_read_it() {
    let url = fresh_database().await;
    let store = PgStore::new(&url, &PgOptions::default()).unwrap();
    store.migrate().await.unwrap();
    // The migrations after this one replace an index of the table.
    let mut reverted = vec![store.revert().await.unwrap()];
    while !reverted[0].starts_with("20261128000132") {
        reverted.insert(0, store.revert().await.unwrap());
    }
    let [dump, reader] = [rally_postgres::connect(&url).await.unwrap(), rally_postgres::connect(&url).await.unwrap()];
    dump.batch_execute("BEGIN; LOCK TABLE mails IN ACCESS SHARE MODE").await.unwrap();
    let migrating = tokio::spawn(async move { store.migrate().await });
    reader.batch_execute("SET statement_timeout = 3000").await.unwrap();
    for _ in 0..40 {
        reader.query("SELECT FROM mails LIMIT 1", &[]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!migrating.is_finished());
    dump.batch_execute("COMMIT").await.unwrap();
    assert_eq!(tokio::time::timeout(NEVER, migrating).await.unwrap().unwrap().unwrap(), reverted);
}

/// A proxy between a store and its server, which passes on nothing while it is silent.
struct Between {
    port: u16,
    silent: watch::Sender<bool>,
    open: Arc<AtomicUsize>,
}

impl Between {
    async fn start(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (silent, heard) = watch::channel(false);
        let open = Arc::new(AtomicUsize::new(0));
        let count = open.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (mut heard, count) = (heard.clone(), count.clone());
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    heard.wait_for(|silent| !silent).await.unwrap();
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = TcpStream::connect(("127.0.0.1", server)).await.unwrap().into_split();
                    tokio::join!(pass(from_client, to_server, heard.clone()), pass(from_server, to_client, heard));
                    count.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, silent, open }
    }
}

async fn pass(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin, mut heard: watch::Receiver<bool>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        heard.wait_for(|silent| !silent).await.unwrap();
        if to.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    // If the other side is gone already, the shutdown fails, and that is fine.
    drop(to.shutdown().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_falls_silent_is_not_waited_for() {
    let cluster = Cluster::start(None);
    let between = Between::start(cluster.port()).await;
    let through = format!("postgres://rally@127.0.0.1:{}/postgres?sslmode=disable", between.port);
    let options = PgOptions { connections: 3, wait: Duration::from_millis(500), statement_timeout: Duration::from_millis(500) };
    let store = PgStore::new(&through, &options).unwrap();
    PgStore::new(&cluster.url(), &PgOptions::default()).unwrap().migrate().await.unwrap();
    let ports = ports(store.clone());
    let list = active_list(&ports, json!({})).await;
    ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();

    between.silent.send(true).unwrap();
    let waiting = tokio::time::timeout(NEVER, ports.entries.sign_up(sign_up(&ports, &list, "bob@example.com")));
    let outcome = waiting.await.expect("a sign-up is not waited for without end");
    assert!(matches!(outcome, Err(CommandError::Fault(Fault::Unavailable(_)))), "{outcome:?}");
    for _ in 0..6 {
        let answer = tokio::time::timeout(NEVER, store.ping()).await.expect("a connection is not waited for without end");
        assert!(matches!(answer, Err(Fault::Unavailable(_))), "{answer:?}");
    }

    between.silent.send(false).unwrap();
    let bob = ports.entries.sign_up(sign_up(&ports, &list, "bob@example.com")).await.unwrap();
    assert_eq!(bob.position.number(), 2);
    // Connections whose request has gone away are closed.
    let closed = async {
        while between.open.load(Ordering::SeqCst) > 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(NEVER, closed).await.expect("no connection is left behind");
}

/// Delays the end of a purge by 1 s. A webhook that is enabled or disabled in that second finds the note of a purge that no
/// longer looks for deliveries.
const LATE_END: &str = "
CREATE FUNCTION end_late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN OLD; END $$;
CREATE TRIGGER end_late BEFORE DELETE ON purges FOR EACH ROW EXECUTE FUNCTION end_late()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_switched_while_its_purge_ends_is_purged_again() {
    let url = fresh_database().await;
    let store = PgStore::new(&url, &PgOptions::default()).unwrap();
    store.migrate().await.unwrap();
    let ports = ports(store);
    let list = active_list(&ports, json!({})).await;
    let hook = ports.webhooks.create(create_webhook(&ports, list.workspace_id, &EventKind::ALL), None).await.unwrap();
    let switch = async |active| {
        let command = UpdateWebhook { active: Some(active), ..update(&hook) };
        ports.webhooks.update(command).await.unwrap()
    };
    ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    switch(false).await;
    rally_pgtest::execute(&url, LATE_END).await;
    let purging = ports.clone();
    let purge = tokio::spawn(async move { purging.purges.purge(100).await.unwrap() });
    wait_for_sleep(&url).await;
    switch(true).await;
    ports.entries.sign_up(sign_up(&ports, &list, "bob@example.com")).await.unwrap();
    switch(false).await;
    assert!(purge.await.unwrap());
    while ports.purges.purge(100).await.unwrap() {}
    assert_eq!(ports.deliveries.depth().await.unwrap().pending, 0);
}

/// The commit of a sign-up, drawn out.
const LATE_COMMIT: &str = "
CREATE FUNCTION commit_late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER commit_late AFTER INSERT ON entries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION commit_late()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_that_is_committed_after_its_webhook_was_purged_is_found() {
    let url = fresh_database().await;
    let store = PgStore::new(&url, &PgOptions::default()).unwrap();
    store.migrate().await.unwrap();
    let ports = ports(store);
    let list = active_list(&ports, json!({})).await;
    let hook = ports.webhooks.create(create_webhook(&ports, list.workspace_id, &EventKind::ALL), None).await.unwrap();
    rally_pgtest::execute(&url, LATE_COMMIT).await;
    let (joining, command) = (ports.clone(), sign_up(&ports, &list, "ada@example.com"));
    let sign_up = tokio::spawn(async move { joining.entries.sign_up(command).await.unwrap() });
    wait_for_sleep(&url).await;
    let off = UpdateWebhook { active: Some(false), ..update(&hook) };
    ports.webhooks.update(off).await.unwrap();
    while ports.purges.purge(100).await.unwrap() {}
    sign_up.await.unwrap();
    // Nobody claims it, and it would keep its event from being pruned.
    assert_eq!(ports.deliveries.depth().await.unwrap().pending, 1);
    assert_eq!(ports.purges.find_orphans().await.unwrap(), 1);
    while ports.purges.purge(100).await.unwrap() {}
    assert_eq!((ports.deliveries.depth().await.unwrap().pending, ports.purges.find_orphans().await.unwrap()), (0, 0));
}

/// Waits until a statement of the database sleeps.
async fn wait_for_sleep(url: &str) {
    let somebody = rally_postgres::connect(url).await.unwrap();
    let sleeps = "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    let asleep = async {
        while somebody.query(sleeps, &[]).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(NEVER, asleep).await.expect("a statement that sleeps");
}
