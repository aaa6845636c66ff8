//! The visitor's own link: what a person sees, changes and takes with them, who may not, and how an admin replaces the link.

use rally_contracts::samples;
use rally_domain::mail::Links;
use rally_domain::secret::{StoreSecret, TokenUse};
use rally_domain::uuid::Uuid;
use rally_fakes::{FakeSmtp, SmtpOptions};
use rally_tests::deployment::Deployment;
use rally_tests::process::LOG;
use rally_tests::receiver::eventually;
use rally_tests::{Kind, NOW, Reply, TestServer, on_both_stores, send, token};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use time::Duration;

/// The token of a person's link.
fn token_of(joined: &Value) -> &str {
    joined["status_url"].as_str().unwrap().rsplit('/').next().unwrap()
}

async fn get(server: &TestServer, joined: &Value) -> Value {
    server.get(&format!("/v1/me/{}", token_of(joined))).await.expect(200)
}

async fn patch(server: &TestServer, joined: &Value, body: Value) -> Reply {
    send(server.request(Method::PATCH, &format!("/v1/me/{}", token_of(joined))).json(&body)).await
}

async fn page(server: &TestServer, joined: &Value) -> String {
    server.client.get(format!("{}/me/{}", server.base, token_of(joined))).send().await.unwrap().text().await.unwrap()
}

fn ranks(seen: &Value) -> [&Value; 4] {
    ["position", "effective_position", "ahead", "total"].map(|key| &seen[key])
}

#[apply(on_both_stores)]
async fn a_person_sees_their_place_their_friends_and_their_rewards(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.admin_put("/rally/settings", json!({"brand_name": "Acme", "primary_color": "#112233"})).await.expect(200);
    let milestones = json!([{"count": 5, "reward": "a <mug>"}, {"count": 2, "reward": "a sticker"}]);
    let fields = json!([{"key": "company", "label": "Company"}]);
    let settings = json!({"referral_boost": 2, "referral_rewards": {"milestones": milestones}, "custom_fields": fields});
    let list = server.active_list("early", settings).await;
    for n in 0..4 {
        server.join("early", &format!("p{n}@example.com")).await;
    }
    let body = json!({"email": "Ada@Example.com", "name": "Ada", "metadata": {"company": "Acme", "x": [1]}, "locale": "de"});
    let ada = server.sign_up("early", body).await.expect(201);
    let seen = get(&server, &ada).await;
    assert_eq!(
        seen,
        json!({
            "waitlist": {"slug": "early", "display_name": "List early", "workspace_slug": "acme"},
            "brand": {"brand_name": "Acme", "brand_logo_url": null, "primary_color": "#112233"},
            "email": "ada@example.com", "name": "Ada", "locale": "de", "metadata": {"company": "Acme", "x": [1]},
            "custom_fields": [{"key": "company", "label": "Company", "type": "text", "required": false}],
            "status": "pending", "position": 5, "effective_position": 5, "ahead": 4, "total": 5,
            "referral_code": ada["referral_code"], "referral_count": 0, "referrals": [],
            "referral_url": format!("{}/w/acme/early?ref={}", server.base, ada["referral_code"].as_str().unwrap()),
            "rewards": [
                {"count": 2, "reward": "a sticker", "reached_at": null}, {"count": 5, "reward": "a <mug>", "reached_at": null},
            ],
            "next_reward": {"count": 2, "reward": "a sticker", "remaining": 2},
            "mail": {"subscribed": true}, "created_at": NOW, "confirmed_at": null,
        })
    );
    server.clock.advance(Duration::seconds(1));
    server.join_with("early", "one@friend.example", &ada["referral_code"]).await;
    server.clock.advance(Duration::seconds(1));
    let two = server.join_with("early", "two@friend.example", &ada["referral_code"]).await;
    let seen = get(&server, &ada).await;
    // Their effective position is 1 now, and that of the first person too.
    assert_eq!(ranks(&seen), [&json!(5), &json!(1), &json!(1), &json!(7)]);
    assert_eq!(seen["next_reward"], json!({"count": 5, "reward": "a <mug>", "remaining": 3}));
    let friend = |masked: &str, second: u32| json!({"masked_email": masked, "state": "credited", "created_at": format!("2026-01-31T09:00:0{second}.000Z")});
    assert_eq!(seen["referrals"], json!([friend("t***@friend.example", 2), friend("o***@friend.example", 1)]));
    assert_eq!(ranks(&get(&server, &two).await), [&json!(7), &json!(7), &json!(6), &json!(7)]);
    let shown = page(&server, &ada).await;
    for part in ["<html lang=\"de\"", "<bdi>1</bdi>", "<bdi>7</bdi>", "t***@friend.example", "a sticker", "a &#60;mug&#62;"] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    assert!(!shown.contains("two@friend.example"));
    // Another worth of a referral, and rejections, show at once.
    server.admin_patch(&format!("/waitlists/{list}"), json!({"settings": {"referral_boost": 1}})).await.expect(200);
    assert_eq!(ranks(&get(&server, &ada).await), [&json!(5), &json!(3), &json!(3), &json!(7)]);
    let review = async |entry: &Value, status: &str| {
        let path = format!("/waitlists/{list}/entries/{}", entry["id"].as_str().unwrap());
        server.admin_patch(&path, json!({"status": status})).await.expect(200);
    };
    review(&two, "rejected").await;
    assert_eq!(ranks(&get(&server, &two).await), [&json!(7), &json!(7), &json!(null), &json!(6)]);
    review(&ada, "approved").await;
    let seen = get(&server, &ada).await;
    assert_eq!((&seen["status"], &seen["ahead"], &seen["total"]), (&json!("approved"), &json!(3), &json!(6)));
}

