//! The reading of rows by a plan. It can go on behind any record.

use std::collections::HashMap;

use rally_domain::document;
use serde_json::{Map, Value};

use crate::export::{Line, MAX_DEPTH};
use crate::problem::Problem;
use crate::row::{Cell, Row, Rules, assemble};
use crate::split::{Mark, Splitter, Syntax};
use crate::survey::{Plan, decode, decode_cell};

/// A record of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The line where it begins. The header is line 1.
    pub line: u64,
    /// The place behind it.
    pub next: Mark,
    /// What it says, or what is wrong with it.
    pub content: Result<Content, Vec<Problem>>,
}

/// What a record says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A person.
    Row(Box<Row>),
    /// A line of an export of Rally.
    Line(Box<Line>),
}

/// Reads the records of a staged text.
#[derive(Debug)]
pub struct Reader {
    plan: Plan,
    rules: Rules,
    splitter: Splitter,
    /// The columns of a file of objects, by their key.
    keys: HashMap<String, usize>,
    /// The bytes of the header, which are not read.
    skip: u64,
}

impl Reader {
    /// Starts at the beginning of a text, which is pushed whole, with its header.
    pub fn new(plan: Plan) -> Self {
        let start = plan.start;
        Self { skip: start.offset, ..Self::resume(plan, start) }
    }

    /// Goes on behind a record. The text is pushed from [`Mark::offset`] on.
    pub fn resume(plan: Plan, from: Mark) -> Self {
        let splitter = Splitter::new(plan.syntax, from);
        let keys = plan.columns.iter().enumerate().map(|(index, column)| (column.name.clone(), index)).collect();
        let rules = Rules { format: plan.format, dates: plan.dates };
        Self { plan, rules, splitter, keys, skip: 0 }
    }

    /// Takes a piece of the staged text.
    pub fn push(&mut self, text: &[u8]) {
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(text.len());
        self.skip -= skipped as u64;
        self.splitter.push(&text[skipped..]);
    }

    /// Says that the text is over.
    pub fn end(&mut self) {
        self.splitter.end();
    }

    /// Returns the next record. `None` means that it needs more of the text, or that the text is over.
    pub fn take(&mut self) -> Option<Record> {
        let found = self.splitter.advance()?;
        let line = found.begin.line;
        let content = match found.broken {
            Some(broken) => Err(vec![Problem::new(line, "", broken)]),
            None if self.plan.is_export => self.line(line),
            None if self.plan.syntax == Syntax::Lines => self.object(line),
            None => self.row(line),
        };
        Some(Record { line, next: found.next, content })
    }

    /// Returns the place behind the last record.
    pub fn mark(&self) -> Mark {
        self.splitter.mark()
    }

    fn row(&self, line: u64) -> Result<Content, Vec<Problem>> {
        let (cells, columns) = (self.splitter.len(), self.plan.columns.len());
        let has_more = (columns..cells).any(|index| !self.splitter.cell(index).trim_ascii().is_empty());
        if has_more {
            return Err(vec![Problem::new(line, "", format!("the row has {cells} cells, and the header has {columns}"))]);
        }
        let mut texts = Vec::with_capacity(columns);
        // Programs leave the last cells out if they are empty.
        for (index, column) in self.plan.columns.iter().enumerate().filter(|(_, column)| !column.is_left_out()) {
            match decode_cell(self.splitter.cell(index), self.plan.encoding) {
                Ok(text) => texts.push((column, Cell::Text(text))),
                Err(()) => return Err(vec![Problem::new(line, &column.name, "is not valid UTF-8")]),
            }
        }
        assemble(&self.rules, line, texts).map(|row| Content::Row(row.into()))
    }

