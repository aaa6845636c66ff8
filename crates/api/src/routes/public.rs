//! The public surface: what anybody can call from a page.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, ContentType, VARY};
use actix_web::{FromRequest, HttpRequest, HttpResponse, get, post, web};
use rally_domain::command::SignUpRejection;
use rally_domain::custom_field::{CustomField, Metadata};
use rally_domain::email::{Email, Masked};
use rally_domain::entry::{Entry, Leader};
use rally_domain::error::FieldError;
use rally_domain::id::VariantId;
use rally_domain::locale::{Locale, parse_accept_language};
use rally_domain::paging::Limit;
use rally_domain::referral::{ReferralCode, ReferralRewards};
use rally_domain::settings::Leaderboard;
use rally_domain::slug::Slug;
use rally_domain::text::{ConfirmationMessage, Description, Interest, PersonName, Referrer};
use rally_domain::use_case;
use rally_domain::use_case::join::Join;
use rally_domain::variant::{Variant, choose};
use rally_domain::waitlist::{PublicWaitlist, Waitlist};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::entries::EntryStatusName;
use super::schema::{CustomFieldSchema, RewardsSchema};
use super::variants::KindName;
use super::waitlists::StatusName;
use crate::app::App;
use crate::http::body::Body;
use crate::http::body::fields::{Field, Fields};
use crate::http::error::{AnyFailure, ApiError, BodyFailure, Code, ErrorBody, tell_standings};
use crate::http::standing::Standing;

/// Most rows of a leaderboard.
const MAX_LEADERS: u16 = 50;

/// The waitlist of a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes parameters that the extractor reads")]
struct PublicParams {
    /// The workspace's slug, or one it had before.
    workspace_slug: String,
    /// The waitlist's slug.
    waitlist_slug: String,
}

/// The waitlist that the slugs of a path name, in whatever status.
pub struct NamedWaitlist {
    /// The workspace's slug as it was asked for.
    asked: Slug,
    found: Arc<PublicWaitlist>,
}

impl FromRequest for NamedWaitlist {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = request.app_data::<web::Data<App>>().ok_or_else(|| ApiError::new(Code::InternalError, "no application"))?;
            let slug = |name| Slug::parse(request.match_info().get(name).unwrap_or_default()).map_err(|_| ApiError::no_waitlist());
            let (asked, slug) = (slug("workspace_slug")?, slug("waitlist_slug")?);
            let found = app.ports.waitlists.find_public(&asked, &slug).await?.ok_or_else(ApiError::no_waitlist)?;
            Ok(Self { asked, found })
        })
    }
}

impl NamedWaitlist {
    /// The waitlist, if readers may see it.
    fn active(&self) -> Result<&Waitlist, ApiError> {
        let waitlist = &self.found.waitlist;
        if waitlist.is_open() { Ok(waitlist) } else { Err(ApiError::no_waitlist()) }
    }
}

/// What a reader gets of a waitlist.
#[derive(Serialize, ToSchema)]
#[schema(as = PublicWaitlist)]
struct PublicView<'a> {
    slug: &'a str,
    /// The workspace's slug as it was asked for.
    workspace_slug: &'a str,
    /// The workspace's slug now.
    canonical_workspace_slug: &'a str,
    display_name: &'a str,
    #[schema(required)]
    description: Option<&'a str>,
    #[schema(value_type = StatusName)]
    status: &'static str,
    /// What else a sign-up asks.
    #[schema(value_type = Vec<CustomFieldSchema>)]
    custom_fields: Vec<Value>,
    #[schema(required)]
    confirmation_message: Option<&'a str>,
    /// When set, a sign-up must bring a token for it.
    #[schema(required)]
    recaptcha_site_key: Option<&'a str>,
    #[schema(value_type = RewardsSchema)]
    referral_rewards: &'a ReferralRewards,
    /// The variant whose words these are; hand its id back when signing up.
    #[schema(required)]
    variant: Option<VariantRef<'a>>,
    brand: BrandView<'a>,
}

/// The variant a reader got.
#[derive(Serialize, ToSchema)]
struct VariantRef<'a> {
    #[schema(format = Uuid)]
    id: String,
    #[schema(value_type = KindName)]
    kind: &'static str,
    locale: &'a str,
}

/// How the workspace wants to look.
#[derive(Serialize, ToSchema)]
struct BrandView<'a> {
    #[schema(required)]
    brand_name: Option<&'a str>,
    #[schema(required)]
    brand_logo_url: Option<&'a str>,
    #[schema(required)]
    primary_color: Option<&'a str>,
}

impl<'a> PublicView<'a> {
    fn new(named: &'a NamedWaitlist, variant: Option<&'a Variant>) -> Self {
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
            brand: BrandView {
                brand_name: brand.name.as_deref(),
                brand_logo_url: brand.logo_url.as_deref(),
                primary_color: brand.primary_color.as_deref(),
            },
        }
    }
}

/// In which language to answer.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LanguageQuery {
    /// A BCP 47 tag such as `en` or `pt-BR`; wins over `Accept-Language`.
    lang: Option<String>,
}

