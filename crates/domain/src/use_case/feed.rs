//! Reading the feed of a workspace.

use crate::error::CommandError;
use crate::feed::{FEED_KEEPS, FeedCursor, FeedFilter, FeedPage, FeedQuery};
use crate::id::WorkspaceId;
use crate::paging::Limit;
use crate::port::Ports;

/// The most events that a request gives numbers to.
pub const NUMBERED_AT_ONCE: usize = 2000;

/// Why there is no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FeedRejection {
    /// The store does not have the last event of the reader any more.
    #[error("the last event of this cursor is gone: begin without a cursor")]
    CursorExpired,
}

/// What a reader wants of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRequest {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// How far the reader has come. `None` means that the page begins with the oldest event.
    pub after: Option<FeedCursor>,
    /// The events that the reader wants.
    pub filter: FeedFilter,
    /// The most events of the page.
    pub limit: Limit,
}

/// A page of a feed, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedReply {
    /// The bodies of the events, in their order.
    pub bodies: Vec<String>,
    /// How far the reader has come with this page.
    pub next: FeedCursor,
    /// Whether more events follow.
    pub has_more: bool,
}

/// Gives numbers to new events, and returns a page.
///
/// # Errors
/// If the event of the cursor is gone.
pub async fn pull(ports: &Ports, request: &FeedRequest) -> Result<FeedReply, CommandError<FeedRejection>> {
    let more = ports.feeds.number(request.workspace_id, NUMBERED_AT_ONCE).await? == NUMBERED_AT_ONCE;
    let reply = read(ports, request).await?;
    Ok(FeedReply { has_more: reply.has_more || more, ..reply })
}

/// Returns a page of the events that have numbers.
///
/// # Errors
/// If the event of the cursor is gone.
pub async fn read(ports: &Ports, request: &FeedRequest) -> Result<FeedReply, CommandError<FeedRejection>> {
    let expired = || CommandError::Rejected(FeedRejection::CursorExpired);
    let now = ports.clock.now();
    let oldest = now.plus(-FEED_KEEPS);
    let after = match request.after {
        // Events that the reader has not seen may be gone.
        Some(FeedCursor::Start(at)) if at < oldest => return Err(expired()),
        Some(FeedCursor::Start(_)) | None => None,
        Some(FeedCursor::After(key)) => Some(key),
    };
    let (workspace_id, filter, limit) = (request.workspace_id, request.filter.clone(), request.limit);
    let page = ports.feeds.page(FeedQuery { workspace_id, after, oldest, filter, limit }).await?;
    let FeedPage { bodies, last, has_more } = page.ok_or_else(expired)?;
    let next = last.or(after).map_or(FeedCursor::Start(now), FeedCursor::After);
    Ok(FeedReply { bodies, next, has_more })
}
