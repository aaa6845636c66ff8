//! Decorators of ports that cache frequent reads for a moment. Readers and writers do not notice them.
//!
//! A change through these ports is visible at once, because it increments the *generation*, which is part of every cache key. A value
//! that was being read meanwhile is stored under the old generation, which nobody reads. A change by another process is visible within
//! [`MOMENT`]. Simultaneous misses of the same key make one query. The size of every cache is bounded.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use moka::future::Cache;
use rally_domain::access::{ApiKey, Receipt};
use rally_domain::analytics::{Analytics, DaySpan};
use rally_domain::command::{
    CancelImport, ChangeWaitlistStatus, ChangeWaitlistStatusRejection, CreateApiKey, CreateVariant, CreateWaitlist,
    CreateWaitlistRejection, CreateWebhook, CreateWorkspace, DecideReferrals, DecideReferralsRejection, Decided, DeleteEntry,
    DeleteRequest, DeleteVariant, DeleteWaitlist, DeleteWebhook, DeleteWorkspace, EntryRejection, EraseEntry, ImportRejection, ImportWork,
    InviteRejection, Invited, LiftSuppression, ProfileRejection, RecordInvitation, Refuse, RenameWorkspace, ReplaceLink,
    ReplaceLinkRejection, ReplayDeliveries, ReplayRejection, RequestMail, RequestMailRejection, Resend, ResendDelivery, ResendRejection,
    ReviewEntry, RevokeApiKey, RotateSecret, SignUp, SignUpRejection, StageRows, Suppress, SuppressRejection, TestWebhook, Unsubscribe,
    UnsubscribeRejection, UpdateProfile, UpdateSettings, UpdateSettingsRejection, UpdateVariant, UpdateWaitlist, UpdateWaitlistRejection,
    UpdateWebhook, VariantRejection, WebhookRejection, WorkspaceRejection,
};
use rally_domain::confirmation::{KeptRequest, RequestEnded, SignUpRequest};
use rally_domain::delivery::{Attempt, DeliveryState};
use rally_domain::entry::{Entry, EntryStatus, Friend, Leader, Records};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{ClaimId, EntryId, ImportId, RequestId, WaitlistId, WebhookId, WorkspaceId};
use rally_domain::import::{Import, ImportProblem};
use rally_domain::ledger::{Referral, ReferralFilter, Standing, Suspect};
use rally_domain::paging::{Limit, Page, ReferralKey, RequestKey, SuppressionKey, WaitlistKey};
use rally_domain::port::{
    ApiKeyStore, ConfirmationStore, EntryStats, EntryStore, EntryStream, ImportStore, LineStream, Ports, Rebuilt, ReferralStore,
    SettingsStore, SuppressionStore, VariantStore, WaitlistStore, WebhookStore, WorkspaceStore,
};
use rally_domain::rank::Ranks;
use rally_domain::referral::{OldCode, Position, ReferralBoost, ReferralCode};
use rally_domain::secret::AddressHash;
use rally_domain::slug::Slug;
use rally_domain::suppression::{Suppression, SuppressionReason};
use rally_domain::timestamp::Timestamp;
use rally_domain::variant::Variant;
use rally_domain::waitlist::{PublicWaitlist, Waitlist, WaitlistStatus};
use rally_domain::webhook::{SealedSecrets, Webhook};
use rally_domain::workspace::{Workspace, WorkspaceSettings};
use time::Date;

use super::generations::{Changes, Generations, Noted, moved_on, now};
use super::ranks::{KeptRanks, Reading};
use super::{HALF_A_MOMENT, MOMENT};

/// The most values of one kind.
const MAX_KEPT: u64 = 2000;

