//! The sign-up whose confirmation a path allows.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use rally_domain::confirmation::KeptRequest;
use rally_domain::use_case::confirm;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::parameters::token_in_path;
use crate::app::App;
use crate::http::error::ApiError;

/// The sign-up request that the segment `{token}` of a path names. The request counts for the limit of links, whatever the token is.
pub struct Requested(pub KeptRequest);

impl FromRequest for Requested {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self(confirm::find(&App::of(&request)?.ports, take_token(&request)?).await?)) })
    }
}

/// The sign-up request that a link leads to, also after the end of the link, as long as it is kept.
pub struct Linked(pub KeptRequest);

impl FromRequest for Linked {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(Self(confirm::find_kept(&App::of(&request)?.ports, take_token(&request)?).await?)) })
    }
}

/// Returns the token of a path. The request counts for the limit of links.
fn take_token(request: &HttpRequest) -> Result<&str, ApiError> {
    let app = App::of(request)?;
    app.limits.take_link(app.proxies.client(request))?;
    Ok(request.match_info().get("token").unwrap_or_default())
}

impl IntoParams for Requested {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![token_in_path("token", "The token in the links of the mail that asks for the confirmation.")]
    }
}
