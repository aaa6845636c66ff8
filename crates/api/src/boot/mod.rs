//! From the command line to a server that answers: settings, secrets, the store, remote services, background work.

pub mod config;
pub mod first_start;
pub mod secrets;
pub mod server;
pub mod store;
pub mod system;
pub mod telemetry;
pub mod upstreams;
pub mod workers;
