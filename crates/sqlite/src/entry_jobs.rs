//! [`EntryJobStore`] on SQLite.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use rally_domain::actor::Actor;
use rally_domain::audit::AuditActor;
use rally_domain::entry_job::{
    EntryJob, JobAction, JobGroup, JobState, query_from_json, query_to_json, reasons_from_json, reasons_to_json,
};
use rally_domain::error::Fault;
use rally_domain::id::{ClaimId, JobId, WaitlistId, WorkspaceId};
use rally_domain::port::EntryJobStore;
use rally_domain::referral::Position;
use rally_domain::timestamp::Timestamp;

use crate::SqliteStore;
use crate::convert::{Blob, from_bigint, instant, to_bigint};
use crate::fault::{Abort, query_fault};
use crate::schema::entry_jobs;

#[async_trait]
impl EntryJobStore for SqliteStore {
    async fn begin(&self, job: EntryJob) -> Result<bool, Fault> {
        let row = JobRow::try_from(&job)?;
        let begun = self.database.write::<_, Infallible>(move |c| {
            let open = entry_jobs::table.filter(entry_jobs::waitlist_id.eq(row.waitlist_id)).filter(entry_jobs::ended_at.is_null());
            if open.select(entry_jobs::id).first::<Blob>(c).optional()?.is_some() {
                return Ok(false);
            }
            diesel::insert_into(entry_jobs::table).values(&row).execute(c)?;
            Ok(true)
        });
        Ok(begun.await?)
    }

    async fn newest(&self, waitlist_id: WaitlistId) -> Result<Option<EntryJob>, Fault> {
        let found = self.database.read(move |c| {
            let jobs = entry_jobs::table.filter(entry_jobs::waitlist_id.eq(Blob(waitlist_id.uuid())));
            let jobs = jobs.order((entry_jobs::created_at.desc(), entry_jobs::id.desc()));
            jobs.select(JobRow::as_select()).first(c).optional().map_err(query_fault)
        });
        found.await?.map(EntryJob::try_from).transpose()
    }

    async fn cancel(&self, waitlist_id: WaitlistId, id: JobId, now: Timestamp) -> Result<Option<EntryJob>, Fault> {
        let cancelled = self.database.write::<_, Infallible>(move |c| {
            let job = load(c, id)?.filter(|job| job.waitlist_id == waitlist_id);
            let Some(job) = job.and_then(|job| job.cancelled(now)) else { return Ok(None) };
            save(c, &job)?;
            Ok(Some(job))
        });
        Ok(cancelled.await?)
    }

    async fn claim(&self, claim: ClaimId, now: Timestamp, lease_until: Timestamp) -> Result<Option<EntryJob>, Fault> {
        // Most calls find nothing, and this read costs no write transaction.
        if self.database.read(move |c| next(c, now).map_err(query_fault)).await?.is_none() {
            return Ok(None);
        }
        let claimed = self.database.write::<_, Infallible>(move |c| {
            let Some(id) = next(c, now)? else { return Ok(None) };
            let Some(job) = load(c, JobId::new(id.0))? else { return Ok(None) };
            let job = job.claimed();
            save(c, &job)?;
            let held = (entry_jobs::claim.eq(Blob(claim.uuid())), entry_jobs::lease_until.eq(lease_until.unix_millis()));
            diesel::update(entry_jobs::table.find(id)).set(held).execute(c)?;
            Ok(Some(job))
        });
        Ok(claimed.await?)
    }

    async fn went_on(&self, id: JobId, claim: ClaimId, group: JobGroup, now: Timestamp) -> Result<Option<EntryJob>, Fault> {
        let noted = self.database.write::<_, Infallible>(move |c| {
            let held = entry_jobs::table.find(Blob(id.uuid())).filter(entry_jobs::claim.eq(Blob(claim.uuid())));
            let free = (entry_jobs::claim.eq(None::<Blob>), entry_jobs::lease_until.eq(None::<i64>));
            if diesel::update(held).set(free).execute(c)? == 0 {
                return Ok(None);
            }
            let Some(job) = load(c, id)?.filter(|job| !job.state.is_over()) else { return Ok(None) };
            let job = job.went_on(group, now);
            save(c, &job)?;
            Ok(Some(job))
        });
        Ok(noted.await?)
    }

