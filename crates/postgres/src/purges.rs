//! [`PurgeStore`] on PostgreSQL. Each batch is a transaction that locks the row of its purge. So several processes work on
//! different purges, and a process that dies leaves nothing half done.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{self, Array, BigInt, Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::error::{CommandError, Fault};
use rally_domain::event::{Event, EventSubject};
use rally_domain::id::{EntryId, EventId, WaitlistId, WebhookId, WorkspaceId};
use rally_domain::port::PurgeStore;
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{from_bigint, to_bigint};
use crate::deliveries::delete_attempts;
use crate::fault::query_fault;
use crate::queue::IdRow;
use crate::schema::{
    attempts, entries, events, mails, purges, referrals as ledger, signup_requests, suppressions, tombstones, waitlist_days,
    waitlist_sources, waitlist_totals, webhooks,
};
use crate::statement::statement;
use crate::{PgStore, confirmations, counters, imports, mails as mail_rows, referrals, transaction};

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
impl PurgeStore for PgStore {
    async fn purge(&self, rows: usize) -> Result<bool, Fault> {
        let most = to_bigint(rows as u64);
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, BEGIN_PURGE, |c| Ok(purge(c, most).await?));
        Ok(outcome?)
    }

    async fn find_orphans(&self) -> Result<u64, Fault> {
        let mut found = 0;
        let kinds =
            [(WAITLIST, ORPHANS_OF_WAITLISTS), (WEBHOOK, ORPHANS_OF_WEBHOOKS), (WORKSPACE, ORPHANS_OF_WORKSPACES), (HELD, OUTDATED)];
        for (kind, orphans) in kinds {
            let mut c = self.connection().await?;
            let rows: Vec<IdRow> = diesel::sql_query(orphans).load(&mut c).await.map_err(query_fault)?;
            let ids: Vec<Uuid> = rows.into_iter().map(|row| row.id).collect();
            found += begin(&mut c, kind, &ids).await.map_err(query_fault)? as u64;
        }
        found += (BeginTraces {}).execute(&mut *self.connection().await?).await.map_err(query_fault)? as u64;
        Ok(found)
    }

    async fn backlog(&self) -> Result<u64, Fault> {
        let count: i64 = purges::table.count().get_result(&mut self.connection().await?).await.map_err(query_fault)?;
        Ok(from_bigint(count))
    }
}

/// Begins a batch. If a crash of the machine undoes the batch, a later one deletes the same rows. A batch waits at most 50 ms for
/// a lock.
const BEGIN_PURGE: &str = "BEGIN; SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = '50ms'";

/// Missing waitlists that other rows still belong to. The statement hops from one list to the next in an index that begins with
/// the list. Older programs leave such rows: they expect the database to delete the rows that belong to a list.
const ORPHANS_OF_WAITLISTS: &str = "
WITH RECURSIVE of_entries (id) AS (
    (SELECT waitlist_id FROM entries ORDER BY waitlist_id, position LIMIT 1)
    UNION ALL
    SELECT (SELECT e.waitlist_id FROM entries e WHERE e.waitlist_id > l.id ORDER BY e.waitlist_id, e.position LIMIT 1)
    FROM of_entries l WHERE l.id IS NOT NULL
), of_events (id) AS (
    (SELECT waitlist_id FROM events WHERE waitlist_id IS NOT NULL ORDER BY waitlist_id, entry_id LIMIT 1)
    UNION ALL
    SELECT (SELECT e.waitlist_id FROM events e WHERE e.waitlist_id > l.id ORDER BY e.waitlist_id, e.entry_id LIMIT 1)
    FROM of_events l WHERE l.id IS NOT NULL
), of_sources (id) AS (
    (SELECT waitlist_id FROM waitlist_sources ORDER BY waitlist_id, referrer LIMIT 1)
    UNION ALL
    SELECT (SELECT s.waitlist_id FROM waitlist_sources s WHERE s.waitlist_id > l.id ORDER BY s.waitlist_id, s.referrer LIMIT 1)
    FROM of_sources l WHERE l.id IS NOT NULL
), of_tombstones (id) AS (
    (SELECT waitlist_id FROM tombstones ORDER BY waitlist_id, position LIMIT 1)
    UNION ALL
    SELECT (SELECT t.waitlist_id FROM tombstones t WHERE t.waitlist_id > l.id ORDER BY t.waitlist_id, t.position LIMIT 1)
    FROM of_tombstones l WHERE l.id IS NOT NULL
), of_referrals (id) AS (
    (SELECT waitlist_id FROM referrals ORDER BY waitlist_id, state LIMIT 1)
    UNION ALL
    SELECT (SELECT r.waitlist_id FROM referrals r WHERE r.waitlist_id > l.id ORDER BY r.waitlist_id, r.state LIMIT 1)
    FROM of_referrals l WHERE l.id IS NOT NULL
)
SELECT DISTINCT found.id FROM (
    SELECT id FROM of_entries UNION ALL SELECT id FROM of_events UNION ALL SELECT id FROM of_sources UNION ALL SELECT id FROM of_tombstones
    UNION ALL SELECT id FROM of_referrals
) found
WHERE found.id IS NOT NULL AND NOT EXISTS (SELECT FROM waitlist_totals t WHERE t.waitlist_id = found.id)";

