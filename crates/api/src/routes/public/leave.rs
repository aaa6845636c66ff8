//! A person leaves a waitlist.

use actix_web::{HttpRequest, HttpResponse, delete, web};
use rally_domain::use_case::erase;

use crate::app::App;
use crate::http::error::{AnyFailure, ApiError, ErrorBody};

/// Leave a waitlist
///
/// The person of the link is erased: nothing that tells who they are stays. The links in their mail end.
#[utoipa::path(
    tag = "Visitor", operation_id = "leave_waitlist", params(("token" = String, Path, description = "The token of the person's own link.")),
    responses(
        (status = 204, description = "The person is erased."),
        (status = 404, description = "The link does not exist or has ended.", body = ErrorBody),
        (status = 429, description = "Too many requests from this address. `Retry-After` says when to try again.", body = ErrorBody),
        AnyFailure,
    ),
)]
#[delete("")]
pub async fn leave(app: web::Data<App>, request: HttpRequest, token: web::Path<String>) -> Result<HttpResponse, ApiError> {
    app.limits.take_link(app.proxies.client(&request))?;
    erase::leave(&app.ports, &token).await?;
    Ok(HttpResponse::NoContent().finish())
}
