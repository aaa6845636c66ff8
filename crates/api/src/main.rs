//! The binary `rally`: everything is in the library, so that tests start what people run.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    rally_api::cli::run().await
}