/// The same for webhooks.
const ORPHANS_OF_WEBHOOKS: &str = "
WITH RECURSIVE of_deliveries (id) AS (
    (SELECT webhook_id FROM deliveries ORDER BY webhook_id, event_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.webhook_id FROM deliveries d WHERE d.webhook_id > l.id ORDER BY d.webhook_id, d.event_id LIMIT 1)
    FROM of_deliveries l WHERE l.id IS NOT NULL
), of_attempts (id) AS (
    (SELECT webhook_id FROM attempts ORDER BY webhook_id, created_at DESC LIMIT 1)
    UNION ALL
    SELECT (SELECT a.webhook_id FROM attempts a WHERE a.webhook_id > l.id ORDER BY a.webhook_id, a.created_at DESC LIMIT 1)
    FROM of_attempts l WHERE l.id IS NOT NULL
)
SELECT DISTINCT found.id FROM (SELECT id FROM of_deliveries UNION ALL SELECT id FROM of_attempts) found
WHERE found.id IS NOT NULL AND NOT EXISTS (SELECT FROM webhooks w WHERE w.id = found.id)";

/// The same for workspaces. An older program deletes the note of such a purge without a look at the rows.
const ORPHANS_OF_WORKSPACES: &str = "
WITH RECURSIVE of_suppressions (id) AS (
    (SELECT workspace_id FROM suppressions ORDER BY workspace_id, created_at DESC LIMIT 1)
    UNION ALL
    SELECT (SELECT s.workspace_id FROM suppressions s WHERE s.workspace_id > l.id ORDER BY s.workspace_id, s.created_at DESC LIMIT 1)
    FROM of_suppressions l WHERE l.id IS NOT NULL
)
SELECT found.id FROM of_suppressions found
WHERE found.id IS NOT NULL AND NOT EXISTS (SELECT FROM workspaces w WHERE w.id = found.id)";

/// Webhooks with pending deliveries of an earlier generation. A change that overlapped the switch wrote them, and committed after the
/// purge had ended: it locks the webhook only against a deletion, because a settlement would wait for any stronger lock.
const OUTDATED: &str = "
WITH RECURSIVE lanes (id) AS (
    (SELECT webhook_id FROM deliveries WHERE state = 'pending' ORDER BY webhook_id, generation LIMIT 1)
    UNION ALL
    SELECT (SELECT d.webhook_id FROM deliveries d WHERE d.state = 'pending' AND d.webhook_id > l.id
            ORDER BY d.webhook_id, d.generation LIMIT 1)
    FROM lanes l WHERE l.id IS NOT NULL
)
SELECT l.id FROM lanes l
JOIN webhooks w ON w.id = l.id
CROSS JOIN LATERAL (
    SELECT FROM deliveries d
    WHERE d.webhook_id = l.id AND d.state = 'pending' AND d.generation >= 0 AND d.generation < w.generation
    ORDER BY d.generation LIMIT 1
) outdated";

statement! {
    /// Notes purges. A purge that is noted already stays as it is.
    Begin {
        "INSERT INTO purges (kind, target) SELECT "
        kind: Text = &'static str, ", target FROM unnest("
        targets: Array<sql_types::Uuid> = Vec<Uuid>, ") AS new (target) ON CONFLICT DO NOTHING"
    }
}

