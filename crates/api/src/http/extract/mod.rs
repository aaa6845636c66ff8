//! What handlers take of a request beside its body: parsed and checked, so that they begin with values that cannot be wrong.

pub mod client;
pub mod list_query;
pub mod public_list;
