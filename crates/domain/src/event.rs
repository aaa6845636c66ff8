//! Events: what happened to an entry or a waitlist, with a body for receivers that never changes.

use serde::Serialize;

use crate::entry::{Entry, EntryDocument};
use crate::error::Invalid;
use crate::id::{EntryId, EventId, WaitlistId, WorkspaceId};
use crate::ledger::{Referral, ReferralSignal, ReferralState};
use crate::referral::Milestone;
use crate::timestamp::Timestamp;
use crate::waitlist::{Waitlist, WaitlistStatus};

/// The kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A person signed up.
    EntryCreated,
    /// An entry was approved.
    EntryApproved,
    /// An entry was rejected.
    EntryRejected,
    /// The answers, the name or the language of an entry changed.
    EntryUpdated,
    /// An entry was invited.
    EntryInvited,
    /// The person of an entry wants no more mail.
    EntryUnsubscribed,
    /// An entry was deleted.
    EntryDeleted,
    /// An entry was erased.
    EntryErased,
    /// A waitlist got another status.
    WaitlistStatusChanged,
    /// A referral counts: it is new, or somebody decided so.
    ReferralCredited,
    /// A referral waits for a decision.
    ReferralWithheld,
    /// A referral was taken back.
    ReferralRevoked,
    /// An entry has as many referrals as a reward takes, for the first time.
    RewardReached,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 13] = [
        Self::EntryCreated,
        Self::EntryApproved,
        Self::EntryRejected,
        Self::EntryUpdated,
        Self::EntryInvited,
        Self::EntryUnsubscribed,
        Self::EntryDeleted,
        Self::EntryErased,
        Self::WaitlistStatusChanged,
        Self::ReferralCredited,
        Self::ReferralWithheld,
        Self::ReferralRevoked,
        Self::RewardReached,
    ];

    /// Returns the name on the wire and in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EntryCreated => "entry.created",
            Self::EntryApproved => "entry.approved",
            Self::EntryRejected => "entry.rejected",
            Self::EntryUpdated => "entry.updated",
            Self::EntryInvited => "entry.invited",
            Self::EntryUnsubscribed => "entry.unsubscribed",
            Self::EntryDeleted => "entry.deleted",
            Self::EntryErased => "entry.erased",
            Self::WaitlistStatusChanged => "waitlist.status_changed",
            Self::ReferralCredited => "referral.credited",
            Self::ReferralWithheld => "referral.withheld",
            Self::ReferralRevoked => "referral.revoked",
            Self::RewardReached => "reward.reached",
        }
    }

    /// Reads the name on the wire.
    ///
    /// # Errors
    /// If there is no such kind.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| Invalid::new(format!("must be one of {}", Self::names())))
    }

    /// Whether this program knows a kind. A newer one beside it may write others.
    pub fn is_known(text: &str) -> bool {
        Self::ALL.into_iter().any(|kind| kind.as_str() == text)
    }

    /// Returns the names of all kinds, with commas between.
    pub fn names() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// Returns the kind that tells of a referral in a state.
    pub const fn of_referral(state: ReferralState) -> Self {
        match state {
            ReferralState::Credited => Self::ReferralCredited,
            ReferralState::Withheld => Self::ReferralWithheld,
            ReferralState::Revoked => Self::ReferralRevoked,
        }
    }

    /// Whether it tells of a row of the referral ledger. The persons of a referral are not told of such events.
    pub const fn is_of_ledger(self) -> bool {
        matches!(self, Self::ReferralCredited | Self::ReferralWithheld | Self::ReferralRevoked)
    }
}

