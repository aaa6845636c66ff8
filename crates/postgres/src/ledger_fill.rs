//! What is done to the referral ledger in batches: the rows of referrals that are older than it, or that an older program wrote, and the
//! networks that are to be forgotten.
//!
//! The cursors in `waitlist_totals` say how far a list has come. Each batch locks that row, so any process can do the next one.

use diesel::prelude::*;
use diesel::sql_types::{self, Array, BigInt, Bool, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::ledger::NETWORKS_KEPT;
use rally_domain::timestamp::Timestamp;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::convert::{from_bigint, to_bigint};
use crate::fault::query_fault;
use crate::queue::IdRow;
use crate::referrals::{Never, set_counts};
use crate::schema::{entries, waitlist_totals};
use crate::statement::statement;
use crate::{PgStore, transaction};

/// Begins a batch. If a crash of the machine undoes it, a later one does the same. A batch waits at most 50 ms for a lock.
const BEGIN_BATCH: &str = "BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = '50ms'";

/// The most rows without a friend that one batch writes.
const REST_AT_ONCE: i64 = 5000;

statement! {
    /// A list with entries that nobody has looked at. The order is random, so that a locked list does not stop the others.
    Unfilled {
        "SELECT waitlist_id AS id FROM waitlist_totals WHERE ledger_position < last_position OR ledger_compared < last_position \
            ORDER BY random() LIMIT 1"
    }
}

/// Fills a batch of one list.
pub(crate) async fn fill(store: &PgStore, most: i64) -> Result<u64, Fault> {
    let list = (Unfilled {}).get_result::<IdRow>(&mut *store.connection().await?).await.optional().map_err(query_fault)?;
    let Some(list) = list else { return Ok(0) };
    let outcome: Result<u64, Never> = transaction!(store, BEGIN_BATCH, |c| Ok(fill_list(c, list.id, most).await?));
    Ok(outcome?)
}

/// Fills a whole list, in the transaction that has locked it.
pub(crate) async fn fill_whole(c: &mut AsyncPgConnection, list: WaitlistId) -> QueryResult<()> {
    while fill_list(c, list.uuid(), 1000).await? > 0 {}
    Ok(())
}

/// Fills a batch of a list. Returns how many entries were looked at.
async fn fill_list(c: &mut AsyncPgConnection, list: Uuid, most: i64) -> QueryResult<u64> {
    use crate::schema::waitlist_totals::dsl::{last_position, ledger_compared, ledger_position};
    let cursors = waitlist_totals::table.find(list).select((last_position, ledger_position, ledger_compared)).for_update();
    let Some((last, position, compared)) = cursors.first::<(i64, i64, i64)>(c).await.optional()? else { return Ok(0) };
    if position < last {
        return write_referred(c, list, position, last, most).await;
    }
    if compared < last { compare(c, list, compared, last, most).await } else { Ok(0) }
}

/// Writes the rows of entries that name a referrer and have none. The counts are compared once more afterwards.
async fn write_referred(c: &mut AsyncPgConnection, list: Uuid, after: i64, last: i64, most: i64) -> QueryResult<u64> {
    let batch = entries::table.filter(entries::waitlist_id.eq(list).and(entries::position.gt(after))).order(entries::position).limit(most);
    let batch: Vec<(Uuid, i64, Option<Uuid>, OffsetDateTime)> =
        batch.select((entries::id, entries::position, entries::referred_by_entry_id, entries::created_at)).load(c).await?;
    let next = if to_bigint(batch.len() as u64) == most { batch.last().map_or(last, |row| row.1) } else { last };
    let referred = || batch.iter().filter_map(|(id, _, referrer, at)| Some((*id, (*referrer)?, *at)));
    let rows = WriteReferred {
        list,
        referred: referred().map(|(id, _, _)| id).collect(),
        referrers: referred().map(|(_, referrer, _)| referrer).collect(),
        created_at: referred().map(|(_, _, at)| at).collect(),
    };
    rows.execute(c).await?;
    let cursors = (waitlist_totals::ledger_position.eq(next), waitlist_totals::ledger_compared.eq(0));
    diesel::update(waitlist_totals::table.find(list)).set(cursors).execute(c).await?;
    Ok(batch.len().max(1) as u64)
}

statement! {
    /// Writes credited rows. A sign-up that has its row keeps it.
    WriteReferred {
        "INSERT INTO referrals (id, waitlist_id, referrer_entry_id, referred_entry_id, state, score, reasons, created_at) \
            SELECT gen_random_uuid(), "
        list: sql_types::Uuid = Uuid, ", referrer, referred, 'credited', 0, '', created_at FROM unnest("
        referred: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        referrers: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        created_at: Array<Timestamptz> = Vec<OffsetDateTime>, ") AS older (referred, referrer, created_at) \
            ON CONFLICT (referred_entry_id) WHERE referred_entry_id IS NOT NULL DO NOTHING"
    }
}

/// Writes rows without a friend for the part of a count whose friends are gone.
async fn compare(c: &mut AsyncPgConnection, list: Uuid, after: i64, last: i64, most: i64) -> QueryResult<u64> {
    let batch: Vec<CountedRow> = Counted { list, after, most }.load(c).await?;
    let mut next = if to_bigint(batch.len() as u64) == most { batch.last().map_or(last, |row| row.position) } else { last };
    let mut room = REST_AT_ONCE;
    for row in batch.iter().filter(|row| row.referral_count > row.credited) {
        let missing = row.referral_count - row.credited;
        let rest = WriteRest { list, referrer: row.id, created_at: row.created_at, number: missing.min(room) };
        rest.execute(c).await?;
        if missing > room {
            next = row.position - 1;
            break;
        }
        room -= missing;
    }
    diesel::update(waitlist_totals::table.find(list)).set(waitlist_totals::ledger_compared.eq(next)).execute(c).await?;
    Ok(batch.len().max(1) as u64)
}

statement! {
    /// The next entries of a list with their credited rows.
    Counted {
        "SELECT e.id, e.position, e.referral_count, e.created_at, coalesce(own.number, 0) AS credited FROM (
            SELECT id, position, referral_count, created_at FROM entries WHERE waitlist_id = "
        list: sql_types::Uuid = Uuid, " AND position > "
        after: BigInt = i64, " ORDER BY position LIMIT "
        most: BigInt = i64, "
        ) e LEFT JOIN LATERAL (
            SELECT count(*) AS number FROM (
                SELECT FROM referrals r WHERE r.referrer_entry_id = e.id AND r.state = 'credited'
                ORDER BY r.referrer_entry_id, r.created_at DESC OFFSET 0
            ) credited
        ) own ON e.referral_count > 0"
    }
}

