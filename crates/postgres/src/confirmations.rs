//! [`ConfirmationStore`] on PostgreSQL. Requests for mail that arrive together share a transaction, as sign-ups do. It locks the shares
//! of their addresses in the order of the hashes, so that all processes count the mails of an address one after the other. Every case
//! sends the same statements, so that the time of an answer tells nothing of the address.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::time::Duration;

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{self, Array, Bool, Bytea, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::try_join;
use rally_domain::command::{
    Confirmed, DeleteRequest, Refuse, RefusePlan, RequestGroup, RequestGroupFacts, RequestMail, RequestMailRejection, RequestedList,
    Resend, ResendRejection, SignUp, asked_addresses,
};
use rally_domain::confirmation::{KeptRequest, MailShare, RequestEnded, RequestState, SignUpRequest, StoredRequest, mail_ids};
use rally_domain::email::Email;
use rally_domain::entry::Entry;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{EntryId, RequestId, WaitlistId, WorkspaceId};
use rally_domain::paging::{Limit, Page, RequestKey};
use rally_domain::port::ConfirmationStore;
use rally_domain::proof_of_work::UsedProof;
use rally_domain::secret::AddressHash;
use rally_domain::suppression::SuppressionReason;
use rally_domain::timestamp::Timestamp;
use rally_group_commit::{Fate, Refused, Rules};
use time::OffsetDateTime;
use tokio::time::timeout;
use uuid::Uuid;

use crate::convert::{corrupt, digest, from_bigint, to_bigint};
use crate::entries::EntryRow;
use crate::fault::{Abort, query_fault};
use crate::schema::{entries, mail_shares, signup_requests, waitlist_totals};
use crate::statement::statement;
use crate::waitlists;
use crate::{Database, PgStore, audit, lists, mailboxes, mails, proofs, settings, sign_up, suppressions, transaction};

/// Groups take few connections. A request waits for the share of its address, and for who changes what the address has on the list.
pub(crate) const fn rules(patience: Duration) -> Rules {
    Rules { group: 256, queue: 4096, few: 16, writers: 4, patience }
}

/// The result of one request of a group.
pub(crate) type Outcome = Result<(), CommandError<RequestMailRejection>>;

#[async_trait]
impl ConfirmationStore for PgStore {
    async fn request_mail(&self, command: RequestMail) -> Outcome {
        match self.requests.submit(command.waitlist_id, command).await {
            Ok(outcome) => outcome,
            Err(refused @ (Refused::Full | Refused::Locked)) => Err(Fault::unavailable(refused).into()),
            Err(lost @ Refused::Lost) => Err(Fault::unexpected(lost).into()),
        }
    }

    async fn find(&self, id: RequestId) -> Result<Option<KeptRequest>, Fault> {
        let mut c = self.connection().await?;
        let list = waitlist_totals::table.on(waitlist_totals::waitlist_id.eq(signup_requests::waitlist_id));
        let query = signup_requests::table.inner_join(list).filter(signup_requests::id.eq(id.uuid())).select(RequestRow::as_select());
        let row: Option<RequestRow> = query.first(&mut c).await.optional().map_err(query_fault)?;
        row.map(RequestRow::kept).transpose()
    }

    async fn refuse(&self, command: Refuse) -> Result<(), CommandError<RequestEnded>> {
        transaction!(self, turn = command.id.uuid(), |c| {
            let current = lock(c, command.id).await?;
            match command.decide(current).map_err(Abort::Rejected)? {
                RefusePlan::None => Ok(()),
                RefusePlan::Refuse { request, suppression } => {
                    let nothing = (signup_requests::email.eq(None::<String>), signup_requests::form.eq(None::<String>));
                    let refused = (signup_requests::state.eq(RequestState::Refused.as_str()), nothing);
                    diesel::update(signup_requests::table.find(command.id.uuid())).set(refused).execute(c).await?;
                    mails::delete_all(c, mails_of(&request)).await?;
                    let (id, list, at) = (command.suppression_id.uuid(), request.waitlist_id, request.requested_at);
                    proofs::remember(c, UsedProof::of_gone(id, list, at, command.now)).await?;
                    suppressions::write(c, &suppression).await?;
                    Ok(())
                }
            }
        })
    }

    async fn resend(&self, command: Resend) -> Result<(), CommandError<ResendRejection>> {
        transaction!(self, turn = command.id.uuid(), |c| {
            let current = lock(c, command.id).await?;
            let lists = [command.waitlist_id.uuid()];
            let (waitlist, mut mail) = try_join!(
                async { Ok::<_, Abort<ResendRejection>>(waitlists::find(c, command.waitlist_id).await?) },
                settings::mail_setups(c, &lists),
            )?;
            let waitlist = waitlist.ok_or(Abort::Rejected(ResendRejection::NoSuchRequest))?.try_into()?;
            let setup = mail.remove(&command.waitlist_id);
            let audited = command.decide(current, &waitlist, setup.as_ref()).map_err(Abort::Rejected)?;
            let (request, mail) = audit::write(c, audited).await?;
            write_requests(c, [&request].into_iter()).await?;
            mails::write(c, [&mail].into_iter()).await?;
            Ok(())
        })
    }

    async fn delete(&self, command: DeleteRequest) -> Result<bool, Fault> {
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, turn = command.id.uuid(), |c| {
            let audited = command.decide(lock(c, command.id).await?);
            let Some(request) = audit::write(c, audited).await? else { return Ok(false) };
            diesel::delete(signup_requests::table.find(command.id.uuid())).execute(c).await?;
            mails::delete_all(c, mails_of(&request)).await?;
            Ok(true)
        });
        Ok(outcome?)
    }

    async fn list(
        &self,
        waitlist_id: WaitlistId,
        now: Timestamp,
        after: Option<RequestKey>,
        limit: Limit,
    ) -> Result<Page<SignUpRequest, RequestKey>, Fault> {
        let c = self.connection().await?;
        let (list, rows) = try_join!(lists::find(&c, waitlist_id), page(&c, waitlist_id, now, after, limit)).map_err(query_fault)?;
        let rows = if list.is_some() { rows } else { Vec::new() };
        let kept = rows.into_iter().map(RequestRow::kept).collect::<Result<Vec<_>, _>>()?;
        let waiting = kept.into_iter().filter_map(|kept| kept.waiting(now).ok()).collect();
        Ok(Page::from_overfetch(waiting, limit, |last| RequestKey { requested_at: last.requested_at, id: last.id }))
    }

    async fn count(&self, waitlist_id: WaitlistId, now: Timestamp) -> Result<u64, Fault> {
        let mut c = self.connection().await?;
        let counted: CountRow =
            CountWaiting { list: waitlist_id.uuid(), now: now.instant() }.get_result(&mut c).await.map_err(query_fault)?;
        Ok(from_bigint(counted.number))
    }

    async fn prune(&self, expired_before: Timestamp, asked_before: Timestamp, most: usize) -> Result<u64, Fault> {
        let mut c = self.connection().await?;
        let expired = signup_requests::table
            .filter(signup_requests::expires_at.lt(expired_before.instant()))
            .order(signup_requests::expires_at)
            .limit(to_bigint(most as u64))
            .select((signup_requests::id, signup_requests::state, signup_requests::mails_sent));
        let expired: Vec<(Uuid, String, i32)> = expired.load(&mut c).await.map_err(query_fault)?;
        let asked = mail_shares::table
            .filter(mail_shares::asked_at.lt(asked_before.instant()))
            .order(mail_shares::asked_at)
            .limit(to_bigint(most as u64))
            .select(mail_shares::address);
        let addresses: Vec<Vec<u8>> = asked.load(&mut c).await.map_err(query_fault)?;
        drop(c);
        let outcome: Result<usize, CommandError<Infallible>> = transaction!(self, "BEGIN", |c| {
            // The mails of a confirmed request belong to its entry, and those of a refused one are deleted.
            let waited = expired.iter().filter(|(_, state, _)| state == "waiting");
            let of = |(id, _, number): &(Uuid, String, i32)| mail_ids(RequestId::new(*id), number.unsigned_abs()).map(|id| id.uuid());
            mails::delete_all(c, waited.flat_map(of).collect()).await?;
            let requests = delete_all(c, expired.iter().map(|(id, ..)| *id).collect()).await?;
            let shares = DeleteShares { addresses: addresses.clone(), before: asked_before.instant() }.execute(c).await?;
            Ok(requests + shares)
        });
        Ok(outcome? as u64)
    }
}