statement! {
    /// Notes the purges of erased entries that lack one.
    BeginTraces {
        "INSERT INTO purges (kind, target, waitlist_id) SELECT 'traces', id, waitlist_id FROM tombstones
        WHERE has_traces ORDER BY waitlist_id LIMIT 10000 ON CONFLICT DO NOTHING"
    }
}

/// Notes purges in the transaction of a deletion, and returns how many of them are new.
pub(crate) async fn begin(c: &mut AsyncPgConnection, kind: &'static str, targets: &[Uuid]) -> QueryResult<usize> {
    Begin { kind, targets: targets.to_vec() }.execute(c).await
}

/// Notes that the pending deliveries of earlier generations of a webhook are to be held.
pub(crate) async fn hold(c: &mut AsyncPgConnection, id: WebhookId) -> QueryResult<usize> {
    begin(c, HELD, &[id.uuid()]).await
}

/// Notes that entries are to forget their deleted referrer.
pub(crate) async fn forget(c: &mut AsyncPgConnection, list: WaitlistId, id: EntryId) -> QueryResult<usize> {
    begin_of_entry(c, ENTRY, list, id).await
}

/// Notes that the data of the person of an erased entry is to be removed from other tables.
pub(crate) async fn remove_traces(c: &mut AsyncPgConnection, list: WaitlistId, id: EntryId) -> QueryResult<usize> {
    begin_of_entry(c, TRACES, list, id).await
}

async fn begin_of_entry(c: &mut AsyncPgConnection, kind: &str, list: WaitlistId, id: EntryId) -> QueryResult<usize> {
    let row = (purges::kind.eq(kind), purges::target.eq(id.uuid()), purges::waitlist_id.eq(list.uuid()));
    diesel::insert_into(purges::table).values(row).on_conflict_do_nothing().execute(c).await
}

statement! {
    /// A purge that no other process works on: one of the first from a kind on that is drawn, else one of the first of all. There may be
    /// many, and one that fails must not stop the others. A kind that this program does not know is left for the newer one that noted it.
    Next {
        "SELECT p.kind, p.target, p.waitlist_id, p.after_position, p.after_id FROM (
            (SELECT kind, target, 1 AS turn, random() AS place FROM purges WHERE kind >= (
                SELECT (ARRAY['entry', 'held', 'traces', 'waitlist', 'webhook', 'workspace'])[1 + floor(random() * 6)::integer]
            ) AND kind IN ('entry', 'held', 'traces', 'waitlist', 'webhook', 'workspace') ORDER BY kind, target LIMIT 64)
            UNION ALL (SELECT kind, target, 2 AS turn, random() AS place FROM purges
                WHERE kind IN ('entry', 'held', 'traces', 'waitlist', 'webhook', 'workspace') ORDER BY kind, target LIMIT 64)
        ) drawn
        JOIN purges p ON p.kind = drawn.kind AND p.target = drawn.target
        ORDER BY drawn.turn, drawn.place LIMIT 1 FOR UPDATE OF p SKIP LOCKED"
    }
}

#[derive(Clone, QueryableByName)]
#[diesel(table_name = purges, check_for_backend(diesel::pg::Pg))]
struct Purge {
    kind: String,
    target: Uuid,
    waitlist_id: Option<Uuid>,
    after_position: i64,
    after_id: Option<Uuid>,
}

/// Does one batch of one purge. Returns whether any purge may be left.
async fn purge(c: &mut AsyncPgConnection, most: i64) -> QueryResult<bool> {
    let Some(purge) = (Next {}).get_result::<Purge>(c).await.optional()? else { return Ok(false) };
    let purged = match purge.kind.as_str() {
        WAITLIST => purge_waitlist(c, &purge, most).await?,
        WEBHOOK => purge_webhook(c, &purge, most).await?,
        WORKSPACE => purge_workspace(c, &purge, most).await?,
        ENTRY => purge_referrer(c, &purge, most).await?,
        TRACES => purge_traces(c, &purge, most).await?,
        HELD => purge_held(c, &purge, most).await?,
        _ => return Ok(false),
    };
    if !purged {
        diesel::delete(purges::table.find((&purge.kind, purge.target))).execute(c).await?;
    }
    Ok(true)
}

