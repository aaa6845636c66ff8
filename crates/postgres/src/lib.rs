//! Rally's ports on PostgreSQL 14 and newer, for any number of processes on one database.
//!
//! Nothing here decides: each write loads a command's facts under a lock, asks the domain, and writes the plan. Order among
//! the changes of one list comes from the lock on its row in `waitlist_totals`, which every change of entries takes first.
//! No advisory lock and no LISTEN/NOTIFY is needed for correctness.

mod api_keys;
mod counters;
mod deliveries;
mod entries;
mod events;
mod export;
mod fault;
mod fit;
mod lists;
mod mails;
#[cfg(test)]
mod plans;
mod purges;
mod queue;
mod replies;
mod rows;
mod schema;
mod settings;
mod sign_up;
mod statement;
mod stats;
mod tls;
mod turns;
mod variants;
mod waitlists;
mod webhooks;
mod workspaces;

use std::time::Duration;

use async_trait::async_trait;
use deadpool::managed::{Hook, HookError};
use diesel::migration::{Migration, MigrationSource};
use diesel::{ConnectionError, ConnectionResult, QueryableByName};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, PoolError, RecyclingMethod};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use rally_domain::command::SignUp;
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::port::{Connections, StoreHealth};
use rally_group_commit::GroupCommit;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::fault::query_fault;
use crate::tls::Connector;
use crate::turns::Turns;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// How long a connection may idle before it is asked whether it is still there, and how long its answer may take.
const UNCHECKED: Duration = Duration::from_millis(500);
const LIVELINESS: Duration = Duration::from_secs(2);

/// How often the plans of a connection are made anew, at most: what they were made for may have grown a thousandfold since. A plan
/// costs 0.1 to 0.3 ms, so this takes less than a hundredth of a busy connection's time.
const PLANS_LAST: Duration = Duration::from_secs(1);

/// How much longer than one statement a group of sign-ups may take, before its connection counts as lost.
const GRACE: Duration = Duration::from_secs(5);

/// How a [`PgStore`] uses its database.
#[derive(Debug, Clone)]
pub struct PgOptions {
    /// The most connections at once.
    pub connections: usize,
    /// How long a request waits for a connection, a free one or a new one, and a statement for what others have locked.
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
    /// Makes connections that are not of the pool.
    apart: Apart,
    sign_ups: GroupCommit<WaitlistId, SignUp, sign_up::Outcome>,
}

/// The connections of a store.
#[derive(Clone)]
pub(crate) struct Database {
    pool: Pool<AsyncPgConnection>,
    wait: Duration,
    /// How long a group of sign-ups may take.
    group_limit: Duration,
    /// Who waits for what others have locked.
    turns: Turns,
}

