//! Connects the remote services of the settings, and the name servers of the system, to their ports.

use std::sync::Arc;

use rally_captcha::SiteVerify;
use rally_domain::mail::SmtpPolicy;
use rally_domain::port::{Ports, Smtp};
use rally_envoi::EnvoiMailer;
use rally_heimdall::HeimdallInviter;
use rally_mx::DnsMailDomains;
use rally_smtp::SmtpMailer;
use time::Duration;
use url::{Host, Url};

use crate::boot::config::{Config, ConfigError, SmtpConfig};

/// How long an attempt to send a mail through Envoi may take.
pub const MAIL_DEADLINE: Duration = Duration::seconds(15);
/// How long an attempt to give a mail to the mail server may take. Some servers greet strangers late on purpose.
pub const SMTP_DEADLINE: Duration = Duration::seconds(60);
/// How long Heimdall may take to create an invitation.
const INVITE_DEADLINE: Duration = Duration::seconds(10);
/// How long the verifier may take to check a captcha token.
const CAPTCHA_DEADLINE: Duration = Duration::seconds(5);

/// Connects the configured services to their ports. The other ports stay empty.
///
/// # Errors
/// Fails if no HTTP client can be created.
pub fn attach(config: &Config, ports: &mut Ports) -> Result<(), ConfigError> {
    ports.disposable = Arc::new(config.disposable.clone());
    ports.mail_domains = Some(Arc::new(DnsMailDomains::of_system()));
    let upstreams = config.upstreams.clone();
    let failed = |setting| move |error: reqwest::Error| ConfigError::new(setting, error.to_string());
    if let Some(envoi) = upstreams.envoi {
        let mailer = EnvoiMailer::new(envoi.url, envoi.key, MAIL_DEADLINE, ports.clock.clone());
        let mailer = Arc::new(mailer.map_err(failed("RALLY_ENVOI_URL"))?);
        ports.envoi = Some(mailer.clone());
        ports.senders = Some(mailer);
    }
    if let Some(SmtpConfig { server, sender, domains }) = config.smtp.clone() {
        let links_are_local = is_local(&config.public_base(config.bind)) && !server.is_local();
        let mailer = SmtpMailer::new(server, &[], SMTP_DEADLINE).map_err(|error| ConfigError::new("RALLY_SMTP_URL", error.to_string()))?;
        let host = Url::parse(&config.public_base(config.bind)).ok().and_then(|base| base.host_str().map(str::to_owned));
        let mailer = mailer.greeting_as(&host.unwrap_or_default());
        ports.smtp = Some(Smtp { mailer: Arc::new(mailer), policy: SmtpPolicy { sender, domains, links_are_local } });
    }
    if let Some(heimdall) = upstreams.heimdall {
        let clock = ports.clock.clone();
        let inviter = HeimdallInviter::new(heimdall.url, heimdall.key, upstreams.accept_url, INVITE_DEADLINE, clock);
        ports.inviter = Some(Arc::new(inviter.map_err(failed("RALLY_HEIMDALL_URL"))?));
    }
    if let Some(captcha) = upstreams.captcha {
        let humans = SiteVerify::new(captcha.url, captcha.secret, captcha.min_score, CAPTCHA_DEADLINE, ports.clock.clone());
        ports.humans = Some(Arc::new(humans.map_err(failed("RALLY_RECAPTCHA_URL"))?));
    }
    Ok(())
}

/// Whether links below this base lead to this machine alone: loopback, or an address that names no machine.
fn is_local(base: &str) -> bool {
    match Url::parse(base).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback() || address.is_unspecified(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_on_this_machine_is_local() {
        for local in
            ["http://127.0.0.1:8080", "http://localhost", "https://a.localhost/x", "http://0.0.0.0:1", "http://[::]:1", "http://[::1]"]
        {
            assert!(is_local(local), "{local}");
        }
        for other in ["https://rally.example", "http://10.0.0.1", "http://[2001:db8::1]:8080", "https://notlocalhost"] {
            assert!(!is_local(other), "{other}");
        }
    }
}
