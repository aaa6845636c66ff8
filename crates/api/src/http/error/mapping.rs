//! The code of every fault, every rejection and every failure of a service. Matches are exhaustive: a new rejection does not compile
//! until it has a code. A fault is logged here, once.

use std::error::Error as StdError;

use actix_web::http::StatusCode;
use rally_domain::command::{
    ChangeWaitlistStatusRejection, CreateWaitlistRejection, DecideReferralsRejection, EntryRejection, InviteRejection,
    ReplaceLinkRejection, ReplayRejection, RequestMailRejection, ResendRejection, SignUpRejection, SpendLinkRejection, SuppressRejection,
    TemplateRejection, TestMailRejection, TrySignInRejection, UpdateWaitlistRejection, VariantRejection, WebhookRejection,
};
use rally_domain::confirmation::RequestEnded;
use rally_domain::email::Email;
use rally_domain::error::{CommandError, Fault, FieldError, RemoteError};
use rally_domain::invite::InviteError;
use rally_domain::use_case::bulk::BulkRejection;
use rally_domain::use_case::configure::ConfigureRejection;
use rally_domain::use_case::feed::FeedRejection;
use rally_domain::use_case::join::JoinRejection;
use rally_domain::use_case::link::LinkRejection;

use super::{ApiError, Code};
use crate::chain::chain;

