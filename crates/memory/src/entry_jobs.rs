//! [`EntryJobStore`] in memory.

use async_trait::async_trait;
use rally_domain::entry_job::{EntryJob, JobGroup};
use rally_domain::error::Fault;
use rally_domain::id::{ClaimId, JobId, WaitlistId};
use rally_domain::port::EntryJobStore;
use rally_domain::timestamp::Timestamp;

use crate::MemoryStore;
use crate::data::Data;
use crate::flaw::Flaw;

/// A job, and who works on it.
#[derive(Clone)]
pub(crate) struct KeptJob {
    job: EntryJob,
    claim: Option<ClaimId>,
    lease_until: Option<Timestamp>,
}

#[async_trait]
impl EntryJobStore for MemoryStore {
    async fn begin(&self, job: EntryJob) -> Result<bool, Fault> {
        let waitlist_id = job.waitlist_id;
        let look = |data: &Data| data.entry_jobs.iter().any(|kept| kept.job.waitlist_id == waitlist_id && !kept.job.state.is_over());
        let early = self.read_early(Flaw::JobsReadEarly, look).await;
        let work = |data: &mut Data| {
            if early.unwrap_or_else(|| look(data)) {
                return false;
            }
            let query = if data.flaw.is(Flaw::JobsOnEverybody) { Default::default() } else { job.query.clone() };
            data.entry_jobs.push(KeptJob { job: EntryJob { query, ..job }, claim: None, lease_until: None });
            true
        };
        Ok(self.write(work).await)
    }

    async fn newest(&self, waitlist_id: WaitlistId) -> Result<Option<EntryJob>, Fault> {
        Ok(self.read(|data| {
            let any = data.flaw.is(Flaw::JobsOfOthersFound);
            let jobs = data.entry_jobs.iter().map(|kept| &kept.job).filter(|job| job.waitlist_id == waitlist_id || any);
            jobs.max_by_key(|job| (job.created_at, job.id)).cloned()
        }))
    }

    async fn cancel(&self, waitlist_id: WaitlistId, id: JobId, now: Timestamp) -> Result<Option<EntryJob>, Fault> {
        let work = |data: &mut Data| {
            let goes_on = data.flaw.is(Flaw::CancelledJobsGoOn);
            let kept = data.entry_jobs.iter_mut().find(|kept| kept.job.id == id && kept.job.waitlist_id == waitlist_id)?;
            let cancelled = kept.job.clone().cancelled(now)?;
            if !goes_on {
                kept.job = cancelled.clone();
            }
            Some(cancelled)
        };
        Ok(self.write(work).await)
    }

    async fn claim(&self, claim: ClaimId, now: Timestamp, lease_until: Timestamp) -> Result<Option<EntryJob>, Fault> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let is_free = |kept: &KeptJob| {
                let held = kept.lease_until.is_some_and(|until| until >= now) && !flaw.is(Flaw::JobsClaimedTwice);
                !kept.job.state.is_over() && !held
            };
            let mut open: Vec<&mut KeptJob> = data.entry_jobs.iter_mut().filter(|kept| is_free(kept)).collect();
            open.sort_by_key(|kept| (kept.job.created_at, kept.job.id));
            if flaw.is(Flaw::YoungerJobsFirst) {
                open.reverse();
            }
            let kept = open.into_iter().next()?;
            kept.job = kept.job.clone().claimed();
            (kept.claim, kept.lease_until) = (Some(claim), Some(lease_until));
            Some(kept.job.clone())
        };
        Ok(self.write(work).await)
    }

    async fn went_on(&self, id: JobId, claim: ClaimId, group: JobGroup, now: Timestamp) -> Result<Option<EntryJob>, Fault> {
        let work = |data: &mut Data| {
            let (forgets, stays_held) = (data.flaw.is(Flaw::JobsForgetReasons), data.flaw.is(Flaw::JobsStayHeld));
            let kept =
                data.entry_jobs.iter_mut().find(|kept| kept.job.id == id && kept.claim == Some(claim) && !kept.job.state.is_over())?;
            let group = if forgets { JobGroup { refused: Default::default(), ..group } } else { group };
            kept.job = kept.job.clone().went_on(group, now);
            if !stays_held {
                (kept.claim, kept.lease_until) = (None, None);
            }
            Some(kept.job.clone())
        };
        Ok(self.write(work).await)
    }

    async fn prune(&self, before: Timestamp, rows: usize) -> Result<u64, Fault> {
        let work = |data: &mut Data| {
            let (rows, young, open) = (data.flaw.prunes(rows), data.flaw.is(Flaw::YoungJobsPruned), data.flaw.is(Flaw::OpenJobsPruned));
            let jobs = data
                .entry_jobs
                .iter()
                .map(|kept| &kept.job)
                .filter(|job| (job.created_at < before || young) && (job.state.is_over() || open));
            let old: Vec<JobId> = jobs.map(|job| job.id).take(rows).collect();
            data.entry_jobs.retain(|kept| !old.contains(&kept.job.id));
            old.len() as u64
        };
        Ok(self.write(work).await)
    }
}
