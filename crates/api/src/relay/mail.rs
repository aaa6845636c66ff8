//! The freight for mail: one lane for each workspace. Mail goes to Envoi or to the mail server, as it was written.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use rally_domain::error::Fault;
use rally_domain::id::{ClaimId, MailId, WaitlistId, WorkspaceId};
use rally_domain::locale::Locale;
use rally_domain::mail::{
    Choice, ClaimedMail, Content, Mail, MailBudget, MailKind, MailOutcome, MailReport, MailTemplate, SettleMail, TemplateSource, Via,
    choose, in_words_of, serving, variant_of,
};
use rally_domain::port::{Ports, TemplateEngine};
use rally_domain::queue::{ClaimRequest, RetrySchedule, Verdict};
use rally_domain::timestamp::Timestamp;
use rally_domain::use_case::visit;
use time::Duration;
use tokio::sync::OnceCell;

use super::core::{IN_ALL, Signal};
use super::freight::{Freight, NotTried};
use super::refusals::Refusals;
use crate::cache::Changes;

/// The status of a mail whose template cannot be rendered, as Envoi has it.
const UNRENDERED: u16 = 422;

/// Why no attempt was made.
enum NotSent {
    /// This process cannot send the mail.
    Here(Fault),
    /// Too many others are sent now, or the store does not answer.
    Busy(Fault),
}

impl From<Fault> for NotSent {
    fn from(fault: Fault) -> Self {
        Self::Here(fault)
    }
}

/// Carries mail to Envoi and to the mail server.
#[derive(Clone)]
pub struct MailFreight {
    /// The ports.
    pub ports: Ports,
    /// Renders the templates of mail over SMTP.
    pub templates: Arc<dyn TemplateEngine>,
    /// The most mails that strangers may cause. `None` means no limit.
    pub budget: Option<MailBudget>,
    /// When a mail is retried.
    pub schedule: RetrySchedule,
    /// How long an attempt may take.
    pub timeout: Duration,
    /// The most mails that are sent at once, if something limits them.
    pub most: Option<usize>,
    /// The changes of this process that can stop a mail.
    pub changes: Changes,
    /// Mails that were refused in a row.
    pub refusals: Refusals,
}

impl MailFreight {
    /// Makes an attempt at once, and settles it, for a command that waits for the result.
    ///
    /// # Errors
    /// If this process cannot send the mail, or the store has a fault.
    pub async fn send_now(self, claimed: ClaimedMail) -> Result<SettleMail, Fault> {
        let tried = self.try_once(&ReadMail { claimed, own: Own::default() }).await;
        let tried = tried.map_err(|(NotSent::Here(fault) | NotSent::Busy(fault))| fault)?;
        self.settle(vec![tried.clone()]).await?;
        Ok(tried)
    }

    async fn try_once(&self, ReadMail { claimed, own }: &ReadMail) -> Result<SettleMail, NotSent> {
        let started = Instant::now();
        let MailReport { outcome, error } = self.send(&claimed.mail, own).await?.without(&claimed.mail.to);
        Ok(SettleMail {
            claim: claimed.claim,
            mail_id: claimed.mail.id,
            workspace_id: claimed.mail.workspace_id,
            attempt: claimed.attempt,
            outcome,
            error,
            latency: Duration::try_from(started.elapsed()).unwrap_or(Duration::MAX),
            chance: self.ports.ids.entropy(),
            now: self.ports.clock.now(),
        })
    }

    /// Makes an attempt. A process that is not configured for the mail leaves it to another one.
    async fn send(&self, mail: &Mail, own: &Own) -> Result<MailReport, NotSent> {
        let links = &self.ports.links;
        match &mail.via {
            Via::Envoi { template } => {
                let envoi = self.ports.envoi.as_ref().ok_or_else(|| Fault::unavailable("this server has no Envoi"))?;
                let content = Content::Template { name: template.clone(), data: mail.data.clone() };
                let message = mail.message(content, None, links).ok_or_else(|| Fault::unexpected("the mail has no sender"))?;
                envoi.send(&message).await.map_err(NotSent::Busy)
            }
            Via::Smtp => {
                let smtp = self.ports.smtp.as_ref().ok_or_else(|| Fault::unavailable("this server has no mail server"))?;
                let (locale, source, is_own) = self.template(mail, own).await.map_err(NotSent::Busy)?;
                let data = in_words(&self.ports, mail.recipient.waitlist_id(), &mail.data).await.map_err(NotSent::Busy)?;
                let rendered = match self.templates.render(&locale, &source, &data) {
                    Ok(rendered) => rendered,
                    Err(error) => return Ok(MailReport::failed(MailOutcome::Refused(UNRENDERED), &error.to_string())),
                };
                // The built-in templates have the link.
                let rendered = match mail.unsubscribe_url(links).filter(|url| is_own && !rendered.has_link(url)) {
                    Some(url) => rendered.with_link(&self.words_of_link(mail, locale).await.map_err(NotSent::Busy)?, &url),
                    None => rendered,
                };
                let message = mail.message(Content::Rendered(rendered), Some(&smtp.policy.sender), links);
                let message = message.ok_or_else(|| Fault::unexpected("the mail has no sender"))?;
                smtp.mailer.send(&message).await.map_err(NotSent::Busy)
            }
        }
    }