/// Logs a fault here, once, with all its causes. The client learns only whether it is temporary.
impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        let cause = chain(&fault);
        match fault {
            Fault::Unavailable(_) => {
                tracing::warn!(%cause, "the store or a service is unavailable");
                Self::new(Code::ServiceUnavailable, "the service cannot answer now; try again in a moment")
            }
            Fault::Unexpected(_) => {
                tracing::error!(%cause, "unexpected failure");
                Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

impl<R: StdError + Into<ApiError>> From<CommandError<R>> for ApiError {
    fn from(error: CommandError<R>) -> Self {
        match error {
            CommandError::Rejected(rejection) => rejection.into(),
            CommandError::Fault(fault) => fault.into(),
        }
    }
}

impl From<LinkRejection> for ApiError {
    fn from(rejection: LinkRejection) -> Self {
        match rejection {
            LinkRejection::NoSuchLink => Self::new(Code::LinkNotFound, rejection.to_string()),
            LinkRejection::Metadata(errors) => Self::validation(errors),
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

impl From<SpendLinkRejection> for ApiError {
    fn from(rejection: SpendLinkRejection) -> Self {
        match rejection {
            SpendLinkRejection::NoSuchLink => Self::new(Code::LinkNotFound, rejection.to_string()),
        }
    }
}

impl From<TrySignInRejection> for ApiError {
    fn from(rejection: TrySignInRejection) -> Self {
        match rejection {
            TrySignInRejection::TooMany { wait } => Self::new(Code::TooManyRequests, rejection.to_string()).retry_in(wait),
        }
    }
}

impl From<JoinRejection> for ApiError {
    fn from(rejection: JoinRejection) -> Self {
        match rejection {
            JoinRejection::CaptchaFailed => Self::new(Code::CaptchaFailed, rejection.to_string()),
            JoinRejection::ProofMissing => Self::new(Code::ProofOfWorkFailed, rejection.to_string()),
            JoinRejection::Disposable => FieldError::new("email", Email::DISPOSABLE).into(),
            JoinRejection::NoMailDomain => FieldError::new("email", Email::NO_MAIL).into(),
            JoinRejection::SignUp(rejection) => rejection.into(),
            JoinRejection::Request(rejection) => rejection.into(),
        }
    }
}

impl From<RequestMailRejection> for ApiError {
    fn from(rejection: RequestMailRejection) -> Self {
        let code = match rejection {
            RequestMailRejection::NoSuchWaitlist => Code::WaitlistNotFound,
            RequestMailRejection::WaitlistNotActive => Code::WaitlistNotActive,
            RequestMailRejection::ProofUsed => Code::ProofOfWorkFailed,
            RequestMailRejection::WaitlistFull => Code::WaitlistFull,
            RequestMailRejection::SendsNoMail => Code::ServiceUnavailable,
            RequestMailRejection::Metadata(errors) => return Self::validation(errors),
        };
        Self::new(code, rejection.to_string())
    }
}

impl From<RequestEnded> for ApiError {
    fn from(ended: RequestEnded) -> Self {
        let code = match ended {
            RequestEnded::NoSuchRequest => Code::ConfirmationNotFound,
            RequestEnded::Expired => Code::ConfirmationExpired,
            RequestEnded::Refused => Code::ConfirmationRefused,
            RequestEnded::Confirmed(_) => Code::AlreadyConfirmed,
        };
        Self::new(code, ended.to_string())
    }
}

impl From<ResendRejection> for ApiError {
    fn from(rejection: ResendRejection) -> Self {
        match rejection {
            ResendRejection::NoSuchRequest => Self::no_confirmation(),
            ResendRejection::SendsNoMail => Self::new(Code::ServiceUnavailable, rejection.to_string()),
        }
    }
}

impl From<FieldError> for ApiError {
    fn from(error: FieldError) -> Self {
        Self::validation(vec![error])
    }
}

impl From<SignUpRejection> for ApiError {
    fn from(rejection: SignUpRejection) -> Self {
        let code = match rejection {
            SignUpRejection::NoSuchWaitlist => Code::WaitlistNotFound,
            SignUpRejection::WaitlistNotActive => Code::WaitlistNotActive,
            SignUpRejection::ProofUsed => Code::ProofOfWorkFailed,
            SignUpRejection::WaitlistFull => Code::WaitlistFull,
            SignUpRejection::EmailTaken => Code::EmailTaken,
            // The use cases let such a sign-up wait, and draw another code.
            SignUpRejection::CodeTaken | SignUpRejection::ConfirmationRequired => return Self::broken(rejection),
            SignUpRejection::Ended(ended) => return ended.into(),
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

impl From<DecideReferralsRejection> for ApiError {
    fn from(rejection: DecideReferralsRejection) -> Self {
        match rejection {
            DecideReferralsRejection::NoSuchWaitlist => Self::no_waitlist(),
            DecideReferralsRejection::NoSuchReferral => Self::no_referral(),
        }
    }
}

impl From<ReplaceLinkRejection> for ApiError {
    fn from(rejection: ReplaceLinkRejection) -> Self {
        match rejection {
            ReplaceLinkRejection::NoSuchEntry => Self::no_entry(),
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

impl From<TemplateRejection> for ApiError {
    fn from(rejection: TemplateRejection) -> Self {
        let code = match rejection {
            TemplateRejection::NoSuchWorkspace => Code::WorkspaceNotFound,
            TemplateRejection::TooMany => Code::TooManyMailTemplates,
        };
        Self::new(code, rejection.to_string())
    }
}

impl From<TestMailRejection> for ApiError {
    fn from(rejection: TestMailRejection) -> Self {
        let message = rejection.to_string();
        match rejection {
            TestMailRejection::NoSuchWorkspace => Self::new(Code::WorkspaceNotFound, message),
            TestMailRejection::NotPossible(errors) => Self::validation(errors),
            TestMailRejection::TooMany { retry_after } => Self::new(Code::TooManyRequests, message).retry_in(retry_after),
        }
    }
}

impl From<SuppressRejection> for ApiError {
    fn from(rejection: SuppressRejection) -> Self {
        match rejection {
            SuppressRejection::NoSuchWorkspace => Self::new(Code::WorkspaceNotFound, rejection.to_string()),
        }
    }
}

impl From<ConfigureRejection> for ApiError {
    fn from(rejection: ConfigureRejection) -> Self {
        match rejection {
            ConfigureRejection::NoSuchWorkspace => Self::new(Code::WorkspaceNotFound, rejection.to_string()),
            ConfigureRejection::Invalid(errors) => Self::validation(errors),
            // Slow and broken are the same here: the settings could not be checked.
            ConfigureRejection::Remote(error) => Self { code: Code::UpstreamFailed, ..error.into() },
        }
    }
}

/// Logs a failure of a service here, once, with its cause. The client learns only that the service failed.
impl From<RemoteError> for ApiError {
    fn from(error: RemoteError) -> Self {
        let cause = chain(&error);
        let service = error.service();
        let retry_after = error.retry_after();
        let told = |error: Self| match retry_after {
            Some(wait) => error.retry_in(wait),
            None => error,
        };
        let (code, message) = match error {
            RemoteError::TimedOut { .. } => (Code::UpstreamTimeout, format!("{service} did not answer in time; nothing was changed")),
            RemoteError::Failed { .. } => (Code::UpstreamFailed, format!("{service} failed; nothing was changed")),
            RemoteError::KeyRefused { .. } => {
                tracing::error!(%cause, "an upstream refused the key of this server");
                return told(Self::new(Code::UpstreamFailed, format!("{service} does not accept this server; nothing was changed")));
            }
        };
        tracing::warn!(%cause, "an upstream failed");
        told(Self::new(code, message))
    }
}

impl From<InviteRejection> for ApiError {
    fn from(rejection: InviteRejection) -> Self {
        let code = match rejection {
            InviteRejection::NoSuchEntry => return Self::no_entry(),
            InviteRejection::NoLinkedApp => Code::NoLinkedApp,
            InviteRejection::NoService => Code::ServiceUnavailable,
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

impl From<ReplayRejection> for ApiError {
    fn from(rejection: ReplayRejection) -> Self {
        let code = match rejection {
            ReplayRejection::NoSuchWebhook => Code::WebhookNotFound,
            ReplayRejection::Disabled => Code::WebhookDisabled,
            ReplayRejection::NoSuchDelivery => Code::DeliveryNotFound,
            ReplayRejection::TooManyEvents => Code::TooManyEvents,
        };
        Self::new(code, rejection.to_string())
    }
}

impl From<FeedRejection> for ApiError {
    fn from(rejection: FeedRejection) -> Self {
        let code = match rejection {
            FeedRejection::CursorExpired => Code::CursorExpired,
        };
        Self::new(code, rejection.to_string())
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
