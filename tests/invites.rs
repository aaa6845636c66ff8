//! Invitations into apps through Heimdall, one by one and in bulk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rally_contracts::doubles::FrozenClock;
use rally_domain::actor::Actor;
use rally_domain::entry_job::{JobAction, JobState};
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::invite::{Invite, InviteError, InviteRequest};
use rally_domain::port::{AppInviter, Clock, MockEntryStore, Ports};
use rally_domain::search::EntryQuery;
use rally_domain::timestamp::Timestamp;
use rally_domain::use_case::entry_job;
use rally_fakes::http::{Misbehaviour, PRIVATE};
use rally_fakes::{FakeSmtp, SmtpOptions};
use rally_heimdall::HeimdallInviter;
use rally_tests::deployment::Deployment;
use rally_tests::process::LOG;
use rally_tests::receiver::eventually;
use rally_tests::upstreams::{KEY, Upstreams, notifications};
use rally_tests::{Kind, TestServer, on_both_stores, send, upstreams};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use tokio::sync::Notify;

/// The path of a new entry, approved.
async fn approved(server: &TestServer, list: &str, email: &str) -> String {
    let path = format!("/waitlists/{list}/entries/{}", server.join("early", email).await["id"].as_str().unwrap());
    server.admin_patch(&path, json!({"status": "approved"})).await.expect(200);
    path
}

async fn set(server: &TestServer, settings: Value) {
    server.admin_put("/rally/settings", settings).await.expect(200);
}

async fn invite(server: &TestServer, entry: &str, body: Value) -> rally_tests::Reply {
    server.admin_post(&format!("{entry}/invite-to-app"), body).await
}

fn links(world: &Upstreams) -> Vec<String> {
    let sent = world.envoi.state().sent.clone();
    sent.iter().filter_map(|mail| mail.data["invite_url"].as_str().map(str::to_owned)).collect()
}

#[apply(on_both_stores)]
async fn an_approved_entry_gets_one_invitation_and_one_mail(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    set(&server, notifications()).await;
    let list = server.active_list("early", json!({})).await;
    let ada = approved(&server, &list, "ada@example.com").await;
    server.clock.advance(time::Duration::seconds(5));
    let before = server.admin_get(&ada).await.expect(200);
    let first = invite(&server, &ada, json!({})).await.expect(200);
    let mut entry = before.clone();
    (entry["invited_at"], entry["invited_to_app_slug"]) = (json!("2026-01-31T09:00:05.000Z"), json!("acme-app"));
    entry["updated_at"] = json!("2026-01-31T09:00:05.000Z");
    let url = "https://app.example/acme-app/join?code=code1";
    assert_eq!(first, json!({"entry": entry, "invite_id": "invite-1", "invite_url": url}));
    assert_eq!(server.admin_get(&ada).await.expect(200), entry);
    server.clock.advance(time::Duration::seconds(5));
    for _ in 0..2 {
        assert_eq!(invite(&server, &ada, json!({"app_slug": " acme-app ", "send_email": true})).await.expect(200), first);
    }
    assert_eq!(world.heimdall.state().invites.len(), 1);
    eventually(|| async { (links(&world) == [url]).then_some(()) }).await;
}

#[apply(on_both_stores)]
async fn an_invited_entry_is_never_rejected_but_can_be_invited_to_another_app(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    set(&server, notifications()).await;
    let list = server.active_list("early", json!({})).await;
    let ada = approved(&server, &list, "ada@example.com").await;
    invite(&server, &ada, json!({})).await.expect(200);
    eventually(|| async { (links(&world).len() == 1).then_some(()) }).await;
    server.admin_patch(&ada, json!({"status": "rejected"})).await.refused(400, "invalid_transition");
    let elsewhere = invite(&server, &ada, json!({"app_slug": "other", "send_email": false})).await.expect(200);
    assert_eq!(elsewhere["entry"]["invited_to_app_slug"], "other");
    assert_eq!(links(&world).len(), 1);
}

#[apply(on_both_stores)]
async fn without_notifications_an_invitation_is_made_and_no_mail_sent(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    set(&server, json!({"default_heimdall_app_slug": "acme-app"})).await;
    let list = server.active_list("early", json!({})).await;
    let ada = approved(&server, &list, "ada@example.com").await;
    assert_eq!(invite(&server, &ada, json!({"app_slug": "", "send_email": true})).await.expect(200)["invite_id"], "invite-1");
    assert!(server.ports.mails.mails(10).await.unwrap().is_empty() && world.envoi.requests().is_empty());
}

