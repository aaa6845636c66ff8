//! Replaces the link of a person.

use actix_web::{post, web};
use rally_domain::command::ReplaceLink;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::permit;
use crate::http::error::{AdminFailure, ApiError};
use crate::http::extract::admin::AdminEntry;

/// The new link of a person.
#[derive(Serialize, ToSchema)]
#[schema(as = NewLink)]
struct NewLinkView {
    /// The person's own page. Whoever has the link can see and change it.
    #[schema(format = "uri")]
    status_url: String,
}

/// Replace the link of a person
///
/// The old link to the person's own page ends at once. The link that ends their mail stays good.
#[utoipa::path(
    tag = "Entries", operation_id = "replace_entry_link", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(AdminEntry),
    responses((status = 200, description = "The new link.", body = NewLinkView), AdminFailure),
)]
#[post("/waitlists/{waitlist_id}/entries/{entry_id}/new-link")]
pub async fn new_link(app: web::Data<App>, entry: AdminEntry<permit::EntryUpdate>) -> Result<web::Json<NewLinkView>, ApiError> {
    let (actor, now) = (entry.actor(), app.ports.clock.now());
    let command = ReplaceLink { waitlist_id: entry.waitlist.id, entry_id: entry.id, actor, now };
    let entry = app.ports.entries.replace_link(command).await?;
    Ok(web::Json(NewLinkView { status_url: app.ports.links.status(entry.id, entry.link_generation) }))
}
