//! SQLite keeps the promises of the ports. The contract runs on a file. One test uses a store in memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use async_trait::async_trait;
use diesel::SqliteConnection;
use diesel::connection::{Connection, SimpleConnection};
use rally_contracts::Fixture;
use rally_contracts::doubles::{CountingIds, FrozenClock};
use rally_contracts::samples;
use rally_domain::port::Ports;
use rally_domain::waitlist::Waitlist;
use rally_sqlite::SqliteStore;
use tempfile::TempDir;

struct Embedded {
    directory: TempDir,
    ports: Ports,
}

async fn open(directory: &TempDir) -> Ports {
    let store = SqliteStore::open(&directory.path().join("rally.db")).unwrap();
    store.migrate().await.unwrap();
    ports(store)
}

/// Runs SQL without the store.
fn execute(directory: &TempDir, sql: &str) {
    let path = directory.path().join("rally.db");
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection.batch_execute(sql).unwrap();
}

fn ports(store: SqliteStore) -> Ports {
    Ports::of_store(Arc::new(store), samples::links(), Arc::new(FrozenClock::at("2026-01-31T09:00:00Z")), Arc::new(CountingIds::default()))
}

#[async_trait]
impl Fixture for Embedded {
    async fn fresh() -> Self {
        let directory = TempDir::new().unwrap();
        let ports = open(&directory).await;
        Self { directory, ports }
    }

    fn ports(&self) -> Ports {
        self.ports.clone()
    }

    async fn reopen(&self) -> Ports {
        open(&self.directory).await
    }

    async fn miscount(&self, waitlist: &Waitlist) -> bool {
        let list = waitlist.id.uuid().simple();
        execute(&self.directory, &format!("UPDATE waitlist_totals SET referred = referred + 5 WHERE waitlist_id = x'{list}'"));
        let counts = format!("UPDATE entries SET referral_count = referral_count + 3 WHERE waitlist_id = x'{list}' AND referral_count > 0");
        execute(&self.directory, &counts);
        true
    }
}

rally_contracts::store_contract!(Embedded);

mod in_memory {
    use rally_contracts::samples::{active_list, sign_up};
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_store_in_memory_takes_sign_ups() {
        let store = SqliteStore::in_memory().unwrap();
        store.migrate().await.unwrap();
        let ports = ports(store);
        let list = active_list(&ports, json!({})).await;
        let entry = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
        assert_eq!(ports.entries.find(list.id, entry.id).await.unwrap(), Some(entry));
    }
}

mod trouble {
    use std::time::{Duration, Instant};

    use futures_util::future::join_all;
    use rally_contracts::samples::{create_workspace, slug};
    use rally_domain::command::WorkspaceRejection;
    use rally_domain::error::{CommandError, Fault};

    use super::*;

    /// Another program holds the database for writing. All callers hear so after ten seconds at most, and not one after the other.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_waits_long_for_a_database_that_is_held() {
        let directory = TempDir::new().unwrap();
        let ports = open(&directory).await;
        let path = directory.path().join("rally.db");
        let mut other = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        other.batch_execute("BEGIN IMMEDIATE").unwrap();
        let (begun, ports) = (Instant::now(), &ports);
        let made = join_all((0..8).map(|n| ports.workspaces.create(create_workspace(ports, &format!("held-{n}"))))).await;
        // One after the other they would wait for forty.
        assert!(begun.elapsed() < Duration::from_secs(25));
        for refused in made {
            assert!(matches!(refused, Err(CommandError::<WorkspaceRejection>::Fault(Fault::Unavailable(_)))), "{refused:?}");
        }
        other.batch_execute("ROLLBACK").unwrap();
        assert!(ports.workspaces.find_by_slug(&slug("held-0")).await.unwrap().is_none());
        ports.workspaces.create(create_workspace(ports, "held-0")).await.unwrap();
    }
}

mod versions {
    use rally_contracts::samples::{active_list, delete_waitlist, notifications, set, sign_up, suppress};
    use rally_contracts::webhooks::{create_webhook, update};
    use rally_domain::command::UpdateWebhook;
    use rally_domain::event::EventKind;
    use rally_domain::id::{ClaimId, WebhookId};
    use rally_domain::queue::ClaimRequest;
    use rally_domain::suppression::SuppressionReason;
    use rally_domain::timestamp::Timestamp;
    use serde_json::json;
    use time::Duration;

