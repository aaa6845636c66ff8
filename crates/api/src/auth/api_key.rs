//! API keys: `rally_live_` and forty characters nobody can guess. What is stored is a keyed hash and the first characters,
//! by which a key is found.

use hmac::{Hmac, KeyInit, Mac};
use rally_domain::access::ApiKey;
use rally_domain::id::{ApiKeyId, WorkspaceId};
use rally_domain::ports::{ApiKeyStore, Ports};
use rally_domain::text::KeyName;
use rand::distr::{Alphanumeric, SampleString};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::Scope;
use super::token::{Claims, WorkspaceClaim, invalid};
use crate::error::ApiError;

const START: &str = "rally_live_";
/// Characters after [`START`]: over 230 bits.
const RANDOM: usize = 40;
/// Bytes by which a key is found: [`START`] and eight characters.
const PREFIX: usize = START.len() + 8;

/// Makes and checks API keys.
pub struct ApiKeys {
    pepper: [u8; 32],
}

impl ApiKeys {
    /// Keys hashed under a pepper, without which a stolen table is of no use.
    pub fn new(pepper: [u8; 32]) -> Self {
        Self { pepper }
    }

    /// Whether a bearer token is meant to be an API key.
    pub fn is_one(token: &str) -> bool {
        token.starts_with(START)
    }

    /// A new key, and what to store of it.
    pub fn issue(&self, ports: &Ports, workspace_id: WorkspaceId, name: KeyName, scope: &str) -> (ApiKey, SecretString) {
        let key = format!("{START}{}", Alphanumeric.sample_string(&mut rand::rng(), RANDOM));
        let stored = ApiKey {
            id: ApiKeyId::new(ports.ids.uuid()),
            workspace_id,
            name,
            scope: scope.to_owned(),
            prefix: key[..PREFIX].to_owned(),
            hash: self.hash(&key).finalize().into_bytes().into(),
            created_at: ports.clock.now(),
            revoked_at: None,
        };
        (stored, SecretString::from(key))
    }

    /// What a key that was not revoked says of its bearer.
    ///
    /// # Errors
    /// 401 when there is no such key.
    pub async fn verify(&self, keys: &dyn ApiKeyStore, token: &str) -> Result<Claims, ApiError> {
        let token = SecretString::from(token);
        let text = token.expose_secret();
        let prefix = text.get(..PREFIX).filter(|_| text.len() == START.len() + RANDOM).ok_or_else(invalid)?;
        let found = keys.find_by_prefix(prefix).await?;
        let key = found.into_iter().find(|key| self.hash(text).verify_slice(&key.hash).is_ok()).ok_or_else(invalid)?;
        let subject = Some(format!("api-key:{}", key.id));
        Ok(Claims { subject, workspace: WorkspaceClaim::One(key.workspace_id), scope: Scope::parse(&key.scope) })
    }

    fn hash(&self, key: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.pepper).expect("any length is a key");
        mac.update(key.as_bytes());
        mac
    }
}
