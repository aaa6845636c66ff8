//! [`ConfirmationStore`] on SQLite. Requests for mail that arrive together share a transaction, as sign-ups do.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::convert::Infallible;

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool};
use rally_domain::command::{
    Confirmed, DeleteRequest, Refuse, RefusePlan, RequestGroup, RequestGroupFacts, RequestMail, RequestMailRejection, RequestedList,
    Resend, ResendRejection, asked_addresses,
};
use rally_domain::confirmation::{KeptRequest, MailShare, RequestEnded, RequestState, SignUpRequest, StoredRequest, mail_ids};
use rally_domain::email::Email;
use rally_domain::entry::Entry;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{EntryId, RequestId, WaitlistId, WorkspaceId};
use rally_domain::mail::Mail;
use rally_domain::paging::{Limit, Page, RequestKey};
use rally_domain::port::ConfirmationStore;
use rally_domain::proof_of_work::UsedProof;
use rally_domain::secret::AddressHash;
use rally_domain::suppression::SuppressionReason;
use rally_domain::timestamp::Timestamp;
use rally_group_commit::{Fate, Refused, Rules};

use crate::condition::Condition;
use crate::convert::{Blob, corrupt, from_bigint, instant, to_bigint};
use crate::entries::EntryRow;
use crate::fault::{Abort, query_fault};
use crate::schema::{entries, mail_shares, mails as mail_rows, signup_requests, suppressions};
use crate::{
    Database, SqliteStore, audit, counters, mailboxes, mails, proofs, purges, settings, sign_up, suppressions as suppression_rows,
};

pub(crate) const RULES: Rules = Rules { group: 256, queue: 4096, few: 1, writers: 1, patience: crate::BUSY_TIMEOUT };

/// The result of one request of a group.
pub(crate) type Outcome = Result<(), CommandError<RequestMailRejection>>;

#[async_trait]
impl ConfirmationStore for SqliteStore {
    async fn request_mail(&self, command: RequestMail) -> Outcome {
        match self.requests.submit(command.waitlist_id, command).await {
            Ok(outcome) => outcome,
            Err(refused @ (Refused::Full | Refused::Locked)) => Err(Fault::unavailable(refused).into()),
            Err(lost @ Refused::Lost) => Err(Fault::unexpected(lost).into()),
        }
    }

    async fn find(&self, id: RequestId) -> Result<Option<KeptRequest>, Fault> {
        self.database
            .read(move |c| {
                let found = find::<Infallible>(c, id).map_err(|abort| Fault::from(CommandError::from(abort)))?;
                let Some(kept) = found else { return Ok(None) };
                let is_there = counters::is_there(c, Blob(kept.waitlist_id.uuid())).map_err(query_fault)?;
                Ok(Some(kept).filter(|_| is_there))
            })
            .await
    }

    async fn refuse(&self, command: Refuse) -> Result<(), CommandError<RequestEnded>> {
        self.database
            .write(move |c| {
                let current = find(c, command.id)?;
                if let RefusePlan::Refuse { request, suppression } = command.decide(current).map_err(Abort::Rejected)? {
                    let nothing = (signup_requests::email.eq(None::<String>), signup_requests::form.eq(None::<String>));
                    let refused = (signup_requests::state.eq(RequestState::Refused.as_str()), nothing);
                    diesel::update(signup_requests::table.find(Blob(command.id.uuid()))).set(refused).execute(c)?;
                    delete_mails(c, &request)?;
                    purges::empty_log_later(c, request.id.uuid())?;
                    let (id, list, at) = (command.suppression_id.uuid(), request.waitlist_id, request.requested_at);
                    proofs::remember(c, UsedProof::of_gone(id, list, at, command.now))?;
                    suppression_rows::write(c, &suppression)?;
                }
                Ok(())
            })
            .await
    }

    async fn resend(&self, command: Resend) -> Result<(), CommandError<ResendRejection>> {
        self.database
            .write(move |c| {
                let current = find(c, command.id)?;
                if !counters::is_there(c, Blob(command.waitlist_id.uuid()))? {
                    return Err(Abort::Rejected(ResendRejection::NoSuchRequest));
                }
                let waitlist = sign_up::load_waitlist(c, command.waitlist_id)?;
                let setup = settings::mail_setup(c, waitlist.workspace_id)?;
                let audited = command.decide(current, &waitlist, setup.as_ref()).map_err(Abort::Rejected)?;
                let (request, mail) = audit::write(c, audited)?;
                write_request(c, &request)?;
                mails::write(c, &mail)?;
                Ok(())
            })
            .await
    }

