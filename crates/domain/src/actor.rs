//! Who makes a change. Every command has its actor.

use std::sync::Arc;

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
}
