//! Lists and gets webhooks.

use actix_web::{get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::WebhookView;
use crate::app::App;
use crate::auth::{Granted, permit};
use crate::http::error::{AdminFailure, ApiError};
use crate::http::extract::admin::AdminWebhook;

/// The webhooks of a workspace, oldest first.
#[derive(Serialize, ToSchema)]
struct WebhookList {
    data: Vec<WebhookView>,
}

/// List webhooks
///
/// Oldest first.
#[utoipa::path(
    tag = "Webhooks", operation_id = "list_webhooks", security(("bearer" = [])), extensions(("x-action" = json!("webhook.read"))),
    params(Granted),
    responses((status = 200, description = "All webhooks of the workspace.", body = WebhookList), AdminFailure),
)]
#[get("/webhooks")]
pub async fn list(app: web::Data<App>, admin: Granted<permit::WebhookRead>) -> Result<web::Json<WebhookList>, ApiError> {
    let webhooks = app.ports.webhooks.list(admin.workspace.id).await?;
    Ok(web::Json(WebhookList { data: webhooks.iter().map(WebhookView::from).collect() }))
}

/// Get a webhook
#[utoipa::path(
    tag = "Webhooks", operation_id = "get_webhook", security(("bearer" = [])), extensions(("x-action" = json!("webhook.read"))),
    params(AdminWebhook),
    responses((status = 200, description = "The webhook.", body = WebhookView), AdminFailure),
)]
#[get("/webhooks/{id}")]
pub async fn get(webhook: AdminWebhook<permit::WebhookRead>) -> Result<web::Json<WebhookView>, ApiError> {
    Ok(web::Json(WebhookView::from(&*webhook)))
}
