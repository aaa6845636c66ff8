//! The time and chance as traits. No rule reads either by itself.

use uuid::Uuid;

use crate::timestamp::Timestamp;

/// The time.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Clock: Send + Sync {
    /// Returns the current instant.
    fn now(&self) -> Timestamp;
}

/// Chance: new UUIDs and random bits.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Ids: Send + Sync {
    /// Returns a new UUID of version 7. A UUID made later sorts later, to the millisecond.
    fn uuid(&self) -> Uuid;

    /// Returns 64 bits that nobody can guess.
    ///
    /// - Outside tests they MUST come from a cryptographically secure source. Not checked: a test cannot tell random bits from others.
    fn entropy(&self) -> u64;
}
