//! Signing in to the console, and ending sessions. The session that a command begins is itself the actor.

use time::Duration;

use crate::actor::Actor;
use crate::audit::{AuditAction, Audited, changes};
use crate::id::{LinkId, SessionId};
use crate::secret::NetworkHash;
use crate::session::{Session, SignInLink, SignInTries, TokenHash};
use crate::text::Subject;
use crate::timestamp::Timestamp;

/// Makes a link that begins a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateSignInLink {
    /// The new link.
    pub link: SignInLink,
    /// Who makes the change.
    pub actor: Actor,
}

impl CreateSignInLink {
    /// Returns the link to write.
    pub fn decide(self) -> Audited<SignInLink> {
        let link = &self.link;
        let changes = changes(None, Some(link));
        let row = self.actor.audit(link.created_at, link.workspace_id, AuditAction::SignInLinkCreate, link.id, changes);
        Audited::new(self.link, row)
    }
}

/// Begins a session with an API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeginSession {
    /// The new session.
    pub session: Session,
}

/// Begins a session with a link, which does not work again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendLink {
    /// The link.
    pub id: LinkId,
    /// The hash of the link's token, as the client sent it.
    pub token: TokenHash,
    /// The id of the new session.
    pub session_id: SessionId,
    /// The hash of the new session's token.
    pub session_token: TokenHash,
    /// The current time.
    pub now: Timestamp,
}

/// Why a link began no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpendLinkRejection {
    /// The link does not exist, was used or has expired.
    #[error("this link has been used or has expired")]
    NoSuchLink,
}

impl SpendLink {
    /// Returns the session to write. The link is deleted with it.
    ///
    /// # Errors
    /// If the link does not exist or no longer works.
    pub fn decide(&self, link: Option<&SignInLink>) -> Result<Session, SpendLinkRejection> {
        let usable = link.filter(|link| link.id == self.id && link.token == self.token && !link.is_over(self.now));
        let link = usable.ok_or(SpendLinkRejection::NoSuchLink)?;
        Ok(Session {
            id: self.session_id,
            token: self.session_token,
            workspace_id: link.workspace_id,
            person: Subject::from_stored("sign-in link".to_owned()),
            scope: "*".to_owned(),
            api_key_id: None,
            created_at: self.now,
            seen_at: self.now,
        })
    }
}

/// Notes that a session was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoteUse {
    /// The session.
    pub id: SessionId,
    /// The current time.
    pub now: Timestamp,
}

/// Ends a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndSession {
    /// The session.
    pub id: SessionId,
    /// Who makes the change.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

impl EndSession {
    /// Returns whether there is a session to end, from the session as it is now. Who signs out changes nothing for others, and is not
    /// audited.
    pub fn decide(&self, current: Option<&Session>) -> Audited<bool> {
        let audit = |ended: &Session| {
            let changes = changes(Some(ended), None);
            self.actor.audit(self.now, ended.workspace_id, AuditAction::SessionEnd, ended.id, changes)
        };
        Audited::new(current.is_some(), current.filter(|ended| !self.actor.is_session(ended.id)).and_then(audit))
    }
}

/// Counts a try to sign in, before it is known whether it succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrySignIn {
    /// The client.
    pub client: NetworkHash,
    /// The current time.
    pub now: Timestamp,
}

/// Why a try to sign in is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrySignInRejection {
    /// Too many tries of the client failed.
    #[error("too many wrong keys and links came from this address; try again later")]
    TooMany {
        /// The time until the next try is allowed.
        wait: Duration,
    },
}

impl TrySignIn {
    /// Returns the tries of the client to write.
    ///
    /// # Errors
    /// If too many of them failed.
    pub fn decide(&self, tries: &SignInTries) -> Result<SignInTries, TrySignInRejection> {
        let wait = |until: Timestamp| Duration::milliseconds(until.unix_millis() - self.now.unix_millis());
        tries.with(self.now).map_err(|until| TrySignInRejection::TooMany { wait: wait(until) })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::session::tests::{at, link};

    fn spend() -> SpendLink {
        SpendLink {
            id: link().id,
            token: link().token,
            session_id: SessionId::new(Uuid::from_u128(7)),
            session_token: TokenHash::new([7; 32]),
            now: at(60),
        }
    }

    #[test]
    fn a_link_gives_every_action_of_its_workspace() {
        let session = spend().decide(Some(&link())).unwrap();
        assert_eq!((session.scope.as_str(), session.workspace_id, session.created_at), ("*", link().workspace_id, at(60)));
        assert_eq!((session.id, session.token), (spend().session_id, spend().session_token));
    }

    #[test]
    fn a_client_with_too_many_failed_tries_waits() {
        let (client, mut tries) = (NetworkHash::new([1; 16]), SignInTries::default());
        for second in 0..10 {
            tries = TrySignIn { client, now: at(second) }.decide(&tries).unwrap();
        }
        let refused = TrySignIn { client, now: at(590) }.decide(&tries);
        assert_eq!(refused, Err(TrySignInRejection::TooMany { wait: Duration::seconds(10) }));
    }

    #[test]
    fn another_token_or_an_old_link_begins_no_session() {
        let refused = Err(SpendLinkRejection::NoSuchLink);
        assert_eq!(spend().decide(None), refused);
        assert_eq!(SpendLink { token: TokenHash::new([9; 32]), ..spend() }.decide(Some(&link())), refused);
        assert_eq!(SpendLink { id: LinkId::new(Uuid::from_u128(9)), ..spend() }.decide(Some(&link())), refused);
        assert_eq!(SpendLink { now: link().expires_at(), ..spend() }.decide(Some(&link())), refused);
    }
}
