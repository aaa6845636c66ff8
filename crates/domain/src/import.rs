//! Imports: files of people that become entries of a waitlist, in small groups and in the background.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::audit::{AuditAction, AuditActor, AuditRow, AuditTarget, Audited, change};
use crate::custom_field::Metadata;
use crate::email::Email;
use crate::entry::EntryStatus;
use crate::error::{Fault, Invalid};
use crate::export::Line;
use crate::id::{EntryId, ImportId, WaitlistId, WorkspaceId};
use crate::locale::Locale;
use crate::profile::Profile;
use crate::suppression::SuppressionReason;
use crate::text::{Interest, PersonName, Referrer, Subject};
use crate::timestamp::Timestamp;

/// How far an import is. [`ImportState::shown`] is what people see of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImportState {
    /// The file arrives. People see the import as queued.
    Uploading,
    /// The import waits for a worker.
    Queued,
    /// A worker has begun.
    Running,
    /// Every row was looked at.
    Done,
    /// The file cannot be imported.
    Failed,
    /// Somebody ended it.
    Cancelled,
}

impl ImportState {
    /// All states.
    pub const ALL: [Self; 6] = [Self::Uploading, Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// Returns the name on the wire and in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads a stored name.
    ///
    /// # Errors
    /// If there is no such state.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be a state of an import"))
    }

    /// Returns the state that people see. An import whose file arrives waits, for all that anybody sees.
    #[must_use]
    pub const fn shown(self) -> Self {
        match self {
            Self::Uploading => Self::Queued,
            Self::Queued | Self::Running | Self::Done | Self::Failed | Self::Cancelled => self,
        }
    }

    /// Whether the import has ended.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// What a worker does next for an import. The steps follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ImportStep {
    /// It reads the file into rows.
    Read,
    /// It adds the rows to the list, in the order of their sign-ups.
    Add,
    /// It restores the list from the lines of an export, instead of the three steps before the cleaning.
    Restore,
    /// It looks up who brought the people that were added.
    Link,
    /// It notes the referrals of which the person is unknown.
    Count,
    /// It deletes what was staged.
    Clean,
    /// Nothing is left to do.
    Over,
}

impl ImportStep {
    /// All steps, in their order.
    pub const ALL: [Self; 7] = [Self::Read, Self::Add, Self::Restore, Self::Link, Self::Count, Self::Clean, Self::Over];

    /// Returns the name in a store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Add => "add",
            Self::Restore => "restore",
            Self::Link => "link",
            Self::Count => "count",
            Self::Clean => "clean",
            Self::Over => "over",
        }
    }

    /// Reads a stored name.
    ///
    /// # Errors
    /// If there is no such step.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|step| step.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be a step of an import"))
    }
}

/// What happens to a row whose address is on the list already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnDuplicate {
    /// The entry stays as it is.
    #[default]
    Skip,
    /// The entry gets the name, interest, source, language and metadata that the row has.
    Update,
}

impl OnDuplicate {
    /// Returns the name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Update => "update",
        }
    }

    /// Reads the name on the wire.
    ///
    /// # Errors
    /// If it is another one.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text {
            "skip" => Ok(Self::Skip),
            "update" => Ok(Self::Update),
            _ => Err(Invalid::new("must be one of skip, update")),
        }
    }
}

/// What became of the rows so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportNumbers {
    /// Rows that are new entries.
    pub added: u64,
    /// Rows that changed an entry.
    pub updated: u64,
    /// Rows that added nobody and changed no profile: the person is on the list already, or was erased.
    pub skipped: u64,
    /// Rows that cannot be imported.
    pub failed: u64,
}

impl ImportNumbers {
    /// Returns the number of rows that were looked at.
    pub const fn read(self) -> u64 {
        self.added + self.updated + self.skipped + self.failed
    }

    /// Adds other numbers.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            added: self.added + other.added,
            updated: self.updated + other.updated,
            skipped: self.skipped + other.skipped,
            failed: self.failed + other.failed,
        }
    }
}

/// Where a step goes on: the key of the last item that it dealt with. Each step says what the numbers are.
pub type ImportMark = [i64; 3];

