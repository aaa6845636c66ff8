//! Mail of a workspace: settings, templates, the log, and suppressions.

use askama::Template;

use super::entry::Person;
use super::{Conflict, framed};
use crate::form::{Field, Form, Summary};
use crate::frame::{Frame, Framed};
use crate::part::{Count, Pager, State, Time};

/// The settings of brand and mail of a workspace: `GET` and `PUT /v1/workspaces/{ws}/rally/settings`. The form has the names of the API.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "mail.html", whitespace = "minimize")]
pub struct MailSettingsPage {
    /// The frame. Its notices tell of an SMTP server with a public URL that links in mail cannot use, and of mail that is refused.
    pub frame: Frame,
    /// The settings, and what was typed.
    pub form: Form,
    /// The settings that the form was opened with, as a query string. It comes back with the form as `seen`.
    pub seen: String,
    /// Whether the server has an SMTP server.
    pub has_smtp: bool,
    /// Whether the server has Envoi.
    pub has_envoi: bool,
}

framed!(MailSettingsPage, Mail, |_page| "Mail and brand".to_owned(), |page| !page.form.errors.is_empty());

/// A group of fields.
struct Section {
    title: &'static str,
    hint: &'static str,
    fields: Vec<Field>,
}

const LANGUAGES: [(&str, &str); 13] = [
    ("en", "English"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("es", "Español"),
    ("pt-BR", "Português do Brasil"),
    ("it", "Italiano"),
    ("nl", "Nederlands"),
    ("pl", "Polski"),
    ("tr", "Türkçe"),
    ("ja", "日本語"),
    ("zh-Hans", "简体中文"),
    ("ar", "العربية"),
    ("he", "עברית"),
];

/// Returns the name of a language with its tag, as in "Deutsch (de)". The tag alone stands for a language that has no name here.
fn language(tag: &str) -> String {
    let known = LANGUAGES.iter().find(|(other, _)| *other == tag);
    known.map_or_else(|| tag.to_owned(), |(_, name)| format!("{name} ({tag})"))
}

impl MailSettingsPage {
    fn sections(&self) -> Vec<Section> {
        let f = &self.form;
        let mut ways = vec![("off", "Send no mail")];
        let current = f.value("notifications");
        if self.has_smtp || current == "smtp" {
            ways.push(("smtp", "Through the mail server"));
        }
        if self.has_envoi || current == "envoi" {
            ways.push(("envoi", "Through Envoi"));
        }
        let mut sections = vec![
            Section {
                title: "Brand",
                hint: "Shown on the sign-up page, on people's own pages and in mail.",
                fields: vec![
                    f.line("brand_name", "Name").optional(),
                    f.url("brand_logo_url", "Logo").optional().hint("The address of an image, drawn for a light ground"),
                    f.line("primary_color", "Colour").optional().hint("Such as #0f766e"),
                ],
            },
            Section {
                title: "Mail",
                hint: "",
                fields: vec![
                    f.select("notifications", "How mail is sent", &ways),
                    f.email("default_sender_address", "From").optional().hint("Empty: the sender of the server"),
                    f.email("reply_to_address", "Replies to").optional(),
                    f.select("default_locale", "Language where none is known", &LANGUAGES),
                ],
            },
            Section {
                title: "Invitations",
                hint: "An approved person can be invited into an app. A list can have an invitation link instead.",
                fields: vec![f.line("default_heimdall_app_slug", "App").optional()],
            },
        ];
        if self.has_envoi || current == "envoi" {
            sections.push(Section {
                title: "Envoi",
                hint: "Needed to send through Envoi.",
                fields: vec![
                    f.line("default_sender_domain_id", "Id of the sender's domain").optional(),
                    f.line("welcome_template_name", "Template of welcome").optional(),
                    f.line("approved_template_name", "Template of approval").optional(),
                    f.line("rejected_template_name", "Template of rejection").optional(),
                    f.line("confirm_template_name", "Template of confirmation").optional(),
                    f.line("link_template_name", "Template of a lost link").optional(),
                ],
            });
        }
        sections
    }

    fn summary(&self) -> Summary {
        let fields: Vec<Field> = self.sections().into_iter().flat_map(|section| section.fields).collect();
        self.form.summary(&fields)
    }
}

/// A template of mail among others.
#[derive(Debug, Clone, Default)]
pub struct TemplateRow {
    /// `confirm`, `welcome`, `approved`, `rejected`, `invited` or `link`.
    pub kind: String,
    /// The language.
    pub locale: String,
    /// Whether it is the workspace's own.
    pub is_own: bool,
    /// The subject.
    pub subject: String,
    /// When the workspace's own was changed.
    pub updated_at: Option<Time>,
}

/// The templates of mail: `GET /v1/workspaces/{ws}/mail-templates`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "templates.html", whitespace = "minimize")]
pub struct TemplatesPage {
    /// The frame.
    pub frame: Frame,
    /// The templates in the order of the API.
    pub rows: Vec<TemplateRow>,
}

framed!(TemplatesPage, Mail, |_page| "Templates".to_owned());

/// The kinds of mail in the order of a person's way, each with what it is for.
pub(super) const MAIL_KINDS: [(&str, &str); 6] = [
    ("confirm", "asks to confirm the address"),
    ("welcome", "after the sign-up"),
    ("approved", "after the approval"),
    ("rejected", "after the rejection"),
    ("invited", "with an invitation"),
    ("link", "sends a person their own link again"),
];

impl TemplateRow {
    fn language(&self) -> String {
        language(&self.locale)
    }
}

impl TemplatesPage {
    /// Returns the kinds, each with what it is for and its templates.
    fn kinds(&self) -> Vec<(&'static str, &'static str, Vec<&TemplateRow>)> {
        MAIL_KINDS.map(|(kind, about)| (kind, about, self.rows.iter().filter(|row| row.kind == kind).collect())).into()
    }
}

/// A template of mail with a preview: `PUT`, `DELETE …/mail-templates/{kind}/{locale}`, and its `preview` and `test`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "template.html", whitespace = "minimize")]
pub struct TemplatePage {
    /// The frame.
    pub frame: Frame,
    /// The kind.
    pub kind: String,
    /// The language.
    pub locale: String,
    /// Whether it is the workspace's own.
    pub is_own: bool,
    /// Whether Rally has a text for the kind and language, too.
    pub has_built_in: bool,
    /// The fields `subject`, `text` and `html`, and of a refused test `to`. An error names its line.
    pub form: Form,
    /// When it was last changed, as the API says it. Empty for a built-in one.
    pub updated_at: String,
    /// The variables that it may use, such as `entry.name`.
    pub variables: Vec<String>,
    /// Another change that came first.
    pub conflict: Option<Conflict>,
}

framed!(TemplatePage, Mail, |page| format!("{}, {}", State(page.kind.clone()).word(), language(&page.locale)), |page| {
    page.conflict.is_some() || !page.form.errors.is_empty()
});

impl TemplatePage {
    fn fields(&self) -> Vec<Field> {
        let form = &self.form;
        vec![
            form.line("subject", "Subject"),
            form.code("text", "Text", 14),
            form.code("html", "HTML", 14).optional().hint("Without it, the mail has text only."),
        ]
    }

    fn reset_url(&self) -> String {
        format!("{}/reset", self.ws().template(&self.kind, &self.locale))
    }

    fn to(&self) -> Field {
        self.form.email("to", "To").hint("Sends the template as it is stored. Ten an hour.")
    }

    fn summary(&self) -> Summary {
        let fields = self.fields();
        let to = self.to();
        self.form.summary(fields.iter().chain([&to]))
    }
}

/// A rendered mail, shown in the frame of [`TemplatePage`] under [`MAIL_PREVIEW`](crate::policy::MAIL_PREVIEW).
#[derive(Debug, Clone, Default, Template)]
#[template(path = "mail_preview.html", whitespace = "minimize")]
pub struct MailPreviewPage {
    /// The path of the public URL without a slash at its end.
    pub root: String,
    /// The language of the mail.
    pub locale: String,
    /// The subject.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The HTML.
    pub html: Option<String>,
    /// Why it cannot be rendered, with the field and the line.
    pub errors: Vec<String>,
}

/// What a page says of a mail that is kept back.
pub(crate) const KEPT_BACK: &str = "waits until RALLY_MAIL_BUDGET has room";

/// A mail of the log.
#[derive(Debug, Clone)]
pub struct MailRow {
    /// The id.
    pub id: String,
    /// The kind.
    pub kind: String,
    /// The language.
    pub locale: String,
    /// The address.
    pub to: String,
    /// The entry, and the slug of its list, while it is there.
    pub entry: Option<(Person, String)>,
    /// `pending`, `sent`, `failed`, `suppressed` or `expired`.
    pub state: State,
    /// Whether it has waited for a while because strangers caused as many mails as the budget allows.
    pub is_kept_back: bool,
    /// The number of attempts.
    pub attempts: Count,
    /// Why it was not sent.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: Time,
    /// When it was sent.
    pub sent_at: Option<Time>,
}

/// The log of mail: `GET /v1/workspaces/{ws}/mails`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "mail_log.html", whitespace = "minimize")]
pub struct MailLogPage {
    /// The frame.
    pub frame: Frame,
    /// The fields `state`, `kind` and `entry_id` of the query.
    pub filter: Form,
    /// The mails, newest first.
    pub rows: Vec<MailRow>,
    /// The other pages. Its part is `rows`.
    pub pager: Pager,
}

framed!(MailLogPage, Mail, |_page| "Log of mail".to_owned());

impl MailLogPage {
    fn fields(&self) -> [Field; 2] {
        let states = [
            ("", "Any state"),
            ("pending", "Pending"),
            ("sent", "Sent"),
            ("failed", "Failed"),
            ("suppressed", "Suppressed"),
            ("expired", "Expired"),
        ];
        let kinds = [
            ("", "Any kind"),
            ("confirm", "Confirm"),
            ("welcome", "Welcome"),
            ("approved", "Approved"),
            ("rejected", "Rejected"),
            ("invited", "Invited"),
            ("link", "Link"),
        ];
        [self.filter.select("state", "State", &states), self.filter.select("kind", "Kind", &kinds)]
    }

    fn is_narrow(&self) -> bool {
        self.filter.values.iter().any(|(_, value)| !value.is_empty())
    }
}

/// A suppression.
#[derive(Debug, Clone)]
pub struct SuppressionRow {
    /// The id.
    pub id: String,
    /// The masked address, if Rally knows it.
    pub masked_email: Option<String>,
    /// `unsubscribed`, `refused`, `bounced`, `erased` or `manual`.
    pub reason: State,
    /// Since when.
    pub created_at: Time,
}

/// The answer to whether an address is suppressed.
#[derive(Debug, Clone, Default)]
pub struct SuppressionAnswer {
    /// The address.
    pub email: String,
    /// Why. `None`: it is not.
    pub reason: Option<State>,
}

/// The suppressions: `GET`, `POST /v1/workspaces/{ws}/suppressions` and `…/check`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "suppressions.html", whitespace = "minimize")]
pub struct SuppressionsPage {
    /// The frame.
    pub frame: Frame,
    /// The field `email`.
    pub form: Form,
    /// The answer to a question.
    pub answer: Option<SuppressionAnswer>,
    /// The suppressions, newest first.
    pub rows: Vec<SuppressionRow>,
    /// The other pages. Its part is `rows`.
    pub pager: Pager,
}

framed!(SuppressionsPage, Mail, |_page| "Suppressions".to_owned(), |page| !page.form.errors.is_empty());

impl SuppressionsPage {
    fn email(&self) -> Field {
        self.form.email("email", "Address")
    }

    fn summary(&self) -> Summary {
        Summary { title: "Change the address", changes: self.form.changes(&[&self.email()]) }
    }
}
