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
    /// Whether the pages say in their footer that they run on Rally.
    badge_enabled: bool,
    /// Whether a person must confirm the address before they are on the list.
    email_confirmation: bool,
    /// The operator's own page that confirms a sign-up. The token of the sign-up is added to its query as `token`.
    #[schema(required, format = "uri", max_length = 2048)]
    confirm_page_url: Option<String>,
    /// The link that invites people if no app is named, with `{email}` and `{code}` in it.
    #[schema(required, max_length = 2048)]
    invite_url: Option<String>,
    /// The operator's own page with the form. Referral links lead there, with `ref` added to its query.
    #[schema(required, format = "uri", max_length = 2048)]
    page_url: Option<String>,
    /// The origins whose pages may frame the pages of the waitlist and send its forms. Without any, nobody frames them, and every page may
    /// send forms.
    #[schema(max_items = 50)]
    allowed_origins: Vec<String>,
    /// The privacy policy that the form links to.
    #[schema(required, format = "uri", max_length = 2048)]
    privacy_url: Option<String>,
    /// The terms that the form links to.
    #[schema(required, format = "uri", max_length = 2048)]
    terms_url: Option<String>,
    /// What a person must agree to when signing up. It stands beside a box of the form.
    #[schema(required, max_length = 2000)]
    consent_text: Option<String>,
    /// Whether a sign-up needs a proof of work.
    proof_of_work: ProofOfWorkName,
    /// Whether addresses of throw-away domains are refused.
    block_disposable: bool,
    /// Whether addresses of domains that take no mail are refused.
    check_mx: bool,
    /// Whether all addresses of one mailbox count as one.
    one_per_mailbox: bool,
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
    /// Whether the pages say in their footer that they run on Rally; true by default.
    badge_enabled: Option<bool>,
    /// Whether a person must confirm the address before they are on the list; false by default. The workspace must send mail.
    email_confirmation: Option<bool>,
    /// The operator's own page that confirms a sign-up: an absolute http or https URL.
    #[schema(format = "uri", max_length = 2048)]
    confirm_page_url: Option<String>,
    /// The link that invites people if no app is named: an absolute http or https URL with `{email}` and `{code}` in it.
    #[schema(max_length = 2048)]
    invite_url: Option<String>,
    /// The operator's own page with the form: an absolute http or https URL. By default referral links lead to Rally's page.
    #[schema(format = "uri", max_length = 2048)]
    page_url: Option<String>,
    /// The origins whose pages may frame the pages of the waitlist and send its forms, such as `https://example.com`; none by default. Then
    /// nobody frames them, and every page may send forms.
    #[schema(max_items = 50)]
    allowed_origins: Option<Vec<String>>,
    /// The privacy policy that the form links to: an absolute http or https URL.
    #[schema(format = "uri", max_length = 2048)]
    privacy_url: Option<String>,
    /// The terms that the form links to: an absolute http or https URL.
    #[schema(format = "uri", max_length = 2048)]
    terms_url: Option<String>,
    /// What a person must agree to when signing up. It stands beside a box of the form.
    #[schema(max_length = 2000)]
    consent_text: Option<String>,
    /// Whether a sign-up needs a proof of work; off by default. Anything but `off` needs a server with https, or on this machine.
    proof_of_work: Option<ProofOfWorkName>,
    /// Whether addresses of throw-away domains are refused; false by default.
    block_disposable: Option<bool>,
    /// Whether addresses of domains that take no mail are refused; false by default.
    check_mx: Option<bool>,
    /// Whether all addresses of one mailbox count as one: without `+tag`, and at Gmail without dots; false by default.
    one_per_mailbox: Option<bool>,
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

/// How far an import is.
#[derive(ToSchema)]
#[schema(as = ImportState, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum ImportStateName {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

/// What happens to people who are on the waitlist already.
#[derive(ToSchema)]
#[schema(as = OnDuplicate, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum OnDuplicateName {
    Skip,
    Update,
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

