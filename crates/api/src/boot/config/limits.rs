//! Rate limits, the secret of challenges, throw-away domains, and the trusted proxies that name the client of a request.

use std::ops::RangeInclusive;

use rally_domain::confirmation::DEFAULT_CONFIRMATION_TTL;
use rally_domain::disposable::DisposableDomains;
use rally_domain::mail::MailBudget;
use secrecy::SecretString;
use time::Duration;

use super::ConfigError;
use crate::duration::parse_duration;
use crate::http::extract::client::TrustedProxies;
use crate::http::rate::Rate;

/// The longest that a sign-up may wait.
const MAX_TTL: Duration = Duration::days(365);

/// Parses a rate. `off` is `None`.
pub(super) fn parse_rate(setting: &'static str, text: &str) -> Result<Option<Rate>, ConfigError> {
    if text == "off" {
        return Ok(None);
    }
    let problem = || ConfigError::new(setting, format!("{text:?} is neither off nor a rate such as 30/1m"));
    Rate::parse(text).map(Some).ok_or_else(problem)
}

/// Parses how long a sign-up waits for its confirmation.
pub(super) fn parse_confirmation_ttl(text: Option<String>) -> Result<Duration, ConfigError> {
    let Some(text) = text else { return Ok(DEFAULT_CONFIRMATION_TTL) };
    let ttl = parse_duration(&text).filter(|ttl| (Duration::SECOND..=MAX_TTL).contains(ttl));
    ttl.ok_or_else(|| ConfigError::new("RALLY_CONFIRMATION_TTL", format!("{text:?} is no duration from 1s to 365d, such as 7d")))
}

/// How long rows of the audit log are kept, and the bounds of that.
const AUDIT_KEPT: Duration = Duration::days(400);
const AUDIT_KEPT_WITHIN: RangeInclusive<Duration> = Duration::DAY..=Duration::days(36_500);

/// Parses how long rows of the audit log are kept.
pub(super) fn parse_audit_keep(text: Option<String>) -> Result<Duration, ConfigError> {
    let Some(text) = text else { return Ok(AUDIT_KEPT) };
    let keep = parse_duration(&text).filter(|keep| AUDIT_KEPT_WITHIN.contains(keep));
    keep.ok_or_else(|| ConfigError::new("RALLY_AUDIT_KEEP", format!("{text:?} is no duration from 1d to 36500d, such as 400d")))
}

/// Parses how many mails strangers may cause. `off` is `None`.
pub(super) fn parse_mail_budget(text: Option<String>) -> Result<Option<MailBudget>, ConfigError> {
    let Some(text) = text else { return Ok(Some(MailBudget::default())) };
    if text == "off" {
        return Ok(None);
    }
    let budget = Rate::parse(&text).and_then(Rate::budget).filter(|budget| budget.period <= MailBudget::LONGEST);
    let problem = || ConfigError::new("RALLY_MAIL_BUDGET", format!("{text:?} is neither off nor mails in at most a day, such as 1000/1h"));
    budget.map(Some).ok_or_else(problem)
}

/// The fewest bytes of a secret that seals challenges.
const MIN_POW_SECRET: usize = 32;

/// Parses the secret that seals challenges.
pub(super) fn parse_pow_secret(secret: String) -> Result<SecretString, ConfigError> {
    if secret.len() < MIN_POW_SECRET {
        return Err(ConfigError::new("RALLY_POW_SECRET", format!("must have at least {MIN_POW_SECRET} bytes")));
    }
    Ok(secret.into())
}

/// Reads the file of throw-away domains.
pub(super) fn read_disposable(file: &str) -> Result<DisposableDomains, ConfigError> {
    let problem = |reason: String| ConfigError::new("RALLY_DISPOSABLE_DOMAINS", format!("{file}: {reason}"));
    let text = std::fs::read_to_string(file).map_err(|error| problem(error.to_string()))?;
    DisposableDomains::parse(&text).map_err(|error| problem(error.to_string()))
}

/// Parses comma-separated addresses and CIDRs.
pub(super) fn parse_proxies(list: &str) -> Result<TrustedProxies, ConfigError> {
    let problem = |text| ConfigError::new("RALLY_TRUSTED_PROXIES", format!("{text:?} is neither an address nor a CIDR"));
    TrustedProxies::parse(list).map_err(problem)
}
