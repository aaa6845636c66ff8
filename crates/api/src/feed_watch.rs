//! Requests that wait for news of a feed. All of a process share one query a second, and a request that waits costs no more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rally_domain::error::Fault;
use rally_domain::id::WorkspaceId;
use rally_domain::port::EventFeed;
use rally_domain::use_case::feed::NUMBERED_AT_ONCE;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::chain::chain;
use crate::worker::without_panic;

/// The time between two queries.
const PACE: Duration = Duration::from_secs(1);

/// The requests of a process that wait for news. Clones share them.
#[derive(Clone)]
pub struct FeedWatch {
    feeds: Arc<dyn EventFeed>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    waiting: HashMap<u64, Waiting>,
    next_id: u64,
    /// Whether a task asks for news.
    is_asking: bool,
    asked_at: Option<Instant>,
    has_ended: bool,
}

/// A request that waits for an event after a number.
struct Waiting {
    workspace_id: WorkspaceId,
    number: u64,
    news: Arc<Notify>,
}

impl FeedWatch {
    /// Nobody waits yet.
    pub fn new(feeds: Arc<dyn EventFeed>) -> Self {
        Self { feeds, state: Arc::default() }
    }

    /// Waits until a feed has an event after a number. Returns whether it has: `false` means that the time is over, or the server ends.
    pub async fn wait(&self, workspace_id: WorkspaceId, number: u64, until: Instant) -> bool {
        let place = self.take_place(workspace_id, number);
        let is_told = timeout_at(until, place.news.notified()).await.is_ok();
        drop(place);
        is_told && !self.lock().has_ended
    }

    /// Ends all waiting.
    pub fn end(&self) {
        let mut state = self.lock();
        state.has_ended = true;
        state.waiting.values().for_each(|waiting| waiting.news.notify_one());
    }

    fn take_place(&self, workspace_id: WorkspaceId, number: u64) -> Place<'_> {
        let news = Arc::new(Notify::new());
        let mut state = self.lock();
        let id = state.next_id;
        state.next_id += 1;
        state.waiting.insert(id, Waiting { workspace_id, number, news: news.clone() });
        if state.has_ended {
            news.notify_one();
        }
        if !std::mem::replace(&mut state.is_asking, true) {
            tokio::spawn(self.clone().ask());
        }
        Place { watch: self, id, news }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for news while somebody waits.
    async fn ask(self) {
        loop {
            let next = self.lock().asked_at.map(|at| at + PACE);
            if let Some(next) = next {
                sleep_until(next).await;
            }
            let Some(seen) = self.lock().begin_to_ask() else { return };
            match without_panic(self.find_news(seen)).await {
                Ok(found) => self.lock().tell(&found),
                Err(fault) => tracing::warn!(error = %chain(&fault), "there are no news of feeds"),
            }
        }
    }

    /// The workspaces that have news. New events get their numbers here, once for all who wait.
    async fn find_news(&self, seen: Vec<(WorkspaceId, u64)>) -> Result<Vec<WorkspaceId>, Fault> {
        let mut found = self.feeds.news(seen).await?;
        for n in (0..found.len()).rev() {
            // Those who wait for another feed do not wait for this one.
            if let Err(fault) = self.feeds.number(found[n], NUMBERED_AT_ONCE).await {
                tracing::warn!(error = %chain(&fault), "new events have no numbers yet");
                found.swap_remove(n);
            }
        }
        Ok(found)
    }
}

impl State {
    /// The feeds that somebody waits for, each with the lowest number. `None` if nobody waits: then nobody asks any more.
    fn begin_to_ask(&mut self) -> Option<Vec<(WorkspaceId, u64)>> {
        let mut seen = HashMap::new();
        for waiting in self.waiting.values() {
            let lowest = seen.entry(waiting.workspace_id).or_insert(waiting.number);
            *lowest = waiting.number.min(*lowest);
        }
        self.is_asking = !seen.is_empty();
        self.asked_at = self.is_asking.then(Instant::now).or(self.asked_at);
        self.is_asking.then(|| seen.into_iter().collect())
    }

