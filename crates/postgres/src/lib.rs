//! Rally's ports on PostgreSQL 14 and newer, for any number of processes on one database.
//!
//! Nothing here decides. Each write loads the facts of a command under a lock, asks the domain, and writes the plan. The lock on
//! the row of a list in `waitlist_totals` orders the changes of that list: every change of entries takes it first. Correctness
//! needs no advisory lock and no LISTEN/NOTIFY.

mod api_keys;
mod attempts;
mod audit;
mod confirmations;
mod convert;
mod counters;
mod deliveries;
mod entries;
mod entry_jobs;
mod events;
mod export;
mod fault;
mod feeds;
mod fit;
mod imports;
mod ledger_fill;
mod lists;
mod mail_budget;
mod mail_templates;
mod mailboxes;
mod mails;
mod owners;
#[cfg(test)]
mod plans;
mod proofs;
mod purges;
mod queue;
mod ranks;
mod referrals;
mod replays;
mod replies;
mod schema;
mod search;
mod search_statement;
mod secrets;
mod sessions;
mod settings;
mod sign_up;
mod statement;
mod stats;
mod suppressions;
mod terms;
mod tls;
mod tombstones;
mod turns;
mod variants;
mod waitlists;
mod webhooks;
mod workspaces;

use std::time::Duration;

use async_trait::async_trait;
use deadpool::managed::{Hook, HookError, QueueMode};
use diesel::migration::{Migration, MigrationSource};
use diesel::result::Error as QueryError;
use diesel::{ConnectionError, ConnectionResult, QueryableByName};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, PoolError, RecyclingMethod};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use rally_domain::command::{RequestMail, SignUp};
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::port::{Connections, StoreHealth};
use rally_domain::timestamp::Timestamp;
use rally_group_commit::GroupCommit;
use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::fault::{LOCKED_OUT, query_fault};
use crate::tls::Connector;
use crate::turns::Turns;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// A connection that was not taken for this time is checked before it is used.
const UNCHECKED: Duration = Duration::from_millis(100);
const LIVELINESS: Duration = Duration::from_secs(2);

/// A connection discards its plans when it is 1, 2 and 4 seconds old, and then each time when so many seconds have gone by. The tables
/// may have grown a thousandfold since the plans were made. A plan costs 0.1 to 0.3 ms.
const PLANS_LAST: u64 = 8;

/// How often a connection of an age has discarded its plans.
fn discards(age: Duration) -> u64 {
    match age.as_secs() {
        0 => 0,
        early @ 1..PLANS_LAST => 1 + u64::from(early.ilog2()),
        later => 3 + later / PLANS_LAST,
    }
}

/// How long a migration waits for a lock, and rests before it tries again.
const MIGRATION_LOCK: Duration = Duration::from_secs(1);
const MIGRATION_REST: Duration = Duration::from_secs(4);

/// A group of sign-ups may take this much longer than one statement. After that its connection counts as lost.
const GRACE: Duration = Duration::from_secs(5);

/// How a [`PgStore`] uses its database.
#[derive(Debug, Clone)]
pub struct PgOptions {
    /// The most connections at once.
    pub connections: usize,
    /// How long a request waits for a connection, free or new. Also how long a statement waits for a lock.
    pub wait: Duration,
    /// How long one statement may run before the server ends it.
    pub statement_timeout: Duration,
}

impl Default for PgOptions {
    fn default() -> Self {
        Self { connections: 16, wait: Duration::from_secs(5), statement_timeout: Duration::from_secs(30) }
    }
}

/// Rally's ports on one PostgreSQL database.
#[derive(Clone)]
pub struct PgStore {
    database: Database,
    most: usize,
    /// Makes connections outside the pool.
    apart: Apart,
    sign_ups: GroupCommit<WaitlistId, SignUp, sign_up::Outcome>,
    requests: GroupCommit<WaitlistId, RequestMail, confirmations::Outcome>,
}

