//! Rally's HTTP surface and command line. It parses a request, calls one function of the domain, and presents the result. It holds
//! no rule.
//!
//! Start reading in [`boot::server`] (how a server is assembled), [`routes`] (the replies), [`http::middleware`] (what happens to
//! every request) or [`cli`] (the commands).

pub mod app;
pub mod auth;
pub mod boot;
pub mod cache;
pub mod chain;
pub mod cli;
pub mod duration;
pub mod encryption;
pub mod exports;
pub mod feed_watch;
pub mod fingerprint;
pub mod http;
pub mod idempotency;
pub mod imports;
pub mod relay;
pub mod routes;
pub mod store_secret;
pub mod trouble;
pub mod webhook_secret;
pub mod worker;