    fn tell(&self, found: &[WorkspaceId]) {
        let told = self.waiting.values().filter(|waiting| found.contains(&waiting.workspace_id));
        told.for_each(|waiting| waiting.news.notify_one());
    }
}

/// The place of a request that waits. It is free when this is dropped.
struct Place<'a> {
    watch: &'a FeedWatch,
    id: u64,
    news: Arc<Notify>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.watch.lock().waiting.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use futures_util::future::join_all;
    use rally_domain::feed::{FeedPage, FeedQuery};
    use rally_domain::uuid::Uuid;

    use super::*;

    /// A feed of each workspace. Some have an event that waits for its number, and one cannot be numbered.
    #[derive(Default)]
    struct Feeds {
        asked: AtomicUsize,
        new: Vec<WorkspaceId>,
        broken: Option<WorkspaceId>,
    }

    #[async_trait]
    impl EventFeed for Feeds {
        async fn number(&self, workspace_id: WorkspaceId, _: usize) -> Result<usize, Fault> {
            if self.broken == Some(workspace_id) { Err(Fault::unavailable("locked")) } else { Ok(1) }
        }

        async fn news(&self, seen: Vec<(WorkspaceId, u64)>) -> Result<Vec<WorkspaceId>, Fault> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Ok(seen.into_iter().map(|(id, _)| id).filter(|id| self.new.contains(id)).collect())
        }

        async fn page(&self, _: FeedQuery) -> Result<Option<FeedPage>, Fault> {
            Ok(None)
        }
    }

    fn home(n: u128) -> WorkspaceId {
        WorkspaceId::new(Uuid::from_u128(n))
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_share_one_query_a_second() {
        let feeds = Arc::new(Feeds::default());
        let watch = FeedWatch::new(feeds.clone());
        let until = Instant::now() + Duration::from_secs(10);
        let told = join_all((0..500).map(|n| watch.wait(home(n % 7), 0, until))).await;
        assert!(told.iter().all(|told| !told));
        assert!((10..=11).contains(&feeds.asked.load(Ordering::Relaxed)), "{:?}", feeds.asked);
        // Nobody waits, and nobody asks.
        let before = feeds.asked.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(feeds.asked.load(Ordering::Relaxed) <= before + 1);
        // One who comes back in the same second waits for the next query.
        for _ in 0..20 {
            watch.wait(home(1), 0, Instant::now() + Duration::from_millis(50)).await;
        }
        assert!(feeds.asked.load(Ordering::Relaxed) <= before + 3, "{:?}", feeds.asked);
    }

    #[tokio::test(start_paused = true)]
    async fn a_feed_that_fails_holds_up_no_other() {
        let watch = FeedWatch::new(Arc::new(Feeds { new: vec![home(1), home(2)], broken: Some(home(1)), ..Feeds::default() }));
        let begun = Instant::now();
        let until = begun + Duration::from_secs(5);
        let told = join_all([1, 2, 3].map(|n| watch.wait(home(n), 0, until))).await;
        assert_eq!(told, [false, true, false]);
        assert_eq!(Instant::now(), until);
        assert!(watch.wait(home(2), 0, until + Duration::from_secs(5)).await);
        watch.end();
        assert!(!watch.wait(home(3), 0, until + Duration::from_secs(60)).await);
        assert!(Instant::now() <= until + Duration::from_secs(2));
    }

    #[test]
    fn a_feed_is_asked_for_once_by_all_who_wait_for_it() {
        let mut state = State { is_asking: true, ..State::default() };
        assert_eq!((state.begin_to_ask(), state.is_asking), (None, false));
        let (acme, beta) = (WorkspaceId::new(Uuid::from_u128(1)), WorkspaceId::new(Uuid::from_u128(2)));
        for (id, (workspace_id, number)) in [(acme, 7), (acme, 3), (acme, 9), (beta, 1)].into_iter().enumerate() {
            state.waiting.insert(id as u64, Waiting { workspace_id, number, news: Arc::default() });
        }
        let mut seen = state.begin_to_ask().unwrap();
        seen.sort_unstable();
        assert_eq!((seen, state.is_asking, state.asked_at.is_some()), (vec![(acme, 3), (beta, 1)], true, true));
    }
}
