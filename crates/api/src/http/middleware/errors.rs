//! Renders every error in the envelope, even if the request was lost.

use std::time::Instant;

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};

use super::headers::secure;
use super::measure::measure;
use crate::http::error::ApiError;
use crate::http::surface::Surface;
use crate::routes::pages::error_page;

/// Renders an error, ours or the framework's, in the envelope. Other replies stay as they are.
pub(super) fn envelop(mut response: ServiceResponse<BoxBody>, id: &str, surface: Surface) -> ServiceResponse<BoxBody> {
    let ours = response.response_mut().extensions_mut().remove::<ApiError>();
    let status = response.status();
    let error = match ours {
        Some(error) => error,
        None if status.is_client_error() || status.is_server_error() => ApiError::of_status(status),
        None => return response,
    };
    let (request, bare) = response.into_parts();
    let mut reply = error.render(id);
    if surface == Surface::Link {
        reply = as_page(reply);
    }
    // Keep the headers that inner middleware added, above all those of CORS.
    for (name, value) in bare.headers() {
        if *name != CONTENT_TYPE && !reply.headers().contains_key(name) {
            reply.headers_mut().append(name.clone(), value.clone());
        }
    }
    ServiceResponse::new(request, reply)
}

/// Shows an error as a page. Its headers stay.
fn as_page(envelope: HttpResponse<BoxBody>) -> HttpResponse<BoxBody> {
    let mut page = error_page(envelope.status());
    for (name, value) in envelope.headers().iter().filter(|(name, _)| **name != CONTENT_TYPE) {
        page.headers_mut().append(name.clone(), value.clone());
    }
    page
}

/// The error for a lost request: middleware failed, a handler panicked, no slot was free or the time was up. It renders itself.
pub(super) fn fail(status: &StatusCode, id: &str, surface: Surface, method: &Method, started: Instant) -> Lost {
    measure(method, None, *status, started);
    Lost { status: *status, id: id.to_owned(), surface }
}

#[derive(Debug, thiserror::Error)]
#[error("the request failed with {status}")]
pub(super) struct Lost {
    status: StatusCode,
    id: String,
    surface: Surface,
}

impl ResponseError for Lost {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut reply = ApiError::of_status(self.status).render(&self.id);
        if self.surface == Surface::Link {
            reply = as_page(reply);
        }
        secure(reply.headers_mut(), &self.id, self.surface);
        reply
    }
}
