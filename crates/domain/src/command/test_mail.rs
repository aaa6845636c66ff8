//! Trying a template with a mail to an operator.

use time::Duration;

use crate::actor::Actor;
use crate::error::FieldError;
use crate::id::ClaimId;
use crate::mail::Mail;
use crate::timestamp::Timestamp;

/// Writes a mail that tries a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestMail {
    /// The mail.
    pub mail: Mail,
    /// The claim under which the writer sends it, and when its lease ends. `None` leaves the mail to the relay.
    pub claim: Option<(ClaimId, Timestamp)>,
    /// Who makes the change.
    pub actor: Actor,
}

/// Why a mail that tries a template was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TestMailRejection {
    /// The workspace does not exist.
    #[error("this workspace does not exist")]
    NoSuchWorkspace,
    /// The workspace cannot send over SMTP. Each setting that stands in the way is named.
    #[error("this workspace cannot send mail over SMTP: {}", reasons(.0))]
    NotPossible(Vec<FieldError>),
    /// The workspace wrote the most of an hour.
    #[error("a workspace sends at most {} test mails an hour", TestMail::MAX)]
    TooMany {
        /// When it may write the next one.
        retry_after: Duration,
    },
}

fn reasons(errors: &[FieldError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The stored state that a test needs. The store keeps the workspace locked until the mail is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestMailFacts {
    /// Whether the workspace exists.
    pub workspace_exists: bool,
    /// When its last tests were written, newest first: [`TestMail::MAX`] of them, or all.
    pub recent: Vec<Timestamp>,
}

impl TestMail {
    /// The most tests of a workspace in a [`PERIOD`](Self::PERIOD).
    pub const MAX: usize = 10;
    /// The time over which tests are counted.
    pub const PERIOD: Duration = Duration::hours(1);

    /// Returns the mail to write. A test counts from when it is written, whatever becomes of it.
    ///
    /// # Errors
    /// If the workspace does not exist, or wrote the most of an hour.
    pub fn decide(&self, facts: &TestMailFacts) -> Result<&Mail, TestMailRejection> {
        if !facts.workspace_exists {
            return Err(TestMailRejection::NoSuchWorkspace);
        }
        let free = facts.recent.get(Self::MAX - 1).map(|oldest| oldest.plus(Self::PERIOD));
        match free.map(|free| free.instant() - self.mail.created_at.instant()) {
            Some(retry_after) if retry_after > Duration::ZERO => Err(TestMailRejection::TooMany { retry_after }),
            _ => Ok(&self.mail),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::email::Email;
    use crate::id::{MailId, WorkspaceId};
    use crate::locale::Locale;
    use crate::mail::{MailKind, Recipient, Via};

    #[test]
    fn a_workspace_tests_ten_mails_an_hour() {
        let at = |minutes: i64| Timestamp::parse("2026-01-31T09:00:00Z").unwrap().plus(Duration::minutes(minutes));
        let mail = Mail {
            id: MailId::new(Uuid::nil()),
            workspace_id: WorkspaceId::new(Uuid::nil()),
            recipient: Recipient::Tester,
            kind: MailKind::Welcome,
            locale: Locale::english(),
            via: Via::Smtp,
            from: None,
            reply_to: None,
            to: Email::parse("ada@example.com").unwrap(),
            address: None,
            data: "{}".to_owned(),
            created_at: at(60),
            stranger: None,
            expires_at: None,
        };
        let test = TestMail { mail, claim: None, actor: Actor::System };
        let decide = |workspace_exists, recent: Vec<Timestamp>| test.decide(&TestMailFacts { workspace_exists, recent }).map(|_| ());
        assert_eq!(decide(true, Vec::new()), Ok(()));
        assert_eq!(decide(true, vec![at(60); 9]), Ok(()));
        assert_eq!(decide(true, vec![at(60); 10]), Err(TestMailRejection::TooMany { retry_after: Duration::hours(1) }));
        let tenth = |minutes| [vec![at(59); 9], vec![at(minutes)]].concat();
        assert_eq!(decide(true, tenth(1)), Err(TestMailRejection::TooMany { retry_after: Duration::minutes(1) }));
        assert_eq!(decide(true, tenth(0)), Ok(()));
        assert_eq!(decide(false, Vec::new()), Err(TestMailRejection::NoSuchWorkspace));
    }
}
