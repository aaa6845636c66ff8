//! Cases of [`EntryJobStore`](rally_domain::port::EntryJobStore).

use std::collections::BTreeMap;

use futures_util::future::join_all;
use rally_domain::entry_job::{EntryJob, JobAction, JobGroup, JobState};
use rally_domain::id::{ClaimId, JobId};
use rally_domain::port::Ports;
use rally_domain::referral::Position;
use rally_domain::search::{EntryQuery, TermFilter};
use rally_domain::waitlist::Waitlist;
use serde_json::json;

use crate::Fixture;
use crate::samples::{ACTOR, active_list, active_list_in, later};

/// A new job on some entries of a list.
pub fn job(ports: &Ports, list: &Waitlist) -> EntryJob {
    let terms = TermFilter::text("ada").unwrap().into_iter().chain([TermFilter::referrer("a blog")]).collect();
    EntryJob {
        id: JobId::new(ports.ids.uuid()),
        workspace_id: list.workspace_id,
        waitlist_id: list.id,
        action: JobAction::Approve,
        query: EntryQuery { invited: Some(false), created_since: Some(later(ports, -5)), terms, ..EntryQuery::default() },
        until: Position::new(90),
        total: 12,
        state: JobState::Queued,
        mark: 0,
        changed: 0,
        refused: BTreeMap::new(),
        actor: ACTOR,
        created_at: ports.clock.now(),
        ended_at: None,
    }
}

fn claim_id(ports: &Ports) -> ClaimId {
    ClaimId::new(ports.ids.uuid())
}

async fn claim(ports: &Ports, claim: ClaimId) -> Option<EntryJob> {
    ports.entry_jobs.claim(claim, ports.clock.now(), later(ports, 60)).await.unwrap()
}

async fn went_on(ports: &Ports, id: JobId, claim: ClaimId, group: JobGroup) -> Option<EntryJob> {
    ports.entry_jobs.went_on(id, claim, group, ports.clock.now()).await.unwrap()
}

fn group(mark: u64, changed: u64, refused: u64) -> JobGroup {
    let refused = BTreeMap::from([("the app is full".to_owned(), refused), ("it is gone".to_owned(), 1)]);
    JobGroup { mark, changed, refused, end: None }
}

/// Begins a job on a list that has none.
async fn begin(ports: &Ports, job: &EntryJob) {
    assert!(ports.entry_jobs.begin(job.clone()).await.unwrap());
}

/// A job reads back as it was written, in every process, for every action.
pub async fn a_job_reads_back_as_it_was_written(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    for (number, action) in JobAction::ALL.into_iter().enumerate() {
        let job = EntryJob { action, created_at: later(&ports, number as i64), ..job(&ports, &list) };
        begin(&ports, &job).await;
        assert_eq!(there.entry_jobs.newest(list.id).await.unwrap(), Some(job.clone()));
        ports.entry_jobs.cancel(list.id, job.id, ports.clock.now()).await.unwrap();
    }
}

/// Of jobs that begin on one list at once, one is written. The next one begins when it is over.
pub async fn a_list_has_one_job_at_a_time(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    begin(&ports, &job(&ports, &other)).await;
    for _ in 0..3 {
        let jobs: Vec<EntryJob> = (0..8).map(|_| job(&ports, &list)).collect();
        let stores = [&ports, &there].into_iter().cycle();
        let begun = join_all(jobs.iter().zip(stores).map(|(job, ports)| ports.entry_jobs.begin(job.clone()))).await;
        let begun: Vec<&EntryJob> = jobs.iter().zip(begun).filter_map(|(job, begun)| begun.unwrap().then_some(job)).collect();
        let [job] = begun[..] else { panic!("{} jobs at once", begun.len()) };
        assert_eq!(there.entry_jobs.newest(list.id).await.unwrap().as_ref(), Some(job));
        there.entry_jobs.cancel(list.id, job.id, there.clock.now()).await.unwrap().unwrap();
    }
}

/// A job is found and cancelled on its own list alone.
pub async fn a_job_is_of_its_list(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    let job = job(&ports, &list);
    begin(&ports, &job).await;
    assert_eq!(ports.entry_jobs.newest(other.id).await.unwrap(), None);
    assert_eq!(ports.entry_jobs.cancel(other.id, job.id, ports.clock.now()).await.unwrap(), None);
    assert_eq!(ports.entry_jobs.newest(list.id).await.unwrap(), Some(job));
}

/// A cancelled job is no longer claimed, and its worker notes nothing more.
pub async fn a_cancelled_job_goes_on_no_more(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let job = job(&ports, &list);
    begin(&ports, &job).await;
    let worker = claim_id(&ports);
    claim(&ports, worker).await.unwrap();
    went_on(&ports, job.id, worker, group(3, 2, 1)).await.unwrap();
    let worker = claim_id(&ports);
    claim(&ports, worker).await.unwrap();
    let cancelled = there.entry_jobs.cancel(list.id, job.id, there.clock.now()).await.unwrap().unwrap();
    assert_eq!((cancelled.state, cancelled.changed, cancelled.query.clone()), (JobState::Cancelled, 2, EntryQuery::default()));
    assert_eq!(went_on(&ports, job.id, worker, group(5, 2, 1)).await, None);
    assert_eq!((claim(&ports, claim_id(&ports)).await, claim(&there, claim_id(&ports)).await), (None, None));
    assert_eq!(ports.entry_jobs.newest(list.id).await.unwrap(), Some(cancelled));
    assert_eq!(there.entry_jobs.cancel(list.id, job.id, there.clock.now()).await.unwrap(), None);
}

