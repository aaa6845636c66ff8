//! The settings as they are given: environment variables and flags of the same names, read as text.

use clap::Args;

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

#[cfg(test)]
impl Settings {
    /// What clap makes of no flags and no variables, as far as tests need it.
    pub(super) fn sample() -> Self {
        Self {
            bind: "127.0.0.1:0".to_owned(),
            data_dir: "data".to_owned(),
            migrate: "on".to_owned(),
            log: "info".to_owned(),
            ..Self::default()
        }
    }
}