/// Deletes a batch of the rows of a waitlist. Returns whether there were any. Entries go by position, with their mails and
/// events. The traces of erased entries go first, because the answers of receivers are found by the events.
async fn purge_waitlist(c: &mut AsyncPgConnection, purge: &Purge, most: i64) -> QueryResult<bool> {
    let list = purge.target;
    let traces = purges::table.filter(purges::kind.eq(TRACES).and(purges::waitlist_id.eq(list)));
    if diesel::select(diesel::dsl::exists(traces)).get_result(c).await? {
        return Ok(true);
    }
    let batch = entries::table
        .filter(entries::waitlist_id.eq(list).and(entries::position.gt(purge.after_position)))
        .order(entries::position)
        .limit(most)
        .select((entries::id, entries::position));
    let batch: Vec<(Uuid, i64)> = batch.load(c).await?;
    if let Some((_, last)) = batch.last() {
        let ids: Vec<Uuid> = batch.iter().map(|(id, _)| *id).collect();
        DeleteMailsOf { entries: ids.clone() }.execute(c).await?;
        let told: Vec<IdRow> = EventsOf { entries: ids.clone(), waitlist: list }.load(c).await?;
        forget_events(c, told.into_iter().map(|row| row.id).collect()).await?;
        DeleteEntries { ids }.execute(c).await?;
        return go_on(c, &Purge { after_position: *last, ..purge.clone() }).await;
    }
    let left = mails::table.filter(mails::waitlist_id.eq(list)).limit(most).select(mails::id);
    let left: Vec<Uuid> = left.load(c).await?;
    if mail_rows::delete_all(c, left).await? > 0 {
        return Ok(true);
    }
    // Each is the condition of an index.
    for condition in ["signup_requests.state = 'waiting'", "signup_requests.state <> 'waiting'"] {
        let left = signup_requests::table.filter(signup_requests::waitlist_id.eq(list)).filter(sql::<Bool>(condition)).limit(most);
        let ids: Vec<Uuid> = left.select(signup_requests::id).load(c).await?;
        if confirmations::delete_all(c, ids).await? > 0 {
            return Ok(true);
        }
    }
    // These events are tests, or belong to entries that were deleted before.
    let left = events::table.filter(events::waitlist_id.eq(list)).limit(most).select(events::id);
    let left: Vec<Uuid> = left.load(c).await?;
    if !left.is_empty() {
        forget_events(c, left).await?;
        return Ok(true);
    }
    let left = waitlist_sources::table
        .filter(waitlist_sources::waitlist_id.eq(list))
        .order((waitlist_sources::signups.desc(), waitlist_sources::referrer))
        .limit(most)
        .select((waitlist_sources::referrer, waitlist_sources::signups));
    let (referrers, signups): (Vec<String>, Vec<i64>) = left.load::<(String, i64)>(c).await?.into_iter().unzip();
    let waitlists = vec![list; referrers.len()];
    if (DeleteSources { referrers, signups, waitlists }).execute(c).await? > 0 {
        return Ok(true);
    }
    let left = tombstones::table.filter(tombstones::waitlist_id.eq(list)).order((tombstones::waitlist_id, tombstones::position));
    let ids: Vec<Uuid> = left.limit(most).select(tombstones::id).load(c).await?;
    if (DeleteTombstones { ids }).execute(c).await? > 0 {
        return Ok(true);
    }
    let left = ledger::table.filter(ledger::waitlist_id.eq(list)).order((ledger::waitlist_id, ledger::state, ledger::created_at.desc()));
    let ids: Vec<Uuid> = left.limit(most).select(ledger::id).load(c).await?;
    if (DeleteReferrals { ids }).execute(c).await? > 0 {
        return Ok(true);
    }
    if imports::purge_old_codes(c, list, most).await? > 0 {
        return Ok(true);
    }
    // There is one row per day, so there are never many.
    diesel::delete(waitlist_days::table.filter(waitlist_days::waitlist_id.eq(list))).execute(c).await?;
    Ok(false)
}

statement! {
    /// Deletes the mails of some entries.
    DeleteMailsOf {
        "DELETE FROM mails m USING unnest("
        entries: Array<sql_types::Uuid> = Vec<Uuid>, ") AS gone (id) WHERE m.entry_id = gone.id"
    }
}

