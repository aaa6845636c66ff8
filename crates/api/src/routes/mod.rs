//! The routes, one module per resource. The list of them is [`crate::http::route_table`].

pub(crate) mod analytics;
pub(crate) mod entries;
pub(crate) mod export;
pub(crate) mod operations;
mod pages;
pub(crate) mod public;
mod schema;
pub(crate) mod settings;
pub(crate) mod variants;
pub(crate) mod waitlists;
pub(crate) mod webhooks;

pub use pages::{PAGES, configure_pages};
