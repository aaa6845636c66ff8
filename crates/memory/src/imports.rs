//! [`ImportStore`] in memory.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;
use rally_domain::command::{
    AddFacts, AddPlan, CancelImport, ImportRejection, ImportWork, LinkFacts, RestoreFacts, RestorePlan, StageRows,
};
use rally_domain::email::Email;
use rally_domain::entry::Entry;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{ClaimId, EntryId, ImportId, WaitlistId};
use rally_domain::import::{
    Import, ImportLink, ImportMark, ImportNumbers, ImportProblem, ImportRow, ImportState, ImportStep, ReferrerName, RestoreItem,
};
use rally_domain::port::ImportStore;
use rally_domain::referral::{OldCode, ReferralCode};
use rally_domain::suppression::SuppressionReason;
use rally_domain::timestamp::Timestamp;
use rally_domain::uuid::Uuid;

use crate::data::{Data, KeptReferral, KeptVariant, List};
use crate::flaw::Flaw;
use crate::{MemoryStore, rejected};

/// An import with what it works on.
#[derive(Clone)]
pub(crate) struct KeptImport {
    import: Import,
    claim: Option<ClaimId>,
    lease_until: Option<Timestamp>,
    pieces: BTreeMap<u64, Vec<u8>>,
    rows: BTreeMap<ImportMark, ImportRow>,
    lines: BTreeMap<ImportMark, RestoreItem>,
    links: BTreeMap<u64, ImportLink>,
    problems: BTreeMap<ImportMark, ImportProblem>,
    /// Names that the import has seen, each with an entry and a number.
    names: BTreeMap<String, (EntryId, i64)>,
}

#[async_trait]
impl ImportStore for MemoryStore {
    async fn begin(&self, import: Import, lease_until: Timestamp) -> Result<(), Fault> {
        let work = |data: &mut Data| {
            let dry_run = import.dry_run && !data.flaw.is(Flaw::ImportsForgetTheirOptions);
            let kept = KeptImport {
                import: Import { dry_run, ..import },
                claim: None,
                lease_until: Some(lease_until),
                pieces: BTreeMap::new(),
                rows: BTreeMap::new(),
                lines: BTreeMap::new(),
                links: BTreeMap::new(),
                problems: BTreeMap::new(),
                names: BTreeMap::new(),
            };
            data.imports.insert(kept.import.id, kept);
        };
        self.write(work).await;
        Ok(())
    }

    async fn put_piece(&self, id: ImportId, number: u64, bytes: Vec<u8>, lease_until: Timestamp) -> Result<bool, Fault> {
        let work = |data: &mut Data| {
            let text_only = data.flaw.is(Flaw::PiecesAreTexts);
            let Some(kept) = data.imports.get_mut(&id).filter(|kept| kept.import.state == ImportState::Uploading) else { return false };
            kept.lease_until = Some(lease_until);
            let bytes = if text_only { String::from_utf8_lossy(&bytes).into_owned().into_bytes() } else { bytes };
            kept.pieces.insert(number, bytes);
            true
        };
        Ok(self.write(work).await)
    }

    async fn prolong(&self, id: ImportId, lease_until: Timestamp) -> Result<bool, Fault> {
        let work = |data: &mut Data| {
            let keeps = data.flaw.is(Flaw::UploadsNotProlonged);
            let Some(kept) = data.imports.get_mut(&id).filter(|kept| kept.import.state == ImportState::Uploading) else { return false };
            if !keeps {
                kept.lease_until = Some(lease_until);
            }
            true
        };
        Ok(self.write(work).await)
    }

    async fn arrive(&self, id: ImportId, source: Result<String, String>, now: Timestamp) -> Result<Option<Import>, Fault> {
        let work = |data: &mut Data| {
            let kept = data.imports.get_mut(&id).filter(|kept| kept.import.state == ImportState::Uploading)?;
            let audited = kept.import.clone().arrived(source, now).audited(kept.import.state, now);
            let import = data.audit(audited);
            let kept = data.imports.get_mut(&id)?;
            (kept.import, kept.lease_until) = (import.clone(), None);
            Some(import)
        };
        Ok(self.write(work).await)
    }

