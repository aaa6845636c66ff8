//! A JSON object, both parsed and as it was sent.

use actix_web::web::Bytes;
use rally_domain::error::{FieldError, Invalid};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::error::ApiError;

/// A JSON object, both parsed and as it was sent.
#[derive(Debug, Clone)]
pub struct Document {
    /// The parsed object. Numbers beyond the types of [`Value`] are rounded.
    pub value: Value,
    /// The bytes that were sent.
    pub bytes: Bytes,
}

/// Reads a document as the body of a route.
///
/// # Errors
/// 400 if the document is not an object.
pub fn read_as<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_json::from_value(value).map_err(|_| not_an_object())
}

pub(super) fn not_an_object() -> ApiError {
    ApiError::validation(vec![FieldError::new("body", Invalid::new("must be a JSON object"))])
}
