//! The visit of a person to their own page: what they see, change and take with them.

use crate::actor::Actor;
use crate::command::{ProfileChange, ProfileRejection, Unsubscribe, UnsubscribeRejection, UpdateProfile};
use crate::entry::{Entry, EntryStatus, Friend, Records};
use crate::error::{CommandError, Fault};
use crate::id::{EventId, SuppressionId, VariantId, WaitlistId};
use crate::port::Ports;
use crate::rank::Rank;
use crate::referral::Position;
use crate::slug::Slug;
use crate::suppression::{Suppression, SuppressionReason};
use crate::timestamp::Timestamp;
use crate::use_case::link::{LinkRejection, find_visitor};
use crate::variant::Variant;
use crate::waitlist::Waitlist;
use crate::workspace::Brand;

/// The most friends that a visit shows.
const MAX_FRIENDS: usize = 50;

/// The person whose link was opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Visitor {
    /// The entry of the person.
    pub entry: Entry,
    /// Its waitlist.
    pub waitlist: Waitlist,
    /// The slug of the workspace.
    pub workspace_slug: Slug,
    /// The brand of the workspace.
    pub brand: Brand,
}

impl Visit {
    /// Returns when a number of referrals was reached, if that is known.
    pub fn reached_at(&self, referral_count: u64) -> Option<Timestamp> {
        let index = usize::try_from(referral_count.checked_sub(1)?).ok()?;
        self.credits.get(index).copied()
    }
}

impl Visitor {
    /// Returns the effective position of the entry.
    pub fn place(&self) -> Position {
        self.entry.position.effective(self.entry.referral_count, self.waitlist.settings.referral_boost)
    }
}

/// What a person sees beside their entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// How many entries stand before theirs. `None` if it is rejected.
    pub ahead: Option<u64>,
    /// How many entries the list has. Rejected ones do not count.
    pub total: u64,
    /// The newest friends who signed up with their code.
    pub friends: Vec<Friend>,
    /// When each referral counted, the oldest first, as far as a reward needs to know.
    pub credits: Vec<Timestamp>,
    /// Whether they get mail.
    pub is_subscribed: bool,
    /// Whether they can end or begin it themselves. Whom mail did not reach, or who said that the sign-up was not theirs, cannot.
    pub chooses_mail: bool,
}

/// What is held about a person beside their entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holdings {
    /// All friends who signed up with their code.
    pub friends: Vec<Friend>,
    /// Events and mail of the entry.
    pub records: Records,
    /// The reasons for which their address gets no mail.
    pub suppressions: Vec<Suppression>,
}

/// What a person changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// What changes of their profile.
    pub profile: ProfileChange,
    /// Whether they get mail from now on.
    pub is_subscribed: Option<bool>,
}

/// Returns the person whose link a token is of.
///
/// # Errors
/// If the token is not that of an entry, or was replaced by another one.
pub async fn find(ports: &Ports, token: &str) -> Result<Visitor, CommandError<LinkRejection>> {
    let gone = || CommandError::Rejected(LinkRejection::NoSuchLink);
    let entry = find_visitor(ports, token).await?;
    let waitlist = ports.waitlists.find(entry.workspace_id, entry.waitlist_id).await?.ok_or_else(gone)?;
    let workspace = ports.workspaces.find(entry.workspace_id).await?.ok_or_else(gone)?;
    let brand = ports.settings.get(workspace.id).await?.brand;
    Ok(Visitor { entry, waitlist, workspace_slug: workspace.slug, brand })
}

/// Returns the variant whose words a person saw, unless it was deleted.
///
/// # Errors
/// If the store fails.
pub async fn variant_of(ports: &Ports, waitlist_id: WaitlistId, id: Option<VariantId>) -> Result<Option<Variant>, Fault> {
    let Some(id) = id else { return Ok(None) };
    Ok(ports.variants.list(waitlist_id).await?.into_iter().find(|variant| variant.id == id))
}

/// Returns what a person sees.
///
/// # Errors
/// If the store fails.
pub async fn look(ports: &Ports, visitor: &Visitor) -> Result<Visit, Fault> {
    let entry = &visitor.entry;
    let ranks = ports.entries.ranks(entry.waitlist_id, visitor.waitlist.settings.referral_boost).await?;
    let Rank { ahead, total } = match entry.status {
        EntryStatus::Pending | EntryStatus::Approved => ranks.find(entry.position, entry.referral_count),
        EntryStatus::Rejected => Rank { ahead: 0, total: ranks.len() as u64 },
    };
    let suppressions = find_suppressions(ports, entry).await?;
    Ok(Visit {
        ahead: (entry.status != EntryStatus::Rejected).then_some(ahead),
        total,
        friends: ports.entries.friends(entry.id, MAX_FRIENDS).await?,
        credits: find_credits(ports, visitor).await?,
        is_subscribed: suppressions.iter().all(|suppression| suppression.reason == SuppressionReason::Erased),
        chooses_mail: suppressions.iter().all(|suppression| suppression.reason.is_theirs()),
    })
}

