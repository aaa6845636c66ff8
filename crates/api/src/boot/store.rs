//! Opens the store that the settings name.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rally_domain::error::Fault;
use rally_domain::mail::Links;
use rally_domain::port::{Clock, Ids, Ports};
use rally_domain::secret::StoreSecret;
use rally_postgres::{PgOptions, PgStore};
use rally_sqlite::SqliteStore;
use secrecy::{ExposeSecret, SecretString};

use crate::boot::config::{Config, ConfigError, Migrate, StoreConfig};
use crate::boot::secrets::{Secrets, create_data_dir};
use crate::chain::chain;
use crate::store_secret::{self, SecretError};

/// The database file of the embedded store.
pub const DATABASE_FILE: &str = "rally.db";
const LOCK_FILE: &str = "rally.lock";
const STARTED_FILE: &str = "started";

/// An open store.
pub struct Opened {
    /// The ports that the store implements.
    pub ports: Ports,
    /// The migrations that were applied when it was opened.
    pub applied: Vec<String>,
    /// How far the clock of the store is ahead of this one.
    pub skew: time::Duration,
}

/// Opens the store, and applies pending migrations if `migrate` says so. Links need [`share_secret`] too.
///
/// # Errors
/// Fails if it cannot be opened, reached or migrated.
pub async fn open(config: &Config, migrate: Migrate, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Result<Opened, ConfigError> {
    match &config.store {
        StoreConfig::Postgres(url) => {
            let store = open_postgres(config, url).await?;
            let migrates = migrate == Migrate::AtStart || (migrate == Migrate::IfNew && store.is_new().await.map_err(no_database)?);
            let applied = match migrates {
                true => store.migrate().await.map_err(no_database)?,
                false => store.check_version().await.map(|()| Vec::new()).map_err(no_database)?,
            };
            let skew = store.now().await.map_err(no_database)?.instant() - clock.now().instant();
            Ok(Opened { ports: Ports::of_store(Arc::new(store), no_links(config), clock, ids), applied, skew })
        }
        StoreConfig::Embedded => {
            check_files(&config.data_dir.join(DATABASE_FILE))?;
            let store = open_embedded(config)?;
            let failed = |fault: Fault| ConfigError::new("RALLY_DATA_DIR", cause_of(&fault));
            let migrates = migrate == Migrate::AtStart || (migrate == Migrate::IfNew && store.is_new().await.map_err(failed)?);
            let applied = match migrates {
                true => store.migrate().await.map_err(failed)?,
                false => store.check_version().await.map(|()| Vec::new()).map_err(failed)?,
            };
            // The clock is this one.
            let skew = time::Duration::ZERO;
            Ok(Opened { ports: Ports::of_store(Arc::new(store), no_links(config), clock, ids), applied, skew })
        }
    }
}

/// The difference of two clocks from which on it is told. A lease leaves five seconds for it.
const SKEW: time::Duration = time::Duration::seconds(2);

/// The largest difference. A clock that is ahead by more deletes what others keep, and leaves them work that is due far in the future.
const MOST_SKEW: time::Duration = time::Duration::minutes(1);

/// Checks that the clock of this machine is that of the database, with which other processes are compared. Warns of a small difference.
///
/// # Errors
/// Fails if they differ by more than a minute.
pub fn check_clocks(skew: time::Duration) -> Result<(), ConfigError> {
    let problem = "the clock of this machine differs from that of the database";
    if skew.abs() > MOST_SKEW {
        let seconds = skew.abs().whole_seconds();
        return Err(ConfigError::new("DATABASE_URL", format!("{problem} by {seconds} seconds: set both by NTP")));
    }
    if skew.abs() > SKEW {
        tracing::warn!(seconds = skew.whole_seconds(), "{problem}: set both by NTP");
    }
    Ok(())
}

/// Gives the links of the ports the secret of the store. The first process makes the secret.
///
/// # Errors
/// Fails if the secret was encrypted with a key that this process does not have, or the store has a fault.
pub async fn share_secret(config: &Config, secrets: &Secrets, ports: &mut Ports) -> Result<(), ConfigError> {
    let secret = store_secret::load(&*ports.secrets, &secrets.store_sealer()).await.map_err(|error| match error {
        SecretError::Store(fault) => match config.store {
            StoreConfig::Postgres(_) => no_database(fault),
            StoreConfig::Embedded => ConfigError::new("RALLY_DATA_DIR", cause_of(&fault)),
        },
        SecretError::Key(fault) => ConfigError::new(
            "RALLY_ENCRYPTION_KEY",
            match secrets.take_back() {
                Some(file) => format!("the store was made with another key: put {} back", file.display()),
                None => format!("does not fit the store: {}", cause_of(&fault)),
            },
        ),
    })?;
    ports.links = ports.links.with_secret(secret);
    Ok(())
}

/// Returns links for commands that give out none: their secret is not that of the store.
fn no_links(config: &Config) -> Links {
    Links::new(&config.public_base(config.bind), StoreSecret::new(rand::random()))
}

/// Reverts the latest migration and returns its version.
///
/// # Errors
/// Fails if there is none, or it cannot be reverted.
pub async fn revert(config: &Config) -> Result<String, ConfigError> {
    match &config.store {
        StoreConfig::Postgres(url) => open_postgres(config, url).await?.revert().await.map_err(no_database),
        StoreConfig::Embedded => {
            let failed = |fault: Fault| ConfigError::new("RALLY_DATA_DIR", cause_of(&fault));
            open_embedded(config)?.revert().await.map_err(failed)
        }
    }
}

/// Copies the embedded store into a new file.
///
/// # Errors
/// Fails if the store is PostgreSQL, or the file exists or cannot be created.
pub async fn backup(config: &Config, file: &Path) -> Result<(), ConfigError> {
    if let StoreConfig::Postgres(_) = config.store {
        return Err(ConfigError::new("DATABASE_URL", "is PostgreSQL, which pg_dump backs up"));
    }
    require(config)?;
    let failed = |fault: Fault| ConfigError::new("FILE", format!("{}: {}", file.display(), cause_of(&fault)));
    open_embedded(config)?.backup(file).await.map_err(failed)
}

/// Ends the claims of earlier servers on the embedded store, whose work would stand still until their leases end. `_lock` says that no
/// other server uses the store.
///
/// # Errors
/// Fails if the store cannot be written.
pub async fn end_claims(config: &Config, _lock: &File) -> Result<(), ConfigError> {
    let failed = |fault: Fault| ConfigError::new("RALLY_DATA_DIR", cause_of(&fault));
    open_embedded(config)?.end_claims().await.map_err(failed)
}

/// Checks that the log beside a database is its own. SQLite would write another one into it, or throw it away. The file is read before this
/// process has opened it as a database: later its end would take the locks away.
///
/// # Errors
/// Fails if a log is left and its database is not there, or was put beside it.
fn check_files(database: &Path) -> Result<(), ConfigError> {
    let log = PathBuf::from(format!("{}-wal", database.display()));
    if !std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        return Ok(());
    }
    let problem = |problem: &str| Err(ConfigError::new("RALLY_DATA_DIR", format!("{}: {problem}", log.display())));
    let mut head = [0; 20];
    match File::open(database).and_then(|mut file| file.read_exact(&mut head)) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            problem("holds the latest commits of a rally.db that is not there; put it back, or move this file away")
        }
        // The versions of the file format say whether the database has ever had a log (https://www.sqlite.org/fileformat2.html, section
        // 1.3).
        Ok(()) if head[18..] == [1, 1] => problem(
            "belongs to another database than the rally.db beside it, such as a restored backup; move this file and rally.db-shm away",
        ),
        _ => Ok(()),
    }
}