    async fn find(&self, waitlist_id: WaitlistId, id: ImportId) -> Result<Option<Import>, Fault> {
        Ok(self.read(|data| {
            let any = data.flaw.is(Flaw::ImportsOfOthersFound);
            data.imports.get(&id).map(|kept| kept.import.clone()).filter(|import| import.waitlist_id == waitlist_id || any)
        }))
    }

    async fn list(&self, waitlist_id: WaitlistId, most: usize) -> Result<Vec<Import>, Fault> {
        Ok(self.read(|data| {
            let mut imports: Vec<Import> = data.imports.values().map(|kept| kept.import.clone()).collect();
            imports.retain(|import| import.waitlist_id == waitlist_id);
            imports.sort_by_key(|import| Reverse(import.created_at));
            if data.flaw.is(Flaw::ImportsOldestFirst) {
                imports.reverse();
            }
            imports.truncate(most);
            imports
        }))
    }

    async fn problems(&self, id: ImportId, after: Option<ImportMark>, most: usize) -> Result<Vec<(ImportMark, ImportProblem)>, Fault> {
        Ok(self.read(|data| {
            let Some(kept) = data.imports.get(&id) else { return Vec::new() };
            let after = after.filter(|_| !data.flaw.is(Flaw::ProblemsRepeat)).unwrap_or(Import::FIRST);
            let follows = kept.problems.iter().filter(|(key, _)| **key > after);
            follows.take(data.flaw.rows(most)).map(|(key, problem)| (*key, problem.clone())).collect()
        }))
    }

