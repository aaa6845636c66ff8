//! Asking for the confirmation of an address, refusing it, and sending a person their own link.
//!
//! Whoever asks for a mail learns nothing of the address: each of these commands has one answer, whatever is stored.

use std::net::IpAddr;

use time::Duration;

use crate::actor::Actor;
use crate::audit::{AuditAction, Audited, change};
use crate::confirmation::{KeptRequest, MailShare, RequestEnded, SignUpRequest};
use crate::email::Email;
use crate::entry::Entry;
use crate::error::FieldError;
use crate::id::{MailId, ProofId, RequestId, SuppressionId, VariantId, WaitlistId};
use crate::ledger::FraudMode;
use crate::mail::{Links, Mail, MailKind, MailSetup};
use crate::profile::Profile;
use crate::proof_of_work::{Proof, ProofOfWork, UsedProof};
use crate::referral::ReferralCode;
use crate::secret::{AddressHash, NetworkHash};
use crate::suppression::{Suppression, SuppressionReason};
use crate::timestamp::Timestamp;
use crate::waitlist::Waitlist;

/// What a stranger asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// To sign up, after the owner of the address has confirmed it.
    SignUp {
        /// The id of the sign-up request, if one is written.
        id: RequestId,
        /// What the person says about themselves. It has the address.
        profile: Box<Profile>,
        /// The referral code that the person used.
        friends_code: Option<ReferralCode>,
        /// The variant that the person saw, according to the client.
        variant_id: Option<VariantId>,
        /// The hash of the network that the person's form came from, if it is known.
        network: Option<NetworkHash>,
        /// How long the request waits.
        ttl: Duration,
    },
    /// To get their own link again.
    Link {
        /// The address.
        email: Email,
    },
}

/// Asks for a mail on behalf of whoever typed an address into a form.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestMail {
    /// The waitlist.
    pub waitlist_id: WaitlistId,
    /// What is asked for.
    pub wish: Wish,
    /// The id of a mail with the person's own link, if one is written.
    pub link_mail_id: MailId,
    /// The hash of what the list knows the address by
    /// ([`AddressRules::known_by`](crate::settings::AddressRules::known_by)). The mails that strangers cause are counted by it.
    pub address: AddressHash,
    /// The proof of work that the list asked for, checked.
    pub proof: Option<Proof>,
    /// The address of the client, if it is known.
    pub client: Option<IpAddr>,
    /// Who asks.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
    /// The base of the links in the mail.
    pub links: Links,
}

/// The stored state that a request for a mail needs. The store keeps the share locked until the plan is written.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestMailFacts<'a> {
    /// The waitlist.
    pub waitlist: &'a Waitlist,
    /// The number of entries on the list now.
    pub entries: u64,
    /// The entry of the list that has the address.
    pub entry: Option<&'a Entry>,
    /// The newest sign-up request of the list with the address, if it is not confirmed or refused. It may have expired.
    pub request: Option<&'a SignUpRequest>,
    /// Whether `proof` was used before.
    pub proof_used: bool,
    /// The reasons for which the workspace sends no mail to the address.
    pub suppressed: &'a [SuppressionReason],
    /// The mails that strangers caused to the address.
    pub share: &'a MailShare,
    /// How the workspace sends mail, if it does.
    pub mail: Option<&'a MailSetup>,
}

/// The result of a request for a mail. The store writes all of it or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestMailPlan {
    /// The sign-up request as it is now, new or with one more mail. It replaces the one with its id.
    pub request: Option<SignUpRequest>,
    /// A sign-up request to delete with its mails, because it has expired.
    pub expired: Option<SignUpRequest>,
    /// The mail to write.
    pub mail: Option<Mail>,
    /// The share of the address afterwards. The store writes it even if nothing changed, so that every case writes.
    pub share: MailShare,
    /// The proof of work that is used up, or the trace of a sign-up that has no other.
    pub uses: Option<UsedProof>,
}

/// Why a sign-up that needs a confirmation was refused. No reason tells anything of the address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestMailRejection {
    /// The waitlist does not exist any more.
    #[error("this waitlist does not exist")]
    NoSuchWaitlist,
    /// The list takes no sign-ups now.
    #[error("this waitlist is not open for sign-ups")]
    WaitlistNotActive,
    /// The proof of work was used before.
    #[error("this proof of work was used before")]
    ProofUsed,
    /// The list has as many entries as its settings allow.
    #[error("this waitlist is full")]
    WaitlistFull,
    /// The workspace sends no mail that asks for a confirmation.
    #[error("this waitlist cannot send mail now; try again later")]
    SendsNoMail,
    /// Answers to required custom fields or the consent are missing, or answers do not fit.
    #[error("answers to custom fields are missing or do not fit")]
    Metadata(Vec<FieldError>),
}

