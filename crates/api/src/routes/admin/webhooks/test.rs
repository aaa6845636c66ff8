//! Sends a test event to a webhook.

use actix_web::{HttpResponse, post, web};
use rally_domain::command::TestWebhook;
use rally_domain::event::{Event, EventKind};
use rally_domain::id::{EventId, WaitlistId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::permit;
use crate::http::body::Body;
use crate::http::body::fields::{Field, Fields};
use crate::http::error::{AdminFailure, ApiError, BodyFailure, ErrorBody};
use crate::http::extract::admin::AdminWebhook;
use crate::routes::schema::EventName;

/// A test event.
#[derive(Deserialize, ToSchema)]
#[schema(as = TestWebhook)]
struct TestBody {
    /// Its kind. The webhook need not be subscribed to it.
    #[schema(value_type = EventName, required)]
    #[serde(default)]
    event: Field<String>,
    /// The waitlist of the event. By default an invented one.
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

/// A test event that Rally is sending.
#[derive(Serialize, ToSchema)]
struct TestView {
    /// The id of the event: its `webhook-id` header, and `event_id` in the list of deliveries.
    #[schema(format = Uuid)]
    event_id: String,
}

/// Send a test event to a webhook
///
/// It is sent like a real event, also if the webhook is not subscribed to its kind. The list of deliveries shows the result.
#[utoipa::path(
    tag = "Webhooks", operation_id = "test_webhook", security(("bearer" = [])), extensions(("x-action" = json!("webhook.update"))),
    params(AdminWebhook), request_body = TestBody,
    responses(
        (status = 202, description = "Rally is sending the event.", body = TestView),
        (status = 409, description = "The webhook is not active.", body = ErrorBody),
        AdminFailure, BodyFailure,
    ),
)]
#[post("/webhooks/{id}/test")]
pub async fn test(app: web::Data<App>, webhook: AdminWebhook<permit::WebhookUpdate>, body: Body) -> Result<HttpResponse, ApiError> {
    let (kind, waitlist) = body.json::<TestBody>().await?.parse()?;
    let workspace_id = webhook.admin.workspace.id;
    let waitlist = match waitlist {
        Some(id) => Some(app.ports.waitlists.find(workspace_id, id).await?.ok_or_else(ApiError::no_waitlist)?),
        None => None,
    };
    let event = Event::test(EventId::new(app.ports.ids.uuid()), kind, app.ports.clock.now(), workspace_id, waitlist.as_ref());
    let event_id = event.id.to_string();
    app.ports.webhooks.test(TestWebhook { id: webhook.id, workspace_id, event, actor: webhook.actor() }).await?;
    app.wake_relays();
    Ok(HttpResponse::Accepted().json(TestView { event_id }))
}
