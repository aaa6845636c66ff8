//! What handlers take of a request beside its body: parsed and checked, so that they begin with values that cannot be wrong.

pub mod admin;
pub mod client;
pub mod idempotency_key;
pub mod list_query;
pub mod parameters;
pub mod public_list;