statement! {
    /// Deletes some requests.
    DeleteRequests {
        "DELETE FROM signup_requests r USING unnest("
        ids: Array<SqlUuid> = Vec<Uuid>, ") AS gone (id) WHERE r.id = gone.id"
    }
}

statement! {
    /// Counts the requests of a list that wait. Without CASE the planner could look for them in the index of ends.
    CountWaiting {
        "SELECT count(*) AS number FROM signup_requests r WHERE r.state = 'waiting' AND r.waitlist_id = "
        list: SqlUuid = Uuid, " AND CASE r.state WHEN 'waiting' THEN r.expires_at > "
        now: Timestamptz = OffsetDateTime, " ELSE false END"
    }
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = sql_types::BigInt)]
    number: i64,
}

/// Deletes some requests.
pub(crate) async fn delete_all(mut c: &AsyncPgConnection, ids: Vec<Uuid>) -> QueryResult<usize> {
    DeleteRequests { ids }.execute(&mut c).await
}

statement! {
    /// Deletes the shares of some addresses that nobody has asked for since.
    DeleteShares {
        "DELETE FROM mail_shares s USING unnest("
        addresses: Array<Bytea> = Vec<Vec<u8>>, ") AS gone (address) WHERE s.address = gone.address AND s.asked_at < "
        before: Timestamptz = OffsetDateTime, ""
    }
}

