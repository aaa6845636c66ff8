//! The person whose own link a path holds.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use rally_domain::use_case::visit;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::languages::keep_person_locale;
use super::parameters::token_in_path;
use crate::app::App;
use crate::http::error::ApiError;

/// The person whose link the segment `{token}` of a path is. The request counts for the limit of links, whatever the token is.
pub struct Visitor(pub visit::Visitor);

impl FromRequest for Visitor {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = App::of(&request)?;
            app.limits.take_link(app.proxies.client(&request))?;
            let token = request.match_info().get("token").unwrap_or_default();
            let person = visit::find(&app.ports, token).await?;
            keep_person_locale(&request, person.entry.profile.locale.as_ref());
            Ok(Self(person))
        })
    }
}

impl IntoParams for Visitor {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![token_in_path("token", "The last part of the person's `status_url`.")]
    }
}
