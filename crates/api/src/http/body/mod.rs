//! Reads bodies: JSON, and forms. Checks their type, size, time and syntax.

mod document;
pub mod fields;
mod multipart;

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ContentEncoding, HeaderMap, TRANSFER_ENCODING};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::form_urlencoded;

use self::document::not_an_object;
use crate::http::error::{ApiError, Code};
use crate::http::middleware::in_flight::InFlight;

pub use document::{Document, read_as};
pub use multipart::Parts;

/// How long a body may take to arrive.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long a client may send nothing of a body that arrives in pieces.
const SILENCE: Duration = Duration::from_secs(30);

/// The most bytes of a body, unless a route has another limit.
pub const DEFAULT_LIMIT: usize = 64 * 1024;

/// The most bytes of a body with settings or with a template of mail.
pub const SETTINGS_LIMIT: usize = 256 * 1024;

/// A body that was not read yet. A handler reads it last, after every check that does not need it.
pub struct Body {
    payload: Payload,
    headers: HeaderMap,
    in_flight: InFlight,
}

/// A body that arrives in pieces.
pub struct Pieces {
    payload: Payload,
    in_flight: InFlight,
}

impl Pieces {
    /// Returns the next piece, or `None` at the end.
    ///
    /// # Errors
    /// 408 if nothing arrives for 30 seconds, and 400 if the body ends too early.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        let piece = self.in_flight.aside(tokio::time::timeout(SILENCE, self.payload.next())).await;
        let piece = piece.map_err(|_| ApiError::new(Code::RequestTimeout, "nothing of the body arrived for too long"))?;
        piece.transpose().map_err(|_| ApiError::new(Code::BadRequest, "the body ended too early"))
    }
}

impl FromRequest for Body {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let in_flight = request.app_data::<InFlight>().cloned().ok_or_else(|| ApiError::broken("no server"));
        ready(in_flight.map(|in_flight| Self { payload: payload.take(), headers: request.headers().clone(), in_flight }))
    }
}

