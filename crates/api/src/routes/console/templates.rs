//! Templates of mail, with a preview and a test.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use rally_console::page::{ConfirmPage, Conflict, FormPage, MailPreviewPage, TemplatePage, TemplateRow, TemplatesPage};
use rally_console::policy::MAIL_PREVIEW;
use rally_console::{Form, Page, Time};
use rally_domain::audit::AuditAction;
use rally_domain::command::DeleteTemplate;
use rally_domain::error::FieldError;
use rally_domain::locale::Locale;
use rally_domain::mail::{Choice, MailKind, MailTemplate, TemplateSource, choose};
use serde_json::{Value, json};

use super::audit::last_done_by;
use super::doors::{Open, Pairs, Posted};
use super::look::{Done, done, refused, see_other, show, show_as, show_framed, typed};
use super::preview::origin_of;
use crate::auth::permit;
use crate::http::error::ApiError;
use crate::http::extract::admin::TemplatePlace;
use crate::routes::admin::mail_templates::change::put_template;
use crate::routes::admin::mail_templates::preview::render_typed;
use crate::routes::admin::mail_templates::test::send_test;

/// The path of a template: the workspace, the kind and the locale.
type Path = web::Path<(String, String, String)>;

fn place_of(path: &Path) -> Result<TemplatePlace, ApiError> {
    let no_template = |_| ApiError::no_mail_template();
    Ok(TemplatePlace { kind: MailKind::parse(&path.1).map_err(no_template)?, locale: Locale::parse(&path.2).map_err(no_template)? })
}

/// Lists the templates: the workspace's own in place of the built-in ones.
#[get("/w/{ws}/mail/templates")]
pub async fn list(door: Open<permit::RallySettingsRead>) -> Result<HttpResponse, ApiError> {
    let own = door.app.ports.mail_templates.list(door.workspace_id()).await?;
    let rows = MailKind::ALL.into_iter().flat_map(|kind| rows(&door, kind, &own)).collect();
    Ok(show(&TemplatesPage { frame: door.frame(), rows }))
}

fn rows<P>(door: &Open<P>, kind: MailKind, own: &[MailTemplate]) -> Vec<TemplateRow> {
    let engine = &door.app.templates;
    let row = |locale: &Locale, subject: String, updated_at: Option<Time>| TemplateRow {
        kind: kind.as_str().to_owned(),
        locale: locale.to_string(),
        is_own: updated_at.is_some(),
        subject,
        updated_at,
    };
    let built_in = |locale: Locale| {
        let row = row(&locale, engine.built_in(kind, &locale).subject, None);
        (locale, row)
    };
    let mut all: BTreeMap<Locale, TemplateRow> = engine.locales().into_iter().map(built_in).collect();
    for template in own.iter().filter(|template| template.kind == kind) {
        let shown = row(&template.locale, template.source.subject.clone(), Some(template.updated_at.into()));
        all.insert(template.locale.clone(), shown);
    }
    all.into_values().collect()
}

async fn own<P>(door: &Open<P>, place: &TemplatePlace) -> Result<Option<MailTemplate>, ApiError> {
    let templates = door.app.ports.mail_templates.of_kind(door.workspace_id(), place.kind).await?;
    Ok(templates.into_iter().find(|template| template.locale == place.locale))
}

/// Asks for a kind and a language.
#[get("/w/{ws}/mail/new-template")]
pub async fn new_template(door: Open<permit::RallySettingsUpdate>) -> HttpResponse {
    show(&FormPage::new_template(door.frame(), Form::default()))
}

/// Leads to the template of a kind and a language.
#[post("/w/{ws}/mail/new-template")]
pub async fn begin(posted: Update) -> Result<HttpResponse, ApiError> {
    let kind = MailKind::parse(posted.value("kind")).map_err(|error| ApiError::validation(vec![FieldError::new("kind", error)]))?;
    match Locale::parse(posted.value("locale").trim()) {
        Ok(locale) => Ok(see_other(&posted.urls().template(kind.as_str(), locale.as_str()))),
        Err(error) => {
            let form = typed(&posted.form, vec![("locale".to_owned(), error.to_string())]);
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &FormPage::new_template(posted.frame(), form)))
        }
    }
}

