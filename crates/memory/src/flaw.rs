//! Ways in which a store is wrong, each with the cases of the contract that catch it.

use rally_domain::access::{RequestScope, StoredReply};
use rally_domain::command::ReferrerFacts;
use rally_domain::entry::{Entry, EntryStatus, Leader};
use rally_domain::id::{MailId, WorkspaceId};
use rally_domain::mail::Mail;
use rally_domain::paging::Limit;
use rally_domain::timestamp::Timestamp;
use rally_domain::uuid::Uuid;
use rally_domain::webhook::WebhookUrl;

use crate::data::{Data, Delivery, Hook};

macro_rules! flaws {
    ($($(#[doc = $doc:literal])+ $flaw:ident: $($case:literal)+;)+) => {
        /// One way in which a store is wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Flaw {
            $($(#[doc = $doc])+ $flaw,)+
        }

        impl Flaw {
            /// All flaws.
            pub const ALL: &[Self] = &[$(Self::$flaw,)+];

            /// The cases of the contract that fail for it, each by itself.
            pub const fn caught_by(self) -> &'static [&'static str] {
                match self {
                    $(Self::$flaw => &[$($case,)+],)+
                }
            }
        }
    };
}

flaws! {
    // Workspaces.

    /// A renamed workspace is not found under its old slug.
    OldSlugsForgotten: "workspaces::a_renamed_workspace_goes_on_resolving_under_its_old_slugs";
    /// An old slug of a workspace counts as taken.
    OldSlugsCountAsTaken: "workspaces::an_old_slug_can_be_taken_by_another_workspace"
        "workspaces::a_rename_takes_an_old_slug_over";
    /// An old slug goes on leading to its first workspace after another one had it.
    OldSlugsNotTakenOver: "workspaces::a_rename_takes_an_old_slug_over";
    /// A workspace is found by an old slug where the current one is asked for.
    OldSlugsAreCurrent: "workspaces::a_renamed_workspace_goes_on_resolving_under_its_old_slugs";
    /// Workspaces are not listed by slug.
    WorkspacesInOrderOfCreation: "workspaces::workspaces_are_listed_by_slug";
    /// A deleted workspace keeps its webhooks.
    DeletedWorkspacesKeepWebhooks: "workspaces::a_deleted_workspace_takes_everything_with_it"
        "purges::a_deleted_workspace_is_gone_before_it_is_purged";
    /// A deleted workspace keeps its settings.
    DeletedWorkspacesKeepSettings: "workspaces::a_deleted_workspace_takes_everything_with_it";
    /// A deleted workspace keeps its API keys.
    DeletedWorkspacesKeepKeys: "workspaces::a_deleted_workspace_takes_everything_with_it";
    /// A deleted workspace keeps the replies of its requests.
    DeletedWorkspacesKeepReplies: "workspaces::a_deleted_workspace_takes_everything_with_it";

    // Waitlists and receipts.

    /// Two lists of a workspace may have one slug.
    SlugsNotUnique: "waitlists::a_slug_is_unique_in_its_workspace_under_concurrency";
    /// A repeated request is told that its slug is taken, by itself.
    TakenSlugsToldFirst: "access::a_repeated_request_is_told_so_before_its_slug_is_told_taken";
    /// A key that was used in one workspace is used up in all.
    ReceiptsIgnoreWorkspaces: "access::a_key_is_of_one_workspace_and_one_route";
    /// A key that was used on one route is used up on all.
    ReceiptsIgnoreRoutes: "access::a_key_is_of_one_workspace_and_one_route";
    /// A refused request stores a reply.
    RefusedRequestsStoreReplies: "access::a_receipt_is_stored_with_its_effect";
    /// A key is used up for ever.
    RepliesNeverExpire: "access::a_receipt_lasts_a_day";
    /// The reply to a changed secret is not stored.
    RotationsStoreNoReply: "webhooks::a_reply_is_stored_with_a_webhook_and_with_its_new_secret";
    /// A list is found in a workspace that it does not belong to.
    ListsOfOthersFound: "waitlists::a_workspace_sees_its_own_waitlists_alone";
    /// Lists are in the order of their ids.
    ListsInOrderOfIds: "waitlists::lists_are_in_the_order_of_their_creation";
    /// Rows of other statuses count towards the limit of a page.
    FilteredAfterTheLimit: "waitlists::pages_go_newest_first_and_filter_by_status" "entries::a_page_of_one_status_is_full";
    /// A draft is not found by its slugs.
    DraftsNotFound: "public::drafts_and_inactive_variants_are_found";
    /// Inactive variants are not found with their list.
    InactiveVariantsNotFound: "public::drafts_and_inactive_variants_are_found";
    /// A process goes by the first status of a list that it saw.
    StaleLists: "sign_ups::a_sign_up_sees_the_status_that_was_answered";

    // Variants, settings, keys.

    /// A sign-up is attributed to a variant that is not active.
    InactiveVariantWins: "sign_ups::an_inactive_variant_wins_nobody";
    /// A deleted variant loses the sign-ups it won.
    DeletedVariantsLoseSignUps: "variants::a_deleted_variant_keeps_its_sign_ups";
    /// A change of one setting forgets the others.
    SettingsForgetOtherKeys: "settings::concurrent_changes_of_settings_lose_nothing";
    /// A process goes by the first settings that it saw.
    StaleSettings: "mails::what_another_process_has_set_counts_at_once";
    /// A key is found by the beginning of its prefix.
    ShorterPrefixesFound: "access::an_api_key_is_found_by_its_whole_prefix";
    /// A revoked key is found.
    RevokedKeysFound: "access::an_api_key_is_found_until_it_is_revoked";

    // Entries.

    /// The next position is the number of entries plus one.
    PositionsFromCount: "reviews::a_deleted_entry_leaves_the_others_standing";
    /// The position of a deleted last entry is given out again.
    DeletionsFreePositions: "reviews::a_deleted_entry_leaves_the_others_standing";
    /// A rejection frees a place on a full list.
    RejectionsFreePlaces: "sign_ups::a_rejection_frees_no_place_and_a_deletion_does";
    /// A deletion frees no place on a full list.
    DeletionsFreeNoPlaces: "sign_ups::a_rejection_frees_no_place_and_a_deletion_does";
    /// A rejected person can join once more.
    RejectedAddressesJoinAgain: "sign_ups::a_rejected_person_joins_no_second_time";
    /// The code of a rejected person earns credit.
    RejectedFriendsCredited: "sign_ups::the_code_of_a_rejected_person_earns_nothing";
    /// An address can be on one list alone.
    AddressesUniqueAcrossLists: "sign_ups::an_address_joins_once_however_many_try";
    /// Entries of two lists can have one code.
    CodesUniqueInListAlone: "sign_ups::a_code_that_is_taken_is_told";
    /// A referral counts twice.
    CreditedTwice: "sign_ups::a_referral_is_credited_exactly_once_each" "sign_ups::a_crowd_is_decided_in_its_order";
    /// Of the two events of an automatic approval one is lost.
    OneEventASignUp: "sign_ups::events_are_written_with_the_sign_up";
    /// A page begins after so many rows instead of after a row.
    PagesByOffset: "entries::pages_go_on_where_they_were_though_rows_are_deleted";
    /// An export shows what changes while it is read.
    ExportsSeeChanges: "reviews::an_export_shows_one_moment";
    /// An export is one batch.
    ExportsInOneBatch: "reviews::an_export_shows_one_moment";
    /// A review writes no event.
    ReviewsNotTold: "reviews::a_review_is_written_with_its_event";
    /// A review changes no total.
    ReviewsNotCounted: "stats::analytics_follow_every_change";
    /// A deletion takes a referrer's credit back.
    DeletionsTakeCreditBack: "reviews::a_deleted_entry_leaves_the_others_standing";
    /// A deleted person stays on the leaderboard.
    DeletedPeopleLead: "entries::deleted_people_lead_no_more";
    /// The mail of a deleted person stays.
    MailToDeletedEntries: "mails::mail_goes_with_what_it_belongs_to";
    /// What is undelivered of a deleted person's events is sent.
    EventsOfDeletedEntriesSent: "deliveries::what_is_undelivered_of_a_deleted_entry_is_dropped";
    /// An invitation is recorded without its mail.
    InvitationsNotMailed: "invitations::an_invitation_is_recorded_with_its_mail";
    /// An invitation that is recorded again is mailed again.
    MailTwice: "invitations::one_invitation_is_one_mail_however_often_it_is_recorded" "invitations::parallel_records_write_one_mail";

    // Totals.

    /// A rejected person is on the leaderboard.
    LeadersIncludeRejected: "stats::tops_have_ten_rows_and_no_rejected_ones";
    /// Of two with as many referrals the later one leads.
    LeadersTiedByLatest: "stats::tops_have_ten_rows_and_no_rejected_ones";
    /// The last day of a span is left out.
    TimelinesLackTheirLastDay: "stats::a_timeline_counts_utc_days";
    /// Counting anew corrects nothing.
    RebuildDoesNothing: "stats::a_wrong_total_is_put_right";

    // Webhooks.

    /// A workspace may have any number of webhooks.
    WebhooksUnlimited: "webhooks::a_workspace_has_so_many_webhooks_at_most";
    /// A webhook is found in a workspace that it does not belong to.
    WebhooksOfOthersFound: "webhooks::a_webhook_reads_back_as_it_was_written";
    /// Webhooks are in the order of their ids.
    WebhooksInOrderOfIds: "webhooks::webhooks_are_in_the_order_of_their_creation";
    /// The log of attempts begins with the oldest.
    OldestAttemptsFirst: "settlements::an_attempt_is_settled_as_it_was_decided";
    /// Encrypting anew overwrites a secret that was changed meanwhile.
    ResealOverwrites: "webhooks::secrets_are_encrypted_anew";
    /// After a second rotation the first secret signs, and the second does not.
    FirstSecretsKept: "webhooks::a_second_rotation_ends_the_first_secret";
    /// An old secret signs for ever.
    OldSecretsForEver: "webhooks::an_old_secret_is_used_for_a_day";
    /// A test goes to every webhook that is subscribed.
    TestsGoToAll: "webhooks::a_test_goes_to_one_webhook_alone";
    /// A process goes by the first webhooks that it saw.
    StaleWebhooks: "deliveries::what_another_process_has_subscribed_counts_at_once";

    // Both queues.

    /// What is being tried is claimed again.
    ClaimedTwice: "claims::a_delivery_is_one_process_s_until_its_lease_ends" "mail_claims::a_mail_is_one_process_s_until_its_lease_ends";
    /// What is not due is claimed.
    ClaimedBeforeDue: "settlements::an_attempt_is_settled_as_it_was_decided" "mail_claims::a_mail_is_settled_as_it_was_decided";
    /// Whoever lost a claim settles nevertheless.
    FenceIgnored: "claims::a_delivery_is_one_process_s_until_its_lease_ends" "mail_claims::a_mail_is_one_process_s_until_its_lease_ends";
    /// An attempt does not count until it is settled.
    AttemptsNotCounted: "claims::what_always_kills_its_process_ends_after_its_attempts"
        "mail_claims::what_always_kills_its_process_is_not_sent_for_ever";
    /// What was given back untried has used an attempt up.
    ReleasedAttemptsCount: "claims::what_is_given_back_is_due_again" "mail_claims::a_mail_that_is_given_back_is_due_again";
    /// A lease ends at its last instant.
    LeasesEndEarly: "claims::a_delivery_is_one_process_s_until_its_lease_ends" "mail_claims::a_mail_is_one_process_s_until_its_lease_ends";
    /// What has no attempt left is tried again.
    TriedForEver: "claims::what_always_kills_its_process_ends_after_its_attempts"
        "mail_claims::what_always_kills_its_process_is_not_sent_for_ever";
    /// A claim is not limited to a lane's share.
    SharesIgnored: "claims::webhooks_get_their_shares" "mail_claims::workspaces_get_their_shares";
    /// A claim takes what is due of lanes that it does not name.
    LanesMixed: "claims::webhooks_get_their_shares" "mail_claims::workspaces_get_their_shares";
    /// The shortest due is claimed first.
    ShortestDueFirst: "claims::webhooks_get_their_shares" "mail_claims::the_longest_due_is_sent_first";
    /// What is being tried is not told apart from what waits.
    RunningNotTold: "claims::the_depth_tells_what_is_being_sent" "mail_claims::the_depth_tells_what_is_being_sent";
    /// What is still to be sent is pruned.
    UnfinishedPruned: "deliveries::what_is_finished_is_pruned" "mail_claims::what_is_finished_is_pruned";

    // Deliveries.

    /// A workspace's events go to the webhooks of others.
    EventsToOtherWorkspaces: "deliveries::an_event_goes_to_those_who_are_subscribed";
    /// A webhook gets events of every kind.
    SubscriptionsIgnored: "deliveries::an_event_goes_to_those_who_are_subscribed";
    /// A webhook that is switched on again is sent what waited before.
    SwitchesForgotten: "deliveries::a_webhook_that_is_off_misses_what_happens" "claims::what_was_claimed_before_a_switch_is_not_sent_again";
    /// What was claimed is sent after its webhook was switched off.
    ConfirmsWhatIsOff: "claims::what_was_claimed_before_a_switch_is_not_sent_again";
    /// An event goes where its webhook was when the event was written.
    UrlsFrozen: "claims::a_claim_is_confirmed_as_things_are_now";
    /// Failures are not counted for a webhook.
    AttemptsNotCountedAgainstWebhooks: "settlements::an_attempt_is_settled_as_it_was_decided";
    /// A deleted list's events are sent.
    EventsOfDeletedListsSent: "deliveries::deliveries_go_with_what_they_belong_to";

    // Mail.

    /// A deleted list's mail is sent.
    MailOfDeletedListsSent: "mails::mail_goes_with_what_it_belongs_to";
    /// A mail's sender is read when it is sent.
    SendersReadWhenSent: "mails::a_mail_says_what_was_set_when_it_was_written";

    // Purges.

    /// A purge is one batch.
    PurgesInOneBatch: "purges::a_purge_takes_what_was_deleted_and_nothing_else";
    /// Nothing is ever left to be purged, as it is told.
    BacklogNotTold: "purges::a_deleted_waitlist_is_gone_before_it_is_purged";
    /// A purge of a list forgets its mail.
    PurgesForgetMail: "purges::a_purge_takes_what_was_deleted_and_nothing_else";
    /// A purge of a list forgets its events.
    PurgesForgetEvents: "purges::a_purge_takes_what_was_deleted_and_nothing_else";
    /// A purge of a webhook forgets its deliveries.
    PurgesForgetDeliveries: "purges::a_deleted_webhook_is_purged";
    /// What waited for a switched webhook is never held.
    PurgesForgetHeld: "purges::what_waited_for_a_switched_webhook_is_held_in_time";
    /// A purge takes what belongs to other lists.
    PurgesTakeNeighbours: "purges::a_purge_takes_what_was_deleted_and_nothing_else";
    /// Those whom a deleted entry referred are counted as referred for ever.
    DeletedReferrersCounted: "purges::a_deleted_referrer_of_many_is_forgotten";

    // Callers that go away in the midst of a write.

    /// Events and mail are written after what they tell of.
    TornOutbox: "abandoned::a_sign_up_is_whole_or_not_at_all" "abandoned::a_review_is_whole_or_not_at_all"
        "abandoned::an_invitation_is_whole_or_not_at_all";
    /// Replies are written after their effect.
    TornReplies: "abandoned::a_new_waitlist_is_whole_or_not_at_all" "abandoned::a_new_webhook_is_whole_or_not_at_all"
        "abandoned::a_new_secret_is_whole_or_not_at_all";
    /// Totals are written after the rows they count.
    TornTotals: "abandoned::a_sign_up_is_whole_or_not_at_all" "abandoned::a_deletion_of_an_entry_is_whole_or_not_at_all";
    /// The old slug is written after the new one.
    TornSlugs: "abandoned::a_rename_is_whole_or_not_at_all";
    /// The control variant is written after its list.
    TornVariants: "abandoned::a_new_waitlist_is_whole_or_not_at_all";
    /// The lists of a deleted workspace go after it.
    TornLists: "abandoned::a_deletion_of_a_workspace_is_whole_or_not_at_all";
    /// The log is written after the delivery.
    TornLog: "abandoned::a_settlement_is_whole_or_not_at_all";
}

/// The flaw of a store, if it has one. Without the feature `flaws` none has, and nothing is left of the questions.
#[derive(Clone, Copy, Default)]
pub(crate) struct Flawed(#[cfg(feature = "flaws")] Option<Flaw>);

impl Flawed {
    #[cfg(feature = "flaws")]
    pub const fn with(flaw: Flaw) -> Self {
        Self(Some(flaw))
    }

    /// Whether the store has that flaw.
    #[cfg(feature = "flaws")]
    pub fn is(self, flaw: Flaw) -> bool {
        self.0 == Some(flaw)
    }

    /// Whether the store has that flaw.
    #[cfg(not(feature = "flaws"))]
    pub const fn is(self, _: Flaw) -> bool {
        false
    }

    /// The scope under which a reply is stored.
    pub fn scope(self, scope: &RequestScope) -> RequestScope {
        let nowhere = WorkspaceId::new(Uuid::nil());
        RequestScope {
            workspace_id: if self.is(Flaw::ReceiptsIgnoreWorkspaces) { nowhere } else { scope.workspace_id },
            route: if self.is(Flaw::ReceiptsIgnoreRoutes) { String::new() } else { scope.route.clone() },
            key: scope.key.clone(),
        }
    }

    /// The identity under which a mail is kept beside so many others.
    pub fn mail_id(self, id: MailId, others: usize) -> MailId {
        let other = MailId::new(Uuid::from_u128(id.uuid().as_u128() ^ others as u128));
        if self.is(Flaw::MailTwice) { other } else { id }
    }

    /// A reply to nothing.
    pub const fn empty_reply(self, now: Timestamp) -> StoredReply {
        StoredReply { fingerprint: [0; 32], sealed: Vec::new(), created_at: now }
    }

    /// Cuts a page off before its rows are filtered.
    pub fn cut_before_filtering<T>(self, rows: &mut Vec<T>, limit: Limit) {
        if self.is(Flaw::FilteredAfterTheLimit) {
            rows.truncate(limit.rows() + 1);
        }
    }

    /// A referrer as if it were not rejected.
    pub const fn pardon(self, referrer: ReferrerFacts) -> ReferrerFacts {
        ReferrerFacts { status: EntryStatus::Pending, ..referrer }
    }

    /// The leaderboard's line of an entry, rejected or not.
    pub fn leader(self, entry: &Entry) -> Leader {
        Leader { position: entry.position, referral_count: entry.referral_count, email: entry.email.clone() }
    }

    /// Where a delivery goes.
    #[cfg(feature = "flaws")]
    pub fn url(self, delivery: &Delivery, hook: &Hook) -> WebhookUrl {
        if self.is(Flaw::UrlsFrozen) { delivery.url_then.clone() } else { hook.webhook.url.clone() }
    }

    /// Where a delivery goes.
    #[cfg(not(feature = "flaws"))]
    pub fn url(self, _: &Delivery, hook: &Hook) -> WebhookUrl {
        hook.webhook.url.clone()
    }

    /// A mail as it is sent.
    pub fn mail(self, mail: &Mail, data: &Data) -> Mail {
        let setup = data.mail_setup(mail.workspace_id).filter(|_| self.is(Flaw::SendersReadWhenSent));
        Mail { from: setup.map_or_else(|| mail.from.clone(), |setup| setup.from), ..mail.clone() }
    }
}

#[cfg(feature = "flaws")]
pub(crate) use wrong::{Memory, pause};

/// Flaws of a whole write: what is seen of others' writes, and what is seen of it while it is under way.
#[cfg(feature = "flaws")]
mod wrong {
    use std::collections::{BTreeMap, HashMap};
    use std::mem::swap;
    use std::sync::PoisonError;
    use std::task::Poll;

    use rally_domain::id::{WaitlistId, WebhookId, WorkspaceId};
    use rally_domain::waitlist::Waitlist;
    use rally_domain::workspace::WorkspaceSettings;

    use super::{Flaw, Flawed};
    use crate::MemoryStore;
    use crate::data::{Data, Hook};

    /// What a process saw first.
    #[derive(Default)]
    pub(crate) struct Memory {
        settings: Option<HashMap<WorkspaceId, WorkspaceSettings>>,
        webhooks: Option<BTreeMap<WebhookId, Hook>>,
        lists: BTreeMap<WaitlistId, Waitlist>,
    }

    /// The second half of a write whose first half is seen already.
    pub(crate) struct Torn(Flawed, Box<Data>);

    impl Torn {
        /// Writes it.
        pub fn put_into(mut self, data: &mut Data) {
            swap_half(self.0, data, &mut self.1);
        }
    }

    /// Gives the caller a moment to go away in.
    pub(crate) async fn pause() {
        let mut paused = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut paused, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    impl MemoryStore {
        pub(crate) fn write_flawed<T>(&self, work: impl FnOnce(&mut Data) -> T) -> (T, Option<Torn>) {
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            let mut data = self.lock();
            let flaw = data.flaw;
            let before = flaw.tears().then(|| Box::new(data.clone()));
            let outcome = match flaw.0 {
                Some(Flaw::StaleSettings) => work_with_old(&mut data, &mut memory.settings, |data| &mut data.settings, work),
                Some(Flaw::StaleWebhooks) => work_with_old(&mut data, &mut memory.webhooks, |data| &mut data.webhooks, work),
                Some(Flaw::StaleLists) => work_with_old_lists(&mut data, &mut memory.lists, work),
                _ => work(&mut data),
            };
            let torn = before.map(|mut before| {
                swap_half(flaw, &mut data, &mut before);
                Torn(flaw, before)
            });
            (outcome, torn)
        }
    }

    impl Flawed {
        fn tears(self) -> bool {
            use Flaw::{TornLists, TornLog, TornOutbox, TornReplies, TornSlugs, TornTotals, TornVariants};
            [TornOutbox, TornReplies, TornTotals, TornSlugs, TornVariants, TornLists, TornLog].iter().any(|flaw| self.is(*flaw))
        }
    }

    /// Swaps what a torn write writes last.
    fn swap_half(flaw: Flawed, one: &mut Data, other: &mut Data) {
        match flaw.0 {
            Some(Flaw::TornOutbox) => {
                swap(&mut one.events, &mut other.events);
                swap(&mut one.deliveries, &mut other.deliveries);
                swap(&mut one.mails, &mut other.mails);
            }
            Some(Flaw::TornReplies) => swap(&mut one.replies, &mut other.replies),
            Some(Flaw::TornSlugs) => swap(&mut one.retired, &mut other.retired),
            Some(Flaw::TornLists) => swap(&mut one.lists, &mut other.lists),
            Some(Flaw::TornLog) => swap(&mut one.attempts, &mut other.attempts),
            Some(Flaw::TornTotals) => {
                for (id, list) in &mut one.lists {
                    other.lists.get_mut(id).into_iter().for_each(|other| swap(&mut list.tally, &mut other.tally));
                }
            }
            Some(Flaw::TornVariants) => {
                for (id, list) in &mut one.lists {
                    let mut twin = list.clone();
                    twin.variants.clear();
                    swap(&mut list.variants, &mut other.lists.entry(*id).or_insert(twin).variants);
                }
            }
            _ => {}
        }
    }

    /// Works with a part of the data as this process saw it first, or wrote it last.
    fn work_with_old<P: Clone + PartialEq + IntoIterator<Item = (K, V)> + Extend<(K, V)>, K, V, T>(
        data: &mut Data,
        memory: &mut Option<P>,
        part: impl Fn(&mut Data) -> &mut P,
        work: impl FnOnce(&mut Data) -> T,
    ) -> T {
        let seen = memory.get_or_insert_with(|| part(data).clone()).clone();
        let mut real = std::mem::replace(part(data), seen.clone());
        let outcome = work(data);
        let after = part(data).clone();
        if after != seen {
            real.extend(after.clone());
            *memory = Some(after);
        }
        *part(data) = real;
        outcome
    }

    fn work_with_old_lists<T>(data: &mut Data, memory: &mut BTreeMap<WaitlistId, Waitlist>, work: impl FnOnce(&mut Data) -> T) -> T {
        let mut real = BTreeMap::new();
        for (id, list) in &mut data.lists {
            let seen = memory.entry(*id).or_insert_with(|| list.waitlist.clone());
            real.insert(*id, std::mem::replace(&mut list.waitlist, seen.clone()));
        }
        let outcome = work(data);
        for (id, list) in &mut data.lists {
            match real.remove(id) {
                Some(real) if memory.get(id) == Some(&list.waitlist) => list.waitlist = real,
                _ => drop(memory.insert(*id, list.waitlist.clone())),
            }
        }
        outcome
    }
}
