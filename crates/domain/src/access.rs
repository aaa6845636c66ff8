//! Long-lived API keys, and the replies that an `Idempotency-Key` brings back. What is kept of both is of no use to a thief.

use std::fmt;

use crate::error::Invalid;
use crate::id::{ApiKeyId, WorkspaceId};
use crate::text::KeyName;
use crate::timestamp::Timestamp;

/// What is stored of an API key: never the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its identity, by which it is revoked.
    pub id: ApiKeyId,
    /// The workspace it is for.
    pub workspace_id: WorkspaceId,
    /// What its owner calls it.
    pub name: KeyName,
    /// What it allows, in the words of a token's scope.
    pub scope: String,
    /// The first characters of the key, by which it is found.
    pub prefix: String,
    /// A hash of the whole key.
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// What a client sends to make a request repeatable: 1 to 256 of `[A-Za-z0-9_:-]`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The most characters it may have.
    pub const MAX: usize = 256;

    /// Takes a key as it is.
    ///
    /// # Errors
    /// When the text is not one.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':' | b'-');
        if (1..=Self::MAX).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new("must be 1 to 256 characters of A-Z, a-z, 0-9, _, : and -"))
        }
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey")
    }
}

/// Which request a key makes repeatable.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestScope {
    /// The workspace it is made in.
    pub workspace_id: WorkspaceId,
    /// The route, with the ids in its path.
    pub route: String,
    /// The client's key.
    pub key: IdempotencyKey,
}

/// A reply that was stored with its effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReply {
    /// A hash of the request's body in canonical form: another body under the same key is a mistake.
    pub fingerprint: [u8; 32],
    /// Status and body, encrypted.
    pub sealed: Vec<u8>,
    /// When the request was made.
    pub created_at: Timestamp,
}

/// Makes the encrypted reply of what a command brought about.
pub type Seal<T> = Box<dyn Fn(&T) -> Vec<u8> + Send + Sync>;

/// How to store the reply of a command with its effect, in its transaction.
pub struct Receipt<T> {
    /// Which request it is.
    pub scope: RequestScope,
    /// A hash of its body.
    pub fingerprint: [u8; 32],
    /// When.
    pub now: Timestamp,
    /// Makes the encrypted reply of what the command brought about.
    pub seal: Seal<T>,
}

impl<T> Receipt<T> {
    /// How long a stored reply is brought back.
    pub const LIFETIME: time::Duration = time::Duration::hours(24);

    /// What to store for an effect.
    pub fn of(&self, effect: &T) -> StoredReply {
        StoredReply { fingerprint: self.fingerprint, sealed: (self.seal)(effect), created_at: self.now }
    }

    /// The instant before which a stored reply is as if it were not there.
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
