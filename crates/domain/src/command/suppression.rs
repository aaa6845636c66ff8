//! Suppressing addresses, and lifting suppressions.

use crate::actor::Actor;
use crate::audit::{AuditAction, Audited, changes};
use crate::command::EntryFacts;
use crate::event::{Event, EventKind};
use crate::id::{EntryId, EventId, SuppressionId, WaitlistId, WorkspaceId};
use crate::mail::Links;
use crate::secret::AddressHash;
use crate::suppression::{Suppression, SuppressionReason};
use crate::timestamp::Timestamp;

/// Suppresses an address for a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppress {
    /// The id of the new suppression.
    pub id: SuppressionId,
    /// The workspace whose mail the address gets no more.
    pub workspace_id: WorkspaceId,
    /// The hash of the address.
    pub address: AddressHash,
    /// The address as an admin may see it, unless nothing of it may be kept.
    pub masked_email: Option<String>,
    /// The reason.
    pub reason: SuppressionReason,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Suppresses the address of a person who wants no more mail of a workspace, and tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe {
    /// The waitlist that the entry must be on.
    pub waitlist_id: WaitlistId,
    /// The entry of the person.
    pub entry_id: EntryId,
    /// The id of the new suppression.
    pub suppression_id: SuppressionId,
    /// The id of the event.
    pub event_id: EventId,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
    /// The links, whose secret makes the hash of the address.
    pub links: Links,
}

/// The result of ending the mail to a person. If the workspace has a suppression of this address and reason, the store writes nothing.
/// Otherwise it writes both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsubscribePlan {
    /// The suppression to write.
    pub suppression: Suppression,
    /// The event to write.
    pub event: Event,
}

/// Why the mail to a person was not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsubscribeRejection {
    /// The waitlist has no such entry.
    #[error("this entry does not exist")]
    NoSuchEntry,
}

impl Unsubscribe {
    /// Returns the suppression and the event, for the entry as it is now.
    ///
    /// # Errors
    /// If the entry does not exist.
    pub fn decide(&self, facts: Option<EntryFacts>) -> Result<UnsubscribePlan, UnsubscribeRejection> {
        let EntryFacts { entry, waitlist, .. } = facts.ok_or(UnsubscribeRejection::NoSuchEntry)?;
        let email = &entry.profile.email;
        let suppression = Suppression {
            id: self.suppression_id,
            workspace_id: entry.workspace_id,
            address: self.links.secret().hash_address(email),
            masked_email: Some(email.masked().to_string()),
            reason: SuppressionReason::Unsubscribed,
            created_at: self.now,
        };
        let event = Event::new(self.event_id, EventKind::EntryUnsubscribed, self.now, &entry, &waitlist);
        Ok(UnsubscribePlan { suppression, event })
    }
}

/// Lifts a suppression. Other suppressions of the same address stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiftSuppression {
    /// The workspace that the suppression must belong to.
    pub workspace_id: WorkspaceId,
    /// The suppression.
    pub id: SuppressionId,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Why an address was not suppressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SuppressRejection {
    /// The workspace does not exist.
    #[error("this workspace does not exist")]
    NoSuchWorkspace,
}

/// The stored state that a new suppression needs. The store keeps it locked until the suppression is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SuppressFacts {
    /// Whether the workspace exists.
    pub workspace_exists: bool,
}

impl Suppress {
    /// Returns the suppression to write, unless the workspace has one of this address and reason.
    ///
    /// # Errors
    /// If the workspace does not exist.
    pub fn decide(self, facts: SuppressFacts) -> Result<Suppression, SuppressRejection> {
        if !facts.workspace_exists {
            return Err(SuppressRejection::NoSuchWorkspace);
        }
        Ok(Suppression {
            id: self.id,
            workspace_id: self.workspace_id,
            address: self.address,
            masked_email: self.masked_email,
            reason: self.reason,
            created_at: self.now,
        })
    }
}

impl Suppress {
    /// Returns the suppression that the workspace has after the command: the new one, or the one that was there.
    pub fn kept(actor: &Actor, new: SuppressionId, kept: Suppression) -> Audited<Suppression> {
        let changes = if kept.id == new { changes(None, Some(&kept)) } else { serde_json::Map::new() };
        let row = actor.audit(kept.created_at, kept.workspace_id, AuditAction::SuppressionCreate, kept.id, changes);
        Audited::new(kept, row)
    }
}

impl LiftSuppression {
    /// Returns whether there is a suppression to lift, from the suppression as it is now.
    pub fn decide(&self, current: Option<&Suppression>) -> Audited<bool> {
        let audit = |lifted: &Suppression| {
            let changes = changes(Some(lifted), None);
            self.actor.audit(self.now, lifted.workspace_id, AuditAction::SuppressionDelete, lifted.id, changes)
        };
        Audited::new(current.is_some(), current.and_then(audit))
    }
}
