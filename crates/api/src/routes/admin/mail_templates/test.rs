//! Tries a template with a mail to an address.

use actix_web::{HttpResponse, post, web};
use rally_domain::email::Email;
use rally_domain::mail::Mail;
use rally_domain::use_case::test_mail::{self, Trial};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::find;
use crate::app::App;
use crate::auth::{Admin, permit};
use crate::http::body::fields::{Field, Fields};
use crate::http::body::{Body, read_as};
use crate::http::error::{AdminFailure, ApiError, BodyFailure};
use crate::http::extract::admin::{AdminTemplate, TemplatePlace};

/// Who gets the mail.
#[derive(Deserialize, ToSchema)]
#[schema(as = TestMailTemplate)]
struct TestBody {
    /// The address.
    #[schema(value_type = String, required, max_length = 254)]
    #[serde(default)]
    to: Field<String>,
}

impl TestBody {
    fn parse(self) -> Result<Email, ApiError> {
        let mut fields = Fields::default();
        let to = fields.required("to", self.to, |text| Email::parse(&text));
        fields.finish()?;
        to.ok_or_else(|| ApiError::validation(Vec::new()))
    }
}

/// The mail that will be sent.
#[derive(Serialize, ToSchema)]
#[schema(as = MailTest)]
struct TestView {
    /// The id of the mail in the log.
    #[schema(format = Uuid)]
    mail_id: String,
}

/// Sends a template to the address in the body of a request.
///
/// # Errors
/// If the address is bad, there is no such template, or the workspace has sent too many tests.
pub(crate) async fn send_test(app: &App, admin: &Admin, place: &TemplatePlace, body: Value) -> Result<Mail, ApiError> {
    send(app, admin, place, read_as::<TestBody>(body)?.parse()?).await
}

async fn send(app: &App, admin: &Admin, place: &TemplatePlace, to: Email) -> Result<Mail, ApiError> {
    find(app, admin.workspace.id, place).await?.ok_or_else(ApiError::no_mail_template)?;
    let trial = Trial { kind: place.kind, locale: Some(place.locale.clone()), to, claim: None };
    let mail = test_mail::run(&app.ports, &*app.templates, &admin.actor(), &admin.workspace, trial).await?;
    app.wake_relays();
    Ok(mail)
}

/// Try a template of mail
///
/// Sends a mail with example data to an address, also to a suppressed one and while notifications are off. It needs a mail server, as
/// `notifications: smtp` does. A workspace sends ten test mails an hour. After that the reply is 429 with `Retry-After`.
#[utoipa::path(
    tag = "Mail-Templates", operation_id = "test_mail_template", security(("bearer" = [])),
    extensions(("x-action" = json!("rally.settings.update"))),
    params(AdminTemplate), request_body = TestBody,
    responses((status = 202, description = "The mail will be sent.", body = TestView), AdminFailure, BodyFailure),
)]
#[post("/mail-templates/{kind}/{locale}/test")]
pub async fn test(app: web::Data<App>, place: AdminTemplate<permit::RallySettingsUpdate>, body: Body) -> Result<HttpResponse, ApiError> {
    let to = body.json::<TestBody>().await?.parse()?;
    let mail = send(&app, &place.admin, &place, to).await?;
    Ok(HttpResponse::Accepted().json(TestView { mail_id: mail.id.to_string() }))
}
