//! Caches for frequent reads: results of stores ([`ports`]) and rendered replies ([`responses`]).

use std::time::Duration;

mod generations;
pub mod ports;
mod ranks;
pub mod responses;

pub use generations::Changes;
pub use ports::cached;

/// How long a cached value may hide a change of another process.
pub const MOMENT: Duration = Duration::from_secs(1);
