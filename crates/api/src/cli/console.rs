//! `rally console`: lets a person into the console.

use clap::Subcommand;
use rally_domain::actor::Actor;

use super::failure::Failure;
use super::open;
use super::output::print;
use super::workspace::find_workspace;
use crate::auth::create_sign_in_link;
use crate::boot::config::Config;

#[derive(Subcommand)]
pub(super) enum ConsoleCommand {
    /// Print a link that signs in to the console. It works once, within 15 minutes
    Login {
        /// Slug of the only workspace that the session may open. By default it may open all
        #[arg(long, value_name = "SLUG")]
        workspace: Option<String>,
    },
}

pub(super) async fn run(config: &Config, command: ConsoleCommand) -> Result<(), Failure> {
    let ConsoleCommand::Login { workspace } = command;
    let ports = open(config, config.migrate.by_command()).await?.ports;
    let workspace = match workspace {
        Some(slug) => Some(find_workspace(&ports, &slug).await?.id),
        None => None,
    };
    let token = create_sign_in_link(&ports, workspace, Actor::CommandLine).await?;
    print(&sign_in_link(&config.public_base(config.bind), &token))
}

/// Returns the address of the page that a link leads to.
pub(super) fn sign_in_link(base: &str, token: &str) -> String {
    format!("{base}/console/sign-in/link/{token}")
}
