//! Who makes a change.
//!
//! Most commands name their actor. Settlements, purges, prunes and the steps of an import name none. The same holds for the commands that
//! begin a session, note its use or count a try to sign in.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::access::ApiKey;
use crate::audit::{AuditAction, AuditActor, AuditActorKind, AuditRow, AuditTarget};
use crate::error::Fault;
use crate::id::{ApiKeyId, SessionId, WorkspaceId};
use crate::session::Session;
use crate::text::Subject;
use crate::timestamp::Timestamp;

/// Who makes a change. A clone is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who showed a credential.
    Admin(Arc<Admin>),
    /// A visitor of the public surface.
    Visitor,
    /// An operator on the command line.
    CommandLine,
    /// Rally itself, such as the first start that creates the demo.
    System,
}

/// Somebody who showed a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    credential: Credential,
    /// The name of the API key, or the person of the session.
    name: Option<String>,
    /// The id of the request that causes the change.
    request_id: Option<String>,
}

/// The credential of an admin.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Credential {
    /// A token, by its subject. `None` means that the token names nobody.
    Token(Option<Subject>),
    ApiKey(ApiKeyId),
    Session(SessionId),
}

impl Actor {
    /// The bearer of a token. `None` means that the token names nobody.
    pub fn token(subject: Option<Subject>) -> Self {
        let name = subject.as_ref().map(ToString::to_string);
        Self::Admin(Arc::new(Admin { credential: Credential::Token(subject), name, request_id: None }))
    }

    /// A program with an API key.
    pub fn api_key(key: &ApiKey) -> Self {
        let name = Some(key.name.to_string());
        Self::Admin(Arc::new(Admin { credential: Credential::ApiKey(key.id), name, request_id: None }))
    }

    /// A person who is signed in to the console.
    pub fn session(session: &Session) -> Self {
        let name = Some(session.person.to_string());
        Self::Admin(Arc::new(Admin { credential: Credential::Session(session.id), name, request_id: None }))
    }

    /// Returns the same actor in a request. Only admins send requests whose changes are audited.
    #[must_use]
    pub fn in_request(self, id: &str) -> Self {
        match self {
            Self::Admin(admin) => Self::Admin(Arc::new(Admin { request_id: Some(id.to_owned()), ..Arc::unwrap_or_clone(admin) })),
            other => other,
        }
    }

    /// Whether the actor is a session that is signed in.
    pub fn is_session(&self, id: SessionId) -> bool {
        matches!(self, Self::Admin(admin) if admin.credential == Credential::Session(id))
    }

    /// Returns the text that names the actor as the creator of something. Visitors and the command line have none.
    pub fn subject(&self) -> Option<Subject> {
        match self {
            Self::Admin(admin) => match &admin.credential {
                Credential::Token(subject) => subject.clone(),
                Credential::ApiKey(id) => Some(Subject::from_stored(format!("api-key:{id}"))),
                Credential::Session(id) => Some(Subject::from_stored(format!("session:{id}"))),
            },
            Self::Visitor | Self::CommandLine => None,
            Self::System => Some(Subject::from_stored("rally".to_owned())),
        }
    }

    /// Returns the actor as the audit log names it. `None` means a visitor, whose doings are not audited.
    pub fn audited(&self) -> Option<AuditActor> {
        let of = |kind, id, name, request_id| Some(AuditActor { kind, id, name, request_id });
        match self {
            Self::Admin(admin) => {
                let (kind, id) = match &admin.credential {
                    Credential::Token(subject) => (AuditActorKind::Token, subject.as_ref().map(ToString::to_string)),
                    Credential::ApiKey(id) => (AuditActorKind::Key, Some(id.to_string())),
                    Credential::Session(id) => (AuditActorKind::Session, Some(id.to_string())),
                };
                of(kind, id, admin.name.clone(), admin.request_id.clone())
            }
            Self::Visitor => None,
            Self::CommandLine => of(AuditActorKind::Cli, None, None, None),
            Self::System => of(AuditActorKind::System, None, None, None),
        }
    }

    /// Returns the row of the audit log about a change. There is none of a visitor, nor if nothing changes.
    pub(crate) fn audit(
        &self,
        at: Timestamp,
        workspace_id: impl Into<Option<WorkspaceId>>,
        action: AuditAction,
        target: impl Into<AuditTarget>,
        changes: Map<String, Value>,
    ) -> Option<AuditRow> {
        AuditRow::new(self.audited()?, at, workspace_id.into(), action, target.into(), changes)
    }

