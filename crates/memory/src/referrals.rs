//! [`ReferralStore`] in memory.

use std::cmp::Reverse;
use std::collections::HashMap;

use async_trait::async_trait;
use rally_domain::command::{
    CreditedEntry, DecideReferrals, DecideReferralsFacts, DecideReferralsRejection, Decided, ReferrerFacts, Selected, SignUp,
};
use rally_domain::entry::Entry;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{EntryId, WaitlistId};
use rally_domain::ledger::{BURST_WITHIN, NEIGHBOURS_WITHIN, NETWORKS_KEPT, Referral, ReferralFilter, ReferralState, Standing, Suspect};
use rally_domain::paging::{Limit, Page, ReferralKey};
use rally_domain::port::ReferralStore;
use rally_domain::timestamp::Timestamp;

use crate::data::{Data, KeptReferral, List};
use crate::flaw::{Flaw, Flawed};
use crate::{MemoryStore, rejected};

#[async_trait]
impl ReferralStore for MemoryStore {
    async fn decide(&self, command: DecideReferrals) -> Result<Decided, CommandError<DecideReferralsRejection>> {
        let early = self.read_early(Flaw::DecisionsReadEarly, |data| data.decision_facts(&command)).await;
        let work = |data: &mut Data| {
            let facts = early.unwrap_or_else(|| data.decision_facts(&command));
            let plan = data.audit(command.decide(facts).map_err(rejected)?);
            if command.dry_run && !data.flaw.is(Flaw::DryRunsWrite) {
                return Ok(plan.decided);
            }
            let flaw = data.flaw;
            if let Some(list) = data.lists.get_mut(&command.waitlist_id) {
                for referral in &plan.changed {
                    list.decide(referral);
                }
                for (id, (before, after)) in plan.counts {
                    list.count_referrals(id, before, after, command.now, flaw);
                }
            }
            if !flaw.is(Flaw::DecisionsNotTold) {
                plan.events.into_iter().for_each(|event| data.tell(event));
            }
            Ok(plan.decided)
        };
        self.write(work).await
    }

    async fn list(
        &self,
        waitlist_id: WaitlistId,
        filter: ReferralFilter,
        after: Option<ReferralKey>,
        limit: Limit,
    ) -> Result<Page<Referral, ReferralKey>, Fault> {
        let flaw = self.read(|data| data.flaw);
        let look = |data: &Data| {
            let lists = data.lists_beside(waitlist_id, Flaw::ReferralsOfWholeWorkspaces);
            lists.flat_map(|list| list.referrals.values().map(|kept| list.named(&kept.referral, flaw)).collect::<Vec<_>>()).collect()
        };
        let mut rows: Vec<Referral> = self.read(look);
        rows.sort_by_key(|row| Reverse((row.created_at, row.id)));
        rows.retain(|row| {
            filter.state.is_none_or(|state| row.state == state || flaw.is(Flaw::ReferralStatesNotFiltered))
                && filter.referrer.is_none_or(|referrer| row.referrer == Some(referrer))
        });
        rows.retain(|row| after.is_none_or(|key| is_before(row, key, flaw)));
        Ok(flaw.page(rows, limit, |last| ReferralKey { created_at: last.created_at, id: last.id }))
    }

    async fn suspects(&self, waitlist_id: WaitlistId, most: usize) -> Result<Vec<Suspect>, Fault> {
        let look = |data: &Data| {
            let Some(list) = data.lists.get(&waitlist_id) else { return Vec::new() };
            let is_suspect = |kept: &&KeptReferral| kept.referral.score > 0 || data.flaw.is(Flaw::EveryReferralSuspected);
            let mut suspects: Vec<&KeptReferral> = list.referrals.values().filter(is_suspect).collect();
            suspects.sort_by_key(|kept| Reverse((kept.referral.created_at, kept.referral.id)));
            let suspect = |kept: &KeptReferral| {
                let Referral { referrer, referred, reasons, created_at, .. } = list.named(&kept.referral, data.flaw);
                Suspect { referrer, referred, network: kept.network, reasons, created_at }
            };
            suspects.into_iter().take(data.flaw.rows(most)).map(suspect).collect()
        };
        Ok(self.read(look))
    }