#[apply(on_both_stores)]
async fn a_person_changes_what_they_said(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"custom_fields": [{"key": "size", "type": "number", "required": true}]})).await;
    let ada =
        server.sign_up("early", json!({"email": "ada@example.com", "name": "Ada", "metadata": {"size": 1, "old": true}})).await.expect(201);
    server.clock.advance(Duration::hours(1));
    let changed =
        patch(&server, &ada, json!({"name": " Ada L. ", "metadata": {"size": 2, "new": null}, "locale": "PT-br", "unknown": 1})).await;
    let changed = changed.expect(200);
    assert_eq!(
        (&changed["name"], &changed["metadata"], &changed["locale"]),
        (&json!("Ada L."), &json!({"size": 2, "new": null}), &json!("pt-BR"))
    );
    assert_eq!(get(&server, &ada).await, changed);
    let path = format!("/waitlists/{list}/entries/{}", ada["id"].as_str().unwrap());
    let entry = server.admin_get(&path).await.expect(200);
    assert_eq!((&entry["name"], &entry["updated_at"]), (&json!("Ada L."), &json!("2026-01-31T10:00:00.000Z")));
    // A null name or metadata changes nothing, a null language is the workspace's.
    let cleared = patch(&server, &ada, json!({"name": null, "metadata": null, "locale": null, "mail": null})).await.expect(200);
    assert_eq!((&cleared["name"], &cleared["metadata"], &cleared["locale"]), (&json!("Ada L."), &changed["metadata"], &json!(null)));
    for (bad, fields) in [
        (
            json!({"name": " ", "locale": "no_tag", "metadata": {}, "mail": {"subscribed": "no"}}),
            vec!["name", "metadata.size", "locale", "mail.subscribed"],
        ),
        (json!({"name": 7, "locale": 7, "metadata": [], "mail": true}), vec!["name", "metadata", "locale", "mail"]),
        (json!({"name": "a\u{202e}b"}), vec!["name"]),
        (json!({"metadata": {"size": "large"}}), vec!["metadata.size"]),
        (json!({"metadata": {"size": 1, "x": "\u{0}"}}), vec!["metadata"]),
        (json!({"metadata": {"size": 1, "x": "y".repeat(17 * 1024)}}), vec!["metadata"]),
        (json!({"locale": ""}), vec!["locale"]),
        (json!({"mail": []}), vec!["mail"]),
    ] {
        let mut named = patch(&server, &ada, bad.clone()).await.bad_fields();
        named.sort();
        let mut fields = fields;
        fields.sort();
        assert_eq!(named, fields, "{bad}");
    }
    assert_eq!(get(&server, &ada).await, cleared);
    let path = format!("/v1/me/{}", token_of(&ada));
    send(server.request(Method::PATCH, &path).json(&json!([1]))).await.refused(400, "validation_failed");
    send(server.request(Method::PATCH, &path).body("{}")).await.refused(415, "unsupported_media_type");
    let malformed = server.request(Method::PATCH, &path).header("content-type", "application/json").body("{");
    send(malformed).await.refused(400, "malformed_json");
    let large = json!({"metadata": {"x": "y".repeat(70 * 1024)}});
    patch(&server, &ada, large).await.refused(413, "payload_too_large");
}

