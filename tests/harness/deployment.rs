//! The real binary with a store of its own, a workspace and an active list. After a server was killed, a test can start another
//! one and look at the store.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use rally_api::boot::config::{Config, Settings};
use rally_api::boot::store;
use rally_api::boot::system::{SystemClock, SystemIds};
use rally_domain::port::Ports;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Server, fresh_database, output, rally};
use crate::{ENCRYPTION_KEY, JWT_SECRET, Kind, Reply, send};

/// The output of a command, as JSON or else as a string.
pub fn run(directory: &Path, url: Option<&str>, arguments: &[&str]) -> Value {
    let output = output(rally(directory, url).args(arguments));
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| Value::from(text.trim()))
}

/// A workspace `acme` with an active list `early`.
pub struct Deployment {
    /// The directory of the embedded store and the secrets.
    pub directory: TempDir,
    /// The URL of the database, if there is one.
    pub url: Option<String>,
    /// The workspace's id.
    pub workspace: String,
    /// The list's id.
    pub list: String,
    /// The client for requests.
    pub client: Client,
    /// An admin token.
    pub token: String,
    /// Further environment variables of its servers.
    pub environment: Vec<(&'static str, String)>,
}

impl Deployment {
    /// Makes a deployment.
    pub async fn new(kind: Kind) -> Self {
        Self::with(kind, Vec::new()).await
    }

    /// Makes a deployment whose servers have further environment variables.
    pub async fn with(kind: Kind, environment: Vec<(&'static str, String)>) -> Self {
        let url = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(fresh_database().await),
        };
        Self::on(url, environment).await
    }

    /// Makes a deployment on a database, or on the embedded store.
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

    /// The output of a command, as JSON.
    pub fn run(&self, arguments: &[&str]) -> Value {
        run(self.directory.path(), self.url.as_deref(), arguments)
    }

    /// The ports of the store, without its servers.
    pub async fn ports(&self) -> Ports {
        let settings = Settings {
            bind: "127.0.0.1:0".to_owned(),
            data_dir: self.directory.path().to_string_lossy().into_owned(),
            database_url: self.url.clone(),
            jwt_secret: self.url.is_some().then(|| JWT_SECRET.to_owned()),
            encryption_key: self.url.is_some().then(|| ENCRYPTION_KEY.to_owned()),
            signup_rate: "off".to_owned(),
            migrate: "off".to_owned(),
            log: "off".to_owned(),
            ..Settings::default()
        };
        let config = Config::try_from(settings).unwrap();
        store::open(&config, config.migrate, Arc::new(SystemClock), Arc::new(SystemIds)).await.unwrap().ports
    }

    /// Starts a server.
    pub fn start(&self) -> Server {
        Server::start_with(self.directory.path(), self.url.as_deref(), &self.environment)
    }

    fn path(&self, server: &Server, path: &str) -> String {
        format!("{}/v1/workspaces/{}{path}", server.base, self.workspace)
    }

    /// Sends GET, or POST with a body, below the workspace as an admin.
    pub async fn admin(&self, server: &Server, path: &str, body: Option<Value>) -> Reply {
        let url = self.path(server, path);
        let request = match body {
            Some(body) => self.client.post(url).json(&body),
            None => self.client.get(url),
        };
        send(request.bearer_auth(&self.token)).await
    }

    /// Sends PATCH below the workspace as an admin.
    pub async fn patch(&self, server: &Server, path: &str, body: Value) -> Reply {
        send(self.client.patch(self.path(server, path)).bearer_auth(&self.token).json(&body)).await
    }

    /// Sends PUT below the workspace as an admin.
    pub async fn put(&self, server: &Server, path: &str, body: Value) -> Reply {
        send(self.client.put(self.path(server, path)).bearer_auth(&self.token).json(&body)).await
    }

    /// Signs an address up and returns the reply.
    pub async fn sign_up(&self, server: &Server, email: &str) -> Reply {
        let url = format!("{}/v1/waitlists/acme/early/entries", server.base);
        send(self.client.post(url).json(&json!({"email": email, "name": "Somebody"}))).await
    }

    /// Checks that the stored entries are consistent and include every answered sign-up. Returns all addresses.
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

    /// The address and the position of every entry.
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
