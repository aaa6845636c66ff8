//! Writing and deleting templates of mail.

use crate::actor::Actor;
use crate::audit::{AuditAction, Audited, changes};
use crate::id::WorkspaceId;
use crate::locale::Locale;
use crate::mail::{MAX_TEMPLATES, MailKind, MailTemplate, TemplateSource};
use crate::timestamp::Timestamp;

/// Writes the template of a kind and locale, new or in place of the one that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutTemplate {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The kind of mail.
    pub kind: MailKind,
    /// The locale of its readers.
    pub locale: Locale,
    /// The source, which was checked.
    pub source: TemplateSource,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Deletes the template of a kind and locale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteTemplate {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The kind of mail.
    pub kind: MailKind,
    /// The locale of its readers.
    pub locale: Locale,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

/// Why a template was not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TemplateRejection {
    /// The workspace does not exist.
    #[error("this workspace does not exist")]
    NoSuchWorkspace,
    /// The template would be new, and the workspace has the most templates already.
    #[error("a workspace has at most {MAX_TEMPLATES} templates")]
    TooMany,
}

/// The stored state that a template needs. The store keeps it locked until the template is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutTemplateFacts {
    /// How many templates of other kinds and locales the workspace has. `None` means that the workspace does not exist.
    pub others: Option<u64>,
    /// The template of this kind and locale, if there is one.
    pub current: Option<MailTemplate>,
}

impl PutTemplate {
    /// Returns the template to write.
    ///
    /// # Errors
    /// If the workspace does not exist, or would have too many templates.
    pub fn decide(self, facts: PutTemplateFacts) -> Result<Audited<MailTemplate>, TemplateRejection> {
        let others = facts.others.ok_or(TemplateRejection::NoSuchWorkspace)?;
        if others >= MAX_TEMPLATES {
            return Err(TemplateRejection::TooMany);
        }
        let template = MailTemplate {
            workspace_id: self.workspace_id,
            kind: self.kind,
            locale: self.locale,
            source: self.source,
            updated_at: self.now,
        };
        let (current, now) = (facts.current.as_ref(), self.now);
        let action = if current.is_some() { AuditAction::MailTemplateUpdate } else { AuditAction::MailTemplateCreate };
        let row = self.actor.audit(now, template.workspace_id, action, place(&template), changes(current, Some(&template)));
        Ok(Audited::new(template, row))
    }
}

impl DeleteTemplate {
    /// Returns whether there is a template to delete, from the template as it is now.
    pub fn decide(&self, current: Option<&MailTemplate>) -> Audited<bool> {
        let audit = |gone: &MailTemplate| {
            let changes = changes(Some(gone), None);
            self.actor.audit(self.now, gone.workspace_id, AuditAction::MailTemplateDelete, place(gone), changes)
        };
        Audited::new(current.is_some(), current.and_then(audit))
    }
}

/// What names a template in the audit log.
fn place(template: &MailTemplate) -> String {
    format!("{}.{}", template.kind.as_str(), template.locale)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_workspace_has_so_many_templates_at_most() {
        let put = PutTemplate {
            workspace_id: WorkspaceId::new(Uuid::nil()),
            kind: MailKind::Welcome,
            locale: Locale::english(),
            source: TemplateSource { subject: "s".to_owned(), text: "t".to_owned(), html: None },
            actor: Actor::System,
            now: Timestamp::parse("2026-01-31T09:00:00Z").unwrap(),
        };
        let refused = |others| put.clone().decide(PutTemplateFacts { others, current: None }).err();
        assert_eq!(refused(None), Some(TemplateRejection::NoSuchWorkspace));
        assert_eq!((refused(Some(0)), refused(Some(MAX_TEMPLATES - 1))), (None, None));
        assert_eq!(refused(Some(MAX_TEMPLATES)), Some(TemplateRejection::TooMany));
    }
}
