//! Erasing entries.

use crate::actor::Actor;
use crate::audit::{AuditAction, Audited, changes};
use crate::entry::Entry;
use crate::event::{Event, EventKind};
use crate::id::{EntryId, EventId, SuppressionId, WaitlistId};
use crate::mail::Links;
use crate::suppression::{Suppression, SuppressionReason};
use crate::timestamp::Timestamp;
use crate::tombstone::Tombstone;

/// Erases an entry: removes every trace of the person, and leaves numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EraseEntry {
    /// The waitlist that the entry must be on.
    pub waitlist_id: WaitlistId,
    /// The entry.
    pub entry_id: EntryId,
    /// The id of the suppression, if the address has none of this reason.
    pub suppression_id: SuppressionId,
    /// The id of the event.
    pub event_id: EventId,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
    /// The links, whose secret makes the hash of the address.
    pub links: Links,
}

/// The result of an erasure. The store writes all of it or nothing, and removes everything else that it has of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasurePlan {
    /// What stays instead of the entry.
    pub tombstone: Tombstone,
    /// The suppression to write, unless the workspace has one of this address and reason. It keeps imports from bringing the person back.
    /// Every other suppression of the address loses its masked address.
    pub suppression: Suppression,
    /// The event to write. What is undelivered about the entry is dropped first.
    pub event: Event,
}

impl EraseEntry {
    /// Returns what stays of the entry as it is now.
    pub fn decide(&self, entry: &Entry) -> Audited<ErasurePlan> {
        let suppression = Suppression {
            id: self.suppression_id,
            workspace_id: entry.workspace_id,
            address: self.links.secret().hash_address(&entry.profile.email),
            masked_email: None,
            reason: SuppressionReason::Erased,
            created_at: self.now,
        };
        let event = Event::gone(self.event_id, EventKind::EntryErased, self.now, entry);
        let changes = changes(Some(entry), None);
        let row = self.actor.audit(self.now, entry.workspace_id, AuditAction::EntryErase, entry.id, changes);
        Audited::new(ErasurePlan { tombstone: Tombstone::of(entry), suppression, event }, row)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::super::tests::{command, facts, waitlist};
    use super::*;
    use crate::entry::EntryStatus;
    use crate::text::Referrer;

    #[test]
    fn numbers_stay_of_an_erased_entry_and_nothing_of_the_person() {
        let mut sign_up = command();
        sign_up.profile.referrer = Referrer::parse_optional("a blog").unwrap();
        let entry = sign_up.decide(facts(&waitlist(json!({})))).unwrap().entry;
        let referrer = Some(EntryId::new(Uuid::from_u128(7)));
        let entry = Entry { status: EntryStatus::Rejected, referral_count: 3, referred_by: referrer, ..entry };
        let erase = EraseEntry {
            waitlist_id: entry.waitlist_id,
            entry_id: entry.id,
            suppression_id: SuppressionId::new(Uuid::from_u128(8)),
            event_id: EventId::new(Uuid::from_u128(9)),
            actor: Actor::Visitor,
            now: sign_up.now,
            links: sign_up.links.clone(),
        };
        let ErasurePlan { tombstone, suppression, event } = erase.decide(&entry).plan;
        let kept = (tombstone.position, tombstone.status, tombstone.referral_count, tombstone.referred_by);
        assert_eq!(kept, (entry.position, EntryStatus::Rejected, 3, referrer));
        assert_eq!((tombstone.id, tombstone.day, tombstone.variant_id), (entry.id, entry.created_at.day(), entry.variant_id));
        assert_eq!(suppression.address, sign_up.links.secret().hash_address(&entry.profile.email));
        assert_eq!((suppression.reason, suppression.masked_email.clone()), (SuppressionReason::Erased, None));
        let text = format!("{tombstone:?}{suppression:?}{event:?}");
        for trace in [entry.profile.email.as_str(), entry.profile.name.as_str(), entry.referral_code.as_str(), "a blog"] {
            assert!(!text.contains(trace), "{trace} in {text}");
        }
    }
}
