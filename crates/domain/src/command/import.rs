//! Importing people: the steps of a worker.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value};

use crate::actor::Actor;
use crate::ambient::Ids;
use crate::audit::{AuditAction, Audited};
use crate::custom_field::{CustomField, Metadata};
use crate::email::Email;
use crate::entry::{Entry, EntryStatus};
use crate::event::{Event, EventKind};
use crate::id::{ClaimId, EntryId, EventId, ImportId, ReferralId, SuppressionId, WaitlistId};
use crate::import::{
    Import, ImportLink, ImportMark, ImportNumbers, ImportProblem, ImportRow, ImportStep, OnDuplicate, ReferrerName, RestoreItem,
};
use crate::ledger::{self, Referral, ReferralState};
use crate::mail::{Links, Mail, MailSetup};
use crate::profile::Profile;
use crate::referral::{Position, ReferralCode};
use crate::suppression::Suppression;
use crate::tally::Tally;
use crate::timestamp::Timestamp;
use crate::waitlist::Waitlist;

/// The key of the metadata that says how many people somebody brought elsewhere, beyond those who are known here.
pub const IMPORTED_REFERRALS: &str = "imported_referral_count";

/// Ends an import. What was added stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelImport {
    /// The waitlist of the import.
    pub waitlist_id: WaitlistId,
    /// The import.
    pub id: ImportId,
    /// Who ends it.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

impl CancelImport {
    /// Returns the ended import, from the import as it is now. `None` means that the list has no such import, or it had ended.
    pub fn decide(&self, current: Option<Import>) -> Audited<Option<Import>> {
        let Some(current) = current.filter(|import| import.waitlist_id == self.waitlist_id) else { return Audited::silent(None) };
        let before = current.state;
        let Some(import) = current.cancelled(self.now) else { return Audited::silent(None) };
        let changes = import.end(before);
        let row = self.actor.audit(self.now, import.workspace_id, AuditAction::ImportCancel, import.id, changes);
        let row = row.filter(|_| !import.dry_run);
        Audited::new(Some(import), row)
    }
}

/// Keeps rows that were read from a file, and how far it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct StageRows {
    /// The import.
    pub import_id: ImportId,
    /// The claim of the worker.
    pub claim: ClaimId,
    /// The current time.
    pub now: Timestamp,
    /// Until when the claim holds.
    pub lease_until: Timestamp,
    /// The rows.
    pub rows: Vec<ImportRow>,
    /// The lines of an export. Such a file has no rows.
    pub lines: Vec<RestoreItem>,
    /// What is wrong with other rows.
    pub problems: Vec<ImportProblem>,
    /// How many rows have such problems.
    pub failed: u64,
    /// Where the reader goes on.
    pub mark: ImportMark,
    /// The pieces of the file before this one are not needed any more.
    pub first_piece: u64,
    /// What follows, if this was the end of the file.
    pub next: Option<ImportStep>,
}

/// New ids for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowIds {
    /// For the entry.
    pub entry: EntryId,
    /// The entry's own referral code.
    pub code: ReferralCode,
    /// For the events `entry.created` and `entry.approved`, or `entry.updated`.
    pub events: [EventId; 2],
    /// For the suppression of the address.
    pub suppression: SuppressionId,
    /// For the referral.
    pub referral: ReferralId,
}

impl RowIds {
    /// Makes new ids.
    pub fn new(ids: &dyn Ids) -> Self {
        Self {
            entry: EntryId::new(ids.uuid()),
            code: ReferralCode::from_entropy(ids.entropy()),
            events: [EventId::new(ids.uuid()), EventId::new(ids.uuid())],
            suppression: SuppressionId::new(ids.uuid()),
            referral: ReferralId::new(ids.uuid()),
        }
    }
}

/// Does the next group of an import.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportWork {
    /// The import.
    pub import_id: ImportId,
    /// Its list.
    pub waitlist_id: WaitlistId,
    /// The claim of the worker.
    pub claim: ClaimId,
    /// The current time.
    pub now: Timestamp,
    /// Until when the claim holds.
    pub lease_until: Timestamp,
    /// Whether the worker gives the import up: it failed in the server again and again.
    pub gives_up: bool,
    /// New ids for the rows of the group. Their number is the most rows of the group.
    pub fresh: Vec<RowIds>,
    /// The base of the links in mail, and the secret that makes the hash of an address.
    pub links: Links,
}

/// Why a group was not written. The group may be tried again with new ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImportRejection {
    /// Somebody has a new referral code.
    #[error("this referral code is taken")]
    CodeTaken,
}

/// The stored state that a group of rows needs. The store keeps it locked until the group is written.
#[derive(Debug, Clone, PartialEq)]
pub struct AddFacts {
    /// The waitlist.
    pub waitlist: Waitlist,
    /// The last position on the list.
    pub last_position: u64,
    /// The number of entries on the list now, without those that were erased.
    pub entries: u64,
    /// The entries of the list that have addresses of the rows.
    pub known: HashMap<Email, Entry>,
    /// The mailboxes of the rows that entries of the list have. A store tells them of a list that takes each mailbox once.
    pub mailboxes: HashSet<Email>,
    /// Those of [`ImportWork::own_codes`] that an entry has, and whether that entry is on this list.
    pub own_codes: HashMap<ReferralCode, bool>,
    /// Those of [`ImportWork::old_codes`] that an entry of this list has, with that entry.
    pub old_codes: HashMap<String, EntryId>,
    /// Those of the addresses that belong to people who were erased from the workspace.
    pub erased: HashSet<Email>,
    /// Those of [`ImportWork::notes`] that the import has, with their entries. Only a dry run has any.
    pub noted: HashMap<String, EntryId>,
    /// How the workspace sends mail, if it does.
    pub mail: Option<MailSetup>,
}

