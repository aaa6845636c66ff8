//! Schemas of events for the OpenAPI document, as the feed and the webhooks show them. The domain writes the bodies themselves.

use rally_domain::event::EventKind;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn, Paths, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{Object, ObjectBuilder, Ref, Schema, Type};
use utoipa::openapi::{ContentBuilder, PathItem, RefOr, Required, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};

use super::admin::entries::EntryView;
use super::admin::referrals::{ReferralSignalName, ReferralStateName};
use super::schema::{EventName, MilestoneSchema, StatusName};

/// An event, as a webhook gets it.
#[derive(ToSchema)]
#[schema(as = Event)]
#[serde(untagged)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum EventSchema {
    OfEntry(EntryEvent),
    OfReward(RewardEvent),
    OfReferral(ReferralEvent),
    OfStatus(StatusEvent),
    OfGone(GoneEvent),
    Reduced(ReducedEvent),
}

/// Declares the schema of the events of some kinds, with the same members around their data.
macro_rules! event {
    ($(#[$text:meta])* $event:ident, $kinds:ident = $list:expr, $data:ty) => {
        fn $kinds() -> Object {
            names(&$list)
        }

        $(#[$text])*
        #[derive(ToSchema)]
        #[expect(dead_code, reason = "only describes values in the OpenAPI document")]
        pub struct $event {
            #[schema(format = Uuid)]
            id: String,
            #[schema(rename = "type", schema_with = $kinds)]
            kind: String,
            #[schema(format = DateTime)]
            timestamp: String,
            #[schema(format = Uuid)]
            workspace_id: String,
            /// True for an event that an admin invented to test a webhook.
            #[schema(nullable = false)]
            test: Option<bool>,
            data: $data,
        }
    };
}

event! {
    /// What happened to an entry that is there.
    EntryEvent, entry_kinds = [
        EventKind::EntryCreated, EventKind::EntryApproved, EventKind::EntryRejected,
        EventKind::EntryUpdated, EventKind::EntryInvited, EventKind::EntryUnsubscribed,
    ], EntryEventData
}
event! {
    /// An entry has as many referrals as a reward takes, for the first time.
    RewardEvent, reward_kinds = [EventKind::RewardReached], RewardEventData
}
event! {
    /// What became of a referral.
    ReferralEvent, referral_kinds = [EventKind::ReferralCredited, EventKind::ReferralWithheld, EventKind::ReferralRevoked], ReferralEventData
}
event! {
    /// A waitlist got another status.
    StatusEvent, status_kinds = [EventKind::WaitlistStatusChanged], StatusEventData
}
event! {
    /// An entry is gone.
    GoneEvent, gone_kinds = [EventKind::EntryDeleted, EventKind::EntryErased], GoneEventData
}

/// An earlier event of an entry that is gone by now. Only the feed has such events.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub struct ReducedEvent {
    #[schema(format = Uuid)]
    id: String,
    #[schema(rename = "type")]
    kind: EventName,
    #[schema(format = DateTime)]
    timestamp: String,
    #[schema(format = Uuid)]
    workspace_id: String,
    #[schema(schema_with = always)]
    erased: bool,
    data: ReducedEventData,
}

/// The entry as it was after the change.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
struct EntryEventData {
    entry: EventEntry,
    waitlist: EventWaitlist,
}

/// The entry, and the reward that it has reached.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
struct RewardEventData {
    entry: EventEntry,
    waitlist: EventWaitlist,
    milestone: MilestoneSchema,
}

/// The referral as it was after the change.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
struct ReferralEventData {
    referral: EventReferral,
    waitlist: EventWaitlist,
}

/// The waitlist, and its status before and after.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
struct StatusEventData {
    waitlist: EventWaitlist,
    from: StatusName,
    to: StatusName,
}

/// The ids and the place of the entry. Nothing else is left of it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
struct GoneEventData {
    #[schema(format = Uuid)]
    entry_id: String,
    #[schema(format = Uuid)]
    waitlist_id: String,
    /// The position that the entry had in the order of signing up.
    position: u64,
}

/// The ids that are left.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
struct ReducedEventData {
    #[schema(nullable = false)]
    entry: Option<EventId>,
    #[schema(nullable = false)]
    waitlist: Option<EventId>,
}

/// The id of an object.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
struct EventId {
    #[schema(format = Uuid)]
    id: String,
}

/// The waitlist of an event, as it was then.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
struct EventWaitlist {
    #[schema(format = Uuid)]
    id: String,
    slug: String,
    display_name: String,
}

/// The referral of an event, as it was then.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
struct EventReferral {
    #[schema(format = Uuid)]
    id: String,
    /// The entry whose code was used. Null if it is gone.
    #[schema(required, format = Uuid)]
    referrer_entry_id: Option<String>,
    /// The entry that signed up with it. Null if it is gone.
    #[schema(required, format = Uuid)]
    referred_entry_id: Option<String>,
    state: ReferralStateName,
    /// How much speaks against the referral.
    #[schema(maximum = 100)]
    score: u8,
    /// What speaks against it.
    reasons: Vec<ReferralSignalName>,
}

/// The entry of an event: as the admin surface shows it, without the link to the person's own page.
struct EventEntry;

impl PartialSchema for EventEntry {
    fn schema() -> RefOr<Schema> {
        let mut schema = EntryView::schema();
        if let RefOr::T(Schema::Object(entry)) = &mut schema {
            entry.description = Some("The entry of an event, as it was then.".to_owned());
            entry.properties.remove("status_url");
            entry.required.retain(|name| name != "status_url");
        }
        schema
    }
}

impl ToSchema for EventEntry {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        EntryView::schemas(schemas);
    }
}

