//! Where suppressions are kept.

use async_trait::async_trait;

use crate::command::{LiftSuppression, Suppress, SuppressRejection, Unsubscribe, UnsubscribeRejection};
use crate::error::{CommandError, Fault};
use crate::id::WorkspaceId;
use crate::paging::{Limit, Page, SuppressionKey};
use crate::secret::AddressHash;
use crate::suppression::{Suppression, SuppressionReason};

/// Keeps the addresses that get no mail.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SuppressionStore: Send + Sync {
    /// Suppresses an address for a reason. If the workspace has this suppression already, it is returned unchanged. [`Suppress::kept`]
    /// returns what is written to the audit log.
    ///
    /// - It MUST read back as it was written: `suppressions::a_suppression_reads_back_as_it_was_written`.
    /// - A workspace MUST NOT get two of one address and reason, under concurrency too, and the first one MUST stay:
    ///   `suppressions::an_address_is_suppressed_once_for_a_reason`,
    ///   `suppressions::an_address_is_suppressed_once_for_a_reason_under_concurrency`. This includes a suppression that a bounce, a
    /// refusal,
    ///   an import, an erasure or the end of the mail causes: `suppressions::every_way_suppresses_an_address_once_for_a_reason`.
    /// - A workspace that does not exist MUST NOT get one: `suppressions::a_suppression_needs_its_workspace`.
    async fn suppress(&self, command: Suppress) -> Result<Suppression, CommandError<SuppressRejection>>;

    /// Suppresses the address of an entry as `unsubscribed`, and writes the event of it.
    ///
    /// - Both MUST be written, or nothing, whatever other suppressions the address has, and only once however often it is repeated, under
    ///   concurrency too:
    ///   `changes::an_unsubscription_is_told_once`.
    /// - An entry that is not on the list MUST be refused: `changes::an_unsubscription_is_told_once`.
    async fn unsubscribe(&self, command: Unsubscribe) -> Result<(), CommandError<UnsubscribeRejection>>;

    /// Lifts a suppression. Returns whether the workspace had it.
    ///
    /// - The suppression of another workspace MUST stay: `suppressions::a_workspace_has_suppressions_of_its_own`.
    /// - Other suppressions of the address MUST stay: `suppressions::lifting_one_suppression_leaves_the_others`.
    async fn lift(&self, command: LiftSuppression) -> Result<bool, Fault>;

    /// Lifts the suppression of an address for a reason. Returns whether the workspace had it.
    ///
    /// - The suppression of another workspace MUST stay: `suppressions::a_workspace_has_suppressions_of_its_own`.
    /// - Other suppressions of the address, and of others for this reason, MUST stay:
    ///   `suppressions::lifting_one_suppression_leaves_the_others`.
    async fn lift_reason(&self, workspace_id: WorkspaceId, address: AddressHash, reason: SuppressionReason) -> Result<bool, Fault>;

    /// The suppressions of an address.
    ///
    /// - They MUST be in the order of their creation, newest first: `suppressions::suppressions_go_newest_first`.
    /// - A change MUST show at once in every process: `suppressions::a_suppression_shows_in_every_process_at_once`.
    /// - Those of a deleted workspace MUST NOT be found, purged or not:
    ///   `suppressions::a_deleted_workspace_has_no_suppressions_before_it_is_purged`.
    async fn find(&self, workspace_id: WorkspaceId, address: AddressHash) -> Result<Vec<Suppression>, Fault>;

    /// The suppressions of a workspace, after a key.
    ///
    /// - They MUST be in the order of their creation, newest first: `suppressions::suppressions_go_newest_first`.
    /// - A page MUST name a next key if more rows follow, and none if not: `suppressions::a_full_last_page_of_suppressions_has_no_next`.
    /// - Rows added or lifted between two pages MUST NOT make another row appear twice or not at all:
    ///   `suppressions::pages_of_suppressions_go_on_where_they_were`.
    /// - Those of a deleted workspace MUST NOT be listed, purged or not:
    ///   `suppressions::a_deleted_workspace_has_no_suppressions_before_it_is_purged`.
    async fn list(
        &self,
        workspace_id: WorkspaceId,
        after: Option<SuppressionKey>,
        limit: Limit,
    ) -> Result<Page<Suppression, SuppressionKey>, Fault>;
}
