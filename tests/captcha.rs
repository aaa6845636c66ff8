//! Sign-ups on lists with a captcha.

use rally_fakes::http::{Misbehaviour, PRIVATE};
use rally_tests::upstreams::KEY;
use rally_tests::{Kind, on_both_stores, upstreams};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};

fn person(email: &str, token: Value) -> Value {
    json!({"email": email, "name": "Ada", "recaptcha_token": token})
}

#[apply(on_both_stores)]
async fn a_token_is_good_once_and_nothing_is_stored_without_one(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    server.active_list("early", json!({"recaptcha_site_key": "site"})).await;
    for bad in [Value::Null, json!(""), json!("unknown"), json!("robot"), json!("x".repeat(20_000))] {
        let reply = server.sign_up("early", person("ada@example.com", bad.clone())).await;
        reply.refused(400, "captcha_failed");
    }
    server.sign_up("early", json!({"email": "ada@example.com", "name": "Ada"})).await.refused(400, "captcha_failed");
    assert_eq!(server.sign_up("early", person("ada@example.com", json!(7))).await.bad_fields(), ["recaptcha_token"]);
    assert_eq!(server.sign_up("early", person("ada@example.com", json!("human"))).await.expect(201)["position"], 1);
    server.sign_up("early", person("bob@example.com", json!("human"))).await.refused(400, "captcha_failed");
    assert_eq!(server.sign_up("early", person("bob@example.com", json!("scoreless"))).await.expect(201)["position"], 2);
    // The verifier gets the address of the client.
    let asked = world.captcha.requests();
    assert!(!asked.is_empty() && asked.iter().all(|request| request.body.contains("remoteip=127.0.0.1")), "{asked:?}");
}

#[apply(on_both_stores)]
async fn a_list_that_wants_none_asks_nobody(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    server.active_list("early", json!({})).await;
    server.sign_up("early", person("ada@example.com", json!("unknown"))).await.expect(201);
    server.active_list("closed", json!({"recaptcha_site_key": "site"})).await;
    // A token is not used up if no sign-up is possible.
    let id = server.active_list("paused", json!({"recaptcha_site_key": "site"})).await;
    server.set_status(&id, "paused").await;
    server.sign_up("paused", person("ada@example.com", json!("human"))).await.refused(422, "waitlist_not_active");
    assert!(world.captcha.requests().is_empty());
}

#[apply(on_both_stores)]
async fn a_verifier_in_trouble_stores_nothing_and_says_so(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    let list = server.active_list("early", json!({"recaptcha_site_key": "site"})).await;
    for how in Misbehaviour::QUICK.into_iter().chain([Misbehaviour::Status(401), Misbehaviour::TooMany(60)]) {
        world.captcha.misbehave(Some(how));
        let reply = server.sign_up("early", person("ada@example.com", json!("human"))).await;
        reply.refused(503, "service_unavailable");
        assert!(reply.header("retry-after").is_some() && !reply.body.contains(PRIVATE) && !reply.body.contains(KEY), "{reply:?}");
    }
    world.captcha.misbehave(None);
    for reason in ["trouble", "wrong-secret", "no-secret", "bad-request"] {
        server.sign_up("early", person("ada@example.com", json!(reason))).await.refused(503, "service_unavailable");
    }
    server.sign_up("early", person("ada@example.com", json!("expired"))).await.refused(400, "captcha_failed");
    world.captcha.state().secret = "another".to_owned();
    server.sign_up("early", person("ada@example.com", json!("human"))).await.refused(503, "service_unavailable");
    world.captcha.state().secret = KEY.to_owned();
    assert_eq!(server.admin_get(&format!("/waitlists/{list}/entries/count")).await.expect(200)["count"], 0);
    server.sign_up("early", person("ada@example.com", json!("human"))).await.expect(201);
}
