//! Opening the store that the settings name.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::sync::Arc;

use rally_domain::error::Fault;
use rally_domain::ports::{Clock, Ids, Ports};
use rally_postgres::{PgOptions, PgStore};
use rally_sqlite::SqliteStore;
use secrecy::ExposeSecret;

use crate::config::{Config, ConfigError, Migrate, StoreConfig};
use crate::error::chain;
use crate::secrets::create_data_dir;

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
            let failed = |fault: Fault| ConfigError::new("DATABASE_URL", chain(&fault));
            let store = PgStore::new(url.expose_secret(), &PgOptions::default()).map_err(failed)?;
            let applied = match migrate {
                Migrate::AtStart => store.migrate().await.map_err(failed)?,
                Migrate::Never => store.check_version().await.map(|()| Vec::new()).map_err(failed)?,
            };
            Ok(Opened { ports: Ports::of_store(Arc::new(store), clock, ids), applied })
        }
        StoreConfig::Embedded => {
            create_data_dir(&config.data_dir)?;
            let path = config.data_dir.join(DATABASE_FILE);
            let failed = |fault: Fault| ConfigError::new("RALLY_DATA_DIR", format!("{}: {}", path.display(), chain(&fault)));
            let store = SqliteStore::open(&path).map_err(failed)?;
            let applied = match migrate {
                Migrate::AtStart => store.migrate().await.map_err(failed)?,
                Migrate::Never => store.check_version().await.map(|()| Vec::new()).map_err(failed)?,
            };
            Ok(Opened { ports: Ports::of_store(Arc::new(store), clock, ids), applied })
        }
    }
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
