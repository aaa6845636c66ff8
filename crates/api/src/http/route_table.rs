//! The one list of routes: the router and the OpenAPI document both come of it.

use actix_web::http::Method;
use actix_web::http::header::ALLOW;
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use super::error::{ApiError, Code};
use super::middleware::cors::{admin_cors, public_cors};
use crate::app::App;
use crate::routes::{analytics, entries, export, operations, public, settings, variants, waitlists, webhooks};

/// Every documented route.
pub fn configure(config: &mut ServiceConfig) {
    configure_with(config, &[]);
}

/// Every documented route; browsers on those origins may call the admin surface.
pub fn configure_with(config: &mut ServiceConfig, admin_origins: &[String]) {
    config
        .service(operations::healthz)
        .service(operations::readyz)
        .service(operations::metrics)
        .service(
            scope::scope("/v1/waitlists/{workspace_slug}/{waitlist_slug}")
                .wrap(public_cors())
                .service(public::info)
                .service(public::join)
                .service(public::leaderboard),
        )
        .service(
            scope::scope("/v1/workspaces/{workspace_id}")
                .wrap(admin_cors(admin_origins))
                .service(waitlists::list)
                .service(waitlists::create)
                .service(waitlists::get)
                .service(waitlists::update)
                .service(waitlists::change_status)
                .service(waitlists::delete)
                .service(entries::list)
                .service(entries::count)
                .service(export::export)
                .service(entries::bulk_change)
                .service(entries::get)
                .service(entries::change_status)
                .service(entries::invite_to_app)
                .service(entries::delete)
                .service(variants::list)
                .service(variants::create)
                .service(variants::update)
                .service(variants::delete)
                .service(analytics::totals)
                .service(analytics::timeline)
                .service(settings::get)
                .service(settings::update)
                .service(settings::get_by_alias)
                .service(settings::update_by_alias)
                .service(webhooks::list)
                .service(webhooks::create)
                .service(webhooks::get)
                .service(webhooks::update)
                .service(webhooks::delete)
                .service(webhooks::deliveries)
                .service(webhooks::rotate_secret)
                .service(webhooks::test),
        );
}

/// What no route takes: the methods of a path where they are asked for, 405 where another would have done, else 404.
pub async fn unmatched(request: HttpRequest, app: web::Data<App>) -> Result<HttpResponse, ApiError> {
    match app.routes.allowed(request.path()) {
        Some(allow) if request.method() == Method::OPTIONS => Ok(HttpResponse::NoContent().insert_header((ALLOW, allow)).finish()),
        Some(allow) => {
            let message = format!("this route takes {allow}");
            Err(ApiError { allow: Some(allow), ..ApiError::new(Code::MethodNotAllowed, message) })
        }
        None => Err(ApiError::new(Code::NotFound, "there is no such route")),
    }
}
