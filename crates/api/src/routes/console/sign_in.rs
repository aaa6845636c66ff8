//! Signing in by a link or by an API key, and signing out.

use actix_web::http::StatusCode;
use actix_web::http::header::{RETRY_AFTER, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use rally_console::page::{SignInLinkPage, SignInPage};
use rally_console::urls::Urls;
use rally_console::{Count, Form};
use rally_domain::command::EndSession;

use super::doors::{Outside, Posted, SignedIn};
use super::look::{is_own_page, see_other, show, show_as};
use crate::auth::{self, is_usable, sign_in_by_key, sign_in_by_link};
use crate::http::error::{ApiError, Code};
use crate::http::extract::languages::in_query;

/// Asks for an API key.
#[get("/sign-in")]
pub async fn sign_in_page(door: Outside, request: HttpRequest) -> HttpResponse {
    let next = in_query(&request, &["next"]).filter(|next| is_own_page(next)).unwrap_or_default();
    show(&SignInPage { next, ..door.sign_in_page() })
}

/// Signs in with an API key.
#[post("/sign-in")]
pub async fn sign_in(posted: Posted<Outside>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let client = posted.app.proxies.client(&request);
    let next = Some(posted.value("next")).filter(|next| is_own_page(next)).unwrap_or("/console").to_owned();
    match sign_in_by_key(&posted.app.ports, client, posted.value("key").trim()).await {
        Ok(signed_in) => Ok(welcome(&posted, &signed_in, &next)),
        Err(error) if error.code == Code::Unauthorized => {
            let form = Form::default().refused([("key", "this is not a key that works: it is unknown, or it was revoked")]);
            Ok(show_as(StatusCode::UNAUTHORIZED, &SignInPage { form, next, ..posted.sign_in_page() }))
        }
        Err(error) => wait(&posted, error),
    }
}

/// Keeps the token of a new session in the browser, and leads to a page of the console.
pub(super) fn welcome(door: &Outside, signed_in: &auth::SignedIn, next: &str) -> HttpResponse {
    let mut reply = see_other(&format!("{}{next}", door.app.ports.links.root()));
    if let Ok(cookie) = door.app.console.keep(&signed_in.token).try_into() {
        reply.headers_mut().insert(SET_COOKIE, cookie);
    }
    reply
}

/// Says when the next try is allowed, after too many wrong ones.
pub(super) fn wait(door: &Outside, error: ApiError) -> Result<HttpResponse, ApiError> {
    let Some(seconds) = error.retry_after.filter(|_| error.code == Code::TooManyRequests) else { return Err(error) };
    let page = SignInPage { retry_in: Some(Count(seconds.div_ceil(60))), ..door.sign_in_page() };
    let mut reply = show_as(StatusCode::TOO_MANY_REQUESTS, &page);
    reply.headers_mut().insert(RETRY_AFTER, seconds.into());
    Ok(reply)
}

/// Asks whether a link is to be used. It changes nothing, because programs open links too.
#[get("/sign-in/link/{token}")]
pub async fn link_page(door: Outside, request: HttpRequest, token: web::Path<String>) -> Result<HttpResponse, ApiError> {
    door.app.limits.take_link(door.app.proxies.client(&request))?;
    let usable = is_usable(&door.app.ports, &token).await?;
    let status = if usable { StatusCode::OK } else { StatusCode::GONE };
    Ok(show_as(status, &SignInLinkPage { frame: door.frame(), token: token.into_inner(), usable }))
}

/// Signs in with a link, which works no more.
#[post("/sign-in/link/{token}")]
pub async fn spend_link(posted: Posted<Outside>, request: HttpRequest, token: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let client = posted.app.proxies.client(&request);
    match sign_in_by_link(&posted.app.ports, client, &token).await {
        Ok(signed_in) => Ok(welcome(&posted, &signed_in, "/console")),
        Err(error) if error.code == Code::LinkNotFound => {
            Ok(show_as(StatusCode::GONE, &SignInLinkPage { frame: posted.frame(), token: token.into_inner(), usable: false }))
        }
        Err(error) => wait(&posted, error),
    }
}

/// Ends the session.
#[post("/sign-out")]
pub async fn sign_out(posted: Posted<SignedIn>) -> Result<HttpResponse, ApiError> {
    let (id, now) = (posted.session.id, posted.app.ports.clock.now());
    posted.app.ports.sessions.end(EndSession { id, actor: posted.actor(), now }).await?;
    let mut reply = see_other(&Urls::new(posted.app.ports.links.root()).sign_in());
    if let Ok(cookie) = posted.app.console.forget().try_into() {
        reply.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(reply)
}
