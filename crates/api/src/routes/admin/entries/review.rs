//! Approves, rejects, deletes or erases an entry.

use actix_web::{HttpResponse, delete, patch, web};
use rally_domain::command::{DeleteEntry, Review, ReviewEntry};
use rally_domain::error::{FieldError, Invalid};
use rally_domain::id::EventId;
use rally_domain::use_case::erase;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::EntryView;
use crate::app::App;
use crate::auth::permit;
use crate::http::body::Body;
use crate::http::body::fields::{Field, Fields};
use crate::http::error::{AdminFailure, ApiError, BodyFailure, ErrorBody};
use crate::http::extract::admin::AdminEntry;

/// A review of an entry.
#[derive(Deserialize, ToSchema)]
#[schema(as = ReviewEntry)]
struct ReviewBody {
    /// Allowed changes: pending to approved or rejected, approved to rejected unless the entry was invited, rejected to approved.
    #[schema(value_type = VerdictName, required)]
    #[serde(default)]
    status: Field<String>,
}

/// The result of a review.
#[derive(ToSchema)]
#[schema(as = Verdict, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
enum VerdictName {
    Approved,
    Rejected,
}

impl ReviewBody {
    fn parse(self) -> Result<Review, ApiError> {
        let mut fields = Fields::default();
        let verdict = |text: String| match text.as_str() {
            "approved" => Ok(Review::Approve),
            "rejected" => Ok(Review::Reject),
            _ => Err(Invalid::new("must be approved or rejected")),
        };
        let review = fields.required("status", self.status, verdict);
        fields.finish()?;
        review.ok_or_else(|| ApiError::validation(Vec::new()))
    }
}

/// Approve or reject an entry
#[utoipa::path(
    tag = "Entries", operation_id = "review_entry", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(AdminEntry), request_body = ReviewBody,
    responses((status = 200, description = "The entry.", body = EntryView), AdminFailure, BodyFailure),
)]
#[patch("/waitlists/{waitlist_id}/entries/{entry_id}")]
pub async fn change_status(
    app: web::Data<App>,
    entry: AdminEntry<permit::EntryUpdate>,
    body: Body,
) -> Result<web::Json<EntryView>, ApiError> {
    let (waitlist_id, entry_id) = (entry.waitlist.id, entry.id);
    let review = body.json::<ReviewBody>().await?.parse()?;
    let event_id = EventId::new(app.ports.ids.uuid());
    let (actor, now, links) = (entry.actor(), app.ports.clock.now(), app.ports.links.clone());
    let command = ReviewEntry { waitlist_id, entry_id, review, event_id, actor, now, links };
    let reviewed = app.ports.entries.review(command).await?;
    app.wake_relays();
    Ok(web::Json(EntryView::new(&app, &entry.admin, &entry.waitlist, &reviewed)))
}

/// The query of a deletion.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeleteQuery {
    /// Whether everything that Rally has of the person is removed too.
    #[param(value_type = Option<bool>, default = false)]
    erase: Option<String>,
}

impl DeleteQuery {
    fn erases(&self) -> Result<bool, ApiError> {
        match self.erase.as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(ApiError::validation(vec![FieldError::new("erase", Invalid::new("must be true or false"))])),
        }
    }
}

/// Delete or erase an entry
///
/// Other entries keep their positions, and the entries that it referred stay. A deletion removes the entry from all counts. An erasure
/// removes every trace of the person, and counts stay as they are. Then the address gets no mail, and no import brings it back. A sign-up
/// of the person does.
#[utoipa::path(
    tag = "Entries", operation_id = "delete_entry", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(AdminEntry, DeleteQuery),
    responses(
        (status = 204, description = "The entry is deleted or erased."),
        (status = 400, description = "A bad query.", body = ErrorBody),
        AdminFailure,
    ),
)]
#[delete("/waitlists/{waitlist_id}/entries/{entry_id}")]
pub async fn delete(
    app: web::Data<App>,
    entry: AdminEntry<permit::EntryUpdate>,
    query: web::Query<DeleteQuery>,
) -> Result<HttpResponse, ApiError> {
    let (waitlist_id, entry_id) = (entry.waitlist.id, entry.id);
    let (actor, now) = (entry.actor(), app.ports.clock.now());
    let deleted = match query.erases()? {
        true => erase::erase(&app.ports, waitlist_id, entry_id, actor).await?,
        false => {
            let event_id = EventId::new(app.ports.ids.uuid());
            app.ports.entries.delete(DeleteEntry { waitlist_id, entry_id, event_id, actor, now }).await?
        }
    };
    app.wake_relays();
    if deleted { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::no_entry()) }
}
