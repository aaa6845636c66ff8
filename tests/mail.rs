//! Mail through Envoi: how a workspace turns it on, its contents, and that no request waits for it or fails with it.

use std::collections::HashSet;

use rally_api::boot::upstreams::MAIL_DEADLINE;
use rally_contracts::remote::{PENDING_DOMAIN, RECEIVING_DOMAIN};
use rally_domain::id::EntryId;
use rally_fakes::http::{Misbehaviour, PRIVATE};
use rally_fakes::{Domain, Sent};
use rally_tests::receiver::eventually;
use rally_tests::upstreams::{KEY, Upstreams, notifications};
use rally_tests::{Kind, TestServer, on_both_stores, upstreams};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use time::Duration;

/// A domain that Envoi does not know.
const NO_DOMAIN: &str = "00000000-0000-0000-0000-000000000000";

async fn turn_on(server: &TestServer) {
    server.admin_put("/rally/settings", notifications()).await.expect(200);
}

/// The mails that were sent, once there are that many.
async fn sent(world: &Upstreams, number: usize) -> Vec<Sent> {
    eventually(|| async { Some(world.envoi.state().sent.clone()).filter(|sent| sent.len() >= number) }).await
}

fn tries(world: &Upstreams) -> usize {
    world.envoi.requests().iter().filter(|request| request.line.starts_with("POST")).count()
}

/// Waits until there were that many attempts and no mail is due now. Returns how many mails wait for later.
async fn settled(server: &TestServer, number: usize, world: &Upstreams) -> u64 {
    eventually(|| async {
        let depth = server.ports.mails.depth().await.unwrap();
        let later = depth.oldest_due_at.is_none_or(|due| due > server.ports.clock.now());
        (tries(world) >= number && depth.running == 0 && later).then_some(depth.pending)
    })
    .await
}

#[apply(on_both_stores)]
async fn every_event_has_its_mail(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    turn_on(&server).await;
    let list = server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    let path = format!("/waitlists/{list}/entries/{}", ada["id"].as_str().unwrap());
    sent(&world, 1).await;
    server.admin_patch(&path, json!({"status": "approved"})).await.expect(200);
    sent(&world, 2).await;
    server.admin_patch(&path, json!({"status": "rejected"})).await.expect(200);
    server.active_list("open", json!({"approval_required": false})).await;
    server.join("open", "bob@example.com").await;
    let sent = sent(&world, 4).await;
    let told: Vec<_> = sent.iter().map(|mail| (mail.template.as_str(), mail.to.as_str())).collect();
    assert_eq!(told[..2], [("welcome", "ada@example.com"), ("approved", "ada@example.com")]);
    assert_eq!(
        HashSet::from_iter(told[2..].iter().copied()),
        HashSet::from([("rejected", "ada@example.com"), ("welcome", "bob@example.com")])
    );
    // The key is the event's id.
    let events: HashSet<String> =
        rally_contracts::samples::told(&server.ports, 10).await.iter().map(|event| event.id.to_string()).collect();
    assert!(sent.iter().all(|mail| events.contains(&mail.key)));
    assert_eq!(settled(&server, 4, &world).await, 0);
    assert_eq!(world.envoi.state().sent.len(), 4);
}

#[apply(on_both_stores)]
async fn a_mail_tells_of_its_entry_its_list_and_the_brand(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    turn_on(&server).await;
    server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    let welcome = sent(&world, 1).await.remove(0);
    assert_eq!((welcome.workspace.as_str(), welcome.from.as_str()), (server.workspace.id.to_string().as_str(), "hello@acme.example"));
    let code = ada["referral_code"].as_str().unwrap();
    let (links, id) = (server.links(), EntryId::parse(ada["id"].as_str().unwrap()).unwrap());
    let entry = json!({
        "id": ada["id"], "email": "ada@example.com", "name": "Somebody", "position": 1, "effective_position": 1, "referral_code": code,
        "referral_url": format!("{}/w/acme/early?ref={code}", server.base), "status": "pending",
        "status_url": links.status(id, 0), "unsubscribe_url": links.unsubscribe(id), "locale": "en",
    });
    let waitlist = json!({"slug": "early", "display_name": "List early"});
    let brand = json!({"name": "Acme", "logo_url": null, "primary_color": null});
    assert_eq!(welcome.data, json!({"entry": entry, "waitlist": waitlist, "brand": brand}));
}

