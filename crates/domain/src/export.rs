//! The lines of `export.jsonl`: everything of a list, one JSON object a line. An export writes them and an import reads them, so both have
//! one form.
//!
//! The lines come in this order: one `export`, one `waitlist`, each `variant` by its creation, each `entry` and `tombstone` by its
//! position, each `referral` by its state and then from the oldest on, and one `end`. A file without the `end` was cut off.
//!
//! Ids tie lines together and mean nothing beyond the file. Times are RFC 3339 in UTC with milliseconds. There is no time of the export, so
//! two exports of an unchanged list are the same. Later versions of Rally may add fields and types of lines; readers ignore what they do
//! not know. [`VERSION`] changes only if an older reader would get something wrong.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::consent::Consent as DomainConsent;
use crate::custom_field::Metadata;
use crate::document;
use crate::email::Email;
use crate::entry::{Entry as DomainEntry, EntryStatus, Invitation, MAX_APP_SLUG};
use crate::error::{FieldError, Invalid};
use crate::id::{EntryId, ReferralId, VariantId, WaitlistId, WorkspaceId};
use crate::ledger::{Referral as DomainReferral, ReferralDecision, ReferralSignal, ReferralState};
use crate::locale::Locale;
use crate::profile::Profile;
use crate::referral::{Position, ReferralCode};
use crate::settings::Settings;
use crate::text::{
    ConsentText, DecisionReason, Description, DisplayName, Interest, Lines, PersonName, Referrer, Subject, check_characters, clean,
};
use crate::timestamp::Timestamp;
use crate::tombstone::Tombstone as DomainTombstone;
use crate::variant::{Variant as DomainVariant, VariantCopy, VariantKind, Weight};
use crate::waitlist::{Waitlist as DomainWaitlist, WaitlistStatus};

/// The version of the form.
pub const VERSION: u32 = 1;

/// The most levels of arrays and objects in a line: those of a document that Rally takes, and as many round it.
pub const MAX_DEPTH: usize = 2 * document::MAX_DEPTH;

/// A line of an export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Line {
    /// The first line.
    Export(Export),
    /// The list.
    Waitlist(Waitlist),
    /// A variant.
    Variant(Variant),
    /// An entry.
    Entry(Box<Entry>),
    /// What stays of an erased entry.
    Tombstone(Tombstone),
    /// A row of the ledger of referrals.
    Referral(Referral),
    /// The last line.
    End(End),
}

impl Line {
    /// Returns the first line.
    pub const fn first() -> Self {
        Self::Export(Export { version: VERSION })
    }

    /// Returns the line with its line break.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec(self).expect("texts, numbers and maps of texts serialise");
        json.push(b'\n');
        json
    }
}

/// The first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// The version of the form.
    pub version: u32,
}

/// The list. Its slug is not in the file, because an import goes into a list that has one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waitlist {
    /// The name that visitors see.
    pub display_name: String,
    /// The text under the name.
    pub description: Option<String>,
    /// The status.
    pub status: String,
    /// The settings with all defaults, and unknown keys.
    pub settings: Map<String, Value>,
    /// The last position that was given out, also to somebody who is gone: no position is given out twice.
    #[serde(default)]
    pub last_position: u64,
}

impl Waitlist {
    /// Returns the line of a list.
    pub fn of(waitlist: &DomainWaitlist, last_position: u64) -> Self {
        Self {
            display_name: waitlist.display_name.to_string(),
            description: waitlist.description.as_ref().map(ToString::to_string),
            status: waitlist.status.as_str().to_owned(),
            settings: waitlist.settings.to_document(),
            last_position,
        }
    }
}

/// A variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// The id in the file.
    pub id: String,
    /// `ab` or `locale`.
    pub kind: String,
    /// The language tag.
    pub locale: String,
    /// The texts.
    pub copy: Map<String, Value>,
    /// The weight.
    pub weight: u8,
    /// Whether visitors get it.
    pub active: bool,
    /// When it was created.
    pub created_at: String,
}

