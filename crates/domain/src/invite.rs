//! Invitations into an app: the request to the service that creates them, and its answer.

use crate::email::Email;
use crate::error::RemoteError;
use crate::id::{EntryId, WorkspaceId};
use crate::text::PersonName;

/// A request to invite one person into one app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteRequest {
    /// The workspace of the app.
    pub workspace_id: WorkspaceId,
    /// The app's name in URLs.
    pub app_slug: String,
    /// The entry of the person. An entry gets one invitation into an app.
    pub entry_id: EntryId,
    /// The person's address.
    pub email: Email,
    /// The person's name.
    pub name: PersonName,
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// The id of the invitation, as the service writes it.
    pub id: String,
    /// The URL where the person accepts it, if there is one.
    pub url: Option<String>,
}

/// Why a person was not invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// The workspace has no app of that name.
    #[error("there is no such app in this workspace")]
    UnknownApp,
    /// The person has access to the app already.
    #[error("somebody with this e-mail address is in the app already")]
    AlreadyUser,
    /// The service failed.
    #[error(transparent)]
    Remote(#[from] RemoteError),
}
