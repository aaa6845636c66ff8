//! The formats: what the columns of a service's export mean, and which columns tell that a file is of that service.

mod generic;
mod getwaitlist;
mod kickofflabs;
mod launchlist;
mod listmonk;
mod mailchimp;
mod prefinery;
mod rally;
mod waitlister;

use std::fmt;

use rally_domain::error::Invalid;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::field::{Field, Known};

/// What a column means beyond the fields that a caller can map to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Means {
    /// A field.
    Field(Known),
    /// The first name. It is used if no column has the whole name.
    FirstName,
    /// The last name.
    LastName,
    /// The position on the list of the service, for rows without a time.
    Place,
    /// The service's id of the row, by which other rows name their referrer.
    Id,
    /// As [`Means::Place`], of a list of Rally. It means nothing on another one.
    OwnPlace,
    /// As [`Means::Id`], of a list of Rally.
    OwnId,
    /// The id of the referrer's row.
    ReferrerId,
    /// A JSON object of metadata.
    Document,
    /// When the person unsubscribed.
    UnsubscribedAt,
    /// Whether the person unsubscribed, or when.
    OptedOut,
    /// Whether the address can be reached, or the person unsubscribed.
    Deliverability,
    /// A number that Rally makes itself, or a column that is left out.
    Computed,
}

impl Means {
    /// Whether the value is kept in the metadata too, because Rally has no field for it.
    pub(crate) const fn is_kept(self) -> bool {
        matches!(self, Self::Place | Self::Id | Self::UnsubscribedAt | Self::OptedOut | Self::Deliverability)
    }

    /// Returns the field that the column is shown as in a mapping.
    pub(crate) fn shown(self, column: &str) -> Option<String> {
        match self {
            Self::Field(known) => Some(known.as_str().to_owned()),
            Self::FirstName => Some(Field::FirstName.to_string()),
            Self::LastName => Some(Field::LastName.to_string()),
            Self::UnsubscribedAt | Self::OptedOut => Some(Field::Unsubscribed.to_string()),
            Self::ReferrerId => Some("referred_by".to_owned()),
            Self::Document => Some(Field::Document.to_string()),
            Self::OwnPlace | Self::OwnId | Self::Computed => None,
            _ => Some(Field::Metadata(column.to_owned()).to_string()),
        }
    }
}

/// A format. Names of columns are in lower case, with `_` between words. A column has a name if it is the same once it is folded.
#[derive(Debug)]
pub(crate) struct Definition {
    /// The name on the wire.
    pub(crate) name: &'static str,
    /// The columns that hardly any file of another format has.
    pub(crate) marks: &'static [&'static str],
    /// How many of them tell that a file is of this format. An export may lack some.
    pub(crate) needed: usize,
    /// What the columns mean. If two columns mean the same, the one that is named first here counts, and the other is metadata.
    pub(crate) columns: &'static [(&'static str, Means)],
}

/// The formats.
const DEFINITIONS: [&Definition; 9] = [
    &rally::DEFINITION,
    &mailchimp::DEFINITION,
    &listmonk::DEFINITION,
    &getwaitlist::DEFINITION,
    &waitlister::DEFINITION,
    &kickofflabs::DEFINITION,
    &launchlist::DEFINITION,
    &prefinery::DEFINITION,
    &generic::DEFINITION,
];

