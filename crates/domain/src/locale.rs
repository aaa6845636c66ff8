//! Locales: language tags (BCP 47), the languages that a reader asks for, and the lookup between them (RFC 4647, section 3.4).

use std::fmt;

use oxilangtag::LanguageTag;

use crate::error::Invalid;

/// A well-formed language tag in the canonical case of RFC 5646, section 2.1.1: `pt-BR`, `zh-Hant-TW`. Hebrew, Indonesian
/// and Yiddish have their newer codes (section 4.5): `he`, not `iw`. Other subtags stay as they were given.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Locale(String);

impl Locale {
    /// The most characters of a tag. RFC 5646, section 4.4.1, asks for at least 35.
    pub const MAX: usize = 64;

    /// Reads a language tag in any case.
    ///
    /// # Errors
    /// If the text is not a well-formed tag, or is too long.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.len() > Self::MAX {
            return Err(Invalid::new(format!("must be at most {} characters", Self::MAX)));
        }
        let tag = LanguageTag::parse_and_normalize(text).map_err(|_| Invalid::new("must be a BCP 47 language tag such as en or pt-BR"))?;
        Ok(Self::from_stored(tag.as_str().to_owned()))
    }

    /// Returns `en`.
    pub fn english() -> Self {
        Self("en".to_owned())
    }

    /// Wraps a tag from a store without a check, because it was parsed before it was stored. Only the code of its language may be an old
    /// one.
    pub fn from_stored(text: String) -> Self {
        let (language, rest) = text.split_at(text.find('-').unwrap_or(text.len()));
        let renamed = RENAMED.iter().find(|(old, _)| *old == language).map(|(_, new)| format!("{new}{rest}"));
        Self(renamed.unwrap_or(text))
    }

    /// Returns the tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the tag, and then its shorter forms by RFC 4647.
    ///
    /// Each step removes the last subtag. If a single letter or digit would then be the last one, the step removes it too.
    fn fallbacks(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.0.as_str()), |tag| {
            let (shorter, _) = tag.rsplit_once('-')?;
            match shorter.rsplit_once('-') {
                Some((shortest, single)) if single.len() == 1 => Some(shortest),
                None if shorter.len() == 1 => None,
                _ => Some(shorter),
            }
        })
    }

    /// Returns the one of the [`LANGUAGES`] that has more subtags than this locale and serves it.
    fn longer_language(&self) -> Option<&'static str> {
        // Subtags after a single letter are extensions, which say nothing about the language.
        let mut subtags = self.0.split('-').take_while(|subtag| subtag.len() > 1);
        match (subtags.next()?, subtags.next()) {
            ("pt", _) => Some("pt-BR"),
            ("zh", None | Some("CN" | "SG")) => Some("zh-Hans"),
            _ => None,
        }
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the first available locale that serves a requested one, the most wanted first.
///
/// `pt-BR` serves `pt-BR`, or else `pt` does. Case does not matter.
pub fn lookup<'a>(requested: &[Locale], available: &[&'a Locale]) -> Option<&'a Locale> {
    requested.iter().flat_map(Locale::fallbacks).find_map(|tag| available.iter().copied().find(|locale| locale.as_str() == tag))
}

/// Languages that had another code, which older systems still send (the preferred values of the IANA registry).
const RENAMED: [(&str, &str); 3] = [("iw", "he"), ("in", "id"), ("ji", "yi")];

/// The languages of Rally's own texts.
pub const LANGUAGES: [&str; 13] = ["en", "de", "fr", "es", "pt-BR", "it", "nl", "pl", "tr", "ja", "zh-Hans", "ar", "he"];

/// Returns the first of the [`LANGUAGES`] that serves a requested locale, the most wanted first.
///
/// It is found as by [`lookup`]. Two languages of the list have more than their name, and are found without it too: `pt-BR` serves
/// Portuguese of every region, and `zh-Hans` serves `zh`, `zh-CN` and `zh-SG`.
pub fn language(requested: &[Locale]) -> Option<Locale> {
    requested.iter().find_map(|locale| {
        let listed = |tag: &str| LANGUAGES.into_iter().find(|language| *language == tag);
        let found = locale.fallbacks().find_map(listed).or_else(|| locale.longer_language())?;
        Some(Locale(found.to_owned()))
    })
}

