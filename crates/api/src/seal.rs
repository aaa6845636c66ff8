//! Encryption at rest: XChaCha20-Poly1305 under a key derived from the deployment's, each text under a random nonce, bound
//! to where it belongs.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rally_domain::error::Fault;

/// Bytes of a nonce: enough for random ones never to repeat.
const NONCE: usize = 24;

/// Encrypts and decrypts for one purpose.
#[derive(Clone)]
pub struct Sealer(XChaCha20Poly1305);

impl Sealer {
    /// A sealer under a key.
    pub fn new(key: [u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(&key.into()))
    }

    /// Encrypts; only who names the same place can open it.
    pub fn seal(&self, place: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = rand::random();
        let encrypted = self.0.encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: place });
        [&nonce[..], &encrypted.expect("far below the 256 GiB a nonce is good for")].concat()
    }

    /// Decrypts what was sealed for that place.
    ///
    /// # Errors
    /// When it was not, or under another key.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        let foreign = || Fault::unexpected("what is stored was not sealed under this key for this place");
        let (nonce, encrypted) = sealed.split_first_chunk::<NONCE>().ok_or_else(foreign)?;
        self.0.decrypt(&XNonce::from(*nonce), Payload { msg: encrypted, aad: place }).map_err(|_| foreign())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_place_under_its_key_alone() {
        let sealer = Sealer::new([1; 32]);
        let sealed = sealer.seal(b"here", b"a secret");
        assert_eq!(sealer.open(b"here", &sealed).unwrap(), b"a secret");
        assert_ne!(sealer.seal(b"here", b"a secret"), sealed);
        assert!(sealer.open(b"there", &sealed).is_err());
        assert!(Sealer::new([2; 32]).open(b"here", &sealed).is_err());
        for index in 0..sealed.len() {
            let mut forged = sealed.clone();
            forged[index] ^= 1;
            assert!(sealer.open(b"here", &forged).is_err(), "{index}");
        }
        assert!(sealer.open(b"here", &sealed[..NONCE - 1]).is_err());
    }
}
