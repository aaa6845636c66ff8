//! Invitations into an app: what is asked of the service that makes them, and what comes back.

use crate::email::Email;
use crate::error::RemoteError;
use crate::id::{EntryId, WorkspaceId};
use crate::text::PersonName;

/// Asks for one invitation of one person into one app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteRequest {
    /// The workspace whose app it is.
    pub workspace_id: WorkspaceId,
    /// The app's name in URLs.
    pub app_slug: String,
    /// The person, for whom there is one invitation into an app.
    pub entry_id: EntryId,
    /// The person's address.
    pub email: Email,
    /// The person's name.
    pub name: PersonName,
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// Its identity, in the words of the service that made it.
    pub id: String,
    /// Where the person accepts it, if there is such a place.
    pub url: Option<String>,
}

/// Why nobody was invited.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// The workspace has no app of that name.
    #[error("there is no such app in this workspace")]
    UnknownApp,
    /// The person is in the app already.
    #[error("somebody with this e-mail address is in the app already")]
    AlreadyUser,
    /// The service did not do its part.
    #[error(transparent)]
    Remote(#[from] RemoteError),
}
