//! Prints results to standard output, and what is not a result to standard error.

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

/// Prints a line to standard error. A command goes on if nobody reads it.
pub(super) fn tell(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}
