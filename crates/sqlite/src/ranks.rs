//! The order of a waitlist, read from indexes alone.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use rally_domain::entry::EntryStatus;
use rally_domain::id::WaitlistId;
use rally_domain::rank::Ranks;
use rally_domain::referral::{Position, ReferralBoost};

use crate::convert::{Blob, from_bigint};
use crate::schema::{entries, waitlist_totals};
use crate::stats::LEADS;

/// Reads the order of a list in one snapshot.
pub(crate) fn read(c: &mut SqliteConnection, id: WaitlistId, boost: ReferralBoost) -> QueryResult<Ranks> {
    let list = Blob(id.uuid());
    let last = waitlist_totals::table.find(list).select(waitlist_totals::last_position).first::<i64>(c).optional()?;
    let Some(last) = last else { return Ok(Ranks::empty(boost)) };
    let mut positions = Vec::new();
    for status in [EntryStatus::Pending, EntryStatus::Approved] {
        // The order leads to the index of statuses, which has both columns.
        let query = entries::table
            .filter(entries::waitlist_id.eq(list).and(entries::status.eq(status.as_str())))
            .order((entries::status, entries::position))
            .select(entries::position);
        positions.extend(query.load::<i64>(c)?.into_iter().map(position));
    }
    let query = entries::table
        .filter(entries::waitlist_id.eq(list))
        .filter(sql::<Bool>(LEADS))
        .order((entries::referral_count.desc(), entries::position))
        .select((entries::position, entries::referral_count));
    let counts = query.load::<(i64, i64)>(c)?.into_iter().map(|(of, count)| (position(of), from_bigint(count)));
    Ok(Ranks::new(boost, position(last), positions, counts.collect()))
}

fn position(number: i64) -> Position {
    Position::new(from_bigint(number))
}
