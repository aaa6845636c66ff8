//! The store in memory keeps the promises of the ports.

use std::sync::Arc;

use async_trait::async_trait;
use rally_contracts::Fixture;
use rally_contracts::doubles::{CountingIds, FrozenClock};
use rally_contracts::samples;
use rally_domain::port::Ports;
use rally_domain::waitlist::Waitlist;
use rally_memory::MemoryStore;

struct Memory(MemoryStore);

fn ports(store: MemoryStore) -> Ports {
    Ports::of_store(Arc::new(store), samples::links(), Arc::new(FrozenClock::at("2026-01-31T09:00:00Z")), Arc::new(CountingIds::default()))
}

#[async_trait]
impl Fixture for Memory {
    async fn fresh() -> Self {
        Self(MemoryStore::new())
    }

    fn ports(&self) -> Ports {
        ports(self.0.clone())
    }

    async fn reopen(&self) -> Ports {
        ports(self.0.another_process())
    }

    async fn miscount(&self, waitlist: &Waitlist) -> bool {
        self.0.miscount(waitlist.id)
    }
}

rally_contracts::store_contract!(Memory);
