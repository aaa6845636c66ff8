//! [`PurgeStore`] on SQLite. Each batch is a transaction of its own, so another write waits for at most one batch.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use diesel::connection::SimpleConnection;
use diesel::dsl::{NotEq, Or};
use diesel::prelude::*;
use diesel::result::Error::DeserializationError;
use diesel::sql_types;
use rally_domain::error::Fault;
use rally_domain::event::{Event, EventSubject};
use rally_domain::id::{EntryId, EventId, WaitlistId, WebhookId, WorkspaceId};
use rally_domain::port::PurgeStore;
use rally_domain::queue::JobState;
use rally_domain::timestamp::Timestamp;
use uuid::Uuid;

use crate::condition::Condition;
use crate::convert::{Blob, from_bigint, to_bigint};
use crate::fault::query_fault;
use crate::schema::{
    attempts, deliveries, entries, events, mails, old_codes, purges, referrals as ledger, signup_requests, suppressions, tombstones,
    waitlist_days, waitlist_sources, waitlist_totals, webhooks,
};
use crate::{BUSY_TIMEOUT, SqliteStore, counters, referrals};

/// A waitlist whose row is deleted.
pub(crate) const WAITLIST: &str = "waitlist";
/// A webhook whose row is deleted.
pub(crate) const WEBHOOK: &str = "webhook";
/// A workspace whose row is deleted.
pub(crate) const WORKSPACE: &str = "workspace";
/// An entry that is deleted, and that other entries still name as their referrer.
const ENTRY: &str = "entry";
/// An entry that was erased: other tables still have data of the person.
const TRACES: &str = "traces";
/// A webhook that was disabled or enabled: its deliveries of earlier generations are held.
const HELD: &str = "held";

#[async_trait]
impl PurgeStore for SqliteStore {
    async fn purge(&self, rows: usize) -> Result<bool, Fault> {
        let most = to_bigint(rows as u64);
        // Most calls find nothing, and this read costs no write transaction.
        let any = |c: &mut SqliteConnection| purges::table.select(purges::kind).first::<String>(c).optional();
        if self.database.read(move |c| any(c).map_err(query_fault)).await?.is_none() {
            return Ok(false);
        }
        let purged = self.database.write::<_, Infallible>(move |c| Ok(purge(c, most)?)).await;
        // A purge that fails, or takes long, holds up no other. Many that end together empty the log once.
        if !matches!(purged, Ok(true)) || self.log_emptied.is_due() {
            self.database.in_writer(empty_log).await?.map_err(query_fault)?;
        }
        Ok(purged?)
    }

    async fn find_orphans(&self) -> Result<u64, Fault> {
        let found = self.database.write::<_, Infallible>(|c| {
            let mut found = 0;
            for (kind, orphans) in [(WAITLIST, ORPHANS_OF_WAITLISTS), (WEBHOOK, ORPHANS_OF_WEBHOOKS), (WORKSPACE, ORPHANS_OF_WORKSPACES)] {
                for orphan in diesel::sql_query(orphans).load::<Orphan>(c)? {
                    found += begin(c, kind, orphan.id)? as u64;
                }
            }
            found += diesel::sql_query(BEGIN_TRACES).execute(c)? as u64;
            Ok(found)
        });
        Ok(found.await?)
    }

    async fn backlog(&self) -> Result<u64, Fault> {
        self.database.read(|c| purges::table.count().get_result(c).map(from_bigint).map_err(query_fault)).await
    }
}

/// `after_position` of a [`TRACES`] purge that has only the log left: no row has data of the person, and the log may still have.
const ONLY_LOG: i64 = 1;

/// How long the emptying of the log waits for readers. Writes wait meanwhile.
const PATIENCE: Duration = Duration::from_millis(20);

/// When the log was last emptied, or tried to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct LogEmptied(Arc<Mutex<Option<Instant>>>);

impl LogEmptied {
    /// How often the log is emptied while purges end one after the other.
    const PACE: Duration = Duration::from_secs(1);

    /// Returns whether it is time, and notes that it is done.
    fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| last.elapsed() >= Self::PACE);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}

