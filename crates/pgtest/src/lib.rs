//! A throwaway PostgreSQL cluster for tests.
//!
//! It is started from the server binaries on this machine, on a socket in a temporary folder. It is gone when the test process ends,
//! however it ends.
//!
//! If `TEST_DATABASE_URL` is set, the databases are created on that server instead. Without a server and without binaries, the tests fail
//! and say what to install. They are never skipped.

mod port;

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

pub use port::Port;

/// Creates an empty database on the cluster of this process and returns its URL.
///
/// # Panics
/// If there is no server and none can be started.
pub async fn new_database() -> String {
    new_database_with("").await
}

/// Creates an empty database with these options of `CREATE DATABASE` and returns its URL.
///
/// # Panics
/// If there is no server and none can be started, or the server refuses the options.
pub async fn new_database_with(options: &str) -> String {
    static CREATED: AtomicU32 = AtomicU32::new(0);
    let server = server().await;
    let name = format!("rally_{}_{}", std::process::id(), CREATED.fetch_add(1, Ordering::Relaxed));
    let client = server.connect("postgres").await.expect("the test server answers");
    client.batch_execute(&format!("CREATE DATABASE {name} {options}")).await.expect("a new database");
    server.url(&name)
}

/// Creates a database with the schema that a migration makes, and returns its URL. The migration runs once in a process, on a database that
/// is copied from then on.
///
/// # Panics
/// If there is no server and none can be started, or the migration panics.
pub async fn migrated_database<F>(migrate: impl FnOnce(String) -> F + Send) -> String
where
    F: Future<Output = ()> + Send,
{
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let make = || async {
        let url = new_database().await;
        migrate(url.clone()).await;
        let (address, _) = url.split_once('?').unwrap_or((&url, ""));
        let (_, name) = address.rsplit_once('/').expect("a URL with a database");
        // A database is copied only while nobody is connected to it.
        let client = server().await.connect("postgres").await.expect("the test server answers");
        let end = format!("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'");
        client.batch_execute(&end).await.expect("connections that end");
        name.to_owned()
    };
    let template = TEMPLATE.get_or_init(make).await;
    new_database_with(&format!("TEMPLATE {template}")).await
}

/// Returns the URL of a database behind PgBouncer in session mode, the pooler of this process.
///
/// # Panics
/// If there is no PgBouncer, or it does not start.
pub async fn pooled(url: &str) -> String {
    static POOLER: OnceLock<Server> = OnceLock::new();
    let server = server().await;
    let pooler = POOLER.get_or_init(|| start_pooler(&server.url).unwrap_or_else(|error| panic!("no PgBouncer to test through: {error}")));
    pooler.wait_until_ready().await;
    let (address, _) = url.split_once('?').unwrap_or((url, ""));
    pooler.url(address.rsplit_once('/').expect("a URL with a database").1)
}

/// Runs statements on a database over a connection of its own.
///
/// # Panics
/// If a statement fails.
pub async fn execute(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the test server answers");
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.expect("statements that can be run");
    drop(client);
    connection.await.expect("no panic").expect("a connection that ends well");
}

/// Returns the path of a program of the server, such as `pg_dump`.
///
/// # Panics
/// If there are no server binaries.
pub fn program(name: &str) -> PathBuf {
    let binaries = find_binaries().expect("server binaries");
    // The folder on PATH may have links to only some of the programs.
    let place = if binaries.join(name).exists() { Ok(binaries) } else { binaries.join("postgres").canonicalize() };
    let place = place.expect("a path");
    if place.is_dir() { place.join(name) } else { place.with_file_name(name) }
}

/// A cluster that commits durably, for tests that stop it and start it again.
///
/// It also listens on a port of this machine, with TLS if it has a certificate.
pub struct Cluster {
    folder: TempDir,
    binaries: PathBuf,
    account: Option<Account>,
    port: Port,
    tls: bool,
}

