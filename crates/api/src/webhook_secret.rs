//! The secrets of webhooks: generated here, shown once, and encrypted before they reach a store.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rally_domain::error::Fault;
use rally_domain::id::WebhookId;
use rally_domain::webhook::{SealedSecret, SealedSecrets, SigningKey};

use crate::encryption::Sealer;

/// Random bytes of a secret.
const BYTES: usize = 32;

/// Generates a secret. Returns it encrypted for the store, and as text for its owner.
pub fn issue(sealer: &Sealer, id: WebhookId) -> (SealedSecret, String) {
    let key: [u8; BYTES] = rand::random();
    (SealedSecret::new(sealer.seal(&place(id), &key)), format!("whsec_{}", STANDARD.encode(key)))
}

/// Decrypts the keys that sign a webhook's messages, the newest first.
///
/// # Errors
/// Fails if they were encrypted with a key that this process does not have.
pub fn open(sealer: &Sealer, id: WebhookId, secrets: &SealedSecrets) -> Result<Vec<SigningKey>, Fault> {
    let sealed = [Some(&secrets.current), secrets.previous.as_ref()];
    sealed.into_iter().flatten().map(|secret| Ok(SigningKey::new(sealer.open(&place(id), secret.as_bytes())?))).collect()
}

/// Encrypts secrets again with the current key. Returns `None` if it encrypted all of them already.
///
/// # Errors
/// Fails if they were encrypted with a key that this process does not have.
pub fn reseal(sealer: &Sealer, id: WebhookId, secrets: &SealedSecrets) -> Result<Option<SealedSecrets>, Fault> {
    let mut sealed = [Some(&secrets.current), secrets.previous.as_ref()].into_iter().flatten();
    if sealed.all(|secret| sealer.is_current(secret.as_bytes())) {
        return Ok(None);
    }
    let anew = |secret: &SealedSecret| {
        let plain = sealer.open(&place(id), secret.as_bytes())?;
        Ok::<_, Fault>(SealedSecret::new(sealer.seal(&place(id), &plain)))
    };
    Ok(Some(SealedSecrets { current: anew(&secrets.current)?, previous: secrets.previous.as_ref().map(anew).transpose()? }))
}

fn place(id: WebhookId) -> Vec<u8> {
    id.uuid().as_bytes().to_vec()
}
