//! What every program reads from the world around it, the time and chance, as traits: no rule reads either by itself.

use uuid::Uuid;

use crate::timestamp::Timestamp;

/// The time.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Clock: Send + Sync {
    /// The instant it is now.
    fn now(&self) -> Timestamp;
}

/// Chance: new identities and random bits.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Ids: Send + Sync {
    /// A new UUID, version 7: ids made later sort later, to the millisecond.
    fn uuid(&self) -> Uuid;

    /// 64 bits nobody can guess.
    ///
    /// - Outside tests they MUST come from a cryptographically secure source. Not checked: chance cannot be told from its look.
    fn entropy(&self) -> u64;
}
