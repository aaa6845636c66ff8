//! API keys: `rally_live_` and 40 random characters. The store has the first characters, which find a key, and a hash of the whole.
//!
//! The hash is a plain SHA-256. A slow hash is not needed, because nobody can try 62^40 keys. The hash depends on no other secret, so
//! API keys keep working when other secrets change.

use rally_domain::access::ApiKey;
use rally_domain::actor::Actor;
use rally_domain::id::{ApiKeyId, WorkspaceId};
use rally_domain::port::{ApiKeyStore, Clock};
use rally_domain::text::KeyName;
use rand::distr::{Alphanumeric, SampleString};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::Scope;
use super::token::{Claims, WorkspaceClaim, invalid};
use crate::http::error::ApiError;

const START: &str = "rally_live_";
/// Random characters after [`START`]: more than 230 bits.
const RANDOM: usize = 40;
/// Bytes that find a key: [`START`] and eight characters.
const PREFIX: usize = START.len() + 8;

/// Whether a bearer token looks like an API key.
pub fn is_api_key(token: &str) -> bool {
    token.starts_with(START)
}

/// Generates a key. Returns the row to store, and the key to show.
pub fn issue_api_key(clock: &dyn Clock, id: ApiKeyId, workspace_id: WorkspaceId, name: KeyName, scope: &str) -> (ApiKey, SecretString) {
    let key = format!("{START}{}", Alphanumeric.sample_string(&mut rand::rng(), RANDOM));
    let stored = ApiKey {
        id,
        workspace_id,
        name,
        scope: scope.to_owned(),
        prefix: key[..PREFIX].to_owned(),
        hash: Sha256::digest(&key).into(),
        created_at: clock.now(),
        revoked_at: None,
    };
    (stored, SecretString::from(key))
}

/// Returns the claims of a key that is not revoked.
///
/// # Errors
/// 401 if there is no such key.
pub async fn verify_api_key(keys: &dyn ApiKeyStore, token: &str) -> Result<Claims, ApiError> {
    let key = find_api_key(keys, token).await?;
    Ok(Claims { actor: Actor::api_key(&key), workspace: WorkspaceClaim::One(key.workspace_id), scope: Scope::parse(&key.scope) })
}

/// Finds a key that is not revoked.
///
/// # Errors
/// 401 if there is no such key.
pub async fn find_api_key(keys: &dyn ApiKeyStore, token: &str) -> Result<ApiKey, ApiError> {
    let prefix = token.get(..PREFIX).filter(|_| token.len() == START.len() + RANDOM).ok_or_else(invalid)?;
    let found = keys.find_by_prefix(prefix).await?;
    // Only hashes are compared, so the time of a comparison reveals nothing about a key.
    let hash: [u8; 32] = Sha256::digest(token).into();
    found.into_iter().find(|key| key.hash == hash).ok_or_else(invalid)
}
