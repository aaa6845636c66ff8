//! Feeds, replays and transactions that commit in another order than they began.

use std::sync::Arc;

use rally_contracts::doubles::{CountingIds, FrozenClock};
use rally_contracts::replays;
use rally_contracts::samples::{self, active_list, active_list_in, join};
use rally_contracts::webhooks::create_webhook;
use rally_domain::command::ReplayState;
use rally_domain::event::EventKind;
use rally_domain::feed::{FeedFilter, FeedKey, FeedPage, FeedQuery};
use rally_domain::id::{ClaimId, WorkspaceId};
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_domain::queue::ClaimRequest;
use rally_postgres::{PgOptions, PgStore};
use serde_json::json;

use super::fresh_database;

async fn pull(ports: &Ports, workspace_id: WorkspaceId, after: Option<FeedKey>) -> FeedPage {
    ports.feeds.number(workspace_id, 1000).await.unwrap();
    let (oldest, filter, limit) = (ports.clock.now(), FeedFilter::default(), Limit::default());
    ports.feeds.page(FeedQuery { workspace_id, after, oldest, filter, limit }).await.unwrap().unwrap()
}

async fn open(url: &str) -> Ports {
    let store = PgStore::new(url, &PgOptions::default()).unwrap();
    store.migrate().await.unwrap();
    let (clock, ids) = (FrozenClock::at("2026-01-31T09:00:00Z"), CountingIds::default());
    Ports::of_store(Arc::new(store), samples::links(), Arc::new(clock), Arc::new(ids))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_an_entry_that_is_deleted_during_a_replay_is_not_sent() {
    let url = fresh_database().await;
    let ports = open(&url).await;
    let list = active_list(&ports, json!({})).await;
    let hook = create_webhook(&ports, list.workspace_id, &[EventKind::EntryCreated]);
    let hook = ports.webhooks.create(hook, None).await.unwrap();
    let (ada, _bob) = (join(&ports, &list, "ada@example.com").await, join(&ports, &list, "bob@example.com").await);

    // A deletion that has looked at the deliveries already.
    let somebody = rally_postgres::connect(&url).await.unwrap();
    somebody.batch_execute("UPDATE deliveries SET state = 'done'").await.unwrap();
    somebody.batch_execute(&format!("BEGIN; DELETE FROM entries WHERE id = '{}'", ada.id)).await.unwrap();
    assert_eq!(ports.webhooks.replay(replays::replay(&ports, &hook, ReplayState::All)).await.unwrap(), 2);
    somebody.batch_execute("COMMIT").await.unwrap();
    let (claim, now) = (ClaimId::new(ports.ids.uuid()), ports.clock.now());
    let claimed = ports.deliveries.claim(ClaimRequest { claim, now, lease_until: now, shares: vec![(hook.id, 10)] }).await.unwrap();
    let bodies: Vec<String> = claimed.into_iter().map(|delivery| delivery.body).collect();
    assert!(bodies.len() == 1 && bodies[0].contains("bob@example.com"), "{bodies:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_began_first_and_commits_last_comes_last() {
    let url = fresh_database().await;
    let ports = open(&url).await;
    let list = active_list(&ports, json!({})).await;
    let slow = active_list_in(&ports, list.workspace_id, "slow", json!({})).await;
    let before = pull(&ports, list.workspace_id, None).await.last;

    // A change of the slow list: it locks its list, writes two events, and takes its time.
    let somebody = rally_postgres::connect(&url).await.unwrap();
    let change = format!(
        "BEGIN; SELECT FROM waitlist_totals WHERE waitlist_id = '{list}' FOR UPDATE;
        INSERT INTO events (id, workspace_id, waitlist_id, kind, body, occurred_at)
        SELECT gen_random_uuid(), '{workspace}', '{list}', 'entry.created', '\"slow ' || n || '\"', '2026-01-31T09:00:00Z'
        FROM generate_series(1, 2) n",
        list = slow.id,
        workspace = list.workspace_id,
    );
    somebody.batch_execute(&change).await.unwrap();
    join(&ports, &list, "ada@example.com").await;
    let first = pull(&ports, list.workspace_id, before).await;
    assert_eq!(first.bodies.len(), 1);
    join(&ports, &list, "bob@example.com").await;
    somebody.batch_execute("COMMIT").await.unwrap();
    join(&ports, &slow, "eve@example.com").await;

    let rest = pull(&ports, list.workspace_id, first.last).await;
    let place = |text: &str| rest.bodies.iter().position(|body| body.contains(text));
    assert_eq!(rest.bodies.len(), 4, "{:?}", rest.bodies);
    assert!(place("slow 1") < place("slow 2") && place("slow 2") < place("eve@example.com"), "{:?}", rest.bodies);
    assert!(place("slow 1").is_some() && place("bob@example.com").is_some());
    assert_eq!(pull(&ports, list.workspace_id, rest.last).await.bodies, Vec::<String>::new());
}
