//! The counters of a waitlist. The transaction of every change of its entries keeps them, and `rebuild` counts again on demand.

use std::collections::BTreeMap;

use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Text, Untyped};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::id::{VariantId, WaitlistId};
use rally_domain::tally::Tally;
use rally_domain::text::Referrer;
use uuid::Uuid;

use crate::convert::{Blob, to_bigint};
use crate::ledger_fill;
use crate::schema::{entries, tombstones, waitlist_days, waitlist_sources, waitlist_totals, waitlist_variants};
use crate::statement::statement;

/// Whether a list exists. A deleted list has no totals.
pub(crate) fn is_there(c: &mut SqliteConnection, list: Blob) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(waitlist_totals::table.find(list))).get_result(c)
}

/// Adds a tally to the counters of a list.
pub(crate) fn grow(c: &mut SqliteConnection, id: WaitlistId, tally: Tally) -> QueryResult<()> {
    // A sign-up erases nobody.
    let Tally { last_position, by_status, referred, days, sources, variants, erased: _ } = tally;
    // The order is that of EntryStatus::ALL.
    let [pending, approved, rejected] = by_status.map(to_bigint);
    let list = Blob(id.uuid());
    let totals = GrowTotals { last: to_bigint(last_position), pending, approved, rejected, referred: to_bigint(referred), list };
    totals.execute(c)?;
    for (day, number) in days {
        GrowDay { list, day: day.to_string(), number: to_bigint(number) }.execute(c)?;
    }
    for (source, number) in sources {
        GrowSource { list, source, number: to_bigint(number) }.execute(c)?;
    }
    for (variant, number) in variants {
        let variant = Blob(variant.map_or(Uuid::nil(), VariantId::uuid));
        GrowVariant { list, variant, number: to_bigint(number) }.execute(c)?;
    }
    Ok(())
}

/// Counts people who were erased before they came to a list.
pub(crate) fn add_erased(c: &mut SqliteConnection, list: WaitlistId, number: u64) -> QueryResult<usize> {
    use crate::schema::waitlist_totals::dsl::{erased, waitlist_totals};
    diesel::update(waitlist_totals.find(Blob(list.uuid()))).set(erased.eq(erased + to_bigint(number))).execute(c)
}

statement! {
    /// Adds to the totals of a list. The cursors of the ledger that are at the end stay there: sign-ups write their own rows.
    GrowTotals -> Untyped {
        "UPDATE waitlist_totals SET last_position = "
        last: BigInt = i64, ", pending = pending + "
        pending: BigInt = i64, ", approved = approved + "
        approved: BigInt = i64, ", rejected = rejected + "
        rejected: BigInt = i64, ", referred = referred + "
        referred: BigInt = i64, ", ledger_position = CASE ledger_position WHEN last_position THEN ?1 ELSE ledger_position END, \
            ledger_compared = CASE ledger_compared WHEN last_position THEN ?1 ELSE ledger_compared END WHERE waitlist_id = "
        list: Binary = Blob, ""
    }
}

statement! {
    /// Adds to the sign-ups of a day.
    GrowDay -> Untyped {
        "INSERT INTO waitlist_days (waitlist_id, day, signups) VALUES ("
        list: Binary = Blob, ", "
        day: Text = String, ", "
        number: BigInt = i64, ") ON CONFLICT (waitlist_id, day) DO UPDATE SET signups = signups + excluded.signups"
    }
}

statement! {
    /// Adds to the sign-ups of a source.
    GrowSource -> Untyped {
        "INSERT INTO waitlist_sources (waitlist_id, referrer, signups) VALUES ("
        list: Binary = Blob, ", "
        source: Text = String, ", "
        number: BigInt = i64, ") ON CONFLICT (waitlist_id, referrer) DO UPDATE SET signups = signups + excluded.signups"
    }
}

statement! {
    /// Adds to the sign-ups of a variant.
    GrowVariant -> Untyped {
        "INSERT INTO waitlist_variants (waitlist_id, variant_id, signups) VALUES ("
        list: Binary = Blob, ", "
        variant: Binary = Blob, ", "
        number: BigInt = i64, ") ON CONFLICT (waitlist_id, variant_id) DO UPDATE SET signups = signups + excluded.signups"
    }
}

/// Subtracts a deleted entry from the counters. `orphans` is how many entries have lost it as their referrer.
pub(crate) fn remove(c: &mut SqliteConnection, entry: &Entry, orphans: usize) -> QueryResult<()> {
    let referred = i64::from(entry.referred_by.is_some()) + to_bigint(orphans as u64);
    take_from_totals(c, entry, referred)?;
    take_from_day(c, entry)?;
    take_from_source(c, entry)?;
    take_from_variant(c, entry)
}