/// Carries out what a person changes. Returns the person after it.
///
/// # Errors
/// If the entry is gone, or if its new metadata does not fit the custom fields of the list.
pub async fn change(ports: &Ports, visitor: Visitor, change: Change) -> Result<Visitor, CommandError<LinkRejection>> {
    let Entry { id: entry_id, waitlist_id, .. } = visitor.entry;
    let (event_id, now) = (EventId::new(ports.ids.uuid()), ports.clock.now());
    let command = UpdateProfile { waitlist_id, entry_id, change: change.profile, event_id, actor: Actor::Visitor, now };
    let entry = ports.entries.update_profile(command).await.map_err(|error| match error {
        CommandError::Rejected(ProfileRejection::NoSuchEntry) => CommandError::Rejected(LinkRejection::NoSuchLink),
        CommandError::Rejected(ProfileRejection::Metadata(errors)) => CommandError::Rejected(LinkRejection::Metadata(errors)),
        CommandError::Fault(fault) => CommandError::Fault(fault),
    })?;
    match change.is_subscribed {
        Some(true) => subscribe(ports, &entry).await?,
        Some(false) => unsubscribe(ports, &entry).await?,
        None => {}
    }
    Ok(Visitor { entry, ..visitor })
}

/// Returns what is held about a person beside their entry.
///
/// # Errors
/// If the store fails.
pub async fn take_with(ports: &Ports, visitor: &Visitor) -> Result<Holdings, Fault> {
    let entry = &visitor.entry;
    Ok(Holdings {
        friends: ports.entries.friends(entry.id, usize::MAX).await?,
        records: told(ports.entries.records(entry.waitlist_id, entry.id).await?),
        suppressions: find_suppressions(ports, entry).await?,
    })
}

/// Returns what a person may know of the records of their entry: how a referral is judged is nothing that its persons are told.
fn told(mut records: Records) -> Records {
    records.events.retain(|event| !event.kind.is_of_ledger());
    records
}

/// Returns the times of the referrals up to the last one that earned a reward.
async fn find_credits(ports: &Ports, visitor: &Visitor) -> Result<Vec<Timestamp>, Fault> {
    let reached = visitor.waitlist.settings.referral_rewards.reached(visitor.entry.referral_count);
    match reached.last().and_then(|milestone| usize::try_from(milestone.count).ok()) {
        Some(most) => ports.referrals.credited_at(visitor.entry.id, most).await,
        None => Ok(Vec::new()),
    }
}

async fn find_suppressions(ports: &Ports, entry: &Entry) -> Result<Vec<Suppression>, Fault> {
    let address = ports.links.secret().hash_address(&entry.profile.email);
    ports.suppressions.find(entry.workspace_id, address).await
}

/// Ends the mail of the workspace to the person of an entry. Repeating it changes nothing.
pub(super) async fn unsubscribe(ports: &Ports, entry: &Entry) -> Result<(), Fault> {
    let command = Unsubscribe {
        waitlist_id: entry.waitlist_id,
        entry_id: entry.id,
        suppression_id: SuppressionId::new(ports.ids.uuid()),
        event_id: EventId::new(ports.ids.uuid()),
        actor: Actor::Visitor,
        now: ports.clock.now(),
        links: ports.links.clone(),
    };
    match ports.suppressions.unsubscribe(command).await {
        // The entry was deleted just now. It gets no mail any more.
        Ok(()) | Err(CommandError::Rejected(UnsubscribeRejection::NoSuchEntry)) => Ok(()),
        Err(CommandError::Fault(fault)) => Err(fault),
    }
}

/// Lifts what [`unsubscribe`] did. Other reasons for which the address gets no mail stay.
async fn subscribe(ports: &Ports, entry: &Entry) -> Result<(), Fault> {
    let address = ports.links.secret().hash_address(&entry.profile.email);
    ports.suppressions.lift_reason(entry.workspace_id, address, SuppressionReason::Unsubscribed).await.map(|_| ())
}
