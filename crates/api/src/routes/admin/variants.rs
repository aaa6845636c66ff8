//! Variants on the admin surface.

use actix_web::{HttpResponse, delete, get, patch, post, web};
use rally_domain::actor::Actor;
use rally_domain::command::{CreateVariant, DeleteVariant, UpdateVariant};
use rally_domain::error::Invalid;
use rally_domain::id::{VariantId, WaitlistId};
use rally_domain::locale::Locale;
use rally_domain::port::Ports;
use rally_domain::settings::integer;
use rally_domain::variant::{Variant, VariantCopy, VariantKind, Weight};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::permit;
use crate::http::body::fields::{Field, Fields};
use crate::http::body::{Body, read_as};
use crate::http::error::{AdminFailure, ApiError, BodyFailure};
use crate::http::extract::admin::{AdminList, AdminVariant};
use crate::routes::schema::{CopySchema, KindName};

/// A variant of a waitlist's texts.
#[derive(Serialize, ToSchema)]
#[schema(as = Variant)]
struct VariantView {
    #[schema(format = Uuid)]
    id: String,
    #[schema(format = Uuid)]
    waitlist_id: String,
    #[schema(value_type = KindName)]
    kind: &'static str,
    #[schema(example = "pt-BR")]
    locale: String,
    #[schema(value_type = CopySchema)]
    copy: Map<String, Value>,
    /// Its weight among the A/B variants, relative to the others.
    weight: u8,
    active: bool,
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<&Variant> for VariantView {
    fn from(variant: &Variant) -> Self {
        Self {
            id: variant.id.to_string(),
            waitlist_id: variant.waitlist_id.to_string(),
            kind: variant.kind.as_str(),
            locale: variant.locale.to_string(),
            copy: variant.copy.to_document(),
            weight: variant.weight.number(),
            active: variant.active,
            created_at: variant.created_at.to_string(),
        }
    }
}

/// The variants of a waitlist, oldest first.
#[derive(Serialize, ToSchema)]
struct VariantList {
    data: Vec<VariantView>,
}

/// A new variant.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateVariant)]
struct CreateBody {
    /// The kind, which cannot be changed later.
    #[schema(value_type = KindName, required)]
    #[serde(default)]
    kind: Field<String>,
    /// A BCP 47 tag: the locale that the variant is for.
    #[schema(value_type = String, required, example = "en")]
    #[serde(default)]
    locale: Field<String>,
    /// The texts that replace those of the waitlist.
    #[schema(value_type = CopySchema, required)]
    #[serde(default)]
    copy: Field<Map<String, Value>>,
    /// Its weight among the A/B variants, relative to the others; 1 by default.
    #[schema(value_type = Option<u8>, minimum = 1, maximum = 100)]
    #[serde(default)]
    weight: Field<Value>,
    /// Whether visitors can get it; true by default.
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    active: Field<bool>,
}

impl CreateBody {
    fn parse(self, ports: &Ports, actor: Actor, waitlist_id: WaitlistId) -> Result<CreateVariant, ApiError> {
        let mut fields = Fields::default();
        let kind = fields.required("kind", self.kind, |text| VariantKind::parse(&text));
        let locale = fields.required("locale", self.locale, |text| Locale::parse(&text));
        let copy = fields.required("copy", self.copy, Ok);
        let copy = parse_copy(&mut fields, copy);
        let weight = match self.weight {
            // Only A/B variants are drawn by their weights.
            Field::Given(weight) if kind == Some(VariantKind::Locale) => parse_weight(weight).ok(),
            weight => fields.optional("weight", weight, parse_weight),
        };
        let active = fields.optional("active", self.active, Ok);
        fields.finish()?;
        let (Some(kind), Some(locale)) = (kind, locale) else { return Err(ApiError::validation(Vec::new())) };
        Ok(CreateVariant {
            id: VariantId::new(ports.ids.uuid()),
            waitlist_id,
            kind,
            locale,
            copy: copy.unwrap_or_default(),
            weight: weight.unwrap_or_default(),
            active: active.unwrap_or(true),
            actor,
            now: ports.clock.now(),
        })
    }
}

/// Changes to a variant. A missing field stays as it is.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateVariant)]
struct UpdateBody {
    /// Its new locale.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    locale: Field<String>,
    /// Its new texts, which replace all the old ones.
    #[schema(value_type = Option<CopySchema>)]
    #[serde(default)]
    copy: Field<Map<String, Value>>,
    /// Its new weight.
    #[schema(value_type = Option<u8>, minimum = 1, maximum = 100)]
    #[serde(default)]
    weight: Field<Value>,
    /// Whether visitors can get it from now on.
    #[schema(value_type = Option<bool>)]
    #[serde(default)]
    active: Field<bool>,
}

impl UpdateBody {
    fn parse(self, ports: &Ports, actor: Actor, waitlist_id: WaitlistId, id: VariantId) -> Result<UpdateVariant, ApiError> {
        let mut fields = Fields::default();
        let locale = fields.optional("locale", self.locale, |text| Locale::parse(&text));
        let copy = fields.optional("copy", self.copy, Ok);
        let copy = parse_copy(&mut fields, copy);
        let weight = fields.optional("weight", self.weight, parse_weight);
        let active = fields.optional("active", self.active, Ok);
        fields.finish()?;
        Ok(UpdateVariant { id, waitlist_id, locale, copy, weight, active, actor, now: ports.clock.now() })
    }
}

fn parse_copy(fields: &mut Fields, copy: Option<Map<String, Value>>) -> Option<VariantCopy> {
    VariantCopy::parse(copy?).map_err(|errors| fields.extend(errors)).ok()
}

fn parse_weight(value: Value) -> Result<Weight, Invalid> {
    // A value that is not an integer gets the same message as one that is out of range.
    Weight::new(integer(&value).unwrap_or(0))
}

/// Creates a variant from the body of a request.
///
/// # Errors
/// If a field is bad.
pub(crate) async fn create_variant(app: &App, actor: Actor, waitlist_id: WaitlistId, body: Value) -> Result<Variant, ApiError> {
    let command = read_as::<CreateBody>(body)?.parse(&app.ports, actor, waitlist_id)?;
    Ok(app.ports.variants.create(command).await?)
}

/// Changes a variant from the body of a request.
///
/// # Errors
/// If a field is bad, or there is no such variant.
pub(crate) async fn update_variant(
    app: &App,
    actor: Actor,
    waitlist_id: WaitlistId,
    id: VariantId,
    body: Value,
) -> Result<Variant, ApiError> {
    update_by(app, actor, waitlist_id, id, read_as(body)?).await
}

async fn update_by(app: &App, actor: Actor, waitlist_id: WaitlistId, id: VariantId, mut body: UpdateBody) -> Result<Variant, ApiError> {
    // Only A/B variants are drawn by their weights.
    if let Field::Given(weight) = &body.weight
        && parse_weight(weight.clone()).is_err()
    {
        let variants = app.ports.variants.list(waitlist_id).await?;
        if variants.iter().any(|variant| variant.id == id && variant.kind == VariantKind::Locale) {
            body.weight = Field::Absent;
        }
    }
    Ok(app.ports.variants.update(body.parse(&app.ports, actor, waitlist_id, id)?).await?)
}

/// List variants
///
/// Oldest first.
#[utoipa::path(
    tag = "Waitlist-Variants", operation_id = "list_variants", security(("bearer" = [])), extensions(("x-action" = json!("variant.read"))),
    params(AdminList),
    responses((status = 200, description = "All variants of the waitlist.", body = VariantList), AdminFailure),
)]
#[get("/waitlists/{waitlist_id}/variants")]
pub async fn list(app: web::Data<App>, waitlist: AdminList<permit::VariantRead>) -> Result<web::Json<VariantList>, ApiError> {
    let variants = app.ports.variants.list(waitlist.id).await?;
    Ok(web::Json(VariantList { data: variants.iter().map(VariantView::from).collect() }))
}

