//! The lines of `export.jsonl`: everything of a list, one JSON object a line. An export writes them and an import reads them, so both have
//! one form.
//!
//! The lines come in this order: one `export`, one `waitlist`, each `variant` by its creation, each `entry` and `tombstone` by its
//! position, each `referral` from the oldest on, and one `end`. A file without the `end` was cut off.
//!
//! Ids tie lines together and mean nothing beyond the file. Times are RFC 3339 in UTC with milliseconds. There is no time of the export, so
//! two exports of an unchanged list are the same. Later versions of Rally may add fields and types of lines; readers ignore what they do
//! not know. [`VERSION`] changes only if an older reader would get something wrong.

use rally_domain::entry::Entry as DomainEntry;
use rally_domain::tombstone::Tombstone as DomainTombstone;
use rally_domain::variant::Variant as DomainVariant;
use rally_domain::waitlist::Waitlist as DomainWaitlist;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of the form.
pub const VERSION: u32 = 1;

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
}

impl Waitlist {
    /// Returns the line of a list.
    pub fn of(waitlist: &DomainWaitlist) -> Self {
        Self {
            display_name: waitlist.display_name.to_string(),
            description: waitlist.description.as_ref().map(ToString::to_string),
            status: waitlist.status.as_str().to_owned(),
            settings: waitlist.settings.to_document(),
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
    /// The codes from other services, oldest first.
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

impl Entry {
    /// Returns the line of an entry, with what is kept beside it.
    pub fn of(entry: &DomainEntry, consent: Option<Consent>, old_codes: Vec<String>) -> Self {
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
            consent,
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
}

/// The last line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// How many lines are before it.
    pub lines: u64,
}

#[cfg(test)]
mod tests {
    use rally_domain::email::Email;
    use rally_domain::entry::{EntryStatus, Invitation};
    use rally_domain::id::{EntryId, VariantId, WaitlistId, WorkspaceId};
    use rally_domain::profile::Profile;
    use rally_domain::referral::{Position, ReferralCode};
    use rally_domain::settings::Settings;
    use rally_domain::slug::Slug;
    use rally_domain::text::{DisplayName, PersonName};
    use rally_domain::timestamp::Timestamp;
    use rally_domain::waitlist::WaitlistStatus;
    use uuid::Uuid;

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
            profile: Profile::new(Email::parse("ada@example.com").unwrap(), PersonName::parse("Ada").unwrap()),
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
        let consent = Consent { text: "Yes".into(), sha256: "ab".into(), at: at().to_string() };
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
        };
        vec![
            Line::first(),
            Line::Waitlist(Waitlist::of(&waitlist)),
            Line::Variant(Variant::of(&variant)),
            Line::Tombstone(Tombstone::of(&DomainTombstone::of(&entry))),
            Line::Entry(Entry::of(&entry, Some(consent), vec!["old".into()]).into()),
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
    fn a_survey_and_a_reader_know_an_export() {
        use crate::{Content, Encoding, Format, Mapping, PlanError, Reader, Staged, Survey};
        let text: Vec<u8> = lines().iter().flat_map(Line::to_json).collect();
        let staged = Staged { encoding: Encoding::Utf8, byte_order_mark: false, bytes: text.len() as u64 };
        let survey = |wanted, mapping| {
            let mut survey = Survey::new(wanted, mapping);
            survey.push(&text);
            survey.finish(&staged)
        };
        let plan = survey(None, Mapping::default()).unwrap();
        assert_eq!((plan.format, plan.is_export, plan.records, plan.separator()), (Format::rally(), true, 7, None));
        let mapping = Mapping::parse([("email", "email")]).unwrap();
        assert_eq!(survey(None, mapping), Err(PlanError::NoColumn("email".into())));

        let mut reader = Reader::new(plan);
        reader.push(&text);
        reader.push(b"{\"type\":\"entry\"}\n{");
        reader.end();
        let read: Vec<_> = std::iter::from_fn(|| reader.take()).collect();
        let good: Vec<Line> = read[..7]
            .iter()
            .map(|record| match record.content.clone().unwrap() {
                Content::Line(line) => *line,
                Content::Row(_) => panic!("an export has no rows"),
            })
            .collect();
        assert_eq!(good, lines());
        assert!(read[7].content.is_err() && read[8].content.is_err());
    }
}
