//! The ports [`Mailer`] and [`SenderDirectory`] over Envoi's HTTP API: sending mail by templates, and finding domains and templates.
//!
//! What is not here: when mail is sent, its retries, and its content. See `rally_domain::mail`.

use std::sync::Arc;

use async_trait::async_trait;
use rally_domain::error::{Fault, RemoteError};
use rally_domain::id::{SenderDomainId, WorkspaceId};
use rally_domain::mail::{Content, MailOutcome, MailReport, Message};
use rally_domain::port::{Clock, DomainState, Mailer, SenderDirectory, SenderDomain};
use rally_upstream::{Answer, Upstream};
use reqwest::Method;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::Duration;
use url::Url;

/// The name of the service in messages and logs.
const NAME: &str = "Envoi";

/// Sends mail through Envoi.
pub struct EnvoiMailer {
    upstream: Upstream,
}

impl EnvoiMailer {
    /// Creates a mailer that uses the Envoi at this URL with this platform key, with this deadline for every request.
    ///
    /// # Errors
    /// If this machine has no TLS roots.
    pub fn new(base: Url, key: SecretString, deadline: Duration, clock: Arc<dyn Clock>) -> Result<Self, reqwest::Error> {
        Ok(Self { upstream: Upstream::new(NAME, base, Some(key), deadline, clock)? })
    }

    async fn get(&self, segments: &[&str]) -> Result<Option<Answer>, RemoteError> {
        // A name that cannot be a path segment cannot be the name of an object.
        let Some(request) = self.upstream.request(Method::GET, segments) else { return Ok(None) };
        let answer = self.upstream.send(request).await?;
        match answer.status {
            200 => Ok(Some(answer)),
            404 => Ok(None),
            _ => Err(answer.into_error()),
        }
    }
}

/// The body of `POST /v1/workspaces/{workspace_id}/templates/{name}/send`.
#[derive(Serialize)]
struct SendBody<'a> {
    from: &'a str,
    to: &'a str,
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct SentBody {
    accepted: bool,
}

/// The fields that Rally needs from `GET /v1/workspaces/{workspace_id}/domains/{domain_id}`.
#[derive(Deserialize)]
struct DomainBody {
    fqdn: String,
    intent: String,
    status: String,
}

impl From<DomainBody> for SenderDomain {
    fn from(body: DomainBody) -> Self {
        let state = match (body.status.as_str(), body.intent.as_str()) {
            ("active", "send" | "both") => DomainState::Active,
            ("active", _) => DomainState::CannotSend,
            _ => DomainState::NotActive,
        };
        Self { name: body.fqdn.trim_end_matches('.').to_ascii_lowercase(), state }
    }
}

#[async_trait]
impl Mailer for EnvoiMailer {
    async fn send(&self, message: &Message) -> Result<MailReport, Fault> {
        let Content::Template { name, data } = &message.content else {
            return Ok(MailReport::failed(MailOutcome::Refused(400), "Envoi sends only its own templates"));
        };
        let (workspace, key) = (message.workspace_id.to_string(), message.id.to_string());
        let segments = ["v1", "workspaces", &workspace, "templates", name, "send"];
        let data: Result<&RawValue, _> = serde_json::from_str(data);
        let (Some(request), Ok(data)) = (self.upstream.request(Method::POST, &segments), data) else {
            // No template has such a name, and no service accepts such data.
            return Ok(MailReport::failed(MailOutcome::Refused(400), "no template can have this name, or the data is no object"));
        };
        let body = SendBody { from: message.from.address.as_str(), to: message.to.as_str(), data };
        let request = request.header("idempotency-key", key).json(&body);
        Ok(match self.upstream.send(request).await {
            Ok(answer) => match outcome(&answer) {
                MailOutcome::Accepted => MailReport::accepted(),
                refused => MailReport::failed(refused, &words(&answer)),
            },
            Err(error) => {
                tracing::warn!(mail = %message.id, %error, cause = error_cause(&error), "mail not sent");
                MailReport::failed(MailOutcome::Failed { status: None, retry_after: None }, &error.to_string())
            }
        })
    }
}

#[async_trait]
impl SenderDirectory for EnvoiMailer {
    async fn find_domain(&self, workspace_id: WorkspaceId, id: SenderDomainId) -> Result<Option<SenderDomain>, RemoteError> {
        let answer = self.get(&["v1", "workspaces", &workspace_id.to_string(), "domains", &id.to_string()]).await?;
        answer.map(|answer| answer.json::<DomainBody>().map(SenderDomain::from)).transpose()
    }

    async fn has_template(&self, workspace_id: WorkspaceId, name: &str) -> Result<bool, RemoteError> {
        let answer = self.get(&["v1", "workspaces", &workspace_id.to_string(), "templates", name]).await?;
        answer.map_or(Ok(false), |answer| answer.json::<serde_json::Map<_, _>>().map(|_| true))
    }
}

fn outcome(answer: &Answer) -> MailOutcome {
    match answer.status {
        // A proxy before Envoi may answer 200 to anything.
        200..=299 if answer.json::<SentBody>().is_ok_and(|body| body.accepted) => MailOutcome::Accepted,
        401 => MailOutcome::KeyRefused(answer.status),
        408 | 429 => MailOutcome::Failed { status: Some(answer.status), retry_after: answer.retry_after },
        400..=499 => MailOutcome::Refused(answer.status),
        status => MailOutcome::Failed { status: Some(status), retry_after: answer.retry_after },
    }
}

/// What Envoi answered, in words for an operator: the status, and the code if it says one. Its message may quote an address.
fn words(answer: &Answer) -> String {
    let is_code = |code: &String| code.len() <= 64 && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match answer.json::<ErrorBody>().ok().and_then(|body| body.code).filter(is_code) {
        Some(code) => format!("Envoi answered {} {code}", answer.status),
        None => format!("Envoi answered {}", answer.status),
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    code: Option<String>,
}

fn error_cause(error: &RemoteError) -> Option<String> {
    std::error::Error::source(error).map(ToString::to_string)
}
