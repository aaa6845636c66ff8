//! CORS (the Fetch standard): which pages may call which surface, and which headers they may read.

use actix_cors::Cors;
use actix_web::http::header::{CONTENT_DISPOSITION, HeaderName, RETRY_AFTER};

use super::request_id::REQUEST_ID;
use crate::idempotency::IDEMPOTENT_REPLAY;

/// Any page may call the public surface, without credentials.
pub fn public_cors() -> Cors {
    expose(Cors::default().allow_any_origin().send_wildcard().allowed_methods(["GET", "HEAD", "POST"]))
}

/// Any page may call the API that a token in the path opens, without credentials.
pub fn visitor_cors() -> Cors {
    expose(Cors::default().allow_any_origin().send_wildcard().allowed_methods(["GET", "HEAD", "POST", "PATCH", "DELETE"]))
        .expose_headers([CONTENT_DISPOSITION])
}

/// Pages of these origins may call the admin surface, with credentials.
pub fn admin_cors(origins: &[String]) -> Cors {
    let cors = Cors::default().allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]).supports_credentials();
    expose(origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))).expose_headers([CONTENT_DISPOSITION, IDEMPOTENT_REPLAY])
}

/// Lets pages read some headers of replies.
fn expose(cors: Cors) -> Cors {
    let rate_limit = [HeaderName::from_static("ratelimit"), HeaderName::from_static("ratelimit-policy")];
    cors.allow_any_header().expose_headers([REQUEST_ID, RETRY_AFTER]).expose_headers(rate_limit).max_age(3600)
}
