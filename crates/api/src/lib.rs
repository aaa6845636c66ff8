//! Rally's HTTP surface and command line: parses, calls one function of the domain, presents. Holds no rule.
//!
//! Read [`boot::server`] for how a server is put together, [`routes`] for what it answers, [`http::middleware`] for what happens
//! to every request, [`cli`] for the commands.

pub mod app;
pub mod auth;
pub mod boot;
pub mod cache;
pub mod chain;
pub mod cli;
pub mod duration;
pub mod encryption;
pub mod exports;
pub mod fingerprint;
pub mod http;
pub mod idempotency;
pub mod relay;
pub mod routes;
pub mod webhook_secret;
