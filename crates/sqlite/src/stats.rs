//! [`EntryStats`] on SQLite: totals and indexes, never a count of rows.

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use rally_domain::email::Email;
use rally_domain::entry::Leader;
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::paging::Limit;
use rally_domain::ports::EntryStats;
use rally_domain::referral::Position;

use crate::SqliteStore;
use crate::fault::query_fault;
use crate::rows::{Blob, from_bigint, to_bigint};
use crate::schema::{entries, waitlist_totals};

/// The predicate of the leaderboard's index, to the letter: a bound value in its place would keep the planner from it.
const LEADS: &str = "referral_count > 0 AND status <> 'rejected'";

#[async_trait]
impl EntryStats for SqliteStore {
    async fn count(&self, waitlist_id: WaitlistId) -> Result<u64, Fault> {
        use crate::schema::waitlist_totals::dsl::{approved, pending, rejected};
        self.read(move |c| {
            let query = waitlist_totals::table.find(Blob(waitlist_id.uuid())).select(pending + approved + rejected);
            let count: Option<i64> = query.first(c).optional().map_err(query_fault)?;
            Ok(from_bigint(count.unwrap_or(0)))
        })
        .await
    }

    async fn leaders(&self, waitlist_id: WaitlistId, limit: Limit) -> Result<Vec<Leader>, Fault> {
        self.read(move |c| {
            let query = entries::table
                .filter(entries::waitlist_id.eq(Blob(waitlist_id.uuid())))
                .filter(sql::<Bool>(LEADS))
                .order((entries::referral_count.desc(), entries::position))
                .limit(to_bigint(limit.rows() as u64))
                .select((entries::position, entries::referral_count, entries::email));
            let rows: Vec<(i64, i64, String)> = query.load(c).map_err(query_fault)?;
            let leader = |(position, count, email)| Leader {
                position: Position::new(from_bigint(position)),
                referral_count: from_bigint(count),
                email: Email::from_stored(email),
            };
            Ok(rows.into_iter().map(leader).collect())
        })
        .await
    }
}
