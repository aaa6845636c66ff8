//! What is to be done about an error, in place of what the API says to programs.

/// Messages of the API that are always the same, and what they mean to a person at a form.
const KNOWN: [(&str, &str); 59] = [
    ("is required", "Fill this in"),
    ("must not be empty", "Fill this in"),
    ("must be a text that is not empty", "Fill this in"),
    ("must be an integer of at least 1, or null", "Enter a whole number from 1 on, or leave the field empty"),
    ("must be an integer of at least 1", "Enter a whole number from 1 on"),
    ("must be 1 to 64 characters of a-z, 0-9 and -", "Use 1 to 64 characters: a-z, 0-9 and hyphens"),
    ("must be 1 to 64 characters of a-z, 0-9 and _", "Use 1 to 64 characters: a-z, 0-9 and _"),
    ("must not start or end with a hyphen or hold two in a row", "Begin and end with a letter or a digit, and put single hyphens between"),
    ("this slug is already used by another waitlist of the workspace", "Enter another slug: another list of the workspace has this one"),
    ("another workspace has this slug", "Enter another slug: another workspace has this one"),
    ("must be an e-mail address", "Enter an e-mail address like name@example.com"),
    ("must be a colour such as #1A2B3C", "Enter a colour such as #1A2B3C"),
    ("must be an absolute https URL", "Enter an address that begins with https://"),
    ("must be an https URL", "Enter an address that begins with https://"),
    ("must be an absolute http or https URL", "Enter a whole address, such as https://example.com/page"),
    ("must be an absolute http or https URL, such as https://example.com/page", "Enter a whole address, such as https://example.com/page"),
    ("can have {email} and {code} in braces, and nothing else", "Put nothing but {email} and {code} in braces"),
    (
        "must be an origin such as https://example.com: a scheme, a host, and no path",
        "Enter the address of a site without a path, such as https://example.com",
    ),
    ("must be a BCP 47 language tag such as en or pt-BR", "Enter a language tag such as en or pt-BR"),
    ("must be an RFC 3339 date-time such as 2026-01-31T09:00:00Z", "Enter a day and a time"),
    ("must be after since", "Enter a time after the one in From"),
    ("must be unique", "Enter another one: this one is there already"),
    ("must be given for a select", "Enter at least one option"),
    ("must be 1 to 200 distinct strings of at most 200 characters", "Enter at most 200 options, each once and with at most 200 characters"),
    ("must have at most 50 fields", "Keep at most 50 questions"),
    ("must have at most 50 milestones", "Keep at most 50 rewards"),
    ("must have at most 50 origins", "Keep at most 50 sites"),
    ("must name one or more events, each once", "Choose at least one event"),
    ("must name an event", "Choose at least one event"),
    ("must name an action", "Choose at least one action"),
    ("must name a host", "Enter a whole address, such as https://example.com/hooks"),
    ("must not name port 0", "Enter an address with another port"),
    ("must lead to a public address", "Enter an address that the internet reaches"),
    (
        "must lead to a public address, and this local name does not resolve",
        "Enter an address that the internet reaches: this one is local, and leads nowhere",
    ),
    ("must not contain a user name or password", "Enter an address without a user name and a password"),
    ("must not contain a fragment", "Enter an address without # and what follows it"),
    ("must not contain white space or control characters", "Enter an address without spaces"),
    ("must not contain control characters or bidirectional overrides", "Take out characters that cannot be seen"),
    (
        "cannot be on: this workspace sends no mail that asks for a confirmation (see the workspace's notifications)",
        "Set up mail in the workspace first: the link to confirm is sent by mail",
    ),
    ("cannot be on: no Envoi is configured on this server", "Choose another way: this server has no Envoi"),
    (
        "cannot be smtp: no mail server is configured on this server (RALLY_SMTP_URL)",
        "Choose another way, or set RALLY_SMTP_URL on the server: it has no mail server",
    ),
    (
        "cannot be smtp: RALLY_PUBLIC_URL leads to this machine alone, and so would every link in the mail",
        "Set RALLY_PUBLIC_URL on the server first: it leads to this machine alone, and so would every link in the mail",
    ),
    ("is required while notifications is envoi", "Fill this in, or choose another way: Envoi needs it"),
    ("is not a domain of this workspace in Envoi", "Choose a domain that this workspace has in Envoi"),
    ("is not active in Envoi", "Activate the domain in Envoi, or choose another one"),
    ("is for receiving alone in Envoi", "Choose a domain that may send: in Envoi this one only receives"),
    ("is not a template of this workspace in Envoi", "Enter the name of a template that this workspace has in Envoi"),
    ("is not a cursor of these results", "Go to the first page: this address is of another question, or of an earlier one"),
    ("choose a file that is not empty", "Choose a file that is not empty"),
    ("the file is empty", "Choose a file that is not empty"),
    ("the file is a JSON array; write one object a line", "Write one object a line: the file is a JSON array"),
    ("the first line has an e-mail address; it must name the columns", "Name the columns in the first line: it has an e-mail address"),
    (
        "no column holds e-mail addresses; say which one does: COLUMN = email under Columns, or map.COLUMN=email in a request",
        "Say which column has the e-mail addresses: write its name = email under Columns",
    ),
    (
        "the export was cut off: its last line is missing, or does not fit",
        "Export the list again: the end of this file is missing, or does not fit",
    ),
    ("must be column = field", "Write column = field"),
    ("must be mapped once", "Write this column once"),
    ("must be true or false", "Choose yes or no"),
    ("must be ab or locale", "Choose ab or locale"),
    ("must be off, on or auto", "Choose off, on or auto"),
];

