//! The real binary over a store of its own, with a workspace and an active list: what is left of it when it is killed can be
//! looked at by starting it again.

use std::collections::HashMap;
use std::path::Path;

use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Server, output, rally};
use crate::{Kind, Reply, send};

/// What a command printed, as JSON or as it is.
pub fn run(directory: &Path, url: Option<&str>, arguments: &[&str]) -> Value {
    let output = output(rally(directory, url).args(arguments));
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text.trim()))
}

/// A workspace `acme` with an active list `early`.
pub struct Deployment {
    /// Where the embedded store and the secrets are.
    pub directory: TempDir,
    /// The database, where there is one.
    pub url: Option<String>,
    /// The workspace's id.
    pub workspace: String,
    /// The list's id.
    pub list: String,
    /// For requests.
    pub client: Client,
    /// An admin token.
    pub token: String,
    /// What else its servers have in their environment.
    pub environment: Vec<(&'static str, String)>,
}

impl Deployment {
    /// Makes one.
    pub async fn new(kind: Kind) -> Self {
        Self::with(kind, Vec::new()).await
    }

    /// Makes one whose servers have more in their environment.
    pub async fn with(kind: Kind, environment: Vec<(&'static str, String)>) -> Self {
        let url = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(rally_pgtest::new_database().await),
        };
        Self::on(url, environment).await
    }

    /// Makes one on a database, or on the embedded store.
    pub async fn on(url: Option<String>, environment: Vec<(&'static str, String)>) -> Self {
        let directory = TempDir::new().unwrap();
        let run = |arguments: &[&str]| run(directory.path(), url.as_deref(), arguments);
        let workspace = run(&["workspace", "create", "acme"])["id"].as_str().unwrap().to_owned();
        let token = run(&["token", "mint", "--workspace", "acme"]).as_str().unwrap().to_owned();
        let mut deployment = Self { directory, url, token, workspace, list: String::new(), client: Client::new(), environment };
        let server = deployment.start();
        let list = json!({"slug": "early", "display_name": "Early"});
        let list = deployment.admin(&server, "/waitlists", Some(list)).await.expect(201);
        deployment.list = list["id"].as_str().unwrap().to_owned();
        deployment.patch(&server, &format!("/waitlists/{}/status", deployment.list), json!({"status": "active"})).await.expect(200);
        deployment
    }

    /// What a command printed, as JSON.
    pub fn run(&self, arguments: &[&str]) -> Value {
        run(self.directory.path(), self.url.as_deref(), arguments)
    }

    /// Starts a server.
    pub fn start(&self) -> Server {
        Server::start_with(self.directory.path(), self.url.as_deref(), &self.environment)
    }

    fn path(&self, server: &Server, path: &str) -> String {
        format!("{}/v1/workspaces/{}{path}", server.base, self.workspace)
    }

    /// GET or, with a body, POST below the workspace as an admin.
    pub async fn admin(&self, server: &Server, path: &str, body: Option<Value>) -> Reply {
        let url = self.path(server, path);
        let request = match body {
            Some(body) => self.client.post(url).json(&body),
            None => self.client.get(url),
        };
        send(request.bearer_auth(&self.token)).await
    }

    /// PATCH below the workspace as an admin.
    pub async fn patch(&self, server: &Server, path: &str, body: Value) -> Reply {
        send(self.client.patch(self.path(server, path)).bearer_auth(&self.token).json(&body)).await
    }

    /// PUT below the workspace as an admin.
    pub async fn put(&self, server: &Server, path: &str, body: Value) -> Reply {
        send(self.client.put(self.path(server, path)).bearer_auth(&self.token).json(&body)).await
    }

    /// The reply to a sign-up.
    pub async fn sign_up(&self, server: &Server, email: &str) -> Reply {
        let url = format!("{}/v1/waitlists/acme/early/entries", server.base);
        send(self.client.post(url).json(&json!({"email": email, "name": "Somebody"}))).await
    }

    /// Holds what is stored against itself and against those who were answered; gives all addresses.
    pub async fn check(&self, server: &Server, answered: &[(String, u64)]) -> Vec<String> {
        let entries = self.entries(server).await;
        let stored: HashMap<&str, u64> = entries.iter().map(|(email, position)| (email.as_str(), *position)).collect();
        for (email, position) in answered {
            assert_eq!(stored.get(email.as_str()), Some(position), "{email} was answered and is lost");
        }
        let positions: Vec<u64> = entries.iter().map(|(_, position)| *position).collect();
        assert_eq!(positions, (1..=entries.len() as u64).collect::<Vec<_>>());
        let count = self.admin(server, &format!("/waitlists/{}/entries/count", self.list), None).await.expect(200);
        assert_eq!(count, json!({"count": entries.len()}));
        assert_eq!(self.run(&["counters", "rebuild"]), json!({"waitlists": 1, "corrected": 0}));
        entries.into_iter().map(|(email, _)| email).collect()
    }

    /// Address and position of every entry.
    pub async fn entries(&self, server: &Server) -> Vec<(String, u64)> {
        let mut entries = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/waitlists/{}/entries?limit=100{cursor}", self.list);
            let page = self.admin(server, &path, None).await.expect(200);
            let row = |entry: &Value| (entry["email"].as_str().unwrap().to_owned(), entry["position"].as_u64().unwrap());
            entries.extend(page["data"].as_array().unwrap().iter().map(row));
            match page["pagination"]["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return entries,
            }
        }
    }
}
