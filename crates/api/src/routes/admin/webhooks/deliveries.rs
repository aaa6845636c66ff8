//! Lists the last deliveries of a webhook.

use actix_web::{get, web};
use rally_domain::delivery::{Attempt, DeliveryState};
use rally_domain::error::FieldError;
use rally_domain::paging::Limit;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::permit;
use crate::http::error::{AdminFailure, ApiError, ErrorBody};
use crate::http::extract::admin::AdminWebhook;
use crate::http::extract::list_query::read_filter;
use crate::routes::schema::EventName;

/// The number of attempts in a list by default, and at most.
const DEFAULT_ATTEMPTS: u16 = 50;
const MAX_ATTEMPTS: u16 = 200;

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
    /// The first attempt has number 1.
    attempt_number: u32,
    /// The status of the answer. Null if there was no answer.
    #[schema(required)]
    status_code: Option<u16>,
    /// The start of the answer's body, up to one kilobyte.
    #[schema(required)]
    response_body: Option<String>,
    /// Why there was no complete answer.
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

/// How far a delivery has come.
#[derive(ToSchema)]
#[schema(as = DeliveryState)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
pub enum DeliveryStateName {
    #[schema(rename = "pending")]
    Pending,
    #[schema(rename = "delivered")]
    Delivered,
    #[schema(rename = "dead")]
    Dead,
}

/// The query of the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeliveryQuery {
    /// The most attempts to list.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200, default = 50)]
    limit: Option<String>,
    /// Only attempts for events whose delivery to this webhook waits, arrived or was given up.
    #[param(value_type = Option<DeliveryStateName>)]
    state: Option<String>,
}

impl DeliveryQuery {
    fn parse(&self) -> Result<(Option<DeliveryState>, Limit), ApiError> {
        let mut errors = Vec::new();
        let state = read_filter("state", self.state.as_deref(), DeliveryState::parse, &mut errors);
        let limit = match self.limit.as_deref() {
            Some(text) => Limit::parse(text, MAX_ATTEMPTS),
            None => Ok(Limit::of::<DEFAULT_ATTEMPTS>()),
        };
        match limit {
            Ok(limit) if errors.is_empty() => Ok((state, limit)),
            limit => {
                errors.extend(limit.err().map(|error| FieldError::new("limit", error)));
                Err(ApiError::validation(errors))
            }
        }
    }
}

/// List the last deliveries of a webhook
///
/// The attempts of the last 30 days, newest first.
#[utoipa::path(
    tag = "Webhooks", operation_id = "list_deliveries", security(("bearer" = [])), extensions(("x-action" = json!("webhook.read"))),
    params(AdminWebhook, DeliveryQuery),
    responses((status = 200, description = "The attempts.", body = DeliveryList), (status = 400, description = "A bad query.", body = ErrorBody), AdminFailure),
)]
#[get("/webhooks/{id}/deliveries")]
pub async fn deliveries(
    app: web::Data<App>,
    webhook: AdminWebhook<permit::WebhookRead>,
    query: web::Query<DeliveryQuery>,
) -> Result<web::Json<DeliveryList>, ApiError> {
    let (state, limit) = query.parse()?;
    let attempts = match state {
        Some(state) => app.ports.webhooks.attempts_of(webhook.id, state, limit).await?,
        None => app.ports.webhooks.attempts(webhook.id, limit).await?,
    };
    Ok(web::Json(DeliveryList { data: attempts.iter().map(AttemptView::from).collect() }))
}
