//! [`EventFeed`] on SQLite. There is one writer, so events are committed in their turn.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use rally_domain::error::Fault;
use rally_domain::event::EventSubject;
use rally_domain::feed::{FeedCut, FeedKey, FeedPage, FeedQuery, FeedRow, ToldEvent};
use rally_domain::id::{EntryId, EventId, WaitlistId, WorkspaceId};
use rally_domain::port::EventFeed;
use rally_domain::timestamp::Timestamp;

use crate::SqliteStore;
use crate::convert::{Blob, from_bigint, instant, to_bigint};
use crate::fault::query_fault;
use crate::schema::{entries, events, feeds, waitlist_totals, workspaces};

#[async_trait]
impl EventFeed for SqliteStore {
    async fn number(&self, workspace_id: WorkspaceId, most: usize) -> Result<usize, Fault> {
        let workspace = Blob(workspace_id.uuid());
        // Most calls find nothing, and this read costs no write transaction.
        if self.database.read(move |c| waiting(c, workspace, 1).map_err(query_fault)).await?.is_empty() {
            return Ok(0);
        }
        Ok(self.database.write::<_, Infallible>(move |c| Ok(number(c, workspace, most)?)).await?)
    }

    async fn news(&self, seen: Vec<(WorkspaceId, u64)>) -> Result<Vec<WorkspaceId>, Fault> {
        self.database
            .read(move |c| {
                let mut news = Vec::new();
                for (id, number) in seen {
                    let workspace = Blob(id.uuid());
                    let is_new = !waiting(c, workspace, 1).map_err(query_fault)?.is_empty()
                        || has_after(c, workspace, to_bigint(number)).map_err(query_fault)?;
                    news.extend(is_new.then_some(id));
                }
                Ok(news)
            })
            .await
    }

    async fn page(&self, query: FeedQuery) -> Result<Option<FeedPage>, Fault> {
        self.database
            .read(move |c| {
                if !is_there(c, &query).map_err(query_fault)? {
                    return Ok(None);
                }
                let after = query.after.map_or(0, |key| to_bigint(key.number));
                let rows = next(c, Blob(query.workspace_id.uuid()), after, query.oldest, query.examined()).map_err(query_fault)?;
                let FeedCut { chosen, last, has_more } = query.cut(rows);
                let mut bodies = Vec::with_capacity(chosen.len());
                for id in chosen {
                    bodies.extend(told(c, id)?.map(ToldEvent::shown));
                }
                Ok(Some(FeedPage { bodies, last, has_more }))
            })
            .await
    }
}

/// The events of a workspace that wait for a number, in their turn.
fn waiting(c: &mut SqliteConnection, workspace: Blob, most: usize) -> QueryResult<Vec<Blob>> {
    events::table
        .filter(events::workspace_id.eq(workspace).and(events::feed_number.is_null()).and(events::feed_turn.is_not_null()))
        .order(events::feed_turn)
        .limit(to_bigint(most as u64))
        .select(events::id)
        .load(c)
}

/// Gives numbers to the next events.
fn number(c: &mut SqliteConnection, workspace: Blob, most: usize) -> QueryResult<usize> {
    if workspaces::table.find(workspace).select(workspaces::id).first::<Blob>(c).optional()?.is_none() {
        return Ok(0);
    }
    diesel::insert_or_ignore_into(feeds::table).values(feeds::workspace_id.eq(workspace)).execute(c)?;
    let mut last: i64 = feeds::table.find(workspace).select(feeds::last_number).first(c)?;
    let ids = waiting(c, workspace, most)?;
    for id in &ids {
        last += 1;
        diesel::update(events::table.find(*id)).set(events::feed_number.eq(last)).execute(c)?;
    }
    diesel::update(feeds::table.find(workspace)).set(feeds::last_number.eq(last)).execute(c)?;
    Ok(ids.len())
}

/// Whether the store has the last event that a reader has seen, and it is not too old.
fn is_there(c: &mut SqliteConnection, query: &FeedQuery) -> QueryResult<bool> {
    let Some(key) = query.after else { return Ok(true) };
    let event = events::table.find(Blob(key.event_id.uuid())).select((events::workspace_id, events::feed_number, events::occurred_at));
    let event: Option<(Blob, Option<i64>, i64)> = event.first(c).optional()?;
    let expected = (Blob(query.workspace_id.uuid()), Some(to_bigint(key.number)));
    Ok(event.is_some_and(|(workspace, number, at)| (workspace, number) == expected && at >= query.oldest.unix_millis()))
}

/// Whether a feed has an event after a number.
fn has_after(c: &mut SqliteConnection, workspace: Blob, number: i64) -> QueryResult<bool> {
    let next = events::table.filter(events::workspace_id.eq(workspace).and(events::feed_number.gt(number)));
    diesel::select(diesel::dsl::exists(next)).get_result(c)
}

/// The next events of a feed, without their bodies.
fn next(c: &mut SqliteConnection, workspace: Blob, after: i64, oldest: Timestamp, most: usize) -> QueryResult<Vec<FeedRow>> {
    let next = events::table
        .filter(events::workspace_id.eq(workspace).and(events::feed_number.gt(after)))
        .filter(events::occurred_at.ge(oldest.unix_millis()))
        .order(events::feed_number)
        .limit(to_bigint(most as u64))
        .select((events::id, events::feed_number.assume_not_null(), events::kind, events::waitlist_id));
    let rows: Vec<(Blob, i64, String, Option<Blob>)> = next.load(c)?;
    let row = |(id, number, kind, waitlist): (Blob, i64, String, Option<Blob>)| {
        let key = FeedKey { number: from_bigint(number), event_id: EventId::new(id.0) };
        FeedRow { key, kind, waitlist_id: waitlist.map(|id| WaitlistId::new(id.0)) }
    };
    Ok(rows.into_iter().map(row).collect())
}

/// An event with its body, unless its list is deleted. A purge leaves it empty.
fn told(c: &mut SqliteConnection, id: EventId) -> Result<Option<ToldEvent>, Fault> {
    type Row = (Blob, Option<Blob>, Option<Blob>, String, String, i64);
    let columns = (events::workspace_id, events::waitlist_id, events::entry_id, events::kind, events::body, events::occurred_at);
    let row = events::table.find(Blob(id.uuid())).select(columns).first::<Row>(c).optional().map_err(query_fault)?;
    let Some((workspace, waitlist, entry, kind, body, occurred_at)) = row else { return Ok(None) };
    if body.is_empty() {
        return Ok(None);
    }
    if let Some(list) = waitlist {
        let list = waitlist_totals::table.find(list).select(waitlist_totals::waitlist_id);
        if list.first::<Blob>(c).optional().map_err(query_fault)?.is_none() {
            return Ok(None);
        }
    }
    let has_entry = match entry {
        None => true,
        Some(entry) => entries::table.find(entry).select(entries::id).first::<Blob>(c).optional().map_err(query_fault)?.is_some(),
    };
    let subject = EventSubject {
        workspace_id: WorkspaceId::new(workspace.0),
        waitlist_id: waitlist.map(|id| WaitlistId::new(id.0)),
        entry_id: entry.map(|id| EntryId::new(id.0)),
    };
    Ok(Some(ToldEvent { id, kind, subject, occurred_at: instant(occurred_at)?, body, has_entry }))
}
