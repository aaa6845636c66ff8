//! The audit log: what it says of changes over the API, in the console and on the command line, and what it never says.

use std::collections::BTreeSet;
use std::path::Path;

use rally_api::auth::create_sign_in_link;
use rally_api::boot::config::Config;
use rally_api::boot::store;
use rally_api::boot::system::{SystemClock, SystemIds};
use rally_domain::actor::Actor;
use rally_domain::audit::{AuditAction, AuditFilter, AuditRecord};
use rally_domain::paging::Limit;
use rally_domain::port::Ports;
use rally_tests::process::{output, rally};
use rally_tests::{Kind, Reply, TestServer, on_both_stores, send, settings};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;

/// All rows about the workspace of a server that a filter lets through, newest first.
pub async fn rows(server: &TestServer, filter: AuditFilter) -> Vec<AuditRecord> {
    all_rows(&server.ports, Some(server.workspace.id), filter).await
}

async fn all_rows(ports: &Ports, workspace: Option<rally_domain::id::WorkspaceId>, filter: AuditFilter) -> Vec<AuditRecord> {
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let limit = Limit::new(u64::from(Limit::MAX), Limit::MAX).unwrap();
        let page = ports.audit.list(workspace, filter.clone(), after, limit).await.unwrap();
        all.extend(page.items);
        match page.next {
            Some(key) => after = Some(key),
            None => return all,
        }
    }
}

async fn log(server: &TestServer, query: &str) -> Reply {
    server.admin_get(&format!("/audit{query}")).await
}

/// The actions of the rows that a query finds.
async fn actions(server: &TestServer, query: &str) -> Vec<String> {
    let page = log(server, query).await.expect(200);
    page["data"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap().to_owned()).collect()
}

#[apply(on_both_stores)]
async fn a_change_says_who_what_and_how(kind: Kind) {
    let server = TestServer::start(kind).await;
    let create = json!({"slug": "early", "display_name": "Early"});
    let create = server.admin_request(Method::POST, "/waitlists").header("x-request-id", "made-1").json(&create);
    let list = send(create).await.expect(201)["id"].as_str().unwrap().to_owned();
    let path = format!("/waitlists/{list}");
    server.admin_patch(&path, json!({"display_name": "Later", "settings": {"max_entries": 7}})).await.expect(200);
    server.admin_patch(&path, json!({"display_name": "Later"})).await.expect(200);
    server.admin_patch(&path, json!({"settings": {"max_entries": 0}})).await.expect(400);
    server.set_status(&list, "active").await;
    server.admin_delete(&path).await.expect(204);
    let page = log(&server, &format!("?target={list}")).await.expect(200);
    let rows = page["data"].as_array().unwrap();
    assert_eq!(rows.len(), 4, "{page}");
    let row = |action: &str| rows.iter().find(|row| row["action"] == action).unwrap();
    let created = row("waitlist.create");
    assert_eq!(created["actor"], json!({"kind": "token", "id": "admin@acme", "name": "admin@acme"}));
    assert_eq!(created["target"], json!({"type": "waitlist", "id": list}));
    assert_eq!((&created["request_id"], &created["changes"]["display_name"]), (&json!("made-1"), &json!([null, "Early"])));
    assert_eq!(row("waitlist.update")["changes"], json!({"display_name": ["Early", "Later"], "settings.max_entries": [null, 7]}));
    assert_eq!(row("waitlist.status")["changes"], json!({"status": ["draft", "active"]}));
    assert_eq!(row("waitlist.delete")["changes"]["display_name"], json!(["Later", null]));
    assert!(created["at"].as_str().unwrap().ends_with('Z') && created["id"].as_str().unwrap().len() == 36);
}

