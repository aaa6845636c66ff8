//! Objects that paths of the admin surface name. The extractors first check the token, then whether it allows the action, then whether
//! the workspace has the object.

use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use rally_domain::actor::Actor;
use rally_domain::error::FieldError;
use rally_domain::id::{ApiKeyId, EntryId, EventId, ImportId, ReferralId, RequestId, SuppressionId, VariantId, WaitlistId, WebhookId};
use rally_domain::import::Import;
use rally_domain::locale::Locale;
use rally_domain::mail::MailKind;
use rally_domain::waitlist::Waitlist;
use rally_domain::webhook::Webhook;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::parameters::{choice_in_path, id_in_path, locale_in_path};
use crate::app::App;
use crate::auth::{Admin, Granted, Permission, authorise};
use crate::http::error::{ApiError, Code};

/// The waitlist `{waitlist_id}`.
pub type AdminList<P = ()> = Named<P, Waitlist>;
/// The entry `{entry_id}` of the waitlist `{waitlist_id}`.
pub type AdminEntry<P = ()> = Named<P, EntryOfList>;
/// The sign-up request `{id}` of the waitlist `{waitlist_id}`. The handler finds out whether it waits.
pub type AdminRequest<P = ()> = Named<P, RequestOfList>;
/// The referral `{id}` of the waitlist `{waitlist_id}`. The handler finds out whether it exists.
pub type AdminReferral<P = ()> = Named<P, ReferralOfList>;
/// The variant `{id}` of the waitlist `{waitlist_id}`.
pub type AdminVariant<P = ()> = Named<P, VariantOfList>;
/// The import `{id}` of the waitlist `{waitlist_id}`.
pub type AdminImport<P = ()> = Named<P, Import>;
/// The id of a waitlist, `{id}`. The handler finds out whether the waitlist exists.
pub type AdminListId<P = ()> = Named<P, WaitlistId>;
/// The webhook `{id}`.
pub type AdminWebhook<P = ()> = Named<P, Webhook>;
/// The id of a webhook, `{id}`. The handler finds out whether the webhook exists.
pub type AdminWebhookId<P = ()> = Named<P, WebhookId>;

/// The delivery of the event `{event_id}` to the webhook `{id}`. The handler finds out whether there is one.
pub type AdminDelivery<P = ()> = Named<P, DeliveryOfWebhook>;

/// The id of a suppression, `{id}`. The handler finds out whether the suppression exists.
pub type AdminSuppressionId<P = ()> = Named<P, SuppressionId>;

/// The id of an API key, `{id}`. The handler finds out whether the key exists.
pub type AdminApiKeyId<P = ()> = Named<P, ApiKeyId>;

/// The template of the kind `{kind}` and the locale `{locale}`. The handler finds out whether the workspace has one.
pub type AdminTemplate<P = ()> = Named<P, TemplatePlace>;

/// An object that a path names, for an admin who may do the action of `P` in the workspace of the path.
pub struct Named<P, T> {
    /// The admin, and the workspace of the path.
    pub admin: Admin,
    found: T,
    permission: PhantomData<P>,
}

impl<P, T> Named<P, T> {
    /// The actor of the commands that the request causes.
    pub fn actor(&self) -> Actor {
        self.admin.actor()
    }
}

impl<P, T> Deref for Named<P, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.found
    }
}

impl<P: Permission, T: FromPath> FromRequest for Named<P, T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = App::of(&request)?;
            let admin = authorise(&request, P::ACTION).await?;
            // `entries/count` also fits the path of an entry, which takes other methods.
            let not_found = |error: ApiError| match error.code.status() {
                404 => app.routes.refused(&request).unwrap_or(error),
                _ => error,
            };
            let found = T::find(app, &admin, &request).await.map_err(not_found)?;
            Ok(Self { admin, found, permission: PhantomData })
        })
    }
}

impl<P, T: FromPath> IntoParams for Named<P, T> {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        Granted::<P>::into_params(place).into_iter().chain(T::parameters()).collect()
    }
}

