//! The waitlist that the slugs in a path of the public surface name.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::ORIGIN;
use actix_web::{FromRequest, HttpRequest};
use rally_domain::slug::Slug;
use rally_domain::waitlist::{PublicWaitlist, Waitlist, WaitlistStatus};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::parameters::slug_in_path;
use crate::app::App;
use crate::http::error::{ApiError, Code};

/// The waitlist that the slugs in a path name, in any status.
pub struct NamedWaitlist {
    /// The workspace's slug in the request.
    pub asked: Slug,
    /// The waitlist with its public data.
    pub found: Arc<PublicWaitlist>,
}

impl FromRequest for NamedWaitlist {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = App::of(&request)?;
            let slug = |name| Slug::parse(request.match_info().get(name).unwrap_or_default()).map_err(|_| ApiError::no_waitlist());
            let (asked, slug) = (slug("workspace_slug")?, slug("waitlist_slug")?);
            let found = app.ports.waitlists.find_public(&asked, &slug).await?.ok_or_else(ApiError::no_waitlist)?;
            Ok(Self { asked, found })
        })
    }
}

impl IntoParams for NamedWaitlist {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let workspace = slug_in_path("workspace_slug", "The workspace's slug, or one it had before.");
        vec![workspace, slug_in_path("waitlist_slug", "The waitlist's slug.")]
    }
}

impl NamedWaitlist {
    /// The waitlist, if it was published once. It may take nobody now.
    ///
    /// # Errors
    /// 404 if the waitlist is a draft.
    pub fn published(&self) -> Result<&Waitlist, ApiError> {
        let waitlist = &self.found.waitlist;
        if waitlist.status == WaitlistStatus::Draft { Err(ApiError::no_waitlist()) } else { Ok(waitlist) }
    }

    /// Checks that the list takes forms of the page that sent this one. A program that is no browser names no origin.
    ///
    /// # Errors
    /// 403 if the settings of the list name origins, and the page has another one.
    pub fn check_origin(&self, app: &App, request: &HttpRequest) -> Result<(), ApiError> {
        let settings = &self.found.waitlist.settings;
        let mut origins = request.headers().get_all(ORIGIN);
        if origins.all(|origin| settings.takes_forms_of(origin.to_str().unwrap_or_default(), app.origin.as_ref())) {
            return Ok(());
        }
        Err(ApiError::new(Code::OriginNotAllowed, "this waitlist takes no forms from pages of this origin"))
    }

    /// The waitlist, if visitors may see it.
    ///
    /// # Errors
    /// 404 if the waitlist is not active.
    pub fn active(&self) -> Result<&Waitlist, ApiError> {
        let waitlist = &self.found.waitlist;
        if waitlist.is_open() { Ok(waitlist) } else { Err(ApiError::no_waitlist()) }
    }
}
