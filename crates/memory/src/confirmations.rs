//! [`ConfirmationStore`] in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use rally_domain::command::{
    Confirmed, DeleteRequest, Refuse, RefusePlan, RequestGroup, RequestGroupFacts, RequestMail, RequestMailRejection, RequestedList,
    Resend, ResendRejection,
};
use rally_domain::confirmation::{KeptRequest, RequestEnded, RequestState, SignUpRequest, mail_ids};
use rally_domain::email::Email;
use rally_domain::error::{CommandError, Fault};
use rally_domain::id::{RequestId, WaitlistId};
use rally_domain::mail::Recipient;
use rally_domain::paging::{Limit, Page, RequestKey};
use rally_domain::port::ConfirmationStore;
use rally_domain::proof_of_work::UsedProof;
use rally_domain::timestamp::Timestamp;

use crate::data::Data;
use crate::flaw::Flaw;
use crate::{MemoryStore, rejected};

#[async_trait]
impl ConfirmationStore for MemoryStore {
    async fn request_mail(&self, command: RequestMail) -> Result<(), CommandError<RequestMailRejection>> {
        let look = |data: &Data| data.request_facts(&command);
        let early = self.read_early(Flaw::RequestsReadEarly, look).await;
        let work = |data: &mut Data| {
            let facts = early.unwrap_or_else(|| look(data));
            let mut group = RequestGroup::new(facts);
            group.decide(&command).map_err(rejected)?;
            data.write_requests(&group, command.now);
            Ok(())
        };
        self.write(work).await
    }

    async fn find(&self, id: RequestId) -> Result<Option<KeptRequest>, Fault> {
        let is_there = |data: &Data, kept: &KeptRequest| data.is_there(Some(kept.waitlist_id)) || data.flaw.is(Flaw::RequestsOutliveLists);
        Ok(self.read(|data| data.requests.get(&id).filter(|kept| is_there(data, kept)).cloned()))
    }

    async fn refuse(&self, command: Refuse) -> Result<(), CommandError<RequestEnded>> {
        let look = |data: &Data| data.requests.get(&command.id).cloned();
        let early = self.read_early(Flaw::RefusalsReadEarly, look).await;
        let work = |data: &mut Data| {
            let current = early.unwrap_or_else(|| look(data));
            if let RefusePlan::Refuse { request, suppression } = command.decide(current).map_err(rejected)? {
                let flaw = data.flaw;
                let refused = KeptRequest { state: RequestState::Refused, ..KeptRequest::from((*request).clone()) };
                data.requests.insert(command.id, refused);
                if !flaw.is(Flaw::RefusedMailStays) {
                    data.drop_request_mails(&request);
                }
                let (id, list, at) = (command.suppression_id.uuid(), request.waitlist_id, request.requested_at);
                data.remember(UsedProof::of_gone(id, list, at, command.now));
                if !flaw.is(Flaw::RefusalsNotSuppressed) {
                    data.add_suppression(suppression);
                }
            }
            Ok(())
        };
        self.write(work).await
    }

    async fn resend(&self, command: Resend) -> Result<(), CommandError<ResendRejection>> {
        let work = |data: &mut Data| {
            let list = data.lists.get(&command.waitlist_id).ok_or(CommandError::Rejected(ResendRejection::NoSuchRequest))?;
            let (waitlist, current) = (list.waitlist.clone(), data.requests.get(&command.id).cloned());
            let setup = data.mail_setup(waitlist.workspace_id);
            let (request, mail) = data.audit(command.decide(current, &waitlist, setup.as_ref()).map_err(rejected)?);
            data.requests.insert(request.id, request.into());
            data.post(Some(mail));
            Ok(())
        };
        self.write(work).await
    }

    async fn delete(&self, command: DeleteRequest) -> Result<bool, Fault> {
        let work = |data: &mut Data| {
            let current = data.requests.get(&command.id).cloned();
            let Some(request) = data.audit(command.decide(current)) else { return false };
            data.requests.remove(&command.id);
            if !data.flaw.is(Flaw::DeletedRequestsKeepMail) {
                data.drop_request_mails(&request);
            }
            true
        };
        Ok(self.write(work).await)
    }