#[apply(on_both_stores)]
async fn hostile_answers_stay_text(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    for name in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "{{7*7}}",
        "Robert'); DROP TABLE entries;--",
        "\u{1f9d1}\u{200d}\u{1f4bb} \u{645}",
    ] {
        let metadata = json!({ name: {"__proto__": [name, 1e300, -0.5]}, "'": "\"" });
        let changed = patch(&server, &ada, json!({"name": name, "metadata": metadata})).await.expect(200);
        assert_eq!((&changed["name"], &changed["metadata"]), (&json!(name), &metadata));
        let shown = page(&server, &ada).await;
        assert!(!shown.contains("<script>") && !shown.contains("<img"), "{shown}");
        let held = server.get(&format!("/v1/me/{}/export", token_of(&ada))).await.expect(200);
        assert_eq!((&held["entry"]["name"], &held["entry"]["metadata"]), (&json!(name), &metadata));
    }
}

#[apply(on_both_stores)]
async fn changes_of_different_fields_at_once_are_all_kept(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    for round in 0..8 {
        let (name, metadata) = (format!("Ada {round}"), json!({"round": round}));
        let replies = tokio::join!(
            patch(&server, &ada, json!({"name": name})),
            patch(&server, &ada, json!({"metadata": metadata})),
            patch(&server, &ada, json!({"mail": {"subscribed": round % 2 == 0}})),
        );
        [replies.0, replies.1, replies.2].iter().for_each(|reply| drop(reply.expect(200)));
        let seen = get(&server, &ada).await;
        assert_eq!((&seen["name"], &seen["metadata"]), (&json!(name), &metadata));
        assert_eq!(seen["mail"]["subscribed"], round % 2 == 0);
    }
}

#[apply(on_both_stores)]
async fn a_person_turns_their_mail_off_and_on(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    let suppress = async |reason: &str| {
        let body = json!({"email": "ada@example.com", "reason": reason});
        server.admin_post("/suppressions", body).await.expect(201)["id"].as_str().unwrap().to_owned()
    };
    let turn = async |on: bool| patch(&server, &ada, json!({"mail": {"subscribed": on}})).await.expect(200)["mail"]["subscribed"].clone();
    let reasons = async || {
        let listed = server.admin_get("/suppressions").await.expect(200);
        let mut reasons: Vec<String> =
            listed["data"].as_array().unwrap().iter().map(|row| row["reason"].as_str().unwrap().to_owned()).collect();
        reasons.sort();
        reasons
    };
    assert_eq!(turn(true).await, true);
    assert_eq!((turn(false).await, turn(false).await), (json!(false), json!(false)));
    assert_eq!(reasons().await, ["unsubscribed"]);
    assert!(page(&server, &ada).await.contains("You get no mail from this sender."));
    assert_eq!(turn(true).await, true);
    assert_eq!(reasons().await, [""; 0]);
    suppress("erased").await;
    assert_eq!(get(&server, &ada).await["mail"]["subscribed"], true);
    for reason in ["refused", "bounced", "manual"] {
        let id = suppress(reason).await;
        assert_eq!((turn(false).await, turn(true).await), (json!(false), json!(false)), "{reason}");
        let mut expected = ["erased", reason];
        expected.sort();
        assert_eq!(reasons().await, expected);
        server.admin_delete(&format!("/suppressions/{id}")).await.expect(204);
    }
    assert_eq!(turn(true).await, true);
}

