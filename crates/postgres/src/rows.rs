//! The rows of PostgreSQL's tables, and how they become domain types and back.
//!
//! Text is used as stored, because it was parsed before it was written. Enumerations and documents are parsed. A row that cannot
//! be parsed is a fault.

use diesel::prelude::*;
use diesel::sql_types;
use rally_domain::access::ApiKey;
use rally_domain::custom_field::Metadata;
use rally_domain::delivery::{Attempt, ClaimedDelivery};
use rally_domain::email::Email;
use rally_domain::entry::{Entry, EntryStatus, Invitation};
use rally_domain::error::{Fault, Invalid};
use rally_domain::event::{Event, EventKind};
use rally_domain::id::{ApiKeyId, AttemptId, ClaimId, EntryId, EventId, SenderDomainId, VariantId, WaitlistId, WebhookId, WorkspaceId};
use rally_domain::locale::Locale;
use rally_domain::profile::Profile;
use rally_domain::referral::{Position, ReferralCode};
use rally_domain::settings::Settings;
use rally_domain::slug::Slug;
use rally_domain::text::{Description, DisplayName, Interest, KeyName, PersonName, Referrer, Subject, WorkspaceName};
use rally_domain::timestamp::Timestamp;
use rally_domain::variant::{Variant, VariantCopy, VariantKind, Weight};
use rally_domain::waitlist::{Waitlist, WaitlistStatus};
use rally_domain::webhook::{SealedSecret, SealedSecrets, Subscription, Webhook, WebhookUrl};
use rally_domain::workspace::{Brand, Notifications, Workspace, WorkspaceSettings};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::schema;
use crate::statement::insert;

/// Converts a count or a position, which never gets as large as the limit of the column.
pub(crate) fn to_bigint(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn from_bigint(number: i64) -> u64 {
    number.unsigned_abs()
}

fn corrupt(what: &str) -> impl FnOnce(Invalid) -> Fault {
    let what = what.to_owned();
    move |error| Fault::unexpected(format!("stored {what} {error}"))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = schema::workspaces, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(crate) struct WorkspaceRow {
    id: Uuid,
    slug: String,
    previous_slug: Option<String>,
    name: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<&Workspace> for WorkspaceRow {
    fn from(workspace: &Workspace) -> Self {
        Self {
            id: workspace.id.uuid(),
            slug: workspace.slug.to_string(),
            previous_slug: workspace.previous_slug.as_ref().map(ToString::to_string),
            name: workspace.name.to_string(),
            created_at: workspace.created_at.instant(),
            updated_at: workspace.updated_at.instant(),
        }
    }
}

impl From<WorkspaceRow> for Workspace {
    fn from(row: WorkspaceRow) -> Self {
        Self {
            id: WorkspaceId::new(row.id),
            slug: Slug::from_stored(row.slug),
            previous_slug: row.previous_slug.map(Slug::from_stored),
            name: WorkspaceName::from_stored(row.name),
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(row.updated_at),
        }
    }
}

#[derive(Queryable, QueryableByName, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = schema::workspace_settings, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(crate) struct SettingsRow {
    workspace_id: Uuid,
    default_sender_domain_id: Option<String>,
    default_heimdall_app_slug: Option<String>,
    brand_name: Option<String>,
    brand_logo_url: Option<String>,
    primary_color: Option<String>,
    notifications_via_envoi: bool,
    default_sender_address: Option<String>,
    welcome_template_name: Option<String>,
    approved_template_name: Option<String>,
    rejected_template_name: Option<String>,
    updated_at: OffsetDateTime,
}

impl SettingsRow {
    /// The row of settings that were changed at an instant.
    pub(crate) fn new(settings: &WorkspaceSettings, updated_at: Timestamp) -> Self {
        Self {
            workspace_id: settings.workspace_id.uuid(),
            default_sender_domain_id: settings.default_sender_domain_id.map(|id| id.to_string()),
            default_heimdall_app_slug: settings.default_heimdall_app_slug.clone(),
            brand_name: settings.brand.name.clone(),
            brand_logo_url: settings.brand.logo_url.clone(),
            primary_color: settings.brand.primary_color.clone(),
            notifications_via_envoi: settings.notifications == Notifications::ViaEnvoi,
            default_sender_address: settings.default_sender_address.as_ref().map(ToString::to_string),
            welcome_template_name: settings.welcome_template_name.clone(),
            approved_template_name: settings.approved_template_name.clone(),
            rejected_template_name: settings.rejected_template_name.clone(),
            updated_at: updated_at.instant(),
        }
    }
}

impl TryFrom<SettingsRow> for WorkspaceSettings {
    type Error = Fault;

    fn try_from(row: SettingsRow) -> Result<Self, Fault> {
        Ok(Self {
            workspace_id: WorkspaceId::new(row.workspace_id),
            // Older versions kept any text here. A text that is not an id names no domain.
            default_sender_domain_id: row.default_sender_domain_id.and_then(|id| SenderDomainId::parse(&id).ok()),
            default_heimdall_app_slug: row.default_heimdall_app_slug,
            brand: Brand { name: row.brand_name, logo_url: row.brand_logo_url, primary_color: row.primary_color },
            notifications: if row.notifications_via_envoi { Notifications::ViaEnvoi } else { Notifications::Off },
            default_sender_address: row.default_sender_address.map(Email::from_stored),
            welcome_template_name: row.welcome_template_name,
            approved_template_name: row.approved_template_name,
            rejected_template_name: row.rejected_template_name,
            updated_at: Some(Timestamp::new(row.updated_at)),
        })
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::api_keys, check_for_backend(diesel::pg::Pg))]
pub(crate) struct ApiKeyRow {
    id: Uuid,
    workspace_id: Uuid,
    name: String,
    scope: String,
    prefix: String,
    hash: Vec<u8>,
    created_at: OffsetDateTime,
    revoked_at: Option<OffsetDateTime>,
}

impl From<&ApiKey> for ApiKeyRow {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.uuid(),
            workspace_id: key.workspace_id.uuid(),
            name: key.name.to_string(),
            scope: key.scope.clone(),
            prefix: key.prefix.clone(),
            hash: key.hash.to_vec(),
            created_at: key.created_at.instant(),
            revoked_at: key.revoked_at.map(Timestamp::instant),
        }
    }
}

