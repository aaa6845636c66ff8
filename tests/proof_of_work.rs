//! Sign-ups that prove work: honest ones, attacks, bursts, and confirmations. Challenges are solved by the published rule of ALTCHA v2.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use rally_api::boot::config::Settings;
use rally_fakes::{FakeSmtp, SmtpOptions};
use rally_tests::{Kind, TestServer, on_both_stores, send};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use time::Duration;

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Tries counters from zero on until a derived key begins with the prefix.
fn solve(challenge: &Value) -> Value {
    let parameters = &challenge["parameters"];
    let (nonce, salt, prefix) = (bytes(&parameters["nonce"]), bytes(&parameters["salt"]), bytes(&parameters["keyPrefix"]));
    let iterations = NonZeroU32::new(u32::try_from(parameters["cost"].as_u64().unwrap()).unwrap()).unwrap();
    let mut key = vec![0; usize::try_from(parameters["keyLength"].as_u64().unwrap()).unwrap()];
    let counter = (0_u32..).find(|counter| {
        let password = [nonce.as_slice(), &counter.to_be_bytes()].concat();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, &password, &mut key);
        key.starts_with(&prefix)
    });
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"counter": counter.unwrap(), "derivedKey": hex, "time": 200})
}

fn encode(challenge: &Value, solution: &Value) -> String {
    STANDARD.encode(json!({"challenge": challenge, "solution": solution}).to_string())
}

async fn challenge(server: &TestServer, slug: &str) -> Value {
    server.get(&format!("/v1/waitlists/acme/{slug}/challenge")).await.expect(200)
}

async fn solution(server: &TestServer, slug: &str) -> String {
    let challenge = challenge(server, slug).await;
    encode(&challenge, &solve(&challenge))
}

fn person(address: &str, solution: &str) -> Value {
    json!({"email": address, "name": "Ada", "proof_of_work": solution})
}

async fn protection(server: &TestServer, slug: &str) -> Value {
    server.get(&format!("/v1/waitlists/acme/{slug}")).await.expect(200)["protection"]["proof_of_work"].clone()
}

async fn set(server: &TestServer, list: &str, settings: Value) {
    server.admin_patch(&format!("/waitlists/{list}"), json!({ "settings": settings })).await.expect(200);
}

#[apply(on_both_stores)]
async fn a_list_that_asks_for_work_takes_each_proof_once(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"proof_of_work": "on", "custom_fields": [{"key": "company", "required": true}]})).await;
    assert_eq!(protection(&server, "early").await, "on");
    for missing in [Value::Null, json!(""), json!("nonsense"), json!(7), json!("e30=")] {
        let body = json!({"email": "ada@example.com", "name": "Ada", "metadata": {"company": "Acme"}, "proof_of_work": missing});
        server.sign_up("early", body).await.refused(400, "proof_of_work_failed");
    }
    let solution = solution(&server, "early").await;
    // Work is judged before fields, and bad fields use no proof up.
    server.sign_up("early", json!({"email": "nobody"})).await.refused(400, "proof_of_work_failed");
    assert_eq!(server.sign_up("early", person("nobody", &solution)).await.bad_fields(), ["email", "metadata.company"]);
    let answered = |address: &str| {
        let mut body = person(address, &solution);
        body["metadata"] = json!({"company": "Acme"});
        body
    };
    server.sign_up("early", answered("ada@example.com")).await.expect(201);
    for address in ["bob@example.com", "ada@example.com"] {
        server.sign_up("early", answered(address)).await.refused(400, "proof_of_work_failed");
    }
    server.set_status(&list, "paused").await;
    server.sign_up("early", json!({"email": "eve@example.com", "name": "Eve"})).await.refused(422, "waitlist_not_active");
    server.get("/v1/waitlists/acme/early/challenge").await.refused(404, "waitlist_not_found");
}

#[apply(on_both_stores)]
async fn a_list_that_asks_for_none_ignores_solutions(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    assert_eq!(protection(&server, "early").await, "off");
    server.get("/v1/waitlists/acme/early/challenge").await.refused(404, "proof_of_work_off");
    server.sign_up("early", person("ada@example.com", "nonsense")).await.expect(201);
    for bad in [json!("sometimes"), json!(true)] {
        let patch = json!({"settings": {"proof_of_work": bad}});
        assert_eq!(server.admin_patch(&format!("/waitlists/{list}"), patch).await.bad_fields(), ["settings.proof_of_work"]);
    }
    set(&server, &list, json!({"proof_of_work": "on"})).await;
    set(&server, &list, json!({"proof_of_work": null})).await;
    server.join("early", "bob@example.com").await;
}