const LINK: &str = "https://app.example/join?email={email}&code={code}";

/// A server that has no Heimdall, with notifications through a mail server, and that mail server.
async fn start_alone(kind: Kind) -> (TestServer, FakeSmtp) {
    let smtp = FakeSmtp::start(SmtpOptions::default()).await;
    let url = smtp.url();
    let server = TestServer::start_with(kind, |settings| rally_api::boot::config::Settings {
        smtp_url: Some(url),
        smtp_from: Some("Rally <rally@mail.example>".to_owned()),
        public_url: Some("https://rally.example".to_owned()),
        ..settings
    });
    let server = server.await;
    set(&server, json!({"notifications": "smtp"})).await;
    (server, smtp)
}

#[apply(on_both_stores)]
async fn a_list_invites_by_a_link_of_its_own(kind: Kind) {
    let (server, smtp) = start_alone(kind).await;
    let list = server.active_list("early", json!({"invite_url": LINK})).await;
    let ada = approved(&server, &list, "ada+x@example.com").await;
    let before = server.admin_get(&ada).await.expect(200);
    server.clock.advance(time::Duration::seconds(5));
    let first = send(server.admin_request(Method::POST, &format!("{ada}/invite-to-app"))).await.expect(200);
    let code = first["invite_id"].as_str().unwrap();
    assert!(code.len() >= 26 && code.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)), "{code}");
    let mut entry = before;
    entry["invited_at"] = json!("2026-01-31T09:00:05.000Z");
    entry["updated_at"] = json!("2026-01-31T09:00:05.000Z");
    let url = format!("https://app.example/join?email=ada%2Bx%40example.com&code={code}");
    assert_eq!(first, json!({"entry": entry, "invite_id": code, "invite_url": url}));
    assert_eq!(server.admin_get(&ada).await.expect(200), entry);
    server.clock.advance(time::Duration::seconds(5));
    let asked = (0..8).map(|_| invite(&server, &ada, json!({"app_slug": null})));
    for again in futures_util::future::join_all(asked).await {
        assert_eq!(again.expect(200), first);
    }
    let of = |subject: &str, mails: &[rally_fakes::Received]| mails.iter().filter(|mail| mail.text.contains(subject)).count();
    eventually(|| async { (of(code, &smtp.received()) == 1).then_some(()) }).await;
    eventually(|| async { (server.ports.mails.depth().await.unwrap().pending == 0).then_some(()) }).await;
    assert_eq!((of(code, &smtp.received()), smtp.received().len()), (1, 3));
    assert!(!server.get("/v1/waitlists/acme/early").await.expect(200).to_string().contains("app.example"));
    server.admin_patch(&ada, json!({"status": "rejected"})).await.refused(400, "invalid_transition");
}

#[apply(on_both_stores)]
async fn a_bulk_call_invites_by_the_link(kind: Kind) {
    let (server, _smtp) = start_alone(kind).await;
    let list = server.active_list("early", json!({"invite_url": LINK})).await;
    let mut ids = Vec::new();
    for address in ["ada@example.com", "bob@example.com"] {
        ids.push(approved(&server, &list, address).await.rsplit_once('/').unwrap().1.to_owned());
    }
    ids.push(server.join("early", "eve@example.com").await["id"].as_str().unwrap().to_owned());
    let body = json!({"ids": ids, "action": "invite-to-app"});
    let reply = server.admin_post(&format!("/waitlists/{list}/entries/bulk"), body).await.expect(200);
    assert_eq!((&reply["succeeded"], &reply["failed"]), (&json!(2), &json!(1)));
    assert_eq!(reply["results"][2]["error"]["code"], 422);
    for id in &ids[..2] {
        let entry = server.admin_get(&format!("/waitlists/{list}/entries/{id}")).await.expect(200);
        assert_eq!((&entry["invited_at"], &entry["invited_to_app_slug"]), (&json!(rally_tests::NOW), &Value::Null));
    }
}