statement! {
    /// The events of some entries. Without OFFSET 0 the planner of a new database would read all events of the list.
    EventsOf {
        "SELECT e.id FROM unnest("
        entries: Array<sql_types::Uuid> = Vec<Uuid>, ") AS gone (id)
        CROSS JOIN LATERAL (SELECT id FROM events WHERE entry_id = gone.id AND waitlist_id = "
        waitlist: sql_types::Uuid = Uuid, " OFFSET 0) e"
    }
}

/// Deletes events with their deliveries. Of those with a number the row stays, empty, so that a reader of the feed goes on after it.
async fn forget_events(c: &mut AsyncPgConnection, ids: Vec<Uuid>) -> QueryResult<()> {
    EmptyEvents { ids: ids.clone() }.execute(c).await?;
    DeleteUnnumbered { ids }.execute(c).await.map(|_| ())
}

statement! {
    /// Empties those of some events that have a number, and deletes their deliveries.
    EmptyEvents {
        "WITH emptied AS (UPDATE events e SET waitlist_id = NULL, entry_id = NULL, body = '' FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS gone (id) WHERE e.id = gone.id AND coalesce(e.feed_number, 0) > 0 RETURNING e.id)
        DELETE FROM deliveries d USING emptied WHERE d.event_id = emptied.id"
    }
}

statement! {
    /// Deletes those of some events that have no number.
    DeleteUnnumbered {
        "DELETE FROM events e USING unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS gone (id) WHERE e.id = gone.id AND e.feed_number IS NULL"
    }
}

statement! {
    /// Deletes some entries.
    DeleteEntries {
        "DELETE FROM entries e USING unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS gone (id) WHERE e.id = gone.id"
    }
}

statement! {
    /// Deletes some sources of waitlists, by the columns that both indexes of the table hold.
    DeleteSources {
        "DELETE FROM waitlist_sources s USING unnest("
        referrers: Array<Text> = Vec<String>, ", "
        signups: Array<BigInt> = Vec<i64>, ", "
        waitlists: Array<sql_types::Uuid> = Vec<Uuid>, ") AS gone (referrer, signups, waitlist_id)
        WHERE s.waitlist_id = gone.waitlist_id AND s.referrer = gone.referrer AND s.signups = gone.signups"
    }
}

statement! {
    /// Deletes some tombstones.
    DeleteTombstones {
        "DELETE FROM tombstones t USING unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS gone (id) WHERE t.id = gone.id"
    }
}

statement! {
    /// Deletes some referrals.
    DeleteReferrals {
        "DELETE FROM referrals r USING unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS gone (id) WHERE r.id = gone.id"
    }
}

/// Deletes a batch of the rows of a webhook. Returns whether there were any.
async fn purge_webhook(c: &mut AsyncPgConnection, purge: &Purge, most: i64) -> QueryResult<bool> {
    let webhook = purge.target;
    let batch: Vec<IdRow> = NextDeliveries { webhook, after: purge.after_id.unwrap_or_default(), most }.load(c).await?;
    if let Some(last) = batch.last().map(|row| row.id) {
        let webhooks = vec![webhook; batch.len()];
        DeleteDeliveries { events: batch.into_iter().map(|row| row.id).collect(), webhooks }.execute(c).await?;
        return go_on(c, &Purge { after_id: Some(last), ..purge.clone() }).await;
    }
    let of_webhook = attempts::table.filter(attempts::webhook_id.eq_any([webhook]));
    let left = of_webhook.order((attempts::webhook_id, attempts::created_at.desc())).limit(most);
    let left: Vec<Uuid> = left.select(attempts::id).load(c).await?;
    Ok(delete_attempts(c, left).await? > 0)
}

statement! {
    /// Deliveries to a webhook, in the order of their key.
    NextDeliveries {
        "SELECT event_id AS id FROM deliveries WHERE webhook_id = "
        webhook: sql_types::Uuid = Uuid, " AND event_id > "
        after: sql_types::Uuid = Uuid, " ORDER BY event_id LIMIT "
        most: BigInt = i64, ""
    }
}

statement! {
    /// Deletes some deliveries.
    DeleteDeliveries {
        "DELETE FROM deliveries d USING unnest("
        events: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        webhooks: Array<sql_types::Uuid> = Vec<Uuid>, ") AS gone (event_id, webhook_id)
        WHERE d.webhook_id = gone.webhook_id AND d.event_id = gone.event_id"
    }
}

/// Deletes a batch of the rows of a workspace. Returns whether there were any.
async fn purge_workspace(c: &mut AsyncPgConnection, purge: &Purge, most: i64) -> QueryResult<bool> {
    let left = suppressions::table.filter(suppressions::workspace_id.eq(purge.target)).order(suppressions::created_at.desc());
    let ids: Vec<Uuid> = left.limit(most).select(suppressions::id).load(c).await?;
    let suppressions = DeleteSuppressions { ids }.execute(c).await?;
    let tests = mails::table.filter(mails::workspace_id.eq(purge.target).and(mails::waitlist_id.is_null()));
    // Only the index of tests has this order, so the planner takes it.
    let tests = tests.order((mails::workspace_id.desc(), mails::created_at.desc())).limit(most);
    let ids: Vec<Uuid> = tests.select(mails::id).load(c).await?;
    Ok(suppressions + mail_rows::delete_all(c, ids).await? > 0)
}

statement! {
    /// Deletes some suppressions.
    DeleteSuppressions {
        "DELETE FROM suppressions s USING unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS gone (id) WHERE s.id = gone.id"
    }
}

/// Makes a batch of entries forget their deleted referrer, with what admins wrote of it, and updates the totals. Returns whether more may
/// be left.
async fn purge_referrer(c: &mut AsyncPgConnection, purge: &Purge, most: i64) -> QueryResult<bool> {
    let Some(list) = purge.waitlist_id.map(WaitlistId::new) else { return Ok(false) };
    // If the list is deleted too, its own purge deletes these entries.
    if !counters::lock(c, list).await? {
        return Ok(false);
    }
    let forgotten = to_bigint(forget_some(c, purge.target, most).await? as u64);
    if forgotten > 0 {
        let totals = waitlist_totals::table.find(list.uuid());
        diesel::update(totals).set(waitlist_totals::referred.eq(waitlist_totals::referred - forgotten)).execute(c).await?;
    }
    let silenced = to_bigint(referrals::forget_reasons(c, purge.target, most).await? as u64);
    Ok(forgotten.max(silenced) == most)
}

statement! {
    /// Makes some entries forget their referrer.
    ForgetReferrer {
        "UPDATE entries e SET referred_by_entry_id = NULL FROM (
            SELECT id FROM entries WHERE referred_by_entry_id = "
        referrer: sql_types::Uuid = Uuid, " LIMIT "
        most: BigInt = i64, "
        ) referred WHERE e.id = referred.id"
    }
}

