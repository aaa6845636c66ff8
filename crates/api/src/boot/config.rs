//! Configuration: environment variables and flags of the same names, read as text and checked here, so that whatever is
//! wrong is told in one line that names the setting.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use clap::Args;
use rally_domain::mail::Links;
use rally_domain::webhook::DeliveryPolicy;
use rally_heimdall::AcceptUrl;
use rally_webhooks::Exemptions;
use secrecy::SecretString;
use time::Duration;
use url::{Host, Url};

use crate::duration::parse_duration;
use crate::http::extract::client::TrustedProxies;
use crate::http::rate::Rate;

/// A setting that is missing or malformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct ConfigError {
    /// The name of the environment variable.
    pub setting: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl ConfigError {
    /// Says what is wrong with a setting.
    pub fn new(setting: &'static str, problem: impl Into<String>) -> Self {
        Self { setting, problem: problem.into() }
    }
}

/// The settings as given, unchecked. A flag wins over the variable of the same name; an empty one counts as not given.
#[derive(Args, Clone, Default)]
pub struct Settings {
    /// Address to listen on
    #[arg(long, alias = "rally-bind", env = "RALLY_BIND", global = true, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub bind: String,
    /// Base of the links Rally hands out [default: http:// and the address it listens on]
    #[arg(long, alias = "rally-public-url", env = "RALLY_PUBLIC_URL", global = true, value_name = "URL")]
    pub public_url: Option<String>,
    /// PostgreSQL to keep everything in [default: the embedded store]
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Directory of the embedded store and of generated secrets
    #[arg(long, alias = "rally-data-dir", env = "RALLY_DATA_DIR", global = true, value_name = "DIR", default_value = "./rally-data")]
    pub data_dir: String,
    /// HS256 key of admin tokens, at least 32 bytes [default: generated, on the embedded store]
    #[arg(long, alias = "rally-jwt-secret", env = "RALLY_JWT_SECRET", hide_env_values = true, global = true, value_name = "SECRET")]
    pub jwt_secret: Option<String>,
    /// Keys of an identity provider whose RS256, ES256 and EdDSA tokens are accepted
    #[arg(long, alias = "rally-jwks-url", env = "RALLY_JWKS_URL", global = true, value_name = "URL")]
    pub jwks_url: Option<String>,
    /// `iss` the identity provider's tokens must have
    #[arg(long, alias = "rally-jwt-issuer", env = "RALLY_JWT_ISSUER", global = true, value_name = "ISSUER")]
    pub jwt_issuer: Option<String>,
    /// `aud` the identity provider's tokens must have
    #[arg(long, alias = "rally-jwt-audience", env = "RALLY_JWT_AUDIENCE", global = true, value_name = "AUDIENCE")]
    pub jwt_audience: Option<String>,
    /// 32 bytes in base64 that encrypt what must not be readable at rest [default: generated, on the embedded store]
    #[arg(long, alias = "rally-encryption-key", env = "RALLY_ENCRYPTION_KEY", hide_env_values = true, global = true, value_name = "KEY")]
    pub encryption_key: Option<String>,
    /// The encryption key before this one: still opens what it sealed, until `rally secrets reencrypt` has run
    #[arg(
        long,
        alias = "rally-previous-encryption-key",
        env = "RALLY_PREVIOUS_ENCRYPTION_KEY",
        hide_env_values = true,
        global = true,
        value_name = "KEY"
    )]
    pub previous_encryption_key: Option<String>,
    /// Comma-separated exemptions of webhook URLs: a CIDR from being public addresses, http://HOST from https
    #[arg(long, alias = "rally-webhook-allow", env = "RALLY_WEBHOOK_ALLOW", global = true, value_name = "LIST")]
    pub webhook_allow: Option<String>,
    /// How long to wait after each failed attempt to deliver to a webhook [default: 5s,5m,30m,2h,5h,10h,10h]
    #[arg(long, alias = "rally-webhook-retry", env = "RALLY_WEBHOOK_RETRY", global = true, value_name = "LIST")]
    pub webhook_retry: Option<String>,
    /// How long an attempt to deliver to a webhook may take [default: 15s]
    #[arg(long, alias = "rally-webhook-timeout", env = "RALLY_WEBHOOK_TIMEOUT", global = true, value_name = "TIME")]
    pub webhook_timeout: Option<String>,
    /// How long a webhook may fail without one success before it is switched off [default: 5d]
    #[arg(long, alias = "rally-webhook-disable-after", env = "RALLY_WEBHOOK_DISABLE_AFTER", global = true, value_name = "TIME")]
    pub webhook_disable_after: Option<String>,
    /// Envoi, the mail service [default, where a key is given: Envoi's own]
    #[arg(long, alias = "rally-envoi-url", env = "RALLY_ENVOI_URL", global = true, value_name = "URL")]
    pub envoi_url: Option<String>,
    /// Platform key for Envoi; without one, notifications cannot be turned on
    #[arg(long, alias = "rally-envoi-key", env = "RALLY_ENVOI_KEY", hide_env_values = true, global = true, value_name = "KEY")]
    pub envoi_key: Option<String>,
    /// Heimdall, which invites into apps [default, where a key is given: Heimdall's own]
    #[arg(long, alias = "rally-heimdall-url", env = "RALLY_HEIMDALL_URL", global = true, value_name = "URL")]
    pub heimdall_url: Option<String>,
    /// Platform key for Heimdall; without one, nobody can be invited
    #[arg(long, alias = "rally-heimdall-key", env = "RALLY_HEIMDALL_KEY", hide_env_values = true, global = true, value_name = "KEY")]
    pub heimdall_key: Option<String>,
    /// Where an invitation is accepted that Heimdall gives no link for, with {app_slug} and {code} in it
    #[arg(long, alias = "rally-heimdall-accept-url", env = "RALLY_HEIMDALL_ACCEPT_URL", global = true, value_name = "TEMPLATE")]
    pub heimdall_accept_url: Option<String>,
    /// Secret of the captcha's verifier; without one, lists that want a captcha take no sign-ups
    #[arg(
        long,
        alias = "rally-recaptcha-secret",
        env = "RALLY_RECAPTCHA_SECRET",
        hide_env_values = true,
        global = true,
        value_name = "SECRET"
    )]
    pub recaptcha_secret: Option<String>,
    /// The captcha's verifier [default: Google's]
    #[arg(long, alias = "rally-recaptcha-url", env = "RALLY_RECAPTCHA_URL", global = true, value_name = "URL")]
    pub recaptcha_url: Option<String>,
    /// The least score of a person, 0 to 1 [default: 0.5]
    #[arg(long, alias = "rally-recaptcha-min-score", env = "RALLY_RECAPTCHA_MIN_SCORE", global = true, value_name = "SCORE")]
    pub recaptcha_min_score: Option<String>,
    /// Sign-ups per client address and waitlist, such as 30/1m, or off, which lifts the limit per e-mail address too
    #[arg(long, alias = "rally-signup-rate", env = "RALLY_SIGNUP_RATE", global = true, value_name = "RATE", default_value = "30/1m")]
    pub signup_rate: String,
    /// Requests per admin token, such as 100/1s [default: off]
    #[arg(long, alias = "rally-admin-rate", env = "RALLY_ADMIN_RATE", global = true, value_name = "RATE")]
    pub admin_rate: Option<String>,
    /// Comma-separated addresses and CIDRs of proxies whose X-Forwarded-For or Forwarded is believed
    #[arg(long, alias = "rally-trusted-proxies", env = "RALLY_TRUSTED_PROXIES", global = true, value_name = "LIST")]
    pub trusted_proxies: Option<String>,
    /// Comma-separated origins that may call the admin surface from a browser
    #[arg(long, alias = "rally-admin-origins", env = "RALLY_ADMIN_ORIGINS", global = true, value_name = "ORIGINS")]
    pub admin_origins: Option<String>,
    /// Whether migrations are applied at start: on or off
    #[arg(long, alias = "rally-migrate", env = "RALLY_MIGRATE", global = true, value_name = "ON", default_value = "on")]
    pub migrate: String,
    /// What to log: a level, or levels by module such as info,rally_api=debug
    #[arg(long, alias = "rally-log", env = "RALLY_LOG", global = true, value_name = "FILTER", default_value = "info")]
    pub log: String,
    /// text or json [default: text on a terminal, else json]
    #[arg(long, alias = "rally-log-format", env = "RALLY_LOG_FORMAT", global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
}

