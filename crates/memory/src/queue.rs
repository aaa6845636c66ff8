//! The queue of deliveries and mails. A job is due, is claimed by a process until its lease ends, and is settled under its claim.

use rally_domain::id::ClaimId;
use rally_domain::queue::{JobState, QueueDepth, Verdict};
use rally_domain::timestamp::Timestamp;

use crate::flaw::{Flaw, Flawed};

/// The state of a delivery or a mail in the queue.
#[derive(Clone)]
pub(crate) struct Job {
    pub state: State,
    /// Attempts so far, with the current one.
    pub attempt: u32,
    pub due_at: Timestamp,
}

/// The state of a job.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It waits until it is due.
    Pending,
    /// It is being sent under that claim, until that instant.
    Running(ClaimId, Timestamp),
    /// It was delivered.
    Done,
    /// It was given up.
    Dead,
    /// It is kept and never sent.
    Held,
    /// It is a mail to a suppressed address.
    Suppressed,
    /// It is a mail that would have come too late.
    Expired,
}

impl State {
    pub const fn stored(self) -> JobState {
        match self {
            Self::Pending => JobState::Pending,
            Self::Running(..) => JobState::Running,
            Self::Done => JobState::Done,
            Self::Dead => JobState::Dead,
            Self::Held => JobState::Held,
            Self::Suppressed => JobState::Suppressed,
            Self::Expired => JobState::Expired,
        }
    }
}

impl Job {
    pub const fn due_at(due_at: Timestamp) -> Self {
        Self { state: State::Pending, attempt: 0, due_at }
    }

    pub fn is_due(&self, now: Timestamp, flaw: Flawed) -> bool {
        let waits = self.state == State::Pending || (flaw.is(Flaw::ClaimedTwice) && matches!(self.state, State::Running(..)));
        waits && (self.due_at <= now || flaw.is(Flaw::ClaimedBeforeDue))
    }

    pub fn is_claimed(&self, claim: ClaimId, flaw: Flawed) -> bool {
        matches!(self.state, State::Running(holder, _) if holder == claim || flaw.is(Flaw::FenceIgnored))
    }

    /// Whether an attempt may begin under a claim.
    pub fn is_confirmed(&self, claim: ClaimId, flaw: Flawed) -> bool {
        let of_another = flaw.is(Flaw::ConfirmsClaimsOfOthers) && matches!(self.state, State::Running(..));
        self.is_claimed(claim, flaw) || of_another || (flaw.is(Flaw::ConfirmsWhatWaits) && self.state == State::Pending)
    }

    pub const fn is_unfinished(&self) -> bool {
        matches!(self.state, State::Pending | State::Running(..))
    }

    /// Claims the job. The attempt counts now, so that it counts even if it kills its process.
    pub fn claim(&mut self, claim: ClaimId, lease_until: Timestamp, flaw: Flawed) {
        self.state = State::Running(claim, lease_until);
        self.attempt += u32::from(!flaw.is(Flaw::AttemptsNotCounted));
    }

    pub fn settle(&mut self, verdict: Verdict) {
        self.state = match verdict {
            Verdict::Done => State::Done,
            Verdict::Dead => State::Dead,
            Verdict::Held => State::Held,
            Verdict::RetryAt(due_at) => {
                self.due_at = due_at;
                State::Pending
            }
        };
    }

    /// Makes the job due again, as if it had not been claimed.
    pub fn release(&mut self, due_at: Timestamp, flaw: Flawed) {
        self.settle(Verdict::RetryAt(due_at));
        self.attempt = self.attempt.saturating_sub(u32::from(!flaw.is(Flaw::ReleasedAttemptsCount)));
    }

    /// Frees the job if its lease has ended. Returns whether it had.
    pub fn reap(&mut self, now: Timestamp, attempts: u32, flaw: Flawed) -> bool {
        let State::Running(_, lease_until) = self.state else { return false };
        if lease_until > now || (lease_until == now && !flaw.is(Flaw::LeasesEndEarly)) {
            return false;
        }
        let attempts = if flaw.is(Flaw::AttemptsFixed) { 8 } else { attempts };
        let is_last = self.attempt >= attempts && !flaw.is(Flaw::TriedForEver);
        self.settle(if is_last { Verdict::Dead } else { Verdict::RetryAt(now) });
        true
    }
}

/// The first of some jobs, the longest due first, and at most the share of each lane.
pub(crate) fn share<T, K: Ord>(mut due: Vec<T>, share: usize, due_at: impl Fn(&T) -> (Timestamp, K), flaw: Flawed) -> Vec<T> {
    due.sort_by_key(due_at);
    if flaw.is(Flaw::ShortestDueFirst) {
        due.reverse();
    }
    if !flaw.is(Flaw::SharesIgnored) {
        due.truncate(share);
    }
    due
}

/// How full a queue is.
pub(crate) fn depth<'a>(jobs: impl Iterator<Item = &'a Job> + Clone, flaw: Flawed) -> QueueDepth {
    let waiting = jobs.clone().filter(|job| job.state == State::Pending);
    let running = jobs.filter(|job| matches!(job.state, State::Running(..))).count() as u64;
    QueueDepth {
        pending: waiting.clone().count() as u64 + running,
        running: if flaw.is(Flaw::RunningNotTold) { 0 } else { running },
        oldest_due_at: waiting.map(|job| job.due_at).min(),
    }
}
