//! Ports: what the rules need of the world, as traits that adapters implement.
//!
//! Every MUST below has a case in the crate `rally-contracts`. All methods may fail with a [`Fault`]; a write that failed
//! with one either left nothing behind or was carried out whole: there is no third outcome. Ports are dyn-compatible, and
//! a future that is dropped before it ends changes nothing or everything.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use futures_core::Stream;
use time::Date;

use crate::access::{ApiKey, Receipt, RequestScope, StoredReply};
use crate::analytics::{Analytics, DaySpan};
use crate::command::{
    ChangeWaitlistStatus, ChangeWaitlistStatusRejection, CreateVariant, CreateWaitlist, CreateWaitlistRejection, CreateWebhook,
    CreateWorkspace, EntryRejection, InviteRejection, RecordInvitation, RenameWorkspace, ReviewEntry, RotateSecret, SignUp,
    SignUpRejection, TestWebhook, UpdateSettings, UpdateSettingsRejection, UpdateVariant, UpdateWaitlist, UpdateWaitlistRejection,
    UpdateWebhook, VariantRejection, WebhookRejection, WorkspaceRejection,
};
use crate::delivery::{Attempt, AttemptResult, ClaimedDelivery, SettleDelivery};
use crate::entry::{Entry, EntryStatus, Leader};
use crate::error::{CommandError, Fault, Invalid, RemoteError};
use crate::event::Event;
use crate::id::{ApiKeyId, ClaimId, EntryId, EventId, MailId, SenderDomainId, VariantId, WaitlistId, WebhookId, WorkspaceId};
use crate::invite::{Invite, InviteError, InviteRequest};
use crate::mail::{ClaimedMail, Links, Mail, MailOutcome, SettleMail};
use crate::paging::{Limit, Page, WaitlistKey};
use crate::referral::Position;
use crate::slug::Slug;
use crate::timestamp::Timestamp;
use crate::variant::Variant;
use crate::waitlist::{PublicWaitlist, Waitlist, WaitlistStatus};
use crate::webhook::{DeliveryPolicy, SealedSecrets, SigningKey, Webhook, WebhookUrl};
use crate::workspace::{Workspace, WorkspaceSettings};

pub use crate::ambient::{Clock, Ids};
#[cfg(feature = "mock")]
pub use crate::ambient::{MockClock, MockIds};

/// Keeps workspaces.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait WorkspaceStore: Send + Sync {
    /// Creates a workspace. A slug MUST belong to one workspace at a time; an old slug of another workspace MUST be taken
    /// over.
    async fn create(&self, command: CreateWorkspace) -> Result<Workspace, CommandError<WorkspaceRejection>>;

    /// Renames a workspace. Its old slugs MUST go on resolving for [`WaitlistStore::find_public`] until another workspace
    /// takes them, and MUST NOT count as taken.
    async fn rename(&self, command: RenameWorkspace) -> Result<Workspace, CommandError<WorkspaceRejection>>;

    /// Deletes the workspace of that slug and everything it owns; tells whether there was one. When this returns, it MUST be gone
    /// for every reader and its slug be free; however much it owns, this MUST take no longer than [`WaitlistStore::delete`] does for
    /// each of its waitlists.
    async fn delete(&self, slug: &Slug) -> Result<bool, Fault>;

    /// The workspace of that id.
    async fn find(&self, id: WorkspaceId) -> Result<Option<Workspace>, Fault>;

    /// The workspace that has that slug now; old slugs do not count.
    async fn find_by_slug(&self, slug: &Slug) -> Result<Option<Workspace>, Fault>;

    /// All workspaces by slug.
    async fn list(&self) -> Result<Vec<Workspace>, Fault>;
}

