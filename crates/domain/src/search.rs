//! Searching the entries of a list: the query, the terms by which entries are found, and the orders.
//!
//! A store keeps the [terms](terms_of) of an entry and finds entries by them. A query is made of the same terms, so a term is the one place
//! where letters are folded and values are compared.

use icu_normalizer::ComposingNormalizerBorrowed;
use sha2::{Digest, Sha256};

use crate::custom_field::{CustomField, FieldType, is_key};
use crate::email::Email;
use crate::entry::{Entry, EntryStatus};
use crate::error::Invalid;
use crate::id::{EntryId, VariantId};
use crate::referral::{Position, ReferralBoost};
use crate::text::Referrer;
use crate::timestamp::Timestamp;

/// The most words of a name from which on a search finds it.
const MAX_WORDS: usize = 20;

/// The most bytes of a value that a term holds as it is. A longer one is hashed.
const MAX_VALUE: usize = 200;

/// The most matches of a filter that a store counts to choose its way: [`looked_through`] tells no larger numbers apart.
pub const COUNTED: u64 = 10_001;

/// Returns how many of the next entries by position a store looks through, in turn, before it reads and sorts all that an index finds.
/// Among many matches a page is near: to sort a million of them for each page takes a second.
pub const fn looked_through(matches: u64) -> &'static [u64] {
    match matches {
        0..=1000 => &[],
        1001..COUNTED => &[500],
        COUNTED.. => &[500, 5000, 100_000],
    }
}

/// Which entries are asked for, and in which order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EntryQuery {
    /// Only entries with this status.
    pub status: Option<EntryStatus>,
    /// Only entries whose person has confirmed the address, or has not.
    pub confirmed: Option<bool>,
    /// Only entries that were invited, or were not.
    pub invited: Option<bool>,
    /// Only entries that this entry referred.
    pub referred_by: Option<EntryId>,
    /// Only entries that signed up at this instant or later.
    pub created_since: Option<Timestamp>,
    /// Only entries that signed up before this instant.
    pub created_until: Option<Timestamp>,
    /// Only entries that each of these finds.
    pub terms: Vec<TermFilter>,
    /// The order.
    pub sort: EntrySort,
    /// What a referral is worth in the order by effective position.
    pub boost: ReferralBoost,
}

/// Finds entries by their terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TermFilter {
    /// Entries with this term.
    Is(String),
    /// Entries with a term that begins like this.
    StartsWith(String),
}

impl TermFilter {
    /// The most characters of a text that is searched for.
    pub const MAX_TEXT: usize = 254;

    /// Finds the start of an address or of any word of a name, or with an `@` in front the whole domain of an address. A blank text is no
    /// filter.
    ///
    /// # Errors
    /// If the text is too long.
    pub fn text(text: &str) -> Result<Option<Self>, Invalid> {
        if text.chars().count() > Self::MAX_TEXT {
            return Err(Invalid::new(format!("must be at most {} characters", Self::MAX_TEXT)));
        }
        let words = words_of(text);
        Ok(match words.strip_prefix('@') {
            _ if words.is_empty() => None,
            Some(domain) => Some(Self::Is(domain_term(&Email::domain_in_ascii(domain).unwrap_or_else(|| domain.to_owned())))),
            None => Some(Self::StartsWith(word_term(&address_in_ascii(&words).unwrap_or(words)))),
        })
    }

    /// Finds entries that saw a variant.
    pub fn variant(id: VariantId) -> Self {
        Self::Is(variant_term(id))
    }

    /// Finds entries of a source.
    pub fn referrer(referrer: &str) -> Self {
        Self::Is(referrer_term(referrer))
    }

    /// Finds entries with an answer to a custom field: the whole text, a number in any form, `true` or `false`, or one of several options.
    pub fn field(field: &CustomField, value: &str) -> Self {
        let number = || value.trim().parse::<f64>().ok().filter(|number| number.is_finite()).map(number_text);
        match field.kind {
            FieldType::Number => Self::Is(field_term(&field.key, &number().unwrap_or_else(|| value.to_owned()))),
            _ => Self::Is(field_term(&field.key, value)),
        }
    }

    /// Whether an entry with some terms is found.
    pub fn finds(&self, terms: &[String]) -> bool {
        terms.iter().any(|term| match self {
            Self::Is(wanted) => term == wanted,
            Self::StartsWith(start) => term.starts_with(start.as_str()),
        })
    }

