//! Sign-in to the console through an identity provider.

use secrecy::SecretString;
use url::{Host, Url};

use super::text::given;
use super::{ConfigError, Settings};
use crate::auth::Admins;

/// The identity provider through which people sign in to the console.
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// The issuer, as its tokens name it.
    pub issuer: String,
    /// The name of this server at the provider.
    pub client_id: String,
    /// The secret of this server at the provider.
    pub client_secret: SecretString,
    /// Who may sign in.
    pub admins: Admins,
}

impl OidcConfig {
    /// Returns `None` if no setting of the provider is given.
    pub(super) fn parse(settings: &Settings) -> Result<Option<Self>, ConfigError> {
        let text = |setting: &Option<String>| given(setting.clone());
        let (issuer, id, secret) = (text(&settings.oidc_issuer), text(&settings.oidc_client_id), text(&settings.oidc_client_secret));
        let admins = text(&settings.oidc_admins);
        if issuer.is_none() && id.is_none() && secret.is_none() && admins.is_none() {
            return Ok(None);
        }
        let missing = |name| move || ConfigError::new(name, "must be set for the sign-in through an identity provider");
        Ok(Some(Self {
            issuer: parse_issuer(issuer.ok_or_else(missing("RALLY_OIDC_ISSUER"))?)?,
            client_id: id.ok_or_else(missing("RALLY_OIDC_CLIENT_ID"))?,
            client_secret: secret.ok_or_else(missing("RALLY_OIDC_CLIENT_SECRET"))?.into(),
            admins: Admins::parse(&admins.unwrap_or_default()).map_err(|problem| ConfigError::new("RALLY_OIDC_ADMINS", problem))?,
        }))
    }
}

/// Checks the issuer, and keeps it as it is, because tokens must name it to the letter.
fn parse_issuer(text: String) -> Result<String, ConfigError> {
    let bad = |problem| ConfigError::new("RALLY_OIDC_ISSUER", problem);
    let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url = url.ok_or_else(|| bad("must be an absolute https URL, as the provider names its issuer"))?;
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(bad("must have neither a query, a fragment nor a user"));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(bad("must be https, except on this machine"));
    }
    Ok(text)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(issuer: &str, admins: &str) -> Settings {
        let some = |text: &str| Some(text.to_owned());
        Settings {
            oidc_issuer: some(issuer),
            oidc_client_id: some("rally"),
            oidc_client_secret: some("secret"),
            oidc_admins: some(admins),
            ..Settings::sample()
        }
    }

    #[test]
    fn an_issuer_is_kept_as_it_is() {
        for issuer in
            ["https://id.example", "https://id.example/", "https://id.example/realms/a", "http://localhost:8080", "http://[::1]:1/"]
        {
            assert_eq!(OidcConfig::parse(&settings(issuer, "")).unwrap().unwrap().issuer, issuer);
        }
        for bad in [
            "id.example",
            "http://id.example",
            "https://id.example?a",
            "https://id.example/#a",
            "https://ada@id.example",
            "http://10.0.0.1",
        ] {
            assert_eq!(OidcConfig::parse(&settings(bad, "")).unwrap_err().setting, "RALLY_OIDC_ISSUER", "{bad}");
        }
    }

    #[test]
    fn a_provider_is_set_wholly_or_not_at_all() {
        assert!(OidcConfig::parse(&Settings::sample()).unwrap().is_none());
        let whole = settings("https://id.example", "ada@acme.example");
        for (name, part) in [
            ("RALLY_OIDC_ISSUER", Settings { oidc_issuer: None, ..whole.clone() }),
            ("RALLY_OIDC_CLIENT_ID", Settings { oidc_client_id: Some(" ".to_owned()), ..whole.clone() }),
            ("RALLY_OIDC_CLIENT_SECRET", Settings { oidc_client_secret: None, ..whole.clone() }),
            ("RALLY_OIDC_ADMINS", settings("https://id.example", "ada")),
        ] {
            assert_eq!(OidcConfig::parse(&part).unwrap_err().setting, name);
        }
        assert!(OidcConfig::parse(&Settings { oidc_admins: None, ..whole }).unwrap().unwrap().admins.is_empty());
    }
}
