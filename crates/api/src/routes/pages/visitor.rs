//! A person's own page, and what its forms do.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use rally_domain::custom_field::CustomField;
use rally_domain::entry::EntryStatus;
use rally_domain::referral::Milestone;
use rally_domain::settings::Approval;
use rally_domain::text::ConfirmationMessage;
use rally_domain::use_case::erase;
use rally_domain::use_case::visit::{self, Visit};
use rally_pages::{
    Ask, AskPage, Form, Friend, NextReward, Problem, ReachedReward, Review, Section, Standing, VisitorLinks, VisitorPage, answers_of,
    typed_of,
};
use serde_json::{Map, Value, json};

use super::look::{Look, embedded, in_chosen_language, is_embedded, see_other, show};
use super::openness::openness_to_friends;
use crate::app::App;
use crate::http::body::{Body, read_as};
use crate::http::error::{ApiError, Code};
use crate::http::extract::languages::in_query;
use crate::http::extract::visitor::Visitor;
use crate::routes::visitor::me::ChangeBody;

/// The parts of the page that can be saved, by their names in the query.
const SECTIONS: [(&str, Section); 3] = [("answers", Section::Answers), ("language", Section::Language), ("mail", Section::Mail)];

/// A person's own page: the place, the link to share, friends and rewards, and what can be changed.
#[get("/{token}")]
pub async fn own_page(app: web::Data<App>, request: HttpRequest, Visitor(person): Visitor) -> Result<HttpResponse, ApiError> {
    let look = look(&app, &request, &person).await?;
    let typed = typed_of(person.entry.profile.name.as_str(), person.entry.profile.metadata.document(), look.language());
    let named = in_query(&request, &["saved"]);
    let saved = SECTIONS.into_iter().find(|(name, _)| named.as_deref() == Some(*name)).map(|(_, section)| section);
    render(
        &app,
        &look,
        &person,
        StatusCode::OK,
        Form { fields: &person.waitlist.settings.custom_fields, typed: &typed, problems: &[] },
        saved,
    )
    .await
}

async fn look<'a>(app: &'a App, request: &HttpRequest, person: &'a visit::Visitor) -> Result<Look<'a>, ApiError> {
    let entry = &person.entry;
    Look::of(app, request, entry.profile.locale.as_ref(), (&person.waitlist, &person.brand)).await
}

async fn render(
    app: &App,
    look: &Look<'_>,
    person: &visit::Visitor,
    status: StatusCode,
    form: Form<'_>,
    saved: Option<Section>,
) -> Result<HttpResponse, ApiError> {
    let seen = visit::look(&app.ports, person).await?;
    let visit::Visitor { entry, waitlist, workspace_slug, .. } = person;
    let rewards = &waitlist.settings.referral_rewards;
    let variant = visit::variant_of(&app.ports, waitlist.id, entry.variant_id).await?;
    let words = waitlist.words(variant.as_ref());
    let own = own_path(app, person);
    let [answers, mail, leave] = ["answers", "mail", "leave"].map(|part| look.lead(look.keep_language(format!("{own}/{part}"))));
    // Who sets another language does not stay with the one of the menu.
    let language = look.lead(format!("{own}/language"));
    let export = format!("{}/v1{}/export", look.root(), &own[look.root().len()..]);
    let masked: Vec<Option<String>> =
        seen.friends.iter().map(|friend| friend.email.as_ref().map(|email| email.masked().to_string())).collect();
    let pairs = masked.iter().zip(&seen.friends);
    let friends: Vec<Friend<'_>> = pairs
        .map(|(masked, friend)| Friend { masked_email: masked.as_deref(), waiting: !friend.is_credited, joined_at: friend.joined_at })
        .collect();
    let credited = friends.iter().filter(|friend| !friend.waiting).count();
    let all: Vec<ReachedReward<'_>> =
        rewards.reached(u64::MAX).into_iter().map(|milestone| reward(milestone, entry.referral_count, &seen)).collect();
    let frame = look.frame();
    let page = VisitorPage {
        frame,
        list: words.display_name.as_str(),
        standing: standing(person, &seen),
        message: words.confirmation_message.map(ConfirmationMessage::as_str),
        openness: openness_to_friends(app, waitlist).await?,
        boost: waitlist.settings.referral_boost.places().into(),
        share_url: &app.ports.links.referral(workspace_slug, waitlist, &entry.referral_code),
        referral_count: entry.referral_count,
        friends: &friends,
        more_friends: entry.referral_count.saturating_sub(credited as u64),
        rewards: &all,
        next_reward: rewards.next(entry.referral_count).map(|next| NextReward {
            count: next.count,
            text: &next.reward,
            remaining: next.count - entry.referral_count,
        }),
        email: entry.profile.email.as_str(),
        form,
        subscribed: seen.is_subscribed,
        chooses_mail: seen.chooses_mail,
        joined_at: entry.created_at,
        confirmed_at: entry.confirmed_at,
        links: VisitorLinks { answers: &answers, language: &language, mail: &mail, export: &export, leave: &leave },
        saved: saved.filter(|section| *section != Section::Mail || seen.chooses_mail),
    };
    Ok(show(status, &page, &frame))
}

fn reward<'a>(milestone: &'a Milestone, referrals: u64, seen: &Visit) -> ReachedReward<'a> {
    let Milestone { count, reward } = milestone;
    let reached = *count <= referrals;
    ReachedReward { count: *count, text: reward, reached, reached_at: seen.reached_at(*count).filter(|_| reached) }
}

