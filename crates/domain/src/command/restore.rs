//! Restoring a list from its export: the groups of a worker.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::{ImportRejection, ImportWork, RowIds};
use crate::email::Email;
use crate::entry::Entry;
use crate::error::FieldError;
use crate::export::{self, Line};
use crate::id::{EntryId, VariantId};
use crate::import::{Import, ImportMark, ImportNumbers, ImportProblem, RestoreContent, RestoreItem};
use crate::ledger::{self, Referral};
use crate::referral::{OldCode, ReferralCode};
use crate::tally::Tally;
use crate::tombstone::Tombstone;
use crate::variant::Variant;
use crate::waitlist::Waitlist;

/// Why a list that has people is not restored.
pub const NOT_EMPTY: &str = "the waitlist is not empty";

/// The stored state that a group of lines needs. The store keeps it locked until the group is written.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreFacts {
    /// The waitlist.
    pub waitlist: Waitlist,
    /// The last position on the list.
    pub last_position: u64,
    /// The last position of the file. It matters to the first group alone.
    pub file_ends_at: u64,
    /// The entries of the list that have addresses of the lines.
    pub known: HashMap<Email, EntryId>,
    /// Those of [`ImportWork::codes_of_lines`] that an entry has as its own.
    pub own_codes: HashSet<ReferralCode>,
    /// Those of [`ImportWork::codes_of_lines`] that an entry of this list has as an old code.
    pub old_codes: HashSet<String>,
    /// Those of the addresses that belong to people who were erased from the workspace.
    pub erased: HashSet<Email>,
    /// Those of [`ImportWork::names_of_lines`] that the import has, each with its id.
    pub names: HashMap<String, Uuid>,
    /// Those of [`ImportWork::people_of_lines`] that are there: entries of the list, and what stays of erased ones. The store keeps the
    /// entries from being deleted until the group is written.
    pub present: HashSet<EntryId>,
    /// Those of the noted entries that have a row in the ledger.
    pub referred: HashSet<EntryId>,
}

/// The result of a group of lines. The store writes all of it or nothing, and deletes the lines.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RestorePlan {
    /// Why nothing can be restored. Then the rest of the plan is empty, and the import fails.
    pub refused: Option<&'static str>,
    /// The list with the texts, the status and the settings of the file. It has no variants until [`RestorePlan::variants`] are written.
    pub waitlist: Option<Waitlist>,
    /// Variants.
    pub variants: Vec<Variant>,
    /// Entries.
    pub entries: Vec<Entry>,
    /// What stays of erased entries.
    pub tombstones: Vec<Tombstone>,
    /// Old codes, each with its entry.
    pub old_codes: Vec<(String, EntryId)>,
    /// Entries and tombstones, each with its referrer.
    pub referrers: Vec<(EntryId, EntryId)>,
    /// The rows of the ledger.
    pub referrals: Vec<Referral>,
    /// Names that the import notes, each with an id.
    pub notes: Vec<(String, Uuid)>,
    /// Lines for a later group.
    pub later: Vec<RestoreItem>,
    /// What is wrong with lines.
    pub problems: Vec<ImportProblem>,
    /// What became of the people.
    pub numbers: ImportNumbers,
    /// The growth of the list's totals.
    pub tally: Tally,
}

impl RestorePlan {
    /// Returns the new credits of each referrer.
    pub fn credits(&self) -> BTreeMap<EntryId, u64> {
        ledger::credits(&self.referrals)
    }
}

impl ImportWork {
    /// Returns the codes that matter to a group of lines: those of the people, and new ones.
    pub fn codes_of_lines(&self, items: &[RestoreItem]) -> HashSet<String> {
        let new = self.fresh.iter().take(items.len()).map(|fresh| fresh.code.as_str().to_owned());
        // As they are stored: a file may have another spelling.
        let of = |item: &RestoreItem| -> Vec<String> {
            let RestoreContent::Line(Line::Entry(entry)) = &item.content else { return Vec::new() };
            let old = entry.old_codes.iter().filter_map(|code| OldCode::parse(code).ok()).map(|code| code.as_str().to_owned());
            let own = ReferralCode::parse(&entry.referral_code).ok().map(|code| code.as_str().to_owned());
            old.chain(own).collect()
        };
        items.iter().flat_map(of).chain(new).collect()
    }

