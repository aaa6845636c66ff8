//! Where API keys and stored replies are kept.

use async_trait::async_trait;

use crate::access::{ApiKey, RequestScope, StoredReply};
use crate::command::{CreateApiKey, RevokeApiKey};
use crate::error::Fault;
use crate::id::WorkspaceId;
use crate::timestamp::Timestamp;

/// Keeps API keys.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ApiKeyStore: Send + Sync {
    /// Keeps a new key.
    async fn insert(&self, command: CreateApiKey) -> Result<(), Fault>;

    /// The keys of a workspace, revoked ones too.
    ///
    /// - They MUST be in the order they were created: `access::api_keys_are_in_the_order_of_their_creation`.
    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<ApiKey>, Fault>;

    /// Revokes a key. Returns whether there was one.
    ///
    /// - Every process MUST refuse it within a second, and this one at once: `access::an_api_key_is_found_until_it_is_revoked`.
    /// - A key that was revoked before MUST keep the time of that: `access::an_api_key_is_found_until_it_is_revoked`.
    async fn revoke(&self, command: RevokeApiKey) -> Result<bool, Fault>;

    /// The keys with that prefix that are not revoked.
    ///
    /// - The whole prefix MUST be the same: `access::an_api_key_is_found_by_its_whole_prefix`.
    /// - The keys of every workspace MUST be found: `access::a_prefix_finds_the_keys_of_every_workspace`.
    /// - A change MUST show at once in the process that made it, and within a second in another one:
    ///   `access::an_api_key_is_found_until_it_is_revoked`.
    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<ApiKey>, Fault>;
}

/// Keeps the replies of repeatable requests.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ReplyStore: Send + Sync {
    /// The reply stored for a request since an instant.
    ///
    /// - After a receipt expired, the reply of the next one MUST take its place: `access::a_receipt_lasts_a_day`,
    ///   `webhooks::a_receipt_of_a_webhook_lasts_a_day`.
    /// - It MUST stay, even if the effect of its request is deleted: `access::a_receipt_outlives_the_waitlist_it_made`.
    async fn find(&self, scope: &RequestScope, since: Timestamp) -> Result<Option<StoredReply>, Fault>;

    /// Deletes replies that were stored before an instant, at most about that many. Returns how many it deleted.
    ///
    /// - A prune MUST end after about that many, and leave newer replies: `access::stored_replies_are_pruned_so_many_at_a_time`.
    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault>;
}
