//! Pages that are one form: what is created.

use askama::Template;

use super::imports::ImportRow;
use super::mail::MAIL_KINDS;
use super::webhooks::event_choices;
use crate::form::{Choice, Field, Form, Summary};
use crate::frame::{Frame, Framed, Here};
use crate::part::State;

/// A page that is one form.
#[derive(Debug, Clone, Template)]
#[template(path = "form.html", whitespace = "minimize")]
pub struct FormPage {
    frame: Frame,
    form: Form,
    here: Place,
    title: &'static str,
    intro: &'static str,
    fields: Vec<Field>,
    action: String,
    back: String,
    submit: &'static str,
    is_upload: bool,
}

/// Where the form belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Workspaces,
    Lists,
    Webhooks,
    Mail,
    Keys,
    Imports,
}

impl Framed for FormPage {
    fn frame(&self) -> &Frame {
        &self.frame
    }

    fn here(&self) -> Here {
        match self.here {
            Place::Workspaces => Here::Workspaces,
            Place::Lists => Here::Lists,
            Place::Webhooks => Here::Webhooks,
            Place::Mail => Here::Mail,
            Place::Keys => Here::Keys,
            Place::Imports => Here::Imports,
        }
    }

    fn title(&self) -> String {
        self.title.to_owned()
    }

    fn is_refused(&self) -> bool {
        !self.form.errors.is_empty()
    }
}

const FORMATS: [(&str, &str); 10] = [
    ("auto", "Find out from the file"),
    ("rally", "Rally"),
    ("prefinery", "Prefinery"),
    ("getwaitlist", "GetWaitlist"),
    ("kickofflabs", "KickoffLabs"),
    ("launchlist", "LaunchList"),
    ("waitlister", "Waitlister"),
    ("mailchimp", "Mailchimp"),
    ("listmonk", "listmonk"),
    ("generic", "Another CSV file"),
];

