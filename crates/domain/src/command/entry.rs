//! Approving, rejecting, inviting and deleting entries.

use crate::actor::Actor;
use crate::audit::{AuditAction, Audited, change, changes};
use crate::entry::{Entry, EntryStatus, Invitation};
use crate::event::{Event, EventKind};
use crate::id::{EntryId, EventId, WaitlistId};
use crate::invite::{Invite, InviteError, InvitedBy};
use crate::mail::{Links, Mail, MailSetup};
use crate::timestamp::Timestamp;
use crate::waitlist::Waitlist;

/// The decision of a reviewer about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Review {
    /// Approve the entry.
    Approve,
    /// Reject the entry.
    Reject,
}

impl Review {
    /// Returns the status of an entry after the review.
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

    const fn action(self) -> AuditAction {
        match self {
            Self::Approve => AuditAction::EntryApprove,
            Self::Reject => AuditAction::EntryReject,
        }
    }
}

/// The stored state that a change of an entry needs. The store keeps it locked until the plan is written.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryFacts {
    /// The entry.
    pub entry: Entry,
    /// The waitlist of the entry.
    pub waitlist: Waitlist,
    /// How the workspace sends mail, if it does.
    pub mail: Option<MailSetup>,
}

/// Approves or rejects an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewEntry {
    /// The waitlist that the entry must be on.
    pub waitlist_id: WaitlistId,
    /// The entry.
    pub entry_id: EntryId,
    /// The decision.
    pub review: Review,
    /// The id of the event, if the review causes one.
    pub event_id: EventId,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
    /// The base of the links in the mail.
    pub links: Links,
}

/// The result of a review.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is taken apart at once")]
pub enum ReviewPlan {
    /// The entry has that status already. The store writes nothing.
    None(Entry),
    /// The status changes. The store writes the entry, the event and the mail together.
    Change {
        /// The entry after the review.
        entry: Entry,
        /// The status before the review.
        from: EntryStatus,
        /// The event to write.
        event: Event,
        /// The mail to write, if the workspace sends mail.
        mail: Option<Mail>,
    },
}

/// Why an entry was not reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryRejection {
    /// The waitlist has no such entry.
    #[error("this entry does not exist")]
    NoSuchEntry,
    /// The entry was invited into an app and can no longer be rejected.
    #[error("an entry that was invited cannot be rejected")]
    AlreadyInvited,
}

impl ReviewEntry {
    /// Decides on a review, for the entry as it is now.
    ///
    /// # Errors
    /// If the entry does not exist, or if it was invited and the review rejects it.
    pub fn decide(&self, facts: Option<EntryFacts>) -> Result<Audited<ReviewPlan>, EntryRejection> {
        let EntryFacts { entry: current, waitlist, mail } = facts.ok_or(EntryRejection::NoSuchEntry)?;
        let (from, to) = (current.status, self.review.status());
        if from == to {
            return Ok(Audited::silent(ReviewPlan::None(current)));
        }
        if self.review == Review::Reject && current.invitation.is_some() {
            return Err(EntryRejection::AlreadyInvited);
        }
        let changed = change("status", from.as_str(), to.as_str());
        let row = self.actor.audit(self.now, current.workspace_id, self.review.action(), current.id, changed);
        let entry = Entry { status: to, updated_at: self.now, ..current };
        let event = Event::new(self.event_id, self.review.event(), self.now, &entry, &waitlist);
        let told = (self.event_id, self.review.event());
        let mail = mail.and_then(|setup| Mail::of_event(&setup, &self.links, told, self.now, &entry, &waitlist));
        Ok(Audited::new(ReviewPlan::Change { entry, from, event, mail }, row))
    }
}

/// Whether Rally sends the link of an invitation by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InviteMail {
    /// Rally sends it, if the workspace sends mail.
    Send,
    /// Rally does not send it. The admin does.
    DoNotSend,
}

