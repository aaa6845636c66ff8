//! Connects the remote services of the settings to their ports.

use std::sync::Arc;

use rally_captcha::SiteVerify;
use rally_domain::port::Ports;
use rally_envoi::EnvoiMailer;
use rally_heimdall::HeimdallInviter;
use time::Duration;

use crate::boot::config::{Config, ConfigError};

/// How long an attempt to send a mail may take.
pub const MAIL_DEADLINE: Duration = Duration::seconds(15);
/// How long Heimdall may take to create an invitation.
const INVITE_DEADLINE: Duration = Duration::seconds(10);
/// How long the verifier may take to check a captcha token.
const CAPTCHA_DEADLINE: Duration = Duration::seconds(5);

/// Connects the configured services to their ports. The other ports stay empty.
///
/// # Errors
/// Fails if no HTTP client can be created.
pub fn attach(config: &Config, ports: &mut Ports) -> Result<(), ConfigError> {
    let upstreams = config.upstreams.clone();
    let failed = |setting| move |error: reqwest::Error| ConfigError::new(setting, error.to_string());
    if let Some(envoi) = upstreams.envoi {
        let mailer = EnvoiMailer::new(envoi.url, envoi.key, MAIL_DEADLINE, ports.clock.clone());
        let mailer = Arc::new(mailer.map_err(failed("RALLY_ENVOI_URL"))?);
        ports.mailer = Some(mailer.clone());
        ports.senders = Some(mailer);
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
