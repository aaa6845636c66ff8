//! The freight for the mail service: mail, with one lane for each workspace.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use rally_domain::error::Fault;
use rally_domain::id::{ClaimId, MailId, WorkspaceId};
use rally_domain::mail::{ClaimedMail, MailOutcome, MailReport, SettleMail};
use rally_domain::port::{Mailer, Ports};
use rally_domain::queue::ClaimRequest;
use rally_domain::queue::RetrySchedule;
use rally_domain::timestamp::Timestamp;
use time::Duration;

use super::core::Signal;
use super::freight::Freight;
use crate::cache::Changes;

/// Carries mail to the mail service.
#[derive(Clone)]
pub struct MailFreight {
    /// The ports.
    pub ports: Ports,
    /// Sends mail.
    pub mailer: Arc<dyn Mailer>,
    /// When a mail is retried.
    pub schedule: RetrySchedule,
    /// How long an attempt may take.
    pub timeout: Duration,
    /// The changes of this process that can stop a mail.
    pub changes: Changes,
}

#[async_trait]
impl Freight for MailFreight {
    type Lane = WorkspaceId;
    type Item = ClaimedMail;
    type Key = MailId;
    type Attempt = SettleMail;
    const WHAT: &'static str = "mail";

    fn ports(&self) -> &Ports {
        &self.ports
    }

    fn changes(&self) -> u64 {
        self.changes.count()
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn lane(claimed: &ClaimedMail) -> WorkspaceId {
        claimed.mail.workspace_id
    }

    fn key(claimed: &ClaimedMail) -> (ClaimId, MailId) {
        (claimed.claim, claimed.mail.id)
    }

    fn report(attempt: &SettleMail) -> (WorkspaceId, Timestamp, Signal) {
        let signal = match attempt.outcome {
            MailOutcome::Accepted | MailOutcome::Refused(_) | MailOutcome::Bounced(_) => Signal::Well,
            MailOutcome::KeyRefused(_) | MailOutcome::Failed { .. } => Signal::Troubled,
        };
        (attempt.workspace_id, attempt.now, signal)
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<WorkspaceId>, Fault> {
        self.ports.mails.due(now).await
    }

    async fn claim(&self, request: ClaimRequest<WorkspaceId>) -> Result<Vec<ClaimedMail>, Fault> {
        self.ports.mails.claim(request).await
    }

    async fn confirm(&self, claimed: Vec<ClaimedMail>) -> Result<Vec<ClaimedMail>, Fault> {
        self.ports.mails.confirm(claimed.iter().map(Self::key).collect()).await
    }

    async fn attempt(self, claimed: ClaimedMail) -> Result<SettleMail, (ClaimedMail, Fault)> {
        let started = Instant::now();
        let MailReport { outcome, error } = self.mailer.send(&claimed.mail.message()).await;
        let latency = Duration::try_from(started.elapsed()).unwrap_or(Duration::MAX);
        tell(&claimed, outcome, error.as_deref(), latency);
        let ports = &self.ports;
        Ok(SettleMail {
            claim: claimed.claim,
            mail_id: claimed.mail.id,
            workspace_id: claimed.mail.workspace_id,
            attempt: claimed.attempt,
            outcome,
            latency,
            chance: ports.ids.entropy(),
            now: ports.clock.now(),
        })
    }

    async fn settle(&self, tried: Vec<SettleMail>) -> Result<usize, Fault> {
        self.ports.mails.settle(tried, self.schedule.clone()).await
    }

    async fn release(&self, claim: ClaimId, keys: Vec<MailId>, due_at: Timestamp) -> Result<(), Fault> {
        self.ports.mails.release(claim, keys, due_at).await
    }

    async fn reap(&self, now: Timestamp) -> Result<u64, Fault> {
        self.ports.mails.reap(now, self.schedule.attempts()).await
    }
}

/// Logs and counts an attempt. Only the operator learns from the log that a mail was refused for good.
fn tell(claimed: &ClaimedMail, outcome: MailOutcome, error: Option<&str>, latency: Duration) {
    let (mail, attempt, status) = (claimed.mail.id, claimed.attempt, outcome.status());
    let label = match outcome {
        MailOutcome::Accepted => "accepted",
        MailOutcome::Refused(_) => "refused",
        MailOutcome::Bounced(_) => "bounced",
        MailOutcome::KeyRefused(_) => "key_refused",
        MailOutcome::Failed { .. } => "failed",
    };
    metrics::counter!("rally_mail_attempts_total", "outcome" => label).increment(1);
    metrics::histogram!("rally_mail_attempt_duration_seconds").record(latency.as_seconds_f64());
    match outcome {
        MailOutcome::Accepted => tracing::debug!(%mail, attempt, "mail accepted"),
        MailOutcome::Refused(_) => tracing::warn!(%mail, attempt, status, error, "mail refused; it is not retried"),
        MailOutcome::Bounced(_) => tracing::info!(%mail, attempt, status, "the mailbox does not exist; the mail is not retried"),
        MailOutcome::KeyRefused(_) => tracing::error!(%mail, attempt, status, "Envoi refuses the key of this server: see RALLY_ENVOI_KEY"),
        MailOutcome::Failed { .. } => tracing::warn!(%mail, attempt, status, error, "mail failed; it may be retried"),
    }
}
