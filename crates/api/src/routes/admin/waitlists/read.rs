//! Lists and gets waitlists.

use actix_web::{get, web};
use rally_domain::waitlist::WaitlistStatus;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::WaitlistView;
use crate::app::App;
use crate::auth::{Granted, permit};
use crate::http::error::{AdminFailure, ApiError, ErrorBody};
use crate::http::extract::admin::AdminListId;
use crate::http::extract::list_query::{ListQuery, Listing, Pagination};
use crate::routes::schema::StatusName;

/// The filter of the list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WaitlistFilter {
    /// Only waitlists with this status.
    #[param(value_type = Option<StatusName>)]
    status: Option<String>,
}

/// A page of waitlists, newest first.
#[derive(Serialize, ToSchema)]
struct WaitlistPage {
    data: Vec<WaitlistView>,
    pagination: Pagination,
}

/// List waitlists
///
/// Newest first.
#[utoipa::path(
    tag = "Waitlists", operation_id = "list_waitlists", security(("bearer" = [])), extensions(("x-action" = json!("waitlist.read"))),
    params(Granted, ListQuery, WaitlistFilter),
    responses((status = 200, description = "A page of waitlists.", body = WaitlistPage), (status = 400, description = "A bad query.", body = ErrorBody), AdminFailure),
)]
#[get("/waitlists")]
pub async fn list(
    app: web::Data<App>,
    admin: Granted<permit::WaitlistRead>,
    query: web::Query<ListQuery>,
    filter: web::Query<WaitlistFilter>,
) -> Result<web::Json<WaitlistPage>, ApiError> {
    let workspace = &admin.workspace;
    let list = format!("waitlists/{}", workspace.id);
    let Listing { name, limit, after, status } = query.parse(&app, &list, filter.status.as_deref(), WaitlistStatus::parse)?;
    let page = app.ports.waitlists.list(workspace.id, status, after, limit).await?;
    Ok(web::Json(WaitlistPage {
        data: page.items.iter().map(|waitlist| WaitlistView::new(waitlist, workspace)).collect(),
        pagination: Pagination::new(&app, &name, page.next.as_ref()),
    }))
}

/// Get a waitlist
#[utoipa::path(
    tag = "Waitlists", operation_id = "get_waitlist", security(("bearer" = [])), extensions(("x-action" = json!("waitlist.read"))),
    params(AdminListId),
    responses((status = 200, description = "The waitlist.", body = WaitlistView), AdminFailure),
)]
#[get("/waitlists/{id}")]
pub async fn get(app: web::Data<App>, id: AdminListId<permit::WaitlistRead>) -> Result<web::Json<WaitlistView>, ApiError> {
    let workspace = &id.admin.workspace;
    let waitlist = app.ports.waitlists.find(workspace.id, *id).await?.ok_or_else(ApiError::no_waitlist)?;
    Ok(web::Json(WaitlistView::new(&waitlist, workspace)))
}
