//! Who may send mail over SMTP.

use crate::error::{FieldError, Invalid};
use crate::mail::Sender;
use crate::workspace::{Notifications, WorkspaceSettings};

/// The mail server of a deployment, and who may send through it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpPolicy {
    /// The sender of a workspace that has set none.
    pub sender: Sender,
    /// The domains that workspaces may send from, in lower case.
    pub domains: Vec<String>,
    /// Whether the links in mail lead to this machine alone, while the mail leaves it.
    pub links_are_local: bool,
}

impl SmtpPolicy {
    /// Checks whether a workspace may send over SMTP with these settings. `None` means that there is no mail server.
    ///
    /// # Errors
    /// Every setting that stands in the way.
    pub fn check(policy: Option<&Self>, settings: &WorkspaceSettings) -> Result<(), Vec<FieldError>> {
        if settings.notifications != Notifications::ViaSmtp {
            return Ok(());
        }
        let error = |field: &str, reason: String| FieldError::new(field, Invalid::new(reason));
        let Some(policy) = policy else {
            let reason = "cannot be smtp: no mail server is configured on this server (RALLY_SMTP_URL)";
            return Err(vec![error("notifications", reason.to_owned())]);
        };
        let mut errors = Vec::new();
        if policy.links_are_local {
            let reason = "cannot be smtp: RALLY_PUBLIC_URL leads to this machine alone, and so would every link in the mail";
            errors.push(error("notifications", reason.to_owned()));
        }
        let foreign =
            settings.default_sender_address.as_ref().filter(|address| !policy.domains.iter().any(|name| name == address.domain()));
        if foreign.is_some() {
            errors.push(error("default_sender_address", format!("must be an address at {}", policy.domains.join(" or "))));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::email::Email;
    use crate::id::WorkspaceId;

    fn refused(policy: Option<&SmtpPolicy>, notifications: Notifications, address: Option<&str>) -> Vec<String> {
        let settings = WorkspaceSettings {
            notifications,
            default_sender_address: address.map(|address| Email::parse(address).unwrap()),
            ..WorkspaceSettings::unset(WorkspaceId::new(Uuid::nil()))
        };
        SmtpPolicy::check(policy, &settings).map_or_else(|errors| errors.into_iter().map(|error| error.field).collect(), |()| Vec::new())
    }

    #[test]
    fn a_workspace_sends_from_the_domains_of_the_server() {
        let policy = SmtpPolicy {
            sender: Sender { name: None, address: Email::parse("rally@mail.example").unwrap() },
            domains: vec!["mail.example".to_owned(), "acme.example".to_owned()],
            links_are_local: false,
        };
        let smtp = Notifications::ViaSmtp;
        assert_eq!(refused(Some(&policy), smtp, None), [] as [&str; 0]);
        assert_eq!(refused(Some(&policy), smtp, Some("hello@ACME.example")), [] as [&str; 0]);
        for foreign in ["a@else.example", "a@sub.acme.example", "a@notacme.example"] {
            assert_eq!(refused(Some(&policy), smtp, Some(foreign)), ["default_sender_address"]);
            assert_eq!(refused(Some(&policy), Notifications::Off, Some(foreign)), [] as [&str; 0]);
        }
        assert_eq!(refused(None, smtp, None), ["notifications"]);
        assert_eq!(
            refused(Some(&SmtpPolicy { links_are_local: true, ..policy }), smtp, Some("a@else.example")),
            ["notifications", "default_sender_address"]
        );
    }
}
