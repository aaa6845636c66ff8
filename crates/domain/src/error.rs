//! The three kinds of failure: an invalid input, a rejection by a rule, and a fault.
//!
//! The first two are for the client. The third is for the operator, and its text never reaches a client.

use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error;

use time::Duration;

/// Why an input is not a value of a type: a short clause for the client, without the name of the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(Cow<'static, str>);

impl Invalid {
    /// Wraps a message in lower case without a full stop, such as `must be at most 200 characters`.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self(message.into())
    }

    /// Wraps a message that is known when the program is compiled.
    pub(crate) const fn fixed(message: &'static str) -> Self {
        Self(Cow::Borrowed(message))
    }
}

/// An [`Invalid`] with the path of its field, such as `metadata.company`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {message}")]
pub struct FieldError {
    /// The path of the field from the root of the document, with dots between keys.
    pub field: String,
    /// The mistake.
    pub message: Invalid,
}

impl FieldError {
    /// Names the field of an [`Invalid`].
    pub fn new(field: impl Into<String>, message: Invalid) -> Self {
        Self { field: field.into(), message }
    }
}

/// A failure of the store or a service, not of the request. Nothing was changed unless the port says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The store or service cannot be reached, or has no capacity now. The same call may succeed later.
    #[error("the service is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// A defect or corrupt data. The same call would fail again.
    #[error("an unexpected failure")]
    Unexpected(#[source] Box<dyn Error + Send + Sync>),
}

impl Fault {
    /// Wraps a cause that may pass by itself.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// Copies the fault for another call that waited for the same result.
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

/// How a call of an upstream failed. The upstream may have carried it out or not.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The upstream did not answer in time.
    #[error("{service} did not answer in time")]
    TimedOut {
        /// The name of the upstream.
        service: &'static str,
    },
    /// The upstream could not be reached, or its answer could not be used.
    #[error("{service} failed")]
    Failed {
        /// The name of the upstream.
        service: &'static str,
        /// How long the upstream asks Rally to wait.
        retry_after: Option<Duration>,
        /// The cause, for the log.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The upstream does not accept this deployment's key.
    #[error("{service} refuses the key of this server")]
    KeyRefused {
        /// The name of the upstream.
        service: &'static str,
    },
}

impl RemoteError {
    /// Wraps the cause of a failed call.
    pub fn failed(service: &'static str, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed { service, retry_after: None, cause: cause.into() }
    }

    /// Returns the name of the upstream.
    pub const fn service(&self) -> &'static str {
        match self {
            Self::TimedOut { service } | Self::Failed { service, .. } | Self::KeyRefused { service } => service,
        }
    }

    /// Returns how long the upstream asks Rally to wait.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Failed { retry_after, .. } => *retry_after,
            Self::TimedOut { .. } | Self::KeyRefused { .. } => None,
        }
    }
}

/// How a command failed: a rule refused it, or a fault stopped it.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<R: Error> {
    /// A rule of the domain refused the command. Nothing was changed.
    #[error(transparent)]
    Rejected(R),
    /// The command was not carried out. If an answer was lost, it may have been.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl<R: Error> CommandError<R> {
    /// Translates the rejection into one of another command. A fault stays as it is.
    pub fn map_rejection<S: Error>(self, translate: impl FnOnce(R) -> S) -> CommandError<S> {
        match self {
            Self::Rejected(rejection) => CommandError::Rejected(translate(rejection)),
            Self::Fault(fault) => CommandError::Fault(fault),
        }
    }
}

/// A command that no rule can refuse fails only with a fault.
impl From<CommandError<Infallible>> for Fault {
    fn from(error: CommandError<Infallible>) -> Self {
        match error {
            CommandError::Rejected(never) => match never {},
            CommandError::Fault(fault) => fault,
        }
    }
}
