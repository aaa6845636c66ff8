//! Webhooks, as the admin surface has them.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use rally_domain::command::{CreateWebhook, RotateSecret, TestWebhook, UpdateWebhook, WebhookRejection};
use rally_domain::delivery::Attempt;
use rally_domain::error::{CommandError, FieldError};
use rally_domain::event::{Event, EventKind};
use rally_domain::id::{EventId, WaitlistId, WebhookId};
use rally_domain::paging::Limit;
use rally_domain::webhook::{MAX_WEBHOOKS, SealedSecret, Subscription, Webhook, WebhookUrl};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use super::waitlists::{IdempotencyParams, WorkspaceParams};
use crate::app::App;
use crate::auth::{Admin, Granted, permit};
use crate::http::body::fields::{Field, Fields};
use crate::http::body::{Body, DEFAULT_LIMIT, read_as};
use crate::http::error::{AdminFailure, ApiError, BodyFailure, ErrorBody};
use crate::idempotency::{self, Reply};
use crate::webhook_secret;

/// Attempts of a list of deliveries, where nothing else is asked for, and at most.
const DEFAULT_ATTEMPTS: u64 = 50;
const MAX_ATTEMPTS: u16 = 200;

/// The webhook of a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct WebhookParams {
    /// The workspace.
    #[param(value_type = Uuid)]
    #[expect(dead_code, reason = "what lets an admin in reads it")]
    workspace_id: String,
    /// The webhook.
    #[param(value_type = Uuid)]
    id: String,
}

/// A webhook, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
struct WebhookView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(format = Uuid)]
    workspace_id: String,
    #[schema(example = "https://example.com/hook")]
    url: String,
    #[schema(value_type = Vec<EventName>)]
    events: Vec<&'static str>,
    active: bool,
    /// Failed attempts since the last success.
    failure_count: u32,
    /// What the last attempt was answered with; null for no answer.
    #[schema(required)]
    last_status_code: Option<u16>,
    #[schema(required, format = DateTime)]
    last_attempt_at: Option<String>,
    /// When it was switched off for failing.
    #[schema(required, format = DateTime)]
    auto_disabled_at: Option<String>,
    /// The first failed attempt since the last success.
    #[schema(required, format = DateTime)]
    first_failure_at: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
}

/// A kind of event.
#[derive(ToSchema)]
#[schema(as = EventType)]
#[expect(dead_code, reason = "describes a value, is none")]
enum EventName {
    #[schema(rename = "entry.created")]
    Created,
    #[schema(rename = "entry.approved")]
    Approved,
    #[schema(rename = "entry.rejected")]
    Rejected,
}

impl From<&Webhook> for WebhookView {
    fn from(webhook: &Webhook) -> Self {
        Self {
            id: webhook.id.to_string(),
            workspace_id: webhook.workspace_id.to_string(),
            url: webhook.url.as_str().to_owned(),
            events: webhook.events.kinds().iter().map(|kind| kind.as_str()).collect(),
            active: webhook.active,
            failure_count: webhook.failure_count,
            last_status_code: webhook.last_status_code,
            last_attempt_at: webhook.last_attempt_at.map(|at| at.to_string()),
            auto_disabled_at: webhook.auto_disabled_at.map(|at| at.to_string()),
            first_failure_at: webhook.first_failure_at.map(|at| at.to_string()),
            created_at: webhook.created_at.to_string(),
        }
    }
}

/// A new webhook with its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedWebhook)]
struct CreatedView {
    #[serde(flatten)]
    webhook: WebhookView,
    /// What messages are signed with. This is the only time it is shown.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    signing_secret: String,
}

/// A webhook's new secret.
#[derive(Serialize, ToSchema)]
#[schema(as = RotatedSecret)]
struct RotatedView {
    #[schema(format = Uuid)]
    id: String,
    /// What messages are signed with from now on; for 24 hours with the old one too. This is the only time it is shown.
    signing_secret: String,
}

