//! The feed: the events of a workspace in one order, for readers who pull them.
//!
//! An event gets its number in the feed after its commit. Therefore no event appears before one that was read already.

use time::Duration;

use crate::event::{Event, EventKind, EventSubject};
use crate::id::{EventId, WaitlistId, WorkspaceId};
use crate::paging::Limit;
use crate::timestamp::Timestamp;

/// How long the feed keeps an event.
pub const FEED_KEEPS: Duration = Duration::days(30);

/// The most events that a filtered page examines.
const MAX_EXAMINED: usize = 1000;

/// The place of an event in the feed of its workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FeedKey {
    /// The number of the event, from 1. Numbers grow, and may have gaps.
    pub number: u64,
    /// The event. A store that was restored from a backup may give its number to another event.
    pub event_id: EventId,
}

/// How far a reader has come in a feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedCursor {
    /// The reader has seen no event. The feed was empty at that time.
    Start(Timestamp),
    /// The reader has seen everything up to this event.
    After(FeedKey),
}

impl FeedCursor {
    /// Returns the number of the last event that the reader has seen. It is 0 before the first event.
    pub const fn number(self) -> u64 {
        match self {
            Self::Start(_) => 0,
            Self::After(key) => key.number,
        }
    }
}

/// The events that a reader wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedFilter {
    /// The kinds of event. `None` means all.
    pub kinds: Option<Vec<EventKind>>,
    /// The waitlist. `None` means all.
    pub waitlist_id: Option<WaitlistId>,
}

impl FeedFilter {
    /// Whether the filter leaves nothing out.
    pub const fn is_empty(&self) -> bool {
        self.kinds.is_none() && self.waitlist_id.is_none()
    }

    fn wants(&self, row: &FeedRow) -> bool {
        let kind = self.kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| kind.as_str() == row.kind));
        kind && self.waitlist_id.is_none_or(|id| row.waitlist_id == Some(id))
    }
}

/// The request for a page of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedQuery {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The last event that the reader has seen. `None` means that the page begins with the oldest event.
    pub after: Option<FeedKey>,
    /// What happened before this instant is not in the feed any more. If the event of `after` did, there is no page.
    pub oldest: Timestamp,
    /// The events that the reader wants.
    pub filter: FeedFilter,
    /// The most events of the page.
    pub limit: Limit,
}

impl FeedQuery {
    /// Returns how many events the store examines for the page. The last one shows that more follow.
    pub fn examined(&self) -> usize {
        if self.filter.is_empty() { self.limit.rows() + 1 } else { MAX_EXAMINED + 1 }
    }

    /// Returns the events of the page, out of the examined ones in their order.
    pub fn cut(&self, rows: Vec<FeedRow>) -> FeedCut {
        let more = rows.len() == self.examined();
        let mut cut = FeedCut { chosen: Vec::new(), last: None, has_more: more };
        let read = rows.len() - usize::from(more);
        for (n, row) in rows.iter().take(read).enumerate() {
            if self.filter.wants(row) {
                cut.chosen.push(row.key.event_id);
            }
            cut.last = Some(row.key);
            if cut.chosen.len() == self.limit.rows() {
                cut.has_more = n + 1 < rows.len();
                break;
            }
        }
        cut
    }
}

/// An event of a feed, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRow {
    /// The place of the event.
    pub key: FeedKey,
    /// The kind. It is a text, because the store may have events of a newer program.
    pub kind: String,
    /// The waitlist, if the event is about one.
    pub waitlist_id: Option<WaitlistId>,
}

/// The events of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedCut {
    /// The events to show, in their order.
    pub chosen: Vec<EventId>,
    /// The last event that was examined.
    pub last: Option<FeedKey>,
    /// Whether more events follow.
    pub has_more: bool,
}

/// An event as the store has it, and what of its subject still exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldEvent {
    /// The id of the event.
    pub id: EventId,
    /// The kind. It is a text, because the store may have events of a newer program.
    pub kind: String,
    /// The subject.
    pub subject: EventSubject,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The body.
    pub body: String,
    /// Whether the entry of the event exists. It is `true` for an event without an entry.
    pub has_entry: bool,
}

