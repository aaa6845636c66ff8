//! The variants of a list.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use rally_console::page::{ConfirmPage, VariantPage, VariantRow, VariantsPage};
use rally_console::{Count, Form, Share};
use rally_domain::analytics::{VariantSignups, share};
use rally_domain::command::DeleteVariant;
use rally_domain::id::VariantId;
use rally_domain::variant::Variant;
use serde_json::{Map, Value};

use super::doors::{OpenedList, Pairs, Posted};
use super::look::{Done, body_of, done, refused, show, show_as, typed};
use super::seen::{changes, with_seen};
use crate::auth::{Action, permit};
use crate::http::error::ApiError;
use crate::routes::admin::variants::{create_variant, update_variant};

/// The path of a variant: the workspace, the list and the variant.
type Place = web::Path<(String, String, String)>;

fn id_of(place: &Place) -> Result<VariantId, ApiError> {
    VariantId::parse(&place.2).map_err(|_| ApiError::no_variant())
}

/// Lists the variants, oldest first.
#[get("/w/{ws}/lists/{list}/variants")]
pub async fn list(door: OpenedList<permit::VariantRead>) -> Result<HttpResponse, ApiError> {
    let (signups, total) = match door.admin.may(Action::RallyRead) {
        true => signups(&door).await?,
        false => (Vec::new(), 0),
    };
    let count_of = |id: VariantId| {
        signups.iter().find(|row| row.variant.as_ref().is_some_and(|variant| variant.id == id)).map_or(0, |row| row.signups)
    };
    let variants = door.app.ports.variants.list(door.waitlist.id).await?;
    let rows = variants.iter().map(|variant| row(variant, count_of(variant.id), total)).collect();
    Ok(show(&VariantsPage { frame: door.frame(), rows }))
}

async fn signups<P>(door: &OpenedList<P>) -> Result<(Vec<VariantSignups>, u64), ApiError> {
    let analytics = door.app.ports.stats.analytics(door.waitlist.id, door.app.ports.clock.now().day()).await?;
    Ok((analytics.by_variant, analytics.counters.total()))
}

fn row(variant: &Variant, signups: u64, total: u64) -> VariantRow {
    VariantRow {
        id: variant.id.to_string(),
        kind: variant.kind.as_str().to_owned(),
        locale: variant.locale.to_string(),
        display_name: variant.copy.display_name.as_ref().map(ToString::to_string),
        weight: variant.weight.number(),
        is_active: variant.active,
        signups: Count(signups),
        share: Share(share(signups, total)),
    }
}

/// Asks for a new variant.
#[get("/w/{ws}/lists/{list}/new-variant")]
pub async fn new_variant(door: OpenedList<permit::VariantCreate>) -> HttpResponse {
    let form = Form::new([("kind", "ab"), ("locale", "en"), ("weight", "1"), ("active", "true")]);
    show(&VariantPage { frame: door.frame(), id: None, form })
}

/// The texts of the form that a variant may replace.
const TEXTS: [&str; 3] = ["copy.display_name", "copy.description", "copy.confirmation_message"];

/// The values of the form. Texts have names such as `copy.description`.
fn values(form: &Pairs) -> Map<String, Value> {
    let mut values = body_of(form, &["kind", "locale"]);
    // The API leaves a locale that is null as it is, and a form that has none is refused.
    values.entry("locale").and_modify(|locale| *locale = Value::from(locale.as_str().unwrap_or_default()));
    let weight = form.iter().find(|(name, _)| name == "weight").map_or("", |(_, value)| value.trim());
    values.insert("weight".to_owned(), weight.parse::<u64>().map_or_else(|_| Value::from(weight), Value::from));
    values.insert("active".to_owned(), Value::from(form.iter().any(|(name, value)| name == "active" && value == "true")));
    values.extend(body_of(form, &TEXTS));
    values
}

/// Some values of the form as a body of the API. Other texts stay as they are.
fn body(values: Map<String, Value>, mut kept: Map<String, Value>) -> Value {
    let mut body = Map::new();
    for (name, value) in values {
        match name.strip_prefix("copy.") {
            Some(text) if value.is_null() => drop(kept.remove(text)),
            Some(text) => drop(kept.insert(text.to_owned(), value)),
            None => drop(body.insert(name, value)),
        }
    }
    body.insert("copy".to_owned(), Value::Object(kept));
    Value::Object(body)
}

