//! The real clock and the real source of ids and randomness.

use rally_domain::port::{Clock, Ids};
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

/// The clock of this machine.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::new(OffsetDateTime::now_utc())
    }
}

/// UUIDs of version 7, and random bits from a generator that the operating system seeds.
#[derive(Debug, Clone, Copy)]
pub struct SystemIds;

impl Ids for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn entropy(&self) -> u64 {
        rand::random()
    }
}