/// Something that happened to an entry or a waitlist.
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
    /// The entry. It is `None` for a test event, for an event about a waitlist, and for the event of a deletion: that one stays whole.
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

    /// Creates the event of the state of a referral. It belongs to the friend, or to the referrer if the friend is gone.
    pub fn of_referral(id: EventId, occurred_at: Timestamp, referral: &Referral, waitlist: &Waitlist) -> Self {
        let entry_id = referral.referred.or(referral.referrer);
        let subject = EventSubject { workspace_id: waitlist.workspace_id, waitlist_id: Some(waitlist.id), entry_id };
        Self::about(subject, id, EventKind::of_referral(referral.state), occurred_at, &ReferralData::new(referral, waitlist))
    }

    /// Creates the event of a reward that an entry has reached. The entry has its referrals already.
    pub fn of_reward(id: EventId, occurred_at: Timestamp, entry: &Entry, waitlist: &Waitlist, milestone: &Milestone) -> Self {
        let subject = EventSubject { workspace_id: entry.workspace_id, waitlist_id: Some(entry.waitlist_id), entry_id: Some(entry.id) };
        Self::about(subject, id, EventKind::RewardReached, occurred_at, &RewardData::new(entry, waitlist, milestone))
    }

    /// Creates the event of an entry that is deleted or erased. It has nothing of the person.
    pub fn gone(id: EventId, kind: EventKind, occurred_at: Timestamp, entry: &Entry) -> Self {
        // The entry is not the subject: what is undelivered about it is dropped, and its earlier events are reduced.
        let subject = EventSubject { workspace_id: entry.workspace_id, waitlist_id: Some(entry.waitlist_id), entry_id: None };
        Self::about(subject, id, kind, occurred_at, &GoneData::new(entry))
    }

    /// Creates the event of a waitlist that got another status, with the waitlist as it is now.
    pub fn status_changed(id: EventId, occurred_at: Timestamp, from: WaitlistStatus, waitlist: &Waitlist) -> Self {
        let subject = EventSubject { workspace_id: waitlist.workspace_id, waitlist_id: Some(waitlist.id), entry_id: None };
        Self::about(subject, id, EventKind::WaitlistStatusChanged, occurred_at, &StatusData::new(from, waitlist))
    }

    /// Creates a test event about a made-up entry. It is of the given waitlist, or of a made-up one.
    pub fn test(id: EventId, kind: EventKind, occurred_at: Timestamp, workspace_id: WorkspaceId, waitlist: Option<&Waitlist>) -> Self {
        let waitlist_id = waitlist.map(|waitlist| waitlist.id);
        let waitlist = waitlist.cloned().unwrap_or_else(|| placeholder::waitlist(workspace_id, occurred_at));
        let entry = placeholder::entry(&waitlist, kind, occurred_at);
        let subject = EventSubject { workspace_id, waitlist_id, entry_id: None };
        match kind {
            EventKind::EntryCreated
            | EventKind::EntryApproved
            | EventKind::EntryRejected
            | EventKind::EntryUpdated
            | EventKind::EntryInvited
            | EventKind::EntryUnsubscribed => Self::compose(subject, id, kind, occurred_at, &EntryData::new(&entry, &waitlist), Some(true)),
            EventKind::EntryDeleted | EventKind::EntryErased => {
                Self::compose(subject, id, kind, occurred_at, &GoneData::new(&entry), Some(true))
            }
            EventKind::WaitlistStatusChanged => {
                let data = StatusData::new(WaitlistStatus::Draft, &waitlist);
                Self::compose(subject, id, kind, occurred_at, &data, Some(true))
            }
            EventKind::ReferralCredited | EventKind::ReferralWithheld | EventKind::ReferralRevoked => {
                let referral = placeholder::referral(&waitlist, kind, occurred_at);
                Self::compose(subject, id, kind, occurred_at, &ReferralData::new(&referral, &waitlist), Some(true))
            }
            EventKind::RewardReached => {
                let (entry, milestone) = (Entry { referral_count: 1, ..entry }, placeholder::milestone());
                Self::compose(subject, id, kind, occurred_at, &RewardData::new(&entry, &waitlist, &milestone), Some(true))
            }
        }
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

    use super::{Entry, EntryId, EventKind, Milestone, Referral, ReferralState, Timestamp, Waitlist, WaitlistId, WorkspaceId};
    use crate::email::Email;
    use crate::entry::{EntryStatus, Invitation};
    use crate::id::ReferralId;
    use crate::ledger::{ReferralPolicy, ReferralSignal};
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
                EventKind::EntryApproved | EventKind::EntryInvited => EntryStatus::Approved,
                EventKind::EntryRejected => EntryStatus::Rejected,
                _ => EntryStatus::Pending,
            },
            variant_id: None,
            link_generation: 0,
            confirmed_at: None,
            invitation: (kind == EventKind::EntryInvited).then_some(Invitation { at: now, app_slug: None }),
            created_at: now,
            updated_at: now,
        }
    }

    pub(super) fn referral(waitlist: &Waitlist, kind: EventKind, now: Timestamp) -> Referral {
        let state = ReferralState::ALL.into_iter().find(|state| EventKind::of_referral(*state) == kind);
        Referral {
            id: ReferralId::new(Uuid::nil()),
            waitlist_id: waitlist.id,
            referrer: Some(EntryId::new(Uuid::nil())),
            referred: Some(EntryId::new(Uuid::nil())),
            state: state.unwrap_or(ReferralState::Credited),
            score: 40,
            reasons: vec![ReferralSignal::SameNetwork],
            policy: Some(ReferralPolicy::default()),
            created_at: now,
            decision: None,
        }
    }

    pub(super) fn milestone() -> Milestone {
        Milestone { count: 1, reward: "Example".to_owned() }
    }
}

