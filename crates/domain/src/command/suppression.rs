//! Suppressing addresses, and lifting suppressions.

use crate::actor::Actor;
use crate::id::{SuppressionId, WorkspaceId};
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