#[apply(on_both_stores)]
async fn attacks_on_proofs_fail(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({"proof_of_work": "on"})).await;
    server.active_list("other", json!({"proof_of_work": "on"})).await;
    let made = challenge(&server, "early").await;
    let (solved, expires) = (solve(&made), made["parameters"]["expiresAt"].as_u64().unwrap());
    let text = encode(&made, &solved);
    let refuse = async |slug: &str, text: &str| {
        server.sign_up(slug, person("eve@example.com", text)).await.refused(400, "proof_of_work_failed");
    };
    // The proof of one list is none for another.
    refuse("other", &text).await;
    // What is changed is no proof.
    for (key, value) in
        [("cost", json!(1)), ("keyPrefix", json!("00")), ("expiresAt", json!(expires + 600)), ("nonce", json!("00".repeat(16)))]
    {
        let mut changed = made.clone();
        changed["parameters"][key] = value;
        refuse("early", &encode(&changed, &solved)).await;
        // Only such a challenge is solved faster.
        if key == "keyPrefix" {
            refuse("early", &encode(&changed, &solve(&changed))).await;
        }
    }
    for (key, value) in [("counter", json!(1)), ("derivedKey", made["parameters"]["keyPrefix"].clone())] {
        let mut changed = solved.clone();
        changed[key] = value;
        refuse("early", &encode(&made, &changed)).await;
    }
    // Many share one proof: it is taken once.
    let shared = join_all((0..10).map(|n| server.sign_up("early", person(&format!("p{n}@example.com"), &text)))).await;
    assert_eq!(shared.iter().filter(|reply| reply.status == 201).count(), 1);
    assert!(shared.iter().all(|reply| reply.status == 201 || reply.json()["code"] == "proof_of_work_failed"), "{shared:?}");
    // Solutions that were made long before are too old.
    let hoarded = solution(&server, "early").await;
    let fresh = solution(&server, "early").await;
    server.clock.advance(Duration::seconds(599));
    server.sign_up("early", person("late@example.com", &fresh)).await.expect(201);
    server.clock.advance(Duration::seconds(1));
    refuse("early", &hoarded).await;
}

#[apply(on_both_stores)]
async fn processes_share_the_proofs_and_the_secret(kind: Kind) {
    let server = TestServer::start(kind).await;
    if kind == Kind::Sqlite {
        return;
    }
    server.active_list("early", json!({"proof_of_work": "on"})).await;
    let (_running, base) = server.second().await;
    let text = solution(&server, "early").await;
    let there = |address: &str| send(server.client.post(format!("{base}/v1/waitlists/acme/early/entries")).json(&person(address, &text)));
    there("ada@example.com").await.expect(201);
    server.sign_up("early", person("bob@example.com", &text)).await.refused(400, "proof_of_work_failed");
    there("eve@example.com").await.refused(400, "proof_of_work_failed");
}

#[apply(on_both_stores)]
async fn a_busy_list_asks_from_the_eleventh_sign_up_on(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"proof_of_work": "auto"})).await;
    assert_eq!(protection(&server, "early").await, "auto");
    let calm = challenge(&server, "early").await;
    for n in 0..10 {
        // An answer that nobody asked for is ignored.
        server.sign_up("early", person(&format!("p{n}@example.com"), "nonsense")).await.expect(201);
    }
    let plain = |address: &str| json!({"email": address, "name": "Ada"});
    server.sign_up("early", plain("p10@example.com")).await.refused(400, "proof_of_work_failed");
    server.sign_up("early", person("p10@example.com", &encode(&calm, &solve(&calm)))).await.expect(201);
    server.sign_up("early", person("p11@example.com", &solution(&server, "early").await)).await.expect(201);
    server.clock.advance(Duration::seconds(9));
    server.sign_up("early", plain("p12@example.com")).await.refused(400, "proof_of_work_failed");
    server.clock.advance(Duration::seconds(1));
    server.sign_up("early", plain("p12@example.com")).await.expect(201);
    // What came before the setting counts.
    set(&server, &list, json!({"proof_of_work": "off"})).await;
    for n in 20..30 {
        server.join("early", &format!("p{n}@example.com")).await;
    }
    server.clock.advance(Duration::seconds(1));
    set(&server, &list, json!({"proof_of_work": "auto"})).await;
    server.sign_up("early", plain("p30@example.com")).await.refused(400, "proof_of_work_failed");
}