/// Ports that cache frequent reads, and count the changes that the relay must know of.
pub fn cached(ports: Ports, noted: &Noted) -> Ports {
    let generations = Arc::new(Generations { noted: noted.clone(), ..Generations::default() });
    let changes = &noted.sent;
    let webhooks = Arc::new(Webhooks { inner: ports.webhooks.clone(), changes: changes.clone() });
    let suppressions = Arc::new(Suppressions { inner: ports.suppressions.clone(), changes: changes.clone() });
    let confirmations = Arc::new(Confirmations { inner: ports.confirmations.clone(), changes: changes.clone() });
    let public = Arc::new(Public {
        inner: ports.clone(),
        generations: generations.clone(),
        lists: kept_for(HALF_A_MOMENT),
        workspaces: kept_for(MOMENT),
        keys: kept_for(MOMENT),
    });
    let imports = Arc::new(Imports { inner: ports.imports.clone(), generations: generations.clone() });
    let ranks = KeptRanks::new(read_ranks(ports.entries.clone()));
    let entries = Arc::new(Entries { inner: ports.clone(), generations, leaders: kept_for(MOMENT), ranks });
    Ports {
        workspaces: public.clone(),
        waitlists: public.clone(),
        variants: public.clone(),
        settings: public.clone(),
        api_keys: public,
        entries: entries.clone(),
        stats: entries.clone(),
        referrals: entries,
        webhooks,
        suppressions,
        confirmations,
        imports,
        ..ports
    }
}

fn kept_for<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static>(time: Duration) -> Cache<K, V> {
    Cache::builder().max_capacity(MAX_KEPT).time_to_live(time).build()
}

/// The data of the public surface, and API keys.
struct Public {
    inner: Ports,
    generations: Arc<Generations>,
    /// Workers of the server keep them for another half of a moment.
    lists: Cache<(u64, Slug, Slug), Option<Arc<PublicWaitlist>>>,
    workspaces: Cache<(u64, WorkspaceId), Option<Workspace>>,
    keys: Cache<(u64, String), Vec<ApiKey>>,
}

impl Public {
    fn changed<T>(&self, outcome: T) -> T {
        self.generations.noted.public.note(outcome)
    }
}

#[async_trait]
impl WaitlistStore for Public {
    async fn create(
        &self,
        command: CreateWaitlist,
        receipt: Option<Receipt<Waitlist>>,
    ) -> Result<Waitlist, CommandError<CreateWaitlistRejection>> {
        self.changed(self.inner.waitlists.create(command, receipt).await)
    }

    async fn update(&self, command: UpdateWaitlist) -> Result<Waitlist, CommandError<UpdateWaitlistRejection>> {
        self.changed(self.inner.waitlists.update(command).await)
    }

    async fn change_status(&self, command: ChangeWaitlistStatus) -> Result<Waitlist, CommandError<ChangeWaitlistStatusRejection>> {
        self.changed(self.inner.waitlists.change_status(command).await)
    }

    async fn delete(&self, command: DeleteWaitlist) -> Result<bool, Fault> {
        let deleted = self.inner.waitlists.delete(command).await;
        self.changed(self.generations.noted.sent.note(deleted))
    }

    async fn find(&self, workspace_id: WorkspaceId, id: WaitlistId) -> Result<Option<Waitlist>, Fault> {
        self.inner.waitlists.find(workspace_id, id).await
    }

    async fn list(
        &self,
        workspace_id: WorkspaceId,
        status: Option<WaitlistStatus>,
        after: Option<WaitlistKey>,
        limit: Limit,
    ) -> Result<Page<Waitlist, WaitlistKey>, Fault> {
        self.inner.waitlists.list(workspace_id, status, after, limit).await
    }

    async fn export(&self, waitlist_id: WaitlistId) -> Result<LineStream, Fault> {
        self.inner.waitlists.export(waitlist_id).await
    }

    async fn find_public(&self, workspace_slug: &Slug, slug: &Slug) -> Result<Option<Arc<PublicWaitlist>>, Fault> {
        let key = (self.generations.noted.public.count(), workspace_slug.clone(), slug.clone());
        let found = self.lists.try_get_with(key, self.inner.waitlists.find_public(workspace_slug, slug)).await;
        found.map_err(|fault| fault.again())
    }
}

#[async_trait]
impl VariantStore for Public {
    async fn create(&self, command: CreateVariant) -> Result<Variant, CommandError<VariantRejection>> {
        self.changed(self.inner.variants.create(command).await)
    }

    async fn update(&self, command: UpdateVariant) -> Result<Variant, CommandError<VariantRejection>> {
        self.changed(self.inner.variants.update(command).await)
    }

    async fn delete(&self, command: DeleteVariant) -> Result<bool, Fault> {
        self.changed(self.inner.variants.delete(command).await)
    }

    async fn list(&self, waitlist_id: WaitlistId) -> Result<Vec<Variant>, Fault> {
        self.inner.variants.list(waitlist_id).await
    }
}