#[apply(on_both_stores)]
async fn a_person_takes_everything_with_them(kind: Kind) {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let url = smtp.url();
    let server = TestServer::start_with(kind, |settings| rally_api::boot::config::Settings {
        smtp_url: Some(url),
        smtp_from: Some("rally@mail.example".to_owned()),
        public_url: Some("https://rally.example".to_owned()),
        ..settings
    });
    let server = server.await;
    server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    let list = server.active_list("early", json!({})).await;
    let bob = server.join("early", "bob@example.com").await;
    let body = json!({
        "email": "ada@example.com", "name": "Ada", "interest": "much", "referrer": "a blog", "locale": "de",
        "metadata": {"a": 1}, "referral_code": bob["referral_code"],
    });
    let ada = server.sign_up("early", body).await.expect(201);
    server.join_with("early", "eve@example.com", &ada["referral_code"]).await;
    let path = format!("/waitlists/{list}/entries/{}", ada["id"].as_str().unwrap());
    server.admin_patch(&path, json!({"status": "approved"})).await.expect(200);
    eventually(|| async { (server.ports.mails.depth().await.unwrap().pending == 0).then_some(()) }).await;
    patch(&server, &ada, json!({"mail": {"subscribed": false}})).await.expect(200);
    let reply = server.get(&format!("/v1/me/{}/export", token_of(&ada))).await;
    assert_eq!(reply.header("content-disposition"), Some("attachment; filename=\"early-data.json\""));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let held = reply.expect(200);
    let entry = &held["entry"];
    for (field, expected) in [
        ("id", &ada["id"]),
        ("email", &json!("ada@example.com")),
        ("interest", &json!("much")),
        ("referrer", &json!("a blog")),
        ("locale", &json!("de")),
        ("metadata", &json!({"a": 1})),
        ("referred_by_entry_id", &bob["id"]),
        ("referral_count", &json!(1)),
        ("status", &json!("approved")),
        ("status_url", &ada["status_url"]),
    ] {
        assert_eq!(&entry[field], expected, "{field}");
    }
    assert_eq!(held["referrals"][0]["masked_email"], "e***@example.com");
    assert_eq!(held["suppressions"], json!([{"reason": "unsubscribed", "created_at": NOW}]));
    let of = |rows: &str, keys: [&str; 2]| {
        let mut rows: Vec<String> =
            held[rows].as_array().unwrap().iter().map(|row| keys.map(|key| row[key].to_string()).join(" ")).collect();
        rows.sort();
        rows
    };
    assert_eq!(of("mails", ["kind", "state"]), ["\"approved\" \"sent\"", "\"welcome\" \"sent\""]);
    assert!(held["mails"].as_array().unwrap().iter().all(|mail| mail["to"] == "ada@example.com" && mail["sent_at"] == NOW));
    let quoted = format!("\"{NOW}\"");
    let told = ["approved", "created", "unsubscribed"].map(|what| format!("\"entry.{what}\" {quoted}"));
    assert_eq!(of("events", ["type", "occurred_at"]), told);
    assert_eq!(held["events"][0]["body"]["data"]["entry"]["email"], "ada@example.com");
    for others in ["bob@example.com", "eve@example.com"] {
        assert!(!reply.body.contains(others), "{others} is in {}", reply.body);
    }
}

#[apply(on_both_stores)]
async fn a_token_that_is_no_one_s_opens_nothing(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    let id = Uuid::parse_str(ada["id"].as_str().unwrap()).unwrap();
    let (good, secret) = (token_of(&ada).to_owned(), server.ports.links.secret());
    let other = StoreSecret::new([7; 32]);
    let tokens = [
        "none".to_owned(),
        "A".repeat(43),
        format!("{good}A"),
        good[1..].to_owned(),
        secret.token(TokenUse::Unsubscribe, id, 0),
        secret.token(TokenUse::Confirm, id, 0),
        secret.token(TokenUse::Visit, id, 1),
        secret.token(TokenUse::Visit, Uuid::nil(), 0),
        other.token(TokenUse::Visit, id, 0),
        "%00".to_owned(),
    ];
    for token in &tokens {
        let path = format!("/v1/me/{token}");
        for reply in [
            server.get(&path).await,
            server.get(&format!("{path}/export")).await,
            // An ended link is told before a bad body.
            send(server.request(Method::PATCH, &path).json(&json!({"name": 7}))).await,
        ] {
            reply.refused(404, "link_not_found");
            assert_eq!(reply.header("cache-control"), Some("no-store"));
        }
        let page = server.client.get(format!("{}/me/{token}", server.base)).send().await.unwrap();
        assert_eq!(page.status(), 404, "{token}");
    }
    let path = format!("/waitlists/{list}/entries/{id}");
    server.admin_delete(&path).await.expect(204);
    server.get(&format!("/v1/me/{good}")).await.refused(404, "link_not_found");
    server.get("/v1/me/").await.refused(404, "not_found");
    let refused = send(server.request(Method::POST, &format!("/v1/me/{good}"))).await;
    assert_eq!(refused.status, 405);
}

