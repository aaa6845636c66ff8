//! `entry_terms` has the terms of entries, which `rally_domain::search` makes. A worker writes them after the sign-up, and the transaction
//! of a changed profile replaces them.

use std::convert::Infallible;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Double;
use rally_domain::entry::Entry;
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::search::terms_of;

use crate::SqliteStore;
use crate::convert::{Blob, to_bigint};
use crate::entries::EntryRow;
use crate::fault::query_fault;
use crate::schema::{entries, entry_terms, waitlist_totals};

/// From this number of terms on a batch ends, so that sign-ups do not wait for it.
const TERMS_AT_ONCE: usize = 10_000;

/// The most lists in a batch.
const LISTS_AT_ONCE: usize = 32;

/// Writes the terms of a batch of entries that have none. Returns whether more may be left.
pub(crate) async fn index(store: &SqliteStore, most: usize) -> Result<bool, Fault> {
    // Most calls find nothing, and this read costs no write transaction.
    let lists = store.database.read(|c| behind(c).map_err(query_fault)).await?;
    if lists.is_empty() {
        return Ok(false);
    }
    store.database.write::<_, Infallible>(move |c| Ok(index_lists(c, &lists, most)?)).await.map_err(Into::into)
}

/// Some lists with entries whose terms are not written. Of many lists, each gets its turn.
fn behind(c: &mut SqliteConnection) -> QueryResult<Vec<Blob>> {
    use crate::schema::waitlist_totals::dsl::{last_position, search_position, waitlist_id};
    let behind = waitlist_totals::table.filter(search_position.lt(last_position)).order(sql::<Double>("random()"));
    behind.limit(to_bigint(LISTS_AT_ONCE as u64)).select(waitlist_id).load(c)
}

/// Writes the terms of a batch of entries of some lists. Returns whether more may be left. Each list has its share, so that one with many
/// new entries does not keep others waiting.
fn index_lists(c: &mut SqliteConnection, lists: &[Blob], most: usize) -> QueryResult<bool> {
    let share = to_bigint((most / lists.len().max(1)).max(1) as u64);
    let mut is_more_left = lists.len() == LISTS_AT_ONCE;
    for list in lists {
        is_more_left |= index_list(c, *list, share)?;
    }
    Ok(is_more_left)
}

/// Writes the terms of at most so many entries of a list. Returns whether more may be left.
fn index_list(c: &mut SqliteConnection, list: Blob, most: i64) -> QueryResult<bool> {
    let cursors = waitlist_totals::table.find(list).select((waitlist_totals::last_position, waitlist_totals::search_position));
    let Some((last, after)) = cursors.first::<(i64, i64)>(c).optional()? else { return Ok(false) };
    let batch = entries::table.filter(entries::waitlist_id.eq(list).and(entries::position.gt(after))).order(entries::position).limit(most);
    let batch: Vec<EntryRow> = batch.select(EntryRow::as_select()).load(c)?;
    let (mut is_full, mut next, mut written) = (to_bigint(batch.len() as u64) == most, last, 0);
    for row in batch {
        let position = row.position;
        // A row that does not read as an entry cannot be found, and must not stop those behind it.
        match Entry::try_from(row) {
            Ok(entry) => written += write_terms(c, &entry)?,
            Err(fault) => tracing::error!(list = %list.0, position, cause = %fault, "an entry cannot be read, so no search finds it"),
        }
        is_full |= written >= TERMS_AT_ONCE;
        if is_full {
            next = position;
        }
        if written >= TERMS_AT_ONCE {
            break;
        }
    }
    diesel::update(waitlist_totals::table.find(list)).set(waitlist_totals::search_position.eq(next)).execute(c)?;
    Ok(is_full)
}

/// Writes the terms of an entry. Those that are there stay. Returns how many it has.
fn write_terms(c: &mut SqliteConnection, entry: &Entry) -> QueryResult<usize> {
    let terms = terms_of(entry);
    let number = terms.len();
    for term in terms {
        let row = (
            entry_terms::waitlist_id.eq(Blob(entry.waitlist_id.uuid())),
            entry_terms::position.eq(to_bigint(entry.position.number())),
            entry_terms::term.eq(term),
        );
        diesel::insert_or_ignore_into(entry_terms::table).values(row).execute(c)?;
    }
    Ok(number)
}

/// Replaces the terms of an entry, in the transaction of its change.
pub(crate) fn replace_terms(c: &mut SqliteConnection, entry: &Entry) -> QueryResult<()> {
    let (list, position) = (Blob(entry.waitlist_id.uuid()), to_bigint(entry.position.number()));
    let old = entry_terms::table.filter(entry_terms::waitlist_id.eq(list).and(entry_terms::position.eq(position)));
    diesel::delete(old).execute(c)?;
    write_terms(c, entry).map(|_| ())
}

/// Has the terms of entries written that are inserted before the last position of their list.
pub(crate) fn index_again(c: &mut SqliteConnection, list: WaitlistId, new: &[Entry]) -> QueryResult<()> {
    let Some(first) = new.iter().map(|entry| entry.position.number()).min() else { return Ok(()) };
    let before = to_bigint(first.saturating_sub(1));
    let is_behind = waitlist_totals::waitlist_id.eq(Blob(list.uuid())).and(waitlist_totals::search_position.gt(before));
    diesel::update(waitlist_totals::table.filter(is_behind)).set(waitlist_totals::search_position.eq(before)).execute(c).map(|_| ())
}