impl Variant {
    /// Returns the line of a variant.
    pub fn of(variant: &DomainVariant) -> Self {
        Self {
            id: variant.id.to_string(),
            kind: variant.kind.as_str().to_owned(),
            locale: variant.locale.to_string(),
            copy: variant.copy.to_document(),
            weight: variant.weight.number(),
            active: variant.active,
            created_at: variant.created_at.to_string(),
        }
    }
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The id in the file.
    pub id: String,
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// The plans for the product.
    #[serde(default)]
    pub interest: Option<String>,
    /// The source.
    #[serde(default)]
    pub referrer: Option<String>,
    /// The language tag.
    #[serde(default)]
    pub locale: Option<String>,
    /// The metadata.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// What the person agreed to.
    #[serde(default)]
    pub consent: Option<Consent>,
    /// The referral code.
    pub referral_code: String,
    /// The codes from other services, in their order.
    #[serde(default)]
    pub old_codes: Vec<String>,
    /// The referrals that count, as the referral lines have them.
    pub referral_count: u64,
    /// The id of the referrer's line.
    #[serde(default)]
    pub referred_by: Option<String>,
    /// The position.
    pub position: u64,
    /// The status.
    pub status: String,
    /// The id of the variant's line.
    #[serde(default)]
    pub variant_id: Option<String>,
    /// When the address was confirmed.
    #[serde(default)]
    pub confirmed_at: Option<String>,
    /// When the person was invited last.
    #[serde(default)]
    pub invited_at: Option<String>,
    /// The app of that invitation.
    #[serde(default)]
    pub invited_to_app_slug: Option<String>,
    /// When the person signed up.
    pub created_at: String,
    /// When the entry was changed last.
    pub updated_at: String,
}

/// What a person agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The text.
    pub text: String,
    /// The SHA-256 of the text, in hexadecimal digits.
    pub sha256: String,
    /// When they agreed.
    pub at: String,
}

impl Consent {
    fn of(consent: &DomainConsent) -> Self {
        let document = consent.document();
        Self { text: document.text.to_owned(), sha256: document.sha256, at: document.at.to_string() }
    }
}

impl Entry {
    /// Returns the line of an entry, with its old codes.
    pub fn of(entry: &DomainEntry, old_codes: Vec<String>) -> Self {
        let profile = &entry.profile;
        let invitation = entry.invitation.as_ref();
        Self {
            id: entry.id.to_string(),
            email: profile.email.to_string(),
            name: profile.name.to_string(),
            interest: profile.interest.as_ref().map(ToString::to_string),
            referrer: profile.referrer.as_ref().map(ToString::to_string),
            locale: profile.locale.as_ref().map(ToString::to_string),
            metadata: profile.metadata.document().clone(),
            consent: profile.consent.as_ref().map(Consent::of),
            referral_code: entry.referral_code.to_string(),
            old_codes,
            referral_count: entry.referral_count,
            referred_by: entry.referred_by.map(|id| id.to_string()),
            position: entry.position.number(),
            status: entry.status.as_str().to_owned(),
            variant_id: entry.variant_id.map(|id| id.to_string()),
            confirmed_at: entry.confirmed_at.map(|at| at.to_string()),
            invited_at: invitation.map(|invitation| invitation.at.to_string()),
            invited_to_app_slug: invitation.and_then(|invitation| invitation.app_slug.clone()),
            created_at: entry.created_at.to_string(),
            updated_at: entry.updated_at.to_string(),
        }
    }
}

/// What stays of an erased entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The id in the file.
    pub id: String,
    /// The position.
    pub position: u64,
    /// The status.
    pub status: String,
    /// The referrals that count, as the referral lines have them.
    pub referral_count: u64,
    /// The id of the referrer's line.
    #[serde(default)]
    pub referred_by: Option<String>,
    /// The id of the variant's line.
    #[serde(default)]
    pub variant_id: Option<String>,
    /// The UTC day of the sign-up, `YYYY-MM-DD`.
    pub day: String,
}