/// Makes connections of one's own, for what takes long and is to take nothing from others.
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
    /// A store on the database of that URL. Connects when first used: see [`StoreHealth::ping`]. Its connections and groups of
    /// sign-ups live on the tokio runtime that this is called on.
    ///
    /// # Errors
    /// When the pool cannot be made of the options.
    pub fn new(url: &str, options: &PgOptions) -> Result<Self, Fault> {
        let mut config = ManagerConfig::default();
        config.recycling_method = RecyclingMethod::Fast;
        let (connector, settings) = (Connector::new(url)?, settings(options));
        let apart = Apart { connector: connector.clone(), settings: settings.clone(), wait: options.wait };
        // The task that drives a connection lives as long as the store, not as whichever worker asked for it first.
        let home = Handle::current();
        config.custom_setup = Box::new(move |_| {
            // Ends with whoever waits for it: nobody would have its connection.
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
            .pre_recycle(Hook::async_fn(|connection: &mut AsyncPgConnection, metrics| {
                Box::pin(make_ready(connection, metrics.age(), metrics.last_used()))
            }))
            .build()
            .map_err(Fault::unexpected)?;
        let turns = Turns::new(options.wait);
        let database = Database { pool, wait: options.wait, group_limit: options.statement_timeout + GRACE, turns };
        let writer = database.clone();
        let write = Box::new(move |commands, alone| Box::pin(sign_up::run(writer.clone(), commands, alone)) as _);
        let sign_ups = GroupCommit::new(sign_up::rules(options.wait), Handle::current(), write);
        Ok(Self { database, most: options.connections, apart, sign_ups })
    }

    /// Whether the server is one that this store can work with: PostgreSQL 14 or newer, a database in UTF-8, and messages in the
    /// language in which this store tells errors apart. To be asked before anything else is.
    ///
    /// # Errors
    /// When it is not, or cannot be reached.
    pub async fn check_server(&self) -> Result<(), Fault> {
        // Without the settings of a session, which an older server may not know.
        let connecting = timeout(self.apart.wait, self.apart.connector.client());
        fit::check(&connecting.await.map_err(Fault::unavailable)?.map_err(Fault::unavailable)?).await
    }

    /// Applies the migrations that are missing and gives their versions. Safe to run from several processes at once.
    ///
    /// Needs a multi-thread runtime: the migration harness blocks in place.
    ///
    /// # Errors
    /// When the database cannot be reached, a migration fails, or the database is of a newer version than this program.
    pub async fn migrate(&self) -> Result<Vec<String>, Fault> {
        run_migrations(&mut self.patient_harness().await?)
    }

    /// Undoes the latest migration and gives its version.
    ///
    /// # Errors
    /// When there is none, or it cannot be undone.
    pub async fn revert(&self) -> Result<String, Fault> {
        let reverted = self.patient_harness().await?.revert_last_migration(MIGRATIONS).map_err(Fault::unexpected)?;
        Ok(reverted.to_string())
    }

    /// What migrations run on, which may take long. Its connection is taken from the pool for good: the settings are for this, and
    /// its end gives the lock back. That only orders processes that start together; each migration is a transaction of its own.
    async fn patient_harness(&self) -> Result<AsyncMigrationHarness<AsyncPgConnection>, Fault> {
        let mut connection = Object::take(self.connection().await?);
        let prepare = "SET statement_timeout = 0; SET lock_timeout = 0; SELECT pg_advisory_lock(7233150)";
        connection.batch_execute(prepare).await.map_err(query_fault)?;
        Ok(AsyncMigrationHarness::new(connection))
    }

    /// Whether the database has exactly the migrations that this program knows.
    ///
    /// # Errors
    /// When it has more or fewer, or cannot be reached.
    pub async fn check_version(&self) -> Result<(), Fault> {
        let mut harness = AsyncMigrationHarness::new(self.connection().await?);
        let (known, applied) = versions(&mut harness)?;
        match known.iter().find(|version| !applied.contains(version)) {
            Some(missing) => Err(Fault::unexpected(format!("the database lacks migration {missing}: run `rally migrate`"))),
            None => Ok(()),
        }
    }

    /// Whether what is said to the server is secret on its way.
    ///
    /// # Errors
    /// When the database cannot be reached.
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

/// A connection of one's own to a database, with TLS as its URL says; its driver runs on the runtime that this is called on.
///
/// # Errors
/// When the URL cannot be read, or the database cannot be reached.
pub async fn connect(url: &str) -> Result<tokio_postgres::Client, Fault> {
    Connector::new(url)?.client().await.map_err(Fault::unavailable)
}

/// Runs a block as one transaction on a connection of its own, again where the server asks for it (SQLSTATE 40001 and
/// 40P01), which a distributed engine does as a matter of course. A macro, since a closure that borrows both the
/// connection and the command cannot be named as a bound.
///
/// With `turn = ID`, those who would wait for the same row wait here for each other, without a connection. The first of them
/// gives its connection back while somebody else has the row locked, and asks again a moment later: see [`turns`].
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
    // The statements that begin it are sent as one.
    ($store:expr, $begin:expr, |$connection:ident| $work:expr) => {
        crate::transaction!(@once $store, $begin, |$connection| $work).map_err(rally_domain::error::CommandError::from)
    };
    (@once $store:expr, $begin:expr, |$connection:ident| $work:expr) => {{
        use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};
        let mut held = crate::Held::new($store.connection().await?);
        let mut attempt = 1;
        let outcome = loop {
            let connection = held.connection();
            let $connection: &mut AsyncPgConnection = connection;
            AnsiTransactionManager::begin_transaction_sql($connection, $begin).await.map_err(crate::fault::query_fault)?;
            let worked: Result<_, crate::fault::Abort<_>> = async { $work }.await;
            let outcome = match worked {
                Ok(value) => AnsiTransactionManager::commit_transaction(&mut *connection).await.map(|()| value).map_err(Into::into),
                Err(abort) => match AnsiTransactionManager::rollback_transaction(&mut *connection).await {
                    Ok(()) | Err(diesel::result::Error::BrokenTransactionManager) => Err(abort),
                    Err(error) => Err(error.into()),
                },
            };
            match outcome {
                Err(abort) if attempt < crate::MAX_ATTEMPTS && abort.asks_to_retry() => attempt += 1,
                outcome => break outcome,
            }
        };
        held.finish();
        outcome
    }};
}
pub(crate) use transaction;

