//! The targets of the links in the mail that asks for a confirmation. Opening a page changes nothing, because programs open the links of
//! mail too.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use rally_domain::actor::Actor;
use rally_domain::confirmation::{KeptRequest, RequestState, SignUpRequest};
use rally_domain::id::EntryId;
use rally_domain::use_case;
use rally_pages::{Ask, AskPage, ConfirmPage, Notice, NoticePage};

use super::look::{Look, see_other, show};
use super::openness::notice_of_refusal;
use crate::app::App;
use crate::http::error::ApiError;
use crate::http::extract::requested::Requested;
use crate::routes::visitor::confirmation::Place;

/// Asks for the confirmation of a sign-up.
#[get("/confirm/{token}")]
pub async fn confirm_page(app: web::Data<App>, request: HttpRequest, Requested(kept): Requested) -> Result<HttpResponse, ApiError> {
    let place = Place::find(&app, kept.workspace_id, kept.waitlist_id).await?;
    let look = look(&app, &request, &kept, &place).await?;
    match &kept.state {
        RequestState::Waiting(sent) => Ok(ask(&look, &request, &kept, sent, &place)),
        RequestState::Confirmed(entry) => confirmed(&app, &look, *entry, &place).await,
        RequestState::Refused => Ok(refused(&look, &place)),
    }
}

async fn look<'a>(app: &'a App, request: &HttpRequest, kept: &KeptRequest, place: &'a Place) -> Result<Look<'a>, ApiError> {
    let person = match &kept.state {
        RequestState::Waiting(sent) => sent.profile.locale.as_ref(),
        RequestState::Confirmed(_) | RequestState::Refused => None,
    };
    Look::of(app, request, person, (kept.workspace_id, &place.brand)).await
}

fn ask(look: &Look<'_>, request: &HttpRequest, kept: &KeptRequest, sent: &SignUpRequest, place: &Place) -> HttpResponse {
    let action = format!("{}{}", look.root(), request.path());
    let refusal = format!("{action}/refuse");
    let frame = look.frame_at(&action);
    let page = ConfirmPage {
        frame,
        list: place.waitlist.display_name.as_str(),
        name: sent.profile.name.as_str(),
        email: &sent.profile.email.masked().to_string(),
        expires_at: kept.expires_at,
        action: &action,
        refuse: &refusal,
    };
    show(StatusCode::OK, &page, &frame)
}

/// Says that the sign-up was confirmed, and leads to the page of its person.
async fn confirmed(app: &App, look: &Look<'_>, entry: EntryId, place: &Place) -> Result<HttpResponse, ApiError> {
    let entry = app.ports.entries.find_by_id(entry).await?;
    let link = entry.map(|entry| app.ports.links.status(entry.id, entry.link_generation));
    Ok(notice(look, Notice::Confirmed, link.as_deref(), place))
}

fn refused(look: &Look<'_>, place: &Place) -> HttpResponse {
    let form = look.sign_up(&place.workspace.slug, &place.waitlist.slug);
    notice(look, Notice::Refused, Some(&form), place)
}

fn notice(look: &Look<'_>, notice: Notice, link: Option<&str>, place: &Place) -> HttpResponse {
    let frame = look.frame();
    show(StatusCode::OK, &NoticePage { frame, list: Some(place.waitlist.display_name.as_str()), notice, link }, &frame)
}

/// Puts the person on the list, and leads to their own page. A list that takes nobody now says so, and the sign-up goes on waiting.
#[post("/confirm/{token}")]
pub async fn confirm(app: web::Data<App>, request: HttpRequest, Requested(kept): Requested) -> Result<HttpResponse, ApiError> {
    let place = Place::find(&app, kept.workspace_id, kept.waitlist_id).await?;
    let look = look(&app, &request, &kept, &place).await?;
    let confirmed = use_case::confirm::confirm(&app.ports, Actor::Visitor, kept).await.map_err(ApiError::from);
    app.wake_relays();
    let error = match confirmed {
        Ok(confirmed) => return Ok(see_other(&app.ports.links.status(confirmed.entry.id, confirmed.entry.link_generation))),
        Err(error) => error,
    };
    let notice = notice_of_refusal(&error, place.waitlist.status).ok_or(error)?;
    let frame = look.frame();
    let page = NoticePage { frame, list: Some(place.waitlist.display_name.as_str()), notice, link: None };
    Ok(show(StatusCode::UNPROCESSABLE_ENTITY, &page, &frame))
}

/// Asks whether a sign-up is to be refused.
#[get("/confirm/{token}/refuse")]
pub async fn refuse_page(app: web::Data<App>, request: HttpRequest, Requested(kept): Requested) -> Result<HttpResponse, ApiError> {
    let place = Place::find(&app, kept.workspace_id, kept.waitlist_id).await?;
    let look = look(&app, &request, &kept, &place).await?;
    match &kept.state {
        RequestState::Waiting(_) => {
            let action = format!("{}{}", look.root(), request.path());
            let frame = look.frame_at(&action);
            let page = AskPage { frame, ask: Ask::Refuse, action: &action, back: action.strip_suffix("/refuse") };
            Ok(show(StatusCode::OK, &page, &frame))
        }
        RequestState::Confirmed(entry) => confirmed(&app, &look, *entry, &place).await,
        RequestState::Refused => Ok(refused(&look, &place)),
    }
}

/// Refuses a sign-up, and leads back to the page, which then says so.
#[post("/confirm/{token}/refuse")]
pub async fn refuse(app: web::Data<App>, Requested(kept): Requested) -> Result<HttpResponse, ApiError> {
    use_case::confirm::refuse(&app.ports, kept.id).await?;
    Ok(see_other(&app.ports.links.refuse(kept.id)))
}
