//! [`MailQueue`] on SQLite, and how the transaction of a change writes its mail.

use std::convert::Infallible;

use async_trait::async_trait;
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool, Text};
use rally_domain::command::{TestMail, TestMailFacts, TestMailRejection};
use rally_domain::email::Email;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{ClaimId, EntryId, MailId, WorkspaceId};
use rally_domain::locale::Locale;
use rally_domain::mail::{
    ClaimedMail, LoggedMail, Mail, MailBudget, MailFilter, MailKind, MailRecord, MailState, Recipient, SettleMail, Via,
};
use rally_domain::paging::{Limit, MailKey, Page};
use rally_domain::port::MailQueue;
use rally_domain::queue::{ClaimRequest, JobState, LEFT_FOR_NEWER, QueueDepth, RetrySchedule, Verdict};
use rally_domain::secret::{AddressHash, NetworkHash};
use rally_domain::suppression::{Suppression, SuppressionReason};
use rally_domain::timestamp::Timestamp;
use uuid::Uuid;

use crate::condition::Condition;
use crate::convert::{Blob, corrupt, instant, to_bigint};
use crate::fault::{Abort, query_fault};
use crate::queue::Queue;
use crate::schema::{mails, suppressions, workspaces};
use crate::{SqliteStore, confirmations, counters, mail_budget, suppressions as suppression_rows};

/// Mails as jobs: a workspace is a lane.
const JOBS: Queue = Queue { table: "mails", lane: "workspace_id" };

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
        let due = self.database.read(move |c| JOBS.due(c, now).map_err(query_fault)).await?;
        Ok(due.into_iter().map(|lane| WorkspaceId::new(lane.0)).collect())
    }

    async fn claim(&self, request: ClaimRequest<WorkspaceId>, budget: Option<MailBudget>) -> Result<Vec<ClaimedMail>, Fault> {
        Ok(self.database.write::<_, Infallible>(move |c| claim(c, &request, budget)).await?)
    }

    async fn confirm(&self, claimed: Vec<(ClaimId, MailId)>) -> Result<Vec<ClaimedMail>, Fault> {
        self.database
            .read(move |c| {
                let mut confirmed = Vec::with_capacity(claimed.len());
                for (claim, id) in claimed {
                    let claimed = mails::state.eq(JobState::Running.as_str()).and(mails::claim.eq(Blob(claim.uuid())));
                    let mine = mails::table.find(Blob(id.uuid())).filter(claimed);
                    let row = mine.select((MailRow::as_select(), mails::attempt)).first::<(MailRow, i32)>(c).optional();
                    let Some((row, attempt)) = row.map_err(query_fault)? else { continue };
                    let is_there = is_there(c, &row).map_err(query_fault)?;
                    if is_there && !is_held_back(c, &row).map_err(query_fault)? {
                        confirmed.push(claimed_mail(row, claim, attempt)?);
                    }
                }
                Ok(confirmed)
            })
            .await
    }

    async fn settle(&self, attempts: Vec<SettleMail>, schedule: RetrySchedule) -> Result<usize, Fault> {
        let settled = self.database.write::<_, Infallible>(move |c| {
            let mut settled = 0;
            for attempt in &attempts {
                settled += settle(c, attempt, &schedule)?;
            }
            Ok(settled)
        });
        Ok(settled.await?)
    }

    async fn release(&self, claim: ClaimId, claimed: Vec<MailId>, due_at: Timestamp) -> Result<(), Fault> {
        let released = self.database.write::<_, Infallible>(move |c| {
            let ids: Vec<Blob> = claimed.iter().map(|id| Blob(id.uuid())).collect();
            JOBS.release(c, claim, &ids, due_at)?;
            Ok(())
        });
        Ok(released.await?)
    }

    async fn reap(&self, now: Timestamp, attempts: u32) -> Result<u64, Fault> {
        let reaped = self.database.write::<_, Infallible>(move |c| {
            let freed = JOBS.reap(c, now, attempts)?;
            mail_budget::forget_deleted(c, now)?;
            let late = mails::table.filter(Condition("state = 'pending'").and(mails::expires_at.le(now.unix_millis())));
            let expired = (mails::state.eq(JobState::Expired.as_str()), mails::begun_at.eq(None::<i64>));
            diesel::update(late).set(expired).execute(c)?;
            Ok(freed)
        });
        Ok(reaped.await? as u64)
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let pruned = self.database.write::<_, Infallible>(move |c| {
            let old = mails::table
                .filter(Condition("state IN ('done', 'dead', 'suppressed', 'expired')").and(mails::created_at.lt(before.unix_millis())))
                .order((mails::created_at, mails::id))
                .limit(to_bigint(most as u64));
            let old: Vec<Blob> = old.select(mails::id).load(c)?;
            Ok(diesel::delete(mails::table.filter(mails::id.eq_any(old))).execute(c)? as u64)
        });
        Ok(pruned.await?)
    }

    async fn test(&self, command: TestMail) -> Result<Mail, CommandError<TestMailRejection>> {
        self.database.write(move |c| write_test(c, &command)).await
    }

    async fn log(
        &self,
        workspace_id: WorkspaceId,
        filter: MailFilter,
        after: Option<MailKey>,
        limit: Limit,
    ) -> Result<Page<LoggedMail, MailKey>, Fault> {
        self.database
            .read(move |c| {
                let rows = log(c, Blob(workspace_id.uuid()), filter, after, limit.rows() + 1).map_err(query_fault)?;
                let mails = rows.into_iter().map(LoggedMail::try_from).collect::<Result<Vec<_>, _>>()?;
                Ok(Page::from_overfetch(mails, limit, |last| MailKey { created_at: last.created_at, id: last.id }))
            })
            .await
    }

    async fn depth(&self) -> Result<QueueDepth, Fault> {
        self.database.read(|c| JOBS.depth(c)).await
    }

    async fn kept_back(&self) -> Result<u64, Fault> {
        self.database.read(|c| mail_budget::kept_back(c).map_err(query_fault)).await
    }
}