/// Empties the log for the purges that have only that left, and ends them. If something reads for longer, they stay, for the next call.
fn empty_log(c: &mut SqliteConnection) -> QueryResult<()> {
    let waiting = || purges::table.filter(purges::kind.eq(TRACES).and(purges::after_position.eq(ONLY_LOG)));
    if diesel::select(diesel::dsl::exists(waiting())).get_result(c)? && is_log_emptied(c)? {
        diesel::delete(waiting()).execute(c)?;
    }
    Ok(())
}

/// Moves the pages of the log into the database and cuts the log to nothing. Returns whether it did.
/// See <https://www.sqlite.org/pragma.html#pragma_wal_checkpoint>.
fn is_log_emptied(c: &mut SqliteConnection) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Checkpoint {
        #[diesel(sql_type = sql_types::Integer)]
        busy: i32,
    }
    wait_at_most(c, PATIENCE)?;
    let outcome = diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result::<Checkpoint>(c);
    wait_at_most(c, BUSY_TIMEOUT)?;
    Ok(outcome?.busy == 0)
}

fn wait_at_most(c: &mut SqliteConnection, time: Duration) -> QueryResult<()> {
    c.batch_execute(&format!("PRAGMA busy_timeout = {}", time.as_millis()))
}

#[derive(QueryableByName)]
struct Orphan {
    #[diesel(sql_type = sql_types::Binary)]
    id: Blob,
}

/// Missing waitlists that other rows still belong to. The statement hops from one list to the next in an index that begins with
/// the list. Older programs leave such rows: they expect the database to delete the rows that belong to a list.
const ORPHANS_OF_WAITLISTS: &str = "
WITH RECURSIVE of_entries (id) AS (
    SELECT min(waitlist_id) FROM entries
    UNION ALL SELECT (SELECT min(e.waitlist_id) FROM entries e WHERE e.waitlist_id > l.id) FROM of_entries l WHERE l.id IS NOT NULL
), of_events (id) AS (
    SELECT min(waitlist_id) FROM events
    UNION ALL SELECT (SELECT min(e.waitlist_id) FROM events e WHERE e.waitlist_id > l.id) FROM of_events l WHERE l.id IS NOT NULL
), of_sources (id) AS (
    SELECT min(waitlist_id) FROM waitlist_sources
    UNION ALL SELECT (SELECT min(s.waitlist_id) FROM waitlist_sources s WHERE s.waitlist_id > l.id) FROM of_sources l WHERE l.id IS NOT NULL
), of_tombstones (id) AS (
    SELECT min(waitlist_id) FROM tombstones
    UNION ALL SELECT (SELECT min(t.waitlist_id) FROM tombstones t WHERE t.waitlist_id > l.id) FROM of_tombstones l WHERE l.id IS NOT NULL
), of_referrals (id) AS (
    SELECT min(waitlist_id) FROM referrals
    UNION ALL SELECT (SELECT min(r.waitlist_id) FROM referrals r WHERE r.waitlist_id > l.id) FROM of_referrals l WHERE l.id IS NOT NULL
)
SELECT id FROM (
    SELECT id FROM of_entries UNION SELECT id FROM of_events UNION SELECT id FROM of_sources UNION SELECT id FROM of_tombstones
    UNION SELECT id FROM of_referrals
)
WHERE id IS NOT NULL AND id NOT IN (SELECT waitlist_id FROM waitlist_totals)";

/// The same for webhooks.
const ORPHANS_OF_WEBHOOKS: &str = "
WITH RECURSIVE of_deliveries (id) AS (
    SELECT min(webhook_id) FROM deliveries
    UNION ALL SELECT (SELECT min(d.webhook_id) FROM deliveries d WHERE d.webhook_id > l.id) FROM of_deliveries l WHERE l.id IS NOT NULL
), of_attempts (id) AS (
    SELECT min(webhook_id) FROM attempts
    UNION ALL SELECT (SELECT min(a.webhook_id) FROM attempts a WHERE a.webhook_id > l.id) FROM of_attempts l WHERE l.id IS NOT NULL
)
SELECT id FROM (SELECT id FROM of_deliveries UNION SELECT id FROM of_attempts)
WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM webhooks)";

/// The same for workspaces. An older program deletes the note of such a purge without a look at the rows.
const ORPHANS_OF_WORKSPACES: &str = "
WITH RECURSIVE of_suppressions (id) AS (
    SELECT min(workspace_id) FROM suppressions
    UNION ALL
    SELECT (SELECT min(s.workspace_id) FROM suppressions s WHERE s.workspace_id > l.id) FROM of_suppressions l WHERE l.id IS NOT NULL
)
SELECT id FROM of_suppressions WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM workspaces)";