#[apply(on_both_stores)]
async fn an_app_comes_before_the_link(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    let list = server.active_list("early", json!({"invite_url": LINK})).await;
    let ada = approved(&server, &list, "ada@example.com").await;
    let named = invite(&server, &ada, json!({"app_slug": "acme-app"})).await.expect(200);
    assert_eq!((&named["invite_id"], &named["entry"]["invited_to_app_slug"]), (&json!("invite-1"), &json!("acme-app")));
    set(&server, json!({"default_heimdall_app_slug": "other"})).await;
    assert_eq!(invite(&server, &ada, json!({})).await.expect(200)["entry"]["invited_to_app_slug"], "other");
    set(&server, json!({"default_heimdall_app_slug": null})).await;
    let requests = world.heimdall.requests().len();
    let by_link = invite(&server, &ada, json!({})).await.expect(200);
    assert_eq!(by_link["entry"]["invited_to_app_slug"], Value::Null);
    assert_eq!(world.heimdall.requests().len(), requests);
    server.admin_patch(&format!("/waitlists/{list}"), json!({"settings": {"invite_url": null}})).await.expect(200);
    invite(&server, &ada, json!({})).await.refused(422, "no_linked_app");
}

#[apply(on_both_stores)]
async fn a_link_is_a_url_with_an_address_and_a_code(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let path = format!("/waitlists/{list}");
    let patch = |link: Value| server.admin_patch(&path, json!({"settings": {"invite_url": link}}));
    for bad in [json!("join"), json!("/join?c={code}"), json!("ftp://x.example/{code}"), json!("javascript:{code}"), json!(7), json!([])] {
        assert_eq!(patch(bad.clone()).await.bad_fields(), ["settings.invite_url"], "{bad}");
    }
    for bad in ["https://x.example/{name}".to_owned(), format!("https://x.example/{}", "x".repeat(2048)), "https://{email}/".to_owned()] {
        assert_eq!(patch(json!(bad)).await.bad_fields(), ["settings.invite_url"], "{bad}");
    }
    for (link, kept) in
        [(json!(" https://x.example/ "), json!("https://x.example/")), (json!(" "), Value::Null), (json!(LINK), json!(LINK))]
    {
        assert_eq!(patch(link).await.expect(200)["settings"]["invite_url"], kept);
    }
    assert_eq!(patch(Value::Null).await.expect(200)["settings"]["invite_url"], Value::Null);
}

#[apply(on_both_stores)]
async fn what_cannot_be_invited_is_told_why(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let ada = approved(&server, &list, "ada@example.com").await;
    let pending = format!("/waitlists/{list}/entries/{}", server.join("early", "bob@example.com").await["id"].as_str().unwrap());
    invite(&server, &ada, json!({})).await.refused(422, "no_linked_app");
    invite(&server, &ada, json!({"app_slug": null})).await.refused(422, "no_linked_app");
    invite(&server, &ada, json!({"app_slug": "none"})).await.refused(422, "unknown_app");
    invite(&server, &pending, json!({"app_slug": "acme-app"})).await.refused(422, "entry_not_approved");
    world.heimdall.state().users.insert(("app-2".to_owned(), "ada@example.com".to_owned()));
    invite(&server, &ada, json!({"app_slug": "acme-app"})).await.refused(409, "already_user");
    for (bad, fields) in [
        (json!({"app_slug": 7}), &["app_slug"][..]),
        (json!({"app_slug": "x".repeat(201)}), &["app_slug"]),
        (json!({"app_slug": "a\u{0}b", "send_email": "yes"}), &["app_slug", "send_email"]),
    ] {
        assert_eq!(invite(&server, &ada, bad.clone()).await.bad_fields(), fields, "{bad}");
    }
    let missing = format!("/waitlists/{list}/entries/00000000-0000-7000-8000-000000000000");
    invite(&server, &missing, json!({"app_slug": "acme-app"})).await.refused(404, "entry_not_found");
    invite(&server, &format!("/waitlists/{list}/entries/17"), json!({})).await.refused(404, "entry_not_found");
    assert_eq!(server.admin_get(&ada).await.expect(200)["invited_at"], Value::Null);
    assert!(world.heimdall.state().invites.is_empty());
}

