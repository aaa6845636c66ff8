//! Profiles: what people say about themselves when they sign up.

use crate::custom_field::{CustomField, Metadata};
use crate::email::Email;
use crate::error::FieldError;
use crate::locale::Locale;
use crate::text::{Interest, PersonName, Referrer};

/// What a person says about themselves. A request, a command and an entry hold the same profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The address, unique on a waitlist.
    pub email: Email,
    /// The person's name.
    pub name: PersonName,
    /// The person's plans for the product.
    pub interest: Option<Interest>,
    /// The source: how the person heard of the list.
    pub referrer: Option<Referrer>,
    /// The language that the person asked for, if any.
    pub locale: Option<Locale>,
    /// Answers to custom fields, and any other data that was sent.
    pub metadata: Metadata,
}

impl Profile {
    /// Returns a profile with an address and a name. The other fields are empty.
    pub fn new(email: Email, name: PersonName) -> Self {
        Self { email, name, interest: None, referrer: None, locale: None, metadata: Metadata::default() }
    }

    /// Checks the metadata against custom fields, as [`Metadata::answering`] does.
    ///
    /// # Errors
    /// If answers to required fields are missing, or answers do not fit.
    pub fn answering(self, fields: &[CustomField]) -> Result<Self, Vec<FieldError>> {
        Ok(Self { metadata: self.metadata.answering(fields)?, ..self })
    }
}
