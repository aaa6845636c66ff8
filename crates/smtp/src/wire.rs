//! A TCP connection whose server may not say too much, nor out of turn.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The most bytes that a server may send before the next command. An answer is far shorter; a handshake of TLS fits.
const MAX_ANSWER: usize = 256 * 1024;

/// The command after which the connection becomes one of TLS.
const STARTTLS: &[u8] = b"STARTTLS\r\n";

/// A connection as lettre reads and writes it.
///
/// lettre keeps what it has read beyond an answer. Bytes that an attacker appends to the answer to STARTTLS would be taken for answers
/// that came under TLS (CVE-2011-0411 and its relatives). Here they end the connection.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    read: usize,
    /// The answer to STARTTLS so far, while it is awaited.
    awaited: Option<Vec<u8>>,
}

impl Wire {
    pub(crate) const fn new(stream: TcpStream) -> Self {
        Self { stream, read: 0, awaited: None }
    }

    fn check(&mut self, bytes: &[u8]) -> io::Result<()> {
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
        Ok(())
    }
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

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        Poll::Ready(self.check(&buf.filled()[before..]))
    }
}

impl AsyncWrite for Wire {
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

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
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
}