/// Writes a mail that is due at once. A mail that exists already stays as it is.
pub(crate) fn write(c: &mut SqliteConnection, mail: &Mail) -> QueryResult<()> {
    diesel::insert_or_ignore_into(mails::table).values(NewMailRow::from(mail)).execute(c).map(|_| ())
}

/// Writes a mail that tries a template.
fn write_test(c: &mut SqliteConnection, command: &TestMail) -> Result<Mail, Abort<TestMailRejection>> {
    let workspace = Blob(command.mail.workspace_id.uuid());
    let recent = mails::table.filter(mails::workspace_id.eq(workspace).and(mails::waitlist_id.is_null()));
    let recent = recent.order(mails::created_at.desc()).limit(to_bigint(TestMail::MAX as u64));
    let recent: Vec<i64> = recent.select(mails::created_at).load(c)?;
    let recent = recent.into_iter().map(instant).collect::<Result<_, _>>()?;
    let facts = TestMailFacts { workspace_exists: workspace_exists(c, workspace)?, recent };
    let mail = command.decide(&facts).map_err(Abort::Rejected)?;
    write(c, mail)?;
    if let Some((claim, until)) = command.claim {
        let running = (mails::state.eq(JobState::Running.as_str()), mails::attempt.eq(1));
        let held = (mails::claim.eq(Blob(claim.uuid())), mails::lease_until.eq(until.unix_millis()));
        diesel::update(mails::table.find(Blob(mail.id.uuid()))).set((running, held)).execute(c)?;
    }
    Ok(mail.clone())
}

