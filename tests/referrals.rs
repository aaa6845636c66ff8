//! The referral ledger: what is listed, decided, found and previewed, what dishonest people try, and that counts stay exact.

use std::collections::HashSet;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use rally_fakes::{FakeSmtp, Received, SmtpOptions};
use rally_tests::receiver::{Receiver, eventually};
use rally_tests::{Kind, Reply, TestServer, on_both_stores, send};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use time::Duration;

/// A server behind a trusted proxy, so that a test chooses the networks.
async fn behind_a_proxy(kind: Kind) -> TestServer {
    TestServer::start_with(kind, |settings| rally_api::boot::config::Settings { trusted_proxies: Some("127.0.0.1".to_owned()), ..settings })
        .await
}

/// A sign-up with a code, from a client behind the proxy.
async fn from(server: &TestServer, forwarded: &str, email: &str, code: &Value) -> Reply {
    let request = server.request(Method::POST, "/v1/waitlists/acme/early/entries").header("x-forwarded-for", forwarded);
    send(request.json(&json!({"email": email, "name": "Somebody", "referral_code": code}))).await
}

async fn referrals(server: &TestServer, list: &str, query: &str) -> Vec<Value> {
    let page = server.admin_get(&format!("/waitlists/{list}/referrals?limit=100{query}")).await.expect(200);
    page["data"].as_array().unwrap().clone()
}

async fn count(server: &TestServer, list: &str, entry: &Value) -> u64 {
    let entry = server.admin_get(&format!("/waitlists/{list}/entries/{}", entry["id"].as_str().unwrap())).await.expect(200);
    entry["referral_count"].as_u64().unwrap()
}

async fn me(server: &TestServer, joined: &Value) -> Value {
    let token = joined["status_url"].as_str().unwrap().rsplit('/').next().unwrap();
    server.get(&format!("/v1/me/{token}")).await.expect(200)
}

fn scores(rows: &[Value]) -> Vec<u64> {
    rows.iter().map(|row| row["score"].as_u64().unwrap()).collect()
}

#[apply(on_both_stores)]
async fn every_referral_is_a_row_that_can_be_decided_about(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"referral_boost": 2})).await;
    server.join("early", "first@example.com").await;
    let ada = server.join("early", "ada@example.com").await;
    let bob = server.join_with("early", "bob@example.com", &ada["referral_code"]).await;
    let rows = referrals(&server, &list, "").await;
    let id = rows[0]["id"].as_str().unwrap();
    let expected = json!([{
        "id": id, "referrer_entry_id": ada["id"], "referred_entry_id": bob["id"], "state": "credited", "score": 40,
        "reasons": ["same_network"], "created_at": rally_tests::NOW, "decided_at": null, "decided_by": null, "reason": null,
    }]);
    assert_eq!(json!(rows), expected);
    let path = format!("/waitlists/{list}/referrals/{id}");
    server.clock.advance(Duration::seconds(1));
    let revoked = server.admin_patch(&path, json!({"state": "revoked", "reason": " one person "})).await.expect(200);
    assert_eq!(
        (&revoked["state"], &revoked["reason"], &revoked["decided_at"]),
        (&json!("revoked"), &json!("one person"), &json!("2026-01-31T09:00:01.000Z"))
    );
    assert!(revoked["decided_by"].is_string());
    assert_eq!(count(&server, &list, &ada).await, 0);
    assert_eq!(server.get("/v1/waitlists/acme/early/leaderboard").await.expect(200), json!([]));
    server.clock.advance(Duration::seconds(1));
    assert_eq!(server.admin_patch(&path, json!({"state": "revoked", "reason": "again"})).await.expect(200), revoked);
    let seen = me(&server, &ada).await;
    assert_eq!((&seen["referrals"][0]["state"], &seen["referral_count"]), (&json!("waiting"), &json!(0)));
    server.admin_patch(&path, json!({"state": "credited"})).await.expect(200);
    assert_eq!(count(&server, &list, &ada).await, 1);
    assert_eq!(referrals(&server, &list, "&state=withheld").await, Vec::<Value>::new());
    assert_eq!(referrals(&server, &list, &format!("&referrer_entry_id={}", bob["id"].as_str().unwrap())).await, Vec::<Value>::new());
    assert_eq!(server.admin_patch(&path, json!({"state": "maybe", "reason": "x".repeat(501)})).await.bad_fields(), ["state", "reason"]);
    assert_eq!(
        server.admin_get(&format!("/waitlists/{list}/referrals?state=no&referrer_entry_id=no")).await.bad_fields(),
        ["state", "referrer_entry_id"]
    );
    for unknown in ["nonsense", "01890a5d-ac96-774b-bcce-b302099a8057"] {
        let path = format!("/waitlists/{list}/referrals/{unknown}");
        server.admin_patch(&path, json!({"state": "revoked"})).await.refused(404, "referral_not_found");
    }
    let other = server.active_list("other", json!({})).await;
    let path = format!("/waitlists/{other}/referrals/{id}");
    server.admin_patch(&path, json!({"state": "revoked"})).await.refused(404, "referral_not_found");
}

