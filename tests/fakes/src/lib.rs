//! Stand-ins for the services that Rally calls, no kinder than those: they want their key, their required fields and one body
//! for one idempotency key, they page, and on demand they misbehave in every way a network and a bad day allow.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod captcha;
mod envoi;
mod heimdall;
pub mod http;

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub use captcha::SiteVerify;
pub use envoi::{Domain, Envoi, Sent};
pub use heimdall::{Heimdall, Invite};

use crate::http::{Answer, Misbehaviour, Request};

/// What a service does with a request.
pub trait Service: Send + 'static {
    /// Answers it.
    fn answer(&mut self, request: &Request) -> Answer;

    /// What a person who watches would want to know of it.
    fn tell(&self, request: &Request, answer: &Answer) -> Option<String>;
}

/// A service on a port of its own.
pub struct Fake<S> {
    /// Where it is.
    pub base: String,
    service: Arc<Mutex<S>>,
    misbehaviour: Arc<Mutex<Option<Misbehaviour>>>,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

/// What is done with what a fake tells.
pub type Tell = fn(&str);

impl<S: Service> Fake<S> {
    /// Starts one on a free port.
    pub async fn start(service: S) -> Self {
        Self::start_on("127.0.0.1:0", service, |_| ()).await
    }

    /// Starts one on an address, and tells what happens.
    pub async fn start_on(address: &str, service: S, tell: Tell) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (service, misbehaviour, requests) = (Arc::new(Mutex::new(service)), Arc::default(), Arc::default());
        let connection =
            Connection { service: service.clone(), misbehaviour: Arc::clone(&misbehaviour), requests: Arc::clone(&requests), tell };
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(connection.clone().serve(stream));
            }
        });
        Self { base, service, misbehaviour, requests, task }
    }

    /// What it knows and what it has done.
    pub fn state(&self) -> MutexGuard<'_, S> {
        self.service.lock().unwrap()
    }

    /// Misbehaves from now on, or behaves again.
    pub fn misbehave(&self, how: Option<Misbehaviour>) {
        *self.misbehaviour.lock().unwrap() = how;
    }

    /// All requests so far, whatever became of them.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl<S> Drop for Fake<S> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Connection<S> {
    service: Arc<Mutex<S>>,
    misbehaviour: Arc<Mutex<Option<Misbehaviour>>>,
    requests: Arc<Mutex<Vec<Request>>>,
    tell: Tell,
}

impl<S> Clone for Connection<S> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), misbehaviour: self.misbehaviour.clone(), requests: self.requests.clone(), tell: self.tell }
    }
}

impl<S: Service> Connection<S> {
    async fn serve(self, mut stream: TcpStream) {
        while let Some(request) = http::read(&mut stream).await {
            self.requests.lock().unwrap().push(request.clone());
            let how = *self.misbehaviour.lock().unwrap();
            match how {
                None | Some(Misbehaviour::Late(_)) => {
                    if let Some(how) = how
                        && http::misbehave(&mut stream, how).await.is_err()
                    {
                        return;
                    }
                    let answer = self.answer(&request);
                    if http::write(&mut stream, &answer).await.is_err() {
                        return;
                    }
                }
                Some(how) => {
                    if how == Misbehaviour::Lose {
                        self.answer(&request);
                    }
                    // Whoever called hangs up when it has had enough; a whole answer leaves the connection as it was.
                    let whole = matches!(how, Misbehaviour::WrongPage | Misbehaviour::Status(_) | Misbehaviour::TooMany(_));
                    if http::misbehave(&mut stream, how).await.is_err() || !whole {
                        return;
                    }
                }
            }
        }
    }

    fn answer(&self, request: &Request) -> Answer {
        let mut service = self.service.lock().unwrap();
        let answer = service.answer(request);
        if let Some(line) = service.tell(request, &answer) {
            (self.tell)(&line);
        }
        answer
    }
}