/// Checks that the embedded store is there, if the settings name it: a command that changes or reads a store makes none.
///
/// # Errors
/// Fails if its directory has none.
pub fn require(config: &Config) -> Result<(), ConfigError> {
    let path = config.data_dir.join(DATABASE_FILE);
    if matches!(config.store, StoreConfig::Embedded) && !path.exists() {
        let problem = format!("{} is not there; run the command where the server runs, or name its directory", path.display());
        return Err(ConfigError::new("RALLY_DATA_DIR", problem));
    }
    Ok(())
}

/// Connects to PostgreSQL. Refuses a server that the store cannot work with before it uses it.
async fn open_postgres(config: &Config, url: &SecretString) -> Result<PgStore, ConfigError> {
    let options = PgOptions { connections: config.database_connections, ..PgOptions::default() };
    let store = PgStore::new(url.expose_secret(), &options).map_err(no_database)?;
    store.check_server().await.map_err(no_database)?;
    Ok(store)
}

fn no_database(fault: Fault) -> ConfigError {
    ConfigError::new("DATABASE_URL", cause_of(&fault))
}

/// Says why a store cannot be used. The cause alone explains what is no matter of time.
fn cause_of(fault: &Fault) -> String {
    match fault {
        Fault::Unavailable(_) => chain(fault),
        Fault::Unexpected(cause) => chain(&**cause),
    }
}

