//! Descriptions of parameters for the OpenAPI document.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{Ref, RefOr, Required, Schema};

/// A path segment that is an id.
pub fn id_in_path(name: &str, description: &str) -> Parameter {
    in_path(name, description, text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid))))
}

/// A path segment that is a slug.
pub fn slug_in_path(name: &str, description: &str) -> Parameter {
    in_path(name, description, text())
}

/// A path segment that is a token.
pub fn token_in_path(name: &str, description: &str) -> Parameter {
    in_path(name, description, text().min_length(Some(43)).max_length(Some(43)))
}

/// A path segment that is a language tag.
pub fn locale_in_path(name: &str, description: &str) -> Parameter {
    in_path(name, description, text())
}

/// A path segment that is one of the values of a schema.
pub fn choice_in_path(name: &str, description: &str, schema: &str) -> Parameter {
    described(ParameterIn::Path, name, description, Required::True, RefOr::Ref(Ref::from_schema_name(schema)))
}

/// An optional header.
pub fn optional_header(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    parameter(ParameterIn::Header, name, description, Required::False, schema.build())
}

/// A string.
pub fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn in_path(name: &str, description: &str, schema: ObjectBuilder) -> Parameter {
    parameter(ParameterIn::Path, name, description, Required::True, schema.build())
}

fn parameter(place: ParameterIn, name: &str, description: &str, required: Required, schema: Object) -> Parameter {
    described(place, name, description, required, RefOr::T(Schema::Object(schema)))
}

fn described(place: ParameterIn, name: &str, description: &str, required: Required, schema: RefOr<Schema>) -> Parameter {
    ParameterBuilder::new().name(name).parameter_in(place).required(required).description(Some(description)).schema(Some(schema)).build()
}
