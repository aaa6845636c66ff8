//! [`ImportStore`] on PostgreSQL. A group of rows is one transaction under the lock of its list, as a group of sign-ups is.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::convert::Infallible;

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{self, Array, BigInt, Bool, Bytea, SmallInt, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rally_domain::audit::AuditActor;
use rally_domain::command::{
    AddFacts, AddPlan, CancelImport, ImportRejection, ImportWork, LinkFacts, LinkPlan, RestoreFacts, RestorePlan, StageRows,
};
use rally_domain::email::Email;
use rally_domain::entry::Entry;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{ClaimId, EntryId, ImportId, WaitlistId, WorkspaceId};
use rally_domain::import::{
    Import, ImportLink, ImportMark, ImportNumbers, ImportProblem, ImportRow, ImportState, ImportStep, OnDuplicate, ReferrerName,
    RestoreItem,
};
use rally_domain::port::ImportStore;
use rally_domain::referral::{OldCode, ReferralCode};
use rally_domain::tally::Tally;
use rally_domain::text::Subject;
use rally_domain::timestamp::Timestamp;
use rally_domain::waitlist::Waitlist;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::convert::{corrupt, from_bigint, to_bigint};
use crate::entries::{self as entry_rows, EntryRow, InsertEntries, NewEntryRow, write_import};
use crate::fault::{Abort, query_fault};
use crate::schema::{entries, import_items, import_names, imports, old_codes, waitlist_totals};
use crate::statement::statement;
use crate::{
    PgStore, audit, counters, events, mailboxes, mails, referrals, settings, sign_up, suppressions, terms, tombstones, transaction,
    variants, waitlists,
};

/// The kinds of items.
const PIECE: i16 = 0;
const ROW: i16 = 1;
const LINK: i16 = 2;
const PROBLEM: i16 = 3;

/// How many staged rows are deleted at once.
const CLEANED_AT_ONCE: i64 = 2000;

#[async_trait]
impl ImportStore for PgStore {
    async fn begin(&self, import: Import, lease_until: Timestamp) -> Result<(), Fault> {
        let mut c = self.connection().await?;
        let row = (ImportsRow::from(&import), imports::lease_until.eq(lease_until.instant()));
        diesel::insert_into(imports::table).values(row).execute(&mut c).await.map(|_| ()).map_err(query_fault)
    }

    async fn put_piece(&self, id: ImportId, number: u64, bytes: Vec<u8>, lease_until: Timestamp) -> Result<bool, Fault> {
        let outcome: Result<bool, CommandError<Infallible>> = transaction!(self, |c| {
            let arriving = imports::table.find(id.uuid()).filter(imports::state.eq(ImportState::Uploading.as_str()));
            if diesel::update(arriving).set(imports::lease_until.eq(lease_until.instant())).execute(c).await? == 0 {
                return Ok(false);
            }
            insert_items(c, id, PIECE, vec![([to_bigint(number), 0, 0], bytes.clone())]).await?;
            Ok(true)
        });
        Ok(outcome?)
    }

    async fn prolong(&self, id: ImportId, lease_until: Timestamp) -> Result<bool, Fault> {
        let mut c = self.connection().await?;
        let arriving = imports::table.find(id.uuid()).filter(imports::state.eq(ImportState::Uploading.as_str()));
        let prolonged = diesel::update(arriving).set(imports::lease_until.eq(lease_until.instant())).execute(&mut c).await;
        Ok(prolonged.map_err(query_fault)? > 0)
    }

    async fn arrive(&self, id: ImportId, source: Result<String, String>, now: Timestamp) -> Result<Option<Import>, Fault> {
        let outcome: Result<Option<Import>, CommandError<Infallible>> = transaction!(self, |c| {
            let import = lock(c, id).await?.filter(|import| import.state == ImportState::Uploading);
            let Some(import) = import else { return Ok(None) };
            let before = import.state;
            let import = audit::write(c, import.arrived(source.clone(), now).audited(before, now)).await?;
            save(c, &import).await?;
            let free = imports::lease_until.eq(None::<OffsetDateTime>);
            diesel::update(imports::table.find(id.uuid())).set(free).execute(c).await?;
            Ok(Some(import))
        });
        Ok(outcome?)
    }

    async fn find(&self, waitlist_id: WaitlistId, id: ImportId) -> Result<Option<Import>, Fault> {
        let mut c = self.connection().await?;
        let row: Option<ImportsRow> =
            imports::table.find(id.uuid()).select(ImportsRow::as_select()).first(&mut c).await.optional().map_err(query_fault)?;
        let import = row.map(Import::try_from).transpose()?;
        Ok(import.filter(|import| import.waitlist_id == waitlist_id))
    }

    async fn list(&self, waitlist_id: WaitlistId, most: usize) -> Result<Vec<Import>, Fault> {
        let mut c = self.connection().await?;
        let query = imports::table
            .filter(imports::waitlist_id.eq(waitlist_id.uuid()))
            // Only the index of lists has this order.
            .order((imports::created_at.desc(), imports::id))
            .limit(to_bigint(most as u64))
            .select(ImportsRow::as_select());
        let rows: Vec<ImportsRow> = query.load(&mut c).await.map_err(query_fault)?;
        rows.into_iter().map(Import::try_from).collect()
    }

    async fn problems(&self, id: ImportId, after: Option<ImportMark>, most: usize) -> Result<Vec<(ImportMark, ImportProblem)>, Fault> {
        let mut c = self.connection().await?;
        let items = items(&mut c, id, PROBLEM, after.unwrap_or(Import::FIRST), most).await.map_err(query_fault)?;
        items.into_iter().map(|(key, json)| Ok((key, ImportProblem::from_json(from_bigint(key[0]), &json)?))).collect()
    }

    async fn piece(&self, id: ImportId, number: u64) -> Result<Option<Vec<u8>>, Fault> {
        let mut c = self.connection().await?;
        let piece = import_items::table.find((id.uuid(), PIECE, to_bigint(number), 0_i64, 0_i64)).select(import_items::content);
        piece.first(&mut c).await.optional().map_err(query_fault)
    }

    async fn cancel(&self, command: CancelImport) -> Result<Option<Import>, Fault> {
        let outcome: Result<Option<Import>, CommandError<Infallible>> = transaction!(self, |c| {
            let audited = command.decide(lock(c, command.id).await?);
            let Some(import) = audit::write(c, audited).await? else { return Ok(None) };
            save(c, &import).await?;
            Ok(Some(import))
        });
        Ok(outcome?)
    }

    async fn claim(&self, claim: ClaimId, now: Timestamp, lease_until: Timestamp) -> Result<Option<Import>, Fault> {
        let outcome: Result<Option<Import>, CommandError<Infallible>> = transaction!(self, |c| {
            let next = NextImport { now: now.instant(), claim: claim.uuid(), own: claim.uuid() };
            let Some(next) = next.get_result::<crate::queue::IdRow>(c).await.optional()? else { return Ok(None) };
            let Some(import) = lock(c, ImportId::new(next.id)).await? else { return Ok(None) };
            let import = import.claimed(now);
            save(c, &import).await?;
            let held = (imports::claim.eq(claim.uuid()), imports::lease_until.eq(lease_until.instant()));
            diesel::update(imports::table.find(next.id)).set(held).execute(c).await?;
            Ok(Some(import))
        });
        Ok(outcome?)
    }

    async fn stage(&self, command: StageRows) -> Result<Option<Import>, Fault> {
        let outcome: Result<Option<Import>, CommandError<Infallible>> = transaction!(self, |c| {
            let id = command.import_id;
            let held = hold(c, id, command.claim, command.lease_until).await?;
            let Some(import) = held.filter(|import| import.step == ImportStep::Read) else { return Ok(None) };
            let rows = command.rows.iter().map(|row| (row.key(), row.to_json())).collect();
            insert_items(c, id, ROW, rows).await?;
            insert_lines(c, id, &command.lines).await?;
            insert_problems(c, id, 0, &command.problems).await?;
            delete_until(c, id, PIECE, [to_bigint(command.first_piece), -1, 0]).await?;
            let numbers = import.numbers.plus(ImportNumbers { failed: command.failed, ..ImportNumbers::default() });
            let import = Import { numbers, mark: command.mark, ..import };
            let import = match command.next {
                Some(step) => import.at_step(step),
                None => import,
            };
            save(c, &import).await?;
            Ok(Some(import))
        });
        Ok(outcome?)
    }

    async fn work(&self, command: ImportWork) -> Result<Option<Import>, CommandError<ImportRejection>> {
        transaction!(self, turn = command.waitlist_id.uuid(), |c| {
            let Some(import) = hold(c, command.import_id, command.claim, command.lease_until).await? else { return Ok(None) };
            let (before, is_there) = (import.state, counters::lock(c, import.waitlist_id).await?);
            let import = match (command.end_of(&import, is_there), import.step) {
                (Some(reason), _) => import.failed(reason, command.now),
                (None, ImportStep::Add) => add(c, &command, import).await?,
                (None, ImportStep::Restore) => restore(c, &command, import).await?,
                (None, ImportStep::Link) => link(c, &command, import).await?,
                (None, ImportStep::Count) => count(c, &command, import).await?,
                (None, ImportStep::Clean) => clean(c, &command, import).await?,
                (None, ImportStep::Read | ImportStep::Over) => import,
            };
            let import = audit::write(c, import.audited(before, command.now)).await?;
            save(c, &import).await?;
            Ok(Some(import))
        })
    }

    async fn resolve_code(&self, waitlist_id: WaitlistId, code: &OldCode) -> Result<Option<ReferralCode>, Fault> {
        let mut c = self.connection().await?;
        let found = codes(&mut c, waitlist_id, BTreeSet::from([code.as_str()])).await.map_err(query_fault)?;
        let Some(id) = found.get(code.as_str()) else { return Ok(None) };
        let own = entries::table.find(id.uuid()).select(entries::referral_code).first::<String>(&mut c).await.optional();
        Ok(own.map_err(query_fault)?.map(ReferralCode::from_stored))
    }

    async fn prune(&self, before: Timestamp, rows: usize) -> Result<u64, Fault> {
        let outcome: Result<u64, CommandError<Infallible>> = transaction!(self, |c| {
            let old = imports::table.filter(imports::created_at.lt(before.instant())).order((imports::created_at, imports::id));
            let Some(id) = old.select(imports::id).first::<Uuid>(c).await.optional()? else { return Ok(0) };
            let deleted = delete_staged(c, id, to_bigint(rows as u64), PROBLEM).await?;
            if deleted > 0 {
                return Ok(deleted as u64);
            }
            Ok(diesel::delete(imports::table.find(id)).execute(c).await? as u64)
        });
        Ok(outcome?)
    }
}

statement! {
    /// The import that the claim holds, else the oldest one with work left that is free. Nobody waits for another worker.
    NextImport {
        "SELECT id FROM imports WHERE step <> 'over' AND (lease_until IS NULL OR lease_until < "
        now: Timestamptz = OffsetDateTime, " OR claim = "
        claim: sql_types::Uuid = Uuid, ") ORDER BY claim IS DISTINCT FROM "
        own: sql_types::Uuid = Uuid, ", created_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    }
}

type Step<T> = Result<T, Abort<ImportRejection>>;

/// Adds the next group of rows, or goes on to the next step.
async fn add(c: &mut AsyncPgConnection, command: &ImportWork, import: Import) -> Step<Import> {
    let found = items(c, import.id, ROW, import.mark, command.fresh.len()).await?;
    let rows = found.iter().map(|(key, json)| ImportRow::from_json(*key, json)).collect::<Result<Vec<_>, _>>()?;
    let Some((last, _)) = found.last() else { return Ok(import.at_next_step(command.now)) };
    let facts = add_facts(c, command, &import, &rows).await?;
    let plan = command.add(&import, &rows, facts).map_err(Abort::Rejected)?;
    write_added(c, command, &import, &plan).await?;
    delete_until(c, import.id, ROW, *last).await?;
    Ok(Import { numbers: import.numbers.plus(plan.numbers), mark: *last, ..import })
}

async fn add_facts(c: &mut AsyncPgConnection, command: &ImportWork, import: &Import, rows: &[ImportRow]) -> Step<AddFacts> {
    let list = import.waitlist_id;
    let totals = waitlist_totals::table.find(list.uuid());
    let (last_position, standing): (i64, i64) = {
        use crate::schema::waitlist_totals::dsl::{approved, erased, last_position, pending, rejected};
        totals.select((last_position, pending + approved + rejected - erased)).first(c).await?
    };
    let Some(waitlist) = waitlists::find(c, list).await? else { return Err(Fault::unexpected("a list with totals has no row").into()) };
    let mail = settings::mail_setups(c, &[list.uuid()]).await?.remove(&list);
    let emails: Vec<String> = rows.iter().map(|row| row.profile.email.to_string()).collect();
    let known = find_addresses(c, list, emails).await?.into_values().collect();
    let known = load_entries(c, list, known).await?;
    let own: HashSet<ReferralCode> = command.own_codes(rows);
    let own = entries::table.filter(entries::referral_code.eq_any(own.iter().map(ReferralCode::as_str).collect::<Vec<_>>()));
    let own: Vec<(String, Uuid)> = own.select((entries::referral_code, entries::waitlist_id)).load(c).await?;
    let old: Vec<String> = command.old_codes(rows).into_iter().collect();
    let old = old_codes::table.filter(old_codes::waitlist_id.eq(list.uuid()).and(old_codes::code.eq_any(old)));
    let old: Vec<(String, Uuid)> = old.select((old_codes::code, old_codes::entry_id)).load(c).await?;
    let noted = if import.dry_run { noted(c, import.id, ImportWork::notes(rows)).await? } else { HashMap::new() };
    let erased = suppressions::erased_addresses(c, list, command.links.secret(), rows.iter().map(|row| &row.profile.email)).await?;
    let waitlist = Waitlist::try_from(waitlist)?;
    let once = rows.iter().filter(|_| waitlist.settings.addresses.one_per_mailbox);
    let asked = once.map(|row| (list, row.profile.email.mailbox())).collect();
    let mailboxes = mailboxes::entries(&*c, &asked).await?;
    Ok(AddFacts {
        waitlist,
        last_position: from_bigint(last_position),
        entries: from_bigint(standing),
        known: known.into_values().map(|entry| (entry.profile.email.clone(), entry)).collect(),
        mailboxes: mailboxes.iter().map(|found| found.key().1).collect(),
        own_codes: own.into_iter().map(|(code, of)| (ReferralCode::from_stored(code), of == list.uuid())).collect(),
        old_codes: old.into_iter().map(|(code, id)| (code, EntryId::new(id))).collect(),
        erased,
        noted,
        mail,
    })
}

/// Those of some names that an import has noted, with their entries.
async fn noted(c: &mut AsyncPgConnection, id: ImportId, names: HashSet<String>) -> QueryResult<HashMap<String, EntryId>> {
    let names: Vec<String> = names.into_iter().collect();
    let noted = import_names::table.filter(import_names::import_id.eq(id.uuid()).and(import_names::name.eq_any(names)));
    let noted: Vec<(String, Uuid)> = noted.select((import_names::name, import_names::entry_id)).load(c).await?;
    Ok(noted.into_iter().map(|(name, id)| (name, EntryId::new(id))).collect())
}

async fn write_added(c: &mut AsyncPgConnection, command: &ImportWork, import: &Import, plan: &AddPlan) -> Step<()> {
    let list = import.waitlist_id;
    if !plan.entries.is_empty() {
        let rows: Vec<NewEntryRow> = plan.entries.iter().map(NewEntryRow::from).collect();
        InsertEntries::from(rows).execute(c).await?;
        counters::grow(c, vec![(list, plan.tally.clone())]).await?;
    }
    insert_old_codes(c, list, command.now, &plan.old_codes).await?;
    for update in &plan.updates {
        write_import(c, &update.after).await?;
        counters::move_source(c, &update.before, &update.after).await?;
    }
    for suppression in &plan.suppressions {
        suppressions::write(c, suppression).await?;
    }
    if !plan.events.is_empty() {
        events::write_all(c, plan.events.iter()).await?;
    }
    mails::write(c, plan.mails.iter()).await?;
    let links = plan.links.iter().map(|link| ([to_bigint(link.line), 0, 0], link.to_json())).collect();
    insert_items(c, import.id, LINK, links).await?;
    insert_names(c, import.id, &plan.notes).await?;
    insert_problems(c, import.id, 1, &plan.problems).await?;
    Ok(())
}

async fn insert_old_codes(c: &mut AsyncPgConnection, list: WaitlistId, now: Timestamp, new: &[(String, EntryId)]) -> QueryResult<()> {
    if new.is_empty() {
        return Ok(());
    }
    let (codes, owners) = new.iter().map(|(code, entry)| (code.clone(), entry.uuid())).unzip();
    InsertOldCodes { list: list.uuid(), now: now.instant(), codes, owners }.execute(c).await?;
    let flag = waitlist_totals::has_old_codes.eq(true);
    diesel::update(waitlist_totals::table.find(list.uuid())).set(flag).execute(c).await.map(|_| ())
}

statement! {
    /// Inserts old codes of a list.
    InsertOldCodes {
        "INSERT INTO old_codes (waitlist_id, created_at, code, entry_id) SELECT "
        list: sql_types::Uuid = Uuid, ", "
        now: Timestamptz = OffsetDateTime, ", new.* FROM unnest("
        codes: Array<Text> = Vec<String>, ", "
        owners: Array<sql_types::Uuid> = Vec<Uuid>, ") AS new (code, entry_id)"
    }
}

/// Restores what the next group of lines tells of, or ends the import.
async fn restore(c: &mut AsyncPgConnection, command: &ImportWork, import: Import) -> Step<Import> {
    let mut found = items(c, import.id, ROW, import.mark, command.fresh.len()).await?;
    found.truncate(RestoreItem::group(found.iter().map(|(key, _)| key)));
    let Some((last, _)) = found.last() else { return Ok(import.at_next_step(command.now)) };
    let lines = found.iter().map(|(key, json)| RestoreItem::from_json(*key, json)).collect::<Result<Vec<_>, _>>()?;
    let facts = restore_facts(c, command, &import, &lines).await?;
    let plan = command.restore(&import, &lines, facts).map_err(Abort::Rejected)?;
    if let Some(reason) = plan.refused {
        return Ok(import.failed(reason, command.now));
    }
    write_restored(c, command, &import, &plan).await?;
    delete_until(c, import.id, ROW, *last).await?;
    Ok(Import { numbers: import.numbers.plus(plan.numbers), mark: *last, ..import })
}

async fn restore_facts(c: &mut AsyncPgConnection, command: &ImportWork, import: &Import, lines: &[RestoreItem]) -> Step<RestoreFacts> {
    let list = import.waitlist_id;
    let last_position = waitlist_totals::table.find(list.uuid()).select(waitlist_totals::last_position).first::<i64>(c).await?;
    let Some(waitlist) = waitlists::find(c, list).await? else { return Err(Fault::unexpected("a list with totals has no row").into()) };
    let addresses = ImportWork::addresses_of_lines(lines);
    let known = find_addresses(c, list, addresses.iter().map(ToString::to_string).collect()).await?;
    let codes: Vec<String> = command.codes_of_lines(lines).into_iter().collect();
    let own = entries::table.filter(entries::referral_code.eq_any(&codes)).select(entries::referral_code);
    let own: Vec<String> = own.load(c).await?;
    let old = old_codes::table.filter(old_codes::waitlist_id.eq(list.uuid()).and(old_codes::code.eq_any(&codes)));
    let old: Vec<String> = old.select(old_codes::code).load(c).await?;
    let erased = suppressions::erased_addresses(c, list, command.links.secret(), addresses.iter()).await?;
    let names: Vec<String> = ImportWork::names_of_lines(lines).into_iter().collect();
    let names = import_names::table
        .filter(import_names::import_id.eq(import.id.uuid()).and(import_names::name.eq_any(names)))
        .select((import_names::name, import_names::entry_id));
    let names: HashMap<String, Uuid> = names.load::<(String, Uuid)>(c).await?.into_iter().collect();
    let noted: Vec<Uuid> = names.values().copied().collect();
    let referred = referrals_of(c, noted).await?;
    let present = present(c, ImportWork::people_of_lines(lines, &names)).await?;
    Ok(RestoreFacts {
        waitlist: waitlist.try_into()?,
        last_position: from_bigint(last_position),
        file_ends_at: file_ends_at(c, import).await?,
        known: known.into_iter().map(|(address, id)| (Email::from_stored(address), id)).collect(),
        own_codes: own.into_iter().map(ReferralCode::from_stored).collect(),
        old_codes: old.into_iter().collect(),
        erased,
        names,
        present,
        referred,
    })
}

/// Those of some people that are there. No other transaction deletes the entries before this one ends.
async fn present(c: &mut AsyncPgConnection, mut ids: Vec<Uuid>) -> QueryResult<HashSet<EntryId>> {
    use crate::schema::tombstones;
    ids.sort_unstable();
    let found: Vec<Uuid> =
        entries::table.filter(entries::id.eq_any(&ids)).order(entries::id).select(entries::id).for_key_share().load(c).await?;
    let erased: Vec<Uuid> = tombstones::table.filter(tombstones::id.eq_any(&ids)).select(tombstones::id).load(c).await?;
    Ok(found.into_iter().chain(erased).map(EntryId::new).collect())
}

/// The last position of the people in the file, if the import is at its beginning.
async fn file_ends_at(c: &mut AsyncPgConnection, import: &Import) -> QueryResult<u64> {
    if import.mark != Import::FIRST {
        return Ok(0);
    }
    let people = import_items::table.filter(import_items::import_id.eq(import.id.uuid()).and(import_items::kind.eq(ROW)));
    let people = people.filter(import_items::key_1.lt(RestoreItem::AFTER_PEOPLE));
    let last = people.order((import_items::key_1.desc(), import_items::key_2.desc(), import_items::key_3.desc()));
    Ok(last.select(import_items::key_1).first::<i64>(c).await.optional()?.map_or(0, from_bigint))
}

/// Those of some entries about whom the ledger has a row.
async fn referrals_of(c: &mut AsyncPgConnection, ids: Vec<Uuid>) -> QueryResult<HashSet<EntryId>> {
    use crate::schema::referrals::dsl::{referrals, referred_entry_id};
    let rows = referrals.filter(referred_entry_id.eq_any(ids)).select(referred_entry_id);
    Ok(rows.load::<Option<Uuid>>(c).await?.into_iter().flatten().map(EntryId::new).collect())
}

async fn write_restored(c: &mut AsyncPgConnection, command: &ImportWork, import: &Import, plan: &RestorePlan) -> Step<()> {
    let list = import.waitlist_id;
    match &plan.waitlist {
        Some(waitlist) => {
            waitlists::write(c, waitlist).await?;
            variants::replace(c, list, command.now, &plan.variants).await?;
        }
        None => variants::add(c, &plan.variants).await?,
    }
    if !plan.entries.is_empty() {
        let rows: Vec<NewEntryRow> = plan.entries.iter().map(NewEntryRow::from).collect();
        InsertEntries::from(rows).execute(c).await?;
        terms::index_again(c, list, &plan.entries).await?;
    }
    for entry in plan.entries.iter().filter(|entry| entry.invitation.is_some() || entry.updated_at != entry.created_at) {
        entry_rows::write_invitation(c, entry).await?;
    }
    for tombstone in &plan.tombstones {
        tombstones::write(c, tombstone).await?;
    }
    insert_old_codes(c, list, command.now, &plan.old_codes).await?;
    if !plan.referrers.is_empty() {
        let (people, referrers): (Vec<Uuid>, Vec<Uuid>) = plan.referrers.iter().map(|(id, of)| (id.uuid(), of.uuid())).unzip();
        SetReferrersOfErased { people: people.clone(), referrers: referrers.clone() }.execute(c).await?;
        SetReferrers { people, referrers }.execute(c).await?;
    }
    referrals::insert(c, plan.referrals.iter().map(|referral| (referral, None))).await?;
    referrals::write_decisions(c, &plan.referrals).await?;
    sign_up::credit(c, plan.credits()).await?;
    counters::grow(c, vec![(list, plan.tally.clone())]).await?;
    counters::add_erased(c, list, plan.tally.erased).await?;
    let notes: Vec<_> = plan.notes.iter().map(|(name, id)| (name.clone(), EntryId::new(*id), 0)).collect();
    insert_names(c, import.id, &notes).await?;
    insert_lines(c, import.id, &plan.later).await?;
    insert_problems(c, import.id, 1, &plan.problems).await?;
    Ok(())
}

async fn insert_lines(c: &mut AsyncPgConnection, id: ImportId, lines: &[RestoreItem]) -> QueryResult<usize> {
    insert_items(c, id, ROW, lines.iter().map(|item| (item.key(), item.to_json())).collect()).await
}

statement! {
    /// Gives tombstones the referrers of their people.
    SetReferrersOfErased {
        "UPDATE tombstones SET referred_by_entry_id = new.referrer FROM unnest("
        people: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        referrers: Array<sql_types::Uuid> = Vec<Uuid>, ") AS new (id, referrer) WHERE tombstones.id = new.id"
    }
}

/// Credits the referrers of the next group of people, or goes on to the next step.
async fn link(c: &mut AsyncPgConnection, command: &ImportWork, import: Import) -> Step<Import> {
    let found = items(c, import.id, LINK, import.mark, command.fresh.len()).await?;
    let links = found.iter().map(|(key, json)| ImportLink::from_json(from_bigint(key[0]), json)).collect::<Result<Vec<_>, _>>()?;
    let Some((last, _)) = found.last() else { return Ok(import.at_next_step(command.now)) };
    let list = import.waitlist_id;
    let people = load_entries(c, list, links.iter().map(|link| link.entry_id).collect()).await?;
    let referrers = find_referrers(c, &import, &links).await?;
    let referred = referrals_of(c, links.iter().map(|link| link.entry_id.uuid()).collect()).await?;
    let limits = limits(c, &import, referrers.values().copied().collect()).await?;
    let plan = command.link(&links, &LinkFacts { entries: people, referrers, referred, limits });
    insert_problems(c, import.id, 2, &plan.problems).await?;
    write_links(c, &import, &plan).await?;
    delete_until(c, import.id, LINK, *last).await?;
    Ok(Import { mark: *last, ..import })
}

/// How many more people count for some referrers, as far as an import notes it.
async fn limits(c: &mut AsyncPgConnection, import: &Import, referrers: HashSet<EntryId>) -> QueryResult<HashMap<EntryId, u64>> {
    let names: Vec<String> = referrers.into_iter().map(ImportWork::note_of_limit).collect();
    let noted = import_names::table.filter(import_names::import_id.eq(import.id.uuid()).and(import_names::name.eq_any(names)));
    let noted: Vec<(Uuid, i64)> = noted.select((import_names::entry_id, import_names::number)).load(c).await?;
    Ok(noted.into_iter().map(|(id, left)| (EntryId::new(id), from_bigint(left))).collect())
}

async fn write_links(c: &mut AsyncPgConnection, import: &Import, plan: &LinkPlan) -> QueryResult<()> {
    if plan.referrals.is_empty() {
        return Ok(());
    }
    let pairs = plan.referrals.iter().filter_map(|referral| Some((referral.referred?.uuid(), referral.referrer?.uuid())));
    let (people, referrers) = pairs.unzip();
    SetReferrers { people, referrers }.execute(c).await?;
    let credits = plan.credits();
    let notes = |id: EntryId| [ImportWork::note_of_referrals(id), ImportWork::note_of_limit(id)];
    let notes = credits.iter().flat_map(|(id, number)| notes(*id).map(|name| (name, to_bigint(*number))));
    let (names, numbers) = notes.unzip();
    TakeFromNames { names, numbers, import: import.id.uuid() }.execute(c).await?;
    sign_up::credit(c, credits).await?;
    referrals::insert(c, plan.referrals.iter().map(|referral| (referral, None))).await?;
    let list = import.waitlist_id;
    let last_position = waitlist_totals::table.find(list.uuid()).select(waitlist_totals::last_position).first::<i64>(c).await?;
    let referred = plan.referrals.len() as u64;
    let tally = Tally { last_position: from_bigint(last_position), referred, ..Tally::default() };
    counters::grow(c, vec![(list, tally)]).await
}

statement! {
    /// Gives entries their referrers.
    SetReferrers {
        "UPDATE entries SET referred_by_entry_id = new.referrer FROM unnest("
        people: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        referrers: Array<sql_types::Uuid> = Vec<Uuid>, ") AS new (id, referrer) WHERE entries.id = new.id"
    }
}

statement! {
    /// Takes numbers from names of an import.
    TakeFromNames {
        "UPDATE import_names n SET number = n.number - taken.number FROM unnest("
        names: Array<Text> = Vec<String>, ", "
        numbers: Array<BigInt> = Vec<i64>, ") AS taken (name, number) WHERE n.name = taken.name AND n.import_id = "
        import: sql_types::Uuid = Uuid, ""
    }
}

/// The entries that the links name.
async fn find_referrers(c: &mut AsyncPgConnection, import: &Import, links: &[ImportLink]) -> Step<HashMap<ReferrerName, EntryId>> {
    let list = import.waitlist_id;
    let names: HashSet<&ReferrerName> = links.iter().map(|link| &link.referrer).collect();
    let addresses = names.iter().filter_map(|name| if let ReferrerName::Address(address) = name { Some(address.clone()) } else { None });
    let addresses = find_addresses(c, list, addresses.collect()).await?;
    let rows = names.iter().filter_map(|name| if let ReferrerName::Row(id) = name { Some(ImportWork::note_of_row(id)) } else { None });
    let rows = import_names::table
        .filter(import_names::import_id.eq(import.id.uuid()).and(import_names::name.eq_any(rows.collect::<Vec<_>>())))
        .select((import_names::name, import_names::entry_id));
    let rows: HashMap<String, Uuid> = rows.load::<(String, Uuid)>(c).await?.into_iter().collect();
    let there = load_entries(c, list, rows.values().map(|id| EntryId::new(*id)).collect()).await?;
    let given = names.iter().filter_map(|name| match name {
        ReferrerName::Code(code) | ReferrerName::Row(code) => Some(code.as_str()),
        ReferrerName::Address(_) => None,
    });
    let codes = codes(c, list, given.collect()).await?;
    let find = |name: &ReferrerName| match name {
        ReferrerName::Address(address) => addresses.get(address).copied(),
        ReferrerName::Code(code) => codes.get(code).copied(),
        ReferrerName::Row(id) => match rows.get(&ImportWork::note_of_row(id)) {
            Some(id) => Some(EntryId::new(*id)).filter(|id| there.contains_key(id)),
            None => codes.get(id).copied(),
        },
    };
    Ok(names.into_iter().filter_map(|name| Some((name.clone(), find(name)?))).collect())
}

/// The entries of a list that have some codes: their own ones before old ones.
async fn codes(c: &mut AsyncPgConnection, list: WaitlistId, given: BTreeSet<&str>) -> QueryResult<HashMap<String, EntryId>> {
    let parsed: Vec<(ReferralCode, &str)> = given.iter().filter_map(|code| Some((ReferralCode::parse(code).ok()?, *code))).collect();
    let own = entries::table.filter(entries::referral_code.eq_any(parsed.iter().map(|(own, _)| own.as_str()).collect::<Vec<_>>()));
    let own: Vec<(String, Uuid, Uuid)> = own.select((entries::referral_code, entries::waitlist_id, entries::id)).load(c).await?;
    let own: HashMap<String, Uuid> = own.into_iter().filter(|row| row.1 == list.uuid()).map(|(code, _, id)| (code, id)).collect();
    let mut found: HashMap<String, EntryId> =
        parsed.iter().filter_map(|(code, given)| Some(((*given).to_owned(), EntryId::new(*own.get(code.as_str())?)))).collect();
    let old: Vec<&str> = given.iter().filter(|code| !found.contains_key(**code)).copied().collect();
    let old = old_codes::table.filter(old_codes::waitlist_id.eq(list.uuid()).and(old_codes::code.eq_any(old)));
    let old: Vec<(String, Uuid)> = old.select((old_codes::code, old_codes::entry_id)).load(c).await?;
    found.extend(old.into_iter().map(|(code, id)| (code, EntryId::new(id))));
    Ok(found)
}

/// Deletes the old codes of an entry that goes.
pub(crate) async fn delete_old_codes(c: &mut AsyncPgConnection, entry: EntryId) -> QueryResult<usize> {
    diesel::delete(old_codes::table.filter(old_codes::entry_id.eq(entry.uuid()))).execute(c).await
}

statement! {
    /// Deletes some old codes of a list.
    DeleteOldCodes {
        "DELETE FROM old_codes o USING unnest("
        codes: Array<Text> = Vec<String>, ") AS gone (code) WHERE o.code = gone.code AND o.waitlist_id = "
        list: sql_types::Uuid = Uuid, ""
    }
}

/// Deletes a batch of the old codes of a list. Returns how many there were.
pub(crate) async fn purge_old_codes(c: &mut AsyncPgConnection, list: Uuid, most: i64) -> QueryResult<usize> {
    let left = old_codes::table.filter(old_codes::waitlist_id.eq(list)).order(old_codes::code).limit(most).select(old_codes::code);
    let codes: Vec<String> = left.load(c).await?;
    DeleteOldCodes { codes, list }.execute(c).await
}

/// Notes the referrals of unknown people with the next group, or ends the import.
async fn count(c: &mut AsyncPgConnection, command: &ImportWork, import: Import) -> Step<Import> {
    let noted = import_names::table
        .filter(import_names::import_id.eq(import.id.uuid()))
        .filter(import_names::name.ge(ImportWork::REFERRALS).and(import_names::name.lt(AFTER_REFERRALS)))
        .order(import_names::name)
        .limit(to_bigint(command.fresh.len() as u64))
        .select((import_names::name, import_names::entry_id, import_names::number));
    let noted: Vec<(String, Uuid, i64)> = noted.load(c).await?;
    if noted.is_empty() {
        return Ok(import.at_next_step(command.now));
    }
    let mut people = load_entries(c, import.waitlist_id, noted.iter().map(|(_, id, _)| EntryId::new(*id)).collect()).await?;
    let mut names = Vec::with_capacity(noted.len());
    for (name, id, number) in noted {
        let entry = people.remove(&EntryId::new(id));
        if let Some(entry) = entry.and_then(|entry| ImportWork::count(entry, number)) {
            write_import(c, &entry).await?;
        }
        names.push(name);
    }
    DeleteNames { names, import: import.id.uuid() }.execute(c).await?;
    Ok(import)
}

/// The first text behind those that begin with [`ImportWork::REFERRALS`].
const AFTER_REFERRALS: &str = "referrals!";

/// Deletes a batch of what was staged, or ends the work on the import.
async fn clean(c: &mut AsyncPgConnection, command: &ImportWork, import: Import) -> Step<Import> {
    let deleted = delete_staged(c, import.id.uuid(), CLEANED_AT_ONCE, LINK).await?;
    Ok(if deleted > 0 { import } else { import.at_next_step(command.now) })
}

/// Deletes some of the staged data of an import, up to a kind. Returns how much.
async fn delete_staged(c: &mut AsyncPgConnection, id: Uuid, most: i64, last: i16) -> QueryResult<usize> {
    let keys = (import_items::kind, import_items::key_1, import_items::key_2, import_items::key_3);
    let some = import_items::table.filter(import_items::import_id.eq(id).and(import_items::kind.le(last)));
    let some: Vec<(i16, i64, i64, i64)> = some.order(keys).limit(most).select(keys).load(c).await?;
    let mut deleted = 0;
    if let Some((kind, one, two, three)) = some.last() {
        // The batch begins with the first item, so everything up to its last one belongs to it.
        deleted = DeleteUntil { import: id, kind: *kind, one: *one, two: *two, three: *three }.execute(c).await?;
    }
    let names = import_names::table.filter(import_names::import_id.eq(id)).order(import_names::name).limit(most);
    let names: Vec<String> = names.select(import_names::name).load(c).await?;
    Ok(deleted + DeleteNames { names, import: id }.execute(c).await?)
}

statement! {
    /// Deletes the items of an import up to one of them.
    DeleteUntil {
        "DELETE FROM import_items WHERE import_id = "
        import: sql_types::Uuid = Uuid, " AND (kind, key_1, key_2, key_3) <= ("
        kind: SmallInt = i16, ", "
        one: BigInt = i64, ", "
        two: BigInt = i64, ", "
        three: BigInt = i64, ")"
    }
}

statement! {
    /// Deletes the items of one kind of an import up to one of them.
    DeleteKindUntil {
        "DELETE FROM import_items WHERE import_id = "
        import: sql_types::Uuid = Uuid, " AND kind = "
        kind: SmallInt = i16, " AND (key_1, key_2, key_3) <= ("
        one: BigInt = i64, ", "
        two: BigInt = i64, ", "
        three: BigInt = i64, ")"
    }
}

async fn delete_until(c: &mut AsyncPgConnection, id: ImportId, kind: i16, [one, two, three]: ImportMark) -> QueryResult<usize> {
    DeleteKindUntil { import: id.uuid(), kind, one, two, three }.execute(c).await
}

statement! {
    /// Deletes names of an import.
    DeleteNames {
        "DELETE FROM import_names n USING unnest("
        names: Array<Text> = Vec<String>, ") AS gone (name) WHERE n.name = gone.name AND n.import_id = "
        import: sql_types::Uuid = Uuid, ""
    }
}

statement! {
    /// Finds entries of a list by their addresses, with one lookup in the unique index for each. It looks for the nearest address in the
    /// order of that index: if it compared for equality, the planner could read the whole list by its status or position.
    FindAddresses {
        "SELECT nearest.id, nearest.email FROM unnest("
        emails: Array<Text> = Vec<String>, ") AS asked (email) CROSS JOIN LATERAL (
            SELECT entries.id, entries.email FROM entries WHERE entries.waitlist_id = "
        list: sql_types::Uuid = Uuid, " AND entries.email >= asked.email ORDER BY entries.email LIMIT 1
        ) nearest WHERE nearest.email = asked.email"
    }
}

#[derive(QueryableByName)]
struct AddressRow {
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    email: String,
}

async fn find_addresses(c: &mut AsyncPgConnection, list: WaitlistId, emails: Vec<String>) -> QueryResult<HashMap<String, EntryId>> {
    let found: Vec<AddressRow> = FindAddresses { emails, list: list.uuid() }.load(c).await?;
    Ok(found.into_iter().map(|row| (row.email, EntryId::new(row.id))).collect())
}

/// Those of some entries that are on a list.
async fn load_entries(c: &mut AsyncPgConnection, list: WaitlistId, ids: Vec<EntryId>) -> Step<HashMap<EntryId, Entry>> {
    let ids: Vec<Uuid> = ids.into_iter().map(EntryId::uuid).collect();
    let rows: Vec<EntryRow> = entries::table.filter(entries::id.eq_any(ids)).select(EntryRow::as_select()).load(c).await?;
    let people = rows.into_iter().map(Entry::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(people.into_iter().filter(|entry| entry.waitlist_id == list).map(|entry| (entry.id, entry)).collect())
}

/// The items of a kind after a key, in the order of their keys.
async fn items(
    c: &mut AsyncPgConnection,
    id: ImportId,
    kind: i16,
    after: ImportMark,
    most: usize,
) -> QueryResult<Vec<(ImportMark, Vec<u8>)>> {
    // The index needs a row comparison, and the DSL has none.
    let follows = sql::<Bool>("(key_1, key_2, key_3) > (")
        .bind::<BigInt, _>(after[0])
        .sql(", ")
        .bind::<BigInt, _>(after[1])
        .sql(", ")
        .bind::<BigInt, _>(after[2])
        .sql(")");
    let keys = (import_items::key_1, import_items::key_2, import_items::key_3);
    let found = import_items::table
        .filter(import_items::import_id.eq(id.uuid()).and(import_items::kind.eq(kind)))
        .filter(follows)
        .order(keys)
        .limit(to_bigint(most as u64))
        .select((import_items::key_1, import_items::key_2, import_items::key_3, import_items::content));
    let found: Vec<(i64, i64, i64, Vec<u8>)> = found.load(c).await?;
    Ok(found.into_iter().map(|(one, two, three, content)| ([one, two, three], content)).collect())
}

statement! {
    /// Inserts items of an import.
    InsertItems {
        "INSERT INTO import_items (import_id, kind, key_1, key_2, key_3, content) SELECT "
        import: sql_types::Uuid = Uuid, ", "
        kind: SmallInt = i16, ", new.* FROM unnest("
        ones: Array<BigInt> = Vec<i64>, ", "
        twos: Array<BigInt> = Vec<i64>, ", "
        threes: Array<BigInt> = Vec<i64>, ", "
        contents: Array<Bytea> = Vec<Vec<u8>>, ") AS new (key_1, key_2, key_3, content)"
    }
}

async fn insert_items(c: &mut AsyncPgConnection, id: ImportId, kind: i16, items: Vec<(ImportMark, Vec<u8>)>) -> QueryResult<usize> {
    if items.is_empty() {
        return Ok(0);
    }
    let of = |n: usize| items.iter().map(|(key, _)| key[n]).collect();
    let (ones, twos, threes) = (of(0), of(1), of(2));
    let contents = items.into_iter().map(|(_, content)| content).collect();
    InsertItems { import: id.uuid(), kind, ones, twos, threes, contents }.execute(c).await
}

async fn insert_problems(c: &mut AsyncPgConnection, id: ImportId, step: i64, problems: &[ImportProblem]) -> QueryResult<usize> {
    let items = (0..).zip(problems).map(|(n, problem)| ([to_bigint(problem.line), step, n], problem.to_json()));
    insert_items(c, id, PROBLEM, items.collect()).await
}

statement! {
    /// Notes names of an import. The first row of a name keeps it.
    InsertNames {
        "INSERT INTO import_names (import_id, name, entry_id, number) SELECT "
        import: sql_types::Uuid = Uuid, ", new.* FROM unnest("
        names: Array<Text> = Vec<String>, ", "
        owners: Array<sql_types::Uuid> = Vec<Uuid>, ", "
        numbers: Array<BigInt> = Vec<i64>, ") AS new (name, entry_id, number) ON CONFLICT DO NOTHING"
    }
}

async fn insert_names(c: &mut AsyncPgConnection, id: ImportId, notes: &[(String, EntryId, u64)]) -> QueryResult<usize> {
    if notes.is_empty() {
        return Ok(0);
    }
    let names = notes.iter().map(|(name, ..)| name.clone()).collect();
    let owners = notes.iter().map(|(_, entry, _)| entry.uuid()).collect();
    let numbers = notes.iter().map(|(.., number)| to_bigint(*number)).collect();
    InsertNames { import: id.uuid(), names, owners, numbers }.execute(c).await
}

/// Locks an import.
async fn lock<R>(c: &mut AsyncPgConnection, id: ImportId) -> Result<Option<Import>, Abort<R>> {
    let row: Option<ImportsRow> =
        imports::table.find(id.uuid()).select(ImportsRow::as_select()).for_no_key_update().first(c).await.optional()?;
    Ok(row.map(Import::try_from).transpose()?)
}

/// Locks the import, if a claim holds it. Its lease goes on.
async fn hold<R>(c: &mut AsyncPgConnection, id: ImportId, claim: ClaimId, lease_until: Timestamp) -> Result<Option<Import>, Abort<R>> {
    let held = imports::table.find(id.uuid()).filter(imports::claim.eq(claim.uuid()));
    if diesel::update(held).set(imports::lease_until.eq(lease_until.instant())).execute(c).await? == 0 {
        return Ok(None);
    }
    lock(c, id).await
}

async fn save(c: &mut AsyncPgConnection, import: &Import) -> QueryResult<usize> {
    diesel::update(imports::table.find(import.id.uuid())).set(ImportsRow::from(import)).execute(c).await
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = imports, check_for_backend(diesel::pg::Pg), treat_none_as_null = true, treat_none_as_default_value = false)]
struct ImportsRow {
    id: Uuid,
    workspace_id: Uuid,
    waitlist_id: Uuid,
    state: String,
    step: String,
    updates: bool,
    dry_run: bool,
    notifies: bool,
    source: String,
    error: Option<String>,
    added: i64,
    updated: i64,
    skipped: i64,
    failed: i64,
    mark_1: i64,
    mark_2: i64,
    mark_3: i64,
    started_by: Option<String>,
    actor: Option<String>,
    created_at: OffsetDateTime,
    started_at: Option<OffsetDateTime>,
    ended_at: Option<OffsetDateTime>,
}

impl From<&Import> for ImportsRow {
    fn from(import: &Import) -> Self {
        let ImportNumbers { added, updated, skipped, failed } = import.numbers;
        let [mark_1, mark_2, mark_3] = import.mark;
        Self {
            id: import.id.uuid(),
            workspace_id: import.workspace_id.uuid(),
            waitlist_id: import.waitlist_id.uuid(),
            state: import.state.as_str().to_owned(),
            step: import.step.as_str().to_owned(),
            updates: import.on_duplicate == OnDuplicate::Update,
            dry_run: import.dry_run,
            notifies: import.notify,
            source: import.source.clone(),
            error: import.error.clone(),
            added: to_bigint(added),
            updated: to_bigint(updated),
            skipped: to_bigint(skipped),
            failed: to_bigint(failed),
            mark_1,
            mark_2,
            mark_3,
            started_by: import.started_by.clone().map(String::from),
            actor: import.actor.as_ref().map(AuditActor::to_json),
            created_at: import.created_at.instant(),
            started_at: import.started_at.map(Timestamp::instant),
            ended_at: import.ended_at.map(Timestamp::instant),
        }
    }
}

impl TryFrom<ImportsRow> for Import {
    type Error = Fault;

    fn try_from(row: ImportsRow) -> Result<Self, Fault> {
        let [added, updated, skipped, failed] = [row.added, row.updated, row.skipped, row.failed].map(from_bigint);
        Ok(Self {
            id: ImportId::new(row.id),
            workspace_id: WorkspaceId::new(row.workspace_id),
            waitlist_id: WaitlistId::new(row.waitlist_id),
            state: ImportState::parse(&row.state).map_err(corrupt("state of an import"))?,
            step: ImportStep::parse(&row.step).map_err(corrupt("step of an import"))?,
            on_duplicate: if row.updates { OnDuplicate::Update } else { OnDuplicate::Skip },
            dry_run: row.dry_run,
            notify: row.notifies,
            source: row.source,
            error: row.error,
            numbers: ImportNumbers { added, updated, skipped, failed },
            mark: [row.mark_1, row.mark_2, row.mark_3],
            started_by: row.started_by.map(Subject::from_stored),
            actor: row.actor.as_deref().and_then(AuditActor::from_json),
            created_at: Timestamp::new(row.created_at),
            started_at: row.started_at.map(Timestamp::new),
            ended_at: row.ended_at.map(Timestamp::new),
        })
    }
}
