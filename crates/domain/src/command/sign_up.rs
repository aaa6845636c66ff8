//! Signing up.

use std::net::IpAddr;

use crate::actor::Actor;
use crate::ambient::{Clock, Ids};
use crate::audit::{AuditAction, AuditRow, change};
use crate::confirmation::{KeptRequest, RequestEnded};
use crate::email::Email;
use crate::entry::{Entry, EntryStatus};
use crate::error::FieldError;
use crate::event::{Event, EventKind};
use crate::id::{EntryId, EventId, ReferralId, RequestId, SuppressionId, VariantId, WaitlistId};
use crate::ledger::{FraudMode, Judgement, NETWORKS_KEPT, Referral, ReferralSignals, ReferralState};
use crate::mail::{Links, Mail, MailSetup};
use crate::profile::Profile;
use crate::proof_of_work::{Proof, UsedProof};
use crate::referral::{Position, ReferralCode};
use crate::secret::NetworkHash;
use crate::settings::{Approval, Confirmation};
use crate::timestamp::Timestamp;
use crate::waitlist::Waitlist;

/// Creates an entry on a waitlist.
#[derive(Debug, Clone, PartialEq)]
pub struct SignUp {
    /// The waitlist.
    pub waitlist_id: WaitlistId,
    /// The id of the new entry.
    pub entry_id: EntryId,
    /// The new entry's own referral code.
    pub own_code: ReferralCode,
    /// Ids for the events `entry.created` and `entry.approved`.
    pub event_ids: [EventId; 2],
    /// Ids for the referral, if it is one.
    pub referral_ids: ReferralIds,
    /// Who signs the person up.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
    /// What the person says about themselves.
    pub profile: Profile,
    /// The referral code that the person used.
    pub friends_code: Option<ReferralCode>,
    /// The variant that the person saw, according to the client.
    pub variant_id: Option<VariantId>,
    /// The sign-up request that this confirms. `None` means that nothing was asked before.
    pub confirms: Option<RequestId>,
    /// The proof of work that the list asked for, checked.
    pub proof: Option<Proof>,
    /// The address of the client, if it is known.
    pub client: Option<IpAddr>,
    /// The hash of the network that the person's form came from, if it is known.
    pub network: Option<NetworkHash>,
    /// Whether the address is a throw-away one.
    pub disposable: bool,
    /// The base of the links in the mail.
    pub links: Links,
}

/// The ids of a referral and of what is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferralIds {
    /// The id of the referral.
    pub referral: ReferralId,
    /// The id of the event of its state.
    pub told: EventId,
    /// The id of the event of a reward that it makes the referrer reach.
    pub reward: EventId,
}

impl ReferralIds {
    /// Makes new ids.
    pub fn new(ids: &dyn Ids) -> Self {
        Self { referral: ReferralId::new(ids.uuid()), told: EventId::new(ids.uuid()), reward: EventId::new(ids.uuid()) }
    }
}

/// The stored state that a sign-up needs. The store keeps it locked until the plan is written.
#[derive(Debug, Clone, PartialEq)]
pub struct SignUpFacts<'a> {
    /// The waitlist.
    pub waitlist: &'a Waitlist,
    /// The last position on the list. It is 0 before the first sign-up.
    pub last_position: u64,
    /// The number of entries on the list now, without those that were erased.
    pub entries: u64,
    /// Whether the address is on the list already.
    pub email_taken: bool,
    /// Whether any entry of the deployment has the code `own_code`, or an entry of this list has it as an old code.
    pub code_taken: bool,
    /// The entry of the same list that has the code `friends_code`.
    pub referrer: Option<&'a ReferrerFacts>,
    /// The referrals of the referrer from the network of this sign-up, within [`NEIGHBOURS_WITHIN`](crate::ledger::NEIGHBOURS_WITHIN). A
    /// store need not count beyond 3, and not at all if the list judges no referrals.
    pub neighbours: u64,
    /// The entry of the referrer, if this sign-up may make it reach a reward that is told of.
    pub rewarded: Option<&'a Entry>,
    /// Whether another entry of the list, or a sign-up request that waits, has an address of the same mailbox. A store tells it of a list
    /// that takes each mailbox once. Of a sign-up that confirms a request, it tells only of entries.
    pub mailbox_taken: bool,
    /// Whether `proof` was used before.
    pub proof_used: bool,
    /// Whether `variant_id` is an active variant of the list.
    pub variant_is_active: bool,
    /// The request with the id `confirms`, if there is one. A request of another list or address counts as none.
    pub request: Option<&'a KeptRequest>,
    /// The suppression of the address in the workspace whose reason is that the person was erased.
    pub erased: Option<SuppressionId>,
    /// How the workspace sends mail, if it does.
    pub mail: Option<&'a MailSetup>,
}