    async fn piece(&self, id: ImportId, number: u64) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.read(|data| data.imports.get(&id)?.pieces.get(&number).cloned()))
    }

    async fn cancel(&self, command: CancelImport) -> Result<Option<Import>, Fault> {
        let work = |data: &mut Data| {
            let goes_on = data.flaw.is(Flaw::CancelledImportsGoOn);
            let current = data.imports.get(&command.id).map(|kept| kept.import.clone());
            let cancelled = data.audit(command.decide(current))?;
            if let Some(kept) = data.imports.get_mut(&command.id).filter(|_| !goes_on) {
                kept.import = cancelled.clone();
            }
            Some(cancelled)
        };
        Ok(self.write(work).await)
    }

    async fn claim(&self, claim: ClaimId, now: Timestamp, lease_until: Timestamp) -> Result<Option<Import>, Fault> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let is_free = |kept: &KeptImport| {
                let broke_off = kept.import.state == ImportState::Uploading && flaw.is(Flaw::BrokenUploadsWait);
                let held = kept.lease_until.is_some_and(|until| until >= now) && !flaw.is(Flaw::ImportsClaimedTwice);
                kept.import.step != ImportStep::Over && !broke_off && (!held || kept.claim == Some(claim))
            };
            let mut open: Vec<&mut KeptImport> = data.imports.values_mut().filter(|kept| is_free(kept)).collect();
            open.sort_by_key(|kept| (kept.claim != Some(claim) || flaw.is(Flaw::OwnImportsInTurn), kept.import.created_at));
            if flaw.is(Flaw::YoungerImportsFirst) {
                open.reverse();
            }
            let kept = open.into_iter().next()?;
            kept.import = kept.import.clone().claimed(now);
            (kept.claim, kept.lease_until) = (Some(claim), Some(lease_until));
            Some(kept.import.clone())
        };
        Ok(self.write(work).await)
    }

    async fn stage(&self, command: StageRows) -> Result<Option<Import>, Fault> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let kept = data.held(command.import_id, command.claim, command.lease_until)?;
            if kept.import.step != ImportStep::Read {
                return None;
            }
            kept.rows.extend(command.rows.into_iter().map(|row| (row.key(), row)));
            kept.lines.extend(command.lines.into_iter().map(|item| (item.key(), item)));
            kept.put_problems(0, command.problems);
            kept.pieces.retain(|number, _| *number >= command.first_piece);
            kept.import.numbers = kept.import.numbers.plus(ImportNumbers { failed: command.failed, ..ImportNumbers::default() });
            if !flaw.is(Flaw::StagedWithoutMark) {
                kept.import.mark = command.mark;
            }
            if let Some(step) = command.next {
                kept.import = kept.import.clone().at_step(step);
            }
            Some(kept.import.clone())
        };
        Ok(self.write(work).await)
    }

    async fn work(&self, command: ImportWork) -> Result<Option<Import>, CommandError<ImportRejection>> {
        let work = |data: &mut Data| {
            let Some(kept) = data.held(command.import_id, command.claim, command.lease_until).cloned() else { return Ok(None) };
            let ignores_lists = data.flaw.is(Flaw::ImportsOfDeletedListsGoOn);
            let (before, is_there) = (kept.import.state, data.lists.contains_key(&kept.import.waitlist_id));
            let end = command.end_of(&kept.import, is_there).filter(|_| is_there || !ignores_lists);
            let end = end.filter(|_| !is_there || !data.flaw.is(Flaw::GivenUpImportsGoOn));
            let import = match (end, kept.import.step) {
                (Some(reason), _) => kept.import.failed(reason, command.now),
                _ if !is_there && ignores_lists => kept.import.at_next_step(command.now),
                (None, ImportStep::Add) => data.add_rows(&command, kept).map_err(rejected)?,
                (None, ImportStep::Restore) => data.restore_lines(&command, kept).map_err(rejected)?,
                (None, ImportStep::Link) => data.link_rows(&command, kept),
                (None, ImportStep::Count) => data.count_referrals_elsewhere(&command, kept),
                (None, ImportStep::Clean) => data.clean_import(&command, kept),
                (None, ImportStep::Read | ImportStep::Over) => kept.import,
            };
            let import = data.audit(import.audited(before, command.now));
            if let Some(kept) = data.imports.get_mut(&import.id) {
                kept.import = import.clone();
            }
            Ok(Some(import))
        };
        self.write(work).await
    }

    async fn resolve_code(&self, waitlist_id: WaitlistId, code: &OldCode) -> Result<Option<ReferralCode>, Fault> {
        Ok(self.read(|data| {
            let found = data.find_code(waitlist_id, code.as_str())?;
            data.lists.values().find_map(|list| list.find(found)).map(|entry| entry.referral_code.clone())
        }))
    }

    async fn prune(&self, before: Timestamp, rows: usize) -> Result<u64, Fault> {
        let work = |data: &mut Data| {
            let all = data.flaw.is(Flaw::YoungImportsPruned);
            let old = data.imports.values().map(|kept| &kept.import).filter(|import| import.created_at < before || all);
            let old: Vec<ImportId> = old.map(|import| import.id).take(data.flaw.prunes(rows)).collect();
            old.iter().for_each(|id| drop(data.imports.remove(id)));
            old.len() as u64
        };
        Ok(self.write(work).await)
    }
}

impl KeptImport {
    fn put_problems(&mut self, step: i64, problems: Vec<ImportProblem>) {
        self.problems.extend((0..).zip(problems).map(|(n, problem)| ([problem.line as i64, step, n], problem)));
    }
}

impl Data {
    /// The import, if a claim holds it.
    fn held(&mut self, id: ImportId, claim: ClaimId, lease_until: Timestamp) -> Option<&mut KeptImport> {
        let prolongs = !self.flaw.is(Flaw::ClaimsNotProlonged);
        let kept = self.imports.get_mut(&id).filter(|kept| kept.claim == Some(claim))?;
        kept.lease_until = Some(lease_until).filter(|_| prolongs).or(kept.lease_until);
        Some(kept)
    }

    fn add_rows(&mut self, command: &ImportWork, kept: KeptImport) -> Result<Import, ImportRejection> {
        let by_line = self.flaw.is(Flaw::RowsInOrderOfLines);
        let mut group: Vec<(ImportMark, ImportRow)> = kept.rows.iter().map(|(key, row)| (*key, row.clone())).collect();
        if by_line {
            group.sort_by_key(|(_, row)| row.line);
        }
        group.truncate(command.fresh.len());
        if group.is_empty() {
            return Ok(kept.import.at_next_step(command.now));
        }
        let rows: Vec<ImportRow> = group.iter().map(|(_, row)| row.clone()).collect();
        let Some(facts) = self.add_facts(command, &kept, &rows) else { return Ok(kept.import) };
        let plan = command.add(&kept.import, &rows, facts)?;
        let numbers = kept.import.numbers.plus(plan.numbers);
        if let Some(kept) = self.imports.get_mut(&kept.import.id).filter(|_| !self.flaw.is(Flaw::ImportedRowsStay)) {
            group.iter().for_each(|(key, _)| drop(kept.rows.remove(key)));
        }
        self.write_added(&kept.import, plan);
        Ok(Import { numbers, ..kept.import })
    }

