//! The port [`HumanCheck`] over siteverify: Google's reCAPTCHA v3, and hCaptcha and Turnstile with the same protocol.
//!
//! What is not here: the lists that need a captcha. See `rally_domain::use_case::join`.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use rally_domain::error::{Fault, RemoteError};
use rally_domain::port::{Clock, HumanCheck, Humanity};
use rally_upstream::Upstream;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use time::Duration;
use url::Url;

/// The name of the service in messages and logs.
const NAME: &str = "siteverify";

/// The most tokens that are checked at once. Sign-ups that wait for a verifier must not take all places of other requests.
const MAX_AT_ONCE: usize = 256;

/// The most bytes of a token. The tokens of all three services are shorter, so a longer one is refused without a request.
const MAX_TOKEN: usize = 8 * 1024;

/// The URL of Google's siteverify.
pub const GOOGLE: &str = "https://www.google.com/recaptcha/api/siteverify";

/// Asks a siteverify service.
pub struct SiteVerify {
    upstream: Upstream,
    secret: SecretString,
    min_score: f64,
}

impl SiteVerify {
    /// Creates a check that uses this URL and secret, with this deadline for every request.
    ///
    /// A person with a score below `min_score` does not count as human. A service without scores answers yes or no.
    ///
    /// # Errors
    /// If this machine has no TLS roots.
    pub fn new(url: Url, secret: SecretString, min_score: f64, deadline: Duration, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        Ok(Self { upstream: Upstream::new(NAME, url, None, deadline, clock)?.at_most(MAX_AT_ONCE), secret, min_score })
    }

    async fn ask(&self, token: &str, address: Option<IpAddr>) -> Result<Humanity, RemoteError> {
        let mut form = vec![("secret", self.secret.expose_secret().to_owned()), ("response", token.to_owned())];
        form.extend(address.map(|address| ("remoteip", address.to_string())));
        let answer = self.upstream.send(self.upstream.post_to_base().form(&form)).await?;
        if answer.status != 200 {
            return Err(answer.into_error());
        }
        let verdict: Verdict = answer.json()?;
        if let (false, Some(fault)) = (verdict.success, verdict.fault()) {
            if let RemoteError::KeyRefused { .. } = fault {
                tracing::error!("the verifier of captchas refuses RALLY_RECAPTCHA_SECRET, so nobody joins a waitlist with a captcha");
            }
            return Err(fault);
        }
        let high_enough = verdict.score.is_none_or(|score| score >= self.min_score);
        Ok(if verdict.success && high_enough { Humanity::Human } else { Humanity::NotHuman })
    }
}

#[async_trait]
impl HumanCheck for SiteVerify {
    async fn check(&self, token: &str, address: Option<IpAddr>) -> Result<Humanity, Fault> {
        if token.len() > MAX_TOKEN {
            return Ok(Humanity::NotHuman);
        }
        self.ask(token, address).await.map_err(Fault::unavailable)
    }
}

#[derive(Deserialize)]
struct Verdict {
    success: bool,
    score: Option<f64>,
    #[serde(rename = "error-codes", default)]
    error_codes: Option<Vec<String>>,
}

impl Verdict {
    /// Returns the failure of the service if an error code is about this server's secret or request, or about trouble of the service. Any
    /// other code is about the token.
    fn fault(&self) -> Option<RemoteError> {
        let code = self.error_codes.iter().flatten().find(|code| speaks_of_the_server(code))?;
        if code.ends_with("-secret") {
            return Some(RemoteError::KeyRefused { service: NAME });
        }
        Some(RemoteError::failed(NAME, format!("it judges nobody: {code}")))
    }
}

/// Whether a code of reCAPTCHA, hCaptcha or Turnstile says that the secret or the request of this server is wrong, or that the service has
/// trouble.
fn speaks_of_the_server(code: &str) -> bool {
    const CODES: [&str; 8] = [
        "missing-input-secret",
        "invalid-input-secret",
        "sitekey-secret-mismatch",
        "invalid-keys",
        "invalid-remoteip",
        "missing-remoteip",
        "bad-request",
        "internal-error",
    ];
    CODES.contains(&code)
}
