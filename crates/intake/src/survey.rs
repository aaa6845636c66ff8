//! The first reading of a text, which finds out how it is written and what its columns mean. It ends with a plan, or with the reason why
//! the file cannot be imported.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use encoding_rs::WINDOWS_1252;
use rally_domain::email::Email;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::date::{DateOrder, Evidence};
use crate::export::{Line, VERSION};
use crate::field::{Known, MAX_KEY, Mapping};
use crate::format::{Format, Means, fold, is_named};
use crate::split::{Broken, MAX_COLUMNS, Mark, Splitter, Syntax};
use crate::staging::{Encoding, Staged};

/// How many bytes at the beginning tell how a file is written.
const HEAD: usize = 64 * 1024;
/// How many records tell which separator a file has.
const SEPARATOR_RECORDS: usize = 20;
/// How many records tell which column holds addresses.
const ADDRESS_RECORDS: u64 = 50;
/// The first and the last line of an export are shorter.
const SHORT: usize = 200;
/// The line `sep=;` is shorter.
const HINT: usize = 20;
/// The separators, those that win a tie first.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// What a column means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    Means(Means),
    Metadata(String),
}

/// A question of the list, which a column may answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The key of the answer in the metadata.
    pub key: String,
    /// What people see of the question.
    pub label: Option<String>,
}

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The header. A column without one is called after its number.
    pub name: String,
    pub(crate) target: Target,
}

impl Column {
    /// Whether nothing of the column is read.
    pub(crate) fn is_left_out(&self) -> bool {
        self.target == Target::Means(Means::Computed)
    }

    /// Returns the field of the column, such as `email` or `metadata.company`. `None` means that the column is not read.
    pub fn field(&self) -> Option<String> {
        match &self.target {
            Target::Means(means) => means.shown(&self.name),
            Target::Metadata(key) => Some(format!("metadata.{key}")),
        }
    }
}

/// How the rows of a file are read. It can be kept as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The format.
    pub format: Format,
    /// The encoding that the file was sent in.
    pub encoding: Encoding,
    /// The columns, in the order of the file. An export of Rally as JSONL has none.
    pub columns: Vec<Column>,
    /// How many records the file has, broken ones too, and without the header.
    pub records: u64,
    /// Where the first record begins.
    pub start: Mark,
    /// Whether the lines are those of [`crate::export`].
    pub is_export: bool,
    pub(crate) syntax: Syntax,
    pub(crate) dates: DateOrder,
}

impl Plan {
    /// Returns the separator. A file of JSON objects has none.
    pub fn separator(&self) -> Option<char> {
        match self.syntax {
            Syntax::Delimited(separator) => Some(char::from(separator)),
            Syntax::Lines => None,
        }
    }
}

/// Why a file cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It is one JSON array.
    #[error("the file is a JSON array; write one object a line")]
    Array,
    /// The header cannot be read.
    #[error("the header cannot be read: {0}")]
    Header(String),
    /// The first line is a person.
    #[error("the first line has an e-mail address; it must name the columns")]
    NoHeader,
    /// No column has addresses.
    #[error("no column holds e-mail addresses; say which one does: COLUMN = email under Columns, or map.COLUMN=email in a request")]
    NoAddresses,
    /// It is an export of a newer Rally.
    #[error("the file has version {0} of the form, and this Rally reads version {VERSION}")]
    Version(u64),
    /// It is an export without its last line.
    #[error("the export was cut off: its last line is missing, or does not fit")]
    CutOff,
    /// A mapped column does not exist.
    #[error("the file has no column {0}")]
    NoColumn(String),
    /// Two mapped columns are one.
    #[error("the column {0} is mapped twice")]
    MappedTwice(String),
}

/// Reads the staged text once.
#[derive(Debug)]
pub struct Survey {
    wanted: Option<Format>,
    mapping: Mapping,
    questions: Vec<Question>,
    head: Vec<u8>,
    body: Option<Body>,
}