/// Notes the purges of erased entries that lack one.
const BEGIN_TRACES: &str = "
INSERT OR IGNORE INTO purges (kind, target, waitlist_id) SELECT 'traces', id, waitlist_id FROM tombstones
WHERE has_traces ORDER BY waitlist_id LIMIT 10000";

/// Notes a purge in the transaction of a deletion, and returns whether it is new, as 1 or 0.
pub(crate) fn begin(c: &mut SqliteConnection, kind: &str, target: Blob) -> QueryResult<usize> {
    diesel::insert_or_ignore_into(purges::table).values((purges::kind.eq(kind), purges::target.eq(target))).execute(c)
}

/// Notes that the pending deliveries of earlier generations of a webhook are to be held.
pub(crate) fn hold(c: &mut SqliteConnection, id: WebhookId) -> QueryResult<usize> {
    begin(c, HELD, Blob(id.uuid()))
}

/// Notes that entries are to forget their deleted referrer.
pub(crate) fn forget(c: &mut SqliteConnection, list: WaitlistId, id: EntryId) -> QueryResult<usize> {
    begin_of_entry(c, ENTRY, list, id)
}

/// Notes that the data of the person of an erased entry is to be removed from other tables.
pub(crate) fn remove_traces(c: &mut SqliteConnection, list: WaitlistId, id: EntryId) -> QueryResult<usize> {
    begin_of_entry(c, TRACES, list, id)
}

/// Notes that the log still has what this transaction deletes of a person.
pub(crate) fn empty_log_later(c: &mut SqliteConnection, target: Uuid) -> QueryResult<usize> {
    let row = (purges::kind.eq(TRACES), purges::target.eq(Blob(target)), purges::after_position.eq(ONLY_LOG));
    diesel::insert_or_ignore_into(purges::table).values(row).execute(c)
}

fn begin_of_entry(c: &mut SqliteConnection, kind: &str, list: WaitlistId, id: EntryId) -> QueryResult<usize> {
    let row = (purges::kind.eq(kind), purges::target.eq(Blob(id.uuid())), purges::waitlist_id.eq(Blob(list.uuid())));
    diesel::insert_or_ignore_into(purges::table).values(row).execute(c)
}

#[derive(Clone, QueryableByName)]
#[diesel(table_name = purges, check_for_backend(diesel::sqlite::Sqlite))]
struct Purge {
    kind: String,
    target: Blob,
    waitlist_id: Option<Blob>,
    after_position: i64,
    after_id: Option<Blob>,
}

/// Does one batch of one purge. Returns whether there was one.
fn purge(c: &mut SqliteConnection, most: i64) -> QueryResult<bool> {
    let Some(purge) = diesel::sql_query(NEXT).get_result::<Purge>(c).optional()? else { return Ok(false) };
    let purged = match purge.kind.as_str() {
        WAITLIST => purge_waitlist(c, &purge, most)?,
        WEBHOOK => purge_webhook(c, &purge, most)?,
        WORKSPACE => purge_workspace(c, &purge, most)?,
        ENTRY => purge_referrer(c, &purge, most)?,
        TRACES => purge_traces(c, &purge, most)?,
        HELD => purge_held(c, &purge, most)?,
        _ => return Ok(false),
    };
    if !purged && purge.kind == TRACES {
        go_on(c, &Purge { after_position: ONLY_LOG, ..purge })?;
    } else if !purged {
        diesel::delete(purges::table.find((&purge.kind, purge.target))).execute(c)?;
    }
    Ok(true)
}