    async fn delete(&self, command: DeleteRequest) -> Result<bool, Fault> {
        let deleted = self.database.write::<_, Infallible>(move |c| {
            let audited = command.decide(find(c, command.id)?);
            let Some(request) = audit::write(c, audited)? else { return Ok(false) };
            diesel::delete(signup_requests::table.find(Blob(command.id.uuid()))).execute(c)?;
            delete_mails(c, &request)?;
            Ok(true)
        });
        Ok(deleted.await?)
    }

    async fn list(
        &self,
        waitlist_id: WaitlistId,
        now: Timestamp,
        after: Option<RequestKey>,
        limit: Limit,
    ) -> Result<Page<SignUpRequest, RequestKey>, Fault> {
        self.database
            .read(move |c| {
                if !counters::is_there(c, Blob(waitlist_id.uuid())).map_err(query_fault)? {
                    return Ok(Page::from_overfetch(Vec::new(), limit, |last: &SignUpRequest| key(last)));
                }
                let query = waiting(waitlist_id, now).order((signup_requests::requested_at, signup_requests::id));
                let mut query = query.limit(to_bigint(limit.rows() as u64 + 1)).select(RequestRow::as_select()).into_boxed();
                if let Some(key) = after {
                    // The index needs a row comparison, and the DSL has none.
                    query = query.filter(
                        sql::<Bool>("(signup_requests.requested_at, signup_requests.id) > (")
                            .bind::<BigInt, _>(key.requested_at.unix_millis())
                            .sql(", ")
                            .bind::<Binary, _>(Blob(key.id.uuid()))
                            .sql(")"),
                    );
                }
                let rows: Vec<RequestRow> = query.load(c).map_err(query_fault)?;
                let kept = rows.into_iter().map(RequestRow::kept).collect::<Result<Vec<_>, _>>()?;
                let waiting = kept.into_iter().filter_map(|kept| kept.waiting(now).ok()).collect();
                Ok(Page::from_overfetch(waiting, limit, key))
            })
            .await
    }

    async fn count(&self, waitlist_id: WaitlistId, now: Timestamp) -> Result<u64, Fault> {
        let count = move |c: &mut SqliteConnection| waiting(waitlist_id, now).count().get_result::<i64>(c);
        self.database.read(move |c| count(c).map(from_bigint).map_err(query_fault)).await
    }

    async fn prune(&self, expired_before: Timestamp, asked_before: Timestamp, most: usize) -> Result<u64, Fault> {
        let pruned = self.database.write::<_, Infallible>(move |c| {
            let most = to_bigint(most as u64);
            let expired = signup_requests::table
                .filter(signup_requests::expires_at.lt(expired_before.unix_millis()))
                .order(signup_requests::expires_at)
                .limit(most)
                .select((signup_requests::id, signup_requests::mails_sent));
            let expired: Vec<(Blob, i32)> = expired.load(c)?;
            for (id, number) in &expired {
                for mail in mail_ids(RequestId::new(id.0), number.unsigned_abs()) {
                    let unconfirmed = mail_rows::table.find(Blob(mail.uuid())).filter(mail_rows::entry_id.is_null());
                    diesel::delete(unconfirmed).execute(c)?;
                }
                diesel::delete(signup_requests::table.find(*id)).execute(c)?;
            }
            let asked = mail_shares::table.filter(mail_shares::asked_at.lt(asked_before.unix_millis())).order(mail_shares::asked_at);
            let asked: Vec<Vec<u8>> = asked.limit(most).select(mail_shares::address).load(c)?;
            let shares = diesel::delete(mail_shares::table.filter(mail_shares::address.eq_any(asked))).execute(c)?;
            Ok((expired.len() + shares) as u64)
        });
        Ok(pruned.await?)
    }
}

fn key(request: &SignUpRequest) -> RequestKey {
    RequestKey { requested_at: request.requested_at, id: request.id }
}

