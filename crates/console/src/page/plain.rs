//! Pages that ask or tell one thing.

use askama::Template;

use super::framed;
use crate::frame::{Frame, Framed, Here};
use crate::part::{Count, State};

/// A secret that is shown once.
#[derive(Debug, Clone)]
pub enum Secret {
    /// An API key, with its name.
    Key(String),
    /// The secret of a new webhook, with its id and URL.
    Webhook {
        /// The id.
        id: String,
        /// The URL.
        url: String,
    },
    /// The new secret of a webhook, with its id and URL.
    Rotated {
        /// The id.
        id: String,
        /// The URL.
        url: String,
    },
}

/// A secret that is shown once: the answer (200, never stored) to creating a key or a webhook, and to a rotation.
#[derive(Debug, Clone, Template)]
#[template(path = "secret.html", whitespace = "minimize")]
pub struct SecretPage {
    /// The frame.
    pub frame: Frame,
    /// What the secret is for.
    pub of: Secret,
    /// The secret.
    pub secret: String,
}

impl Framed for SecretPage {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn here(&self) -> Here {
        if matches!(self.of, Secret::Key(_)) { Here::Keys } else { Here::Webhooks }
    }

    fn title(&self) -> String {
        match &self.of {
            Secret::Key(name) => format!("The key of {name}"),
            Secret::Webhook { url, .. } | Secret::Rotated { url, .. } => format!("The secret of {url}"),
        }
    }
}

impl SecretPage {
    fn next(&self) -> String {
        match &self.of {
            Secret::Key(_) => self.ws().keys(),
            Secret::Webhook { id, .. } | Secret::Rotated { id, .. } => self.ws().webhook(id),
        }
    }

    fn about(&self) -> &'static str {
        match self.of {
            Secret::Key(_) => "A program sends it as Authorization: Bearer, followed by the key.",
            Secret::Webhook { .. } => "The receiver checks the header webhook-signature with it, as Standard Webhooks says.",
            Secret::Rotated { .. } => {
                "For the next 24 hours Rally signs with the old secret too. Give the receiver the new one before that."
            }
        }
    }
}

/// Asks before something is lost. The answer (200) to a POST without `confirm=yes`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "confirm.html", whitespace = "minimize")]
pub struct ConfirmPage {
    frame: Frame,
    question: String,
    /// Whom it concerns: the first of them, and how many more there are.
    who: (Vec<String>, Count),
    lost: Vec<String>,
    kept: Vec<String>,
    action: String,
    fields: Vec<(String, String)>,
    button: String,
    back: String,
    is_loss: bool,
}

framed!(ConfirmPage, Nowhere, |page| page.question.clone());

impl ConfirmPage {
    fn new(frame: Frame, question: String, button: &str) -> Self {
        Self { frame, question, button: button.to_owned(), is_loss: true, ..Self::default() }
    }

    /// Asks before a list is deleted: `DELETE {w}`.
    pub fn delete_list(frame: Frame, entries: Count, webhook_events: Count) -> Self {
        let name = frame.list.as_ref().map(|list| list.name.clone()).unwrap_or_default();
        let mut page = Self::new(frame, format!("Delete {name}?"), &format!("Delete {} and the list", entries.of("entry", "entries")));
        page.lost = vec![
            format!("{} with answers, referrals and mail", entries.of("entry", "entries")),
            "the sign-up page and the pages of these people".to_owned(),
            "variants and settings".to_owned(),
        ];
        if webhook_events.0 > 0 {
            page.lost.push(webhook_events.of("event that waits for a webhook", "events that wait for a webhook"));
        }
        page.kept = vec!["the workspace with its webhooks, mail settings and suppressions".to_owned()];
        (page.action, page.back) = (page.list().delete(), page.list().settings());
        page
    }

    /// Asks before an entry is deleted: `DELETE {w}/entries/{id}`.
    pub fn delete_entry(frame: Frame, id: &str, email: &str) -> Self {
        let mut page = Self::new(frame, format!("Delete {email}?"), "Delete this entry");
        page.lost = vec!["the entry with its answers".to_owned(), "their link, their own page and their code".to_owned()];
        page.kept =
            vec!["the positions of everybody, and the referrals that they brought".to_owned(), "the log of mail and the events".to_owned()];
        (page.action, page.back) = (page.list().delete_entry(id), page.list().entry(id));
        page
    }

    /// Asks before an entry is erased: `DELETE {w}/entries/{id}?erase=true`.
    pub fn erase_entry(frame: Frame, id: &str, email: &str) -> Self {
        let mut page = Self::new(frame, format!("Erase {email}?"), "Erase this person");
        page.lost = vec![
            "every trace of the person: the entry, mails, the bodies of events, rows of imports".to_owned(),
            "what waits to be sent to them or about them".to_owned(),
        ];
        page.kept = vec![
            "the numbers of the list and the positions of everybody".to_owned(),
            "a keyed hash of the address, so that an import does not bring the person back".to_owned(),
        ];
        page.fields = vec![("erase".to_owned(), "true".to_owned())];
        (page.action, page.back) = (page.list().delete_entry(id), page.list().entry(id));
        page
    }

