//! The kind of store, and whether migrations are applied.

use secrecy::SecretString;

use super::ConfigError;

/// The kind of store.
#[derive(Clone)]
pub enum StoreConfig {
    /// SQLite in the data directory.
    Embedded,
    /// PostgreSQL. The URL may contain a password.
    Postgres(SecretString),
}

/// Whether pending migrations are applied when a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrate {
    /// They are applied.
    AtStart,
    /// They are not. Only `rally migrate` applies them.
    Never,
}

/// Parses the URL of a database, which may contain a password.
pub(super) fn parse_database_url(url: String) -> Result<SecretString, ConfigError> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        Ok(SecretString::from(url))
    } else {
        Err(ConfigError::new("DATABASE_URL", "must start with postgres:// or postgresql://"))
    }
}
