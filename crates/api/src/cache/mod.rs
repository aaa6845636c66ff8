//! What a crowd asks for alike is kept for a moment: what stores say ([`ports`]), and replies as they are sent ([`responses`]).

use std::time::Duration;

mod generations;
pub mod ports;
pub mod responses;

pub use generations::Changes;
pub use ports::cached;

/// How long a change made by another process may go unseen.
pub const MOMENT: Duration = Duration::from_secs(1);
