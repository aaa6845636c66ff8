//! The command line of the real binary: its output, and its errors if a setting is wrong.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

fn rally(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rally"));
    command.env_clear().env("RALLY_DATA_DIR", directory).args(arguments);
    command
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    rally(directory, arguments).output().unwrap()
}

fn json(directory: &Path, arguments: &[&str]) -> Value {
    let output = run(directory, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The one line that a failed command prints.
fn complaint(output: &Output) -> String {
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(output.stdout.is_empty());
    text.trim().to_owned()
}

#[test]
fn workspaces_are_managed_as_json() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    let acme = json(directory, &["workspace", "create", "acme", "--name", "Acme Inc."]);
    assert_eq!((&acme["slug"], &acme["name"], &acme["previous_slug"]), (&"acme".into(), &"Acme Inc.".into(), &Value::Null));
    let renamed = json(directory, &["workspace", "rename", "acme", "acme-two"]);
    assert_eq!((&renamed["id"], &renamed["previous_slug"]), (&acme["id"], &"acme".into()));
    assert_eq!(json(directory, &["workspace", "list"]), Value::Array(vec![renamed]));
    assert!(complaint(&run(directory, &["workspace", "create", "acme-two"])).contains("another workspace has this slug"));
    assert!(complaint(&run(directory, &["workspace", "create", "Not A Slug"])).contains("the slug \"Not A Slug\""));
    assert!(complaint(&run(directory, &["workspace", "delete", "acme-two"])).contains("--yes"));
    assert!(complaint(&run(directory, &["workspace", "delete", "gone", "--yes"])).contains("there is no workspace gone"));
    json(directory, &["workspace", "delete", "acme-two", "--yes"]);
    assert_eq!(json(directory, &["workspace", "list"]), Value::Array(Vec::new()));
}

#[test]
fn a_token_is_printed_alone() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    json(directory, &["workspace", "create", "acme"]);
    let output = run(directory, &["token", "mint", "--workspace", "acme", "--scope", "entry.read waitlist.*", "--ttl", "15m"]);
    let token = String::from_utf8(output.stdout).unwrap();
    assert_eq!((token.lines().count(), token.trim().split('.').count()), (1, 3));
    for (arguments, expected) in [
        (&["--workspace", "none"][..], "no workspace none"),
        (&["--workspace", "acme", "--scope", "entrys.read"], "grants nothing"),
        (&["--workspace", "acme", "--scope", " "], "grants nothing"),
        (&["--workspace", "acme", "--ttl", "soon"], "the ttl"),
        (&["--workspace", "acme", "--subject", " "], "the subject"),
    ] {
        let complaint = complaint(&run(directory, &[&["token", "mint"], arguments].concat()));
        assert!(complaint.contains(expected), "{complaint}");
    }
}

#[test]
fn a_link_to_the_console_is_printed_alone() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    json(directory, &["workspace", "create", "acme"]);
    let login = |arguments: &[&str]| {
        let output = run(directory, &[&["console", "login"], arguments].concat());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let (of_all, of_acme) = (login(&[]), login(&["--workspace", "acme"]));
    for link in [&of_all, &of_acme] {
        let token = link.strip_prefix("http://127.0.0.1:8080/console/sign-in/link/").unwrap();
        assert_eq!(token.len(), 43, "{link}");
    }
    assert_ne!(of_all, of_acme);
    assert!(complaint(&run(directory, &["console", "login", "--workspace", "none"])).contains("there is no workspace none"));
    let output = rally(directory, &["console", "login"]).env("RALLY_PUBLIC_URL", "https://x.example/rally/").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("https://x.example/rally/console/sign-in/link/"));
}

