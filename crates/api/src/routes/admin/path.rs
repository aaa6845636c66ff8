//! What paths of the admin surface name.

use rally_domain::id::{EntryId, WaitlistId};
use rally_domain::waitlist::Waitlist;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::app::App;
use crate::auth::Admin;
use crate::http::error::ApiError;

/// The workspace of a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes parameters that extractors read")]
pub struct WorkspaceParams {
    /// The workspace.
    workspace_id: Uuid,
}

/// The waitlist of a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct WaitlistParams {
    /// The workspace.
    #[param(value_type = Uuid)]
    #[expect(dead_code, reason = "what lets an admin in reads it")]
    workspace_id: String,
    /// The waitlist.
    #[param(value_type = Uuid)]
    pub id: String,
}

/// The waitlist of a path, as what belongs to it names it.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ListParams {
    /// The workspace.
    #[param(value_type = Uuid)]
    #[expect(dead_code, reason = "what lets an admin in reads it")]
    workspace_id: String,
    /// The waitlist.
    #[param(value_type = Uuid)]
    pub waitlist_id: String,
}

/// The entry of a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct EntryParams {
    /// The workspace.
    #[param(value_type = Uuid)]
    #[expect(dead_code, reason = "what lets an admin in reads it")]
    workspace_id: String,
    /// The waitlist.
    #[param(value_type = Uuid)]
    pub waitlist_id: String,
    /// The entry.
    #[param(value_type = Uuid)]
    pub entry_id: String,
}

/// What makes a request repeatable.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes a header that the handler reads")]
pub struct IdempotencyParams {
    /// The same request with the same key within 24 hours is carried out once, and answered with the same reply.
    #[param(rename = "Idempotency-Key", value_type = String, required = false, min_length = 1, max_length = 256, pattern = "^[A-Za-z0-9_:-]+$")]
    idempotency_key: Option<String>,
}

/// The waitlist of a path; an id that cannot exist is one that does not.
pub fn waitlist_id(text: &str) -> Result<WaitlistId, ApiError> {
    WaitlistId::parse(text).map_err(|_| ApiError::no_waitlist())
}

/// The waitlist of a path, which must be the workspace's.
pub async fn find_waitlist(app: &App, admin: &Admin, id: &str) -> Result<Waitlist, ApiError> {
    let id = waitlist_id(id)?;
    app.ports.waitlists.find(admin.workspace.id, id).await?.ok_or_else(ApiError::no_waitlist)
}

/// The entry of a path; an id that cannot exist is one that does not.
pub fn entry_id(text: &str) -> Result<EntryId, ApiError> {
    EntryId::parse(text).map_err(|_| ApiError::no_entry())
}
