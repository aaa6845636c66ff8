//! The whole contract through PgBouncer in session mode.

use async_trait::async_trait;
use rally_contracts::Fixture;
use rally_domain::port::Ports;
use rally_domain::waitlist::Waitlist;

use crate::{Database, open};

/// A database whose ports go through the pooler. What is made wrong behind their back goes directly to the server.
struct Pooled(Database);

#[async_trait]
impl Fixture for Pooled {
    async fn fresh() -> Self {
        let url = rally_pgtest::new_database().await;
        let ports = open(&rally_pgtest::pooled(&url).await).await;
        Self(Database { url, ports })
    }

    fn ports(&self) -> Ports {
        self.0.ports()
    }

    async fn reopen(&self) -> Ports {
        open(&rally_pgtest::pooled(&self.0.url).await).await
    }

    async fn miscount(&self, waitlist: &Waitlist) -> bool {
        self.0.miscount(waitlist).await
    }
}

rally_contracts::store_contract!(Pooled);
