//! What documents look like that the domain reads and writes as JSON, and the words of its enums: descriptions for the OpenAPI
//! document, of which no value is ever made. The end-to-end suites hold every reply against them.

use utoipa::ToSchema;

/// What an operator has set for a waitlist, defaults filled in. Keys that Rally does not know are kept beside these.
#[derive(ToSchema)]
#[schema(as = WaitlistSettings)]
#[expect(dead_code, reason = "describes a value, is none")]
pub struct SettingsSchema {
    /// The most entries the list takes; null for no bound.
    #[schema(required, minimum = 1)]
    max_entries: Option<u64>,
    /// Whether a sign-up waits for somebody to approve it.
    approval_required: bool,
    /// What else a sign-up asks.
    #[schema(max_items = 50)]
    custom_fields: Vec<CustomFieldSchema>,
    /// What a person is told after signing up.
    #[schema(required, max_length = 1000)]
    confirmation_message: Option<String>,
    /// How many places an honoured referral is worth.
    #[schema(maximum = 1000)]
    referral_boost: u16,
    referral_rewards: RewardsSchema,
    /// The public key of a captcha; when set, every sign-up must bring a token for it.
    #[schema(required, max_length = 200)]
    recaptcha_site_key: Option<String>,
    /// Whether anybody may see who refers most.
    leaderboard_enabled: bool,
}

/// Settings of a waitlist to change: null resets a key to its default. Keys that Rally does not know are kept, null drops them.
#[derive(ToSchema)]
#[schema(as = ChangeWaitlistSettings)]
#[expect(dead_code, reason = "describes a value, is none")]
pub struct SettingsChangeSchema {
    /// The most entries the list takes; no bound by default.
    #[schema(minimum = 1)]
    max_entries: Option<u64>,
    /// Whether a sign-up waits for somebody to approve it; true by default.
    approval_required: Option<bool>,
    /// What else a sign-up asks; nothing by default.
    #[schema(max_items = 50)]
    custom_fields: Option<Vec<DeclareFieldSchema>>,
    /// What a person is told after signing up.
    #[schema(max_length = 1000)]
    confirmation_message: Option<String>,
    /// How many places an honoured referral is worth; 1 by default.
    #[schema(maximum = 1000)]
    referral_boost: Option<u16>,
    referral_rewards: Option<RewardsSchema>,
    /// The public key of a captcha; when set, every sign-up must bring a token for it.
    #[schema(max_length = 200)]
    recaptcha_site_key: Option<String>,
    /// Whether anybody may see who refers most; true by default.
    leaderboard_enabled: Option<bool>,
}

/// A question of a sign-up form. Keys that Rally does not know are kept beside these.
#[derive(ToSchema)]
#[schema(as = CustomField)]
#[expect(dead_code, reason = "describes a value, is none")]
pub struct CustomFieldSchema {
    /// The key of its answer in `metadata`.
    #[schema(max_length = 64, pattern = "^[a-z0-9_]+$")]
    key: String,
    /// What a form shows beside it; missing where it was not given.
    #[schema(nullable = false, max_length = 200)]
    label: Option<String>,
    r#type: FieldTypeName,
    /// Whether an answer must be given.
    required: bool,
    /// The answers to choose from; missing where there are none.
    #[schema(nullable = false, max_items = 200)]
    options: Option<Vec<String>>,
}

/// A question to ask in a sign-up form. Keys that Rally does not know are kept beside these.
#[derive(ToSchema)]
#[schema(as = DeclareCustomField)]
#[expect(dead_code, reason = "describes a value, is none")]
pub struct DeclareFieldSchema {
    /// The key of its answer in `metadata`; unique in the list.
    #[schema(max_length = 64, pattern = "^[a-z0-9_]+$")]
    key: String,
    /// What a form shows beside it.
    #[schema(max_length = 200)]
    label: Option<String>,
    /// `text` by default.
    r#type: Option<FieldTypeName>,
    /// Whether an answer must be given; false by default.
    required: Option<bool>,
    /// The answers to choose from, distinct; a `select` and a `multiselect` need them.
    #[schema(min_items = 1, max_items = 200)]
    options: Option<Vec<String>>,
}

/// What kind of answer a custom field takes.
#[derive(ToSchema)]
#[schema(as = CustomFieldType, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a value, is none")]
pub enum FieldTypeName {
    Text,
    Textarea,
    Number,
    Boolean,
    Select,
    Multiselect,
    Url,
    Email,
    Tel,
    Date,
}

/// What a waitlist promises to those who refer others.
#[derive(ToSchema)]
#[schema(as = ReferralRewards)]
#[expect(dead_code, reason = "describes a value, is none")]
pub struct RewardsSchema {
    /// No two for the same count.
    #[schema(max_items = 50)]
    milestones: Vec<MilestoneSchema>,
}

/// A reward for a number of honoured referrals.
#[derive(ToSchema)]
#[schema(as = Milestone)]
#[expect(dead_code, reason = "describes a value, is none")]
pub struct MilestoneSchema {
    /// Honoured referrals it takes.
    #[schema(minimum = 1)]
    count: u64,
    /// What is promised.
    #[schema(min_length = 1, max_length = 500)]
    reward: String,
}

/// What a variant shows in place of the waitlist's own words; what is missing overrides nothing. Other keys are kept, and not
/// shown.
#[derive(ToSchema)]
#[schema(as = VariantCopy)]
#[expect(dead_code, reason = "describes a value, is none")]
pub struct CopySchema {
    #[schema(nullable = false, max_length = 200)]
    display_name: Option<String>,
    #[schema(nullable = false, max_length = 1000)]
    description: Option<String>,
    #[schema(nullable = false, max_length = 500)]
    confirmation_message: Option<String>,
}

/// Where a waitlist stands.
#[derive(ToSchema)]
#[schema(as = WaitlistStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a value, is none")]
pub enum StatusName {
    Draft,
    Active,
    Paused,
    Closed,
}

/// Where an entry stands.
#[derive(ToSchema)]
#[schema(as = EntryStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a value, is none")]
pub enum EntryStatusName {
    Pending,
    Approved,
    Rejected,
}

/// What a variant is for.
#[derive(ToSchema)]
#[schema(as = VariantKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a value, is none")]
pub enum KindName {
    Ab,
    Locale,
}

/// A kind of event.
#[derive(ToSchema)]
#[schema(as = EventType)]
#[expect(dead_code, reason = "describes a value, is none")]
pub enum EventName {
    #[schema(rename = "entry.created")]
    Created,
    #[schema(rename = "entry.approved")]
    Approved,
    #[schema(rename = "entry.rejected")]
    Rejected,
}
