//! The failure of a command.

use rally_domain::error::{CommandError, Fault};

use crate::boot::config::ConfigError;
use crate::chain::chain;

/// Why a command failed, in one line.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Refused(String),
    #[error("{}", chain(.0))]
    Fault(#[from] Fault),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// The failure of a command of the domain.
pub(super) fn refused<R: std::error::Error>(error: CommandError<R>) -> Failure {
    match error {
        CommandError::Rejected(rejection) => Failure::Refused(rejection.to_string()),
        CommandError::Fault(fault) => Failure::Fault(fault),
    }
}
