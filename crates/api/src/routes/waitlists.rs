//! Waitlists, as the admin surface has them.

use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use rally_domain::command::{ChangeWaitlistStatus, CreateWaitlist, UpdateWaitlist};
use rally_domain::id::{VariantId, WaitlistId};
use rally_domain::port::Ports;
use rally_domain::settings::Settings;
use rally_domain::slug::Slug;
use rally_domain::text::{Description, DisplayName};
use rally_domain::waitlist::{Waitlist, WaitlistStatus};
use rally_domain::workspace::Workspace;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::schema::{SettingsChangeSchema, SettingsSchema};
use crate::app::App;
use crate::auth::{Admin, Granted, permit};
use crate::http::body::fields::{Field, Fields};
use crate::http::body::{Body, SETTINGS_LIMIT, read_as};
use crate::http::error::{AdminFailure, ApiError, BodyFailure, ErrorBody};
use crate::http::extract::list_query::{ListQuery, Listing, Pagination};
use crate::idempotency::{self, Reply};

/// The workspace of a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes parameters that extractors read")]
pub struct WorkspaceParams {
    /// The workspace.
    workspace_id: Uuid,
}

/// The waitlist of a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct WaitlistParams {
    /// The workspace.
    #[param(value_type = Uuid)]
    #[expect(dead_code, reason = "what lets an admin in reads it")]
    workspace_id: String,
    /// The waitlist.
    #[param(value_type = Uuid)]
    id: String,
}

/// What makes a request repeatable.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes a header that the handler reads")]
pub struct IdempotencyParams {
    /// The same request with the same key within 24 hours is carried out once, and answered with the same reply.
    #[param(rename = "Idempotency-Key", value_type = String, required = false, min_length = 1, max_length = 256, pattern = "^[A-Za-z0-9_:-]+$")]
    idempotency_key: Option<String>,
}

/// A waitlist.
#[derive(Serialize, ToSchema)]
#[schema(as = Waitlist)]
pub struct WaitlistView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(format = Uuid)]
    workspace_id: String,
    #[schema(example = "acme")]
    workspace_slug: String,
    #[schema(example = "early-access")]
    slug: String,
    #[schema(example = "Early Access Program")]
    display_name: String,
    #[schema(required)]
    description: Option<String>,
    #[schema(value_type = StatusName)]
    status: &'static str,
    /// The effective settings, defaults filled in.
    #[schema(value_type = SettingsSchema)]
    settings: Map<String, Value>,
    /// Who created it: the `sub` of their token.
    #[schema(required)]
    created_by: Option<String>,
    /// The slug of the workspace before its last rename.
    #[schema(required)]
    previous_workspace_slug: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// Where a waitlist stands.
#[derive(ToSchema)]
#[schema(as = WaitlistStatus, rename_all = "snake_case")]
#[expect(dead_code, reason = "describes a value, is none")]
pub enum StatusName {
    Draft,
    Active,
    Paused,
    Closed,
}

impl WaitlistView {
    fn new(waitlist: &Waitlist, workspace: &Workspace) -> Self {
        Self {
            id: waitlist.id.to_string(),
            workspace_id: waitlist.workspace_id.to_string(),
            workspace_slug: workspace.slug.to_string(),
            slug: waitlist.slug.to_string(),
            display_name: waitlist.display_name.to_string(),
            description: waitlist.description.as_ref().map(ToString::to_string),
            status: waitlist.status.as_str(),
            settings: waitlist.settings.to_document(),
            created_by: waitlist.created_by.as_ref().map(ToString::to_string),
            previous_workspace_slug: workspace.previous_slug.as_ref().map(ToString::to_string),
            created_at: waitlist.created_at.to_string(),
            updated_at: waitlist.updated_at.to_string(),
        }
    }
}

/// Which waitlists to list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct WaitlistFilter {
    /// Those of this status alone.
    #[param(value_type = Option<StatusName>)]
    status: Option<String>,
}

/// A page of waitlists, newest first.
#[derive(Serialize, ToSchema)]
struct WaitlistPage {
    data: Vec<WaitlistView>,
    pagination: Pagination,
}

/// A new waitlist.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateWaitlist)]
struct CreateBody {
    /// Its name in URLs, unique in the workspace: a-z, 0-9 and single hyphens between them.
    #[schema(value_type = String, required, min_length = 1, max_length = 64, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "early-access")]
    #[serde(default)]
    slug: Field<String>,
    /// The name it shows.
    #[schema(value_type = String, required, min_length = 1, max_length = 200, example = "Early Access Program")]
    #[serde(default)]
    display_name: Field<String>,
    /// The text under the name.
    #[schema(value_type = Option<String>, max_length = 2000)]
    #[serde(default)]
    description: Field<String>,
    /// What the operator sets.
    #[schema(value_type = Option<SettingsChangeSchema>)]
    #[serde(default)]
    settings: Field<Map<String, Value>>,
}