/// Where everything is kept.
#[derive(Clone)]
pub enum StoreConfig {
    /// SQLite in the data directory.
    Embedded,
    /// PostgreSQL; the URL may hold a password.
    Postgres(SecretString),
}

/// Whether pending migrations are applied when a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrate {
    /// They are.
    AtStart,
    /// Somebody runs `rally migrate`.
    Never,
}

/// The identity provider whose tokens are accepted.
#[derive(Debug, Clone)]
pub struct JwksConfig {
    /// Where its keys are.
    pub url: Url,
    /// What `iss` must be.
    pub issuer: Option<String>,
    /// What `aud` must hold.
    pub audience: Option<String>,
}

/// How events are sent to webhooks.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// What may be reached beside the public internet.
    pub exemptions: Exemptions,
    /// How often a delivery is tried.
    pub policy: DeliveryPolicy,
    /// How long an attempt may take.
    pub timeout: Duration,
}

/// The longest an attempt may take: several fit into a lease.
const MAX_WEBHOOK_TIMEOUT: Duration = Duration::minutes(2);

impl WebhookConfig {
    fn parse(settings: &Settings) -> Result<Self, ConfigError> {
        let of = |setting: &Option<String>| given(setting.clone());
        let defaults = DeliveryPolicy::default();
        let exemptions = Exemptions::parse(&of(&settings.webhook_allow).unwrap_or_default());
        let schedule = of(&settings.webhook_retry)
            .map(|list| list.split(',').map(|step| parse_time("RALLY_WEBHOOK_RETRY", step)).collect::<Result<Vec<_>, _>>());
        let timeout = of(&settings.webhook_timeout).map(|text| parse_time("RALLY_WEBHOOK_TIMEOUT", &text)).transpose()?;
        let disable_after = of(&settings.webhook_disable_after).map(|text| parse_time("RALLY_WEBHOOK_DISABLE_AFTER", &text));
        let timeout = timeout.unwrap_or(Duration::seconds(15));
        if timeout > MAX_WEBHOOK_TIMEOUT {
            return Err(ConfigError::new("RALLY_WEBHOOK_TIMEOUT", "must be at most 2m"));
        }
        Ok(Self {
            exemptions: exemptions.map_err(|error| ConfigError::new("RALLY_WEBHOOK_ALLOW", error.to_string()))?,
            policy: DeliveryPolicy {
                schedule: schedule.transpose()?.unwrap_or(defaults.schedule),
                disable_after: disable_after.transpose()?.unwrap_or(defaults.disable_after),
            },
            timeout,
        })
    }
}