#[derive(QueryableByName)]
struct CountedRow {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = BigInt)]
    referral_count: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
    #[diesel(sql_type = BigInt)]
    credited: i64,
}

statement! {
    /// Writes credited rows of which the friend is not known.
    WriteRest {
        "INSERT INTO referrals (id, waitlist_id, referrer_entry_id, state, score, reasons, created_at) SELECT gen_random_uuid(), "
        list: sql_types::Uuid = Uuid, ", "
        referrer: sql_types::Uuid = Uuid, ", 'credited', 0, '', "
        created_at: Timestamptz = OffsetDateTime, " FROM generate_series(1, "
        number: BigInt = i64, ")"
    }
}

/// How many entries nobody has looked at.
pub(crate) async fn unfilled(c: &mut AsyncPgConnection) -> Result<u64, Fault> {
    #[derive(QueryableByName)]
    struct Left {
        #[diesel(sql_type = BigInt)]
        number: i64,
    }
    let left = "SELECT coalesce(sum(last_position - least(ledger_position, ledger_compared)), 0)::bigint AS number FROM waitlist_totals \
        WHERE ledger_position < last_position OR ledger_compared < last_position";
    diesel::sql_query(left).get_result::<Left>(c).await.map(|left| from_bigint(left.number)).map_err(query_fault)
}

/// Sets the count of every entry of a filled list to its credited rows. Returns whether any was wrong.
pub(crate) async fn recount(c: &mut AsyncPgConnection, list: WaitlistId) -> QueryResult<bool> {
    let (mut after, mut corrected) = (0, false);
    loop {
        let batch: Vec<CountedRow> = CountedAll { list: list.uuid(), after, most: 1000 }.load(c).await?;
        let Some(last) = batch.last() else { return Ok(corrected) };
        after = last.position;
        let wrong = batch.iter().filter(|row| row.referral_count != row.credited).map(|row| (row.id, row.credited));
        let (ids, counts): (Vec<Uuid>, Vec<i64>) = wrong.unzip();
        corrected |= !ids.is_empty();
        set_counts(c, ids, counts).await?;
    }
}