#[async_trait]
impl SettingsStore for Public {
    async fn get(&self, workspace_id: WorkspaceId) -> Result<WorkspaceSettings, Fault> {
        self.inner.settings.get(workspace_id).await
    }

    async fn update(&self, command: UpdateSettings) -> Result<WorkspaceSettings, CommandError<UpdateSettingsRejection>> {
        self.changed(self.inner.settings.update(command).await)
    }
}

#[async_trait]
impl WorkspaceStore for Public {
    async fn create(&self, command: CreateWorkspace) -> Result<Workspace, CommandError<WorkspaceRejection>> {
        self.changed(self.inner.workspaces.create(command).await)
    }

    async fn rename(&self, command: RenameWorkspace) -> Result<Workspace, CommandError<WorkspaceRejection>> {
        self.changed(self.inner.workspaces.rename(command).await)
    }

    async fn delete(&self, command: DeleteWorkspace) -> Result<bool, Fault> {
        let deleted = self.inner.workspaces.delete(command).await;
        self.changed(self.generations.noted.sent.note(deleted))
    }

    async fn find(&self, id: WorkspaceId) -> Result<Option<Workspace>, Fault> {
        let key = (self.generations.noted.public.count(), id);
        self.workspaces.try_get_with(key, self.inner.workspaces.find(id)).await.map_err(|fault| fault.again())
    }

    async fn find_by_slug(&self, slug: &Slug) -> Result<Option<Workspace>, Fault> {
        self.inner.workspaces.find_by_slug(slug).await
    }

    async fn list(&self) -> Result<Vec<Workspace>, Fault> {
        self.inner.workspaces.list().await
    }
}

#[async_trait]
impl ApiKeyStore for Public {
    async fn insert(&self, command: CreateApiKey) -> Result<(), Fault> {
        moved_on(&self.generations.keys, self.inner.api_keys.insert(command).await)
    }

    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<ApiKey>, Fault> {
        self.inner.api_keys.list(workspace_id).await
    }

    async fn revoke(&self, command: RevokeApiKey) -> Result<bool, Fault> {
        moved_on(&self.generations.keys, self.inner.api_keys.revoke(command).await)
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<ApiKey>, Fault> {
        let key = (now(&self.generations.keys), prefix.to_owned());
        self.keys.try_get_with(key, self.inner.api_keys.find_by_prefix(prefix)).await.map_err(|fault| fault.again())
    }
}

fn read_ranks(store: Arc<dyn EntryStore>) -> impl Fn(WaitlistId, ReferralBoost) -> Reading {
    move |list, boost| {
        let store = store.clone();
        Box::pin(async move { store.ranks(list, boost).await })
    }
}

/// Entries, their leaders and their ranks.
struct Entries {
    inner: Ports,
    generations: Arc<Generations>,
    leaders: Cache<(u64, WaitlistId, usize), Arc<[Leader]>>,
    ranks: KeptRanks,
}

impl Entries {
    fn changed<T>(&self, list: WaitlistId, outcome: T) -> T {
        moved_on(self.generations.leaders.of(list), outcome)
    }
}

#[async_trait]
impl EntryStore for Entries {
    async fn sign_up(&self, command: SignUp) -> Result<Entry, CommandError<SignUpRejection>> {
        let list = command.waitlist_id;
        let outcome = self.inner.entries.sign_up(command).await;
        match &outcome {
            // A sign-up without a referrer does not change the leaders.
            Ok(entry) if entry.referred_by.is_none() => outcome,
            Err(CommandError::Rejected(_)) => outcome,
            Ok(_) | Err(CommandError::Fault(_)) => self.changed(list, outcome),
        }
    }

    async fn review(&self, command: ReviewEntry) -> Result<Entry, CommandError<EntryRejection>> {
        let list = command.waitlist_id;
        self.changed(list, self.inner.entries.review(command).await)
    }

    async fn record_invitation(&self, command: RecordInvitation) -> Result<Invited, CommandError<InviteRejection>> {
        self.inner.entries.record_invitation(command).await
    }

    async fn delete(&self, command: DeleteEntry) -> Result<bool, Fault> {
        let list = command.waitlist_id;
        let deleted = self.inner.entries.delete(command).await;
        self.changed(list, self.generations.noted.sent.note(deleted))
    }

