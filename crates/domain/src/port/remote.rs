//! Services that are called, and what they are asked.

use std::net::IpAddr;

use async_trait::async_trait;

use crate::delivery::AttemptResult;
use crate::error::{Fault, Invalid, RemoteError};
use crate::id::{EventId, SenderDomainId, WorkspaceId};
use crate::invite::{Invite, InviteError, InviteRequest};
use crate::mail::{MailReport, Message};
use crate::timestamp::Timestamp;
use crate::webhook::{SigningKey, WebhookUrl};

/// A domain that mail may be sent from, as its service knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderDomain {
    /// Its fully qualified name, lower case.
    pub name: String,
    /// Whether mail may be sent from it now.
    pub state: DomainState,
}

/// Whether mail may be sent from a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainState {
    /// It may.
    Active,
    /// Its owner has not proved it yet, or failed to.
    NotActive,
    /// It receives mail alone.
    CannotSend,
}

/// Sends mail.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Makes one attempt.
    ///
    /// - It MUST give a mail the same identity on every attempt, and no other mail that identity:
    ///   `remote::a_mail_has_one_identity_on_every_attempt`.
    /// - If the service remembers identities, it MUST send a mail once, however often it is asked:
    ///   `remote::a_mail_is_sent_once_however_often_it_is_asked`.
    /// - It MUST NOT take longer than its deadline: `remote::a_mail_service_that_misbehaves_is_tried_later`.
    /// - It MUST tell what is refused for good from what may be taken later: `remote::a_refusal_is_told_from_what_may_pass`,
    ///   `remote::a_status_tells_what_is_refused_from_what_may_pass`.
    /// - It MUST refuse content of a form that it does not send: `remote::content_of_another_form_is_refused`.
    async fn send(&self, message: &Message) -> MailReport;
}

/// Knows what mail may be sent from and with: domains and templates that a mail service keeps for a workspace.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SenderDirectory: Send + Sync {
    /// The domain of that id, if the workspace has it.
    async fn find_domain(&self, workspace_id: WorkspaceId, id: SenderDomainId) -> Result<Option<SenderDomain>, RemoteError>;

    /// Whether the workspace has a template of that name.
    async fn has_template(&self, workspace_id: WorkspaceId, name: &str) -> Result<bool, RemoteError>;
}

/// Invites people into apps.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AppInviter: Send + Sync {
    /// Invites a person into an app.
    ///
    /// - However often it is asked for one entry and one app, it MUST give the same invitation while the service remembers it:
    ///   `remote::one_entry_and_one_app_are_one_invitation`.
    /// - It MUST NOT take longer than its deadline: `remote::an_inviting_service_that_misbehaves_is_told`.
    async fn invite(&self, request: InviteRequest) -> Result<Invite, InviteError>;
}

/// Sends events to webhooks.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Whether events may be sent there: over the scheme, and to an address that is public or exempt. A name that cannot be
    /// resolved now passes.
    async fn check(&self, url: &WebhookUrl) -> Result<(), Invalid>;

    /// Makes one attempt.
    ///
    /// - It MUST NOT follow redirects, reach an address that [`check`](WebhookSender::check) refuses, or take longer than its deadline.
    ///   Not checked: there is one sender, which has tests of its own.
    async fn send(&self, message: WebhookMessage) -> AttemptResult;
}

/// A message as it goes over the wire (Standard Webhooks 1.0).
#[derive(Debug, Clone)]
pub struct WebhookMessage {
    /// Where to.
    pub url: WebhookUrl,
    /// The event's identity, the same on every attempt.
    pub id: EventId,
    /// When the attempt is made.
    pub timestamp: Timestamp,
    /// The keys to sign it with.
    pub keys: Vec<SigningKey>,
    /// The body.
    pub body: String,
}

/// What a verifier says of a captcha token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Humanity {
    /// Solved by a person, as far as it can tell.
    Human,
    /// Not, or the token is not one.
    NotHuman,
}

/// Tells people from programs by the token a captcha gave them.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait HumanCheck: Send + Sync {
    /// Judges a token that came from an address.
    ///
    /// - It MUST fault with [`Fault::Unavailable`] when nobody can judge the token now, and MUST NOT take longer than its deadline:
    ///   `remote::a_verifier_that_misbehaves_judges_nobody`.
    async fn check(&self, token: &str, address: Option<IpAddr>) -> Result<Humanity, Fault>;
}
