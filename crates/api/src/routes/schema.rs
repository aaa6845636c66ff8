//! Schemas for the OpenAPI document: of JSON that the domain reads and writes, and of enums. Rally never creates values of these
//! types. The end-to-end suites check every reply against them.

use serde::Serialize;
use utoipa::ToSchema;

/// The settings of a waitlist, with defaults filled in. Unknown keys are kept.
#[derive(ToSchema)]
#[schema(as = WaitlistSettings)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub struct SettingsSchema {
    /// The most entries of the waitlist. Null means no limit.
    #[schema(required, minimum = 1)]
    max_entries: Option<u64>,
    /// Whether entries must be approved.
    approval_required: bool,
    /// The questions of a sign-up beyond name and address.
    #[schema(max_items = 50)]
    custom_fields: Vec<CustomFieldSchema>,
    /// What a person is told after signing up.
    #[schema(required, max_length = 1000)]
    confirmation_message: Option<String>,
    /// The places that an entry gains for each counted referral.
    #[schema(maximum = 1000)]
    referral_boost: u16,
    referral_rewards: RewardsSchema,
    referral_fraud: FraudModeName,
    /// The score from which on a referral is withheld.
    #[schema(minimum = 1, maximum = 100)]
    referral_fraud_threshold: u8,
    /// The referrals of one code in an hour that are no burst.
    #[schema(minimum = 1, maximum = 1000)]
    referral_hourly_cap: u16,
    /// The public key of a captcha. If it is set, every sign-up must include a token for it.
    #[schema(required, max_length = 200)]
    recaptcha_site_key: Option<String>,
    /// Whether the public surface shows the leaderboard.
    leaderboard_enabled: bool,
    /// Whether a person must confirm the address before they are on the list.
    email_confirmation: bool,
    /// The operator's own page that confirms a sign-up. The token of the sign-up is added to its query as `token`.
    #[schema(required, format = "uri", max_length = 2048)]
    confirm_page_url: Option<String>,
    /// The link that invites people if no app is named, with `{email}` and `{code}` in it.
    #[schema(required, max_length = 2048)]
    invite_url: Option<String>,
}

/// Changes to the settings of a waitlist. Null resets a key to its default. Unknown keys are kept, and null removes them.
#[derive(ToSchema)]
#[schema(as = ChangeWaitlistSettings)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub struct SettingsChangeSchema {
    /// The most entries of the waitlist. By default there is no limit.
    #[schema(minimum = 1)]
    max_entries: Option<u64>,
    /// Whether entries must be approved; true by default.
    approval_required: Option<bool>,
    /// The questions of a sign-up beyond name and address; none by default.
    #[schema(max_items = 50)]
    custom_fields: Option<Vec<DeclareFieldSchema>>,
    /// What a person is told after signing up.
    #[schema(max_length = 1000)]
    confirmation_message: Option<String>,
    /// The places that an entry gains for each counted referral; 1 by default.
    #[schema(maximum = 1000)]
    referral_boost: Option<u16>,
    referral_rewards: Option<RewardsSchema>,
    referral_fraud: Option<FraudModeName>,
    /// The score from which on a referral is withheld; 50 by default.
    #[schema(minimum = 1, maximum = 100)]
    referral_fraud_threshold: Option<u8>,
    /// The referrals of one code in an hour that are no burst; 20 by default.
    #[schema(minimum = 1, maximum = 1000)]
    referral_hourly_cap: Option<u16>,
    /// The public key of a captcha. If it is set, every sign-up must include a token for it.
    #[schema(max_length = 200)]
    recaptcha_site_key: Option<String>,
    /// Whether the public surface shows the leaderboard; true by default.
    leaderboard_enabled: Option<bool>,
    /// Whether a person must confirm the address before they are on the list; false by default. The workspace must send mail.
    email_confirmation: Option<bool>,
    /// The operator's own page that confirms a sign-up: an absolute http or https URL.
    #[schema(format = "uri", max_length = 2048)]
    confirm_page_url: Option<String>,
    /// The link that invites people if no app is named: an absolute http or https URL with `{email}` and `{code}` in it.
    #[schema(max_length = 2048)]
    invite_url: Option<String>,
}

/// A question of a sign-up form. Unknown keys are kept.
#[derive(ToSchema)]
#[schema(as = CustomField)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub struct CustomFieldSchema {
    /// The key of the answer in `metadata`.
    #[schema(max_length = 64, pattern = "^[a-z0-9_]+$")]
    key: String,
    /// The label that a form shows. Missing if it was not given.
    #[schema(nullable = false, max_length = 200)]
    label: Option<String>,
    r#type: FieldTypeName,
    /// Whether an answer must be given.
    required: bool,
    /// The answers to choose from. Missing if there are none.
    #[schema(nullable = false, max_items = 200)]
    options: Option<Vec<String>>,
}