/// A change of an entry.
#[derive(Debug, Clone, PartialEq)]
pub struct EntryUpdate {
    /// The entry before.
    pub before: Entry,
    /// The entry afterwards. Only its profile and its time differ.
    pub after: Entry,
}

/// The result of a group of rows. The store writes all of it or nothing, and deletes the rows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AddPlan {
    /// New entries, in the order of their positions.
    pub entries: Vec<Entry>,
    /// Codes of other services, each with its entry.
    pub old_codes: Vec<(String, EntryId)>,
    /// Changed entries.
    pub updates: Vec<EntryUpdate>,
    /// Suppressions, unless the workspace has one of the address and the reason.
    pub suppressions: Vec<Suppression>,
    /// The events to write, in order.
    pub events: Vec<Event>,
    /// The mails to write.
    pub mails: Vec<Mail>,
    /// Who brought the people of the rows, as far as they have no referrer.
    pub links: Vec<ImportLink>,
    /// Names that the import notes, each with an entry and a number.
    pub notes: Vec<(String, EntryId, u64)>,
    /// What is wrong with rows.
    pub problems: Vec<ImportProblem>,
    /// What became of the rows.
    pub numbers: ImportNumbers,
    /// The growth of the list's totals.
    pub tally: Tally,
}

/// The stored state that a group of links needs.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkFacts {
    /// The entries of the links that are on the list, without deleted referrers.
    pub entries: HashMap<EntryId, Entry>,
    /// The entries of the list that the links name.
    pub referrers: HashMap<ReferrerName, EntryId>,
    /// Those of the entries about whom the ledger has a row. Their referrer may be gone.
    pub referred: HashSet<EntryId>,
    /// How many more people count for the referrers, as far as the import notes it.
    pub limits: HashMap<EntryId, u64>,
}

/// The result of a group of links. The store writes all of it or nothing, and deletes the links.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LinkPlan {
    /// The referrals. The entry of each gets its referrer.
    pub referrals: Vec<Referral>,
    /// Referrers whom nobody knows, and referrals that do not count.
    pub problems: Vec<ImportProblem>,
}

impl LinkPlan {
    /// Returns the new credits of each referrer. The notes of the import lose them, both of referrals and of limits.
    pub fn credits(&self) -> BTreeMap<EntryId, u64> {
        ledger::credits(&self.referrals)
    }
}

