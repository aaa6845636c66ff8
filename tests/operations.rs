//! Operational routes and documentation.

use rally_tests::{Kind, TestServer, on_both_stores};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::json;

#[apply(on_both_stores)]
async fn probes_answer(kind: Kind) {
    let server = TestServer::start(kind).await;
    assert_eq!(server.get("/healthz").await.expect(200), json!({"status": "ok"}));
    assert_eq!(server.get("/readyz").await.expect(200), json!({"status": "ok"}));
}

#[apply(on_both_stores)]
async fn measurements_count_what_happened(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    server.join("early", "ada@example.com").await;
    server.sign_up("early", json!({"email": "ada@example.com", "name": "Ada"})).await.refused(409, "email_taken");
    let reply = server.get("/metrics").await;
    assert!(reply.header("content-type").unwrap().starts_with("text/plain"));
    for line in [
        "rally_signups_total{outcome=\"created\"}",
        "rally_signups_total{outcome=\"email_taken\"}",
        "rally_http_requests_total{method=\"POST\",route=\"/v1/waitlists/{workspace_slug}/{waitlist_slug}/entries\",status=\"201\"}",
        "rally_http_request_duration_seconds_bucket{",
        "rally_store_connections_max",
        "rally_deliveries_pending",
        "rally_mails_kept_back 0",
    ] {
        assert!(reply.body.contains(line), "{line} is missing in {}", reply.body);
    }
    assert!(!reply.body.contains("ada@"));
}

#[apply(on_both_stores)]
async fn the_documentation_needs_no_network(kind: Kind) {
    let server = TestServer::start(kind).await;
    let document = server.get("/docs-json").await.expect(200);
    assert_eq!(server.get("/openapi.json").await.expect(200), document);
    assert_eq!(document["info"]["title"], "Rally");
    // The client follows the redirect to /docs/.
    let page = server.get("/docs").await;
    assert_eq!(page.status, 200);
    // Who takes no compressed page gets it as it is, and no other page may frame it.
    assert!(page.body.contains("swagger-ui"), "{}", page.body);
    assert!(page.header("content-security-policy").is_some_and(|policy| policy.contains("frame-ancestors 'none'")));
    for file in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js", "index.html"] {
        let plain = server.client.get(format!("{}/docs/{file}", server.base)).send().await.unwrap();
        assert_eq!((plain.status().as_u16(), plain.headers().get("content-encoding")), (200, None), "{file}");
        let packed = server.client.get(format!("{}/docs/{file}", server.base)).header("accept-encoding", "gzip").send().await.unwrap();
        let is_packed = packed.headers().get("content-encoding").is_some();
        let (plain, packed) = (plain.bytes().await.unwrap(), packed.bytes().await.unwrap());
        assert!(is_packed == (file != "swagger-initializer.js") && (!is_packed || packed.len() < plain.len()), "{file}");
    }
    server.get("/docs/none").await.refused(404, "not_found");
}
