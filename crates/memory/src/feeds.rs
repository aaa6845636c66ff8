//! [`EventFeed`] in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rally_domain::error::Fault;
use rally_domain::event::{Event, EventSubject};
use rally_domain::feed::{FeedCut, FeedKey, FeedPage, FeedQuery, FeedRow, ToldEvent};
use rally_domain::id::{EventId, WorkspaceId};
use rally_domain::port::EventFeed;

use crate::MemoryStore;
use crate::data::Data;
use crate::flaw::Flaw;

/// The feed of a workspace.
#[derive(Clone, Default)]
pub(crate) struct Feed {
    /// The events that have a number.
    numbered: BTreeMap<u64, EventId>,
    /// The events that wait for a number, in the order of their writes.
    waiting: Vec<EventId>,
    last: u64,
}

#[async_trait]
impl EventFeed for MemoryStore {
    async fn number(&self, workspace_id: WorkspaceId, most: usize) -> Result<usize, Fault> {
        let look = |data: &Data| data.feeds.get(&workspace_id).cloned().unwrap_or_default();
        let early = self.read_early(Flaw::FeedsReadEarly, look).await;
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let feed = data.feeds.entry(workspace_id).or_default();
            let Feed { mut waiting, last, .. } = early.unwrap_or_else(|| feed.clone());
            if flaw.is(Flaw::FeedsInOrderOfIds) {
                waiting.sort_unstable();
            }
            if flaw.is(Flaw::FeedsNumberedAnew) {
                feed.numbered = std::mem::take(&mut feed.numbered).into_iter().map(|(number, id)| (number + 1, id)).collect();
            }
            let next: Vec<EventId> = waiting.into_iter().take(flaw.rows(most)).collect();
            feed.waiting.retain(|id| !next.contains(id));
            feed.numbered.extend((last + 1..).zip(next.iter().copied()));
            feed.last = last + next.len() as u64;
            next.len()
        };
        Ok(self.write(work).await)
    }

    async fn news(&self, seen: Vec<(WorkspaceId, u64)>) -> Result<Vec<WorkspaceId>, Fault> {
        let look = |data: &Data| {
            let has_news = |(id, number): &(WorkspaceId, u64)| {
                let Some(feed) = data.feeds.get(id) else { return false };
                let waits = !feed.waiting.is_empty() && !data.flaw.is(Flaw::NewsOnlyOfNumbers);
                waits || feed.numbered.keys().last() > Some(number) || data.flaw.is(Flaw::NewsOfOld) && !feed.numbered.is_empty()
            };
            seen.iter().filter(|seen| has_news(seen)).map(|(id, _)| *id).collect()
        };
        Ok(self.read(look))
    }

    async fn page(&self, query: FeedQuery) -> Result<Option<FeedPage>, Fault> {
        Ok(self.read(|data| data.feed_has(&query).then(|| data.feed_page(&query))))
    }
}

impl Data {
    /// Puts an event into the feed of its workspace.
    pub fn feed(&mut self, event: &Event) {
        self.feeds.entry(event.workspace_id).or_default().waiting.push(event.id);
    }

    /// Whether an event has a number.
    pub fn is_numbered(&self, id: EventId) -> bool {
        self.feeds.values().any(|feed| feed.numbered.values().any(|numbered| *numbered == id))
    }

    /// Takes an event out of the feed of its workspace.
    pub fn take_from_feed(&mut self, id: EventId) {
        for feed in self.feeds.values_mut() {
            feed.waiting.retain(|waiting| *waiting != id);
            feed.numbered.retain(|_, numbered| *numbered != id);
        }
    }

    /// Whether the last event that a reader has seen is there, and not too old.
    fn feed_has(&self, query: &FeedQuery) -> bool {
        let Some(key) = query.after else { return true };
        let numbered = self.feeds.get(&query.workspace_id).and_then(|feed| feed.numbered.get(&key.number));
        let is_young = self.event(key.event_id).is_some_and(|event| event.occurred_at >= query.oldest);
        let is_numbered = numbered == Some(&key.event_id);
        is_numbered && (is_young || self.flaw.is(Flaw::FeedKeysNeverTooOld)) || self.flaw.is(Flaw::FeedKeysIgnored)
    }

    fn feed_page(&self, query: &FeedQuery) -> FeedPage {
        let flaw = self.flaw;
        let after = query.after.map_or(0, |key| key.number);
        let feeds = self.feeds.iter().filter(|(id, _)| **id == query.workspace_id || flaw.is(Flaw::FeedsOfOthersRead));
        let next = feeds.flat_map(|(_, feed)| feed.numbered.range(after + 1..));
        let row = |(number, id): (&u64, &EventId)| {
            let event = self.event(*id).filter(|event| event.occurred_at >= query.oldest || flaw.is(Flaw::OldEventsInFeeds))?;
            let key = FeedKey { number: *number, event_id: *id };
            Some(FeedRow { key, kind: event.kind.as_str().to_owned(), waitlist_id: event.waitlist_id })
        };
        let query = match flaw.is(Flaw::FeedFiltersIgnored) {
            true => FeedQuery { filter: Default::default(), ..query.clone() },
            false => query.clone(),
        };
        let FeedCut { chosen, last, has_more } = query.cut(next.filter_map(row).take(query.examined()).collect());
        let shown = chosen
            .iter()
            .filter_map(|id| self.event(*id))
            .filter(|event| !event.body.is_empty())
            .filter(|event| self.is_there(event.waitlist_id) || flaw.is(Flaw::DeletedListsInFeeds));
        FeedPage { bodies: shown.map(|event| self.told(event).shown()).collect(), last, has_more }
    }

    fn told(&self, event: &Event) -> ToldEvent {
        let has_entry = match (event.waitlist_id, event.entry_id) {
            (Some(list), Some(entry)) => self.lists.get(&list).is_some_and(|list| list.find(entry).is_some()),
            _ => true,
        };
        ToldEvent {
            id: event.id,
            kind: event.kind.as_str().to_owned(),
            subject: EventSubject { workspace_id: event.workspace_id, waitlist_id: event.waitlist_id, entry_id: event.entry_id },
            occurred_at: event.occurred_at,
            body: event.body.clone(),
            has_entry: has_entry || self.flaw.is(Flaw::DeletedEntriesInFeeds),
        }
    }
}