/// Carries out a group. If the database fails permanently, each request is tried in a group of its own, so that only the bad one fails.
pub(crate) async fn run(database: Database, commands: Vec<RequestMail>) -> Vec<Fate<RequestMail, Outcome>> {
    match write_group(&database, &commands).await {
        Ok(outcomes) => outcomes.into_iter().map(|outcome| Fate::Done(outcome.map_err(CommandError::Rejected))).collect(),
        Err(Fault::Unexpected(_)) if commands.len() > 1 => {
            let mut outcomes = Vec::with_capacity(commands.len());
            for command in &commands {
                outcomes.push(Fate::Done(write_alone(&database, command).await));
            }
            outcomes
        }
        Err(fault) => commands.iter().map(|_| Fate::Done(Err(fault.again().into()))).collect(),
    }
}

async fn write_alone(database: &Database, command: &RequestMail) -> Outcome {
    let outcome = write_group(database, std::slice::from_ref(command)).await?.pop();
    outcome.ok_or_else(|| Fault::unexpected("a group of one has no outcome"))?.map_err(CommandError::Rejected)
}

async fn write_group(database: &Database, commands: &[RequestMail]) -> Result<Vec<Result<(), RequestMailRejection>>, Fault> {
    let written = timeout(database.group_limit, write_in_time(database, commands)).await;
    written.map_err(Fault::unavailable)?.map_err(Fault::from)
}

type Written = Vec<Result<(), RequestMailRejection>>;

async fn write_in_time(database: &Database, commands: &[RequestMail]) -> Result<Written, CommandError<Infallible>> {
    transaction!(database, "BEGIN", |c| {
        let mut group = RequestGroup::new(lock_facts(c, commands).await?);
        let outcomes: Written = commands.iter().map(|command| group.decide(command)).collect();
        apply(c, &group).await?;
        Ok(outcomes)
    })
}

type Step<T> = Result<T, Abort<Infallible>>;

