//! Web origins (RFC 6454): the scheme, host and port of the pages that may embed a form, and send one.

use std::fmt;

use url::{Host, Url};

use crate::error::Invalid;

/// The origin of a page, written as browsers write it: lower case, the host in ASCII, no default port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebOrigin(String);

impl WebOrigin {
    /// The most characters, as given and as kept: a label beyond ASCII is kept longer (RFC 3492).
    pub const MAX: usize = 255;

    /// Reads `scheme://host[:port]` with the scheme `http` or `https`.
    ///
    /// # Errors
    /// If the text is anything else: an origin with a path, a wildcard or a user, or `null`.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let too_long = || Invalid::new(format!("must be at most {} characters, with its host in ASCII", Self::MAX));
        if text.chars().count() > Self::MAX {
            return Err(too_long());
        }
        let origin =
            read(text).ok_or_else(|| Invalid::new("must be an origin such as https://example.com: a scheme, a host, and no path"))?;
        if origin.len() <= Self::MAX { Ok(Self(origin)) } else { Err(too_long()) }
    }

    /// Returns the origin of an absolute URL. `None` means that it has none that a browser would send.
    pub fn of_url(url: &str) -> Option<Self> {
        let origin = Url::parse(url).ok()?.origin();
        read(&origin.ascii_serialization()).map(Self)
    }

    /// Returns the origin as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn read(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    // A parser of URLs repairs what no browser sends as an origin.
    let is_bare =
        !rest.ends_with(':') && !rest.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '\\' | '?' | '#' | '@'));
    let url = Url::parse(text).ok().filter(|_| is_web && is_bare)?;
    let names_a_host = match url.host()? {
        Host::Domain(name) => name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    };
    (names_a_host && url.port() != Some(0)).then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_as_browsers_write_it() {
        for (given, kept) in [
            ("https://shop.example", "https://shop.example"),
            ("HTTPS://Shop.Example:443", "https://shop.example"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("https://my_app.example", "https://my_app.example"),
        ] {
            assert_eq!(WebOrigin::parse(given).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn an_origin_that_was_taken_is_taken_as_it_is_kept() {
        let given = |labels: usize| format!("https://{}", vec!["中文網絡測試標籤域名"; labels].join("."));
        let kept = WebOrigin::parse(&given(6)).unwrap();
        assert_eq!(WebOrigin::parse(kept.as_str()), Ok(kept.clone()));
        assert!(given(10).chars().count() < WebOrigin::MAX && WebOrigin::parse(&given(10)).is_err());
    }

    #[test]
    fn anything_but_scheme_host_and_port_is_refused() {
        let long = format!("https://{}.example", "x".repeat(WebOrigin::MAX));
        for never in [
            "",
            "*",
            "null",
            "https://",
            "https://*",
            "https://*.example.com",
            "shop.example",
            "//shop.example",
            "https:shop.example",
            "https://shop.example/",
            "https://shop.example/path",
            "https:\\\\shop.example",
            "https://shop.example\\",
            "https://shop.example?",
            "https://shop.example#x",
            "https://user@shop.example",
            "https://shop.example:",
            "https://shop.example:0",
            "https://shop.example:*",
            "https://shop.example:99999",
            " https://shop.example",
            "https://shop.example ",
            "https://shop.example\n",
            "https://a.example https://b.example",
            "https://a.example;script-src",
            "https://a.example,b.example",
            "https://a'b.example",
            "ftp://shop.example",
            "javascript://shop.example",
            "file:///",
            &long,
        ] {
            assert!(WebOrigin::parse(never).is_err(), "{never}");
        }
    }

    #[test]
    fn a_url_has_the_origin_of_its_host() {
        assert_eq!(WebOrigin::of_url("https://Rally.example:443/path?x#y").unwrap().as_str(), "https://rally.example");
        assert_eq!(WebOrigin::of_url("http://127.0.0.1:8080").unwrap().as_str(), "http://127.0.0.1:8080");
        assert_eq!(WebOrigin::of_url("data:text/plain,x"), None);
    }
}