#[apply(on_both_stores)]
async fn a_burst_gets_no_more_past_a_busy_list_than_ten(kind: Kind) {
    let server = TestServer::start(kind).await;
    server.active_list("early", json!({"proof_of_work": "auto"})).await;
    let person = |n: usize| json!({"email": format!("p{n}@example.com"), "name": "Ada"});
    let burst = join_all((0..60).map(|n| server.sign_up("early", person(n)))).await;
    let taken = burst.iter().filter(|reply| reply.status == 201).count();
    assert!((1..=10).contains(&taken), "{taken}");
    assert!(burst.iter().all(|reply| reply.status == 201 || reply.json()["code"] == "proof_of_work_failed"), "{burst:?}");
    // The more it takes, the more it asks for.
    let list = server.active_list("large", json!({})).await;
    for n in 0..25 {
        server.join("large", &format!("p{n}@example.com")).await;
    }
    set(&server, &list, json!({"proof_of_work": "auto"})).await;
    let counter = solve(&challenge(&server, "large").await)["counter"].as_u64().unwrap();
    assert!((200..=600).contains(&counter), "{counter}");
}

#[apply(on_both_stores)]
async fn a_sign_up_that_waits_uses_its_proof_and_counts_whatever_the_address(kind: Kind) {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let url = smtp.url();
    let from = Some("rally@mail.example".to_owned());
    let server = TestServer::start_with(kind, |settings| Settings { smtp_url: Some(url), smtp_from: from, ..settings }).await;
    server.admin_put("/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    let list = server.active_list("early", json!({"email_confirmation": true, "proof_of_work": "on"})).await;
    let text = solution(&server, "early").await;
    server.sign_up("early", json!({"email": "ada@example.com", "name": "Ada"})).await.refused(400, "proof_of_work_failed");
    server.sign_up("early", person("ada@example.com", &text)).await.expect(202);
    for address in ["ada@example.com", "bob@example.com"] {
        server.sign_up("early", person(address, &text)).await.refused(400, "proof_of_work_failed");
    }
    let requests = server.admin_get(&format!("/waitlists/{list}/confirmations")).await.expect(200);
    assert_eq!(requests["data"].as_array().unwrap().len(), 1);
    // One address again and again counts as much as many.
    server.clock.advance(Duration::seconds(10));
    set(&server, &list, json!({"proof_of_work": "auto"})).await;
    let plain = json!({"email": "ada@example.com", "name": "Ada"});
    for _ in 0..10 {
        server.sign_up("early", plain.clone()).await.expect(202);
    }
    for address in ["ada@example.com", "new@example.com"] {
        server.sign_up("early", json!({"email": address, "name": "Ada"})).await.refused(400, "proof_of_work_failed");
    }
    server.sign_up("early", person("new@example.com", &solution(&server, "early").await)).await.expect(202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_server_that_browsers_trust_asks_for_proofs() {
    let public = |url: &str| {
        let public_url = Some(url.to_owned());
        TestServer::start_with(Kind::Sqlite, |settings| Settings { public_url, ..settings })
    };
    let plain = public("http://rally.example").await;
    let body = json!({"slug": "early", "display_name": "Early", "settings": {"proof_of_work": "on"}});
    assert_eq!(plain.admin_post("/waitlists", body.clone()).await.bad_fields(), ["settings.proof_of_work"]);
    let list = plain.active_list("late", json!({"proof_of_work": "off"})).await;
    let patch = json!({"settings": {"proof_of_work": "auto"}});
    assert_eq!(plain.admin_patch(&format!("/waitlists/{list}"), patch).await.bad_fields(), ["settings.proof_of_work"]);
    public("https://rally.example").await.admin_post("/waitlists", body).await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_secret_of_the_settings_seals_challenges() {
    let server = TestServer::start_with(Kind::Sqlite, |settings| Settings { pow_secret: Some("s".repeat(32)), ..settings }).await;
    server.active_list("early", json!({"proof_of_work": "on"})).await;
    let text = solution(&server, "early").await;
    server.sign_up("early", person("ada@example.com", &text)).await.expect(201);
    let other = TestServer::start(Kind::Sqlite).await;
    other.active_list("early", json!({"proof_of_work": "on"})).await;
    let text = solution(&server, "early").await;
    other.sign_up("early", person("ada@example.com", &text)).await.refused(400, "proof_of_work_failed");
}
