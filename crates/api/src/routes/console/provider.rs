//! Signing in through the identity provider. Its replies come by a GET, which begins a session: a cookie of the browser proves that the
//! browser has asked for it.

use actix_web::http::StatusCode;
use actix_web::http::header::SET_COOKIE;
use actix_web::{HttpRequest, HttpResponse, get, web};
use rally_console::Form;
use rally_console::page::SignInPage;

use super::doors::Outside;
use super::look::{is_own_page, see_other, show_as};
use super::sign_in::{wait, welcome};
use crate::auth::{Callback, Oidc, OidcError, sign_in_by_provider};
use crate::http::error::{ApiError, Code};
use crate::http::extract::languages::in_query;

/// The most characters of an address that is led to afterwards. It goes into a cookie.
const MAX_NEXT: usize = 1000;

fn oidc(door: &Outside) -> Result<&Oidc, ApiError> {
    door.app.oidc.as_ref().ok_or_else(|| ApiError::new(Code::NotFound, "there is no identity provider"))
}

/// Leads to the provider.
#[get("/sign-in/provider")]
pub async fn depart(door: Outside, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let oidc = oidc(&door)?;
    door.app.limits.take_link(door.app.proxies.client(&request))?;
    let next = in_query(&request, &["next"]).filter(|next| is_own_page(next) && next.len() <= MAX_NEXT);
    match oidc.begin(door.app.ports.clock.now(), next.unwrap_or_else(|| "/console".to_owned())).await {
        Ok(departure) => {
            let mut reply = see_other(departure.url.as_str());
            set_cookie(&mut reply, &door.app.console.keep_begun(&departure.cookie));
            Ok(reply)
        }
        Err(error) => refuse(&door, error.into()),
    }
}

/// Signs in with what the provider sends back.
#[get("/sign-in/provider/callback")]
pub async fn arrive(door: Outside, request: HttpRequest, callback: web::Query<Callback>) -> Result<HttpResponse, ApiError> {
    let (oidc, client, begun) = (oidc(&door)?, door.app.proxies.client(&request), door.app.console.begun_of(&request));
    let mut reply = match sign_in_by_provider(&door.app.ports, oidc, client, (begun.as_deref(), callback.into_inner())).await {
        Ok((signed_in, next)) => welcome(&door, &signed_in, &next),
        Err(error) => refuse(&door, error)?,
    };
    set_cookie(&mut reply, &door.app.console.forget_begun());
    Ok(reply)
}

fn set_cookie(reply: &mut HttpResponse, cookie: &str) {
    if let Ok(cookie) = cookie.try_into() {
        reply.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// Says on the page of sign-ins why nobody was signed in.
fn refuse(door: &Outside, error: OidcError) -> Result<HttpResponse, ApiError> {
    let (status, message) = match error {
        OidcError::Untried(error) => return wait(door, error),
        OidcError::NotBegun => {
            let message = "This sign-in did not begin in this browser, or it took too long. Begin again.";
            (StatusCode::BAD_REQUEST, message.to_owned())
        }
        OidcError::Denied => (StatusCode::FORBIDDEN, "The identity provider did not let you in.".to_owned()),
        OidcError::NotAllowed(ref email) => {
            (StatusCode::FORBIDDEN, format!("{email} may not sign in here. Ask the operator of this server."))
        }
        OidcError::NoWorkspace(ref slug) => {
            (StatusCode::FORBIDDEN, format!("You may sign in, but the workspace {slug} does not exist. Ask the operator of this server."))
        }
        ref error if error.lacks_address() => {
            (StatusCode::FORBIDDEN, "The identity provider has not verified an e-mail address of yours.".to_owned())
        }
        OidcError::Provider(ref cause) => (StatusCode::BAD_GATEWAY, format!("The identity provider cannot be used: {cause}.")),
    };
    tracing::warn!(cause = %crate::chain::chain(&error), "nobody was signed in through the identity provider");
    let form = Form::default().refused([("", message)]);
    Ok(show_as(status, &SignInPage { form, ..door.sign_in_page() }))
}
