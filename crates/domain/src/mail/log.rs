//! The log of mail: what a workspace sent or tried to send, and what became of it.

use crate::email::Email;
use crate::error::Invalid;
use crate::id::{EntryId, MailId};
use crate::locale::Locale;
use crate::mail::{MailKind, Recipient};
use crate::queue::JobState;
use crate::timestamp::Timestamp;

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailState {
    /// It waits, or is being sent.
    Pending,
    /// The mail service accepted it.
    Sent,
    /// It was refused, or failed too often. It is not tried again.
    Failed,
    /// It was not sent, because its address gets none of its kind.
    Suppressed,
    /// It was not sent, because it would have come too late.
    Expired,
}

impl MailState {
    /// All states.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Sent, Self::Failed, Self::Suppressed, Self::Expired];

    /// Returns the name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Suppressed => "suppressed",
            Self::Expired => "expired",
        }
    }

    /// Reads the name on the wire.
    ///
    /// # Errors
    /// If there is no such state.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Invalid::new("must be one of pending, sent, failed, suppressed, expired"))
    }

    /// Returns what the state of a job in the outbox means for its mail.
    pub const fn of(job: JobState) -> Self {
        match job {
            JobState::Pending | JobState::Running | JobState::Held => Self::Pending,
            JobState::Done => Self::Sent,
            JobState::Dead => Self::Failed,
            JobState::Suppressed => Self::Suppressed,
            JobState::Expired => Self::Expired,
        }
    }
}

/// Which mails of a workspace to list. `None` means all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MailFilter {
    /// Those to this entry.
    pub entry_id: Option<EntryId>,
    /// Those in this state.
    pub state: Option<MailState>,
    /// Those of this kind.
    pub kind: Option<MailKind>,
}

impl MailFilter {
    /// Returns the states of the jobs of these mails.
    pub fn states(self) -> impl Iterator<Item = JobState> + Clone {
        JobState::ALL.into_iter().filter(move |job| self.state.is_none_or(|state| state == MailState::of(*job)))
    }

    /// Returns the kinds of these mails.
    pub fn kinds(self) -> impl Iterator<Item = MailKind> + Clone {
        MailKind::ALL.into_iter().filter(move |kind| self.kind.is_none_or(|wanted| wanted == *kind))
    }
}

/// A mail in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedMail {
    /// The id of the mail.
    pub id: MailId,
    /// Who gets it.
    pub recipient: Recipient,
    /// Why it is sent.
    pub kind: MailKind,
    /// The language that the person asked for, else that of the workspace.
    pub locale: Locale,
    /// The address of the person.
    pub to: Email,
    /// What became of it.
    pub state: MailState,
    /// The number of attempts so far.
    pub attempts: u32,
    /// What went wrong in the last attempt, in words for an operator.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When the mail service accepted it.
    pub sent_at: Option<Timestamp>,
    /// Whether it waits to be begun, as a mail that a stranger caused: under a budget until there is room for it.
    pub is_kept_back: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_reads_back_and_every_job_has_one() {
        for state in MailState::ALL {
            assert_eq!(MailState::parse(state.as_str()), Ok(state));
            assert!(JobState::ALL.into_iter().any(|job| MailState::of(job) == state), "{state:?}");
        }
        assert!(MailState::parse("done").is_err());
    }

    #[test]
    fn a_filter_names_the_jobs_and_kinds_that_it_lets_through() {
        let all = MailFilter::default();
        assert_eq!((all.states().count(), all.kinds().count()), (JobState::ALL.len(), MailKind::ALL.len()));
        let sent = MailFilter { state: Some(MailState::Sent), kind: Some(MailKind::Link), entry_id: None };
        assert_eq!((sent.states().collect::<Vec<_>>(), sent.kinds().collect::<Vec<_>>()), (vec![JobState::Done], vec![MailKind::Link]));
    }
}
