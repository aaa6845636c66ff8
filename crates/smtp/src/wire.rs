//! A connection to a mail server as lettre reads and writes it: answers of limited length, in turn, and in a form that it can read.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The most bytes that a server may send before the next command. An answer is far shorter.
const MAX_ANSWER: usize = 256 * 1024;

/// The command after which the connection becomes one of TLS.
const STARTTLS: &[u8] = b"STARTTLS\r\n";

/// A connection with or without TLS.
///
/// A client has to go by the code of an answer, whatever its text is, or whether it has any (RFC 5321, section 4.2). lettre reads neither a
/// text in another encoding than UTF-8 nor a code alone. If the answer to a message were not understood, the message would be sent again.
/// So each line is mended before lettre reads it.
///
/// lettre also keeps what it has read beyond an answer. Bytes that an attacker appends to the answer to STARTTLS end the connection here
/// (CVE-2011-0411 and its relatives).
#[derive(Debug)]
pub(crate) struct Wire<S> {
    stream: S,
    peer: SocketAddr,
    /// The bytes since the last command.
    read: usize,
    /// The line that has not come to its end.
    line: Vec<u8>,
    /// Mended lines, and how much of them was read.
    mended: Vec<u8>,
    taken: usize,
    /// The answer to STARTTLS so far, while it is awaited.
    awaited: Option<Vec<u8>>,
}

impl<S> Wire<S> {
    pub(crate) const fn new(stream: S, peer: SocketAddr) -> Self {
        Self { stream, peer, read: 0, line: Vec::new(), mended: Vec::new(), taken: 0, awaited: None }
    }

    /// A connection whose server has greeted already. lettre waits for a greeting, and after STARTTLS there is none.
    pub(crate) fn greeted(stream: S, peer: SocketAddr) -> Self {
        Self { mended: b"220 \r\n".to_vec(), ..Self::new(stream, peer) }
    }

    /// Takes bytes of the server.
    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.read += bytes.len();
        if self.read > MAX_ANSWER {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is too long"));
        }
        if let Some(answer) = &mut self.awaited {
            answer.extend_from_slice(bytes);
            if has_more_than_an_answer(answer) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the server says more than it was asked"));
            }
        }
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.mended.extend(mend(&self.line));
                self.line.clear();
            }
        }
        Ok(())
    }

    /// Hands mended bytes over. Returns whether there were any.
    fn hand_over(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let left = &self.mended[self.taken..];
        let fitting = &left[..left.len().min(buf.remaining())];
        buf.put_slice(fitting);
        let handed = fitting.len();
        self.taken += handed;
        if self.taken == self.mended.len() {
            self.mended.clear();
            self.taken = 0;
        }
        handed > 0
    }
}

/// Returns a line of an answer as lettre reads it: in UTF-8, with a space after a code that stands alone.
fn mend(line: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(line.trim_ascii_end());
    let is_bare = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    format!("{text}{}\r\n", if is_bare { " " } else { "" }).into_bytes()
}

/// Whether bytes follow the last line of an answer: the first line that has no hyphen after its code.
fn has_more_than_an_answer(bytes: &[u8]) -> bool {
    let mut lines = bytes.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
    let mut length = 0;
    let ended = lines.any(|line| {
        length += line.len();
        line.get(3) != Some(&b'-')
    });
    ended && length < bytes.len()
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while !self.hand_over(buf) {
            let mut space = [0; 1024];
            let mut bytes = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut bytes))?;
            if bytes.filled().is_empty() {
                // A line without an end is no answer.
                return Poll::Ready(Ok(()));
            }
            self.take(bytes.filled())?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.read = 0;
        self.awaited = (buf == STARTTLS).then(Vec::new);
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug> AsyncTokioStream for Wire<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

/// A TCP connection that lettre uses until STARTTLS. Then it is taken back.
#[derive(Debug, Clone)]
pub(crate) struct Lent(Arc<Mutex<TcpStream>>);

impl Lent {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self(Arc::new(Mutex::new(stream)))
    }

    /// Takes the connection back. `None` while somebody else has it.
    pub(crate) fn take_back(self) -> Option<TcpStream> {
        Arc::into_inner(self.0).map(|stream| stream.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn with<T>(&self, work: impl FnOnce(Pin<&mut TcpStream>) -> T) -> T {
        work(Pin::new(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl AsyncRead for Lent {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Lent {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_with_its_last_line() {
        for whole in ["", "220 ready\r\n", "220-wait\r\n220 ready\r\n", "220 rea", "220-wait\r\n", "220\r\n"] {
            assert!(!has_more_than_an_answer(whole.as_bytes()), "{whole:?}");
        }
        for more in
            ["220 ready\r\n2", "220 ready\r\n250-evil\r\n250 AUTH PLAIN\r\n", "220-wait\r\n220 ready\r\n250 ok\r\n", "220\r\n220 x\r\n"]
        {
            assert!(has_more_than_an_answer(more.as_bytes()), "{more:?}");
        }
    }

    #[test]
    fn a_line_keeps_its_code_whatever_its_text_is() {
        for (line, mended) in [
            (&b"250 2.0.0 ok\r\n"[..], "250 2.0.0 ok\r\n"),
            (b"250\r\n", "250 \r\n"),
            (b"250 \r\n", "250 \r\n"),
            (b"250\n", "250 \r\n"),
            (b"250-SIZE\r\n", "250-SIZE\r\n"),
            (b"250-\r\n", "250-\r\n"),
            (b"250 re\xe7u\r\n", "250 re\u{fffd}u\r\n"),
            (b"250 re\xc3\xa7u\r\n", "250 re\u{e7}u\r\n"),
            (b"no code\r\n", "no code\r\n"),
        ] {
            assert_eq!(String::from_utf8(mend(line)).unwrap(), mended);
        }
    }
}