#[apply(on_both_stores)]
async fn heimdall_in_trouble_changes_nothing(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let ada = approved(&server, &list, "ada@example.com").await;
    let before = server.admin_get(&ada).await.expect(200);
    for how in Misbehaviour::QUICK.into_iter().chain([400, 401, 422].map(Misbehaviour::Status)) {
        world.heimdall.misbehave(Some(how));
        let reply = invite(&server, &ada, json!({"app_slug": "acme-app"})).await;
        reply.refused(502, "upstream_failed");
        assert!(!reply.body.contains(PRIVATE) && !reply.body.contains(KEY), "{reply:?}");
    }
    world.heimdall.misbehave(Some(Misbehaviour::TooMany(7)));
    let reply = invite(&server, &ada, json!({"app_slug": "acme-app"})).await;
    reply.refused(502, "upstream_failed");
    assert_eq!(reply.header("retry-after"), Some("7"));
    assert_eq!(server.admin_get(&ada).await.expect(200), before);
    world.heimdall.misbehave(None);
    invite(&server, &ada, json!({"app_slug": "acme-app"})).await.expect(200);
}

#[apply(on_both_stores)]
async fn many_are_invited_each_with_its_own_outcome(kind: Kind) {
    let (server, world) = upstreams::start(kind).await;
    set(&server, notifications()).await;
    let list = server.active_list("early", json!({})).await;
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let ada = id(&approved(&server, &list, "ada@example.com").await);
    let bob = id(&approved(&server, &list, "bob@example.com").await);
    let pending = server.join("early", "eve@example.com").await["id"].clone();
    world.heimdall.state().users.insert(("app-2".to_owned(), "bob@example.com".to_owned()));
    let path = format!("/waitlists/{list}/entries/bulk");
    let body = json!({"ids": [ada, pending, "17", bob, ada], "action": "invite-to-app"});
    let report = server.admin_post(&path, body.clone()).await.expect(200);
    let error = |code: u16, message: &str| json!({"code": code, "message": message});
    assert_eq!(
        report,
        json!({
            "requested": 4, "succeeded": 1, "failed": 3,
            "results": [
                {"id": ada, "status": "ok"},
                {"id": pending, "status": "error", "error": error(422, "only an approved entry can be invited")},
                {"id": "17", "status": "error", "error": error(404, "this entry does not exist")},
                {"id": bob, "status": "error", "error": error(409, "somebody with this e-mail address is in the app already")},
            ],
        })
    );
    assert_eq!(server.admin_post(&path, body).await.expect(200)["succeeded"], 1);
    assert_eq!(world.heimdall.state().invites.len(), 1);
    eventually(|| async { (links(&world).len() == 1).then_some(()) }).await;
    set(&server, json!({"default_heimdall_app_slug": null})).await;
    let nowhere = server.admin_post(&path, json!({"ids": [ada], "action": "invite-to-app"})).await.expect(200);
    assert_eq!(nowhere["results"][0]["error"]["code"], 422);
}

#[apply(on_both_stores)]
async fn a_bulk_call_reads_only_the_fields_of_its_action(kind: Kind) {
    let (server, _world) = upstreams::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let pending = server.join("early", "eve@example.com").await["id"].clone();
    let path = format!("/waitlists/{list}/entries/bulk");
    let with = |action: &str| json!({"ids": [pending], "action": action, "app_slug": 7, "send_email": "yes"});
    assert_eq!(server.admin_post(&path, with("approve")).await.expect(200)["succeeded"], 1);
    assert_eq!(server.admin_post(&path, with("invite-to-app")).await.bad_fields(), ["app_slug", "send_email"]);
}

/// A server whose inviter gives up after a moment, and the stand-ins.
async fn impatient(kind: Kind) -> (TestServer, Upstreams) {
    let world = Upstreams::start().await;
    let base = world.heimdall.base.parse().unwrap();
    let server = TestServer::start_on(kind, |ports| {
        let deadline = time::Duration::milliseconds(300);
        let inviter = HeimdallInviter::new(base, KEY.to_owned().into(), None, deadline, ports.clock.clone());
        ports.inviter = Some(Arc::new(inviter.unwrap()));
    });
    (server.await, world)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heimdall_that_is_slow_is_told_apart_and_asked_once_for_many() {
    let (server, world) = impatient(Kind::Sqlite).await;
    let list = server.active_list("early", json!({})).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(approved(&server, &list, &format!("p{n}@example.com")).await);
    }
    for how in [Misbehaviour::Hang, Misbehaviour::Drip] {
        world.heimdall.misbehave(Some(how));
        let reply = invite(&server, &ids[0], json!({"app_slug": "acme-app"})).await;
        reply.refused(504, "upstream_timeout");
    }
    let asked = world.heimdall.requests().len();
    let bare: Vec<&str> = ids.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
    let body = json!({"ids": bare, "action": "invite-to-app", "app_slug": "acme-app"});
    let report = server.admin_post(&format!("/waitlists/{list}/entries/bulk"), body).await.expect(200);
    assert_eq!((&report["failed"], &report["results"][4]["error"]["code"]), (&json!(5), &json!(504)));
    assert_eq!(world.heimdall.requests().len(), asked + 1);
    // Without a template and a link of Heimdall there is no link.
    world.heimdall.misbehave(None);
    let invited = invite(&server, &ids[0], json!({"app_slug": "acme-app"})).await.expect(200);
    assert!(invited.get("invite_url").is_none(), "{invited}");
}

