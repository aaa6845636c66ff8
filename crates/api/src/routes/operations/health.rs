//! Probes: whether the process is up, and whether its store answers.

use actix_web::{get, web};
use rally_domain::error::Fault;
use serde::Serialize;
use utoipa::ToSchema;

use super::PROBE;
use crate::app::App;
use crate::http::error::{ApiError, ErrorBody};

/// The reply of a healthy process.
#[derive(Serialize, ToSchema)]
struct Healthy {
    #[schema(value_type = HealthName)]
    status: &'static str,
}

/// The status of a healthy process.
#[derive(ToSchema)]
#[schema(as = Health, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
enum HealthName {
    Ok,
}

/// Check whether the process is up
#[utoipa::path(tag = "Operations", operation_id = "healthz", responses((status = 200, description = "The process is up.", body = Healthy)))]
#[get("/healthz")]
pub async fn healthz() -> web::Json<Healthy> {
    web::Json(Healthy { status: "ok" })
}

/// Check whether the store answers
#[utoipa::path(tag = "Operations", operation_id = "readyz", responses(
    (status = 200, description = "The store answers.", body = Healthy),
    (status = 503, description = "The store does not answer.", body = ErrorBody),
))]
#[get("/readyz")]
pub async fn readyz(app: web::Data<App>) -> Result<web::Json<Healthy>, ApiError> {
    let answered = tokio::time::timeout(PROBE, app.ports.health.ping()).await;
    answered.map_err(|late| ApiError::from(Fault::unavailable(late)))??;
    Ok(web::Json(Healthy { status: "ok" }))
}