fn requested_locales(query: &LanguageQuery, request: &HttpRequest) -> Result<Vec<Locale>, ApiError> {
    if let Some(lang) = &query.lang {
        let locale = Locale::parse(lang).map_err(|error| ApiError::validation(vec![FieldError::new("lang", error)]))?;
        return Ok(vec![locale]);
    }
    let headers = request.headers().get_all(ACCEPT_LANGUAGE).filter_map(|header| header.to_str().ok());
    Ok(parse_accept_language(&headers.collect::<Vec<_>>().join(",")))
}

/// A new entry.
#[derive(Deserialize, ToSchema)]
#[schema(as = CreateEntry)]
struct JoinBody {
    /// Address; joins a waitlist once, whatever its case.
    #[schema(value_type = String, required, format = Email, max_length = 254, example = "ada@example.com")]
    #[serde(default)]
    email: Field<String>,
    /// Full name.
    #[schema(value_type = String, required, min_length = 1, max_length = 200, example = "Ada Lovelace")]
    #[serde(default)]
    name: Field<String>,
    /// What they hope to do with it.
    #[schema(value_type = Option<String>, max_length = 2000)]
    #[serde(default)]
    interest: Field<String>,
    /// How they heard of it.
    #[schema(value_type = Option<String>, max_length = 500)]
    #[serde(default)]
    referrer: Field<String>,
    /// A friend's code; one that is unknown is passed over.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    referral_code: Field<String>,
    /// Answers to the custom fields, and whatever else is to be kept: at most 50 keys and 16 KiB.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    metadata: Field<Map<String, Value>>,
    /// The captcha's token; needed when `recaptcha_site_key` is set.
    #[schema(value_type = Option<String>)]
    #[serde(default)]
    recaptcha_token: Field<String>,
    /// The variant the person was shown.
    #[schema(value_type = Option<uuid::Uuid>)]
    #[serde(default)]
    variant_id: Field<String>,
}

impl JoinBody {
    fn parse(self, custom_fields: &[CustomField]) -> Result<Join, ApiError> {
        let mut fields = Fields::default();
        let email = fields.required("email", self.email, |text| Email::parse(&text));
        let name = fields.required("name", self.name, |text| PersonName::parse(&text));
        let interest = fields.optional("interest", self.interest, |text| Interest::parse_optional(&text));
        let referrer = fields.optional("referrer", self.referrer, |text| Referrer::parse_optional(&text));
        let friends_code = fields.optional("referral_code", self.referral_code, |text| Ok(ReferralCode::parse(&text).ok()));
        let metadata = match &self.metadata {
            Field::Absent | Field::Null => Some(Metadata::default()),
            Field::Wrong | Field::Given(_) => fields.optional("metadata", self.metadata, Metadata::parse),
        };
        let metadata = metadata.map(|metadata| metadata.answering(custom_fields).map_err(|errors| fields.extend(errors)));
        let captcha_token = fields.optional("recaptcha_token", self.recaptcha_token, Ok);
        let variant_id = fields.optional("variant_id", self.variant_id, |text| VariantId::parse(&text));
        fields.finish()?;
        let (Some(email), Some(name), Some(Ok(metadata))) = (email, name, metadata) else {
            return Err(ApiError::validation(Vec::new()));
        };
        Ok(Join {
            email,
            name,
            interest: interest.flatten(),
            referrer: referrer.flatten(),
            friends_code: friends_code.flatten(),
            variant_id,
            metadata,
            captcha_token: captcha_token.filter(|token| !token.is_empty()),
            address: None,
        })
    }
}

/// What a person who signed up gets.
#[derive(Serialize, ToSchema)]
struct JoinedView {
    #[schema(format = Uuid)]
    id: String,
    /// The address as it was stored.
    #[schema(format = Email)]
    email: String,
    name: String,
    /// The place in the order of signing up.
    position: u64,
    /// The place after referrals.
    effective_position: u64,
    #[schema(value_type = EntryStatusName)]
    status: &'static str,
    /// The code to hand to friends.
    referral_code: String,
    #[schema(format = DateTime)]
    created_at: String,
}

impl JoinedView {
    fn new(entry: &Entry, waitlist: &Waitlist) -> Self {
        Self {
            id: entry.id.to_string(),
            email: entry.email.to_string(),
            name: entry.name.to_string(),
            position: entry.position.number(),
            effective_position: entry.position.effective(entry.referral_count, waitlist.settings.referral_boost).number(),
            status: entry.status.as_str(),
            referral_code: entry.referral_code.to_string(),
            created_at: entry.created_at.to_string(),
        }
    }
}

/// How many rows.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LeaderQuery {
    /// Rows to answer with.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 50, default = 50)]
    limit: Option<String>,
}

/// A row of the leaderboard.
#[derive(Serialize, ToSchema)]
struct LeaderView<'a> {
    /// The place in the order of signing up.
    position: u64,
    /// Honoured referrals.
    referral_count: u64,
    /// First character, `***`, `@`, domain.
    #[schema(value_type = String, example = "a***@example.com")]
    masked_email: Masked<'a>,
}

