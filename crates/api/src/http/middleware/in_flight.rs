//! Limits the requests that a server works on at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most requests at once. If there were more, they would wait for each other, and none would be answered in time.
const MAX_AT_ONCE: usize = 1024;

/// The number of requests that one server works on. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    /// Takes a slot. Returns `None` if all are taken. Probes and measurements of the operator always get one.
    pub(super) fn take(&self, path: &str) -> Option<Slot> {
        if matches!(path, "/healthz" | "/readyz" | "/metrics") {
            return Some(Slot(None));
        }
        let slot = Slot(Some(self.clone()));
        // A slot beyond the limit is given back when it is dropped.
        (self.0.fetch_add(1, Ordering::Relaxed) < MAX_AT_ONCE).then_some(slot)
    }

    /// Waits for a client without holding a slot, so that clients that send slowly take no slots from others.
    pub async fn aside<T>(&self, waiting: impl Future<Output = T>) -> T {
        struct Aside<'a>(&'a InFlight);
        impl Drop for Aside<'_> {
            fn drop(&mut self) {
                self.0.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.0.fetch_sub(1, Ordering::Relaxed);
        let _aside = Aside(self);
        waiting.await
    }
}

/// A slot of a request, until it is dropped.
pub(super) struct Slot(Option<InFlight>);

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(InFlight(count)) = &self.0 {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_too_many_is_turned_away_and_who_waits_for_a_client_takes_no_slot() {
        let path = "/v1/waitlists/acme/early/entries";
        let in_flight = InFlight::default();
        let mut slots: Vec<Slot> = (0..MAX_AT_ONCE).filter_map(|_| in_flight.take(path)).collect();
        assert_eq!(slots.len(), MAX_AT_ONCE);
        assert!(in_flight.take(path).is_none());
        assert!(in_flight.take("/readyz").is_some() && in_flight.take("/metrics").is_some());
        assert!(in_flight.aside(async { in_flight.take(path).is_some() }).await);
        assert!(InFlight::default().take(path).is_some(), "another server has slots of its own");
        slots.pop();
        assert!(in_flight.take(path).is_some());
    }
}
