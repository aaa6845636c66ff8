//! [`ApiKeyStore`] and [`ReplyStore`] in memory.

use async_trait::async_trait;
use rally_domain::access::{ApiKey, RequestScope, StoredReply};
use rally_domain::command::{CreateApiKey, RevokeApiKey};
use rally_domain::error::Fault;
use rally_domain::id::WorkspaceId;
use rally_domain::port::{ApiKeyStore, ReplyStore};
use rally_domain::timestamp::Timestamp;

use crate::MemoryStore;
use crate::data::Data;
use crate::flaw::Flaw;

#[async_trait]
impl ApiKeyStore for MemoryStore {
    async fn insert(&self, command: CreateApiKey) -> Result<(), Fault> {
        let work = |data: &mut Data| {
            let key = data.audit(command.decide());
            data.api_keys.push(key);
        };
        self.write(work).await;
        Ok(())
    }

    async fn list(&self, workspace_id: WorkspaceId) -> Result<Vec<ApiKey>, Fault> {
        let mut keys = self.read(|data| data.api_keys.clone());
        keys.retain(|key| key.workspace_id == workspace_id);
        let by_id = self.read(|data| data.flaw.is(Flaw::KeysInOrderOfIds));
        keys.sort_by_key(|key| (Some(key.created_at).filter(|_| !by_id), key.id));
        Ok(keys)
    }

    async fn revoke(&self, command: RevokeApiKey) -> Result<bool, Fault> {
        let work = |data: &mut Data| {
            let again = data.flaw.is(Flaw::KeysRevokedAgain);
            let current = data.api_keys.iter().find(|key| key.id == command.id).cloned();
            if let Some(key) = data.api_keys.iter_mut().find(|key| key.id == command.id && again) {
                key.revoked_at = Some(command.now);
            }
            let Some(revoked) = data.audit(command.decide(current)) else { return false };
            data.api_keys.iter_mut().filter(|key| key.id == revoked.id).for_each(|key| key.clone_from(&revoked));
            true
        };
        Ok(self.write(work).await)
    }

    async fn find_by_prefix(&self, prefix: &str) -> Result<Vec<ApiKey>, Fault> {
        let flaw = self.read(|data| data.flaw);
        let mut keys = self.read(|data| data.api_keys.clone());
        keys.retain(|key| key.prefix == prefix || (flaw.is(Flaw::ShorterPrefixesFound) && key.prefix.starts_with(prefix)));
        keys.retain(|key| key.revoked_at.is_none() || flaw.is(Flaw::RevokedKeysFound));
        let first = keys.first().map(|key| key.workspace_id);
        keys.retain(|key| Some(key.workspace_id) == first || !flaw.is(Flaw::KeysOfOneWorkspaceFound));
        Ok(keys)
    }
}

#[async_trait]
impl ReplyStore for MemoryStore {
    async fn find(&self, scope: &RequestScope, since: Timestamp) -> Result<Option<StoredReply>, Fault> {
        let reply = self.read(|data| data.replies.get(&data.flaw.scope(scope)).cloned());
        Ok(reply.filter(|reply| reply.created_at >= since))
    }

    async fn prune(&self, before: Timestamp, most: usize) -> Result<u64, Fault> {
        let work = |data: &mut Data| {
            let old = data.replies.iter().filter(|(_, reply)| reply.created_at < before);
            let old: Vec<RequestScope> = old.map(|(scope, _)| scope.clone()).take(data.flaw.prunes(most)).collect();
            old.iter().filter(|scope| data.replies.remove(scope).is_some()).count() as u64
        };
        Ok(self.write(work).await)
    }
}