/// An object that path segments name in a workspace. A malformed id is answered like the id of no object.
pub trait FromPath: Sized + 'static {
    /// The names of the segments after the workspace's that are ids, with their descriptions.
    const SEGMENTS: &'static [(&'static str, &'static str)];

    /// Describes the segments after the workspace's.
    fn parameters() -> Vec<Parameter> {
        Self::SEGMENTS.iter().map(|(name, description)| id_in_path(name, description)).collect()
    }

    /// Finds the object.
    ///
    /// # Errors
    /// 404 if the workspace has no such object.
    fn find(app: &App, admin: &Admin, request: &HttpRequest) -> impl Future<Output = Result<Self, ApiError>>;
}

fn segment<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    request.match_info().get(name).unwrap_or_default()
}

const LIST: (&str, &str) = ("waitlist_id", "The waitlist.");

impl FromPath for Waitlist {
    const SEGMENTS: &'static [(&'static str, &'static str)] = &[LIST];

    async fn find(app: &App, admin: &Admin, request: &HttpRequest) -> Result<Self, ApiError> {
        let id = WaitlistId::parse(segment(request, "waitlist_id")).map_err(|_| ApiError::no_waitlist())?;
        app.ports.waitlists.find(admin.workspace.id, id).await?.ok_or_else(ApiError::no_waitlist)
    }
}

/// The id of an entry, and its waitlist, which exists.
pub struct EntryOfList {
    /// The waitlist.
    pub waitlist: Waitlist,
    /// The entry.
    pub id: EntryId,
}

impl FromPath for EntryOfList {
    const SEGMENTS: &'static [(&'static str, &'static str)] = &[LIST, ("entry_id", "The entry.")];

    async fn find(app: &App, admin: &Admin, request: &HttpRequest) -> Result<Self, ApiError> {
        let waitlist = Waitlist::find(app, admin, request).await?;
        let id = EntryId::parse(segment(request, "entry_id")).map_err(|_| ApiError::no_entry())?;
        Ok(Self { waitlist, id })
    }
}

/// The id of a sign-up request, and its waitlist, which exists.
pub struct RequestOfList {
    /// The waitlist.
    pub waitlist: Waitlist,
    /// The sign-up request.
    pub id: RequestId,
}

impl FromPath for RequestOfList {
    const SEGMENTS: &'static [(&'static str, &'static str)] = &[LIST, ("id", "The sign-up that waits.")];

    async fn find(app: &App, admin: &Admin, request: &HttpRequest) -> Result<Self, ApiError> {
        let waitlist = Waitlist::find(app, admin, request).await?;
        let id = RequestId::parse(segment(request, "id")).map_err(|_| ApiError::no_confirmation())?;
        Ok(Self { waitlist, id })
    }
}

/// The id of a referral, and its waitlist, which exists.
pub struct ReferralOfList {
    /// The waitlist.
    pub waitlist: Waitlist,
    /// The referral.
    pub id: ReferralId,
}

impl FromPath for ReferralOfList {
    const SEGMENTS: &'static [(&'static str, &'static str)] = &[LIST, ("id", "The referral.")];

    async fn find(app: &App, admin: &Admin, request: &HttpRequest) -> Result<Self, ApiError> {
        let waitlist = Waitlist::find(app, admin, request).await?;
        let id = ReferralId::parse(segment(request, "id")).map_err(|_| ApiError::no_referral())?;
        Ok(Self { waitlist, id })
    }
}

impl FromPath for Import {
    const SEGMENTS: &'static [(&'static str, &'static str)] = &[LIST, ("id", "The import.")];

    async fn find(app: &App, admin: &Admin, request: &HttpRequest) -> Result<Self, ApiError> {
        let waitlist = Waitlist::find(app, admin, request).await?;
        let id = ImportId::parse(segment(request, "id")).map_err(|_| ApiError::no_import())?;
        app.ports.imports.find(waitlist.id, id).await?.ok_or_else(ApiError::no_import)
    }
}

/// The id of a variant, and its waitlist, which exists.
pub struct VariantOfList {
    /// The waitlist.
    pub waitlist: Waitlist,
    /// The variant.
    pub id: VariantId,
}