impl Survey {
    /// Starts a survey. Without a format, the columns of the file tell it.
    pub const fn new(wanted: Option<Format>, mapping: Mapping) -> Self {
        Self { wanted, mapping, questions: Vec::new(), head: Vec::new(), body: None }
    }

    /// Says which questions the list asks. A column that has the key or the label of one holds its answers.
    #[must_use]
    pub fn asking(self, questions: Vec<Question>) -> Self {
        Self { questions, ..self }
    }

    /// Takes a piece of the staged text.
    pub fn push(&mut self, text: &[u8]) {
        match &mut self.body {
            Some(body) => body.push(text),
            None => {
                self.head.extend(text);
                if self.head.len() >= HEAD {
                    self.begin(false);
                }
            }
        }
    }

    /// Returns why the file cannot be imported, if what was read of it is enough to tell. So a file that is one long line, or one array,
    /// need not arrive whole.
    pub fn refused(&self) -> Option<PlanError> {
        let body = self.body.as_ref()?;
        match (&body.first, body.syntax) {
            (None, Syntax::Delimited(_)) => body.splitter.skipped().map(|broken| PlanError::Header(broken.to_string())),
            (Some(First::Header(Err(broken), _)), _) => Some(PlanError::Header(broken.to_string())),
            (Some(First::Array), _) => Some(PlanError::Array),
            (Some(First::Header(Ok(_), _) | First::Export | First::Objects) | None, _) => None,
        }
    }

    /// Ends the survey.
    ///
    /// # Errors
    /// If the file cannot be imported.
    pub fn finish(mut self, staged: &Staged) -> Result<Plan, PlanError> {
        self.begin(true);
        let body = self.body.as_mut().ok_or(PlanError::Empty)?;
        body.splitter.end();
        body.drain();
        let body = self.body.ok_or(PlanError::Empty)?;
        body.plan(self.wanted, &self.mapping, &self.questions, staged)
    }

    fn begin(&mut self, ended: bool) {
        if self.body.is_some() {
            return;
        }
        let head = std::mem::take(&mut self.head);
        let hint = hint_of(&head);
        let (syntax, start) = match hint {
            Some((separator, length)) => (Syntax::Delimited(separator), Mark { offset: length as u64, line: 2 }),
            None => (syntax_of(&head[..head.len().min(HEAD)], ended && head.len() <= HEAD), Mark::START),
        };
        let mut body = Body {
            splitter: Splitter::new(syntax, start),
            syntax,
            wanted: self.wanted,
            first: None,
            names: Names::default(),
            seen: Vec::new(),
            records: 0,
            last: None,
            version: 0,
        };
        body.push(&head[hint.map_or(0, |(_, length)| length)..]);
        self.body = Some(body);
    }
}

/// The first record.
#[derive(Debug)]
enum First {
    /// The header, and where the records begin.
    Header(Result<Vec<Vec<u8>>, Broken>, Mark),
    /// The file is an export of Rally.
    Export,
    /// The file has an object a line.
    Objects,
    /// The file is a JSON array.
    Array,
}

#[derive(Debug)]
struct Body {
    splitter: Splitter,
    syntax: Syntax,
    wanted: Option<Format>,
    first: Option<First>,
    /// The keys of objects.
    names: Names,
    /// What was seen of each column.
    seen: Vec<Seen>,
    records: u64,
    /// The last line of an export, if that is what it should be.
    last: Option<Line>,
    /// The version that an export says it has.
    version: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    dates: Evidence,
    addresses: u64,
}

/// The keys of objects, in the order in which they came.
#[derive(Debug, Default)]
struct Names {
    list: Vec<String>,
    index: HashMap<String, usize>,
}

