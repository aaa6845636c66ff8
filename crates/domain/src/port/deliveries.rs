//! Events on their way to webhooks.

use async_trait::async_trait;

use crate::delivery::{ClaimedDelivery, SettleDelivery};
use crate::error::Fault;
use crate::event::Event;
use crate::id::{ClaimId, EventId, WebhookId};
use crate::queue::{ClaimRequest, QueueDepth};
use crate::timestamp::Timestamp;
use crate::webhook::DeliveryPolicy;

/// Events on their way to webhooks.
///
/// - Every event MUST be written for each webhook of its workspace that is subscribed to its kind at that time, in the transaction of its
///   change: `deliveries::an_event_goes_to_those_who_are_subscribed`.
/// - A delivery that was claimed before its webhook was disabled or enabled MUST NOT be sent again, whether it is settled, released or
///   reaped: `claims::what_was_claimed_before_a_switch_is_not_sent_again`.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait DeliveryQueue: Send + Sync {
    /// The oldest stored events, at most that many.
    ///
    /// - An event MUST be there if and only if its change is: `sign_ups::events_are_written_with_the_sign_up`,
    ///   `abandoned::a_sign_up_is_whole_or_not_at_all`.
    async fn events(&self, limit: usize) -> Result<Vec<Event>, Fault>;

    /// The webhooks that have a delivery due.
    ///
    /// - Each of them MUST be returned, and no disabled one: `claims::every_webhook_with_a_delivery_due_is_told`,
    ///   `deliveries::a_disabled_webhook_is_due_nothing`.
    /// - The cost MUST NOT grow with the deliveries that wait for each. Not checked: benchmarks and the store's query plans show a cost.
    async fn due(&self, now: Timestamp) -> Result<Vec<WebhookId>, Fault>;

    /// Claims due deliveries of some webhooks, and counts an attempt for each delivery.
    ///
    /// - Each webhook MUST get its share at most, the longest due first: `claims::webhooks_get_their_shares`.
    /// - One delivery MUST NOT be claimed twice before its lease ends: `claims::a_delivery_is_one_process_s_until_its_lease_ends`.
    /// - A lease MUST last as long as was asked: `claims::a_lease_lasts_as_long_as_was_asked`.
    /// - A delivery MUST have the body of its event: `deliveries::a_delivery_has_the_body_of_its_event`.
    /// - An attempt MUST count when it is claimed: `claims::what_always_kills_its_process_ends_after_its_attempts`.
    /// - A delivery of a deleted waitlist MUST NOT be claimed: `purges::a_deleted_waitlist_is_gone_before_it_is_purged`.
    /// - A delivery MUST NOT be claimed if its webhook is disabled, or was disabled or enabled since the event was written:
    ///   `deliveries::a_webhook_that_is_off_misses_what_happens`.
    /// - A delivery whose caller went away MUST be due again when its lease has ended:
    ///   `abandoned::what_was_claimed_by_one_who_left_is_due_again`.
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedDelivery>, Fault>;

    /// The claimed deliveries that are still to be sent, with the current URL and secrets of their webhook and their event.
    ///
    /// - It MUST leave out each delivery that [`claim`](DeliveryQueue::claim) would not return now, and each whose claim no longer holds:
    ///   `claims::a_claim_is_confirmed_as_things_are_now`, `claims::a_claim_that_ended_is_not_confirmed`,
    ///   `claims::a_claim_of_a_deleted_webhook_is_not_confirmed`.
    /// - The secrets MUST be those of that instant: `claims::a_claim_is_confirmed_with_the_secrets_of_its_time`.
    async fn confirm(&self, claimed: Vec<(ClaimId, EventId, WebhookId)>, now: Timestamp) -> Result<Vec<ClaimedDelivery>, Fault>;

    /// Settles deliveries by [`SettleDelivery::decide`]. It skips those whose claim was lost or whose webhook is gone. Returns how many it
    /// settled. If some cannot be settled, the result is a fault. It is harmless to settle all of them again.
    ///
    /// - The delivery, the webhook and the log MUST be written together: `settlements::an_attempt_is_settled_as_it_was_decided`,
    ///   `abandoned::a_settlement_is_whole_or_not_at_all`.
    /// - An attempt MUST be settled by the given policy, and logged whole:
    ///   `settlements::an_attempt_is_settled_by_the_policy_that_is_given`, `settlements::an_attempt_is_logged_whole`.
    /// - Attempts of one webhook MUST be settled in the order that is given:
    ///   `settlements::attempts_of_one_webhook_are_settled_in_their_order`.
    /// - An update of the webhook at the same time MUST NOT be lost: `settlements::a_settlement_and_an_update_at_once_are_both_kept`.
    /// - A failure for one webhook MUST NOT prevent the settlements of the others. Not checked: it takes a store that fails for one
    ///   webhook, and the SQL stores have tests of their own with a row that cannot be read.
    async fn settle(&self, attempts: Vec<SettleDelivery>, policy: DeliveryPolicy) -> Result<usize, Fault>;

    /// Gives claimed deliveries back without an attempt. They are due at the given instant, and their attempt does not count.
    ///
    /// - Each of them MUST be due again, if its claim holds: `claims::what_is_given_back_is_due_again`,
    ///   `claims::every_delivery_that_is_given_back_is_due_again`.
    async fn release(&self, claim: ClaimId, deliveries: Vec<(EventId, WebhookId)>, due_at: Timestamp) -> Result<(), Fault>;

    /// Frees deliveries whose lease has ended. Those with no attempt left are dead. Returns how many it freed.
    ///
    /// - The given number of attempts MUST be the limit: `claims::what_always_kills_its_process_ends_after_its_attempts`.
    async fn reap(&self, now: Timestamp, attempts: u32) -> Result<u64, Fault>;

    /// Deletes finished events and lines of the log from before an instant, at most that many of each. Returns how many it deleted.
    ///
    /// - Events that are still to be sent MUST stay: `deliveries::what_is_finished_is_pruned`,
    ///   `deliveries::an_event_is_pruned_when_its_last_delivery_has_ended`.
    /// - Events that no webhook gets MUST be deleted too, the oldest first: `deliveries::events_that_nobody_gets_are_pruned`.
    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault>;

    /// How full the queue is.
    async fn depth(&self) -> Result<QueueDepth, Fault>;
}
