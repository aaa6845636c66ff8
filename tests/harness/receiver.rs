//! Receivers of webhooks: one that gives set answers and records its requests, and some that misbehave.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rally_fakes::http;
pub use rally_fakes::http::{Misbehaviour, Request as Received, read};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::document;

/// A receiver on a free port.
pub struct Receiver {
    /// The URL for a webhook.
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    answer: Arc<Mutex<String>>,
    /// How long an answer takes.
    latency: Arc<Mutex<Duration>>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// Starts a receiver that answers 200.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let answer = Arc::new(Mutex::new(String::new()));
        let latency = Arc::new(Mutex::new(Duration::ZERO));
        let (store, script, pace) = (received.clone(), answer.clone(), latency.clone());
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, store.clone(), script.clone(), pace.clone()));
            }
        });
        let receiver = Self { url, received, answer, latency, task };
        receiver.answer(200, "");
        receiver
    }

    /// Sets the answer from now on. Each of the further header lines ends with a line break.
    pub fn answer(&self, status: u16, headers: &str) {
        self.say(status, headers, "hello");
    }

    /// Sets the answer and its body from now on.
    pub fn say(&self, status: u16, headers: &str, body: &str) {
        *self.answer.lock().unwrap() = format!("HTTP/1.1 {status} Said\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
    }

    /// Sets the time that every answer takes from now on.
    pub fn take(&self, latency: Duration) {
        *self.latency.lock().unwrap() = latency;
    }

    /// The number of requests, 50 ms from now, when those on their way have arrived.
    pub async fn settled(&self) -> usize {
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.received().len()
    }

    /// The requests so far. Each event is as the OpenAPI document says.
    pub fn received(&self) -> Vec<Received> {
        let received = self.received.lock().unwrap().clone();
        let is_event = |request: &&Received| request.header("webhook-id").is_some();
        received.iter().filter(is_event).for_each(|request| document::check_event(&request.json()));
        received
    }

    /// Waits for at least so many requests, for 30 s at most, and returns them.
    pub async fn wait_for(&self, number: usize) -> Vec<Received> {
        eventually(|| async { Some(self.received()).filter(|received| received.len() >= number) }).await
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Calls a function until it returns a value, for 30 s at most.
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

async fn serve(mut stream: TcpStream, received: Arc<Mutex<Vec<Received>>>, answer: Arc<Mutex<String>>, latency: Arc<Mutex<Duration>>) {
    while let Some(request) = read(&mut stream).await {
        received.lock().unwrap().push(request);
        let latency = *latency.lock().unwrap();
        tokio::time::sleep(latency).await;
        let answer = answer.lock().unwrap().clone();
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Starts a receiver that misbehaves. Returns its URL, and the task to abort in the end.
pub async fn misbehave(how: Misbehaviour) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                read(&mut stream).await;
                // Rally closes the connection when it has waited long enough.
                http::misbehave(&mut stream, how).await.unwrap_or_default();
            });
        }
    });
    (url, task)
}