impl Body {
    fn push(&mut self, text: &[u8]) {
        self.splitter.push(text);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(found) = self.splitter.advance() {
            match (&self.first, self.syntax) {
                (None, Syntax::Delimited(_)) => {
                    let cells = (0..self.splitter.len()).map(|index| self.splitter.cell(index).into_owned()).collect();
                    self.first = Some(First::Header(found.broken.map_or(Ok(cells), Err), found.next));
                }
                (None, Syntax::Lines) => {
                    let line = self.splitter.cell(0);
                    let object = decode(&line, Encoding::Utf8).ok().and_then(|line| serde_json::from_str::<Map<String, Value>>(&line).ok());
                    let named = object.as_ref().is_some_and(|object| object.get("type").and_then(Value::as_str) == Some("export"));
                    self.first = Some(match line.trim_ascii_start().first() {
                        Some(b'[') => First::Array,
                        _ if self.wanted == Some(Format::rally()) || (self.wanted.is_none() && named) => First::Export,
                        _ => First::Objects,
                    });
                    self.see(found.broken.is_none());
                }
                (Some(_), _) => self.see(found.broken.is_none()),
            }
        }
    }

    fn see(&mut self, whole: bool) {
        self.records += 1;
        if !whole {
            return;
        }
        match self.first {
            Some(First::Header(..)) => {
                for index in 0..self.splitter.len() {
                    let cell = self.splitter.cell(index);
                    if self.records <= ADDRESS_RECORDS || cell.first().is_some_and(u8::is_ascii_digit) {
                        look(&mut self.seen, index, &String::from_utf8_lossy(&cell), self.records);
                    }
                }
            }
            Some(First::Objects) => {
                let line = self.splitter.cell(0);
                let Ok(line) = decode(&line, Encoding::Utf8).or_else(|()| decode(&line, Encoding::Windows1252)) else { return };
                let Ok(object) = serde_json::from_str::<Map<String, Value>>(&line) else { return };
                for (key, value) in &object {
                    let index = match self.names.index.get(key) {
                        Some(index) => *index,
                        None if self.names.list.len() == MAX_COLUMNS => continue,
                        None => {
                            self.names.list.push(key.clone());
                            self.names.index.insert(key.clone(), self.names.list.len() - 1);
                            self.names.list.len() - 1
                        }
                    };
                    if let Some(text) = value.as_str() {
                        look(&mut self.seen, index, text, self.records);
                    }
                }
            }
            Some(First::Export) => {
                let line = self.splitter.cell(0);
                // The first and the last line are short.
                self.last = if line.len() < SHORT { serde_json::from_slice(&line).ok() } else { None };
                if let (1, Some(Line::Export(export))) = (self.records, &self.last) {
                    self.version = export.version;
                }
            }
            Some(First::Array) | None => {}
        }
    }

    fn plan(self, wanted: Option<Format>, mapping: &Mapping, questions: &[Question], staged: &Staged) -> Result<Plan, PlanError> {
        let (names, start) = match self.first.ok_or(PlanError::Empty)? {
            First::Array => return Err(PlanError::Array),
            First::Objects => (self.names.list, Mark::START),
            First::Export => {
                if let Some((column, _)) = mapping.pairs().first() {
                    return Err(PlanError::NoColumn(column.clone()));
                }
                if self.version > VERSION {
                    return Err(PlanError::Version(u64::from(self.version)));
                }
                match self.last {
                    Some(Line::End(end)) if end.lines.checked_add(1) == Some(self.records) => {}
                    _ => return Err(PlanError::CutOff),
                }
                return Ok(Plan {
                    format: Format::rally(),
                    encoding: staged.encoding,
                    columns: Vec::new(),
                    records: self.records,
                    start: Mark::START,
                    is_export: true,
                    syntax: self.syntax,
                    dates: DateOrder::MonthFirst,
                });
            }
            First::Header(header, start) => (header_names(header, staged.encoding)?, start),
        };
        let folded: Vec<String> = names.iter().map(|name| fold(name)).collect();
        let format = wanted.unwrap_or_else(|| Format::of(folded.iter().map(String::as_str)));
        let targets = targets(&names, &folded, format, mapping, questions, &self.seen)?;
        let evidence = |is_date: bool| {
            let columns = targets.iter().enumerate().filter(|(_, target)| !is_date || has_dates(target));
            columns.filter_map(|(index, _)| self.seen.get(index)).fold(Evidence::default(), |all, seen| all.and(seen.dates))
        };
        // Programs that write a semicolon do so where the day comes first.
        let usual = if self.syntax == Syntax::Delimited(b';') { DateOrder::DayFirst } else { DateOrder::MonthFirst };
        let dates = evidence(true).order().or_else(|| evidence(false).order()).unwrap_or(usual);
        let columns = names.into_iter().zip(targets).map(|(name, target)| Column { name, target }).collect();
        let (encoding, records, syntax) = (staged.encoding, self.records, self.syntax);
        Ok(Plan { format, encoding, columns, records, start, is_export: false, syntax, dates })
    }
}

