//! The configuration: environment variables, and flags with the same names. Rally reads them as text and checks them here, so that a
//! wrong setting is reported in one line that names it.

mod access;
mod limits;
mod listen;
mod logging;
mod oidc;
mod settings;
mod smtp;
mod store;
mod text;
mod upstreams;
mod webhooks;
mod without_effect;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use rally_domain::disposable::DisposableDomains;
use rally_domain::mail::MailBudget;
use secrecy::SecretString;
use time::Duration;

use self::access::{parse_jwt_secret, parse_origins};
use self::limits::{
    parse_audit_keep, parse_confirmation_ttl, parse_mail_budget, parse_pow_secret, parse_proxies, parse_rate, read_disposable,
};
use self::listen::{parse_bind, parse_public_url};
use self::store::{parse_database_connections, parse_database_url};
use self::text::{given, given_or, parse_choice};
use crate::http::extract::client::TrustedProxies;
use crate::http::rate::Rate;

pub use access::JwksConfig;
pub use logging::LogFormat;
pub use oidc::OidcConfig;
pub use settings::Settings;
pub use smtp::SmtpConfig;
pub use store::{Migrate, StoreConfig};
pub use upstreams::{CaptchaConfig, KeyedConfig, UpstreamConfig};
pub use webhooks::WebhookConfig;
pub use without_effect::without_effect;

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
    /// An error in a setting.
    pub fn new(setting: &'static str, problem: impl Into<String>) -> Self {
        Self { setting, problem: problem.into() }
    }
}

