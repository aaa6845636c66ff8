//! The counters of a waitlist. The transaction of every change of its entries keeps them, and `rebuild` counts again on demand.

use std::collections::BTreeMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{self, Array, BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::id::{VariantId, WaitlistId};
use rally_domain::tally::Tally;
use rally_domain::text::Referrer;
use time::Date;
use uuid::Uuid;

use crate::convert::to_bigint;
use crate::ledger_fill;
use crate::schema::{entries, tombstones, waitlist_days, waitlist_sources, waitlist_totals, waitlist_variants};
use crate::statement::statement;

/// Takes the lock that orders the changes of a list. Returns whether there is such a list.
pub(crate) async fn lock(c: &mut AsyncPgConnection, id: WaitlistId) -> QueryResult<bool> {
    let query = waitlist_totals::table.find(id.uuid()).select(waitlist_totals::last_position).for_update();
    Ok(query.first::<i64>(c).await.optional()?.is_some())
}

/// Adds tallies to the counters of lists.
pub(crate) async fn grow(mut c: &AsyncPgConnection, tallies: Vec<(WaitlistId, Tally)>) -> QueryResult<()> {
    let (lists_of_days, days, on_days) = columns(&tallies, |tally| &tally.days, |day| *day);
    let (lists_of_sources, sources, from_sources) = columns(&tallies, |tally| &tally.sources, Clone::clone);
    let (lists_of_variants, variants, by_variants) =
        columns(&tallies, |tally| &tally.variants, |variant| variant.map_or(Uuid::nil(), VariantId::uuid));
    // The order is that of EntryStatus::ALL.
    let of_status = |n: usize| tallies.iter().map(|(_, tally)| to_bigint(tally.by_status[n])).collect();
    let grow = Grow {
        lists_of_days,
        days,
        on_days,
        lists_of_sources,
        sources,
        from_sources,
        lists_of_variants,
        variants,
        by_variants,
        lists: tallies.iter().map(|(list, _)| list.uuid()).collect(),
        last_positions: tallies.iter().map(|(_, tally)| to_bigint(tally.last_position)).collect(),
        pending: of_status(0),
        approved: of_status(1),
        rejected: of_status(2),
        referred: tallies.iter().map(|(_, tally)| to_bigint(tally.referred)).collect(),
    };
    grow.execute(&mut c).await.map(|_| ())
}

/// One count of each tally as columns: list, key, number.
fn columns<K, T>(
    tallies: &[(WaitlistId, Tally)],
    counted: impl Fn(&Tally) -> &BTreeMap<K, u64>,
    name: impl Fn(&K) -> T,
) -> (Vec<Uuid>, Vec<T>, Vec<i64>) {
    let (mut lists, mut names, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for (list, tally) in tallies {
        for (key, number) in counted(tally) {
            lists.push(list.uuid());
            names.push(name(key));
            numbers.push(to_bigint(*number));
        }
    }
    (lists, names, numbers)
}

/// Counts people who were erased before they came to a list.
pub(crate) async fn add_erased(c: &mut AsyncPgConnection, list: WaitlistId, number: u64) -> QueryResult<usize> {
    use crate::schema::waitlist_totals::dsl::{erased, waitlist_totals};
    diesel::update(waitlist_totals.find(list.uuid())).set(erased.eq(erased + to_bigint(number))).execute(c).await
}

statement! {
    /// Adds to the sign-ups per UTC day, per source and per variant, and to the totals. The cursors of the ledger that are at the end stay
    /// there: sign-ups write their own rows. One statement costs a group of sign-ups less than four.
    Grow {
        "WITH grown_days AS (INSERT INTO waitlist_days (waitlist_id, day, signups) SELECT * FROM unnest("
        lists_of_days: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        days: Array<sql_types::Date> = Vec<Date>, ", "
        on_days: Array<BigInt> = Vec<i64>,
        ") ON CONFLICT (waitlist_id, day) DO UPDATE SET signups = waitlist_days.signups + excluded.signups), \
            grown_sources AS (INSERT INTO waitlist_sources (waitlist_id, referrer, signups) SELECT * FROM unnest("
        lists_of_sources: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        sources: Array<sql_types::Text> = Vec<String>, ", "
        from_sources: Array<BigInt> = Vec<i64>,
        ") ON CONFLICT (waitlist_id, referrer) DO UPDATE SET signups = waitlist_sources.signups + excluded.signups), \
            grown_variants AS (INSERT INTO waitlist_variants (waitlist_id, variant_id, signups) SELECT * FROM unnest("
        lists_of_variants: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        variants: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        by_variants: Array<BigInt> = Vec<i64>,
        ") ON CONFLICT (waitlist_id, variant_id) DO UPDATE SET signups = waitlist_variants.signups + excluded.signups) \
            UPDATE waitlist_totals SET last_position = tally.last_position, \
            ledger_position = CASE waitlist_totals.ledger_position \
                WHEN waitlist_totals.last_position THEN tally.last_position ELSE waitlist_totals.ledger_position END, \
            ledger_compared = CASE waitlist_totals.ledger_compared \
                WHEN waitlist_totals.last_position THEN tally.last_position ELSE waitlist_totals.ledger_compared END, \
            pending = waitlist_totals.pending + tally.pending, \
            approved = waitlist_totals.approved + tally.approved, rejected = waitlist_totals.rejected + tally.rejected, \
            referred = waitlist_totals.referred + tally.referred FROM unnest("
        lists: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        last_positions: Array<BigInt> = Vec<i64>, ", "
        pending: Array<BigInt> = Vec<i64>, ", "
        approved: Array<BigInt> = Vec<i64>, ", "
        rejected: Array<BigInt> = Vec<i64>, ", "
        referred: Array<BigInt> = Vec<i64>,
        ") AS tally (list, last_position, pending, approved, rejected, referred) WHERE waitlist_totals.waitlist_id = tally.list"
    }
}

/// Subtracts a deleted entry from the counters. `orphans` is how many entries have lost it as their referrer.
pub(crate) async fn remove(c: &mut AsyncPgConnection, entry: &Entry, orphans: usize) -> QueryResult<()> {
    let referred = i64::from(entry.referred_by.is_some()) + to_bigint(orphans as u64);
    take_from_totals(c, entry, referred).await?;
    take_from_day(c, entry).await?;
    take_from_source(c, entry).await?;
    take_from_variant(c, entry).await
}

/// Counts one more sign-up of a source.
async fn grow_source(c: &mut AsyncPgConnection, list: WaitlistId, source: &str) -> QueryResult<()> {
    use crate::schema::waitlist_sources::dsl::{referrer, signups, waitlist_id, waitlist_sources};
    let one = (waitlist_id.eq(list.uuid()), referrer.eq(source), signups.eq(1));
    let insert = diesel::insert_into(waitlist_sources).values(one).on_conflict((waitlist_id, referrer));
    insert.do_update().set(signups.eq(signups + 1)).execute(c).await.map(|_| ())
}

/// Counts an entry as erased. Its source is none from now on. `hidden` is how many referrers of it are deleted and still counted.
pub(crate) async fn erase(c: &mut AsyncPgConnection, entry: &Entry, hidden: usize) -> QueryResult<()> {
    {
        use crate::schema::waitlist_totals::dsl::{erased, referred, waitlist_totals};
        let change = (erased.eq(erased + 1), referred.eq(referred - to_bigint(hidden as u64)));
        diesel::update(waitlist_totals.find(entry.waitlist_id.uuid())).set(change).execute(c).await?;
    }
    take_from_source(c, entry).await?;
    grow_source(c, entry.waitlist_id, "").await
}

/// Counts an entry under another status.
pub(crate) async fn change_status(c: &mut AsyncPgConnection, id: WaitlistId, from: EntryStatus, to: EntryStatus) -> QueryResult<()> {
    use crate::schema::waitlist_totals::dsl::{approved, pending, rejected, waitlist_totals};
    let moved = |status| i64::from(to == status) - i64::from(from == status);
    diesel::update(waitlist_totals.find(id.uuid()))
        .set((
            pending.eq(pending + moved(EntryStatus::Pending)),
            approved.eq(approved + moved(EntryStatus::Approved)),
            rejected.eq(rejected + moved(EntryStatus::Rejected)),
        ))
        .execute(c)
        .await
        .map(|_| ())
}

async fn take_from_totals(c: &mut AsyncPgConnection, entry: &Entry, referrals: i64) -> QueryResult<()> {
    use crate::schema::waitlist_totals::dsl::{approved, pending, referred, rejected, waitlist_totals};
    let if_status = |status| i64::from(entry.status == status);
    diesel::update(waitlist_totals.find(entry.waitlist_id.uuid()))
        .set((
            pending.eq(pending - if_status(EntryStatus::Pending)),
            approved.eq(approved - if_status(EntryStatus::Approved)),
            rejected.eq(rejected - if_status(EntryStatus::Rejected)),
            referred.eq(referred - referrals),
        ))
        .execute(c)
        .await
        .map(|_| ())
}

async fn take_from_day(c: &mut AsyncPgConnection, entry: &Entry) -> QueryResult<()> {
    use crate::schema::waitlist_days::dsl::{signups, waitlist_days};
    let row = || waitlist_days.find((entry.waitlist_id.uuid(), entry.created_at.day()));
    diesel::update(row()).set(signups.eq(signups - 1)).execute(c).await?;
    diesel::delete(row().filter(signups.eq(0))).execute(c).await.map(|_| ())
}

async fn take_from_source(c: &mut AsyncPgConnection, entry: &Entry) -> QueryResult<()> {
    use crate::schema::waitlist_sources::dsl::{referrer, signups, waitlist_id, waitlist_sources};
    let text = entry.profile.referrer.as_ref().map_or("", Referrer::as_str);
    // An upsert uses the key. An update could be planned with another index.
    let row = (waitlist_id.eq(entry.waitlist_id.uuid()), referrer.eq(text), signups.eq(0));
    let taken = diesel::insert_into(waitlist_sources).values(row).on_conflict((waitlist_id, referrer)).do_update();
    taken.set(signups.eq(signups - 1)).execute(c).await?;
    let none = waitlist_sources.filter(waitlist_id.eq(entry.waitlist_id.uuid()).and(referrer.eq(text)).and(signups.eq(0)));
    diesel::delete(none).execute(c).await.map(|_| ())
}

/// Counts an entry under another source.
pub(crate) async fn move_source(c: &mut AsyncPgConnection, before: &Entry, after: &Entry) -> QueryResult<()> {
    if before.profile.referrer == after.profile.referrer {
        return Ok(());
    }
    take_from_source(c, before).await?;
    grow_source(c, after.waitlist_id, after.profile.referrer.as_ref().map_or("", Referrer::as_str)).await
}

async fn take_from_variant(c: &mut AsyncPgConnection, entry: &Entry) -> QueryResult<()> {
    use crate::schema::waitlist_variants::dsl::{signups, waitlist_variants};
    let variant = entry.variant_id.map_or(Uuid::nil(), VariantId::uuid);
    let row = || waitlist_variants.find((entry.waitlist_id.uuid(), variant));
    diesel::update(row()).set(signups.eq(signups - 1)).execute(c).await?;
    diesel::delete(row().filter(signups.eq(0))).execute(c).await.map(|_| ())
}

/// All counts of a list.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    by_status: BTreeMap<String, i64>,
    referred: i64,
    erased: i64,
    days: BTreeMap<Date, i64>,
    sources: BTreeMap<String, i64>,
    variants: BTreeMap<Uuid, i64>,
}

/// Counts the rows of a list again and corrects its counters. Returns whether they were wrong.
pub(crate) async fn rebuild(c: &mut AsyncPgConnection, id: WaitlistId) -> QueryResult<bool> {
    if !lock(c, id).await? {
        return Ok(false);
    }
    ledger_fill::fill_whole(c, id).await?;
    let recounted = ledger_fill::recount(c, id).await?;
    let (kept, counted) = (load(c, id).await?, count(c, id).await?);
    if kept == counted {
        return Ok(recounted);
    }
    store(c, id, &counted).await?;
    Ok(true)
}

async fn load(c: &mut AsyncPgConnection, id: WaitlistId) -> QueryResult<Count> {
    let list = id.uuid();
    let totals = {
        use crate::schema::waitlist_totals::dsl::{approved, erased, pending, referred, rejected, waitlist_totals};
        waitlist_totals.find(list).select((pending, approved, rejected, referred, erased)).first::<(i64, i64, i64, i64, i64)>(c).await?
    };
    let by_status = [(EntryStatus::Pending, totals.0), (EntryStatus::Approved, totals.1), (EntryStatus::Rejected, totals.2)];
    let days = waitlist_days::table.filter(waitlist_days::waitlist_id.eq(list)).select((waitlist_days::day, waitlist_days::signups));
    let sources = waitlist_sources::table
        .filter(waitlist_sources::waitlist_id.eq(list))
        .select((waitlist_sources::referrer, waitlist_sources::signups));
    let variants = waitlist_variants::table
        .filter(waitlist_variants::waitlist_id.eq(list))
        .select((waitlist_variants::variant_id, waitlist_variants::signups));
    Ok(Count {
        by_status: by_status.into_iter().filter(|(_, n)| *n != 0).map(|(status, n)| (status.as_str().to_owned(), n)).collect(),
        referred: totals.3,
        erased: totals.4,
        days: days.load::<(Date, i64)>(c).await?.into_iter().collect(),
        sources: sources.load::<(String, i64)>(c).await?.into_iter().collect(),
        variants: variants.load::<(Uuid, i64)>(c).await?.into_iter().collect(),
    })
}

async fn count(c: &mut AsyncPgConnection, id: WaitlistId) -> QueryResult<Count> {
    let mine = entries::waitlist_id.eq(id.uuid());
    let by_status = entries::table.filter(mine).group_by(entries::status).select((entries::status, count_star()));
    let referred = entries::table.filter(mine).filter(entries::referred_by_entry_id.is_not_null()).count();
    // The DSL has no function from an instant to its day in UTC.
    let day = diesel::dsl::sql::<diesel::sql_types::Date>("(created_at AT TIME ZONE 'UTC')::date");
    let days = entries::table.filter(mine).group_by(day.clone()).select((day, count_star()));
    let sources = entries::table.filter(mine).group_by(entries::referrer).select((entries::referrer, count_star()));
    let variants = entries::table.filter(mine).group_by(entries::variant_id).select((entries::variant_id, count_star()));
    let (source, variant) =
        (|(text, n): (Option<String>, i64)| (text.unwrap_or_default(), n), |(id, n): (Option<Uuid>, i64)| (id.unwrap_or_default(), n));
    let mut counted = Count {
        by_status: by_status.load::<(String, i64)>(c).await?.into_iter().collect(),
        referred: referred.get_result(c).await?,
        erased: 0,
        days: days.load::<(Date, i64)>(c).await?.into_iter().collect(),
        sources: sources.load(c).await?.into_iter().map(source).collect(),
        variants: variants.load(c).await?.into_iter().map(variant).collect(),
    };
    count_tombstones(c, id, &mut counted).await?;
    Ok(counted)
}

/// Adds the tombstones of a list, which have no source.
async fn count_tombstones(c: &mut AsyncPgConnection, id: WaitlistId, counted: &mut Count) -> QueryResult<()> {
    let mine = tombstones::waitlist_id.eq(id.uuid());
    let by_status = tombstones::table.filter(mine).group_by(tombstones::status).select((tombstones::status, count_star()));
    for (status, n) in by_status.load::<(String, i64)>(c).await? {
        *counted.by_status.entry(status).or_default() += n;
        counted.erased += n;
    }
    counted.referred +=
        tombstones::table.filter(mine).filter(tombstones::referred_by_entry_id.is_not_null()).count().get_result::<i64>(c).await?;
    let days = tombstones::table.filter(mine).group_by(tombstones::day).select((tombstones::day, count_star()));
    days.load::<(Date, i64)>(c).await?.into_iter().for_each(|(day, n)| *counted.days.entry(day).or_default() += n);
    let variants = tombstones::table.filter(mine).group_by(tombstones::variant_id).select((tombstones::variant_id, count_star()));
    for (variant, n) in variants.load::<(Option<Uuid>, i64)>(c).await? {
        *counted.variants.entry(variant.unwrap_or_default()).or_default() += n;
    }
    if counted.erased > 0 {
        *counted.sources.entry(String::new()).or_default() += counted.erased;
    }
    Ok(())
}

async fn store(c: &mut AsyncPgConnection, id: WaitlistId, counted: &Count) -> QueryResult<()> {
    let list = id.uuid();
    let of = |status: EntryStatus| counted.by_status.get(status.as_str()).copied().unwrap_or(0);
    {
        use crate::schema::waitlist_totals::dsl::{approved, erased, pending, referred, rejected, waitlist_totals};
        let right = (
            pending.eq(of(EntryStatus::Pending)),
            approved.eq(of(EntryStatus::Approved)),
            rejected.eq(of(EntryStatus::Rejected)),
            referred.eq(counted.referred),
            erased.eq(counted.erased),
        );
        diesel::update(waitlist_totals.find(list)).set(right).execute(c).await?;
    }
    diesel::delete(waitlist_days::table.filter(waitlist_days::waitlist_id.eq(list))).execute(c).await?;
    for (day, n) in &counted.days {
        let row = (waitlist_days::waitlist_id.eq(list), waitlist_days::day.eq(day), waitlist_days::signups.eq(n));
        diesel::insert_into(waitlist_days::table).values(row).execute(c).await?;
    }
    diesel::delete(waitlist_sources::table.filter(waitlist_sources::waitlist_id.eq(list))).execute(c).await?;
    for (text, n) in &counted.sources {
        let row = (waitlist_sources::waitlist_id.eq(list), waitlist_sources::referrer.eq(text), waitlist_sources::signups.eq(n));
        diesel::insert_into(waitlist_sources::table).values(row).execute(c).await?;
    }
    diesel::delete(waitlist_variants::table.filter(waitlist_variants::waitlist_id.eq(list))).execute(c).await?;
    for (variant, n) in &counted.variants {
        let row = (waitlist_variants::waitlist_id.eq(list), waitlist_variants::variant_id.eq(variant), waitlist_variants::signups.eq(n));
        diesel::insert_into(waitlist_variants::table).values(row).execute(c).await?;
    }
    Ok(())
}
