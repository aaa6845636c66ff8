//! [`TemplateStore`] in memory.

use async_trait::async_trait;
use rally_domain::command::{DeleteTemplate, PutTemplate, PutTemplateFacts, TemplateRejection};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::WorkspaceId;
use rally_domain::locale::Locale;
use rally_domain::mail::{MailKind, MailTemplate};
use rally_domain::port::TemplateStore;

use crate::data::Data;
use crate::flaw::Flaw;
use crate::{MemoryStore, rejected};

#[async_trait]
impl TemplateStore for MemoryStore {
    async fn put(&self, command: PutTemplate) -> Result<MailTemplate, CommandError<TemplateRejection>> {
        let is_here = |row: &MailTemplate| is_at(row, command.workspace_id, command.kind, &command.locale);
        let look = |data: &Data| {
            let mine = |row: &&MailTemplate| row.workspace_id == command.workspace_id || data.flaw.is(Flaw::TemplatesOfOthersCount);
            let counts = |row: &&MailTemplate| !is_here(row) || data.flaw.is(Flaw::ReplacedTemplatesCount);
            data.templates.iter().filter(mine).filter(counts).count() as u64
        };
        let early = self.read_early(Flaw::TemplatesCountedEarly, look).await;
        let work = |data: &mut Data| {
            let others = early.unwrap_or_else(|| look(data));
            let others = if data.flaw.is(Flaw::TemplatesUnlimited) { 0 } else { others };
            let exists = data.workspaces.contains_key(&command.workspace_id) || data.flaw.is(Flaw::TemplatesOfNobody);
            let current = data.templates.iter().find(|row| is_here(row)).cloned();
            let audited = command.clone().decide(PutTemplateFacts { others: exists.then_some(others), current }).map_err(rejected)?;
            let template = data.audit(audited);
            let before = data.templates.iter().position(is_here).map(|index| data.templates.remove(index));
            data.templates.push(data.flaw.put(before, template.clone()));
            Ok(template)
        };
        self.write(work).await
    }

    async fn delete(&self, command: DeleteTemplate) -> Result<bool, Fault> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let is_gone = |row: &MailTemplate| {
                let workspace_id = if flaw.is(Flaw::DeletionsTakeTemplatesOfOthers) { row.workspace_id } else { command.workspace_id };
                let kind = if flaw.is(Flaw::DeletionsTakeOtherKinds) { row.kind } else { command.kind };
                let locale = if flaw.is(Flaw::DeletionsTakeOtherLocales) { &row.locale } else { &command.locale };
                is_at(row, workspace_id, kind, locale)
            };
            let current = data.templates.iter().find(|row| is_gone(row)).cloned();
            data.templates.retain(|row| !is_gone(row));
            data.audit(command.decide(current.as_ref()))
        };
        Ok(self.write(work).await)
    }

    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<MailTemplate>, Fault> {
        Ok(self.read(|data| data.templates_of(workspace_id)))
    }

    async fn of_kind(&self, workspace_id: WorkspaceId, kind: MailKind) -> Result<Vec<MailTemplate>, Fault> {
        let look = |data: &Data| {
            let mut rows = data.templates_of(workspace_id);
            rows.retain(|row| row.kind == kind || data.flaw.is(Flaw::KindsOfTemplatesMixed));
            rows
        };
        Ok(self.tell(Flaw::TemplatesKept, (workspace_id, kind), look))
    }
}

fn is_at(row: &MailTemplate, workspace_id: WorkspaceId, kind: MailKind, locale: &Locale) -> bool {
    row.workspace_id == workspace_id && row.kind == kind && row.locale == *locale
}

impl Data {
    /// The templates of a workspace, by kind and locale.
    fn templates_of(&self, id: WorkspaceId) -> Vec<MailTemplate> {
        let mine = |row: &&MailTemplate| row.workspace_id == id || self.flaw.is(Flaw::TemplatesShared);
        let mut rows: Vec<MailTemplate> = self.templates.iter().filter(mine).cloned().collect();
        match self.flaw {
            flaw if flaw.is(Flaw::TemplatesInOrderOfWriting) => {}
            flaw if flaw.is(Flaw::TemplatesByLocale) => rows.sort_by_key(|row| row.locale.clone()),
            flaw if flaw.is(Flaw::KindsInOrderOfTheirUse) => rows.sort_by_key(|row| (row.kind, row.locale.clone())),
            flaw if flaw.is(Flaw::LocalesSortedByLanguage) => {
                rows.sort_by_key(|row| (row.kind.as_str(), row.locale.as_str().to_lowercase().replace('-', "")));
            }
            _ => rows.sort_by_key(|row| (row.kind.as_str(), row.locale.clone())),
        }
        rows
    }
}