impl TryFrom<ApiKeyRow> for ApiKey {
    type Error = Fault;

    fn try_from(row: ApiKeyRow) -> Result<Self, Fault> {
        Ok(Self {
            id: ApiKeyId::new(row.id),
            workspace_id: WorkspaceId::new(row.workspace_id),
            name: KeyName::from_stored(row.name),
            scope: row.scope,
            prefix: row.prefix,
            hash: digest(row.hash)?,
            created_at: Timestamp::new(row.created_at),
            revoked_at: row.revoked_at.map(Timestamp::new),
        })
    }
}

/// The 32 bytes of a column.
pub(crate) fn digest(bytes: Vec<u8>) -> Result<[u8; 32], Fault> {
    bytes.try_into().map_err(|_| Fault::unexpected("a stored hash is not of 32 bytes"))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = schema::workspace_settings, check_for_backend(diesel::pg::Pg))]
pub(crate) struct BrandRow {
    brand_name: Option<String>,
    brand_logo_url: Option<String>,
    primary_color: Option<String>,
}

impl From<BrandRow> for Brand {
    fn from(row: BrandRow) -> Self {
        Self { name: row.brand_name, logo_url: row.brand_logo_url, primary_color: row.primary_color }
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = schema::waitlists, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(crate) struct WaitlistRow {
    id: Uuid,
    workspace_id: Uuid,
    slug: String,
    display_name: String,
    description: Option<String>,
    status: String,
    settings: Value,
    created_by: Option<String>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<&Waitlist> for WaitlistRow {
    fn from(waitlist: &Waitlist) -> Self {
        Self {
            id: waitlist.id.uuid(),
            workspace_id: waitlist.workspace_id.uuid(),
            slug: waitlist.slug.to_string(),
            display_name: waitlist.display_name.to_string(),
            description: waitlist.description.as_ref().map(ToString::to_string),
            status: waitlist.status.as_str().to_owned(),
            settings: Value::Object(waitlist.settings.to_document()),
            created_by: waitlist.created_by.as_ref().map(ToString::to_string),
            created_at: waitlist.created_at.instant(),
            updated_at: waitlist.updated_at.instant(),
        }
    }
}

impl WaitlistRow {
    pub(crate) fn is_of(&self, workspace: WorkspaceId) -> bool {
        self.workspace_id == workspace.uuid()
    }

    pub(crate) fn has_slug(&self, slug: &Slug) -> bool {
        self.slug == slug.as_str()
    }
}

impl TryFrom<WaitlistRow> for Waitlist {
    type Error = Fault;

    fn try_from(row: WaitlistRow) -> Result<Self, Fault> {
        let settings = Settings::from_document(&object(row.settings))
            .map_err(|errors| Fault::unexpected(format!("stored settings do not read back: {errors:?}")))?;
        Ok(Self {
            id: WaitlistId::new(row.id),
            workspace_id: WorkspaceId::new(row.workspace_id),
            slug: Slug::from_stored(row.slug),
            display_name: DisplayName::from_stored(row.display_name),
            description: row.description.map(Description::from_stored),
            status: WaitlistStatus::parse(&row.status).map_err(corrupt("waitlist status"))?,
            settings,
            created_by: row.created_by.map(Subject::from_stored),
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(row.updated_at),
        })
    }
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = schema::variants, check_for_backend(diesel::pg::Pg))]
pub(crate) struct VariantRow {
    id: Uuid,
    waitlist_id: Uuid,
    kind: String,
    locale: String,
    copy: Value,
    weight: i16,
    active: bool,
    created_at: OffsetDateTime,
}

impl From<&Variant> for VariantRow {
    fn from(variant: &Variant) -> Self {
        Self {
            id: variant.id.uuid(),
            waitlist_id: variant.waitlist_id.uuid(),
            kind: variant.kind.as_str().to_owned(),
            locale: variant.locale.to_string(),
            copy: Value::Object(variant.copy.to_document()),
            weight: i16::from(variant.weight.number()),
            active: variant.active,
            created_at: variant.created_at.instant(),
        }
    }
}

impl TryFrom<VariantRow> for Variant {
    type Error = Fault;

    fn try_from(row: VariantRow) -> Result<Self, Fault> {
        Ok(Self {
            id: VariantId::new(row.id),
            waitlist_id: WaitlistId::new(row.waitlist_id),
            kind: VariantKind::parse(&row.kind).map_err(corrupt("variant kind"))?,
            locale: Locale::from_stored(row.locale),
            copy: VariantCopy::parse(object(row.copy))
                .map_err(|errors| Fault::unexpected(format!("stored copy does not read back: {errors:?}")))?,
            weight: Weight::new(u64::from(row.weight.unsigned_abs())).map_err(corrupt("weight"))?,
            active: row.active,
            created_at: Timestamp::new(row.created_at),
        })
    }
}

insert! {
    /// The columns of an entry that its sign-up writes.
    NewEntryRow of entries {
        id: sql_types::Uuid = Uuid,
        waitlist_id: sql_types::Uuid = Uuid,
        workspace_id: sql_types::Uuid = Uuid,
        email: sql_types::Text = String,
        name: sql_types::Text = String,
        interest: sql_types::Nullable<sql_types::Text> = Option<String>,
        referrer: sql_types::Nullable<sql_types::Text> = Option<String>,
        referral_code: sql_types::Text = String,
        referral_count: sql_types::BigInt = i64,
        referred_by_entry_id: sql_types::Nullable<sql_types::Uuid> = Option<Uuid>,
        position: sql_types::BigInt = i64,
        status: sql_types::Text = String,
        variant_id: sql_types::Nullable<sql_types::Uuid> = Option<Uuid>,
        metadata: sql_types::Jsonb = Value,
        created_at: sql_types::Timestamptz = OffsetDateTime,
    }

    /// Inserts entries.
    InsertEntries, with updated_at = created_at
}

/// An entry as it is read.
#[derive(Queryable, Selectable)]
#[diesel(table_name = schema::entries, check_for_backend(diesel::pg::Pg))]
pub(crate) struct EntryRow {
    #[diesel(embed)]
    pub(crate) new: NewEntryRow,
    invited_at: Option<OffsetDateTime>,
    invited_to_app_slug: Option<String>,
    updated_at: OffsetDateTime,
}

impl From<&Entry> for NewEntryRow {
    fn from(entry: &Entry) -> Self {
        let profile = &entry.profile;
        Self {
            id: entry.id.uuid(),
            waitlist_id: entry.waitlist_id.uuid(),
            workspace_id: entry.workspace_id.uuid(),
            email: profile.email.to_string(),
            name: profile.name.to_string(),
            interest: profile.interest.as_ref().map(ToString::to_string),
            referrer: profile.referrer.as_ref().map(ToString::to_string),
            referral_code: entry.referral_code.to_string(),
            referral_count: to_bigint(entry.referral_count),
            referred_by_entry_id: entry.referred_by.map(EntryId::uuid),
            position: to_bigint(entry.position.number()),
            status: entry.status.as_str().to_owned(),
            variant_id: entry.variant_id.map(VariantId::uuid),
            metadata: Value::Object(profile.metadata.document().clone()),
            created_at: entry.created_at.instant(),
        }
    }
}

impl TryFrom<EntryRow> for Entry {
    type Error = Fault;

    fn try_from(EntryRow { new: row, invited_at, invited_to_app_slug, updated_at }: EntryRow) -> Result<Self, Fault> {
        let invitation = invited_at.zip(invited_to_app_slug);
        Ok(Self {
            id: EntryId::new(row.id),
            waitlist_id: WaitlistId::new(row.waitlist_id),
            workspace_id: WorkspaceId::new(row.workspace_id),
            profile: Profile {
                email: Email::from_stored(row.email),
                name: PersonName::from_stored(row.name),
                interest: row.interest.map(Interest::from_stored),
                referrer: row.referrer.map(Referrer::from_stored),
                metadata: Metadata::from_stored(object(row.metadata)),
            },
            referral_code: ReferralCode::from_stored(row.referral_code),
            referral_count: from_bigint(row.referral_count),
            referred_by: row.referred_by_entry_id.map(EntryId::new),
            position: Position::new(from_bigint(row.position)),
            status: EntryStatus::parse(&row.status).map_err(corrupt("entry status"))?,
            variant_id: row.variant_id.map(VariantId::new),
            invitation: invitation.map(|(at, app_slug)| Invitation { at: Timestamp::new(at), app_slug }),
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(updated_at),
        })
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::events, check_for_backend(diesel::pg::Pg))]
pub(crate) struct EventRow {
    id: Uuid,
    workspace_id: Uuid,
    waitlist_id: Option<Uuid>,
    entry_id: Option<Uuid>,
    kind: String,
    body: String,
    occurred_at: OffsetDateTime,
}

impl From<&Event> for EventRow {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id.uuid(),
            workspace_id: event.workspace_id.uuid(),
            waitlist_id: event.waitlist_id.map(WaitlistId::uuid),
            entry_id: event.entry_id.map(EntryId::uuid),
            kind: event.kind.as_str().to_owned(),
            body: event.body.clone(),
            occurred_at: event.occurred_at.instant(),
        }
    }
}