    /// Asks before many entries are deleted or erased. `who` are the first of their addresses, if the session may see them. `posted` are
    /// the fields of the bulk form without `csrf`; they are posted again.
    pub fn delete_entries(frame: Frame, number: Count, erase: bool, who: Vec<String>, posted: Vec<(String, String)>) -> Self {
        let list = frame.list.as_ref().map(|list| list.name.clone()).unwrap_or_default();
        let what = number.of("entry", "entries");
        let verb = if erase { "Erase" } else { "Delete" };
        let mut page = Self::new(frame, format!("{verb} {what} of {list}?"), &format!("{verb} {what}"));
        let more = number.0.saturating_sub(who.len() as u64);
        page.who = (who, Count(more));
        page.lost = if erase {
            vec![if number.0 == 1 { "every trace of this person".to_owned() } else { format!("every trace of these {number} people") }]
        } else {
            vec![
                number.either("this entry with its answers, link and code", "these entries with their answers, links and codes").to_owned(),
            ]
        };
        page.kept = vec!["the positions of everybody, and the referrals that they brought".to_owned()];
        page.of_bulk(posted)
    }

    /// Asks before all entries that match are approved, rejected or invited. `verb` is the value of `do`. `settled` is the number of those
    /// that have the verdict already. `posted` is as in [`ConfirmPage::delete_entries`].
    pub fn change_entries(
        frame: Frame,
        verb: &str,
        number: Count,
        settled: Count,
        sends_mail: bool,
        posted: Vec<(String, String)>,
    ) -> Self {
        let list = frame.list.as_ref().map(|list| list.name.clone()).unwrap_or_default();
        let verdict = if verb == "approve" { "approved" } else { "rejected" };
        let (what, verb) = (number.of("entry", "entries"), State(verb.to_owned()).word());
        let mut page = Self::new(frame, format!("{verb} {what} of {list}?"), &format!("{verb} {what}"));
        if !settled.is_none() {
            let those = settled.of(&format!("entry is {verdict} already"), &format!("entries are {verdict} already"));
            let what = settled.either("it stays as it is", "they stay as they are");
            page.kept.push(format!("{those}: {what}{}", if sends_mail { ", without another mail" } else { "" }));
        }
        if sends_mail {
            page.kept.push(
                if settled.is_none() { "each person gets a mail about it" } else { "each other person gets a mail about it" }.to_owned(),
            );
        }
        page.kept.push("it takes a while, and you can cancel it: what is done stays done".to_owned());
        page.is_loss = false;
        page.of_bulk(posted)
    }

    /// Leads back to the entries as they were filtered.
    fn of_bulk(mut self, posted: Vec<(String, String)>) -> Self {
        let filter = posted.iter().find(|(name, _)| name == "filter").map_or("", |(_, value)| value.as_str());
        (self.action, self.back) = (self.list().bulk(), self.list().entries_where(filter));
        self.fields = posted;
        self
    }

    /// Asks before a person's link is replaced: `POST {w}/entries/{id}/new-link`.
    pub fn new_link(frame: Frame, id: &str, email: &str) -> Self {
        let mut page = Self::new(frame, format!("Replace the link of {email}?"), "Replace the link");
        page.lost = vec!["the link that the person has, in every mail that was sent".to_owned()];
        page.kept = vec!["their place, their code, and the link to unsubscribe".to_owned()];
        page.is_loss = false;
        (page.action, page.back) = (page.list().new_link(id), page.list().entry(id));
        page
    }

    /// Asks before a sign-up that waits is deleted: `DELETE {w}/confirmations/{id}`.
    pub fn delete_confirmation(frame: Frame, id: &str, email: &str) -> Self {
        let mut page = Self::new(frame, format!("Delete the sign-up of {email}?"), "Delete this sign-up");
        page.lost = vec!["the sign-up that waits, and the link that confirms it".to_owned()];
        page.kept = vec!["the person may sign up again".to_owned()];
        (page.action, page.back) = (page.list().delete_confirmation(id), page.list().confirmations());
        page
    }

    /// Asks before a variant is deleted: `DELETE {w}/variants/{id}`.
    pub fn delete_variant(frame: Frame, id: &str, entries: Count) -> Self {
        let mut page = Self::new(frame, "Delete this variant?".to_owned(), "Delete this variant");
        page.lost = vec!["its texts".to_owned()];
        page.kept = vec![format!("{} of people who saw it", entries.of("entry", "entries"))];
        (page.action, page.back) = (page.list().delete_variant(id), page.list().variant(id));
        page
    }

