//! Suppressions on the admin surface: what is listed, added, checked and lifted, and that it stops mail.

use rally_contracts::samples;
use rally_fakes::{FakeSmtp, SmtpOptions};
use rally_tests::receiver::eventually;
use rally_tests::{Kind, TestServer, on_both_stores, send, token};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use time::Duration;

async fn suppress(server: &TestServer, body: Value) -> Value {
    server.admin_post("/suppressions", body).await.expect(201)
}

async fn check(server: &TestServer, email: &str) -> Value {
    server.admin_post("/suppressions/check", json!({ "email": email })).await.expect(200)
}

#[apply(on_both_stores)]
async fn an_address_is_suppressed_for_each_reason(kind: Kind) {
    let server = TestServer::start(kind).await;
    assert_eq!(check(&server, "ada@example.com").await, json!({"suppressed": false, "reason": null}));
    let manual = suppress(&server, json!({"email": " Ada@Example.com "})).await;
    assert_eq!((&manual["reason"], &manual["masked_email"]), (&json!("manual"), &json!("a***@example.com")));
    assert_eq!(manual["created_at"], rally_tests::NOW);
    for reason in ["unsubscribed", "refused", "bounced", "erased"] {
        server.clock.advance(Duration::seconds(1));
        let made = suppress(&server, json!({"email": "ada@example.com", "reason": reason})).await;
        assert_eq!(made["reason"], reason);
        assert_eq!(made["masked_email"].is_null(), reason == "erased");
        assert_eq!(check(&server, "ADA@example.com").await, json!({"suppressed": true, "reason": reason}));
    }
    server.clock.advance(Duration::seconds(1));
    assert_eq!(suppress(&server, json!({"email": "ada@example.com", "reason": null})).await, manual);
    assert_eq!(check(&server, "ada@example.com").await["reason"], "erased");
    assert_eq!(check(&server, "bob@example.com").await["suppressed"], false);
    let listed = server.admin_get("/suppressions").await.expect(200);
    let reasons: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|row| row["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["erased", "bounced", "refused", "unsubscribed", "manual"]);
    assert_eq!(listed["pagination"], json!({"next_cursor": null, "has_more": false}));
}

#[apply(on_both_stores)]
async fn suppressions_are_paged_newest_first(kind: Kind) {
    let server = TestServer::start(kind).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        server.clock.advance(Duration::milliseconds(1));
        ids.push(suppress(&server, json!({"email": format!("p{n}@example.com")})).await["id"].clone());
    }
    ids.reverse();
    let (mut seen, mut path) = (Vec::new(), "/suppressions?limit=2".to_owned());
    loop {
        let page = server.admin_get(&path).await.expect(200);
        seen.extend(page["data"].as_array().unwrap().iter().map(|row| row["id"].clone()));
        let Some(cursor) = page["pagination"]["next_cursor"].as_str() else { break };
        path = format!("/suppressions?limit=2&cursor={cursor}");
        suppress(&server, json!({"email": format!("late{}@example.com", seen.len())})).await;
    }
    assert_eq!(seen, ids);
    let cursor = path.rsplit_once('=').unwrap().1;
    for (bad, field) in [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("cursor=x", "cursor")] {
        assert_eq!(server.admin_get(&format!("/suppressions?{bad}")).await.bad_fields(), [field], "{bad}");
    }
    assert_eq!(server.admin_get(&format!("/waitlists?cursor={cursor}")).await.bad_fields(), ["cursor"]);
}

