//! The port [`AppInviter`] over Heimdall's HTTP API.
//!
//! The adapter finds the slug of an app in the workspace's list of apps. It invites the person under a key that is made of the entry and
//! the app. The link comes from Heimdall or from a template.
//!
//! What is not here: who may be invited, and what is recorded. See `rally_domain::use_case::invite`.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use moka::future::Cache;
use rally_domain::error::RemoteError;
use rally_domain::id::WorkspaceId;
use rally_domain::invite::{Invite, InviteError, InviteRequest};
use rally_domain::port::{AppInviter, Clock};
use rally_upstream::{Answer, Upstream};
use reqwest::Method;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::Duration;
use tokio::time::timeout;
use url::Url;

/// The name of the service in messages and logs.
const NAME: &str = "Heimdall";

/// How long the list of a workspace's apps is cached. An app that is not in the list counts as missing for that time.
const REMEMBERED: std::time::Duration = std::time::Duration::from_secs(60);

/// The most workspaces whose apps are cached.
const MAX_WORKSPACES: u64 = 1000;

/// The apps per page, and the most pages that are read for one workspace.
const PAGE: &str = "100";
const MAX_PAGES: usize = 100;

/// The most invitations at once. They must not take all places of other requests.
const MAX_AT_ONCE: usize = 256;

/// The most characters of a link to accept an invitation.
const MAX_URL: usize = 2048;

/// The template of the link for an invitation without one: a URL with `{code}` and, if needed, `{app_slug}` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptUrl(String);