/// The webhooks of a workspace, oldest first.
#[derive(Serialize, ToSchema)]
struct WebhookList {
    data: Vec<WebhookView>,
}

/// The last attempts to deliver to a webhook, newest first.
#[derive(Serialize, ToSchema)]
struct DeliveryList {
    data: Vec<AttemptView>,
}

/// An attempt to deliver an event.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
struct AttemptView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(format = Uuid)]
    webhook_id: String,
    #[schema(format = Uuid)]
    event_id: String,
    #[schema(value_type = EventName)]
    event_type: &'static str,
    /// From 1.
    attempt_number: u32,
    /// The status of the answer; null for no answer.
    #[schema(required)]
    status_code: Option<u16>,
    /// The first kilobyte of its body.
    #[schema(required)]
    response_body: Option<String>,
    /// Why there is no whole answer.
    #[schema(required)]
    error_message: Option<String>,
    latency_ms: i64,
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<&Attempt> for AttemptView {
    fn from(attempt: &Attempt) -> Self {
        Self {
            id: attempt.id.to_string(),
            webhook_id: attempt.webhook_id.to_string(),
            event_id: attempt.event_id.to_string(),
            event_type: attempt.kind.as_str(),
            attempt_number: attempt.number,
            status_code: attempt.status_code,
            response_body: attempt.response_body.clone(),
            error_message: attempt.error_message.clone(),
            latency_ms: i64::try_from(attempt.latency.whole_milliseconds()).unwrap_or(i64::MAX),
            created_at: attempt.created_at.to_string(),
        }
    }
}

/// A new webhook.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateWebhook)]
struct CreateBody {
    /// Where events are sent: an absolute https URL on a public address.
    #[schema(value_type = String, required, max_length = 2048)]
    #[serde(default)]
    url: Field<String>,
    /// Which events.
    #[schema(value_type = Vec<EventName>, required, min_items = 1, max_items = 3)]
    #[serde(default)]
    events: Field<Vec<String>>,
    /// Whether they are sent; true where it is not given. What comes while they are not is stored and never sent.
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    active: Field<bool>,
}

impl CreateBody {
    async fn parse(self, app: &App, admin: &Admin, id: WebhookId, secret: SealedSecret) -> Result<CreateWebhook, ApiError> {
        let mut fields = Fields::default();
        let url = fields.required("url", self.url, |text| WebhookUrl::parse(&text));
        // Looked at before a name is looked up; the store looks again.
        if app.ports.webhooks.list(admin.workspace.id).await?.len() as u64 >= MAX_WEBHOOKS {
            return Err(CommandError::Rejected(WebhookRejection::TooMany).into());
        }
        check_url(app, admin, &mut fields, url.as_ref()).await;
        let events = fields.required("events", self.events, |names| Subscription::parse(&names));
        let active = fields.optional("active", self.active, Ok).unwrap_or(true);
        fields.finish()?;
        let (Some(url), Some(events)) = (url, events) else { return Err(ApiError::validation(Vec::new())) };
        Ok(CreateWebhook { id, workspace_id: admin.workspace.id, url, events, active, secret, now: app.ports.clock.now() })
    }
}

/// Changes to a webhook; what is missing stays.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateWebhook)]
struct UpdateBody {
    /// Where events are sent from now on.
    #[schema(value_type = Option<String>, max_length = 2048)]
    #[serde(default)]
    url: Field<String>,
    /// Which events.
    #[schema(value_type = Option<Vec<EventName>>, min_items = 1, max_items = 3)]
    #[serde(default)]
    events: Field<Vec<String>>,
    /// Whether they are sent. Switching it on clears the failure state.
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    active: Field<bool>,
}

impl UpdateBody {
    async fn parse(self, app: &App, admin: &Admin, id: WebhookId) -> Result<UpdateWebhook, ApiError> {
        let mut fields = Fields::default();
        let url = fields.optional("url", self.url, |text| WebhookUrl::parse(&text));
        check_url(app, admin, &mut fields, url.as_ref()).await;
        let events = fields.optional("events", self.events, |names| Subscription::parse(&names));
        let active = fields.optional("active", self.active, Ok);
        fields.finish()?;
        Ok(UpdateWebhook { id, workspace_id: admin.workspace.id, url, events, active })
    }
}

