//! The feed of events on the admin surface.

use std::time::Duration;

use actix_web::{HttpRequest, get, web};
use rally_domain::error::Invalid;
use rally_domain::event::EventKind;
use rally_domain::feed::{FeedCursor, FeedFilter};
use rally_domain::id::{WaitlistId, WorkspaceId};
use rally_domain::paging::Limit;
use rally_domain::use_case::feed::{self, FeedReply, FeedRequest};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::{Action, Granted, authorise_again, permit};
use crate::cache::MOMENT;
use crate::http::error::{AdminFailure, ApiError, ErrorBody};
use crate::http::extract::list_query::read_filter;
use crate::http::middleware::in_flight::InFlight;
use crate::routes::event_schema::EventSchema;

/// The longest time that a request may wait, in seconds.
const MAX_WAIT: u64 = 25;

/// Which events to read, unparsed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FeedParams {
    /// `next` of an earlier reply. It works in the same workspace, with any filter. Without it, the oldest event comes first.
    after: Option<String>,
    /// Kinds of event, with commas between. By default all.
    #[param(example = "entry.created,entry.approved")]
    types: Option<String>,
    /// The waitlist. By default all.
    #[param(format = Uuid)]
    waitlist_id: Option<String>,
    /// The most events of a page.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<String>,
    /// How many seconds to wait if there is no event yet.
    #[param(value_type = Option<u16>, minimum = 0, maximum = 25, default = 0)]
    wait: Option<String>,
}

impl FeedParams {
    fn parse(&self, app: &App, workspace_id: WorkspaceId) -> Result<(FeedRequest, Duration), ApiError> {
        let mut errors = Vec::new();
        let filter = FeedFilter {
            kinds: read_filter("types", self.types.as_deref(), parse_kinds, &mut errors),
            waitlist_id: read_filter("waitlist_id", self.waitlist_id.as_deref(), WaitlistId::parse, &mut errors),
        };
        let limit = read_filter("limit", self.limit.as_deref(), |text| Limit::parse(text, Limit::MAX), &mut errors).unwrap_or_default();
        let wait = read_filter("wait", self.wait.as_deref(), parse_wait, &mut errors).unwrap_or_default();
        let open = |cursor: &str| app.cursors.open::<FeedCursor>(&cursors_of(workspace_id), cursor);
        let after = read_filter("after", self.after.as_deref(), open, &mut errors);
        if errors.is_empty() { Ok((FeedRequest { workspace_id, after, filter, limit }, wait)) } else { Err(ApiError::validation(errors)) }
    }
}

fn parse_kinds(text: &str) -> Result<Vec<EventKind>, Invalid> {
    text.split(',').map(|name| EventKind::parse(name.trim())).collect()
}

fn parse_wait(text: &str) -> Result<Duration, Invalid> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = digits.then(|| text.parse().ok()).flatten().filter(|seconds| *seconds <= MAX_WAIT);
    seconds.map(Duration::from_secs).ok_or_else(|| Invalid::new(format!("must be an integer from 0 to {MAX_WAIT}")))
}

/// The name under which the cursors of a feed are signed.
fn cursors_of(workspace_id: WorkspaceId) -> String {
    format!("events/{workspace_id}")
}

/// Events in the order of the feed.
#[derive(Serialize, ToSchema)]
struct EventPage {
    #[schema(value_type = Vec<EventSchema>)]
    data: Vec<Box<RawValue>>,
    /// Where to go on, as `after` of the next request. It is there even if no event is.
    next: String,
    /// Whether more events follow. A page may be empty although more follow, if a filter or a deleted waitlist leaves its events out.
    has_more: bool,
}

impl EventPage {
    fn new(app: &App, workspace_id: WorkspaceId, reply: FeedReply) -> Result<Self, ApiError> {
        let data = reply.bodies.into_iter().map(RawValue::from_string).collect::<Result<_, _>>();
        let data = data.map_err(ApiError::broken)?;
        Ok(Self { data, next: app.cursors.seal(&cursors_of(workspace_id), &reply.next), has_more: reply.has_more })
    }
}

/// Read the feed of events
///
/// All events of the workspace in one order, the oldest first. The changes of one waitlist keep their order. Nothing is missed and nothing
/// comes twice. An event is kept for 30 days. Needs `entry.read` too.
#[utoipa::path(
    tag = "Webhooks", operation_id = "read_events", security(("bearer" = [])), extensions(("x-action" = json!("webhook.read entry.read"))),
    params(Granted, FeedParams),
    responses(
        (status = 200, description = "A page of events.", body = EventPage),
        (status = 400, description = "A bad query.", body = ErrorBody),
        (status = 410, description = "The last event of the cursor is gone. Begin without a cursor.", body = ErrorBody),
        AdminFailure,
    ),
)]
#[get("/events")]
pub async fn read(
    app: web::Data<App>,
    admin: Granted<permit::WebhookRead>,
    query: web::Query<FeedParams>,
    request: HttpRequest,
) -> Result<web::Json<EventPage>, ApiError> {
    admin.require(Action::EntryRead)?;
    let (feed, wait) = query.parse(&app, admin.workspace.id)?;
    let in_flight = request.app_data::<InFlight>().ok_or_else(|| ApiError::broken("no server"))?;
    let (begun, until) = (Instant::now(), Instant::now() + wait);
    let reply = pull(&app, in_flight, feed, until).await?;
    if begun.elapsed() > MOMENT {
        // The key may have been revoked, or the token have expired, while the request waited.
        authorise_again(&request, Action::WebhookRead).await?.require(Action::EntryRead)?;
    }
    Ok(web::Json(EventPage::new(&app, admin.workspace.id, reply)?))
}

/// Reads a page, and waits for one that is not empty. A request that waits takes no slot from others.
async fn pull(app: &App, in_flight: &InFlight, mut request: FeedRequest, until: Instant) -> Result<FeedReply, ApiError> {
    let mut reply = feed::pull(&app.ports, &request).await?;
    while reply.bodies.is_empty() && !reply.has_more && Instant::now() < until {
        request.after = Some(reply.next);
        if !in_flight.aside(app.feeds.wait(request.workspace_id, reply.next.number(), until)).await {
            break;
        }
        reply = feed::read(&app.ports, &request).await?;
    }
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_a_number_of_seconds() {
        assert_eq!(parse_wait("25"), Ok(Duration::from_secs(25)));
        assert_eq!(parse_wait("0"), Ok(Duration::ZERO));
        for bad in ["", "26", "-1", "1.5", "1s", "99999999999999999999"] {
            assert!(parse_wait(bad).is_err(), "{bad}");
        }
    }
}