/// Some mails of a workspace, newest first, that a filter lets through. Each state and kind is read in the order of its index, up to a
/// page of it. An entry has few mails.
fn log(c: &mut SqliteConnection, workspace: Blob, filter: MailFilter, after: Option<MailKey>, rows: usize) -> QueryResult<Vec<LogRow>> {
    if !workspace_exists(c, workspace)? {
        return Ok(Vec::new());
    }
    let key = after.map_or((i64::MAX, Blob(Uuid::max())), |key| (key.created_at.unix_millis(), Blob(key.id.uuid())));
    let mut found = Vec::new();
    for state in filter.states() {
        for kind in filter.kinds() {
            let part = diesel::sql_query(match filter.entry_id {
                Some(_) => LOG_OF_ENTRY,
                None => LOG,
            });
            let part = part.bind::<Binary, _>(workspace).bind::<Text, _>(state.as_str()).bind::<Text, _>(kind.as_str());
            let part = part.bind::<BigInt, _>(key.0).bind::<Binary, _>(key.1).bind::<BigInt, _>(to_bigint(rows as u64));
            found.extend(match filter.entry_id {
                Some(entry) => part.bind::<Binary, _>(Blob(entry.uuid())).load::<LogRow>(c)?,
                None => part.load::<LogRow>(c)?,
            });
        }
    }
    found.sort_by_key(|row| std::cmp::Reverse((row.created_at, row.id.0)));
    found.truncate(rows);
    Ok(found)
}

const LOG: &str = "
SELECT m.id, m.waitlist_id, m.entry_id, m.request_id, m.kind, m.locale, m.recipient, m.state, m.attempt, m.last_error, m.created_at, m.sent_at,
    m.state = 'pending' AND m.network IS NOT NULL AND m.begun_at IS NULL AS is_kept_back
FROM mails m INDEXED BY mails_log_idx
WHERE m.workspace_id = ?1 AND m.state = ?2 AND COALESCE(m.kind, 'welcome') = ?3 AND (m.created_at, m.id) < (?4, ?5)
    AND (m.waitlist_id IS NULL OR EXISTS (SELECT 1 FROM waitlist_totals t WHERE t.waitlist_id = m.waitlist_id))
ORDER BY m.created_at DESC, m.id DESC LIMIT ?6";

const LOG_OF_ENTRY: &str = "
SELECT m.id, m.waitlist_id, m.entry_id, m.request_id, m.kind, m.locale, m.recipient, m.state, m.attempt, m.last_error, m.created_at, m.sent_at,
    m.state = 'pending' AND m.network IS NOT NULL AND m.begun_at IS NULL AS is_kept_back
FROM mails m INDEXED BY mails_entry_id_idx
WHERE m.entry_id = ?7 AND m.workspace_id = ?1 AND m.state = ?2 AND COALESCE(m.kind, 'welcome') = ?3 AND (m.created_at, m.id) < (?4, ?5)
    AND EXISTS (SELECT 1 FROM waitlist_totals t WHERE t.waitlist_id = m.waitlist_id)
ORDER BY m.created_at DESC, m.id DESC LIMIT ?6";

#[derive(QueryableByName)]
#[diesel(table_name = mails, check_for_backend(diesel::sqlite::Sqlite))]
struct LogRow {
    id: Blob,
    waitlist_id: Option<Blob>,
    entry_id: Option<Blob>,
    request_id: Option<Blob>,
    kind: Option<String>,
    locale: Option<String>,
    recipient: String,
    state: String,
    attempt: i32,
    last_error: Option<String>,
    created_at: i64,
    sent_at: Option<i64>,
    #[diesel(sql_type = Bool)]
    is_kept_back: bool,
}

impl TryFrom<LogRow> for LoggedMail {
    type Error = Fault;

    fn try_from(row: LogRow) -> Result<Self, Fault> {
        Ok(Self {
            id: MailId::new(row.id.0),
            recipient: recipient(row.waitlist_id, row.entry_id, row.request_id),
            kind: kind(row.kind.as_deref()),
            locale: row.locale.map_or_else(Locale::english, Locale::from_stored),
            to: Email::from_stored(row.recipient),
            state: MailState::of(JobState::parse(&row.state).map_err(corrupt("state of a mail"))?),
            attempts: u32::try_from(row.attempt).unwrap_or(0),
            last_error: row.last_error,
            created_at: instant(row.created_at)?,
            sent_at: row.sent_at.map(instant).transpose()?,
            is_kept_back: row.is_kept_back,
        })
    }
}

