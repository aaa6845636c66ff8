//! The secrets of webhooks: made here, shown once, and encrypted before a store sees them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rally_domain::error::Fault;
use rally_domain::id::WebhookId;
use rally_domain::webhook::{SealedSecret, SealedSecrets, SigningKey};

use crate::encryption::Sealer;

/// Random bytes of a secret.
const BYTES: usize = 32;

/// A new secret: encrypted for the store, and as text for its owner's eyes.
pub fn issue(sealer: &Sealer, id: WebhookId) -> (SealedSecret, String) {
    let key: [u8; BYTES] = rand::random();
    (SealedSecret::new(sealer.seal(&place(id), &key)), format!("whsec_{}", STANDARD.encode(key)))
}

/// The keys that a webhook's messages are signed with, the newest first.
///
/// # Errors
/// When they were sealed under a key that this process does not have.
pub fn open(sealer: &Sealer, id: WebhookId, secrets: &SealedSecrets) -> Result<Vec<SigningKey>, Fault> {
    let sealed = [Some(&secrets.current), secrets.previous.as_ref()];
    sealed.into_iter().flatten().map(|secret| Ok(SigningKey::new(sealer.open(&place(id), secret.as_bytes())?))).collect()
}

/// The same secrets under the current key; `None` when they are under it already.
///
/// # Errors
/// When they were sealed under a key that this process does not have.
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
