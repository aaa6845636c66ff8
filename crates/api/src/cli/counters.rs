//! `rally counters`: the totals that are kept of every waitlist.

use clap::Subcommand;
use rally_domain::port::Rebuilt;
use serde_json::json;

use super::failure::Failure;
use super::open;
use super::output::print_json;
use crate::boot::config::Config;

#[derive(Subcommand)]
pub(super) enum CountersCommand {
    /// Count the entries of every waitlist anew, and put right what is wrong
    Rebuild,
}

pub(super) async fn rebuild(config: &Config) -> Result<(), Failure> {
    let Rebuilt { waitlists, corrected } = open(config, config.migrate).await?.ports.stats.rebuild().await?;
    print_json(&json!({ "waitlists": waitlists, "corrected": corrected }))
}