/// A purge that has rows left: one of the first from a kind on that is drawn, else one of the first of all. There may be many, and one that
/// fails must not stop the others. A kind that this program does not know is left for the newer one that noted it.
const NEXT: &str = "
SELECT kind, target, waitlist_id, after_position, after_id FROM (
    SELECT *, 1 AS turn FROM (
        SELECT * FROM purges
        WHERE kind >= (SELECT CASE abs(random() % 6) WHEN 0 THEN 'entry' WHEN 1 THEN 'held' WHEN 2 THEN 'traces' WHEN 3 THEN 'waitlist'
            WHEN 4 THEN 'webhook' ELSE 'workspace' END)
            AND kind IN ('entry', 'held', 'traces', 'waitlist', 'webhook', 'workspace') AND (kind <> 'traces' OR after_position <> 1)
        ORDER BY kind, target LIMIT 64
    )
    UNION ALL SELECT *, 2 AS turn FROM (
        SELECT * FROM purges
        WHERE kind IN ('entry', 'held', 'traces', 'waitlist', 'webhook', 'workspace') AND (kind <> 'traces' OR after_position <> 1)
        ORDER BY kind, target LIMIT 64
    )
) ORDER BY turn, random() LIMIT 1";

/// Purges that have rows left.
fn has_rows() -> Or<NotEq<purges::kind, &'static str>, NotEq<purges::after_position, i64>> {
    purges::kind.ne(TRACES).or(purges::after_position.ne(ONLY_LOG))
}

/// Deletes a batch of the rows of a waitlist. Returns whether there were any. Entries go by position, with their mails and
/// events. The traces of erased entries go first, because the answers of receivers are found by the events.
fn purge_waitlist(c: &mut SqliteConnection, purge: &Purge, most: i64) -> QueryResult<bool> {
    let list = purge.target;
    let traces = purges::table.filter(purges::kind.eq(TRACES).and(purges::waitlist_id.eq(list)).and(has_rows()));
    if diesel::select(diesel::dsl::exists(traces)).get_result(c)? {
        return Ok(true);
    }
    let batch = entries::table
        .filter(entries::waitlist_id.eq(list).and(entries::position.gt(purge.after_position)))
        .order(entries::position)
        .limit(most)
        .select((entries::id, entries::position));
    let batch: Vec<(Blob, i64)> = batch.load(c)?;
    if let Some((_, last)) = batch.last() {
        for (id, _) in &batch {
            diesel::delete(mails::table.filter(mails::entry_id.eq(*id))).execute(c)?;
            let told = events::table.filter(events::waitlist_id.eq(list).and(events::entry_id.eq(*id))).select(events::id);
            let told: Vec<Blob> = told.load(c)?;
            forget_events(c, &told)?;
            diesel::delete(entries::table.find(*id)).execute(c)?;
        }
        return go_on(c, &Purge { after_position: *last, ..purge.clone() });
    }
    let left: Vec<Blob> = mails::table.filter(mails::waitlist_id.eq(list)).limit(most).select(mails::id).load(c)?;
    if !left.is_empty() {
        diesel::delete(mails::table.filter(mails::id.eq_any(left))).execute(c)?;
        return Ok(true);
    }
    // Each is the condition of an index.
    for condition in [Condition("state = 'waiting'"), Condition("state <> 'waiting'")] {
        let of_list = signup_requests::table.filter(condition.and(signup_requests::waitlist_id.eq(list)));
        let left: Vec<Blob> = of_list.limit(most).select(signup_requests::id).load(c)?;
        if !left.is_empty() {
            diesel::delete(signup_requests::table.filter(signup_requests::id.eq_any(left))).execute(c)?;
            return Ok(true);
        }
    }
    // These events are tests, or belong to entries that were deleted before.
    let left: Vec<Blob> = events::table.filter(events::waitlist_id.eq(list)).limit(most).select(events::id).load(c)?;
    if !left.is_empty() {
        forget_events(c, &left)?;
        return Ok(true);
    }
    let of_list = || waitlist_sources::table.filter(waitlist_sources::waitlist_id.eq(list));
    let left: Vec<String> = of_list().limit(most).select(waitlist_sources::referrer).load(c)?;
    if !left.is_empty() {
        diesel::delete(of_list().filter(waitlist_sources::referrer.eq_any(left))).execute(c)?;
        return Ok(true);
    }
    let left: Vec<Blob> = tombstones::table.filter(tombstones::waitlist_id.eq(list)).limit(most).select(tombstones::id).load(c)?;
    if !left.is_empty() {
        diesel::delete(tombstones::table.filter(tombstones::id.eq_any(left))).execute(c)?;
        return Ok(true);
    }
    let left: Vec<Blob> = ledger::table.filter(ledger::waitlist_id.eq(list)).limit(most).select(ledger::id).load(c)?;
    if !left.is_empty() {
        diesel::delete(ledger::table.filter(ledger::id.eq_any(left))).execute(c)?;
        return Ok(true);
    }
    let left = old_codes::table.filter(old_codes::waitlist_id.eq(list)).limit(most).select(old_codes::code);
    let left: Vec<String> = left.load(c)?;
    if !left.is_empty() {
        diesel::delete(old_codes::table.filter(old_codes::waitlist_id.eq(list).and(old_codes::code.eq_any(left)))).execute(c)?;
        return Ok(true);
    }
    // There is one row per day, so there are never many.
    diesel::delete(waitlist_days::table.filter(waitlist_days::waitlist_id.eq(list))).execute(c)?;
    Ok(false)
}

