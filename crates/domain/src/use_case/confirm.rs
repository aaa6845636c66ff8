//! Confirming an address, refusing it, and asking for mails that anybody may ask for.

use std::net::IpAddr;

use time::Duration;

use crate::actor::Actor;
use crate::command::{DeleteRequest, Refuse, RequestMail, RequestMailRejection, Resend, ResendRejection, SignUp, SignUpRejection, Wish};
use crate::confirmation::{KeptRequest, RequestEnded, RequestState};
use crate::email::Email;
use crate::entry::Entry;
use crate::error::{CommandError, Fault, FieldError, Invalid};
use crate::id::{MailId, RequestId, SuppressionId, WaitlistId, WorkspaceId};
use crate::mail::MailSetup;
use crate::port::Ports;
use crate::secret::{Token, TokenUse};
use crate::settings::{Confirmation, Settings};
use crate::slug::Slug;
use crate::use_case::join;
use crate::waitlist::Waitlist;

/// Lets a sign-up wait for its confirmation. The result tells nothing of the address.
///
/// # Errors
/// If a rule refuses the sign-up. Then nothing was stored.
pub async fn request(
    ports: &Ports,
    waitlist: &Waitlist,
    join: join::Join,
    ttl: Duration,
) -> Result<(), CommandError<RequestMailRejection>> {
    let (client, proof, network) = (join.address, join.proof, join::network(ports, waitlist, &join));
    let wish = Wish::SignUp {
        id: RequestId::new(ports.ids.uuid()),
        profile: join.profile.into(),
        friends_code: join.friends_code,
        variant_id: join.variant_id,
        network,
        ttl,
    };
    ports.confirmations.request_mail(RequestMail { proof, ..command(ports, waitlist, wish, client) }).await
}

/// Sends a person their own link, if the address is on the list. The result tells nothing of the address.
///
/// # Errors
/// If the store has a fault.
pub async fn send_link(ports: &Ports, waitlist: &Waitlist, email: Email, client: Option<IpAddr>) -> Result<(), Fault> {
    match ports.confirmations.request_mail(command(ports, waitlist, Wish::Link { email }, client)).await {
        // A wish for a link is refused only if the list was deleted just now.
        Ok(()) | Err(CommandError::Rejected(_)) => Ok(()),
        Err(CommandError::Fault(fault)) => Err(fault),
    }
}

fn command(ports: &Ports, waitlist: &Waitlist, wish: Wish, client: Option<IpAddr>) -> RequestMail {
    let email = match &wish {
        Wish::SignUp { profile, .. } => &profile.email,
        Wish::Link { email } => email,
    };
    RequestMail {
        waitlist_id: waitlist.id,
        link_mail_id: MailId::new(ports.ids.uuid()),
        // What counts and locks mail to a mailbox is the same for all of its addresses, if the list takes it once.
        address: ports.links.secret().hash_address(&waitlist.settings.addresses.known_by(email)),
        wish,
        proof: None,
        client,
        actor: Actor::Visitor,
        now: ports.clock.now(),
        links: ports.links.clone(),
    }
}

/// Returns the request whose confirmation a token allows.
///
/// # Errors
/// If there is none, or its time is over.
pub async fn find(ports: &Ports, token: &str) -> Result<KeptRequest, CommandError<RequestEnded>> {
    let kept = find_kept(ports, token).await?;
    if kept.is_over(ports.clock.now()) { Err(CommandError::Rejected(RequestEnded::Expired)) } else { Ok(kept) }
}

/// Returns the request whose confirmation a token allows or allowed, as long as it is kept.
///
/// # Errors
/// If there is none, or its person is on the list no more.
pub async fn find_kept(ports: &Ports, token: &str) -> Result<KeptRequest, CommandError<RequestEnded>> {
    let unknown = || CommandError::Rejected(RequestEnded::NoSuchRequest);
    let token = Token::parse(token).map_err(|_| unknown())?;
    if !ports.links.secret().allows(&token, TokenUse::Confirm, 0) {
        return Err(unknown());
    }
    let kept = ports.confirmations.find(RequestId::new(token.id())).await?.ok_or_else(unknown)?;
    // Whoever confirmed may have left since. Nothing tells of them then.
    if let RequestState::Confirmed(id) = kept.state {
        ports.entries.find_by_id(id).await?.ok_or_else(unknown)?;
    }
    Ok(kept)
}

/// An entry, and whether it was made just now.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfirmedEntry {
    /// The entry.
    pub entry: Entry,
    /// Whether this confirmation made it. It did not, if the request was confirmed before.
    pub is_new: bool,
}

