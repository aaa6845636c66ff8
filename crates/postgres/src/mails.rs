//! [`MailQueue`] on PostgreSQL, and how the transaction of a change writes its mail.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{self, Array, BigInt, Bytea, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::command::{TestMail, TestMailFacts, TestMailRejection};
use rally_domain::email::Email;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{ClaimId, EntryId, MailId, RequestId, WaitlistId, WorkspaceId};
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
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{corrupt, to_bigint};
use crate::fault::{Abort, query_fault};
use crate::queue::{BEGIN_PASSING, IdRow, depth, queue};
use crate::schema::{mails, workspaces};
use crate::statement::statement;
use crate::{PgStore, mail_budget, suppressions, transaction};

queue! {
    /// Mails as jobs: a workspace is a lane.
    jobs: "mails", "workspace_id"
}

statement! {
    /// The oldest finished mails. The condition is that of their index.
    FinishedMails {
        "SELECT id FROM mails WHERE state IN ('done', 'dead', 'suppressed', 'expired') AND created_at < "
        before: Timestamptz = OffsetDateTime, " ORDER BY created_at LIMIT "
        most: BigInt = i64, ""
    }
}

statement! {
    /// Claimed mails, without those of a deleted waitlist, or of no list and a deleted workspace.
    Load {
        "SELECT m.id, m.workspace_id, m.waitlist_id, m.entry_id, m.request_id, m.kind, m.locale, m.via, m.template, m.sender, m.reply_to, m.recipient, m.address,
            m.data, m.created_at, m.network, m.expires_at, m.claim, m.attempt, request.expires_at AS ends_at
        FROM unnest("
        claims: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS asked (claim, id)
        JOIN LATERAL (SELECT * FROM mails WHERE id = asked.id OFFSET 0) m ON m.state = 'running' AND m.claim = asked.claim
        LEFT JOIN waitlist_totals list ON list.waitlist_id = m.waitlist_id
        LEFT JOIN LATERAL (
            SELECT id, state, expires_at FROM signup_requests WHERE id = m.request_id OFFSET 0
        ) request ON request.state = 'waiting'
        LEFT JOIN LATERAL (
            SELECT id FROM workspaces WHERE id >= m.workspace_id AND m.waitlist_id IS NULL ORDER BY id LIMIT 1
        ) w ON w.id = m.workspace_id
        WHERE (w.id IS NOT NULL OR list.waitlist_id IS NOT NULL) AND (m.request_id IS NULL OR request.id IS NOT NULL)
        ORDER BY m.due_at, m.id"
    }
}

#[async_trait]
impl MailQueue for PgStore {
    async fn mails(&self, limit: usize) -> Result<Vec<Mail>, Fault> {
        let mut c = self.connection().await?;
        let query = mails::table.order((mails::created_at, mails::id)).limit(to_bigint(limit as u64)).select(MailRow::as_select());
        let rows: Vec<MailRow> = query.load(&mut c).await.map_err(query_fault)?;
        Ok(rows.into_iter().map(Mail::from).collect())
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<WorkspaceId>, Fault> {
        let lanes = jobs::due(&mut *self.connection().await?, now).await.map_err(query_fault)?;
        Ok(lanes.into_iter().map(WorkspaceId::new).collect())
    }

    async fn claim(&self, request: ClaimRequest<WorkspaceId>, budget: Option<MailBudget>) -> Result<Vec<ClaimedMail>, Fault> {
        let rows: Result<Vec<ClaimedRow>, CommandError<Infallible>> =
            transaction!(self, BEGIN_PASSING, |c| Ok(claim(c, &request, budget).await?));
        Ok(rows?.into_iter().map(ClaimedMail::from).collect())
    }

    async fn confirm(&self, claimed: Vec<(ClaimId, MailId)>) -> Result<Vec<ClaimedMail>, Fault> {
        let keys = claimed.iter().map(|(claim, id)| (claim.uuid(), id.uuid()));
        let mut c = self.connection().await?;
        let rows = load(&c, keys).await.map_err(query_fault)?;
        let held_back = held_back(&mut c, &rows).await.map_err(query_fault)?;
        Ok(rows.into_iter().filter(|row| !held_back.contains(&row.mail.id)).map(ClaimedMail::from).collect())
    }

    async fn settle(&self, attempts: Vec<SettleMail>, schedule: RetrySchedule) -> Result<usize, Fault> {
        let outcome: Result<usize, CommandError<Infallible>> =
            transaction!(self, BEGIN_PASSING, |c| Ok(settle(c, &attempts, &schedule).await?));
        Ok(outcome?)
    }

    async fn release(&self, claim: ClaimId, claimed: Vec<MailId>, due_at: Timestamp) -> Result<(), Fault> {
        let ids = claimed.iter().map(|id| id.uuid()).collect();
        jobs::release(&mut *self.connection().await?, claim, ids, due_at).await.map(|_| ()).map_err(query_fault)
    }

    async fn reap(&self, now: Timestamp, attempts: u32) -> Result<u64, Fault> {
        let mut c = self.connection().await?;
        let freed = jobs::reap(&mut c, now, attempts).await.map_err(query_fault)?;
        ExpireLate { now: now.instant() }.execute(&mut c).await.map_err(query_fault)?;
        mail_budget::forget_deleted(&mut c, now).await.map_err(query_fault)?;
        Ok(freed as u64)
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let mut c = self.connection().await?;
        let old: Vec<IdRow> =
            FinishedMails { before: before.instant(), most: to_bigint(most as u64) }.load(&mut c).await.map_err(query_fault)?;
        jobs::delete(&c, old.into_iter().map(|row| row.id).collect()).await.map(|rows| rows as u64).map_err(query_fault)
    }

    async fn test(&self, command: TestMail) -> Result<Mail, CommandError<TestMailRejection>> {
        transaction!(self, turn = command.mail.workspace_id.uuid(), |c| write_test(c, &command).await)
    }

    async fn log(
        &self,
        workspace_id: WorkspaceId,
        filter: MailFilter,
        after: Option<MailKey>,
        limit: Limit,
    ) -> Result<Page<LoggedMail, MailKey>, Fault> {
        let mut c = self.connection().await?;
        let rows = log(&mut c, workspace_id, filter, after, to_bigint(limit.rows() as u64 + 1)).await.map_err(query_fault)?;
        let mails = rows.into_iter().map(LoggedMail::try_from).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::from_overfetch(mails, limit, |last| MailKey { created_at: last.created_at, id: last.id }))
    }

    async fn depth(&self) -> Result<QueueDepth, Fault> {
        let mut c = self.connection().await?;
        depth(&mut c, "mails").await.map_err(query_fault)
    }

    async fn kept_back(&self) -> Result<u64, Fault> {
        let mut c = self.connection().await?;
        mail_budget::kept_back(&mut c).await.map_err(query_fault)
    }
}

statement! {
    /// The newest mails of a workspace in some states and of some kinds, before a row. Each state and kind is read in the order of its
    /// index, up to a page of it.
    Log {
        "SELECT m.id, m.waitlist_id, m.entry_id, m.request_id, m.kind, m.locale, m.recipient, m.state, m.attempt, m.last_error, m.created_at,
            m.sent_at, m.state = 'pending' AND m.network IS NOT NULL AND m.begun_at IS NULL AS is_kept_back
        FROM (SELECT id FROM workspaces WHERE id >= "
        workspace: sql_types::Uuid = Uuid, " ORDER BY id LIMIT 1) w
        CROSS JOIN unnest("
        states: Array<Text> = Vec<&'static str>, ", "
        kinds: Array<Text> = Vec<&'static str>, ") AS asked (state, kind)
        CROSS JOIN LATERAL (
            SELECT j.* FROM mails j
            LEFT JOIN LATERAL (
                SELECT t.waitlist_id FROM waitlist_totals t WHERE t.waitlist_id >= j.waitlist_id ORDER BY t.waitlist_id LIMIT 1
            ) list ON list.waitlist_id = j.waitlist_id
            WHERE j.workspace_id = w.id AND j.state = asked.state AND COALESCE(j.kind, 'welcome') = asked.kind AND (j.created_at, j.id) < ("
        created_at: Timestamptz = OffsetDateTime, ", "
        id: sql_types::Uuid = Uuid, ") AND (list.waitlist_id IS NOT NULL OR j.waitlist_id IS NULL)
            ORDER BY j.workspace_id DESC, j.state DESC, COALESCE(j.kind, 'welcome') DESC, j.created_at DESC, j.id DESC LIMIT "
        most: sql_types::BigInt = i64, "
        ) m
        WHERE w.id = "
        same_workspace: sql_types::Uuid = Uuid, "
        ORDER BY m.created_at DESC, m.id DESC LIMIT "
        rows: sql_types::BigInt = i64, ""
    }
}

statement! {
    /// The same for one entry, which has few mails.
    LogOfEntry {
        "SELECT m.id, m.waitlist_id, m.entry_id, m.request_id, m.kind, m.locale, m.recipient, m.state, m.attempt, m.last_error, m.created_at,
            m.sent_at, m.state = 'pending' AND m.network IS NOT NULL AND m.begun_at IS NULL AS is_kept_back
        FROM (SELECT * FROM mails WHERE entry_id = "
        entry: sql_types::Uuid = Uuid, " ORDER BY entry_id OFFSET 0) m
        CROSS JOIN LATERAL (
            SELECT t.waitlist_id FROM waitlist_totals t WHERE t.waitlist_id >= m.waitlist_id ORDER BY t.waitlist_id LIMIT 1
        ) list
        WHERE list.waitlist_id = m.waitlist_id AND m.workspace_id = "
        workspace: sql_types::Uuid = Uuid, " AND m.state = ANY ("
        states: Array<Text> = Vec<&'static str>, ") AND COALESCE(m.kind, 'welcome') = ANY ("
        kinds: Array<Text> = Vec<&'static str>, ") AND (m.created_at, m.id) < ("
        created_at: Timestamptz = OffsetDateTime, ", "
        id: sql_types::Uuid = Uuid, ") ORDER BY m.created_at DESC, m.id DESC LIMIT "
        rows: sql_types::BigInt = i64, ""
    }
}

/// Some mails of a workspace, newest first, that a filter lets through.
async fn log(
    c: &mut AsyncPgConnection,
    workspace_id: WorkspaceId,
    filter: MailFilter,
    after: Option<MailKey>,
    rows: i64,
) -> QueryResult<Vec<LogRow>> {
    let (created_at, id) = after.map_or((LATEST, Uuid::max()), |key| (key.created_at.instant(), key.id.uuid()));
    let workspace = workspace_id.uuid();
    let (states, kinds) = (filter.states().map(JobState::as_str), filter.kinds().map(MailKind::as_str));
    if let Some(entry) = filter.entry_id {
        let (states, kinds) = (states.collect(), kinds.collect());
        return LogOfEntry { entry: entry.uuid(), workspace, states, kinds, created_at, id, rows }.load(c).await;
    }
    let (states, kinds) = states.flat_map(|state| kinds.clone().map(move |kind| (state, kind))).unzip();
    Log { workspace, states, kinds, created_at, id, most: rows, same_workspace: workspace, rows }.load(c).await
}

/// After every instant that a mail may have.
const LATEST: OffsetDateTime = time::macros::datetime!(9999-12-31 23:59:59.999999 UTC);

#[derive(QueryableByName)]
#[diesel(table_name = mails, check_for_backend(diesel::pg::Pg))]
struct LogRow {
    id: Uuid,
    waitlist_id: Option<Uuid>,
    entry_id: Option<Uuid>,
    request_id: Option<Uuid>,
    kind: Option<String>,
    locale: Option<String>,
    recipient: String,
    state: String,
    attempt: i32,
    last_error: Option<String>,
    created_at: OffsetDateTime,
    sent_at: Option<OffsetDateTime>,
    #[diesel(sql_type = sql_types::Bool)]
    is_kept_back: bool,
}

impl TryFrom<LogRow> for LoggedMail {
    type Error = Fault;

    fn try_from(row: LogRow) -> Result<Self, Fault> {
        Ok(Self {
            id: MailId::new(row.id),
            recipient: Recipient::from_stored(row.waitlist_id, row.entry_id, row.request_id),
            kind: kind(row.kind.as_deref()),
            locale: row.locale.map_or_else(Locale::english, Locale::from_stored),
            to: Email::from_stored(row.recipient),
            state: MailState::of(JobState::parse(&row.state).map_err(corrupt("state of a mail"))?),
            attempts: u32::try_from(row.attempt).unwrap_or(0),
            last_error: row.last_error,
            created_at: Timestamp::new(row.created_at),
            sent_at: row.sent_at.map(Timestamp::new),
            is_kept_back: row.is_kept_back,
        })
    }
}

/// Writes a mail that tries a template.
async fn write_test(c: &mut AsyncPgConnection, command: &TestMail) -> Result<Mail, Abort<TestMailRejection>> {
    let workspace = command.mail.workspace_id.uuid();
    let lock = workspaces::table.find(workspace).select(workspaces::id).for_no_key_update();
    let workspace_exists = lock.first::<Uuid>(c).await.optional()?.is_some();
    let recent = mails::table.filter(mails::workspace_id.eq(workspace).and(mails::waitlist_id.is_null()));
    // Only the index of tests has this order, so the planner takes it.
    let recent = recent.order((mails::workspace_id.desc(), mails::created_at.desc())).limit(to_bigint(TestMail::MAX as u64));
    let recent: Vec<OffsetDateTime> = recent.select(mails::created_at).load(c).await?;
    let facts = TestMailFacts { workspace_exists, recent: recent.into_iter().map(Timestamp::new).collect() };
    let mail = command.decide(&facts).map_err(Abort::Rejected)?;
    write(c, std::iter::once(mail)).await?;
    if let Some((claim, until)) = command.claim {
        let running = (mails::state.eq(JobState::Running.as_str()), mails::attempt.eq(1));
        let held = (mails::claim.eq(claim.uuid()), mails::lease_until.eq(until.instant()));
        diesel::update(mails::table.find(mail.id.uuid())).set((running, held)).execute(c).await?;
    }
    Ok(mail.clone())
}

statement! {
    /// Writes mails that are due at once. A mail that exists already stays as it is.
    InsertMails {
        "INSERT INTO mails (id, workspace_id, waitlist_id, entry_id, request_id, kind, locale, via, template, sender, reply_to, recipient, address, data, \
            created_at, network, expires_at, due_at) SELECT new.*, new.created_at FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        workspace_ids: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        waitlist_ids: Array<Nullable<sql_types::Uuid>> = Vec<Option<Uuid>>, ", "
        entry_ids: Array<Nullable<sql_types::Uuid>> = Vec<Option<Uuid>>, ", "
        request_ids: Array<Nullable<sql_types::Uuid>> = Vec<Option<Uuid>>, ", "
        kinds: Array<Text> = Vec<&'static str>, ", "
        locales: Array<Text> = Vec<String>, ", "
        vias: Array<Text> = Vec<&'static str>, ", "
        templates: Array<Text> = Vec<String>, ", "
        senders: Array<Text> = Vec<String>, ", "
        replies_to: Array<Nullable<Text>> = Vec<Option<String>>, ", "
        recipients: Array<Text> = Vec<String>, ", "
        addresses: Array<Nullable<Bytea>> = Vec<Option<Vec<u8>>>, ", "
        data: Array<Text> = Vec<String>, ", "
        created_at: Array<Timestamptz> = Vec<OffsetDateTime>, ", "
        networks: Array<Nullable<Bytea>> = Vec<Option<Vec<u8>>>, ", "
        expires_at: Array<Nullable<Timestamptz>> = Vec<Option<OffsetDateTime>>,
        ") AS new (id, workspace_id, waitlist_id, entry_id, request_id, kind, locale, via, template, sender, reply_to, recipient, address, \
            data, created_at, network, expires_at) ON CONFLICT (id) DO NOTHING"
    }
}

/// Writes mails that are due at once. A mail that exists already stays as it is.
pub(crate) async fn write(mut c: &AsyncPgConnection, written: impl Iterator<Item = &Mail> + Clone) -> QueryResult<usize> {
    if written.clone().next().is_none() {
        return Ok(0);
    }
    let insert = InsertMails {
        ids: written.clone().map(|mail| mail.id.uuid()).collect(),
        workspace_ids: written.clone().map(|mail| mail.workspace_id.uuid()).collect(),
        waitlist_ids: written.clone().map(|mail| mail.recipient.waitlist_id().map(WaitlistId::uuid)).collect(),
        entry_ids: written.clone().map(|mail| mail.recipient.entry_id().map(EntryId::uuid)).collect(),
        request_ids: written.clone().map(|mail| mail.recipient.request_id().map(RequestId::uuid)).collect(),
        kinds: written.clone().map(|mail| mail.kind.as_str()).collect(),
        locales: written.clone().map(|mail| mail.locale.to_string()).collect(),
        vias: written.clone().map(|mail| mail.via.as_str()).collect(),
        templates: written.clone().map(|mail| mail.via.template().unwrap_or_default().to_owned()).collect(),
        senders: written.clone().map(|mail| mail.from.as_ref().map(ToString::to_string).unwrap_or_default()).collect(),
        replies_to: written.clone().map(|mail| mail.reply_to.as_ref().map(ToString::to_string)).collect(),
        recipients: written.clone().map(|mail| mail.to.to_string()).collect(),
        addresses: written.clone().map(|mail| mail.address.map(|address| address.bytes().to_vec())).collect(),
        data: written.clone().map(|mail| mail.data.clone()).collect(),
        created_at: written.clone().map(|mail| mail.created_at.instant()).collect(),
        networks: written.clone().map(|mail| mail.stranger.map(|network| network.bytes().to_vec())).collect(),
        expires_at: written.map(|mail| mail.expires_at.map(Timestamp::instant)).collect(),
    };
    insert.execute(&mut c).await
}

/// Deletes some mails.
pub(crate) async fn delete_all(c: &AsyncPgConnection, ids: Vec<Uuid>) -> QueryResult<usize> {
    jobs::delete(c, ids).await
}

/// Deletes the mails to an entry.
pub(crate) async fn delete(c: &mut AsyncPgConnection, entry: EntryId) -> QueryResult<usize> {
    diesel::delete(mails::table.filter(mails::entry_id.eq(entry.uuid()))).execute(c).await
}

/// Deletes the mails to an address of a workspace that tried a template.
pub(crate) async fn delete_tests(c: &mut AsyncPgConnection, suppression: &Suppression) -> QueryResult<usize> {
    let of_address = mails::workspace_id.eq(suppression.workspace_id.uuid()).and(mails::address.eq(suppression.address.bytes().to_vec()));
    let tests = mails::table.filter(of_address.and(mails::waitlist_id.is_null()));
    // The order is that of the index, which the planner would not always use without it.
    let tests: Vec<Uuid> = tests.order((mails::workspace_id.desc(), mails::address.desc())).select(mails::id).load(c).await?;
    if tests.is_empty() { Ok(0) } else { delete_all(&*c, tests).await }
}

/// Claims some shares and returns the mails to send. It ends those that are too late, and deletes those of what was deleted.
async fn claim(c: &mut AsyncPgConnection, request: &ClaimRequest<WorkspaceId>, budget: Option<MailBudget>) -> QueryResult<Vec<ClaimedRow>> {
    let claimed = match budget {
        Some(budget) => mail_budget::claim(c, request, budget).await?,
        None => jobs::claim(c, request, WorkspaceId::uuid).await?,
    };
    let rows = load(c, claimed.iter().map(|id| (request.claim.uuid(), *id))).await?;
    if rows.len() < claimed.len() {
        let sent: HashSet<_> = rows.iter().map(|row| row.mail.id).collect();
        let dropped = claimed.iter().copied().filter(|id| !sent.contains(id));
        jobs::delete(c, dropped.collect()).await?;
    }
    let (late, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.ends_at.is_some_and(|end| end <= request.now.instant()));
    if !late.is_empty() {
        Expire { ids: late.into_iter().map(|row| row.mail.id).collect() }.execute(c).await?;
    }
    let (rows, newer): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.mail.is_known());
    if !newer.is_empty() {
        jobs::release(c, request.claim, newer.into_iter().map(|row| row.mail.id).collect(), request.now.plus(LEFT_FOR_NEWER)).await?;
    }
    let held_back = held_back(c, &rows).await?;
    if held_back.is_empty() {
        return Ok(rows);
    }
    let ids = held_back.iter().copied().collect();
    Suppress { ids }.execute(c).await?;
    Ok(rows.into_iter().filter(|row| !held_back.contains(&row.mail.id)).collect())
}

statement! {
    /// Ends mails whose address gets none of their kind.
    Suppress {
        "UPDATE mails m SET state = 'suppressed', begun_at = NULL FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS held (id) WHERE m.id = held.id"
    }
}

statement! {
    /// Ends claimed mails whose time is over. They were not tried.
    Expire {
        "UPDATE mails m SET state = 'expired', attempt = m.attempt - 1, begun_at = NULL FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ") AS late (id) WHERE m.id = late.id"
    }
}

statement! {
    /// Ends mails whose time is over while they wait.
    ExpireLate {
        "WITH late AS MATERIALIZED (
            SELECT id FROM mails WHERE state = 'pending' AND expires_at <= "
        now: Timestamptz = OffsetDateTime, " ORDER BY expires_at LIMIT 10000 FOR UPDATE SKIP LOCKED
        )
        UPDATE mails m SET state = 'expired', begun_at = NULL FROM late WHERE m.id = late.id"
    }
}

statement! {
    /// The reasons for which some workspaces send no mail to the addresses of some mails.
    Reasons {
        "SELECT asked.id, s.reason FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        workspaces: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        addresses: Array<Bytea> = Vec<Vec<u8>>, ") AS asked (id, workspace, address)
        CROSS JOIN LATERAL (
            SELECT reason FROM suppressions
            WHERE workspace_id = asked.workspace AND address = asked.address ORDER BY workspace_id, address, reason OFFSET 0
        ) s"
    }
}

#[derive(QueryableByName)]
struct ReasonRow {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    reason: String,
}

/// Those of some mails that must not be sent, because their address gets none of their kind.
async fn held_back(c: &mut AsyncPgConnection, rows: &[ClaimedRow]) -> QueryResult<HashSet<Uuid>> {
    let heeds = |row: &&ClaimedRow| row.mail.recipient().heeds_suppressions();
    let known = || rows.iter().filter(heeds).filter_map(|row| row.mail.address.as_ref().map(|address| (&row.mail, address)));
    if known().next().is_none() {
        return Ok(HashSet::new());
    }
    let reasons = Reasons {
        ids: known().map(|(mail, _)| mail.id).collect(),
        workspaces: known().map(|(mail, _)| mail.workspace_id).collect(),
        addresses: known().map(|(_, address)| address.clone()).collect(),
    };
    let kinds: HashMap<Uuid, MailKind> = rows.iter().map(|row| (row.mail.id, kind(row.mail.kind.as_deref()))).collect();
    let found: Vec<ReasonRow> = reasons.load(c).await?;
    // A reason of a newer program holds back everything.
    let holds = |row: &ReasonRow| SuppressionReason::parse(&row.reason).ok().is_none_or(|reason| reason.holds_back(kinds[&row.id]));
    Ok(found.into_iter().filter(holds).map(|row| row.id).collect())
}

/// Mail of an older program has no kind. That of a newer one is not read ([`MailRow::is_known`]).
fn kind(stored: Option<&str>) -> MailKind {
    stored.and_then(|kind| MailKind::parse(kind).ok()).unwrap_or(MailKind::Welcome)
}

async fn load(mut c: &AsyncPgConnection, keys: impl Iterator<Item = (Uuid, Uuid)>) -> QueryResult<Vec<ClaimedRow>> {
    let (claims, ids) = keys.unzip();
    Load { claims, ids }.load(&mut c).await
}

statement! {
    /// Settles attempts that their claims still hold. Without CASE the planner could look for them in the index of claims.
    Settle {
        "UPDATE mails m SET state = tried.state, last_status = tried.status, last_error = tried.error, sent_at = tried.sent_at,
            due_at = COALESCE(tried.due_at, m.due_at)
        FROM unnest("
        ids: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        claims: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        states: Array<Text> = Vec<&'static str>, ", "
        statuses: Array<Nullable<sql_types::Integer>> = Vec<Option<i32>>, ", "
        errors: Array<Nullable<Text>> = Vec<Option<String>>, ", "
        sent_at: Array<Nullable<Timestamptz>> = Vec<Option<OffsetDateTime>>, ", "
        due_at: Array<Nullable<Timestamptz>> = Vec<Option<OffsetDateTime>>,
        ") AS tried (id, claim, state, status, error, sent_at, due_at)
        WHERE m.id = tried.id AND CASE m.state WHEN 'running' THEN m.claim = tried.claim END
        RETURNING m.id, m.recipient, m.address"
    }
}

#[derive(QueryableByName)]
#[diesel(table_name = mails, check_for_backend(diesel::pg::Pg))]
struct SettledRow {
    id: Uuid,
    recipient: String,
    address: Option<Vec<u8>>,
}

/// Settles the attempts that are still claimed, and suppresses the addresses that bounced. Returns how many were settled.
async fn settle(c: &mut AsyncPgConnection, attempts: &[SettleMail], schedule: &RetrySchedule) -> QueryResult<usize> {
    let verdicts = || attempts.iter().map(|tried| (tried, tried.decide(schedule)));
    let settle = Settle {
        ids: attempts.iter().map(|tried| tried.mail_id.uuid()).collect(),
        claims: attempts.iter().map(|tried| tried.claim.uuid()).collect(),
        states: verdicts().map(|(_, verdict)| verdict.state().as_str()).collect(),
        statuses: attempts.iter().map(|tried| tried.outcome.status().map(i32::from)).collect(),
        errors: attempts.iter().map(|tried| tried.error.clone()).collect(),
        sent_at: verdicts().map(|(tried, verdict)| (verdict == Verdict::Done).then_some(tried.now.instant())).collect(),
        due_at: verdicts().map(|(_, verdict)| verdict.due_at().map(Timestamp::instant)).collect(),
    };
    let settled: Vec<SettledRow> = settle.load(c).await?;
    for tried in attempts.iter().filter(|tried| tried.bounced()) {
        let Some(mail) = settled.iter().find(|mail| mail.id == tried.mail_id.uuid()) else { continue };
        let address = mail.address.clone().and_then(|bytes| bytes.try_into().ok()).map(AddressHash::new);
        if let Some(suppression) = address.and_then(|address| tried.suppression(&Email::from_stored(mail.recipient.clone()), address)) {
            suppressions::write(c, &suppression).await?;
        }
    }
    Ok(settled.len())
}

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = mails, check_for_backend(diesel::pg::Pg))]
struct MailRow {
    id: Uuid,
    workspace_id: Uuid,
    waitlist_id: Option<Uuid>,
    entry_id: Option<Uuid>,
    request_id: Option<Uuid>,
    kind: Option<String>,
    locale: Option<String>,
    via: String,
    template: String,
    sender: String,
    reply_to: Option<String>,
    recipient: String,
    address: Option<Vec<u8>>,
    data: String,
    created_at: OffsetDateTime,
    network: Option<Vec<u8>>,
    expires_at: Option<OffsetDateTime>,
}

