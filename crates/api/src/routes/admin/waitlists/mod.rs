//! Waitlists on the admin surface.

pub mod change;
pub mod create;
pub mod export;
pub mod read;

use rally_domain::waitlist::Waitlist;
use rally_domain::workspace::Workspace;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::routes::schema::{SettingsSchema, StatusName};

/// A waitlist.
#[derive(Serialize, ToSchema)]
#[schema(as = Waitlist)]
pub struct WaitlistView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(format = Uuid)]
    workspace_id: String,
    #[schema(example = "acme")]
    workspace_slug: String,
    #[schema(example = "early-access")]
    slug: String,
    #[schema(example = "Early Access Program")]
    display_name: String,
    #[schema(required)]
    description: Option<String>,
    #[schema(value_type = StatusName)]
    status: &'static str,
    /// The settings, with defaults filled in.
    #[schema(value_type = SettingsSchema)]
    settings: Map<String, Value>,
    /// The `sub` of the token that created the waitlist.
    #[schema(required)]
    created_by: Option<String>,
    /// The slug that the workspace had before its last rename.
    #[schema(required)]
    previous_workspace_slug: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl WaitlistView {
    fn new(waitlist: &Waitlist, workspace: &Workspace) -> Self {
        Self {
            id: waitlist.id.to_string(),
            workspace_id: waitlist.workspace_id.to_string(),
            workspace_slug: workspace.slug.to_string(),
            slug: waitlist.slug.to_string(),
            display_name: waitlist.display_name.to_string(),
            description: waitlist.description.as_ref().map(ToString::to_string),
            status: waitlist.status.as_str(),
            settings: waitlist.settings.to_document(),
            created_by: waitlist.created_by.as_ref().map(ToString::to_string),
            previous_workspace_slug: workspace.previous_slug.as_ref().map(ToString::to_string),
            created_at: waitlist.created_at.to_string(),
            updated_at: waitlist.updated_at.to_string(),
        }
    }
}
