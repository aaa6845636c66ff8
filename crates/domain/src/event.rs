//! Events: what happened to an entry, with a body for receivers that never changes.

use serde::Serialize;

use crate::entry::{Entry, EntryDocument};
use crate::error::Invalid;
use crate::id::{EntryId, EventId, WaitlistId, WorkspaceId};
use crate::timestamp::Timestamp;
use crate::waitlist::Waitlist;

/// The kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A person signed up.
    EntryCreated,
    /// An entry was approved.
    EntryApproved,
    /// An entry was rejected.
    EntryRejected,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::EntryCreated, Self::EntryApproved, Self::EntryRejected];

    /// Returns the name on the wire and in a store.
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
    /// If there is no such kind.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be one of entry.created, entry.approved, entry.rejected"))
    }
}

/// Something that happened to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The id of the event. Receivers use it to recognise a repetition.
    pub id: EventId,
    /// The kind.
    pub kind: EventKind,
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The waitlist. It is `None` for a test event without one.
    pub waitlist_id: Option<WaitlistId>,
    /// The entry. It is `None` for a test event.
    pub entry_id: Option<EntryId>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The JSON text for every receiver. It is the same on every attempt.
    pub body: String,
}

/// The subject of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventSubject {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The waitlist, if the event is about one.
    pub waitlist_id: Option<WaitlistId>,
    /// The entry, if the event is about one.
    pub entry_id: Option<EntryId>,
}

impl Event {
    /// Creates an event about any subject, with data of its own.
    ///
    /// The body holds the data as it is now.
    ///
    /// # Panics
    /// If the data does not serialise to JSON.
    pub fn about(subject: EventSubject, id: EventId, kind: EventKind, occurred_at: Timestamp, data: &impl Serialize) -> Self {
        Self::compose(subject, id, kind, occurred_at, data, None)
    }

    /// Creates an event about an entry, with the entry and its waitlist as they are now.
    pub fn new(id: EventId, kind: EventKind, occurred_at: Timestamp, entry: &Entry, waitlist: &Waitlist) -> Self {
        let subject = EventSubject { workspace_id: entry.workspace_id, waitlist_id: Some(entry.waitlist_id), entry_id: Some(entry.id) };
        Self::about(subject, id, kind, occurred_at, &EntryData::new(entry, waitlist))
    }

    /// Creates a test event about a made-up entry. It is of the given waitlist, or of a made-up one.
    pub fn test(id: EventId, kind: EventKind, occurred_at: Timestamp, workspace_id: WorkspaceId, waitlist: Option<&Waitlist>) -> Self {
        let waitlist_id = waitlist.map(|waitlist| waitlist.id);
        let waitlist = waitlist.cloned().unwrap_or_else(|| placeholder::waitlist(workspace_id, occurred_at));
        let entry = placeholder::entry(&waitlist, kind, occurred_at);
        let subject = EventSubject { workspace_id, waitlist_id, entry_id: None };
        Self::compose(subject, id, kind, occurred_at, &EntryData::new(&entry, &waitlist), Some(true))
    }

    /// Returns the body that an event of an erased entry is reduced to: ids, its kind and its time, and `"erased": true`.
    ///
    /// The kind is a text, because the store may have events of a newer program.
    ///
    /// # Panics
    /// Never: texts serialise to JSON.
    pub fn reduced_body(subject: EventSubject, id: EventId, kind: &str, occurred_at: Timestamp) -> String {
        let of = |id: Option<String>| id.map(|id| Id { id });
        let data = ReducedData {
            entry: of(subject.entry_id.map(|id| id.to_string())),
            waitlist: of(subject.waitlist_id.map(|id| id.to_string())),
        };
        let body = Body {
            id: id.to_string(),
            kind,
            timestamp: occurred_at,
            workspace_id: subject.workspace_id.to_string(),
            test: None,
            erased: Some(true),
            data: &data,
        };
        serde_json::to_string(&body).expect("texts serialise")
    }

    fn compose<T: Serialize>(
        subject: EventSubject,
        id: EventId,
        kind: EventKind,
        timestamp: Timestamp,
        data: &T,
        test: Option<bool>,
    ) -> Self {
        let EventSubject { workspace_id, waitlist_id, entry_id } = subject;
        let body =
            Body { id: id.to_string(), kind: kind.as_str(), timestamp, workspace_id: workspace_id.to_string(), test, erased: None, data };
        let body = serde_json::to_string(&body).expect("texts, numbers and documents serialise");
        Self { id, kind, workspace_id, waitlist_id, entry_id, occurred_at: timestamp, body }
    }
}

/// The made-up waitlist and entry of a test event.
mod placeholder {
    use uuid::Uuid;

