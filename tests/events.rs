//! The feed of events.

use std::time::{Duration, Instant};

use rally_domain::event::EventKind;
use rally_domain::id::EntryId;
use rally_tests::receiver::{Receiver, eventually};
use rally_tests::{Kind, Reply, TestServer, on_both_stores, send};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};

/// The kinds that these tests count.
const REVIEWED: &str = "types=entry.created,entry.approved,entry.rejected";

async fn read(server: &TestServer, query: &str) -> Value {
    server.admin_get(&format!("/events?{query}")).await.expect(200)
}

/// What the events of a page are about: their kinds and addresses.
fn told(page: &Value) -> Vec<String> {
    let event = |event: &Value| format!("{} {}", event["type"].as_str().unwrap(), event["data"]["entry"]["email"].as_str().unwrap_or("?"));
    page["data"].as_array().unwrap().iter().map(event).collect()
}

fn next(page: &Value) -> String {
    format!("after={}", page["next"].as_str().unwrap())
}

#[apply(on_both_stores)]
async fn a_feed_has_what_webhooks_get_in_its_order(kind: Kind) {
    let server = TestServer::start(kind).await;
    let empty = read(&server, "").await;
    assert_eq!((&empty["data"], &empty["has_more"]), (&json!([]), &json!(false)));
    let list = server.active_list("early", json!({"approval_required": false})).await;
    let ada = server.join("early", "ada@example.com").await;
    let page = read(&server, &format!("{REVIEWED}&{}", next(&empty))).await;
    assert_eq!(told(&page), ["entry.created ada@example.com", "entry.approved ada@example.com"]);
    let event = &page["data"][0];
    assert_eq!((&event["workspace_id"], &event["timestamp"]), (&json!(server.workspace.id.to_string()), &json!(rally_tests::NOW)));
    let mut entry = server.admin_get(&format!("/waitlists/{list}/entries/{}", ada["id"].as_str().unwrap())).await.expect(200);
    // The link of the person is for admins alone.
    entry.as_object_mut().unwrap().remove("status_url");
    assert_eq!(event["data"]["entry"], entry);
    assert_eq!(event["data"]["waitlist"], json!({"id": list, "slug": "early", "display_name": "List early"}));
    server.join("early", "bob@example.com").await;
    let first = read(&server, &format!("{REVIEWED}&limit=3")).await;
    assert_eq!((told(&first).len(), &first["has_more"]), (3, &json!(true)));
    let rest = read(&server, &format!("{REVIEWED}&{}", next(&first))).await;
    assert_eq!((told(&rest), &rest["has_more"]), (vec!["entry.approved bob@example.com".to_owned()], &json!(false)));
    let end = read(&server, &next(&rest)).await;
    assert_eq!((&end["data"], &end["next"]), (&json!([]), &rest["next"]));
}

#[apply(on_both_stores)]
async fn a_reader_chooses_kinds_and_a_list(kind: Kind) {
    let server = TestServer::start(kind).await;
    let (early, late) =
        (server.active_list("early", json!({"approval_required": false})).await, server.active_list("late", json!({})).await);
    server.join("early", "ada@example.com").await;
    server.join("late", "bob@example.com").await;
    assert_eq!(told(&read(&server, "types=entry.approved").await), ["entry.approved ada@example.com"]);
    assert_eq!(told(&read(&server, &format!("{REVIEWED}&waitlist_id={late}")).await), ["entry.created bob@example.com"]);
    let both = read(&server, &format!("types=entry.created,entry.approved&waitlist_id={early}")).await;
    assert_eq!(told(&both), ["entry.created ada@example.com", "entry.approved ada@example.com"]);
    // A cursor works with another filter.
    server.join("late", "eve@example.com").await;
    assert_eq!(told(&read(&server, &format!("types=entry.created&{}", next(&both))).await), ["entry.created eve@example.com"]);
    let nobody = read(&server, "waitlist_id=00000000-0000-7000-8000-000000000000").await;
    assert_eq!((&nobody["data"], nobody["next"].is_string()), (&json!([]), true));
}

#[apply(on_both_stores)]
async fn a_bad_query_of_a_feed_names_every_bad_field(kind: Kind) {
    let server = TestServer::start(kind).await;
    let bad = server.admin_get("/events?types=entry.created,nothing&waitlist_id=17&limit=101&wait=26&after=x").await;
    bad.refused(400, "validation_failed");
    assert_eq!(bad.bad_fields(), ["types", "waitlist_id", "limit", "wait", "after"]);
    // A cursor belongs to its workspace.
    let cursor = read(&server, "").await["next"].as_str().unwrap().to_owned();
    let other = rally_contracts::samples::workspace(&server.ports, "other").await.id;
    let path = format!("/v1/workspaces/{other}/events?after={cursor}");
    let refused = send(server.request(Method::GET, &path).bearer_auth(rally_tests::token(&server, "*", "*"))).await;
    refused.refused(400, "validation_failed");
    assert_eq!(refused.bad_fields(), ["after"]);
}

