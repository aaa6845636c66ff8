//! [`EventFeed`] on PostgreSQL.
//!
//! A sequence gives each event its turn when it is written. Turns are not in the order of commits, but those of one list are, because its
//! lock is held until the commit. The number of an event is given later, by any process that holds the row of the feed.

use std::collections::HashMap;
use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{self, Array, BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::error::{CommandError, Fault};
use rally_domain::event::EventSubject;
use rally_domain::feed::{FeedCut, FeedKey, FeedPage, FeedQuery, FeedRow, ToldEvent};
use rally_domain::id::{EntryId, EventId, WaitlistId, WorkspaceId};
use rally_domain::port::EventFeed;
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{from_bigint, to_bigint};
use crate::fault::query_fault;
use crate::queue::IdRow;
use crate::schema::{events, feeds};
use crate::statement::statement;
use crate::{PgStore, transaction};

statement! {
    /// The events of a workspace that wait for a number, in their turn.
    Waiting {
        "SELECT id FROM events WHERE workspace_id = "
        workspace: sql_types::Uuid = Uuid, " AND feed_number IS NULL AND feed_turn IS NOT NULL ORDER BY workspace_id, feed_turn LIMIT "
        most: BigInt = i64, ""
    }
}

statement! {
    /// Makes the row of a feed that nobody has read yet.
    Begin {
        "INSERT INTO feeds (workspace_id) SELECT id FROM workspaces WHERE id = "
        workspace: sql_types::Uuid = Uuid, " ON CONFLICT DO NOTHING"
    }
}

statement! {
    /// Gives numbers to events.
    Number {
        "UPDATE events e SET feed_number = given.number FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        numbers: Array<BigInt> = Vec<i64>, ") AS given (id, number) WHERE e.id = given.id"
    }
}

statement! {
    /// The feeds that have something new. Each is looked for with two lookups.
    News {
        "SELECT asked.id FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        numbers: Array<BigInt> = Vec<i64>, ") AS asked (id, number)
        LEFT JOIN LATERAL (
            SELECT e.feed_turn FROM events e WHERE e.workspace_id = asked.id AND e.feed_number IS NULL AND e.feed_turn IS NOT NULL
            ORDER BY e.workspace_id, e.feed_turn LIMIT 1
        ) waiting ON true
        LEFT JOIN LATERAL (
            SELECT e.feed_number FROM events e WHERE e.workspace_id = asked.id AND e.feed_number > asked.number
            ORDER BY e.workspace_id, e.feed_number LIMIT 1
        ) numbered ON true
        WHERE waiting.feed_turn IS NOT NULL OR numbered.feed_number IS NOT NULL"
    }
}

statement! {
    /// The next events of a feed, without their bodies.
    Next {
        "SELECT id, feed_number, kind, waitlist_id FROM events WHERE workspace_id = "
        workspace: sql_types::Uuid = Uuid, " AND feed_number > "
        after: BigInt = i64, " AND occurred_at >= "
        oldest: Timestamptz = OffsetDateTime, " ORDER BY workspace_id, feed_number LIMIT "
        most: BigInt = i64, ""
    }
}

statement! {
    /// Events with their bodies, without those of deleted lists. A purge leaves them empty.
    Told {
        "SELECT e.id, e.workspace_id, e.waitlist_id, e.entry_id, e.kind, e.body, e.occurred_at,
            e.entry_id IS NULL OR person.id IS NOT NULL AS has_entry
        FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (id)
        JOIN events e ON e.id = asked.id
        LEFT JOIN waitlist_totals list ON list.waitlist_id = e.waitlist_id
        LEFT JOIN entries person ON person.id = e.entry_id
        WHERE e.body <> '' AND (e.waitlist_id IS NULL OR list.waitlist_id IS NOT NULL)"
    }
}

#[async_trait]
impl EventFeed for PgStore {
    async fn number(&self, workspace_id: WorkspaceId, most: usize) -> Result<usize, Fault> {
        let any = Waiting { workspace: workspace_id.uuid(), most: 1 };
        if any.get_result::<IdRow>(&mut self.connection().await?).await.optional().map_err(query_fault)?.is_none() {
            return Ok(0);
        }
        let outcome: Result<usize, CommandError<Infallible>> =
            transaction!(self, turn = workspace_id.uuid(), |c| Ok(number(c, workspace_id.uuid(), most).await?));
        Ok(outcome?)
    }