/// Keeps waitlists and their variants.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait WaitlistStore: Send + Sync {
    /// Creates a waitlist with its control variant, and stores its receipt where one is given: all or nothing. The slug
    /// MUST be unique in its workspace, and of several commands with one receipt's scope at most one MUST be carried out,
    /// under concurrency too; the others are told so.
    async fn create(
        &self,
        command: CreateWaitlist,
        receipt: Option<Receipt<Waitlist>>,
    ) -> Result<Waitlist, CommandError<CreateWaitlistRejection>>;

    /// Changes a waitlist. Concurrent updates MUST NOT lose each other's settings keys.
    async fn update(&self, command: UpdateWaitlist) -> Result<Waitlist, CommandError<UpdateWaitlistRejection>>;

    /// Moves a waitlist to another status. A sign-up that starts after this returns MUST see the new status.
    async fn change_status(&self, command: ChangeWaitlistStatus) -> Result<Waitlist, CommandError<ChangeWaitlistStatusRejection>>;

    /// Deletes a waitlist with its entries, variants and events; tells whether the workspace had one. When this returns, it MUST be
    /// gone for every reader, with everything that belongs to it, and its slug be free. The time this takes MUST NOT grow with what
    /// it has: that is left to [`PurgeStore::purge`].
    async fn delete(&self, workspace_id: WorkspaceId, id: WaitlistId) -> Result<bool, Fault>;

    /// The waitlist of that id, if it belongs to the workspace.
    async fn find(&self, workspace_id: WorkspaceId, id: WaitlistId) -> Result<Option<Waitlist>, Fault>;

    /// The waitlists of a workspace, newest first, of one status or of all, after a key. Rows added or deleted between
    /// two pages MUST NOT make another row appear twice or not at all.
    async fn list(
        &self,
        workspace_id: WorkspaceId,
        status: Option<WaitlistStatus>,
        after: Option<WaitlistKey>,
        limit: Limit,
    ) -> Result<Page<Waitlist, WaitlistKey>, Fault>;

    /// What the public surface needs of a waitlist in any status, by slugs; the workspace's current and old slugs resolve.
    async fn find_public(&self, workspace_slug: &Slug, slug: &Slug) -> Result<Option<Arc<PublicWaitlist>>, Fault>;
}

/// Keeps variants.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait VariantStore: Send + Sync {
    /// Creates a variant.
    async fn create(&self, command: CreateVariant) -> Result<Variant, CommandError<VariantRejection>>;

    /// Changes a variant. Concurrent updates MUST NOT lose each other's fields.
    async fn update(&self, command: UpdateVariant) -> Result<Variant, CommandError<VariantRejection>>;

    /// Deletes a variant; tells whether the waitlist had one. The sign-ups it won MUST go on being counted for it.
    async fn delete(&self, waitlist_id: WaitlistId, id: VariantId, now: Timestamp) -> Result<bool, Fault>;

    /// The variants of a waitlist in the order they were created, deleted ones left out.
    async fn list(&self, waitlist_id: WaitlistId) -> Result<Vec<Variant>, Fault>;
}

/// Keeps what workspaces have set.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SettingsStore: Send + Sync {
    /// The settings of a workspace, unset where it has never set any.
    async fn get(&self, workspace_id: WorkspaceId) -> Result<WorkspaceSettings, Fault>;

    /// Changes settings. Concurrent updates MUST NOT lose each other's keys.
    async fn update(&self, command: UpdateSettings) -> Result<WorkspaceSettings, CommandError<UpdateSettingsRejection>>;
}

/// Keeps API keys.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ApiKeyStore: Send + Sync {
    /// Keeps a new key.
    async fn insert(&self, key: ApiKey) -> Result<(), Fault>;

    /// The keys of a workspace, revoked ones too, in the order they were made.
    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<ApiKey>, Fault>;

    /// Revokes a key; tells whether there was one. Every process MUST refuse it within a second.
    async fn revoke(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, Fault>;

    /// The keys with that prefix that were not revoked.
    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<ApiKey>, Fault>;
}

/// Keeps the replies of repeatable requests.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ReplyStore: Send + Sync {
    /// The reply stored for a request since an instant.
    async fn find(&self, scope: &RequestScope, since: Timestamp) -> Result<Option<StoredReply>, Fault>;

    /// Deletes replies stored before an instant, at most that many; tells how many.
    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault>;
}

/// Batches of entries, read as they are asked for.
pub type EntryStream = Pin<Box<dyn Stream<Item = Result<Vec<Entry>, Fault>> + Send>>;

