//! Webhooks and their deliveries.

use askama::Template;

use super::framed;
use crate::form::{Choice, Field, Form, Summary};
use crate::frame::{Frame, Framed};
use crate::part::{Count, State, Time};

/// A webhook among others.
#[derive(Debug, Clone, Default)]
pub struct WebhookRow {
    /// The id.
    pub id: String,
    /// The URL.
    pub url: String,
    /// The types of events.
    pub events: Vec<String>,
    /// Whether it gets events.
    pub is_active: bool,
    /// When Rally disabled it.
    pub auto_disabled_at: Option<Time>,
    /// The failed attempts in a row.
    pub failures: Count,
}

/// The webhooks of a workspace: `GET /v1/workspaces/{ws}/webhooks`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "webhooks.html", whitespace = "minimize")]
pub struct WebhooksPage {
    /// The frame.
    pub frame: Frame,
    /// The webhooks, newest first.
    pub rows: Vec<WebhookRow>,
}

framed!(WebhooksPage, Webhooks, |_page| "Webhooks".to_owned());

/// An attempt to deliver an event.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    /// The id of the event.
    pub event_id: String,
    /// The type of the event.
    pub event_type: String,
    /// `pending`, `delivered` or `dead`: what became of the event for this webhook.
    pub state: State,
    /// The number of the attempt.
    pub attempt: Count,
    /// The status of the answer.
    pub status_code: Option<u16>,
    /// Why there was no good answer.
    pub error: Option<String>,
    /// The start of the answer.
    pub response: Option<String>,
    /// How long it took, in milliseconds.
    pub latency: Count,
    /// When it was made.
    pub at: Time,
}

/// A webhook with its deliveries: `GET …/webhooks`, `PATCH …/webhooks/{id}`, `GET …/webhooks/{id}/deliveries`.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "webhook.html", whitespace = "minimize")]
pub struct WebhookPage {
    /// The frame.
    pub frame: Frame,
    /// The webhook as stored.
    pub webhook: WebhookRow,
    /// The fields `url` and `events`, and of a refused replay `since`, `until` and `state`.
    pub form: Form,
    /// All types of events.
    pub event_types: Vec<String>,
    /// The state of the query.
    pub state: Option<String>,
    /// The deliveries, newest first, at most 50.
    pub deliveries: Vec<DeliveryRow>,
}

framed!(WebhookPage, Webhooks, |page| page.webhook.url.clone(), |page| !page.form.errors.is_empty());

pub(crate) fn event_choices(types: &[String]) -> Vec<Choice> {
    types.iter().map(|kind| Choice::new(kind, kind)).collect()
}

impl WebhookPage {
    /// Whether events can be sent by hand. A form that was refused is shown in any case.
    fn may_send(&self) -> bool {
        let is_refused = self.form.errors.iter().any(|(name, _)| ["since", "until", "state"].contains(&name.as_str()));
        self.can().webhook_update && (self.webhook.is_active || is_refused)
    }

    fn fields(&self) -> Vec<Field> {
        vec![
            self.form.url("url", "URL").hint("https, at a public address"),
            self.form.several("events", "Events", &event_choices(&self.event_types)),
        ]
    }

    fn replay_fields(&self) -> Vec<Field> {
        let form = &self.form;
        vec![
            form.line("since", "From (UTC)").moment(),
            form.line("until", "To (UTC)").moment(),
            form.select("state", "Which", &[("dead", "Those given up"), ("all", "All")]),
        ]
    }

    fn summary(&self) -> Summary {
        let fields: Vec<Field> = self.fields().into_iter().chain(self.replay_fields()).collect();
        self.form.summary(&fields)
    }

    /// Returns the choices of state: the address, the word, and whether it is chosen.
    fn tabs(&self) -> Vec<(String, &'static str, bool)> {
        let tab = |(state, word): (Option<&str>, &'static str)| {
            let query = state.map(|state| format!("?state={state}")).unwrap_or_default();
            (format!("{}{query}", self.ws().webhook(&self.webhook.id)), word, self.state.as_deref() == state)
        };
        [(None, "All"), (Some("pending"), "Pending"), (Some("delivered"), "Delivered"), (Some("dead"), "Dead")].map(tab).into()
    }
}