impl Tombstone {
    /// Returns the line of a tombstone.
    pub fn of(tombstone: &DomainTombstone) -> Self {
        Self {
            id: tombstone.id.to_string(),
            position: tombstone.position.number(),
            status: tombstone.status.as_str().to_owned(),
            referral_count: tombstone.referral_count,
            referred_by: tombstone.referred_by.map(|id| id.to_string()),
            variant_id: tombstone.variant_id.map(|id| id.to_string()),
            day: tombstone.day.to_string(),
        }
    }
}

/// A row of the ledger of referrals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referral {
    /// The id in the file.
    pub id: String,
    /// The id of the referrer's line. Null if the referrer was deleted.
    pub referrer_entry_id: Option<String>,
    /// The id of the line of the person who was brought. Null if they were deleted.
    pub referred_entry_id: Option<String>,
    /// `credited`, `withheld` or `revoked`.
    pub state: String,
    /// How suspicious it is, 0 to 100.
    pub score: u8,
    /// Why.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// When it was made.
    pub created_at: String,
    /// When somebody decided on it.
    #[serde(default)]
    pub decided_at: Option<String>,
    /// Who did.
    #[serde(default)]
    pub decided_by: Option<String>,
    /// Why, in the words of the admin.
    #[serde(default)]
    pub reason: Option<String>,
}

/// The last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// How many lines are before it.
    pub lines: u64,
}

/// Checks a file line by line: whether it is whole, and whether its positions, codes, credits and ledger fit together.
#[derive(Debug, Default)]
pub struct Check {
    verdict: Verdict,
    lines: u64,
    ended: Option<(u64, u64)>,
    last_position: u64,
    addresses: HashSet<String>,
    codes: HashSet<String>,
    people: HashMap<String, u64>,
    referrers: Vec<(u64, String)>,
    referrals: Vec<(u64, Referral)>,
}

/// The result of a [`Check`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What is wrong, each with its line.
    pub faults: Vec<String>,
    entries: u64,
    tombstones: u64,
    codes: u64,
    referrals: u64,
    credits: u64,
}

impl Verdict {
    /// Returns the numbers of entries, tombstones, codes, referrals, and referrals that count.
    pub const fn numbers(&self) -> [u64; 5] {
        [self.entries, self.tombstones, self.codes, self.referrals, self.credits]
    }
}

impl Check {
    /// Takes the next line.
    pub fn take(&mut self, number: u64, line: &Line) {
        if self.ended.is_some() {
            self.fault(number, "follows the last line");
        }
        if let Err(FieldError { field, message }) = line.check() {
            self.fault(number, &format!("{field} {message}"));
        }
        match line {
            Line::Export(export) if number > 1 || export.version > VERSION => self.fault(number, "is no first line that this Rally knows"),
            Line::Export(_) | Line::Waitlist(_) | Line::Variant(_) => {}
            Line::Entry(entry) => self.entry(number, entry),
            Line::Tombstone(tombstone) => {
                self.verdict.tombstones += 1;
                self.person(number, (&tombstone.id, tombstone.position), tombstone.referred_by.as_ref(), None);
            }
            Line::Referral(referral) => self.referrals.push((number, referral.clone())),
            Line::End(end) => self.ended = Some((number, end.lines)),
        }
        if number == 1 && !matches!(line, Line::Export(_)) {
            self.fault(number, "is not the first line of an export");
        }
        self.lines = number;
    }

    /// Takes a line that is none of an export.
    pub fn broken(&mut self, number: u64) {
        self.fault(number, "is no line of an export");
        self.lines = number;
    }

