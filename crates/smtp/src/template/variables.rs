//! The variables of each kind of mail. What is checked, shown as an example and documented comes from this list alone.

use rally_domain::mail::MailKind;
use serde_json::{Map, Value, json};

/// A variable that a template may use.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// The name, such as `entry.email`.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// What it is, for people.
    pub note: &'static str,
    kinds: Kinds,
    example: Example,
}

/// What a variable holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// A text with at most this many bytes.
    Text(u32),
    /// A whole number of 64 bits.
    Number,
}

#[derive(Debug, Clone, Copy)]
enum Kinds {
    All,
    AllBut(MailKind),
    Only(MailKind),
}

#[derive(Debug, Clone, Copy)]
enum Example {
    Text(&'static str),
    Number(u64),
}

/// The most bytes of an address that Rally makes or that an operator sets.
const URL: u32 = 2_304;
/// The most bytes of a name of 200 characters.
const NAME: u32 = 800;
/// The most bytes of an invitation's address: a pattern of 2,048 bytes with an e-mail address in it, URL-encoded.
const INVITE_URL: u32 = 6_144;

const fn text(name: &'static str, most: u32, kinds: Kinds, example: &'static str, note: &'static str) -> Variable {
    Variable { name, holds: Holds::Text(most), note, kinds, example: Example::Text(example) }
}

const fn number(name: &'static str, kinds: Kinds, example: u64, note: &'static str) -> Variable {
    Variable { name, holds: Holds::Number, note, kinds, example: Example::Number(example) }
}

const ENTRY: Kinds = Kinds::AllBut(MailKind::Confirm);
const CONFIRM: Kinds = Kinds::Only(MailKind::Confirm);

const VARIABLES: &[Variable] = &[
    text("entry.email", 1_016, Kinds::All, "maria@example.com", "the address of the person"),
    text("entry.name", NAME, Kinds::All, "Maria Rossi", "the name as the person typed it"),
    text("entry.locale", 64, Kinds::All, "en", "the language of the person, a BCP 47 tag"),
    text("entry.id", 36, ENTRY, "0198c0de-7e57-7000-8000-000000000001", "the id of the entry"),
    number("entry.position", ENTRY, 1_234, "the place by order of sign-up"),
    number("entry.effective_position", ENTRY, 1_229, "the place after friends have joined"),
    text("entry.referral_code", 64, ENTRY, "K7QX9M2P", "the code of the person's link"),
    text("entry.referral_url", URL, ENTRY, "https://rally.example.com/w/acme/early-access?ref=K7QX9M2P", "the link to share"),
    text("entry.status", 16, ENTRY, "pending", "`pending`, `approved` or `rejected`"),
    text("entry.status_url", URL, ENTRY, "https://rally.example.com/me/3wVbYxqk8nD2mT5rJ7sLpA", "the person's own page"),
    text(
        "entry.unsubscribe_url",
        URL,
        ENTRY,
        "https://rally.example.com/unsubscribe/9fHcR4tZ6gN1vB8yQ2wEdS",
        "the page that ends the mail",
    ),
    text("waitlist.slug", 64, Kinds::All, "early-access", "the slug of the waitlist"),
    text("waitlist.display_name", NAME, Kinds::All, "Early access", "the name of the waitlist"),
    number("waitlist.referral_boost", ENTRY, 5, "the most places by which a friend moves a person up; 0 if friends move nobody"),
    number("waitlist.rewards", ENTRY, 2, "the number of rewards; 0 if there are none"),
    text("brand.name", NAME, Kinds::All, "Acme", "the name of the operator; may be empty"),
    text("brand.logo_url", 2_048, Kinds::All, "https://example.com/logo.png", "the address of the logo; may be empty"),
    text("brand.primary_color", 7, Kinds::All, "#2457D6", "the colour, `#RRGGBB`; may be empty"),
    text(
        "invite_url",
        INVITE_URL,
        Kinds::Only(MailKind::Invited),
        "https://app.example.com/join?code=8Jd2kQ",
        "the link into the app; may be empty",
    ),
    text("confirm_url", URL, CONFIRM, "https://rally.example.com/confirm/5mKtW8xGqR3nB6vYc1zLhP", "the page that confirms the sign-up"),
    text("refuse_url", URL, CONFIRM, "https://rally.example.com/confirm/5mKtW8xGqR3nB6vYc1zLhP/refuse", "the page that refuses it"),
    text("expires_at", 32, CONFIRM, "2026-03-12T14:05:00.000Z", "when the links end, RFC 3339; the filter `date` is for people"),
];

impl Variable {
    /// Whether mails of a kind have the variable.
    pub fn is_in(&self, kind: MailKind) -> bool {
        match self.kinds {
            Kinds::All => true,
            Kinds::AllBut(other) => kind != other,
            Kinds::Only(only) => kind == only,
        }
    }

    /// Whether the variable is empty in some mails of its kinds.
    fn may_be_empty(&self) -> bool {
        self.name.starts_with("brand.") || self.name == "invite_url"
    }
}

/// Returns the variables of a kind.
pub fn variables(kind: MailKind) -> impl Iterator<Item = &'static Variable> {
    VARIABLES.iter().filter(move |variable| variable.is_in(kind))
}

/// Returns the variables of a kind, or of all kinds.
pub fn variables_of(kind: Option<MailKind>) -> impl Iterator<Item = &'static Variable> {
    VARIABLES.iter().filter(move |variable| kind.is_none_or(|kind| variable.is_in(kind)))
}

/// Returns the kinds that have a variable.
pub fn kinds_with(name: &str) -> Vec<MailKind> {
    let of = |kind: &MailKind| variables(*kind).any(|variable| variable.name == name);
    MailKind::ALL.into_iter().filter(of).collect()
}

/// Data that a template is tried with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// What a usual mail has.
    Usual,
    /// Everything is null that may be.
    Nulls,
    /// Every text is as long as it can be, and every character of it is escaped in HTML.
    Largest,
}

/// Returns data of a kind.
pub fn sample(kind: MailKind, sample: Sample) -> Value {
    let mut data = Map::new();
    for variable in variables(kind) {
        let value = match (sample, variable.example, variable.holds) {
            (Sample::Nulls, ..) if variable.may_be_empty() => Value::Null,
            (Sample::Largest, _, Holds::Text(most)) => json!("\"".repeat(most as usize)),
            (Sample::Largest, _, Holds::Number) => json!(i64::MAX),
            (_, Example::Text(text), _) => json!(text),
            (_, Example::Number(number), _) => json!(number),
        };
        match variable.name.split_once('.') {
            None => _ = data.insert(variable.name.to_owned(), value),
            Some((group, name)) => {
                let group = data.entry(group).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(group) = group {
                    group.insert(name.to_owned(), value);
                }
            }
        }
    }
    Value::Object(data)
}
