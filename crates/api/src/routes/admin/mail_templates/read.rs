//! Lists the templates of mail.

use std::collections::BTreeMap;

use actix_web::{get, web};
use rally_domain::locale::Locale;
use rally_domain::mail::{MailKind, MailTemplate};
use rally_domain::port::TemplateEngine;
use serde::Serialize;
use utoipa::ToSchema;

use super::TemplateView;
use crate::app::App;
use crate::auth::{Granted, permit};
use crate::http::error::{AdminFailure, ApiError};

/// The templates of a workspace, by kind and locale.
#[derive(Serialize, ToSchema)]
struct MailTemplateList {
    data: Vec<TemplateView>,
}

impl MailTemplateList {
    fn new(engine: &dyn TemplateEngine, own: &[MailTemplate]) -> Self {
        Self { data: MailKind::ALL.into_iter().flat_map(|kind| of_kind(engine, kind, own)).collect() }
    }
}

/// The templates of a kind by locale, the workspace's own in place of the built-in ones.
fn of_kind(engine: &dyn TemplateEngine, kind: MailKind, own: &[MailTemplate]) -> impl Iterator<Item = TemplateView> {
    let built_in = |locale: Locale| {
        let view = TemplateView::built_in(kind, &locale, engine.built_in(kind, &locale));
        (locale, view)
    };
    let mut views: BTreeMap<Locale, TemplateView> = engine.locales().into_iter().map(built_in).collect();
    let own = own.iter().filter(|template| template.kind == kind).cloned();
    views.extend(own.map(|template| (template.locale.clone(), template.into())));
    views.into_values()
}

/// List the templates of mail
///
/// Every kind of mail in every language: the template that the workspace wrote, else the built-in one. By kind and locale.
#[utoipa::path(
    tag = "Mail-Templates", operation_id = "list_mail_templates", security(("bearer" = [])),
    extensions(("x-action" = json!("rally.settings.read"))),
    params(Granted),
    responses((status = 200, description = "All templates.", body = MailTemplateList), AdminFailure),
)]
#[get("/mail-templates")]
pub async fn list(app: web::Data<App>, admin: Granted<permit::RallySettingsRead>) -> Result<web::Json<MailTemplateList>, ApiError> {
    let own = app.ports.mail_templates.list(admin.workspace.id).await?;
    Ok(web::Json(MailTemplateList::new(&*app.templates, &own)))
}
