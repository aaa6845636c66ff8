//! Where API keys and the replies of repeatable requests are kept.

use async_trait::async_trait;

use crate::access::{ApiKey, RequestScope, StoredReply};
use crate::error::Fault;
use crate::id::{ApiKeyId, WorkspaceId};
use crate::timestamp::Timestamp;

/// Keeps API keys.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ApiKeyStore: Send + Sync {
    /// Keeps a new key.
    async fn insert(&self, key: ApiKey) -> Result<(), Fault>;

    /// The keys of a workspace, revoked ones too, in the order they were made.
    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<ApiKey>, Fault>;

    /// Revokes a key; tells whether there was one.
    ///
    /// - Every process MUST refuse it within a second: `access::an_api_key_is_found_until_it_is_revoked`.
    async fn revoke(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, Fault>;

    /// The keys with that prefix that were not revoked.
    ///
    /// - The whole prefix MUST be the same: `access::an_api_key_is_found_by_its_whole_prefix`.
    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<ApiKey>, Fault>;
}

/// Keeps the replies of repeatable requests.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ReplyStore: Send + Sync {
    /// The reply stored for a request since an instant.
    async fn find(&self, scope: &RequestScope, since: Timestamp) -> Result<Option<StoredReply>, Fault>;

    /// Deletes replies stored before an instant, about that many at most; tells how many.
    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault>;
}
