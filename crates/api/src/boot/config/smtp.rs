//! The mail server, its default sender, and the domains that workspaces may send from.

use rally_domain::email::Email;
use rally_domain::mail::Sender;
use rally_smtp::{SmtpServer, parse_sender};

use super::text::given;
use super::{ConfigError, Settings};

/// The mail server.
#[derive(Clone)]
pub struct SmtpConfig {
    /// The server.
    pub server: SmtpServer,
    /// The sender of a workspace that has set none.
    pub sender: Sender,
    /// The domains that workspaces may send from.
    pub domains: Vec<String>,
}

impl SmtpConfig {
    pub(super) fn parse(settings: &Settings) -> Result<Option<Self>, ConfigError> {
        let (url, from, domains) =
            (given(settings.smtp_url.clone()), given(settings.smtp_from.clone()), given(settings.smtp_domains.clone()));
        let Some(url) = url else {
            let alone = [("RALLY_SMTP_FROM", from.is_some()), ("RALLY_SMTP_DOMAINS", domains.is_some())];
            return match alone.into_iter().find(|(_, is_set)| *is_set) {
                Some((setting, _)) => Err(ConfigError::new("RALLY_SMTP_URL", format!("is required with {setting}"))),
                None => Ok(None),
            };
        };
        let server = SmtpServer::parse(&url).map_err(|problem| ConfigError::new("RALLY_SMTP_URL", problem.to_string()))?;
        let from = from.ok_or_else(|| ConfigError::new("RALLY_SMTP_FROM", "is required with RALLY_SMTP_URL"))?;
        let sender = parse_sender(&from).map_err(|problem| ConfigError::new("RALLY_SMTP_FROM", problem.to_string()))?;
        let domains = match domains {
            Some(list) => list.split(',').map(parse_domain).collect::<Result<_, _>>()?,
            None => vec![sender.address.domain().to_owned()],
        };
        Ok(Some(Self { server, sender, domains }))
    }
}

/// Parses a domain as that of an address, so that it is compared in the same form.
fn parse_domain(text: &str) -> Result<String, ConfigError> {
    let address = Email::parse(&format!("x@{}", text.trim()));
    let address = address.map_err(|_| ConfigError::new("RALLY_SMTP_DOMAINS", "must be domains, separated by commas"))?;
    Ok(address.domain().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: Option<&str>, from: Option<&str>, domains: Option<&str>) -> Result<Option<Vec<String>>, &'static str> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let settings = Settings { smtp_url: own(url), smtp_from: own(from), smtp_domains: own(domains), ..Settings::sample() };
        SmtpConfig::parse(&settings).map(|smtp| smtp.map(|smtp| smtp.domains)).map_err(|error| error.setting)
    }

    #[test]
    fn a_mail_server_has_a_sender_and_its_domain() {
        let url = Some("smtps://user:secret@mail.example");
        assert_eq!(parse(None, None, None), Ok(None));
        assert_eq!(parse(url, Some("Acme <hello@Acme.example>"), None), Ok(Some(vec!["acme.example".to_owned()])));
        let two = parse(url, Some("hello@acme.example"), Some("acme.example, BÜCHER.example"));
        assert_eq!(two, Ok(Some(vec!["acme.example".to_owned(), "xn--bcher-kva.example".to_owned()])));
        assert_eq!(parse(url, None, None), Err("RALLY_SMTP_FROM"));
        assert_eq!(parse(url, Some("nobody"), None), Err("RALLY_SMTP_FROM"));
        assert_eq!(parse(Some("http://mail.example"), Some("a@b.example"), None), Err("RALLY_SMTP_URL"));
        assert_eq!(parse(None, Some("a@b.example"), None), Err("RALLY_SMTP_URL"));
        assert_eq!(parse(url, Some("a@b.example"), Some("b.example,,")), Err("RALLY_SMTP_DOMAINS"));
    }
}