impl<'a> From<&'a Leader> for LeaderView<'a> {
    fn from(leader: &'a Leader) -> Self {
        Self { position: leader.position.number(), referral_count: leader.referral_count, masked_email: leader.email.masked() }
    }
}

/// Get a public waitlist
///
/// Its words in the reader's language, or of a variant drawn by weight; only while it is active.
#[utoipa::path(
    tag = "Public-Waitlist", operation_id = "get_public_waitlist", params(PublicParams, LanguageQuery),
    responses(
        (status = 200, description = "The waitlist.", body = PublicView),
        (status = 400, description = "`lang` is not a language tag.", body = ErrorBody),
        (status = 404, description = "No such waitlist, or it is not active.", body = ErrorBody),
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
    named.active()?;
    let variant = choose(&named.found.variants, &requested_locales(&query, &request)?, app.ports.ids.entropy());
    let key = (named.found.waitlist.id, named.asked.clone(), variant.map(|variant| variant.id));
    let body = app.infos.of(key, &named.found, |_| serde_json::to_vec(&PublicView::new(&named, variant)));
    // Drawn anew for every reader: a shared cache would give one reader's variant to all.
    let mut reply = HttpResponse::Ok();
    reply.insert_header((CACHE_CONTROL, "no-cache, private")).insert_header((VARY, "Accept-Language"));
    Ok(reply.content_type(ContentType::json()).body(body?))
}

/// Sign up
#[utoipa::path(
    tag = "Public-Waitlist", operation_id = "create_entry", params(PublicParams), request_body = JoinBody,
    responses(
        (status = 201, description = "The person is on the waitlist.", body = JoinedView),
        (status = 404, description = "No such waitlist.", body = ErrorBody),
        (status = 409, description = "The address is on it already.", body = ErrorBody),
        (status = 422, description = "The waitlist is not active, or full.", body = ErrorBody),
        (status = 429, description = "Too many sign-ups from this address, or tries with this e-mail address; `Retry-After`, `RateLimit` and \
            `RateLimit-Policy` say when to come again.", body = ErrorBody),
        BodyFailure, AnyFailure,
    ),
)]
#[post("/entries")]
pub async fn join(app: web::Data<App>, named: NamedWaitlist, request: HttpRequest, body: Body) -> Result<HttpResponse, ApiError> {
    let waitlist = &named.found.waitlist;
    let mut standings = Vec::new();
    let outcome = sign_up(&app, waitlist, app.proxies.client(&request), body, &mut standings).await;
    let label = outcome.as_ref().map_or_else(|error| error.code.as_str(), |_| "created");
    metrics::counter!("rally_signups_total", "outcome" => label).increment(1);
    let entry = outcome?;
    let mut reply = HttpResponse::build(StatusCode::CREATED);
    tell_standings(&mut reply, &standings);
    Ok(reply.json(JoinedView::new(&entry, waitlist)))
}

async fn sign_up(
    app: &App,
    waitlist: &Waitlist,
    address: Option<IpAddr>,
    body: Body,
    standings: &mut Vec<Standing>,
) -> Result<Entry, ApiError> {
    standings.extend(app.limits.take_address(address, waitlist.id)?);
    let body = body.json::<JoinBody>().await?;
    // Whoever comes to a closed door hears that first, not what is wrong with their form.
    if !waitlist.is_open() {
        return Err(SignUpRejection::WaitlistNotActive.into());
    }
    let request = Join { address, ..body.parse(&waitlist.settings.custom_fields)? };
    standings.extend(app.limits.take_email(&request.email, waitlist.id)?);
    let entry = use_case::join::run(&app.ports, waitlist, request).await?;
    app.wake_relays();
    Ok(entry)
}

/// See who refers most
///
/// By honoured referrals, then by position; rejected entries are left out.
#[utoipa::path(
    tag = "Public-Waitlist", operation_id = "get_leaderboard", params(PublicParams, LeaderQuery),
    responses(
        (status = 200, description = "The rows.", body = Vec<LeaderView>),
        (status = 400, description = "A bad limit.", body = ErrorBody),
        (status = 404, description = "No such waitlist, it is not active, or it shows no leaderboard.", body = ErrorBody),
        AnyFailure,
    ),
)]
#[get("/leaderboard")]
pub async fn leaderboard(app: web::Data<App>, named: NamedWaitlist, query: web::Query<LeaderQuery>) -> Result<HttpResponse, ApiError> {
    let waitlist = named.active()?;
    if waitlist.settings.leaderboard == Leaderboard::Hidden {
        return Err(ApiError::new(Code::LeaderboardDisabled, "this waitlist shows no leaderboard"));
    }
    let rows = match &query.limit {
        Some(text) => Limit::parse(text, MAX_LEADERS),
        None => Limit::new(u64::from(MAX_LEADERS), MAX_LEADERS),
    };
    let rows = rows.map_err(|error| ApiError::validation(vec![FieldError::new("limit", error)]))?;
    let leaders = app.ports.stats.leaders(waitlist.id, rows).await?;
    let body = app
        .leaderboards
        .of((waitlist.id, rows.rows()), &leaders, |leaders| serde_json::to_vec(&leaders.iter().map(LeaderView::from).collect::<Vec<_>>()));
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(body?))
}