#[apply(on_both_stores)]
async fn any_page_may_call_and_nobody_may_keep_the_replies(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    for path in [token_of(&ada).to_owned(), format!("{}/export", token_of(&ada)), "A".repeat(43)] {
        let request = server.request(Method::GET, &format!("/v1/me/{path}")).header("origin", "https://any.example");
        let reply = send(request).await;
        for (header, value) in [
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-robots-tag", "noindex"),
            ("access-control-allow-origin", "*"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(reply.header(header), Some(value), "{header}");
        }
        assert_eq!(reply.header("access-control-allow-credentials"), None);
    }
    let preflight = server
        .request(Method::OPTIONS, &format!("/v1/me/{}", token_of(&ada)))
        .header("origin", "https://any.example")
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "content-type");
    let reply = preflight.send().await.unwrap();
    assert!(reply.status().is_success(), "{reply:?}");
    assert!(reply.headers()["access-control-allow-methods"].to_str().unwrap().contains("PATCH"));
    // The pages and the API share one limit.
    for _ in 3..120 {
        get(&server, &ada).await;
    }
    let refused = server.get(&format!("/v1/me/{}", "A".repeat(43))).await;
    refused.refused(429, "too_many_requests");
    assert!(refused.header("retry-after").is_some());
    let page = server.client.get(format!("{}/me/{}", server.base, token_of(&ada))).send().await.unwrap();
    assert_eq!(page.status(), 429);
}

#[apply(on_both_stores)]
async fn a_new_link_ends_the_old_one(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    let path = format!("/waitlists/{list}/entries/{}", ada["id"].as_str().unwrap());
    let opens = async |entry: &Value| server.get(&format!("/v1/me/{}", token_of(entry))).await.status == 200;
    let made = server.admin_post(&format!("{path}/new-link"), json!({})).await.expect(200);
    assert!(made["status_url"] != ada["status_url"] && opens(&made).await && !opens(&ada).await);
    assert_eq!(server.admin_get(&path).await.expect(200)["status_url"], made["status_url"]);
    let new_link = format!("{path}/new-link");
    let at_once = futures_util::future::join_all((0..6).map(|_| server.admin_post(&new_link, json!({})))).await;
    let at_once: Vec<Value> = at_once.iter().map(|reply| reply.expect(200)).collect();
    let mut good = Vec::new();
    for made in &at_once {
        if opens(made).await {
            good.push(made["status_url"].clone());
        }
    }
    let current = server.admin_get(&path).await.expect(200)["status_url"].clone();
    assert_eq!(good, [current]);
    let links: std::collections::HashSet<&str> = at_once.iter().map(|made| made["status_url"].as_str().unwrap()).collect();
    assert_eq!(links.len(), 6);
    // The link that ends mail is another one.
    let unsubscribe = server.links().unsubscribe(rally_domain::id::EntryId::parse(ada["id"].as_str().unwrap()).unwrap());
    assert_eq!(server.client.post(unsubscribe).send().await.unwrap().status(), 200);
    server.admin_post(&format!("/waitlists/{list}/entries/17/new-link"), json!({})).await.refused(404, "entry_not_found");
}

#[apply(on_both_stores)]
async fn only_who_may_change_an_entry_sees_its_link(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    let workspace = server.workspace.id.to_string();
    let path = format!("/v1/workspaces/{workspace}/waitlists/{list}/entries");
    for (scope, url) in [("entry.read", json!(null)), ("*.read", json!(null)), ("entry.read entry.update", ada["status_url"].clone())] {
        let ask = |path: String| send(server.request(Method::GET, &path).bearer_auth(token(&server, &workspace, scope)));
        assert_eq!(ask(format!("{path}/{}", ada["id"].as_str().unwrap())).await.expect(200)["status_url"], url, "{scope}");
        assert_eq!(ask(path.clone()).await.expect(200)["data"][0]["status_url"], url, "{scope}");
    }
    let path = format!("/waitlists/{list}/entries");
    let reviewed = server.admin_patch(&format!("{path}/{}", ada["id"].as_str().unwrap()), json!({"status": "approved"})).await.expect(200);
    assert_eq!(reviewed["status_url"], ada["status_url"]);
    let csv = send(server.admin_request(Method::GET, &format!("{path}/export.csv"))).await;
    assert!(!csv.body.contains("status_url") && !csv.body.contains(token_of(&ada)), "{}", csv.body);
    let id = rally_domain::id::WaitlistId::parse(&list).unwrap();
    let entry = rally_domain::id::EntryId::parse(ada["id"].as_str().unwrap()).unwrap();
    let events = server.ports.entries.records(id, entry).await.unwrap().events;
    assert!(events.iter().all(|event| !event.body.contains(token_of(&ada)) && !event.body.contains("status_url")));
}

