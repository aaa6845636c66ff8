//! Counts mails that were refused in a row. One refusal is about one mail. Many without one that is accepted are about the sender.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rally_domain::id::WorkspaceId;
use rally_domain::mail::MailOutcome;

/// The refusals in a row that are told.
const TOLD: u32 = 10;

/// The refusals in a row of each workspace, as this process sees them.
#[derive(Debug, Clone, Default)]
pub struct Refusals(Arc<Mutex<HashMap<WorkspaceId, u32>>>);

impl Refusals {
    /// Notes the result of an attempt. Returns whether it is the tenth refusal since a mail was accepted. A mailbox that does not exist
    /// tells nothing about the sender, and neither does a mail that is tried again.
    pub fn note(&self, workspace: WorkspaceId, outcome: MailOutcome) -> bool {
        let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            MailOutcome::Accepted => {
                rows.remove(&workspace);
                false
            }
            MailOutcome::Refused(_) => {
                let row = rows.entry(workspace).or_default();
                *row = row.saturating_add(1);
                *row == TOLD
            }
            MailOutcome::Bounced(_) | MailOutcome::KeyRefused(_) | MailOutcome::Failed { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use rally_domain::uuid::Uuid;

    use super::*;

    #[test]
    fn ten_refusals_in_a_row_are_told_once() {
        let (refusals, [acme, beta]) = (Refusals::default(), [1, 2].map(|n| WorkspaceId::new(Uuid::from_u128(n))));
        let refused = MailOutcome::Refused(550);
        let tenths = |times: usize| (0..times).filter(|_| refusals.note(acme, refused)).count();
        assert_eq!(tenths(9), 0);
        for other in [MailOutcome::Bounced(550), MailOutcome::Failed { status: None, retry_after: None }, MailOutcome::KeyRefused(401)] {
            assert!(!refusals.note(acme, other));
        }
        assert!(!refusals.note(beta, refused));
        assert_eq!((tenths(1), tenths(50)), (1, 0));
        assert!(!refusals.note(acme, MailOutcome::Accepted));
        assert_eq!((tenths(9), tenths(1)), (0, 1));
    }
}
