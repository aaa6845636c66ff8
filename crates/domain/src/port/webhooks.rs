//! Where webhooks are kept.

use async_trait::async_trait;

use crate::access::Receipt;
use crate::command::{
    CreateWebhook, DeleteWebhook, ReplayDeliveries, ReplayRejection, ResendDelivery, RotateSecret, TestWebhook, UpdateWebhook,
    WebhookRejection,
};
use crate::delivery::{Attempt, DeliveryState};
use crate::error::{CommandError, Fault};
use crate::id::{WebhookId, WorkspaceId};
use crate::paging::Limit;
use crate::webhook::{SealedSecrets, Webhook};

/// Keeps webhooks.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait WebhookStore: Send + Sync {
    /// Creates a webhook, and stores its receipt if one is given.
    ///
    /// - All of it MUST be written, or nothing: `webhooks::a_reply_is_stored_with_a_webhook_and_with_its_new_secret`,
    ///   `abandoned::a_new_webhook_is_whole_or_not_at_all`.
    /// - A workspace MUST NOT get more than it may, under concurrency too: `webhooks::a_workspace_has_so_many_webhooks_at_most`,
    ///   `webhooks::disabled_webhooks_count_and_deleted_ones_do_not`.
    /// - The scope of a receipt MUST NOT get more than one effect, under concurrency too:
    ///   `webhooks::a_receipt_of_a_webhook_has_one_effect`.
    async fn create(&self, command: CreateWebhook, receipt: Option<Receipt<Webhook>>) -> Result<Webhook, CommandError<WebhookRejection>>;

    /// Changes a webhook.
    ///
    /// - Concurrent updates MUST NOT lose each other's fields, nor an attempt: `webhooks::an_update_of_a_webhook_changes_what_is_given`,
    ///   `settlements::a_settlement_and_an_update_at_once_are_both_kept`.
    /// - A webhook of another workspace, or a deleted one, MUST NOT be changed: `webhooks::a_webhook_reads_back_as_it_was_written`,
    ///   `deletions::a_deleted_webhook_takes_no_changes`.
    /// - A webhook that is disabled MUST NOT be sent events that are written before it is enabled again, whether they waited or were being
    ///   sent: `deliveries::a_webhook_that_is_off_misses_what_happens`, `claims::what_was_claimed_before_a_switch_is_not_sent_again`.
    /// - Events that are written after this returns MUST go by it, in any process:
    ///   `deliveries::what_another_process_has_subscribed_counts_at_once`.
    /// - The time this takes MUST NOT grow with the deliveries that wait for it. SQL stores are checked by
    ///   `purges::what_is_large_is_deleted_in_a_moment_and_purged_beside_others`.
    async fn update(&self, command: UpdateWebhook) -> Result<Webhook, CommandError<WebhookRejection>>;

    /// Changes the secret of a webhook, and stores its receipt if one is given.
    ///
    /// - All of it MUST be written, or nothing: `abandoned::a_new_secret_is_whole_or_not_at_all`.
    /// - No other field of the webhook MUST change: `webhooks::a_rotation_changes_only_the_secret`.
    /// - A webhook of another workspace, or a deleted one, MUST NOT be changed: `webhooks::a_webhook_reads_back_as_it_was_written`,
    ///   `deletions::a_deleted_webhook_takes_no_changes`.
    /// - Deliveries that are claimed within [`ROTATION_OVERLAP`](crate::webhook::ROTATION_OVERLAP) of a rotation MUST have the secret
    ///   before it too, and no older one: `webhooks::an_old_secret_is_used_for_a_day`, `webhooks::a_second_rotation_ends_the_first_secret`.
    async fn rotate(&self, command: RotateSecret, receipt: Option<Receipt<Webhook>>) -> Result<Webhook, CommandError<WebhookRejection>>;

    /// Writes an event for only one webhook.
    ///
    /// - No other webhook MUST get it: `webhooks::a_test_goes_to_one_webhook_alone`.
    /// - A webhook of another workspace, or a deleted one, MUST NOT be tested: `webhooks::a_webhook_reads_back_as_it_was_written`,
    ///   `deletions::a_deleted_webhook_takes_no_changes`.
    async fn test(&self, command: TestWebhook) -> Result<(), CommandError<WebhookRejection>>;

    /// Deletes a webhook with its deliveries and their log. Returns whether the workspace had it.
    ///
    /// - Nothing MUST be sent to it any more: `deliveries::deliveries_go_with_what_they_belong_to`.
    /// - The time this takes MUST NOT grow with the deliveries: [`purge`](super::PurgeStore::purge) deletes those. SQL stores are checked
    ///   by `purges::what_is_large_is_deleted_in_a_moment_and_purged_beside_others`.
    async fn delete(&self, command: DeleteWebhook) -> Result<bool, Fault>;

    /// The webhook with that id, if it belongs to the workspace.
    async fn find(&self, workspace_id: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>, Fault>;

    /// The webhooks of a workspace.
    ///
    /// - They MUST be in the order they were created: `webhooks::webhooks_are_in_the_order_of_their_creation`.
    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<Webhook>, Fault>;

    /// The last attempts to deliver to a webhook, newest first.
    ///
    /// - Every field MUST read back: `settlements::an_attempt_is_logged_whole`.
    async fn attempts(&self, id: WebhookId, limit: Limit) -> Result<Vec<Attempt>, Fault>;

    /// The last attempts to deliver events whose delivery to the webhook has that state, newest first.
    ///
    /// - Attempts of other deliveries MUST be left out, and the newest MUST come first:
    ///   `replays::attempts_are_listed_by_the_state_of_their_delivery`.
    async fn attempts_of(&self, id: WebhookId, state: DeliveryState, limit: Limit) -> Result<Vec<Attempt>, Fault>;

    /// Makes deliveries of a webhook due again. Returns how many.
    ///
    /// - Each event of the period that was written for the webhook MUST be sent once more, with its id and body, and no other one:
    ///   `replays::a_replay_sends_what_fits_once_more`, `replays::a_replay_is_of_one_webhook`.
    /// - What was held because the webhook was disabled MUST be among all: `replays::what_a_disabled_webhook_missed_can_be_replayed`.
    /// - Its attempts MUST count anew: `replays::a_dead_delivery_is_retried_anew`.
    /// - A delivery that is being sent MUST be left alone: `replays::what_is_being_sent_is_left_alone`. One that was claimed and is sent no
    ///   more MUST NOT, because its webhook was switched meanwhile or its lease has ended:
    /// `replays::what_was_claimed_and_left_is_replayed`.
    /// - Events of a deleted entry or waitlist MUST NOT be sent: `replays::deleted_people_are_not_replayed`.
    /// - A webhook of another workspace, or a deleted one, MUST be refused: `replays::a_replay_is_of_one_webhook`.
    async fn replay(&self, command: ReplayDeliveries) -> Result<u64, CommandError<ReplayRejection>>;

    /// Makes one delivery of a webhook due again.
    ///
    /// - It MUST be sent once more, with its id and body, and no other one: `replays::one_event_is_sent_once_more`.
    /// - An event that was not written for the webhook, or whose entry or waitlist is deleted, MUST be refused:
    ///   `replays::one_event_is_sent_once_more`, `replays::deleted_people_are_not_replayed`.
    async fn resend(&self, command: ResendDelivery) -> Result<(), CommandError<ReplayRejection>>;

    /// All secrets, encrypted.
    ///
    /// - Those of disabled webhooks MUST be among them: `webhooks::a_rotation_changes_only_the_secret`.
    async fn secrets(&self) -> Result<Vec<(WebhookId, SealedSecrets)>, Fault>;

    /// Replaces encrypted secrets by new ones, if they are still the same.
    ///
    /// - Secrets that were changed meanwhile MUST stay: `webhooks::secrets_are_encrypted_anew`.
    /// - The secret before a rotation MUST be replaced too: `webhooks::both_secrets_are_encrypted_anew`.
    async fn reseal(&self, id: WebhookId, old: SealedSecrets, new: SealedSecrets) -> Result<bool, Fault>;
}