#[apply(on_both_stores)]
async fn a_repeated_request_is_one_row(kind: Kind) {
    let server = TestServer::start(kind).await;
    for _ in 0..2 {
        let body = json!({"url": "http://127.0.0.1:9/", "events": ["entry.created"]});
        let create = server.admin_request(Method::POST, "/webhooks").header("idempotency-key", "once").json(&body);
        send(create).await.expect(201);
    }
    assert_eq!(actions(&server, "?action=webhook.create").await, ["webhook.create"]);
}

#[apply(on_both_stores)]
async fn pages_and_filters_fit_together(kind: Kind) {
    let server = TestServer::start(kind).await;
    for n in 0..5 {
        server.clock.advance(time::Duration::seconds(1));
        let body = json!({"slug": format!("list-{n}"), "display_name": "List"});
        server.admin_post("/waitlists", body).await.expect(201);
    }
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = log(&server, &format!("?action=waitlist.create&limit=2{cursor}")).await.expect(200);
        seen.extend(page["data"].as_array().unwrap().iter().map(|row| row["changes"]["slug"][1].as_str().unwrap().to_owned()));
        match page["pagination"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["list-4", "list-3", "list-2", "list-1", "list-0"]);
    assert_eq!(log(&server, "?action=waitlist.paint").await.bad_fields(), ["action"]);
    assert_eq!(log(&server, "?target=%00&actor=a%00").await.bad_fields(), ["target", "actor"]);
    assert_eq!(log(&server, &format!("?limit=2{cursor}")).await.bad_fields(), ["cursor"], "it belongs to another filter");
    assert_eq!(actions(&server, "?actor=nobody").await, [] as [&str; 0]);
    assert_eq!(actions(&server, "?actor=admin%40acme&action=waitlist.create").await.len(), 5);
    assert_eq!(actions(&server, "?actor=&target=&action=waitlist.create").await.len(), 5);
    let reader = server.request(Method::GET, &format!("/v1/workspaces/{}/audit", server.workspace.id));
    send(reader.bearer_auth(server.token("rally.read rally.settings.read"))).await.refused(403, "forbidden");
}

#[apply(on_both_stores)]
async fn a_bulk_call_is_a_row_for_each_that_changed(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({})).await;
    let mut ids = Vec::new();
    for name in ["ann", "bob", "cyd"] {
        ids.push(server.join("early", &format!("{name}@example.com")).await["id"].as_str().unwrap().to_owned());
    }
    server.admin_patch(&format!("/waitlists/{list}/entries/{}", ids[0]), json!({"status": "approved"})).await.expect(200);
    let missing = "00000000-0000-7000-8000-000000000000";
    let body = json!({"ids": [ids[0], ids[1], ids[2], missing], "action": "approve"});
    let bulk = server.admin_request(Method::POST, &format!("/waitlists/{list}/entries/bulk")).header("x-request-id", "many").json(&body);
    send(bulk).await.expect(200);
    let many =
        rows(&server, AuditFilter::default()).await.into_iter().filter(|record| record.row.actor.request_id.as_deref() == Some("many"));
    let targets: BTreeSet<String> = many.map(|record| record.row.target_id.unwrap()).collect();
    assert_eq!(targets, BTreeSet::from([ids[1].clone(), ids[2].clone()]));
}

