//! Rotates the secret of a webhook.

use actix_web::{HttpResponse, post, web};
use rally_domain::command::RotateSecret;
use rally_domain::webhook::Webhook;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::permit;
use crate::http::body::{Body, DEFAULT_LIMIT};
use crate::http::error::{AdminFailure, ApiError, BodyFailure, ErrorBody};
use crate::http::extract::admin::AdminWebhookId;
use crate::http::extract::idempotency_key::IdempotencyHeader;
use crate::idempotency::{self, Reply};
use crate::webhook_secret;

/// A webhook's new secret.
#[derive(Serialize, ToSchema)]
#[schema(as = RotatedSecret)]
struct RotatedView {
    #[schema(format = Uuid)]
    id: String,
    /// The secret that signs messages from now on. For 24 hours the old one signs them too. This is the only time that it is shown.
    signing_secret: String,
}

/// Rotate the secret of a webhook
///
/// The reply shows the new secret once. For 24 hours the old secret signs messages too.
#[utoipa::path(
    tag = "Webhooks", operation_id = "rotate_webhook_secret", security(("bearer" = [])), extensions(("x-action" = json!("webhook.update"))),
    params(AdminWebhookId, IdempotencyHeader),
    responses(
        (status = 201, description = "The new secret.", body = RotatedView),
        (status = 409, description = "The idempotency key was used for another request, or its request is still running.", body = ErrorBody),
        AdminFailure, BodyFailure,
    ),
)]
#[post("/webhooks/{id}/rotate-secret")]
pub async fn rotate_secret(
    app: web::Data<App>,
    webhook: AdminWebhookId<permit::WebhookUpdate>,
    header: IdempotencyHeader,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let (id, key) = (*webhook, header.key()?);
    let body = body.optional_document_up_to(DEFAULT_LIMIT).await?;
    let workspace_id = webhook.admin.workspace.id;
    let request = idempotency::Request { workspace_id, route: format!("POST webhooks/{id}/rotate-secret"), key, body: body.as_ref() };
    let (secret, shown) = webhook_secret::issue(&app.webhook_sealer, id);
    let render = move |webhook: &Webhook| Reply::created(&RotatedView { id: webhook.id.to_string(), signing_secret: shown.clone() });
    let rotate = async |receipt| {
        let command = RotateSecret { id, workspace_id, secret, actor: webhook.actor(), now: app.ports.clock.now() };
        Ok(app.ports.webhooks.rotate(command, receipt).await?)
    };
    app.idempotency.once(&app.ports, request, render, rotate).await
}
