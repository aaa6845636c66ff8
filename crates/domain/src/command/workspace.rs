//! Creating, renaming and deleting workspaces.

use crate::actor::Actor;
use crate::audit::{AuditAction, Audited, changes};
use crate::id::WorkspaceId;
use crate::slug::Slug;
use crate::text::WorkspaceName;
use crate::timestamp::Timestamp;
use crate::workspace::Workspace;

/// Creates a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateWorkspace {
    /// The id of the new workspace.
    pub id: WorkspaceId,
    /// Its name in URLs. If it is an old slug of another workspace, that workspace loses it.
    pub slug: Slug,
    /// The name that people see.
    pub name: WorkspaceName,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Gives a workspace another slug. The old slug keeps resolving until another workspace takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenameWorkspace {
    /// The current slug.
    pub from: Slug,
    /// The new slug.
    pub to: Slug,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Deletes a workspace and everything that it owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteWorkspace {
    /// The current slug.
    pub slug: Slug,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Why a workspace was not created or renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WorkspaceRejection {
    /// The workspace does not exist.
    #[error("there is no such workspace")]
    NoSuchWorkspace,
    /// Another workspace has the slug.
    #[error("another workspace has this slug")]
    SlugTaken,
}

/// The stored state that a new slug needs. The store keeps it locked until the workspace is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlugFacts {
    /// The workspace that has the slug now. A workspace that had it before does not count.
    pub owner: Option<WorkspaceId>,
}

impl CreateWorkspace {
    /// Returns the new workspace.
    ///
    /// # Errors
    /// If another workspace has the slug.
    pub fn decide(self, slug: SlugFacts) -> Result<Audited<Workspace>, WorkspaceRejection> {
        if slug.owner.is_some() {
            return Err(WorkspaceRejection::SlugTaken);
        }
        let (id, now) = (self.id, self.now);
        let workspace = Workspace { id, slug: self.slug, previous_slug: None, name: self.name, created_at: now, updated_at: now };
        let row = self.actor.audit(now, id, AuditAction::WorkspaceCreate, id, changes(None, Some(&workspace)));
        Ok(Audited::new(workspace, row))
    }
}

impl RenameWorkspace {
    /// Returns the renamed workspace.
    ///
    /// `current` is the workspace that has the slug `from` now. `to` tells which workspace has the slug `to`.
    ///
    /// # Errors
    /// If the workspace does not exist, or another workspace has the new slug.
    pub fn decide(&self, current: Option<Workspace>, to: SlugFacts) -> Result<Audited<Workspace>, WorkspaceRejection> {
        let current = current.ok_or(WorkspaceRejection::NoSuchWorkspace)?;
        if current.slug == self.to {
            return Ok(Audited::silent(current));
        }
        if to.owner.is_some_and(|owner| owner != current.id) {
            return Err(WorkspaceRejection::SlugTaken);
        }
        let previous_slug = Some(current.slug.clone());
        let renamed = Workspace { slug: self.to.clone(), previous_slug, updated_at: self.now, ..current.clone() };
        let changes = changes(Some(&current), Some(&renamed));
        let row = self.actor.audit(self.now, renamed.id, AuditAction::WorkspaceRename, renamed.id, changes);
        Ok(Audited::new(renamed, row))
    }
}

impl DeleteWorkspace {
    /// Returns the workspace to delete, from the one that has the slug now.
    pub fn decide(&self, current: Option<Workspace>) -> Audited<Option<Workspace>> {
        let changes = changes(current.as_ref(), None);
        let audit = |gone: &Workspace| self.actor.audit(self.now, gone.id, AuditAction::WorkspaceDelete, gone.id, changes);
        let row = current.as_ref().and_then(audit);
        Audited::new(current, row)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn create(id: u128, slug: &str) -> CreateWorkspace {
        CreateWorkspace {
            id: WorkspaceId::new(Uuid::from_u128(id)),
            slug: Slug::parse(slug).unwrap(),
            name: WorkspaceName::parse("Acme").unwrap(),
            actor: Actor::System,
            now: Timestamp::parse("2026-01-31T09:00:00Z").unwrap(),
        }
    }

    #[test]
    fn a_slug_belongs_to_one_workspace() {
        let free = SlugFacts { owner: None };
        let acme = create(1, "acme").decide(free).unwrap().plan;
        let taken = SlugFacts { owner: Some(acme.id) };
        assert_eq!(create(2, "acme").decide(taken), Err(WorkspaceRejection::SlugTaken));
        let beta = create(2, "beta").decide(free).unwrap().plan;
        let rename = |from: &str, to: &str| RenameWorkspace {
            from: Slug::parse(from).unwrap(),
            to: Slug::parse(to).unwrap(),
            actor: Actor::System,
            now: Timestamp::parse("2026-02-01T09:00:00Z").unwrap(),
        };
        assert_eq!(rename("beta", "acme").decide(Some(beta.clone()), taken), Err(WorkspaceRejection::SlugTaken));
        assert_eq!(rename("gone", "acme").decide(None, taken), Err(WorkspaceRejection::NoSuchWorkspace));
        // A rename to the current slug changes nothing.
        assert_eq!(rename("acme", "acme").decide(Some(acme.clone()), taken), Ok(Audited::silent(acme)));
        let (renamed, rows) = rename("beta", "gamma").decide(Some(beta), free).unwrap().into_parts();
        assert_eq!((renamed.slug.as_str(), renamed.previous_slug), ("gamma", Some(Slug::parse("beta").unwrap())));
        assert_eq!(rows[0].changes, serde_json::json!({"slug": ["beta", "gamma"]}).as_object().cloned().unwrap());
    }
}
