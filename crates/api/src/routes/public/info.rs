//! A waitlist for its visitors.

use std::cell::RefCell;
use std::time::Instant;

use actix_web::body::BoxBody;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, ORIGIN, VARY};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, get, web};
use rally_domain::custom_field::CustomField;
use rally_domain::error::FieldError;
use rally_domain::id::VariantId;
use rally_domain::locale::Locale;
use rally_domain::referral::ReferralRewards;
use rally_domain::slug::Slug;
use rally_domain::text::{ConfirmationMessage, ConsentText, Description};
use rally_domain::variant::{Variant, choose};
use rally_domain::waitlist::{PublicWaitlist, Waitlist};
use rally_domain::web_url::WebUrl;
use rally_domain::workspace::Brand;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::cache::at_hand::AtHand;
use crate::http::error::{AnyFailure, ApiError, ErrorBody};
use crate::http::extract::languages::accepted_languages;
use crate::http::extract::public_list::NamedWaitlist;
use crate::routes::schema::{CustomFieldSchema, KindName, ProofOfWorkName, RewardsSchema, StatusName};

/// A waitlist for its visitors.
#[derive(Serialize, ToSchema)]
#[schema(as = PublicWaitlist)]
struct PublicView<'a> {
    slug: &'a str,
    /// The workspace's slug in the request.
    workspace_slug: &'a str,
    /// The workspace's current slug.
    canonical_workspace_slug: &'a str,
    display_name: &'a str,
    #[schema(required)]
    description: Option<&'a str>,
    #[schema(value_type = StatusName)]
    status: &'static str,
    /// The questions of a sign-up beyond name and address.
    #[schema(value_type = Vec<CustomFieldSchema>)]
    custom_fields: Vec<Value>,
    #[schema(required)]
    confirmation_message: Option<&'a str>,
    /// If it is set, a sign-up must include a captcha token for it.
    #[schema(required)]
    recaptcha_site_key: Option<&'a str>,
    #[schema(value_type = RewardsSchema)]
    referral_rewards: &'a ReferralRewards,
    /// The variant of these texts. A sign-up should send its id as `variant_id`.
    #[schema(required)]
    variant: Option<VariantRef<'a>>,
    brand: BrandView<'a>,
    /// Whether the waitlist has as many entries as it may. A sign-up would be refused now.
    full: bool,
    /// The privacy policy that a form should link to.
    #[schema(required, format = "uri")]
    privacy_url: Option<&'a str>,
    /// The terms that a form should link to.
    #[schema(required, format = "uri")]
    terms_url: Option<&'a str>,
    /// What a person must agree to when signing up. It belongs beside a box that is not ticked.
    #[schema(required)]
    consent_text: Option<&'a str>,
    protection: Protection,
}

/// What a sign-up needs beside its fields.
#[derive(Serialize, ToSchema)]
struct Protection {
    /// Whether a sign-up must have `consent: true`.
    consent_required: bool,
    #[schema(value_type = ProofOfWorkName)]
    proof_of_work: &'static str,
}

/// The variant that a visitor got.
#[derive(Serialize, ToSchema)]
struct VariantRef<'a> {
    #[schema(format = Uuid)]
    id: String,
    #[schema(value_type = KindName)]
    kind: &'static str,
    locale: &'a str,
}

/// The brand of the workspace.
#[derive(Serialize, ToSchema)]
pub(in crate::routes) struct BrandView<'a> {
    #[schema(required)]
    brand_name: Option<&'a str>,
    #[schema(required)]
    brand_logo_url: Option<&'a str>,
    #[schema(required)]
    primary_color: Option<&'a str>,
}

impl<'a> From<&'a Brand> for BrandView<'a> {
    fn from(brand: &'a Brand) -> Self {
        Self { brand_name: brand.name.as_deref(), brand_logo_url: brand.logo_url.as_deref(), primary_color: brand.primary_color.as_deref() }
    }
}

impl<'a> PublicView<'a> {
    fn new(named: &'a NamedWaitlist, variant: Option<&'a Variant>, full: bool) -> Self {
        let PublicWaitlist { waitlist, workspace_slug, brand, .. } = &*named.found;
        let words = waitlist.words(variant);
        Self {
            slug: waitlist.slug.as_str(),
            workspace_slug: named.asked.as_str(),
            canonical_workspace_slug: workspace_slug.as_str(),
            display_name: words.display_name.as_str(),
            description: words.description.map(Description::as_str),
            status: waitlist.status.as_str(),
            custom_fields: waitlist.settings.custom_fields.iter().map(CustomField::to_document).collect(),
            confirmation_message: words.confirmation_message.map(ConfirmationMessage::as_str),
            recaptcha_site_key: waitlist.settings.recaptcha_site_key.as_deref(),
            referral_rewards: &waitlist.settings.referral_rewards,
            variant: variant.map(|variant| VariantRef {
                id: variant.id.to_string(),
                kind: variant.kind.as_str(),
                locale: variant.locale.as_str(),
            }),
            brand: brand.into(),
            full,
            privacy_url: waitlist.settings.privacy_url.as_ref().map(WebUrl::as_str),
            terms_url: waitlist.settings.terms_url.as_ref().map(WebUrl::as_str),
            consent_text: waitlist.settings.consent_text.as_ref().map(ConsentText::as_str),
            protection: Protection {
                consent_required: waitlist.settings.consent_text.is_some(),
                proof_of_work: waitlist.settings.proof_of_work.as_str(),
            },
        }
    }
}

