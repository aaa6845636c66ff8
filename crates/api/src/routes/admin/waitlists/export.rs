//! The export of everything: one JSON object a line, from one moment, for another deployment or a backup of one waitlist.

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, get, web};
use rally_domain::error::Fault;
use rally_domain::waitlist::Waitlist;

use crate::app::App;
use crate::auth::permit;
use crate::exports::{spool, too_many};
use crate::http::error::{AdminFailure, ApiError, ErrorBody};
use crate::http::extract::admin::AdminList;
use crate::imports::export_file;

/// Export everything of a waitlist as JSON lines
///
/// Names, status, settings, variants, entries with their codes, what stays of erased entries, and the ledger of referrals, as they were at
/// one moment. An import restores the file into an empty waitlist. A file without its last line, of the type `end`, was cut off. At most
/// four exports run at once, two of one workspace. A reader that takes less than 1 MiB in 30 seconds is cut off.
#[utoipa::path(
    tag = "Waitlists", operation_id = "export_waitlist", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(AdminList),
    responses(
        (status = 200, description = "The file.", body = String, content_type = "application/x-ndjson"),
        (status = 503, description = "Too many exports are running. `Retry-After` says when to try again.", body = ErrorBody),
        AdminFailure,
    ),
)]
#[get("/waitlists/{waitlist_id}/export.jsonl")]
pub async fn export(app: web::Data<App>, waitlist: AdminList<permit::EntryRead>) -> Result<HttpResponse, ApiError> {
    lines_of(&app, &waitlist).await
}

/// Replies with everything of a list as JSON lines.
///
/// # Errors
/// If too many exports are running.
pub(crate) async fn lines_of(app: &App, waitlist: &Waitlist) -> Result<HttpResponse, ApiError> {
    let slot = app.exports.take(waitlist.workspace_id).ok_or_else(too_many)?;
    let lines = app.ports.waitlists.export(waitlist.id).await?;
    let file = spool(export_file(lines), slot).map_err(Fault::unavailable)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/x-ndjson"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}.jsonl\"", waitlist.slug)))
        .streaming(file))
}