/// Keeps entries.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait EntryStore: Send + Sync {
    /// Puts a person on a waitlist: loads the facts of [`SignUp::decide`] and writes its whole plan in one transaction.
    ///
    /// Positions MUST be dense, starting at 1, and never be given out twice, whatever fails or runs at the same time, in
    /// this process or another. A list MUST NOT take more than its `max_entries`, nor one address twice. A referrer's count
    /// MUST grow by exactly one per honoured sign-up. When this returns an entry, the entry MUST survive a crash of the
    /// process or the machine, and what it is made of MUST read back as it was, documents to the byte.
    async fn sign_up(&self, command: SignUp) -> Result<Entry, CommandError<SignUpRejection>>;

    /// Approves or rejects an entry; its event MUST be written with the change, and none where nothing changed.
    async fn review(&self, command: ReviewEntry) -> Result<Entry, CommandError<EntryRejection>>;

    /// Records an invitation, with the mail that tells of it. One invitation MUST be one mail, however often it is recorded.
    async fn record_invitation(&self, command: RecordInvitation) -> Result<Entry, CommandError<InviteRejection>>;

    /// Deletes an entry with its mail; tells whether the waitlist had one. Positions stay, its referrer keeps its count, and
    /// those it referred stay with no referrer, at once for every reader. What is undelivered of its events MUST NOT be sent. The
    /// time this takes MUST NOT grow with the number of those it referred: the totals may tell of them until they are purged.
    async fn delete(&self, waitlist_id: WaitlistId, id: EntryId) -> Result<bool, Fault>;

    /// The entry of that id, if it is on the waitlist.
    async fn find(&self, waitlist_id: WaitlistId, id: EntryId) -> Result<Option<Entry>, Fault>;

    /// Every entry of a waitlist by position, in batches, as they were at one moment: changes made while the stream is
    /// read MUST NOT show. Memory MUST NOT grow with the list. A fault ends the stream. It MUST take no connection from other
    /// methods. The moment is held until the stream ends: read it without a pause.
    async fn export(&self, waitlist_id: WaitlistId) -> Result<EntryStream, Fault>;

    /// The entries of a waitlist by ascending position, of one status or of all, after a position. Rows added or deleted
    /// between two pages MUST NOT make another row appear twice or not at all.
    async fn list(
        &self,
        waitlist_id: WaitlistId,
        status: Option<EntryStatus>,
        after: Option<Position>,
        limit: Limit,
    ) -> Result<Page<Entry, Position>, Fault>;
}

/// What counting anew found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// Waitlists counted.
    pub waitlists: u64,
    /// Waitlists whose counters were wrong.
    pub corrected: u64,
}

/// Reads totals of a waitlist; but for [`EntryStats::rebuild`] the cost of each MUST NOT grow with the number of entries.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait EntryStats: Send + Sync {
    /// How many entries a waitlist has.
    async fn count(&self, waitlist_id: WaitlistId) -> Result<u64, Fault>;

    /// Those who referred at least one and are not rejected, by referral count descending, then position.
    async fn leaders(&self, waitlist_id: WaitlistId, limit: Limit) -> Result<Arc<[Leader]>, Fault>;

    /// What the counters say at one moment, given the UTC day it is. They MUST equal what counting the rows would give.
    async fn analytics(&self, waitlist_id: WaitlistId, today: Date) -> Result<Analytics, Fault>;

    /// Sign-ups by UTC day; days without any are left out.
    async fn timeline(&self, waitlist_id: WaitlistId, span: DaySpan) -> Result<BTreeMap<Date, u64>, Fault>;

    /// Counts the rows of every waitlist anew and puts the counters right where they differ. This one may take long.
    async fn rebuild(&self) -> Result<Rebuilt, Fault>;
}

/// Keeps webhooks.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait WebhookStore: Send + Sync {
    /// Creates a webhook, and stores its receipt where one is given: all or nothing. A workspace MUST NOT get more than it
    /// may, nor a receipt's scope more than one effect, under concurrency too.
    async fn create(&self, command: CreateWebhook, receipt: Option<Receipt<Webhook>>) -> Result<Webhook, CommandError<WebhookRejection>>;

    /// Changes a webhook. Concurrent updates MUST NOT lose each other's fields. One that is switched off MUST NOT be sent
    /// what was written before it is switched on again, whether it waited or was being sent. The time this takes MUST NOT grow
    /// with what waits for it.
    async fn update(&self, command: UpdateWebhook) -> Result<Webhook, CommandError<WebhookRejection>>;

    /// Changes a webhook's secret, and stores its receipt where one is given: all or nothing. Deliveries claimed within
    /// [`ROTATION_OVERLAP`](crate::webhook::ROTATION_OVERLAP) MUST come with the old secret too.
    async fn rotate(&self, command: RotateSecret, receipt: Option<Receipt<Webhook>>) -> Result<Webhook, CommandError<WebhookRejection>>;

    /// Writes an event for one webhook alone.
    async fn test(&self, command: TestWebhook) -> Result<(), CommandError<WebhookRejection>>;

    /// Deletes a webhook with its deliveries and their log; tells whether the workspace had one. The time this takes MUST NOT grow
    /// with them: that is left to [`PurgeStore::purge`].
    async fn delete(&self, workspace_id: WorkspaceId, id: WebhookId) -> Result<bool, Fault>;

    /// The webhook of that id, if it belongs to the workspace.
    async fn find(&self, workspace_id: WorkspaceId, id: WebhookId) -> Result<Option<Webhook>, Fault>;

    /// The webhooks of a workspace in the order they were created.
    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<Webhook>, Fault>;

    /// The last attempts to deliver to a webhook, newest first.
    async fn attempts(&self, id: WebhookId, limit: Limit) -> Result<Vec<Attempt>, Fault>;

    /// All secrets, encrypted.
    async fn secrets(&self) -> Result<Vec<(WebhookId, SealedSecrets)>, Fault>;

    /// Puts newly encrypted secrets in place of others, if they are still those.
    async fn reseal(&self, id: WebhookId, old: SealedSecrets, new: SealedSecrets) -> Result<bool, Fault>;
}

