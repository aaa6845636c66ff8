//! A list that somebody keeps locked, and a server that falls silent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use rally_contracts::doubles::{CountingIds, FrozenClock};
use rally_contracts::given::{active_list, active_list_in, sign_up, workspace};
use rally_domain::error::{CommandError, Fault};
use rally_domain::ports::{Ports, StoreHealth};
use rally_pgtest::Cluster;
use rally_postgres::{PgOptions, PgStore};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A deadline that only a test that fails meets.
const NEVER: Duration = Duration::from_secs(30);

fn ports(store: PgStore) -> Ports {
    Ports::of_store(Arc::new(store), Arc::new(FrozenClock::at("2026-01-31T09:00:00Z")), Arc::new(CountingIds::default()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_stays_locked_is_in_nobodys_way() {
    let url = rally_pgtest::new_database().await;
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

/// A webhook that is being deleted with many deliveries is locked for as long as that takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_ups_wait_for_a_webhook_that_is_locked() {
    let url = rally_pgtest::new_database().await;
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

/// It is closed, and does not wait in the pool with what it has locked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_is_given_up_holds_nothing() {
    let url = rally_pgtest::new_database().await;
    let store = PgStore::new(&url, &PgOptions::default()).unwrap();
    store.migrate().await.unwrap();
    let ports = ports(store);
    let list = active_list(&ports, json!({})).await;
    let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
    let somebody = rally_postgres::connect(&url).await.unwrap();
    somebody.batch_execute("BEGIN; SELECT FROM waitlist_totals FOR UPDATE").await.unwrap();
    let deleting = ports.entries.delete(list.id, ada.id);
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

/// Stands between a store and its server, and passes on nothing while it is silent.
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
    // Whoever went away before is not told.
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
    // Connections that nobody waited for are closed, not forgotten.
    let closed = async {
        while between.open.load(Ordering::SeqCst) > 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(NEVER, closed).await.expect("no connection is left behind");
}