    fn add_facts(&self, command: &ImportWork, kept: &KeptImport, rows: &[ImportRow]) -> Option<AddFacts> {
        let (flaw, list) = (self.flaw, self.lists.get(&kept.import.waitlist_id)?);
        let (id, workspace) = (list.waitlist.id, list.waitlist.workspace_id);
        let entries = list.entries();
        let of = |row: &ImportRow| entries.values().find(|entry| entry.profile.email == row.profile.email).cloned();
        let secret = command.links.secret();
        let is_erased = |row: &&ImportRow| {
            let address = secret.hash_address(&row.profile.email);
            self.suppressions_of(workspace).any(|kept| kept.address == address && kept.reason == SuppressionReason::Erased)
        };
        let is_seen = |list: &&List| list.waitlist.id == id || !flaw.is(Flaw::ImportedCodesUniqueInListAlone);
        let owner = |code: &ReferralCode| self.lists.values().filter(is_seen).find(|list| list.has_code(code));
        let is_here = |code: &ReferralCode| owner(code).map(|owner| owner.waitlist.id == id);
        let notes = ImportWork::notes(rows).into_iter().filter(|_| !flaw.is(Flaw::DryRunsForget));
        Some(AddFacts {
            waitlist: list.waitlist.clone(),
            last_position: if flaw.is(Flaw::ImportsIgnorePositions) { kept.import.numbers.added } else { list.tally.last_position },
            entries: if flaw.is(Flaw::ErasedPeopleBlockRows) { list.tally.entries() } else { list.tally.standing() },
            known: rows.iter().filter_map(|row| Some((row.profile.email.clone(), of(row)?))).collect(),
            mailboxes: entries
                .values()
                .map(|entry| entry.profile.email.mailbox())
                .filter(|_| !flaw.is(Flaw::MailboxesImportedTwice))
                .collect(),
            own_codes: command.own_codes(rows).into_iter().filter_map(|code| Some((code.clone(), is_here(&code)?))).collect(),
            old_codes: command.old_codes(rows).into_iter().filter_map(|code| Some((code.clone(), *list.old_codes.get(&code)?))).collect(),
            erased: rows
                .iter()
                .filter(is_erased)
                .filter(|_| !flaw.is(Flaw::ErasedPeopleImported))
                .map(|row| row.profile.email.clone())
                .collect(),
            noted: match kept.import.dry_run {
                true => notes.filter_map(|name| Some((name.clone(), kept.names.get(&name)?.0))).collect(),
                false => HashMap::new(),
            },
            mail: self.mail_setup(workspace),
        })
    }

    fn write_added(&mut self, import: &Import, plan: AddPlan) {
        let flaw = self.flaw;
        let new: HashSet<EntryId> = plan.entries.iter().map(|entry| entry.id).collect();
        let suppressions = plan.suppressions.into_iter().filter(|_| !new.is_empty() || !flaw.is(Flaw::OnlyNewPeopleSuppressed));
        if let Some(list) = self.lists.get_mut(&import.waitlist_id) {
            for entry in plan.entries {
                if !flaw.is(Flaw::ImportsNotCounted) {
                    list.tally.add(&entry);
                }
                list.tally.last_position = list.tally.last_position.max(entry.position.number());
                list.put(entry);
            }
            let code = |code: String| if flaw.is(Flaw::OldCodesLowercased) { code.to_lowercase() } else { code };
            let old_codes = plan.old_codes.into_iter().filter(|(_, id)| new.contains(id) || !flaw.is(Flaw::OnlyNewPeopleHaveOldCodes));
            list.old_codes.extend(old_codes.map(|(text, id)| (code(text), id)));
            for update in plan.updates.into_iter().filter(|_| !flaw.is(Flaw::DuplicatesNeverUpdated)) {
                list.tally.move_source(&update.before, &update.after);
                list.put(update.after);
            }
        }
        for suppression in suppressions {
            self.add_suppression(suppression);
        }
        if !flaw.is(Flaw::ImportsNeverNotify) {
            plan.events.into_iter().for_each(|event| self.tell(event));
            plan.mails.into_iter().for_each(|mail| self.post(Some(mail)));
        }
        if let Some(kept) = self.imports.get_mut(&import.id) {
            kept.links.extend(plan.links.into_iter().map(|link| (link.line, link)));
            for (name, id, number) in plan.notes {
                kept.names.entry(name).or_insert((id, number as i64));
            }
            kept.put_problems(1, plan.problems);
        }
    }

