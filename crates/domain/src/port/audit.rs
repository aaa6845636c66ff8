//! The audit log.

use async_trait::async_trait;

use crate::audit::{AuditFilter, AuditRecord};
use crate::command::MintToken;
use crate::error::Fault;
use crate::id::WorkspaceId;
use crate::paging::{AuditKey, Limit, Page};
use crate::timestamp::Timestamp;

/// Keeps the audit log. Every command of an admin writes its rows: a decision returns them with its plan.
///
/// - The rows of a command MUST be written with its change: `audit::every_change_of_an_admin_has_its_row`,
///   `audit::of_many_changes_at_once_each_has_its_row`, `audit::a_bulk_decision_has_a_row_for_each`,
///   `audit::an_import_has_a_row_at_its_start_and_its_end`.
/// - What is refused, or changes nothing, MUST leave no row: `audit::what_changes_nothing_has_no_row`.
/// - What visitors do MUST leave no row: `audit::visitors_leave_no_rows`.
/// - A row MUST outlive what it is about, its workspace too, and MUST NOT change: `audit::rows_outlive_their_workspace`.
/// - What differs MUST be what the store had just before: `audit::of_many_changes_at_once_each_has_its_row`.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Notes that a token was minted.
    ///
    /// - Its row MUST read back: `audit::a_minted_token_is_noted`.
    async fn note_token(&self, command: MintToken) -> Result<(), Fault>;

    /// The rows about a workspace that a filter lets through, after a key. Without a workspace: those that are about none.
    ///
    /// - Every field MUST read back: `audit::a_row_reads_back_as_it_was_written`.
    /// - The newest MUST come first, and a page MUST name a next key if and only if more rows follow:
    ///   `audit::pages_go_newest_first`.
    /// - Every part of the filter MUST count: `audit::rows_are_found_by_target_actor_and_action`.
    /// - Rows about another workspace MUST NOT be there: `audit::rows_are_found_by_target_actor_and_action`.
    async fn list(
        &self,
        workspace_id: Option<WorkspaceId>,
        filter: AuditFilter,
        after: Option<AuditKey>,
        limit: Limit,
    ) -> Result<Page<AuditRecord, AuditKey>, Fault>;

    /// Deletes rows from before an instant, at most that many. Returns how many.
    ///
    /// - Later rows MUST stay: `audit::old_rows_are_pruned_so_many_at_a_time`.
    /// - A prune MUST end after about that many: `audit::old_rows_are_pruned_so_many_at_a_time`.
    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault>;
}
