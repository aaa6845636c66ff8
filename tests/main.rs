//! The end-to-end, crash and architecture suites: one module per resource, in one binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod addresses;
mod analytics;
mod api_keys;
mod architecture;
mod audit;
mod auth;
mod browser;
mod cache;
mod captcha;
mod confirmations;
mod console;
mod crash;
mod entries;
mod erasure;
mod events;
mod export;
mod http;
mod idempotency;
mod imports;
mod invites;
mod limits;
mod mail;
mod mail_templates;
mod mails;
mod me;
mod oidc;
mod openapi;
mod operate;
mod operations;
mod page_settings;
mod pages;
mod permissions;
mod proof_of_work;
mod proxies;
mod public;
mod referrals;
mod replays;
mod search;
mod settings;
mod smtp;
mod suppressions;
mod variants;
mod waitlists;
mod webhooks;
