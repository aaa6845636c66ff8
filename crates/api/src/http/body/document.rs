//! A JSON object as it was sent, and what it says.

use actix_web::web::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::error::{ApiError, Code};

/// A JSON object as it came.
#[derive(Debug, Clone)]
pub struct Document {
    /// What it says, as far as a [`Value`] can say it: numbers beyond its types are rounded.
    pub value: Value,
    /// What was sent.
    pub bytes: Bytes,
}

/// A document as a body.
///
/// # Errors
/// 400 when it is not an object.
pub fn read_as<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_json::from_value(value).map_err(|_| not_an_object())
}

pub(super) fn not_an_object() -> ApiError {
    ApiError::new(Code::ValidationFailed, "the body must be a JSON object")
}
