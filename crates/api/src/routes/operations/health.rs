//! Whether the process is up, and whether it can answer.

use actix_web::{get, web};
use rally_domain::error::Fault;
use serde::Serialize;
use utoipa::ToSchema;

use super::PROBE;
use crate::app::App;
use crate::http::error::{ApiError, ErrorBody};

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