fn standing(person: &visit::Visitor, seen: &Visit) -> Standing {
    let Some(ahead) = seen.ahead else { return Standing::Rejected };
    let review = match (person.entry.status, person.waitlist.settings.approval) {
        (_, Approval::Automatic) => Review::None,
        (EntryStatus::Approved, Approval::Required) => Review::Approved,
        (EntryStatus::Pending | EntryStatus::Rejected, Approval::Required) => Review::Waiting,
    };
    Standing::Listed { place: ahead + 1, ahead, total: seen.total, review }
}

/// The path of a person's page.
fn own_path(app: &App, person: &visit::Visitor) -> String {
    let links = &app.ports.links;
    let url = links.status(person.entry.id, person.entry.link_generation);
    format!("{}{}", links.root(), &url[links.base().len()..])
}

/// Leads back to the person's page, to the message of what was saved.
fn saved(app: &App, request: &HttpRequest, person: &visit::Visitor, section: &str) -> HttpResponse {
    let url = in_chosen_language(format!("{}?saved={section}", own_path(app, person)), request);
    see_other(&format!("{}#saved", embedded(url, is_embedded(request))))
}

async fn change(app: &App, person: &visit::Visitor, body: Value) -> Result<visit::Visitor, ApiError> {
    let change = read_as::<ChangeBody>(body)?.parse(&person.waitlist.settings.custom_fields)?;
    app.limits.take_change(person.entry.id)?;
    let changed = visit::change(&app.ports, person.clone(), change).await?;
    app.wake_relays();
    Ok(changed)
}

/// Changes the name and the answers. What does not fit comes back with what was typed.
#[post("/{token}/answers")]
pub async fn change_answers(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(person): Visitor,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let look = look(&app, &request, &person).await?;
    let typed = body.form().await?;
    let name = value_of(&typed, "name").unwrap_or_default();
    let fields = &person.waitlist.settings.custom_fields;
    let metadata = answered(person.entry.profile.metadata.document(), fields, answers_of(fields, &typed, look.language()));
    let error = match change(&app, &person, json!({"name": name, "metadata": metadata})).await {
        Ok(person) => return Ok(saved(&app, &request, &person, "answers")),
        Err(error) if error.code == Code::ValidationFailed => error,
        Err(error) => return Err(error),
    };
    let problems: Vec<(String, Problem)> = error.errors.into_iter().map(|error| (error.field, Problem::Refused)).collect();
    render(&app, &look, &person, StatusCode::UNPROCESSABLE_ENTITY, Form { fields, typed: &typed, problems: &problems }, None).await
}

/// Returns the new metadata of a person: the answers, and everything else that was kept.
fn answered(kept: &Map<String, Value>, fields: &[CustomField], answers: Map<String, Value>) -> Map<String, Value> {
    let is_asked = |key: &str| fields.iter().any(|field| field.key == key);
    let others = kept.iter().filter(|(key, _)| !is_asked(key)).map(|(key, value)| (key.clone(), value.clone()));
    others.chain(answers).collect()
}

fn value_of<'a>(typed: &'a [(String, String)], name: &str) -> Option<&'a str> {
    typed.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
}

/// Changes the language of mail and pages.
#[post("/{token}/language")]
pub async fn change_language(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(person): Visitor,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let typed = body.form().await?;
    let person = change(&app, &person, json!({"locale": value_of(&typed, "locale").unwrap_or_default()})).await?;
    Ok(saved(&app, &request, &person, "language"))
}

/// Ends mail, or lets it go on.
#[post("/{token}/mail")]
pub async fn change_mail(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(person): Visitor,
    body: Body,
) -> Result<HttpResponse, ApiError> {
    let typed = body.form().await?;
    let subscribed = match value_of(&typed, "subscribed") {
        Some("true") => json!(true),
        Some("false") => json!(false),
        other => json!(other.unwrap_or_default()),
    };
    let person = change(&app, &person, json!({"mail": {"subscribed": subscribed}})).await?;
    Ok(saved(&app, &request, &person, "mail"))
}

/// Leads to the person's page from the address of a form of it, which a browser shows after the form was refused.
#[get("/{token}/{form:answers|language|mail}")]
pub async fn to_own_page(app: web::Data<App>, request: HttpRequest, Visitor(person): Visitor) -> HttpResponse {
    see_other(&embedded(in_chosen_language(own_path(&app, &person), &request), is_embedded(&request)))
}

/// Asks whether the person leaves.
#[get("/{token}/leave")]
pub async fn leave_page(app: web::Data<App>, request: HttpRequest, Visitor(person): Visitor) -> Result<HttpResponse, ApiError> {
    let look = look(&app, &request, &person).await?;
    let variant = visit::variant_of(&app.ports, person.waitlist.id, person.entry.variant_id).await?;
    let own = own_path(&app, &person);
    let here = look.lead(format!("{own}/leave"));
    let (action, own) = (look.keep_language(here.clone()), look.lead(look.keep_language(own)));
    let frame = look.frame_at(&here);
    let ask = Ask::Leave { list: person.waitlist.words(variant.as_ref()).display_name.as_str() };
    Ok(show(StatusCode::OK, &AskPage { frame, ask, action: &action, back: Some(&own) }, &frame))
}

/// Erases the person, and leads to a page that says so.
#[post("/{token}/leave")]
pub async fn leave_list(app: web::Data<App>, request: HttpRequest, Visitor(person): Visitor) -> Result<HttpResponse, ApiError> {
    let look = look(&app, &request, &person).await?;
    erase::leave(&app.ports, &person.entry).await?;
    app.wake_relays();
    let list = format!("{}/w/{}/{}", look.root(), person.workspace_slug.as_str(), person.waitlist.slug.as_str());
    Ok(see_other(&look.lead(format!("{list}/left?lang={}", look.language().tag()))))
}