/// Looks whether events may be sent to a URL. A workspace has a few names looked up at once; one that has to wait for too long counts
/// as a name that does not resolve now.
async fn check_url(app: &App, admin: &Admin, fields: &mut Fields, url: Option<&WebhookUrl>) {
    let Some(url) = url else { return };
    let slots = app.url_checks.get_with(admin.workspace.id, || Arc::new(Semaphore::new(CHECKS_OF_A_WORKSPACE)));
    let Ok(Ok(_slot)) = timeout(WAIT_FOR_A_CHECK, slots.acquire()).await else { return };
    if let Err(error) = app.sender.check(url).await {
        fields.report("url", error);
    }
}

/// URLs of one workspace that are checked at once, and how long one waits for its turn.
const CHECKS_OF_A_WORKSPACE: usize = 8;
const WAIT_FOR_A_CHECK: Duration = Duration::from_secs(5);

/// A made-up event.
#[derive(Deserialize, ToSchema)]
#[schema(as = TestWebhook)]
struct TestBody {
    /// Its kind; the webhook need not be subscribed to it.
    #[schema(value_type = EventName, required)]
    #[serde(default)]
    event: Field<String>,
    /// The waitlist it tells of; a made-up one where it is not given.
    #[schema(value_type = Option<Uuid>)]
    #[serde(default)]
    waitlist_id: Field<String>,
}

impl TestBody {
    fn parse(self) -> Result<(EventKind, Option<WaitlistId>), ApiError> {
        let mut fields = Fields::default();
        let kind = fields.required("event", self.event, |text| EventKind::parse(&text));
        let waitlist = fields.optional("waitlist_id", self.waitlist_id, |text| WaitlistId::parse(&text));
        fields.finish()?;
        Ok((kind.ok_or_else(|| ApiError::validation(Vec::new()))?, waitlist))
    }
}

/// A test that is on its way.
#[derive(Serialize, ToSchema)]
struct TestView {
    /// The event's id: its `webhook-id`, and `event_id` in the list of deliveries.
    #[schema(format = Uuid)]
    event_id: String,
}

/// How many attempts to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeliveryQuery {
    /// Rows.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
}

/// The webhook of a path; an id that cannot exist is one that does not.
fn webhook_id(text: &str) -> Result<WebhookId, ApiError> {
    WebhookId::parse(text).map_err(|_| ApiError::no_webhook())
}

async fn find(app: &App, admin: &Admin, id: &str) -> Result<Webhook, ApiError> {
    app.ports.webhooks.find(admin.workspace.id, webhook_id(id)?).await?.ok_or_else(ApiError::no_webhook)
}

/// List webhooks
///
/// Oldest first.
#[utoipa::path(
    tag = "Webhooks", operation_id = "list_webhooks", security(("bearer" = [])), extensions(("x-action" = json!("webhook.read"))),
    params(WorkspaceParams),
    responses((status = 200, description = "All of them.", body = WebhookList), AdminFailure),
)]
#[get("/webhooks")]
pub async fn list(app: web::Data<App>, admin: Granted<permit::WebhookRead>) -> Result<web::Json<WebhookList>, ApiError> {
    let webhooks = app.ports.webhooks.list(admin.workspace.id).await?;
    Ok(web::Json(WebhookList { data: webhooks.iter().map(WebhookView::from).collect() }))
}

