//! An erasure removes every trace of a person from the store, through a crash, and leaves the numbers.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rally_domain::id::EntryId;
use rally_fakes::{FakeSmtp, SmtpOptions};
use rally_tests::deployment::Deployment;
use rally_tests::process::Server;
use rally_tests::receiver::{Receiver, eventually};
use rally_tests::upstreams::Upstreams;
use rally_tests::{Kind, Reply, TestServer, on_both_stores, send};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};

/// The path that erases an entry.
fn erasing(list: &str, entry: &Value) -> String {
    format!("/waitlists/{list}/entries/{}?erase=true", entry["id"].as_str().unwrap())
}

/// The path of what the own link of an entry opens.
fn own(server: &TestServer, entry: &Value) -> String {
    let link = server.ports.links.status(EntryId::parse(entry["id"].as_str().unwrap()).unwrap(), 0);
    format!("/v1/me/{}", link.rsplit_once('/').unwrap().1)
}

#[apply(on_both_stores)]
async fn an_erased_entry_is_gone_and_still_counted(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"max_entries": 3})).await;
    let first = server.join("early", "first@example.com").await;
    let ada = json!({"email": "ada@example.com", "name": "Ada", "referrer": "a blog", "referral_code": first["referral_code"]});
    let ada = server.sign_up("early", ada).await.expect(201);
    let bob = server.join_with("early", "bob@example.com", &ada["referral_code"]).await;
    let analytics = async || server.admin_get(&format!("/waitlists/{list}/analytics")).await.expect(200);
    let before = analytics().await;
    server.admin_delete(&erasing(&list, &ada)).await.expect(204);
    server.admin_delete(&erasing(&list, &ada)).await.refused(404, "entry_not_found");
    let path = format!("/waitlists/{list}/entries/{}", ada["id"].as_str().unwrap());
    server.admin_get(&path).await.refused(404, "entry_not_found");
    server.admin_patch(&path, json!({"status": "approved"})).await.refused(404, "entry_not_found");
    server.admin_delete(&path).await.refused(404, "entry_not_found");
    let page = server.admin_get(&format!("/waitlists/{list}/entries")).await.expect(200);
    let positions: Vec<_> = page["data"].as_array().unwrap().iter().map(|entry| entry["position"].as_u64().unwrap()).collect();
    assert_eq!(positions, [1, 3]);
    let friend = server.admin_get(&format!("/waitlists/{list}/entries/{}", bob["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(friend["referred_by_entry_id"], ada["id"]);
    let export = server.admin_get(&format!("/waitlists/{list}/entries/export.csv")).await.body;
    assert!(export.contains("bob@example.com") && !export.contains("ada@example.com"));
    let leaders = server.get("/v1/waitlists/acme/early/leaderboard").await.expect(200);
    assert_eq!(leaders.as_array().unwrap().iter().map(|leader| leader["position"].clone()).collect::<Vec<_>>(), [json!(1)]);

    let after = analytics().await;
    for same in ["total_entries", "by_status", "signups_today", "referred_count", "viral_coefficient", "by_variant"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    assert_eq!(after["top_referrers"], json!([{"referrer": null, "count": 3}]));
    assert_eq!(server.admin_get(&format!("/waitlists/{list}/entries/count")).await.expect(200), json!({"count": 3}));
    let check = async || server.admin_post("/suppressions/check", json!({"email": "ada@example.com"})).await.expect(200);
    assert_eq!(check().await, json!({"suppressed": true, "reason": "erased"}));
    // The place is free again, and so is the address.
    let again = server.join("early", "ada@example.com").await;
    assert_eq!(again["position"], 4);
    assert_eq!(check().await, json!({"suppressed": false, "reason": null}));
    server.sign_up("early", json!({"email": "eve@example.com", "name": "Eve"})).await.refused(422, "waitlist_full");
}

#[apply(on_both_stores)]
async fn a_query_says_clearly_whether_a_person_is_erased(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    let path = |erase: &str| format!("/waitlists/{list}/entries/{}?erase={erase}", ada["id"].as_str().unwrap());
    assert_eq!(server.admin_delete(&path("yes")).await.bad_fields(), ["erase"]);
    server.admin_delete(&path("false")).await.expect(204);
    assert_eq!(server.admin_get(&format!("/waitlists/{list}/entries/count")).await.expect(200), json!({"count": 0}));
}

#[apply(on_both_stores)]
async fn a_person_leaves_by_their_own_link(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let ada = server.join("early", "ada@example.com").await;
    let path = own(&server, &ada);
    let leave = async || send(server.request(Method::DELETE, &path).header("origin", "https://anywhere.example")).await;
    let reply: Reply = leave().await;
    assert_eq!(reply.status, 204, "{reply:?}");
    for (header, value) in [
        ("access-control-allow-origin", "*"),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-robots-tag", "noindex"),
    ] {
        assert_eq!(reply.header(header), Some(value), "{header}");
    }
    leave().await.refused(404, "link_not_found");
    send(server.request(Method::DELETE, "/v1/me/nothing")).await.refused(404, "link_not_found");
    server.admin_get(&format!("/waitlists/{list}/entries/{}", ada["id"].as_str().unwrap())).await.refused(404, "entry_not_found");
    assert_eq!(server.get(&path.replace("/v1", "")).await.status, 404, "the page of the link");
}

/// A person, by everything that tells who they are. All of it begins in no other text of the test.
struct Traces(Vec<String>);

impl Traces {
    /// What a text has of the person.
    fn found_in(&self, text: &[u8]) -> Vec<String> {
        let text = text.to_ascii_lowercase();
        let has = |trace: &[u8]| text.windows(trace.len()).any(|part| part == trace);
        let hex = |trace: &str| trace.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        self.0.iter().filter(|trace| has(trace.to_ascii_lowercase().as_bytes()) || has(hex(trace).as_bytes())).cloned().collect()
    }
}

/// Every row of every table as text or, on the embedded store, as the pages of a copy that has no free ones.
fn dump(deployment: &Deployment) -> Vec<u8> {
    if let Some(url) = &deployment.url {
        let dump = Command::new(rally_pgtest::program("pg_dump")).args(["--data-only", "--inserts", url]).output().unwrap();
        assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
        return dump.stdout;
    }
    let directory = tempfile::TempDir::new().unwrap();
    let copy = directory.path().join("copy.db");
    deployment.run(&["backup", copy.to_str().unwrap()]);
    std::fs::read(copy).unwrap()
}

/// Every byte in the files of a folder: the database with its free pages, its log, and what the server said.
fn files(folder: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.is_file()).flat_map(|path| std::fs::read(path).unwrap()).collect()
}

async fn is_purged(deployment: &Deployment, server: &Server) {
    let pending = async || {
        let metrics = send(deployment.client.get(format!("{}/metrics", server.base))).await.body;
        Some(()).filter(|()| metrics.lines().any(|line| line == "rally_purges_pending 0"))
    };
    eventually(pending).await;
}

/// A person does everything that leaves a trace, and is erased. The server is killed before and during the purge. Nothing is left.
#[apply(on_both_stores)]
async fn nothing_of_an_erased_person_is_left_in_any_table(kind: Kind) {
    let (world, smtp) = (Upstreams::start().await, FakeSmtp::start(SmtpOptions::default()).await);
    let mut environment = world.environment();
    environment.extend([("RALLY_SMTP_URL", smtp.url()), ("RALLY_SMTP_FROM", "Rally <rally@mail.example>".to_owned())]);
    let deployment = Deployment::with(kind, environment).await;
    let mut server = deployment.start();
    let admin = async |path: &str, body: Value| deployment.admin(&server, path, Some(body)).await;
    let join = async |body: Value| {
        send(deployment.client.post(format!("{}/v1/waitlists/acme/early/entries", server.base)).json(&body)).await.expect(201)
    };
    let first = join(json!({"email": "first@example.com", "name": "First"})).await;
    let ada = join(json!({
        "email": "Ada.Lovelace@Countess.Example", "name": "Ada Lovelace-Byron", "interest": "poetical science", "referrer": "a notebook",
        "referral_code": first["referral_code"], "metadata": {"machine": "analytical engine", "deep": ["bernoulli"]}, "locale": "kw-GB",
    }))
    .await;
    let path = format!("/waitlists/{}/entries/{}", deployment.list, ada["id"].as_str().unwrap());
    let code = ada["referral_code"].as_str().unwrap().to_owned();
    join(json!({"email": "friend@example.com", "name": "Friend", "referral_code": code})).await;
    // More events than one batch of the purge takes.
    for n in 0..260 {
        let status = if n % 2 == 0 { "approved" } else { "rejected" };
        deployment.patch(&server, &path, json!({"status": status})).await.expect(200);
    }

    // Receivers that tell her address in their answers: one that takes events, and one that never does.
    let (takes, fails) = (Receiver::start().await, Receiver::start().await);
    let answer = "ada.lovelace@countess.example is known here";
    takes.say(200, "", answer);
    fails.say(500, "", answer);
    for receiver in [&takes, &fails] {
        let hook = json!({"url": receiver.url, "events": ["entry.created", "entry.approved", "entry.rejected"]});
        let url = format!("{}/v1/workspaces/{}/webhooks", server.base, deployment.workspace);
        let create = deployment.client.post(url).bearer_auth(&deployment.token).json(&hook);
        send(create.header("idempotency-key", receiver.url.replace(['/', '.'], "-"))).await.expect(201);
    }
    let settings = json!({"notifications": "smtp", "default_heimdall_app_slug": "acme-app"});
    deployment.put(&server, "/rally/settings", settings).await.expect(200);
    deployment.patch(&server, &path, json!({"status": "approved"})).await.expect(200);
    let sent = async |number: usize| eventually(|| async { Some(smtp.received()).filter(|mails| mails.len() >= number) }).await;
    let text = sent(1).await.remove(0).text;
    // Mails that wait, with the answer of the mail server.
    smtp.answer_recipient("ada.lovelace@countess.example", "451 4.7.1 ada.lovelace@countess.example is busy");
    for status in ["rejected", "approved"] {
        deployment.patch(&server, &path, json!({"status": status})).await.expect(200);
    }
    admin(&format!("{path}/invite-to-app"), json!({})).await.expect(200);
    takes.wait_for(3).await;
    fails.wait_for(1).await;
    admin("/mail-templates/approved/en/test", json!({"to": "ada.lovelace@countess.example"})).await.expect(202);
    deployment.admin(&server, &format!("/waitlists/{}/entries/export.csv", deployment.list), None).await;

    let links = text.split_whitespace().filter(|word| word.contains("/me/") || word.contains("/unsubscribe/"));
    let tokens = links.map(|link| link.rsplit_once('/').unwrap().1.chars().take(43).collect::<String>());
    let fixed = ["countess.example", "lovelace", "poetical", "a notebook", "analytical", "bernoulli", "kw-GB"].map(str::to_owned);
    let traces = Traces(fixed.into_iter().chain([code]).chain(tokens).collect());
    assert!(traces.0.len() >= 9, "{:?}", traces.0);
    let found = traces.found_in(&dump(&deployment));
    assert_eq!(found.len(), traces.0.len(), "what is looked for was there: {found:?} of {:?}", traces.0);
    admin("/suppressions", json!({"email": "ada.lovelace@countess.example", "reason": "manual"})).await.expect(201);

    let url = format!("{}/v1/workspaces/{}{path}?erase=true", server.base, deployment.workspace);
    send(deployment.client.delete(url).bearer_auth(&deployment.token)).await.expect(204);
    server.kill();
    // What was under way at the erasure has arrived by now.
    let told = (takes.received().len(), fails.received().len(), smtp.received().len());
    for moment in [0, 15, 40] {
        let mut server = deployment.start();
        tokio::time::sleep(Duration::from_millis(moment)).await;
        server.kill();
    }
    let mut server = deployment.start();
    is_purged(&deployment, &server).await;
    assert_eq!(traces.found_in(&dump(&deployment)), Vec::<String>::new());
    deployment.admin(&server, &path, None).await.refused(404, "entry_not_found");
    assert_eq!(deployment.run(&["counters", "rebuild"]), json!({"waitlists": 1, "corrected": 0}));
    let count = deployment.admin(&server, &format!("/waitlists/{}/entries/count", deployment.list), None).await.expect(200);
    assert_eq!(count, json!({"count": 3}));
    assert_eq!((takes.received().len(), fails.received().len(), smtp.received().len()), told, "nothing is sent by a later server");
    server.terminate();
    assert!(server.ended_well(Duration::from_secs(35)));
    assert_eq!(traces.found_in(&files(deployment.directory.path())), Vec::<String>::new(), "in files");
}
