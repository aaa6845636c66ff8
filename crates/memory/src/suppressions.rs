//! [`SuppressionStore`] in memory.

use std::cmp::Reverse;

use async_trait::async_trait;
use rally_domain::command::{
    LiftSuppression, Suppress, SuppressFacts, SuppressRejection, Unsubscribe, UnsubscribePlan, UnsubscribeRejection,
};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::WorkspaceId;
use rally_domain::paging::{Limit, Page, SuppressionKey};
use rally_domain::port::SuppressionStore;
use rally_domain::secret::AddressHash;
use rally_domain::suppression::{Suppression, SuppressionReason};

use crate::data::Data;
use crate::flaw::Flaw;
use crate::{MemoryStore, rejected};

#[async_trait]
impl SuppressionStore for MemoryStore {
    async fn suppress(&self, command: Suppress) -> Result<Suppression, CommandError<SuppressRejection>> {
        let (workspace_id, address, reason) = (command.workspace_id, command.address, command.reason);
        let look = |data: &Data| {
            let mut of_address = data.suppressions_of(workspace_id).filter(|row| row.address == address);
            of_address.find(|row| row.reason == reason || data.flaw.is(Flaw::SuppressionsOfOneReason)).cloned()
        };
        let early = self.read_early(Flaw::SuppressionsReadEarly, look).await;
        let work = |data: &mut Data| {
            let facts =
                SuppressFacts { workspace_exists: data.workspaces.contains_key(&workspace_id) || data.flaw.is(Flaw::SuppressionsOfNobody) };
            let suppression = command.clone().decide(facts).map_err(rejected)?;
            let there = early.unwrap_or_else(|| look(data)).filter(|_| !data.flaw.is(Flaw::SuppressedTwice));
            let replaces = data.flaw.is(Flaw::SuppressionsReplaced);
            data.suppressions.retain(|row| !(replaces && there.as_ref() == Some(row)));
            let there = there.filter(|_| !replaces);
            if there.is_none() {
                data.suppressions.push(data.flaw.suppressed(suppression.clone()));
            }
            let kept = there.unwrap_or(suppression);
            let new = if data.flaw.is(Flaw::RepetitionsAudited) { kept.id } else { command.id };
            Ok(data.audit(Suppress::kept(&command.actor, new, kept)))
        };
        self.write(work).await
    }

    async fn unsubscribe(&self, command: Unsubscribe) -> Result<(), CommandError<UnsubscribeRejection>> {
        let work = |data: &mut Data| {
            let home = data.home_of(command.entry_id, Flaw::UnsubscriptionsIgnoreLists).unwrap_or(command.waitlist_id);
            let plan = command.decide(data.entry_facts(home, command.entry_id)).map_err(rejected)?;
            let UnsubscribePlan { suppression, event } = plan;
            let of_address = data.suppressions_of(suppression.workspace_id).any(|row| row.address == suppression.address);
            if of_address && data.flaw.is(Flaw::SuppressedPeopleNotUnsubscribed) {
                return Ok(());
            }
            let is_new = data.add_suppression(suppression);
            if is_new || data.flaw.is(Flaw::UnsubscriptionsToldAgain) {
                data.tell(event);
            }
            Ok(())
        };
        self.write(work).await
    }

    async fn lift(&self, command: LiftSuppression) -> Result<bool, Fault> {
        let work = |data: &mut Data| {
            let of_others = data.suppressions.iter().filter(|_| data.flaw.is(Flaw::SuppressionsOfOthersLifted));
            let there = data.suppressions_of(command.workspace_id).chain(of_others).find(|row| row.id == command.id).cloned();
            data.audit(command.decide(there.as_ref())) && there.is_some_and(|there| data.lift(&there))
        };
        Ok(self.write(work).await)
    }

    async fn lift_reason(&self, workspace_id: WorkspaceId, address: AddressHash, reason: SuppressionReason) -> Result<bool, Fault> {
        let work = |data: &mut Data| {
            let there = data.suppressions_of(workspace_id).find(|row| row.address == address && row.reason == reason).cloned();
            there.is_some_and(|there| data.lift(&there))
        };
        Ok(self.write(work).await)
    }

    async fn find(&self, workspace_id: WorkspaceId, address: AddressHash) -> Result<Vec<Suppression>, Fault> {
        let look = |data: &Data| {
            let shared = data.suppressions.iter().filter(|_| data.flaw.is(Flaw::SuppressionsShared));
            let mut rows: Vec<Suppression> = data.suppressions_of(workspace_id).chain(shared).cloned().collect();
            rows.retain(|row| row.address == address);
            rows.sort_by_key(|row| Reverse((row.created_at, row.id)));
            if data.flaw.is(Flaw::OldestSuppressionsFirst) {
                rows.reverse();
            }
            rows
        };
        Ok(self.tell(Flaw::SuppressionsKept, (workspace_id, address), look))
    }

    async fn list(
        &self,
        workspace_id: WorkspaceId,
        after: Option<SuppressionKey>,
        limit: Limit,
    ) -> Result<Page<Suppression, SuppressionKey>, Fault> {
        let key = |row: &Suppression| SuppressionKey { created_at: row.created_at, id: row.id };
        let order = |key: SuppressionKey| Reverse((key.created_at, key.id));
        Ok(self.read(|data| {
            let of_others = data.suppressions.iter().filter(|row| row.workspace_id != workspace_id);
            let of_others = of_others.filter(|_| data.flaw.is(Flaw::SuppressionsOfOthersListed));
            let mut rows: Vec<Suppression> = data.suppressions_of(workspace_id).chain(of_others).cloned().collect();
            rows.sort_by_key(|row| order(key(row)));
            if data.flaw.is(Flaw::SuppressionsInOrderOfIds) {
                rows.sort_by_key(|row| Reverse(row.id));
            }
            let repeats = data.flaw.is(Flaw::PagesRepeatTheirKey);
            let follows = |row: &Suppression, after| order(key(row)) > order(after) || (repeats && key(row) == after);
            rows.retain(|row| after.is_none_or(|after| follows(row, after)));
            data.flaw.page(rows, limit, key)
        }))
    }
}

impl Data {
    /// The suppressions of a workspace. A deleted workspace has none, even before their purge.
    pub fn suppressions_of(&self, id: WorkspaceId) -> impl Iterator<Item = &Suppression> {
        let is_there = self.workspaces.contains_key(&id) || self.flaw.is(Flaw::SuppressionsOutliveWorkspaces);
        self.suppressions.iter().filter(move |row| row.workspace_id == id && is_there)
    }

    /// Adds a suppression that another change causes, unless the workspace has one of its address and reason. Returns whether it did.
    pub fn add_suppression(&mut self, new: Suppression) -> bool {
        let is_same = |row: &Suppression| (row.workspace_id, row.address, row.reason) == (new.workspace_id, new.address, new.reason);
        let adds = !self.suppressions.iter().any(is_same) || self.flaw.is(Flaw::OtherWaysSuppressTwice);
        self.suppressions.extend(Some(new).filter(|_| adds));
        adds
    }

    /// Lifts a suppression.
    fn lift(&mut self, there: &Suppression) -> bool {
        let flaw = self.flaw;
        let with_it = |row: &Suppression| {
            let is_alike = (row.address == there.address && flaw.is(Flaw::LiftsTakeOtherReasons))
                || (row.reason == there.reason && flaw.is(Flaw::LiftsTakeOtherAddresses));
            row.id == there.id || (row.workspace_id == there.workspace_id && is_alike)
        };
        self.suppressions.retain(|row| !with_it(row));
        true
    }
}