statement! {
    /// Makes some erased entries forget their referrer.
    ForgetReferrerOfErased {
        "UPDATE tombstones t SET referred_by_entry_id = NULL FROM (
            SELECT id FROM tombstones WHERE referred_by_entry_id = "
        referrer: sql_types::Uuid = Uuid, " LIMIT "
        most: BigInt = i64, "
        ) referred WHERE t.id = referred.id"
    }
}

/// Makes at most so many entries forget their referrer, those that are erased last. Returns how many did.
async fn forget_some(c: &mut AsyncPgConnection, referrer: Uuid, most: i64) -> QueryResult<usize> {
    let entries = ForgetReferrer { referrer, most }.execute(c).await?;
    let most = most - to_bigint(entries as u64);
    let erased = if most > 0 { ForgetReferrerOfErased { referrer, most }.execute(c).await? } else { 0 };
    Ok(entries + erased)
}

/// Makes at most so many entries forget their referrer, in the transaction that deletes it. Returns how many did.
pub(crate) async fn forget_referrer(c: &mut AsyncPgConnection, id: EntryId, most: usize) -> QueryResult<usize> {
    forget_some(c, id.uuid(), to_bigint(most as u64)).await
}

/// Reduces a batch of the events of an erased entry, and removes the answers of receivers to them. Returns whether there were any.
async fn purge_traces(c: &mut AsyncPgConnection, purge: &Purge, most: i64) -> QueryResult<bool> {
    let (Some(waitlist), entry) = (purge.waitlist_id, purge.target) else { return Ok(false) };
    let batch: Vec<ToldRow> = NextEvents { waitlist, entry, after: purge.after_id.unwrap_or_default(), most }.load(c).await?;
    let Some(last) = batch.last().map(|row| row.id) else {
        if referrals::forget_reasons(c, entry, most).await? > 0 {
            return Ok(true);
        }
        diesel::update(tombstones::table.find(entry)).set(tombstones::has_traces.eq(false)).execute(c).await?;
        return Ok(false);
    };
    let ids: Vec<Uuid> = batch.iter().map(|row| row.id).collect();
    let reduced = |row: &ToldRow| {
        let (waitlist_id, entry_id) = (Some(WaitlistId::new(waitlist)), Some(EntryId::new(entry)));
        let subject = EventSubject { workspace_id: WorkspaceId::new(row.workspace_id), waitlist_id, entry_id };
        Event::reduced_body(subject, EventId::new(row.id), &row.kind, Timestamp::new(row.occurred_at))
    };
    ReduceEvents { ids: ids.clone(), bodies: batch.iter().map(reduced).collect() }.execute(c).await?;
    RemoveAnswers { events: ids }.execute(c).await?;
    go_on(c, &Purge { after_id: Some(last), ..purge.clone() }).await
}