/// The connections of a store.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Pool<AsyncPgConnection>,
    wait: Duration,
    /// How long a group of sign-ups may take.
    group_limit: Duration,
    /// The turns of commands that wait for a locked row.
    turns: Turns,
}

/// Makes separate connections for long work, which then takes none from the pool.
#[derive(Clone)]
struct Apart {
    connector: Connector,
    settings: String,
    wait: Duration,
}

impl Apart {
    async fn connection(&self) -> Result<AsyncPgConnection, Fault> {
        let established = timeout(self.wait, establish(self.connector.clone(), self.settings.clone()));
        established.await.map_err(Fault::unavailable)?.map_err(Fault::unavailable)
    }
}

impl Database {
    async fn connection(&self) -> Result<Object<AsyncPgConnection>, Fault> {
        timeout(self.wait, self.pool.get()).await.map_err(Fault::unavailable)?.map_err(Fault::unavailable)
    }
}

impl PgStore {
    /// Makes a store on the database of a URL. It connects when it is first used, see [`StoreHealth::ping`]. Its connections and
    /// groups of sign-ups live on the tokio runtime that calls this.
    ///
    /// # Errors
    /// If the URL cannot be read, or the pool cannot be made of the options.
    pub fn new(url: &str, options: &PgOptions) -> Result<Self, Fault> {
        let mut config = ManagerConfig::default();
        config.recycling_method = RecyclingMethod::Fast;
        let (connector, settings) = (Connector::new(url)?, settings(options));
        let apart = Apart { connector: connector.clone(), settings: settings.clone(), wait: options.wait };
        // The task that drives a connection must outlive the worker that first asked for it, so the store's runtime runs it.
        let home = Handle::current();
        config.custom_setup = Box::new(move |_| {
            // The set aborts its task if the waiting request goes away: nobody would use the connection.
            let mut establishing = JoinSet::new();
            establishing.spawn_on(establish(connector.clone(), settings.clone()), &home);
            Box::pin(async move {
                let bad = |error: &str| ConnectionError::BadConnection(error.to_owned());
                let established = establishing.join_next().await.ok_or_else(|| bad("nothing was begun"))?;
                established.map_err(|error| bad(&error.to_string()))?
            })
        });
        let manager = AsyncDieselConnectionManager::<AsyncPgConnection>::new_with_config(url, config);
        let pool = Pool::builder(manager)
            .max_size(options.connections)
            // The connection that was used last has its plans and tables at hand, in its process and in the caches of the processor.
            .queue_mode(QueueMode::Lifo)
            .pre_recycle(Hook::async_fn(|connection: &mut AsyncPgConnection, metrics| {
                Box::pin(make_ready(connection, metrics.age(), metrics.last_used()))
            }))
            .build()
            .map_err(Fault::unexpected)?;
        let turns = Turns::new(options.wait);
        let database = Database { pool, wait: options.wait, group_limit: options.statement_timeout + GRACE, turns };
        let writer = database.clone();
        let write = Box::new(move |commands, hold| Box::pin(sign_up::run(writer.clone(), commands, hold)) as _);
        let sign_ups = GroupCommit::new(sign_up::rules(options.wait), Handle::current(), write);
        let writer = database.clone();
        let write = Box::new(move |commands, _| Box::pin(confirmations::run(writer.clone(), commands)) as _);
        let requests = GroupCommit::new(confirmations::rules(options.wait), Handle::current(), write);
        Ok(Self { database, most: options.connections, apart, sign_ups, requests })
    }

    /// Checks that this store can work with the server: PostgreSQL 14 or newer, a database in UTF-8, and messages in the language
    /// by which this store tells errors apart. Call this before anything else.
    ///
    /// # Errors
    /// If the server does not fit, or cannot be reached.
    pub async fn check_server(&self) -> Result<(), Fault> {
        // This connection does not apply the session's settings, which an older server may not know.
        let connecting = timeout(self.apart.wait, self.apart.connector.client());
        fit::check(&connecting.await.map_err(Fault::unavailable)?.map_err(Fault::unavailable)?).await
    }

