//! The data of a store in memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rally_domain::access::{ApiKey, Receipt, RequestScope, StoredReply};
use rally_domain::audit::AuditRecord;
use rally_domain::command::{CodeOwner, EntryFacts, ReferrerFacts};
use rally_domain::confirmation::{KeptRequest, MailShare};
use rally_domain::delivery::Attempt;
use rally_domain::entry::{Entry, EntryStatus, Leader};
use rally_domain::event::{Event, EventKind};
use rally_domain::id::{
    EntryId, EventId, ImportId, LinkId, MailId, ProofId, ReferralId, RequestId, SessionId, VariantId, WaitlistId, WebhookId, WorkspaceId,
};
use rally_domain::ledger::Referral;
use rally_domain::mail::{Mail, MailSetup, MailTemplate};
use rally_domain::proof_of_work::UsedProof;
use rally_domain::queue::Verdict;
use rally_domain::referral::{Position, ReferralCode};
use rally_domain::secret::{AddressHash, NetworkHash};
use rally_domain::session::{Session, SignInLink, SignInTries};
use rally_domain::slug::Slug;
use rally_domain::suppression::Suppression;
use rally_domain::tally::Tally;
use rally_domain::timestamp::Timestamp;
use rally_domain::tombstone::Tombstone;
use rally_domain::variant::Variant;
use rally_domain::waitlist::Waitlist;
use rally_domain::webhook::{SealedSecrets, Webhook};
use rally_domain::workspace::{Workspace, WorkspaceSettings};

use crate::entry_jobs::KeptJob;
use crate::feeds::Feed;
use crate::flaw::{Flaw, Flawed};
use crate::imports::KeptImport;
use crate::purges::Purge;
use crate::queue::Job;

/// All data.
#[derive(Clone, Default)]
pub(crate) struct Data {
    pub workspaces: BTreeMap<WorkspaceId, Workspace>,
    /// Old slugs, each with the last workspace that had it.
    pub retired: HashMap<Slug, WorkspaceId>,
    pub settings: HashMap<WorkspaceId, WorkspaceSettings>,
    pub secret: Option<Vec<u8>>,
    pub api_keys: Vec<ApiKey>,
    pub sessions: BTreeMap<SessionId, Session>,
    pub sign_in_links: BTreeMap<LinkId, SignInLink>,
    /// The failed tries of each client, and when the last one was.
    pub sign_in_tries: BTreeMap<NetworkHash, (SignInTries, Timestamp)>,
    pub replies: HashMap<RequestScope, StoredReply>,
    pub lists: BTreeMap<WaitlistId, List>,
    pub webhooks: BTreeMap<WebhookId, Hook>,
    pub attempts: Vec<Attempt>,
    /// Ordered by the time when they happened.
    pub events: BTreeMap<(Timestamp, EventId), Event>,
    pub deliveries: Vec<Delivery>,
    pub feeds: BTreeMap<WorkspaceId, Feed>,
    pub mails: BTreeMap<MailId, QueuedMail>,
    pub requests: BTreeMap<RequestId, KeptRequest>,
    /// The mails that strangers caused to each address, and when somebody last asked for one.
    pub shares: BTreeMap<AddressHash, (MailShare, Timestamp)>,
    /// Mails of strangers that were begun and are deleted, by workspace and network.
    pub begun_mails: Vec<(WorkspaceId, NetworkHash, Timestamp)>,
    pub used_proofs: BTreeMap<ProofId, UsedProof>,
    pub suppressions: Vec<Suppression>,
    pub templates: Vec<MailTemplate>,
    pub purges: Vec<Purge>,
    pub imports: BTreeMap<ImportId, KeptImport>,
    pub entry_jobs: Vec<KeptJob>,
    /// People as they were, for the flaws that still find them.
    pub former: Vec<Entry>,
    pub audit: Vec<AuditRecord>,
    pub flaw: Flawed,
}

/// A waitlist with what it owns.
#[derive(Clone)]
pub(crate) struct List {
    pub waitlist: Waitlist,
    pub variants: Vec<KeptVariant>,
    pub tally: Tally,
    /// Copied if it is changed while an export reads it.
    entries: Arc<BTreeMap<Position, Entry>>,
    positions: HashMap<EntryId, Position>,
    /// What stays of erased entries.
    pub tombstones: BTreeMap<EntryId, Tombstone>,
    /// Codes from before people were imported.
    pub old_codes: BTreeMap<String, EntryId>,
    /// The referral ledger.
    pub referrals: BTreeMap<ReferralId, KeptReferral>,
    /// The networks that the entries came from.
    pub networks: BTreeMap<EntryId, NetworkHash>,
    /// The most referrals that an entry had before one was taken back.
    pub peaks: HashMap<EntryId, u64>,
    board: BTreeSet<Leader>,
}

