//! [`EntryJobStore`] on PostgreSQL.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{self, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::actor::Actor;
use rally_domain::audit::AuditActor;
use rally_domain::entry_job::{
    EntryJob, JobAction, JobGroup, JobState, query_from_json, query_to_json, reasons_from_json, reasons_to_json,
};
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{ClaimId, JobId, WaitlistId, WorkspaceId};
use rally_domain::port::EntryJobStore;
use rally_domain::referral::Position;
use rally_domain::timestamp::Timestamp;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{from_bigint, to_bigint};
use crate::fault::{Abort, query_fault};
use crate::queue::IdRow;
use crate::schema::{entry_jobs, waitlists};
use crate::statement::statement;
use crate::{PgStore, transaction};

/// How many jobs of a list are looked at for one that goes on. It is the newest, as far as the clocks of all processes agree.
const RECENT: i64 = 20;

#[async_trait]
impl EntryJobStore for PgStore {
    async fn begin(&self, job: EntryJob) -> Result<bool, Fault> {
        let (row, list) = (JobRow::try_from(&job)?, job.waitlist_id.uuid());
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, |c| {
            // Those who begin on one list at once take turns.
            let lock = waitlists::table.find(list).select(waitlists::id).for_no_key_update();
            lock.first::<Uuid>(c).await.optional()?;
            let jobs = entry_jobs::table.filter(entry_jobs::waitlist_id.eq(list));
            let jobs = jobs.order((entry_jobs::waitlist_id, entry_jobs::created_at.desc(), entry_jobs::id.desc())).limit(RECENT);
            let ends: Vec<Option<OffsetDateTime>> = jobs.select(entry_jobs::ended_at).load(c).await?;
            if ends.iter().any(Option::is_none) {
                return Ok(false);
            }
            diesel::insert_into(entry_jobs::table).values(&row).execute(c).await?;
            Ok(true)
        });
        Ok(outcome?)
    }

    async fn newest(&self, waitlist_id: WaitlistId) -> Result<Option<EntryJob>, Fault> {
        let mut c = self.connection().await?;
        let jobs = entry_jobs::table.filter(entry_jobs::waitlist_id.eq(waitlist_id.uuid()));
        let jobs = jobs.order((entry_jobs::waitlist_id, entry_jobs::created_at.desc(), entry_jobs::id.desc()));
        let row: Option<JobRow> = jobs.select(JobRow::as_select()).first(&mut c).await.optional().map_err(query_fault)?;
        row.map(EntryJob::try_from).transpose()
    }

    async fn cancel(&self, waitlist_id: WaitlistId, id: JobId, now: Timestamp) -> Result<Option<EntryJob>, Fault> {
        let outcome: Result<Option<EntryJob>, CommandError<Infallible>> = transaction!(self, |c| {
            let job = lock(c, id).await?.filter(|job| job.waitlist_id == waitlist_id);
            let Some(job) = job.and_then(|job| job.cancelled(now)) else { return Ok(None) };
            save(c, &job).await?;
            Ok(Some(job))
        });
        Ok(outcome?)
    }

    async fn claim(&self, claim: ClaimId, now: Timestamp, lease_until: Timestamp) -> Result<Option<EntryJob>, Fault> {
        let outcome: Result<Option<EntryJob>, CommandError<Infallible>> = transaction!(self, |c| {
            let next = NextJob { now: now.instant() };
            let Some(next) = next.get_result::<IdRow>(c).await.optional()? else { return Ok(None) };
            let Some(job) = lock(c, JobId::new(next.id)).await? else { return Ok(None) };
            let job = job.claimed();
            save(c, &job).await?;
            let held = (entry_jobs::claim.eq(claim.uuid()), entry_jobs::lease_until.eq(lease_until.instant()));
            diesel::update(entry_jobs::table.find(next.id)).set(held).execute(c).await?;
            Ok(Some(job))
        });
        Ok(outcome?)
    }

    async fn went_on(&self, id: JobId, claim: ClaimId, group: JobGroup, now: Timestamp) -> Result<Option<EntryJob>, Fault> {
        let outcome: Result<Option<EntryJob>, CommandError<Infallible>> = transaction!(self, |c| {
            let held = entry_jobs::table.find(id.uuid()).filter(entry_jobs::claim.eq(claim.uuid()));
            let free = (entry_jobs::claim.eq(None::<Uuid>), entry_jobs::lease_until.eq(None::<OffsetDateTime>));
            if diesel::update(held).set(free).execute(c).await? == 0 {
                return Ok(None);
            }
            let Some(job) = lock(c, id).await?.filter(|job| !job.state.is_over()) else { return Ok(None) };
            let job = job.went_on(group.clone(), now);
            save(c, &job).await?;
            Ok(Some(job))
        });
        Ok(outcome?)
    }

    async fn prune(&self, before: Timestamp, rows: usize) -> Result<u64, Fault> {
        let prune = PruneJobs { before: before.instant(), most: to_bigint(rows as u64) };
        let pruned = prune.execute(&mut *self.connection().await?).await.map_err(query_fault)?;
        Ok(pruned as u64)
    }
}

