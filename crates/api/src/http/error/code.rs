//! The codes of errors, each with its HTTP status.

use serde::Serialize;
use utoipa::ToSchema;

macro_rules! codes {
    ($($(#[$doc:meta])+ $name:ident = $status:literal $text:literal)+) => {
        /// Why a request failed, for programs. Codes are stable, and the OpenAPI document lists them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Code { $($(#[$doc])+ $name,)+ }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The HTTP status it comes with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }
        }
    };
}

codes! {
    /// A field is missing or bad. `errors` names every such field.
    ValidationFailed = 400 "validation_failed"
    /// The body is not JSON.
    MalformedJson = 400 "malformed_json"
    /// The captcha token is missing or was refused.
    CaptchaFailed = 400 "captcha_failed"
    /// The list asks for a proof of work, and the one that came is missing, wrong, expired or used.
    ProofOfWorkFailed = 400 "proof_of_work_failed"
    /// The form came back sooner than a person fills it in. `Retry-After` says when to send it again.
    TooFast = 400 "too_fast"
    /// The status cannot change in this way.
    InvalidTransition = 400 "invalid_transition"
    /// More events fit than one request may send. Choose a shorter period.
    TooManyEvents = 400 "too_many_events"
    /// The request is malformed.
    BadRequest = 400 "bad_request"
    /// The request has no valid token.
    Unauthorized = 401 "unauthorized"
    /// The token does not allow this.
    Forbidden = 403 "forbidden"
    /// The waitlist takes no forms from the origin of this page.
    OriginNotAllowed = 403 "origin_not_allowed"
    /// The new API key would allow more than the token does.
    ScopeExceedsMaker = 403 "scope_exceeds_maker"
    /// There is no such route.
    NotFound = 404 "not_found"
    /// There is no such workspace.
    WorkspaceNotFound = 404 "workspace_not_found"
    /// There is no such waitlist.
    WaitlistNotFound = 404 "waitlist_not_found"
    /// There is no such entry.
    EntryNotFound = 404 "entry_not_found"
    /// There is no such referral.
    ReferralNotFound = 404 "referral_not_found"
    /// There is no such variant.
    VariantNotFound = 404 "variant_not_found"
    /// There is no such webhook.
    WebhookNotFound = 404 "webhook_not_found"
    /// The webhook has no delivery of this event, or the entry or waitlist of the event is deleted.
    DeliveryNotFound = 404 "delivery_not_found"
    /// The workspace has no template of this kind and locale.
    MailTemplateNotFound = 404 "mail_template_not_found"
    /// There is no such suppression.
    SuppressionNotFound = 404 "suppression_not_found"
    /// The workspace has no such API key.
    ApiKeyNotFound = 404 "api_key_not_found"
    /// The link does not exist or has ended.
    LinkNotFound = 404 "link_not_found"
    /// No sign-up waits under this link or id.
    ConfirmationNotFound = 404 "confirmation_not_found"
    /// The waitlist never asks for a proof of work.
    ProofOfWorkOff = 404 "proof_of_work_off"
    /// There is no such import.
    ImportNotFound = 404 "import_not_found"
    /// The waitlist shows no leaderboard.
    LeaderboardDisabled = 404 "leaderboard_disabled"
    /// The route does not accept this method. `Allow` lists those that it accepts.
    MethodNotAllowed = 405 "method_not_allowed"
    /// The request did not arrive in time.
    RequestTimeout = 408 "request_timeout"
    /// Another waitlist of the workspace has the slug.
    SlugTaken = 409 "slug_taken"
    /// The address is on the waitlist already.
    EmailTaken = 409 "email_taken"
    /// The sign-up was confirmed.
    AlreadyConfirmed = 409 "already_confirmed"
    /// The workspace has as many webhooks as it may.
    TooManyWebhooks = 409 "too_many_webhooks"
    /// The workspace has as many templates of mail as it may.
    TooManyMailTemplates = 409 "too_many_mail_templates"
    /// A person with the entry's address is already in the app.
    AlreadyUser = 409 "already_user"
    /// The webhook is not active.
    WebhookDisabled = 409 "webhook_disabled"
    /// Somebody is on the waitlist, and an export needs an empty one.
    WaitlistNotEmpty = 409 "waitlist_not_empty"
    /// The import has ended.
    ImportEnded = 409 "import_ended"
    /// The idempotency key was used for another request.
    IdempotencyKeyReuse = 409 "idempotency_key_reuse"
    /// A request with this idempotency key is still running.
    IdempotencyInProgress = 409 "idempotency_in_progress"
    /// The time for the confirmation is over.
    ConfirmationExpired = 410 "confirmation_expired"
    /// The sign-up was refused.
    ConfirmationRefused = 410 "confirmation_refused"
    /// The last event of the cursor is gone. Begin without a cursor.
    CursorExpired = 410 "cursor_expired"
    /// The body is larger than the route accepts.
    PayloadTooLarge = 413 "payload_too_large"
    /// The body is not `application/json`, or has a content coding.
    UnsupportedMediaType = 415 "unsupported_media_type"
    /// The waitlist accepts no sign-ups now.
    WaitlistNotActive = 422 "waitlist_not_active"
    /// The waitlist has as many entries as it may.
    WaitlistFull = 422 "waitlist_full"
    /// Neither the request nor the workspace's settings name an app.
    NoLinkedApp = 422 "no_linked_app"
    /// The entry was not approved.
    EntryNotApproved = 422 "entry_not_approved"
    /// The workspace has no app of that name in Heimdall.
    UnknownApp = 422 "unknown_app"
    /// Too many requests. `Retry-After` says when to try again.
    TooManyRequests = 429 "too_many_requests"
    /// Something broke. The log has the cause under the request id.
    InternalError = 500 "internal_error"
    /// A service that Rally calls failed. Nothing was changed.
    UpstreamFailed = 502 "upstream_failed"
    /// The store or a service that Rally needs does not answer, or Rally is overloaded. Try again later.
    ServiceUnavailable = 503 "service_unavailable"
    /// A service that Rally calls did not answer in time. Nothing was changed.
    UpstreamTimeout = 504 "upstream_timeout"
}
