//! Sends stored events to a webhook once more.

use actix_web::{HttpResponse, post, web};
use rally_domain::actor::Actor;
use rally_domain::command::{ReplayDeliveries, ReplayState, ResendDelivery};
use rally_domain::error::{FieldError, Invalid};
use rally_domain::event::EventKind;
use rally_domain::id::{EventId, WebhookId};
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::Webhook;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Admin, permit};
use crate::http::body::fields::{Field, Fields};
use crate::http::body::{Body, read_as};
use crate::http::error::{AdminFailure, ApiError, BodyFailure, ErrorBody};
use crate::http::extract::admin::{AdminDelivery, AdminWebhook};
use crate::routes::schema::EventName;

/// Which deliveries to send once more.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
enum ReplayStateName {
    #[schema(rename = "dead")]
    Dead,
    #[schema(rename = "all")]
    All,
}

/// A period of events.
#[derive(Deserialize, ToSchema)]
#[schema(as = ReplayDeliveries)]
struct ReplayBody {
    /// The first instant.
    #[schema(value_type = String, format = DateTime, required)]
    #[serde(default)]
    since: Field<String>,
    /// The first instant that is not in the period any more.
    #[schema(value_type = String, format = DateTime, required)]
    #[serde(default)]
    until: Field<String>,
    /// The kinds of event. By default all.
    #[schema(value_type = Option<Vec<EventName>>)]
    #[serde(default)]
    types: Field<Vec<String>>,
    /// Only those that were given up, or all that were written for the webhook.
    #[schema(value_type = ReplayStateName, required)]
    #[serde(default)]
    state: Field<String>,
}

impl ReplayBody {
    fn parse(self, webhook: &Webhook, actor: Actor, now: Timestamp) -> Result<ReplayDeliveries, ApiError> {
        let mut fields = Fields::default();
        let since = fields.required("since", self.since, |text| Timestamp::parse(&text));
        let until = fields.required("until", self.until, |text| Timestamp::parse(&text));
        let kinds = fields.optional("types", self.types, |names| parse_kinds(&names));
        let state = fields.required("state", self.state, |text| ReplayState::parse(&text));
        fields.finish()?;
        let (Some(since), Some(until), Some(state)) = (since, until, state) else { return Err(ApiError::validation(Vec::new())) };
        if since >= until {
            return Err(ApiError::validation(vec![FieldError::new("until", Invalid::new("must be after since"))]));
        }
        Ok(ReplayDeliveries { id: webhook.id, workspace_id: webhook.workspace_id, since, until, kinds, state, actor, now })
    }
}

fn parse_kinds(names: &[String]) -> Result<Vec<EventKind>, Invalid> {
    if names.is_empty() {
        return Err(Invalid::new("must name an event"));
    }
    names.iter().map(|name| EventKind::parse(name)).collect()
}

/// How many events Rally is sending.
#[derive(Serialize, ToSchema)]
struct ReplayView {
    events: u64,
}

/// Send the events of a period to a webhook once more
///
/// They are the events that were written for the webhook and whose entry and waitlist exist. Their ids and bodies are the same. Their
/// attempts count anew. What arrives is dead no more.
#[utoipa::path(
    tag = "Webhooks", operation_id = "replay_deliveries", security(("bearer" = [])), extensions(("x-action" = json!("webhook.update"))),
    params(AdminWebhook), request_body = ReplayBody,
    responses(
        (status = 202, description = "Rally is sending the events.", body = ReplayView),
        (status = 409, description = "The webhook is not active.", body = ErrorBody),
        AdminFailure, BodyFailure,
    ),
)]
#[post("/webhooks/{id}/replay")]
pub async fn replay(app: web::Data<App>, webhook: AdminWebhook<permit::WebhookUpdate>, body: Body) -> Result<HttpResponse, ApiError> {
    let events = replay_to(&app, &webhook, webhook.actor(), body.json().await?).await?;
    Ok(HttpResponse::Accepted().json(ReplayView { events }))
}

/// Sends the events of a period to a webhook once more. Returns how many.
///
/// # Errors
/// If a field is bad, the webhook is not active, or too many events fit.
pub(crate) async fn replay_to(app: &App, webhook: &Webhook, actor: Actor, body: Value) -> Result<u64, ApiError> {
    let command = read_as::<ReplayBody>(body)?.parse(webhook, actor, app.ports.clock.now())?;
    let events = app.ports.webhooks.replay(command).await?;
    app.wake_relays();
    Ok(events)
}

/// An event that Rally is sending.
#[derive(Serialize, ToSchema)]
struct ResentView {
    #[schema(format = Uuid)]
    event_id: String,
}

/// Send an event to a webhook once more
///
/// The event must have been written for the webhook, and its entry and waitlist must exist. Its id and body are the same. Its attempts
/// count anew.
#[utoipa::path(
    tag = "Webhooks", operation_id = "resend_delivery", security(("bearer" = [])), extensions(("x-action" = json!("webhook.update"))),
    params(AdminDelivery),
    responses(
        (status = 202, description = "Rally is sending the event.", body = ResentView),
        (status = 409, description = "The webhook is not active.", body = ErrorBody),
        AdminFailure,
    ),
)]
#[post("/webhooks/{id}/deliveries/{event_id}/resend")]
pub async fn resend(app: web::Data<App>, delivery: AdminDelivery<permit::WebhookUpdate>) -> Result<HttpResponse, ApiError> {
    resend_by(&app, &delivery.admin, delivery.webhook_id, delivery.event_id).await?;
    Ok(HttpResponse::Accepted().json(ResentView { event_id: delivery.event_id.to_string() }))
}

/// Sends an event to a webhook once more.
///
/// # Errors
/// If the webhook is not active, or has no delivery of the event.
pub(crate) async fn resend_by(app: &App, admin: &Admin, id: WebhookId, event_id: EventId) -> Result<(), ApiError> {
    let (workspace_id, actor, now) = (admin.workspace.id, admin.actor(), app.ports.clock.now());
    app.ports.webhooks.resend(ResendDelivery { id, workspace_id, event_id, actor, now }).await?;
    app.wake_relays();
    Ok(())
}
