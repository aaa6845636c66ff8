//! The result of an attempt to send a mail, and what it means for the mail.

use time::Duration;

use crate::email::Email;
use crate::id::{ClaimId, MailId, SuppressionId, WorkspaceId};
use crate::queue::{RetrySchedule, Verdict};
use crate::secret::AddressHash;
use crate::suppression::{Suppression, SuppressionReason};
use crate::timestamp::Timestamp;

/// The answer of a mail service to a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailOutcome {
    /// The service accepted the mail, now or before.
    Accepted,
    /// The service will never accept the mail. The value is the status of its answer.
    Refused(u16),
    /// The recipient's mailbox does not exist or takes no mail at all. The value is the status of the answer.
    Bounced(u16),
    /// The service does not accept this deployment's key. The value is the status of its answer.
    KeyRefused(u16),
    /// The service could not be asked, or may accept the mail later.
    Failed {
        /// The status of its answer, if there was one.
        status: Option<u16>,
        /// How long the service asks Rally to wait.
        retry_after: Option<Duration>,
    },
}

/// The result of an attempt, as the log of mails keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailReport {
    /// The result.
    pub outcome: MailOutcome,
    /// What went wrong, in words for an operator: the answer of the service or the failure of the connection. It has at most
    /// [`MAX_ERROR`](Self::MAX_ERROR) characters, one line.
    pub error: Option<String>,
}

impl MailReport {
    /// The most characters of an error.
    pub const MAX_ERROR: usize = 500;

    /// Returns the report of a mail that was accepted.
    pub const fn accepted() -> Self {
        Self { outcome: MailOutcome::Accepted, error: None }
    }

    /// Returns the report of a mail that was not accepted.
    ///
    /// The error becomes one line, without control characters, and is shortened. Mail servers repeat addresses and links in their answers,
    /// and the log must not contain any. Therefore each word with an `@`, a link or a token becomes `***`.
    pub fn failed(outcome: MailOutcome, error: &str) -> Self {
        let words = error.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
        let line = words.map(|word| if is_secret(word) { "***" } else { word }).collect::<Vec<_>>().join(" ");
        Self { outcome, error: Some(line.chars().take(Self::MAX_ERROR).collect()) }
    }
}

impl MailReport {
    /// Returns the report without the name of a mailbox, which servers repeat without its domain too.
    #[must_use]
    pub fn without(self, to: &Email) -> Self {
        let local = to.as_str().rsplit_once('@').map_or("", |(local, _)| local).to_lowercase();
        let plain = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        // A short name may be a part of any word.
        let names = |word: &str| if local.len() > 3 { word.to_lowercase().contains(&local) } else { plain(word) == local };
        let hide = |error: String| error.split(' ').map(|word| if names(word) { "***" } else { word }).collect::<Vec<_>>().join(" ");
        let error = self.error.map(|error| hide(error).chars().take(Self::MAX_ERROR).collect());
        Self { error, ..self }
    }
}

/// As many characters of base64url in a row may be a token.
const TOKEN: usize = 40;

/// Whether a word has an address, a link or a token.
fn is_secret(word: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    word.contains('@')
        || word.contains("%40")
        || word.contains("://")
        || word.split(|c| !is_plain(c)).any(|run| run.len() >= TOKEN && run.bytes().any(|byte| byte.is_ascii_digit()))
}

impl MailOutcome {
    /// Returns the status of the answer, except for an accepted mail.
    pub const fn status(self) -> Option<u16> {
        match self {
            Self::Accepted => None,
            Self::Refused(status) | Self::Bounced(status) | Self::KeyRefused(status) => Some(status),
            Self::Failed { status, .. } => status,
        }
    }
}

/// Settles a claimed mail after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettleMail {
    /// The claim of the attempt.
    pub claim: ClaimId,
    /// The mail.
    pub mail_id: MailId,
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// The result of the attempt.
    pub outcome: MailOutcome,
    /// What went wrong, in words for an operator.
    pub error: Option<String>,
    /// How long the attempt took.
    pub latency: Duration,
    /// Random bits that spread the retries.
    pub chance: u64,
    /// When the attempt ended.
    pub now: Timestamp,
}

impl SettleMail {
    /// Whether the mailbox of the recipient does not exist.
    pub const fn bounced(&self) -> bool {
        matches!(self.outcome, MailOutcome::Bounced(_))
    }