/// Which deliveries a process wants to try, of *lanes*: webhooks, or the workspaces that send mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest<Lane = WebhookId> {
    /// The claim they are to be under.
    pub claim: ClaimId,
    /// What is due at this instant.
    pub now: Timestamp,
    /// How long they are this process's.
    pub lease_until: Timestamp,
    /// The most for each lane; no other is claimed for.
    pub shares: Vec<(Lane, usize)>,
}

/// How full the queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueDepth {
    /// What waits or is being tried.
    pub pending: u64,
    /// Those of them that are being tried.
    pub running: u64,
    /// Since when the one that has waited longest is due.
    pub oldest_due_at: Option<Timestamp>,
}

/// Events on their way to webhooks. Every event is written for each webhook of its workspace that is subscribed to its kind
/// at that time, by the transaction of the change it reports.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait DeliveryQueue: Send + Sync {
    /// The oldest events that are kept, at most that many. An event MUST be there exactly when the change it reports is.
    async fn events(&self, limit: usize) -> Result<Vec<Event>, Fault>;

    /// The webhooks that something is due for. The cost MUST NOT grow with what waits for each.
    async fn due(&self, now: Timestamp) -> Result<Vec<WebhookId>, Fault>;

    /// Claims what is due of some webhooks, for each its share, the longest due first, and counts an attempt for each. One delivery
    /// MUST NOT be claimed twice before its lease ends. What belongs to a deleted waitlist MUST NOT be claimed, nor what is for a
    /// webhook that is switched off, nor what was written before a webhook was switched off or on.
    async fn claim(&self, request: ClaimRequest) -> Result<Vec<ClaimedDelivery>, Fault>;

    /// Those of some claimed deliveries that are still to be sent, with their webhook's URL and secrets and their event as they
    /// are now. MUST leave out what [`DeliveryQueue::claim`] would not give now, and what is no longer claimed so.
    async fn confirm(&self, claimed: Vec<(ClaimId, EventId, WebhookId)>, now: Timestamp) -> Result<Vec<ClaimedDelivery>, Fault>;

    /// Settles deliveries by [`SettleDelivery::decide`]; those whose claim was lost or whose webhook is gone are passed over.
    /// Tells how many were settled. What cannot be settled for one webhook MUST NOT keep the others' from being settled; a
    /// fault tells of it, and settling them all again is harmless. What was claimed before its webhook was switched off or on
    /// MUST NOT be sent again.
    async fn settle(&self, attempts: Vec<SettleDelivery>, policy: DeliveryPolicy) -> Result<usize, Fault>;

    /// Gives claimed deliveries back untried, to be due at an instant; their attempt does not count. What was claimed before its
    /// webhook was switched off or on MUST NOT be sent again.
    async fn release(&self, claim: ClaimId, deliveries: Vec<(EventId, WebhookId)>, due_at: Timestamp) -> Result<(), Fault>;

    /// Frees deliveries whose lease has ended; those with no attempt left are dead. Tells how many. What was claimed before its
    /// webhook was switched off or on MUST NOT be sent again.
    async fn reap(&self, now: Timestamp, attempts: u32) -> Result<u64, Fault>;

    /// Deletes events that are finished, and the log of attempts, from before an instant, at most so many of each. Tells how
    /// many it deleted.
    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault>;

    /// How full it is.
    async fn depth(&self) -> Result<QueueDepth, Fault>;
}

