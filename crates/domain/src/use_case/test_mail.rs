//! Trying a template of mail on an address: check that the workspace can send over SMTP, and write the mail.

use crate::actor::Actor;
use crate::command::{TestMail, TestMailRejection};
use crate::email::Email;
use crate::error::CommandError;
use crate::id::{ClaimId, MailId};
use crate::locale::Locale;
use crate::mail::{Mail, MailKind, MailSetup, MailTest, SmtpPolicy, Transport};
use crate::port::{Ports, TemplateEngine};
use crate::timestamp::Timestamp;
use crate::workspace::{Notifications, Workspace, WorkspaceSettings};

/// What to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The kind of mail.
    pub kind: MailKind,
    /// The locale of the template. `None` means the default one of the workspace.
    pub locale: Option<Locale>,
    /// The address that gets the mail.
    pub to: Email,
    /// The claim under which the caller sends the mail, and when its lease ends. `None` leaves the mail to the relay.
    pub claim: Option<(ClaimId, Timestamp)>,
}

/// Writes a mail that tries a template, whether the notifications of the workspace are on or not.
///
/// # Errors
/// If the workspace cannot send over SMTP, does not exist any more, or wrote the most tests of an hour.
pub async fn run(
    ports: &Ports,
    engine: &dyn TemplateEngine,
    actor: &Actor,
    workspace: &Workspace,
    trial: Trial,
) -> Result<Mail, CommandError<TestMailRejection>> {
    let settings = ports.settings.get(workspace.id).await?;
    let settings = WorkspaceSettings { notifications: Notifications::ViaSmtp, ..settings };
    let policy = ports.smtp.as_ref().map(|smtp| &smtp.policy);
    SmtpPolicy::check(policy, &settings).map_err(|errors| CommandError::Rejected(TestMailRejection::NotPossible(errors)))?;
    let setup = MailSetup::by(Transport::Smtp, &settings, &workspace.slug);
    let (kind, now) = (trial.kind, ports.clock.now());
    let test = MailTest { kind, locale: trial.locale.unwrap_or(settings.default_locale), to: trial.to, now };
    let mail = Mail::test(MailId::new(ports.ids.uuid()), &setup, &ports.links, workspace.id, test, &engine.example(kind));
    ports.mails.test(TestMail { mail, claim: trial.claim, actor: actor.clone() }).await
}
