//! Reads a form with a file, as browsers send it (RFC 7578): fields, and then the file in pieces of any size.

use actix_web::web::{Bytes, BytesMut};
use memchr::memmem;

use super::Pieces;
use crate::http::error::{ApiError, Code};

/// The most bytes of the head of a part.
const MAX_HEAD: usize = 8 * 1024;

/// The most characters of a boundary (RFC 2046, section 5.1.1).
const MAX_BOUNDARY: usize = 70;

/// The most bytes that are read to their end for nobody, so that a browser shows why its file was refused.
const MAX_DRAINED: usize = 64 * 1024 * 1024;

/// The parts of a form, in their order.
pub struct Parts {
    pieces: Pieces,
    split: Split,
}

impl Parts {
    /// The parts of a body with a type such as `multipart/form-data; boundary=x`.
    pub(super) fn new(pieces: Pieces, content_type: &str) -> Result<Self, ApiError> {
        let boundary = parameter(content_type, "boundary").filter(|boundary| (1..=MAX_BOUNDARY).contains(&boundary.len()));
        let boundary = boundary.ok_or_else(|| malformed("the form has no boundary"))?;
        Ok(Self { pieces, split: Split::new(&boundary) })
    }

    /// Goes on to the next part, past what is left of the current one. Returns its name, or `None` at the end.
    ///
    /// # Errors
    /// 400 if the body is no form, 408 if nothing arrives.
    pub async fn next(&mut self) -> Result<Option<String>, ApiError> {
        while self.piece().await?.is_some() {}
        loop {
            match self.split.head()? {
                Head::Named(name) => return Ok(Some(name)),
                Head::End => return Ok(None),
                Head::Incomplete => self.read().await?,
            }
        }
    }

    /// Returns the next piece of the part, or `None` at its end.
    ///
    /// # Errors
    /// 400 if the body ends in the part, 408 if nothing arrives.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            match self.split.piece() {
                Piece::Some(piece) => return Ok(Some(piece)),
                Piece::End => return Ok(None),
                Piece::Incomplete => self.read().await?,
            }
        }
    }

    /// Reads the rest of the part as text, whose lines end with `\n`.
    ///
    /// # Errors
    /// 413 if it has more than `limit` bytes.
    pub async fn text(&mut self, limit: usize) -> Result<String, ApiError> {
        let mut text = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            if text.len() + piece.len() > limit {
                return Err(ApiError::new(Code::PayloadTooLarge, format!("a field must be at most {limit} bytes")));
            }
            text.extend_from_slice(&piece);
        }
        Ok(String::from_utf8_lossy(&text).replace("\r\n", "\n"))
    }

    /// Reads what is left, up to a limit. A browser that still sends shows no answer.
    pub async fn drain(&mut self) {
        let mut drained = 0;
        while drained < MAX_DRAINED
            && let Ok(Some(piece)) = self.pieces.next().await
        {
            drained += piece.len();
        }
    }

    async fn read(&mut self) -> Result<(), ApiError> {
        let piece = self.pieces.next().await?.ok_or_else(|| ApiError::new(Code::BadRequest, "the body ended too early"))?;
        self.split.buffer.extend_from_slice(&piece);
        Ok(())
    }
}

fn malformed(message: &'static str) -> ApiError {
    ApiError::new(Code::BadRequest, message)
}

/// Finds the parts of a form in bytes that arrive in pieces. It holds the head of a part, or as much as may be the start of a delimiter.
struct Split {
    delimiter: Vec<u8>,
    buffer: BytesMut,
    /// Whether the buffer begins in a part. Before the first part, it does.
    is_inside: bool,
}

enum Head {
    Named(String),
    End,
    Incomplete,
}

enum Piece {
    Some(Bytes),
    End,
    Incomplete,
}

impl Split {
    fn new(boundary: &str) -> Self {
        // The first delimiter follows no line. What comes before it is a part that nobody reads.
        Self { delimiter: format!("\r\n--{boundary}").into_bytes(), buffer: BytesMut::from("\r\n"), is_inside: true }
    }

    fn piece(&mut self) -> Piece {
        if !self.is_inside {
            return Piece::End;
        }
        match memmem::find(&self.buffer, &self.delimiter) {
            Some(0) => {
                drop(self.buffer.split_to(self.delimiter.len()));
                self.is_inside = false;
                Piece::End
            }
            Some(at) => Piece::Some(self.buffer.split_to(at).freeze()),
            None => match self.buffer.len().saturating_sub(self.delimiter.len() - 1) {
                0 => Piece::Incomplete,
                sure => Piece::Some(self.buffer.split_to(sure).freeze()),
            },
        }
    }

    /// Reads the head of the part behind a delimiter.
    fn head(&mut self) -> Result<Head, ApiError> {
        if self.buffer.starts_with(b"--") {
            return Ok(Head::End);
        }
        let Some(end) = memmem::find(&self.buffer, b"\r\n\r\n") else {
            return if self.buffer.len() > MAX_HEAD { Err(malformed("a part of the form has a large head")) } else { Ok(Head::Incomplete) };
        };
        let head = self.buffer.split_to(end + 4);
        self.is_inside = true;
        name_of(&String::from_utf8_lossy(&head)).map(Head::Named).ok_or_else(|| malformed("a part of the form has no name"))
    }
}

