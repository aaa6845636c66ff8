//! The log of mail, and mail that tries a template.

use rally_api::boot::config::Settings;
use rally_fakes::{FakeSmtp, SmtpOptions};
use rally_tests::receiver::eventually;
use rally_tests::{Kind, Reply, TestServer, on_both_stores, send, token};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use time::Duration;

async fn start(kind: Kind) -> (TestServer, FakeSmtp) {
    start_with(kind, |settings| settings).await
}

async fn start_with(kind: Kind, change: impl FnOnce(Settings) -> Settings) -> (TestServer, FakeSmtp) {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let url = smtp.url();
    let server = TestServer::start_with(kind, |settings| Settings {
        smtp_url: Some(url),
        smtp_from: Some("Rally <rally@mail.example>".to_owned()),
        public_url: Some("https://rally.example".to_owned()),
        ..change(settings)
    });
    (server.await, smtp)
}

async fn try_out(server: &TestServer, place: &str, to: &str) -> Reply {
    server.admin_post(&format!("/mail-templates/{place}/test"), json!({ "to": to })).await
}

async fn log(server: &TestServer, query: &str) -> Vec<Value> {
    server.admin_get(&format!("/mails?{query}")).await.expect(200)["data"].as_array().unwrap().clone()
}

/// The mails of the log once none of them waits.
async fn settled(server: &TestServer) -> Vec<Value> {
    eventually(|| async { Some(log(server, "limit=100").await).filter(|mails| mails.iter().all(|mail| mail["state"] != "pending")) }).await
}

#[apply(on_both_stores)]
async fn the_log_tells_what_became_of_each_mail(kind: Kind) {
    let (server, smtp) = start(kind).await;
    server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    let list = server.active_list("early", json!({})).await;
    smtp.answer_recipient("bob@example.com", "554 5.7.1 no mail for <bob@example.com>");
    server.admin_post("/suppressions", json!({"email": "eve@example.com"})).await.expect(201);
    let mut ids = Vec::new();
    for name in ["ada", "bob", "eve"] {
        let person = json!({"email": format!("{name}@example.com"), "name": name, "locale": "tr"});
        ids.push(server.sign_up("early", person).await.expect(201)["id"].clone());
    }
    let mails = settled(&server).await;
    let of = |name: &str| mails.iter().find(|mail| mail["to"] == format!("{name}@example.com")).unwrap();
    let ada = of("ada");
    let expected = json!({
        "id": ada["id"], "waitlist_id": list, "entry_id": ids[0], "kind": "welcome", "locale": "tr", "to": "ada@example.com",
        "state": "sent", "attempts": 1, "last_error": null, "created_at": rally_tests::NOW, "sent_at": rally_tests::NOW,
    });
    assert_eq!(ada, &expected);
    let bob = of("bob");
    assert_eq!((&bob["state"], &bob["attempts"], &bob["sent_at"]), (&json!("failed"), &json!(1), &Value::Null));
    let error = bob["last_error"].as_str().unwrap();
    assert!(error.contains("5.7.1") && !error.contains("bob@"), "{error}");
    assert_eq!(of("eve")["state"], "suppressed");
    for (query, count) in [
        ("state=sent", 1),
        ("state=failed", 1),
        ("state=pending", 0),
        ("state=expired", 0),
        ("kind=welcome", 3),
        ("kind=link", 0),
        ("kind=welcome&state=suppressed", 1),
        (&format!("entry_id={}", ids[1].as_str().unwrap()), 1),
        (&format!("entry_id={}&state=sent", ids[1].as_str().unwrap()), 0),
        ("entry_id=00000000-0000-7000-8000-000000000000", 0),
    ] {
        assert_eq!(log(&server, query).await.len(), count, "{query}");
    }
}

