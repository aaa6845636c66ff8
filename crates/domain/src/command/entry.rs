//! Approving, rejecting and inviting entries.

use crate::entry::{Entry, EntryStatus, Invitation};
use crate::event::{Event, EventKind};
use crate::id::{EntryId, EventId, WaitlistId};
use crate::invite::{Invite, InviteError};
use crate::mail::{Links, Mail, MailSetup};
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

/// What bears on a change of an entry, locked so that it stays so until the plan is written.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryFacts {
    /// The entry.
    pub entry: Entry,
    /// Its waitlist.
    pub waitlist: Waitlist,
    /// How the workspace sends mail, if it does.
    pub mail: Option<MailSetup>,
}

/// Approves or rejects an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The base of the links in its mail.
    pub links: Links,
}

/// What a review means.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
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
        /// What to write to the person.
        mail: Option<Mail>,
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
    /// Decides over a review, given the entry as it is now.
    ///
    /// # Errors
    /// When there is no such entry, or it was invited and is to be rejected.
    pub fn decide(&self, facts: Option<EntryFacts>) -> Result<ReviewPlan, EntryRejection> {
        let EntryFacts { entry: current, waitlist, mail } = facts.ok_or(EntryRejection::NoSuchEntry)?;
        let (from, to) = (current.status, self.review.status());
        if from == to {
            return Ok(ReviewPlan::None(current));
        }
        if self.review == Review::Reject && current.invitation.is_some() {
            return Err(EntryRejection::AlreadyInvited);
        }
        let entry = Entry { status: to, updated_at: self.now, ..current };
        let event = Event::new(self.event_id, self.review.event(), self.now, &entry, &waitlist);
        let told = (self.event_id, self.review.event());
        let mail = mail.map(|setup| Mail::of_event(&setup, &self.links, told, self.now, &entry, &waitlist));
        Ok(ReviewPlan::Change { entry, from, event, mail })
    }
}

/// Whether a person gets the link of an invitation by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InviteMail {
    /// If the workspace sends mail.
    Send,
    /// Whoever invites sees to it.
    DoNotSend,
}

/// Records that an entry was invited into an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordInvitation {
    /// The waitlist it must be on.
    pub waitlist_id: WaitlistId,
    /// The entry.
    pub entry_id: EntryId,
    /// The app.
    pub app_slug: String,
    /// The invitation.
    pub invite: Invite,
    /// Whether the person gets the link by mail.
    pub mail: InviteMail,
    /// When.
    pub now: Timestamp,
    /// The base of the links in its mail.
    pub links: Links,
}

/// What recording an invitation means: all of it is written, or none.
#[derive(Debug, Clone, PartialEq)]
pub struct InvitationPlan {
    /// The entry as it is to be; as it was where it was invited into the same app before.
    pub entry: Entry,
    /// What to write to the person; nothing new where the same mail is there already.
    pub mail: Option<Mail>,
}

/// Why an entry was not invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteRejection {
    /// The waitlist has no such entry.
    #[error("this entry does not exist")]
    NoSuchEntry,
    /// Neither the request nor the workspace's settings name an app.
    #[error("no app is linked: name one, or set default_heimdall_app_slug")]
    NoLinkedApp,
    /// It was not approved, or is not any more.
    #[error("only an approved entry can be invited")]
    NotApproved,
    /// The service that invites did not.
    #[error(transparent)]
    Invite(InviteError),
}

impl RecordInvitation {
    /// Decides over the record, given the entry as it is now.
    ///
    /// # Errors
    /// When the entry is gone or not approved any more.
    pub fn decide(&self, facts: Option<EntryFacts>) -> Result<InvitationPlan, InviteRejection> {
        let EntryFacts { entry, waitlist, mail } = facts.ok_or(InviteRejection::NoSuchEntry)?;
        if entry.status != EntryStatus::Approved {
            return Err(InviteRejection::NotApproved);
        }
        let known = entry.invitation.as_ref().is_some_and(|invitation| invitation.app_slug == self.app_slug);
        let invitation = Some(Invitation { at: self.now, app_slug: self.app_slug.clone() });
        let entry = if known { entry } else { Entry { invitation, updated_at: self.now, ..entry } };
        let setup = mail.filter(|_| self.mail == InviteMail::Send);
        let mail = setup.map(|setup| Mail::of_invitation(&setup, &self.links, &self.invite, self.now, &entry, &waitlist));
        Ok(InvitationPlan { entry, mail })
    }
}
