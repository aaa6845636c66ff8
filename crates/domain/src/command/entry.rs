//! Approving and rejecting entries.

use crate::entry::{Entry, EntryStatus};
use crate::event::{Event, EventKind};
use crate::id::{EntryId, EventId, WaitlistId};
use crate::timestamp::Timestamp;
use crate::waitlist::Waitlist;

/// What a reviewer says of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// Let in.
    Approve,
    /// Turn away.
    Reject,
}

impl Review {
    /// The status an entry has after it.
    pub const fn status(self) -> EntryStatus {
        match self {
            Self::Approve => EntryStatus::Approved,
            Self::Reject => EntryStatus::Rejected,
        }
    }

    const fn event(self) -> EventKind {
        match self {
            Self::Approve => EventKind::EntryApproved,
            Self::Reject => EventKind::EntryRejected,
        }
    }
}

/// Approves or rejects an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReviewEntry {
    /// The waitlist it must be on.
    pub waitlist_id: WaitlistId,
    /// The entry.
    pub entry_id: EntryId,
    /// What is said of it.
    pub review: Review,
    /// The event's identity, where there is one to tell.
    pub event_id: EventId,
    /// When.
    pub now: Timestamp,
}

/// What a review means.
#[derive(Debug, Clone, PartialEq)]
pub enum ReviewPlan {
    /// The entry stands so already; nothing is written and nothing told.
    None(Entry),
    /// The entry is to be as given, and the event is told; both are written or neither.
    Change {
        /// The entry after the review.
        entry: Entry,
        /// The status it had.
        from: EntryStatus,
        /// What to tell.
        event: Event,
    },
}

/// Why an entry was not reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryRejection {
    /// The waitlist has no such entry.
    #[error("this entry does not exist")]
    NoSuchEntry,
    /// It was invited into an app: too late to turn it away.
    #[error("an entry that was invited cannot be rejected")]
    AlreadyInvited,
}

impl ReviewEntry {
    /// Decides over a review, given the entry as it is now with its waitlist.
    ///
    /// # Errors
    /// When there is no such entry, or it was invited and is to be rejected.
    pub fn decide(&self, current: Option<(Entry, Waitlist)>) -> Result<ReviewPlan, EntryRejection> {
        let (current, waitlist) = current.ok_or(EntryRejection::NoSuchEntry)?;
        let (from, to) = (current.status, self.review.status());
        if from == to {
            return Ok(ReviewPlan::None(current));
        }
        if self.review == Review::Reject && current.invitation.is_some() {
            return Err(EntryRejection::AlreadyInvited);
        }
        let entry = Entry { status: to, updated_at: self.now, ..current };
        let event = Event::new(self.event_id, self.review.event(), self.now, &entry, &waitlist);
        Ok(ReviewPlan::Change { entry, from, event })
    }
}
