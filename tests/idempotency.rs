//! The header `Idempotency-Key`.

use futures_util::future::join_all;
use rally_tests::{Kind, Reply, TestServer, on_both_stores, send};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};

async fn create(server: &TestServer, key: &str, body: &Value) -> Reply {
    send(server.admin_request(Method::POST, "/waitlists").header("idempotency-key", key).json(body)).await
}

async fn lists(server: &TestServer) -> usize {
    server.admin_get("/waitlists").await.expect(200)["data"].as_array().unwrap().len()
}

fn body(slug: &str) -> Value {
    json!({"slug": slug, "display_name": "Early"})
}

#[apply(on_both_stores)]
async fn a_repeated_request_is_answered_as_the_first_one(kind: Kind) {
    let server = TestServer::start(kind).await;
    let first = create(&server, "a:key-1_", &body("early")).await;
    first.expect(201);
    assert_eq!(first.header("idempotent-replay"), None);
    server.clock.advance(time::Duration::hours(23));
    let path = format!("/v1/workspaces/{}/waitlists", server.workspace.id);
    // The same body in another spelling, by another admin, and by one without the scope.
    let request = |token: String| {
        let request = server.request(Method::POST, &path).bearer_auth(token).header("idempotency-key", "a:key-1_");
        request.header("content-type", "application/json").body("{\n \"display_name\": \"Early\", \"slug\":\"\\u0065arly\"}")
    };
    let again = send(request(server.token("waitlist.create"))).await;
    again.expect(201);
    assert_eq!((&again.body, again.header("idempotent-replay")), (&first.body, Some("true")));
    assert_eq!(again.header("content-type"), first.header("content-type"));
    send(request(server.token("waitlist.read"))).await.refused(403, "forbidden");
    // Even if the object that it made is deleted.
    let id = first.json()["id"].as_str().unwrap().to_owned();
    server.admin_delete(&format!("/waitlists/{id}")).await.expect(204);
    assert_eq!(create(&server, "a:key-1_", &body("early")).await.body, first.body);
    assert_eq!(lists(&server).await, 0);
    server.clock.advance(time::Duration::hours(1) + time::Duration::milliseconds(1));
    let anew = create(&server, "a:key-1_", &body("early")).await;
    assert_ne!(anew.expect(201)["id"], first.json()["id"]);
    assert_eq!(anew.header("idempotent-replay"), None);
}

#[apply(on_both_stores)]
async fn a_key_is_good_for_one_body_and_one_workspace(kind: Kind) {
    let server = TestServer::start(kind).await;
    create(&server, "key", &body("early")).await.expect(201);
    create(&server, "key", &body("other")).await.refused(409, "idempotency_key_reuse");
    create(&server, "key", &json!({})).await.refused(409, "idempotency_key_reuse");
    create(&server, "key-2", &body("early")).await.refused(409, "slug_taken");
    let beta = rally_contracts::samples::workspace(&server.ports, "beta").await.id;
    let token = rally_tests::token(&server, "*", "*");
    let foreign = server.request(Method::POST, &format!("/v1/workspaces/{beta}/waitlists")).bearer_auth(token);
    let reply = send(foreign.header("idempotency-key", "key").json(&body("early"))).await;
    assert_eq!((reply.expect(201)["workspace_id"].clone(), reply.header("idempotent-replay")), (json!(beta.to_string()), None));
}

#[apply(on_both_stores)]
async fn bodies_with_other_numbers_are_other_bodies(kind: Kind) {
    let server = TestServer::start(kind).await;
    let with = |text: &str| {
        let body = format!("{{\"slug\": \"early\", \"display_name\": \"Early\", \"settings\": {text}}}");
        let request = server.admin_request(Method::POST, "/waitlists").header("idempotency-key", "key");
        send(request.header("content-type", "application/json").body(body))
    };
    let first = with(r#"{"max_entries": 9007199254740992, "x": 0.1}"#).await;
    first.expect(201);
    with(r#"{"max_entries": 9007199254740993, "x": 0.1}"#).await.refused(409, "idempotency_key_reuse");
    with(r#"{"max_entries": 9007199254740992, "x": 0.10000000000000000001}"#).await.refused(409, "idempotency_key_reuse");
    let again = with(r#"{"x": 1e-1, "max_entries": 9007199254740992}"#).await;
    assert_eq!((&again.body, again.header("idempotent-replay")), (&first.body, Some("true")));
}

#[apply(on_both_stores)]
async fn a_failure_burns_no_key(kind: Kind) {
    let server = TestServer::start(kind).await;
    assert_eq!(create(&server, "key", &json!({"slug": "early"})).await.bad_fields(), ["display_name"]);
    create(&server, "key-2", &body("taken")).await.expect(201);
    create(&server, "key", &body("taken")).await.refused(409, "slug_taken");
    create(&server, "key", &body("early")).await.expect(201);
    assert_eq!(lists(&server).await, 2);
}

#[apply(on_both_stores)]
async fn a_bad_key_is_refused_before_anything_happens(kind: Kind) {
    let server = TestServer::start(kind).await;
    for bad in ["", "a b", "a/b", "ümlaut", &"x".repeat(257)] {
        assert_eq!(create(&server, bad, &body("early")).await.bad_fields(), ["Idempotency-Key"], "{bad}");
    }
    let twice = server.admin_request(Method::POST, "/waitlists").header("idempotency-key", "a").header("idempotency-key", "a");
    assert_eq!(send(twice.json(&body("early"))).await.bad_fields(), ["Idempotency-Key"]);
    assert_eq!(lists(&server).await, 0);
    create(&server, &"x".repeat(256), &body("early")).await.expect(201);
}

#[apply(on_both_stores)]
async fn sixteen_requests_with_one_key_make_one_thing(kind: Kind) {
    let server = TestServer::start(kind).await;
    let (_second, other) = server.second().await;
    let client = reqwest::Client::new();
    let path = format!("/v1/workspaces/{}/waitlists", server.workspace.id);
    let replies = join_all((0..16).map(|n| {
        let base = if n % 2 == 0 { &server.base } else { &other };
        let request = client.post(format!("{base}{path}")).bearer_auth(server.token("*"));
        send(request.header("idempotency-key", "key").json(&body("early")))
    }))
    .await;
    let (made, told): (Vec<&Reply>, Vec<&Reply>) = replies.iter().partition(|reply| reply.status == 201);
    assert_eq!(made.iter().filter(|reply| reply.header("idempotent-replay").is_none()).count(), 1);
    assert!(made.iter().all(|reply| reply.body == made[0].body));
    told.iter().for_each(|reply| drop(reply.refused(409, "idempotency_in_progress")));
    assert_eq!(lists(&server).await, 1);
    assert_eq!(create(&server, "key", &body("early")).await.body, made[0].body);
}
