//! E-mail addresses, in the one form under which an address joins a waitlist once.

use std::fmt::{self, Write};

use email_address::EmailAddress;
use icu_normalizer::ComposingNormalizerBorrowed;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use serde::{Serialize, Serializer};

use crate::character::{Shown, is_blank, shown};
use crate::error::Invalid;

/// A normalised address: the local part in ASCII lower case, the domain in ASCII (UTS 46, RFC 5891) and lower case.
///
/// Only the host of an address may interpret its local part (RFC 5321, section 2.4). Therefore Rally changes nothing that could merge two
/// mailboxes: it does no Unicode case folding, and it removes no dots or `+tags`.
///
/// A quoted local part is refused, because `"ada"@example.com` and `ada@example.com` are two spellings of one mailbox. A local part that is
/// not in NFC is refused, and so is one with invisible, unassigned or private-use characters. Otherwise a local part may be anything that
/// RFC 5321 and RFC 6531 allow, in any script and with its marks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

impl Email {
    /// The most bytes of a whole address (RFC 3696, erratum 1690).
    pub const MAX: usize = 254;
    /// The most bytes of a local part (RFC 5321, section 4.5.3.1.1).
    pub const MAX_LOCAL: usize = 64;
    /// Why a list refuses an address of a throw-away service.
    pub const DISPOSABLE: Invalid = Invalid::fixed("must not be an address of a throw-away service");
    /// Why a list refuses an address whose domain takes no mail.
    pub const NO_MAIL: Invalid = Invalid::fixed("the domain of this address takes no mail");

    /// Trims, checks and normalises an address.
    ///
    /// # Errors
    /// If the text is not an address of the form `local@domain.tld`, or is too long.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Invalid::new("must not be empty"));
        }
        // A text that is far longer than any address is refused before any work on it.
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

    /// Wraps an address from a store without a check, because it was parsed before it was stored.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the normalised address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns a domain as addresses have it, in ASCII. `None` if it is none.
    pub fn domain_in_ascii(domain: &str) -> Option<String> {
        parse_domain(domain).ok()
    }

    /// Returns the part after the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// Returns the form that all addresses of one mailbox have, as far as anybody can tell: without a `+tag`, at Gmail without dots and
    /// with its first domain.
    ///
    /// Mail goes to the address as it was given. This form only tells mailboxes apart, and need not be an address that [`Email::parse`]
    /// takes.
    #[must_use]
    pub fn mailbox(&self) -> Self {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        // An address that begins with a plus has no other part to go by.
        let base = local.split('+').next().filter(|base| !base.is_empty()).unwrap_or(local);
        match domain {
            "gmail.com" | "googlemail.com" => Self(format!("{}@gmail.com", base.replace('.', ""))),
            _ => Self(format!("{base}@{domain}")),
        }
    }

    /// Returns the address as a stranger may see it: first character, `***`, `@`, domain.
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
    let is_dot_string = local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_in_atom));
    if local.len() > Email::MAX_LOCAL || !in_nfc || !is_dot_string || is_blank(local) {
        return Err(not_an_address());
    }
    Ok(local.to_ascii_lowercase())
}

/// Whether a character is `atext` (RFC 5321, section 4.1.2; RFC 6531, section 3.3) and visible.
///
/// An invisible character, such as a joiner, would make two local parts that look the same.
fn is_in_atom(c: char) -> bool {
    match c {
        '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^' | '_' | '`' | '{' | '|' | '}' | '~' => true,
        c if c.is_ascii() => c.is_ascii_alphanumeric(),
        c => matches!(shown(c), Shown::Alone | Shown::Combined),
    }
}

fn parse_domain(domain: &str) -> Result<String, Invalid> {
    // IDNA judges hyphens in the third and fourth place of its own labels. In other labels they are the choice of the owner.
    let ascii = Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify);
    let ascii = ascii.map_err(|_| not_an_address())?;
    let has_tld = ascii.rsplit_once('.').is_some_and(|(_, tld)| tld.bytes().any(|b| b.is_ascii_alphabetic()));
    if !has_tld || !EmailAddress::is_valid_domain(&ascii) {
        return Err(not_an_address());
    }
    Ok(ascii.into_owned())
}

