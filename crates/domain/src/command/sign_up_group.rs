//! Many sign-ups of one list. They are decided one after the other, as if each were alone, and written together.
//!
//! A store that writes each sign-up by itself needs a lock and a round trip to the disk for each of them. A store that groups the waiting
//! sign-ups of a list loads the facts of all of them once, decides here, and writes all plans together.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::sign_up::{ReferrerFacts, SignUp, SignUpFacts, SignUpPlan, SignUpRejection};
use crate::audit::AuditRow;
use crate::confirmation::{KeptRequest, RequestState};
use crate::email::Email;
use crate::entry::Entry;
use crate::event::Event;
use crate::id::{EntryId, ProofId, RequestId, SuppressionId, VariantId};
use crate::ledger::{self, Referral, ReferralState};
use crate::mail::{Mail, MailSetup};
use crate::proof_of_work::UsedProof;
use crate::referral::ReferralCode;
use crate::secret::NetworkHash;
use crate::tally::Tally;
use crate::waitlist::Waitlist;

/// Who has a referral code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeOwner {
    /// An entry of the same list.
    Here(ReferrerFacts),
    /// An entry of another list.
    Elsewhere,
}

/// The stored state that the sign-ups of a group need. The store keeps it locked until the group is written.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupFacts {
    /// The waitlist.
    pub waitlist: Waitlist,
    /// The last position on the list. It is 0 before the first sign-up.
    pub last_position: u64,
    /// The number of entries on the list now, without those that were erased.
    pub entries: u64,
    /// The addresses of the group that are on the list already.
    pub emails: HashSet<Email>,
    /// The codes of the group that an entry has. They are the new entries' own codes and the codes that they used.
    pub codes: HashMap<ReferralCode, CodeOwner>,
    /// The new entries' own codes that an entry of the list has as an old code.
    pub old_codes: HashSet<ReferralCode>,
    /// The mailboxes of the group that an entry of the list has. It is empty for a list that takes mailboxes more than once.
    pub mailboxes: HashSet<Email>,
    /// The mailboxes of the group that a waiting sign-up request of the list has, for the same lists.
    pub waiting_mailboxes: HashSet<Email>,
    /// The proofs of the group that were used before.
    pub proofs: HashSet<ProofId>,
    /// The variants of the group that are active variants of the list.
    pub variants: HashSet<VariantId>,
    /// The requests that sign-ups of the group confirm.
    pub requests: HashMap<RequestId, KeptRequest>,
    /// The suppressions of the group's addresses in the workspace whose reason is that the person was erased.
    pub erased: HashMap<Email, SuppressionId>,
    /// How the workspace sends mail, if it does.
    pub mail: Option<MailSetup>,
    /// The referrals of an entry from a network, within [`NEIGHBOURS_WITHIN`](crate::ledger::NEIGHBOURS_WITHIN): of the entries whose codes
    /// the group uses, and of the group's networks. None means 0.
    pub neighbours: HashMap<(EntryId, NetworkHash), u64>,
    /// The entries that [`GroupFacts::rewarding`] names.
    pub rewarded: HashMap<EntryId, Entry>,
}

impl GroupFacts {
    /// Returns the referrers that the sign-ups of the group may make reach a reward. A store loads their entries.
    pub fn rewarding<'a>(&self, commands: impl Iterator<Item = &'a SignUp>) -> BTreeSet<EntryId> {
        let rewards = &self.waitlist.settings.referral_rewards;
        if rewards.milestones.is_empty() {
            return BTreeSet::new();
        }
        let mut used: BTreeMap<EntryId, (u64, u64)> = BTreeMap::new();
        for code in commands.filter_map(|command| command.friends_code.as_ref()) {
            if let Some(CodeOwner::Here(referrer)) = self.codes.get(code) {
                let peak = referrer.referral_peak.max(referrer.referral_count);
                used.entry(referrer.id).or_insert((peak, referrer.referral_count)).1 += 1;
            }
        }
        used.into_iter().filter(|(_, (peak, most))| rewards.reached_first(*peak, *most).next().is_some()).map(|(id, _)| id).collect()
    }
}

