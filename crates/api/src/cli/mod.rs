//! The command line. Results go to standard output, so that scripts can use them. Everything else goes to standard error.

mod backup;
mod bench;
mod console;
mod counters;
mod export;
mod failure;
mod healthcheck;
mod import;
mod key;
mod mail;
mod migrate;
mod openapi;
mod output;
mod restore;
mod secrets;
mod seed;
mod serve;
mod store_copy;
mod token;
mod workspace;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::available_parallelism;

use clap::{Parser, Subcommand};
use rally_domain::error::Fault;
use rally_domain::port::Ports;
use tokio::runtime::Builder;

use self::bench::BenchCommand;
use self::console::ConsoleCommand;
use self::counters::CountersCommand;
use self::export::ExportArguments;
use self::failure::Failure;
use self::import::ImportArguments;
use self::key::KeyCommand;
use self::mail::MailCommand;
use self::restore::RestoreArguments;
use self::secrets::SecretsCommand;
use self::store_copy::StoreCommand;
use self::token::TokenCommand;
use self::workspace::WorkspaceCommand;
use crate::auth::Authenticator;
use crate::boot::config::{Config, Migrate, Settings, without_effect};
use crate::boot::secrets::Secrets;
use crate::boot::store::{self, Opened};
use crate::boot::system::{SystemClock, SystemIds};
use crate::boot::telemetry;

/// A self-hosted waitlist service
#[derive(Parser)]
#[command(name = "rally", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server: the API, the relay and the workers (the default command)
    Serve,
    /// Apply pending migrations, or revert the latest one
    Migrate {
        /// Revert the latest migration, to go back to the previous version of Rally
        #[arg(long)]
        revert: bool,
    },
    /// Check whether the server on RALLY_BIND is ready, and exit with 1 if it is not
    Healthcheck,
    /// Copy the embedded store into one file. The server may keep running
    Backup {
        /// The file to create. It must not exist
        file: PathBuf,
    },
    /// Manage workspaces
    Workspace {
        #[command(subcommand)]
        command: WorkspaceCommand,
    },
    /// Create admin tokens
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Manage API keys, which work until they are revoked
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Sign in to the console
    Console {
        #[command(subcommand)]
        command: ConsoleCommand,
    },
    /// Try the mail server
    Mail {
        #[command(subcommand)]
        command: MailCommand,
    },
    /// Import people from a file into a list. The import goes on if this is interrupted
    Import(ImportArguments),
    /// Write everything of a list to standard output, one JSON object a line
    Export(ExportArguments),
    /// Check whether a list can be restored from an export
    Restore(RestoreArguments),
    /// Encrypt stored secrets again after a change of the key
    Secrets {
        #[command(subcommand)]
        command: SecretsCommand,
    },
    /// Check and correct the stored totals of waitlists
    Counters {
        #[command(subcommand)]
        command: CountersCommand,
    },
    /// Copy all data between the embedded store and PostgreSQL
    Store {
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// Prepare data for measurements
    Bench {
        #[command(subcommand)]
        command: BenchCommand,
    },
    /// Print the OpenAPI document
    Openapi,
}

impl Command {
    /// Whether the command makes sense only with a store that is there.
    const fn needs_a_store(&self) -> bool {
        match self {
            Self::Workspace { command } => !command.creates(),
            Self::Migrate { revert } => *revert,
            Self::Token { .. }
            | Self::Key { .. }
            | Self::Console { .. }
            | Self::Mail { .. }
            | Self::Import(_)
            | Self::Export(_)
            | Self::Secrets { .. }
            | Self::Counters { .. } => true,
            Self::Serve
            | Self::Healthcheck
            | Self::Backup { .. }
            | Self::Restore(_)
            | Self::Store { .. }
            | Self::Bench { .. }
            | Self::Openapi => false,
        }
    }
}

/// Runs the command that the arguments of this process name.
///
/// Requests are served on threads of actix, one for each core. Stores, relays and workers share half as many, so that a message between two
/// of them rarely has to wake another thread.
pub fn run() -> ExitCode {
    let Cli { command, settings } = Cli::parse();
    let threads = available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
    let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    match runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(dispatch(command.unwrap_or(Command::Serve), settings))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::tell(&format!("rally: {}", failure.to_string().replace('\n', " ")));
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(command: Command, settings: Settings) -> Result<(), Failure> {
    if let Command::Openapi = command {
        return openapi::print_document();
    }
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let problems = if matches!(command, Command::Serve) { without_effect(&settings, names) } else { Vec::new() };
    let mut config = Config::try_from(settings)?;
    if matches!(command, Command::Mail { .. }) {
        config.log.push_str(mail::QUIET);
    }
    telemetry::start_logging(&config)?;
    problems.iter().for_each(|problem| tracing::warn!("{problem}"));
    if command.needs_a_store() {
        store::require(&config)?;
    }
    match command {
        Command::Serve => serve::run(&config).await,
        Command::Migrate { revert: false } => migrate::run(&config).await,
        Command::Migrate { revert: true } => migrate::revert(&config).await,
        Command::Healthcheck => healthcheck::run(&config).await,
        Command::Backup { file } => backup::run(&config, &file).await,
        Command::Workspace { command } => workspace::run(&config, command).await,
        Command::Token { command } => token::run(&config, command).await,
        Command::Key { command } => key::run(&config, command).await,
        Command::Console { command } => console::run(&config, command).await,
        Command::Mail { command } => mail::run(&config, command).await,
        Command::Import(arguments) => import::run(&config, arguments).await,
        Command::Export(arguments) => export::run(&config, arguments).await,
        Command::Restore(arguments) => restore::run(&arguments),
        Command::Secrets { command: SecretsCommand::Reencrypt } => secrets::reencrypt(&config).await,
        Command::Counters { command: CountersCommand::Rebuild } => counters::rebuild(&config).await,
        Command::Store { command: StoreCommand::Copy { from, to } } => store_copy::copy(&config, &from, &to).await,
        Command::Bench { command } => bench::run(&config, command).await,
        Command::Openapi => Ok(()),
    }
}

/// Opens the store that the settings name.
async fn open(config: &Config, migrate: Migrate) -> Result<Opened, Failure> {
    Ok(store::open(config, migrate, Arc::new(SystemClock), Arc::new(SystemIds)).await?)
}

/// Opens a file that an argument names.
fn open_file(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::Refused(format!("{}: {error}", path.display())))
}

/// The authenticator that signs and verifies admin tokens with the secrets of the settings.
fn authenticator(config: &Config, secrets: &Secrets, ports: &Ports) -> Result<Authenticator, Failure> {
    Ok(Authenticator::new(secrets.jwt.clone(), config.jwks.clone(), ports.clock.clone()).map_err(Fault::unexpected)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
