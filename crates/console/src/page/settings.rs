//! The settings of a list.

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;

use super::framed;
use crate::form::{Field, Form, Summary};
use crate::frame::{Frame, Framed};
use crate::part::Time;
use crate::part::html::escape;
use crate::settings::{FIELDS, REWARDS, count_rows};

/// A change of somebody else that came first.
#[derive(Debug, Clone)]
pub struct Conflict {
    /// Who made it, if the audit log says so.
    pub by: Option<String>,
    /// When it was made.
    pub at: Time,
    /// The fields that both have changed. None: all of the form.
    pub of: Vec<String>,
}

impl HtmlSafe for Conflict {}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = self.by.as_deref().map_or_else(|| "Somebody".to_owned(), |by| format!("<bdi>{}</bdi>", escape(by)));
        let of = if self.of.is_empty() { "something else".to_owned() } else { format!("other values of {}", escape(&self.of.join(", "))) };
        write!(
            f,
            "<div class=\"notice attention\" id=\"changes\" role=\"alert\" tabindex=\"-1\" autofocus><p>{by} saved {of} at {}, after you \
             opened this page. What you typed is below. Save again to replace that change.</p></div>",
            self.at
        )
    }
}

/// The settings of a list: `GET {w}` and `PATCH {w}`.
///
/// [`form_of_settings`](crate::form_of_settings) fills the form. A POST goes through [`edit_rows`](crate::edit_rows), and then, if it is to
/// be saved, through [`patch_of_settings`](crate::patch_of_settings). What somebody else has changed as well since the form was opened is
/// not saved: 409 with this page, the stored values beside those that were typed, and a conflict.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "settings.html", whitespace = "minimize")]
pub struct SettingsPage {
    /// The frame.
    pub frame: Frame,
    /// The words and settings, what was typed, and the errors under the names of the API. `seen` comes back as it is.
    pub form: Form,
    /// Another change that came first. It names fields as the API does.
    pub conflict: Option<Conflict>,
    /// Whether the workspace can send the mail that confirms an address.
    pub sends_confirmations: bool,
    /// Whether rows were changed and nothing is saved yet.
    pub is_unsaved: bool,
}

framed!(SettingsPage, Settings, |_page| "Settings".to_owned(), |page| page.conflict.is_some() || !page.form.errors.is_empty());

/// A group of fields.
struct Section {
    id: &'static str,
    title: &'static str,
    fields: Vec<Field>,
}

/// The fields of a row.
struct Row {
    index: usize,
    title: String,
    fields: Vec<Field>,
    more: String,
}

const TYPES: [(&str, &str); 10] = [
    ("text", "Line of text"),
    ("textarea", "Longer text"),
    ("number", "Number"),
    ("boolean", "Yes or no"),
    ("select", "One of several"),
    ("multiselect", "Several of several"),
    ("url", "Web address"),
    ("email", "E-mail address"),
    ("tel", "Telephone number"),
    ("date", "Date"),
];