impl ImportWork {
    /// Returns why the import ends here, if it does: its list is gone, or the worker gives it up.
    pub fn end_of(&self, import: &Import, list_is_there: bool) -> Option<&'static str> {
        match import.state.is_over() {
            true => None,
            false if !list_is_there => Some("the waitlist was deleted"),
            false => self.gives_up.then_some("the server could not go on with it, and its log says why; what was added stays"),
        }
    }

    /// Returns the own codes that matter to a group of rows: new ones, and those that old codes would hide behind.
    pub fn own_codes(&self, rows: &[ImportRow]) -> HashSet<ReferralCode> {
        let old = rows.iter().filter_map(|row| ReferralCode::parse(row.old_code.as_deref()?).ok());
        self.fresh.iter().take(rows.len()).map(|fresh| fresh.code.clone()).chain(old).collect()
    }

    /// Returns the old codes that matter to a group of rows.
    pub fn old_codes(&self, rows: &[ImportRow]) -> HashSet<String> {
        let new = self.fresh.iter().take(rows.len()).map(|fresh| fresh.code.as_str().to_owned());
        rows.iter().filter_map(|row| row.old_code.clone()).chain(new).collect()
    }

    /// Returns the notes that matter to a group of rows of a dry run.
    pub fn notes(rows: &[ImportRow]) -> HashSet<String> {
        let codes = rows.iter().filter_map(|row| row.old_code.as_deref()).map(note_of_code);
        let people = rows.iter().map(|row| &row.profile.email);
        people.flat_map(|email| [note_of_address(email), note_of_mailbox(email)]).chain(codes).collect()
    }

    /// Returns the name under which an import notes how many people somebody brought elsewhere.
    pub fn note_of_referrals(id: EntryId) -> String {
        format!("{}{id}", Self::REFERRALS)
    }

    /// Returns the name under which an import notes how many more people may count for somebody.
    pub fn note_of_limit(id: EntryId) -> String {
        format!("limit {id}")
    }

    /// What the names of [`ImportWork::note_of_referrals`] begin with, and nothing else.
    pub const REFERRALS: &str = "referrals ";

    /// Returns the name under which an import notes the entry of a row.
    pub fn note_of_row(id: &str) -> String {
        format!("row {id}")
    }

    /// Decides on a group of rows, which come in the order of their keys.
    ///
    /// # Errors
    /// If a new code is taken.
    pub fn add(&self, import: &Import, rows: &[ImportRow], facts: AddFacts) -> Result<AddPlan, ImportRejection> {
        let is_taken = |fresh: &RowIds| facts.own_codes.contains_key(&fresh.code) || facts.old_codes.contains_key(fresh.code.as_str());
        if self.fresh.iter().take(rows.len()).any(is_taken) {
            return Err(ImportRejection::CodeTaken);
        }
        let fields = facts.waitlist.settings.custom_fields.iter().map(|field| CustomField { required: false, ..field.clone() });
        let tally = Tally { last_position: facts.last_position, ..Tally::default() };
        let mut group =
            Group { work: self, import, fields: fields.collect(), facts, plan: AddPlan { tally, ..AddPlan::default() }, filled: 0 };
        for (row, fresh) in rows.iter().zip(&self.fresh) {
            group.take(row, fresh);
        }
        Ok(group.finish())
    }

    /// Decides on a group of links. A person who brought themselves, and one who is gone, is nobody's referral. A person is referred once,
    /// in however many rows and imports.
    pub fn link(&self, links: &[ImportLink], facts: &LinkFacts) -> LinkPlan {
        let (mut plan, mut linked, mut limits) = (LinkPlan::default(), HashSet::new(), facts.limits.clone());
        let problem = |link: &ImportLink, reason: &str| ImportProblem {
            line: link.line,
            column: "referred_by".to_owned(),
            reason: reason.to_owned(),
        };
        for (link, fresh) in links.iter().zip(&self.fresh) {
            let is_free = |entry: &&Entry| entry.referred_by.is_none() && !facts.referred.contains(&entry.id);
            let Some(entry) = facts.entries.get(&link.entry_id).filter(is_free).filter(|entry| !linked.contains(&entry.id)) else {
                continue;
            };
            match facts.referrers.get(&link.referrer) {
                None => plan.problems.push(problem(link, "nobody on this waitlist is this referrer; nobody was credited")),
                Some(referrer) if *referrer == entry.id => {}
                Some(referrer) => {
                    linked.insert(entry.id);
                    let state = match limits.get_mut(referrer) {
                        Some(0) => ReferralState::Withheld,
                        Some(left) => {
                            *left -= 1;
                            ReferralState::Credited
                        }
                        None => ReferralState::Credited,
                    };
                    if state == ReferralState::Withheld {
                        plan.problems
                            .push(problem(link, "the referral_count of the referrer has no more people; the referral is withheld"));
                    }
                    plan.referrals.push(Referral {
                        id: fresh.referral,
                        waitlist_id: self.waitlist_id,
                        referrer: Some(*referrer),
                        referred: Some(entry.id),
                        state,
                        score: 0,
                        reasons: Vec::new(),
                        policy: None,
                        created_at: entry.created_at,
                        decision: None,
                    });
                }
            }
        }
        plan
    }

    /// Returns an entry with more people that it brought elsewhere, or with fewer: those who are known by now. `None` means that its
    /// metadata has no room, or that the number stays.
    pub fn count(entry: Entry, more: i64) -> Option<Entry> {
        let mut document = entry.profile.metadata.document().clone();
        // Another service may have noted some before.
        let before = brought_elsewhere(&entry);
        match before.saturating_add_signed(more) {
            number if number == before => return None,
            0 => drop(document.remove(IMPORTED_REFERRALS)),
            number => drop(document.insert(IMPORTED_REFERRALS.to_owned(), number.into())),
        }
        let metadata = Metadata::parse(document).ok()?;
        Some(Entry { profile: Profile { metadata, ..entry.profile }, ..entry })
    }
}

/// The number of people that an entry brought elsewhere, as its metadata notes it.
fn brought_elsewhere(entry: &Entry) -> u64 {
    entry.profile.metadata.document().get(IMPORTED_REFERRALS).and_then(Value::as_u64).unwrap_or_default()
}

fn note_of_address(email: &Email) -> String {
    format!("mail {email}")
}

fn note_of_mailbox(email: &Email) -> String {
    format!("mailbox {}", email.mailbox())
}

fn note_of_code(code: &str) -> String {
    format!("code {code}")
}

fn link_of(row: &ImportRow, entry_id: EntryId) -> Option<ImportLink> {
    Some(ImportLink { line: row.line, entry_id, referrer: row.referrer.clone()? })
}

/// A group that is being decided.
struct Group<'a> {
    work: &'a ImportWork,
    import: &'a Import,
    fields: Vec<CustomField>,
    facts: AddFacts,
    plan: AddPlan,
    /// How many places the dry run would have filled.
    filled: u64,
}

