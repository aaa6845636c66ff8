//! What the queues of deliveries and of mail have in common.

use crate::id::{ClaimId, WebhookId};
use crate::timestamp::Timestamp;

/// What a process wants to try, of *lanes*: webhooks, or the workspaces that send mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest<Lane = WebhookId> {
    /// The claim it is to be under.
    pub claim: ClaimId,
    /// What is due at this instant.
    pub now: Timestamp,
    /// How long it is this process's.
    pub lease_until: Timestamp,
    /// The most for each lane; no other is claimed for.
    pub shares: Vec<(Lane, usize)>,
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueDepth {
    /// What waits or is being tried.
    pub pending: u64,
    /// Those of them that are being tried.
    pub running: u64,
    /// Since when the one that has waited longest is due.
    pub oldest_due_at: Option<Timestamp>,
}
