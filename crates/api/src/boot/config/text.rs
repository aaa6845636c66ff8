//! Parsers that several sections share: URLs, durations, choices, and settings that may be empty.

use time::Duration;
use url::Url;

use super::ConfigError;
use crate::duration::parse_duration;

/// The text of a setting without surrounding spaces. An empty text counts as not set.
pub(super) fn given(setting: Option<String>) -> Option<String> {
    setting.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The text of a setting without surrounding spaces, or its default if it is empty.
pub(super) fn given_or(setting: String, default: &str) -> String {
    given(Some(setting)).unwrap_or_else(|| default.to_owned())
}

/// Parses an absolute http or https URL.
pub(super) fn parse_http_url(setting: &'static str, text: &str) -> Result<Url, ConfigError> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| ConfigError::new(setting, "must be an absolute http or https URL"))
}

/// Parses a duration.
pub(super) fn parse_time(setting: &'static str, text: &str) -> Result<Duration, ConfigError> {
    let problem = || ConfigError::new(setting, format!("{text:?} is not a time such as 500ms, 15s, 5m, 2h or 5d"));
    parse_duration(text.trim()).ok_or_else(problem)
}

/// Parses one of a few words.
pub(super) fn parse_choice<T: Copy>(setting: &'static str, text: &str, choices: &[(&str, T)]) -> Result<T, ConfigError> {
    let found = choices.iter().find(|(name, _)| *name == text.trim());
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        ConfigError::new(setting, format!("must be {}", names.join(" or ")))
    })
}
