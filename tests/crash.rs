//! No answered request is lost. The real binary is killed, as by a power cut, and is asked to stop while it works.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rally_api::boot::first_start::{create_demo, is_begun};
use rally_contracts::doubles::{CountingIds, FrozenClock};
use rally_contracts::samples;
use rally_domain::actor::Actor;
use rally_domain::entry::EntryStatus;
use rally_domain::entry_job::{JobAction, JobGroup, JobState};
use rally_domain::id::{ClaimId, WaitlistId, WorkspaceId};
use rally_domain::port::Ports;
use rally_domain::queue::ClaimRequest;
use rally_domain::referral::Position;
use rally_domain::search::EntryQuery;
use rally_domain::use_case::entry_job;
use rally_domain::waitlist::WaitlistStatus;
use rally_fakes::{FakeSmtp, SmtpAct, SmtpOptions, SmtpStep};
use rally_sqlite::SqliteStore;
use rally_tests::deployment::{Deployment, run};
use rally_tests::process::{Server, rally};
use rally_tests::receiver::{Received, Receiver, eventually};
use rally_tests::{Kind, on_both_stores, send};
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// Signs people up from eight clients at once until the server is gone, and counts them. Returns those with an answer.
fn crowd(deployment: &Deployment, base: &str, round: usize, count: &Arc<AtomicUsize>) -> JoinSet<Vec<(String, u64)>> {
    let mut clients = JoinSet::new();
    for client in 0..8 {
        let (http, url, count) = (deployment.client.clone(), format!("{base}/v1/waitlists/acme/early/entries"), count.clone());
        clients.spawn(async move {
            let mut answered = Vec::new();
            for n in 0..100_000 {
                let email = format!("r{round}c{client}n{n}@example.com");
                let reply = http.post(&url).json(&json!({"email": email, "name": "Somebody"})).send().await;
                match reply {
                    Ok(reply) if reply.status() == 201 => match reply.json::<Value>().await {
                        Ok(body) => {
                            answered.push((email, body["position"].as_u64().unwrap()));
                            count.fetch_add(1, Ordering::SeqCst);
                        }
                        Err(_) => return answered,
                    },
                    _ => return answered,
                }
            }
            answered
        });
    }
    clients
}

/// Twenty power cuts during many sign-ups. Every answered sign-up is stored, positions are dense, and the totals are those of the rows.
/// Every event arrives, perhaps more than once, but under one id and with one body.
#[apply(on_both_stores)]
async fn nothing_answered_is_lost(kind: Kind) {
    nothing_is_lost_on(&Deployment::new(kind).await, 20).await;
}

/// Behind PgBouncer a connection to the server outlives the process that used it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_answered_is_lost_behind_a_pooler() {
    let url = rally_pgtest::pooled(&rally_pgtest::new_database().await).await;
    nothing_is_lost_on(&Deployment::on(Some(url), Vec::new()).await, 10).await;
}

async fn nothing_is_lost_on(deployment: &Deployment, rounds: u32) {
    let receiver = Receiver::start().await;
    let server = deployment.start();
    let body = json!({"url": receiver.url, "events": ["entry.created"]});
    let secret = deployment.admin(&server, "/webhooks", Some(body)).await.expect(201)["signing_secret"].as_str().unwrap().to_owned();
    drop(server);
    let mut answered = Vec::new();
    for round in 0..rounds {
        let mut server = deployment.start();
        let count = Arc::default();
        let clients = crowd(deployment, &server.base, round as usize, &count);
        eventually(|| async { Some(()).filter(|()| count.load(Ordering::SeqCst) >= 10) }).await;
        // Each round stops at another moment of a group.
        tokio::time::sleep(Duration::from_millis(u64::from(3 * round))).await;
        server.kill();
        answered.extend(clients.join_all().await.into_iter().flatten());
    }
    let server = deployment.start();
    let addresses: HashSet<String> = deployment.check(&server, &answered).await.into_iter().collect();
    let told = |request: &Received| request.json()["data"]["entry"]["email"].as_str().unwrap().to_owned();
    eventually(|| async {
        let arrived: HashSet<String> = receiver.received().iter().map(told).collect();
        Some(()).filter(|()| arrived == addresses)
    })
    .await;
    let mut by_address: HashMap<String, Received> = HashMap::new();
    for request in receiver.received() {
        let first = by_address.entry(told(&request)).or_insert_with(|| request.clone());
        assert_eq!((first.id(), &first.body), (request.id(), &request.body));
    }
    // And a receiver believes it.
    let last = receiver.received().pop().unwrap();
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, last.headers[name].parse().unwrap());
    }
    standardwebhooks::Webhook::new(&secret).unwrap().verify(last.body.as_bytes(), &headers).unwrap();
}