/// A row of the ledger, with the ids of its persons even if they are gone.
#[derive(Clone, PartialEq)]
pub(crate) struct KeptReferral {
    pub referral: Referral,
    pub network: Option<NetworkHash>,
}

/// A variant. A deleted one stays for the sign-ups that it won.
#[derive(Clone)]
pub(crate) struct KeptVariant {
    pub variant: Variant,
    pub is_deleted: bool,
}

/// A webhook with its secrets.
#[derive(Clone, PartialEq)]
pub(crate) struct Hook {
    pub webhook: Webhook,
    pub secrets: SealedSecrets,
    pub previous_until: Option<Timestamp>,
}

/// A delivery.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub event_id: EventId,
    pub webhook_id: WebhookId,
    /// The generation of the webhook that it was written for.
    pub generation: u64,
    /// The URL of the webhook when the delivery was written, for the flaw that sends it there.
    #[cfg(feature = "flaws")]
    pub url_then: rally_domain::webhook::WebhookUrl,
    pub job: Job,
}

/// A mail in the outbox.
#[derive(Clone)]
pub(crate) struct QueuedMail {
    pub mail: Mail,
    pub job: Job,
    /// When the budget of strangers let it be claimed.
    pub begun_at: Option<Timestamp>,
    /// What went wrong in the last attempt.
    pub last_error: Option<String>,
    /// When it was accepted.
    pub sent_at: Option<Timestamp>,
}

impl List {
    pub fn new(waitlist: Waitlist, control: Variant) -> Self {
        Self {
            waitlist,
            variants: vec![KeptVariant { variant: control, is_deleted: false }],
            tally: Tally::default(),
            entries: Arc::default(),
            positions: HashMap::new(),
            tombstones: BTreeMap::new(),
            old_codes: BTreeMap::new(),
            referrals: BTreeMap::new(),
            networks: BTreeMap::new(),
            peaks: HashMap::new(),
            board: BTreeSet::new(),
        }
    }

    /// The entries by position, as they are at this moment.
    pub fn entries(&self) -> Arc<BTreeMap<Position, Entry>> {
        self.entries.clone()
    }

    pub fn find(&self, id: EntryId) -> Option<&Entry> {
        self.entries.get(self.positions.get(&id)?)
    }

    /// The entry as readers see it. A deleted referrer is none, even before its purge.
    pub fn show(&self, entry: &Entry) -> Entry {
        let is_known = |id: &EntryId| self.positions.contains_key(id) || self.tombstones.contains_key(id);
        Entry { referred_by: entry.referred_by.filter(is_known), ..entry.clone() }
    }

    /// Writes an entry, new or changed.
    pub fn put(&mut self, entry: Entry) {
        self.positions.insert(entry.id, entry.position);
        self.board.extend(Leader::of(&entry));
        let before = Arc::make_mut(&mut self.entries).insert(entry.position, entry.clone());
        if let Some(leader) = before.as_ref().and_then(Leader::of).filter(|leader| Some(leader) != Leader::of(&entry).as_ref()) {
            self.board.remove(&leader);
        }
    }

    /// Removes an entry.
    pub fn take(&mut self, id: EntryId) -> Option<Entry> {
        let entry = Arc::make_mut(&mut self.entries).remove(&self.positions.remove(&id)?)?;
        if let Some(leader) = Leader::of(&entry) {
            self.board.remove(&leader);
        }
        Some(entry)
    }

    /// Adds the entries of another list after its own.
    pub fn mix(&mut self, other: &Self) {
        let last = self.entries.keys().last().map_or(0, |last| last.number());
        let others = other.entries().values().filter(|entry| self.find(entry.id).is_none()).cloned().collect::<Vec<_>>();
        others.into_iter().for_each(|entry| self.put(Entry { position: Position::new(last + entry.position.number()), ..entry }));
    }

    /// Shows an entry on the leaderboard, even if it is deleted.
    pub fn keep_leading(&mut self, entry: &Entry) {
        self.board.extend(Leader::of(entry));
    }

