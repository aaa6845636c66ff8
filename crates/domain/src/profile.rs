//! Profiles: what people say about themselves when they sign up.

use crate::consent::{Consent, MISSING_CONSENT};
use crate::custom_field::Metadata;
use crate::email::Email;
use crate::error::{FieldError, Invalid};
use crate::locale::Locale;
use crate::settings::Settings;
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
    /// What the person agreed to, if the list asked for it.
    pub consent: Option<Consent>,
}

impl Profile {
    /// Returns a profile with an address and a name. The other fields are empty.
    pub fn new(email: Email, name: PersonName) -> Self {
        Self { email, name, interest: None, referrer: None, locale: None, metadata: Metadata::default(), consent: None }
    }

    /// Checks the metadata against the custom fields of a list, as [`Metadata::answering`] does, and that the person agreed to what the
    /// list asks for. Somebody who agreed to a text that was changed meanwhile did agree.
    ///
    /// # Errors
    /// If answers to required fields or the consent are missing, or answers do not fit.
    pub fn answering(self, settings: &Settings) -> Result<Self, Vec<FieldError>> {
        let is_missing = settings.consent_text.is_some() && self.consent.is_none();
        let missing = is_missing.then(|| FieldError::new("consent", Invalid::new(MISSING_CONSENT)));
        match (self.metadata.answering(&settings.custom_fields), missing) {
            (Ok(metadata), None) => Ok(Self { metadata, ..self }),
            (Ok(_), Some(missing)) => Err(vec![missing]),
            (Err(errors), missing) => Err(errors.into_iter().chain(missing).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::command::tests::profile;
    use crate::consent::digest;
    use crate::text::ConsentText;
    use crate::timestamp::Timestamp;

    #[test]
    fn whoever_signs_up_agrees_to_what_the_list_asks_for() {
        let settings = |settings: serde_json::Value| Settings::default().merge(settings.as_object().unwrap()).unwrap();
        let asking = settings(json!({"consent_text": "I agree", "custom_fields": [{"key": "size", "required": true}]}));
        let fields =
            |profile: Profile| -> Vec<String> { profile.answering(&asking).unwrap_err().into_iter().map(|error| error.field).collect() };
        assert_eq!(fields(profile("ada@example.com")), ["metadata.size", "consent"]);
        let at = Timestamp::from_unix_millis(0).unwrap();
        let earlier = settings(json!({"consent_text": "I agreed before"})).consent(true, None, at).unwrap();
        let agreed = Profile { consent: earlier.clone(), ..profile("ada@example.com") };
        assert_eq!(fields(agreed.clone()), ["metadata.size"]);
        let silent = settings(json!({}));
        assert_eq!(agreed.answering(&silent).unwrap().consent, earlier);
        assert_eq!(silent.consent(true, None, at), Ok(None));
        assert!(profile("ada@example.com").answering(&silent).is_ok());
        assert!(asking.consent(false, None, at).is_err());
        // A form that shows another text is no consent to this one.
        let seen = |text: &str| digest(&ConsentText::parse(text).unwrap());
        assert!(asking.consent(true, Some(&seen("I agreed before")), at).is_err());
        assert!(asking.consent(true, Some(&seen("I agree").to_uppercase()), at).is_ok());
        assert_eq!(silent.consent(true, Some("whatever"), at), Ok(None));
    }
}
