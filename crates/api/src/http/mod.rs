//! What every route shares of HTTP: what happens around a request, how its parts are read, how failures are told, the OpenAPI
//! document. What a route answers is in [`crate::routes`].

pub mod allowed_methods;
pub mod body;
pub mod cursor;
pub mod error;
pub mod extract;
pub mod limits;
pub mod middleware;
pub mod openapi;
pub mod rate;
pub mod route_table;
pub mod standing;