#[apply(on_both_stores)]
async fn a_sign_up_does_not_wait_for_a_mail_service_that_hangs(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    turn_on(&server).await;
    server.active_list("early", json!({})).await;
    world.envoi.misbehave(Some(Misbehaviour::Hang));
    let crowd = async {
        for n in 0..20 {
            server.join("early", &format!("p{n}@example.com")).await;
        }
    };
    // One that waits for the service would wait as long as its deadline.
    let waits = MAIL_DEADLINE.try_into().unwrap();
    tokio::time::timeout(waits, crowd).await.expect("no sign-up waits for the service");
}

#[apply(on_both_stores)]
async fn a_mail_service_that_was_away_for_an_hour_is_sent_everything_once(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    turn_on(&server).await;
    server.active_list("early", json!({})).await;
    world.envoi.misbehave(Some(Misbehaviour::Status(500)));
    for n in 0..5 {
        server.join("early", &format!("p{n}@example.com")).await;
    }
    let mut expected = 5;
    // At once, after 5 s, 5 min and 30 min, each up to a tenth more or less.
    for wait in [Duration::seconds(6), Duration::minutes(6), Duration::minutes(34)] {
        assert_eq!(settled(&server, expected, &world).await, 5);
        server.clock.advance(wait);
        expected += 5;
    }
    assert_eq!(settled(&server, expected, &world).await, 5);
    assert!(world.envoi.state().sent.is_empty());
    world.envoi.misbehave(None);
    server.clock.advance(Duration::hours(3));
    let first = sent(&world, 5).await;
    assert_eq!(settled(&server, expected + 5, &world).await, 0);
    let sent = world.envoi.state().sent.clone();
    assert_eq!((sent.len(), first.iter().map(|mail| mail.to.clone()).collect::<HashSet<_>>().len()), (5, 5));
}

#[apply(on_both_stores)]
async fn what_is_refused_for_good_is_not_tried_again(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    turn_on(&server).await;
    server.active_list("early", json!({})).await;
    world.envoi.state().suppressed.insert("gone@example.com".to_owned());
    server.join("early", "gone@example.com").await;
    server.join("early", "ada@example.com").await;
    sent(&world, 1).await;
    assert_eq!(settled(&server, 2, &world).await, 0);
    server.clock.advance(Duration::days(2));
    server.join("early", "bob@example.com").await;
    assert_eq!(sent(&world, 2).await[1].to, "bob@example.com");
    let asked = world.envoi.requests().into_iter().filter(|request| request.body.contains("gone@example.com")).count();
    assert_eq!(asked, 1);
}

#[apply(on_both_stores)]
async fn a_mail_service_that_asks_for_time_gets_it(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    turn_on(&server).await;
    server.active_list("early", json!({})).await;
    world.envoi.misbehave(Some(Misbehaviour::TooMany(120)));
    server.join("early", "ada@example.com").await;
    assert_eq!(settled(&server, 1, &world).await, 1);
    let due = server.ports.mails.depth().await.unwrap().oldest_due_at.unwrap();
    assert_eq!(due, server.ports.clock.now().plus(Duration::seconds(120)));
    world.envoi.misbehave(None);
    server.clock.advance(Duration::seconds(120));
    sent(&world, 1).await;
}

/// The settings that turn notifications on, with another value.
fn with(key: &str, value: Value) -> Value {
    let mut settings = notifications();
    settings[key] = value;
    settings
}

