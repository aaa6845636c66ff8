//! Stand-ins of the services that Rally calls, of an identity provider, of a mail server, and of a name server.
//!
//! They are as strict as the services: they require their key, their required fields, and one body per idempotency key. They return lists
//! in pages. On demand they misbehave in every way that a network can.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod captcha;
mod dns;
mod envoi;
mod heimdall;
pub mod http;
mod oidc;
mod smtp;

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub use captcha::SiteVerify;
pub use dns::{FakeDns, Zone};
pub use envoi::{Domain, Envoi, Sent};
pub use heimdall::{Heimdall, Invite};
pub use oidc::{CLIENT_ID as OIDC_CLIENT_ID, CLIENT_SECRET as OIDC_CLIENT_SECRET, IdProvider, Sign};
pub use smtp::{FakeSmtp, Received, SmtpAct, SmtpOptions, SmtpStep, SmtpTls};

use crate::http::{Answer, Misbehaviour, Request};

/// How a service handles requests.
pub trait Service: Send + 'static {
    /// Answers a request.
    fn answer(&mut self, request: &Request) -> Answer;

    /// A line about a request for a person who watches, if it is worth one.
    fn tell(&self, request: &Request, answer: &Answer) -> Option<String>;
}

/// A service on a port of its own.
pub struct Fake<S> {
    /// Its base URL.
    pub base: String,
    service: Arc<Mutex<S>>,
    misbehaviour: Arc<Mutex<Option<Misbehaviour>>>,
    requests: Arc<Mutex<Vec<Request>>>,
    task: JoinHandle<()>,
}

/// Receives the lines about requests.
pub type Tell = fn(&str);

impl<S: Service> Fake<S> {
    /// Starts a service on a free port.
    pub async fn start(service: S) -> Self {
        Self::start_on("127.0.0.1:0", service, |_| ()).await
    }

    /// Starts a service on an address, with a function for the lines about its requests.
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

    /// The state of the service.
    pub fn state(&self) -> MutexGuard<'_, S> {
        self.service.lock().unwrap()
    }

    /// Makes the service misbehave from now on, or with `None` behave again.
    pub fn misbehave(&self, how: Option<Misbehaviour>) {
        *self.misbehaviour.lock().unwrap() = how;
    }

    /// All requests so far, answered or not.
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
                    // Most misbehaviours spoil the connection. A complete answer leaves it open.
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
