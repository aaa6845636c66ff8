//! API keys: `rally_live_` and forty characters nobody can guess. What is stored is a hash and the first characters, by
//! which a key is found. A plain SHA-256 will do, since nobody can try 62^40 of them, and it outlives every other secret.

use rally_domain::access::ApiKey;
use rally_domain::id::{ApiKeyId, WorkspaceId};
use rally_domain::port::{ApiKeyStore, Ports};
use rally_domain::text::KeyName;
use rand::distr::{Alphanumeric, SampleString};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::Scope;
use super::token::{Claims, WorkspaceClaim, invalid};
use crate::http::error::ApiError;

const START: &str = "rally_live_";
/// Characters after [`START`]: over 230 bits.
const RANDOM: usize = 40;
/// Bytes by which a key is found: [`START`] and eight characters.
const PREFIX: usize = START.len() + 8;

/// Whether a bearer token is meant to be an API key.
pub fn is_api_key(token: &str) -> bool {
    token.starts_with(START)
}

/// A new key, and what to store of it.
pub fn issue_api_key(ports: &Ports, workspace_id: WorkspaceId, name: KeyName, scope: &str) -> (ApiKey, SecretString) {
    let key = format!("{START}{}", Alphanumeric.sample_string(&mut rand::rng(), RANDOM));
    let stored = ApiKey {
        id: ApiKeyId::new(ports.ids.uuid()),
        workspace_id,
        name,
        scope: scope.to_owned(),
        prefix: key[..PREFIX].to_owned(),
        hash: Sha256::digest(&key).into(),
        created_at: ports.clock.now(),
        revoked_at: None,
    };
    (stored, SecretString::from(key))
}

/// What a key that was not revoked says of its bearer.
///
/// # Errors
/// 401 when there is no such key.
pub async fn verify_api_key(keys: &dyn ApiKeyStore, token: &str) -> Result<Claims, ApiError> {
    let prefix = token.get(..PREFIX).filter(|_| token.len() == START.len() + RANDOM).ok_or_else(invalid)?;
    let found = keys.find_by_prefix(prefix).await?;
    // What is compared is a hash: how long it takes tells nothing of the key.
    let hash: [u8; 32] = Sha256::digest(token).into();
    let key = found.into_iter().find(|key| key.hash == hash).ok_or_else(invalid)?;
    let subject = Some(format!("api-key:{}", key.id));
    Ok(Claims { subject, workspace: WorkspaceClaim::One(key.workspace_id), scope: Scope::parse(&key.scope) })
}
