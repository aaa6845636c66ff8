//! Webhooks on the admin surface.

pub mod change;
pub mod create;
pub mod deliveries;
pub mod read;
pub mod replay;
pub mod secret;
pub mod test;
mod url_check;

use rally_domain::webhook::Webhook;
use serde::Serialize;
use utoipa::ToSchema;

use crate::routes::schema::EventName;

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
    /// The status of the last answer. Null if the last attempt got no answer.
    #[schema(required)]
    last_status_code: Option<u16>,
    #[schema(required, format = DateTime)]
    last_attempt_at: Option<String>,
    /// When Rally disabled the webhook because its deliveries failed.
    #[schema(required, format = DateTime)]
    auto_disabled_at: Option<String>,
    /// When the first failed attempt since the last success was.
    #[schema(required, format = DateTime)]
    first_failure_at: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
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