impl TryFrom<EventRow> for Event {
    type Error = Fault;

    fn try_from(row: EventRow) -> Result<Self, Fault> {
        Ok(Self {
            id: EventId::new(row.id),
            kind: EventKind::parse(&row.kind).map_err(corrupt("event kind"))?,
            workspace_id: WorkspaceId::new(row.workspace_id),
            waitlist_id: row.waitlist_id.map(WaitlistId::new),
            entry_id: row.entry_id.map(EntryId::new),
            occurred_at: Timestamp::new(row.occurred_at),
            body: row.body,
        })
    }
}

/// A webhook without its secrets. Only statements that change or use the secrets read and write them.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = schema::webhooks, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(crate) struct WebhookRow {
    id: Uuid,
    workspace_id: Uuid,
    url: String,
    events: String,
    active: bool,
    failure_count: i64,
    first_failure_at: Option<OffsetDateTime>,
    last_status_code: Option<i32>,
    last_attempt_at: Option<OffsetDateTime>,
    auto_disabled_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    generation: i64,
}

impl From<&Webhook> for WebhookRow {
    fn from(webhook: &Webhook) -> Self {
        Self {
            id: webhook.id.uuid(),
            workspace_id: webhook.workspace_id.uuid(),
            url: webhook.url.as_str().to_owned(),
            events: webhook.events.to_string(),
            active: webhook.active,
            failure_count: i64::from(webhook.failure_count),
            first_failure_at: webhook.first_failure_at.map(Timestamp::instant),
            last_status_code: webhook.last_status_code.map(i32::from),
            last_attempt_at: webhook.last_attempt_at.map(Timestamp::instant),
            auto_disabled_at: webhook.auto_disabled_at.map(Timestamp::instant),
            created_at: webhook.created_at.instant(),
            generation: to_bigint(webhook.generation),
        }
    }
}

