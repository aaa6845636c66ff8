//! Rally behind nginx and behind Caddy, each with the configuration of docs/operate. Absent: TLS, which the proxy ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rally_pgtest::Port;
use rally_tests::deployment::Deployment;
use rally_tests::process::{Server, output};
use rally_tests::receiver::eventually;
use rally_tests::{Kind, Reply, send};
use reqwest::Client;
use rstest::rstest;
use rstest_reuse::{apply, template};
use serde_json::json;
use tempfile::TempDir;

/// Which proxy a test runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    Nginx,
    Caddy,
}

/// Runs a test behind each proxy.
#[template]
#[rstest]
#[case::nginx(Program::Nginx)]
#[case::caddy(Program::Caddy)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_both_proxies(#[case] program: Program) {}

#[apply(behind_both_proxies)]
async fn a_client_is_its_address_whatever_it_says_of_itself(program: Program) {
    let site = Site::start(program).await;
    for n in 0..3 {
        assert_eq!(site.sign_up(n).await.expect(201)["position"], n + 1);
    }
    let refused = site.sign_up(3).await;
    refused.refused(429, "too_many_requests");
    assert!(refused.header("retry-after").is_some());
}

#[apply(behind_both_proxies)]
async fn every_reply_has_a_request_id(program: Program) {
    let site = Site::start(program).await;
    let reply = site.sign_up(0).await;
    reply.expect(201);
    let id = reply.header("x-request-id").unwrap();
    match program {
        Program::Nginx => assert!(id.len() == 32 && id.chars().all(|digit| digit.is_ascii_hexdigit()), "nginx names requests: {id}"),
        Program::Caddy => assert!(id.parse::<uuid::Uuid>().is_ok(), "Rally names requests: {id}"),
    }
}

#[apply(behind_both_proxies)]
async fn metrics_and_readiness_stay_inside(program: Program) {
    let site = Site::start(program).await;
    for path in ["/metrics", "/readyz"] {
        assert_eq!(site.client().get(format!("{}{path}", site.server.base)).send().await.unwrap().status(), 200, "{path}");
        assert_eq!(site.client().get(site.url(path)).send().await.unwrap().status(), 404, "{path}");
    }
}

#[apply(behind_both_proxies)]
async fn a_body_that_is_too_large_is_refused(program: Program) {
    let site = Site::start(program).await;
    let post = site.client().post(site.url("/v1/waitlists/acme/early/entries")).header("content-type", "application/json");
    let status = post.body("x".repeat(300_000)).send().await.unwrap().status();
    match program {
        Program::Nginx => assert_eq!(status, 413),
        // Rally refuses the request before Caddy ends it, or after. Caddy 2.6 answers 502 for a request that it ended.
        Program::Caddy => assert!([413, 502].contains(&status.as_u16()), "{status}"),
    }
}

#[apply(behind_both_proxies)]
async fn pages_and_exports_pass(program: Program) {
    let site = Site::start(program).await;
    for n in 0..3 {
        site.sign_up(n).await.expect(201);
    }
    let info = send(site.client().get(site.url("/v1/waitlists/acme/early"))).await.expect(200);
    assert_eq!(info["slug"], "early");
    let path = format!("/v1/workspaces/{}/waitlists/{}/entries/export.csv", site.deployment.workspace, site.deployment.list);
    let csv = send(site.client().get(site.url(&path)).bearer_auth(&site.deployment.token)).await;
    assert_eq!((csv.status.as_u16(), csv.body.lines().count()), (200, 4));
}

#[apply(behind_both_proxies)]
async fn a_large_file_is_imported(program: Program) {
    let site = Site::start(program).await;
    let mut file = "email,note\n".to_owned();
    for n in 0..4000 {
        file.push_str(&format!("p{n}@example.com,{}\n", "x".repeat(100)));
    }
    assert!(file.len() > 400_000);
    let path = format!("/v1/workspaces/{}/waitlists/{}/imports", site.deployment.workspace, site.deployment.list);
    let request = site.client().post(site.url(&path)).bearer_auth(&site.deployment.token).header("content-type", "text/csv");
    let begun = send(request.body(file)).await.expect(202);
    let import = format!("{path}/{}", begun["id"].as_str().unwrap());
    let done = eventually(|| async {
        let reply = send(site.client().get(site.url(&import)).bearer_auth(&site.deployment.token)).await.expect(200);
        (reply["state"] == "done").then_some(reply)
    });
    assert_eq!(done.await["added"], 4000);
}

