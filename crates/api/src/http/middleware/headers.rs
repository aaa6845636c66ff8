//! Headers of every reply.

use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, X_CONTENT_TYPE_OPTIONS};

use super::request_id::REQUEST_ID;

const ADMIN_PREFIX: &str = "/v1/workspaces";

/// Whether a path belongs to the admin surface. Its replies must not be cached.
pub(super) fn is_admin(path: &str) -> bool {
    path.starts_with(ADMIN_PREFIX)
}

/// Adds the headers to a reply.
pub(super) fn secure(headers: &mut HeaderMap, id: &str, admin: bool) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    if admin {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
