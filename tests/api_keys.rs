//! API keys. The command line and the admin surface make them, and the running server accepts them.

use rally_tests::process::{Server, fresh_database, output, rally};
use rally_tests::receiver::eventually;
use rally_tests::{Kind, NOW, Reply, TestServer, on_both_stores, send, token};
use reqwest::Method;
use rstest::rstest;
use rstest_reuse::apply;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A store with a running server, and its command line.
struct Deployment {
    directory: TempDir,
    database_url: Option<String>,
    server: Server,
}

impl Deployment {
    async fn start(kind: Kind) -> Self {
        let directory = TempDir::new().unwrap();
        let database_url = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(fresh_database().await),
        };
        let server = Server::start(directory.path(), database_url.as_deref());
        Self { directory, database_url, server }
    }

    fn run(&self, arguments: &[&str]) -> Result<Value, String> {
        let output = output(rally(self.directory.path(), self.database_url.as_deref()).args(arguments));
        if output.status.success() {
            Ok(serde_json::from_slice(&output.stdout).unwrap())
        } else {
            Err(String::from_utf8(output.stderr).unwrap())
        }
    }

    /// Two workspaces, `acme` and `beta`, and a key for `acme`.
    async fn with_key(kind: Kind) -> (Self, Value, Value, Value) {
        let rally = Self::start(kind).await;
        let (acme, beta) = (rally.run(&["workspace", "create", "acme"]).unwrap(), rally.run(&["workspace", "create", "beta"]).unwrap());
        let arguments = ["key", "create", "--workspace", "acme", "--name", "console", "--scope", "waitlist.read waitlist.create"];
        let made = rally.run(&arguments).unwrap();
        (rally, acme, beta, made)
    }

    async fn list_waitlists(&self, workspace: &Value, key: &str) -> Reply {
        let url = format!("{}/v1/workspaces/{}/waitlists", self.server.base, workspace["id"].as_str().unwrap());
        send(reqwest::Client::new().get(url).bearer_auth(key)).await
    }
}

#[apply(on_both_stores)]
async fn a_key_does_what_its_scope_grants_in_its_workspace(kind: Kind) {
    let (rally, acme, beta, made) = Deployment::with_key(kind).await;
    let key = made["key"].as_str().unwrap();
    rally.list_waitlists(&acme, key).await.expect(200);
    rally.list_waitlists(&beta, key).await.refused(403, "forbidden");
    let url = format!("{}/v1/workspaces/{}/waitlists", rally.server.base, acme["id"].as_str().unwrap());
    let client = reqwest::Client::new();
    let body = json!({"slug": "early", "display_name": "Early"});
    let created = send(client.post(&url).bearer_auth(key).json(&body)).await.expect(201);
    assert_eq!(created["created_by"], format!("api-key:{}", made["id"].as_str().unwrap()));
    let refused = send(client.delete(format!("{url}/{}", created["id"].as_str().unwrap())).bearer_auth(key)).await;
    assert!(refused.refused(403, "forbidden")["message"].as_str().unwrap().contains("waitlist.delete"));
}

#[apply(on_both_stores)]
async fn a_key_works_only_whole_and_in_the_header(kind: Kind) {
    let (rally, acme, _, made) = Deployment::with_key(kind).await;
    let key = made["key"].as_str().unwrap();
    rally.list_waitlists(&acme, key).await.expect(200);
    let other_end = format!("{}{}", &key[..50], if key.ends_with('A') { 'B' } else { 'A' });
    for wrong in [&key[..50], &format!("{key}x"), &other_end, "rally_live_", "rally_live_ü", &key.to_lowercase()] {
        if wrong != key {
            rally.list_waitlists(&acme, wrong).await.refused(401, "unauthorized");
        }
    }
    // The cookie is for JWTs.
    let url = format!("{}/v1/workspaces/{}/waitlists", rally.server.base, acme["id"].as_str().unwrap());
    send(reqwest::Client::new().get(&url).header("cookie", format!("auth_token={key}"))).await.refused(401, "unauthorized");
}

#[apply(on_both_stores)]
async fn a_key_is_shown_whole_once(kind: Kind) {
    let (rally, _, _, made) = Deployment::with_key(kind).await;
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("rally_live_") && key.len() == 51, "{key}");
    assert_eq!(
        (&made["name"], &made["scope"], &made["workspace"]),
        (&json!("console"), &json!("waitlist.read waitlist.create"), &json!("acme"))
    );
    let listed = rally.run(&["key", "list"]).unwrap();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"], &listed[0]["revoked_at"]), (1, &made["id"], &Value::Null));
    assert!(!listed.to_string().contains(key) && key.starts_with(listed[0]["key"].as_str().unwrap().trim_end_matches('…')));
    assert_eq!(rally.run(&["key", "list", "--workspace", "beta"]).unwrap(), json!([]));
    let counted = rally.run(&["counters", "rebuild"]).unwrap();
    assert_eq!(counted["corrected"], 0);
}

#[apply(on_both_stores)]
async fn a_key_works_until_it_is_revoked(kind: Kind) {
    let (rally, acme, _, made) = Deployment::with_key(kind).await;
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    rally.list_waitlists(&acme, key).await.expect(200);
    assert_eq!(rally.run(&["key", "revoke", id]).unwrap(), json!({"revoked": id}));
    // The server may use a key for a moment that it has read before.
    eventually(|| async { (rally.list_waitlists(&acme, key).await.status == 401).then_some(()) }).await;
    rally.list_waitlists(&acme, key).await.refused(401, "unauthorized");
    assert!(rally.run(&["key", "revoke", id]).unwrap_err().contains("there is no key"));
    assert_ne!(rally.run(&["key", "list"]).unwrap()[0]["revoked_at"], Value::Null);
    assert!(rally.run(&["key", "revoke", "17"]).unwrap_err().contains("there is no key 17"));
}