/// The settings, checked.
#[derive(Clone)]
pub struct Config {
    /// The address to listen on.
    pub bind: SocketAddr,
    /// The base of the links that Rally creates, without a slash at the end. `None` means the address that it listens on.
    pub public_url: Option<String>,
    /// The kind of store.
    pub store: StoreConfig,
    /// The most connections of this process to PostgreSQL.
    pub database_connections: usize,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The HS256 key, if it is set.
    pub jwt_secret: Option<SecretString>,
    /// The identity provider, if one is set.
    pub jwks: Option<JwksConfig>,
    /// The identity provider through which people sign in to the console, if one is set.
    pub oidc: Option<OidcConfig>,
    /// The encryption key in base64, if it is set.
    pub encryption_key: Option<SecretString>,
    /// The previous encryption key in base64, if it is set.
    pub previous_encryption_key: Option<SecretString>,
    /// How events are sent to webhooks.
    pub webhooks: WebhookConfig,
    /// The services that Rally calls.
    pub upstreams: UpstreamConfig,
    /// The mail server, if one is set.
    pub smtp: Option<SmtpConfig>,
    /// How long a sign-up waits for its confirmation.
    pub confirmation_ttl: Duration,
    /// The most mails that strangers may cause in each workspace. `None` means no limit.
    pub mail_budget: Option<MailBudget>,
    /// How long rows of the audit log are kept.
    pub audit_keep: Duration,
    /// The secret that seals challenges to prove work, if it is set.
    pub pow_secret: Option<SecretString>,
    /// The throw-away domains of the operator.
    pub disposable: DisposableDomains,
    /// Sign-ups per client address and waitlist. `None` means no limit.
    pub signup_rate: Option<Rate>,
    /// Requests per admin token. `None` means no limit.
    pub admin_rate: Option<Rate>,
    /// The proxies that are trusted to name the client of a request.
    pub trusted_proxies: TrustedProxies,
    /// The origins that may call the admin surface from a browser.
    pub admin_origins: Vec<String>,
    /// Whether pending migrations are applied when the store is opened.
    pub migrate: Migrate,
    /// The filter of the log.
    pub log: String,
    /// The format of log lines. `None` means text on a terminal, else JSON.
    pub log_format: Option<LogFormat>,
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
        let smtp = SmtpConfig::parse(&settings)?;
        let oidc = OidcConfig::parse(&settings)?;
        Ok(Self {
            webhooks,
            upstreams,
            smtp,
            oidc,
            bind: parse_bind(&given_or(settings.bind, settings::BIND))?,
            public_url: given(settings.public_url).map(|url| parse_public_url(&url)).transpose()?,
            store: match given(settings.database_url) {
                Some(url) => StoreConfig::Postgres(parse_database_url(url)?),
                None => StoreConfig::Embedded,
            },
            database_connections: parse_database_connections(given(settings.database_connections))?,
            data_dir: PathBuf::from(given_or(settings.data_dir, settings::DATA_DIR)),
            jwt_secret: given(settings.jwt_secret).map(parse_jwt_secret).transpose()?,
            jwks: JwksConfig::parse(settings.jwks_url, settings.jwt_issuer, settings.jwt_audience)?,
            encryption_key: given(settings.encryption_key).map(SecretString::from),
            previous_encryption_key: given(settings.previous_encryption_key).map(SecretString::from),
            confirmation_ttl: parse_confirmation_ttl(given(settings.confirmation_ttl))?,
            mail_budget: parse_mail_budget(given(settings.mail_budget))?,
            audit_keep: parse_audit_keep(given(settings.audit_keep))?,
            pow_secret: given(settings.pow_secret).map(parse_pow_secret).transpose()?,
            disposable: given(settings.disposable_domains).map(|file| read_disposable(&file)).transpose()?.unwrap_or_default(),
            signup_rate: parse_rate("RALLY_SIGNUP_RATE", &given_or(settings.signup_rate, settings::SIGNUP_RATE))?,
            admin_rate: parse_rate("RALLY_ADMIN_RATE", &given(settings.admin_rate).unwrap_or_else(|| "off".to_owned()))?,
            trusted_proxies: parse_proxies(&given(settings.trusted_proxies).unwrap_or_default())?,
            admin_origins: given(settings.admin_origins).map(|list| parse_origins(&list)).transpose()?.unwrap_or_default(),
            migrate: parse_choice(
                "RALLY_MIGRATE",
                &given_or(settings.migrate, settings::MIGRATE),
                &[("on", Migrate::AtStart), ("off", Migrate::Never)],
            )?,
            log: given_or(settings.log, settings::LOG),
            log_format: given(settings.log_format)
                .map(|format| parse_choice("RALLY_LOG_FORMAT", &format, &[("text", LogFormat::Text), ("json", LogFormat::Json)]))
                .transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_setting_is_named() {
        let some = |text: &str| Some(text.to_owned());
        let table: [(&str, Settings); 49] = [
            ("RALLY_MAIL_BUDGET", Settings { mail_budget: some("many"), ..Settings::sample() }),
            ("RALLY_MAIL_BUDGET", Settings { mail_budget: some("0/1h"), ..Settings::sample() }),
            ("RALLY_MAIL_BUDGET", Settings { mail_budget: some("10/2d"), ..Settings::sample() }),
            ("RALLY_DISPOSABLE_DOMAINS", Settings { disposable_domains: some("/nowhere/domains.txt"), ..Settings::sample() }),
            ("RALLY_POW_SECRET", Settings { pow_secret: some("31 bytes are not enough for it."), ..Settings::sample() }),
            ("RALLY_CONFIRMATION_TTL", Settings { confirmation_ttl: some("soon"), ..Settings::sample() }),
            ("RALLY_CONFIRMATION_TTL", Settings { confirmation_ttl: some("500d"), ..Settings::sample() }),
            ("RALLY_AUDIT_KEEP", Settings { audit_keep: some("for ever"), ..Settings::sample() }),
            ("RALLY_AUDIT_KEEP", Settings { audit_keep: some("1h"), ..Settings::sample() }),
            ("RALLY_AUDIT_KEEP", Settings { audit_keep: some("40000d"), ..Settings::sample() }),
            ("RALLY_WEBHOOK_ALLOW", Settings { webhook_allow: some("localhost"), ..Settings::sample() }),
            ("RALLY_WEBHOOK_RETRY", Settings { webhook_retry: some("5s,soon"), ..Settings::sample() }),
            ("RALLY_WEBHOOK_RETRY", Settings { webhook_retry: some("5s,,5m"), ..Settings::sample() }),
            ("RALLY_WEBHOOK_TIMEOUT", Settings { webhook_timeout: some("0s"), ..Settings::sample() }),
            ("RALLY_WEBHOOK_TIMEOUT", Settings { webhook_timeout: some("1h"), ..Settings::sample() }),
            ("RALLY_WEBHOOK_DISABLE_AFTER", Settings { webhook_disable_after: some("-1d"), ..Settings::sample() }),
            ("RALLY_ENVOI_KEY", Settings { envoi_url: some("https://envoi.example"), ..Settings::sample() }),
            ("RALLY_ENVOI_KEY", Settings { envoi_key: some("two words"), ..Settings::sample() }),
            ("RALLY_ENVOI_URL", Settings { envoi_url: some("envoi.example"), envoi_key: some("key"), ..Settings::sample() }),
            ("RALLY_ENVOI_URL", Settings { envoi_url: some("https://u:p@envoi.example"), envoi_key: some("key"), ..Settings::sample() }),
            ("RALLY_SMTP_URL", Settings { smtp_url: some("mail.example"), ..Settings::sample() }),
            ("RALLY_SMTP_FROM", Settings { smtp_url: some("smtps://mail.example"), ..Settings::sample() }),
            ("RALLY_HEIMDALL_KEY", Settings { heimdall_url: some("https://heimdall.example"), ..Settings::sample() }),
            (
                "RALLY_HEIMDALL_URL",
                Settings { heimdall_url: some("https://h.example/?a"), heimdall_key: some("key"), ..Settings::sample() },
            ),
            ("RALLY_HEIMDALL_ACCEPT_URL", Settings { heimdall_accept_url: some("https://app.example/{app_slug}"), ..Settings::sample() }),
            ("RALLY_RECAPTCHA_URL", Settings { recaptcha_url: some("google"), ..Settings::sample() }),
            ("RALLY_RECAPTCHA_MIN_SCORE", Settings { recaptcha_min_score: some("1.5"), ..Settings::sample() }),
            ("RALLY_RECAPTCHA_MIN_SCORE", Settings { recaptcha_min_score: some("NaN"), ..Settings::sample() }),
            ("RALLY_SIGNUP_RATE", Settings { signup_rate: "0/1m".to_owned(), ..Settings::sample() }),
            ("RALLY_ADMIN_RATE", Settings { admin_rate: some("fast"), ..Settings::sample() }),
            ("RALLY_TRUSTED_PROXIES", Settings { trusted_proxies: some("10.0.0.0/8,proxy"), ..Settings::sample() }),
            ("RALLY_BIND", Settings { bind: "nowhere".to_owned(), ..Settings::sample() }),
            ("RALLY_PUBLIC_URL", Settings { public_url: some("rally.example.com"), ..Settings::sample() }),
            ("RALLY_PUBLIC_URL", Settings { public_url: some("https://rally.example.com/?a"), ..Settings::sample() }),
            ("RALLY_PUBLIC_URL", Settings { public_url: some("https://ada:secret@rally.example.com"), ..Settings::sample() }),
            ("DATABASE_URL", Settings { database_url: some("mysql://localhost/rally"), ..Settings::sample() }),
            ("RALLY_DATABASE_CONNECTIONS", Settings { database_connections: some("1"), ..Settings::sample() }),
            ("RALLY_DATABASE_CONNECTIONS", Settings { database_connections: some("many"), ..Settings::sample() }),
            ("RALLY_JWT_SECRET", Settings { jwt_secret: some("short"), ..Settings::sample() }),
            ("RALLY_JWKS_URL", Settings { jwks_url: some("file:///etc/passwd"), ..Settings::sample() }),
            ("RALLY_OIDC_CLIENT_ID", Settings { oidc_issuer: some("https://id.example"), ..Settings::sample() }),
            ("RALLY_ADMIN_ORIGINS", Settings { admin_origins: some("https://a.example/path"), ..Settings::sample() }),
            ("RALLY_ADMIN_ORIGINS", Settings { admin_origins: some("https://a.example,*"), ..Settings::sample() }),
            ("RALLY_ADMIN_ORIGINS", Settings { admin_origins: some("https://*.a.example"), ..Settings::sample() }),
            ("RALLY_TRUSTED_PROXIES", Settings { trusted_proxies: some("::ffff:10.0.0.0/90"), ..Settings::sample() }),
            ("RALLY_WEBHOOK_ALLOW", Settings { webhook_allow: some("::ffff:0:0/95"), ..Settings::sample() }),
            ("RALLY_WEBHOOK_ALLOW", Settings { webhook_allow: some("http://*.internal"), ..Settings::sample() }),
            ("RALLY_MIGRATE", Settings { migrate: "maybe".to_owned(), ..Settings::sample() }),
            ("RALLY_LOG_FORMAT", Settings { log_format: some("xml"), ..Settings::sample() }),
        ];
        for (name, settings) in table {
            let error = Config::try_from(settings).unwrap_err();
            assert_eq!(error.setting, name);
            assert!(error.to_string().starts_with(&format!("{name}: ")) && !error.to_string().contains('\n'));
        }
    }

    #[test]
    fn an_empty_setting_is_not_given() {
        let empty = || Some(" ".to_owned());
        let config = Config::try_from(Settings { database_url: empty(), jwt_secret: empty(), public_url: empty(), ..Settings::sample() });
        let config = config.unwrap();
        assert!(matches!(config.store, StoreConfig::Embedded) && config.jwt_secret.is_none() && config.public_url.is_none());
        // Those that always have a value, too.
        let empty = String::new;
        let config = Config::try_from(Settings { bind: empty(), data_dir: empty(), migrate: empty(), log: empty(), ..Settings::sample() });
        let config = config.unwrap();
        assert_eq!((config.bind.to_string().as_str(), config.data_dir.to_str()), (settings::BIND, Some(settings::DATA_DIR)));
        assert_eq!((config.migrate, config.log.as_str()), (Migrate::AtStart, settings::LOG));
    }
}
