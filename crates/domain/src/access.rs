//! API keys, and the stored replies of requests with an `Idempotency-Key`. A thief cannot use the stored form of either.

use std::fmt;

use crate::error::Invalid;
use crate::id::{ApiKeyId, WorkspaceId};
use crate::text::KeyName;
use crate::timestamp::Timestamp;

/// An API key as a store keeps it: without the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its identity, by which it is revoked.
    pub id: ApiKeyId,
    /// The workspace that the key belongs to.
    pub workspace_id: WorkspaceId,
    /// The name that its owner gave it.
    pub name: KeyName,
    /// The actions that it allows, written like the scope of a token.
    pub scope: String,
    /// The first characters of the key. Rally finds the key by them.
    pub prefix: String,
    /// A hash of the whole key.
    pub hash: [u8; 32],
    /// When the key was created.
    pub created_at: Timestamp,
    /// When the key was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// The client's key for a request that may be repeated: 1 to 256 characters of `[A-Za-z0-9_:-]`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The most characters.
    pub const MAX: usize = 256;

    /// Checks a key and keeps it unchanged.
    ///
    /// # Errors
    /// If the text is empty, too long or has another character.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'-');
        if (1..=Self::MAX).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("must be 1 to 256 characters of A-Z, a-z, 0-9, _, : and -"))
        }
    }

    /// Returns the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey")
    }
}

/// The request that an idempotency key belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestScope {
    /// The workspace of the request.
    pub workspace_id: WorkspaceId,
    /// The route, with the ids in its path.
    pub route: String,
    /// The client's key.
    pub key: IdempotencyKey,
}

/// A reply that was stored in the transaction of its change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReply {
    /// A hash of the request's body in canonical form. Another body under the same key is a mistake of the client.
    pub fingerprint: [u8; 32],
    /// The encrypted status and body.
    pub sealed: Vec<u8>,
    /// When the request was made.
    pub created_at: Timestamp,
}

/// Encrypts the reply for the result of a command.
pub type Seal<T> = Box<dyn Fn(&T) -> Vec<u8> + Send + Sync>;

/// What a store needs to store the reply of a command in the transaction of its change.
pub struct Receipt<T> {
    /// The request.
    pub scope: RequestScope,
    /// A hash of the request's body.
    pub fingerprint: [u8; 32],
    /// The current time.
    pub now: Timestamp,
    /// Encrypts the reply for the result of the command.
    pub seal: Seal<T>,
}

impl<T> Receipt<T> {
    /// How long Rally replays a stored reply.
    pub const LIFETIME: time::Duration = time::Duration::hours(24);

    /// Returns the reply to store for the result of the command.
    pub fn of(&self, effect: &T) -> StoredReply {
        StoredReply { fingerprint: self.fingerprint, sealed: (self.seal)(effect), created_at: self.now }
    }

    /// Returns the instant from which stored replies count. Rally ignores older ones.
    pub fn expired_before(&self) -> Timestamp {
        self.now.plus(-Self::LIFETIME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idempotency_key_has_a_plain_form() {
        for good in ["a", "A-1_b:c", &"x".repeat(256)] {
            assert!(IdempotencyKey::parse(good).is_ok());
        }
        for bad in ["", " ", "a b", "a/b", "é", "a\0", &"x".repeat(257)] {
            assert!(IdempotencyKey::parse(bad).is_err(), "{bad}");
        }
    }
}