#[apply(on_both_stores)]
async fn notifications_need_what_envoi_knows(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    let put = |change: Value| async { server.admin_put("/rally/settings", change).await };
    for (id, intent, status) in [(PENDING_DOMAIN, "both", "pending"), (RECEIVING_DOMAIN, "receive", "active")] {
        let domain = Domain { fqdn: "acme.example".to_owned(), intent, status };
        world.envoi.state().domains.insert(("*".to_owned(), id.to_string()), domain);
    }
    for (bad, fields) in [
        (with("default_sender_domain_id", json!(NO_DOMAIN)), &["default_sender_domain_id"][..]),
        (with("default_sender_domain_id", json!(PENDING_DOMAIN.to_string())), &["default_sender_domain_id"]),
        (with("default_sender_domain_id", json!(RECEIVING_DOMAIN.to_string())), &["default_sender_domain_id"]),
        (with("default_sender_domain_id", json!("..")), &["default_sender_domain_id"]),
        (with("default_sender_address", json!("hello@other.example")), &["default_sender_address"]),
        (with("default_sender_address", json!("hello@sub.acme.example")), &["default_sender_address"]),
        (with("welcome_template_name", json!("none")), &["welcome_template_name"]),
        (with("rejected_template_name", json!("welcome/send")), &["rejected_template_name"]),
        (with("confirm_template_name", json!("none")), &["confirm_template_name"]),
        (with("link_template_name", json!("none")), &["link_template_name"]),
    ] {
        assert_eq!(put(bad.clone()).await.bad_fields(), fields, "{bad}");
    }
    let all = json!({
        "notifications_via_envoi": true, "default_sender_domain_id": NO_DOMAIN, "default_sender_address": "a@b.example",
        "welcome_template_name": "x", "approved_template_name": "y", "rejected_template_name": "z",
    });
    assert_eq!(
        put(all).await.bad_fields(),
        ["default_sender_domain_id", "welcome_template_name", "approved_template_name", "rejected_template_name"]
    );
    assert_eq!(put(json!({"notifications_via_envoi": true})).await.bad_fields().len(), 5);
    assert_eq!(server.admin_get("/rally/settings").await.expect(200)["updated_at"], Value::Null);
    // In any letter case, since a domain has none.
    assert_eq!(put(with("default_sender_address", json!("Hello@ACME.example"))).await.expect(200)["notifications_via_envoi"], true);
}

#[apply(on_both_stores)]
async fn while_notifications_are_on_a_change_of_what_they_need_is_checked(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    let put = |change: Value| async { server.admin_put("/rally/settings", change).await };
    turn_on(&server).await;
    assert_eq!(put(json!({"approved_template_name": "none"})).await.bad_fields(), ["approved_template_name"]);
    assert_eq!(put(json!({"approved_template_name": null})).await.bad_fields(), ["approved_template_name"]);
    // Envoi is not asked for settings that mail does not need.
    let asked = world.envoi.requests().len();
    put(json!({"brand_name": "Other"})).await.expect(200);
    assert_eq!(world.envoi.requests().len(), asked);
    assert_eq!(put(json!({"confirm_template_name": "none"})).await.bad_fields(), ["confirm_template_name"]);
    // These two may be absent.
    for template in [json!("welcome"), Value::Null] {
        let set = put(json!({"confirm_template_name": template, "link_template_name": template})).await.expect(200);
        assert_eq!((&set["confirm_template_name"], &set["link_template_name"]), (&template, &template));
    }
    put(json!({"notifications_via_envoi": false, "approved_template_name": "none"})).await.expect(200);
}

#[apply(on_both_stores)]
async fn envoi_in_trouble_changes_no_settings(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    let before = server.admin_get("/rally/settings").await.expect(200);
    for how in Misbehaviour::QUICK.into_iter().chain([400, 401, 403, 422, 429].map(Misbehaviour::Status)) {
        world.envoi.misbehave(Some(how));
        let reply = server.admin_put("/rally/settings", notifications()).await;
        reply.refused(502, "upstream_failed");
        assert!(!reply.body.contains(PRIVATE) && !reply.body.contains(KEY), "{reply:?}");
    }
    assert_eq!(server.admin_get("/rally/settings").await.expect(200), before);
    // Settings that are not about mail still work.
    server.admin_put("/rally/settings", json!({"brand_name": "Acme"})).await.expect(200);
}

#[apply(on_both_stores)]
async fn deleting_an_entry_stops_its_mail(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    turn_on(&server).await;
    let list = server.active_list("early", json!({})).await;
    world.envoi.misbehave(Some(Misbehaviour::Status(503)));
    let ada = server.join("early", "ada@example.com").await;
    assert_eq!(settled(&server, 1, &world).await, 1);
    server.admin_delete(&format!("/waitlists/{list}/entries/{}", ada["id"].as_str().unwrap())).await.expect(204);
    world.envoi.misbehave(None);
    assert_eq!(server.ports.mails.depth().await.unwrap().pending, 0);
}

/// Two servers look at the same queue, and neither sends the mails of the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_send_every_mail_once() {
    let (server, world) = rally_tests::upstreams::start(rally_tests::Kind::Postgres).await;
    let _second = server.second().await;
    turn_on(&server).await;
    server.active_list("early", json!({})).await;
    for n in 0..60 {
        server.join("early", &format!("p{n}@example.com")).await;
    }
    sent(&world, 60).await;
    assert_eq!(settled(&server, 60, &world).await, 0);
    assert_eq!(tries(&world), 60);
}