/// The form of a [`Referral`] in events.
#[derive(Serialize)]
struct ReferralDocument {
    id: String,
    referrer_entry_id: Option<String>,
    referred_entry_id: Option<String>,
    state: &'static str,
    score: u8,
    reasons: Vec<&'static str>,
}

/// The data of an event about a referral.
#[derive(Serialize)]
struct ReferralData<'a> {
    referral: ReferralDocument,
    waitlist: WaitlistRef<'a>,
}

impl<'a> ReferralData<'a> {
    fn new(referral: &Referral, waitlist: &'a Waitlist) -> Self {
        let referral = ReferralDocument {
            id: referral.id.to_string(),
            referrer_entry_id: referral.referrer.map(|id| id.to_string()),
            referred_entry_id: referral.referred.map(|id| id.to_string()),
            state: referral.state.as_str(),
            score: referral.score,
            reasons: referral.reasons.iter().copied().map(ReferralSignal::as_str).collect(),
        };
        Self { referral, waitlist: WaitlistRef::new(waitlist) }
    }
}

/// The data of an event about a reward.
#[derive(Serialize)]
struct RewardData<'a> {
    entry: EntryDocument<'a>,
    waitlist: WaitlistRef<'a>,
    milestone: &'a Milestone,
}

impl<'a> RewardData<'a> {
    fn new(entry: &'a Entry, waitlist: &'a Waitlist, milestone: &'a Milestone) -> Self {
        Self { entry: entry.document(waitlist.settings.referral_boost), waitlist: WaitlistRef::new(waitlist), milestone }
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
        Self { entry: entry.document(waitlist.settings.referral_boost), waitlist: WaitlistRef::new(waitlist) }
    }
}

/// The data of an event about an entry that is gone.
#[derive(Serialize)]
struct GoneData {
    entry_id: String,
    waitlist_id: String,
    position: u64,
}

impl GoneData {
    fn new(entry: &Entry) -> Self {
        Self { entry_id: entry.id.to_string(), waitlist_id: entry.waitlist_id.to_string(), position: entry.position.number() }
    }
}

/// The data of an event about a waitlist that got another status.
#[derive(Serialize)]
struct StatusData<'a> {
    waitlist: WaitlistRef<'a>,
    from: &'static str,
    to: &'static str,
}

impl<'a> StatusData<'a> {
    fn new(from: WaitlistStatus, waitlist: &'a Waitlist) -> Self {
        Self { waitlist: WaitlistRef::new(waitlist), from: from.as_str(), to: waitlist.status.as_str() }
    }
}

#[derive(Serialize)]
struct WaitlistRef<'a> {
    id: String,
    slug: &'a str,
    display_name: &'a str,
}

impl<'a> WaitlistRef<'a> {
    fn new(waitlist: &'a Waitlist) -> Self {
        Self { id: waitlist.id.to_string(), slug: waitlist.slug.as_str(), display_name: waitlist.display_name.as_str() }
    }
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
    fn every_kind_has_a_test_event_in_its_form() {
        let (id, now) = (EventId::new(Uuid::from_u128(2)), Timestamp::parse("2026-01-31T09:00:00Z").unwrap());
        for kind in EventKind::ALL {
            let event = Event::test(id, kind, now, WorkspaceId::new(Uuid::from_u128(1)), None);
            let body: Value = serde_json::from_str(&event.body).unwrap();
            assert_eq!((&body["type"], &body["test"]), (&json!(kind.as_str()), &json!(true)));
            if [EventKind::EntryDeleted, EventKind::EntryErased].contains(&kind) {
                let named: Vec<&str> = body["data"].as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(named, ["entry_id", "position", "waitlist_id"]);
                continue;
            }
            assert_eq!(body["data"]["waitlist"]["slug"], "example");
            let state = kind.as_str().strip_prefix("referral.");
            assert_eq!(body["data"]["referral"]["state"], state.map_or(Value::Null, |state| json!(state)));
            assert_eq!(body["data"]["entry"].is_null(), state.is_some() || kind == EventKind::WaitlistStatusChanged);
            assert_eq!(body["data"]["milestone"]["count"], if kind == EventKind::RewardReached { json!(1) } else { Value::Null });
        }
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