/// A group that is being decided.
#[derive(Debug, Clone)]
pub struct SignUpGroup {
    facts: GroupFacts,
    plans: Vec<SignUpPlan>,
    confirmed: Vec<Confirmed>,
}

/// A sign-up request that is confirmed, and its entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmed {
    /// The request.
    pub request_id: RequestId,
    /// How many mails asked for the confirmation. They become mails of the entry.
    pub mails_sent: u32,
    /// The new entry.
    pub entry_id: EntryId,
}

impl SignUpGroup {
    /// Starts with the stored state.
    pub const fn new(facts: GroupFacts) -> Self {
        Self { facts, plans: Vec::new(), confirmed: Vec::new() }
    }

    /// Decides on the next sign-up of the group by [`SignUp::decide`].
    ///
    /// The decision takes the sign-ups before it into account. A refused sign-up changes nothing.
    ///
    /// # Errors
    /// If a rule refuses the sign-up.
    pub fn decide(&mut self, command: &SignUp) -> Result<Entry, SignUpRejection> {
        let facts = &self.facts;
        let owner = |code: &ReferralCode| facts.codes.get(code);
        let referrer = command.friends_code.as_ref().and_then(owner).and_then(|owner| match owner {
            CodeOwner::Here(referrer) => Some(referrer),
            CodeOwner::Elsewhere => None,
        });
        let neighbours = referrer.zip(command.network).and_then(|(referrer, network)| facts.neighbours.get(&(referrer.id, network)));
        let once = facts.waitlist.settings.addresses.one_per_mailbox;
        let mailbox = if once { Some(command.profile.email.mailbox()) } else { None };
        let waits = |mailbox| command.confirms.is_none() && facts.waiting_mailboxes.contains(mailbox);
        let plan = command.decide(SignUpFacts {
            waitlist: &facts.waitlist,
            last_position: facts.last_position,
            entries: facts.entries,
            email_taken: facts.emails.contains(&command.profile.email),
            code_taken: owner(&command.own_code).is_some() || facts.old_codes.contains(&command.own_code),
            referrer,
            neighbours: neighbours.copied().unwrap_or(0),
            rewarded: referrer.and_then(|referrer| facts.rewarded.get(&referrer.id)),
            mailbox_taken: mailbox.as_ref().is_some_and(|mailbox| facts.mailboxes.contains(mailbox) || waits(mailbox)),
            proof_used: command.proof.is_some_and(|proof| facts.proofs.contains(&proof.id)),
            variant_is_active: command.variant_id.is_some_and(|id| facts.variants.contains(&id)),
            request: command.confirms.and_then(|id| facts.requests.get(&id)),
            erased: facts.erased.get(&command.profile.email).copied(),
            mail: facts.mail.as_ref(),
        })?;
        let entry = plan.entry.clone();
        self.facts.last_position = entry.position.number();
        self.facts.entries += 1;
        self.facts.emails.insert(entry.profile.email.clone());
        self.facts.mailboxes.extend(mailbox);
        self.facts.proofs.extend(command.proof.map(|proof| proof.id));
        // A later sign-up of the group may use the code of this entry.
        self.facts.codes.insert(entry.referral_code.clone(), CodeOwner::Here(ReferrerFacts::of(&entry, plan.network)));
        if !self.facts.waitlist.settings.referral_rewards.milestones.is_empty() {
            self.facts.rewarded.insert(entry.id, entry.clone());
        }
        if let Some(referral) = &plan.referral {
            self.note(command, referral, plan.network);
        }
        if let Some(request) = command.confirms.and_then(|id| self.facts.requests.get_mut(&id)) {
            if let RequestState::Waiting(waiting) = &request.state {
                self.confirmed.push(Confirmed { mails_sent: waiting.mails_sent, request_id: request.id, entry_id: entry.id });
            }
            request.state = RequestState::Confirmed(entry.id);
        }
        self.plans.push(plan);
        Ok(entry)
    }