/// Deletes the mails to an entry.
pub(crate) fn delete(c: &mut SqliteConnection, entry: EntryId) -> QueryResult<usize> {
    diesel::delete(mails::table.filter(mails::entry_id.eq(Blob(entry.uuid())))).execute(c)
}

/// Deletes the mails to an address of a workspace that tried a template.
pub(crate) fn delete_tests(c: &mut SqliteConnection, suppression: &Suppression) -> QueryResult<usize> {
    let of_address =
        mails::workspace_id.eq(Blob(suppression.workspace_id.uuid())).and(mails::address.eq(suppression.address.bytes().to_vec()));
    diesel::delete(mails::table.filter(of_address.and(mails::waitlist_id.is_null()))).execute(c)
}

fn claimed_mail(row: MailRow, claim: ClaimId, attempt: i32) -> Result<ClaimedMail, Fault> {
    Ok(ClaimedMail { claim, attempt: u32::try_from(attempt).unwrap_or(0), mail: row.try_into()? })
}

/// Claims the shares of a request and returns the mails to send. It ends those that are too late, and deletes those of what was deleted.
fn claim(
    c: &mut SqliteConnection,
    request: &ClaimRequest<WorkspaceId>,
    budget: Option<MailBudget>,
) -> Result<Vec<ClaimedMail>, Abort<Infallible>> {
    let mut claimed = Vec::new();
    for (lane, share) in &request.shares {
        let lane = Blob(lane.uuid());
        let ids = match budget {
            Some(budget) => {
                mail_budget::begin(c, lane, *share, request.now, budget)?;
                JOBS.claim_by(c, mail_budget::READY, lane, *share, request)?
            }
            None => JOBS.claim(c, lane, *share, request)?,
        };
        for id in ids {
            let (row, attempt) = mails::table.find(id).select((MailRow::as_select(), mails::attempt)).first::<(MailRow, i32)>(c)?;
            if !is_there(c, &row)? {
                diesel::delete(mails::table.find(id)).execute(c)?;
            } else if !row.is_known() {
                JOBS.release(c, request.claim, &[id], request.now.plus(LEFT_FOR_NEWER))?;
            } else if is_late(c, &row, request.now)? {
                let expired = (mails::state.eq(JobState::Expired.as_str()), mails::begun_at.eq(None::<i64>));
                diesel::update(mails::table.find(id)).set((expired, mails::attempt.eq(attempt - 1))).execute(c)?;
            } else if is_held_back(c, &row)? {
                let suppressed = (mails::state.eq(JobState::Suppressed.as_str()), mails::begun_at.eq(None::<i64>));
                diesel::update(mails::table.find(id)).set(suppressed).execute(c)?;
            } else {
                claimed.push(claimed_mail(row, request.claim, attempt)?);
            }
        }
    }
    Ok(claimed)
}

/// Whether the time of a mail that asks for a confirmation is over at an instant.
fn is_late(c: &mut SqliteConnection, row: &MailRow, now: Timestamp) -> QueryResult<bool> {
    let end = row.request_id.map(|id| confirmations::end_of_waiting(c, id)).transpose()?.flatten();
    Ok(end.is_some_and(|end| end <= now.unix_millis()))
}

/// Whether the list of a mail exists, or the workspace of a mail that tells of none, and its request still waits, if it asks for a
/// confirmation.
fn is_there(c: &mut SqliteConnection, row: &MailRow) -> QueryResult<bool> {
    if let Some(id) = row.request_id
        && confirmations::end_of_waiting(c, id)?.is_none()
    {
        return Ok(false);
    }
    match row.waitlist_id {
        Some(list) => counters::is_there(c, list),
        None => workspace_exists(c, row.workspace_id),
    }
}

