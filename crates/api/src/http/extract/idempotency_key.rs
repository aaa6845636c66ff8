//! `Idempotency-Key`: the client's key for a request that may be repeated. [`crate::idempotency`] uses it.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{FromRequest, HttpRequest};
use rally_domain::access::IdempotencyKey;
use rally_domain::error::{FieldError, Invalid};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::parameters::{optional_header, text};
use crate::http::error::ApiError;

/// The header with the key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The unparsed header. A handler asks for the key last, after every check that does not need it.
pub struct IdempotencyHeader(Result<Option<IdempotencyKey>, ApiError>);

impl IdempotencyHeader {
    /// The key, if the client sent one.
    ///
    /// # Errors
    /// 400 if the header is repeated or malformed.
    pub fn key(self) -> Result<Option<IdempotencyKey>, ApiError> {
        self.0
    }
}

impl FromRequest for IdempotencyHeader {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(parse(request.headers()))))
    }
}

impl IntoParams for IdempotencyHeader {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "If the same request is repeated with the same key within 24 hours, Rally returns the stored reply.";
        let schema = text().min_length(Some(1)).max_length(Some(256)).pattern(Some("^[A-Za-z0-9_:-]+$"));
        vec![optional_header("Idempotency-Key", description, schema)]
    }
}

fn parse(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, ApiError> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY);
    let parsed = match (given.next(), given.next()) {
        (None, _) => return Ok(None),
        (Some(header), None) => IdempotencyKey::parse(header.to_str().unwrap_or_default()),
        (Some(_), Some(_)) => Err(Invalid::new("must be given once")),
    };
    parsed.map(Some).map_err(|error| ApiError::validation(vec![FieldError::new("Idempotency-Key", error)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_given_once_and_well_formed() {
        let headers = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IDEMPOTENCY_KEY, actix_web::http::header::HeaderValue::from_str(value).unwrap());
            }
            parse(&headers)
        };
        assert_eq!(headers(&[]).unwrap(), None);
        assert_eq!(headers(&["a:b-C_9"]).unwrap().unwrap().as_str(), "a:b-C_9");
        for bad in [&["a", "a"][..], &[""], &["a b"], &["a, b"]] {
            assert!(headers(bad).is_err(), "{bad:?}");
        }
    }
}