/// Create a variant
#[utoipa::path(
    tag = "Waitlist-Variants", operation_id = "create_variant", security(("bearer" = [])), extensions(("x-action" = json!("variant.create"))),
    params(AdminList), request_body = CreateBody,
    responses((status = 201, description = "The variant.", body = VariantView), AdminFailure, BodyFailure),
)]
#[post("/waitlists/{waitlist_id}/variants")]
pub async fn create(app: web::Data<App>, waitlist: AdminList<permit::VariantCreate>, body: Body) -> Result<HttpResponse, ApiError> {
    let command = body.json::<CreateBody>().await?.parse(&app.ports, waitlist.actor(), waitlist.id)?;
    let variant = app.ports.variants.create(command).await?;
    Ok(HttpResponse::Created().json(VariantView::from(&variant)))
}

/// Change a variant
#[utoipa::path(
    tag = "Waitlist-Variants", operation_id = "update_variant", security(("bearer" = [])), extensions(("x-action" = json!("variant.update"))),
    params(AdminVariant), request_body = UpdateBody,
    responses((status = 200, description = "The variant.", body = VariantView), AdminFailure, BodyFailure),
)]
#[patch("/waitlists/{waitlist_id}/variants/{id}")]
pub async fn update(
    app: web::Data<App>,
    variant: AdminVariant<permit::VariantUpdate>,
    body: Body,
) -> Result<web::Json<VariantView>, ApiError> {
    let changed = update_by(&app, variant.actor(), variant.waitlist.id, variant.id, body.json().await?).await?;
    Ok(web::Json(VariantView::from(&changed)))
}

/// Delete a variant
///
/// Its sign-ups still count for it.
#[utoipa::path(
    tag = "Waitlist-Variants", operation_id = "delete_variant", security(("bearer" = [])), extensions(("x-action" = json!("variant.delete"))),
    params(AdminVariant),
    responses((status = 204, description = "The variant is deleted."), AdminFailure),
)]
#[delete("/waitlists/{waitlist_id}/variants/{id}")]
pub async fn delete(app: web::Data<App>, variant: AdminVariant<permit::VariantDelete>) -> Result<HttpResponse, ApiError> {
    let (actor, now) = (variant.actor(), app.ports.clock.now());
    let command = DeleteVariant { id: variant.id, waitlist_id: variant.waitlist.id, actor, now };
    let deleted = app.ports.variants.delete(command).await?;
    if deleted { Ok(HttpResponse::NoContent().finish()) } else { Err(ApiError::no_variant()) }
}
