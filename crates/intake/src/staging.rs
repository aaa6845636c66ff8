//! From the bytes that were sent to the staged text: gzip, byte order marks, UTF-16. It holds a few kilobytes.

use std::io::{self, Write};

use encoding_rs::{Decoder, UTF_16BE, UTF_16LE};
use flate2::write::MultiGzDecoder;
use serde::{Deserialize, Serialize};

/// The most bytes of a file after decompression: 1 GiB.
pub const MAX_BYTES: u64 = 1 << 30;

/// Once a file has so many bytes, it may have at most so many times the bytes that were sent. Tables of people compress to a tenth or a
/// thirtieth, and who sends a little must not fill a disk.
const GROWN: u64 = 64 << 20;
const MAX_GROWTH: u64 = 200;

/// How many bytes of the file tell what it is compressed with.
const MAGIC: usize = 4;
/// How many bytes of the text tell its encoding, if it has no byte order mark.
const SAMPLE: usize = 256;
/// How many bytes are taken at a time. The second number is small because deflate makes up to 1032 bytes of one.
const PLAIN_SLICE: usize = 64 * 1024;
const GZIP_SLICE: usize = 512;
/// From how many bytes on the output goes to the caller first.
const OUTPUT: usize = 64 * 1024;

/// The encoding of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8. A row that is not is a problem.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, the low byte first.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, the high byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// Windows-1252, which most programs mean by Latin-1.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl Encoding {
    /// Returns the name of the Encoding Standard.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1252 => "windows-1252",
        }
    }
}

/// What [`Staging`] found out about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// The encoding that the file was sent in. The staged text is in UTF-8, unless this is Windows-1252: such bytes stay as they are.
    pub encoding: Encoding,
    /// Whether the file started with a byte order mark. The staged text has none.
    pub byte_order_mark: bool,
    /// The length of the staged text in bytes.
    pub bytes: u64,
}

/// Why a file cannot be staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StagingError {
    /// The file is too large, maybe only after decompression.
    #[error("the file has more than {0} bytes after decompression")]
    TooLarge(u64),
    /// The file grows more in decompression than tables do.
    #[error("the file grows more than {MAX_GROWTH} times in decompression; send it as it is")]
    TooDense,
    /// The compressed data is damaged or ends early.
    #[error("the gzip data is damaged or ends early; compress the file again")]
    Damaged,
    /// The file is a zip archive, as workbooks of spreadsheets are.
    #[error("the file is a zip archive or a workbook; export it as CSV, or unpack it first")]
    Archive,
}

/// Turns the bytes of a file into the staged text, piece by piece.
#[derive(Debug)]
pub struct Staging {
    limit: u64,
    sent: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The first bytes, which tell whether the file is compressed.
    Unknown(Vec<u8>),
    Plain(Text),
    Gzip(Box<MultiGzDecoder<Text>>),
    Finished,
}

impl Default for Staging {
    fn default() -> Self {
        Self::new()
    }
}

impl Staging {
    /// Starts a file of at most [`MAX_BYTES`].
    pub const fn new() -> Self {
        Self::with_limit(MAX_BYTES)
    }

    /// Starts a file of at most `limit` bytes after decompression.
    pub const fn with_limit(limit: u64) -> Self {
        Self { limit, sent: 0, state: State::Unknown(Vec::new()) }
    }

