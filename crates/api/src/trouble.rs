//! Troubles that repeat: the log tells them at once, and then from time to time.

use std::time::Duration;

use rally_domain::error::Fault;
use tokio::time::Instant;

use crate::chain::chain;

/// How long a trouble that goes on is not told again.
const TELL: Duration = Duration::from_secs(60);

/// A trouble of one kind of work.
#[derive(Debug, Default)]
pub struct Trouble {
    /// The failures that were not told.
    failures: u64,
    told_at: Option<Instant>,
}

impl Trouble {
    /// Notes a failure, and tells how often there was one.
    pub fn failed(&mut self, fault: &Fault, what: &str, done: &str) {
        self.failures += 1;
        if self.told_at.is_none_or(|told_at| told_at.elapsed() >= TELL) {
            tracing::warn!(cause = %chain(fault), failures = self.failures, "{what} not {done}");
            *self = Self { failures: 0, told_at: Some(Instant::now()) };
        }
    }

    /// Notes that it is over: the next failure is told at once.
    pub fn passed(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_trouble_that_goes_on_is_told_once_a_minute() {
        let (mut trouble, away) = (Trouble::default(), Fault::unavailable("away"));
        let mut failed = || {
            trouble.failed(&away, "mails", "claimed");
            trouble.failures
        };
        // What is told counts from nothing again.
        assert_eq!([failed(), failed(), failed()], [0, 1, 2]);
        tokio::time::advance(TELL).await;
        assert_eq!([failed(), failed()], [0, 1]);
        trouble.passed();
        trouble.failed(&away, "mails", "claimed");
        assert_eq!(trouble.failures, 0, "a new one is told at once");
    }
}
