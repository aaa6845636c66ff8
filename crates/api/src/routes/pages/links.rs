//! The targets of the links in mail: a person's own page, and the end of mail to them.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use rally_domain::entry::EntryStatus;
use rally_domain::use_case::link;

use super::html::{Escaped, page};
use crate::app::App;
use crate::http::error::{ApiError, Code};

/// A person's own page: the place, and the link to share.
#[get("/me/{token}")]
pub async fn visitor(app: web::Data<App>, request: HttpRequest, token: web::Path<String>) -> Result<HttpResponse, ApiError> {
    app.limits.take_link(app.proxies.client(&request))?;
    let entry = link::find_visitor(&app.ports, &token).await?;
    let gone = || ApiError::new(Code::LinkNotFound, "this link does not exist or has ended");
    let waitlist = app.ports.waitlists.find(entry.workspace_id, entry.waitlist_id).await?.ok_or_else(gone)?;
    let workspace = app.ports.workspaces.find(entry.workspace_id).await?.ok_or_else(gone)?;
    let place = entry.position.effective(entry.referral_count, waitlist.settings.referral_boost).number();
    let state = match entry.status {
        EntryStatus::Pending => format!("<p>Your place is <strong>{place}</strong>.</p>"),
        EntryStatus::Approved => format!("<p>Your place is <strong>{place}</strong>. You are approved.</p>"),
        EntryStatus::Rejected => "<p>You were not chosen this time.</p>".to_owned(),
    };
    let share = app.ports.links.referral(&workspace.slug, &waitlist.slug, &entry.referral_code);
    let share = Escaped(&share);
    let end = app.ports.links.unsubscribe(entry.id);
    let body = format!(
        "{state}\n<p>Friends who joined with your link: {}</p>\n<p>Your link to share: <a href=\"{share}\">{share}</a></p>\n\
         <p><a href=\"{}\">Get no more mail</a></p>",
        entry.referral_count,
        Escaped(&end),
    );
    Ok(page(StatusCode::OK, waitlist.display_name.as_str(), body))
}

/// Asks whether mail is to end. Opening the page changes nothing, because programs open the links of mail too.
#[get("/unsubscribe/{token}")]
pub async fn unsubscribe_page(app: web::Data<App>, request: HttpRequest, token: web::Path<String>) -> Result<HttpResponse, ApiError> {
    app.limits.take_link(app.proxies.client(&request))?;
    let entry = link::find_recipient(&app.ports, &token).await?;
    let masked = entry.profile.email.masked().to_string();
    let body =
        format!("<p>No more mail will be sent to {}.</p>\n<form method=\"post\"><button>Unsubscribe</button></form>", Escaped(&masked));
    Ok(page(StatusCode::OK, "Get no more mail", body))
}

/// Ends mail. A mail program sends this request by itself (RFC 8058), and its body does not matter.
#[post("/unsubscribe/{token}")]
pub async fn unsubscribe(app: web::Data<App>, token: web::Path<String>) -> Result<HttpResponse, ApiError> {
    link::unsubscribe(&app.ports, &token).await?;
    Ok(page(StatusCode::OK, "You get no more mail", "<p>You are still on the waitlist.</p>"))
}