    async fn standings(&self, waitlist_id: WaitlistId) -> Result<Vec<Standing>, Fault> {
        let look = |data: &Data| {
            let Some(list) = data.lists.get(&waitlist_id) else { return Vec::new() };
            let hides_rejected = data.flaw.is(Flaw::RejectedPeopleDoNotStand);
            let counts = |entry: &&Entry| entry.referral_count > 0 && (!hides_rejected || entry.status.as_str() != "rejected");
            let standing = |entry: &Entry| Standing { entry_id: entry.id, position: entry.position, referral_count: entry.referral_count };
            list.entries().values().filter(counts).map(standing).collect()
        };
        Ok(self.read(look))
    }

    async fn credited_at(&self, entry_id: EntryId, most: usize) -> Result<Vec<Timestamp>, Fault> {
        let look = |data: &Data| {
            let any_state = data.flaw.is(Flaw::EveryReferralTimed);
            let referrals = data.lists.values().flat_map(|list| list.referrals.values()).map(|kept| &kept.referral);
            let credited = referrals.filter(|referral| referral.referrer == Some(entry_id));
            let credited = credited.filter(|referral| any_state || referral.state == ReferralState::Credited);
            let mut times: Vec<Timestamp> =
                credited.map(|referral| referral.decision.as_ref().map_or(referral.created_at, |decision| decision.at)).collect();
            times.sort_unstable();
            times.truncate(most);
            times
        };
        Ok(self.read(look))
    }

    async fn forget_networks(&self, before: Timestamp, entries: usize) -> Result<u64, Fault> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let (most, mut looked_at) = (flaw.rows(entries), 0);
            for list in data.lists.values_mut().filter(|_| !flaw.is(Flaw::NetworksRemembered)) {
                let is_old =
                    |id: &EntryId| list.find(*id).is_none_or(|entry| entry.created_at < before || flaw.is(Flaw::NetworksForgottenEarly));
                let old: Vec<EntryId> = list.networks.keys().copied().filter(is_old).take(most - looked_at).collect();
                for id in &old {
                    list.networks.remove(id);
                    list.referrals.values_mut().filter(|kept| kept.referral.referred == Some(*id)).for_each(|kept| kept.network = None);
                }
                looked_at += old.len();
            }
            looked_at as u64
        };
        Ok(self.write(work).await)
    }

    async fn fill(&self, _: usize) -> Result<u64, Fault> {
        // No other program has written to this store.
        Ok(0)
    }

    async fn unfilled(&self) -> Result<u64, Fault> {
        Ok(0)
    }
}

/// Whether a row follows a key in the order of pages.
fn is_before(row: &Referral, key: ReferralKey, flaw: Flawed) -> bool {
    match flaw.is(Flaw::ReferralPagesByTimeAlone) {
        true => row.created_at < key.created_at,
        false => (row.created_at, row.id) < (key.created_at, key.id),
    }
}

impl Data {
    /// The facts of a decision about referrals.
    fn decision_facts(&self, command: &DecideReferrals) -> Option<DecideReferralsFacts> {
        let flaw = self.flaw;
        let list = self.lists.get(&command.waitlist_id)?;
        let all = self.lists_beside(command.waitlist_id, Flaw::DecisionsIgnoreLists).flat_map(|list| list.referrals.values());
        let is_left = |kept: &KeptReferral| kept.referral.state != command.state;
        let mut selected: Vec<&KeptReferral> = match &command.selected {
            Selected::Ids(ids) => all.filter(|kept| ids.contains(&kept.referral.id)).collect(),
            Selected::Referrer(id) => all.filter(|kept| kept.referral.referrer == Some(*id) && is_left(kept)).collect(),
            Selected::NetworkOf(id) => {
                let is_known = |entry: &&Entry| entry.created_at.plus(NETWORKS_KEPT) > command.now;
                let network = list.find(*id).filter(is_known).and_then(|entry| list.networks.get(&entry.id)).copied();
                let is_from = |kept: &KeptReferral| {
                    (network.is_some() || flaw.is(Flaw::UnknownNetworksSelected)) && kept.network == network && is_left(kept)
                };
                all.filter(|kept| is_from(kept)).collect()
            }
        };
        selected.retain(|_| !matches!(command.selected, Selected::Referrer(id) | Selected::NetworkOf(id) if list.find(id).is_none()));
        selected.sort_by_key(|kept| (kept.referral.created_at, kept.referral.id));
        if flaw.is(Flaw::SelectionsTakeTheNewest) {
            selected.reverse();
        }
        let more = selected.len() > DecideReferrals::MAX;
        selected.truncate(DecideReferrals::MAX);
        let referrers: HashMap<EntryId, CreditedEntry> = selected
            .iter()
            .filter_map(|kept| list.find(kept.referral.referrer?))
            .map(|entry| {
                (entry.id, CreditedEntry { entry: list.show(entry), referral_peak: list.peaks.get(&entry.id).copied().unwrap_or(0) })
            })
            .collect();
        Some(DecideReferralsFacts {
            waitlist: list.waitlist.clone(),
            referrals: selected.into_iter().map(|kept| list.named(&kept.referral, flaw)).collect(),
            more,
            referrers,
        })
    }

