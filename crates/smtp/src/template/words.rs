//! The languages of the built-in templates: their sentences, and how they write numbers and dates.

use std::collections::BTreeMap;

use rally_domain::locale::Locale;
use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// The languages, English first.
const FILES: [(&str, &str); 13] = [
    ("en", include_str!("../../locales/en.json")),
    ("de", include_str!("../../locales/de.json")),
    ("fr", include_str!("../../locales/fr.json")),
    ("es", include_str!("../../locales/es.json")),
    ("pt-BR", include_str!("../../locales/pt-BR.json")),
    ("it", include_str!("../../locales/it.json")),
    ("nl", include_str!("../../locales/nl.json")),
    ("pl", include_str!("../../locales/pl.json")),
    ("tr", include_str!("../../locales/tr.json")),
    ("ja", include_str!("../../locales/ja.json")),
    ("zh-Hans", include_str!("../../locales/zh-Hans.json")),
    ("ar", include_str!("../../locales/ar.json")),
    ("he", include_str!("../../locales/he.json")),
];

/// How a language writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// The tag of the language.
    #[serde(skip)]
    pub tag: &'static str,
    /// The direction of text.
    pub dir: Direction,
    /// What parts groups of three digits.
    group: String,
    /// The fewest digits of a number that is parted into groups.
    least_grouped_digits: usize,
    /// The digit zero. The others follow it in Unicode.
    zero: char,
    /// A date with `{day}`, `{month}`, `{year}` and `{time}`.
    date: String,
    /// The first day of a month in a date, where it is not a plain number.
    #[serde(default)]
    first_day: Option<String>,
    /// The names of the months, as they are in a date.
    months: Vec<String>,
    /// The sentences of the built-in templates.
    pub sentences: BTreeMap<String, String>,
}

/// The direction of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From left to right.
    Ltr,
    /// From right to left.
    Rtl,
}

impl Direction {
    /// Returns the value of HTML's attribute `dir`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ltr => "ltr",
            Self::Rtl => "rtl",
        }
    }

    /// Returns the value of HTML's attribute `align`, for programs that do not know `text-align: start`.
    pub const fn align(self) -> &'static str {
        match self {
            Self::Ltr => "left",
            Self::Rtl => "right",
        }
    }
}

impl Words {
    /// Reads all languages, English first.
    pub fn all() -> Vec<Self> {
        let read = |(tag, json)| Self { tag, ..serde_json::from_str(json).expect("the locale files are read in a test") };
        FILES.into_iter().map(read).collect()
    }

    /// How numbers and dates are written where the language is not known.
    pub fn neutral() -> Self {
        Self {
            tag: "und",
            dir: Direction::Ltr,
            group: "\u{202f}".to_owned(),
            least_grouped_digits: 5,
            zero: '0',
            date: "{year}-{month}-{day} {time} UTC".to_owned(),
            first_day: None,
            months: (1..=12).map(|month| format!("{month:02}")).collect(),
            sentences: BTreeMap::new(),
        }
    }

    /// Whether a locale is this language, in whatever region and script.
    pub fn serves(&self, locale: &Locale) -> bool {
        let language = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        language(self.tag) == language(locale.as_str())
    }

