//! [`SecretStore`] in memory.

use async_trait::async_trait;
use rally_domain::error::Fault;
use rally_domain::port::SecretStore;

use crate::MemoryStore;
use crate::data::Data;
use crate::flaw::Flaw;

#[async_trait]
impl SecretStore for MemoryStore {
    async fn keep_secret(&self, sealed: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let work = |data: &mut Data| match &data.secret {
            Some(kept) if !data.flaw.is(Flaw::SecretsReplaced) => kept.clone(),
            _ => data.secret.insert(sealed).clone(),
        };
        Ok(self.write(work).await)
    }

    async fn reseal_secret(&self, old: Vec<u8>, new: Vec<u8>) -> Result<bool, Fault> {
        let work = |data: &mut Data| {
            let mine = data.secret.as_ref().is_some_and(|kept| *kept == old || data.flaw.is(Flaw::AnySecretResealed));
            if mine {
                data.secret = Some(new);
            }
            mine
        };
        Ok(self.write(work).await)
    }
}