statement! {
    /// The next events of an entry by their ids. The inner statement reads them by the entry: if it named the ids too, the planner could
    /// read the whole table by them.
    NextEvents {
        "SELECT told.id, told.workspace_id, told.kind, told.occurred_at FROM (
            SELECT id, workspace_id, kind, occurred_at FROM events WHERE waitlist_id = "
        waitlist: sql_types::Uuid = Uuid, " AND entry_id = "
        entry: sql_types::Uuid = Uuid, " ORDER BY waitlist_id, entry_id OFFSET 0
        ) told WHERE told.id > "
        after: sql_types::Uuid = Uuid, " ORDER BY told.id LIMIT "
        most: BigInt = i64, ""
    }
}

/// An event without its body.
#[derive(QueryableByName)]
#[diesel(table_name = events, check_for_backend(diesel::pg::Pg))]
struct ToldRow {
    id: Uuid,
    workspace_id: Uuid,
    kind: String,
    occurred_at: OffsetDateTime,
}

statement! {
    /// Writes the bodies of some events.
    ReduceEvents {
        "UPDATE events e SET body = reduced.body FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        bodies: Array<Text> = Vec<String>, ") AS reduced (id, body) WHERE e.id = reduced.id"
    }
}

statement! {
    /// Removes the answers of receivers to some events.
    RemoveAnswers {
        "UPDATE attempts a SET response_body = NULL FROM unnest("
        events: Array<sql_types::Uuid> = Vec<Uuid>, ") AS told (id) WHERE a.event_id = told.id"
    }
}

/// Holds a batch of the deliveries of earlier generations of a webhook. Returns whether more may be left.
async fn purge_held(c: &mut AsyncPgConnection, purge: &Purge, most: i64) -> QueryResult<bool> {
    // A command that disables or enables the webhook now waits for this batch. Otherwise it would find the note of this purge,
    // which is about to end.
    let query = webhooks::table.find(purge.target).select(webhooks::generation).for_share();
    let Some(generation) = query.first::<i64>(c).await.optional()? else { return Ok(false) };
    let held = HoldOutdated { webhook: purge.target, generation, most }.execute(c).await?;
    Ok(to_bigint(held as u64) == most)
}

statement! {
    /// Holds some pending deliveries of earlier generations of a webhook.
    HoldOutdated {
        "UPDATE deliveries d SET state = 'held' FROM (
            SELECT event_id, webhook_id FROM deliveries WHERE state = 'pending' AND webhook_id = "
        webhook: sql_types::Uuid = Uuid, " AND generation >= 0 AND generation < "
        generation: BigInt = i64, "
            ORDER BY generation, due_at, event_id LIMIT "
        most: BigInt = i64, " FOR UPDATE SKIP LOCKED
        ) outdated WHERE d.webhook_id = outdated.webhook_id AND d.event_id = outdated.event_id"
    }
}

/// Notes how far a purge has come.
async fn go_on(c: &mut AsyncPgConnection, purge: &Purge) -> QueryResult<bool> {
    let so_far = (purges::after_position.eq(purge.after_position), purges::after_id.eq(purge.after_id));
    diesel::update(purges::table.find((&purge.kind, purge.target))).set(so_far).execute(c).await.map(|_| true)
}