#[apply(on_both_stores)]
async fn a_suppression_is_lifted_alone_and_by_its_own_workspace(kind: Kind) {
    let server = TestServer::start(kind).await;
    let other = samples::workspace(&server.ports, "other").await.id.to_string();
    let manual = suppress(&server, json!({"email": "ada@example.com"})).await;
    server.clock.advance(Duration::seconds(1));
    let bounced = suppress(&server, json!({"email": "ada@example.com", "reason": "bounced"})).await;
    let path = |row: &Value| format!("/suppressions/{}", row["id"].as_str().unwrap());
    let foreign = |method: Method, path: &str| {
        server.request(method, &format!("/v1/workspaces/{other}{path}")).bearer_auth(token(&server, &other, "*"))
    };
    send(foreign(Method::DELETE, &path(&bounced))).await.refused(404, "suppression_not_found");
    assert_eq!(send(foreign(Method::GET, "/suppressions")).await.expect(200)["data"], json!([]));
    let asked = foreign(Method::POST, "/suppressions/check").json(&json!({"email": "ada@example.com"}));
    assert_eq!(send(asked).await.expect(200)["suppressed"], false);
    server.admin_delete(&path(&bounced)).await.expect(204);
    assert_eq!(check(&server, "ada@example.com").await["reason"], "manual");
    server.admin_delete(&path(&bounced)).await.refused(404, "suppression_not_found");
    server.admin_delete(&path(&manual)).await.expect(204);
    assert_eq!(check(&server, "ada@example.com").await["suppressed"], false);
    for id in ["17", "00000000-0000-7000-8000-000000000000"] {
        server.admin_delete(&format!("/suppressions/{id}")).await.refused(404, "suppression_not_found");
    }
}

#[apply(on_both_stores)]
async fn bad_suppressions_name_their_fields(kind: Kind) {
    let server = TestServer::start(kind).await;
    for (body, fields) in [
        (json!({}), vec!["email"]),
        (json!({"email": null}), vec!["email"]),
        (json!({"email": 7, "reason": 7}), vec!["email", "reason"]),
        (json!({"email": "nobody", "reason": "Manual"}), vec!["email", "reason"]),
        (json!({"email": "a@example.com", "reason": ""}), vec!["reason"]),
        (json!({"email": format!("{}@example.com", "a".repeat(250))}), vec!["email"]),
        (json!({"email": "a\u{0}@example.com"}), vec!["email"]),
    ] {
        assert_eq!(server.admin_post("/suppressions", body.clone()).await.bad_fields(), fields, "{body}");
        let checked: Vec<&str> = fields.iter().copied().filter(|field| *field == "email").collect();
        if !checked.is_empty() {
            assert_eq!(server.admin_post("/suppressions/check", body.clone()).await.bad_fields(), checked, "{body}");
        }
    }
    for path in ["/suppressions", "/suppressions/check"] {
        send(server.admin_request(Method::POST, path).body("{}")).await.refused(415, "unsupported_media_type");
    }
    assert_eq!(server.admin_get("/suppressions").await.expect(200)["data"], json!([]));
}

#[apply(on_both_stores)]
async fn an_address_gets_mail_again_once_it_is_lifted(kind: Kind) {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let url = smtp.url();
    let server = TestServer::start_with(kind, |settings| rally_api::boot::config::Settings {
        smtp_url: Some(url),
        smtp_from: Some("rally@mail.example".to_owned()),
        smtp_domains: Some("mail.example".to_owned()),
        public_url: Some("https://rally.example".to_owned()),
        ..settings
    });
    let server = server.await;
    server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    let list = server.active_list("early", json!({})).await;
    let suppression = suppress(&server, json!({"email": "ADA@example.com"})).await;
    let ada = server.join("early", "ada@example.com").await;
    eventually(|| async { (server.ports.mails.depth().await.unwrap().pending == 0).then_some(()) }).await;
    assert!(smtp.received().is_empty());
    server.admin_delete(&format!("/suppressions/{}", suppression["id"].as_str().unwrap())).await.expect(204);
    let path = format!("/waitlists/{list}/entries/{}", ada["id"].as_str().unwrap());
    server.admin_patch(&path, json!({"status": "approved"})).await.expect(200);
    let mail = eventually(|| async { smtp.received().pop() }).await;
    assert_eq!(mail.to, "ada@example.com");
}
