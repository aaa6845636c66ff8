//! [`MailQueue`] on SQLite, and writing mail in the transaction of the change it tells of.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types;
use rally_domain::delivery::Verdict;
use rally_domain::email::Email;
use rally_domain::error::Fault;
use rally_domain::id::{ClaimId, EntryId, MailId, WaitlistId, WorkspaceId};
use rally_domain::mail::{ClaimedMail, Mail, SettleMail};
use rally_domain::port::{ClaimRequest, MailQueue, QueueDepth};
use rally_domain::timestamp::Timestamp;
use rally_domain::webhook::DeliveryPolicy;

use crate::fault::{Abort, query_fault};
use crate::rows::{Blob, from_bigint, instant, to_bigint};
use crate::schema::mails;
use crate::{SqliteStore, counters};

/// The workspaces that something is due for, found by hopping from one to the next in the index of a claim. The DSL has no
/// recursion.
const LANES: &str = "
WITH RECURSIVE lanes (workspace_id) AS (
    SELECT min(workspace_id) FROM mails WHERE state = 'pending'
    UNION ALL
    SELECT (SELECT min(m.workspace_id) FROM mails m WHERE m.state = 'pending' AND m.workspace_id > l.workspace_id)
    FROM lanes l WHERE l.workspace_id IS NOT NULL
)
SELECT workspace_id FROM lanes l
WHERE EXISTS (SELECT 1 FROM mails m WHERE m.workspace_id = l.workspace_id AND m.state = 'pending' AND m.due_at <= ?1)";

