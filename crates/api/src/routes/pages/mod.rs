//! Pages for people: the targets of the links in mail.

mod confirm;
mod html;
mod links;

use actix_web::web;

pub use self::html::error_page;

/// Paths of pages that are not part of the API, and take GET alone.
pub const PAGES: &[&str] = &["/me/{token}"];

/// Paths of pages with a form, which take POST too.
pub const FORMS: &[&str] = &["/unsubscribe/{token}", "/confirm/{token}", "/confirm/{token}/refuse"];

/// Adds the pages.
pub fn configure(config: &mut web::ServiceConfig) {
    config.service(links::visitor).service(links::unsubscribe_page).service(links::unsubscribe);
    config.service(confirm::confirm_page).service(confirm::confirm).service(confirm::refuse_page).service(confirm::refuse);
}