/// A friend who confirms the address is judged by what was known when the form came: its network, and the address.
#[apply(on_both_stores)]
async fn a_confirmed_friend_is_judged_by_the_form(kind: Kind) {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let url = smtp.url();
    let some = |text: &str| Some(text.to_owned());
    let server = TestServer::start_with(kind, |settings| rally_api::boot::config::Settings {
        trusted_proxies: some("127.0.0.1"),
        smtp_url: Some(url),
        smtp_from: some("Rally <rally@mail.example>"),
        ..settings
    });
    let server = server.await;
    server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    let settings = json!({"email_confirmation": true, "referral_fraud": "withhold", "referral_fraud_threshold": 50});
    let list = server.active_list("early", settings).await;
    let confirmed = async |client: &str, email: &str, code: &Value| {
        from(&server, client, email, code).await.expect(202);
        let is_theirs = |mail: &Received| mail.to == email;
        let mail = eventually(|| async { smtp.received().into_iter().find(is_theirs) }).await;
        let token = mail.text.split("/confirm/").nth(1).unwrap().chars().take_while(|c| c.is_alphanumeric() || "-_".contains(*c));
        let request = server.request(Method::POST, &format!("/v1/confirmations/{}", token.collect::<String>()));
        send(request.header("x-forwarded-for", "203.0.113.99")).await.expect(201)
    };
    let ada = confirmed("198.51.100.1", "ada@example.com", &Value::Null).await;
    let code = &ada["referral_code"];
    confirmed("198.51.100.200", "near@example.com", code).await;
    confirmed("192.0.2.1", "far@mailinator.com", code).await;
    let mut told: Vec<Value> = referrals(&server, &list, "").await;
    told.sort_by_key(|row| row["score"].as_u64());
    let told: Vec<Value> = told.iter().map(|row| json!([row["score"], row["reasons"], row["state"]])).collect();
    assert_eq!(json!(told), json!([[40, ["same_network"], "credited"], [50, ["disposable"], "withheld"]]));
}

#[apply(on_both_stores)]
async fn many_referrals_are_tried_decided_and_taken_back(kind: Kind) {
    let server = behind_a_proxy(kind).await;
    let list = server.active_list("early", json!({})).await;
    for n in 0..5 {
        server.join("early", &format!("p{n}@example.com")).await;
    }
    let ada = server.join("early", "ada@example.com").await;
    let bob = server.join("early", "bob@example.com").await;
    let mut friends = Vec::new();
    for n in 0..4 {
        let code = if n == 3 { &bob["referral_code"] } else { &ada["referral_code"] };
        friends.push(from(&server, "198.51.100.7", &format!("f{n}@example.com"), code).await.expect(201));
    }
    let path = format!("/waitlists/{list}/referrals/bulk");
    let body = json!({"referrer_entry_id": ada["id"], "state": "revoked", "dry_run": true});
    let effect = json!({
        "entry_id": ada["id"], "referral_count_before": 3, "referral_count_after": 0,
        "effective_position_before": 3, "effective_position_after": 6,
    });
    let dry = server.admin_post(&path, body.clone()).await.expect(200);
    assert_eq!(dry, json!({"matched": 3, "changed": 3, "more": false, "effects": [effect]}));
    assert_eq!(count(&server, &list, &ada).await, 3);
    let body = json!({"referrer_entry_id": ada["id"], "state": "revoked", "dry_run": false});
    assert_eq!(server.admin_post(&path, body.clone()).await.expect(200), dry);
    let again = server.admin_post(&path, body).await.expect(200);
    assert_eq!(again, json!({"matched": 0, "changed": 0, "more": false, "effects": []}));
    let network = json!({"network_of": friends[0]["id"], "state": "revoked"});
    let by_network = server.admin_post(&path, network).await.expect(200);
    assert_eq!((&by_network["changed"], &by_network["effects"][0]["entry_id"]), (&json!(1), &bob["id"]));
    let unknown = server.admin_post(&path, json!({"network_of": ada["id"], "state": "credited"})).await.expect(200);
    assert_eq!(unknown["matched"], 0, "the proxy itself has no network");
    let ids: Vec<Value> = referrals(&server, &list, "").await.iter().map(|row| row["id"].clone()).collect();
    let twice: Vec<&Value> = ids.iter().chain(&ids).collect();
    let back = server.admin_post(&path, json!({"ids": twice, "state": "credited", "reason": "they are a class"})).await.expect(200);
    assert_eq!((&back["matched"], &back["changed"]), (&json!(4), &json!(4)));
    assert_eq!((count(&server, &list, &ada).await, count(&server, &list, &bob).await), (3, 1));
    for (bad, field) in [
        (json!({"state": "revoked"}), "ids"),
        (json!({"ids": [], "state": "revoked"}), "ids"),
        (json!({"ids": ids, "network_of": ada["id"], "state": "revoked"}), "ids"),
        (json!({"ids": vec![ids[0].clone(); 1001], "state": "revoked"}), "ids"),
        (json!({"ids": ["nobody"], "state": "revoked"}), "ids[0]"),
        (json!({"referrer_entry_id": "nobody", "state": "revoked"}), "referrer_entry_id"),
        (json!({"ids": ids}), "state"),
    ] {
        assert_eq!(server.admin_post(&path, bad).await.bad_fields(), [field]);
    }
}

