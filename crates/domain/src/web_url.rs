//! Web addresses that an operator sets: absolute, and `http` or `https`.

use url::{Url, form_urlencoded};

use crate::error::Invalid;

/// An absolute `http` or `https` URL (RFC 3986) that people or programs are sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebUrl(Url);

impl WebUrl {
    /// The most characters, as given and as kept: a letter beyond ASCII is kept as several (RFC 3986, section 2.5).
    pub const MAX: usize = 2048;

    /// Reads a URL.
    ///
    /// # Errors
    /// If the text is no absolute `http` or `https` URL with a host, has a user name, a password or white space in it, or is too long.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let too_long = || Invalid::new(format!("must be at most {} characters, of which one beyond ASCII may count as several", Self::MAX));
        if text.chars().count() > Self::MAX {
            return Err(too_long());
        }
        // The parser drops tabs and line breaks silently. Nobody could know what the URL should have been.
        let text = text.trim();
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Invalid::new("must not contain white space or control characters"));
        }
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.filter(|url| url.username().is_empty() && url.password().is_none());
        let url = url.ok_or_else(|| Invalid::new("must be an absolute http or https URL, such as https://example.com/page"))?;
        if url.as_str().len() <= Self::MAX { Ok(Self(url)) } else { Err(too_long()) }
    }

    /// Returns the URL as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the URL with one more pair in its query. The rest of the query and the fragment stay, but for pairs with the same key.
    pub fn with_query(&self, key: &str, value: &str) -> String {
        let mut url = self.0.clone();
        let is_other = |pair: &&str| form_urlencoded::parse(pair.as_bytes()).all(|(name, _)| name != key);
        let others: Option<Vec<&str>> = self.0.query().map(|query| query.split('&').filter(is_other).collect());
        url.set_query(others.filter(|pairs| !pairs.is_empty()).map(|pairs| pairs.join("&")).as_deref());
        url.query_pairs_mut().append_pair(key, value);
        url.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_absolute_web_addresses_are_taken() {
        for good in ["https://example.com/", "http://localhost:8080/x?a=b#c", "https://bücher.example/"] {
            assert!(WebUrl::parse(good).is_ok(), "{good}");
        }
        let long = format!("https://example.com/{}", "x".repeat(WebUrl::MAX));
        for bad in [
            "",
            "https://exa\nmple.com/",
            "https://example.com/a b",
            "https://example.com/\u{0}",
            "/x",
            "example.com",
            "//example.com",
            "ftp://example.com",
            "javascript:alert(1)",
            "https://",
            "http://u:p@example.com",
            &long,
        ] {
            assert!(WebUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_url_that_was_taken_is_taken_as_it_is_kept() {
        // The first part is 20 characters long, and each é is kept as six.
        let given = |letters: usize| format!("https://example.com/{}", "é".repeat(letters));
        let kept = WebUrl::parse(&given(338)).unwrap();
        assert_eq!((kept.as_str().len(), WebUrl::parse(kept.as_str())), (2048, Ok(kept.clone())));
        assert!(WebUrl::parse(&given(339)).is_err());
    }

    #[test]
    fn a_pair_is_added_to_the_query() {
        for (url, expected) in [
            ("https://example.com", "https://example.com/?token=a%26b"),
            ("https://example.com/x?a=1#top", "https://example.com/x?a=1&token=a%26b#top"),
            ("https://example.com/?a=%20+é&token=old&to%6ben=x&b", "https://example.com/?a=%20+%C3%A9&b&token=a%26b"),
            ("https://example.com/?token=old", "https://example.com/?token=a%26b"),
            ("https://example.com/?", "https://example.com/?token=a%26b"),
            ("https://example.com/?a&&b=", "https://example.com/?a&&b=&token=a%26b"),
        ] {
            assert_eq!(WebUrl::parse(url).unwrap().with_query("token", "a&b"), expected);
        }
    }
}