/// What an admin did.
#[derive(ToSchema)]
#[schema(as = AuditAction)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum AuditActionName {
    /// A workspace was created.
    #[schema(rename = "workspace.create")]
    WorkspaceCreate,
    /// A workspace got another slug.
    #[schema(rename = "workspace.rename")]
    WorkspaceRename,
    /// A workspace was deleted.
    #[schema(rename = "workspace.delete")]
    WorkspaceDelete,
    /// Settings of a workspace were changed.
    #[schema(rename = "settings.update")]
    SettingsUpdate,
    /// An API key was created.
    #[schema(rename = "key.create")]
    KeyCreate,
    /// An API key was revoked.
    #[schema(rename = "key.delete")]
    KeyDelete,
    /// A token was minted on the command line.
    #[schema(rename = "token.mint")]
    TokenMint,
    /// A link that signs in to the console was made.
    #[schema(rename = "sign_in_link.create")]
    SignInLinkCreate,
    /// A session of the console was ended by another one.
    #[schema(rename = "session.end")]
    SessionEnd,
    /// A waitlist was created.
    #[schema(rename = "waitlist.create")]
    WaitlistCreate,
    /// Texts or settings of a waitlist were changed.
    #[schema(rename = "waitlist.update")]
    WaitlistUpdate,
    /// A waitlist got another status.
    #[schema(rename = "waitlist.status")]
    WaitlistStatus,
    /// A waitlist was deleted.
    #[schema(rename = "waitlist.delete")]
    WaitlistDelete,
    /// A variant was created.
    #[schema(rename = "variant.create")]
    VariantCreate,
    /// A variant was changed.
    #[schema(rename = "variant.update")]
    VariantUpdate,
    /// A variant was deleted.
    #[schema(rename = "variant.delete")]
    VariantDelete,
    /// An entry was approved.
    #[schema(rename = "entry.approve")]
    EntryApprove,
    /// An entry was rejected.
    #[schema(rename = "entry.reject")]
    EntryReject,
    /// An entry was invited.
    #[schema(rename = "entry.invite")]
    EntryInvite,
    /// The link of a person was replaced.
    #[schema(rename = "entry.new_link")]
    EntryNewLink,
    /// An entry was deleted.
    #[schema(rename = "entry.delete")]
    EntryDelete,
    /// An entry was erased.
    #[schema(rename = "entry.erase")]
    EntryErase,
    /// The mail of a sign-up request was sent once more.
    #[schema(rename = "confirmation.resend")]
    ConfirmationResend,
    /// A sign-up request was confirmed by an admin.
    #[schema(rename = "confirmation.confirm")]
    ConfirmationConfirm,
    /// A sign-up request was deleted.
    #[schema(rename = "confirmation.delete")]
    ConfirmationDelete,
    /// A referral counts from now on.
    #[schema(rename = "referral.credit")]
    ReferralCredit,
    /// A referral waits for a decision again.
    #[schema(rename = "referral.withhold")]
    ReferralWithhold,
    /// A referral does not count any more.
    #[schema(rename = "referral.revoke")]
    ReferralRevoke,
    /// A webhook was created.
    #[schema(rename = "webhook.create")]
    WebhookCreate,
    /// A webhook was changed.
    #[schema(rename = "webhook.update")]
    WebhookUpdate,
    /// A webhook was deleted.
    #[schema(rename = "webhook.delete")]
    WebhookDelete,
    /// A webhook got another secret.
    #[schema(rename = "webhook.rotate")]
    WebhookRotate,
    /// Events of a period were sent to a webhook once more.
    #[schema(rename = "webhook.replay")]
    WebhookReplay,
    /// One event was sent to a webhook once more.
    #[schema(rename = "webhook.resend")]
    WebhookResend,
    /// A template of mail was written where none was.
    #[schema(rename = "mail_template.create")]
    MailTemplateCreate,
    /// A template of mail was changed.
    #[schema(rename = "mail_template.update")]
    MailTemplateUpdate,
    /// A template of mail was deleted.
    #[schema(rename = "mail_template.delete")]
    MailTemplateDelete,
    /// An address was suppressed.
    #[schema(rename = "suppression.create")]
    SuppressionCreate,
    /// A suppression was lifted.
    #[schema(rename = "suppression.delete")]
    SuppressionDelete,
    /// The file of an import arrived.
    #[schema(rename = "import.start")]
    ImportStart,
    /// An import was done, or failed.
    #[schema(rename = "import.end")]
    ImportEnd,
    /// An import was cancelled.
    #[schema(rename = "import.cancel")]
    ImportCancel,
}