#[apply(behind_both_proxies)]
async fn no_log_has_the_link_of_a_person(program: Program) {
    let site = Site::start(program).await;
    let status = site.sign_up(0).await.expect(201)["status_url"].as_str().unwrap().to_owned();
    let (_, token) = status.rsplit_once('/').unwrap();
    for path in [format!("/me/{token}"), format!("/v1/me/{token}"), format!("/unsubscribe/{token}")] {
        site.client().get(site.url(&path)).send().await.unwrap();
    }
    if program == Program::Nginx {
        let log = eventually(|| async {
            let log = std::fs::read_to_string(site.proxy.folder.path().join("rally.log")).unwrap();
            log.contains("/unsubscribe/").then_some(log)
        });
        let log = log.await;
        assert!(log.contains("\"GET /v1/me/...\" 200") && !log.contains(token), "{log}");
        // Nor while Rally is away, which nginx tells in its log of errors.
        let Site { proxy, server: mut rally, .. } = site;
        rally.kill();
        for path in ["/w/acme/early", &format!("/me/{token}"), &format!("/v1/me/{token}"), &format!("/unsubscribe/{token}")] {
            assert_eq!(Client::new().get(format!("{}{path}", proxy.base)).send().await.unwrap().status(), 502, "{path}");
        }
        let errors = std::fs::read_to_string(proxy.folder.path().join("error.log")).unwrap();
        assert!(errors.contains("/w/acme/early") && !errors.contains(token), "{errors}");
    }
}

/// Rally, which lets an address sign up three times a minute, behind a proxy.
struct Site {
    deployment: Deployment,
    server: Server,
    proxy: Proxy,
}

impl Site {
    async fn start(program: Program) -> Self {
        let environment = [("RALLY_SIGNUP_RATE", "3/1m"), ("RALLY_TRUSTED_PROXIES", "127.0.0.1")];
        let deployment = Deployment::with(Kind::Sqlite, environment.map(|(name, value)| (name, value.to_owned())).to_vec()).await;
        let server = deployment.start();
        let proxy = Proxy::start(program, server.base.trim_start_matches("http://")).await;
        Self { deployment, server, proxy }
    }

    fn client(&self) -> &Client {
        &self.deployment.client
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.proxy.base)
    }

    /// A sign-up by a client that claims another address each time.
    async fn sign_up(&self, n: usize) -> Reply {
        let request = self.client().post(self.url("/v1/waitlists/acme/early/entries"));
        let request = request.header("x-forwarded-for", format!("198.51.100.{n}")).header("forwarded", "for=192.0.2.1");
        send(request.json(&json!({"email": format!("p{n}@example.com"), "name": "Somebody"}))).await
    }
}

/// A proxy on a free port of the loopback interface, until it is dropped.
struct Proxy {
    child: Child,
    base: String,
    folder: TempDir,
    _port: Port,
}

impl Proxy {
    async fn start(program: Program, rally: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let port = Port::take();
        let mut command = match program {
            Program::Nginx => nginx(folder.path(), port.number(), rally),
            Program::Caddy => caddy(folder.path(), port.number(), rally),
        };
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let proxy = Self { child, base: format!("http://127.0.0.1:{}", port.number()), folder, _port: port };
        eventually(|| async { Client::new().get(&proxy.base).send().await.ok() }).await;
        proxy
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        drop(Command::new("kill").args(["-TERM", &pid]).status());
        drop(self.child.wait());
    }
}

fn nginx(folder: &Path, port: u16, rally: &str) -> Command {
    let log = folder.join("rally.log").display().to_string();
    let listen = format!("listen 127.0.0.1:{port};");
    let site = shipped("nginx.conf", [("127.0.0.1:8080", rally), ("listen 80;", &listen), ("/var/log/nginx/rally.log", &log)]);
    let at = folder.display();
    let temporary: String =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|name| format!("{name}_temp_path {at}/{name};\n")).concat();
    let id = output(Command::new("id").arg("-un"));
    let user = String::from_utf8(id.stdout).unwrap();
    // An account that may not change to another one warns of this line, and goes on.
    let whole = format!(
        "user {};\npid {at}/pid;\nerror_log {at}/error.log;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{site}}}\n",
        user.trim()
    );
    std::fs::write(folder.join("nginx.conf"), whole).unwrap();
    let mut command = Command::new(binary("nginx"));
    command.args(["-p", folder.to_str().unwrap(), "-c", "nginx.conf", "-g", "daemon off;"]);
    command
}

fn caddy(folder: &Path, port: u16, rally: &str) -> Command {
    let site = shipped("Caddyfile", [("127.0.0.1:8080", rally), ("waitlist.example.com {", &format!("http://127.0.0.1:{port} {{"))]);
    // Caddy listens on no other port, and requests no certificate.
    let whole = format!("{{\nadmin off\nauto_https off\ndefault_bind 127.0.0.1\n}}\n{site}");
    std::fs::write(folder.join("Caddyfile"), whole).unwrap();
    let mut command = Command::new(binary("caddy"));
    command.args(["run", "--config", "Caddyfile", "--adapter", "caddyfile"]).current_dir(folder);
    command.env("HOME", folder).env("XDG_CONFIG_HOME", folder).env("XDG_DATA_HOME", folder);
    command
}

/// A file of docs/operate, with other addresses.
fn shipped<const N: usize>(name: &str, addresses: [(&str, &str); N]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/operate").join(name);
    addresses.into_iter().fold(std::fs::read_to_string(path).unwrap(), |text, (from, to)| {
        assert!(text.contains(from), "{name} has no {from}");
        text.replace(from, to)
    })
}

fn binary(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let found = places.map(|place| place.join(name)).find(|binary| binary.exists());
    found.unwrap_or_else(|| panic!("{name} is missing: ./scripts/test.sh installs it"))
}