/// Deletes events with their deliveries. Of those with a number the row stays, empty, so that a reader of the feed goes on after it.
fn forget_events(c: &mut SqliteConnection, ids: &[Blob]) -> QueryResult<()> {
    let empty = || (events::waitlist_id.eq(None::<Blob>), events::entry_id.eq(None::<Blob>), events::body.eq(""));
    for id in ids {
        if diesel::update(events::table.find(*id).filter(events::feed_number.is_not_null())).set(empty()).execute(c)? > 0 {
            diesel::delete(deliveries::table.filter(deliveries::event_id.eq(*id))).execute(c)?;
        } else {
            diesel::delete(events::table.find(*id)).execute(c)?;
        }
    }
    Ok(())
}

/// Deletes a batch of the rows of a webhook. Returns whether there were any.
fn purge_webhook(c: &mut SqliteConnection, purge: &Purge, most: i64) -> QueryResult<bool> {
    let webhook = purge.target;
    let batch = deliveries::table.filter(deliveries::webhook_id.eq(webhook)).order(deliveries::event_id).limit(most);
    let batch: Vec<Blob> = batch.select(deliveries::event_id).load(c)?;
    if !batch.is_empty() {
        let some = deliveries::webhook_id.eq(webhook).and(deliveries::event_id.eq_any(batch));
        diesel::delete(deliveries::table.filter(some)).execute(c)?;
        return Ok(true);
    }
    let left: Vec<Blob> = attempts::table.filter(attempts::webhook_id.eq(webhook)).limit(most).select(attempts::id).load(c)?;
    Ok(diesel::delete(attempts::table.filter(attempts::id.eq_any(left))).execute(c)? > 0)
}

/// Deletes a batch of the rows of a workspace. Returns whether there were any.
fn purge_workspace(c: &mut SqliteConnection, purge: &Purge, most: i64) -> QueryResult<bool> {
    let left = suppressions::table.filter(suppressions::workspace_id.eq(purge.target)).limit(most);
    let left: Vec<Blob> = left.select(suppressions::id).load(c)?;
    let suppressions = diesel::delete(suppressions::table.filter(suppressions::id.eq_any(left))).execute(c)?;
    let tests = mails::table.filter(mails::workspace_id.eq(purge.target).and(mails::waitlist_id.is_null())).limit(most);
    let tests: Vec<Blob> = tests.select(mails::id).load(c)?;
    Ok(suppressions + diesel::delete(mails::table.filter(mails::id.eq_any(tests))).execute(c)? > 0)
}

/// Makes a batch of entries forget their deleted referrer, with what admins wrote of it, and updates the totals. Returns whether more may
/// be left.
fn purge_referrer(c: &mut SqliteConnection, purge: &Purge, most: i64) -> QueryResult<bool> {
    let Some(list) = purge.waitlist_id else { return Ok(false) };
    // If the list is deleted too, its own purge deletes these entries.
    if !counters::is_there(c, list)? {
        return Ok(false);
    }
    let forgotten = to_bigint(forget_referrer(c, purge.target, most)? as u64);
    if forgotten > 0 {
        let fewer = waitlist_totals::referred.eq(waitlist_totals::referred - forgotten);
        diesel::update(waitlist_totals::table.find(list)).set(fewer).execute(c)?;
    }
    let silenced = to_bigint(referrals::forget_reasons(c, purge.target, most)? as u64);
    Ok(forgotten.max(silenced) == most)
}

