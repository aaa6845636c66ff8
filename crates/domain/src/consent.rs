//! Consent: what a person agreed to when they signed up.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::Invalid;
use crate::text::ConsentText;
use crate::timestamp::Timestamp;

/// What a person agreed to, and when. It stays as it was, whatever becomes of the settings of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The text beside the box that the person ticked.
    pub text: ConsentText,
    /// When the person sent the form.
    pub at: Timestamp,
}

/// The form of a [`Consent`] in replies and events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsentDocument<'a> {
    /// The text.
    pub text: &'a str,
    /// The SHA-256 of the text in UTF-8, in hexadecimal digits.
    pub sha256: String,
    /// When the person sent the form.
    pub at: Timestamp,
}

/// What is wrong with a form without the consent that its list asks for.
pub(crate) const MISSING_CONSENT: &str = "must be true: this waitlist asks for consent";

/// What is wrong with a form whose text was another one.
pub(crate) const OUTDATED_CONSENT: &str = "is to a text that has changed: show the present one, and ask again";

/// Returns the SHA-256 of a text that people agree to, in UTF-8, in hexadecimal digits.
pub fn digest(text: &ConsentText) -> String {
    Sha256::digest(text.as_str().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What a store keeps.
#[derive(Serialize, Deserialize)]
struct Stored {
    text: String,
    /// Unix milliseconds.
    at: i64,
}

impl Consent {
    /// Returns the consent in the form of replies and events.
    pub fn document(&self) -> ConsentDocument<'_> {
        ConsentDocument { text: self.text.as_str(), sha256: digest(&self.text), at: self.at }
    }

    /// Returns the text that a store keeps.
    ///
    /// # Panics
    /// Never: texts and numbers serialise to JSON.
    pub fn to_stored(&self) -> String {
        let stored = Stored { text: self.text.to_string(), at: self.at.unix_millis() };
        serde_json::to_string(&stored).expect("texts and numbers serialise")
    }

    /// Reads the text that a store kept.
    ///
    /// # Errors
    /// If the text is not of that form.
    pub fn from_stored(text: &str) -> Result<Self, Invalid> {
        let Stored { text, at } = serde_json::from_str(text).map_err(|_| Invalid::new("is not a consent"))?;
        Ok(Self { text: ConsentText::from_stored(text), at: Timestamp::from_unix_millis(at)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consent_reads_back_as_it_was_stored() {
        let consent = Consent {
            text: ConsentText::parse("I \"agree\"\nto <b>é</b>").unwrap(),
            at: Timestamp::parse("2026-01-31T09:00:00.123Z").unwrap(),
        };
        assert_eq!(Consent::from_stored(&consent.to_stored()), Ok(consent));
        assert!(Consent::from_stored("{}").is_err());
    }

    #[test]
    fn a_document_has_the_hash_of_the_text() {
        let consent = Consent { text: ConsentText::parse("abc").unwrap(), at: Timestamp::from_unix_millis(0).unwrap() };
        let document = consent.document();
        assert_eq!(document.text, "abc");
        assert_eq!(document.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