    async fn list(
        &self,
        waitlist_id: WaitlistId,
        now: Timestamp,
        after: Option<RequestKey>,
        limit: Limit,
    ) -> Result<Page<SignUpRequest, RequestKey>, Fault> {
        let key = |request: &SignUpRequest| RequestKey { requested_at: request.requested_at, id: request.id };
        let order = |key: RequestKey| (key.requested_at, key.id);
        let mut waiting = self.read(|data| data.waiting(waitlist_id, now));
        waiting.sort_by_key(|request| order(key(request)));
        if self.read(|data| data.flaw.is(Flaw::NewestRequestsFirst)) {
            waiting.reverse();
        }
        waiting.retain(|request| after.is_none_or(|after| order(key(request)) > order(after)));
        waiting.truncate(limit.rows() + 1);
        Ok(Page::from_overfetch(waiting, limit, key))
    }

    async fn count(&self, waitlist_id: WaitlistId, now: Timestamp) -> Result<u64, Fault> {
        Ok(self.read(|data| data.waiting(waitlist_id, now).len() as u64))
    }

    async fn prune(&self, expired_before: Timestamp, asked_before: Timestamp, most: usize) -> Result<u64, Fault> {
        let work = |data: &mut Data| {
            let flaw = data.flaw;
            let expired = data.requests.values().filter(|kept| kept.expires_at < expired_before || flaw.is(Flaw::WaitingRequestsPruned));
            let expired: Vec<KeptRequest> = expired.take(most).cloned().collect();
            for kept in &expired {
                if let RequestState::Waiting(request) = &kept.state {
                    data.drop_request_mails(request);
                }
                data.requests.remove(&kept.id);
            }
            let asked = data.shares.iter().filter(|(_, (_, at))| *at < asked_before || flaw.is(Flaw::SharesPrunedEarly));
            let asked: Vec<_> = asked.map(|(address, _)| *address).take(most).collect();
            asked.iter().for_each(|address| drop(data.shares.remove(address)));
            (expired.len() + asked.len()) as u64
        };
        Ok(self.write(work).await)
    }
}

impl Data {
    fn request_facts(&self, command: &RequestMail) -> RequestGroupFacts {
        let flaw = self.flaw;
        let Some(list) = self.lists.get(&command.waitlist_id) else { return RequestGroupFacts::default() };
        let workspace = list.waitlist.workspace_id;
        let rules = list.waitlist.settings.addresses;
        let key = (command.waitlist_id, rules.known_by(command.email()));
        let is_same = |email: &Email| *email == *command.email() || (rules.known_by(email) == key.1 && !flaw.is(Flaw::MailboxesWaitAgain));
        let entry = list.entries().values().find(|entry| is_same(&entry.profile.email)).cloned();
        let mut waiting = self.requests.values().filter_map(|kept| match &kept.state {
            RequestState::Waiting(request) if request.waitlist_id == key.0 && is_same(&request.profile.email) => Some((**request).clone()),
            RequestState::Waiting(_) | RequestState::Confirmed(_) | RequestState::Refused => None,
        });
        let request = waiting.next().filter(|_| !flaw.is(Flaw::RepeatedRequestsReplace));
        let entries = if flaw.is(Flaw::ErasedBlockRequests) { list.tally.entries() } else { list.entries().len() as u64 };
        let listed = RequestedList { waitlist: list.waitlist.clone(), entries, mail: self.mail_setup(workspace) };
        let share = self.shares.get(&command.address).map(|(share, _)| share.clone()).filter(|_| !flaw.is(Flaw::SharesForgotten));
        let mut facts = RequestGroupFacts {
            lists: HashMap::from([(command.waitlist_id, listed)]),
            entries: entry.filter(|_| !flaw.is(Flaw::MembersWaitAgain)).map(|entry| (key.clone(), entry)).into_iter().collect(),
            requests: request.map(|request| (key, request)).into_iter().collect(),
            suppressed: HashMap::new(),
            proofs: command
                .proof
                .filter(|proof| self.is_used(Some(*proof), Flaw::RequestsReuseProofs))
                .map(|proof| proof.id)
                .into_iter()
                .collect(),
            shares: share.map(|share| (command.address, share)).into_iter().collect(),
        };
        for (_, address) in facts.recipients(std::slice::from_ref(command)) {
            let of_workspace = self.suppressions.iter().filter(|row| row.workspace_id == workspace || flaw.is(Flaw::RequestsHeldByOthers));
            let sought = if flaw.is(Flaw::SuppressionsOfMailboxes) { command.address } else { address };
            let reasons = of_workspace.filter(|row| row.address == sought && !flaw.is(Flaw::RequestsMailSuppressed));
            facts.suppressed.insert((workspace, address), reasons.map(|row| row.reason).collect());
        }
        facts
    }