#[apply(on_both_stores)]
async fn rings_are_found_and_a_boost_is_tried(kind: Kind) {
    let server = behind_a_proxy(kind).await;
    let list = server.active_list("early", json!({"referral_hourly_cap": 2})).await;
    let (ada, bob) = (server.join("early", "ada@example.com").await, server.join("early", "bob@example.com").await);
    for n in 0..5 {
        from(&server, &format!("198.51.{n}.1"), &format!("a{n}@example.com"), &ada["referral_code"]).await.expect(201);
    }
    for n in 0..7 {
        server.clock.advance(Duration::hours(1));
        from(&server, "203.0.113.9", &format!("b{n}@example.com"), &bob["referral_code"]).await.expect(201);
    }
    let rings = server.admin_get(&format!("/waitlists/{list}/referrals/rings")).await.expect(200);
    let shown: Vec<_> =
        rings["data"].as_array().unwrap().iter().map(|ring| (ring["size"].as_u64().unwrap(), ring["reasons"].clone())).collect();
    let (network, burst) = (json!(["same_network"]), json!(["burst"]));
    assert_eq!(shown, [(4, network.clone()), (4, network), (3, burst)]);
    assert_eq!(rings["data"][2]["referrer_entry_ids"], json!([ada["id"]]));
    let by_network = rings["data"].as_array().unwrap().iter().find(|ring| ring["network_of"].is_string()).unwrap();
    let body = json!({"network_of": by_network["network_of"], "state": "revoked", "dry_run": true});
    let tried = server.admin_post(&format!("/waitlists/{list}/referrals/bulk"), body).await.expect(200);
    assert_eq!(tried["matched"], 7, "the whole network, with those below the score");
    let path = format!("/waitlists/{list}/referral-policy/preview");
    let preview = server.admin_post(&path, json!({"referral_boost": 0})).await.expect(200);
    assert_eq!(preview["moved"], 1);
    assert_eq!(
        preview["effects"],
        json!([{
            "entry_id": bob["id"], "referral_count_before": 7, "referral_count_after": 7,
            "effective_position_before": 1, "effective_position_after": 2,
        }])
    );
    for bad in [json!({}), json!({"referral_boost": 1001}), json!({"referral_boost": "1"})] {
        assert_eq!(server.admin_post(&path, bad).await.bad_fields(), ["referral_boost"]);
    }
}

/// Signs up as many people as there are networks with one code, 50 at a time.
async fn crowd(server: &TestServer, name: &str, code: &Value, networks: impl Iterator<Item = String>) -> Vec<Value> {
    let join =
        |(n, network): (usize, String)| async move { from(server, &network, &format!("{name}{n}@example.com"), code).await.expect(201) };
    stream::iter(networks.enumerate()).map(join).buffer_unordered(50).collect().await
}