impl ToldEvent {
    /// Returns the body that readers see. That of a deleted entry is reduced to ids.
    pub fn shown(self) -> String {
        if self.has_entry { self.body } else { Event::reduced_body(self.subject, self.id, &self.kind, self.occurred_at) }
    }
}

/// A page of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPage {
    /// The bodies of the events, in their order.
    pub bodies: Vec<String>,
    /// The last event that was examined. `None` means that there was none.
    pub last: Option<FeedKey>,
    /// Whether more events follow.
    pub has_more: bool,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn query(limit: u64, filter: FeedFilter) -> FeedQuery {
        FeedQuery {
            workspace_id: WorkspaceId::new(Uuid::nil()),
            after: None,
            oldest: Timestamp::parse("2026-01-01T00:00:00Z").unwrap(),
            filter,
            limit: Limit::new(limit, Limit::MAX).unwrap(),
        }
    }

    fn key(number: u64) -> FeedKey {
        FeedKey { number, event_id: EventId::new(Uuid::from_u128(u128::from(number))) }
    }

    fn rows(number: u64) -> Vec<FeedRow> {
        let kind = |n: u64| if n.is_multiple_of(3) { "entry.approved" } else { "entry.created" };
        (1..=number).map(|n| FeedRow { key: key(n), kind: kind(n).to_owned(), waitlist_id: None }).collect()
    }

    #[test]
    fn a_page_without_a_filter_ends_after_its_limit() {
        let query = query(2, FeedFilter::default());
        assert_eq!(query.examined(), 3);
        let ids = |numbers: &[u64]| numbers.iter().map(|n| key(*n).event_id).collect::<Vec<_>>();
        assert_eq!(query.cut(rows(3)), FeedCut { chosen: ids(&[1, 2]), last: Some(key(2)), has_more: true });
        assert_eq!(query.cut(rows(2)), FeedCut { chosen: ids(&[1, 2]), last: Some(key(2)), has_more: false });
        assert_eq!(query.cut(rows(1)), FeedCut { chosen: ids(&[1]), last: Some(key(1)), has_more: false });
        assert_eq!(query.cut(rows(0)), FeedCut { chosen: Vec::new(), last: None, has_more: false });
    }

    #[test]
    fn a_filtered_page_goes_on_after_what_it_left_out() {
        let approved = FeedFilter { kinds: Some(vec![EventKind::EntryApproved]), waitlist_id: None };
        let query = query(2, approved);
        let ids = |numbers: &[u64]| numbers.iter().map(|n| key(*n).event_id).collect::<Vec<_>>();
        assert_eq!(query.cut(rows(7)), FeedCut { chosen: ids(&[3, 6]), last: Some(key(6)), has_more: true });
        assert_eq!(query.cut(rows(6)), FeedCut { chosen: ids(&[3, 6]), last: Some(key(6)), has_more: false });
        assert_eq!(query.cut(rows(5)), FeedCut { chosen: ids(&[3]), last: Some(key(5)), has_more: false });
        let none = FeedQuery { filter: FeedFilter { kinds: Some(vec![EventKind::EntryRejected]), waitlist_id: None }, ..query };
        assert_eq!(none.cut(rows(1001)), FeedCut { chosen: Vec::new(), last: Some(key(1000)), has_more: true });
    }

    #[test]
    fn an_event_of_a_deleted_entry_is_reduced() {
        let now = Timestamp::parse("2026-01-31T09:00:00Z").unwrap();
        let subject = EventSubject { workspace_id: WorkspaceId::new(Uuid::nil()), waitlist_id: None, entry_id: None };
        let told =
            ToldEvent { id: key(1).event_id, kind: "a.b".to_owned(), subject, occurred_at: now, body: "{}".to_owned(), has_entry: true };
        assert_eq!(told.clone().shown(), "{}");
        let gone = ToldEvent { has_entry: false, ..told }.shown();
        assert!(gone.contains("\"erased\":true") && gone.contains("\"type\":\"a.b\""), "{gone}");
    }
}