    fn restore_lines(&mut self, command: &ImportWork, kept: KeptImport) -> Result<Import, ImportRejection> {
        let size = RestoreItem::group(kept.lines.keys().take(command.fresh.len()));
        let group: Vec<RestoreItem> = kept.lines.values().take(size).cloned().collect();
        let Some(last) = group.last() else { return Ok(kept.import.at_next_step(command.now)) };
        let Some(facts) = self.restore_facts(command, &kept, &group) else { return Ok(kept.import) };
        let plan = command.restore(&kept.import, &group, facts)?;
        if let Some(reason) = plan.refused {
            return Ok(kept.import.failed(reason, command.now));
        }
        let (numbers, mark) = (kept.import.numbers.plus(plan.numbers), last.key());
        if let Some(kept) = self.imports.get_mut(&kept.import.id) {
            group.iter().for_each(|item| drop(kept.lines.remove(&item.key())));
        }
        self.write_restored(&kept.import, command.now, plan);
        Ok(Import { numbers, mark, ..kept.import })
    }

    fn restore_facts(&self, command: &ImportWork, kept: &KeptImport, group: &[RestoreItem]) -> Option<RestoreFacts> {
        let (flaw, list) = (self.flaw, self.lists.get(&kept.import.waitlist_id)?);
        let (workspace, secret) = (list.waitlist.workspace_id, command.links.secret());
        let (entries, addresses) = (list.entries(), ImportWork::addresses_of_lines(group));
        let is_erased = |email: &Email| {
            let address = secret.hash_address(email);
            self.suppressions_of(workspace).any(|kept| kept.address == address && kept.reason == SuppressionReason::Erased)
        };
        let codes = command.codes_of_lines(group);
        let is_own = |code: &ReferralCode| self.lists.values().any(|list| list.has_code(code));
        let names = ImportWork::names_of_lines(group).into_iter();
        let names: HashMap<String, Uuid> = names.filter_map(|name| Some((name.clone(), kept.names.get(&name)?.0.uuid()))).collect();
        let is_there =
            |id: &EntryId| flaw.is(Flaw::DeletedReferrersRestored) || list.find(*id).is_some() || list.tombstones.contains_key(id);
        let named = ImportWork::people_of_lines(group, &names).into_iter().map(EntryId::new);
        let people = kept.lines.keys().map(|key| key[0]).filter(|first| *first < RestoreItem::AFTER_PEOPLE);
        let file_ends_at = people.max().and_then(|last| u64::try_from(last).ok()).unwrap_or(0);
        Some(RestoreFacts {
            waitlist: list.waitlist.clone(),
            last_position: if flaw.is(Flaw::ListsWithPeopleRestored) && kept.import.mark == Import::FIRST {
                0
            } else {
                list.tally.last_position
            },
            file_ends_at: if flaw.is(Flaw::RestoredListsBeginAnew) { 0 } else { file_ends_at },
            known: entries.values().map(|entry| (entry.profile.email.clone(), entry.id)).collect(),
            own_codes: codes.iter().map(|code| ReferralCode::from_stored(code.clone())).filter(is_own).collect(),
            old_codes: codes.into_iter().filter(|code| list.old_codes.contains_key(code)).collect(),
            erased: addresses.into_iter().filter(is_erased).filter(|_| !flaw.is(Flaw::ErasedPeopleRestored)).collect(),
            present: named.filter(is_there).collect(),
            names,
            referred: list.referrals.values().filter_map(|kept| kept.referral.referred).collect(),
        })
    }

