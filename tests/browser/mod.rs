//! Pages, the widget and the console in a real Chromium.

mod console;
mod pages;
mod protection;
mod widget;

use rally_tests::{Kind, TestServer};
use serde_json::{Value, json};

/// What a site of a brand may have: every type of custom field, rewards, leaders, and texts from other scripts.
fn everything() -> Value {
    json!({
        "custom_fields": [
            {"key": "company", "label": "Company", "type": "text", "required": true, "description": "As on the invoice"},
            {"key": "about", "label": "About you", "type": "textarea"},
            {"key": "size", "label": "People", "type": "number"},
            {"key": "plan", "label": "Plan", "type": "select", "options": ["Free", "Team", "Everything there is"]},
            {"key": "tools", "label": "Tools", "type": "multiselect", "options": ["Mail", "Chat", "Calls"]},
            {"key": "beta", "label": "May we write to you about the beta?", "type": "boolean"},
            {"key": "site", "label": "Website", "type": "url"},
        ],
        "referral_rewards": {"milestones": [{"count": 1, "reward": "A sticker"}, {"count": 3, "reward": "A T-shirt"}]},
    })
}

/// A server with a branded list `early` on the embedded store. What a browser shows does not depend on the store.
async fn start(settings: Value) -> (TestServer, String) {
    let server = TestServer::start(Kind::Sqlite).await;
    let brand = json!({"brand_name": "Acme", "primary_color": "#6a1b9a"});
    server.admin_put("/rally/settings", brand).await.expect(200);
    let list = server.active_list("early", settings).await;
    (server, list)
}

/// A person on the list, who used a friend's code or none.
async fn join(server: &TestServer, address: &str, code: Option<&str>) -> Value {
    let body = json!({"email": address, "name": "Somebody", "referral_code": code, "metadata": {"company": "Acme", "beta": true}});
    server.sign_up("early", body).await.expect(201)
}
