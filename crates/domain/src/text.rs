//! Text from people: trimmed, counted in characters, and free of characters that hide or break something.
//!
//! All texts refuse NUL, every other control character, and the bidirectional overrides and isolates (U+202A to U+202E, U+2066 to U+2069),
//! which can make a text look like another one. Long texts may have line breaks. A text without a visible character counts as empty.
//! Joiners and marks between visible characters are part of the word.

use std::fmt;

use crate::character::is_blank;
use crate::error::Invalid;

/// Whether a text may have several lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// A line break is refused.
    One,
    /// `\n` and `\r` are kept.
    Many,
}

/// Returns the ASCII digit for a decimal digit of Arabic, Persian or full-width form. Any other character stays.
pub fn latin_digit(c: char) -> char {
    let digit = |zero: char| char::from_digit(u32::from(c) - u32::from(zero), 10).unwrap_or(c);
    match c {
        '\u{660}'..='\u{669}' => digit('\u{660}'),
        '\u{6F0}'..='\u{6F9}' => digit('\u{6F0}'),
        '\u{FF10}'..='\u{FF19}' => digit('\u{FF10}'),
        c => c,
    }
}

/// Trims a text and checks it against the rules of this module.
///
/// An empty text is allowed. A text without a visible character becomes empty.
///
/// # Errors
/// If the trimmed text is longer than `max` characters, or has a forbidden character.
pub fn clean(text: &str, max: usize, lines: Lines) -> Result<String, Invalid> {
    let text = text.trim();
    check_characters(text, lines)?;
    if text.chars().count() > max {
        return Err(Invalid::new(format!("must be at most {max} characters")));
    }
    Ok(if is_blank(text) { String::new() } else { text.to_owned() })
}

/// Checks the characters of a text against the rules of this module.
///
/// # Errors
/// If the text has a control character or a bidirectional override.
pub fn check_characters(text: &str, lines: Lines) -> Result<(), Invalid> {
    let forbidden = |c: char| match c {
        '\n' | '\r' => lines == Lines::One,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true,
        _ => c.is_control(),
    };
    if text.chars().any(forbidden) {
        return Err(Invalid::new("must not contain control characters or bidirectional overrides"));
    }
    Ok(())
}

macro_rules! text {
    ($($(#[$doc:meta])+ $name:ident($max:literal, $lines:ident))+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// The most characters.
            pub const MAX: usize = $max;

            /// Trims and checks a text that must not be empty.
            ///
            /// # Errors
            /// If the text is empty, too long, or has a forbidden character.
            pub fn parse(text: &str) -> Result<Self, Invalid> {
                Self::parse_optional(text)?.ok_or_else(|| Invalid::new("must not be empty"))
            }

            /// Trims and checks a text. Returns `None` for a text without a visible character.
            ///
            /// # Errors
            /// If the text is too long or has a forbidden character.
            pub fn parse_optional(text: &str) -> Result<Option<Self>, Invalid> {
                let text = clean(text, Self::MAX, Lines::$lines)?;
                Ok((!text.is_empty()).then_some(Self(text)))
            }

            /// Wraps a text from a store without a check, because it was parsed before it was stored.
            pub fn from_stored(text: String) -> Self {
                Self(text)
            }

            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }
    )+};
}

text! {
    /// The name of a person who signs up.
    PersonName(200, One)
    /// A person's plans for the product.
    Interest(2000, Many)
    /// The source: how a person heard of the product.
    Referrer(500, One)
    /// The name of a waitlist that visitors see.
    DisplayName(200, One)
    /// The text under the name of a waitlist.
    Description(2000, Many)
    /// The text that a person gets after signing up.
    ConfirmationMessage(1000, Many)
    /// What a person agrees to when signing up.
    ConsentText(2000, Many)
    /// The name of a workspace.
    WorkspaceName(200, One)
    /// The name that an owner gives an API key.
    KeyName(200, One)
    /// The admin who created something: the `sub` of the token.
    Subject(255, One)
    /// Why an admin decided so.
    DecisionReason(500, Many)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_is_trimmed_and_counted_in_characters() {
        assert_eq!(PersonName::parse("  Ada Lovelace \n").unwrap().as_str(), "Ada Lovelace");
        assert!(PersonName::parse(&"é".repeat(200)).is_ok());
        assert!(PersonName::parse(&"é".repeat(201)).is_err());
        assert!(PersonName::parse(" \u{a0} ").is_err());
        assert_eq!(Interest::parse_optional("  "), Ok(None));
    }

    #[test]
    fn a_text_without_a_visible_character_is_empty() {
        for blank in ["\u{200B}", " \u{2060}\u{3164} ", "\u{2800}\u{2800}", "\u{301}", "\u{200D}\u{FE0F}"] {
            assert!(PersonName::parse(blank).is_err(), "{blank:?}");
            assert_eq!(Interest::parse_optional(blank), Ok(None), "{blank:?}");
            assert_eq!(clean(blank, 10, Lines::One).as_deref(), Ok(""), "{blank:?}");
        }
        for word in ["می\u{200C}خواهم", "क्\u{200D}ष", "👩\u{200D}💻", "e\u{301}"] {
            assert_eq!(PersonName::parse(word).unwrap().as_str(), word);
        }
    }

    #[test]
    fn control_characters_and_bidirectional_overrides_are_refused() {
        for bad in ["a\0b", "a\u{7}b", "a\u{85}b", "a\u{202E}b", "a\u{2066}b", "a\tb"] {
            assert!(PersonName::parse(bad).is_err(), "{bad:?}");
            assert!(Interest::parse(bad).is_err(), "{bad:?}");
        }
        assert!(PersonName::parse("a\nb").is_err());
        assert!(Interest::parse("a\r\nb").is_ok());
    }

    proptest! {
        #[test]
        fn cleaning_a_clean_text_changes_nothing(text in any::<String>()) {
            if let Ok(Some(once)) = Interest::parse_optional(&text) {
                prop_assert_eq!(Interest::parse(once.as_str()), Ok(once));
            }
        }
    }
}