/// The state of the referrer that a sign-up needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferrerFacts {
    /// The id of the entry.
    pub id: EntryId,
    /// The status of the entry.
    pub status: EntryStatus,
    /// The mailbox of its address.
    pub mailbox: Email,
    /// The network that its form came from, if it is known.
    pub network: Option<NetworkHash>,
    /// When it signed up.
    pub joined_at: Timestamp,
    /// Its referrals.
    pub referral_count: u64,
    /// The most referrals that it ever had.
    pub referral_peak: u64,
    /// Its referrals within [`BURST_WITHIN`](crate::ledger::BURST_WITHIN), in any state. A store need not count beyond the hourly cap of
    /// the list, and not at all if the list judges no referrals.
    pub recent: u64,
}

impl ReferrerFacts {
    /// Returns the facts of an entry that nobody has named yet.
    pub fn of(entry: &Entry, network: Option<NetworkHash>) -> Self {
        Self {
            id: entry.id,
            status: entry.status,
            mailbox: entry.profile.email.mailbox(),
            network,
            joined_at: entry.created_at,
            referral_count: entry.referral_count,
            referral_peak: entry.referral_count,
            recent: 0,
        }
    }

    /// Whether the entry's form came from a network, as far as this is still known.
    fn is_from(&self, network: NetworkHash, now: Timestamp) -> bool {
        self.network == Some(network) && self.joined_at.plus(NETWORKS_KEPT) > now
    }
}

/// The result of a sign-up. The store writes all of it or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct SignUpPlan {
    /// The new entry. Its position becomes the last one of the list.
    pub entry: Entry,
    /// The referral to write, if a friend's code was honoured.
    pub referral: Option<Referral>,
    /// The hash of the network to keep with the entry and the referral.
    pub network: Option<NetworkHash>,
    /// The events to write, in order.
    pub events: Vec<Event>,
    /// The mail to write. It is only the welcome mail, even if the entry is approved at once.
    pub mail: Option<Mail>,
    /// The suppression to lift: a person who was erased and signs up again gets mail again.
    pub lifts: Option<SuppressionId>,
    /// The proof of work that is used up.
    pub uses: Option<UsedProof>,
    /// The row of the audit log to write, if an admin confirms a request. Nothing else that makes an entry is an admin's doing.
    pub audit: Option<Box<AuditRow>>,
}

/// Why a sign-up was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignUpRejection {
    /// The waitlist does not exist any more.
    #[error("this waitlist does not exist")]
    NoSuchWaitlist,
    /// The request that the sign-up confirms waits no more.
    #[error(transparent)]
    Ended(RequestEnded),
    /// The person must confirm the address first: the setting was turned on just now.
    #[error("the address must be confirmed first")]
    ConfirmationRequired,
    /// The list takes no sign-ups now.
    #[error("this waitlist is not open for sign-ups")]
    WaitlistNotActive,
    /// The proof of work was used before.
    #[error("this proof of work was used before")]
    ProofUsed,
    /// The list has as many entries as its settings allow.
    #[error("this waitlist is full")]
    WaitlistFull,
    /// The address is on the list already.
    #[error("this e-mail address is already on the waitlist")]
    EmailTaken,
    /// Another entry has the code `own_code`, as its own or as an old one. The command may be retried with a new code.
    #[error("this referral code is taken")]
    CodeTaken,
    /// Answers to required custom fields or the consent are missing, or answers do not fit.
    #[error("answers to custom fields are missing or do not fit")]
    Metadata(Vec<FieldError>),
}

