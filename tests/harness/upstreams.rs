//! A server beside stand-ins of all the services that it calls.

use rally_api::boot::config::Settings;
use rally_contracts::remote::ACTIVE_DOMAIN;
use rally_fakes::{Envoi, Fake, Heimdall, SiteVerify};
use serde_json::{Value, json};

use crate::{Kind, TestServer};

/// The key of every stand-in. No log and no reply may contain it.
pub const KEY: &str = "the-platform-key-of-tests";

/// The stand-ins.
pub struct Upstreams {
    /// The stand-in for mail.
    pub envoi: Fake<Envoi>,
    /// The stand-in for invitations.
    pub heimdall: Fake<Heimdall>,
    /// The stand-in for captcha tokens.
    pub captcha: Fake<SiteVerify>,
}

impl Upstreams {
    /// Starts the stand-ins.
    pub async fn start() -> Self {
        Self {
            envoi: Fake::start(Envoi::new(KEY)).await,
            heimdall: Fake::start(Heimdall::new(KEY)).await,
            captcha: Fake::start(SiteVerify::new(KEY)).await,
        }
    }

    /// Adds the stand-ins to the settings of a server.
    pub fn settings(&self, settings: Settings) -> Settings {
        let key = || Some(KEY.to_owned());
        Settings {
            envoi_url: Some(self.envoi.base.clone()),
            envoi_key: key(),
            heimdall_url: Some(self.heimdall.base.clone()),
            heimdall_key: key(),
            heimdall_accept_url: Some("https://app.example/{app_slug}/join?code={code}".to_owned()),
            recaptcha_url: Some(format!("{}/siteverify", self.captcha.base)),
            recaptcha_secret: key(),
            ..settings
        }
    }
}

impl Upstreams {
    /// The environment variables that point a server to the stand-ins.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("RALLY_ENVOI_URL", self.envoi.base.clone()),
            ("RALLY_ENVOI_KEY", KEY.to_owned()),
            ("RALLY_HEIMDALL_URL", self.heimdall.base.clone()),
            ("RALLY_HEIMDALL_KEY", KEY.to_owned()),
            ("RALLY_HEIMDALL_ACCEPT_URL", "https://app.example/{app_slug}/join?code={code}".to_owned()),
            ("RALLY_RECAPTCHA_URL", format!("{}/siteverify", self.captcha.base)),
            ("RALLY_RECAPTCHA_SECRET", KEY.to_owned()),
        ]
    }
}

/// Starts the stand-ins, and a server that uses them.
pub async fn start(kind: Kind) -> (TestServer, Upstreams) {
    let world = Upstreams::start().await;
    let server = TestServer::start_with(kind, |settings| world.settings(settings)).await;
    (server, world)
}

/// Settings of a workspace with notifications on, which the stand-in of Envoi accepts.
pub fn notifications() -> Value {
    json!({
        "notifications_via_envoi": true, "default_sender_domain_id": ACTIVE_DOMAIN.to_string(), "default_sender_address": "hello@acme.example",
        "welcome_template_name": "welcome", "approved_template_name": "approved", "rejected_template_name": "rejected",
        "default_heimdall_app_slug": "acme-app", "brand_name": "Acme",
    })
}
