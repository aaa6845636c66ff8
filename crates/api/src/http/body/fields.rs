//! Fields of a JSON body, read so leniently that every bad one can be named at once.
//!
//! A body deserialises into [`Field`]s, which hold a value of the wrong type as just that; [`Fields`] then parses them one
//! by one and collects what is wrong.

use rally_domain::error::{FieldError, Invalid};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::http::error::ApiError;

/// A field of a body as it came.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Field<T> {
    /// It was not there.
    #[default]
    Absent,
    /// It was `null`.
    Null,
    /// It was of another type.
    Wrong,
    /// It was there.
    Given(T),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::Null => Self::Null,
            value => serde_json::from_value(value).map_or(Self::Wrong, Self::Given),
        })
    }
}

/// A type a field may have, named for people.
pub trait JsonType {
    /// `a string` and the like.
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

/// What is wrong with the fields read so far.
#[derive(Debug, Default)]
pub struct Fields {
    errors: Vec<FieldError>,
}

impl Fields {
    /// Reads a field that must be there.
    pub fn required<T: JsonType, V>(&mut self, name: &str, field: Field<T>, parse: impl FnOnce(T) -> Result<V, Invalid>) -> Option<V> {
        if matches!(field, Field::Absent | Field::Null) {
            self.report(name, Invalid::new("is required"));
        }
        self.optional(name, field, parse)
    }

    /// Reads a field that may be missing or `null`.
    pub fn optional<T: JsonType, V>(&mut self, name: &str, field: Field<T>, parse: impl FnOnce(T) -> Result<V, Invalid>) -> Option<V> {
        let parsed = match field {
            Field::Absent | Field::Null => return None,
            Field::Wrong => Err(Invalid::new(format!("must be {}", T::NAME))),
            Field::Given(value) => parse(value),
        };
        parsed.map_err(|error| self.report(name, error)).ok()
    }

    /// Reads a field that changes something: `None` when it is missing, `Some(None)` when it is `null` or parsed to nothing.
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

    /// Notes something wrong with a field.
    pub fn report(&mut self, name: &str, error: Invalid) {
        self.errors.push(FieldError::new(name, error));
    }

    /// Notes errors that already carry their paths.
    pub fn extend(&mut self, errors: Vec<FieldError>) {
        self.errors.extend(errors);
    }

    /// Everything wrong, or that nothing is.
    ///
    /// # Errors
    /// When anything was noted.
    pub fn finish(self) -> Result<(), ApiError> {
        if self.errors.is_empty() { Ok(()) } else { Err(ApiError::validation(self.errors)) }
    }
}
