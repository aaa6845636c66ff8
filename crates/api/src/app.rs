//! What every handler can reach.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use moka::sync::Cache;
use rally_domain::entry::Leader;
use rally_domain::id::{VariantId, WaitlistId, WorkspaceId};
use rally_domain::port::{Ports, WebhookSender};
use rally_domain::slug::Slug;
use rally_domain::waitlist::PublicWaitlist;
use tokio::sync::{Notify, Semaphore};

use crate::auth::Authenticator;
use crate::cache::responses::Responses;
use crate::encryption::Sealer;
use crate::exports::Exports;
use crate::http::allowed_methods::AllowedMethods;
use crate::http::cursor::Cursors;
use crate::http::error::{ApiError, Code};
use crate::http::extract::client::TrustedProxies;
use crate::http::limits::Limits;
use crate::idempotency::Idempotency;

/// The application, one per process, shared by all its threads.
pub struct App {
    /// The world.
    pub ports: Ports,
    /// Who may call.
    pub auth: Authenticator,
    /// Requests that may be repeated.
    pub idempotency: Idempotency,
    /// Sends events to webhooks.
    pub sender: Arc<dyn WebhookSender>,
    /// The slots that checks of URLs have, by workspace.
    pub url_checks: Cache<WorkspaceId, Arc<Semaphore>>,
    /// Encrypts the secrets of webhooks.
    pub webhook_sealer: Sealer,
    /// How often anybody may do something.
    pub limits: Limits,
    /// Proxies whose word on where a request comes from is taken.
    pub proxies: TrustedProxies,
    /// The slots that exports have.
    pub exports: Exports,
    /// Wakes the relays.
    pub relays: Vec<Arc<Notify>>,
    /// Seals of pages.
    pub cursors: Cursors,
    /// Public waitlists as they are sent, by the slug the workspace was asked by and the variant.
    pub infos: Responses<(WaitlistId, Slug, Option<VariantId>), PublicWaitlist>,
    /// Leaderboards as they are sent, by list and number of rows.
    pub leaderboards: Responses<(WaitlistId, usize), [Leader]>,
    /// Which methods every path takes.
    pub routes: AllowedMethods,
}

impl App {
    /// The application that a request came to.
    ///
    /// # Errors
    /// When there is none, which no server here is without.
    pub fn of(request: &HttpRequest) -> Result<&web::Data<Self>, ApiError> {
        request.app_data().ok_or_else(|| ApiError::new(Code::InternalError, "no application"))
    }

    /// Lets events and mail that were just written go out at once.
    pub fn wake_relays(&self) {
        self.relays.iter().for_each(|relay| relay.notify_one());
    }
}