/// Messages with numbers or names in them: what they begin with, and what stands there instead.
const BEGINNINGS: [(&str, &str); 9] = [
    ("must be an integer from ", "Enter a whole number from "),
    ("must be at most ", "Use at most "),
    ("must have at most ", "Keep at most "),
    ("must be an address at ", "Enter an address at "),
    ("must be one of ", "Choose one of "),
    ("must be of ", "Choose of "),
    ("must be 1 to ", "Enter 1 to "),
    ("the file has no column ", "Name a column that the file has. It has no "),
    ("the header cannot be read: ", "Correct the first line of the file: "),
];

/// Returns what is to be done about an error. A message that is not known stays as it is, but for its capital.
pub(crate) fn advice(message: &str) -> String {
    known(message).unwrap_or_else(|| capital(message))
}

fn known(message: &str) -> Option<String> {
    if let Some((_, advice)) = KNOWN.iter().find(|(known, _)| *known == message) {
        return Some((*advice).to_owned());
    }
    let of = |what: &str| message.strip_prefix(what)?.split_once(", which ");
    if let Some((number, error)) = of("has a bad item ") {
        return Some(format!("Line {number}: {}", advice(error)));
    }
    if let Some((column, error)) = of("has a bad column ") {
        return Some(format!("{column}: {}", advice(error)));
    }
    if let Some(field) = message.strip_prefix("must not be ").and_then(|rest| rest.strip_suffix(" too, which another column is")) {
        return Some(format!("Choose another field: another column is {field}"));
    }
    BEGINNINGS.iter().find_map(|(begin, advice)| Some(format!("{advice}{}", message.strip_prefix(begin)?)))
}

