//! The targets of the links in the mail that asks for a confirmation. Opening a page changes nothing, because programs open the links of
//! mail too.

use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use actix_web::{HttpResponse, get, post, web};
use rally_domain::actor::Actor;
use rally_domain::confirmation::{RequestState, SignUpRequest};
use rally_domain::use_case;

use super::html::{Escaped, page};
use crate::app::App;
use crate::http::error::ApiError;
use crate::http::extract::requested::Requested;
use crate::routes::visitor::confirmation::Place;

/// Asks for the confirmation of a sign-up.
#[get("/confirm/{token}")]
pub async fn confirm_page(app: web::Data<App>, Requested(kept): Requested) -> Result<HttpResponse, ApiError> {
    let place = Place::find(&app, kept.workspace_id, kept.waitlist_id).await?;
    let title = place.waitlist.display_name.as_str();
    Ok(match &kept.state {
        RequestState::Waiting(request) => {
            let link = app.ports.links.refuse(kept.id);
            page(StatusCode::OK, title, format_args!("{}<p><a href=\"{}\">This wasn't me</a></p>", ask(request), Escaped(&link)))
        }
        RequestState::Confirmed(_) => page(StatusCode::OK, title, "<p>You are on the list.</p>"),
        RequestState::Refused => refused_page(title),
    })
}

fn ask(request: &SignUpRequest) -> String {
    let (name, masked) = (Escaped(request.profile.name.as_str()), request.profile.email.masked().to_string());
    let masked = Escaped(&masked);
    format!("<p>{name} asked to join with {masked}.</p>\n<form method=\"post\"><button>Join the waitlist</button></form>\n")
}

fn refused_page(title: &str) -> HttpResponse {
    page(StatusCode::OK, title, "<p>The sign-up was deleted. You get no more mail from this list.</p>")
}

/// Puts the person on the list, and leads to their own page.
#[post("/confirm/{token}")]
pub async fn confirm(app: web::Data<App>, Requested(kept): Requested) -> Result<HttpResponse, ApiError> {
    let entry = use_case::confirm::confirm(&app.ports, Actor::Visitor, kept).await?.entry;
    app.wake_relays();
    Ok(see_other(&app.ports.links.status(entry.id, entry.link_generation)))
}

/// Asks whether a sign-up is to be refused.
#[get("/confirm/{token}/refuse")]
pub async fn refuse_page(app: web::Data<App>, Requested(kept): Requested) -> Result<HttpResponse, ApiError> {
    let place = Place::find(&app, kept.workspace_id, kept.waitlist_id).await?;
    let title = place.waitlist.display_name.as_str();
    Ok(match kept.state {
        RequestState::Waiting(_) => {
            let words = "<p>Somebody signed up with your address. Delete the sign-up, and you get no more mail from this list.</p>";
            page(StatusCode::OK, title, format_args!("{words}\n<form method=\"post\"><button>Delete the sign-up</button></form>"))
        }
        RequestState::Confirmed(_) => {
            page(StatusCode::OK, title, "<p>The sign-up was confirmed. Its owner can leave on their own page.</p>")
        }
        RequestState::Refused => refused_page(title),
    })
}

/// Refuses a sign-up, and leads back to the page, which then says so.
#[post("/confirm/{token}/refuse")]
pub async fn refuse(app: web::Data<App>, Requested(kept): Requested) -> Result<HttpResponse, ApiError> {
    use_case::confirm::refuse(&app.ports, kept.id).await?;
    Ok(see_other(&app.ports.links.refuse(kept.id)))
}

fn see_other(url: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, url)).finish()
}
