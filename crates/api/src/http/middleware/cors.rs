//! Which pages of others may call what, and what they may read of replies (the Fetch standard).

use actix_cors::Cors;
use actix_web::http::header::{HeaderName, RETRY_AFTER};

use super::request_id::REQUEST_ID;

/// Anybody's page may call the public surface; it carries no credentials.
pub fn public_cors() -> Cors {
    expose(Cors::default().allow_any_origin().send_wildcard().allowed_methods(["GET", "HEAD", "POST"]))
}

/// Browsers on those origins may call the admin surface, with credentials.
pub fn admin_cors(origins: &[String]) -> Cors {
    let cors = Cors::default().allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]).supports_credentials();
    expose(origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin)))
}

/// What browsers may read of replies beside their bodies.
fn expose(cors: Cors) -> Cors {
    let rate_limit = [HeaderName::from_static("ratelimit"), HeaderName::from_static("ratelimit-policy")];
    cors.allow_any_header().expose_headers([REQUEST_ID, RETRY_AFTER]).expose_headers(rate_limit).max_age(3600)
}