fn not_an_address() -> Invalid {
    Invalid::new("must be an e-mail address")
}

fn too_long() -> Invalid {
    Invalid::new(format!("must be at most {} bytes", Email::MAX))
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
    fn addresses_of_one_mailbox_are_told() {
        for (address, mailbox) in [
            ("ada@example.com", "ada@example.com"),
            ("ada+list@example.com", "ada@example.com"),
            ("ada+a+b@example.com", "ada@example.com"),
            ("a.d.a@example.com", "a.d.a@example.com"),
            ("a.d.a+x@gmail.com", "ada@gmail.com"),
            ("A.da@GoogleMail.com", "ada@gmail.com"),
            ("+tag@example.com", "+tag@example.com"),
            ("+t.ag@gmail.com", "+tag@gmail.com"),
            ("ada+x@sub.gmail.com", "ada@sub.gmail.com"),
        ] {
            let found = Email::parse(address).unwrap().mailbox();
            assert_eq!(found.as_str(), mailbox, "{address}");
            assert_eq!(found.mailbox(), found, "{address}");
        }
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
        // The Kelvin sign is not in NFC. Its composed form is the letter K.
        assert!(Email::parse("\u{212A}elvin@example.com").is_err());
    }

    #[test]
    fn a_local_part_is_of_any_script_with_its_marks() {
        for (given, kept) in [
            ("संपर्क@डाटामेल.भारत", "संपर्क@xn--c2bd4bq1db8d.xn--h2brj9c"),
            ("ผู้ใช้@example.com", "ผู้ใช้@example.com"),
            ("தமிழ்@example.com", "தமிழ்@example.com"),
            ("用户@例子.公益", "用户@xn--fsqu00a.xn--55qw42g"),
            ("пример@испытание.рф", "пример@xn--80akhbyknj4f.xn--p1ai"),
            ("مُحَمَّد@example.com", "مُحَمَّد@example.com"),
            ("x\u{328}\u{301}.y@example.com", "x\u{328}\u{301}.y@example.com"),
            ("한글@example.com", "한글@example.com"),
            ("ada❤\u{2B50}@example.com", "ada❤\u{2B50}@example.com"),
            ("!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com"),
            ("ada@ab--cd.example", "ada@ab--cd.example"),
            // A joiner is allowed in a domain where the script needs it (RFC 5892, appendix A).
            ("ada@نامه\u{200C}ای.example", "ada@xn--mgba3gch31f060k.example"),
        ] {
            assert_eq!(normalised(given), kept);
        }
    }

    #[test]
    fn a_local_part_has_no_invisible_characters() {
        for c in "\u{3164}\u{2800}\u{115F}\u{1160}\u{FFA0}\u{200B}\u{200C}\u{200D}\u{2060}\u{FEFF}\u{AD}\u{34F}\u{FE0F}\u{E0041}\
            \u{E000}\u{F0000}\u{378}\u{FFFE}\u{FFFF}\u{10FFFF}\u{80}\u{85}\u{A0}\u{2003}\u{2028}\u{3000}\u{202E}\u{2066}\u{FFF9}"
            .chars()
        {
            for address in [format!("a{c}b@example.com"), format!("{c}@example.com"), format!("{c}a@example.com")] {
                let trimmed = c.is_whitespace() && address.starts_with(c) && !address.starts_with(&format!("{c}@"));
                assert_eq!(Email::parse(&address).is_ok(), trimmed, "{address:?}");
            }
        }
        assert!(Email::parse("\u{301}@example.com").is_err());
    }

    #[test]
    fn a_text_that_is_not_an_address_is_refused() {
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
        fn a_normalised_address_stays_the_same(local in "[A-Za-z0-9üÄ.+_-]{1,20}", domain in "[A-Za-z0-9ü-]{1,12}\\.[a-zA-Z]{2,6}") {
            if let Ok(email) = Email::parse(&format!("{local}@{domain}")) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
                prop_assert!(email.as_str().is_ascii() || !local.is_ascii());
            }
        }
    }
}