/// Mail on its way to a mail service. Every mail is written by the transaction of the change it tells of.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait MailQueue: Send + Sync {
    /// The oldest mails that are kept, sent or not, at most that many. A mail MUST be there exactly when its change is, and
    /// only while the workspace's notifications are on.
    async fn mails(&self, limit: usize) -> Result<Vec<Mail>, Fault>;

    /// The workspaces that mail is due of. The cost MUST NOT grow with what waits for each.
    async fn due(&self, now: Timestamp) -> Result<Vec<WorkspaceId>, Fault>;

    /// Claims what is due of some workspaces, for each its share, the longest due first, and counts an attempt for each. One mail
    /// MUST NOT be claimed twice before its lease ends. What belongs to a deleted waitlist MUST NOT be claimed.
    async fn claim(&self, request: ClaimRequest<WorkspaceId>) -> Result<Vec<ClaimedMail>, Fault>;

    /// Those of some claimed mails that are still to be sent. MUST leave out those of deleted entries and waitlists, and those
    /// that are no longer claimed so.
    async fn confirm(&self, claimed: Vec<(ClaimId, MailId)>) -> Result<Vec<ClaimedMail>, Fault>;

    /// Settles mails by [`SettleMail::decide`]; those whose claim was lost are passed over. Tells how many were settled.
    async fn settle(&self, attempts: Vec<SettleMail>, policy: DeliveryPolicy) -> Result<usize, Fault>;

    /// Gives claimed mails back untried, to be due at an instant; their attempt does not count.
    async fn release(&self, claim: ClaimId, mails: Vec<MailId>, due_at: Timestamp) -> Result<(), Fault>;

    /// Frees mails whose lease has ended; those with no attempt left are dead. Tells how many.
    async fn reap(&self, now: Timestamp, attempts: u32) -> Result<u64, Fault>;

    /// Deletes mails that are finished, from before an instant, at most so many. Tells how many it deleted.
    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault>;

    /// How full it is.
    async fn depth(&self) -> Result<QueueDepth, Fault>;
}

/// Purges what was deleted. A deletion takes effect at once and is short; what belonged to the deleted goes in the background,
/// whichever process does it, and through restarts.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait PurgeStore: Send + Sync {
    /// Purges one batch of something deleted, about that many rows of a table, in one short transaction; tells whether anything
    /// may be left. MUST NOT hold a lock that others wait for longer than the batch takes, nor touch what was not deleted. A batch
    /// that another process works on is passed over.
    async fn purge(&self, rows: usize) -> Result<bool, Fault>;

    /// Notes for a purge what has lost its waitlist or webhook without one: an older program deletes so. Tells how much it found.
    /// The cost MUST grow with the number of waitlists and webhooks alone.
    async fn find_orphans(&self) -> Result<u64, Fault>;

    /// How much that was deleted is still to be purged.
    async fn backlog(&self) -> Result<u64, Fault>;
}

/// A domain that mail may be sent from, as its service knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderDomain {
    /// Its fully qualified name, lower case.
    pub name: String,
    /// Whether mail may be sent from it now.
    pub state: DomainState,
}

/// Whether mail may be sent from a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainState {
    /// It may.
    Active,
    /// Its owner has not proved it yet, or failed to.
    NotActive,
    /// It receives mail alone.
    CannotSend,
}

/// Sends mail through a service that keeps templates.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Makes one attempt. MUST send a mail of one identity once, however often it is asked, MUST NOT take longer than its
    /// deadline, and MUST tell what is refused for good from what may be taken later.
    async fn send(&self, mail: &Mail) -> MailOutcome;

    /// The domain of that id, if the workspace has it.
    async fn find_domain(&self, workspace_id: WorkspaceId, id: SenderDomainId) -> Result<Option<SenderDomain>, RemoteError>;

    /// Whether the workspace has a template of that name.
    async fn has_template(&self, workspace_id: WorkspaceId, name: &str) -> Result<bool, RemoteError>;
}

/// Invites people into apps.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AppInviter: Send + Sync {
    /// Invites a person into an app. However often it is asked for one entry and one app, it MUST give the same invitation
    /// while the service remembers it. MUST NOT take longer than its deadline.
    async fn invite(&self, request: InviteRequest) -> Result<Invite, InviteError>;
}

/// Sends events to webhooks.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Whether events may be sent there: over the scheme, and to an address that is public or exempt. A name that cannot be
    /// resolved now passes.
    async fn check(&self, url: &WebhookUrl) -> Result<(), Invalid>;

    /// Makes one attempt. MUST NOT follow redirects, reach an address that [`WebhookSender::check`] refuses, or take longer
    /// than its deadline.
    async fn send(&self, message: WebhookMessage) -> AttemptResult;
}