impl FromPath for VariantOfList {
    const SEGMENTS: &'static [(&'static str, &'static str)] = &[LIST, ("id", "The variant.")];

    async fn find(app: &App, admin: &Admin, request: &HttpRequest) -> Result<Self, ApiError> {
        let waitlist = Waitlist::find(app, admin, request).await?;
        let id = VariantId::parse(segment(request, "id")).map_err(|_| ApiError::no_variant())?;
        Ok(Self { waitlist, id })
    }
}

impl FromPath for WaitlistId {
    const SEGMENTS: &'static [(&'static str, &'static str)] = &[("id", "The waitlist.")];

    async fn find(_: &App, _: &Admin, request: &HttpRequest) -> Result<Self, ApiError> {
        Self::parse(segment(request, "id")).map_err(|_| ApiError::no_waitlist())
    }
}

impl FromPath for SuppressionId {
    const SEGMENTS: &'static [(&'static str, &'static str)] = &[("id", "The suppression.")];

    async fn find(_: &App, _: &Admin, request: &HttpRequest) -> Result<Self, ApiError> {
        Self::parse(segment(request, "id")).map_err(|_| ApiError::no_suppression())
    }
}

impl FromPath for ApiKeyId {
    const SEGMENTS: &'static [(&'static str, &'static str)] = &[("id", "The API key.")];

    async fn find(_: &App, _: &Admin, request: &HttpRequest) -> Result<Self, ApiError> {
        Self::parse(segment(request, "id")).map_err(|_| ApiError::no_api_key())
    }
}

/// The kind and the locale of a template of mail.
#[derive(Debug, Clone)]
pub struct TemplatePlace {
    /// The kind of mail.
    pub kind: MailKind,
    /// The locale of its readers.
    pub locale: Locale,
}

impl FromPath for TemplatePlace {
    const SEGMENTS: &'static [(&'static str, &'static str)] = &[];

    fn parameters() -> Vec<Parameter> {
        vec![choice_in_path("kind", "The kind of mail.", "MailKind"), locale_in_path("locale", "A BCP 47 tag, such as `pt-BR`.")]
    }

    async fn find(_: &App, _: &Admin, request: &HttpRequest) -> Result<Self, ApiError> {
        let no_kind = |_| ApiError::new(Code::NotFound, "there is no such kind of mail");
        let kind = MailKind::parse(segment(request, "kind")).map_err(no_kind)?;
        let malformed = |error| ApiError::validation(vec![FieldError::new("locale", error)]);
        Ok(Self { kind, locale: Locale::parse(segment(request, "locale")).map_err(malformed)? })
    }
}

impl FromPath for WebhookId {
    const SEGMENTS: &'static [(&'static str, &'static str)] = &[("id", "The webhook.")];

    async fn find(_: &App, _: &Admin, request: &HttpRequest) -> Result<Self, ApiError> {
        Self::parse(segment(request, "id")).map_err(|_| ApiError::no_webhook())
    }
}

/// The ids of a webhook and of an event.
pub struct DeliveryOfWebhook {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The event.
    pub event_id: EventId,
}

impl FromPath for DeliveryOfWebhook {
    const SEGMENTS: &'static [(&'static str, &'static str)] = &[("id", "The webhook."), ("event_id", "The event.")];

    async fn find(app: &App, admin: &Admin, request: &HttpRequest) -> Result<Self, ApiError> {
        let webhook_id = WebhookId::find(app, admin, request).await?;
        let event_id = EventId::parse(segment(request, "event_id")).map_err(|_| ApiError::no_delivery())?;
        Ok(Self { webhook_id, event_id })
    }
}

impl FromPath for Webhook {
    const SEGMENTS: &'static [(&'static str, &'static str)] = WebhookId::SEGMENTS;

    async fn find(app: &App, admin: &Admin, request: &HttpRequest) -> Result<Self, ApiError> {
        let id = WebhookId::find(app, admin, request).await?;
        app.ports.webhooks.find(admin.workspace.id, id).await?.ok_or_else(ApiError::no_webhook)
    }
}
