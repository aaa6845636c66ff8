//! The reply of a failed request: one JSON body for all errors, and headers for some of them.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_ENCODING, ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, HttpResponseBuilder};
use rally_domain::error::FieldError;
use serde::Serialize;
use utoipa::ToSchema;

use super::{ApiError, Code};
use crate::http::standing::{RATE_LIMIT, RATE_LIMIT_POLICY, Standing};

impl ApiError {
    /// Renders the error in the envelope.
    pub fn render(&self, request_id: &str) -> HttpResponse<BoxBody> {
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut reply = HttpResponse::build(status);
        if let Some(allow) = &self.allow {
            reply.insert_header((ALLOW, allow.as_str()));
        }
        if let Some(coding) = self.accept_encoding {
            reply.insert_header((ACCEPT_ENCODING, coding.as_str()));
        }
        if self.code == Code::Unauthorized {
            reply.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        let moment = (self.code == Code::ServiceUnavailable).then_some(1);
        if let Some(seconds) = self.retry_after.or(moment) {
            reply.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        tell_standings(&mut reply, &self.standings);
        reply.json(ErrorBody {
            status_code: self.code.status(),
            code: self.code,
            message: self.message.clone(),
            request_id: request_id.to_owned(),
            errors: self.errors.iter().map(FieldErrorBody::from).collect(),
        })
    }
}

/// The envelope needs the id of the request, which only the middleware has. It takes the error out of the response and renders it.
impl actix_web::ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut reply = HttpResponse::new(self.status_code());
        reply.extensions_mut().insert(self.clone());
        reply
    }
}

/// Adds the headers with the state of the rate limits that counted the request.
pub fn tell_standings(reply: &mut HttpResponseBuilder, standings: &[Standing]) {
    if standings.is_empty() {
        return;
    }
    let list = |item: fn(&Standing) -> String| standings.iter().map(item).collect::<Vec<_>>().join(", ");
    reply.insert_header((RATE_LIMIT_POLICY, list(Standing::policy))).insert_header((RATE_LIMIT, list(Standing::state)));
}

/// The envelope of every error.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody {
    /// The HTTP status.
    #[serde(rename = "statusCode")]
    #[schema(example = 409)]
    status_code: u16,
    /// The reason, for programs.
    code: Code,
    /// The reason, for people.
    #[schema(example = "this e-mail address is already on the waitlist")]
    message: String,
    /// The id of this request in the log.
    request_id: String,
    /// Every bad field, with `validation_failed`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldErrorBody>,
}

/// A bad field.
#[derive(Serialize, ToSchema)]
#[schema(as = FieldError)]
struct FieldErrorBody {
    /// Its path, such as `email` or `metadata.company`.
    field: String,
    /// What is wrong with it.
    message: String,
}

impl From<&FieldError> for FieldErrorBody {
    fn from(error: &FieldError) -> Self {
        Self { field: error.field.clone(), message: error.message.to_string() }
    }
}
