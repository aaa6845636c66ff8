//! The order of a waitlist, read from indexes alone.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::TryStreamExt;
use rally_domain::entry::EntryStatus;
use rally_domain::id::WaitlistId;
use rally_domain::rank::Ranks;
use rally_domain::referral::{Position, ReferralBoost};

use crate::convert::from_bigint;
use crate::schema::{entries, waitlist_totals};
use crate::stats::LEADS;

/// Reads the order of a list in the snapshot of a transaction. Rows are taken one by one, so that only positions need memory.
pub(crate) async fn read(c: &mut AsyncPgConnection, id: WaitlistId, boost: ReferralBoost) -> QueryResult<Ranks> {
    let last = waitlist_totals::table.find(id.uuid()).select(waitlist_totals::last_position).first::<i64>(c).await.optional()?;
    let Some(last) = last else { return Ok(Ranks::empty(boost)) };
    let mut positions = Vec::new();
    // The order leads to the index of statuses, which has both columns. A filter by status could lead elsewhere.
    let query = entries::table
        .filter(entries::waitlist_id.eq(id.uuid()))
        .order((entries::status, entries::position))
        .select((entries::status, entries::position));
    let mut rows = query.load_stream::<(String, i64)>(c).await?;
    while let Some((status, number)) = rows.try_next().await? {
        if status != EntryStatus::Rejected.as_str() {
            positions.push(position(number));
        }
    }
    drop(rows);
    let query = entries::table
        .filter(entries::waitlist_id.eq(id.uuid()))
        .filter(sql::<Bool>(LEADS))
        .order((entries::referral_count.desc(), entries::position))
        .select((entries::position, entries::referral_count));
    let counts: Vec<(i64, i64)> = query.load(c).await?;
    let counts = counts.into_iter().map(|(of, count)| (position(of), from_bigint(count)));
    Ok(Ranks::new(boost, position(last), positions, counts.collect()))
}

fn position(number: i64) -> Position {
    Position::new(from_bigint(number))
}
