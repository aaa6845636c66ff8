//! Changes or deletes a webhook.

use actix_web::{HttpResponse, delete, patch, web};
use rally_domain::command::{DeleteWebhook, UpdateWebhook};
use rally_domain::id::WebhookId;
use rally_domain::webhook::{Subscription, Webhook, WebhookUrl};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::WebhookView;
use super::url_check::check_url;
use crate::app::App;
use crate::auth::{Admin, permit};
use crate::http::body::fields::{Field, Fields};
use crate::http::body::{Body, read_as};
use crate::http::error::{AdminFailure, ApiError, BodyFailure};
use crate::http::extract::admin::{AdminWebhook, AdminWebhookId};
use crate::routes::schema::EventName;

/// Changes to a webhook. A missing field stays as it is.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateWebhook)]
struct UpdateBody {
    /// The new URL that receives events.
    #[schema(value_type = Option<String>, max_length = 2048)]
    #[serde(default)]
    url: Field<String>,
    /// The new kinds of events to send.
    #[schema(value_type = Option<Vec<EventName>>, min_items = 1)]
    #[serde(default)]
    events: Field<Vec<String>>,
    /// Whether events are sent. True also clears the record of failures.
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
        let (workspace_id, actor, now) = (admin.workspace.id, admin.actor(), app.ports.clock.now());
        Ok(UpdateWebhook { id, workspace_id, url, events, active, actor, now })
    }
}

/// Changes a webhook from the body of a request.
///
/// # Errors
/// If a field is bad, or there is no such webhook.
pub(crate) async fn update_webhook(app: &App, admin: &Admin, id: WebhookId, body: Value) -> Result<Webhook, ApiError> {
    let command = read_as::<UpdateBody>(body)?.parse(app, admin, id).await?;
    Ok(app.ports.webhooks.update(command).await?)
}

/// Change a webhook
#[utoipa::path(
    tag = "Webhooks", operation_id = "update_webhook", security(("bearer" = [])), extensions(("x-action" = json!("webhook.update"))),
    params(AdminWebhook), request_body = UpdateBody,
    responses((status = 200, description = "The webhook.", body = WebhookView), AdminFailure, BodyFailure),
)]
#[patch("/webhooks/{id}")]
pub async fn update(
    app: web::Data<App>,
    webhook: AdminWebhook<permit::WebhookUpdate>,
    body: Body,
) -> Result<web::Json<WebhookView>, ApiError> {
    let command = body.json::<UpdateBody>().await?.parse(&app, &webhook.admin, webhook.id).await?;
    Ok(web::Json(WebhookView::from(&app.ports.webhooks.update(command).await?)))
}

/// Delete a webhook
///
/// Also deletes its pending deliveries and the list of its past deliveries.
#[utoipa::path(
    tag = "Webhooks", operation_id = "delete_webhook", security(("bearer" = [])), extensions(("x-action" = json!("webhook.delete"))),
    params(AdminWebhookId),
    responses((status = 204, description = "The webhook is deleted."), AdminFailure),
)]
#[delete("/webhooks/{id}")]
pub async fn delete(app: web::Data<App>, webhook: AdminWebhookId<permit::WebhookDelete>) -> Result<HttpResponse, ApiError> {
    let (actor, now) = (webhook.actor(), app.ports.clock.now());
    let command = DeleteWebhook { id: *webhook, workspace_id: webhook.admin.workspace.id, actor, now };
    let deleted = app.ports.webhooks.delete(command).await?;
    if deleted { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::no_webhook()) }
}