impl RequestMail {
    /// Returns the address.
    pub fn email(&self) -> &Email {
        match &self.wish {
            Wish::SignUp { profile, .. } => &profile.email,
            Wish::Link { email } => email,
        }
    }

    /// Decides on a request for a mail.
    ///
    /// A sign-up waits once for each list and address: the first one stands until it is confirmed, refused or expired, and a repeat only
    /// sends its mail again. An address that is on the list is sent its own link. Limits and suppressions hold the mail back, and the
    /// request waits all the same.
    ///
    /// # Errors
    /// If a rule refuses a sign-up. A wish for a link is never refused.
    pub fn decide(&self, facts: &RequestMailFacts<'_>) -> Result<RequestMailPlan, RequestMailRejection> {
        let mut plan = RequestMailPlan { request: None, expired: None, mail: None, share: facts.share.clone(), uses: None };
        if let Wish::SignUp { profile, .. } = &self.wish {
            self.check_sign_up(profile, facts)?;
        }
        let may_send = |kind: MailKind| {
            let held_back = facts.suppressed.iter().any(|reason| reason.holds_back(kind));
            !held_back && facts.share.allows(self.waitlist_id, self.now)
        };
        match (&self.wish, facts.entry) {
            (_, Some(entry)) => {
                let link = |setup| Mail::of_link(self.link_mail_id, setup, &self.links, self.now, entry, facts.waitlist);
                plan.mail = facts.mail.filter(|_| may_send(MailKind::Link)).and_then(link);
            }
            (Wish::SignUp { .. }, None) => {
                let standing = facts.request.filter(|request| request.expires_at > self.now);
                plan.expired = facts.request.filter(|_| standing.is_none()).cloned();
                let request = standing.cloned().or_else(|| self.new_request(facts.waitlist));
                let ask = |setup| Mail::of_request(setup, &self.links, self.now, request.as_ref()?, facts.waitlist);
                plan.mail = facts.mail.filter(|_| may_send(MailKind::Confirm)).and_then(ask);
                plan.request = if plan.mail.is_some() { request.map(|request| request.mailed(self.now)) } else { request };
            }
            (Wish::Link { .. }, None) => {}
        }
        plan.mail = plan.mail.map(|mail| mail.caused_from(self.client, &self.links));
        if plan.mail.is_some() {
            plan.share = facts.share.with(self.waitlist_id, self.now);
        }
        plan.uses = self.uses(facts, &plan);
        Ok(plan)
    }

    /// Returns the proof that a sign-up uses up. A sign-up that leaves no new request is counted by it: every address counts alike.
    fn uses(&self, facts: &RequestMailFacts<'_>, plan: &RequestMailPlan) -> Option<UsedProof> {
        let Wish::SignUp { id, .. } = &self.wish else { return None };
        let is_new = plan.request.as_ref().is_some_and(|request| request.id == *id);
        let taken_at = Some(self.now).filter(|_| !is_new);
        let counts = taken_at.is_some() && facts.waitlist.settings.proof_of_work == ProofOfWork::Auto;
        let trace = || Proof { id: ProofId::new(self.link_mail_id.uuid()), expires_at: self.now.plus(ProofOfWork::PERIOD) };
        let proof = self.proof.or_else(|| counts.then(trace))?;
        Some(UsedProof { proof, waitlist_id: self.waitlist_id, taken_at })
    }

    fn check_sign_up(&self, profile: &Profile, facts: &RequestMailFacts<'_>) -> Result<(), RequestMailRejection> {
        let settings = &facts.waitlist.settings;
        if !facts.waitlist.is_open() {
            return Err(RequestMailRejection::WaitlistNotActive);
        }
        if facts.proof_used {
            return Err(RequestMailRejection::ProofUsed);
        }
        profile.clone().answering(settings).map_err(RequestMailRejection::Metadata)?;
        if settings.max_entries.is_some_and(|max| facts.entries >= max) {
            return Err(RequestMailRejection::WaitlistFull);
        }
        if !facts.mail.is_some_and(MailSetup::can_confirm) {
            return Err(RequestMailRejection::SendsNoMail);
        }
        Ok(())
    }

