//! Encryption at rest: XChaCha20-Poly1305 with a random nonce, under a key derived from the deployment's encryption key.
//!
//! Each encrypted text is bound to the place where it belongs. It begins with the id of its key, so that the key can be changed: the
//! previous key still decrypts older texts.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rally_domain::error::Fault;
use sha2::{Digest, Sha256};

/// Bytes of a nonce. Random nonces of this size practically never repeat.
const NONCE: usize = 24;

/// Bytes of a key's id.
const KEY_ID: usize = 4;

#[derive(Clone)]
struct Key {
    id: [u8; KEY_ID],
    cipher: XChaCha20Poly1305,
}

impl Key {
    fn new(key: [u8; 32]) -> Self {
        let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(key).into();
        Self { id: [a, b, c, d], cipher: XChaCha20Poly1305::new(&key.into()) }
    }
}

/// Encrypts and decrypts for one purpose.
#[derive(Clone)]
pub struct Sealer {
    current: Key,
    previous: Option<Key>,
}

impl Sealer {
    /// A sealer that encrypts with the current key, and decrypts with the current and the previous one.
    pub fn new(current: [u8; 32], previous: Option<[u8; 32]>) -> Self {
        Self { current: Key::new(current), previous: previous.map(Key::new) }
    }

    /// Whether a text was encrypted with the current key.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        sealed.starts_with(&self.current.id)
    }

    /// Encrypts a text for a place. It can be decrypted only for the same place.
    pub fn seal(&self, place: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = rand::random();
        let encrypted = self.current.cipher.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: place });
        [&self.current.id[..], &nonce, &encrypted.expect("far below the 256 GiB a nonce is good for")].concat()
    }

    /// Decrypts a text that was encrypted for the same place.
    ///
    /// # Errors
    /// Fails if the text was encrypted for another place or with an unknown key, or was changed.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        let foreign = || Fault::unexpected("the stored value was not encrypted with this key for this place");
        let (id, rest) = sealed.split_first_chunk::<KEY_ID>().ok_or_else(foreign)?;
        let (nonce, encrypted) = rest.split_first_chunk::<NONCE>().ok_or_else(foreign)?;
        let key = [Some(&self.current), self.previous.as_ref()].into_iter().flatten().find(|key| key.id == *id).ok_or_else(foreign)?;
        key.cipher.decrypt(&XNonce::from(*nonce), Payload { msg: encrypted, aad: place }).map_err(|_| foreign())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_place_under_its_key_alone() {
        let sealer = Sealer::new([1; 32], None);
        let sealed = sealer.seal(b"here", b"a secret");
        assert_eq!(sealer.open(b"here", &sealed).unwrap(), b"a secret");
        assert_ne!(sealer.seal(b"here", b"a secret"), sealed);
        assert!(sealer.open(b"there", &sealed).is_err());
        assert!(Sealer::new([2; 32], None).open(b"here", &sealed).is_err());
        for index in 0..sealed.len() {
            let mut forged = sealed.clone();
            forged[index] ^= 1;
            assert!(sealer.open(b"here", &forged).is_err(), "{index}");
        }
        assert!(sealer.open(b"here", &sealed[..NONCE - 1]).is_err());
    }

    #[test]
    fn the_key_before_opens_and_does_not_seal() {
        let sealed = Sealer::new([1; 32], None).seal(b"here", b"a secret");
        let sealer = Sealer::new([2; 32], Some([1; 32]));
        assert_eq!(sealer.open(b"here", &sealed).unwrap(), b"a secret");
        assert!(!sealer.is_current(&sealed) && sealer.is_current(&sealer.seal(b"here", b"a secret")));
    }
}
