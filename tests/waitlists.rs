//! Waitlists on the admin surface.

use rally_tests::{Kind, TestServer, on_both_stores, send};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};

async fn slugs(server: &TestServer, query: &str) -> Vec<String> {
    let mut slugs = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.admin_get(&format!("/waitlists?{query}{cursor}")).await.expect(200);
        slugs.extend(page["data"].as_array().unwrap().iter().map(|list| list["slug"].as_str().unwrap().to_owned()));
        assert_eq!(page["pagination"]["has_more"], json!(!page["pagination"]["next_cursor"].is_null()));
        match page["pagination"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return slugs,
        }
    }
}

#[apply(on_both_stores)]
async fn a_new_waitlist_is_a_draft_with_its_settings_filled_in(kind: Kind) {
    let server = TestServer::start(kind).await;
    let body = json!({
        "slug": "early", "display_name": " Early ", "description": "two\nlines",
        "settings": {"max_entries": 9, "theme": {"dark": true}},
    });
    let created = server.admin_post("/waitlists", body).await.expect(201);
    let id = created["id"].as_str().unwrap().to_owned();
    assert_eq!(
        created,
        json!({
            "id": id, "workspace_id": server.workspace.id.to_string(), "workspace_slug": "acme", "slug": "early",
            "display_name": "Early", "description": "two\nlines", "status": "draft",
            "settings": {
                "max_entries": 9, "approval_required": true, "custom_fields": [], "confirmation_message": null, "referral_boost": 1,
                "referral_rewards": {"milestones": []}, "referral_fraud": "flag", "referral_fraud_threshold": 50,
                "referral_hourly_cap": 20, "recaptcha_site_key": null, "leaderboard_enabled": true, "badge_enabled": true,
                "email_confirmation": false,
                "confirm_page_url": null, "invite_url": null, "page_url": null, "allowed_origins": [], "privacy_url": null,
                "terms_url": null, "consent_text": null, "proof_of_work": "off", "block_disposable": false, "check_mx": false,
                "one_per_mailbox": false, "theme": {"dark": true},
            },
            "created_by": "admin@acme", "previous_workspace_slug": null, "created_at": rally_tests::NOW, "updated_at": rally_tests::NOW,
        })
    );
    assert_eq!(server.admin_get(&format!("/waitlists/{id}")).await.expect(200), created);
    server.get("/v1/waitlists/acme/early").await.refused(404, "waitlist_not_found");
    let again = json!({"slug": "early", "display_name": "Again"});
    server.admin_post("/waitlists", again).await.refused(409, "slug_taken");
}

#[apply(on_both_stores)]
async fn a_bad_waitlist_names_every_bad_field(kind: Kind) {
    let server = TestServer::start(kind).await;
    let body = json!({"slug": "Not A Slug", "display_name": "", "description": 5, "settings": {"max_entries": 0, "referral_boost": -1}});
    let fields = server.admin_post("/waitlists", body).await.bad_fields();
    assert_eq!(fields, ["slug", "display_name", "description", "settings.max_entries", "settings.referral_boost"]);
    assert_eq!(server.admin_post("/waitlists", json!({})).await.bad_fields(), ["slug", "display_name"]);
    let settings = json!({"slug": "a", "display_name": "A", "settings": []});
    assert_eq!(server.admin_post("/waitlists", settings).await.bad_fields(), ["settings"]);
    assert!(slugs(&server, "").await.is_empty());
}

#[apply(on_both_stores)]
async fn a_change_merges_settings_and_clears_with_null(kind: Kind) {
    let server = TestServer::start(kind).await;
    let id = server.active_list("early", json!({"max_entries": 9, "theme": 1})).await;
    let path = format!("/waitlists/{id}");
    server.clock.advance(time::Duration::seconds(5));
    let changed = server.admin_patch(&path, json!({"description": "Words", "settings": {"max_entries": null, "referral_boost": 3}})).await;
    let changed = changed.expect(200);
    assert_eq!(changed["settings"]["max_entries"], Value::Null);
    assert_eq!((&changed["settings"]["referral_boost"], &changed["settings"]["theme"]), (&json!(3), &json!(1)));
    assert_eq!(changed["updated_at"], "2026-01-31T09:00:05.000Z");
    let cleared = server.admin_patch(&path, json!({"description": null, "display_name": "New"})).await.expect(200);
    assert_eq!((&cleared["description"], &cleared["display_name"]), (&Value::Null, &json!("New")));
    assert_eq!(
        server.admin_patch(&path, json!({"display_name": " ", "settings": {"custom_fields": 1}})).await.bad_fields(),
        ["display_name", "settings.custom_fields"]
    );
    assert_eq!(server.admin_get(&path).await.expect(200), cleared);
}

#[apply(on_both_stores)]
async fn settings_have_a_bound_and_so_has_the_body(kind: Kind) {
    let server = TestServer::start(kind).await;
    let id = server.active_list("early", json!({"first": "x".repeat(40_000)})).await;
    let path = format!("/waitlists/{id}");
    let second = json!({"settings": {"second": "x".repeat(40_000)}});
    assert_eq!(server.admin_patch(&path, second).await.bad_fields(), ["settings"]);
    let huge = json!({"settings": {"huge": "x".repeat(300_000)}});
    server.admin_patch(&path, huge).await.refused(413, "payload_too_large");
}