/// The text of a template. One that nobody has written begins with the text that is sent in its place.
async fn text_of<P>(door: &Open<P>, place: &TemplatePlace) -> Result<TemplateSource, ApiError> {
    let own = door.app.ports.mail_templates.of_kind(door.workspace_id(), place.kind).await?;
    let fallback = door.app.ports.settings.get(door.workspace_id()).await?.default_locale;
    Ok(match choose(&place.locale, &fallback, &own, &door.app.templates.locales()) {
        Choice::Own(template) => template.source.clone(),
        Choice::BuiltIn(locale) => door.app.templates.built_in(place.kind, &locale),
    })
}

/// Shows a template.
#[get("/w/{ws}/mail/templates/{kind}/{locale}")]
pub async fn show_page(door: Open<permit::RallySettingsRead>, path: Path) -> Result<HttpResponse, ApiError> {
    let place = place_of(&path)?;
    let source = text_of(&door, &place).await?;
    let form = Form::new([("subject", source.subject), ("text", source.text), ("html", source.html.unwrap_or_default())]);
    Ok(show(&template_page(&door, &place, form).await?))
}

async fn template_page<P>(door: &Open<P>, place: &TemplatePlace, form: Form) -> Result<TemplatePage, ApiError> {
    let own = own(door, place).await?;
    Ok(TemplatePage {
        frame: door.frame(),
        kind: place.kind.as_str().to_owned(),
        locale: place.locale.to_string(),
        is_own: own.is_some(),
        has_built_in: door.app.templates.locales().contains(&place.locale),
        form,
        updated_at: own.map(|template| template.updated_at.to_string()).unwrap_or_default(),
        variables: serde_json::from_str(&door.app.templates.example(place.kind)).map(|data| variables("", &data)).unwrap_or_default(),
        conflict: None,
    })
}

/// The names of the values in the data of a mail, such as `entry.name`.
fn variables(path: &str, data: &Value) -> Vec<String> {
    let Some(members) = data.as_object() else { return vec![path.to_owned()] };
    let name = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    members.iter().flat_map(|(key, value)| variables(&name(key), value)).collect()
}

type Update = Posted<Open<permit::RallySettingsUpdate>>;

/// The form as a body of the API.
fn body(form: &Pairs) -> Value {
    let value = |name: &str| form.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value);
    let html = Some(value("html")).filter(|html| !html.trim().is_empty());
    json!({"subject": value("subject").trim(), "text": value("text"), "html": html})
}

/// Writes a template. One that somebody else has changed meanwhile is not written.
#[post("/w/{ws}/mail/templates/{kind}/{locale}")]
pub async fn put(posted: Update, path: Path) -> Result<HttpResponse, ApiError> {
    let (place, form) = (place_of(&path)?, Form::new(posted.form.clone()));
    if let Some(changed) = own(&posted, &place).await?.filter(|own| own.updated_at.to_string() != posted.value("updated_at")) {
        let by = last_done_by(&posted, AuditAction::MailTemplateUpdate, &format!("{}.{}", place.kind.as_str(), place.locale)).await?;
        let conflict = Some(Conflict { by, at: changed.updated_at.into(), of: Vec::new() });
        let page = template_page(&posted, &place, form).await?;
        return Ok(show_as(StatusCode::CONFLICT, &TemplatePage { conflict, ..page }));
    }
    match put_template(&posted.app, &posted.admin, &place, body(&posted.form)).await {
        Ok(_) => Ok(done(&posted.urls().template(place.kind.as_str(), place.locale.as_str()), Done::Saved)),
        Err(error) => refuse(&posted, &place, error).await,
    }
}

