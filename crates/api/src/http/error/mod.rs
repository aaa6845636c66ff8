//! The errors that clients get: one list of codes (`code`), one envelope (`envelope`), and the code of every rejection and fault
//! (`mapping`).

mod code;
mod envelope;
mod failures;
mod mapping;

use std::error::Error as StdError;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::ContentEncoding;
use rally_domain::error::{Fault, FieldError};
use time::Duration;

use crate::auth::Action;
use crate::http::standing::Standing;

pub use code::Code;
pub use envelope::{ErrorBody, tell_standings};
pub use failures::{AdminFailure, AnyFailure, BodyFailure, LinkFailure};

/// A failed request, before it is rendered in the envelope.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// The code, for programs.
    pub code: Code,
    /// The message, for people.
    pub message: String,
    /// All bad fields.
    pub errors: Vec<FieldError>,
    /// The action that the client lacks.
    pub action: Option<Action>,
    /// The methods that a route accepts, with [`Code::MethodNotAllowed`].
    pub allow: Option<String>,
    /// The content coding that a route accepts (RFC 9110, section 12.5.3), if the body had another.
    pub accept_encoding: Option<ContentEncoding>,
    /// The number of seconds after which the client may try again.
    pub retry_after: Option<u64>,
    /// The state of the client's rate limits.
    pub standings: Vec<Standing>,
}

impl ApiError {
    /// An error with only a code and a message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            errors: Vec::new(),
            action: None,
            allow: None,
            accept_encoding: None,
            retry_after: None,
            standings: Vec::new(),
        }
    }

    /// The error for a method that a path does not take. `allow` names those that it takes.
    pub fn wrong_method(allow: String) -> Self {
        let message = format!("this route takes {allow}");
        Self { allow: Some(allow), ..Self::new(Code::MethodNotAllowed, message) }
    }

    /// This server broke. The cause is logged, and the client learns only that something broke.
    pub fn broken(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Fault::unexpected(cause).into()
    }

    /// The error with a time after which the client may try again. It is rounded up to whole seconds, and to at least one, so that a client
    /// that waits as long as told has waited long enough.
    #[must_use]
    pub fn retry_in(self, wait: Duration) -> Self {
        let seconds = wait.whole_seconds() + i64::from(wait.subsec_nanoseconds() > 0);
        Self { retry_after: Some(seconds.max(1).unsigned_abs()), ..self }
    }

    /// The error for bad fields. It names all of them.
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let message = match errors.as_slice() {
            [only] => only.to_string(),
            several => format!("{} fields are invalid", several.len()),
        };
        Self { errors, ..Self::new(Code::ValidationFailed, message) }
    }

    /// There is no such waitlist.
    pub fn no_waitlist() -> Self {
        Self::new(Code::WaitlistNotFound, "this waitlist does not exist")
    }

    /// There is no such entry.
    pub fn no_entry() -> Self {
        Self::new(Code::EntryNotFound, "this entry does not exist")
    }

    /// There is no such variant.
    pub fn no_variant() -> Self {
        Self::new(Code::VariantNotFound, "this variant does not exist")
    }

    /// There is no such webhook.
    pub fn no_webhook() -> Self {
        Self::new(Code::WebhookNotFound, "this webhook does not exist")
    }

    /// The webhook has no delivery of this event.
    pub fn no_delivery() -> Self {
        Self::new(Code::DeliveryNotFound, "the webhook has no delivery of this event")
    }

    /// There is no template of this kind and locale.
    pub fn no_mail_template() -> Self {
        Self::new(Code::MailTemplateNotFound, "there is no template of this kind and locale")
    }

    /// No such sign-up waits for its confirmation.
    pub fn no_confirmation() -> Self {
        Self::new(Code::ConfirmationNotFound, "no such sign-up waits for a confirmation")
    }

    /// There is no such referral.
    pub fn no_referral() -> Self {
        Self::new(Code::ReferralNotFound, "this referral does not exist")
    }

    /// The waitlist has no such import.
    pub fn no_import() -> Self {
        Self::new(Code::ImportNotFound, "this import does not exist")
    }

    /// The workspace has no such API key.
    pub fn no_api_key() -> Self {
        Self::new(Code::ApiKeyNotFound, "this API key does not exist")
    }

    /// The workspace has no such suppression.
    pub fn no_suppression() -> Self {
        Self::new(Code::SuppressionNotFound, "this suppression does not exist")
    }

    /// The error for a status that the framework answers with.
    pub fn of_status(status: StatusCode) -> Self {
        let code = match status.as_u16() {
            404 => Code::NotFound,
            405 => Code::MethodNotAllowed,
            408 => Code::RequestTimeout,
            413 => Code::PayloadTooLarge,
            415 => Code::UnsupportedMediaType,
            429 => Code::TooManyRequests,
            503 => Code::ServiceUnavailable,
            400..=499 => Code::BadRequest,
            _ => Code::InternalError,
        };
        let message = match code {
            Code::NotFound => "there is no such route",
            Code::InternalError => "something broke; the log has it under this request id",
            _ => status.canonical_reason().unwrap_or("the request failed"),
        };
        Self::new(code, message.to_lowercase())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl StdError for ApiError {}
