//! The real binary as a process, as operators run it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::{ENCRYPTION_KEY, JWT_SECRET, WEBHOOK_ALLOW};

/// The binary that was built with the tests.
///
/// # Panics
/// If it was not built: `cargo test --workspace` builds both.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let binary = test.parent().and_then(Path::parent).unwrap().join("rally");
    assert!(binary.exists(), "{} is missing: run cargo test --workspace", binary.display());
    binary
}

/// A command of the binary, without the environment of this process.
pub fn rally(directory: &Path, database_url: Option<&str>) -> Command {
    let mut command = Command::new(binary());
    command
        .env_clear()
        .env("RALLY_DATA_DIR", directory)
        .env("RALLY_BIND", "127.0.0.1:0")
        .env("RALLY_LOG", "warn")
        .env("RALLY_SIGNUP_RATE", "off");
    command.env("RALLY_WEBHOOK_ALLOW", WEBHOOK_ALLOW).env("RALLY_WEBHOOK_TIMEOUT", "500ms");
    if let Some(url) = database_url {
        command.env("DATABASE_URL", url).env("RALLY_JWT_SECRET", JWT_SECRET).env("RALLY_ENCRYPTION_KEY", ENCRYPTION_KEY);
    }
    command
}

/// Runs a command to its end and returns its output.
pub fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

/// Makes a database with the schema of Rally, and returns its URL.
///
/// # Panics
/// If there is no PostgreSQL.
pub async fn fresh_database() -> String {
    let migrate = |url: String| async move {
        let directory = TempDir::new().unwrap();
        let output = output(rally(directory.path(), Some(&url)).arg("migrate"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    rally_pgtest::migrated_database(migrate).await
}

/// The name of a server's log file.
pub const LOG: &str = "log";

/// A server process.
pub struct Server {
    child: Child,
    /// `http://127.0.0.1:port`.
    pub base: String,
    /// Its output until it printed its address.
    pub greeting: String,
}

impl Server {
    /// Starts a server and waits until it has printed its address.
    pub fn start(directory: &Path, database_url: Option<&str>) -> Self {
        Self::start_with(directory, database_url, &[])
    }

    /// Starts a server with further environment variables. It appends its log to `log` in the directory.
    pub fn start_with(directory: &Path, database_url: Option<&str>, environment: &[(&str, String)]) -> Self {
        let log = File::options().create(true).append(true).open(directory.join(LOG)).unwrap();
        let mut command = rally(directory, database_url);
        let mut child = command.envs(environment.iter().cloned()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut greeting = String::new();
        let base = loop {
            let line = lines.next().expect("the server ended before it said where it is").unwrap();
            greeting.push_str(&line);
            greeting.push('\n');
            if let Some(start) = line.find("http://127.0.0.1:") {
                let end = line[start + 7..].find(['/', ' ']).map_or(line.len(), |end| start + 7 + end);
                break line[start..end].to_owned();
            }
        };
        // This thread reads the rest, so that the pipe never fills.
        let rest = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>().join("\n"));
        drop(rest);
        Self { child, base, greeting }
    }

    /// Kills the process, as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the process to end.
    pub fn terminate(&self) {
        let status = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Whether the process ended by itself, with success, within this time.
    pub fn ended_well(&mut self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.kill();
        }
    }
}
