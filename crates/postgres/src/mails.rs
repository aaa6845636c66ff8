//! [`MailQueue`] on PostgreSQL, and writing mail in the transaction of the change it tells of.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{self, Array, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::delivery::Verdict;
use rally_domain::email::Email;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{ClaimId, EntryId, MailId, WaitlistId, WorkspaceId};
use rally_domain::mail::{ClaimedMail, Mail, SettleMail};
use rally_domain::ports::{ClaimRequest, MailQueue, QueueDepth};
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::DeliveryPolicy;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::deliveries::{Any, BEGIN_CLAIM, BEGIN_PASSING, depth};
use crate::fault::query_fault;
use crate::rows::to_bigint;
use crate::schema::mails;
use crate::statement::statement;
use crate::{PgStore, transaction};

/// Claims what is due, as deliveries are claimed: by hopping from one workspace that something waits for to the next, so that
/// what waits for one costs another nothing. The DSL has neither recursion nor a lock in a subquery.
const CLAIM: &str = "
WITH RECURSIVE lanes (workspace_id) AS (
    (SELECT workspace_id FROM mails WHERE state = 'pending' ORDER BY workspace_id, due_at LIMIT 1)
    UNION ALL
    SELECT (SELECT m.workspace_id FROM mails m WHERE m.state = 'pending' AND m.workspace_id > l.workspace_id
            ORDER BY m.workspace_id, m.due_at LIMIT 1)
    FROM lanes l WHERE l.workspace_id IS NOT NULL
), turn AS MATERIALIZED (
    SELECT l.workspace_id FROM lanes l
    CROSS JOIN LATERAL (
        SELECT FROM mails m WHERE m.workspace_id = l.workspace_id AND m.state = 'pending' AND m.due_at <= $1
        ORDER BY m.due_at LIMIT 1
    ) something
    WHERE l.workspace_id <> ALL ($3)
    ORDER BY l.workspace_id <= $4, l.workspace_id LIMIT $5
), due AS MATERIALIZED (
    SELECT waiting.id
    FROM turn
    CROSS JOIN LATERAL (
        SELECT m.id FROM mails m
        WHERE m.workspace_id = turn.workspace_id AND m.state = 'pending' AND m.due_at <= $1
        ORDER BY m.due_at, m.id LIMIT $2 FOR UPDATE SKIP LOCKED
    ) waiting
)
UPDATE mails m SET state = 'running', claim = $6, lease_until = $7, attempt = m.attempt + 1
FROM due WHERE m.id = due.id
RETURNING m.id, m.workspace_id, m.waitlist_id, m.entry_id, m.template, m.sender, m.recipient, m.data, m.created_at, m.attempt";

statement! {
    /// A row if anything waits, due or not.
    AnyPending { "SELECT true AS any FROM mails WHERE state = 'pending' LIMIT 1" }
}

#[async_trait]
impl MailQueue for PgStore {
    async fn mails(&self, limit: usize) -> Result<Vec<Mail>, Fault> {
        let mut c = self.connection().await?;
        let query = mails::table.order((mails::created_at, mails::id)).limit(to_bigint(limit as u64)).select(MailRow::as_select());
        let rows: Vec<MailRow> = query.load(&mut c).await.map_err(query_fault)?;
        Ok(rows.into_iter().map(Mail::from).collect())
    }

    async fn claim(&self, request: ClaimRequest<WorkspaceId>) -> Result<Vec<ClaimedMail>, Fault> {
        // A look costs little: most find nothing.
        let any: Vec<Any> = (AnyPending {}).load(&mut self.connection().await?).await.map_err(query_fault)?;
        if any.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Result<Vec<ClaimedRow>, CommandError<Infallible>> = transaction!(self, BEGIN_CLAIM, |c| Ok(claim(c, &request).await?));
        let claimed =
            |row: ClaimedRow| ClaimedMail { claim: request.claim, attempt: u32::try_from(row.attempt).unwrap_or(0), mail: row.mail.into() };
        Ok(rows?.into_iter().map(claimed).collect())
    }

    async fn settle(&self, attempts: Vec<SettleMail>, policy: DeliveryPolicy) -> Result<usize, Fault> {
        let outcome: Result<usize, CommandError<Infallible>> = transaction!(self, BEGIN_PASSING, |c| {
            let mut settled = 0;
            for attempt in &attempts {
                settled += settle(c, attempt, &policy).await?;
            }
            Ok(settled)
        });
        Ok(outcome?)
    }

    async fn release(&self, claim: ClaimId, claimed: Vec<MailId>, due_at: Timestamp) -> Result<(), Fault> {
        let mut c = self.connection().await?;
        let ids: Vec<Uuid> = claimed.iter().map(|id| id.uuid()).collect();
        let mine = mails::table.filter(mails::id.eq_any(ids).and(mails::state.eq("running")).and(mails::claim.eq(claim.uuid())));
        let untried = (mails::state.eq("pending"), mails::attempt.eq(mails::attempt - 1), mails::due_at.eq(due_at.instant()));
        diesel::update(mine).set(untried).execute(&mut c).await.map(|_| ()).map_err(query_fault)
    }

    async fn reap(&self, now: Timestamp, attempts: u32) -> Result<u64, Fault> {
        let most = i32::try_from(attempts).unwrap_or(i32::MAX);
        let outcome: Result<u64, CommandError<Infallible>> = transaction!(self, |c| {
            let lost = || mails::table.filter(mails::state.eq("running").and(mails::lease_until.lt(now.instant())));
            let dead = diesel::update(lost().filter(mails::attempt.ge(most))).set(mails::state.eq("dead")).execute(c).await?;
            let again = (mails::state.eq("pending"), mails::due_at.eq(now.instant()));
            let freed = diesel::update(lost()).set(again).execute(c).await?;
            Ok((dead + freed) as u64)
        });
        Ok(outcome?)
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let mut c = self.connection().await?;
        let old = mails::table
            .filter(mails::created_at.lt(before.instant()).and(mails::state.eq_any(["done", "dead"])))
            .order((mails::created_at, mails::id))
            .limit(to_bigint(most as u64));
        let old: Vec<Uuid> = old.select(mails::id).load(&mut c).await.map_err(query_fault)?;
        let pruned = diesel::delete(mails::table.filter(mails::id.eq_any(old))).execute(&mut c).await;
        pruned.map(|rows| rows as u64).map_err(query_fault)
    }