/// Creates a variant.
#[post("/w/{ws}/lists/{list}/new-variant")]
pub async fn create(posted: Posted<OpenedList<permit::VariantCreate>>) -> Result<HttpResponse, ApiError> {
    match create_variant(&posted.app, posted.admin.actor(), posted.waitlist.id, body(values(&posted.form), Map::new())).await {
        Ok(_) => Ok(done(&posted.list_urls().variants(), Done::Created)),
        Err(error) => {
            let form = typed(&posted.form, refused(error)?);
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &VariantPage { frame: posted.frame(), id: None, form }))
        }
    }
}

async fn find<P>(door: &OpenedList<P>, place: &Place) -> Result<Variant, ApiError> {
    let id = id_of(place)?;
    let variants = door.app.ports.variants.list(door.waitlist.id).await?;
    variants.into_iter().find(|variant| variant.id == id).ok_or_else(ApiError::no_variant)
}

/// Shows a variant.
#[get("/w/{ws}/lists/{list}/variants/{variant}")]
pub async fn show_page(door: OpenedList<permit::VariantRead>, place: Place) -> Result<HttpResponse, ApiError> {
    let variant = find(&door, &place).await?;
    Ok(show(&VariantPage { frame: door.frame(), id: Some(variant.id.to_string()), form: form_of(&variant) }))
}

fn form_of(variant: &Variant) -> Form {
    let copy = variant.copy.to_document();
    let text = |name: &str| copy.get(name.trim_start_matches("copy.")).and_then(Value::as_str).unwrap_or_default().to_owned();
    let fixed = [("locale".to_owned(), variant.locale.to_string()), ("weight".to_owned(), variant.weight.number().to_string())];
    let active = variant.active.then(|| ("active".to_owned(), "true".to_owned()));
    let form = Form::new(fixed.into_iter().chain(active).chain(TEXTS.map(|name| (name.to_owned(), text(name)))));
    let values = values(&form.values);
    with_seen(form, &values)
}

/// Changes a variant. What the person did not change stays as it is stored.
#[post("/w/{ws}/lists/{list}/variants/{variant}")]
pub async fn update(posted: Posted<OpenedList<permit::VariantUpdate>>, place: Place) -> Result<HttpResponse, ApiError> {
    let variant = find(&posted, &place).await?;
    let page = |form| VariantPage { frame: posted.frame(), id: Some(variant.id.to_string()), form };
    let changed = match changes(&posted.form, values(&posted.form), &values(&form_of(&variant).values)) {
        Ok(changed) => changed,
        Err(form) => return Ok(show_as(StatusCode::CONFLICT, &page(*form))),
    };
    let body = body(changed, variant.copy.to_document());
    match update_variant(&posted.app, posted.admin.actor(), posted.waitlist.id, variant.id, body).await {
        Ok(_) => Ok(done(&posted.list_urls().variant(&variant.id.to_string()), Done::Saved)),
        Err(error) => Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page(typed(&posted.form, refused(error)?)))),
    }
}

/// Deletes a variant, after asking.
#[post("/w/{ws}/lists/{list}/variants/{variant}/delete")]
pub async fn delete(posted: Posted<OpenedList<permit::VariantDelete>>, place: Place) -> Result<HttpResponse, ApiError> {
    let variant = find(&posted, &place).await?;
    if !posted.is_confirmed() {
        let (signups, _) = signups(&posted).await?;
        let is_it = |row: &&VariantSignups| row.variant.as_ref().is_some_and(|label| label.id == variant.id);
        let saw = signups.iter().find(is_it).map_or(0, |row| row.signups);
        return Ok(show(&ConfirmPage::delete_variant(posted.frame(), &variant.id.to_string(), Count(saw))));
    }
    let (actor, now) = (posted.admin.actor(), posted.app.ports.clock.now());
    posted.app.ports.variants.delete(DeleteVariant { id: variant.id, waitlist_id: posted.waitlist.id, actor, now }).await?;
    Ok(done(&posted.list_urls().variants(), Done::Deleted))
}
