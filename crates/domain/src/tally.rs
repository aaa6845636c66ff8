//! Tallies: the totals of a waitlist. The transaction of a change keeps them, so that no reader counts rows.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use time::Date;

use crate::analytics::{Counters, TOP};
use crate::entry::{Entry, EntryStatus};
use crate::id::VariantId;
use crate::text::Referrer;
use crate::tombstone::Tombstone;

/// The totals of a list, or the growth that a group of sign-ups adds to them. No row is zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// The last position of the list. It never falls.
    pub last_position: u64,
    /// Entries by status, in the order of [`EntryStatus::ALL`].
    pub by_status: [u64; 3],
    /// Entries that have a referrer.
    pub referred: u64,
    /// How many of the entries are erased. Everything else counts them too, without their source.
    pub erased: u64,
    /// Sign-ups by UTC day.
    pub days: BTreeMap<Date, u64>,
    /// Entries by source. `""` means no source.
    pub sources: BTreeMap<String, u64>,
    /// Entries by variant.
    pub variants: BTreeMap<Option<VariantId>, u64>,
}

impl Tally {
    /// Adds an entry.
    pub fn add(&mut self, entry: &Entry) {
        self.last_position = self.last_position.max(entry.position.number());
        self.by_status[slot(entry.status)] += 1;
        self.referred += u64::from(entry.referred_by.is_some());
        *self.days.entry(entry.created_at.day()).or_default() += 1;
        *self.sources.entry(source(entry)).or_default() += 1;
        *self.variants.entry(entry.variant_id).or_default() += 1;
    }

    /// Removes a deleted entry, and the number of its referrals. These have no referrer any more.
    pub fn remove(&mut self, entry: &Entry, forgotten: u64) {
        take(&mut self.by_status[slot(entry.status)], 1);
        take(&mut self.referred, u64::from(entry.referred_by.is_some()) + forgotten);
        take_row(&mut self.days, entry.created_at.day());
        take_row(&mut self.sources, source(entry));
        take_row(&mut self.variants, entry.variant_id);
    }

    /// Adds a tombstone.
    pub fn add_tombstone(&mut self, tombstone: &Tombstone) {
        self.last_position = self.last_position.max(tombstone.position.number());
        self.by_status[slot(tombstone.status)] += 1;
        self.referred += u64::from(tombstone.referred_by.is_some());
        self.erased += 1;
        *self.days.entry(tombstone.day).or_default() += 1;
        *self.sources.entry(String::new()).or_default() += 1;
        *self.variants.entry(tombstone.variant_id).or_default() += 1;
    }

    /// Counts an entry as erased. Its source is none from now on.
    pub fn erase(&mut self, entry: &Entry) {
        self.erased += 1;
        take_row(&mut self.sources, source(entry));
        *self.sources.entry(String::new()).or_default() += 1;
    }

    /// Moves an entry to another source.
    pub fn move_source(&mut self, before: &Entry, after: &Entry) {
        take_row(&mut self.sources, source(before));
        *self.sources.entry(source(after)).or_default() += 1;
    }

    /// Moves an entry to another status.
    pub fn review(&mut self, from: EntryStatus, to: EntryStatus) {
        take(&mut self.by_status[slot(from)], 1);
        self.by_status[slot(to)] += 1;
    }

    /// Returns the number of entries, with those that are erased.
    pub fn entries(&self) -> u64 {
        self.by_status.iter().sum()
    }

    /// Returns the number of entries that stand on the list. Those that are erased have left it.
    pub fn standing(&self) -> u64 {
        self.entries().saturating_sub(self.erased)
    }

    /// Returns entries by status, and entries with a referrer.
    pub const fn counters(&self) -> Counters {
        let [pending, approved, rejected] = self.by_status;
        Counters { pending, approved, rejected, referred: self.referred }
    }

    /// Returns the [`TOP`] most frequent sources, the most frequent first and then by text. `None` means no source.
    pub fn top_referrers(&self) -> Vec<(Option<Referrer>, u64)> {
        let mut rows: Vec<_> = self.sources.iter().collect();
        rows.sort_by_key(|(text, signups)| (Reverse(**signups), text.as_str()));
        let row =
            |(text, signups): (&String, &u64)| (Some(text.clone()).filter(|text| !text.is_empty()).map(Referrer::from_stored), *signups);
        rows.into_iter().take(TOP).map(row).collect()
    }
}

