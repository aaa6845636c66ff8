//! What the statuses of other services mean for an entry.

use rally_domain::entry::EntryStatus;
use rally_domain::suppression::SuppressionReason;

/// What a status says: how the entry stands, and whether its address gets mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The status of the entry.
    pub status: EntryStatus,
    /// Why the address gets no mail, if so.
    pub suppressed: Option<SuppressionReason>,
}

impl Standing {
    /// Reads a status in any case. An unknown one, and none, means that the person waits.
    pub fn of(status: &str) -> Self {
        let (status, suppressed) = match status.trim().to_ascii_lowercase().as_str() {
            "invited" | "active" | "approved" => (EntryStatus::Approved, None),
            "rejected" | "suspended" => (EntryStatus::Rejected, None),
            "unsubscribed" => (EntryStatus::Pending, Some(SuppressionReason::Unsubscribed)),
            // Somebody decided that the address gets no mail at all.
            "blocklisted" => (EntryStatus::Pending, Some(SuppressionReason::Manual)),
            _ => (EntryStatus::Pending, None),
        };
        Self { status, suppressed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_means_what_the_table_says() {
        use EntryStatus::{Approved, Pending, Rejected};
        for (status, expected, suppressed) in [
            ("applied", Pending, false),
            ("enabled", Pending, false),
            ("waitlisted", Pending, false),
            ("pending", Pending, false),
            (" Invited ", Approved, false),
            ("ACTIVE", Approved, false),
            ("approved", Approved, false),
            ("rejected", Rejected, false),
            ("suspended", Rejected, false),
            ("unsubscribed", Pending, true),
            ("blocklisted", Pending, true),
            ("whatever", Pending, false),
            ("", Pending, false),
        ] {
            let standing = Standing::of(status);
            assert_eq!((standing.status, standing.suppressed.is_some()), (expected, suppressed), "{status}");
        }
    }
}