    async fn erase(&self, command: EraseEntry) -> Result<bool, Fault> {
        let list = command.waitlist_id;
        let erased = self.inner.entries.erase(command).await;
        self.changed(list, self.generations.noted.sent.note(erased))
    }

    async fn find(&self, waitlist_id: WaitlistId, id: EntryId) -> Result<Option<Entry>, Fault> {
        self.inner.entries.find(waitlist_id, id).await
    }

    async fn find_by_id(&self, id: EntryId) -> Result<Option<Entry>, Fault> {
        self.inner.entries.find_by_id(id).await
    }

    async fn update_profile(&self, command: UpdateProfile) -> Result<Entry, CommandError<ProfileRejection>> {
        self.inner.entries.update_profile(command).await
    }

    async fn replace_link(&self, command: ReplaceLink) -> Result<Entry, CommandError<ReplaceLinkRejection>> {
        self.inner.entries.replace_link(command).await
    }

    async fn friends(&self, id: EntryId, most: usize) -> Result<Vec<Friend>, Fault> {
        self.inner.entries.friends(id, most).await
    }

    async fn records(&self, waitlist_id: WaitlistId, id: EntryId) -> Result<Records, Fault> {
        self.inner.entries.records(waitlist_id, id).await
    }

    async fn ranks(&self, waitlist_id: WaitlistId, boost: ReferralBoost) -> Result<Arc<Ranks>, Fault> {
        self.ranks.of(waitlist_id, boost).await
    }

    async fn export(&self, waitlist_id: WaitlistId) -> Result<EntryStream, Fault> {
        self.inner.entries.export(waitlist_id).await
    }

    async fn list(
        &self,
        waitlist_id: WaitlistId,
        status: Option<EntryStatus>,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<Page<Entry, Position>, Fault> {
        self.inner.entries.list(waitlist_id, status, after, limit).await
    }
}

#[async_trait]
impl ReferralStore for Entries {
    async fn decide(&self, command: DecideReferrals) -> Result<Decided, CommandError<DecideReferralsRejection>> {
        let list = command.waitlist_id;
        self.changed(list, self.inner.referrals.decide(command).await)
    }

    async fn list(
        &self,
        waitlist_id: WaitlistId,
        filter: ReferralFilter,
        after: Option<ReferralKey>,
        limit: Limit,
    ) -> Result<Page<Referral, ReferralKey>, Fault> {
        self.inner.referrals.list(waitlist_id, filter, after, limit).await
    }

    async fn suspects(&self, waitlist_id: WaitlistId, most: usize) -> Result<Vec<Suspect>, Fault> {
        self.inner.referrals.suspects(waitlist_id, most).await
    }

    async fn standings(&self, waitlist_id: WaitlistId) -> Result<Vec<Standing>, Fault> {
        self.inner.referrals.standings(waitlist_id).await
    }

    async fn credited_at(&self, entry_id: EntryId, most: usize) -> Result<Vec<Timestamp>, Fault> {
        self.inner.referrals.credited_at(entry_id, most).await
    }

    async fn forget_networks(&self, before: Timestamp, entries: usize) -> Result<u64, Fault> {
        self.inner.referrals.forget_networks(before, entries).await
    }

    async fn fill(&self, entries: usize) -> Result<u64, Fault> {
        self.inner.referrals.fill(entries).await
    }

    async fn unfilled(&self) -> Result<u64, Fault> {
        self.inner.referrals.unfilled().await
    }
}

#[async_trait]
impl EntryStats for Entries {
    async fn count(&self, waitlist_id: WaitlistId) -> Result<u64, Fault> {
        self.inner.stats.count(waitlist_id).await
    }

    async fn standing(&self, waitlist_id: WaitlistId) -> Result<u64, Fault> {
        self.inner.stats.standing(waitlist_id).await
    }

    async fn leaders(&self, waitlist_id: WaitlistId, limit: Limit) -> Result<Arc<[Leader]>, Fault> {
        let key = (now(self.generations.leaders.of(waitlist_id)), waitlist_id, limit.rows());
        self.leaders.try_get_with(key, self.inner.stats.leaders(waitlist_id, limit)).await.map_err(|fault| fault.again())
    }

    async fn analytics(&self, waitlist_id: WaitlistId, today: Date) -> Result<Analytics, Fault> {
        self.inner.stats.analytics(waitlist_id, today).await
    }