    fn new_request(&self, waitlist: &Waitlist) -> Option<SignUpRequest> {
        let Wish::SignUp { id, profile, friends_code, variant_id, network, ttl } = &self.wish else { return None };
        Some(SignUpRequest {
            id: *id,
            waitlist_id: waitlist.id,
            workspace_id: waitlist.workspace_id,
            profile: (**profile).clone(),
            friends_code: friends_code.clone(),
            variant_id: *variant_id,
            network: network.filter(|_| waitlist.settings.referral_policy.mode != FraudMode::Off),
            requested_at: self.now,
            expires_at: self.now.plus(*ttl),
            mails_sent: 0,
            last_mail_at: None,
        })
    }
}

/// Refuses a sign-up that was not the reader's own. What was sent is deleted, and the address is suppressed.
#[derive(Debug, Clone, PartialEq)]
pub struct Refuse {
    /// The sign-up request.
    pub id: RequestId,
    /// The id of the suppression.
    pub suppression_id: SuppressionId,
    /// Who refuses it.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
    /// Gives the secret that hashes the address.
    pub links: Links,
}

/// The result of refusing a sign-up. The store writes all of it or nothing, and deletes the mails of the request.
#[derive(Debug, Clone, PartialEq)]
pub enum RefusePlan {
    /// It was refused before. The store writes nothing.
    None,
    /// It is refused now.
    Refuse {
        /// The request, whose mails are deleted.
        request: Box<SignUpRequest>,
        /// The suppression to write.
        suppression: Suppression,
    },
}

impl Refuse {
    /// Decides on refusing a sign-up, from the request as it is now. Refusing it again changes nothing.
    ///
    /// # Errors
    /// If there is no such request, it has expired, or it was confirmed.
    pub fn decide(&self, current: Option<KeptRequest>) -> Result<RefusePlan, RequestEnded> {
        let request = match current.ok_or(RequestEnded::NoSuchRequest)?.waiting(self.now) {
            Ok(request) => request,
            Err(RequestEnded::Refused) => return Ok(RefusePlan::None),
            Err(ended) => return Err(ended),
        };
        let suppression = Suppression {
            id: self.suppression_id,
            workspace_id: request.workspace_id,
            address: self.links.secret().hash_address(&request.profile.email),
            masked_email: None,
            reason: SuppressionReason::Refused,
            created_at: self.now,
        };
        Ok(RefusePlan::Refuse { request: request.into(), suppression })
    }
}

/// Sends the mail of a sign-up request once more, for an admin. The limits of strangers do not count.
#[derive(Debug, Clone, PartialEq)]
pub struct Resend {
    /// The waitlist of the request.
    pub waitlist_id: WaitlistId,
    /// The sign-up request.
    pub id: RequestId,
    /// Who asks.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
    /// The base of the links in the mail.
    pub links: Links,
}

/// Why a mail was not sent once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResendRejection {
    /// The list has no such request that waits.
    #[error("no such sign-up waits for a confirmation")]
    NoSuchRequest,
    /// The workspace sends no mail that asks for a confirmation.
    #[error("this workspace sends no mail that asks for a confirmation")]
    SendsNoMail,
}

impl Resend {
    /// Returns the request with one more mail, and that mail.
    ///
    /// # Errors
    /// If the request does not wait, or the workspace sends no such mail.
    pub fn decide(
        &self,
        current: Option<KeptRequest>,
        waitlist: &Waitlist,
        mail: Option<&MailSetup>,
    ) -> Result<Audited<(SignUpRequest, Mail)>, ResendRejection> {
        let current = current.filter(|current| current.waitlist_id == self.waitlist_id).ok_or(ResendRejection::NoSuchRequest)?;
        let request = current.waiting(self.now).map_err(|_| ResendRejection::NoSuchRequest)?;
        let mail = mail.and_then(|setup| Mail::of_request(setup, &self.links, self.now, &request, waitlist));
        let mail = mail.ok_or(ResendRejection::SendsNoMail)?;
        let (before, request) = (request.mails_sent, request.mailed(self.now));
        let changed = change("mails_sent", before, request.mails_sent);
        let row = self.actor.audit(self.now, request.workspace_id, AuditAction::ConfirmationResend, request.id, changed);
        Ok(Audited::new((request, mail), row))
    }
}

/// Deletes a sign-up request that waits, for an admin, with its mails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteRequest {
    /// The waitlist of the request.
    pub waitlist_id: WaitlistId,
    /// The sign-up request.
    pub id: RequestId,
    /// Who deletes it.
    pub actor: Actor,
    /// The current time.
    pub now: Timestamp,
}