impl FormPage {
    fn plain(frame: Frame, form: Form, here: Place, texts: [&'static str; 3]) -> Self {
        let [title, intro, submit] = texts;
        let (fields, action, back) = Default::default();
        Self { frame, form, here, title, intro, fields, action, back, submit, is_upload: false }
    }

    /// Creates a workspace: `rally workspace create`. Fields: `slug`, `name`.
    pub fn new_workspace(frame: Frame, form: Form) -> Self {
        let texts =
            ["New workspace", "A workspace holds waitlists, webhooks, mail settings and API keys. Nothing crosses it.", "Create it"];
        let mut page = Self::plain(frame, form, Place::Workspaces, texts);
        page.fields = vec![
            page.form.line("name", "Name"),
            page.form.line("slug", "Slug").hint("a-z, 0-9 and single hyphens. It is in the address of every list."),
        ];
        (page.action, page.back) = (page.urls().new_workspace(), page.urls().home());
        page
    }

    /// Creates a list: `POST /v1/workspaces/{ws}/waitlists`. Fields: `display_name`, `slug`, `description`.
    pub fn new_list(frame: Frame, form: Form) -> Self {
        let texts = ["New list", "It starts as a draft that takes nobody. You activate it when it is ready.", "Create it"];
        let mut page = Self::plain(frame, form, Place::Lists, texts);
        page.fields = vec![
            page.form.line("display_name", "Name").hint("People see it, such as Early access"),
            page.form
                .line("slug", "Slug")
                .hint("a-z, 0-9 and single hyphens. It is in the address of the sign-up page, and does not change."),
            page.form.lines("description", "Description", 3).optional().hint("Stands under the name on the sign-up page"),
        ];
        (page.action, page.back) = (page.ws().new_list(), page.ws().lists());
        page
    }

    /// Creates a webhook: `POST /v1/workspaces/{ws}/webhooks`. Fields: `url`, `events`.
    pub fn new_webhook(frame: Frame, form: Form, event_types: &[String]) -> Self {
        let texts = ["New webhook", "Rally shows the secret that signs its requests once, on the next page.", "Create it"];
        let mut page = Self::plain(frame, form, Place::Webhooks, texts);
        page.fields = vec![
            page.form.url("url", "URL").hint("https, at a public address"),
            page.form.several("events", "Events", &event_choices(event_types)),
        ];
        (page.action, page.back) = (page.ws().new_webhook(), page.ws().webhooks());
        page
    }

    /// Begins a template of mail in a language that has none. Fields: `kind`, `locale`.
    pub fn new_template(frame: Frame, form: Form) -> Self {
        let texts = [
            "Another language",
            "You write the text on the next page. Until it is saved, people of that language get another one.",
            "Go on",
        ];
        let mut page = Self::plain(frame, form, Place::Mail, texts);
        let kinds = MAIL_KINDS.map(|(kind, about)| (kind, format!("{}: {about}", State::from(kind).word())));
        let kinds: Vec<(&str, &str)> = kinds.iter().map(|(kind, label)| (*kind, label.as_str())).collect();
        page.fields = vec![
            page.form.select("kind", "Mail", &kinds),
            page.form.line("locale", "Language").hint("A language tag, such as sv, da or en-GB"),
        ];
        (page.action, page.back) = (page.ws().new_template(), page.ws().templates());
        page
    }

    /// Creates an API key: `POST /v1/workspaces/{ws}/api-keys`. Fields: `name`, `actions`, of those that the session may grant.
    pub fn new_key(frame: Frame, form: Form, actions: &[String]) -> Self {
        let texts = ["New API key", "Rally shows the key once, on the next page. It works until you revoke it.", "Create it"];
        let mut page = Self::plain(frame, form, Place::Keys, texts);
        let choices: Vec<Choice> = actions.iter().map(|action| Choice::new(action, action)).collect();
        page.fields = vec![
            page.form.line("name", "Name").hint("What uses it, such as Website"),
            page.form.several("actions", "May do", &choices).hint("None ticked: everything that this session may do"),
        ];
        (page.action, page.back) = (page.ws().new_key(), page.ws().keys());
        page
    }

    /// Starts an import: `POST {w}/imports`. Fields: `format`, `on_duplicate`, `map` (a line `column = field` each), `dry_run`, `notify`,
    /// `file`. `after` is the import whose choices are proposed.
    pub fn new_import(frame: Frame, form: Form, after: Option<&ImportRow>) -> Self {
        let intro = match after {
            Some(last) if last.is_dry_run && last.state.is("done") => {
                "Choose the file of the trial once more, at the end. The choices above it are those of the trial, and this time Rally adds the \
                 people."
            }
            Some(_) => "Choose the file once more, at the end. The choices above it are those of the last time.",
            None => {
                "A CSV file or JSON lines, also compressed by gzip, up to 1 GiB. Sign-up times, codes, referrers and counts stay. Make a \
                 trial first: it writes nothing, and tells what would happen."
            }
        };
        let texts = ["New import", intro, "Start"];
        let mut page = Self::plain(frame, form, Place::Imports, texts);
        page.fields = vec![
            page.form.select("format", "Where it comes from", &FORMATS),
            page.form.select("on_duplicate", "People who are on the list", &[("skip", "Leave them as they are"), ("update", "Fill in what the file has")]),
            page.form
                .code("map", "Columns", 4)
                .optional()
                .hint("One a line: column = field. Fields: email, name, created_at, confirmed_at, status, referral_code, referred_by, referral_count, interest, referrer, locale, first_name, last_name, unsubscribed, metadata, metadata.KEY, ignore"),
            page.form.tick("dry_run", "Trial: write nothing"),
            page.form.tick("notify", "Send mail and events about it").hint("People get a welcome, and webhooks hear of every entry."),
            page.form.file("file", "File").hint(&after.map(ImportRow::of_file).unwrap_or_default()),
        ];
        page.is_upload = true;
        let action = after.map_or_else(|| page.list().new_import(), |last| page.list().import_again(&last.id));
        (page.action, page.back) = (action, page.list().imports());
        page
    }

    fn summary(&self) -> Summary {
        self.form.summary(&self.fields)
    }
}