impl Group<'_> {
    fn take(&mut self, row: &ImportRow, fresh: &RowIds) {
        let email = &row.profile.email;
        if self.facts.erased.contains(email) {
            self.plan.numbers.skipped += 1;
            return self.problem(row, "email", "the person was erased and is not brought back");
        }
        // Nobody may get mail against their will, whatever becomes of the row.
        self.suppress(row, fresh);
        if let Some(id) = self.person(email) {
            if self.import.on_duplicate == OnDuplicate::Skip {
                self.plan.numbers.skipped += 1;
            } else if !self.update(row, fresh) {
                return;
            }
            self.complete(row, id);
        } else if self.has_mailbox(email) {
            self.plan.numbers.skipped += 1;
            self.problem(row, "email", "another address of this mailbox is on the waitlist");
        } else {
            self.insert(row, fresh);
        }
    }

    /// The entry of an address: one of the list, or one that an earlier row of the dry run would have added.
    fn person(&self, email: &Email) -> Option<EntryId> {
        let known = self.facts.known.get(email).map(|entry| entry.id);
        known.or_else(|| self.facts.noted.get(&note_of_address(email)).copied())
    }

    /// Gives a person who is there what no choice about duplicates may lose: the old code, the referrer, and the number of referrals.
    fn complete(&mut self, row: &ImportRow, id: EntryId) {
        self.keep_code(row, id);
        let Some(entry) = self.facts.known.get(&row.profile.email).cloned() else { return };
        // Those of this file may name the row as their referrer.
        self.plan.notes.extend(row.row_id.as_deref().map(|row| (ImportWork::note_of_row(row), id, 0)));
        if entry.referred_by.is_none() {
            self.plan.links.extend(link_of(row, id));
        }
        if row.limits_credits {
            let left = row.referral_count.saturating_sub(entry.referral_count);
            self.plan.notes.push((ImportWork::note_of_limit(id), id, left));
        }
        if row.referral_count > 0 {
            // The note loses those who get linked, so that they are not counted in two places.
            let known = entry.referral_count.saturating_add(brought_elsewhere(&entry));
            self.plan.notes.push((ImportWork::note_of_referrals(id), id, row.referral_count.saturating_sub(known)));
        }
    }

    /// Whether the list takes each mailbox once and has that of an address.
    fn has_mailbox(&self, email: &Email) -> bool {
        let is_noted = || self.facts.noted.contains_key(&note_of_mailbox(email));
        self.facts.waitlist.settings.addresses.one_per_mailbox && (self.facts.mailboxes.contains(&email.mailbox()) || is_noted())
    }

    fn insert(&mut self, row: &ImportRow, fresh: &RowIds) {
        let Some(metadata) = self.check(row, row.profile.metadata.clone().reading_texts(&self.fields)) else { return };
        // A dry run has filled the places of its earlier groups nowhere but in its numbers.
        let before = if self.import.dry_run { self.import.numbers.added } else { 0 };
        let is_full = |max| self.facts.entries + before + self.filled >= max;
        if self.facts.waitlist.settings.max_entries.is_some_and(is_full) {
            return self.fail(row, "", "the waitlist is full");
        }
        let created_at = row.created_at.unwrap_or(self.import.created_at);
        let entry = Entry {
            id: fresh.entry,
            waitlist_id: self.facts.waitlist.id,
            workspace_id: self.facts.waitlist.workspace_id,
            profile: Profile { metadata, ..row.profile.clone() },
            referral_code: fresh.code.clone(),
            referral_count: 0,
            referred_by: None,
            position: Position::new(self.facts.last_position + 1 + self.filled),
            status: row.status,
            variant_id: None,
            link_generation: 0,
            confirmed_at: row.confirmed_at.map(|at| at.unwrap_or(created_at)),
            invitation: None,
            created_at,
            updated_at: created_at,
        };
        self.filled += 1;
        self.plan.numbers.added += 1;
        self.keep_code(row, entry.id);
        self.note(row, &entry);
        self.tell(&entry, fresh);
        self.plan.tally.add(&entry);
        self.facts.known.insert(row.profile.email.clone(), entry.clone());
        self.facts.mailboxes.insert(row.profile.email.mailbox());
        self.plan.entries.push(entry);
    }

    /// Gives an entry its old code, unless somebody else on the list has it.
    fn keep_code(&mut self, row: &ImportRow, id: EntryId) {
        let Some(code) = &row.old_code else { return };
        let (own, known) = (ReferralCode::parse(code).ok(), self.facts.known.get(&row.profile.email));
        let has_it_already = known.is_some_and(|entry| Some(&entry.referral_code) == own.as_ref());
        let owner = self.facts.old_codes.get(code).or_else(|| self.facts.noted.get(&note_of_code(code)));
        if has_it_already || owner == Some(&id) {
            return;
        }
        let is_own = own.is_some_and(|own| {
            self.facts.own_codes.get(&own).is_some_and(|is_here| *is_here)
                || self.plan.entries.iter().any(|entry| entry.referral_code == own)
        });
        if is_own || owner.is_some() {
            return self.problem(row, "referral_code", "another person on this waitlist has the code; this one is on it without it");
        }
        self.facts.old_codes.insert(code.clone(), id);
        self.plan.old_codes.push((code.clone(), id));
    }

    fn suppress(&mut self, row: &ImportRow, fresh: &RowIds) {
        let email = &row.profile.email;
        self.plan.suppressions.extend(row.suppressed.map(|reason| Suppression {
            id: fresh.suppression,
            workspace_id: self.import.workspace_id,
            address: self.work.links.secret().hash_address(email),
            masked_email: Some(email.masked().to_string()),
            reason,
            created_at: self.work.now,
        }));
    }

    fn note(&mut self, row: &ImportRow, entry: &Entry) {
        self.plan.links.extend(link_of(row, entry.id));
        self.plan.notes.extend(row.row_id.as_deref().map(|id| (ImportWork::note_of_row(id), entry.id, 0)));
        if row.referral_count > 0 {
            self.plan.notes.push((ImportWork::note_of_referrals(entry.id), entry.id, row.referral_count));
        }
        if row.limits_credits {
            self.plan.notes.push((ImportWork::note_of_limit(entry.id), entry.id, row.referral_count));
        }
    }

    fn tell(&mut self, entry: &Entry, fresh: &RowIds) {
        if !self.import.notify {
            return;
        }
        let (now, waitlist) = (self.work.now, &self.facts.waitlist);
        let kinds: &[EventKind] = match entry.status {
            EntryStatus::Approved => &[EventKind::EntryCreated, EventKind::EntryApproved],
            EntryStatus::Pending | EntryStatus::Rejected => &[EventKind::EntryCreated],
        };
        self.plan.events.extend(kinds.iter().zip(fresh.events).map(|(kind, id)| Event::new(id, *kind, now, entry, waitlist)));
        if entry.status == EntryStatus::Rejected {
            // Nobody is welcomed who was turned down.
            return;
        }
        let created = (fresh.events[0], EventKind::EntryCreated);
        let mail = |setup| Mail::of_event(setup, &self.work.links, created, now, entry, waitlist);
        self.plan.mails.extend(self.facts.mail.as_ref().and_then(mail));
    }

    /// Updates a person who is there. Returns whether the row fits.
    fn update(&mut self, row: &ImportRow, fresh: &RowIds) -> bool {
        let answers = row.profile.metadata.clone().reading_texts(&self.fields);
        let Some(before) = self.facts.known.get(&row.profile.email).cloned() else {
            // An earlier row of the dry run would have added the entry.
            let fits = self.check(row, answers).is_some();
            self.plan.numbers.updated += u64::from(fits);
            return fits;
        };
        let mut document: Map<String, Value> = before.profile.metadata.document().clone();
        document.extend(answers.document().clone());
        let metadata = match Metadata::parse(document) {
            Ok(metadata) => metadata,
            Err(error) => {
                self.fail(row, "metadata", &error.to_string());
                return false;
            }
        };
        let Some(metadata) = self.check(row, metadata) else { return false };
        let profile = Profile {
            email: before.profile.email.clone(),
            name: if row.has_name { row.profile.name.clone() } else { before.profile.name.clone() },
            interest: row.profile.interest.clone().or_else(|| before.profile.interest.clone()),
            referrer: row.profile.referrer.clone().or_else(|| before.profile.referrer.clone()),
            locale: row.profile.locale.clone().or_else(|| before.profile.locale.clone()),
            metadata,
            consent: before.profile.consent.clone(),
        };
        self.plan.numbers.updated += 1;
        if profile != before.profile {
            self.change(before.clone(), Entry { profile, updated_at: self.work.now, ..before }, fresh);
        }
        true
    }

    /// Plans the change of an entry, which this group may have added or changed before.
    fn change(&mut self, before: Entry, after: Entry, fresh: &RowIds) {
        let told = |entry: &Entry| (entry.profile.name.clone(), entry.profile.metadata.clone(), entry.profile.locale.clone());
        if self.import.notify && told(&before) != told(&after) {
            let [id, _] = fresh.events;
            self.plan.events.push(Event::new(id, EventKind::EntryUpdated, self.work.now, &after, &self.facts.waitlist));
        }
        self.facts.known.insert(after.profile.email.clone(), after.clone());
        let earlier = self.plan.updates.iter_mut().find(|update| update.after.id == after.id);
        match earlier {
            Some(update) => update.after = after,
            None => self.plan.updates.push(EntryUpdate { before, after }),
        }
    }

    /// Checks the answers to custom fields, and fails the row if some do not fit.
    fn check(&mut self, row: &ImportRow, metadata: Metadata) -> Option<Metadata> {
        match metadata.answering(&self.fields) {
            Ok(metadata) => Some(metadata),
            Err(errors) => {
                self.plan.numbers.failed += 1;
                errors.iter().for_each(|error| self.problem(row, &error.field, &error.message.to_string()));
                None
            }
        }
    }

    fn fail(&mut self, row: &ImportRow, column: &str, reason: &str) {
        self.plan.numbers.failed += 1;
        self.problem(row, column, reason);
    }

    fn problem(&mut self, row: &ImportRow, column: &str, reason: &str) {
        self.plan.problems.push(ImportProblem { line: row.line, column: column.to_owned(), reason: reason.to_owned() });
    }

    /// Returns the plan. That of a dry run changes nothing but the import.
    fn finish(self) -> AddPlan {
        let Self { import, facts, plan, .. } = self;
        if !import.dry_run {
            return plan;
        }
        let names = |email| [note_of_address(email), note_of_mailbox(email)];
        let people = plan.entries.iter().flat_map(|entry| names(&entry.profile.email).map(|name| (name, entry.id, 0)));
        let codes = plan.old_codes.iter().map(|(code, id)| (note_of_code(code), *id, 0));
        AddPlan {
            notes: people.chain(codes).collect(),
            problems: plan.problems,
            numbers: plan.numbers,
            tally: Tally { last_position: facts.last_position, ..Tally::default() },
            ..AddPlan::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::super::tests::{links, smtp_setup, waitlist};
    use super::*;
    use crate::import::tests::{at, import, row};
    use crate::suppression::SuppressionReason;
    use crate::text::{PersonName, Referrer};

    fn fresh(n: u64) -> RowIds {
        let id = |kind: u64| Uuid::from_u128(u128::from(kind * 1000 + n));
        RowIds {
            entry: EntryId::new(id(1)),
            code: ReferralCode::from_entropy(n),
            events: [EventId::new(id(2)), EventId::new(id(3))],
            suppression: SuppressionId::new(id(4)),
            referral: ReferralId::new(id(5)),
        }
    }

    fn work() -> ImportWork {
        ImportWork {
            import_id: import().id,
            waitlist_id: import().waitlist_id,
            claim: ClaimId::new(Uuid::nil()),
            now: at(5000),
            lease_until: at(5060),
            gives_up: false,
            fresh: (1..=9).map(fresh).collect(),
            links: links(),
        }
    }

    fn facts(settings: Value) -> AddFacts {
        AddFacts {
            waitlist: waitlist(settings),
            last_position: 10,
            entries: 8,
            known: HashMap::new(),
            mailboxes: HashSet::new(),
            own_codes: HashMap::new(),
            old_codes: HashMap::new(),
            erased: HashSet::new(),
            noted: HashMap::new(),
            mail: None,
        }
    }

    fn add(import: &Import, rows: &[ImportRow], facts: AddFacts) -> AddPlan {
        work().add(import, rows, facts).unwrap()
    }

    fn numbers(plan: &AddPlan) -> [u64; 4] {
        let ImportNumbers { added, updated, skipped, failed } = plan.numbers;
        [added, updated, skipped, failed]
    }

    #[test]
    fn rows_take_the_next_positions_and_keep_their_times() {
        let unknown = ImportRow { created_at: None, confirmed_at: Some(None), ..row(4, "bob@example.com") };
        let plan = add(&import(), &[row(2, "ada@example.com"), row(3, "ada@example.com"), unknown], facts(json!({})));
        assert_eq!(numbers(&plan), [2, 0, 1, 0]);
        let of = |n: usize| (plan.entries[n].position.number(), plan.entries[n].created_at, plan.entries[n].confirmed_at);
        assert_eq!((of(0), of(1)), ((11, at(2), None), (12, import().created_at, Some(import().created_at))));
        assert_eq!((plan.tally.last_position, plan.tally.by_status, plan.events.len(), plan.mails.len()), (12, [2, 0, 0], 0, 0));
    }

    #[test]
    fn a_list_that_is_full_takes_no_more() {
        let plan = add(&import(), &[row(2, "a@example.com"), row(3, "b@example.com")], facts(json!({"max_entries": 9})));
        assert_eq!(numbers(&plan), [1, 0, 0, 1]);
        assert_eq!((plan.problems[0].line, plan.problems[0].reason.as_str()), (3, "the waitlist is full"));
    }

    #[test]
    fn a_mailbox_is_imported_once_if_the_list_says_so() {
        let rows = [row(2, "a.b@gmail.com"), row(3, "ab+x@googlemail.com"), row(4, "c+news@example.com")];
        assert_eq!(numbers(&add(&import(), &rows, facts(json!({})))), [3, 0, 0, 0]);
        let mailboxes = HashSet::from([Email::parse("c@example.com").unwrap()]);
        let once = || AddFacts { mailboxes: mailboxes.clone(), ..facts(json!({"one_per_mailbox": true})) };
        let plan = add(&import(), &rows, once());
        assert_eq!((numbers(&plan), plan.problems.len()), ([1, 0, 2, 0], 2));
        let dry = Import { dry_run: true, ..import() };
        let noted = add(&dry, &rows[..1], once()).notes.into_iter().map(|(name, id, _)| (name, id)).collect();
        assert_eq!(numbers(&add(&dry, &rows[1..2], AddFacts { noted, ..once() })), [0, 0, 1, 0]);
    }

    #[test]
    fn an_erased_person_is_skipped_and_told_of() {
        let erased = HashSet::from([Email::parse("a@example.com").unwrap()]);
        let plan = add(&import(), &[row(2, "a@example.com")], AddFacts { erased, ..facts(json!({})) });
        assert_eq!((numbers(&plan), plan.problems.len()), ([0, 0, 1, 0], 1));
    }

    #[test]
    fn an_old_code_belongs_to_the_first_who_claims_it() {
        let with = |line, address, code: &str| ImportRow { old_code: Some(code.to_owned()), ..row(line, address) };
        let own = ReferralCode::from_entropy(99);
        let rows = [
            with(2, "a@example.com", "Abc"),
            with(3, "b@example.com", "Abc"),
            with(4, "c@example.com", "aBC"),
            with(5, "d@example.com", "there"),
            with(6, "e@example.com", &own.as_str().to_lowercase()),
        ];
        let facts = AddFacts {
            own_codes: HashMap::from([(own.clone(), true)]),
            old_codes: HashMap::from([("there".to_owned(), fresh(8).entry)]),
            ..facts(json!({}))
        };
        let plan = add(&import(), &rows, facts.clone());
        let codes: Vec<&str> = plan.old_codes.iter().map(|(code, _)| code.as_str()).collect();
        assert_eq!((numbers(&plan), codes), ([5, 0, 0, 0], vec!["Abc", "aBC"]));
        assert_eq!(plan.problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [3, 5, 6]);
        // The code of another list does not matter.
        let elsewhere = AddFacts { own_codes: HashMap::from([(own, false)]), ..facts };
        assert_eq!(add(&import(), &rows[4..], elsewhere).old_codes.len(), 1);
    }

    #[test]
    fn new_codes_avoid_those_that_somebody_has() {
        let code = fresh(1).code;
        let rows = [row(2, "a@example.com")];
        let own = AddFacts { own_codes: HashMap::from([(code.clone(), false)]), ..facts(json!({})) };
        let old = AddFacts { old_codes: HashMap::from([(code.to_string(), fresh(8).entry)]), ..facts(json!({})) };
        for facts in [own, old] {
            assert_eq!(work().add(&import(), &rows, facts), Err(ImportRejection::CodeTaken));
        }
        assert!(work().own_codes(&rows).contains(&code) && work().old_codes(&rows).contains(code.as_str()));
    }

    #[test]
    fn an_update_sets_what_the_row_has() {
        let of = |document: Value| Metadata::parse(document.as_object().unwrap().clone()).unwrap();
        let mut first = row(2, "a@example.com");
        first.profile.metadata = of(json!({"a": "1", "b": "1"}));
        let entry = add(&import(), &[first], facts(json!({}))).entries.remove(0);
        let update = Import { on_duplicate: OnDuplicate::Update, ..import() };
        let known = || HashMap::from([(entry.profile.email.clone(), entry.clone())]);
        let mut second = ImportRow { has_name: false, status: EntryStatus::Rejected, ..row(3, "a@example.com") };
        second.profile.metadata = of(json!({"b": "2"}));
        let plan = add(&update, &[second], AddFacts { known: known(), ..facts(json!({})) });
        assert_eq!(numbers(&plan), [0, 1, 0, 0]);
        let after = &plan.updates[0].after;
        assert_eq!((after.status, after.profile.metadata.document()), (EntryStatus::Pending, of(json!({"a": "1", "b": "2"})).document()));
        assert_eq!((after.profile.name.as_str(), after.updated_at), ("Ada", work().now));
        let same = ImportRow { has_name: true, ..row(4, "a@example.com") };
        let plan = add(&update, &[same], AddFacts { known: known(), ..facts(json!({})) });
        assert_eq!((numbers(&plan), plan.updates), ([0, 1, 0, 0], Vec::new()));
    }

    #[test]
    fn custom_fields_are_checked_and_not_required() {
        let list = json!({"custom_fields": [{"key": "size", "type": "number"}, {"key": "company", "required": true}]});
        let mut bad = row(3, "b@example.com");
        bad.profile.metadata = Metadata::parse(json!({"size": "many"}).as_object().unwrap().clone()).unwrap();
        let mut text = row(4, "c@example.com");
        text.profile.metadata = Metadata::parse(json!({"size": "7"}).as_object().unwrap().clone()).unwrap();
        let plan = add(&import(), &[row(2, "a@example.com"), bad, text], facts(list));
        assert_eq!((numbers(&plan), plan.problems[0].column.as_str()), ([2, 0, 0, 1], "metadata.size"));
        assert_eq!(plan.entries[1].profile.metadata.document()["size"], 7);
    }

    #[test]
    fn nobody_hears_of_an_import_unless_it_notifies() {
        let approved = ImportRow { status: EntryStatus::Approved, suppressed: Some(SuppressionReason::Manual), ..row(2, "a@example.com") };
        let facts = || AddFacts { mail: Some(smtp_setup()), ..facts(json!({})) };
        let plan = add(&import(), std::slice::from_ref(&approved), facts());
        assert_eq!((plan.events.len(), plan.mails.len(), plan.suppressions.len()), (0, 0, 1));
        let plan = add(&Import { notify: true, ..import() }, &[approved], facts());
        assert_eq!((plan.events.len(), plan.mails.len()), (2, 1));
        let rejected = ImportRow { status: EntryStatus::Rejected, ..row(2, "a@example.com") };
        let plan = add(&Import { notify: true, ..import() }, &[rejected], facts());
        assert_eq!((plan.events.len(), plan.mails.len()), (1, 0), "nobody is welcomed who was turned down");
    }

    #[test]
    fn a_dry_run_changes_nothing_and_counts_the_same() {
        let dry = Import { dry_run: true, ..import() };
        let with_code = ImportRow { old_code: Some("x".to_owned()), referral_count: 2, ..row(2, "a@example.com") };
        let rows = [with_code, row(3, "a@example.com")];
        let plan = add(&dry, &rows, facts(json!({})));
        assert_eq!(numbers(&plan), numbers(&add(&import(), &rows, facts(json!({})))));
        assert!(plan.entries.is_empty() && plan.old_codes.is_empty() && plan.tally.last_position == 10);
        let noted: HashMap<String, EntryId> = plan.notes.into_iter().map(|(name, id, _)| (name, id)).collect();
        assert_eq!(noted.keys().cloned().collect::<HashSet<_>>(), ImportWork::notes(&rows));
        // The next group takes it into account.
        assert_eq!(numbers(&add(&dry, &rows, AddFacts { noted, ..facts(json!({})) })), [0, 0, 2, 0]);
    }

    #[test]
    fn links_are_credits_once() {
        let people = add(&import(), &[row(2, "a@example.com"), row(3, "b@example.com")], facts(json!({}))).entries;
        let (ada, bob) = (people[0].id, people[1].id);
        let name = ReferrerName::Code("x".to_owned());
        let link = |line, entry_id| ImportLink { line, entry_id, referrer: name.clone() };
        let mut facts = LinkFacts {
            entries: people.iter().map(|entry| (entry.id, entry.clone())).collect(),
            referrers: HashMap::from([(name.clone(), ada)]),
            referred: HashSet::new(),
            limits: HashMap::new(),
        };
        let plan = work().link(&[link(2, ada), link(3, bob), link(4, bob)], &facts);
        assert_eq!((plan.credits(), plan.referrals[0].referred), (BTreeMap::from([(ada, 1)]), Some(bob)));
        assert_eq!(plan.problems, []);
        let stranger = ImportLink { referrer: ReferrerName::Code("y".to_owned()), ..link(5, bob) };
        let plan = work().link(std::slice::from_ref(&stranger), &facts);
        assert_eq!((plan.referrals.len(), plan.problems[0].line, plan.problems[0].column.as_str()), (0, 5, "referred_by"));
        let full = LinkFacts { limits: HashMap::from([(ada, 0)]), ..facts.clone() };
        let plan = work().link(&[link(3, bob)], &full);
        assert_eq!((plan.referrals[0].state, plan.credits(), plan.problems.len()), (ReferralState::Withheld, BTreeMap::new(), 1));
        let in_ledger = LinkFacts { referred: HashSet::from([bob]), ..facts.clone() };
        facts.entries.get_mut(&bob).unwrap().referred_by = Some(ada);
        for facts in [in_ledger, facts] {
            assert_eq!(work().link(&[link(3, bob), stranger.clone()], &facts), LinkPlan::default());
        }
    }

    #[test]
    fn a_row_of_a_person_who_is_there_completes_the_entry() {
        let entry = add(&import(), &[row(2, "a@example.com")], facts(json!({}))).entries.remove(0);
        let known = Entry { referral_count: 2, ..ImportWork::count(entry, 1).unwrap() };
        let with = |line| ImportRow {
            old_code: Some("Abc".to_owned()),
            referrer: Some(ReferrerName::Code("x".to_owned())),
            referral_count: 5,
            suppressed: Some(SuppressionReason::Unsubscribed),
            ..row(line, "a@example.com")
        };
        let facts = |known: &Entry| AddFacts { known: HashMap::from([(known.profile.email.clone(), known.clone())]), ..facts(json!({})) };
        for on_duplicate in [OnDuplicate::Skip, OnDuplicate::Update] {
            let plan = add(&Import { on_duplicate, ..import() }, &[with(3), with(4)], facts(&known));
            assert_eq!((plan.old_codes, plan.problems), (vec![("Abc".to_owned(), known.id)], Vec::new()));
            assert_eq!((plan.links.len(), plan.suppressions.len(), plan.entries.len()), (2, 2, 0));
            assert_eq!(plan.notes[0], (ImportWork::note_of_referrals(known.id), known.id, 2), "two are credited, and one is noted");
        }
        let referred = Entry { referred_by: Some(fresh(7).entry), ..known };
        assert_eq!(add(&import(), &[with(3)], facts(&referred)).links, []);
        let dry = add(&Import { dry_run: true, ..import() }, &[with(3)], facts(&referred));
        assert!(dry.suppressions.is_empty() && dry.old_codes.is_empty() && dry.links.is_empty());
    }

    #[test]
    fn a_row_without_mail_suppresses_its_address_whatever_becomes_of_it() {
        let without = |line, address| ImportRow { suppressed: Some(SuppressionReason::Unsubscribed), ..row(line, address) };
        let erased = HashSet::from([Email::parse("d@example.com").unwrap()]);
        let rows = [without(2, "a@example.com"), row(3, "b@example.com"), without(4, "b@example.com"), without(5, "d@example.com")];
        let plan = add(&import(), &rows, AddFacts { erased, ..facts(json!({"max_entries": 8})) });
        assert_eq!((numbers(&plan), plan.suppressions.len()), ([0, 0, 1, 3], 2), "nothing of an erased person is kept");
    }

    #[test]
    fn an_update_is_told_if_the_import_notifies() {
        let entry = add(&import(), &[row(2, "a@example.com")], facts(json!({}))).entries.remove(0);
        let facts = || AddFacts { known: HashMap::from([(entry.profile.email.clone(), entry.clone())]), ..facts(json!({})) };
        let mut renamed = row(3, "a@example.com");
        renamed.profile.name = PersonName::parse("Ada L.").unwrap();
        let mut elsewhere = row(3, "a@example.com");
        elsewhere.profile.referrer = Some(Referrer::parse("news").unwrap());
        for (row, notify, told) in [(&renamed, true, 1), (&renamed, false, 0), (&elsewhere, true, 0)] {
            let update = Import { on_duplicate: OnDuplicate::Update, notify, ..import() };
            let plan = add(&update, std::slice::from_ref(row), facts());
            assert_eq!((plan.updates.len(), plan.events.len(), plan.mails.len()), (1, told, 0));
            assert!(plan.events.iter().all(|event| event.kind == EventKind::EntryUpdated));
        }
    }

    #[test]
    fn referrals_of_unknown_people_are_noted_in_the_metadata() {
        let entry = add(&import(), &[row(2, "a@example.com")], facts(json!({}))).entries.remove(0);
        assert_eq!(ImportWork::count(entry.clone(), 0), None);
        let counted = ImportWork::count(entry, 3).unwrap();
        assert_eq!(counted.profile.metadata.document()[IMPORTED_REFERRALS], 3);
        assert_eq!(ImportWork::count(counted.clone(), -2).unwrap().profile.metadata.document()[IMPORTED_REFERRALS], 1);
        assert_eq!(ImportWork::count(counted.clone(), -4).unwrap().profile.metadata.document().get(IMPORTED_REFERRALS), None);
        assert_eq!(ImportWork::count(counted, 4).unwrap().profile.metadata.document()[IMPORTED_REFERRALS], 7);
    }
}