/// An import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The id.
    pub id: ImportId,
    /// The workspace of the list.
    pub workspace_id: WorkspaceId,
    /// The list that gets the people.
    pub waitlist_id: WaitlistId,
    /// How far it is.
    pub state: ImportState,
    /// What a worker does next.
    pub step: ImportStep,
    /// What happens to people who are on the list already.
    pub on_duplicate: OnDuplicate,
    /// Whether nothing is changed.
    pub dry_run: bool,
    /// Whether events and mail are written, as for sign-ups.
    pub notify: bool,
    /// How the file is read, as the reader of files wrote it down.
    pub source: String,
    /// Why the import failed.
    pub error: Option<String>,
    /// What became of the rows.
    pub numbers: ImportNumbers,
    /// Where the step goes on.
    pub mark: ImportMark,
    /// Who began it, if the actor has a name.
    pub started_by: Option<Subject>,
    /// Who began it, for the audit log. `None` means that an older program did not keep it.
    pub actor: Option<AuditActor>,
    /// When the file began to arrive.
    pub created_at: Timestamp,
    /// When a worker began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl Import {
    /// The mark before the first item of a step.
    pub const FIRST: ImportMark = [i64::MIN; 3];

    /// Returns the import as a worker holds it. An upload that nobody goes on with fails.
    #[must_use]
    pub fn claimed(self, now: Timestamp) -> Self {
        match self.state {
            ImportState::Uploading => self.failed("the upload broke off", now),
            ImportState::Queued => Self { state: ImportState::Running, started_at: Some(now), ..self },
            _ => self,
        }
    }

    /// Returns the import after its file has arrived: it waits for a worker, or it failed because the file cannot be read.
    #[must_use]
    pub fn arrived(self, source: Result<String, String>, now: Timestamp) -> Self {
        match source {
            Ok(source) => Self { state: ImportState::Queued, source, ..self },
            Err(reason) => self.failed(&reason, now),
        }
    }

    /// Returns the import at its next step.
    #[must_use]
    pub fn at_next_step(self, now: Timestamp) -> Self {
        let step = match self.step {
            ImportStep::Read => ImportStep::Add,
            ImportStep::Add if self.dry_run => return self.ended(ImportState::Done, now),
            ImportStep::Add => ImportStep::Link,
            ImportStep::Link => ImportStep::Count,
            ImportStep::Restore | ImportStep::Count => return self.ended(ImportState::Done, now),
            ImportStep::Clean | ImportStep::Over => ImportStep::Over,
        };
        self.at_step(step)
    }

    /// Returns the import at the beginning of a step.
    #[must_use]
    pub fn at_step(self, step: ImportStep) -> Self {
        Self { step, mark: Self::FIRST, ..self }
    }

    /// Returns the import after it failed.
    #[must_use]
    pub fn failed(self, reason: &str, now: Timestamp) -> Self {
        Self { error: Some(reason.to_owned()), ..self.ended(ImportState::Failed, now) }
    }

    /// Returns the import after somebody ended it. `None` means that it had ended.
    #[must_use]
    pub fn cancelled(self, now: Timestamp) -> Option<Self> {
        (!self.state.is_over()).then(|| self.ended(ImportState::Cancelled, now))
    }

    /// Returns the import with the row about its start or end, from the state that it had before. The actor is the one who began it.
    ///
    /// A dry run changes nothing and has no row. Neither has a file that was refused before the import had started.
    pub fn audited(self, before: ImportState, now: Timestamp) -> Audited<Self> {
        let has_started = matches!(before, ImportState::Queued | ImportState::Running);
        let (action, changes) = match self.state {
            ImportState::Queued if before == ImportState::Uploading => (AuditAction::ImportStart, self.start()),
            ImportState::Done | ImportState::Failed if has_started => (AuditAction::ImportEnd, self.end(before)),
            _ => return Audited::silent(self),
        };
        let actor = self.actor.clone().unwrap_or(AuditActor::SYSTEM);
        let row = AuditRow::new(actor, now, Some(self.workspace_id), action, AuditTarget::from(self.id), changes);
        let row = row.filter(|_| !self.dry_run);
        Audited::new(self, row)
    }

    fn start(&self) -> Map<String, Value> {
        let mut changes = change("waitlist_id", None::<String>, self.waitlist_id.to_string());
        changes.extend(change("on_duplicate", None::<String>, self.on_duplicate.as_str()));
        changes.extend(change("notify", None::<bool>, self.notify));
        changes
    }

    /// What an end changes, and what the import did to the list.
    pub(crate) fn end(&self, before: ImportState) -> Map<String, Value> {
        let ImportNumbers { added, updated, skipped, failed } = self.numbers;
        let mut changes = change("state", before.as_str(), self.state.as_str());
        for (field, number) in [("added", added), ("updated", updated), ("skipped", skipped), ("failed", failed)] {
            changes.extend(change(field, 0, number));
        }
        changes
    }

    fn ended(self, state: ImportState, now: Timestamp) -> Self {
        Self { state, step: ImportStep::Clean, mark: Self::FIRST, ended_at: Some(now), ..self }
    }
}