/// Locks the shares of the addresses, and loads the facts of the group.
async fn lock_facts(c: &mut AsyncPgConnection, commands: &[RequestMail]) -> Step<RequestGroupFacts> {
    let shares = lock_shares(c, commands).await?;
    let lists: BTreeSet<Uuid> = commands.iter().map(|command| command.waitlist_id.uuid()).collect();
    let lists: Vec<Uuid> = lists.into_iter().collect();
    // These reads follow the locks, so they see the latest commit. Entries are read after the requests are locked: whoever confirms at this
    // moment is found as one or the other. What is found stays until the group has committed: who erases a person deletes the mail of the
    // group too. Every group sends the same statements, whatever it finds.
    let c = &*c;
    let (by_email, waitlists, mut mail, totals, used) = try_join!(
        waiting_requests(c, commands),
        sign_up::load_waitlists(c, &lists),
        settings::mail_setups(c, &lists),
        totals(c, &lists),
        async { Ok(proofs::used(c, commands.iter().filter_map(|command| command.proof)).await?) },
    )?;
    let asked = mailboxes::asked(&waitlists, commands.iter().map(|command| (command.waitlist_id, command.email())));
    let by_mailbox: Vec<Uuid> = mailboxes::requests(c, &asked).await?.into_iter().map(|found| found.id).collect();
    let found = by_email.iter().chain(&by_mailbox).copied().collect();
    let of_mailboxes = async { Ok(mailboxes::entries(c, &asked).await?) };
    let (waiting, mut known, of_mailboxes) = try_join!(lock_waiting(c, found), known_entries(c, commands), of_mailboxes)?;
    let mut requests = HashMap::new();
    for request in waiting {
        let (list, email) = (request.waitlist_id, &request.profile.email);
        if by_mailbox.contains(&request.id.uuid()) {
            requests.insert((list, email.mailbox()), request.clone());
        }
        requests.insert((list, email.clone()), request);
    }
    known.extend(of_mailboxes.into_iter().map(|found| found.id));
    let mut entries = lock_entries(c, known).await?;
    let by_mailbox = entries.iter().map(|((list, email), entry)| ((*list, email.mailbox()), entry.clone()));
    let by_mailbox: Vec<_> = by_mailbox.filter(|(key, _)| asked.contains(key)).collect();
    for (key, entry) in by_mailbox {
        entries.entry(key).or_insert(entry);
    }
    let list = |(id, waitlist)| {
        let entries = totals.get(&id).copied()?;
        Some((id, RequestedList { waitlist, entries, mail: mail.remove(&id) }))
    };
    let lists = waitlists.into_iter().filter_map(list).collect();
    let facts = RequestGroupFacts { lists, entries, requests, suppressed: HashMap::new(), shares, proofs: used };
    let suppressed = suppressed(c, facts.recipients(commands)).await?;
    Ok(RequestGroupFacts { suppressed, ..facts })
}

statement! {
    /// Locks the shares of some addresses in their order, and makes those that are missing.
    LockShares {
        "INSERT INTO mail_shares AS s (address, sent, asked_at) SELECT new.address, '[]', new.asked_at FROM unnest("
        addresses: Array<Bytea> = Vec<Vec<u8>>, ", "
        asked_at: Array<Timestamptz> = Vec<OffsetDateTime>,
        ") AS new (address, asked_at) ON CONFLICT (address) DO UPDATE SET asked_at = GREATEST(s.asked_at, EXCLUDED.asked_at)
        RETURNING s.address, s.sent"
    }
}

#[derive(QueryableByName)]
struct ShareRow {
    #[diesel(sql_type = Bytea)]
    address: Vec<u8>,
    #[diesel(sql_type = Text)]
    sent: String,
}

async fn lock_shares(c: &mut AsyncPgConnection, commands: &[RequestMail]) -> Step<BTreeMap<AddressHash, MailShare>> {
    let (addresses, asked_at) = asked_addresses(commands).into_iter().map(|(address, at)| (address.bytes().to_vec(), at.instant())).unzip();
    let rows: Vec<ShareRow> = LockShares { addresses, asked_at }.load(c).await?;
    let share = |row: ShareRow| {
        let share = MailShare::from_stored(&row.sent).map_err(corrupt("share of mail"))?;
        Ok((AddressHash::new(digest(row.address)?), share))
    };
    Ok(rows.into_iter().map(share).collect::<Result<_, Fault>>()?)
}