/// Makes at most so many entries forget their referrer, those that are erased last. Returns how many did.
pub(crate) fn forget_referrer(c: &mut SqliteConnection, id: Blob, most: i64) -> QueryResult<usize> {
    let referred: Vec<Blob> = entries::table.filter(entries::referred_by_entry_id.eq(id)).limit(most).select(entries::id).load(c)?;
    let left = most - to_bigint(referred.len() as u64);
    let nobody = entries::referred_by_entry_id.eq(None::<Blob>);
    let forgotten = diesel::update(entries::table.filter(entries::id.eq_any(referred))).set(nobody).execute(c)?;
    let erased = tombstones::table.filter(tombstones::referred_by_entry_id.eq(id)).limit(left).select(tombstones::id);
    let erased: Vec<Blob> = erased.load(c)?;
    let nobody = tombstones::referred_by_entry_id.eq(None::<Blob>);
    Ok(forgotten + diesel::update(tombstones::table.filter(tombstones::id.eq_any(erased))).set(nobody).execute(c)?)
}

/// Reduces a batch of the events of an erased entry, and removes the answers of receivers to them. Returns whether there were any.
fn purge_traces(c: &mut SqliteConnection, purge: &Purge, most: i64) -> QueryResult<bool> {
    let (Some(waitlist), entry) = (purge.waitlist_id, purge.target) else { return Ok(false) };
    let told = events::table.filter(events::waitlist_id.eq(waitlist).and(events::entry_id.eq(entry)));
    let rest = told.filter(events::id.gt(purge.after_id.unwrap_or(Blob(Uuid::nil())))).order(events::id).limit(most);
    let batch: Vec<(Blob, Blob, String, i64)> =
        rest.select((events::id, events::workspace_id, events::kind, events::occurred_at)).load(c)?;
    let Some(last) = batch.last().map(|(id, ..)| *id) else {
        if referrals::forget_reasons(c, entry, most)? > 0 {
            return Ok(true);
        }
        diesel::update(tombstones::table.find(entry)).set(tombstones::has_traces.eq(false)).execute(c)?;
        return Ok(false);
    };
    for (id, workspace, kind, occurred_at) in batch {
        let (waitlist_id, entry_id) = (Some(WaitlistId::new(waitlist.0)), Some(EntryId::new(entry.0)));
        let subject = EventSubject { workspace_id: WorkspaceId::new(workspace.0), waitlist_id, entry_id };
        let occurred_at = Timestamp::from_unix_millis(occurred_at).map_err(|error| DeserializationError(Box::new(error)))?;
        let body = Event::reduced_body(subject, EventId::new(id.0), &kind, occurred_at);
        diesel::update(events::table.find(id)).set(events::body.eq(body)).execute(c)?;
        let answers = attempts::table.filter(attempts::event_id.eq(id));
        diesel::update(answers).set(attempts::response_body.eq(None::<&str>)).execute(c)?;
    }
    go_on(c, &Purge { after_id: Some(last), ..purge.clone() })
}

/// Holds a batch of the deliveries of earlier generations of a webhook. Returns whether more may be left.
fn purge_held(c: &mut SqliteConnection, purge: &Purge, most: i64) -> QueryResult<bool> {
    let generation: Option<i64> = webhooks::table.find(purge.target).select(webhooks::generation).first(c).optional()?;
    let Some(generation) = generation else { return Ok(false) };
    let outdated = deliveries::table
        .filter(deliveries::webhook_id.eq(purge.target).and(Condition("state = 'pending'")))
        .filter(deliveries::generation.ge(0).and(deliveries::generation.lt(generation)))
        .limit(most)
        .select(deliveries::event_id);
    let outdated: Vec<Blob> = outdated.load(c)?;
    let (held, all) = (outdated.len(), deliveries::event_id.eq_any(outdated));
    let some = deliveries::table.filter(deliveries::webhook_id.eq(purge.target).and(all));
    diesel::update(some).set(deliveries::state.eq(JobState::Held.as_str())).execute(c)?;
    Ok(to_bigint(held as u64) == most)
}

/// Notes how far a purge has come.
fn go_on(c: &mut SqliteConnection, purge: &Purge) -> QueryResult<bool> {
    let so_far = (purges::after_position.eq(purge.after_position), purges::after_id.eq(purge.after_id));
    diesel::update(purges::table.find((&purge.kind, purge.target))).set(so_far).execute(c).map(|_| true)
}