    /// Applies the missing migrations and returns their versions. Several processes may call this at once.
    ///
    /// Needs a multi-thread runtime: the migration harness blocks in place.
    ///
    /// # Errors
    /// If the database cannot be reached, a migration fails, or the database has a migration that this program does not know.
    pub async fn migrate(&self) -> Result<Vec<String>, Fault> {
        let mut harness = self.patient_harness().await?;
        check_known(&applied(&mut harness)?)?;
        let mut run = Vec::new();
        while harness.has_pending_migration(MIGRATIONS).map_err(Fault::unexpected)? {
            run.push(patiently(|| harness.run_next_migration(MIGRATIONS).map(|version| version.to_string())).await?);
        }
        Ok(run)
    }

    /// Reverts the latest migration and returns its version.
    ///
    /// # Errors
    /// If there is no migration, or it cannot be reverted.
    pub async fn revert(&self) -> Result<String, Fault> {
        let mut harness = self.patient_harness().await?;
        if applied(&mut harness)?.is_empty() {
            return Err(Fault::unexpected("the database has no migration"));
        }
        patiently(|| harness.revert_last_migration(MIGRATIONS).map(|version| version.to_string())).await
    }

    /// Opens a connection for migrations, which may take long. The connection leaves the pool for good, because its settings fit
    /// nothing else. Its end releases the advisory lock. That lock only orders processes that start together. Each migration is a
    /// transaction of its own, and waits for the locks of others only as long as those may wait who queue behind it.
    async fn patient_harness(&self) -> Result<AsyncMigrationHarness<AsyncPgConnection>, Fault> {
        let mut connection = Object::take(self.connection().await?);
        let lock = MIGRATION_LOCK.as_millis();
        let prepare =
            format!("SET statement_timeout = 0; SET lock_timeout = 0; SELECT pg_advisory_lock(7233150); SET lock_timeout = {lock}");
        connection.batch_execute(&prepare).await.map_err(query_fault)?;
        Ok(AsyncMigrationHarness::new(connection))
    }

    /// Checks that the database has exactly the migrations that this program knows.
    ///
    /// # Errors
    /// If it has more or fewer, or cannot be reached.
    pub async fn check_version(&self) -> Result<(), Fault> {
        let applied = self.versions().await?;
        check_known(&applied)?;
        match known()?.iter().find(|version| !applied.contains(version)) {
            Some(missing) => Err(Fault::unexpected(format!("the database lacks migration {missing}: run `rally migrate`"))),
            None => Ok(()),
        }
    }

    /// Whether the database has no migration yet.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub async fn is_new(&self) -> Result<bool, Fault> {
        Ok(self.versions().await?.is_empty())
    }

    /// The migrations that were applied. diesel would create their table first, which a role that only serves may not do.
    async fn versions(&self) -> Result<Vec<String>, Fault> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            version: String,
        }
        let mut connection = self.connection().await?;
        let query = diesel::sql_query("SELECT version FROM __diesel_schema_migrations");
        match query.load::<Row>(&mut connection).await {
            Ok(rows) => Ok(rows.into_iter().map(|row| row.version).collect()),
            Err(QueryError::DatabaseError(_, info)) if info.message().contains("does not exist") => Ok(Vec::new()),
            Err(error) => Err(query_fault(error)),
        }
    }

    /// The clock of the database. Processes that share it compare times that each of them has noted.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn now(&self) -> Result<Timestamp, Fault> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Timestamptz)]
            now: OffsetDateTime,
        }
        let mut connection = self.connection().await?;
        let row: Row = diesel::sql_query("SELECT clock_timestamp() AS now").get_result(&mut connection).await.map_err(query_fault)?;
        Ok(Timestamp::new(row.now))
    }

    /// Whether the connection to the server is encrypted.
    ///
    /// # Errors
    /// If the database cannot be reached.
    pub async fn is_encrypted(&self) -> Result<bool, Fault> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Bool)]
            ssl: bool,
        }
        let mut connection = self.connection().await?;
        let query = diesel::sql_query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
        query.get_result::<Row>(&mut connection).await.map(|row| row.ssl).map_err(query_fault)
    }

    async fn connection(&self) -> Result<Object<AsyncPgConnection>, Fault> {
        self.database.connection().await
    }
}