#[apply(on_both_stores)]
async fn a_status_changes_by_the_table(kind: Kind) {
    let server = TestServer::start(kind).await;
    let id = server.active_list("early", json!({})).await;
    let path = format!("/waitlists/{id}/status");
    let same = server.admin_patch(&path, json!({"status": "active"})).await.expect(200);
    assert_eq!(same["status"], "active");
    let message = server.admin_patch(&path, json!({"status": "draft"})).await.refused(400, "invalid_transition")["message"].clone();
    assert_eq!(message, "a waitlist that is active cannot become draft");
    for bad in [json!({"status": "open"}), json!({"status": 1}), json!({})] {
        assert_eq!(server.admin_patch(&path, bad).await.bad_fields(), ["status"]);
    }
    assert_eq!(server.admin_patch(&path, json!({"status": "closed"})).await.expect(200)["status"], "closed");
}

#[apply(on_both_stores)]
async fn lists_come_newest_first_in_pages(kind: Kind) {
    let server = TestServer::start(kind).await;
    for n in 0..5 {
        server.active_list(&format!("list-{n}"), json!({})).await;
    }
    let expected = ["list-4", "list-3", "list-2", "list-1", "list-0"];
    for limit in [1, 2, 5, 100] {
        assert_eq!(slugs(&server, &format!("limit={limit}")).await, expected);
    }
    assert_eq!(slugs(&server, "limit=2&status=active").await, expected);
    assert!(slugs(&server, "status=draft").await.is_empty());
    for bad in ["limit=0", "limit=101", "limit=abc", "limit=1.5", "limit="] {
        assert_eq!(server.admin_get(&format!("/waitlists?{bad}")).await.bad_fields(), ["limit"]);
    }
    let both = server.admin_get("/waitlists?limit=0&status=none&cursor=x").await.bad_fields();
    assert_eq!(both, ["limit", "status", "cursor"]);
    server.admin_get("/waitlists?limit=1&limit=2").await.refused(400, "bad_request");
}

#[apply(on_both_stores)]
async fn a_cursor_is_good_for_its_own_list_and_filter_alone(kind: Kind) {
    let server = TestServer::start(kind).await;
    for n in 0..3 {
        server.active_list(&format!("list-{n}"), json!({})).await;
    }
    let page = server.admin_get("/waitlists?limit=1").await.expect(200);
    let cursor = page["pagination"]["next_cursor"].as_str().unwrap().to_owned();
    server.admin_get(&format!("/waitlists?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!(server.admin_get(&format!("/waitlists?status=active&cursor={cursor}")).await.bad_fields(), ["cursor"]);
    let id = page["data"][0]["id"].as_str().unwrap();
    assert_eq!(server.admin_get(&format!("/waitlists/{id}/entries?cursor={cursor}")).await.bad_fields(), ["cursor"]);
    let forged: String = cursor.chars().rev().collect();
    assert_eq!(server.admin_get(&format!("/waitlists?cursor={forged}")).await.bad_fields(), ["cursor"]);
}

#[apply(on_both_stores)]
async fn a_deleted_waitlist_is_gone_with_its_entries(kind: Kind) {
    let server = TestServer::start(kind).await;
    let id = server.active_list("early", json!({})).await;
    server.join("early", "ada@example.com").await;
    assert_eq!(server.admin_delete(&format!("/waitlists/{id}")).await.expect(204), Value::Null);
    server.admin_delete(&format!("/waitlists/{id}")).await.refused(404, "waitlist_not_found");
    server.admin_get(&format!("/waitlists/{id}/entries")).await.refused(404, "waitlist_not_found");
    server.sign_up("early", json!({"email": "ada@example.com", "name": "Ada"})).await.refused(404, "waitlist_not_found");
    let id = server.active_list("early", json!({})).await;
    assert_eq!(server.join("early", "ada@example.com").await["position"], 1);
    assert_eq!(server.admin_get(&format!("/waitlists/{id}/entries/count")).await.expect(200), json!({"count": 1}));
}

#[apply(on_both_stores)]
async fn an_id_that_cannot_exist_is_one_that_does_not(kind: Kind) {
    let server = TestServer::start(kind).await;
    for id in ["17", "not-a-uuid", "00000000-0000-0000-0000-000000000000", "{01890a5d-ac96-774b-bcce-b302099a8057}"] {
        server.admin_get(&format!("/waitlists/{id}")).await.refused(404, "waitlist_not_found");
        server.admin_patch(&format!("/waitlists/{id}"), json!({})).await.refused(404, "waitlist_not_found");
        server.admin_delete(&format!("/waitlists/{id}")).await.refused(404, "waitlist_not_found");
        server.admin_get(&format!("/waitlists/{id}/entries/count")).await.refused(404, "waitlist_not_found");
    }
}

#[apply(on_both_stores)]
async fn admin_replies_are_not_stored(kind: Kind) {
    let server = TestServer::start(kind).await;
    for reply in [server.admin_get("/waitlists").await, server.admin_get("/waitlists/17").await] {
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
    let reply = send(server.admin_request(Method::HEAD, "/waitlists")).await;
    assert_eq!((reply.status.as_u16(), reply.body.as_str()), (200, ""));
}
