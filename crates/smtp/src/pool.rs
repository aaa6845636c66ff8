//! Connections that wait for the next mail.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use lettre::transport::smtp::client::AsyncSmtpConnection;
use tokio::time::Instant;

/// How long a connection may wait. Servers close it after 5 minutes (RFC 5321, section 4.5.3.2.7), routers often earlier.
pub(crate) const MAX_IDLE: Duration = Duration::from_secs(30);
/// How many mails one connection carries. Some servers refuse more.
const MAX_MAILS: u32 = 100;
/// How long a server may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// A connection with a server that has greeted and taken the login.
pub(crate) struct Connection {
    pub(crate) smtp: AsyncSmtpConnection,
    /// How many mails it has carried.
    pub(crate) mails: u32,
    /// Whether a mail was refused, so that the server may still hold a part of it.
    pub(crate) is_begun: bool,
    /// Whether the server takes several commands at once.
    pub(crate) pipelines: bool,
}

/// The connections that wait.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    connections: Vec<(Connection, Instant)>,
    has_sweeper: bool,
}

impl Pool {
    /// Takes the connection that was used last.
    pub(crate) fn take(&self) -> Option<Connection> {
        let mut waiting = self.lock();
        let (connection, since) = waiting.connections.pop()?;
        // Those before it have waited longer.
        (since.elapsed() < MAX_IDLE).then_some(connection)
    }

    /// Keeps a connection for the next mail.
    pub(crate) fn put(self: &Arc<Self>, connection: Connection) {
        if connection.mails >= MAX_MAILS || connection.smtp.has_broken() {
            tokio::spawn(close(connection));
            return;
        }
        let mut waiting = self.lock();
        waiting.connections.push((connection, Instant::now()));
        if !waiting.has_sweeper {
            waiting.has_sweeper = true;
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Takes the connections that have waited too long. `None` if no connection is left to wait for.
    fn take_old(&self) -> Option<Vec<Connection>> {
        let mut waiting = self.lock();
        if waiting.connections.is_empty() {
            waiting.has_sweeper = false;
            return None;
        }
        let is_old = |(_, since): &mut (Connection, Instant)| since.elapsed() >= MAX_IDLE;
        Some(waiting.connections.extract_if(.., is_old).map(|(connection, _)| connection).collect())
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections that have waited too long, until none is left.
async fn sweep(pool: Weak<Pool>) {
    loop {
        tokio::time::sleep(MAX_IDLE).await;
        let Some(old) = pool.upgrade().and_then(|pool| pool.take_old()) else { return };
        for connection in old {
            close(connection).await;
        }
    }
}

async fn close(mut connection: Connection) {
    // A server that does not answer finds the connection closed.
    drop(tokio::time::timeout(GOODBYE, connection.smtp.quit()).await);
}
