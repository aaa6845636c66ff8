//! Rally's ports on SQLite, compiled in: the embedded default, for one server process.
//!
//! Nothing here decides. Each write loads the facts of a command, asks the domain, and writes the plan. There is one writer
//! connection. Each transaction is one synchronous closure that runs in one blocking hop under `BEGIN IMMEDIATE`, so a caller
//! that goes away cannot leave it half done. Readers have connections of their own and never wait for the writer (WAL). Every
//! commit is on disk before it is answered (`synchronous=FULL`).

mod api_keys;
mod attempts;
mod audit;
mod condition;
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
mod imports;
mod ledger_fill;
mod lists;
mod mail_budget;
mod mail_templates;
mod mailboxes;
mod mails;
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
mod tombstones;
mod variants;
mod waitlists;
mod webhooks;
mod workspaces;

use std::convert::Infallible;
use std::fs::OpenOptions;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool, PooledConnection};
use diesel::result::Error as QueryError;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use rally_domain::command::{RequestMail, SignUp};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::WaitlistId;
use rally_domain::port::{Connections, StoreHealth};
use rally_group_commit::GroupCommit;
use tempfile::NamedTempFile;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use crate::fault::{Abort, query_fault};
use crate::purges::LogEmptied;
use crate::search_statement::CountRow;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// How long a connection waits for another process that holds the write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
const READERS: u32 = 8;

/// `cache_size` is 16384 KiB, for the pages of the indexes that sign-ups write to in random places. After `wal_autocheckpoint`
/// pages in the log, a commit moves them into the database. A longer log saves writes of pages that change again. `secure_delete`
/// overwrites what is deleted with zeros: an erased person must not stay in free pages.
const WRITER: &str = "PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000; PRAGMA secure_delete = ON";

/// Rally's ports on one SQLite database.
#[derive(Clone)]
pub struct SqliteStore {
    database: Database,
    sign_ups: GroupCommit<WaitlistId, SignUp, sign_up::Outcome>,
    requests: GroupCommit<WaitlistId, RequestMail, confirmations::Outcome>,
    log_emptied: LogEmptied,
}

/// The connections of a store.
#[derive(Clone)]
pub(crate) struct Database {
    writer: Arc<Mutex<SqliteConnection>>,
    /// `None` in memory, where no second connection sees the same database.
    readers: Option<Pool<ConnectionManager<SqliteConnection>>>,
    /// A place for each reader. Without them, reads that wait for a connection would keep the threads that others need.
    reading: Arc<Semaphore>,
    /// The file, for connections outside the pool. `None` in memory.
    file: Option<String>,
}

