//! `entry_terms` has the terms of entries, which `rally_domain::search` makes. A worker writes them after the sign-up, so that a sign-up
//! pays nothing for them, and the transaction of a changed profile replaces them.

use std::collections::BTreeMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{self, Array, BigInt, Double, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::entry::Entry;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::WaitlistId;
use rally_domain::search::terms_of;
use uuid::Uuid;

use crate::convert::to_bigint;
use crate::entries::EntryRow;
use crate::fault::{Abort, query_fault};
use crate::schema::{entries, waitlist_totals, waitlists};
use crate::statement::statement;
use crate::{PgStore, transaction};

/// The most lists in a batch.
const LISTS_AT_ONCE: usize = 32;

/// Writes the terms of a batch of entries that have none. Returns whether more may be left.
pub(crate) async fn index(store: &PgStore, most: usize) -> Result<bool, Fault> {
    use crate::schema::waitlist_totals::dsl::{last_position, search_position, waitlist_id};
    // Of many lists, each gets its turn.
    let behind = waitlist_totals::table.filter(search_position.lt(last_position)).order(sql::<Double>("random()"));
    let behind = behind.limit(to_bigint(LISTS_AT_ONCE as u64)).select(waitlist_id);
    let lists: Vec<Uuid> = behind.load(&mut store.connection().await?).await.map_err(query_fault)?;
    if lists.is_empty() {
        return Ok(false);
    }
    if let Some(is_more_left) = index_lists(store, &lists, most).await? {
        return Ok(is_more_left || lists.len() == LISTS_AT_ONCE);
    }
    // One of them was locked, or has changed. It must not stop the others.
    for list in lists.chunks(1).filter(|_| lists.len() > 1) {
        index_lists(store, list, most).await?;
    }
    Ok(true)
}

/// Begins a batch. If a crash of the machine undoes it, a later one does the same. A batch waits at most 250 ms for a lock.
const BEGIN_BATCH: &str = "BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = '250ms'";

/// Why a batch is written again.
#[derive(Debug, thiserror::Error)]
#[error("a list has changed while terms were written, or is locked")]
struct Overtaken;

/// Turns a lock timeout, on any row, into [`Overtaken`]: others are at work on the list.
fn locked(abort: Abort<Overtaken>) -> Abort<Overtaken> {
    if abort.is_locked_out() { Abort::Rejected(Overtaken) } else { abort }
}

/// Writes the terms of a batch of entries of some lists. Returns whether more may be left, or `None` if it was overtaken.
///
/// Sign-ups go on meanwhile: all rows up to the last position are committed. Whatever changes one of them adds to `search_changes`, with
/// the list locked, so that the batch is written again.
async fn index_lists(store: &PgStore, lists: &[Uuid], most: usize) -> Result<Option<bool>, Fault> {
    let outcome: Result<bool, CommandError<Overtaken>> =
        transaction!(store, BEGIN_BATCH, |c| index_batch(c, lists, most).await.map_err(locked));
    match outcome {
        Ok(is_more_left) => Ok(Some(is_more_left)),
        Err(CommandError::Rejected(Overtaken)) => Ok(None),
        Err(CommandError::Fault(fault)) => Err(fault),
    }
}

/// How far a list is.
#[derive(Queryable, Clone, Copy)]
struct Cursor {
    list: Uuid,
    last: i64,
    search: i64,
    changes: i64,
}

async fn index_batch(c: &mut AsyncPgConnection, lists: &[Uuid], most: usize) -> Result<bool, Abort<Overtaken>> {
    use crate::schema::waitlist_totals::dsl::{last_position, search_changes, search_position, waitlist_id};
    // One process at a time is at a list. Sign-ups do not wait for it: they lock the totals.
    let claim = waitlists::table.filter(waitlists::id.eq_any(lists)).order(waitlists::id).select(waitlists::id).for_no_key_update();
    claim.load::<Uuid>(c).await?;
    let columns = (waitlist_id, last_position, search_position, search_changes);
    let of_lists = waitlist_totals::table.filter(waitlist_id.eq_any(lists).and(search_position.lt(last_position))).order(waitlist_id);
    let cursors = of_lists.select(columns).load::<Cursor>(c).await?;
    if cursors.is_empty() {
        return Ok(false);
    }
    // Each list has its share, so that one with many new entries does not keep others waiting.
    let share = (most / cursors.len()).max(1);
    let found: Vec<NextRow> = FindBatch::of(&cursors, share).load(c).await?;
    let mut positions: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
    for row in &found {
        positions.entry(row.list).or_default().push(row.position);
    }
    let full = |list: Uuid| positions.get(&list).filter(|positions| positions.len() == share);
    let next = |cursor: &Cursor| full(cursor.list).and_then(|positions| positions.iter().max().copied()).unwrap_or(cursor.last);
    let steps: Vec<Step> = cursors.iter().map(|from| Step { from: *from, next: next(from) }).collect();
    let is_more_left = steps.iter().any(|step| full(step.from.list).is_some());
    let ids: Vec<Uuid> = found.into_iter().map(|row| row.id).collect();
    let batch: Vec<EntryRow> = entries::table.filter(entries::id.eq_any(ids)).select(EntryRow::as_select()).load(c).await?;
    delete_terms(c, steps.iter().map(|step| (step.from.list, step.from.search + 1, step.next))).await?;
    // A row that does not read as an entry cannot be found, and must not stop those behind it.
    let unread = |fault: &Fault| tracing::error!(cause = %fault, "an entry cannot be read, so no search finds it");
    let batch: Vec<Entry> = batch.into_iter().filter_map(|row| Entry::try_from(row).inspect_err(unread).ok()).collect();
    write_terms(c, &batch).await?;
    let of_steps = waitlist_totals::table.filter(waitlist_id.eq_any(steps.iter().map(|step| step.from.list))).order(waitlist_id);
    let now = of_steps.select(columns).for_update().load::<Cursor>(c).await?;
    let is_as_before = |(step, now): (&Step, &Cursor)| step.from.search == now.search && step.from.changes == now.changes;
    if now.len() != steps.len() || !steps.iter().zip(&now).all(is_as_before) {
        return Err(Abort::Rejected(Overtaken));
    }
    let (lists, positions) = steps.iter().map(|step| (step.from.list, step.next)).unzip();
    Advance { lists, positions }.execute(c).await?;
    Ok(is_more_left)
}

/// How far a batch brings a list.
struct Step {
    from: Cursor,
    next: i64,
}

#[derive(QueryableByName)]
struct NextRow {
    #[diesel(sql_type = sql_types::Uuid)]
    list: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    position: i64,
}

statement! {
    /// Finds entries without terms, of each list those that come next.
    FindBatch {
        "SELECT asked.list, new.id, new.position FROM unnest("
        lists: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        after: Array<BigInt> = Vec<i64>, ", "
        last: Array<BigInt> = Vec<i64>, ") AS asked (list, after, last) CROSS JOIN LATERAL (
            SELECT id, position FROM entries WHERE waitlist_id = asked.list AND position > asked.after AND position <= asked.last
            ORDER BY position LIMIT " share: BigInt = i64, "
        ) new"
    }
}