fn workspace_exists(c: &mut SqliteConnection, id: Blob) -> QueryResult<bool> {
    diesel::select(exists(workspaces::table.find(id))).get_result(c)
}

/// Whether a mail must not be sent, because its address gets none of its kind.
fn is_held_back(c: &mut SqliteConnection, row: &MailRow) -> QueryResult<bool> {
    let Some(address) = row.address.as_ref().filter(|_| row.recipient().heeds_suppressions()) else { return Ok(false) };
    let of_address = suppressions::table.filter(suppressions::workspace_id.eq(row.workspace_id).and(suppressions::address.eq(address)));
    let reasons: Vec<String> = of_address.select(suppressions::reason).load(c)?;
    let kind = kind(row.kind.as_deref());
    // A reason of a newer program holds back everything.
    Ok(reasons.iter().any(|reason| SuppressionReason::parse(reason).ok().is_none_or(|reason| reason.holds_back(kind))))
}

/// Mail of an older program has no kind. That of a newer one is not read ([`MailRow::is_known`]).
fn kind(stored: Option<&str>) -> MailKind {
    stored.and_then(|kind| MailKind::parse(kind).ok()).unwrap_or(MailKind::Welcome)
}

fn settle(c: &mut SqliteConnection, tried: &SettleMail, schedule: &RetrySchedule) -> QueryResult<usize> {
    let verdict = tried.decide(schedule);
    let due = verdict.due_at().map(|due_at| mails::due_at.eq(due_at.unix_millis()));
    let claimed = mails::state.eq(JobState::Running.as_str()).and(mails::claim.eq(Blob(tried.claim.uuid())));
    let mine = mails::table.find(Blob(tried.mail_id.uuid())).filter(claimed);
    let status = mails::last_status.eq(tried.outcome.status().map(i32::from));
    let error = mails::last_error.eq(tried.error.as_deref());
    let sent = mails::sent_at.eq((verdict == Verdict::Done).then_some(tried.now.unix_millis()));
    let settled = diesel::update(mine).set((mails::state.eq(verdict.state().as_str()), status, error, sent, due)).execute(c)?;
    if settled > 0 && tried.bounced() {
        let of_mail = mails::table.find(Blob(tried.mail_id.uuid())).select((mails::recipient, mails::address));
        let (recipient, address): (String, Option<Vec<u8>>) = of_mail.first(c)?;
        let address = address.and_then(|bytes| bytes.try_into().ok()).map(AddressHash::new);
        if let Some(suppression) = address.and_then(|address| tried.suppression(&Email::from_stored(recipient), address)) {
            suppression_rows::write(c, &suppression)?;
        }
    }
    Ok(settled)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = mails, check_for_backend(diesel::sqlite::Sqlite))]
struct MailRow {
    id: Blob,
    workspace_id: Blob,
    waitlist_id: Option<Blob>,
    entry_id: Option<Blob>,
    request_id: Option<Blob>,
    kind: Option<String>,
    locale: Option<String>,
    via: String,
    template: String,
    sender: String,
    reply_to: Option<String>,
    recipient: String,
    address: Option<Vec<u8>>,
    data: String,
    created_at: i64,
    network: Option<Vec<u8>>,
    expires_at: Option<i64>,
}

/// The mail to the person of an entry, oldest first.
pub(crate) fn of_entry(c: &mut SqliteConnection, entry: EntryId) -> Result<Vec<MailRecord>, Fault> {
    let of_entry = mails::table.filter(mails::entry_id.eq(Blob(entry.uuid())));
    let rows: Vec<(MailRow, String, Option<i64>)> =
        of_entry.select((MailRow::as_select(), mails::state, mails::sent_at)).load(c).map_err(query_fault)?;
    let record = |(row, state, sent_at): (MailRow, String, Option<i64>)| {
        let Mail { id, kind, locale, to, created_at, .. } = row.try_into()?;
        let state = MailState::of(JobState::parse(&state).map_err(corrupt("state of a mail"))?);
        Ok(MailRecord { id, kind, locale, to, state, created_at, sent_at: sent_at.map(instant).transpose()? })
    };
    let known = rows.into_iter().filter(|(row, ..)| row.is_known());
    let mut records = known.map(record).collect::<Result<Vec<_>, Fault>>()?;
    records.sort_by_key(|mail| (mail.created_at, mail.id));
    Ok(records)
}