statement! {
    /// Finds the waiting requests of some addresses, one lookup in the unique index for each: see `sign_up::KnownAddresses`.
    WaitingRequests {
        "SELECT nearest.id FROM unnest("
        lists: Array<SqlUuid> = Vec<Uuid>, ", "
        emails: Array<Text> = Vec<String>,
        ") AS asked (list, email) CROSS JOIN LATERAL (
            SELECT r.id, r.email FROM signup_requests r WHERE r.state = 'waiting' AND r.waitlist_id = asked.list AND r.email >= asked.email
            ORDER BY r.email LIMIT 1
        ) nearest WHERE nearest.email = asked.email"
    }
}

statement! {
    /// Finds the entries of some addresses, in the same way.
    KnownEntries {
        "SELECT nearest.id FROM unnest("
        lists: Array<SqlUuid> = Vec<Uuid>, ", "
        emails: Array<Text> = Vec<String>,
        ") AS asked (list, email) CROSS JOIN LATERAL (
            SELECT e.id, e.email FROM entries e WHERE e.waitlist_id = asked.list AND e.email >= asked.email
            ORDER BY e.email LIMIT 1
        ) nearest WHERE nearest.email = asked.email"
    }
}

fn addresses(commands: &[RequestMail]) -> (Vec<Uuid>, Vec<String>) {
    commands.iter().map(|command| (command.waitlist_id.uuid(), command.email().to_string())).unzip()
}

async fn waiting_requests(mut c: &AsyncPgConnection, commands: &[RequestMail]) -> Step<Vec<Uuid>> {
    let (lists, emails) = addresses(commands);
    let rows: Vec<crate::queue::IdRow> = WaitingRequests { lists, emails }.load(&mut c).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Locks the requests that still wait, and loads them.
async fn lock_waiting(mut c: &AsyncPgConnection, ids: BTreeSet<Uuid>) -> Step<Vec<SignUpRequest>> {
    let query = signup_requests::table.filter(signup_requests::id.eq_any(ids)).order(signup_requests::id).select(RequestRow::as_select());
    let rows: Vec<RequestRow> = query.for_update().load(&mut c).await?;
    let mut waiting = Vec::with_capacity(rows.len());
    for row in rows {
        if let RequestState::Waiting(request) = row.kept()?.state {
            waiting.push(*request);
        }
    }
    Ok(waiting)
}

async fn known_entries(mut c: &AsyncPgConnection, commands: &[RequestMail]) -> Step<Vec<Uuid>> {
    let (lists, emails) = addresses(commands);
    let rows: Vec<crate::queue::IdRow> = KnownEntries { lists, emails }.load(&mut c).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Keeps entries from being deleted, and loads them.
async fn lock_entries(mut c: &AsyncPgConnection, ids: Vec<Uuid>) -> Step<HashMap<(WaitlistId, Email), Entry>> {
    let query = entries::table.filter(entries::id.eq_any(ids)).order(entries::id).select(EntryRow::as_select());
    let rows: Vec<EntryRow> = query.for_key_share().load(&mut c).await?;
    let entry = |row| Entry::try_from(row).map(|entry| ((entry.waitlist_id, entry.profile.email.clone()), entry));
    Ok(rows.into_iter().map(entry).collect::<Result<_, Fault>>()?)
}

statement! {
    /// The reasons for which the workspaces of some lists send no mail to some addresses.
    Suppressed {
        "SELECT w.workspace_id, asked.address, s.reason FROM unnest("
        lists: Array<SqlUuid> = Vec<Uuid>, ", "
        addresses: Array<Bytea> = Vec<Vec<u8>>,
        ") AS asked (list, address) JOIN waitlists w ON w.id = asked.list
        CROSS JOIN LATERAL (
            SELECT reason FROM suppressions
            WHERE workspace_id = w.workspace_id AND address = asked.address ORDER BY workspace_id, address, reason OFFSET 0
        ) s"
    }
}

#[derive(QueryableByName)]
struct SuppressedRow {
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = Bytea)]
    address: Vec<u8>,
    #[diesel(sql_type = Text)]
    reason: String,
}