/// Signs friends of a referrer up, decides about the referrals and deletes friends, from six clients at once, until the server is gone.
fn reviewed_crowd(deployment: &Deployment, base: &str, round: usize, referrer: &Value, count: &Arc<AtomicUsize>) -> JoinSet<()> {
    let mut clients = JoinSet::new();
    for client in 0..6 {
        let (http, count, code, id) = (deployment.client.clone(), count.clone(), referrer["referral_code"].clone(), referrer["id"].clone());
        let list = format!("{base}/v1/workspaces/{}/waitlists/{}", deployment.workspace, deployment.list);
        let (url, token) = (format!("{base}/v1/waitlists/acme/early/entries"), deployment.token.clone());
        clients.spawn(async move {
            for n in 0..100_000_usize {
                let body = json!({"email": format!("r{round}c{client}n{n}@example.com"), "name": "Somebody", "referral_code": code});
                let Ok(reply) = http.post(&url).json(&body).send().await else { return };
                let Ok(joined) = reply.json::<Value>().await else { return };
                let state = ["credited", "withheld", "revoked"][n % 3];
                let decision = json!({"referrer_entry_id": id, "state": state});
                let entry = format!("{list}/entries/{}", joined["id"].as_str().unwrap_or_default());
                let request = match n % 4 {
                    0 => http.post(format!("{list}/referrals/bulk")).json(&decision),
                    1 => http.delete(format!("{entry}?erase=true")),
                    2 => http.delete(entry),
                    _ => continue,
                };
                if request.bearer_auth(&token).send().await.is_err() {
                    return;
                }
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    clients
}

/// Power cuts of all processes while friends sign up, are reviewed and are deleted: the count of the referrer is that of the credited rows.
/// PostgreSQL has two processes, the embedded store one.
#[apply(on_both_stores)]
async fn the_ledger_keeps_its_counts(kind: Kind) {
    let deployment = Deployment::new(kind).await;
    let server = deployment.start();
    let referrer = deployment.sign_up(&server, "ada@example.com").await.expect(201);
    drop(server);
    let processes = if kind == Kind::Postgres { 2 } else { 1 };
    for round in 0..6_usize {
        let mut servers: Vec<Server> = (0..processes).map(|_| deployment.start()).collect();
        let count = Arc::default();
        let crowds =
            servers.iter().enumerate().map(|(n, server)| reviewed_crowd(&deployment, &server.base, 10 * round + n, &referrer, &count));
        let crowds: Vec<JoinSet<()>> = crowds.collect();
        eventually(|| async { Some(()).filter(|()| count.load(Ordering::SeqCst) >= 20) }).await;
        tokio::time::sleep(Duration::from_millis(7 * round as u64)).await;
        servers.iter_mut().for_each(Server::kill);
        for clients in crowds {
            clients.join_all().await;
        }
    }
    let server = deployment.start();
    let id = referrer["id"].as_str().unwrap();
    let mut credited = 0;
    let mut cursor = String::new();
    loop {
        let path = format!("/waitlists/{}/referrals?state=credited&referrer_entry_id={id}&limit=100{cursor}", deployment.list);
        let page = deployment.admin(&server, &path, None).await.expect(200);
        credited += page["data"].as_array().unwrap().len();
        match page["pagination"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let entry = deployment.admin(&server, &format!("/waitlists/{}/entries/{id}", deployment.list), None).await.expect(200);
    assert_eq!(entry["referral_count"], json!(credited));
    assert_eq!(deployment.run(&["counters", "rebuild"]), json!({"waitlists": 1, "corrected": 0}));
}

/// Follows the feed until the server is gone. Returns where to go on.
async fn follow(deployment: &Deployment, base: &str, mut after: String, read: &mut Vec<Value>) -> String {
    loop {
        let query = format!("limit=100&wait=1&types=entry.created{after}");
        let url = format!("{base}/v1/workspaces/{}/events?{query}", deployment.workspace);
        let Ok(reply) = deployment.client.get(url).bearer_auth(&deployment.token).send().await else { return after };
        assert!(reply.status() != 410 && reply.status() != 400, "{}", reply.status());
        let Ok(page) = reply.error_for_status().map(reqwest::Response::json::<Value>) else { return after };
        let Ok(page) = page.await else { return after };
        read.extend(page["data"].as_array().unwrap().iter().cloned());
        after = format!("&after={}", page["next"].as_str().unwrap());
    }
}

/// Power cuts while people sign up and two readers follow the feed, on PostgreSQL at two servers at once. Each reader gets every event
/// once, and both get the order of the list.
#[apply(on_both_stores)]
async fn readers_of_the_feed_miss_nothing(kind: Kind) {
    let deployment = Deployment::new(kind).await;
    let (mut readers, processes) = ([(); 2].map(|()| (String::new(), Vec::new())), if deployment.url.is_some() { 2 } else { 1 });
    for round in 0..8 {
        let mut servers: Vec<Server> = (0..processes).map(|_| deployment.start()).collect();
        let bases: Vec<String> = servers.iter().map(|server| server.base.clone()).collect();
        let count = Arc::default();
        let crowds: Vec<_> = bases.iter().enumerate().map(|(n, base)| crowd(&deployment, base, 2 * round + n, &count)).collect();
        let [(first, read_first), (second, read_second)] = &mut readers;
        let cut = async {
            eventually(|| async { Some(()).filter(|()| count.load(Ordering::SeqCst) >= 20) }).await;
            tokio::time::sleep(Duration::from_millis(7 * round as u64)).await;
            servers.iter_mut().for_each(Server::kill);
        };
        let (one, other, ()) = tokio::join!(
            follow(&deployment, &bases[0], first.clone(), read_first),
            follow(&deployment, &bases[processes - 1], second.clone(), read_second),
            cut
        );
        (*first, *second) = (one, other);
        for crowd in crowds {
            crowd.join_all().await;
        }
    }
    let server = deployment.start();
    let addresses = deployment.check(&server, &[]).await;
    assert!(addresses.len() >= 160);
    for (after, mut read) in readers {
        let mut after = after;
        while read.len() < addresses.len() {
            let page = deployment.admin(&server, &format!("/events?limit=100&types=entry.created{after}"), None).await.expect(200);
            read.extend(page["data"].as_array().unwrap().iter().cloned());
            assert!(page["has_more"] == true || read.len() >= addresses.len(), "{} of {} were read", read.len(), addresses.len());
            after = format!("&after={}", page["next"].as_str().unwrap());
        }
        let told: Vec<&str> = read.iter().map(|event| event["data"]["entry"]["email"].as_str().unwrap()).collect();
        assert_eq!(told, addresses);
        assert_eq!(read.iter().map(|event| event["id"].as_str().unwrap()).collect::<HashSet<_>>().len(), addresses.len());
    }
}

/// Ends the leases of a killed server, as minutes would. Its mails are due at once.
async fn end_leases_of_mail(deployment: &Deployment) {
    let ports = deployment.ports().await;
    let now = ports.clock.now();
    let later = now.plus(time::Duration::days(1));
    assert_eq!(ports.mails.reap(later, u32::MAX).await.unwrap(), 1);
    let claim = ClaimId::new(ports.ids.uuid());
    let shares = ports.mails.due(later).await.unwrap().into_iter().map(|lane| (lane, 10)).collect();
    let claimed = ports.mails.claim(ClaimRequest { claim, now: later, lease_until: later, shares }, None).await.unwrap();
    let ids = claimed.iter().map(|claimed| claimed.mail.id).collect();
    ports.mails.release(claim, ids, now).await.unwrap();
}

/// The power fails between the mail server's acceptance and the record of it. The mail comes once more, as the same message, so a mail
/// program shows it once. Nothing else comes twice.
#[apply(on_both_stores)]
async fn a_mail_that_was_taken_as_the_power_failed_comes_again_as_the_same_message(kind: Kind) {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let environment = vec![("RALLY_SMTP_URL", smtp.url()), ("RALLY_SMTP_FROM", "Rally <rally@mail.example>".to_owned())];
    let deployment = Deployment::with(kind, environment).await;
    let mut server = deployment.start();
    deployment.put(&server, "/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    deployment.sign_up(&server, "first@example.com").await.expect(201);
    let state = async |server: &Server, address: &str| {
        let log = deployment.admin(server, "/mails", None).await.expect(200);
        let mail = log["data"].as_array().unwrap().iter().find(|mail| mail["to"] == address).cloned();
        mail.map(|mail| (mail["state"].as_str().unwrap().to_owned(), mail["attempts"].as_u64().unwrap()))
    };
    eventually(|| async { state(&server, "first@example.com").await.filter(|(state, _)| state == "sent") }).await;
    smtp.act(SmtpStep::Message, SmtpAct::Lose);
    deployment.sign_up(&server, "ada@example.com").await.expect(201);
    eventually(|| async { Some(()).filter(|()| smtp.received().len() == 2) }).await;
    server.kill();
    smtp.behave();
    end_leases_of_mail(&deployment).await;
    let server = deployment.start();
    let sent = eventually(|| async { state(&server, "ada@example.com").await.filter(|(state, _)| state == "sent") }).await;
    assert_eq!(sent.1, 2);
    let received = smtp.received();
    assert_eq!(
        received.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(),
        ["first@example.com", "ada@example.com", "ada@example.com"]
    );
    assert_eq!(received[1].header("Message-ID"), received[2].header("Message-ID"));
    assert_eq!(received[1].text, received[2].text);
}

/// The power fails while many entries are approved in the background. The work goes on with the others.
#[apply(on_both_stores)]
async fn work_on_many_entries_goes_on_after_a_power_cut(kind: Kind) {
    let deployment = Deployment::new(kind).await;
    let mut server = deployment.start();
    // So many that the work is not over before the power fails.
    for number in 0..500 {
        deployment.sign_up(&server, &format!("p{number}@example.com")).await.expect(201);
    }
    server.kill();
    let ports = deployment.ports().await;
    let (workspace, list) = (WorkspaceId::parse(&deployment.workspace).unwrap(), WaitlistId::parse(&deployment.list).unwrap());
    let waitlist = ports.waitlists.find(workspace, list).await.unwrap().unwrap();
    let last = entry_job::last_position(&ports, &waitlist).await.unwrap();
    let query = EntryQuery { status: Some(EntryStatus::Pending), ..EntryQuery::default() };
    entry_job::begin(&ports, Actor::System, &waitlist, JobAction::Approve, query, last).await.unwrap().unwrap();
    drop(ports);
    let mut server = deployment.start();
    let approved = async |server: &Server| {
        let path = format!("/waitlists/{}/entries?status=approved&sort=-position&limit=1", deployment.list);
        deployment.admin(server, &path, None).await.expect(200)["data"][0]["position"].as_u64()
    };
    eventually(|| approved(&server)).await;
    server.kill();
    let ports = deployment.ports().await;
    let cut = ports.entry_jobs.newest(list).await.unwrap().unwrap();
    assert_eq!(cut.state, JobState::Running, "it was over before the power failed");
    // The lease ends, as it would in minutes.
    let (claim, later) = (ClaimId::new(ports.ids.uuid()), ports.clock.now().plus(time::Duration::hours(1)));
    let held = ports.entry_jobs.claim(claim, later, later).await.unwrap().unwrap();
    ports.entry_jobs.went_on(held.id, claim, JobGroup::default(), later).await.unwrap();
    drop(ports);
    let server = deployment.start();
    let ports = deployment.ports().await;
    let newest = async || ports.entry_jobs.newest(list).await.unwrap().filter(|job| job.state.is_over());
    let over = eventually(newest).await;
    assert_eq!((over.state, over.refused), (JobState::Done, BTreeMap::new()));
    let left = deployment.admin(&server, &format!("/waitlists/{}/entries?status=pending", deployment.list), None).await.expect(200);
    assert_eq!((approved(&server).await, left["data"].as_array().map(Vec::len)), (Some(500), Some(0)));
}

/// A server that was told to stop holds no work for the next one, which goes on at once and not when a lease has ended.
#[apply(on_both_stores)]
async fn work_goes_on_at_once_after_a_server_was_told_to_stop(kind: Kind) {
    let deployment = Deployment::new(kind).await;
    let mut server = deployment.start();
    let (people, approved) = (15_000, 1500);
    let file: String = (0..people).map(|n| format!("p{n}@example.com\n")).collect();
    let path = format!("/waitlists/{}/imports", deployment.list);
    let url = format!("{}/v1/workspaces/{}{path}", server.base, deployment.workspace);
    let request = deployment.client.post(url).bearer_auth(&deployment.token).header("content-type", "text/csv");
    let import = send(request.body(format!("email\n{file}"))).await.expect(202)["id"].as_str().unwrap().to_owned();
    let import = async |server: &Server| deployment.admin(server, &format!("{path}/{import}"), None).await.expect(200);
    eventually(|| async { import(&server).await["added"].as_u64().filter(|added| *added > 0) }).await;
    server.terminate();
    assert!(server.ended_well(Duration::from_secs(40)));
    let mut server = deployment.start();
    assert_eq!(import(&server).await["state"], "running", "it was over before the server was told to stop");
    let done = eventually(|| async { Some(import(&server).await).filter(|import| import["state"] == "done") }).await;
    assert_eq!(done["added"], people);

    let (workspace, list) = (WorkspaceId::parse(&deployment.workspace).unwrap(), WaitlistId::parse(&deployment.list).unwrap());
    server.terminate();
    assert!(server.ended_well(Duration::from_secs(40)));
    let ports = deployment.ports().await;
    let waitlist = ports.waitlists.find(workspace, list).await.unwrap().unwrap();
    let (query, until) = (EntryQuery::default(), Position::new(approved));
    entry_job::begin(&ports, Actor::System, &waitlist, JobAction::Approve, query, until).await.unwrap().unwrap();
    drop(ports);
    let mut server = deployment.start();
    eventually(|| async {
        let path = format!("/waitlists/{}/entries?status=approved&limit=1", deployment.list);
        deployment.admin(&server, &path, None).await.expect(200)["data"][0]["id"].as_str().map(|_| ())
    })
    .await;
    server.terminate();
    assert!(server.ended_well(Duration::from_secs(40)));
    let ports = deployment.ports().await;
    let stopped = ports.entry_jobs.newest(list).await.unwrap().unwrap();
    assert!(stopped.changed > 0 && !stopped.state.is_over(), "{stopped:?}");
    drop(ports);
    let _server = deployment.start();
    let ports = deployment.ports().await;
    let newest = async || ports.entry_jobs.newest(list).await.unwrap().filter(|job| job.state.is_over());
    let over = eventually(newest).await;
    assert_eq!((over.state, over.changed), (JobState::Done, approved));
}

/// No other server uses the embedded store, so a new one takes over the work of one that was killed, and waits for no lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_goes_on_at_once_after_a_server_on_the_embedded_store_was_killed() {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let environment = vec![("RALLY_SMTP_URL", smtp.url()), ("RALLY_SMTP_FROM", "Rally <rally@mail.example>".to_owned())];
    let deployment = Deployment::with(Kind::Sqlite, environment).await;
    let (workspace, list) = (WorkspaceId::parse(&deployment.workspace).unwrap(), WaitlistId::parse(&deployment.list).unwrap());
    let mut server = deployment.start();
    let people = 15_000;
    let file: String = (0..people).map(|n| format!("p{n}@example.com\n")).collect();
    let path = format!("/waitlists/{}/imports", deployment.list);
    let url = format!("{}/v1/workspaces/{}{path}", server.base, deployment.workspace);
    let request = deployment.client.post(url).bearer_auth(&deployment.token).header("content-type", "text/csv");
    let import = send(request.body(format!("email\n{file}"))).await.expect(202)["id"].as_str().unwrap().to_owned();
    let import = async |server: &Server| deployment.admin(server, &format!("{path}/{import}"), None).await.expect(200);
    eventually(|| async { import(&server).await["added"].as_u64().filter(|added| *added > 0) }).await;
    server.kill();
    let mut server = deployment.start();
    assert_eq!(import(&server).await["state"], "running", "it was over before the server was killed");
    let done = eventually(|| async { Some(import(&server).await).filter(|import| import["state"] == "done") }).await;
    assert_eq!(done["added"], people);
    deployment.put(&server, "/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    server.kill();
    // What a server holds that is killed at its work: a mail, and a job on all entries.
    let ports = deployment.ports().await;
    let (now, waitlist) = (ports.clock.now(), ports.waitlists.find(workspace, list).await.unwrap().unwrap());
    let (claim, until) = (|| ClaimId::new(ports.ids.uuid()), now.plus(time::Duration::hours(1)));
    let (query, last) = (EntryQuery::default(), Position::new(1));
    entry_job::begin(&ports, Actor::System, &waitlist, JobAction::Approve, query, last).await.unwrap().unwrap();
    ports.entry_jobs.claim(claim(), now, until).await.unwrap().expect("a job");
    ports.entries.sign_up(samples::sign_up(&ports, &waitlist, "bob@example.com")).await.unwrap();
    let shares = vec![(workspace, 10)];
    let held = ports.mails.claim(ClaimRequest { claim: claim(), now: ports.clock.now(), lease_until: until, shares }, None).await.unwrap();
    assert_eq!(held.len(), 1);
    drop(ports);
    let _server = deployment.start();
    let ports = deployment.ports().await;
    let over = eventually(|| async { ports.entry_jobs.newest(list).await.unwrap().filter(|job| job.state.is_over()) }).await;
    assert_eq!((over.state, over.changed), (JobState::Done, 1));
    eventually(|| async { smtp.received().iter().any(|mail| mail.to == "bob@example.com").then_some(()) }).await;
}

/// SQLite removes the log of a database when the last program closes it. A server that had lost its locks would go on writing into a log
/// that no other program finds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_ups_outlive_another_program_that_reads_the_embedded_store() {
    let deployment = Deployment::new(Kind::Sqlite).await;
    let mut server = deployment.start();
    deployment.sign_up(&server, "before@example.com").await.expect(201);
    let file = deployment.directory.path().join("rally.db");
    // Its SQLite is that of the system.
    let read = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT count(*) FROM entries').fetchall(); c.close()";
    let other = std::process::Command::new("python3").args(["-c", read]).arg(&file).status().unwrap();
    assert!(other.success());
    assert!(file.with_extension("db-wal").exists(), "the log is the server's");
    deployment.sign_up(&server, "after@example.com").await.expect(201);
    server.kill();
    let server = deployment.start();
    let entries = deployment.entries(&server).await;
    assert_eq!(entries, [("before@example.com".to_owned(), 1), ("after@example.com".to_owned(), 2)]);
}

/// The database loses its power during many sign-ups and comes back. Rally does not need a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_goes_away_and_comes_back_has_lost_nothing() {
    let cluster = rally_pgtest::Cluster::start(None);
    let (deployment, receiver) = (Deployment::on(Some(cluster.url()), Vec::new()).await, Receiver::start().await);
    let server = deployment.start();
    deployment.admin(&server, "/webhooks", Some(json!({"url": receiver.url, "events": ["entry.created"]}))).await.expect(201);
    let mut clients = JoinSet::new();
    for client in 0..8 {
        let (http, url) = (deployment.client.clone(), format!("{}/v1/waitlists/acme/early/entries", server.base));
        clients.spawn(async move {
            let (mut answered, end) = (Vec::new(), Instant::now() + Duration::from_secs(5));
            for n in 0.. {
                let email = format!("c{client}n{n}@example.com");
                let reply = http.post(&url).json(&json!({"email": email, "name": "Somebody"})).send().await.unwrap();
                match reply.status().as_u16() {
                    201 => answered.push((email, reply.json::<Value>().await.unwrap()["position"].as_u64().unwrap())),
                    503 => {
                        assert!(reply.headers().contains_key("retry-after"));
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                    status => panic!("{status}: {}", reply.text().await.unwrap()),
                }
                if Instant::now() > end {
                    break;
                }
            }
            answered
        });
    }
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        cluster.stop_at_once();
        tokio::time::sleep(Duration::from_millis(500)).await;
        cluster.start_again();
    }
    let answered: Vec<(String, u64)> = clients.join_all().await.into_iter().flatten().collect();
    assert!(answered.len() > 50);
    let addresses: HashSet<String> = deployment.check(&server, &answered).await.into_iter().collect();
    eventually(|| async {
        let told = |request: &Received| request.json()["data"]["entry"]["email"].as_str().unwrap().to_owned();
        let arrived: HashSet<String> = receiver.received().iter().map(told).collect();
        Some(()).filter(|()| arrived == addresses)
    })
    .await;
}

#[apply(on_both_stores)]
async fn a_server_asked_to_end_cuts_nobody_off(kind: Kind) {
    let deployment = Deployment::new(kind).await;
    let mut server = deployment.start();
    let clients = crowd(&deployment, &server.base, 0, &Arc::default());
    let count = format!("/waitlists/{}/entries/count", deployment.list);
    let many = async || deployment.admin(&server, &count, None).await.expect(200)["count"].as_u64().filter(|count| *count >= 50);
    let before = eventually(many).await;
    server.terminate();
    assert!(server.ended_well(Duration::from_secs(35)), "it did not end, or not well");
    let answered = clients.join_all().await.into_iter().flatten().count();
    assert!(answered as u64 >= before, "{answered} were answered, and {before} were there");
    let server = deployment.start();
    let entries = deployment.entries(&server).await;
    // Every accepted person got an answer.
    assert_eq!(entries.len(), answered);
}

/// A first start that was killed in the middle of its demo is completed by the next start. A workspace that somebody made gets none.
#[test]
fn a_first_start_that_was_broken_off_is_completed() {
    let tells_of_a_demo = |slug: &str| {
        let directory = TempDir::new().unwrap();
        run(directory.path(), None, &["workspace", "create", slug]);
        [(); 2].map(|()| Server::start(directory.path(), None).greeting.contains("/w/demo/early-access"))
    };
    assert_eq!(tells_of_a_demo("demo"), [true, false]);
    assert_eq!(tells_of_a_demo("acme"), [false, false]);
}

#[tokio::test]
async fn a_demo_is_completed_whatever_of_it_is_there() {
    let store = SqliteStore::in_memory().unwrap();
    store.migrate().await.unwrap();
    let clock = Arc::new(FrozenClock::at("2026-01-31T09:00:00Z"));
    let ports = Ports::of_store(Arc::new(store), samples::links(), clock, Arc::new(CountingIds::default()));
    assert!(!is_begun(&ports).await.unwrap());
    let workspace = samples::workspace(&ports, "demo").await;
    assert!(is_begun(&ports).await.unwrap());
    let draft = ports.waitlists.create(samples::create_waitlist(&ports, workspace.id, "early-access"), None).await.unwrap();
    assert!(is_begun(&ports).await.unwrap());
    let demo = create_demo(&ports).await.unwrap();
    assert_eq!((demo.workspace.id, demo.waitlist.id, demo.waitlist.status), (workspace.id, draft.id, WaitlistStatus::Active));
    assert!(!is_begun(&ports).await.unwrap(), "it is complete");
    // A restored backup may have a draft of that name in the place of the demo's list, or none.
    assert!(ports.waitlists.delete(samples::delete_waitlist(&ports, workspace.id, draft.id)).await.unwrap());
    assert!(!is_begun(&ports).await.unwrap(), "somebody has deleted the list");
    ports.waitlists.create(samples::create_waitlist(&ports, workspace.id, "early-access"), None).await.unwrap();
    assert!(!is_begun(&ports).await.unwrap(), "the draft is somebody's");
}

#[test]
fn the_demo_is_made_once() {
    let directory = TempDir::new().unwrap();
    drop(Server::start(directory.path(), None));
    let workspaces = || run(directory.path(), None, &["workspace", "list"]);
    assert_eq!(workspaces()[0]["slug"], "demo");
    run(directory.path(), None, &["workspace", "delete", "demo", "--yes"]);
    drop(Server::start(directory.path(), None));
    assert_eq!(workspaces(), json!([]));
}

#[tokio::test]
async fn a_database_without_a_workspace_leads_to_the_console() {
    let (directory, url) = (TempDir::new().unwrap(), rally_pgtest::new_database().await);
    let mut child = rally(directory.path(), Some(&url)).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let link = lines.find_map(|line| line.strip_prefix("  console       ").map(str::to_owned)).expect("a link to the console");
    assert_eq!(reqwest::get(&link).await.unwrap().status(), 200, "{link}");
    child.kill().unwrap();
    child.wait().unwrap();
}