/// A problem of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProblem {
    /// The line where the record begins.
    #[serde(skip)]
    pub line: u64,
    /// The header of the column. It is empty if the whole record is meant.
    pub column: String,
    /// What is wrong.
    pub reason: String,
}

impl ImportProblem {
    /// Returns the problem for a store. The line is part of the key.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts serialise")
    }

    /// Reads a stored problem.
    ///
    /// # Errors
    /// If it is not one.
    pub fn from_json(line: u64, json: &[u8]) -> Result<Self, Fault> {
        let problem: Self = serde_json::from_slice(json).map_err(Fault::unexpected)?;
        Ok(Self { line, ..problem })
    }
}

/// How a row names the person who brought them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferrerName {
    /// By a code, as it was given. Case matters for codes of other services.
    Code(String),
    /// By their address.
    Address(String),
    /// By the id of their row. If no row has it, it is a code.
    Row(String),
}

/// A person without a referrer, and who brought them according to the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportLink {
    /// The line of the person. It is the key of the link.
    #[serde(skip)]
    pub line: u64,
    /// The entry of the person.
    #[serde(with = "entry_id")]
    pub entry_id: EntryId,
    /// The name of the referrer.
    pub referrer: ReferrerName,
}

mod entry_id {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use crate::id::EntryId;

    pub(super) fn serialize<S: Serializer>(id: &EntryId, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<EntryId, D::Error> {
        EntryId::parse(&String::deserialize(from)?).map_err(de::Error::custom)
    }
}

impl ImportLink {
    /// Returns the link for a store. The line is part of the key.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts serialise")
    }

    /// Reads a stored link.
    ///
    /// # Errors
    /// If it is not one.
    pub fn from_json(line: u64, json: &[u8]) -> Result<Self, Fault> {
        let link: Self = serde_json::from_slice(json).map_err(Fault::unexpected)?;
        Ok(Self { line, ..link })
    }
}

/// What a group restores.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreItem {
    /// The line of the file.
    pub line: u64,
    /// What it says.
    pub content: RestoreContent,
}

/// What a group restores from a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoreContent {
    /// All that the line says, but for the referrer.
    Line(Line),
    /// The referrer, when everybody is there.
    Referrer {
        /// The new entry or tombstone.
        #[serde(with = "entry_id")]
        entry_id: EntryId,
        /// The id of the referrer in the file.
        referrer: String,
    },
}

impl RestoreItem {
    /// The first number of the keys behind those of people.
    pub const AFTER_PEOPLE: i64 = i64::MAX;

    /// Returns the key that orders items: the list, its variants, people by their positions, their referrers, the ledger.
    pub fn key(&self) -> ImportMark {
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let [first, second] = match &self.content {
            RestoreContent::Line(Line::Variant(_)) => [0, 1],
            RestoreContent::Line(Line::Entry(entry)) => [number(entry.position), 0],
            RestoreContent::Line(Line::Tombstone(tombstone)) => [number(tombstone.position), 0],
            RestoreContent::Referrer { .. } => [Self::AFTER_PEOPLE, 0],
            RestoreContent::Line(Line::Referral(_)) => [Self::AFTER_PEOPLE, 1],
            RestoreContent::Line(Line::Waitlist(_) | Line::Export(_) | Line::End(_)) => [0, 0],
        };
        [first, second, number(self.line)]
    }