impl TryFrom<WebhookRow> for Webhook {
    type Error = Fault;

    fn try_from(row: WebhookRow) -> Result<Self, Fault> {
        let events: Vec<String> = row.events.split(',').map(str::to_owned).collect();
        Ok(Self {
            id: WebhookId::new(row.id),
            workspace_id: WorkspaceId::new(row.workspace_id),
            url: WebhookUrl::parse(&row.url).map_err(corrupt("webhook url"))?,
            events: Subscription::parse(&events).map_err(corrupt("subscription"))?,
            active: row.active,
            generation: from_bigint(row.generation),
            failure_count: u32::try_from(row.failure_count).unwrap_or(u32::MAX),
            first_failure_at: row.first_failure_at.map(Timestamp::new),
            last_status_code: row.last_status_code.and_then(|code| u16::try_from(code).ok()),
            last_attempt_at: row.last_attempt_at.map(Timestamp::new),
            auto_disabled_at: row.auto_disabled_at.map(Timestamp::new),
            created_at: Timestamp::new(row.created_at),
        })
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = schema::attempts, check_for_backend(diesel::pg::Pg))]
pub(crate) struct AttemptRow {
    id: Uuid,
    webhook_id: Uuid,
    event_id: Uuid,
    kind: String,
    number: i32,
    status_code: Option<i32>,
    response_body: Option<String>,
    error_message: Option<String>,
    latency_ms: i64,
    created_at: OffsetDateTime,
}