async fn suppressed(
    mut c: &AsyncPgConnection,
    recipients: BTreeSet<(WaitlistId, AddressHash)>,
) -> Step<HashMap<(WorkspaceId, AddressHash), Vec<SuppressionReason>>> {
    let (lists, addresses) = recipients.into_iter().map(|(list, address)| (list.uuid(), address.bytes().to_vec())).unzip();
    let rows: Vec<SuppressedRow> = Suppressed { lists, addresses }.load(&mut c).await?;
    let mut reasons: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let key = (WorkspaceId::new(row.workspace_id), AddressHash::new(digest(row.address)?));
        // The claim of the mail heeds a reason that only a newer program knows.
        reasons.entry(key).or_default().extend(SuppressionReason::parse(&row.reason).ok());
    }
    Ok(reasons)
}

async fn totals(mut c: &AsyncPgConnection, lists: &[Uuid]) -> Step<HashMap<WaitlistId, u64>> {
    use crate::schema::waitlist_totals::dsl::{approved, erased, pending, rejected, waitlist_id, waitlist_totals};
    let query = waitlist_totals.filter(waitlist_id.eq_any(lists)).order(waitlist_id);
    let rows: Vec<(Uuid, i64)> = query.select((waitlist_id, pending + approved + rejected - erased)).load(&mut c).await?;
    Ok(rows.into_iter().map(|(list, number)| (WaitlistId::new(list), from_bigint(number))).collect())
}

async fn apply(c: &AsyncPgConnection, group: &RequestGroup) -> QueryResult<()> {
    if !group.expired().is_empty() {
        // A request that has expired has the address until it is deleted, so this comes first.
        delete_all(c, group.expired().iter().map(|request| request.id.uuid()).collect()).await?;
        mails::delete_all(c, group.expired().iter().flat_map(mails_of).collect()).await?;
    }
    try_join!(
        write_requests(c, group.requests()),
        write_shares(c, group.shares()),
        mails::write(c, group.mails()),
        proofs::write(c, group.used_proofs()),
    )?;
    Ok(())
}

statement! {
    /// Writes the shares of some addresses.
    WriteShares {
        "UPDATE mail_shares s SET sent = new.sent FROM unnest("
        addresses: Array<Bytea> = Vec<Vec<u8>>, ", "
        sent: Array<Text> = Vec<String>, ") AS new (address, sent) WHERE s.address = new.address"
    }
}

async fn write_shares(mut c: &AsyncPgConnection, shares: &BTreeMap<AddressHash, MailShare>) -> QueryResult<usize> {
    let (addresses, sent) = shares.iter().map(|(address, share)| (address.bytes().to_vec(), share.to_stored())).unzip();
    WriteShares { addresses, sent }.execute(&mut c).await
}

statement! {
    /// Writes requests that wait. Of one that is there already only the mails change.
    WriteRequests {
        "INSERT INTO signup_requests (id, workspace_id, waitlist_id, state, email, form, requested_at, expires_at, mails_sent, last_mail_at) \
            SELECT new.id, new.workspace_id, new.waitlist_id, 'waiting', new.email, new.form, new.requested_at, new.expires_at, \
            new.mails_sent, new.last_mail_at FROM unnest("
        ids: Array<SqlUuid> = Vec<Uuid>, ", "
        workspace_ids: Array<SqlUuid> = Vec<Uuid>, ", "
        waitlist_ids: Array<SqlUuid> = Vec<Uuid>, ", "
        emails: Array<Text> = Vec<String>, ", "
        forms: Array<Text> = Vec<String>, ", "
        requested_at: Array<Timestamptz> = Vec<OffsetDateTime>, ", "
        expires_at: Array<Timestamptz> = Vec<OffsetDateTime>, ", "
        mails_sent: Array<Integer> = Vec<i32>, ", "
        last_mail_at: Array<Nullable<Timestamptz>> = Vec<Option<OffsetDateTime>>,
        ") AS new (id, workspace_id, waitlist_id, email, form, requested_at, expires_at, mails_sent, last_mail_at) \
            ON CONFLICT (id) DO UPDATE SET mails_sent = EXCLUDED.mails_sent, last_mail_at = EXCLUDED.last_mail_at"
    }
}

