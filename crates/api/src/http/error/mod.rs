//! What a client is told when a request fails: one envelope, one list of codes.

use std::error::Error as StdError;
use std::fmt;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_ENCODING, ALLOW, ContentEncoding, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, HttpResponseBuilder};
use rally_domain::command::{
    ChangeWaitlistStatusRejection, CreateWaitlistRejection, EntryRejection, InviteRejection, SignUpRejection, UpdateWaitlistRejection,
    VariantRejection, WebhookRejection,
};
use rally_domain::error::{CommandError, Fault, FieldError, RemoteError};
use rally_domain::invite::InviteError;
use rally_domain::use_case::bulk::BulkRejection;
use rally_domain::use_case::configure::ConfigureRejection;
use rally_domain::use_case::join::JoinRejection;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::limits::{RATE_LIMIT, RATE_LIMIT_POLICY, Standing};

macro_rules! codes {
    ($($(#[$doc:meta])+ $name:ident = $status:literal $text:literal)+) => {
        /// Why a request failed, for programs: stable, and listed in the OpenAPI document.
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
    /// A field is missing or is not what it must be; `errors` names every one.
    ValidationFailed = 400 "validation_failed"
    /// The body is not JSON.
    MalformedJson = 400 "malformed_json"
    /// The captcha token is missing or was not accepted.
    CaptchaFailed = 400 "captcha_failed"
    /// There is no way from this status to that one.
    InvalidTransition = 400 "invalid_transition"
    /// The request is not what HTTP asks for.
    BadRequest = 400 "bad_request"
    /// No token, or not a valid one.
    Unauthorized = 401 "unauthorized"
    /// The token does not allow this.
    Forbidden = 403 "forbidden"
    /// There is no such route.
    NotFound = 404 "not_found"
    /// There is no such workspace.
    WorkspaceNotFound = 404 "workspace_not_found"
    /// There is no such waitlist.
    WaitlistNotFound = 404 "waitlist_not_found"
    /// There is no such entry.
    EntryNotFound = 404 "entry_not_found"
    /// There is no such variant.
    VariantNotFound = 404 "variant_not_found"
    /// There is no such webhook.
    WebhookNotFound = 404 "webhook_not_found"
    /// The waitlist shows no leaderboard.
    LeaderboardDisabled = 404 "leaderboard_disabled"
    /// The route does not take this method; `Allow` lists those it takes.
    MethodNotAllowed = 405 "method_not_allowed"
    /// The request did not arrive in time.
    RequestTimeout = 408 "request_timeout"
    /// Another waitlist of the workspace has the slug.
    SlugTaken = 409 "slug_taken"
    /// The address is on the waitlist already.
    EmailTaken = 409 "email_taken"
    /// The workspace has as many webhooks as it may.
    TooManyWebhooks = 409 "too_many_webhooks"
    /// Somebody with the entry's address is in the app already.
    AlreadyUser = 409 "already_user"
    /// The webhook is not active.
    WebhookDisabled = 409 "webhook_disabled"
    /// The idempotency key was used for another request.
    IdempotencyKeyReuse = 409 "idempotency_key_reuse"
    /// A request with this idempotency key is still running.
    IdempotencyInProgress = 409 "idempotency_in_progress"
    /// The body is larger than the route takes.
    PayloadTooLarge = 413 "payload_too_large"
    /// The body is not `application/json`, or is encoded.
    UnsupportedMediaType = 415 "unsupported_media_type"
    /// The waitlist takes no sign-ups now.
    WaitlistNotActive = 422 "waitlist_not_active"
    /// The waitlist has as many entries as it may.
    WaitlistFull = 422 "waitlist_full"
    /// No app is named in the request or in the workspace's settings.
    NoLinkedApp = 422 "no_linked_app"
    /// The entry was not approved.
    EntryNotApproved = 422 "entry_not_approved"
    /// The workspace has no app of that name in Heimdall.
    UnknownApp = 422 "unknown_app"
    /// More requests than are allowed; `Retry-After` says when to come again.
    TooManyRequests = 429 "too_many_requests"
    /// Something broke; the request id leads to it in the log.
    InternalError = 500 "internal_error"
    /// A service that Rally calls failed; nothing was changed.
    UpstreamFailed = 502 "upstream_failed"
    /// Something Rally needs does not answer; try again later.
    ServiceUnavailable = 503 "service_unavailable"
    /// A service that Rally calls did not answer in time; nothing was changed.
    UpstreamTimeout = 504 "upstream_timeout"
}

/// A failed request, before the envelope is put around it.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// For programs.
    pub code: Code,
    /// For people.
    pub message: String,
    /// Every bad field.
    pub errors: Vec<FieldError>,
    /// Methods a route takes, with [`Code::MethodNotAllowed`].
    pub allow: Option<String>,
    /// The content coding a route takes (RFC 9110, section 12.5.3), where the body had another.
    pub accept_encoding: Option<ContentEncoding>,
    /// After how many seconds to try again.
    pub retry_after: Option<u64>,
    /// Where the client stands with limits.
    pub standings: Vec<Standing>,
}

impl ApiError {
    /// A failure with nothing more to say than its message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            errors: Vec::new(),
            allow: None,
            accept_encoding: None,
            retry_after: None,
            standings: Vec::new(),
        }
    }

    /// Bad fields, all of them.
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let message = match errors.as_slice() {
            [only] => only.to_string(),
            several => format!("{} fields are not what they must be", several.len()),
        };
        Self { errors, ..Self::new(Code::ValidationFailed, message) }
    }

    /// There is no such waitlist.
    pub fn no_waitlist() -> Self {
        Self::new(Code::WaitlistNotFound, "this waitlist does not exist")
    }

    /// There is no such entry.
    pub fn no_entry() -> Self {
        Self::new(Code::EntryNotFound, "this entry does not exist")
    }

    /// There is no such variant.
    pub fn no_variant() -> Self {
        Self::new(Code::VariantNotFound, "this variant does not exist")
    }

    /// There is no such webhook.
    pub fn no_webhook() -> Self {
        Self::new(Code::WebhookNotFound, "this webhook does not exist")
    }

    /// The error a bare status stands for, as the framework answers with it.
    pub fn of_status(status: StatusCode) -> Self {
        let code = match status.as_u16() {
            404 => Code::NotFound,
            405 => Code::MethodNotAllowed,
            408 => Code::RequestTimeout,
            413 => Code::PayloadTooLarge,
            415 => Code::UnsupportedMediaType,
            429 => Code::TooManyRequests,
            503 => Code::ServiceUnavailable,
            400..=499 => Code::BadRequest,
            _ => Code::InternalError,
        };
        let message = match code {
            Code::NotFound => "there is no such route",
            Code::InternalError => "something broke; the log has it under this request id",
            _ => status.canonical_reason().unwrap_or("the request failed"),
        };
        Self::new(code, message.to_lowercase())
    }

    /// The reply, with the envelope around the error.
    pub fn render(&self, request_id: &str) -> HttpResponse<BoxBody> {
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut reply = HttpResponse::build(status);
        if let Some(allow) = &self.allow {
            reply.insert_header((ALLOW, allow.as_str()));
        }
        if let Some(coding) = self.accept_encoding {
            reply.insert_header((ACCEPT_ENCODING, coding.as_str()));
        }
        if self.code == Code::Unauthorized {
            reply.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        let moment = (self.code == Code::ServiceUnavailable).then_some(1);
        if let Some(seconds) = self.retry_after.or(moment) {
            reply.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        tell_standings(&mut reply, &self.standings);
        reply.json(ErrorBody {
            status_code: self.code.status(),
            code: self.code,
            message: self.message.clone(),
            request_id: request_id.to_owned(),
            errors: self.errors.iter().map(FieldErrorBody::from).collect(),
        })
    }
}

/// Tells a client where it stands with the limits that its request was counted for.
pub fn tell_standings(reply: &mut HttpResponseBuilder, standings: &[Standing]) {
    if standings.is_empty() {
        return;
    }
    let list = |item: fn(&Standing) -> String| standings.iter().map(item).collect::<Vec<_>>().join(", ");
    reply.insert_header((RATE_LIMIT_POLICY, list(Standing::policy))).insert_header((RATE_LIMIT, list(Standing::state)));
}

/// The envelope of every failure.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody {
    /// The HTTP status.
    #[serde(rename = "statusCode")]
    #[schema(example = 409)]
    status_code: u16,
    /// Why, for programs.
    code: Code,
    /// Why, for people.
    #[schema(example = "this e-mail address is already on the waitlist")]
    message: String,
    /// The id under which the log has this request.
    request_id: String,
    /// Every bad field, with `validation_failed`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldErrorBody>,
}

