//! Who makes a change. Every command has its actor.

use std::sync::Arc;

use crate::error::Fault;
use crate::id::{ApiKeyId, SessionId};
use crate::text::Subject;

/// Who makes a change. A clone is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// The bearer of a token, by the token's subject. `None` means that the token names nobody.
    Token(Option<Arc<Subject>>),
    /// A program with an API key.
    ApiKey(ApiKeyId),
    /// A person who is signed in to the console.
    Session(SessionId),
    /// A visitor of the public surface.
    Visitor,
    /// An operator on the command line.
    CommandLine,
    /// Rally itself, such as the first start that creates the demo.
    System,
}

impl Actor {
    /// Returns the text that names the actor as the creator of something. Visitors and the command line have none.
    pub fn subject(&self) -> Option<Subject> {
        match self {
            Self::Token(subject) => subject.as_deref().cloned(),
            Self::ApiKey(id) => Some(Subject::from_stored(format!("api-key:{id}"))),
            Self::Session(id) => Some(Subject::from_stored(format!("session:{id}"))),
            Self::Visitor | Self::CommandLine => None,
            Self::System => Some(Subject::from_stored("rally".to_owned())),
        }
    }

    /// Returns the text by which a store keeps the actor of work that goes on later.
    pub fn to_stored(&self) -> String {
        match self {
            Self::Token(None) => "token".to_owned(),
            Self::Token(Some(subject)) => format!("token:{}", subject.as_str()),
            Self::ApiKey(id) => format!("key:{id}"),
            Self::Session(id) => format!("session:{id}"),
            Self::Visitor => "visitor".to_owned(),
            Self::CommandLine => "cli".to_owned(),
            Self::System => "system".to_owned(),
        }
    }

    /// Reads a stored actor.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_stored(text: &str) -> Result<Self, Fault> {
        let (kind, id) = text.split_once(':').map_or((text, None), |(kind, id)| (kind, Some(id)));
        Ok(match (kind, id) {
            ("token", subject) => Self::Token(subject.map(|subject| Arc::new(Subject::from_stored(subject.to_owned())))),
            ("key", Some(id)) => Self::ApiKey(ApiKeyId::parse(id).map_err(Fault::unexpected)?),
            ("session", Some(id)) => Self::Session(SessionId::parse(id).map_err(Fault::unexpected)?),
            ("visitor", None) => Self::Visitor,
            ("cli", None) => Self::CommandLine,
            ("system", None) => Self::System,
            _ => return Err(Fault::unexpected(format!("a stored actor cannot be read: {text}"))),
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_actor_is_named_as_the_creator_of_something() {
        let ada = Subject::parse("ada").unwrap();
        let named = |actor: Actor| actor.subject().map(String::from);
        assert_eq!(named(Actor::Token(Some(Arc::new(ada)))).as_deref(), Some("ada"));
        assert_eq!(named(Actor::ApiKey(ApiKeyId::new(Uuid::nil()))).as_deref(), Some("api-key:00000000-0000-0000-0000-000000000000"));
        assert_eq!(named(Actor::Session(SessionId::new(Uuid::nil()))).as_deref(), Some("session:00000000-0000-0000-0000-000000000000"));
        assert_eq!(named(Actor::System).as_deref(), Some("rally"));
        for nobody in [Actor::Token(None), Actor::Visitor, Actor::CommandLine] {
            assert_eq!(named(nobody), None);
        }
    }

    #[test]
    fn a_stored_actor_reads_back() {
        let ada = Arc::new(Subject::parse("ada: lovelace").unwrap());
        let (key, session) = (ApiKeyId::new(Uuid::from_u128(1)), SessionId::new(Uuid::from_u128(2)));
        let some = [Actor::Token(Some(ada)), Actor::Token(None), Actor::ApiKey(key), Actor::Session(session)];
        for actor in some.into_iter().chain([Actor::Visitor, Actor::CommandLine, Actor::System]) {
            assert_eq!(Actor::from_stored(&actor.to_stored()).unwrap(), actor);
        }
        assert!(Actor::from_stored("key:1").is_err() && Actor::from_stored("").is_err());
    }
}