    /// Asks before a webhook is deleted: `DELETE /v1/workspaces/{ws}/webhooks/{id}`.
    pub fn delete_webhook(frame: Frame, id: &str, url: &str, pending: Count) -> Self {
        let mut page = Self::new(frame, format!("Delete the webhook {url}?"), "Delete this webhook");
        page.lost = vec!["its secret and the log of its deliveries".to_owned()];
        if pending.0 > 0 {
            page.lost.push(pending.of("event that waits for it", "events that wait for it"));
        }
        (page.action, page.back) = (page.ws().delete_webhook(id), page.ws().webhook(id));
        page
    }

    /// Asks before the secret of a webhook is rotated: `POST …/webhooks/{id}/rotate-secret`.
    /// `posted` are fields that come back with the answer.
    pub fn rotate(frame: Frame, id: &str, url: &str, posted: Vec<(String, String)>) -> Self {
        let mut page = Self::new(frame, format!("Rotate the secret of {url}?"), "Rotate the secret");
        page.lost = vec!["the secret of now: it signs for 24 hours more, beside the new one".to_owned()];
        page.is_loss = false;
        (page.action, page.back) = (page.ws().rotate(id), page.ws().webhook(id));
        page.fields = posted;
        page
    }

    /// Asks before an API key is revoked: `DELETE /v1/workspaces/{ws}/api-keys/{id}`.
    pub fn revoke_key(frame: Frame, id: &str, name: &str, prefix: &str) -> Self {
        let mut page = Self::new(frame, format!("Revoke the key {name}?"), "Revoke this key");
        page.who = (vec![format!("{prefix}…")], Count(0));
        page.lost = vec!["whatever uses the key is refused from now on".to_owned(), "the sessions that were started with it".to_owned()];
        (page.action, page.back) = (page.ws().revoke(id), page.ws().keys());
        page
    }

    /// Asks before a template is replaced by the built-in one: `DELETE …/mail-templates/{kind}/{locale}`.
    pub fn reset_template(frame: Frame, kind: &str, locale: &str, has_built_in: bool) -> Self {
        let what = if has_built_in { "Go back to the built-in text" } else { "Delete the text" };
        let mut page = Self::new(frame, format!("{what} of {kind}, {locale}?"), "Delete your own text");
        page.lost = vec!["your own subject, text and HTML for this kind and language".to_owned()];
        let template = page.ws().template(kind, locale);
        (page.action, page.back) = (format!("{template}/reset"), template);
        page
    }
}

/// A refusal or a failure.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "error.html", whitespace = "minimize")]
pub struct ErrorPage {
    /// The frame, as far as it is known.
    pub frame: Frame,
    /// The status of the reply.
    pub status: u16,
    /// The action that the session lacks (403).
    pub action: Option<String>,
    /// Whether only a session of all workspaces may do that (403).
    pub is_for_owners: bool,
    /// What the rule says (400, 409, 422): the message of the API.
    pub message: Option<String>,
    /// The seconds until the next try (429, 503).
    pub retry_after: Option<Count>,
    /// The id of the request, which is in the log of the server.
    pub request_id: Option<String>,
    /// Where to go on.
    pub back: Option<String>,
}

framed!(ErrorPage, Nowhere, |page| {
    match page.status {
        403 if page.action.is_some() || page.is_for_owners => "This session may not do that",
        403 => "This form is not of this session",
        404 | 410 => "There is no such page",
        405 => "This address only takes a form",
        409 => "That cannot be done now",
        400 | 422 => "That cannot be done",
        429 => "Too many tries",
        503 => "Rally is busy",
        _ => "Something broke",
    }
    .to_owned()
});

impl ErrorPage {
    fn advice(&self) -> &'static str {
        match self.status {
            403 if self.is_for_owners => {
                "Only a session of all workspaces creates a workspace. On the server, rally console login prints a link that begins such a session."
            }
            403 if self.action.is_some() => "Sign in with a key or a link that may, or ask who runs the server.",
            403 => {
                "It was opened before you signed in, or on another site, so nothing was changed. Go back, load the page again, and repeat what you did."
            }
            404 | 410 => "It may have been deleted, or it belongs to another list or workspace.",
            405 => "Go on from the start, or open the page that has the form. Nothing was changed.",
            409 => "It does not fit what is there now. Look at it again: it may have changed meanwhile. Nothing was overwritten.",
            400 | 422 => "Go back and change it.",
            429 => "Nothing was changed.",
            503 => "Nothing was changed. What you typed is still there when you go back.",
            _ => "Nothing was changed, as far as Rally knows. The log of the server says more under the id of the request.",
        }
    }

    fn home(&self) -> String {
        if self.frame.list.is_some() {
            self.list().overview()
        } else if self.frame.workspace.is_some() {
            self.ws().lists()
        } else {
            self.urls().home()
        }
    }
}

/// The keys of the keyboard.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "help.html", whitespace = "minimize")]
pub struct HelpPage {
    /// The frame.
    pub frame: Frame,
}

framed!(HelpPage, Help, |_page| "Keyboard".to_owned());