#[apply(on_both_stores)]
async fn a_crowd_with_one_code_is_withheld(kind: Kind) {
    let server = behind_a_proxy(kind).await;
    let list = server.active_list("early", json!({"referral_fraud": "withhold", "referral_hourly_cap": 10})).await;
    let (ada, bob) = (server.join("early", "ada@example.com").await, server.join("early", "bob@example.com").await);
    let neighbours = crowd(&server, "n", &ada["referral_code"], (0..1000).map(|_| "198.51.100.1".to_owned())).await;
    let botnet = crowd(&server, "b", &bob["referral_code"], (0..500).map(|n| format!("203.{}.{}.1", n / 250, n % 250))).await;
    assert!(neighbours.iter().chain(&botnet).all(|entry| entry["status"] == "pending"));
    for referrer in [&ada, &bob] {
        assert_eq!(count(&server, &list, referrer).await, 10);
        let seen = me(&server, referrer).await;
        assert_eq!(seen["referral_count"], 10);
        let states: HashSet<&str> = seen["referrals"].as_array().unwrap().iter().map(|friend| friend["state"].as_str().unwrap()).collect();
        assert!(states.is_subset(&HashSet::from(["credited", "waiting"])), "{states:?}");
    }
    let analytics = server.admin_get(&format!("/waitlists/{list}/analytics")).await.expect(200);
    assert_eq!((&analytics["referred_count"], &analytics["top_referrals"][0]["referral_count"]), (&json!(1500), &json!(10)));
    let one = neighbours[0]["id"].as_str().unwrap();
    let entry = server.admin_get(&format!("/waitlists/{list}/entries/{one}")).await.expect(200);
    assert_eq!(entry["referred_by_entry_id"], ada["id"], "it is set in every state");
}

