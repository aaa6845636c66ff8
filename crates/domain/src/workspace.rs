//! Workspaces: the tenants of a deployment.

use crate::id::WorkspaceId;
use crate::slug::Slug;
use crate::text::WorkspaceName;
use crate::timestamp::Timestamp;

/// A workspace: it owns waitlists, settings, webhooks and keys, and sees nothing of any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its identity.
    pub id: WorkspaceId,
    /// Its name in public URLs, unique in the deployment.
    pub slug: Slug,
    /// The slug before its last rename; it goes on resolving until another workspace takes it.
    pub previous_slug: Option<Slug>,
    /// What people call it.
    pub name: WorkspaceName,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// How a workspace wants its waitlists to look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brand {
    /// The name of the brand.
    pub name: Option<String>,
    /// Where its logo is: an http or https URL.
    pub logo_url: Option<String>,
    /// Its colour, `#RRGGBB`.
    pub primary_color: Option<String>,
}
