//! [`ImportStore`] on SQLite.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;

use async_trait::async_trait;
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Bool};
use rally_domain::audit::AuditActor;
use rally_domain::command::{
    AddFacts, AddPlan, CancelImport, ImportRejection, ImportWork, LinkFacts, RestoreFacts, RestorePlan, StageRows,
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
use uuid::Uuid;

use crate::convert::{Blob, corrupt, from_bigint, instant, to_bigint};
use crate::entries::{EntryRow, write_import};
use crate::fault::{Abort, query_fault};
use crate::schema::{entries, import_items, import_names, imports, old_codes};
use crate::sign_up::{Credit, load_totals, load_waitlist};
use crate::{
    SqliteStore, audit, counters, events, mailboxes, mails, referrals, settings, suppressions, terms, tombstones, variants, waitlists,
};

/// The kinds of items.
const PIECE: i32 = 0;
const ROW: i32 = 1;
const LINK: i32 = 2;
const PROBLEM: i32 = 3;

/// How many staged rows are deleted at once.
const CLEANED_AT_ONCE: i64 = 2000;

#[async_trait]
impl ImportStore for SqliteStore {
    async fn begin(&self, import: Import, lease_until: Timestamp) -> Result<(), Fault> {
        let begun = self.database.write::<_, Infallible>(move |c| {
            let row = (ImportsRow::from(&import), imports::lease_until.eq(lease_until.unix_millis()));
            diesel::insert_into(imports::table).values(row).execute(c)?;
            Ok(())
        });
        Ok(begun.await?)
    }

    async fn put_piece(&self, id: ImportId, number: u64, bytes: Vec<u8>, lease_until: Timestamp) -> Result<bool, Fault> {
        let put = self.database.write::<_, Infallible>(move |c| {
            let arriving = imports::table.find(Blob(id.uuid())).filter(imports::state.eq(ImportState::Uploading.as_str()));
            if diesel::update(arriving).set(imports::lease_until.eq(lease_until.unix_millis())).execute(c)? == 0 {
                return Ok(false);
            }
            insert_item(c, id, PIECE, [to_bigint(number), 0, 0], bytes)?;
            Ok(true)
        });
        Ok(put.await?)
    }

    async fn prolong(&self, id: ImportId, lease_until: Timestamp) -> Result<bool, Fault> {
        let prolonged = self.database.write::<_, Infallible>(move |c| {
            let arriving = imports::table.find(Blob(id.uuid())).filter(imports::state.eq(ImportState::Uploading.as_str()));
            Ok(diesel::update(arriving).set(imports::lease_until.eq(lease_until.unix_millis())).execute(c)? > 0)
        });
        Ok(prolonged.await?)
    }

    async fn arrive(&self, id: ImportId, source: Result<String, String>, now: Timestamp) -> Result<Option<Import>, Fault> {
        let arrived = self.database.write::<_, Infallible>(move |c| {
            let Some(import) = load(c, id)?.filter(|import| import.state == ImportState::Uploading) else { return Ok(None) };
            let before = import.state;
            let import = audit::write(c, import.arrived(source, now).audited(before, now))?;
            save(c, &import)?;
            diesel::update(imports::table.find(Blob(id.uuid()))).set(imports::lease_until.eq(None::<i64>)).execute(c)?;
            Ok(Some(import))
        });
        Ok(arrived.await?)
    }

    async fn find(&self, waitlist_id: WaitlistId, id: ImportId) -> Result<Option<Import>, Fault> {
        let found = self.database.read(move |c| load(c, id).map_err(|abort| CommandError::<Infallible>::from(abort).into()));
        Ok(found.await?.filter(|import| import.waitlist_id == waitlist_id))
    }

    async fn list(&self, waitlist_id: WaitlistId, most: usize) -> Result<Vec<Import>, Fault> {
        let rows = self.database.read(move |c| {
            let query = imports::table
                .filter(imports::waitlist_id.eq(Blob(waitlist_id.uuid())))
                .order((imports::created_at.desc(), imports::id))
                .limit(to_bigint(most as u64))
                .select(ImportsRow::as_select());
            query.load(c).map_err(query_fault)
        });
        rows.await?.into_iter().map(Import::try_from).collect()
    }

    async fn problems(&self, id: ImportId, after: Option<ImportMark>, most: usize) -> Result<Vec<(ImportMark, ImportProblem)>, Fault> {
        let items = self.database.read(move |c| items(c, id, PROBLEM, after.unwrap_or(Import::FIRST), most).map_err(query_fault)).await?;
        items.into_iter().map(|(key, json)| Ok((key, ImportProblem::from_json(from_bigint(key[0]), &json)?))).collect()
    }

    async fn piece(&self, id: ImportId, number: u64) -> Result<Option<Vec<u8>>, Fault> {
        let found = self.database.read(move |c| {
            let piece = import_items::table.find((Blob(id.uuid()), PIECE, to_bigint(number), 0_i64, 0_i64)).select(import_items::content);
            piece.first(c).optional().map_err(query_fault)
        });
        found.await
    }

    async fn cancel(&self, command: CancelImport) -> Result<Option<Import>, Fault> {
        let cancelled = self.database.write::<_, Infallible>(move |c| {
            let audited = command.decide(load(c, command.id)?);
            let Some(import) = audit::write(c, audited)? else { return Ok(None) };
            save(c, &import)?;
            Ok(Some(import))
        });
        Ok(cancelled.await?)
    }

    async fn claim(&self, claim: ClaimId, now: Timestamp, lease_until: Timestamp) -> Result<Option<Import>, Fault> {
        let claimed = self.database.write::<_, Infallible>(move |c| {
            let free = imports::lease_until.is_null().or(imports::lease_until.lt(now.unix_millis()));
            let open = imports::table
                // The index holds open imports alone, which the statement must name literally.
                .filter(sql::<Bool>("step <> 'over'"))
                .filter(free.or(imports::claim.eq(Blob(claim.uuid()))))
                .order((sql::<Bool>("claim IS NOT ").bind::<Binary, _>(Blob(claim.uuid())), imports::created_at))
                .select(imports::id);
            let Some(id) = open.first::<Blob>(c).optional()? else { return Ok(None) };
            let Some(import) = load(c, ImportId::new(id.0))? else { return Ok(None) };
            let import = import.claimed(now);
            save(c, &import)?;
            let held = (imports::claim.eq(Blob(claim.uuid())), imports::lease_until.eq(lease_until.unix_millis()));
            diesel::update(imports::table.find(id)).set(held).execute(c)?;
            Ok(Some(import))
        });
        Ok(claimed.await?)
    }

    async fn stage(&self, command: StageRows) -> Result<Option<Import>, Fault> {
        let staged = self.database.write::<_, Infallible>(move |c| {
            let id = command.import_id;
            let Some(import) = hold(c, id, command.claim, command.lease_until)?.filter(|import| import.step == ImportStep::Read) else {
                return Ok(None);
            };
            for row in &command.rows {
                insert_item(c, id, ROW, row.key(), row.to_json())?;
            }
            insert_lines(c, id, &command.lines)?;
            insert_problems(c, id, 0, &command.problems)?;
            let read = import_items::import_id.eq(Blob(id.uuid())).and(import_items::kind.eq(PIECE));
            let read = read.and(import_items::key_1.lt(to_bigint(command.first_piece)));
            diesel::delete(import_items::table.filter(read)).execute(c)?;
            let numbers = import.numbers.plus(ImportNumbers { failed: command.failed, ..ImportNumbers::default() });
            let import = Import { numbers, mark: command.mark, ..import };
            let import = match command.next {
                Some(step) => import.at_step(step),
                None => import,
            };
            save(c, &import)?;
            Ok(Some(import))
        });
        Ok(staged.await?)
    }

    async fn work(&self, command: ImportWork) -> Result<Option<Import>, CommandError<ImportRejection>> {
        self.database
            .write(move |c| {
                let Some(import) = hold(c, command.import_id, command.claim, command.lease_until)? else { return Ok(None) };
                let (before, is_there) = (import.state, counters::is_there(c, Blob(import.waitlist_id.uuid()))?);
                let import = match (command.end_of(&import, is_there), import.step) {
                    (Some(reason), _) => import.failed(reason, command.now),
                    (None, ImportStep::Add) => add(c, &command, import)?,
                    (None, ImportStep::Restore) => restore(c, &command, import)?,
                    (None, ImportStep::Link) => link(c, &command, import)?,
                    (None, ImportStep::Count) => count(c, &command, import)?,
                    (None, ImportStep::Clean) => clean(c, &command, import)?,
                    (None, ImportStep::Read | ImportStep::Over) => import,
                };
                let import = audit::write(c, import.audited(before, command.now))?;
                save(c, &import)?;
                Ok(Some(import))
            })
            .await
    }

    async fn resolve_code(&self, waitlist_id: WaitlistId, code: &OldCode) -> Result<Option<ReferralCode>, Fault> {
        let code = code.clone();
        let resolved = self.database.read(move |c| {
            let found = match find_code(c, waitlist_id, code.as_str()) {
                Ok(Some(id)) => entry_by_id(c, waitlist_id, id),
                Ok(None) => return Ok(None),
                Err(abort) => Err(abort),
            };
            found.map_err(|abort: Abort<ImportRejection>| CommandError::from(abort)).map_err(fault)
        });
        Ok(resolved.await?.map(|entry| entry.referral_code))
    }

    async fn prune(&self, before: Timestamp, rows: usize) -> Result<u64, Fault> {
        let pruned = self.database.write::<_, Infallible>(move |c| {
            let old = imports::table.filter(imports::created_at.lt(before.unix_millis())).order((imports::created_at, imports::id));
            let Some(id) = old.select(imports::id).first::<Blob>(c).optional()? else { return Ok(0) };
            let deleted = delete_staged(c, id, to_bigint(rows as u64), true)?;
            if deleted > 0 {
                return Ok(deleted as u64);
            }
            Ok(diesel::delete(imports::table.find(id)).execute(c)? as u64)
        });
        Ok(pruned.await?)
    }
}

/// No rule refuses a read.
fn fault(error: CommandError<ImportRejection>) -> Fault {
    match error {
        CommandError::Fault(fault) => fault,
        CommandError::Rejected(rejection) => Fault::unexpected(rejection),
    }
}

type Step<T> = Result<T, Abort<ImportRejection>>;

/// Adds the next group of rows, or goes on to the next step.
fn add(c: &mut SqliteConnection, command: &ImportWork, import: Import) -> Step<Import> {
    let found = items(c, import.id, ROW, import.mark, command.fresh.len())?;
    let rows = found.iter().map(|(key, json)| ImportRow::from_json(*key, json)).collect::<Result<Vec<_>, _>>()?;
    let Some((last, _)) = found.last() else { return Ok(import.at_next_step(command.now)) };
    let facts = add_facts(c, command, &import, &rows)?;
    let plan = command.add(&import, &rows, facts).map_err(Abort::Rejected)?;
    write_added(c, command, &import, &plan)?;
    found.iter().try_for_each(|(key, _)| delete_item(c, import.id, ROW, *key))?;
    Ok(Import { numbers: import.numbers.plus(plan.numbers), mark: *last, ..import })
}

fn add_facts(c: &mut SqliteConnection, command: &ImportWork, import: &Import, rows: &[ImportRow]) -> Step<AddFacts> {
    let list = import.waitlist_id;
    let waitlist = load_waitlist(c, list)?;
    let (last_position, entries) = load_totals(c, list)?.unwrap_or_default();
    let mail = settings::mail_setup(c, waitlist.workspace_id)?;
    let (mut known, mut own_codes, mut old_codes, mut noted) = (HashMap::new(), HashMap::new(), HashMap::new(), HashMap::new());
    let mut mailboxes = HashSet::new();
    for row in rows {
        let email = &row.profile.email;
        known.extend(entry_of(c, list, email)?.map(|entry| (email.clone(), entry)));
        if waitlist.settings.addresses.one_per_mailbox && mailboxes::entry(c, list, &email.mailbox())?.is_some() {
            mailboxes.insert(email.mailbox());
        }
    }
    for code in command.own_codes(rows) {
        let owner = entries::table.filter(entries::referral_code.eq(code.as_str())).select(entries::waitlist_id);
        let owner: Option<Blob> = owner.first(c).optional()?;
        own_codes.extend(owner.map(|owner| (code, owner.0 == list.uuid())));
    }
    for code in command.old_codes(rows) {
        old_codes.extend(old_owner(c, list, &code)?.map(|owner| (code, owner)));
    }
    if import.dry_run {
        for name in ImportWork::notes(rows) {
            let note = import_names::table.find((Blob(import.id.uuid()), &name)).select(import_names::entry_id);
            noted.extend(note.first::<Blob>(c).optional()?.map(|id| (name, EntryId::new(id.0))));
        }
    }
    let addresses = rows.iter().map(|row| (command.links.secret(), &row.profile.email));
    let erased = suppressions::erased_addresses(c, waitlist.workspace_id, addresses)?;
    let erased = erased.into_keys().collect();
    Ok(AddFacts { waitlist, last_position, entries, known, mailboxes, own_codes, old_codes, erased, noted, mail })
}

fn write_added(c: &mut SqliteConnection, command: &ImportWork, import: &Import, plan: &AddPlan) -> Step<()> {
    let list = import.waitlist_id;
    for entry in &plan.entries {
        diesel::insert_into(entries::table).values(EntryRow::from(entry)).execute(c)?;
    }
    insert_old_codes(c, list, command.now, &plan.old_codes)?;
    for update in &plan.updates {
        write_import(c, &update.after)?;
        counters::move_source(c, &update.before, &update.after)?;
    }
    plan.suppressions.iter().try_for_each(|suppression| suppressions::write(c, suppression).map(|_| ()))?;
    events::write_all(c, plan.events.iter())?;
    plan.mails.iter().try_for_each(|mail| mails::write(c, mail))?;
    for link in &plan.links {
        insert_item(c, import.id, LINK, [to_bigint(link.line), 0, 0], link.to_json())?;
    }
    for (name, entry, number) in &plan.notes {
        insert_name(c, import.id, name, entry.uuid(), *number)?;
    }
    insert_problems(c, import.id, 1, &plan.problems)?;
    if !plan.entries.is_empty() {
        counters::grow(c, list, plan.tally.clone())?;
    }
    Ok(())
}

fn insert_old_codes(c: &mut SqliteConnection, list: WaitlistId, now: Timestamp, new: &[(String, EntryId)]) -> QueryResult<()> {
    for (code, entry) in new {
        let row = (
            old_codes::waitlist_id.eq(Blob(list.uuid())),
            old_codes::code.eq(code),
            old_codes::entry_id.eq(Blob(entry.uuid())),
            old_codes::created_at.eq(now.unix_millis()),
        );
        diesel::insert_into(old_codes::table).values(row).execute(c)?;
    }
    if !new.is_empty() {
        use crate::schema::waitlist_totals::dsl::{has_old_codes, waitlist_totals};
        diesel::update(waitlist_totals.find(Blob(list.uuid()))).set(has_old_codes.eq(true)).execute(c)?;
    }
    Ok(())
}

/// Notes a name of an import. The first row of a name keeps it.
fn insert_name(c: &mut SqliteConnection, id: ImportId, name: &str, of: Uuid, number: u64) -> QueryResult<usize> {
    let row = (
        import_names::import_id.eq(Blob(id.uuid())),
        import_names::name.eq(name),
        import_names::entry_id.eq(Blob(of)),
        import_names::number.eq(to_bigint(number)),
    );
    diesel::insert_or_ignore_into(import_names::table).values(row).execute(c)
}

fn insert_lines(c: &mut SqliteConnection, id: ImportId, lines: &[RestoreItem]) -> QueryResult<()> {
    lines.iter().try_for_each(|item| insert_item(c, id, ROW, item.key(), item.to_json()).map(|_| ()))
}

/// Restores what the next group of lines tells of, or ends the import.
fn restore(c: &mut SqliteConnection, command: &ImportWork, import: Import) -> Step<Import> {
    let mut found = items(c, import.id, ROW, import.mark, command.fresh.len())?;
    found.truncate(RestoreItem::group(found.iter().map(|(key, _)| key)));
    let Some((last, _)) = found.last() else { return Ok(import.at_next_step(command.now)) };
    let lines = found.iter().map(|(key, json)| RestoreItem::from_json(*key, json)).collect::<Result<Vec<_>, _>>()?;
    let facts = restore_facts(c, command, &import, &lines)?;
    let plan = command.restore(&import, &lines, facts).map_err(Abort::Rejected)?;
    if let Some(reason) = plan.refused {
        return Ok(import.failed(reason, command.now));
    }
    write_restored(c, command, &import, &plan)?;
    found.iter().try_for_each(|(key, _)| delete_item(c, import.id, ROW, *key))?;
    Ok(Import { numbers: import.numbers.plus(plan.numbers), mark: *last, ..import })
}

fn restore_facts(c: &mut SqliteConnection, command: &ImportWork, import: &Import, lines: &[RestoreItem]) -> Step<RestoreFacts> {
    let list = import.waitlist_id;
    let waitlist = load_waitlist(c, list)?;
    let (last_position, _) = load_totals(c, list)?.unwrap_or_default();
    let (mut known, mut own_codes, mut old_codes) = (HashMap::new(), HashSet::new(), HashSet::new());
    let (mut names, mut referred) = (HashMap::new(), HashSet::new());
    let addresses = ImportWork::addresses_of_lines(lines);
    for email in &addresses {
        known.extend(entry_of(c, list, email)?.map(|entry| (email.clone(), entry.id)));
    }
    for code in command.codes_of_lines(lines) {
        if diesel::select(exists(entries::table.filter(entries::referral_code.eq(&code)))).get_result(c)? {
            own_codes.insert(ReferralCode::from_stored(code.clone()));
        }
        if old_owner(c, list, &code)?.is_some() {
            old_codes.insert(code);
        }
    }
    for name in ImportWork::names_of_lines(lines) {
        let noted = import_names::table.find((Blob(import.id.uuid()), &name)).select(import_names::entry_id);
        let Some(id) = noted.first::<Blob>(c).optional()? else { continue };
        let id = EntryId::new(id.0);
        referred.extend(is_referred(c, id)?.then_some(id));
        names.insert(name, id.uuid());
    }
    let mut present = HashSet::new();
    for id in ImportWork::people_of_lines(lines, &names).into_iter().map(Blob) {
        use crate::schema::tombstones::dsl::tombstones;
        let is_entry = diesel::select(exists(entries::table.find(id))).get_result(c)?;
        if is_entry || diesel::select(exists(tombstones.find(id))).get_result(c)? {
            present.insert(EntryId::new(id.0));
        }
    }
    let erased = suppressions::erased_addresses(c, waitlist.workspace_id, addresses.iter().map(|email| (command.links.secret(), email)))?;
    let file_ends_at = file_ends_at(c, import)?;
    let erased = erased.into_keys().collect();
    Ok(RestoreFacts { waitlist, last_position, file_ends_at, known, own_codes, old_codes, erased, names, present, referred })
}

/// The last position of the people in the file, if the import is at its beginning.
fn file_ends_at(c: &mut SqliteConnection, import: &Import) -> QueryResult<u64> {
    if import.mark != Import::FIRST {
        return Ok(0);
    }
    let people = import_items::table.filter(import_items::import_id.eq(Blob(import.id.uuid())).and(import_items::kind.eq(ROW)));
    let people = people.filter(import_items::key_1.lt(RestoreItem::AFTER_PEOPLE));
    let last = people.order((import_items::key_1.desc(), import_items::key_2.desc(), import_items::key_3.desc()));
    Ok(last.select(import_items::key_1).first::<i64>(c).optional()?.map_or(0, from_bigint))
}

fn write_restored(c: &mut SqliteConnection, command: &ImportWork, import: &Import, plan: &RestorePlan) -> Step<()> {
    let list = import.waitlist_id;
    match &plan.waitlist {
        Some(waitlist) => {
            waitlists::write(c, waitlist)?;
            variants::replace(c, list, command.now, &plan.variants)?;
        }
        None => variants::add(c, &plan.variants)?,
    }
    for entry in &plan.entries {
        diesel::insert_into(entries::table).values(EntryRow::from(entry)).execute(c)?;
    }
    terms::index_again(c, list, &plan.entries)?;
    plan.tombstones.iter().try_for_each(|tombstone| tombstones::write(c, tombstone).map(|_| ()))?;
    insert_old_codes(c, list, command.now, &plan.old_codes)?;
    for (id, referrer) in &plan.referrers {
        use crate::schema::tombstones::dsl::{referred_by_entry_id, tombstones};
        let (id, referrer) = (Blob(id.uuid()), Blob(referrer.uuid()));
        diesel::update(entries::table.find(id)).set(entries::referred_by_entry_id.eq(referrer)).execute(c)?;
        diesel::update(tombstones.find(id)).set(referred_by_entry_id.eq(referrer)).execute(c)?;
    }
    plan.referrals.iter().try_for_each(|referral| referrals::insert(c, referral, None))?;
    for (referrer, number) in plan.credits() {
        Credit::new(referrer, number).execute(c)?;
    }
    counters::grow(c, list, plan.tally.clone())?;
    counters::add_erased(c, list, plan.tally.erased)?;
    for (name, id) in &plan.notes {
        insert_name(c, import.id, name, *id, 0)?;
    }
    insert_lines(c, import.id, &plan.later)?;
    insert_problems(c, import.id, 1, &plan.problems)?;
    Ok(())
}

/// Whether the ledger has a row about an entry.
fn is_referred(c: &mut SqliteConnection, id: EntryId) -> QueryResult<bool> {
    use crate::schema::referrals::dsl::{referrals, referred_entry_id};
    diesel::select(exists(referrals.filter(referred_entry_id.eq(Blob(id.uuid()))))).get_result(c)
}

/// Credits the referrers of the next group of people, or goes on to the next step.
fn link(c: &mut SqliteConnection, command: &ImportWork, import: Import) -> Step<Import> {
    let found = items(c, import.id, LINK, import.mark, command.fresh.len())?;
    let links = found.iter().map(|(key, json)| ImportLink::from_json(from_bigint(key[0]), json)).collect::<Result<Vec<_>, _>>()?;
    let Some((last, _)) = found.last() else { return Ok(import.at_next_step(command.now)) };
    let list = import.waitlist_id;
    let mut facts = LinkFacts { entries: HashMap::new(), referrers: HashMap::new(), referred: HashSet::new(), limits: HashMap::new() };
    for link in &links {
        facts.referred.extend(is_referred(c, link.entry_id)?.then_some(link.entry_id));
        facts.entries.extend(entry_by_id(c, list, link.entry_id)?.map(|entry| (entry.id, entry)));
        if !facts.referrers.contains_key(&link.referrer) {
            facts.referrers.extend(find_referrer(c, &import, &link.referrer)?.map(|id| (link.referrer.clone(), id)));
        }
    }
    for referrer in facts.referrers.values() {
        let note = import_names::table.find((Blob(import.id.uuid()), ImportWork::note_of_limit(*referrer))).select(import_names::number);
        facts.limits.extend(note.first::<i64>(c).optional()?.map(|left| (*referrer, from_bigint(left))));
    }
    let plan = command.link(&links, &facts);
    for referral in &plan.referrals {
        if let (Some(referrer), Some(referred)) = (referral.referrer, referral.referred) {
            let person = entries::table.find(Blob(referred.uuid()));
            diesel::update(person).set(entries::referred_by_entry_id.eq(Blob(referrer.uuid()))).execute(c)?;
        }
        referrals::insert(c, referral, None)?;
    }
    for (referrer, number) in plan.credits() {
        Credit::new(referrer, number).execute(c)?;
        for name in [ImportWork::note_of_referrals(referrer), ImportWork::note_of_limit(referrer)] {
            let note = import_names::table.find((Blob(import.id.uuid()), name));
            diesel::update(note).set(import_names::number.eq(import_names::number - to_bigint(number))).execute(c)?;
        }
    }
    insert_problems(c, import.id, 2, &plan.problems)?;
    let (last_position, _) = load_totals(c, list)?.unwrap_or_default();
    counters::grow(c, list, Tally { last_position, referred: plan.referrals.len() as u64, ..Tally::default() })?;
    found.iter().try_for_each(|(key, _)| delete_item(c, import.id, LINK, *key))?;
    Ok(Import { mark: *last, ..import })
}

fn find_referrer(c: &mut SqliteConnection, import: &Import, name: &ReferrerName) -> Step<Option<EntryId>> {
    let list = import.waitlist_id;
    match name {
        ReferrerName::Address(address) => {
            let entry = entries::waitlist_id.eq(Blob(list.uuid())).and(entries::email.eq(address));
            let id = entries::table.filter(entry).select(entries::id).first::<Blob>(c).optional()?;
            Ok(id.map(|id| EntryId::new(id.0)))
        }
        ReferrerName::Code(code) => find_code(c, list, code),
        ReferrerName::Row(id) => {
            let note = import_names::table.find((Blob(import.id.uuid()), ImportWork::note_of_row(id))).select(import_names::entry_id);
            match note.first::<Blob>(c).optional()? {
                Some(id) => Ok(entry_by_id(c, list, EntryId::new(id.0))?.map(|entry| entry.id)),
                None => find_code(c, list, id),
            }
        }
    }
}

/// The entry of a list that has a code: its own one before an old one.
fn find_code(c: &mut SqliteConnection, list: WaitlistId, code: &str) -> Step<Option<EntryId>> {
    if let Ok(own) = ReferralCode::parse(code) {
        let owner = entries::table.filter(entries::referral_code.eq(own.as_str())).select((entries::waitlist_id, entries::id));
        let owner = owner.first::<(Blob, Blob)>(c).optional()?.filter(|(of, _)| of.0 == list.uuid());
        if let Some((_, id)) = owner {
            return Ok(Some(EntryId::new(id.0)));
        }
    }
    let Some(id) = old_owner(c, list, code)? else { return Ok(None) };
    Ok(entry_by_id(c, list, id)?.map(|entry| entry.id))
}

/// Whether entries of a list have old codes.
pub(crate) fn has_old_codes(c: &mut SqliteConnection, list: WaitlistId) -> QueryResult<bool> {
    use crate::schema::waitlist_totals::dsl::{has_old_codes, waitlist_totals};
    Ok(waitlist_totals.find(Blob(list.uuid())).select(has_old_codes).first(c).optional()?.unwrap_or(false))
}

/// The entry that has an old code on a list.
pub(crate) fn old_owner(c: &mut SqliteConnection, list: WaitlistId, code: &str) -> QueryResult<Option<EntryId>> {
    let owner = old_codes::table.find((Blob(list.uuid()), code)).select(old_codes::entry_id);
    Ok(owner.first::<Blob>(c).optional()?.map(|id| EntryId::new(id.0)))
}

/// Deletes the old codes of an entry that goes.
pub(crate) fn delete_old_codes(c: &mut SqliteConnection, entry: EntryId) -> QueryResult<usize> {
    diesel::delete(old_codes::table.filter(old_codes::entry_id.eq(Blob(entry.uuid())))).execute(c)
}

/// Notes the referrals of unknown people with the next group, or ends the import.
fn count(c: &mut SqliteConnection, command: &ImportWork, import: Import) -> Step<Import> {
    let mine = import_names::import_id.eq(Blob(import.id.uuid()));
    let noted = import_names::table
        .filter(mine)
        .filter(import_names::name.ge(ImportWork::REFERRALS).and(import_names::name.lt(AFTER_REFERRALS)))
        .order(import_names::name)
        .limit(to_bigint(command.fresh.len() as u64))
        .select((import_names::name, import_names::entry_id, import_names::number));
    let noted: Vec<(String, Blob, i64)> = noted.load(c)?;
    if noted.is_empty() {
        return Ok(import.at_next_step(command.now));
    }
    for (name, id, number) in noted {
        let entry = entry_by_id(c, import.waitlist_id, EntryId::new(id.0))?;
        if let Some(entry) = entry.and_then(|entry| ImportWork::count(entry, number)) {
            write_import(c, &entry)?;
        }
        diesel::delete(import_names::table.find((Blob(import.id.uuid()), name))).execute(c)?;
    }
    Ok(import)
}

/// The first text behind those that begin with [`ImportWork::REFERRALS`].
const AFTER_REFERRALS: &str = "referrals!";

/// Deletes a batch of what was staged, or ends the work on the import.
fn clean(c: &mut SqliteConnection, command: &ImportWork, import: Import) -> Step<Import> {
    let deleted = delete_staged(c, Blob(import.id.uuid()), CLEANED_AT_ONCE, false)?;
    Ok(if deleted > 0 { import } else { import.at_next_step(command.now) })
}

/// Deletes some of the staged data of an import, with its problems or without. Returns how much.
fn delete_staged(c: &mut SqliteConnection, id: Blob, most: i64, problems: bool) -> QueryResult<usize> {
    let last = if problems { PROBLEM } else { LINK };
    let some = import_items::table.filter(import_items::import_id.eq(id).and(import_items::kind.le(last))).limit(most);
    let keys = (import_items::kind, import_items::key_1, import_items::key_2, import_items::key_3);
    let some: Vec<(i32, i64, i64, i64)> = some.order(keys).select(keys).load(c)?;
    for (kind, one, two, three) in &some {
        delete_item(c, ImportId::new(id.0), *kind, [*one, *two, *three])?;
    }
    let names = import_names::table.filter(import_names::import_id.eq(id)).limit(most).select(import_names::name);
    let names: Vec<String> = names.load(c)?;
    for name in &names {
        diesel::delete(import_names::table.find((id, name))).execute(c)?;
    }
    Ok(some.len() + names.len())
}

fn entry_of<R>(c: &mut SqliteConnection, list: WaitlistId, email: &Email) -> Result<Option<Entry>, Abort<R>> {
    let same = entries::waitlist_id.eq(Blob(list.uuid())).and(entries::email.eq(email.as_str()));
    let row = entries::table.filter(same).select(EntryRow::as_select()).first(c).optional()?;
    Ok(row.map(Entry::try_from).transpose()?)
}

fn entry_by_id<R>(c: &mut SqliteConnection, list: WaitlistId, id: EntryId) -> Result<Option<Entry>, Abort<R>> {
    let row = entries::table.find(Blob(id.uuid())).filter(entries::waitlist_id.eq(Blob(list.uuid()))).select(EntryRow::as_select());
    Ok(row.first(c).optional()?.map(Entry::try_from).transpose()?)
}

/// The items of a kind after a key, in the order of their keys.
fn items(c: &mut SqliteConnection, id: ImportId, kind: i32, after: ImportMark, most: usize) -> QueryResult<Vec<(ImportMark, Vec<u8>)>> {
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
        .filter(import_items::import_id.eq(Blob(id.uuid())).and(import_items::kind.eq(kind)))
        .filter(follows)
        .order(keys)
        .limit(to_bigint(most as u64))
        .select((import_items::key_1, import_items::key_2, import_items::key_3, import_items::content));
    let found: Vec<(i64, i64, i64, Vec<u8>)> = found.load(c)?;
    Ok(found.into_iter().map(|(one, two, three, content)| ([one, two, three], content)).collect())
}

fn insert_item(c: &mut SqliteConnection, id: ImportId, kind: i32, key: ImportMark, content: Vec<u8>) -> QueryResult<()> {
    let row = (
        import_items::import_id.eq(Blob(id.uuid())),
        import_items::kind.eq(kind),
        import_items::key_1.eq(key[0]),
        import_items::key_2.eq(key[1]),
        import_items::key_3.eq(key[2]),
        import_items::content.eq(content),
    );
    diesel::insert_into(import_items::table).values(row).execute(c).map(|_| ())
}

fn insert_problems(c: &mut SqliteConnection, id: ImportId, step: i64, problems: &[ImportProblem]) -> QueryResult<()> {
    (0..).zip(problems).try_for_each(|(n, problem)| insert_item(c, id, PROBLEM, [to_bigint(problem.line), step, n], problem.to_json()))
}

fn delete_item(c: &mut SqliteConnection, id: ImportId, kind: i32, key: ImportMark) -> QueryResult<()> {
    let [one, two, three] = key;
    diesel::delete(import_items::table.find((Blob(id.uuid()), kind, one, two, three))).execute(c).map(|_| ())
}

/// The import, if a claim holds it. Its lease goes on.
fn hold<R>(c: &mut SqliteConnection, id: ImportId, claim: ClaimId, lease_until: Timestamp) -> Result<Option<Import>, Abort<R>> {
    let held = imports::table.find(Blob(id.uuid())).filter(imports::claim.eq(Blob(claim.uuid())));
    if diesel::update(held).set(imports::lease_until.eq(lease_until.unix_millis())).execute(c)? == 0 {
        return Ok(None);
    }
    load(c, id)
}

fn load<R>(c: &mut SqliteConnection, id: ImportId) -> Result<Option<Import>, Abort<R>> {
    let row = imports::table.find(Blob(id.uuid())).select(ImportsRow::as_select()).first(c).optional()?;
    Ok(row.map(Import::try_from).transpose()?)
}

fn save(c: &mut SqliteConnection, import: &Import) -> QueryResult<()> {
    diesel::update(imports::table.find(Blob(import.id.uuid()))).set(ImportsRow::from(import)).execute(c).map(|_| ())
}

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = imports, check_for_backend(diesel::sqlite::Sqlite), treat_none_as_null = true, treat_none_as_default_value = false)]
struct ImportsRow {
    id: Blob,
    workspace_id: Blob,
    waitlist_id: Blob,
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
    created_at: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
}

impl From<&Import> for ImportsRow {
    fn from(import: &Import) -> Self {
        let ImportNumbers { added, updated, skipped, failed } = import.numbers;
        let [mark_1, mark_2, mark_3] = import.mark;
        Self {
            id: import.id.uuid().into(),
            workspace_id: import.workspace_id.uuid().into(),
            waitlist_id: import.waitlist_id.uuid().into(),
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
            created_at: import.created_at.unix_millis(),
            started_at: import.started_at.map(Timestamp::unix_millis),
            ended_at: import.ended_at.map(Timestamp::unix_millis),
        }
    }
}

impl TryFrom<ImportsRow> for Import {
    type Error = Fault;

    fn try_from(row: ImportsRow) -> Result<Self, Fault> {
        let [added, updated, skipped, failed] = [row.added, row.updated, row.skipped, row.failed].map(from_bigint);
        Ok(Self {
            id: ImportId::new(row.id.0),
            workspace_id: WorkspaceId::new(row.workspace_id.0),
            waitlist_id: WaitlistId::new(row.waitlist_id.0),
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
            created_at: instant(row.created_at)?,
            started_at: row.started_at.map(instant).transpose()?,
            ended_at: row.ended_at.map(instant).transpose()?,
        })
    }
}
