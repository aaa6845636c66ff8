//! The part of HTTP/1.1 that a stand-in needs, and the ways to get it wrong.

use std::collections::HashMap;
use std::time::Duration;

pub use rally_contracts::remote::Misbehaviour;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request that was received.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its method and target.
    pub line: String,
    /// Its headers, with names in lower case.
    pub headers: HashMap<String, String>,
    /// Its body.
    pub body: String,
}

impl Request {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The id of the event, in a request to a webhook.
    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    /// Its method, the decoded segments of its path, and its query.
    pub fn parts(&self) -> (String, Vec<String>, HashMap<String, String>) {
        let mut words = self.line.split(' ');
        let (method, target) = (words.next().unwrap().to_owned(), words.next().unwrap());
        let url = url::Url::parse(&format!("http://fake{target}")).unwrap();
        let decode = |segment: &str| {
            let pair = format!("={}", segment.replace('+', "%2B"));
            url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        let segments = url.path_segments().unwrap().map(decode).collect();
        (method, segments, url.query_pairs().into_owned().collect())
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// More header lines, each with its line break.
    pub headers: String,
    /// Its body.
    pub body: String,
}

impl Answer {
    /// An answer with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: "content-type: application/json\r\n".to_owned(), body: body.to_string() }
    }

    /// A refusal in the envelope that Envoi and Heimdall share.
    pub fn refuse(status: u16, message: &str) -> Self {
        Self::json(status, &json!({ "statusCode": status, "message": message }))
    }

    /// Adds a header line.
    #[must_use]
    pub fn with(mut self, header: &str) -> Self {
        self.headers.push_str(header);
        self.headers.push_str("\r\n");
        self
    }
}

/// Reads one request. `None` if the connection has ended.
pub async fn read(stream: &mut TcpStream) -> Option<Request> {
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
    let body = String::from_utf8_lossy(&bytes[head + 4..head + 4 + length]).into_owned();
    Some(Request { line, headers, body })
}

/// Writes an answer.
///
/// # Errors
/// If the other side has closed the connection.
pub async fn write(stream: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
    let Answer { status, headers, body } = answer;
    let length = body.len();
    stream.write_all(format!("HTTP/1.1 {status} Said\r\n{headers}content-length: {length}\r\n\r\n{body}").as_bytes()).await
}

/// A text of an upstream, which must reach no client and no log.
pub const PRIVATE: &str = "private words of an upstream";

/// Misbehaves once on a connection.
///
/// # Errors
/// If the other side has closed the connection.
pub async fn misbehave(stream: &mut TcpStream, how: Misbehaviour) -> std::io::Result<()> {
    let html = |status: u16, headers: &str| Answer {
        status,
        headers: format!("content-type: text/html\r\n{headers}"),
        body: format!("<html>{PRIVATE}</html>"),
    };
    match how {
        Misbehaviour::Reset => stream.set_zero_linger(),
        Misbehaviour::Hang | Misbehaviour::Lose => std::future::pending().await,
        Misbehaviour::Late(delay) => {
            tokio::time::sleep(delay).await;
            Ok(())
        }
        Misbehaviour::Garbage => stream.write_all(b"220 mail.example ESMTP\r\n").await,
        Misbehaviour::WrongPage => write(stream, &html(200, "")).await,
        Misbehaviour::Status(status) => write(stream, &html(status, "")).await,
        Misbehaviour::TooMany(seconds) => write(stream, &html(429, &format!("retry-after: {seconds}\r\n"))).await,
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