impl Cluster {
    /// Starts a cluster. With a certificate and its key, in PEM, it accepts TLS on its port.
    ///
    /// # Panics
    /// If there are no server binaries, or they do not start.
    pub fn start(certificate: Option<(&str, &str)>) -> Self {
        let folder = TempDir::new().expect("a folder");
        let account = account_to_drop_to().expect("an account");
        if let Some(Account { uid, gid }) = account {
            chown(folder.path(), Some(uid), Some(gid)).expect("a folder to give away");
        }
        let binaries = find_binaries().expect("server binaries");
        let cluster = Self { folder, binaries, account, port: Port::take(), tls: certificate.is_some() };
        let data = cluster.path("data");
        cluster.run("initdb", &["-D", &data, "-U", "rally", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        if let Some((certificate, key)) = certificate {
            for (name, pem) in [("server.crt", certificate), ("server.key", key)] {
                let path = format!("{data}/{name}");
                fs::write(&path, pem).expect("a file");
                fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a file of one's own");
                if let Some(Account { uid, gid }) = cluster.account {
                    chown(&path, Some(uid), Some(gid)).expect("a file to give away");
                }
            }
        }
        cluster.start_again();
        cluster
    }

    /// Starts the cluster after it was stopped.
    pub fn start_again(&self) {
        let (data, log, folder) = (self.path("data"), self.path("log"), self.path(""));
        let (port, tls) = (self.port(), if self.tls { "on" } else { "off" });
        let options = format!("-c listen_addresses=127.0.0.1 -p {port} -c unix_socket_directories={folder} -c ssl={tls}");
        self.run("pg_ctl", &["-D", &data, "-w", "-l", &log, "-o", &options, "start"]);
    }

    /// Stops the cluster as a power cut would.
    pub fn stop_at_once(&self) {
        self.run("pg_ctl", &["-D", &self.path("data"), "-w", "-m", "immediate", "stop"]);
    }

    /// Returns the URL of its database over a socket, without TLS.
    pub fn url(&self) -> String {
        format!("postgres://rally@{}:{}/postgres", self.path("").replace('/', "%2F"), self.port())
    }

    /// Returns its port.
    pub const fn port(&self) -> u16 {
        self.port.number()
    }

    fn path(&self, name: &str) -> String {
        let path = if name.is_empty() { self.folder.path().to_owned() } else { self.folder.path().join(name) };
        path.to_string_lossy().into_owned()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(self.binaries.join(program));
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(Account { uid, gid }) = self.account {
            command.uid(uid).gid(gid);
        }
        let status = command.status().expect("a program that starts");
        assert!(status.success(), "{program} {arguments:?}: {}", fs::read_to_string(self.path("log")).unwrap_or_default());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut command = Command::new(self.binaries.join("pg_ctl"));
        command.args(["-D", &self.path("data"), "-m", "immediate", "stop"]).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(Account { uid, gid }) = self.account {
            command.uid(uid).gid(gid);
        }
        // The server may have been stopped already.
        drop(command.status());
    }
}

async fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = SERVER.get_or_init(|| match env::var("TEST_DATABASE_URL") {
        Ok(url) => Server { url, _lifeline: None },
        Err(_) => start().unwrap_or_else(|error| panic!("no PostgreSQL to test against: {error}")),
    });
    server.wait_until_ready().await;
    server
}

struct Server {
    /// The URL of any database of the server. The last segment is replaced.
    url: String,
    /// The server runs while this is open.
    _lifeline: Option<ChildStdin>,
}

impl Server {
    fn url(&self, database: &str) -> String {
        let (address, query) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let (server, _) = address.rsplit_once('/').expect("a URL with a database");
        if query.is_empty() { format!("{server}/{database}") } else { format!("{server}/{database}?{query}") }
    }

