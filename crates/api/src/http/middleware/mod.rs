//! What happens to every request: an id, a log line, a measurement, safe headers, and the error envelope around whatever
//! failed, the framework's own refusals and panics included.

pub mod cors;

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use futures_util::FutureExt;
use metrics::{Counter, Histogram};
use tracing::Instrument;

use crate::http::error::ApiError;

/// The header that carries a request's id both ways.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Most characters of an id that is taken over.
const MAX_REQUEST_ID: usize = 128;

const ADMIN_PREFIX: &str = "/v1/workspaces";

/// How long a request may take from its head to the head of its reply.
const HANDLER: Duration = Duration::from_secs(60);

/// The most requests that are worked on at once. More would wait for each other, and none be answered in time.
const MOST_AT_ONCE: usize = 1024;

static AT_ONCE: AtomicUsize = AtomicUsize::new(0);

/// A place among the requests that are worked on, until it is dropped. Those who watch over the server always find one.
struct Place(bool);

impl Place {
    fn take(path: &str) -> Option<Self> {
        if matches!(path, "/healthz" | "/readyz" | "/metrics") {
            return Some(Self(false));
        }
        let place = Self(true);
        // A place that is one too many is given back when it is dropped.
        (AT_ONCE.fetch_add(1, Ordering::Relaxed) < MOST_AT_ONCE).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.0 {
            AT_ONCE.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Waits for a client without a place: one that is slow to send what it has to say takes none from those who are not.
pub async fn aside<T>(waiting: impl Future<Output = T>) -> T {
    struct Aside;
    impl Drop for Aside {
        fn drop(&mut self) {
            AT_ONCE.fetch_add(1, Ordering::Relaxed);
        }
    }
    AT_ONCE.fetch_sub(1, Ordering::Relaxed);
    let _aside = Aside;
    waiting.await
}

/// The outermost middleware.
pub async fn handle(mut request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let admin = request.path().starts_with(ADMIN_PREFIX);
    if method == Method::HEAD {
        // RFC 9110, section 9.3.2: as GET; the server leaves the body out.
        request.head_mut().method = Method::GET;
    }
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("request", id = %id, otel.kind = "server");
    let place = Place::take(request.path());
    if place.is_none() {
        metrics::counter!("rally_shed_total").increment(1);
        return Err(fail(&StatusCode::SERVICE_UNAVAILABLE, &id, admin, &method, started).into());
    }
    let handled = tokio::time::timeout(HANDLER, next.call(request).instrument(span.clone()));
    match AssertUnwindSafe(handled).catch_unwind().await {
        // Whatever it was doing is undone or goes on without it.
        Ok(Err(_)) => Err(fail(&StatusCode::SERVICE_UNAVAILABLE, &id, admin, &method, started).into()),
        Ok(Ok(Ok(response))) => {
            let mut response = envelop(response.map_into_boxed_body(), &id);
            secure(response.headers_mut(), &id, admin);
            let route = response.request().match_pattern();
            span.in_scope(|| measure(&method, route.as_deref(), response.status(), started));
            Ok(response)
        }
        Ok(Ok(Err(error))) => Err(fail(&error.as_response_error().status_code(), &id, admin, &method, started).into()),
        Err(_panic) => Err(fail(&StatusCode::INTERNAL_SERVER_ERROR, &id, admin, &method, started).into()),
    }
}

/// The id of a request, for its handlers.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

fn request_id(headers: &HeaderMap) -> String {
    let sane = |text: &&str| (1..=MAX_REQUEST_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(sane);
    given.map_or_else(|| uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string(), str::to_owned)
}

/// Puts the envelope around an error, ours or the framework's; other replies pass.
fn envelop(mut response: ServiceResponse<BoxBody>, id: &str) -> ServiceResponse<BoxBody> {
    let ours = response.response_mut().extensions_mut().remove::<ApiError>();
    let status = response.status();
    let error = match ours {
        Some(error) => error,
        None if status.is_client_error() || status.is_server_error() => ApiError::of_status(status),
        None => return response,
    };
    let (request, bare) = response.into_parts();
    let mut reply = error.render(id);
    // Headers that inner middleware added, CORS above all, stay.
    for (name, value) in bare.headers() {
        if *name != CONTENT_TYPE && !reply.headers().contains_key(name) {
            reply.headers_mut().append(name.clone(), value.clone());
        }
    }
    ServiceResponse::new(request, reply)
}

fn secure(headers: &mut HeaderMap, id: &str, admin: bool) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    if admin {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

fn measure(method: &Method, route: Option<&str>, status: StatusCode, started: Instant) {
    let elapsed = started.elapsed();
    // The pattern, never the path: paths are many, and name people's lists.
    let route = route.unwrap_or("unmatched");
    let method = known_method(method);
    count(method, route, status, elapsed);
    let millis = elapsed.as_secs_f64() * 1000.0;
    let status = status.as_u16();
    if status >= 500 {
        tracing::error!(method, route, status, millis, "answered");
    } else {
        tracing::info!(method, route, status, millis, "answered");
    }
}

/// Series that a thread has found once: to find one by its labels costs more than to count.
type Series = HashMap<(&'static str, u16), HashMap<String, (Counter, Histogram)>>;

thread_local! {
    static SERIES: RefCell<Series> = RefCell::default();
}

fn count(method: &'static str, route: &str, status: StatusCode, elapsed: Duration) {
    SERIES.with_borrow_mut(|series| {
        let routes = series.entry((method, status.as_u16())).or_default();
        if !routes.contains_key(route) {
            let labels = [("method", method.to_owned()), ("route", route.to_owned()), ("status", status.as_str().to_owned())];
            let counter = metrics::counter!("rally_http_requests_total", &labels);
            let histogram = metrics::histogram!("rally_http_request_duration_seconds", &labels[..2]);
            routes.insert(route.to_owned(), (counter, histogram));
        }
        if let Some((counter, histogram)) = routes.get(route) {
            counter.increment(1);
            histogram.record(elapsed.as_secs_f64());
        }
    });
}

/// A label anybody could make up would grow without bound.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The request is lost where middleware failed or something panicked: the error renders itself.
fn fail(status: &StatusCode, id: &str, admin: bool, method: &Method, started: Instant) -> Lost {
    measure(method, None, *status, started);
    Lost { status: *status, id: id.to_owned(), admin }
}

#[derive(Debug, thiserror::Error)]
#[error("the request failed with {status}")]
struct Lost {
    status: StatusCode,
    id: String,
    admin: bool,
}

impl ResponseError for Lost {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut reply = ApiError::of_status(self.status).render(&self.id);
        secure(reply.headers_mut(), &self.id, self.admin);
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_too_many_is_turned_away_and_who_waits_for_a_client_takes_no_place() {
        let path = "/v1/waitlists/acme/early/entries";
        let mut places: Vec<Place> = (0..MOST_AT_ONCE).filter_map(|_| Place::take(path)).collect();
        assert_eq!(places.len(), MOST_AT_ONCE);
        assert!(Place::take(path).is_none());
        assert!(Place::take("/readyz").is_some() && Place::take("/metrics").is_some());
        assert!(aside(async { Place::take(path).is_some() }).await);
        places.pop();
        assert!(Place::take(path).is_some());
    }

    #[test]
    fn an_id_is_taken_over_only_if_it_is_sane() {
        let id_of = |text: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(text).unwrap());
            request_id(&headers)
        };
        assert_eq!(id_of(b"abc-123"), "abc-123");
        assert_eq!(id_of(&[b'x'; 128]), "x".repeat(128));
        for bad in [&b""[..], b"two words", b"tab\tbed", b"\xc3\xbc", &[b'x'; 129]] {
            assert_eq!(id_of(bad).len(), 36, "{bad:?}");
        }
    }
}
