//! Where work on many entries is kept.

use async_trait::async_trait;

use crate::entry_job::{EntryJob, JobGroup};
use crate::error::Fault;
use crate::id::{ClaimId, JobId, WaitlistId};
use crate::timestamp::Timestamp;

/// Keeps jobs on the entries of lists, and who works on them.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait EntryJobStore: Send + Sync {
    /// Writes a new job. Returns false, and writes nothing, if the list has a job that is not over.
    ///
    /// - It MUST read back as it was written: `entry_jobs::a_job_reads_back_as_it_was_written`.
    /// - A list MUST NOT have two jobs that are not over, however many begin at once: `entry_jobs::a_list_has_one_job_at_a_time`.
    async fn begin(&self, job: EntryJob) -> Result<bool, Fault>;

    /// The newest job of a list.
    ///
    /// - That of another list MUST NOT be found: `entry_jobs::a_job_is_of_its_list`.
    async fn newest(&self, waitlist_id: WaitlistId) -> Result<Option<EntryJob>, Fault>;

    /// Ends a job. What is done stays. Returns the job, or `None` if the list has no such job or it was over.
    ///
    /// - No group MUST be counted after this returns: `entry_jobs::a_cancelled_job_goes_on_no_more`.
    /// - A job of another list MUST NOT be ended: `entry_jobs::a_job_is_of_its_list`.
    async fn cancel(&self, waitlist_id: WaitlistId, id: JobId, now: Timestamp) -> Result<Option<EntryJob>, Fault>;

    /// Claims the oldest job that is not over and that no claim holds.
    ///
    /// - Two claims MUST NOT hold one job: `entry_jobs::one_worker_at_a_time_holds_a_job`.
    /// - A job whose lease has ended MUST be claimed again: `entry_jobs::one_worker_at_a_time_holds_a_job`.
    /// - Jobs MUST be claimed in the order in which they were made: `entry_jobs::older_jobs_come_first`.
    async fn claim(&self, claim: ClaimId, now: Timestamp, lease_until: Timestamp) -> Result<Option<EntryJob>, Fault>;

    /// Notes what was done to a group, and frees the job. Returns it, or `None` if the claim holds it no more or it is over.
    ///
    /// - Groups MUST add up as [`EntryJob::went_on`] says: `entry_jobs::groups_add_up`.
    /// - A claim that holds the job no more MUST change nothing: `entry_jobs::one_worker_at_a_time_holds_a_job`.
    /// - Any claim MUST get the job afterwards: `entry_jobs::a_group_frees_its_job`.
    async fn went_on(&self, id: JobId, claim: ClaimId, group: JobGroup, now: Timestamp) -> Result<Option<EntryJob>, Fault>;

    /// Deletes jobs that were made before an instant and are over, at most that many. Returns how many.
    ///
    /// - Others MUST stay, and it MUST NOT delete more than that many: `entry_jobs::old_jobs_are_pruned`.
    async fn prune(&self, before: Timestamp, rows: usize) -> Result<u64, Fault>;
}