    fn object(&self, line: u64) -> Result<Content, Vec<Problem>> {
        let broken = |reason: String| vec![Problem::new(line, "", reason)];
        let bytes = self.splitter.cell(0);
        let text = decode(&bytes, self.plan.encoding).map_err(|()| broken("is not valid UTF-8".to_owned()))?;
        check_depth(text.as_bytes()).map_err(broken)?;
        let object: Map<String, Value> = serde_json::from_str(&text).map_err(|error| broken(reason(&error)))?;
        let cells = object.into_iter().filter_map(|(key, value)| {
            let index = *self.keys.get(&key)?;
            Some((&self.plan.columns[index], Cell::Json(value)))
        });
        assemble(&self.rules, line, cells).map(|row| Content::Row(row.into()))
    }

    fn line(&self, line: u64) -> Result<Content, Vec<Problem>> {
        let bytes = self.splitter.cell(0);
        check_depth(&bytes).map_err(|reason| vec![Problem::new(line, "", reason)])?;
        let read = serde_json::from_slice(&bytes);
        read.map(Content::Line).map_err(|error| vec![Problem::new(line, "", reason(&error))])
    }
}

/// Checks that a line can be staged: inside of another document.
fn check_depth(line: &[u8]) -> Result<(), String> {
    if document::depth(line) > MAX_DEPTH { Err(format!("has more than {MAX_DEPTH} levels of arrays and objects")) } else { Ok(()) }
}

/// Says what is wrong with a line of JSON, without anything of the line.
fn reason(error: &serde_json::Error) -> String {
    if error.is_data() {
        return "is not a JSON object of the form that is expected here".to_owned();
    }
    format!("is not a JSON object; it breaks at character {}", error.column())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::{End, Tombstone, Waitlist};

    fn lines() -> Vec<Line> {
        let waitlist =
            Waitlist { display_name: "Beta".into(), description: None, status: "active".into(), settings: Map::new(), last_position: 2 };
        let tombstone = |id: &str, position| Tombstone {
            id: id.into(),
            position,
            status: "pending".into(),
            referral_count: 0,
            referred_by: None,
            variant_id: None,
            day: "2026-01-31".into(),
        };
        let people = [Line::Tombstone(tombstone("1", 1)), Line::Tombstone(tombstone("2", 2))];
        [Line::first(), Line::Waitlist(waitlist)].into_iter().chain(people).chain([Line::End(End { lines: 4 })]).collect()
    }

    #[test]
    fn a_survey_and_a_reader_know_an_export() {
        use crate::{Encoding, Format, Mapping, PlanError, Staged, Survey};
        let text: Vec<u8> = lines().iter().flat_map(Line::to_json).collect();
        let staged = Staged { encoding: Encoding::Utf8, byte_order_mark: false, bytes: text.len() as u64 };
        let survey_of = |text: &[u8], wanted, mapping| {
            let mut survey = Survey::new(wanted, mapping);
            survey.push(text);
            survey.finish(&staged)
        };
        let survey = |wanted, mapping| survey_of(&text, wanted, mapping);
        let cut = text.len() - 30;
        assert_eq!(survey_of(&text[..cut], None, Mapping::default()), Err(PlanError::CutOff));
        let newer = b"{\"type\":\"export\",\"version\":2}\n{\"type\":\"end\",\"lines\":1}\n";
        assert_eq!(survey_of(newer, None, Mapping::default()), Err(PlanError::Version(2)));
        let plan = survey(None, Mapping::default()).unwrap();
        assert_eq!((plan.format, plan.is_export, plan.records, plan.separator()), (Format::rally(), true, 5, None));
        let mapping = Mapping::parse([("email", "email")]).unwrap();
        assert_eq!(survey(None, mapping), Err(PlanError::NoColumn("email".into())));

        let mut reader = Reader::new(plan);
        reader.push(&text);
        reader.push(b"{\"type\":\"entry\"}\n{");
        reader.end();
        let read: Vec<_> = std::iter::from_fn(|| reader.take()).collect();
        let good: Vec<Line> = read[..5]
            .iter()
            .map(|record| match record.content.clone().unwrap() {
                Content::Line(line) => *line,
                Content::Row(_) => panic!("an export has no rows"),
            })
            .collect();
        assert_eq!(good, lines());
        assert!(read[5].content.is_err() && read[6].content.is_err());
    }
}
