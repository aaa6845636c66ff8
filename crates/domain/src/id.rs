//! Typed ids. All are UUIDs. New ones are of version 7 (RFC 9562, section 5.7), from [`crate::port::Ids`].

use std::fmt;

use uuid::Uuid;

use crate::error::Invalid;

macro_rules! id {
    ($(#[$doc:meta] $name:ident)+) => {$(
        #[$doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Returns the UUID.
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// Reads only the hyphenated form of RFC 9562, section 4, in either case.
            ///
            /// # Errors
            /// If the text is anything else.
            pub fn parse(text: &str) -> Result<Self, Invalid> {
                parse_hyphenated(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    )+};
}

id! {
    /// Identifies a workspace.
    WorkspaceId
    /// Identifies a waitlist.
    WaitlistId
    /// Identifies an entry of a waitlist.
    EntryId
    /// Identifies a variant of a waitlist's copy.
    VariantId
    /// Identifies an API key.
    ApiKeyId
    /// Identifies a session of the console.
    SessionId
    /// Identifies a link that begins a session.
    LinkId
    /// Identifies a webhook.
    WebhookId
    /// Identifies the claim under which a process tries deliveries.
    ClaimId
    /// Identifies an attempt in the log of deliveries.
    AttemptId
    /// Identifies an event. Receivers use it to recognise a repetition.
    EventId
    /// Identifies a domain that the mail service sends mail from.
    SenderDomainId
    /// Identifies a mail. The mail service uses it to recognise a repetition. The mail of an event has the UUID of the event.
    MailId
    /// Identifies a sign-up that waits for its confirmation.
    RequestId
    /// Identifies a referral in the ledger.
    ReferralId
    /// Identifies a suppression: one reason for which an address gets no mail.
    SuppressionId
    /// Identifies a challenge whose solution proves work.
    ProofId
    /// Identifies an import.
    ImportId
    /// Identifies work on many entries.
    JobId
    /// Identifies a row of the audit log.
    AuditId
}

/// The length of the hyphenated form. `Uuid::parse_str` by itself also accepts braces, `urn:uuid:` and bare digits.
const HYPHENATED: usize = uuid::fmt::Hyphenated::LENGTH;

fn parse_hyphenated(text: &str) -> Result<Uuid, Invalid> {
    match Uuid::parse_str(text) {
        Ok(uuid) if text.len() == HYPHENATED => Ok(uuid),
        _ => Err(Invalid::new("must be a UUID")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        assert!(WaitlistId::parse("01890a5d-ac96-774b-bcce-b302099a8057").is_ok());
        assert!(WaitlistId::parse("01890A5D-AC96-774B-BCCE-B302099A8057").is_ok());
        for other in [
            "",
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
            "01890a5d-ac96-774b-bcce-b302099a805g",
        ] {
            assert!(WaitlistId::parse(other).is_err(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused_without_a_panic(text in ".*") {
            if let Ok(id) = EntryId::parse(&text) {
                prop_assert_eq!(EntryId::parse(&id.to_string()), Ok(id));
            }
        }
    }
}