/// One worker holds a job until its lease has ended. Then another one goes on, and the first one notes nothing more.
pub async fn one_worker_at_a_time_holds_a_job(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let job = job(&ports, &list);
    begin(&ports, &job).await;
    let (first, second) = (claim_id(&ports), claim_id(&ports));
    let held = claim(&ports, first).await.unwrap();
    assert_eq!(held, EntryJob { state: JobState::Running, ..job.clone() });
    assert_eq!(claim(&there, second).await, None);
    assert_eq!(claim(&ports, first).await, None, "no claim is made twice");
    let taken = there.entry_jobs.claim(second, later(&ports, 61), later(&ports, 120)).await.unwrap().unwrap();
    assert_eq!(taken.id, job.id);
    assert_eq!(went_on(&ports, job.id, first, group(3, 2, 1)).await, None);
    assert_eq!(went_on(&there, job.id, second, group(4, 3, 1)).await.unwrap().changed, 3);
}

/// Any worker takes a job once a group of it is done, and a group counts once.
pub async fn a_group_frees_its_job(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let job = job(&ports, &list);
    begin(&ports, &job).await;
    let (first, second) = (claim_id(&ports), claim_id(&ports));
    claim(&ports, first).await.unwrap();
    let noted = went_on(&ports, job.id, first, group(3, 2, 1)).await;
    assert_eq!(went_on(&ports, job.id, first, group(3, 2, 1)).await, None);
    assert_eq!(claim(&there, second).await, noted);
}

/// The oldest job comes first, whichever list it is of.
pub async fn older_jobs_come_first(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    let young = EntryJob { created_at: later(&ports, 10), ..job(&ports, &list) };
    let old = job(&ports, &other);
    for job in [&young, &old] {
        begin(&ports, job).await;
    }
    assert_eq!(claim(&ports, claim_id(&ports)).await.map(|job| job.id), Some(old.id));
    assert_eq!(claim(&ports, claim_id(&ports)).await.map(|job| job.id), Some(young.id));
}

/// Numbers and reasons of groups add up, and the job is over with the last one.
pub async fn groups_add_up(fixture: &impl Fixture) {
    let (ports, there) = (fixture.ports(), fixture.reopen().await);
    let list = active_list(&ports, json!({})).await;
    let job = job(&ports, &list);
    begin(&ports, &job).await;
    let groups = [group(3, 2, 1), JobGroup { end: Some(JobState::Done), ..group(90, 5, 2) }];
    let mut expected = job.clone().claimed();
    for group in groups {
        let worker = claim_id(&ports);
        claim(&ports, worker).await.unwrap();
        expected = expected.went_on(group.clone(), ports.clock.now());
        assert_eq!(went_on(&ports, job.id, worker, group).await.as_ref(), Some(&expected));
    }
    assert_eq!((expected.state, expected.changed, expected.looked_at()), (JobState::Done, 7, 12));
    assert_eq!(there.entry_jobs.newest(list.id).await.unwrap(), Some(expected));
    assert_eq!(claim(&there, claim_id(&there)).await, None);
}

/// Old jobs that are over go, so many at a time. Others stay.
pub async fn old_jobs_are_pruned(fixture: &impl Fixture) {
    let ports = fixture.ports();
    let list = active_list(&ports, json!({})).await;
    let other = active_list_in(&ports, list.workspace_id, "other", json!({})).await;
    let third = active_list_in(&ports, list.workspace_id, "third", json!({})).await;
    let (young, open) = (EntryJob { created_at: later(&ports, 100), ..job(&ports, &list) }, job(&ports, &third));
    begin(&ports, &open).await;
    for job in [job(&ports, &other), job(&ports, &other), young.clone()] {
        begin(&ports, &job).await;
        ports.entry_jobs.cancel(job.waitlist_id, job.id, ports.clock.now()).await.unwrap().unwrap();
    }
    for (deleted, left) in [(1, true), (1, false), (0, false)] {
        assert_eq!(ports.entry_jobs.prune(later(&ports, 50), 1).await.unwrap(), deleted);
        assert_eq!(ports.entry_jobs.newest(other.id).await.unwrap().is_some(), left);
    }
    assert_eq!(ports.entry_jobs.newest(list.id).await.unwrap().map(|job| job.id), Some(young.id));
    assert_eq!(ports.entry_jobs.newest(third.id).await.unwrap(), Some(open));
}

/// Calls every method, for tests of statements.
pub async fn call_everything(ports: &Ports, list: &Waitlist) {
    let job = job(ports, list);
    ports.entry_jobs.begin(job.clone()).await.unwrap();
    let worker = claim_id(ports);
    claim(ports, worker).await.unwrap();
    went_on(ports, job.id, worker, group(3, 2, 1)).await;
    ports.entry_jobs.newest(list.id).await.unwrap();
    ports.entry_jobs.cancel(list.id, job.id, ports.clock.now()).await.unwrap();
    ports.entry_jobs.prune(later(ports, -50), 10).await.unwrap();
}