    /// Takes what tells of a person out of the row of their own referral.
    pub fn forget_referral_of(&mut self, list: WaitlistId, id: EntryId) {
        let Some(list) = self.lists.get_mut(&list) else { return };
        list.networks.remove(&id);
        for kept in list.referrals.values_mut().filter(|kept| kept.referral.referred == Some(id)) {
            kept.network = None;
            if let Some(decision) = &mut kept.referral.decision {
                decision.reason = None;
            }
        }
    }
}

impl List {
    /// A row without the persons that are gone.
    fn named(&self, referral: &Referral, flaw: Flawed) -> Referral {
        let stands = |id: &EntryId| self.find(*id).is_some() || flaw.is(Flaw::GonePersonsNamed);
        Referral { referrer: referral.referrer.filter(stands), referred: referral.referred.filter(stands), ..referral.clone() }
    }

    /// Writes the state of a row, and keeps the ids of its persons.
    fn decide(&mut self, decided: &Referral) {
        if let Some(kept) = self.referrals.get_mut(&decided.id) {
            kept.referral.state = decided.state;
            kept.referral.decision.clone_from(&decided.decision);
        }
    }

    fn count_referrals(&mut self, id: EntryId, before: u64, after: u64, now: Timestamp, flaw: Flawed) {
        let Some(entry) = self.find(id).cloned() else { return };
        if !flaw.is(Flaw::PeaksForgotten) {
            let peak = self.peaks.entry(id).or_default();
            *peak = before.max(*peak);
        }
        if !flaw.is(Flaw::DecisionsNotCounted) {
            let updated_at = if flaw.is(Flaw::DecisionsAreUpdates) { now } else { entry.updated_at };
            self.put(Entry { referral_count: after, updated_at, ..entry });
        }
    }

    /// The referrals of a referrer in the hour before a sign-up.
    pub fn recent(&self, referrer: &ReferrerFacts, command: &SignUp, flaw: Flawed) -> u64 {
        let since = command.now.plus(-BURST_WITHIN);
        let all = self.referrals.values().filter(|kept| kept.referral.referrer == Some(referrer.id) || flaw.is(Flaw::BurstsOfEveryCode));
        all.filter(|kept| kept.referral.created_at > since || flaw.is(Flaw::BurstsForEver)).count() as u64
    }

    /// The referrals of a referrer in the day before a sign-up from the same network.
    pub fn neighbours(&self, referrer: &ReferrerFacts, command: &SignUp, flaw: Flawed) -> u64 {
        let since = command.now.plus(-NEIGHBOURS_WITHIN);
        let of_code =
            self.referrals.values().filter(|kept| kept.referral.referrer == Some(referrer.id) || flaw.is(Flaw::NeighboursOfEveryCode));
        let near = of_code.filter(|kept| kept.network.is_some() && kept.network == command.network);
        near.filter(|kept| kept.referral.created_at > since || flaw.is(Flaw::NeighboursForEver)).count() as u64
    }

    /// Sets the count of every entry to its credited rows. Returns whether any was wrong.
    pub fn recount(&mut self) -> bool {
        let credited = |id: EntryId| {
            let rows = self.referrals.values().map(|kept| &kept.referral);
            rows.filter(|row| row.referrer == Some(id) && row.state == ReferralState::Credited).count() as u64
        };
        let right: Vec<Entry> =
            self.entries().values().map(|entry| Entry { referral_count: credited(entry.id), ..entry.clone() }).collect();
        let wrong: Vec<Entry> = right.into_iter().filter(|entry| self.find(entry.id) != Some(entry)).collect();
        wrong.iter().cloned().for_each(|entry| self.put(entry));
        !wrong.is_empty()
    }
}