async fn refuse(posted: &Update, place: &TemplatePlace, error: ApiError) -> Result<HttpResponse, ApiError> {
    let page = template_page(posted, place, typed(&posted.form, refused(error)?)).await?;
    Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// Shows a template as it is stored, or the text that is sent in its place.
#[get("/w/{ws}/mail/templates/{kind}/{locale}/preview")]
pub async fn stored_preview(door: Open<permit::RallySettingsRead>, path: Path) -> Result<HttpResponse, ApiError> {
    let place = place_of(&path)?;
    let TemplateSource { subject, text, html } = text_of(&door, &place).await?;
    render(&door, &place, json!({"subject": subject, "text": text, "html": html})).await
}

/// Shows a template as it is typed.
#[post("/w/{ws}/mail/templates/{kind}/{locale}/preview")]
pub async fn preview(posted: Posted<Open<permit::RallySettingsRead>>, path: Path) -> Result<HttpResponse, ApiError> {
    render(&posted, &place_of(&path)?, body(&posted.form)).await
}

/// Shows a template with example data and the brand of the workspace.
async fn render<P>(door: &Open<P>, place: &TemplatePlace, body: Value) -> Result<HttpResponse, ApiError> {
    let root = door.app.ports.links.root().to_owned();
    let brand = door.app.ports.settings.get(door.workspace_id()).await?.brand;
    let locale = place.locale.to_string();
    let page = match render_typed(&door.app, &door.admin, place, body).await {
        Ok(mail) => MailPreviewPage { root, locale, subject: mail.subject, text: mail.text, html: mail.html, errors: Vec::new() },
        Err(error) => {
            let errors = Form::default().refused(refused(error)?).errors;
            let errors = errors.into_iter().map(|(field, error)| format!("{field}: {error}")).collect();
            MailPreviewPage { root, locale, errors, ..MailPreviewPage::default() }
        }
    };
    let policy = origin_of(brand.logo_url.as_deref()).map(|origin| format!("{MAIL_PREVIEW}; img-src {origin}"));
    Ok(show_framed(page.html(), policy.as_deref().unwrap_or(MAIL_PREVIEW)))
}

/// Sends a template to an address.
#[post("/w/{ws}/mail/templates/{kind}/{locale}/test")]
pub async fn test(posted: Update, path: Path) -> Result<HttpResponse, ApiError> {
    let place = place_of(&path)?;
    match send_test(&posted.app, &posted.admin, &place, json!({"to": posted.value("to").trim()})).await {
        Ok(_) => Ok(done(&posted.urls().template(place.kind.as_str(), place.locale.as_str()), Done::Sent)),
        Err(error) => {
            let source = text_of(&posted, &place).await?;
            let stored = [("subject", source.subject), ("text", source.text), ("html", source.html.unwrap_or_default())];
            let form = Form::new(stored.into_iter().chain([("to", posted.value("to").to_owned())])).refused(refused(error)?);
            let page = template_page(&posted, &place, form).await?;
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// Goes back to the built-in template, after asking.
#[post("/w/{ws}/mail/templates/{kind}/{locale}/reset")]
pub async fn reset(posted: Update, path: Path) -> Result<HttpResponse, ApiError> {
    let TemplatePlace { kind, locale } = place_of(&path)?;
    if !posted.is_confirmed() {
        let has_built_in = posted.app.templates.locales().contains(&locale);
        return Ok(show(&ConfirmPage::reset_template(posted.frame(), kind.as_str(), locale.as_str(), has_built_in)));
    }
    let (workspace_id, actor, now) = (posted.workspace_id(), posted.admin.actor(), posted.app.ports.clock.now());
    let deleted = posted.app.ports.mail_templates.delete(DeleteTemplate { workspace_id, kind, locale, actor, now }).await?;
    if deleted { Ok(done(&posted.urls().templates(), Done::Deleted)) } else { Err(ApiError::no_mail_template()) }
}