/// A service with its platform key.
#[derive(Clone)]
pub struct KeyedConfig {
    /// Where it is.
    pub url: Url,
    /// What it knows this deployment by.
    pub key: SecretString,
}

/// The verifier of captcha tokens.
#[derive(Clone)]
pub struct CaptchaConfig {
    /// Where it is.
    pub url: Url,
    /// What it knows this deployment by.
    pub secret: SecretString,
    /// The least score of a person.
    pub min_score: f64,
}

/// The services that Rally calls, where they are configured.
#[derive(Clone, Default)]
pub struct UpstreamConfig {
    /// Envoi.
    pub envoi: Option<KeyedConfig>,
    /// Heimdall.
    pub heimdall: Option<KeyedConfig>,
    /// Where an invitation is accepted that Heimdall gives no link for.
    pub accept_url: Option<AcceptUrl>,
    /// The captcha's verifier.
    pub captcha: Option<CaptchaConfig>,
}

impl UpstreamConfig {
    fn parse(settings: &Settings) -> Result<Self, ConfigError> {
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

/// A URL without a key is a mistake; a key without a URL is for the service where its owner runs it.
fn parse_keyed(
    (url_name, url, usual): (&'static str, Option<String>, &str),
    (key_name, key): (&'static str, Option<String>),
) -> Result<Option<KeyedConfig>, ConfigError> {
    match (url, key) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(ConfigError::new(key_name, format!("is required with {url_name}"))),
        // A header takes no others.
        (_, Some(key)) if !key.bytes().all(|b| b.is_ascii_graphic()) => Err(ConfigError::new(key_name, "must be visible ASCII characters")),
        (url, Some(key)) => {
            let url = parse_http_url(url_name, url.as_deref().unwrap_or(usual))?;
            if url.query().is_some() || url.fragment().is_some() {
                return Err(ConfigError::new(url_name, "must have neither a query nor a fragment"));
            }
            Ok(Some(KeyedConfig { url, key: key.into() }))
        }
    }
}

fn parse_score(text: &str) -> Result<f64, ConfigError> {
    let score = text.parse::<f64>().ok().filter(|score| (0.0..=1.0).contains(score));
    score.ok_or_else(|| ConfigError::new("RALLY_RECAPTCHA_MIN_SCORE", "must be a number from 0 to 1"))
}

fn parse_time(setting: &'static str, text: &str) -> Result<Duration, ConfigError> {
    let problem = || ConfigError::new(setting, format!("{text:?} is not a time such as 500ms, 15s, 5m, 2h or 5d"));
    parse_duration(text.trim()).ok_or_else(problem)
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// The settings, checked.
#[derive(Clone)]
pub struct Config {
    /// Address to listen on.
    pub bind: SocketAddr,
    /// Base of the links Rally hands out, without a slash at the end; `None` for the address it listens on.
    pub public_url: Option<String>,
    /// Where everything is kept.
    pub store: StoreConfig,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The HS256 key, where one was given.
    pub jwt_secret: Option<SecretString>,
    /// The identity provider, where one was given.
    pub jwks: Option<JwksConfig>,
    /// The encryption key in base64, where one was given.
    pub encryption_key: Option<SecretString>,
    /// The encryption key before it, in base64.
    pub previous_encryption_key: Option<SecretString>,
    /// How events are sent to webhooks.
    pub webhooks: WebhookConfig,
    /// The services that Rally calls.
    pub upstreams: UpstreamConfig,
    /// Sign-ups per client address and waitlist; `None` for no limit.
    pub signup_rate: Option<Rate>,
    /// Requests per admin token; `None` for no limit.
    pub admin_rate: Option<Rate>,
    /// Proxies whose word on where a request comes from is taken.
    pub trusted_proxies: TrustedProxies,
    /// Origins that may call the admin surface.
    pub admin_origins: Vec<String>,
    /// Whether migrations are applied at start.
    pub migrate: Migrate,
    /// What to log.
    pub log: String,
    /// How log lines look; `None` to look at the terminal.
    pub log_format: Option<LogFormat>,
}

impl Config {
    /// The base of the links that are handed out by a process that listens on an address.
    pub fn links(&self, address: SocketAddr) -> Links {
        Links::new(&self.public_url.clone().unwrap_or_else(|| format!("http://{address}")))
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("bind", &self.bind).field("data_dir", &self.data_dir).finish_non_exhaustive()
    }
}

impl TryFrom<Settings> for Config {
    type Error = ConfigError;

    fn try_from(settings: Settings) -> Result<Self, ConfigError> {
        let webhooks = WebhookConfig::parse(&settings)?;
        let upstreams = UpstreamConfig::parse(&settings)?;
        let jwks_url = given(settings.jwks_url);
        Ok(Self {
            webhooks,
            upstreams,
            bind: parse_bind(&settings.bind)?,
            public_url: given(settings.public_url).map(|url| parse_public_url(&url)).transpose()?,
            store: match given(settings.database_url) {
                Some(url) => StoreConfig::Postgres(parse_database_url(url)?),
                None => StoreConfig::Embedded,
            },
            data_dir: PathBuf::from(settings.data_dir),
            jwt_secret: given(settings.jwt_secret).map(parse_jwt_secret).transpose()?,
            jwks: match jwks_url {
                Some(url) => Some(JwksConfig {
                    url: parse_http_url("RALLY_JWKS_URL", &url)?,
                    issuer: given(settings.jwt_issuer),
                    audience: given(settings.jwt_audience),
                }),
                None => None,
            },
            encryption_key: given(settings.encryption_key).map(SecretString::from),
            previous_encryption_key: given(settings.previous_encryption_key).map(SecretString::from),
            signup_rate: parse_rate("RALLY_SIGNUP_RATE", &given(Some(settings.signup_rate)).unwrap_or_else(|| "30/1m".to_owned()))?,
            admin_rate: parse_rate("RALLY_ADMIN_RATE", &given(settings.admin_rate).unwrap_or_else(|| "off".to_owned()))?,
            trusted_proxies: parse_proxies(&given(settings.trusted_proxies).unwrap_or_default())?,
            admin_origins: given(settings.admin_origins).map(|list| parse_origins(&list)).transpose()?.unwrap_or_default(),
            migrate: parse_choice("RALLY_MIGRATE", &settings.migrate, &[("on", Migrate::AtStart), ("off", Migrate::Never)])?,
            log: settings.log,
            log_format: given(settings.log_format)
                .map(|format| parse_choice("RALLY_LOG_FORMAT", &format, &[("text", LogFormat::Text), ("json", LogFormat::Json)]))
                .transpose()?,
        })
    }
}

fn given(setting: Option<String>) -> Option<String> {
    setting.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

fn parse_bind(text: &str) -> Result<SocketAddr, ConfigError> {
    let resolved = text.trim().to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    resolved.ok_or_else(|| ConfigError::new("RALLY_BIND", "must be an address and a port such as 127.0.0.1:8080"))
}

fn parse_http_url(setting: &'static str, text: &str) -> Result<Url, ConfigError> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| ConfigError::new(setting, "must be an absolute http or https URL"))
}

fn parse_public_url(text: &str) -> Result<String, ConfigError> {
    let url = parse_http_url("RALLY_PUBLIC_URL", text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(ConfigError::new("RALLY_PUBLIC_URL", "must have neither a query nor a fragment"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn parse_database_url(url: String) -> Result<SecretString, ConfigError> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        Ok(SecretString::from(url))
    } else {
        Err(ConfigError::new("DATABASE_URL", "must start with postgres:// or postgresql://"))
    }
}

fn parse_jwt_secret(secret: String) -> Result<SecretString, ConfigError> {
    if secret.len() < 32 {
        return Err(ConfigError::new("RALLY_JWT_SECRET", "must be at least 32 bytes"));
    }
    Ok(SecretString::from(secret))
}

fn parse_rate(setting: &'static str, text: &str) -> Result<Option<Rate>, ConfigError> {
    if text == "off" {
        return Ok(None);
    }
    let problem = || ConfigError::new(setting, format!("{text:?} is neither off nor a rate such as 30/1m"));
    Rate::parse(text).map(Some).ok_or_else(problem)
}

fn parse_proxies(list: &str) -> Result<TrustedProxies, ConfigError> {
    let problem = |text| ConfigError::new("RALLY_TRUSTED_PROXIES", format!("{text:?} is neither an address nor a CIDR"));
    TrustedProxies::parse(list).map_err(problem)
}

fn parse_origins(list: &str) -> Result<Vec<String>, ConfigError> {
    let problem =
        |text: &str| ConfigError::new("RALLY_ADMIN_ORIGINS", format!("{text:?} is not an origin such as https://console.example.com"));
    let parse = |text: &str| parse_origin(text).ok_or_else(|| problem(text));
    list.split(',').map(str::trim).filter(|text| !text.is_empty()).map(parse).collect()
}

/// An origin as browsers write it: lower case, the host in ASCII, no port where it is the usual one. `None` for what no browser
/// ever sends, which would let nobody in and tell nobody why: a wildcard, or more than an origin.
fn parse_origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let bare =
        url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    let names_a_host = match url.host()? {
        Host::Domain(name) => name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    };
    (bare && names_a_host && url.port() != Some(0)).then(|| url.origin().ascii_serialization())
}

fn parse_choice<T: Copy>(setting: &'static str, text: &str, choices: &[(&str, T)]) -> Result<T, ConfigError> {
    let found = choices.iter().find(|(name, _)| *name == text.trim());
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        ConfigError::new(setting, format!("must be {}", names.join(" or ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            bind: "127.0.0.1:0".to_owned(),
            data_dir: "data".to_owned(),
            migrate: "on".to_owned(),
            log: "info".to_owned(),
            ..Settings::default()
        }
    }

    #[test]
    fn a_malformed_setting_is_named() {
        let some = |text: &str| Some(text.to_owned());
        let table: [(&str, Settings); 32] = [
            ("RALLY_WEBHOOK_ALLOW", Settings { webhook_allow: some("localhost"), ..settings() }),
            ("RALLY_WEBHOOK_RETRY", Settings { webhook_retry: some("5s,soon"), ..settings() }),
            ("RALLY_WEBHOOK_RETRY", Settings { webhook_retry: some("5s,,5m"), ..settings() }),
            ("RALLY_WEBHOOK_TIMEOUT", Settings { webhook_timeout: some("0s"), ..settings() }),
            ("RALLY_WEBHOOK_TIMEOUT", Settings { webhook_timeout: some("1h"), ..settings() }),
            ("RALLY_WEBHOOK_DISABLE_AFTER", Settings { webhook_disable_after: some("-1d"), ..settings() }),
            ("RALLY_ENVOI_KEY", Settings { envoi_url: some("https://envoi.example"), ..settings() }),
            ("RALLY_ENVOI_KEY", Settings { envoi_key: some("two words"), ..settings() }),
            ("RALLY_ENVOI_URL", Settings { envoi_url: some("envoi.example"), envoi_key: some("key"), ..settings() }),
            ("RALLY_HEIMDALL_KEY", Settings { heimdall_url: some("https://heimdall.example"), ..settings() }),
            ("RALLY_HEIMDALL_URL", Settings { heimdall_url: some("https://h.example/?a"), heimdall_key: some("key"), ..settings() }),
            ("RALLY_HEIMDALL_ACCEPT_URL", Settings { heimdall_accept_url: some("https://app.example/{app_slug}"), ..settings() }),
            ("RALLY_RECAPTCHA_URL", Settings { recaptcha_url: some("google"), ..settings() }),
            ("RALLY_RECAPTCHA_MIN_SCORE", Settings { recaptcha_min_score: some("1.5"), ..settings() }),
            ("RALLY_RECAPTCHA_MIN_SCORE", Settings { recaptcha_min_score: some("NaN"), ..settings() }),
            ("RALLY_SIGNUP_RATE", Settings { signup_rate: "0/1m".to_owned(), ..settings() }),
            ("RALLY_ADMIN_RATE", Settings { admin_rate: some("fast"), ..settings() }),
            ("RALLY_TRUSTED_PROXIES", Settings { trusted_proxies: some("10.0.0.0/8,proxy"), ..settings() }),
            ("RALLY_BIND", Settings { bind: "nowhere".to_owned(), ..settings() }),
            ("RALLY_PUBLIC_URL", Settings { public_url: some("rally.example.com"), ..settings() }),
            ("RALLY_PUBLIC_URL", Settings { public_url: some("https://rally.example.com/?a"), ..settings() }),
            ("DATABASE_URL", Settings { database_url: some("mysql://localhost/rally"), ..settings() }),
            ("RALLY_JWT_SECRET", Settings { jwt_secret: some("short"), ..settings() }),
            ("RALLY_JWKS_URL", Settings { jwks_url: some("file:///etc/passwd"), ..settings() }),
            ("RALLY_ADMIN_ORIGINS", Settings { admin_origins: some("https://a.example/path"), ..settings() }),
            ("RALLY_ADMIN_ORIGINS", Settings { admin_origins: some("https://a.example,*"), ..settings() }),
            ("RALLY_ADMIN_ORIGINS", Settings { admin_origins: some("https://*.a.example"), ..settings() }),
            ("RALLY_TRUSTED_PROXIES", Settings { trusted_proxies: some("::ffff:10.0.0.0/90"), ..settings() }),
            ("RALLY_WEBHOOK_ALLOW", Settings { webhook_allow: some("::ffff:0:0/95"), ..settings() }),
            ("RALLY_WEBHOOK_ALLOW", Settings { webhook_allow: some("http://*.internal"), ..settings() }),
            ("RALLY_MIGRATE", Settings { migrate: "maybe".to_owned(), ..settings() }),
            ("RALLY_LOG_FORMAT", Settings { log_format: some("xml"), ..settings() }),
        ];
        for (name, settings) in table {
            let error = Config::try_from(settings).unwrap_err();
            assert_eq!(error.setting, name);
            assert!(error.to_string().starts_with(&format!("{name}: ")) && !error.to_string().contains('\n'));
        }
    }

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

    #[test]
    fn webhooks_are_sent_as_the_settings_say() {
        let some = |text: &str| Some(text.to_owned());
        let settings =
            Settings { webhook_retry: some("1s, 2m"), webhook_timeout: some("3s"), webhook_disable_after: some("1h"), ..settings() };
        let WebhookConfig { policy, timeout, .. } = Config::try_from(settings).unwrap().webhooks;
        assert_eq!(
            policy,
            DeliveryPolicy { schedule: vec![Duration::seconds(1), Duration::minutes(2)], disable_after: Duration::hours(1) }
        );
        assert_eq!(timeout, Duration::seconds(3));
    }

    #[test]
    fn a_key_alone_is_for_the_service_where_its_owner_runs_it() {
        let some = |text: &str| Some(text.to_owned());
        let upstreams = |settings| Config::try_from(settings).unwrap().upstreams;
        assert!(
            upstreams(settings()).envoi.is_none() && upstreams(settings()).heimdall.is_none() && upstreams(settings()).captcha.is_none()
        );
        let keys = upstreams(Settings { envoi_key: some("a"), heimdall_key: some("b"), recaptcha_secret: some("c"), ..settings() });
        assert_eq!(keys.envoi.unwrap().url.as_str(), "https://api.mail.productcraft.co/");
        assert_eq!(keys.heimdall.unwrap().url.as_str(), "https://api.auth.productcraft.co/");
        let captcha = keys.captcha.unwrap();
        assert_eq!((captcha.url.as_str(), captcha.min_score), ("https://www.google.com/recaptcha/api/siteverify", 0.5));
    }

    #[test]
    fn an_empty_setting_is_not_given() {
        let empty = || Some(" ".to_owned());
        let config = Config::try_from(Settings { database_url: empty(), jwt_secret: empty(), public_url: empty(), ..settings() });
        let config = config.unwrap();
        assert!(matches!(config.store, StoreConfig::Embedded) && config.jwt_secret.is_none() && config.public_url.is_none());
    }

    #[test]
    fn a_public_url_has_no_slash_at_its_end() {
        let config = Config::try_from(Settings { public_url: Some("https://x.example/rally/".to_owned()), ..settings() });
        assert_eq!(config.unwrap().public_url.as_deref(), Some("https://x.example/rally"));
    }
}
