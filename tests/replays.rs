//! Events that are sent to a webhook once more.

use rally_tests::receiver::{Receiver, eventually};
use rally_tests::{Kind, TestServer, on_both_stores};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use time::Duration;

async fn webhook(server: &TestServer, url: &str) -> String {
    let body = json!({"url": url, "events": ["entry.created", "entry.approved"]});
    server.admin_post("/webhooks", body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

/// The attempts that the log of a webhook has, once there are that many.
async fn attempts(server: &TestServer, webhook: &str, query: &str, number: usize) -> Vec<Value> {
    eventually(|| async {
        let listed = server.admin_get(&format!("/webhooks/{webhook}/deliveries{query}")).await.expect(200)["data"].clone();
        Some(listed.as_array().unwrap().clone()).filter(|listed| listed.len() == number)
    })
    .await
}

fn all() -> Value {
    json!({"since": "2026-01-31T00:00:00Z", "until": "2026-03-01T00:00:00Z", "state": "all"})
}

#[apply(on_both_stores)]
async fn a_replay_sends_the_same_events_again(kind: Kind) {
    let (server, receiver) = (TestServer::start(kind).await, Receiver::start().await);
    server.active_list("early", json!({"approval_required": false})).await;
    let webhook = webhook(&server, &receiver.url).await;
    server.join("early", "ada@example.com").await;
    let first = receiver.wait_for(2).await;
    attempts(&server, &webhook, "?state=delivered", 2).await;
    let path = format!("/webhooks/{webhook}/replay");
    let none = json!({"since": "2026-01-30T00:00:00Z", "until": rally_tests::NOW, "state": "all"});
    assert_eq!(server.admin_post(&path, none).await.expect(202), json!({"events": 0}), "the end is not in the period");
    let mut some = all();
    some["types"] = json!(["entry.approved"]);
    assert_eq!(server.admin_post(&path, some).await.expect(202), json!({"events": 1}));
    receiver.wait_for(3).await;
    attempts(&server, &webhook, "?state=delivered", 3).await;
    assert_eq!(server.admin_post(&path, all()).await.expect(202), json!({"events": 2}));
    let received = receiver.wait_for(5).await;
    for again in &received[2..] {
        let before = first.iter().find(|before| before.id() == again.id()).expect("an event that came before");
        assert_eq!(again.body, before.body);
    }
}

#[apply(on_both_stores)]
async fn what_is_delivered_by_a_replay_is_dead_no_more(kind: Kind) {
    let (server, receiver) = (TestServer::start(kind).await, Receiver::start().await);
    server.active_list("early", json!({})).await;
    let webhook = webhook(&server, &receiver.url).await;
    receiver.answer(500, "");
    server.join("early", "ada@example.com").await;
    for number in 1..=8 {
        attempts(&server, &webhook, "", number).await;
        server.clock.advance(Duration::hours(12));
    }
    let dead = attempts(&server, &webhook, "?state=dead", 8).await;
    receiver.answer(204, "");
    let until = server.ports.clock.now().plus(Duration::days(1));
    let body = json!({"since": "2026-01-31T00:00:00Z", "until": until, "state": "dead"});
    assert_eq!(server.admin_post(&format!("/webhooks/{webhook}/replay"), body.clone()).await.expect(202), json!({"events": 1}));
    let delivered = attempts(&server, &webhook, "?state=delivered", 9).await;
    assert_eq!((&delivered[0]["event_id"], &delivered[0]["attempt_number"]), (&dead[0]["event_id"], &json!(1)));
    attempts(&server, &webhook, "?state=dead", 0).await;
    assert_eq!(server.admin_post(&format!("/webhooks/{webhook}/replay"), body).await.expect(202), json!({"events": 0}));
}

#[apply(on_both_stores)]
async fn one_delivery_is_resent(kind: Kind) {
    let (server, receiver) = (TestServer::start(kind).await, Receiver::start().await);
    let list = server.active_list("early", json!({})).await;
    let webhook = webhook(&server, &receiver.url).await;
    let ada = server.join("early", "ada@example.com").await;
    let first = receiver.wait_for(1).await;
    attempts(&server, &webhook, "?state=delivered", 1).await;
    let path = format!("/webhooks/{webhook}/deliveries/{}/resend", first[0].id());
    assert_eq!(server.admin_post(&path, json!({})).await.expect(202), json!({"event_id": first[0].id()}));
    let received = receiver.wait_for(2).await;
    assert_eq!((received[1].id(), &received[1].body), (first[0].id(), &first[0].body));
    attempts(&server, &webhook, "?state=delivered", 2).await;
    let unknown = format!("/webhooks/{webhook}/deliveries/00000000-0000-7000-8000-000000000000/resend");
    server.admin_post(&unknown, json!({})).await.refused(404, "delivery_not_found");
    server.admin_delete(&format!("/waitlists/{list}/entries/{}", ada["id"].as_str().unwrap())).await.expect(204);
    server.admin_post(&path, json!({})).await.refused(404, "delivery_not_found");
}

#[apply(on_both_stores)]
async fn a_replay_needs_an_active_webhook_and_a_period(kind: Kind) {
    let server = TestServer::start(kind).await;
    let webhook = webhook(&server, "http://127.0.0.1:9/").await;
    let path = format!("/webhooks/{webhook}/replay");
    let bad = server.admin_post(&path, json!({"since": "yesterday", "types": ["nothing"], "state": "pending"})).await;
    bad.refused(400, "validation_failed");
    assert_eq!(bad.bad_fields(), ["since", "until", "types", "state"]);
    let empty = json!({"since": rally_tests::NOW, "until": rally_tests::NOW, "state": "all"});
    assert_eq!(server.admin_post(&path, empty).await.bad_fields(), ["until"]);
    let bad = server.admin_get(&format!("/webhooks/{webhook}/deliveries?state=held&limit=0")).await;
    assert_eq!(bad.bad_fields(), ["state", "limit"]);
    server.admin_patch(&format!("/webhooks/{webhook}"), json!({"active": false})).await.expect(200);
    server.admin_post(&path, all()).await.refused(409, "webhook_disabled");
    let event = "00000000-0000-7000-8000-000000000000";
    server.admin_post(&format!("/webhooks/{webhook}/deliveries/{event}/resend"), json!({})).await.refused(409, "webhook_disabled");
    server.admin_delete(&format!("/webhooks/{webhook}")).await.expect(204);
    server.admin_post(&path, all()).await.refused(404, "webhook_not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_has_a_limit() {
    let server = TestServer::start(Kind::Postgres).await;
    server.active_list("early", json!({})).await;
    let webhook = webhook(&server, "http://127.0.0.1:9/").await;
    server.join("early", "ada@example.com").await;
    let copy = format!(
        "INSERT INTO events (id, workspace_id, kind, body, occurred_at)
        SELECT gen_random_uuid(), workspace_id, kind, body, occurred_at FROM events, generate_series(1, 10000) WHERE kind = 'entry.created';
        INSERT INTO deliveries (event_id, webhook_id, state, due_at)
        SELECT id, '{webhook}', 'done', occurred_at FROM events ON CONFLICT DO NOTHING"
    );
    rally_pgtest::execute(server.database_url().unwrap(), &copy).await;
    let path = format!("/webhooks/{webhook}/replay");
    server.admin_post(&path, all()).await.refused(400, "too_many_events");
    let mut some = all();
    some["types"] = json!(["waitlist.status_changed"]);
    assert_eq!(server.admin_post(&path, some).await.expect(202), json!({"events": 1}));
}
