//! The languages of the pages.

use rally_domain::locale::{self, LANGUAGES, Locale};

/// The names of the [`LANGUAGES`] in themselves, in the same order.
const NAMES: [&str; LANGUAGES.len()] = [
    "English",
    "Deutsch",
    "Français",
    "Español",
    "Português (Brasil)",
    "Italiano",
    "Nederlands",
    "Polski",
    "Türkçe",
    "日本語",
    "简体中文",
    "العربية",
    "עברית",
];

/// The locales that Open Graph knows, in the same order.
const OPEN_GRAPH: [&str; LANGUAGES.len()] =
    ["en_US", "de_DE", "fr_FR", "es_ES", "pt_BR", "it_IT", "nl_NL", "pl_PL", "tr_TR", "ja_JP", "zh_CN", "ar_AR", "he_IL"];

/// The direction in which a language is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From left to right.
    Ltr,
    /// From right to left.
    Rtl,
}

impl Direction {
    /// Returns the value of the attribute `dir`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ltr => "ltr",
            Self::Rtl => "rtl",
        }
    }
}

/// One of the languages that the pages are written in. The default is English.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Language(usize);

impl Language {
    /// Returns all languages, in the order in which a page offers them.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..LANGUAGES.len()).map(Self)
    }

    /// Returns the first language that serves a requested locale, the most wanted first.
    pub fn choose(requested: &[Locale]) -> Option<Self> {
        locale::language(requested).and_then(|found| Self::all().find(|language| language.tag() == found.as_str()))
    }

    /// Returns the language that serves a tag such as `pt-PT`. A malformed tag has none.
    pub fn of_tag(tag: &str) -> Option<Self> {
        Locale::parse(tag).ok().and_then(|locale| Self::choose(&[locale]))
    }

    /// Returns the tag, as in `lang`.
    pub fn tag(self) -> &'static str {
        LANGUAGES[self.0]
    }

    /// Returns the name of the language in itself.
    pub fn own_name(self) -> &'static str {
        NAMES[self.0]
    }

    /// Returns the direction of its script.
    pub fn direction(self) -> Direction {
        if matches!(self.tag(), "ar" | "he") { Direction::Rtl } else { Direction::Ltr }
    }

    /// Returns the locale of its numbers: the tag, with the digits of the script where a region would decide them.
    pub(crate) fn numbers(self) -> &'static str {
        if self.tag() == "ar" { "ar-u-nu-arab" } else { self.tag() }
    }

    /// Returns the signs between whole digits and fraction, and between thousands. Where spaces stand between thousands, a dot is nobody's
    /// separator: a person who types one means the fraction.
    pub(crate) fn separators(self) -> (char, char) {
        match self.tag() {
            "en" | "ja" | "zh-Hans" | "he" => ('.', ','),
            "ar" => ('\u{66B}', '\u{66C}'),
            "fr" | "pl" => (',', '\u{202f}'),
            _ => (',', '.'),
        }
    }

    pub(crate) fn open_graph(self) -> &'static str {
        OPEN_GRAPH[self.0]
    }

    pub(crate) const fn index(self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_finds_its_language() {
        for (tag, found) in
            [("de-CH", Some("de")), ("pt", Some("pt-BR")), ("zh-SG", Some("zh-Hans")), ("HE", Some("he")), ("sv", None), ("", None)]
        {
            assert_eq!(Language::of_tag(tag).map(Language::tag), found, "{tag}");
        }
    }

    #[test]
    fn every_language_finds_itself() {
        for language in Language::all() {
            assert_eq!(Language::of_tag(language.tag()), Some(language));
        }
    }

    #[test]
    fn arabic_and_hebrew_are_written_from_right_to_left() {
        let rtl: Vec<&str> = Language::all().filter(|language| language.direction() == Direction::Rtl).map(Language::tag).collect();
        assert_eq!(rtl, ["ar", "he"]);
    }
}
