//! What is known of a mail after it was written.

use crate::email::Email;
use crate::id::MailId;
use crate::locale::Locale;
use crate::mail::MailKind;
use crate::queue::JobState;
use crate::timestamp::Timestamp;

/// How far a mail has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailState {
    /// It waits, or is being sent.
    Pending,
    /// The mail service or mail server took it.
    Sent,
    /// It was refused, or all attempts failed.
    Failed,
    /// Its address gets no mail.
    Suppressed,
}

impl MailState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Sent, Self::Failed, Self::Suppressed];

    /// Returns the name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Suppressed => "suppressed",
        }
    }
}

impl From<JobState> for MailState {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Pending | JobState::Running | JobState::Held => Self::Pending,
            JobState::Done => Self::Sent,
            JobState::Dead => Self::Failed,
            JobState::Suppressed => Self::Suppressed,
        }
    }
}

/// A mail to a person, as the person is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRecord {
    /// The id of the mail.
    pub id: MailId,
    /// Why it was written.
    pub kind: MailKind,
    /// The language that it was written for.
    pub locale: Locale,
    /// The address that it goes to.
    pub to: Email,
    /// How far it has come.
    pub state: MailState,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was taken. Mail that an older program sent has none.
    pub sent_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_pending_until_it_is_finished() {
        let names = JobState::ALL.map(|state| MailState::from(state).as_str());
        assert_eq!(names, ["pending", "pending", "sent", "failed", "pending", "suppressed"]);
        assert_eq!(MailState::ALL.map(MailState::as_str), ["pending", "sent", "failed", "suppressed"]);
    }
}