    async fn prune(&self, before: Timestamp, rows: usize) -> Result<u64, Fault> {
        let pruned = self.database.write::<_, Infallible>(move |c| {
            let old = entry_jobs::table.filter(entry_jobs::created_at.lt(before.unix_millis())).filter(entry_jobs::ended_at.is_not_null());
            let old = old.order((entry_jobs::created_at, entry_jobs::id)).limit(to_bigint(rows as u64));
            let ids: Vec<Blob> = old.select(entry_jobs::id).load(c)?;
            Ok(diesel::delete(entry_jobs::table.filter(entry_jobs::id.eq_any(ids))).execute(c)?)
        });
        Ok(pruned.await? as u64)
    }
}

/// The oldest job that nobody holds.
fn next(c: &mut SqliteConnection, now: Timestamp) -> QueryResult<Option<Blob>> {
    let free = entry_jobs::lease_until.is_null().or(entry_jobs::lease_until.lt(now.unix_millis()));
    let open = entry_jobs::table.filter(entry_jobs::ended_at.is_null()).filter(free);
    open.order((entry_jobs::created_at, entry_jobs::id)).select(entry_jobs::id).first(c).optional()
}

fn load<R>(c: &mut SqliteConnection, id: JobId) -> Result<Option<EntryJob>, Abort<R>> {
    let row = entry_jobs::table.find(Blob(id.uuid())).select(JobRow::as_select()).first(c).optional()?;
    Ok(row.map(EntryJob::try_from).transpose()?)
}

fn save<R>(c: &mut SqliteConnection, job: &EntryJob) -> Result<(), Abort<R>> {
    let row = JobRow::try_from(job)?;
    diesel::update(entry_jobs::table.find(Blob(job.id.uuid()))).set(row).execute(c)?;
    Ok(())
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = entry_jobs, check_for_backend(diesel::sqlite::Sqlite), treat_none_as_null = true)]
struct JobRow {
    id: Blob,
    workspace_id: Blob,
    waitlist_id: Blob,
    action: String,
    query: String,
    until_position: i64,
    total: i64,
    state: String,
    mark: i64,
    changed: i64,
    refused: String,
    actor: String,
    created_at: i64,
    ended_at: Option<i64>,
}

impl TryFrom<&EntryJob> for JobRow {
    type Error = Fault;

    fn try_from(job: &EntryJob) -> Result<Self, Fault> {
        Ok(Self {
            id: Blob(job.id.uuid()),
            workspace_id: Blob(job.workspace_id.uuid()),
            waitlist_id: Blob(job.waitlist_id.uuid()),
            action: job.action.as_str().to_owned(),
            query: query_to_json(&job.query)?,
            until_position: to_bigint(job.until.number()),
            total: to_bigint(job.total),
            state: job.state.as_str().to_owned(),
            mark: to_bigint(job.mark),
            changed: to_bigint(job.changed),
            refused: reasons_to_json(&job.refused)?,
            actor: job.actor.audited().ok_or_else(|| Fault::unexpected("visitors have no jobs"))?.to_json(),
            created_at: job.created_at.unix_millis(),
            ended_at: job.ended_at.map(Timestamp::unix_millis),
        })
    }
}

impl TryFrom<JobRow> for EntryJob {
    type Error = Fault;

    fn try_from(row: JobRow) -> Result<Self, Fault> {
        Ok(Self {
            id: JobId::new(row.id.0),
            workspace_id: WorkspaceId::new(row.workspace_id.0),
            waitlist_id: WaitlistId::new(row.waitlist_id.0),
            action: JobAction::parse(&row.action).map_err(Fault::unexpected)?,
            query: query_from_json(&row.query)?,
            until: Position::new(from_bigint(row.until_position)),
            total: from_bigint(row.total),
            state: JobState::parse(&row.state).map_err(Fault::unexpected)?,
            mark: from_bigint(row.mark),
            changed: from_bigint(row.changed),
            refused: reasons_from_json(&row.refused)?,
            actor: AuditActor::from_json(&row.actor).ok_or_else(|| Fault::unexpected("a job has no actor")).and_then(Actor::of_audited)?,
            created_at: instant(row.created_at)?,
            ended_at: row.ended_at.map(instant).transpose()?,
        })
    }
}
