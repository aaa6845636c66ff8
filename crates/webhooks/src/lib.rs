//! Events on the wire: messages signed as Standard Webhooks 1.0 says, sent to addresses that are public or exempt.
//!
//! What is not here: when to send, what to try again, and what an attempt means. See `rally_domain::delivery` for that.

mod guard;
mod names;
mod network;
mod sender;
mod sign;

pub use guard::{Exemptions, is_public};
pub use names::Names;
pub use network::parse_network;
pub use sender::HttpSender;
pub use sign::sign;
