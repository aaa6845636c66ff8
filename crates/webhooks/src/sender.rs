//! The sender: one attempt over HTTP, with one deadline for all of it.

use std::error::Error as StdError;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use rally_domain::delivery::AttemptResult;
use rally_domain::error::Invalid;
use rally_domain::port::{WebhookMessage, WebhookSender};
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::WebhookUrl;
use rally_upstream::retry_after;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, redirect};
use rustls::CertificateError;
use time::Duration;
use tokio::time::{Instant, timeout_at};

use crate::guard::Exemptions;
use crate::names::Names;
use crate::sign::sign;

/// The most bytes of an answer's body that are read, so that a receiver cannot make this server read more.
const MAX_READ: usize = 4 * 1024;

/// How long a connection waits for the next delivery. Many servers close theirs after 5 s, and a delivery on a connection that is being
/// closed fails.
const IDLE: std::time::Duration = std::time::Duration::from_secs(4);

/// Sends deliveries with reqwest: no redirects, no proxies of the environment, no decompression, no retries of its own.
pub struct HttpSender {
    client: Client,
    exemptions: Arc<Exemptions>,
    names: Arc<Names>,
    deadline: std::time::Duration,
}

impl HttpSender {
    /// Creates a sender with this deadline for every attempt.
    ///
    /// # Errors
    /// If this machine has no TLS roots.
    pub fn new(exemptions: Exemptions, names: Names, deadline: Duration) -> Result<Self, reqwest::Error> {
        let (exemptions, names) = (Arc::new(exemptions), Arc::new(names));
        let client = Client::builder()
            .user_agent(concat!("Rally/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(GuardedResolver(exemptions.clone(), names.clone())))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .pool_idle_timeout(IDLE)
            .build()?;
        Ok(Self { client, exemptions, names, deadline: deadline.unsigned_abs() })
    }

    async fn attempt(&self, message: WebhookMessage, deadline: Instant) -> Outcome {
        // The resolver does not see a literal address, so it is checked here.
        if self.exemptions.allow_url(&message.url).is_err() {
            return Outcome::failed(BLOCKED);
        }
        let (id, seconds) = (message.id.to_string(), message.timestamp.unix_millis().div_euclid(1000));
        let signature = sign(&message.keys, &id, seconds, &message.body);
        let request = self
            .client
            .post(message.url.url().clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signature)
            .body(message.body);
        match timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => read(response, message.timestamp, deadline).await,
            Ok(Err(error)) => {
                let error = error.without_url();
                tracing::debug!(event = %message.id, cause = ?error, "a receiver gave no answer");
                Outcome::failed(explain(&error))
            }
            Err(_) => Outcome::failed(TIMED_OUT),
        }
    }
}

#[async_trait]
impl WebhookSender for HttpSender {
    async fn check(&self, url: &WebhookUrl) -> Result<(), Invalid> {
        self.exemptions.check(&self.names, url).await
    }

    async fn send(&self, message: WebhookMessage) -> AttemptResult {
        let started = Instant::now();
        let event = message.id;
        let outcome = self.attempt(message, started + self.deadline).await;
        let latency = Duration::try_from(started.elapsed()).unwrap_or(Duration::MAX);
        tracing::debug!(%event, status = outcome.status_code, error = outcome.error, millis = latency.whole_milliseconds(), "webhook tried");
        AttemptResult {
            status_code: outcome.status_code,
            response_body: outcome.body,
            error_message: outcome.error.map(str::to_owned),
            retry_after: outcome.retry_after,
            latency,
        }
    }
}

/// The result of an attempt.
#[derive(Default)]
struct Outcome {
    status_code: Option<u16>,
    body: Option<String>,
    error: Option<&'static str>,
    retry_after: Option<Duration>,
}

impl Outcome {
    fn failed(error: &'static str) -> Self {
        Self { error: Some(error), ..Self::default() }
    }
}

const BLOCKED: &str = "the address is not public";
const TIMED_OUT: &str = "timed out";

async fn read(mut response: Response, now: Timestamp, deadline: Instant) -> Outcome {
    let status = response.status().as_u16();
    let retry_after = if matches!(status, 429 | 503) { retry_after(response.headers(), now.instant()) } else { None };
    let mut bytes = Vec::new();
    let mut error = None;
    while bytes.len() < MAX_READ {
        match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) => bytes.extend_from_slice(&chunk[..chunk.len().min(MAX_READ - bytes.len())]),
            Ok(Ok(None)) => break,
            Ok(Err(_)) => {
                error = Some("the answer broke off");
                break;
            }
            Err(_) => {
                error = Some(TIMED_OUT);
                break;
            }
        }
    }
    Outcome { status_code: Some(status), body: text(&bytes), error, retry_after }
}

/// Returns the start of a body as text that can be stored and shown.
fn text(bytes: &[u8]) -> Option<String> {
    let mut text = String::from_utf8_lossy(bytes).replace('\0', "");
    let end = (0..=AttemptResult::MAX_BODY.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.truncate(end);
    (!text.is_empty()).then_some(text)
}

/// Returns why there is no answer, in words that a person who owns the receiver can act on.
fn explain(error: &reqwest::Error) -> &'static str {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(words) = words(error) {
            return words;
        }
        cause = error.source();
    }
    match error {
        error if error.is_timeout() => TIMED_OUT,
        error if error.is_connect() => "could not connect",
        _ => "the connection broke off",
    }
}

/// The words for one error of a chain, if it tells the cause.
fn words(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        // The source of an I/O error is that of the error inside, and not the error inside.
        let inside = error.get_ref().and_then(|inside| words(inside));
        return inside.or_else(|| (error.kind() == io::ErrorKind::ConnectionRefused).then_some("the connection was refused"));
    }
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(match error {
            rustls::Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
                "the certificate has expired"
            }
            rustls::Error::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }) => {
                "the certificate is for another name"
            }
            rustls::Error::InvalidCertificate(_) => "the certificate is not trusted",
            _ => "TLS failed",
        });
    }
    error.downcast_ref::<Refused>().map(|refused| match refused {
        Refused::NotPublic => BLOCKED,
        Refused::NoAddress => "the name has no address",
    })
}

/// Why no connection to a name is tried.
#[derive(Debug, thiserror::Error)]
enum Refused {
    /// The name resolves to an address that must not be reached.
    #[error("the name leads to an address that is not public")]
    NotPublic,
    /// The name has no address, or does not resolve in time.
    #[error("the name has no address")]
    NoAddress,
}

/// Resolves the name of every new connection, and refuses a name with even one address that is not allowed.
///
/// The client connects only to the addresses that were checked.
struct GuardedResolver(Arc<Exemptions>, Arc<Names>);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (exemptions, names) = (self.0.clone(), self.1.clone());
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = names.resolve(name.as_str()).await;
            if addresses.iter().any(|address| !exemptions.allows(address.ip())) {
                return Err(Refused::NotPublic.into());
            }
            if addresses.is_empty() {
                return Err(Refused::NoAddress.into());
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_kept_as_text_of_at_most_1024_bytes() {
        assert_eq!(text(b""), None);
        assert_eq!(text(b"a\0b\xff").as_deref(), Some("ab\u{fffd}"));
        assert_eq!(text("é".repeat(1000).as_bytes()).unwrap().len(), 1024);
        assert_eq!(text(&[b'x'; 4096]).unwrap().len(), 1024);
    }
}
