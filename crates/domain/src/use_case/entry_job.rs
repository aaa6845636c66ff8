//! Work on all entries of a list that a query finds: made by an admin, done by workers.

use std::collections::BTreeMap;

use time::Duration;

use super::bulk::{self, Action, BulkRejection};
use super::erase;
use super::invite::Invitation;
use crate::actor::Actor;
use crate::command::{DeleteEntry, InviteMail, InviteRejection, Review};
use crate::entry::Entry;
use crate::entry_job::{EntryJob, JobAction, JobGroup, JobState};
use crate::error::{CommandError, Fault};
use crate::id::{ClaimId, EntryId, EventId, JobId};
use crate::invite::InviteError;
use crate::paging::Limit;
use crate::port::Ports;
use crate::referral::Position;
use crate::search::{EntryQuery, EntrySort};
use crate::waitlist::Waitlist;

/// How long a worker holds a job.
const LEASE: Duration = Duration::minutes(2);

/// After this time a group ends, so that what it did is noted while the worker holds the job. It must leave time for one more entry.
const HELD: Duration = Duration::minutes(1);

/// How many entries of a list are made ready for search at once.
const INDEXED: usize = 500;

/// How many such batches a request waits for. Only a server that has just learnt to search has more.
const MAX_BATCHES: usize = 20;

/// Returns the last position of a list, and 0 if nobody is on it.
///
/// # Errors
/// If the store fails.
pub async fn last_position(ports: &Ports, waitlist: &Waitlist) -> Result<Position, Fault> {
    let query = EntryQuery { sort: EntrySort::LastPosition, ..EntryQuery::default() };
    let page = ports.search.search(waitlist.id, query, None, Limit::of::<1>()).await?;
    Ok(page.items.first().map_or(Position::new(0), |entry| entry.position))
}

/// Returns how many entries a query finds up to a position, those who have just signed up among them.
///
/// # Errors
/// If the store fails.
pub async fn count(ports: &Ports, waitlist: &Waitlist, query: &EntryQuery, until: Position) -> Result<u64, Fault> {
    if !query.terms.is_empty() {
        get_ready(ports).await?;
    }
    ports.search.count(waitlist.id, query.clone(), until).await
}

/// Makes those ready for search who have just signed up.
async fn get_ready(ports: &Ports) -> Result<(), Fault> {
    for _ in 0..MAX_BATCHES {
        if !ports.search.index(INDEXED).await? {
            return Ok(());
        }
    }
    Err(Fault::unavailable("entries are still being made ready for search"))
}

/// Makes a job on all entries that a query finds, up to a position. Returns `None` if the list has a job that is not over.
///
/// # Errors
/// If the store fails.
pub async fn begin(
    ports: &Ports,
    actor: Actor,
    waitlist: &Waitlist,
    action: JobAction,
    query: EntryQuery,
    until: Position,
) -> Result<Option<EntryJob>, Fault> {
    let job = EntryJob {
        id: JobId::new(ports.ids.uuid()),
        workspace_id: waitlist.workspace_id,
        waitlist_id: waitlist.id,
        action,
        total: count(ports, waitlist, &query, until).await?,
        // A job goes by position, whatever order the entries were shown in.
        query: EntryQuery { sort: EntrySort::default(), ..query },
        until,
        state: JobState::Queued,
        mark: 0,
        changed: 0,
        refused: BTreeMap::new(),
        actor,
        created_at: ports.clock.now(),
        ended_at: None,
    };
    Ok(ports.entry_jobs.begin(job.clone()).await?.then_some(job))
}

/// A group that was done.
#[derive(Debug)]
pub struct Worked {
    /// Its job.
    pub job: JobId,
    /// What went wrong unexpectedly at entries of the group, which were passed over.
    pub defects: Vec<(EntryId, Fault)>,
}

