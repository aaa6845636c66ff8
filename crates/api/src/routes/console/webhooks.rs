//! The webhooks of a workspace.

use actix_web::body::to_bytes;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rally_console::page::{ConfirmPage, DeliveryRow, FormPage, Secret, SecretPage, WebhookPage, WebhookRow, WebhooksPage};
use rally_console::{Count, Form, State};
use rally_domain::access::{IdempotencyKey, Receipt};
use rally_domain::command::{DeleteWebhook, RotateSecret, TestWebhook};
use rally_domain::delivery::{Attempt, DeliveryState};
use rally_domain::error::FieldError;
use rally_domain::event::{Event, EventKind};
use rally_domain::id::{EventId, WebhookId};
use rally_domain::paging::Limit;
use rally_domain::webhook::Webhook;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::doors::{Open, Pairs, Posted};
use super::look::{Done, body_of, done, refused, replayed, show, show_as, typed};
use super::once::{name_of, with_once};
use super::seen::{changes, with_seen};
use crate::auth::permit;
use crate::http::error::{ApiError, Code};
use crate::http::extract::languages::in_query;
use crate::idempotency::{self, IDEMPOTENT_REPLAY, Reply};
use crate::routes::admin::webhooks::change::update_webhook;
use crate::routes::admin::webhooks::create::create_webhook;
use crate::routes::admin::webhooks::replay::{replay_to, resend_by};
use crate::webhook_secret;

/// The most attempts that a page shows.
const ATTEMPTS: u16 = 50;

/// The path of a webhook: the workspace and the webhook.
type Place = web::Path<(String, String)>;

fn event_types() -> Vec<String> {
    EventKind::ALL.iter().map(|kind| kind.as_str().to_owned()).collect()
}

/// Lists the webhooks, newest first.
#[get("/w/{ws}/webhooks")]
pub async fn list(door: Open<permit::WebhookRead>) -> Result<HttpResponse, ApiError> {
    let webhooks = door.app.ports.webhooks.list(door.workspace_id()).await?;
    Ok(show(&WebhooksPage { frame: door.frame(), rows: webhooks.iter().rev().map(row).collect() }))
}

fn row(webhook: &Webhook) -> WebhookRow {
    WebhookRow {
        id: webhook.id.to_string(),
        url: webhook.url.as_str().to_owned(),
        events: webhook.events.kinds().iter().map(|kind| kind.as_str().to_owned()).collect(),
        is_active: webhook.active,
        auto_disabled_at: webhook.auto_disabled_at.map(Into::into),
        failures: Count(u64::from(webhook.failure_count)),
    }
}

/// Asks for a new webhook.
#[get("/w/{ws}/new-webhook")]
pub async fn new_webhook(door: Open<permit::WebhookCreate>) -> HttpResponse {
    let form = with_once(Form::new(event_types().into_iter().map(|kind| ("events", kind))), &*door.app.ports.ids);
    show(&FormPage::new_webhook(door.frame(), form, &event_types()))
}

/// A webhook with its new secret, as the answer to a form is stored, so that the form is carried out once.
#[derive(Serialize, Deserialize)]
struct Issued {
    id: String,
    url: String,
    secret: String,
}

impl Issued {
    fn new(webhook: &Webhook, secret: &str) -> Self {
        Self { id: webhook.id.to_string(), url: webhook.url.as_str().to_owned(), secret: secret.to_owned() }
    }

    /// Carries out a form that issues a secret. `None` if that was done already, or is being done: the secret is shown once, and may be
    /// another one by now.
    async fn once<P>(
        posted: &Posted<Open<P>>,
        route: String,
        shown: String,
        command: impl AsyncFnOnce(Option<Receipt<Webhook>>) -> Result<Webhook, ApiError>,
    ) -> Result<Option<Self>, ApiError> {
        let key = name_of(&posted.form).and_then(|name| IdempotencyKey::parse(&URL_SAFE_NO_PAD.encode(name)).ok());
        let request = idempotency::Request { workspace_id: posted.workspace_id(), route, key, body: None };
        let render = move |webhook: &Webhook| Reply::created(&Self::new(webhook, &shown));
        let reply = match posted.app.idempotency.once(&posted.app.ports, request, render, command).await {
            Ok(reply) if reply.headers().contains_key(IDEMPOTENT_REPLAY) => return Ok(None),
            Err(error) if error.code == Code::IdempotencyInProgress => return Ok(None),
            outcome => outcome?,
        };
        let body = to_bytes(reply.into_body()).await.map_err(|error| ApiError::broken(error.to_string()))?;
        serde_json::from_slice(&body).map(Some).map_err(ApiError::broken)
    }
}