    /// Returns the addresses of a group of lines.
    pub fn addresses_of_lines(items: &[RestoreItem]) -> Vec<Email> {
        let of = |item: &RestoreItem| match &item.content {
            RestoreContent::Line(Line::Entry(entry)) => Email::parse(&entry.email).ok(),
            _ => None,
        };
        items.iter().filter_map(of).collect()
    }

    /// Returns the names that a group of lines refers to.
    pub fn names_of_lines(items: &[RestoreItem]) -> HashSet<String> {
        let person = |id: &str| [Self::note_of_row(id), note_of_member(id)];
        let of = |item: &RestoreItem| -> Vec<String> {
            match &item.content {
                RestoreContent::Line(Line::Entry(entry)) => entry.variant_id.as_deref().map(note_of_variant).into_iter().collect(),
                RestoreContent::Line(Line::Tombstone(stone)) => stone.variant_id.as_deref().map(note_of_variant).into_iter().collect(),
                RestoreContent::Line(Line::Referral(referral)) => {
                    [&referral.referrer_entry_id, &referral.referred_entry_id].into_iter().flatten().flat_map(|id| person(id)).collect()
                }
                RestoreContent::Line(_) => Vec::new(),
                RestoreContent::Referrer { referrer, .. } => person(referrer).into(),
            }
        };
        items.iter().flat_map(of).collect()
    }

    /// Returns the ids of people who matter to a group of lines: those of the names that the import has, and those who get a referrer.
    pub fn people_of_lines(items: &[RestoreItem], names: &HashMap<String, Uuid>) -> Vec<Uuid> {
        let of = |item: &RestoreItem| match &item.content {
            RestoreContent::Referrer { entry_id, .. } => Some(entry_id.uuid()),
            RestoreContent::Line(_) => None,
        };
        names.values().copied().chain(items.iter().filter_map(of)).collect()
    }

    /// Decides on a group of lines, which come in the order of their keys.
    ///
    /// # Errors
    /// If a new code is taken.
    pub fn restore(&self, import: &Import, items: &[RestoreItem], facts: RestoreFacts) -> Result<RestorePlan, ImportRejection> {
        let is_first = import.mark == Import::FIRST;
        if is_first && facts.last_position > 0 {
            return Ok(RestorePlan { refused: Some(NOT_EMPTY), ..RestorePlan::default() });
        }
        let is_taken = |fresh: &RowIds| facts.own_codes.contains(&fresh.code) || facts.old_codes.contains(fresh.code.as_str());
        if self.fresh.iter().take(items.len()).any(is_taken) {
            return Err(ImportRejection::CodeTaken);
        }
        // People who sign up meanwhile stand behind everybody in the file, and behind those who are gone.
        let given_out = items.iter().map(|item| match &item.content {
            RestoreContent::Line(Line::Waitlist(line)) => line.last_position,
            _ => 0,
        });
        let last_position = if is_first { given_out.fold(facts.file_ends_at, u64::max) } else { facts.last_position };
        let plan = RestorePlan { tally: Tally { last_position, ..Tally::default() }, ..RestorePlan::default() };
        let mut group = Group { work: self, import, facts, plan, place: import.mark };
        for (item, fresh) in items.iter().zip(&self.fresh) {
            group.take(item, fresh);
            group.place = item.key();
        }
        Ok(group.finish())
    }
}

fn note_of_variant(id: &str) -> String {
    format!("variant {id}")
}

/// The name of a person of the file who was on the list before their line came.
fn note_of_member(id: &str) -> String {
    format!("member {id}")
}

/// What the import knows of a person that a line names.
enum Named {
    /// Nobody in the file is called so.
    Nobody,
    /// The person was deleted meanwhile.
    Gone,
    /// The entry or tombstone, and whether the import made it.
    There(EntryId, bool),
}

/// A group that is being decided.
struct Group<'a> {
    work: &'a ImportWork,
    import: &'a Import,
    facts: RestoreFacts,
    plan: RestorePlan,
    /// The key of the item before.
    place: ImportMark,
}

