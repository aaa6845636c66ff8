//! Remote services, and the requests to them.

use std::net::IpAddr;

use async_trait::async_trait;

use crate::delivery::AttemptResult;
use crate::error::{Fault, Invalid, RemoteError};
use crate::id::{EventId, SenderDomainId, WorkspaceId};
use crate::invite::{Invite, InviteError, InviteRequest};
use crate::mail::{MailReport, Message};
use crate::timestamp::Timestamp;
use crate::webhook::{SigningKey, WebhookUrl};

/// A domain of a mail service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderDomain {
    /// Its fully qualified name in lower case.
    pub name: String,
    /// Whether mail may be sent from it now.
    pub state: DomainState,
}

/// Whether mail may be sent from a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DomainState {
    /// It may.
    Active,
    /// Its owner has not proved it yet, or failed to prove it.
    NotActive,
    /// It only receives mail.
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
    /// - It MUST distinguish a refusal from a failure that may pass, make one attempt only, and say in words what was not accepted:
    ///   `remote::a_refusal_is_told_from_what_may_pass`.
    /// - A service that answers over HTTP is judged by its status alone. 401 MUST be [`MailOutcome::KeyRefused`]. 408, 429, 3xx and 5xx
    ///   MUST be [`MailOutcome::Failed`], 429 with the wait that it asks for. Any other 4xx MUST be [`MailOutcome::Refused`] with it:
    ///   `remote::a_status_tells_what_is_refused_from_what_may_pass`.
    /// - It MUST refuse content of a form that it does not send, as [`MailOutcome::Refused`] with 400 and without asking anybody:
    ///   `remote::content_of_another_form_is_refused`.
    ///
    /// [`MailOutcome::KeyRefused`]: crate::mail::MailOutcome::KeyRefused
    /// [`MailOutcome::Failed`]: crate::mail::MailOutcome::Failed
    /// [`MailOutcome::Refused`]: crate::mail::MailOutcome::Refused
    ///
    /// # Errors
    /// If the attempt could not begin, because too many others are under way. It counts as none.
    async fn send(&self, message: &Message) -> Result<MailReport, Fault>;
}

/// Knows the domains and templates that a mail service keeps for a workspace.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SenderDirectory: Send + Sync {
    /// The domain with that id, if the workspace has it.
    ///
    /// - A domain that the service has MUST be found with its state, and no other one: `remote::domains_and_templates_are_found`.
    /// - It MUST NOT take longer than its deadline, nor believe an answer that is none of the service. A key that is refused MUST be
    ///   [`RemoteError::KeyRefused`]: `remote::a_directory_that_misbehaves_is_told`.
    async fn find_domain(&self, workspace_id: WorkspaceId, id: SenderDomainId) -> Result<Option<SenderDomain>, RemoteError>;

    /// Whether the workspace has a template of that name.
    ///
    /// - A text that can be no name MUST be none: `remote::domains_and_templates_are_found`.
    /// - It MUST keep the deadline, as [`find_domain`](SenderDirectory::find_domain): `remote::a_directory_that_misbehaves_is_told`.
    async fn has_template(&self, workspace_id: WorkspaceId, name: &str) -> Result<bool, RemoteError>;
}

/// Invites people into apps.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait AppInviter: Send + Sync {
    /// Invites a person into an app.
    ///
    /// - For one entry and one app it MUST return the same invitation each time, while the service remembers it:
    ///   `remote::one_entry_and_one_app_are_one_invitation`.
    /// - A URL of an invitation MUST be https: `remote::one_entry_and_one_app_are_one_invitation`.
    /// - An app that the workspace does not have, whatever its name, MUST be [`InviteError::UnknownApp`], and a person who is in the app
    ///   [`InviteError::AlreadyUser`]: `remote::an_unknown_app_and_a_user_are_told_apart`.
    /// - It MUST NOT take longer than its deadline, and then be [`RemoteError::TimedOut`]. Any other answer that is none of the service,
    ///   400 and 422 among them, MUST be [`RemoteError::Failed`], 429 with the wait that it asks for, and 401
    ///   [`RemoteError::KeyRefused`]: `remote::an_inviting_service_that_misbehaves_is_told`.
    async fn invite(&self, request: InviteRequest) -> Result<Invite, InviteError>;
}

/// Sends events to webhooks.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// Whether events may be sent to a URL. Its scheme must be allowed, and its address must be public or exempt. A name that cannot be
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
    /// The URL.
    pub url: WebhookUrl,
    /// The event's identity, the same on every attempt.
    pub id: EventId,
    /// The time of the attempt.
    pub timestamp: Timestamp,
    /// The keys to sign it with.
    pub keys: Vec<SigningKey>,
    /// The body.
    pub body: String,
}

/// Whether a domain takes mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailDomain {
    /// It has a mail server, or an address.
    Takes,
    /// It has neither, or says that it takes no mail (RFC 7505).
    TakesNone,
    /// Nobody can tell now.
    Unknown,
}

/// Knows whether domains take mail.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait MailDomains: Send + Sync {
    /// Whether a domain takes mail, as far as can be told within two seconds.
    ///
    /// - It MUST answer [`MailDomain::Unknown`] if it cannot tell by then. Not checked: there is one adapter, which has tests of its own.
    async fn find(&self, domain: &str) -> MailDomain;
}

/// The answer of a verifier about a captcha token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Humanity {
    /// Solved by a person, as far as the verifier can tell.
    Human,
    /// Not solved by a person, or not a token.
    NotHuman,
}

/// Distinguishes people from programs by the token that a captcha gave them.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait HumanCheck: Send + Sync {
    /// Checks a token that came from an address.
    ///
    /// - It MUST fault with [`Fault::Unavailable`] if the token cannot be checked now, and MUST NOT take longer than its deadline:
    ///   `remote::a_verifier_that_misbehaves_judges_nobody`.
    /// - A token that the verifier does not accept, or whose score is too low, MUST be [`Humanity::NotHuman`]. So MUST be a text that is
    ///   too long for a token, without asking anybody: `remote::people_are_told_from_programs`.
    async fn check(&self, token: &str, address: Option<IpAddr>) -> Result<Humanity, Fault>;
}
