//! Creating and revoking API keys.

use crate::access::ApiKey;
use crate::actor::Actor;
use crate::audit::{AuditAction, Audited, changes};
use crate::id::ApiKeyId;
use crate::timestamp::Timestamp;

/// Creates an API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateApiKey {
    /// The new key.
    pub key: ApiKey,
    /// Who makes the change.
    pub actor: Actor,
}

/// Revokes an API key. The first revocation counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeApiKey {
    /// The key.
    pub id: ApiKeyId,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

impl CreateApiKey {
    /// Returns the key to write.
    pub fn decide(self) -> Audited<ApiKey> {
        let (key, changes) = (&self.key, changes(None, Some(&self.key)));
        let row = self.actor.audit(key.created_at, key.workspace_id, AuditAction::KeyCreate, key.id, changes);
        Audited::new(self.key, row)
    }
}

impl RevokeApiKey {
    /// Returns the revoked key to write, from the key as it is now. `None` means that there is no such key that works.
    pub fn decide(&self, current: Option<ApiKey>) -> Audited<Option<ApiKey>> {
        let Some(current) = current.filter(|key| key.revoked_at.is_none()) else { return Audited::silent(None) };
        let revoked = ApiKey { revoked_at: Some(self.now), ..current.clone() };
        let changes = changes(Some(&current), Some(&revoked));
        let row = self.actor.audit(self.now, revoked.workspace_id, AuditAction::KeyDelete, revoked.id, changes);
        Audited::new(Some(revoked), row)
    }
}