#[apply(on_both_stores)]
async fn a_cursor_whose_event_is_gone_has_expired(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    let start = read(&server, "limit=1&types=entry.rejected").await;
    server.join("early", "ada@example.com").await;
    let page = read(&server, REVIEWED).await;
    server.clock.advance(time::Duration::days(30));
    assert_eq!(read(&server, &next(&page)).await["data"], json!([]));
    server.clock.advance(time::Duration::milliseconds(1));
    for page in [&start, &page] {
        server.admin_get(&format!("/events?{}", next(page))).await.refused(410, "cursor_expired");
    }
    // What is too old is not read, even before it is pruned.
    assert_eq!(read(&server, "").await["data"], json!([]));
    server.ports.deliveries.prune(server.ports.clock.now(), 100).await.unwrap();
    let empty = read(&server, "").await;
    assert_eq!(empty["data"], json!([]));
    server.clock.advance(time::Duration::days(30) + time::Duration::milliseconds(1));
    server.admin_get(&format!("/events?{}", next(&empty))).await.refused(410, "cursor_expired");
}

#[apply(on_both_stores)]
async fn the_feed_forgets_people_who_are_deleted(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    for (address, query) in [("ada@example.com", ""), ("bob@example.com", "?erase=true")] {
        let id = server.join("early", address).await["id"].as_str().unwrap().to_owned();
        server.admin_delete(&format!("/waitlists/{list}/entries/{id}{query}")).await.expect(204);
        let page = read(&server, REVIEWED).await;
        let event = page["data"].as_array().unwrap().last().unwrap();
        assert_eq!((&event["erased"], &event["data"]), (&json!(true), &json!({"entry": {"id": id}, "waitlist": {"id": list}})));
        assert!(!page.to_string().contains(address), "{page}");
    }
    let last = read(&server, "limit=100").await;
    server.admin_delete(&format!("/waitlists/{list}")).await.expect(204);
    assert_eq!(read(&server, REVIEWED).await["data"], json!([]));
    // Who had read it goes on, before and after the purge.
    server.active_list("late", json!({})).await;
    server.join("late", "eve@example.com").await;
    for _ in 0..2 {
        assert_eq!(told(&read(&server, &format!("{REVIEWED}&{}", next(&last))).await), ["entry.created eve@example.com"]);
        while server.ports.purges.purge(100).await.unwrap() {}
    }
}

#[apply(on_both_stores)]
async fn referrals_and_rewards_are_in_the_feed_without_a_webhook(kind: Kind) {
    let server = TestServer::start(kind).await;
    let rewards = json!({"referral_rewards": {"milestones": [{"count": 1, "reward": "a mug"}]}});
    let list = server.active_list("early", rewards).await;
    let start = next(&read(&server, "limit=100").await);
    let ada = server.join("early", "ada@example.com").await;
    let bob = server.join_with("early", "bob@example.com", &ada["referral_code"]).await;
    let page = read(&server, &start).await;
    let data = page["data"].as_array().unwrap();
    let kinds = |data: &[Value]| data.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(kinds(data), ["entry.created", "entry.created", "referral.credited", "reward.reached"]);
    let (referral, reward) = (&data[2]["data"], &data[3]["data"]);
    assert_eq!((&referral["referral"]["referrer_entry_id"], &referral["referral"]["referred_entry_id"]), (&ada["id"], &bob["id"]));
    assert_eq!((&reward["entry"]["referral_count"], &reward["milestone"]["reward"]), (&json!(1), &json!("a mug")));
    let row = format!("/waitlists/{list}/referrals/{}", referral["referral"]["id"].as_str().unwrap());
    for state in ["revoked", "revoked", "withheld", "credited"] {
        server.admin_patch(&row, json!({"state": state})).await.expect(200);
    }
    let rest = read(&server, &format!("types=referral.credited,referral.withheld,referral.revoked,reward.reached&{}", next(&page))).await;
    assert_eq!(kinds(rest["data"].as_array().unwrap()), ["referral.revoked", "referral.withheld", "referral.credited"]);
}

/// Reads the next page, and waits for it.
async fn wait(server: &TestServer, query: &str) -> (Reply, Duration) {
    let begun = Instant::now();
    let reply = server.admin_get(&format!("/events?{query}")).await;
    (reply, begun.elapsed())
}

#[apply(on_both_stores)]
async fn a_reader_waits_for_the_next_event(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    let here = next(&read(&server, "limit=100").await);
    let (nothing, took) = wait(&server, &format!("{here}&wait=1")).await;
    assert_eq!(nothing.expect(200)["data"], json!([]));
    assert!(took >= Duration::from_millis(900), "{took:?}");
    let query = format!("{REVIEWED}&{here}&wait=20");
    let readers = async { tokio::join!(wait(&server, &query), wait(&server, &query)) };
    let writer = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.join("early", "ada@example.com").await;
    };
    let (replies, ()) = tokio::join!(readers, writer);
    for (reply, took) in [replies.0, replies.1] {
        assert_eq!(told(&reply.expect(200)), ["entry.created ada@example.com"]);
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
    // An event that the filter leaves out ends no wait, and the cursor goes past it.
    let (skipped, _) = wait(&server, &format!("types=entry.rejected&{here}&wait=1")).await;
    let skipped = skipped.expect(200);
    assert_eq!((&skipped["data"], told(&read(&server, &next(&skipped)).await)), (&json!([]), vec![]));
}