/// Creates a webhook, and shows its secret.
#[post("/w/{ws}/new-webhook")]
pub async fn create(posted: Posted<Open<permit::WebhookCreate>>) -> Result<HttpResponse, ApiError> {
    let id = WebhookId::new(posted.app.ports.ids.uuid());
    let (secret, shown) = webhook_secret::issue(&posted.app.webhook_sealer, id);
    let body = Value::Object(values(&posted.form));
    let create = async |receipt| create_webhook(&posted.app, &posted.admin, body, (id, secret), receipt).await;
    match Issued::once(&posted, "console POST webhooks".to_owned(), shown, create).await {
        Ok(None) => Ok(done(&posted.urls().webhooks(), Done::IssuedBefore)),
        Ok(Some(Issued { id, url, secret })) => Ok(show(&SecretPage { frame: posted.frame(), of: Secret::Webhook { id, url }, secret })),
        Err(error) => {
            let form = typed(&posted.form, refused(error)?);
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &FormPage::new_webhook(posted.frame(), form, &event_types())))
        }
    }
}

async fn find<P>(door: &Open<P>, place: &Place) -> Result<Webhook, ApiError> {
    let id = WebhookId::parse(&place.1).map_err(|_| ApiError::no_webhook())?;
    door.app.ports.webhooks.find(door.workspace_id(), id).await?.ok_or_else(ApiError::no_webhook)
}

/// Shows a webhook with its deliveries, or with those in a state.
#[get("/w/{ws}/webhooks/{webhook}")]
pub async fn show_page(door: Open<permit::WebhookRead>, place: Place, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let webhook = find(&door, &place).await?;
    let bad = |error| ApiError::validation(vec![FieldError::new("state", error)]);
    let state = in_query(&request, &["state"]).map(|state| DeliveryState::parse(&state)).transpose().map_err(bad)?;
    Ok(show(&webhook_page(&door, &webhook, stored(&webhook), state).await?))
}

/// The form with what is stored.
fn stored(webhook: &Webhook) -> Form {
    let url = ("url", webhook.url.as_str().to_owned());
    let events = webhook.events.kinds().iter().map(|kind| ("events", kind.as_str().to_owned()));
    let form = Form::new(std::iter::once(url).chain(events));
    let values = values(&form.values);
    with_seen(form, &values)
}

/// The values of the form: the URL, and the events in the order of their names.
fn values(form: &Pairs) -> Map<String, Value> {
    let mut events: Vec<&str> = form.iter().filter(|(name, _)| name == "events").map(|(_, kind)| kind.as_str()).collect();
    events.sort_unstable();
    let mut values = body_of(form, &["url"]);
    // The API leaves a URL that is null as it is, and a form that has none is refused.
    values.entry("url").and_modify(|url| *url = Value::from(url.as_str().unwrap_or_default()));
    values.insert("events".to_owned(), json!(events));
    values
}

async fn webhook_page<P>(door: &Open<P>, webhook: &Webhook, form: Form, state: Option<DeliveryState>) -> Result<WebhookPage, ApiError> {
    let limit = Limit::of::<ATTEMPTS>();
    let attempts = match state {
        Some(state) => door.app.ports.webhooks.attempts_of(webhook.id, state, limit).await?,
        None => door.app.ports.webhooks.attempts(webhook.id, limit).await?,
    };
    Ok(WebhookPage {
        frame: door.frame(),
        webhook: row(webhook),
        form,
        event_types: event_types(),
        state: state.map(|state| state.as_str().to_owned()),
        deliveries: attempts.iter().map(delivery).collect(),
    })
}

fn delivery(attempt: &Attempt) -> DeliveryRow {
    let arrived = attempt.status_code.is_some_and(|status| (200..300).contains(&status));
    DeliveryRow {
        event_id: attempt.event_id.to_string(),
        event_type: attempt.kind.as_str().to_owned(),
        state: State::from(if arrived { "delivered" } else { "failed" }),
        attempt: Count(u64::from(attempt.number)),
        status_code: attempt.status_code,
        error: attempt.error_message.clone(),
        response: attempt.response_body.clone(),
        latency: Count(u64::try_from(attempt.latency.whole_milliseconds()).unwrap_or(0)),
        at: attempt.created_at.into(),
    }
}

type Update = Posted<Open<permit::WebhookUpdate>>;

