//! Inviting an approved entry, into an app or by the link of its list. For an app: check, call, record, in this order.
//!
//! Rally holds no lock or connection while it calls the service. If a step is lost, the client repeats the request. The same entry and app
//! get the same invitation.

use crate::actor::Actor;
use crate::command::{InviteMail, InviteRejection, Invited, RecordInvitation};
use crate::entry::EntryStatus;
use crate::error::{CommandError, Fault};
use crate::id::{EntryId, EventId, WorkspaceId};
use crate::invite::{Invite, InviteRequest, InvitedBy};
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

/// Invites an entry of a waitlist: into the app that the request or else the settings of the workspace name, or else by the list's link.
///
/// # Errors
/// If the entry does not exist or is not approved, there is neither an app nor a link, or the service does not invite the person. Then the
/// entry is unchanged.
pub async fn run(
    ports: &Ports,
    actor: &Actor,
    waitlist: &Waitlist,
    entry_id: EntryId,
    invitation: &Invitation,
) -> Result<Invited, CommandError<InviteRejection>> {
    let by = match app_slug(ports, waitlist.workspace_id, invitation).await? {
        Some(slug) => InvitedBy::App { invite: ask(ports, waitlist, entry_id, &slug).await?, slug },
        None => InvitedBy::Link,
    };
    let record = RecordInvitation {
        waitlist_id: waitlist.id,
        entry_id,
        by,
        mail: invitation.mail,
        actor: actor.clone(),
        event_id: EventId::new(ports.ids.uuid()),
        now: ports.clock.now(),
        links: ports.links.clone(),
    };
    ports.entries.record_invitation(record).await
}

/// Tells whether people of a list can be invited by a request that names no app: into the app of the workspace, or else by the list's link.
///
/// # Errors
/// If the store has a fault.
pub async fn is_possible(ports: &Ports, waitlist: &Waitlist) -> Result<bool, Fault> {
    let invitation = Invitation { app_slug: None, mail: InviteMail::Send };
    let app = app_slug(ports, waitlist.workspace_id, &invitation).await?;
    Ok(if app.is_some() { ports.inviter.is_some() } else { waitlist.settings.invite_url.is_some() })
}

/// Asks the service to invite the person into an app.
async fn ask(ports: &Ports, waitlist: &Waitlist, entry_id: EntryId, app_slug: &str) -> Result<Invite, CommandError<InviteRejection>> {
    let refuse = |rejection| CommandError::Rejected(rejection);
    let entry = ports.entries.find(waitlist.id, entry_id).await?.ok_or_else(|| refuse(InviteRejection::NoSuchEntry))?;
    if entry.status != EntryStatus::Approved {
        return Err(refuse(InviteRejection::NotApproved));
    }
    let inviter = ports.inviter.as_deref().ok_or_else(|| refuse(InviteRejection::NoService))?;
    let request = InviteRequest {
        workspace_id: waitlist.workspace_id,
        app_slug: app_slug.to_owned(),
        entry_id,
        email: entry.profile.email,
        name: entry.profile.name,
    };
    inviter.invite(request).await.map_err(|error| refuse(InviteRejection::Invite(error)))
}

async fn app_slug(ports: &Ports, workspace_id: WorkspaceId, invitation: &Invitation) -> Result<Option<String>, Fault> {
    match &invitation.app_slug {
        Some(named) => Ok(Some(named.clone())),
        None => Ok(ports.settings.get(workspace_id).await?.default_heimdall_app_slug),
    }
}
