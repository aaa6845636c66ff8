//! The metrics.

use actix_web::{HttpResponse, get, web};
use rally_domain::queue::QueueDepth;

use super::PROBE;
use crate::app::App;
use crate::boot::telemetry;

/// Get metrics in the Prometheus text format
#[utoipa::path(tag = "Operations", operation_id = "metrics", responses(
    (status = 200, description = "The metrics.", body = String, content_type = "text/plain"),
))]
#[get("/metrics")]
pub async fn metrics(app: web::Data<App>) -> HttpResponse {
    let connections = app.ports.health.connections();
    ::metrics::gauge!("rally_store_connections_in_use").set(connections.in_use as f64);
    ::metrics::gauge!("rally_store_connections_max").set(connections.most as f64);
    // If the store does not answer, the gauges that it provides keep their last values.
    if let Ok(Ok(depth)) = tokio::time::timeout(PROBE, app.ports.deliveries.depth()).await {
        ::metrics::gauge!("rally_deliveries_pending").set(depth.pending as f64);
        ::metrics::gauge!("rally_deliveries_oldest_due_seconds").set(waited(&app, depth));
    }
    if let Ok(Ok(depth)) = tokio::time::timeout(PROBE, app.ports.mails.depth()).await {
        ::metrics::gauge!("rally_mails_pending").set(depth.pending as f64);
        ::metrics::gauge!("rally_mails_oldest_due_seconds").set(waited(&app, depth));
    }
    if !app.keeps_mail_back {
        ::metrics::gauge!("rally_mails_kept_back").set(0.0);
    } else if let Ok(Ok(kept_back)) = tokio::time::timeout(PROBE, app.ports.mails.kept_back()).await {
        ::metrics::gauge!("rally_mails_kept_back").set(kept_back as f64);
    }
    if let Ok(Ok(backlog)) = tokio::time::timeout(PROBE, app.ports.purges.backlog()).await {
        ::metrics::gauge!("rally_purges_pending").set(backlog as f64);
    }
    if let Ok(Ok(left)) = tokio::time::timeout(PROBE, app.ports.referrals.unfilled()).await {
        ::metrics::gauge!("rally_backfill_remaining").set(left as f64);
    }
    let handle = telemetry::metrics();
    handle.run_upkeep();
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(handle.render())
}

/// The number of seconds since the oldest pending item became due.
fn waited(app: &App, depth: QueueDepth) -> f64 {
    let millis = depth.oldest_due_at.map_or(0, |due| app.ports.clock.now().unix_millis() - due.unix_millis());
    millis.max(0) as f64 / 1000.0
}
