//! The public surface: info, sign-up, leaderboard.

use futures_util::future::join_all;
use rally_contracts::samples;
use rally_domain::command::RenameWorkspace;
use rally_domain::id::EntryId;
use rally_tests::{Kind, Reply, TestServer, on_both_stores, send};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};

#[apply(on_both_stores)]
async fn a_reader_sees_what_is_public_of_an_active_list(kind: Kind) {
    let server = TestServer::start(kind).await;
    server
        .active_list(
            "early",
            json!({
                "confirmation_message": "Thanks!", "custom_fields": [{"key": "company", "required": true}],
                "referral_rewards": {"milestones": [{"count": 10, "reward": "mug"}, {"count": 3, "reward": "shirt"}]},
                "secret_note": "internal",
            }),
        )
        .await;
    let info = server.get("/v1/waitlists/acme/early").await.expect(200);
    let variant = info["variant"]["id"].clone();
    assert_eq!(
        info,
        json!({
            "slug": "early", "workspace_slug": "acme", "canonical_workspace_slug": "acme", "display_name": "List early",
            "description": null, "status": "active",
            "custom_fields": [{"key": "company", "type": "text", "required": true}],
            "confirmation_message": "Thanks!", "recaptcha_site_key": null,
            "referral_rewards": {"milestones": [{"count": 3, "reward": "shirt"}, {"count": 10, "reward": "mug"}]},
            "variant": {"id": variant, "kind": "ab", "locale": "en"},
            "brand": {"brand_name": null, "brand_logo_url": null, "primary_color": null},
            "full": false, "privacy_url": null, "terms_url": null, "consent_text": null,
            "protection": {"consent_required": false, "proof_of_work": "off"},
        })
    );
}

#[apply(on_both_stores)]
async fn a_paused_or_closed_list_is_hidden_and_takes_nobody(kind: Kind) {
    let server = TestServer::start(kind).await;
    let id = server.active_list("early", json!({})).await;
    for status in ["paused", "closed"] {
        server.set_status(&id, status).await;
        server.get("/v1/waitlists/acme/early").await.refused(404, "waitlist_not_found");
        server.get("/v1/waitlists/acme/early/leaderboard").await.refused(404, "waitlist_not_found");
        let body = json!({"email": "ada@example.com", "name": "Ada"});
        server.sign_up("early", body).await.refused(422, "waitlist_not_active");
        let malformed = server.request(Method::POST, "/v1/waitlists/acme/early/entries").body("{");
        send(malformed).await.refused(422, "waitlist_not_active");
    }
}

/// Plain requests are answered before the router. Their replies and measurements are those of all others.
#[apply(on_both_stores)]
async fn a_plain_request_is_answered_like_any_other(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"max_entries": 1})).await;
    let path = "/v1/waitlists/acme/early";
    let plain = async || server.get(path).await;
    let same = async || {
        // A path in another spelling is one for the router.
        let (one, other) = (plain().await, server.get("/v1/waitlists/acme/%65arly").await);
        let named = |reply: &Reply| -> Vec<(String, String)> {
            // What a page may read is of no use where no page asks.
            let is_of_request = |name: &str| ["x-request-id", "date", "access-control-expose-headers"].contains(&name);
            let headers = reply.headers.iter().filter(|(name, _)| !is_of_request(name.as_str()));
            let mut headers: Vec<_> = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
            headers.sort();
            headers
        };
        assert_eq!((one.status, &one.body, named(&one)), (other.status, &other.body, named(&other)));
        one
    };
    assert_eq!(same().await.expect(200)["full"], false);
    server.join("early", "ada@example.com").await;
    assert_eq!(same().await.expect(200)["full"], true);
    let head = send(server.client.head(format!("{}{path}", server.base))).await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length").unwrap(), plain().await.body.len().to_string());
    let line = "rally_http_requests_total{method=\"HEAD\",route=\"/v1/waitlists/{workspace_slug}/{waitlist_slug}\",status=\"200\"} ";
    assert!(server.get("/metrics").await.body.contains(line));
    server.set_status(&list, "paused").await;
    plain().await.refused(404, "waitlist_not_found");
}

#[apply(on_both_stores)]
async fn a_list_that_does_not_exist_is_not_found(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    for path in ["acme/none", "none/early", "Acme/early", "a%00b/early", "acme/%F0%9F%98%80"] {
        server.get(&format!("/v1/waitlists/{path}")).await.refused(404, "waitlist_not_found");
        server.post(&format!("/v1/waitlists/{path}/entries"), json!({})).await.refused(404, "waitlist_not_found");
    }
}

#[apply(on_both_stores)]
async fn a_malformed_language_is_refused_in_the_query_and_ignored_in_the_header(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    for good in ["en", "pt-BR", "ZH-hant"] {
        server.get(&format!("/v1/waitlists/acme/early?lang={good}")).await.expect(200);
    }
    for bad in ["", "*", "english_uk", "%F0%9F%98%80", "en--"] {
        assert_eq!(server.get(&format!("/v1/waitlists/acme/early?lang={bad}")).await.bad_fields(), ["lang"]);
    }
    let request = server.request(Method::GET, "/v1/waitlists/acme/early").header("accept-language", ";;;q=x, *, en-");
    send(request).await.expect(200);
}