impl SettingsPage {
    fn sections(&self) -> Vec<Section> {
        let f = &self.form;
        let confirmation = f.tick("settings.email_confirmation", "Confirm the address first");
        let confirmation = if self.sends_confirmations {
            confirmation.hint("A person is on the list once they have opened the link in a mail.")
        } else {
            confirmation.hint("Set up mail in the workspace first: the link to confirm is sent by mail.")
        };
        vec![
            Section {
                id: "words",
                title: "Words",
                fields: vec![
                    f.line("display_name", "Name"),
                    f.lines("description", "Description", 3).optional().hint("Stands under the name on the sign-up page"),
                    f.lines("settings.confirmation_message", "Message after sign-up", 3).optional(),
                ],
            },
            Section {
                id: "sign-up",
                title: "Sign-up",
                fields: vec![
                    f.tick("settings.approval_required", "Review every entry").hint("Without this, everybody is approved at once."),
                    confirmation,
                    f.number("settings.max_entries", "Most entries").optional().hint("Empty: no limit"),
                    f.url("settings.page_url", "Your own page").optional().hint("Links to share lead there. Empty: the page of Rally"),
                    f.url("settings.confirm_page_url", "Your own page to confirm").optional(),
                    f.line("settings.invite_url", "Invitation link")
                        .optional()
                        .hint("Used where no app is set. {email} and {code} are filled in: https://app.example.com/join?code={code}"),
                ],
            },
            Section {
                id: "referrals",
                title: "Referrals",
                fields: vec![
                    f.number("settings.referral_boost", "Positions for each referral").hint("From 0 to 1000"),
                    f.tick("settings.leaderboard_enabled", "Show the leaderboard").hint("Addresses are masked."),
                    f.select(
                        "settings.referral_fraud",
                        "Suspicious referrals",
                        &[("flag", "Count and list them"), ("withhold", "Withhold them until somebody decides"), ("off", "Do not look")],
                    ),
                    f.number("settings.referral_fraud_threshold", "Withhold from score").optional().hint("From 1 to 100. Empty: 50"),
                    f.number("settings.referral_hourly_cap", "Referrals of one code in an hour")
                        .optional()
                        .hint("More are suspicious. Empty: 20"),
                ],
            },
            Section {
                id: "privacy",
                title: "Privacy and embedding",
                fields: vec![
                    f.tick("settings.badge_enabled", "Say in the footer of the pages that they run on Rally"),
                    f.url("settings.privacy_url", "Privacy policy").optional(),
                    f.url("settings.terms_url", "Terms").optional(),
                    f.lines("settings.consent_text", "Text that people must agree to", 2).optional().hint("With it, a box must be ticked."),
                    f.lines("settings.allowed_origins", "Sites that may embed the form", 3)
                        .optional()
                        .hint("One origin a line, such as https://example.com. Empty: no site may frame the page, and any may post to it."),
                ],
            },
            Section {
                id: "protection",
                title: "Protection",
                fields: vec![
                    f.select(
                        "settings.proof_of_work",
                        "Work for the browser",
                        &[("off", "None"), ("auto", "While many sign up at once"), ("on", "Always")],
                    ),
                    f.tick("settings.block_disposable", "Refuse throw-away addresses"),
                    f.tick("settings.check_mx", "Refuse domains that take no mail"),
                    f.tick("settings.one_per_mailbox", "One entry for each mailbox")
                        .hint("ada+work@example.com counts as ada@example.com."),
                    f.line("settings.recaptcha_site_key", "reCAPTCHA site key").optional().hint("The hosted page cannot show a captcha."),
                ],
            },
        ]
    }

    /// The conflict, with the labels of its fields.
    fn shown_conflict(&self) -> Option<Conflict> {
        let fields: Vec<Field> = self.sections().into_iter().flat_map(|section| section.fields).collect();
        let label = |name: &String| match name.as_str() {
            FIELDS => "Questions".to_owned(),
            "settings.referral_rewards" => "Rewards".to_owned(),
            _ => fields.iter().find(|field| field.name == *name).map_or_else(|| name.clone(), |field| field.label.clone()),
        };
        let conflict = self.conflict.clone()?;
        Some(Conflict { of: conflict.of.iter().map(label).collect(), ..conflict })
    }

    fn questions(&self) -> Vec<Row> {
        let row = |index| {
            let name = |key: &str| format!("{FIELDS}[{index}].{key}");
            let f = &self.form;
            let title = [name("label"), name("key")].iter().map(|name| f.value(name)).find(|text| !text.is_empty()).map(str::to_owned);
            let mut fields = vec![
                f.line(&name("label"), "Question"),
                f.line(&name("key"), "Key").hint("a-z, 0-9 and _"),
                f.select(&name("type"), "Answer", &TYPES),
                f.tick(&name("required"), "Must be answered"),
                f.lines(&name("help_text"), "Hint", 2).optional(),
            ];
            let is_chosen = ["select", "multiselect"].contains(&f.value(&name("type")));
            let options = f.lines(&name("options"), "Options", 4).hint("One a line, for an answer of several");
            let shows = is_chosen || !f.value(&name("options")).is_empty() || f.error(&name("options")).is_some();
            fields.push(if shows { options } else { options.for_choices() });
            let more = f.value(&name("more")).to_owned();
            let number = format!("Question {}", index + 1);
            let fields = fields.into_iter().map(|field| field.in_row(&number)).collect();
            Row { index, title: title.unwrap_or(number), fields, more }
        };
        (0..count_rows(&self.form.values, FIELDS)).map(row).collect()
    }

    fn rewards(&self) -> Vec<Row> {
        let row = |index| {
            let name = |key: &str| format!("{REWARDS}[{index}].{key}");
            let title = format!("Reward {}", index + 1);
            let fields = [self.form.number(&name("count"), "Friends"), self.form.line(&name("reward"), "Reward")];
            let fields = fields.into_iter().map(|field| field.in_row(&title)).collect();
            Row { index, title, fields, more: String::new() }
        };
        (0..count_rows(&self.form.values, REWARDS)).map(row).collect()
    }

    fn more_name(&self, index: &usize) -> String {
        format!("{FIELDS}[{index}].more")
    }

    fn summary(&self) -> Summary {
        let fields: Vec<Field> = self.sections().into_iter().flat_map(|section| section.fields).collect();
        let rows: Vec<Field> = self.questions().into_iter().chain(self.rewards()).flat_map(|row| row.fields).collect();
        self.form.summary(fields.iter().chain(&rows))
    }
}
