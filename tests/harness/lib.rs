//! The code that the end-to-end suites share: the production server on a free port, on either store, with a clock that stands
//! still; the real binary as a process; and the check of every reply against the OpenAPI document.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

pub mod browser;
pub mod deployment;
pub mod document;
pub mod process;
pub mod receiver;
pub mod upstreams;

use std::sync::Arc;

use rally_api::boot::config::{Config, Settings, StoreConfig};
use rally_api::boot::secrets::Secrets;
use rally_api::boot::server::{self, Running};
use rally_api::boot::store;
use rally_api::boot::system::SystemIds;
use rally_api::boot::upstreams::attach;
use rally_contracts::doubles::FrozenClock;
use rally_contracts::samples;
use rally_domain::mail::Links;
use rally_domain::port::Ports;
use rally_domain::workspace::Workspace;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use rstest_reuse::template;
use secrecy::ExposeSecret;
use serde_json::Value;
use tempfile::TempDir;

/// The instant at which the clock of every test stands.
pub const NOW: &str = "2026-01-31T09:00:00.000Z";

/// The HS256 key of every test server.
pub const JWT_SECRET: &str = "a secret of tests, long enough to be one";

/// The encryption key of every test server.
pub const ENCRYPTION_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// Allows deliveries to the receivers of tests.
pub const WEBHOOK_ALLOW: &str = "127.0.0.1/32,http://127.0.0.1";

/// The store that a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// SQLite in a temporary directory.
    Sqlite,
    /// A database of its own on the throwaway cluster.
    Postgres,
}

/// Runs a test on SQLite and on PostgreSQL: put `#[apply(on_both_stores)]` before an `async fn` that takes `kind: Kind`.
///
/// The file of the test imports [`rstest`] and [`apply`](rstest_reuse::apply).
#[template]
#[export]
#[rstest]
#[case::sqlite(rally_tests::Kind::Sqlite)]
#[case::postgres(rally_tests::Kind::Postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_both_stores(#[case] kind: Kind) {}

/// A running server with a workspace `acme`, and a client for it.
pub struct TestServer {
    /// The ports of the server.
    pub ports: Ports,
    /// The clock of the server.
    pub clock: Arc<FrozenClock>,
    /// The workspace.
    pub workspace: Workspace,
    /// `http://127.0.0.1:port`.
    pub base: String,
    /// The HTTP client, for requests that are not checked against the document.
    pub client: Client,
    secrets: Secrets,
    config: Config,
    _running: Running,
    _directory: TempDir,
}

/// A reply, read to its end.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body as JSON. The reply must have this status.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// Checks a refusal against the error envelope and returns it.
    pub fn refused(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!((&body["statusCode"], &body["code"]), (&status.into(), &code.into()), "{self:?}");
        assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{self:?}");
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"), "{self:?}");
        body
    }

    /// The fields that a validation failure names, in order.
    pub fn bad_fields(&self) -> Vec<String> {
        let body = self.refused(400, "validation_failed");
        let name = |error: &Value| error["field"].as_str().unwrap().to_owned();
        body["errors"].as_array().map(|errors| errors.iter().map(name).collect()).unwrap_or_default()
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Sends a request, reads the reply to its end, and checks it against the OpenAPI document.
pub async fn send(request: RequestBuilder) -> Reply {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let (method, path) = (request.method().clone(), request.url().path().to_owned());
    let reply = client.execute(request).await.unwrap();
    let (status, headers) = (reply.status(), reply.headers().clone());
    let reply = Reply { status, headers, body: reply.text().await.unwrap() };
    document::check(&method, &path, &reply);
    reply
}

/// A token with a scope, for the workspace with this id, or for all workspaces with `*`.
pub fn token(server: &TestServer, workspace: &str, scope: &str) -> String {
    let expires = server.ports.clock.now().unix_millis() / 1000 + 3600;
    let claims = serde_json::json!({"sub": "admin@acme", "exp": expires, "workspace_id": workspace, "scope": scope});
    let key = jsonwebtoken::EncodingKey::from_secret(JWT_SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256), &claims, &key).unwrap()
}

/// The settings of a test server on a store.
pub async fn settings(kind: Kind, directory: &TempDir) -> Settings {
    Settings {
        bind: "127.0.0.1:0".to_owned(),
        data_dir: directory.path().to_string_lossy().into_owned(),
        database_url: match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(process::fresh_database().await),
        },
        jwt_secret: Some(JWT_SECRET.to_owned()),
        encryption_key: Some(ENCRYPTION_KEY.to_owned()),
        webhook_allow: Some(WEBHOOK_ALLOW.to_owned()),
        signup_rate: "off".to_owned(),
        migrate: "on".to_owned(),
        log: "off".to_owned(),
        ..Settings::default()
    }
}

impl TestServer {
    /// Starts a server on a fresh store.
    pub async fn start(kind: Kind) -> Self {
        Self::start_with(kind, |settings| settings).await
    }

    /// Starts a server on a fresh store, with some of its ports replaced.
    pub async fn start_on(kind: Kind, replace: impl FnOnce(&mut Ports)) -> Self {
        Self::start_changed(kind, |settings| settings, replace).await
    }

    /// Starts a server on a fresh store with other settings.
    pub async fn start_with(kind: Kind, change: impl FnOnce(Settings) -> Settings) -> Self {
        Self::start_changed(kind, change, |_| ()).await
    }