    /// Returns the first text that comes after all terms with a start, in the order of their bytes.
    pub fn end_of(start: &str) -> String {
        let mut end = start.to_owned();
        while let Some(last) = end.pop() {
            // UTF-8 orders texts by their code points.
            if let Some(next) = (last..=char::MAX).nth(1) {
                end.push(next);
                break;
            }
        }
        end
    }
}

/// The most terms of the answers of an entry. Each costs a store a row, and anybody may send an array with thousands of values.
const MAX_ANSWERS: usize = 256;

/// Returns the terms by which an entry is found.
pub fn terms_of(entry: &Entry) -> Vec<String> {
    let profile = &entry.profile;
    let mut terms = vec![word_term(&words_of(profile.email.as_str())), domain_term(profile.email.domain())];
    let name = words_of(profile.name.as_str());
    let starts = std::iter::once(0).chain(name.match_indices(' ').map(|(index, _)| index + 1));
    terms.extend(starts.take(MAX_WORDS).map(|start| word_term(&name[start..])));
    terms.extend(profile.referrer.as_ref().map(|referrer: &Referrer| referrer_term(referrer.as_str())));
    terms.extend(entry.variant_id.map(variant_term));
    // Other keys cannot be declared.
    let answers = profile.metadata.document().iter().filter(|(key, _)| is_key(key)).flat_map(|(key, value)| {
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        values.iter().filter_map(value_text).map(move |text| field_term(key, &text))
    });
    terms.extend(answers.take(MAX_ANSWERS));
    terms.sort_unstable();
    terms.dedup();
    terms
}

/// Folds letters, and leaves one space between words. A letter with an accent is the same in any encoding, and a sigma at the end of a word
/// the same as within one: who types a name is at the end of a word that goes on.
fn words_of(text: &str) -> String {
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(text);
    // No address and no name has a NUL, and no store takes one.
    let folded = composed.replace('\u{0}', "\u{1}").to_lowercase().replace('ς', "σ");
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns an address as it is stored. `None` if its domain is not complete.
fn address_in_ascii(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    Some(format!("{local}@{}", Email::domain_in_ascii(domain)?))
}

fn word_term(words: &str) -> String {
    format!("w{words}")
}

fn domain_term(domain: &str) -> String {
    format!("d{domain}")
}

fn referrer_term(referrer: &str) -> String {
    format!("r{}", short(referrer))
}

fn variant_term(id: VariantId) -> String {
    format!("v{id}")
}

fn field_term(key: &str, value: &str) -> String {
    format!("f{key}={}", short(value))
}

/// Returns a value as a term holds it.
fn short(value: &str) -> String {
    if value.len() <= MAX_VALUE && !value.contains('\u{0}') {
        return value.to_owned();
    }
    let hash = Sha256::digest(value.as_bytes());
    hash.iter().take(16).fold("\u{1}".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

fn value_text(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Bool(answer) => Some(answer.to_string()),
        serde_json::Value::Number(number) => number.as_f64().map(number_text),
        _ => None,
    }
}

fn number_text(number: f64) -> String {
    // Zero has one text.
    (number + 0.0).to_string()
}

/// The order of entries. Entries that are equal in it go by their positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EntrySort {
    /// By position.
    #[default]
    Position,
    /// By position, the last one first.
    LastPosition,
    /// The newest first.
    Newest,
    /// Those with the most referrals first.
    MostReferrals,
    /// By effective position.
    EffectivePosition,
}

impl EntrySort {
    /// All orders.
    pub const ALL: [Self; 5] = [Self::Position, Self::LastPosition, Self::Newest, Self::MostReferrals, Self::EffectivePosition];

    /// Returns the name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Position => "position",
            Self::LastPosition => "-position",
            Self::Newest => "-created_at",
            Self::MostReferrals => "-referral_count",
            Self::EffectivePosition => "effective_position",
        }
    }

    /// Reads the name on the wire.
    ///
    /// # Errors
    /// If there is no such order.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|sort| sort.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be one of position, -position, -created_at, -referral_count, effective_position"))
    }

    /// Returns what an entry goes by first, in ascending order.
    pub fn value(self, position: Position, created_at: Timestamp, referral_count: u64, boost: ReferralBoost) -> i64 {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        match self {
            Self::Position => 0,
            Self::LastPosition => -signed(position.number()),
            Self::Newest => -created_at.unix_millis(),
            Self::MostReferrals => -signed(referral_count),
            Self::EffectivePosition => signed(position.effective(referral_count, boost).number()),
        }
    }
}