/// Tells whether a sign-up would be refused now because the list has as many entries as it may.
///
/// # Errors
/// If the store fails.
pub(in crate::routes) async fn is_full(app: &App, waitlist: &Waitlist) -> Result<bool, ApiError> {
    let Some(most) = waitlist.settings.max_entries else { return Ok(false) };
    Ok(app.ports.stats.standing(waitlist.id).await? >= most)
}

/// The query for a language.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LanguageQuery {
    /// A BCP 47 tag such as `en` or `pt-BR`. It wins over `Accept-Language`.
    lang: Option<String>,
}

fn requested_locales(query: &LanguageQuery, request: &HttpRequest) -> Result<Vec<Locale>, ApiError> {
    if let Some(lang) = &query.lang {
        let locale = Locale::parse(lang).map_err(|error| ApiError::validation(vec![FieldError::new("lang", error)]))?;
        return Ok(vec![locale]);
    }
    Ok(accepted_languages(request.headers()))
}

/// Get a public waitlist
///
/// Its texts are in the visitor's language, or those of a variant drawn by weight. Only active waitlists are public.
#[utoipa::path(
    tag = "Public-Waitlist", operation_id = "get_public_waitlist", params(NamedWaitlist, LanguageQuery),
    responses(
        (status = 200, description = "The waitlist.", body = PublicView),
        (status = 400, description = "`lang` is not a language tag.", body = ErrorBody),
        (status = 404, description = "There is no such waitlist, or it is not active.", body = ErrorBody),
        AnyFailure,
    ),
)]
#[get("")]
pub async fn info(
    app: web::Data<App>,
    named: NamedWaitlist,
    query: web::Query<LanguageQuery>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (variant, full) = drawn(&app, &named, &requested_locales(&query, &request)?).await?;
    Ok(reply_of(body_of(&app, &named, variant, full)?, "Accept-Language"))
}

/// The variant of a visitor, and whether the list is full.
async fn drawn<'a>(app: &App, named: &'a NamedWaitlist, requested: &[Locale]) -> Result<(Option<&'a Variant>, bool), ApiError> {
    let full = is_full(app, named.active()?).await?;
    Ok((choose(&named.found.variants, requested, app.ports.ids.entropy()), full))
}

fn body_of(app: &App, named: &NamedWaitlist, variant: Option<&Variant>, full: bool) -> Result<Bytes, ApiError> {
    let key = (named.found.waitlist.id, named.asked.clone(), variant.map(|variant| variant.id), full);
    app.infos.of(key, &named.found, |_| serde_json::to_vec(&PublicView::new(named, variant, full)))
}

/// The variant is drawn for every request. A shared cache would give the variant of one visitor to all.
fn reply_of(body: Bytes, varies: &'static str) -> HttpResponse {
    let json = HeaderValue::from_static("application/json");
    let headers =
        [(CONTENT_TYPE, json), (CACHE_CONTROL, HeaderValue::from_static("no-cache, private")), (VARY, HeaderValue::from_static(varies))];
    let mut reply = HttpResponse::with_body(StatusCode::OK, BoxBody::new(body));
    headers.into_iter().for_each(|(name, value)| drop(reply.headers_mut().insert(name, value)));
    reply
}

/// The route of [`info`], as measurements name it.
pub const ROUTE: &str = "/v1/waitlists/{workspace_slug}/{waitlist_slug}";

/// What the reply depends on: the languages, and what the router looks at for pages of other origins.
const VARIES: &str = "Accept-Language, Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

/// A waitlist that a worker has at hand, with the replies that it rendered: for each variant and for none, and for a full list.
pub struct ListAtHand {
    named: NamedWaitlist,
    bodies: RefCell<Vec<(Option<VariantId>, bool, Bytes)>>,
}

impl ListAtHand {
    fn body(&self, app: &App, variant: Option<&Variant>, full: bool) -> Result<Bytes, ApiError> {
        let id = variant.map(|variant| variant.id);
        let kept = self.bodies.borrow().iter().find(|(of, is_of_full, _)| *of == id && *is_of_full == full).map(|(.., body)| body.clone());
        if let Some(body) = kept {
            return Ok(body);
        }
        let body = body_of(app, &self.named, variant, full)?;
        self.bodies.borrow_mut().push((id, full, body.clone()));
        Ok(body)
    }
}

/// Answers a plain request for a waitlist that is public, without the router: it would take longer than the answer. Any other request is
/// left to the router: one with a query, one of a page of another origin, and one that is refused.
pub async fn without_router(request: &ServiceRequest, now: Instant) -> Option<HttpResponse> {
    let (uri, headers) = (request.uri(), request.headers());
    if *request.method() != Method::GET || uri.query().is_some() || headers.contains_key(ORIGIN) {
        return None;
    }
    let slugs = uri.path().strip_prefix("/v1/waitlists/")?;
    let (app, at_hand) = (request.app_data::<web::Data<App>>()?, request.app_data::<AtHand<ListAtHand>>()?);
    let read = async {
        let (asked, slug) = slugs.split_once('/')?;
        let (asked, slug) = (Slug::parse(asked).ok()?, Slug::parse(slug).ok()?);
        let found = app.ports.waitlists.find_public(&asked, &slug).await.ok()??;
        Some(ListAtHand { named: NamedWaitlist { asked, found }, bodies: RefCell::default() })
    };
    let list = at_hand.find(slugs, now, read).await?;
    let (variant, full) = drawn(app, &list.named, &accepted_languages(headers)).await.ok()?;
    Some(reply_of(list.body(app, variant, full).ok()?, VARIES))
}
