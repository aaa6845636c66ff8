//! [`WorkspaceStore`] in memory.

use async_trait::async_trait;
use rally_domain::command::{CreateWorkspace, DeleteWorkspace, RenameWorkspace, SlugFacts, WorkspaceRejection};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::WorkspaceId;
use rally_domain::port::WorkspaceStore;
use rally_domain::slug::Slug;
use rally_domain::workspace::Workspace;

use crate::data::Data;
use crate::flaw::Flaw;
use crate::purges::Purge;
use crate::{MemoryStore, rejected};

#[async_trait]
impl WorkspaceStore for MemoryStore {
    async fn create(&self, command: CreateWorkspace) -> Result<Workspace, CommandError<WorkspaceRejection>> {
        let early = self.read_early(Flaw::SlugsReadEarly, |data| data.slug_facts(&command.slug)).await;
        let work = |data: &mut Data| {
            let facts = early.unwrap_or_else(|| data.slug_facts(&command.slug));
            let workspace = data.audit(command.decide(facts).map_err(rejected)?);
            data.take_slug(&workspace.slug);
            data.workspaces.insert(workspace.id, data.flaw.created(workspace.clone()));
            Ok(workspace)
        };
        self.write(work).await
    }

    async fn rename(&self, command: RenameWorkspace) -> Result<Workspace, CommandError<WorkspaceRejection>> {
        let work = |data: &mut Data| {
            let (current, facts) = (data.named(&command.from, Flaw::OldSlugsRename).cloned(), data.slug_facts(&command.to));
            let renamed = data.audit(command.decide(current.clone(), facts).map_err(rejected)?);
            if current.as_ref() != Some(&renamed) {
                data.take_slug(&renamed.slug);
                if !data.flaw.is(Flaw::OldSlugsForgotten) {
                    data.retired.insert(command.from.clone(), renamed.id);
                }
                let forgets = data.flaw.is(Flaw::RenamesForgetTheirTime);
                let updated_at = current.filter(|_| forgets).map_or(renamed.updated_at, |current| current.updated_at);
                data.workspaces.insert(renamed.id, Workspace { updated_at, ..renamed.clone() });
            }
            Ok(renamed)
        };
        self.write(work).await
    }

    async fn delete(&self, command: DeleteWorkspace) -> Result<bool, Fault> {
        let work = |data: &mut Data| {
            let audited = command.decide(data.named(&command.slug, Flaw::OldSlugsDelete).cloned());
            let Some(Workspace { id, .. }) = data.audit(audited) else { return Ok(false) };
            let lists = data.lists.values().map(|list| &list.waitlist);
            let lists: Vec<_> = lists.filter(|list| list.workspace_id == id).map(|list| list.id).collect();
            lists.into_iter().for_each(|list| data.bury_list(list));
            let hooks = data.webhooks.values().map(|hook| &hook.webhook);
            let hooks: Vec<_> = hooks.filter(|hook| hook.workspace_id == id).map(|hook| hook.id).collect();
            if !data.flaw.is(Flaw::DeletedWorkspacesKeepWebhooks) {
                hooks.into_iter().for_each(|hook| data.bury_webhook(hook));
            }
            if !data.flaw.is(Flaw::DeletedWorkspacesKeepSettings) {
                data.settings.remove(&id);
            }
            if !data.flaw.is(Flaw::DeletedWorkspacesKeepKeys) {
                data.api_keys.retain(|key| key.workspace_id != id);
            }
            if !data.flaw.is(Flaw::DeletedWorkspacesKeepSessions) {
                data.sessions.retain(|_, session| session.workspace_id != Some(id));
            }
            if !data.flaw.is(Flaw::DeletedWorkspacesKeepLinks) {
                data.sign_in_links.retain(|_, link| link.workspace_id != Some(id));
            }
            if !data.flaw.is(Flaw::DeletedWorkspacesKeepReplies) {
                data.replies.retain(|scope, _| scope.workspace_id != id);
            }
            if !data.flaw.is(Flaw::DeletedWorkspacesKeepTemplates) {
                data.templates.retain(|template| template.workspace_id != id);
            }
            data.retired.retain(|_, owner| *owner != id);
            data.workspaces.remove(&id);
            if data.flaw.is(Flaw::RowsGoWithTheirWorkspace) {
                data.audit.retain(|record| record.row.workspace_id != Some(id));
            }
            data.purges.push(Purge::Workspace(id));
            Ok(true)
        };
        self.write(work).await
    }

    async fn find(&self, id: WorkspaceId) -> Result<Option<Workspace>, Fault> {
        Ok(self.read(|data| data.workspaces.get(&id).cloned()))
    }

    async fn find_by_slug(&self, slug: &Slug) -> Result<Option<Workspace>, Fault> {
        Ok(self.read(|data| data.named(slug, Flaw::OldSlugsAreCurrent).cloned()))
    }

    async fn list(&self) -> Result<Vec<Workspace>, Fault> {
        let mut all: Vec<Workspace> = self.read(|data| data.workspaces.values().cloned().collect());
        if !self.read(|data| data.flaw.is(Flaw::WorkspacesInOrderOfCreation)) {
            all.sort_by(|one, other| one.slug.cmp(&other.slug));
        }
        if self.read(|data| data.flaw.is(Flaw::SlugsSortedByLanguage)) {
            all.sort_by_key(|workspace| workspace.slug.to_string().replace('-', ""));
        }
        all.truncate(self.read(|data| data.flaw.at_most(Flaw::FirstPageOfWorkspaces, 100)));
        Ok(all)
    }
}

impl Data {
    /// The workspace that has a slug now.
    fn by_slug(&self, slug: &Slug) -> Option<&Workspace> {
        self.workspaces.values().find(|workspace| workspace.slug == *slug)
    }

    /// The workspace that has a slug now. With a flaw, also one that had it.
    fn named(&self, slug: &Slug, flaw: Flaw) -> Option<&Workspace> {
        if self.flaw.is(flaw) { self.resolve(slug) } else { self.by_slug(slug) }
    }

    /// The workspace that has a slug, or else the one that had it last.
    pub fn resolve(&self, slug: &Slug) -> Option<&Workspace> {
        self.by_slug(slug).or_else(|| self.workspaces.get(self.retired.get(slug)?))
    }

    fn slug_facts(&self, slug: &Slug) -> SlugFacts {
        let owner = if self.flaw.is(Flaw::OldSlugsCountAsTaken) { self.resolve(slug) } else { self.by_slug(slug) };
        SlugFacts { owner: owner.map(|workspace| workspace.id) }
    }

    /// Removes a slug from the old slugs.
    fn take_slug(&mut self, slug: &Slug) {
        if !self.flaw.is(Flaw::OldSlugsNotTakenOver) {
            self.retired.remove(slug);
        }
    }
}
