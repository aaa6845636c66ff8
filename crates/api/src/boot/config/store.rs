//! Where everything is kept, and whether migrations are applied.

use secrecy::SecretString;

use super::ConfigError;

/// Where everything is kept.
#[derive(Clone)]
pub enum StoreConfig {
    /// SQLite in the data directory.
    Embedded,
    /// PostgreSQL; the URL may hold a password.
    Postgres(SecretString),
}

/// Whether pending migrations are applied when a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrate {
    /// They are.
    AtStart,
    /// Somebody runs `rally migrate`.
    Never,
}

/// The URL of a database, which may hold a password.
pub(super) fn parse_database_url(url: String) -> Result<SecretString, ConfigError> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        Ok(SecretString::from(url))
    } else {
        Err(ConfigError::new("DATABASE_URL", "must start with postgres:// or postgresql://"))
    }
}
