//! The fields of a row that a column can be mapped to, and the mappings of a caller.

use std::fmt;

use rally_domain::error::{FieldError, Invalid};
use rally_domain::text::{Lines, check_characters};
use serde::{Deserialize, Serialize};

/// The most characters of a key of metadata.
pub(crate) const MAX_KEY: usize = 200;

/// A field that a caller can map a column to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// A field that Rally knows.
    Known(Known),
    /// The first name. It is used if no column has the whole name.
    FirstName,
    /// The last name.
    LastName,
    /// Whether the person unsubscribed, or when.
    Unsubscribed,
    /// A JSON object of metadata.
    Document,
    /// Nothing: the column is left out.
    Ignore,
    /// A key of the metadata.
    Metadata(String),
}

/// The fields that Rally knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// The address.
    Email,
    /// The name of the person.
    Name,
    /// When the person signed up.
    CreatedAt,
    /// When the person confirmed the address, or whether they did.
    ConfirmedAt,
    /// The status.
    Status,
    /// The code, or the link with it, that the person has shared.
    ReferralCode,
    /// The code or the address of the person who brought them.
    ReferredBy,
    /// How many people they brought.
    ReferralCount,
    /// Their plans for the product.
    Interest,
    /// How they heard of the list.
    Referrer,
    /// Their language.
    Locale,
}

impl Known {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Email,
        Self::Name,
        Self::CreatedAt,
        Self::ConfirmedAt,
        Self::Status,
        Self::ReferralCode,
        Self::ReferredBy,
        Self::ReferralCount,
        Self::Interest,
        Self::Referrer,
        Self::Locale,
    ];

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Name => "name",
            Self::CreatedAt => "created_at",
            Self::ConfirmedAt => "confirmed_at",
            Self::Status => "status",
            Self::ReferralCode => "referral_code",
            Self::ReferredBy => "referred_by",
            Self::ReferralCount => "referral_count",
            Self::Interest => "interest",
            Self::Referrer => "referrer",
            Self::Locale => "locale",
        }
    }
}

impl Field {
    /// The fields that have a name and are none of [`Known`].
    const OTHERS: [(&str, Self); 5] = [
        ("first_name", Self::FirstName),
        ("last_name", Self::LastName),
        ("unsubscribed", Self::Unsubscribed),
        ("metadata", Self::Document),
        ("ignore", Self::Ignore),
    ];

    /// Reads the name of a field, such as `email` or `metadata.company`.
    ///
    /// # Errors
    /// If there is no such field.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if let Some(known) = Known::ALL.into_iter().find(|known| known.as_str() == text) {
            return Ok(Self::Known(known));
        }
        if let Some((_, field)) = Self::OTHERS.into_iter().find(|(name, _)| *name == text) {
            return Ok(field);
        }
        let names: Vec<&str> = Known::ALL.map(Known::as_str).into_iter().chain(Self::OTHERS.iter().map(|(name, _)| *name)).collect();
        let names = names.join(", ");
        let key = text.strip_prefix("metadata.").map(str::trim).filter(|key| !key.is_empty() && key.chars().count() <= MAX_KEY);
        let key = key.ok_or_else(|| Invalid::new(format!("must be one of {names}, metadata.<key>")))?;
        check_characters(key, Lines::One)?;
        Ok(Self::Metadata(key.to_owned()))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(known) => f.write_str(known.as_str()),
            Self::Metadata(key) => write!(f, "metadata.{key}"),
            other => f.write_str(Self::OTHERS.iter().find(|(_, field)| field == other).map_or("", |(name, _)| name)),
        }
    }
}

/// The columns that a caller maps, with their fields. It goes before the columns of a format.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping(Vec<(String, Field)>);

impl Mapping {
    /// Reads pairs of a column and the name of a field.
    ///
    /// # Errors
    /// Every unknown field, and every column and field that is named twice, as `map.<column>`.
    pub fn parse<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Vec<FieldError>> {
        let (mut mapping, mut errors) = (Vec::<(String, Field)>::new(), Vec::new());
        for (column, field) in pairs {
            let mut refuse = |message| errors.push(FieldError::new(format!("map.{column}"), message));
            match Field::parse(field).and_then(|field| check_characters(column, Lines::One).map(|()| field)) {
                Err(error) => refuse(error),
                Ok(_) if mapping.iter().any(|(other, _)| other == column) => refuse(Invalid::new("must be mapped once")),
                Ok(field) if field != Field::Ignore && mapping.iter().any(|(_, other)| *other == field) => {
                    refuse(Invalid::new(format!("must not be {field} too, which another column is")));
                }
                Ok(field) => mapping.push((column.to_owned(), field)),
            }
        }
        if errors.is_empty() { Ok(Self(mapping)) } else { Err(errors) }
    }

    /// Returns the columns, with their fields.
    pub fn pairs(&self) -> &[(String, Field)] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_one_name() {
        let others = Field::OTHERS.map(|(name, _)| name).into_iter().chain(["metadata.company", "metadata.Größe"]);
        for name in Known::ALL.map(Known::as_str).into_iter().chain(others) {
            assert_eq!(Field::parse(name).unwrap().to_string(), name);
        }
        for bad in ["", "Email", "metadata.", "metadata. ", "metadata.a\nb", "position", "effective_position"] {
            assert!(Field::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_bad_mapping_is_named() {
        let pairs = [("Mail", "email"), ("Mail2", "email"), ("x", "age"), ("Mail", "name"), ("y", "metadata.a"), ("z\0", "metadata.b")];
        let fields: Vec<String> = Mapping::parse(pairs).unwrap_err().into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["map.Mail2", "map.x", "map.Mail", "map.z\0"]);
        assert_eq!(Mapping::parse([("a", "email"), ("b", "metadata.a")]).unwrap().pairs().len(), 2);
        assert_eq!(Mapping::parse([("a", "ignore"), ("b", "ignore")]).unwrap().pairs().len(), 2);
    }
}