impl SignUp {
    /// Returns a sign-up of a person by a visitor, with the current time, new ids and a new code.
    ///
    /// The other fields are empty. Set them in the command.
    pub fn new(waitlist_id: WaitlistId, profile: Profile, links: Links, clock: &dyn Clock, ids: &dyn Ids) -> Self {
        Self {
            waitlist_id,
            entry_id: EntryId::new(ids.uuid()),
            own_code: ReferralCode::from_entropy(ids.entropy()),
            event_ids: [EventId::new(ids.uuid()), EventId::new(ids.uuid())],
            referral_ids: ReferralIds::new(ids),
            actor: Actor::Visitor,
            now: clock.now(),
            profile,
            friends_code: None,
            variant_id: None,
            confirms: None,
            proof: None,
            client: None,
            network: None,
            disposable: false,
            links,
        }
    }

    /// Decides on a sign-up.
    ///
    /// A request that waits no more is refused first, and then a list that is not open. A proof of work that was used before is refused
    /// before anything is told of the address: it must not tell which addresses are on the list.
    ///
    /// If the address is on the list already, the rejection says so even if the list is full. A client that lost the answer can therefore
    /// repeat its request at any time. A referral code counts if its owner is on the same list and is not rejected. Otherwise the code is
    /// ignored. A referral that the list withholds names its referrer and gives no credit.
    ///
    /// # Errors
    /// If a rule refuses the sign-up.
    pub fn decide(&self, facts: SignUpFacts<'_>) -> Result<SignUpPlan, SignUpRejection> {
        let waitlist = facts.waitlist;
        if self.confirms.is_some() {
            self.check_request(facts.request).map_err(SignUpRejection::Ended)?;
        }
        if !waitlist.is_open() {
            return Err(SignUpRejection::WaitlistNotActive);
        }
        if facts.proof_used {
            return Err(SignUpRejection::ProofUsed);
        }
        let profile = self.answers(waitlist)?;
        if facts.email_taken || (facts.mailbox_taken && waitlist.settings.addresses.one_per_mailbox) {
            return Err(SignUpRejection::EmailTaken);
        }
        if waitlist.settings.max_entries.is_some_and(|max| facts.entries >= max) {
            return Err(SignUpRejection::WaitlistFull);
        }
        if facts.code_taken {
            return Err(SignUpRejection::CodeTaken);
        }
        let referrer = facts.referrer.filter(|referrer| referrer.status != EntryStatus::Rejected);
        let referral = referrer.map(|referrer| self.refer(referrer, &facts));
        let is_credited = referral.as_ref().is_some_and(|referral| referral.state == ReferralState::Credited);
        let status = waitlist.settings.approval.first_status();
        let told: &[EventKind] = match waitlist.settings.approval {
            Approval::Required => &[EventKind::EntryCreated],
            Approval::Automatic => &[EventKind::EntryCreated, EventKind::EntryApproved],
        };
        let entry = Entry {
            id: self.entry_id,
            waitlist_id: waitlist.id,
            workspace_id: waitlist.workspace_id,
            profile,
            referral_code: self.own_code.clone(),
            referral_count: 0,
            referred_by: referrer.map(|referrer| referrer.id),
            position: Position::new(facts.last_position + 1),
            status,
            variant_id: self.variant_id.filter(|_| facts.variant_is_active),
            link_generation: 0,
            confirmed_at: self.confirms.map(|_| self.now),
            invitation: None,
            created_at: self.now,
            updated_at: self.now,
        };
        let tell = |(kind, id): (&EventKind, EventId)| Event::new(id, *kind, self.now, &entry, waitlist);
        let mut events: Vec<Event> = told.iter().zip(self.event_ids).map(tell).collect();
        events.extend(referral.as_ref().map(|referral| Event::of_referral(self.referral_ids.told, self.now, referral, waitlist)));
        let credited = referrer.filter(|_| is_credited);
        events.extend(credited.and_then(|referrer| self.tell_reward(referrer, &facts)));
        let created = (self.event_ids[0], EventKind::EntryCreated);
        let mail = facts.mail.and_then(|setup| Mail::of_event(setup, &self.links, created, self.now, &entry, waitlist));
        let by_stranger = self.actor == Actor::Visitor && self.confirms.is_none();
        let mail = mail.map(|mail| if by_stranger { mail.caused_from(self.client, &self.links) } else { mail });
        let uses = self.proof.map(|proof| UsedProof { proof, waitlist_id: waitlist.id, taken_at: None });
        let network = self.network.filter(|_| waitlist.settings.referral_policy.mode != FraudMode::Off);
        let audit = self.confirms.and_then(|id| self.audit(id, &entry)).map(Box::new);
        Ok(SignUpPlan { entry, referral, network, events, mail, lifts: facts.erased, uses, audit })
    }

