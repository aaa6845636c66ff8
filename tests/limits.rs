//! Rate limits, also behind proxies.

use rally_tests::{Kind, Reply, TestServer, on_both_stores, send};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::json;
use time::Duration;

async fn limited(kind: Kind) -> TestServer {
    let some = |text: &str| Some(text.to_owned());
    let change = |settings| rally_api::boot::config::Settings {
        signup_rate: "3/1m".to_owned(),
        admin_rate: some("20/1s"),
        trusted_proxies: some("127.0.0.1"),
        ..settings
    };
    TestServer::start_with(kind, change).await
}

/// A sign-up that comes through a proxy.
async fn from(server: &TestServer, address: &str, list: &str, email: &str) -> Reply {
    let request = server.request(Method::POST, &format!("/v1/waitlists/acme/{list}/entries")).header("x-forwarded-for", address);
    let request = request.header("origin", "https://shop.example");
    send(request.json(&json!({"email": email, "name": "Somebody"}))).await
}

#[apply(on_both_stores)]
async fn a_crowd_from_one_address_is_slowed_down_and_told_when_to_come_back(kind: Kind) {
    let server = limited(kind).await;
    server.active_list("early", json!({})).await;
    for n in 0..3 {
        let reply = from(&server, "198.51.100.1", "early", &format!("p{n}@example.com")).await;
        reply.expect(201);
        assert_eq!(reply.header("ratelimit-policy"), Some("\"address\";q=3;w=60"));
        // A limit of the address that was typed would say whether somebody has just tried it.
        assert_eq!(reply.header("ratelimit").unwrap(), format!("\"address\";r={};t={}", 2 - n, 20 * (n + 1)));
    }
    // The limit counts invalid sign-ups too.
    let refused = from(&server, "198.51.100.1", "early", "nobody").await;
    refused.refused(429, "too_many_requests");
    assert_eq!(refused.header("retry-after"), Some("20"));
    assert_eq!(refused.header("ratelimit"), Some("\"address\";r=0;t=20"));
    assert_eq!(refused.header("ratelimit-policy"), Some("\"address\";q=3;w=60"));
    // The page that sent the request may read that header.
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    server.clock.advance(Duration::seconds(20));
    from(&server, "198.51.100.1", "early", "p3@example.com").await.expect(201);
    from(&server, "198.51.100.1", "early", "p4@example.com").await.refused(429, "too_many_requests");
    let metrics = server.get("/metrics").await.body;
    assert!(metrics.contains("rally_limited_total{limit=\"address\"}"), "{metrics}");
}

#[apply(on_both_stores)]
async fn a_limit_is_that_of_one_address_on_one_list(kind: Kind) {
    let server = limited(kind).await;
    server.active_list("early", json!({})).await;
    server.active_list("other", json!({})).await;
    for n in 0..3 {
        from(&server, "198.51.100.1", "early", &format!("p{n}@example.com")).await.expect(201);
    }
    // The client's own header changes nothing. Another address and another list have their own limit.
    from(&server, "203.0.113.7, 198.51.100.1", "early", "q1@example.com").await.refused(429, "too_many_requests");
    from(&server, "198.51.100.2", "early", "q2@example.com").await.expect(201);
    from(&server, "198.51.100.1", "other", "q3@example.com").await.expect(201);
}

#[apply(on_both_stores)]
async fn an_ipv6_client_is_its_network(kind: Kind) {
    let server = limited(kind).await;
    server.active_list("early", json!({})).await;
    for n in 0..3 {
        from(&server, &format!("2001:db8:0:1::{n}"), "early", &format!("v{n}@example.com")).await.expect(201);
    }
    from(&server, "[2001:db8:0:1:ffff::1]:4711", "early", "v4@example.com").await.refused(429, "too_many_requests");
    from(&server, "2001:db8:0:2::1", "early", "v4@example.com").await.expect(201);
}

#[apply(on_both_stores)]
async fn one_e_mail_address_is_tried_five_times_an_hour(kind: Kind) {
    let server = limited(kind).await;
    server.active_list("early", json!({})).await;
    for n in 0..5 {
        let reply = from(&server, &format!("198.51.100.{n}"), "early", "Ada@Example.com").await;
        assert_eq!(reply.status, if n == 0 { 201 } else { 409 });
    }
    let refused = from(&server, "198.51.100.9", "early", "ada@EXAMPLE.com").await;
    refused.refused(429, "too_many_requests");
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit")), (Some("720"), Some("\"email\";r=0;t=720")));
    server.clock.advance(Duration::minutes(12));
    from(&server, "198.51.100.9", "early", "ada@example.com").await.refused(409, "email_taken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_token_has_a_limit_of_its_own() {
    let server = limited(Kind::Sqlite).await;
    let (mine, other) = (server.token("*"), server.token("waitlist.read"));
    let get =
        |token: &str| send(server.request(Method::GET, &format!("/v1/workspaces/{}/waitlists", server.workspace.id)).bearer_auth(token));
    for _ in 0..20 {
        get(&mine).await.expect(200);
    }
    let refused = get(&mine).await;
    refused.refused(429, "too_many_requests");
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit-policy")), (Some("1"), Some("\"token\";q=20;w=1")));
    get(&other).await.expect(200);
    // A request without a valid token has no token to limit.
    get("nonsense").await.refused(401, "unauthorized");
    server.clock.advance(Duration::seconds(1));
    get(&mine).await.expect(200);
}

/// The defaults: thirty a minute, and an untrusted peer counts only as itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_no_proxy_cannot_choose_an_address() {
    let change = |settings| rally_api::boot::config::Settings { signup_rate: String::new(), ..settings };
    let server = TestServer::start_with(Kind::Sqlite, change).await;
    server.active_list("early", json!({})).await;
    for n in 0..30 {
        from(&server, &format!("198.51.100.{n}"), "early", &format!("p{n}@example.com")).await.expect(201);
    }
    from(&server, "198.51.100.99", "early", "late@example.com").await.refused(429, "too_many_requests");
}
