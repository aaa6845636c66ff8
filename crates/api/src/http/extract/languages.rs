//! The languages that a client accepts (RFC 9110, section 12.5.4), and those that a reader of a page wants.

use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap};
use actix_web::{HttpMessage, HttpRequest};
use rally_domain::locale::{Locale, parse_accept_language};
use url::form_urlencoded;

/// Returns the locales of `Accept-Language`, the most wanted first.
pub fn accepted_languages(headers: &HeaderMap) -> Vec<Locale> {
    let lines: Vec<&str> = headers.get_all(ACCEPT_LANGUAGE).filter_map(|line| line.to_str().ok()).collect();
    if lines.is_empty() { Vec::new() } else { parse_accept_language(&lines.join(",")) }
}

/// Returns the value of the first of some names in a query. A name that stands earlier wins.
pub fn in_query(request: &HttpRequest, names: &[&str]) -> Option<String> {
    if request.query_string().is_empty() {
        return None;
    }
    let pairs = || form_urlencoded::parse(request.query_string().as_bytes());
    names.iter().find_map(|name| pairs().find(|(given, value)| given == name && !value.is_empty())).map(|(_, value)| value.into_owned())
}

/// Returns the locale that the reader of a page chose: that of `lang` in the query, unless it is malformed.
pub fn chosen_language(request: &HttpRequest) -> Option<Locale> {
    in_query(request, &["lang"]).and_then(|tag| Locale::parse(&tag).ok())
}

/// The locale of the person that a page belongs to, kept with the request.
struct PersonLocale(Locale);

/// Keeps the locale of the person that a page belongs to, for the page of an error.
pub fn keep_person_locale(request: &HttpRequest, person: Option<&Locale>) {
    if let Some(person) = person {
        request.extensions_mut().insert(PersonLocale(person.clone()));
    }
}

/// Returns the locales that the reader of a page wants, the most wanted first: the chosen one, that of the person that the page belongs to,
/// as far as one is known, and those of `Accept-Language`.
pub fn wanted_on_error(request: &HttpRequest) -> Vec<Locale> {
    let person = request.extensions().get::<PersonLocale>().map(|person| person.0.clone());
    chosen_language(request).into_iter().chain(person).chain(accepted_languages(request.headers())).collect()
}

/// Returns the locales that the reader of a page wants, the most wanted first: the chosen one, and those of `Accept-Language`.
pub fn wanted_languages(request: &HttpRequest) -> Vec<Locale> {
    chosen_language(request).into_iter().chain(accepted_languages(request.headers())).collect()
}