#[apply(on_both_stores)]
async fn neither_secrets_nor_people_are_in_it(kind: Kind) {
    let server = TestServer::start(kind).await;
    let list = server.active_list("early", json!({"custom_fields": [{"key": "company", "label": "Company", "type": "text"}]})).await;
    let body = json!({"email": "ada.lovelace@secret.example", "name": "Ada Byron", "interest": "engines",
        "referrer": "a pamphlet", "metadata": {"company": "Babbage"}, "locale": "pt-BR"});
    let joined = server.sign_up("early", body).await.expect(201);
    let id = joined["id"].as_str().unwrap();
    let path = format!("/waitlists/{list}/entries/{id}");
    server.admin_patch(&path, json!({"status": "approved"})).await.expect(200);
    let link = server.admin_post(&format!("{path}/new-link"), json!({})).await.expect(200);
    let key = server.admin_post("/api-keys", json!({"name": "CI"})).await.expect(201);
    let hook = server.admin_post("/webhooks", json!({"url": "http://127.0.0.1:9/", "events": ["entry.created"]})).await.expect(201);
    let rotated = server.admin_post(&format!("/webhooks/{}/rotate-secret", hook["id"].as_str().unwrap()), json!({})).await.expect(201);
    server.admin_post("/suppressions", json!({"email": "nobody@secret.example"})).await.expect(201);
    server.admin_delete(&format!("{path}?erase=true")).await.expect(204);
    let token = create_sign_in_link(&server.ports, Some(server.workspace.id), Actor::CommandLine).await.unwrap();
    let log = format!("{:?}", rows(&server, AuditFilter::default()).await);
    assert!(log.contains(id) && log.contains("entry.erase") && log.contains("webhook.rotate"), "{log}");
    let secret = |value: &Value| value.as_str().unwrap().to_owned();
    let mut never = ["secret.example", "lovelace", "Byron", "engines", "pamphlet", "Babbage", "pt-BR"].map(str::to_owned).to_vec();
    never.extend([secret(&joined["referral_code"]), secret(&key["key"]), secret(&key["key"])[..19].to_owned(), token]);
    never.extend([secret(&hook["signing_secret"]), secret(&rotated["signing_secret"])]);
    never.push(secret(&link["status_url"]).rsplit('/').next().unwrap().to_owned());
    for never in never {
        assert!(!log.contains(&never), "{never} is in {log}");
    }
}

#[apply(on_both_stores)]
async fn the_command_line_is_in_it(kind: Kind) {
    let directory = TempDir::new().unwrap();
    let config = Config::try_from(settings(kind, &directory).await).unwrap();
    let url = match &config.store {
        rally_api::boot::config::StoreConfig::Embedded => None,
        rally_api::boot::config::StoreConfig::Postgres(url) => Some(exposed(url)),
    };
    let run = |arguments: &[&str]| command(directory.path(), url.as_deref(), arguments);
    run(&["workspace", "create", "acme"]);
    run(&["key", "create", "--workspace", "acme", "--name", "CI"]);
    run(&["token", "mint", "--workspace", "acme", "--subject", "ada", "--scope", "entry.read"]);
    run(&["console", "login", "--workspace", "acme"]);
    run(&["console", "login"]);
    run(&["workspace", "rename", "acme", "apex"]);
    let ports = store::open(&config, config.migrate, Arc::new(SystemClock), Arc::new(SystemIds)).await.unwrap().ports;
    let workspace = ports.workspaces.list().await.unwrap().remove(0);
    let rows = all_rows(&ports, Some(workspace.id), AuditFilter::default()).await;
    let actions: Vec<&str> = rows.iter().map(|record| record.row.action.as_str()).collect();
    assert_eq!(actions, ["workspace.rename", "sign_in_link.create", "token.mint", "key.create", "workspace.create"]);
    assert!(rows.iter().all(|record| record.row.actor.kind.as_str() == "cli" && record.row.actor.request_id.is_none()));
    assert_eq!(rows[2].row.changes["subject"], json!([null, "ada"]));
    assert_eq!(all_rows(&ports, None, AuditFilter::default()).await.len(), 1, "a link for every workspace is about none");
}

fn exposed(url: &secrecy::SecretString) -> String {
    secrecy::ExposeSecret::expose_secret(url).to_owned()
}

fn command(directory: &Path, url: Option<&str>, arguments: &[&str]) {
    let done = output(rally(directory, url).args(arguments));
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn every_action_is_in_the_documentation() {
    let api = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/API.md")).unwrap();
    let section = api.split("### The audit log").nth(1).unwrap().split("\n## ").next().unwrap();
    let documented: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let actions: Vec<&str> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
    assert_eq!(documented, actions);
}
