//! A person leaves a waitlist.

use actix_web::{HttpResponse, delete, web};
use rally_domain::use_case::erase;

use crate::app::App;
use crate::http::error::{AnyFailure, ApiError, LinkFailure};
use crate::http::extract::visitor::Visitor;

/// Leave a waitlist
///
/// The person of the link is erased: nothing that tells who they are stays. The links in their mail end.
#[utoipa::path(
    tag = "Visitor", operation_id = "leave_waitlist", params(Visitor),
    responses((status = 204, description = "The person is erased."), LinkFailure, AnyFailure),
)]
#[delete("")]
pub async fn leave(app: web::Data<App>, Visitor(person): Visitor) -> Result<HttpResponse, ApiError> {
    erase::leave(&app.ports, &person.entry).await?;
    app.wake_relays();
    Ok(HttpResponse::NoContent().finish())
}
