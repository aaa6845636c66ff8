//! The rules of the outbox: the states of deliveries and mails, claims, and retries.
//!
//! A job is a delivery or a mail. A process claims a job that is due, until the lease ends. Only the holder of the claim settles the job.

use time::Duration;

use crate::error::Invalid;
use crate::id::{ClaimId, WebhookId};
use crate::timestamp::Timestamp;

/// How long a delivery or a mail is left for the processes of a newer program, if its kind is one that this program does not know.
pub const LEFT_FOR_NEWER: Duration = Duration::MINUTE;

/// The state of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// The job waits until it is due.
    Pending,
    /// A process tries the job under a claim.
    Running,
    /// The job arrived.
    Done,
    /// The job never arrived, and is not retried.
    Dead,
    /// The job is kept and never sent.
    Held,
    /// The job is a mail to an address that gets none.
    Suppressed,
    /// The job is a mail that would have come too late.
    Expired,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 7] = [Self::Pending, Self::Running, Self::Done, Self::Dead, Self::Held, Self::Suppressed, Self::Expired];

    /// Returns the name in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Held => "held",
            Self::Suppressed => "suppressed",
            Self::Expired => "expired",
        }
    }

    /// Reads the name in a store.
    ///
    /// # Errors
    /// If there is no such state.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be one of pending, running, done, dead, held, suppressed, expired"))
    }
}

/// The state of a job after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The job arrived.
    Done,
    /// The job is retried from that instant on.
    RetryAt(Timestamp),
    /// The job never arrived, and is not retried.
    Dead,
    /// The job is kept and never sent.
    Held,
}

impl Verdict {
    /// Returns the state that the job gets.
    pub const fn state(self) -> JobState {
        match self {
            Self::Done => JobState::Done,
            Self::RetryAt(_) => JobState::Pending,
            Self::Dead => JobState::Dead,
            Self::Held => JobState::Held,
        }
    }

    /// Returns when the job is due again, if it is retried.
    pub const fn due_at(self) -> Option<Timestamp> {
        match self {
            Self::RetryAt(due_at) => Some(due_at),
            Self::Done | Self::Dead | Self::Held => None,
        }
    }
}

/// How often a job is tried, and how long it waits between attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule(Vec<Duration>);

/// At once, then after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h and 10 h.
impl Default for RetrySchedule {
    fn default() -> Self {
        let minutes = [30, 120, 300, 600, 600].map(Duration::minutes);
        Self([&[Duration::seconds(5), Duration::minutes(5)][..], &minutes].concat())
    }
}

impl RetrySchedule {
    /// The longest wait that a receiver or service may ask for.
    pub const MAX_RETRY_AFTER: Duration = Duration::hours(10);

    /// Creates a schedule with these waits, one after each failed attempt. If no wait is left, the job is dead.
    pub const fn new(waits: Vec<Duration>) -> Self {
        Self(waits)
    }

    /// Returns the waits.
    pub fn waits(&self) -> &[Duration] {
        &self.0
    }

    /// Returns the number of attempts, the first one included.
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Returns the wait after the attempt of a number, or `None` if no attempt is left.
    ///
    /// The wait is that of the schedule, up to a tenth more or less by `chance`. It is not shorter than `retry_after`, of which at most
    /// [`MAX_RETRY_AFTER`](Self::MAX_RETRY_AFTER) counts.
    pub fn wait(&self, attempt: u32, retry_after: Option<Duration>, chance: u64) -> Option<Duration> {
        let step = *self.0.get(attempt.checked_sub(1)? as usize)?;
        let factor = 0.9 + 0.2 * (chance as f64 / u64::MAX as f64);
        let asked = retry_after.unwrap_or(Duration::ZERO).min(Self::MAX_RETRY_AFTER);
        Some(Duration::saturating_seconds_f64(step.as_seconds_f64() * factor).max(asked))
    }
}

/// The jobs that a process wants to claim, by lane. A lane is a webhook, or a workspace that sends mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest<Lane = WebhookId> {
    /// The id of the new claim.
    pub claim: ClaimId,
    /// The current time. Jobs are claimed if they are due by then.
    pub now: Timestamp,
    /// When the lease ends.
    pub lease_until: Timestamp,
    /// The most jobs of each lane. Other lanes are not claimed.
    pub shares: Vec<(Lane, usize)>,
}

/// How full the outbox is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueDepth {
    /// Jobs that wait or are being tried.
    pub pending: u64,
    /// Jobs that are being tried.
    pub running: u64,
    /// When the job became due that has waited longest.
    pub oldest_due_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_schedule_has_eight_attempts() {
        let schedule = RetrySchedule::default();
        assert_eq!(schedule.attempts(), 8);
        let waits: Vec<_> = (1..=8).map(|attempt| schedule.wait(attempt, None, u64::MAX / 2).map(|wait| wait.whole_seconds())).collect();
        let expected = [5, 300, 1800, 7200, 18_000, 36_000, 36_000].map(Some);
        assert!(waits.iter().zip(expected).all(|(wait, step)| wait.zip(step).is_some_and(|(w, s)| (s - w).abs() <= 1)), "{waits:?}");
        assert!(RetrySchedule::new(vec![Duration::MAX]).wait(1, None, u64::MAX) > Some(Duration::days(36_500)));
        assert_eq!((waits[7], schedule.wait(0, None, 0), schedule.wait(u32::MAX, None, 0)), (None, None, None));
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_wait_up_to_ten_hours() {
        let wait = |asked: Duration| RetrySchedule::default().wait(1, Some(asked), 0).unwrap();
        assert_eq!(wait(Duration::seconds(1)), Duration::seconds_f64(4.5));
        assert_eq!(wait(Duration::minutes(7)), Duration::minutes(7));
        assert_eq!(wait(Duration::days(7)), Duration::hours(10));
    }

    #[test]
    fn a_state_reads_back() {
        for state in JobState::ALL {
            assert_eq!(JobState::parse(state.as_str()), Ok(state));
        }
        assert!(JobState::parse("Pending").is_err());
    }

    #[test]
    fn a_retried_job_is_pending() {
        let due_at = Timestamp::parse("2026-01-31T09:00:00Z").unwrap();
        assert_eq!((Verdict::RetryAt(due_at).state(), Verdict::RetryAt(due_at).due_at()), (JobState::Pending, Some(due_at)));
        for (verdict, state) in [(Verdict::Done, JobState::Done), (Verdict::Dead, JobState::Dead), (Verdict::Held, JobState::Held)] {
            assert_eq!((verdict.state(), verdict.due_at()), (state, None));
        }
    }

    proptest! {
        #[test]
        fn a_wait_differs_from_the_schedule_by_a_tenth_at_most(attempt in 1..=7_u32, chance: u64) {
            let schedule = RetrySchedule::default();
            let step = schedule.waits()[attempt as usize - 1];
            let wait = schedule.wait(attempt, None, chance).unwrap();
            prop_assert!((step * 0.899..=step * 1.101).contains(&wait));
        }
    }
}
