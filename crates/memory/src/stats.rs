//! [`EntryStats`] in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use rally_domain::analytics::{Analytics, DaySpan, TOP, TopReferral, VariantLabel, VariantSignups};
use rally_domain::entry::{Entry, Leader};
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::paging::Limit;
use rally_domain::port::{EntryStats, Rebuilt};
use rally_domain::tally::Tally;
use time::Date;

use crate::MemoryStore;
use crate::data::{Data, List};
use crate::flaw::{Flaw, Flawed};

#[async_trait]
impl EntryStats for MemoryStore {
    async fn count(&self, waitlist_id: WaitlistId) -> Result<u64, Fault> {
        Ok(self.read(|data| data.lists.get(&waitlist_id).map_or(0, |list| list.tally.entries())))
    }

    async fn standing(&self, waitlist_id: WaitlistId) -> Result<u64, Fault> {
        Ok(self.read(|data| data.lists.get(&waitlist_id).map_or(0, |list| data.flaw.standing(&list.tally))))
    }

    async fn leaders(&self, waitlist_id: WaitlistId, limit: Limit) -> Result<Arc<[Leader]>, Fault> {
        let flaw = self.read(|data| data.flaw);
        let list = self.read(|data| data.lists.get(&waitlist_id).cloned());
        let look = |data: &Data| data.lists_beside(waitlist_id, Flaw::LeadersOfWholeWorkspaces).flat_map(List::leaders).cloned().collect();
        let mut leaders: Vec<Leader> = self.tell(Flaw::LeadersKept, waitlist_id, look);
        if flaw.is(Flaw::LeadersIncludeRejected) {
            let all = list.iter().flat_map(|list| list.entries().values().cloned().collect::<Vec<_>>());
            leaders = all.filter(|entry| entry.referral_count > 0).map(|entry| flaw.leader(&entry)).collect();
            leaders.sort();
        }
        if flaw.is(Flaw::LeadersTiedByLatest) {
            leaders.sort_by_key(|leader| (std::cmp::Reverse(leader.referral_count), std::cmp::Reverse(leader.position)));
        }
        leaders.truncate(limit.rows());
        Ok(leaders.into())
    }

    async fn analytics(&self, waitlist_id: WaitlistId, today: Date) -> Result<Analytics, Fault> {
        let look = |data: &Data| {
            let Some(list) = data.lists.get(&waitlist_id) else { return Analytics::default() };
            let mut tally = list.tally.clone();
            data.lists_beside(waitlist_id, Flaw::TotalsOfWholeWorkspaces).filter(|other| other.waitlist.id != waitlist_id).for_each(
                |other| {
                    other.entries().values().for_each(|entry| tally.add(entry));
                },
            );
            let days = tally.days.range(data.flaw.first_day(today)..);
            let leaders: Vec<&Entry> = list.leaders().take(TOP).filter_map(|leader| list.entry_at(leader.position)).collect();
            Analytics {
                counters: tally.counters(),
                recent_days: days.map(|(day, signups)| (*day, *signups)).collect(),
                top_referrers: tally.top_referrers(),
                top_referrals: data.flaw.tops(TopReferral::of(leaders), list),
                by_variant: list.signups_by_variant(data.flaw),
            }
        };
        Ok(self.read(look))
    }

    async fn timeline(&self, waitlist_id: WaitlistId, span: DaySpan) -> Result<BTreeMap<Date, u64>, Fault> {
        let look = |data: &Data| {
            let mut days = BTreeMap::new();
            for list in data.lists_beside(waitlist_id, Flaw::TimelinesOfWholeWorkspaces) {
                list.tally.days.iter().for_each(|(day, signups)| *days.entry(*day).or_default() += signups);
            }
            let last_missing = data.flaw.is(Flaw::TimelinesLackTheirLastDay);
            let is_in = |day: &Date| *day >= span.first_day() && *day <= span.last_day() && !(last_missing && *day == span.last_day());
            days.into_iter().filter(|(day, _)| is_in(day)).collect()
        };
        Ok(self.read(look))
    }

    async fn rebuild(&self) -> Result<Rebuilt, Fault> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let does_nothing = data.flaw.is(Flaw::RebuildDoesNothing);
            let mut corrected = 0;
            for list in data.lists.values_mut().filter(|_| !does_nothing) {
                let right = list.count(flaw);
                let recounted = !flaw.is(Flaw::RebuildsIgnoreTheLedger) && list.recount();
                corrected += u64::from(recounted || list.tally != right);
                list.tally = right;
            }
            Rebuilt { waitlists: data.lists.len() as u64, corrected }
        };
        Ok(self.write(work).await)
    }
}

impl List {
    /// Makes a total, and the referrals of every entry that has any, wrong.
    pub fn miscount(&mut self) {
        self.tally.referred += 5;
        let referrers: Vec<Entry> = self.entries().values().filter(|entry| entry.referral_count > 0).cloned().collect();
        referrers.into_iter().for_each(|entry| self.put(Entry { referral_count: entry.referral_count + 3, ..entry }));
    }

    /// Counts the rows.
    fn count(&self, flaw: Flawed) -> Tally {
        let last = self.entries().keys().last().map_or(0, |last| last.number());
        let last_position = if flaw.is(Flaw::RebuildFreesPositions) { last } else { self.tally.last_position };
        let mut tally = Tally { last_position, ..Tally::default() };
        self.entries().values().for_each(|entry| tally.add(entry));
        self.tombstones.values().filter(|_| !flaw.is(Flaw::RebuildsForgetTombstones)).for_each(|tombstone| tally.add_tombstone(tombstone));
        tally
    }

    /// Existing variants in the order of their creation, then deleted ones that won any sign-ups, then no variant.
    fn signups_by_variant(&self, flaw: Flawed) -> Vec<VariantSignups> {
        let mut kept: Vec<_> = self.variants.iter().collect();
        kept.sort_by_key(|kept| (kept.is_deleted, kept.variant.created_at, kept.variant.id));
        let signups = |id| self.tally.variants.get(&id).copied().unwrap_or(0);
        if flaw.is(Flaw::VariantsInOrderOfSignUps) {
            kept.sort_by_key(|kept| (kept.is_deleted, std::cmp::Reverse(signups(Some(kept.variant.id)))));
        }
        let rows = kept.into_iter().map(|kept| {
            let variant = &kept.variant;
            let named = if flaw.is(Flaw::VariantsNamedAlike) { &self.variants[0].variant } else { variant };
            let label = VariantLabel { id: variant.id, kind: named.kind, locale: named.locale.clone() };
            (kept.is_deleted, VariantSignups { variant: Some(label), signups: signups(Some(variant.id)) })
        });
        let none = (true, VariantSignups { variant: None, signups: signups(None) });
        rows.chain([none]).filter(|(is_deleted, row)| !is_deleted || row.signups > 0).map(|(_, row)| row).collect()
    }
}
