//! Templates of mail on the admin surface: those that a workspace wrote, beside the built-in ones.

pub mod change;
pub mod preview;
pub mod read;
pub mod test;

use actix_web::web;
use rally_domain::error::{FieldError, Invalid};
use rally_domain::id::WorkspaceId;
use rally_domain::locale::Locale;
use rally_domain::mail::{MailKind, MailTemplate, TemplateSource};
use rally_domain::port::TemplateEngine;
use rally_domain::text::{Lines, check_characters, clean};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::http::body::fields::{Field, Fields};
use crate::http::error::ApiError;
use crate::http::extract::admin::TemplatePlace;
use crate::routes::schema::MailKindName;

/// A template of a kind of mail in one language.
#[derive(Serialize, ToSchema)]
#[schema(as = MailTemplate)]
struct TemplateView {
    #[schema(value_type = MailKindName)]
    kind: &'static str,
    /// A BCP 47 tag.
    #[schema(example = "pt-BR")]
    locale: String,
    /// Whether the workspace wrote it, or it is built in.
    #[schema(value_type = TemplateOwner)]
    source: &'static str,
    subject: String,
    text: String,
    /// Null if the mail is only plain text.
    #[schema(required)]
    html: Option<String>,
    /// When the workspace wrote it last. Null if it is built in.
    #[schema(required, format = DateTime)]
    updated_at: Option<String>,
}

/// Whether the workspace wrote a template, or it is built in.
#[derive(ToSchema)]
#[schema(as = MailTemplateSource, rename_all = "snake_case")]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
enum TemplateOwner {
    BuiltIn,
    Workspace,
}

impl TemplateView {
    fn built_in(kind: MailKind, locale: &Locale, source: TemplateSource) -> Self {
        Self {
            kind: kind.as_str(),
            locale: locale.to_string(),
            source: "built_in",
            subject: source.subject,
            text: source.text,
            html: source.html,
            updated_at: None,
        }
    }
}

impl From<MailTemplate> for TemplateView {
    fn from(template: MailTemplate) -> Self {
        let updated_at = Some(template.updated_at.to_string());
        Self { source: "workspace", updated_at, ..Self::built_in(template.kind, &template.locale, template.source) }
    }
}

/// A template.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = PutMailTemplate)]
struct TemplateBody {
    /// The template of the subject.
    #[schema(value_type = String, required, min_length = 1, max_length = 200)]
    #[serde(default)]
    subject: Field<String>,
    /// The template of the plain text, at most 32 KiB.
    #[schema(value_type = String, required, min_length = 1)]
    #[serde(default)]
    text: Field<String>,
    /// The template of the HTML, at most 64 KiB. Without it the mail is only plain text.
    #[schema(value_type = Option<String>, min_length = 1)]
    #[serde(default)]
    html: Field<String>,
}

impl TemplateBody {
    /// Reads a template, and checks its sizes. The engine checks the rest.
    fn parse(self, mut fields: Fields) -> Result<TemplateSource, ApiError> {
        let subject = fields.required("subject", self.subject, parse_subject);
        let text = fields.required("text", self.text, parse_source);
        let html = fields.optional("html", self.html, parse_source);
        fields.finish()?;
        let (Some(subject), Some(text)) = (subject, text) else { return Err(ApiError::validation(Vec::new())) };
        let source = TemplateSource { subject, text, html };
        source.check_sizes().map_err(ApiError::validation)?;
        Ok(source)
    }
}

/// Checks the characters of the source of a subject, which is one line. A blank one becomes empty, and is refused as such.
fn parse_subject(text: String) -> Result<String, Invalid> {
    clean(&text, usize::MAX, Lines::One)
}

/// Checks the characters of a source. It may have tabs.
fn parse_source(text: String) -> Result<String, Invalid> {
    check_characters(&text.replace('\t', " "), Lines::Many)?;
    Ok(text)
}

/// Checks a template with the engine.
async fn check(app: &App, place: &TemplatePlace, source: &TemplateSource) -> Result<(), ApiError> {
    let (place, source) = (place.clone(), source.clone());
    let checked = aside(app, move |engine| engine.check(place.kind, &place.locale, &source)).await?;
    checked.map_err(|errors| ApiError::validation(errors.into_iter().map(FieldError::from).collect()))
}

/// Runs work of the engine on a thread that serves no requests.
async fn aside<T: Send + 'static>(app: &App, work: impl FnOnce(&dyn TemplateEngine) -> T + Send + 'static) -> Result<T, ApiError> {
    let engine = app.templates.clone();
    web::block(move || work(&*engine)).await.map_err(ApiError::broken)
}

/// The source of a template: the workspace's own, else the built-in one.
pub(crate) async fn find(app: &App, workspace_id: WorkspaceId, place: &TemplatePlace) -> Result<Option<TemplateSource>, ApiError> {
    let own = app.ports.mail_templates.of_kind(workspace_id, place.kind).await?;
    let own = own.into_iter().find(|template| template.locale == place.locale).map(|template| template.source);
    let built_in = || app.templates.locales().contains(&place.locale).then(|| app.templates.built_in(place.kind, &place.locale));
    Ok(own.or_else(built_in))
}