    use super::{Entry, EntryId, EventKind, Timestamp, Waitlist, WaitlistId, WorkspaceId};
    use crate::email::Email;
    use crate::entry::EntryStatus;
    use crate::profile::Profile;
    use crate::referral::{Position, ReferralCode};
    use crate::settings::Settings;
    use crate::slug::Slug;
    use crate::text::{DisplayName, PersonName};
    use crate::waitlist::WaitlistStatus;

    pub(super) fn waitlist(workspace_id: WorkspaceId, now: Timestamp) -> Waitlist {
        Waitlist {
            id: WaitlistId::new(Uuid::nil()),
            workspace_id,
            slug: Slug::from_stored("example".to_owned()),
            display_name: DisplayName::from_stored("Example".to_owned()),
            description: None,
            status: WaitlistStatus::Active,
            settings: Settings::default(),
            created_by: None,
            created_at: now,
            updated_at: now,
        }
    }

    pub(super) fn entry(waitlist: &Waitlist, kind: EventKind, now: Timestamp) -> Entry {
        Entry {
            id: EntryId::new(Uuid::nil()),
            waitlist_id: waitlist.id,
            workspace_id: waitlist.workspace_id,
            profile: Profile::new(Email::from_stored("ada@example.com".to_owned()), PersonName::from_stored("Ada Lovelace".to_owned())),
            referral_code: ReferralCode::from_entropy(0),
            referral_count: 0,
            referred_by: None,
            position: Position::new(1),
            status: match kind {
                EventKind::EntryCreated => EntryStatus::Pending,
                EventKind::EntryApproved => EntryStatus::Approved,
                EventKind::EntryRejected => EntryStatus::Rejected,
            },
            variant_id: None,
            link_generation: 0,
            confirmed_at: None,
            invitation: None,
            created_at: now,
            updated_at: now,
        }
    }
}

#[derive(Serialize)]
struct Body<'a, T> {
    id: String,
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: Timestamp,
    workspace_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    test: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erased: Option<bool>,
    data: &'a T,
}

/// The data of an event about an erased entry.
#[derive(Serialize)]
struct ReducedData {
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    waitlist: Option<Id>,
}

#[derive(Serialize)]
struct Id {
    id: String,
}

/// The data of an event about an entry.
#[derive(Serialize)]
struct EntryData<'a> {
    entry: EntryDocument<'a>,
    waitlist: WaitlistRef<'a>,
}

impl<'a> EntryData<'a> {
    fn new(entry: &'a Entry, waitlist: &'a Waitlist) -> Self {
        let (slug, display_name) = (waitlist.slug.as_str(), waitlist.display_name.as_str());
        Self {
            entry: entry.document(waitlist.settings.referral_boost),
            waitlist: WaitlistRef { id: waitlist.id.to_string(), slug, display_name },
        }
    }
}

#[derive(Serialize)]
struct WaitlistRef<'a> {
    id: String,
    slug: &'a str,
    display_name: &'a str,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_event_carries_any_data() {
        let workspace_id = WorkspaceId::new(Uuid::from_u128(1));
        let subject = EventSubject { workspace_id, waitlist_id: None, entry_id: None };
        let (id, now) = (EventId::new(Uuid::from_u128(2)), Timestamp::parse("2026-01-31T09:00:00Z").unwrap());
        let event = Event::about(subject, id, EventKind::EntryCreated, now, &json!({"count": 3}));
        let expected = json!({
            "id": id.to_string(), "type": "entry.created", "timestamp": "2026-01-31T09:00:00.000Z",
            "workspace_id": workspace_id.to_string(), "data": {"count": 3},
        });
        assert_eq!(serde_json::from_str::<Value>(&event.body).unwrap(), expected);
        assert_eq!((event.workspace_id, event.waitlist_id, event.entry_id), (workspace_id, None, None));
    }

    #[test]
    fn an_event_of_an_erased_entry_has_ids_alone() {
        let (workspace_id, waitlist_id) = (WorkspaceId::new(Uuid::from_u128(1)), WaitlistId::new(Uuid::from_u128(2)));
        let entry_id = EntryId::new(Uuid::from_u128(3));
        let subject = EventSubject { workspace_id, waitlist_id: Some(waitlist_id), entry_id: Some(entry_id) };
        let (id, now) = (EventId::new(Uuid::from_u128(4)), Timestamp::parse("2026-01-31T09:00:00Z").unwrap());
        let body = Event::reduced_body(subject, id, "entry.created", now);
        let expected = json!({
            "id": id.to_string(), "type": "entry.created", "timestamp": "2026-01-31T09:00:00.000Z", "workspace_id": workspace_id.to_string(),
            "erased": true, "data": {"entry": {"id": entry_id.to_string()}, "waitlist": {"id": waitlist_id.to_string()}},
        });
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
    }
}