fn slot(status: EntryStatus) -> usize {
    match status {
        EntryStatus::Pending => 0,
        EntryStatus::Approved => 1,
        EntryStatus::Rejected => 2,
    }
}

fn source(entry: &Entry) -> String {
    entry.profile.referrer.as_ref().map_or("", Referrer::as_str).to_owned()
}

fn take(count: &mut u64, number: u64) {
    *count = count.saturating_sub(number);
}

fn take_row<K: Ord>(rows: &mut BTreeMap<K, u64>, key: K) {
    let left = rows.remove(&key).unwrap_or(0).saturating_sub(1);
    if left > 0 {
        rows.insert(key, left);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::command::SignUpFacts;
    use crate::command::tests::{command, facts, referrer as referrer_of, waitlist};

    fn entry(n: u64, status: EntryStatus, referrer: &str, referred: bool) -> Entry {
        let list = waitlist(serde_json::json!({}));
        let referrer_facts = referrer_of(EntryStatus::Pending);
        let mut command = command();
        command.profile.referrer = Referrer::parse_optional(referrer).unwrap();
        let facts = SignUpFacts { last_position: n, referrer: referred.then_some(&referrer_facts), ..facts(&list) };
        Entry { status, ..command.decide(facts).unwrap().entry }
    }

    fn any_entry() -> impl Strategy<Value = Entry> {
        let status = prop::sample::select(EntryStatus::ALL.to_vec());
        (1..100_u64, status, prop::sample::select(vec!["", "a", "b"]), any::<bool>()).prop_map(|(n, s, r, f)| entry(n, s, r, f))
    }

    proptest! {
        #[test]
        fn removing_added_entries_leaves_only_the_position(entries in prop::collection::vec(any_entry(), 0..12)) {
            let mut tally = Tally::default();
            entries.iter().for_each(|entry| tally.add(entry));
            prop_assert_eq!(tally.entries(), entries.len() as u64);
            prop_assert_eq!(tally.counters().total(), tally.entries());
            let last_position = tally.last_position;
            entries.iter().for_each(|entry| tally.remove(entry, 0));
            prop_assert_eq!(tally, Tally { last_position, ..Tally::default() });
        }

        #[test]
        fn a_reviewed_entry_counts_like_a_new_one(before in any_entry(), to in prop::sample::select(EntryStatus::ALL.to_vec())) {
            let (mut reviewed, mut fresh) = (Tally::default(), Tally::default());
            reviewed.add(&before);
            reviewed.review(before.status, to);
            fresh.add(&Entry { status: to, ..before });
            prop_assert_eq!(reviewed, fresh);
        }
    }

    proptest! {
        #[test]
        fn an_erased_entry_counts_like_its_tombstone(entries in prop::collection::vec(any_entry(), 1..12)) {
            let (mut erased, mut fresh) = (Tally::default(), Tally::default());
            entries.iter().for_each(|entry| erased.add(entry));
            erased.erase(&entries[0]);
            fresh.add_tombstone(&Tombstone::of(&entries[0]));
            entries[1..].iter().for_each(|entry| fresh.add(entry));
            prop_assert_eq!(&erased, &fresh);
            prop_assert_eq!((erased.entries(), erased.standing()), (entries.len() as u64, entries.len() as u64 - 1));
        }
    }

    #[test]
    fn the_most_frequent_sources_come_first_then_by_text() {
        let mut tally = Tally::default();
        for text in ["b", "a", "", "b", "c", "a"] {
            tally.add(&entry(1, EntryStatus::Pending, text, false));
        }
        let top: Vec<_> = tally.top_referrers().into_iter().map(|(text, n)| (text.map(|t| t.as_str().to_owned()), n)).collect();
        assert_eq!(top, [(Some("a".to_owned()), 2), (Some("b".to_owned()), 2), (None, 1), (Some("c".to_owned()), 1)]);
    }

    #[test]
    fn entries_with_a_deleted_referrer_do_not_count_as_referred() {
        let mut tally = Tally::default();
        let (ada, bob) = (entry(1, EntryStatus::Pending, "", false), entry(2, EntryStatus::Pending, "", true));
        tally.add(&ada);
        tally.add(&bob);
        tally.remove(&ada, 1);
        assert_eq!((tally.referred, tally.entries(), tally.last_position), (0, 1, 3));
    }
}
