//! Creating and renaming workspaces.

use crate::id::WorkspaceId;
use crate::slug::Slug;
use crate::text::WorkspaceName;
use crate::timestamp::Timestamp;
use crate::workspace::Workspace;

/// Creates a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateWorkspace {
    /// The new workspace's identity.
    pub id: WorkspaceId,
    /// Its name in URLs. Where it is an old slug of another workspace, it is that no longer.
    pub slug: Slug,
    /// What people call it.
    pub name: WorkspaceName,
    /// When.
    pub now: Timestamp,
}

/// Gives a workspace another slug; the old one goes on resolving until another workspace takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenameWorkspace {
    /// The slug it has now.
    pub from: Slug,
    /// The slug it is to have.
    pub to: Slug,
    /// When.
    pub now: Timestamp,
}

/// Why a workspace was not created or renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WorkspaceRejection {
    /// There is no such workspace.
    #[error("there is no such workspace")]
    NoSuchWorkspace,
    /// Another workspace has the slug.
    #[error("another workspace has this slug")]
    SlugTaken,
}

impl CreateWorkspace {
    /// The workspace to be. That the slug is free is for the store's unique key to say.
    pub fn decide(self) -> Workspace {
        Workspace { id: self.id, slug: self.slug, previous_slug: None, name: self.name, created_at: self.now, updated_at: self.now }
    }
}

impl RenameWorkspace {
    /// The workspace as it is to be, given the one that has the slug `from` now.
    ///
    /// # Errors
    /// When there is none.
    pub fn decide(&self, current: Option<Workspace>) -> Result<Workspace, WorkspaceRejection> {
        let current = current.ok_or(WorkspaceRejection::NoSuchWorkspace)?;
        if current.slug == self.to {
            return Ok(current);
        }
        Ok(Workspace { slug: self.to.clone(), previous_slug: Some(current.slug), updated_at: self.now, ..current })
    }
}