/// A question to ask in a sign-up form. Unknown keys are kept.
#[derive(ToSchema)]
#[schema(as = DeclareCustomField)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub struct DeclareFieldSchema {
    /// The key of the answer in `metadata`; unique in the list.
    #[schema(max_length = 64, pattern = "^[a-z0-9_]+$")]
    key: String,
    /// The label that a form shows.
    #[schema(max_length = 200)]
    label: Option<String>,
    /// `text` by default.
    r#type: Option<FieldTypeName>,
    /// Whether an answer must be given; false by default.
    required: Option<bool>,
    /// The answers to choose from, all different. A `select` or `multiselect` needs them.
    #[schema(min_items = 1, max_items = 200)]
    options: Option<Vec<String>>,
}

/// The kind of answer that a custom field accepts.
#[derive(ToSchema)]
#[schema(as = CustomFieldType, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
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

/// The rewards that a waitlist promises for referrals.
#[derive(ToSchema)]
#[schema(as = ReferralRewards)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub struct RewardsSchema {
    /// Every milestone must have a different count.
    #[schema(max_items = 50)]
    milestones: Vec<MilestoneSchema>,
}

/// What a waitlist does about referrals that look dishonest: nothing, list them (the default), or withhold those with a high score.
#[derive(ToSchema)]
#[schema(as = ReferralFraudMode, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum FraudModeName {
    Off,
    Flag,
    Withhold,
}

/// A reward for a number of counted referrals.
#[derive(ToSchema)]
#[schema(as = Milestone)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub struct MilestoneSchema {
    /// The number of counted referrals that earns the reward.
    #[schema(minimum = 1)]
    count: u64,
    /// The promised reward.
    #[schema(min_length = 1, max_length = 500)]
    reward: String,
}

/// The texts of a variant. Each replaces a text of the waitlist. A missing text replaces nothing. Other keys are kept, but not shown.
#[derive(ToSchema)]
#[schema(as = VariantCopy)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub struct CopySchema {
    #[schema(nullable = false, max_length = 200)]
    display_name: Option<String>,
    #[schema(nullable = false, max_length = 1000)]
    description: Option<String>,
    #[schema(nullable = false, max_length = 500)]
    confirmation_message: Option<String>,
}

/// The status of a waitlist.
#[derive(ToSchema)]
#[schema(as = WaitlistStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum StatusName {
    Draft,
    Active,
    Paused,
    Closed,
}

/// The status of an entry.
#[derive(ToSchema)]
#[schema(as = EntryStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum EntryStatusName {
    Pending,
    Approved,
    Rejected,
}

/// How a variant is chosen: by weight or by language.
#[derive(ToSchema)]
#[schema(as = VariantKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum KindName {
    Ab,
    Locale,
}

/// A kind of mail.
#[derive(ToSchema)]
#[schema(as = MailKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum MailKindName {
    Confirm,
    Welcome,
    Approved,
    Rejected,
    Invited,
    Link,
}

/// What became of a mail. `pending` mail waits or is being sent, `failed` is not tried again, and an address that gets none has
/// `suppressed` mail.
#[derive(ToSchema)]
#[schema(as = MailState, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum MailStateName {
    Pending,
    Sent,
    Failed,
    Suppressed,
    Expired,
}

/// Why an address gets no mail.
#[derive(ToSchema)]
#[schema(as = SuppressionReason, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum ReasonName {
    /// The person ended the mail.
    Unsubscribed,
    /// The person said that the sign-up was not theirs.
    Refused,
    /// The address does not exist.
    Bounced,
    /// The data of the person was erased.
    Erased,
    /// An admin suppressed the address.
    Manual,
}

/// The reply of a sign-up that needs a confirmation.
#[derive(ToSchema)]
#[schema(as = ConfirmationRequiredStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum RequestedName {
    ConfirmationRequired,
}

/// A request whose work goes on after the reply.
#[derive(Serialize, ToSchema)]
#[schema(as = Accepted)]
pub struct AcceptedView {
    #[schema(value_type = AcceptedName)]
    status: &'static str,
}

impl AcceptedView {
    /// The only such reply.
    pub const fn new() -> Self {
        Self { status: "accepted" }
    }
}

/// The status of a request whose work goes on.
#[derive(ToSchema)]
#[schema(as = AcceptedStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
enum AcceptedName {
    Accepted,
}

/// What became of a sign-up that needs a confirmation.
#[derive(ToSchema)]
#[schema(as = ConfirmationState, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum RequestStateName {
    Waiting,
    Confirmed,
    Refused,
}

/// A kind of event.
#[derive(ToSchema)]
#[schema(as = EventType)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum EventName {
    #[schema(rename = "entry.created")]
    Created,
    #[schema(rename = "entry.approved")]
    Approved,
    #[schema(rename = "entry.rejected")]
    Rejected,
    #[schema(rename = "referral.credited")]
    ReferralCredited,
    #[schema(rename = "referral.withheld")]
    ReferralWithheld,
    #[schema(rename = "referral.revoked")]
    ReferralRevoked,
    #[schema(rename = "reward.reached")]
    RewardReached,
}
