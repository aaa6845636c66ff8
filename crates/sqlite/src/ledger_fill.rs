//! What is done to the referral ledger in batches: the rows of referrals that are older than it, and the networks that are to be forgotten.
//! The cursors in `waitlist_totals` say how far a list has come.

use std::convert::Infallible;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::ledger::NETWORKS_KEPT;
use rally_domain::timestamp::Timestamp;
use time::Duration;

use crate::SqliteStore;
use crate::convert::{Blob, from_bigint, to_bigint};
use crate::fault::query_fault;
use crate::referrals::set_count;
use crate::schema::{entries, referrals, waitlist_totals};

/// The most rows without a friend that one batch writes.
const REST_AT_ONCE: i64 = 5000;

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Binary)]
    id: Blob,
}

/// Fills a batch of one list.
pub(crate) async fn fill(store: &SqliteStore, most: i64) -> Result<u64, Fault> {
    // Most calls find nothing, and this read costs no write transaction.
    let find =
        "SELECT waitlist_id AS id FROM waitlist_totals WHERE ledger_position < last_position OR ledger_compared < last_position LIMIT 1";
    let list = store.database.read(move |c| diesel::sql_query(find).get_result::<Found>(c).optional().map_err(query_fault)).await?;
    let Some(list) = list else { return Ok(0) };
    Ok(store.database.write::<_, Infallible>(move |c| Ok(fill_list(c, list.id, most)?)).await?)
}

/// Fills a whole list.
pub(crate) fn fill_whole(c: &mut SqliteConnection, list: WaitlistId) -> QueryResult<()> {
    while fill_list(c, Blob(list.uuid()), 1000)? > 0 {}
    Ok(())
}

/// Fills a batch of a list. Returns how many entries were looked at.
fn fill_list(c: &mut SqliteConnection, list: Blob, most: i64) -> QueryResult<u64> {
    use crate::schema::waitlist_totals::dsl::{last_position, ledger_compared, ledger_position};
    let cursors = waitlist_totals::table.find(list).select((last_position, ledger_position, ledger_compared));
    let Some((last, position, compared)) = cursors.first::<(i64, i64, i64)>(c).optional()? else { return Ok(0) };
    if position < last {
        return write_referred(c, list, position, last, most);
    }
    if compared < last { compare(c, list, compared, last, most) } else { Ok(0) }
}

/// Writes the rows of entries that name a referrer and have none. The counts are compared once more afterwards.
fn write_referred(c: &mut SqliteConnection, list: Blob, after: i64, last: i64, most: i64) -> QueryResult<u64> {
    let batch = entries::table.filter(entries::waitlist_id.eq(list).and(entries::position.gt(after))).order(entries::position).limit(most);
    let batch: Vec<(Blob, i64, Option<Blob>, i64)> =
        batch.select((entries::id, entries::position, entries::referred_by_entry_id, entries::created_at)).load(c)?;
    let next = if to_bigint(batch.len() as u64) == most { batch.last().map_or(last, |row| row.1) } else { last };
    for (id, _, referrer, created_at) in &batch {
        if referrer.is_some() {
            insert(c, list, *referrer, Some(*id), *created_at)?;
        }
    }
    let cursors = (waitlist_totals::ledger_position.eq(next), waitlist_totals::ledger_compared.eq(0));
    diesel::update(waitlist_totals::table.find(list)).set(cursors).execute(c)?;
    Ok(batch.len().max(1) as u64)
}

/// A new id: a random UUID of version 4.
const NEW_ID: &str =
    "unhex(hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2) || '8' || substr(hex(randomblob(2)), 2) || hex(randomblob(6)))";

/// Writes a credited row. A sign-up that has its row keeps it.
fn insert(c: &mut SqliteConnection, list: Blob, referrer: Option<Blob>, referred: Option<Blob>, created_at: i64) -> QueryResult<()> {
    let row = (
        referrals::id.eq(diesel::dsl::sql::<Binary>(NEW_ID)),
        referrals::waitlist_id.eq(list),
        referrals::referrer_entry_id.eq(referrer),
        referrals::referred_entry_id.eq(referred),
        referrals::state.eq("credited"),
        referrals::score.eq(0),
        referrals::reasons.eq(""),
        referrals::created_at.eq(created_at),
    );
    diesel::insert_or_ignore_into(referrals::table).values(row).execute(c).map(|_| ())
}

