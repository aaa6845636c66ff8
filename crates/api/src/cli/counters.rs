//! `rally counters`: the stored totals of waitlists.

use clap::Subcommand;
use rally_domain::port::Rebuilt;
use serde_json::json;

use super::failure::Failure;
use super::open;
use super::output::print_json;
use crate::boot::config::Config;

#[derive(Subcommand)]
pub(super) enum CountersCommand {
    /// Count the entries of every waitlist again, and correct the totals that are wrong
    Rebuild,
}

pub(super) async fn rebuild(config: &Config) -> Result<(), Failure> {
    let Rebuilt { waitlists, corrected } = open(config, config.migrate.by_command()).await?.ports.stats.rebuild().await?;
    print_json(&json!({ "waitlists": waitlists, "corrected": corrected }))
}