/// Invites, and takes its time for each.
struct Leisurely(Arc<FrozenClock>);

#[async_trait::async_trait]
impl AppInviter for Leisurely {
    async fn invite(&self, request: InviteRequest) -> Result<Invite, InviteError> {
        self.0.advance(time::Duration::seconds(9));
        Ok(Invite { id: request.entry_id.to_string(), url: None })
    }
}

/// A clock that moves with every look, once it is told to.
struct Racing(FrozenClock, AtomicBool);

impl Clock for Racing {
    fn now(&self) -> Timestamp {
        if self.1.load(Ordering::SeqCst) {
            self.0.advance(time::Duration::seconds(7));
        }
        self.0.now()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_slow_reviews_end_in_time() {
    let clock = Arc::new(Racing(FrozenClock::at("2026-01-31T09:00:00Z"), AtomicBool::new(false)));
    let own = clock.clone();
    let server = TestServer::start_on(Kind::Sqlite, move |ports| ports.clock = own).await;
    let list = server.active_list("early", json!({})).await;
    let mut ids = Vec::new();
    for n in 0..8 {
        ids.push(server.join("early", &format!("p{n}@example.com")).await["id"].clone());
    }
    clock.1.store(true, Ordering::SeqCst);
    let body = json!({"ids": ids, "action": "approve"});
    let report = server.admin_post(&format!("/waitlists/{list}/entries/bulk"), body).await.expect(200);
    assert_eq!((&report["results"][0]["status"], &report["results"][7]["error"]["code"]), (&json!("ok"), &json!(503)), "{report}");
}

/// A caller learns of the invitations that were made before it stops waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_slow_invitations_end_in_time() {
    let clock = Arc::new(FrozenClock::at("2026-01-31T09:00:00Z"));
    let own = clock.clone();
    let server = TestServer::start_on(Kind::Sqlite, move |ports| {
        ports.inviter = Some(Arc::new(Leisurely(own.clone())));
        ports.clock = own;
    });
    let server = server.await;
    let list = server.active_list("early", json!({})).await;
    let mut ids = Vec::new();
    for n in 0..8 {
        let path = approved(&server, &list, &format!("p{n}@example.com")).await;
        ids.push(path.rsplit('/').next().unwrap().to_owned());
    }
    let body = json!({"ids": ids, "action": "invite-to-app", "app_slug": "acme-app"});
    let report = server.admin_post(&format!("/waitlists/{list}/entries/bulk"), body.clone()).await.expect(200);
    assert_eq!((&report["succeeded"], &report["failed"]), (&json!(5), &json!(3)));
    assert_eq!(report["results"][5]["error"]["code"], 503);
    assert_eq!(server.admin_post(&format!("/waitlists/{list}/entries/bulk"), body).await.expect(200)["succeeded"], 5);
}

/// A worker holds a job for two minutes. What it did must be noted before, or another worker does the same again, and the job never ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_many_slow_invitations_is_noted_in_time() {
    let clock = Arc::new(FrozenClock::at("2026-01-31T09:00:00Z"));
    let own = clock.clone();
    let server = TestServer::start_on(Kind::Sqlite, move |ports| {
        ports.inviter = Some(Arc::new(Leisurely(own.clone())));
        ports.clock = own;
    });
    let (server, people) = (server.await, 20);
    set(&server, json!({"default_heimdall_app_slug": "acme-app"})).await;
    let list = server.active_list("early", json!({"approval_required": false})).await;
    for n in 0..people {
        server.join("early", &format!("p{n}@example.com")).await;
    }
    let (ports, id) = (&server.ports, WaitlistId::parse(&list).unwrap());
    let waitlist = ports.waitlists.find(server.workspace.id, id).await.unwrap().unwrap();
    let last = entry_job::last_position(ports, &waitlist).await.unwrap();
    entry_job::begin(ports, Actor::System, &waitlist, JobAction::Invite, EntryQuery::default(), last).await.unwrap().unwrap();
    let job = loop {
        let begun = clock.now();
        assert!(entry_job::step(ports, &|| false).await.unwrap().is_some());
        assert!(clock.now() < begun.plus(time::Duration::minutes(2)), "the worker held the job for longer");
        let job = ports.entry_jobs.newest(id).await.unwrap().unwrap();
        if job.state.is_over() {
            break job;
        }
    };
    assert_eq!((job.state, job.changed, job.refused.len()), (JobState::Done, people, 0));
}

