//! Where the secret of a store is kept.

use async_trait::async_trait;

use crate::error::Fault;

/// Keeps the secret of the store, encrypted by the caller.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Returns the encrypted secret. If the store has none, it keeps this one and returns it.
    ///
    /// - It MUST NOT replace the secret that is there, under concurrency too: `secrets::the_first_secret_stays`,
    ///   `secrets::processes_that_start_together_have_one_secret`.
    async fn keep_secret(&self, sealed: Vec<u8>) -> Result<Vec<u8>, Fault>;

    /// Replaces the encrypted form `old` by `new`. Returns whether the store had `old`.
    ///
    /// - Another form that the store has MUST stay: `secrets::a_secret_is_encrypted_anew_once`.
    async fn reseal_secret(&self, old: Vec<u8>, new: Vec<u8>) -> Result<bool, Fault>;
}
