//! Operational routes and documentation.

use futures_util::future::join_all;
use rally_api::boot::config::Settings;
use rally_tests::receiver::eventually;
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
        "rally_store_up 1",
    ] {
        assert!(reply.body.contains(line), "{line} is missing in {}", reply.body);
    }
    assert!(!reply.body.contains("ada@"));
}

/// A scrape does not wait for a database that hangs. What it cannot tell is no number, because the last one may be wrong by now.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn measurements_come_while_the_store_hangs() {
    let server = TestServer::start(Kind::Postgres).await;
    let scrape = async || server.get("/metrics").await.body;
    assert!(scrape().await.contains("rally_deliveries_pending 0\n"));
    let url = server.database_url().unwrap().to_owned();
    let hold = "BEGIN; LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(15)";
    let holding = tokio::spawn(async move { rally_pgtest::execute(&url, hold).await });
    let without = eventually(|| async { Some(scrape().await).filter(|body| body.contains("rally_store_up 0\n")) }).await;
    assert!(!holding.is_finished(), "the scrape waited for the store");
    for line in ["rally_deliveries_pending NaN\n", "rally_deliveries_oldest_due_seconds NaN\n", "rally_mails_pending 0\n"] {
        assert!(without.contains(line), "{line} is missing in {without}");
    }
    holding.abort();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK%' AND datname = current_database()";
    rally_pgtest::execute(server.database_url().unwrap(), end).await;
    eventually(|| async { Some(scrape().await).filter(|body| body.contains("rally_store_up 1\n")) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_keeps_to_its_connections() {
    let few = |settings| Settings { database_connections: Some("2".to_owned()), ..settings };
    let server = TestServer::start_with(Kind::Postgres, few).await;
    server.active_list("early", json!({})).await;
    let joined = join_all((0..64).map(|n| {
        let (server, email) = (&server, format!("p{n}@example.com"));
        async move {
            server.join("early", &email).await;
            server.get("/v1/waitlists/acme/early/leaderboard").await.expect(200);
        }
    }));
    joined.await;
    assert!(server.get("/metrics").await.body.contains("rally_store_connections_max 2\n"));
    // Connections stay open, so these are the most there were.
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let check = format!("DO $$ BEGIN ASSERT ({others}) BETWEEN 1 AND 2, 'too many connections'; END $$");
    rally_pgtest::execute(server.database_url().unwrap(), &check).await;
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
