//! The work of an operator with the real binary: health checks, backups and restores, reverts, changes of keys, and traces.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use rally_tests::deployment::Deployment;
use rally_tests::process::{LOG, Server, output, rally};
use rally_tests::receiver::Receiver;
use rally_tests::{ENCRYPTION_KEY, Kind, send};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn people(deployment: &Deployment, server: &Server, number: usize) {
    for n in 0..number {
        deployment.sign_up(server, &format!("p{n}@example.com")).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthcheck_tells_a_server_that_is_ready_from_one_that_is_not() {
    let deployment = Deployment::new(Kind::Sqlite).await;
    let server = deployment.start();
    let bind = server.base.trim_start_matches("http://").to_owned();
    let check = || output(rally(deployment.directory.path(), None).env("RALLY_BIND", &bind).arg("healthcheck"));
    assert!(check().status.success());
    drop(server);
    let failed = check();
    assert!(!failed.status.success());
    let complaint = String::from_utf8(failed.stderr).unwrap();
    assert!(complaint.contains("does not answer") && complaint.trim().lines().count() == 1, "{complaint}");
}

/// An operator who names the wrong database hears of it now, and not when they need the backup.
#[test]
fn a_database_with_nothing_of_rally_is_not_backed_up() {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("rally.db"), "").unwrap();
    let file = directory.path().join("backup.db");
    let copied = output(rally(directory.path(), None).arg("backup").arg(&file));
    let complaint = String::from_utf8(copied.stderr).unwrap();
    assert!(!copied.status.success() && complaint.contains("the database has nothing of Rally"), "{complaint}");
    assert!(!file.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_made_while_people_sign_up_is_whole() {
    let deployment = Deployment::new(Kind::Sqlite).await;
    let server = deployment.start();
    people(&deployment, &server, 50).await;
    let file = deployment.directory.path().join("backup.db");
    let (mut command, path) = (rally(deployment.directory.path(), None), file.clone());
    let copying = tokio::task::spawn_blocking(move || output(command.arg("backup").arg(path)));
    for n in 0..200 {
        deployment.sign_up(&server, &format!("late{n}@example.com")).await.expect(201);
    }
    let copied = copying.await.unwrap();
    assert!(copied.status.success(), "{copied:?}");
    let again = output(rally(deployment.directory.path(), None).arg("backup").arg(&file));
    assert!(!again.status.success(), "a backup was written over");
    let names = std::fs::read_dir(deployment.directory.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.contains("backup")).collect::<Vec<_>>(), ["backup.db"]);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    drop(server);

    let restored = TempDir::new().unwrap();
    std::fs::copy(&file, restored.path().join("rally.db")).unwrap();
    for secret in ["jwt_secret", "encryption_key"] {
        std::fs::copy(deployment.directory.path().join(secret), restored.path().join(secret)).unwrap();
    }
    let deployment = Deployment { directory: restored, ..deployment };
    let server = deployment.start();
    assert!(deployment.check(&server, &[]).await.len() >= 50);
}

/// Restores a dump of the database into a new one, by the procedure of docs/BACKUP.md. Returns the URL of the new one.
async fn dump_and_restore(deployment: &Deployment) -> String {
    let (from, to) = (deployment.url.clone().unwrap(), rally_pgtest::new_database().await);
    let dump = deployment.directory.path().join("rally.dump");
    let run = |program: &str, arguments: &[&str]| {
        let output = output(Command::new(rally_pgtest::program(program)).args(arguments));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run("pg_dump", &["--format=custom", "--file", dump.to_str().unwrap(), &from]);
    run("pg_restore", &["--no-owner", "--dbname", &to, dump.to_str().unwrap()]);
    to
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_of_postgresql_restores() {
    let deployment = Deployment::new(Kind::Postgres).await;
    let server = deployment.start();
    people(&deployment, &server, 50).await;
    drop(server);
    let to = dump_and_restore(&deployment).await;
    let deployment = Deployment { url: Some(to), ..deployment };
    let server = deployment.start();
    assert_eq!(deployment.check(&server, &[]).await.len(), 50);
}

/// A command makes no store where there is none, and a server makes no key where the store has another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_made_in_place_of_what_is_missing() {
    let empty = TempDir::new().unwrap();
    for command in [&["console", "login"][..], &["key", "list", "--workspace", "acme"], &["workspace", "list"], &["counters", "rebuild"]] {
        let refused = output(rally(empty.path(), None).args(command));
        let complaint = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && complaint.contains("rally.db is not there"), "{command:?}: {complaint}");
    }
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);

    let deployment = Deployment::new(Kind::Sqlite).await;
    let server = deployment.start();
    people(&deployment, &server, 1).await;
    let mode = |name: &str| std::fs::metadata(deployment.directory.path().join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(["rally.db", "rally.db-wal", "rally.db-shm"].map(mode), [0o600; 3]);
    let file = deployment.directory.path().join("backup.db");
    assert!(output(rally(deployment.directory.path(), None).arg("backup").arg(&file)).status.success());
    let again = output(rally(deployment.directory.path(), None).arg("backup").arg(&file));
    let complaint = String::from_utf8(again.stderr).unwrap();
    assert!(complaint.contains("FILE: ") && !complaint.contains("unexpected"), "{complaint}");
    let restored = TempDir::new().unwrap();
    std::fs::copy(&file, restored.path().join("rally.db")).unwrap();
    let mut command = rally(restored.path(), None);
    let stopped = output(command.env("RALLY_BIND", "127.0.0.1:0").arg("serve"));
    let complaint = String::from_utf8(stopped.stderr).unwrap();
    assert!(!stopped.status.success() && complaint.contains("the store was made with another key"), "{complaint}");
    assert!(!restored.path().join("encryption_key").exists());
    for (level, good) in [("loud", false), ("info,rally_api=debug", true)] {
        let checked = output(rally(deployment.directory.path(), None).env("RALLY_LOG", level).args(["workspace", "list"]));
        assert_eq!(checked.status.success(), good, "{level}: {checked:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_goes_back_and_forth() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let deployment = Deployment::new(kind).await;
        let reverted = deployment.run(&["migrate", "--revert"])["reverted"].as_str().unwrap().to_owned();
        // A server that may not run migrations says what is wrong.
        let refused = output(rally(deployment.directory.path(), deployment.url.as_deref()).env("RALLY_MIGRATE", "off").arg("serve"));
        assert!(!refused.status.success());
        let complaint = String::from_utf8(refused.stderr).unwrap();
        assert!(complaint.contains("rally migrate") && complaint.contains(&reverted), "{complaint}");
        // Another command changes nothing, whatever the setting is.
        for command in [&["workspace", "list"][..], &["counters", "rebuild"], &["token", "mint", "--workspace", "acme"]] {
            let refused = output(rally(deployment.directory.path(), deployment.url.as_deref()).args(command));
            let complaint = String::from_utf8(refused.stderr).unwrap();
            assert!(!refused.status.success() && complaint.contains("rally migrate"), "{command:?}: {complaint}");
        }
        assert_eq!(deployment.run(&["migrate"]), json!({"applied": [reverted]}));
        drop(deployment.start());
    }
}

/// A role that owns no table serves, if another one runs the migrations.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_needs_no_right_to_change_tables() {
    let deployment = Deployment::new(Kind::Postgres).await;
    let owner = deployment.url.clone().unwrap();
    let database = owner.split('?').next().and_then(|url| url.rsplit('/').next()).unwrap().to_owned();
    let role = format!("{database}_serves");
    let grants = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'serves'; REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
         GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"
    );
    rally_pgtest::execute(&owner, &grants).await;
    let (scheme, rest) = owner.split_once("://").unwrap();
    let (_, server) = rest.split_once('@').unwrap();
    let url = Some(format!("{scheme}://{role}:serves@{server}"));
    let serving = Deployment { url, environment: vec![("RALLY_MIGRATE", "off".to_owned())], ..deployment };
    let server = serving.start();
    people(&serving, &server, 3).await;
    let count = serving.admin(&server, &format!("/waitlists/{}/entries/count", serving.list), None).await.expect(200);
    assert_eq!(count["count"], 3);
    serving.patch(&server, &format!("/waitlists/{}", serving.list), json!({"display_name": "Renamed"})).await.expect(200);
}

/// Copies the server's store at `from` to `to`: a data directory or the URL of a database.
fn copy_store(deployment: &Deployment, from: &str, to: &str) -> Output {
    output(rally(deployment.directory.path(), None).args(["store", "copy", "--from", from, "--to", to]))
}

/// From the embedded store to PostgreSQL and back: the same people, lists, webhooks, events and mail, checked on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_moves_to_the_other_kind_and_back() {
    let world = rally_tests::upstreams::Upstreams::start().await;
    let first = Deployment::with(Kind::Sqlite, world.environment()).await;
    let server = first.start();
    first.put(&server, "/rally/settings", rally_tests::upstreams::notifications()).await.expect(200);
    let hook = json!({"url": "http://127.0.0.1:9/", "events": ["entry.created"], "active": false});
    first.admin(&server, "/webhooks", Some(hook)).await.expect(201);
    let settings =
        json!({"settings": {"custom_fields": [{"key": "b", "type": "number"}, {"key": "a"}], "zeta": 1.50, "alpha": "ü\u{1f600}"}});
    first.patch(&server, &format!("/waitlists/{}", first.list), settings).await.expect(200);
    people(&first, &server, 2499).await;
    // Numbers that the two stores spell differently.
    let odd = json!({"email": "odd@example.com", "name": "Odd", "metadata": {"large": 1e17, "cold": [-0.0, 2.0], "small": 2.5e-9}});
    send(first.client.post(format!("{}/v1/waitlists/acme/early/entries", server.base)).json(&odd)).await.expect(201);
    let (list, analytics) = (format!("/waitlists/{}/entries?limit=100", first.list), format!("/waitlists/{}/analytics", first.list));
    let paths = ["/waitlists", "/webhooks", "/rally/settings", &list, &analytics].map(str::to_owned);
    let page = |mut page: Value| {
        // Encrypted with the key of a deployment.
        page["pagination"]["next_cursor"] = Value::Null;
        // Each server has a port of its own. The token of a link stays the same.
        for row in page["data"].as_array_mut().into_iter().flatten().filter(|row| row["status_url"].is_string()) {
            row["status_url"] = row["status_url"].as_str().and_then(|url| url.rsplit('/').next()).into();
        }
        page
    };
    let (_, cursor) = read_feed(&first, &server, "").await;
    let feed = read_rest(&first, &server, &cursor).await;
    assert_eq!(feed.len(), 2480);
    first.sign_up(&server, "last@example.com").await.expect(201);
    let mut before = Vec::new();
    for path in &paths {
        before.push(page(first.admin(&server, path, None).await.expect(200)));
    }
    drop(server);

    let url = rally_pgtest::new_database().await;
    let style = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET datestyle = ''German, DMY''', current_database()); END $$";
    rally_pgtest::execute(&url, style).await;
    let moved = copy_store(&first, first.directory.path().to_str().unwrap(), &url);
    assert!(moved.status.success(), "{}", String::from_utf8_lossy(&moved.stderr));
    assert!(String::from_utf8_lossy(&moved.stderr).contains("entries: 2501 rows"), "no progress was told");
    let report: Value = serde_json::from_slice(&moved.stdout).unwrap();
    assert_eq!((&report["rows"]["entries"], &report["rows"]["mails"], &report["verified"]), (&json!(2501), &json!(2501), &json!(true)));

    let back = TempDir::new().unwrap();
    let moved = copy_store(&first, &url, back.path().to_str().unwrap());
    assert!(moved.status.success(), "{}", String::from_utf8_lossy(&moved.stderr));
    assert_eq!(serde_json::from_slice::<Value>(&moved.stdout).unwrap(), report);
    for secret in ["jwt_secret", "encryption_key"] {
        std::fs::copy(first.directory.path().join(secret), back.path().join(secret)).unwrap();
    }
    let second = Deployment { directory: back, ..first };
    let server = second.start();
    for (path, before) in paths.iter().zip(before) {
        assert_eq!(page(second.admin(&server, path, None).await.expect(200)), before, "{path}");
    }
    assert_eq!(second.check(&server, &[]).await.len(), 2501);
    // A reader goes on in the same order.
    second.sign_up(&server, "new@example.com").await.expect(201);
    let added = ["last@example.com", "new@example.com"].map(str::to_owned);
    assert_eq!(read_rest(&second, &server, &cursor).await, [feed, added.into()].concat());
}

/// A page of the feed, and the cursor after it.
async fn read_feed(deployment: &Deployment, server: &Server, cursor: &str) -> (Vec<String>, String) {
    let page = deployment.admin(server, &format!("/events?types=entry.created{cursor}"), None).await.expect(200);
    let told = |event: &Value| event["data"]["entry"]["email"].as_str().unwrap().to_owned();
    (page["data"].as_array().unwrap().iter().map(told).collect(), format!("&after={}", page["next"].as_str().unwrap()))
}

/// The rest of the feed.
async fn read_rest(deployment: &Deployment, server: &Server, cursor: &str) -> Vec<String> {
    let (mut rest, mut cursor) = (Vec::new(), cursor.to_owned());
    loop {
        let (told, next) = read_feed(deployment, server, &format!("{cursor}&limit=100")).await;
        if told.is_empty() {
            return rest;
        }
        rest.extend(told);
        cursor = next;
    }
}

/// Checks that a reader goes on in a restored store where it was at the backup, and is refused if it had read on after it.
async fn check_feed(deployment: &Deployment, server: &Server, at_backup: &str, later: &[String]) {
    for address in ["bob@example.com", "carl@example.com", "dora@example.com"] {
        deployment.sign_up(server, address).await.expect(201);
        for cursor in later {
            deployment.admin(server, &format!("/events?types=entry.created{cursor}"), None).await.refused(410, "cursor_expired");
        }
    }
    let (told, _) = read_feed(deployment, server, at_backup).await;
    assert_eq!(told, ["waits@example.com", "bob@example.com", "carl@example.com", "dora@example.com"]);
}

/// A store with a reader that has read everything but one event. Returns its cursor.
async fn with_reader(deployment: &Deployment, server: &Server) -> String {
    people(deployment, server, 3).await;
    let (told, cursor) = read_feed(deployment, server, "").await;
    assert_eq!(told.len(), 3);
    deployment.sign_up(server, "waits@example.com").await.expect(201);
    cursor
}

/// What happens after a backup: somebody signs up, and the reader reads on. Returns its cursors.
async fn read_on(deployment: &Deployment, server: &Server, mut cursor: String) -> Vec<String> {
    let mut later = Vec::new();
    for address in ["eve@example.com", "finn@example.com"] {
        deployment.sign_up(server, address).await.expect(201);
        cursor = read_feed(deployment, server, &cursor).await.1;
        later.push(cursor.clone());
    }
    later
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_of_the_feed_survives_a_restored_backup() {
    let deployment = Deployment::new(Kind::Sqlite).await;
    let server = deployment.start();
    let cursor = with_reader(&deployment, &server).await;
    let restored = TempDir::new().unwrap();
    deployment.run(&["backup", restored.path().join("rally.db").to_str().unwrap()]);
    let later = read_on(&deployment, &server, cursor.clone()).await;
    drop(server);
    for secret in ["jwt_secret", "encryption_key"] {
        std::fs::copy(deployment.directory.path().join(secret), restored.path().join(secret)).unwrap();
    }
    let deployment = Deployment { directory: restored, ..deployment };
    check_feed(&deployment, &deployment.start(), &cursor, &later).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_of_the_feed_survives_a_restored_dump() {
    let deployment = Deployment::new(Kind::Postgres).await;
    let server = deployment.start();
    let cursor = with_reader(&deployment, &server).await;
    let restored = dump_and_restore(&deployment).await;
    let later = read_on(&deployment, &server, cursor.clone()).await;
    drop(server);
    let deployment = Deployment { url: Some(restored), ..deployment };
    check_feed(&deployment, &deployment.start(), &cursor, &later).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_is_copied_only_into_an_empty_one_of_the_other_kind() {
    let deployment = Deployment::new(Kind::Sqlite).await;
    let (directory, url) = (deployment.directory.path().to_str().unwrap(), rally_pgtest::new_database().await);
    let copied = copy_store(&deployment, directory, &url);
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    for (from, to, complaint) in [
        (directory, url.as_str(), "not empty"),
        ("/nowhere", &url, "no store"),
        (&url, &url, "one kind"),
        (directory, directory, "one kind"),
    ] {
        let refused = copy_store(&deployment, from, to);
        assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains(complaint), "{refused:?}");
    }
}

/// Every command reports a database that does not fit before it does anything, in one line that names the setting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_does_not_fit_stops_every_command() {
    let directory = TempDir::new().unwrap();
    // If a server starts all the same, this occupied port ends it.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let url = rally_pgtest::new_database_with(&format!("ENCODING '{encoding}' TEMPLATE template0")).await;
        let embedded = TempDir::new().unwrap();
        assert!(output(rally(embedded.path(), None).arg("migrate")).status.success());
        for arguments in [
            &["serve"][..],
            &["migrate"],
            &["migrate", "--revert"],
            &["workspace", "list"],
            &["token", "mint", "--workspace", "acme"],
            &["key", "list"],
            &["secrets", "reencrypt"],
            &["counters", "rebuild"],
            &["store", "copy", "--from", embedded.path().to_str().unwrap(), "--to", &url],
        ] {
            let refused =
                output(rally(directory.path(), Some(&url)).env("RALLY_BIND", taken.local_addr().unwrap().to_string()).args(arguments));
            assert!(!refused.status.success() && refused.stdout.is_empty(), "{arguments:?}: {refused:?}");
            let complaint = String::from_utf8(refused.stderr).unwrap();
            assert!(complaint.starts_with("rally: DATABASE_URL: the database "), "{arguments:?}: {complaint}");
            assert!(complaint.contains(&format!(" is in {encoding}")) && complaint.lines().count() == 1, "{arguments:?}: {complaint}");
        }
        let untouched = "DO $$ BEGIN ASSERT (SELECT count(*) FROM pg_tables WHERE schemaname = 'public') = 0; END $$";
        rally_pgtest::execute(&url, untouched).await;
    }
}

/// The procedure of docs/CONFIGURATION.md. With the new key and the old one everything is encrypted anew. Then the old key is not needed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_sealed_anew_under_another_key() {
    let deployment = Deployment::new(Kind::Sqlite).await;
    let server = deployment.start();
    for _ in 0..2 {
        let hook = json!({"url": "http://127.0.0.1:9/", "events": ["entry.created"]});
        deployment.admin(&server, "/webhooks", Some(hook)).await.expect(201);
    }
    drop(server);
    let old = std::fs::read_to_string(deployment.directory.path().join("encryption_key")).unwrap();
    // Without the server's settings it would encrypt with the old key again, and report that nothing is left to do.
    let without = output(rally(deployment.directory.path(), None).args(["secrets", "reencrypt"]));
    assert!(!without.status.success() && String::from_utf8_lossy(&without.stderr).contains("RALLY_PREVIOUS_ENCRYPTION_KEY"), "{without:?}");
    let reencrypt = |previous: &str| {
        let mut command = rally(deployment.directory.path(), None);
        command.env("RALLY_ENCRYPTION_KEY", ENCRYPTION_KEY).env("RALLY_PREVIOUS_ENCRYPTION_KEY", previous);
        output(command.args(["secrets", "reencrypt"]))
    };
    assert!(!reencrypt("").status.success(), "another key opens what it has not sealed");
    for (previous, report) in [
        (old.trim(), json!({"current": 0, "reencrypted": 2})),
        (old.trim(), json!({"current": 2, "reencrypted": 0})),
        ("", json!({"current": 2, "reencrypted": 0})),
    ] {
        let done = reencrypt(previous);
        assert_eq!(serde_json::from_slice::<Value>(&done.stdout).unwrap(), report, "{done:?}");
    }
}

/// If the environment names a collector, every request is a span that arrives there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_go_to_a_collector() {
    let collector = Receiver::start().await;
    let endpoint = collector.url.trim_end_matches("/hook").to_owned();
    let environment =
        vec![("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_BSP_SCHEDULE_DELAY", "100".to_owned()), ("RALLY_LOG", "info".to_owned())];
    let deployment = Deployment::with(Kind::Sqlite, environment).await;
    let server = deployment.start();
    people(&deployment, &server, 3).await;
    let arrived = collector.wait_for(1).await;
    assert!(arrived[0].line.starts_with("POST /v1/traces "), "{}", arrived[0].line);
    assert_eq!(arrived[0].header("content-type"), Some("application/x-protobuf"));
    server.terminate();
}

/// The people of a seed do not exist. Nobody may get mail or events of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_that_tells_others_of_sign_ups_is_not_seeded() {
    let mail = [("RALLY_SMTP_URL", "smtp://127.0.0.1:1?tls=none"), ("RALLY_SMTP_FROM", "Rally <rally@mail.example>")];
    let deployment = Deployment::with(Kind::Sqlite, mail.map(|(name, value)| (name, value.to_owned())).into()).await;
    let server = deployment.start();
    let seed =
        || output(rally(deployment.directory.path(), None).args(["bench", "seed", "--entries=2", "--workspace=acme", "--list=early"]));
    let refused = |expected: &str| {
        let told = seed();
        let words = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(!told.status.success() && words.contains(expected), "{words}");
    };
    deployment.put(&server, "/rally/settings", json!({"notifications": "smtp"})).await.expect(200);
    refused("set notifications of the workspace acme to off");
    deployment.put(&server, "/rally/settings", json!({"notifications": "off"})).await.expect(200);
    let hook = json!({"url": "http://127.0.0.1:1/", "events": ["entry.created"]});
    let hook = deployment.admin(&server, "/webhooks", Some(hook)).await.expect(201)["id"].as_str().unwrap().to_owned();
    refused("disable the webhooks of the workspace acme");
    assert_eq!(deployment.entries(&server).await.len(), 0);
    deployment.patch(&server, &format!("/webhooks/{hook}"), json!({"active": false})).await.expect(200);
    assert!(seed().status.success());
    assert_eq!(deployment.entries(&server).await.len(), 2);
    assert_eq!(deployment.admin(&server, "/mails", None).await.expect(200)["data"], json!([]));
}

/// A server starts with a variable that is mistyped or needs another one, and warns of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_without_an_effect_are_told() {
    let directory = TempDir::new().unwrap();
    let environment = [("RALLY_LOG", "warn"), ("RALLY_SMPT_URL", "smtps://mail.example"), ("RALLY_JWT_ISSUER", "https://id.example")];
    drop(Server::start_with(directory.path(), None, &environment.map(|(name, value)| (name, value.to_owned()))));
    let log = std::fs::read_to_string(directory.path().join(LOG)).unwrap();
    for told in ["RALLY_SMPT_URL is no setting; is RALLY_SMTP_URL meant?", "RALLY_JWT_ISSUER has no effect without RALLY_JWKS_URL"] {
        assert!(log.contains(told), "{log}");
    }
}

/// An error of a client is no error of this server. The log of the HTTP layer shows it on request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_on_a_socket_is_no_error_in_the_log() {
    for (directives, told) in [("info", false), ("info,actix_http=error", true)] {
        let directory = TempDir::new().unwrap();
        let server = Server::start_with(directory.path(), None, &[("RALLY_LOG", directives.to_owned())]);
        let mut stream = TcpStream::connect(server.base.trim_start_matches("http://")).await.unwrap();
        stream.write_all(b"\x16\x03\x01 no HTTP \x00\r\n\r\n").await.unwrap();
        // The connection ends after its last log line.
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await.unwrap();
        assert!(reply.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&reply));
        let log = std::fs::read_to_string(directory.path().join(LOG)).unwrap();
        assert_eq!((log.contains("stream error"), log.contains("ERROR")), (told, told), "{directives}: {log}");
    }
}
