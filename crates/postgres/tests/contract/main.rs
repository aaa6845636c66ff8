//! PostgreSQL keeps the promises of the ports.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fit;
mod late_commits;
mod pooler;
mod tls;
mod trouble;

use std::sync::Arc;

use async_trait::async_trait;
use rally_contracts::Fixture;
use rally_contracts::doubles::{CountingIds, FrozenClock};
use rally_contracts::samples;
use rally_domain::port::Ports;
use rally_domain::waitlist::Waitlist;
use rally_postgres::{PgOptions, PgStore};

struct Database {
    url: String,
    ports: Ports,
}

async fn open(url: &str) -> Ports {
    let store = PgStore::new(url, &PgOptions::default()).unwrap();
    store.migrate().await.unwrap();
    Ports::of_store(Arc::new(store), samples::links(), Arc::new(FrozenClock::at("2026-01-31T09:00:00Z")), Arc::new(CountingIds::default()))
}

/// Creates a database with the schema of Rally, and returns its URL.
async fn fresh_database() -> String {
    rally_pgtest::migrated_database(|url| async move { drop(open(&url).await) }).await
}

#[async_trait]
impl Fixture for Database {
    async fn fresh() -> Self {
        let url = fresh_database().await;
        let ports = open(&url).await;
        Self { url, ports }
    }

    fn ports(&self) -> Ports {
        self.ports.clone()
    }

    async fn reopen(&self) -> Ports {
        open(&self.url).await
    }

    async fn miscount(&self, waitlist: &Waitlist) -> bool {
        let list = waitlist.id;
        let totals = format!("UPDATE waitlist_totals SET referred = referred + 5 WHERE waitlist_id = '{list}'");
        rally_pgtest::execute(&self.url, &totals).await;
        let counts = format!("UPDATE entries SET referral_count = referral_count + 3 WHERE waitlist_id = '{list}' AND referral_count > 0");
        rally_pgtest::execute(&self.url, &counts).await;
        true
    }
}

rally_contracts::store_contract!(Database);

