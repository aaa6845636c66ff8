//! Errors of the database in the domain's terms.

use std::error::Error;

use diesel::result::{DatabaseErrorKind, Error as QueryError};
use rally_domain::error::{CommandError, Fault};

/// What the server says when a statement waited too long for a lock.
pub(crate) const LOCKED_OUT: &str = "canceling statement due to lock timeout";

/// Why a transaction was rolled back.
#[derive(Debug)]
pub(crate) enum Abort<R> {
    /// A rule refused the command.
    Rejected(R),
    /// The database refused a statement.
    Query(QueryError),
    /// A row could not be read.
    Fault(Fault),
}

impl<R> From<QueryError> for Abort<R> {
    fn from(error: QueryError) -> Self {
        Self::Query(error)
    }
}

impl<R> From<Fault> for Abort<R> {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<R: Error> From<Abort<R>> for CommandError<R> {
    fn from(abort: Abort<R>) -> Self {
        match abort {
            Abort::Rejected(rejection) => Self::Rejected(rejection),
            Abort::Query(error) => Self::Fault(query_fault(error)),
            Abort::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl<R> Abort<R> {
    /// Whether a statement waited too long for a lock (SQLSTATE 55P03, which diesel has no kind for).
    pub(crate) fn is_locked_out(&self) -> bool {
        matches!(self, Self::Query(QueryError::DatabaseError(_, info)) if info.message() == LOCKED_OUT)
    }

    /// Whether the server takes no writes (SQLSTATE 25006): another one has taken its place, and the connection leads to the wrong one.
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self, Self::Query(QueryError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _)))
    }

    /// Whether the transaction lost against another one and may succeed if it is run again.
    pub(crate) fn asks_to_retry(&self) -> bool {
        match self {
            Self::Query(QueryError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
            // The facts did not include a row that another transaction has written in the meantime. In the next run they do.
            Self::Query(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => true,
            // Diesel has no kind for a deadlock.
            Self::Query(QueryError::DatabaseError(_, info)) => info.message() == "deadlock detected",
            Self::Query(_) | Self::Rejected(_) | Self::Fault(_) => false,
        }
    }
}

pub(crate) fn query_fault(error: QueryError) -> Fault {
    if passes(&error) { Fault::unavailable(error) } else { Fault::unexpected(error) }
}

/// Whether the fault is temporary: its cause is the connection, the server's state or its load, not the statement.
fn passes(error: &QueryError) -> bool {
    const PASSING: [&str; 12] = [
        "connection closed",
        "error communicating with the server",
        "terminating connection",
        "the database system is",
        "canceling statement",
        "deadlock detected",
        "too many clients",
        "remaining connection slots",
        "No space left on device",
        "could not extend file",
        // of PgBouncer
        "server conn crashed",
        "server closed the connection",
    ];
    match error {
        QueryError::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
        | QueryError::DatabaseError(DatabaseErrorKind::UnableToSendCommand, _)
        | QueryError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)
        | QueryError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _)
        | QueryError::BrokenTransactionManager => true,
        QueryError::DatabaseError(_, info) => PASSING.iter().any(|text| info.message().contains(text)),
        _ => false,
    }
}