    /// Takes a new referral into account for the sign-ups after it.
    fn note(&mut self, command: &SignUp, referral: &Referral, network: Option<NetworkHash>) {
        let owner = command.friends_code.as_ref().and_then(|code| self.facts.codes.get_mut(code));
        let Some(CodeOwner::Here(referrer)) = owner else { return };
        referrer.recent += 1;
        referrer.referral_count += u64::from(referral.state == ReferralState::Credited);
        if let Some(network) = network {
            *self.facts.neighbours.entry((referrer.id, network)).or_default() += 1;
        }
    }

    /// Returns the plans to write, in order.
    pub fn plans(&self) -> &[SignUpPlan] {
        &self.plans
    }

    /// Returns the new entries.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> + Clone {
        self.plans.iter().map(|plan| &plan.entry)
    }

    /// Returns the referrals to write, each with the network to keep with it.
    pub fn referrals(&self) -> impl Iterator<Item = (&Referral, Option<NetworkHash>)> + Clone {
        self.plans.iter().filter_map(|plan| Some((plan.referral.as_ref()?, plan.network)))
    }

    /// Returns the events to write, in order.
    pub fn events(&self) -> impl Iterator<Item = &Event> + Clone {
        self.plans.iter().flat_map(|plan| &plan.events)
    }

    /// Returns the mails to write.
    pub fn mails(&self) -> impl Iterator<Item = &Mail> + Clone {
        self.plans.iter().filter_map(|plan| plan.mail.as_ref())
    }

    /// Returns the sign-up requests that are confirmed.
    pub fn confirmed(&self) -> &[Confirmed] {
        &self.confirmed
    }

    /// Returns the suppressions to lift.
    pub fn lifts(&self) -> impl Iterator<Item = SuppressionId> + Clone {
        self.plans.iter().filter_map(|plan| plan.lifts)
    }

    /// Returns the proofs of work that are used up.
    pub fn used_proofs(&self) -> impl Iterator<Item = &UsedProof> + Clone {
        self.plans.iter().filter_map(|plan| plan.uses.as_ref())
    }

    /// Returns the rows of the audit log to write. There are none of visitors.
    pub fn audit(&self) -> impl Iterator<Item = &AuditRow> + Clone {
        self.plans.iter().filter_map(|plan| plan.audit.as_deref())
    }

    /// Returns the new credits of each referrer. A referrer may be a new entry of the group.
    pub fn credits(&self) -> BTreeMap<EntryId, u64> {
        ledger::credits(self.plans.iter().filter_map(|plan| plan.referral.as_ref()))
    }

    /// Returns the growth of the list's totals.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally { last_position: self.facts.last_position, ..Tally::default() };
        self.entries().for_each(|entry| tally.add(entry));
        tally
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::sign_up::tests::{command, profile, waitlist};
    use super::*;
    use crate::actor::Actor;
    use crate::confirmation::tests::request;
    use crate::confirmation::{RequestEnded, SignUpRequest};
    use crate::event::EventKind;
    use crate::proof_of_work::Proof;

    fn group(settings: serde_json::Value) -> SignUpGroup {
        SignUpGroup::new(GroupFacts {
            waitlist: waitlist(settings),
            last_position: 10,
            entries: 8,
            emails: HashSet::from([Email::parse("old@example.com").unwrap()]),
            codes: HashMap::from([(ReferralCode::from_entropy(99), CodeOwner::Elsewhere)]),
            old_codes: HashSet::from([ReferralCode::from_entropy(98)]),
            mailboxes: HashSet::from([Email::parse("bob@example.com").unwrap()]),
            waiting_mailboxes: HashSet::from([Email::parse("eve@example.com").unwrap()]),
            proofs: HashSet::new(),
            variants: HashSet::new(),
            requests: HashMap::from([(request().id, request().into())]),
            erased: HashMap::new(),
            mail: None,
            neighbours: HashMap::new(),
            rewarded: HashMap::new(),
        })
    }

    fn person(n: u64) -> SignUp {
        SignUp {
            entry_id: EntryId::new(uuid::Uuid::from_u128(u128::from(n))),
            own_code: ReferralCode::from_entropy(n),
            profile: profile(&format!("p{n}@example.com")),
            ..command()
        }
    }

    #[test]
    fn each_sign_up_takes_those_before_it_into_account() {
        let mut group = group(json!({"max_entries": 11}));
        assert_eq!(group.decide(&person(1)).unwrap().position.number(), 11);
        assert_eq!(group.decide(&person(1)), Err(SignUpRejection::EmailTaken));
        let same_code = SignUp { own_code: ReferralCode::from_entropy(1), ..person(2) };
        assert_eq!(group.decide(&same_code), Err(SignUpRejection::CodeTaken));
        for taken in [99, 98] {
            let taken = SignUp { own_code: ReferralCode::from_entropy(taken), ..person(2) };
            assert_eq!(group.decide(&taken), Err(SignUpRejection::CodeTaken));
        }
        let old = SignUp { profile: profile("old@example.com"), ..person(2) };
        assert_eq!(group.decide(&old), Err(SignUpRejection::EmailTaken));
        assert_eq!(group.decide(&person(2)).unwrap().position.number(), 12);
        assert_eq!(group.decide(&person(3)).unwrap().position.number(), 13);
        assert_eq!(group.decide(&person(4)), Err(SignUpRejection::WaitlistFull));
        assert_eq!(group.plans().len(), 3);
    }

    #[test]
    fn a_withheld_referral_counts_for_nobody_after_it() {
        let rewards = json!({"milestones": [{"count": 2, "reward": "a mug"}]});
        let mut group = group(json!({"referral_fraud": "withhold", "referral_rewards": rewards}));
        let ada = person(1);
        group.decide(&ada).unwrap();
        let friend = |n, disposable| SignUp { friends_code: Some(ada.own_code.clone()), disposable, ..person(n) };
        group.decide(&friend(2, true)).unwrap();
        group.decide(&friend(3, false)).unwrap();
        let rewarded = |group: &SignUpGroup| group.events().filter(|event| event.kind == EventKind::RewardReached).count();
        assert_eq!(rewarded(&group), 0, "one of two referrals counts");
        group.decide(&friend(4, false)).unwrap();
        assert_eq!(rewarded(&group), 1);
    }

    #[test]
    fn a_request_is_confirmed_once_in_a_group() {
        let mut group = group(json!({"email_confirmation": true}));
        let confirm = |n| SignUp { confirms: Some(request().id), profile: request().profile, ..person(n) };
        let entry = group.decide(&confirm(1)).unwrap();
        assert_eq!(group.decide(&confirm(2)), Err(SignUpRejection::Ended(RequestEnded::Confirmed(entry.id))));
        assert_eq!(group.confirmed(), [Confirmed { request_id: request().id, mails_sent: 0, entry_id: entry.id }]);
        assert_eq!(group.plans().len(), 1);
    }

    #[test]
    fn a_mailbox_is_taken_once_in_a_group() {
        let mut group = group(json!({"one_per_mailbox": true, "email_confirmation": true}));
        let with = |n, address| SignUp { actor: Actor::CommandLine, profile: profile(address), ..person(n) };
        group.decide(&with(1, "ada+a@example.com")).unwrap();
        for taken in ["ada@example.com", "ada+b@example.com", "bob+x@example.com", "eve+x@example.com"] {
            assert_eq!(group.decide(&with(2, taken)), Err(SignUpRejection::EmailTaken), "{taken}");
        }
        // The request that is confirmed has the mailbox itself.
        let eve = SignUpRequest { profile: profile("eve@example.com"), ..request() };
        let confirm = SignUp { confirms: Some(eve.id), profile: eve.profile.clone(), ..person(3) };
        group.facts.requests.insert(eve.id, eve.into());
        assert!(group.decide(&confirm).is_ok());
    }

    #[test]
    fn a_proof_is_used_once_in_a_group() {
        let mut group = group(json!({}));
        let proof = Some(Proof { id: ProofId::new(uuid::Uuid::from_u128(5)), expires_at: command().now });
        group.decide(&SignUp { proof, ..person(1) }).unwrap();
        assert_eq!(group.decide(&SignUp { proof, ..person(2) }), Err(SignUpRejection::ProofUsed));
        group.decide(&person(3)).unwrap();
        assert_eq!(group.used_proofs().map(|used| Some(used.proof)).collect::<Vec<_>>(), [proof]);
    }

    #[test]
    fn each_referral_takes_those_before_it_into_account() {
        let rewards = json!({"milestones": [{"count": 2, "reward": "a mug"}]});
        let mut group = group(json!({"referral_hourly_cap": 4, "referral_rewards": rewards}));
        group.decide(&person(1)).unwrap();
        let friend =
            |n| SignUp { friends_code: Some(ReferralCode::from_entropy(1)), network: Some(NetworkHash::new([9; 16])), ..person(n) };
        for n in 2..=6 {
            group.decide(&friend(n)).unwrap();
        }
        let scores: Vec<u8> = group.referrals().map(|(referral, _)| referral.score).collect();
        assert_eq!(scores, [0, 0, 0, 40, 100], "the fourth has three neighbours, the fifth is beyond the cap");
        let rewards: Vec<&Event> = group.events().filter(|event| event.kind == EventKind::RewardReached).collect();
        assert_eq!(rewards.len(), 1);
        assert!(rewards[0].body.contains("\"referral_count\":2"), "{}", rewards[0].body);
        assert_eq!(group.credits(), BTreeMap::from([(person(1).entry_id, 5)]));
    }

    #[test]
    fn entries_are_needed_of_those_who_may_reach_a_reward() {
        let rewards = json!({"milestones": [{"count": 4, "reward": "a mug"}]});
        let mut facts = group(json!({"referral_rewards": rewards})).facts;
        let eve = super::super::sign_up::tests::referrer(crate::entry::EntryStatus::Pending);
        let friends: Vec<SignUp> = (1..=2).map(|n| SignUp { friends_code: Some(ReferralCode::from_entropy(50)), ..person(n) }).collect();
        facts.codes.insert(ReferralCode::from_entropy(50), CodeOwner::Here(eve.clone()));
        assert_eq!(facts.rewarding(friends.iter()), BTreeSet::from([eve.id]));
        assert_eq!(facts.rewarding(friends[..1].iter()), BTreeSet::new());
    }

    #[test]
    fn referrers_inside_a_group_are_credited() {
        let mut group = group(json!({}));
        let with = |n: u64, friend: u64| SignUp { friends_code: Some(ReferralCode::from_entropy(friend)), ..person(n) };
        group.decide(&person(1)).unwrap();
        assert_eq!(group.decide(&with(2, 1)).unwrap().referred_by, Some(person(1).entry_id));
        assert_eq!(group.decide(&with(3, 2)).unwrap().referred_by, Some(person(2).entry_id));
        assert_eq!(group.decide(&with(4, 1)).unwrap().referred_by, Some(person(1).entry_id));
        assert_eq!(group.decide(&with(5, 99)).unwrap().referred_by, None);
        // No entry has the sign-up's own code yet.
        assert_eq!(group.decide(&with(6, 6)).unwrap().referred_by, None);
        assert_eq!(group.credits(), BTreeMap::from([(person(1).entry_id, 2), (person(2).entry_id, 1)]));
        let tally = group.tally();
        assert_eq!((tally.last_position, tally.by_status, tally.referred), (16, [6, 0, 0], 3));
        assert_eq!(tally.sources, BTreeMap::from([(String::new(), 6)]));
        assert_eq!(tally.days.values().sum::<u64>(), 6);
    }
}