/// Does the next group of the oldest job that no worker holds. Returns `None` if there was none.
///
/// A group that a crash or a fault cut off is done again: what is done already changes nothing more. That job is held until its lease has
/// ended, so that others come first meanwhile. An entry whose change fails unexpectedly is passed over, since it would fail each time.
///
/// Once the worker `stops`, the group ends after the entry in hand, and what it did is noted.
///
/// # Errors
/// If the store or the service that invites fails.
pub async fn step(ports: &Ports, stops: &(dyn Fn() -> bool + Sync)) -> Result<Option<Worked>, Fault> {
    let (claim, now) = (ClaimId::new(ports.ids.uuid()), ports.clock.now());
    let Some(job) = ports.entry_jobs.claim(claim, now, now.plus(LEASE)).await? else { return Ok(None) };
    let mut worked = Worked { job: job.id, defects: Vec::new() };
    let group = match ports.waitlists.find(job.workspace_id, job.waitlist_id).await? {
        Some(waitlist) => {
            let is_over = || stops() || ports.clock.now() >= now.plus(HELD);
            do_group(ports, &job, &waitlist, &is_over, &mut worked.defects).await?
        }
        None => JobGroup { end: Some(JobState::Failed), ..JobGroup::default() },
    };
    ports.entry_jobs.went_on(job.id, claim, group, ports.clock.now()).await?;
    Ok(Some(worked))
}

async fn do_group(
    ports: &Ports,
    job: &EntryJob,
    waitlist: &Waitlist,
    is_over: &(dyn Fn() -> bool + Sync),
    defects: &mut Vec<(EntryId, Fault)>,
) -> Result<JobGroup, Fault> {
    let limit = Limit::of::<{ EntryJob::GROUP }>();
    let page = ports.search.search(waitlist.id, job.query.clone(), Some(job.after()), limit).await?;
    let is_last = page.next.is_none() || page.items.last().is_some_and(|entry| entry.position > job.until);
    let mut group = JobGroup { end: is_last.then_some(JobState::Done), ..JobGroup::default() };
    for entry in page.items.into_iter().filter(|entry| entry.position <= job.until) {
        if group.mark > 0 && is_over() {
            return Ok(JobGroup { end: None, ..group });
        }
        match act(ports, job, waitlist, &entry).await {
            Ok(None) => group.changed += 1,
            Ok(Some(reason)) => *group.refused.entry(reason).or_default() += 1,
            Err(defect @ Fault::Unexpected(_)) => {
                defects.push((entry.id, defect));
                *group.refused.entry("it failed, and the log of the server says why".to_owned()).or_default() += 1;
            }
            // What was done until now is noted, and the next step begins with this entry.
            Err(_) if group.mark > 0 => return Ok(JobGroup { end: None, ..group }),
            Err(fault) => return Err(fault),
        }
        group.mark = entry.position.number();
    }
    Ok(group)
}

/// Changes an entry. Returns why it was not, if it was not.
async fn act(ports: &Ports, job: &EntryJob, waitlist: &Waitlist, entry: &Entry) -> Result<Option<String>, Fault> {
    let change = match job.action {
        JobAction::Approve => Action::Review(Review::Approve),
        JobAction::Reject => Action::Review(Review::Reject),
        JobAction::Invite => Action::Invite(Invitation { app_slug: None, mail: InviteMail::Send }),
        JobAction::Delete => {
            let (event_id, now) = (EventId::new(ports.ids.uuid()), ports.clock.now());
            let command = DeleteEntry { waitlist_id: waitlist.id, entry_id: entry.id, actor: job.actor.clone(), now, event_id };
            return ports.entries.delete(command).await.map(is_gone);
        }
        JobAction::Erase => return erase::erase(ports, waitlist.id, entry.id, job.actor.clone()).await.map(is_gone),
    };
    match bulk::act(ports, &job.actor, waitlist, entry.id, &change).await {
        Ok(()) => Ok(None),
        // The service is asked again, until it answers or the job is cancelled.
        Err(CommandError::Rejected(BulkRejection::Invite(InviteRejection::Invite(InviteError::Remote(error))))) => {
            Err(Fault::unavailable(error))
        }
        Err(CommandError::Rejected(rejection)) => Ok(Some(rejection.to_string())),
        Err(CommandError::Fault(fault)) => Err(fault),
    }
}

fn is_gone(was_there: bool) -> Option<String> {
    (!was_there).then(|| "it is gone".to_owned())
}