/// Carries out a group. If the database fails permanently, each request is tried in a group of its own, so that only the bad one fails.
pub(crate) async fn run(database: Database, commands: Vec<RequestMail>) -> Vec<Fate<RequestMail, Outcome>> {
    match write_group(&database, commands.clone()).await {
        Ok(outcomes) => outcomes.into_iter().map(|outcome| Fate::Done(outcome.map_err(CommandError::Rejected))).collect(),
        Err(Fault::Unexpected(_)) if commands.len() > 1 => {
            let mut outcomes = Vec::with_capacity(commands.len());
            for command in commands {
                outcomes.push(Fate::Done(write_alone(&database, command).await));
            }
            outcomes
        }
        Err(fault) => commands.iter().map(|_| Fate::Done(Err(fault.again().into()))).collect(),
    }
}

async fn write_alone(database: &Database, command: RequestMail) -> Outcome {
    let outcome = write_group(database, vec![command]).await?.pop();
    outcome.ok_or_else(|| Fault::unexpected("a group of one has no outcome"))?.map_err(CommandError::Rejected)
}

type Written = Vec<Result<(), RequestMailRejection>>;

async fn write_group(database: &Database, commands: Vec<RequestMail>) -> Result<Written, Fault> {
    let written = database.write::<_, Infallible>(move |c| {
        let mut group = RequestGroup::new(load_facts(c, &commands)?);
        let outcomes = commands.iter().map(|command| group.decide(command)).collect();
        apply(c, &group, &asked_addresses(&commands))?;
        Ok(outcomes)
    });
    Ok(written.await?)
}

type Step<T> = Result<T, Abort<Infallible>>;

fn load_facts(c: &mut SqliteConnection, commands: &[RequestMail]) -> Step<RequestGroupFacts> {
    let proofs = proofs::used(c, commands.iter().filter_map(|command| command.proof))?;
    let mut facts = RequestGroupFacts { proofs, ..RequestGroupFacts::default() };
    for command in commands {
        let (list, email) = (command.waitlist_id, command.email());
        facts.shares.insert(command.address, load_share(c, command.address)?);
        let Some((_, number)) = sign_up::load_totals(c, list)? else { continue };
        let listed = match facts.lists.entry(list) {
            Occupied(known) => known.into_mut(),
            Vacant(place) => {
                let waitlist = sign_up::load_waitlist(c, list)?;
                let mail = settings::mail_setup(c, waitlist.workspace_id)?;
                place.insert(RequestedList { waitlist, entries: number, mail })
            }
        };
        let rules = listed.waitlist.settings.addresses;
        let key = (list, rules.known_by(email));
        let (mut entry, mut request) = (load_entry(c, list, email)?, load_waiting(c, list, email)?);
        if rules.one_per_mailbox && entry.is_none() {
            entry = mailboxes::entry(c, list, &key.1)?.map(|id| load_entry_by(c, id)).transpose()?;
        }
        if rules.one_per_mailbox && request.is_none() {
            request = mailboxes::request(c, list, &key.1)?.map(|id| load_waiting_by(c, id)).transpose()?.flatten();
        }
        facts.entries.extend(entry.map(|entry| (key.clone(), entry)));
        facts.requests.extend(request.map(|request| (key, request)));
    }
    for (list, address) in facts.recipients(commands) {
        let workspace = facts.lists[&list].waitlist.workspace_id;
        facts.suppressed.insert((workspace, address), load_reasons(c, workspace, address)?);
    }
    Ok(facts)
}

fn load_share(c: &mut SqliteConnection, address: AddressHash) -> Step<MailShare> {
    let query = mail_shares::table.find(address.bytes().as_slice()).select(mail_shares::sent);
    let sent: Option<String> = query.first(c).optional()?;
    let share = sent.map(|sent| MailShare::from_stored(&sent)).transpose().map_err(corrupt("share of mail"))?;
    Ok(share.unwrap_or_default())
}

fn load_entry(c: &mut SqliteConnection, list: WaitlistId, email: &Email) -> Step<Option<Entry>> {
    let same = entries::waitlist_id.eq(Blob(list.uuid())).and(entries::email.eq(email.as_str()));
    let row: Option<EntryRow> = entries::table.filter(same).select(EntryRow::as_select()).first(c).optional()?;
    Ok(row.map(Entry::try_from).transpose()?)
}

