//! What was answered survives: the real binary, ended as a power cut ends it, and asked to end while it works.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use rally_tests::Kind;
use rally_tests::deployment::{Deployment, run};
use rally_tests::process::Server;
use rally_tests::receiver::{Received, Receiver, eventually};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// Signs people up from eight clients at once until the server is gone; gives those who were answered.
fn crowd(deployment: &Deployment, base: &str, round: usize) -> JoinSet<Vec<(String, u64)>> {
    let mut clients = JoinSet::new();
    for client in 0..8 {
        let (http, url) = (deployment.client.clone(), format!("{base}/v1/waitlists/acme/early/entries"));
        clients.spawn(async move {
            let mut answered = Vec::new();
            for n in 0..100_000 {
                let email = format!("r{round}c{client}n{n}@example.com");
                let reply = http.post(&url).json(&json!({"email": email, "name": "Somebody"})).send().await;
                match reply {
                    Ok(reply) if reply.status() == 201 => match reply.json::<Value>().await {
                        Ok(body) => answered.push((email, body["position"].as_u64().unwrap())),
                        Err(_) => return answered,
                    },
                    _ => return answered,
                }
            }
            answered
        });
    }
    clients
}

async fn nothing_answered_is_lost(kind: Kind) {
    let deployment = Deployment::new(kind).await;
    let mut answered = Vec::new();
    for round in 0..5_u32 {
        let mut server = deployment.start();
        let clients = crowd(&deployment, &server.base, round as usize);
        tokio::time::sleep(Duration::from_millis(u64::from(120 + 60 * round))).await;
        server.kill();
        answered.extend(clients.join_all().await.into_iter().flatten());
    }
    let server = deployment.start();
    let entries = deployment.entries(&server).await;
    assert!(!answered.is_empty());
    for entry in &answered {
        assert!(entries.contains(entry), "{entry:?} was answered and is lost");
    }
    let positions: Vec<u64> = entries.iter().map(|(_, position)| *position).collect();
    assert_eq!(positions, (1..=entries.len() as u64).collect::<Vec<_>>());
    let count = deployment.admin(&server, &format!("/waitlists/{}/entries/count", deployment.list), None).await.expect(200);
    assert_eq!(count, json!({"count": entries.len()}));
    let counted = deployment.run(&["counters", "rebuild"]);
    assert_eq!(counted, json!({"waitlists": 1, "corrected": 0}));
}

async fn every_event_arrives_though_rally_is_killed(kind: Kind) {
    let (deployment, receiver) = (Deployment::new(kind).await, Receiver::start().await);
    let server = deployment.start();
    let body = json!({"url": receiver.url, "events": ["entry.created"]});
    let secret = deployment.admin(&server, "/webhooks", Some(body)).await.expect(201)["signing_secret"].as_str().unwrap().to_owned();
    drop(server);
    for round in 0..3 {
        let mut server = deployment.start();
        let clients = crowd(&deployment, &server.base, round);
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.kill();
        clients.join_all().await;
    }
    let server = deployment.start();
    let addresses: HashSet<String> = deployment.entries(&server).await.into_iter().map(|(address, _)| address).collect();
    let told = |request: &Received| request.json()["data"]["entry"]["email"].as_str().unwrap().to_owned();
    eventually(|| async {
        let arrived: HashSet<String> = receiver.received().iter().map(told).collect();
        Some(()).filter(|()| arrived == addresses)
    })
    .await;
    // What arrived twice arrived under one id, with one body.
    let mut by_address: HashMap<String, Received> = HashMap::new();
    for request in receiver.received() {
        let first = by_address.entry(told(&request)).or_insert_with(|| request.clone());
        assert_eq!((first.id(), &first.body), (request.id(), &request.body));
    }
    // And a receiver believes it.
    let last = receiver.received().pop().unwrap();
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, last.headers[name].parse().unwrap());
    }
    standardwebhooks::Webhook::new(&secret).unwrap().verify(last.body.as_bytes(), &headers).unwrap();
}

async fn a_server_asked_to_end_cuts_nobody_off(kind: Kind) {
    let deployment = Deployment::new(kind).await;
    let mut server = deployment.start();
    let clients = crowd(&deployment, &server.base, 0);
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.terminate();
    assert!(server.ended_well(Duration::from_secs(35)), "it did not end, or not well");
    let answered = clients.join_all().await.into_iter().flatten().count();
    let server = deployment.start();
    let entries = deployment.entries(&server).await;
    // Whoever was let in was told so.
    assert_eq!(entries.len(), answered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_answered_is_lost_on_sqlite() {
    nothing_answered_is_lost(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_answered_is_lost_on_postgres() {
    nothing_answered_is_lost(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_arrives_though_rally_is_killed_on_sqlite() {
    every_event_arrives_though_rally_is_killed(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_arrives_though_rally_is_killed_on_postgres() {
    every_event_arrives_though_rally_is_killed(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_asked_to_end_cuts_nobody_off_on_sqlite() {
    a_server_asked_to_end_cuts_nobody_off(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_asked_to_end_cuts_nobody_off_on_postgres() {
    a_server_asked_to_end_cuts_nobody_off(Kind::Postgres).await;
}

#[test]
fn the_demo_is_made_once() {
    let directory = TempDir::new().unwrap();
    drop(Server::start(directory.path(), None));
    let workspaces = || run(directory.path(), None, &["workspace", "list"]);
    assert_eq!(workspaces()[0]["slug"], "demo");
    run(directory.path(), None, &["workspace", "delete", "demo", "--yes"]);
    drop(Server::start(directory.path(), None));
    assert_eq!(workspaces(), json!([]));
}
