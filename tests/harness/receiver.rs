//! Receivers of webhooks: one that answers as it is told and remembers what it was sent, and some that misbehave.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A request that was received.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its method and target.
    pub line: String,
    /// Its headers, names in lower case.
    pub headers: HashMap<String, String>,
    /// Its body.
    pub body: String,
}

impl Received {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The event's id.
    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }
}

/// A receiver on a free port.
pub struct Receiver {
    /// Where it is.
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    answer: Arc<Mutex<String>>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// Starts one that answers 200.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let answer = Arc::new(Mutex::new(String::new()));
        let (store, script) = (received.clone(), answer.clone());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, store.clone(), script.clone()));
            }
        });
        let receiver = Self { url, received, answer, task };
        receiver.answer(200, "");
        receiver
    }

    /// Answers so from now on, with more header lines where any are given, each with its line break.
    pub fn answer(&self, status: u16, headers: &str) {
        *self.answer.lock().unwrap() = format!("HTTP/1.1 {status} Said\r\n{headers}content-length: 5\r\n\r\nhello");
    }

    /// What was received so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// What was received once there are that many, within half a minute.
    pub async fn wait_for(&self, number: usize) -> Vec<Received> {
        eventually(|| async { Some(self.received()).filter(|received| received.len() >= number) }).await
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a look gives once it gives something, within half a minute.
pub async fn eventually<T, F: Future<Output = Option<T>>>(mut look: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "it did not happen within half a minute");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn serve(mut stream: TcpStream, received: Arc<Mutex<Vec<Received>>>, answer: Arc<Mutex<String>>) {
    while let Some(request) = read(&mut stream).await {
        received.lock().unwrap().push(request);
        let answer = answer.lock().unwrap().clone();
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Reads one request; `None` when the connection ended.
pub async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut lines = text.lines();
    let line = lines.next()?.to_owned();
    let headers: HashMap<String, String> =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let length: usize = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while bytes.len() < head + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[head + 4..head + 4 + length].to_vec()).unwrap();
    Some(Received { line, headers, body })
}

/// Ways to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misbehaviour {
    /// Resets the connection in place of an answer.
    Reset,
    /// Never answers.
    Hang,
    /// Answers in something else than HTTP.
    Garbage,
    /// Begins an answer and goes on a byte at a time.
    Drip,
    /// Announces a gigabyte and begins to send it.
    Flood,
    /// Announces more than it sends.
    BreakOff,
}

/// Starts a receiver that misbehaves; gives its URL and what to abort in the end.
pub async fn misbehave(how: Misbehaviour) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                read(&mut stream).await;
                // Whoever was called hangs up when it has had enough.
                act(&mut stream, how).await.unwrap_or_default();
            });
        }
    });
    (url, task)
}

async fn act(stream: &mut TcpStream, how: Misbehaviour) -> std::io::Result<()> {
    match how {
        Misbehaviour::Reset => stream.set_zero_linger(),
        Misbehaviour::Hang => std::future::pending().await,
        Misbehaviour::Garbage => stream.write_all(b"220 mail.example ESMTP\r\n").await,
        Misbehaviour::Drip => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await?;
            loop {
                stream.write_all(b"x").await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Misbehaviour::Flood => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n").await?;
            loop {
                stream.write_all(&[b'x'; 65_536]).await?;
            }
        }
        Misbehaviour::BreakOff => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly this").await,
    }
}
