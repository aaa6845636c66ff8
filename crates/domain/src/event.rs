//! Events: what happened to an entry, told in the words receivers will read, fixed when it happens.

use serde::Serialize;

use crate::entry::{Entry, EntryDocument};
use crate::error::Invalid;
use crate::id::{EntryId, EventId, WaitlistId, WorkspaceId};
use crate::timestamp::Timestamp;
use crate::waitlist::Waitlist;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A person signed up.
    EntryCreated,
    /// A person was let in.
    EntryApproved,
    /// A person was turned away.
    EntryRejected,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::EntryCreated, Self::EntryApproved, Self::EntryRejected];

    /// The name on the wire and in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EntryCreated => "entry.created",
            Self::EntryApproved => "entry.approved",
            Self::EntryRejected => "entry.rejected",
        }
    }

    /// Reads the name on the wire.
    ///
    /// # Errors
    /// When there is no such kind.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be one of entry.created, entry.approved, entry.rejected"))
    }
}

/// Something that happened to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its identity; receivers de-duplicate by it.
    pub id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// In which workspace.
    pub workspace_id: WorkspaceId,
    /// On which waitlist.
    pub waitlist_id: WaitlistId,
    /// To which entry.
    pub entry_id: EntryId,
    /// When.
    pub occurred_at: Timestamp,
    /// The JSON text every receiver gets, the same on every attempt.
    pub body: String,
}

impl Event {
    /// Tells what happened to an entry, as the entry and its waitlist are at that moment.
    pub fn new(id: EventId, kind: EventKind, occurred_at: Timestamp, entry: &Entry, waitlist: &Waitlist) -> Self {
        let body = Body {
            id: id.to_string(),
            kind: kind.as_str(),
            timestamp: occurred_at,
            workspace_id: entry.workspace_id.to_string(),
            data: Data {
                entry: entry.document(),
                waitlist: WaitlistRef {
                    id: waitlist.id.to_string(),
                    slug: waitlist.slug.as_str(),
                    display_name: waitlist.display_name.as_str(),
                },
            },
        };
        Self {
            id,
            kind,
            workspace_id: entry.workspace_id,
            waitlist_id: entry.waitlist_id,
            entry_id: entry.id,
            occurred_at,
            body: serde_json::to_string(&body).expect("texts, numbers and documents serialise"),
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: Timestamp,
    workspace_id: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    entry: EntryDocument<'a>,
    waitlist: WaitlistRef<'a>,
}

#[derive(Serialize)]
struct WaitlistRef<'a> {
    id: String,
    slug: &'a str,
    display_name: &'a str,
}