/// Begins a text with a capital, unless it begins with an address or a name of a program.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    if !text.chars().take_while(|c| *c != ' ').all(|c| c.is_alphabetic() || c == '\'') {
        return text.to_owned();
    }
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rally_domain::email::Email;
    use rally_domain::error::Invalid;
    use rally_domain::locale::Locale;
    use rally_domain::mail::{MailKind, TemplateSource};
    use rally_domain::settings::Settings;
    use rally_domain::slug::Slug;
    use rally_domain::text::{DecisionReason, Description, DisplayName, KeyName, WorkspaceName};
    use rally_domain::variant::{VariantCopy, VariantKind, Weight};
    use rally_domain::webhook::{Subscription, WebhookUrl};
    use rally_domain::workspace::{Notifications, parse_color};
    use serde_json::json;

    use super::*;
    use crate::settings::patch_of_settings;

    #[test]
    fn an_address_keeps_its_letters() {
        assert_eq!(advice("this cannot be"), "This cannot be");
        assert_eq!(advice("eve@other.example may not sign in here."), "eve@other.example may not sign in here.");
    }

    #[test]
    fn an_error_says_what_to_do() {
        let patch = json!({"max_entries": "many", "referral_fraud_threshold": 0, "allowed_origins": ["https://a.example", "x"]});
        let errors = Settings::default().merge(patch.as_object().unwrap()).unwrap_err();
        let told: Vec<String> = errors.iter().map(|error| advice(&error.message.to_string())).collect();
        for expected in [
            "Enter a whole number from 1 on, or leave the field empty",
            "Enter a whole number from 1 to 100",
            "Line 2: Enter the address of a site without a path, such as https://example.com",
        ] {
            assert!(told.iter().any(|told| told == expected), "{expected} is not in {told:?}");
        }
        assert_eq!(advice(&Slug::parse("Not a slug").unwrap_err().to_string()), "Use 1 to 64 characters: a-z, 0-9 and hyphens");
        assert_eq!(advice("must be at most 80 characters"), "Use at most 80 characters");
        assert_eq!(advice("Line 3: end the loop with endfor"), "Line 3: end the loop with endfor");
        assert_eq!(advice("has a bad column Age, which must be one of email, name"), "Age: Choose one of email, name");
        assert_eq!(advice("must not be email too, which another column is"), "Choose another field: another column is email");
        assert_eq!(advice("élan is missing"), "Élan is missing");
    }

    /// What somebody may type who makes every mistake.
    fn mistakes() -> Vec<String> {
        let texts = [
            "",
            "x",
            "X",
            "-a",
            "a--b",
            "{name}",
            "0",
            "-1",
            "1.5",
            "99999999999999999999",
            "\u{202E}",
            "x\nx",
            "a@",
            "https://",
            "ftp://example.com",
            "http://example.com",
            "https://a b",
            "https://u:p@example.com",
            "https://example.com/#x",
            "https://example.com:0/",
            "https://example.com/{name}",
            "https://example.com/x",
        ];
        let lines = ["x", "https://example.com"].map(|line| [line, "\n"].concat().repeat(300));
        let long = [80, 300, 70_000].map(|length| "x".repeat(length));
        let url = format!("https://example.com/{}", "x".repeat(5000));
        texts.map(str::to_owned).into_iter().chain(lines).chain(long).chain([url]).collect()
    }

    /// Returns what the settings of a list say about a form.
    fn said_of_settings(form: &[(String, String)]) -> Vec<String> {
        let errors = Settings::default().merge(&patch_of_settings(form)).err().unwrap_or_default();
        errors.iter().map(|error| error.message.to_string()).collect()
    }

    /// Everything that the domain says about a field of a form.
    fn said() -> BTreeSet<String> {
        let mut said = BTreeSet::new();
        let keys: Vec<String> = Settings::default().to_document().into_iter().map(|(key, _)| key).collect();
        let rows = ["key", "label", "type", "options", "help_text"].map(|key| format!("custom_fields[0].{key}"));
        let rewards = ["count", "reward"].map(|key| format!("referral_rewards.milestones[0].{key}"));
        let pair = |name: &str, value: &str| (format!("settings.{name}"), value.to_owned());
        for text in mistakes() {
            for name in keys.iter().chain(&rows).chain(&rewards) {
                let select = pair("custom_fields[0].type", "select");
                let form = [pair(name, &text), select, pair("custom_fields[1].key", "a"), pair("custom_fields[2].key", "a")];
                said.extend(said_of_settings(&form));
            }
            let answers: [Result<(), Invalid>; 12] = [
                Slug::parse(&text).map(drop),
                WorkspaceName::parse(&text).map(drop),
                DisplayName::parse(&text).map(drop),
                Description::parse_optional(&text).map(drop),
                KeyName::parse(&text).map(drop),
                DecisionReason::parse(&text).map(drop),
                WebhookUrl::parse(&text).map(drop),
                Locale::parse(&text).map(drop),
                Email::parse(&text).map(drop),
                parse_color(&text).map(drop),
                Weight::new(text.parse().unwrap_or(u64::MAX)).map(drop),
                Subscription::parse(&text.lines().map(str::to_owned).collect::<Vec<_>>()).map(drop),
            ];
            let choices = [VariantKind::parse(&text).map(drop), Notifications::parse(&text).map(drop), MailKind::parse(&text).map(drop)];
            said.extend(answers.into_iter().chain(choices).filter_map(|answer| Some(answer.err()?.to_string())));
            let copy = ["display_name", "description", "confirmation_message"].map(|key| (key.to_owned(), json!(text)));
            let copy = VariantCopy::parse(copy.into_iter().collect()).err().unwrap_or_default();
            let source = TemplateSource { subject: text.clone(), text: text.clone(), html: Some(text) };
            let parts = source.check_sizes().err().unwrap_or_default();
            said.extend(copy.into_iter().chain(parts).map(|error| error.message.to_string()));
        }
        let many = |name: &str, key: &str| (0..60).map(|index| pair(&format!("{name}[{index}].{key}"), "a")).collect::<Vec<_>>();
        said.extend(said_of_settings(&many("custom_fields", "key")));
        said.extend(said_of_settings(&many("referral_rewards.milestones", "count")));
        said
    }

    #[test]
    fn whatever_the_domain_says_about_a_form_is_known() {
        let said = said();
        assert!(said.len() > 30, "{said:?}");
        let unknown: Vec<&String> = said.iter().filter(|message| known(message).is_none()).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        for told in said.iter().map(|message| advice(message)) {
            assert!(told.starts_with(char::is_uppercase) && !told.contains("must"), "{told}");
        }
    }
}
