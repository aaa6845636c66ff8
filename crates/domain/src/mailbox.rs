//! Mailboxes: which addresses deliver to the same one.

use crate::email::Email;

/// The mailbox that an address delivers to. Addresses of one mailbox look different, and one person reads them all.
///
/// The part of a local part behind a `+` is a tag that most mail servers ignore. Gmail also ignores dots, and `googlemail.com` is another
/// name of `gmail.com`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mailbox(String);

impl Mailbox {
    /// Returns the mailbox of an address.
    pub fn of(email: &Email) -> Self {
        let (local, domain) = email.as_str().rsplit_once('@').unwrap_or((email.as_str(), ""));
        let (local, domain) = (local.to_ascii_lowercase(), domain.to_ascii_lowercase());
        // A local part that begins with the sign has no name in front of it.
        let name = local.split_once('+').map_or(local.as_str(), |(name, _)| if name.is_empty() { &local } else { name });
        Self(match domain.as_str() {
            "gmail.com" | "googlemail.com" => format!("{}@gmail.com", name.replace('.', "")),
            _ => format!("{name}@{domain}"),
        })
    }

    /// Returns the address that all addresses of the mailbox have in common.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(address: &str) -> String {
        Mailbox::of(&Email::parse(address).unwrap()).as_str().to_owned()
    }

    #[test]
    fn addresses_that_one_person_reads_have_one_mailbox() {
        for (address, expected) in [
            ("Ada+list@Example.com", "ada@example.com"),
            ("ada+a+b@example.com", "ada@example.com"),
            ("a.d.a@example.com", "a.d.a@example.com"),
            ("+ada@example.com", "+ada@example.com"),
            ("A.d.a+x@gmail.com", "ada@gmail.com"),
            ("ada@googlemail.com", "ada@gmail.com"),
            ("ada@gmail.com.example.com", "ada@gmail.com.example.com"),
        ] {
            assert_eq!(mailbox(address), expected, "{address}");
        }
        assert_ne!(mailbox("ada@example.com"), mailbox("ada@example.org"));
    }
}