/// Puts the person of a request on the list. Confirming it again returns the same entry, until that gets another link: whoever has only
/// the mail of the confirmation is not to learn the new one, and is told that it was confirmed.
///
/// # Errors
/// If the request was refused, its link has ended, the entry has another link by now, or a rule of sign-ups refuses it. Then the request
/// goes on waiting.
pub async fn confirm(ports: &Ports, actor: Actor, kept: KeptRequest) -> Result<ConfirmedEntry, CommandError<SignUpRejection>> {
    let request = match kept.state {
        RequestState::Waiting(request) => *request,
        RequestState::Confirmed(_) | RequestState::Refused => {
            let ended = kept.waiting(ports.clock.now()).err().unwrap_or(RequestEnded::NoSuchRequest);
            return confirmed_before(ports, &actor, ended).await;
        }
    };
    let command = SignUp {
        friends_code: request.friends_code,
        variant_id: request.variant_id,
        confirms: Some(request.id),
        network: request.network,
        disposable: ports.disposable.has(&request.profile.email),
        actor: actor.clone(),
        ..SignUp::new(request.waitlist_id, request.profile, ports.links.clone(), &*ports.clock, &*ports.ids)
    };
    match join::sign_up(ports, command).await {
        Ok(entry) => Ok(ConfirmedEntry { entry, is_new: true }),
        Err(CommandError::Rejected(SignUpRejection::Ended(ended))) => confirmed_before(ports, &actor, ended).await,
        Err(error) => Err(error),
    }
}

async fn confirmed_before(ports: &Ports, actor: &Actor, ended: RequestEnded) -> Result<ConfirmedEntry, CommandError<SignUpRejection>> {
    let refuse = |ended| CommandError::Rejected(SignUpRejection::Ended(ended));
    let RequestEnded::Confirmed(id) = ended else { return Err(refuse(ended)) };
    // The person may have left since.
    let entry = ports.entries.find_by_id(id).await?.ok_or_else(|| refuse(RequestEnded::NoSuchRequest))?;
    if *actor == Actor::Visitor && entry.link_generation > 0 {
        return Err(refuse(RequestEnded::Confirmed(id)));
    }
    Ok(ConfirmedEntry { entry, is_new: false })
}

/// Refuses a sign-up that was not the reader's own. Refusing it again changes nothing.
///
/// # Errors
/// If it was confirmed, or there is no such request any more.
pub async fn refuse(ports: &Ports, id: RequestId) -> Result<(), CommandError<RequestEnded>> {
    let command = Refuse {
        id,
        suppression_id: SuppressionId::new(ports.ids.uuid()),
        actor: Actor::Visitor,
        now: ports.clock.now(),
        links: ports.links.clone(),
    };
    ports.confirmations.refuse(command).await
}

/// Sends the mail of a request once more, for an admin.
///
/// # Errors
/// If the list has no such request that waits, or the workspace sends no such mail.
pub async fn resend(ports: &Ports, actor: Actor, waitlist_id: WaitlistId, id: RequestId) -> Result<(), CommandError<ResendRejection>> {
    let command = Resend { waitlist_id, id, actor, now: ports.clock.now(), links: ports.links.clone() };
    ports.confirmations.resend(command).await
}

/// Deletes a request that waits, for an admin. Returns whether the list had it.
///
/// # Errors
/// If the store has a fault.
pub async fn delete(ports: &Ports, actor: Actor, waitlist_id: WaitlistId, id: RequestId) -> Result<bool, Fault> {
    ports.confirmations.delete(DeleteRequest { waitlist_id, id, actor, now: ports.clock.now() }).await
}

/// Checks that the settings of a list ask for confirmations only if the workspace sends the mail for it.
///
/// # Errors
/// If they do, and it does not.
pub async fn check_settings(
    ports: &Ports,
    workspace_id: WorkspaceId,
    workspace_slug: &Slug,
    settings: &Settings,
) -> Result<(), CommandError<FieldError>> {
    if settings.email_confirmation == Confirmation::Off {
        return Ok(());
    }
    let workspace = ports.settings.get(workspace_id).await?;
    if MailSetup::of(&workspace, workspace_slug).is_some_and(|setup| setup.can_confirm()) {
        return Ok(());
    }
    let reason = "cannot be on: this workspace sends no mail that asks for a confirmation (see the workspace's notifications)";
    Err(CommandError::Rejected(FieldError::new("settings.email_confirmation", Invalid::new(reason))))
}