    use super::*;

    fn request(ports: &Ports, hook: WebhookId, now: Timestamp, share: usize) -> ClaimRequest {
        ClaimRequest { claim: ClaimId::new(ports.ids.uuid()), now, lease_until: now, shares: vec![(hook, share)] }
    }

    /// Disabling and enabling a webhook also applies to deliveries without a generation, which an older program wrote.
    #[tokio::test]
    async fn what_an_older_program_wrote_is_delivered_until_the_webhook_is_switched() {
        let embedded = Embedded::fresh().await;
        let ports = embedded.ports();
        let list = active_list(&ports, json!({})).await;
        let hook = ports.webhooks.create(create_webhook(&ports, list.workspace_id, &EventKind::ALL), None).await.unwrap();
        for n in 0..4 {
            ports.entries.sign_up(sign_up(&ports, &list, &format!("p{n}@example.com"))).await.unwrap();
        }
        execute(&embedded.directory, "UPDATE deliveries SET generation = -1");
        let now = ports.clock.now();
        assert_eq!(ports.deliveries.claim(request(&ports, hook.id, now, 2)).await.unwrap().len(), 2);
        for active in [false, true] {
            ports.webhooks.update(UpdateWebhook { active: Some(active), ..update(&hook) }).await.unwrap();
        }
        assert_eq!(ports.deliveries.reap(now.plus(Duration::seconds(1)), 8).await.unwrap(), 2);
        assert_eq!(ports.deliveries.due(now.plus(Duration::days(1))).await.unwrap(), []);
        while ports.purges.purge(1).await.unwrap() {}
        assert_eq!(ports.deliveries.depth().await.unwrap().pending, 0);
    }

    /// Its processes deliver it. This program neither loses it nor fails for it.
    #[tokio::test]
    async fn an_event_of_a_newer_program_is_left_for_it() {
        let embedded = Embedded::fresh().await;
        let ports = embedded.ports();
        let list = active_list(&ports, json!({})).await;
        let hook = ports.webhooks.create(create_webhook(&ports, list.workspace_id, &EventKind::ALL), None).await.unwrap();
        let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
        execute(&embedded.directory, "UPDATE events SET kind = 'entry.snoozed'");
        let now = ports.clock.now();
        for minutes in 0..20 {
            let now = now.plus(Duration::minutes(minutes));
            assert_eq!(ports.deliveries.claim(request(&ports, hook.id, now, 9)).await.unwrap(), []);
            assert_eq!(ports.deliveries.depth().await.unwrap().pending, 1);
        }
        assert_eq!(ports.entries.records(list.id, ada.id).await.unwrap().events, []);
        execute(&embedded.directory, "UPDATE events SET kind = 'entry.created'");
        let claimed = ports.deliveries.claim(request(&ports, hook.id, now.plus(Duration::minutes(20)), 9)).await.unwrap();
        assert_eq!(claimed.iter().map(|claimed| claimed.attempt).collect::<Vec<_>>(), [1]);
    }

    /// Its processes send it. What they hold an address back for, this program heeds without knowing it.
    #[tokio::test]
    async fn a_mail_of_a_newer_program_is_left_for_it() {
        let embedded = Embedded::fresh().await;
        let ports = embedded.ports();
        let list = active_list(&ports, json!({})).await;
        set(&ports, list.workspace_id, notifications()).await;
        let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
        ports.suppressions.suppress(suppress(&ports, list.workspace_id, "bob@example.com", SuppressionReason::Bounced)).await.unwrap();
        let now = ports.clock.now();
        let claim = async |minutes| {
            let now = now.plus(Duration::minutes(minutes));
            let shares = vec![(list.workspace_id, 9)];
            let request = ClaimRequest { claim: ClaimId::new(ports.ids.uuid()), now, lease_until: now, shares };
            ports.mails.claim(request, None).await.unwrap()
        };
        for (minutes, newer) in (0..).zip(["kind = 'digest'", "kind = 'welcome', via = 'pigeon'"]) {
            execute(&embedded.directory, &format!("UPDATE mails SET {newer}"));
            assert_eq!(claim(minutes).await, []);
            assert_eq!(ports.mails.depth().await.unwrap().pending, 1);
        }
        execute(&embedded.directory, "UPDATE mails SET kind = 'digest'");
        assert_eq!(ports.entries.records(list.id, ada.id).await.unwrap().mails, []);
        execute(&embedded.directory, "UPDATE mails SET kind = 'welcome', via = 'envoi'");
        assert_eq!(claim(2).await.iter().map(|claimed| claimed.attempt).collect::<Vec<_>>(), [1]);
        ports.entries.sign_up(sign_up(&ports, &list, "bob@example.com")).await.unwrap();
        execute(&embedded.directory, "PRAGMA ignore_check_constraints = 1; UPDATE suppressions SET reason = 'complained'");
        assert_eq!(claim(3).await, []);
    }