mod migrations {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn several_processes_migrate_at_once() {
        let url = rally_pgtest::new_database().await;
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let store = PgStore::new(&url, &PgOptions::default()).unwrap();
                tokio::spawn(async move { store.migrate().await.unwrap().len() })
            })
            .collect();
        let mut applied = Vec::new();
        for task in tasks {
            applied.push(task.await.unwrap());
        }
        applied.sort_unstable();
        assert_eq!(applied[..3], [0, 0, 0]);
        assert!(applied[3] > 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_migration_goes_down_and_up_again() {
        let url = rally_pgtest::new_database().await;
        let store = PgStore::new(&url, &PgOptions::default()).unwrap();
        let applied = store.migrate().await.unwrap();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/postgres");
        let mut steps: Vec<_> = std::fs::read_dir(folder).unwrap().map(|step| step.unwrap().path()).collect();
        steps.sort();
        assert_eq!(steps.len(), applied.len());
        for step in steps.iter().rev() {
            rally_pgtest::execute(&url, &std::fs::read_to_string(step.join("down.sql")).unwrap()).await;
        }
        // Only the record of the applied migrations may remain. The assertion fails if another table is left.
        let nothing_left = "DELETE FROM __diesel_schema_migrations; \
            DO $$ BEGIN ASSERT (SELECT count(*) FROM pg_tables WHERE schemaname = 'public') = 1; END $$";
        rally_pgtest::execute(&url, nothing_left).await;
        assert_eq!(store.migrate().await.unwrap(), applied);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn another_version_is_not_served() {
        let url = rally_pgtest::new_database().await;
        let store = PgStore::new(&url, &PgOptions::default()).unwrap();
        let cause = |fault: rally_domain::error::Fault| std::error::Error::source(&fault).unwrap().to_string();
        assert!(cause(store.check_version().await.unwrap_err()).contains("rally migrate"));
        store.migrate().await.unwrap();
        store.check_version().await.unwrap();
        rally_pgtest::execute(&url, "INSERT INTO __diesel_schema_migrations VALUES ('99990101000000', now())").await;
        for refused in [store.check_version().await.map(|()| Vec::new()), store.migrate().await] {
            assert!(cause(refused.unwrap_err()).contains("99990101000000"));
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_database_that_is_not_there_is_unavailable() {
        let store = PgStore::new("postgres://rally@127.0.0.1:1/none", &PgOptions::default()).unwrap();
        assert!(matches!(store.migrate().await, Err(rally_domain::error::Fault::Unavailable(_))));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_puts_wrong_counters_right() {
    let database = Database::fresh().await;
    rally_contracts::stats::a_rebuild_puts_wrong_counters_right(&database, async |sql| rally_pgtest::execute(&database.url, sql).await)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_referrals_get_their_rows() {
    let database = Database::fresh().await;
    let execute = async |sql: &str| rally_pgtest::execute(&database.url, sql).await;
    rally_contracts::referrals::older_referrals_get_their_rows(&database, execute).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_domain_that_is_no_id_is_none() {
    let database = Database::fresh().await;
    let execute = async |sql: &str| rally_pgtest::execute(&database.url, sql).await;
    rally_contracts::settings::a_sender_domain_that_is_no_id_is_none(&database, execute).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_of_renamed_languages_are_found() {
    let database = Database::fresh().await;
    let migration = include_str!("../../../../migrations/postgres/2026-11-29-000138-0000_rename_old_languages/up.sql");
    let execute = async |sql: &str| rally_pgtest::execute(&database.url, sql).await;
    rally_contracts::mail_templates::templates_of_renamed_languages_are_found(&database, execute, migration).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orphans_are_found_and_purged() {
    let database = Database::fresh().await;
    rally_contracts::purges::orphans_are_found_and_purged(&database, async |sql| rally_pgtest::execute(&database.url, sql).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_whose_note_was_lost_is_finished() {
    let database = Database::fresh().await;
    let execute = async |sql: &str| rally_pgtest::execute(&database.url, sql).await;
    rally_contracts::erasures::an_erasure_whose_note_was_lost_is_finished(&database, execute).await;
}

/// The statement timeout ends every statement that takes more than 1 s.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_large_is_deleted_in_a_moment_and_purged_beside_others() {
    let url = fresh_database().await;
    let options = PgOptions { statement_timeout: std::time::Duration::from_secs(1), ..PgOptions::default() };
    let store = PgStore::new(&url, &options).unwrap();
    store.migrate().await.unwrap();
    let ports = Ports::of_store(
        Arc::new(store),
        samples::links(),
        Arc::new(FrozenClock::at("2026-01-31T09:00:00Z")),
        Arc::new(CountingIds::default()),
    );
    let database = Database { url, ports };
    let fill = async |list: &rally_domain::waitlist::Waitlist| {
        let sql = format!(
            "INSERT INTO entries (id, waitlist_id, workspace_id, email, name, referrer, referral_code, position, status, metadata, created_at, updated_at)
                SELECT gen_random_uuid(), '{list}', '{workspace}', n || '@example.com', 'Somebody', 'r' || n, 'G' || n, n, 'pending', '{{}}', now(), now()
                FROM generate_series(1, 60000) n;
            INSERT INTO events (id, workspace_id, waitlist_id, entry_id, kind, body, occurred_at)
                SELECT gen_random_uuid(), workspace_id, waitlist_id, id, 'entry.created', '{{}}', now() FROM entries, generate_series(1, 2);
            INSERT INTO deliveries (event_id, webhook_id, state, due_at, generation)
                SELECT e.id, w.id, 'pending', now(), 0 FROM events e, webhooks w;
            INSERT INTO waitlist_sources SELECT waitlist_id, referrer, 1 FROM entries",
            list = list.id,
            workspace = list.workspace_id
        );
        rally_pgtest::execute(&database.url, &sql).await;
    };
    rally_contracts::purges::what_is_large_is_deleted_in_a_moment_and_purged_beside_others(&database, fill).await;
}
