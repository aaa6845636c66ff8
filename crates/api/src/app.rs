//! The state that every handler can reach.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use moka::sync::Cache;
use rally_domain::entry::Leader;
use rally_domain::id::{VariantId, WaitlistId, WorkspaceId};
use rally_domain::port::{Ports, TemplateEngine, WebhookSender};
use rally_domain::slug::Slug;
use rally_domain::waitlist::PublicWaitlist;
use rally_domain::web_origin::WebOrigin;
use rally_proof::Challenges;
use time::Duration;
use tokio::sync::{Notify, Semaphore};

use crate::auth::{Authenticator, ConsoleDoor, Oidc};
use crate::cache::responses::Responses;
use crate::encryption::Sealer;
use crate::exports::Exports;
use crate::feed_watch::FeedWatch;
use crate::http::allowed_methods::AllowedMethods;
use crate::http::cursor::Cursors;
use crate::http::error::ApiError;
use crate::http::extract::client::TrustedProxies;
use crate::http::form_seal::FormSeals;
use crate::http::limits::Limits;
use crate::http::pace::Paces;
use crate::idempotency::Idempotency;
use crate::routes::pages::PageKey;

/// The application. There is one per process, and all threads share it.
pub struct App {
    /// The ports.
    pub ports: Ports,
    /// Verifies admin tokens.
    pub auth: Authenticator,
    /// The door of the console.
    pub console: ConsoleDoor,
    /// Signs people in to the console through an identity provider, if one is set.
    pub oidc: Option<Oidc>,
    /// Carries out requests with an idempotency key once.
    pub idempotency: Idempotency,
    /// Sends events to webhooks.
    pub sender: Arc<dyn WebhookSender>,
    /// Checks and renders templates of mail.
    pub templates: Arc<dyn TemplateEngine>,
    /// The slots for checks of URLs, by workspace.
    pub url_checks: Cache<WorkspaceId, Arc<Semaphore>>,
    /// Encrypts the secrets of webhooks.
    pub webhook_sealer: Sealer,
    /// The rate limits.
    pub limits: Limits,
    /// Whether mails that strangers cause may have to wait for room in a budget.
    pub keeps_mail_back: bool,
    /// How long a sign-up waits for its confirmation.
    pub confirmation_ttl: Duration,
    /// The proxies that are trusted to name the client of a request.
    pub proxies: TrustedProxies,
    /// The slots for exports.
    pub exports: Exports,
    /// Requests that wait for news of a feed.
    pub feeds: FeedWatch,
    /// Wakes the relays.
    pub relays: Vec<Arc<Notify>>,
    /// Signs and checks the cursors of pages.
    pub cursors: Cursors,
    /// Seals the time at which a form was first shown.
    pub seals: FormSeals,
    /// Makes challenges to prove work, and checks their solutions.
    pub challenges: Challenges,
    /// How many sign-ups lists took in the last seconds.
    pub paces: Paces,
    /// The origin of the pages, whose forms every list takes.
    pub origin: Option<WebOrigin>,
    /// Rendered replies for public waitlists, by list, workspace slug of the request, variant, and whether the list is full.
    pub infos: Responses<(WaitlistId, Slug, Option<VariantId>, bool), PublicWaitlist>,
    /// Rendered sign-up pages, without the seals of their forms.
    pub pages: Responses<PageKey, PublicWaitlist>,
    /// Rendered leaderboards, by list and number of rows.
    pub leaderboards: Responses<(WaitlistId, usize), [Leader]>,
    /// The methods that each path accepts.
    pub routes: AllowedMethods,
}

impl App {
    /// The application that handles a request.
    ///
    /// # Errors
    /// Fails if there is none. Every server here has one.
    pub fn of(request: &HttpRequest) -> Result<&web::Data<Self>, ApiError> {
        request.app_data().ok_or_else(|| ApiError::broken("no application"))
    }

    /// Wakes the relays, so that they send new events and mail at once.
    pub fn wake_relays(&self) {
        self.relays.iter().for_each(|relay| relay.notify_one());
    }
}
