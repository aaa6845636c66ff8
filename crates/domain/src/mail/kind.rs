//! The kinds of mail.

use crate::error::Invalid;

/// Why a mail is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MailKind {
    /// A person is asked to confirm the address of a sign-up.
    Confirm,
    /// A person is on the list.
    Welcome,
    /// An entry is approved.
    Approved,
    /// An entry is rejected.
    Rejected,
    /// An entry is invited into an app.
    Invited,
    /// A person asked for their own link.
    Link,
}

impl MailKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [Self::Confirm, Self::Welcome, Self::Approved, Self::Rejected, Self::Invited, Self::Link];

    /// Returns the name on the wire and in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Welcome => "welcome",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Invited => "invited",
            Self::Link => "link",
        }
    }

    /// Reads the name on the wire.
    ///
    /// # Errors
    /// If there is no such kind.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be one of confirm, welcome, approved, rejected, invited, link"))
    }

    /// Whether a person may end the mail of this kind by unsubscribing. `confirm` and `link` are sent because the person asked just now.
    pub const fn can_be_unsubscribed(self) -> bool {
        !matches!(self, Self::Confirm | Self::Link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back() {
        for kind in MailKind::ALL {
            assert_eq!(MailKind::parse(kind.as_str()), Ok(kind));
        }
        assert!(MailKind::parse("Welcome").is_err());
    }
}