    /// Returns the suppression of an address whose mailbox does not exist. Its id is that of the mail.
    pub fn suppression(&self, recipient: &Email, address: AddressHash) -> Option<Suppression> {
        self.bounced().then(|| Suppression {
            id: SuppressionId::new(self.mail_id.uuid()),
            workspace_id: self.workspace_id,
            address,
            masked_email: Some(recipient.masked().to_string()),
            reason: SuppressionReason::Bounced,
            created_at: self.now,
        })
    }

    /// Decides on the state of the mail after the attempt.
    pub fn decide(&self, schedule: &RetrySchedule) -> Verdict {
        match self.outcome {
            MailOutcome::Accepted => Verdict::Done,
            MailOutcome::Refused(_) | MailOutcome::Bounced(_) | MailOutcome::KeyRefused(_) => Verdict::Dead,
            MailOutcome::Failed { retry_after, .. } => match schedule.wait(self.attempt, retry_after, self.chance) {
                Some(wait) => Verdict::RetryAt(self.now.plus(wait)),
                None => Verdict::Dead,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn settle(outcome: MailOutcome, attempt: u32) -> Verdict {
        let command = SettleMail {
            claim: ClaimId::new(Uuid::nil()),
            mail_id: MailId::new(Uuid::nil()),
            workspace_id: WorkspaceId::new(Uuid::nil()),
            attempt,
            outcome,
            error: None,
            latency: Duration::ZERO,
            chance: u64::MAX / 2,
            now: Timestamp::parse("2026-01-31T09:00:00Z").unwrap(),
        };
        command.decide(&RetrySchedule::default())
    }

    #[test]
    fn a_refused_mail_is_not_retried() {
        assert_eq!(settle(MailOutcome::Bounced(550), 1), Verdict::Dead);
        assert_eq!(settle(MailOutcome::Accepted, 1), Verdict::Done);
        assert_eq!(settle(MailOutcome::Refused(422), 1), Verdict::Dead);
        assert_eq!(settle(MailOutcome::KeyRefused(401), 1), Verdict::Dead);
    }

    #[test]
    fn an_error_is_one_short_line() {
        let report = MailReport::failed(MailOutcome::Refused(554), &format!("554 5.7.1\r\n  no\u{0}{}", "x".repeat(900)));
        let error = report.error.unwrap();
        assert!(error.starts_with("554 5.7.1 no x"), "{error}");
        assert_eq!(error.chars().count(), MailReport::MAX_ERROR);
    }

    #[test]
    fn an_error_has_no_name_of_a_mailbox() {
        let told = |to: &str, error: &str| {
            let report = MailReport::failed(MailOutcome::Bounced(550), error).without(&Email::parse(to).unwrap());
            report.error.unwrap()
        };
        assert_eq!(told("Ada.Smith@example.com", "550 no user ada.smith here (ADA.SMITH)"), "550 no user *** here ***");
        assert_eq!(told("al@example.com", "550 no mailbox <al>, all is lost"), "550 no mailbox *** all is lost");
    }

    #[test]
    fn an_error_has_no_address() {
        let report = MailReport::failed(MailOutcome::Bounced(550), "550 5.1.1 <ada@example.com>: user ada@example.com unknown");
        assert_eq!(report.error.as_deref(), Some("550 5.1.1 *** user *** unknown"));
        let token = "q1W2e3R4t5Y6u7I8o9P0a1S2d3F4g5H6j7K8l9Z0x1C";
        let refused = format!("554 5.7.1 link https://rally.example/me/{token} and /me/{token} for ada%40example.com, id 4ZfKxQ0jR1z");
        let report = MailReport::failed(MailOutcome::Refused(554), &refused);
        assert_eq!(report.error.as_deref(), Some("554 5.7.1 link *** and *** for *** id 4ZfKxQ0jR1z"));
    }

    #[test]
    fn a_failed_mail_is_retried_on_the_schedule_of_webhooks() {
        let failed = |seconds: Option<i64>| MailOutcome::Failed { status: Some(500), retry_after: seconds.map(Duration::seconds) };
        let at = |text| Verdict::RetryAt(Timestamp::parse(text).unwrap());
        assert_eq!(settle(failed(None), 1), at("2026-01-31T09:00:05Z"));
        assert_eq!(settle(failed(Some(60)), 1), at("2026-01-31T09:01:00Z"));
        assert_eq!(settle(failed(Some(1)), 2), at("2026-01-31T09:05:00Z"));
        assert_eq!(settle(failed(None), 8), Verdict::Dead);
    }
}
