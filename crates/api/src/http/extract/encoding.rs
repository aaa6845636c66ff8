//! How a reply may be compressed.

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT_ENCODING;

/// Tells whether a client takes gzip (RFC 9110, section 12.5.3). One that says nothing gets the plain file.
pub fn takes_gzip(request: &HttpRequest) -> bool {
    let lines = request.headers().get_all(ACCEPT_ENCODING).filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.split_once('=').is_some_and(|(_, quality)| quality.trim().parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}