/// The row of a search after which the next page starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryKey {
    /// What the order goes by first.
    pub value: i64,
    /// The position.
    pub position: Position,
}

impl EntryQuery {
    /// Returns the key of an entry. Rows are in the order of their keys.
    pub fn key(&self, entry: &Entry) -> EntryKey {
        EntryKey { value: self.sort.value(entry.position, entry.created_at, entry.referral_count, self.boost), position: entry.position }
    }

    /// Whether an entry with some terms is asked for.
    pub fn finds(&self, entry: &Entry, terms: &[String]) -> bool {
        self.status.is_none_or(|status| entry.status == status)
            && self.confirmed.is_none_or(|confirmed| entry.confirmed_at.is_some() == confirmed)
            && self.invited.is_none_or(|invited| entry.invitation.is_some() == invited)
            && self.referred_by.is_none_or(|id| entry.referred_by == Some(id))
            && self.created_since.is_none_or(|since| entry.created_at >= since)
            && self.created_until.is_none_or(|until| entry.created_at < until)
            && self.terms.iter().all(|filter| filter.finds(terms))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::custom_field::Metadata;
    use crate::id::{WaitlistId, WorkspaceId};
    use crate::profile::Profile;
    use crate::referral::ReferralCode;
    use crate::text::PersonName;

    fn entry(email: &str, name: &str, metadata: serde_json::Value) -> Entry {
        let id = uuid::Uuid::from_u128;
        let serde_json::Value::Object(metadata) = metadata else { unreachable!("an object") };
        let now = Timestamp::parse("2026-01-31T09:00:00Z").unwrap();
        let profile = Profile::new(Email::parse(email).unwrap(), PersonName::parse(name).unwrap());
        Entry {
            id: EntryId::new(id(1)),
            waitlist_id: WaitlistId::new(id(2)),
            workspace_id: WorkspaceId::new(id(3)),
            profile: Profile {
                metadata: Metadata::parse(metadata).unwrap(),
                referrer: Some(Referrer::parse("Hacker News").unwrap()),
                ..profile
            },
            referral_code: ReferralCode::from_stored("ABCD2345".to_owned()),
            referral_count: 2,
            referred_by: None,
            position: Position::new(7),
            status: EntryStatus::Pending,
            variant_id: None,
            link_generation: 0,
            confirmed_at: None,
            invitation: None,
            created_at: now,
            updated_at: now,
        }
    }

    fn finds(entry: &Entry, text: &str) -> bool {
        TermFilter::text(text).unwrap().unwrap().finds(&terms_of(entry))
    }

    #[test]
    fn the_more_is_found_the_more_is_looked_through_first() {
        let looked = [0, 1000, 1001, 10_000, 10_001, 1_000_000].map(looked_through);
        assert_eq!(looked, [&[][..], &[], &[500], &[500], &[500, 5000, 100_000], &[500, 5000, 100_000]]);
        assert_eq!(looked_through(COUNTED), looked_through(u64::MAX), "a store counts no further");
    }

    #[test]
    fn a_text_finds_starts_of_the_address_and_of_words_of_the_name() {
        let ada = entry("ada.byron@bücher.example", "Ada  Lovelace Ångström", json!({}));
        for text in [
            "a",
            "ADA.B",
            "ada.byron@xn--bcher-kva.example",
            "ada.byron@Bücher.example",
            "love",
            "LOVELACE å",
            " lovelace   ångström ",
            "@bücher.example",
            "@BÜCHER.example",
        ] {
            assert!(finds(&ada, text), "{text}");
        }
        for text in ["byron", "ovelace", "ada ångström", "angström", "@example", "@bücher", "%", "_da", "ada%", "@"] {
            assert!(!finds(&ada, text), "{text}");
        }
        assert_eq!(TermFilter::text("  ").unwrap(), None);
        assert!(TermFilter::text(&"x".repeat(254)).is_ok() && TermFilter::text(&"x".repeat(255)).is_err());
    }

    #[test]
    fn letters_are_the_same_in_any_case_and_encoding() {
        let sisyphus = entry("s@example.com", "ΣΊΣΥΦΟΣ Αση", json!({}));
        for text in ["ΣΊΣ", "σίσ", "σίς", "Σίσυφος", "σίσυφοσ", "ΑΣ", "ας", "αση"] {
            assert!(finds(&sisyphus, text), "{text}");
        }
        let emile = entry("e@example.com", "e\u{301}mile", json!({}));
        assert!(finds(&emile, "\u{e9}m") && finds(&emile, "E\u{301}MI") && !finds(&emile, "em"));
    }

    #[test]
    fn an_answer_is_found_by_its_whole_value() {
        let long = "x".repeat(900);
        let ada = entry(
            "ada@example.com",
            "Ada",
            json!({"company": "Acme", "size": 5.0, "tools": ["Mail", "Chat"], "beta": true, "about": long}),
        );
        let field = |key: &str, kind: FieldType| CustomField {
            key: key.to_owned(),
            label: None,
            kind,
            required: false,
            options: Vec::new(),
            extra: serde_json::Map::new(),
        };
        let finds = |key: &str, kind, value: &str| TermFilter::field(&field(key, kind), value).finds(&terms_of(&ada));
        assert!(finds("company", FieldType::Text, "Acme") && !finds("company", FieldType::Text, "Acm"));
        assert!(
            finds("size", FieldType::Number, "5") && finds("size", FieldType::Number, "5.00") && !finds("size", FieldType::Number, "50")
        );
        assert!(finds("tools", FieldType::Multiselect, "Chat") && !finds("tools", FieldType::Multiselect, "Calls"));
        assert!(finds("beta", FieldType::Boolean, "true") && !finds("beta", FieldType::Boolean, "false"));
        assert!(finds("about", FieldType::Textarea, &long) && !finds("about", FieldType::Textarea, &long[1..]));
        let terms = terms_of(&ada);
        assert!(TermFilter::referrer("Hacker News").finds(&terms) && !TermFilter::referrer("hacker news").finds(&terms));
        assert!(terms.iter().all(|term| term.len() < 1100 && !term.contains('\u{0}')));
    }

    #[test]
    fn an_entry_has_so_many_terms_whatever_is_sent() {
        let values: Vec<u32> = (1000..4250).collect();
        let terms = terms_of(&entry("ada@example.com", "Ada", json!({"a": values, "b": "last"})));
        assert!((MAX_ANSWERS..MAX_ANSWERS + 10).contains(&terms.len()), "{}", terms.len());
        let tools: Vec<String> = (0..200).map(|n| format!("tool {n}")).collect();
        assert!(terms_of(&entry("ada@example.com", "Ada", json!({"tools": tools}))).contains(&field_term("tools", "tool 199")));
    }

    #[test]
    fn a_range_has_what_is_found_and_nothing_else() {
        let (start, end) = ("wada", TermFilter::end_of("wada"));
        for term in ["wada", "wada@example.com", "wadam", "wad", "wb", "wad\u{10ffff}", "wada\u{10ffff}b", "wadb"] {
            let is_inside = start <= term && term < end.as_str();
            assert_eq!(is_inside, TermFilter::StartsWith(start.to_owned()).finds(&[term.to_owned()]), "{term}");
        }
    }

    #[test]
    fn the_end_of_a_start_is_the_next_text_of_its_length_or_a_shorter_one() {
        for (start, end) in [("wab", "wac"), ("wa\u{d7ff}", "wa\u{e000}"), ("wa\u{10ffff}", "wb"), ("w", "x")] {
            assert_eq!(TermFilter::end_of(start), end);
        }
    }

    #[test]
    fn keys_are_in_the_order_of_their_rows() {
        let entry = entry("ada@example.com", "Ada", json!({}));
        let boost = ReferralBoost::new(3).unwrap();
        let values = EntrySort::ALL.map(|sort| EntryQuery { sort, boost, ..EntryQuery::default() }.key(&entry).value);
        assert_eq!(values, [0, -7, -entry.created_at.unix_millis(), -2, 1]);
        for sort in EntrySort::ALL {
            assert_eq!(EntrySort::parse(sort.as_str()).unwrap(), sort);
        }
        assert!(EntrySort::parse("name").is_err());
    }
}
