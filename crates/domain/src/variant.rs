//! Variants of a waitlist's texts, by locale or drawn by weight for an A/B test, and the choice of one for a reader.

use serde_json::{Map, Value};

use crate::document;
use crate::error::{FieldError, Invalid};
use crate::id::{VariantId, WaitlistId};
use crate::locale::{Locale, lookup};
use crate::text::{ConfirmationMessage, Description, DisplayName};
use crate::timestamp::Timestamp;

/// The kind of a variant. It never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VariantKind {
    /// A variant for the readers of its locale.
    Locale,
    /// A variant in the A/B pool. Rally draws one of the pool by weight.
    Ab,
}

impl VariantKind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::Ab, Self::Locale];

    /// Returns the name on the wire and in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Locale => "locale",
            Self::Ab => "ab",
        }
    }

    /// Reads the name on the wire.
    ///
    /// # Errors
    /// If there is no such kind.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| Invalid::new("must be ab or locale"))
    }
}

/// The share of a variant in the A/B pool, relative to the others: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight(u8);

impl Weight {
    /// The largest weight.
    pub const MAX: u8 = 100;

    /// Takes a weight.
    ///
    /// # Errors
    /// If the weight is not 1 to 100.
    pub fn new(weight: u64) -> Result<Self, Invalid> {
        u8::try_from(weight)
            .ok()
            .filter(|weight| (1..=Self::MAX).contains(weight))
            .map(Self)
            .ok_or_else(|| Invalid::new(format!("must be an integer from 1 to {}", Self::MAX)))
    }

    /// Returns the number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl Default for Weight {
    fn default() -> Self {
        Self(1)
    }
}

/// The texts that a variant shows in place of the waitlist's own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VariantCopy {
    /// The text in place of the waitlist's name.
    pub display_name: Option<DisplayName>,
    /// The text in place of the waitlist's description.
    pub description: Option<Description>,
    /// The text in place of the waitlist's confirmation message.
    pub confirmation_message: Option<ConfirmationMessage>,
    /// Keys that Rally does not know. It keeps them and never shows them to visitors.
    pub extra: Map<String, Value>,
}

/// The most characters of the texts.
const COPY_DISPLAY_NAME: usize = 200;
const COPY_DESCRIPTION: usize = 1000;
const COPY_CONFIRMATION: usize = 500;
/// The most bytes of the unknown keys as JSON.
const COPY_BYTES: usize = 16 * 1024;

impl VariantCopy {
    /// Reads a document of texts. An empty or null text replaces nothing.
    ///
    /// # Errors
    /// Every value that is not a string, is too long or has a forbidden character, by its path under `copy`.
    pub fn parse(mut copy: Map<String, Value>) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut text = |key: &str, max: usize| {
            let field = || format!("copy.{key}");
            match copy.remove(key) {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) if text.trim().chars().count() > max => {
                    errors.push(FieldError::new(field(), Invalid::new(format!("must be at most {max} characters"))));
                    None
                }
                Some(Value::String(text)) => Some(text),
                Some(_) => {
                    errors.push(FieldError::new(field(), Invalid::new("must be a string")));
                    None
                }
            }
        };
        let display_name = text("display_name", COPY_DISPLAY_NAME);
        let description = text("description", COPY_DESCRIPTION);
        let confirmation = text("confirmation_message", COPY_CONFIRMATION);
        let mut keep = |key: &str, error: Invalid| errors.push(FieldError::new(format!("copy.{key}"), error));
        let display_name = parse_with(display_name, DisplayName::parse_optional, |e| keep("display_name", e));
        let description = parse_with(description, Description::parse_optional, |e| keep("description", e));
        let confirmation_message = parse_with(confirmation, ConfirmationMessage::parse_optional, |e| keep("confirmation_message", e));
        let extra = document::parse(copy).map_err(|error| errors.push(FieldError::new("copy", error))).unwrap_or_default();
        let copy = Self { display_name, description, confirmation_message, extra };
        if Value::Object(copy.extra.clone()).to_string().len() > COPY_BYTES {
            errors.push(FieldError::new("copy", Invalid::new(format!("must be at most {COPY_BYTES} bytes"))));
        }
        if errors.is_empty() { Ok(copy) } else { Err(errors) }
    }

    /// Returns the texts as a JSON document, without the empty ones.
    pub fn to_document(&self) -> Map<String, Value> {
        let mut document = self.extra.clone();
        let mut put = |key: &str, text: Option<&str>| {
            if let Some(text) = text {
                document.insert(key.to_owned(), Value::from(text));
            }
        };
        put("display_name", self.display_name.as_ref().map(DisplayName::as_str));
        put("description", self.description.as_ref().map(Description::as_str));
        put("confirmation_message", self.confirmation_message.as_ref().map(ConfirmationMessage::as_str));
        document
    }
}

fn parse_with<T>(text: Option<String>, parse: impl FnOnce(&str) -> Result<Option<T>, Invalid>, report: impl FnOnce(Invalid)) -> Option<T> {
    match text.as_deref().map(parse) {
        Some(Ok(value)) => value,
        Some(Err(error)) => {
            report(error);
            None
        }
        None => None,
    }
}

