//! The kind of store, and whether migrations are applied.

use std::ops::RangeInclusive;

use secrecy::SecretString;

use super::ConfigError;

/// The most connections of a process, unless they are set, and the bounds of that.
const CONNECTIONS: usize = 16;
const CONNECTIONS_WITHIN: RangeInclusive<usize> = 2..=1000;

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
    /// They are applied to a store that has none yet. Any other must have all of them.
    IfNew,
    /// They are not. Only `rally migrate` applies them.
    Never,
}

impl Migrate {
    /// What a command does that is not there to migrate, if this is what a server does.
    pub const fn by_command(self) -> Self {
        match self {
            Self::AtStart | Self::IfNew => Self::IfNew,
            Self::Never => Self::Never,
        }
    }
}

/// Parses the URL of a database, which may contain a password.
pub(super) fn parse_database_url(url: String) -> Result<SecretString, ConfigError> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        Ok(SecretString::from(url))
    } else {
        Err(ConfigError::new("DATABASE_URL", "must start with postgres:// or postgresql://"))
    }
}

/// Parses the most connections of this process to PostgreSQL.
pub(super) fn parse_database_connections(text: Option<String>) -> Result<usize, ConfigError> {
    let Some(text) = text else { return Ok(CONNECTIONS) };
    let number = text.trim().parse().ok().filter(|number| CONNECTIONS_WITHIN.contains(number));
    number.ok_or_else(|| ConfigError::new("RALLY_DATABASE_CONNECTIONS", format!("{text:?} is no number from 2 to 1000, such as 16")))
}
