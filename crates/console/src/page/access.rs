//! Who works with Rally: signing in, workspaces, API keys, the audit log and sessions.

use askama::Template;

use super::framed;
use crate::form::{Field, Form, Summary};
use crate::frame::{Frame, Framed, first_page};
use crate::part::{Count, Pager, Time};

/// Signing in with a link, an API key or an identity provider.
///
/// `GET /console/sign-in`, and the answer to a request without a session: 200 for a page, 401 for a POST. A refusal of the identity
/// provider, or of a person that it sent, is an error of the form without a field.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "sign_in.html", whitespace = "minimize")]
pub struct SignInPage {
    /// The frame, without a person. Its `csrf` belongs to the browser, not to a session.
    pub frame: Frame,
    /// The field `key`: an error if the key is wrong. The key is never shown again.
    pub form: Form,
    /// The path below the console that was asked for.
    pub next: String,
    /// Whether an identity provider is configured.
    pub provider: bool,
    /// The minutes until the next try, after too many wrong ones.
    pub retry_in: Option<Count>,
    /// Whether it is the answer to a form, which was not carried out because no session sent it.
    pub is_unsaved: bool,
}

impl SignInPage {
    fn provider_url(&self) -> String {
        let url = self.urls().sign_in_provider();
        if self.next.is_empty() {
            return url;
        }
        let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", &self.next).finish();
        format!("{url}?{query}")
    }

    fn key(&self) -> Field {
        let form = Form { values: Vec::new(), errors: self.form.errors.clone() };
        form.line("key", "API key").hint("It starts with rally_live_.").secret()
    }

    fn summary(&self) -> Summary {
        Summary { title: "You are not signed in yet", ..self.form.summary(&[self.key()]) }
    }
}

framed!(SignInPage, Nowhere, |_page| "Sign in to Rally".to_owned(), |page| !page.form.errors.is_empty());

/// The page behind a link of `rally console login`. It changes nothing, so that a program that looks into a link does not spend it.
///
/// `GET /console/sign-in/link/{token}`: 200 with `usable`, 410 without.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "sign_in_link.html", whitespace = "minimize")]
pub struct SignInLinkPage {
    /// The frame, without a person.
    pub frame: Frame,
    /// The token of the link.
    pub token: String,
    /// Whether the link still works.
    pub usable: bool,
}

framed!(SignInLinkPage, Nowhere, |page| if page.usable { "Sign in to Rally" } else { "This link has been used or has expired" }.to_owned());

/// A workspace in a list.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceRow {
    /// The slug.
    pub slug: String,
    /// The name.
    pub name: String,
    /// The number of its lists.
    pub lists: Count,
    /// The number of its entries, if the session may see numbers.
    pub entries: Option<Count>,
}

/// The workspaces that the session may open. A session of one workspace goes straight to its lists.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "workspaces.html", whitespace = "minimize")]
pub struct WorkspacesPage {
    /// The frame, without a workspace.
    pub frame: Frame,
    /// The workspaces by name.
    pub workspaces: Vec<WorkspaceRow>,
    /// Whether the session is one of all workspaces, and so may create another.
    pub may_create: bool,
}

framed!(WorkspacesPage, Workspaces, |_page| "Workspaces".to_owned());

impl WorkspacesPage {
    fn first(&self, slug: &str) -> Option<String> {
        first_page(&self.urls().workspace(slug), *self.can())
    }
}

/// An API key.
#[derive(Debug, Clone)]
pub struct KeyRow {
    /// The id.
    pub id: String,
    /// The name.
    pub name: String,
    /// The start of the key, which may be known.
    pub prefix: String,
    /// The actions, as in a token.
    pub scope: String,
    /// When it was created.
    pub created_at: Time,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
}

/// The API keys of a workspace. `GET /v1/workspaces/{ws}/api-keys`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "keys_page.html", whitespace = "minimize")]
pub struct KeysPage {
    /// The frame.
    pub frame: Frame,
    /// The keys, newest first.
    pub keys: Vec<KeyRow>,
}

framed!(KeysPage, Keys, |_page| "API keys".to_owned());

/// A changed field of a row of the audit log.
#[derive(Debug, Clone, Default)]
pub struct AuditChange {
    /// The field.
    pub field: String,
    /// The value before. `None`: it was created.
    pub before: Option<String>,
    /// The value after. `None`: it was deleted.
    pub after: Option<String>,
}

/// A row of the audit log.
#[derive(Debug, Clone)]
pub struct AuditRow {
    /// When it happened.
    pub at: Time,
    /// `token`, `key`, `session`, `cli` or `system`.
    pub actor_kind: String,
    /// The id of the actor.
    pub actor_id: String,
    /// The name of the actor, else its id.
    pub actor: String,
    /// The action, such as `entry.approve`.
    pub action: String,
    /// The type of the target, such as `entry`.
    pub target_type: String,
    /// The id of the target.
    pub target_id: String,
    /// Where the target is shown, while it is there.
    pub target_url: Option<String>,
    /// The name of the target, while it is there and has one.
    pub target_name: Option<String>,
    /// What changed.
    pub changes: Vec<AuditChange>,
    /// The id of the request.
    pub request_id: Option<String>,
}

/// The audit log of a workspace. `GET /v1/workspaces/{ws}/audit`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "audit.html", whitespace = "minimize")]
pub struct AuditPage {
    /// The frame.
    pub frame: Frame,
    /// The fields `action`, `actor` and `target` of the query, and what is wrong with them.
    pub filter: Form,
    /// The actions that the log knows.
    pub actions: Vec<&'static str>,
    /// The rows, newest first.
    pub rows: Vec<AuditRow>,
    /// The other pages. Its part is `rows`.
    pub pager: Pager,
}

impl AuditPage {
    fn summary(&self) -> Summary {
        Summary { title: "Change what you ask for", changes: self.filter.changes(&self.fields().iter().collect::<Vec<_>>()) }
    }

    fn fields(&self) -> [Field; 3] {
        let actions = self.actions.iter().map(|action| (*action, *action));
        [
            self.filter.select("action", "Action", &[("", "Any action")].into_iter().chain(actions).collect::<Vec<_>>()),
            self.filter.line("actor", "Actor").hint("The id of a session, key or token"),
            self.filter.line("target", "Target").hint("The id of what changed"),
        ]
    }

    fn url_of(&self, name: &str, value: &str) -> String {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
        format!("{}?{query}", self.ws().audit())
    }
}

framed!(AuditPage, Audit, |_page| "Audit log".to_owned(), |page| !page.filter.errors.is_empty());

/// A session of the console.
#[derive(Debug, Clone)]
pub struct SessionRow {
    /// The id, not the token.
    pub id: String,
    /// Who is signed in.
    pub person: String,
    /// How: `link`, `key` or `provider`.
    pub how: String,
    /// The workspace that it is bound to. `None`: all.
    pub workspace: Option<String>,
    /// When it began.
    pub created_at: Time,
    /// When it was last used.
    pub seen_at: Time,
    /// When it ends at the latest.
    pub expires_at: Time,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// The sessions that the session may see: its own, and in a session of all workspaces those of everybody.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "sessions.html", whitespace = "minimize")]
pub struct SessionsPage {
    /// The frame.
    pub frame: Frame,
    /// The sessions, last used first.
    pub sessions: Vec<SessionRow>,
}

framed!(SessionsPage, Sessions, |_page| "Sessions".to_owned());
