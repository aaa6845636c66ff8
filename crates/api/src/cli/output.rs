//! Prints results to standard output.

use std::io::Write;

use serde_json::Value;

use super::failure::Failure;

/// Prints a JSON document.
pub(super) fn print_json(value: &Value) -> Result<(), Failure> {
    print(&format!("{value:#}"))
}

/// Prints one or more lines.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
