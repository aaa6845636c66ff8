//! Entries on the admin surface.

use rally_tests::on_both_stores;
use serde_json::{Value, json};

use rally_tests::TestServer;

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

on_both_stores! {
    async fn an_entry_shows_everything_an_admin_needs(server: TestServer) {
        let list = server.active_list("early", json!({})).await;
        let ada = server.join("early", "ada@example.com").await;
        let bob = server.sign_up("early", json!({
            "email": "bob@example.com", "name": "Bob", "interest": "all\nof it", "referrer": "a friend",
            "referral_code": ada["referral_code"], "metadata": {"plan": ["a", 1, null]},
        })).await.expect(201);
        let path = format!("/waitlists/{list}/entries");
        let shown = server.admin_get(&format!("{path}/{}", bob["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(shown, json!({
            "id": bob["id"], "waitlist_id": list, "workspace_id": server.workspace.id.to_string(), "email": "bob@example.com",
            "name": "Bob", "interest": "all\nof it", "referrer": "a friend", "referral_code": bob["referral_code"], "referral_count": 0,
            "referred_by_entry_id": ada["id"], "position": 2, "status": "pending", "invited_at": null, "invited_to_app_slug": null,
            "metadata": {"plan": ["a", 1, null]}, "created_at": rally_tests::NOW, "updated_at": rally_tests::NOW,
        }));
        let page = server.admin_get(&path).await.expect(200);
        assert_eq!((&page["data"][1], &page["data"][0]["referral_count"]), (&shown, &json!(1)));
        assert_eq!(page["data"][0]["metadata"], json!({}));
        assert_eq!(page["pagination"], json!({"next_cursor": null, "has_more": false}));
    }

    async fn entries_come_by_position_in_pages(server: TestServer) {
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

    async fn an_entry_is_found_on_its_own_list_alone(server: TestServer) {
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
}
