//! What a person sees of their entry, and what they change.

use actix_web::{HttpResponse, get, patch, web};
use rally_domain::command::ProfileChange;
use rally_domain::custom_field::{CustomField, Metadata};
use rally_domain::error::Fault;
use rally_domain::locale::Locale;
use rally_domain::referral::Milestone;
use rally_domain::text::PersonName;
use rally_domain::use_case::visit::{self, Visit};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::FriendView;
use crate::app::App;
use crate::http::body::Body;
use crate::http::body::fields::{Field, Fields};
use crate::http::error::{AnyFailure, ApiError, BodyFailure, LinkFailure};
use crate::http::extract::visitor::Visitor;
use crate::routes::public::info::BrandView;
use crate::routes::schema::{CustomFieldSchema, EntryStatusName};

/// A person on a waitlist, as the person sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Visitor)]
struct VisitorView<'a> {
    waitlist: ListView<'a>,
    brand: BrandView<'a>,
    #[schema(format = Email)]
    email: &'a str,
    name: &'a str,
    /// The language of mail to the person, as a BCP 47 tag. Null means that of the workspace.
    #[schema(required, example = "de")]
    locale: Option<&'a str>,
    /// Answers to the custom fields by their keys, and everything else that was sent.
    #[schema(value_type = Object)]
    metadata: &'a Map<String, Value>,
    /// The questions of the waitlist beyond name and address.
    #[schema(value_type = Vec<CustomFieldSchema>)]
    custom_fields: Vec<Value>,
    #[schema(value_type = EntryStatusName)]
    status: &'static str,
    /// The position in the order of signing up.
    position: u64,
    /// The position, improved by referrals.
    effective_position: u64,
    /// How many entries stand before this one, as of at most a minute ago. Entries are ordered by effective position, then by position.
    /// Null if the entry is rejected.
    #[schema(required)]
    ahead: Option<u64>,
    /// How many entries the waitlist has, as of at most a minute ago. Rejected ones do not count.
    total: u64,
    /// The code that friends can sign up with.
    referral_code: &'a str,
    /// The link to share.
    #[schema(format = "uri")]
    referral_url: String,
    /// Counted referrals.
    referral_count: u64,
    /// The newest 50 friends.
    #[schema(max_items = 50)]
    referrals: Vec<FriendView>,
    /// Every reward for referrals, by ascending count.
    rewards: Vec<RewardView<'a>>,
    /// The first reward that is not reached. Null if there is none.
    #[schema(required)]
    next_reward: Option<NextRewardView<'a>>,
    mail: MailView,
    #[schema(format = DateTime)]
    created_at: String,
    /// When the person confirmed the sign-up. Null if it needed no confirmation.
    #[schema(required, format = DateTime)]
    confirmed_at: Option<String>,
}

/// The waitlist of a person.
#[derive(Serialize, ToSchema)]
#[schema(as = VisitorWaitlist)]
struct ListView<'a> {
    slug: &'a str,
    display_name: &'a str,
    workspace_slug: &'a str,
}

/// A reward for referrals.
#[derive(Serialize, ToSchema)]
#[schema(as = VisitorReward)]
struct RewardView<'a> {
    /// The number of counted referrals that earns it. It is reached if `referral_count` is not smaller.
    count: u64,
    reward: &'a str,
    /// When the referral that earned it counted. Null if it is not reached.
    #[schema(required, format = DateTime)]
    reached_at: Option<String>,
}

/// The next reward for referrals.
#[derive(Serialize, ToSchema)]
#[schema(as = VisitorNextReward)]
struct NextRewardView<'a> {
    /// The number of counted referrals that earns it.
    count: u64,
    reward: &'a str,
    /// How many referrals are missing.
    remaining: u64,
}

/// The mail to a person.
#[derive(Serialize, ToSchema)]
#[schema(as = VisitorMail)]
struct MailView {
    /// Whether the person gets mail.
    subscribed: bool,
}

impl<'a> VisitorView<'a> {
    fn new(app: &App, visitor: &'a visit::Visitor, seen: &Visit) -> Self {
        let visit::Visitor { entry, waitlist, workspace_slug, brand } = visitor;
        let (profile, rewards) = (&entry.profile, &waitlist.settings.referral_rewards);
        let next =
            |Milestone { count, reward }: &'a Milestone| NextRewardView { count: *count, reward, remaining: count - entry.referral_count };
        Self {
            waitlist: ListView {
                slug: waitlist.slug.as_str(),
                display_name: waitlist.display_name.as_str(),
                workspace_slug: workspace_slug.as_str(),
            },
            brand: brand.into(),
            email: profile.email.as_str(),
            name: profile.name.as_str(),
            locale: profile.locale.as_ref().map(Locale::as_str),
            metadata: profile.metadata.document(),
            custom_fields: waitlist.settings.custom_fields.iter().map(CustomField::to_document).collect(),
            status: entry.status.as_str(),
            position: entry.position.number(),
            effective_position: visitor.place().number(),
            ahead: seen.ahead,
            total: seen.total,
            referral_code: entry.referral_code.as_str(),
            referral_url: app.ports.links.referral(workspace_slug, waitlist, &entry.referral_code),
            referral_count: entry.referral_count,
            referrals: seen.friends.iter().map(FriendView::from).collect(),
            rewards: rewards
                .reached(u64::MAX)
                .into_iter()
                .map(|milestone| RewardView::new(milestone, entry.referral_count, seen))
                .collect(),
            next_reward: rewards.next(entry.referral_count).map(next),
            mail: MailView { subscribed: seen.is_subscribed },
            created_at: entry.created_at.to_string(),
            confirmed_at: entry.confirmed_at.map(|at| at.to_string()),
        }
    }
}

