//! Pages for people, the files that they load, and the widget.

mod assets;
mod confirm;
mod index;
mod look;
mod lost_link;
mod notices;
mod openness;
mod sign_up;
mod unsubscribe;
mod visitor;
mod widget;

use actix_web::web;

pub use self::look::error_page;
pub use self::sign_up::{PageKey, preview as preview_sign_up};

/// Paths of pages and files that are not part of the API, and take GET alone.
pub const PAGES: &[&str] = &[
    "/",
    "/assets/{name}",
    "/assets/brand/{name}",
    "/widget.js",
    "/robots.txt",
    "/me/{token}",
    "/w/{workspace_slug}/{waitlist_slug}/mailbox",
    "/w/{workspace_slug}/{waitlist_slug}/left",
    "/w/{workspace_slug}/{waitlist_slug}/lost-link/sent",
    "/w/{workspace_slug}/{waitlist_slug}/widget.json",
];

/// Paths of pages with a form, which take POST too.
pub const FORMS: &[&str] = &[
    "/w/{workspace_slug}/{waitlist_slug}",
    "/w/{workspace_slug}/{waitlist_slug}/lost-link",
    "/me/{token}/answers",
    "/me/{token}/language",
    "/me/{token}/mail",
    "/me/{token}/leave",
    "/unsubscribe/{token}",
    "/confirm/{token}",
    "/confirm/{token}/refuse",
];

/// Adds the pages.
///
/// A scope compares the first segment of a path as bytes. Beside the other scopes, a path is compared only with the patterns of its own.
pub fn configure(config: &mut web::ServiceConfig) {
    let of_list = web::scope("/w")
        .service(sign_up::sign_up_page)
        .service(sign_up::post_sign_up)
        .service(widget::widget_form)
        .service(lost_link::lost_link_page)
        .service(lost_link::post_lost_link)
        .service(notices::mailbox)
        .service(notices::left)
        .service(notices::lost_link_sent);
    let of_visitor = web::scope("/me")
        .service(visitor::own_page)
        .service(visitor::change_answers)
        .service(visitor::change_language)
        .service(visitor::change_mail)
        .service(visitor::to_own_page)
        .service(visitor::leave_page)
        .service(visitor::leave_list);
    let confirmation = web::scope("/confirm")
        .service(confirm::confirm_page)
        .service(confirm::confirm)
        .service(confirm::refuse_page)
        .service(confirm::refuse);
    config
        .service(index::index)
        .service(assets::widget)
        .service(assets::robots)
        .service(web::scope("/assets").service(assets::file).service(assets::brand))
        .service(of_list)
        .service(of_visitor)
        .service(confirmation)
        .service(web::scope("/unsubscribe").service(unsubscribe::unsubscribe_page).service(unsubscribe::unsubscribe));
}