    async fn start_changed(kind: Kind, change: impl FnOnce(Settings) -> Settings, replace: impl FnOnce(&mut Ports)) -> Self {
        let directory = TempDir::new().unwrap();
        let config = Config::try_from(change(settings(kind, &directory).await)).unwrap();
        let secrets = Secrets::load(&config).unwrap();
        let clock = Arc::new(FrozenClock::at(NOW));
        let mut ports = store::open(&config, config.migrate, clock.clone(), Arc::new(SystemIds)).await.unwrap().ports;
        store::share_secret(&config, &secrets, &mut ports).await.unwrap();
        attach(&config, &mut ports).unwrap();
        replace(&mut ports);
        let workspace = samples::workspace(&ports, "acme").await;
        let running = server::start(&config, &secrets, ports.clone()).unwrap();
        let base = format!("http://{}", running.address);
        let client = Client::builder().no_proxy().build().unwrap();
        Self { ports, clock, workspace, base, client, secrets, config, _running: running, _directory: directory }
    }

    /// The links that it gives out.
    pub fn links(&self) -> Links {
        self.ports.links.with_base(&self.base)
    }

    /// The URL of its database, if it has one.
    pub fn database_url(&self) -> Option<&str> {
        match &self.config.store {
            StoreConfig::Embedded => None,
            StoreConfig::Postgres(url) => Some(url.expose_secret()),
        }
    }

    /// The sealer of its webhooks' secrets.
    pub fn webhook_sealer(&self) -> rally_api::encryption::Sealer {
        self.secrets.webhook_sealer()
    }

    /// The sealer of its webhooks' secrets after a change of the encryption key.
    pub fn webhook_sealer_after(&self, key: [u8; 32]) -> rally_api::encryption::Sealer {
        rally_api::encryption::Sealer::new(key, Some(self.secrets.derive("rally webhook secrets")))
    }

    /// A second server on the same store.
    pub async fn second(&self) -> (Running, String) {
        let ids = Arc::new(SystemIds);
        let mut ports = store::open(&self.config, self.config.migrate, self.clock.clone(), ids).await.unwrap().ports;
        store::share_secret(&self.config, &self.secrets, &mut ports).await.unwrap();
        attach(&self.config, &mut ports).unwrap();
        let running = server::start(&self.config, &self.secrets, ports).unwrap();
        let base = format!("http://{}", running.address);
        (running, base)
    }

    /// A request to a path, without a token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// A request to a path below the workspace, as an admin with every action in it.
    pub fn admin_request(&self, method: Method, path: &str) -> RequestBuilder {
        let path = format!("/v1/workspaces/{}{path}", self.workspace.id);
        self.request(method, &path).bearer_auth(self.token("*"))
    }

    /// A token with a scope, for the workspace.
    pub fn token(&self, scope: &str) -> String {
        let auth = rally_api::auth::Authenticator::new(self.secrets.jwt.clone(), None, self.clock.clone()).unwrap();
        let expires = self.ports.clock.now().plus(time::Duration::hours(1));
        auth.mint("admin@acme", self.workspace.id, scope, expires).unwrap()
    }

    /// Sends GET without a token.
    pub async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await
    }

    /// Sends POST without a token.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        send(self.request(Method::POST, path).json(&body)).await
    }

    /// Sends GET below the workspace as an admin.
    pub async fn admin_get(&self, path: &str) -> Reply {
        send(self.admin_request(Method::GET, path)).await
    }

    /// Sends POST below the workspace as an admin.
    pub async fn admin_post(&self, path: &str, body: Value) -> Reply {
        send(self.admin_request(Method::POST, path).json(&body)).await
    }

    /// Sends PATCH below the workspace as an admin.
    pub async fn admin_patch(&self, path: &str, body: Value) -> Reply {
        send(self.admin_request(Method::PATCH, path).json(&body)).await
    }

    /// Sends PUT below the workspace as an admin.
    pub async fn admin_put(&self, path: &str, body: Value) -> Reply {
        send(self.admin_request(Method::PUT, path).json(&body)).await
    }

    /// Sends DELETE below the workspace as an admin.
    pub async fn admin_delete(&self, path: &str) -> Reply {
        send(self.admin_request(Method::DELETE, path)).await
    }

    /// Creates an active waitlist with a slug and settings, and returns its id.
    pub async fn active_list(&self, slug: &str, settings: Value) -> String {
        let body = serde_json::json!({"slug": slug, "display_name": format!("List {slug}"), "settings": settings});
        let id = self.admin_post("/waitlists", body).await.expect(201)["id"].as_str().unwrap().to_owned();
        self.set_status(&id, "active").await;
        id
    }

    /// Changes the status of a waitlist.
    pub async fn set_status(&self, id: &str, status: &str) {
        let body = serde_json::json!({ "status": status });
        self.admin_patch(&format!("/waitlists/{id}/status"), body).await.expect(200);
    }

    /// Signs up on a list of the workspace and returns the reply.
    pub async fn sign_up(&self, slug: &str, body: Value) -> Reply {
        self.post(&format!("/v1/waitlists/acme/{slug}/entries"), body).await
    }

    /// Signs an address up and returns its entry.
    pub async fn join(&self, slug: &str, email: &str) -> Value {
        self.sign_up(slug, serde_json::json!({"email": email, "name": "Somebody"})).await.expect(201)
    }

    /// Signs an address up with a referral code and returns its entry.
    pub async fn join_with(&self, slug: &str, email: &str, code: &Value) -> Value {
        self.sign_up(slug, serde_json::json!({"email": email, "name": "Somebody", "referral_code": code})).await.expect(201)
    }
}
