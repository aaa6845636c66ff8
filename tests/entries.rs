//! Entries on the admin surface.

use rally_tests::{Kind, TestServer, on_both_stores};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};

async fn positions(server: &TestServer, path: &str, query: &str) -> Vec<u64> {
    let mut positions = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = server.admin_get(&format!("{path}?{query}{cursor}")).await.expect(200);
        positions.extend(page["data"].as_array().unwrap().iter().map(|entry| entry["position"].as_u64().unwrap()));
        match page["pagination"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return positions,
        }
    }
}

#[apply(on_both_stores)]
async fn an_entry_shows_everything_an_admin_needs(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    let bob = server
        .sign_up(
            "early",
            json!({
                "email": "bob@example.com", "name": "Bob", "interest": "all\nof it", "referrer": "a friend",
                "referral_code": ada["referral_code"], "metadata": {"plan": ["a", 1, null]}, "locale": "pt-br",
            }),
        )
        .await
        .expect(201);
    let path = format!("/waitlists/{list}/entries");
    let shown = server.admin_get(&format!("{path}/{}", bob["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(
        shown,
        json!({
            "id": bob["id"], "waitlist_id": list, "workspace_id": server.workspace.id.to_string(), "email": "bob@example.com",
            "name": "Bob", "interest": "all\nof it", "referrer": "a friend", "referral_code": bob["referral_code"], "referral_count": 0,
            "referred_by_entry_id": ada["id"], "position": 2, "effective_position": 2, "status": "pending", "locale": "pt-BR", "consent": null,
            "confirmed_at": null, "invited_at": null, "invited_to_app_slug": null,
            "metadata": {"plan": ["a", 1, null]}, "status_url": bob["status_url"], "created_at": rally_tests::NOW, "updated_at": rally_tests::NOW,
        })
    );
    let page = server.admin_get(&path).await.expect(200);
    assert_eq!((&page["data"][1], &page["data"][0]["referral_count"]), (&shown, &json!(1)));
    assert_eq!(page["data"][0]["metadata"], json!({}));
    assert_eq!(page["pagination"], json!({"next_cursor": null, "has_more": false}));
}

#[apply(on_both_stores)]
async fn entries_come_by_position_in_pages(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    for n in 0..5 {
        server.join("early", &format!("p{n}@example.com")).await;
    }
    let path = format!("/waitlists/{list}/entries");
    for query in ["limit=1", "limit=2", "limit=100", "status=pending&limit=3"] {
        assert_eq!(positions(&server, &path, query).await, [1, 2, 3, 4, 5], "{query}");
    }
    assert!(positions(&server, &path, "status=rejected").await.is_empty());
    assert_eq!(server.admin_get(&format!("{path}?status=draft&limit=1000")).await.bad_fields(), ["limit", "status"]);
    let page = server.admin_get(&format!("{path}?limit=2")).await.expect(200);
    let cursor = page["pagination"]["next_cursor"].as_str().unwrap().to_owned();
    server.join("early", "late@example.com").await;
    let next = server.admin_get(&format!("{path}?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!((&next["data"][0]["position"], &next["data"][1]["position"]), (&json!(3), &json!(4)));
    let other = server.active_list("other", json!({})).await;
    assert_eq!(server.admin_get(&format!("/waitlists/{other}/entries?cursor={cursor}")).await.bad_fields(), ["cursor"]);
}

#[apply(on_both_stores)]
async fn an_entry_is_found_on_its_own_list_alone(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let other = server.active_list("other", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    let id = ada["id"].as_str().unwrap();
    server.admin_get(&format!("/waitlists/{list}/entries/{id}")).await.expect(200);
    server.admin_get(&format!("/waitlists/{other}/entries/{id}")).await.refused(404, "entry_not_found");
    server.admin_get(&format!("/waitlists/{list}/entries/17")).await.refused(404, "entry_not_found");
    assert_eq!(server.admin_get(&format!("/waitlists/{other}/entries/count")).await.expect(200), json!({"count": 0}));
    assert_ne!(ada, Value::Null);
}

#[apply(on_both_stores)]
async fn an_entry_is_approved_and_rejected_with_its_events(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let path = format!("/waitlists/{list}/entries/{}", server.join("early", "ada@example.com").await["id"].as_str().unwrap());
    let before = server.admin_get(&path).await.expect(200);
    server.clock.advance(time::Duration::seconds(5));
    let mut expected = before.clone();
    (expected["status"], expected["updated_at"]) = (json!("approved"), json!("2026-01-31T09:00:05.000Z"));
    assert_eq!(server.admin_patch(&path, json!({"status": "approved"})).await.expect(200), expected);
    server.clock.advance(time::Duration::seconds(5));
    assert_eq!(server.admin_patch(&path, json!({"status": "approved"})).await.expect(200), expected);
    assert_eq!(server.admin_get(&path).await.expect(200), expected);
    assert_eq!(server.admin_patch(&path, json!({"status": "rejected"})).await.expect(200)["status"], "rejected");
    assert_eq!(server.admin_patch(&path, json!({"status": "approved"})).await.expect(200)["status"], "approved");
    let told: Vec<&str> = rally_contracts::samples::told(&server.ports, 10).await.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(told, ["entry.created", "entry.approved", "entry.rejected", "entry.approved"]);
}

#[apply(on_both_stores)]
async fn an_unknown_verdict_changes_nothing(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let path = format!("/waitlists/{list}/entries/{}", server.join("early", "ada@example.com").await["id"].as_str().unwrap());
    for bad in [json!({"status": "pending"}), json!({"status": "Approved"}), json!({"status": 1}), json!({"status": null}), json!({})] {
        assert_eq!(server.admin_patch(&path, bad).await.bad_fields(), ["status"]);
    }
    assert_eq!(server.admin_get(&path).await.expect(200)["status"], "pending");
    let missing = format!("/waitlists/{list}/entries/00000000-0000-7000-8000-000000000000");
    server.admin_patch(&missing, json!({"status": "approved"})).await.refused(404, "entry_not_found");
}

#[apply(on_both_stores)]
async fn a_deleted_entry_leaves_its_place_empty(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    let bob = server.join_with("early", "bob@example.com", &ada["referral_code"]).await;
    let eve = server.join_with("early", "eve@example.com", &bob["referral_code"]).await;
    let path = format!("/waitlists/{list}/entries");
    let bobs = format!("{path}/{}", bob["id"].as_str().unwrap());
    assert_eq!(server.admin_delete(&bobs).await.expect(204), Value::Null);
    server.admin_delete(&bobs).await.refused(404, "entry_not_found");
    server.admin_get(&bobs).await.refused(404, "entry_not_found");
    assert_eq!(positions(&server, &path, "").await, [1, 3]);
    let eve = server.admin_get(&format!("{path}/{}", eve["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(eve["referred_by_entry_id"], Value::Null);
    let ada = server.admin_get(&format!("{path}/{}", ada["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(ada["referral_count"], 1);
    assert_eq!(server.admin_get(&format!("{path}/count")).await.expect(200), json!({"count": 2}));
    assert_eq!(server.join("early", "bob@example.com").await["position"], 4);
}

#[apply(on_both_stores)]
async fn many_entries_are_reviewed_each_with_its_own_outcome(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let other = server.active_list("other", json!({})).await;
    let ada = server.join("early", "ada@example.com").await["id"].clone();
    let bob = server.join("early", "bob@example.com").await["id"].clone();
    let foreign = server.join("other", "eve@example.com").await["id"].clone();
    let path = format!("/waitlists/{list}/entries/bulk");
    let ids = json!([bob, "17", ada, foreign, bob, ada.as_str().unwrap().to_uppercase()]);
    let report = server.admin_post(&path, json!({"ids": ids, "action": "approve"})).await.expect(200);
    let gone = json!({"code": 404, "message": "this entry does not exist"});
    assert_eq!(
        report,
        json!({
            "requested": 4, "succeeded": 2, "failed": 2,
            "results": [
                {"id": bob, "status": "ok"}, {"id": "17", "status": "error", "error": gone}, {"id": ada, "status": "ok"},
                {"id": foreign, "status": "error", "error": gone},
            ],
        })
    );
    assert_eq!(positions(&server, &format!("/waitlists/{list}/entries"), "status=approved").await, [1, 2]);
    assert_eq!(positions(&server, &format!("/waitlists/{other}/entries"), "status=pending").await, [1]);
    let again = server.admin_post(&path, json!({"ids": [ada], "action": "approve"})).await.expect(200);
    assert_eq!((&again["succeeded"], &again["failed"]), (&json!(1), &json!(0)));
    assert_eq!(rally_contracts::samples::told(&server.ports, 100).await.len(), 3 + 2);
    server.admin_post(&path, json!({"ids": [ada], "action": "reject"})).await.expect(200);
    assert_eq!(positions(&server, &format!("/waitlists/{list}/entries"), "status=rejected").await, [1]);
}

#[apply(on_both_stores)]
async fn a_bulk_call_takes_one_to_a_hundred_ids(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let path = format!("/waitlists/{list}/entries/bulk");
    let id = server.join("early", "ada@example.com").await["id"].clone();
    let ids = |number: usize| vec![id.clone(); number];
    let report = server.admin_post(&path, json!({"ids": ids(100), "action": "approve"})).await.expect(200);
    assert_eq!((&report["requested"], &report["succeeded"]), (&json!(1), &json!(1)));
    for (bad, fields) in [
        (json!({"ids": [], "action": "approve"}), &["ids"][..]),
        (json!({"ids": ids(101), "action": "approve"}), &["ids"]),
        (json!({"ids": "all", "action": "approve"}), &["ids"]),
        (json!({"ids": [1], "action": "approve"}), &["ids"]),
        (json!({"ids": ids(1), "action": "delete"}), &["action"]),
        (json!({"ids": ids(1)}), &["action"]),
        (json!({}), &["ids", "action"]),
    ] {
        assert_eq!(server.admin_post(&path, bad.clone()).await.bad_fields(), fields, "{bad}");
    }
    let huge = json!({"ids": ["x".repeat(70_000)], "action": "approve"});
    server.admin_post(&path, huge).await.refused(413, "payload_too_large");
}
