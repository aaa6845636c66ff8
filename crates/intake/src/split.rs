//! Where records begin and end. A record that is broken or too long ends at its first line, and the next line starts a new one.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr2, memchr3};
use serde::{Deserialize, Serialize};

/// The most bytes of a record: 1 MiB.
pub const MAX_RECORD: usize = 1 << 20;
/// The most columns of a file.
pub const MAX_COLUMNS: usize = 1000;

/// How many bytes are looked at for the end of a record: its longest line break included.
const WINDOW: usize = MAX_RECORD + 2;

/// A place between two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The offset in the staged text, in bytes.
    pub offset: u64,
    /// The number of the line that starts there. The first line is 1.
    pub line: u64,
}

impl Mark {
    /// The beginning of a file.
    pub const START: Self = Self { offset: 0, line: 1 };
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Syntax {
    /// Cells with a separator between them, as RFC 4180 has them.
    Delimited(u8),
    /// One JSON object a line.
    Lines,
}

/// Why a record cannot be split into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    #[error("a quote is not closed")]
    OpenQuote,
    #[error("a quote is closed in the middle of a cell; write a quote inside of a cell twice")]
    StrayQuote,
    #[error("the record has more than {MAX_RECORD} bytes")]
    TooLong,
    #[error("the record has more than {MAX_COLUMNS} columns")]
    TooManyColumns,
}

/// A record that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// The place where it begins.
    pub(crate) begin: Mark,
    /// The place behind it.
    pub(crate) next: Mark,
    /// Whether its cells can be read.
    pub(crate) broken: Option<Broken>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cell {
    range: Range<usize>,
    /// Whether quotes inside are written twice.
    doubled: bool,
}

enum Scan {
    /// The end of the record is not there yet.
    More,
    Whole {
        length: usize,
        lines: u64,
    },
    Broken(Broken),
}

/// Splits a text that comes in pieces.
#[derive(Debug)]
pub(crate) struct Splitter {
    syntax: Syntax,
    buffer: Vec<u8>,
    /// Where the next record begins in the buffer.
    at: usize,
    mark: Mark,
    /// How many bytes from there did not have the end of the record.
    tried: usize,
    /// A broken record whose first line is not at its end yet.
    skipping: Option<(Broken, Mark)>,
    cells: Vec<Cell>,
    ended: bool,
}

impl Splitter {
    pub(crate) fn new(syntax: Syntax, mark: Mark) -> Self {
        Self { syntax, buffer: Vec::new(), at: 0, mark, tried: 0, skipping: None, cells: Vec::new(), ended: false }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.cells.clear();
        self.buffer.extend(bytes);
    }

    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// Returns the place behind the last record.
    pub(crate) fn mark(&self) -> Mark {
        self.mark
    }