    /// Removes at most that many entries, the first ones first.
    pub fn take_some(&mut self, rows: usize) -> Vec<Entry> {
        let some: Vec<EntryId> = self.entries.values().take(rows).map(|entry| entry.id).collect();
        some.into_iter().filter_map(|id| self.take(id)).collect()
    }

    /// The leaders, in the order of the leaderboard.
    pub fn leaders(&self) -> impl Iterator<Item = &Leader> {
        self.board.iter()
    }

    pub fn entry_at(&self, position: Position) -> Option<&Entry> {
        self.entries.get(&position)
    }

    pub fn has_active_variant(&self, id: VariantId, flaw: Flawed) -> bool {
        let wins = |kept: &KeptVariant| kept.variant.active && !kept.is_deleted || flaw.is(Flaw::InactiveVariantWins);
        self.variants.iter().any(|kept| kept.variant.id == id && wins(kept))
    }
}

impl Data {
    /// Whether a list exists, or none is given.
    pub fn is_there(&self, list: Option<WaitlistId>) -> bool {
        list.is_none_or(|id| self.lists.contains_key(&id))
    }

    /// A list of a workspace.
    pub fn list_of(&self, workspace_id: WorkspaceId, id: WaitlistId) -> Option<&List> {
        let mine = |list: &&List| list.waitlist.workspace_id == workspace_id || self.flaw.is(Flaw::ListsOfOthersFound);
        self.lists.get(&id).filter(mine)
    }

    /// A list that is deleted and not purged yet, for a flaw that still finds it.
    pub fn buried(&self, id: WaitlistId, flaw: Flaw) -> Option<&List> {
        self.purges.iter().filter(|_| self.flaw.is(flaw)).find_map(|purge| match purge {
            Purge::List(list) if list.waitlist.id == id => Some(&**list),
            _ => None,
        })
    }

    /// The lists of the workspace of a list, for a flaw that mixes them. Otherwise only that list.
    pub fn lists_beside(&self, id: WaitlistId, flaw: Flaw) -> impl Iterator<Item = &List> {
        let home = self.lists.get(&id).map(|list| list.waitlist.workspace_id);
        let mixes = self.flaw.is(flaw);
        self.lists.values().filter(move |list| list.waitlist.id == id || (mixes && Some(list.waitlist.workspace_id) == home))
    }

    /// How a workspace sends mail, if it does.
    pub fn mail_setup(&self, id: WorkspaceId) -> Option<MailSetup> {
        let workspace = self.workspaces.get(&id)?;
        let old = workspace.previous_slug.as_ref().filter(|_| self.flaw.is(Flaw::MailLinksToOldSlugs));
        let slug = old.unwrap_or(&workspace.slug);
        let of_another =
            || self.settings.values().find(|other| self.flaw.is(Flaw::MailBySettingsOfOthers) && MailSetup::of(other, slug).is_some());
        MailSetup::of(self.settings.get(&id).or_else(of_another)?, slug)
    }

    /// The facts for a change of an entry.
    pub fn entry_facts(&self, waitlist_id: WaitlistId, id: EntryId) -> Option<EntryFacts> {
        let list = self.lists.get(&waitlist_id).or_else(|| self.buried(waitlist_id, Flaw::EntriesOfDeletedListsChange))?;
        if self.flaw.is(Flaw::ClosedListsFrozen) && !list.waitlist.is_open() {
            return None;
        }
        let entry = if self.flaw.is(Flaw::ChangesShowDeletedReferrers) { list.find(id)?.clone() } else { list.show(list.find(id)?) };
        let mail = self.mail_setup(entry.workspace_id);
        Some(EntryFacts { entry, waitlist: list.waitlist.clone(), mail })
    }

    /// The list that has an entry, for a flaw that asks for no list.
    pub fn home_of(&self, id: EntryId, flaw: Flaw) -> Option<WaitlistId> {
        let mut lists = self.lists.values().filter(|_| self.flaw.is(flaw));
        lists.find(|list| list.find(id).is_some()).map(|list| list.waitlist.id)
    }

