//! Entries, as the admin surface has them.

use actix_web::{get, web};
use rally_domain::entry::{Entry, EntryStatus};
use rally_domain::id::EntryId;
use rally_domain::waitlist::Waitlist;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::query::{ListQuery, Listing, Pagination};
use super::waitlists::waitlist_id;
use crate::app::App;
use crate::auth::{Admin, Granted, permit};
use crate::error::{ApiError, ErrorBody};
use crate::openapi::AdminFailure;

/// The waitlist of a path, as entries name it.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes parameters that extractors read")]
struct ListParams {
    /// The workspace.
    workspace_id: Uuid,
    /// The waitlist.
    waitlist_id: Uuid,
}

/// The entry of a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes parameters that extractors read")]
struct EntryParams {
    /// The workspace.
    workspace_id: Uuid,
    /// The waitlist.
    waitlist_id: Uuid,
    /// The entry.
    entry_id: Uuid,
}

/// A person on a waitlist.
#[derive(Serialize, ToSchema)]
#[schema(as = Entry)]
pub struct EntryView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(format = Uuid)]
    waitlist_id: String,
    #[schema(format = Uuid)]
    workspace_id: String,
    #[schema(format = Email)]
    email: String,
    name: String,
    #[schema(required)]
    interest: Option<String>,
    /// How they heard of it.
    #[schema(required)]
    referrer: Option<String>,
    /// The code they hand on.
    referral_code: String,
    /// Honoured sign-ups under their code.
    referral_count: u64,
    /// The entry whose code they used.
    #[schema(required, format = Uuid)]
    referred_by_entry_id: Option<String>,
    /// The place in the order of signing up.
    position: u64,
    #[schema(value_type = EntryStatusName)]
    status: &'static str,
    #[schema(required, format = DateTime)]
    invited_at: Option<String>,
    #[schema(required)]
    invited_to_app_slug: Option<String>,
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Where an entry stands.
#[derive(ToSchema)]
#[schema(as = EntryStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a value, is none")]
pub enum EntryStatusName {
    Pending,
    Approved,
    Rejected,
}

impl From<&Entry> for EntryView {
    fn from(entry: &Entry) -> Self {
        Self {
            id: entry.id.to_string(),
            waitlist_id: entry.waitlist_id.to_string(),
            workspace_id: entry.workspace_id.to_string(),
            email: entry.email.to_string(),
            name: entry.name.to_string(),
            interest: entry.interest.as_ref().map(ToString::to_string),
            referrer: entry.referrer.as_ref().map(ToString::to_string),
            referral_code: entry.referral_code.to_string(),
            referral_count: entry.referral_count,
            referred_by_entry_id: entry.referred_by.map(|id| id.to_string()),
            position: entry.position.number(),
            status: entry.status.as_str(),
            invited_at: entry.invitation.as_ref().map(|invitation| invitation.at.to_string()),
            invited_to_app_slug: entry.invitation.as_ref().map(|invitation| invitation.app_slug.clone()),
            metadata: entry.metadata.document().clone(),
            created_at: entry.created_at.to_string(),
            updated_at: entry.updated_at.to_string(),
        }
    }
}

/// A page of entries, by position.
#[derive(Serialize, ToSchema)]
struct EntryPage {
    data: Vec<EntryView>,
    pagination: Pagination,
}

/// How many.
#[derive(Serialize, ToSchema)]
struct EntryCount {
    count: u64,
}

/// The waitlist of a path, which must be the workspace's.
async fn find_waitlist(app: &App, admin: &Admin, id: &str) -> Result<Waitlist, ApiError> {
    let id = waitlist_id(id)?;
    app.ports.waitlists.find(admin.workspace.id, id).await?.ok_or_else(ApiError::no_waitlist)
}

/// List entries
///
/// By position.
#[utoipa::path(
    tag = "Entries", operation_id = "list_entries", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(ListParams, ListQuery),
    responses((status = 200, description = "A page of them.", body = EntryPage), (status = 400, description = "A bad query.", body = ErrorBody), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/entries")]
pub async fn list(
    app: web::Data<App>,
    admin: Granted<permit::EntryRead>,
    path: web::Path<(String, String)>,
    query: web::Query<ListQuery>,
) -> Result<web::Json<EntryPage>, ApiError> {
    let waitlist = find_waitlist(&app, &admin, &path.1).await?;
    let Listing { name, limit, after, status } = query.parse(&app, &format!("entries/{}", waitlist.id), EntryStatus::parse)?;
    let page = app.ports.entries.list(waitlist.id, status, after, limit).await?;
    Ok(web::Json(EntryPage {
        data: page.items.iter().map(EntryView::from).collect(),
        pagination: Pagination::new(&app, &name, page.next.as_ref()),
    }))
}

/// Count entries
#[utoipa::path(
    tag = "Entries", operation_id = "count_entries", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(ListParams),
    responses((status = 200, description = "How many there are.", body = EntryCount), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/entries/count")]
pub async fn count(
    app: web::Data<App>,
    admin: Granted<permit::EntryRead>,
    path: web::Path<(String, String)>,
) -> Result<web::Json<EntryCount>, ApiError> {
    let waitlist = find_waitlist(&app, &admin, &path.1).await?;
    Ok(web::Json(EntryCount { count: app.ports.stats.count(waitlist.id).await? }))
}

/// Get an entry
#[utoipa::path(
    tag = "Entries", operation_id = "get_entry", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(EntryParams),
    responses((status = 200, description = "The entry.", body = EntryView), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/entries/{entry_id}")]
pub async fn get(
    app: web::Data<App>,
    admin: Granted<permit::EntryRead>,
    path: web::Path<(String, String, String)>,
) -> Result<web::Json<EntryView>, ApiError> {
    let waitlist = find_waitlist(&app, &admin, &path.1).await?;
    let id = EntryId::parse(&path.2).map_err(|_| ApiError::no_entry())?;
    let entry = app.ports.entries.find(waitlist.id, id).await?.ok_or_else(ApiError::no_entry)?;
    Ok(web::Json(EntryView::from(&entry)))
}