    /// Returns the words of the link that is added to a mail in a language, or else in that of the workspace.
    async fn words_of_link(&self, mail: &Mail, locale: Locale) -> Result<String, Fault> {
        let fallback = self.ports.settings.get(mail.workspace_id).await?.default_locale;
        Ok(self.templates.unsubscribe(&[locale, fallback]))
    }

    /// Returns the template of a mail, its language and whether it is the workspace's own.
    async fn template(&self, mail: &Mail, own: &Own) -> Result<(Locale, TemplateSource, bool), Fault> {
        let own =
            own.get_or_init(|| self.ports.mail_templates.of_kind(mail.workspace_id, mail.kind)).await.as_ref().map_err(Fault::again)?;
        let built_in = self.templates.locales();
        let choice = match serving(&mail.locale, own, &built_in) {
            Some(choice) => choice,
            // Few mails need the settings of their workspace.
            None => choose(&mail.locale, &self.ports.settings.get(mail.workspace_id).await?.default_locale, own, &built_in),
        };
        Ok(match choice {
            Choice::Own(template) => (template.locale.clone(), template.source.clone(), true),
            Choice::BuiltIn(locale) => {
                let source = self.templates.built_in(mail.kind, &locale);
                (locale, source, false)
            }
        })
    }
}

/// Returns the data of a mail with the name of the waitlist that the person saw, if that of a variant.
///
/// # Errors
/// If the store fails.
pub async fn in_words<'a>(ports: &Ports, waitlist: Option<WaitlistId>, data: &'a str) -> Result<Cow<'a, str>, Fault> {
    let Some((waitlist, id)) = waitlist.zip(variant_of(data)) else { return Ok(data.into()) };
    let variant = visit::variant_of(ports, waitlist, Some(id)).await?;
    Ok(variant.map_or(data.into(), |variant| in_words_of(data, &variant.copy).into()))
}

/// The templates that a workspace wrote for a kind, once a mail needed them.
type Own = Arc<OnceCell<Result<Vec<MailTemplate>, Fault>>>;

/// A claimed mail. Those that were read together have their templates in common, which are read after them.
pub struct ReadMail {
    claimed: ClaimedMail,
    own: Own,
}

fn read_together(claimed: Vec<ClaimedMail>) -> Vec<ReadMail> {
    let mut templates: HashMap<(WorkspaceId, MailKind), Own> = HashMap::new();
    let with_own = |claimed: ClaimedMail| {
        let own = templates.entry((claimed.mail.workspace_id, claimed.mail.kind)).or_default().clone();
        ReadMail { claimed, own }
    };
    claimed.into_iter().map(with_own).collect()
}

#[async_trait]
impl Freight for MailFreight {
    type Lane = WorkspaceId;
    type Item = ReadMail;
    type Key = MailId;
    type Attempt = SettleMail;
    const WHAT: &'static str = "mail";

    fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    fn new_claim(&self) -> ClaimId {
        ClaimId::new(self.ports.ids.uuid())
    }

    fn changes(&self) -> u64 {
        self.changes.count()
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    fn most(&self) -> usize {
        self.most.unwrap_or(IN_ALL)
    }

    fn lane(mail: &ReadMail) -> WorkspaceId {
        mail.claimed.mail.workspace_id
    }

    fn key(ReadMail { claimed, .. }: &ReadMail) -> (ClaimId, MailId) {
        (claimed.claim, claimed.mail.id)
    }

    fn report(attempt: &SettleMail) -> (WorkspaceId, Timestamp, Signal) {
        let signal = match attempt.outcome {
            MailOutcome::Accepted | MailOutcome::Refused(_) | MailOutcome::Bounced(_) => Signal::Well,
            MailOutcome::KeyRefused(_) | MailOutcome::Failed { .. } => Signal::Troubled,
        };
        (attempt.workspace_id, attempt.now, signal)
    }

    fn retries_at(&self, attempt: &SettleMail) -> Option<Timestamp> {
        match attempt.decide(&self.schedule) {
            Verdict::RetryAt(at) => Some(at),
            Verdict::Done | Verdict::Dead | Verdict::Held => None,
        }
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<WorkspaceId>, Fault> {
        self.ports.mails.due(now).await
    }

    async fn claim(&self, request: ClaimRequest<WorkspaceId>) -> Result<Vec<ReadMail>, Fault> {
        self.ports.mails.claim(request, self.budget).await.map(read_together)
    }

    async fn confirm(&self, mails: Vec<ReadMail>) -> Result<Vec<ReadMail>, Fault> {
        self.ports.mails.confirm(mails.iter().map(Self::key).collect()).await.map(read_together)
    }

    async fn attempt(self, mail: ReadMail) -> Result<SettleMail, NotTried<ReadMail>> {
        match self.try_once(&mail).await {
            Ok(tried) => {
                tell(&tried);
                if self.refusals.note(tried.workspace_id, tried.outcome) {
                    let (workspace, last) = (tried.workspace_id, tried.error.as_deref());
                    tracing::error!(%workspace, last, "ten mails in a row were refused for good: check the sender of this workspace, and its domain");
                }
                Ok(tried)
            }
            Err(NotSent::Here(fault)) => Err(NotTried::here(mail, fault)),
            Err(NotSent::Busy(fault)) => Err(NotTried::busy(mail, fault)),
        }
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
fn tell(tried: &SettleMail) {
    let SettleMail { mail_id: mail, attempt, outcome, latency, .. } = *tried;
    let (status, error) = (outcome.status(), tried.error.as_deref());
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