/// Create a webhook
///
/// The reply has the secret that messages are signed with, this once.
#[utoipa::path(
    tag = "Webhooks", operation_id = "create_webhook", security(("bearer" = [])), extensions(("x-action" = json!("webhook.create"))),
    params(WorkspaceParams, IdempotencyParams), request_body = CreateBody,
    responses(
        (status = 201, description = "The webhook.", body = CreatedView),
        (status = 409, description = "The workspace has 50 webhooks, or the idempotency key was used or is in use.", body = ErrorBody),
        AdminFailure, BodyFailure,
    ),
)]
#[post("/webhooks")]
pub async fn create(
    app: web::Data<App>,
    admin: Granted<permit::WebhookCreate>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let key = idempotency::key(request.headers())?;
    let body = body.document_up_to(DEFAULT_LIMIT).await?;
    let request = idempotency::Request { workspace_id: admin.workspace.id, route: "POST webhooks".to_owned(), key, body: Some(&body) };
    let id = WebhookId::new(app.ports.ids.uuid());
    let (secret, shown) = webhook_secret::issue(&app.webhook_sealer, id);
    let render = move |webhook: &Webhook| Reply::created(&CreatedView { webhook: webhook.into(), signing_secret: shown.clone() });
    let create = async |receipt| {
        let command = read_as::<CreateBody>(body.value.clone())?.parse(&app, &admin, id, secret).await?;
        Ok(app.ports.webhooks.create(command, receipt).await?)
    };
    app.idempotency.once(&app.ports, request, render, create).await
}

/// Get a webhook
#[utoipa::path(
    tag = "Webhooks", operation_id = "get_webhook", security(("bearer" = [])), extensions(("x-action" = json!("webhook.read"))),
    params(WebhookParams),
    responses((status = 200, description = "The webhook.", body = WebhookView), AdminFailure),
)]
#[get("/webhooks/{id}")]
pub async fn get(
    app: web::Data<App>,
    admin: Granted<permit::WebhookRead>,
    path: web::Path<WebhookParams>,
) -> Result<web::Json<WebhookView>, ApiError> {
    Ok(web::Json(WebhookView::from(&find(&app, &admin, &path.id).await?)))
}

/// Change a webhook
#[utoipa::path(
    tag = "Webhooks", operation_id = "update_webhook", security(("bearer" = [])), extensions(("x-action" = json!("webhook.update"))),
    params(WebhookParams), request_body = UpdateBody,
    responses((status = 200, description = "The webhook.", body = WebhookView), AdminFailure, BodyFailure),
)]
#[patch("/webhooks/{id}")]
pub async fn update(
    app: web::Data<App>,
    admin: Granted<permit::WebhookUpdate>,
    path: web::Path<WebhookParams>,
    body: Body,
) -> Result<web::Json<WebhookView>, ApiError> {
    let id = find(&app, &admin, &path.id).await?.id;
    let command = body.json::<UpdateBody>().await?.parse(&app, &admin, id).await?;
    Ok(web::Json(WebhookView::from(&app.ports.webhooks.update(command).await?)))
}

/// Delete a webhook
///
/// With what waits for it and the list of its deliveries.
#[utoipa::path(
    tag = "Webhooks", operation_id = "delete_webhook", security(("bearer" = [])), extensions(("x-action" = json!("webhook.delete"))),
    params(WebhookParams),
    responses((status = 204, description = "It is gone."), AdminFailure),
)]
#[delete("/webhooks/{id}")]
pub async fn delete(
    app: web::Data<App>,
    admin: Granted<permit::WebhookDelete>,
    path: web::Path<WebhookParams>,
) -> Result<HttpResponse, ApiError> {
    let deleted = app.ports.webhooks.delete(admin.workspace.id, webhook_id(&path.id)?).await?;
    if deleted { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::no_webhook()) }
}