/// Returns the locale of a person who asked for some, the most wanted first: the first one that one of the [`LANGUAGES`] serves or that of
/// the workspace, else the first one.
pub fn preferred<'a>(requested: &'a [Locale], of_workspace: &Locale) -> Option<&'a Locale> {
    let is_served = |locale: &Locale| {
        let asked = std::slice::from_ref(locale);
        lookup(asked, &[of_workspace]).is_some() || language(asked).is_some()
    };
    requested.iter().find(|locale| is_served(locale)).or_else(|| requested.first())
}

/// The most ranges of an `Accept-Language` header that are read.
const MAX_RANGES: usize = 32;

/// Reads an `Accept-Language` header (RFC 9110, section 12.5.4) into locales, the most wanted first.
///
/// Malformed ranges are ignored, and so are ranges of quality 0 and `*`, which asks for no language in particular.
pub fn parse_accept_language(header: &str) -> Vec<Locale> {
    let mut ranges: Vec<(u16, Locale)> = header.split(',').take(MAX_RANGES).filter_map(parse_range).collect();
    ranges.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    ranges.into_iter().map(|(_, locale)| locale).collect()
}

fn parse_range(range: &str) -> Option<(u16, Locale)> {
    let mut parts = range.split(';');
    let locale = Locale::parse(parts.next()?.trim()).ok()?;
    let quality = match parts.next() {
        None => 1000,
        Some(weight) => parse_quality(weight.trim())?,
    };
    (parts.next().is_none() && quality > 0).then_some((quality, locale))
}