    /// Returns how many cells the last record has.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// Returns a cell of the last record. A cell that it lacks is empty.
    pub(crate) fn cell(&self, index: usize) -> Cow<'_, [u8]> {
        let Some(cell) = self.cells.get(index) else { return Cow::Borrowed(&[]) };
        let bytes = &self.buffer[cell.range.clone()];
        if !cell.doubled {
            return Cow::Borrowed(bytes);
        }
        let mut single = Vec::with_capacity(bytes.len());
        let mut rest = bytes;
        while let Some(quote) = memchr(b'"', rest) {
            single.extend(&rest[..=quote]);
            rest = &rest[(quote + 2).min(rest.len())..];
        }
        single.extend(rest);
        Cow::Owned(single)
    }

    /// Why the record is broken whose end has not been read yet.
    pub(crate) fn skipped(&self) -> Option<Broken> {
        self.skipping.map(|(broken, _)| broken)
    }

    /// Finds the next record that is not blank. `None` means that it needs more of the text, or that the text is over.
    pub(crate) fn advance(&mut self) -> Option<Found> {
        loop {
            if let Some((broken, begin)) = self.skipping {
                if !self.skip_line() {
                    return None;
                }
                self.skipping = None;
                self.cells.clear();
                return Some(Found { begin, next: self.mark, broken: Some(broken) });
            }
            let rest = &self.buffer[self.at..];
            if rest.is_empty() {
                return None;
            }
            // Looking again only when there is twice as much keeps the work linear, however small the pieces are.
            if !self.ended && rest.len() < WINDOW && rest.len() < 2 * self.tried {
                return None;
            }
            let window = &rest[..rest.len().min(WINDOW)];
            let whole = self.ended && window.len() == rest.len();
            let scan = match self.syntax {
                Syntax::Delimited(separator) => scan_cells(window, whole, separator, &mut self.cells),
                Syntax::Lines => scan_line(window, whole, &mut self.cells),
            };
            let begin = self.mark;
            match scan {
                Scan::Whole { length, lines } if length <= MAX_RECORD => {
                    for cell in &mut self.cells {
                        cell.range = cell.range.start + self.at..cell.range.end + self.at;
                    }
                    self.step(length, lines);
                    if !self.is_blank() {
                        return Some(Found { begin, next: self.mark, broken: None });
                    }
                }
                Scan::More if window.len() < WINDOW => {
                    self.tried = window.len();
                    return None;
                }
                Scan::Broken(broken) => self.skipping = Some((broken, begin)),
                // A quote that is open for so long is rather a lone one. Its own line may be short.
                Scan::More if memchr2(b'\n', b'\r', window).is_some() => self.skipping = Some((Broken::OpenQuote, begin)),
                Scan::More | Scan::Whole { .. } => self.skipping = Some((Broken::TooLong, begin)),
            }
        }
    }

    fn step(&mut self, length: usize, lines: u64) {
        self.at += length;
        self.mark.offset += length as u64;
        self.mark.line += lines;
        self.tried = 0;
    }

    /// Drops the rest of a line. Returns whether it is at its end.
    fn skip_line(&mut self) -> bool {
        let rest = &self.buffer[self.at..];
        let end = match self.syntax {
            Syntax::Delimited(_) => memchr2(b'\n', b'\r', rest),
            Syntax::Lines => memchr(b'\n', rest),
        };
        match end.map(|end| (end, line_break(rest, end, self.ended))) {
            Some((end, Some(length))) => {
                self.step(end + length, 1);
                true
            }
            Some((end, None)) => {
                self.step(end, 0);
                false
            }
            None => {
                self.step(rest.len(), 0);
                self.ended
            }
        }
    }

    fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| self.buffer[cell.range.clone()].trim_ascii().is_empty())
    }
}

/// Returns the length of the line break at a place, or `None` if the text must go on to tell.
fn line_break(bytes: &[u8], at: usize, whole: bool) -> Option<usize> {
    match (bytes[at], bytes.get(at + 1)) {
        (b'\r', Some(b'\n')) => Some(2),
        (b'\r', None) if !whole => None,
        _ => Some(1),
    }
}

fn scan_line(bytes: &[u8], whole: bool, cells: &mut Vec<Cell>) -> Scan {
    cells.clear();
    let (end, length) = match memchr(b'\n', bytes) {
        Some(end) => (end, end + 1),
        None if whole => (bytes.len(), bytes.len()),
        None => return Scan::More,
    };
    cells.push(Cell { range: 0..end, doubled: false });
    Scan::Whole { length, lines: 1 }
}

fn scan_cells(bytes: &[u8], whole: bool, separator: u8, cells: &mut Vec<Cell>) -> Scan {
    cells.clear();
    let (mut at, mut lines) = (0, 1);
    loop {
        if cells.len() == MAX_COLUMNS {
            return Scan::Broken(Broken::TooManyColumns);
        }
        let cell = if bytes.get(at) == Some(&b'"') {
            match scan_quoted(bytes, at + 1, whole, &mut lines) {
                Quoted::More => return Scan::More,
                Quoted::Open => return Scan::Broken(Broken::OpenQuote),
                Quoted::Cell(cell) => {
                    at = cell.range.end + 1;
                    while separator != b' ' && bytes.get(at) == Some(&b' ') {
                        at += 1;
                    }
                    cell
                }
            }
        } else {
            match memchr3(separator, b'\n', b'\r', &bytes[at..]) {
                None if !whole => return Scan::More,
                found => {
                    let end = found.map_or(bytes.len(), |found| at + found);
                    let cell = Cell { range: at..end, doubled: false };
                    at = end;
                    cell
                }
            }
        };
        cells.push(cell);
        match bytes.get(at) {
            None if !whole => return Scan::More,
            None => return Scan::Whole { length: at, lines },
            Some(b'\n' | b'\r') => {
                let Some(length) = line_break(bytes, at, whole) else { return Scan::More };
                return Scan::Whole { length: at + length, lines };
            }
            Some(byte) if *byte == separator => at += 1,
            Some(_) => return Scan::Broken(Broken::StrayQuote),
        }
    }
}