#[apply(on_both_stores)]
async fn a_key_needs_a_workspace_a_name_and_a_scope_that_grants_something(kind: Kind) {
    let (rally, _, _, made) = Deployment::with_key(kind).await;
    for (arguments, expected) in [
        (["--workspace", "none", "--name", "x", "--scope", "*"], "there is no workspace none"),
        (["--workspace", "acme", "--name", " ", "--scope", "*"], "the name"),
        (["--workspace", "acme", "--name", "x", "--scope", "entrys.read"], "grants nothing"),
        (["--workspace", "acme", "--name", "x", "--scope", ""], "grants nothing"),
    ] {
        let complaint = rally.run(&[&["key", "create"][..], &arguments].concat()).unwrap_err();
        assert!(complaint.contains(expected), "{complaint}");
    }
    let listed = rally.run(&["key", "list"]).unwrap();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["id"]), (1, &made["id"]));
}

#[apply(on_both_stores)]
async fn an_admin_makes_lists_and_revokes_keys(kind: Kind) {
    let server = TestServer::start(kind).await;
    let made = server.admin_post("/api-keys", json!({"name": " website ", "scope": "waitlist.read  entry.*"})).await;
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let made = made.expect(201);
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    assert_eq!((&made["name"], &made["scope"], &made["created_at"]), (&json!("website"), &json!("waitlist.read entry.*"), &json!(NOW)));
    let path = format!("/v1/workspaces/{}", server.workspace.id);
    let with_key = async |path: String| send(server.request(Method::GET, &path).bearer_auth(key)).await;
    with_key(format!("{path}/waitlists")).await.expect(200);
    with_key(format!("{path}/api-keys")).await.refused(403, "forbidden");
    server.clock.advance(time::Duration::seconds(1));
    let second = server.admin_post("/api-keys", json!({"name": "second", "scope": null})).await.expect(201);
    assert_eq!(second["scope"], "*");
    let listed = server.admin_get("/api-keys").await.expect(200);
    let prefix = &key[.."rally_live_".len() + 8];
    let row = json!({
        "id": id, "name": "website", "scope": "waitlist.read entry.*", "prefix": prefix, "created_at": NOW, "revoked_at": null,
    });
    assert_eq!((&listed["data"][0]["id"], &listed["data"][1]), (&second["id"], &row));
    assert!(!listed.to_string().contains(key));
    server.admin_delete(&format!("/api-keys/{id}")).await.expect(204);
    with_key(format!("{path}/waitlists")).await.refused(401, "unauthorized");
    let revoked = server.admin_get("/api-keys").await.expect(200)["data"][1]["revoked_at"].clone();
    assert_ne!(revoked, Value::Null);
    server.clock.advance(time::Duration::seconds(1));
    server.admin_delete(&format!("/api-keys/{id}")).await.expect(204);
    assert_eq!(server.admin_get("/api-keys").await.expect(200)["data"][1]["revoked_at"], revoked, "the first revocation counts");
}

#[apply(on_both_stores)]
async fn a_key_allows_no_more_than_its_maker_may_do(kind: Kind) {
    let server = TestServer::start(kind).await;
    let path = format!("/v1/workspaces/{}/api-keys", server.workspace.id);
    let make = async |maker: &str, body: Value| {
        send(server.request(Method::POST, &path).bearer_auth(token(&server, &server.workspace.id.to_string(), maker)).json(&body)).await
    };
    for (maker, scope) in [("key.create waitlist.*", "*"), ("key.create", "*.read"), ("key.* entry.read", "entry.read entry.update")] {
        make(maker, json!({"name": "x", "scope": scope})).await.refused(403, "scope_exceeds_maker");
    }
    for (maker, scope) in [("*", "*"), ("key.create waitlist.*", "waitlist.read"), ("key.* entry.read", "key.create entry.read")] {
        assert_eq!(make(maker, json!({"name": "x", "scope": scope})).await.expect(201)["scope"], scope);
    }
    assert_eq!(make("key.create entry.read", json!({"name": "x"})).await.expect(201)["scope"], "key.create entry.read");
    make("key.read key.delete *.update", json!({"name": "x"})).await.refused(403, "forbidden");
    for (body, field) in [
        (json!({"scope": "*"}), "name"),
        (json!({"name": " "}), "name"),
        (json!({"name": "x".repeat(201)}), "name"),
        (json!({"name": "x", "scope": "entrys.read"}), "scope"),
        (json!({"name": "x", "scope": " "}), "scope"),
        (json!({"name": "x", "scope": ["*"]}), "scope"),
    ] {
        assert_eq!(server.admin_post("/api-keys", body.clone()).await.bad_fields(), [field], "{body}");
    }
}

#[apply(on_both_stores)]
async fn a_workspace_revokes_its_own_keys(kind: Kind) {
    let server = TestServer::start(kind).await;
    let other = rally_contracts::samples::workspace(&server.ports, "other").await.id.to_string();
    let made = server.admin_post("/api-keys", json!({"name": "mine"})).await.expect(201);
    let foreign = |method, path: &str| {
        server.request(method, &format!("/v1/workspaces/{other}/api-keys{path}")).bearer_auth(token(&server, &other, "*"))
    };
    assert_eq!(send(foreign(Method::GET, "")).await.expect(200)["data"], json!([]));
    let path = format!("/{}", made["id"].as_str().unwrap());
    send(foreign(Method::DELETE, &path)).await.refused(404, "api_key_not_found");
    server.admin_delete("/api-keys/17").await.refused(404, "api_key_not_found");
    assert_eq!(server.admin_get("/api-keys").await.expect(200)["data"][0]["revoked_at"], Value::Null);
}