#[apply(on_both_stores)]
async fn a_sign_up_is_answered_with_its_place(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    let body = json!({"email": " Ada@Bücher.Example ", "name": " Ada ", "interest": "", "referrer": null, "unknown": 1});
    let entry = server.sign_up("early", body).await.expect(201);
    let (id, code) = (entry["id"].clone(), entry["referral_code"].clone());
    let status_url = server.links().status(EntryId::parse(id.as_str().unwrap()).unwrap(), 0);
    assert_eq!(
        entry,
        json!({
            "id": id, "email": "ada@xn--bcher-kva.example", "name": "Ada", "position": 1, "effective_position": 1,
            "status": "pending", "referral_code": code, "status_url": status_url, "created_at": rally_tests::NOW,
        })
    );
    let uuid: uuid::Uuid = id.as_str().unwrap().parse().unwrap();
    assert_eq!(uuid.get_version_num(), 7);
    assert!((8..=12).contains(&code.as_str().unwrap().len()));
    let again = json!({"email": "ADA@xn--bcher-kva.example", "name": "Ada"});
    server.sign_up("early", again).await.refused(409, "email_taken");
}

#[apply(on_both_stores)]
async fn every_bad_field_is_named_at_once_and_nothing_is_stored(kind: Kind) {
    let server = TestServer::start(kind).await;
    let id = server
        .active_list(
            "early",
            json!({"custom_fields": [
                {"key": "company", "required": true}, {"key": "size", "type": "select", "options": ["s", "l"]},
            ]}),
        )
        .await;
    let body = json!({
        "email": "not an address", "name": " ", "interest": "x".repeat(2001), "referrer": "a\u{0}b", "referral_code": 7,
        "metadata": {"size": "m"}, "recaptcha_token": [], "variant_id": "17",
    });
    assert_eq!(
        server.sign_up("early", body).await.bad_fields(),
        ["email", "name", "interest", "referrer", "referral_code", "metadata.company", "metadata.size", "recaptcha_token", "variant_id"]
    );
    assert_eq!(server.sign_up("early", json!({})).await.bad_fields(), ["email", "name", "metadata.company"]);
    let deep: Value = serde_json::from_str(&format!("{{\"a\": {}{}}}", "[".repeat(32), "]".repeat(32))).unwrap();
    for metadata in [json!([]), json!("x"), json!({"a": {"b": "\u{202E}"}}), json!({"a\u{0}": 1}), json!({"k": "x".repeat(17_000)}), deep] {
        let body = json!({"email": "ada@example.com", "name": "Ada", "metadata": metadata});
        assert_eq!(server.sign_up("early", body).await.bad_fields(), ["metadata"]);
    }
    assert_eq!(server.admin_get(&format!("/waitlists/{id}/entries/count")).await.expect(200), json!({"count": 0}));
}

#[apply(on_both_stores)]
async fn referrals_move_people_up_and_show_on_the_leaderboard(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({"referral_boost": 2})).await;
    let first = server.join("early", "first@example.com").await;
    let second = server.join("early", "second@example.com").await;
    let lower = json!(second["referral_code"].as_str().unwrap().to_lowercase());
    for n in 0..2 {
        server.join_with("early", &format!("friend{n}@example.com"), &lower).await;
    }
    server.join_with("early", "friend@example.com", &first["referral_code"]).await;
    for code in ["NOBODYSCODE", "", "💥", "2222222222"] {
        server.join_with("early", &format!("p{}@example.com", code.len()), &json!(code)).await;
    }
    assert_eq!(
        server.get("/v1/waitlists/acme/early/leaderboard").await.expect(200),
        json!([
            {"position": 2, "referral_count": 2, "masked_email": "s***@example.com"},
            {"position": 1, "referral_count": 1, "masked_email": "f***@example.com"},
        ])
    );
    assert_eq!(server.get("/v1/waitlists/acme/early/leaderboard?limit=1").await.expect(200).as_array().unwrap().len(), 1);
}

#[apply(on_both_stores)]
async fn a_leaderboard_has_a_limit_and_can_be_disabled(kind: Kind) {
    let server = TestServer::start(kind).await;
    let id = server.active_list("early", json!({})).await;
    for limit in ["0", "51", "-1", "x", ""] {
        assert_eq!(server.get(&format!("/v1/waitlists/acme/early/leaderboard?limit={limit}")).await.bad_fields(), ["limit"]);
    }
    server.admin_patch(&format!("/waitlists/{id}"), json!({"settings": {"leaderboard_enabled": false}})).await.expect(200);
    server.get("/v1/waitlists/acme/early/leaderboard").await.refused(404, "leaderboard_disabled");
}