    /// Returns the actor that the audit log names, for work that goes on later.
    ///
    /// # Errors
    /// If the id does not fit the kind.
    pub fn of_audited(actor: AuditActor) -> Result<Self, Fault> {
        let AuditActor { kind, id, name, request_id } = actor;
        let missing = || Fault::unexpected("an actor has no id");
        let credential = match kind {
            AuditActorKind::Cli => return Ok(Self::CommandLine),
            AuditActorKind::System => return Ok(Self::System),
            AuditActorKind::Token => Credential::Token(id.map(Subject::from_stored)),
            AuditActorKind::Key => Credential::ApiKey(ApiKeyId::parse(&id.ok_or_else(missing)?).map_err(Fault::unexpected)?),
            AuditActorKind::Session => Credential::Session(SessionId::parse(&id.ok_or_else(missing)?).map_err(Fault::unexpected)?),
        };
        Ok(Self::Admin(Arc::new(Admin { credential, name, request_id })))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::session::tests::session;
    use crate::text::KeyName;

    fn key() -> ApiKey {
        ApiKey {
            id: ApiKeyId::new(Uuid::nil()),
            workspace_id: WorkspaceId::new(Uuid::nil()),
            name: KeyName::parse("CI").unwrap(),
            scope: "*".to_owned(),
            prefix: String::new(),
            hash: [0; 32],
            created_at: Timestamp::from_unix_millis(0).unwrap(),
            revoked_at: None,
        }
    }

    #[test]
    fn an_actor_is_named_as_the_creator_of_something() {
        let ada = Subject::parse("ada").unwrap();
        let named = |actor: &Actor| actor.subject().map(String::from);
        assert_eq!(named(&Actor::token(Some(ada))).as_deref(), Some("ada"));
        assert_eq!(named(&Actor::api_key(&key())).as_deref(), Some("api-key:00000000-0000-0000-0000-000000000000"));
        assert_eq!(named(&Actor::session(&session())), Some(format!("session:{}", session().id)));
        assert_eq!(named(&Actor::System).as_deref(), Some("rally"));
        for nobody in [Actor::token(None), Actor::Visitor, Actor::CommandLine] {
            assert_eq!(named(&nobody), None);
        }
        assert!(Actor::session(&session()).is_session(session().id) && !Actor::System.is_session(session().id));
    }

    #[test]
    fn an_actor_is_named_in_the_audit_log() {
        let named = |actor: Actor| actor.in_request("r-1").audited().map(|by| (by.kind.as_str(), by.id, by.name, by.request_id));
        let text = |text: &str| Some(text.to_owned());
        let ada = Subject::parse("ada").unwrap();
        assert_eq!(named(Actor::token(Some(ada))), Some(("token", text("ada"), text("ada"), text("r-1"))));
        assert_eq!(named(Actor::token(None)), Some(("token", None, None, text("r-1"))));
        assert_eq!(named(Actor::api_key(&key())), Some(("key", Some(key().id.to_string()), text("CI"), text("r-1"))));
        let person = Some(session().person.to_string());
        assert_eq!(named(Actor::session(&session())), Some(("session", Some(session().id.to_string()), person, text("r-1"))));
        assert_eq!(named(Actor::CommandLine), Some(("cli", None, None, None)));
        assert_eq!(named(Actor::System), Some(("system", None, None, None)));
        assert_eq!(named(Actor::Visitor), None);
    }

    #[test]
    fn an_actor_goes_on_with_work_later() {
        let ada = Subject::parse("ada").unwrap();
        let admins = [Actor::token(Some(ada)), Actor::token(None), Actor::api_key(&key()), Actor::session(&session())];
        for actor in admins.into_iter().map(|actor| actor.in_request("r-1")).chain([Actor::CommandLine, Actor::System]) {
            assert_eq!(Actor::of_audited(actor.audited().unwrap()).unwrap(), actor);
        }
        let nobody = AuditActor { kind: AuditActorKind::Key, id: None, name: None, request_id: None };
        assert!(Actor::of_audited(nobody).is_err());
    }
}
