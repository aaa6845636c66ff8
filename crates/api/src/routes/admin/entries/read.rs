//! Lists, counts and gets entries.

use actix_web::{get, web};
use rally_domain::entry::EntryStatus;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::EntryView;
use crate::app::App;
use crate::auth::permit;
use crate::http::error::{AdminFailure, ApiError, ErrorBody};
use crate::http::extract::admin::{AdminEntry, AdminList};
use crate::http::extract::list_query::{ListQuery, Listing, Pagination};
use crate::routes::schema::EntryStatusName;

/// The filter of the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct EntryFilter {
    /// Only entries with this status.
    #[param(value_type = Option<EntryStatusName>)]
    status: Option<String>,
}

/// A page of entries, ordered by position.
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
/// Ordered by position.
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
) -> Result<web::Json<EntryPage>, ApiError> {
    let name = format!("entries/{}", waitlist.id);
    let Listing { name, limit, after, status } = query.parse(&app, &name, filter.status.as_deref(), EntryStatus::parse)?;
    let page = app.ports.entries.list(waitlist.id, status, after, limit).await?;
    Ok(web::Json(EntryPage {
        data: page.items.iter().map(|entry| EntryView::new(&app, &waitlist.admin, &waitlist, entry)).collect(),
        pagination: Pagination::new(&app, &name, page.next.as_ref()),
    }))
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
