//! Entries: the people on a waitlist.

use std::cmp::{Ordering, Reverse};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::consent::{Consent, ConsentDocument};
use crate::email::Email;
use crate::error::Invalid;
use crate::event::Event;
use crate::id::{EntryId, VariantId, WaitlistId, WorkspaceId};
use crate::locale::Locale;
use crate::mail::MailRecord;
use crate::profile::Profile;
use crate::referral::{Position, ReferralBoost, ReferralCode};
use crate::text::{Interest, Referrer};
use crate::timestamp::Timestamp;

/// The status of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryStatus {
    /// The entry waits for a review.
    Pending,
    /// The entry is approved.
    Approved,
    /// The entry is rejected.
    Rejected,
}

impl EntryStatus {
    /// All statuses.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Approved, Self::Rejected];

    /// Returns the name on the wire and in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }

    /// Reads the name on the wire.
    ///
    /// # Errors
    /// If there is no such status.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be one of pending, approved, rejected"))
    }
}

/// The most characters of the slug of an app.
pub const MAX_APP_SLUG: usize = 200;

/// The last invitation of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// When the entry was invited.
    pub at: Timestamp,
    /// The app. `None` means that the entry was invited by the link of its list.
    pub app_slug: Option<String>,
}

/// A person on a waitlist.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The id of the entry.
    pub id: EntryId,
    /// The waitlist of the entry.
    pub waitlist_id: WaitlistId,
    /// The workspace of that waitlist.
    pub workspace_id: WorkspaceId,
    /// What the person said when signing up.
    pub profile: Profile,
    /// The entry's own referral code.
    pub referral_code: ReferralCode,
    /// Referrals that count.
    pub referral_count: u64,
    /// The referrer: the entry whose code this one used.
    pub referred_by: Option<EntryId>,
    /// The position on the list.
    pub position: Position,
    /// The status.
    pub status: EntryStatus,
    /// The variant that the sign-up counts for.
    pub variant_id: Option<VariantId>,
    /// Counts how often the link of the person was replaced. Each number has another token.
    pub link_generation: u32,
    /// When the person confirmed the address. `None` means that nobody asked.
    pub confirmed_at: Option<Timestamp>,
    /// The last invitation into an app.
    pub invitation: Option<Invitation>,
    /// When the person signed up.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Entry {
    /// Returns the entry in the form of the admin surface and of events. `boost` is that of its list.
    pub fn document(&self, boost: ReferralBoost) -> EntryDocument<'_> {
        EntryDocument {
            id: self.id.to_string(),
            waitlist_id: self.waitlist_id.to_string(),
            workspace_id: self.workspace_id.to_string(),
            email: self.profile.email.as_str(),
            name: self.profile.name.as_str(),
            interest: self.profile.interest.as_ref().map(Interest::as_str),
            referrer: self.profile.referrer.as_ref().map(Referrer::as_str),
            referral_code: self.referral_code.as_str(),
            referral_count: self.referral_count,
            referred_by_entry_id: self.referred_by.map(|id| id.to_string()),
            position: self.position,
            effective_position: self.position.effective(self.referral_count, boost),
            status: self.status.as_str(),
            locale: self.profile.locale.as_ref().map(Locale::as_str),
            consent: self.profile.consent.as_ref().map(Consent::document),
            confirmed_at: self.confirmed_at,
            invited_at: self.invitation.as_ref().map(|invitation| invitation.at),
            invited_to_app_slug: self.invitation.as_ref().and_then(|invitation| invitation.app_slug.as_deref()),
            metadata: self.profile.metadata.document(),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// The form of an [`Entry`] in replies and events.
#[derive(Debug, Serialize)]
pub struct EntryDocument<'a> {
    id: String,
    waitlist_id: String,
    workspace_id: String,
    email: &'a str,
    name: &'a str,
    interest: Option<&'a str>,
    referrer: Option<&'a str>,
    referral_code: &'a str,
    referral_count: u64,
    referred_by_entry_id: Option<String>,
    #[serde(serialize_with = "position_number")]
    position: Position,
    #[serde(serialize_with = "position_number")]
    effective_position: Position,
    status: &'static str,
    locale: Option<&'a str>,
    consent: Option<ConsentDocument<'a>>,
    confirmed_at: Option<Timestamp>,
    invited_at: Option<Timestamp>,
    invited_to_app_slug: Option<&'a str>,
    metadata: &'a Map<String, Value>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

fn position_number<S: Serializer>(position: &Position, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(position.number())
}

/// A person who signed up with the code of an entry, as that entry's person is told of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Friend {
    /// The address. Others see it masked. `None` if the friend is gone.
    pub email: Option<Email>,
    /// Whether the referral counts.
    pub is_credited: bool,
    /// When the friend signed up.
    pub joined_at: Timestamp,
}

/// What is kept of an entry beside it, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records {
    /// The events of the entry.
    pub events: Vec<Event>,
    /// The mail to its person.
    pub mails: Vec<MailRecord>,
    /// Its codes of other services, in their order.
    pub old_codes: Vec<String>,
}

/// A line of the public leaderboard. Leaders are ordered by referrals, the most first, and then by position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leader {
    /// The position of the entry.
    pub position: Position,
    /// Referrals that count, at least 1.
    pub referral_count: u64,
    /// The address. A stranger sees it masked.
    pub email: Email,
}

impl Leader {
    /// Returns the entry's line. `None` means that the entry has no referrals or is rejected.
    pub fn of(entry: &Entry) -> Option<Self> {
        let leads = entry.referral_count > 0 && entry.status != EntryStatus::Rejected;
        leads.then(|| Self { position: entry.position, referral_count: entry.referral_count, email: entry.profile.email.clone() })
    }
}

impl Ord for Leader {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |leader: &Self| (Reverse(leader.referral_count), leader.position);
        key(self).cmp(&key(other)).then_with(|| self.email.cmp(&other.email))
    }
}

impl PartialOrd for Leader {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::tests::{command, facts, waitlist};

    #[test]
    fn leaders_are_ordered_by_referrals_then_position_without_rejected_entries() {
        let list = waitlist(serde_json::json!({}));
        let entry = |position: u64, referral_count, status| {
            let entry = command().decide(facts(&list)).unwrap().entry;
            Entry { position: Position::new(position), referral_count, status, ..entry }
        };
        use EntryStatus::{Approved, Pending, Rejected};
        let entries = [entry(1, 0, Pending), entry(2, 1, Pending), entry(3, 2, Approved), entry(4, 2, Pending), entry(5, 9, Rejected)];
        let mut leaders: Vec<Leader> = entries.iter().rev().filter_map(Leader::of).collect();
        leaders.sort();
        assert_eq!(leaders.iter().map(|leader| leader.position.number()).collect::<Vec<_>>(), [3, 4, 2]);
    }
}
