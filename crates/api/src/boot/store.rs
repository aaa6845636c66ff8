//! Opening the store that the settings name.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use rally_domain::error::Fault;
use rally_domain::port::{Clock, Ids, Ports};
use rally_postgres::{PgOptions, PgStore};
use rally_sqlite::SqliteStore;
use secrecy::{ExposeSecret, SecretString};

use crate::boot::config::{Config, ConfigError, Migrate, StoreConfig};
use crate::boot::secrets::create_data_dir;
use crate::chain::chain;

/// The database file of the embedded store.
pub const DATABASE_FILE: &str = "rally.db";
const LOCK_FILE: &str = "rally.lock";
const STARTED_FILE: &str = "started";

/// A store, opened.
pub struct Opened {
    /// The store behind the ports.
    pub ports: Ports,
    /// Migrations that were applied just now.
    pub applied: Vec<String>,
}

/// Opens the store, and applies the migrations that are missing where `migrate` says so.
///
/// # Errors
/// When it cannot be opened, reached or migrated.
pub async fn open(config: &Config, migrate: Migrate, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Result<Opened, ConfigError> {
    match &config.store {
        StoreConfig::Postgres(url) => {
            let store = open_postgres(url).await?;
            let applied = match migrate {
                Migrate::AtStart => store.migrate().await.map_err(no_database)?,
                Migrate::Never => store.check_version().await.map(|()| Vec::new()).map_err(no_database)?,
            };
            Ok(Opened { ports: Ports::of_store(Arc::new(store), config.links(config.bind), clock, ids), applied })
        }
        StoreConfig::Embedded => {
            let store = open_embedded(config)?;
            let failed = |fault: Fault| ConfigError::new("RALLY_DATA_DIR", chain(&fault));
            let applied = match migrate {
                Migrate::AtStart => store.migrate().await.map_err(failed)?,
                Migrate::Never => store.check_version().await.map(|()| Vec::new()).map_err(failed)?,
            };
            Ok(Opened { ports: Ports::of_store(Arc::new(store), config.links(config.bind), clock, ids), applied })
        }
    }
}

/// Undoes the latest migration and gives its version.
///
/// # Errors
/// When there is none, or it cannot be undone.
pub async fn revert(config: &Config) -> Result<String, ConfigError> {
    match &config.store {
        StoreConfig::Postgres(url) => open_postgres(url).await?.revert().await.map_err(no_database),
        StoreConfig::Embedded => {
            let failed = |fault: Fault| ConfigError::new("RALLY_DATA_DIR", chain(&fault));
            open_embedded(config)?.revert().await.map_err(failed)
        }
    }
}

/// Copies the embedded store into a file that is not there yet.
///
/// # Errors
/// When the store is PostgreSQL, or the file cannot be made.
pub async fn backup(config: &Config, file: &Path) -> Result<(), ConfigError> {
    if let StoreConfig::Postgres(_) = config.store {
        return Err(ConfigError::new("DATABASE_URL", "is PostgreSQL, which pg_dump backs up"));
    }
    let path = config.data_dir.join(DATABASE_FILE);
    if !path.exists() {
        return Err(ConfigError::new("RALLY_DATA_DIR", format!("{} is not there", path.display())));
    }
    let failed = |fault: Fault| ConfigError::new("RALLY_DATA_DIR", format!("{}: {}", file.display(), chain(&fault)));
    open_embedded(config)?.backup(file).await.map_err(failed)
}

/// A database that does not fit is refused before anything is asked of it.
async fn open_postgres(url: &SecretString) -> Result<PgStore, ConfigError> {
    let store = PgStore::new(url.expose_secret(), &PgOptions::default()).map_err(no_database)?;
    store.check_server().await.map_err(no_database)?;
    Ok(store)
}

fn no_database(fault: Fault) -> ConfigError {
    let said = match fault {
        Fault::Unavailable(_) => chain(&fault),
        // What does not fit was expected, and says all that there is to say.
        Fault::Unexpected(cause) => chain(&*cause),
    };
    ConfigError::new("DATABASE_URL", said)
}

fn open_embedded(config: &Config) -> Result<SqliteStore, ConfigError> {
    create_data_dir(&config.data_dir)?;
    let path = config.data_dir.join(DATABASE_FILE);
    SqliteStore::open(&path).map_err(|fault| ConfigError::new("RALLY_DATA_DIR", format!("{}: {}", path.display(), chain(&fault))))
}

/// Whether no server has run on the data directory before; from now on one has. On PostgreSQL nobody can tell.
///
/// # Errors
/// When the directory cannot be written.
pub fn first_start(config: &Config) -> Result<bool, ConfigError> {
    if let StoreConfig::Postgres(_) = config.store {
        return Ok(false);
    }
    let path = config.data_dir.join(STARTED_FILE);
    match File::create_new(&path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(ConfigError::new("RALLY_DATA_DIR", format!("{}: {error}", path.display()))),
    }
}

/// Makes this process the only server on the data directory, for as long as the lock is held. PostgreSQL takes many.
///
/// # Errors
/// When another server has it.
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