/// Records that an entry was invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordInvitation {
    /// The waitlist that the entry must be on.
    pub waitlist_id: WaitlistId,
    /// The entry.
    pub entry_id: EntryId,
    /// What invites the person.
    pub by: InvitedBy,
    /// Whether Rally sends the link by mail.
    pub mail: InviteMail,
    /// Who makes the change.
    pub actor: Actor,
    /// The id of the event, if the invitation is new.
    pub event_id: EventId,
    /// The current time.
    pub now: Timestamp,
    /// The base of the links in the mail.
    pub links: Links,
}

/// The result of recording an invitation. The store writes all of it or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct InvitationPlan {
    /// The entry to write, with its invitation. It is unchanged if it was invited into the same app, or by the link, before.
    pub invited: Invited,
    /// The event to write, if the invitation is new.
    pub event: Option<Event>,
    /// The mail to write. The store writes nothing if it has the same mail already.
    pub mail: Option<Mail>,
}

/// An entry that was invited.
#[derive(Debug, Clone, PartialEq)]
pub struct Invited {
    /// The entry, with its invitation recorded.
    pub entry: Entry,
    /// The invitation.
    pub invite: Invite,
}

/// Why an entry was not invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteRejection {
    /// The waitlist has no such entry.
    #[error("this entry does not exist")]
    NoSuchEntry,
    /// Neither the request nor the workspace's settings name an app, and the list has no link.
    #[error("no app is linked: name one, or set default_heimdall_app_slug or the list's invite_url")]
    NoLinkedApp,
    /// An app is named, and this server knows no service that invites.
    #[error("no Heimdall is configured on this server, so it can invite nobody into an app")]
    NoService,
    /// The entry is not approved.
    #[error("only an approved entry can be invited")]
    NotApproved,
    /// The service that invites failed or refused.
    #[error(transparent)]
    Invite(InviteError),
}

impl RecordInvitation {
    /// Decides on the record, for the entry as it is now.
    ///
    /// # Errors
    /// If the entry does not exist or is not approved, or no app is named and the list has no link.
    pub fn decide(&self, facts: Option<EntryFacts>) -> Result<Audited<InvitationPlan>, InviteRejection> {
        let EntryFacts { entry, waitlist, mail } = facts.ok_or(InviteRejection::NoSuchEntry)?;
        let (app_slug, invite) = match &self.by {
            InvitedBy::App { slug, invite } => (Some(slug.clone()), invite.clone()),
            InvitedBy::Link => {
                let link = waitlist.settings.invite_url.as_ref().ok_or(InviteRejection::NoLinkedApp)?;
                (None, link.invite(&entry, self.links.secret()))
            }
        };
        if entry.status != EntryStatus::Approved {
            return Err(InviteRejection::NotApproved);
        }
        let known = entry.invitation.as_ref().is_some_and(|invitation| invitation.app_slug == app_slug);
        let invitation = Some(Invitation { at: self.now, app_slug });
        let before = entry.clone();
        let entry = if known { entry } else { Entry { invitation, updated_at: self.now, ..entry } };
        let changes = changes(Some(&before), Some(&entry));
        let row = self.actor.audit(self.now, entry.workspace_id, AuditAction::EntryInvite, entry.id, changes);
        let setup = mail.filter(|_| self.mail == InviteMail::Send);
        let mail = setup.and_then(|setup| Mail::of_invitation(&setup, &self.links, &invite, self.now, &entry, &waitlist));
        let event = (!known).then(|| Event::new(self.event_id, EventKind::EntryInvited, self.now, &entry, &waitlist));
        Ok(Audited::new(InvitationPlan { invited: Invited { entry, invite }, event, mail }, row))
    }
}

/// Deletes an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteEntry {
    /// The waitlist that the entry must be on.
    pub waitlist_id: WaitlistId,
    /// The entry.
    pub entry_id: EntryId,
    /// The id of the event.
    pub event_id: EventId,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

impl DeleteEntry {
    /// Returns the event to write, for the entry as it is now. What is undelivered about the entry is dropped first.
    pub fn decide(&self, entry: &Entry) -> Audited<Event> {
        let changes = changes(Some(entry), None);
        let row = self.actor.audit(self.now, entry.workspace_id, AuditAction::EntryDelete, entry.id, changes);
        Audited::new(Event::gone(self.event_id, EventKind::EntryDeleted, self.now, entry), row)
    }
}
