//! Fields of a JSON body, read leniently, so that one reply can name every bad field.
//!
//! A body deserialises into [`Field`]s, which also accept values of the wrong type. [`Fields`] then parses them one by one and
//! collects the errors.

use rally_domain::error::{FieldError, Invalid};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::http::error::ApiError;

/// An unparsed field of a body.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Field<T> {
    /// The field was missing.
    #[default]
    Absent,
    /// The field was `null`.
    Null,
    /// The field had the wrong type.
    Wrong,
    /// The field had a value of the right type.
    Given(T),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::read)
    }
}

impl<T: DeserializeOwned> Field<T> {
    /// Reads a field of an object inside a body.
    pub fn read(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            value => serde_json::from_value(value).map_or(Self::Wrong, Self::Given),
        }
    }
}

/// A type of a field, with a name for people.
pub trait JsonType {
    /// Such as `a string`.
    const NAME: &'static str;
}

impl JsonType for String {
    const NAME: &'static str = "a string";
}

impl JsonType for bool {
    const NAME: &'static str = "a boolean";
}

impl JsonType for Value {
    const NAME: &'static str = "a value";
}

impl JsonType for Vec<String> {
    const NAME: &'static str = "an array of strings";
}

impl JsonType for Map<String, Value> {
    const NAME: &'static str = "an object";
}

/// The errors of the fields that were read so far.
#[derive(Debug, Default)]
pub struct Fields {
    errors: Vec<FieldError>,
}

impl Fields {
    /// Reads a required field.
    pub fn required<T: JsonType, V>(&mut self, name: &str, field: Field<T>, parse: impl FnOnce(T) -> Result<V, Invalid>) -> Option<V> {
        if matches!(field, Field::Absent | Field::Null) {
            self.report(name, Invalid::new("is required"));
        }
        self.optional(name, field, parse)
    }

    /// Reads an optional field, which may be missing or `null`.
    pub fn optional<T: JsonType, V>(&mut self, name: &str, field: Field<T>, parse: impl FnOnce(T) -> Result<V, Invalid>) -> Option<V> {
        let parsed = match field {
            Field::Absent | Field::Null => return None,
            Field::Wrong => Err(Invalid::new(format!("must be {}", T::NAME))),
            Field::Given(value) => parse(value),
        };
        parsed.map_err(|error| self.report(name, error)).ok()
    }

    /// Reads a field of a change: `None` if it is missing, `Some(None)` if it is `null`, empty or bad.
    pub fn change<T: JsonType, V>(
        &mut self,
        name: &str,
        field: Field<T>,
        parse: impl FnOnce(T) -> Result<Option<V>, Invalid>,
    ) -> Option<Option<V>> {
        match field {
            Field::Absent => None,
            Field::Null => Some(None),
            field => Some(self.optional(name, field, parse).flatten()),
        }
    }

    /// Adds an error of a field.
    pub fn report(&mut self, name: &str, error: Invalid) {
        self.errors.push(FieldError::new(name, error));
    }

    /// Adds errors that already have their paths.
    pub fn extend(&mut self, errors: Vec<FieldError>) {
        self.errors.extend(errors);
    }

    /// Returns all errors, if there are any.
    ///
    /// # Errors
    /// 400 if there are errors.
    pub fn finish(self) -> Result<(), ApiError> {
        if self.errors.is_empty() { Ok(()) } else { Err(ApiError::validation(self.errors)) }
    }
}