#[test]
fn secrets_are_made_once_and_kept_from_others() {
    use std::os::unix::fs::PermissionsExt;
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    json(&data, &["workspace", "create", "acme"]);
    let mint = || String::from_utf8(run(&data, &["token", "mint", "--workspace", "acme"]).stdout).unwrap();
    mint();
    let first = std::fs::read(data.join("jwt_secret")).unwrap();
    mint();
    assert_eq!(std::fs::read(data.join("jwt_secret")).unwrap(), first);
    assert_eq!(std::fs::metadata(data.join("jwt_secret")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_wrong_setting_stops_the_start_with_one_line() {
    let directory = TempDir::new().unwrap();
    let url = "postgres://rally@127.0.0.1:1/none";
    for (settings, expected) in [
        (&[("RALLY_BIND", "nowhere")][..], "RALLY_BIND"),
        (&[("RALLY_JWT_SECRET", "short")], "RALLY_JWT_SECRET: must be at least 32 bytes"),
        (&[("RALLY_ENCRYPTION_KEY", "c2hvcnQ=")], "RALLY_ENCRYPTION_KEY: must be 32 bytes in base64"),
        (&[("DATABASE_URL", url)], "RALLY_JWT_SECRET: must be set"),
        (&[("DATABASE_URL", url), ("RALLY_JWT_SECRET", "0123456789abcdef0123456789abcdef")], "RALLY_ENCRYPTION_KEY: must be set"),
        (
            &[
                ("DATABASE_URL", url),
                ("RALLY_JWT_SECRET", "0123456789abcdef0123456789abcdef"),
                ("RALLY_ENCRYPTION_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
            ],
            "DATABASE_URL: ",
        ),
        (&[("RALLY_LOG", "rally=loud")], "RALLY_LOG"),
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")], "OTEL_EXPORTER_OTLP_ENDPOINT: must be an http or https URL"),
        (&[("RALLY_DATA_DIR", "/proc/none")], "RALLY_DATA_DIR"),
        (&[("RALLY_BIND", "192.0.2.1:1"), ("RALLY_LOG", "off")], "RALLY_BIND: 192.0.2.1:1"),
    ] {
        let mut command = rally(directory.path(), &["serve"]);
        command.envs(settings.iter().copied());
        let complaint = complaint(&command.output().unwrap());
        assert!(complaint.starts_with(&format!("rally: {expected}")), "{complaint}");
        assert!(!complaint.contains("postgres://"), "{complaint}");
    }
}

#[test]
fn an_encryption_key_is_checked_before_anything_is_sealed() {
    let directory = TempDir::new().unwrap();
    let reencrypt = |current: &str, previous: &str| {
        let mut command = rally(directory.path(), &["secrets", "reencrypt"]);
        command.env("RALLY_ENCRYPTION_KEY", current).env("RALLY_PREVIOUS_ENCRYPTION_KEY", previous).output().unwrap()
    };
    let (old, new) = ("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=");
    json(directory.path(), &["workspace", "create", "acme"]);
    let output = reencrypt(new, old);
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), serde_json::json!({"current": 0, "reencrypted": 0}));
    assert!(complaint(&reencrypt(new, "short")).contains("RALLY_PREVIOUS_ENCRYPTION_KEY: must be 32 bytes"));
}

#[test]
fn a_flag_wins_over_its_variable() {
    let directory = TempDir::new().unwrap();
    let mut command = rally(directory.path(), &["serve", "--bind", "flag"]);
    assert!(complaint(&command.env("RALLY_BIND", "127.0.0.1:0").output().unwrap()).contains("RALLY_BIND"));
}

#[test]
fn a_server_serves_on_if_nobody_reads_its_greeting() {
    let directory = TempDir::new().unwrap();
    let mut command = rally(directory.path(), &["serve"]);
    let mut server = command.env("RALLY_BIND", "127.0.0.1:0").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(server.stdout.take());
    let mut logged =
        BufReader::new(server.stderr.take().unwrap()).lines().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    let listening = logged.find(|line| line["message"] == "listening").expect("it listens");
    assert!(logged.any(|line| line["message"] == "the greeting was not printed"), "it ended");
    let mut connection = TcpStream::connect(listening["address"].as_str().unwrap()).unwrap();
    connection.write_all(b"GET /healthz HTTP/1.1\r\nhost: rally\r\nconnection: close\r\n\r\n").unwrap();
    let mut status = String::new();
    BufReader::new(connection).read_line(&mut status).unwrap();
    assert_eq!(status.trim_end(), "HTTP/1.1 200 OK");
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn a_command_ends_as_usual_if_nobody_reads_why() {
    let directory = TempDir::new().unwrap();
    let mut command = rally(directory.path(), &["workspace", "delete", "gone", "--yes"]).stderr(Stdio::piped()).spawn().unwrap();
    drop(command.stderr.take());
    assert_eq!(command.wait().unwrap().code(), Some(1));
}

#[test]
fn migrations_and_the_document_are_printed() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    assert!(!json(directory, &["migrate"])["applied"].as_array().unwrap().is_empty());
    assert!(json(directory, &["migrate"])["applied"].as_array().unwrap().is_empty());
    assert_eq!(json(directory, &["openapi"])["info"]["title"], "Rally");
}

/// A mail server for one mail. It answers the recipient with that line.
fn mail_server(recipient: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}?tls=none", listener.local_addr().unwrap());
    let serve = move || {
        let (stream, _) = listener.accept().unwrap();
        let (mut lines, mut out) = (BufReader::new(stream.try_clone().unwrap()).lines(), stream);
        let mut text = String::new();
        out.write_all(b"220 mail.example ESMTP\r\n").unwrap();
        while let Some(Ok(line)) = lines.next() {
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
            let answer = match verb.as_str() {
                "RCPT" => recipient,
                "DATA" => {
                    out.write_all(b"354 go on\r\n").unwrap();
                    text = lines.by_ref().map_while(Result::ok).take_while(|line| line != ".").collect::<Vec<_>>().join("\n");
                    "250 2.0.0 taken"
                }
                "QUIT" => "221 bye",
                _ => "250 mail.example",
            };
            if out.write_all(format!("{answer}\r\n").as_bytes()).is_err() {
                break;
            }
        }
        text
    };
    (url, std::thread::spawn(serve))
}

#[test]
fn a_mail_is_tried_and_the_answer_told() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    json(directory, &["workspace", "create", "acme"]);
    let with = |url: &str, arguments: &[&str]| {
        let mut command = rally(directory, &[&["mail", "test"], arguments].concat());
        command.env("RALLY_SMTP_URL", url).env("RALLY_SMTP_FROM", "Rally <rally@mail.example>").output().unwrap()
    };
    let to_me = ["--workspace", "acme", "--to", "me@else.example"];
    let (url, served) = mail_server("250 2.1.5 fine");
    let output = with(&url, &to_me);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("accepted the mail from rally@mail.example to me@else.example"), "{told}");
    assert!(served.join().unwrap().contains("To: me@else.example"));
    for (answer, expected) in [
        ("550 5.1.1 who is this", "does not exist: RCPT TO: 550 5.1.1 who is this"),
        ("550 5.7.1 not from you", "refused the mail for good: RCPT TO: 550 5.7.1 not from you"),
        ("451 4.3.0 come back", "did not take the mail now: RCPT TO: 451 4.3.0 come back; a running server tries again from"),
    ] {
        let told = complaint(&with(&mail_server(answer).0, &to_me));
        assert!(told.contains(expected), "{told}");
    }
    let nowhere = complaint(&with("smtp://127.0.0.1:1?tls=none", &to_me));
    assert!(nowhere.contains("did not take the mail now"), "{nowhere}");
    for (arguments, expected) in [
        (["--workspace", "none", "--to", "me@else.example"], "no workspace none"),
        (["--workspace", "acme", "--to", "nobody"], "the address"),
    ] {
        let told = complaint(&with("smtp://127.0.0.1:1?tls=none", &arguments));
        assert!(told.contains(expected), "{told}");
    }
    let without = complaint(&run(directory, &[&["mail", "test"], &to_me[..]].concat()));
    assert!(without.contains("RALLY_SMTP_URL"), "{without}");
    for _ in 0..5 {
        complaint(&with("smtp://127.0.0.1:1?tls=none", &to_me));
    }
    let eleventh = complaint(&with("smtp://127.0.0.1:1?tls=none", &to_me));
    assert!(eleventh.contains("at most 10 test mails an hour"), "{eleventh}");
}
