//! Suppressions on the admin surface: the addresses that a workspace sends no mail to.

use actix_web::{HttpResponse, delete, get, post, web};
use rally_domain::command::{LiftSuppression, Suppress};
use rally_domain::email::Email;
use rally_domain::id::SuppressionId;
use rally_domain::suppression::{Suppression, SuppressionReason};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Admin, Granted, permit};
use crate::http::body::fields::{Field, Fields};
use crate::http::body::{Body, read_as};
use crate::http::error::{AdminFailure, ApiError, BodyFailure, ErrorBody};
use crate::http::extract::admin::AdminSuppressionId;
use crate::http::extract::list_query::{ListQuery, Listing, Pagination};
use crate::routes::schema::ReasonName;

/// One reason for which an address gets no mail.
#[derive(Serialize, ToSchema)]
#[schema(as = Suppression)]
struct SuppressionView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(value_type = ReasonName)]
    reason: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
    /// The address without most of its letters. Null if the data of the person was erased.
    #[schema(required, example = "a***@example.com")]
    masked_email: Option<String>,
}

impl From<&Suppression> for SuppressionView {
    fn from(suppression: &Suppression) -> Self {
        Self {
            id: suppression.id.to_string(),
            reason: suppression.reason.as_str(),
            created_at: suppression.created_at.to_string(),
            masked_email: suppression.masked_email.clone(),
        }
    }
}

/// A page of suppressions, newest first.
#[derive(Serialize, ToSchema)]
struct SuppressionPage {
    data: Vec<SuppressionView>,
    pagination: Pagination,
}

/// A new suppression.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateSuppression)]
struct CreateBody {
    /// The address that gets no more mail.
    #[schema(value_type = String, required, max_length = 254)]
    #[serde(default)]
    email: Field<String>,
    /// The reason; `manual` by default.
    #[schema(value_type = Option<ReasonName>)]
    #[serde(default)]
    reason: Field<String>,
}

impl CreateBody {
    fn parse(self, app: &App, admin: &Admin) -> Result<Suppress, ApiError> {
        let mut fields = Fields::default();
        let email = fields.required("email", self.email, |text| Email::parse(&text));
        let reason = fields.optional("reason", self.reason, |text| SuppressionReason::parse(&text));
        fields.finish()?;
        let Some(email) = email else { return Err(ApiError::validation(Vec::new())) };
        let reason = reason.unwrap_or(SuppressionReason::Manual);
        Ok(Suppress {
            id: SuppressionId::new(app.ports.ids.uuid()),
            workspace_id: admin.workspace.id,
            address: app.ports.links.secret().hash_address(&email),
            masked_email: (reason != SuppressionReason::Erased).then(|| email.masked().to_string()),
            reason,
            actor: admin.actor(),
            now: app.ports.clock.now(),
        })
    }
}

/// An address to check.
#[derive(Deserialize, ToSchema)]
#[schema(as = CheckSuppression)]
struct CheckBody {
    /// The address.
    #[schema(value_type = String, required, max_length = 254)]
    #[serde(default)]
    email: Field<String>,
}

impl CheckBody {
    fn parse(self) -> Result<Email, ApiError> {
        let mut fields = Fields::default();
        let email = fields.required("email", self.email, |text| Email::parse(&text));
        fields.finish()?;
        email.ok_or_else(|| ApiError::validation(Vec::new()))
    }
}

/// Whether an address is suppressed.
#[derive(Serialize, ToSchema)]
#[schema(as = SuppressionCheck)]
struct CheckView {
    suppressed: bool,
    /// The newest reason. Null if there is none.
    #[schema(required, value_type = Option<ReasonName>)]
    reason: Option<&'static str>,
}

/// Suppresses the address in the body of a request.
///
/// # Errors
/// If a field is bad.
pub(crate) async fn suppress_by(app: &App, admin: &Admin, body: Value) -> Result<Suppression, ApiError> {
    Ok(app.ports.suppressions.suppress(read_as::<CreateBody>(body)?.parse(app, admin)?).await?)
}

