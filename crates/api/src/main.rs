//! The binary `rally`. All its code is in the library, so that tests start the same code as people do.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    rally_api::cli::run().await
}
