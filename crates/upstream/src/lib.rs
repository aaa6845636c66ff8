//! The HTTP client of Rally's upstreams: a base URL, a key and a deadline, and answers of limited time and size.
//!
//! What is not here: the meaning of an upstream's answers, and its retries. An operator chooses the upstreams, so unlike receivers of
//! webhooks they may have private addresses. The client follows neither redirects nor proxies of the environment, because both would reveal
//! the key.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::SystemTime;

use rally_domain::error::RemoteError;
use rally_domain::port::Clock;
use rally_domain::queue::RetrySchedule;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Response, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use time::{Duration, OffsetDateTime};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// The most bytes of an answer that are read.
pub const MAX_ANSWER: usize = 1024 * 1024;

/// An upstream.
#[derive(Clone)]
pub struct Upstream {
    name: &'static str,
    base: Url,
    key: Option<SecretString>,
    deadline: std::time::Duration,
    clock: Arc<dyn Clock>,
    client: Client,
    /// The places of requests, if their number is limited.
    places: Option<Arc<Semaphore>>,
}

/// The complete answer of an upstream.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// How long the upstream asks Rally to wait.
    pub retry_after: Option<Duration>,
    service: &'static str,
    body: Vec<u8>,
}

impl Upstream {
    /// Creates the client of an upstream at an http or https URL, with a deadline for a whole request.
    ///
    /// The client sends the key as a bearer token (RFC 6750).
    ///
    /// # Errors
    /// If this machine has no TLS roots.
    pub fn new(
        name: &'static str,
        base: Url,
        key: Option<SecretString>,
        deadline: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .user_agent(concat!("Rally/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .build()?;
        Ok(Self { name, base, key, deadline: deadline.unsigned_abs(), clock, client, places: None })
    }

    /// Limits the requests at once. If so many wait for an answer, others fail without being sent. So an upstream that does not answer
    /// cannot take all places of those who wait for something else.
    #[must_use]
    pub fn at_most(self, requests: usize) -> Self {
        Self { places: Some(Arc::new(Semaphore::new(requests))), ..self }
    }

    /// Returns a request to a path below the base, with each segment encoded.
    ///
    /// Returns `None` for a segment that would not stay one: `.` and `..` change the path, and an empty segment adds none.
    pub fn request(&self, method: Method, segments: &[&str]) -> Option<RequestBuilder> {
        if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            return None;
        }
        let mut url = self.base.clone();
        url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
        let request = self.client.request(method, url);
        Some(match &self.key {
            Some(key) => request.bearer_auth(key.expose_secret()),
            None => request,
        })
    }

    /// Returns a POST request to the base itself.
    pub fn post_to_base(&self) -> RequestBuilder {
        self.client.post(self.base.clone())
    }

    /// Sends a request and reads the answer, whatever its status.
    ///
    /// # Errors
    /// If there is no complete answer in time, it is larger than [`MAX_ANSWER`], or too many others wait for one.
    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, RemoteError> {
        let place = self.places.as_ref().map(|places| places.try_acquire());
        let _place = place.transpose().map_err(|_| RemoteError::failed(self.name, "too many requests wait for its answers"))?;
        let started = Instant::now();
        let answer = match timeout_at(started + self.deadline, self.exchange(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(RemoteError::TimedOut { service: self.name }),
        };
        self.measure(&answer, started.elapsed());
        answer
    }

    fn measure(&self, answer: &Result<Answer, RemoteError>, took: std::time::Duration) {
        let outcome = match answer {
            Ok(Answer { status: 200..=299, .. }) => "ok",
            Ok(Answer { status: 400..=499, .. }) => "refused",
            Ok(_) | Err(RemoteError::Failed { .. } | RemoteError::KeyRefused { .. }) => "failed",
            Err(RemoteError::TimedOut { .. }) => "timed_out",
        };
        metrics::counter!("rally_upstream_requests_total", "service" => self.name, "outcome" => outcome).increment(1);
        metrics::histogram!("rally_upstream_request_duration_seconds", "service" => self.name).record(took.as_secs_f64());
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<Answer, RemoteError> {
        let failed = |error: reqwest::Error| RemoteError::failed(self.name, Cause::from(error));
        let mut response: Response = request.send().await.map_err(failed)?;
        let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers(), self.clock.now().instant()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(RemoteError::failed(self.name, Cause(format!("the answer is larger than {MAX_ANSWER} bytes"))));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, retry_after, service: self.name, body })
    }
}

impl Answer {
    /// Reads the body as JSON.
    ///
    /// # Errors
    /// If the body does not fit the type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, RemoteError> {
        // The parser's error is not shown, because it may quote the body.
        let malformed = |error: serde_json::Error| Cause(format!("the answer cannot be read at its line {}", error.line()));
        serde_json::from_slice(&self.body).map_err(|error| RemoteError::failed(self.service, malformed(error)))
    }