    fn write_restored(&mut self, import: &Import, now: Timestamp, plan: RestorePlan) {
        let (flaw, credits) = (self.flaw, plan.credits());
        if let Some(list) = self.lists.get_mut(&import.waitlist_id) {
            if let Some(waitlist) = plan.waitlist {
                list.waitlist = waitlist;
                list.variants.iter_mut().for_each(|kept| kept.is_deleted = true);
            }
            list.variants.extend(plan.variants.into_iter().map(|variant| KeptVariant { variant, is_deleted: false }));
            list.tally.last_position = list.tally.last_position.max(plan.tally.last_position);
            for entry in plan.entries {
                list.tally.add(&entry);
                list.put(if flaw.is(Flaw::RestoredTimesAreNew) { Entry { updated_at: now, ..entry } } else { entry });
            }
            for tombstone in plan.tombstones {
                if !flaw.is(Flaw::RestoredTombstonesNotCounted) {
                    list.tally.add_tombstone(&tombstone);
                }
                list.tombstones.insert(tombstone.id, tombstone);
            }
            list.old_codes.extend(plan.old_codes);
            for (id, referrer) in plan.referrers {
                list.tally.referred += 1;
                if let Some(entry) = list.find(id).cloned() {
                    list.put(Entry { referred_by: Some(referrer), ..entry });
                }
                if let Some(tombstone) = list.tombstones.get_mut(&id) {
                    tombstone.referred_by = Some(referrer);
                }
            }
            list.referrals.extend(plan.referrals.into_iter().map(|referral| (referral.id, KeptReferral { referral, network: None })));
            for (id, number) in credits {
                if let Some(entry) = list.find(id).cloned() {
                    list.put(Entry { referral_count: entry.referral_count + number, ..entry });
                }
            }
        }
        if let Some(kept) = self.imports.get_mut(&import.id) {
            for (name, id) in plan.notes {
                kept.names.entry(name).or_insert((EntryId::new(id), 0));
            }
            kept.lines.extend(plan.later.into_iter().map(|item| (item.key(), item)));
            kept.put_problems(1, plan.problems);
        }
    }

    fn link_rows(&mut self, command: &ImportWork, kept: KeptImport) -> Import {
        let links: Vec<ImportLink> = kept.links.values().take(command.fresh.len()).cloned().collect();
        if links.is_empty() {
            return kept.import.at_next_step(command.now);
        }
        let list_id = kept.import.waitlist_id;
        let people = links.iter().filter_map(|link| self.lists.get(&list_id)?.find(link.entry_id).cloned());
        let find = |name: &ReferrerName| match name {
            ReferrerName::Code(code) => self.find_code(list_id, code),
            ReferrerName::Address(address) => {
                let entries = self.lists.get(&list_id)?.entries();
                entries.values().find(|entry| entry.profile.email.as_str() == address).map(|entry| entry.id)
            }
            ReferrerName::Row(id) => match kept.names.get(&ImportWork::note_of_row(id)) {
                Some((id, _)) => self.lists.get(&list_id)?.find(*id).map(|entry| entry.id),
                None => self.find_code(list_id, id),
            },
        };
        let referrers: HashMap<ReferrerName, EntryId> =
            links.iter().filter_map(|link| Some((link.referrer.clone(), find(&link.referrer)?))).collect();
        let ledger = self.lists.get(&list_id).into_iter().flat_map(|list| list.referrals.values());
        let referred = ledger.filter_map(|kept| kept.referral.referred).filter(|_| !self.flaw.is(Flaw::ImportsForgetTheLedger));
        let limit = |id: &EntryId| Some((*id, kept.names.get(&ImportWork::note_of_limit(*id))?.1.unsigned_abs()));
        let limits = referrers.values().filter_map(limit).filter(|_| !self.flaw.is(Flaw::ImportsIgnoreLimits)).collect();
        let entries = people.map(|entry| (entry.id, entry)).collect();
        let facts = LinkFacts { entries, referrers, referred: referred.collect(), limits };
        let plan = command.link(&links, &facts);
        let tells = !self.flaw.is(Flaw::UnknownReferrersNotTold);
        let credits = plan.credits();
        let counts = !self.flaw.is(Flaw::ImportedReferralsNotCredited);
        if let Some(list) = self.lists.get_mut(&list_id) {
            list.tally.referred += plan.referrals.len() as u64;
            for referral in plan.referrals {
                if let Some(entry) = referral.referred.and_then(|id| list.find(id)).cloned() {
                    list.put(Entry { referred_by: referral.referrer, ..entry });
                }
                list.referrals.insert(referral.id, KeptReferral { referral, network: None });
            }
            for (id, number) in credits.iter().filter(|_| counts) {
                if let Some(entry) = list.find(*id).cloned() {
                    list.put(Entry { referral_count: entry.referral_count + number, ..entry });
                }
            }
        }
        if let Some(kept) = self.imports.get_mut(&kept.import.id) {
            links.iter().for_each(|link| drop(kept.links.remove(&link.line)));
            for (id, number) in credits {
                for name in [ImportWork::note_of_referrals(id), ImportWork::note_of_limit(id)] {
                    let noted = kept.names.get_mut(&name);
                    noted.into_iter().for_each(|(_, rest)| *rest -= number as i64);
                }
            }
            kept.put_problems(2, if tells { plan.problems } else { Vec::new() });
        }
        kept.import
    }

