//! Renders every error in the envelope, even if the request was lost.

use std::time::Instant;

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use rally_pages::Language;

use super::headers::secure;
use super::measure::measure;
use super::origin::Origin;
use crate::http::error::ApiError;
use crate::http::extract::languages::wanted_on_error;
use crate::http::surface::Surface;
use crate::routes::console;
use crate::routes::pages::error_page;

/// Renders an error, ours or the framework's, in the envelope. Other replies stay as they are.
pub(super) fn envelop(mut response: ServiceResponse<BoxBody>, origin: &Origin) -> ServiceResponse<BoxBody> {
    let ours = response.response_mut().extensions_mut().remove::<ApiError>();
    let status = response.status();
    let error = match ours {
        Some(error) => error,
        // A page that says by itself what is wrong.
        None if origin.surface.is_for_people() && is_html(&response) => return response,
        None if status.is_client_error() || status.is_server_error() => ApiError::of_status(status),
        None => return response,
    };
    let (request, bare) = response.into_parts();
    let mut reply = match origin.surface.is_for_people() {
        // By now the person may be known whom the page belongs to.
        true => render(
            &error,
            &Origin { language: Language::choose(&wanted_on_error(&request)).unwrap_or_default(), ..origin.clone() },
            Some(&request),
        ),
        false => render(&error, origin, Some(&request)),
    };
    // Keep the headers that inner middleware added, above all those of CORS.
    for (name, value) in bare.headers() {
        if *name != CONTENT_TYPE && !reply.headers().contains_key(name) {
            reply.headers_mut().append(name.clone(), value.clone());
        }
    }
    ServiceResponse::new(request, reply)
}

fn is_html(response: &ServiceResponse<BoxBody>) -> bool {
    response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// Renders an error in the envelope, or as a page with the same headers.
fn render(error: &ApiError, origin: &Origin, request: Option<&HttpRequest>) -> HttpResponse<BoxBody> {
    let envelope = error.render(&origin.id);
    if !origin.surface.is_for_people() {
        return envelope;
    }
    let mut page = match origin.surface {
        Surface::Console => console::error_page(error, envelope.status(), &origin.id, request),
        _ => error_page(error, envelope.status(), &origin.id, (origin.language, &origin.root)),
    };
    for (name, value) in envelope.headers().iter().filter(|(name, _)| **name != CONTENT_TYPE) {
        page.headers_mut().append(name.clone(), value.clone());
    }
    page
}

/// The error for a lost request: middleware failed, a handler panicked, no slot was free or the time was up. It renders itself.
pub(super) fn fail(status: &StatusCode, origin: Origin, method: &Method, started: Instant) -> Lost {
    measure(method, None, *status, started);
    Lost { status: *status, origin }
}

#[derive(Debug, thiserror::Error)]
#[error("the request failed with {status}")]
pub(super) struct Lost {
    status: StatusCode,
    origin: Origin,
}

impl ResponseError for Lost {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut reply = render(&ApiError::of_status(self.status), &self.origin, None);
        secure(reply.headers_mut(), &self.origin.id, self.origin.surface);
        reply
    }
}