/// Opens a separate connection to a database, with TLS as its URL says. Its driver runs on the runtime that calls this.
///
/// # Errors
/// If the URL cannot be read, or the database cannot be reached.
pub async fn connect(url: &str) -> Result<tokio_postgres::Client, Fault> {
    Connector::new(url)?.client().await.map_err(Fault::unavailable)
}

/// Runs a block as one transaction on a connection of its own. Retries it after a serialization failure (SQLSTATE 40001), a
/// deadlock (40P01) or a unique violation (23505). A distributed engine reports the first regularly. This is a macro because a
/// closure that borrows both the connection and the command cannot be named as a bound.
///
/// With `turn = ID`, the commands of this process that need the same row wait for each other without a connection. If the row is
/// locked by somebody else, the first of them returns its connection and asks again a moment later: see [`turns`].
macro_rules! transaction {
    ($store:expr, |$connection:ident| $work:expr) => {
        crate::transaction!($store, "BEGIN", |$connection| $work)
    };
    ($store:expr, turn = $id:expr, |$connection:ident| $work:expr) => {{
        let mut turn = $store.database.turns.take($id).await?;
        loop {
            let outcome = crate::transaction!(@once $store, turn.begin(), |$connection| $work);
            match outcome {
                Err(abort) if abort.is_locked_out() && turn.goes_on() => turn.rest().await,
                outcome => break outcome.map_err(rally_domain::error::CommandError::from),
            }
        }
    }};
    // The statements of `$begin` are sent as one.
    ($store:expr, $begin:expr, |$connection:ident| $work:expr) => {
        crate::transaction!(@once $store, $begin, |$connection| $work).map_err(rally_domain::error::CommandError::from)
    };
    // The work sends BEGIN itself, together with its first statements.
    ($store:expr, begun by work, |$connection:ident| $work:expr) => {{
        use diesel_async::SimpleAsyncConnection;
        let begin = async |_: &mut diesel_async::AsyncPgConnection| Ok(());
        let commit = async |c: &mut diesel_async::AsyncPgConnection| c.batch_execute("COMMIT").await;
        let rollback = async |c: &mut diesel_async::AsyncPgConnection| c.batch_execute("ROLLBACK").await;
        crate::transaction!(@run $store, begin, commit, rollback, |$connection| $work).map_err(rally_domain::error::CommandError::from)
    }};
    (@once $store:expr, $begin:expr, |$connection:ident| $work:expr) => {{
        use diesel_async::{AnsiTransactionManager, TransactionManager};
        let begin = async |c: &mut diesel_async::AsyncPgConnection| AnsiTransactionManager::begin_transaction_sql(c, $begin).await;
        let commit = async |c: &mut diesel_async::AsyncPgConnection| AnsiTransactionManager::commit_transaction(c).await;
        let rollback = async |c: &mut diesel_async::AsyncPgConnection| AnsiTransactionManager::rollback_transaction(c).await;
        crate::transaction!(@run $store, begin, commit, rollback, |$connection| $work)
    }};
    (@run $store:expr, $begin:ident, $commit:ident, $rollback:ident, |$connection:ident| $work:expr) => {{
        let mut held = crate::Held::new($store.connection().await?);
        let (mut attempt, mut has_ended) = (1, true);
        let outcome = loop {
            let connection = held.connection();
            let $connection: &mut diesel_async::AsyncPgConnection = connection;
            $begin($connection).await.map_err(crate::fault::query_fault)?;
            let worked: Result<_, crate::fault::Abort<_>> = async { $work }.await;
            let outcome = match worked {
                Ok(value) => $commit(&mut *connection).await.map(|()| value).map_err(Into::into),
                Err(abort) => match $rollback(&mut *connection).await {
                    Ok(()) | Err(diesel::result::Error::BrokenTransactionManager) => Err(abort),
                    Err(error) => {
                        has_ended = false;
                        Err(error.into())
                    }
                },
            };
            match outcome {
                Err(abort) if attempt < crate::MAX_ATTEMPTS && abort.asks_to_retry() => attempt += 1,
                Err(abort) => {
                    has_ended &= !abort.is_read_only();
                    break Err(abort);
                }
                outcome => break outcome,
            }
        };
        // A connection whose transaction may go on, or to a server that takes no writes, is closed instead.
        if has_ended {
            held.finish();
        }
        outcome
    }};
}
pub(crate) use transaction;