fn load_entry_by(c: &mut SqliteConnection, id: Blob) -> Step<Entry> {
    let row: EntryRow = entries::table.find(id).select(EntryRow::as_select()).first(c)?;
    Ok(Entry::try_from(row)?)
}

fn load_waiting_by(c: &mut SqliteConnection, id: Blob) -> Step<Option<SignUpRequest>> {
    let row: RequestRow = signup_requests::table.find(id).select(RequestRow::as_select()).first(c)?;
    Ok(match row.kept()?.state {
        RequestState::Waiting(request) => Some(*request),
        RequestState::Confirmed(_) | RequestState::Refused => None,
    })
}

fn load_waiting(c: &mut SqliteConnection, list: WaitlistId, email: &Email) -> Step<Option<SignUpRequest>> {
    let same = signup_requests::waitlist_id.eq(Blob(list.uuid())).and(signup_requests::email.eq(email.as_str()));
    let query = signup_requests::table.filter(same.and(Condition("state = 'waiting'"))).select(RequestRow::as_select());
    let Some(row) = query.first::<RequestRow>(c).optional()? else { return Ok(None) };
    Ok(match row.kept()?.state {
        RequestState::Waiting(request) => Some(*request),
        RequestState::Confirmed(_) | RequestState::Refused => None,
    })
}

fn load_reasons(c: &mut SqliteConnection, workspace: WorkspaceId, address: AddressHash) -> Step<Vec<SuppressionReason>> {
    let of_address = suppressions::workspace_id.eq(Blob(workspace.uuid())).and(suppressions::address.eq(address.bytes().as_slice()));
    let reasons: Vec<String> = suppressions::table.filter(of_address).select(suppressions::reason).load(c)?;
    // The claim of the mail heeds a reason that only a newer program knows.
    Ok(reasons.iter().filter_map(|reason| SuppressionReason::parse(reason).ok()).collect())
}

fn apply(c: &mut SqliteConnection, group: &RequestGroup, asked: &BTreeMap<AddressHash, Timestamp>) -> QueryResult<()> {
    for request in group.expired() {
        diesel::delete(signup_requests::table.find(Blob(request.id.uuid()))).execute(c)?;
        delete_mails(c, request)?;
    }
    group.requests().try_for_each(|request| write_request(c, request))?;
    for (address, asked_at) in asked {
        let share = group.shares().get(address).cloned().unwrap_or_default();
        write_share(c, *address, &share, *asked_at)?;
    }
    group.used_proofs().try_for_each(|used| proofs::write(c, used))?;
    group.mails().try_for_each(|mail: &Mail| mails::write(c, mail))
}

fn write_share(c: &mut SqliteConnection, address: AddressHash, share: &MailShare, asked_at: Timestamp) -> QueryResult<usize> {
    let row = (
        mail_shares::address.eq(address.bytes().as_slice()),
        mail_shares::sent.eq(share.to_stored()),
        mail_shares::asked_at.eq(asked_at.unix_millis()),
    );
    diesel::replace_into(mail_shares::table).values(row).execute(c)
}

/// Writes a request that waits. Of one that is there already only the mails change.
fn write_request(c: &mut SqliteConnection, request: &SignUpRequest) -> QueryResult<()> {
    let mails = (
        signup_requests::mails_sent.eq(i32::try_from(request.mails_sent).unwrap_or(i32::MAX)),
        signup_requests::last_mail_at.eq(request.last_mail_at.map(Timestamp::unix_millis)),
    );
    let row = (
        signup_requests::id.eq(Blob(request.id.uuid())),
        signup_requests::workspace_id.eq(Blob(request.workspace_id.uuid())),
        signup_requests::waitlist_id.eq(Blob(request.waitlist_id.uuid())),
        signup_requests::state.eq("waiting"),
        signup_requests::email.eq(request.profile.email.as_str()),
        signup_requests::form.eq(request.form()),
        signup_requests::requested_at.eq(request.requested_at.unix_millis()),
        signup_requests::expires_at.eq(request.expires_at.unix_millis()),
    );
    let insert = diesel::insert_into(signup_requests::table).values((row, mails)).on_conflict(signup_requests::id);
    insert.do_update().set(mails).execute(c).map(|_| ())
}