    /// Returns how many of the next items make a group. People and what comes after them are never in one group: the referrers of its
    /// people are written for a later group, which must still come.
    pub fn group<'a>(keys: impl Iterator<Item = &'a ImportMark>) -> usize {
        let mut keys = keys.peekable();
        match keys.peek().is_some_and(|[first, ..]| *first < Self::AFTER_PEOPLE) {
            true => keys.take_while(|[first, ..]| *first < Self::AFTER_PEOPLE).count(),
            false => keys.count(),
        }
    }

    /// Returns the item for a store. The line is part of the key.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.content).expect("texts serialise")
    }

    /// Reads a stored item.
    ///
    /// # Errors
    /// If it is not one.
    pub fn from_json([_, _, line]: ImportMark, json: &[u8]) -> Result<Self, Fault> {
        let content = serde_json::from_slice(json).map_err(Fault::unexpected)?;
        Ok(Self { line: line.unsigned_abs(), content })
    }
}

/// A person as a file tells of them. All values are checked.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportRow {
    /// The line where the record begins.
    pub line: u64,
    /// The position on the old list. It orders people of the same instant.
    pub place: u64,
    /// What the person said. Without a name it has the part of the address before the `@`.
    pub profile: Profile,
    /// Whether the file has the name.
    pub has_name: bool,
    /// The status.
    pub status: EntryStatus,
    /// Why the address gets no mail, if so.
    pub suppressed: Option<SuppressionReason>,
    /// When the person signed up. `None` puts the row behind those with a time.
    pub created_at: Option<Timestamp>,
    /// When the person confirmed the address, if they did. `Some(None)` is an unknown time.
    pub confirmed_at: Option<Option<Timestamp>>,
    /// The code that the person shared, as it was given.
    pub old_code: Option<String>,
    /// Who brought them.
    pub referrer: Option<ReferrerName>,
    /// How many people they brought, as the file says.
    pub referral_count: u64,
    /// Whether no more of the people whom they brought count. Rally's own file names the referrer of a referral that is withheld, too.
    pub limits_credits: bool,
    /// The id of the row in the file, if other rows name their referrer by it.
    pub row_id: Option<String>,
}

/// The form of a row in a store, without the numbers of its key.
#[derive(Serialize, Deserialize)]
struct StoredRow {
    email: String,
    name: String,
    has_name: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    referrer: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    metadata: Map<String, Value>,
    status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suppressed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confirmed: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    old_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<ReferrerName>,
    #[serde(default)]
    count: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limits: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    row_id: Option<String>,
}

impl ImportRow {
    /// Returns the key that orders rows as people signed up: by time, then by the old position, then by the line.
    pub fn key(&self) -> ImportMark {
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        [self.created_at.map_or(i64::MAX, Timestamp::unix_millis), number(self.place), number(self.line)]
    }

    /// Returns the row for a store, without its key.
    pub fn to_json(&self) -> Vec<u8> {
        let Profile { email, name, interest, referrer, locale, metadata, consent: _ } = &self.profile;
        let stored = StoredRow {
            email: email.to_string(),
            name: name.to_string(),
            has_name: self.has_name,
            interest: interest.as_ref().map(ToString::to_string),
            referrer: referrer.as_ref().map(ToString::to_string),
            locale: locale.as_ref().map(ToString::to_string),
            metadata: metadata.document().clone(),
            status: self.status.as_str().to_owned(),
            suppressed: self.suppressed.map(|reason| reason.as_str().to_owned()),
            confirmed: self.confirmed_at.map(|at| at.map_or(Value::Bool(true), |at| at.unix_millis().into())),
            old_code: self.old_code.clone(),
            by: self.referrer.clone(),
            count: self.referral_count,
            limits: self.limits_credits.then_some(true),
            row_id: self.row_id.clone(),
        };
        serde_json::to_vec(&stored).expect("texts serialise")
    }

