//! `rally bench`: prepares data for measurements.

use std::time::Instant;

use clap::Subcommand;
use rally_domain::port::Ports;
use rally_domain::workspace::{Notifications, Workspace};
use serde_json::json;

use super::failure::Failure;
use super::output::print_json;
use super::workspace::parse_slug;
use super::{open, seed};
use crate::boot::config::Config;
use crate::boot::secrets::Secrets;
use crate::boot::store;

#[derive(Subcommand)]
pub(super) enum BenchCommand {
    /// Add entries to a waitlist without HTTP. Create the workspace and the list first if they do not exist. A workspace that sends mail or
    /// has an active webhook is refused
    Seed {
        /// How many entries to add
        #[arg(long)]
        entries: usize,
        /// Slug of the workspace
        #[arg(long, value_name = "SLUG", default_value = "bench")]
        workspace: String,
        /// Slug of the waitlist
        #[arg(long, value_name = "SLUG", default_value = "bench")]
        list: String,
    },
}

pub(super) async fn run(config: &Config, command: BenchCommand) -> Result<(), Failure> {
    let BenchCommand::Seed { entries, workspace, list } = command;
    let (workspace, list) = (parse_slug(&workspace)?, parse_slug(&list)?);
    let mut ports = open(config, config.migrate.by_command()).await?.ports;
    store::share_secret(config, &Secrets::load(config)?, &mut ports).await?;
    if let Some(found) = ports.workspaces.find_by_slug(&workspace).await? {
        check_quiet(&ports, &found).await?;
    }
    let started = Instant::now();
    let seeded = seed::run(&ports, &workspace, &list, entries).await?;
    print_json(&json!({
        "entries": entries,
        "seconds": started.elapsed().as_secs_f64(),
        "workspace_id": seeded.workspace.id.to_string(),
        "waitlist_id": seeded.waitlist.id.to_string(),
        "codes": seeded.codes.iter().map(ToString::to_string).collect::<Vec<_>>(),
    }))
}

/// Refuses a workspace that would tell others of the people that are added, because they do not exist.
async fn check_quiet(ports: &Ports, workspace: &Workspace) -> Result<(), Failure> {
    let (id, slug) = (workspace.id, &workspace.slug);
    if ports.settings.get(id).await?.notifications != Notifications::Off {
        return Err(Failure::Refused(format!("set notifications of the workspace {slug} to off, or the entries cause real mail")));
    }
    if ports.webhooks.list(id).await?.iter().any(|webhook| webhook.active) {
        return Err(Failure::Refused(format!("disable the webhooks of the workspace {slug}, or the entries cause real events")));
    }
    Ok(())
}
