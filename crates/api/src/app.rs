//! What every handler can reach.

use std::sync::Arc;

use rally_domain::ports::{Ports, WebhookSender};
use tokio::sync::Notify;

use crate::auth::Authenticator;
use crate::cursor::Cursors;
use crate::idempotency::Idempotency;
use crate::openapi::RouteTable;
use crate::seal::Sealer;

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
    /// Encrypts the secrets of webhooks.
    pub webhook_sealer: Sealer,
    /// Wakes the relay.
    pub relay: Arc<Notify>,
    /// Seals of pages.
    pub cursors: Cursors,
    /// Which methods every path takes.
    pub routes: RouteTable,
}

impl App {
    /// Lets events that were just written go out at once.
    pub fn wake_relay(&self) {
        self.relay.notify_one();
    }
}
