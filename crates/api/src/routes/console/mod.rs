//! The console: pages with which admins run their waitlists. They call the same use cases and need the same actions as the API.
//!
//! A GET changes nothing. Every change is a POST whose body has the token of the session (`doors`). What a page shows is in
//! `rally-console`.

mod audit;
mod confirmations;
mod doors;
mod entries;
mod entry;
mod imports;
mod jobs;
mod keys;
mod list_settings;
mod lists;
mod look;
mod mail;
mod once;
mod overview;
mod preview;
mod provider;
mod referrals;
mod seen;
mod sessions;
mod sign_in;
mod standing;
mod suppressions;
mod templates;
mod variants;
mod webhooks;
mod workspaces;

use std::sync::LazyLock;

use actix_web::middleware::from_fn;
use actix_web::web;
use rally_console::urls::{Method, ROUTES};

pub use self::look::error_page;

/// Paths that are shown.
pub static PAGES: LazyLock<Vec<&'static str>> = LazyLock::new(|| paths(Method::Get));
/// Paths that take POST.
pub static FORMS: LazyLock<Vec<&'static str>> = LazyLock::new(|| paths(Method::Post));

fn paths(method: Method) -> Vec<&'static str> {
    ROUTES.iter().filter(|route| route.method == method).map(|route| route.path).collect()
}

/// Adds the console.
pub fn configure(config: &mut web::ServiceConfig) {
    let scope = web::scope("/console")
        .wrap(from_fn(doors::check_origin))
        .service(workspaces::home)
        .service(workspaces::help)
        .service(workspaces::new_workspace)
        .service(workspaces::create_workspace)
        .service(sign_in::sign_in_page)
        .service(sign_in::sign_in)
        .service(provider::depart)
        .service(provider::arrive)
        .service(sign_in::link_page)
        .service(sign_in::spend_link)
        .service(sign_in::sign_out)
        .service(sessions::list)
        .service(sessions::end_others)
        .service(sessions::end)
        .service(lists::list)
        .service(lists::new_list)
        .service(lists::create)
        .service(webhooks::list)
        .service(webhooks::new_webhook)
        .service(webhooks::create)
        .service(webhooks::show_page)
        .service(webhooks::update)
        .service(webhooks::set_active)
        .service(webhooks::rotate)
        .service(webhooks::test)
        .service(webhooks::resend)
        .service(webhooks::replay)
        .service(webhooks::delete)
        .service(mail::settings_page)
        .service(mail::change_settings)
        .service(templates::list)
        .service(templates::new_template)
        .service(templates::begin)
        .service(templates::show_page)
        .service(templates::put)
        .service(templates::stored_preview)
        .service(templates::preview)
        .service(templates::test)
        .service(templates::reset)
        .service(mail::log)
        .service(suppressions::list)
        .service(suppressions::create)
        .service(suppressions::check)
        .service(suppressions::lift)
        .service(audit::list)
        .service(keys::list)
        .service(keys::new_key)
        .service(keys::create)
        .service(keys::revoke)
        .service(overview::show_list)
        .service(overview::change_status)
        .service(overview::delete)
        .service(entries::list)
        .service(entries::bulk)
        .service(jobs::cancel)
        .service(entries::export)
        .service(imports::export)
        .service(entry::show_page)
        .service(entry::review)
        .service(entry::invite)
        .service(entry::new_link)
        .service(entry::delete)
        .service(confirmations::list)
        .service(confirmations::resend)
        .service(confirmations::confirm)
        .service(confirmations::delete)
        .service(referrals::list)
        .service(referrals::rings)
        .service(referrals::decide)
        .service(referrals::policy)
        .service(variants::list)
        .service(variants::new_variant)
        .service(variants::create)
        .service(variants::show_page)
        .service(variants::update)
        .service(variants::delete)
        .service(list_settings::show_page)
        .service(list_settings::save)
        .service(imports::list)
        .service(imports::new_import)
        .service(imports::create)
        .service(imports::show_page)
        .service(imports::cancel)
        .service(imports::problems)
        .service(preview::typed_page)
        .service(preview::stored_page)
        .default_service(web::to(crate::http::route_table::unmatched));
    config.service(scope);
}
