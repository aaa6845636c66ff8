//! The executable promises of Rally's ports.
//!
//! Each case is an async function over a [`Fixture`]: a fresh, isolated store behind the ports, and a way to open the same
//! store once more as another process would. An adapter proves itself by one line in an integration test of its own:
//!
//! ```ignore
//! rally_contracts::store_contract!(MyFixture);
//! ```
//!
//! which makes one test of every case. Rules are not tested here: they live in the domain and are tested there. What is
//! tested is that a store keeps what it is given, all or nothing, in order, under concurrency.

#![expect(clippy::unwrap_used, reason = "a case fails by panicking")]

pub mod access;
pub mod deliveries;
pub mod doubles;
pub mod entries;
pub mod given;
pub mod invitations;
pub mod mails;
pub mod purges;
pub mod remote;
pub mod reviews;
pub mod settings;
pub mod stats;
pub mod variants;
pub mod waitlists;
pub mod webhooks;
pub mod workspaces;

use async_trait::async_trait;
use rally_domain::ports::Ports;

/// A fresh store that nothing else uses, removed when the fixture is dropped.
#[async_trait]
pub trait Fixture: Send + Sync + Sized {
    /// Makes one.
    async fn fresh() -> Self;

    /// Its ports, with the doubles of this crate for time and chance.
    fn ports(&self) -> Ports;

    /// Ports on the same stored data that share no memory with the others: as another process has them.
    async fn reopen(&self) -> Ports;
}

/// Makes a test of every case for a type that is a [`Fixture`].
#[macro_export]
macro_rules! store_contract {
    ($fixture:ty) => {
        $crate::store_contract! { @cases $fixture;
            workspaces: [
                a_slug_belongs_to_one_workspace
                a_renamed_workspace_goes_on_resolving_under_its_old_slugs
                an_old_slug_can_be_taken_by_another_workspace
                a_deleted_workspace_takes_everything_with_it
            ]
            waitlists: [
                a_new_waitlist_is_a_draft_with_a_control_variant
                a_waitlist_needs_its_workspace
                a_slug_is_unique_in_its_workspace_under_concurrency
                an_update_changes_what_is_given
                concurrent_updates_lose_no_settings
                a_status_changes_by_the_table
                a_workspace_sees_its_own_waitlists_alone
                pages_go_newest_first_and_filter_by_status
                pages_neither_repeat_nor_hide_when_rows_come_and_go
                a_deleted_waitlist_takes_its_entries_and_events_with_it
                what_is_public_is_found_by_slugs
            ]
            entries: [
                an_entry_reads_back_as_it_was_written
                a_document_reads_back_to_the_byte
                positions_are_dense_when_processes_sign_up_in_parallel
                a_refused_sign_up_leaves_nothing_behind
                a_list_never_takes_more_than_it_may
                an_address_joins_once_however_many_try
                a_referral_is_credited_exactly_once_each
                a_code_of_another_list_earns_nothing
                a_code_that_is_taken_is_told
                only_an_active_variant_of_the_list_is_attributed
                a_sign_up_sees_the_status_that_was_answered
                a_missing_list_takes_nobody
                events_are_written_with_the_sign_up
                a_caller_that_goes_away_changes_all_or_nothing
                a_crowd_is_decided_in_its_order
                a_crowd_on_many_lists_keeps_them_apart
                pages_go_by_position_and_filter_by_status
                leaders_come_by_referrals_then_position
                the_store_answers
            ]
            reviews: [
                a_review_is_written_with_its_event
                parallel_reviews_change_an_entry_once
                a_review_needs_an_entry_of_the_list
                a_deleted_entry_leaves_the_others_standing
                an_export_shows_one_moment
                an_export_that_is_given_up_holds_nothing
            ]
            stats: [
                an_empty_list_counts_nothing
                analytics_follow_every_change
                tops_have_ten_rows_and_no_rejected_ones
                a_timeline_counts_utc_days
                counters_stay_true_under_parallel_changes
            ]
            variants: [
                a_variant_reads_back_as_it_was_written
                an_update_of_a_variant_changes_what_is_given
                a_deleted_variant_keeps_its_sign_ups
            ]
            settings: [
                settings_read_back_as_they_were_set
                concurrent_changes_of_settings_lose_nothing
                a_refused_change_of_settings_changes_nothing
            ]
            webhooks: [
                a_webhook_reads_back_as_it_was_written
                an_update_of_a_webhook_changes_what_is_given
                a_workspace_has_so_many_webhooks_at_most
                a_receipt_of_a_webhook_has_one_effect
                an_old_secret_is_used_for_a_day
                secrets_are_encrypted_anew
                a_test_goes_to_one_webhook_alone
            ]
            deliveries: [
                an_event_goes_to_those_who_are_subscribed
                a_delivery_is_one_process_s_until_its_lease_ends
                what_always_kills_its_process_ends_after_its_attempts
                an_attempt_is_settled_as_it_was_decided
                attempts_of_one_webhook_are_settled_in_their_order
                a_webhook_that_is_off_misses_what_happens
                a_webhook_that_is_switched_on_starts_anew
                webhooks_get_their_shares
                what_is_given_back_is_due_again
                deliveries_go_with_what_they_belong_to
                sign_ups_go_on_while_webhooks_are_deleted
                a_claim_is_confirmed_as_things_are_now
                what_was_claimed_before_a_switch_is_not_sent_again
                what_is_undelivered_of_a_deleted_entry_is_dropped
                what_is_finished_is_pruned
            ]
            mails: [
                no_mail_is_written_while_notifications_are_off
                a_mail_is_written_with_its_change
                a_mail_says_what_was_set_when_it_was_written
                a_mail_is_one_process_s_until_its_lease_ends
                a_mail_is_settled_as_it_was_decided
                a_mail_that_is_given_back_is_due_again
                what_always_kills_its_process_is_not_sent_for_ever
                workspaces_get_their_shares
                mail_goes_with_what_it_belongs_to
                what_is_finished_is_pruned
            ]
            purges: [
                a_deleted_waitlist_is_gone_before_it_is_purged
                a_purge_takes_what_was_deleted_and_nothing_else
                a_deleted_workspace_is_gone_before_it_is_purged
                a_deleted_webhook_is_purged
                what_waited_for_a_switched_webhook_is_held_in_time
                a_deleted_referrer_of_many_is_forgotten
            ]
            invitations: [
                an_invitation_is_recorded_with_its_mail
                one_invitation_is_one_mail_however_often_it_is_recorded
                an_entry_that_is_not_approved_is_not_recorded
                parallel_records_write_one_mail
            ]
            access: [
                an_api_key_is_found_until_it_is_revoked
                a_receipt_is_stored_with_its_effect
                one_receipt_has_one_effect_under_concurrency
                a_receipt_lasts_a_day
            ]
        }
    };
    (@cases $fixture:ty; $($module:ident: [$($case:ident)+])+) => {
        $(mod $module {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let fixture = <$fixture as $crate::Fixture>::fresh().await;
                    $crate::$module::$case(&fixture).await;
                }
            )+
        })+
    };
}
