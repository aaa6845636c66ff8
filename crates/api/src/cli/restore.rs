//! `rally restore --verify`: reads the file of an export, and says whether a list can be restored from it whole.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use clap::Args;
use rally_domain::document;
use rally_domain::export::{Check, Line, MAX_DEPTH};

use super::failure::Failure;
use super::open_file;
use super::output::print;

/// The byte order mark of UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// How many faults are shown.
const SHOWN: usize = 20;

#[derive(Args)]
pub(super) struct RestoreArguments {
    /// The file that `rally export` wrote. Nothing is restored: `rally import` does that
    #[arg(long, value_name = "FILE")]
    verify: PathBuf,
}

pub(super) fn run(arguments: &RestoreArguments) -> Result<(), Failure> {
    let mut check = Check::default();
    for (number, line) in (1..).zip(BufReader::new(open_file(&arguments.verify)?).split(b'\n')) {
        let line = line?;
        // As an import reads it: with or without a byte order mark, and past empty lines at the end.
        let line = if number == 1 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line) } else { &line };
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Line>(line) {
            Ok(read) if document::depth(line) <= MAX_DEPTH => check.take(number, &read),
            Ok(_) | Err(_) => check.broken(number),
        }
    }
    let verdict = check.verdict();
    let mut lines: Vec<String> = verdict.faults.iter().take(SHOWN).cloned().collect();
    if verdict.faults.len() > SHOWN {
        lines.push(format!("There are {} more.", verdict.faults.len() - SHOWN));
    }
    let [entries, tombstones, codes, referrals, credits] = verdict.numbers();
    lines.push(format!("Entries {entries}, erased {tombstones}, codes {codes}, referrals {referrals}, of which {credits} count."));
    print(&lines.join("\n"))?;
    match verdict.faults.len() {
        0 => Ok(()),
        number => Err(Failure::Refused(format!("the file has {number} faults"))),
    }
}
