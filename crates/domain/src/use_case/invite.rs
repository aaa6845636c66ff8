//! Inviting an approved entry into an app: check, call, record, in this order.
//!
//! Rally holds no lock or connection while it calls the service. If a step is lost, the client repeats the request. The same entry and app
//! get the same invitation.

use crate::actor::Actor;
use crate::command::{InviteMail, InviteRejection, RecordInvitation};
use crate::entry::{Entry, EntryStatus};
use crate::error::{CommandError, Fault};
use crate::id::{EntryId, WorkspaceId};
use crate::invite::{Invite, InviteRequest};
use crate::port::Ports;
use crate::waitlist::Waitlist;

/// How to invite an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The app. `None` means the app of the workspace's settings.
    pub app_slug: Option<String>,
    /// Whether Rally sends the link by mail.
    pub mail: InviteMail,
}

/// An entry that was invited.
#[derive(Debug, Clone, PartialEq)]
pub struct Invited {
    /// The entry, with its invitation recorded.
    pub entry: Entry,
    /// The invitation.
    pub invite: Invite,
}

/// Invites an entry of a waitlist.
///
/// # Errors
/// If the entry does not exist or is not approved, no app is named, or the service does not invite the person. Then the entry is unchanged.
pub async fn run(
    ports: &Ports,
    actor: &Actor,
    waitlist: &Waitlist,
    entry_id: EntryId,
    invitation: &Invitation,
) -> Result<Invited, CommandError<InviteRejection>> {
    let refuse = |rejection| CommandError::Rejected(rejection);
    let entry = ports.entries.find(waitlist.id, entry_id).await?.ok_or_else(|| refuse(InviteRejection::NoSuchEntry))?;
    let app_slug = app_slug(ports, waitlist.workspace_id, invitation).await?.ok_or_else(|| refuse(InviteRejection::NoLinkedApp))?;
    if entry.status != EntryStatus::Approved {
        return Err(refuse(InviteRejection::NotApproved));
    }
    let inviter = ports.inviter.as_deref().ok_or_else(|| Fault::unavailable("no Heimdall is configured on this server"))?;
    let request = InviteRequest {
        workspace_id: waitlist.workspace_id,
        app_slug: app_slug.clone(),
        entry_id,
        email: entry.profile.email.clone(),
        name: entry.profile.name.clone(),
    };
    let invite = inviter.invite(request).await.map_err(|error| refuse(InviteRejection::Invite(error)))?;
    let record = RecordInvitation {
        waitlist_id: waitlist.id,
        entry_id,
        app_slug,
        invite: invite.clone(),
        mail: invitation.mail,
        actor: actor.clone(),
        now: ports.clock.now(),
        links: ports.links.clone(),
    };
    let entry = ports.entries.record_invitation(record).await?;
    Ok(Invited { entry, invite })
}

async fn app_slug(ports: &Ports, workspace_id: WorkspaceId, invitation: &Invitation) -> Result<Option<String>, Fault> {
    match &invitation.app_slug {
        Some(named) => Ok(Some(named.clone())),
        None => Ok(ports.settings.get(workspace_id).await?.default_heimdall_app_slug),
    }
}