/// Counts an entry as erased. Its source is none from now on. `hidden` is how many referrers of it are deleted and still counted.
pub(crate) fn erase(c: &mut SqliteConnection, entry: &Entry, hidden: usize) -> QueryResult<()> {
    let list = Blob(entry.waitlist_id.uuid());
    {
        use crate::schema::waitlist_totals::dsl::{erased, referred, waitlist_totals};
        let change = (erased.eq(erased + 1), referred.eq(referred - to_bigint(hidden as u64)));
        diesel::update(waitlist_totals.find(list)).set(change).execute(c)?;
    }
    take_from_source(c, entry)?;
    GrowSource { list, source: String::new(), number: 1 }.execute(c).map(|_| ())
}

/// Counts an entry under another status.
pub(crate) fn change_status(c: &mut SqliteConnection, id: WaitlistId, from: EntryStatus, to: EntryStatus) -> QueryResult<()> {
    use crate::schema::waitlist_totals::dsl::{approved, pending, rejected, waitlist_totals};
    let moved = |status| i64::from(to == status) - i64::from(from == status);
    diesel::update(waitlist_totals.find(Blob(id.uuid())))
        .set((
            pending.eq(pending + moved(EntryStatus::Pending)),
            approved.eq(approved + moved(EntryStatus::Approved)),
            rejected.eq(rejected + moved(EntryStatus::Rejected)),
        ))
        .execute(c)
        .map(|_| ())
}

fn take_from_totals(c: &mut SqliteConnection, entry: &Entry, referrals: i64) -> QueryResult<()> {
    use crate::schema::waitlist_totals::dsl::{approved, pending, referred, rejected, waitlist_totals};
    let if_status = |status| i64::from(entry.status == status);
    diesel::update(waitlist_totals.find(Blob(entry.waitlist_id.uuid())))
        .set((
            pending.eq(pending - if_status(EntryStatus::Pending)),
            approved.eq(approved - if_status(EntryStatus::Approved)),
            rejected.eq(rejected - if_status(EntryStatus::Rejected)),
            referred.eq(referred - referrals),
        ))
        .execute(c)
        .map(|_| ())
}

fn take_from_day(c: &mut SqliteConnection, entry: &Entry) -> QueryResult<()> {
    use crate::schema::waitlist_days::dsl::{signups, waitlist_days};
    let (list, on) = (Blob(entry.waitlist_id.uuid()), entry.created_at.day().to_string());
    diesel::update(waitlist_days.find((list, on.as_str()))).set(signups.eq(signups - 1)).execute(c)?;
    diesel::delete(waitlist_days.find((list, on.as_str())).filter(signups.eq(0))).execute(c).map(|_| ())
}

fn take_from_source(c: &mut SqliteConnection, entry: &Entry) -> QueryResult<()> {
    use crate::schema::waitlist_sources::dsl::{signups, waitlist_sources};
    let (list, text) = (Blob(entry.waitlist_id.uuid()), entry.profile.referrer.as_ref().map_or("", Referrer::as_str));
    diesel::update(waitlist_sources.find((list, text))).set(signups.eq(signups - 1)).execute(c)?;
    diesel::delete(waitlist_sources.find((list, text)).filter(signups.eq(0))).execute(c).map(|_| ())
}

/// Counts an entry under another source.
pub(crate) fn move_source(c: &mut SqliteConnection, before: &Entry, after: &Entry) -> QueryResult<()> {
    if before.profile.referrer == after.profile.referrer {
        return Ok(());
    }
    take_from_source(c, before)?;
    let source = after.profile.referrer.as_ref().map_or("", Referrer::as_str).to_owned();
    GrowSource { list: Blob(after.waitlist_id.uuid()), source, number: 1 }.execute(c).map(|_| ())
}

fn take_from_variant(c: &mut SqliteConnection, entry: &Entry) -> QueryResult<()> {
    use crate::schema::waitlist_variants::dsl::{signups, waitlist_variants};
    let (list, variant) = (Blob(entry.waitlist_id.uuid()), Blob(entry.variant_id.map_or(Uuid::nil(), VariantId::uuid)));
    diesel::update(waitlist_variants.find((list, variant))).set(signups.eq(signups - 1)).execute(c)?;
    diesel::delete(waitlist_variants.find((list, variant)).filter(signups.eq(0))).execute(c).map(|_| ())
}

/// All counts of a list.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    by_status: BTreeMap<String, i64>,
    referred: i64,
    erased: i64,
    days: BTreeMap<String, i64>,
    sources: BTreeMap<String, i64>,
    variants: BTreeMap<Uuid, i64>,
}

/// Counts the rows of a list again and corrects its counters. Returns whether they were wrong.
pub(crate) fn rebuild(c: &mut SqliteConnection, id: WaitlistId) -> QueryResult<bool> {
    ledger_fill::fill_whole(c, id)?;
    let recounted = ledger_fill::recount(c, id)?;
    let (kept, counted) = (load(c, id)?, count(c, id)?);
    if kept == counted {
        return Ok(recounted);
    }
    store(c, id, &counted)?;
    Ok(true)
}