    /// Reads a stored row.
    ///
    /// # Errors
    /// If it is not one.
    pub fn from_json([millis, place, line]: ImportMark, json: &[u8]) -> Result<Self, Fault> {
        let stored: StoredRow = serde_json::from_slice(json).map_err(Fault::unexpected)?;
        let instant = |millis| Timestamp::from_unix_millis(millis).map_err(Fault::unexpected);
        let confirmed_at = match stored.confirmed {
            None => None,
            Some(at) => Some(at.as_i64().map(instant).transpose()?),
        };
        Ok(Self {
            line: line.unsigned_abs(),
            place: place.unsigned_abs(),
            profile: Profile {
                email: Email::from_stored(stored.email),
                name: PersonName::from_stored(stored.name),
                interest: stored.interest.map(Interest::from_stored),
                referrer: stored.referrer.map(Referrer::from_stored),
                locale: stored.locale.map(Locale::from_stored),
                metadata: Metadata::from_stored(stored.metadata),
                consent: None,
            },
            has_name: stored.has_name,
            status: EntryStatus::parse(&stored.status).map_err(Fault::unexpected)?,
            suppressed: stored.suppressed.map(|reason| SuppressionReason::parse(&reason)).transpose().map_err(Fault::unexpected)?,
            created_at: if millis == i64::MAX { None } else { Some(instant(millis)?) },
            confirmed_at,
            old_code: stored.old_code,
            referrer: stored.by,
            referral_count: stored.count,
            limits_credits: stored.limits.unwrap_or_default(),
            row_id: stored.row_id,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    pub(crate) fn at(second: i64) -> Timestamp {
        Timestamp::from_unix_millis(second * 1000).unwrap()
    }

    pub(crate) fn import() -> Import {
        Import {
            id: ImportId::new(Uuid::from_u128(1)),
            workspace_id: WorkspaceId::new(Uuid::from_u128(9)),
            waitlist_id: WaitlistId::new(Uuid::from_u128(1)),
            state: ImportState::Running,
            step: ImportStep::Add,
            on_duplicate: OnDuplicate::Skip,
            dry_run: false,
            notify: false,
            source: String::new(),
            error: None,
            numbers: ImportNumbers::default(),
            mark: Import::FIRST,
            started_by: None,
            actor: None,
            created_at: at(1000),
            started_at: Some(at(1001)),
            ended_at: None,
        }
    }

    pub(crate) fn row(line: u64, address: &str) -> ImportRow {
        let profile = Profile::new(Email::parse(address).unwrap(), PersonName::parse("Ada").unwrap());
        ImportRow {
            line,
            place: line,
            profile,
            has_name: true,
            status: EntryStatus::Pending,
            suppressed: None,
            created_at: Some(at(line as i64)),
            confirmed_at: None,
            old_code: None,
            referrer: None,
            referral_count: 0,
            limits_credits: false,
            row_id: None,
        }
    }

    #[test]
    fn an_import_whose_file_arrives_is_shown_as_queued() {
        for state in ImportState::ALL {
            let shown = if state == ImportState::Uploading { ImportState::Queued } else { state };
            assert_eq!(state.shown(), shown);
        }
    }

    #[test]
    fn the_start_and_the_end_of_an_import_are_audited() {
        let row = |import: Import, before| import.audited(before, at(9)).rows.pop().map(|row| (row.action, row.changes));
        let named = |import, before| row(import, before).map(|(action, _)| action);
        let state = |state| Import { state, ..import() };
        assert_eq!(named(state(ImportState::Queued), ImportState::Uploading).as_deref(), Some("import.start"));
        assert_eq!(named(state(ImportState::Failed), ImportState::Running).as_deref(), Some("import.end"));
        assert_eq!(named(state(ImportState::Failed), ImportState::Uploading), None, "nothing had started");
        assert_eq!(named(state(ImportState::Done), ImportState::Done), None);
        assert_eq!(named(Import { dry_run: true, ..state(ImportState::Done) }, ImportState::Running), None);
        let numbers = ImportNumbers { added: 3, ..ImportNumbers::default() };
        let (_, changes) = row(Import { numbers, ..state(ImportState::Done) }, ImportState::Running).unwrap();
        assert_eq!(Value::Object(changes), serde_json::json!({"added": [0, 3], "state": ["running", "done"]}));
    }

    #[test]
    fn rows_links_and_problems_read_back() {
        let plain = row(7, "ada@example.com");
        let metadata = Metadata::parse(json!({"company": "Acme"}).as_object().unwrap().clone()).unwrap();
        let full = ImportRow {
            profile: Profile {
                interest: Some(Interest::parse("x").unwrap()),
                referrer: Some(Referrer::parse("news").unwrap()),
                locale: Some(Locale::english()),
                metadata,
                ..plain.profile.clone()
            },
            suppressed: Some(SuppressionReason::Manual),
            created_at: None,
            confirmed_at: Some(None),
            old_code: Some("aB".to_owned()),
            referrer: Some(ReferrerName::Row("9".to_owned())),
            referral_count: 3,
            limits_credits: true,
            row_id: Some("8".to_owned()),
            ..plain.clone()
        };
        let confirmed = ImportRow { confirmed_at: Some(Some(at(5))), ..plain.clone() };
        for row in [plain, full, confirmed] {
            assert_eq!(ImportRow::from_json(row.key(), &row.to_json()).unwrap(), row);
        }
        let problem = ImportProblem { line: 3, column: "email".to_owned(), reason: "must not be empty".to_owned() };
        assert_eq!(ImportProblem::from_json(3, &problem.to_json()).unwrap(), problem);
        let link = ImportLink { line: 4, entry_id: EntryId::new(Uuid::from_u128(5)), referrer: ReferrerName::Code("x".to_owned()) };
        assert_eq!(ImportLink::from_json(4, &link.to_json()).unwrap(), link);
    }

    #[test]
    fn an_import_goes_through_its_steps() {
        let mut steps = vec![];
        let mut import = Import { step: ImportStep::Read, ..import() };
        while import.step != ImportStep::Over {
            import = import.at_next_step(at(9));
            steps.push((import.state.as_str(), import.step.as_str()));
        }
        assert_eq!(steps, [("running", "add"), ("running", "link"), ("running", "count"), ("done", "clean"), ("done", "over")]);
        assert_eq!(import.ended_at, Some(at(9)));
        let restored = self::import().at_step(ImportStep::Restore).at_next_step(at(9));
        assert_eq!((restored.state, restored.step), (ImportState::Done, ImportStep::Clean));
        assert_eq!(import.cancelled(at(9)), None);
        let dry = Import { dry_run: true, ..self::import() }.at_next_step(at(9));
        assert_eq!((dry.state, dry.step), (ImportState::Done, ImportStep::Clean));
    }

    #[test]
    fn an_upload_that_nobody_goes_on_with_fails() {
        let upload = Import { state: ImportState::Uploading, ..import() };
        assert_eq!(upload.clone().claimed(at(9)).error.as_deref(), Some("the upload broke off"));
        let queued = upload.clone().arrived(Ok("{}".to_owned()), at(8));
        assert_eq!(queued.clone().claimed(at(9)).started_at, Some(at(9)));
        assert_eq!(upload.arrived(Err("no columns".to_owned()), at(8)).state, ImportState::Failed);
        assert_eq!(queued.cancelled(at(9)).unwrap().state, ImportState::Cancelled);
    }

    #[test]
    fn names_read_back() {
        assert!(ImportState::ALL.into_iter().all(|state| ImportState::parse(state.as_str()) == Ok(state)));
        assert!(ImportStep::ALL.into_iter().all(|step| ImportStep::parse(step.as_str()) == Ok(step)));
        assert!(ImportState::parse("x").is_err() && ImportStep::parse("x").is_err() && OnDuplicate::parse("x").is_err());
        assert_eq!(OnDuplicate::parse(OnDuplicate::Update.as_str()), Ok(OnDuplicate::Update));
    }
}
