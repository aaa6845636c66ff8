//! Suppressions: addresses that a workspace sends no mail to, each with a reason.

use crate::error::Invalid;
use crate::id::{SuppressionId, WorkspaceId};
use crate::mail::MailKind;
use crate::secret::AddressHash;
use crate::timestamp::Timestamp;

/// Why an address gets no mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SuppressionReason {
    /// The person ended the mail.
    Unsubscribed,
    /// The person said that the sign-up was not theirs.
    Refused,
    /// The mail server of the recipient said that the address does not exist.
    Bounced,
    /// The data of the person was erased.
    Erased,
    /// An admin suppressed the address.
    Manual,
}

impl SuppressionReason {
    /// All reasons.
    pub const ALL: [Self; 5] = [Self::Unsubscribed, Self::Refused, Self::Bounced, Self::Erased, Self::Manual];

    /// Returns the name on the wire and in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsubscribed => "unsubscribed",
            Self::Refused => "refused",
            Self::Bounced => "bounced",
            Self::Erased => "erased",
            Self::Manual => "manual",
        }
    }

    /// Reads the name on the wire.
    ///
    /// # Errors
    /// If there is no such reason.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|reason| reason.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be one of unsubscribed, refused, bounced, erased, manual"))
    }

    /// Whether the person can lift it, or it says nothing of their mail while they stand on a list.
    pub const fn is_theirs(self) -> bool {
        matches!(self, Self::Unsubscribed | Self::Erased)
    }

    /// Whether mail of a kind is not sent for this reason. A person who unsubscribed or was erased still gets the mail that they ask for
    /// themselves.
    pub const fn holds_back(self, kind: MailKind) -> bool {
        kind.can_be_unsubscribed() || !self.is_theirs()
    }
}

/// One reason for which a workspace sends no mail to an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// The id.
    pub id: SuppressionId,
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The hash of the address.
    pub address: AddressHash,
    /// The address as an admin may see it, unless nothing of it may be kept.
    pub masked_email: Option<String>,
    /// The reason.
    pub reason: SuppressionReason,
    /// When the address was suppressed for this reason.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_reads_back() {
        for reason in SuppressionReason::ALL {
            assert_eq!(SuppressionReason::parse(reason.as_str()), Ok(reason));
        }
        assert!(SuppressionReason::parse("Manual").is_err());
    }

    #[test]
    fn a_reason_holds_back_all_mail_or_all_but_what_was_asked_for() {
        for reason in SuppressionReason::ALL {
            let sent: Vec<&str> = MailKind::ALL.into_iter().filter(|kind| !reason.holds_back(*kind)).map(MailKind::as_str).collect();
            let expected: &[&str] = match reason.as_str() {
                "erased" | "unsubscribed" => &["confirm", "link"],
                _ => &[],
            };
            assert_eq!(sent, expected, "{reason:?}");
        }
    }
}