fn names(kinds: &[EventKind]) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(kinds.iter().map(|kind| kind.as_str()))).build()
}

fn always() -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true])).build()
}

/// The requests that webhooks get, by the kind of their event (Standard Webhooks).
pub fn webhooks() -> Paths {
    let add = |paths: PathsBuilder, kind: &EventKind| paths.path(kind.as_str(), PathItem::new(HttpMethod::Post, delivery(*kind)));
    EventKind::ALL.iter().fold(PathsBuilder::new(), add).build()
}

fn delivery(kind: EventKind) -> Operation {
    let (event, summary) = match kind {
        EventKind::EntryCreated => (EntryEvent::name(), "A person signed up"),
        EventKind::EntryApproved => (EntryEvent::name(), "An entry was approved"),
        EventKind::EntryRejected => (EntryEvent::name(), "An entry was rejected"),
        EventKind::EntryUpdated => (EntryEvent::name(), "The answers, the name or the language of an entry changed"),
        EventKind::EntryInvited => (EntryEvent::name(), "An entry was invited"),
        EventKind::EntryUnsubscribed => (EntryEvent::name(), "The person of an entry wants no more mail"),
        EventKind::EntryDeleted => (GoneEvent::name(), "An entry was deleted"),
        EventKind::EntryErased => (GoneEvent::name(), "An entry was erased"),
        EventKind::WaitlistStatusChanged => (StatusEvent::name(), "A waitlist got another status"),
        EventKind::ReferralCredited => (ReferralEvent::name(), "A referral counts"),
        EventKind::ReferralWithheld => (ReferralEvent::name(), "A referral waits for a decision"),
        EventKind::ReferralRevoked => (ReferralEvent::name(), "A referral was taken back"),
        EventKind::RewardReached => (RewardEvent::name(), "An entry has as many referrals as a reward takes, for the first time"),
    };
    let header = |name: &str, of: Type, text: &str| {
        let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(Required::True);
        parameter.description(Some(text)).schema(Some(Object::with_type(of))).build()
    };
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name(event))).build();
    OperationBuilder::new()
        .tag("Webhooks")
        .operation_id(Some(format!("receive_{}", kind.as_str().replace('.', "_"))))
        .summary(Some(summary))
        .parameter(header("webhook-id", Type::String, "The id of the event. It is the same in every attempt."))
        .parameter(header("webhook-timestamp", Type::Integer, "When this attempt was sent, in seconds since 1970."))
        .parameter(header(
            "webhook-signature",
            Type::String,
            "`v1,` and the signature in base64, once for each valid secret, with spaces between.",
        ))
        .request_body(Some(RequestBodyBuilder::new().content("application/json", body).required(Some(Required::True)).build()))
        .response(
            "2XX",
            ResponseBuilder::new().description("The event arrived. Any other answer, or none in time, leads to another attempt."),
        )
        .build()
}
