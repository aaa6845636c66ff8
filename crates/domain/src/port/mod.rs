//! Ports: traits for all that the rules need from outside. Adapters implement them.
//!
//! Each MUST names the case of the crate `rally-contracts` that checks it, or says that none does. A test checks this. Every method may
//! fail with a [`Fault`](crate::error::Fault). A write that failed with a fault wrote all or nothing. Ports are dyn-compatible. A future
//! that is dropped before it ends changes all or nothing.

mod access;
mod audit;
mod confirmations;
mod deliveries;
mod entries;
mod entry_jobs;
mod feed;
mod health;
mod imports;
mod mail_templates;
mod mails;
mod proofs;
mod purges;
mod referrals;
mod remote;
mod search;
mod secrets;
mod sessions;
mod settings;
mod stats;
mod suppressions;
mod templates;
mod variants;
mod waitlists;
mod webhooks;
mod workspaces;

use std::sync::Arc;

pub use access::*;
pub use audit::*;
pub use confirmations::*;
pub use deliveries::*;
pub use entries::*;
pub use entry_jobs::*;
pub use feed::*;
pub use health::*;
pub use imports::*;
pub use mail_templates::*;
pub use mails::*;
pub use proofs::*;
pub use purges::*;
pub use referrals::*;
pub use remote::*;
pub use search::*;
pub use secrets::*;
pub use sessions::*;
pub use settings::*;
pub use stats::*;
pub use suppressions::*;
pub use templates::*;
pub use variants::*;
pub use waitlists::*;
pub use webhooks::*;
pub use workspaces::*;

pub use crate::ambient::*;
use crate::disposable::DisposableDomains;
use crate::mail::{Links, SmtpPolicy};

/// A store of everything. A type that implements its ports implements this trait.
pub trait Store:
    WorkspaceStore
    + SettingsStore
    + SecretStore
    + ApiKeyStore
    + SessionStore
    + ReplyStore
    + WaitlistStore
    + VariantStore
    + EntryStore
    + EntryStats
    + EntrySearch
    + EntryJobStore
    + ReferralStore
    + WebhookStore
    + DeliveryQueue
    + EventFeed
    + MailQueue
    + ConfirmationStore
    + ProofStore
    + SuppressionStore
    + TemplateStore
    + PurgeStore
    + ImportStore
    + AuditLog
    + StoreHealth
{
}

impl<S> Store for S where
    S: WorkspaceStore
        + SettingsStore
        + SecretStore
        + ApiKeyStore
        + SessionStore
        + ReplyStore
        + WaitlistStore
        + VariantStore
        + EntryStore
        + EntryStats
        + EntrySearch
        + EntryJobStore
        + ReferralStore
        + WebhookStore
        + DeliveryQueue
        + EventFeed
        + MailQueue
        + ConfirmationStore
        + ProofStore
        + SuppressionStore
        + TemplateStore
        + PurgeStore
        + ImportStore
        + AuditLog
        + StoreHealth
{
}

/// A mail server, and the workspaces that may send through it.
#[derive(Clone)]
pub struct Smtp {
    /// The mailer for rendered mail.
    pub mailer: Arc<dyn Mailer>,
    /// The workspaces that may send through it.
    pub policy: SmtpPolicy,
}

/// Every port that a use case may need, by role.
#[derive(Clone)]
pub struct Ports {
    /// Workspaces.
    pub workspaces: Arc<dyn WorkspaceStore>,
    /// Workspaces' settings.
    pub settings: Arc<dyn SettingsStore>,
    /// The secret of the store.
    pub secrets: Arc<dyn SecretStore>,
    /// API keys.
    pub api_keys: Arc<dyn ApiKeyStore>,
    /// Sessions of the console.
    pub sessions: Arc<dyn SessionStore>,
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
    /// Search in entries.
    pub search: Arc<dyn EntrySearch>,
    /// Work on many entries.
    pub entry_jobs: Arc<dyn EntryJobStore>,
    /// The referral ledger.
    pub referrals: Arc<dyn ReferralStore>,
    /// Webhooks.
    pub webhooks: Arc<dyn WebhookStore>,
    /// Events on their way to webhooks.
    pub deliveries: Arc<dyn DeliveryQueue>,
    /// Feeds of events.
    pub feeds: Arc<dyn EventFeed>,
    /// Mail on its way.
    pub mails: Arc<dyn MailQueue>,
    /// Sign-ups that wait for their confirmation.
    pub confirmations: Arc<dyn ConfirmationStore>,
    /// Used proofs of work.
    pub proofs: Arc<dyn ProofStore>,
    /// Addresses that get no mail.
    pub suppressions: Arc<dyn SuppressionStore>,
    /// Workspaces' templates of mail.
    pub mail_templates: Arc<dyn TemplateStore>,
    /// Purges of deleted objects.
    pub purges: Arc<dyn PurgeStore>,
    /// Imports.
    pub imports: Arc<dyn ImportStore>,
    /// The audit log.
    pub audit: Arc<dyn AuditLog>,
    /// The store as a whole.
    pub health: Arc<dyn StoreHealth>,
    /// The captcha verifier, if one is configured.
    pub humans: Option<Arc<dyn HumanCheck>>,
    /// The mailer for templates of a mail service, if one is configured.
    pub envoi: Option<Arc<dyn Mailer>>,
    /// The mail server, if one is configured.
    pub smtp: Option<Smtp>,
    /// The directory of domains and templates of the mail service, if one is configured.
    pub senders: Option<Arc<dyn SenderDirectory>>,
    /// The service that invites into apps, if one is configured.
    pub inviter: Option<Arc<dyn AppInviter>>,
    /// Whether domains take mail, if that can be asked.
    pub mail_domains: Option<Arc<dyn MailDomains>>,
    /// The throw-away domains that this server knows.
    pub disposable: Arc<DisposableDomains>,
    /// The links that are handed out.
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
            secrets: store.clone(),
            api_keys: store.clone(),
            sessions: store.clone(),
            replies: store.clone(),
            waitlists: store.clone(),
            variants: store.clone(),
            entries: store.clone(),
            stats: store.clone(),
            search: store.clone(),
            entry_jobs: store.clone(),
            referrals: store.clone(),
            webhooks: store.clone(),
            deliveries: store.clone(),
            feeds: store.clone(),
            mails: store.clone(),
            confirmations: store.clone(),
            proofs: store.clone(),
            suppressions: store.clone(),
            mail_templates: store.clone(),
            purges: store.clone(),
            imports: store.clone(),
            audit: store.clone(),
            health: store,
            humans: None,
            envoi: None,
            smtp: None,
            senders: None,
            inviter: None,
            mail_domains: None,
            disposable: Arc::default(),
            links,
            clock,
            ids,
        }
    }
}
