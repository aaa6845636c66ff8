//! Sending deliveries over HTTP: signed as in Standard Webhooks 1.0, and only to addresses that are public or exempt.
//!
//! What is not here: when to send, retries, and the meaning of an attempt. See `rally_domain::delivery`.

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
