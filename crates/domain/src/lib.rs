//! The rules of a waitlist service: waitlists, entries, referrals, variants and the events they cause.
//!
//! Everything here is a value, a pure decision over values, a port (a trait some adapter implements) or a use case that
//! calls ports in order. Nothing here reads a clock, draws a random number, opens a socket or knows a database: time and
//! chance come in through [`ports::Clock`] and [`ports::Ids`], and what must be atomic is said by a command whose
//! `decide` an adapter runs inside one transaction of its own.
//!
//! A service that wants the rules alone depends on this crate and implements the ports it needs; the crate
//! `rally-contracts` holds the executable promises of every port.

pub mod access;
mod ambient;
pub mod analytics;
mod character;
pub mod command;
pub mod custom_field;
pub mod delivery;
pub mod document;
pub mod email;
pub mod entry;
pub mod error;
pub mod event;
pub mod id;
pub mod invite;
pub mod locale;
pub mod mail;
pub mod paging;
pub mod ports;
pub mod referral;
pub mod settings;
pub mod slug;
pub mod tally;
pub mod text;
pub mod timestamp;
pub mod use_case;
pub mod variant;
pub mod waitlist;
pub mod webhook;
pub mod workspace;

/// Crates whose types stand in this one's interface, in the versions it is built with.
pub use {serde_json, time, url, uuid};