impl SqliteStore {
    /// Opens a store in a file, and creates the file if it does not exist, readable by its owner alone. Groups of sign-ups are written on
    /// the tokio runtime that calls this.
    ///
    /// # Errors
    /// If the file cannot be opened or is not a database.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let url = path.to_str().ok_or_else(|| Fault::unexpected("the path of the database is not valid UTF-8"))?;
        create_file(path).map_err(Fault::unavailable)?;
        let mut writer = connect(url)?;
        writer.batch_execute(WRITER).map_err(query_fault)?;
        let manager = ConnectionManager::new(url);
        let pool = Pool::builder().max_size(READERS).min_idle(Some(1)).connection_customizer(Box::new(Configure)).build(manager);
        Ok(Self::over(Database {
            writer: Arc::new(Mutex::new(writer)),
            readers: Some(pool.map_err(Fault::unavailable)?),
            reading: Arc::new(Semaphore::new(READERS as usize)),
            file: Some(url.to_owned()),
        }))
    }

    /// Makes a store that lives as long as its last clone, for tests.
    ///
    /// # Errors
    /// If SQLite cannot be set up.
    pub fn in_memory() -> Result<Self, Fault> {
        Ok(Self::over(Database {
            writer: Arc::new(Mutex::new(connect(":memory:")?)),
            readers: None,
            reading: Arc::new(Semaphore::new(1)),
            file: None,
        }))
    }

    fn over(database: Database) -> Self {
        let writer = database.clone();
        let write = Box::new(move |commands, hold| Box::pin(sign_up::run(writer.clone(), commands, hold)) as _);
        let sign_ups = GroupCommit::new(sign_up::RULES, Handle::current(), write);
        let writer = database.clone();
        let write = Box::new(move |commands, _| Box::pin(confirmations::run(writer.clone(), commands)) as _);
        let requests = GroupCommit::new(confirmations::RULES, Handle::current(), write);
        Self { database, sign_ups, requests, log_emptied: LogEmptied::default() }
    }

    /// Applies the missing migrations and returns their versions.
    ///
    /// # Errors
    /// If a migration fails, or the database has a migration that this program does not know.
    pub async fn migrate(&self) -> Result<Vec<String>, Fault> {
        Ok(self.database.write::<_, Infallible>(|c| Ok(run_migrations(c)?)).await?)
    }

    /// Reverts the latest migration and returns its version.
    ///
    /// # Errors
    /// If there is no migration, or it cannot be reverted.
    pub async fn revert(&self) -> Result<String, Fault> {
        let reverted = self.database.in_writer(|c| c.revert_last_migration(MIGRATIONS).map(|version| version.to_string()));
        reverted.await?.map_err(Fault::unexpected)
    }

    /// Copies the whole database, as of one moment, into a new file. Writes may continue.
    ///
    /// # Errors
    /// If the file exists or cannot be created.
    pub async fn backup(&self, file: &Path) -> Result<(), Fault> {
        let readers = self.database.readers.clone().ok_or_else(|| Fault::unexpected("a store in memory has no copy"))?;
        let file = file.to_owned();
        let copy = tokio::task::spawn_blocking(move || {
            if file.try_exists().map_err(Fault::unexpected)? {
                return Err(Fault::unexpected("the file exists already"));
            }
            // Nobody else can read the file. It gets its name when it is complete. SQLite treats an empty file as a missing one.
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let part = NamedTempFile::with_prefix_in("rally-backup-", folder).map_err(Fault::unexpected)?;
            let path = part.path().to_str().ok_or_else(|| Fault::unexpected("the path of the copy is not valid UTF-8"))?.to_owned();
            // SQLite does not allow this in a transaction.
            let mut c = reader(&readers)?;
            let find = "SELECT count(*) AS number FROM sqlite_schema WHERE name = 'workspaces'";
            let found: CountRow = diesel::sql_query(find).get_result(&mut c).map_err(query_fault)?;
            if found.number == 0 {
                return Err(Fault::unexpected("the database has nothing of Rally: is it the one that the server uses?"));
            }
            diesel::sql_query("VACUUM INTO ?1").bind::<diesel::sql_types::Text, _>(path).execute(&mut c).map_err(query_fault)?;
            part.as_file().sync_all().map_err(Fault::unexpected)?;
            part.persist_noclobber(&file).map(|_| ()).map_err(Fault::unexpected)
        });
        copy.await.map_err(Fault::unexpected)?
    }

    /// Checks that the database has exactly the migrations that this program knows.
    ///
    /// # Errors
    /// If it has more or fewer.
    pub async fn check_version(&self) -> Result<(), Fault> {
        let (known, applied) = self.database.in_writer(versions).await??;
        match known.iter().find(|version| !applied.contains(version)) {
            Some(missing) => Err(Fault::unexpected(format!("the database lacks migration {missing}: run `rally migrate`"))),
            None => Ok(()),
        }
    }

    /// Ends all claims on work. Only the one server of the database may do so, before it begins: whoever had the claims is gone.
    ///
    /// # Errors
    /// If the database cannot be written.
    pub async fn end_claims(&self) -> Result<(), Fault> {
        let ended = self.database.write::<_, Infallible>(|c| {
            for (table, is_claimed) in [
                ("deliveries", "state = 'running'"),
                ("mails", "state = 'running'"),
                ("entry_jobs", "claim IS NOT NULL"),
                ("imports", "claim IS NOT NULL"),
            ] {
                diesel::sql_query(format!("UPDATE {table} SET lease_until = 0 WHERE {is_claimed} AND lease_until > 0")).execute(c)?;
            }
            Ok(())
        });
        Ok(ended.await?)
    }

    /// Whether the database has no migration yet.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn is_new(&self) -> Result<bool, Fault> {
        let (_, applied) = self.database.in_writer(versions).await??;
        Ok(applied.is_empty())
    }
}