/// Deletes the waiting request of an address, with its mails. The person of the address is erased from the list.
pub(crate) fn erase(c: &mut SqliteConnection, list: WaitlistId, email: &Email) -> Step<()> {
    if let Some(request) = load_waiting(c, list, email)? {
        delete_mails(c, &request)?;
        diesel::delete(signup_requests::table.find(Blob(request.id.uuid()))).execute(c)?;
    }
    Ok(())
}

fn delete_mails(c: &mut SqliteConnection, request: &SignUpRequest) -> QueryResult<usize> {
    let ids: Vec<Blob> = mail_ids(request.id, request.mails_sent).map(|id| Blob(id.uuid())).collect();
    diesel::delete(mail_rows::table.filter(mail_rows::id.eq_any(ids))).execute(c)
}

/// Loads a request, in any state.
pub(crate) fn find<R>(c: &mut SqliteConnection, id: RequestId) -> Result<Option<KeptRequest>, Abort<R>> {
    let query = signup_requests::table.find(Blob(id.uuid())).select(RequestRow::as_select());
    Ok(query.first::<RequestRow>(c).optional()?.map(RequestRow::kept).transpose()?)
}

/// Ends a request that is confirmed, and forgets what was sent with it. Its mails become mails of the entry.
pub(crate) fn confirm(c: &mut SqliteConnection, done: &Confirmed) -> QueryResult<()> {
    let entry = Some(Blob(done.entry_id.uuid()));
    let nothing = (signup_requests::email.eq(None::<String>), signup_requests::form.eq(None::<String>));
    let confirmed = (signup_requests::state.eq("confirmed"), signup_requests::entry_id.eq(entry), nothing);
    diesel::update(signup_requests::table.find(Blob(done.request_id.uuid()))).set(confirmed).execute(c)?;
    let ids: Vec<Blob> = mail_ids(done.request_id, done.mails_sent).map(|id| Blob(id.uuid())).collect();
    diesel::update(mail_rows::table.filter(mail_rows::id.eq_any(ids))).set(mail_rows::entry_id.eq(entry)).execute(c).map(|_| ())
}

/// When the request of a mail expires, if it still waits.
pub(crate) fn end_of_waiting(c: &mut SqliteConnection, id: Blob) -> QueryResult<Option<i64>> {
    let waiting = signup_requests::table.find(id).filter(signup_requests::state.eq("waiting"));
    waiting.select(signup_requests::expires_at).first(c).optional()
}

#[diesel::dsl::auto_type(no_type_alias)]
fn waiting(waitlist_id: WaitlistId, now: Timestamp) -> _ {
    let list: Blob = Blob(waitlist_id.uuid());
    let now: i64 = now.unix_millis();
    let waits: Condition = Condition("state = 'waiting'");
    signup_requests::table.filter(waits).filter(signup_requests::waitlist_id.eq(list)).filter(signup_requests::expires_at.gt(now))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = signup_requests, check_for_backend(diesel::sqlite::Sqlite))]
struct RequestRow {
    id: Blob,
    workspace_id: Blob,
    waitlist_id: Blob,
    state: String,
    entry_id: Option<Blob>,
    email: Option<String>,
    form: Option<String>,
    requested_at: i64,
    expires_at: i64,
    mails_sent: i32,
    last_mail_at: Option<i64>,
}

impl RequestRow {
    fn kept(self) -> Result<KeptRequest, Fault> {
        let stored = StoredRequest {
            id: RequestId::new(self.id.0),
            workspace_id: WorkspaceId::new(self.workspace_id.0),
            waitlist_id: WaitlistId::new(self.waitlist_id.0),
            state: self.state,
            entry_id: self.entry_id.map(|id| EntryId::new(id.0)),
            sent: self.email.zip(self.form),
            requested_at: instant(self.requested_at)?,
            expires_at: instant(self.expires_at)?,
            mails_sent: self.mails_sent.unsigned_abs(),
            last_mail_at: self.last_mail_at.map(instant).transpose()?,
        };
        stored.try_into()
    }
}