impl MailRow {
    /// Whether this program knows its kind and its way. A newer program sends the others.
    fn is_known(&self) -> bool {
        self.kind.as_deref().is_none_or(|kind| MailKind::parse(kind).is_ok()) && Via::is_known(&self.via)
    }

    fn recipient(&self) -> Recipient {
        recipient(self.waitlist_id, self.entry_id, self.request_id)
    }
}

fn recipient(waitlist_id: Option<Blob>, entry_id: Option<Blob>, request_id: Option<Blob>) -> Recipient {
    let id = |column: Option<Blob>| column.map(|id| id.0);
    Recipient::from_stored(id(waitlist_id), id(entry_id), id(request_id))
}

impl TryFrom<MailRow> for Mail {
    type Error = Fault;

    fn try_from(row: MailRow) -> Result<Self, Fault> {
        Ok(Self {
            id: MailId::new(row.id.0),
            workspace_id: WorkspaceId::new(row.workspace_id.0),
            recipient: row.recipient(),
            kind: kind(row.kind.as_deref()),
            locale: row.locale.map_or_else(Locale::english, Locale::from_stored),
            via: Via::from_stored(&row.via, row.template),
            from: Some(row.sender).filter(|sender| !sender.is_empty()).map(Email::from_stored),
            reply_to: row.reply_to.map(Email::from_stored),
            to: Email::from_stored(row.recipient),
            address: row.address.and_then(|bytes| bytes.try_into().ok().map(AddressHash::new)),
            data: row.data,
            created_at: instant(row.created_at)?,
            stranger: row.network.and_then(|bytes| bytes.try_into().ok().map(NetworkHash::new)),
            expires_at: row.expires_at.map(instant).transpose()?,
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = mails)]
struct NewMailRow<'a> {
    id: Blob,
    workspace_id: Blob,
    waitlist_id: Option<Blob>,
    entry_id: Option<Blob>,
    request_id: Option<Blob>,
    kind: &'static str,
    locale: &'a str,
    via: &'static str,
    template: &'a str,
    sender: &'a str,
    reply_to: Option<&'a str>,
    recipient: &'a str,
    address: Option<&'a [u8]>,
    data: &'a str,
    created_at: i64,
    due_at: i64,
    network: Option<&'a [u8]>,
    expires_at: Option<i64>,
}

impl<'a> From<&'a Mail> for NewMailRow<'a> {
    fn from(mail: &'a Mail) -> Self {
        Self {
            id: mail.id.uuid().into(),
            workspace_id: mail.workspace_id.uuid().into(),
            waitlist_id: mail.recipient.waitlist_id().map(|id| id.uuid().into()),
            entry_id: mail.recipient.entry_id().map(|id| id.uuid().into()),
            request_id: mail.recipient.request_id().map(|id| id.uuid().into()),
            kind: mail.kind.as_str(),
            locale: mail.locale.as_str(),
            via: mail.via.as_str(),
            template: mail.via.template().unwrap_or_default(),
            sender: mail.from.as_ref().map_or("", Email::as_str),
            reply_to: mail.reply_to.as_ref().map(Email::as_str),
            recipient: mail.to.as_str(),
            address: mail.address.as_ref().map(|address| &address.bytes()[..]),
            data: &mail.data,
            created_at: mail.created_at.unix_millis(),
            due_at: mail.created_at.unix_millis(),
            network: mail.stranger.as_ref().map(|network| &network.bytes()[..]),
            expires_at: mail.expires_at.map(Timestamp::unix_millis),
        }
    }
}