fn load(c: &mut SqliteConnection, id: WaitlistId) -> QueryResult<Count> {
    let list = Blob(id.uuid());
    let totals = {
        use crate::schema::waitlist_totals::dsl::{approved, erased, pending, referred, rejected, waitlist_totals};
        waitlist_totals.find(list).select((pending, approved, rejected, referred, erased)).first::<(i64, i64, i64, i64, i64)>(c)?
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
        days: days.load::<(String, i64)>(c)?.into_iter().collect(),
        sources: sources.load::<(String, i64)>(c)?.into_iter().collect(),
        variants: variants.load::<(Blob, i64)>(c)?.into_iter().map(|(id, n)| (id.0, n)).collect(),
    })
}

fn count(c: &mut SqliteConnection, id: WaitlistId) -> QueryResult<Count> {
    let mine = entries::waitlist_id.eq(Blob(id.uuid()));
    let by_status = entries::table.filter(mine).group_by(entries::status).select((entries::status, count_star()));
    let referred = entries::table.filter(mine).filter(entries::referred_by_entry_id.is_not_null()).count();
    // The DSL has no function from milliseconds to their day in UTC. A whole division would round instants before 1970 up.
    let day = diesel::dsl::sql::<diesel::sql_types::Text>("date(created_at / 1000.0, 'unixepoch')");
    let days = entries::table.filter(mine).group_by(day.clone()).select((day, count_star()));
    let sources = entries::table.filter(mine).group_by(entries::referrer).select((entries::referrer, count_star()));
    let variants = entries::table.filter(mine).group_by(entries::variant_id).select((entries::variant_id, count_star()));
    let (source, variant) = (
        |(text, n): (Option<String>, i64)| (text.unwrap_or_default(), n),
        |(id, n): (Option<Blob>, i64)| (id.map(|id| id.0).unwrap_or_default(), n),
    );
    let mut counted = Count {
        by_status: by_status.load::<(String, i64)>(c)?.into_iter().collect(),
        referred: referred.get_result(c)?,
        erased: 0,
        days: days.load::<(String, i64)>(c)?.into_iter().collect(),
        sources: sources.load(c)?.into_iter().map(source).collect(),
        variants: variants.load(c)?.into_iter().map(variant).collect(),
    };
    count_tombstones(c, id, &mut counted)?;
    Ok(counted)
}

/// Adds the tombstones of a list, which have no source.
fn count_tombstones(c: &mut SqliteConnection, id: WaitlistId, counted: &mut Count) -> QueryResult<()> {
    let mine = tombstones::waitlist_id.eq(Blob(id.uuid()));
    let by_status = tombstones::table.filter(mine).group_by(tombstones::status).select((tombstones::status, count_star()));
    for (status, n) in by_status.load::<(String, i64)>(c)? {
        *counted.by_status.entry(status).or_default() += n;
        counted.erased += n;
    }
    counted.referred +=
        tombstones::table.filter(mine).filter(tombstones::referred_by_entry_id.is_not_null()).count().get_result::<i64>(c)?;
    let days = tombstones::table.filter(mine).group_by(tombstones::day).select((tombstones::day, count_star()));
    days.load::<(String, i64)>(c)?.into_iter().for_each(|(day, n)| *counted.days.entry(day).or_default() += n);
    let variants = tombstones::table.filter(mine).group_by(tombstones::variant_id).select((tombstones::variant_id, count_star()));
    for (variant, n) in variants.load::<(Option<Blob>, i64)>(c)? {
        *counted.variants.entry(variant.map(|id| id.0).unwrap_or_default()).or_default() += n;
    }
    if counted.erased > 0 {
        *counted.sources.entry(String::new()).or_default() += counted.erased;
    }
    Ok(())
}

fn store(c: &mut SqliteConnection, id: WaitlistId, counted: &Count) -> QueryResult<()> {
    let list = Blob(id.uuid());
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
        diesel::update(waitlist_totals.find(list)).set(right).execute(c)?;
    }
    diesel::delete(waitlist_days::table.filter(waitlist_days::waitlist_id.eq(list))).execute(c)?;
    for (day, n) in &counted.days {
        let row = (waitlist_days::waitlist_id.eq(list), waitlist_days::day.eq(day), waitlist_days::signups.eq(n));
        diesel::insert_into(waitlist_days::table).values(row).execute(c)?;
    }
    diesel::delete(waitlist_sources::table.filter(waitlist_sources::waitlist_id.eq(list))).execute(c)?;
    for (text, n) in &counted.sources {
        let row = (waitlist_sources::waitlist_id.eq(list), waitlist_sources::referrer.eq(text), waitlist_sources::signups.eq(n));
        diesel::insert_into(waitlist_sources::table).values(row).execute(c)?;
    }
    diesel::delete(waitlist_variants::table.filter(waitlist_variants::waitlist_id.eq(list))).execute(c)?;
    for (variant, n) in &counted.variants {
        let row =
            (waitlist_variants::waitlist_id.eq(list), waitlist_variants::variant_id.eq(Blob(*variant)), waitlist_variants::signups.eq(n));
        diesel::insert_into(waitlist_variants::table).values(row).execute(c)?;
    }
    Ok(())
}
