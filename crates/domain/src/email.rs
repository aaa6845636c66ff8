//! E-mail addresses, in the one form under which an address joins a waitlist once.

use std::fmt::{self, Write};

use email_address::EmailAddress;
use icu_normalizer::ComposingNormalizerBorrowed;
use serde::{Serialize, Serializer};

use crate::error::Invalid;

/// A normalised address: the local part lower-cased in ASCII alone, the domain in ASCII (UTS 46, RFC 5891) and lower case.
///
/// The local part is opaque to everybody but its host (RFC 5321, section 2.4), so nothing is folded that could make two
/// mailboxes one: no Unicode case folding, no dots or `+tags` removed. A quoted local part is refused, since
/// `"ada"@example.com` and `ada@example.com` are one mailbox in two spellings; so is one that is not in NFC.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

impl Email {
    /// The most bytes of a whole address (RFC 3696, erratum 1690).
    pub const MAX: usize = 254;
    /// The most bytes of a local part (RFC 5321, section 4.5.3.1.1).
    pub const MAX_LOCAL: usize = 64;

    /// Trims, checks and normalises an address.
    ///
    /// # Errors
    /// When it is not an address of the form `local@domain.tld`, or too long.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Invalid::new("must not be empty"));
        }
        // Far beyond any address: refuse before any work is done on it.
        if text.len() > 4 * Self::MAX {
            return Err(too_long());
        }
        let (local, domain) = text.rsplit_once('@').ok_or_else(not_an_address)?;
        let email = format!("{}@{}", parse_local(local)?, parse_domain(domain)?);
        if email.len() > Self::MAX {
            return Err(too_long());
        }
        Ok(Self(email))
    }

    /// Takes over an address that a store kept, unchecked: it was parsed before it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The normalised address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The address as a stranger may see it: first character, `***`, `@`, domain.
    pub const fn masked(&self) -> Masked<'_> {
        Masked(self)
    }
}

/// An [`Email`] as a stranger may see it.
#[derive(Debug, Clone, Copy)]
pub struct Masked<'a>(&'a Email);

impl fmt::Display for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.0.as_str().chars().next();
        first.map_or(Ok(()), |first| f.write_char(first))?;
        write!(f, "***@{}", self.0.domain())
    }
}

impl Serialize for Masked<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

fn parse_local(local: &str) -> Result<String, Invalid> {
    let in_nfc = ComposingNormalizerBorrowed::new_nfc().is_normalized(local);
    let plain = !local.contains(['"', '(', ')', '\\']) && !local.chars().any(|c| c.is_control() || c.is_whitespace());
    if local.len() > Email::MAX_LOCAL || !plain || !in_nfc || !EmailAddress::is_valid_local_part(local) {
        return Err(not_an_address());
    }
    Ok(local.to_ascii_lowercase())
}

fn parse_domain(domain: &str) -> Result<String, Invalid> {
    let ascii = idna::domain_to_ascii_strict(domain).map_err(|_| not_an_address())?;
    let has_tld = ascii.rsplit_once('.').is_some_and(|(_, tld)| tld.bytes().any(|b| b.is_ascii_alphabetic()));
    if !has_tld || !EmailAddress::is_valid_domain(&ascii) {
        return Err(not_an_address());
    }
    Ok(ascii)
}

fn not_an_address() -> Invalid {
    Invalid::new("must be an e-mail address")
}

fn too_long() -> Invalid {
    Invalid::new(format!("must be at most {} characters", Email::MAX))
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normalised(text: &str) -> String {
        Email::parse(text).unwrap().to_string()
    }

    #[test]
    fn one_mailbox_has_one_form() {
        assert_eq!(normalised("  Ada@Example.COM "), "ada@example.com");
        assert_eq!(normalised("ada+list@bücher.example"), "ada+list@xn--bcher-kva.example");
        assert_eq!(normalised("a.b.c@sub.example.co"), "a.b.c@sub.example.co");
        assert_eq!(normalised("o'hara_1-2@example.com"), "o'hara_1-2@example.com");
        assert_eq!(normalised("ada@ＥＸＡＭＰＬＥ．com"), "ada@example.com");
    }

    #[test]
    fn case_outside_ascii_is_never_folded() {
        assert_eq!(normalised("Ünal@example.com"), "Ünal@example.com");
        assert_ne!(normalised("ünal@example.com"), normalised("Ünal@example.com"));
        assert_ne!(Email::parse("\u{17F}am@example.com"), Email::parse("sam@example.com"));
        // The Kelvin sign is not in NFC: its composed form is the letter K.
        assert!(Email::parse("\u{212A}elvin@example.com").is_err());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long = format!("a@{}.com", ["b".repeat(60).as_str(); 5].join("."));
        for bad in [
            "",
            " ",
            "ada",
            "@example.com",
            "ada@",
            "ada@@example.com",
            "a@b@example.com",
            "ada@localhost",
            "ada@[127.0.0.1]",
            "ada@127.0.0.1",
            ".ada@example.com",
            "ada.@example.com",
            "a..b@example.com",
            "ada@-example.com",
            "ada@example-.com",
            "ada@example..com",
            "ada@example.com.",
            "ada@.com",
            "a da@example.com",
            "ada@exa mple.com",
            "\"ada\"@example.com",
            "Ada <ada@example.com>",
            "ada@example.com,bob@example.com",
            "ada\0@example.com",
            "ada\r\n@example.com",
            "ada@exam_ple.com",
            "ada@example.123",
            &long_local,
            &long,
            &"a".repeat(5000),
        ] {
            assert!(Email::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_mask_shows_one_character_and_the_domain() {
        assert_eq!(Email::parse("ada@example.com").unwrap().masked().to_string(), "a***@example.com");
        assert_eq!(Email::parse("Ünal@example.com").unwrap().masked().to_string(), "Ü***@example.com");
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused_without_a_panic(text in any::<String>()) {
            if let Ok(email) = Email::parse(&text) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email));
            }
        }

        #[test]
        fn what_was_normalised_is_normal(local in "[A-Za-z0-9üÄ.+_-]{1,20}", domain in "[A-Za-z0-9ü-]{1,12}\\.[a-zA-Z]{2,6}") {
            if let Ok(email) = Email::parse(&format!("{local}@{domain}")) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
                prop_assert!(email.as_str().is_ascii() || !local.is_ascii());
            }
        }
    }
}