    async fn timeline(&self, waitlist_id: WaitlistId, span: DaySpan) -> Result<BTreeMap<Date, u64>, Fault> {
        self.inner.stats.timeline(waitlist_id, span).await
    }

    async fn rebuild(&self) -> Result<Rebuilt, Fault> {
        self.inner.stats.rebuild().await
    }
}

/// Imports. They are not cached. Each group may change what visitors see of the list, and its leaders.
struct Imports {
    inner: Arc<dyn ImportStore>,
    generations: Arc<Generations>,
}

#[async_trait]
impl ImportStore for Imports {
    async fn begin(&self, import: Import, lease_until: Timestamp) -> Result<(), Fault> {
        self.inner.begin(import, lease_until).await
    }

    async fn put_piece(&self, id: ImportId, number: u64, bytes: Vec<u8>, lease_until: Timestamp) -> Result<bool, Fault> {
        self.inner.put_piece(id, number, bytes, lease_until).await
    }

    async fn prolong(&self, id: ImportId, lease_until: Timestamp) -> Result<bool, Fault> {
        self.inner.prolong(id, lease_until).await
    }

    async fn arrive(&self, id: ImportId, source: Result<String, String>, now: Timestamp) -> Result<Option<Import>, Fault> {
        self.inner.arrive(id, source, now).await
    }

    async fn find(&self, waitlist_id: WaitlistId, id: ImportId) -> Result<Option<Import>, Fault> {
        self.inner.find(waitlist_id, id).await
    }

    async fn list(&self, waitlist_id: WaitlistId, most: usize) -> Result<Vec<Import>, Fault> {
        self.inner.list(waitlist_id, most).await
    }

    async fn problems(&self, id: ImportId, after: Option<[i64; 3]>, most: usize) -> Result<Vec<([i64; 3], ImportProblem)>, Fault> {
        self.inner.problems(id, after, most).await
    }

    async fn piece(&self, id: ImportId, number: u64) -> Result<Option<Vec<u8>>, Fault> {
        self.inner.piece(id, number).await
    }

    async fn cancel(&self, command: CancelImport) -> Result<Option<Import>, Fault> {
        self.inner.cancel(command).await
    }

    async fn claim(&self, claim: ClaimId, now: Timestamp, lease_until: Timestamp) -> Result<Option<Import>, Fault> {
        self.inner.claim(claim, now, lease_until).await
    }

    async fn stage(&self, command: StageRows) -> Result<Option<Import>, Fault> {
        self.inner.stage(command).await
    }

    async fn work(&self, command: ImportWork) -> Result<Option<Import>, CommandError<ImportRejection>> {
        let list = command.waitlist_id;
        let outcome = self.generations.noted.public.note(self.inner.work(command).await);
        moved_on(self.generations.leaders.of(list), outcome)
    }

    async fn resolve_code(&self, waitlist_id: WaitlistId, code: &OldCode) -> Result<Option<ReferralCode>, Fault> {
        self.inner.resolve_code(waitlist_id, code).await
    }

    async fn prune(&self, before: Timestamp, rows: usize) -> Result<u64, Fault> {
        self.inner.prune(before, rows).await
    }
}

/// Webhooks. They are not cached, because a change of a webhook must apply to everything that is sent afterwards.
struct Webhooks {
    inner: Arc<dyn WebhookStore>,
    changes: Changes,
}

#[async_trait]
impl WebhookStore for Webhooks {
    async fn create(&self, command: CreateWebhook, receipt: Option<Receipt<Webhook>>) -> Result<Webhook, CommandError<WebhookRejection>> {
        self.inner.create(command, receipt).await
    }

    async fn update(&self, command: UpdateWebhook) -> Result<Webhook, CommandError<WebhookRejection>> {
        self.changes.note(self.inner.update(command).await)
    }

    async fn rotate(&self, command: RotateSecret, receipt: Option<Receipt<Webhook>>) -> Result<Webhook, CommandError<WebhookRejection>> {
        self.changes.note(self.inner.rotate(command, receipt).await)
    }

    async fn test(&self, command: TestWebhook) -> Result<(), CommandError<WebhookRejection>> {
        self.inner.test(command).await
    }

    async fn delete(&self, command: DeleteWebhook) -> Result<bool, Fault> {
        self.changes.note(self.inner.delete(command).await)
    }

