//! [`AuditLog`] in memory.

use async_trait::async_trait;
use rally_domain::audit::{AuditFilter, AuditRecord, AuditRow, Audited};
use rally_domain::command::MintToken;
use rally_domain::error::Fault;
use rally_domain::id::{AuditId, WorkspaceId};
use rally_domain::paging::{AuditKey, Limit, Page};
use rally_domain::port::AuditLog;
use rally_domain::timestamp::Timestamp;
use rally_domain::uuid::Uuid;

use crate::MemoryStore;
use crate::data::Data;
use crate::flaw::Flaw;

#[async_trait]
impl AuditLog for MemoryStore {
    async fn note_token(&self, command: MintToken) -> Result<(), Fault> {
        let work = |data: &mut Data| {
            if !data.flaw.is(Flaw::TokensNotNoted) {
                data.audit(command.decide());
            }
        };
        self.write(work).await;
        Ok(())
    }

    async fn list(
        &self,
        workspace_id: Option<WorkspaceId>,
        filter: AuditFilter,
        after: Option<AuditKey>,
        limit: Limit,
    ) -> Result<Page<AuditRecord, AuditKey>, Fault> {
        let flaw = self.read(|data| data.flaw);
        let order = |key: AuditKey| std::cmp::Reverse((key.at, key.id));
        let fits = |wanted: Option<&String>, id: Option<&String>| wanted.is_none_or(|wanted| Some(wanted) == id);
        let mut rows: Vec<AuditRecord> = self.read(|data| data.audit.clone());
        rows.sort_by_key(|record| order(record.key()));
        if flaw.is(Flaw::OldestRowsFirst) {
            rows.reverse();
        }
        rows.retain(|record| after.is_none_or(|after| order(record.key()) > order(after)));
        rows.retain(|AuditRecord { row, .. }| {
            (row.workspace_id == workspace_id || flaw.is(Flaw::RowsOfEveryWorkspace))
                && (fits(filter.target.as_ref(), row.target_id.as_ref()) || flaw.is(Flaw::TargetsNotFiltered))
                && (fits(filter.actor.as_ref(), row.actor.id.as_ref()) || flaw.is(Flaw::ActorsNotFiltered))
                && (filter.action.is_none_or(|action| row.action == action.as_str()) || flaw.is(Flaw::ActionsNotFiltered))
        });
        Ok(flaw.page(rows, limit, AuditRecord::key))
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let work = |data: &mut Data| {
            let (flaw, number) = (data.flaw, data.audit.len());
            let mut left = flaw.prunes(most);
            data.audit.retain(|record| {
                let goes = (record.row.at < before || flaw.is(Flaw::YoungRowsPruned)) && left > 0;
                left -= usize::from(goes);
                !goes
            });
            (number - data.audit.len()) as u64
        };
        Ok(self.write(work).await)
    }
}

impl Data {
    /// Writes the rows of a command, and returns its plan.
    pub fn audit<T>(&mut self, audited: Audited<T>) -> T {
        let (plan, rows) = audited.into_parts();
        let most = self.flaw.at_most(Flaw::OneRowForMany, 1);
        rows.into_iter().take(most).for_each(|row| self.note(Some(row)));
        plan
    }

    /// Writes a row.
    pub fn note(&mut self, row: Option<AuditRow>) {
        let Some(row) = row.filter(|row| !self.flaw.loses(row)) else { return };
        let last = self.audit.last().map_or(0, |record| record.id.uuid().as_u128());
        self.audit.push(AuditRecord { id: AuditId::new(Uuid::from_u128(last + 1)), row: self.flaw.noted(row) });
    }
}