#[async_trait]
impl MailQueue for SqliteStore {
    async fn mails(&self, limit: usize) -> Result<Vec<Mail>, Fault> {
        self.database
            .read(move |c| {
                let query = mails::table.order((mails::created_at, mails::id)).limit(to_bigint(limit as u64)).select(MailRow::as_select());
                let rows: Vec<MailRow> = query.load(c).map_err(query_fault)?;
                rows.into_iter().map(Mail::try_from).collect()
            })
            .await
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<WorkspaceId>, Fault> {
        let due = self.database.read(move |c| {
            let lanes: Vec<Lane> = diesel::sql_query(LANES).bind::<sql_types::BigInt, _>(now.unix_millis()).load(c).map_err(query_fault)?;
            Ok(lanes.into_iter().map(|lane| WorkspaceId::new(lane.workspace_id.0)).collect())
        });
        due.await
    }

    async fn claim(&self, request: ClaimRequest<WorkspaceId>) -> Result<Vec<ClaimedMail>, Fault> {
        Ok(self.database.write::<_, Infallible>(move |c| claim(c, &request)).await?)
    }

    async fn confirm(&self, claimed: Vec<(ClaimId, MailId)>) -> Result<Vec<ClaimedMail>, Fault> {
        self.database
            .read(move |c| {
                let mut confirmed = Vec::with_capacity(claimed.len());
                for (claim, id) in claimed {
                    let mine =
                        mails::table.find(Blob(id.uuid())).filter(mails::state.eq("running").and(mails::claim.eq(Blob(claim.uuid()))));
                    let row = mine.select((MailRow::as_select(), mails::attempt)).first::<(MailRow, i32)>(c).optional();
                    let Some((row, attempt)) = row.map_err(query_fault)? else { continue };
                    if counters::is_there(c, row.waitlist_id).map_err(query_fault)? {
                        confirmed.push(ClaimedMail { claim, attempt: u32::try_from(attempt).unwrap_or(0), mail: row.try_into()? });
                    }
                }
                Ok(confirmed)
            })
            .await
    }

    async fn settle(&self, attempts: Vec<SettleMail>, policy: DeliveryPolicy) -> Result<usize, Fault> {
        let settled = self.database.write::<_, Infallible>(move |c| {
            let mut settled = 0;
            for attempt in &attempts {
                settled += settle(c, attempt, &policy)?;
            }
            Ok(settled)
        });
        Ok(settled.await?)
    }

    async fn release(&self, claim: ClaimId, claimed: Vec<MailId>, due_at: Timestamp) -> Result<(), Fault> {
        let released = self.database.write::<_, Infallible>(move |c| {
            let ids: Vec<Blob> = claimed.iter().map(|id| Blob(id.uuid())).collect();
            let mine = mails::table.filter(mails::id.eq_any(ids).and(mails::state.eq("running")).and(mails::claim.eq(Blob(claim.uuid()))));
            let untried = (mails::state.eq("pending"), mails::attempt.eq(mails::attempt - 1), mails::due_at.eq(due_at.unix_millis()));
            diesel::update(mine).set(untried).execute(c)?;
            Ok(())
        });
        Ok(released.await?)
    }

    async fn reap(&self, now: Timestamp, attempts: u32) -> Result<u64, Fault> {
        let (now, most) = (now.unix_millis(), i32::try_from(attempts).unwrap_or(i32::MAX));
        let reaped = self.database.write::<_, Infallible>(move |c| {
            let lost = || mails::table.filter(mails::state.eq("running").and(mails::lease_until.lt(now)));
            let dead = diesel::update(lost().filter(mails::attempt.ge(most))).set(mails::state.eq("dead")).execute(c)?;
            let freed = diesel::update(lost()).set((mails::state.eq("pending"), mails::due_at.eq(now))).execute(c)?;
            Ok((dead + freed) as u64)
        });
        Ok(reaped.await?)
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let pruned = self.database.write::<_, Infallible>(move |c| {
            let old = mails::table
                .filter(mails::created_at.lt(before.unix_millis()).and(mails::state.eq_any(["done", "dead"])))
                .order((mails::created_at, mails::id))
                .limit(to_bigint(most as u64));
            let old: Vec<Blob> = old.select(mails::id).load(c)?;
            Ok(diesel::delete(mails::table.filter(mails::id.eq_any(old))).execute(c)? as u64)
        });
        Ok(pruned.await?)
    }

    async fn depth(&self) -> Result<QueueDepth, Fault> {
        self.database
            .read(|c| {
                let waiting = mails::table.filter(mails::state.eq("pending"));
                let query = waiting.select((diesel::dsl::count_star(), diesel::dsl::min(mails::due_at)));
                let (pending, oldest): (i64, Option<i64>) = query.first(c).map_err(query_fault)?;
                let running = mails::table.filter(mails::state.eq("running")).count();
                let running: i64 = running.get_result(c).map_err(query_fault)?;
                Ok(QueueDepth {
                    pending: from_bigint(pending + running),
                    running: from_bigint(running),
                    oldest_due_at: oldest.map(instant).transpose()?,
                })
            })
            .await
    }
}

/// Writes a mail, due at once; one that is there already stays as it is.
pub(crate) fn write(c: &mut SqliteConnection, mail: &Mail) -> QueryResult<()> {
    diesel::insert_or_ignore_into(mails::table).values(NewMailRow::from(mail)).execute(c).map(|_| ())
}

/// Deletes the mail of an entry.
pub(crate) fn delete(c: &mut SqliteConnection, entry: EntryId) -> QueryResult<usize> {
    diesel::delete(mails::table.filter(mails::entry_id.eq(Blob(entry.uuid())))).execute(c)
}

#[derive(QueryableByName)]
struct Lane {
    #[diesel(sql_type = sql_types::Binary)]
    workspace_id: Blob,
}

fn claim(c: &mut SqliteConnection, request: &ClaimRequest<WorkspaceId>) -> Result<Vec<ClaimedMail>, Abort<Infallible>> {
    let mut claimed = Vec::new();
    for (lane, share) in &request.shares {
        claimed.extend(claim_lane(c, Blob(lane.uuid()), *share, request)?);
    }
    Ok(claimed)
}

fn claim_lane(
    c: &mut SqliteConnection,
    workspace: Blob,
    room: usize,
    request: &ClaimRequest<WorkspaceId>,
) -> Result<Vec<ClaimedMail>, Abort<Infallible>> {
    let due = mails::table
        .filter(mails::workspace_id.eq(workspace).and(mails::state.eq("pending")))
        .filter(mails::due_at.le(request.now.unix_millis()))
        .order((mails::due_at, mails::id))
        .limit(to_bigint(room as u64))
        .select((MailRow::as_select(), mails::attempt));
    let due: Vec<(MailRow, i32)> = due.load(c)?;
    let mut claimed = Vec::with_capacity(due.len());
    for (row, tried) in due {
        if !counters::is_there(c, row.waitlist_id)? {
            diesel::delete(mails::table.find(row.id)).execute(c)?;
            continue;
        }
        let attempt = tried + 1;
        let running = (
            mails::state.eq("running"),
            mails::attempt.eq(attempt),
            mails::claim.eq(Blob(request.claim.uuid())),
            mails::lease_until.eq(request.lease_until.unix_millis()),
        );
        diesel::update(mails::table.find(row.id)).set(running).execute(c)?;
        claimed.push(ClaimedMail { claim: request.claim, attempt: u32::try_from(attempt).unwrap_or(0), mail: row.try_into()? });
    }
    Ok(claimed)
}

fn settle(c: &mut SqliteConnection, tried: &SettleMail, policy: &DeliveryPolicy) -> QueryResult<usize> {
    let (state, due) = match tried.decide(policy) {
        Verdict::Done => ("done", None),
        Verdict::Dead | Verdict::Held => ("dead", None),
        Verdict::RetryAt(due) => ("pending", Some(mails::due_at.eq(due.unix_millis()))),
    };
    let mine =
        mails::table.find(Blob(tried.mail_id.uuid())).filter(mails::state.eq("running").and(mails::claim.eq(Blob(tried.claim.uuid()))));
    let status = mails::last_status.eq(tried.outcome.status().map(i32::from));
    diesel::update(mine).set((mails::state.eq(state), status, due)).execute(c)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = mails, check_for_backend(diesel::sqlite::Sqlite))]
