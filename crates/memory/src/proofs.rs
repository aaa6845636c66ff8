//! [`ProofStore`] in memory.

use async_trait::async_trait;
use rally_domain::confirmation::RequestState;
use rally_domain::error::Fault;
use rally_domain::id::WaitlistId;
use rally_domain::port::ProofStore;
use rally_domain::proof_of_work::{Proof, UsedProof};
use rally_domain::timestamp::Timestamp;

use crate::MemoryStore;
use crate::data::Data;
use crate::flaw::Flaw;

#[async_trait]
impl ProofStore for MemoryStore {
    async fn taken_since(&self, waitlist_id: WaitlistId, since: Timestamp, most: u64) -> Result<u64, Fault> {
        let count = |data: &Data| {
            let flaw = data.flaw;
            let is_mine = |list: WaitlistId| list == waitlist_id || flaw.is(Flaw::SignUpsOfOthersTaken);
            let is_new = |at: Timestamp| at > since || flaw.is(Flaw::OldSignUpsTaken);
            let lists = data.lists.values().filter(|list| is_mine(list.waitlist.id));
            let entries = lists.flat_map(|list| list.entries().values().map(|entry| entry.created_at).collect::<Vec<_>>());
            let requests = data.requests.values().filter(|kept| is_mine(kept.waitlist_id)).filter_map(|kept| match &kept.state {
                RequestState::Waiting(request) => Some(request.requested_at),
                RequestState::Confirmed(_) => flaw.is(Flaw::ConfirmedRequestsTakenTwice).then_some(since.plus(time::Duration::SECOND)),
                RequestState::Refused => None,
            });
            let repeated = data.used_proofs.values().filter(|used| is_mine(used.waitlist_id)).filter_map(|used| used.taken_at);
            let repeated = repeated.filter(|_| !flaw.is(Flaw::RepeatsNotTaken));
            entries.chain(requests).chain(repeated).filter(|at| is_new(*at)).count() as u64
        };
        let most = if self.read(|data| data.flaw.is(Flaw::LimitsIgnored)) { u64::MAX } else { most };
        Ok(self.read(count).min(most))
    }

    async fn prune(&self, expired_before: Timestamp, most: usize) -> Result<u64, Fault> {
        let work = |data: &mut Data| {
            let early = data.flaw.is(Flaw::UsedProofsPrunedEarly);
            let is_over = |used: &&UsedProof| used.proof.expires_at < expired_before || early;
            let expired: Vec<_> = data.used_proofs.values().filter(is_over).map(|used| used.proof.id).take(most).collect();
            data.used_proofs.retain(|id, _| !expired.contains(id));
            expired.len() as u64
        };
        Ok(self.write(work).await)
    }
}

impl Data {
    /// Whether a proof was used.
    pub(crate) fn is_used(&self, proof: Option<Proof>, unseen: Flaw) -> bool {
        proof.is_some_and(|proof| self.used_proofs.contains_key(&proof.id)) && !self.flaw.is(unseen)
    }

    /// Remembers a sign-up whose entry or request goes.
    pub(crate) fn remember(&mut self, gone: Option<UsedProof>) {
        if let Some(used) = gone.filter(|_| !self.flaw.is(Flaw::LeaversNotTaken)) {
            self.use_up(&used);
        }
    }

    /// Writes a proof that is used up.
    pub(crate) fn use_up(&mut self, used: &UsedProof) {
        self.used_proofs.insert(used.proof.id, *used);
    }
}
