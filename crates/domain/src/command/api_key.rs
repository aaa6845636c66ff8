//! Creating and revoking API keys.

use crate::access::ApiKey;
use crate::actor::Actor;
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