impl Database {
    /// Runs a closure on the writer connection, in one blocking hop. Once it has started, it runs to its end. Another program that holds
    /// the database holds up whoever has the connection for [`BUSY_TIMEOUT`], and nobody waits for that connection longer.
    async fn in_writer<T: Send + 'static>(&self, work: impl FnOnce(&mut SqliteConnection) -> T + Send + 'static) -> Result<T, Fault> {
        let mut writer = timeout(BUSY_TIMEOUT, self.writer.clone().lock_owned()).await.map_err(Fault::unavailable)?;
        tokio::task::spawn_blocking(move || work(&mut writer)).await.map_err(Fault::unexpected)
    }

    /// Runs a closure as one write transaction.
    async fn write<T, R>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, Abort<R>> + Send + 'static,
    ) -> Result<T, CommandError<R>>
    where
        T: Send + 'static,
        R: std::error::Error + Send + 'static,
    {
        Ok(self.in_writer(|c| transaction(work, |work| c.immediate_transaction(work))).await??)
    }

    /// Runs a closure over one snapshot of the database.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let Some(readers) = self.readers.clone() else { return self.in_writer(|c| snapshot(c, work)).await? };
        let place = timeout(BUSY_TIMEOUT, self.reading.clone().acquire_owned()).await.map_err(Fault::unavailable)?;
        let place = place.map_err(Fault::unexpected)?;
        let read = tokio::task::spawn_blocking(move || {
            // The place is free when the read has ended, although nobody waits for it any more.
            let _place = place;
            reader(&readers).and_then(|mut c| snapshot(&mut c, work))
        });
        read.await.map_err(Fault::unexpected)?
    }

    /// Runs a closure over one snapshot, on a connection of its own: long work takes no connection from the pool.
    async fn read_apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        match self.file.clone() {
            None => self.read(work).await,
            Some(file) => tokio::task::spawn_blocking(move || connect(&file).and_then(|mut c| snapshot(&mut c, work)))
                .await
                .map_err(Fault::unexpected)?,
        }
    }
}

/// Runs a closure over one snapshot of the database.
fn snapshot<T>(c: &mut SqliteConnection, work: impl FnOnce(&mut SqliteConnection) -> Result<T, Fault>) -> Result<T, Fault> {
    let work = |c: &mut SqliteConnection| work(c).map_err(Abort::<Infallible>::from);
    transaction(work, |work| c.transaction(work)).map_err(|abort| Fault::from(CommandError::from(abort)))
}

/// Why a transaction ended early.
enum Ended {
    /// Its work failed.
    Work,
    /// SQLite failed to begin, commit or roll it back.
    Query(QueryError),
}

impl From<QueryError> for Ended {
    fn from(error: QueryError) -> Self {
        Self::Query(error)
    }
}

/// Runs a transaction. If its work fails, that failure is returned, whatever became of the rollback: SQLite has rolled back by itself if it
/// could not write, and then refuses to do it once more.
fn transaction<'c, T, R>(
    work: impl FnOnce(&mut SqliteConnection) -> Result<T, Abort<R>> + 'c,
    run: impl FnOnce(Box<dyn FnOnce(&mut SqliteConnection) -> Result<T, Ended> + '_>) -> Result<T, Ended>,
) -> Result<T, Abort<R>> {
    let mut failure = None;
    let noted = &mut failure;
    let outcome = run(Box::new(move |c| {
        unbroken(|| work(c)).map_err(|abort| {
            *noted = Some(abort);
            Ended::Work
        })
    }));
    match (outcome, failure) {
        (_, Some(abort)) => Err(abort),
        (Ok(done), None) => Ok(done),
        (Err(Ended::Query(error)), None) => Err(error.into()),
        (Err(Ended::Work), None) => Err(Fault::unexpected("a transaction ended without a cause").into()),
    }
}

/// Turns a panic into a fault, so that its transaction is rolled back and others can use the connection.
fn unbroken<T, R>(work: impl FnOnce() -> Result<T, Abort<R>>) -> Result<T, Abort<R>> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Fault::unexpected("a transaction panicked").into()))
}

fn reader(readers: &Pool<ConnectionManager<SqliteConnection>>) -> Result<PooledConnection<ConnectionManager<SqliteConnection>>, Fault> {
    readers.get_timeout(BUSY_TIMEOUT).map_err(Fault::unavailable)
}