    /// Takes a part of `bytes`, adds text to `out`, and returns how many bytes it took: at least one if there is one.
    ///
    /// Call it again with the rest. It adds at most about 600 KiB at a time, however well the file is compressed.
    ///
    /// # Errors
    /// If the file is too large, damaged or an archive. The staging is then over.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, StagingError> {
        let taken = match &mut self.state {
            State::Unknown(head) => {
                let taken = bytes.len().min(MAGIC - head.len());
                head.extend(&bytes[..taken]);
                if head.len() == MAGIC {
                    self.recognise()?;
                }
                taken
            }
            State::Plain(text) => {
                let slice = &bytes[..bytes.len().min(PLAIN_SLICE)];
                text.take(slice).map_err(|_| StagingError::TooLarge(self.limit))?;
                slice.len()
            }
            State::Gzip(decoder) => {
                let mut taken = 0;
                while taken < bytes.len() && decoder.get_ref().out.len() < OUTPUT {
                    let slice = &bytes[taken..bytes.len().min(taken + GZIP_SLICE)];
                    taken += match decoder.write(slice) {
                        Ok(0) => return Err(StagingError::Damaged),
                        Ok(written) => written,
                        Err(_) => return Err(decoder.get_ref().fault()),
                    };
                }
                taken
            }
            State::Finished => bytes.len(),
        };
        self.sent += taken as u64;
        if let State::Gzip(decoder) = &self.state
            && decoder.get_ref().made > GROWN.max(self.sent * MAX_GROWTH)
        {
            return Err(StagingError::TooDense);
        }
        self.give(out);
        Ok(taken)
    }

    /// Ends the file and adds the last of its text to `out`.
    ///
    /// # Errors
    /// As [`Staging::push`].
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<Staged, StagingError> {
        if matches!(self.state, State::Unknown(_)) {
            self.recognise()?;
        }
        let mut text = match std::mem::replace(&mut self.state, State::Finished) {
            State::Gzip(mut decoder) => {
                decoder.try_finish().map_err(|_| decoder.get_ref().fault())?;
                decoder.finish().map_err(|_| StagingError::Damaged)?
            }
            State::Plain(text) => text,
            State::Unknown(_) | State::Finished => Text::new(self.limit),
        };
        text.end();
        out.append(&mut text.out);
        Ok(Staged { encoding: text.encoding(), byte_order_mark: text.marked, bytes: text.made })
    }

    /// Decides by the first bytes whether the file is compressed.
    fn recognise(&mut self) -> Result<(), StagingError> {
        let State::Unknown(head) = std::mem::replace(&mut self.state, State::Finished) else { return Ok(()) };
        let text = Text::new(self.limit);
        if head.starts_with(b"PK\x03\x04") {
            return Err(StagingError::Archive);
        }
        self.state = if head.starts_with(&[0x1F, 0x8B]) {
            let mut decoder = MultiGzDecoder::new(text);
            decoder.write_all(&head).map_err(|_| StagingError::Damaged)?;
            State::Gzip(decoder.into())
        } else {
            let mut text = text;
            text.take(&head).map_err(|_| StagingError::TooLarge(self.limit))?;
            State::Plain(text)
        };
        Ok(())
    }

    fn give(&mut self, out: &mut Vec<u8>) {
        match &mut self.state {
            State::Plain(text) => out.append(&mut text.out),
            State::Gzip(decoder) => out.append(&mut decoder.get_mut().out),
            State::Unknown(_) | State::Finished => {}
        }
    }
}

/// The text of a file after decompression.
#[derive(Debug)]
struct Text {
    limit: u64,
    taken: u64,
    over: bool,
    /// The first bytes, until the encoding is known.
    head: Option<Vec<u8>>,
    wide: Option<(Encoding, Decoder)>,
    marked: bool,
    tally: Tally,
    out: Vec<u8>,
    made: u64,
}

/// The text is larger than it may be.
#[derive(Debug, thiserror::Error)]
#[error("the text is too large")]
struct Over;

impl Text {
    fn new(limit: u64) -> Self {
        let (tally, out) = (Tally::default(), Vec::new());
        Self { limit, taken: 0, over: false, head: Some(Vec::new()), wide: None, marked: false, tally, out, made: 0 }
    }

