//! Errors of SQLite in the domain's terms.

use std::error::Error;

use diesel::result::Error as QueryError;
use rally_domain::error::{CommandError, Fault};

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

pub(crate) fn query_fault(error: QueryError) -> Fault {
    const PASSING: [&str; 4] = ["database is locked", "database table is locked", "disk I/O error", "database or disk is full"];
    match &error {
        QueryError::DatabaseError(_, info) if PASSING.iter().any(|text| info.message().contains(text)) => Fault::unavailable(error),
        _ => Fault::unexpected(error),
    }
}