/// A defect at one entry does not keep a job from its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_passes_over_what_fails_unexpectedly() {
    let server = TestServer::start(Kind::Sqlite).await;
    let list = server.active_list("early", json!({})).await;
    for name in ["ada", "bob"] {
        server.join("early", &format!("{name}@example.com")).await;
    }
    let mut entries = MockEntryStore::new();
    entries.expect_review().returning(|_| Err(Fault::unexpected("a defect").into()));
    let ports = Ports { entries: Arc::new(entries), ..server.ports.clone() };
    let id = WaitlistId::parse(&list).unwrap();
    let waitlist = ports.waitlists.find(server.workspace.id, id).await.unwrap().unwrap();
    let last = entry_job::last_position(&ports, &waitlist).await.unwrap();
    // A worker of the server has no such defect, and may be quicker.
    let worked = loop {
        entry_job::begin(&ports, Actor::System, &waitlist, JobAction::Approve, EntryQuery::default(), last).await.unwrap();
        if let Some(worked) = entry_job::step(&ports, &|| false).await.unwrap() {
            break worked;
        }
    };
    assert_eq!(worked.defects.len(), 2);
    let job = ports.entry_jobs.newest(id).await.unwrap().unwrap();
    assert_eq!((job.state, job.changed, job.looked_at()), (JobState::Done, 0, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_heimdall_nobody_can_be_invited() {
    let server = TestServer::start(Kind::Sqlite).await;
    let list = server.active_list("early", json!({})).await;
    let ada = approved(&server, &list, "ada@example.com").await;
    invite(&server, &ada, json!({})).await.refused(422, "no_linked_app");
    invite(&server, &ada, json!({"app_slug": "acme-app"})).await.refused(503, "service_unavailable");
}

/// Invites once it is told to.
#[derive(Default)]
struct Patient {
    asked: Notify,
    told: Notify,
}

#[async_trait::async_trait]
impl AppInviter for Patient {
    async fn invite(&self, _: InviteRequest) -> Result<Invite, InviteError> {
        self.asked.notify_one();
        self.told.notified().await;
        Ok(Invite { id: "invite-1".to_owned(), url: Some("https://heimdall.example/code1".to_owned()) })
    }
}

/// The entry is rejected after it was read and before the invitation is recorded. The link is not returned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_is_rejected_meanwhile_is_not_stamped() {
    let inviter = Arc::new(Patient::default());
    let own = inviter.clone();
    let server = TestServer::start_on(Kind::Sqlite, move |ports| ports.inviter = Some(own)).await;
    let list = server.active_list("early", json!({})).await;
    let ada = approved(&server, &list, "ada@example.com").await;
    let (late, ()) = tokio::join!(invite(&server, &ada, json!({"app_slug": "acme-app"})), async {
        inviter.asked.notified().await;
        server.admin_patch(&ada, json!({"status": "rejected"})).await.expect(200);
        inviter.told.notify_one();
    });
    late.refused(422, "entry_not_approved");
    assert!(!late.body.contains("heimdall.example"), "{late:?}");
    let entry = server.admin_get(&ada).await.expect(200);
    assert_eq!((&entry["status"], &entry["invited_at"]), (&json!("rejected"), &Value::Null));
}

/// The log of a deployment's servers. It must contain no secret.
fn log_without_secrets(deployment: &Deployment) -> String {
    let log = std::fs::read_to_string(deployment.directory.path().join(LOG)).unwrap();
    for secret in [KEY, PRIVATE, "ada@example.com", "code1"] {
        assert!(!log.contains(secret), "the log has {secret}");
    }
    log
}

#[apply(on_both_stores)]
async fn a_failing_upstream_is_logged_without_keys_addresses_and_bodies(kind: Kind) {
    let world = Upstreams::start().await;
    let deployment = Deployment::with(kind, [world.environment(), vec![("RALLY_LOG", "debug".to_owned())]].concat()).await;
    let server = deployment.start();
    deployment.put(&server, "/rally/settings", notifications()).await.expect(200);
    let id = deployment.sign_up(&server, "ada@example.com").await.expect(201)["id"].as_str().unwrap().to_owned();
    let entry = format!("/waitlists/{}/entries/{id}", deployment.list);
    deployment.patch(&server, &entry, json!({"status": "approved"})).await.expect(200);
    let path = format!("{entry}/invite-to-app");
    let invited = deployment.admin(&server, &path, Some(json!({}))).await.expect(200);
    assert_eq!(invited["invite_url"], "https://app.example/acme-app/join?code=code1");
    eventually(|| async { (links(&world).len() == 1).then_some(()) }).await;
    for how in [Misbehaviour::Status(500), Misbehaviour::Status(401), Misbehaviour::Garbage, Misbehaviour::WrongPage] {
        world.heimdall.misbehave(Some(how));
        world.envoi.misbehave(Some(how));
        deployment.admin(&server, &path, Some(json!({"app_slug": "other"}))).await.refused(502, "upstream_failed");
        deployment.put(&server, "/rally/settings", notifications()).await.refused(502, "upstream_failed");
    }
    drop(server);
    let log = log_without_secrets(&deployment);
    assert!(log.contains("an upstream failed") && log.contains("Heimdall"), "{log}");
}

/// Heimdall has made the invitation, and Rally is killed before it has recorded that. A repeated request returns the same invitation, once.
#[apply(on_both_stores)]
async fn an_invitation_survives_a_kill(kind: Kind) {
    let world = Upstreams::start().await;
    let deployment = Deployment::with(kind, [world.environment(), vec![("RALLY_LOG", "debug".to_owned())]].concat()).await;
    let mut server = deployment.start();
    deployment.put(&server, "/rally/settings", notifications()).await.expect(200);
    let id = deployment.sign_up(&server, "ada@example.com").await.expect(201)["id"].as_str().unwrap().to_owned();
    let entry = format!("/waitlists/{}/entries/{id}", deployment.list);
    deployment.patch(&server, &entry, json!({"status": "approved"})).await.expect(200);
    let path = format!("{entry}/invite-to-app");
    // The list of apps is kept from here on.
    deployment.admin(&server, &path, Some(json!({"app_slug": "none"}))).await.refused(422, "unknown_app");
    // On PostgreSQL the record waits for the list's lock, so that the answer has come; on SQLite the answer never comes.
    let lock = deployment.url.clone().map(|url| {
        tokio::spawn(async move {
            let hold = "BEGIN; SELECT * FROM waitlist_totals FOR UPDATE; SELECT pg_sleep(3); COMMIT";
            rally_pgtest::execute(&url, hold).await;
        })
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    world.heimdall.misbehave((kind == Kind::Sqlite).then_some(Misbehaviour::Lose));
    let url = format!("{}/v1/workspaces/{}{path}", server.base, deployment.workspace);
    let token = deployment.run(&["token", "mint", "--workspace", "acme"]);
    let call = deployment.client.post(url).bearer_auth(token.as_str().unwrap()).json(&json!({})).send();
    let call = tokio::spawn(call);
    eventually(|| async { (world.heimdall.state().invites.len() == 1).then_some(()) }).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.kill();
    assert!(call.await.unwrap().is_err(), "it was answered before it was killed");
    if let Some(lock) = lock {
        lock.await.unwrap();
    }
    world.heimdall.misbehave(None);
    let server = deployment.start();
    let before = deployment.admin(&server, &entry, None).await.expect(200);
    assert_eq!(before["invited_at"], Value::Null);
    for _ in 0..2 {
        let invited = deployment.admin(&server, &path, Some(json!({}))).await.expect(200);
        assert_eq!((&invited["invite_id"], &invited["entry"]["invited_to_app_slug"]), (&json!("invite-1"), &json!("acme-app")));
    }
    assert_eq!(world.heimdall.state().invites.len(), 1);
    eventually(|| async { (links(&world).len() == 1).then_some(()) }).await;
    drop(server);
    log_without_secrets(&deployment);
}
