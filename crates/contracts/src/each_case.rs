//! The list of the cases that every store runs. No store runs a case that is not on it.

/// The one list of the cases, for [`store_contract!`](crate::store_contract) and [`cases`](crate::cases).
#[doc(hidden)]
#[macro_export]
macro_rules! each_case {
    (@test $fixture:ty; $($module:ident: [$($case:ident)+])+) => {
        $(mod $module {
            use super::*;
            $(
                #[test]
                fn $case() {
                    $crate::run(async {
                        let fixture = <$fixture as $crate::Fixture>::fresh().await;
                        $crate::$module::$case(&fixture).await;
                    });
                }
            )+
        })+
    };
    (@list $fixture:ty; $($module:ident: [$($case:ident)+])+) => {
        vec![$($($crate::Case {
            name: concat!(stringify!($module), "::", stringify!($case)),
            run: |fixture: &$fixture| Box::pin($crate::$module::$case(fixture)),
        },)+)+]
    };
    ($kind:ident $fixture:ty) => {
        $crate::each_case! { @$kind $fixture;
            audit: [
                every_change_of_an_admin_has_its_row
                a_row_reads_back_as_it_was_written
                of_many_changes_at_once_each_has_its_row
                a_bulk_decision_has_a_row_for_each
                an_import_has_a_row_at_its_start_and_its_end
                what_changes_nothing_has_no_row
                visitors_leave_no_rows
                rows_outlive_their_workspace
                a_minted_token_is_noted
                pages_go_newest_first
                rows_are_found_by_target_actor_and_action
                old_rows_are_pruned_so_many_at_a_time
            ]
            entry_jobs: [
                a_job_reads_back_as_it_was_written
                a_job_is_of_its_list
                a_cancelled_job_goes_on_no_more
                one_worker_at_a_time_holds_a_job
                a_group_frees_its_job
                older_jobs_come_first
                groups_add_up
                old_jobs_are_pruned
            ]
            exports: [
                an_export_has_everything_of_a_list
                an_export_is_of_one_list
                an_export_of_everything_shows_one_moment
            ]
            imports: [
                an_import_reads_back_as_it_was_written
                a_file_reads_back_to_the_byte
                an_upload_that_broke_off_fails
                an_import_is_of_its_list
                imports_of_a_list_are_listed_newest_first
                problems_are_in_the_order_of_the_file
                a_cancelled_import_adds_no_more
                one_worker_at_a_time_holds_an_import
                a_group_prolongs_the_claim
                older_imports_come_first
                rows_are_staged_once
                rows_become_entries_in_their_order
                totals_are_those_of_the_rows
                no_row_is_added_twice
                people_sign_up_meanwhile
                erased_people_are_not_brought_back
                an_erased_person_leaves_room_for_a_row
                a_mailbox_is_imported_once
                people_who_are_there_are_skipped_or_updated
                a_code_that_is_taken_is_told
                old_codes_work_on_their_list
                old_codes_go_with_their_entry
                an_own_code_comes_before_an_old_one
                referrers_are_found_and_credited
                a_dry_run_changes_nothing
                nobody_hears_of_an_import_unless_it_notifies
                what_was_staged_is_deleted
                the_import_of_a_deleted_list_fails
                an_import_that_is_given_up_fails
                an_export_is_restored_line_by_line
                erased_people_are_not_restored
                a_restored_list_counts_as_before
                a_list_with_people_is_not_restored
                people_sign_up_while_a_list_is_restored
                people_are_deleted_while_a_list_is_restored
                old_imports_are_pruned
            ]
            workspaces: [
                a_slug_belongs_to_one_workspace
                a_renamed_workspace_goes_on_resolving_under_its_old_slugs
                an_old_slug_can_be_taken_by_another_workspace
                a_rename_takes_an_old_slug_over
                workspaces_are_listed_by_slug
                a_deleted_workspace_takes_everything_with_it
                a_workspace_reads_back_as_it_was_written
                a_slug_belongs_to_one_workspace_under_concurrency
                an_old_slug_neither_renames_nor_deletes
                every_workspace_is_listed
                slugs_are_ordered_by_their_bytes
            ]
            search: [
                a_text_finds_people
                every_filter_leaves_what_it_describes
                every_order_goes_over_pages
                pages_among_many_are_complete
                a_count_is_the_number_on_all_pages
                a_search_stays_on_its_list
                a_changed_profile_is_found_anew
                profiles_change_while_terms_are_written
                who_is_gone_is_not_found
                every_entry_is_found_after_the_last_batch
                a_long_list_keeps_no_other_waiting
                many_long_lists_keep_no_other_waiting
            ]
            secrets: [
                the_first_secret_stays
                processes_that_start_together_have_one_secret
                a_secret_is_encrypted_anew_once
            ]
            sessions: [
                a_session_reads_back_as_it_was_written
                a_session_ends_by_itself
                a_session_lasts_while_it_is_used
                an_ended_session_is_gone
                a_revoked_key_ends_its_sessions
                a_deleted_workspace_takes_its_sessions_with_it
                sessions_go_by_their_last_use
                a_link_reads_back_as_it_was_written
                a_link_lasts_a_quarter_of_an_hour
                a_link_begins_one_session
                a_link_begins_one_session_under_concurrency
                a_wrong_token_leaves_the_link
                tries_of_all_processes_count_together
                every_client_has_tries_of_its_own
                a_refused_try_does_not_count
                a_try_that_succeeded_does_not_count
                what_is_over_is_pruned
                sessions_are_pruned_so_many_at_a_time
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
                lists_are_in_the_order_of_their_creation
                pages_neither_repeat_nor_hide_when_rows_come_and_go
                a_deleted_waitlist_takes_its_entries_and_events_with_it
                a_change_of_a_waitlist_is_written_with_its_time
                a_setting_of_a_waitlist_is_cleared_by_null
                a_status_and_an_update_at_once_are_both_kept
                lists_of_each_status_are_found
                a_full_last_page_of_lists_has_no_next
                a_list_is_found_as_it_is_in_every_process
            ]
            public: [
                drafts_and_inactive_variants_are_found
                what_is_public_is_found_by_slugs
                what_is_public_has_its_variants_whole
                a_public_change_shows_elsewhere_within_a_second
            ]
            referrals: [
                a_referral_is_kept_in_every_state
                signals_are_of_one_code_and_its_time
                a_person_who_comes_back_is_known
                parallel_referrals_are_counted_for_the_cap
                a_decision_moves_the_count_with_the_state
                counts_equal_credited_rows_under_parallel_changes
                every_decision_is_told_once
                a_reward_is_told_once
                a_decision_needs_referrals_of_the_list
                a_dry_run_changes_nothing
                a_selection_takes_the_oldest_that_are_left
                a_network_selects_its_own_referrals
                referrals_go_newest_first_and_filter
                suspects_have_a_score
                standings_are_of_everybody_with_referrals
                credits_are_told_with_their_times
                networks_are_forgotten_in_time
                rows_outlive_their_persons
                a_rebuild_counts_the_credited_rows
            ]
            entries: [
                an_entry_reads_back_as_it_was_written
                an_entry_is_found_by_its_id_alone
                a_document_reads_back_to_the_byte
                pages_go_by_position_and_filter_by_status
                pages_go_on_where_they_were_though_rows_are_deleted
                a_page_of_one_status_is_full
                leaders_come_by_referrals_then_position
                deleted_people_lead_no_more
                the_store_answers
                an_entry_keeps_its_fields_through_every_change
                entries_of_each_status_are_found
                a_full_last_page_of_entries_has_no_next
                a_person_leads_again_once_approved
                a_new_leader_shows_elsewhere_within_a_second
            ]
            sign_ups: [
                positions_are_dense_when_processes_sign_up_in_parallel
                a_refused_sign_up_leaves_nothing_behind
                a_list_never_takes_more_than_it_may
                an_address_joins_once_however_many_try
                a_referral_is_credited_exactly_once_each
                a_code_of_another_list_earns_nothing
                a_code_that_is_taken_is_told
                a_new_code_is_no_old_code_of_the_list
                only_an_active_variant_of_the_list_is_attributed
                an_inactive_variant_wins_nobody
                a_rejection_frees_no_place_and_a_deletion_does
                a_rejected_person_joins_no_second_time
                the_code_of_a_rejected_person_earns_nothing
                a_sign_up_sees_the_status_that_was_answered
                a_missing_list_takes_nobody
                events_are_written_with_the_sign_up
                a_crowd_is_decided_in_its_order
                a_crowd_on_many_lists_keeps_them_apart
                a_sign_up_goes_by_the_settings_that_were_answered
                a_deleted_person_joins_again_in_every_process
            ]
            reviews: [
                a_review_is_written_with_its_event
                parallel_reviews_change_an_entry_once
                a_review_needs_an_entry_of_the_list
                a_deleted_entry_leaves_the_others_standing
                an_export_shows_one_moment
                an_export_that_is_given_up_holds_nothing
                a_review_and_a_credit_at_once_are_both_kept
                entries_of_a_closed_list_go_on_changing
                parallel_deletions_of_an_entry_delete_it_once
            ]
            stats: [
                an_empty_list_counts_nothing
                analytics_follow_every_change
                tops_have_ten_rows_and_no_rejected_ones
                a_timeline_counts_utc_days
                counters_stay_true_under_parallel_changes
                a_wrong_total_is_put_right
                nothing_of_another_waitlist_is_counted
                tops_tell_who_leads
                analytics_reach_back_to_monday_and_to_the_first
                variants_are_counted_in_the_order_of_their_creation
                a_rebuild_keeps_the_last_position
                who_left_stands_no_more
            ]
            variants: [
                a_variant_reads_back_as_it_was_written
                an_update_of_a_variant_changes_what_is_given
                a_deleted_variant_keeps_its_sign_ups
                variants_are_in_the_order_of_their_creation
            ]
            settings: [
                settings_read_back_as_they_were_set
                concurrent_changes_of_settings_lose_nothing
                a_refused_change_of_settings_changes_nothing
                every_setting_can_be_cleared
                a_workspace_has_settings_of_its_own
                settings_show_in_every_process_at_once
            ]
            visits: [
                a_changed_profile_reads_back
                changes_of_a_profile_at_once_are_all_kept
                a_profile_is_changed_on_its_own_list
                a_link_is_replaced_on_its_own_list
                every_new_link_is_another
                friends_go_newest_first
                records_are_of_one_entry
                records_say_how_far_a_mail_has_come
                ranks_are_those_of_a_sorted_list
                ranks_are_of_one_list
                a_newcomer_is_ranked_by_an_older_order
            ]
            webhooks: [
                a_webhook_reads_back_as_it_was_written
                an_update_of_a_webhook_changes_what_is_given
                a_workspace_has_so_many_webhooks_at_most
                a_receipt_of_a_webhook_has_one_effect
                a_reply_is_stored_with_a_webhook_and_with_its_new_secret
                webhooks_are_in_the_order_of_their_creation
                an_old_secret_is_used_for_a_day
                a_second_rotation_ends_the_first_secret
                secrets_are_encrypted_anew
                a_test_goes_to_one_webhook_alone
                disabled_webhooks_count_and_deleted_ones_do_not
                a_receipt_of_a_webhook_lasts_a_day
                both_secrets_are_encrypted_anew
                a_rotation_changes_only_the_secret
            ]
            deliveries: [
                an_event_goes_to_those_who_are_subscribed
                what_another_process_has_subscribed_counts_at_once
                a_webhook_that_is_off_misses_what_happens
                a_webhook_that_is_switched_on_starts_anew
                deliveries_go_with_what_they_belong_to
                sign_ups_go_on_while_webhooks_are_deleted
                what_is_undelivered_of_a_deleted_entry_is_dropped
                what_is_finished_is_pruned
                a_disabled_webhook_is_due_nothing
                a_delivery_has_the_body_of_its_event
                events_that_nobody_gets_are_pruned
                an_event_is_pruned_when_its_last_delivery_has_ended
            ]
            changes: [
                a_changed_profile_is_told
                an_invitation_is_told_once
                a_deletion_is_told_without_the_person
                an_unsubscription_is_told_once
                a_status_is_told_among_the_changes_of_its_list
            ]
            feeds: [
                events_of_a_list_keep_their_order
                parallel_writers_and_readers_miss_nothing
                processes_number_events_together
                a_reader_goes_on_where_it_was
                a_feed_is_of_one_workspace
                a_filter_leaves_the_rest_in_its_order
                a_test_is_in_no_feed
                a_deleted_waitlist_leaves_the_feed
                a_reader_goes_on_after_a_list_is_deleted
                a_deleted_entry_is_reduced_in_the_feed
                a_key_without_its_event_is_refused
                news_are_told_of_the_workspaces_that_have_them
            ]
            replays: [
                a_replay_sends_what_fits_once_more
                a_replay_is_of_one_webhook
                what_a_disabled_webhook_missed_can_be_replayed
                a_dead_delivery_is_retried_anew
                what_is_being_sent_is_left_alone
                what_was_claimed_and_left_is_replayed
                deleted_people_are_not_replayed
                one_event_is_sent_once_more
                attempts_are_listed_by_the_state_of_their_delivery
            ]
            settlements: [
                an_attempt_is_settled_as_it_was_decided
                attempts_of_one_webhook_are_settled_in_their_order
                an_attempt_is_logged_whole
                an_attempt_is_settled_by_the_policy_that_is_given
                a_settlement_and_an_update_at_once_are_both_kept
            ]
            claims: [
                a_delivery_is_one_process_s_until_its_lease_ends
                what_always_kills_its_process_ends_after_its_attempts
                the_depth_tells_what_is_being_sent
                webhooks_get_their_shares
                what_is_given_back_is_due_again
                a_claim_is_confirmed_as_things_are_now
                what_was_claimed_before_a_switch_is_not_sent_again
                every_webhook_with_a_delivery_due_is_told
                a_claim_that_ended_is_not_confirmed
                a_claim_of_a_deleted_webhook_is_not_confirmed
                a_claim_is_confirmed_with_the_secrets_of_its_time
                every_delivery_that_is_given_back_is_due_again
                a_lease_lasts_as_long_as_was_asked
            ]
            mails: [
                no_mail_is_written_while_notifications_are_off
                a_mail_is_written_with_its_change
                a_mail_says_what_was_set_when_it_was_written
                what_another_process_has_set_counts_at_once
                mail_goes_with_what_it_belongs_to
                a_workspace_sends_mail_by_its_own_settings
                a_mail_links_to_the_slug_that_its_workspace_has
                mail_of_a_deleted_entry_goes_sent_or_not
                mail_of_a_deleted_workspace_is_not_sent
            ]
            mail_claims: [
                the_longest_due_is_sent_first
                the_depth_tells_what_is_being_sent
                a_mail_is_one_process_s_until_its_lease_ends
                a_mail_is_settled_as_it_was_decided
                a_mail_that_is_given_back_is_due_again
                what_always_kills_its_process_is_not_sent_for_ever
                workspaces_get_their_shares
                what_is_finished_is_pruned
                every_workspace_with_mail_due_is_told
                a_claim_on_mail_that_ended_is_not_confirmed
                every_mail_that_is_given_back_is_due_again
                a_lease_of_mail_lasts_as_long_as_was_asked
                a_suppressed_address_gets_no_mail
                a_claimed_mail_to_an_address_that_is_suppressed_now_is_not_confirmed
                an_address_that_bounces_is_suppressed
                a_mail_is_settled_by_the_schedule_that_is_given
                strangers_cause_no_more_mails_than_the_budget_has
                what_is_kept_back_is_counted
                processes_share_the_budget
                there_is_room_again_after_the_period
                networks_with_few_mails_come_first
                a_mail_counts_once
                other_mails_do_not_wait
                a_mail_that_is_kept_back_expires
            ]
            confirmations: [
                a_request_reads_back_as_it_was_written
                the_first_request_of_an_address_stands
                one_request_waits_for_an_address_under_concurrency
                an_expired_request_gives_way
                strangers_cause_few_mails_to_an_address
                parallel_requests_cause_one_mail
                a_suppressed_address_waits_without_mail
                a_person_on_the_list_is_sent_their_link
                a_request_is_no_entry
                a_full_or_closed_list_takes_no_requests
                an_erased_person_leaves_room_for_a_request
                a_confirmation_ends_its_request
                a_confirmation_is_of_its_list_and_address
                parallel_confirmations_make_one_entry
                a_full_list_keeps_the_request_waiting
                refusing_deletes_what_was_sent_and_suppresses_the_address
                a_refusal_and_a_confirmation_at_once_exclude_each_other
                an_admin_sends_the_mail_again
                a_deleted_request_leaves_nothing
                an_erasure_takes_the_requests_of_the_person
                no_mail_is_left_of_somebody_who_is_erased_meanwhile
                a_request_that_ends_meanwhile_stays_ended
                requests_go_oldest_first
                requests_go_with_their_list
                mail_of_an_ended_request_is_not_sent
                requests_are_deleted_after_their_end
            ]
            mail_log: [
                the_log_tells_what_became_of_a_mail
                the_log_is_filtered
                pages_of_the_log_go_on_where_they_were
                a_workspace_has_a_log_of_its_own
                a_workspace_tests_ten_mails_an_hour
                the_most_tests_are_not_exceeded_under_concurrency
                a_test_goes_to_a_suppressed_address_too
                a_test_may_be_claimed_by_its_writer
                tests_go_with_their_workspace
            ]
            mailboxes: [
                a_mailbox_joins_once
                a_mailbox_that_waits_joins_by_its_confirmation_alone
                a_mailbox_waits_once_and_its_first_address_gets_the_mail
                a_suppression_is_of_one_address_of_a_mailbox
            ]
            proofs: [
                a_proof_is_used_once
                a_refused_sign_up_uses_no_proof
                a_request_uses_its_proof
                parallel_requests_use_a_proof_once
                a_used_proof_is_kept_until_it_expires
                sign_ups_of_a_moment_are_counted
            ]
            suppressions: [
                a_suppression_reads_back_as_it_was_written
                an_address_is_suppressed_once_for_a_reason
                an_address_is_suppressed_once_for_a_reason_under_concurrency
                every_way_suppresses_an_address_once_for_a_reason
                a_suppression_needs_its_workspace
                a_workspace_has_suppressions_of_its_own
                lifting_one_suppression_leaves_the_others
                suppressions_go_newest_first
                a_full_last_page_of_suppressions_has_no_next
                pages_of_suppressions_go_on_where_they_were
                a_suppression_shows_in_every_process_at_once
                a_deleted_workspace_has_no_suppressions_before_it_is_purged
                a_purge_takes_the_suppressions_of_a_deleted_workspace
            ]
            mail_templates: [
                a_template_reads_back_as_it_was_written
                a_template_is_replaced_whole
                a_template_is_deleted_alone
                templates_go_by_kind_and_locale
                a_workspace_has_templates_of_its_own
                a_workspace_has_so_many_templates_at_most
                the_most_templates_are_not_exceeded_under_concurrency
                a_template_shows_in_every_process_at_once
                a_deleted_workspace_takes_its_templates_with_it
            ]
            erasures: [
                an_erased_entry_is_gone_for_every_reader
                an_erased_entry_is_still_counted
                an_erased_entry_frees_its_place_and_its_address
                credit_outlives_an_erasure
                an_erased_address_is_suppressed_and_not_shown
                nothing_of_an_erased_entry_is_sent
                parallel_erasures_erase_an_entry_once
                an_erasure_needs_an_entry_of_the_list
                a_sign_up_brings_an_erased_person_back
                a_purge_reduces_the_events_of_an_erased_entry
                answers_are_removed_though_the_list_is_deleted
                a_deleted_list_takes_its_tombstones_with_it
            ]
            purges: [
                a_deleted_waitlist_is_gone_before_it_is_purged
                a_purge_takes_what_was_deleted_and_nothing_else
                a_deleted_workspace_is_gone_before_it_is_purged
                a_deleted_webhook_is_purged
                what_waited_for_a_switched_webhook_is_held_in_time
                a_deleted_referrer_of_many_is_forgotten
                a_purge_leaves_logs_and_tests_alone
            ]
            invitations: [
                an_invitation_is_recorded_with_its_mail
                one_invitation_is_one_mail_however_often_it_is_recorded
                a_list_with_a_link_invites_by_it
                an_invitation_goes_by_the_link_of_the_moment
                an_entry_that_is_not_approved_is_not_recorded
                parallel_records_write_one_mail
                an_invited_person_cannot_be_rejected
                a_rejection_and_an_invitation_at_once_exclude_each_other
            ]
            abandoned: [
                a_sign_up_is_whole_or_not_at_all
                a_request_is_whole_or_not_at_all
                a_review_is_whole_or_not_at_all
                a_decision_about_referrals_is_whole_or_not_at_all
                an_invitation_is_whole_or_not_at_all
                a_deletion_of_an_entry_is_whole_or_not_at_all
                an_erasure_is_whole_or_not_at_all
                a_new_waitlist_is_whole_or_not_at_all
                a_new_webhook_is_whole_or_not_at_all
                a_new_secret_is_whole_or_not_at_all
                a_rename_is_whole_or_not_at_all
                a_deletion_of_a_workspace_is_whole_or_not_at_all
                a_deleted_waitlist_is_purged_though_its_caller_left
                a_purge_goes_on_where_it_was_left
                a_purge_of_traces_goes_on_where_it_was_left
                a_test_is_whole_or_not_at_all
                a_settlement_is_whole_or_not_at_all
                what_was_claimed_by_one_who_left_is_due_again
            ]
            access: [
                an_api_key_is_found_until_it_is_revoked
                an_api_key_is_found_by_its_whole_prefix
                a_receipt_is_stored_with_its_effect
                a_repeated_request_is_told_so_before_its_slug_is_told_taken
                a_key_is_of_one_workspace_and_one_route
                one_receipt_has_one_effect_under_concurrency
                a_receipt_lasts_a_day
                api_keys_are_in_the_order_of_their_creation
                a_prefix_finds_the_keys_of_every_workspace
                a_receipt_outlives_the_waitlist_it_made
                stored_replies_are_pruned_so_many_at_a_time
            ]
            deletions: [
                a_deleted_waitlist_takes_no_changes
                a_deleted_webhook_takes_no_changes
                a_deleted_referrer_is_hidden_from_every_reader
                totals_are_right_though_friends_change_before_the_purge
            ]
        }
    };
}
