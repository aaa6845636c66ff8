//! The cache. The promises of the store hold behind it, many requests share one query, and a change by this process shows at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::future::join_all;
use rally_api::cache::{MOMENT, Noted, cached};
use rally_contracts::Fixture;
use rally_contracts::doubles::{CountingIds, FrozenClock};
use rally_contracts::samples::{active_list, change_status, links, slug};
use rally_domain::port::{MockWaitlistStore, Ports};
use rally_domain::waitlist::{Waitlist, WaitlistStatus};
use rally_sqlite::SqliteStore;
use serde_json::json;
use tempfile::TempDir;

/// A store behind the decorators.
struct Kept {
    directory: TempDir,
    ports: Ports,
}

async fn open(directory: &TempDir) -> Ports {
    let store = SqliteStore::open(&directory.path().join("rally.db")).unwrap();
    store.migrate().await.unwrap();
    let clock = Arc::new(FrozenClock::at("2026-01-31T09:00:00Z"));
    cached(Ports::of_store(Arc::new(store), links(), clock, Arc::new(CountingIds::default())), &Noted::default())
}

#[async_trait]
impl Fixture for Kept {
    async fn fresh() -> Self {
        let directory = TempDir::new().unwrap();
        let ports = open(&directory).await;
        Self { directory, ports }
    }

    fn ports(&self) -> Ports {
        self.ports.clone()
    }

    async fn reopen(&self) -> Ports {
        open(&self.directory).await
    }

    async fn miscount(&self, _: &Waitlist) -> bool {
        // A change behind the store's back may show a moment later.
        false
    }
}

mod contract {
    use super::*;

    rally_contracts::store_contract!(Kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_misses_makes_one_query() {
    let kept = Kept::fresh().await;
    active_list(&kept.ports, json!({})).await;
    let found = kept.ports.waitlists.find_public(&slug("acme"), &slug("list")).await.unwrap();
    let queries = Arc::new(AtomicUsize::new(0));
    let mut waitlists = MockWaitlistStore::new();
    let count = queries.clone();
    waitlists.expect_find_public().returning(move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
        // Long enough for all requests to have arrived.
        std::thread::sleep(std::time::Duration::from_millis(50));
        Ok(found.clone())
    });
    let ports = cached(Ports { waitlists: Arc::new(waitlists), ..kept.ports.clone() }, &Noted::default());
    let crowd = (0..50).map(|_| {
        let ports = ports.clone();
        tokio::spawn(async move { ports.waitlists.find_public(&slug("acme"), &slug("list")).await.unwrap().is_some() })
    });
    assert!(join_all(crowd).await.into_iter().all(|found| found.expect("no panic")));
    assert_eq!(queries.load(Ordering::SeqCst), 1);
}

/// Real time must pass here: the time that a change by another process may take to show.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_shows_here_at_once_and_elsewhere_in_a_moment() {
    let kept = Kept::fresh().await;
    let (here, there) = (kept.ports(), kept.reopen().await);
    let list = active_list(&here, json!({})).await;
    let status = async |ports: &Ports| {
        let found = ports.waitlists.find_public(&slug("acme"), &slug("list")).await.unwrap();
        found.map(|found| found.waitlist.status)
    };
    for to in [WaitlistStatus::Paused, WaitlistStatus::Active, WaitlistStatus::Paused] {
        assert!(status(&there).await.is_some());
        change_status(&here, &list, to).await;
        assert_eq!(status(&here).await, Some(to));
    }
    tokio::time::sleep(MOMENT + std::time::Duration::from_millis(200)).await;
    assert_eq!(status(&there).await, Some(WaitlistStatus::Paused));
}