enum Quoted {
    More,
    Open,
    Cell(Cell),
}

fn scan_quoted(bytes: &[u8], start: usize, whole: bool, lines: &mut u64) -> Quoted {
    let (mut at, mut doubled) = (start, false);
    loop {
        let Some(found) = memchr3(b'"', b'\n', b'\r', &bytes[at..]) else {
            return if whole { Quoted::Open } else { Quoted::More };
        };
        at += found;
        if bytes[at] == b'"' {
            match bytes.get(at + 1) {
                None if !whole => return Quoted::More,
                Some(b'"') => {
                    doubled = true;
                    at += 2;
                }
                _ => return Quoted::Cell(Cell { range: start..at, doubled }),
            }
        } else {
            let Some(length) = line_break(bytes, at, whole) else { return Quoted::More };
            *lines += 1;
            at += length;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Seen = (u64, u64, Result<Vec<String>, Broken>);

    fn drain(splitter: &mut Splitter, seen: &mut Vec<Seen>) {
        while let Some(found) = splitter.advance() {
            let cells = |splitter: &Splitter| {
                (0..splitter.len()).map(|index| String::from_utf8_lossy(&splitter.cell(index)).into_owned()).collect()
            };
            let cells = found.broken.map_or_else(|| Ok(cells(splitter)), Err);
            seen.push((found.begin.line, found.next.offset, cells));
        }
    }

    fn split(syntax: Syntax, pieces: &[&[u8]]) -> Vec<Seen> {
        let (mut splitter, mut seen) = (Splitter::new(syntax, Mark::START), Vec::new());
        for piece in pieces {
            splitter.push(piece);
            drain(&mut splitter, &mut seen);
        }
        splitter.end();
        drain(&mut splitter, &mut seen);
        seen
    }

    fn records(text: &str) -> Vec<(u64, Result<Vec<String>, Broken>)> {
        split(Syntax::Delimited(b','), &[text.as_bytes()]).into_iter().map(|(line, _, cells)| (line, cells)).collect()
    }

    fn good(line: u64, cells: &[&str]) -> (u64, Result<Vec<String>, Broken>) {
        (line, Ok(cells.iter().map(|cell| (*cell).to_owned()).collect()))
    }

    #[test]
    fn a_record_is_split_as_rfc_4180_says() {
        assert_eq!(records("a,b\r\n1,2\r\n"), [good(1, &["a", "b"]), good(2, &["1", "2"])]);
        assert_eq!(records("a,\"b,\"\"c\"\"\"\n,"), [good(1, &["a", "b,\"c\""])]);
        assert_eq!(records("\"x\r\ny\nz\rw\",1\n2,3"), [good(1, &["x\r\ny\nz\rw", "1"]), good(5, &["2", "3"])]);
        assert_eq!(records("a\rb\rc"), [good(1, &["a"]), good(2, &["b"]), good(3, &["c"])]);
        assert_eq!(records("\n\n,,\n  \na,\"\" ,5\" screen\n\n"), [good(5, &["a", "", "5\" screen"])]);
        assert_eq!(records(""), []);
    }

    #[test]
    fn a_lone_quote_costs_its_own_line() {
        use Broken::{OpenQuote, StrayQuote};
        assert_eq!(records("a\n\"b\nc\nd\n"), [good(1, &["a"]), (2, Err(OpenQuote)), good(3, &["c"]), good(4, &["d"])]);
        assert_eq!(records("\"b,\nc,\"d\"\ne,f\n"), [(1, Err(StrayQuote)), good(2, &["c", "d"]), good(3, &["e", "f"])]);
        assert_eq!(records("\"a\"b,c\nd\n"), [(1, Err(StrayQuote)), good(2, &["d"])]);
        assert_eq!(records("\""), [(1, Err(OpenQuote))]);
    }

    #[test]
    fn a_lone_quote_before_a_long_text_costs_its_own_line() {
        let line = format!("{}\n", "a".repeat(99));
        let text = format!("\"x\n{}", line.repeat(MAX_RECORD / 50));
        let seen = split(Syntax::Delimited(b','), &text.as_bytes().chunks(64 * 1024).collect::<Vec<_>>());
        assert_eq!(seen[0].2, Err(Broken::OpenQuote));
        assert_eq!((seen[1].0, seen.len()), (2, 1 + MAX_RECORD / 50));
    }

    #[test]
    fn a_record_has_a_most_length_whatever_the_pieces() {
        for syntax in [Syntax::Delimited(b','), Syntax::Lines] {
            for (length, ok) in [(MAX_RECORD - 1, true), (MAX_RECORD, false), (MAX_RECORD + 5, false)] {
                let text = format!("{}\nb\n", "a".repeat(length));
                for size in [4096, 1 << 20, 1 << 22] {
                    let seen = split(syntax, &text.as_bytes().chunks(size).collect::<Vec<_>>());
                    assert_eq!(seen[0].2.is_ok(), ok, "{length} {size}");
                    assert_eq!((seen.len(), seen[1].0, seen[1].1), (2, 2, text.len() as u64));
                }
            }
        }
        let wide = records(&format!("{}\nb\n", ",".repeat(MAX_COLUMNS)));
        assert_eq!(wide, [(1, Err(Broken::TooManyColumns)), good(2, &["b"])]);
    }

    #[test]
    fn a_line_without_an_end_is_not_held() {
        let piece = vec![b'a'; 1 << 20];
        for syntax in [Syntax::Delimited(b','), Syntax::Lines] {
            let mut splitter = Splitter::new(syntax, Mark::START);
            for _ in 0..64 {
                splitter.push(&piece);
                assert_eq!(splitter.advance(), None);
                assert!(splitter.buffer.capacity() < 8 << 20);
            }
            splitter.push(b"\nb");
            let found = splitter.advance().unwrap();
            assert_eq!((found.broken, found.next), (Some(Broken::TooLong), Mark { offset: (64 << 20) + 1, line: 2 }));
            splitter.end();
            assert_eq!(splitter.advance().unwrap().broken, None);
        }
    }

    /// Texts of the characters that matter.
    fn texts() -> impl Strategy<Value = String> {
        "[ab,\"\\r\\n ;]{0,40}"
    }

    proptest! {
        #[test]
        fn pieces_change_nothing(text in texts(), first in 0..40_usize) {
            let bytes = text.as_bytes();
            for syntax in [Syntax::Delimited(b','), Syntax::Delimited(b';'), Syntax::Lines] {
                let whole = split(syntax, &[bytes]);
                let (left, right) = bytes.split_at(first.min(bytes.len()));
                prop_assert_eq!(&split(syntax, &[left, right]), &whole);
                prop_assert_eq!(&split(syntax, &bytes.chunks(1).collect::<Vec<_>>()), &whole);
            }
        }

        #[test]
        fn a_text_goes_on_behind_every_record(text in texts()) {
            let whole = split(Syntax::Delimited(b','), &[text.as_bytes()]);
            for (index, (_, offset, _)) in whole.iter().enumerate() {
                let rest: Vec<_> = split(Syntax::Delimited(b','), &[&text.as_bytes()[*offset as usize..]]);
                let cells = |seen: &[Seen]| seen.iter().map(|(_, _, cells)| cells.clone()).collect::<Vec<_>>();
                prop_assert_eq!(cells(&rest), cells(&whole[index + 1..]));
            }
        }
    }
}
