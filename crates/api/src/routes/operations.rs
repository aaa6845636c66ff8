//! What those who run Rally ask it.

use std::time::Duration;

use actix_web::{HttpResponse, get, web};
use rally_domain::error::Fault;
use rally_domain::port::QueueDepth;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::boot::telemetry;
use crate::http::error::{ApiError, ErrorBody};

/// How long the store may take to answer a probe.
const PROBE: Duration = Duration::from_secs(2);

/// That all is well.
#[derive(Serialize, ToSchema)]
struct Healthy {
    #[schema(value_type = HealthName)]
    status: &'static str,
}

/// The one thing that a healthy process says.
#[derive(ToSchema)]
#[schema(as = Health, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a value, is none")]
enum HealthName {
    Ok,
}

/// Whether the process is up
#[utoipa::path(tag = "Operations", operation_id = "healthz", responses((status = 200, description = "It is.", body = Healthy)))]
#[get("/healthz")]
pub async fn healthz() -> web::Json<Healthy> {
    web::Json(Healthy { status: "ok" })
}

/// Whether the store answers
#[utoipa::path(tag = "Operations", operation_id = "readyz", responses(
    (status = 200, description = "It does.", body = Healthy),
    (status = 503, description = "It does not.", body = ErrorBody),
))]
#[get("/readyz")]
pub async fn readyz(app: web::Data<App>) -> Result<web::Json<Healthy>, ApiError> {
    let answered = tokio::time::timeout(PROBE, app.ports.health.ping()).await;
    answered.map_err(|late| ApiError::from(Fault::unavailable(late)))??;
    Ok(web::Json(Healthy { status: "ok" }))
}

/// Measurements in the Prometheus text format
#[utoipa::path(tag = "Operations", operation_id = "metrics", responses(
    (status = 200, description = "The measurements.", body = String, content_type = "text/plain"),
))]
#[get("/metrics")]
pub async fn metrics(app: web::Data<App>) -> HttpResponse {
    let connections = app.ports.health.connections();
    ::metrics::gauge!("rally_store_connections_in_use").set(connections.in_use as f64);
    ::metrics::gauge!("rally_store_connections_max").set(connections.most as f64);
    // While the store is away these gauges stand; everything else is still measured.
    if let Ok(Ok(depth)) = tokio::time::timeout(PROBE, app.ports.deliveries.depth()).await {
        ::metrics::gauge!("rally_deliveries_pending").set(depth.pending as f64);
        ::metrics::gauge!("rally_deliveries_oldest_due_seconds").set(waited(&app, depth));
    }
    if let Ok(Ok(depth)) = tokio::time::timeout(PROBE, app.ports.mails.depth()).await {
        ::metrics::gauge!("rally_mails_pending").set(depth.pending as f64);
        ::metrics::gauge!("rally_mails_oldest_due_seconds").set(waited(&app, depth));
    }
    if let Ok(Ok(backlog)) = tokio::time::timeout(PROBE, app.ports.purges.backlog()).await {
        ::metrics::gauge!("rally_purges_pending").set(backlog as f64);
    }
    let handle = telemetry::metrics();
    handle.run_upkeep();
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(handle.render())
}

/// For how many seconds that has been due which has waited longest.
fn waited(app: &App, depth: QueueDepth) -> f64 {
    let millis = depth.oldest_due_at.map_or(0, |due| app.ports.clock.now().unix_millis() - due.unix_millis());
    millis.max(0) as f64 / 1000.0
}