    /// Returns what was found, after the last line.
    pub fn verdict(mut self) -> Verdict {
        match self.ended {
            None => self.fault(self.lines, "is not the last line: the file was cut off"),
            Some((number, lines)) if lines.checked_add(1) != Some(number) => self.fault(number, "tells another number of lines"),
            Some(_) => {}
        }
        for (number, referrer) in std::mem::take(&mut self.referrers) {
            if !self.people.contains_key(&referrer) {
                self.fault(number, "referred_by names nobody in this file");
            }
        }
        let (mut credits, mut referred): (HashMap<String, u64>, HashSet<String>) = (HashMap::new(), HashSet::new());
        for (number, referral) in std::mem::take(&mut self.referrals) {
            let named = [&referral.referrer_entry_id, &referral.referred_entry_id];
            if named.into_iter().flatten().any(|id| !self.people.contains_key(id)) {
                self.fault(number, "names nobody in this file");
            }
            if referral.referred_entry_id.is_some_and(|id| !referred.insert(id)) {
                self.fault(number, "is the second line about this person");
            }
            self.verdict.referrals += 1;
            if referral.state == ReferralState::Credited.as_str() {
                self.verdict.credits += 1;
                referral.referrer_entry_id.into_iter().for_each(|id| *credits.entry(id).or_default() += 1);
            }
        }
        let uncounted = self.people.iter().filter(|(id, count)| **count != u64::MAX && credits.get(*id).copied().unwrap_or(0) != **count);
        let mut uncounted: Vec<String> =
            uncounted.map(|(id, count)| format!("the entry {id} has {count} referrals, and the ledger another number")).collect();
        uncounted.sort_unstable();
        self.verdict.faults.extend(uncounted);
        self.verdict
    }

    fn entry(&mut self, number: u64, entry: &Entry) {
        self.verdict.entries += 1;
        if !self.addresses.insert(entry.email.clone()) {
            self.fault(number, "email is in another line too");
        }
        for code in entry.old_codes.iter().chain([&entry.referral_code]) {
            self.verdict.codes += 1;
            if !self.codes.insert(code.clone()) {
                self.fault(number, "a code is in another line too");
            }
        }
        self.person(number, (&entry.id, entry.position), entry.referred_by.as_ref(), Some(entry.referral_count));
    }

    /// Takes a person. The ledger counts the referrals of those who were not erased.
    fn person(&mut self, number: u64, (id, position): (&str, u64), referrer: Option<&String>, count: Option<u64>) {
        if position <= self.last_position {
            self.fault(number, "position does not follow the one before");
        }
        self.last_position = position;
        if self.people.insert(id.to_owned(), count.unwrap_or(u64::MAX)).is_some() {
            self.fault(number, "id is in another line too");
        }
        self.referrers.extend(referrer.map(|referrer| (number, referrer.clone())));
    }

    fn fault(&mut self, number: u64, what: &str) {
        self.verdict.faults.push(format!("line {number}: {what}"));
    }
}

/// Says what is wrong with a value of a line.
pub(crate) fn wrong(field: &str, reason: &'static str) -> FieldError {
    FieldError::new(field, Invalid::new(reason))
}

fn read<T>(field: &str, value: Result<T, Invalid>) -> Result<T, FieldError> {
    value.map_err(|error| FieldError::new(field, error))
}

