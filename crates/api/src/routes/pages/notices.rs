//! Pages that tell what was done. They know nobody, so they are the same for every address.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, web};
use rally_pages::Notice;

use super::sign_up::Reading;
use crate::app::App;
use crate::http::error::ApiError;
use crate::http::extract::public_list::NamedWaitlist;

/// Says that a mail with a link is on its way.
#[get("/{workspace_slug}/{waitlist_slug}/mailbox")]
pub async fn mailbox(app: web::Data<App>, named: NamedWaitlist, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let expires_in = app.confirmation_ttl.whole_seconds().try_into().ok();
    tell(&app, &named, &request, Notice::Mailbox { expires_in }).await
}

/// Says that the person has left.
#[get("/{workspace_slug}/{waitlist_slug}/left")]
pub async fn left(app: web::Data<App>, named: NamedWaitlist, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    tell(&app, &named, &request, Notice::Left).await
}

/// Says that a mail with the person's link is on its way, if there is one.
#[get("/{workspace_slug}/{waitlist_slug}/lost-link/sent")]
pub async fn lost_link_sent(app: web::Data<App>, named: NamedWaitlist, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    tell(&app, &named, &request, Notice::LostLinkSent).await
}

async fn tell(app: &App, named: &NamedWaitlist, request: &HttpRequest, notice: Notice) -> Result<HttpResponse, ApiError> {
    let reading = Reading::of(app, named, request, None).await?;
    let form = reading.address_of("");
    let address = reading.carrying(format!("{}{}", app.ports.links.root(), request.path()));
    Ok(reading.tell(StatusCode::OK, notice, Some(&form), &address))
}
