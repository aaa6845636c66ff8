//! Sign-ups that wait for their confirmation, on the admin surface.

use actix_web::{HttpResponse, delete, get, post, web};
use rally_domain::confirmation::SignUpRequest;
use rally_domain::use_case;
use rally_domain::use_case::confirm::ConfirmedEntry;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::permit;
use crate::http::error::{AdminFailure, ApiError, ErrorBody};
use crate::http::extract::admin::{AdminList, AdminRequest};
use crate::http::extract::list_query::{ListQuery, Listing, Pagination};
use crate::routes::admin::entries::EntryView;
use crate::routes::schema::AcceptedView;

/// A sign-up that waits for its confirmation.
#[derive(Serialize, ToSchema)]
#[schema(as = PendingConfirmation)]
struct RequestView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(format = Email)]
    email: String,
    name: String,
    #[schema(format = DateTime)]
    requested_at: String,
    /// From when on it can no longer be confirmed.
    #[schema(format = DateTime)]
    expires_at: String,
    /// How many mails ask for the confirmation.
    mails_sent: u32,
    #[schema(required, format = DateTime)]
    last_mail_at: Option<String>,
}

impl From<&SignUpRequest> for RequestView {
    fn from(request: &SignUpRequest) -> Self {
        Self {
            id: request.id.to_string(),
            email: request.profile.email.to_string(),
            name: request.profile.name.to_string(),
            requested_at: request.requested_at.to_string(),
            expires_at: request.expires_at.to_string(),
            mails_sent: request.mails_sent,
            last_mail_at: request.last_mail_at.map(|at| at.to_string()),
        }
    }
}

/// A page of sign-ups that wait, oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = PendingConfirmationPage)]
struct RequestPage {
    data: Vec<RequestView>,
    pagination: Pagination,
}

/// List sign-ups that wait for their confirmation
///
/// Oldest first.
#[utoipa::path(
    tag = "Confirmations", operation_id = "list_confirmations", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(AdminList, ListQuery),
    responses((status = 200, description = "A page of sign-ups that wait.", body = RequestPage), (status = 400, description = "A bad query.", body = ErrorBody), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/confirmations")]
pub async fn list(
    app: web::Data<App>,
    waitlist: AdminList<permit::EntryRead>,
    query: web::Query<ListQuery>,
) -> Result<web::Json<RequestPage>, ApiError> {
    let Listing { name, limit, after, .. } = query.parse_all(&app, &format!("confirmations/{}", waitlist.id))?;
    let page = app.ports.confirmations.list(waitlist.id, app.ports.clock.now(), after, limit).await?;
    Ok(web::Json(RequestPage {
        data: page.items.iter().map(RequestView::from).collect(),
        pagination: Pagination::new(&app, &name, page.next.as_ref()),
    }))
}

/// Send the mail that asks for the confirmation once more
#[utoipa::path(
    tag = "Confirmations", operation_id = "resend_confirmation", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(AdminRequest),
    responses(
        (status = 202, description = "The mail is on its way.", body = AcceptedView),
        (status = 503, description = "The workspace sends no such mail now.", body = ErrorBody),
        AdminFailure,
    ),
)]
#[post("/waitlists/{waitlist_id}/confirmations/{id}/resend")]
pub async fn resend(app: web::Data<App>, request: AdminRequest<permit::EntryUpdate>) -> Result<HttpResponse, ApiError> {
    use_case::confirm::resend(&app.ports, request.actor(), request.waitlist.id, request.id).await?;
    app.wake_relays();
    Ok(HttpResponse::Accepted().json(AcceptedView::new()))
}

/// Confirm a sign-up for a person
#[utoipa::path(
    tag = "Confirmations", operation_id = "confirm_for_person", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(AdminRequest),
    responses(
        (status = 201, description = "The new entry.", body = EntryView),
        (status = 200, description = "The entry: the sign-up was confirmed before.", body = EntryView),
        (status = 409, description = "The address came on the waitlist in another way.", body = ErrorBody),
        (status = 410, description = "The sign-up has expired, or was refused.", body = ErrorBody),
        (status = 422, description = "The waitlist is not active, or it is full.", body = ErrorBody),
        AdminFailure,
    ),
)]
#[post("/waitlists/{waitlist_id}/confirmations/{id}/confirm")]
pub async fn confirm(app: web::Data<App>, request: AdminRequest<permit::EntryUpdate>) -> Result<HttpResponse, ApiError> {
    let kept = app.ports.confirmations.find(request.id).await?.filter(|kept| kept.waitlist_id == request.waitlist.id);
    let kept = kept.ok_or_else(ApiError::no_confirmation)?;
    let ConfirmedEntry { entry, is_new } = use_case::confirm::confirm(&app.ports, request.actor(), kept).await?;
    app.wake_relays();
    let mut reply = if is_new { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(reply.json(EntryView::new(&app, &request.admin, &request.waitlist, &entry)))
}

/// Delete a sign-up that waits
///
/// Nothing of it is kept, and its mail is not sent. The address is free.
#[utoipa::path(
    tag = "Confirmations", operation_id = "delete_confirmation", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(AdminRequest),
    responses((status = 204, description = "The sign-up is deleted."), AdminFailure),
)]
#[delete("/waitlists/{waitlist_id}/confirmations/{id}")]
pub async fn delete(app: web::Data<App>, request: AdminRequest<permit::EntryUpdate>) -> Result<HttpResponse, ApiError> {
    let deleted = use_case::confirm::delete(&app.ports, request.actor(), request.waitlist.id, request.id).await?;
    if deleted { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::no_confirmation()) }
}
