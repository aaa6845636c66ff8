//! The list of all routes. The router and the OpenAPI document are both made from it.

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use super::error::{ApiError, Code};
use super::middleware::cors::{admin_cors, public_cors, visitor_cors};
use super::surface::Surface;
use crate::app::App;
use crate::routes::admin::{
    analytics, api_keys, audit, confirmations, entries, events, imports, mail_templates, mails, referrals, settings, suppressions,
    variants, waitlists, webhooks,
};
use crate::routes::operations::{health, metrics};
use crate::routes::{public, visitor};

/// Adds every documented route to a configuration whose scopes a function makes.
macro_rules! add_routes {
    ($config:expr, $scope:path, $admin_origins:expr) => {
        $config
            .service(health::healthz)
            .service(health::readyz)
            .service(metrics::metrics)
            .service(
                // A fixed segment is compared quicker than a pattern is matched.
                $scope("/v1/waitlists").service(
                    $scope("/{workspace_slug}/{waitlist_slug}")
                        .wrap(public_cors())
                        .service(public::info::info)
                        .service(public::challenge::challenge)
                        .service(public::sign_up::join)
                        .service(public::lost_link::send)
                        .service(public::leaderboard::leaderboard),
                ),
            )
            .service(
                $scope("/v1/me/{token}")
                    .wrap(visitor_cors())
                    .service(visitor::me::get)
                    .service(visitor::me::update)
                    .service(visitor::export::export)
                    .service(visitor::leave::leave),
            )
            .service(
                $scope("/v1/confirmations/{token}")
                    .wrap(visitor_cors())
                    .service(visitor::confirmation::get)
                    .service(visitor::confirmation::confirm)
                    .service(visitor::confirmation::refuse),
            )
            .service(
                $scope("/v1/workspaces/{workspace_id}")
                    .wrap(admin_cors($admin_origins))
                    .service(waitlists::read::list)
                    .service(waitlists::create::create)
                    .service(waitlists::read::get)
                    .service(waitlists::change::update)
                    .service(waitlists::change::change_status)
                    .service(waitlists::change::delete)
                    .service(waitlists::export::export)
                    .service(entries::read::list)
                    .service(entries::read::count)
                    .service(entries::export::export)
                    .service(entries::bulk::bulk_change)
                    .service(entries::read::get)
                    .service(entries::review::change_status)
                    .service(entries::invite::invite_to_app)
                    .service(entries::review::delete)
                    .service(entries::new_link::new_link)
                    .service(confirmations::list)
                    .service(confirmations::resend)
                    .service(confirmations::confirm)
                    .service(confirmations::delete)
                    .service(referrals::read::list)
                    .service(referrals::read::rings)
                    .service(referrals::bulk::decide_many)
                    .service(referrals::decide::decide)
                    .service(referrals::preview::preview)
                    .service(imports::create)
                    .service(imports::get)
                    .service(imports::problems)
                    .service(imports::cancel)
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
                    .service(mail_templates::read::list)
                    .service(mail_templates::change::put)
                    .service(mail_templates::change::delete)
                    .service(mail_templates::preview::preview)
                    .service(mail_templates::test::test)
                    .service(mails::list)
                    .service(suppressions::list)
                    .service(suppressions::create)
                    .service(suppressions::check)
                    .service(suppressions::delete)
                    .service(events::read)
                    .service(audit::list)
                    .service(api_keys::list)
                    .service(api_keys::create)
                    .service(api_keys::delete)
                    .service(webhooks::read::list)
                    .service(webhooks::create::create)
                    .service(webhooks::read::get)
                    .service(webhooks::change::update)
                    .service(webhooks::change::delete)
                    .service(webhooks::deliveries::deliveries)
                    .service(webhooks::replay::resend)
                    .service(webhooks::replay::replay)
                    .service(webhooks::secret::rotate_secret)
                    .service(webhooks::test::test),
            )
    };
}

/// Adds every documented route to a document.
pub fn document(config: &mut ServiceConfig) {
    add_routes!(config, scope::scope, &[]);
}

/// Adds every documented route to a router, which needs no document. Pages of the given origins may call the admin surface.
pub fn configure(config: &mut web::ServiceConfig, admin_origins: &[String]) {
    add_routes!(config, web::scope, admin_origins);
}

/// Answers requests that match no route: OPTIONS with the methods of the path, 405 if the path has other methods, a redirect if only a
/// slash at the end is too much for a page, else 404.
pub async fn unmatched(request: HttpRequest, app: web::Data<App>) -> Result<HttpResponse, ApiError> {
    match app.routes.allowed(request.match_info().as_str()) {
        Some(allow) if request.method() == Method::OPTIONS => Ok(HttpResponse::NoContent().insert_header((ALLOW, allow)).finish()),
        Some(allow) => Err(ApiError::wrong_method(allow)),
        None => match page_without_slash(&request, &app) {
            Some(page) => Ok(HttpResponse::PermanentRedirect().insert_header((LOCATION, page)).finish()),
            None => Err(ApiError::new(Code::NotFound, "there is no such route")),
        },
    }
}

/// The page that a request means which has a slash too many: an address relative to the one of the request (RFC 3986, section 5.2), so that
/// it holds behind a proxy that cuts a prefix.
fn page_without_slash(request: &HttpRequest, app: &App) -> Option<String> {
    let path = request.match_info().as_str().strip_suffix('/').filter(|path| Surface::of(path).is_for_people())?;
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    let is_page = is_read && app.routes.allowed(path).is_some_and(|allow| allow.starts_with(Method::GET.as_str()));
    let (_, last) = request.path().strip_suffix('/')?.rsplit_once('/').filter(|_| is_page)?;
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("../{last}{query}"))
}
