//! Load generators for Rally, and the baselines. The scripts behind `just bench` run them.

mod bare;
mod latency;
mod mail;
mod receiver;
mod sqlite;
mod webhooks;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

/// The result of a measurement.
type Outcome<T> = Result<T, Box<dyn Error>>;

/// Load generators for Rally, and the baselines
#[derive(Parser)]
enum Command {
    /// Measures deliveries to webhooks
    Webhooks(webhooks::Arguments),
    /// Measures the latency of single requests to two lists
    Latency(latency::Arguments),
    /// Serves fixed bytes with the bare framework
    Bare {
        /// Address to listen on
        #[arg(long)]
        bind: String,
        /// File with the bytes
        #[arg(long)]
        body: PathBuf,
    },
    /// Receives deliveries and answers 200 at once
    Receive {
        /// Address to listen on
        #[arg(long)]
        bind: String,
    },
    /// Takes mail and keeps none
    Mail {
        /// Address to listen on
        #[arg(long)]
        bind: String,
    },
    /// Signs people up on SQLite with one transaction each, and prints the sign-ups per second
    SqliteNaive {
        /// Folder for the database
        #[arg(long)]
        folder: PathBuf,
        /// Number of callers at once
        #[arg(long, default_value_t = 32)]
        callers: usize,
        /// Duration in seconds
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the measurements")]
async fn main() -> Outcome<()> {
    match Command::parse() {
        Command::Webhooks(arguments) => webhooks::run(arguments).await,
        Command::Latency(arguments) => latency::run(arguments).await,
        Command::Bare { bind, body } => Ok(bare::serve(&bind, std::fs::read(body)?).await?),
        Command::Receive { bind } => Ok(receiver::receive(&bind).await?),
        Command::Mail { bind } => Ok(mail::take(&bind).await?),
        Command::SqliteNaive { folder, callers, seconds } => {
            let time = Duration::from_secs(seconds);
            let rate = tokio::task::spawn_blocking(move || sqlite::naive(&folder, callers, time)).await?;
            println!("{rate:.0}");
            Ok(())
        }
    }
}
