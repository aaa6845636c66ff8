//! What Rally answers, by surface. The list of all routes is [`crate::http::route_table`].

pub(crate) mod admin;
pub(crate) mod operations;
pub(crate) mod public;
mod schema;