/// The mail to the person of an entry, oldest first.
pub(crate) async fn of_entry(c: &mut AsyncPgConnection, entry: EntryId) -> Result<Vec<MailRecord>, Fault> {
    let of_entry = mails::table.filter(mails::entry_id.eq(entry.uuid()));
    let rows: Vec<(MailRow, String, Option<OffsetDateTime>)> =
        of_entry.select((MailRow::as_select(), mails::state, mails::sent_at)).load(c).await.map_err(query_fault)?;
    let record = |(row, state, sent_at): (MailRow, String, Option<OffsetDateTime>)| {
        let Mail { id, kind, locale, to, created_at, .. } = row.into();
        let state = MailState::of(JobState::parse(&state).map_err(corrupt("state of a mail"))?);
        Ok(MailRecord { id, kind, locale, to, state, created_at, sent_at: sent_at.map(Timestamp::new) })
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
        Recipient::from_stored(self.waitlist_id, self.entry_id, self.request_id)
    }
}

#[derive(QueryableByName)]
struct ClaimedRow {
    #[diesel(embed)]
    mail: MailRow,
    #[diesel(sql_type = sql_types::Uuid)]
    claim: Uuid,
    #[diesel(sql_type = sql_types::Integer)]
    attempt: i32,
    /// When the request of the mail expires.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ends_at: Option<OffsetDateTime>,
}

impl From<ClaimedRow> for ClaimedMail {
    fn from(row: ClaimedRow) -> Self {
        Self { claim: ClaimId::new(row.claim), attempt: u32::try_from(row.attempt).unwrap_or(0), mail: row.mail.into() }
    }
}

impl From<MailRow> for Mail {
    fn from(row: MailRow) -> Self {
        Self {
            id: MailId::new(row.id),
            workspace_id: WorkspaceId::new(row.workspace_id),
            recipient: row.recipient(),
            kind: kind(row.kind.as_deref()),
            locale: row.locale.map_or_else(Locale::english, Locale::from_stored),
            via: Via::from_stored(&row.via, row.template),
            from: Some(row.sender).filter(|sender| !sender.is_empty()).map(Email::from_stored),
            reply_to: row.reply_to.map(Email::from_stored),
            to: Email::from_stored(row.recipient),
            address: row.address.and_then(|bytes| bytes.try_into().ok().map(AddressHash::new)),
            data: row.data,
            created_at: Timestamp::new(row.created_at),
            stranger: row.network.and_then(|bytes| bytes.try_into().ok().map(NetworkHash::new)),
            expires_at: row.expires_at.map(Timestamp::new),
        }
    }
}
