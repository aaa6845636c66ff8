//! What the audit log shows of things: their fields without secrets, and of a person on a waitlist nothing.

use serde_json::{Map, Value, json};

use crate::access::ApiKey;
use crate::entry::Entry;
use crate::ledger::Referral;
use crate::mail::MailTemplate;
use crate::session::{Session, SignInLink};
use crate::suppression::Suppression;
use crate::variant::Variant;
use crate::waitlist::Waitlist;
use crate::webhook::Webhook;
use crate::workspace::{Workspace, WorkspaceSettings};

/// The most characters of a text.
const MAX_TEXT: usize = 1000;

/// Cuts a long text, and says how long it was.
pub(crate) fn cut(text: String) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text,
    }
}

/// What the audit log shows of something.
///
/// A field that is added to a type shows only once it is named here: nothing gets into the log by accident.
pub(crate) trait View {
    /// Returns the fields. One that is null is not there.
    fn view(&self) -> Map<String, Value>;
}

fn fields<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect()
}

/// Names the fields of a part after the part.
fn of_part(part: &str, document: Map<String, Value>) -> impl Iterator<Item = (String, Value)> {
    document.into_iter().map(move |(key, value)| (format!("{part}.{key}"), value))
}

impl View for Workspace {
    fn view(&self) -> Map<String, Value> {
        fields([("slug", json!(self.slug.as_str())), ("name", json!(self.name.as_str()))])
    }
}

impl View for WorkspaceSettings {
    fn view(&self) -> Map<String, Value> {
        let text = |text: &Option<String>| json!(text);
        fields([
            ("default_sender_domain_id", json!(self.default_sender_domain_id.map(|id| id.to_string()))),
            ("default_heimdall_app_slug", text(&self.default_heimdall_app_slug)),
            ("brand_name", text(&self.brand.name)),
            ("brand_logo_url", text(&self.brand.logo_url)),
            ("primary_color", text(&self.brand.primary_color)),
            ("notifications", json!(self.notifications.as_str())),
            ("default_sender_address", json!(self.default_sender_address.as_ref().map(ToString::to_string))),
            ("reply_to_address", json!(self.reply_to_address.as_ref().map(ToString::to_string))),
            ("default_locale", json!(self.default_locale.as_str())),
            ("welcome_template_name", text(&self.welcome_template_name)),
            ("approved_template_name", text(&self.approved_template_name)),
            ("rejected_template_name", text(&self.rejected_template_name)),
            ("confirm_template_name", text(&self.confirm_template_name)),
            ("link_template_name", text(&self.link_template_name)),
        ])
    }
}

impl View for ApiKey {
    fn view(&self) -> Map<String, Value> {
        fields([("name", json!(self.name.as_str())), ("scope", json!(self.scope)), ("revoked_at", json!(self.revoked_at))])
    }
}

impl View for Session {
    fn view(&self) -> Map<String, Value> {
        fields([("person", json!(self.person.to_string())), ("scope", json!(self.scope)), ("created_at", json!(self.created_at))])
    }
}

impl View for SignInLink {
    fn view(&self) -> Map<String, Value> {
        fields([("expires_at", json!(self.expires_at()))])
    }
}

impl View for Waitlist {
    fn view(&self) -> Map<String, Value> {
        let mut view = fields([
            ("slug", json!(self.slug.as_str())),
            ("display_name", json!(self.display_name.as_str())),
            ("description", json!(self.description.as_ref().map(ToString::to_string))),
            ("status", json!(self.status.as_str())),
        ]);
        view.extend(of_part("settings", self.settings.to_document()));
        view
    }
}

impl View for Variant {
    fn view(&self) -> Map<String, Value> {
        let mut view = fields([
            ("waitlist_id", json!(self.waitlist_id.to_string())),
            ("kind", json!(self.kind.as_str())),
            ("locale", json!(self.locale.as_str())),
            ("weight", json!(self.weight.number())),
            ("active", json!(self.active)),
        ]);
        view.extend(of_part("copy", self.copy.to_document()));
        view
    }
}

impl View for Webhook {
    fn view(&self) -> Map<String, Value> {
        let failures = Some(self.failure_count).filter(|failures| *failures > 0);
        fields([
            ("url", json!(self.url.as_str())),
            ("events", json!(self.events.to_string().split(',').collect::<Vec<_>>())),
            ("active", json!(self.active)),
            ("failure_count", json!(failures)),
            ("auto_disabled_at", json!(self.auto_disabled_at)),
        ])
    }
}

impl View for MailTemplate {
    fn view(&self) -> Map<String, Value> {
        fields([("subject", json!(self.source.subject)), ("text", json!(self.source.text)), ("html", json!(self.source.html))])
    }
}

impl View for Suppression {
    fn view(&self) -> Map<String, Value> {
        fields([("reason", json!(self.reason.as_str()))])
    }
}

impl View for Entry {
    fn view(&self) -> Map<String, Value> {
        let invitation = self.invitation.as_ref();
        fields([
            ("waitlist_id", json!(self.waitlist_id.to_string())),
            ("status", json!(self.status.as_str())),
            ("invited_at", json!(invitation.map(|invitation| invitation.at))),
            ("invited_to_app_slug", json!(invitation.and_then(|invitation| invitation.app_slug.as_deref()))),
        ])
    }
}

impl View for Referral {
    fn view(&self) -> Map<String, Value> {
        fields([("state", json!(self.state.as_str()))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::tests::{command, facts, waitlist};
    use crate::profile::Profile;
    use crate::text::{Interest, PersonName};

    #[test]
    fn nothing_of_a_person_is_shown() {
        let mut sign_up = command();
        sign_up.profile = Profile {
            name: PersonName::parse("Ada Lovelace").unwrap(),
            interest: Interest::parse_optional("engines").unwrap(),
            ..sign_up.profile
        };
        let entry = sign_up.decide(facts(&waitlist(json!({})))).unwrap().entry;
        let view = Value::Object(entry.view()).to_string();
        for secret in [entry.profile.email.as_str(), "Ada", "engines", entry.referral_code.as_str()] {
            assert!(!view.contains(secret), "{secret} in {view}");
        }
        assert!(view.contains("pending"));
    }

    #[test]
    fn settings_are_fields_of_their_own() {
        let view = waitlist(json!({"max_entries": 7})).view();
        assert_eq!((&view["settings.max_entries"], view.contains_key("updated_at")), (&json!(7), false));
    }

    #[test]
    fn a_cut_text_says_how_long_it_was() {
        assert_eq!(cut("ü".repeat(MAX_TEXT)).chars().count(), MAX_TEXT);
        assert!(cut("ü".repeat(MAX_TEXT + 1)).ends_with("ü… (1001 characters)"));
    }
}
