//! The binary `rally`. All its code is in the library, so that tests start the same code as people do.

use std::process::ExitCode;

fn main() -> ExitCode {
    rally_api::cli::run()
}
