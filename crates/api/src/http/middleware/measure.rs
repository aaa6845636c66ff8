//! Logs and measures every request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use actix_web::http::{Method, StatusCode};
use metrics::{Counter, Histogram};

/// Logs and counts a request that was just answered.
pub(super) fn measure(method: &Method, route: Option<&str>, status: StatusCode, started: Instant) {
    let elapsed = started.elapsed();
    // Use the pattern, never the path. There are too many paths, and they contain the names of lists.
    let route = route.unwrap_or("unmatched");
    let method = known_method(method);
    count(method, route, status, elapsed);
    let millis = millis(elapsed);
    let status = status.as_u16();
    if status >= 500 {
        tracing::error!(method, route, status, millis, "answered");
    } else {
        tracing::info!(method, route, status, millis, "answered");
    }
}

/// Milliseconds, to the microsecond: more digits would say nothing.
fn millis(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

/// The series that a thread has looked up. A lookup by labels costs more than counting.
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

/// The label for a method. Unknown methods share one, because clients could invent labels without bound.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_tells_microseconds_and_no_more() {
        for (nanos, told) in [(20_085_539, "20.086"), (999, "0.001"), (0, "0.0"), (1_500_000_000, "1500.0")] {
            let told_as = serde_json::to_string(&millis(Duration::from_nanos(nanos))).unwrap();
            assert_eq!(told_as, told);
        }
    }
}
