//! The end-to-end, crash and architecture suites, one module per resource, one binary for all.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod architecture;
mod auth;
mod crash;
mod entries;
mod http;
mod openapi;
mod operations;
mod public;
mod waitlists;