impl<'a> RewardView<'a> {
    fn new(Milestone { count, reward }: &'a Milestone, referrals: u64, seen: &Visit) -> Self {
        let reached_at = seen.reached_at(*count).filter(|_| *count <= referrals);
        Self { count: *count, reward, reached_at: reached_at.map(|at| at.to_string()) }
    }
}

/// Changes of a person. A missing field stays as it is.
#[derive(Deserialize, ToSchema)]
#[schema(as = UpdateVisitor)]
pub(in crate::routes) struct ChangeBody {
    /// Full name.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200)]
    #[serde(default)]
    name: Field<String>,
    /// Replaces all answers to the custom fields and everything else that was kept: at most 50 keys and 16 KiB.
    #[schema(value_type = Option<Object>)]
    #[serde(default)]
    metadata: Field<Map<String, Value>>,
    /// The language of mail to the person, as a BCP 47 tag. Null means that of the workspace.
    #[schema(value_type = Option<String>, example = "de")]
    #[serde(default)]
    locale: Field<String>,
    #[schema(value_type = Option<ChangeMailSchema>)]
    #[serde(default)]
    mail: Field<Map<String, Value>>,
}

/// A change of the mail to a person.
#[derive(ToSchema)]
#[schema(as = UpdateVisitorMail)]
#[expect(dead_code, reason = "only describes values in the OpenAPI document")]
struct ChangeMailSchema {
    /// Whether the person gets mail. True does not change that an address bounced, or that an admin suppressed it.
    subscribed: Option<bool>,
}

impl ChangeBody {
    /// Checks the fields.
    ///
    /// # Errors
    /// 400 that names every bad field.
    pub(in crate::routes) fn parse(self, custom_fields: &[CustomField]) -> Result<visit::Change, ApiError> {
        let mut fields = Fields::default();
        let name = fields.optional("name", self.name, |text| PersonName::parse(&text));
        let metadata = fields.optional("metadata", self.metadata, Metadata::parse);
        let metadata = metadata.and_then(|metadata| metadata.answering(custom_fields).map_err(|errors| fields.extend(errors)).ok());
        let locale = fields.change("locale", self.locale, |text| Locale::parse(&text).map(Some));
        let mail = fields.optional("mail", self.mail, Ok).unwrap_or_default();
        let subscribed = mail.get("subscribed").cloned().map_or(Field::Absent, Field::read);
        let is_subscribed = fields.optional("mail.subscribed", subscribed, Ok);
        fields.finish()?;
        Ok(visit::Change { profile: ProfileChange { name, metadata, locale }, is_subscribed })
    }
}

async fn show(app: &App, visitor: &visit::Visitor) -> Result<HttpResponse, ApiError> {
    let seen = visit::look(&app.ports, visitor).await?;
    Ok(HttpResponse::Ok().json(VisitorView::new(app, visitor, &seen)))
}

/// Get a person's own entry
///
/// The token is the last part of `status_url`. Whoever has it can see and change the entry.
#[utoipa::path(
    tag = "Visitor", operation_id = "get_visitor", params(Visitor),
    responses((status = 200, description = "The entry.", body = VisitorView), LinkFailure, AnyFailure),
)]
#[get("")]
pub async fn get(app: web::Data<App>, visitor: Visitor) -> Result<HttpResponse, ApiError> {
    show(&app, &visitor.0).await
}

/// Change a person's own entry
///
/// Changes of different fields at the same time are all kept.
#[utoipa::path(
    tag = "Visitor", operation_id = "update_visitor", params(Visitor), request_body = ChangeBody,
    responses((status = 200, description = "The entry.", body = VisitorView), LinkFailure, BodyFailure, AnyFailure),
)]
#[patch("")]
pub async fn update(app: web::Data<App>, visitor: Visitor, body: Body) -> Result<HttpResponse, ApiError> {
    let change = body.json::<ChangeBody>().await?.parse(&visitor.0.waitlist.settings.custom_fields)?;
    app.limits.take_change(visitor.0.entry.id)?;
    // A change of answers and mail is two writes. They go on if the client goes away between them.
    let changing = app.clone();
    let changed = tokio::spawn(async move {
        let changed = visit::change(&changing.ports, visitor.0, change).await;
        changing.wake_relays();
        changed
    });
    let visitor = changed.await.map_err(Fault::unexpected)??;
    show(&app, &visitor).await
}