#[apply(on_both_stores)]
async fn a_full_list_takes_nobody_and_still_knows_its_people(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({"max_entries": 1, "approval_required": false})).await;
    assert_eq!(server.join("early", "ada@example.com").await["status"], "approved");
    server.sign_up("early", json!({"email": "bob@example.com", "name": "Bob"})).await.refused(422, "waitlist_full");
    server.sign_up("early", json!({"email": "ada@example.com", "name": "Ada"})).await.refused(409, "email_taken");
}

#[apply(on_both_stores)]
async fn a_captcha_is_asked_for_and_nobody_can_judge_it(kind: Kind) {
    let server = TestServer::start(kind).await;
    let id = server.active_list("early", json!({"recaptcha_site_key": "site-key"})).await;
    assert_eq!(server.get("/v1/waitlists/acme/early").await.expect(200)["recaptcha_site_key"], "site-key");
    let body = |token: Value| json!({"email": "ada@example.com", "name": "Ada", "recaptcha_token": token});
    server.sign_up("early", body(Value::Null)).await.refused(400, "captcha_failed");
    server.sign_up("early", body(json!(""))).await.refused(400, "captcha_failed");
    server.sign_up("early", body(json!("token"))).await.refused(503, "service_unavailable");
    assert_eq!(server.admin_get(&format!("/waitlists/{id}/entries/count")).await.expect(200), json!({"count": 0}));
}

#[apply(on_both_stores)]
async fn two_servers_give_out_dense_positions(kind: Kind) {
    let server = TestServer::start(kind).await;
    let id = server.active_list("early", json!({"max_entries": 50})).await;
    let (_second, other) = server.second().await;
    let client = reqwest::Client::new();
    let replies = join_all((0..60).map(|n| {
        let base = if n % 2 == 0 { &server.base } else { &other };
        let body = json!({"email": format!("p{n}@example.com"), "name": "Somebody"});
        send(client.post(format!("{base}/v1/waitlists/acme/early/entries")).json(&body))
    }))
    .await;
    let mut positions: Vec<u64> =
        replies.iter().filter(|reply| reply.status == 201).map(|reply| reply.json()["position"].as_u64().unwrap()).collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..=50).collect::<Vec<_>>());
    assert!(replies.iter().filter(|reply| reply.status != 201).all(|reply| reply.json()["code"] == "waitlist_full"));
    assert_eq!(server.admin_get(&format!("/waitlists/{id}/entries/count")).await.expect(200), json!({"count": 50}));
}

#[apply(on_both_stores)]
async fn a_renamed_workspace_goes_on_being_found(kind: Kind) {
    let server = TestServer::start(kind).await;
    let id = server.active_list("early", json!({})).await;
    for (from, to) in [("acme", "acme-two"), ("acme-two", "acme-three")] {
        let (from, to) = (samples::slug(from), samples::slug(to));
        server.ports.workspaces.rename(RenameWorkspace { from, to, actor: samples::ACTOR, now: server.ports.clock.now() }).await.unwrap();
    }
    // Another process renamed it. The old state may show for a moment.
    tokio::time::sleep(rally_api::cache::MOMENT).await;
    for slug in ["acme", "acme-two", "acme-three"] {
        let info = server.get(&format!("/v1/waitlists/{slug}/early")).await.expect(200);
        assert_eq!((&info["workspace_slug"], &info["canonical_workspace_slug"]), (&json!(slug), &json!("acme-three")));
    }
    server.join("early", "ada@example.com").await;
    assert_eq!(server.get("/v1/waitlists/acme-two/early/leaderboard").await.expect(200), json!([]));
    let list = server.admin_get(&format!("/waitlists/{id}")).await.expect(200);
    assert_eq!((&list["workspace_slug"], &list["previous_workspace_slug"]), (&json!("acme-three"), &json!("acme-two")));
    // Until another workspace takes the slug.
    samples::workspace(&server.ports, "acme").await;
    tokio::time::sleep(rally_api::cache::MOMENT).await;
    server.get("/v1/waitlists/acme/early").await.refused(404, "waitlist_not_found");
    server.get("/v1/waitlists/acme-two/early").await.expect(200);
}

#[apply(on_both_stores)]
async fn any_page_may_call_the_public_surface(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    let info = "/v1/waitlists/acme/early";
    let reply = send(server.request(Method::GET, info).header("origin", "https://shop.example")).await;
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    let missing = send(server.request(Method::GET, "/v1/waitlists/acme/none").header("origin", "https://shop.example")).await;
    assert_eq!((missing.status.as_u16(), missing.header("access-control-allow-origin")), (404, Some("*")));
    let preflight = send(
        server
            .request(Method::OPTIONS, &format!("{info}/entries"))
            .header("origin", "https://shop.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type"),
    )
    .await;
    assert_eq!((preflight.status.as_u16(), preflight.header("access-control-allow-origin")), (200, Some("*")));
    let admin = format!("/v1/workspaces/{}/waitlists", server.workspace.id);
    let reply = send(server.request(Method::GET, &admin).header("origin", "https://shop.example")).await;
    assert_eq!(reply.header("access-control-allow-origin"), None);
}