/// The connection of a transaction. If it is dropped before the transaction has finished, it is closed. In the pool it would keep
/// its locks until somebody used it again.
pub(crate) struct Held(Option<Object<AsyncPgConnection>>);

impl Held {
    pub(crate) const fn new(connection: Object<AsyncPgConnection>) -> Self {
        Self(Some(connection))
    }

    pub(crate) fn connection(&mut self) -> &mut AsyncPgConnection {
        self.0.as_deref_mut().expect("held until it has finished")
    }

    pub(crate) fn finish(mut self) {
        self.0 = None;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.0.take().map(Object::take));
    }
}

/// How often a transaction is run before its conflict becomes a fault.
const MAX_ATTEMPTS: usize = 5;

/// The settings of a session.
///
/// Commands wait for locks, and then read the latest commit. Only this isolation allows that.
///
/// No plan may depend on statistics: they describe an earlier moment, and a plan is kept while a list grows from nothing to a million
/// entries. So every statement names the order of the index that serves it, or looks up by columns that no other index begins with. These
/// settings leave the planner no other way than that index. It may not sort, read whole tables, or join in any way other than row by row.
/// It plans a statement without its parameters.
fn settings(options: &PgOptions) -> String {
    let (statement, lock) = (options.statement_timeout.as_millis(), options.wait.as_millis());
    format!(
        "SET default_transaction_isolation = 'read committed'; SET statement_timeout = {statement}; SET lock_timeout = {lock}; \
         SET jit = off; SET plan_cache_mode = force_generic_plan; \
         SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
    )
}

/// Turns `synchronous_commit` on where the server or the role turns it off, because what was answered survives a crash. Any other value is
/// left as it is.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