fn open_embedded(config: &Config) -> Result<SqliteStore, ConfigError> {
    create_data_dir(&config.data_dir)?;
    let path = config.data_dir.join(DATABASE_FILE);
    SqliteStore::open(&path).map_err(|fault| ConfigError::new("RALLY_DATA_DIR", format!("{}: {}", path.display(), cause_of(&fault))))
}

/// Whether no start on the data directory was completed yet. On PostgreSQL the answer is always false, because a process cannot know.
///
/// # Errors
/// Fails if the data directory cannot be read.
pub fn is_first_start(config: &Config) -> Result<bool, ConfigError> {
    if let StoreConfig::Postgres(_) = config.store {
        return Ok(false);
    }
    let path = config.data_dir.join(STARTED_FILE);
    path.try_exists().map(|exists| !exists).map_err(|error| ConfigError::new("RALLY_DATA_DIR", format!("{}: {error}", path.display())))
}

/// Notes that the first start is completed.
///
/// # Errors
/// Fails if the data directory cannot be written.
pub fn note_first_start(config: &Config) -> Result<(), ConfigError> {
    let path = config.data_dir.join(STARTED_FILE);
    File::create(&path).map(|_| ()).map_err(|error| ConfigError::new("RALLY_DATA_DIR", format!("{}: {error}", path.display())))
}

/// Makes this process the only server on the data directory while it holds the lock. PostgreSQL needs no lock.
///
/// # Errors
/// Fails if another server holds the lock, or the file cannot be opened.
pub fn lock(config: &Config) -> Result<Option<File>, ConfigError> {
    if let StoreConfig::Postgres(_) = config.store {
        return Ok(None);
    }
    create_data_dir(&config.data_dir)?;
    let path = config.data_dir.join(LOCK_FILE);
    let failed = |error: std::io::Error| ConfigError::new("RALLY_DATA_DIR", format!("{}: {error}", path.display()));
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(ConfigError::new("RALLY_DATA_DIR", "another rally server uses this directory")),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_log_of_another_database_stops_the_start() {
        let directory = tempfile::tempdir().unwrap();
        let (database, log) = (directory.path().join(DATABASE_FILE), directory.path().join("rally.db-wal"));
        let check = || check_files(&database).map_err(|error| error.to_string());
        let head = |version| [&b"SQLite format 3\0\x10\0"[..], &[version, version], &[0; 80]].concat();
        fs::write(&database, head(1)).unwrap();
        assert_eq!(check(), Ok(()), "a restored backup");
        fs::write(&log, "").unwrap();
        assert_eq!(check(), Ok(()), "an empty log has nothing");
        fs::write(&log, "frames").unwrap();
        assert!(check().unwrap_err().contains("another database"));
        fs::write(&database, head(2)).unwrap();
        assert_eq!(check(), Ok(()), "what a crash leaves");
        fs::remove_file(&database).unwrap();
        assert!(check().unwrap_err().contains("is not there"));
    }

    #[test]
    fn a_clock_that_is_far_off_stops_the_start() {
        for (seconds, starts) in [(0, true), (30, true), (-60, true), (61, false), (-777_600, false)] {
            assert_eq!(check_clocks(time::Duration::seconds(seconds)).is_ok(), starts, "{seconds}");
        }
    }
}
