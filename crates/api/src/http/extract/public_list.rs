//! The waitlist that a path of the public surface names by its slugs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use rally_domain::slug::Slug;
use rally_domain::waitlist::{PublicWaitlist, Waitlist};
use utoipa::IntoParams;

use crate::app::App;
use crate::http::error::{ApiError, Code};

/// The waitlist of a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes parameters that the extractor reads")]
pub struct PublicParams {
    /// The workspace's slug, or one it had before.
    workspace_slug: String,
    /// The waitlist's slug.
    waitlist_slug: String,
}

/// The waitlist that the slugs of a path name, in whatever status.
pub struct NamedWaitlist {
    /// The workspace's slug as it was asked for.
    pub asked: Slug,
    /// What it is, and what readers get of it.
    pub found: Arc<PublicWaitlist>,
}

impl FromRequest for NamedWaitlist {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = request.app_data::<web::Data<App>>().ok_or_else(|| ApiError::new(Code::InternalError, "no application"))?;
            let slug = |name| Slug::parse(request.match_info().get(name).unwrap_or_default()).map_err(|_| ApiError::no_waitlist());
            let (asked, slug) = (slug("workspace_slug")?, slug("waitlist_slug")?);
            let found = app.ports.waitlists.find_public(&asked, &slug).await?.ok_or_else(ApiError::no_waitlist)?;
            Ok(Self { asked, found })
        })
    }
}

impl NamedWaitlist {
    /// The waitlist, if readers may see it.
    ///
    /// # Errors
    /// 404 when it is not active.
    pub fn active(&self) -> Result<&Waitlist, ApiError> {
        let waitlist = &self.found.waitlist;
        if waitlist.is_open() { Ok(waitlist) } else { Err(ApiError::no_waitlist()) }
    }
}