/// Reads a weight such as `q=0.5` in thousandths (RFC 9110, section 12.4.2).
fn parse_quality(weight: &str) -> Option<u16> {
    let value = weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?;
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if !matches!(whole, "0" | "1") || fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    let quality = if whole == "1" { 1000 + thousandths } else { thousandths };
    (quality <= 1000).then_some(quality)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn locales(tags: &[&str]) -> Vec<Locale> {
        tags.iter().map(|tag| Locale::parse(tag).unwrap()).collect()
    }

    fn accepted(header: &str) -> Vec<String> {
        parse_accept_language(header).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_tag_is_kept_in_canonical_case() {
        for (given, kept) in [("EN", "en"), ("pt-br", "pt-BR"), ("ZH-hant-tw", "zh-Hant-TW"), ("sl-ROZAJ", "sl-rozaj")] {
            assert_eq!(Locale::parse(given).unwrap().as_str(), kept);
        }
        for (old, new) in [("iw", "he"), ("in-ID", "id-ID"), ("ji", "yi"), ("inh", "inh")] {
            assert_eq!(Locale::parse(old).unwrap().as_str(), new);
            assert_eq!(Locale::from_stored(old.to_owned()).as_str(), new);
        }
        for bad in ["", "*", "e", "englishlanguage", "en_US", "en-", "-en", "en--US", " en", "12", "en-US-\0", &"en-".repeat(40)] {
            assert!(Locale::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn lookup_goes_from_the_special_to_the_general() {
        let found = |requested: &[&str], available: &[&str]| {
            let available = locales(available);
            lookup(&locales(requested), &available.iter().collect::<Vec<_>>()).map(ToString::to_string)
        };
        assert_eq!(found(&["pt-BR"], &["pt", "pt-br"]).as_deref(), Some("pt-BR"));
        assert_eq!(found(&["pt-BR"], &["en", "pt"]).as_deref(), Some("pt"));
        assert_eq!(found(&["pt"], &["pt-BR"]), None);
        assert_eq!(found(&["de", "fr"], &["fr", "en"]).as_deref(), Some("fr"));
        assert_eq!(found(&["zh-Hant-CN-x-private1-private2"], &["zh-Hant"]).as_deref(), Some("zh-Hant"));
        assert_eq!(found(&["de-CH", "fr"], &["fr", "de"]).as_deref(), Some("de"));
        assert_eq!(found(&[], &["de"]), None);
    }

    #[test]
    fn a_language_is_found_for_what_is_asked() {
        for (asked, found) in [
            (&["en"][..], "en"),
            (&["de-CH"], "de"),
            (&["pt"], "pt-BR"),
            (&["pt-PT"], "pt-BR"),
            (&["pt-BR"], "pt-BR"),
            (&["zh"], "zh-Hans"),
            (&["zh-CN"], "zh-Hans"),
            (&["zh-SG"], "zh-Hans"),
            (&["zh-Hans-HK"], "zh-Hans"),
            (&["zh-CN-x-mine"], "zh-Hans"),
            (&["zh-u-co-pinyin"], "zh-Hans"),
            (&["zh-TW", "ja"], "ja"),
            (&["zh-Hant", "zh-Hant-CN", "fr"], "fr"),
            (&["zh-HK", "sv", "he-IL"], "he"),
            (&["iw-IL", "en"], "he"),
            (&["IW"], "he"),
            (&["nl", "de"], "nl"),
            (&["pt-PT", "en"], "pt-BR"),
        ] {
            assert_eq!(language(&locales(asked)).map(|language| language.to_string()).as_deref(), Some(found), "{asked:?}");
        }
        for nothing in [&[][..], &["sv"], &["zh-TW"], &["zh-Hant"], &["x-de"], &["ptx"]] {
            assert_eq!(language(&locales(nothing)), None, "{nothing:?}");
        }
    }

    #[test]
    fn every_language_is_a_canonical_tag_and_finds_itself() {
        for tag in LANGUAGES {
            let locale = Locale::parse(tag).unwrap();
            assert_eq!((locale.as_str(), language(std::slice::from_ref(&locale))), (tag, Some(locale.clone())));
        }
    }

    #[test]
    fn a_person_has_the_first_locale_that_has_a_language() {
        let preferred_in = |requested: &[&str], workspace: &str| {
            super::preferred(&locales(requested), &Locale::parse(workspace).unwrap()).map(ToString::to_string)
        };
        let preferred = |requested: &[&str]| preferred_in(requested, "en");
        assert_eq!(preferred(&["sv", "de-CH", "fr"]).as_deref(), Some("de-CH"));
        assert_eq!(preferred(&["sv", "fi"]).as_deref(), Some("sv"));
        assert_eq!(preferred(&["pt-PT"]).as_deref(), Some("pt-PT"));
        assert_eq!(preferred(&[]), None);
        // A workspace may have mails of its own in a language that Rally does not speak.
        assert_eq!(preferred_in(&["fi", "sv-SE", "en-US"], "sv").as_deref(), Some("sv-SE"));
        assert_eq!(preferred_in(&["fi", "en-US"], "sv").as_deref(), Some("en-US"));
    }

    #[test]
    fn shortening_never_leaves_a_single_letter_last() {
        let all = |tag: &str| Locale::parse(tag).unwrap().fallbacks().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(all("zh-Hant-CN-x-private1"), ["zh-Hant-CN-x-private1", "zh-Hant-CN", "zh-Hant", "zh"]);
        assert_eq!(all("x-whatever"), ["x-whatever"]);
        assert_eq!(all("en"), ["en"]);
    }

    #[test]
    fn a_header_is_read_by_quality() {
        assert_eq!(accepted("da, en-gb;q=0.8, en;q=0.7"), ["da", "en-GB", "en"]);
        assert_eq!(accepted("en;q=0.5,de;q=0.9,fr"), ["fr", "de", "en"]);
        assert_eq!(accepted("en;q=0, de;q=0.001, *;q=0.5"), ["de"]);
        assert_eq!(accepted("en;q=1.5, de;q=abc, fr;q=0.1234, ;;, it;q=1.000"), ["it"]);
        assert_eq!(accepted(""), [] as [&str; 0]);
        assert_eq!(accepted("en;q=0.5;level=1, es"), ["es"]);
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_a_panic(header in any::<String>()) {
            prop_assert!(parse_accept_language(&header).len() <= MAX_RANGES);
        }

        #[test]
        fn a_canonical_tag_reads_back(tag in "[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8}){0,4}") {
            if let Ok(locale) = Locale::parse(&tag) {
                prop_assert_eq!(Locale::parse(locale.as_str()), Ok(locale));
            }
        }
    }
}