    fn fault(&self) -> StagingError {
        if self.over { StagingError::TooLarge(self.limit) } else { StagingError::Damaged }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Over> {
        self.taken += bytes.len() as u64;
        if self.taken > self.limit {
            self.over = true;
            return Err(Over);
        }
        match &mut self.head {
            None => self.convert(bytes, false),
            Some(head) => {
                head.extend(bytes);
                if head.len() >= SAMPLE {
                    self.decide();
                }
            }
        }
        Ok(())
    }

    fn end(&mut self) {
        self.decide();
        self.convert(&[], true);
        self.tally.end();
    }

    /// Decides by the first bytes whether the text is UTF-16, and removes the byte order mark.
    fn decide(&mut self) {
        let Some(head) = self.head.take() else { return };
        let (encoding, mark) = match head.as_slice() {
            [0xEF, 0xBB, 0xBF, ..] => (None, 3),
            [0xFF, 0xFE, ..] => (Some(Encoding::Utf16Le), 2),
            [0xFE, 0xFF, ..] => (Some(Encoding::Utf16Be), 2),
            bytes => (wide_without_mark(&bytes[..bytes.len().min(SAMPLE)]), 0),
        };
        self.marked = mark > 0;
        self.wide = encoding.map(|encoding| {
            let found = if encoding == Encoding::Utf16Le { UTF_16LE } else { UTF_16BE };
            (encoding, found.new_decoder_without_bom_handling())
        });
        self.convert(&head[mark..], false);
    }

    fn convert(&mut self, mut bytes: &[u8], last: bool) {
        let before = self.out.len();
        match &mut self.wide {
            None => {
                self.tally.count(bytes);
                self.out.extend(bytes);
            }
            Some((_, decoder)) => loop {
                let room = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(OUTPUT);
                let start = self.out.len();
                self.out.resize(start + room, 0);
                let (result, read, written, _) = decoder.decode_to_utf8(bytes, &mut self.out[start..], last);
                self.out.truncate(start + written);
                bytes = &bytes[read..];
                if result == encoding_rs::CoderResult::InputEmpty {
                    break;
                }
            },
        }
        self.made += (self.out.len() - before) as u64;
    }

    fn encoding(&self) -> Encoding {
        match &self.wide {
            Some((encoding, _)) => *encoding,
            None if self.marked => Encoding::Utf8,
            None => self.tally.encoding(),
        }
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.take(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a text without a mark is UTF-16: nearly all of it is ASCII, so every second byte is zero.
fn wide_without_mark(bytes: &[u8]) -> Option<Encoding> {
    let zeros = |offset: usize| bytes.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd, pairs) = (zeros(0), zeros(1), bytes.len() / 2);
    match (even * 10 > pairs * 7, odd * 10 > pairs * 7) {
        (true, false) => Some(Encoding::Utf16Be),
        (false, true) => Some(Encoding::Utf16Le),
        _ => None,
    }
}

/// Counts what speaks for UTF-8 and against it.
#[derive(Debug, Default)]
struct Tally {
    /// The start of a character whose rest is in the next piece.
    rest: Vec<u8>,
    characters: u64,
    invalid: u64,
}

impl Tally {
    fn count(&mut self, bytes: &[u8]) {
        if self.rest.is_empty() && bytes.is_ascii() {
            return;
        }
        let mut joined = std::mem::take(&mut self.rest);
        joined.extend(bytes);
        let mut bytes = joined.as_slice();
        while !bytes.is_empty() {
            let (valid, skip) = match std::str::from_utf8(bytes) {
                Ok(_) => (bytes.len(), 0),
                Err(error) => match error.error_len() {
                    Some(length) => (error.valid_up_to(), length),
                    None => {
                        self.rest = bytes[error.valid_up_to()..].to_vec();
                        (error.valid_up_to(), self.rest.len())
                    }
                },
            };
            self.characters += bytes[..valid].iter().filter(|byte| **byte >= 0xC0).count() as u64;
            self.invalid += u64::from(skip > 0 && self.rest.is_empty());
            bytes = &bytes[valid + skip..];
        }
    }

    fn end(&mut self) {
        self.invalid += u64::from(!std::mem::take(&mut self.rest).is_empty());
    }

    /// A text in Windows-1252 has hardly any sequence that is a character in UTF-8. A text in UTF-8 has few that are not.
    const fn encoding(&self) -> Encoding {
        if self.invalid <= self.characters { Encoding::Utf8 } else { Encoding::Windows1252 }
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// Stages a file in pieces of a size.
    fn stage(file: &[u8], size: usize, limit: u64) -> Result<(Staged, Vec<u8>), StagingError> {
        let (mut staging, mut text) = (Staging::with_limit(limit), Vec::new());
        for mut piece in file.chunks(size) {
            while !piece.is_empty() {
                let taken = staging.push(piece, &mut text)?;
                assert!(taken > 0);
                piece = &piece[taken..];
            }
        }
        let staged = staging.finish(&mut text)?;
        assert_eq!(staged.bytes, text.len() as u64);
        Ok((staged, text))
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn wide(text: &str, little: bool) -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    }

    #[test]
    fn an_encoding_is_told_whatever_the_pieces() {
        let text = "email,name\nada@example.com,Åda 💌\n";
        let latin = b"email,name\nada@example.com,\xC5da \x80\n";
        let marked = |mark: &[u8], bytes: Vec<u8>| [mark.to_vec(), bytes].concat();
        let files: [(Vec<u8>, Encoding, bool); 8] = [
            (text.into(), Encoding::Utf8, false),
            (marked(b"\xEF\xBB\xBF", text.into()), Encoding::Utf8, true),
            (marked(b"\xFF\xFE", wide(text, true)), Encoding::Utf16Le, true),
            (marked(b"\xFE\xFF", wide(text, false)), Encoding::Utf16Be, true),
            (wide(text, true), Encoding::Utf16Le, false),
            (wide(text, false), Encoding::Utf16Be, false),
            (latin.to_vec(), Encoding::Windows1252, false),
            (gzip(text.as_bytes()), Encoding::Utf8, false),
        ];
        for (file, encoding, byte_order_mark) in files {
            let expected = if encoding == Encoding::Windows1252 { latin.to_vec() } else { text.as_bytes().to_vec() };
            for size in [1, 2, 3, 5, 7, file.len()] {
                let (staged, text) = stage(&file, size, MAX_BYTES).unwrap();
                assert_eq!((staged.encoding, staged.byte_order_mark, &text), (encoding, byte_order_mark, &expected), "{size}");
            }
        }
    }

    #[test]
    fn one_broken_row_does_not_make_a_file_another_encoding() {
        let (staged, _) = stage("email\nädä@example.com\nb\u{F6}b".as_bytes(), 4, MAX_BYTES).unwrap();
        assert_eq!(staged.encoding, Encoding::Utf8);
        let (staged, _) = stage(b"name\nJos\xC3\xA9\nJos\xC3\xA9\nJos\xE9\n", 4, MAX_BYTES).unwrap();
        assert_eq!(staged.encoding, Encoding::Utf8);
        let (staged, _) = stage(b"name\nJos\xE9\nJos\xE9\nJos\xC3\xA9\n", 4, MAX_BYTES).unwrap();
        assert_eq!(staged.encoding, Encoding::Windows1252);
    }

    #[test]
    fn empty_files_have_no_text() {
        for file in [&b""[..], b"\xEF\xBB\xBF", b"\xFF\xFE", &gzip(b"")] {
            assert_eq!(stage(file, 1, MAX_BYTES).unwrap().1, b"");
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit_and_is_never_held() {
        let bomb = gzip(&vec![b'a'; 10 << 20]);
        assert!(bomb.len() < 64 * 1024);
        let (mut staging, mut bytes, mut most) = (Staging::with_limit(8 << 20), bomb.as_slice(), 0);
        let error = loop {
            let mut out = Vec::new();
            match staging.push(bytes, &mut out) {
                Ok(taken) => bytes = &bytes[taken..],
                Err(error) => break error,
            }
            most = most.max(out.len());
        };
        assert_eq!(error, StagingError::TooLarge(8 << 20));
        assert!(most < 1 << 20, "{most}");
        assert_eq!(stage(&[b'a'; 101], 7, 100).unwrap_err(), StagingError::TooLarge(100));
        assert!(stage(&[b'a'; 100], 7, 100).is_ok());
    }

    #[test]
    fn a_file_that_grows_too_much_is_refused() {
        let grown = vec![b'a'; (GROWN + GROWN / 2) as usize];
        let dense = gzip(&grown);
        assert!((dense.len() as u64) < GROWN / MAX_GROWTH);
        assert_eq!(stage(&dense, 1 << 16, MAX_BYTES).unwrap_err(), StagingError::TooDense);
        // Less of the same is a table of equal rows, for all that anybody knows.
        assert!(stage(&gzip(&grown[..1 << 20]), 1 << 16, MAX_BYTES).is_ok());
    }

    #[test]
    fn gzip_may_have_members_and_must_be_whole() {
        let two = [gzip(b"email\n"), gzip(b"ada@example.com\n")].concat();
        for size in [1, 3, two.len()] {
            assert_eq!(stage(&two, size, MAX_BYTES).unwrap().1, b"email\nada@example.com\n");
        }
        let whole = gzip(b"email\nada@example.com\n");
        for length in 2..whole.len() {
            assert_eq!(stage(&whole[..length], 3, MAX_BYTES).unwrap_err(), StagingError::Damaged, "{length}");
        }
        let mut damaged = whole.clone();
        damaged[15] ^= 0xFF;
        assert_eq!(stage(&damaged, 3, MAX_BYTES).unwrap_err(), StagingError::Damaged);
        assert_eq!(stage(b"PK\x03\x04rest", 2, MAX_BYTES).unwrap_err(), StagingError::Archive);
    }
}
