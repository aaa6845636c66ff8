//! Rate limits, and the trusted proxies that name the client of a request.

use super::ConfigError;
use crate::http::extract::client::TrustedProxies;
use crate::http::rate::Rate;

/// Parses a rate. `off` is `None`.
pub(super) fn parse_rate(setting: &'static str, text: &str) -> Result<Option<Rate>, ConfigError> {
    if text == "off" {
        return Ok(None);
    }
    let problem = || ConfigError::new(setting, format!("{text:?} is neither off nor a rate such as 30/1m"));
    Rate::parse(text).map(Some).ok_or_else(problem)
}

/// Parses comma-separated addresses and CIDRs.
pub(super) fn parse_proxies(list: &str) -> Result<TrustedProxies, ConfigError> {
    let problem = |text| ConfigError::new("RALLY_TRUSTED_PROXIES", format!("{text:?} is neither an address nor a CIDR"));
    TrustedProxies::parse(list).map_err(problem)
}
