//! The name of a workspace or a waitlist in a URL.

use std::fmt;

use crate::error::Invalid;

/// A slug: 1 to 64 characters of `[a-z0-9-]`, without a leading, trailing or double hyphen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(String);

impl Slug {
    /// The most characters.
    pub const MAX: usize = 64;

    /// Checks a slug and keeps it unchanged. It is neither trimmed nor lower-cased, because a URL is not either.
    ///
    /// # Errors
    /// If the text is not a slug.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-');
        if text.is_empty() || text.len() > Self::MAX || !text.chars().all(allowed) {
            return Err(Invalid::new("must be 1 to 64 characters of a-z, 0-9 and -"));
        }
        if text.starts_with('-') || text.ends_with('-') || text.contains("--") {
            return Err(Invalid::new("must not start or end with a hyphen or hold two in a row"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Wraps a slug from a store without a check, because it was parsed before it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the slug.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_slug_has_one_form() {
        for good in ["a", "0", "early-access", "a-1-b", &"a".repeat(64)] {
            assert!(Slug::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "a--b", "A", "a b", "a_b", "é", "a/b", " a", &"a".repeat(65)] {
            assert!(Slug::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_parses_to_itself_or_is_refused(text in "[a-z0-9A-Z\\-é ]{0,70}") {
            if let Ok(slug) = Slug::parse(&text) {
                prop_assert_eq!(slug.as_str(), text);
            }
        }
    }
}