    async fn depth(&self) -> Result<QueueDepth, Fault> {
        let mut c = self.connection().await?;
        depth(&mut c, "mails").await.map_err(query_fault)
    }
}

statement! {
    /// Mail, due at once; what is there already stays as it is.
    InsertMails {
        "INSERT INTO mails (id, workspace_id, waitlist_id, entry_id, template, sender, recipient, data, created_at, due_at) \
            SELECT id, workspace_id, waitlist_id, entry_id, template, sender, recipient, data, created_at, created_at FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        workspace_ids: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        waitlist_ids: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        entry_ids: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        templates: Array<Text> = Vec<String>, ", "
        senders: Array<Text> = Vec<String>, ", "
        recipients: Array<Text> = Vec<String>, ", "
        data: Array<Text> = Vec<String>, ", "
        created_at: Array<Timestamptz> = Vec<OffsetDateTime>,
        ") AS new (id, workspace_id, waitlist_id, entry_id, template, sender, recipient, data, created_at) ON CONFLICT (id) DO NOTHING"
    }
}

/// Writes mail, due at once; one that is there already stays as it is.
pub(crate) async fn write(mut c: &AsyncPgConnection, written: impl Iterator<Item = &Mail> + Clone) -> QueryResult<usize> {
    if written.clone().next().is_none() {
        return Ok(0);
    }
    let insert = InsertMails {
        ids: written.clone().map(|mail| mail.id.uuid()).collect(),
        workspace_ids: written.clone().map(|mail| mail.workspace_id.uuid()).collect(),
        waitlist_ids: written.clone().map(|mail| mail.waitlist_id.uuid()).collect(),
        entry_ids: written.clone().map(|mail| mail.entry_id.uuid()).collect(),
        templates: written.clone().map(|mail| mail.template.clone()).collect(),
        senders: written.clone().map(|mail| mail.from.to_string()).collect(),
        recipients: written.clone().map(|mail| mail.to.to_string()).collect(),
        data: written.clone().map(|mail| mail.data.clone()).collect(),
        created_at: written.map(|mail| mail.created_at.instant()).collect(),
    };
    insert.execute(&mut c).await
}

/// Deletes the mail of an entry.
pub(crate) async fn delete(c: &mut AsyncPgConnection, entry: EntryId) -> QueryResult<usize> {
    diesel::delete(mails::table.filter(mails::entry_id.eq(entry.uuid()))).execute(c).await
}

async fn claim(c: &mut AsyncPgConnection, request: &ClaimRequest<WorkspaceId>) -> QueryResult<Vec<ClaimedRow>> {
    diesel::sql_query(CLAIM)
        .bind::<sql_types::Timestamptz, _>(request.now.instant())
        .bind::<sql_types::BigInt, _>(to_bigint(request.per_lane as u64))
        .bind::<sql_types::Array<sql_types::Uuid>, _>(request.busy.iter().map(|id| id.uuid()).collect::<Vec<_>>())
        .bind::<sql_types::Uuid, _>(request.after.map_or(Uuid::nil(), WorkspaceId::uuid))
        .bind::<sql_types::BigInt, _>(to_bigint(request.most.div_ceil(request.per_lane.max(1)) as u64))
        .bind::<sql_types::Uuid, _>(request.claim.uuid())
        .bind::<sql_types::Timestamptz, _>(request.lease_until.instant())
        .load(c)
        .await
}

async fn settle(c: &mut AsyncPgConnection, tried: &SettleMail, policy: &DeliveryPolicy) -> QueryResult<usize> {
    let (state, due) = match tried.decide(policy) {
        Verdict::Done => ("done", None),
        Verdict::Dead | Verdict::Held => ("dead", None),
        Verdict::RetryAt(due) => ("pending", Some(mails::due_at.eq(due.instant()))),
    };
    let mine = mails::table.find(tried.mail_id.uuid()).filter(mails::state.eq("running").and(mails::claim.eq(tried.claim.uuid())));
    let status = mails::last_status.eq(tried.outcome.status().map(i32::from));
    diesel::update(mine).set((mails::state.eq(state), status, due)).execute(c).await
}

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = mails, check_for_backend(diesel::pg::Pg))]
struct MailRow {
    id: Uuid,
    workspace_id: Uuid,
    waitlist_id: Uuid,
    entry_id: Uuid,
    template: String,
    sender: String,
    recipient: String,
    data: String,
    created_at: OffsetDateTime,
}

#[derive(QueryableByName)]
struct ClaimedRow {
    #[diesel(embed)]
    mail: MailRow,
    #[diesel(sql_type = sql_types::Integer)]
    attempt: i32,
}

impl From<MailRow> for Mail {
    fn from(row: MailRow) -> Self {
        Self {
            id: MailId::new(row.id),
            workspace_id: WorkspaceId::new(row.workspace_id),
            waitlist_id: WaitlistId::new(row.waitlist_id),
            entry_id: EntryId::new(row.entry_id),
            template: row.template,
            from: Email::from_stored(row.sender),
            to: Email::from_stored(row.recipient),
            data: row.data,
            created_at: Timestamp::new(row.created_at),
        }
    }
}
