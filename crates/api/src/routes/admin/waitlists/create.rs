//! Creates a waitlist.

use actix_web::{HttpResponse, post, web};
use rally_domain::access::Receipt;
use rally_domain::command::CreateWaitlist;
use rally_domain::id::{VariantId, WaitlistId};
use rally_domain::port::Ports;
use rally_domain::proof_of_work;
use rally_domain::settings::Settings;
use rally_domain::slug::Slug;
use rally_domain::text::{Description, DisplayName};
use rally_domain::use_case::confirm;
use rally_domain::waitlist::Waitlist;
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::WaitlistView;
use crate::app::App;
use crate::auth::{Admin, Granted, permit};
use crate::http::body::fields::{Field, Fields};
use crate::http::body::{Body, SETTINGS_LIMIT, read_as};
use crate::http::error::{AdminFailure, ApiError, BodyFailure, ErrorBody};
use crate::http::extract::idempotency_key::IdempotencyHeader;
use crate::idempotency::{self, Reply};
use crate::routes::schema::SettingsChangeSchema;

/// A new waitlist.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateWaitlist)]
struct CreateBody {
    /// Its name in URLs, unique in the workspace: a-z and 0-9, with single hyphens between them.
    #[schema(value_type = String, required, min_length = 1, max_length = 64, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "early-access")]
    #[serde(default)]
    slug: Field<String>,
    /// Its name for visitors.
    #[schema(value_type = String, required, min_length = 1, max_length = 200, example = "Early Access Program")]
    #[serde(default)]
    display_name: Field<String>,
    /// The text under the name.
    #[schema(value_type = Option<String>, max_length = 2000)]
    #[serde(default)]
    description: Field<String>,
    /// Its settings. A missing key has its default.
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
            actor: admin.actor(),
            now: ports.clock.now(),
        })
    }
}

/// Creates a waitlist from the body of a request.
///
/// # Errors
/// If a field is bad, or the slug is taken.
pub(crate) async fn create_list(app: &App, admin: &Admin, body: Value, receipt: Option<Receipt<Waitlist>>) -> Result<Waitlist, ApiError> {
    let command = read_as::<CreateBody>(body)?.parse(&app.ports, admin)?;
    proof_of_work::check_settings(&app.ports.links, &command.settings)?;
    confirm::check_settings(&app.ports, admin.workspace.id, &admin.workspace.slug, &command.settings).await?;
    Ok(app.ports.waitlists.create(command, receipt).await?)
}

/// Create a waitlist
///
/// The waitlist is a draft at first, and has one control variant.
#[utoipa::path(
    tag = "Waitlists", operation_id = "create_waitlist", security(("bearer" = [])), extensions(("x-action" = json!("waitlist.create"))),
    params(Granted, IdempotencyHeader), request_body = CreateBody,
    responses(
        (status = 201, description = "The waitlist.", body = WaitlistView),
        (status = 409, description = "The slug is taken, the idempotency key was used for another request, or its request is still running.", body = ErrorBody),
        AdminFailure, BodyFailure,
    ),
)]
#[post("/waitlists")]
pub async fn create(
    app: web::Data<App>,
    admin: Granted<permit::WaitlistCreate>,
    header: IdempotencyHeader,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let key = header.key()?;
    let body = body.document_up_to(SETTINGS_LIMIT).await?;
    let workspace = admin.workspace.clone();
    let request = idempotency::Request { workspace_id: workspace.id, route: "POST waitlists".to_owned(), key, body: Some(&body) };
    let render = move |waitlist: &Waitlist| Reply::created(&WaitlistView::new(waitlist, &workspace));
    let create = async |receipt| create_list(&app, &admin, body.value.clone(), receipt).await;
    app.idempotency.once(&app.ports, request, render, create).await
}