statement! {
    /// The oldest job that nobody holds.
    NextJob {
        "SELECT id FROM entry_jobs WHERE ended_at IS NULL AND (lease_until IS NULL OR lease_until < "
        now: Timestamptz = OffsetDateTime, ") ORDER BY created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED"
    }
}

statement! {
    /// Deletes some old jobs that are over.
    PruneJobs {
        "DELETE FROM entry_jobs WHERE id = ANY (ARRAY(SELECT id FROM entry_jobs WHERE created_at < "
        before: Timestamptz = OffsetDateTime, " AND ended_at IS NOT NULL ORDER BY created_at, id LIMIT "
        most: sql_types::BigInt = i64, " FOR UPDATE SKIP LOCKED))"
    }
}

async fn lock<R>(c: &mut AsyncPgConnection, id: JobId) -> Result<Option<EntryJob>, Abort<R>> {
    let row: Option<JobRow> =
        entry_jobs::table.find(id.uuid()).select(JobRow::as_select()).for_no_key_update().first(c).await.optional()?;
    Ok(row.map(EntryJob::try_from).transpose()?)
}

async fn save<R>(c: &mut AsyncPgConnection, job: &EntryJob) -> Result<(), Abort<R>> {
    let row = JobRow::try_from(job)?;
    diesel::update(entry_jobs::table.find(job.id.uuid())).set(row).execute(c).await?;
    Ok(())
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = entry_jobs, check_for_backend(diesel::pg::Pg), treat_none_as_null = true, treat_none_as_default_value = false)]
struct JobRow {
    id: Uuid,
    workspace_id: Uuid,
    waitlist_id: Uuid,
    action: String,
    query: String,
    until_position: i64,
    total: i64,
    state: String,
    mark: i64,
    changed: i64,
    refused: String,
    actor: String,
    created_at: OffsetDateTime,
    ended_at: Option<OffsetDateTime>,
}

impl TryFrom<&EntryJob> for JobRow {
    type Error = Fault;

    fn try_from(job: &EntryJob) -> Result<Self, Fault> {
        Ok(Self {
            id: job.id.uuid(),
            workspace_id: job.workspace_id.uuid(),
            waitlist_id: job.waitlist_id.uuid(),
            action: job.action.as_str().to_owned(),
            query: query_to_json(&job.query)?,
            until_position: to_bigint(job.until.number()),
            total: to_bigint(job.total),
            state: job.state.as_str().to_owned(),
            mark: to_bigint(job.mark),
            changed: to_bigint(job.changed),
            refused: reasons_to_json(&job.refused)?,
            actor: job.actor.audited().ok_or_else(|| Fault::unexpected("visitors have no jobs"))?.to_json(),
            created_at: job.created_at.instant(),
            ended_at: job.ended_at.map(Timestamp::instant),
        })
    }
}

impl TryFrom<JobRow> for EntryJob {
    type Error = Fault;

    fn try_from(row: JobRow) -> Result<Self, Fault> {
        Ok(Self {
            id: JobId::new(row.id),
            workspace_id: WorkspaceId::new(row.workspace_id),
            waitlist_id: WaitlistId::new(row.waitlist_id),
            action: JobAction::parse(&row.action).map_err(Fault::unexpected)?,
            query: query_from_json(&row.query)?,
            until: Position::new(from_bigint(row.until_position)),
            total: from_bigint(row.total),
            state: JobState::parse(&row.state).map_err(Fault::unexpected)?,
            mark: from_bigint(row.mark),
            changed: from_bigint(row.changed),
            refused: reasons_from_json(&row.refused)?,
            actor: AuditActor::from_json(&row.actor).ok_or_else(|| Fault::unexpected("a job has no actor")).and_then(Actor::of_audited)?,
            created_at: Timestamp::new(row.created_at),
            ended_at: row.ended_at.map(Timestamp::new),
        })
    }
}