/// A variant of a waitlist's texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// The id of the variant.
    pub id: VariantId,
    /// The waitlist of the variant.
    pub waitlist_id: WaitlistId,
    /// Its kind.
    pub kind: VariantKind,
    /// The locale of its readers.
    pub locale: Locale,
    /// Its texts.
    pub copy: VariantCopy,
    /// Its share in the A/B pool. A locale variant does not use it.
    pub weight: Weight,
    /// Whether a reader can get it.
    pub active: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Variant {
    /// Returns the control variant of a new waitlist: the waitlist's own texts, in the A/B pool, with weight 1.
    pub fn control(id: VariantId, waitlist_id: WaitlistId, created_at: Timestamp) -> Self {
        Self {
            id,
            waitlist_id,
            kind: VariantKind::Ab,
            locale: Locale::english(),
            copy: VariantCopy::default(),
            weight: Weight::default(),
            active: true,
            created_at,
        }
    }
}

/// Chooses the variant for a reader, from a waitlist's variants in the order they were created.
///
/// A locale variant that serves the reader comes first. If there is none, `draw` picks one by weight from the A/B variants whose locale
/// serves the reader. If none of them does, it picks from all A/B variants. `draw` is 64 random bits.
pub fn choose<'a>(variants: &'a [Variant], requested: &[Locale], draw: u64) -> Option<&'a Variant> {
    let active = |kind| variants.iter().filter(move |variant| variant.active && variant.kind == kind);
    let serving = |kind| {
        let locales: Vec<&Locale> = active(kind).map(|variant| &variant.locale).collect();
        lookup(requested, &locales)
    };
    if let Some(locale) = serving(VariantKind::Locale) {
        return active(VariantKind::Locale).find(|variant| variant.locale == *locale);
    }
    let pool: Vec<&Variant> = match serving(VariantKind::Ab) {
        Some(locale) => active(VariantKind::Ab).filter(|variant| variant.locale == *locale).collect(),
        None => active(VariantKind::Ab).collect(),
    };
    draw_by_weight(&pool, draw)
}

fn draw_by_weight<'a>(pool: &[&'a Variant], draw: u64) -> Option<&'a Variant> {
    let total: u64 = pool.iter().map(|variant| u64::from(variant.weight.number())).sum();
    let mut left = draw.checked_rem(total)?;
    pool.iter().copied().find(|variant| {
        let weight = u64::from(variant.weight.number());
        let hit = left < weight;
        left = left.saturating_sub(weight);
        hit
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn variant(number: u128, kind: VariantKind, locale: &str, weight: u64) -> Variant {
        let created_at = Timestamp::from_unix_millis(0).unwrap();
        Variant {
            kind,
            locale: Locale::parse(locale).unwrap(),
            weight: Weight::new(weight).unwrap(),
            ..Variant::control(VariantId::new(Uuid::from_u128(number)), WaitlistId::new(Uuid::nil()), created_at)
        }
    }

    fn chosen(variants: &[Variant], requested: &[&str], draw: u64) -> Option<u128> {
        let requested: Vec<Locale> = requested.iter().map(|tag| Locale::parse(tag).unwrap()).collect();
        choose(variants, &requested, draw).map(|variant| variant.id.uuid().as_u128())
    }

    #[test]
    fn a_locale_variant_goes_before_the_pool() {
        let variants =
            [variant(1, VariantKind::Ab, "pt-BR", 1), variant(2, VariantKind::Locale, "pt", 1), variant(3, VariantKind::Locale, "pt", 1)];
        assert_eq!(chosen(&variants, &["pt-BR"], 0), Some(2));
        assert_eq!(chosen(&variants, &["de"], 0), Some(1));
    }

    #[test]
    fn the_pool_is_limited_to_the_readers_locale_if_possible() {
        let variants = [variant(1, VariantKind::Ab, "en", 1), variant(2, VariantKind::Ab, "de", 1), variant(3, VariantKind::Ab, "de", 3)];
        let drawn = |requested: &[&str]| (0..20).filter_map(|draw| chosen(&variants, requested, draw)).collect::<Vec<_>>();
        assert_eq!(drawn(&["de-AT"]).iter().filter(|id| **id == 3).count(), 15);
        assert!(!drawn(&["de-AT"]).contains(&1));
        assert_eq!(drawn(&["fr"]).iter().filter(|id| **id == 1).count(), 4);
    }

    #[test]
    fn an_inactive_variant_is_never_chosen() {
        let mut only = variant(1, VariantKind::Ab, "en", 1);
        only.active = false;
        assert_eq!(chosen(&[only], &["en"], 7), None);
        assert_eq!(chosen(&[], &["en"], 7), None);
    }

    #[test]
    fn a_copy_reports_every_bad_text_and_keeps_unknown_keys() {
        let object = |value: Value| value.as_object().cloned().unwrap();
        let copy = VariantCopy::parse(object(json!({"display_name": " Hi ", "description": " ", "cta": "Go"}))).unwrap();
        assert_eq!(Value::Object(copy.to_document()), json!({"display_name": "Hi", "cta": "Go"}));
        let errors = VariantCopy::parse(object(json!({
            "display_name": 1, "description": "x".repeat(1001), "confirmation_message": "a\u{0}b", "cta": "\u{202E}"
        })));
        let fields: Vec<String> = errors.unwrap_err().into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["copy.display_name", "copy.description", "copy.confirmation_message", "copy"]);
    }

    proptest! {
        #[test]
        fn every_draw_hits_a_variant_in_proportion(weights in prop::collection::vec(1_u64..=100, 1..8)) {
            let pool: Vec<Variant> =
                weights.iter().zip(1..).map(|(weight, id)| variant(id, VariantKind::Ab, "en", *weight)).collect();
            let total: u64 = weights.iter().sum();
            for (index, weight) in weights.iter().enumerate() {
                let hits = (0..total).filter(|draw| chosen(&pool, &[], *draw) == Some(index as u128 + 1)).count();
                prop_assert_eq!(hits as u64, *weight);
            }
        }
    }
}