    /// Its processes carry it out.
    #[tokio::test]
    async fn a_purge_of_a_newer_program_is_left_for_it() {
        let embedded = Embedded::fresh().await;
        let ports = embedded.ports();
        let list = active_list(&ports, json!({})).await;
        let note = "INSERT INTO purges (kind, target) VALUES ('archive', randomblob(16)), ('zeal', randomblob(16))";
        execute(&embedded.directory, &format!("PRAGMA ignore_check_constraints = 1; {note}"));
        assert!(ports.waitlists.delete(delete_waitlist(&ports, list.workspace_id, list.id)).await.unwrap());
        while ports.purges.purge(9).await.unwrap() {}
        assert_eq!(ports.purges.backlog().await.unwrap(), 2);
    }
}

mod log {
    use rally_contracts::confirmations::{confirming_list, refusal, request, waiting};
    use rally_contracts::samples::{active_list, erase_entry, sign_up};
    use serde_json::json;

    use super::*;

    /// Whether a file of the store has a text.
    fn is_in_files(directory: &TempDir, text: &str) -> bool {
        let mut files = std::fs::read_dir(directory.path()).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
        files.any(|file| file.windows(text.len()).any(|part| part == text.as_bytes()))
    }

    /// A purge ends when the write-ahead log is empty, however long something reads the database, and also after a restart.
    #[tokio::test]
    async fn an_erasure_ends_with_an_empty_log() {
        let embedded = Embedded::fresh().await;
        let ports = embedded.ports();
        let list = active_list(&ports, json!({})).await;
        let ada = ports.entries.sign_up(sign_up(&ports, &list, "ada@example.com")).await.unwrap();
        let mut reader = SqliteConnection::establish(embedded.directory.path().join("rally.db").to_str().unwrap()).unwrap();
        reader.batch_execute("BEGIN; SELECT count(*) FROM entries").unwrap();
        assert!(ports.entries.erase(erase_entry(&ports, list.id, ada.id)).await.unwrap());
        while ports.purges.purge(100).await.unwrap() {}
        assert_eq!((ports.purges.backlog().await.unwrap(), is_in_files(&embedded.directory, "ada@example.com")), (1, true));

        let ports = embedded.reopen().await;
        assert!(!ports.purges.purge(100).await.unwrap());
        assert_eq!(ports.purges.backlog().await.unwrap(), 1);
        reader.batch_execute("COMMIT").unwrap();
        assert!(!ports.purges.purge(100).await.unwrap());
        assert_eq!((ports.purges.backlog().await.unwrap(), is_in_files(&embedded.directory, "ada@example.com")), (0, false));
    }

    #[tokio::test]
    async fn a_refusal_ends_with_an_empty_log() {
        let embedded = Embedded::fresh().await;
        let ports = embedded.ports();
        let list = confirming_list(&ports, json!({})).await;
        ports.confirmations.request_mail(request(&ports, &list, "eve@example.com")).await.unwrap();
        let request = waiting(&ports, &list).await.remove(0);
        assert!(is_in_files(&embedded.directory, "eve@example.com"));
        ports.confirmations.refuse(refusal(&ports, request.id)).await.unwrap();
        assert!(!ports.purges.purge(100).await.unwrap());
        assert_eq!((ports.purges.backlog().await.unwrap(), is_in_files(&embedded.directory, "eve@example.com")), (0, false));
    }
}

mod migrations {
    use super::*;

