//! The settings of a workspace, under both paths and on the public surface.

use rally_contracts::remote::ACTIVE_DOMAIN;
use rally_tests::{Kind, TestServer, on_both_stores};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};

/// The settings of a workspace that has set none.
fn unset(server: &TestServer) -> Value {
    json!({
        "workspace_id": server.workspace.id.to_string(), "default_sender_domain_id": null, "default_heimdall_app_slug": null,
        "brand_name": null, "brand_logo_url": null, "primary_color": null, "notifications": "off",
        "notifications_via_envoi": false, "default_sender_address": null, "reply_to_address": null, "default_locale": "en",
        "welcome_template_name": null, "approved_template_name": null, "rejected_template_name": null, "confirm_template_name": null,
        "link_template_name": null,
        "updated_at": null,
    })
}

#[apply(on_both_stores)]
async fn settings_change_by_the_key_and_null_clears(kind: Kind) {
    let server = TestServer::start(kind).await;
    let mut expected = unset(&server);
    assert_eq!(server.admin_get("/rally/settings").await.expect(200), expected);
    assert_eq!(server.admin_get("/waitlist/settings").await.expect(200), expected);
    let change = json!({
        "brand_name": " Acme ", "brand_logo_url": "https://acme.example/logo.svg", "primary_color": "#1a2B3c",
        "default_sender_address": "Hello@ACME.example", "default_heimdall_app_slug": "acme-app", "welcome_template_name": "welcome",
        "notifications_via_envoi": false,
    });
    let changed = server.admin_put("/waitlist/settings", change).await.expect(200);
    for (key, value) in [
        ("brand_name", "Acme"),
        ("brand_logo_url", "https://acme.example/logo.svg"),
        ("primary_color", "#1a2B3c"),
        ("default_sender_address", "hello@acme.example"),
        ("default_heimdall_app_slug", "acme-app"),
        ("welcome_template_name", "welcome"),
        ("updated_at", rally_tests::NOW),
    ] {
        expected[key] = json!(value);
    }
    assert_eq!(changed, expected);
    server.clock.advance(time::Duration::seconds(1));
    let cleared = server.admin_put("/rally/settings", json!({"brand_name": null, "welcome_template_name": " "})).await.expect(200);
    (expected["brand_name"], expected["welcome_template_name"]) = (Value::Null, Value::Null);
    expected["updated_at"] = json!("2026-01-31T09:00:01.000Z");
    assert_eq!(cleared, expected);
    assert_eq!(server.admin_get("/rally/settings").await.expect(200), expected);
}

#[apply(on_both_stores)]
async fn the_brand_of_a_workspace_is_public_on_its_lists(kind: Kind) {
    let server = TestServer::start(kind).await;
    let change = json!({"brand_logo_url": "https://acme.example/logo.svg", "primary_color": "#1a2B3c"});
    server.admin_put("/rally/settings", change).await.expect(200);
    server.active_list("early", json!({})).await;
    let brand = json!({"brand_name": null, "brand_logo_url": "https://acme.example/logo.svg", "primary_color": "#1a2B3c"});
    assert_eq!(server.get("/v1/waitlists/acme/early").await.expect(200)["brand"], brand);
}

#[apply(on_both_stores)]
async fn bad_settings_name_every_bad_field_and_change_nothing(kind: Kind) {
    let server = TestServer::start(kind).await;
    let bad = json!({
        "default_sender_domain_id": 5, "default_heimdall_app_slug": "x".repeat(201), "brand_name": "a\u{0}b",
        "brand_logo_url": "javascript:alert(1)", "primary_color": "red", "notifications_via_envoi": "yes",
        "default_sender_address": "nobody", "welcome_template_name": [], "approved_template_name": {}, "rejected_template_name": false,
        "confirm_template_name": 7, "link_template_name": "x".repeat(201),
    });
    let fields = server.admin_put("/rally/settings", bad).await.bad_fields();
    assert_eq!(
        fields,
        [
            "default_sender_domain_id",
            "default_heimdall_app_slug",
            "brand_name",
            "brand_logo_url",
            "primary_color",
            "notifications_via_envoi",
            "default_sender_address",
            "welcome_template_name",
            "approved_template_name",
            "rejected_template_name",
            "confirm_template_name",
            "link_template_name",
        ]
    );
    for id in ["domain", "..", "acme.example", "01890a5dac96774bbcceb302099a8057", "{01890a5d-ac96-774b-bcce-b302099a8057}"] {
        let reply = server.admin_put("/rally/settings", json!({"default_sender_domain_id": id})).await;
        assert_eq!(reply.bad_fields(), ["default_sender_domain_id"], "{id}");
    }
    for color in ["#12345", "#1234567", "123456", "#GGGGGG", ""] {
        assert_eq!(server.admin_put("/rally/settings", json!({"primary_color": color})).await.bad_fields(), ["primary_color"], "{color}");
    }
    for url in ["ftp://acme.example/logo", "/logo.svg", "https://", "x"] {
        assert_eq!(server.admin_put("/rally/settings", json!({"brand_logo_url": url})).await.bad_fields(), ["brand_logo_url"], "{url}");
    }
    assert_eq!(server.admin_get("/rally/settings").await.expect(200)["updated_at"], Value::Null);
}

#[apply(on_both_stores)]
async fn a_sender_domain_is_an_id(kind: Kind) {
    let server = TestServer::start(kind).await;
    let put = |id: &str| {
        let change = json!({"default_sender_domain_id": id});
        async { server.admin_put("/rally/settings", change).await.expect(200)["default_sender_domain_id"].clone() }
    };
    assert_eq!(put(" 01890A5D-AC96-774B-BCCE-B302099A8057 ").await, "01890a5d-ac96-774b-bcce-b302099a8057");
    assert_eq!(put(" ").await, Value::Null);
}

#[apply(on_both_stores)]
async fn notifications_stay_off_without_envoi_and_name_what_is_missing(kind: Kind) {
    let server = TestServer::start(kind).await;
    let stored = json!({"welcome_template_name": "welcome", "default_sender_domain_id": ACTIVE_DOMAIN.to_string()});
    server.admin_put("/rally/settings", stored).await.expect(200);
    let on = json!({"notifications_via_envoi": true, "approved_template_name": "approved"});
    let fields = server.admin_put("/rally/settings", on).await.bad_fields();
    assert_eq!(fields, ["notifications_via_envoi", "default_sender_address", "rejected_template_name"]);
    let settings = server.admin_get("/rally/settings").await.expect(200);
    assert_eq!((&settings["notifications_via_envoi"], &settings["approved_template_name"]), (&json!(false), &Value::Null));
}