impl FindBatch {
    fn of(cursors: &[Cursor], share: usize) -> Self {
        Self {
            lists: cursors.iter().map(|cursor| cursor.list).collect(),
            after: cursors.iter().map(|cursor| cursor.search).collect(),
            last: cursors.iter().map(|cursor| cursor.last).collect(),
            share: to_bigint(share as u64),
        }
    }
}

statement! {
    /// Notes how far lists are.
    Advance {
        "UPDATE waitlist_totals SET search_position = reached.position FROM unnest("
        lists: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        positions: Array<BigInt> = Vec<i64>, ") AS reached (list, position) WHERE waitlist_totals.waitlist_id = reached.list"
    }
}

async fn write_terms(c: &mut AsyncPgConnection, batch: &[Entry]) -> QueryResult<()> {
    let mut write = WriteTerms { lists: Vec::new(), positions: Vec::new(), terms: Vec::new() };
    for entry in batch {
        for term in terms_of(entry) {
            write.lists.push(entry.waitlist_id.uuid());
            write.positions.push(to_bigint(entry.position.number()));
            write.terms.push(term);
        }
    }
    write.execute(c).await.map(|_| ())
}

/// Replaces the terms of an entry, in the transaction of its change. The list is locked.
pub(crate) async fn replace_terms(c: &mut AsyncPgConnection, entry: &Entry) -> QueryResult<()> {
    let (list, position) = (entry.waitlist_id.uuid(), to_bigint(entry.position.number()));
    note_change(c, list, i64::MAX).await?;
    delete_terms(c, std::iter::once((list, position, position))).await?;
    write_terms(c, std::slice::from_ref(entry)).await
}

/// Deletes the terms of entries, of each list those between two positions.
async fn delete_terms(c: &mut AsyncPgConnection, old: impl Iterator<Item = (Uuid, i64, i64)>) -> QueryResult<()> {
    let mut delete = DeleteTerms { lists: Vec::new(), first: Vec::new(), last: Vec::new() };
    for (list, first, last) in old {
        delete.lists.push(list);
        delete.first.push(first);
        delete.last.push(last);
    }
    delete.execute(c).await.map(|_| ())
}

/// Has the terms of entries written that are inserted before the last position of their list.
pub(crate) async fn index_again(c: &mut AsyncPgConnection, list: WaitlistId, new: &[Entry]) -> QueryResult<()> {
    let Some(first) = new.iter().map(|entry| entry.position.number()).min() else { return Ok(()) };
    note_change(c, list.uuid(), to_bigint(first.saturating_sub(1))).await
}

/// Notes that something has changed, and that no more terms are written than up to a position.
async fn note_change(c: &mut AsyncPgConnection, list: Uuid, up_to: i64) -> QueryResult<()> {
    NoteChange { up_to, list }.execute(c).await.map(|_| ())
}

statement! {
    /// Notes a change of a list.
    NoteChange {
        "UPDATE waitlist_totals SET search_changes = search_changes + 1, search_position = least(search_position, "
        up_to: BigInt = i64, ") WHERE waitlist_id = " list: sql_types::Uuid = Uuid, ""
    }
}

statement! {
    /// Writes terms of entries that have none.
    WriteTerms {
        "INSERT INTO entry_terms (waitlist_id, position, term) SELECT * FROM unnest("
        lists: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        positions: Array<BigInt> = Vec<i64>, ", "
        terms: Array<Text> = Vec<String>, ")"
    }
}

statement! {
    /// Deletes terms.
    DeleteTerms {
        "DELETE FROM entry_terms t USING unnest("
        lists: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        first: Array<BigInt> = Vec<i64>, ", "
        last: Array<BigInt> = Vec<i64>, ") AS old (list, first, last)
        WHERE t.waitlist_id = old.list AND t.position >= old.first AND t.position <= old.last"
    }
}