    /// Writes a whole number with its digits in groups.
    pub fn number(&self, digits: &str) -> String {
        let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
        let mut written = sign.to_owned();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index) % 3 == 0 && digits.len() >= self.least_grouped_digits {
                written.push_str(&self.group);
            }
            written.push(self.digit(digit));
        }
        written
    }

    /// Writes a time in RFC 3339 as a date with its time in UTC, or returns nothing if it is none.
    pub fn date(&self, text: &str) -> Option<String> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
        let digits = |text: String| text.chars().map(|char| self.digit(char)).collect::<String>();
        let month = &self.months[usize::from(u8::from(at.month())) - 1];
        let day = match (at.day(), &self.first_day) {
            (1, Some(first)) => first.clone(),
            (day, _) if self.tag == "und" => format!("{day:02}"),
            (day, _) => digits(day.to_string()),
        };
        let date = self.date.replace("{day}", &day);
        let date = date.replace("{month}", month).replace("{year}", &digits(at.year().to_string()));
        Some(date.replace("{time}", &digits(format!("{:02}:{:02}", at.hour(), at.minute()))))
    }

    fn digit(&self, digit: char) -> char {
        let shifted = |value: u32| char::from_u32(u32::from(self.zero) + value);
        digit.to_digit(10).and_then(shifted).unwrap_or(digit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(tag: &str) -> Words {
        Words::all().into_iter().find(|words| words.tag == tag).unwrap()
    }

    #[test]
    fn numbers_are_grouped_as_the_language_groups_them() {
        for (tag, short, long) in [
            ("en", "1,234", "1,234,567"),
            ("de", "1.234", "1.234.567"),
            ("fr", "1\u{202f}234", "1\u{202f}234\u{202f}567"),
            ("es", "1234", "1.234.567"),
            ("pl", "1234", "1\u{a0}234\u{a0}567"),
            ("ar", "١٬٢٣٤", "١٬٢٣٤٬٥٦٧"),
            ("ja", "1,234", "1,234,567"),
        ] {
            assert_eq!((words(tag).number("1234"), words(tag).number("1234567")), (short.to_owned(), long.to_owned()), "{tag}");
        }
        assert_eq!((words("en").number("7"), words("en").number("-1234")), ("7".to_owned(), "-1,234".to_owned()));
    }

    #[test]
    fn dates_are_long_and_in_utc() {
        for (tag, date) in [
            ("en", "12 March 2026, 14:05 UTC"),
            ("de", "12. März 2026, 14:05 UTC"),
            ("fr", "12 mars 2026 à 14:05 UTC"),
            ("es", "12 de marzo de 2026, 14:05 UTC"),
            ("pl", "12 marca 2026, 14:05 UTC"),
            ("ja", "2026年3月12日 14:05 UTC"),
            ("zh-Hans", "2026年3月12日 14:05 UTC"),
            ("ar", "١٢ مارس ٢٠٢٦، ١٤:٠٥ UTC"),
            ("he", "12 במרץ 2026, 14:05 UTC"),
        ] {
            assert_eq!(words(tag).date("2026-03-12T16:05:59.999+02:00").as_deref(), Some(date), "{tag}");
        }
        assert_eq!(words("fr").date("2026-12-01T14:05:00Z").as_deref(), Some("1er décembre 2026 à 14:05 UTC"));
        assert_eq!(Words::neutral().date("2026-03-02T04:05:00Z").as_deref(), Some("2026-03-02 04:05 UTC"));
        assert_eq!(words("en").date("soon"), None);
    }

    #[test]
    fn every_language_has_the_same_sentences_in_its_own_words() {
        let all = Words::all();
        let english = &all[0];
        for words in &all {
            assert!(words.sentences.keys().eq(english.sentences.keys()), "{}", words.tag);
            assert_eq!(words.months.len(), 12, "{}", words.tag);
            for (key, sentence) in &words.sentences {
                assert!(!sentence.trim().is_empty() && sentence.trim() == sentence, "{} {key}", words.tag);
                assert!(words.tag == "en" || *sentence != english.sentences[key], "{} {key}: {sentence}", words.tag);
                assert!(!sentence.contains(['!', '<', '&', '！', '%']), "{} {key}: {sentence}", words.tag);
                let places = |text: &str| {
                    let mut places: Vec<String> = text.split('{').skip(1).map(|rest| rest.split('}').next().unwrap().to_owned()).collect();
                    places.sort();
                    places
                };
                assert_eq!(places(sentence), places(&english.sentences[key]), "{} {key}", words.tag);
            }
        }
    }

    /// A name of a list ends where its sentence goes on. A subject is short enough without.
    #[test]
    fn names_of_lists_stand_in_the_quotation_marks_of_the_pages() {
        for words in Words::all() {
            let title = of_pages(words.tag, "leave-title");
            let (before, after) = title.split_once("{ $list }").unwrap();
            let quoted = [before.trim_end().chars().next_back().unwrap(), after.trim_start().chars().next().unwrap()];
            for (key, sentence) in words.sentences.iter().filter(|(_, sentence)| sentence.contains("{waitlist}")) {
                let (before, after) = sentence.split_once("{waitlist}").unwrap();
                let found = [before.trim_end().chars().next_back(), after.trim_start().chars().next()];
                if key.ends_with("_subject") {
                    assert!(!found.contains(&Some(quoted[0])), "{} {key}: {sentence}", words.tag);
                } else {
                    assert_eq!(found, quoted.map(Some), "{} {key}: {sentence}", words.tag);
                }
                assert!(!words.sentences.values().any(|sentence| sentence.contains('\'')), "{}", words.tag);
            }
        }
    }

    /// Returns a text of the pages.
    fn of_pages(tag: &str, key: &str) -> String {
        let path = format!("{}/../pages/locales/{tag}.ftl", env!("CARGO_MANIFEST_DIR"));
        let texts = std::fs::read_to_string(path).unwrap();
        let found = texts.lines().find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('='));
        found.unwrap().trim().to_owned()
    }
}