    fn count_referrals_elsewhere(&mut self, command: &ImportWork, kept: KeptImport) -> Import {
        let noted = kept.names.iter().filter(|(name, _)| name.starts_with(ImportWork::REFERRALS)).take(command.fresh.len());
        let noted: Vec<(String, EntryId, i64)> = noted.map(|(name, (id, number))| (name.clone(), *id, *number)).collect();
        if noted.is_empty() {
            return kept.import.at_next_step(command.now);
        }
        for (name, id, number) in noted {
            let number = if self.flaw.is(Flaw::CountsOfElsewhereNeverShrink) { number.max(0) } else { number };
            if let Some(list) = self.lists.get_mut(&kept.import.waitlist_id)
                && let Some(entry) = list.find(id).cloned().and_then(|entry| ImportWork::count(entry, number))
            {
                list.put(entry);
            }
            if let Some(kept) = self.imports.get_mut(&kept.import.id) {
                kept.names.remove(&name);
            }
        }
        kept.import
    }

    fn clean_import(&mut self, command: &ImportWork, kept: KeptImport) -> Import {
        let stays = self.flaw.is(Flaw::StagedFilesStay);
        if let Some(kept) = self.imports.get_mut(&kept.import.id).filter(|_| !stays) {
            kept.pieces.clear();
            kept.rows.clear();
            kept.lines.clear();
            kept.links.clear();
            kept.names.clear();
        }
        kept.import.at_next_step(command.now)
    }

    /// The entry of a list that has a code: its own one before an old one.
    fn find_code(&self, list: WaitlistId, code: &str) -> Option<EntryId> {
        let home = self.lists.get(&list)?;
        let own = ReferralCode::parse(code).ok().and_then(|own| {
            let entries = home.entries();
            entries.values().find(|entry| entry.referral_code == own).map(|entry| entry.id)
        });
        let others = self.lists.values().filter(|_| self.flaw.is(Flaw::OldCodesOfOtherLists));
        let old = || std::iter::once(home).chain(others).find_map(|list| list.old_codes.get(code).copied());
        if self.flaw.is(Flaw::OldCodesFirst) { old().or(own) } else { own.or_else(old) }
    }
}

impl List {
    /// Whether an entry has a code as its own.
    fn has_code(&self, code: &ReferralCode) -> bool {
        self.entries().values().any(|entry| entry.referral_code == *code)
    }

    /// Forgets the old codes of an entry that goes.
    pub fn forget_old_codes(&mut self, id: EntryId) {
        self.old_codes.retain(|_, owner| *owner != id);
    }
}
