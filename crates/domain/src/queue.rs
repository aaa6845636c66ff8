//! Queues: what goes out of a store is due, is claimed by a process until its lease ends, and is settled by whoever still has the claim.
//! How often it is tried, and what an attempt means for it.

use time::Duration;

use crate::error::Invalid;
use crate::id::{ClaimId, WebhookId};
use crate::timestamp::Timestamp;

/// Where a job of a queue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobState {
    /// Waits to be due.
    Pending,
    /// Is tried under a claim.
    Running,
    /// Arrived.
    Done,
    /// Never arrived, and is not tried again.
    Dead,
    /// Is kept, and not tried.
    Held,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Running, Self::Done, Self::Dead, Self::Held];

    /// The name in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Held => "held",
        }
    }

    /// Reads the name in a store.
    ///
    /// # Errors
    /// When there is no such state.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be one of pending, running, done, dead, held"))
    }
}

/// Where a job stands after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It arrived.
    Done,
    /// It is tried again from that instant on.
    RetryAt(Timestamp),
    /// It never arrived, and is not tried again.
    Dead,
    /// It is kept, and not tried again.
    Held,
}

impl Verdict {
    /// The state that the job is in from now on.
    pub const fn state(self) -> JobState {
        match self {
            Self::Done => JobState::Done,
            Self::RetryAt(_) => JobState::Pending,
            Self::Dead => JobState::Dead,
            Self::Held => JobState::Held,
        }
    }

    /// When it is due again, if it is.
    pub const fn due_at(self) -> Option<Timestamp> {
        match self {
            Self::RetryAt(due_at) => Some(due_at),
            Self::Done | Self::Dead | Self::Held => None,
        }
    }
}

/// How often a job is tried, and how long it waits in between.
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
    /// The longest wait that the other side may ask for.
    pub const MAX_RETRY_AFTER: Duration = Duration::hours(10);

    /// Waits that long after each failed attempt; when there is nothing left to wait, the job is dead.
    pub const fn new(waits: Vec<Duration>) -> Self {
        Self(waits)
    }

    /// The waits.
    pub fn waits(&self) -> &[Duration] {
        &self.0
    }

    /// Attempts in all.
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// How long to wait after that many attempts: the schedule's step, a tenth more or less by `chance`, and not less than
    /// the other side asked for. `None` when all attempts are used up.
    pub fn wait(&self, attempt: u32, retry_after: Option<Duration>, chance: u64) -> Option<Duration> {
        let step = *self.0.get(attempt.checked_sub(1)? as usize)?;
        let factor = 0.9 + 0.2 * (chance as f64 / u64::MAX as f64);
        let asked = retry_after.unwrap_or(Duration::ZERO).min(Self::MAX_RETRY_AFTER);
        Some((step * factor).max(asked))
    }
}

/// What a process wants to try, of *lanes*: webhooks, or the workspaces that send mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRequest<Lane = WebhookId> {
    /// The claim it is to be under.
    pub claim: ClaimId,
    /// What is due at this instant.
    pub now: Timestamp,
    /// How long it is this process's.
    pub lease_until: Timestamp,
    /// The most for each lane; no other is claimed for.
    pub shares: Vec<(Lane, usize)>,
}

/// How full a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueDepth {
    /// What waits or is being tried.
    pub pending: u64,
    /// Those of them that are being tried.
    pub running: u64,
    /// Since when the one that has waited longest is due.
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
        assert_eq!((waits[7], schedule.wait(0, None, 0), schedule.wait(u32::MAX, None, 0)), (None, None, None));
    }

    #[test]
    fn the_other_side_may_ask_for_more_time_within_reason() {
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
    fn what_is_tried_again_is_pending() {
        let due_at = Timestamp::parse("2026-01-31T09:00:00Z").unwrap();
        assert_eq!((Verdict::RetryAt(due_at).state(), Verdict::RetryAt(due_at).due_at()), (JobState::Pending, Some(due_at)));
        for (verdict, state) in [(Verdict::Done, JobState::Done), (Verdict::Dead, JobState::Dead), (Verdict::Held, JobState::Held)] {
            assert_eq!((verdict.state(), verdict.due_at()), (state, None));
        }
    }

    proptest! {
        #[test]
        fn a_wait_strays_a_tenth_at_most(attempt in 1..=7_u32, chance: u64) {
            let schedule = RetrySchedule::default();
            let step = schedule.waits()[attempt as usize - 1];
            let wait = schedule.wait(attempt, None, chance).unwrap();
            prop_assert!((step * 0.899..=step * 1.101).contains(&wait));
        }
    }
}
