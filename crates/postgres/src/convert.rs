//! How columns become domain types and back. The row of an aggregate is in the file of its statements.
//!
//! Text is used as stored, because it was parsed before it was written. Enumerations and documents are parsed. A row that cannot
//! be parsed is a fault.

use rally_domain::error::{Fault, Invalid};
use rally_domain::secret::NetworkHash;
use serde_json::{Map, Value};

/// Converts a count or a position, which never gets as large as the limit of the column.
pub(crate) fn to_bigint(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Converts a stored count or position. One below zero, which only damage makes, is none.
pub(crate) fn from_bigint(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The fault of a column whose value does not parse.
pub(crate) fn corrupt(what: &str) -> impl FnOnce(Invalid) -> Fault {
    let what = what.to_owned();
    move |error| Fault::unexpected(format!("stored {what} {error}"))
}

/// The document of a column.
pub(crate) fn object(value: Value) -> Result<Map<String, Value>, Fault> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(Fault::unexpected("a stored document is no object")),
    }
}

/// The hash of a network in a column.
pub(crate) fn network(bytes: Vec<u8>) -> Result<NetworkHash, Fault> {
    let bytes = bytes.try_into().map_err(|_| Fault::unexpected("a stored hash is not of 16 bytes"))?;
    Ok(NetworkHash::new(bytes))
}

/// The 32 bytes of a column.
pub(crate) fn digest(bytes: Vec<u8>) -> Result<[u8; 32], Fault> {
    bytes.try_into().map_err(|_| Fault::unexpected("a stored hash is not of 32 bytes"))
}
