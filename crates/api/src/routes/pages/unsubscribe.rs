//! The end of mail to a person.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use rally_domain::entry::Entry;
use rally_domain::use_case::{link, visit};
use rally_domain::waitlist::Waitlist;
use rally_domain::workspace::Brand;
use rally_pages::{Ask, AskPage, Notice, NoticePage};

use super::look::{Look, in_chosen_language, show};
use crate::app::App;
use crate::http::error::{ApiError, Code};

/// The list of an entry, and the brand of its workspace.
async fn place_of(app: &App, entry: &Entry) -> Result<(Waitlist, Brand), ApiError> {
    let gone = || ApiError::new(Code::LinkNotFound, "this link does not exist or has ended");
    let waitlist = app.ports.waitlists.find(entry.workspace_id, entry.waitlist_id).await?.ok_or_else(gone)?;
    Ok((waitlist, app.ports.settings.get(entry.workspace_id).await?.brand))
}

/// Asks whether mail is to end. Opening the page changes nothing, because programs open the links of mail too.
#[get("/{token}")]
pub async fn unsubscribe_page(app: web::Data<App>, request: HttpRequest, token: web::Path<String>) -> Result<HttpResponse, ApiError> {
    app.limits.take_link(app.proxies.client(&request))?;
    let entry = link::find_recipient(&app.ports, &token).await?;
    let (waitlist, brand) = place_of(&app, &entry).await?;
    let look = Look::of(&app, &request, entry.profile.locale.as_ref(), (&waitlist, &brand)).await?;
    let here = format!("{}{}", look.root(), request.path());
    let (action, frame) = (in_chosen_language(here.clone(), &request), look.frame_at(&here));
    let masked_email = entry.profile.email.masked().to_string();
    let ask = Ask::Unsubscribe { masked_email: &masked_email };
    Ok(show(StatusCode::OK, &AskPage { frame, ask, action: &action, back: None }, &frame))
}

/// Ends mail. A mail program sends this request by itself (RFC 8058), and its body does not matter.
#[post("/{token}")]
pub async fn unsubscribe(app: web::Data<App>, request: HttpRequest, token: web::Path<String>) -> Result<HttpResponse, ApiError> {
    link::unsubscribe(&app.ports, &token).await?;
    app.wake_relays();
    let entry = link::find_recipient(&app.ports, &token).await?;
    let (waitlist, brand) = place_of(&app, &entry).await?;
    let look = Look::of(&app, &request, entry.profile.locale.as_ref(), (&waitlist, &brand)).await?;
    let variant = visit::variant_of(&app.ports, waitlist.id, entry.variant_id).await?;
    let frame = look.frame();
    // The link of the mail must not lead to the person's page: mail programs and archives know it.
    let list = Some(waitlist.words(variant.as_ref()).display_name.as_str());
    let page = NoticePage { frame, list, notice: Notice::Unsubscribed, link: None };
    Ok(show(StatusCode::OK, &page, &frame))
}
