//! Tombstones: the numbers that stay of an erased entry.

use time::Date;

use crate::entry::{Entry, EntryStatus};
use crate::id::{EntryId, VariantId, WaitlistId};
use crate::referral::Position;

/// What stays of an erased entry. Nothing in it tells who the person was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// The id that the entry had.
    pub id: EntryId,
    /// The waitlist.
    pub waitlist_id: WaitlistId,
    /// The position on the list.
    pub position: Position,
    /// The status.
    pub status: EntryStatus,
    /// Referrals that counted.
    pub referral_count: u64,
    /// The referrer, who keeps the credit.
    pub referred_by: Option<EntryId>,
    /// The variant that the sign-up counts for.
    pub variant_id: Option<VariantId>,
    /// The UTC day of the sign-up.
    pub day: Date,
}

impl Tombstone {
    /// Returns what stays of an entry.
    pub fn of(entry: &Entry) -> Self {
        Self {
            id: entry.id,
            waitlist_id: entry.waitlist_id,
            position: entry.position,
            status: entry.status,
            referral_count: entry.referral_count,
            referred_by: entry.referred_by,
            variant_id: entry.variant_id,
            day: entry.created_at.day(),
        }
    }
}
