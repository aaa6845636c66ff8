//! The remote services that the settings name, put behind their ports.

use std::sync::Arc;

use rally_captcha::SiteVerify;
use rally_domain::port::Ports;
use rally_envoi::EnvoiMailer;
use rally_heimdall::HeimdallInviter;
use time::Duration;

use crate::boot::config::{Config, ConfigError};

/// How long an attempt to send a mail may take.
pub const MAIL_DEADLINE: Duration = Duration::seconds(15);
/// How long an invitation may take.
const INVITE_DEADLINE: Duration = Duration::seconds(10);
/// How long the judgement over a captcha token may take.
const CAPTCHA_DEADLINE: Duration = Duration::seconds(5);

/// Puts the services that are configured behind their ports; the others stay as they are.
///
/// # Errors
/// When no HTTP client can be made.
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