    async fn news(&self, seen: Vec<(WorkspaceId, u64)>) -> Result<Vec<WorkspaceId>, Fault> {
        let (ids, numbers) = seen.into_iter().map(|(id, number)| (id.uuid(), to_bigint(number))).unzip();
        let rows: Vec<IdRow> = News { ids, numbers }.load(&mut self.connection().await?).await.map_err(query_fault)?;
        Ok(rows.into_iter().map(|row| WorkspaceId::new(row.id)).collect())
    }

    async fn page(&self, query: FeedQuery) -> Result<Option<FeedPage>, Fault> {
        let mut c = self.connection().await?;
        if !is_there(&mut c, &query).await.map_err(query_fault)? {
            return Ok(None);
        }
        let next = Next {
            workspace: query.workspace_id.uuid(),
            after: query.after.map_or(0, |key| to_bigint(key.number)),
            oldest: query.oldest.instant(),
            most: to_bigint(query.examined() as u64),
        };
        let rows: Vec<NextRow> = next.load(&mut c).await.map_err(query_fault)?;
        let FeedCut { chosen, last, has_more } = query.cut(rows.into_iter().map(FeedRow::from).collect());
        let told = Told { ids: chosen.iter().map(|id| id.uuid()).collect() };
        let told: Vec<ToldRow> = told.load(&mut c).await.map_err(query_fault)?;
        let mut told: HashMap<_, _> = told.into_iter().map(|row| (EventId::new(row.id), ToldEvent::from(row))).collect();
        let bodies = chosen.iter().filter_map(|id| told.remove(id)).map(ToldEvent::shown).collect();
        Ok(Some(FeedPage { bodies, last, has_more }))
    }
}

/// Gives numbers to the next events, under the lock of the feed. Whoever had the lock before has committed, so this reads its numbers.
async fn number(c: &mut AsyncPgConnection, workspace: Uuid, most: usize) -> QueryResult<usize> {
    let lock = || feeds::table.find(workspace).select(feeds::last_number).for_no_key_update();
    let mut last: Option<i64> = lock().first(c).await.optional()?;
    if last.is_none() {
        Begin { workspace }.execute(c).await?;
        last = lock().first(c).await.optional()?;
    }
    // The workspace was deleted just now.
    let Some(last) = last else { return Ok(0) };
    let rows: Vec<IdRow> = Waiting { workspace, most: to_bigint(most as u64) }.load(c).await?;
    let ids: Vec<Uuid> = rows.into_iter().map(|row| row.id).collect();
    let (numbers, count): (Vec<i64>, _) = ((last + 1..).take(ids.len()).collect(), ids.len());
    let Some(last) = numbers.last().copied() else { return Ok(0) };
    Number { ids, numbers }.execute(c).await?;
    diesel::update(feeds::table.find(workspace)).set(feeds::last_number.eq(last)).execute(c).await?;
    Ok(count)
}

/// Whether the store has the last event that a reader has seen, and it is not too old.
async fn is_there(c: &mut AsyncPgConnection, query: &FeedQuery) -> QueryResult<bool> {
    let Some(key) = query.after else { return Ok(true) };
    let event = events::table.find(key.event_id.uuid()).select((events::workspace_id, events::feed_number, events::occurred_at));
    let event: Option<(Uuid, Option<i64>, OffsetDateTime)> = event.first(c).await.optional()?;
    let expected = (query.workspace_id.uuid(), Some(to_bigint(key.number)));
    Ok(event.is_some_and(|(workspace, number, at)| (workspace, number) == expected && at >= query.oldest.instant()))
}

#[derive(QueryableByName)]
struct NextRow {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    feed_number: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    waitlist_id: Option<Uuid>,
}

impl From<NextRow> for FeedRow {
    fn from(row: NextRow) -> Self {
        let key = FeedKey { number: from_bigint(row.feed_number), event_id: EventId::new(row.id) };
        Self { key, kind: row.kind, waitlist_id: row.waitlist_id.map(WaitlistId::new) }
    }
}

#[derive(QueryableByName)]
struct ToldRow {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    waitlist_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<sql_types::Uuid>)]
    entry_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    body: String,
    #[diesel(sql_type = Timestamptz)]
    occurred_at: OffsetDateTime,
    #[diesel(sql_type = Bool)]
    has_entry: bool,
}

impl From<ToldRow> for ToldEvent {
    fn from(row: ToldRow) -> Self {
        let subject = EventSubject {
            workspace_id: WorkspaceId::new(row.workspace_id),
            waitlist_id: row.waitlist_id.map(WaitlistId::new),
            entry_id: row.entry_id.map(EntryId::new),
        };
        let (id, occurred_at) = (EventId::new(row.id), Timestamp::new(row.occurred_at));
        Self { id, kind: row.kind, subject, occurred_at, body: row.body, has_entry: row.has_entry }
    }
}