async fn write_requests(mut c: &AsyncPgConnection, requests: impl Iterator<Item = &SignUpRequest> + Clone) -> QueryResult<usize> {
    let write = WriteRequests {
        ids: requests.clone().map(|request| request.id.uuid()).collect(),
        workspace_ids: requests.clone().map(|request| request.workspace_id.uuid()).collect(),
        waitlist_ids: requests.clone().map(|request| request.waitlist_id.uuid()).collect(),
        emails: requests.clone().map(|request| request.profile.email.to_string()).collect(),
        forms: requests.clone().map(SignUpRequest::form).collect(),
        requested_at: requests.clone().map(|request| request.requested_at.instant()).collect(),
        expires_at: requests.clone().map(|request| request.expires_at.instant()).collect(),
        mails_sent: requests.clone().map(|request| i32::try_from(request.mails_sent).unwrap_or(i32::MAX)).collect(),
        last_mail_at: requests.map(|request| request.last_mail_at.map(Timestamp::instant)).collect(),
    };
    write.execute(&mut c).await
}

/// Locks the requests that some sign-ups confirm, and loads them.
pub(crate) async fn lock_confirmed<R>(mut c: &AsyncPgConnection, commands: &[SignUp]) -> Result<HashMap<RequestId, KeptRequest>, Abort<R>> {
    let asked: BTreeSet<Uuid> = commands.iter().filter_map(|command| command.confirms).map(RequestId::uuid).collect();
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    let asked: Vec<Uuid> = asked.into_iter().collect();
    let query = signup_requests::table.filter(signup_requests::id.eq_any(asked)).order(signup_requests::id);
    let rows: Vec<RequestRow> = query.select(RequestRow::as_select()).for_update().load(&mut c).await?;
    let kept = |row: RequestRow| row.kept().map(|kept| (kept.id, kept));
    Ok(rows.into_iter().map(kept).collect::<Result<_, Fault>>()?)
}

statement! {
    /// Ends requests that are confirmed, and forgets what was sent with them.
    Confirm {
        "UPDATE signup_requests r SET state = 'confirmed', entry_id = done.entry, email = NULL, form = NULL FROM unnest("
        requests: Array<SqlUuid> = Vec<Uuid>, ", "
        entries: Array<SqlUuid> = Vec<Uuid>, ") AS done (request, entry) WHERE r.id = done.request"
    }
}

statement! {
    /// Makes mails of requests mails of their entries.
    AdoptMails {
        "UPDATE mails m SET entry_id = done.entry FROM unnest("
        ids: Array<SqlUuid> = Vec<Uuid>, ", "
        entries: Array<SqlUuid> = Vec<Uuid>, ") AS done (mail, entry) WHERE m.id = done.mail"
    }
}

/// Ends requests that are confirmed. Their mails become mails of the entries.
pub(crate) async fn confirm(c: &AsyncPgConnection, confirmed: impl Iterator<Item = &Confirmed> + Clone) -> QueryResult<()> {
    if confirmed.clone().next().is_none() {
        return Ok(());
    }
    let (requests, entries) = confirmed.clone().map(|done| (done.request_id.uuid(), done.entry_id.uuid())).unzip();
    let mails = confirmed.flat_map(|done| mail_ids(done.request_id, done.mails_sent).map(|id| (id.uuid(), done.entry_id.uuid())));
    let (ids, of_entries) = mails.unzip();
    try_join!(async { Confirm { requests, entries }.execute(&mut &*c).await }, async {
        AdoptMails { ids, entries: of_entries }.execute(&mut &*c).await
    },)?;
    Ok(())
}

