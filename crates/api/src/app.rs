//! What every handler can reach.

use rally_domain::ports::Ports;

use crate::auth::Authenticator;
use crate::cursor::Cursors;
use crate::idempotency::Idempotency;
use crate::openapi::RouteTable;

/// The application, one per process, shared by all its threads.
pub struct App {
    /// The world.
    pub ports: Ports,
    /// Who may call.
    pub auth: Authenticator,
    /// Requests that may be repeated.
    pub idempotency: Idempotency,
    /// Seals of pages.
    pub cursors: Cursors,
    /// Which methods every path takes.
    pub routes: RouteTable,
}
