//! The address that the server listens on, and its public URL.

use std::net::{SocketAddr, ToSocketAddrs};

use super::text::parse_http_url;
use super::{Config, ConfigError};

impl Config {
    /// The base of the links that a process creates if it listens on this address.
    pub fn public_base(&self, address: SocketAddr) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{address}"))
    }
}

/// Parses an address and a port.
pub(super) fn parse_bind(text: &str) -> Result<SocketAddr, ConfigError> {
    let resolved = text.trim().to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    resolved.ok_or_else(|| ConfigError::new("RALLY_BIND", "must be an address and a port such as 127.0.0.1:8080"))
}

/// Parses the base of links, and removes a slash at its end.
pub(super) fn parse_public_url(text: &str) -> Result<String, ConfigError> {
    let url = parse_http_url("RALLY_PUBLIC_URL", text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(ConfigError::new("RALLY_PUBLIC_URL", "must have neither a query nor a fragment"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ConfigError::new("RALLY_PUBLIC_URL", "must have no user name and no password: everybody gets it"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn a_public_url_has_no_slash_at_its_end() {
        let config = Config::try_from(Settings { public_url: Some("https://x.example/rally/".to_owned()), ..Settings::sample() });
        assert_eq!(config.unwrap().public_url.as_deref(), Some("https://x.example/rally"));
    }
}