async fn lock<R>(c: &mut AsyncPgConnection, id: RequestId) -> Result<Option<KeptRequest>, Abort<R>> {
    let query = signup_requests::table.find(id.uuid()).select(RequestRow::as_select());
    let row: Option<RequestRow> = query.for_update().first(c).await.optional()?;
    Ok(row.map(RequestRow::kept).transpose()?)
}

/// Deletes the waiting request of an address, with its mails. The person of the address is erased from the list.
pub(crate) async fn erase(c: &mut AsyncPgConnection, list: WaitlistId, email: &Email) -> Step<()> {
    let asked = WaitingRequests { lists: vec![list.uuid()], emails: vec![email.to_string()] };
    let rows: Vec<crate::queue::IdRow> = asked.load(c).await?;
    for request in lock_waiting(c, rows.into_iter().map(|row| row.id).collect()).await? {
        mails::delete_all(c, mails_of(&request)).await?;
        delete_all(c, vec![request.id.uuid()]).await?;
    }
    Ok(())
}

fn mails_of(request: &SignUpRequest) -> Vec<Uuid> {
    mail_ids(request.id, request.mails_sent).map(|id| id.uuid()).collect()
}

#[diesel::dsl::auto_type(no_type_alias)]
fn waiting(waitlist_id: WaitlistId, now: Timestamp) -> _ {
    let list: Uuid = waitlist_id.uuid();
    let now: OffsetDateTime = now.instant();
    // The condition of the index, which a bound value is not.
    let waits: SqlLiteral<Bool> = sql::<Bool>("signup_requests.state = 'waiting'");
    signup_requests::table.filter(signup_requests::waitlist_id.eq(list)).filter(waits).filter(signup_requests::expires_at.gt(now))
}

async fn page(
    mut c: &AsyncPgConnection,
    waitlist_id: WaitlistId,
    now: Timestamp,
    after: Option<RequestKey>,
    limit: Limit,
) -> QueryResult<Vec<RequestRow>> {
    let query = waiting(waitlist_id, now).order((signup_requests::requested_at, signup_requests::id));
    let mut query = query.limit(to_bigint(limit.rows() as u64 + 1)).select(RequestRow::as_select()).into_boxed();
    if let Some(key) = after {
        // The index needs a row comparison, and the DSL has none.
        query = query.filter(
            sql::<Bool>("(signup_requests.requested_at, signup_requests.id) > (")
                .bind::<Timestamptz, _>(key.requested_at.instant())
                .sql(", ")
                .bind::<sql_types::Uuid, _>(key.id.uuid())
                .sql(")"),
        );
    }
    query.load(&mut c).await
}

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = signup_requests, check_for_backend(diesel::pg::Pg))]
struct RequestRow {
    id: Uuid,
    workspace_id: Uuid,
    waitlist_id: Uuid,
    state: String,
    entry_id: Option<Uuid>,
    email: Option<String>,
    form: Option<String>,
    requested_at: OffsetDateTime,
    expires_at: OffsetDateTime,
    mails_sent: i32,
    last_mail_at: Option<OffsetDateTime>,
}

impl RequestRow {
    fn kept(self) -> Result<KeptRequest, Fault> {
        let stored = StoredRequest {
            id: RequestId::new(self.id),
            workspace_id: WorkspaceId::new(self.workspace_id),
            waitlist_id: WaitlistId::new(self.waitlist_id),
            state: self.state,
            entry_id: self.entry_id.map(EntryId::new),
            sent: self.email.zip(self.form),
            requested_at: Timestamp::new(self.requested_at),
            expires_at: Timestamp::new(self.expires_at),
            mails_sent: self.mails_sent.unsigned_abs(),
            last_mail_at: self.last_mail_at.map(Timestamp::new),
        };
        stored.try_into()
    }
}