/// A reader whose key is revoked while it waits is told nothing more.
#[apply(on_both_stores)]
async fn a_key_that_is_revoked_ends_a_wait_without_an_event(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({})).await;
    let here = next(&read(&server, "limit=100").await);
    let key = server.admin_post("/api-keys", json!({"name": "etl", "scope": "webhook.read entry.read"})).await.expect(201);
    let url = format!("{}/v1/workspaces/{}/events?{here}&wait=20", server.base, server.workspace.id);
    let request = reqwest::Client::builder().no_proxy().build().unwrap().get(url).bearer_auth(key["key"].as_str().unwrap());
    let writer = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.admin_delete(&format!("/api-keys/{}", key["id"].as_str().unwrap())).await.expect(204);
        tokio::time::sleep(Duration::from_millis(1200)).await;
        server.join("early", "ada@example.com").await;
    };
    let (reply, ()) = tokio::join!(send(request), writer);
    reply.refused(401, "unauthorized");
}

#[apply(on_both_stores)]
async fn a_server_that_stops_ends_the_waiting(kind: Kind) {
    let server = TestServer::start(kind).await;
    let (running, base) = server.second().await;
    let url = format!("{base}/v1/workspaces/{}/events?wait=25", server.workspace.id);
    let request = reqwest::Client::builder().no_proxy().build().unwrap().get(url).bearer_auth(server.token("*"));
    let waiting = tokio::spawn(async move { request.send().await.unwrap().status() });
    tokio::time::sleep(Duration::from_secs(2)).await;
    let begun = Instant::now();
    running.stop().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(waiting.await.unwrap(), 200);
}

#[apply(on_both_stores)]
async fn every_change_is_told_to_webhooks_and_in_the_feed(kind: Kind) {
    let (server, receiver) = (TestServer::start(kind).await, Receiver::start().await);
    let names = EventKind::ALL.map(EventKind::as_str);
    server.admin_post("/webhooks", json!({"url": receiver.url, "events": names})).await.expect(201);
    let list = server.active_list("early", json!({"invite_url": "https://app.example/join?mail={email}&code={code}"})).await;
    let ada = server.join("early", "ada@example.com").await["id"].as_str().unwrap().to_owned();
    let entry = format!("/waitlists/{list}/entries/{ada}");
    server.admin_patch(&entry, json!({"status": "approved"})).await.expect(200);
    let id = EntryId::parse(&ada).unwrap();
    let token = |link: String| link.rsplit_once('/').unwrap().1.to_owned();
    let me = format!("/v1/me/{}", token(server.ports.links.status(id, 0)));
    for _ in 0..2 {
        send(server.request(Method::PATCH, &me).json(&json!({"name": "Ada King"}))).await.expect(200);
        server.admin_post(&format!("{entry}/invite-to-app"), json!({})).await.expect(200);
        send(server.request(Method::PATCH, &me).json(&json!({"mail": {"subscribed": false}}))).await.expect(200);
    }
    server.admin_delete(&entry).await.expect(204);
    let bob = server.join("early", "bob@example.com").await["id"].as_str().unwrap().to_owned();
    let status_url = server.ports.links.status(EntryId::parse(&bob).unwrap(), 0);
    send(server.request(Method::DELETE, &format!("/v1/me/{}", token(status_url)))).await.expect(204);
    server.set_status(&list, "paused").await;

    let page = read(&server, "limit=100").await;
    let data = page["data"].as_array().unwrap();
    let kinds: Vec<&str> = data.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "waitlist.status_changed",
            "entry.created",
            "entry.approved",
            "entry.updated",
            "entry.invited",
            "entry.unsubscribed",
            "entry.deleted",
            "entry.created",
            "entry.erased",
            "waitlist.status_changed",
        ]
    );
    let gone = |id: &str, position| json!({"entry_id": id, "waitlist_id": list, "position": position});
    assert_eq!((&data[6]["data"], &data[8]["data"]), (&gone(&ada, 1), &gone(&bob, 2)));
    let waitlist = json!({"id": list, "slug": "early", "display_name": "List early"});
    assert_eq!(data[9]["data"], json!({"waitlist": waitlist, "from": "active", "to": "paused"}));
    assert!(data[1..6].iter().all(|event| event["erased"] == true && event["data"]["entry"] == json!({"id": ada})), "{page}");
    // The webhook gets what is left, too.
    for kind in ["entry.deleted", "entry.erased"] {
        let event = data.iter().find(|event| event["type"] == kind).unwrap();
        let arrived = || receiver.received().into_iter().find(|request| request.id() == event["id"].as_str().unwrap());
        let request = eventually(|| async { arrived() }).await;
        assert_eq!(serde_json::from_str::<Value>(&request.body).unwrap(), *event);
    }
}