/// A message as it goes over the wire (Standard Webhooks 1.0).
#[derive(Debug, Clone)]
pub struct WebhookMessage {
    /// Where to.
    pub url: WebhookUrl,
    /// The event's identity, the same on every attempt.
    pub id: EventId,
    /// When the attempt is made.
    pub timestamp: Timestamp,
    /// The keys to sign it with.
    pub keys: Vec<SigningKey>,
    /// The body.
    pub body: String,
}

/// The state of a store as a whole.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait StoreHealth: Send + Sync {
    /// Whether the store answers now.
    async fn ping(&self) -> Result<(), Fault>;

    /// Connections in use and at most, for the gauges.
    fn connections(&self) -> Connections;
}

/// How much of a connection pool is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// Connections in use.
    pub in_use: usize,
    /// The most there may be.
    pub most: usize,
}

/// What a verifier says of a captcha token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Humanity {
    /// Solved by a person, as far as it can tell.
    Human,
    /// Not, or the token is not one.
    NotHuman,
}

/// Tells people from programs by the token a captcha gave them.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait HumanCheck: Send + Sync {
    /// Judges a token that came from an address. MUST fault with [`Fault::Unavailable`] when nobody can judge it now, and MUST
    /// NOT take longer than its deadline.
    async fn check(&self, token: &str, address: Option<IpAddr>) -> Result<Humanity, Fault>;
}

/// A store that keeps everything: what implements its ports implements this.
pub trait Store:
    WorkspaceStore
    + SettingsStore
    + ApiKeyStore
    + ReplyStore
    + WaitlistStore
    + VariantStore
    + EntryStore
    + EntryStats
    + WebhookStore
    + DeliveryQueue
    + MailQueue
    + PurgeStore
    + StoreHealth
{
}

impl<S> Store for S where
    S: WorkspaceStore
        + SettingsStore
        + ApiKeyStore
        + ReplyStore
        + WaitlistStore
        + VariantStore
        + EntryStore
        + EntryStats
        + WebhookStore
        + DeliveryQueue
        + MailQueue
        + PurgeStore
        + StoreHealth
{
}

/// Every port a use case may need, by role.
#[derive(Clone)]
pub struct Ports {
    /// Workspaces.
    pub workspaces: Arc<dyn WorkspaceStore>,
    /// Workspaces' settings.
    pub settings: Arc<dyn SettingsStore>,
    /// API keys.
    pub api_keys: Arc<dyn ApiKeyStore>,
    /// Replies of repeatable requests.
    pub replies: Arc<dyn ReplyStore>,
    /// Waitlists.
    pub waitlists: Arc<dyn WaitlistStore>,
    /// Variants.
    pub variants: Arc<dyn VariantStore>,
    /// Entries.
    pub entries: Arc<dyn EntryStore>,
    /// Totals.
    pub stats: Arc<dyn EntryStats>,
    /// Webhooks.
    pub webhooks: Arc<dyn WebhookStore>,
    /// Events on their way to webhooks.
    pub deliveries: Arc<dyn DeliveryQueue>,
    /// Mail on its way.
    pub mails: Arc<dyn MailQueue>,
    /// What was deleted.
    pub purges: Arc<dyn PurgeStore>,
    /// The store as a whole.
    pub health: Arc<dyn StoreHealth>,
    /// The captcha verifier, where one is configured.
    pub humans: Option<Arc<dyn HumanCheck>>,
    /// The mail service, where one is configured.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// The service that invites into apps, where one is configured.
    pub inviter: Option<Arc<dyn AppInviter>>,
    /// The base of the links that are handed out.
    pub links: Links,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub ids: Arc<dyn Ids>,
}

impl Ports {
    /// The ports of one store, with a clock and a source of chance, and no remote service.
    pub fn of_store<S: Store + 'static>(store: Arc<S>, links: Links, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self {
            workspaces: store.clone(),
            settings: store.clone(),
            api_keys: store.clone(),
            replies: store.clone(),
            waitlists: store.clone(),
            variants: store.clone(),
            entries: store.clone(),
            stats: store.clone(),
            webhooks: store.clone(),
            deliveries: store.clone(),
            mails: store.clone(),
            purges: store.clone(),
            health: store,
            humans: None,
            mailer: None,
            inviter: None,
            links,
            clock,
            ids,
        }
    }
}