#[apply(on_both_stores)]
async fn the_log_is_paged_newest_first(kind: Kind) {
    let (server, _smtp) = start(kind).await;
    server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    server.active_list("early", json!({})).await;
    for n in 0..5 {
        server.clock.advance(Duration::milliseconds(1));
        server.join("early", &format!("p{n}@example.com")).await;
    }
    settled(&server).await;
    let (mut seen, mut path) = (Vec::new(), "/mails?limit=2&kind=welcome".to_owned());
    loop {
        let page = server.admin_get(&path).await.expect(200);
        seen.extend(page["data"].as_array().unwrap().iter().map(|mail| mail["to"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["pagination"]["next_cursor"].as_str() else { break };
        path = format!("/mails?limit=2&kind=welcome&cursor={cursor}");
        server.clock.advance(Duration::milliseconds(1));
        server.join("early", &format!("late{}@example.com", seen.len())).await;
    }
    assert_eq!(seen, [4, 3, 2, 1, 0].map(|n| format!("p{n}@example.com")));
    let cursor = path.rsplit_once('=').unwrap().1;
    for other in ["", "kind=link&", "state=sent&kind=welcome&"] {
        assert_eq!(server.admin_get(&format!("/mails?{other}cursor={cursor}")).await.bad_fields(), ["cursor"], "{other}");
    }
    let bad = "entry_id=17&state=done&kind=news&limit=0";
    assert_eq!(server.admin_get(&format!("/mails?{bad}")).await.bad_fields(), ["limit", "entry_id", "state", "kind"]);
}

/// A template of a workspace may have no link to unsubscribe. The mail has one nevertheless, unless the person has just asked for it.
#[apply(on_both_stores)]
async fn a_template_without_a_way_out_is_sent_with_one(kind: Kind) {
    let (server, smtp) = start(kind).await;
    server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    let body = json!({"subject": "Hej", "text": "Bara ord", "html": "<p>Bara ord</p>"});
    for place in ["welcome/de", "link/de", "welcome/sv"] {
        server.admin_put(&format!("/mail-templates/{place}"), body.clone()).await.expect(200);
    }
    server.active_list("early", json!({})).await;
    server.sign_up("early", json!({"email": "ada@example.com", "name": "Ada", "locale": "de"})).await.expect(201);
    let welcome = eventually(|| async { smtp.received().pop() }).await;
    let link = "\r\n\r\nMails abbestellen\r\nhttps://rally.example/unsubscribe/";
    assert!(welcome.text.replace("\r\n", "\n").starts_with(&format!("Bara ord{}", link.replace("\r\n", "\n"))), "{}", welcome.text);
    assert!(welcome.html.as_ref().is_some_and(|html| html.contains("<p><a href=\"https://rally.example/unsubscribe/")), "{welcome:?}");
    server.post("/v1/waitlists/acme/early/lost-link", json!({"email": "ada@example.com"})).await.expect(202);
    let asked = eventually(|| async { smtp.received().get(1).cloned() }).await;
    assert_eq!(asked.text.trim(), "Bara ord");
    // Rally has no words in this language. The workspace has another one.
    server.admin_put("/rally/settings", json!({"default_locale": "fr"})).await.expect(200);
    server.sign_up("early", json!({"email": "bo@example.com", "name": "Bo", "locale": "sv"})).await.expect(201);
    let welcome = eventually(|| async { smtp.received().get(2).cloned() }).await;
    assert!(welcome.text.contains("Se désabonner"), "{}", welcome.text);
}

#[apply(on_both_stores)]
async fn a_template_is_tried_on_an_address(kind: Kind) {
    let (server, smtp) = start(kind).await;
    // Notifications are off, and the address is suppressed.
    server.admin_post("/suppressions", json!({"email": "me@else.example", "reason": "bounced"})).await.expect(201);
    server.admin_put("/rally/settings", json!({"brand_name": "Acme"})).await.expect(200);
    let body = json!({"subject": "Hej {{ brand.name }}", "text": "{{ entry.name }} {{ confirm_url }}"});
    server.admin_put("/mail-templates/confirm/sv", body).await.expect(200);
    let tried = try_out(&server, "confirm/sv", " Me@Else.example ").await.expect(202);
    let mail = eventually(|| async { smtp.received().pop() }).await;
    assert_eq!((mail.to.as_str(), mail.subject.as_str()), ("me@else.example", "Hej Acme"));
    assert!(mail.text.contains("http"), "{}", mail.text);
    let logged = settled(&server).await;
    let expected = json!({
        "id": tried["mail_id"], "waitlist_id": null, "entry_id": null, "kind": "confirm", "locale": "sv", "to": "me@else.example",
        "state": "sent", "attempts": 1, "last_error": null, "created_at": rally_tests::NOW, "sent_at": rally_tests::NOW,
    });
    assert_eq!(logged, [expected]);
    try_out(&server, "welcome/sv", "me@else.example").await.refused(404, "mail_template_not_found");
    try_out(&server, "news/en", "me@else.example").await.refused(404, "not_found");
    assert_eq!(try_out(&server, "welcome/no_tag", "me@else.example").await.bad_fields(), ["locale"]);
    for bad in
        [json!({}), json!({"to": null}), json!({"to": 7}), json!({"to": "nobody"}), json!({"to": "a@example.com\r\nBcc: b@example.com"})]
    {
        assert_eq!(server.admin_post("/mail-templates/welcome/en/test", bad.clone()).await.bad_fields(), ["to"], "{bad}");
    }
}

#[apply(on_both_stores)]
async fn ten_templates_are_tried_in_an_hour(kind: Kind) {
    let (server, _smtp) = start(kind).await;
    let (_second, base) = match kind {
        Kind::Postgres => {
            let (running, base) = server.second().await;
            (Some(running), base)
        }
        Kind::Sqlite => (None, server.base.clone()),
    };
    let other = rally_contracts::samples::workspace(&server.ports, "other").await.id.to_string();
    for n in 0..10 {
        let base = if n % 2 == 0 { &base } else { &server.base };
        let url = format!("{base}/v1/workspaces/{}/mail-templates/welcome/en/test", server.workspace.id);
        send(server.client.post(url).bearer_auth(server.token("*")).json(&json!({"to": "me@else.example"}))).await.expect(202);
        server.clock.advance(Duration::minutes(1));
    }
    let refused = try_out(&server, "welcome/en", "me@else.example").await;
    refused.refused(429, "too_many_requests");
    assert_eq!(refused.header("retry-after"), Some("3000"));
    let foreign = server.request(Method::POST, &format!("/v1/workspaces/{other}/mail-templates/welcome/en/test"));
    send(foreign.bearer_auth(token(&server, &other, "*")).json(&json!({"to": "me@else.example"}))).await.expect(202);
    server.clock.advance(Duration::minutes(50));
    try_out(&server, "welcome/en", "me@else.example").await.expect(202);
    try_out(&server, "welcome/en", "me@else.example").await.refused(429, "too_many_requests");
}

#[apply(on_both_stores)]
async fn a_test_needs_what_mail_over_smtp_needs(kind: Kind) {
    let without = TestServer::start(kind).await;
    let refused = try_out(&without, "welcome/en", "me@else.example").await;
    assert_eq!(refused.bad_fields(), ["notifications"]);
    assert!(refused.refused(400, "validation_failed").to_string().contains("RALLY_SMTP_URL"));
    let (server, _smtp) = start(kind).await;
    server.admin_put("/rally/settings", json!({"default_sender_address": "hello@else.example"})).await.expect(200);
    assert_eq!(try_out(&server, "welcome/en", "me@else.example").await.bad_fields(), ["default_sender_address"]);
    assert!(log(&server, "").await.is_empty());
}

/// A server behind a proxy, where strangers may cause two mails in an hour.
async fn start_with_budget(kind: Kind) -> (TestServer, FakeSmtp) {
    let some = |text: &str| Some(text.to_owned());
    let change = |settings| Settings { mail_budget: some("2/1h"), trusted_proxies: some("127.0.0.1"), ..settings };
    let (server, smtp) = start_with(kind, change).await;
    server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    (server, smtp)
}

/// Somebody signs up through the proxy.
async fn visit(server: &TestServer, client: &str, name: &str) -> Reply {
    let request = server.request(Method::POST, "/v1/waitlists/acme/early/entries").header("x-forwarded-for", client);
    send(request.json(&json!({"email": format!("{name}@example.com"), "name": name}))).await
}

/// The state of each mail of a kind, by the name of the person, in the order of the names.
async fn states(server: &TestServer, kind: &str) -> Vec<String> {
    let mails = log(server, &format!("limit=100&kind={kind}")).await;
    let text = |mail: &Value, key: &str| mail[key].as_str().unwrap().to_owned();
    let mut states: Vec<_> =
        mails.iter().map(|mail| format!("{} {}", text(mail, "to").replace("@example.com", ""), text(mail, "state"))).collect();
    states.sort();
    states
}

async fn become_states(server: &TestServer, kind: &str, expected: &[&str]) {
    eventually(|| async { Some(states(server, kind).await).filter(|states| states == expected) }).await;
}

#[apply(on_both_stores)]
async fn strangers_cause_few_mails_and_the_rest_waits(kind: Kind) {
    let (server, smtp) = start_with_budget(kind).await;
    let list = server.active_list("early", json!({})).await;
    visit(&server, "198.51.100.1", "ada").await.expect(201);
    visit(&server, "203.0.113.1", "bob").await.expect(201);
    become_states(&server, "welcome", &["ada sent", "bob sent"]).await;
    let eve = visit(&server, "198.51.100.2", "eve").await.expect(201);
    visit(&server, "2001:db8::1", "far").await.expect(201);
    // What an admin causes does not wait.
    let path = format!("/waitlists/{list}/entries/{}", eve["id"].as_str().unwrap());
    server.admin_patch(&path, json!({"status": "approved"})).await.expect(200);
    become_states(&server, "approved", &["eve sent"]).await;
    let (_second, _) = server.second().await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(states(&server, "welcome").await, ["ada sent", "bob sent", "eve pending", "far pending"]);
    assert_eq!(smtp.received().len(), 3);
    server.clock.advance(Duration::HOUR);
    become_states(&server, "welcome", &["ada sent", "bob sent", "eve sent", "far sent"]).await;
}

#[apply(on_both_stores)]
async fn a_mail_that_waits_for_longer_than_its_sign_up_is_expired(kind: Kind) {
    let (server, smtp) = start_with_budget(kind).await;
    server.active_list("early", json!({"email_confirmation": true})).await;
    for name in ["ada", "bob"] {
        visit(&server, "198.51.100.1", name).await.expect(202);
    }
    become_states(&server, "confirm", &["ada sent", "bob sent"]).await;
    visit(&server, "203.0.113.1", "eve").await.expect(202);
    assert_eq!(states(&server, "confirm").await[2], "eve pending");
    server.clock.advance(Duration::days(7));
    become_states(&server, "confirm", &["ada sent", "bob sent", "eve expired"]).await;
    assert_eq!(smtp.received().len(), 2);
}
