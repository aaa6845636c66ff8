//! Extractors: the parts of a request beside its body, parsed and checked, so that handlers start with valid values.

pub mod admin;
pub mod client;
pub mod encoding;
pub mod idempotency_key;
pub mod languages;
pub mod list_query;
pub mod parameters;
pub mod public_list;
pub mod requested;
pub mod visitor;
