//! Tombstones: what stays of erased entries.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::id::{EntryId, VariantId};
use rally_domain::tombstone::Tombstone;

use crate::convert::to_bigint;
use crate::schema::tombstones;

/// Writes a tombstone in the transaction of the erasure.
pub(crate) async fn write(c: &mut AsyncPgConnection, tombstone: &Tombstone) -> QueryResult<usize> {
    let row = (
        tombstones::id.eq(tombstone.id.uuid()),
        tombstones::waitlist_id.eq(tombstone.waitlist_id.uuid()),
        tombstones::position.eq(to_bigint(tombstone.position.number())),
        tombstones::status.eq(tombstone.status.as_str()),
        tombstones::referral_count.eq(to_bigint(tombstone.referral_count)),
        tombstones::referred_by_entry_id.eq(tombstone.referred_by.map(EntryId::uuid)),
        tombstones::variant_id.eq(tombstone.variant_id.map(VariantId::uuid)),
        tombstones::day.eq(tombstone.day),
    );
    diesel::insert_into(tombstones::table).values(row).execute(c).await
}