/// Creates the file of a database, if there is none, so that only its owner can read it. SQLite gives its other files the same mode.
///
/// A file that is there is never opened. A process loses its locks on a file when it closes any descriptor of it (fcntl(2)), and this
/// process may have the database open. Then another program would take itself for the last one that uses it, and delete its log.
fn create_file(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn connect(url: &str) -> Result<SqliteConnection, Fault> {
    let mut connection = SqliteConnection::establish(url).map_err(Fault::unavailable)?;
    configure(&mut connection).map_err(query_fault)?;
    Ok(connection)
}

fn configure(connection: &mut SqliteConnection) -> QueryResult<()> {
    // The time-out comes first, because the change to WAL takes a lock itself. What SQLite would put into temporary files stays in memory:
    // on a read-only file system it could make none, and would break transactions off.
    connection.batch_execute(&format!(
        "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
         PRAGMA temp_store = MEMORY;",
        BUSY_TIMEOUT.as_millis()
    ))
}

#[derive(Debug)]
struct Configure;

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Configure {
    fn on_acquire(&self, connection: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        configure(connection).map_err(diesel::r2d2::Error::QueryError)
    }
}

fn run_migrations(c: &mut SqliteConnection) -> Result<Vec<String>, Fault> {
    versions(c)?;
    let run = c.run_pending_migrations(MIGRATIONS).map_err(Fault::unexpected)?;
    Ok(run.iter().map(ToString::to_string).collect())
}

/// The migrations that this program knows, and those that the database has. The second must be a subset of the first.
fn versions(c: &mut SqliteConnection) -> Result<(Vec<String>, Vec<String>), Fault> {
    let known = MigrationSource::<Sqlite>::migrations(&MIGRATIONS).map_err(Fault::unexpected)?;
    let known: Vec<String> = known.iter().map(|migration| migration.name().version().to_string()).collect();
    let applied = c.applied_migrations().map_err(Fault::unexpected)?;
    let applied: Vec<String> = applied.iter().map(ToString::to_string).collect();
    match applied.iter().find(|version| !known.contains(version)) {
        Some(newer) => Err(Fault::unexpected(format!("the database has migration {newer}, which this program does not know"))),
        None => Ok((known, applied)),
    }
}

#[async_trait]
impl StoreHealth for SqliteStore {
    async fn ping(&self) -> Result<(), Fault> {
        self.database.read(|c| diesel::sql_query("SELECT 1").execute(c).map(|_| ()).map_err(query_fault)).await
    }

    fn connections(&self) -> Connections {
        match &self.database.readers {
            None => Connections { in_use: 0, most: 1 },
            Some(readers) => {
                let state = readers.state();
                Connections { in_use: (state.connections - state.idle_connections) as usize, most: READERS as usize }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_undoes_its_transaction_and_leaves_the_connection_to_others() {
        let store = SqliteStore::in_memory().unwrap();
        let database = &store.database;
        let make = "CREATE TABLE made (id INTEGER)";
        let broken = database.write::<(), Infallible>(move |c| {
            c.batch_execute(make)?;
            unreachable!("what no test of ours has found")
        });
        assert!(matches!(broken.await, Err(CommandError::Fault(Fault::Unexpected(_)))));
        let broken = database.read::<()>(|_| unreachable!("neither this"));
        assert!(matches!(broken.await, Err(Fault::Unexpected(_))));
        // This creates the table again, so the first one was rolled back.
        database.write::<(), Infallible>(move |c| Ok(c.batch_execute(make)?)).await.unwrap();
    }

    /// SQLite rolls a transaction back by itself if it could not write, and then refuses to do it again.
    #[tokio::test]
    async fn the_failure_of_a_transaction_outlives_its_rollback() {
        let store = SqliteStore::in_memory().unwrap();
        let ended = |c: &mut SqliteConnection| c.batch_execute("ROLLBACK");
        let broken = store.database.write::<(), Infallible>(move |c| {
            ended(c)?;
            Err(Fault::unavailable("the disk is full").into())
        });
        assert!(matches!(broken.await, Err(CommandError::Fault(Fault::Unavailable(_)))));
        let broken = store.database.read::<()>(move |c| {
            ended(c).map_err(query_fault)?;
            Err(Fault::unavailable("the disk is full"))
        });
        assert!(matches!(broken.await, Err(Fault::Unavailable(_))));
        store.database.write::<(), Infallible>(|c| Ok(c.batch_execute("CREATE TABLE made (id INTEGER)")?)).await.unwrap();
    }

    /// A server on a read-only file system can make no temporary files.
    #[tokio::test]
    async fn no_connection_makes_temporary_files() {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = diesel::sql_types::Integer)]
            temp_store: i32,
        }
        let in_memory = |c: &mut SqliteConnection| {
            diesel::sql_query("PRAGMA temp_store").get_result(c).map(|row: Row| row.temp_store == 2).map_err(query_fault)
        };
        let folder = tempfile::tempdir().unwrap();
        let database = SqliteStore::open(&folder.path().join("rally.db")).unwrap().database;
        assert!(database.in_writer(in_memory).await.unwrap().unwrap());
        assert!(database.read(in_memory).await.unwrap());
        assert!(database.read_apart(in_memory).await.unwrap());
    }

    #[tokio::test]
    async fn a_full_disk_passes() {
        let store = SqliteStore::in_memory().unwrap();
        let fill = "PRAGMA max_page_count = 20; CREATE TABLE filled AS SELECT zeroblob(1000000) AS zeros";
        let full = store.database.in_writer(|c| c.batch_execute(fill).map_err(query_fault)).await.unwrap();
        assert!(matches!(full, Err(Fault::Unavailable(_))), "{full:?}");
    }
}