#[apply(on_both_stores)]
async fn a_person_of_a_deleted_list_has_no_link(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    server.set_status(&list, "closed").await;
    assert_eq!(get(&server, &ada).await["ahead"], 0, "a closed list is still that of its people");
    server.admin_delete(&format!("/waitlists/{list}")).await.expect(204);
    server.get(&format!("/v1/me/{}", token_of(&ada))).await.refused(404, "link_not_found");
    patch(&server, &ada, json!({"name": "Ada"})).await.refused(404, "link_not_found");
}

#[apply(on_both_stores)]
async fn another_deployment_makes_other_links(kind: Kind) {
    let (server, other) = (TestServer::start(kind).await, TestServer::start(kind).await);
    server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    let entry = rally_domain::id::EntryId::parse(ada["id"].as_str().unwrap()).unwrap();
    let foreign: Links = other.ports.links.with_base(&server.base);
    let token = foreign.status(entry, 0).rsplit('/').next().unwrap().to_owned();
    server.get(&format!("/v1/me/{token}")).await.refused(404, "link_not_found");
    let samples = samples::links().status(entry, 0).rsplit('/').next().unwrap().to_owned();
    server.get(&format!("/v1/me/{samples}")).await.refused(404, "link_not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_is_in_the_log() {
    let mut deployment = Deployment::new(Kind::Sqlite).await;
    deployment.environment.push(("RALLY_LOG", "debug".to_owned()));
    let mut server = deployment.start();
    let ada = deployment.sign_up(&server, "ada@example.com").await.expect(201);
    let token = token_of(&ada);
    for path in ["v1/me/", "me/", "unsubscribe/"] {
        for url in [
            format!("{}/{path}{token}", server.base),
            format!("{}/{path}{token}/export", server.base),
            format!("{}/{path}{token}x", server.base),
        ] {
            deployment.client.get(&url).send().await.unwrap();
            deployment.client.patch(&url).body("{").send().await.unwrap();
        }
    }
    let path = format!("/waitlists/{}/entries/{}/new-link", deployment.list, ada["id"].as_str().unwrap());
    let made = deployment.admin(&server, &path, Some(json!({}))).await.expect(200);
    server.terminate();
    assert!(server.ended_well(std::time::Duration::from_secs(30)));
    let log = std::fs::read_to_string(deployment.directory.path().join(LOG)).unwrap();
    assert!(log.contains("/v1/me/{token}"), "{log}");
    for token in [token, token_of(&made)] {
        assert!(!log.contains(token) && !log.contains(&token[22..]), "a token is in {log}");
    }
}

/// Each change leaves an event for a month, so one entry takes only so many.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_changes_an_entry_only_so_often() {
    let server = TestServer::start(Kind::Sqlite).await;
    server.active_list("early", json!({})).await;
    let (ada, bob) = (server.join("early", "ada@example.com").await, server.join("early", "bob@example.com").await);
    let rename = async |who: &Value, n: u32| patch(&server, who, json!({"name": format!("Name {n}")})).await;
    for n in 0..60 {
        rename(&ada, n).await.expect(200);
    }
    let refused = rename(&ada, 60).await;
    assert_eq!(refused.header("retry-after"), Some("720"));
    refused.refused(429, "too_many_requests");
    rename(&bob, 1).await.expect(200);
    server.clock.advance(Duration::minutes(12));
    rename(&ada, 61).await.expect(200);
    assert_eq!(get(&server, &ada).await["name"], "Name 61");
}
