//! Rally's HTTP surface and command line: parses, calls one function of the domain, presents. Holds no rule.
//!
//! Read [`boot::server`] for how a server is put together, [`routes`] for what it answers, [`edge`] for what happens to every
//! request, [`cli`] for the commands.

pub mod app;
pub mod auth;
pub mod body;
pub mod boot;
pub mod cache;
pub mod cli;
pub mod client;
pub mod cursor;
pub mod edge;
pub mod encryption;
pub mod error;
pub mod exports;
pub mod field;
pub mod fingerprint;
pub mod idempotency;
pub mod limits;
pub mod openapi;
pub mod relay;
pub mod rendered;
pub mod routes;
pub mod seed;
pub mod webhook_secret;