    fn write_requests(&mut self, group: &RequestGroup, now: Timestamp) {
        let flaw = self.flaw;
        for request in group.expired() {
            self.requests.remove(&request.id);
            if !flaw.is(Flaw::ExpiredRequestsKeepMail) {
                self.drop_request_mails(request);
            }
        }
        for request in group.requests() {
            self.requests.insert(request.id, KeptRequest::from(flaw.requested(request.clone())));
            if flaw.is(Flaw::RequestsCountAsEntries)
                && let Some(list) = self.lists.get_mut(&request.waitlist_id)
            {
                list.tally.last_position += 1;
            }
        }
        for (address, share) in group.shares() {
            let first = self.shares.get(address).map(|(_, asked_at)| *asked_at).filter(|_| flaw.is(Flaw::SharesCountFromTheFirst));
            self.shares.insert(*address, (share.clone(), first.unwrap_or(now)));
        }
        group.mails().for_each(|mail| self.post(Some(mail.clone())));
        let keeps = |used: &&UsedProof| !flaw.is(Flaw::KnownAddressesUseNoProof) || used.taken_at.is_none();
        group.used_proofs().filter(keeps).for_each(|used| self.use_up(used));
    }

    /// Ends the requests that a sign-up confirms. Their mails become mails of the entry.
    pub(crate) fn confirm(&mut self, done: &Confirmed) {
        if let Some(kept) = self.requests.get_mut(&done.request_id).filter(|_| !self.flaw.is(Flaw::ConfirmedRequestsWait)) {
            kept.state = RequestState::Confirmed(done.entry_id);
        }
        for id in mail_ids(done.request_id, done.mails_sent).take(self.flaw.at_most(Flaw::FirstMailsOfRequestsKnown, 1)) {
            if let Some(queued) = self.mails.get_mut(&id).filter(|_| !self.flaw.is(Flaw::ConfirmationsKeepTheirMail))
                && let Some(waitlist_id) = queued.mail.recipient.waitlist_id()
            {
                queued.mail.recipient = Recipient::Entry { waitlist_id, entry_id: done.entry_id };
            }
        }
    }

    /// Deletes the waiting request of an address, with its mails. The person of the address is erased from the list.
    pub(crate) fn erase_requests(&mut self, list: WaitlistId, email: &Email) {
        if self.flaw.is(Flaw::ErasuresKeepRequests) {
            return;
        }
        let waiting = self.requests.values().filter_map(|kept| match &kept.state {
            RequestState::Waiting(request) if request.waitlist_id == list && request.profile.email == *email => Some((**request).clone()),
            RequestState::Waiting(_) | RequestState::Confirmed(_) | RequestState::Refused => None,
        });
        for request in waiting.collect::<Vec<_>>() {
            self.requests.remove(&request.id);
            self.drop_request_mails(&request);
        }
    }

    fn waiting(&self, list: WaitlistId, now: Timestamp) -> Vec<SignUpRequest> {
        let of_list = self.requests.values().filter(|kept| kept.waitlist_id == list && self.lists.contains_key(&list));
        of_list.filter_map(|kept| kept.clone().waiting(now).ok()).collect()
    }

    fn drop_request_mails(&mut self, request: &SignUpRequest) {
        for id in mail_ids(request.id, request.mails_sent).take(self.flaw.at_most(Flaw::FirstMailsOfRequestsKnown, 1)) {
            self.delete_mail(id);
        }
    }
}
