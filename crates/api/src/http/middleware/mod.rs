//! What happens to every request: a slot, an id, a log line, a measurement, safe headers, and the envelope for errors, including
//! those of the framework and panics.

pub mod cors;
mod errors;
mod headers;
pub mod in_flight;
mod measure;
mod origin;
pub mod request_id;
mod unread;

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse};
use futures_util::FutureExt;
use tracing::{Instrument, Span};

use self::errors::{envelop, fail};
use self::headers::secure;
use self::in_flight::InFlight;
use self::measure::measure;
use self::origin::Origin;
use self::request_id::RequestId;
use self::unread::Unread;
use crate::http::surface::Surface;
use crate::routes::public::info;

/// How long a request may take, from its head to the head of its reply.
const HANDLER: Duration = Duration::from_secs(60);

/// How long a request may take that brings a file. The file itself may take its time, as long as some of it arrives.
const FILE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a request may take.
fn limit(method: &Method, path: &str) -> Duration {
    let brings_file = (path.starts_with("/v1/workspaces/") && path.ends_with("/imports"))
        || (path.starts_with("/console/w/") && path.ends_with("/new-import"));
    if *method == Method::POST && brings_file { FILE } else { HANDLER }
}

/// The outermost middleware.
pub async fn handle(
    in_flight: InFlight,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let unread = Unread::of(&mut request);
    let reply = reply(in_flight, request, next).await;
    unread.drop_later();
    reply
}

async fn reply(
    in_flight: InFlight,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = request_id::of(request.headers());
    let method = request.method().clone();
    let span = tracing::info_span!("request", %id, otel.kind = "server");
    let slot = in_flight.take(request.match_info().as_str());
    if slot.is_some()
        && let Some(reply) = without_router(&request, &id, &span, started).await
    {
        return Ok(request.into_response(reply));
    }
    let origin = Origin::of(&request, id.clone());
    if method == Method::HEAD {
        // HEAD is handled as GET (RFC 9110, section 9.3.2). The server leaves the body out.
        request.head_mut().method = Method::GET;
    }
    request.extensions_mut().insert(RequestId(id.clone()));
    if slot.is_none() {
        metrics::counter!("rally_shed_total").increment(1);
        return Err(fail(&StatusCode::SERVICE_UNAVAILABLE, origin, &method, started).into());
    }
    let limit = limit(&method, request.match_info().as_str());
    let handled = tokio::time::timeout(limit, next.call(request).instrument(span.clone()));
    match AssertUnwindSafe(handled).catch_unwind().await {
        // A started change is undone or completes without the request.
        Ok(Err(_)) => Err(fail(&StatusCode::SERVICE_UNAVAILABLE, origin, &method, started).into()),
        Ok(Ok(Ok(response))) => {
            let mut response = envelop(response.map_into_boxed_body(), &origin);
            secure(response.headers_mut(), &id, origin.surface);
            let route = response.request().match_pattern();
            span.in_scope(|| measure(&method, route.as_deref(), response.status(), started));
            Ok(response)
        }
        Ok(Ok(Err(error))) => Err(fail(&error.as_response_error().status_code(), origin, &method, started).into()),
        Err(_panic) => Err(fail(&StatusCode::INTERNAL_SERVER_ERROR, origin, &method, started).into()),
    }
}

/// Answers what needs no router. A panic leaves the request to it.
async fn without_router(request: &ServiceRequest, id: &str, span: &Span, started: Instant) -> Option<HttpResponse> {
    let answer = info::without_router(request, started).instrument(span.clone());
    let mut reply = AssertUnwindSafe(answer).catch_unwind().await.ok()??;
    secure(reply.headers_mut(), id, Surface::Other);
    span.in_scope(|| measure(request.method(), Some(info::ROUTE), reply.status(), started));
    Some(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_may_take_its_time() {
        let (import, console) = ("/v1/workspaces/w/waitlists/l/imports", "/console/w/acme/lists/l/new-import");
        assert_eq!([limit(&Method::POST, import), limit(&Method::POST, console)], [FILE, FILE]);
        for (method, path) in
            [(Method::GET, import), (Method::GET, console), (Method::POST, "/w/acme/imports"), (Method::POST, "/w/acme/new-import")]
        {
            assert_eq!(limit(&method, path), HANDLER, "{method} {path}");
        }
    }
}