fn look(seen: &mut Vec<Seen>, index: usize, text: &str, record: u64) {
    if seen.len() <= index {
        seen.resize(index + 1, Seen::default());
    }
    seen[index].dates.see(text.trim());
    seen[index].addresses += u64::from(record <= ADDRESS_RECORDS && is_address(text));
}

fn is_address(text: &str) -> bool {
    text.contains('@') && Email::parse(text).is_ok()
}

const fn has_dates(target: &Target) -> bool {
    matches!(target, Target::Means(Means::Field(Known::CreatedAt | Known::ConfirmedAt)))
}

/// Reads bytes of the staged text.
pub(crate) fn decode(bytes: &[u8], encoding: Encoding) -> Result<Cow<'_, str>, ()> {
    match encoding {
        Encoding::Windows1252 => Ok(WINDOWS_1252.decode_without_bom_handling(bytes).0),
        Encoding::Utf8 | Encoding::Utf16Le | Encoding::Utf16Be => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| ()),
    }
}

/// Reads a cell of the staged text.
pub(crate) fn decode_cell(cell: Cow<'_, [u8]>, encoding: Encoding) -> Result<Cow<'_, str>, ()> {
    match cell {
        Cow::Borrowed(bytes) => decode(bytes, encoding),
        Cow::Owned(bytes) => decode(&bytes, encoding).map(|text| text.into_owned().into()),
    }
}

fn header_names(header: Result<Vec<Vec<u8>>, Broken>, encoding: Encoding) -> Result<Vec<String>, PlanError> {
    let cells = header.map_err(|broken| PlanError::Header(broken.to_string()))?;
    let mut names = Vec::with_capacity(cells.len());
    let mut taken = HashSet::new();
    for (index, cell) in cells.iter().enumerate() {
        let text = decode(cell, encoding).map_err(|()| PlanError::Header("it is not valid UTF-8".to_owned()))?;
        if is_address(&text) {
            return Err(PlanError::NoHeader);
        }
        let visible: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let name: String = visible.trim().chars().take(MAX_KEY).collect();
        let name = if name.is_empty() { format!("column_{}", index + 1) } else { name };
        let name = if taken.contains(&name) { format!("{name}_{}", index + 1) } else { name };
        taken.insert(name.clone());
        names.push(name);
    }
    Ok(names)
}

fn targets(
    names: &[String],
    folded: &[String],
    format: Format,
    mapping: &Mapping,
    questions: &[Question],
    seen: &[Seen],
) -> Result<Vec<Target>, PlanError> {
    let mut targets: Vec<Option<Target>> = vec![None; names.len()];
    let mut taken = HashSet::new();
    for (column, field) in mapping.pairs() {
        let index = names.iter().position(|name| name == column.trim()).or_else(|| folded.iter().position(|name| *name == fold(column)));
        let index = index.ok_or_else(|| PlanError::NoColumn(column.clone()))?;
        if targets[index].is_some() {
            return Err(PlanError::MappedTwice(names[index].clone()));
        }
        let target = Target::from(field.clone());
        if let Target::Means(means) = &target {
            taken.insert(*means);
        }
        targets[index] = Some(target);
    }
    // What a caller says of one name goes before the other.
    let has_parts = taken.contains(&Means::FirstName) || taken.contains(&Means::LastName);
    for (alias, means) in format.columns() {
        let is_told = match means {
            Means::FirstName | Means::LastName => taken.contains(&Means::Field(Known::Name)),
            Means::Field(Known::Name) => has_parts,
            _ => false,
        };
        if is_told || (means != Means::Computed && taken.contains(&means)) {
            continue;
        }
        if let Some(index) = (0..names.len()).find(|index| targets[*index].is_none() && is_named(&folded[*index], alias)) {
            targets[index] = Some(Target::Means(means));
            taken.insert(means);
        }
    }
    let email = Means::Field(Known::Email);
    if !taken.contains(&email) {
        let count = |index: &usize| seen.get(*index).map_or(0, |seen| seen.addresses);
        let best = (0..names.len()).filter(|index| targets[*index].is_none()).max_by_key(|index| (count(index), usize::MAX - index));
        let best = best.filter(|index| count(index) > 0).ok_or(PlanError::NoAddresses)?;
        targets[best] = Some(Target::Means(email));
    }
    answers(names, folded, questions, &mut targets);
    let targets = targets.into_iter().zip(names);
    Ok(targets.map(|(target, name)| target.unwrap_or_else(|| Target::Metadata(name.clone()))).collect())
}

/// Finds the columns that answer questions: by the key as it is, then by the key and the label in any case and punctuation.
fn answers(names: &[String], folded: &[String], questions: &[Question], targets: &mut [Option<Target>]) {
    for Question { key, label } in questions {
        let target = Target::Metadata(key.clone());
        if targets.contains(&Some(target.clone())) {
            continue;
        }
        let has = |text: &str, index: &usize| !folded[*index].is_empty() && folded[*index] == fold(text);
        let free = || (0..names.len()).filter(|index| targets[*index].is_none());
        let by_key = free().find(|index| names[*index] == *key).or_else(|| free().find(|index| has(key, index)));
        let found = by_key.or_else(|| label.as_ref().and_then(|label| free().find(|index| has(label, index))));
        if let Some(index) = found {
            targets[index] = Some(target);
        }
    }
}

/// Reads the line `sep=;` with which Excel says the separator of a file. Returns the separator, and the length of the line.
fn hint_of(head: &[u8]) -> Option<(u8, usize)> {
    let end = head.iter().take(HINT).position(|byte| matches!(byte, b'\n' | b'\r'))?;
    let line = head[..end].trim_ascii();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let (name, separator) = line.split_at_checked(4)?;
    let [separator] = separator else { return None };
    let length = end + if head[end..].starts_with(b"\r\n") { 2 } else { 1 };
    (name.eq_ignore_ascii_case(b"sep=") && SEPARATORS.contains(separator)).then_some((*separator, length))
}

fn syntax_of(head: &[u8], ended: bool) -> Syntax {
    if matches!(head.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return Syntax::Lines;
    }
    // The separator that gives all records one number of cells. If there are several or none: the one that leaves an address alone in a
    // cell, then the one that gives the header the most cells.
    let score = |separator: u8| {
        let mut splitter = Splitter::new(Syntax::Delimited(separator), Mark::START);
        splitter.push(head);
        if ended {
            splitter.end();
        }
        let (mut counts, mut has_address) = (Vec::new(), false);
        while let Some(found) = splitter.advance().filter(|_| counts.len() < SEPARATOR_RECORDS) {
            counts.push(if found.broken.is_some() { 0 } else { splitter.len() });
            has_address |= (0..splitter.len()).any(|index| is_address(&String::from_utf8_lossy(&splitter.cell(index))));
        }
        let first = counts.first().copied().unwrap_or_default();
        (first > 1 && counts.iter().all(|count| *count == first), has_address, first.max(1))
    };
    let best = SEPARATORS.into_iter().rev().max_by_key(|separator| score(*separator));
    Syntax::Delimited(best.unwrap_or(b','))
}
