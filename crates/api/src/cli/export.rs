//! `rally export`: writes everything of a list to standard output.

use std::io::{self, BufWriter};

use clap::Args;

use super::failure::Failure;
use super::import::find_list;
use super::open;
use crate::boot::config::Config;
use crate::imports::write_export;

#[derive(Args)]
pub(super) struct ExportArguments {
    /// Slug of the workspace
    #[arg(long, value_name = "SLUG")]
    workspace: String,
    /// Slug of the list
    #[arg(long, value_name = "SLUG")]
    list: String,
}

pub(super) async fn run(config: &Config, arguments: ExportArguments) -> Result<(), Failure> {
    let ports = open(config, config.migrate.by_command()).await?.ports;
    let waitlist = find_list(&ports, &arguments.workspace, &arguments.list).await?;
    let lines = ports.waitlists.export(waitlist.id).await?;
    Ok(write_export(lines, BufWriter::new(io::stdout().lock())).await?)
}
