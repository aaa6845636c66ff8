//! The languages that a client accepts (RFC 9110, section 12.5.4).

use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap};
use rally_domain::locale::{Locale, parse_accept_language};

/// Returns the locales of `Accept-Language`, the most wanted first.
pub fn accepted_languages(headers: &HeaderMap) -> Vec<Locale> {
    let lines: Vec<&str> = headers.get_all(ACCEPT_LANGUAGE).filter_map(|line| line.to_str().ok()).collect();
    parse_accept_language(&lines.join(","))
}
