//! Headers of every reply.

use std::sync::LazyLock;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use rally_pages::{Brand, content_security_policy};

use super::request_id::REQUEST_ID;
use crate::http::surface::Surface;

const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// The policy of a page without a logo.
static PLAIN_PAGE: LazyLock<HeaderValue> = LazyLock::new(|| {
    let policy = content_security_policy(&Brand::default(), &[], None);
    HeaderValue::from_str(&policy).expect("a policy is of printable characters")
});

/// The policy of the pages that show the API, which are a program of somebody else.
const DOCUMENTATION: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
                             frame-ancestors 'none'";

/// Adds the headers to a reply.
pub(super) fn secure(headers: &mut HeaderMap, id: &str, surface: Surface) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    if matches!(surface, Surface::Admin | Surface::Console | Surface::Link | Surface::Visitor) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if matches!(surface, Surface::Link | Surface::Visitor) {
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex"));
    }
    if surface == Surface::Documentation {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(DOCUMENTATION));
    }
    if surface == Surface::Console {
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex"));
        if !headers.contains_key(CONTENT_SECURITY_POLICY) {
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(rally_console::policy::CONSOLE));
        }
    }
    if surface == Surface::Page {
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        if !headers.contains_key(CACHE_CONTROL) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
        }
    }
    // A page with a logo has a policy of its own.
    if surface.is_for_people() && !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, PLAIN_PAGE.clone());
    }
}