impl AcceptUrl {
    /// Reads a template.
    ///
    /// # Errors
    /// If the template has no place for the code, or is not an http or https URL with values in its places. The message is for an operator.
    pub fn parse(template: &str) -> Result<Self, &'static str> {
        if !template.contains("{code}") {
            return Err("must contain {code}");
        }
        let this = Self(template.to_owned());
        match Url::parse(&this.fill("app", "code")) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(this),
            _ => Err("must be an absolute http or https URL with {app_slug} and {code} in it"),
        }
    }

    fn fill(&self, app_slug: &str, code: &str) -> String {
        // The code is filled in last, because it could contain the other place.
        self.0.replace("{app_slug}", &encode(app_slug)).replace("{code}", &encode(code))
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986, section 2.3, so that a value stays one value.
fn encode(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

type Apps = Arc<HashMap<String, String>>;

/// Invites people into apps through Heimdall.
pub struct HeimdallInviter {
    upstream: Upstream,
    accept_url: Option<AcceptUrl>,
    apps: Cache<WorkspaceId, Apps>,
    deadline: Duration,
}

impl HeimdallInviter {
    /// Creates an inviter that uses the Heimdall at this URL with this platform key, with this deadline for every invitation.
    ///
    /// # Errors
    /// If this machine has no TLS roots.
    pub fn new(
        base: Url,
        key: SecretString,
        accept_url: Option<AcceptUrl>,
        deadline: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, reqwest::Error> {
        let apps = Cache::builder().max_capacity(MAX_WORKSPACES).time_to_live(REMEMBERED).build();
        Ok(Self { upstream: Upstream::new(NAME, base, Some(key), deadline, clock)?.at_most(MAX_AT_ONCE), accept_url, apps, deadline })
    }

    /// Returns the apps of a workspace, ids by slug. The list is cached, and requests at the same time share one call.
    async fn apps(&self, workspace_id: WorkspaceId) -> Result<Apps, RemoteError> {
        let listed = self.apps.try_get_with(workspace_id, self.list_apps(workspace_id)).await;
        // All callers that waited share the error.
        listed.map_err(|error| match &*error {
            RemoteError::TimedOut { service } => RemoteError::TimedOut { service },
            RemoteError::KeyRefused { service } => RemoteError::KeyRefused { service },
            RemoteError::Failed { service, retry_after, cause } => {
                RemoteError::Failed { service, retry_after: *retry_after, cause: cause.to_string().into() }
            }
        })
    }

    async fn list_apps(&self, workspace_id: WorkspaceId) -> Result<Apps, RemoteError> {
        let workspace = workspace_id.to_string();
        let (mut apps, mut cursor) = (HashMap::new(), None::<String>);
        for _ in 0..MAX_PAGES {
            let request = self.upstream.request(Method::GET, &["v1", "apps"]).ok_or_else(no_such_path)?;
            let request = request.query(&[("workspace_id", workspace.as_str()), ("limit", PAGE)]);
            let request = match &cursor {
                Some(cursor) => request.query(&[("cursor", cursor)]),
                None => request,
            };
            let answer = self.upstream.send(request).await?;
            if answer.status != 200 {
                return Err(answer.into_error());
            }
            let AppPage { data, pagination } = answer.json()?;
            apps.extend(data.into_iter().map(|app| (app.slug, app.id)));
            match pagination.next_cursor.filter(|_| pagination.has_more) {
                // A cursor that repeats itself ends the list.
                Some(next) if Some(&next) != cursor.as_ref() => cursor = Some(next),
                _ => break,
            }
        }
        Ok(Arc::new(apps))
    }

    /// Asks for an invitation. If the person was invited under another name or address, Heimdall knows the key with another body. They are
    /// invited once more then, under a key of this body.
    async fn post(&self, app_id: &str, request: &InviteRequest) -> Result<Answer, RemoteError> {
        let body = InviteBody { email: request.email.as_str(), name: request.name.as_str() };
        let key = idempotency_key(request, app_id);
        let answer = self.post_under(&key, app_id, &body).await?;
        if answer.status == 409 && is_key_reuse(&answer) {
            let digest = Sha256::digest(format!("{}\n{}", body.email, body.name));
            let digest: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
            return self.post_under(&format!("{key}:{digest}"), app_id, &body).await;
        }
        Ok(answer)
    }

    async fn post_under(&self, key: &str, app_id: &str, body: &InviteBody<'_>) -> Result<Answer, RemoteError> {
        let call = self.upstream.request(Method::POST, &["v1", "apps", app_id, "end-users", "invites"]).ok_or_else(no_such_path)?;
        self.upstream.send(call.header("idempotency-key", key).json(body)).await
    }

    /// Returns the link to accept an invitation: Heimdall's own, else that of the template.
    fn url(&self, request: &InviteRequest, body: &InvitedBody) -> Option<String> {
        let is_web = |url: &String| {
            url.len() <= MAX_URL && Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        let own = body.invite_url.clone().filter(is_web);
        own.or_else(|| self.accept_url.as_ref().map(|template| template.fill(&request.app_slug, &body.code)))
    }
}

#[async_trait]
impl AppInviter for HeimdallInviter {
    async fn invite(&self, request: InviteRequest) -> Result<Invite, InviteError> {
        // The deadline is for all requests of an invitation, because a list of apps may have many pages.
        let in_time = timeout(self.deadline.unsigned_abs(), self.look_up_and_invite(request)).await;
        in_time.map_err(|_| RemoteError::TimedOut { service: NAME })?
    }
}

impl HeimdallInviter {
    async fn look_up_and_invite(&self, request: InviteRequest) -> Result<Invite, InviteError> {
        let apps = self.apps(request.workspace_id).await?;
        let app_id = apps.get(&request.app_slug).ok_or(InviteError::UnknownApp)?;
        let answer = self.post(app_id, &request).await?;
        match answer.status {
            200 | 201 => {
                let body: InvitedBody = answer.json()?;
                let is_text = |text: &str| !text.is_empty() && !text.chars().any(char::is_control);
                if !is_text(&body.id) || !is_text(&body.code) {
                    return Err(RemoteError::failed(NAME, "its invitation has no id or no code").into());
                }
                Ok(Invite { url: self.url(&request, &body), id: body.id })
            }
            404 => {
                // The app was in the list, so the cached list is out of date.
                self.apps.invalidate(&request.workspace_id).await;
                Err(InviteError::UnknownApp)
            }
            409 if !is_key_reuse(&answer) => Err(InviteError::AlreadyUser),
            _ => Err(answer.into_error().into()),
        }
    }
}

/// Returns the idempotency key of an entry and an app, so that they have one invitation.
///
/// A key has at most 256 characters of a small set. Ids are UUIDs, which fit. 17 characters are left for the key of another body.
fn idempotency_key(request: &InviteRequest, app_id: &str) -> String {
    let app: String = app_id.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':')).take(200).collect();
    format!("{}:{app}", request.entry_id)
}

/// Whether a conflict is about the idempotency key, and not about the person.
fn is_key_reuse(answer: &Answer) -> bool {
    answer.json::<ErrorBody>().is_ok_and(|body| body.code.is_some_and(|code| code.to_ascii_lowercase().contains("idempotency")))
}

fn no_such_path() -> RemoteError {
    RemoteError::failed(NAME, "the id of an app is no part of a path")
}

#[derive(Deserialize)]
struct AppPage {
    data: Vec<AppBody>,
    pagination: PaginationBody,
}

#[derive(Deserialize)]
struct AppBody {
    id: String,
    slug: String,
}

#[derive(Deserialize)]
struct PaginationBody {
    next_cursor: Option<String>,
    has_more: bool,
}

/// The body of `POST /v1/apps/{app_id}/end-users/invites`. The role, the number of uses and the end are Heimdall's defaults.
#[derive(Serialize)]
struct InviteBody<'a> {
    email: &'a str,
    name: &'a str,
}

#[derive(Deserialize)]
struct InvitedBody {
    id: String,
    code: String,
    invite_url: Option<String>,
}

#[derive(Deserialize)]
struct ErrorBody {
    code: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_a_place_for_the_code_and_is_a_url() {
        for good in ["https://app.example/{app_slug}/join?code={code}", "http://localhost:3000/{code}"] {
            assert!(AcceptUrl::parse(good).is_ok(), "{good}");
        }
        for bad in ["https://app.example/join", "/{app_slug}/{code}", "javascript:{code}", "{code}"] {
            assert!(AcceptUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_value_in_a_template_stays_one_value() {
        let template = AcceptUrl::parse("https://app.example/{app_slug}/join?code={code}").unwrap();
        assert_eq!(template.fill("a/b", "x&y={app_slug}"), "https://app.example/a%2Fb/join?code=x%26y%3D%7Bapp_slug%7D");
    }
}