impl From<Attempt> for AttemptRow {
    fn from(attempt: Attempt) -> Self {
        Self {
            id: attempt.id.uuid(),
            webhook_id: attempt.webhook_id.uuid(),
            event_id: attempt.event_id.uuid(),
            kind: attempt.kind.as_str().to_owned(),
            number: i32::try_from(attempt.number).unwrap_or(i32::MAX),
            status_code: attempt.status_code.map(i32::from),
            response_body: attempt.response_body,
            error_message: attempt.error_message,
            latency_ms: i64::try_from(attempt.latency.whole_milliseconds()).unwrap_or(i64::MAX),
            created_at: attempt.created_at.instant(),
        }
    }
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = Fault;

    fn try_from(row: AttemptRow) -> Result<Self, Fault> {
        Ok(Self {
            id: AttemptId::new(row.id),
            webhook_id: WebhookId::new(row.webhook_id),
            event_id: EventId::new(row.event_id),
            kind: EventKind::parse(&row.kind).map_err(corrupt("event kind"))?,
            number: u32::try_from(row.number).unwrap_or(0),
            status_code: row.status_code.and_then(|code| u16::try_from(code).ok()),
            response_body: row.response_body,
            error_message: row.error_message,
            latency: time::Duration::milliseconds(row.latency_ms),
            created_at: Timestamp::new(row.created_at),
        })
    }
}

/// A claimed delivery, with the values of its webhook and event that a sender needs.
#[derive(QueryableByName)]
pub(crate) struct ClaimRow {
    #[diesel(sql_type = sql_types::Uuid)]
    event_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    webhook_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    claim: Uuid,
    #[diesel(sql_type = sql_types::Integer)]
    attempt: i32,
    #[diesel(sql_type = sql_types::Text)]
    url: String,
    #[diesel(sql_type = sql_types::Binary)]
    secret: Vec<u8>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Binary>)]
    previous_secret: Option<Vec<u8>>,
    #[diesel(sql_type = sql_types::Text)]
    kind: String,
    #[diesel(sql_type = sql_types::Text)]
    body: String,
}

impl ClaimRow {
    pub(crate) const fn key(&self) -> (Uuid, Uuid) {
        (self.event_id, self.webhook_id)
    }

    pub(crate) fn into_delivery(self) -> Result<ClaimedDelivery, Fault> {
        Ok(ClaimedDelivery {
            claim: ClaimId::new(self.claim),
            attempt: u32::try_from(self.attempt).unwrap_or(0),
            webhook_id: WebhookId::new(self.webhook_id),
            url: WebhookUrl::parse(&self.url).map_err(corrupt("webhook url"))?,
            secrets: SealedSecrets { current: SealedSecret::new(self.secret), previous: self.previous_secret.map(SealedSecret::new) },
            event_id: EventId::new(self.event_id),
            kind: EventKind::parse(&self.kind).map_err(corrupt("event kind"))?,
            body: self.body,
        })
    }
}
