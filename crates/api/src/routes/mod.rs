//! The routes, one module per resource. [`configure`] is the one list: the router and the OpenAPI document both come of it.

mod analytics;
mod entries;
mod export;
mod operations;
mod pages;
mod public;
mod schema;
mod settings;
mod variants;
mod waitlists;
mod webhooks;

use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderName, RETRY_AFTER};
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::app::App;
use crate::http::error::{ApiError, Code};
use crate::http::middleware::REQUEST_ID;

pub use pages::{PAGES, configure_pages};

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

/// Anybody's page may call the public surface; it carries no credentials.
fn public_cors() -> Cors {
    expose(Cors::default().allow_any_origin().send_wildcard().allowed_methods(["GET", "HEAD", "POST"]))
}

fn admin_cors(origins: &[String]) -> Cors {
    let cors = Cors::default().allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]).supports_credentials();
    expose(origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin)))
}

fn expose(cors: Cors) -> Cors {
    let rate_limit = [HeaderName::from_static("ratelimit"), HeaderName::from_static("ratelimit-policy")];
    cors.allow_any_header().expose_headers([REQUEST_ID, RETRY_AFTER]).expose_headers(rate_limit).max_age(3600)
}