impl CreateBody {
    fn parse(self, ports: &Ports, admin: &Admin) -> Result<CreateWaitlist, ApiError> {
        let mut fields = Fields::default();
        let slug = fields.required("slug", self.slug, |text| Slug::parse(&text));
        let display_name = fields.required("display_name", self.display_name, |text| DisplayName::parse(&text));
        let description = fields.optional("description", self.description, |text| Description::parse_optional(&text));
        let settings = fields.optional("settings", self.settings, Ok).unwrap_or_default();
        let settings = Settings::default().merge(&settings).map_err(|errors| fields.extend(errors));
        fields.finish()?;
        let (Some(slug), Some(display_name), Ok(settings)) = (slug, display_name, settings) else {
            return Err(ApiError::validation(Vec::new()));
        };
        Ok(CreateWaitlist {
            id: WaitlistId::new(ports.ids.uuid()),
            workspace_id: admin.workspace.id,
            control_variant_id: VariantId::new(ports.ids.uuid()),
            slug,
            display_name,
            description: description.flatten(),
            settings,
            created_by: admin.subject.clone(),
            now: ports.clock.now(),
        })
    }
}

/// Changes to a waitlist; what is missing stays.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateWaitlist)]
struct UpdateBody {
    /// Its new name.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    #[serde(default)]
    display_name: Field<String>,
    /// Its new description; null or an empty text takes it away.
    #[schema(value_type = Option<String>, max_length = 2000)]
    #[serde(default)]
    description: Field<String>,
    /// Settings to merge in: a key given replaces, null resets it to its default, a missing one stays.
    #[schema(value_type = Option<SettingsChangeSchema>)]
    #[serde(default)]
    settings: Field<Map<String, Value>>,
}

impl UpdateBody {
    fn parse(self, ports: &Ports, admin: &Admin, id: WaitlistId) -> Result<UpdateWaitlist, ApiError> {
        let mut fields = Fields::default();
        let display_name = fields.optional("display_name", self.display_name, |text| DisplayName::parse(&text));
        let description = fields.change("description", self.description, |text| Description::parse_optional(&text));
        let settings = fields.optional("settings", self.settings, Ok);
        // The stored settings decide over the merged whole; what is wrong with the patch itself is told with the rest.
        if let Some(Err(errors)) = settings.as_ref().map(|patch| Settings::default().merge(patch)) {
            fields.extend(errors);
        }
        fields.finish()?;
        let now = ports.clock.now();
        Ok(UpdateWaitlist { id, workspace_id: admin.workspace.id, display_name, description, settings, now })
    }
}

/// A status to move to.
#[derive(Deserialize, ToSchema)]
#[schema(as = ChangeWaitlistStatus)]
struct StatusBody {
    /// draft goes to active or closed, active to paused or closed, paused to active or closed, closed to active.
    #[schema(value_type = StatusName, required)]
    #[serde(default)]
    status: Field<String>,
}

impl StatusBody {
    fn parse(self) -> Result<WaitlistStatus, ApiError> {
        let mut fields = Fields::default();
        let status = fields.required("status", self.status, |text| WaitlistStatus::parse(&text));
        fields.finish()?;
        status.ok_or_else(|| ApiError::validation(Vec::new()))
    }
}

/// The waitlist of a path; an id that cannot exist is one that does not.
pub fn waitlist_id(text: &str) -> Result<WaitlistId, ApiError> {
    WaitlistId::parse(text).map_err(|_| ApiError::no_waitlist())
}

/// List waitlists
///
/// Newest first.
#[utoipa::path(
    tag = "Waitlists", operation_id = "list_waitlists", security(("bearer" = [])), extensions(("x-action" = json!("waitlist.read"))),
    params(WorkspaceParams, ListQuery, WaitlistFilter),
    responses((status = 200, description = "A page of them.", body = WaitlistPage), (status = 400, description = "A bad query.", body = ErrorBody), AdminFailure),
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

