//! Problems, and the CSV file of them.

use std::borrow::Cow;

use csv::{Terminator, WriterBuilder};
use serde::{Deserialize, Serialize};

/// A problem of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The line where the record begins. The header is line 1.
    pub line: u64,
    /// The header of the column. It is empty if the whole record is meant.
    pub column: String,
    /// What is wrong.
    pub reason: String,
}

impl Problem {
    /// Names a problem of a column, or of the whole record if the column is empty.
    pub fn new(line: u64, column: impl Into<String>, reason: impl ToString) -> Self {
        Self { line, column: column.into(), reason: reason.to_string() }
    }
}

/// Returns the header of the file of problems.
pub fn csv_header() -> Vec<u8> {
    write([["line".into(), "column".into(), "reason".into()]])
}

/// Returns the rows of problems for the file of them. No spreadsheet runs any of its cells.
pub fn csv_rows(problems: &[Problem]) -> Vec<u8> {
    write(problems.iter().map(|problem| [problem.line.to_string().into(), guard(&problem.column), guard(&problem.reason)]))
}

/// Makes a cell safe, so that no spreadsheet takes it for a formula (OWASP, CSV injection).
pub fn guard(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(STARTS) { format!("'{cell}").into() } else { cell.into() }
}

/// Returns a cell as it was before [`guard`].
pub(crate) fn unguard(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| rest.starts_with(STARTS)).unwrap_or(cell)
}

/// The characters that start a formula.
const STARTS: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

fn write<'a>(rows: impl IntoIterator<Item = [Cow<'a, str>; 3]>) -> Vec<u8> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.iter().map(|cell| cell.as_bytes())).expect("memory takes every row of three cells");
    }
    writer.into_inner().expect("memory takes every byte")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_a_file_that_never_runs() {
        assert_eq!(csv_header(), b"line,column,reason\r\n");
        let problems = [
            Problem::new(2, "email", "must be an e-mail address"),
            Problem::new(3, "=HYPERLINK(\"x\")", "must be, or not"),
            Problem::new(4, "", "＝1"),
        ];
        let file = String::from_utf8(csv_rows(&problems)).unwrap();
        assert_eq!(file, "2,email,must be an e-mail address\r\n3,\"'=HYPERLINK(\"\"x\"\")\",\"must be, or not\"\r\n4,,'＝1\r\n");
    }

    #[test]
    fn a_guarded_cell_comes_back() {
        for cell in ["=1", "+1", "-1", "@a", "\tx", "＠", "plain", "'plain", "", "'"] {
            assert_eq!(unguard(&guard(cell)), cell);
        }
    }
}