    /// Writes an entry that has changed, and counts it under its status.
    pub fn put_changed(&mut self, entry: &Entry, from: EntryStatus) {
        let flaw = self.flaw;
        let Some(list) = self.lists.get_mut(&entry.waitlist_id) else { return };
        // A referrer that is deleted and not purged yet is still counted.
        let referred_by = list.find(entry.id).and_then(|before| before.referred_by).filter(|_| !flaw.is(Flaw::ChangesForgetReferrers));
        list.put(flaw.changed(Entry { referred_by, ..entry.clone() }));
        if from == EntryStatus::Rejected && flaw.is(Flaw::ApprovedPeopleLeadNoMore) {
            Leader::of(entry).map(|leader| list.board.remove(&leader));
        }
        if !flaw.is(Flaw::ReviewsNotCounted) {
            list.tally.review(from, entry.status);
        }
    }

    /// The owner of a referral code, as a list sees it.
    pub fn owner_of(&self, code: &ReferralCode, list: WaitlistId) -> Option<CodeOwner> {
        let mut all = self.lists.values().flat_map(|list| list.entries.values());
        let entry = all.find(|entry| entry.referral_code == *code)?;
        if entry.waitlist_id != list {
            return Some(CodeOwner::Elsewhere);
        }
        let home = self.lists.get(&list)?;
        let facts = ReferrerFacts::of(entry, home.networks.get(&entry.id).copied());
        Some(CodeOwner::Here(ReferrerFacts { referral_peak: home.peaks.get(&entry.id).copied().unwrap_or(0), ..facts }))
    }

    /// Writes an event for the webhooks that are subscribed to its kind now. For a disabled one it is held.
    pub fn tell(&mut self, event: Event) {
        let flaw = self.flaw;
        let wants = |hook: &&Hook| {
            (hook.webhook.workspace_id == event.workspace_id || flaw.is(Flaw::EventsToOtherWorkspaces))
                && (hook.webhook.active || !flaw.is(Flaw::DisabledWebhooksForgotten))
                && (hook.webhook.events.kinds().contains(&event.kind) || flaw.is(Flaw::SubscriptionsIgnored))
        };
        let receivers: Vec<Webhook> = self.webhooks.values().filter(wants).map(|hook| hook.webhook.clone()).collect();
        for webhook in &receivers {
            self.deliver(&event, webhook);
            if let Some(delivery) = self.deliveries.last_mut().filter(|_| !webhook.active && !flaw.is(Flaw::DisabledWebhooksWrittenFor)) {
                delivery.job.settle(Verdict::Held);
            }
        }
        if !flaw.is(Flaw::FeedsForgetApprovals) || event.kind != EventKind::EntryApproved {
            self.feed(&event);
        }
        self.events.insert((event.occurred_at, event.id), event);
    }

    /// Writes an event for one webhook.
    pub fn deliver(&mut self, event: &Event, webhook: &Webhook) {
        self.deliveries.push(Delivery {
            event_id: event.id,
            webhook_id: webhook.id,
            generation: webhook.generation,
            #[cfg(feature = "flaws")]
            url_then: webhook.url.clone(),
            job: Job::due_at(event.occurred_at),
        });
    }

    /// Writes a mail, once.
    pub fn post(&mut self, mail: Option<Mail>) {
        let Some(mail) = mail else { return };
        let job = Job::due_at(mail.created_at);
        let queued = QueuedMail { mail, job, begun_at: None, last_error: None, sent_at: None };
        self.mails.entry(self.flaw.mail_id(queued.mail.id, self.mails.len())).or_insert(queued);
    }

    pub fn event(&self, id: EventId) -> Option<&Event> {
        self.events.values().find(|event| event.id == id)
    }

    /// Whether a reply is stored in the scope of a receipt, if there is one.
    pub fn is_done<T>(&self, receipt: Option<&Receipt<T>>) -> bool {
        let stored = receipt.and_then(|receipt| Some((receipt, self.replies.get(&self.flaw.scope(&receipt.scope))?)));
        stored.is_some_and(|(receipt, reply)| reply.created_at >= receipt.expired_before() || self.flaw.is(Flaw::RepliesNeverExpire))
    }

    /// Stores the reply of an effect.
    pub fn store_reply<T>(&mut self, receipt: Option<&Receipt<T>>, effect: &T) {
        if let Some(receipt) = receipt {
            let scope = self.flaw.scope(&receipt.scope);
            if !(self.flaw.is(Flaw::ExpiredRepliesStay) && self.replies.contains_key(&scope)) {
                self.replies.insert(scope, receipt.of(effect));
            }
        }
    }
}
