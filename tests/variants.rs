//! Variants on the admin surface, and the effect of an admin's change on the public surface.

use rally_tests::{Kind, TestServer, on_both_stores};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};

/// The path of a list's variants, and its own one.
async fn control(server: &TestServer) -> (String, Value) {
    let list = server.active_list("early", json!({})).await;
    let path = format!("/waitlists/{list}/variants");
    let control = server.admin_get(&path).await.expect(200)["data"][0].clone();
    let expected = json!({
        "id": control["id"], "waitlist_id": list, "kind": "ab", "locale": "en", "copy": {}, "weight": 1, "active": true,
        "created_at": rally_tests::NOW,
    });
    assert_eq!(control, expected);
    (path, control)
}

/// A variant for Brazil.
async fn brazilian(server: &TestServer, path: &str) -> Value {
    // Only A/B variants have a weight that counts.
    let body = json!({"kind": "locale", "locale": "PT-br", "copy": {"display_name": " Acesso ", "theme": 1}, "weight": 0});
    server.admin_post(path, body).await.expect(201)
}

#[apply(on_both_stores)]
async fn a_new_variant_is_listed_and_shown_to_those_who_speak_its_language(kind: Kind) {
    let server = TestServer::start(kind).await;
    let (path, control) = control(&server).await;
    server.clock.advance(time::Duration::seconds(1));
    let made = brazilian(&server, &path).await;
    assert_eq!(
        made,
        json!({
            "id": made["id"], "waitlist_id": control["waitlist_id"], "kind": "locale", "locale": "pt-BR",
            "copy": {"display_name": "Acesso", "theme": 1}, "weight": 1, "active": true, "created_at": "2026-01-31T09:00:01.000Z",
        })
    );
    assert_eq!(server.admin_get(&path).await.expect(200), json!({"data": [control, made]}));
    let public = server.get("/v1/waitlists/acme/early?lang=pt").await.expect(200);
    assert_eq!(public["display_name"], "List early");
    assert_eq!(server.get("/v1/waitlists/acme/early?lang=pt-BR").await.expect(200)["display_name"], "Acesso");
}

#[apply(on_both_stores)]
async fn a_changed_variant_shows_its_change_and_keeps_its_kind(kind: Kind) {
    let server = TestServer::start(kind).await;
    let (path, control) = control(&server).await;
    let made = brazilian(&server, &path).await;
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    let body = json!({"locale": "pt", "copy": {"description": "Em breve"}, "weight": 100, "active": true, "kind": "ab"});
    let changed = server.admin_patch(&one, body).await.expect(200);
    let mut expected = made.clone();
    (expected["locale"], expected["copy"], expected["weight"]) = (json!("pt"), json!({"description": "Em breve"}), json!(100));
    assert_eq!(changed, expected);
    let public = server.get("/v1/waitlists/acme/early?lang=pt-BR").await.expect(200);
    assert_eq!((&public["display_name"], &public["description"]), (&json!("List early"), &json!("Em breve")));
    assert_eq!(server.admin_patch(&one, json!({"active": false})).await.expect(200)["active"], false);
    assert_eq!(server.get("/v1/waitlists/acme/early?lang=pt").await.expect(200)["variant"]["id"], control["id"]);
    assert_eq!(server.admin_patch(&one, json!({})).await.expect(200)["copy"], json!({"description": "Em breve"}));
}

#[apply(on_both_stores)]
async fn a_deleted_variant_is_gone(kind: Kind) {
    let server = TestServer::start(kind).await;
    let (path, control) = control(&server).await;
    let made = brazilian(&server, &path).await;
    let one = format!("{path}/{}", made["id"].as_str().unwrap());
    server.admin_delete(&one).await.expect(204);
    server.admin_delete(&one).await.refused(404, "variant_not_found");
    server.admin_patch(&one, json!({"weight": 2})).await.refused(404, "variant_not_found");
    assert_eq!(server.admin_get(&path).await.expect(200), json!({"data": [control]}));
}

#[apply(on_both_stores)]
async fn a_bad_variant_names_every_bad_field(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let path = format!("/waitlists/{list}/variants");
    assert_eq!(server.admin_post(&path, json!({})).await.bad_fields(), ["kind", "locale", "copy"]);
    let bad = json!({
        "kind": "other", "locale": "not a tag", "weight": 1.5, "active": "yes",
        "copy": {"display_name": "x".repeat(201), "description": 5, "confirmation_message": "a\u{202E}b"},
    });
    let fields = server.admin_post(&path, bad).await.bad_fields();
    assert_eq!(fields, ["kind", "locale", "copy.display_name", "copy.description", "copy.confirmation_message", "weight", "active"]);
    let good = json!({"kind": "ab", "locale": "en", "copy": {}});
    let with = |key: &str, value: Value| {
        let mut body = good.clone();
        body[key] = value;
        body
    };
    for weight in [json!(0), json!(101), json!(-1), json!(0.5), json!("1"), json!([])] {
        assert_eq!(server.admin_post(&path, with("weight", weight)).await.bad_fields(), ["weight"]);
    }
    for locale in ["", "e", "en_US", "x-", "en--US", "toolonglanguage"] {
        assert_eq!(server.admin_post(&path, with("locale", json!(locale))).await.bad_fields(), ["locale"], "{locale}");
    }
    assert_eq!(server.admin_post(&path, with("copy", json!([]))).await.bad_fields(), ["copy"]);
    let id = server.admin_get(&path).await.expect(200)["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(server.admin_patch(&format!("{path}/{id}"), json!({"weight": 0, "locale": "_"})).await.bad_fields(), ["locale", "weight"]);
    // The weight of a locale variant is ignored.
    let german = json!({"kind": "locale", "locale": "de", "copy": {}, "weight": 0});
    let german = server.admin_post(&path, german).await.expect(201)["id"].as_str().unwrap().to_owned();
    let changed = server.admin_patch(&format!("{path}/{german}"), json!({"weight": 0, "locale": "fr"})).await.expect(200);
    assert_eq!((&changed["weight"], &changed["locale"]), (&json!(1), &json!("fr")));
    server.admin_delete(&format!("{path}/{german}")).await.expect(204);
    assert_eq!(server.admin_get(&path).await.expect(200)["data"].as_array().unwrap().len(), 1);
}