impl Body {
    /// Reads a JSON object of at most [`DEFAULT_LIMIT`] bytes.
    ///
    /// # Errors
    /// 408, 413, 415, or 400 if it is not a JSON object.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        self.json_up_to(DEFAULT_LIMIT).await
    }

    /// Reads a JSON object of at most `limit` bytes.
    ///
    /// # Errors
    /// 408, 413, 415, or 400 if it is not a JSON object.
    pub async fn json_up_to<T: DeserializeOwned>(self, limit: usize) -> Result<T, ApiError> {
        read_as(self.document_up_to(limit).await?.value)
    }

    /// Reads a JSON object of at most `limit` bytes, if the request has a body.
    ///
    /// # Errors
    /// 408, 413, 415, or 400 if it is not a JSON object.
    pub async fn optional_json_up_to<T: DeserializeOwned>(self, limit: usize) -> Result<Option<T>, ApiError> {
        self.optional_document_up_to(limit).await?.map(|document| read_as(document.value)).transpose()
    }

    /// Reads a JSON object of at most `limit` bytes, as a document, if the request has a body.
    ///
    /// # Errors
    /// 408, 413, 415, or 400 if it is not a JSON object.
    pub async fn optional_document_up_to(self, limit: usize) -> Result<Option<Document>, ApiError> {
        let empty = self.headers.get(CONTENT_LENGTH).is_none_or(|length| length.as_bytes() == b"0");
        if empty && !self.headers.contains_key(TRANSFER_ENCODING) {
            return Ok(None);
        }
        self.document_up_to(limit).await.map(Some)
    }

    /// Reads a JSON object of at most `limit` bytes, as a document.
    ///
    /// # Errors
    /// 408, 413, 415, or 400 if it is not a JSON object.
    pub async fn document_up_to(self, limit: usize) -> Result<Document, ApiError> {
        self.check_coding()?;
        self.check_type()?;
        let bytes = self.arrive(limit).await?;
        let malformed = |_| ApiError::new(Code::MalformedJson, "the body is not well-formed JSON");
        let value: Value = serde_json::from_slice(&bytes).map_err(malformed)?;
        // Serde would also read a struct from an array of its fields.
        if value.is_object() { Ok(Document { value, bytes: bytes.freeze() }) } else { Err(not_an_object()) }
    }

    /// Reads the names and values of a posted form of at most [`DEFAULT_LIMIT`] bytes, in their order. Lines end as in JSON, with `\n`.
    ///
    /// # Errors
    /// 408, 413 or 415.
    pub async fn form(self) -> Result<Vec<(String, String)>, ApiError> {
        self.form_up_to(DEFAULT_LIMIT).await
    }

    /// Reads a posted form of at most `limit` bytes.
    ///
    /// # Errors
    /// 408, 413 or 415.
    pub async fn form_up_to(self, limit: usize) -> Result<Vec<(String, String)>, ApiError> {
        self.check_coding()?;
        if self.essence() != "application/x-www-form-urlencoded" {
            return Err(ApiError::new(Code::UnsupportedMediaType, "the body must be application/x-www-form-urlencoded"));
        }
        let bytes = self.arrive(limit).await?;
        Ok(form_urlencoded::parse(&bytes).map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n"))).collect())
    }

    /// Reads a body of one of some types in pieces, of any size. It may be compressed with gzip, which the caller undoes.
    ///
    /// # Errors
    /// 415 if the body has another type or encoding.
    pub fn pieces(self, types: &[&str]) -> Result<Pieces, ApiError> {
        if !types.contains(&self.essence().as_str()) {
            return Err(ApiError::new(Code::UnsupportedMediaType, format!("the body must be {}", types.join(" or "))));
        }
        if !self.has_coding_of(&["identity", "gzip"]) {
            let refusal = ApiError::new(Code::UnsupportedMediaType, "the body must not be encoded, but for gzip");
            return Err(ApiError { accept_encoding: Some(ContentEncoding::Gzip), ..refusal });
        }
        Ok(Pieces { payload: self.payload, in_flight: self.in_flight })
    }

    /// Reads a form with a file.
    ///
    /// # Errors
    /// 415 if the body is none, 400 if it has no boundary.
    pub fn parts(self) -> Result<Parts, ApiError> {
        self.check_coding()?;
        if self.essence() != "multipart/form-data" {
            return Err(ApiError::new(Code::UnsupportedMediaType, "the body must be multipart/form-data"));
        }
        let content_type = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        Parts::new(Pieces { payload: self.payload, in_flight: self.in_flight }, &content_type)
    }

    /// Whether the body has only codings of a list.
    fn has_coding_of(&self, known: &[&str]) -> bool {
        let is_known = |coding: &str| {
            let coding = coding.trim();
            coding.is_empty() || known.iter().any(|known| coding.eq_ignore_ascii_case(known))
        };
        // A line that is not text counts as an unknown coding.
        self.headers.get_all(CONTENT_ENCODING).flat_map(|line| line.to_str().unwrap_or("?").split(',')).all(is_known)
    }

    /// Reads the bytes, in time.
    async fn arrive(mut self, limit: usize) -> Result<BytesMut, ApiError> {
        let in_flight = self.in_flight.clone();
        in_flight
            .aside(tokio::time::timeout(DEADLINE, self.read(limit)))
            .await
            .map_err(|_| ApiError::new(Code::RequestTimeout, "the body did not arrive in time"))?
    }

    /// Refuses an encoded body. Rally cannot decode one and limit its decoded size.
    fn check_coding(&self) -> Result<(), ApiError> {
        if self.has_coding_of(&["identity"]) {
            return Ok(());
        }
        let refusal = ApiError::new(Code::UnsupportedMediaType, "the body must not be encoded");
        Err(ApiError { accept_encoding: Some(ContentEncoding::Identity), ..refusal })
    }

    fn check_type(&self) -> Result<(), ApiError> {
        let essence = self.essence();
        if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
            return Ok(());
        }
        Err(ApiError::new(Code::UnsupportedMediaType, "the body must be application/json"))
    }

    /// The type of the body without its parameters.
    fn essence(&self) -> String {
        let given = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    async fn read(&mut self, limit: usize) -> Result<BytesMut, ApiError> {
        let too_large = || ApiError::new(Code::PayloadTooLarge, format!("the body must be at most {limit} bytes"));
        let announced = self.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
        if announced.is_some_and(|length: usize| length > limit) {
            return Err(too_large());
        }
        let mut bytes = BytesMut::new();
        while let Some(chunk) = self.payload.next().await {
            let chunk = chunk.map_err(|_| ApiError::new(Code::BadRequest, "the body ended too early"))?;
            if bytes.len() + chunk.len() > limit {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}