async fn establish(connector: Connector, settings: String) -> ConnectionResult<AsyncPgConnection> {
    let mut connection = connector.connect().await?;
    connection.batch_execute(&format!("{settings}; {DURABLE}")).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Checks a connection before it is used, if nobody has taken it for a while: it may have ended with its server, or still be busy with the
/// query of a request that went away. From time to time the connection forgets its plans. This covers foreign keys, whose statements are
/// not ours. It also covers joins that were planned while a table had no pages, when reading all of it looks cheapest.
async fn make_ready(connection: &mut AsyncPgConnection, age: Duration, idle: Duration) -> Result<(), HookError<PoolError>> {
    let query = match discards(age) != discards(age.saturating_sub(idle)) {
        true => "DISCARD PLANS",
        false if idle >= UNCHECKED => "SELECT 1",
        false => return Ok(()),
    };
    match timeout(LIVELINESS, diesel::sql_query(query).execute(connection)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(HookError::message(error.to_string())),
        Err(_) => Err(HookError::message("the connection is silent")),
    }
}

/// The migrations that this program knows.
fn known() -> Result<Vec<String>, Fault> {
    let known = MigrationSource::<diesel::pg::Pg>::migrations(&MIGRATIONS).map_err(Fault::unexpected)?;
    Ok(known.iter().map(|migration| migration.name().version().to_string()).collect())
}

/// The migrations that a database has, the latest first. Creates the table that notes them, if there is none.
fn applied(harness: &mut impl MigrationHarness<diesel::pg::Pg>) -> Result<Vec<String>, Fault> {
    Ok(harness.applied_migrations().map_err(Fault::unexpected)?.iter().map(ToString::to_string).collect())
}

/// Checks that the migrations of a database are among those that this program knows.
fn check_known(applied: &[String]) -> Result<(), Fault> {
    let known = known()?;
    match applied.iter().find(|version| !known.contains(version)) {
        Some(newer) => Err(Fault::unexpected(format!("the database has migration {newer}, which this program does not know"))),
        None => Ok(()),
    }
}

/// Runs a migration until it gets its locks. Everybody who needs a table waits behind a migration that waits for it. So it gives way soon,
/// and rests before it tries again.
async fn patiently(mut migration: impl FnMut() -> diesel::migration::Result<String>) -> Result<String, Fault> {
    loop {
        match migration() {
            Ok(version) => return Ok(version),
            Err(error) if error.to_string().contains(LOCKED_OUT) => {
                tracing::warn!("a migration waits for a table that a dump or a long query reads; it is tried again in a few seconds");
                tokio::time::sleep(MIGRATION_REST).await;
            }
            Err(error) => return Err(Fault::unexpected(error)),
        }
    }
}

#[async_trait]
impl StoreHealth for PgStore {
    async fn ping(&self) -> Result<(), Fault> {
        let mut connection = self.connection().await?;
        let query = diesel::sql_query("SELECT 1 WHERE current_setting('transaction_read_only') = 'off'");
        match query.execute(&mut connection).await.map_err(query_fault)? {
            0 => Err(Fault::unavailable("the database takes no writes")),
            _ => Ok(()),
        }
    }

    fn connections(&self) -> Connections {
        let status = self.database.pool.status();
        Connections { in_use: status.size.saturating_sub(status.available), most: self.most }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In transaction mode a pooler mixes the connections of a process, so the role needs the settings.
    #[test]
    fn an_operator_can_give_the_settings_to_the_role() {
        let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/DEPLOY.md")).unwrap();
        let told: Vec<&str> = guide.lines().filter_map(|line| line.strip_prefix("ALTER ROLE rally IN DATABASE rally ")).collect();
        let made = settings(&PgOptions::default());
        assert_eq!(told.iter().map(|setting| setting.trim_end_matches(';')).collect::<Vec<_>>(), made.split("; ").collect::<Vec<_>>());
    }

    /// Groups of sign-ups wait for each other's locks. Under a stricter isolation the one that waited would fail.
    #[tokio::test]
    async fn an_isolation_that_the_role_has_changes_nothing() {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            transaction_isolation: String,
        }
        let url = rally_pgtest::new_database().await;
        let strict = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = serializable', current_database()); \
                      END $$";
        rally_pgtest::execute(&url, strict).await;
        let mut connection = PgStore::new(&url, &PgOptions::default()).unwrap().connection().await.unwrap();
        let row: Row = diesel::sql_query("SHOW transaction_isolation").get_result(&mut connection).await.unwrap();
        assert_eq!(row.transaction_isolation, "read committed");
    }

    #[tokio::test]
    async fn commits_are_durable_whatever_the_role_has() {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Text)]
            synchronous_commit: String,
        }
        let url = rally_pgtest::new_database().await;
        for (given, kept) in [("off", "on"), ("remote_apply", "remote_apply")] {
            let set =
                format!("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = {given}', current_database()); END $$");
            rally_pgtest::execute(&url, &set).await;
            let mut connection = PgStore::new(&url, &PgOptions::default()).unwrap().connection().await.unwrap();
            let row: Row = diesel::sql_query("SHOW synchronous_commit").get_result(&mut connection).await.unwrap();
            assert_eq!(row.synchronous_commit, kept);
        }
    }

    #[test]
    fn plans_are_discarded_soon_on_a_new_connection_and_then_at_times() {
        let ages = (0..40).filter(|age| discards(Duration::from_secs(*age)) != discards(Duration::from_secs(age + 1)));
        assert_eq!(ages.map(|age| age + 1).collect::<Vec<_>>(), [1, 2, 4, 8, 16, 24, 32, 40]);
    }
}
