//! `rally mail`: tries the mail server.

use std::sync::Arc;

use clap::Subcommand;
use rally_domain::actor::Actor;
use rally_domain::email::Email;
use rally_domain::id::ClaimId;
use rally_domain::mail::{ClaimedMail, Mail, MailKind, MailOutcome, SettleMail};
use rally_domain::port::Ports;
use rally_domain::queue::{RetrySchedule, Verdict};
use rally_domain::use_case::test_mail::{self, Trial};
use rally_smtp::Templates;
use time::Duration;

use super::failure::{Failure, refused};
use super::open;
use super::output::print;
use super::workspace::find_workspace;
use crate::boot::config::Config;
use crate::boot::secrets::Secrets;
use crate::boot::{store, upstreams};
use crate::cache::Changes;
use crate::relay::{MailFreight, Refusals};

/// How long a claim outlasts its attempt, so that no server takes the mail over while its result is written.
const MARGIN: Duration = Duration::seconds(30);

/// Silences the log line of an attempt. The command itself says what happened.
pub(super) const QUIET: &str = ",rally_smtp::transport=error";

#[derive(Subcommand)]
pub(super) enum MailCommand {
    /// Send the welcome of a workspace to an address, with example data, and say what the mail server answered
    Test {
        /// Slug of the workspace that sends the mail
        #[arg(long, value_name = "SLUG")]
        workspace: String,
        /// The address that gets the mail
        #[arg(long, value_name = "ADDRESS")]
        to: String,
    },
}

pub(super) async fn run(config: &Config, command: MailCommand) -> Result<(), Failure> {
    let MailCommand::Test { workspace, to } = command;
    let to = Email::parse(&to).map_err(|error| Failure::Refused(format!("the address {error}")))?;
    let secrets = Secrets::load(config)?;
    let mut ports = open(config, config.migrate.by_command()).await?.ports;
    store::share_secret(config, &secrets, &mut ports).await?;
    upstreams::attach(config, &mut ports)?;
    let schedule = config.webhooks.policy.schedule.clone();
    let (mail, tried) = send(&ports, &workspace, to, schedule.clone()).await?;
    tell(&ports, &mail, &tried, &schedule)
}

/// Writes a test mail under a claim of this process, and makes its first attempt.
async fn send(ports: &Ports, workspace: &str, to: Email, schedule: RetrySchedule) -> Result<(Mail, SettleMail), Failure> {
    let workspace = find_workspace(ports, workspace).await?;
    let (claim, timeout) = (ClaimId::new(ports.ids.uuid()), upstreams::SMTP_DEADLINE);
    let lease = (claim, ports.clock.now().plus(timeout).plus(MARGIN));
    let trial = Trial { kind: MailKind::Welcome, locale: None, to, claim: Some(lease) };
    let templates = Arc::new(Templates::new());
    let mail = test_mail::run(ports, &*templates, &Actor::CommandLine, &workspace, trial).await.map_err(refused)?;
    let (changes, refusals) = (Changes::default(), Refusals::default());
    let freight = MailFreight { ports: ports.clone(), templates, budget: None, schedule, timeout, most: None, changes, refusals };
    let tried = freight.send_now(ClaimedMail { claim, attempt: 1, mail: mail.clone() }).await?;
    Ok((mail, tried))
}

/// Says what the attempt means.
fn tell(ports: &Ports, mail: &Mail, tried: &SettleMail, schedule: &RetrySchedule) -> Result<(), Failure> {
    let to = &mail.to;
    let answer = tried.error.as_deref().unwrap_or("it gave no reason");
    match (tried.outcome, tried.decide(schedule)) {
        (MailOutcome::Accepted, _) => {
            let default = ports.smtp.as_ref().map(|smtp| &smtp.policy.sender.address);
            let from = mail.from.as_ref().or(default).map(ToString::to_string).unwrap_or_default();
            let lines = [
                format!("The mail server accepted the mail from {from} to {to}."),
                "If it does not arrive, look into the spam folder, and set up SPF, DKIM and DMARC for the domain of the sender.".to_owned(),
            ];
            print(&lines.join("\n"))
        }
        (MailOutcome::Bounced(_), _) => Err(Failure::Refused(format!("the mail server says that {to} does not exist: {answer}"))),
        (_, Verdict::RetryAt(at)) => {
            let later = "the mail server did not take the mail now";
            Err(Failure::Refused(format!("{later}: {answer}; a running server tries again from {at} on")))
        }
        (_, _) => Err(Failure::Refused(format!("the mail server refused the mail for good: {answer}"))),
    }
}