    async fn connect(&self, database: &str) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    async fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Err(error) = self.connect("postgres").await {
            assert!(Instant::now() < deadline, "the test server does not answer: {error}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Starts a server under a shell. The shell ends the server and removes its folder when this process closes its end of a pipe.
fn start() -> io::Result<Server> {
    let binaries = find_binaries()?;
    let folder = TempDir::new()?.keep();
    let mut shell = Command::new("sh");
    shell.args(["-c", SCRIPT, "sh"]).arg(&binaries).arg(&folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(Account { uid, gid }) = account_to_drop_to()? {
        chown(&folder, Some(uid), Some(gid))?;
        shell.uid(uid).gid(gid);
    }
    let mut child = shell.current_dir(&folder).spawn()?;
    let lifeline = child.stdin.take();
    let socket = folder.to_string_lossy().replace('/', "%2F");
    Ok(Server { url: format!("postgres://rally@{socket}/postgres"), _lifeline: lifeline })
}

/// Starts PgBouncer in front of a server, as [`start`] starts a server. A connection to the server that nobody uses is closed soon, because
/// each database has some of its own.
fn start_pooler(url: &str) -> io::Result<Server> {
    let config: tokio_postgres::Config = url.parse().map_err(io::Error::other)?;
    let host = match config.get_hosts().first() {
        Some(tokio_postgres::config::Host::Tcp(name)) => name.clone(),
        Some(tokio_postgres::config::Host::Unix(folder)) => folder.to_string_lossy().into_owned(),
        None => return Err(io::Error::other("the URL of the server names no host")),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let mut server = format!("host={host} port={port} user={}", config.get_user().unwrap_or("postgres"));
    if let Some(password) = config.get_password() {
        server.push_str(&format!(" password={}", String::from_utf8_lossy(password)));
    }
    let folder = TempDir::new()?.keep();
    let settings = format!(
        "[databases]\n* = {server}\n[pgbouncer]\nunix_socket_dir = {folder}\nlisten_port = 6432\nauth_type = any\npool_mode = session\n\
         max_client_conn = 1000\ndefault_pool_size = 40\nserver_idle_timeout = 1\nlog_connections = 0\nlog_disconnections = 0\n",
        folder = folder.display()
    );
    fs::write(folder.join("pgbouncer.ini"), settings)?;
    let mut shell = Command::new("sh");
    shell.args(["-c", POOLER_SCRIPT, "sh"]).arg(find_pooler()?).arg(&folder);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Some(Account { uid, gid }) = account_to_drop_to()? {
        chown(&folder, Some(uid), Some(gid))?;
        shell.uid(uid).gid(gid);
    }
    let mut child = shell.current_dir(&folder).spawn()?;
    let lifeline = child.stdin.take();
    let socket = folder.to_string_lossy().replace('/', "%2F");
    Ok(Server { url: format!("postgres://rally@{socket}:6432/postgres"), _lifeline: lifeline })
}

const POOLER_SCRIPT: &str = r#"
"$1" "$2/pgbouncer.ini" >"$2/log" 2>&1 </dev/null &
pooler=$!
read -r _
kill -KILL "$pooler"
wait "$pooler"
rm -rf "$2"
"#;

fn find_pooler() -> io::Result<PathBuf> {
    let on_path = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let mut places = on_path.into_iter().chain([PathBuf::from("/usr/sbin")]).map(|place| place.join("pgbouncer"));
    places.find(|place| place.exists()).ok_or_else(|| io::Error::other("install it (Debian: apt-get install pgbouncer)"))
}

/// Durability is disabled, because these servers hold nothing to keep.
const SCRIPT: &str = r#"
bin=$1 folder=$2
"$bin/initdb" -D "$folder/data" -U rally --auth=trust --encoding=UTF8 --locale=C --no-sync >"$folder/initdb.log" 2>&1 &&
"$bin/postgres" -D "$folder/data" -c listen_addresses= -c unix_socket_directories="$folder" -c max_connections=300 \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off >"$folder/server.log" 2>&1 </dev/null &
server=$!
read -r _
for pid in $(head -n 1 "$folder/data/postmaster.pid" 2>/dev/null); do kill -QUIT "$pid"; done
wait "$server"
rm -rf "$folder"
"#;

fn find_binaries() -> io::Result<PathBuf> {
    let on_path = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let mut distributed: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.filter_map(Result::ok).map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    distributed.sort_by_key(|path| std::cmp::Reverse(version_of(path)));
    let places = on_path.into_iter().chain(distributed).chain([PathBuf::from("/usr/local/pgsql/bin")]);
    places
        .into_iter()
        .find(|place| place.join("initdb").exists() && place.join("postgres").exists())
        .ok_or_else(|| io::Error::other("install the server (Debian: apt-get install postgresql) or set TEST_DATABASE_URL to a server"))
}

fn version_of(binaries: &Path) -> u32 {
    let version = binaries.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    version.and_then(|version| version.parse().ok()).unwrap_or(0)
}

#[derive(Debug, Clone, Copy)]
struct Account {
    uid: u32,
    gid: u32,
}

/// Returns another account if this process runs as root, because PostgreSQL refuses to run as root.
fn account_to_drop_to() -> io::Result<Option<Account>> {
    let id = Command::new("id").arg("-u").output()?;
    if String::from_utf8_lossy(&id.stdout).trim() != "0" {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd")?;
    let account = |wanted: &str| {
        let fields: Vec<&str> = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == wanted)?;
        Some(Account { uid: fields.get(2)?.parse().ok()?, gid: fields.get(3)?.parse().ok()? })
    };
    let found = account("postgres").or_else(|| account("nobody"));
    found.map(Some).ok_or_else(|| io::Error::other("run as root, and there is neither a postgres nor a nobody account to drop to"))
}
