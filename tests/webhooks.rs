//! Webhooks: how an admin manages them, and the requests that their receivers get.

use std::collections::HashSet;

use futures_util::future::join_all;
use rally_domain::id::WebhookId;
use rally_fakes::{FakeSmtp, SmtpOptions, SmtpTls};
use rally_tests::receiver::{Misbehaviour, Received, Receiver, eventually, misbehave};
use rally_tests::{Kind, TestServer, on_both_stores, send};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use standardwebhooks::Webhook as Verifier;
use time::Duration;

const ALL: [&str; 3] = ["entry.created", "entry.approved", "entry.rejected"];

async fn create(server: &TestServer, url: &str) -> Value {
    server.admin_post("/webhooks", json!({"url": url, "events": ALL})).await.expect(201)
}

fn path(webhook: &Value) -> String {
    format!("/webhooks/{}", webhook["id"].as_str().unwrap())
}

/// Whether one of a request's signatures equals the one that a receiver's library makes with a secret.
fn verifies(request: &Received, secret: &Value) -> bool {
    let seconds = request.headers["webhook-timestamp"].parse().unwrap();
    let signature = Verifier::new(secret.as_str().unwrap()).unwrap().sign(request.id(), seconds, request.body.as_bytes()).unwrap();
    request.headers["webhook-signature"].split(' ').any(|given| given == signature)
}

/// The attempts of a webhook, newest first, once there are that many.
async fn attempts(server: &TestServer, webhook: &Value, number: usize) -> Vec<Value> {
    let path = format!("{}/deliveries", path(webhook));
    eventually(|| async {
        let listed = server.admin_get(&path).await.expect(200)["data"].as_array().unwrap().clone();
        Some(listed).filter(|listed| listed.len() >= number)
    })
    .await
}

