//! The metrics.

use actix_web::{HttpResponse, get, web};
use rally_domain::error::Fault;
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
    let kept_back = async { if app.keeps_mail_back { app.ports.mails.kept_back().await } else { Ok(0) } };
    let (deliveries, mails, kept_back, purges, backfill) = tokio::join!(
        probe(app.ports.deliveries.depth()),
        probe(app.ports.mails.depth()),
        probe(kept_back),
        probe(app.ports.purges.backlog()),
        probe(app.ports.referrals.unfilled()),
    );
    let is_up = deliveries.is_some() && mails.is_some() && kept_back.is_some() && purges.is_some() && backfill.is_some();
    ::metrics::gauge!("rally_store_up").set(f64::from(u8::from(is_up)));
    set("rally_deliveries_pending", deliveries.map(|depth| depth.pending as f64));
    set("rally_deliveries_oldest_due_seconds", deliveries.map(|depth| waited(&app, depth)));
    set("rally_mails_pending", mails.map(|depth| depth.pending as f64));
    set("rally_mails_oldest_due_seconds", mails.map(|depth| waited(&app, depth)));
    set("rally_mails_kept_back", kept_back.map(|number| number as f64));
    set("rally_purges_pending", purges.map(|number| number as f64));
    set("rally_backfill_remaining", backfill.map(|number| number as f64));
    let handle = telemetry::metrics();
    handle.run_upkeep();
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(handle.render())
}

/// What the store answers in time.
async fn probe<T>(question: impl Future<Output = Result<T, Fault>>) -> Option<T> {
    tokio::time::timeout(PROBE, question).await.ok()?.ok()
}

/// Sets a gauge that the store provides. What it did not tell is no number, because the last one may be wrong by now.
fn set(gauge: &'static str, value: Option<f64>) {
    ::metrics::gauge!(gauge).set(value.unwrap_or(f64::NAN));
}

/// The number of seconds since the oldest pending item became due.
fn waited(app: &App, depth: QueueDepth) -> f64 {
    let millis = depth.oldest_due_at.map_or(0, |due| app.ports.clock.now().unix_millis() - due.unix_millis());
    millis.max(0) as f64 / 1000.0
}
