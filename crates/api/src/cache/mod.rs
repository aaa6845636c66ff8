//! Caches for frequent reads: results of stores ([`ports`]), rendered replies ([`responses`]), and what a worker has at hand ([`at_hand`]).

use std::time::Duration;

pub mod at_hand;
mod generations;
pub mod ports;
mod ranks;
pub mod responses;

pub use generations::{Changes, Noted};
pub use ports::cached;

/// How long a cached value may hide a change of another process.
pub const MOMENT: Duration = Duration::from_secs(1);

/// How long each of two caches keeps a value, if one of them reads from the other.
const HALF_A_MOMENT: Duration = Duration::from_millis(500);
