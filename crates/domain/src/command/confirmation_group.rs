//! Many requests for mail, of any lists. They are decided one after the other, as if each were alone, and written together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::confirmation::{RequestMail, RequestMailFacts, RequestMailPlan, RequestMailRejection};
use crate::confirmation::{MailShare, SignUpRequest};
use crate::email::Email;
use crate::entry::Entry;
use crate::id::{ProofId, RequestId, WaitlistId, WorkspaceId};
use crate::mail::{Mail, MailSetup};
use crate::proof_of_work::UsedProof;
use crate::secret::AddressHash;
use crate::suppression::SuppressionReason;
use crate::timestamp::Timestamp;
use crate::waitlist::Waitlist;

/// Returns the addresses of some requests, each with the time of the last one. Their order is that in which a store locks their shares.
pub fn asked_addresses(commands: &[RequestMail]) -> BTreeMap<AddressHash, Timestamp> {
    let mut asked = BTreeMap::new();
    for command in commands {
        let last = asked.entry(command.address).or_insert(command.now);
        *last = command.now.max(*last);
    }
    asked
}

/// The stored state of one list that requests for mail need.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestedList {
    /// The waitlist.
    pub waitlist: Waitlist,
    /// The number of entries on the list now.
    pub entries: u64,
    /// How the workspace sends mail, if it does.
    pub mail: Option<MailSetup>,
}

/// The stored state that the requests of a group need. The store keeps the shares locked until the group is written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestGroupFacts {
    /// The lists of the group that exist.
    pub lists: HashMap<WaitlistId, RequestedList>,
    /// The entries of the lists that have an address of the group, by what the list knows the address by
    /// ([`AddressRules::known_by`](crate::settings::AddressRules::known_by)).
    pub entries: HashMap<(WaitlistId, Email), Entry>,
    /// The sign-up requests of the lists that have an address of the group, in the same way, and are not confirmed or refused.
    pub requests: HashMap<(WaitlistId, Email), SignUpRequest>,
    /// The reasons for which a workspace sends no mail to the addresses of [`RequestGroupFacts::recipients`].
    pub suppressed: HashMap<(WorkspaceId, AddressHash), Vec<SuppressionReason>>,
    /// The mails that strangers caused to each address of the group.
    pub shares: BTreeMap<AddressHash, MailShare>,
    /// The proofs of the group that were used before.
    pub proofs: HashSet<ProofId>,
}

impl RequestGroupFacts {
    /// Returns the hashes of the addresses that mail of a group may go to, each with its list: those that were typed, and where a list
    /// takes each mailbox once, those that are there for the mailbox.
    pub fn recipients(&self, commands: &[RequestMail]) -> BTreeSet<(WaitlistId, AddressHash)> {
        let mut recipients = BTreeSet::new();
        for command in commands {
            let Some(list) = self.lists.get(&command.waitlist_id) else { continue };
            let key = list.key(command);
            let entry = self.entries.get(&key).map(|entry| &entry.profile.email);
            let request = self.requests.get(&key).map(|request| &request.profile.email);
            let emails = [Some(command.email()), entry, request].into_iter().flatten();
            recipients.extend(emails.map(|email| (command.waitlist_id, command.links.secret().hash_address(email))));
        }
        recipients
    }
}

impl RequestedList {
    /// What the list knows the address of a request by.
    fn key(&self, command: &RequestMail) -> (WaitlistId, Email) {
        (command.waitlist_id, self.waitlist.settings.addresses.known_by(command.email()))
    }
}

/// A group that is being decided.
#[derive(Debug, Clone, Default)]
pub struct RequestGroup {
    facts: RequestGroupFacts,
    written: BTreeMap<RequestId, SignUpRequest>,
    expired: Vec<SignUpRequest>,
    mails: Vec<Mail>,
    used: Vec<UsedProof>,
}

impl RequestGroup {
    /// Starts with the stored state.
    pub fn new(facts: RequestGroupFacts) -> Self {
        Self { facts, ..Self::default() }
    }

    /// Decides on the next request of the group by [`RequestMail::decide`]. The decision takes the requests before it into account.
    ///
    /// # Errors
    /// If a rule refuses the request. Then it changes nothing.
    pub fn decide(&mut self, command: &RequestMail) -> Result<(), RequestMailRejection> {
        let facts = &mut self.facts;
        let list = facts.lists.get(&command.waitlist_id).ok_or(RequestMailRejection::NoSuchWaitlist)?;
        let key = list.key(command);
        let entry = facts.entries.get(&key).map(|entry| &entry.profile.email);
        let standing = facts.requests.get(&key).filter(|request| request.expires_at > command.now);
        let recipient = entry.or(standing.map(|request| &request.profile.email)).unwrap_or(command.email());
        let suppressed = facts.suppressed.get(&(list.waitlist.workspace_id, command.links.secret().hash_address(recipient)));
        let RequestMailPlan { request, expired, mail, share, uses } = command.decide(&RequestMailFacts {
            waitlist: &list.waitlist,
            entries: list.entries,
            entry: facts.entries.get(&key),
            request: facts.requests.get(&key),
            proof_used: command.proof.is_some_and(|proof| facts.proofs.contains(&proof.id)),
            suppressed: suppressed.map_or(&[], Vec::as_slice),
            share: facts.shares.get(&command.address).unwrap_or(&MailShare::NONE),
            mail: list.mail.as_ref(),
        })?;
        facts.shares.insert(command.address, share);
        if let Some(request) = request {
            facts.requests.insert(key, request.clone());
            self.written.insert(request.id, request);
        }
        self.expired.extend(expired);
        self.mails.extend(mail);
        facts.proofs.extend(uses.map(|used| used.proof.id));
        self.used.extend(uses);
        Ok(())
    }