    async fn find(&self, workspace_id: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>, Fault> {
        self.inner.find(workspace_id, id).await
    }

    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<Webhook>, Fault> {
        self.inner.list(workspace_id).await
    }

    async fn attempts(&self, id: WebhookId, limit: Limit) -> Result<Vec<Attempt>, Fault> {
        self.inner.attempts(id, limit).await
    }

    async fn attempts_of(&self, id: WebhookId, state: DeliveryState, limit: Limit) -> Result<Vec<Attempt>, Fault> {
        self.inner.attempts_of(id, state, limit).await
    }

    async fn replay(&self, command: ReplayDeliveries) -> Result<u64, CommandError<ReplayRejection>> {
        self.inner.replay(command).await
    }

    async fn resend(&self, command: ResendDelivery) -> Result<(), CommandError<ReplayRejection>> {
        self.inner.resend(command).await
    }

    async fn secrets(&self) -> Result<Vec<(WebhookId, SealedSecrets)>, Fault> {
        self.inner.secrets().await
    }

    async fn reseal(&self, id: WebhookId, old: SealedSecrets, new: SealedSecrets) -> Result<bool, Fault> {
        self.changes.note(self.inner.reseal(id, old, new).await)
    }
}

/// Suppressions. They are not cached: a suppressed address gets no mail, also none that the relay holds already.
struct Suppressions {
    inner: Arc<dyn SuppressionStore>,
    changes: Changes,
}

#[async_trait]
impl SuppressionStore for Suppressions {
    async fn suppress(&self, command: Suppress) -> Result<Suppression, CommandError<SuppressRejection>> {
        self.changes.note(self.inner.suppress(command).await)
    }

    async fn unsubscribe(&self, command: Unsubscribe) -> Result<(), CommandError<UnsubscribeRejection>> {
        self.changes.note(self.inner.unsubscribe(command).await)
    }

    async fn lift(&self, command: LiftSuppression) -> Result<bool, Fault> {
        self.inner.lift(command).await
    }

    async fn lift_reason(&self, workspace_id: WorkspaceId, address: AddressHash, reason: SuppressionReason) -> Result<bool, Fault> {
        self.inner.lift_reason(workspace_id, address, reason).await
    }

    async fn find(&self, workspace_id: WorkspaceId, address: AddressHash) -> Result<Vec<Suppression>, Fault> {
        self.inner.find(workspace_id, address).await
    }

    async fn list(
        &self,
        workspace_id: WorkspaceId,
        after: Option<SuppressionKey>,
        limit: Limit,
    ) -> Result<Page<Suppression, SuppressionKey>, Fault> {
        self.inner.list(workspace_id, after, limit).await
    }
}

/// Sign-ups that wait. They are not cached: the mail of one that was refused or deleted is not sent, although the relay holds it.
struct Confirmations {
    inner: Arc<dyn ConfirmationStore>,
    changes: Changes,
}

#[async_trait]
impl ConfirmationStore for Confirmations {
    async fn request_mail(&self, command: RequestMail) -> Result<(), CommandError<RequestMailRejection>> {
        self.inner.request_mail(command).await
    }

    async fn find(&self, id: RequestId) -> Result<Option<KeptRequest>, Fault> {
        self.inner.find(id).await
    }

    async fn refuse(&self, command: Refuse) -> Result<(), CommandError<RequestEnded>> {
        self.changes.note(self.inner.refuse(command).await)
    }

    async fn resend(&self, command: Resend) -> Result<(), CommandError<ResendRejection>> {
        self.inner.resend(command).await
    }

    async fn delete(&self, command: DeleteRequest) -> Result<bool, Fault> {
        self.changes.note(self.inner.delete(command).await)
    }

    async fn list(
        &self,
        waitlist_id: WaitlistId,
        now: Timestamp,
        after: Option<RequestKey>,
        limit: Limit,
    ) -> Result<Page<SignUpRequest, RequestKey>, Fault> {
        self.inner.list(waitlist_id, now, after, limit).await
    }

    async fn count(&self, waitlist_id: WaitlistId, now: Timestamp) -> Result<u64, Fault> {
        self.inner.count(waitlist_id, now).await
    }

    async fn prune(&self, expired_before: Timestamp, asked_before: Timestamp, most: usize) -> Result<u64, Fault> {
        self.inner.prune(expired_before, asked_before, most).await
    }
}