    /// Checks that the request which this confirms waits, and that it is of this list and address.
    fn check_request(&self, request: Option<&KeptRequest>) -> Result<(), RequestEnded> {
        let kept = request.filter(|kept| kept.waitlist_id == self.waitlist_id).ok_or(RequestEnded::NoSuchRequest)?;
        let is_mine = kept.clone().waiting(self.now)?.profile.email == self.profile.email;
        if is_mine { Ok(()) } else { Err(RequestEnded::NoSuchRequest) }
    }

    /// Returns the row about a request that an admin confirms.
    fn audit(&self, request: RequestId, entry: &Entry) -> Option<AuditRow> {
        let changed = change("entry_id", None::<String>, entry.id.to_string());
        self.actor.audit(self.now, entry.workspace_id, AuditAction::ConfirmationConfirm, request, changed)
    }

    /// Makes the referral, and judges it by the policy of the list.
    fn refer(&self, referrer: &ReferrerFacts, facts: &SignUpFacts<'_>) -> Referral {
        let policy = facts.waitlist.settings.referral_policy;
        let signals = ReferralSignals {
            same_mailbox: self.profile.email.mailbox() == referrer.mailbox,
            network_of_referrer: self.network.is_some_and(|network| referrer.is_from(network, self.now)),
            neighbours: if self.network.is_some() { facts.neighbours } else { 0 },
            recent: referrer.recent,
            disposable: self.disposable,
            returning: facts.erased.is_some(),
        };
        let Judgement { state, score, reasons } = signals.judge(policy);
        Referral {
            id: self.referral_ids.referral,
            waitlist_id: facts.waitlist.id,
            referrer: Some(referrer.id),
            referred: Some(self.entry_id),
            state,
            score,
            reasons,
            policy: Some(policy),
            created_at: self.now,
            decision: None,
        }
    }

    /// Tells of the reward that one more referral earns for the first time.
    fn tell_reward(&self, referrer: &ReferrerFacts, facts: &SignUpFacts<'_>) -> Option<Event> {
        let count = referrer.referral_count + 1;
        let rewards = &facts.waitlist.settings.referral_rewards;
        let milestone = rewards.reached_first(referrer.referral_peak.max(referrer.referral_count), count).next()?;
        let entry = facts.rewarded?;
        let entry = Entry { referral_count: count, ..entry.clone() };
        Some(Event::of_reward(self.referral_ids.reward, self.now, &entry, facts.waitlist, milestone))
    }