/// Create a waitlist
///
/// As a draft, with one control variant.
#[utoipa::path(
    tag = "Waitlists", operation_id = "create_waitlist", security(("bearer" = [])), extensions(("x-action" = json!("waitlist.create"))),
    params(WorkspaceParams, IdempotencyParams), request_body = CreateBody,
    responses(
        (status = 201, description = "The waitlist.", body = WaitlistView),
        (status = 409, description = "The slug is taken, or the idempotency key was used for another request or is in use.", body = ErrorBody),
        AdminFailure, BodyFailure,
    ),
)]
#[post("/waitlists")]
pub async fn create(
    app: web::Data<App>,
    admin: Granted<permit::WaitlistCreate>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let key = idempotency::key(request.headers())?;
    let body = body.document_up_to(SETTINGS_LIMIT).await?;
    let workspace = admin.workspace.clone();
    let request = idempotency::Request { workspace_id: workspace.id, route: "POST waitlists".to_owned(), key, body: Some(&body) };
    let render = move |waitlist: &Waitlist| Reply::created(&WaitlistView::new(waitlist, &workspace));
    let create = async |receipt| {
        let command = read_as::<CreateBody>(body.value.clone())?.parse(&app.ports, &admin)?;
        Ok(app.ports.waitlists.create(command, receipt).await?)
    };
    app.idempotency.once(&app.ports, request, render, create).await
}

/// Get a waitlist
#[utoipa::path(
    tag = "Waitlists", operation_id = "get_waitlist", security(("bearer" = [])), extensions(("x-action" = json!("waitlist.read"))),
    params(WaitlistParams),
    responses((status = 200, description = "The waitlist.", body = WaitlistView), AdminFailure),
)]
#[get("/waitlists/{id}")]
pub async fn get(
    app: web::Data<App>,
    admin: Granted<permit::WaitlistRead>,
    path: web::Path<WaitlistParams>,
) -> Result<web::Json<WaitlistView>, ApiError> {
    let id = waitlist_id(&path.id)?;
    let waitlist = app.ports.waitlists.find(admin.workspace.id, id).await?.ok_or_else(ApiError::no_waitlist)?;
    Ok(web::Json(WaitlistView::new(&waitlist, &admin.workspace)))
}

/// Change a waitlist
///
/// Settings are merged key by key.
#[utoipa::path(
    tag = "Waitlists", operation_id = "update_waitlist", security(("bearer" = [])), extensions(("x-action" = json!("waitlist.update"))),
    params(WaitlistParams), request_body = UpdateBody,
    responses((status = 200, description = "The waitlist.", body = WaitlistView), AdminFailure, BodyFailure),
)]
#[patch("/waitlists/{id}")]
pub async fn update(
    app: web::Data<App>,
    admin: Granted<permit::WaitlistUpdate>,
    path: web::Path<WaitlistParams>,
    body: Body,
) -> Result<web::Json<WaitlistView>, ApiError> {
    let id = waitlist_id(&path.id)?;
    let command = body.json_up_to::<UpdateBody>(SETTINGS_LIMIT).await?.parse(&app.ports, &admin, id)?;
    let waitlist = app.ports.waitlists.update(command).await?;
    Ok(web::Json(WaitlistView::new(&waitlist, &admin.workspace)))
}

/// Change the status of a waitlist
#[utoipa::path(
    tag = "Waitlists", operation_id = "change_waitlist_status", security(("bearer" = [])), extensions(("x-action" = json!("waitlist.update"))),
    params(WaitlistParams), request_body = StatusBody,
    responses((status = 200, description = "The waitlist.", body = WaitlistView), AdminFailure, BodyFailure),
)]
#[patch("/waitlists/{id}/status")]
pub async fn change_status(
    app: web::Data<App>,
    admin: Granted<permit::WaitlistUpdate>,
    path: web::Path<WaitlistParams>,
    body: Body,
) -> Result<web::Json<WaitlistView>, ApiError> {
    let id = waitlist_id(&path.id)?;
    let to = body.json::<StatusBody>().await?.parse()?;
    let command = ChangeWaitlistStatus { id, workspace_id: admin.workspace.id, to, now: app.ports.clock.now() };
    let waitlist = app.ports.waitlists.change_status(command).await?;
    Ok(web::Json(WaitlistView::new(&waitlist, &admin.workspace)))
}

/// Delete a waitlist
///
/// With its entries, variants and undelivered events.
#[utoipa::path(
    tag = "Waitlists", operation_id = "delete_waitlist", security(("bearer" = [])), extensions(("x-action" = json!("waitlist.delete"))),
    params(WaitlistParams),
    responses((status = 204, description = "It is gone."), AdminFailure),
)]
#[delete("/waitlists/{id}")]
pub async fn delete(
    app: web::Data<App>,
    admin: Granted<permit::WaitlistDelete>,
    path: web::Path<WaitlistParams>,
) -> Result<HttpResponse, ApiError> {
    let deleted = app.ports.waitlists.delete(admin.workspace.id, waitlist_id(&path.id)?).await?;
    if deleted { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::no_waitlist()) }
}
