//! HTTP code that all routes share: middleware, extractors, bodies, errors and the OpenAPI document. [`crate::routes`] has the routes
//! themselves.

pub mod allowed_methods;
pub mod body;
pub mod cursor;
pub mod error;
pub mod extract;
pub mod form_seal;
pub mod limits;
pub mod middleware;
pub mod openapi;
pub mod pace;
pub mod rate;
pub mod route_table;
pub mod standing;
pub mod surface;