/// Writes rows without a friend for the part of a count whose friends are gone.
fn compare(c: &mut SqliteConnection, list: Blob, after: i64, last: i64, most: i64) -> QueryResult<u64> {
    let batch = entries::table.filter(entries::waitlist_id.eq(list).and(entries::position.gt(after))).order(entries::position).limit(most);
    let batch: Vec<(Blob, i64, i64, i64)> =
        batch.select((entries::id, entries::position, entries::referral_count, entries::created_at)).load(c)?;
    let mut next = if to_bigint(batch.len() as u64) == most { batch.last().map_or(last, |row| row.1) } else { last };
    let mut room = REST_AT_ONCE;
    for (id, position, count, created_at) in &batch {
        let missing = if *count > 0 { count - credited(c, *id)? } else { 0 };
        for _ in 0..missing.min(room) {
            insert(c, list, Some(*id), None, *created_at)?;
        }
        if missing > room {
            next = position - 1;
            break;
        }
        room -= missing.max(0);
    }
    diesel::update(waitlist_totals::table.find(list)).set(waitlist_totals::ledger_compared.eq(next)).execute(c)?;
    Ok(batch.len().max(1) as u64)
}

fn credited(c: &mut SqliteConnection, referrer: Blob) -> QueryResult<i64> {
    let rows = referrals::table.filter(referrals::referrer_entry_id.eq(referrer).and(referrals::state.eq("credited")));
    rows.count().get_result(c)
}

/// How many entries nobody has looked at.
pub(crate) fn unfilled(c: &mut SqliteConnection) -> QueryResult<u64> {
    let left = diesel::dsl::sql::<BigInt>("coalesce(sum(last_position - min(ledger_position, ledger_compared)), 0)");
    waitlist_totals::table.select(left).get_result(c).map(from_bigint)
}

/// Sets the count of every entry of a filled list to its credited rows. Returns whether any was wrong.
pub(crate) fn recount(c: &mut SqliteConnection, list: WaitlistId) -> QueryResult<bool> {
    let all = entries::table.filter(entries::waitlist_id.eq(Blob(list.uuid()))).order(entries::position);
    let all: Vec<(Blob, i64)> = all.select((entries::id, entries::referral_count)).load(c)?;
    let mut corrected = false;
    for (id, count) in all {
        let right = credited(c, id)?;
        if right != count {
            set_count(c, id, right)?;
            corrected = true;
        }
    }
    Ok(corrected)
}

/// Forgets the networks of a batch of one list.
pub(crate) async fn forget_networks(store: &SqliteStore, before: Timestamp, most: i64) -> Result<u64, Fault> {
    // An import may bring any time. An entry without a network, and not of today, keeps nobody behind it waiting. One of today waits with
    // the others, so that a list without networks is not looked at after every sign-up.
    let now = before.plus(NETWORKS_KEPT);
    let times = (before.unix_millis(), now.plus(Duration::days(-1)).unix_millis(), now.unix_millis());
    let find = "SELECT waitlist_id AS id FROM waitlist_totals t WHERE (
        SELECT created_at < ?1 OR network IS NULL AND created_at NOT BETWEEN ?2 AND ?3 FROM entries
        WHERE waitlist_id = t.waitlist_id AND position > t.networks_position ORDER BY position LIMIT 1
    ) LIMIT 1";
    let find = move |c: &mut SqliteConnection| {
        let find = diesel::sql_query(find).bind::<BigInt, _>(times.0).bind::<BigInt, _>(times.1).bind::<BigInt, _>(times.2);
        find.get_result::<Found>(c).optional().map_err(query_fault)
    };
    let Some(list) = store.database.read(find).await? else { return Ok(0) };
    Ok(store.database.write::<_, Infallible>(move |c| Ok(forget_batch(c, list.id, times, most)?)).await?)
}

fn forget_batch(c: &mut SqliteConnection, list: Blob, (before, yesterday, now): (i64, i64, i64), most: i64) -> QueryResult<u64> {
    let cursor = waitlist_totals::table.find(list).select(waitlist_totals::networks_position);
    let Some(after) = cursor.first::<i64>(c).optional()? else { return Ok(0) };
    let batch = entries::table.filter(entries::waitlist_id.eq(list).and(entries::position.gt(after))).order(entries::position).limit(most);
    let batch: Vec<(Blob, i64, i64, bool)> =
        batch.select((entries::id, entries::position, entries::created_at, entries::network.is_null())).load(c)?;
    let is_old = |row: &(Blob, i64, i64, bool)| row.2 < before || row.3 && !(yesterday..=now).contains(&row.2);
    let old: Vec<(Blob, i64)> = batch.into_iter().take_while(is_old).map(|row| (row.0, row.1)).collect();
    let Some((_, last)) = old.last() else { return Ok(0) };
    diesel::update(waitlist_totals::table.find(list)).set(waitlist_totals::networks_position.eq(last)).execute(c)?;
    for (id, _) in &old {
        let known = entries::table.find(*id).filter(entries::network.is_not_null());
        diesel::update(known).set(entries::network.eq(None::<&[u8]>)).execute(c)?;
        let known = referrals::table.filter(referrals::referred_entry_id.eq(*id).and(referrals::network.is_not_null()));
        diesel::update(known).set(referrals::network.eq(None::<&[u8]>)).execute(c)?;
    }
    Ok(old.len() as u64)
}
