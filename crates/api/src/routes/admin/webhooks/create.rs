//! Creates a webhook.

use actix_web::{HttpResponse, post, web};
use rally_domain::access::Receipt;
use rally_domain::command::{CreateWebhook, WebhookRejection};
use rally_domain::error::CommandError;
use rally_domain::id::WebhookId;
use rally_domain::webhook::{MAX_WEBHOOKS, SealedSecret, Subscription, Webhook, WebhookUrl};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::WebhookView;
use super::url_check::check_url;
use crate::app::App;
use crate::auth::{Admin, Granted, permit};
use crate::http::body::fields::{Field, Fields};
use crate::http::body::{Body, DEFAULT_LIMIT, read_as};
use crate::http::error::{AdminFailure, ApiError, BodyFailure, ErrorBody};
use crate::http::extract::idempotency_key::IdempotencyHeader;
use crate::idempotency::{self, Reply};
use crate::routes::schema::EventName;
use crate::webhook_secret;

/// A new webhook with its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedWebhook)]
struct CreatedView {
    #[serde(flatten)]
    webhook: WebhookView,
    /// The secret that signs messages. This is the only time that it is shown.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    signing_secret: String,
}

/// A new webhook.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateWebhook)]
struct CreateBody {
    /// The URL that receives events: an absolute https URL with a public address.
    #[schema(value_type = String, required, max_length = 2048)]
    #[serde(default)]
    url: Field<String>,
    /// The kinds of events to send.
    #[schema(value_type = Vec<EventName>, required, min_items = 1)]
    #[serde(default)]
    events: Field<Vec<String>>,
    /// Whether events are sent; true by default. Events that happen while it is false are stored, but never sent.
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    active: Field<bool>,
}

impl CreateBody {
    async fn parse(self, app: &App, admin: &Admin, id: WebhookId, secret: SealedSecret) -> Result<CreateWebhook, ApiError> {
        let mut fields = Fields::default();
        let url = fields.required("url", self.url, |text| WebhookUrl::parse(&text));
        // Check the limit before a name is resolved. The store checks it again.
        if app.ports.webhooks.list(admin.workspace.id).await?.len() as u64 >= MAX_WEBHOOKS {
            return Err(CommandError::Rejected(WebhookRejection::TooMany).into());
        }
        check_url(app, admin, &mut fields, url.as_ref()).await;
        let events = fields.required("events", self.events, |names| Subscription::parse(&names));
        let active = fields.optional("active", self.active, Ok).unwrap_or(true);
        fields.finish()?;
        let (Some(url), Some(events)) = (url, events) else { return Err(ApiError::validation(Vec::new())) };
        let (actor, now) = (admin.actor(), app.ports.clock.now());
        Ok(CreateWebhook { id, workspace_id: admin.workspace.id, url, events, active, secret, actor, now })
    }
}

/// Creates a webhook from the body of a request.
///
/// # Errors
/// If a field is bad, or the workspace has as many webhooks as it may.
pub(crate) async fn create_webhook(
    app: &App,
    admin: &Admin,
    body: Value,
    (id, secret): (WebhookId, SealedSecret),
    receipt: Option<Receipt<Webhook>>,
) -> Result<Webhook, ApiError> {
    let command = read_as::<CreateBody>(body)?.parse(app, admin, id, secret).await?;
    Ok(app.ports.webhooks.create(command, receipt).await?)
}

/// Create a webhook
///
/// Only this reply shows the secret that signs messages.
#[utoipa::path(
    tag = "Webhooks", operation_id = "create_webhook", security(("bearer" = [])), extensions(("x-action" = json!("webhook.create"))),
    params(Granted, IdempotencyHeader), request_body = CreateBody,
    responses(
        (status = 201, description = "The webhook.", body = CreatedView),
        (status = 409, description = "The workspace has 50 webhooks, the idempotency key was used for another request, or its request is still running.", body = ErrorBody),
        AdminFailure, BodyFailure,
    ),
)]
#[post("/webhooks")]
pub async fn create(
    app: web::Data<App>,
    admin: Granted<permit::WebhookCreate>,
    header: IdempotencyHeader,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let key = header.key()?;
    let body = body.document_up_to(DEFAULT_LIMIT).await?;
    let request = idempotency::Request { workspace_id: admin.workspace.id, route: "POST webhooks".to_owned(), key, body: Some(&body) };
    let id = WebhookId::new(app.ports.ids.uuid());
    let (secret, shown) = webhook_secret::issue(&app.webhook_sealer, id);
    let render = move |webhook: &Webhook| Reply::created(&CreatedView { webhook: webhook.into(), signing_secret: shown.clone() });
    let create = async |receipt| create_webhook(&app, &admin, body.value.clone(), (id, secret), receipt).await;
    app.idempotency.once(&app.ports, request, render, create).await
}