struct MailRow {
    id: Blob,
    workspace_id: Blob,
    waitlist_id: Blob,
    entry_id: Blob,
    template: String,
    sender: String,
    recipient: String,
    data: String,
    created_at: i64,
}

impl TryFrom<MailRow> for Mail {
    type Error = Fault;

    fn try_from(row: MailRow) -> Result<Self, Fault> {
        Ok(Self {
            id: MailId::new(row.id.0),
            workspace_id: WorkspaceId::new(row.workspace_id.0),
            waitlist_id: WaitlistId::new(row.waitlist_id.0),
            entry_id: EntryId::new(row.entry_id.0),
            template: row.template,
            from: Email::from_stored(row.sender),
            to: Email::from_stored(row.recipient),
            data: row.data,
            created_at: instant(row.created_at)?,
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = mails)]
struct NewMailRow<'a> {
    id: Blob,
    workspace_id: Blob,
    waitlist_id: Blob,
    entry_id: Blob,
    template: &'a str,
    sender: &'a str,
    recipient: &'a str,
    data: &'a str,
    created_at: i64,
    due_at: i64,
}

impl<'a> From<&'a Mail> for NewMailRow<'a> {
    fn from(mail: &'a Mail) -> Self {
        Self {
            id: mail.id.uuid().into(),
            workspace_id: mail.workspace_id.uuid().into(),
            waitlist_id: mail.waitlist_id.uuid().into(),
            entry_id: mail.entry_id.uuid().into(),
            template: &mail.template,
            sender: mail.from.as_str(),
            recipient: mail.to.as_str(),
            data: &mail.data,
            created_at: mail.created_at.unix_millis(),
            due_at: mail.created_at.unix_millis(),
        }
    }
}
