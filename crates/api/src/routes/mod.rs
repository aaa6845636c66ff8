//! The handlers, by surface. [`crate::http::route_table`] has the list of all routes.

pub(crate) mod admin;
pub(crate) mod console;
pub(crate) mod event_schema;
pub(crate) mod operations;
pub(crate) mod pages;
pub(crate) mod public;
mod schema;
pub(crate) mod visitor;