/// A bad field.
#[derive(Serialize, ToSchema)]
#[schema(as = FieldError)]
struct FieldErrorBody {
    /// Its path, such as `email` or `metadata.company`.
    field: String,
    /// What is wrong with it.
    message: String,
}

impl From<&FieldError> for FieldErrorBody {
    fn from(error: &FieldError) -> Self {
        Self { field: error.field.clone(), message: error.message.to_string() }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl StdError for ApiError {}

/// The envelope needs the request's id, which only the edge has: it takes the error out of the response and renders it.
impl actix_web::ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut reply = HttpResponse::new(self.status_code());
        reply.extensions_mut().insert(self.clone());
        reply
    }
}

/// A fault is logged here, once, with everything known of it; the client learns its nature alone.
impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        let cause = chain(&fault);
        match fault {
            Fault::Unavailable(_) => {
                tracing::warn!(%cause, "unavailable");
                Self::new(Code::ServiceUnavailable, "the service cannot answer now; try again in a moment")
            }
            Fault::Unexpected(_) => {
                tracing::error!(%cause, "unexpected failure");
                Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

/// An error with all its causes in one line.
pub fn chain(error: &dyn StdError) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line
}

impl<R: StdError + Into<ApiError>> From<CommandError<R>> for ApiError {
    fn from(error: CommandError<R>) -> Self {
        match error {
            CommandError::Rejected(rejection) => rejection.into(),
            CommandError::Fault(fault) => fault.into(),
        }
    }
}

impl From<CreateWaitlistRejection> for ApiError {
    fn from(rejection: CreateWaitlistRejection) -> Self {
        let code = match rejection {
            CreateWaitlistRejection::NoSuchWorkspace => Code::WorkspaceNotFound,
            CreateWaitlistRejection::SlugTaken => Code::SlugTaken,
            CreateWaitlistRejection::AlreadyDone => Code::IdempotencyInProgress,
        };
        Self::new(code, rejection.to_string())
    }
}

impl From<UpdateWaitlistRejection> for ApiError {
    fn from(rejection: UpdateWaitlistRejection) -> Self {
        match rejection {
            UpdateWaitlistRejection::NoSuchWaitlist => Self::no_waitlist(),
            UpdateWaitlistRejection::Settings(errors) => Self::validation(errors),
        }
    }
}

impl From<ChangeWaitlistStatusRejection> for ApiError {
    fn from(rejection: ChangeWaitlistStatusRejection) -> Self {
        match rejection {
            ChangeWaitlistStatusRejection::NoSuchWaitlist => Self::no_waitlist(),
            ChangeWaitlistStatusRejection::InvalidTransition { .. } => Self::new(Code::InvalidTransition, rejection.to_string()),
        }
    }
}

impl From<JoinRejection> for ApiError {
    fn from(rejection: JoinRejection) -> Self {
        match rejection {
            JoinRejection::CaptchaFailed => Self::new(Code::CaptchaFailed, rejection.to_string()),
            JoinRejection::SignUp(rejection) => rejection.into(),
        }
    }
}

impl From<SignUpRejection> for ApiError {
    fn from(rejection: SignUpRejection) -> Self {
        let code = match rejection {
            SignUpRejection::NoSuchWaitlist => Code::WaitlistNotFound,
            SignUpRejection::WaitlistNotActive => Code::WaitlistNotActive,
            SignUpRejection::WaitlistFull => Code::WaitlistFull,
            SignUpRejection::EmailTaken => Code::EmailTaken,
            SignUpRejection::CodeTaken => Code::InternalError,
            SignUpRejection::Metadata(errors) => return Self::validation(errors),
        };
        Self::new(code, rejection.to_string())
    }
}

impl From<EntryRejection> for ApiError {
    fn from(rejection: EntryRejection) -> Self {
        match rejection {
            EntryRejection::NoSuchEntry => Self::no_entry(),
            EntryRejection::AlreadyInvited => Self::new(Code::InvalidTransition, rejection.to_string()),
        }
    }
}

impl From<VariantRejection> for ApiError {
    fn from(rejection: VariantRejection) -> Self {
        match rejection {
            VariantRejection::NoSuchWaitlist => Self::no_waitlist(),
            VariantRejection::NoSuchVariant => Self::no_variant(),
        }
    }
}

impl From<ConfigureRejection> for ApiError {
    fn from(rejection: ConfigureRejection) -> Self {
        match rejection {
            ConfigureRejection::NoSuchWorkspace => Self::new(Code::WorkspaceNotFound, rejection.to_string()),
            ConfigureRejection::Invalid(errors) => Self::validation(errors),
            // Whether it was slow or broken makes no difference to what was asked: nothing could be checked.
            ConfigureRejection::Remote(error) => Self { code: Code::UpstreamFailed, ..error.into() },
        }
    }
}

/// What a service that Rally calls did is logged here, once; the client learns that it failed, and nothing it said.
impl From<RemoteError> for ApiError {
    fn from(error: RemoteError) -> Self {
        let cause = chain(&error);
        let service = error.service();
        let retry_after = error.retry_after().map(|wait| wait.whole_seconds().unsigned_abs());
        let (code, message) = match error {
            RemoteError::TimedOut { .. } => (Code::UpstreamTimeout, format!("{service} did not answer in time; nothing was changed")),
            RemoteError::Failed { .. } => (Code::UpstreamFailed, format!("{service} failed; nothing was changed")),
            RemoteError::KeyRefused { .. } => {
                tracing::error!(%cause, "an upstream refuses our key");
                let error = Self::new(Code::UpstreamFailed, format!("{service} does not accept this server; nothing was changed"));
                return Self { retry_after, ..error };
            }
        };
        tracing::warn!(%cause, "an upstream failed");
        Self { retry_after, ..Self::new(code, message) }
    }
}

impl From<InviteRejection> for ApiError {
    fn from(rejection: InviteRejection) -> Self {
        let code = match rejection {
            InviteRejection::NoSuchEntry => return Self::no_entry(),
            InviteRejection::NoLinkedApp => Code::NoLinkedApp,
            InviteRejection::NotApproved => Code::EntryNotApproved,
            InviteRejection::Invite(InviteError::UnknownApp) => Code::UnknownApp,
            InviteRejection::Invite(InviteError::AlreadyUser) => Code::AlreadyUser,
            InviteRejection::Invite(InviteError::Remote(error)) => return error.into(),
        };
        Self::new(code, rejection.to_string())
    }
}

impl From<BulkRejection> for ApiError {
    fn from(rejection: BulkRejection) -> Self {
        match rejection {
            BulkRejection::Review(rejection) => rejection.into(),
            BulkRejection::Invite(rejection) => rejection.into(),
        }
    }
}

impl From<WebhookRejection> for ApiError {
    fn from(rejection: WebhookRejection) -> Self {
        let code = match rejection {
            WebhookRejection::NoSuchWorkspace => Code::WorkspaceNotFound,
            WebhookRejection::NoSuchWebhook => Code::WebhookNotFound,
            WebhookRejection::TooMany => Code::TooManyWebhooks,
            WebhookRejection::Disabled => Code::WebhookDisabled,
            WebhookRejection::AlreadyDone => Code::IdempotencyInProgress,
        };
        Self::new(code, rejection.to_string())
    }
}