    /// Returns the sign-up requests to write, new or changed.
    pub fn requests(&self) -> impl Iterator<Item = &SignUpRequest> + Clone {
        self.written.values()
    }

    /// Returns the sign-up requests to delete with their mails before these are written, because they have expired. Nothing else would lead
    /// to those mails.
    pub fn expired(&self) -> &[SignUpRequest] {
        &self.expired
    }

    /// Returns the mails to write.
    pub fn mails(&self) -> impl Iterator<Item = &Mail> + Clone {
        self.mails.iter()
    }

    /// Returns the proofs of work that are used up, and the traces of sign-ups that have no other.
    pub fn used_proofs(&self) -> impl Iterator<Item = &UsedProof> + Clone {
        self.used.iter()
    }

    /// Returns the share of every address of the group, to write.
    pub const fn shares(&self) -> &BTreeMap<AddressHash, MailShare> {
        &self.facts.shares
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sign_up::tests::{links, profile, smtp_setup, waitlist};
    use super::*;
    use crate::actor::Actor;
    use crate::command::Wish;
    use crate::confirmation::DEFAULT_CONFIRMATION_TTL;
    use crate::confirmation::tests::now;
    use crate::id::MailId;

    fn command(n: u128, address: &str) -> RequestMail {
        let id = uuid::Uuid::from_u128(n);
        RequestMail {
            waitlist_id: waitlist(json!({})).id,
            wish: Wish::SignUp {
                id: RequestId::new(id),
                profile: profile(address).into(),
                friends_code: None,
                variant_id: None,
                network: None,
                ttl: DEFAULT_CONFIRMATION_TTL,
            },
            link_mail_id: MailId::new(id),
            address: links().secret().hash_address(&Email::parse(address).unwrap()),
            proof: None,
            client: None,
            actor: Actor::Visitor,
            now: now(),
            links: links(),
        }
    }

    #[test]
    fn a_mailbox_waits_once_where_the_list_says_so() {
        let list = RequestedList { waitlist: waitlist(json!({"one_per_mailbox": true})), entries: 0, mail: Some(smtp_setup()) };
        let facts = RequestGroupFacts { lists: HashMap::from([(list.waitlist.id, list)]), ..RequestGroupFacts::default() };
        let mut group = RequestGroup::new(facts);
        group.decide(&command(1, "ada+a@example.com")).unwrap();
        group.decide(&command(2, "ada+b@example.com")).unwrap();
        let waiting: Vec<&str> = group.requests().map(|request| request.profile.email.as_str()).collect();
        assert_eq!(waiting, ["ada+a@example.com"]);
    }

    #[test]
    fn a_suppression_is_of_the_address_that_gets_the_mail() {
        let list = RequestedList { waitlist: waitlist(json!({"one_per_mailbox": true})), entries: 0, mail: Some(smtp_setup()) };
        let workspace = list.waitlist.workspace_id;
        let hash = |address: &str| links().secret().hash_address(&Email::parse(address).unwrap());
        let reasons = ["ada@example.com", "bob+a@example.com"].map(|address| ((workspace, hash(address)), vec![SuppressionReason::Manual]));
        let lists = HashMap::from([(list.waitlist.id, list)]);
        let mut group = RequestGroup::new(RequestGroupFacts { lists, suppressed: HashMap::from(reasons), ..RequestGroupFacts::default() });
        for (n, address) in [(1, "ada+a@example.com"), (2, "bob+a@example.com"), (3, "bob@example.com")] {
            group.decide(&command(n, address)).unwrap();
        }
        assert_eq!(group.mails().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), ["ada+a@example.com"]);
        let typed = [command(4, "eve+b@example.com"), command(5, "bob@example.com")];
        let recipients = group.facts.recipients(&typed);
        let list = typed[0].waitlist_id;
        let expected = ["eve+b@example.com", "bob@example.com", "bob+a@example.com"].map(|address| (list, hash(address)));
        assert_eq!(recipients, BTreeSet::from(expected));
    }

    #[test]
    fn each_request_takes_those_before_it_into_account() {
        let list = RequestedList { waitlist: waitlist(json!({})), entries: 0, mail: Some(smtp_setup()) };
        let facts = RequestGroupFacts { lists: HashMap::from([(list.waitlist.id, list)]), ..RequestGroupFacts::default() };
        let mut group = RequestGroup::new(facts);
        for (n, address) in [(1, "ada@example.com"), (2, "ada@example.com"), (3, "bob@example.com")] {
            group.decide(&command(n, address)).unwrap();
        }
        let written: Vec<u128> = group.requests().map(|request| request.id.uuid().as_u128()).collect();
        assert_eq!((written, group.mails().count(), group.shares().len()), (vec![1, 3], 2, 2));
        let elsewhere = RequestMail { waitlist_id: WaitlistId::new(uuid::Uuid::from_u128(5)), ..command(4, "eve@example.com") };
        assert_eq!(group.decide(&elsewhere), Err(RequestMailRejection::NoSuchWaitlist));
        assert_eq!(group.requests().count(), 2);
    }
}