    #[tokio::test]
    async fn every_migration_goes_down_and_up_again() {
        let directory = TempDir::new().unwrap();
        let store = SqliteStore::open(&directory.path().join("rally.db")).unwrap();
        let applied = store.migrate().await.unwrap();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite");
        let mut steps: Vec<_> = std::fs::read_dir(folder).unwrap().map(|step| step.unwrap().path()).collect();
        steps.sort();
        assert_eq!(steps.len(), applied.len());
        for step in steps.iter().rev() {
            execute(&directory, &std::fs::read_to_string(step.join("down.sql")).unwrap());
        }
        execute(&directory, "DELETE FROM __diesel_schema_migrations");
        // If a table were left behind, its migration would fail here.
        assert_eq!(store.migrate().await.unwrap(), applied);
    }

    #[tokio::test]
    async fn another_version_is_not_served() {
        let directory = TempDir::new().unwrap();
        let store = SqliteStore::open(&directory.path().join("rally.db")).unwrap();
        let cause = |fault: rally_domain::error::Fault| std::error::Error::source(&fault).unwrap().to_string();
        assert!(cause(store.check_version().await.unwrap_err()).contains("rally migrate"));
        store.migrate().await.unwrap();
        store.check_version().await.unwrap();
        execute(&directory, "INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')");
        for refused in [store.check_version().await.map(|()| Vec::new()), store.migrate().await] {
            assert!(cause(refused.unwrap_err()).contains("99990101000000"));
        }
    }

    #[tokio::test]
    async fn a_second_run_applies_nothing() {
        let store = SqliteStore::in_memory().unwrap();
        assert!(!store.migrate().await.unwrap().is_empty());
        assert!(store.migrate().await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_puts_wrong_counters_right() {
    let database = Embedded::fresh().await;
    rally_contracts::stats::a_rebuild_puts_wrong_counters_right(&database, async |sql| execute(&database.directory, sql)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_referrals_get_their_rows() {
    let database = Embedded::fresh().await;
    rally_contracts::referrals::older_referrals_get_their_rows(&database, async |sql| execute(&database.directory, sql)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_domain_that_is_no_id_is_none() {
    let database = Embedded::fresh().await;
    rally_contracts::settings::a_sender_domain_that_is_no_id_is_none(&database, async |sql| execute(&database.directory, sql)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_of_renamed_languages_are_found() {
    let database = Embedded::fresh().await;
    let migration = include_str!("../../../migrations/sqlite/2026-11-29-000138-0000_rename_old_languages/up.sql");
    let execute = async |sql: &str| execute(&database.directory, sql);
    rally_contracts::mail_templates::templates_of_renamed_languages_are_found(&database, execute, migration).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orphans_are_found_and_purged() {
    let database = Embedded::fresh().await;
    rally_contracts::purges::orphans_are_found_and_purged(&database, async |sql| execute(&database.directory, sql)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_whose_note_was_lost_is_finished() {
    let database = Embedded::fresh().await;
    rally_contracts::erasures::an_erasure_whose_note_was_lost_is_finished(&database, async |sql| execute(&database.directory, sql)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_large_is_deleted_in_a_moment_and_purged_beside_others() {
    let database = Embedded::fresh().await;
    let fill = async |list: &rally_domain::waitlist::Waitlist| {
        let (list, workspace) = (list.id.uuid().simple(), list.workspace_id.uuid().simple());
        let sql = format!(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)
            INSERT INTO entries (id, waitlist_id, workspace_id, email, name, referrer, referral_code, position, status, metadata, created_at, updated_at)
                SELECT randomblob(16), x'{list}', x'{workspace}', n || '@example.com', 'Somebody', 'r' || n, 'G' || n, n, 'pending', '{{}}', 0, 0 FROM numbers;
            INSERT INTO events (id, workspace_id, waitlist_id, entry_id, kind, body, occurred_at)
                SELECT randomblob(16), workspace_id, waitlist_id, id, 'entry.created', '{{}}', 0 FROM entries;
            INSERT INTO deliveries (event_id, webhook_id, state, due_at, generation) SELECT e.id, w.id, 'pending', 0, 0 FROM events e, webhooks w;
            INSERT INTO waitlist_sources SELECT waitlist_id, referrer, 1 FROM entries"
        );
        execute(&database.directory, &sql);
    };
    rally_contracts::purges::what_is_large_is_deleted_in_a_moment_and_purged_beside_others(&database, fill).await;
}
