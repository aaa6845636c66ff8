//! What a worker of the HTTP server keeps for itself. Finding it takes no lock and counts no use, as a cache does that threads share.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use super::{Changes, HALF_A_MOMENT};

/// The most values of one worker.
const MOST: usize = 500;

/// Values by text. Each is found for half a moment, and only until this process changes something that visitors see.
pub struct AtHand<V> {
    changes: Changes,
    kept: RefCell<HashMap<Box<str>, Kept<V>>>,
}

struct Kept<V> {
    changes: u64,
    read_at: Instant,
    value: Rc<V>,
}

impl<V> AtHand<V> {
    /// Keeps values until a change is noted.
    pub fn new(changes: Changes) -> Self {
        Self { changes, kept: RefCell::default() }
    }

    /// Returns the value of a text at an instant. Reads it if it is not kept.
    pub async fn find(&self, text: &str, now: Instant, read: impl Future<Output = Option<V>>) -> Option<Rc<V>> {
        // A change while the value is read makes it an old one.
        let changes = self.changes.count();
        let is_good = |kept: &&Kept<V>| kept.changes == changes && now.saturating_duration_since(kept.read_at) < HALF_A_MOMENT;
        if let Some(kept) = self.kept.borrow().get(text).filter(is_good) {
            return Some(kept.value.clone());
        }
        let value = Rc::new(read.await?);
        let mut kept = self.kept.borrow_mut();
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(text.into(), Kept { changes, read_at: now, value: value.clone() });
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_value_is_kept_for_half_a_moment_and_until_something_changes() {
        let changes = Changes::default();
        let (values, start) = (AtHand::new(changes.clone()), Instant::now());
        let find =
            async |millis, value: u8| *values.find("text", start + Duration::from_millis(millis), async { Some(value) }).await.unwrap();
        assert_eq!((find(0, 1).await, find(499, 2).await, find(500, 3).await, find(600, 4).await), (1, 1, 3, 3));
        changes.note(());
        assert_eq!((find(600, 5).await, find(600, 6).await), (5, 5));
        assert_eq!(values.find("other", start, async { None }).await, None);
    }

    #[tokio::test]
    async fn a_value_that_was_read_during_a_change_is_not_kept() {
        let changes = Changes::default();
        let (values, now) = (AtHand::new(changes.clone()), Instant::now());
        let read = async {
            changes.note(());
            Some(1)
        };
        assert_eq!(values.find("text", now, read).await.as_deref(), Some(&1));
        assert_eq!(values.find("text", now, async { Some(2) }).await.as_deref(), Some(&2));
    }

    #[tokio::test]
    async fn a_worker_keeps_a_bounded_number() {
        let (values, now) = (AtHand::new(Changes::default()), Instant::now());
        for n in 0..3 * MOST {
            values.find(&n.to_string(), now, async { Some(n) }).await;
        }
        assert!(values.kept.borrow().len() <= MOST);
    }
}