#[apply(on_both_stores)]
async fn a_person_cannot_refer_themselves(kind: Kind) {
    let server = behind_a_proxy(kind).await;
    let list = server.active_list("early", json!({"referral_fraud": "withhold"})).await;
    let mut last = server.join("early", "m.allory@gmail.com").await;
    for (n, address) in ["mallory+1@gmail.com", "mal.lory@googlemail.com", "mallory+2@gmail.com"].into_iter().enumerate() {
        let next = from(&server, &format!("198.51.{n}.1"), address, &last["referral_code"]).await.expect(201);
        assert_eq!(count(&server, &list, &last).await, 0);
        last = next;
    }
    let rows = referrals(&server, &list, "&state=withheld").await;
    assert_eq!(scores(&rows), [100; 3]);
    assert!(rows.iter().all(|row| row["reasons"] == json!(["same_mailbox"])));
    // Leaving and coming back earns nothing more.
    let ada = server.join("early", "ada@example.com").await;
    for n in 0..3 {
        let friend = from(&server, &format!("203.0.{n}.1"), "friend@example.com", &ada["referral_code"]).await.expect(201);
        let token = friend["status_url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        send(server.request(Method::DELETE, &format!("/v1/me/{token}"))).await.expect(204);
    }
    assert_eq!(count(&server, &list, &ada).await, 1);
    let seen = me(&server, &ada).await;
    let friends = seen["referrals"].as_array().unwrap();
    assert!(friends.len() == 3 && friends.iter().all(|friend| friend["masked_email"].is_null()));
}

#[apply(on_both_stores)]
async fn a_client_cannot_choose_its_network(kind: Kind) {
    let server = behind_a_proxy(kind).await;
    let list = server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    for n in 0..5 {
        let forwarded = format!("203.0.{n}.1, 198.51.100.1");
        from(&server, &forwarded, &format!("p{n}@example.com"), &ada["referral_code"]).await.expect(201);
    }
    let mut found = scores(&referrals(&server, &list, "").await);
    found.sort_unstable();
    assert_eq!(found, [0, 0, 0, 40, 40], "what a client writes to the left is ignored");
    // A proxy's own address stands for many people.
    let bob = server.join("early", "bob@example.com").await;
    for n in 0..5 {
        from(&server, "127.0.0.1", &format!("q{n}@example.com"), &bob["referral_code"]).await.expect(201);
    }
    let rows = referrals(&server, &list, &format!("&referrer_entry_id={}", bob["id"].as_str().unwrap())).await;
    assert_eq!(scores(&rows), [0; 5]);
}

#[apply(on_both_stores)]
async fn webhooks_are_told_of_referrals_and_rewards(kind: Kind) {
    let server = TestServer::start(kind).await;
    let receiver = Receiver::start().await;
    let rewards = json!({"milestones": [{"count": 2, "reward": "a mug"}]});
    let list = server.active_list("early", json!({"referral_rewards": rewards})).await;
    let kinds = json!(["referral.credited", "referral.withheld", "referral.revoked", "reward.reached"]);
    server.admin_post("/webhooks", json!({"url": receiver.url, "events": kinds})).await.expect(201);
    let ada = server.join("early", "ada@example.com").await;
    server.join_with("early", "bob@example.com", &ada["referral_code"]).await;
    server.clock.advance(Duration::seconds(1));
    let eve = server.join_with("early", "eve@example.com", &ada["referral_code"]).await;
    let seen = me(&server, &ada).await;
    assert_eq!(seen["rewards"][0]["reached_at"], "2026-01-31T09:00:01.000Z");
    let row = referrals(&server, &list, "").await[0].clone();
    assert_eq!(row["referred_entry_id"], eve["id"]);
    let path = format!("/waitlists/{list}/referrals/{}", row["id"].as_str().unwrap());
    for state in ["revoked", "credited"] {
        server.admin_patch(&path, json!({ "state": state })).await.expect(200);
    }
    let told: Vec<Value> = receiver.wait_for(5).await.iter().map(|request| request.json()).collect();
    let of = |kind: &str| told.iter().filter(|body| body["type"] == kind).collect::<Vec<_>>();
    assert_eq!((of("referral.credited").len(), of("referral.revoked").len(), of("reward.reached").len()), (3, 1, 1));
    let revoked = &of("referral.revoked")[0]["data"];
    let expected = json!({
        "id": row["id"], "referrer_entry_id": ada["id"], "referred_entry_id": eve["id"], "state": "revoked", "score": 40,
        "reasons": ["same_network"],
    });
    assert_eq!((&revoked["referral"], &revoked["waitlist"]["slug"]), (&expected, &json!("early")));
    let reached = &of("reward.reached")[0]["data"];
    assert_eq!((&reached["entry"]["id"], &reached["milestone"]), (&ada["id"], &json!({"count": 2, "reward": "a mug"})));
    let token = eve["status_url"].as_str().unwrap().rsplit('/').next().unwrap();
    let held = server.get(&format!("/v1/me/{token}/export")).await.expect(200);
    assert!(!held["events"].to_string().contains("referral."), "persons are not told how they are judged");
}

#[apply(on_both_stores)]
async fn counts_equal_credited_rows_whatever_happens_at_once(kind: Kind) {
    let server = behind_a_proxy(kind).await;
    let list = server.active_list("early", json!({"referral_fraud": "withhold", "referral_hourly_cap": 5})).await;
    let (ada, bob) = (server.join("early", "ada@example.com").await, server.join("early", "bob@example.com").await);
    let work = (0..40).map(|n| {
        let (server, list, referrer) = (&server, &list, if n % 2 == 0 { &ada } else { &bob });
        async move {
            let joined = from(server, &format!("198.51.{}.1", n % 5), &format!("p{n}@example.com"), &referrer["referral_code"]).await;
            let entry = format!("/waitlists/{list}/entries/{}", joined.expect(201)["id"].as_str().unwrap());
            let state = ["credited", "withheld", "revoked"][n % 3];
            let bulk = json!({"referrer_entry_id": referrer["id"], "state": state});
            server.admin_post(&format!("/waitlists/{list}/referrals/bulk"), bulk).await.expect(200);
            match n % 4 {
                0 => drop(server.admin_delete(&entry).await),
                1 => drop(server.admin_delete(&format!("{entry}?erase=true")).await),
                2 => drop(server.admin_patch(&entry, json!({"status": "rejected"})).await),
                _ => {}
            }
        }
    });
    join_all(work).await;
    for referrer in [&ada, &bob] {
        let query = format!("&state=credited&referrer_entry_id={}", referrer["id"].as_str().unwrap());
        let credited = referrals(&server, &list, &query).await.len() as u64;
        eventually(|| async { (count(&server, &list, referrer).await == credited).then_some(()) }).await;
    }
    assert_eq!(referrals(&server, &list, "").await.len(), 40);
    assert_eq!(server.ports.stats.rebuild().await.unwrap().corrected, 0);
}
