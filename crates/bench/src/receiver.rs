//! A receiver that costs almost nothing: it finds the end of each request and answers 200.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

/// How a receiver answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// At once.
    Fast,
    /// Never.
    Hangs,
}

/// A receiver on a free port.
pub(crate) struct Receiver {
    /// Its URL.
    pub(crate) url: String,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    at: Mutex<Vec<Instant>>,
    more: Notify,
}

impl Receiver {
    /// Starts a receiver.
    pub(crate) async fn start(pace: Pace) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        let seen = Arc::new(Seen::default());
        let store = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, pace, Some(store.clone())));
            }
        });
        Ok(Self { url, seen, task })
    }

    /// Waits for the request of a number, from 1, and returns when it arrived.
    pub(crate) async fn wait_for(&self, number: usize) -> Instant {
        loop {
            let more = self.seen.more.notified();
            if let Some(at) = self.seen.at.lock().unwrap_or_else(PoisonError::into_inner).get(number - 1) {
                return *at;
            }
            more.await;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Receives at an address until the process ends.
///
/// # Errors
/// If the address cannot be listened on.
pub(crate) async fn receive(bind: &str) -> io::Result<()> {
    let listener = TcpListener::bind(bind).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream, Pace::Fast, None));
    }
}

async fn serve(mut stream: TcpStream, pace: Pace, seen: Option<Arc<Seen>>) {
    let mut bytes = Vec::new();
    loop {
        let Some(end) = end_of_request(&bytes) else {
            match stream.read_buf(&mut bytes).await {
                Ok(1..) => continue,
                Ok(0) | Err(_) => return,
            }
        };
        bytes.drain(..end);
        if let Some(seen) = &seen {
            seen.at.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
            seen.more.notify_waiters();
        }
        if pace == Pace::Hangs {
            std::future::pending::<()>().await;
        }
        if stream.write_all(ANSWER).await.is_err() {
            return;
        }
    }
}

fn end_of_request(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).and_then(|length| length.parse::<usize>().ok());
    let end = head + length.unwrap_or(0);
    (bytes.len() >= end).then_some(end)
}
