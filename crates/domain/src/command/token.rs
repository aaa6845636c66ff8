//! Minting tokens. A store has no tokens: only the audit log knows of them.

use crate::actor::Actor;
use crate::audit::{AuditAction, AuditTarget, Audited, change};
use crate::id::WorkspaceId;
use crate::text::Subject;
use crate::timestamp::Timestamp;

/// Notes that a token was minted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MintToken {
    /// The workspace that the token is for. `None` means all of them.
    pub workspace_id: Option<WorkspaceId>,
    /// Whom the token names.
    pub subject: Option<Subject>,
    /// The actions that it allows.
    pub scope: String,
    /// From when on it does not work.
    pub expires_at: Timestamp,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

impl MintToken {
    /// Returns what is written: the row of the audit log alone.
    pub fn decide(&self) -> Audited<()> {
        let mut changes = change("scope", None::<String>, self.scope.clone());
        changes.extend(change("expires_at", None::<String>, self.expires_at.to_string()));
        changes.extend(change("subject", None::<String>, self.subject.as_ref().map(ToString::to_string)));
        Audited::new((), self.actor.audit(self.now, self.workspace_id, AuditAction::TokenMint, AuditTarget::NONE, changes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_noted_with_what_it_allows() {
        let now = Timestamp::from_unix_millis(0).unwrap();
        let (subject, scope) = (Subject::parse("ada").ok(), "entry.read".to_owned());
        let mint = MintToken { workspace_id: None, subject, scope, expires_at: now, actor: Actor::CommandLine, now };
        let (_, rows) = mint.decide().into_parts();
        let row = &rows[0];
        assert_eq!((row.action.as_str(), row.target_id.as_deref()), ("token.mint", None));
        assert_eq!(row.changes["scope"][1], "entry.read");
        assert_eq!(row.changes["subject"][1], "ada");
    }
}