/// List the last deliveries of a webhook
///
/// Every attempt of the last 30 days, newest first.
#[utoipa::path(
    tag = "Webhooks", operation_id = "list_deliveries", security(("bearer" = [])), extensions(("x-action" = json!("webhook.read"))),
    params(WebhookParams, DeliveryQuery),
    responses((status = 200, description = "The attempts.", body = DeliveryList), (status = 400, description = "A bad query.", body = ErrorBody), AdminFailure),
)]
#[get("/webhooks/{id}/deliveries")]
pub async fn deliveries(
    app: web::Data<App>,
    admin: Granted<permit::WebhookRead>,
    path: web::Path<WebhookParams>,
    query: web::Query<DeliveryQuery>,
) -> Result<web::Json<DeliveryList>, ApiError> {
    let webhook = find(&app, &admin, &path.id).await?;
    let limit = match query.limit.as_deref() {
        Some(text) => Limit::parse(text, MAX_ATTEMPTS),
        None => Limit::new(DEFAULT_ATTEMPTS, MAX_ATTEMPTS),
    };
    let limit = limit.map_err(|error| ApiError::validation(vec![FieldError::new("limit", error)]))?;
    let attempts = app.ports.webhooks.attempts(webhook.id, limit).await?;
    Ok(web::Json(DeliveryList { data: attempts.iter().map(AttemptView::from).collect() }))
}

/// Give a webhook another secret
///
/// For 24 hours messages are signed with the old one too.
#[utoipa::path(
    tag = "Webhooks", operation_id = "rotate_webhook_secret", security(("bearer" = [])), extensions(("x-action" = json!("webhook.update"))),
    params(WebhookParams, IdempotencyParams),
    responses(
        (status = 201, description = "The new secret.", body = RotatedView),
        (status = 400, description = "A bad idempotency key.", body = ErrorBody),
        (status = 409, description = "The idempotency key was used for another request or is in use.", body = ErrorBody),
        AdminFailure,
    ),
)]
#[post("/webhooks/{id}/rotate-secret")]
pub async fn rotate_secret(
    app: web::Data<App>,
    admin: Granted<permit::WebhookUpdate>,
    path: web::Path<WebhookParams>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (id, key) = (webhook_id(&path.id)?, idempotency::key(request.headers())?);
    let workspace_id = admin.workspace.id;
    let request = idempotency::Request { workspace_id, route: format!("POST webhooks/{id}/rotate-secret"), key, body: None };
    let (secret, shown) = webhook_secret::issue(&app.webhook_sealer, id);
    let render = move |webhook: &Webhook| Reply::created(&RotatedView { id: webhook.id.to_string(), signing_secret: shown.clone() });
    let rotate = async |receipt| {
        let command = RotateSecret { id, workspace_id, secret, now: app.ports.clock.now() };
        Ok(app.ports.webhooks.rotate(command, receipt).await?)
    };
    app.idempotency.once(&app.ports, request, render, rotate).await
}

/// Send a made-up event to a webhook
///
/// Like a real one, also where the webhook is not subscribed to its kind; see the list of deliveries for what came of it.
#[utoipa::path(
    tag = "Webhooks", operation_id = "test_webhook", security(("bearer" = [])), extensions(("x-action" = json!("webhook.update"))),
    params(WebhookParams), request_body = TestBody,
    responses(
        (status = 202, description = "It is on its way.", body = TestView),
        (status = 409, description = "The webhook is not active.", body = ErrorBody),
        AdminFailure, BodyFailure,
    ),
)]
#[post("/webhooks/{id}/test")]
pub async fn test(
    app: web::Data<App>,
    admin: Granted<permit::WebhookUpdate>,
    path: web::Path<WebhookParams>,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let webhook = find(&app, &admin, &path.id).await?;
    let (kind, waitlist) = body.json::<TestBody>().await?.parse()?;
    let workspace_id = admin.workspace.id;
    let waitlist = match waitlist {
        Some(id) => Some(app.ports.waitlists.find(workspace_id, id).await?.ok_or_else(ApiError::no_waitlist)?),
        None => None,
    };
    let event = Event::test(EventId::new(app.ports.ids.uuid()), kind, app.ports.clock.now(), workspace_id, waitlist.as_ref());
    let event_id = event.id.to_string();
    app.ports.webhooks.test(TestWebhook { id: webhook.id, workspace_id, event }).await?;
    app.wake_relays();
    Ok(HttpResponse::Accepted().json(TestView { event_id }))
}
