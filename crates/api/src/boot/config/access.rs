//! Access to the admin surface: the key of its tokens, the identity provider, the origins of browsers.

use rally_domain::web_origin::WebOrigin;
use secrecy::SecretString;
use url::Url;

use super::ConfigError;
use super::text::{given, parse_http_url};

/// The identity provider whose tokens are accepted.
#[derive(Debug, Clone)]
pub struct JwksConfig {
    /// The URL of its keys.
    pub url: Url,
    /// The required `iss` of its tokens.
    pub issuer: Option<String>,
    /// A value that `aud` of its tokens must contain.
    pub audience: Option<String>,
}

impl JwksConfig {
    /// Returns `None` without a URL, even if the issuer or the audience is set.
    pub(super) fn parse(url: Option<String>, issuer: Option<String>, audience: Option<String>) -> Result<Option<Self>, ConfigError> {
        let Some(url) = given(url) else { return Ok(None) };
        Ok(Some(Self { url: parse_http_url("RALLY_JWKS_URL", &url)?, issuer: given(issuer), audience: given(audience) }))
    }
}

/// Parses the key for HS256.
pub(super) fn parse_jwt_secret(secret: String) -> Result<SecretString, ConfigError> {
    if secret.len() < 32 {
        return Err(ConfigError::new("RALLY_JWT_SECRET", "must be at least 32 bytes"));
    }
    Ok(SecretString::from(secret))
}

/// Parses comma-separated origins.
pub(super) fn parse_origins(list: &str) -> Result<Vec<String>, ConfigError> {
    let problem =
        |text: &str| ConfigError::new("RALLY_ADMIN_ORIGINS", format!("{text:?} is not an origin such as https://console.example.com"));
    let parse = |text: &str| parse_origin(text).ok_or_else(|| problem(text));
    list.split(',').map(str::trim).filter(|text| !text.is_empty()).map(parse).collect()
}

/// Parses an origin, with or without a slash at its end. Returns `None` for a text that no browser ever sends, such as a wildcard or a
/// URL with a path. Such an origin would never match, and nobody would know why.
fn parse_origin(text: &str) -> Option<String> {
    WebOrigin::parse(text.strip_suffix('/').unwrap_or(text)).ok().map(|origin| origin.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_as_browsers_write_it() {
        for (given, kept) in [
            ("https://console.example", "https://console.example"),
            ("https://console.example/", "https://console.example"),
            ("HTTPS://Console.Example:443", "https://console.example"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("https://my_app.example", "https://my_app.example"),
        ] {
            assert_eq!(parse_origins(given).unwrap(), [kept]);
        }
        assert_eq!(parse_origins(" https://a.example , https://b.example,").unwrap(), ["https://a.example", "https://b.example"]);
        for never in [
            "*",
            "null",
            "https://*",
            "https://*.example.com",
            "https://a.*.example.com",
            "console.example",
            "https://a.example/path",
            "https://a.example//",
            "https://a.example?",
            "https://a.example#x",
            "https://user@a.example",
            "https://a.example:0",
            "https://a.example:*",
            "https://a.example https://b.example",
            "https://a$.example",
            "ftp://a.example",
            "file:///",
        ] {
            assert!(parse_origins(never).is_err(), "{never}");
        }
    }
}