/// Returns the name of the field that a part belongs to.
fn name_of(head: &str) -> Option<String> {
    let value = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then(|| value.trim().to_owned())
    };
    let disposition = head.split("\r\n").find_map(value)?;
    parameter(&disposition, "name").filter(|_| disposition.starts_with("form-data"))
}

/// Returns a parameter of a header such as `form-data; name="file"`.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let (_, mut rest) = header.split_once(';')?;
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let (value, after) = after.split_once(';').unwrap_or((after, ""));
                (value.trim().to_owned(), after)
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after.trim_start().trim_start_matches(';');
    }
}

/// Reads a quoted text up to its end. Returns the rest too.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut is_escaped) = (String::new(), false);
    for (index, letter) in text.char_indices() {
        match letter {
            '"' if !is_escaped => return Some((value, &text[index + 1..])),
            '\\' if !is_escaped => is_escaped = true,
            _ => {
                value.push(letter);
                is_escaped = false;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "ignored\r\n--x\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\ntoken\r\n--x\r\n\
        content-disposition: form-data; name=\"map\"\r\nContent-Type: text/plain\r\n\r\na\r\n--y\r\n\r\n--x\r\n\
        Content-Disposition: form-data; filename=\"a;name=\\\"b\\\".csv\"; name=\"file\"\r\n\r\n\r\n--\r\n-x-\r\n\r\n--x--\r\nafter";

    /// Reads a form that arrives in pieces of a size.
    fn read(form: &[u8], size: usize) -> Result<Vec<(String, Vec<u8>)>, String> {
        let (mut split, mut parts) = (Split::new("x"), Vec::<(String, Vec<u8>)>::new());
        for piece in form.chunks(size) {
            split.buffer.extend_from_slice(piece);
            loop {
                match split.piece() {
                    Piece::Some(piece) => {
                        if let Some((_, content)) = parts.last_mut() {
                            content.extend_from_slice(&piece);
                        }
                    }
                    Piece::Incomplete => break,
                    Piece::End => match split.head().map_err(|error| error.message)? {
                        Head::Named(name) => parts.push((name, Vec::new())),
                        Head::Incomplete => break,
                        Head::End => return Ok(parts),
                    },
                }
            }
        }
        Err("incomplete".to_owned())
    }

    #[test]
    fn parts_are_the_same_however_they_arrive() {
        let expected = [("csrf", "token"), ("map", "a\r\n--y\r\n"), ("file", "\r\n--\r\n-x-\r\n")];
        let expected: Vec<(String, Vec<u8>)> = expected.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).to_vec();
        for size in [1, 2, 3, 5, 7, 64, 1000] {
            assert_eq!(read(FORM.as_bytes(), size), Ok(expected.clone()), "{size}");
        }
    }

    #[test]
    fn a_form_that_is_cut_off_or_broken_has_no_end() {
        for end in 0..FORM.len() - 12 {
            assert!(read(&FORM.as_bytes()[..end], 7).is_err(), "{end}");
        }
        for head in [
            "Content-Disposition: form-data",
            "Content-Disposition: attachment; name=\"a\"",
            "X: y",
            "Content-Disposition: form-data; name=\"a",
        ] {
            let form = format!("--x\r\n{head}\r\n\r\na\r\n--x--");
            assert_eq!(read(form.as_bytes(), 9), Err("a part of the form has no name".to_owned()), "{head}");
        }
        let large = format!("--x\r\nX: {}\r\n\r\n\r\n--x--", "y".repeat(MAX_HEAD));
        assert_eq!(read(large.as_bytes(), 100), Err("a part of the form has a large head".to_owned()));
    }

    #[test]
    fn a_boundary_is_a_parameter() {
        for (header, boundary) in [
            ("multipart/form-data; boundary=x", Some("x")),
            ("multipart/form-data; charset=utf-8; Boundary=\"a b\"", Some("a b")),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=\"a", None),
        ] {
            assert_eq!(parameter(header, "boundary").as_deref(), boundary, "{header}");
        }
    }

    proptest::proptest! {
        /// What arrives is taken apart without a panic, and to the byte.
        #[test]
        fn any_file_is_read_to_the_byte(content: Vec<u8>, size in 1_usize..40) {
            proptest::prop_assume!(memmem::find(&content, b"\r\n--x").is_none());
            let head = b"--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n";
            let form = [head, &*content, b"\r\n--x--\r\n"].concat();
            proptest::prop_assert_eq!(read(&form, size), Ok(vec![("file".to_owned(), content)]));
        }

        #[test]
        fn no_bytes_break_it(bytes: Vec<u8>, size in 1_usize..40) {
            drop(read(&bytes, size));
            let _ = parameter(&String::from_utf8_lossy(&bytes), "name");
        }
    }
}
