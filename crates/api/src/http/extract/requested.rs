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
        Box::pin(async move {
            let app = App::of(&request)?;
            app.limits.take_link(app.proxies.client(&request))?;
            let token = request.match_info().get("token").unwrap_or_default();
            Ok(Self(confirm::find(&app.ports, token).await?))
        })
    }
}

impl IntoParams for Requested {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![token_in_path("token", "The token in the links of the mail that asks for the confirmation.")]
    }
}