/// The kind of thing that an admin changed.
#[derive(ToSchema)]
#[schema(as = AuditTargetType, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum AuditTargetName {
    /// A workspace.
    Workspace,
    /// The settings of a workspace.
    Settings,
    /// An API key.
    Key,
    /// A token.
    Token,
    /// A link that signs in to the console.
    SignInLink,
    /// A session of the console.
    Session,
    /// A waitlist.
    Waitlist,
    /// A variant.
    Variant,
    /// An entry.
    Entry,
    /// A sign-up that waits for its confirmation.
    Confirmation,
    /// A referral.
    Referral,
    /// A webhook.
    Webhook,
    /// A template of mail.
    MailTemplate,
    /// A suppression.
    Suppression,
    /// An import.
    Import,
}

/// What kind of actor made a change.
#[derive(ToSchema)]
#[schema(as = AuditActorKind, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum AuditActorName {
    /// The bearer of a token.
    Token,
    /// A program with an API key.
    Key,
    /// A person who is signed in to the console.
    Session,
    /// An operator on the command line.
    Cli,
    /// Rally itself.
    System,
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

/// Whether a sign-up needs a proof of work: never, always, or while the list takes more than 10 sign-ups in 10 seconds.
#[derive(ToSchema)]
#[schema(as = ProofOfWork, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum ProofOfWorkName {
    Off,
    On,
    Auto,
}

/// A challenge of ALTCHA v2. A solution is the base64 of the JSON `{"challenge": …, "solution": {"counter", "derivedKey", "time"}}`.
#[derive(ToSchema)]
#[schema(as = Challenge)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub struct ChallengeSchema {
    parameters: ChallengeParametersSchema,
    /// Seals the parameters.
    signature: String,
}

/// What a challenge asks for: the counter, as 4 bytes after those of the nonce, whose derived key begins with the prefix.
#[derive(ToSchema)]
#[schema(as = ChallengeParameters, rename_all = "camelCase")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub struct ChallengeParametersSchema {
    /// `PBKDF2/SHA-256`.
    algorithm: String,
    /// The iterations of one key.
    cost: u32,
    data: ChallengeDataSchema,
    /// When the challenge ends, in seconds since 1970.
    expires_at: u64,
    /// The bytes of a key.
    key_length: u32,
    /// How the key begins, in hexadecimal digits.
    key_prefix: String,
    key_signature: String,
    nonce: String,
    salt: String,
}

/// What a challenge carries for the server.
#[derive(ToSchema)]
#[schema(as = ChallengeData)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub struct ChallengeDataSchema {
    /// The id of the list.
    #[schema(format = Uuid)]
    list: String,
    salt: String,
    /// Seals the counter of the solution.
    seal: String,
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
    #[schema(rename = "entry.updated")]
    Updated,
    #[schema(rename = "entry.invited")]
    Invited,
    #[schema(rename = "entry.unsubscribed")]
    Unsubscribed,
    #[schema(rename = "entry.deleted")]
    Deleted,
    #[schema(rename = "entry.erased")]
    Erased,
    #[schema(rename = "waitlist.status_changed")]
    StatusChanged,
    #[schema(rename = "referral.credited")]
    ReferralCredited,
    #[schema(rename = "referral.withheld")]
    ReferralWithheld,
    #[schema(rename = "referral.revoked")]
    ReferralRevoked,
    #[schema(rename = "reward.reached")]
    RewardReached,
}
