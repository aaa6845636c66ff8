//! How columns become domain types and back. The row of an aggregate is in the file of its statements. Ids are 16 bytes, instants
//! are milliseconds since 1970, and documents are JSON text.
//!
//! Text is used as stored, because it was parsed before it was written. Enumerations and documents are parsed. A row that cannot
//! be parsed is a fault.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Binary;
use diesel::sqlite::{Sqlite, SqliteValue};
use rally_domain::error::{Fault, Invalid};
use rally_domain::secret::NetworkHash;
use rally_domain::timestamp::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

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
pub(crate) fn object(text: &str) -> Result<Map<String, Value>, Fault> {
    serde_json::from_str(text).map_err(Fault::unexpected)
}

/// The instant of a column.
pub(crate) fn instant(millis: i64) -> Result<Timestamp, Fault> {
    Timestamp::from_unix_millis(millis).map_err(corrupt("instant"))
}

/// A UUID as 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub(crate) struct Blob(pub(crate) Uuid);

impl From<Uuid> for Blob {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl ToSql<Binary, Sqlite> for Blob {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().to_vec());
        Ok(IsNull::No)
    }
}

impl FromSql<Binary, Sqlite> for Blob {
    fn from_sql(bytes: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(bytes)?;
        Ok(Self(Uuid::from_slice(&bytes)?))
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
