//! The page that sends a lost link. What it tells is the same for every address.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use rally_domain::locale::Locale;
use rally_pages::{Form, LostLinkPage, Problem};
use serde_json::json;

use super::look::show;
use super::sign_up::{Reading, too_often};
use crate::app::App;
use crate::http::body::{Body, read_as};
use crate::http::error::{ApiError, Code};
use crate::http::extract::public_list::NamedWaitlist;
use crate::routes::public::lost_link::{LostLinkBody, send_to};

/// Asks for the address.
#[get("/{workspace_slug}/{waitlist_slug}/lost-link")]
pub async fn lost_link_page(app: web::Data<App>, named: NamedWaitlist, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let reading = Reading::of(&app, &named, &request, None).await?;
    Ok(render(&reading, StatusCode::OK, &[], &[]))
}

fn render(reading: &Reading<'_>, status: StatusCode, typed: &[(String, String)], problems: &[(String, Problem)]) -> HttpResponse {
    let address = reading.carrying(format!("{}/lost-link", reading.here));
    let (action, back) = (reading.address_of("/lost-link"), reading.address_of(""));
    let frame = reading.frame(&address);
    let form = Form { fields: &[], typed, problems };
    let list = reading.waitlist().display_name.as_str();
    show(status, &LostLinkPage { frame, list, action: &action, form, back: Some(&back) }, &frame)
}

/// Sends the link, if the address is on the list.
#[post("/{workspace_slug}/{waitlist_slug}/lost-link")]
pub async fn post_lost_link(app: web::Data<App>, named: NamedWaitlist, request: HttpRequest, body: Body) -> Result<HttpResponse, ApiError> {
    named.published()?;
    named.check_origin(&app, &request)?;
    let typed = body.form().await?;
    let value = |name: &str| typed.iter().find(|(given, _)| given == name).map(|(_, value)| value.trim()).unwrap_or_default();
    let reading = Reading::of(&app, &named, &request, Locale::parse(value("lang")).ok()).await?;
    let (status, problem, error) = match send(&app, &reading, &request, value("email")).await {
        Ok(()) => return Ok(reading.lead_to("/lost-link/sent")),
        Err(error) if error.code == Code::ValidationFailed => (StatusCode::UNPROCESSABLE_ENTITY, ("email", Problem::Refused), error),
        Err(error) if error.code == Code::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, ("form", too_often(&error)), error),
        Err(error) => return Err(error),
    };
    let mut reply = render(&reading, status, &typed, &[(problem.0.to_owned(), problem.1)]);
    if let Some(seconds) = error.retry_after {
        reply.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Ok(reply)
}

async fn send(app: &App, reading: &Reading<'_>, request: &HttpRequest, email: &str) -> Result<(), ApiError> {
    let waitlist = reading.waitlist();
    let client = app.proxies.client(request);
    app.limits.take_address(client, waitlist.id)?;
    send_to(app, waitlist, read_as::<LostLinkBody>(json!({"email": email}))?, client).await
}