/// The connection of a transaction. Dropped before it has finished, it does not go back to the pool, where its transaction would
/// keep what it has locked until somebody takes it up again: it is closed.
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

/// How often a transaction is run before its conflict is given up as a fault.
const MAX_ATTEMPTS: usize = 5;

/// What a session is set to. Statistics are always those of another moment, and a plan is kept while a list grows from nothing to a
/// million entries. So no plan depends on statistics: every statement names the order of the index that serves it, or looks up by
/// columns that one index alone begins with, and the planner has no other way than to follow that index. It may neither sort nor
/// read whole tables, nor join them otherwise than row by row, and it plans a statement without looking at its parameters.
fn settings(options: &PgOptions) -> String {
    let (statement, lock) = (options.statement_timeout.as_millis(), options.wait.as_millis());
    format!(
        "SET statement_timeout = {statement}; SET lock_timeout = {lock}; SET jit = off; SET plan_cache_mode = force_generic_plan; \
         SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
    )
}

async fn establish(connector: Connector, settings: String) -> ConnectionResult<AsyncPgConnection> {
    let mut connection = connector.connect().await?;
    connection.batch_execute(&settings).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// A connection that was not used for a moment may have gone away with its server: it is asked before it is used. Once a second it
/// forgets its plans: those of its foreign keys, which no statement of ours can direct, and those of joins that were made while a table
/// had not one page, when reading all of it looked cheapest.
async fn make_ready(connection: &mut AsyncPgConnection, age: Duration, idle: Duration) -> Result<(), HookError<PoolError>> {
    let period = |age: Duration| age.as_secs() / PLANS_LAST.as_secs();
    let query = match period(age) != period(age.saturating_sub(idle)) {
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

fn run_migrations(harness: &mut impl MigrationHarness<diesel::pg::Pg>) -> Result<Vec<String>, Fault> {
    versions(harness)?;
    let run = harness.run_pending_migrations(MIGRATIONS).map_err(Fault::unexpected)?;
    Ok(run.iter().map(ToString::to_string).collect())
}

/// The migrations that this program knows, and those that the database has, which must be among them.
fn versions(harness: &mut impl MigrationHarness<diesel::pg::Pg>) -> Result<(Vec<String>, Vec<String>), Fault> {
    let known = MigrationSource::<diesel::pg::Pg>::migrations(&MIGRATIONS).map_err(Fault::unexpected)?;
    let known: Vec<String> = known.iter().map(|migration| migration.name().version().to_string()).collect();
    let applied = harness.applied_migrations().map_err(Fault::unexpected)?;
    let applied: Vec<String> = applied.iter().map(ToString::to_string).collect();
    match applied.iter().find(|version| !known.contains(version)) {
        Some(newer) => Err(Fault::unexpected(format!("the database has migration {newer}, which this program does not know"))),
        None => Ok((known, applied)),
    }
}

#[async_trait]
impl StoreHealth for PgStore {
    async fn ping(&self) -> Result<(), Fault> {
        let mut connection = self.connection().await?;
        diesel::sql_query("SELECT 1").execute(&mut connection).await.map(|_| ()).map_err(query_fault)
    }

    fn connections(&self) -> Connections {
        let status = self.database.pool.status();
        Connections { in_use: status.size.saturating_sub(status.available), most: self.most }
    }
}