/// The format of a file.
#[derive(Clone, Copy)]
pub struct Format(&'static Definition);

impl Format {
    /// Returns all formats.
    pub fn all() -> impl Iterator<Item = Self> {
        DEFINITIONS.into_iter().map(Self)
    }

    /// Returns the format of Rally's own exports.
    pub const fn rally() -> Self {
        Self(&rally::DEFINITION)
    }

    /// Reads the name of a format. `auto` is `None`: the file tells.
    ///
    /// # Errors
    /// If there is no such format.
    pub fn parse(text: &str) -> Result<Option<Self>, Invalid> {
        if text == "auto" {
            return Ok(None);
        }
        let names: Vec<&str> = Self::all().map(Self::name).collect();
        Self::named(text).map(Some).ok_or_else(|| Invalid::new(format!("must be one of auto, {}", names.join(", "))))
    }

    /// Returns the name.
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// Returns the format that the columns of a file tell: the one with the most of its marks.
    pub(crate) fn of<'a>(columns: impl IntoIterator<Item = &'a str>) -> Self {
        let columns: Vec<&str> = columns.into_iter().collect();
        let has = |mark: &str| columns.iter().any(|column| is_named(column, mark));
        let count = |definition: &Definition| definition.marks.iter().filter(|mark| has(mark)).count();
        let told = Self::all().filter(|format| count(format.0) >= format.0.needed);
        told.max_by_key(|format| count(format.0)).unwrap_or(Self(&generic::DEFINITION))
    }

    /// Returns what columns mean: those that the format names, and then those with a usual name.
    pub(crate) fn columns(self) -> impl Iterator<Item = (&'static str, Means)> {
        let usual = generic::DEFINITION.columns.iter().filter(move |_| self.0.name != generic::DEFINITION.name);
        self.0.columns.iter().chain(usual).copied()
    }

    /// Whether cells of the format have an apostrophe in front of a formula.
    pub(crate) fn is_guarded(self) -> bool {
        self == Self::rally()
    }

    fn named(name: &str) -> Option<Self> {
        Self::all().find(|format| format.name() == name)
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Format {}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Format({})", self.name())
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| serde::de::Error::custom("is not the name of a format"))
    }
}

/// Folds the name of a column, so that `Created At`, `created-at`, `CREATED_AT` and `createdAt` are one.
pub(crate) fn fold(column: &str) -> String {
    column.chars().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).collect()
}

/// Whether a folded column has a name of a definition.
pub(crate) fn is_named(folded: &str, name: &str) -> bool {
    folded.chars().eq(name.chars().filter(|c| *c != '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_has_one_name() {
        for format in Format::all() {
            assert_eq!(Format::parse(format.name()), Ok(Some(format)));
            assert_eq!(serde_json::from_str::<Format>(&serde_json::to_string(&format).unwrap()).unwrap(), format);
        }
        assert_eq!(Format::parse("auto"), Ok(None));
        assert!(Format::parse("Mailchimp").unwrap_err().to_string().starts_with("must be one of auto, rally, "));
    }

    #[test]
    fn a_format_is_told_by_a_part_of_its_columns() {
        for (columns, name) in [
            ("email,referral_token,amount_referred,created_at", "getwaitlist"),
            ("uuid,email,referral_link,referred_by_signup_token,created_at,verified", "getwaitlist"),
            ("uuid,email,name,attributes,status", "listmonk"),
            ("email_address,first_name,confirm_time,leid", "mailchimp"),
            ("email,position,name,users_referred", "launchlist"),
            ("email,social_id,parent_id", "kickofflabs"),
            ("email,joined_at,joined_with,referral_code", "waitlister"),
            ("email,status,applied_at", "prefinery"),
            ("id,email,effective_position,created_at,updated_at,status", "rally"),
            ("email,joined_at,referral_code", "generic"),
            ("email,attributes", "generic"),
            ("email,uuid,created_at,status", "generic"),
            ("", "generic"),
        ] {
            let folded: Vec<String> = columns.split(',').map(fold).collect();
            assert_eq!(Format::of(folded.iter().map(String::as_str)).name(), name, "{columns}");
        }
    }

    #[test]
    fn names_of_columns_are_folded() {
        for (column, folded) in
            [("Email Address", "email_address"), (" E-Mail ", "e_mail"), ("appliedAt", "applied_at"), ("Größe (cm)", "größe_cm")]
        {
            assert!(is_named(&fold(column), folded), "{column}");
        }
    }

    #[test]
    fn every_name_in_a_definition_is_that_of_a_folded_column() {
        for format in Format::all() {
            let names = format.columns().map(|(column, _)| column).chain(format.0.marks.iter().copied());
            for name in names {
                assert!(is_named(&fold(name), name), "{} {name}", format.name());
            }
        }
    }
}