impl Group<'_> {
    fn take(&mut self, item: &RestoreItem, fresh: &RowIds) {
        let taken = match &item.content {
            RestoreContent::Line(Line::Waitlist(line)) => self.waitlist(line),
            RestoreContent::Line(Line::Variant(line)) => self.variant(line, fresh),
            RestoreContent::Line(Line::Entry(line)) => self.person(item, line, fresh),
            RestoreContent::Line(Line::Tombstone(line)) => self.tombstone(item, line, fresh),
            RestoreContent::Line(Line::Referral(line)) => self.referral(line, fresh),
            RestoreContent::Line(Line::Export(_) | Line::End(_)) => Ok(()),
            RestoreContent::Referrer { entry_id, referrer } => self.referrer(*entry_id, referrer),
        };
        if let Err(FieldError { field, message }) = taken {
            self.plan.numbers.failed += u64::from(matches!(item.content, RestoreContent::Line(_)));
            self.problem(item.line, &field, &message.to_string());
        }
    }

    fn waitlist(&mut self, line: &export::Waitlist) -> Result<(), FieldError> {
        let waitlist = line.read(self.facts.waitlist.clone(), self.work.now)?;
        self.facts.waitlist = waitlist.clone();
        self.plan.waitlist = Some(waitlist);
        Ok(())
    }

    fn variant(&mut self, line: &export::Variant, fresh: &RowIds) -> Result<(), FieldError> {
        let id = VariantId::new(fresh.entry.uuid());
        self.plan.variants.push(line.read(self.facts.waitlist.id, id)?);
        self.note(note_of_variant(&line.id), id.uuid());
        Ok(())
    }

    fn person(&mut self, item: &RestoreItem, line: &export::Entry, fresh: &RowIds) -> Result<(), FieldError> {
        self.check_position(line.position)?;
        let (waitlist, variant) = (&self.facts.waitlist, self.variant_of(line.variant_id.as_deref()));
        let mut entry = line.read(waitlist.id, waitlist.workspace_id, fresh.entry, variant)?;
        let email = entry.profile.email.clone();
        if self.facts.erased.contains(&email) {
            self.plan.numbers.skipped += 1;
            self.problem(item.line, "email", "the person was erased and is not brought back");
            return Ok(());
        }
        if let Some(known) = self.facts.known.get(&email).copied() {
            self.plan.numbers.skipped += 1;
            self.note(note_of_member(&line.id), known.uuid());
            return Ok(());
        }
        let code = entry.referral_code.clone();
        let mut old_codes: Vec<&str> = line.old_codes.iter().map(String::as_str).collect();
        if self.facts.own_codes.contains(&code) || self.facts.old_codes.contains(code.as_str()) {
            entry.referral_code = fresh.code.clone();
            old_codes.push(code.as_str());
        }
        self.facts.own_codes.insert(entry.referral_code.clone());
        for code in old_codes {
            self.keep_code(item, code, entry.id);
        }
        self.plan.numbers.added += 1;
        self.note(ImportWork::note_of_row(&line.id), entry.id.uuid());
        self.refer(item.line, entry.id, line.referred_by.as_ref());
        self.plan.tally.add(&entry);
        self.facts.known.insert(email, entry.id);
        self.plan.entries.push(entry);
        Ok(())
    }

    /// Gives the entry an old code, unless somebody on the list has it.
    fn keep_code(&mut self, item: &RestoreItem, code: &str, id: EntryId) {
        let code = OldCode::parse(code).map(|code| code.as_str().to_owned());
        match code {
            Ok(code) if self.facts.old_codes.insert(code.clone()) => self.plan.old_codes.push((code, id)),
            Ok(_) => self.problem(item.line, "old_codes", "another person on this waitlist has the code; the person was added without it"),
            Err(error) => self.problem(item.line, "old_codes", &error.to_string()),
        }
    }

    fn tombstone(&mut self, item: &RestoreItem, line: &export::Tombstone, fresh: &RowIds) -> Result<(), FieldError> {
        self.check_position(line.position)?;
        let tombstone = line.read(self.facts.waitlist.id, fresh.entry, self.variant_of(line.variant_id.as_deref()))?;
        self.note(ImportWork::note_of_row(&line.id), tombstone.id.uuid());
        self.refer(item.line, tombstone.id, line.referred_by.as_ref());
        self.plan.tally.add_tombstone(&tombstone);
        self.plan.tombstones.push(tombstone);
        Ok(())
    }

    /// The lines come in the order of positions, so one that is taken is that of the line before.
    fn check_position(&self, position: u64) -> Result<(), FieldError> {
        let taken = u64::try_from(self.place[0]).is_ok_and(|before| before == position);
        if taken { Err(export::wrong("position", "another line has this position")) } else { Ok(()) }
    }

    /// The variant that a line means. One that was deleted keeps its id, and leads nowhere here either.
    fn variant_of(&self, id: Option<&str>) -> Option<VariantId> {
        let noted = self.facts.names.get(&note_of_variant(id?)).copied().map(VariantId::new);
        noted.or_else(|| VariantId::parse(id?).ok())
    }

    /// Leaves the referrer of a person to a later group, when all people are noted.
    fn refer(&mut self, line: u64, id: EntryId, referrer: Option<&String>) {
        let content = referrer.map(|referrer| RestoreContent::Referrer { entry_id: id, referrer: referrer.clone() });
        self.plan.later.extend(content.map(|content| RestoreItem { line, content }));
    }

    fn referrer(&mut self, id: EntryId, referrer: &str) -> Result<(), FieldError> {
        match self.named(referrer) {
            Named::There(referrer, _) if self.facts.present.contains(&id) => {
                self.plan.referrers.push((id, referrer));
                self.plan.tally.referred += 1;
                Ok(())
            }
            Named::Nobody if !self.import.dry_run => Err(export::wrong("referred_by", "names nobody in this file")),
            // Somebody who was deleted has no referrer, and is none.
            Named::There(..) | Named::Gone | Named::Nobody => Ok(()),
        }
    }

    fn referral(&mut self, line: &export::Referral, fresh: &RowIds) -> Result<(), FieldError> {
        let of = |id: &Option<String>| id.as_deref().map_or(Named::Nobody, |id| self.named(id));
        let person = |named: &Named| if let Named::There(id, _) = named { Some(*id) } else { None };
        let (referrer, referred) = (of(&line.referrer_entry_id), of(&line.referred_entry_id));
        if let Named::There(_, false) = referred {
            return Err(export::wrong("referred_entry_id", "this person has signed up meanwhile, with or without a friend's code"));
        }
        let (referrer, referred) = (person(&referrer), person(&referred));
        let referral = line.read(self.facts.waitlist.id, fresh.referral, referrer, referred)?;
        if referred.is_some_and(|referred| !self.facts.referred.insert(referred)) {
            return Err(export::wrong("referred_entry_id", "another line is about this person"));
        }
        self.plan.referrals.push(referral);
        Ok(())
    }

    /// Whom the file calls so.
    fn named(&self, id: &str) -> Named {
        let noted = |name: String| self.facts.names.get(&name).copied().map(EntryId::new);
        let made = noted(ImportWork::note_of_row(id)).map(|id| (id, true));
        match made.or_else(|| noted(note_of_member(id)).map(|id| (id, false))) {
            Some((id, made)) if self.facts.present.contains(&id) => Named::There(id, made),
            Some(_) => Named::Gone,
            None => Named::Nobody,
        }
    }

    fn note(&mut self, name: String, id: Uuid) {
        self.facts.names.entry(name.clone()).or_insert(id);
        self.plan.notes.push((name, id));
    }

    fn problem(&mut self, line: u64, column: &str, reason: &str) {
        self.plan.problems.push(ImportProblem { line, column: column.to_owned(), reason: reason.to_owned() });
    }

    /// Returns the plan. That of a dry run changes nothing but the import.
    fn finish(self) -> RestorePlan {
        let Self { import, facts, plan, .. } = self;
        if !import.dry_run {
            return plan;
        }
        let tally = Tally { last_position: facts.last_position, ..Tally::default() };
        RestorePlan { problems: plan.problems, numbers: plan.numbers, tally, ..RestorePlan::default() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::{links, waitlist};
    use super::*;
    use crate::id::{ClaimId, EventId, ReferralId, SuppressionId};
    use crate::import::tests::{at, import};

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

    fn facts() -> RestoreFacts {
        RestoreFacts {
            waitlist: waitlist(json!({})),
            last_position: 0,
            file_ends_at: 7,
            known: HashMap::new(),
            own_codes: HashSet::new(),
            old_codes: HashSet::new(),
            erased: HashSet::new(),
            names: HashMap::new(),
            present: HashSet::new(),
            referred: HashSet::new(),
        }
    }

    fn code(n: u64) -> String {
        ReferralCode::from_entropy(n).as_str().to_owned()
    }

    fn item(line: u64, content: serde_json::Value) -> RestoreItem {
        RestoreItem { line, content: RestoreContent::Line(serde_json::from_value(content).unwrap()) }
    }

    fn person(line: u64, position: u64, referred_by: Option<&str>) -> RestoreItem {
        let entry = json!({
            "type": "entry", "id": format!("file {line}"), "email": format!("p{line}@example.com"), "name": "P", "referral_code": code(line + 90),
            "referral_count": 0, "referred_by": referred_by, "position": position, "status": "pending", "variant_id": "v",
            "created_at": "2026-01-31T09:00:00.000Z", "updated_at": "2026-02-01T09:00:00.000Z",
        });
        item(line, entry)
    }

    fn restore(items: &[RestoreItem], facts: RestoreFacts) -> RestorePlan {
        work().restore(&import(), items, facts).unwrap()
    }

    #[test]
    fn people_keep_positions_codes_and_times_and_get_their_variant() {
        let names = HashMap::from([("variant v".to_owned(), Uuid::from_u128(77))]);
        let plan = restore(&[person(4, 2, Some("file 5")), person(5, 5, None)], RestoreFacts { names, ..facts() });
        let entry = &plan.entries[0];
        assert_eq!((entry.position.number(), entry.referral_code.as_str()), (2, code(94).as_str()));
        assert_eq!((entry.variant_id, entry.updated_at > entry.created_at), (Some(VariantId::new(Uuid::from_u128(77))), true));
        assert_eq!((plan.tally.last_position, plan.tally.by_status, plan.numbers.added), (7, [2, 0, 0], 2));
        let later = RestoreContent::Referrer { entry_id: entry.id, referrer: "file 5".to_owned() };
        assert_eq!(plan.later, [RestoreItem { line: 4, content: later }]);
        assert!(plan.later[0].key() > person(9, 1_000_000, None).key());
        let keys = [person(4, 1, None).key(), person(5, 2, None).key(), plan.later[0].key()];
        assert_eq!(
            (RestoreItem::group(keys.iter()), RestoreItem::group(keys[2..].iter())),
            (2, 1),
            "no group has people and their referrers"
        );
    }

    #[test]
    fn a_code_that_somebody_has_becomes_an_old_one() {
        let own_codes = HashSet::from([ReferralCode::from_entropy(94)]);
        let plan = restore(&[person(4, 2, None)], RestoreFacts { own_codes, ..facts() });
        assert_eq!(
            (plan.entries[0].referral_code.as_str(), plan.old_codes.as_slice()),
            (code(1).as_str(), [(code(94), plan.entries[0].id)].as_slice())
        );
        let spelt = json!({
            "type": "entry", "id": "a", "email": "a@example.com", "name": "A", "referral_code": format!(" {} ", code(94).to_lowercase()),
            "old_codes": [" w ", "\u{0}"], "referral_count": 0, "position": 1, "status": "pending",
            "created_at": "2026-01-31T09:00:00.000Z", "updated_at": "2026-02-01T09:00:00.000Z",
        });
        let asked = work().codes_of_lines(&[item(4, spelt)]);
        assert!([code(94).as_str(), "w", code(1).as_str()].iter().all(|code| asked.contains(*code)) && asked.len() == 3, "{asked:?}");
        let taken = RestoreFacts { own_codes: HashSet::from([ReferralCode::from_entropy(1)]), ..facts() };
        assert_eq!(work().restore(&import(), &[person(4, 2, None)], taken), Err(ImportRejection::CodeTaken));
    }

    #[test]
    fn a_position_and_a_referral_are_restored_once() {
        let plan = restore(&[person(4, 2, None), person(5, 2, None)], facts());
        assert_eq!((plan.numbers.added, plan.numbers.failed, plan.problems[0].line), (1, 1, 5));
        let names = HashMap::from([("row a".to_owned(), Uuid::from_u128(1)), ("row b".to_owned(), Uuid::from_u128(2))]);
        let referral = json!({
            "type": "referral", "id": "r", "referrer_entry_id": "a", "referred_entry_id": "b", "state": "credited", "score": 0,
            "created_at": "2026-01-31T09:00:00.000Z",
        });
        let mark = [RestoreItem::AFTER_PEOPLE, 0, 3];
        let present = names.values().copied().map(EntryId::new).collect();
        let facts = RestoreFacts { names, present, last_position: 7, ..facts() };
        let plan = work().restore(&Import { mark, ..import() }, &[item(4, referral.clone()), item(5, referral)], facts).unwrap();
        assert_eq!(
            (plan.referrals.len(), plan.problems.len(), plan.credits()),
            (1, 1, BTreeMap::from([(EntryId::new(Uuid::from_u128(1)), 1)]))
        );
    }

    /// People of the file may be deleted, and may sign up, while it is imported.
    #[test]
    fn who_is_gone_or_came_by_themselves_is_not_referred() {
        let id = |n: u128| EntryId::new(Uuid::from_u128(n));
        let mark = [RestoreItem::AFTER_PEOPLE, 0, 3];
        let referral = |referrer: &str, referred: &str| {
            item(
                4,
                json!({
                    "type": "referral", "id": "r", "referrer_entry_id": referrer, "referred_entry_id": referred, "state": "credited",
                    "score": 0, "created_at": "2026-01-31T09:00:00.000Z",
                }),
            )
        };
        let referrer = |of: u128, name: &str| RestoreItem {
            line: 4,
            content: RestoreContent::Referrer { entry_id: id(of), referrer: name.to_owned() },
        };
        let decide = |items: &[RestoreItem]| {
            let names = [("row a", 1), ("row gone", 2), ("row c", 3), ("member d", 4)];
            let names: HashMap<String, Uuid> = names.map(|(name, n)| (name.to_owned(), Uuid::from_u128(n))).into();
            let asked = ImportWork::names_of_lines(items);
            assert!(asked.contains("row a") && asked.contains("member a"), "{asked:?}");
            let present = [id(1), id(3), id(4)].into();
            let facts = RestoreFacts { names, present, last_position: 7, ..facts() };
            work().restore(&Import { mark, ..import() }, items, facts).unwrap()
        };
        let plan = decide(&[referrer(3, "a"), referrer(9, "a"), referrer(3, "gone"), referrer(3, "d"), referrer(3, "nobody")]);
        assert_eq!((plan.referrers, plan.tally.referred), (vec![(id(3), id(1)), (id(3), id(4))], 2));
        assert_eq!(plan.problems.iter().map(|problem| problem.column.as_str()).collect::<Vec<_>>(), ["referred_by"]);
        let plan = decide(&[referral("a", "c"), referral("gone", "c"), referral("a", "gone"), referral("a", "d")]);
        let ends: Vec<_> = plan.referrals.iter().map(|referral| (referral.referrer, referral.referred)).collect();
        assert_eq!(ends, [(Some(id(1)), Some(id(3))), (Some(id(1)), None)]);
        assert_eq!(plan.problems.len(), 2);
    }

    #[test]
    fn a_list_with_people_is_refused_and_an_erased_person_stays_away() {
        assert_eq!(restore(&[person(4, 2, None)], RestoreFacts { last_position: 1, ..facts() }).refused, Some(NOT_EMPTY));
        let erased = HashSet::from([Email::parse("p4@example.com").unwrap()]);
        let plan = restore(&[person(4, 2, None)], RestoreFacts { erased, ..facts() });
        assert_eq!((plan.entries.len(), plan.numbers.skipped, plan.problems.len()), (0, 1, 1));
    }
}
