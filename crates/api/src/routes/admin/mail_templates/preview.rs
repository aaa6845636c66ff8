//! Renders a template of mail for a preview.

use actix_web::{post, web};
use rally_domain::error::FieldError;
use rally_domain::id::EntryId;
use rally_domain::mail::{self, MailKind, MailSetup, Rendered, TemplateSource, Transport};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{TemplateBody, aside, check, find};
use crate::app::App;
use crate::auth::{Action, Admin, permit};
use crate::http::body::fields::{Field, Fields};
use crate::http::body::{Body, SETTINGS_LIMIT, read_as};
use crate::http::error::{AdminFailure, ApiError, BodyFailure};
use crate::http::extract::admin::{AdminTemplate, TemplatePlace};
use crate::relay::in_words;

/// What to preview.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = PreviewMailTemplate)]
struct PreviewBody {
    /// The template of the subject.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    #[serde(default)]
    subject: Field<String>,
    /// The template of the plain text, at most 32 KiB.
    #[schema(value_type = Option<String>, min_length = 1)]
    #[serde(default)]
    text: Field<String>,
    /// The template of the HTML, at most 64 KiB.
    #[schema(value_type = Option<String>, min_length = 1)]
    #[serde(default)]
    html: Field<String>,
    /// The entry whose data the mail has. By default it has example data.
    #[schema(value_type = Option<Uuid>)]
    #[serde(default)]
    entry_id: Field<String>,
}

impl PreviewBody {
    /// The template, if the body has one, and the entry.
    fn parse(self) -> Result<(Option<TemplateSource>, Option<EntryId>), ApiError> {
        let mut fields = Fields::default();
        let entry_id = fields.optional("entry_id", self.entry_id, |text| EntryId::parse(&text));
        let absent = |field: &Field<String>| matches!(field, Field::Absent | Field::Null);
        if [&self.subject, &self.text, &self.html].into_iter().all(absent) {
            fields.finish()?;
            return Ok((None, entry_id));
        }
        let source = TemplateBody { subject: self.subject, text: self.text, html: self.html }.parse(fields)?;
        Ok((Some(source), entry_id))
    }
}

/// A rendered mail.
#[derive(Serialize, ToSchema)]
#[schema(as = MailPreview)]
struct PreviewView {
    subject: String,
    text: String,
    /// Null if the mail is only plain text.
    #[schema(required)]
    html: Option<String>,
}

impl From<Rendered> for PreviewView {
    fn from(rendered: Rendered) -> Self {
        Self { subject: rendered.subject, text: rendered.text, html: rendered.html }
    }
}

/// The data of a mail to an entry, else example data with the brand of the workspace.
async fn data(app: &App, admin: &Admin, kind: MailKind, entry_id: Option<EntryId>) -> Result<String, ApiError> {
    let workspace = &admin.workspace;
    let setup = MailSetup::by(Transport::Smtp, &app.ports.settings.get(workspace.id).await?, &workspace.slug);
    let example = mail::example_data(&setup, &app.ports.links, app.ports.clock.now(), &app.templates.example(kind));
    let example = Value::Object(example).to_string();
    let Some(id) = entry_id else { return Ok(example) };
    admin.require(Action::EntryRead)?;
    let entry = app.ports.entries.find_by_id(id).await?.filter(|entry| entry.workspace_id == workspace.id);
    let entry = entry.ok_or_else(ApiError::no_entry)?;
    let waitlist = app.ports.waitlists.find(workspace.id, entry.waitlist_id).await?.ok_or_else(ApiError::no_entry)?;
    let data = mail::preview_data(&setup, &app.ports.links, &entry, &waitlist, &example, admin.may(Action::EntryUpdate));
    Ok(in_words(&app.ports, Some(waitlist.id), &data).await?.into_owned())
}

/// Renders a template that is typed in the console.
///
/// # Errors
/// If the template has a fault, or there is none.
pub(crate) async fn render_typed(app: &App, admin: &Admin, place: &TemplatePlace, body: Value) -> Result<Rendered, ApiError> {
    render(app, admin, place, read_as(body)?).await
}

/// Renders the template of a body, else the one that is used.
async fn render(app: &App, admin: &Admin, place: &TemplatePlace, body: PreviewBody) -> Result<Rendered, ApiError> {
    let (given, entry_id) = body.parse()?;
    if let Some(source) = &given {
        check(app, place, source).await?;
    }
    let found = if given.is_some() { given } else { find(app, admin.workspace.id, place).await? };
    let source = found.ok_or_else(ApiError::no_mail_template)?;
    let (data, locale) = (data(app, admin, place.kind, entry_id).await?, place.locale.clone());
    let rendered = aside(app, move |engine| engine.render(&locale, &source, &data)).await?;
    rendered.map_err(|error| ApiError::validation(vec![FieldError::from(error.0)]))
}

/// Preview a template of mail
///
/// Renders the template of the body, or else the one that mail of this kind and locale has, with example data or with that of an entry.
/// Data that only a real mail has, such as the link that confirms a sign-up, is always an example. An `entry_id` needs `entry.read` too,
/// and the links with which the person's entry can be changed are examples without `entry.update`. Nothing is sent or saved.
#[utoipa::path(
    tag = "Mail-Templates", operation_id = "preview_mail_template", security(("bearer" = [])),
    extensions(("x-action" = json!("rally.settings.read"))),
    params(AdminTemplate), request_body = Option<PreviewBody>,
    responses((status = 200, description = "The rendered mail.", body = PreviewView), AdminFailure, BodyFailure),
)]
#[post("/mail-templates/{kind}/{locale}/preview")]
pub async fn preview(
    app: web::Data<App>,
    place: AdminTemplate<permit::RallySettingsRead>,
    body: Body,
) -> Result<web::Json<PreviewView>, ApiError> {
    let body: PreviewBody = body.optional_json_up_to(SETTINGS_LIMIT).await?.unwrap_or_default();
    Ok(web::Json(render(&app, &place.admin, &place, body).await?.into()))
}