#[apply(on_both_stores)]
async fn a_new_webhook_shows_its_secret_once(kind: Kind) {
    let server = TestServer::start(kind).await;
    let body = json!({"url": "http://127.0.0.1:9/a b".replace(' ', ""), "events": ["entry.rejected", "entry.created"], "active": false});
    let created = server.admin_post("/webhooks", body).await.expect(201);
    let secret = created["signing_secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
    let shown = json!({
        "id": created["id"], "workspace_id": server.workspace.id.to_string(), "url": "http://127.0.0.1:9/ab",
        "events": ["entry.rejected", "entry.created"], "active": false, "failure_count": 0, "last_status_code": null,
        "last_attempt_at": null, "auto_disabled_at": null, "first_failure_at": null, "created_at": rally_tests::NOW,
    });
    let mut with_secret = shown.clone();
    with_secret["signing_secret"] = json!(secret);
    assert_eq!(created, with_secret);
    assert_eq!(server.admin_get(&path(&created)).await.expect(200), shown);
    assert_eq!(server.admin_get("/webhooks").await.expect(200), json!({"data": [shown]}));
    assert_eq!(server.admin_get(&format!("{}/deliveries", path(&created))).await.expect(200), json!({"data": []}));
}

#[apply(on_both_stores)]
async fn a_change_of_a_webhook_changes_all_but_its_secret(kind: Kind) {
    let server = TestServer::start(kind).await;
    let body = json!({"url": "http://127.0.0.1:9/a", "events": ["entry.rejected", "entry.created"], "active": false});
    let path = path(&server.admin_post("/webhooks", body).await.expect(201));
    let mut shown = server.admin_get(&path).await.expect(200);
    let sealed = server.ports.webhooks.secrets().await.unwrap();
    let change = json!({"url": "http://127.0.0.1:9/b", "events": ["entry.approved"], "active": true, "signing_secret": "whsec_x"});
    (shown["url"], shown["events"], shown["active"]) = (json!("http://127.0.0.1:9/b"), json!(["entry.approved"]), json!(true));
    assert_eq!(server.admin_patch(&path, change).await.expect(200), shown);
    assert_eq!(server.admin_patch(&path, json!({})).await.expect(200), shown);
    assert_eq!(server.ports.webhooks.secrets().await.unwrap(), sealed);
}

#[apply(on_both_stores)]
async fn a_deleted_webhook_is_gone_with_its_secret(kind: Kind) {
    let server = TestServer::start(kind).await;
    let path = path(&create(&server, "http://127.0.0.1:9/").await);
    server.admin_delete(&path).await.expect(204);
    for reply in [
        server.admin_delete(&path).await,
        server.admin_get(&path).await,
        server.admin_patch(&path, json!({})).await,
        server.admin_get(&format!("{path}/deliveries")).await,
        server.admin_post(&format!("{path}/rotate-secret"), json!({})).await,
        server.admin_post(&format!("{path}/test"), json!({"event": "entry.created"})).await,
        server.admin_get("/webhooks/17").await,
    ] {
        reply.refused(404, "webhook_not_found");
    }
    assert!(server.ports.webhooks.secrets().await.unwrap().is_empty());
}

#[apply(on_both_stores)]
async fn a_bad_webhook_names_every_bad_field(kind: Kind) {
    let server = TestServer::start(kind).await;
    assert_eq!(server.admin_post("/webhooks", json!({})).await.bad_fields(), ["url", "events"]);
    let bad = json!({"url": "ftp://127.0.0.1/", "events": ["entry.sung"], "active": "yes"});
    assert_eq!(server.admin_post("/webhooks", bad).await.bad_fields(), ["url", "events", "active"]);
    for events in [json!([]), json!(["entry.created", "entry.created"]), json!("entry.created"), json!([1]), json!(null)] {
        let body = json!({"url": "https://example.com/", "events": events});
        assert_eq!(server.admin_post("/webhooks", body).await.bad_fields(), ["events"]);
    }
    let long = format!("https://example.com/{}", "x".repeat(2048));
    for url in [
        "https://127.0.0.2/",
        "https://10.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706434/",
        "http://example.com/",
        "https://user:pass@example.com/",
        "https://example.com/#top",
        "https://db/",
        "example.com",
        &long,
    ] {
        let body = json!({"url": url, "events": ALL});
        assert_eq!(server.admin_post("/webhooks", body).await.bad_fields(), ["url"], "{url}");
    }
    let made = create(&server, "http://127.0.0.1:9/").await;
    let change = json!({"url": "https://169.254.169.254/latest", "events": []});
    assert_eq!(server.admin_patch(&path(&made), change).await.bad_fields(), ["url", "events"]);
    let limits = ["0", "201", "-1", "x", ""];
    for limit in limits {
        assert_eq!(server.admin_get(&format!("{}/deliveries?limit={limit}", path(&made))).await.bad_fields(), ["limit"]);
    }
    let test = format!("{}/test", path(&made));
    assert_eq!(server.admin_post(&test, json!({"event": "entry.sung", "waitlist_id": "17"})).await.bad_fields(), ["event", "waitlist_id"]);
    assert_eq!(server.admin_get("/webhooks").await.expect(200)["data"].as_array().unwrap().len(), 1);
}

#[apply(on_both_stores)]
async fn a_workspace_has_fifty_webhooks_at_most(kind: Kind) {
    let server = TestServer::start(kind).await;
    for _ in 0..50 {
        create(&server, "http://127.0.0.1:9/").await;
    }
    let more = json!({"url": "http://127.0.0.1:9/", "events": ALL});
    server.admin_post("/webhooks", more).await.refused(409, "too_many_webhooks");
}

#[apply(on_both_stores)]
async fn events_arrive_signed(kind: Kind) {
    let server = TestServer::start(kind).await;
    let receiver = Receiver::start().await;
    let list = server.active_list("early", json!({})).await;
    let webhook = create(&server, &receiver.url).await;
    let ada = server.join("early", "ada@example.com").await;
    let request = receiver.wait_for(1).await.remove(0);
    assert_eq!(request.line, "POST /hook HTTP/1.1");
    assert_eq!(request.headers["content-type"], "application/json");
    assert!(request.headers["user-agent"].starts_with("Rally/"));
    assert!(verifies(&request, &webhook["signing_secret"]));
    assert!(!verifies(&request, &json!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")));
    let entry = format!("/waitlists/{list}/entries/{}", ada["id"].as_str().unwrap());
    let mut shown = server.admin_get(&entry).await.expect(200);
    // The link of a person is in no event.
    shown.as_object_mut().unwrap().remove("status_url");
    assert_eq!(
        request.json(),
        json!({
            "id": request.id(), "type": "entry.created", "timestamp": rally_tests::NOW, "workspace_id": server.workspace.id.to_string(),
            "data": {"entry": shown, "waitlist": {"id": list, "slug": "early", "display_name": "List early"}},
        })
    );
    server.admin_patch(&entry, json!({"status": "approved"})).await.expect(200);
    let second = receiver.wait_for(2).await.remove(1);
    assert_eq!(
        (second.json()["type"].clone(), second.json()["data"]["entry"]["status"].clone()),
        (json!("entry.approved"), json!("approved"))
    );
}

#[apply(on_both_stores)]
async fn every_attempt_is_listed_and_counted_on_its_webhook(kind: Kind) {
    let server = TestServer::start(kind).await;
    let receiver = Receiver::start().await;
    server.active_list("early", json!({})).await;
    let webhook = create(&server, &receiver.url).await;
    server.join("early", "ada@example.com").await;
    let request = receiver.wait_for(1).await.remove(0);
    server.join("early", "bob@example.com").await;
    let rows = attempts(&server, &webhook, 2).await;
    let row = rows.iter().find(|row| row["event_id"] == request.id()).unwrap();
    assert_eq!(
        row,
        &json!({
            "id": row["id"], "webhook_id": webhook["id"], "event_id": request.id(), "event_type": "entry.created", "attempt_number": 1,
            "status_code": 200, "response_body": "hello", "error_message": null, "latency_ms": row["latency_ms"],
            "created_at": rally_tests::NOW,
        })
    );
    let seen = server.admin_get(&path(&webhook)).await.expect(200);
    assert_eq!(
        (&seen["last_status_code"], &seen["last_attempt_at"], &seen["failure_count"]),
        (&json!(200), &json!(rally_tests::NOW), &json!(0))
    );
    assert_eq!(server.admin_get(&format!("{}/deliveries?limit=1", path(&webhook))).await.expect(200)["data"].as_array().unwrap().len(), 1);
}

#[apply(on_both_stores)]
async fn after_a_rotation_both_secrets_sign_for_a_day(kind: Kind) {
    let server = TestServer::start(kind).await;
    let receiver = Receiver::start().await;
    let webhook = create(&server, &receiver.url).await;
    let rotate = || server.admin_request(Method::POST, &format!("{}/rotate-secret", path(&webhook))).header("idempotency-key", "once");
    let rotated = send(rotate()).await;
    let fresh = rotated.expect(201);
    assert_eq!(fresh, json!({"id": webhook["id"], "signing_secret": fresh["signing_secret"]}));
    assert_ne!(fresh["signing_secret"], webhook["signing_secret"]);
    let again = send(rotate()).await;
    assert_eq!((&again.body, again.header("idempotent-replay")), (&rotated.body, Some("true")));
    send(rotate().json(&json!({"other": 1}))).await.refused(409, "idempotency_key_reuse");
    send(rotate().header("content-type", "application/json").body("{")).await.refused(400, "malformed_json");
    let test = format!("{}/test", path(&webhook));
    server.admin_post(&test, json!({"event": "entry.created"})).await.expect(202);
    let request = receiver.wait_for(1).await.remove(0);
    assert_eq!(request.headers["webhook-signature"].split(' ').count(), 2);
    assert!(verifies(&request, &webhook["signing_secret"]) && verifies(&request, &fresh["signing_secret"]));
    server.clock.advance(Duration::hours(24));
    server.admin_post(&test, json!({"event": "entry.created"})).await.expect(202);
    let request = receiver.wait_for(2).await.remove(1);
    assert!(!verifies(&request, &webhook["signing_secret"]) && verifies(&request, &fresh["signing_secret"]));
}

#[apply(on_both_stores)]
async fn a_secret_is_replayed_with_the_request_that_made_it(kind: Kind) {
    let server = TestServer::start(kind).await;
    let body = json!({"url": "http://127.0.0.1:9/", "events": ALL});
    let ask = || server.admin_request(Method::POST, "/webhooks").header("idempotency-key", "once").json(&body);
    let (first, again) = (send(ask()).await, send(ask()).await);
    assert_eq!((&first.body, again.header("idempotent-replay")), (&again.body, Some("true")));
    assert_eq!(server.admin_get("/webhooks").await.expect(200)["data"].as_array().unwrap().len(), 1);
    // The store contains no readable secret.
    let secret = first.json()["signing_secret"].as_str().unwrap().to_owned();
    let id = WebhookId::parse(first.json()["id"].as_str().unwrap()).unwrap();
    let (stored, secrets) = server.ports.webhooks.secrets().await.unwrap().remove(0);
    assert_eq!(stored, id);
    assert!(!String::from_utf8_lossy(secrets.current.as_bytes()).contains(&secret));
}

#[apply(on_both_stores)]
async fn secrets_outlive_a_change_of_the_encryption_key(kind: Kind) {
    let server = TestServer::start(kind).await;
    let webhook = create(&server, "http://127.0.0.1:9/").await;
    let (id, sealed) = server.ports.webhooks.secrets().await.unwrap().remove(0);
    let (old, key) = (server.webhook_sealer(), [7; 32]);
    let plain = rally_api::webhook_secret::open(&old, id, &sealed).unwrap();
    let without = rally_api::encryption::Sealer::new(key, None);
    assert!(rally_api::webhook_secret::open(&without, id, &sealed).is_err());
    let both = server.webhook_sealer_after(key);
    let anew = rally_api::webhook_secret::reseal(&both, id, &sealed).unwrap().unwrap();
    assert!(server.ports.webhooks.reseal(id, sealed, anew.clone()).await.unwrap());
    assert_eq!(rally_api::webhook_secret::open(&without, id, &anew).unwrap(), plain);
    assert_eq!(rally_api::webhook_secret::reseal(&both, id, &anew).unwrap(), None);
    assert_eq!(webhook["id"], id.to_string());
}

#[apply(on_both_stores)]
async fn a_test_is_sent_like_a_real_event(kind: Kind) {
    let server = TestServer::start(kind).await;
    let receiver = Receiver::start().await;
    let webhook = server.admin_post("/webhooks", json!({"url": receiver.url, "events": ["entry.created"]})).await.expect(201);
    let list = server.active_list("early", json!({})).await;
    let test = format!("{}/test", path(&webhook));
    let body = json!({"event": "entry.rejected", "waitlist_id": list});
    let event = server.admin_post(&test, body).await.expect(202)["event_id"].clone();
    let request = receiver.wait_for(1).await.remove(0);
    let told = request.json();
    assert_eq!((request.id(), &told["type"], &told["test"]), (event.as_str().unwrap(), &json!("entry.rejected"), &json!(true)));
    assert_eq!(told["data"]["waitlist"], json!({"id": list, "slug": "early", "display_name": "List early"}));
    assert!(verifies(&request, &webhook["signing_secret"]));
    server.admin_post(&test, json!({"event": "entry.created"})).await.expect(202);
    assert_eq!(receiver.wait_for(2).await[1].json()["data"]["waitlist"]["id"], "00000000-0000-0000-0000-000000000000");
    let nowhere = json!({"event": "entry.created", "waitlist_id": "00000000-0000-7000-8000-000000000000"});
    server.admin_post(&test, nowhere).await.refused(404, "waitlist_not_found");
    server.admin_patch(&path(&webhook), json!({"active": false})).await.expect(200);
    server.admin_post(&test, json!({"event": "entry.created"})).await.refused(409, "webhook_disabled");
}

#[apply(on_both_stores)]
async fn what_fails_is_tried_again_under_the_same_id(kind: Kind) {
    let server = TestServer::start(kind).await;
    let receiver = Receiver::start().await;
    receiver.answer(503, "retry-after: 60\r\n");
    server.active_list("early", json!({})).await;
    let webhook = create(&server, &receiver.url).await;
    server.join("early", "ada@example.com").await;
    attempts(&server, &webhook, 1).await;
    let failing = server.admin_get(&path(&webhook)).await.expect(200);
    assert_eq!((&failing["failure_count"], &failing["last_status_code"]), (&json!(1), &json!(503)));
    assert_eq!(failing["first_failure_at"], rally_tests::NOW);
    // Not before the time that the receiver asked for.
    server.clock.advance(Duration::seconds(59));
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(receiver.received().len(), 1);
    receiver.answer(204, "");
    server.clock.advance(Duration::seconds(1));
    let requests = receiver.wait_for(2).await;
    assert_eq!((requests[0].id(), &requests[0].body), (requests[1].id(), &requests[1].body));
    assert_ne!(requests[0].headers["webhook-timestamp"], requests[1].headers["webhook-timestamp"]);
    let rows = attempts(&server, &webhook, 2).await;
    assert_eq!((&rows[0]["attempt_number"], &rows[0]["status_code"], &rows[1]["status_code"]), (&json!(2), &json!(204), &json!(503)));
    let healed = server.admin_get(&path(&webhook)).await.expect(200);
    assert_eq!((&healed["failure_count"], &healed["first_failure_at"]), (&json!(0), &Value::Null));
}

#[apply(on_both_stores)]
async fn a_redirect_is_a_failure_and_not_followed(kind: Kind) {
    let server = TestServer::start(kind).await;
    let (receiver, trap) = (Receiver::start().await, Receiver::start().await);
    receiver.answer(307, &format!("location: {}\r\n", trap.url));
    server.active_list("early", json!({})).await;
    let webhook = create(&server, &receiver.url).await;
    server.join("early", "ada@example.com").await;
    assert_eq!(attempts(&server, &webhook, 1).await[0]["status_code"], 307);
    assert_eq!(server.admin_get(&path(&webhook)).await.expect(200)["failure_count"], 1);
    assert!(trap.received().is_empty());
}

#[apply(on_both_stores)]
async fn a_receiver_that_is_gone_gets_only_what_happens_after_it_is_enabled_again(kind: Kind) {
    let server = TestServer::start(kind).await;
    let receiver = Receiver::start().await;
    receiver.answer(503, "");
    server.active_list("early", json!({})).await;
    let webhook = create(&server, &receiver.url).await;
    server.join("early", "ada@example.com").await;
    assert_eq!(attempts(&server, &webhook, 1).await[0]["status_code"], 503);
    receiver.answer(410, "");
    server.join("early", "bob@example.com").await;
    attempts(&server, &webhook, 2).await;
    let gone = server.admin_get(&path(&webhook)).await.expect(200);
    assert_eq!((&gone["active"], &gone["auto_disabled_at"], &gone["failure_count"]), (&json!(false), &json!(rally_tests::NOW), &json!(2)));
    receiver.answer(200, "");
    server.join("early", "eve@example.com").await;
    let on = server.admin_patch(&path(&webhook), json!({"active": true})).await.expect(200);
    assert_eq!((&on["failure_count"], &on["auto_disabled_at"], &on["first_failure_at"]), (&json!(0), &Value::Null, &Value::Null));
    // Neither events of the time while it was disabled, nor those that waited for a retry.
    server.clock.advance(Duration::days(1));
    let dan = server.join("early", "dan@example.com").await;
    let last = receiver.wait_for(3).await.remove(2);
    assert_eq!(last.json()["data"]["entry"]["id"], dan["id"]);
}

#[apply(on_both_stores)]
async fn a_receiver_that_hangs_delays_no_other(kind: Kind) {
    let server = TestServer::start(kind).await;
    let (url, hanging) = misbehave(Misbehaviour::Hang).await;
    let receiver = Receiver::start().await;
    server.active_list("early", json!({})).await;
    create(&server, &url).await;
    create(&server, &receiver.url).await;
    for n in 0..30 {
        server.join("early", &format!("p{n}@example.com")).await;
    }
    // Long before the time-out of the first attempt at the other one, which is 15 seconds.
    let arrived = tokio::time::timeout(std::time::Duration::from_secs(5), receiver.wait_for(30)).await.expect("it is not delayed");
    let ids: HashSet<String> = arrived.iter().map(|request| request.id().to_owned()).collect();
    assert_eq!(ids.len(), 30);
    hanging.abort();
}

/// A webhook whose receiver is slow, and sixty events for it. Several are being sent at once, and more wait.
async fn busy(server: &TestServer) -> (Receiver, Value) {
    let receiver = Receiver::start().await;
    receiver.take(std::time::Duration::from_millis(150));
    server.active_list("early", json!({})).await;
    let webhook = create(server, &receiver.url).await;
    join_all((0..60).map(|n| async move { server.join("early", &format!("p{n}@example.com")).await })).await;
    receiver.wait_for(10).await;
    assert!(server.ports.deliveries.depth().await.unwrap().pending > 20, "nothing waits");
    (receiver, webhook)
}

#[apply(on_both_stores)]
async fn requests_that_wait_are_signed_with_a_rotated_secret_too(kind: Kind) {
    let server = TestServer::start(kind).await;
    let (receiver, webhook) = busy(&server).await;
    let rotated = server.admin_post(&format!("{}/rotate-secret", path(&webhook)), json!({})).await.expect(201);
    let begun = receiver.settled().await;
    receiver.wait_for(begun + 5).await;
    for request in &receiver.received()[begun..] {
        assert!(verifies(request, &webhook["signing_secret"]) && verifies(request, &rotated["signing_secret"]), "with both secrets");
    }
}

#[apply(on_both_stores)]
async fn requests_that_wait_go_to_a_changed_address(kind: Kind) {
    let server = TestServer::start(kind).await;
    let (receiver, webhook) = busy(&server).await;
    let other = Receiver::start().await;
    server.admin_patch(&path(&webhook), json!({"url": other.url})).await.expect(200);
    let begun = receiver.settled().await;
    other.wait_for(5).await;
    assert_eq!(receiver.received().len(), begun, "nothing goes to the old address");
}

#[apply(on_both_stores)]
async fn requests_that_wait_for_a_disabled_webhook_are_never_sent(kind: Kind) {
    let server = TestServer::start(kind).await;
    let (receiver, webhook) = busy(&server).await;
    server.admin_patch(&path(&webhook), json!({"active": false})).await.expect(200);
    let begun = receiver.settled().await;
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert_eq!(receiver.received().len(), begun, "nothing goes out any more");
    server.admin_patch(&path(&webhook), json!({"active": true})).await.expect(200);
    let after = server.join("early", "after@example.com").await;
    let told = receiver.wait_for(begun + 1).await;
    assert_eq!((told.len(), &told[begun].json()["data"]["entry"]["id"]), (begun + 1, &after["id"]), "what was held stays so");
}

#[apply(on_both_stores)]
async fn nothing_is_sent_of_a_deleted_list_or_entry(kind: Kind) {
    let server = TestServer::start(kind).await;
    let receiver = Receiver::start().await;
    receiver.take(std::time::Duration::from_millis(150));
    let doomed = server.active_list("doomed", json!({})).await;
    let list = server.active_list("early", json!({})).await;
    create(&server, &receiver.url).await;
    let mut erased = Vec::new();
    for n in 0..30 {
        let entry = server.join("early", &format!("p{n}@example.com")).await;
        server.join("doomed", &format!("p{n}@example.com")).await;
        erased.push(entry["id"].as_str().unwrap().to_owned());
    }
    receiver.wait_for(4).await;
    server.admin_delete(&format!("/waitlists/{doomed}")).await.expect(204);
    for id in &erased[15..] {
        server.admin_delete(&format!("/waitlists/{list}/entries/{id}")).await.expect(204);
    }
    let begun = receiver.settled().await;
    eventually(|| async { Some(()).filter(|()| receiver.received().iter().any(|told| told.body.contains(&erased[14]))) }).await;
    for request in &receiver.received()[begun..] {
        let told = request.json();
        assert_eq!(told["data"]["waitlist"]["slug"], "early", "nothing is told of a deleted list");
        assert!(!erased[15..].iter().any(|id| told["data"]["entry"]["id"] == **id), "nor of a deleted entry");
    }
}

#[apply(on_both_stores)]
async fn nothing_is_sent_to_a_deleted_webhook(kind: Kind) {
    let server = TestServer::start(kind).await;
    let (receiver, webhook) = busy(&server).await;
    server.admin_delete(&path(&webhook)).await.expect(204);
    let begun = receiver.settled().await;
    server.join("early", "after@example.com").await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(receiver.received().len(), begun);
}

#[apply(on_both_stores)]
async fn two_servers_deliver_every_event_once(kind: Kind) {
    let server = TestServer::start(kind).await;
    let receiver = Receiver::start().await;
    let (_second, other) = server.second().await;
    server.active_list("early", json!({})).await;
    create(&server, &receiver.url).await;
    let client = reqwest::Client::new();
    for n in 0..60 {
        let base = if n % 2 == 0 { &server.base } else { &other };
        let body = json!({"email": format!("p{n}@example.com"), "name": "Somebody"});
        send(client.post(format!("{base}/v1/waitlists/acme/early/entries")).json(&body)).await.expect(201);
    }
    receiver.wait_for(60).await;
    // Until no delivery waits, so that a second one would have been seen.
    eventually(|| async { Some(server.ports.deliveries.depth().await.unwrap()).filter(|depth| depth.pending == 0) }).await;
    let ids: Vec<String> = receiver.received().iter().map(|request| request.id().to_owned()).collect();
    assert_eq!((ids.len(), ids.iter().collect::<HashSet<_>>().len()), (60, 60));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_receiver_does_is_an_attempt_of_bounded_time_and_size() {
    let server = TestServer::start_with(Kind::Sqlite, |settings| rally_api::boot::config::Settings {
        webhook_timeout: Some("2s".to_owned()),
        ..settings
    })
    .await;
    server.active_list("early", json!({})).await;
    let nobody = rally_pgtest::Port::take();
    let mut cases = vec![(format!("http://127.0.0.1:{}/", nobody.number()), Value::Null, json!("the connection was refused"))];
    cases.push(("https://none.invalid/".to_owned(), Value::Null, json!("the name has no address")));
    // The authority of its certificate is its own.
    let smtp = FakeSmtp::start(SmtpOptions { tls: SmtpTls::Implicit, ..SmtpOptions::default() }).await;
    cases.push((format!("https://{}/", smtp.address), Value::Null, json!("the certificate is not trusted")));
    // It speaks no TLS and waits for more of a request; there is no way back to a connection without.
    let plain = Receiver::start().await;
    cases.push((plain.url.replace("http://", "https://"), Value::Null, json!("timed out")));
    let mut tasks = Vec::new();
    for (how, status, error) in [
        (Misbehaviour::Reset, Value::Null, json!("the connection broke off")),
        (Misbehaviour::Hang, Value::Null, json!("timed out")),
        (Misbehaviour::Garbage, Value::Null, json!("the connection broke off")),
        (Misbehaviour::Drip, json!(200), json!("timed out")),
        (Misbehaviour::Flood, json!(200), Value::Null),
        (Misbehaviour::BreakOff, json!(200), json!("the answer broke off")),
    ] {
        let (url, task) = misbehave(how).await;
        cases.push((url, status, error));
        tasks.push(task);
    }
    let mut webhooks = Vec::new();
    for (url, _, _) in &cases {
        webhooks.push(create(&server, url).await);
    }
    server.join("early", "ada@example.com").await;
    for (webhook, (url, status, error)) in webhooks.iter().zip(&cases) {
        let row = attempts(&server, webhook, 1).await.remove(0);
        assert_eq!((&row["status_code"], &row["error_message"]), (status, error), "{url}: {row}");
        assert!(row["response_body"].as_str().unwrap_or_default().len() <= 1024);
        assert!(row["latency_ms"].as_i64().unwrap() < 10_000, "{row}");
    }
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

/// Five hundred webhooks of other workspaces, with several events each, from before their first time-outs until long after.
#[apply(on_both_stores)]
async fn a_crowd_that_hangs_delays_no_other(kind: Kind) {
    const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(6);
    let settings = |settings| rally_api::boot::config::Settings { webhook_timeout: Some("6s".to_owned()), ..settings };
    let server = TestServer::start_with(kind, settings).await;
    let (url, hanging) = misbehave(Misbehaviour::Hang).await;
    let url = rally_domain::webhook::WebhookUrl::parse(&url).unwrap();
    let ports = &server.ports;
    for n in 0..10 {
        let home = rally_contracts::samples::workspace(ports, &format!("crowd-{n}")).await;
        let list = rally_contracts::samples::active_list_in(ports, home.id, "list", json!({})).await;
        for _ in 0..50 {
            let command = rally_contracts::webhooks::create_webhook(ports, home.id, &rally_domain::event::EventKind::ALL);
            let (secret, _) = rally_api::webhook_secret::issue(&server.webhook_sealer(), command.id);
            ports.webhooks.create(rally_domain::command::CreateWebhook { url: url.clone(), secret, ..command }, None).await.unwrap();
        }
        for m in 0..6 {
            ports.entries.sign_up(rally_contracts::samples::sign_up(ports, &list, &format!("p{m}@example.com"))).await.unwrap();
        }
    }
    let receiver = Receiver::start().await;
    server.active_list("early", json!({})).await;
    create(&server, &receiver.url).await;
    let begun = std::time::Instant::now();
    let (mut number, mut longest) = (0, std::time::Duration::ZERO);
    // The clock of the schedule stands still: what failed is due again at once, as often as there are attempts.
    while begun.elapsed() < TIMEOUT * 3 {
        server.clock.advance(Duration::hours(11));
        server.join("early", &format!("p{number}@example.com")).await;
        number += 1;
        let answered = std::time::Instant::now();
        receiver.wait_for(number).await;
        longest = longest.max(answered.elapsed());
    }
    // A delay by those that hang would be one by their time-out. A machine that is busy with other tests takes a second or two.
    assert!(longest < TIMEOUT * 2 / 3, "{longest:?}");
    assert!(number > 20, "{number}");
    hanging.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_arrives_though_the_database_cuts_every_connection() {
    let server = TestServer::start(Kind::Postgres).await;
    let receiver = Receiver::start().await;
    server.active_list("early", json!({})).await;
    create(&server, &receiver.url).await;
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for n in 0..30 {
        // A sign-up that was cut off is repeated, as its client would. If it is not new, it was stored.
        let body = json!({"email": format!("p{n}@example.com"), "name": "Somebody"});
        eventually(|| async {
            Some(server.sign_up("early", body.clone()).await.status).filter(|status| matches!(status.as_u16(), 201 | 409))
        })
        .await;
        if n % 3 == 0 {
            rally_pgtest::execute(server.database_url().unwrap(), cut).await;
        }
    }
    eventually(|| async {
        let told: HashSet<String> = receiver.received().iter().map(|request| request.id().to_owned()).collect();
        Some(()).filter(|()| told.len() == 30)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_exemption_nothing_private_is_reached() {
    let server =
        TestServer::start_with(Kind::Sqlite, |settings| rally_api::boot::config::Settings { webhook_allow: None, ..settings }).await;
    let receiver = Receiver::start().await;
    let body = |url: &str| json!({"url": url, "events": ALL});
    assert_eq!(server.admin_post("/webhooks", body(&receiver.url)).await.bad_fields(), ["url"]);
    // A webhook that was allowed once is stopped when it is sent to.
    let command = rally_contracts::webhooks::create_webhook(&server.ports, server.workspace.id, &rally_domain::event::EventKind::ALL);
    let url = rally_domain::webhook::WebhookUrl::parse(&receiver.url.replace("http://", "https://")).unwrap();
    let sealer = server.webhook_sealer();
    let (secret, _) = rally_api::webhook_secret::issue(&sealer, command.id);
    let webhook = server.ports.webhooks.create(rally_domain::command::CreateWebhook { url, secret, ..command }, None).await.unwrap();
    server.active_list("early", json!({})).await;
    server.join("early", "ada@example.com").await;
    let row = attempts(&server, &json!({"id": webhook.id.to_string()}), 1).await.remove(0);
    assert_eq!((&row["status_code"], &row["error_message"]), (&Value::Null, &json!("the address is not public")));
    assert!(receiver.received().is_empty());
}
