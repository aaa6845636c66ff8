//! The settings as text: environment variables, and flags with the same names.

use clap::Args;

/// The default of `RALLY_BIND`.
pub const BIND: &str = "127.0.0.1:8080";
/// The default of `RALLY_DATA_DIR`.
pub const DATA_DIR: &str = "./rally-data";
/// The default of `RALLY_SIGNUP_RATE`.
pub const SIGNUP_RATE: &str = "30/1m";
/// The default of `RALLY_MIGRATE`.
pub const MIGRATE: &str = "on";
/// The default of `RALLY_LOG`.
pub const LOG: &str = "info";

/// The settings as text, unchecked. A flag wins over the variable with the same name. An empty text counts as not set.
#[derive(Args, Clone, Default)]
pub struct Settings {
    /// Address to listen on
    #[arg(long, alias = "rally-bind", env = "RALLY_BIND", global = true, value_name = "ADDRESS", default_value = BIND)]
    pub bind: String,
    /// Base URL of the links that Rally creates [default: http:// and the address it listens on]
    #[arg(long, alias = "rally-public-url", env = "RALLY_PUBLIC_URL", global = true, value_name = "URL")]
    pub public_url: Option<String>,
    /// URL of the PostgreSQL database to use as the store [default: the embedded store]
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// The most connections of this process to PostgreSQL, from 2 to 1000 [default: 16]
    #[arg(long, alias = "rally-database-connections", env = "RALLY_DATABASE_CONNECTIONS", global = true, value_name = "NUMBER")]
    pub database_connections: Option<String>,
    /// Directory of the embedded store and of generated secrets
    #[arg(long, alias = "rally-data-dir", env = "RALLY_DATA_DIR", global = true, value_name = "DIR", default_value = DATA_DIR)]
    pub data_dir: String,
    /// Key that signs admin tokens (HS256), at least 32 bytes. Required with DATABASE_URL [default: generated in the data directory]
    #[arg(long, alias = "rally-jwt-secret", env = "RALLY_JWT_SECRET", hide_env_values = true, global = true, value_name = "SECRET")]
    pub jwt_secret: Option<String>,
    /// URL of the keys (JWKS) of an identity provider. Its RS256, ES256 and EdDSA tokens are accepted too
    #[arg(long, alias = "rally-jwks-url", env = "RALLY_JWKS_URL", global = true, value_name = "URL")]
    pub jwks_url: Option<String>,
    /// Required `iss` of the identity provider's tokens
    #[arg(long, alias = "rally-jwt-issuer", env = "RALLY_JWT_ISSUER", global = true, value_name = "ISSUER")]
    pub jwt_issuer: Option<String>,
    /// Required `aud` of the identity provider's tokens
    #[arg(long, alias = "rally-jwt-audience", env = "RALLY_JWT_AUDIENCE", global = true, value_name = "AUDIENCE")]
    pub jwt_audience: Option<String>,
    /// Issuer of the identity provider through which people sign in to the console: an https URL, as the provider names it
    #[arg(long, alias = "rally-oidc-issuer", env = "RALLY_OIDC_ISSUER", global = true, value_name = "URL")]
    pub oidc_issuer: Option<String>,
    /// Name of this server at that provider. Required with RALLY_OIDC_ISSUER
    #[arg(long, alias = "rally-oidc-client-id", env = "RALLY_OIDC_CLIENT_ID", global = true, value_name = "ID")]
    pub oidc_client_id: Option<String>,
    /// Secret of this server at that provider. Required with RALLY_OIDC_ISSUER
    #[arg(
        long,
        alias = "rally-oidc-client-secret",
        env = "RALLY_OIDC_CLIENT_SECRET",
        hide_env_values = true,
        global = true,
        value_name = "SECRET"
    )]
    pub oidc_client_secret: Option<String>,
    /// Who may sign in so, comma-separated: verified addresses or *@DOMAIN, each maybe with =WORKSPACE
    #[arg(long, alias = "rally-oidc-admins", env = "RALLY_OIDC_ADMINS", global = true, value_name = "LIST")]
    pub oidc_admins: Option<String>,
    /// Key that encrypts stored secrets: 32 bytes in base64. Required with DATABASE_URL [default: generated in the data directory]
    #[arg(long, alias = "rally-encryption-key", env = "RALLY_ENCRYPTION_KEY", hide_env_values = true, global = true, value_name = "KEY")]
    pub encryption_key: Option<String>,
    /// The previous encryption key. Rally still decrypts with it. Keep it until a day after `rally secrets reencrypt`
    #[arg(
        long,
        alias = "rally-previous-encryption-key",
        env = "RALLY_PREVIOUS_ENCRYPTION_KEY",
        hide_env_values = true,
        global = true,
        value_name = "KEY"
    )]
    pub previous_encryption_key: Option<String>,
    /// Exceptions for webhook URLs, comma-separated: a CIDR that need not be public, or http://HOST that need not use https
    #[arg(long, alias = "rally-webhook-allow", env = "RALLY_WEBHOOK_ALLOW", global = true, value_name = "LIST")]
    pub webhook_allow: Option<String>,
    /// Waiting times after failed attempts of a delivery, comma-separated [default: 5s,5m,30m,2h,5h,10h,10h]
    #[arg(long, alias = "rally-webhook-retry", env = "RALLY_WEBHOOK_RETRY", global = true, value_name = "LIST")]
    pub webhook_retry: Option<String>,
    /// How long an attempt of a delivery may take, at most 2m [default: 15s]
    #[arg(long, alias = "rally-webhook-timeout", env = "RALLY_WEBHOOK_TIMEOUT", global = true, value_name = "TIME")]
    pub webhook_timeout: Option<String>,
    /// How long a webhook may fail without a success before it is disabled [default: 5d]
    #[arg(long, alias = "rally-webhook-disable-after", env = "RALLY_WEBHOOK_DISABLE_AFTER", global = true, value_name = "TIME")]
    pub webhook_disable_after: Option<String>,
    /// Mail server: smtps://USER:PASSWORD@HOST, smtp://USER:PASSWORD@HOST (STARTTLS), or smtp://HOST?tls=none in a private network
    #[arg(long, alias = "rally-smtp-url", env = "RALLY_SMTP_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub smtp_url: Option<String>,
    /// Sender of a workspace that has set none: `Name <address>`. Required with RALLY_SMTP_URL
    #[arg(long, alias = "rally-smtp-from", env = "RALLY_SMTP_FROM", global = true, value_name = "SENDER")]
    pub smtp_from: Option<String>,
    /// Domains that workspaces may send from, comma-separated [default: the domain of RALLY_SMTP_FROM]
    #[arg(long, alias = "rally-smtp-domains", env = "RALLY_SMTP_DOMAINS", global = true, value_name = "LIST")]
    pub smtp_domains: Option<String>,
    /// How long a sign-up waits for the confirmation of its address, such as 12h [default: 7d]
    #[arg(long, alias = "rally-confirmation-ttl", env = "RALLY_CONFIRMATION_TTL", global = true, value_name = "DURATION")]
    pub confirmation_ttl: Option<String>,
    /// Mails that strangers may cause in each workspace, such as 1000/1h, or off [default: 1000/1h]
    #[arg(long, alias = "rally-mail-budget", env = "RALLY_MAIL_BUDGET", global = true, value_name = "RATE")]
    pub mail_budget: Option<String>,
    /// How long rows of the audit log are kept, from 1d on [default: 400d]
    #[arg(long, alias = "rally-audit-keep", env = "RALLY_AUDIT_KEEP", global = true, value_name = "TIME")]
    pub audit_keep: Option<String>,
    /// Secret that seals challenges to prove work, at least 32 bytes [default: derived from the encryption key]
    #[arg(long, alias = "rally-pow-secret", env = "RALLY_POW_SECRET", hide_env_values = true, global = true, value_name = "SECRET")]
    pub pow_secret: Option<String>,
    /// File of further throw-away domains, one a line. A line `!DOMAIN` exempts one of the built-in list
    #[arg(long, alias = "rally-disposable-domains", env = "RALLY_DISPOSABLE_DOMAINS", global = true, value_name = "FILE")]
    pub disposable_domains: Option<String>,
    /// URL of Envoi, the mail service [default: Envoi's own, if a key is set]
    #[arg(long, alias = "rally-envoi-url", env = "RALLY_ENVOI_URL", global = true, value_name = "URL")]
    pub envoi_url: Option<String>,
    /// Platform key for Envoi. Without it, mail cannot go through Envoi
    #[arg(long, alias = "rally-envoi-key", env = "RALLY_ENVOI_KEY", hide_env_values = true, global = true, value_name = "KEY")]
    pub envoi_key: Option<String>,
    /// URL of Heimdall, the service that invites people into apps [default: Heimdall's own, if a key is set]
    #[arg(long, alias = "rally-heimdall-url", env = "RALLY_HEIMDALL_URL", global = true, value_name = "URL")]
    pub heimdall_url: Option<String>,
    /// Platform key for Heimdall. Without it, nobody can be invited into an app of Heimdall
    #[arg(long, alias = "rally-heimdall-key", env = "RALLY_HEIMDALL_KEY", hide_env_values = true, global = true, value_name = "KEY")]
    pub heimdall_key: Option<String>,
    /// Link to accept an invitation, if Heimdall returns none: a URL with {app_slug} and {code}
    #[arg(long, alias = "rally-heimdall-accept-url", env = "RALLY_HEIMDALL_ACCEPT_URL", global = true, value_name = "TEMPLATE")]
    pub heimdall_accept_url: Option<String>,
    /// Secret of the captcha's verifier. Without it, waitlists with a captcha accept no sign-ups
    #[arg(
        long,
        alias = "rally-recaptcha-secret",
        env = "RALLY_RECAPTCHA_SECRET",
        hide_env_values = true,
        global = true,
        value_name = "SECRET"
    )]
    pub recaptcha_secret: Option<String>,
    /// URL of the captcha's verifier [default: Google's]
    #[arg(long, alias = "rally-recaptcha-url", env = "RALLY_RECAPTCHA_URL", global = true, value_name = "URL")]
    pub recaptcha_url: Option<String>,
    /// Lowest captcha score that passes, from 0 to 1 [default: 0.5]
    #[arg(long, alias = "rally-recaptcha-min-score", env = "RALLY_RECAPTCHA_MIN_SCORE", global = true, value_name = "SCORE")]
    pub recaptcha_min_score: Option<String>,
    /// Sign-ups per client address and waitlist, such as 30/1m. "off" also removes the limit of tries per e-mail address
    #[arg(long, alias = "rally-signup-rate", env = "RALLY_SIGNUP_RATE", global = true, value_name = "RATE", default_value = SIGNUP_RATE)]
    pub signup_rate: String,
    /// Requests per admin token or API key, such as 100/1s [default: off]
    #[arg(long, alias = "rally-admin-rate", env = "RALLY_ADMIN_RATE", global = true, value_name = "RATE")]
    pub admin_rate: Option<String>,
    /// Addresses and CIDRs of proxies whose X-Forwarded-For or Forwarded is trusted, comma-separated
    #[arg(long, alias = "rally-trusted-proxies", env = "RALLY_TRUSTED_PROXIES", global = true, value_name = "LIST")]
    pub trusted_proxies: Option<String>,
    /// Origins that may call the admin surface from a browser, comma-separated
    #[arg(long, alias = "rally-admin-origins", env = "RALLY_ADMIN_ORIGINS", global = true, value_name = "ORIGINS")]
    pub admin_origins: Option<String>,
    /// Whether the server applies pending migrations at its start: on or off
    #[arg(long, alias = "rally-migrate", env = "RALLY_MIGRATE", global = true, value_name = "on|off", default_value = MIGRATE)]
    pub migrate: String,
    /// Filter of the log: a level, or levels by module such as info,rally_api=debug
    #[arg(long, alias = "rally-log", env = "RALLY_LOG", global = true, value_name = "FILTER", default_value = LOG)]
    pub log: String,
    /// Format of log lines: text or json [default: text on a terminal, else json]
    #[arg(long, alias = "rally-log-format", env = "RALLY_LOG_FORMAT", global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
}

#[cfg(test)]
impl Settings {
    /// The settings without flags and variables, as far as tests need them.
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
