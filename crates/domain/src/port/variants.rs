//! Where variants are kept.

use async_trait::async_trait;

use crate::command::{CreateVariant, DeleteVariant, UpdateVariant, VariantRejection};
use crate::error::{CommandError, Fault};
use crate::id::WaitlistId;
use crate::variant::Variant;

/// Keeps variants.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait VariantStore: Send + Sync {
    /// Creates a variant.
    ///
    /// - A deleted waitlist MUST NOT get one: `deletions::a_deleted_waitlist_takes_no_changes`.
    /// - It MUST read back as it was written, active or not: `variants::a_variant_reads_back_as_it_was_written`.
    async fn create(&self, command: CreateVariant) -> Result<Variant, CommandError<VariantRejection>>;

    /// Changes a variant.
    ///
    /// - Concurrent updates MUST NOT lose each other's fields: `variants::an_update_of_a_variant_changes_what_is_given`.
    async fn update(&self, command: UpdateVariant) -> Result<Variant, CommandError<VariantRejection>>;

    /// Deletes a variant. Returns whether the waitlist had it.
    ///
    /// - The sign-ups that it won MUST still be counted for it: `variants::a_deleted_variant_keeps_its_sign_ups`.
    async fn delete(&self, command: DeleteVariant) -> Result<bool, Fault>;

    /// The variants of a waitlist, without deleted ones.
    ///
    /// - They MUST be in the order they were created: `variants::variants_are_in_the_order_of_their_creation`.
    async fn list(&self, waitlist_id: WaitlistId) -> Result<Vec<Variant>, Fault>;
}
