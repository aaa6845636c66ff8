//! Tombstones: what stays of erased entries.

use diesel::prelude::*;
use rally_domain::tombstone::Tombstone;

use crate::convert::{Blob, to_bigint};
use crate::schema::tombstones;

/// Writes a tombstone in the transaction of the erasure.
pub(crate) fn write(c: &mut SqliteConnection, tombstone: &Tombstone) -> QueryResult<usize> {
    let row = (
        tombstones::id.eq(Blob(tombstone.id.uuid())),
        tombstones::waitlist_id.eq(Blob(tombstone.waitlist_id.uuid())),
        tombstones::position.eq(to_bigint(tombstone.position.number())),
        tombstones::status.eq(tombstone.status.as_str()),
        tombstones::referral_count.eq(to_bigint(tombstone.referral_count)),
        tombstones::referred_by_entry_id.eq(tombstone.referred_by.map(|id| Blob(id.uuid()))),
        tombstones::variant_id.eq(tombstone.variant_id.map(|id| Blob(id.uuid()))),
        tombstones::day.eq(tombstone.day.to_string()),
    );
    diesel::insert_into(tombstones::table).values(row).execute(c)
}
