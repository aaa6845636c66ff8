//! Changing the settings of a workspace. If notifications would be on, Rally asks the mail service first.

use crate::actor::Actor;
use crate::command::{CheckedSender, UpdateSettings, UpdateSettingsRejection, missing_for_notifications};
use crate::error::{CommandError, Fault, FieldError, Invalid, RemoteError};
use crate::id::WorkspaceId;
use crate::port::{DomainState, Ports, SenderDirectory, SenderDomain};
use crate::workspace::{SettingsChange, WorkspaceSettings};

/// Why settings were not changed.
#[derive(Debug, thiserror::Error)]
pub enum ConfigureRejection {
    /// The workspace does not exist.
    #[error("this workspace does not exist")]
    NoSuchWorkspace,
    /// Notifications need a setting that is missing or that the mail service does not know. Each key is named.
    #[error("notifications cannot be on with these settings")]
    Invalid(Vec<FieldError>),
    /// The mail service could not be asked.
    #[error(transparent)]
    Remote(RemoteError),
}

/// How often Rally asks the mail service if other changes of the settings come in between.
const ATTEMPTS: usize = 4;

/// Changes the settings of a workspace.
///
/// If notifications are on after the change and the change touches their settings, the mail service must know the domain, the address and
/// the templates. Rally asks it outside any transaction. The transaction sets only the values that were checked.
///
/// # Errors
/// If a setting is missing or unknown, or the mail service cannot be asked. Then nothing was changed.
pub async fn run(
    ports: &Ports,
    actor: &Actor,
    workspace_id: WorkspaceId,
    change: SettingsChange,
) -> Result<WorkspaceSettings, CommandError<ConfigureRejection>> {
    for _ in 0..ATTEMPTS {
        if let Some(settings) = attempt(ports, actor, workspace_id, &change).await? {
            return Ok(settings);
        }
    }
    Err(Fault::unavailable("others keep changing the settings").into())
}

/// Returns the changed settings. `None` means that another change touched the checked settings in between.
async fn attempt(
    ports: &Ports,
    actor: &Actor,
    workspace_id: WorkspaceId,
    change: &SettingsChange,
) -> Result<Option<WorkspaceSettings>, CommandError<ConfigureRejection>> {
    let now = ports.clock.now();
    let after = change.apply(ports.settings.get(workspace_id).await?, now);
    let checked = if change.wants_check(&after) { Some(check(ports, &after).await.map_err(CommandError::Rejected)?) } else { None };
    let smtp = ports.smtp.as_ref().map(|smtp| smtp.policy.clone());
    let command = UpdateSettings { workspace_id, change: change.clone(), smtp, checked, actor: actor.clone(), now };
    match ports.settings.update(command).await {
        Ok(settings) => Ok(Some(settings)),
        Err(CommandError::Rejected(UpdateSettingsRejection::Unchecked)) => Ok(None),
        Err(error) => Err(error.map_rejection(|rejection| match rejection {
            UpdateSettingsRejection::Incomplete(errors) => ConfigureRejection::Invalid(errors),
            UpdateSettingsRejection::NoSuchWorkspace | UpdateSettingsRejection::Unchecked => ConfigureRejection::NoSuchWorkspace,
        })),
    }
}

/// Asks the mail service about everything that notifications need.
async fn check(ports: &Ports, settings: &WorkspaceSettings) -> Result<CheckedSender, ConfigureRejection> {
    let mut errors = missing_for_notifications(settings);
    if ports.senders.is_none() {
        let no_envoi = Invalid::new("cannot be on: no Envoi is configured on this server");
        errors.insert(0, FieldError::new("notifications_via_envoi", no_envoi));
    }
    let (Some(sender), Some(senders), true) = (CheckedSender::of(settings), ports.senders.as_deref(), errors.is_empty()) else {
        return Err(ConfigureRejection::Invalid(errors));
    };
    let unknown = ask(senders, settings.workspace_id, &sender).await.map_err(ConfigureRejection::Remote)?;
    if unknown.is_empty() { Ok(sender) } else { Err(ConfigureRejection::Invalid(unknown)) }
}

/// Returns an error for each setting that the mail service does not know or does not allow.
async fn ask(senders: &dyn SenderDirectory, workspace_id: WorkspaceId, sender: &CheckedSender) -> Result<Vec<FieldError>, RemoteError> {
    let mut errors = Vec::new();
    let mut wrong = |field, message: String| errors.push(FieldError::new(field, Invalid::new(message)));
    match senders.find_domain(workspace_id, sender.domain_id).await? {
        None => wrong("default_sender_domain_id", "is not a domain of this workspace in Envoi".to_owned()),
        Some(SenderDomain { state: DomainState::NotActive, .. }) => wrong("default_sender_domain_id", "is not active in Envoi".to_owned()),
        Some(SenderDomain { state: DomainState::CannotSend, .. }) => {
            wrong("default_sender_domain_id", "is for receiving alone in Envoi".to_owned());
        }
        Some(SenderDomain { name, state: DomainState::Active }) if name != sender.address.domain() => {
            wrong("default_sender_address", format!("must be an address at {name}"));
        }
        Some(SenderDomain { state: DomainState::Active, .. }) => {}
    }
    let templates = &sender.templates;
    for (field, name) in [
        ("welcome_template_name", Some(&templates.welcome)),
        ("approved_template_name", Some(&templates.approved)),
        ("rejected_template_name", Some(&templates.rejected)),
        ("confirm_template_name", templates.confirm.as_ref()),
        ("link_template_name", templates.link.as_ref()),
    ] {
        let Some(name) = name else { continue };
        if !senders.has_template(workspace_id, name).await? {
            wrong(field, "is not a template of this workspace in Envoi".to_owned());
        }
    }
    Ok(errors)
}