    /// Returns the profile with its answers checked. Those of a request were checked when it was sent, and the fields may have changed.
    fn answers(&self, waitlist: &Waitlist) -> Result<Profile, SignUpRejection> {
        if self.confirms.is_some() {
            return Ok(self.profile.clone());
        }
        let profile = self.profile.clone().answering(&waitlist.settings).map_err(SignUpRejection::Metadata)?;
        match waitlist.settings.email_confirmation {
            Confirmation::Required if self.actor == Actor::Visitor => Err(SignUpRejection::ConfirmationRequired),
            Confirmation::Required | Confirmation::Off => Ok(profile),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;
    use crate::confirmation::RequestState;
    use crate::confirmation::tests::request;
    use crate::email::Email;
    use crate::id::{ProofId, WorkspaceId};
    use crate::locale::Locale;
    use crate::mail::{MailKind, Transport};
    use crate::secret::StoreSecret;
    use crate::settings::Settings;
    use crate::slug::Slug;
    use crate::text::{DisplayName, PersonName};
    use crate::waitlist::WaitlistStatus;
    use crate::workspace::Brand;

    pub(crate) fn profile(address: &str) -> Profile {
        Profile::new(Email::parse(address).unwrap(), PersonName::parse("Ada").unwrap())
    }

    pub(crate) fn links() -> Links {
        Links::new("https://rally.example", StoreSecret::new([7; 32]))
    }

    pub(crate) fn smtp_setup() -> MailSetup {
        MailSetup {
            workspace_slug: Slug::parse("acme").unwrap(),
            brand: Brand::default(),
            from: Some(Email::parse("hello@acme.example").unwrap()),
            reply_to: None,
            default_locale: Locale::english(),
            transport: Transport::Smtp,
        }
    }

    pub(crate) fn command() -> SignUp {
        SignUp {
            waitlist_id: WaitlistId::new(Uuid::from_u128(1)),
            entry_id: EntryId::new(Uuid::from_u128(2)),
            own_code: ReferralCode::from_entropy(3),
            event_ids: [EventId::new(Uuid::from_u128(4)), EventId::new(Uuid::from_u128(5))],
            referral_ids: ReferralIds {
                referral: ReferralId::new(Uuid::from_u128(10)),
                told: EventId::new(Uuid::from_u128(11)),
                reward: EventId::new(Uuid::from_u128(12)),
            },
            actor: Actor::Visitor,
            now: Timestamp::parse("2026-01-31T09:00:00Z").unwrap(),
            profile: profile("ada@example.com"),
            friends_code: None,
            variant_id: None,
            confirms: None,
            proof: None,
            client: None,
            network: None,
            disposable: false,
            links: links(),
        }
    }

    /// A referrer with the id 7.
    pub(crate) fn referrer(status: EntryStatus) -> ReferrerFacts {
        ReferrerFacts {
            id: EntryId::new(Uuid::from_u128(7)),
            status,
            mailbox: Email::parse("eve@example.com").unwrap().mailbox(),
            network: None,
            joined_at: Timestamp::parse("2026-01-30T09:00:00Z").unwrap(),
            referral_count: 2,
            referral_peak: 2,
            recent: 2,
        }
    }

    pub(crate) fn waitlist(settings: Value) -> Waitlist {
        let now = Timestamp::parse("2026-01-30T09:00:00Z").unwrap();
        Waitlist {
            id: WaitlistId::new(Uuid::from_u128(1)),
            workspace_id: WorkspaceId::new(Uuid::from_u128(9)),
            slug: Slug::parse("early").unwrap(),
            display_name: DisplayName::parse("Early").unwrap(),
            description: None,
            status: WaitlistStatus::Active,
            settings: Settings::default().merge(settings.as_object().unwrap()).unwrap(),
            created_by: None,
            created_at: now,
            updated_at: now,
        }
    }

    pub(crate) fn facts(waitlist: &Waitlist) -> SignUpFacts<'_> {
        SignUpFacts {
            waitlist,
            last_position: 41,
            entries: 40,
            email_taken: false,
            code_taken: false,
            referrer: None,
            mailbox_taken: false,
            proof_used: false,
            neighbours: 0,
            rewarded: None,
            variant_is_active: false,
            request: None,
            erased: None,
            mail: None,
        }
    }

    #[test]
    fn an_admin_who_confirms_a_request_is_audited_and_a_visitor_is_not() {
        let list = waitlist(json!({}));
        let kept = request().into();
        let facts = SignUpFacts { request: Some(&kept), ..facts(&list) };
        let confirm = |actor| SignUp { confirms: Some(kept.id), actor, ..command() }.decide(facts.clone()).unwrap().audit;
        let row = confirm(Actor::CommandLine).unwrap();
        assert_eq!((row.action.as_str(), row.target_id), ("confirmation.confirm", Some(kept.id.to_string())));
        assert_eq!(confirm(Actor::Visitor), None);
        assert_eq!(SignUp { actor: Actor::CommandLine, ..command() }.decide(facts.clone()).unwrap().audit, None);
    }

    #[test]
    fn a_person_is_welcomed_once_where_the_workspace_sends_mail() {
        let setup = smtp_setup();
        for settings in [json!({}), json!({"approval_required": false})] {
            assert_eq!(command().decide(facts(&waitlist(settings.clone()))).unwrap().mail, None);
            let plan = command().decide(SignUpFacts { mail: Some(&setup), ..facts(&waitlist(settings)) }).unwrap();
            let mail = plan.mail.unwrap();
            assert_eq!((mail.kind, mail.id.uuid(), &mail.to), (MailKind::Welcome, plan.events[0].id.uuid(), &plan.entry.profile.email));
        }
    }

    #[test]
    fn a_welcome_is_a_strangers_unless_an_admin_or_a_confirmation_signs_up() {
        let (setup, list, kept) = (smtp_setup(), waitlist(json!({})), KeptRequest::from(request()));
        let client = Some("192.0.2.1".parse().unwrap());
        let stranger = |command: SignUp| {
            let facts = SignUpFacts { mail: Some(&setup), request: Some(&kept), ..facts(&list) };
            command.decide(facts).unwrap().mail.unwrap().stranger
        };
        assert_eq!(stranger(SignUp { client, ..command() }), Some(links().secret().hash_network(client)));
        assert_eq!(stranger(command()), Some(links().secret().hash_network(None)));
        assert_eq!(stranger(SignUp { actor: Actor::CommandLine, client, ..command() }), None);
        assert_eq!(stranger(SignUp { confirms: Some(kept.id), client, ..command() }), None);
    }

    #[test]
    fn a_sign_up_takes_the_next_position_and_waits_for_approval() {
        let plan = command().decide(facts(&waitlist(json!({})))).unwrap();
        assert_eq!(plan.entry.position.number(), 42);
        assert_eq!(plan.entry.status, EntryStatus::Pending);
        assert_eq!(credit(&plan), None);
        assert_eq!(plan.events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::EntryCreated]);
    }

