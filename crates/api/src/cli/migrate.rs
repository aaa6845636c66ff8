//! `rally migrate`: applies pending migrations, or reverts the latest one.

use serde_json::json;

use super::failure::Failure;
use super::open;
use super::output::print_json;
use crate::boot::config::{Config, Migrate};
use crate::boot::store;

pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    let applied = open(config, Migrate::AtStart).await?.applied;
    print_json(&json!({ "applied": applied }))
}

/// Reverts the latest migration.
pub(super) async fn revert(config: &Config) -> Result<(), Failure> {
    print_json(&json!({ "reverted": store::revert(config).await? }))
}