fn read_optional<T>(field: &str, text: Option<&String>, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Result<Option<T>, FieldError> {
    text.map(|text| read(field, parse(text))).transpose()
}

/// The furthest position.
const MAX_POSITION: u64 = 1_000_000_000_000;

fn read_position(position: u64) -> Result<Position, FieldError> {
    let is_good = (1..=MAX_POSITION).contains(&position);
    if is_good { Ok(Position::new(position)) } else { Err(wrong("position", "must be from 1 to 1000000000000")) }
}

impl Line {
    /// Checks that every value can be read.
    ///
    /// # Errors
    /// The first value that cannot.
    pub fn check(&self) -> Result<(), FieldError> {
        let (list, id) = (WaitlistId::new(Uuid::nil()), EntryId::new(Uuid::nil()));
        self.ids().into_iter().try_for_each(|(field, id)| id.map_or(Ok(()), |id| read_id(field, id)))?;
        match self {
            Self::Export(_) | Self::End(_) => Ok(()),
            Self::Waitlist(line) => line.values().map(drop),
            Self::Variant(line) => line.read(list, VariantId::new(Uuid::nil())).map(drop),
            Self::Entry(line) => line.read(list, WorkspaceId::new(Uuid::nil()), id, None).map(drop),
            Self::Tombstone(line) => line.read(list, id, None).map(drop),
            Self::Referral(line) => line.read(list, ReferralId::new(Uuid::nil()), None, None).map(drop),
        }
    }

    /// The ids of the line, which the import notes.
    fn ids(&self) -> [(&'static str, Option<&str>); 3] {
        const NONE: (&str, Option<&str>) = ("id", None);
        match self {
            Self::Export(_) | Self::End(_) | Self::Waitlist(_) => [NONE; 3],
            Self::Variant(line) => [("id", Some(&line.id)), NONE, NONE],
            Self::Entry(line) => {
                [("id", Some(&line.id)), ("variant_id", line.variant_id.as_deref()), ("referred_by", line.referred_by.as_deref())]
            }
            Self::Tombstone(line) => {
                [("id", Some(&line.id)), ("variant_id", line.variant_id.as_deref()), ("referred_by", line.referred_by.as_deref())]
            }
            Self::Referral(line) => [
                ("id", Some(&line.id)),
                ("referrer_entry_id", line.referrer_entry_id.as_deref()),
                ("referred_entry_id", line.referred_entry_id.as_deref()),
            ],
        }
    }
}

/// The most characters of an id in a file.
const MAX_ID: usize = 200;

fn read_id(field: &str, id: &str) -> Result<(), FieldError> {
    read(field, check_characters(id, Lines::One))?;
    if id.chars().count() > MAX_ID { Err(wrong(field, "must be at most 200 characters")) } else { Ok(()) }
}

impl Waitlist {
    fn values(&self) -> Result<(DisplayName, Option<Description>, WaitlistStatus, Settings), FieldError> {
        let description = self.description.as_deref().unwrap_or_default();
        let settings = Settings::default().with(&self.settings);
        let first = |errors: Vec<FieldError>| {
            let error = errors.into_iter().next();
            error.unwrap_or_else(|| wrong("settings", "cannot be read"))
        };
        if self.last_position > MAX_POSITION {
            return Err(wrong("last_position", "must be at most 1000000000000"));
        }
        Ok((
            read("display_name", DisplayName::parse(&self.display_name))?,
            read("description", Description::parse_optional(description))?,
            read("status", WaitlistStatus::parse(&self.status))?,
            settings.map_err(first)?,
        ))
    }

    /// Returns a list with the texts, the status and the settings of the line.
    ///
    /// # Errors
    /// The first value that cannot be read.
    pub fn read(&self, list: DomainWaitlist, now: Timestamp) -> Result<DomainWaitlist, FieldError> {
        let (display_name, description, status, settings) = self.values()?;
        Ok(DomainWaitlist { display_name, description, status, settings, updated_at: now, ..list })
    }
}

impl Variant {
    /// Returns the variant with another id.
    ///
    /// # Errors
    /// The first value that cannot be read.
    pub fn read(&self, waitlist_id: WaitlistId, id: VariantId) -> Result<DomainVariant, FieldError> {
        let first = |errors: Vec<FieldError>| errors.into_iter().next().unwrap_or_else(|| wrong("copy", "cannot be read"));
        Ok(DomainVariant {
            id,
            waitlist_id,
            kind: read("kind", VariantKind::parse(&self.kind))?,
            locale: read("locale", Locale::parse(&self.locale))?,
            copy: VariantCopy::parse(self.copy.clone()).map_err(first)?,
            weight: read("weight", Weight::new(u64::from(self.weight)))?,
            active: self.active,
            created_at: read("created_at", Timestamp::parse(&self.created_at))?,
        })
    }
}

impl Entry {
    /// Returns the entry with another id and variant, without a referrer and its credit.
    ///
    /// # Errors
    /// The first value that cannot be read.
    pub fn read(
        &self,
        waitlist_id: WaitlistId,
        workspace_id: WorkspaceId,
        id: EntryId,
        variant_id: Option<VariantId>,
    ) -> Result<DomainEntry, FieldError> {
        let consent: Option<Result<DomainConsent, FieldError>> = self.consent.as_ref().map(|consent| {
            let text = read("consent.text", ConsentText::parse(&consent.text))?;
            Ok(DomainConsent { text, at: read("consent.at", Timestamp::parse(&consent.at))? })
        });
        let invited_at = read_optional("invited_at", self.invited_at.as_ref(), Timestamp::parse)?;
        let app_slug =
            read_optional("invited_to_app_slug", self.invited_to_app_slug.as_ref(), |slug| clean(slug, MAX_APP_SLUG, Lines::One))?;
        Ok(DomainEntry {
            id,
            waitlist_id,
            workspace_id,
            profile: Profile {
                email: read("email", Email::parse(&self.email))?,
                name: read("name", PersonName::parse(&self.name))?,
                interest: read_optional("interest", self.interest.as_ref(), Interest::parse)?,
                referrer: read_optional("referrer", self.referrer.as_ref(), Referrer::parse)?,
                locale: read_optional("locale", self.locale.as_ref(), Locale::parse)?,
                metadata: read("metadata", Metadata::parse(self.metadata.clone()))?,
                consent: consent.transpose()?,
            },
            referral_code: read("referral_code", ReferralCode::parse(&self.referral_code))?,
            referral_count: 0,
            referred_by: None,
            position: read_position(self.position)?,
            status: read("status", EntryStatus::parse(&self.status))?,
            variant_id,
            link_generation: 0,
            confirmed_at: read_optional("confirmed_at", self.confirmed_at.as_ref(), Timestamp::parse)?,
            invitation: invited_at.map(|at| Invitation { at, app_slug }),
            created_at: read("created_at", Timestamp::parse(&self.created_at))?,
            updated_at: read("updated_at", Timestamp::parse(&self.updated_at))?,
        })
    }
}

impl Tombstone {
    /// Returns the tombstone with another id and variant, without a referrer.
    ///
    /// # Errors
    /// The first value that cannot be read.
    pub fn read(&self, waitlist_id: WaitlistId, id: EntryId, variant_id: Option<VariantId>) -> Result<DomainTombstone, FieldError> {
        Ok(DomainTombstone {
            id,
            waitlist_id,
            position: read_position(self.position)?,
            status: read("status", EntryStatus::parse(&self.status))?,
            referral_count: self.referral_count.min(MAX_POSITION),
            referred_by: None,
            variant_id,
            day: read("day", Timestamp::parse(&format!("{}T00:00:00Z", self.day)))?.day(),
        })
    }
}

impl Referral {
    /// Returns the line of a row of the ledger.
    pub fn of(referral: &DomainReferral) -> Self {
        let decision = referral.decision.as_ref();
        Self {
            id: referral.id.to_string(),
            referrer_entry_id: referral.referrer.map(|id| id.to_string()),
            referred_entry_id: referral.referred.map(|id| id.to_string()),
            state: referral.state.as_str().to_owned(),
            score: referral.score,
            reasons: referral.reasons.iter().map(|signal| signal.as_str().to_owned()).collect(),
            created_at: referral.created_at.to_string(),
            decided_at: decision.map(|decision| decision.at.to_string()),
            decided_by: decision.and_then(|decision| decision.by.as_ref()).map(ToString::to_string),
            reason: decision.and_then(|decision| decision.reason.as_ref()).map(ToString::to_string),
        }
    }

    /// Returns the row with other ids.
    ///
    /// # Errors
    /// The first value that cannot be read.
    pub fn read(
        &self,
        waitlist_id: WaitlistId,
        id: ReferralId,
        referrer: Option<EntryId>,
        referred: Option<EntryId>,
    ) -> Result<DomainReferral, FieldError> {
        let decided_at = read_optional("decided_at", self.decided_at.as_ref(), Timestamp::parse)?;
        let by = read_optional("decided_by", self.decided_by.as_ref(), Subject::parse)?;
        let reason = read_optional("reason", self.reason.as_ref(), DecisionReason::parse)?;
        if self.score > 100 {
            return Err(wrong("score", "must be from 0 to 100"));
        }
        Ok(DomainReferral {
            id,
            waitlist_id,
            referrer,
            referred,
            state: read("state", ReferralState::parse(&self.state))?,
            score: self.score,
            reasons: ReferralSignal::split(&self.reasons.join(",")),
            policy: None,
            created_at: read("created_at", Timestamp::parse(&self.created_at))?,
            decision: decided_at.map(|at| ReferralDecision { at, by, reason }),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::slug::Slug;

    use super::*;

    fn at() -> Timestamp {
        Timestamp::parse("2026-01-31T09:00:00Z").unwrap()
    }

    fn lines() -> Vec<Line> {
        let waitlist = DomainWaitlist {
            id: WaitlistId::new(Uuid::from_u128(1)),
            workspace_id: WorkspaceId::new(Uuid::from_u128(2)),
            slug: Slug::parse("beta").unwrap(),
            display_name: DisplayName::parse("Beta").unwrap(),
            description: None,
            status: WaitlistStatus::Active,
            settings: Settings::default(),
            created_by: None,
            created_at: at(),
            updated_at: at(),
        };
        let variant = DomainVariant::control(VariantId::new(Uuid::from_u128(3)), waitlist.id, at());
        let entry = DomainEntry {
            id: EntryId::new(Uuid::from_u128(4)),
            waitlist_id: waitlist.id,
            workspace_id: waitlist.workspace_id,
            profile: Profile {
                consent: Some(DomainConsent { text: ConsentText::parse("Yes").unwrap(), at: at() }),
                ..Profile::new(Email::parse("ada@example.com").unwrap(), PersonName::parse("Ada").unwrap())
            },
            referral_code: ReferralCode::from_entropy(7),
            referral_count: 1,
            referred_by: None,
            position: Position::new(2),
            status: EntryStatus::Approved,
            variant_id: Some(variant.id),
            link_generation: 0,
            confirmed_at: Some(at()),
            invitation: Some(Invitation { at: at(), app_slug: None }),
            created_at: at(),
            updated_at: at(),
        };
        let referral = Referral {
            id: "5".into(),
            referrer_entry_id: Some(entry.id.to_string()),
            referred_entry_id: None,
            state: "credited".into(),
            score: 0,
            reasons: Vec::new(),
            created_at: at().to_string(),
            decided_at: None,
            decided_by: None,
            reason: None,
        };
        vec![
            Line::first(),
            Line::Waitlist(Waitlist::of(&waitlist, 7)),
            Line::Variant(Variant::of(&variant)),
            Line::Tombstone(Tombstone::of(&DomainTombstone::of(&entry))),
            Line::Entry(Entry::of(&entry, vec!["old".into()]).into()),
            Line::Referral(referral),
            Line::End(End { lines: 6 }),
        ]
    }

    #[test]
    fn every_line_reads_back() {
        for line in lines() {
            let json = line.to_json();
            assert_eq!(json.iter().filter(|byte| **byte == b'\n').count(), 1);
            assert_eq!(serde_json::from_slice::<Line>(&json).unwrap(), line);
        }
        assert_eq!(Line::first().to_json(), b"{\"type\":\"export\",\"version\":1}\n");
    }

    #[test]
    fn a_line_may_have_more_and_may_leave_out_what_is_null() {
        let least = r#"{"type":"entry","id":"1","email":"a@b.example","name":"A","referral_code":"X","referral_count":0,"position":1,
            "status":"pending","created_at":"2026-01-31T09:00:00.000Z","updated_at":"2026-01-31T09:00:00.000Z","new":[1]}"#;
        assert!(matches!(serde_json::from_str(least).unwrap(), Line::Entry(_)));
        assert!(serde_json::from_str::<Line>(r#"{"type":"entry","id":"1"}"#).is_err());
        assert!(serde_json::from_str::<Line>(r#"{"type":"other"}"#).is_err());
    }

    #[test]
    fn what_a_line_says_is_read_back() {
        assert!(lines().iter().all(|line| line.check().is_ok()));
        let Some(Line::Entry(line)) = lines().into_iter().find(|line| matches!(line, Line::Entry(_))) else { panic!("no entry") };
        let (list, workspace, id) = (WaitlistId::new(Uuid::nil()), WorkspaceId::new(Uuid::nil()), EntryId::new(Uuid::from_u128(9)));
        let entry = line.read(list, workspace, id, None).unwrap();
        assert_eq!((entry.id, entry.position, entry.referral_count), (id, Position::new(2), 0));
        assert_eq!(Entry::of(&entry, vec!["old".into()]).consent, line.consent);
        let wrong = |line: Entry| Line::Entry(Box::new(line)).check().unwrap_err().field;
        assert_eq!(wrong(Entry { position: 0, ..(*line).clone() }), "position");
        assert_eq!(wrong(Entry { created_at: "soon".into(), ..(*line).clone() }), "created_at");
        assert_eq!(wrong(Entry { email: "nobody".into(), ..*line }), "email");
    }

    /// Their size was right when they were taken. A later program counts its defaults too.
    #[test]
    fn settings_of_a_file_have_any_size() {
        let Some(Line::Waitlist(mut line)) = lines().into_iter().nth(1) else { panic!("no list") };
        line.settings.insert("filler".to_owned(), "x".repeat(Settings::MAX_BYTES).into());
        assert_eq!(Line::Waitlist(line.clone()).check(), Ok(()));
        line.settings.insert("max_entries".to_owned(), 0.into());
        assert_eq!(Line::Waitlist(line).check().unwrap_err().field, "settings.max_entries");
    }

    #[test]
    fn a_check_finds_what_does_not_fit() {
        let faults = |lines: &[Line]| {
            let mut check = Check::default();
            (1..).zip(lines).for_each(|(number, line)| check.take(number, line));
            check.verdict().faults
        };
        let mut lines = lines();
        let Some(Line::Tombstone(stone)) = lines.iter_mut().find(|line| matches!(line, Line::Tombstone(_))) else { panic!("no tombstone") };
        (stone.id, stone.position) = ("0".to_owned(), 1);
        assert_eq!(faults(&lines), Vec::<String>::new());
        assert_eq!(faults(&lines[..6]), ["line 6: is not the last line: the file was cut off"]);
        let mut many = lines.clone();
        many[6] = Line::End(End { lines: u64::MAX });
        assert_eq!(faults(&many), ["line 7: tells another number of lines"]);
        let mut twice = lines.clone();
        twice.insert(5, lines[4].clone());
        let found = faults(&twice).join("; ");
        assert!(["email", "code", "position", "id is", "number of lines"].iter().all(|word| found.contains(word)), "{found}");
        let without: Vec<Line> = lines.iter().filter(|line| !matches!(line, Line::Referral(_))).cloned().collect();
        assert!(faults(&without).iter().any(|fault| fault.contains("has 1 referrals")));
    }
}