/// Finds the newest suppression of the address in the body of a request.
///
/// # Errors
/// If a field is bad.
pub(crate) async fn check_by(app: &App, admin: &Admin, body: Value) -> Result<Option<Suppression>, ApiError> {
    let address = app.ports.links.secret().hash_address(&read_as::<CheckBody>(body)?.parse()?);
    Ok(app.ports.suppressions.find(admin.workspace.id, address).await?.into_iter().next())
}

/// List suppressions
///
/// Newest first. An address has one for each reason.
#[utoipa::path(
    tag = "Suppressions", operation_id = "list_suppressions", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(Granted, ListQuery),
    responses((status = 200, description = "A page of suppressions.", body = SuppressionPage), (status = 400, description = "A bad query.", body = ErrorBody), AdminFailure),
)]
#[get("/suppressions")]
pub async fn list(
    app: web::Data<App>,
    admin: Granted<permit::EntryRead>,
    query: web::Query<ListQuery>,
) -> Result<web::Json<SuppressionPage>, ApiError> {
    let Listing { name, limit, after, .. } = query.parse_all(&app, &format!("suppressions/{}", admin.workspace.id))?;
    let page = app.ports.suppressions.list(admin.workspace.id, after, limit).await?;
    Ok(web::Json(SuppressionPage {
        data: page.items.iter().map(SuppressionView::from).collect(),
        pagination: Pagination::new(&app, &name, page.next.as_ref()),
    }))
}

/// Suppress an address
///
/// The workspace sends it no more mail. If the address has a suppression with this reason already, the reply shows that one.
#[utoipa::path(
    tag = "Suppressions", operation_id = "create_suppression", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(Granted), request_body = CreateBody,
    responses((status = 201, description = "The suppression.", body = SuppressionView), AdminFailure, BodyFailure),
)]
#[post("/suppressions")]
pub async fn create(app: web::Data<App>, admin: Granted<permit::EntryUpdate>, body: Body) -> Result<HttpResponse, ApiError> {
    let command = body.json::<CreateBody>().await?.parse(&app, &admin)?;
    let suppression = app.ports.suppressions.suppress(command).await?;
    Ok(HttpResponse::Created().json(SuppressionView::from(&suppression)))
}

/// Check an address
#[utoipa::path(
    tag = "Suppressions", operation_id = "check_suppression", security(("bearer" = [])), extensions(("x-action" = json!("entry.read"))),
    params(Granted), request_body = CheckBody,
    responses((status = 200, description = "Whether the address is suppressed.", body = CheckView), AdminFailure, BodyFailure),
)]
#[post("/suppressions/check")]
pub async fn check(app: web::Data<App>, admin: Granted<permit::EntryRead>, body: Body) -> Result<web::Json<CheckView>, ApiError> {
    let email = body.json::<CheckBody>().await?.parse()?;
    let address = app.ports.links.secret().hash_address(&email);
    let found = app.ports.suppressions.find(admin.workspace.id, address).await?;
    let reason = found.first().map(|suppression| suppression.reason.as_str());
    Ok(web::Json(CheckView { suppressed: reason.is_some(), reason }))
}

/// Lift a suppression
///
/// Other suppressions of the same address stay.
#[utoipa::path(
    tag = "Suppressions", operation_id = "delete_suppression", security(("bearer" = [])), extensions(("x-action" = json!("entry.update"))),
    params(AdminSuppressionId),
    responses((status = 204, description = "The suppression is lifted."), AdminFailure),
)]
#[delete("/suppressions/{id}")]
pub async fn delete(app: web::Data<App>, id: AdminSuppressionId<permit::EntryUpdate>) -> Result<HttpResponse, ApiError> {
    let (actor, now) = (id.actor(), app.ports.clock.now());
    let command = LiftSuppression { workspace_id: id.admin.workspace.id, id: *id, actor, now };
    let lifted = app.ports.suppressions.lift(command).await?;
    if lifted { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::no_suppression()) }
}
