//! The three natures of failure: a text that is not a value, a refusal by a rule, a fault of the machinery.
//!
//! The first two are for the person who asked. The third is for the operator: its text never reaches a client.

use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error;

use time::Duration;

/// Why an input is not a value of a type: a short clause a person can act on, without the field's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(Cow<'static, str>);

impl Invalid {
    /// Says what is wrong, lower case, no full stop: `must be at most 200 characters`.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self(message.into())
    }
}

/// An [`Invalid`] together with the path of the field that holds it, such as `metadata.company`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {message}")]
pub struct FieldError {
    /// Path of the field from the root of the document, dots between keys.
    pub field: String,
    /// What is wrong with it.
    pub message: Invalid,
}

impl FieldError {
    /// Names the field an [`Invalid`] belongs to.
    pub fn new(field: impl Into<String>, message: Invalid) -> Self {
        Self { field: field.into(), message }
    }
}

/// The machinery broke; no rule was involved, and nothing was changed unless the port says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The other side cannot be reached or has no capacity now; the same call may succeed later.
    #[error("the service is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// A defect or corrupt data: repeating the call would fail again.
    #[error("an unexpected failure")]
    Unexpected(#[source] Box<dyn Error + Send + Sync>),
}

impl Fault {
    /// Wraps a cause that may pass by itself.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// The same fault for another who waited for the same thing.
    #[must_use]
    pub fn again(&self) -> Self {
        match self {
            Self::Unavailable(cause) => Self::unavailable(cause.to_string()),
            Self::Unexpected(cause) => Self::unexpected(cause.to_string()),
        }
    }

    /// Wraps a cause that will not pass by itself.
    pub fn unexpected(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unexpected(cause.into())
    }
}

/// How a service that this one calls failed to do its part; nothing is known of what it did.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It did not answer in time.
    #[error("{service} did not answer in time")]
    TimedOut {
        /// Its name.
        service: &'static str,
    },
    /// It could not be reached, or answered with something nobody can use.
    #[error("{service} failed")]
    Failed {
        /// Its name.
        service: &'static str,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
        /// What happened, for the log.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// It does not accept the key that this deployment was given for it.
    #[error("{service} refuses the key of this server")]
    KeyRefused {
        /// Its name.
        service: &'static str,
    },
}

impl RemoteError {
    /// Says what happened.
    pub fn failed(service: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed { service, retry_after: None, cause: cause.into() }
    }

    /// The service's name.
    pub const fn service(&self) -> &'static str {
        match self {
            Self::TimedOut { service } | Self::Failed { service, .. } | Self::KeyRefused { service } => service,
        }
    }

    /// How long the service asks to be left alone.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Failed { retry_after, .. } => *retry_after,
            Self::TimedOut { .. } | Self::KeyRefused { .. } => None,
        }
    }
}

/// How a command failed: refused by a rule, or not carried out because something broke.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<R: Error> {
    /// A rule of the domain refused the command; nothing was changed.
    #[error(transparent)]
    Rejected(R),
    /// The command was not carried out, or, where an answer was lost, may have been.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl<R: Error> CommandError<R> {
    /// The refusal in another command's terms; a fault stays a fault.
    pub fn map_rejection<S: Error>(self, translate: impl FnOnce(R) -> S) -> CommandError<S> {
        match self {
            Self::Rejected(rejection) => CommandError::Rejected(translate(rejection)),
            Self::Fault(fault) => CommandError::Fault(fault),
        }
    }
}

/// A command that no rule can refuse fails with a fault alone.
impl From<CommandError<Infallible>> for Fault {
    fn from(error: CommandError<Infallible>) -> Self {
        match error {
            CommandError::Rejected(never) => match never {},
            CommandError::Fault(fault) => fault,
        }
    }
}