    /// Turns an unexpected answer into an error: a refused key, or a failure that may pass.
    pub fn into_error(self) -> RemoteError {
        if self.status == 401 {
            return RemoteError::KeyRefused { service: self.service };
        }
        let cause = Cause(format!("the answer has status {}", self.status));
        RemoteError::Failed { service: self.service, retry_after: self.retry_after, cause: cause.into() }
    }
}

/// Reads `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3).
///
/// The result is at most [`RetrySchedule::MAX_RETRY_AFTER`]. A longer time, in any number of digits, counts as this maximum.
pub fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let asked = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // A number of only digits that does not fit is too large.
        value.parse::<u32>().map_or(Duration::MAX, |seconds| Duration::seconds(seconds.into()))
    } else {
        let date: SystemTime = httpdate::parse_http_date(value).ok()?;
        (OffsetDateTime::from(date) - now).max(Duration::ZERO)
    };
    Some(asked.min(RetrySchedule::MAX_RETRY_AFTER))
}

/// The cause of a failure, without URLs, keys or bodies.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Cause(String);

impl From<reqwest::Error> for Cause {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut line = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            line = format!("{line}: {error}");
            cause = error.source();
        }
        Self(line)
    }
}

#[cfg(test)]
mod tests {
    use rally_domain::timestamp::Timestamp;
    use reqwest::header::HeaderValue;

    use super::*;

    struct Never;

    impl Clock for Never {
        fn now(&self) -> Timestamp {
            Timestamp::new(OffsetDateTime::UNIX_EPOCH)
        }
    }

    fn path(base: &str, segments: &[&str]) -> Option<String> {
        let upstream = Upstream::new("test", Url::parse(base).unwrap(), None, Duration::SECOND, Arc::new(Never)).unwrap();
        let request = upstream.request(Method::GET, segments)?.build().unwrap();
        Some(request.url().as_str().to_owned())
    }

    #[test]
    fn a_segment_stays_one_segment() {
        assert_eq!(path("http://x/api", &["v1", "a/b?c#d e"]).as_deref(), Some("http://x/api/v1/a%2Fb%3Fc%23d%20e"));
        assert_eq!(path("http://x/", &["v1", "ü"]).as_deref(), Some("http://x/v1/%C3%BC"));
        for bad in ["", ".", ".."] {
            assert_eq!(path("http://x", &["v1", bad]), None);
        }
    }

    #[tokio::test]
    async fn one_request_too_many_fails_without_being_sent() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = Url::parse(&format!("http://{}", silent.local_addr().unwrap())).unwrap();
        let upstream = Upstream::new("test", base, None, Duration::seconds(60), Arc::new(Never)).unwrap().at_most(1);
        let waiting = tokio::spawn({
            let upstream = upstream.clone();
            async move { upstream.send(upstream.post_to_base()).await.map(|_| ()) }
        });
        let (_held, _) = silent.accept().await.unwrap();
        let refused = upstream.send(upstream.post_to_base()).await;
        assert!(matches!(refused, Err(RemoteError::Failed { .. })), "{refused:?}");
        waiting.abort();
        assert!(waiting.await.is_err());
        // Whoever goes away gives the place back.
        let next = tokio::time::timeout(std::time::Duration::from_millis(200), upstream.send(upstream.post_to_base())).await;
        assert!(next.is_err(), "{next:?}");
    }

    #[test]
    fn retry_after_is_in_seconds_or_a_date() {
        let now = Timestamp::parse("2026-01-31T09:00:00Z").unwrap().instant();
        let asked = |value: &'static str| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]), now);
        assert_eq!(asked("120"), Some(Duration::seconds(120)));
        assert_eq!(asked("Sat, 31 Jan 2026 09:01:00 GMT"), Some(Duration::seconds(60)));
        assert_eq!(asked("Sat, 31 Jan 2026 08:00:00 GMT"), Some(Duration::ZERO));
        for long in ["36001", "99999999999", "123456789012345678901234567890", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(asked(long), Some(Duration::hours(10)), "{long}");
        }
        assert_eq!(asked("0000000000000000000000000000120"), Some(Duration::seconds(120)));
        for bad in ["", "soon", "-1", "+1", "1.5", "1 2"] {
            assert_eq!(asked(bad), None, "{bad}");
        }
    }
}
