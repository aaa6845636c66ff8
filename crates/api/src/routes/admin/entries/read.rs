//! Lists, counts and gets entries.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::EntryView;
use super::search::{EntryFilter, Found};
use crate::app::App;
use crate::auth::permit;
use crate::http::error::{AdminFailure, ApiError, ErrorBody};
use crate::http::extract::admin::{AdminEntry, AdminList};
use crate::http::extract::list_query::{ListQuery, Pagination};

/// A page of entries.
#[derive(Serialize, ToSchema)]
struct EntryPage {
    data: Vec<EntryView>,
    pagination: Pagination,
}

/// The number of entries.
#[derive(Serialize, ToSchema)]
struct EntryCount {
    count: u64,
}

/// List entries
///
/// Ordered by position unless the query says otherwise. `field.<key>` asks for an answer to a custom field of the waitlist: the whole text,
/// a number, `true` or `false`, or one of several options. Filters and search may not know of a sign-up for up to two seconds.
#[utoipa::path(
    tag = "Entries", operation_id = "list_entries", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(AdminList, ListQuery, EntryFilter),
    responses((status = 200, description = "A page of entries.", body = EntryPage), (status = 400, description = "A bad query.", body = ErrorBody), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/entries")]
pub async fn list(
    app: web::Data<App>,
    waitlist: AdminList<permit::EntryRead>,
    query: web::Query<ListQuery>,
    filter: web::Query<EntryFilter>,
    request: HttpRequest,
) -> Result<web::Json<EntryPage>, ApiError> {
    let Found { entries, next } = filter.find(&app, &waitlist, &query, request.query_string()).await?;
    let data = entries.iter().map(|entry| EntryView::new(&app, &waitlist.admin, &waitlist, entry)).collect();
    Ok(web::Json(EntryPage { data, pagination: Pagination::of_cursor(next) }))
}

/// Count entries
#[utoipa::path(
    tag = "Entries", operation_id = "count_entries", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(AdminList),
    responses((status = 200, description = "The number of entries.", body = EntryCount), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/entries/count")]
pub async fn count(app: web::Data<App>, waitlist: AdminList<permit::EntryRead>) -> Result<web::Json<EntryCount>, ApiError> {
    Ok(web::Json(EntryCount { count: app.ports.stats.count(waitlist.id).await? }))
}

/// Get an entry
#[utoipa::path(
    tag = "Entries", operation_id = "get_entry", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(AdminEntry),
    responses((status = 200, description = "The entry.", body = EntryView), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/entries/{entry_id}")]
pub async fn get(app: web::Data<App>, entry: AdminEntry<permit::EntryRead>) -> Result<web::Json<EntryView>, ApiError> {
    let found = app.ports.entries.find(entry.waitlist.id, entry.id).await?.ok_or_else(ApiError::no_entry)?;
    Ok(web::Json(EntryView::new(&app, &entry.admin, &entry.waitlist, &found)))
}
