//! The services that Rally calls: Envoi, Heimdall and the captcha's verifier.

use rally_heimdall::AcceptUrl;
use secrecy::SecretString;
use url::Url;

use super::text::{given, parse_http_url};
use super::{ConfigError, Settings};

/// A service with its platform key.
#[derive(Clone)]
pub struct KeyedConfig {
    /// The URL of the service.
    pub url: Url,
    /// The secret that identifies this deployment to the service.
    pub key: SecretString,
}

/// The captcha's verifier, with its secret.
#[derive(Clone)]
pub struct CaptchaConfig {
    /// The URL of the service.
    pub url: Url,
    /// The secret that identifies this deployment to the service.
    pub secret: SecretString,
    /// The lowest score that passes.
    pub min_score: f64,
}

/// The services that Rally calls, if they are configured.
#[derive(Clone, Default)]
pub struct UpstreamConfig {
    /// Envoi.
    pub envoi: Option<KeyedConfig>,
    /// Heimdall.
    pub heimdall: Option<KeyedConfig>,
    /// The link to accept an invitation, if Heimdall returns none.
    pub accept_url: Option<AcceptUrl>,
    /// The captcha's verifier.
    pub captcha: Option<CaptchaConfig>,
}

impl UpstreamConfig {
    pub(super) fn parse(settings: &Settings) -> Result<Self, ConfigError> {
        let of = |setting: &Option<String>| given(setting.clone());
        let accept_url = of(&settings.heimdall_accept_url).map(|template| AcceptUrl::parse(&template)).transpose();
        let url = of(&settings.recaptcha_url).unwrap_or_else(|| rally_captcha::GOOGLE.to_owned());
        let url = parse_http_url("RALLY_RECAPTCHA_URL", &url)?;
        let min_score = of(&settings.recaptcha_min_score).map_or(Ok(0.5), |text| parse_score(&text))?;
        Ok(Self {
            envoi: parse_keyed(
                ("RALLY_ENVOI_URL", of(&settings.envoi_url), "https://api.mail.productcraft.co"),
                ("RALLY_ENVOI_KEY", of(&settings.envoi_key)),
            )?,
            heimdall: parse_keyed(
                ("RALLY_HEIMDALL_URL", of(&settings.heimdall_url), "https://api.auth.productcraft.co"),
                ("RALLY_HEIMDALL_KEY", of(&settings.heimdall_key)),
            )?,
            accept_url: accept_url.map_err(|problem| ConfigError::new("RALLY_HEIMDALL_ACCEPT_URL", problem))?,
            captcha: of(&settings.recaptcha_secret).map(|secret| CaptchaConfig { url, secret: secret.into(), min_score }),
        })
    }
}

/// Parses a service with a key. A URL without a key is an error. A key without a URL is for the usual URL of the service.
fn parse_keyed(
    (url_name, url, usual): (&'static str, Option<String>, &str),
    (key_name, key): (&'static str, Option<String>),
) -> Result<Option<KeyedConfig>, ConfigError> {
    match (url, key) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(ConfigError::new(key_name, format!("is required with {url_name}"))),
        // The key is sent in a header, which allows no other characters.
        (_, Some(key)) if !key.bytes().all(|b| b.is_ascii_graphic()) => Err(ConfigError::new(key_name, "must be visible ASCII characters")),
        (url, Some(key)) => {
            let url = parse_http_url(url_name, url.as_deref().unwrap_or(usual))?;
            if url.query().is_some() || url.fragment().is_some() {
                return Err(ConfigError::new(url_name, "must have neither a query nor a fragment"));
            }
            // They would be a second `Authorization` beside the key.
            if !url.username().is_empty() || url.password().is_some() {
                return Err(ConfigError::new(url_name, format!("must have no user name and no password: the service is sent {key_name}")));
            }
            Ok(Some(KeyedConfig { url, key: key.into() }))
        }
    }
}

fn parse_score(text: &str) -> Result<f64, ConfigError> {
    let score = text.parse::<f64>().ok().filter(|score| (0.0..=1.0).contains(score));
    score.ok_or_else(|| ConfigError::new("RALLY_RECAPTCHA_MIN_SCORE", "must be a number from 0 to 1"))
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn a_key_alone_is_for_the_service_where_its_owner_runs_it() {
        let some = |text: &str| Some(text.to_owned());
        let upstreams = |settings| Config::try_from(settings).unwrap().upstreams;
        assert!(
            upstreams(Settings::sample()).envoi.is_none()
                && upstreams(Settings::sample()).heimdall.is_none()
                && upstreams(Settings::sample()).captcha.is_none()
        );
        let keys = upstreams(Settings { envoi_key: some("a"), heimdall_key: some("b"), recaptcha_secret: some("c"), ..Settings::sample() });
        assert_eq!(keys.envoi.unwrap().url.as_str(), "https://api.mail.productcraft.co/");
        assert_eq!(keys.heimdall.unwrap().url.as_str(), "https://api.auth.productcraft.co/");
        let captcha = keys.captcha.unwrap();
        assert_eq!((captcha.url.as_str(), captcha.min_score), ("https://www.google.com/recaptcha/api/siteverify", 0.5));
    }
}