impl DeleteRequest {
    /// Returns the request to delete with its mails, from the request as it is now. `None` means that the list has none that waits.
    pub fn decide(&self, current: Option<KeptRequest>) -> Audited<Option<SignUpRequest>> {
        let current = current.filter(|current| current.waitlist_id == self.waitlist_id);
        let Some(Ok(request)) = current.map(|current| current.waiting(self.now)) else { return Audited::silent(None) };
        let changed = change("waitlist_id", self.waitlist_id.to_string(), None::<String>);
        let row = self.actor.audit(self.now, request.workspace_id, AuditAction::ConfirmationDelete, request.id, changed);
        Audited::new(Some(request), row)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::super::sign_up::tests::{command as sign_up, facts as sign_up_facts, links, profile, smtp_setup, waitlist};
    use super::*;
    use crate::confirmation::DEFAULT_CONFIRMATION_TTL;
    use crate::confirmation::tests::{now, request};
    use crate::mail::Recipient;

    fn wish(name: &str) -> Wish {
        let profile = Profile { name: crate::text::PersonName::parse(name).unwrap(), ..profile("ada@example.com") };
        Wish::SignUp {
            id: RequestId::new(Uuid::from_u128(21)),
            profile: profile.into(),
            friends_code: None,
            variant_id: None,
            network: request().network,
            ttl: DEFAULT_CONFIRMATION_TTL,
        }
    }

    fn command(wish: Wish) -> RequestMail {
        RequestMail {
            waitlist_id: request().waitlist_id,
            wish,
            link_mail_id: MailId::new(Uuid::from_u128(31)),
            address: links().secret().hash_address(&request().profile.email),
            proof: None,
            client: None,
            actor: Actor::Visitor,
            now: now(),
            links: links(),
        }
    }

    fn link() -> Wish {
        Wish::Link { email: request().profile.email }
    }

    const NO_MAIL: &MailShare = &MailShare::NONE;

    fn facts<'a>(waitlist: &'a Waitlist, mail: &'a MailSetup) -> RequestMailFacts<'a> {
        let mail = Some(mail);
        RequestMailFacts { waitlist, entries: 0, entry: None, request: None, proof_used: false, suppressed: &[], share: NO_MAIL, mail }
    }

    fn entry() -> Entry {
        sign_up().decide(sign_up_facts(&waitlist(json!({})))).unwrap().entry
    }

    #[test]
    fn a_list_that_looks_for_no_fraud_keeps_no_network() {
        for (choice, keeps) in [("flag", true), ("withhold", true), ("off", false)] {
            let list = waitlist(json!({"email_confirmation": true, "referral_fraud": choice}));
            let plan = command(wish("Ada")).decide(&facts(&list, &smtp_setup())).unwrap();
            assert_eq!(plan.request.unwrap().network.is_some(), keeps, "{choice}");
        }
    }

    #[test]
    fn a_new_address_waits_and_is_asked() {
        let (list, setup) = (waitlist(json!({"email_confirmation": true})), smtp_setup());
        let plan = command(wish("Ada")).decide(&facts(&list, &setup)).unwrap();
        let waiting = plan.request.unwrap();
        assert_eq!(waiting, request().mailed(now()));
        let mail = plan.mail.unwrap();
        assert_eq!((mail.kind, mail.id, &mail.to), (MailKind::Confirm, request().next_mail_id(), &waiting.profile.email));
        assert_eq!(mail.stranger, Some(links().secret().hash_network(None)));
        assert_eq!(mail.expires_at, Some(waiting.expires_at));
        assert_eq!(mail.recipient, Recipient::Request { waitlist_id: waiting.waitlist_id, request_id: waiting.id });
        assert!(!plan.share.allows(waiting.waitlist_id, now()));
        let data: serde_json::Value = serde_json::from_str(&mail.data).unwrap();
        let page = data["confirm_url"].as_str().unwrap();
        assert!(page.starts_with("https://rally.example/confirm/"), "{page}");
        assert_eq!(data["refuse_url"], format!("{page}/refuse"));
        assert_eq!((&data["entry"]["email"], &data["entry"]["name"]), (&json!("ada@example.com"), &json!("Ada")));
        assert_eq!(data["expires_at"], "2026-02-07T09:00:00.000Z");
    }

    #[test]
    fn every_sign_up_uses_its_proof_and_counts_once() {
        let (setup, known) = (smtp_setup(), entry());
        let proof = Proof { id: ProofId::new(Uuid::from_u128(6)), expires_at: now() };
        let uses = |settings, proof, entry| {
            let list = waitlist(settings);
            let facts = RequestMailFacts { entry, ..facts(&list, &setup) };
            let uses = RequestMail { proof, ..command(wish("Ada")) }.decide(&facts).unwrap().uses;
            uses.map(|used| (used.proof.id, used.taken_at))
        };
        let (auto, of_link) = (json!({"proof_of_work": "auto"}), ProofId::new(Uuid::from_u128(31)));
        assert_eq!(uses(json!({}), Some(proof), None), Some((proof.id, None)));
        assert_eq!(uses(json!({}), Some(proof), Some(&known)), Some((proof.id, Some(now()))));
        assert_eq!(uses(auto.clone(), None, None), None);
        assert_eq!(uses(auto, None, Some(&known)), Some((of_link, Some(now()))));
        assert_eq!(uses(json!({}), None, Some(&known)), None);
        let list = waitlist(json!({}));
        let again = RequestMailFacts { proof_used: true, ..facts(&list, &setup) };
        assert_eq!(command(wish("Ada")).decide(&again).unwrap_err(), RequestMailRejection::ProofUsed);
        assert_eq!(command(link()).decide(&facts(&list, &setup)).unwrap().uses, None);
    }

    #[test]
    fn a_page_of_the_operator_gets_the_token() {
        let settings = json!({"email_confirmation": true, "confirm_page_url": "https://acme.example/yes?a=1#top"});
        let (list, setup) = (waitlist(settings), smtp_setup());
        let mail = command(wish("Ada")).decide(&facts(&list, &setup)).unwrap().mail.unwrap();
        let data: serde_json::Value = serde_json::from_str(&mail.data).unwrap();
        let (confirm, refuse) = (data["confirm_url"].as_str().unwrap(), data["refuse_url"].as_str().unwrap());
        let token = refuse.strip_prefix("https://rally.example/confirm/").unwrap().strip_suffix("/refuse").unwrap();
        assert_eq!(confirm, format!("https://acme.example/yes?a=1&token={token}#top"));
    }

    #[test]
    fn the_first_sign_up_stands_and_a_repeat_sends_its_mail_again() {
        let (list, setup) = (waitlist(json!({})), smtp_setup());
        let first = request().mailed(now());
        let share = MailShare::default().with(list.id, now());
        let again = |minutes| RequestMail { now: now().plus(Duration::minutes(minutes)), ..command(wish("Mallory")) };
        let known = RequestMailFacts { request: Some(&first), share: &share, ..facts(&list, &setup) };
        let early = again(9).decide(&known).unwrap();
        assert_eq!((early.request, early.mail, early.share), (Some(first.clone()), None, share.clone()));
        let plan = again(10).decide(&known).unwrap();
        assert_eq!(plan.request, Some(first.clone().mailed(now().plus(Duration::minutes(10)))));
        assert_eq!(plan.mail.unwrap().id, first.next_mail_id());
    }

    #[test]
    fn an_expired_request_gives_way() {
        let (list, setup) = (waitlist(json!({})), smtp_setup());
        let old = SignUpRequest { id: RequestId::new(Uuid::from_u128(20)), expires_at: now(), ..request() };
        let plan = command(wish("Ada")).decide(&RequestMailFacts { request: Some(&old), ..facts(&list, &setup) }).unwrap();
        assert_eq!((plan.request.unwrap().id, plan.expired), (request().id, Some(old)));
    }

    #[test]
    fn a_person_on_the_list_is_sent_their_link() {
        let (list, setup, entry) = (waitlist(json!({})), smtp_setup(), entry());
        let known = RequestMailFacts { entry: Some(&entry), ..facts(&list, &setup) };
        for wish in [wish("Ada"), link()] {
            let plan = command(wish).decide(&known).unwrap();
            assert_eq!((plan.request, plan.expired), (None, None));
            let mail = plan.mail.unwrap();
            assert_eq!((mail.kind, mail.recipient.entry_id()), (MailKind::Link, Some(entry.id)));
            assert!(!plan.share.allows(list.id, now()));
        }
        let stranger = command(link()).decide(&facts(&list, &setup)).unwrap();
        assert_eq!((stranger.mail, stranger.request, stranger.share), (None, None, MailShare::default()));
    }

    #[test]
    fn what_holds_mail_back_does_not_hold_the_request_back() {
        let (list, setup) = (waitlist(json!({})), smtp_setup());
        for reason in SuppressionReason::ALL {
            let plan = command(wish("Ada")).decide(&RequestMailFacts { suppressed: &[reason], ..facts(&list, &setup) }).unwrap();
            let sent = matches!(reason, SuppressionReason::Unsubscribed | SuppressionReason::Erased);
            assert_eq!((plan.request.unwrap().mails_sent, plan.mail.is_some()), (u32::from(sent), sent), "{reason:?}");
        }
        let full = (2..7).fold(MailShare::default(), |share, n| share.with(WaitlistId::new(Uuid::from_u128(n)), now()));
        let plan = command(wish("Ada")).decide(&RequestMailFacts { share: &full, ..facts(&list, &setup) }).unwrap();
        assert_eq!((plan.request.unwrap().mails_sent, plan.mail, plan.share), (0, None, full));
    }

    #[test]
    fn a_refusal_tells_nothing_of_the_address() {
        let setup = smtp_setup();
        let (known, wanted) = (entry(), json!([{"key": "company", "required": true}]));
        for (settings, status, mail, expected) in [
            (json!({}), "paused", true, RequestMailRejection::WaitlistNotActive),
            (json!({"max_entries": 1}), "active", true, RequestMailRejection::WaitlistFull),
            (json!({}), "active", false, RequestMailRejection::SendsNoMail),
        ] {
            let list = Waitlist { status: crate::waitlist::WaitlistStatus::parse(status).unwrap(), ..waitlist(settings) };
            for entry in [None, Some(&known)] {
                let facts = RequestMailFacts { entries: 1, entry, mail: mail.then_some(&setup), ..facts(&list, &setup) };
                assert_eq!(command(wish("Ada")).decide(&facts).unwrap_err(), expected);
                assert!(command(link()).decide(&facts).is_ok());
            }
        }
        let list = waitlist(json!({"custom_fields": wanted}));
        let Err(RequestMailRejection::Metadata(errors)) = command(wish("Ada")).decide(&facts(&list, &setup)) else { panic!("refused") };
        assert_eq!(errors[0].field, "metadata.company");
    }

    #[test]
    fn refusing_suppresses_the_address_once() {
        let refuse = Refuse {
            id: request().id,
            suppression_id: SuppressionId::new(Uuid::from_u128(5)),
            actor: Actor::Visitor,
            now: now(),
            links: links(),
        };
        let Ok(RefusePlan::Refuse { request: refused, suppression }) = refuse.decide(Some(request().into())) else { panic!("refused") };
        assert_eq!(*refused, request());
        assert_eq!((suppression.reason, suppression.masked_email), (SuppressionReason::Refused, None));
        assert_eq!(suppression.address, links().secret().hash_address(&request().profile.email));
        let of = |state| KeptRequest { state, ..request().into() };
        assert_eq!(refuse.decide(Some(of(crate::confirmation::RequestState::Refused))), Ok(RefusePlan::None));
        let confirmed = crate::confirmation::RequestState::Confirmed(entry().id);
        assert_eq!(refuse.decide(Some(of(confirmed))), Err(RequestEnded::Confirmed(entry().id)));
        assert_eq!(refuse.decide(None), Err(RequestEnded::NoSuchRequest));
        let late = Refuse { now: request().expires_at, ..refuse };
        assert_eq!(late.decide(Some(request().into())), Err(RequestEnded::Expired));
    }

    #[test]
    fn an_admin_sends_the_mail_again_at_any_time() {
        let (list, setup) = (waitlist(json!({})), smtp_setup());
        let resend = Resend { waitlist_id: list.id, id: request().id, actor: Actor::CommandLine, now: now(), links: links() };
        let waiting = request().mailed(now());
        let (after, mail) = resend.decide(Some(waiting.clone().into()), &list, Some(&setup)).unwrap().plan;
        assert_eq!(mail.stranger, None);
        assert_eq!((after.mails_sent, mail.id), (2, waiting.next_mail_id()));
        assert_eq!(resend.decide(Some(waiting.clone().into()), &list, None), Err(ResendRejection::SendsNoMail));
        assert_eq!(resend.decide(None, &list, Some(&setup)), Err(ResendRejection::NoSuchRequest));
        let other = Resend { waitlist_id: WaitlistId::new(Uuid::from_u128(77)), ..resend };
        assert_eq!(other.decide(Some(waiting.into()), &list, Some(&setup)), Err(ResendRejection::NoSuchRequest));
    }
}