    #[test]
    fn without_approval_an_entry_is_approved_at_once_with_two_events() {
        let plan = command().decide(facts(&waitlist(json!({"approval_required": false})))).unwrap();
        assert_eq!(plan.entry.status, EntryStatus::Approved);
        let kinds: Vec<EventKind> = plan.events.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::EntryCreated, EventKind::EntryApproved]);
    }

    #[test]
    fn an_event_describes_the_entry_and_its_waitlist() {
        let plan = command().decide(facts(&waitlist(json!({})))).unwrap();
        let body: Value = serde_json::from_str(&plan.events[0].body).unwrap();
        assert_eq!(body["type"], "entry.created");
        assert_eq!(body["timestamp"], "2026-01-31T09:00:00.000Z");
        assert_eq!(body["data"]["entry"]["email"], "ada@example.com");
        assert_eq!(body["data"]["entry"]["position"], 42);
        assert_eq!(body["data"]["entry"]["metadata"], json!({}));
        assert_eq!(body["data"]["waitlist"]["slug"], "early");
    }

    #[test]
    fn a_taken_address_is_reported_before_a_full_list() {
        let list = waitlist(json!({"max_entries": 40}));
        let full = || facts(&list);
        assert_eq!(command().decide(full()), Err(SignUpRejection::WaitlistFull));
        assert_eq!(command().decide(SignUpFacts { email_taken: true, ..full() }), Err(SignUpRejection::EmailTaken));
        assert!(command().decide(facts(&waitlist(json!({"max_entries": 41})))).is_ok());
    }

    #[test]
    fn a_mailbox_counts_once_where_the_list_says_so() {
        let (once, often) = (waitlist(json!({"one_per_mailbox": true})), waitlist(json!({})));
        let taken = |list| SignUpFacts { mailbox_taken: true, ..facts(list) };
        assert_eq!(command().decide(taken(&once)), Err(SignUpRejection::EmailTaken));
        assert!(command().decide(taken(&often)).is_ok() && command().decide(facts(&once)).is_ok());
    }

    #[test]
    fn only_an_active_list_takes_anybody() {
        for status in WaitlistStatus::ALL {
            let list = Waitlist { status, ..waitlist(json!({})) };
            assert_eq!(command().decide(facts(&list)).is_ok(), status == WaitlistStatus::Active, "{status:?}");
        }
    }

    #[test]
    fn a_referral_counts_unless_its_owner_was_rejected() {
        for status in EntryStatus::ALL {
            let referrer = referrer(status);
            let plan = command().decide(SignUpFacts { referrer: Some(&referrer), ..facts(&waitlist(json!({}))) }).unwrap();
            let expected = (status != EntryStatus::Rejected).then_some(referrer.id);
            assert_eq!((credit(&plan), plan.entry.referred_by), (expected, expected), "{status:?}");
            assert_eq!(plan.referral.and_then(|referral| referral.referrer), expected);
        }
    }

    const HERE: NetworkHash = NetworkHash::new([1; 16]);

    fn credit(plan: &SignUpPlan) -> Option<EntryId> {
        plan.referral.as_ref().and_then(Referral::credit)
    }

    fn referral(command: SignUp, facts: SignUpFacts<'_>) -> (ReferralState, u8, Option<EntryId>) {
        let plan = command.decide(facts).unwrap();
        let referral = plan.referral.unwrap();
        assert_eq!(plan.entry.referred_by, referral.referrer, "it is named in every state");
        assert_eq!((referral.referred, referral.created_at), (Some(plan.entry.id), plan.entry.created_at));
        (referral.state, referral.score, referral.credit())
    }

    #[test]
    fn a_referral_is_judged_and_a_withheld_one_gives_no_credit() {
        use ReferralState::{Credited, Withheld};
        let known = ReferrerFacts { network: Some(HERE), ..referrer(EntryStatus::Pending) };
        let (flag, withhold, off) =
            (waitlist(json!({})), waitlist(json!({"referral_fraud": "withhold"})), waitlist(json!({"referral_fraud": "off"})));
        let of = |list| SignUpFacts { referrer: Some(&known), ..facts(list) };
        let mine = || SignUp { profile: profile("eve+2@example.com"), ..command() };
        assert_eq!(referral(mine(), of(&flag)), (Credited, 100, Some(known.id)));
        assert_eq!(referral(mine(), of(&withhold)), (Withheld, 100, None));
        assert_eq!(referral(mine(), of(&off)), (Credited, 0, Some(known.id)));
        assert_eq!(referral(command(), of(&withhold)), (Credited, 0, Some(known.id)));
        let neighbour = || SignUp { network: Some(HERE), ..command() };
        assert_eq!(referral(neighbour(), of(&withhold)), (Credited, 40, Some(known.id)));
        let disposable = SignUp { disposable: true, ..neighbour() };
        assert_eq!(referral(disposable, of(&withhold)), (Withheld, 90, None));
        let erased = Some(SuppressionId::new(Uuid::from_u128(9)));
        assert_eq!(referral(command(), SignUpFacts { erased, ..of(&withhold) }), (Withheld, 100, None));
        let busy = ReferrerFacts { recent: 20, ..known.clone() };
        assert_eq!(referral(command(), SignUpFacts { referrer: Some(&busy), ..of(&withhold) }), (Withheld, 60, None));
        let elsewhere = SignUp { network: Some(NetworkHash::new([2; 16])), ..command() };
        assert_eq!(referral(elsewhere.clone(), of(&flag)), (Credited, 0, Some(known.id)));
        assert_eq!(referral(elsewhere, SignUpFacts { neighbours: 3, ..of(&flag) }), (Credited, 40, Some(known.id)));
        assert_eq!(
            referral(command(), SignUpFacts { neighbours: 3, ..of(&flag) }),
            (Credited, 0, Some(known.id)),
            "its network is unknown"
        );
        let old = ReferrerFacts { joined_at: command().now.plus(-NETWORKS_KEPT), ..known.clone() };
        assert_eq!(referral(neighbour(), SignUpFacts { referrer: Some(&old), ..of(&flag) }), (Credited, 0, Some(known.id)));
    }

    #[test]
    fn a_network_is_kept_if_referrals_are_judged() {
        let network = |settings| SignUp { network: Some(HERE), ..command() }.decide(facts(&waitlist(settings))).unwrap().network;
        assert_eq!(network(json!({})), Some(HERE));
        assert_eq!(network(json!({"referral_fraud": "off"})), None);
    }

    #[test]
    fn a_referral_is_told_and_a_reward_once() {
        let rewards = json!({"milestones": [{"count": 3, "reward": "a mug"}, {"count": 4, "reward": "a shirt"}]});
        let list = waitlist(json!({"referral_rewards": rewards}));
        let (eve, entry) = (referrer(EntryStatus::Pending), command().decide(facts(&list)).unwrap().entry);
        let told = |eve: &ReferrerFacts| {
            let facts = SignUpFacts { referrer: Some(eve), rewarded: Some(&entry), ..facts(&list) };
            let events = command().decide(facts).unwrap().events;
            events.into_iter().skip(1).map(|event| (event.kind, event.id.uuid().as_u128())).collect::<Vec<_>>()
        };
        let credited = (EventKind::ReferralCredited, 11);
        assert_eq!(told(&eve), [credited, (EventKind::RewardReached, 12)]);
        assert_eq!(told(&ReferrerFacts { referral_peak: 3, ..eve.clone() }), [credited], "it was reached before");
        assert_eq!(told(&ReferrerFacts { referral_count: 1, referral_peak: 1, ..eve.clone() }), [credited]);
    }

    #[test]
    fn a_variant_that_is_not_active_is_stored_as_none() {
        let variant_id = Some(VariantId::new(Uuid::from_u128(8)));
        let command = SignUp { variant_id, ..command() };
        assert_eq!(command.decide(facts(&waitlist(json!({})))).unwrap().entry.variant_id, None);
        let list = waitlist(json!({}));
        let facts = SignUpFacts { variant_is_active: true, ..facts(&list) };
        assert_eq!(command.decide(facts).unwrap().entry.variant_id, variant_id);
    }

    #[test]
    fn a_visitor_confirms_first_where_the_list_asks_for_it() {
        let list = waitlist(json!({"email_confirmation": true}));
        assert_eq!(command().decide(facts(&list)), Err(SignUpRejection::ConfirmationRequired));
        let admin = SignUp { actor: Actor::CommandLine, ..command() };
        assert_eq!(admin.decide(facts(&list)).unwrap().entry.confirmed_at, None);
    }

    #[test]
    fn a_confirmation_is_a_sign_up_of_what_waits() {
        let list = waitlist(json!({"email_confirmation": true, "custom_fields": [{"key": "company", "required": true}]}));
        let kept = KeptRequest::from(request());
        let confirm = SignUp { confirms: Some(kept.id), ..command() };
        let plan = confirm.decide(SignUpFacts { request: Some(&kept), ..facts(&list) }).unwrap();
        assert_eq!((plan.entry.confirmed_at, plan.entry.position.number()), (Some(confirm.now), 42));
        let of = |state| KeptRequest { state, ..request().into() };
        let entry = EntryId::new(Uuid::from_u128(3));
        for (state, ended) in [
            (None, RequestEnded::NoSuchRequest),
            (Some(of(RequestState::Refused)), RequestEnded::Refused),
            (Some(of(RequestState::Confirmed(entry))), RequestEnded::Confirmed(entry)),
            (Some(KeptRequest { expires_at: confirm.now, ..kept.clone() }), RequestEnded::Expired),
            (Some(KeptRequest { waitlist_id: WaitlistId::new(Uuid::from_u128(99)), ..kept.clone() }), RequestEnded::NoSuchRequest),
        ] {
            let facts = SignUpFacts { request: state.as_ref(), ..facts(&list) };
            assert_eq!(confirm.decide(facts), Err(SignUpRejection::Ended(ended)));
        }
        let of_another = SignUp { profile: profile("bob@example.com"), ..confirm };
        let refused = of_another.decide(SignUpFacts { request: Some(&kept), ..facts(&list) });
        assert_eq!(refused, Err(SignUpRejection::Ended(RequestEnded::NoSuchRequest)));
    }

    #[test]
    fn a_person_who_was_erased_comes_back_by_a_sign_up() {
        let (list, erased) = (waitlist(json!({})), Some(SuppressionId::new(Uuid::from_u128(9))));
        assert_eq!(command().decide(SignUpFacts { erased, ..facts(&list) }).unwrap().lifts, erased);
        assert_eq!(command().decide(facts(&list)).unwrap().lifts, None);
    }

    #[test]
    fn a_proof_is_used_by_the_sign_up_that_succeeds() {
        let proof = Proof { id: ProofId::new(Uuid::from_u128(6)), expires_at: command().now };
        let (list, command) = (waitlist(json!({})), SignUp { proof: Some(proof), ..command() });
        let used = UsedProof { proof, waitlist_id: list.id, taken_at: None };
        assert_eq!(command.decide(facts(&list)).unwrap().uses, Some(used));
        let again = SignUpFacts { proof_used: true, email_taken: true, ..facts(&list) };
        assert_eq!(command.decide(again), Err(SignUpRejection::ProofUsed));
    }

    #[test]
    fn a_missing_answer_is_named() {
        let list = waitlist(json!({"custom_fields": [{"key": "company", "required": true}]}));
        let Err(SignUpRejection::Metadata(errors)) = command().decide(facts(&list)) else { panic!("must be refused") };
        assert_eq!(errors[0].field, "metadata.company");
    }
}