/// Changes the URL and the events. What the person did not change stays as it is stored.
#[post("/w/{ws}/webhooks/{webhook}")]
pub async fn update(posted: Update, place: Place) -> Result<HttpResponse, ApiError> {
    let webhook = find(&posted, &place).await?;
    let changed = match changes(&posted.form, values(&posted.form), &values(&stored(&webhook).values)) {
        Ok(changed) => changed,
        Err(form) => return Ok(show_as(StatusCode::CONFLICT, &webhook_page(&posted, &webhook, *form, None).await?)),
    };
    match update_webhook(&posted.app, &posted.admin, webhook.id, Value::Object(changed)).await {
        Ok(webhook) => Ok(done(&posted.urls().webhook(&webhook.id.to_string()), Done::Saved)),
        Err(error) => {
            let page = webhook_page(&posted, &webhook, typed(&posted.form, refused(error)?), None).await?;
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// Enables or disables a webhook.
#[post("/w/{ws}/webhooks/{webhook}/active")]
pub async fn set_active(posted: Update, place: Place) -> Result<HttpResponse, ApiError> {
    let webhook = find(&posted, &place).await?;
    update_webhook(&posted.app, &posted.admin, webhook.id, json!({"active": posted.value("active") == "true"})).await?;
    Ok(done(&posted.urls().webhook(&webhook.id.to_string()), Done::Saved))
}

/// Rotates the secret, after asking, and shows the new one.
#[post("/w/{ws}/webhooks/{webhook}/rotate")]
pub async fn rotate(posted: Update, place: Place) -> Result<HttpResponse, ApiError> {
    let webhook = find(&posted, &place).await?;
    let (id, url) = (webhook.id.to_string(), webhook.url.as_str().to_owned());
    if !posted.is_confirmed() {
        let form = with_once(Form::default(), &*posted.app.ports.ids);
        return Ok(show(&ConfirmPage::rotate(posted.frame(), &id, &url, form.values)));
    }
    let (secret, shown) = webhook_secret::issue(&posted.app.webhook_sealer, webhook.id);
    let (workspace_id, actor, now) = (posted.workspace_id(), posted.admin.actor(), posted.app.ports.clock.now());
    let rotate = async |receipt| {
        let command = RotateSecret { id: webhook.id, workspace_id, secret, actor, now };
        Ok(posted.app.ports.webhooks.rotate(command, receipt).await?)
    };
    Ok(match Issued::once(&posted, format!("console POST webhooks/{id}/rotate"), shown, rotate).await? {
        Some(Issued { id, url, secret }) => show(&SecretPage { frame: posted.frame(), of: Secret::Rotated { id, url }, secret }),
        None => done(&posted.urls().webhook(&id), Done::IssuedBefore),
    })
}

/// Sends a test event.
#[post("/w/{ws}/webhooks/{webhook}/test")]
pub async fn test(posted: Update, place: Place) -> Result<HttpResponse, ApiError> {
    let webhook = find(&posted, &place).await?;
    let unknown = |error| ApiError::validation(vec![FieldError::new("type", error)]);
    let kind = EventKind::parse(posted.value("type")).map_err(unknown)?;
    let (ports, workspace_id) = (&posted.app.ports, posted.workspace_id());
    let event = Event::test(EventId::new(ports.ids.uuid()), kind, ports.clock.now(), workspace_id, None);
    ports.webhooks.test(TestWebhook { id: webhook.id, workspace_id, event, actor: posted.admin.actor() }).await?;
    posted.app.wake_relays();
    Ok(done(&posted.urls().webhook(&webhook.id.to_string()), Done::Tested))
}

/// Sends an event once more.
#[post("/w/{ws}/webhooks/{webhook}/resend")]
pub async fn resend(posted: Update, place: Place) -> Result<HttpResponse, ApiError> {
    let webhook = find(&posted, &place).await?;
    let event_id = EventId::parse(posted.value("event_id")).map_err(|_| ApiError::no_delivery())?;
    resend_by(&posted.app, &posted.admin, webhook.id, event_id).await?;
    Ok(done(&posted.urls().webhook(&webhook.id.to_string()), Done::Resent))
}

/// Sends the events of a period once more.
#[post("/w/{ws}/webhooks/{webhook}/replay")]
pub async fn replay(posted: Update, place: Place) -> Result<HttpResponse, ApiError> {
    let webhook = find(&posted, &place).await?;
    let body = json!({"since": in_utc(posted.value("since")), "until": in_utc(posted.value("until")), "state": posted.value("state")});
    match replay_to(&posted.app, &webhook, posted.admin.actor(), body).await {
        Ok(events) => Ok(replayed(&posted.urls().webhook(&webhook.id.to_string()), events)),
        Err(error) => {
            let shown = Form { values: [stored(&webhook).values, posted.form.clone()].concat(), ..Form::default() };
            let page = webhook_page(&posted, &webhook, shown.refused(refused(error)?), None).await?;
            Ok(show_as(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// A time as fields of browsers have it, without a zone and maybe without seconds, as the API has it.
fn in_utc(typed: &str) -> String {
    match typed.trim() {
        "" => String::new(),
        minute if minute.len() == "2026-01-31T09:00".len() => format!("{minute}:00Z"),
        second => format!("{second}Z"),
    }
}

/// Deletes a webhook, after asking.
#[post("/w/{ws}/webhooks/{webhook}/delete")]
pub async fn delete(posted: Posted<Open<permit::WebhookDelete>>, place: Place) -> Result<HttpResponse, ApiError> {
    let webhook = find(&posted, &place).await?;
    if !posted.is_confirmed() {
        let page = ConfirmPage::delete_webhook(posted.frame(), &webhook.id.to_string(), webhook.url.as_str(), Count(0));
        return Ok(show(&page));
    }
    let (workspace_id, actor, now) = (posted.workspace_id(), posted.admin.actor(), posted.app.ports.clock.now());
    posted.app.ports.webhooks.delete(DeleteWebhook { id: webhook.id, workspace_id, actor, now }).await?;
    Ok(done(&posted.urls().webhooks(), Done::Deleted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_a_browser_is_one_of_the_api() {
        assert_eq!(["", " 2026-01-31T09:00", "2026-01-31T09:00:30.5"].map(in_utc), ["", "2026-01-31T09:00:00Z", "2026-01-31T09:00:30.5Z"]);
    }
}
