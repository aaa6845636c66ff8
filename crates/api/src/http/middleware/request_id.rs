//! The id of a request: the client's if it is well formed, else a new one.

use actix_web::http::header::{HeaderMap, HeaderName};

/// The header with a request's id, in requests and replies.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The most characters of a client's id.
const MAX_REQUEST_ID: usize = 128;

/// The id of a request, for its handlers.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

pub(super) fn of(headers: &HeaderMap) -> String {
    let sane = |text: &&str| (1..=MAX_REQUEST_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(sane);
    given.map_or_else(|| uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn an_id_is_taken_over_only_if_it_is_sane() {
        let id_of = |text: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(text).unwrap());
            of(&headers)
        };
        assert_eq!(id_of(b"abc-123"), "abc-123");
        assert_eq!(id_of(&[b'x'; 128]), "x".repeat(128));
        for bad in [&b""[..], b"two words", b"tab\tbed", b"\xc3\xbc", &[b'x'; 129]] {
            assert_eq!(id_of(bad).len(), 36, "{bad:?}");
        }
    }
}