statement! {
    /// The next entries of a list with their credited rows, also of entries that have none by their count.
    CountedAll {
        "SELECT e.id, e.position, e.referral_count, e.created_at, own.number AS credited FROM (
            SELECT id, position, referral_count, created_at FROM entries WHERE waitlist_id = "
        list: sql_types::Uuid = Uuid, " AND position > "
        after: BigInt = i64, " ORDER BY position LIMIT "
        most: BigInt = i64, "
        ) e CROSS JOIN LATERAL (
            SELECT count(*) AS number FROM (
                SELECT FROM referrals r WHERE r.referrer_entry_id = e.id AND r.state = 'credited'
                ORDER BY r.referrer_entry_id, r.created_at DESC OFFSET 0
            ) credited
        ) own"
    }
}

statement! {
    /// A list with networks to forget. An import may bring any time. An entry without a network, and not of today, keeps nobody behind it
    /// waiting. One of today waits with the others, so that a list without networks is not looked at after every sign-up.
    Remembering {
        "SELECT t.waitlist_id AS id FROM waitlist_totals t CROSS JOIN LATERAL (
            SELECT created_at, network FROM entries WHERE waitlist_id = t.waitlist_id AND position > t.networks_position
            ORDER BY position LIMIT 1
        ) next WHERE next.created_at < "
        before: Timestamptz = OffsetDateTime, " OR next.network IS NULL AND next.created_at NOT BETWEEN "
        yesterday: Timestamptz = OffsetDateTime, " AND "
        now: Timestamptz = OffsetDateTime, " ORDER BY random() LIMIT 1"
    }
}

/// Forgets the networks of a batch of one list.
pub(crate) async fn forget_networks(store: &PgStore, before: Timestamp, most: i64) -> Result<u64, Fault> {
    let now = before.plus(NETWORKS_KEPT);
    let (before, yesterday, now) = (before.instant(), now.plus(Duration::days(-1)).instant(), now.instant());
    let list = Remembering { before, yesterday, now }
        .get_result::<IdRow>(&mut *store.connection().await?)
        .await
        .optional()
        .map_err(query_fault)?;
    let Some(list) = list else { return Ok(0) };
    let outcome: Result<u64, Never> =
        transaction!(store, BEGIN_BATCH, |c| Ok(forget_batch(c, list.id, (before, yesterday, now), most).await?));
    Ok(outcome?)
}

async fn forget_batch(
    c: &mut AsyncPgConnection,
    list: Uuid,
    (before, yesterday, now): (OffsetDateTime, OffsetDateTime, OffsetDateTime),
    most: i64,
) -> QueryResult<u64> {
    let cursor = waitlist_totals::table.find(list).select(waitlist_totals::networks_position).for_update();
    let Some(after) = cursor.first::<i64>(c).await.optional()? else { return Ok(0) };
    let batch = entries::table.filter(entries::waitlist_id.eq(list).and(entries::position.gt(after))).order(entries::position).limit(most);
    let is_old = diesel::dsl::sql::<Bool>("created_at < ").bind::<Timestamptz, _>(before);
    let is_old = is_old.sql(" OR network IS NULL AND created_at NOT BETWEEN ").bind::<Timestamptz, _>(yesterday);
    let is_old = is_old.sql(" AND ").bind::<Timestamptz, _>(now);
    let batch: Vec<(Uuid, i64, bool)> = batch.select((entries::id, entries::position, is_old)).load(c).await?;
    let old: Vec<(Uuid, i64)> = batch.into_iter().take_while(|(.., is_old)| *is_old).map(|(id, position, _)| (id, position)).collect();
    let Some((_, last)) = old.last().copied() else { return Ok(0) };
    let ids: Vec<Uuid> = old.iter().map(|(id, _)| *id).collect();
    ForgetNetworks { ids: ids.clone() }.execute(c).await?;
    ForgetNetworksOfReferrals { ids }.execute(c).await?;
    diesel::update(waitlist_totals::table.find(list)).set(waitlist_totals::networks_position.eq(last)).execute(c).await?;
    Ok(old.len() as u64)
}

statement! {
    /// Forgets the networks of some entries.
    ForgetNetworks {
        "UPDATE entries e SET network = NULL FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS old (id) WHERE e.id = old.id AND e.network IS NOT NULL"
    }
}

statement! {
    /// Forgets the networks of the referrals by which some entries came.
    ForgetNetworksOfReferrals {
        "UPDATE referrals r SET network = NULL FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS old (id) WHERE r.referred_entry_id = old.id AND r.network IS NOT NULL"
    }
}
