//! Writes and deletes templates of mail.

use actix_web::{HttpResponse, delete, put, web};
use rally_domain::command::{DeleteTemplate, PutTemplate};
use rally_domain::mail::MailTemplate;
use serde_json::Value;

use super::{TemplateBody, TemplateView, check};
use crate::app::App;
use crate::auth::{Admin, permit};
use crate::http::body::fields::Fields;
use crate::http::body::{Body, SETTINGS_LIMIT, read_as};
use crate::http::error::{AdminFailure, ApiError, BodyFailure, ErrorBody};
use crate::http::extract::admin::{AdminTemplate, TemplatePlace};

/// Writes a template from the body of a request.
///
/// # Errors
/// If the template has a fault, or the workspace has as many as it may.
pub(crate) async fn put_template(app: &App, admin: &Admin, place: &TemplatePlace, body: Value) -> Result<MailTemplate, ApiError> {
    put_by(app, admin, place, read_as(body)?).await
}

async fn put_by(app: &App, admin: &Admin, place: &TemplatePlace, body: TemplateBody) -> Result<MailTemplate, ApiError> {
    let source = body.parse(Fields::default())?;
    check(app, place, &source).await?;
    let (workspace_id, actor, now) = (admin.workspace.id, admin.actor(), app.ports.clock.now());
    let command = PutTemplate { workspace_id, kind: place.kind, locale: place.locale.clone(), source, actor, now };
    Ok(app.ports.mail_templates.put(command).await?)
}

/// Write a template of mail
///
/// It takes the place of the one of this kind and locale. A template that could fail when mail is sent is refused. The error names the
/// part, the line and the reason.
#[utoipa::path(
    tag = "Mail-Templates", operation_id = "put_mail_template", security(("bearer" = [])),
    extensions(("x-action" = json!("rally.settings.update"))),
    params(AdminTemplate), request_body = TemplateBody,
    responses(
        (status = 200, description = "The template.", body = TemplateView),
        (status = 409, description = "The workspace has 200 templates.", body = ErrorBody),
        AdminFailure, BodyFailure,
    ),
)]
#[put("/mail-templates/{kind}/{locale}")]
pub async fn put(
    app: web::Data<App>,
    place: AdminTemplate<permit::RallySettingsUpdate>,
    body: Body,
) -> Result<web::Json<TemplateView>, ApiError> {
    let template = put_by(&app, &place.admin, &place, body.json_up_to(SETTINGS_LIMIT).await?).await?;
    Ok(web::Json(template.into()))
}

/// Delete a template of mail
///
/// The built-in template of this kind and locale is used again, if there is one.
#[utoipa::path(
    tag = "Mail-Templates", operation_id = "delete_mail_template", security(("bearer" = [])),
    extensions(("x-action" = json!("rally.settings.update"))),
    params(AdminTemplate),
    responses(
        (status = 204, description = "The template is deleted."),
        (status = 400, description = "The locale is not a language tag.", body = ErrorBody),
        AdminFailure,
    ),
)]
#[delete("/mail-templates/{kind}/{locale}")]
pub async fn delete(app: web::Data<App>, place: AdminTemplate<permit::RallySettingsUpdate>) -> Result<HttpResponse, ApiError> {
    let (workspace_id, actor, now) = (place.admin.workspace.id, place.actor(), app.ports.clock.now());
    let command = DeleteTemplate { workspace_id, kind: place.kind, locale: place.locale.clone(), actor, now };
    let deleted = app.ports.mail_templates.delete(command).await?;
    if deleted { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::no_mail_template()) }
}
