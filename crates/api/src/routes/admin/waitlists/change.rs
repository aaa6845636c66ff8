//! Changes a waitlist or its status, or deletes it.

use actix_web::{HttpResponse, delete, patch, web};
use rally_domain::command::{ChangeWaitlistStatus, DeleteWaitlist, UpdateWaitlist};
use rally_domain::id::{EventId, WaitlistId};
use rally_domain::port::Ports;
use rally_domain::proof_of_work;
use rally_domain::settings::Settings;
use rally_domain::text::{Description, DisplayName};
use rally_domain::use_case::confirm;
use rally_domain::waitlist::{Waitlist, WaitlistStatus};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::WaitlistView;
use crate::app::App;
use crate::auth::{Admin, permit};
use crate::http::body::fields::{Field, Fields};
use crate::http::body::{Body, SETTINGS_LIMIT, read_as};
use crate::http::error::{AdminFailure, ApiError, BodyFailure};
use crate::http::extract::admin::AdminListId;
use crate::routes::schema::{SettingsChangeSchema, StatusName};

/// Changes to a waitlist. A missing field stays as it is.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateWaitlist)]
struct UpdateBody {
    /// Its new name.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    #[serde(default)]
    display_name: Field<String>,
    /// Its new description. Null or an empty text removes it.
    #[schema(value_type = Option<String>, max_length = 2000)]
    #[serde(default)]
    description: Field<String>,
    /// Settings to merge in. A given key replaces the old value, null resets it to its default, a missing key stays as it is.
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
        // The store checks the merged settings. Errors in the change itself are reported here, together with those of other fields.
        if let Some(Err(errors)) = settings.as_ref().map(|patch| Settings::default().merge(patch)) {
            fields.extend(errors);
        }
        fields.finish()?;
        let (actor, now) = (admin.actor(), ports.clock.now());
        Ok(UpdateWaitlist { id, workspace_id: admin.workspace.id, display_name, description, settings, actor, now })
    }
}

/// A new status.
#[derive(Deserialize, ToSchema)]
#[schema(as = ChangeWaitlistStatus)]
struct StatusBody {
    /// Allowed changes: draft to active or closed, active to paused or closed, paused to active or closed, closed to active.
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

/// Changes a waitlist from the body of a request.
///
/// # Errors
/// If a field is bad, or there is no such waitlist.
pub(crate) async fn update_list(app: &App, admin: &Admin, id: WaitlistId, body: Value) -> Result<Waitlist, ApiError> {
    update_by(app, admin, id, read_as(body)?).await
}

async fn update_by(app: &App, admin: &Admin, id: WaitlistId, body: UpdateBody) -> Result<Waitlist, ApiError> {
    let command = body.parse(&app.ports, admin, id)?;
    if let Some(Ok(settings)) = command.settings.as_ref().map(|patch| Settings::default().merge(patch)) {
        proof_of_work::check_settings(&app.ports.links, &settings)?;
        confirm::check_settings(&app.ports, command.workspace_id, &admin.workspace.slug, &settings).await?;
    }
    Ok(app.ports.waitlists.update(command).await?)
}

/// Change a waitlist
///
/// Settings are merged key by key.
#[utoipa::path(
    tag = "Waitlists", operation_id = "update_waitlist", security(("bearer" = [])), extensions(("x-action" = json!("waitlist.update"))),
    params(AdminListId), request_body = UpdateBody,
    responses((status = 200, description = "The waitlist.", body = WaitlistView), AdminFailure, BodyFailure),
)]
#[patch("/waitlists/{id}")]
pub async fn update(app: web::Data<App>, id: AdminListId<permit::WaitlistUpdate>, body: Body) -> Result<web::Json<WaitlistView>, ApiError> {
    let waitlist = update_by(&app, &id.admin, *id, body.json_up_to(SETTINGS_LIMIT).await?).await?;
    Ok(web::Json(WaitlistView::new(&waitlist, &id.admin.workspace)))
}

/// Change the status of a waitlist
#[utoipa::path(
    tag = "Waitlists", operation_id = "change_waitlist_status", security(("bearer" = [])), extensions(("x-action" = json!("waitlist.update"))),
    params(AdminListId), request_body = StatusBody,
    responses((status = 200, description = "The waitlist.", body = WaitlistView), AdminFailure, BodyFailure),
)]
#[patch("/waitlists/{id}/status")]
pub async fn change_status(
    app: web::Data<App>,
    id: AdminListId<permit::WaitlistUpdate>,
    body: Body,
) -> Result<web::Json<WaitlistView>, ApiError> {
    let to = body.json::<StatusBody>().await?.parse()?;
    let event_id = EventId::new(app.ports.ids.uuid());
    let (actor, now) = (id.actor(), app.ports.clock.now());
    let command = ChangeWaitlistStatus { id: *id, workspace_id: id.admin.workspace.id, to, event_id, actor, now };
    let waitlist = app.ports.waitlists.change_status(command).await?;
    app.wake_relays();
    Ok(web::Json(WaitlistView::new(&waitlist, &id.admin.workspace)))
}

/// Delete a waitlist
///
/// Also deletes its entries, variants and undelivered events.
#[utoipa::path(
    tag = "Waitlists", operation_id = "delete_waitlist", security(("bearer" = [])), extensions(("x-action" = json!("waitlist.delete"))),
    params(AdminListId),
    responses((status = 204, description = "The waitlist is deleted."), AdminFailure),
)]
#[delete("/waitlists/{id}")]
pub async fn delete(app: web::Data<App>, id: AdminListId<permit::WaitlistDelete>) -> Result<HttpResponse, ApiError> {
    let command = DeleteWaitlist { id: *id, workspace_id: id.admin.workspace.id, actor: id.actor(), now: app.ports.clock.now() };
    let deleted = app.ports.waitlists.delete(command).await?;
    if deleted { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::no_waitlist()) }
}
