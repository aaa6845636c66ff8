//! Receivers of webhooks: one that answers as it is told and remembers what it was sent, and some that misbehave.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rally_fakes::http;
pub use rally_fakes::http::{Misbehaviour, Request as Received, read};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A receiver on a free port.
pub struct Receiver {
    /// Where it is.
    pub url: String,
    received: Arc<Mutex<Vec<Received>>>,
    answer: Arc<Mutex<String>>,
    /// How long an answer takes.
    latency: Arc<Mutex<Duration>>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// Starts one that answers 200.
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

    /// Answers so from now on, with more header lines where any are given, each with its line break.
    pub fn answer(&self, status: u16, headers: &str) {
        *self.answer.lock().unwrap() = format!("HTTP/1.1 {status} Said\r\n{headers}content-length: 5\r\n\r\nhello");
    }

    /// Takes that long for every answer from now on.
    pub fn take(&self, latency: Duration) {
        *self.latency.lock().unwrap() = latency;
    }

    /// How many requests have come once those that were on their way are here.
    pub async fn settled(&self) -> usize {
        tokio::time::sleep(Duration::from_millis(50)).await;
        self.received().len()
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
                http::misbehave(&mut stream, how).await.unwrap_or_default();
            });
        }
    });
    (url, task)
}
